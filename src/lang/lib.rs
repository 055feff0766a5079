//! Rule languages: text to language-neutral rules, with the place of everything and diagnostics for what is wrong.
//!
//! [`load`] reads rule files of any language. Errors never stop a load: what compiles is in [`Loaded::rules`], what
//! does not is in [`Loaded::diagnostics`] with file, line, column and, where one is known, a suggestion. Rule files
//! are hostile input like evidence: depth, aliases, expansions and numbers of findings are bounded.
//!
//! This crate never looks at an event, and knows of fields only their names.

pub mod diagnostic;
pub mod falco;
pub mod keys;
pub mod markup;
pub mod render;
pub mod source;
pub mod text;

use std::collections::BTreeSet;

use std::borrow::Cow;

use tracehound_rules::{Expr, LeafId, Operand, Origin, OutputPart, Predicate, Rhs, Rule};

pub use diagnostic::{Code, Diagnostic, Note, Severity};
pub use falco::Expansion;
pub use falco::item::FilterAction;
pub use falco::lower::LeafPlace;
pub use source::{Position, SourceFile, SourceMap, Span};

/// A rule language.
pub struct Language {
    /// Name, as options and reports use it.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// How sure it is that a content is of this language: 0 no, 1 perhaps, 2 surely.
    pub detect: fn(&[u8]) -> u8,
    /// Loads files in the order given; see [`load_with`].
    pub load: fn(&[SourceFile], Severity) -> Loaded,
}

/// All languages.
pub static LANGUAGES: &[Language] = &[Language {
    name: "falco",
    doc: "Falco rules: YAML with rules, macros and lists.",
    detect: falco::detect,
    load: falco::load,
}];

/// The language that is surest about a content, if one is sure at all.
pub fn detect(content: &[u8]) -> Option<&'static Language> {
    // The first of equals.
    LANGUAGES
        .iter()
        .rev()
        .map(|language| ((language.detect)(content), language))
        .max_by_key(|(sure, _)| *sure)
        .filter(|(sure, _)| *sure > 0)
        .map(|(_, language)| language)
}

/// What rule files hold.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The files, to show places.
    pub sources: SourceMap,
    /// Rules that compile, switched off ones included, in the order they are to be asked.
    pub rules: Vec<Rule>,
    /// Their conditions, compiled, in the same order.
    pub compiled: Vec<Predicate>,
    /// Macros (whatever a language calls a named condition), in order of definition.
    pub macros: Vec<Definition>,
    /// Lists, in order of definition.
    pub lists: Vec<Definition>,
    /// Filters of rules: queries in the language of suppressions, not looked into here. In the order of the rules.
    pub filters: Vec<RuleFilter>,
    /// Where each comparison was written, by [`LeafId`].
    pub leaves: Vec<LeafPlace>,
    /// Uses of lists and macros, by [`text::ViaId`].
    pub expansions: Vec<Expansion>,
    /// Everything found, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// What a schema says of each file that was read, for languages that have one.
    pub schema: Vec<falco::schema::SchemaStatus>,
    /// Numbers.
    pub stats: Stats,
}

/// A macro or list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Name.
    pub name: String,
    /// As written; items of a list joined by `, `.
    pub text: String,
    /// Where it was last defined.
    pub origin: Origin,
    /// True if something that compiles refers to it.
    pub is_used: bool,
}

/// A filter that stands at a rule.
#[derive(Clone, Debug)]
pub struct RuleFilter {
    /// Name of the rule.
    pub rule: String,
    /// What a match does.
    pub action: FilterAction,
    /// The query as written, with its places.
    pub query: text::Text,
}

/// Numbers of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files read.
    pub files: usize,
    /// Rules that compile.
    pub rules: usize,
    /// Rules among them that are switched on.
    pub rules_enabled: usize,
    /// Rules left out because a trace has no events of their source, or because they said so
    /// (`skip-if-unknown-filter`).
    pub rules_skipped: usize,
    /// Rules left out because of errors.
    pub rules_rejected: usize,
    /// Macros.
    pub macros: usize,
    /// Lists.
    pub lists: usize,
    /// Diagnostics that are errors.
    pub errors: usize,
    /// Diagnostics that are warnings.
    pub warnings: usize,
    /// Diagnostics that are remarks.
    pub lints: usize,
}

