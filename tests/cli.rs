//! Promises of the command line: streams, formats, files, exit codes, and the same bytes for any number of threads.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use support::{SMALL, command, file, finish, folder, native, run, run_with_stdin};

const RULES: &str = "rules/";
const SHELL: &str = "samples/reverse_shell_redirect.trace";
const CONTAINER: &str = "samples/shell_in_container.trace";

#[test]
fn data_goes_to_standard_output_and_the_rest_to_standard_error() {
    let run_ = run(["analyze", SHELL, "-r", RULES, "-f", "jsonl"]).expect(0);
    assert_eq!(run_.lines().len(), 4);
    assert!(run_.stderr.contains("4 signals"), "{}", run_.stderr);
    let quiet = run(["analyze", SHELL, "-r", RULES, "-f", "jsonl", "-q"]).expect(0);
    assert_eq!(quiet.stdout, run_.stdout);
    assert_eq!(quiet.stderr, "");
    // Nothing found: nothing on standard output.
    let folder = folder("cli-nothing");
    let rules = file(&folder, "none.yaml", "- list: a\n  items: [b]\n");
    assert_eq!(run(["analyze", SHELL, "-r", &rules, "-q"]).expect(0).text(), "");
}

#[test]
fn in_a_pipe_signals_are_json_lines_with_the_keys_of_falco_and_ours() {
    let run = run(["analyze", SHELL, "-r", RULES]).expect(0);
    for signal in run.lines() {
        for key in [
            "rule",
            "priority",
            "source",
            "tags",
            "time",
            "hostname",
            "output",
            "output_fields",
            "seq",
            "id",
            "process",
            "verdict",
            "suppressed_by",
            "evidence",
        ] {
            assert!(signal.get(key).is_some(), "no {key} in {signal}");
        }
        assert_eq!(signal["source"], "syscall");
        assert_eq!(signal["hostname"], "batch-01.example.com");
        assert_eq!(signal["verdict"], "fired");
        let time = signal["time"].as_str().expect("a time");
        assert!(time.starts_with("2026-03-02T11:01:") && time.ends_with('Z') && time.len() == 30, "{time}");
    }
    let seqs: Vec<u64> = run.lines().iter().map(|s| s["seq"].as_u64().expect("a number")).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
}

/// What is asked of a part of a trace is answered as in the whole, of any format; of a native trace, segments after
/// `--until` are not read.
#[test]
fn a_part_of_a_trace_is_answered_as_the_whole() {
    let folder = folder("cli-part");
    let text = std::fs::read(SHELL).expect("the sample is there");
    let trace = file(&folder, "shell.trh", native(&text, 8));
    let whole = run(["analyze", SHELL, "-r", RULES, "-f", "jsonl", "-q"]).expect(0).text().to_owned();
    for (flags, expected) in [
        (&[][..], 4),
        (&["--since", "2026-03-02T11:01:00.047Z"], 1),
        (&["--until", "2026-03-02T11:01:00.047Z"], 3),
        (&["--since", "2026-03-02T11:01:00.046975Z", "--until", "2026-03-02T11:01:00.046977Z"], 2),
        (&["--until", "2026-03-01"], 0),
        (&["--pid", "5127"], 4),
        (&["--pid", "611"], 0),
    ] {
        for input in [SHELL, &trace] {
            let args = ["analyze", input, "-r", RULES, "-f", "jsonl", "-q"];
            let run = run(args.iter().chain(flags)).expect(0);
            let part = run.text();
            assert_eq!(part.lines().count(), expected, "{flags:?} {input}");
            assert!(part.lines().all(|line| whole.contains(line)), "{flags:?} {input}: {part}");
        }
    }
    let left_out = run(["analyze", &trace, "-r", RULES, "--until", "2026-03-01"]).expect(0).stderr;
    assert!(left_out.contains(" events after --until were left out"), "{left_out}");
    assert!(run(["analyze", SHELL, "--since", "soon"]).expect(2).stderr.contains("not a date"));
}

/// Several traces at a time are reported one after the other, in the order typed.
#[test]
fn several_traces_are_reported_in_order() {
    let one = |trace: &str| run(["analyze", trace, "-r", RULES, "-f", "jsonl", "-q"]).expect(0).text().to_owned();
    let both = run(["analyze", SHELL, CONTAINER, SHELL, "-r", RULES, "-f", "jsonl", "-q", "-j", "2"])
        .expect(0)
        .text()
        .to_owned();
    assert_eq!(both, [one(SHELL), one(CONTAINER), one(SHELL)].concat());
}

#[test]
fn bench_measures_every_stage() {
    let run = run(["bench", SHELL, "-r", RULES, "-n", "1", "-j", "2", "-f", "json"]).expect(0);
    let found: serde_json::Value = serde_json::from_str(run.text()).expect("one JSON object");
    let names: Vec<&str> =
        found["stages"].as_array().expect("stages").iter().filter_map(|s| s["stage"].as_str()).collect();
    assert_eq!(names, ["decode", "state", "rules", "tables", "events.parquet"]);
    assert_eq!((found["events"].as_u64(), found["runs"].as_array().map(Vec::len)), (Some(73), Some(2)));
    assert!(found["history_bytes"].as_u64() > Some(0), "{found}");
}

