//! Attack paths as diagrams: whatever the names, the statements are the program's own.

mod support;

use support::{Fixture, STORY};
use tracehound_report::diagram;
use tracehound_report::path::Paths;
use tracehound_signals::Priority;

/// Mermaid and Graphviz of the first signal's path.
fn draw(fixture: &Fixture) -> [String; 2] {
    fixture.with(|case| {
        let signal = &case.signals[0];
        let path = Paths::new(case).of(signal).expect("it is on a process");
        [diagram::mermaid(case, &path, signal), diagram::dot(case, &path, signal)]
    })
}

#[test]
fn a_story() {
    let [mermaid, dot] = draw(&Fixture::new(STORY).rule("Read sensitive file", Priority::Warning, &[4]));
    for part in [
        "flowchart TD\n",
        "p0[\"1 systemd<br/>/sbin/init<br/>root  2024-12-31 23:50:00.000\"]:::process",
        "p2[\"101 bash → cat<br/>cat /etc/shadow na#92;xffme<br/>alice  00:00:00.000\"]:::pinned",
        "signal{{\"● Warning: Read sensitive file<br/>event 4, 00:00:00.000<br/>signal ",
        "    p0 --> p1\n    p1 --> p2\n    p2 -.-> signal\n",
    ] {
        assert!(mermaid.contains(part), "{part}\n{mermaid}");
    }
    for part in ["digraph attack_path {", "p1 -> p2 [style=solid", "cat /etc/shadow na&#92;xffme\\l"] {
        assert!(dot.contains(part), "{part}\n{dot}");
    }
}

#[test]
fn hostile_names_end_no_label() {
    for name in [
        "\\\"];x-->y",
        "\\n    click p0 href \\\"javascript:x\\\"",
        "<img src=x>",
        "`%%{init}%%`",
        "\\x1b]0;x\\x07",
        "#quot;",
    ] {
        let trace = format!(
            "thread 1 comm=\"{name}\" exe=\"{name}\" args=[\"{name}\"] uid=0 cgroups=[\"cpuset=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e\"]\n\
             1 openat fd=3 dirfd=AT_FDCWD name=\"/tmp/{name}\" flags=O_WRONLY\n"
        );
        let [mermaid, dot] = draw(&Fixture::new(&trace).rule(&name.replace("\\\"", "\""), Priority::Error, &[1]));
        // The quotes of a line are those that begin and end labels.
        for line in mermaid.lines().chain(dot.lines()) {
            assert!(line.matches('"').count() % 2 == 0, "{line}");
            assert!(!line.contains("<img") && !line.contains('\x1b'), "{line}");
            assert!(!line.trim_start().starts_with("click"), "{line}");
        }
        assert!(!mermaid.contains("`%%"), "{mermaid}");
        assert_eq!(mermaid.lines().filter(|line| line.contains(":::")).count(), 4, "{mermaid}");
        assert_eq!(dot.lines().filter(|line| line.contains("[label=\"")).count(), 4, "{dot}");
    }
}

#[test]
fn a_long_path_and_a_cycle() {
    let mut trace = String::from("thread 1 comm=init exe=init\n");
    for pid in 2..2000 {
        trace += &format!("thread {pid} ptid={} comm=c exe=c\n", pid - 1);
    }
    trace.push_str("+1s 1999 getcwd res=0 path=/\n");
    let [mermaid, _] = draw(&Fixture::new(&trace).rule("R", Priority::Error, &[1]));
    assert!(mermaid.contains("processes left out"), "{mermaid}");
    assert!(mermaid.lines().count() < 300, "{}", mermaid.lines().count());
    let cycle = "thread 10 ptid=11 comm=a exe=a\nthread 11 ptid=10 comm=b exe=b\n10 getcwd res=0 path=/\n";
    let [mermaid, _] = draw(&Fixture::new(cycle).rule("R", Priority::Error, &[1]));
    assert!(mermaid.contains("p1["), "{mermaid}");
}
