//! From syntax trees to the language-neutral form: names become fields, macros sub-trees, errors diagnostics.

use std::borrow::Cow;
use std::sync::Arc;

use tracehound_fields::{ResolveError, catalogue};
use tracehound_rules::{self as rules, Expr, LeafId, Op, Quirk, UntypedLeaf};

use super::Expansion;
use super::collect::Collector;
use super::condition::lexer::{MODIFIERS, field_name_len, quirks_of_quoted, transformer_name};
use super::condition::{Ast, Check, Condition, Operand, Rhs, Value, parse_operand_prefix};
use super::item::Kind;
use super::macros::{Macros, Unusable, is_unreadable, place_of, undefined, with_chain};
use crate::diagnostic::{Code, Diagnostic, did_you_mean, suggestion};
use crate::render::short;
use crate::source::Span;
use crate::text::{Place, ViaId};

/// Where a leaf of a rule's condition was written: index into [`super::Loaded::leaves`] by its [`LeafId`].
#[derive(Clone, Debug)]
pub struct LeafPlace {
    condition: Arc<Condition>,
    check: u32,
    /// The macro use that brought it into the rule.
    pub via: Option<ViaId>,
}

impl LeafPlace {
    fn check(&self) -> &Check {
        &self.condition.checks[self.check as usize]
    }

    /// The whole comparison.
    pub fn span(&self) -> Span {
        self.condition.text.place(self.check().range.clone()).span
    }

    /// Its text, lists expanded.
    pub fn text(&self) -> &str {
        &self.condition.text.as_str()[self.check().range.clone()]
    }

    /// The uses of lists that brought constants of it, in order, each once.
    pub(crate) fn lists(&self) -> Vec<ViaId> {
        let mut found: Vec<ViaId> = Vec::new();
        for value in self.check().rhs.values() {
            match self.condition.text.place_at(value.range.start).via {
                Some(via) if found.last() != Some(&via) && !found.contains(&via) => found.push(via),
                _ => {}
            }
        }
        found
    }

    fn lhs(&self) -> Place {
        self.condition.text.place(self.check().lhs.range())
    }

    fn op(&self) -> Place {
        self.condition.text.place(self.check().op_range.clone())
    }

    fn rhs(&self) -> Place {
        match self.check().rhs.range() {
            Some(range) => place_of(&self.condition.text, range),
            None => self.op(),
        }
    }

    /// Where the first constant was written; for a comparison of an exception that is among its values.
    pub fn value_span(&self) -> Span {
        let first = self.check().rhs.values().first();
        first.map_or_else(|| self.rhs(), |value| place_of(&self.condition.text, value.range.clone())).span
    }

    /// Place of the constant with these bytes, or of the right side.
    fn constant(&self, bytes: &[u8]) -> Place {
        match self.check().rhs.values().iter().find(|value| value.bytes == bytes) {
            Some(value) => place_of(&self.condition.text, value.range.clone()),
            None => self.rhs(),
        }
    }
}

/// Why an operand means nothing: place in the condition's text, message, help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperandError {
    /// Range of the part that is wrong.
    pub range: std::ops::Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Resolves the fields of an operand.
pub fn resolve_operand(operand: &Operand) -> Result<rules::Operand, OperandError> {
    match operand {
        Operand::Field { name, arg, range } => {
            let error = |message: String, help| OperandError { range: range.clone(), message, help };
            let text = match arg {
                None => Cow::Borrowed(name),
                Some(arg) => match std::str::from_utf8(arg) {
                    Ok(arg) => Cow::Owned(format!("{name}[{arg}]")),
                    Err(_) => return Err(error(format!("argument of {name} is not UTF-8"), None)),
                },
            };
            tracehound_fields::resolve(&text).map(rules::Operand::Field).map_err(|e| {
                let help = match &e {
                    ResolveError::Unknown { candidates, .. } => did_you_mean(candidates.iter().copied()),
                    _ => None,
                };
                error(e.to_string(), help)
            })
        }
        Operand::Call { transform, args, index, range } => {
            let args = args.iter().map(resolve_operand).collect::<Result<Vec<_>, _>>()?;
            let index = match index.as_deref().map(std::str::from_utf8) {
                None => None,
                Some(Ok(index)) => Some(index.to_owned()),
                Some(Err(_)) => {
                    let message = format!("argument of {} is not UTF-8", transformer_name(*transform));
                    return Err(OperandError { range: range.clone(), message, help: None });
                }
            };
            Ok(rules::Operand::Call { transform: *transform, args, index })
        }
        Operand::Const(value) => Ok(rules::Operand::Const(value.bytes.clone())),
        Operand::List(items, _) => {
            items.iter().map(resolve_operand).collect::<Result<Vec<_>, _>>().map(rules::Operand::List)
        }
    }
}