#[test]
fn text_for_people_has_a_line_a_signal() {
    let run = run(["analyze", SHELL, "-r", RULES, "-f", "text"]).expect(0);
    let text = run.text();
    assert_eq!(text.matches("Standard stream redirected to a network connection").count(), 3, "{text}");
    assert!(text.contains("192.0.2.40:47686->203.0.113.66:4444"), "{text}");
}

#[test]
fn colour_only_where_it_is_wanted() {
    for (args, no_color, has_color) in [
        (&["--color", "always"][..], None, true),
        (&["--color", "always"], Some("1"), true),
        (&["--color", "never"], None, false),
        (&[], None, false),
        (&[], Some("1"), false),
    ] {
        let mut command = command(["analyze", SHELL, "-r", RULES, "-f", "text"]);
        command.args(args);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let run = finish(command).expect(0);
        assert_eq!(run.stdout.contains(&0x1b), has_color, "{args:?} {no_color:?}: {}", run.stdout.escape_ascii());
    }
}

#[test]
fn info_has_its_stable_keys() {
    let info = run(["info", SHELL]).expect(0).json();
    for key in
        ["format", "events", "processes", "first_ns", "last_ns", "host", "kernel", "losses", "damage", "integrity"]
    {
        assert!(info.get(key).is_some(), "no {key} in {info}");
    }
    assert_eq!(info["events"], 73);
    assert_eq!(info["host"], "batch-01.example.com");
    assert_eq!(info["kernel"], "6.1.0-18-amd64");
    assert_eq!(info["damage"], serde_json::json!([]));
    let text = run(["info", "-f", "text", SHELL]).expect(0);
    assert!(text.text().contains("batch-01.example.com"));
}

#[test]
fn a_trace_can_come_from_standard_input_and_go_to_standard_output() {
    let trace = std::fs::read(support::root().join(SHELL)).expect("a sample");
    let piped = run_with_stdin(["analyze", "-", "-r", RULES], &trace).expect(0);
    let named = run(["analyze", SHELL, "-r", RULES]).expect(0);
    assert_eq!(piped.text(), named.text());
    let native = run(["convert", "--to", "native", SHELL, "-"]).expect(0);
    let again = run_with_stdin(["analyze", "-", "-r", RULES], &native.stdout).expect(0);
    assert_eq!(again.text(), named.text());
}

#[test]
fn tree_shows_processes_with_their_signals() {
    let run = run(["tree", SHELL, "-r", RULES]).expect(0);
    let text = run.text();
    for part in ["cron", "5126", "5127", "sh -i", "Shell started with its streams on a socket"] {
        assert!(text.contains(part), "expected {part:?} in {text}");
    }
}

#[test]
fn trees_of_a_moment_of_a_query_and_of_signals() {
    let shown = |args: &[&str], code: i32| run([&["tree", SHELL], args].concat()).expect(code).text().to_owned();
    let pids = |text: &str| -> Vec<String> {
        // Lines of signals end with the number of an event.
        let lines = text.lines().filter(|line| !line.contains(" event "));
        let words = lines.filter_map(|line| line.split_whitespace().find(|word| word.parse::<u32>().is_ok()));
        words.map(str::to_owned).collect()
    };
    let signal = "79530e4418351538";
    for (args, expected) in [
        (&["--at", "11:01:02"][..], &["1", "611", "5126", "5127"][..]),
        (&["--at", "+61s"], &["1", "611", "5126", "5127"]),
        (&["--at", "#41"], &["1", "611", "5126"]),
        (&["--at", "2026-03-02T11:00:13Z"], &["1", "611", "5110"]),
        (&["--at", "#0"], &["1", "611"]),
        (&["--at", signal, "-r", RULES], &["1", "611", "5126", "5127"]),
        (&["--match", "@process.comm:curl"], &["1", "5140"]),
        (&["--signal", signal, "-r", RULES], &["1", "5127", "5131"]),
        (&["--pid", "5126", "--depth", "0"], &["1", "5126", "2"]),
        (&["--only-signals", "-r", RULES], &["1", "611", "5126", "5127", "1", "2", "1"]),
        (&["--around", "#57±10ms"], &["1", "611", "5126", "5127", "5131", "2", "1"]),
    ] {
        let text = shown(args, 0);
        assert_eq!(pids(&text.replace('…', "")), expected, "{args:?}\n{text}");
    }
    for (args, why) in [
        (&["--at", "soon"][..], "not a date"),
        (&["--at", signal], "needs the rules"),
        (&["--only-signals"], "needs the rules"),
        (&["--signal", "12", "-r", RULES], "no signal id"),
        (&["--signal", "0000000000000000", "-r", RULES], "no signal"),
        (&["--match", "(", "--depth", "1"], "--match"),
        (&["-f", "dot"], "--signal"),
        (&["--pid", "1", "--match", "x"], "cannot be used"),
    ] {
        run([&["tree", SHELL], args].concat()).expect(2).says(&[why]);
    }
    let rows = run(["tree", SHELL, "-f", "jsonl"]).expect(0).lines();
    assert_eq!(rows.len(), 8);
    assert_eq!(run(["tree", SHELL, "-f", "json"]).expect(0).json().as_array().map(Vec::len), Some(8));
    for format in ["mermaid", "dot"] {
        let text = shown(&["--signal", signal, "-r", RULES, "-f", format], 0);
        assert!(text.contains("5127 sh → bash → sh") && text.contains("signal 79530e4418351538"), "{text}");
    }
}

