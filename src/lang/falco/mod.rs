//! Falco's rules language: rules, macros and lists in YAML.
//!
//! The path of a file: [`yaml`] gives a tree with places, [`item`] typed items, [`collect`] puts the items of all
//! files together, [`lists`] and [`macros`] are resolved, [`exceptions`] added to conditions, [`condition`] parses
//! them, [`output`] the templates, and [`lower`] gives the language-neutral [`rules`](tracehound_rules).
//!
//! What a file means is what it means to Falco; where that surprises, the function that reproduces it names the
//! [`Quirk`](tracehound_rules::Quirk).
//! One thing is deliberately otherwise: an error does not stop the load. Everything wrong is reported, and what
//! compiles is kept.

mod ascii;
pub mod codes;
pub mod collect;
pub mod condition;
pub mod exceptions;
pub mod item;
pub mod lints;
pub mod lists;
pub mod lower;
pub mod macros;
pub mod output;
pub mod schema;
pub mod yaml;

use std::borrow::Cow;
use std::sync::Arc;

use bstr::ByteSlice;
use hashbrown::HashMap;
use tracehound_rules::{Compilation, Expr, Origin, OutputPart, Predicate, Rule};

use collect::{Collector, RuleDefinition};
use item::{Kind, PluginGroup, Version};
use lists::{Lists, TooLarge};
use lower::{Blocked, Lowering, MAX_PER_RULE};
use macros::{Macros, parse_condition, too_large};

use crate::diagnostic::{Code, Diagnostic, Note, Severity};
use crate::render::short;
use crate::source::{SourceFile, SourceMap, Span};
use crate::text::ViaId;
use crate::{Definition, Loaded, RuleFilter, Stats};

/// Errors after which a load says no more. A file with more is no rule file.
pub const MAX_ERRORS: usize = 1_000;
/// Findings of all kinds that are kept.
pub const MAX_DIAGNOSTICS: usize = 10_000;
/// Nodes that the conditions of all rules may have together.
const MAX_TOTAL_NODES: usize = 4_000_000;

/// The use of a list or macro, which put text or a sub-tree into a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// List or macro.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Where it is used.
    pub at: Span,
    /// The expansion that brought this use, if it was not written in the rule itself.
    pub parent: Option<ViaId>,
}

/// How sure it is that a content is Falco rules: 0 no, 1 perhaps, 2 surely.
pub fn detect(content: &[u8]) -> u8 {
    let mut best = 0;
    for line in content.split(|&b| b == b'\n').take(2_000) {
        let line = line.trim_ascii_end();
        let Some(item) = line.trim_ascii_start().strip_prefix(b"- ") else {
            continue;
        };
        let item = item.trim_ascii_start();
        let keys: [&[u8]; 5] =
            [b"rule:", b"macro:", b"list:", b"required_engine_version:", b"required_plugin_versions:"];
        if keys.iter().any(|key| item.starts_with(key)) {
            return 2;
        }
        best = 1;
    }
    best
}

/// Loads files in the order given; see [`crate::load_with`].
pub fn load(files: &[SourceFile], least: Severity) -> Loaded {
    let mut loader = Loader { wants_remarks: least >= Severity::Lint, ..Loader::default() };
    for file in files {
        loader.file(file);
    }
    loader.finish()
}

#[derive(Default)]
struct Loader {
    sources: SourceMap,
    collector: Collector,
    diagnostics: Vec<Diagnostic>,
    schema: Vec<schema::SchemaStatus>,
    n_errors: usize,
    n_suppressed: usize,
    /// False if nobody will see remarks (`Severity::Lint`).
    wants_remarks: bool,
}

impl Loader {
    /// Keeps a diagnostic, if there are not too many. Returns its index if kept.
    fn report(&mut self, diagnostic: Diagnostic) -> Option<usize> {
        let is_error = diagnostic.is_error();
        self.n_errors += usize::from(is_error);
        // Errors are bounded by `MAX_ERRORS`, so one is never lost to a flood of warnings.
        if self.diagnostics.len() >= MAX_DIAGNOSTICS && !is_error {
            self.n_suppressed += 1;
            return None;
        }
        self.diagnostics.push(diagnostic);
        Some(self.diagnostics.len() - 1)
    }

    fn report_all(&mut self, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics {
            self.report(diagnostic);
        }
    }