/// Resolves an operand outside of a condition: message and help if it fails.
pub fn resolve_operand_text(operand: &Operand) -> Result<rules::Operand, (String, Option<String>)> {
    resolve_operand(operand).map_err(|e| (e.message, e.help))
}

/// What stopped a rule from being loaded.
#[derive(Clone, Debug)]
pub enum Blocked {
    /// The macro with this index has an error.
    Macro(usize),
    /// The definition of the macro of this name could not be read.
    UnreadableMacro(String),
}

/// Builds the condition of one rule.
pub struct Lowering<'a> {
    /// Macros.
    pub macros: &'a mut Macros,
    /// For suggestions.
    pub collector: &'a Collector,
    /// Places of leaves of all rules.
    pub leaves: &'a mut Vec<LeafPlace>,
    /// All expansions.
    pub expansions: &'a mut Vec<Expansion>,
    /// Findings about this rule.
    pub diagnostics: Vec<Diagnostic>,
    /// Errors among them.
    pub n_errors: usize,
    /// Set if the rule is not loaded because of a macro.
    pub blocked: Option<Blocked>,
    /// Constants looked up among the names of lists so far.
    pub n_list_lints: usize,
    /// False if nobody will see remarks.
    pub wants_remarks: bool,
}

impl Lowering<'_> {
    /// The condition in the language-neutral form. Anything wrong is in the diagnostics; the size has been checked.
    pub fn condition(&mut self, condition: &Arc<Condition>) -> Expr {
        self.expr(condition, &condition.ast, None)
    }

    fn expr(&mut self, condition: &Arc<Condition>, ast: &Ast, via: Option<ViaId>) -> Expr {
        match ast {
            Ast::And(parts) => Expr::And(parts.iter().map(|part| self.expr(condition, part, via)).collect()),
            Ast::Or(parts) => Expr::Or(parts.iter().map(|part| self.expr(condition, part, via)).collect()),
            Ast::Not(part) => Expr::Not(Box::new(self.expr(condition, part, via))),
            Ast::Check(index) => self.check(condition, *index, via),
            Ast::Macro(name, range) => self.macro_(condition, name, range.clone(), via),
        }
    }

    fn macro_(
        &mut self,
        condition: &Arc<Condition>,
        name: &str,
        range: std::ops::Range<usize>,
        via: Option<ViaId>,
    ) -> Expr {
        let place = condition.text.place(range.clone());
        match self.macros.get(name) {
            Ok(found) => {
                let Some(inner) = found.condition.clone() else { return Expr::Const(false) };
                let first_file = found.first_file;
                self.warn_forward_reference(name, place, first_file);
                self.macros.mark_used(name);
                let at = place.span;
                self.expansions.push(Expansion { kind: Kind::Macro, name: name.to_owned(), at, parent: via });
                let via = ViaId((self.expansions.len() - 1) as u32);
                self.expr(&inner, &inner.ast, Some(via))
            }
            Err(Unusable::Broken(cause)) => {
                self.blocked = Some(Blocked::Macro(cause));
                Expr::Const(false)
            }
            Err(Unusable::Undefined) if is_unreadable(self.collector, name) => {
                self.blocked = Some(Blocked::UnreadableMacro(name.to_owned()));
                Expr::Const(false)
            }
            Err(Unusable::Undefined) if self.has_enough() => Expr::Const(false),
            Err(Unusable::Undefined) => {
                let diagnostic = undefined(name, &condition.text, range, self.collector, self.expansions);
                self.n_errors += 1;
                self.diagnostics.push(with_chain(diagnostic, via, self.expansions));
                Expr::Const(false)
            }
        }
    }

    /// `Quirk::ForwardReference`: Falco compiles everything after each file, so that a macro of a later file does not exist yet (section 1.10).
    fn warn_forward_reference(&mut self, name: &str, place: Place, first_file: u32) {
        if first_file > place.span.file {
            let message = format!("macro '{}' is first defined in a later file", short(name, 60));
            self.diagnostics
                .push(Diagnostic::new(Code::ForwardReference, place.span, message).help(
                    "Falco does not load the files in this order: give the file with the macro first".to_owned(),
                ));
        }
    }

    fn check(&mut self, condition: &Arc<Condition>, index: u32, via: Option<ViaId>) -> Expr {
        let check = &condition.checks[index as usize];
        let id = LeafId(self.leaves.len() as u32);
        self.leaves.push(LeafPlace { condition: condition.clone(), check: index, via });
        if let Some(leaf) = check.lowered.get()
            && !self.has_enough()
        {
            return Expr::Leaf(leaf.clone(), id);
        }
        let n_diagnostics = self.diagnostics.len();
        let lhs = self.operand(condition, &check.lhs, via);
        let rhs = match &check.rhs {
            Rhs::None => Some(rules::Rhs::None),
            Rhs::Value(value) => Some(rules::Rhs::Constants(vec![value.bytes.clone()])),
            Rhs::List(values, _) => Some(rules::Rhs::Constants(values.iter().map(|v| v.bytes.clone()).collect())),
            Rhs::Operand(operand) => self.operand(condition, operand, via).map(rules::Rhs::Operand),
        };
        self.lint(condition, check, via);
        match (lhs, rhs) {
            (Some(lhs), Some(rhs)) => {
                let leaf = Arc::new(UntypedLeaf { lhs, op: check.op, modifier: check.modifier, rhs });
                // Remarks depend on what else the rule has. Beyond the bound they are dropped unseen.
                let is_clean = n_diagnostics == self.diagnostics.len() && n_diagnostics < MAX_PER_RULE;
                if is_clean && !self.wants_remarks {
                    check.lowered.get_or_init(|| leaf.clone());
                }
                Expr::Leaf(leaf, id)
            }
            _ => Expr::Const(false),
        }
    }

    /// True if more would not be shown: looking for similar names of a hundred thousand wrong ones takes long.
    fn has_enough(&self) -> bool {
        self.n_errors >= MAX_PER_RULE
    }

    fn operand(&mut self, condition: &Condition, operand: &Operand, via: Option<ViaId>) -> Option<rules::Operand> {
        if self.has_enough() {
            return None;
        }
        match resolve_operand(operand) {
            Ok(operand) => Some(operand),
            Err(OperandError { range, message, help }) => {
                let place = condition.text.place(range);
                let diagnostic = Diagnostic::new(Code::CompileCondition, place.span, message).help(help);
                self.push(diagnostic, place, via);
                None
            }
        }
    }

    fn push(&mut self, diagnostic: Diagnostic, place: Place, via: Option<ViaId>) {
        if !diagnostic.is_error() && self.diagnostics.len() >= MAX_PER_RULE + self.n_errors {
            return;
        }
        self.n_errors += usize::from(diagnostic.is_error());
        let diagnostic = with_chain(diagnostic, place.via, self.expansions);
        self.diagnostics.push(with_chain(diagnostic, via, self.expansions));
    }

    fn lint(&mut self, condition: &Condition, check: &Check, via: Option<ViaId>) {
        if let Operand::Field { name, range, .. } = &check.lhs {
            if is_deprecated(name) {
                let message = format!("usage of deprecated field '{name}' has been detected in the rule condition");
                let place = condition.text.place(range.clone());
                self.push(Diagnostic::new(Code::DeprecatedItem, place.span, message), place, via);
            }
            let is_json = name.starts_with("ka.") || name.starts_with("jevt.");
            let is_equality = matches!(check.op, Op::Eq | Op::Ne | Op::In | Op::Intersects | Op::PMatch);
            if is_json && is_equality && check.rhs.values().iter().any(|v| v.bytes == b"<NA>") {
                let place = condition.text.place(check.range.clone());
                let message = "comparing a field value with <NA> is unsafe and can lead to unpredictable behavior of the rule condition. If you need to check for the existence of a field, consider using the 'exists' operator instead.";
                self.push(Diagnostic::new(Code::UnsafeNaCheck, place.span, message), place, via);
            }
        }
        if self.wants_remarks {
            if let Rhs::List(values, _) = &check.rhs {
                self.lint_list_names(condition, values, via);
            }
            self.lint_quirks(condition, check, via);
        }
        for value in check.rhs.values() {
            if let Some((message, help)) = misread(value) {
                let place = condition.text.place(value.range.clone());
                self.push(Diagnostic::new(Code::ConditionHint, place.span, message).help(help), place, via);
            }
        }
    }
}

