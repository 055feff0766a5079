//! What is said of suppressions that load. Each requirement of the specification has its test here, by name.

use std::sync::Arc;

use tracehound_formats::Nanos;
use tracehound_lang::{Severity, SourceFile, render};
use tracehound_signals::{Priority, RuleRef};
use tracehound_suppress::attributes::{Activity, ActivitySet};
use tracehound_suppress::files::{self, date};
use tracehound_suppress::lint::scope::{Family, Scope, Width};
use tracehound_suppress::lint::{Context, LintRule, lint};
use tracehound_suppress::query::{Mode, parse};

fn rule(index: usize, name: &str, activities: ActivitySet) -> LintRule {
    let rule = RuleRef {
        index,
        name: name.to_owned(),
        priority: Priority::Warning,
        source: "syscall".to_owned(),
        tags: vec!["mitre_execution".to_owned()],
    };
    LintRule { rule: Arc::new(rule), activities }
}

fn now() -> Nanos {
    date::parse("2026-03-01").expect("a date")
}

/// Codes of what is said of a suppression with these lines, errors with `!`, remarks with `?`; and the text.
fn codes(lines: &str) -> (String, String) {
    let text = format!("suppressions:\n- name: S\n  {}\n", lines.replace('\n', "\n  "));
    let loaded = files::load(&[SourceFile::new("s.yaml", text)]);
    assert!(!loaded.has_errors(), "{}", render::render_all(&loaded.diagnostics, &loaded.sources));
    let rules = [
        rule(0, "Exec", Activity::Process.only()),
        rule(1, "Write", Activity::File.only()),
        rule(2, "Connect", Activity::Network.only()),
    ];
    let context = Context { rules: Some(&rules), now: now() };
    let found = lint(&loaded.suppressions[0], &context);
    let codes: Vec<String> = found
        .iter()
        .map(|d| {
            let mark = match d.severity {
                Severity::Error => "!",
                Severity::Warning => "",
                Severity::Lint => "?",
            };
            format!("{}{mark}", d.code.name())
        })
        .collect();
    (codes.join(" "), render::render_all(&found, &loaded.sources))
}

#[track_caller]
fn check(rule: &str, query: &str, more: &str, expected: &str) {
    let (found, text) = codes(&format!("rule_query: 'ruleId:{rule}'\nsuppression_query: '{query}'\n{more}"));
    assert_eq!(found, expected, "{query}\n{text}");
}

#[track_caller]
fn says(rule: &str, query: &str, part: &str) {
    let (_, text) = codes(&format!("rule_query: 'ruleId:{rule}'\nsuppression_query: '{query}'"));
    assert!(text.contains(part), "{part:?} in {text}");
}

#[test]
fn what_is_narrow_is_clean() {
    check("Exec", "@process.executable.path:/usr/bin/id @process.parent.comm:java", "", "");
    check("Write", "@file.path:/etc/app.conf @process.executable.path:/usr/bin/app", "", "");
    check("Connect", "@dns.question.name:example.com @process.comm:curl", "", "");
}

#[test]
fn a_05_too_few_things() {
    check("Write", "@process.user:root", "expiration_date: 2026-03-05", "SUP-BROAD");
    check("Write", "@process.comm:cat @process.args:x", "", "SUP-BROAD");
    check("Write", "@process.comm:cat OR (@process.comm:cp @file.path:/etc/x)", "", "SUP-BROAD");
    check("Write", "backup", "", "SUP-BROAD!");
}

#[test]
fn a_06_no_parent() {
    check("Exec", "@process.comm:cat @process.user:app", "expiration_date: 2026-03-05", "SUP-NO-PARENT?");
    check("Exec", "@process.comm:cat @process.ancestors.comm:sshd", "", "");
    check("Write", "@process.comm:cat @file.path:/etc/x", "", "");
}

