//! Suppression files: from YAML to entries with places. Queries stay text.
//!
//! A file is a mapping with the key `suppressions`, a list. What is misspelt is an error, never ignored: a key that
//! does not count could be the one that makes a suppression narrow, or lets it end.

use std::collections::HashMap;

use tracehound_lang::falco::yaml::{self, Node, Style, Value};
use tracehound_lang::falco::{invalid_text, readable};
use tracehound_lang::text::Text;
use tracehound_lang::{Code, Diagnostic, SourceFile, SourceMap, Span, diagnostic, render};

use super::date;
use super::entry::{Entry, KEYS};

/// Errors of keys kept of a file; one that has more is not a file of suppressions.
const MAX_DIAGNOSTICS: usize = 1000;

/// An entry, and where its parts were written. One with an error does not load, but all that it has is still checked.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) entry: Entry,
    /// True if an error was reported of it.
    pub(super) has_error: bool,
    /// Place of the name; `None` if it has none, which is an error.
    pub(super) name: Option<Span>,
    /// The queries with the place of each byte. Absent and empty are the same; without a rule query it has an error.
    pub(super) rule_query: Option<Text>,
    pub(super) suppression_query: Option<Text>,
    pub(super) data_exclusion_query: Option<Text>,
    /// Place of the expiration, or of the name.
    pub(super) expiration: Option<Span>,
    pub(super) start: Option<Span>,
}

/// Reads a file, and adds it to the sources. What is no mapping is reported and not in the result.
pub(super) fn read(source: &SourceFile, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Vec<Written> {
    let file = sources.len() as u32;
    if source.bytes.len() > SourceMap::MAX_FILE {
        sources.add(SourceFile::new(source.path.clone(), Vec::new()));
        let message = format!("the file has more than {} MiB", SourceMap::MAX_FILE >> 20);
        diagnostics.push(Diagnostic::new(Code::Limit, Span::new(file, 0, 0), message));
        return Vec::new();
    }
    sources.add(source.clone());
    let (text, bad) = readable(&source.bytes);
    if let Some(&first) = bad.first() {
        diagnostics.push(invalid_text(&source.bytes, file, first, bad.len()));
        return Vec::new();
    }
    let before = diagnostics.len();
    let stream = yaml::parse(&text, file, diagnostics);
    let is_readable = diagnostics.len() == before;
    let mut reader = Reader { text: &text, diagnostics, n_errors: 0 };
    let mut out = Vec::new();
    let mut n_lists = 0usize;
    for document in &stream.documents {
        match &document.value {
            Value::Map(pairs) => {
                for (key, value) in pairs {
                    if key.as_str() == Some("suppressions") {
                        n_lists += 1;
                        out.extend(reader.list(value));
                    } else {
                        reader.unknown_key(key, &["suppressions"], "the only key of a file is `suppressions`");
                    }
                }
            }
            // After an error of syntax the file is cut at its items, which are then not below their key.
            _ if !is_readable => {}
            _ => reader.report(
                Diagnostic::new(Code::SupInvalid, first_line(document.span, &text), "not a file of suppressions")
                    .help("a file is a mapping: `suppressions:`, and below it a list".to_owned()),
            ),
        }
    }
    if n_lists == 0 && is_readable && reader.n_errors == 0 {
        reader.report(
            Diagnostic::new(Code::SupInvalid, Span::new(file, 0, 0), "the file has no key `suppressions`")
                .help("a file is a mapping: `suppressions:`, and below it a list, which may be empty: `[]`".to_owned()),
        );
    }
    if let n_more @ 1.. = reader.n_errors.saturating_sub(MAX_DIAGNOSTICS) {
        let message = format!("{n_more} further errors in this file are not shown");
        diagnostics.push(Diagnostic::new(Code::Limit, Span::new(file, text.len(), text.len()), message));
    }
    out
}

/// The part of a span on its first line: what is shown of a whole document.
fn first_line(span: Span, text: &str) -> Span {
    let range = span.range();
    let end = text.get(range.clone()).and_then(|part| part.find('\n')).map_or(range.end, |i| range.start + i);
    Span::new(span.file, range.start, end)
}

struct Reader<'a> {
    text: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
    /// Errors of this file, those that are not kept included: an item is refused for each of them.
    n_errors: usize,
}

