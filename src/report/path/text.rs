//! A path as lines of text, one a step, for a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;

use tracehound_formats::section::FdKind;
use tracehound_signals::visible::Visible;
use tracehound_state::Sym;
use tracehound_state::history::{Origin, Role};

use super::{AttackPath, Entry, Step, Stream};
use crate::case::Case;
use crate::columns::connections::unix_path;
use crate::tree::node::{MAX_COMMAND, clock, command, short_name};

/// Things of one kind on a line.
const MAX_SHOWN: usize = 3;

/// Writes a path: how it began, its steps, what was executed afterwards. Without colour; command lines are cut.
pub fn write(out: &mut dyn Write, case: &Case<'_>, path: &AttackPath) -> io::Result<()> {
    writeln!(out, "{}", beginning(case, path))?;
    if path.is_cycle {
        writeln!(out, "(a cycle: the trace claims that the first process descends from one of the others)")?;
    }
    for (i, step) in path.steps.iter().enumerate() {
        if let Some((_, n)) = path.left_out.filter(|(at, _)| *at == i) {
            writeln!(out, "… {n} processes between")?;
        }
        writeln!(out, "{}", line(case, path, step))?;
    }
    let later = &path.later;
    for &(process, image, _, ts) in &later.execs {
        let what = command(case, &case.history.image(image), Some(MAX_COMMAND));
        let when = ts.map_or_else(String::new, |ts| format!("  {}", clock(case, ts)));
        let gap = if what.is_empty() { "" } else { "  " };
        writeln!(out, "then {}{gap}{what}{when}", short_name(case, process))?;
    }
    if later.n_more > 0 || later.is_cut {
        writeln!(out, "then {}{} more execs", if later.is_cut { "at least " } else { "" }, later.n_more)?;
    }
    Ok(())
}

/// Who or what the path began with: `login alice, session-3.scope on web-01`.
fn beginning(case: &Case<'_>, path: &AttackPath) -> String {
    let mut text = match &path.entry {
        Entry::Container(id) => {
            let container = case.history.container(*id);
            let name = container.metadata_at(path.seq).and_then(|metadata| metadata.name);
            let name = name.map_or_else(String::new, |name| format!(" {}", sym(case, name)));
            format!("container {} {}{name}", container.runtime, sym(case, container.id.0))
        }
        Entry::Service(unit) => format!("service {}", Visible(unit)),
        Entry::Session(unit) => format!("login session {}", Visible(unit)),
        Entry::Unknown => "entry unknown".to_owned(),
    };
    if let Some((uid, name)) = path.login {
        let _ = write!(text, ", login of {}", user(case, uid, name));
    }
    if !case.source.hostname.is_empty() {
        let _ = write!(text, ", host {}", Visible(case.source.hostname.as_bytes()));
    }
    text
}

/// `5127 sh → bash → sh  app  sh -i  11:01:00.022  0,1,2 ↔ 203.0.113.66:4444`.
fn line(case: &Case<'_>, path: &AttackPath, step: &Step) -> String {
    let history = case.history;
    let mut names: Vec<Option<Sym>> = step.images.items.iter().map(|i| history.image(i.image).comm).collect();
    names.dedup();
    let names: Vec<String> = names.iter().map(|name| name.map_or("?".to_owned(), |name| sym(case, name))).collect();
    let more = if step.images.n_more > 0 { format!("({} more) → ", step.images.n_more) } else { String::new() };
    let mut text = format!("{} {more}{}", history.process(step.process).pid.0, names.join(" → "));
    let users: Vec<String> = step.users.items.iter().map(|at| user(case, at.uid, at.name)).collect();
    if !users.is_empty() {
        let _ = write!(text, "  {}", users.join(" → "));
    }
    if let Some(image) = step.images.items.last() {
        let command = command(case, &history.image(image.image), Some(MAX_COMMAND));
        if !command.is_empty() {
            let _ = write!(text, "  {command}");
        }
    }
    if let Some(id) = step.container.filter(|_| step.is_container_entered) {
        let container = history.container(id);
        let _ = write!(text, "  enters [{} {}]", container.runtime, sym(case, container.id.0));
    } else if step.is_container_entered {
        text.push_str("  leaves the container");
    }
    if let Some(start) = step.start {
        let _ = write!(text, "  {}", clock(case, start));
    }
    streams(case, step, &mut text);
    let is_stream = |remote: SocketAddr| step.streams.iter().any(|stream| stream.remote == Some(remote));
    let others: Vec<_> = step.sockets.items.iter().filter(|socket| !is_stream(socket.remote)).collect();
    for socket in others.iter().take(MAX_SHOWN) {
        let arrow = if socket.role == Some(Role::Server) { '←' } else { '→' };
        let _ = write!(text, "  {arrow} {}", socket.remote);
        if socket.is_later {
            text.push_str(" later");
        }
    }
    let n_more = others.len().saturating_sub(MAX_SHOWN) + step.sockets.n_more;
    if n_more > 0 {
        let _ = write!(text, "  {n_more} more connections");
    }
    for file in step.files.items.iter().take(MAX_SHOWN) {
        let _ = write!(text, "  wrote {}", sym(case, file.path));
        if let Some((process, _)) = file.executed {
            let _ = write!(text, " (executed by {})", history.process(process).pid.0);
        }
    }
    let n_more = step.files.items.len().saturating_sub(MAX_SHOWN) + step.files.n_more;
    if n_more > 0 {
        let _ = write!(text, "  {n_more} more files written");
    }
    if let Some(parent) = step.adopted_by {
        let _ = write!(text, "  adopted by {}", short_name(case, parent));
    }
    if step.origin == Origin::FirstSeen {
        text.push_str("  birth not recorded");
    }
    if path.steps.first() == Some(step) && step.origin == Origin::Birth {
        text.push_str("  parent unknown");
    }
    text
}

/// Standard streams on sockets and pipes: those that refer to the same together.
fn streams(case: &Case<'_>, step: &Step, text: &mut String) {
    let mut groups: Vec<(Vec<i64>, &Stream)> = Vec::new();
    for stream in &step.streams {
        let is_same = |other: &Stream| {
            let (a, b) = (case.history.file(other.file), case.history.file(stream.file));
            a.origin == b.origin
        };
        match groups.iter_mut().find(|(_, other)| is_same(other)) {
            Some((fds, _)) => fds.push(stream.fd),
            None => groups.push((vec![stream.fd], stream)),
        }
    }
    for (fds, stream) in groups {
        let fds = fds.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let peer = stream.peer.map_or_else(String::new, |peer| format!(" of {}", short_name(case, peer)));
        let _ = match (stream.remote, stream.kind) {
            (Some(remote), _) => write!(text, "  {fds} ↔ {remote}{peer}"),
            (None, FdKind::Pipe) => write!(text, "  {fds} ↔ pipe{peer}"),
            (None, FdKind::UnixSocket) => {
                let name = unix_path(case.history.text(case.history.file(stream.file).name));
                let blank = if name.is_empty() { "" } else { " " };
                write!(text, "  {fds} ↔ unix socket{blank}{}{peer}", Visible(name))
            }
            _ => Ok(()),
        };
    }
}

fn user(case: &Case<'_>, uid: u32, name: Option<Sym>) -> String {
    match name {
        Some(name) => sym(case, name),
        None if uid == 0 => "root".to_owned(),
        None => format!("uid {uid}"),
    }
}

fn sym(case: &Case<'_>, sym: Sym) -> String {
    Visible(case.history.text(sym)).to_string()
}
