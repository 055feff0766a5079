//! The interface as it is drawn, and what keys do to it, without a terminal.

#[path = "../../report/tests/support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use support::Fixture;
use tracehound_formats::Input;
use tracehound_report::screen::Screen;
use tracehound_report::timeline::{Collector, Only, Timeline};
use tracehound_signals::Priority;
use tracehound_tui::{App, Effect, Mode, view};

/// Keys as they are typed: characters, and in angle brackets the others.
fn keys(text: &str) -> Vec<KeyEvent> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let code = match named.map(|(name, _)| name) {
            Some("enter") => KeyCode::Enter,
            Some("esc") => KeyCode::Esc,
            Some("tab") => KeyCode::Tab,
            Some("left") => KeyCode::Left,
            Some("right") => KeyCode::Right,
            Some("down") => KeyCode::Down,
            Some("up") => KeyCode::Up,
            Some("end") => KeyCode::End,
            Some("page") => KeyCode::PageDown,
            Some("back") => KeyCode::Backspace,
            _ => {
                rest = &rest[c.len_utf8()..];
                out.push(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
                continue;
            }
        };
        rest = named.map_or("", |(_, rest)| rest);
        out.push(KeyEvent::new(code, KeyModifiers::NONE));
    }
    out
}

/// Types keys into an interface and gives the screen and the last effect.
fn typed(fixture: &Fixture, size: (u16, u16), screen: Screen, text: &str) -> (String, Option<Effect>, Mode) {
    let mut collector = Collector::new();
    collector.window(
        std::slice::from_ref(&fixture.batch),
        std::slice::from_ref(&fixture.facts),
        &fixture.history,
        &fixture.context,
    );
    fixture.with(|case| {
        let timeline = Timeline::new(case, collector, &Only { is_unrolled: true, ..Only::default() });
        let mut app = App::new(case, &timeline, screen);
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("memory");
        let mut effect = None;
        terminal.draw(|frame| view::draw(frame, &mut app)).expect("memory");
        for key in keys(text) {
            effect = app.key(key);
            terminal.draw(|frame| view::draw(frame, &mut app)).expect("memory");
        }
        (drawn(&terminal), effect, app.mode().clone())
    })
}

