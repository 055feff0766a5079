//! `minimize` and `redact` from end to end: what they make is analyzed again.

mod support;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use support::{SMALL, file, folder, native, root, run};
use tracehound::{Job, Only, pipeline, rulefiles};
use tracehound_fields::Context;
use tracehound_fixture::redact::{Key, Redactor, Residue, Vocabulary};
use tracehound_formats::text::TextWriter;
use tracehound_formats::{Input, Item, ReadNotes, TraceWriter};
use tracehound_rules::{Policy, Priority, RuleSet};

const RULES: &str = "rules/";
const SHELL: &str = "samples/reverse_shell_redirect.trace";

/// What fires in a trace: event, rule, thread.
fn fired(rules: &RuleSet, bytes: Vec<u8>) -> BTreeSet<(u64, String, i64)> {
    let mut reader = tracehound_formats::open(Input::from(bytes)).expect("a trace");
    let n_read = Default::default();
    let job = Job {
        rules,
        policy: Policy::All,
        least: Priority::Debug,
        suppressions: None,
        context: Context::default(),
        only: Only::default(),
        n_read: &n_read,
        meter: None,
    };
    let Ok(analysis) = pipeline::analyze(&mut *reader, job, |_| Ok::<(), Infallible>(()));
    analysis.signals.iter().map(|s| (s.seq.0, s.rule.name.clone(), s.tid.0)).collect()
}

fn rules(path: &str) -> RuleSet {
    let files = rulefiles::load(&[PathBuf::from(path)]).expect("the rules are there");
    assert!(!files.has_errors());
    files.rules
}

#[test]
fn a_minimized_trace_fires_and_its_sibling_does_not() {
    let folder = folder("fixture-minimize");
    let rules_ = rules(RULES);
    // Events and rows of the start state that are left.
    for (trace, rule, events, rows) in [
        (SHELL, "Shell started with its streams on a socket", 5, 1),
        ("samples/java_spawns_bash.trace", "Service runtime spawned a shell", 2, 2),
        ("samples/shell_in_container.trace", "Shell with a terminal in a container", 3, 1),
        ("samples/recorded_reverse_shell.trh", "Standard stream redirected to a network connection", 4, 1),
    ] {
        for name in ["small.trace", "small.trh"] {
            let out = folder.join(name).display().to_string();
            let without = folder.join(format!("without-{name}")).display().to_string();
            let args = ["minimize", trace, "--rule", rule, "-r", RULES, "-o", &out, "--without", &without, "--force"];
            run(args).expect(0).says(&["none can be spared alone", "does not fire"]);
            let names = |path: &str| -> Vec<String> {
                fired(&rules_, std::fs::read(path).expect("written")).into_iter().map(|(_, rule, _)| rule).collect()
            };
            assert!(names(&out).iter().any(|name| name == rule), "{trace}");
            assert!(!names(&without).iter().any(|name| name == rule), "{trace}");
            let text = run(["convert", out.as_str(), "-", "--to", "text"]).expect(0).text().to_owned();
            let count = |is: fn(&str) -> bool| text.lines().filter(|line| is(line)).count();
            let n_events = count(|line| line.starts_with(|c: char| c.is_ascii_digit()));
            let n_rows = count(|line| {
                line.starts_with(|c: char| c.is_ascii_lowercase())
                    && !line.starts_with("machine")
                    && !line.starts_with("source")
            });
            assert_eq!((n_events, n_rows), (events, rows), "{trace}\n{text}");
            assert!(text.contains("source remark \"minimized from trace "), "{text}");
        }
    }
}

