//! Suppressions end to end: what is hidden, that nothing is lost, and that what does not load stops everything.
//!
//! Requirements of the specification (A-xx, P-xx) that need the whole program have their test here, by name.

mod support;

use serde_json::{Value as Json, json};
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

    // What `suppress lint` says of suppressions, `rules check` says of filters; and `explain` says what they hide.
    let rules = file(&folder, "r.yaml", rule("  - {action: suppress, query: '@process.comm:*'}\n"));
    let checked = run(["rules", "check", &rules, "--format", "json"]).expect(3).json();
    let found: Vec<&Json> = checked["diagnostics"].as_array().into_iter().flatten().collect();
    let wide = found.iter().find(|d| d["code"] == "SUP-ALL").unwrap_or_else(|| panic!("{checked}"));
    assert_eq!((&wide["line"], &checked["stats"]["errors"]), (&json!(8), &json!(1)));
    let signals = run(["analyze", JAVA, "-r", &rules, "-q", "--show-suppressed"]).expect(0).lines();
    let id = signals[0]["id"].as_str().expect("an id");
    let explained = run(["explain", JAVA, "-r", &rules, id, "-f", "text"]).expect(0);
    assert!(explained.text().contains("hidden by A: suppress filter 1\n"), "{}", explained.text());
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

const EXPORT: &str = "samples/java_export.trace";
/// The two exports and the attack in it.
const NIGHTS: [&str; 2] = ["c4f08c9ff3c5d072", "1673b12c7a6a453e"];
const ATTACK: &str = "645feade6a1488ab";

/// What `suppress suggest` says of the nightly exports, as JSON.
fn suggest(more: &[&str]) -> Json {
    let mut args = vec!["suppress", "suggest", EXPORT, NIGHTS[0], NIGHTS[1], "-r", RULES, "-f", "json"];
    args.extend(more);
    run(args).expect(0).json()
}

/// A-21, and the worked example of the guide: signals before, suggestion, suppression, signals after, an attack by the
/// same Java process that still fires.
#[test]
fn a_21_worked_example() {
    let before = run(["analyze", EXPORT, "-r", RULES, "-q"]).expect(0).lines();
    assert_eq!(
        before.iter().map(|s| s["id"].as_str().unwrap_or_default()).collect::<Vec<_>>(),
        [NIGHTS[0], NIGHTS[1], ATTACK]
    );
    let args =
        ["suppress", "suggest", EXPORT, NIGHTS[0], NIGHTS[1], "-r", RULES, "--attacks", JAVA, "--owner", "shop team"];
    let proposed = run(args).expect(0);
    assert!(proposed.text().contains("/tmp/export.*/orders.csv"), "{}", proposed.text());
    // What is printed is a file of suppressions, comments and all.
    let path = suppressions("worked", proposed.text());
    run(["suppress", "lint", &path, "-r", RULES, "--now", "2026-03-04", "--fail-on", "warning"]).expect(0);
    let after = run(["analyze", EXPORT, "-r", RULES, "-s", &path, "-q"]).expect(0).lines();
    assert_eq!(after.iter().map(|s| s["id"].as_str().unwrap_or_default()).collect::<Vec<_>>(), [ATTACK]);
    let explained =
        run(["suppress", "explain", EXPORT, ATTACK, "-r", RULES, "-s", &path, "-f", "json"]).expect(0).json();
    assert_eq!(explained["verdict"], "fired");
    let clauses = explained["suppressions"][0]["queries"][0]["clauses"].as_array().expect("clauses");
    let failed: Vec<&str> =
        clauses.iter().filter(|c| c["satisfied"] == false).filter_map(|c| c["clause"].as_str()).collect();
    assert!(failed.len() == 1 && failed[0].starts_with("@process.args:"), "{failed:?}");
    let explained = run(["suppress", "explain", EXPORT, NIGHTS[0], "-r", RULES, "-s", &path, "-f", "text"]).expect(0);
    assert!(explained.text().contains(": hides it"), "{}", explained.text());
}