#[test]
fn timelines() {
    let signal = "79530e4418351538";
    for (args, n) in [
        (&[][..], 27),
        (&["-r", RULES], 31),
        (&["--pid", "5131"], 2),
        (&["--since", "11:01:05", "--until", "11:01:06"], 2),
        (&["--since", "+60s", "--pid", "5131"], 2),
        (&["--since", "#57", "--until", "#60"], 2),
        (&["--around", signal, "-r", RULES, "--pid", "5127"], 10),
        (&["--around", "#57±1ms"], 1),
        (&["--since", "2027-01-01"], 0),
    ] {
        let lines = run([&["timeline", SHELL, "-f", "jsonl"], args].concat()).expect(0).lines();
        assert_eq!(lines.len(), n, "{args:?}: {lines:#?}");
        assert!(lines.is_sorted_by_key(|line| line["seq"].as_u64()), "{args:?}");
    }
    let text = run(["timeline", SHELL, "-f", "text"]).expect(0);
    assert!(text.text().starts_with("11:00:01.000 ") && !text.text().contains('\x1b'), "{}", text.text());
    let out = folder("cli-timeline").join("out.json");
    let path = out.to_str().expect("UTF-8");
    run(["timeline", SHELL, "-r", RULES, "-f", "perfetto", "-o", path]).expect(0);
    run(["timeline", SHELL, "-f", "perfetto", "-o", path]).expect(2).says(&["exists"]);
    let trace: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).expect("written")).expect("JSON");
    assert!(trace["traceEvents"].as_array().is_some_and(|events| events.len() > 50));
    run(["timeline", SHELL, "--around", signal]).expect(2).says(&["needs the rules"]);
}

#[test]
fn the_interface_needs_a_terminal() {
    run(["tui", SHELL]).expect(2).says(&["needs a terminal", "`tree` and `timeline`"]);
}

#[test]
fn times_of_analyze_relative_to_the_trace() {
    let n =
        |args: &[&str]| run([&["analyze", SHELL, "-r", RULES, "-f", "jsonl"], args].concat()).expect(0).lines().len();
    for (args, expected) in [
        (&[][..], 4),
        (&["--since", "#49"], 3),
        (&["--since", "11:01"], 4),
        (&["--since", "+60s"], 0),
        (&["--until", "+30s"], 0),
        (&["--until", "#50"], 3),
        (&["--since", "11:02"], 0),
    ] {
        assert_eq!(n(args), expected, "{args:?}");
    }
    run(["analyze", SHELL, "-r", RULES, "--since", "#99999"]).expect(2).says(&["no event #99999; the last is #73"]);
    run(["analyze", "-", "-r", RULES, "--since", "+1s"]).expect(2).says(&["standard input"]);
}

#[test]
fn a_part_without_events_does_not_look_like_a_clean_trace() {
    let (before, after) = ("is before the first event", "is after the last event that was read (");
    let outside = [
        // The next day.
        (&["--since", "10:00"][..], after),
        (&["--since", "+1h", "--until", "+2h"], after),
        (&["--until", "2026-03-02T10:00:00Z"], before),
    ];
    for (args, why) in outside {
        run([&["analyze", SHELL, "-r", RULES], args].concat()).expect(0).says(&["rules saw no event: ", why]);
        let text = run([&["timeline", SHELL, "-f", "text"], args].concat()).expect(0).says(&[why]);
        assert!(text.text().contains(" 0 events in "), "{args:?}: {}", text.text());
    }
    run(["analyze", SHELL, "-r", RULES, "--pid", "77"]).expect(0).says(&["rules saw no event: no process with pid 77"]);
    for args in [&["--pid", "5127"][..], &["--pid", "1"], &["--since", "+10s", "--until", "+20s"]] {
        let run = run([&["analyze", SHELL, "-r", RULES], args].concat()).expect(0);
        assert!(!run.stderr.contains("rules saw no event"), "{args:?}: {}", run.stderr);
    }
    for args in [&[][..], &["-r", RULES, "--disable", "*"], &["-r", RULES, "--min-priority", "emergency"]] {
        run([&["analyze", SHELL], args].concat()).expect(0).says(&["no rule was asked"]);
    }
    for verb in ["analyze", "timeline"] {
        run([verb, SHELL, "-r", RULES, "--since", "11:02", "--until", "11:01"]).expect(2).says(&["is after --until"]);
    }
    for args in [&["timeline", SHELL, "--since", "#74"], &["tree", SHELL, "--at", "#74"]] {
        run(args).expect(2).says(&["there is no event #74; the last is #73"]);
    }
}

