//! Macros: parsed once, then put into conditions as sub-trees. Specification: section 1.6.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::Expansion;
use super::collect::{Collector, Macro, Table};
use super::condition::{self, Condition, ParseError};
use super::item::Kind;
use super::lists::{Lists, MAX_CONDITION, TooLarge};
use crate::diagnostic::{Code, Diagnostic, suggestion};
use crate::render::short;
use crate::text::{Place, Text, ViaId};

/// Nodes that a condition may have with its macros put in.
pub const MAX_NODES: usize = 200_000;
/// Height that a condition may have with its macros put in: bounds the recursion of all that walks it.
pub const MAX_HEIGHT: usize = 1_000;

/// A macro after parsing.
#[derive(Debug)]
pub struct ParsedMacro {
    /// Its condition; `None` if it did not parse.
    pub condition: Option<Arc<Condition>>,
    /// Nodes and height with its own macros put in.
    size: (usize, usize),
    /// The macro whose error makes this one unusable: itself or one it refers to.
    broken_by: Option<usize>,
    /// File in which it is first defined.
    pub first_file: u32,
    is_used: bool,
    /// Index of the diagnostic that says why it is unusable.
    diagnostic: Option<usize>,
    /// Rules that are not loaded because of it.
    blocked: Vec<String>,
}

/// All macros, in the order of their first definition.
#[derive(Debug, Default)]
pub struct Macros {
    entries: Vec<ParsedMacro>,
    by_name: HashMap<String, usize>,
    /// Macros with undefined names that have no diagnostic of their own.
    n_unreported: usize,
}

/// Findings after which undefined names in macros are only counted.
const MAX_MACRO_ERRORS: usize = 200;

/// Why a macro's name in a condition means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is no such macro.
    Undefined,
    /// The macro with this index has an error, which is already reported.
    Broken(usize),
}

/// Puts lists into a condition and parses it.
pub fn parse_condition(
    text: &Text,
    lists: &mut Lists,
    expansions: &mut Vec<Expansion>,
) -> Result<Condition, Box<Diagnostic>> {
    let expanded = lists.expand(text, expansions).map_err(|TooLarge| {
        let message = format!(
            "the condition is larger than {} KiB with its lists, or all conditions together are too large",
            MAX_CONDITION >> 10
        );
        Box::new(Diagnostic::new(Code::Limit, text.place_at(0).span, message))
    })?;
    condition::parse(expanded).map_err(|(error, text)| Box::new(syntax_error(error, &text, expansions)))
}

fn syntax_error(error: ParseError, text: &Text, expansions: &[Expansion]) -> Diagnostic {
    let ParseError { range, message, help } = error;
    let place = place_of(text, range.clone());
    // `in shells` for `in (shells)`: the items of the list stand where one name was.
    let is_list_bare = message.starts_with("unexpected token") && place.via.is_some();
    let help = help.or_else(|| is_list_bare.then(|| "a list's name stands in parentheses: `in (my_list)`".to_owned()));
    with_chain(Diagnostic::new(Code::CompileCondition, place.span, message).help(help), place.via, expansions)
}

/// Place of a range; of the character before it if it is empty.
pub fn place_of(text: &Text, range: Range<usize>) -> Place {
    if range.is_empty() { text.place_at(range.start) } else { text.place(range) }
}

/// Adds a note for each expansion that led to a place, innermost first.
pub fn with_chain(mut diagnostic: Diagnostic, via: Option<ViaId>, expansions: &[Expansion]) -> Diagnostic {
    let mut next = via;
    // Chains are as long as lists and macros are nested; a diagnostic shows the ends.
    let mut n = 0;
    while let Some(expansion) = next.and_then(|ViaId(i)| expansions.get(i as usize)) {
        if n < 16 {
            let text = format!("in {} `{}`, used", expansion.kind.name(), short(&expansion.name, 60));
            diagnostic = diagnostic.note(text, Some(expansion.at));
        }
        n += 1;
        next = expansion.parent;
    }
    if n > 16 {
        diagnostic = diagnostic.note(format!("… and {} more macros or lists", n - 16), None);
    }
    diagnostic
}

