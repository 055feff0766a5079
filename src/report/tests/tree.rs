//! The process tree, as a person sees it.

mod support;

use std::fmt::Write;

use support::{Fixture, STORY};
use tracehound_formats::Seq;
use tracehound_report::screen::Screen;
use tracehound_report::tree::{self, TreeOptions, TreeShown};
use tracehound_signals::Priority;
use tracehound_state::ProcessId;

fn show(fixture: &Fixture, options: &TreeOptions) -> (String, TreeShown) {
    let mut out = Vec::new();
    let shown = fixture.with(|case| tree::write(&mut out, case, options)).expect("memory takes everything");
    (String::from_utf8(out).expect("UTF-8"), shown)
}

fn check(fixture: &Fixture, options: &TreeOptions, expected: &str) {
    let (actual, _) = show(fixture, options);
    assert_eq!(actual, expected, "\n{actual}");
}

/// The first process with a pid.
fn pid(fixture: &Fixture, pid: i64) -> ProcessId {
    let id = fixture.history.processes.iter().position(|process| process.pid.0 == pid).expect("it exists");
    ProcessId::new(id as u32)
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
    let picks = Some(vec![pid(&story(), 101)]);
    let options =
        TreeOptions { picks, screen: Screen { has_color: true, ..Screen::default() }, ..TreeOptions::default() };
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
    check(
        &story(),
        &options,
        "1 systemd  /sbin/init  root  2024-12-31 23:50:00.000  running\n└─ … 3 more below: ● 1 Warning ● 1 Notice\n",
    );
    assert_eq!(show(&story(), &options).1, TreeShown { n_processes: 1, n_hidden: 3, n_all: 4 });
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

/// A service starts a shell, which starts a tool and ends before it; the tool is adopted.
const ORPHAN: &str = r#"#tracehound-trace 1
thread 1 comm=init exe=init uid=0
thread 10 ptid=1 comm=httpd exe=httpd uid=33
10 clone res=11 exe=httpd args=[] tid=10 pid=10 ptid=1 cwd="" comm=httpd flags=0 uid=33 gid=33 vtid=10 vpid=10
11 execve res=0 exe=sh args=["-c","tool"] tid=11 pid=11 ptid=10 cwd=/ comm=sh trusted_exepath=/bin/sh filename=/bin/sh uid=33
11 clone res=12 exe=sh args=[] tid=11 pid=11 ptid=10 cwd="" comm=sh flags=0 uid=33 gid=33 vtid=11 vpid=11
12 execve res=0 exe=tool args=[] tid=12 pid=12 ptid=11 cwd=/ comm=tool trusted_exepath=/bin/tool filename=/bin/tool uid=33
11 procexit status=0 ret=0 sig=0 core=0 reaper_tid=1
12 setuid res=0 uid=0
"#;

#[test]
fn as_of_an_event() {
    let fixture = Fixture::new(ORPHAN).rule("Shell", Priority::Critical, &[2]).rule("Root", Priority::Error, &[6]);
    for (at, expected) in [
        (0, "1 init  root  running\n└─ 10 httpd  uid 33  running\n"),
        (
            2,
            "\
1 init  root  running
└─ 10 httpd  uid 33  running
   └─ 11 httpd → sh  sh -c tool  uid 33  00:00:00.000  running
         ● Critical Shell event 2
",
        ),
        (
            6,
            "\
1 init  root  running
├─ 10 httpd  uid 33  running
└─ 12 sh → tool  uid 33 → root  00:00:00.000  running  born to 11 sh
      ● Error Root event 6
",
        ),
    ] {
        check(&fixture, &TreeOptions { at: Some(Seq(at)), ..TreeOptions::default() }, expected);
    }
}

#[test]
fn only_some_and_what_is_left_out() {
    let fixture = story();
    let options = TreeOptions { only: Some(vec![pid(&fixture, 200)]), ..TreeOptions::default() };
    check(
        &fixture,
        &options,
        "\
1 systemd  /sbin/init  root  2024-12-31 23:50:00.000  running
├─ 200 nginx  root  [docker 3ad7b26ded6d]  2024-12-31 23:53:20.000  running
└─ … 2 more below: ● 1 Warning ● 1 Notice
",
    );
    assert_eq!(show(&fixture, &options).1, TreeShown { n_processes: 2, n_hidden: 2, n_all: 4 });
}

#[test]
fn every_line_fits_the_screen() {
    let mut trace = String::from("thread 1 comm=init exe=init\n");
    for pid in 2..60 {
        let _ = writeln!(
            trace,
            "thread {pid} ptid={} comm=\"漢字x\" exe=\"漢字\" args=[\"{}\"]",
            pid - 1,
            "漢".repeat(200)
        );
    }
    for width in [40, 80, 200] {
        for is_ascii in [false, true] {
            let screen = Screen { width: Some(width), is_ascii, has_color: false };
            let (text, _) = show(&Fixture::new(&trace), &TreeOptions { screen, ..TreeOptions::default() });
            for line in text.lines().filter(|_| !is_ascii) {
                assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
            }
            assert!(!is_ascii || text.is_ascii(), "{text}");
            assert!(text.contains(if is_ascii { "~" } else { "…" }));
        }
    }
}

#[test]
fn a_megabyte_of_arguments_costs_a_line() {
    let trace = format!("thread 1 comm=a exe=a args=[\"{}\"]\n", "x".repeat(1 << 20));
    let (text, _) = show(&Fixture::new(&trace), &TreeOptions::default());
    assert!(text.len() < 200 && text.contains('…'), "{}", text.len());
    let (text, _) = show(&Fixture::new(&trace), &TreeOptions { is_full: true, ..TreeOptions::default() });
    assert!(text.len() > 1 << 20);
}

#[test]
fn for_machines() {
    let fixture = Fixture::new(ORPHAN).rule("Root", Priority::Error, &[6]);
    let mut objects = Vec::new();
    let shown = fixture.with(|case| {
        tree::json::each(case, &TreeOptions { depth: Some(1), ..TreeOptions::default() }, |object| {
            objects.push(object);
            Ok::<(), ()>(())
        })
    });
    assert_eq!(shown, Ok(TreeShown { n_processes: 2, n_hidden: 2, n_all: 4 }));
    for (pointer, expected) in [
        ("/0/pid", "1"),
        ("/0/parent", "null"),
        ("/1/pid", "10"),
        ("/1/uid", "33"),
        ("/1/level", "1"),
        ("/1/state", "\"running\""),
        ("/2/more", "2"),
        ("/2/signals_by_priority", "{\"Error\":1}"),
    ] {
        let actual = serde_json::Value::from(objects.clone()).pointer(pointer).map(ToString::to_string);
        assert_eq!(actual.as_deref(), Some(expected), "{pointer}");
    }
    assert_eq!(objects[1]["parent"], objects[0]["process"]);
    assert_eq!(objects[2]["parent"], objects[1]["process"]);
}
