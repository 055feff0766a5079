//! The process tree for machines: one object a process, in the order of the drawing.
//!
//! The list is flat and says by keys who is below whom: nesting would be as deep as the tree, and parsers of JSON
//! give up on a depth that a fork bomb reaches in a second.

use serde_json::{Value as Json, json};
use tracehound_formats::Seq;
use tracehound_signals::Signal;
use tracehound_signals::time::Rfc3339;
use tracehound_signals::visible::utf8;
use tracehound_state::{ProcessId, Sym};

use super::forest::{Row, Tally, What};
use super::{TreeOptions, TreeShown, node, rows, shown};
use crate::case::Case;
use crate::columns::processes;
use crate::lineage;
use crate::table::split_nul;

/// Calls a function with each row's object. A process: see [`process`]. Processes that are only counted:
/// `{"more": N, "parent": KEY, "signals_by_priority": {..}, "suppressed": N}`.
pub fn each<E>(
    case: &Case<'_>,
    options: &TreeOptions,
    mut f: impl FnMut(Json) -> Result<(), E>,
) -> Result<TreeShown, E> {
    let (forest, rows) = rows(case, options);
    for row in &rows {
        let object = match row.what {
            What::Process(id) => process(case, id, forest.parent(id), row.level, options.at),
            What::More { n, signals } => more(case, &rows, row, n, &signals),
            What::Ancestors(_) | What::Unknown => continue,
        };
        f(object)?;
    }
    Ok(shown(&forest, &rows))
}

fn more(case: &Case<'_>, rows: &[Row], row: &Row, n: u32, signals: &Tally) -> Json {
    let parent = row.parent.and_then(|at| match rows[at as usize].what {
        What::Process(id) => Some(case.key(id)),
        _ => None,
    });
    let by_priority: serde_json::Map<String, Json> =
        signals.by_priority().map(|(priority, n)| (priority.name().to_owned(), n.into())).collect();
    json!({ "more": n, "parent": parent, "signals_by_priority": by_priority, "suppressed": signals.suppressed })
}

/// One process. `process` and `parent` are keys as in the tables; `parent` is what it stands below, `birth_parent` who
/// gave birth to it. Times are RFC 3339 in UTC, null if unknown. With an event everything is as of it.
pub fn process(case: &Case<'_>, id: ProcessId, parent: Option<ProcessId>, level: u32, at: Option<Seq>) -> Json {
    let history = case.history;
    let until = at.unwrap_or(Seq(u64::MAX));
    let row = history.process(id);
    let text = |sym: Sym| utf8(history.text(sym)).into_owned();
    let known = |sym: Sym| (sym != Sym::EMPTY).then(|| text(sym));
    let image = node::image(case, id, until);
    let images: Vec<Json> = row
        .image()
        .rows()
        .enumerate()
        .filter(|(i, (from, _))| *i == 0 || *from <= until)
        .map(|(_, (from, image))| {
            let image = history.image(image);
            json!({ "name": image.comm.map(text), "path": known(image.exepath), "from_seq": from.0 })
        })
        .collect();
    let args: Vec<String> = split_nul(history.text(image.args)).map(|arg| utf8(arg).into_owned()).collect();
    let attrs = history.leader_attrs(id, case.last_seq(id).min(until));
    let container = node::container(case, id, until).map(|container| {
        let name = container.metadata_at(until).and_then(|metadata| metadata.name);
        json!({ "id": text(container.id.0), "runtime": container.runtime, "name": name.map(text) })
    });
    let exit = row.exit().filter(|exit| exit.seq <= until);
    let signals: Vec<Json> = case.signals_of(id).filter(|signal| signal.seq <= until).map(signal).collect();
    let birth_parent = lineage::birth_parent(history, id);
    let now = history.parent(id, until).map(|parent| tracehound_signals::key::resolve(history, parent));
    json!({
        "process": case.key(id),
        "parent": parent.map(|id| case.key(id)),
        "birth_parent": birth_parent.map(|id| case.key(id)),
        "is_reparented": now.is_some() && now != birth_parent,
        "level": level,
        "pid": row.pid.0,
        "name": image.comm.map(text),
        "exe_path": known(image.exepath),
        "exe": image.exe.map(text),
        "args": args,
        "images": images,
        "user": processes::user(case, &attrs, case.last_seq(id).min(until)).map(|name| utf8(name).into_owned()),
        "uid": history.creds(attrs.creds).uid,
        "container": container,
        "start": row.start_ns().map(|ns| Rfc3339(ns).to_string()),
        "start_seq": row.born.0,
        "end": exit.map(|exit| Rfc3339(exit.ts).to_string()),
        "exit_code": exit.and_then(|exit| exit.code),
        "exit_signal": exit.and_then(|exit| exit.signal).filter(|&signal| signal != 0),
        "state": node::ending(row, until),
        "signals": signals,
    })
}

fn signal(signal: &Signal) -> Json {
    json!({
        "id": signal.id.to_string(),
        "rule": signal.rule.name,
        "priority": signal.rule.priority.name(),
        "seq": signal.seq.0,
        "verdict": signal.verdict.name(),
    })
}
