//! Everything about what is selected, as lines.

use bstr::ByteSlice;
use tracehound_formats::Seq;
use tracehound_report::path;
use tracehound_report::screen::{Line, Paint};
use tracehound_report::timeline::text::{Columns, entry_line};
use tracehound_report::tree::node;
use tracehound_signals::visible::Visible;
use tracehound_signals::{Signal, Verdict};
use tracehound_state::ProcessId;
use tracehound_state::history::OpenFile;

use crate::app::{App, Pane};

/// Signals, entries, files listed; of more it is said how many.
const MAX_LISTED: usize = 200;
/// Columns of a command line shown whole.
const MAX_COMMAND: usize = 4000;

/// The lines.
pub(crate) fn lines(app: &App<'_>) -> Vec<Line> {
    let mut out = Vec::new();
    let signal = if app.pane == Pane::Signals { app.selected_signal() } else { None };
    if let Some(signal) = signal {
        of_signal(app, signal, &mut out);
        if let Some(id) = app.process_of(signal) {
            out.push(Line::new());
            of_process(app, id, signal.seq, None, &mut out);
        }
        return out;
    }
    match app.selected() {
        Some(id) => {
            let path = app.paths.to(id, None, app.case.last_seq(id).min(app.seq()));
            of_process(app, id, app.seq(), Some(&path), &mut out);
        }
        None => out.push(plain("nothing is selected")),
    }
    out
}

fn plain(text: &str) -> Line {
    let mut line = Line::new();
    line.text(Paint::Plain, text);
    line
}

fn heading(text: &str) -> Line {
    let mut line = Line::new();
    line.text(Paint::Bold, text);
    line
}

/// A name of at most ten characters, and bytes from the trace.
fn field(out: &mut Vec<Line>, name: &str, value: &[u8]) {
    let mut line = Line::new();
    line.text(Paint::Dim, format!("{name:<10} ")).bytes(Paint::Plain, value);
    out.push(line);
}

fn of_signal(app: &App<'_>, signal: &Signal, out: &mut Vec<Line>) {
    let (mark, paint) = node::mark(signal);
    let mut line = Line::new();
    line.text(paint, format!("{mark} {} ", signal.rule.priority.name())).bytes(paint, signal.rule.name.as_bytes());
    out.push(line);
    field(out, "signal", signal.id.to_string().as_bytes());
    let place = format!("{}, event {}", node::clock(app.case, signal.ts), signal.seq.0);
    field(out, "when", place.as_bytes());
    field(out, "output", &signal.message);
    if let Verdict::Suppressed { by } = &signal.verdict {
        field(out, "suppressed", by.join(", ").as_bytes());
    }
    for reason in signal.evidence.reasons() {
        field(out, "degraded", reason.to_string().as_bytes());
    }
    if !signal.rule.tags.is_empty() {
        field(out, "tags", signal.rule.tags.join(" ").as_bytes());
    }
    for (name, value) in &signal.output_fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut line = Line::new();
        line.text(Paint::Plain, "  ").bytes(Paint::Dim, name.as_bytes()).text(Paint::Plain, " ");
        line.bytes(Paint::Plain, text.as_bytes());
        out.push(line);
    }
    out.push(Line::new());
    match app.paths.of(signal) {
        Some(path) => attack_path(app, &path, out),
        None => out.push(plain("the signal is on no process")),
    }
}

/// The path, one step a line, as `report` writes it.
fn attack_path(app: &App<'_>, path: &path::AttackPath, out: &mut Vec<Line>) {
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let _ = path::write(&mut text, app.case, path);
    out.push(heading("attack path"));
    for line in text.lines() {
        let mut shown = Line::new();
        // It was made safe where it was written; a second time changes nothing.
        shown.bytes(Paint::Plain, line);
        out.push(shown);
    }
}