    fn file(&mut self, source: &SourceFile) {
        let file = self.sources.len() as u32;
        if source.bytes.len() > SourceMap::MAX_FILE {
            self.sources.add(SourceFile::new(source.path.clone(), Vec::new()));
            let message = format!("the file has more than {} MiB", SourceMap::MAX_FILE >> 20);
            self.report(Diagnostic::new(Code::Limit, Span::new(file, 0, 0), message));
            return;
        }
        self.sources.add(source.clone());
        let (text, bad) = readable(&source.bytes);
        let bad_diagnostic = bad.first().and_then(|&at| self.report(invalid_text(&source.bytes, file, at, bad.len())));

        let mut diagnostics = Vec::new();
        let stream = yaml::parse(&text, file, &mut diagnostics);
        let is_readable = !diagnostics.iter().any(Diagnostic::is_error);
        self.report_all(diagnostics);
        self.schema.push(schema::SchemaStatus {
            file,
            finding: stream.documents.iter().find_map(|document| schema::validate(document).err()),
            is_validated: is_readable && !stream.documents.is_empty(),
        });
        self.collector.failed.extend(stream.damaged.iter().filter_map(item::name_of));
        let mut n_items = 0usize;
        let mut n_damaged = 0usize;
        for document in &stream.documents {
            let nodes = match &document.value {
                yaml::Value::Seq(nodes) => nodes,
                yaml::Value::Map(_) => {
                    self.report(
                        Diagnostic::new(
                            Code::YamlValidate,
                            document.span,
                            "Rules content is not yaml array of objects",
                        )
                        .help("each item begins with `- `".to_owned()),
                    );
                    n_items += 1;
                    continue;
                }
                yaml::Value::Scalar(..) => {
                    self.report(Diagnostic::new(Code::YamlValidate, document.span, "Rules content is not yaml"));
                    n_items += 1;
                    continue;
                }
            };
            for (i, node) in nodes.iter().enumerate() {
                if node.is_null() {
                    continue;
                }
                if self.n_errors >= MAX_ERRORS {
                    let message = format!("more than {MAX_ERRORS} errors: {} items not read", nodes.len() - i);
                    self.report(Diagnostic::new(Code::Limit, node.span, message));
                    return;
                }
                n_items += 1;
                n_damaged += usize::from(self.item(node, &text, &bad));
            }
        }
        if let Some(diagnostic) = bad_diagnostic.and_then(|i| self.diagnostics.get_mut(i)) {
            if n_damaged == 0 && is_readable {
                // Only comments are affected.
                diagnostic.severity = Severity::Warning;
                self.n_errors -= 1;
            } else {
                let text = format!("items with such bytes are not loaded: {n_damaged}");
                diagnostic.notes.push(Note { text, span: None });
            }
        }
        if n_items == 0 && is_readable {
            self.report(Diagnostic::new(
                Code::NoItems,
                Span::new(file, 0, 0),
                "the file has no rules, macros or lists",
            ));
        }
    }

    /// Adds one item. True if it was left out because its text is damaged.
    fn item(&mut self, node: &yaml::Node, text: &str, bad: &[usize]) -> bool {
        let range = node.span.range();
        let next_bad = bad.partition_point(|&at| at < range.start);
        let is_damaged = bad.get(next_bad).is_some_and(|&at| at < range.end);
        let mut diagnostics = Vec::new();
        let item = item::read(node, text, &mut diagnostics);
        match item {
            Ok(Some(item)) if is_damaged => {
                let name = match item {
                    item::Item::List(list) => Some((Kind::List, list.name.value)),
                    item::Item::Macro(item) => Some((Kind::Macro, item.name.value)),
                    item::Item::Rule(rule) => Some((Kind::Rule, rule.name.value)),
                    _ => None,
                };
                self.collector.failed.extend(name);
            }
            Ok(Some(item)) => self.collector.add(item, &mut diagnostics),
            Ok(None) => {}
            Err(unreadable) => self.collector.failed.extend(unreadable.name),
        }
        self.report_all(diagnostics);
        is_damaged
    }