/// The guide's four-term query parses, `+x` included, and asks for all four.
#[test]
fn a_21_four_terms() {
    for (query, expected) in [
        (
            "@process.args:-c @process.user:app @process.ancestors.comm:systemd @process.ancestors.args:-jar",
            "suppressed",
        ),
        ("@process.args:-c @process.user:app @process.ancestors.comm:systemd @process.ancestors.args:+x", "fired"),
    ] {
        let text =
            one(&format!("rule_query: 'ruleId:\"Service runtime spawned a shell\"'\nsuppression_query: '{query}'"));
        assert_eq!(verdicts("terms", &text, &[])[0].1, expected, "{query}");
    }
}

/// A-03, A-04, A-16: proposals from narrow to wide, with what each would hide besides, and what it matches at all.
#[test]
fn a_03_a_04_a_16_proposals() {
    let json = suggest(&["--attacks", JAVA]);
    let proposals = json["proposals"].as_array().expect("proposals");
    let scores: Vec<u64> = proposals.iter().filter_map(|p| p["specificity"].as_u64()).collect();
    assert!(scores.len() >= 5 && scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let widest = proposals.last().expect("a proposal");
    assert_eq!(widest["suppression_query"], "@process.executable.path:/usr/bin/dash @process.parent.comm:java");
    assert_eq!(widest["others"][0]["id"], ATTACK);
    assert_eq!(widest["refused"], "it hides 1 signal of attacks");
    assert_eq!(widest["attacks"][0]["trace"], JAVA);
    assert_eq!((&widest["events_matched"], &json["events_of_kind"]), (&Json::from(3), &Json::from(6)));
    assert_eq!(json["picked"], 1);
    assert_eq!((&proposals[0]["hides_targets"], &proposals[0]["hides_others"]), (&Json::from(2), &Json::from(0)));
    let refused = run([
        "suppress",
        "suggest",
        EXPORT,
        NIGHTS[0],
        "-r",
        RULES,
        "--attacks",
        JAVA,
        "--pick",
        &scores.len().to_string(),
    ]);
    refused.expect(2).says(&["is refused: it hides 1 signal of attacks"]);
}

/// A-03: for the activity of files the first proposal has arguments, program, user, file and every tag of the workload.
#[test]
fn a_03_files() {
    let trace = "samples/write_below_dev.trace";
    let signals = run(["analyze", trace, "-r", RULES, "-q"]).expect(0).lines();
    let of_file = |signal: &&Json| signal["rule"] == "File written below dev";
    let of_file = signals.iter().rfind(of_file).expect("a signal of a file");
    let id = of_file["id"].as_str().expect("an id");
    let args = ["suppress", "suggest", trace, id, "-r", RULES, "--tag", "env:prod", "--tag", "team:x", "-f", "json"];
    let json = run(args).expect(0).json();
    let query = json["proposals"][0]["suppression_query"].as_str().expect("a query");
    for part in
        ["@process.args:", "@process.executable.path:", "@process.user:", "@file.path:", "env:prod", "team:x", "host:"]
    {
        assert!(query.contains(part), "{part} in {query}");
    }
}

/// A-10: *never trigger signals for this*, from attributes that were chosen; a value that differs becomes a list.
#[test]
fn a_10_never_trigger() {
    let json = suggest(&["--attribute", "@process.args", "--attribute", "@process.parent.comm=java"]);
    let entry = &json["entry"];
    assert_eq!(entry["rule_query"], "ruleId:\"Service runtime spawned a shell\"");
    assert_eq!(
        entry["suppression_query"],
        r"@process.args:\-c\ /srv/orders/bin/export.sh\ --out\ /tmp/export.*/orders.csv @process.parent.comm:java"
    );
    let all = run([
        "suppress",
        "suggest",
        EXPORT,
        NIGHTS[0],
        ATTACK,
        "-r",
        RULES,
        "--attribute",
        "@process.args",
        "-f",
        "yaml",
    ]);
    let path = suppressions("never", all.expect(0).text());
    let after = run(["analyze", EXPORT, "-r", RULES, "-s", &path, "-q"]).expect(0).lines();
    assert_eq!(after.len(), 0);
    let args = ["suppress", "suggest", EXPORT, NIGHTS[0], "-r", RULES, "--attribute", "process.arg"];
    run(args).expect(2).says(&["no attribute `process.arg`"]);
}

/// A-01: the attributes that are recommended for the kind of activity, with values and counts.
#[test]
fn a_01_keys_of_a_signal() {
    let args = ["suppress", "attributes", EXPORT, NIGHTS[0], NIGHTS[1], "-r", RULES, "--keys"];
    let json = run(args).expect(0).json();
    assert_eq!(json["activity"], "process");
    let rows = json["keys"].as_array().expect("rows");
    let row = |name: &str| rows.iter().filter(|row| row["attribute"] == name).collect::<Vec<_>>();
    assert_eq!(row("@process.args").len(), 2, "two values");
    assert_eq!(row("@process.args")[0]["stability"], "ephemeral");
    assert_eq!(
        (&row("@process.user")[0]["events"], &row("@process.user")[0]["value"]),
        (&Json::from(2), &Json::from("app"))
    );
    assert_eq!(row("@process.user")[0]["scope"], "user");
    assert!(row("@network.destination.ip").is_empty() && row("@dns.question.name").is_empty());
}

/// A value of which only the first 64 KiB are shown is named, in every form; one that is whole is not.
#[test]
fn shortened_values_are_named() {
    let sample = std::fs::read_to_string(support::root().join(JAVA)).expect("the sample");
    let at = folder("sup-shortened");
    for (n, expected) in [(1usize << 10, &[][..]), (70 << 10, &["@process.args"])] {
        let long = format!("\"@/etc/hostname\",\"{}\"", "x".repeat(n));
        let trace = file(&at, &format!("{n}.trace"), sample.replace("\"@/etc/hostname\"", &long));
        let signals = run(["analyze", &trace, "-r", RULES, "-f", "jsonl", "-q"]).expect(0).lines();
        let id = signals.last().expect("a signal")["id"].as_str().expect("an id").to_owned();
        for more in [&[][..], &["--keys"], &["--shared"]] {
            let found = run([&["suppress", "attributes", &trace, &id, "-r", RULES], more].concat()).expect(0);
            let json = found.json();
            let head = if more.is_empty() { &json[0] } else { &json["signals"][0] };
            let shortened: Vec<&str> =
                head["shortened"].as_array().expect("names").iter().filter_map(Json::as_str).collect();
            assert_eq!(shortened, expected, "{n} {more:?}");
            let text = format!("{id}: shortened to 64 KiB: @process.args\n");
            assert_eq!(found.stderr.contains(&text), !expected.is_empty(), "{}", found.stderr);
        }
    }
}

/// A-02: what signals share, nested as in an event, and where they differ.
#[test]
fn a_02_shared() {
    let args = ["suppress", "attributes", EXPORT, NIGHTS[0], NIGHTS[1], "-r", RULES, "--shared"];
    let first = run(args).expect(0);
    let json = first.json();
    assert_eq!(json["shared"]["process"]["parent"]["comm"], "java");
    assert_eq!(json["shared"]["process"]["ancestors"][0]["comm"], "java");
    assert_eq!(json["shared"]["tags"]["host"], "shop-02.example.com");
    assert_eq!(json["shared"]["process"]["args"], Json::Null);
    assert_eq!(json["varying"]["@process.args"]["distinct"], 2);
    assert_eq!(json["varying"]["@process.args"]["common_elements"], serde_json::json!(["-c"]));
    assert_eq!(json["varying"]["@process.pid"]["stability"], "volatile");
    assert_eq!(run(args).expect(0).stdout, first.stdout);
}

/// A-15, A-18, A-24: ancestors at any depth, tags that were given, environment variables.
#[test]
fn a_15_a_18_a_24_ancestors_tags_and_variables() {
    for (query, more, n) in [
        ("@process.ancestors.executable.path:*/java", &[][..], 3),
        ("@process.ancestors.comm:systemd -@process.parent.comm:(bash OR sh)", &[], 1),
        ("@process.ancestors.file.name:java", &[], 3),
        ("@process.comm:curl @process.envs:PWD", &[], 2),
        ("@process.comm:curl @process.envs:\"USER=app\" @process.ancestors.envs:HOME", &[], 2),
        ("@process.envs:NO_SUCH @process.comm:curl", &[], 0),
        ("env:prod @process.comm:curl", &[], 0),
        ("env:prod @process.comm:curl", &["--tag", "env:prod"], 2),
        ("kube_service:shop @process.comm:curl", &["--tag", "env:prod"], 0),
        ("@host.kernel:6.1.0-* @process.comm:sh", &[], 1),
    ] {
        let text = one(&format!("rule_query: '*'\nsuppression_query: '{query}'"));
        let hidden = verdicts("reach", &text, more).iter().filter(|(_, verdict, _)| verdict == "suppressed").count();
        assert_eq!(hidden, n, "{query}");
    }
}

fn n_lines(output: &[u8]) -> usize {
    output.iter().filter(|&&b| b == b'\n').count()
}

/// A rule that every event of the traces below fires.
const GETCWD: &str =
    "- rule: R\n  desc: d\n  condition: evt.type = getcwd\n  output: o\n  priority: INFO\n  tags: [t]\n";

/// A-18: tags from a file, by host and container.
#[test]
fn a_18_tags_of_hosts_and_containers() {
    let folder = folder("sup-tags");
    let trace = file(
        &folder,
        "t.trace",
        "#tracehound-trace 1\nmachine hostname=web-01\n\
         thread 7 pid=7 comm=a cgroups=[\"memory=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e\"]\n\
         thread 8 pid=8 comm=b\n7 getcwd res=0 path=/\n8 getcwd res=0 path=/\n",
    );
    let rules = file(&folder, "r.yaml", GETCWD);
    let tags = file(
        &folder,
        "tags.yaml",
        "tags:\n  - {host: web-01, tags: [service:shop]}\n  - {host: web-02, tags: [service:other]}\n  \
         - {container: 3ad7b26ded6d, tags: [env:prod]}\n",
    );
    for (query, with_tags, n) in [
        ("service:shop @process.comm:*", true, 2),
        ("service:other @process.comm:*", true, 0),
        ("env:prod @process.comm:*", true, 1),
        ("env:prod @process.comm:b", true, 0),
        ("service:shop @process.comm:*", false, 0),
    ] {
        let entry = format!("suppressions: [{{name: S, rule_query: '*', suppression_query: '{query}'}}]");
        let suppressions = file(&folder, "s.yaml", entry);
        let mut args =
            vec!["analyze", "-q", "-f", "jsonl", "--allow-partial", &trace, "-r", &rules, "-s", &suppressions];
        if with_tags {
            args.extend(["--tags", &tags]);
        }
        assert_eq!(n_lines(&run(args).expect(0).stdout), 2 - n, "{query}");
    }
    let wrong = file(&folder, "wrong.yaml", "tags:\n  - {hst: web-01, tags: [service:shop]}\n");
    let run = run(["analyze", &trace, "-r", &rules, "--tags", &wrong]).expect(3);
    assert!(run.stderr.contains("did you mean `host`?"), "{}", run.stderr);
}

/// A-19 (b): a suppression for kernels in which Dirty Pipe is fixed.
#[test]
fn a_19_fixed_kernels() {
    let folder = folder("sup-kernels");
    let rules = file(&folder, "r.yaml", GETCWD);
    let suppressions = file(
        &folder,
        "s.yaml",
        "suppressions:\n  - name: S\n    rule_query: '*'\n    suppression_query: '@process.comm:a \
         @host.kernel:(<5.8 OR [5.10.102 TO 5.11} OR [5.15.25 TO 5.16} OR >=5.16.11)'\n",
    );
    for (kernel, is_fixed) in [
        ("5.7", true),
        ("5.7.19-amd64", true),
        ("5.8.0", false),
        ("5.9.16-rc1", false),
        ("5.10.101", false),
        ("5.10.102", true),
        ("5.10.102-1-amd64", true),
        ("5.15.24", false),
        ("5.15.25", true),
        ("5.16.10", false),
        ("5.16.11", true),
        ("5.17", true),
        ("6.1.0-18-amd64", true),
        ("unknown", false),
    ] {
        let text =
            format!("#tracehound-trace 1\nmachine kernel={kernel}\nthread 7 pid=7 comm=a\n7 getcwd res=0 path=/\n");
        let trace = file(&folder, "t.trace", text);
        let run = run(["analyze", "-q", "-f", "jsonl", "--allow-partial", &trace, "-r", &rules, "-s", &suppressions]);
        assert_eq!(n_lines(&run.expect(0).stdout), usize::from(!is_fixed), "{kernel}");
    }
}

/// A-14, A-16: what only a trace tells of suppressions.
#[test]
fn a_14_a_16_lint_with_a_trace() {
    let folder = folder("sup-surface");
    let mut trace = String::from("#tracehound-trace 1\nthread 1 comm=init exe=init exepath=/sbin/init uid=0\n");
    for pid in 100..300 {
        trace += &format!("thread {pid} ptid=1 comm=sh exe=sh exepath=/bin/sh uid=0\n");
    }
    for pid in 100..300 {
        let name = if pid < 110 { "backup" } else { "other" };
        trace += &format!(
            "{pid} execve res=0 exe={name} args=[] tid={pid} pid={pid} ptid=1 cwd=/ comm={name} trusted_exepath=/bin/{name} filename=/bin/{name} uid=0\n"
        );
    }
    let trace = file(&folder, "t.trace", trace);
    let rules = file(
        &folder,
        "r.yaml",
        "- rule: Backup\n  desc: d\n  condition: evt.type = execve and proc.name = backup\n  output: o\n  priority: INFO\n  tags: [t]\n",
    );
    let text = "suppressions:\n\
        - {name: Wide, rule_query: 'ruleId:Backup', suppression_query: '@process.parent.comm:init @process.executable.path:/bin/*'}\n\
        - {name: Narrow, rule_query: 'ruleId:Backup', suppression_query: '@process.parent.comm:init @process.comm:nothing'}\n";
    let path = file(&folder, "s.yaml", text);
    let lint = run(["suppress", "lint", &path, "-r", &rules, "-t", &trace, "-f", "json"]).expect(0).json();
    let codes: Vec<&str> =
        lint["diagnostics"].as_array().into_iter().flatten().filter_map(|d| d["code"].as_str()).collect();
    assert!(codes.contains(&"SUP-SURFACE") && codes.contains(&"SUP-DEAD"), "{codes:?}");
    let message = lint["diagnostics"].to_string();
    assert!(message.contains("100.0 % of 200 execve events"), "{message}");
    let twice = "suppressions:\n\
        - {name: A, rule_query: 'ruleId:Backup', suppression_query: '@process.parent.comm:init @process.comm:backup'}\n\
        - {name: B, rule_query: 'ruleId:Backup', suppression_query: '@process.executable.path:/bin/backup @process.parent.comm:init'}\n";
    let path = file(&folder, "twice.yaml", twice);
    let lint = run(["suppress", "lint", &path, "-r", &rules, "-t", &trace, "-f", "json"]).expect(0);
    assert_eq!(lint.text().matches("SUP-SHADOWED").count(), 2, "{}", lint.text());
}

#[test]
fn levels_formats_and_exit_codes_of_lint() {
    let warning = suppressions(
        "warning",
        &one("rule_query: '*'\nsuppression_query: '@process.user:root'\nexpiration_date: 2099-01-01"),
    );
    for (level, code) in [("error", 0), ("warning", 1), ("lint", 1), ("never", 0)] {
        run(["suppress", "lint", &warning, "--fail-on", level]).expect(code);
    }
    let error = suppressions("error", &one("rule_query: '*'\nsuppression_query: 'host:a'"));
    run(["suppress", "lint", &error]).expect(1);
    run(["suppress", "lint", &error, "--fail-on", "never"]).expect(0);
    let broken = suppressions("broken", &one("rule_query: '*'\nsuppression_query: '(a'"));
    run(["suppress", "lint", &broken, "--fail-on", "never"]).expect(3);
    let sarif = run(["suppress", "lint", &error, "-f", "sarif"]).expect(1).json();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(sarif["version"], "2.1.0");
    assert!(sarif["runs"][0]["results"].to_string().contains("SUP-TAG-ONLY"), "{sarif}");
    assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().is_some());
    let json = run(["suppress", "lint", &error, "-f", "json"]).expect(1).json();
    assert_eq!(json["stats"]["errors"], 1);
}