impl Macros {
    /// Parses all macros and checks what they refer to.
    pub fn new(
        collector: &Collector,
        lists: &mut Lists,
        expansions: &mut Vec<Expansion>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Macros {
        let table = &collector.macros;
        let n = table.entries.len();
        let mut out =
            Macros { entries: Vec::with_capacity(n), by_name: HashMap::with_capacity(n), ..Macros::default() };
        for (i, definition) in table.entries.iter().enumerate() {
            let mut entry = ParsedMacro {
                condition: None,
                size: (1, 1),
                broken_by: None,
                first_file: definition.first_file,
                is_used: false,
                diagnostic: None,
                blocked: Vec::new(),
            };
            match parse_condition(&definition.condition, lists, expansions) {
                Ok(condition) => entry.condition = Some(Arc::new(condition)),
                Err(diagnostic) => {
                    entry.broken_by = Some(i);
                    entry.diagnostic = Some(diagnostics.len());
                    diagnostics.push(*diagnostic);
                }
            }
            out.by_name.insert(definition.name.value.clone(), i);
            out.entries.push(entry);
        }
        let references = out.check_references(collector, expansions, diagnostics);
        out.order(table, &references, expansions, diagnostics);
        out
    }

    /// Finds what each macro refers to. Returns for each the others with their places in its text.
    fn check_references(
        &mut self,
        collector: &Collector,
        expansions: &[Expansion],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Vec<(usize, Range<usize>)>> {
        let table = &collector.macros;
        let mut out = Vec::with_capacity(self.entries.len());
        for (i, definition) in table.entries.iter().enumerate() {
            let mut found = Vec::new();
            let condition = self.entries[i].condition.clone();
            for (name, range) in condition.iter().flat_map(|c| c.ast.macros()) {
                let target = self.by_name.get(name).copied();
                if let Some(target) = target
                    && is_visible(&table.entries[target], definition)
                {
                    self.entries[target].is_used = true;
                    found.push((target, range));
                    continue;
                }
                if self.entries[i].broken_by.is_some() {
                    continue;
                }
                let Some(condition) = &condition else { continue };
                self.entries[i].broken_by = Some(i);
                if diagnostics.len() >= MAX_MACRO_ERRORS {
                    // Looking for similar names takes long; that there are more is said at the end.
                    self.n_unreported += 1;
                    continue;
                }
                let mut diagnostic = undefined(name, &condition.text, range, collector, expansions);
                if let Some(target) = target {
                    diagnostic = diagnostic
                        .also(table.entries[target].name.span, "defined here, which is too late for another macro");
                    diagnostic.help = Some(format!("define `{name}` before `{}`", definition.name.value));
                }
                self.entries[i].diagnostic = Some(diagnostics.len());
                diagnostics.push(diagnostic);
            }
            out.push(found);
        }
        if self.n_unreported > 0
            && let Some(last) = table.entries.last()
        {
            let message = format!("{} more macros refer to macros that are not defined", self.n_unreported);
            diagnostics.push(Diagnostic::new(Code::Limit, last.name.span, message));
        }
        out
    }

    /// Goes through the macros, what they refer to first: finds loops, sums up sizes, hands errors on.
    fn order(
        &mut self,
        table: &Table<Macro>,
        references: &[Vec<(usize, Range<usize>)>],
        expansions: &[Expansion],
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = vec![State::New; self.entries.len()];
        for root in 0..self.entries.len() {
            if states[root] != State::New {
                continue;
            }
            // No recursion: a chain of macros can be as long as the file.
            let mut stack = vec![(root, 0)];
            states[root] = State::Open;
            while let Some((i, next)) = stack.pop() {
                let Some((target, range)) = references[i].get(next) else {
                    self.close(i, &references[i], table, diagnostics);
                    states[i] = State::Done;
                    continue;
                };
                stack.push((i, next + 1));
                match states[*target] {
                    State::New => {
                        states[*target] = State::Open;
                        stack.push((*target, 0));
                    }
                    State::Open if self.entries[i].broken_by.is_none() => {
                        let name = &table.entries[*target].name.value;
                        let Some(condition) = self.entries[i].condition.clone() else { continue };
                        let place = place_of(&condition.text, range.clone());
                        let message = format!("reference loop in macro '{}'", short(name, 60));
                        let diagnostic = Diagnostic::new(Code::Validate, place.span, message)
                            .label("refers back to it")
                            .also(table.entries[*target].name.span, "the macro");
                        self.entries[i].broken_by = Some(i);
                        self.entries[i].diagnostic = Some(diagnostics.len());
                        diagnostics.push(with_chain(diagnostic, place.via, expansions));
                    }
                    State::Open | State::Done => {}
                }
            }
        }
    }

    /// All that macro `i` refers to is known.
    fn close(
        &mut self,
        i: usize,
        references: &[(usize, Range<usize>)],
        table: &Table<Macro>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        if self.entries[i].broken_by.is_none() {
            self.entries[i].broken_by = references.iter().find_map(|(target, _)| self.entries[*target].broken_by);
        }
        let Some(condition) = self.entries[i].condition.clone() else { return };
        let size = self.size_of(&condition);
        self.entries[i].size = size;
        if self.entries[i].broken_by.is_none() && is_too_large(size) {
            self.entries[i].broken_by = Some(i);
            self.entries[i].diagnostic = Some(diagnostics.len());
            diagnostics.push(too_large(table.entries[i].condition.place_at(0).span));
        }
    }

    /// Nodes and height of a condition with its macros put in.
    pub fn size_of(&self, condition: &Condition) -> (usize, usize) {
        // A broken macro is not put in, and its own size may be out of bounds.
        let usable = |name: &str| self.by_name.get(name).map(|&i| &self.entries[i]).filter(|m| m.broken_by.is_none());
        condition.ast.size(&|name| usable(name).map_or((1, 1), |m| m.size))
    }

    /// The macro of this name, for a rule: rules see all macros.
    pub fn get(&self, name: &str) -> Result<&ParsedMacro, Unusable> {
        let &i = self.by_name.get(name).ok_or(Unusable::Undefined)?;
        match self.entries[i].broken_by {
            Some(cause) => Err(Unusable::Broken(cause)),
            None => Ok(&self.entries[i]),
        }
    }

    /// Notes that something that compiles refers to a macro.
    pub fn mark_used(&mut self, name: &str) {
        if let Some(&i) = self.by_name.get(name) {
            self.entries[i].is_used = true;
        }
    }

    /// Notes that a rule is not loaded because of an unusable macro.
    pub fn block(&mut self, cause: usize, rule: &str) {
        self.entries[cause].blocked.push(rule.to_owned());
    }

    /// Says at the errors of macros which rules they cost.
    pub fn finish(&self, diagnostics: &mut [Diagnostic]) {
        for entry in &self.entries {
            if let Some(diagnostic) = entry.diagnostic.and_then(|i| diagnostics.get_mut(i))
                && !entry.blocked.is_empty()
            {
                let text = format!("not loaded because of it: {}", names(&entry.blocked));
                diagnostic.notes.push(crate::diagnostic::Note { text, span: None });
            }
        }
    }

    /// True if a macro, by index, is part of something that compiles or of another macro that does.
    pub fn is_used(&self, index: usize) -> bool {
        self.entries.get(index).is_some_and(|entry| entry.is_used)
    }

    /// The macros in order.
    pub fn entries(&self) -> &[ParsedMacro] {
        &self.entries
    }
}

/// `Quirk::MacroOrder`: a macro sees those first defined before its own last definition or addition, whatever their file.
fn is_visible(target: &Macro, from: &Macro) -> bool {
    target.index < from.visibility
}

/// True if a condition is larger than what is accepted.
pub fn is_too_large((nodes, height): (usize, usize)) -> bool {
    nodes > MAX_NODES || height > MAX_HEIGHT
}

/// The diagnostic for it.
pub fn too_large(span: crate::source::Span) -> Diagnostic {
    let message =
        format!("the condition has more than {MAX_NODES} parts or is nested deeper than {MAX_HEIGHT} with its macros");
    Diagnostic::new(Code::Limit, span, message)
}

/// The diagnostic for a name that is no macro.
pub fn undefined(
    name: &str,
    text: &Text,
    range: Range<usize>,
    collector: &Collector,
    expansions: &[Expansion],
) -> Diagnostic {
    let place = place_of(text, range);
    let message = format!("Undefined macro '{}' used in filter.", short(name, 60));
    let help = if collector.lists.get(name).is_some() {
        Some(format!("`{name}` is a list: write `field in ({name})`"))
    } else {
        suggestion(name, collector.macros.names())
    };
    with_chain(Diagnostic::new(Code::Validate, place.span, message).help(help), place.via, expansions)
}

/// Names for a sentence, not more than ten.
pub fn names(all: &[String]) -> String {
    let shown: Vec<String> = all.iter().take(10).map(|name| short(name, 60)).collect();
    match all.len().saturating_sub(10) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A macro whose definition could not even be read.
pub fn is_unreadable(collector: &Collector, name: &str) -> bool {
    collector.failed.contains(&(Kind::Macro, name.to_owned()))
}
