//! `test`: suites end to end.

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use support::{Run, SMALL, command, file, finish, folder, native, run};

/// Three rules: one that [`SMALL`] fires once, one that it fires twice, one that it does not.
const RULES: &str = "\
- rule: Dev
  desc: d
  condition: evt.type = openat and evt.is_open_write = true and fd.name startswith /dev/
  output: Written (file=%fd.name proc=%proc.name missing=%proc.aname[5])
  priority: ERROR
  tags: [T1036.005, mitre_defense_evasion]
- rule: Open
  desc: d
  condition: evt.type = openat and fd.num >= 0
  output: Opened (file=%fd.name fd=%fd.num)
  priority: NOTICE
  tags: [T1083]
- rule: Connection
  desc: d
  condition: evt.type = connect
  output: Connected
  priority: NOTICE
  tags: [T1071]
- rule: Off
  desc: d
  condition: evt.type = openat
  output: Off
  priority: NOTICE
  enabled: false
";

const SUPPRESSIONS: &str = "\
suppressions:
- name: Hosts
  rule_query: 'ruleId:Open'
  suppression_query: '@file.path:/etc/hosts'
";

/// A folder with the small trace, whole and cut, and rules.
fn place(name: &str) -> PathBuf {
    let folder = folder(&format!("suites-{name}"));
    file(&folder, "rules.yaml", RULES);
    file(&folder, "noise.yaml", SUPPRESSIONS);
    file(&folder, "small.trace", SMALL);
    let mut cut = native(SMALL.as_bytes(), 2);
    cut.truncate(cut.len() - 60);
    file(&folder, "cut.trh", cut);
    folder
}

/// A suite of one entry.
fn suite(entry: &str) -> String {
    format!("suite: s\nrules: [rules.yaml]\nunexpected: ignore\ntraces:\n- trace: small.trace\n{entry}")
}

/// Runs `test` in a folder with a cache of its own.
fn test(folder: &Path, args: &[&str]) -> Run {
    let mut command = command(["test"]);
    command.args(args).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    finish(command)
}

fn test_text(folder: &Path, text: &str, args: &[&str]) -> Run {
    file(folder, "s.yaml", text);
    test(folder, &[&["s.yaml"], args].concat())
}

