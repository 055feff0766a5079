//! The process tree, as a person sees it.

mod support;

use std::fmt::Write;

use support::{Fixture, STORY};
use tracehound_report::tree::{self, TreeOptions, TreeShown};
use tracehound_signals::Priority;

fn show(fixture: &Fixture, options: &TreeOptions) -> (String, TreeShown) {
    let mut out = Vec::new();
    let shown = fixture.with(|case| tree::write(&mut out, case, options)).expect("memory takes everything");
    (String::from_utf8(out).expect("UTF-8"), shown)
}

fn check(fixture: &Fixture, options: &TreeOptions, expected: &str) {
    let (actual, _) = show(fixture, options);
    assert_eq!(actual, expected, "\n{actual}");
}

fn story() -> Fixture {
    Fixture::new(STORY).rule("Read sensitive file", Priority::Warning, &[4]).rule("Any exec", Priority::Notice, &[3])
}

#[test]
fn whole_tree() {
    check(
        &story(),
        &TreeOptions::default(),
        "\
1 systemd  /sbin/init  root  2024-12-31 23:50:00.000  running
├─ 100 bash  -bash  alice  2024-12-31 23:51:40.000  running
│  └─ 101 bash → cat  cat /etc/shadow na\\xffme  alice  00:00:00.000 +0.005s  exit 0
│        ● Notice Any exec event 3
│        ● Warning Read sensitive file event 4
└─ 200 nginx  root  [docker 3ad7b26ded6d]  2024-12-31 23:53:20.000  running
",
    );
}

#[test]
fn picked_by_pid_with_color_and_depth() {
    let options = TreeOptions { pid: Some(101), has_color: true, ..TreeOptions::default() };
    check(
        &story(),
        &options,
        "\
1 systemd > 100 bash
\x1b[1m101 bash → cat\x1b[0m  cat /etc/shadow na\\xffme\x1b[2m  alice  00:00:00.000 +0.005s  exit 0\x1b[0m
   \x1b[1m\x1b[36m● Notice Any exec\x1b[0m event 3
   \x1b[1m\x1b[33m● Warning Read sensitive file\x1b[0m event 4
",
    );
    let options = TreeOptions { depth: Some(0), ..TreeOptions::default() };
    check(&story(), &options, "1 systemd  /sbin/init  root  2024-12-31 23:50:00.000  running\n└─ … 3 more below\n");
    assert_eq!(show(&story(), &options).1, TreeShown { n_processes: 1, n_hidden: 3 });
}

#[test]
fn unknown_parents_and_hostile_names() {
    let fixture = Fixture::new(
        "thread 50 comm=\"\\x1b[31m漢\u{202e}\" exe=x uid=0\nthread 60 ptid=50 comm=b exe=b\n70 getcwd res=0 path=/\n",
    );
    check(
        &fixture,
        &TreeOptions::default(),
        "\
(parent unknown)
├─ 50 \\x1b[31m漢\\u{202e}  x  root  running
│  └─ 60 b  running
└─ 70 ?  running  birth not recorded
",
    );
}

#[test]
fn ten_thousand_deep() {
    let mut trace = String::from("thread 1 comm=init exe=init\n");
    for pid in 2..10_002 {
        let _ = writeln!(trace, "thread {} ptid={} comm=c exe=c", pid + 10, if pid == 2 { 1 } else { pid + 9 });
    }
    let (text, shown) = show(&Fixture::new(&trace), &TreeOptions::default());
    assert_eq!(shown.n_processes, 10_001);
    assert!(text.len() < 10_001 * 250, "indentation is bounded: {}", text.len());
    assert!(text.lines().last().is_some_and(|line| line.contains("└─ 10011 c")), "{:?}", text.lines().last());
}

#[test]
fn a_cycle_of_parents() {
    let fixture = Fixture::new(
        "thread 10 ptid=11 comm=a exe=a\nthread 11 ptid=10 comm=b exe=b\nthread 12 ptid=12 comm=c exe=c\n",
    );
    let (text, shown) = show(&fixture, &TreeOptions::default());
    assert_eq!(shown.n_processes, 3, "{text}");
    assert!(text.starts_with("(parent unknown)\n"), "{text}");
}
