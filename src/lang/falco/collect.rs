//! All items of all files, put together: definitions, additions, replacements, in the order the files were given.
//!
//! Specification: sections 1.3 to 1.8 and 1.10.

use std::collections::{BTreeSet, HashSet};

use hashbrown::HashMap;

use tracehound_rules::{Priority, Quirk};

use super::condition::{self, Ast};
use super::exceptions::{self, Exception};
use super::item::{
    FilterItem, Item, Kind, ListItem, MacroItem, Mode, PluginGroup, RuleItem, RuleKind, RuleParts, Spanned, Version,
};
use crate::diagnostic::{Code, Diagnostic, suggestion};
use crate::render::short;
use crate::source::Span;
use crate::text::Text;

/// Version of Falco's engine whose rules are understood.
pub const ENGINE_VERSION: Version = Version(0, 63, 0);

/// The source of the events that a trace holds.
pub const SYSCALL_SOURCE: &str = "syscall";

/// Definitions of one kind, in the order of their first definition, found by name.
#[derive(Debug)]
pub struct Table<T> {
    /// In order.
    pub entries: Vec<T>,
    names: Vec<String>,
    by_name: HashMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { entries: Vec::new(), names: Vec::new(), by_name: HashMap::new() }
    }
}

impl<T> Table<T> {
    /// Index of the entry with this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The entry with this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.index_of(name).map(|i| &self.entries[i])
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.by_name.get(name).map(|&i| &mut self.entries[i])
    }

    /// Names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn insert(&mut self, name: &str, entry: T) {
        self.by_name.insert(name.to_owned(), self.entries.len());
        self.names.push(name.to_owned());
        self.entries.push(entry);
    }
}

/// A list.
#[derive(Debug)]
pub struct List {
    /// Name, and the place of its last definition.
    pub name: Spanned<String>,
    /// Items as written, additions included.
    pub items: Vec<Text>,
    /// Number of the item that first defined it.
    pub index: u32,
    /// Number of the item that last defined or extended it.
    pub visibility: u32,
}

/// A macro.
#[derive(Debug)]
pub struct Macro {
    /// Name, and the place of its last definition.
    pub name: Spanned<String>,
    /// Condition, additions included.
    pub condition: Text,
    /// Number of the item that first defined it.
    pub index: u32,
    /// Number of the item that last defined or extended it.
    pub visibility: u32,
    /// File of the first definition.
    pub first_file: u32,
}

/// A rule.
#[derive(Debug)]
pub struct RuleDefinition {
    /// Name, and the place of its last definition.
    pub name: Spanned<String>,
    /// Condition, without exceptions.
    pub condition: Text,
    /// Output.
    pub output: Text,
    /// Description.
    pub desc: Text,
    /// Priority.
    pub priority: Priority,
    /// Source.
    pub source: String,
    /// False if switched off.
    pub is_enabled: bool,
    /// Tags.
    pub tags: BTreeSet<String>,
    /// Exceptions.
    pub exceptions: Vec<Exception>,
    /// Whether to warn if it asks for all kinds of event.
    pub warn_evttypes: bool,
    /// Whether unknown fields only leave it out.
    pub skip_if_unknown_filter: bool,
    /// Filters, in order.
    pub filters: Vec<FilterItem>,
}

impl RuleDefinition {
    /// True if a trace holds events of its source.
    pub fn has_known_source(&self) -> bool {
        self.source == SYSCALL_SOURCE
    }
}

/// Everything defined so far.
#[derive(Debug, Default)]
pub struct Collector {
    /// Lists.
    pub lists: Table<List>,
    /// Macros.
    pub macros: Table<Macro>,
    /// Rules.
    pub rules: Table<RuleDefinition>,
    /// Requirements of plug-ins, checked after all files.
    pub plugins: Vec<PluginGroup>,
    /// Names whose definition could not be read: nothing more is said about them.
    pub failed: HashSet<(Kind, String)>,
    n_items: u32,
    /// Bytes of conditions parsed for remarks about what is appended to them.
    n_parsed: usize,
}

/// Bytes of conditions that are parsed for such remarks: one condition can be appended to again and again.
const MAX_PARSED: usize = 4 << 20;

impl Collector {
    /// Adds an item.
    pub fn add(&mut self, item: Item, diagnostics: &mut Vec<Diagnostic>) {
        match item {
            Item::Engine(version) => {
                if !ENGINE_VERSION.satisfies(version.value) {
                    let message = format!(
                        "Rules require engine version {}, but engine version is {ENGINE_VERSION}",
                        version.value
                    );
                    diagnostics.push(Diagnostic::new(Code::Validate, version.span, message));
                }
            }
            Item::Plugins(groups) => self.plugins.extend(groups),
            Item::List(list) => self.list(list, diagnostics),
            Item::Macro(item) => self.macro_(item, diagnostics),
            Item::Rule(rule) => self.rule(*rule, diagnostics),
        }
    }

    fn next_index(&mut self) -> u32 {
        self.n_items += 1;
        self.n_items
    }