#[test]
fn minimizing_says_what_it_did_not_do() {
    let folder = folder("fixture-minimize-refused");
    let out = folder.join("out.trace").display().to_string();
    let base = ["minimize", SHELL, "-r", RULES, "--rule"];
    let shell = "Shell started with its streams on a socket";
    let with = |rest: &[&str]| run(base.iter().chain(rest).copied());
    // The nearest miss.
    with(&["File written below dev"]).expect(1).says(&["does not fire", "fd.name startswith /dev/ is false"]);
    with(&[shell, "--signal", "0123456789abcdef"]).expect(1).says(&["gives no signal 0123456789abcdef"]);
    with(&["No such rule"]).expect(2).says(&["no rule is called"]);
    with(&[shell, "-o", "x.pcap"]).expect(2).says(&["does not tell the format"]);
    with(&[shell, "-o", &out, "--max-tests", "3"]).expect(0).says(&["it may not be minimal"]);
    with(&[shell, "-o", &out]).expect(2).says(&["--force"]);
    run(["minimize", "-", "-r", RULES, "--rule", shell]).expect(2).says(&["twice"]);
    run(["minimize", "missing.trace", "-r", RULES, "--rule", shell]).expect(4);
    // Values, and standard output.
    let whole = with(&[shell]).expect(0).text().len();
    let bare = with(&[shell, "--values"]).expect(0).text().len();
    assert!(bare < whole * 2 / 3, "{bare} {whole}");
    // The second of several signals.
    let signals = run(["analyze", SHELL, "-r", RULES, "-f", "jsonl", "-q"]).expect(0).lines();
    let id = signals[1]["id"].as_str().expect("an id");
    let rule = signals[1]["rule"].as_str().expect("a name");
    let second = run(["minimize", SHELL, "-r", RULES, "--rule", rule, "--signal", id]).expect(0);
    assert!(second.text().contains(&format!("event {}, for rule", signals[1]["seq"])), "{}", second.text());
}

/// The same bytes for any number of threads; damage before the signal is told and kept as a remark.
#[test]
fn results_do_not_depend_on_threads_and_damage_is_told() {
    let folder = folder("fixture-threads");
    let rule = "File written below dev";
    let key = file(&folder, "key", "a key of sixteen bytes or more");
    let damaged = file(&folder, "damaged.trace", SMALL.replacen("3 +1us", "nonsense\n3 +1us", 1));
    let mut made = Vec::new();
    for threads in ["1", "4"] {
        let small = folder.join(format!("{threads}.trace")).display().to_string();
        let hidden = folder.join(format!("{threads}.trh")).display().to_string();
        let run_ = run(["minimize", &damaged, "-r", RULES, "--rule", rule, "-o", &small, "-j", threads]).expect(5);
        assert!(run_.stderr.contains("damaged at byte"), "{}", run_.stderr);
        run(["redact", &damaged, "-r", RULES, "-o", &hidden, "--key", &key, "-j", threads])
            .expect(5)
            .says(&["damaged at byte", "1 signals of"]);
        made.push([small, hidden].map(|path| std::fs::read(path).expect("written")));
    }
    assert_eq!(made[0], made[1]);
    let text = String::from_utf8_lossy(&made[0][0]).into_owned();
    assert!(text.contains("the source is damaged at 1 places before it"), "{text}");
    let redacted = folder.join("1.trh").display().to_string();
    run(["info", &redacted]).expect(5);
}

/// Every sample, with all default rules: the same signals, and nothing left of what was replaced.
#[test]
fn every_sample_is_redacted_with_the_same_signals() {
    let rules = rules(RULES);
    let mut vocabulary = Vocabulary::new();
    rules.rules().iter().for_each(|rule| vocabulary.add_condition(rule.predicate()));
    let key = Key::new(b"a key of sixteen bytes or more");
    let (mut n, mut different) = (0, Vec::new());
    for folder in ["samples", "samples/rules"] {
        let entries = std::fs::read_dir(root().join(folder)).expect("samples");
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if !path.extension().is_some_and(|extension| extension == "trace" || extension == "trh") {
                continue;
            }
            let bytes = std::fs::read(&path).expect("a sample");
            let mut redactor = Redactor::new(&key, vocabulary.clone());
            let out = redact(&mut redactor, bytes.clone());
            let mut residue = Residue::new(&redactor);
            for item in items(out.clone()) {
                match item {
                    Item::Section(section) => residue.section(&section),
                    Item::Batch(batch) => residue.batch(&batch),
                }
            }
            assert_eq!(residue.found().collect::<Vec<_>>(), vec![], "{}", path.display());
            if fired(&rules, out) != fired(&rules, bytes) {
                different.push(path);
            }
            n += 1;
        }
    }
    assert!(n > 100, "{n}");
    // Patterns do not tell what they need. The program finds out.
    assert!(different.len() <= 3, "{different:?}");
    let out = self::folder("fixture-samples").join("out.trace").display().to_string();
    for path in different {
        let path = path.display().to_string();
        run(["redact", &path, "-r", RULES, "-o", &out, "--force"]).expect(0).says(&["kept for them", "as before"]);
    }
}