/// Loads files, each language its own.
///
/// A content that no language recognises is given to the first if it is text: its diagnostics say more than that the
/// file is unknown.
pub fn load(files: &[SourceFile]) -> Loaded {
    load_with(files, Severity::Lint)
}

/// As [`load`], for those who show diagnostics of at least a severity: what costs much to find and is less severe is
/// not looked for, and may be missing in [`Loaded::diagnostics`] and [`Stats`]. Rules are the same.
pub fn load_with(files: &[SourceFile], least: Severity) -> Loaded {
    let mut unknown = Vec::new();
    let mut known = Cow::Borrowed(files);
    for (i, file) in files.iter().enumerate() {
        if detect(&file.bytes).is_none() && is_binary(&file.bytes) {
            unknown.push(file.path.clone());
            // Kept, empty, so that files are numbered as given.
            known.to_mut()[i] = SourceFile::new(file.path.clone(), Vec::new());
        }
    }
    let mut loaded = (LANGUAGES[0].load)(&known, least);
    for path in unknown {
        let Some(file) = (0..loaded.sources.len() as u32).find(|&i| loaded.sources.path(i) == path) else { continue };
        let is_of_file = |d: &Diagnostic| d.span().is_some_and(|span| span.file == file);
        loaded.diagnostics.retain(|d| !is_of_file(d));
        let message = format!("{} is no rule file: its content is not text", render::visible(path.as_bytes()));
        loaded.diagnostics.push(Diagnostic::new(Code::UnknownLanguage, Span::new(file, 0, 0), message));
        loaded.stats.errors += 1;
        loaded.stats.lints = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Lint).count();
    }
    loaded
}

/// True for content with NULs or much that is not UTF-8 at its beginning.
fn is_binary(content: &[u8]) -> bool {
    let head = &content[..content.len().min(4096)];
    let n_bad = head.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
    head.contains(&0) || n_bad * 20 > head.len()
}

impl Loaded {
    /// True if nothing was left out because of an error.
    pub fn is_ok(&self) -> bool {
        self.stats.errors == 0
    }

    /// All diagnostics as text.
    pub fn render(&self) -> String {
        render::render_all(&self.diagnostics, &self.sources)
    }

    /// Where a comparison was written.
    pub fn leaf(&self, id: LeafId) -> Option<&LeafPlace> {
        self.leaves.get(id.0 as usize)
    }

    /// Where a comparison was written, and through which macros and lists it came into its rule.
    pub fn leaf_origin(&self, id: LeafId) -> Option<LeafOrigin> {
        let place = self.leaf(id)?;
        let span = place.span();
        let Position { line, column } = self.sources.position(span.file, span.start);
        let path = self.sources.path(span.file).to_owned();
        let mut macros: Vec<String> = self.uses(place.via).map(|use_| use_.name.clone()).collect();
        macros.reverse();
        let mut lists = Vec::new();
        for via in place.lists() {
            // Of lists within lists the one that the condition names.
            let named = self.uses(Some(via)).take_while(|use_| use_.kind == falco::item::Kind::List).last();
            if let Some(use_) = named
                && !lists.contains(&use_.name)
            {
                lists.push(use_.name.clone());
            }
        }
        Some(LeafOrigin { path, line, column, macros, lists })
    }

    /// Every macro and list that brought something into a condition, whichever way, sorted.
    pub fn definitions_in(&self, condition: &Expr) -> BTreeSet<(&'static str, &str)> {
        let mut found = BTreeSet::new();
        let mut stack = vec![condition];
        while let Some(expr) = stack.pop() {
            match expr {
                Expr::Const(_) => {}
                Expr::Not(part) => stack.push(part),
                Expr::And(parts) | Expr::Or(parts) => stack.extend(parts),
                Expr::Leaf(_, id) => {
                    let Some(place) = self.leaf(*id) else { continue };
                    let lists = place.lists().into_iter().map(Some);
                    for use_ in lists.chain([place.via]).flat_map(|via| self.uses(via)) {
                        found.insert((use_.kind.name(), use_.name.as_str()));
                    }
                }
            }
        }
        found
    }