#[test]
fn a_07_ephemeral_values() {
    let query = "@process.args:/tmp/tmp.9aQx1Z/run.sh @process.parent.comm:java";
    check("Exec", query, "", "SUP-EPHEMERAL");
    says("Exec", query, "help: write @process.args:/tmp/tmp.*/run.sh");
    check("Exec", "@process.args:/tmp/tmp.*/run.sh @process.parent.comm:java", "", "");
    check("Exec", r#"@process.args:"x /proc/4711/maps" @process.parent.comm:java"#, "", "SUP-EPHEMERAL");
    says(
        "Exec",
        r#"@process.args:"x /proc/4711/maps" @process.parent.comm:java"#,
        r"help: write @process.args:x\ /proc/*/maps",
    );
    check(
        "Exec",
        "@container.id:3ad7b26ded6d @process.comm:sh @process.parent.comm:java",
        "expiration_date: 2026-03-05",
        "DD-EPHEMERAL-SCOPE",
    );
    check("Write", "@file.inode:4711 @process.comm:sh", "", "DD-EPHEMERAL-SCOPE");
}

/// A-08: a value of the moment matters less if the suppression ends soon.
#[test]
fn a_08_ephemeral_for_a_short_time() {
    let query = "@process.args:/tmp/tmp.9aQx1Z/run.sh @process.parent.comm:java";
    check("Exec", query, "expiration_date: 2026-03-05", "SUP-EPHEMERAL?");
    check("Exec", query, "expiration_date: 2026-03-09", "SUP-EPHEMERAL");
    check("Exec", query, "start_date: 2026-02-27\nexpiration_date: 2026-03-06", "SUP-EPHEMERAL?");
}

#[test]
fn a_09_where_it_runs_alone() {
    check("Write", "host:web-1", "expiration_date: 2026-03-05", "SUP-TAG-ONLY!");
    check("Write", "env:prod service:shop -@process.comm:curl", "expiration_date: 2026-03-05", "SUP-TAG-ONLY!");
    check("Write", "@usr.id:7 kube_namespace:shop", "expiration_date: 2026-03-05", "SUP-TAG-ONLY!");
    check("Write", "host:web-1 @process.parent.comm:cron", "expiration_date: 2026-03-05", "");
}

/// A-14: what only the dates tell; the rest needs a trace.
#[test]
fn a_14_dates() {
    let query = "@process.comm:cat @process.parent.comm:java";
    check("Exec", query, "expiration_date: 2026-03-01", "SUP-EXPIRED");
    check("Exec", query, "start_date: 2026-03-02", "SUP-NOT-STARTED?");
    check("Exec", query, "start_date: 2026-03-01\nexpiration_date: 2026-03-02", "");
}

/// T6 and A-19: the owner of the executable taken for the user that runs it.
#[test]
fn a_19_owner_of_the_executable() {
    let (found, text) =
        codes("rule_query: 'ruleId:Exec'\nsuppression_query: '@process.executable.uid:0 @process.parent.comm:cron'");
    assert!(found.contains("DD-FILE-OWNER!"), "{found}");
    assert!(text.contains("the user that runs it is `@process.uid:0`"), "{text}");
    let (found, _) = codes(
        "rule_query: 'ruleId:Exec'\nsuppression_query: '@process.executable.uid:0 @process.uid:0 @process.parent.comm:cron'",
    );
    assert!(!found.contains("DD-FILE-OWNER"), "{found}");
}

#[test]
fn a_23_no_end() {
    check("Write", "@process.user:pentest @process.comm:nmap", "", "SUP-NO-EXPIRY?");
    check("Write", "@process.user:pentest @process.comm:nmap", "expiration_date: 2026-03-05", "");
}

#[test]
fn queries_that_never_match() {
    check("Exec", "@process.comm:a @process.comm:b @process.parent.comm:c", "", "SUP-NEVER!");
    check("Exec", "@process.comm:a* @process.comm:b @process.parent.comm:c", "", "SUP-NEVER!");
    check("Exec", "@process.comm:a -@process.comm:a @process.parent.comm:c", "", "SUP-NEVER!");
    check("Connect", "@network.destination.port:[9 TO 5] @process.comm:c", "", "SUP-NEVER!");
    // Of several ancestors one can be this and another one that.
    check("Exec", "@process.ancestors.comm:a @process.ancestors.comm:b @process.comm:c", "", "");
    check("Exec", "@process.comm:(a OR b) @process.parent.comm:c", "", "");
}

#[test]
fn queries_that_always_match() {
    for query in [
        "*:*",
        "@process.comm:*",
        "@process.executable.path:/*",
        "-@process.comm:java",
        "CIDR(@network.destination.ip, 0.0.0.0/0)",
    ] {
        check("Connect", query, "", "SUP-ALL!");
    }
}

#[test]
fn attributes_of_another_activity() {
    check("Exec", "@dns.question.name:a @process.comm:b @process.parent.comm:c", "", "SUP-NOT-OF-ACTIVITY");
    check("Connect", "@dns.question.name:a @process.comm:b @process.parent.comm:c", "", "");
}

#[test]
fn rule_queries() {
    let query = "suppression_query: '@process.comm:b @process.parent.comm:c'";
    assert_eq!(codes(&format!("rule_query: nosuch\n{query}")).0, "SUP-NO-RULE");
    assert_eq!(codes(&format!("rule_query: '*'\n{query}")).0, "SUP-ALL-RULES");
    assert_eq!(codes(&format!("rule_query: 'tactic:execution -ruleId:Write'\n{query}")).0, "");
}

/// A-04, A.5: weights by family, classes, and that a term less never says more.
#[test]
fn a_04_specificity() {
    let scope = |text: &str| Scope::of(&parse(text, Mode::Lenient).0.expect("a query"));
    for (text, specificity, width) in [
        ("*:*", 0, Width::Broad),
        ("@process.comm:*", 0, Width::Broad),
        ("-@process.comm:a", 0, Width::Broad),
        ("@process.user:root", 1, Width::Broad),
        ("env:prod", 1, Width::Broad),
        ("@process.comm:a", 2, Width::Broad),
        ("@process.executable.path:/usr/bin/a", 3, Width::Fair),
        ("@process.executable.path:/usr/bin/*", 2, Width::Broad),
        ("@process.executable.path:/usr*", 1, Width::Broad),
        ("@process.comm:a @process.executable.path:/usr/bin/a", 3, Width::Fair),
        ("@process.executable.path:/usr/bin/a @process.parent.comm:b", 5, Width::Fair),
        ("@process.executable.path:/a/b @process.parent.comm:b @process.user:c", 6, Width::Precise),
        ("@process.executable.path:/a/b OR env:prod", 1, Width::Broad),
    ] {
        assert_eq!((scope(text).specificity(), scope(text).width()), (specificity, width), "{text}");
    }
    let terms =
        ["@process.args:x", "@process.comm:a", "@process.parent.comm:b", "env:prod", "@file.path:/a/*", "-host:c"];
    for set in 0..1u32 << terms.len() {
        let chosen = |without: Option<usize>| -> Vec<&str> {
            (0..terms.len()).filter(|&i| set & 1 << i != 0 && Some(i) != without).map(|i| terms[i]).collect()
        };
        let whole = scope(&chosen(None).join(" ")).specificity();
        for i in (0..terms.len()).filter(|i| set & 1 << i != 0) {
            assert!(scope(&chosen(Some(i)).join(" ")).specificity() <= whole, "{:?} without {i}", chosen(None));
        }
    }
    assert!(scope("@network.destination.ip:10.0.0.1").has(Family::Network));
}
