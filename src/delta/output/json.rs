//! One JSON object with everything.

use serde_json::{Value as Json, json};
use tracehound_signals::Signal;
use tracehound_signals::time::Rfc3339;
use tracehound_signals::visible::utf8;

use crate::comparison::{Comparison, Gate, Group, Label, Names, Tally, Trace};
use crate::definitions::Status;
use crate::signals::{Entry, Kind};

/// The object: `base`, `head`, `summary`, `traces`, `rules`, `definitions`, `suppressions`, and the lists of signals
/// `added`, `removed`, `changed`, each by trace, then event.
pub fn object(comparison: &Comparison) -> Json {
    let groups = comparison.groups();
    let of_kind = |kind: Kind| -> Vec<Json> {
        let entries = comparison.entries().filter(|(_, entry)| entry.kind() == kind);
        entries.map(|(trace, entry)| signal(comparison, &comparison.traces[trace], entry)).collect()
    };
    json!({
        "base": names(&comparison.base),
        "head": names(&comparison.head),
        "summary": summary(comparison),
        "traces": comparison.traces.iter().map(trace).collect::<Vec<_>>(),
        "rules": rules(comparison, &groups),
        "definitions": comparison.definitions.definitions.iter().map(|d| json!({
            "kind": d.kind, "name": d.name, "status": status(d.status), "path": d.origin.path, "line": d.origin.line,
            "rules": d.rules, "diff": d.diff,
        })).collect::<Vec<_>>(),
        "suppressions": comparison.definitions.suppressions.iter().map(|s| json!({
            "name": s.name, "status": status(s.status), "path": s.path, "line": s.line, "diff": s.diff,
        })).collect::<Vec<_>>(),
        "added": of_kind(Kind::Added),
        "removed": of_kind(Kind::Removed),
        "changed": of_kind(Kind::Changed),
    })
}

fn names(names: &Names) -> Json {
    json!({ "rules": names.rules, "suppressions": names.suppressions })
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Kept => "changed",
        status => status.name(),
    }
}

fn summary(comparison: &Comparison) -> Json {
    let side = |of: fn(&Trace) -> (u64, u64)| {
        let (fired, suppressed) = comparison.traces.iter().map(of).fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1));
        json!({ "fired": fired, "suppressed": suppressed })
    };
    json!({
        "traces": comparison.traces.len(),
        "partial": comparison.n_partial(),
        "unread": comparison.n_unread(),
        "base": side(|trace| trace.delta.base),
        "head": side(|trace| trace.delta.head),
        "same": comparison.n_same(),
        "added": comparison.n_of(Kind::Added),
        "removed": comparison.n_of(Kind::Removed),
        "changed": comparison.n_of(Kind::Changed),
        "attack_removed": comparison.n_met(Gate::AttackRemoved),
        "reordered": comparison.definitions.is_reordered,
    })
}

fn trace(trace: &Trace) -> Json {
    let n_of = |kind: Kind| trace.delta.entries.iter().filter(|entry| entry.kind() == kind).count();
    let counts = |(fired, suppressed): (u64, u64)| json!({ "fired": fired, "suppressed": suppressed });
    json!({
        "trace": trace.name,
        "label": trace.label.map(Label::name),
        "integrity": if trace.error.is_some() { Json::Null } else { json!(trace.integrity) },
        "error": trace.error,
        "events": trace.n_events,
        "base": counts(trace.delta.base),
        "head": counts(trace.delta.head),
        "same": trace.delta.n_same,
        "added": n_of(Kind::Added),
        "removed": n_of(Kind::Removed),
        "changed": n_of(Kind::Changed),
    })
}

/// Rules that differ, or of which some signal does.
fn rules(comparison: &Comparison, groups: &[Group]) -> Vec<Json> {
    let mut out = Vec::new();
    for (i, rule) in comparison.definitions.rules.iter().enumerate() {
        let group = groups.binary_search_by_key(&i, |group| group.rule).ok().map(|at| &groups[at]);
        if rule.is_same() && group.is_none() {
            continue;
        }
        let empty = Tally::default();
        let tally = |kind: Kind| {
            let tally = group.map_or(&empty, |group| &group.tallies[kind as usize]);
            let by_trace: Vec<Json> = tally
                .by_trace
                .iter()
                .map(|(trace, n)| json!({ "trace": comparison.traces[*trace].name, "n": n }))
                .collect();
            let label = |label: Label| tally.by_label.get(&label).copied().unwrap_or(0);
            json!({
                "n": tally.n, "suppressed": tally.n_suppressed, "restored": tally.n_restored,
                "attack": label(Label::Attack), "benign": label(Label::Benign), "traces": by_trace,
            })
        };
        let because = rule.because.iter().map(|&i| &comparison.definitions.definitions[i]);
        out.push(json!({
            "rule": rule.name,
            "was": rule.was,
            "status": if rule.is_same() { "same" } else { status(rule.status) },
            "enabled": { "base": rule.is_active.0, "head": rule.is_active.1 },
            "aspects": rule.aspects.iter().map(|aspect| aspect.name()).collect::<Vec<_>>(),
            "because": because.map(|d| json!({ "kind": d.kind, "name": d.name })).collect::<Vec<_>>(),
            "why": group.map(|group| comparison.why(group, &|name| format!("`{name}`"))).unwrap_or_default(),
            "path": rule.origin.path,
            "line": rule.origin.line,
            "diff": rule.diff,
            "added": tally(Kind::Added),
            "removed": tally(Kind::Removed),
            "changed": tally(Kind::Changed),
        }));
    }
    out
}

fn signal(comparison: &Comparison, trace: &Trace, entry: &Entry) -> Json {
    let Some(of) = entry.signal() else { return Json::Null };
    let mut out = json!({
        "trace": trace.name,
        "label": trace.label.map(Label::name),
        "rule": comparison.definitions.rules[entry.rule].name,
        "seq": of.seq.0,
        "time": Rfc3339(of.ts).to_string(),
        "process": entry.process,
        "pid": of.pid.map(|pid| pid.0),
        "base": entry.base.as_ref().map(state),
        "head": entry.head.as_ref().map(state),
    });
    let changes: serde_json::Map<String, Json> = entry
        .changes()
        .into_iter()
        .map(|change| (change.what.to_owned(), json!({ "base": change.base, "head": change.head })))
        .collect();
    if !changes.is_empty() {
        out["changes"] = Json::Object(changes);
    }
    if !entry.path.is_empty() {
        out["path"] = json!(entry.path);
    }
    out
}

fn state(signal: &Signal) -> Json {
    let why: Vec<String> = signal.evidence.reasons().iter().map(|reason| reason.to_string()).collect();
    json!({
        "rule": signal.rule.name,
        "id": signal.id.to_string(),
        "priority": signal.rule.priority.name(),
        "tags": signal.rule.tags,
        "output": utf8(&signal.message),
        "output_fields": signal.output_fields,
        "verdict": signal.verdict.name(),
        "suppressed_by": signal.verdict.suppressed_by(),
        "evidence": signal.evidence.name(),
        "evidence_why": why,
    })
}