    fn list(&mut self, item: ListItem, diagnostics: &mut Vec<Diagnostic>) {
        let id = self.next_index();
        match (self.lists.get_mut(&item.name.value), item.mode) {
            (Some(list), mode @ (Mode::Define | Mode::Replace)) => {
                lint_redefinition(mode, list.name.span, item.name.span, diagnostics);
                list.items = item.items;
                list.name = item.name;
                list.visibility = id;
            }
            (Some(list), Mode::Append) => {
                list.items.extend(item.items);
                list.visibility = id;
            }
            (None, Mode::Define | Mode::Replace) => {
                let name = item.name.value.clone();
                self.lists.insert(&name, List { name: item.name, items: item.items, index: id, visibility: id });
            }
            (None, Mode::Append) => self.no_target(Kind::List, &item.name, diagnostics),
        }
    }

    fn macro_(&mut self, item: MacroItem, diagnostics: &mut Vec<Diagnostic>) {
        let id = self.next_index();
        match (self.macros.get_mut(&item.name.value), item.mode) {
            (Some(entry), mode @ (Mode::Define | Mode::Replace)) => {
                lint_redefinition(mode, entry.name.span, item.name.span, diagnostics);
                entry.condition = item.condition;
                entry.name = item.name;
                entry.visibility = id;
            }
            (Some(entry), Mode::Append) => {
                lint_precedence(&entry.condition, &item.condition, &mut self.n_parsed, diagnostics);
                append_text(&mut entry.condition, &item.condition);
                entry.visibility = id;
            }
            (None, Mode::Define | Mode::Replace) => {
                let name = item.name.value.clone();
                let first_file = item.name.span.file;
                let condition = item.condition;
                self.macros.insert(&name, Macro { name: item.name, condition, index: id, visibility: id, first_file });
            }
            (None, Mode::Append) => self.no_target(Kind::Macro, &item.name, diagnostics),
        }
    }

    fn rule(&mut self, item: RuleItem, diagnostics: &mut Vec<Diagnostic>) {
        self.next_index();
        match item.kind {
            RuleKind::Define(parts) => self.define_rule(item.name, item.source, *parts, diagnostics),
            RuleKind::Enable(enabled) => match self.rules.get_mut(&item.name.value) {
                Some(rule) => rule.is_enabled = enabled,
                None => self.no_target(Kind::Rule, &item.name, diagnostics),
            },
            RuleKind::Update { append, replace, is_override } => {
                let Some(rule) = self.rules.get_mut(&item.name.value) else {
                    return self.no_target(Kind::Rule, &item.name, diagnostics);
                };
                if let Some(source) = &item.source
                    && source.value != rule.source
                {
                    return diagnostics.push(different_source(source.span, rule));
                }
                if !is_override && append.condition.is_none() && append.exceptions.is_none() {
                    let message = "Appended rule must have exceptions or condition property";
                    return diagnostics.push(Diagnostic::new(Code::Validate, item.name.span, message));
                }
                if let Some(addition) = &append.condition {
                    lint_precedence(&rule.condition, addition, &mut self.n_parsed, diagnostics);
                }
                update_rule(rule, *append, *replace, diagnostics);
            }
        }
    }

    fn define_rule(
        &mut self,
        name: Spanned<String>,
        source: Option<Spanned<String>>,
        parts: RuleParts,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let source_span = source.as_ref().map_or(name.span, |s| s.span);
        let source = source.map_or_else(|| SYSCALL_SOURCE.to_owned(), |s| s.value);
        let is_known_source = source == SYSCALL_SOURCE;
        let previous = self.rules.get_mut(&name.value);
        if let Some(rule) = &previous
            && rule.source != source
        {
            return diagnostics.push(different_source(source_span, rule));
        }
        if !is_known_source {
            diagnostics.push(
                Diagnostic::new(
                    Code::UnknownSource,
                    source_span,
                    format!("Unknown source {}, skipping", short(&source, 60)),
                )
                .label("a trace holds no such events")
                .help(suggestion(&source, [SYSCALL_SOURCE])),
            );
        }
        let mut exceptions = Vec::new();
        for item in parts.exceptions.into_iter().flatten() {
            match exceptions::define(item, is_known_source) {
                Ok(exception) => exceptions.push(exception),
                Err(diagnostic) => {
                    diagnostics.push(*diagnostic);
                    self.failed.insert((Kind::Rule, name.value));
                    return;
                }
            }
        }
        let rule = RuleDefinition {
            condition: parts.condition.unwrap_or_default(),
            output: parts.output.unwrap_or_default(),
            desc: parts.desc.unwrap_or_default(),
            priority: parts.priority.unwrap_or(Priority::Debug),
            source,
            is_enabled: parts.enabled.unwrap_or(true),
            tags: parts.tags.into_iter().flatten().collect(),
            exceptions,
            warn_evttypes: parts.warn_evttypes.unwrap_or(true),
            skip_if_unknown_filter: parts.skip_if_unknown_filter.unwrap_or(false),
            filters: parts.filters.unwrap_or_default(),
            name,
        };
        match previous {
            Some(previous) => {
                lint_redefinition(Mode::Define, previous.name.span, rule.name.span, diagnostics);
                *previous = rule;
            }
            None => {
                let name = rule.name.value.clone();
                self.rules.insert(&name, rule);
            }
        }
    }

