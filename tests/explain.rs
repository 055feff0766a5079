//! `explain`: what is said of signals and of rules that did not fire, compared with the texts in `tests/explain/`.
//! `UPDATE_EXPECTED=1` writes these; read the difference before committing it.

mod support;

use serde_json::{Value as Json, json};
use support::{SMALL, file, folder, root, run, run_with_stdin};

const RULES: &str = "tests/explain/rules.yaml";
const JAVA: &str = "samples/java_spawns_bash.trace";
const SHELL: &str = "samples/reverse_shell_redirect.trace";
const JAVA_RULE: &str = "Java spawned a shell";

/// The id of the first signal of a rule.
fn signal_id(trace: &str, rule: &str) -> String {
    let run = run(["analyze", trace, "-r", RULES, "-f", "jsonl", "-q"]).expect(0);
    let signals = run.lines();
    let signal = signals.iter().find(|signal| signal["rule"] == rule).expect("a signal of the rule");
    signal["id"].as_str().expect("an id").to_owned()
}

#[track_caller]
fn check(name: &str, actual: &str) {
    let path = root().join("tests/explain").join(name);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, actual).expect("the text is written");
    }
    let expected = std::fs::read_to_string(&path).expect("a text to compare with");
    assert!(expected == actual, "{name} differs (UPDATE_EXPECTED=1 rewrites it):\n{actual}");
}

#[test]
fn explanations_for_people() {
    let java = signal_id(JAVA, JAVA_RULE);
    let shell = signal_id(SHELL, "Shell with streams on a socket");
    let cases: &[(&str, &str, &[&str])] = &[
        ("signal_java.txt", JAVA, &[&java]),
        ("signal_socket.txt", SHELL, &[&shell, "--full"]),
        // It fired, but not for the shell that the build started.
        ("miss_build.txt", JAVA, &["--rule", JAVA_RULE, "--pid", "2802"]),
        ("match_java.txt", JAVA, &["--rule", JAVA_RULE]),
        ("miss_several.txt", SHELL, &["--rule", "Reverse shell by cron"]),
        ("miss_kind.txt", SHELL, &["--rule", "Module loaded"]),
        ("miss_other_kind.txt", SHELL, &["--rule", "Module loaded", "--seq", "51"]),
    ];
    for (name, trace, args) in cases {
        let run = run([&["explain", trace, "-r", RULES, "-f", "text"], *args].concat()).expect(0);
        assert_eq!(run.stderr, "", "{name}");
        check(name, run.text());
    }
}

#[test]
fn explanations_for_machines() {
    let id = signal_id(SHELL, "Shell with streams on a socket");
    let run_ = run(["explain", SHELL, "-r", RULES, &id]).expect(0);
    check("signal_socket.json", run_.text());
    let signal = run_.json();
    assert_eq!(signal["signal"]["id"], json!(id));
    assert_eq!((&signal["matches"], &signal["distance"]), (&json!(true), &json!(0)));
    // The macros from outside inwards, and the list that the condition names, not the one within it.
    let leaf = comparison(&signal, "proc.name in");
    assert_eq!(leaf["macros"], json!(["shell_started"]));
    assert_eq!(leaf["lists"], json!(["shells"]));
    assert_eq!((&leaf["file"], &leaf["line"]), (&json!(RULES), &json!(13)));
    assert_eq!(leaf["values"], json!([{ "operand": "proc.name", "value": "sh" }]));
    assert_eq!(comparison(&signal, "evt.rawres")["macros"], json!(["shell_started", "started"]));

    let miss = run(["explain", JAVA, "-r", RULES, "--rule", JAVA_RULE, "--pid", "2802"]).expect(0).json();
    assert_eq!((&miss["signal"], &miss["matches"], &miss["distance"]), (&Json::Null, &json!(false), &json!(1)));
    assert_eq!(miss["event"]["tid"], 2802);
    let changes: Vec<&Json> = parts(&miss).iter().filter(|part| part["must_change"] == true).collect();
    assert_eq!(changes, [comparison(&miss, "proc.aname")]);
    assert_eq!(miss["processes"][0]["pid"], 2802);
    assert_eq!(miss["processes"].as_array().and_then(|line| line.last()).expect("a root")["pid"], 1);

    let none = run(["explain", SHELL, "-r", RULES, "--rule", "Module loaded"]).expect(0).json();
    assert_eq!((&none["event"], &none["condition"], &none["asked"]["events"]), (&Json::Null, &Json::Null, &json!(0)));
}

