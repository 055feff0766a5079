//! The timeline, as people and programs see it, and as a trace for Perfetto.

mod support;

use std::fmt::Write;

use serde_json::Value as Json;
use support::Fixture;
use tracehound_formats::Nanos;
use tracehound_report::screen::Screen;
use tracehound_report::timeline::{Collector, Only, Timeline, json, perfetto, text};
use tracehound_signals::Priority;

/// A service starts a shell three times, which becomes root, connects, writes and ends; the last one does something else.
fn story() -> Fixture {
    let mut trace = String::from(
        "#tracehound-trace 1\nuser 33 www home=/ shell=/bin/sh\nthread 1 comm=init exe=init uid=0\nthread 10 ptid=1 comm=httpd exe=httpd uid=33 gid=33\n",
    );
    for pid in [11, 12, 13] {
        let arg = if pid == 13 { "other" } else { "tool" };
        let _ = write!(
            trace,
            "+1s 10 clone res={pid} exe=httpd args=[] tid=10 pid=10 ptid=1 cwd=\"\" comm=httpd flags=0 uid=33 gid=33 vtid=10 vpid=10
{pid} execve res=0 exe=sh args=[\"-c\",\"{arg}\"] tid={pid} pid={pid} ptid=10 cwd=/ comm=sh trusted_exepath=/bin/sh filename=/bin/sh uid=33
{pid} openat fd=3 dirfd=AT_FDCWD name=/etc/passwd flags=O_WRONLY
{pid} openat fd=4 dirfd=AT_FDCWD name=/tmp/x flags=O_WRONLY
{pid} setuid res=0 uid=0
{pid} unlink res=0 path=/etc/shadow
{pid} unlink res=0 path=/tmp/y
{pid} procexit status=0 ret=0 sig=0 core=0 reaper_tid=0
",
        );
    }
    Fixture::new(&trace)
        .rule("Root", Priority::Critical, &[21])
        .rule("Quiet", Priority::Notice, &[3])
        .suppression("Known", &[3])
}

fn timeline<T>(fixture: &Fixture, only: &Only, f: impl FnOnce(&tracehound_report::Case<'_>, &Timeline) -> T) -> T {
    let mut collector = Collector::new();
    let (batches, facts) = (std::slice::from_ref(&fixture.batch), std::slice::from_ref(&fixture.facts));
    collector.window(batches, facts, &fixture.history, &fixture.context);
    fixture.with(|case| f(case, &Timeline::new(case, collector, only)))
}

fn show(fixture: &Fixture, only: &Only, screen: Screen) -> String {
    let mut out = Vec::new();
    timeline(fixture, only, |case, timeline| text::write(&mut out, case, timeline, None, screen, false))
        .expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

/// The lines of the list, without heading, trimmed.
fn list(fixture: &Fixture, only: &Only) -> Vec<String> {
    let text = show(fixture, only, Screen::default());
    text.lines().skip_while(|line| !line.is_empty()).skip(1).map(str::to_owned).collect()
}

#[test]
fn for_people() {
    let expected = "\
00:00:01.000  #2 11 sh              exec     sh -c tool  below 10 httpd  ×2 until 00:00:02.000
00:00:01.000  #3 11 sh              write    /etc/passwd
00:00:01.000  #3 11 sh              signal   ○ Notice Quiet";
    let lines = list(&story(), &Only::default());
    for (line, expected) in lines.iter().zip(expected.lines()) {
        assert!(line.starts_with(expected), "{line}\n{expected}\n\n{}", lines.join("\n"));
    }
    let whats: Vec<&str> = lines.iter().map(|line| line[36..].split_whitespace().next().unwrap_or_default()).collect();
    assert_eq!(
        whats,
        [
            "exec", "write", "signal", "user", "unlink", "exit", "write", "user", "unlink", "exec", "write", "user",
            "signal", "unlink"
        ],
        "{}",
        lines.join("\n")
    );
    assert!(lines[3].contains("www (gid 33) → root (gid 33)"), "{}", lines[3]);
}

#[test]
fn only_some() {
    let fixture = story();
    let all = list(&fixture, &Only::default()).len();
    let pid = Only { pid: Some(13), ..Only::default() };
    assert!(list(&fixture, &pid).iter().all(|line| line.contains(" 13 ")));
    let first = Nanos(fixture.source.first_ns.expect("events"));
    let second = Nanos(first.0 + 500_000_000);
    let early = list(&fixture, &Only { until: Some(second), ..Only::default() }).len();
    let late = list(&fixture, &Only { since: Some(second), ..Only::default() }).len();
    assert!(early > 0 && late > early && late < all + early, "{early} {late} {all}");
    assert!(list(&fixture, &Only { since: Some(Nanos(second.0 * 2)), ..Only::default() }).is_empty());
}

#[test]
fn signals_are_marked_on_the_sparkline() {
    let screen = Screen { width: Some(30), ..Screen::default() };
    let text = show(&story(), &Only::default(), screen);
    let mut lines = text.lines();
    assert!(lines.next().is_some_and(|line| line.contains("24 events")), "{text}");
    assert_eq!(lines.next().map(|line| line.trim_end().chars().count()), Some(30), "{text}");
    assert_eq!(lines.next(), Some("○                            ●"), "{text}");
}

#[test]
fn every_line_fits_and_hostile_names_are_visible() {
    let fixture = Fixture::new(
        "thread 1 comm=init exe=init\n+1s 1 clone res=5 exe=x args=[] tid=1 pid=1 ptid=0 cwd=\"\" comm=\"\\x1b[31m漢\u{202e}e\u{301}\" flags=0\n\
         +1s 5 execve res=0 exe=\"\\x1b]0;x\\x07\" args=[\"\\xff<script>\",\"漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢\"] tid=5 pid=5 ptid=1 cwd=/ comm=\"漢字漢字\" trusted_exepath=/bin/sh filename=/bin/sh\n\
         +1s 5 unlink res=0 path=\"/etc/\\x1b[2J\"\n",
    );
    for width in [40, 80, 200] {
        let screen = Screen { width: Some(width), ..Screen::default() };
        let text = show(&fixture, &Only::default(), screen);
        for line in text.lines() {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        }
        let ascii = show(&fixture, &Only::default(), Screen { is_ascii: true, ..screen });
        assert!(ascii.is_ascii(), "{ascii}");
    }
}

#[test]
fn for_machines() {
    let objects: Vec<Json> = timeline(&story(), &Only::default(), |case, timeline| {
        timeline.entries.iter().map(|e| json::entry(case, e)).collect()
    });
    for (pointer, expected) in [
        ("/0/what", "\"exec\""),
        ("/0/n", "2"),
        ("/0/args", "[\"-c\",\"tool\"]"),
        ("/0/ts", "\"2025-01-01T00:00:01.000001000Z\""),
        ("/1/path", "\"/etc/passwd\""),
        ("/2/rule", "\"Quiet\""),
        ("/2/suppressed_by", "[\"Known\"]"),
        ("/3/from_uid", "33"),
        ("/3/uid", "0"),
        ("/4/what", "\"unlink\""),
    ] {
        let actual = Json::from(objects.clone()).pointer(pointer).map(ToString::to_string);
        assert_eq!(actual.as_deref(), Some(expected), "{pointer}: {:#}", Json::from(objects.clone()));
    }
}

#[test]
fn a_loop_is_one_entry_and_notes_are_bounded() {
    let mut trace = String::from("thread 1 comm=init exe=init uid=0\n");
    for _ in 0..5000 {
        trace.push_str("1 unlink res=0 path=/etc/x\n1 unlink res=0 path=/etc/y\n");
    }
    let lines = list(&Fixture::new(&trace), &Only::default());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("×5000"), "{}", lines[0]);
}

#[test]
fn a_trace_for_perfetto() {
    let mut out = Vec::new();
    // Two lives of one pid have two tracks.
    let mut trace = String::from("thread 1 comm=init exe=init start_ns=1\n");
    for _ in 0..2 {
        trace.push_str("+1s 1 clone res=7 exe=init args=[] tid=1 pid=1 ptid=0 cwd=\"\" comm=init flags=0\n");
        trace.push_str("+1s 7 execve res=0 exe=a args=[\"</script>\"] tid=7 pid=7 ptid=1 cwd=/ comm=\"a\\x1b\" trusted_exepath=/a filename=/a\n");
        trace.push_str("+1s 7 procexit status=0 ret=0 sig=0 core=0 reaper_tid=0\n");
    }
    let fixture = Fixture::new(&trace).rule("R", Priority::Error, &[2]);
    let only = Only { is_unrolled: true, ..Only::default() };
    timeline(&fixture, &only, |case, timeline| perfetto::write(&mut out, case, timeline)).expect("memory");
    let trace: Json = serde_json::from_slice(&out).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let of = |ph: &str| events.iter().filter(|event| event["ph"] == ph).collect::<Vec<_>>();
    let lives: Vec<_> = of("X").into_iter().filter(|event| event["cat"] == "life").collect();
    assert_eq!(lives.len(), 3, "{lives:#?}");
    let tracks: std::collections::BTreeSet<i64> = lives.iter().filter_map(|event| event["pid"].as_i64()).collect();
    assert_eq!(tracks.len(), 3, "{tracks:?}");
    // What the format asks of each phase.
    for event in events {
        assert!(event["name"].is_string() && event["pid"].is_i64() && event["tid"].is_i64(), "{event}");
        match event["ph"].as_str() {
            Some("M") => assert!(event["args"].is_object(), "{event}"),
            Some("X") => {
                assert!(event["ts"].as_f64().is_some_and(|ts| ts >= 0.0), "{event}");
                assert!(event["dur"].as_f64().is_some_and(|length| length >= 0.0), "{event}");
            }
            Some("i") => assert!(matches!(event["s"].as_str(), Some("t" | "g")) && event["ts"].is_f64(), "{event}"),
            other => panic!("{other:?}"),
        }
    }
    // An image lies within the life of its process.
    for image in of("X").into_iter().filter(|event| event["cat"] == "image") {
        let life = lives.iter().find(|life| life["pid"] == image["pid"]).expect("a life");
        let span = |event: &Json| {
            let start = event["ts"].as_f64().unwrap_or(f64::NAN);
            (start, start + event["dur"].as_f64().unwrap_or(f64::NAN))
        };
        let ((start, end), (from, to)) = (span(image), span(life));
        assert!(from <= start && end <= to + 0.001, "{image} {life}");
    }
    assert_eq!(of("i").iter().filter(|event| event["name"] == "Error: R").count(), 1);
}