/// Lists of Datadog's API: there and back.
#[test]
fn exchange() {
    let folder = folder("sup-exchange");
    let list = r#"{"data":[{"id":"a-b","type":"suppressions","attributes":{"name":"Backup","enabled":true,
        "rule_query":"ruleId:x","suppression_query":"@process.comm:a @process.parent.comm:b","start_date":1703187336000,
        "tags":["owner:ops"],"version":3,"creator":{"handle":"x"}}}]}"#;
    let list = file(&folder, "list.json", list);
    let yaml = run(["suppress", "import", &list]).expect(0).says(&["1 suppressions, 1 load"]);
    let yaml = file(&folder, "s.yaml", yaml.text());
    let exported = run(["suppress", "export", &yaml]).expect(0).json();
    assert_eq!(exported["data"][0]["attributes"]["start_date"], 1_703_187_336_000u64);
    assert_eq!(exported["data"][0]["attributes"]["tags"], serde_json::json!(["owner:ops"]));
    assert_eq!(exported["data"][0]["id"], "a-b");
    run(["suppress", "import", &file(&folder, "bad.json", "{")]).expect(3).says(&["bad.json: not JSON"]);
    let out = folder.join("out.yaml");
    let out = out.to_str().expect("UTF-8");
    run(["suppress", "import", &list, "-o", out]).expect(0);
    run(["suppress", "import", &list, "-o", out]).expect(2).says(&["--force"]);
    run(["suppress", "format", out, "--check"]).expect(0);
    let untidy = file(&folder, "u.yaml", one("rule_query: 'x'\nsuppression_query: '@process.comm:a    (env:b)'"));
    run(["suppress", "format", &untidy, "--check"]).expect(1).says(&["u.yaml: would be formatted"]);
    run(["suppress", "format", &untidy, "--write"]).expect(0);
    run(["suppress", "format", &untidy, "--check"]).expect(0);
    assert_eq!(run(["suppress", "schema"]).expect(0).json()["title"], "tracehound suppressions");
}

