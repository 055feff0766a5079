//! Suite files: from YAML to entries with places.

use std::collections::HashMap;
use std::path::PathBuf;

use tracehound_lang::falco::yaml::{Node, Value};
use tracehound_lang::keys::{Codes, File, Reader, Values, span_of};
use tracehound_lang::{Code, Diagnostic, SourceFile, SourceMap, Span, diagnostic, render};
use tracehound_suppress::files::read_query;

use super::{Bounds, Entry, Expectation, Kind, Labels, Named, Suite, Unexpected};

const CODES: Codes =
    Codes { invalid: Code::SuiteInvalid, unknown_key: Code::SuiteUnknownKey, empty: Code::SuiteInvalid };

const SUITE_KEYS: [&str; 6] = ["suite", "description", "rules", "suppressions", "unexpected", "traces"];
const GOLDEN_KEYS: [&str; 2] = ["expected", "traces"];
const ENTRY_KEYS: [&str; 6] = ["trace", "labels", "expect", "absent", "unexpected", "partial"];
const LABEL_KEYS: [&str; 6] = ["kind", "techniques", "twin_of", "program", "licence", "description"];
const EXPECT_KEYS: [&str; 8] = ["rule", "count", "at_least", "at_most", "events", "where", "fields", "suppressed_by"];

/// Reads a suite, and adds its file to the sources. `None` if it has no name or is no suite, which is reported.
pub(super) fn suite(source: &SourceFile, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Option<Suite> {
    let file = File::read(source, sources, diagnostics)?;
    let mut reader = Reader::new(&file, CODES, diagnostics);
    let suite = top(&file, &mut reader, "suite", &SUITE_KEYS).and_then(|(node, pairs)| {
        let (values, _) = reader.values(pairs, &SUITE_KEYS);
        let head = reader.head(node, pairs);
        let name = required(&mut reader, &values, "suite", head);
        let mut paths = |key| -> Vec<Named> {
            reader.texts(&values, key).into_iter().map(|(name, span)| Named { name, span }).collect()
        };
        let (rules, suppressions) = (paths("rules"), paths("suppressions"));
        let unexpected = choice(&mut reader, &values, "unexpected", &Unexpected::ALL).unwrap_or_default();
        if !values.contains_key("traces") {
            let help = "each trace begins with `- trace: FILE`".to_owned();
            reader.invalid(head, "`traces` is missing", Some(help));
        }
        let entries = entries(&mut reader, &values);
        Some(Suite {
            name: name?,
            description: reader.string(&values, "description"),
            path: PathBuf::from(&source.path),
            rules,
            suppressions,
            unexpected,
            entries,
            golden: Vec::new(),
            cases: Vec::new(),
        })
    });
    reader.finish(&file);
    suite
}

/// Reads blessed results, and adds their file to the sources.
pub(super) fn golden(source: &SourceFile, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let Some(file) = File::read(source, sources, diagnostics) else { return Vec::new() };
    let mut reader = Reader::new(&file, CODES, diagnostics);
    let entries = top(&file, &mut reader, "expected", &GOLDEN_KEYS).map(|(_, pairs)| {
        let (values, _) = reader.values(pairs, &GOLDEN_KEYS);
        entries(&mut reader, &values)
    });
    reader.finish(&file);
    entries.unwrap_or_default()
}

/// The mapping that a file is.
fn top<'f>(
    file: &'f File,
    reader: &mut Reader<'_>,
    key: &str,
    keys: &[&str],
) -> Option<(&'f Node, &'f [(Node, Node)])> {
    let help = || Some(format!("a file is one mapping: `{key}: NAME`, then {}", keys[1..].join(", ")));
    match file.documents.as_slice() {
        [node @ Node { value: Value::Map(pairs), .. }] => Some((node, pairs)),
        // After an error of syntax the file is cut at its items.
        _ if !file.is_readable => None,
        [] => {
            reader.invalid(Span::new(file.index, 0, 0), "the file is empty", help());
            None
        }
        [Node { value: Value::Map(_), .. }, second, ..] => {
            let span = reader.first_line(second.span);
            reader.invalid(span, "a second document in one file", help());
            None
        }
        [node, ..] => {
            let span = reader.first_line(node.span);
            reader.invalid(span, format!("not a file with the key `{key}`"), help());
            None
        }
    }
}

fn required(reader: &mut Reader<'_>, values: &Values<'_>, key: &str, head: Span) -> Option<Named> {
    let text = reader.required(values, key, head, None)?;
    Some(Named { name: text.as_str().to_owned(), span: span_of(&text) })
}