    fn finish(mut self) -> Loaded {
        for diagnostic in missing_plugins(&self.collector.plugins) {
            self.report(diagnostic);
        }
        let collector = std::mem::take(&mut self.collector);
        let n_rules = collector.rules.entries.len();
        let mut loaded =
            Loaded { rules: Vec::with_capacity(n_rules), compiled: Vec::with_capacity(n_rules), ..Loaded::default() };
        let mut lists = match Lists::new(&collector.lists) {
            Ok(lists) => lists,
            Err(TooLarge) => {
                let span = collector.lists.entries.first().map_or(Span::default(), |list| list.name.span);
                let message = format!("lists have more than {} items together", lists::MAX_ITEMS);
                self.report(Diagnostic::new(Code::Limit, span, message));
                Lists::default()
            }
        };
        let first_macro_diagnostic = self.diagnostics.len();
        let mut macros = Macros::new(&collector, &mut lists, &mut loaded.expansions, &mut self.diagnostics);
        self.n_errors += self.diagnostics.len() - first_macro_diagnostic;

        let mut compiler = Compiler {
            collector: &collector,
            lists: &mut lists,
            macros: &mut macros,
            loaded: &mut loaded,
            sources: &self.sources,
            n_nodes: 0,
            unreadable: Vec::new(),
            names: Vec::new(),
            wants_remarks: self.wants_remarks,
            compilation: Compilation::default(),
        };
        let mut merged: HashMap<Finding, (usize, Vec<String>)> = HashMap::new();
        for (i, definition) in collector.rules.entries.iter().enumerate() {
            if self.n_errors >= MAX_ERRORS {
                let message =
                    format!("more than {MAX_ERRORS} errors: {} rules not compiled", collector.rules.entries.len() - i);
                compiler.loaded.stats.rules_rejected += collector.rules.entries.len() - i;
                self.diagnostics.push(Diagnostic::new(Code::Limit, definition.name.span, message));
                self.n_errors += 1;
                break;
            }
            let findings = compiler.rule(definition);
            // The same place of a macro is found in every rule that uses it: reported once.
            for diagnostic in findings.into_iter().take(2 * MAX_PER_RULE) {
                let key = (diagnostic.code, diagnostic.span(), diagnostic.message.clone());
                if let Some((_, rules)) = merged.get_mut(&key) {
                    rules.push(definition.name.value.clone());
                } else if self.diagnostics.len() < MAX_DIAGNOSTICS || diagnostic.is_error() {
                    self.n_errors += usize::from(diagnostic.is_error());
                    merged.insert(key, (self.diagnostics.len(), vec![definition.name.value.clone()]));
                    self.diagnostics.push(diagnostic);
                } else {
                    self.n_suppressed += 1;
                }
            }
        }
        for (index, mut rules) in merged.into_values() {
            rules.dedup();
            if rules.len() > 1 {
                let text = format!("in {} rules: {}", rules.len(), macros::names(&rules));
                self.diagnostics[index].notes.push(Note { text, span: None });
            }
        }
        let (names, unreadable) = (std::mem::take(&mut compiler.names), std::mem::take(&mut compiler.unreadable));
        for (name, span, rules) in unreadable {
            let message = format!("macro '{}' could not be read; see the error at its definition", short(&name, 60));
            self.report(
                Diagnostic::new(Code::Validate, span, message)
                    .note(format!("not loaded because of it: {}", macros::names(&rules)), None),
            );
        }
        macros.finish(&mut self.diagnostics);
        if self.wants_remarks {
            self.report_all(lints::between_rules(&loaded.rules, &names));
        }
        if self.n_errors == 0 {
            self.warn_unused(&collector, &lists, &macros);
        }
        self.definitions(&collector, &lists, &macros, &mut loaded);
        for rule in &collector.rules.entries {
            let filters = rule.filters.iter().map(|filter| RuleFilter {
                rule: rule.name.value.clone(),
                action: filter.action,
                query: filter.query.clone(),
            });
            loaded.filters.extend(filters);
        }
        if self.n_suppressed > 0 {
            let message = format!("{} more warnings are not shown", self.n_suppressed);
            self.diagnostics.push(Diagnostic {
                labels: Vec::new(),
                severity: Severity::Warning,
                ..Diagnostic::new(Code::Limit, Span::default(), message)
            });
        }

        // In the order of the files, as they are read; equal places keep the order they were found in.
        self.diagnostics.sort_by_key(|d| d.span().map_or((u32::MAX, 0), |span| (span.file, span.start)));
        let n_of = |severity| self.diagnostics.iter().filter(|d| d.severity == severity).count();
        loaded.stats = Stats {
            files: self.sources.len(),
            rules: loaded.rules.len(),
            rules_enabled: loaded.rules.iter().filter(|rule| rule.is_enabled).count(),
            macros: collector.macros.entries.len(),
            lists: collector.lists.entries.len(),
            errors: n_of(Severity::Error),
            warnings: n_of(Severity::Warning),
            lints: n_of(Severity::Lint),
            rules_rejected: loaded.stats.rules_rejected
                + collector.failed.iter().filter(|(k, _)| *k == Kind::Rule).count(),
            ..loaded.stats
        };
        loaded.schema = self.schema;
        loaded.sources = self.sources;
        loaded.diagnostics = self.diagnostics;
        loaded
    }