#[test]
fn what_can_never_hold_is_told_with_its_place() {
    let folder = place("never");
    let expect = |text: &str| suite(&format!("  expect:\n{text}"));
    for (text, code, says) in [
        (expect("  - rule: Deb\n"), 3, &["error[SUITE-UNKNOWN-RULE]", "s.yaml:7:11", "^^^", "did you mean `Dev`"][..]),
        (suite("  absent: [opn]\n"), 3, &["error[SUITE-UNKNOWN-RULE]", "s.yaml:6:12", "did you mean `Open`"]),
        (expect("  - rule: Off\n"), 3, &["error[SUITE-RULE-OFF]", "s.yaml:7:11", "switched off", "rules.yaml:19"]),
        (
            expect("  - rule: Dev\n    at_least: 3\n    at_most: 2\n"),
            3,
            &["error[SUITE-NEVER]", "s.yaml:8:5", "at least 3"],
        ),
        (expect("  - rule: Dev\n  absent: [Dev]\n"), 3, &["error[SUITE-NEVER]", "s.yaml:8:12", "fire and not to fire"]),
        (
            expect("  - rule: Dev\n    at_most: 1\n  - {rule: Dev, where: '@process.comm:bash', count: 2}\n"),
            3,
            &["error[SUITE-NEVER]", "s.yaml:9:46", "expected 2 times here and 1 times at most there", "s.yaml:8:5"],
        ),
        (
            expect("  - {rule: Dev, where: '@process.com:bash'}\n"),
            3,
            &["error[DDQ-UNKNOWN-ATTR]", "s.yaml:7:25", "did you mean `@process.comm`"],
        ),
        (
            expect("  - {rule: Dev, fields: {fd.nam: x}}\n"),
            3,
            &["error[SUITE-UNKNOWN-FIELD]", "s.yaml:7:26", "did you mean `fd.name`"],
        ),
        (
            expect("  - {rule: Dev, suppressed_by: Host}\n"),
            3,
            &["error[SUITE-UNKNOWN-SUPPRESSION]", "s.yaml:7:32", "no suppression is called `Host`"],
        ),
        (
            expect("  - rule: Dev\n    cuont: 1\n"),
            3,
            &["error[SUITE-UNKNOWN-KEY]", "s.yaml:8:5", "did you mean `count`"],
        ),
        (
            expect("  - rule: Dev\n    count: lots\n"),
            3,
            &["error[SUITE-INVALID]", "s.yaml:8:12", "`count` is no number"],
        ),
        (suite("  unexpected: fial\n"), 3, &["error[SUITE-INVALID]", "s.yaml:6:15", "did you mean `fail`"]),
        (suite("  labels: {kind: atack}\n"), 3, &["error[SUITE-INVALID]", "s.yaml:6:18", "did you mean `attack`"]),
        (suite("  labels: {techniques: [1059]}\n"), 3, &["error[SUITE-INVALID]", "s.yaml:6:25", "T1059"]),
        (suite("- trace: small.trace\n"), 3, &["error[SUITE-TRACE-TWICE]", "s.yaml:6:10", "s.yaml:5:10"]),
        (suite("- trace: smal.trace\n"), 4, &["error[SUITE-NO-TRACE]", "s.yaml:6:10", "did you mean `small.trace`"]),
        (
            suite("  labels: {twin_of: smal.trace}\n"),
            4,
            &["error[SUITE-NO-TRACE]", "s.yaml:6:21", "^^^", "`small.trace`"],
        ),
        (suite("  labels: {program: x.sh}\n"), 4, &["error[SUITE-NO-TRACE]", "s.yaml:6:21", "no such program"]),
        (suite("- trace: 'x/*.trh'\n"), 4, &["error[SUITE-NO-TRACE]", "no file fits the pattern"]),
        ("suite: s\ntraces: []\n".to_owned(), 3, &["error[SUITE-INVALID]", "s.yaml:1:8", "names no rules", "-r RULES"]),
        ("suite: s\nrules: [rule.yaml]\ntraces: []\n".to_owned(), 3, &["s.yaml:2:9", "no such file or folder"]),
        ("suite: [\n".to_owned(), 3, &["error[LOAD_ERR_YAML_PARSE]", "s.yaml:"]),
        ("suite: a\u{0}\n".to_owned(), 3, &["error[TH_INVALID_UTF8]"]),
        (String::new(), 3, &["error[SUITE-INVALID]", "the file is empty"]),
    ] {
        let run = test_text(&folder, &text, &[]);
        assert_eq!(run.code, Some(code), "{text}\n{}", run.stderr);
        run.says(says);
    }
    file(&folder, "again.yaml", suite(""));
    test_text(&folder, &suite(""), &["again.yaml"]).expect(3).says(&[
        "SUITE-DUPLICATE-NAME",
        "again.yaml:1:8",
        "s.yaml:1:8",
    ]);
    test(&folder, &["nothing.yaml"]).expect(3).says(&["nothing.yaml"]);
    test(&folder, &[]).expect(2);
    test_text(&folder, &suite(""), &["--filter", "nothing"]).expect(2).says(&["nothing was tested"]);
    file(&folder, "broken.yaml", "- rule: x\n");
    test_text(&folder, &suite(""), &["-r", "broken.yaml"]).expect(3).says(&["broken.yaml:1"]);
}

