//! Processes and signals as a trace of events in Chrome's JSON format, which Perfetto's user interface opens.
//!
//! A process is a track, its life a slice with a slice for each image in it; what happened in it are instants. Times
//! are microseconds since the first event: a double holds nanoseconds since 1970 only roughly. Source: "Trace Event Format" (phases `M`, `X`, `i`), as Perfetto's documentation says it imports it.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value as Json, json};
use tracehound_formats::{Nanos, Seq};
use tracehound_signals::time::Rfc3339;
use tracehound_signals::visible::utf8;
use tracehound_state::ProcessId;

use super::{Timeline, What};
use crate::case::Case;
use crate::lineage;
use crate::tree::node;

/// Above all process ids of Linux (2^22): numbers of instances whose pid another instance has too.
const FIRST_MADE_UP: i64 = 1 << 22;

/// Writes the trace. Tracks: the processes that have an entry in the timeline, which should have no runs
/// ([`super::Only::is_unrolled`]), and their ancestors.
pub fn write(out: &mut dyn Write, case: &Case<'_>, timeline: &Timeline) -> io::Result<()> {
    let (first, last) = timeline.density.span().unwrap_or((Nanos(0), Nanos(0)));
    let last = timeline.entries.iter().map(|entry| entry.last_ts).fold(last, Nanos::max);
    let length = |from: Nanos, to: Nanos| to.0.saturating_sub(from.0) as f64 / 1000.0;
    let micros = |ts: Nanos| length(first, ts);
    let tracks = tracks(case, timeline);
    let mut events = Events { out, is_first: true };
    let origin = Rfc3339(first).to_string();
    write!(events.out, "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"source\":\"tracehound\",\"host\":")?;
    serde_json::to_writer(&mut *events.out, &case.source.hostname)?;
    write!(events.out, ",\"time_zero\":\"{origin}\"}},\"traceEvents\":[")?;
    for &(id, number) in &tracks.order {
        let process = case.history.process(id);
        let name = node::short_name(case, id);
        let command = node::command(case, &node::image(case, id, Seq(u64::MAX)), Some(200));
        let container = node::container(case, id, Seq(u64::MAX));
        let container = container.map(|container| utf8(case.history.text(container.id.0)).into_owned());
        let labels = container.as_deref().unwrap_or("host").to_owned();
        for (what, args) in [
            (
                "process_name",
                json!({ "name": if command.is_empty() { name.clone() } else { format!("{name}: {command}") } }),
            ),
            ("process_labels", json!({ "labels": labels })),
            ("process_sort_index", json!({ "sort_index": tracks.sort[&id] })),
            ("thread_name", json!({ "name": name })),
        ] {
            events.event(&json!({ "ph": "M", "name": what, "pid": number, "tid": number, "args": args }))?;
        }
        let start = process.start_ns().unwrap_or(first).max(first);
        let end = process.exit().map_or(last, |exit| exit.ts).max(start);
        events.slice(
            number,
            "life",
            &name,
            micros(start),
            length(start, end),
            &json!({
                "process": case.key(id),
                "pid": process.pid.0,
                "parent": lineage::birth_parent(case.history, id).map(|id| case.key(id)),
                "user": node::users(case, id, Seq(u64::MAX)),
                "container": container,
                "start": process.start_ns().map(|ns| Rfc3339(ns).to_string()),
                "end": node::ending(process, Seq(u64::MAX)),
            }),
        )?;
        let images: Vec<_> = process.image().rows().collect();
        for (i, &(_, image)) in images.iter().enumerate() {
            let from = case.times.image(image).filter(|_| i > 0).unwrap_or(start).clamp(start, end);
            let to = images.get(i + 1).and_then(|&(_, next)| case.times.image(next)).unwrap_or(end).clamp(from, end);
            let image = case.history.image(image);
            let name = image.comm.map_or("?".into(), |sym| utf8(case.history.text(sym)).into_owned());
            let path = utf8(case.history.text(image.exepath)).into_owned();
            let command = node::command(case, &image, Some(200));
            let args = json!({ "path": path, "command": command });
            events.slice(number, "image", &name, micros(from), length(from, to), &args)?;
        }
    }
    for entry in &timeline.entries {
        let number = entry.process.and_then(|id| tracks.numbers.get(&id).copied());
        let mut args = super::json::entry(case, entry);
        if let Json::Object(args) = &mut args {
            args.remove("ts");
        }
        let name = match &entry.what {
            What::Signal(i) => {
                let signal = &case.signals[*i as usize];
                format!("{}: {}", signal.rule.priority.name(), signal.rule.name)
            }
            what => what.name().to_owned(),
        };
        let category = if matches!(entry.what, What::Signal(_)) { "signal" } else { "event" };
        // Without a process it concerns the whole machine: a global instant.
        let (scope, number) = number.map_or(("g", 0), |number| ("t", number));
        events.instant(number, scope, category, &name, micros(entry.ts), &args)?;
    }
    writeln!(events.out, "\n]}}")
}

/// A number in the format's sense for each process.
struct Tracks {
    numbers: HashMap<ProcessId, i64>,
    sort: HashMap<ProcessId, usize>,
    /// By start.
    order: Vec<(ProcessId, i64)>,
}

fn tracks(case: &Case<'_>, timeline: &Timeline) -> Tracks {
    let forest = crate::tree::forest::Forest::new(case, None);
    let kept = forest.with_ancestors(timeline.entries.iter().filter_map(|entry| entry.process));
    let mut taken: HashMap<i64, ()> = HashMap::new();
    let mut order = Vec::new();
    for &id in forest.processes().iter().filter(|id| kept[id.index()]) {
        let pid = case.history.process(id).pid.0;
        let is_free = (1..FIRST_MADE_UP).contains(&pid) && taken.insert(pid, ()).is_none();
        order.push((id, if is_free { pid } else { FIRST_MADE_UP + i64::from(id.number()) }));
    }
    let sort = order.iter().enumerate().map(|(i, &(id, _))| (id, i)).collect();
    Tracks { numbers: order.iter().copied().collect(), sort, order }
}

/// The list of events, written one by one.
struct Events<'a> {
    out: &'a mut dyn Write,
    is_first: bool,
}

impl Events<'_> {
    fn event(&mut self, event: &Json) -> io::Result<()> {
        self.out.write_all(if std::mem::take(&mut self.is_first) { b"\n" } else { b",\n" })?;
        Ok(serde_json::to_writer(&mut *self.out, event)?)
    }

    fn slice(&mut self, pid: i64, category: &str, name: &str, ts: f64, length: f64, args: &Json) -> io::Result<()> {
        self.event(&json!({
            "ph": "X", "cat": category, "name": name, "pid": pid, "tid": pid, "ts": ts, "dur": length, "args": args,
        }))
    }

    fn instant(&mut self, pid: i64, scope: &str, category: &str, name: &str, ts: f64, args: &Json) -> io::Result<()> {
        self.event(&json!({
            "ph": "i", "s": scope, "cat": category, "name": name, "pid": pid, "tid": pid, "ts": ts, "args": args,
        }))
    }
}