fn parts(explanation: &Json) -> &[Json] {
    explanation["condition"].as_array().expect("a condition")
}

fn comparison<'a>(explanation: &'a Json, start: &str) -> &'a Json {
    let has_start = |part: &&Json| part["text"].as_str().is_some_and(|text| text.starts_with(start));
    parts(explanation).iter().find(has_start).expect("a comparison")
}

#[test]
fn what_does_not_exist_is_a_wrong_command_line_with_help() {
    let id = signal_id(JAVA, JAVA_RULE);
    let near = format!("{}{}", &id[..15], if id.ends_with('0') { '1' } else { '0' });
    let cases: &[(&[&str], &[&str])] = &[
        (&[&near], &["no signal", &near, "did you mean", &id]),
        (&["0000000000000000"], &["no signal 0000000000000000"]),
        (&["Java\u{1b}[2J"], &["no signal id", "Java\\x1b[2J", "--rule"]),
        (&["--rule", "Java spawned a shel"], &["did you mean `Java spawned a shell`?"]),
        (&["--rule", "device"], &["did you mean `Device written`?"]),
        (&["--rule", "zzzzzzzz"], &["no rule is called zzzzzzzz", "rules list"]),
        (&["--rule", JAVA_RULE, "--pid", "4242"], &["no event of pid 4242"]),
        (&["--rule", JAVA_RULE, "--seq", "999999"], &["no event 999999"]),
        (&["--rule", JAVA_RULE, &id], &["cannot be used with"]),
        (&[&id, "--pid", "1"], &["cannot be used with"]),
        (&[], &["required"]),
    ];
    for (args, says) in cases {
        run([&["explain", JAVA, "-r", RULES], *args].concat()).expect(2).says(says);
    }
    run(["explain", JAVA, "--rule", JAVA_RULE]).expect(2).says(&["-r RULES"]);
    run_with_stdin(["explain", "-", "-r", RULES, &id], b"").expect(2).says(&["standard input"]);
}

#[test]
fn a_rule_can_be_explained_on_standard_input() {
    let args = ["explain", "-", "-r", RULES, "--rule", "Device written"];
    let miss = run_with_stdin(args, SMALL.as_bytes()).expect(0).json();
    assert_eq!((&miss["event"]["seq"], &miss["distance"]), (&json!(5), &json!(0)));
}

#[test]
fn damaged_input_is_partial_and_the_evidence_says_so() {
    let folder = folder("explain-damaged");
    let damaged = SMALL.replace("2 +1us 100 read res=4 data=abcd fd=3 size=4096", "2 +1us 100 read res=\"");
    let path = file(&folder, "damaged.trace", damaged);
    let args = ["explain", &path, "-r", RULES, "--rule", "Device written"];
    let run_ = run(args).expect(5).says(&[&path]);
    assert_eq!(run_.json()["evidence"], "degraded");
    assert_eq!(run_.json()["event"]["seq"], 5);
    let why = run_.json()["evidence_why"].to_string();
    assert!(why.contains("damage:"), "{why}");
    run([&args[..], &["--allow-partial"]].concat()).expect(0);
}

#[test]
fn hostile_text_is_made_visible() {
    let folder = folder("explain-hostile");
    let trace = "\
#tracehound-trace 1
thread 100 ptid=1 comm=\"a\\x1b[2J\\nb\" exe=/bin/bash exepath=\"/x\\x1b]0;t\\x07\" args=[\"\\xff\\n✓\"] cwd=/ uid=0 gid=0
1 1735689600000001000 100 openat fd=3 dirfd=AT_FDCWD name=\"/dev/\\x1b[31m\\nx\" flags=O_RDONLY mode=0
";
    let trace = file(&folder, "hostile.trace", trace);
    let args = ["explain", &trace, "-r", RULES, "--rule", "Device written", "-f", "text"];
    let run_ = run([&args[..], &["--full"]].concat()).expect(0);
    assert!(!run_.stdout.contains(&0x1b) && !run_.stdout.contains(&0x07), "{}", run_.text());
    for shown in ["a\\x1b[2J\\nb", "/x\\x1b]0;t\\x07", "\\xff\\n✓", "/dev/\\x1b[31m\\nx", "has to be true"] {
        assert!(run_.text().contains(shown), "expected {shown:?} in {}", run_.text());
    }
    run(["explain", &trace, "-r", RULES, "--rule", "Device written"]).expect(0).json();
}
