//! One process of the tree, and the signals on it, as lines of text.

use std::fmt::Write as _;

use bstr::ByteSlice;
use tracehound_formats::event::names::signal_name;
use tracehound_formats::{Nanos, Seq};
use tracehound_signals::key::resolve;
use tracehound_signals::visible::Visible;
use tracehound_signals::{Signal, Verdict};
use tracehound_state::history::{Container, Image, Origin, Process};
use tracehound_state::{ProcessId, Sym};

use crate::case::Case;
use crate::columns::processes;
use crate::screen::{Line, Paint, shorten};
use crate::table::split_nul;

/// How much is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// As of this event.
    pub at: Option<Seq>,
    /// Columns that there are; the command line gives way first.
    pub columns: Option<usize>,
    /// Command lines in full length.
    pub is_full: bool,
}

/// Columns of a command line, the mark of a cut included.
pub(crate) const MAX_COMMAND: usize = 121;
/// Columns that a command line has in any case.
const MIN_COMMAND: usize = 24;
/// Images, users named in a chain; of a longer one the newest.
const MAX_CHAIN: usize = 6;
/// Lines of signals below a process.
const MAX_SIGNALS: usize = 50;
/// The end of time.
const END: Seq = Seq(u64::MAX);

/// The process on one line: pid, names of its images, command line, user, container, lifetime, how it ended.
pub fn process_line(case: &Case<'_>, id: ProcessId, detail: &Detail) -> Line {
    let process = case.history.process(id);
    let at = detail.at.unwrap_or(END);
    let mut line = Line::new();
    line.text(Paint::Bold, format!("{} {}", process.pid.0, names(case, process, at)));
    let mut after = Line::new();
    if let Some(users) = users(case, id, at) {
        after.text(Paint::Dim, format!("  {users}"));
    }
    if let Some(container) = container(case, id, at) {
        after.text(Paint::Dim, "  ").line(container_line(case, container, at));
    }
    for part in [lifetime(case, process, at), Some(ending(process, at))].into_iter().flatten() {
        after.text(Paint::Dim, format!("  {part}"));
    }
    match detail.at {
        None => {
            if let Some(parent) = adopted_by(case, id) {
                after.text(Paint::Dim, format!("  adopted by {}", short_name(case, parent)));
            }
        }
        Some(at) => {
            // It stands below its parent of then; who gave birth to it is what is said.
            let parent = case.history.parent(id, at).map(|parent| resolve(case.history, parent));
            if let Some(birth) = crate::lineage::birth_parent(case.history, id).filter(|birth| Some(*birth) != parent) {
                after.text(Paint::Dim, format!("  born to {}", short_name(case, birth)));
            }
        }
    }
    if process.origin == Origin::FirstSeen {
        after.text(Paint::Dim, "  birth not recorded");
    }
    let room = match (detail.is_full, detail.columns) {
        (true, _) => None,
        (false, None) => Some(MAX_COMMAND),
        (false, Some(columns)) => {
            let taken = line.width() + 2 + after.width();
            Some(columns.saturating_sub(taken).clamp(MIN_COMMAND, MAX_COMMAND))
        }
    };
    let command = command(case, &image(case, id, at), room);
    if !command.is_empty() {
        line.text(Paint::Plain, format!("  {command}"));
    }
    line.line(after);
    line
}

/// What a process had loaded as of an event.
pub fn image(case: &Case<'_>, id: ProcessId, at: Seq) -> Image {
    case.history.image(case.history.process(id).image().at(at))
}

/// `PID NAME`.
pub fn short_name(case: &Case<'_>, id: ProcessId) -> String {
    short_name_at(case, id, END)
}

/// `PID NAME`, with the name as of an event.
pub fn short_name_at(case: &Case<'_>, id: ProcessId, at: Seq) -> String {
    let name = image(case, id, at).comm;
    let name = name.map_or("?".into(), |sym| Visible(case.history.text(sym)).to_string());
    format!("{} {name}", case.history.process(id).pid.0)
}

/// The signals on a process, one line a rule and verdict; with an event, those up to it.
pub fn signal_lines(case: &Case<'_>, id: ProcessId, at: Option<Seq>) -> Vec<Line> {
    let mut groups: Vec<(&Signal, u64)> = Vec::new();
    for signal in case.signals_of(id).filter(|signal| signal.seq <= at.unwrap_or(END)) {
        let same = |other: &Signal| other.rule.index == signal.rule.index && other.verdict == signal.verdict;
        match groups.iter_mut().find(|(first, _)| same(first)) {
            Some((_, n)) => *n += 1,
            None => groups.push((signal, 1)),
        }
    }
    let n_more = groups.len().saturating_sub(MAX_SIGNALS);
    let mut lines: Vec<Line> = groups.iter().take(MAX_SIGNALS).map(|(signal, n)| signal_line(signal, *n)).collect();
    if n_more > 0 {
        let mut line = Line::new();
        line.text(Paint::Plain, format!("… signals of {n_more} more rules"));
        lines.push(line);
    }
    lines
}

fn signal_line(signal: &Signal, n: u64) -> Line {
    let (mark, paint) = mark(signal);
    let mut line = Line::new();
    line.text(paint, format!("{mark} {} {}", signal.rule.priority.name(), Visible(signal.rule.name.as_bytes())));
    line.text(Paint::Plain, if n > 1 { format!(" ×{n}, first") } else { String::new() });
    line.text(Paint::Plain, format!(" event {}", signal.seq.0));
    if !signal.evidence.reasons().is_empty() {
        line.text(Paint::Plain, "  evidence degraded");
    }
    if let Verdict::Suppressed { by } = &signal.verdict {
        line.text(Paint::Plain, "  suppressed by ").bytes(Paint::Plain, by.join(", ").as_bytes());
    }
    line
}