    /// A use of a list or macro, the use that brought it, and so on.
    fn uses(&self, via: Option<text::ViaId>) -> impl Iterator<Item = &Expansion> {
        let get = |via: Option<text::ViaId>| via.and_then(|via| self.expansions.get(via.0 as usize));
        // Uses only come from earlier ones; the bound is for a table that is not so.
        std::iter::successors(get(via), move |use_| get(use_.parent)).take(self.expansions.len())
    }

    /// Appends a template to the output of every rule, with a blank between. The template is written as in a rule
    /// file; the error says what is wrong with it.
    pub fn append_output(&mut self, template: &str) -> Result<(), String> {
        let text = text::Text::verbatim(template, Span::new(0, 0, template.len()));
        let parts = falco::output::parse(&text, &mut Vec::new()).map_err(|d| match d.help {
            Some(help) => format!("{}; {help}", d.message),
            None => d.message,
        })?;
        for rule in &mut self.rules {
            rule.output.push(OutputPart::Text(" ".to_owned()));
            rule.output.extend(parts.iter().cloned());
            rule.output_text.push(' ');
            rule.output_text.push_str(template);
        }
        Ok(())
    }

    /// What a list of rules shows of a rule.
    pub fn row(&self, rule: &Rule) -> RuleRow {
        let kinds = match tracehound_rules::compile(&rule.condition) {
            Ok(predicate) => {
                let kinds = predicate.kinds();
                (!kinds.is_all()).then(|| kinds.names())
            }
            Err(_) => None,
        };
        let mut condition_fields = Vec::new();
        fields_of(&rule.condition, &mut condition_fields);
        let mut output_fields = Vec::new();
        for part in &rule.output {
            if let OutputPart::Value { operand, .. } = part {
                fields_of_operand(operand, &mut output_fields);
            }
        }
        for fields in [&mut condition_fields, &mut output_fields] {
            fields.sort_unstable();
            fields.dedup();
        }
        RuleRow {
            name: rule.name.clone(),
            priority: rule.priority.name(),
            is_enabled: rule.is_enabled,
            tags: rule.tags.clone(),
            source: rule.source.clone(),
            kinds,
            location: format!("{}:{}", rule.origin.path, rule.origin.line),
            condition_fields,
            output_fields,
        }
    }

    /// What a list of all rules shows, in order.
    pub fn rows(&self) -> Vec<RuleRow> {
        self.rules.iter().map(|rule| self.row(rule)).collect()
    }
}

/// Where a comparison of a rule comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafOrigin {
    /// Name of the file.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The macros it was written in, from the one that the rule names inwards; none if in the rule itself.
    pub macros: Vec<String>,
    /// Lists that its constants come from, as the condition names them, in order.
    pub lists: Vec<String>,
}

/// A rule as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Name.
    pub name: String,
    /// Priority, as `Warning`.
    pub priority: &'static str,
    /// False if switched off.
    pub is_enabled: bool,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Source of events.
    pub source: String,
    /// Names of the kinds of event it asks for, sorted; `None` for all.
    pub kinds: Option<Vec<&'static str>>,
    /// `file:line` of its definition.
    pub location: String,
    /// Fields of its condition as written, sorted, once each.
    pub condition_fields: Vec<String>,
    /// Fields of its output as written, sorted, once each.
    pub output_fields: Vec<String>,
}

/// Fields of a condition, in order of appearance. Without recursion: conditions of other languages may be deep.
fn fields_of(condition: &Expr, out: &mut Vec<String>) {
    let mut stack = vec![condition];
    while let Some(expr) = stack.pop() {
        match expr {
            Expr::Const(_) => {}
            Expr::Not(part) => stack.push(part),
            Expr::And(parts) | Expr::Or(parts) => stack.extend(parts.iter().rev()),
            Expr::Leaf(leaf, _) => {
                fields_of_operand(&leaf.lhs, out);
                if let Rhs::Operand(operand) = &leaf.rhs {
                    fields_of_operand(operand, out);
                }
            }
        }
    }
}

fn fields_of_operand(operand: &Operand, out: &mut Vec<String>) {
    let mut stack = vec![operand];
    while let Some(operand) = stack.pop() {
        match operand {
            Operand::Field(field) => out.push(field.text.to_string()),
            Operand::Call { args, .. } => stack.extend(args.iter().rev()),
            Operand::List(items) => stack.extend(items.iter().rev()),
            Operand::Const(_) => {}
        }
    }
}
