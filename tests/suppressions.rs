//! Suppressions end to end: what is hidden, that nothing is lost, and that what does not load stops everything.
//!
//! Requirements of the specification (A-xx, P-xx) that need the whole program have their test here, by name.

mod support;

use serde_json::Value as Json;
use support::{file, folder, run};

const JAVA: &str = "samples/java_spawns_bash.trace";
const RULES: &str = "rules/";

/// A file of suppressions in a folder of its own.
fn suppressions(name: &str, text: &str) -> String {
    file(&folder(&format!("sup-{name}")), "s.yaml", text)
}

/// Analyzes the sample with suppressions; the rules and verdicts of all its signals.
fn verdicts(name: &str, text: &str, more: &[&str]) -> Vec<(u64, String, Vec<String>)> {
    let path = suppressions(name, text);
    let mut args = vec!["analyze", JAVA, "-r", RULES, "-s", &path, "-f", "jsonl", "--show-suppressed", "-q"];
    args.extend(more);
    let texts = |list: &Json| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    run(args)
        .expect(0)
        .lines()
        .iter()
        .map(|signal| {
            let seq = signal["seq"].as_u64().expect("a number");
            (seq, signal["verdict"].as_str().expect("a verdict").to_owned(), texts(&signal["suppressed_by"]))
        })
        .collect()
}