fn drawn(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            // The second cell of a wide character is empty.
            if skip == 0 {
                line.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn shell() -> Fixture {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples/reverse_shell_redirect.trace");
    let input = Input::open(&path).expect("the sample is there");
    Fixture::read(input)
        .expect("it is read")
        .rule("Standard stream redirected to a network connection", Priority::Critical, &[47, 49, 50])
        .rule("Shell started with its streams on a socket", Priority::Critical, &[51])
        .rule("Quiet", Priority::Notice, &[57])
        .suppression("Known", &[57])
}

#[test]
fn snapshots() {
    let screen = Screen { has_color: true, ..Screen::default() };
    for (name, text) in
        [("start", ""), ("signals", "2<end>"), ("detail", "3"), ("closed", "gj-"), ("moment", "2t1"), ("help", "?")]
    {
        for size in [(80, 24), (200, 50)] {
            let (actual, ..) = typed(&shell(), size, screen, text);
            let file = format!("tests/snapshots/{name}_{}x{}.txt", size.0, size.1);
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(&file);
            if std::env::var_os("UPDATE_EXPECTED").is_some() {
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
                std::fs::write(&path, &actual).expect("it can be written");
            }
            let expected = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(actual, expected, "{file}; UPDATE_EXPECTED=1 writes it\n{actual}");
        }
    }
}

#[test]
fn what_keys_do() {
    for (text, expected) in [
        ("/curl<enter>", "/curl"),
        ("/nowhere<enter>", "no process with nowhere"),
        ("n", "nothing is searched for"),
        ("]", "signal 2 of 4"),
        ("]]]]]]", "signal 4 of 4"),
        ("][", "signal 1 of 4"),
        ("fcurl<enter>", "1 processes match"),
        ("fcurl<enter><esc>", "the whole trace"),
        ("s", "only processes with signals"),
        ("u", "suppressed signals are listed"),
        ("m", "1 marked"),
        ("mm", "0 marked"),
        ("w", "no signal is marked"),
        ("mw<esc>", "nothing was written"),
        ("t", "as of 11:01:00.046, event 47: 4 processes"),
        ("tT", "the whole trace"),
        ("t>>", "redirect"),
        (".", "as of 11:00:01.6"),
        ("<end>m", "1 marked"),
        ("gt", "there is no signal"),
        ("gy", "there is no signal"),
    ] {
        let (screen, ..) = typed(&shell(), (120, 30), Screen::default(), text);
        let status = screen.lines().last().unwrap_or_default();
        // The cursor begins on the process of the first signal.
        let status = if text == "<end>m" { expected } else { status };
        assert!(status.contains(expected), "{text}: {status}\n{screen}");
    }
}

#[test]
fn what_is_to_be_done_outside() {
    let signal = |fixture: &Fixture, i: usize| fixture.signals[i].id;
    let fixture = shell();
    for (text, expected) in [
        ("q", Some(Effect::Quit)),
        ("mq", None),
        ("mqq", Some(Effect::Quit)),
        ("y", Some(Effect::Copy(signal(&fixture, 0).to_string()))),
        ("2<down>y", Some(Effect::Copy(signal(&fixture, 1).to_string()))),
        ("f@process.comm:sh<enter>", Some(Effect::Query("@process.comm:sh".to_owned()))),
        (
            "mw<enter>",
            Some(Effect::Write { path: "suppressions-draft.yaml".to_owned(), signals: vec![signal(&fixture, 0)] }),
        ),
        (
            "mw<back><back><back><back><back>.yml<enter>",
            Some(Effect::Write { path: "suppressions-draft.yml".to_owned(), signals: vec![signal(&fixture, 0)] }),
        ),
        ("?q", None),
    ] {
        assert_eq!(typed(&fixture, (80, 24), Screen::default(), text).1, expected, "{text}");
    }
    // Leaving without writing is asked about.
    assert_eq!(typed(&fixture, (80, 24), Screen::default(), "mq").2, Mode::Leave);
}

#[test]
fn any_size_and_any_name() {
    let mut trace = String::from(
        "thread 1 comm=\"<b>\\x1b[31m漢\u{202e}\" exe=\"\\xff\" args=[\"e\u{301}\"]\nthread 2 ptid=3 comm=a exe=a\nthread 3 ptid=2 comm=b exe=b\n",
    );
    for pid in 10..300 {
        let _ = writeln!(
            trace,
            "thread {pid} ptid={} comm=\"漢字漢字\" exe=x args=[\"{}\"]",
            if pid == 10 { 1 } else { pid - 1 },
            "漢".repeat(500)
        );
    }
    trace.push_str("+1s 299 getcwd res=0 path=/\n");
    let fixture = Fixture::new(&trace).rule("\u{202e}<script>\x1b", Priority::Alert, &[1]);
    for size in [(1, 1), (19, 7), (20, 8), (21, 9), (80, 24), (109, 12), (110, 12), (200, 50), (500, 8)] {
        for screen in [Screen::default(), Screen { is_ascii: true, ..Screen::default() }] {
            for text in ["", "-", "+<end>", "2", "3<page><page>", "?", "/<script", "m", "t", "<left><left>", "....<<>>"]
            {
                let (drawn, ..) = typed(&fixture, size, screen, text);
                let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}' || c == '\u{301}';
                assert!(!drawn.contains(is_bad), "{size:?} {text}: {}", drawn.escape_debug());
                assert!(!screen.is_ascii || drawn.is_ascii(), "{size:?} {text}: {drawn}");
            }
        }
    }
}

#[test]
fn a_hundred_thousand_processes() {
    let mut trace = String::from("thread 1 comm=init exe=init\n");
    for pid in 2..100_000u32 {
        let _ = writeln!(trace, "thread {pid} ptid={} comm=p{pid} exe=x", pid / 50 + 1);
    }
    let started = std::time::Instant::now();
    let fixture = Fixture::new(&trace);
    let read = started.elapsed();
    let started = std::time::Instant::now();
    let (screen, ..) = typed(&fixture, (80, 24), Screen::default(), "g-+<end>/p77777<enter>");
    assert!(screen.contains("p77777"), "{screen}");
    // Not a limit but a guard against work for each row at each key: minutes instead of a second.
    eprintln!("read in {read:?}, 13 keys in {:?}", started.elapsed());
}
