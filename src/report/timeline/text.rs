//! The timeline for people: a sparkline of events with signals marked, then one line an entry.

use std::io::{self, Write};

use bstr::ByteSlice;
use tracehound_formats::section::L4;
use tracehound_formats::{Nanos, Seq};
use tracehound_signals::visible::Visible;
use tracehound_signals::{Priority, Verdict};
use tracehound_state::{CredId, ProcessId};
use unicode_width::UnicodeWidthStr;

use super::{Entry, Timeline, What};
use crate::case::Case;
use crate::columns::processes;
use crate::density::{bin, sparkline};
use crate::lineage;
use crate::screen::{Line, Paint, Screen, shorten};
use crate::tree::node;

/// Columns of a sparkline at most, and where the width is not known.
const MAX_COLUMNS: usize = 120;
/// Columns of a process's name: the kernel keeps no more.
const NAME: usize = 15;
/// Columns of a screen below which numbers of events are left out and names are shorter.
const NARROW: usize = 100;
/// Columns of a name there.
const NARROW_NAME: usize = 10;
/// Bytes shown of a command line where lines are not cut.
const MAX_COMMAND: usize = 200;

/// Writes a timeline: heading, then entries.
pub fn write(
    out: &mut dyn Write,
    case: &Case<'_>,
    timeline: &Timeline,
    span: Option<(Nanos, Nanos)>,
    screen: Screen,
    is_full: bool,
) -> io::Result<()> {
    let screen = if is_full { Screen { width: None, ..screen } } else { screen };
    if let Some((from, to)) = span.or(timeline.density.span()) {
        for line in heading(case, timeline, from, to, screen.width.unwrap_or(100).min(MAX_COLUMNS)) {
            writeln!(out, "{}", screen.render(&line))?;
        }
        writeln!(out)?;
    }
    let columns = Columns::of(case, timeline, if is_full { None } else { screen.width });
    for entry in &timeline.entries {
        let line = entry_line(case, entry, &columns, if is_full { None } else { screen.width });
        writeln!(out, "{}", screen.render(&line))?;
    }
    Ok(())
}

/// From when to when, how many events when, and where signals are: three lines.
pub fn heading(case: &Case<'_>, timeline: &Timeline, from: Nanos, to: Nanos, columns: usize) -> Vec<Line> {
    let bins = timeline.density.histogram(from, to, columns);
    let n: u64 = bins.iter().sum();
    let (start, end) = (node::clock(case, from), node::clock(case, to));
    let about = format!("{n} events in {}", node::duration(Nanos(to.0.saturating_sub(from.0))));
    let mut scale = Line::new();
    scale.text(Paint::Dim, &start);
    let room = columns.saturating_sub(start.len() + end.len());
    let before = room.saturating_sub(about.len()) / 2;
    scale.text(Paint::Plain, " ".repeat(before.max(1))).text(Paint::Bold, &about);
    scale.text(Paint::Plain, " ".repeat(room.saturating_sub(before + about.len()).max(1))).text(Paint::Dim, &end);
    let mut spark = Line::new();
    spark.text(Paint::Plain, sparkline(&bins));
    vec![scale, spark, marks(case, from, to, columns)]
}

/// One mark a column: the gravest signal that stands, or a hollow one for those that are suppressed.
pub fn marks(case: &Case<'_>, from: Nanos, to: Nanos, columns: usize) -> Line {
    let mut marks: Vec<Option<Paint>> = vec![None; columns];
    for signal in case.signals.iter().filter(|signal| columns > 0 && signal.ts >= from && signal.ts <= to) {
        let mark = &mut marks[bin(signal.ts, from, to, columns)];
        let (_, paint) = node::mark(signal);
        *mark = match (*mark, paint) {
            (Some(Paint::Signal(a)), Paint::Signal(b)) => Some(Paint::Signal(a.min(b))),
            (Some(is @ Paint::Signal(_)), _) => Some(is),
            (_, paint) => Some(paint),
        };
    }
    let mut line = Line::new();
    for mark in marks {
        match mark {
            None => line.text(Paint::Plain, " "),
            Some(paint @ Paint::Signal(_)) => line.text(paint, "●"),
            Some(paint) => line.text(paint, "○"),
        };
    }
    line
}

