//! `info`: what is in a trace.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::{Map, Value as Json, json};
use tracehound_formats::Nanos;
use tracehound_rules::{Policy, Priority, RuleSet};
use tracehound_signals::time::Rfc3339;

use super::args::{Global, Info, InfoFormat};
use super::exit::{Failure, Outcome};
use super::input::{self, Opened};
use super::output::printable;
use super::progress::Bar;
use crate::{Analysis, Job, Only, pipeline};

pub(super) fn run(global: &Global, args: &Info) -> Result<Outcome, Failure> {
    let mut opened = input::open(&args.trace)?;
    let events = Arc::new(AtomicU64::new(0));
    let bar = Bar::start(global, &opened.name, opened.n_bytes, opened.reader.progress(), Arc::clone(&events));
    let rules = RuleSet::default();
    let job = Job {
        rules: &rules,
        policy: Policy::All,
        least: Priority::Debug,
        suppressions: None,
        context: Default::default(),
        only: Only::default(),
        n_read: &events,
        meter: None,
    };
    let analysis = pipeline::analyze(&mut *opened.reader, job, |_| Ok::<(), Failure>(()))?;
    drop(bar);
    let format = args.format.unwrap_or(if io::stdout().is_terminal() { InfoFormat::Text } else { InfoFormat::Json });
    let mut out = io::stdout().lock();
    match format {
        InfoFormat::Json => writeln!(out, "{:#}", describe(&opened, &analysis))?,
        InfoFormat::Text => write!(out, "{}", text(&opened, &analysis))?,
    }
    out.flush()?;
    let n_lost = analysis.totals.n_lost();
    Ok(input::report_damage(global, &opened.name, &analysis.read_notes, n_lost, args.allow_partial))
}

/// The object of `info -f json`; its keys are promises.
fn describe(opened: &Opened, analysis: &Analysis) -> Json {
    let notes = &analysis.read_notes;
    let totals = &analysis.totals;
    let machine = analysis.history.sections.first().map(|section| &section.machine);
    let lossy = |bytes: Option<&bstr::BString>| bytes.map(|b| String::from_utf8_lossy(b).into_owned());
    let by_kind: Map<String, Json> = {
        let mut counts: Map<String, Json> = Map::new();
        for &(code, n) in &totals.by_kind {
            let name = pipeline::kind_name(code);
            let sum = counts.get(name).and_then(Json::as_u64).unwrap_or(0) + n;
            counts.insert(name.to_owned(), sum.into());
        }
        counts
    };
    let losses: Vec<Json> = totals
        .losses
        .iter()
        .map(|loss| {
            json!({
                "seq": loss.seq.0, "time_ns": loss.ts.0, "n_events": loss.n_events, "cpu": loss.cpu,
                "from_ns": loss.from.map(|ns| ns.0), "to_ns": loss.to.map(|ns| ns.0), "cause": loss.cause,
            })
        })
        .collect();
    let damage: Vec<Json> = notes.damage.iter().map(|d| json!({ "offset": d.offset, "what": d.what })).collect();
    let skipped: Vec<Json> = notes.skipped.iter().map(|s| json!({ "what": s.what, "n": s.n })).collect();
    json!({
        "format": opened.format,
        "bytes": opened.n_bytes,
        "events": notes.n_events,
        "records": notes.n_records,
        "unfinished": notes.n_unfinished,
        "processes": analysis.history.processes.len(),
        "threads": analysis.history.threads.len(),
        "threads_at_start": totals.n_initial_threads,
        "containers": analysis.history.containers.len(),
        "images": analysis.history.images.iter().filter(|image| image.is_exec).count(),
        "sections": analysis.history.sections.len(),
        "first_ns": totals.first_ns,
        "last_ns": totals.last_ns,
        "host": lossy(machine.and_then(|m| m.hostname.as_ref())),
        "kernel": lossy(machine.and_then(|m| m.kernel.as_ref())),
        "arch": lossy(machine.and_then(|m| m.arch.as_ref())),
        "recorder": lossy(machine.and_then(|m| m.recorder.as_ref())),
        "cpus": machine.and_then(|m| m.n_cpus),
        "memory_bytes": machine.and_then(|m| m.memory_bytes),
        "boot_ns": machine.and_then(|m| m.boot_ns),
        "events_by_kind": by_kind,
        "losses": losses,
        "n_damage": notes.n_damage,
        "damage": damage,
        "skipped": skipped,
        "remarks": notes.remarks,
        "integrity": analysis.integrity(),
    })
}

/// The same for people.
fn text(opened: &Opened, analysis: &Analysis) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let notes = &analysis.read_notes;
    let totals = &analysis.totals;
    let history = &analysis.history;
    let machine = history.sections.first().map(|section| section.machine.clone()).unwrap_or_default();
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:<12} {value}");
    };
    let known = |bytes: &Option<bstr::BString>| bytes.as_ref().map_or("not recorded".to_owned(), |b| printable(b));
    let time = |ns: Option<u64>| ns.map_or("-".to_owned(), |ns| Rfc3339(Nanos(ns)).to_string());
    line("trace", opened.name.clone());
    line("format", format!("{} ({} bytes)", opened.format, opened.n_bytes));
    for remark in &notes.remarks {
        line("", printable(remark.as_bytes()));
    }
    line("host", known(&machine.hostname));
    line("kernel", known(&machine.kernel));
    line("from", time(totals.first_ns));
    line("to", time(totals.last_ns));
    let span = totals.last_ns.unwrap_or(0).saturating_sub(totals.first_ns.unwrap_or(0));
    line("span", format!("{:.3} s", span as f64 / 1e9));
    let unfinished = match notes.n_unfinished {
        0 => String::new(),
        n => format!(", and {n} system calls that had not returned"),
    };
    line("events", format!("{}{unfinished}", notes.n_events));
    line(
        "processes",
        format!(
            "{} ({} threads; {} threads when recording began)",
            history.processes.len(),
            history.threads.len(),
            totals.n_initial_threads
        ),
    );
    line("containers", history.containers.len().to_string());
    line("integrity", analysis.integrity().to_owned());
    if totals.n_lost() > 0 {
        line("losses", format!("{} events in {} records", totals.n_lost(), totals.losses.len()));
    }
    let mut kinds: Vec<(u64, &str)> = totals.by_kind.iter().map(|&(code, n)| (n, pipeline::kind_name(code))).collect();
    kinds.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    line("by kind", String::new());
    for (n, name) in kinds.iter().take(20) {
        let _ = writeln!(out, "  {n:>10} {name}");
    }
    if kinds.len() > 20 {
        let n: u64 = kinds[20..].iter().map(|k| k.0).sum();
        let _ = writeln!(out, "  {n:>10} of {} further kinds", kinds.len() - 20);
    }
    out
}
