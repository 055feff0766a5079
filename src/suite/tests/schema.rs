//! The published JSON Schema of suites, against what the loader takes and refuses.

use std::path::Path;

use serde_json::{Map, Value as Json};
use tracehound_lang::SourceFile;
use tracehound_lang::falco::yaml::{self, Node, Style, Value};
use tracehound_suite::files::{self, SuiteFile};

/// A YAML node as JSON, plain scalars by YAML's core schema.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Seq(items) => items.iter().map(json).collect(),
        Value::Map(pairs) => {
            let pair = |(key, value): &(Node, Node)| (key.as_str().unwrap_or_default().to_owned(), json(value));
            Json::Object(pairs.iter().map(pair).collect::<Map<_, _>>())
        }
        Value::Scalar(_, Style::Plain) if node.is_null() => Json::Null,
        Value::Scalar(text, Style::Plain) => match text.as_str() {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => text.parse::<i64>().map_or_else(|_| Json::from(text.as_str()), Json::from),
        },
        Value::Scalar(text, _) => Json::from(text.as_str()),
    }
}

fn is_valid(schema: &jsonschema::Validator, text: &str) -> bool {
    let stream = yaml::parse(text, 0, &mut Vec::new());
    schema.is_valid(&stream.documents.first().map_or(Json::Null, json))
}

#[test]
fn the_loader_and_the_schema_agree() {
    let schema: Json = serde_json::from_str(files::SCHEMA).expect("the schema is JSON");
    jsonschema::meta::validate(&schema).expect("the schema is a schema");
    let schema = jsonschema::validator_for(&schema).expect("the schema compiles");
    // A file that is there: what the loader says is then about the suite alone.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/s.yaml").display().to_string();
    let entry = |lines: &str| format!("suite: s\ntraces:\n- trace: schema.rs\n{lines}");
    let expect = |lines: &str| entry(&format!("  expect:\n  - rule: R\n{lines}"));
    for (text, expected) in [
        (entry(""), true),
        (
            entry(
                "  labels: {kind: attack, techniques: [T1059, T1059.004], twin_of: schema.rs, program: hostile.rs, licence: c}\n",
            ),
            true,
        ),
        (entry("  labels: ~\n  expect: []\n  absent: [A, B]\n  unexpected: warn\n  partial: true\n"), true),
        (expect(""), true),
        (expect("    count: 2\n    where: '@process.comm:bash'\n    fields: {a: 1, b: ~, c: d}\n"), true),
        (expect("    at_least: 1\n    at_most: 3\n    suppressed_by: S\n"), true),
        (expect("    events: [3, 4]\n"), true),
        ("suite: s\ndescription: d\nrules: [a]\nsuppressions: [b]\nunexpected: ignore\ntraces: []\n".into(), true),
        ("suite: s\n".into(), false),
        ("traces: []\n".into(), false),
        ("suite: ''\ntraces: []\n".into(), false),
        ("suite: s\ntraces: {}\n".into(), false),
        ("suite: s\ntraces: [a]\n".into(), false),
        ("suite: s\nrules: a\ntraces: []\n".into(), false),
        ("suite: s\ntraces: []\nversion: 1\n".into(), false),
        ("- suite: s\n".into(), false),
        (entry("  label: {}\n"), false),
        (entry("  labels: {kind: evil}\n"), false),
        (entry("  labels: {techniques: [1059]}\n"), false),
        (entry("  labels: {techniques: [T10591]}\n"), false),
        (entry("  labels: [a]\n"), false),
        (entry("  unexpected: never\n"), false),
        (entry("  partial: perhaps\n"), false),
        (entry("  absent: A\n"), false),
        (entry("  expect: {rule: R}\n"), false),
        (entry("  expect: [{count: 1}]\n"), false),
        (expect("    count: -1\n"), false),
        (expect("    count: many\n"), false),
        (expect("    count: 1\n    at_least: 1\n"), false),
        (expect("    count: 1\n    events: [1]\n"), false),
        (expect("    events: [a]\n"), false),
        (expect("    where: ''\n"), false),
        (expect("    where: [a]\n"), false),
        (expect("    fields: [a]\n"), false),
        (expect("    fields: {a: [b]}\n"), false),
        (expect("    supressed_by: S\n"), false),
    ] {
        let source = SourceFile::new(path.clone(), text.clone());
        let loaded = files::load(&[SuiteFile { source, golden: None }]);
        let loads = loaded.diagnostics.iter().all(|d| !d.is_error());
        assert_eq!((is_valid(&schema, &text), loads), (expected, expected), "{text}{:?}", loaded.diagnostics);
    }
}