fn items(bytes: Vec<u8>) -> impl Iterator<Item = Item> {
    let mut reader = tracehound_formats::open(Input::from(bytes)).expect("a trace");
    std::iter::from_fn(move || reader.next_item())
}

fn redact(redactor: &mut Redactor, bytes: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = TextWriter::new(&mut out);
    for item in items(bytes) {
        match item {
            Item::Section(section) => writer.section(&redactor.section(&section)).expect("a vector takes all"),
            Item::Batch(batch) => writer.batch(&redactor.batch(&batch)).expect("a vector takes all"),
        }
    }
    writer.finish(&ReadNotes::default()).expect("a vector takes all");
    out
}

/// A trace with a name, a path, an address, a password and a pattern that a rule looks for.
const PRIVATE: &str = "\
#tracehound-trace 1
machine hostname=lab-annabel
user 1000 annabel gid=1000 home=/home/annabel shell=/bin/bash
thread 7 comm=bash exe=bash exepath=/usr/bin/bash cwd=/home/annabel uid=1000 gid=1000
1 1735689600000001000 7 execve res=0 exe=./wick7 args=[\"--password=hunter2\",\"--to=93.184.216.34\"] tid=7 pid=7 ptid=1 cwd=/home/annabel comm=wick7 flags=0 uid=1000 trusted_exepath=/home/annabel/wick7 filename=./wick7
";

fn rule(condition: &str) -> String {
    format!(
        "- rule: R\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n    evt.type = execve and {condition}\n"
    )
}

#[test]
fn what_a_rule_turns_out_to_need_is_kept_or_refused() {
    let folder = folder("fixture-redact");
    let trace = file(&folder, "private.trace", PRIVATE);
    // A drawn key gives a pseudonym that fits the pattern once in a thousand times.
    let key = file(&folder, "key", "a key of sixteen bytes or more");
    let out = folder.join("out.trace");
    let out_ = out.display().to_string();
    for (condition, flags, code, says, kept, gone) in [
        // Literals stay, in whole or in part.
        ("proc.name = wick7", &[][..], 0, "1 signals of 1 rules as before", "wick7", "annabel"),
        ("proc.exepath endswith ck7", &[], 0, "1 signals", "ck7", "wick7"),
        // A pattern does not tell what it needs; running the rule does.
        ("proc.name regex \"^w.*k[0-9]$\"", &[], 0, "1 signals differ; kept for them", "wick7", "annabel"),
        ("proc.name regex \"^w.*k[0-9]$\"", &["--strict"], 1, "proc.name was wick7", "", ""),
        ("proc.name regex \"^w.*k[0-9]$\"", &["--strict", "--keep", "wick7"], 0, "1 signals", "wick7", "annabel"),
        // Networks that are named still have their addresses, and no others.
        ("proc.args contains 93.184", &["--keep", "93.184.0.0/16"], 0, "1 signals", "93.184.216.34", "annabel"),
        // A password goes even if a rule wants it.
        ("proc.args contains hunter2", &[], 1, "refused", "", ""),
    ] {
        let rules = file(&folder, "rules.yaml", rule(condition));
        let _ = std::fs::remove_file(&out);
        let args = ["redact", &trace, "-r", &rules, "-o", &out_, "--key", &key];
        let run_ = run(args.iter().chain(flags).copied()).expect(code).says(&[says]);
        assert_eq!(out.exists(), code == 0, "{condition}: {}", run_.stderr);
        let left: Vec<String> = std::fs::read_dir(&folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains("partial"))
            .collect();
        assert_eq!(left, Vec::<String>::new(), "{condition}");
        if code == 0 {
            let text = std::fs::read_to_string(&out).expect("text");
            assert!(text.contains(kept) && !text.contains(gone), "{condition}\n{text}");
            assert!(!text.contains("hunter2") && !text.contains("lab-annabel"), "{text}");
        }
    }
}

/// Verdicts are signals' too: what a suppression asks stays.
#[test]
fn suppressed_signals_stay_suppressed() {
    let folder = folder("fixture-redact-suppressed");
    let trace = file(&folder, "private.trace", PRIVATE);
    let rules = file(&folder, "rules.yaml", rule("proc.name exists"));
    let suppressions = file(
        &folder,
        "s.yaml",
        "suppressions:\n  - name: S\n    description: d\n    owner: o\n    enabled: true\n    rule_query: 'ruleId:R'\n    \
         suppression_query: '@process.executable.path:\\/home\\/annabel\\/*'\n",
    );
    let out = folder.join("out.trace").display().to_string();
    run(["redact", &trace, "-r", &rules, "-s", &suppressions, "-o", &out]).expect(0).says(&["1 signals"]);
    let signals = run(["analyze", &out, "-r", &rules, "-s", &suppressions, "-f", "jsonl", "--show-suppressed", "-q"]);
    assert_eq!(signals.expect(0).lines()[0]["verdict"], "suppressed");
}

#[test]
fn keys_maps_and_files() {
    let folder = folder("fixture-redact-files");
    let trace = file(&folder, "private.trh", native(PRIVATE.as_bytes(), 1));
    let rules = file(&folder, "rules.yaml", rule("proc.name exists"));
    let (key, short) = (file(&folder, "key", [7; 16]), file(&folder, "short", [7; 15]));
    let path = |name: &str| folder.join(name).display().to_string();
    let (a, b, c, map) = (path("a.trace"), path("b.trace"), path("c.trace"), path("map.jsonl"));
    let base = ["redact", trace.as_str(), "-r", &rules, "-o"];
    let with = |rest: &[&str]| run(base.iter().chain(rest).copied());
    with(&[&a, "--key", &key, "--map", &map]).expect(0);
    with(&[&b, "--key", &key]).expect(0);
    with(&[&c]).expect(0);
    let read = |path: &str| std::fs::read_to_string(path).expect("written");
    assert_eq!(read(&a), read(&b));
    assert_ne!(read(&a), read(&c));
    let name = read(&map).lines().find(|line| line.contains("\"annabel\"")).map(str::to_owned).expect("a line");
    let line: serde_json::Value = serde_json::from_str(&name).expect("JSON");
    assert!(read(&a).contains(&format!("/home/{}", line["to"].as_str().expect("a text"))), "{line}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = Path::new(&map).metadata().expect("the map").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    with(&[&a]).expect(2).says(&["--force"]);
    with(&[&a, "--force", "--map", &map]).expect(0);
    with(&[&path("d.trace"), "--key", &short]).expect(2).says(&["16 bytes"]);
    with(&[&path("d.trace"), "--key", &path("missing")]).expect(2);
    with(&[&path("d.bin")]).expect(2).says(&["does not tell the format"]);
    run(["redact", &trace, "-o", &path("d.trace")]).expect(2).says(&["-r RULES"]);
    run(["redact", "-", "-r", &rules, "-o", &path("d.trace")]).expect(2).says(&["several times"]);
    assert!(!Path::new(&path("d.trace")).exists());
}
