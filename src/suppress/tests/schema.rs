//! The published JSON Schema of suppression files, against what the loader takes and refuses.

use std::path::Path;

use serde_json::{Map, Value as Json};
use tracehound_lang::SourceFile;
use tracehound_lang::falco::yaml::{self, Node, Style, Value};
use tracehound_suppress::files;

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
    let mut diagnostics = Vec::new();
    let stream = yaml::parse(text, 0, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{text}");
    schema.is_valid(&stream.documents.first().map_or(Json::Null, json))
}

fn loads(text: &str) -> bool {
    !files::load(&[SourceFile::new("s.yaml", text)]).has_errors()
}

fn schema() -> jsonschema::Validator {
    let schema: Json = serde_json::from_str(files::SCHEMA).expect("the schema is JSON");
    jsonschema::meta::validate(&schema).expect("the schema is a schema");
    jsonschema::validator_for(&schema).expect("the schema compiles")
}

#[test]
fn the_loader_and_the_schema_agree() {
    let schema = schema();
    let good = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/good.yaml"));
    let good = good.expect("a file");
    assert!(is_valid(&schema, &good) && loads(&good));
    let item = |lines: &str| format!("suppressions:\n- name: A\n  rule_query: 'x'\n{lines}");
    for (lines, expected) in [
        ("  suppression_query: a\n", true),
        ("  data_exclusion_query: a\n", true),
        ("  suppression_query: ''\n  data_exclusion_query: a\n", true),
        (
            "  suppression_query: a\n  enabled: false\n  start_date: 2026-01-01\n  expiration_date: 1798675200000\n",
            true,
        ),
        ("  suppression_query: a\n  start_date: 2026-01-01T00:00:00.5+01:00\n  owner: ~\n  tags: [a, b]\n", true),
        ("", false),
        ("  suppression_query: ''\n", false),
        ("  supression_query: a\n", false),
        ("  suppression_query: a\n  enabled: maybe\n", false),
        ("  suppression_query: a\n  start_date: tomorrow\n", false),
        ("  suppression_query: a\n  start_date: -1\n", false),
        ("  suppression_query: [a]\n", false),
        ("  suppression_query: a\n  tags: a\n", false),
        ("  suppression_query: a\n  expires: 2026-01-01\n", false),
    ] {
        let text = item(lines);
        assert_eq!((is_valid(&schema, &text), loads(&text)), (expected, expected), "{text}");
    }
    for text in
        ["suppressions: []\n", "suppressions: x\n", "rules: []\n", "suppressions: []\nversion: 1\n", "- name: a\n"]
    {
        let expected = text == "suppressions: []\n";
        assert_eq!((is_valid(&schema, text), loads(text)), (expected, expected), "{text}");
    }
    for key in files::KEYS {
        let schema: Json = serde_json::from_str(files::SCHEMA).expect("JSON");
        assert!(schema.pointer(&format!("/$defs/suppression/properties/{key}")).is_some(), "{key}");
    }
}

/// What is written is a file that the schema knows.
#[test]
fn what_is_written_is_valid() {
    let entry = files::Entry {
        name: "it's: a #name".to_owned(),
        description: "two\nlines".to_owned(),
        rule_query: "ruleId:\"A b\"".to_owned(),
        suppression_query: "@process.args:\\+x".to_owned(),
        expiration: Some(files::date::parse("2026-01-01").expect("a date")),
        tags: vec!["a:b".to_owned()],
        ..files::Entry::default()
    };
    let text = files::write::file(std::slice::from_ref(&entry));
    assert!(is_valid(&schema(), &text), "{text}");
    let loaded = files::load(&[SourceFile::new("s.yaml", text)]);
    assert_eq!(loaded.entries().collect::<Vec<_>>(), [&entry]);
}
