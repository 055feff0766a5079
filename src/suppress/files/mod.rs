//! Suppressions as files: read, checked, written, exchanged with Datadog.
//!
//! [`load`] reads YAML files as `docs/suppressions.schema.json` describes them, and [`filters`] takes the filters that
//! stand at rules. Whatever does not load is an error: a suppression that is not understood means neither "hide
//! nothing" nor "hide everything", and who asked for it has to know.

pub mod datadog;
pub mod date;
pub mod format;
pub mod tags;
pub mod write;

mod entry;
mod read;
mod regexlike;

use std::collections::{HashMap, hash_map};

use tracehound_formats::Nanos;
use tracehound_lang::keys::span_of;
use tracehound_lang::text::Text;
use tracehound_lang::{Code, Diagnostic, FilterAction, Severity, SourceFile, SourceMap, Span};

use crate::query::{self, Mode, Query};
use read::Written;

pub use entry::{Entry, KEYS};

/// The JSON Schema of a file, as `docs/suppressions.schema.json` has it.
pub const SCHEMA: &str = include_str!("../../../docs/suppressions.schema.json");

/// A query of a file, with the place of each of its bytes.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The query.
    pub query: Query,
    text: Text,
}

impl Placed {
    /// Where a part of the query was written in its file.
    pub fn span(&self, span: Span) -> Span {
        self.text.place(span.range()).span
    }

    /// Where the whole query was written.
    pub fn whole(&self) -> Span {
        span_of(&self.text)
    }
}

/// Where a suppression stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In a file of suppressions, for the rules that its rule query selects.
    Standalone,
    /// At a rule: `suppress` hides what matches, `require` what does not.
    Filter {
        /// Name of the rule.
        rule: String,
        /// What a match does.
        action: FilterAction,
    },
}

impl Kind {
    /// `suppression` or `filter`.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Standalone => "suppression",
            Kind::Filter { .. } => "filter",
        }
    }
}

/// A suppression that loads.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// As it was written.
    pub entry: Entry,
    /// Where it stands.
    pub kind: Kind,
    /// Place of its name; of a filter the place of its query, in the files of rules.
    pub name: Span,
    /// File of that place.
    pub path: String,
    /// Line of that place, from 1.
    pub line: u32,
    /// Selects the rules; of a filter the rule it stands at.
    pub rules: Placed,
    /// Selects the signals.
    pub signals: Option<Placed>,
    /// Selects the events that the rules do not see.
    pub exclusion: Option<Placed>,
    /// Place of the start; the name's if there is none.
    pub start: Span,
    /// Place of the expiration; the name's if there is none.
    pub expiration: Span,
}

/// Whether a suppression applies at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// It applies.
    InForce,
    /// Its start has not come.
    NotStarted,
    /// Its expiration has passed.
    Expired,
}

impl Entry {
    /// Whether the dates hold at a moment: from the start on, up to but not at the expiration.
    pub fn period(&self, at: Nanos) -> Period {
        if self.start.is_some_and(|start| at < start) {
            Period::NotStarted
        } else if self.expiration.is_some_and(|expiration| at >= expiration) {
            Period::Expired
        } else {
            Period::InForce
        }
    }
}

/// What files hold.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The files, to show places.
    pub sources: SourceMap,
    /// Suppressions that load, in the order of the files.
    pub suppressions: Vec<Suppression>,
    /// Everything found, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// True if something does not load. What does must not be applied then: it is not what was asked for.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// What the files say, in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.suppressions.iter().map(|suppression| &suppression.entry)
    }
}

/// Loads files in the order given.
pub fn load(files: &[SourceFile]) -> Loaded {
    let mut loaded = Loaded::default();
    let mut names: HashMap<String, Span> = HashMap::new();
    for source in files {
        let written = read::read(source, &mut loaded.sources, &mut loaded.diagnostics);
        for written in written {
            let is_new = is_new_name(&written, &mut names, &mut loaded.diagnostics);
            let suppression = suppression(written, &loaded.sources, &mut loaded.diagnostics);
            loaded.suppressions.extend(suppression.filter(|_| is_new));
        }
    }
    loaded.diagnostics.sort_by_key(|d| d.span().map_or((u32::MAX, 0), |span| (span.file, span.start)));
    loaded
}