/// The value of a key that has to be one of some words.
fn choice<T: Copy>(reader: &mut Reader<'_>, values: &Values<'_>, key: &str, all: &[(&str, T)]) -> Option<T> {
    let text = reader.scalar(values, key)?;
    let found = all.iter().find(|(name, _)| *name == text.as_str());
    if found.is_none() {
        let names = || all.iter().map(|(name, _)| *name);
        let help = diagnostic::suggestion(text.as_str(), names());
        let help = help.unwrap_or_else(|| format!("one of {}", names().collect::<Vec<_>>().join(", ")));
        let message = format!("`{key}` cannot be `{}`", render::visible(text.as_str().as_bytes()));
        reader.invalid(span_of(&text), message, Some(help));
    }
    found.map(|&(_, value)| value)
}

/// The items of a list of mappings; reported if it is something else.
fn items<'n>(
    reader: &mut Reader<'_>,
    values: &Values<'n>,
    key: &str,
    begin: &str,
) -> Vec<(&'n Node, &'n [(Node, Node)])> {
    let Some((_, node)) = values.get(key) else { return Vec::new() };
    let Value::Seq(nodes) = &node.value else {
        let span = reader.first_line(node.span);
        reader.invalid(span, format!("`{key}` is no list"), Some(format!("each item begins with `- {begin}: `")));
        return Vec::new();
    };
    let mut out = Vec::new();
    for node in nodes {
        match &node.value {
            Value::Map(pairs) => out.push((node, pairs.as_slice())),
            _ => {
                let span = reader.first_line(node.span);
                let help = format!("write `- {begin}: …`");
                reader.invalid(span, format!("an item of `{key}` is a mapping"), Some(help));
            }
        }
    }
    out
}

fn entries(reader: &mut Reader<'_>, values: &Values<'_>) -> Vec<Entry> {
    let mut out = Vec::new();
    for (node, pairs) in items(reader, values, "traces", "trace") {
        let (values, _) = reader.values(pairs, &ENTRY_KEYS);
        let head = reader.head(node, pairs);
        let trace = required(reader, &values, "trace", head);
        let labels = labels(reader, &values);
        let expect = expectations(reader, &values);
        let absent = reader.texts(&values, "absent").into_iter().map(|(name, span)| Named { name, span }).collect();
        let unexpected = choice(reader, &values, "unexpected", &Unexpected::ALL);
        let is_partial = reader.bool(&values, "partial", false);
        let Some(trace) = trace else { continue };
        let partial_span = values.get("partial").map_or(trace.span, |(key, value)| key.span.to(value.span));
        out.push(Entry { trace, labels, expect, absent, unexpected, is_partial, partial_span });
    }
    out
}

fn labels(reader: &mut Reader<'_>, values: &Values<'_>) -> Labels {
    let Some((key, node)) = values.get("labels") else { return Labels::default() };
    let Value::Map(pairs) = &node.value else {
        let help = "as in `labels: {kind: attack, techniques: [T1059.004]}`".to_owned();
        reader.invalid(key.span, "`labels` is no mapping", Some(help));
        return Labels::default();
    };
    let (values, _) = reader.values(pairs, &LABEL_KEYS);
    let kind = choice(reader, &values, "kind", &Kind::ALL);
    let mut techniques = Vec::new();
    for (technique, span) in reader.texts(&values, "techniques") {
        if is_technique(&technique) {
            techniques.push(technique);
        } else {
            let message = format!("`{}` is no technique of ATT&CK", render::visible(technique.as_bytes()));
            reader.invalid(span, message, Some("a technique is `T` and four digits, as T1059 or T1059.004".to_owned()));
        }
    }
    let mut text = |key| reader.string(&values, key);
    let mut path = |key| {
        let name = text(key);
        values.get(key).filter(|_| !name.is_empty()).map(|(_, value)| Named { name, span: value.span })
    };
    let (twin_of, program) = (path("twin_of"), path("program"));
    Labels { kind, techniques, twin_of, program, licence: text("licence"), description: text("description") }
}

/// True for the id of a technique or sub-technique: `T1059`, `T1059.004`.
pub fn is_technique(text: &str) -> bool {
    let is_number = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix('T').is_some_and(|id| match id.split_once('.') {
        None => is_number(id, 4),
        Some((technique, sub)) => is_number(technique, 4) && is_number(sub, 3),
    })
}

fn expectations(reader: &mut Reader<'_>, values: &Values<'_>) -> Vec<Expectation> {
    let mut out = Vec::new();
    for (node, pairs) in items(reader, values, "expect", "rule") {
        let (values, _) = reader.values(pairs, &EXPECT_KEYS);
        let head = reader.head(node, pairs);
        let rule = required(reader, &values, "rule", head);
        let query = reader.scalar(&values, "where").and_then(|text| {
            let mut found = Vec::new();
            let query = read_query(text, &mut found);
            reader.take(found);
            query
        });
        if let Some(query) = query.as_ref().filter(|query| query.query.is_all()) {
            let help = "leave `where` out to speak of every signal of the rule".to_owned();
            reader.invalid(query.whole(), "`where` is empty", Some(help));
        }
        let fields = fields(reader, &values);
        let suppressed_by =
            values.contains_key("suppressed_by").then(|| required(reader, &values, "suppressed_by", head)).flatten();
        let Some(rule) = rule else { continue };
        let (bounds, bounds_span, events) = bounds(reader, &values, rule.span);
        out.push(Expectation { rule, bounds, bounds_span, events, query, fields, suppressed_by });
    }
    out
}

