//! The catalogue: examples, names, the schema, and what signals, rules and processes have values of.

mod common;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use common::{at_last, rule, signal, try_at_last};
use tracehound_fields::{Needs, View, examples};
use tracehound_signals::Priority;
use tracehound_suppress::attributes::{Activity, markdown, value_text};
use tracehound_suppress::query::parse;
use tracehound_suppress::{ATTRIBUTES, ExtraTags, Key, Mode, Query, RuleView, SignalView, Subject, lookup};

#[test]
fn every_example_holds() {
    let tags = ExtraTags::default();
    let mut wrong = Vec::new();
    for attribute in ATTRIBUTES.iter() {
        let Some(example) = attribute.example else { continue };
        let key = Key::Attribute(attribute.id);
        let ask = |view: &View<'_>| value_text(&SignalView::of_event(view, &tags).get(&key)).to_string();
        let text = try_at_last(example.trace, ask).unwrap_or_else(|damage| damage);
        if text != example.value {
            wrong.push(format!("{}: {text}, not {}", attribute.name, example.value));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What comes from a rule or from `--tag` has no event to show it on; these are asked below.
#[test]
fn every_attribute_that_is_answered_has_an_example() {
    let without: Vec<&str> =
        ATTRIBUTES.iter().filter(|a| a.missing().is_none() && a.example.is_none()).map(|a| a.name.as_ref()).collect();
    let expected = [
        "@falco.rule",
        "@agent.rule_id",
        "@workflow.rule.name",
        "ruleId",
        "@rule.priority",
        "status",
        "severity",
        "source",
        "type",
        "technique",
        "tactic",
        "kube_deployment",
        "kube_service",
        "kube_cluster_name",
        "kube_node",
    ];
    assert_eq!(without, expected);
}

#[test]
fn names_are_unique() {
    let mut names = HashSet::new();
    for attribute in ATTRIBUTES.iter() {
        assert!(names.insert(attribute.name.to_string()), "{} stands twice", attribute.name);
        assert!(attribute.doc.ends_with('.'), "{}: a sentence ends with a full stop", attribute.name);
        assert!(attribute.name.starts_with('@') || attribute.is_tag());
    }
    for attribute in ATTRIBUTES.iter() {
        for alias in &attribute.aliases {
            assert!(names.insert(alias.clone()), "{alias} of {} is another name", attribute.name);
            assert_eq!(lookup(alias).map(|found| found.id), Some(attribute.id));
        }
    }
}

/// The rows of table A.1 of the specification, in its canonical names.
#[test]
fn a_01_the_attributes_of_the_guide() {
    for name in [
        "@process.args",
        "@process.executable.name",
        "@process.executable.path",
        "@process.executable.user",
        "@process.executable.uid",
        "@process.executable.group",
        "@process.group",
        "@process.user",
        "@process.envs",
        "@process.parent.comm",
        "@process.parent.args",
        "@process.parent.executable.path",
        "@process.ancestors.executable.user",
        "@process.ancestors.executable.path",
        "@process.ancestors.executable.name",
        "@process.ancestors.envs",
        "@process.ancestors.comm",
        "@process.ancestors.args",
        "@file.path",
        "@file.inode",
        "@file.mode",
        "@dns.question.name",
        "@network.source.ip",
        "@network.source.port",
        "@network.destination.ip",
        "@network.destination.port",
        "@container.id",
        "@usr.id",
        // A-18
        "host",
        "env",
        "service",
        "version",
        "kube_cluster_name",
        "kube_namespace",
        "kube_deployment",
        "kube_service",
        "kube_container_name",
        "pod_name",
        "image_name",
        "image_tag",
        "short_image",
        "container_name",
        "container_id",
    ] {
        assert_eq!(lookup(name).map(|attribute| attribute.name.as_ref()), Some(name));
    }
    let row = lookup("@process.args").unwrap();
    assert!(Activity::ALL.into_iter().all(|activity| row.recommended.has(activity)));
    assert_eq!(row.combined.to_string(), "process, file");
    assert_eq!(lookup("@dns.question.name").unwrap().recommended.to_string(), "network");
}

/// Table A.0 of the specification: spellings of the guide that the schema does not have, T1 to T5 and T11.
#[test]
fn a_00_spellings_of_the_guide() {
    for (alias, name) in [
        ("@process.parent.executable.comm", "@process.parent.comm"),
        ("@process.parent.executable.args", "@process.parent.args"),
        ("@process.ancestors.executable.comm", "@process.ancestors.comm"),
        ("@process.ancestors.executable.args", "@process.ancestors.args"),
        ("@process.ancestors.executable.envs", "@process.ancestors.envs"),
        ("@process.parent.path", "@process.parent.executable.path"),
        ("@network.ip", "@network.source.ip"),
        ("@network.port", "@network.source.port"),
        ("@network.client.ip", "@network.source.ip"),
        ("@network.client.port", "@network.source.port"),
        ("@user.id", "@usr.id"),
        ("@user.group", "@usr.group"),
        ("@process.ancestors.file.name", "@process.ancestors.executable.name"),
        ("@process.ancestors.file.path", "@process.ancestors.executable.path"),
        ("@process.file.path", "@process.executable.path"),
        ("container.id", "@container.id"),
    ] {
        assert_eq!(lookup(alias).map(|attribute| attribute.name.as_ref()), Some(name), "{alias}");
    }
    // T6: the owner of the file is known by name, and no trace has it.
    for name in ["user", "uid", "group", "gid"] {
        for whose in ["", "parent.", "ancestors."] {
            let attribute = lookup(&format!("@process.{whose}executable.{name}")).unwrap();
            assert!(matches!(attribute.needs, Needs::NotInTrace(_)), "{}", attribute.name);
        }
    }
}

fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    tracehound_skipped::skipped!("{} is not there", path.display());
    None
}

#[test]
fn every_name_of_the_schema_is_known() {
    let Some(shared) = shared() else { return };
    let text = std::fs::read_to_string(shared.join("specs/datadog-backend-attributes.json")).unwrap();
    let schema: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut n_names = 0;
    for (path, row) in &schema {
        // An object has no value of its own.
        if row["type"] == "object" {
            continue;
        }
        let name = format!("@{}", path.replace("[]", ""));
        assert!(lookup(&name).is_some(), "{name}");
        n_names += 1;
    }
    assert!(n_names > 1500, "{n_names}");
}

#[test]
fn manual() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/attributes.md");
    let actual = markdown();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &actual).expect("a file that can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = expected.lines().zip(actual.lines()).find(|(expected, actual)| expected != actual);
    assert!(expected == actual, "{} is out of date (UPDATE_EXPECTED=1 rewrites it): {difference:?}", path.display());
}

fn query(text: &str) -> Query {
    let (query, diagnostics) = parse(text, Mode::Lenient);
    query.unwrap_or_else(|| panic!("{text}: {diagnostics:?}"))
}

/// Truth of queries about the last event of a trace, which a rule matched. Asked of the view and of a copy of it.
#[track_caller]
fn check(trace: &str, tags: &[&str], cases: &[(&str, bool)]) {
    let mut extra = ExtraTags::default();
    tags.iter().for_each(|tag| extra.add(tag).unwrap());
    let rule = rule(0, "Shell below java", Priority::Warning, &["T1059.004", "mitre_execution", "team:blue"]);
    at_last(trace, |event| {
        let signal = signal(&rule, event, "java spawned sh");
        let view = SignalView::new(&signal, event, &extra);
        let collected = view.collect();
        for &(text, expected) in cases {
            let query = query(text);
            assert_eq!(query.matches(&view), expected, "{text}: {:#?}", query.explain(&view));
            assert_eq!(query.matches(&collected), expected, "{text}, of a copy");
        }
    });
}

#[test]
fn a_17_a_signal_has_attributes_of_rule_event_process_and_host() {
    check(
        examples::EXEC,
        &["env:prod", "team:red"],
        &[
            ("@process.args:-l", true),
            (r#"@process.args:"-l /tmp""#, true),
            ("@process.user:alice @process.uid:1000 @usr.id:alice", true),
            ("@process.parent.comm:bash @process.parent.executable.path:/usr/bin/*", true),
            ("@process.ancestors.comm:sshd", true),
            ("-@process.ancestors.comm:java", true),
            ("same(@process.ancestors; comm:sshd user:root)", true),
            ("same(@process.ancestors; comm:bash user:root)", false),
            ("@process.envs:HOME", true),
            ("@process.ancestors.envs:LANG=C", true),
            ("@process.tty:pts0", true),
            ("@process.executable.in_upper_layer:true", true),
            ("@process.executable.user:root", false),
            ("@evt.name:exec @evt.outcome:Success @file.path:/usr/bin/ls", true),
            ("@evt.category:\"Process Activity\"", true),
            ("host:web-01 env:prod", true),
            ("team:red team:blue", true),
            ("tags:mitre_execution tags:\"team:blue\" tags:\"env:prod\" tags:\"host:web-01\"", true),
            ("technique:T1059.004 tactic:execution", true),
            ("status:medium severity:medium @rule.priority:Warning", true),
            ("@falco.rule:\"Shell below java\" @agent.rule_id:Shell*", true),
            ("java sh", true),
            ("bash", false),
            ("*:alice", true),
            ("*:sshd", true),
            ("*:nobody", false),
            ("@container.id:* OR container_name:*", false),
            ("@network.destination.ip:* OR @dns.question.name:*", false),
            ("service:*", false),
        ],
    );
    check(
        examples::CONTAINER,
        &[],
        &[
            ("@container.id:3ad7b26ded6d* container_name:web image_tag:1.0 short_image:web", true),
            ("kube_namespace:prod pod_name:web-0", true),
            ("image_name:example.com/web", true),
            ("kube_deployment:*", false),
        ],
    );
    check(
        examples::CONNECT,
        &[],
        &[
            ("CIDR(@network.destination.ip,93.184.0.0/16) @network.destination.port:443", true),
            ("@connect.addr.port:[400 TO 500]", true),
            ("@network.source.port:>32767", true),
            ("@bind.addr.port:* OR @accept.addr.port:*", false),
            ("@network.network_direction:egress @network.l4_protocol:TCP", true),
        ],
    );
}

/// Values are those at the event, not those of later.
#[test]
fn a_15_values_are_as_of_the_event() {
    let trace = "user 1000 alice
thread 1 pid=1 comm=systemd exe=/sbin/init uid=0 gid=0
thread 7 pid=7 ptid=1 comm=java exe=java exepath=/usr/bin/java uid=1000 gid=1000
thread 8 pid=8 ptid=7 comm=sh exe=sh exepath=/bin/sh args=[\"-c\",\"id\"] uid=1000 gid=1000
8 setuid res=0 uid=0";
    let before = "@process.ancestors.comm:java @process.user:root @process.parent.user:alice";
    check(trace, &[], &[(before, true)]);
    // The parent's end makes the top of the tree the parent.
    let orphan = format!("{trace}\n7 procexit status=0 ret=0 sig=0 core=0 reaper_tid=1\n8 getcwd res=0 path=/");
    check(&orphan, &[], &[("@process.parent.comm:systemd -@process.ancestors.comm:java", true), (before, false)]);
}

#[test]
fn files_of_events() {
    let line = |event: &str| format!("thread 7 pid=7 comm=sh cwd=/srv uid=0 gid=0\n{event}");
    for (event, path, destination) in [
        ("7 unlink res=0 path=a", "/srv/a", "-"),
        ("7 unlink res=ENOENT path=/tmp/../a", "/a", "-"),
        ("7 unlinkat res=0 dirfd=AT_FDCWD name=a flags=0", "/srv/a", "-"),
        ("7 rename res=0 oldpath=a newpath=/b", "/srv/a", "/b"),
        ("7 link res=0 oldpath=/etc/passwd newpath=b", "/etc/passwd", "/srv/b"),
        ("7 symlink res=0 target=/etc/passwd linkpath=b", "/etc/passwd", "/srv/b"),
        ("7 renameat2 res=0 olddirfd=AT_FDCWD oldpath=a newdirfd=AT_FDCWD newpath=b flags=0", "/srv/a", "/srv/b"),
        ("7 linkat res=0 olddir=AT_FDCWD oldpath=a newdir=AT_FDCWD newpath=b flags=0", "/srv/a", "/srv/b"),
        ("7 symlinkat res=0 target=/etc/passwd linkdirfd=AT_FDCWD linkpath=b", "/etc/passwd", "/srv/b"),
        ("7 mknodat res=0 dirfd=AT_FDCWD path=a mode=0 dev=0", "/srv/a", "-"),
        ("7 fchmodat res=0 dirfd=AT_FDCWD filename=a mode=0644", "/srv/a", "-"),
        ("7 mkdir res=0 path=d mode=0755", "/srv/d", "-"),
        ("7 chdir res=0 path=d", "/srv/d", "-"),
        ("7 mount res=0 dev=/dev/sda1 dir=/mnt type=ext4 flags=0", "/mnt", "-"),
        ("7 openat fd=ENOENT dirfd=AT_FDCWD name=x flags=O_RDONLY mode=0", "/srv/x", "-"),
        ("7 getcwd res=0 path=/srv", "-", "-"),
        ("7 setuid res=0 uid=0", "-", "-"),
    ] {
        at_last(&line(event), |view| {
            let tags = ExtraTags::default();
            let subject = SignalView::of_event(view, &tags);
            let text = |name: &str| value_text(&subject.get(&Key::Attribute(lookup(name).unwrap().id))).to_string();
            assert_eq!(
                (text("@file.path").as_str(), text("@file.destination.path").as_str()),
                (path, destination),
                "{event}"
            );
        });
    }
}

#[test]
fn rules_by_themselves() {
    let rule = rule(0, "Shell below java", Priority::Error, &["T1059", "mitre_execution", "team:blue"]);
    for (text, expected) in [
        ("shell", true),
        ("\"shell below\"", true),
        ("curl", false),
        ("type:workload_security source:syscall severity:high", true),
        ("ruleId:\"Shell below java\"", true),
        ("technique:T1059 -tactic:persistence team:blue", true),
        ("tags:mitre_execution", true),
        ("@process.comm:*", false),
        ("*:*", true),
    ] {
        assert_eq!(query(text).matches(&RuleView(&rule)), expected, "{text}");
    }
}

#[test]
fn processes_by_themselves() {
    at_last(examples::EXEC, |event| {
        let tags = ExtraTags::default();
        let history = event.history;
        let parent = history.parent(event.fact.process.unwrap(), event.seq()).unwrap();
        let view = SignalView::of_process(history, parent, event.seq(), &tags);
        for (text, expected) in [
            ("@process.comm:bash @process.user:alice host:web-01", true),
            ("@process.parent.comm:sshd @process.ancestors.comm:systemd", true),
            ("@process.comm:ls", false),
            ("@evt.name:* OR @file.path:* OR @falco.rule:*", false),
        ] {
            assert_eq!(query(text).matches(&view), expected, "{text}");
        }
    });
}