impl Reader<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.n_errors += 1;
        if self.n_errors <= MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
    }

    fn unknown_key(&mut self, key: &Node, known: &[&str], otherwise: &str) {
        let word = key.as_str().unwrap_or("");
        let begun = || known.iter().find(|known| word.len() > 3 && known.starts_with(word));
        let help = diagnostic::suggestion(word, known.iter().copied())
            .or_else(|| Some(format!("did you mean `{}`?", begun()?)))
            .unwrap_or_else(|| otherwise.to_owned());
        let message = format!("unknown key `{}`", render::visible(word.as_bytes()));
        self.report(Diagnostic::new(Code::SupUnknownKey, key.span, message).help(help));
    }

    fn list(&mut self, node: &Node) -> Vec<Written> {
        match &node.value {
            Value::Seq(items) => items.iter().filter_map(|item| self.item(item)).collect(),
            _ => {
                let span = first_line(node.span, self.text);
                let message = "`suppressions` is no list";
                self.report(
                    Diagnostic::new(Code::SupInvalid, span, message)
                        .help("each item begins with `- name: `; an empty list is `[]`".to_owned()),
                );
                Vec::new()
            }
        }
    }

    fn item(&mut self, node: &Node) -> Option<Written> {
        let Value::Map(pairs) = &node.value else {
            let span = first_line(node.span, self.text);
            self.report(Diagnostic::new(Code::SupInvalid, span, "an item of `suppressions` is a mapping"));
            return None;
        };
        let before = self.n_errors;
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut values: HashMap<&str, (&Node, &Node)> = HashMap::new();
        let mut has_unknown = false;
        for (key, value) in pairs {
            let word = key.as_str().unwrap_or("");
            if !KEYS.contains(&word) {
                has_unknown = true;
                self.unknown_key(key, &KEYS, &format!("keys are {}", KEYS.join(", ")));
            } else if let Some(first) = seen.insert(word, key.span) {
                let message = format!("key `{word}` is given twice");
                self.report(Diagnostic::new(Code::SupInvalid, key.span, message).also(first, "first here"));
            } else if !value.is_null() {
                values.insert(word, (key, value));
            }
        }
        let head = pairs.first().map_or(node.span, |(key, value)| key.span.to(first_line(value.span, self.text)));
        let name = self.required(&values, "name", head);
        let rule_query = self.required(&values, "rule_query", name.as_ref().map_or(head, span_of));
        let suppression_query = self.scalar(&values, "suppression_query").filter(|text| !is_blank(text));
        let data_exclusion_query = self.scalar(&values, "data_exclusion_query").filter(|text| !is_blank(text));
        // A query whose key is misspelt is not missing.
        if suppression_query.is_none() && data_exclusion_query.is_none() && !has_unknown {
            let given = ["suppression_query", "data_exclusion_query"].into_iter().find_map(|key| values.get(key));
            let (span, what) = match given {
                Some((key, value)) => (key.span.to(value.span), "the query is empty: it hides nothing"),
                None => (name.as_ref().map_or(head, span_of), "neither `suppression_query` nor `data_exclusion_query`"),
            };
            self.report(
                Diagnostic::new(Code::SupEmpty, span, what)
                    .help("say which signals it hides, as '@process.parent.comm:cron'".to_owned()),
            );
        }
        let (start, start_span) = self.date(&values, "start_date", head);
        let (expiration, expiration_span) = self.date(&values, "expiration_date", head);
        if let (Some(start), Some(expiration)) = (start, expiration)
            && expiration <= start
        {
            self.report(
                Diagnostic::new(Code::SupDate, expiration_span, "expires before it starts")
                    .label(date::format(expiration))
                    .also(start_span, format!("starts {}", date::format(start)))
                    .help("the expiration must be after the start".to_owned()),
            );
        }
        let entry = Entry {
            name: name.as_ref().map_or_else(String::new, |text| text.as_str().to_owned()),
            description: self.string(&values, "description"),
            owner: self.string(&values, "owner"),
            is_enabled: self.bool(&values, "enabled"),
            rule_query: rule_query.as_ref().map_or_else(String::new, |text| text.as_str().to_owned()),
            suppression_query: suppression_query.as_ref().map_or_else(String::new, |text| text.as_str().to_owned()),
            data_exclusion_query: data_exclusion_query
                .as_ref()
                .map_or_else(String::new, |text| text.as_str().to_owned()),
            start,
            expiration,
            reason: self.string(&values, "reason"),
            ticket: self.string(&values, "ticket"),
            id: self.string(&values, "id"),
            tags: self.tags(&values),
        };
        Some(Written {
            entry,
            has_error: self.n_errors > before,
            name: name.as_ref().map(span_of),
            rule_query,
            suppression_query,
            data_exclusion_query,
            expiration: expiration.map(|_| expiration_span),
            start: start.map(|_| start_span),
        })
    }

    /// The text of a key; `None` if it is absent, null, or (reported) no scalar.
    fn scalar(&mut self, values: &HashMap<&str, (&Node, &Node)>, key: &str) -> Option<Text> {
        let (key_node, node) = values.get(key)?;
        let text = node.text(self.text);
        if text.is_none() {
            self.report(Diagnostic::new(Code::SupInvalid, key_node.span, format!("`{key}` is no text")));
        }
        text
    }

    fn string(&mut self, values: &HashMap<&str, (&Node, &Node)>, key: &str) -> String {
        self.scalar(values, key).map_or_else(String::new, |text| text.as_str().to_owned())
    }

    fn required(&mut self, values: &HashMap<&str, (&Node, &Node)>, key: &str, head: Span) -> Option<Text> {
        if !values.contains_key(key) {
            let help = (key == "rule_query").then(|| "`*` is every rule; 'rule:\"Name\"' is one".to_owned());
            self.report(Diagnostic::new(Code::SupInvalid, head, format!("`{key}` is missing")).help(help));
            return None;
        }
        let text = self.scalar(values, key)?;
        if is_blank(&text) {
            let span = values.get(key).map_or(head, |(key, value)| key.span.to(value.span));
            self.report(Diagnostic::new(Code::SupEmpty, span, format!("`{key}` is empty")));
            return None;
        }
        Some(text)
    }

    fn bool(&mut self, values: &HashMap<&str, (&Node, &Node)>, key: &str) -> bool {
        let Some((_, node)) = values.get(key) else { return true };
        match &node.value {
            Value::Scalar(text, Style::Plain) if matches!(text.as_str(), "true" | "True" | "TRUE") => true,
            Value::Scalar(text, Style::Plain) if matches!(text.as_str(), "false" | "False" | "FALSE") => false,
            _ => {
                let span = first_line(node.span, self.text);
                let message = format!("`{key}` is neither true nor false");
                self.report(Diagnostic::new(Code::SupInvalid, span, message));
                true
            }
        }
    }

    fn date(
        &mut self,
        values: &HashMap<&str, (&Node, &Node)>,
        key: &str,
        head: Span,
    ) -> (Option<tracehound_formats::Nanos>, Span) {
        let Some(text) = self.scalar(values, key) else { return (None, head) };
        let span = values.get(key).map_or(head, |(_, node)| node.span);
        match date::parse(text.as_str()) {
            Ok(at) => (Some(at), span),
            Err(error) => {
                let message = format!("`{key}` is {error}");
                self.report(Diagnostic::new(Code::SupDate, span, message).help(error.help().to_owned()));
                (None, span)
            }
        }
    }

    fn tags(&mut self, values: &HashMap<&str, (&Node, &Node)>) -> Vec<String> {
        let Some((key, node)) = values.get("tags") else { return Vec::new() };
        let texts = match &node.value {
            Value::Seq(nodes) => nodes.iter().map(|node| node.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        texts.unwrap_or_else(|| {
            self.report(Diagnostic::new(Code::SupInvalid, key.span, "`tags` is no list of texts"));
            Vec::new()
        })
    }
}

fn is_blank(text: &Text) -> bool {
    text.as_str().trim().is_empty()
}

/// Where a text was written.
pub(super) fn span_of(text: &Text) -> Span {
    text.place(0..text.len()).span
}
