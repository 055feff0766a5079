//! Verdicts for programs: one JSON object.

use serde_json::{Map, Value as Json, json};

use super::{Counts, Report, counts};
use crate::files::{Kind, Labels, Named};
use crate::judge::{CaseResult, Failure};

/// All results. Keys are stable: see `docs/suites.md`.
pub fn json(report: &Report<'_>) -> Json {
    let suites: Vec<Json> = report
        .by_suite()
        .map(|(suite, results)| {
            json!({
                "suite": suite.name.name,
                "description": suite.description,
                "file": suite.path.to_string_lossy(),
                "counts": self::numbers(counts(results)),
                "traces": results.iter().map(|result| trace(report, result)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "suites": suites, "counts": numbers(report.counts()) })
}

fn numbers(counts: Counts) -> Json {
    let Counts { n_traces, n_passed, n_partial, n_failed, n_errors, n_fired, n_suppressed } = counts;
    json!({
        "traces": n_traces, "passed": n_passed, "partial": n_partial, "failed": n_failed, "errors": n_errors,
        "fired": n_fired, "suppressed": n_suppressed,
    })
}

fn trace(report: &Report<'_>, result: &CaseResult) -> Json {
    let case = report.case(result);
    let signals: Map<String, Json> = result
        .observed
        .signals
        .iter()
        .map(|(rule, seen)| {
            let n_fired = seen.iter().filter(|seen| seen.is_fired()).count();
            (rule.clone(), json!({ "fired": n_fired, "suppressed": seen.len() - n_fired }))
        })
        .collect();
    json!({
        "trace": case.name,
        "path": case.path.to_string_lossy(),
        "status": result.status.name(),
        "labels": labels(&report.suite(result).entry(case).labels),
        "events": result.observed.facts.n_events,
        "damage": result.observed.facts.damage_lines(),
        "signals": signals,
        "failures": result.failures.iter().map(|found| failure(report, found)).collect::<Vec<_>>(),
    })
}

/// Labels, those that are not given left out.
pub fn labels(labels: &Labels) -> Json {
    let mut out = Map::new();
    if let Some(kind) = labels.kind {
        out.insert("kind".to_owned(), json!(Kind::name(kind)));
    }
    if !labels.techniques.is_empty() {
        out.insert("techniques".to_owned(), json!(labels.techniques));
    }
    let path = |named: &Option<Named>| named.as_ref().map_or("", |named| named.name.as_str()).to_owned();
    let texts = [
        ("twin_of", path(&labels.twin_of)),
        ("program", path(&labels.program)),
        ("licence", labels.licence.clone()),
        ("description", labels.description.clone()),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        out.insert(key.to_owned(), json!(text));
    }
    Json::Object(out)
}

fn failure(report: &Report<'_>, failure: &Failure) -> Json {
    let (file, at) = report.place(failure.span);
    let mut signal = failure.signal.as_ref().map(|seen| seen.to_json());
    if let Some(signal) = signal.as_mut().and_then(Json::as_object_mut) {
        // They are answers to questions that nobody outside knows.
        signal.remove("answers");
    }
    json!({
        "code": failure.kind.code(),
        "level": if failure.is_error { "error" } else { "warning" },
        "rule": failure.rule,
        "message": failure.message,
        "details": failure.details,
        "file": file,
        "line": at.line,
        "column": at.column,
        "signal": signal,
    })
}
