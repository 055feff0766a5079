//! Results as SARIF 2.1.0: what is not as expected, at its place in the suite.

use serde_json::{Value as Json, json};
use tracehound_lang::markup::{Level, uri};
use tracehound_lang::render::visible;
use tracehound_suite::output::Report;
use tracehound_suite::{CaseResult, Failure, FailureKind};

use crate::cli::sarif;

/// The log of one run: every kind of failure as a rule and every failure as a result.
pub(super) fn log(report: &Report<'_>) -> Json {
    let rules = FailureKind::ALL.iter().map(|kind| {
        json!({
            "id": kind.code(),
            "shortDescription": { "text": kind.explanation() },
            "defaultConfiguration": { "level": Level::Error.sarif() },
        })
    });
    let results = report
        .results
        .iter()
        .flat_map(|result| result.failures.iter().map(move |failure| self::result(report, result, failure)));
    sarif::run(rules.collect(), results.collect())
}

fn result(report: &Report<'_>, result: &CaseResult, failure: &Failure) -> Json {
    let lines = std::iter::once(&failure.message).chain(&failure.details);
    let text: Vec<String> = lines.map(|line| visible(line.as_bytes())).collect();
    let (suite, case) = (report.suite(result), report.case(result));
    let sources = &report.loaded.sources;
    let level = if failure.is_error { Level::Error } else { Level::Warning };
    let about = failure.rule.as_deref().unwrap_or_default();
    json!({
        "ruleId": failure.kind.code(),
        "ruleIndex": FailureKind::ALL.iter().position(|kind| *kind == failure.kind),
        "level": level.sarif(),
        "message": { "text": format!("{}: {}", visible(case.name.as_bytes()), text.join("\n")) },
        "locations": [{ "physicalLocation": sarif::place(failure.span, sources) }],
        "relatedLocations": [{
            "physicalLocation": { "artifactLocation": { "uri": uri(&case.path.to_string_lossy()) } },
            "message": { "text": "the trace" },
        }],
        // The same finding keeps its identity when lines of the suite move.
        "partialFingerprints": {
            "tracehoundTest/v1": format!("{}/{}/{}/{about}", suite.name.name, case.name, failure.kind.code()),
        },
        "properties": { "suite": suite.name.name, "trace": case.name, "status": result.status.name() },
    })
}