    fn warn_unused(&mut self, collector: &Collector, lists: &Lists, macros: &Macros) {
        for (i, entry) in collector.macros.entries.iter().enumerate() {
            if !macros.is_used(i) {
                let message = "Macro not referred to by any other rule/macro";
                self.report(Diagnostic::new(Code::UnusedMacro, entry.name.span, message));
            }
        }
        for (i, entry) in collector.lists.entries.iter().enumerate() {
            if !lists.is_used(i) {
                let message = "List not referred to by any other rule/macro";
                self.report(Diagnostic::new(Code::UnusedList, entry.name.span, message));
            }
        }
    }

    fn definitions(&self, collector: &Collector, lists: &Lists, macros: &Macros, loaded: &mut Loaded) {
        for (i, entry) in collector.macros.entries.iter().enumerate() {
            loaded.macros.push(Definition {
                name: entry.name.value.clone(),
                text: entry.condition.as_str().to_owned(),
                origin: origin(&self.sources, entry.name.span),
                is_used: macros.is_used(i),
            });
        }
        for (i, entry) in collector.lists.entries.iter().enumerate() {
            let items: Vec<&str> = entry.items.iter().map(|item| item.as_str()).collect();
            loaded.lists.push(Definition {
                name: entry.name.value.clone(),
                text: items.join(", "),
                origin: origin(&self.sources, entry.name.span),
                is_used: lists.is_used(i),
            });
        }
    }
}

fn origin(sources: &SourceMap, span: Span) -> Origin {
    let position = sources.position(span.file, span.start);
    Origin {
        file: span.file as usize,
        path: sources.path(span.file).to_owned(),
        line: position.line,
        column: position.column,
    }
}

/// A file's text, each byte that is not UTF-8, and each NUL, replaced by `?` so that offsets stay, and the offsets of
/// these bytes.
pub fn readable(bytes: &[u8]) -> (Cow<'_, str>, Vec<usize>) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && bytes.find_byte(0).is_none()
        && !text.starts_with('\u{feff}')
    {
        return (Cow::Borrowed(text), Vec::new());
    }
    let mut bad = Vec::new();
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        for (i, c) in chunk.valid().char_indices() {
            match c {
                // Blanks keep the offsets, and mean nothing at the beginning of a file that a comment or item follows.
                '\u{feff}' if at + i == 0 => text.push_str("\n\n\n"),
                '\0' => {
                    bad.push(at + i);
                    text.push('?');
                }
                c => text.push(c),
            }
        }
        at += chunk.valid().len();
        for _ in chunk.invalid() {
            bad.push(at);
            text.push('?');
            at += 1;
        }
    }
    (Cow::Owned(text), bad)
}

/// What is to be said of the bytes of a file that are no text: `n` of them, the first at `at`.
pub fn invalid_text(bytes: &[u8], file: u32, at: usize, n: usize) -> Diagnostic {
    let what = match bytes.get(at) {
        Some(0) => "a NUL byte".to_owned(),
        Some(byte) => format!("byte 0x{byte:02x}, which is not UTF-8,"),
        None => "an invalid byte".to_owned(),
    };
    let more = if n > 1 { format!(" ({n} such bytes in the file)") } else { String::new() };
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let help = is_utf16.then(|| "the file is UTF-16: save it as UTF-8".to_owned());
    Diagnostic::new(Code::InvalidUtf8, Span::new(file, at, at + 1), format!("{what} at offset {at}{more}")).help(help)
}

/// Plug-ins whose work is built in. Container metadata comes from the trace; any version below 1.0.0 is satisfied.
const BUILT_IN_PLUGINS: [(&str, Version); 1] = [("container", Version(0, u32::MAX, u32::MAX))];