/// Widths that are the same in all lines.
pub struct Columns {
    time: usize,
    /// Digits of an event's number; `None`: it is not shown.
    seq: Option<usize>,
    pid: usize,
    /// Of a process's name; `None`: neither pid nor name is shown.
    name: Option<usize>,
}

impl Columns {
    /// Those of the entries of a timeline. On a narrow screen what happened has the room, not its number.
    pub fn of(case: &Case<'_>, timeline: &Timeline, width: Option<usize>) -> Columns {
        let is_narrow = width.is_some_and(|width| width < NARROW);
        let last = timeline.entries.iter().map(|entry| entry.seq.0).max().unwrap_or(0);
        let of_entry = |entry: &Entry| entry.process.map_or(0, |id| case.history.process(id).pid.0.to_string().len());
        let time = timeline.entries.iter().map(|entry| node::clock(case, entry.ts).len()).max().unwrap_or(0);
        let pid = timeline.entries.iter().map(of_entry).max().unwrap_or(0);
        let seq = (!is_narrow).then(|| last.to_string().len());
        Columns { time, seq, pid, name: Some(if is_narrow { NARROW_NAME } else { NAME }) }
    }
}

impl Columns {
    /// For the entries of one process: no pid and name in front.
    pub fn short(case: &Case<'_>) -> Columns {
        let last = case.source.last_ns.map_or(0, |ns| node::clock(case, Nanos(ns)).len());
        Columns { time: last, seq: Some(0), pid: 0, name: None }
    }
}

/// An entry on one line: time, event, process, what, details.
pub fn entry_line(case: &Case<'_>, entry: &Entry, columns: &Columns, width: Option<usize>) -> Line {
    let mut line = Line::new();
    line.text(Paint::Dim, format!("{:>1$}", node::clock(case, entry.ts), columns.time));
    line.text(Paint::Plain, " ");
    if let Some(digits) = columns.seq {
        line.text(Paint::Dim, format!("{:>1$} ", format!("#{}", entry.seq.0), digits + 1));
    }
    match (entry.process, columns.name) {
        (_, None) => {}
        (Some(id), Some(room)) => {
            // Of a program that is started the new name is shown.
            let name = node::image(case, id, entry.seq)
                .comm
                .map_or_else(|| "?".to_owned(), |sym| shorten(&Visible(case.history.text(sym)).to_string(), room));
            let padding = " ".repeat(room.saturating_sub(name.width()));
            let pid = case.history.process(id).pid.0;
            line.text(Paint::Plain, format!("{pid:>0$} ", columns.pid)).text(Paint::Bold, name);
            line.text(Paint::Plain, padding + " ");
        }
        (None, Some(room)) => {
            line.text(Paint::Plain, " ".repeat(columns.pid + room + 2));
        }
    }
    let what = entry.what.name();
    let paint = match &entry.what {
        What::Signal(i) => node::mark(&case.signals[*i as usize]).1,
        What::Lost(_) => Paint::Signal(Priority::Error),
        _ => Paint::Plain,
    };
    line.text(paint, format!("{what:<8} "));
    let mut after = Line::new();
    if entry.n > 1 {
        after.text(Paint::Bold, format!("  ×{}", entry.n));
        after.text(Paint::Dim, format!(" until {}", node::clock(case, entry.last_ts)));
    }
    let room = width.map(|width| width.saturating_sub(line.width() + after.width()).max(8));
    let details = details(case, entry, room);
    line.line(match room {
        Some(room) => details.cut(room),
        None => details,
    });
    line.line(after);
    line
}