impl Lowering<'_> {
    /// A constant that stands alone in a list, or is joined by `_` as names of lists are, and nearly is the name of
    /// one. Items of lists are left out: their authors saw what they wrote.
    fn lint_list_names(&mut self, condition: &Condition, values: &[Value], via: Option<ViaId>) {
        for value in values.iter().take(100) {
            let place = condition.text.place(value.range.clone());
            let Ok(text) = std::str::from_utf8(&value.bytes) else { continue };
            let is_candidate = !value.is_quoted && place.via.is_none() && text.len() >= 6 && text.contains('_');
            if !is_candidate || self.n_list_lints >= MAX_LIST_LINTS {
                continue;
            }
            self.n_list_lints += 1;
            if let Some(help) = suggestion(text, self.collector.lists.names()) {
                let message = format!("no list is called '{}'; it is compared as text", short(text, 60));
                self.push(Diagnostic::new(Code::MisspeltList, place.span, message).help(help), place, via);
            }
        }
    }
}

impl Lowering<'_> {
    /// Quirks that the text of a comparison runs into.
    fn lint_quirks(&mut self, condition: &Condition, check: &Check, via: Option<ViaId>) {
        let text = condition.text.as_str().as_bytes();
        let mut found: Vec<(Quirk, std::ops::Range<usize>)> = Vec::new();
        let needs_no_blank = matches!(check.op, Op::Exists | Op::In | Op::Intersects | Op::PMatch);
        if needs_no_blank && text.get(check.op_range.end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            found.push((Quirk::GluedOperator, check.op_range.clone()));
        }
        match &check.rhs {
            Rhs::List(values, range) if !values.is_empty() && text.get(range.start) != Some(&b'(') => {
                found.push((Quirk::ListWithoutParentheses, range.clone()));
            }
            Rhs::Value(value) if condition.text.place_at(value.range.start).via.is_some() => {
                found.push((Quirk::ListAsValue, value.range.clone()));
            }
            Rhs::Value(value)
                if !value.is_quoted && MODIFIERS.iter().any(|(name, _)| name.as_bytes() == value.bytes) =>
            {
                found.push((Quirk::ModifierAsText, value.range.clone()));
            }
            _ => {}
        }
        for value in check.rhs.values().iter().take(MAX_LIST_LINTS) {
            let range = value.range.clone();
            if value.is_quoted {
                found.extend(quirks_of_quoted(&text[range.clone()]).into_iter().map(|quirk| (quirk, range.clone())));
                if let Some(at) = condition.text.expanded_inside(range) {
                    found.push((Quirk::ListInQuotes, at..at + 1));
                }
            } else if std::str::from_utf8(&value.bytes).is_ok_and(|text| self.collector.lists.get(text).is_some()) {
                found.push((Quirk::ListOneLevel, range));
            }
        }
        for (quirk, range) in found {
            let place = place_of(&condition.text, range);
            // Of a list that is put into text, where its name was written says more than where its item was.
            let use_ = place.via.and_then(|ViaId(i)| self.expansions.get(i as usize));
            let span = match (quirk, use_) {
                (Quirk::ListAsValue | Quirk::ListInQuotes, Some(use_)) => use_.at,
                _ => place.span,
            };
            self.push(Diagnostic::quirk(quirk, span), Place { span, ..place }, via);
        }
    }
}

