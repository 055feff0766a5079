//! SARIF 2.1.0, for code review: a result for each rule and kind of change.

use serde_json::{Value as Json, json};
use tracehound_lang::markup::uri;
use tracehound_rules::Origin;

use super::{FINDINGS, Finding, checkout_path, findings};
use crate::comparison::Comparison;

/// The log: one run.
pub fn log(comparison: &Comparison, version: &str, information: &str) -> Json {
    let rules: Vec<Json> =
        FINDINGS.iter().map(|(id, meaning)| json!({ "id": id, "shortDescription": { "text": meaning } })).collect();
    let results: Vec<Json> = findings(comparison).iter().map(|finding| result(comparison, finding)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tracehound",
                "version": version,
                "semanticVersion": version,
                "informationUri": information,
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(comparison: &Comparison, finding: &Finding<'_>) -> Json {
    let mut result = json!({
        "ruleId": finding.id,
        "ruleIndex": FINDINGS.iter().position(|(id, _)| *id == finding.id),
        "level": finding.level.sarif(),
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": place(&finding.rule.origin) }],
        // The same finding of a later run, whatever stands before it in the file.
        "partialFingerprints": { "rule/v1": format!("{}/{}", finding.id, finding.rule.name) },
    });
    if finding.n > 0 {
        result["occurrenceCount"] = json!(finding.n);
    }
    let because = finding.rule.because.iter().map(|&i| &comparison.definitions.definitions[i]);
    let related: Vec<Json> = because
        .map(|d| {
            let name = tracehound_lang::render::visible(d.name.as_bytes());
            let text = format!("{} {name} changed", d.kind);
            json!({ "physicalLocation": place(&d.origin), "message": { "text": text } })
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    result
}

fn place(origin: &Origin) -> Json {
    let (line, column) = (origin.line.max(1), origin.column.max(1));
    json!({
        "artifactLocation": { "uri": uri(checkout_path(&origin.path)) },
        "region": { "startLine": line, "startColumn": column },
    })
}