fn fields(reader: &mut Reader<'_>, values: &Values<'_>) -> Vec<(Named, Option<String>)> {
    let Some((key, node)) = values.get("fields") else { return Vec::new() };
    let Value::Map(pairs) = &node.value else {
        let help = "as in `fields: {proc.name: bash}`".to_owned();
        reader.invalid(key.span, "`fields` is no mapping", Some(help));
        return Vec::new();
    };
    let mut out: Vec<(Named, Option<String>)> = Vec::new();
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (key, value) in pairs {
        let name = key.as_str().unwrap_or("");
        if let Some(&first) = seen.get(name) {
            let message = format!("field `{}` is given twice", render::visible(name.as_bytes()));
            reader.report(Diagnostic::new(Code::SuiteInvalid, key.span, message).also(first, "first here"));
            continue;
        }
        seen.insert(name, key.span);
        let wanted = match value.as_str() {
            _ if value.is_null() => None,
            Some(text) => Some(text.to_owned()),
            None => {
                let span = reader.first_line(value.span);
                let help = "a text, a number, or `~` for an absent value".to_owned();
                reader.invalid(span, "the value of a field is a scalar", Some(help));
                continue;
            }
        };
        out.push((Named { name: name.to_owned(), span: key.span }, wanted));
    }
    out
}

/// How many signals, where that is said, and of which events.
fn bounds(reader: &mut Reader<'_>, values: &Values<'_>, rule: Span) -> (Bounds, Span, Option<Vec<u64>>) {
    let place = |key: &str| values.get(key).map(|(key, value)| key.span.to(value.span));
    let mut number = |key: &str| -> Option<u64> {
        let text = reader.scalar(values, key)?;
        let number = text.as_str().parse().ok();
        if number.is_none() {
            let message = format!("`{key}` is no number");
            reader.invalid(span_of(&text), message, Some("a whole number from 0".to_owned()));
        }
        number
    };
    let [count, at_least, at_most] = ["count", "at_least", "at_most"].map(&mut number);
    let events = events(reader, values);
    let given: Vec<(&str, Span)> = ["count", "at_least", "at_most", "events"]
        .into_iter()
        .filter_map(|key| Some((key, place(key)?)))
        .filter(|(key, _)| *key != "events" || events.is_some())
        .collect();
    let exact = given.iter().find(|(key, _)| matches!(*key, "count" | "events"));
    let other = exact.and_then(|(exact, _)| given.iter().find(|(key, _)| key != exact));
    if let (Some((exact, _)), Some((other, span))) = (exact, other) {
        let (exact, other) = if other == &"events" { (other, exact) } else { (exact, other) };
        let message = format!("`{exact}` and `{other}` are both given");
        reader.report(
            Diagnostic::new(Code::SuiteInvalid, *span, message)
                .help(format!("`{exact}` says how many there are; leave the other out")),
        );
    }
    if let (Some(min), Some(max), Some(span), Some(also)) = (at_least, at_most, place("at_least"), place("at_most"))
        && min > max
    {
        let message = format!("no number is at least {min} and at most {max}");
        reader.report(Diagnostic::new(Code::SuiteNever, span, message).also(also, ""));
    }
    let exact = events.as_ref().map(|events| events.len() as u64).or(count);
    let bounds = match (exact, at_least, at_most) {
        (Some(n), ..) => Bounds { min: n, max: Some(n) },
        (None, Some(min), max) => Bounds { min, max },
        (None, None, Some(0)) => Bounds { min: 0, max: Some(0) },
        (None, None, max) => Bounds { min: 1, max },
    };
    (bounds, given.first().map_or(rule, |(_, span)| *span), events)
}

fn events(reader: &mut Reader<'_>, values: &Values<'_>) -> Option<Vec<u64>> {
    if !values.contains_key("events") {
        return None;
    }
    let mut out = Vec::new();
    for (text, span) in reader.texts(values, "events") {
        match text.parse() {
            Ok(seq) => out.push(seq),
            Err(_) => {
                let help = "numbers of events as `analyze -f jsonl` prints them under `seq`".to_owned();
                reader.invalid(span, "no number of an event", Some(help));
            }
        }
    }
    out.sort_unstable();
    out.dedup();
    Some(out)
}