/// The same, as text.
fn shown(name: &str, text: &str, more: &[&str]) -> String {
    let verdicts = verdicts(name, text, more);
    let lines = verdicts.iter().map(|(seq, verdict, by)| match by.is_empty() {
        true => format!("{seq} {verdict}"),
        false => format!("{seq} {verdict} by {}", by.join(", ")),
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// One suppression with these lines.
fn one(lines: &str) -> String {
    format!("suppressions:\n- name: S\n  {}\n", lines.replace('\n', "\n  "))
}

#[test]
fn all_that_match_are_recorded_in_the_order_of_the_file() {
    let text = "suppressions:\n\
                - {name: Second, rule_query: '*', suppression_query: '@process.comm:curl @process.parent.comm:sh'}\n\
                - {name: First, rule_query: 'rule:\"Transfer tool below a service\"', suppression_query: '@process.args:*/r @process.user:app'}\n\
                - {name: Off, enabled: false, rule_query: '*', suppression_query: '@process.comm:curl @process.user:app'}\n";
    assert_eq!(shown("order", text, &[]), "33 fired; 52 fired; 65 suppressed by Second, First");
}

#[test]
fn the_clock_is_the_time_of_the_event_unless_another_is_given() {
    let query = "rule_query: '*'\nsuppression_query: '@process.comm:curl @process.user:app'\n";
    // The sample is of 2 March 2026, 10:31.
    for (dates, more, is_hidden) in [
        ("start_date: 2026-03-02\nexpiration_date: 2026-03-03", &[][..], true),
        ("expiration_date: 2026-03-02T10:31:34.120799207Z", &[], false),
        ("expiration_date: 2026-03-02T10:31:34.120799208Z", &[], true),
        ("start_date: 2026-03-02T10:31:34.120799207Z", &[], true),
        ("start_date: 2026-03-02T10:31:34.120799208Z", &[], false),
        ("start_date: 2026-03-02\nexpiration_date: 2026-03-03", &["--now", "2026-04-01"], false),
        ("start_date: 2026-04-01", &["--now", "2026-04-01"], true),
    ] {
        let verdicts = verdicts("clock", &one(&format!("{query}{dates}")), more);
        assert_eq!(verdicts[1].1 == "suppressed", is_hidden, "{dates} {more:?}");
    }
    run(["analyze", JAVA, "--now", "whenever"]).expect(2).says(&["--now: whenever is not a date"]);
}

#[test]
fn excluded_events_are_not_seen_by_the_rules() {
    let text =
        one("rule_query: 'rule:\"Transfer tool below a service\"'\ndata_exclusion_query: '@process.args:*/r env:dev'");
    assert_eq!(shown("exclude", &text, &[]), "33 fired; 52 fired; 65 fired");
    assert_eq!(shown("exclude", &text, &["--tag", "env:dev"]), "33 fired; 52 fired; 65 suppressed by S");
    run(["analyze", JAVA, "--tag", "dev"]).expect(2).says(&["--tag:", "KEY:VALUE"]);
}

/// Where only the first rule fires, a rule that does not see an event leaves it to the next.
#[test]
fn an_excluded_event_is_left_to_the_next_rule() {
    let folder = folder("sup-first");
    let rule = |name: &str| {
        format!(
            "- rule: {name}\n  desc: d\n  condition: evt.type = execve and proc.name = curl\n  output: o\n  priority: INFO\n  tags: [t]\n"
        )
    };
    let rules = file(&folder, "r.yaml", rule("A") + &rule("B"));
    let hide =
        |what: &str| file(&folder, what, one(&format!("rule_query: 'rule:A'\n{what}_query: '@process.args:*/r'")));
    for (what, expected) in [("data_exclusion", vec!["A", "A", "A", "B"]), ("suppression", vec!["A", "A", "A"])] {
        let path = hide(what);
        let args = ["analyze", JAVA, "-r", &rules, "-s", &path, "--rule-matching", "first", "--show-suppressed", "-q"];
        let found: Vec<String> =
            run(args).expect(0).lines().iter().map(|s| s["rule"].as_str().unwrap_or_default().to_owned()).collect();
        assert_eq!(found, expected, "{what}");
    }
}

/// A-11, A-12: filters at a rule, applied to its events; suppress and require.
#[test]
fn a_11_a_12_filters_at_a_rule() {
    let folder = folder("sup-filters");
    let rule = |filters: &str| {
        format!(
            "- rule: A\n  desc: d\n  condition: evt.type = execve and proc.name = curl\n  output: o\n  priority: INFO\n  tags: [t]\n  filters:\n{filters}"
        )
    };
    for (filters, fired) in [
        ("  - {action: suppress, query: '@process.args:*/r'}\n", 2),
        ("  - {action: require, query: '@process.user:app'}\n", 2),
        ("  - {action: require, query: '@process.user:app'}\n  - {action: require, query: '@process.args:*/r'}\n", 1),
        ("  - {action: require, query: '@process.user:app'}\n  - {action: suppress, query: '@process.args:*/r'}\n", 1),
        ("  - {action: suppress, query: '@process.user:nobody'}\n", 3),
    ] {
        let rules = file(&folder, "r.yaml", rule(filters));
        assert_eq!(run(["analyze", JAVA, "-r", &rules, "-q"]).expect(0).lines().len(), fired, "{filters}");
        let all = run(["analyze", JAVA, "-r", &rules, "-q", "--show-suppressed"]).expect(0).lines();
        assert_eq!(all.len(), 3, "{filters}");
    }
    let rules = file(&folder, "r.yaml", rule("  - {action: suppress, query: '@process.arg:x'}\n"));
    let failed = run(["analyze", JAVA, "-r", &rules]).expect(3);
    assert!(failed.stderr.contains("no attribute `@process.arg`"), "{}", failed.stderr);
    assert!(failed.stderr.contains("r.yaml:8:32"), "{}", failed.stderr);
}

/// A-13, A-14, A-25: nothing is lost, and the accounts say what each suppression did.
#[test]
fn a_13_a_14_a_25_accounting() {
    let text = "suppressions:\n\
                - {name: Wide, rule_query: '*', suppression_query: '@process.comm:curl @process.user:app'}\n\
                - {name: Narrow, rule_query: '*', suppression_query: '@process.comm:curl @process.args:*/r'}\n\
                - {name: Dead, rule_query: '*', suppression_query: '@process.comm:nobody @process.user:app'}\n\
                - {name: Over, rule_query: '*', suppression_query: '@process.comm:sh @process.user:app', expiration_date: 2026-01-01}\n\
                - {name: Early, rule_query: '*', suppression_query: '@process.comm:sh @process.user:app', start_date: 2027-01-01}\n";
    let path = suppressions("accounts", text);
    let out = folder("sup-accounts-out").join("out");
    let out = out.to_str().expect("UTF-8");
    let run_ = run(["analyze", JAVA, "-r", RULES, "-s", &path, "-o", out]).expect(0);
    assert_eq!(run_.lines().len(), 1, "shown");
    let summary = std::fs::read_to_string(format!("{out}/summary.json")).expect("a summary");
    let summary: Json = serde_json::from_str(&summary).expect("JSON");
    for (pointer, expected) in [
        ("/signals/fired", "1"),
        ("/signals/suppressed", "2"),
        ("/suppressions/clock", "\"event\""),
        ("/suppressions/active/0/suppression", "\"Wide\""),
        ("/suppressions/active/0/signals", "2"),
        ("/suppressions/active/0/alone", "1"),
        ("/suppressions/active/0/processes", "2"),
        ("/suppressions/active/0/hosts", "1"),
        ("/suppressions/active/0/first", "\"2026-03-02T10:31:34.120799207Z\""),
        ("/suppressions/active/0/overlaps", r#"[{"signals":1,"suppression":"Narrow"}]"#),
        ("/suppressions/shadowed", r#"["Narrow"]"#),
        ("/suppressions/dead", r#"["Dead"]"#),
        ("/suppressions/expired", r#"["Over"]"#),
        ("/suppressions/not_started", r#"["Early"]"#),
    ] {
        assert_eq!(summary.pointer(pointer).map(Json::to_string).as_deref(), Some(expected), "{pointer}");
    }
    let says =
        ["1 signals", "2 suppressed", "Wide: 2 signals (1 by it alone), 2 processes", "dead: Dead", "expired: Over"];
    run_.says(&says);
}

#[test]
fn what_does_not_load_stops_everything() {
    for (name, text, says) in [
        ("attribute", one("rule_query: '*'\nsuppression_query: '@process.com:a'"), "no attribute `@process.com`"),
        ("syntax", one("rule_query: '*'\nsuppression_query: '@process.comm:(a'"), "error["),
        (
            "dates",
            one("rule_query: '*'\nsuppression_query: a\nstart_date: 2026-02-01\nexpiration_date: 2026-01-01"),
            "SUP-DATE",
        ),
        (
            "names",
            one("rule_query: '*'\nsuppression_query: a\n\n- name: S\n  rule_query: b\n")
                .replace("\n  \n  - name", "\n- name"),
            "SUP-",
        ),
        ("regex", one("rule_query: '*'\nsuppression_query: '@process.comm:java$'"), "SUP-REGEX"),
        ("key", one("rule_query: '*'\nsupression_query: a"), "did you mean `suppression_query`?"),
        ("empty", one("rule_query: '*'\nsuppression_query: ''"), "SUP-EMPTY"),
        ("text", "hello".to_owned(), "SUP-INVALID"),
    ] {
        let path = suppressions(name, &text);
        let run_ = run(["analyze", JAVA, "-r", RULES, "-s", &path]).expect(3);
        assert_eq!(run_.text(), "", "{name}: nothing is analyzed");
        run_.says(&[says, "s.yaml:", "suppressions do not load"]);
    }
    run(["analyze", JAVA, "-r", RULES, "-s", "no/such.yaml"]).expect(3).says(&["no/such.yaml", "No such file"]);
    let empty = folder("sup-empty");
    run(["analyze", JAVA, "-r", RULES, "-s", empty.to_str().expect("UTF-8")])
        .expect(3)
        .says(&["no .yaml or .yml file"]);
}

/// The same bytes for any number of threads.
#[test]
fn verdicts_do_not_depend_on_threads() {
    let text = one("rule_query: '*'\nsuppression_query: '@process.user:app @process.comm:curl'");
    let path = suppressions("threads", &text);
    let run_with = |threads: &str| {
        let out = folder(&format!("sup-threads-{threads}")).join("out");
        let out = out.to_str().expect("UTF-8");
        run(["analyze", JAVA, "-r", RULES, "-s", &path, "-o", out, "-j", threads, "-q"]).expect(0);
        ["suppressions.parquet", "signals.parquet", "summary.json"]
            .map(|name| std::fs::read(format!("{out}/{name}")).expect("a file"))
    };
    assert_eq!(run_with("1"), run_with("4"));
}