/// Requirements of plug-ins that are not met: the first alternative that is there decides.
fn missing_plugins(groups: &[PluginGroup]) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for group in groups {
        let present = group.alternatives.iter().find_map(|(name, version)| {
            BUILT_IN_PLUGINS.iter().find(|(built_in, _)| built_in == name).map(|(_, have)| have.satisfies(*version))
        });
        if present == Some(true) {
            continue;
        }
        let all: Vec<String> =
            group.alternatives.iter().map(|(name, version)| format!("{} (>= {version})", short(name, 60))).collect();
        let message = format!("Plugin requirement not satisfied, must load one of: {}", all.join(", "));
        out.push(
            Diagnostic::new(Code::PluginMissing, group.span, message)
                .help("only the work of the plug-in `container` is built in".to_owned()),
        );
    }
    out
}

/// Compiles rules, one after the other.
struct Compiler<'a> {
    collector: &'a Collector,
    lists: &'a mut Lists,
    macros: &'a mut Macros,
    loaded: &'a mut Loaded,
    sources: &'a SourceMap,
    n_nodes: usize,
    /// Macros whose definitions could not be read: name, first use, rules that need them.
    unreadable: Vec<(String, Span, Vec<String>)>,
    /// Places of the names of the rules that compile.
    names: Vec<Span>,
    wants_remarks: bool,
    compilation: Compilation,
}

/// What makes findings of two rules the same: code, place, message.
type Finding = (Code, Option<Span>, String);

/// What became of a rule.
enum Outcome {
    Compiled(Box<(Rule, Predicate)>),
    /// Left out as its `skip-if-unknown-filter` wants.
    Skipped,
    Rejected,
}

