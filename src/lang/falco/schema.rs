//! Falco's second opinion of a file: validation by a JSON schema, which never keeps a file from loading.
//!
//! The schema is flat: any known key may stand in any item. Types are weak: every scalar is a string, and one that
//! reads as a boolean or a number is one. Source: `rule_json_schema.h` and `yaml_helper.h` of falcosecurity/falco, where
//! the status is what `--validate` prints; only the first finding of a file is kept.

use super::item::{KEYS, yaml_bool};
use super::yaml::{Node, Value};
use crate::render::short;
use crate::source::Span;

/// What the schema says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaStatus {
    /// Number of the file.
    pub file: u32,
    /// The first finding, and where; `None` if the file is as the schema wants it.
    pub finding: Option<(String, Span)>,
    /// False if nothing was validated: the file is empty, or no YAML.
    pub is_validated: bool,
}

impl SchemaStatus {
    /// `ok`, `failed` or `none`, as Falco prints it.
    pub fn name(&self) -> &'static str {
        match (self.is_validated, &self.finding) {
            (false, _) => "none",
            (true, None) => "ok",
            (true, Some(_)) => "failed",
        }
    }
}

type Checked = Result<(), (String, Span)>;

/// Keys of `override`.
const OVERRIDABLE: [&str; 12] = [
    "items",
    "desc",
    "condition",
    "output",
    "priority",
    "enabled",
    "exceptions",
    "capture",
    "capture_duration",
    "tags",
    "warn_evttypes",
    "skip-if-unknown-filter",
];

const PRIORITIES: [&str; 9] =
    ["EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "INFORMATIONAL", "DEBUG"];

/// Validates one document; the first finding is the error.
pub fn validate(document: &Node) -> Checked {
    for item in sequence(document, "the document")? {
        if !item.is_null() {
            for (key, value) in mapping(item, "an item")? {
                known_key(key, value)?;
            }
        }
    }
    Ok(())
}

fn known_key(key: &Node, value: &Node) -> Checked {
    let name = key.as_str().unwrap_or("");
    match name {
        // Ours: the schema knows no such key.
        "filters" => fail(format!("unknown key '{name}'"), key),
        "append" | "enabled" | "warn_evttypes" | "skip-if-unknown-filter" | "capture" => match value.as_str() {
            Some(text) if yaml_bool(text).is_some() => Ok(()),
            _ => fail(format!("'{name}' is no boolean"), value),
        },
        "capture_duration" => match value.as_str() {
            Some(text) if text.parse::<i64>().is_ok() => Ok(()),
            _ => fail(format!("'{name}' is no integer"), value),
        },
        "priority" => match value.as_str() {
            Some(text) if PRIORITIES.contains(&text) => Ok(()),
            _ => fail(format!("'{name}' is none of {}", PRIORITIES.join(", ")), value),
        },
        "items" | "tags" => sequence(value, name)?.iter().try_for_each(|node| scalar(node, name)),
        "exceptions" => sequence(value, name)?.iter().try_for_each(|node| {
            keys(node, "an exception", &["name"], &["fields", "comps", "values"], |key, value| match key {
                "name" => scalar(value, "name"),
                _ => Ok(()),
            })
        }),
        "override" => {
            let pairs = mapping(value, name)?;
            if pairs.is_empty() {
                return fail("'override' is empty".to_owned(), value);
            }
            pairs.iter().try_for_each(|(key, value)| match (key.as_str(), value.as_str()) {
                (Some(name), _) if !OVERRIDABLE.contains(&name) => {
                    fail(format!("unknown key '{}' of 'override'", short(name, 60)), key)
                }
                (_, Some("append" | "replace")) => Ok(()),
                _ => fail("neither `append` nor `replace`".to_owned(), value),
            })
        }
        "required_plugin_versions" => sequence(value, name)?.iter().try_for_each(|node| {
            keys(node, "a plug-in", &["name", "version"], &["alternatives"], |key, value| match key {
                "alternatives" => sequence(value, key)?.iter().try_for_each(|node| {
                    keys(node, "an alternative", &["name", "version"], &[], |key, value| scalar(value, key))
                }),
                key => scalar(value, key),
            })
        }),
        name if KEYS.iter().any(|keys| keys.contains(&name)) => scalar(value, name),
        name => fail(format!("unknown key '{}'", short(name, 60)), key),
    }
}

/// A mapping with these keys and no others; `f` validates the value of each.
fn keys(node: &Node, what: &str, required: &[&str], optional: &[&str], f: impl Fn(&str, &Node) -> Checked) -> Checked {
    let pairs = mapping(node, what)?;
    for (key, value) in pairs {
        let name = key.as_str().unwrap_or("");
        if !required.contains(&name) && !optional.contains(&name) {
            return fail(format!("unknown key '{}' of {what}", short(name, 60)), key);
        }
        f(name, value)?;
    }
    match required.iter().find(|name| !pairs.iter().any(|(key, _)| key.as_str() == Some(name))) {
        Some(name) => fail(format!("{what} without '{name}'"), node),
        None => Ok(()),
    }
}

fn scalar(node: &Node, what: &str) -> Checked {
    match node.as_str() {
        Some(_) if !node.is_null() => Ok(()),
        _ => fail(format!("'{what}' is no string"), node),
    }
}

fn sequence<'n>(node: &'n Node, what: &str) -> Result<&'n [Node], (String, Span)> {
    match &node.value {
        Value::Seq(nodes) => Ok(nodes),
        _ => Err((format!("'{what}' is no sequence"), node.span)),
    }
}