#[test]
fn a_pipe_is_read_once() {
    let folder = folder("cli-pipe");
    let out = folder.join("out.trace");
    let (rule, id) = ("Shell started with its streams on a socket", "79530e4418351538");
    let out = out.to_str().expect("UTF-8");
    // As a shell gives it for <(command): by the name of a descriptor.
    let pipe = "/dev/stdin";
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(SHELL)).expect("a trace");
    for args in [
        &["analyze", pipe, "-r", RULES, "--since", "+1s"][..],
        &["analyze", pipe, "-r", RULES, "-o", out, "--events"],
        &["explain", pipe, "-r", RULES, id],
        &["minimize", pipe, "-r", RULES, "--rule", rule, "-o", out],
        &["redact", pipe, "-r", RULES, "-o", out],
        &["bench", pipe, "-r", RULES],
        &["suppress", "suggest", pipe, "-r", RULES, id],
    ] {
        let run = run_with_stdin(args, &text).expect(2).says(&["a pipe or device cannot be"]);
        assert!(run.stdout.is_empty(), "{args:?}");
    }
    for args in [&["analyze", pipe, "-r", RULES][..], &["tree", pipe, "--at", "+60s"], &["info", pipe]] {
        run_with_stdin(args, &text).expect(0);
    }
}

#[test]
fn findings_decide_the_exit_code_when_asked() {
    for (args, code) in [
        (&[SHELL, "--fail-on", "critical"][..], 1),
        (&[SHELL, "--fail-on", "notice"], 1),
        (&[SHELL, "--fail-on", "emergency"], 0),
        (&[CONTAINER, "--fail-on", "warning"], 0),
        (&[CONTAINER, "--fail-on", "NOTICE"], 1),
        (&[CONTAINER, "--fail-on", "lots"], 2),
        (&[CONTAINER], 0),
    ] {
        run(["analyze", "-r", RULES].iter().chain(args)).expect(code).says(&[]);
    }
}

#[test]
fn a_wrong_command_line_is_two() {
    for args in [
        &["analyse", SHELL][..],
        &["analyze"],
        &["analyze", SHELL, "--no-such-flag"],
        &["analyze", SHELL, "-f", "xml"],
        &["convert", SHELL, "out.unknown"],
        &["info"],
        &[],
    ] {
        let run = run(args).expect(2);
        assert!(run.stdout.is_empty(), "{args:?}");
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
    for args in [&["--help"][..], &["--version"], &["analyze", "--help"], &["completions", "bash"]] {
        let run = run(args).expect(0);
        assert!(!run.stdout.is_empty(), "{args:?}");
        assert_eq!(run.stderr, "", "{args:?}");
    }
}

#[test]
fn an_output_that_exists_is_not_overwritten_without_force() {
    let folder = folder("cli-overwrite");
    let path = file(&folder, "out.trh", "mine");
    run(["convert", SHELL, &path]).expect(2).says(&[&path, "--force"]);
    assert_eq!(std::fs::read(&path).expect("the file"), b"mine");
    run(["convert", SHELL, &path, "--force"]).expect(0).says(&[]);
    assert!(std::fs::read(&path).expect("the file").starts_with(b"\x89trh"));

    let tables = folder.join("tables");
    std::fs::create_dir(&tables).expect("a folder");
    file(&tables, "mine.txt", "mine");
    let out = tables.to_str().expect("UTF-8");
    run(["analyze", SHELL, "-r", RULES, "-o", out]).expect(2).says(&[out, "--force"]);
    assert_eq!(names(&tables), ["mine.txt"]);
    run(["analyze", SHELL, "-r", RULES, "-o", out, "--force"]).expect(0).says(&[]);
    assert!(tables.join("mine.txt").exists() && tables.join("signals.parquet").exists());
}

#[test]
fn force_replaces_regular_files_and_never_the_trace_that_is_read() {
    let folder = folder("cli-force");
    let trace =
        file(&folder, "case.trace", std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(SHELL)).expect("it"));
    let suite = format!("suite: s\nrules: [{}/rules]\ntraces: [{{trace: case.trace}}]\n", env!("CARGO_MANIFEST_DIR"));
    let suite = file(&folder, "suite.yaml", suite);
    let device = folder.join("device");
    std::os::unix::fs::symlink("/dev/null", &device).expect("a link");
    let device = device.to_str().expect("UTF-8");
    // The same file by another name.
    let other = format!("{}/../cli-force/case.trace", folder.to_str().expect("UTF-8"));
    for args in [
        &["convert", &trace, "OUT", "--to", "native"][..],
        &["report", &trace, "-o", "OUT"],
        &["timeline", &trace, "-o", "OUT"],
        &["redact", &trace, "-r", RULES, "-o", "OUT"],
        &["minimize", &trace, "-r", RULES, "--rule", "Shell started with its streams on a socket", "-o", "OUT"],
        &["diff", &trace, "--base", RULES, "--head", RULES, "--rule-matching", "all", "-f", "json", "-o", "OUT"],
        &["test", &suite, "-f", "json", "-o", "OUT"],
    ] {
        for (out, why) in [(&*other, "evidence is never written to"), (device, "not a regular file")] {
            // The name of a file tells some verbs the format.
            if out == device && ["redact", "minimize"].contains(&args[0]) {
                continue;
            }
            let args = args.iter().map(|&arg| if arg == "OUT" { out } else { arg });
            run(args.chain(["--force"])).expect(2).says(&[out, why]);
        }
    }
    assert_eq!(names(&folder), ["case.trace", "device", "suite.yaml"]);
    let bytes = std::fs::read(&trace).expect("the trace");
    assert!(bytes == std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(SHELL)).expect("it"));
}