/// The mark of a signal, filled if it stands, and how it is painted.
pub fn mark(signal: &Signal) -> (char, Paint) {
    match &signal.verdict {
        Verdict::Fired => ('●', Paint::Signal(signal.rule.priority)),
        Verdict::Suppressed { .. } => ('○', Paint::Dim),
    }
}

/// Command names of the images it had up to an event, in order: `bash → cat`.
fn names(case: &Case<'_>, process: &Process, at: Seq) -> String {
    let rows = process.image().rows().enumerate().filter(|(i, (from, _))| *i == 0 || *from <= at);
    let mut names: Vec<Option<Sym>> = rows.map(|(_, (_, id))| case.history.image(id).comm).collect();
    names.dedup();
    chain(names, |name| name.map_or("?".to_owned(), |sym| Visible(case.history.text(sym)).to_string()))
}

/// Names of the users it ran as up to an event, in order: `alice → root`; numbers where the trace has no names.
pub fn users(case: &Case<'_>, id: ProcessId, at: Seq) -> Option<String> {
    let history = case.history;
    let leader = history.thread(*history.process(id).threads.first()?);
    let mut users: Vec<String> = Vec::new();
    for (i, (from, attrs)) in leader.attrs().rows().enumerate() {
        if i > 0 && from > at {
            break;
        }
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

/// The command line as a shell user would type it, without quoting, in at most `room` columns; empty if it says no
/// more than the name.
pub fn command(case: &Case<'_>, image: &Image, room: Option<usize>) -> String {
    let Some(exe) = image.exe else { return String::new() };
    let mut bytes = case.history.text(exe).to_vec();
    for arg in split_nul(case.history.text(image.args)) {
        bytes.push(b' ');
        bytes.extend_from_slice(arg);
        // Enough for any cut: a character is at most four bytes, and at least one column when made visible.
        if room.is_some_and(|room| bytes.len() > 4 * (room + 1)) {
            break;
        }
    }
    if image.comm.is_some_and(|comm| case.history.text(comm).as_bytes() == bytes) {
        return String::new();
    }
    if let Some(room) = room {
        // One argument can be megabytes: it is cut before it is made visible, and not inside of a character.
        let most = 4 * (room + 1);
        if bytes.len() > most {
            let end = (most..most + 4).find(|&i| bytes.get(i).is_none_or(|b| b & 0xc0 != 0x80)).unwrap_or(most);
            bytes.truncate(end);
        }
        return shorten(&Visible(&bytes).to_string(), room);
    }
    Visible(&bytes).to_string()
}

/// The container of a process as of an event.
pub fn container<'a>(case: &Case<'a>, id: ProcessId, at: Seq) -> Option<&'a Container> {
    let history = case.history;
    let seq = case.last_seq(id).min(at);
    let leader = history.thread(*history.process(id).threads.first()?);
    Some(history.container(history.attrs(leader.attrs().at(seq)).container?))
}

/// `[runtime id name]`.
pub fn container_line(case: &Case<'_>, container: &Container, at: Seq) -> Line {
    let history = case.history;
    let id = history.text(container.id.0);
    let paint = Paint::container(id);
    let mut line = Line::new();
    line.text(paint, format!("[{} {}", container.runtime, Visible(id)));
    if let Some(name) = container.metadata_at(at).and_then(|metadata| metadata.name) {
        line.text(paint, " ").bytes(paint, history.text(name));
    }
    line.text(paint, "]");
    line
}

/// Start and length: `03:10:24.305 +0.012s`, with the date if it is not that of the first event. If the start is
/// unknown: `until 03:10:24.317`.
fn lifetime(case: &Case<'_>, process: &Process, at: Seq) -> Option<String> {
    let exit = process.exit().filter(|exit| exit.seq <= at);
    let Some(start) = process.start_ns() else {
        return exit.map(|exit| format!("until {}", clock(case, exit.ts)));
    };
    let mut out = clock(case, start);
    if let Some(exit) = exit {
        let _ = write!(out, " +{}", duration(Nanos(exit.ts.0.saturating_sub(start.0))));
    }
    Some(out)
}

/// A time to milliseconds, with the date if it is not that of the first event.
pub fn clock(case: &Case<'_>, ts: Nanos) -> String {
    let text = tracehound_signals::time::Rfc3339(ts).to_string();
    // `2026-11-22T03:10:24.305224654Z`: the date has 10 characters, the time to milliseconds 12. A year of five
    // digits cannot be written in 64 bits of nanoseconds.
    let (date, time) = (&text[..10], &text[11..23]);
    let is_same_day = case.source.first_ns.is_some_and(|first| first / DAY == ts.0 / DAY);
    if is_same_day { time.to_owned() } else { format!("{date} {time}") }
}

const DAY: u64 = 86_400_000_000_000;

/// Three digits below the second, or hours and minutes.
pub fn duration(ns: Nanos) -> String {
    let seconds = ns.0 / 1_000_000_000;
    match seconds {
        0..60 => format!("{seconds}.{:03}s", ns.0 / 1_000_000 % 1000),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// How it ended.
pub fn ending(process: &Process, at: Seq) -> String {
    let Some(exit) = process.exit().filter(|exit| exit.seq <= at) else {
        let is_gone = process.ended().is_some_and(|ended| ended <= at);
        return if is_gone { "exit not recorded".to_owned() } else { "running".to_owned() };
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
pub fn adopted_by(case: &Case<'_>, id: ProcessId) -> Option<ProcessId> {
    let parent = crate::lineage::last_parent(case.history, id)?;
    (Some(parent) != crate::lineage::birth_parent(case.history, id)).then_some(parent)
}