impl Compiler<'_> {
    /// Compiles a rule, or says why not.
    fn rule(&mut self, definition: &RuleDefinition) -> Vec<Diagnostic> {
        if !definition.has_known_source() {
            self.loaded.stats.rules_skipped += 1;
            return Vec::new();
        }
        let n_leaves = self.loaded.leaves.len();
        let mut findings = Vec::new();
        match self.compile(definition, &mut findings) {
            Outcome::Compiled(compiled) => {
                let (rule, predicate) = *compiled;
                self.loaded.rules.push(rule);
                self.loaded.compiled.push(predicate);
                self.names.push(definition.name.span);
            }
            Outcome::Skipped => {
                self.loaded.stats.rules_skipped += 1;
                self.loaded.leaves.truncate(n_leaves);
            }
            Outcome::Rejected => {
                self.loaded.stats.rules_rejected += 1;
                self.loaded.leaves.truncate(n_leaves);
            }
        }
        findings
    }

    fn compile(&mut self, definition: &RuleDefinition, findings: &mut Vec<Diagnostic>) -> Outcome {
        let text = match exceptions::with_exceptions(&definition.condition, &definition.exceptions) {
            Ok(text) => text,
            Err(diagnostic) => {
                findings.push(*diagnostic);
                return Outcome::Rejected;
            }
        };
        let mut output_error = None;
        let output = output::parse(&definition.output, findings).unwrap_or_else(|diagnostic| {
            output_error = Some(*diagnostic);
            Vec::new()
        });
        if let Some(error) = &mut output_error
            && definition.skip_if_unknown_filter
            && is_unknown_name(error)
        {
            findings.push(downgraded(error.clone()));
            return Outcome::Skipped;
        }
        let has_output = output_error.is_none();
        findings.extend(output_error);
        match self.condition(definition, &text, findings) {
            Ok((condition, predicate)) if has_output => {
                Outcome::Compiled(Box::new((self.finish_rule(definition, &text, condition, output), predicate)))
            }
            Ok(_) => Outcome::Rejected,
            Err(outcome) => outcome,
        }
    }

    fn condition(
        &mut self,
        definition: &RuleDefinition,
        text: &crate::text::Text,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<(Expr, Predicate), Outcome> {
        let condition = match parse_condition(text, self.lists, &mut self.loaded.expansions) {
            Ok(condition) => Arc::new(condition),
            Err(diagnostic) => {
                findings.push(*diagnostic);
                return Err(Outcome::Rejected);
            }
        };
        let size = self.macros.size_of(&condition);
        self.n_nodes = self.n_nodes.saturating_add(size.0);
        if macros::is_too_large(size) || self.n_nodes > MAX_TOTAL_NODES {
            findings.push(too_large(definition.condition.place_at(0).span));
            return Err(Outcome::Rejected);
        }
        let mut lowering = Lowering {
            macros: self.macros,
            collector: self.collector,
            leaves: &mut self.loaded.leaves,
            expansions: &mut self.loaded.expansions,
            diagnostics: Vec::new(),
            n_errors: 0,
            blocked: None,
            n_list_lints: 0,
            wants_remarks: self.wants_remarks,
        };
        let expr = lowering.condition(&condition);
        let (mut diagnostics, blocked) = (lowering.diagnostics, lowering.blocked);
        let compiled = self.compilation.compile(&expr);
        match &compiled {
            Ok(predicate) => {
                for warning in predicate.warnings().iter().take(MAX_PER_RULE) {
                    if let Some(leaf) = self.loaded.leaves.get(warning.leaf.0 as usize) {
                        diagnostics.push(lower::type_warning(warning, leaf, &self.loaded.expansions));
                    }
                }
                let is_complete = blocked.is_none() && !diagnostics.iter().any(Diagnostic::is_error);
                if is_complete && self.wants_remarks {
                    let lints = lints::RuleLints {
                        predicate,
                        leaves: &self.loaded.leaves,
                        expansions: &self.loaded.expansions,
                        exceptions: &definition.exceptions,
                        name: definition.name.span,
                    };
                    diagnostics.extend(lints.lint(&expr));
                }
                if is_complete && definition.warn_evttypes && codes::count(predicate.kinds()) > codes::MAX_CODES {
                    let message = "Rule matches too many evt.type values. This has a significant performance penalty.";
                    diagnostics.push(
                        Diagnostic::new(Code::NoEvttype, definition.name.span, message)
                            .help("begin the condition with `evt.type in (…)`".to_owned()),
                    );
                }
            }
            Err(errors) => {
                for error in errors.iter().take(MAX_PER_RULE) {
                    if let Some(leaf) = self.loaded.leaves.get(error.leaf.0 as usize) {
                        diagnostics.push(lower::type_error(error, leaf, &self.loaded.expansions));
                    }
                }
            }
        }
        let first_error = diagnostics.iter().find(|d| d.is_error()).cloned();
        if let Some(error) = first_error.as_ref()
            && definition.skip_if_unknown_filter
            && is_unknown_name(error)
        {
            findings.push(downgraded(error.clone()));
            return Err(Outcome::Skipped);
        }
        // Errors first, so that they are not cut off by many warnings.
        diagnostics.sort_by_key(|d| d.severity);
        findings.extend(diagnostics);
        match blocked {
            Some(Blocked::Macro(cause)) => self.macros.block(cause, &definition.name.value),
            Some(Blocked::UnreadableMacro(name)) => {
                let rule = definition.name.value.clone();
                match self.unreadable.iter_mut().find(|(known, ..)| *known == name) {
                    Some((_, _, rules)) => rules.push(rule),
                    None => self.unreadable.push((name, definition.name.span, vec![rule])),
                }
            }
            None => {
                if let (None, Ok(predicate)) = (first_error, compiled) {
                    return Ok((expr, predicate));
                }
            }
        }
        Err(Outcome::Rejected)
    }

    fn finish_rule(
        &self,
        definition: &RuleDefinition,
        text: &crate::text::Text,
        condition: Expr,
        output: Vec<OutputPart>,
    ) -> Rule {
        Rule {
            name: definition.name.value.clone(),
            description: definition.desc.as_str().to_owned(),
            priority: definition.priority,
            tags: definition.tags.iter().cloned().collect(),
            source: definition.source.clone(),
            is_enabled: definition.is_enabled,
            condition,
            output,
            output_text: definition.output.as_str().to_owned(),
            condition_text: text.as_str().to_owned(),
            origin: origin(self.sources, definition.name.span),
        }
    }
}

/// Errors that `skip-if-unknown-filter` makes warnings of: those about names that another version may know.
fn is_unknown_name(diagnostic: &Diagnostic) -> bool {
    ["nonexistent field", "invalid formatting token", "unknown event type", "unknown filter:"]
        .iter()
        .any(|part| diagnostic.message.contains(part))
}

fn downgraded(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic {
        code: Code::UnknownFilter,
        severity: Code::UnknownFilter.severity(),
        notes: vec![Note { text: "the rule is left out, as its skip-if-unknown-filter says".to_owned(), span: None }],
        ..diagnostic
    }
}
