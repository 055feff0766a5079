//! `summary.json`: the analysis in one object.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tracehound_formats::Nanos;
use tracehound_signals::time::Rfc3339;
use tracehound_signals::{Priority, Verdict};
use tracehound_state::history::{Origin, Process};

use crate::accounting::{self, Hidden, State};
use crate::case::{Case, SuppressionOutcome};

/// The summary of a case. Keys are stable; lists are in the order of the trace or of the rules.
///
/// `evidence` is `complete` only if nothing is known to be missing: a summary without signals is no proof of
/// innocence when it says `partial`.
pub fn summary(case: &Case<'_>) -> Json {
    let (source, notes) = (case.source, case.notes);
    let machine = case.history.sections.first().map(|section| &section.machine);
    let text = |value: Option<&bstr::BString>| value.map(|v| tracehound_signals::visible::utf8(v).into_owned());
    let time = |ns: Option<u64>| ns.map(|ns| Rfc3339(Nanos(ns)).to_string());
    let n_lost: u64 = case.losses.iter().filter_map(|loss| loss.n_events).fold(0, u64::saturating_add);
    let processes: Vec<&Process> = case.history.processes.iter().filter(|p| p.merged_into().is_none()).collect();
    let origins = |origin: Origin| processes.iter().filter(|p| p.origin == origin).count();
    let not_evaluable: Vec<Json> = case
        .rules
        .iter()
        .filter(|outcome| outcome.is_enabled && !outcome.not_evaluable.is_empty())
        .map(|outcome| json!({ "rule": outcome.rule.name, "why": outcome.not_evaluable }))
        .collect();
    let is_partial = notes.n_damage > 0 || !case.losses.is_empty() || source.integrity == "partial";
    json!({
        "version": source.version,
        "input": {
            "name": source.input,
            "format": source.format,
            "bytes": source.n_bytes,
            "integrity": source.integrity,
            "skipped_segments": source.n_skipped_segments,
            "skipped_events": source.n_skipped_events,
            "remarks": notes.remarks,
        },
        "host": {
            "hostname": Some(&source.hostname).filter(|name| !name.is_empty()),
            "kernel": text(machine.and_then(|m| m.kernel.as_ref())),
            "arch": text(machine.and_then(|m| m.arch.as_ref())),
            "boot_id": text(machine.and_then(|m| m.boot_id.as_ref())),
            "n_cpus": machine.and_then(|m| m.n_cpus),
        },
        "time": {
            "first": time(source.first_ns),
            "last": time(source.last_ns),
            "first_ns": source.first_ns,
            "last_ns": source.last_ns,
        },
        "events": notes.n_events,
        "unfinished_calls": notes.n_unfinished,
        "processes": {
            "total": processes.len(),
            "snapshot": origins(Origin::Snapshot),
            "birth": origins(Origin::Birth),
            "first_seen": origins(Origin::FirstSeen),
        },
        "signals": signals(case),
        "rules": {
            "loaded": case.rules.len(),
            "enabled": case.rules.iter().filter(|outcome| outcome.is_enabled).count(),
            "not_evaluable": not_evaluable,
        },
        "suppressions": suppressions(case),
        "evidence": if is_partial { "partial" } else { "complete" },
        "losses": {
            "records": case.losses.len(),
            "events": n_lost,
            "damage": notes.n_damage,
            "first_damage": notes.damage.first().map(|d| json!({ "offset": d.offset, "what": d.what })),
            "skipped": notes.skipped.iter().map(|s| json!({ "what": s.what, "n": s.n })).collect::<Vec<_>>(),
        },
    })
}

/// Every suppression that did something or is of no use, and what it hid.
fn suppressions(case: &Case<'_>) -> Json {
    let hidden = accounting::hidden(case);
    let all: Vec<(&SuppressionOutcome, &Hidden, State)> = case
        .suppressions
        .iter()
        .zip(&hidden)
        .map(|(outcome, hidden)| (outcome, hidden, State::of(outcome, hidden)))
        .collect();
    let in_state = |state: State| -> Vec<&str> {
        all.iter().filter(|(_, _, of)| *of == state).map(|(outcome, ..)| outcome.name.as_str()).collect()
    };
    let shadowed: Vec<&str> =
        all.iter().filter(|(_, hidden, _)| hidden.is_shadowed()).map(|(outcome, ..)| outcome.name.as_str()).collect();
    let time = |ts: Nanos| Rfc3339(ts).to_string();
    let active: Vec<Json> = all
        .iter()
        .filter(|(_, _, state)| *state == State::Active)
        .map(|(outcome, hidden, _)| {
            let overlaps: Vec<Json> = hidden
                .overlaps
                .iter()
                .map(|(&i, n)| json!({ "suppression": case.suppressions[i].name, "signals": n }))
                .collect();
            json!({
                "suppression": outcome.name,
                "signals": hidden.n_signals,
                "decided": hidden.n_decided,
                "alone": hidden.n_alone,
                "excluded": outcome.n_excluded,
                "processes": hidden.n_processes,
                "hosts": hidden.n_hosts,
                "rules": hidden.rules,
                "first": hidden.span.map(|[(_, ts), _]| time(ts)),
                "last": hidden.span.map(|[_, (_, ts)]| time(ts)),
                "overlaps": overlaps,
            })
        })
        .collect();
    json!({
        "loaded": all.len(),
        "clock": case.suppressions.first().map(|outcome| &outcome.clock),
        "active": active,
        "dead": in_state(State::Dead),
        "expired": in_state(State::Expired),
        "not_started": in_state(State::NotStarted),
        "disabled": in_state(State::Disabled),
        "shadowed": shadowed,
    })
}

fn signals(case: &Case<'_>) -> Json {
    let mut by_rule: BTreeMap<(usize, &str), [u64; 2]> = BTreeMap::new();
    let mut by_priority = [[0u64; 2]; Priority::ALL.len()];
    let mut n = [0u64; 2];
    let mut n_degraded = 0u64;
    for signal in case.signals {
        let verdict = usize::from(signal.verdict != Verdict::Fired);
        by_rule.entry((signal.rule.index, &signal.rule.name)).or_default()[verdict] += 1;
        if let Some(i) = Priority::ALL.iter().position(|&p| p == signal.rule.priority) {
            by_priority[i][verdict] += 1;
        }
        n[verdict] += 1;
        n_degraded += u64::from(!signal.evidence.reasons().is_empty());
    }
    let counts = |[fired, suppressed]: [u64; 2]| json!({ "fired": fired, "suppressed": suppressed });
    let by_rule: Vec<Json> = by_rule
        .into_iter()
        .map(|((_, rule), [fired, suppressed])| json!({ "rule": rule, "fired": fired, "suppressed": suppressed }))
        .collect();
    let by_priority: serde_json::Map<String, Json> = Priority::ALL
        .iter()
        .zip(by_priority)
        .filter(|(_, n)| *n != [0, 0])
        .map(|(priority, n)| (priority.name().to_owned(), counts(n)))
        .collect();
    json!({
        "fired": n[0],
        "suppressed": n[1],
        "degraded": n_degraded,
        "by_priority": by_priority,
        "by_rule": by_rule,
    })
}