fn details(case: &Case<'_>, entry: &Entry, room: Option<usize>) -> Line {
    let history = case.history;
    let mut line = Line::new();
    let container = |line: &mut Line| {
        if let Some(container) = entry.process.and_then(|id| node::container(case, id, entry.seq)) {
            line.text(Paint::Plain, "  ").line(node::container_line(case, container, entry.seq));
        }
    };
    match &entry.what {
        What::Fork => {
            line.text(Paint::Dim, below(case, entry.process, entry.seq));
            container(&mut line);
        }
        What::Exec(image) => {
            let image = history.image(*image);
            let command = node::command(case, &image, Some(room.unwrap_or(MAX_COMMAND).min(MAX_COMMAND)));
            if command.is_empty() {
                line.bytes(Paint::Plain, history.text(image.exepath));
            } else {
                line.text(Paint::Plain, command);
            }
            line.text(Paint::Dim, format!("  {}", below(case, entry.process, entry.seq)));
            container(&mut line);
        }
        What::Exit => {
            if let Some(process) = entry.process.map(|id| history.process(id)) {
                line.text(Paint::Plain, node::ending(process, entry.seq));
                if let (Some(start), Some(exit)) = (process.start_ns(), process.exit()) {
                    let lived = node::duration(Nanos(exit.ts.0.saturating_sub(start.0)));
                    line.text(Paint::Dim, format!(" after {lived}"));
                }
            }
        }
        What::Connect(file) | What::Accept(file) | What::Bind(file) => {
            let file = history.file(*file);
            let l4 = match file.l4 {
                L4::Tcp => " tcp",
                L4::Udp => " udp",
                L4::Icmp => " icmp",
                L4::Raw => " raw",
                L4::Unknown | L4::NotApplicable => "",
            };
            line.bytes(Paint::Plain, history.text(file.name)).text(Paint::Dim, l4);
            container(&mut line);
        }
        What::Write(file) => {
            line.bytes(Paint::Plain, history.text(history.file(*file).name));
            container(&mut line);
        }
        What::Redirect { fd, file } => {
            let stream = ["stdin", "stdout", "stderr"][usize::from(*fd).min(2)];
            line.text(Paint::Plain, format!("{stream} → "));
            line.bytes(Paint::Plain, history.text(history.file(*file).name));
        }
        What::User { from, to } => {
            let user = |creds: CredId| user(case, entry, creds);
            line.text(Paint::Plain, format!("{} → {}", user(*from), user(*to)));
        }
        What::Call { detail, .. } => {
            line.bytes(Paint::Plain, detail.as_bytes());
        }
        What::Signal(i) => {
            let signal = &case.signals[*i as usize];
            let (mark, paint) = node::mark(signal);
            line.text(paint, format!("{mark} {} ", signal.rule.priority.name()));
            line.bytes(paint, signal.rule.name.as_bytes());
            line.text(Paint::Dim, format!("  {}", signal.id));
            if let Verdict::Suppressed { by } = &signal.verdict {
                line.text(Paint::Dim, "  suppressed by ").bytes(Paint::Dim, by.join(", ").as_bytes());
            }
        }
        What::Lost(i) => {
            let loss = &case.losses[*i as usize];
            let n = loss.n_events.map_or_else(|| "events".to_owned(), |n| format!("{n} events"));
            line.text(Paint::Signal(Priority::Error), n);
            line.text(Paint::Plain, " ").bytes(Paint::Plain, loss.cause.as_bytes());
        }
    }
    line
}

fn below(case: &Case<'_>, process: Option<ProcessId>, seq: Seq) -> String {
    let parent = process.and_then(|process| lineage::birth_parent(case.history, process));
    parent.map_or_else(|| "parent unknown".to_owned(), |id| format!("below {}", node::short_name_at(case, id, seq)))
}

fn user(case: &Case<'_>, entry: &Entry, creds: CredId) -> String {
    let of = case.history.creds(creds);
    let Some(process) = entry.process else { return String::new() };
    let attrs = case.history.leader_attrs(process, entry.seq);
    let attrs = tracehound_state::history::Attrs { creds, ..attrs };
    let name = processes::user(case, &attrs, entry.seq).map(|name| Visible(name).to_string());
    let number = |id: Option<u32>| id.map_or_else(|| "?".to_owned(), |id| id.to_string());
    let name = name.unwrap_or_else(|| format!("uid {}", number(of.uid)));
    format!("{name} (gid {})", number(of.gid))
}