#[test]
fn expectations() {
    let folder = place("expectations");
    for (entry, expected) in [
        ("  expect: [{rule: Dev}]\n", None),
        ("  expect: [{rule: Dev, count: 1}, {rule: Open, count: 2}]\n  unexpected: fail\n", None),
        ("  expect: [{rule: Open, at_least: 2, at_most: 3}]\n", None),
        ("  expect: [{rule: Open, events: [5, 1]}]\n", None),
        ("  expect: [{rule: Open, where: '@file.path:/etc/*', count: 1}]\n", None),
        ("  expect: [{rule: Open, fields: {fd.name: /etc/hosts, fd.num: 3}, count: 1}]\n", None),
        ("  expect: [{rule: Dev, fields: {'proc.aname[5]': ~}}]\n", None),
        ("  expect: [{rule: Connection, at_least: 0}]\n  absent: [Connection]\n", None),
        ("  expect: [{rule: Connection, count: 0}]\n", None),
        ("  absent: [Off]\n", None),
        ("  unexpected: warn\n", None),
        ("  expect: [{rule: Connection}]\n", Some("TEST-MISSING")),
        ("  expect: [{rule: Dev, count: 2}]\n", Some("TEST-MISSING")),
        ("  expect: [{rule: Open, at_most: 1}]\n", Some("TEST-TOO-MANY")),
        ("  expect: [{rule: Open, count: 0}]\n", Some("TEST-TOO-MANY")),
        ("  expect: [{rule: Open, events: [1, 4]}]\n", Some("TEST-OTHER-EVENTS")),
        ("  expect: [{rule: Open, events: [1]}]\n", Some("TEST-OTHER-EVENTS")),
        ("  expect: [{rule: Dev, where: '@process.comm:zsh'}]\n", Some("TEST-MISSING")),
        ("  expect: [{rule: Dev, fields: {fd.name: /dev/null}}]\n", Some("TEST-MISSING")),
        ("  absent: [Dev]\n", Some("TEST-FORBIDDEN")),
        ("  expect: [{rule: Open}]\n  unexpected: fail\n", Some("TEST-UNEXPECTED")),
        (
            "  expect: [{rule: Open, where: '@file.path:/etc/*'}, {rule: Dev}]\n  unexpected: fail\n",
            Some("TEST-UNEXPECTED"),
        ),
        ("  partial: true\n", Some("TEST-WHOLE")),
    ] {
        let run = test_text(&folder, &suite(entry), &["-f", "json"]);
        let json = run.json();
        let codes: Vec<&str> = json
            .pointer("/suites/0/traces/0/failures")
            .and_then(Json::as_array)
            .expect("a list")
            .iter()
            .filter(|failure| failure["level"] == "error")
            .map(|failure| failure["code"].as_str().expect("a code"))
            .collect();
        assert_eq!(codes, expected.into_iter().collect::<Vec<_>>(), "{entry}{json:#}");
        assert_eq!(run.code, Some(i32::from(expected.is_some())), "{entry}");
    }
}

#[test]
fn what_is_suppressed_and_by_what() {
    let folder = place("suppressed");
    let text = |entry: &str| suite(entry).replace("unexpected", "suppressions: [noise.yaml]\nunexpected");
    for (entry, code, says) in [
        ("  expect: [{rule: Open, count: 1}, {rule: Open, suppressed_by: Hosts, events: [1]}]\n", 0, &["passed"][..]),
        ("  expect: [{rule: Dev}, {rule: Open, suppressed_by: Hosts}]\n  absent: [Connection]\n", 0, &["1 suppressed"]),
        ("  expect: [{rule: Open, count: 2}]\n", 1, &["event 1 does not count: it is suppressed by Hosts"]),
        (
            "  expect: [{rule: Open, suppressed_by: Hosts, count: 2}]\n",
            1,
            &["event 5 does not count: nothing suppresses it"],
        ),
    ] {
        let run = test_text(&folder, &text(entry), &[]).expect(code);
        says.iter().for_each(|part| assert!(run.text().contains(part), "{entry}: {}", run.text()));
    }
    // Other suppressions, from the command line.
    file(&folder, "none.yaml", "suppressions: []\n");
    test_text(&folder, &text("  expect: [{rule: Open, count: 2}]\n"), &["-s", "none.yaml"]).expect(0);
}

#[test]
fn reasons_are_told() {
    let folder = place("reasons");
    let run = test_text(&folder, &suite("  expect: [{rule: Dev}, {rule: Open, count: 5}]\n  unexpected: fail\n"), &[])
        .expect(1);
    assert!(run.text().contains("Open fired 2 times, expected 5, on events 1, 5"), "{}", run.text());
    file(&folder, "rules.yaml", RULES.replace("startswith /dev/", "startswith /run/"));
    let run = test_text(&folder, &suite("  expect: [{rule: Dev, events: [5]}]\n"), &[]).expect(1);
    for part in [
        "Dev fired 0 times, expected on event 5",
        "TEST-MISSING  s.yaml:6:24",
        "nearest miss: event 5 openat, 1 comparison would have to turn out otherwise",
        "fd.name startswith /run/ has to be true: fd.name is /dev/.hidden  (rules.yaml:3)",
        "100 bash  root",
    ] {
        assert!(run.text().contains(part), "{part}\n{}", run.text());
    }
    let run = test_text(&folder, &suite("  expect: [{rule: Open, where: '@process.comm:zsh'}]\n"), &[]).expect(1);
    assert!(run.text().contains("- @process.comm:zsh   is: bash"), "{}", run.text());
    let run = test_text(&folder, &suite("  unexpected: fail\n"), &[]).expect(1);
    assert!(run.text().contains("Open fired, which nothing expects, on events 1, 5"), "{}", run.text());
}