#[test]
fn tables_are_written_into_a_folder_that_exists_without_touching_what_it_stands_in() {
    use std::os::unix::fs::MetadataExt;
    let folder = folder("cli-mounted");
    let out = folder.join("out");
    std::fs::create_dir(&out).expect("a folder");
    let changed = || std::fs::metadata(&folder).map(|m| (m.mtime(), m.mtime_nsec(), m.ctime_nsec())).expect("a folder");
    let before = changed();
    run(["analyze", SHELL, "-r", RULES, "-o", out.to_str().expect("UTF-8"), "-q"]).expect(0);
    assert_eq!(changed(), before, "something stood beside the folder, which can be a mount point");
    assert!(out.join("signals.parquet").exists());
    assert!(names(&out).iter().all(|name| !name.starts_with('.')), "{:?}", names(&out));
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let folder = folder("cli-unwritable");
    let program = env!("CARGO_BIN_EXE_tracehound");
    // No file may grow: a write fails as on a full disk.
    let script = r#"ulimit -f 0; trap "" XFSZ; exec "$@""#;
    for (name, args, named) in [
        ("entries.json", &["timeline", SHELL, "-f", "perfetto"][..], "entries.json: "),
        ("tables", &["analyze", SHELL, "-r", RULES, "-q"], "tables/signals.parquet: "),
    ] {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script, "sh", program]).args(args).arg("-o").arg(folder.join(name));
        shell.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        finish(shell).expect(2).says(&[folder.join(named).to_str().expect("UTF-8")]);
        assert_eq!(names(&folder), [""; 0]);
    }
}