/// Errors looked for in one rule, and findings kept for it that are none.
pub const MAX_PER_RULE: usize = 100;
/// Constants looked up among the names of lists for one rule.
const MAX_LIST_LINTS: usize = 200;

/// Fields that Falco warns about, wherever they are used.
pub const DEPRECATED_FIELDS: [&str; 6] =
    ["evt.dir", "evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.wait_latency"];

fn is_deprecated(name: &str) -> bool {
    DEPRECATED_FIELDS.contains(&name)
}

/// A constant that looks like a field (`Quirk::FieldAsText`) or a transformer: what is read, and how the other is written.
fn misread(value: &Value) -> Option<(String, Option<String>)> {
    // Longer texts are no field, and constants can be as long as the file.
    let bytes = Some(value.bytes.as_slice()).filter(|bytes| bytes.len() <= 200)?;
    let is_name = !value.is_quoted && field_name_len(bytes) == bytes.len();
    let text = std::str::from_utf8(bytes).ok().filter(|_| is_name || bytes.ends_with(b")"))?;
    let shown = || short(text, 80);
    if is_name && catalogue::find(text).is_some() {
        let shown = shown();
        let message = format!("'{shown}' may be a valid field wrongly interpreted as a string value");
        return Some((message, Some(format!("to compare with the field write `val({shown})`"))));
    }
    if !text.ends_with(')') {
        return None;
    }
    match parse_operand_prefix(text) {
        Some((Operand::Call { .. }, end)) if end == text.len() => {
            let shown = shown();
            let message = format!("'{shown}' may be a valid field transformer wrongly interpreted as a string value");
            Some((message, Some("a transformer is written without quotes directly after the operator".to_owned())))
        }
        _ => None,
    }
}