#[test]
fn a_damaged_trace_never_passes() {
    let folder = place("damaged");
    let text = |entry: &str| suite(entry).replace("small.trace", "cut.trh");
    for (entry, code, status) in [
        ("", 5, "partial"),
        ("  expect: [{rule: Open}]\n", 5, "partial"),
        ("  partial: true\n", 0, "passed"),
        ("  expect: [{rule: Connection}]\n", 1, "failed"),
        ("  partial: true\n  expect: [{rule: Connection}]\n", 1, "failed"),
    ] {
        // From the cache it is as damaged as before.
        for _ in 0..2 {
            let run = test_text(&folder, &text(entry), &["-f", "json"]).expect(code);
            assert_eq!(run.json().pointer("/suites/0/traces/0/status").expect("a status"), status, "{entry}");
        }
    }
    // Of several results the worst is told: missing, failed, partial.
    let both = format!("{}{}", text(""), "- trace: ./small.trace\n  expect: [{rule: Connection}]\n");
    test_text(&folder, &both, &[]).expect(1);
    test_text(&folder, &(both.clone() + "- trace: none.trh\n"), &[]).expect(4);
    test_text(&folder, &both, &["--filter", "cut"]).expect(5);
    file(&folder, "noise.trh", b"\x7fnothing that anybody reads");
    let run = test_text(&folder, &text("- trace: noise.trh\n"), &[]).expect(4);
    assert!(run.text().contains("TEST-UNREADABLE"), "{}", run.text());
}

#[test]
fn folders_and_patterns() {
    let folder = place("folders");
    for name in ["t/a.trace", "t/b.trace", "t/deep/c.trace", "t/deep/notes.txt"] {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, SMALL).expect("a file");
    }
    for (entries, expected) in [
        ("- trace: t\n", vec!["t/a.trace", "t/b.trace", "t/deep/c.trace"]),
        ("- trace: 't/*.trace'\n", vec!["t/a.trace", "t/b.trace"]),
        ("- trace: 't/**/*.trace'\n", vec!["t/a.trace", "t/b.trace", "t/deep/c.trace"]),
        ("- trace: t/[bc].trace\n- trace: t/\n", vec!["t/b.trace", "t/a.trace", "t/deep/c.trace"]),
        ("- trace: t\n- trace: t/b.trace\n", vec!["t/a.trace", "t/deep/c.trace", "t/b.trace"]),
    ] {
        let text = format!("suite: s\nrules: [rules.yaml]\nunexpected: ignore\ntraces:\n{entries}");
        let json = test_text(&folder, &text, &["-f", "json"]).expect(0).json();
        let traces = json.pointer("/suites/0/traces").and_then(Json::as_array).expect("a list");
        let names: Vec<&str> = traces.iter().map(|trace| trace["trace"].as_str().expect("a name")).collect();
        assert_eq!(names, expected, "{entries}");
    }
}