/// A process; `path` is the way to it, if that has not been told.
fn of_process(app: &App<'_>, id: ProcessId, at: Seq, path: Option<&path::AttackPath>, out: &mut Vec<Line>) {
    let case = app.case;
    let history = case.history;
    let seq = case.last_seq(id).min(at);
    let process = history.process(id);
    out.push(heading(&format!("process {}", node::short_name_at(case, id, seq))));
    let image = node::image(case, id, seq);
    let command = node::command(case, &image, Some(MAX_COMMAND));
    if !command.is_empty() {
        field(out, "command", command.as_bytes());
    }
    field(out, "executable", history.text(image.exepath));
    if let Some(users) = node::users(case, id, seq) {
        field(out, "user", users.as_bytes());
    }
    if let Some(container) = node::container(case, id, seq) {
        let mut line = Line::new();
        line.text(Paint::Dim, format!("{:<10} ", "container")).line(node::container_line(case, container, seq));
        out.push(line);
    }
    if let Some(cwd) = history.cwd(id, seq) {
        field(out, "folder", cwd);
    }
    if let Some(start) = process.start_ns() {
        field(out, "started", node::clock(case, start).as_bytes());
    }
    field(out, "state", node::ending(process, at).as_bytes());
    if let Some(parent) = node::adopted_by(case, id) {
        field(out, "adopted by", node::short_name(case, parent).as_bytes());
    }
    field(out, "key", history.process_key(id).as_bytes());
    if let Some(environment) = process.env().at(seq) {
        // Keys only: values can be secrets, and on a screen somebody looks over a shoulder.
        let names: Vec<String> = history
            .text(environment)
            .split_str("\0")
            .filter(|entry| !entry.is_empty())
            .take(MAX_LISTED)
            .map(|entry| Visible(entry.split_str("=").next().unwrap_or_default()).to_string())
            .collect();
        if !names.is_empty() {
            field(out, "env keys", names.join(" ").as_bytes());
        }
    }
    let signals: Vec<Line> = node::signal_lines(case, id, Some(at));
    if !signals.is_empty() {
        out.push(Line::new());
        out.push(heading("signals on it"));
        out.extend(signals);
    }
    if let Some(path) = path {
        out.push(Line::new());
        attack_path(app, path, out);
    }
    entries(app, id, at, out);
    open_files(app, id, seq, out);
}

/// Descriptors as of an event: sockets and files.
fn open_files(app: &App<'_>, id: ProcessId, seq: Seq, out: &mut Vec<Line>) {
    let history = app.case.history;
    let table = history.process(id).fd_table().at(seq);
    let mut open: Vec<(i64, OpenFile)> = history
        .fd_tables
        .entries(table, seq)
        .into_iter()
        .filter_map(|(fd, entry)| Some((fd, history.file(entry.file?))))
        .collect();
    if open.is_empty() {
        return;
    }
    open.sort_by_key(|(fd, _)| *fd);
    out.push(Line::new());
    out.push(heading(&format!("open files ({})", open.len())));
    for (fd, file) in open.iter().take(MAX_LISTED) {
        let mut line = Line::new();
        line.text(Paint::Dim, format!("{fd:>4} ")).bytes(Paint::Plain, history.text(file.name));
        out.push(line);
    }
    if open.len() > MAX_LISTED {
        out.push(plain(&format!("… {} more", open.len() - MAX_LISTED)));
    }
}

fn entries(app: &App<'_>, id: ProcessId, at: Seq, out: &mut Vec<Line>) {
    let of = || app.timeline.entries.iter().filter(|entry| entry.process == Some(id) && entry.seq <= at);
    let n = of().count();
    if n == 0 {
        return;
    }
    out.push(Line::new());
    out.push(heading("what it did"));
    let columns = Columns::short(app.case);
    for entry in of().take(MAX_LISTED) {
        out.push(entry_line(app.case, entry, &columns, None));
    }
    if n > MAX_LISTED {
        out.push(plain(&format!("… {} more", n - MAX_LISTED)));
    }
}