fn mapping<'n>(node: &'n Node, what: &str) -> Result<&'n [(Node, Node)], (String, Span)> {
    match &node.value {
        Value::Map(pairs) => Ok(pairs),
        _ => Err((format!("{what} is no mapping"), node.span)),
    }
}

fn fail(message: String, node: &Node) -> Checked {
    Err((message, node.span))
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    #[test]
    fn findings() {
        let rule = |line: &str| format!("- {{rule: r, desc: d, condition: c, output: o, {line}}}");
        // File, and the finding; empty if there is none.
        let cases: &[(String, &str)] = &[
            ("- required_engine_version: 26".to_owned(), ""),
            (
                "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: b, version: 1}]}]".into(),
                "",
            ),
            ("- required_plugin_versions: [{name: a}]".into(), "a plug-in without 'version'"),
            ("- required_plugin_versions: [{name: a, version: 1, x: 1}]".into(), "unknown key 'x' of a plug-in"),
            (rule("priority: INFO"), ""),
            (rule("priority: info"), "'priority' is none of"),
            (rule("priority: Warning"), "'priority' is none of"),
            (rule("enabled: yes"), ""),
            (rule("enabled: maybe"), "'enabled' is no boolean"),
            (rule("capture_duration: x"), "'capture_duration' is no integer"),
            (rule("items: [a]"), ""),
            (rule("tags: a"), "'tags' is no sequence"),
            (rule("source: "), "'source' is no string"),
            (rule("typo: 1"), "unknown key 'typo'"),
            (rule("exceptions: [{name: e, fields: f, comps: c, values: [v]}]"), ""),
            (rule("exceptions: [{name: e, value: [v]}]"), "unknown key 'value' of an exception"),
            (rule("exceptions: [{fields: f}]"), "an exception without 'name'"),
            (rule("override: {desc: append}"), ""),
            (rule("override: {source: replace}"), "unknown key 'source' of 'override'"),
            (rule("override: {desc: prepend}"), "neither"),
            (rule("override: {}"), "'override' is empty"),
            ("- a".into(), "an item is no mapping"),
            ("a: b".into(), "'the document' is no sequence"),
            ("- ~".into(), ""),
        ];
        for (text, expected) in cases {
            let stream = parse(text, 0, &mut Vec::new());
            let found = stream.documents.iter().find_map(|document| validate(document).err());
            let message = found.map(|(message, _)| message).unwrap_or_default();
            assert_eq!(message.is_empty(), expected.is_empty(), "{text}: {message}");
            assert!(message.starts_with(expected), "{text}: {message}");
        }
    }
}