#[test]
fn blessed_results() {
    let folder = place("bless");
    let text =
        suite("  # A comment that stays.\n  expect: [{rule: Dev}]\n").replace("ignore", "fail") + "- trace: cut.trh\n";
    let golden = folder.join("s.expected.yaml");
    test_text(&folder, &text, &[]).expect(1);
    let run = test_text(&folder, &text, &["--bless"]).expect(0);
    for part in ["+++ ", "+  - trace: small.trace", "+        events: [1, 5]", "+    partial: true"] {
        assert!(run.text().contains(part), "{part}\n{}", run.text());
    }
    let first = std::fs::read_to_string(&golden).expect("blessed results");
    // The rule that the suite speaks of is not noted again.
    assert!(!first.split("cut.trh").next().expect("a part").contains("Dev"), "{first}");
    assert_eq!(std::fs::read_to_string(folder.join("s.yaml")).expect("the suite"), text);
    let run = test(&folder, &["s.yaml", "--bless"]).expect(0);
    assert!(run.text().contains("nothing changed"), "{}", run.text());
    assert_eq!(std::fs::read_to_string(&golden).expect("blessed results"), first);
    test(&folder, &["s.yaml"]).expect(0);
    // Another rule: the difference is a failure, then a reviewed difference.
    file(&folder, "rules.yaml", RULES.replace("fd.num >= 0", "fd.name startswith /etc/"));
    let run = test(&folder, &["s.yaml"]).expect(1);
    assert!(run.text().contains("on other events than expected: not on event 5, also on event 4"), "{}", run.text());
    let run = test(&folder, &["s.yaml", "--bless"]).expect(0);
    assert!(
        run.text().contains("-        events: [1, 5]") && run.text().contains("+        events: [1, 4]"),
        "{}",
        run.text()
    );
    // Of a trace that is not there any more nothing stays.
    let less = text.split("- trace: cut").next().expect("a part");
    test_text(&folder, less, &[]).expect(3).says(&["SUITE-STALE", "s.expected.yaml:", "--bless"]);
    test(&folder, &["s.yaml", "--bless"]).expect(0);
    assert!(!std::fs::read_to_string(&golden).expect("blessed results").contains("cut.trh"));
    // Nothing to say: no file.
    test_text(
        &folder,
        &less.replace("fail", "ignore").replace("[{rule: Dev}]", "[{rule: Dev}, {rule: Open}]"),
        &["--bless"],
    )
    .expect(0);
    assert!(!golden.exists());
}

#[test]
fn a_trace_that_is_slow_to_read_is_kept_unpacked() {
    let folder = place("unpacked");
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    // Small, and coded with the model; the other one is not.
    run(["convert", &path("small.trace"), &path("small.trh"), "-q"]).expect(0);
    file(&folder, "fast.trh", native(SMALL.as_bytes(), 2));
    let text = suite("  expect: [{rule: Open, where: '@file.path:/srv/*'}]\n- trace: fast.trh\n");
    let text = text.replace("small.trace", "small.trh");
    let kept = |extension: &str| {
        let files = std::fs::read_dir(folder.join("cache/tracehound")).expect("the cache");
        let files = files.map(|entry| entry.expect("an entry").path());
        files.filter(|path| path.extension().is_some_and(|e| e == extension)).collect::<Vec<_>>()
    };
    let both = || {
        let args = ["-f", "json", "--coverage"];
        let cached = test_text(&folder, &text, &args);
        let fresh = test_text(&folder, &text, &[&args[..], &["--no-cache"]].concat());
        assert_eq!((cached.code, cached.text()), (fresh.code, fresh.text()));
        assert_eq!([kept("observed").len(), kept("unpacked").len()], [2, 1]);
    };
    both();
    let copy = kept("unpacked").remove(0);
    let whole = std::fs::read(&copy).expect("a copy");
    // Edited rules are asked of the copy; one that is damaged or gone is made anew, and counts for nothing.
    for (n, damage) in [None, Some(&b""[..]), Some(b"noise"), Some(&whole[..whole.len() - 1])].into_iter().enumerate() {
        if let Some(damage) = damage {
            std::fs::write(&copy, damage).expect("a copy");
        }
        file(&folder, "rules.yaml", RULES.replace("Opened (", &format!("Opened {n} (")));
        both();
        assert!(std::fs::read(&copy).expect("a copy") == whole, "{n}");
    }
}