/// Notes the name of an entry; false, and reported, if another one has it. An entry without a name is refused for that.
fn is_new_name(written: &Written, names: &mut HashMap<String, Span>, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let Some(place) = written.name else { return true };
    let first = match names.entry(written.entry.name.clone()) {
        hash_map::Entry::Occupied(first) => *first.get(),
        hash_map::Entry::Vacant(free) => {
            free.insert(place);
            return true;
        }
    };
    let name = tracehound_lang::render::visible(written.entry.name.as_bytes());
    diagnostics.push(
        Diagnostic::new(Code::SupDuplicateName, place, format!("two suppressions are called `{name}`"))
            .also(first, "the first")
            .help("the accounting tells suppressions apart by name".to_owned()),
    );
    false
}

/// Reads the queries of an entry, all of them whatever else is wrong with it: what is wrong is told at once.
fn suppression(written: Written, sources: &SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Option<Suppression> {
    let Written { entry, has_error, name, rule_query, suppression_query, data_exclusion_query, start, expiration } =
        written;
    let before = diagnostics.len();
    let rules = rule_query.and_then(|text| read_rule_query(text, diagnostics));
    let signals = suppression_query.and_then(|text| read_query(text, diagnostics));
    let exclusion = data_exclusion_query.and_then(|text| read_query(text, diagnostics));
    if has_error || diagnostics[before..].iter().any(Diagnostic::is_error) {
        return None;
    }
    let (rules, name) = (rules?, name?);
    let (start, expiration) = (start.unwrap_or(name), expiration.unwrap_or(name));
    let (path, line) = (sources.path(name.file).to_owned(), sources.position(name.file, name.start).line);
    Some(Suppression { entry, kind: Kind::Standalone, name, path, line, rules, signals, exclusion, start, expiration })
}

/// The filters that stand at rules, and what is wrong with them; places are in the files of the rules. A filter is
/// called `RULE: suppress filter 1`, counted at each rule.
pub fn filters(loaded: &tracehound_lang::Loaded) -> (Vec<Suppression>, Vec<Diagnostic>) {
    let mut out = Vec::new();
    let mut diagnostics = Vec::new();
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    for filter in &loaded.filters {
        let action = filter.action.name();
        let n = counts.entry((&filter.rule, action)).or_default();
        *n += 1;
        let name = format!("{}: {action} filter {n}", filter.rule);
        let span = span_of(&filter.query);
        let Some(signals) = read_query(filter.query.clone(), &mut diagnostics) else { continue };
        let rule_query = format!("ruleId:{}", query::exact_term(&filter.rule));
        let Some(rules) = read_rule_query(Text::synthetic(&rule_query, span), &mut diagnostics) else { continue };
        let suppression_query = filter.query.as_str().to_owned();
        let entry = Entry { name, rule_query, suppression_query, ..Entry::default() };
        out.push(Suppression {
            entry,
            kind: Kind::Filter { rule: filter.rule.clone(), action: filter.action },
            name: span,
            path: loaded.sources.path(span.file).to_owned(),
            line: loaded.sources.position(span.file, span.start).line,
            rules,
            signals: Some(signals),
            exclusion: None,
            start: span,
            expiration: span,
        });
    }
    (out, diagnostics)
}

/// Reads a query about rules. `rule:`, `ruleId:` and `priority:` are the usual words there, whatever a signal calls them.
fn read_rule_query(text: Text, diagnostics: &mut Vec<Diagnostic>) -> Option<Placed> {
    let before = diagnostics.len();
    let query = read_query(text, diagnostics);
    let found = diagnostics.split_off(before);
    diagnostics.extend(found.into_iter().filter(|d| d.code != Code::AttributeAlias));
    query
}

/// Reads a query. An attribute that does not exist is an error here: a query that can never match, or under a `-`
/// always does, is not what anybody wants of a suppression.
pub fn read_query(text: Text, diagnostics: &mut Vec<Diagnostic>) -> Option<Placed> {
    let (query, mut found) = query::parse(text.as_str(), Mode::Lenient);
    for diagnostic in &mut found {
        if diagnostic.code == Code::UnknownAttribute {
            diagnostic.severity = Severity::Error;
        }
        for (span, _) in &mut diagnostic.labels {
            *span = text.place(span.range()).span;
        }
        for note in &mut diagnostic.notes {
            note.span = note.span.map(|span| text.place(span.range()).span);
        }
    }
    let placed = query.map(|query| Placed { query, text });
    if let Some(placed) = &placed {
        regexlike::check(placed, &mut found);
    }
    let is_ok = !found.iter().any(Diagnostic::is_error);
    diagnostics.extend(found);
    placed.filter(|_| is_ok)
}
