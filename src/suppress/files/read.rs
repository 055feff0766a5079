//! Suppression files: from YAML to entries with places. Queries stay text.
//!
//! A file is a mapping with the key `suppressions`, a list. What is misspelt is an error, never ignored: a key that
//! does not count could be the one that makes a suppression narrow, or lets it end.

use tracehound_lang::falco::yaml::{Node, Value};
use tracehound_lang::keys::{self, Codes, File, Values, is_blank, span_of};
use tracehound_lang::text::Text;
use tracehound_lang::{Code, Diagnostic, SourceFile, SourceMap, Span};

use super::date;
use super::entry::{Entry, KEYS};

const CODES: Codes = Codes { invalid: Code::SupInvalid, unknown_key: Code::SupUnknownKey, empty: Code::SupEmpty };

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
    let Some(file) = File::read(source, sources, diagnostics) else { return Vec::new() };
    let mut reader = Reader { keys: keys::Reader::new(&file, CODES, diagnostics) };
    let nodes = reader.keys.only_list(&file, "suppressions", "`- name: `");
    let out = nodes.into_iter().filter_map(|node| reader.item(node)).collect();
    reader.keys.finish(&file);
    out
}

struct Reader<'a> {
    keys: keys::Reader<'a>,
}

impl Reader<'_> {
    fn item(&mut self, node: &Node) -> Option<Written> {
        let Value::Map(pairs) = &node.value else {
            let span = self.keys.first_line(node.span);
            self.keys.invalid(span, "an item of `suppressions` is a mapping", None);
            return None;
        };
        let before = self.keys.n_errors();
        let (values, has_unknown) = self.keys.values(pairs, &KEYS);
        let head = self.keys.head(node, pairs);
        let name = self.keys.required(&values, "name", head, None);
        let help = "`*` is every rule; 'rule:\"Name\"' is one".to_owned();
        let rule_query = self.keys.required(&values, "rule_query", name.as_ref().map_or(head, span_of), Some(help));
        let suppression_query = self.keys.scalar(&values, "suppression_query").filter(|text| !is_blank(text));
        let data_exclusion_query = self.keys.scalar(&values, "data_exclusion_query").filter(|text| !is_blank(text));
        // A query whose key is misspelt is not missing.
        if suppression_query.is_none() && data_exclusion_query.is_none() && !has_unknown {
            let given = ["suppression_query", "data_exclusion_query"].into_iter().find_map(|key| values.get(key));
            let (span, what) = match given {
                Some((key, value)) => (key.span.to(value.span), "the query is empty: it hides nothing"),
                None => (name.as_ref().map_or(head, span_of), "neither `suppression_query` nor `data_exclusion_query`"),
            };
            self.keys.report(
                Diagnostic::new(Code::SupEmpty, span, what)
                    .help("say which signals it hides, as '@process.parent.comm:cron'".to_owned()),
            );
        }
        let (start, start_span) = self.date(&values, "start_date", head);
        let (expiration, expiration_span) = self.date(&values, "expiration_date", head);
        if let (Some(start), Some(expiration)) = (start, expiration)
            && expiration <= start
        {
            self.keys.report(
                Diagnostic::new(Code::SupDate, expiration_span, "expires before it starts")
                    .label(date::format(expiration))
                    .also(start_span, format!("starts {}", date::format(start)))
                    .help("the expiration must be after the start".to_owned()),
            );
        }
        let entry = Entry {
            name: name.as_ref().map_or_else(String::new, |text| text.as_str().to_owned()),
            description: self.keys.string(&values, "description"),
            owner: self.keys.string(&values, "owner"),
            is_enabled: self.keys.bool(&values, "enabled", true),
            rule_query: rule_query.as_ref().map_or_else(String::new, |text| text.as_str().to_owned()),
            suppression_query: suppression_query.as_ref().map_or_else(String::new, |text| text.as_str().to_owned()),
            data_exclusion_query: data_exclusion_query
                .as_ref()
                .map_or_else(String::new, |text| text.as_str().to_owned()),
            start,
            expiration,
            reason: self.keys.string(&values, "reason"),
            ticket: self.keys.string(&values, "ticket"),
            id: self.keys.string(&values, "id"),
            tags: self.keys.texts(&values, "tags").into_iter().map(|(tag, _)| tag).collect(),
        };
        Some(Written {
            entry,
            has_error: self.keys.n_errors() > before,
            name: name.as_ref().map(span_of),
            rule_query,
            suppression_query,
            data_exclusion_query,
            expiration: expiration.map(|_| expiration_span),
            start: start.map(|_| start_span),
        })
    }

    fn date(&mut self, values: &Values<'_>, key: &str, head: Span) -> (Option<tracehound_formats::Nanos>, Span) {
        let Some(text) = self.keys.scalar(values, key) else { return (None, head) };
        let span = values.get(key).map_or(head, |(_, node)| node.span);
        match date::parse(text.as_str()) {
            Ok(at) => (Some(at), span),
            Err(error) => {
                let message = format!("`{key}` is {error}");
                self.keys.report(Diagnostic::new(Code::SupDate, span, message).help(error.help().to_owned()));
                (None, span)
            }
        }
    }
}