#[test]
fn what_is_asked_for_must_exist() {
    for (args, code, says) in [
        (&["suppress", "suggest", EXPORT, "-r", RULES][..], 2, "there is no signal's id"),
        (&["suppress", "suggest", "c4f08c9ff3c5d072", "-r", RULES], 2, "there is no trace"),
        (&["suppress", "suggest", EXPORT, "c4f08c9ff3c5d072"], 2, "-r RULES"),
        (&["suppress", "suggest", EXPORT, "c4f08c9ff3c5d070", "-r", RULES], 2, "did you mean `c4f08c9ff3c5d072`?"),
        (&["suppress", "suggest", "-", "c4f08c9ff3c5d070", "-r", RULES], 2, "standard input"),
        (&["suppress", "explain", EXPORT, "c4f08c9ff3c5d072", "-r", RULES], 2, "-s SUPPRESSIONS"),
        (&["suppress", "lint", "no/such"], 3, "no/such"),
        (&["suppress", "attributes", "no/such", "c4f08c9ff3c5d072", "-r", RULES], 4, "no/such"),
    ] {
        run(args.iter().copied()).expect(code).says(&[says]);
    }
}

/// On a real capture: the narrowest proposal for each signal hides it, and no signal is lost by it.
#[test]
fn proposals_on_a_real_capture() {
    let shared = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| support::root().join("../shared"), Into::into);
    let trace: std::path::PathBuf = shared.join("captures/vm/kt-5.10.0-32-cloud-amd64.scap");
    let Some(trace) = trace.to_str().filter(|path| std::path::Path::new(path).is_file()) else {
        tracehound_skipped::skipped!("proposals on a real capture: no captures in {}", shared.display());
        return;
    };
    let analyze = |more: &[&str]| {
        let mut args = vec!["analyze", trace, "-r", RULES, "-q", "--allow-partial", "--show-suppressed"];
        args.extend(more);
        run(args).expect(0).lines()
    };
    let all = analyze(&[]);
    assert!(all.len() >= 3);
    for signal in &all {
        let id = signal["id"].as_str().expect("an id");
        let args = ["suppress", "suggest", trace, id, "-r", RULES, "--allow-partial", "-f", "yaml", "-q"];
        let path = suppressions(&format!("real-{id}"), run(args).expect(0).text());
        let with = analyze(&["-s", &path]);
        assert_eq!(with.len(), all.len(), "{id}");
        let of_id = with.iter().find(|signal| signal["id"] == id).expect("the signal");
        assert_eq!(of_id["verdict"], "suppressed", "{}", std::fs::read_to_string(&path).unwrap_or_default());
    }
}