/// The diagnostic for a comparison that does not compile.
pub fn type_error(error: &rules::TypeError, leaf: &LeafPlace, expansions: &[Expansion]) -> Diagnostic {
    use tracehound_rules::TypeErrorKind as E;
    let place = match &error.kind {
        E::Operator { .. } | E::Modifier { .. } | E::FieldToField { .. } => leaf.op(),
        E::Constant { value, .. } => leaf.constant(value),
        E::UnknownService { name, .. } | E::UnknownEventType { name, .. } => leaf.constant(name),
        E::Regex { pattern, .. } => leaf.constant(pattern),
        E::ValueCount { .. } | E::TypesDiffer { .. } => leaf.rhs(),
        E::NoRhs { .. } => Place { span: leaf.span(), via: None },
        // About a transformer: that of the right side, if the left side is a plain field.
        E::ArgumentCount { .. } | E::ArgumentType { .. } | E::ListElement { .. } | E::OptionName { .. }
            if matches!(leaf.check().lhs, Operand::Field { .. }) =>
        {
            leaf.rhs()
        }
        _ => leaf.lhs(),
    };
    let help = match &error.kind {
        E::EventTypeNotConstant { .. } => Some("the events a rule asks for must be known when it is loaded".to_owned()),
        E::Constant { value, .. } if value.starts_with(b"0x") || value.starts_with(b"0X") => {
            Some("numbers are written in decimal".to_owned())
        }
        kind => did_you_mean(kind.candidates().iter().copied()),
    };
    let diagnostic = Diagnostic::new(Code::CompileCondition, place.span, error.kind.to_string()).help(help);
    with_chain(with_chain(diagnostic, place.via, expansions), leaf.via, expansions)
}

/// The diagnostic for a comparison that compiles, but perhaps not to what was meant.
pub fn type_warning(warning: &rules::Warning, leaf: &LeafPlace, expansions: &[Expansion]) -> Diagnostic {
    let (diagnostic, via) = match warning.kind {
        rules::WarningKind::Quirk(quirk) => (Diagnostic::quirk(quirk, leaf.span()), leaf.lhs().via),
        rules::WarningKind::NeedlessRegex => {
            let message = "regex is used without need: contains, startswith, endswith or = say the same";
            (Diagnostic::new(Code::ConditionHint, leaf.rhs().span, message), leaf.rhs().via)
        }
    };
    with_chain(with_chain(diagnostic, via, expansions), leaf.via, expansions)
}