    /// An addition to something that does not exist.
    fn no_target(&self, kind: Kind, name: &Spanned<String>, diagnostics: &mut Vec<Diagnostic>) {
        // The definition that could not be read has its own diagnostic.
        if self.failed.contains(&(kind, name.value.clone())) {
            return;
        }
        let help = match kind {
            Kind::List => suggestion(&name.value, self.lists.names()),
            Kind::Macro => suggestion(&name.value, self.macros.names()),
            Kind::Rule => suggestion(&name.value, self.rules.names()),
        };
        let message = format!("no {} by the name '{}' exists so far", kind.name(), short(&name.value, 80));
        diagnostics.push(
            Diagnostic::new(Code::Validate, name.span, message)
                .label("appended to, replaced or enabled here")
                .help(help),
        );
    }
}

/// `Quirk::RedefinedLater`. In another file a definition is replaced on purpose.
fn lint_redefinition(mode: Mode, before: Span, now: Span, diagnostics: &mut Vec<Diagnostic>) {
    if mode == Mode::Define && before.file == now.file {
        diagnostics.push(Diagnostic::quirk(Quirk::RedefinedLater, now).also(before, "the definition above"));
    }
}

/// `Quirk::AppendPrecedence`: `and` behind a condition whose outermost operator is `or`.
fn lint_precedence(condition: &Text, addition: &Text, n_parsed: &mut usize, diagnostics: &mut Vec<Diagnostic>) {
    let text = addition.as_str();
    let start = text.len() - text.trim_start().len();
    let is_and = text[start..].strip_prefix("and").is_some_and(|rest| rest.starts_with([' ', '\t', '\n', '\r', '(']));
    if !is_and || *n_parsed + condition.len() > MAX_PARSED {
        return;
    }
    *n_parsed += condition.len();
    // Lists are left as they are: their items do not change which operator is the outermost.
    if let Ok(parsed) = condition::parse(condition.clone())
        && matches!(parsed.ast, Ast::Or(_))
    {
        diagnostics.push(Diagnostic::quirk(Quirk::AppendPrecedence, addition.place(start..start + 3).span));
    }
}

fn different_source(span: Span, rule: &RuleDefinition) -> Diagnostic {
    Diagnostic::new(Code::Validate, span, "Rule has been re-defined with a different source")
        .also(rule.name.span, format!("defined with source '{}' here", short(&rule.source, 60)))
}

/// Additions are joined with one blank, as text: precedence is that of the whole.
fn append_text(text: &mut Text, addition: &Text) {
    text.push_glue(" ", addition.place_at(0).span);
    text.push_all(addition);
}

/// Additions first, then replacements; nothing is changed if a part is wrong.
fn update_rule(rule: &mut RuleDefinition, append: RuleParts, replace: RuleParts, diagnostics: &mut Vec<Diagnostic>) {
    let is_known_source = rule.has_known_source();
    let appended = append.exceptions.map(|items| exceptions::append(&rule.exceptions, items, is_known_source));
    let replaced = replace.exceptions.map(|items| {
        items.into_iter().map(|item| exceptions::define(item, is_known_source)).collect::<Result<Vec<_>, _>>()
    });
    let (appended, replaced) = match (appended.transpose(), replaced.transpose()) {
        (Ok(appended), Ok(replaced)) => (appended, replaced),
        (appended, replaced) => {
            let errors = [appended.err(), replaced.err()];
            return diagnostics.extend(errors.into_iter().flatten().map(|d| *d));
        }
    };
    for (text, addition) in
        [(&mut rule.condition, &append.condition), (&mut rule.output, &append.output), (&mut rule.desc, &append.desc)]
    {
        if let Some(addition) = addition {
            append_text(text, addition);
        }
    }
    rule.tags.extend(append.tags.into_iter().flatten());
    rule.filters.extend(append.filters.into_iter().flatten());
    if let Some(filters) = replace.filters {
        rule.filters = filters;
    }
    if let Some(exceptions) = appended.or(replaced) {
        rule.exceptions = exceptions;
    }
    if let Some(condition) = replace.condition {
        rule.condition = condition;
    }
    if let Some(output) = replace.output {
        rule.output = output;
    }
    if let Some(desc) = replace.desc {
        rule.desc = desc;
    }
    if let Some(priority) = replace.priority {
        rule.priority = priority;
    }
    if let Some(tags) = replace.tags {
        rule.tags = tags.into_iter().collect();
    }
    rule.is_enabled = replace.enabled.unwrap_or(rule.is_enabled);
    rule.warn_evttypes = replace.warn_evttypes.unwrap_or(rule.warn_evttypes);
    rule.skip_if_unknown_filter = replace.skip_if_unknown_filter.unwrap_or(rule.skip_if_unknown_filter);
}