#[test]
fn the_cache_never_changes_a_result() {
    let folder = place("cache");
    file(&folder, "other.trace", SMALL.replace("/dev/.hidden", "/srv/x"));
    let text = suite("  expect: [{rule: Dev}, {rule: Open, where: '@file.path:/etc/*'}]\n- trace: other.trace\n");
    let formats = ["-f", "json"];
    let both = |text: &str, args: &[&str]| {
        let cached = test_text(&folder, text, &[&formats, args].concat());
        let fresh = test_text(&folder, text, &[&formats, args, &["--no-cache"]].concat());
        assert_eq!((cached.code, cached.text()), (fresh.code, fresh.text()), "{text} {args:?}");
        fresh.code
    };
    assert_eq!(both(&text, &[]), Some(0));
    let kept = || {
        let files = std::fs::read_dir(folder.join("cache/tracehound")).expect("the cache");
        let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files
    };
    assert_eq!(kept().len(), 2);
    assert_eq!(both(&text, &[]), Some(0));
    // An edited rule, output, query, suppression; a rule that is new, switched off, or on again.
    let rules = |text: String| drop(file(&folder, "rules.yaml", text));
    rules(RULES.replace("startswith /dev/", "startswith /srv/"));
    assert_eq!(both(&text, &[]), Some(1));
    rules(RULES.replace("Written (", "Changed ("));
    assert_eq!(both(&text, &[]), Some(0));
    assert_eq!(both(&text.replace("/etc/*", "/var/*"), &[]), Some(1));
    assert_eq!(both(&text, &["-s", "noise.yaml"]), Some(1));
    file(&folder, "noise.yaml", SUPPRESSIONS.replace("/etc/hosts", "/etc/passwd"));
    assert_eq!(both(&text, &["-s", "noise.yaml"]), Some(0));
    assert_eq!(both(&text, &["--disable", "Open"]), Some(3));
    assert_eq!(both(&text, &["--enable", "Off"]), Some(0));
    rules(RULES.to_owned() + "- rule: New\n  desc: d\n  condition: evt.type = close\n  output: o\n  priority: INFO\n");
    assert_eq!(both(&text, &[]), Some(0));
    // An edited trace.
    file(&folder, "small.trace", SMALL.replace("/dev/.hidden", "/srv/y"));
    assert_eq!(both(&text, &[]), Some(1));
    file(&folder, "small.trace", SMALL);
    // Records that are damaged, cut, of someone else, or no files count for nothing.
    for damage in [&b"noise"[..], b"", b"tracehound-suite-cache 1 0000\n{}\n", &[0xff; 100]] {
        for path in kept() {
            std::fs::write(path, damage).expect("a record");
        }
        assert_eq!(both(&text, &[]), Some(0));
    }
    // Of the edited trace there is a record too, which nobody asks for and nobody writes anew.
    kept().iter().for_each(|path| std::fs::remove_file(path).expect("a record"));
    assert_eq!(both(&text, &[]), Some(0));
    assert_eq!(kept().len(), 2);
    for path in kept() {
        let whole = std::fs::read(&path).expect("a record");
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        std::fs::write(&path, damaged).expect("a record");
        assert_eq!(both(&text, &[]), Some(0));
        assert!(std::fs::read(&path).expect("a record") == whole, "written anew");
    }
    for path in kept() {
        std::fs::remove_file(&path).expect("a record");
        std::fs::create_dir(&path).expect("a folder");
    }
    assert_eq!(both(&text, &[]), Some(0));
    // A folder that cannot be written to.
    test_text(&folder, &text, &["--cache", "rules.yaml/x"]).expect(0);
}

#[test]
fn the_same_bytes_for_every_number_of_threads() {
    let folder = place("threads");
    for i in 0..20 {
        file(&folder, &format!("t{i}.trace"), SMALL.replace("/dev/.hidden", &format!("/dev/.hidden{i}")));
    }
    let text = suite("  absent: [Dev]\n- trace: '*.trace'\n  absent: [Open]\n  labels: {kind: attack}\n");
    for format in ["text", "json", "junit", "sarif", "github", "markdown"] {
        let runs: Vec<Run> =
            ["1", "4"].map(|n| test_text(&folder, &text, &["-f", format, "--coverage", "--no-cache", "-j", n])).into();
        assert_eq!(runs[0].code, Some(1));
        assert!(runs[0].stdout == runs[1].stdout && !runs[0].stdout.is_empty(), "{format}");
    }
}

