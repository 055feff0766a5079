//! Diagnostics of rule files as SARIF 2.1.0, for code review.

use serde_json::{Map, Value as Json, json};
use tracehound_lang::markup::uri;
use tracehound_lang::{Code, Diagnostic, Severity, SourceMap, Span, diagnostic, render};

/// The log of one check: one run, with every code as a rule and every diagnostic as a result.
pub(super) fn log(diagnostics: &[Diagnostic], sources: &SourceMap) -> Json {
    let rules: Vec<Json> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "id": code.name(),
                "shortDescription": { "text": code.explanation() },
                "defaultConfiguration": { "level": level(code.severity()) },
            })
        })
        .collect();
    run(rules, diagnostics.iter().map(|d| result(d, sources)).collect())
}

/// A log of one run: what can be found, and what was.
pub(super) fn run(rules: Vec<Json>, results: Vec<Json>) -> Json {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tracehound",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            // Lines and columns are counted from 1, columns in characters.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Lint => "note",
    }
}

fn result(d: &Diagnostic, sources: &SourceMap) -> Json {
    let mut text = render::visible(d.message.as_bytes());
    for part in d.notes.iter().filter(|note| note.span.is_none()).map(|note| &note.text).chain(&d.help) {
        text.push('\n');
        text.push_str(&render::visible(part.as_bytes()));
    }
    let mut result = Map::new();
    // Hierarchical for a quirk: the part before the slash is the rule's id (section 3.27.5 of the standard).
    result.insert("ruleId".to_owned(), json!(d.code_text()));
    if let Some(index) = Code::ALL.iter().position(|code| *code == d.code) {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    result.insert("level".to_owned(), json!(level(d.severity)));
    result.insert("message".to_owned(), json!({ "text": text }));
    if let Some(span) = d.span() {
        result.insert("locations".to_owned(), json!([{ "physicalLocation": place(span, sources) }]));
    }
    let labels = d.labels.iter().skip(1).map(|(span, text)| (*span, text));
    let notes = d.notes.iter().filter_map(|note| Some((note.span?, &note.text)));
    let related: Vec<Json> = labels
        .chain(notes)
        .map(|(span, text)| {
            let text = render::visible(text.as_bytes());
            json!({ "physicalLocation": place(span, sources), "message": { "text": text } })
        })
        .collect();
    if !related.is_empty() {
        result.insert("relatedLocations".to_owned(), json!(related));
    }
    if let Some(fix) = fix(d, sources) {
        result.insert("fixes".to_owned(), json!([fix]));
    }
    Json::Object(result)
}

/// A place as a `physicalLocation`.
pub(super) fn place(span: Span, sources: &SourceMap) -> Json {
    json!({ "artifactLocation": { "uri": uri(sources.path(span.file)) }, "region": region(span, sources) })
}

fn region(span: Span, sources: &SourceMap) -> Json {
    let start = sources.position(span.file, span.start);
    let end = sources.position(span.file, span.end);
    json!({
        "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
    })
}

/// The replacement of a misspelt word, if there is only one word it can be and nothing else stands at the place.
fn fix(d: &Diagnostic, sources: &SourceMap) -> Option<Json> {
    let help = d.help.as_deref()?;
    let word = help.strip_prefix("did you mean `")?.strip_suffix("`?").filter(|word| !word.contains('`'))?;
    let span = d.span()?;
    let found = std::str::from_utf8(sources.slice(span)).ok()?;
    diagnostic::similar(found, [word]).first()?;
    let region = region(span, sources);
    Some(json!({
        "description": { "text": format!("replace `{}` by `{word}`", render::visible(found.as_bytes())) },
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(sources.path(span.file)) },
            "replacements": [{ "deletedRegion": region, "insertedContent": { "text": word } }],
        }],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracehound_lang::{SourceFile, load};

    #[test]
    fn misspelt_words_have_fixes() {
        let rule = "- macro: spawned\n  condition: evt.type = execve\n- rule: r\n  desc: d\n  condition: spwaned and proc.name = a\n  output: o\n  priority: INFO\n  tags: [t]\n";
        let loaded = load(&[SourceFile::new("r.yaml", rule)]);
        let log = log(&loaded.diagnostics, &loaded.sources);
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "LOAD_ERR_VALIDATE");
        let region = json!({ "startLine": 5, "startColumn": 14, "endLine": 5, "endColumn": 21 });
        assert_eq!(result["locations"][0]["physicalLocation"]["region"], region);
        let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(replacement["insertedContent"]["text"], "spawned");
        assert_eq!(replacement["deletedRegion"], region);
        let index = result["ruleIndex"].as_u64().expect("a number") as usize;
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
}
