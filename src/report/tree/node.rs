//! One process of the tree, and the signals on it, as lines of text.

use std::fmt::Write as _;
use std::io::{self, Write};

use bstr::ByteSlice;
use tracehound_formats::event::names::signal_name;
use tracehound_formats::{Nanos, Seq};
use tracehound_signals::visible::Visible;
use tracehound_signals::{Signal, Verdict, text};
use tracehound_state::history::{Image, Origin, Process};
use tracehound_state::{ProcessId, Sym};

use crate::case::Case;
use crate::columns::processes;
use crate::table::split_nul;

/// How lines look.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) has_color: bool,
    pub(crate) is_full: bool,
}

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// Characters of a command line before it is cut.
const MAX_COMMAND: usize = 120;
/// Images, users named in a chain; of a longer one the newest.
const MAX_CHAIN: usize = 6;
/// Lines of signals below a process.
const MAX_SIGNALS: usize = 50;

impl Style {
    fn paint(self, sequence: &'static str) -> &'static str {
        if self.has_color { sequence } else { "" }
    }
}

/// The process on one line: pid, names of its images, command line, user, container, lifetime, how it ended.
pub(crate) fn write_process(out: &mut dyn Write, case: &Case<'_>, id: ProcessId, style: Style) -> io::Result<()> {
    let process = case.history.process(id);
    let (bold, dim, reset) = (style.paint(BOLD), style.paint(DIM), style.paint(RESET));
    let mut line = format!("{bold}{} {}{reset}", process.pid.0, names(case, process));
    let command = command(case, &case.history.image(process.image.last()), style);
    // Writing to a String cannot fail.
    if !command.is_empty() {
        let _ = write!(line, "  {command}");
    }
    let _ = write!(line, "{dim}");
    for part in [users(case, id), container(case, id), lifetime(case, process)].into_iter().flatten() {
        let _ = write!(line, "  {part}");
    }
    let _ = write!(line, "  {}", ending(process));
    if let Some(parent) = adopted_by(case, id) {
        let _ = write!(line, "  adopted by {}", short_name(case, parent));
    }
    if process.origin == Origin::FirstSeen {
        line.push_str("  birth not recorded");
    }
    writeln!(out, "{line}{reset}")
}

/// `PID NAME`.
pub(crate) fn short_name(case: &Case<'_>, id: ProcessId) -> String {
    let name = processes::name(case, id).map_or("?".into(), |sym| Visible(case.history.text(sym)).to_string());
    format!("{} {name}", case.history.process(id).pid.0)
}

/// The signals on a process, one line a rule and verdict.
pub(crate) fn signal_lines(case: &Case<'_>, id: ProcessId, style: Style) -> Vec<String> {
    let mut groups: Vec<(&Signal, u64)> = Vec::new();
    for signal in case.signals_of(id) {
        let same = |other: &Signal| other.rule.index == signal.rule.index && other.verdict == signal.verdict;
        match groups.iter_mut().find(|(first, _)| same(first)) {
            Some((_, n)) => *n += 1,
            None => groups.push((signal, 1)),
        }
    }
    let n_more = groups.len().saturating_sub(MAX_SIGNALS);
    let mut lines: Vec<String> =
        groups.iter().take(MAX_SIGNALS).map(|(signal, n)| signal_line(signal, *n, style)).collect();
    if n_more > 0 {
        lines.push(format!("… signals of {n_more} more rules"));
    }
    lines
}

fn signal_line(signal: &Signal, n: u64, style: Style) -> String {
    let (mark, color, after) = match &signal.verdict {
        Verdict::Fired => ('●', text::color(signal.rule.priority), String::new()),
        Verdict::Suppressed { by } => ('○', DIM, format!("  suppressed by {}", Visible(by.join(", ").as_bytes()))),
    };
    let (bold, color, reset) = (style.paint(BOLD), style.paint(color), style.paint(RESET));
    let times = if n > 1 { format!(" ×{n}, first") } else { String::new() };
    let degraded = if signal.evidence.reasons().is_empty() { "" } else { "  evidence degraded" };
    format!(
        "{bold}{color}{mark} {} {}{reset}{times} event {}{degraded}{after}",
        signal.rule.priority.name(),
        Visible(signal.rule.name.as_bytes()),
        signal.seq.0
    )
}

/// Command names of the images it had, in order: `bash → cat`.
fn names(case: &Case<'_>, process: &Process) -> String {
    let mut names: Vec<Option<Sym>> = process.image.rows().map(|(_, id)| case.history.image(id).comm).collect();
    names.dedup();
    chain(names, |name| name.map_or("?".to_owned(), |sym| Visible(case.history.text(sym)).to_string()))
}

/// Names of the users it ran as, in order: `alice → root`; numbers where the trace has no names.
fn users(case: &Case<'_>, id: ProcessId) -> Option<String> {
    let history = case.history;
    let leader = history.thread(*history.process(id).threads.first()?);
    let mut users: Vec<String> = Vec::new();
    for (from, attrs) in leader.attrs.rows() {
        let attrs = history.attrs(attrs);
        let Some(uid) = history.creds(attrs.creds).uid else { continue };
        let name = processes::user(case, &attrs, from.max(Seq(1)));
        let user = name.map_or_else(|| format!("uid {uid}"), |name| Visible(name).to_string());
        if users.last() != Some(&user) {
            users.push(user);
        }
    }
    (!users.is_empty()).then(|| chain(users, |user| user))
}

/// The newest of some texts with arrows between them.
fn chain<T>(items: Vec<T>, text: impl Fn(T) -> String) -> String {
    let n_older = items.len().saturating_sub(MAX_CHAIN);
    let before = if n_older > 0 { format!("({n_older} more) → ") } else { String::new() };
    before + &items.into_iter().skip(n_older).map(text).collect::<Vec<_>>().join(" → ")
}

/// The command line as a shell user would type it, without quoting; empty if it says no more than the name.
pub(crate) fn command(case: &Case<'_>, image: &Image, style: Style) -> String {
    let Some(exe) = image.exe else { return String::new() };
    let mut bytes = case.history.text(exe).to_vec();
    for arg in split_nul(case.history.text(image.args)) {
        bytes.push(b' ');
        bytes.extend_from_slice(arg);
        // Enough for any cut: a character is at most four bytes, and at least one when made visible.
        if !style.is_full && bytes.len() > 4 * MAX_COMMAND {
            break;
        }
    }
    if image.comm.is_some_and(|comm| case.history.text(comm).as_bytes() == bytes) {
        return String::new();
    }
    let text = Visible(&bytes).to_string();
    match text.char_indices().nth(MAX_COMMAND) {
        Some((end, _)) if !style.is_full => format!("{}…", &text[..end]),
        _ => text,
    }
}

/// `[runtime id name]`.
fn container(case: &Case<'_>, id: ProcessId) -> Option<String> {
    let history = case.history;
    let seq = case.last_seq(id);
    let leader = history.thread(*history.process(id).threads.first()?);
    let container = history.container(history.attrs(leader.attrs.at(seq)).container?);
    let name = container.metadata_at(seq).and_then(|metadata| metadata.name);
    let name = name.map_or_else(String::new, |sym| format!(" {}", Visible(history.text(sym))));
    Some(format!("[{} {}{name}]", container.runtime, Visible(history.text(container.id.0))))
}

/// Start and length: `03:10:24.305 +0.012s`, with the date if it is not that of the first event. If the start is
/// unknown: `until 03:10:24.317`.
fn lifetime(case: &Case<'_>, process: &Process) -> Option<String> {
    let Some(start) = process.start_ns else {
        return process.exit.map(|exit| format!("until {}", clock(case, exit.ts)));
    };
    let mut out = clock(case, start);
    if let Some(exit) = process.exit {
        let _ = write!(out, " +{}", duration(Nanos(exit.ts.0.saturating_sub(start.0))));
    }
    Some(out)
}

/// A time to milliseconds, with the date if it is not that of the first event.
pub(crate) fn clock(case: &Case<'_>, ts: Nanos) -> String {
    let text = tracehound_signals::time::Rfc3339(ts).to_string();
    // `2026-11-22T03:10:24.305224654Z`: the date has 10 characters, the time to milliseconds 12. A year of five
    // digits cannot be written in 64 bits of nanoseconds.
    let (date, time) = (&text[..10], &text[11..23]);
    let is_same_day = case.source.first_ns.is_some_and(|first| first / DAY == ts.0 / DAY);
    if is_same_day { time.to_owned() } else { format!("{date} {time}") }
}

const DAY: u64 = 86_400_000_000_000;

/// Three digits below the second, or hours and minutes.
fn duration(ns: Nanos) -> String {
    let seconds = ns.0 / 1_000_000_000;
    match seconds {
        0..60 => format!("{seconds}.{:03}s", ns.0 / 1_000_000 % 1000),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// How it ended.
fn ending(process: &Process) -> String {
    let Some(exit) = process.exit else {
        return if process.ended.is_some() { "exit not recorded".to_owned() } else { "running".to_owned() };
    };
    let core = if exit.core { ", core dumped" } else { "" };
    match (exit.signal.filter(|&signal| signal != 0), exit.code) {
        (Some(signal), _) => match signal_name(signal.into()) {
            Some(name) => format!("killed by {name}{core}"),
            None => format!("killed by signal {signal}{core}"),
        },
        (None, Some(code)) => format!("exit {code}{core}"),
        (None, None) => format!("exited{core}"),
    }
}

/// Who adopted it last, if that is not the process that gave birth to it.
fn adopted_by(case: &Case<'_>, id: ProcessId) -> Option<ProcessId> {
    let parent = crate::lineage::last_parent(case.history, id)?;
    (Some(parent) != crate::lineage::birth_parent(case.history, id)).then_some(parent)
}