#[test]
fn hostile_names_mean_nothing_to_who_reads_them() {
    let folder = place("hostile");
    let evil = "<b>]]>&\"'|`x`\\x\u{1b}[31m\u{202e}::error::\\u0085%0A</details>";
    let quoted = serde_json::Value::from(evil.replace("\\x", "x").replace("\\u", "u")).to_string();
    let evil = &serde_json::from_str::<String>(&quoted).expect("a text");
    file(&folder, "rules.yaml", RULES.replace("rule: Dev", &format!("rule: {quoted}")));
    let trace = SMALL
        .replace("/dev/.hidden", "\"/dev/\\x1b[2J\\n::error::x</failure>|`\"")
        .replace("comm=bash", "comm=\"b\\x1b]0;\\n\"");
    file(&folder, "<x>&|.trace", trace);
    let text = format!(
        "suite: {quoted}\nrules: [rules.yaml]\ntraces:\n- trace: '<x>&|.trace'\n  absent: [{quoted}, Open]\n- trace: small.trace\n  unexpected: warn\n"
    );
    file(&folder, "s.yaml", text);
    let mut args = vec!["s.yaml", "--force", "--coverage", "-f", "text"];
    let formats = ["json=o.json", "junit=o.xml", "sarif=o.sarif", "github=o.txt", "markdown=o.md"];
    formats.iter().for_each(|format| args.extend(["-f", format]));
    let run = test(&folder, &args).expect(1);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("UTF-8");
    let is_safe = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}');
    for text in [run.text().to_owned(), read("o.xml"), read("o.txt"), read("o.md")] {
        assert!(is_safe(&text), "{}", text.escape_debug());
    }
    // JSON and SARIF escape controls and keep the names as they are.
    let json: Json = serde_json::from_str(&read("o.json")).expect("JSON");
    assert_eq!(json["suites"][0]["suite"], **evil);
    serde_json::from_str::<Json>(&read("o.sarif")).expect("JSON");
    // Every line is one command of its own: `evil` and names of files start none.
    assert!(read("o.txt").lines().all(|line| line.contains(",col=")
        && (line.starts_with("::error file=s.yaml,line=") || line.starts_with("::warning file=s.yaml,line="))));
    assert_eq!(read("o.txt").lines().count(), 4);
    // Another parser of XML than the writer.
    let mut reader = quick_xml::Reader::from_str(read("o.xml").leak());
    let (mut names, mut depth, mut n_failures) = (Vec::new(), 0, 0);
    loop {
        use quick_xml::events::Event;
        match reader.read_event().expect("XML") {
            event @ (Event::Start(_) | Event::Empty(_)) => {
                let (Event::Start(element) | Event::Empty(element)) = &event else { unreachable!() };
                depth += i32::from(matches!(event, Event::Start(_)));
                n_failures += usize::from(element.name().as_ref() == b"failure");
                for attribute in element.attributes() {
                    let attribute = attribute.expect("an attribute");
                    if attribute.key.as_ref() == b"name" {
                        names.push(attribute.unescape_value().expect("a value").into_owned());
                    }
                }
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((depth, n_failures), (0, 2));
    assert_eq!(names[0], "tracehound");
    assert_eq!(names[1], evil.replace('\u{1b}', "\\x1b").replace('\u{202e}', "\\u{202e}"));
    assert_eq!(names[2..], ["<x>&|.trace", "small.trace"]);
}

#[test]
fn formats_and_files() {
    let folder = place("files");
    let text = suite("");
    test_text(&folder, &text, &["-f", "xml"]).expect(2).says(&["text, json, junit, sarif, github, markdown"]);
    test_text(&folder, &text, &["-f", "json", "-f", "text"]).expect(2).says(&["two formats for one place"]);
    test_text(&folder, &text, &["-f", "json=a.json", "-o", "b"]).expect(2).says(&["--output"]);
    test_text(&folder, &text, &["-f", "junit", "-o", "a.xml"]).expect(0);
    test_text(&folder, &text, &["-f", "junit=a.xml"]).expect(2).says(&["a.xml: exists"]);
    test_text(&folder, &text, &["-f", "junit=a.xml", "--force"]).expect(0);
    let schema = test(&folder, &["--schema"]).expect(0);
    assert_eq!(schema.text(), tracehound_suite::files::SCHEMA);
}

#[test]
fn what_the_corpus_says_of_the_rules() {
    let folder = place("coverage");
    file(&folder, "attack.trace", SMALL);
    file(&folder, "missed.trace", SMALL.replace("/dev/.hidden", "/srv/x"));
    file(&folder, "benign.trace", SMALL);
    let text = "suite: s\nrules: [rules.yaml]\nunexpected: ignore\ntraces:\n\
        - {trace: attack.trace, labels: {kind: attack, techniques: [T1036.005]}}\n\
        - {trace: missed.trace, labels: {kind: attack, techniques: [T1036.005, T1083]}, expect: [{rule: Open}]}\n\
        - {trace: benign.trace, labels: {kind: benign}}\n\
        - {trace: small.trace}\n";
    let run = test_text(&folder, text, &["-f", "json", "--coverage", "--navigator", "layer.json"]).expect(0);
    let coverage = &run.json()["coverage"];
    let rule = |name: &str| {
        let rules = coverage["rules"].as_array().expect("a list");
        rules.iter().find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    let lists = |rule: &Json| {
        ["found", "missed", "false_alarms", "elsewhere"].map(|key| {
            let names = rule[key].as_array().expect("a list").iter();
            names.map(|name| name.as_str().expect("a name").to_owned()).collect::<Vec<_>>().join(" ")
        })
    };
    assert_eq!(lists(&rule("Dev")), ["s/attack.trace", "s/missed.trace", "s/benign.trace", ""]);
    assert_eq!((rule("Dev")["precision"].as_f64(), rule("Dev")["recall"].as_f64()), (Some(0.5), Some(0.5)));
    assert_eq!(lists(&rule("Open")), ["s/missed.trace", "", "s/benign.trace", "s/attack.trace"]);
    assert_eq!(lists(&rule("Connection")), ["", "", "", ""]);
    assert_eq!(rule("Connection")["precision"], Json::Null);
    assert_eq!(coverage["never_fired"], serde_json::json!(["Connection"]));
    // By hand: over four traces with three openat each, of which one is for writing.
    let leaves = |name: &str| -> Vec<(String, u64, u64)> {
        let number = |leaf: &Json, key: &str| leaf[key].as_u64().expect("a number");
        let row = |leaf: &Json| {
            (leaf["text"].as_str().expect("a text").to_owned(), number(leaf, "true"), number(leaf, "false"))
        };
        rule(name)["comparisons"].as_array().expect("a list").iter().map(row).collect()
    };
    let expected = [("evt.is_open_write = true".to_owned(), 4, 8), ("fd.name startswith /dev/".to_owned(), 3, 1)];
    assert_eq!(leaves("Dev"), expected);
    assert_eq!(leaves("Open"), [("fd.num >= 0".to_owned(), 8, 4)]);
    let layer: Json =
        serde_json::from_slice(&std::fs::read(folder.join("layer.json")).expect("a layer")).expect("JSON");
    assert_eq!((&layer["domain"], &layer["versions"]["layer"]), (&"enterprise-attack".into(), &"4.5".into()));
    let scores: Vec<(&str, Option<u64>)> = layer["techniques"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|technique| (technique["techniqueID"].as_str().expect("an id"), technique["score"].as_u64()))
        .collect();
    assert_eq!(scores, [("T1036.005", Some(50)), ("T1071", None), ("T1083", Some(100))]);
    let run = test_text(&folder, text, &["--coverage"]).expect(0);
    let table = "     1      1      1      0      50 %   50 %  Dev\n";
    for part in ["fired on no trace: 1 of 3 rules\n  Connection", table, "3 of 3 comparisons"] {
        assert!(run.text().contains(part), "{part}\n{}", run.text());
    }
}

#[test]
fn again_when_something_changes() {
    let folder = place("watch");
    file(&folder, "s.yaml", suite("  expect: [{rule: Dev}]\n"));
    let mut command = command(["test", "s.yaml", "--watch", "-f", "json=out.json", "--no-cache"]);
    let mut child =
        command.current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let passed = || -> Option<u64> {
        let json: Json = serde_json::from_slice(&std::fs::read(folder.join("out.json")).ok()?).ok()?;
        json.pointer("/counts/passed")?.as_u64()
    };
    let until = |expected: u64| {
        let start = Instant::now();
        while passed() != Some(expected) && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(50));
        }
        passed()
    };
    let first = until(1);
    // Long enough after the first look that the change is one, whatever the clock of the file system.
    std::thread::sleep(Duration::from_millis(1500));
    file(&folder, "rules.yaml", RULES.replace("startswith /dev/", "startswith /srv/v"));
    let second = until(0);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert_eq!((first, second), (Some(1), Some(0)));
}