#[test]
fn a_standard_error_that_takes_nothing_changes_no_exit_code() {
    let program = env!("CARGO_BIN_EXE_tracehound");
    for (args, code) in [
        (&["analyze", SHELL, "-r", RULES][..], 0),
        (&["analyze", SHELL, "-r", "no-such-rules"], 3),
        (&["rules", "check", SHELL], 3),
    ] {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", r#"exec "$@" 2>/dev/full"#, "sh", program]).args(args);
        shell.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        finish(shell).expect(code);
    }
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let folder = folder("cli-atomic");
    let bad = file(&folder, "bad.trace", b"\xff\xd8\xff\xe0");
    let out = folder.join("out.trh");
    let tables = folder.join("tables");
    run([Path::new("convert"), Path::new(&bad), &out]).expect(4).says(&[]);
    run([Path::new("analyze"), Path::new(&bad), Path::new("-o"), &tables]).expect(4).says(&[]);
    assert_eq!(names(&folder), ["bad.trace"]);
    // A place that cannot be written to.
    let nowhere = folder.join("no/such/folder/out.trh");
    run([Path::new("convert"), Path::new(SHELL), &nowhere]).expect(2).says(&["no/such/folder"]);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn the_tables_of_a_folder() {
    let folder = folder("cli-tables");
    let out = folder.join("out");
    let out_ = out.to_str().expect("UTF-8");
    run(["analyze", SHELL, "-r", RULES, "-o", out_, "--events"]).expect(0).says(&[]);
    assert_eq!(
        names(&out),
        [
            "connections.parquet",
            "events.parquet",
            "files.parquet",
            "images.parquet",
            "losses.parquet",
            "processes.parquet",
            "rules.parquet",
            "signals.parquet",
            "summary.json",
            "suppressions.parquet",
        ]
    );
    for name in names(&out).iter().filter(|name| name.ends_with(".parquet")) {
        let bytes = std::fs::read(out.join(name)).expect("a table");
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{name}");
    }
    let summary = std::fs::read_to_string(out.join("summary.json")).expect("a summary");
    serde_json::from_str::<serde_json::Value>(&summary).expect("JSON");
}

#[test]
fn partial_evidence_is_five_unless_allowed() {
    let folder = folder("cli-partial");
    let trace = native(SMALL.as_bytes(), 2);
    let path = file(&folder, "cut.trh", &trace[..trace.len() - 100]);
    run(["info", &path]).expect(5).says(&[&path, "at byte"]);
    run(["info", &path, "--allow-partial"]).expect(0).says(&[&path, "at byte"]);
    run(["tree", &path]).expect(5).says(&[&path]);
    run(["tree", &path, "--allow-partial"]).expect(0).says(&[]);
    let to = folder.join("out.trace");
    let to = to.to_str().expect("UTF-8");
    run(["convert", &path, to]).expect(5).says(&[&path]);
    // The copy says so itself.
    run(["info", to]).expect(5).says(&[]);
    // A finding is a fact even on partial evidence.
    let run_ = run(["analyze", &path, "-r", RULES, "--fail-on", "error", "-q"]).expect(1);
    let why = run_.lines()[0]["evidence_why"].to_string();
    assert!(!why.contains("damage"), "the damage comes after the event: {why}");
    // A loss that the recorder wrote.
    let lost = SMALL.replace("4 +1us 100 openat", "4 +1us -1 lost n_events=12 cause=ring\n+1us 100 openat");
    let path = file(&folder, "lost.trace", lost);
    let run_ = run(["analyze", &path, "-r", RULES]).expect(5).says(&[&path, "lost 12 events"]);
    assert_eq!(run_.lines()[0]["evidence"], "degraded");
    assert!(run_.lines()[0]["evidence_why"].to_string().contains("lost"), "{}", run_.text());
}

#[test]
fn a_closed_pipe_is_no_error() {
    for args in [
        &["analyze", "samples/loopback_shell.trh", "-r", RULES, "-f", "text"][..],
        &["convert", "--to", "text", "samples/loopback_shell.trh", "-"],
        &["tree", "samples/loopback_shell.trh"],
        &["info", "samples/loopback_shell.trh"],
        &["rules", "fields"],
        &["rules", "list", RULES],
    ] {
        let mut child =
            command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the program ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("pipe"), "{args:?}: {stderr}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let folder = folder("cli-threads");
    for sample in ["samples/loopback_shell.trh", SHELL, CONTAINER] {
        let mut first = None;
        for threads in ["1", "2", "3", "8", "8"] {
            let out = folder.join("tables");
            let _ = std::fs::remove_dir_all(&out);
            let out_ = out.to_str().expect("UTF-8");
            let args = ["analyze", sample, "-r", RULES, "-f", "jsonl", "-o", out_, "--events", "-j", threads];
            let run = run(args).expect(0);
            let files: BTreeMap<String, Vec<u8>> = names(&out)
                .into_iter()
                .map(|name| {
                    let bytes = std::fs::read(out.join(&name)).expect("a file");
                    (name, bytes)
                })
                .collect();
            let this = (run.stdout, files);
            match &first {
                None => first = Some(this),
                Some(first) => {
                    assert!(first.0 == this.0, "{sample} -j {threads}: other signals");
                    for (name, bytes) in &first.1 {
                        assert!(this.1[name] == *bytes, "{sample} -j {threads}: another {name}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_evidence_is_never_written_to() {
    let folder = folder("cli-evidence");
    let path = file(&folder, "trace.trace", SMALL);
    let mut permissions = std::fs::metadata(&path).expect("the trace").permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).expect("a right to do so");
    run(["analyze", &path, "-r", RULES]).expect(0);
    run(["convert", &path, &path, "--to", "native"]).expect(2);
    assert_eq!(std::fs::read_to_string(&path).expect("the trace"), SMALL);
    assert_eq!(names(&folder), ["trace.trace"]);
}

#[test]
fn rules_can_be_listed_and_checked() {
    let check = run(["rules", "check", RULES]).expect(0);
    assert!(check.text().contains("0 errors"), "{}", check.text());
    let list = run(["rules", "list", RULES]).expect(0).lines();
    assert!(list.iter().any(|rule| rule["rule"] == "File written below dev"), "{list:?}");
    let fields = run(["rules", "fields", "proc.name"]).expect(0);
    assert!(fields.text().contains("proc.name"));
    run(["rules", "fields", "no.such.field"]).expect(2).says(&["no.such.field"]);
}

#[test]
fn checks_of_rules_are_written_as_sarif() {
    let folder = folder("cli-sarif");
    let text = "- macro: spawned\n  condition: evt.type = execve\n\
                - rule: a\n  desc: d\n  condition: spwaned and proc.name = x\n  output: o\n  priority: INFO\n\
                - rule: b\n  desc: d\n  condition: evt.type = open\n  output: o\n  priorty: INFO\n";
    let rules = file(&folder, "two words.yaml", text);
    let check = run(["rules", "check", "-f", "sarif", &rules]).expect(3);
    assert_eq!(check.stdout, run(["rules", "check", "-f", "sarif", &rules]).expect(3).stdout);
    let log = check.json();
    assert_eq!(log["version"], "2.1.0");
    let run_ = &log["runs"][0];
    let rules = run_["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run_["results"].as_array().expect("results");
    assert!(results.len() >= 2, "{results:?}");
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        assert!(!result["message"]["text"].as_str().expect("a message").is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a reference");
        assert!(uri.starts_with("file:///") && uri.ends_with("/two%20words.yaml"), "{uri}");
        for key in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(place["region"][key].as_u64().is_some_and(|n| n >= 1), "{result}");
        }
    }
    let fix = &results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(fix["insertedContent"]["text"], "spawned");
}

#[test]
fn coverage_says_what_a_trace_can_answer() {
    let folder = folder("cli-coverage");
    let rule = |name: &str, condition: &str, more: &str| {
        format!("- rule: {name}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n{more}")
    };
    let text = [
        rule("seen", "evt.type = execve", ""),
        rule("unseen", "evt.type in (splice, init_module)", ""),
        rule("unsourced", "evt.type = execve and evt.pluginname = x", ""),
        rule("never", "evt.num = 0", ""),
        rule("off", "evt.type = execve", "  enabled: false\n"),
    ];
    let rules = file(&folder, "rules.yaml", text.concat());
    let report = run(["rules", "coverage", SHELL, "-r", &rules]).expect(0).json();
    let answers: Vec<&str> =
        report["rules"].as_array().expect("rules").iter().filter_map(|rule| rule["answer"].as_str()).collect();
    assert_eq!(answers, ["full", "no-events", "partial", "never", "off"], "{report:#}");
    assert_eq!(report["rules"][1]["why"][0], "no such events in this trace: init_module, splice");
    let why = report["rules"][2]["why"][0].as_str().expect("a reason");
    assert!(why.starts_with("evt.pluginname: "), "{why}");
    let text = run(["rules", "coverage", SHELL, "-r", &rules, "-f", "text"]).expect(0);
    assert!(text.text().ends_with("5 rules: 1 full, 1 partial, 1 no-events, 1 never, 1 off\n"), "{}", text.text());
}

/// The shape of `rules check -f json` that `docs/diagnostics.md` promises.
#[test]
fn checks_of_rules_are_written_as_json() {
    let folder = folder("cli-check-json");
    let text = "- rule: r\n  desc: d\n  condition: proc.nam = a and proc.aname != b\n  output: o\n  priority: info\n";
    let rules = file(&folder, "r.yaml", text);
    let empty = file(&folder, "empty.yaml", "");
    let report = run(["rules", "check", &rules, &empty, "-f", "json"]).expect(3).json();
    let keys = |value: &serde_json::Value| {
        value.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(keys(&report), ["diagnostics", "schema_validation", "stats"]);
    let names =
        ["code", "column", "end_column", "end_line", "file", "help", "line", "message", "notes", "severity", "snippet"];
    for diagnostic in report["diagnostics"].as_array().expect("a list") {
        assert_eq!(keys(diagnostic), names);
    }
    let first = &report["diagnostics"][0];
    assert_eq!(first["code"], "LOAD_ERR_COMPILE_CONDITION");
    assert_eq!(first["severity"], "error");
    assert_eq!(
        (first["line"].as_u64(), first["column"].as_u64(), first["end_column"].as_u64()),
        (Some(3), Some(14), Some(22))
    );
    assert_eq!(first["snippet"], "proc.nam");
    assert_eq!(first["help"], "did you mean `proc.name`, `proc.aname` or `proc.pname`?");
    assert_eq!(report["schema_validation"][0]["status"], "failed", "the schema wants upper case");
    assert_eq!(report["schema_validation"][0]["line"], 5);
    assert_eq!(report["schema_validation"][1]["status"], "none");
    let stats = [
        "errors",
        "files",
        "lints",
        "lists",
        "macros",
        "rules",
        "rules_enabled",
        "rules_rejected",
        "rules_skipped",
        "warnings",
    ];
    assert_eq!(keys(&report["stats"]), stats);
    assert_eq!(report["stats"]["errors"], 1);
}

/// `--enable`, `--disable` and `--append-output`: which rules fire, and what they print.
#[test]
fn rules_are_chosen_by_name_and_tag() {
    let folder = folder("cli-selection");
    let rule = |name: &str, rest: &str| {
        format!("- {{rule: {name}, desc: d, condition: evt.type = read, output: o, priority: INFO, {rest}}}\n")
    };
    let text = rule("one close", "tags: [a]") + &rule("two close", "tags: [a, b]") + &rule("off", "enabled: false");
    let rules = file(&folder, "r.yaml", text);
    let trace = file(&folder, "t.trace", SMALL);
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["one close", "two close"]),
        (&["--disable", "one*"], &["two close"]),
        (&["--disable", "tag=b"], &["one close"]),
        (&["--enable", "off"], &["one close", "two close", "off"]),
        (&["--disable", "*", "--enable", "tag=b"], &["two close"]),
        (&["--enable", "tag=b", "--disable", "*"], &[]),
        (&["--disable", "*close", "--enable", "off", "--enable", "one*"], &["off", "one close"]),
    ];
    for (flags, expected) in cases {
        let args = ["analyze", trace.as_str(), "-r", rules.as_str(), "-f", "jsonl"];
        let lines = run(args.iter().chain(flags.iter())).expect(0).lines();
        let fired: Vec<&str> = lines.iter().filter_map(|line| line["rule"].as_str()).collect();
        assert_eq!(fired, *expected, "{flags:?}");
    }
    let args =
        ["analyze", &trace, "-r", &rules, "-f", "jsonl", "--append-output", "name=%proc.name", "--disable", "two*"];
    let lines = run(args).expect(0).lines();
    assert!(lines[0]["output"].as_str().is_some_and(|text| text.ends_with("o name=bash")), "{}", lines[0]);
    assert_eq!(lines[0]["output_fields"]["proc.name"], "bash");
    let wrong: &[(&[&str], &str)] = &[
        (&["--enable", "one clos"], "--enable: no rule is called \"one clos\"; did you mean `one close`?"),
        (&["--disable", "tag=c"], "--disable: no rule has the tag \"c\""),
        (&["--append-output", "100%"], "formatting cannot end with a %"),
        (&["--append-output", "%proc.nam"], "did you mean `proc.name`"),
    ];
    for (flags, message) in wrong {
        let args = ["analyze", trace.as_str(), "-r", rules.as_str()];
        run(args.iter().chain(flags.iter())).expect(2).says(&[message]);
    }
    let rows = run(["rules", "list", &rules, "-f", "jsonl", "--disable", "tag=a"]).expect(0).lines();
    assert!(rows.iter().all(|row| row["enabled"] == false), "{rows:?}");
    let report = run(["rules", "coverage", &trace, "-r", &rules, "-f", "json", "--disable", "tag=a"]).expect(0).json();
    assert_eq!(report["answers"]["off"], 3);
}

#[test]
fn a_report_is_one_file_that_is_replaced_on_request_only() {
    let folder = folder("cli-report");
    let out = folder.join("case.html");
    let path = out.to_str().expect("UTF-8");
    run(["report", SHELL, "-r", RULES, "-o", path]).expect(0).says(&["4 signals", "case.html"]);
    let page = std::fs::read(&out).expect("a page");
    assert!(page.starts_with(b"<!doctype html>"));
    run(["report", SHELL, "-r", RULES, "-o", path]).expect(2).says(&["--force replaces it"]);
    // The same bytes for any number of threads, and on standard output.
    run(["report", SHELL, "-r", RULES, "-o", path, "--force", "-j", "1"]).expect(0);
    assert_eq!(std::fs::read(&out).expect("a page"), page);
    assert_eq!(run(["report", SHELL, "-r", RULES, "-o", "-"]).expect(0).stdout, page);
    run(["report", SHELL, "-r", RULES, "-o", path, "--force", "--fail-on", "critical"]).expect(1);
    run(["report", "samples", "-r", RULES, "-o", path, "--force"]).expect(2).says(&["a folder, but no analysis"]);
    let lossy = file(
        &folder,
        "lossy.trace",
        "#tracehound-trace 1\nthread 1 comm=a exe=a\n-1 lost n_events=3 cpu=0 cause=buffer_full\n",
    );
    run(["report", &lossy, "-o", path, "--force", "--title", "<b>"]).expect(5).says(&["lost 3 events"]);
    assert!(String::from_utf8_lossy(&std::fs::read(&out).expect("a page")).contains("<h1>&lt;b&gt;</h1>"));
    run(["report", &lossy, "-o", path, "--force", "--allow-partial"]).expect(0);
}

/// The folder of an analysis stands for its trace, as long as that is there and the same.
#[test]
fn a_report_of_an_analysis() {
    let folder = folder("cli-report-of");
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    std::fs::copy(SHELL, folder.join("t.trace")).expect("a copy");
    run(["analyze", &path("t.trace"), "-r", RULES, "-q", "-o", &path("out")]).expect(0);
    let page = |of: &str| run(["report", &path(of), "-r", RULES, "-o", "-"]).expect(0).stdout;
    assert!(page("out") == page("t.trace"));
    // Moved together, and with other rules.
    std::fs::create_dir(folder.join("moved")).expect("a folder");
    std::fs::rename(folder.join("t.trace"), folder.join("moved/t.trace")).expect("moved");
    run(["report", &path("out"), "-r", RULES, "-o", "-"])
        .expect(2)
        .says(&["neither there nor in or beside the folder"]);
    std::fs::rename(folder.join("out"), folder.join("moved/out")).expect("moved");
    assert!(page("moved/out").starts_with(b"<!doctype html>"));
    run(["report", &path("moved/out"), "-o", "-"]).expect(0).says(&["the analysis has 4 signals, the page 0"]);
    // Another trace of the same name, a damaged summary, an analysis of standard input.
    let text = std::fs::read_to_string(SHELL).expect("a trace");
    std::fs::write(folder.join("moved/t.trace"), &text[..text.len() - 1]).expect("a trace");
    run(["report", &path("moved/out"), "-o", "-"]).expect(2).says(&["name the trace"]);
    for (summary, says) in [
        ("{", "summary.json is damaged"),
        (r#"{"input":{"name":"-"}}"#, "an analysis of standard input"),
        (r#"{"input":{"name":"t.trace"},"time":{"first_ns":1}}"#, "it begins at another time"),
    ] {
        std::fs::write(folder.join("moved/out/summary.json"), summary).expect("a summary");
        run(["report", &path("moved/out"), "-o", &path("x.html")]).expect(2).says(&[says]);
        assert!(!folder.join("x.html").exists(), "{says}");
    }
}
