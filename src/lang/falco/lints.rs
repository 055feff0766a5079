//! Remarks about rules that load, but say less than their author thinks: comparisons that are never or always true,
//! exceptions that can never apply, values that no event of the rule's kinds has, rules that another one covers.
//!
//! Only what is certain is said. A value that is absent makes a comparison false; a field that is compared with `=`
//! or `in` and has one value is known to have one of the constants, and other comparisons of it are asked of these.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use bstr::ByteSlice;
use tracehound_fields::{FieldRef, FieldType, Multiplicity, subject};
use tracehound_rules::{Expr, KindSet, LeafId, Op, Operand, Predicate, Rhs, Rule, UntypedLeaf};

use super::Expansion;
use super::exceptions::Exception;
use super::lower::LeafPlace;
use super::macros::with_chain;
use crate::diagnostic::{Code, Diagnostic};
use crate::render::short;
use crate::source::Span;

/// Comparisons looked at for one rule: repeated nesting would make the work quadratic.
const MAX_WORK: usize = 200_000;
/// Remarks about one rule.
const MAX_LINTS: usize = 20;
/// Pairs of rules that are compared with each other.
const MAX_PAIRS: usize = 1_000_000;

/// What the remarks about a rule are made from.
pub struct RuleLints<'a> {
    /// Its condition, compiled.
    pub predicate: &'a Predicate,
    /// Where comparisons were written.
    pub leaves: &'a [LeafPlace],
    /// Uses of macros and lists.
    pub expansions: &'a [Expansion],
    /// Its exceptions.
    pub exceptions: &'a [Exception],
    /// Its name.
    pub name: Span,
}

/// A comparison that holds, or does not, wherever something else is asked.
#[derive(Clone, Copy)]
struct Literal<'e> {
    leaf: &'e UntypedLeaf,
    id: LeafId,
    holds: bool,
    /// Which part of the conjunction it is from.
    part: usize,
}

impl RuleLints<'_> {
    /// The remarks about the condition.
    pub fn lint(&self, condition: &Expr) -> Vec<Diagnostic> {
        let mut walk = Walk { rule: self, out: Vec::new(), work: 0 };
        let kinds = self.predicate.kinds();
        if kinds.is_none() && self.predicate.constant().is_none() {
            let message = "the rule never fires: no event is of all kinds that its condition asks for";
            walk.out.push(Diagnostic::new(Code::NeverTrue, self.name, message));
        } else {
            walk.conjunction(condition, &[]);
            walk.values(&kinds);
        }
        for exception in self.exceptions.iter().filter(|exception| exception.values.is_empty()) {
            let message = format!("exception '{}' has no values: it excepts nothing", short(&exception.name, 60));
            walk.push(Diagnostic::new(Code::ExceptionNever, exception.span, message));
        }
        walk.out
    }
}

struct Walk<'r> {
    rule: &'r RuleLints<'r>,
    out: Vec<Diagnostic>,
    work: usize,
}

impl Walk<'_> {
    fn push(&mut self, diagnostic: Diagnostic) {
        let is_new = |d: &Diagnostic| d.code != diagnostic.code || d.span() != diagnostic.span();
        if self.out.len() < MAX_LINTS && self.out.iter().all(is_new) {
            self.out.push(diagnostic);
        }
    }

    fn place(&self, id: LeafId) -> Option<&LeafPlace> {
        self.rule.leaves.get(id.0 as usize)
    }

    fn report(&mut self, code: Code, id: LeafId, message: String, other: Option<(LeafId, &str)>, help: Option<&str>) {
        let Some(place) = self.place(id) else { return };
        let mut diagnostic = Diagnostic::new(code, place.span(), message).help(help.map(str::to_owned));
        if let Some((other, text)) = other
            && let Some(other) = self.place(other)
            && other.span() != place.span()
        {
            diagnostic = diagnostic.also(other.span(), text);
        }
        let diagnostic = with_chain(diagnostic, place.via, self.rule.expansions);
        self.push(diagnostic);
    }

    /// A condition that is asked where all of `known` is so.
    fn conjunction<'e>(&mut self, expr: &'e Expr, known: &[Literal<'e>]) {
        let mut parts = Vec::new();
        flatten(expr, |e| if let Expr::And(parts) = e { Some(parts) } else { None }, &mut parts);
        self.work += known.len() + parts.len();
        if self.work > MAX_WORK || self.out.len() >= MAX_LINTS {
            return;
        }
        let mut literals: Vec<Literal<'e>> = Vec::new();
        for (part, expr) in parts.iter().enumerate() {
            match expr {
                Expr::Leaf(leaf, id) => literals.push(Literal { leaf, id: *id, holds: true, part }),
                Expr::Not(negated) => {
                    let mut leaves = Vec::new();
                    flatten(negated, |e| if let Expr::Or(parts) = e { Some(parts) } else { None }, &mut leaves);
                    for negated in leaves {
                        if let Expr::Leaf(leaf, id) = negated {
                            literals.push(Literal { leaf, id: *id, holds: false, part });
                        }
                    }
                }
                _ => {}
            }
        }
        self.work += literals.len();
        if let Some((a, b)) = contradiction(&literals) {
            self.never(b, a, "because this must hold as well");
            return;
        }
        // What surrounds it: reported only for what the rule itself says, as a macro has to suit every rule.
        if !known.is_empty() {
            let all: Vec<Literal<'_>> = known.iter().chain(&literals).copied().collect();
            if let Some((a, b)) = contradiction(&all) {
                let own = |id: LeafId| literals.iter().any(|literal| literal.id == id);
                let (own, other) = if own(b) { (b, a) } else { (a, b) };
                if self.place(own).is_some_and(|place| place.via.is_none()) {
                    self.never(own, other, "because this holds here");
                }
                return;
            }
        }
        for (i, part) in parts.iter().enumerate() {
            let is_compound = match part {
                Expr::Or(_) => true,
                Expr::Not(negated) => !matches!(**negated, Expr::Leaf(..)) || self.is_exception(negated),
                _ => false,
            };
            if !is_compound {
                continue;
            }
            let others = literals.iter().filter(|literal| literal.part != i && literal.holds);
            let known: Vec<Literal<'_>> = known.iter().chain(others).copied().collect();
            match part {
                Expr::Not(negated) => self.alternatives(negated, &known),
                other => self.alternatives(other, &known),
            }
        }
    }

    fn is_exception(&self, expr: &Expr) -> bool {
        let Expr::Leaf(_, id) = expr else { return false };
        self.place(*id).is_some_and(|place| self.exception_at(place.span()).is_some())
    }

    fn exception_at(&self, span: Span) -> Option<&Exception> {
        self.rule.exceptions.iter().find(|exception| {
            let outer = exception.span;
            outer.file == span.file && outer.start <= span.start && span.end <= outer.end
        })
    }

    fn alternatives<'e>(&mut self, expr: &'e Expr, known: &[Literal<'e>]) {
        let mut parts = Vec::new();
        flatten(expr, |e| if let Expr::Or(parts) = e { Some(parts) } else { None }, &mut parts);
        self.work += known.len() + parts.len();
        if self.work > MAX_WORK || self.out.len() >= MAX_LINTS {
            return;
        }
        self.differs_from_either(&parts);
        for part in parts {
            match part {
                Expr::Not(negated) if !matches!(**negated, Expr::Leaf(..)) => self.alternatives(negated, known),
                part => self.conjunction(part, known),
            }
        }
    }

    /// `f != a or f != b`: nothing is equal to both.
    fn differs_from_either(&mut self, parts: &[&Expr]) {
        let mut first: HashMap<&FieldRef, (&[u8], LeafId)> = HashMap::new();
        for part in parts {
            let (leaf, id) = match part {
                Expr::Leaf(leaf, id) if leaf.op == Op::Ne => (leaf, *id),
                Expr::Not(negated) => match &**negated {
                    Expr::Leaf(leaf, id) if leaf.op == Op::Eq => (leaf, *id),
                    _ => continue,
                },
                _ => continue,
            };
            let (Some(field), Some([constant])) = (single_field(leaf), constants(leaf)) else { continue };
            if !field.ty().is_text() {
                continue;
            }
            match first.get(field) {
                Some((other, _)) if *other == constant.as_slice() => {}
                Some(&(_, other)) => {
                    let message = format!("always true if there is a value: {} cannot be both", shown(field));
                    let help = "join the two by `and`, or write `not FIELD in (…)`";
                    self.report(Code::AlwaysTrue, id, message, Some((other, "or this")), Some(help));
                }
                None => {
                    first.insert(field, (constant, id));
                }
            }
        }
    }

    fn never(&mut self, id: LeafId, other: LeafId, why: &str) {
        let spans = [id, other].map(|id| self.place(id).map(LeafPlace::span));
        for (span, at, other) in [(spans[0], id, other), (spans[1], other, id)] {
            if let Some(exception) = span.and_then(|span| self.exception_at(span)) {
                let message = format!("exception '{}' can never apply with this value", short(&exception.name, 60));
                let value = self.place(at).map_or(exception.span, LeafPlace::value_span);
                let mut diagnostic = Diagnostic::new(Code::ExceptionNever, value, message);
                if let Some(other) = self.place(other).map(LeafPlace::span) {
                    diagnostic = diagnostic.also(other, "this must hold as well");
                }
                self.push(diagnostic);
                return;
            }
        }
        self.report(Code::NeverTrue, id, "never true here".to_owned(), Some((other, why)), None);
    }

    /// Comparisons of values that no event of the rule's kinds has.
    fn values(&mut self, kinds: &KindSet) {
        let codes: Vec<u16> = if kinds.is_all() { Vec::new() } else { kinds.codes().collect() };
        let mut answers: HashMap<&FieldRef, bool> = HashMap::new();
        let rule = self.rule;
        for (leaf, id) in rule.predicate.leaves().iter().zip(rule.predicate.leaf_ids()) {
            if let Some((result, field)) = beyond_zero(leaf.source()) {
                let (code, what) = match result {
                    true => (Code::AlwaysTrue, "always true if there is a value"),
                    false => (Code::NeverTrue, "never true"),
                };
                self.report(code, id, format!("{what}: {} is never negative", shown(field)), None, None);
            }
            if codes.is_empty() {
                continue;
            }
            let mut lacking = None;
            leaf.each_field(|field| {
                let has = *answers.entry(field).or_insert_with(|| codes.iter().any(|&code| may_have(field, code)));
                if !has {
                    lacking = Some(field);
                }
            });
            if let Some(field) = lacking {
                let names = kinds.names();
                let shown_names = names.iter().take(6).copied().collect::<Vec<_>>().join(", ");
                let more = if names.len() > 6 { ", …" } else { "" };
                let message = format!(
                    "{} has no value in any event that the rule asks for ({shown_names}{more}): never true",
                    shown(field)
                );
                self.report(Code::NoValue, id, message, None, None);
            }
        }
    }
}

/// The parts of nested nodes of one kind.
fn flatten<'e>(expr: &'e Expr, parts_of: impl Fn(&'e Expr) -> Option<&'e Vec<Expr>>, out: &mut Vec<&'e Expr>) {
    let mut stack = vec![expr];
    while let Some(expr) = stack.pop() {
        match parts_of(expr) {
            Some(parts) => stack.extend(parts.iter().rev()),
            None => out.push(expr),
        }
    }
}

fn shown(field: &FieldRef) -> String {
    short(&field.text, 60)
}

/// The field of a comparison that has at most one value, the same at each asking.
fn single_field(leaf: &UntypedLeaf) -> Option<&FieldRef> {
    let Operand::Field(field) = &leaf.lhs else { return None };
    let name = field.field().name;
    let is_plain = field.multiplicity() == Multiplicity::One && !matches!(name, "evt.around" | "evt.rawarg");
    (is_plain && leaf.modifier.is_none()).then_some(field)
}

fn constants(leaf: &UntypedLeaf) -> Option<&[Vec<u8>]> {
    if let Rhs::Constants(constants) = &leaf.rhs { Some(constants) } else { None }
}

/// Two comparisons that cannot hold together with all others of these.
fn contradiction(literals: &[Literal<'_>]) -> Option<(LeafId, LeafId)> {
    let mut by_field: HashMap<&FieldRef, Vec<&Literal<'_>>> = HashMap::new();
    let mut order = Vec::new();
    for literal in literals {
        if let Some(field) = single_field(literal.leaf).filter(|field| field.ty().is_text()) {
            let list = by_field.entry(field).or_default();
            if list.is_empty() {
                order.push(field);
            }
            list.push(literal);
        }
    }
    for field in order {
        let list = &by_field[field];
        let is_defining = |l: &&&Literal<'_>| l.holds && matches!(l.leaf.op, Op::Eq | Op::In);
        let Some(first) = list.iter().find(is_defining) else { continue };
        let Some(values) = constants(first.leaf).filter(|values| !values.is_empty() && values.len() <= 1000) else {
            continue;
        };
        let mut left: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        for literal in list.iter().filter(|literal| literal.id != first.id).take(100) {
            // An empty list is one that others are to fill.
            let Some(constants) = constants(literal.leaf).filter(|constants| !constants.is_empty()) else { continue };
            left.retain(|value| test(literal.leaf.op, value, constants).is_none_or(|result| result == literal.holds));
            if left.is_empty() {
                return Some((first.id, literal.id));
            }
        }
    }
    None
}

/// The result of a comparison for a text, if it is simple enough to be known.
fn test(op: Op, value: &[u8], constants: &[Vec<u8>]) -> Option<bool> {
    let one = constants.first()?;
    Some(match op {
        Op::Eq => value == one,
        Op::Ne => value != one,
        Op::In => constants.iter().any(|constant| constant == value),
        Op::StartsWith => value.starts_with(one),
        Op::EndsWith => value.ends_with(one),
        Op::Contains => value.contains_str(one),
        _ => return None,
    })
}

/// `< 0` and `>= 0` of a number without sign, with the result. `evt.num` is left out: comparing it is the common way
/// to write a condition that is always or never true.
fn beyond_zero(leaf: &UntypedLeaf) -> Option<(bool, &FieldRef)> {
    let field = single_field(leaf)?;
    let is_unsigned = matches!(field.ty(), FieldType::Uint(_) | FieldType::Port);
    let is_zero = constants(leaf).is_some_and(|constants| constants == [b"0"]);
    match leaf.op {
        _ if !is_unsigned || !is_zero || field.field().name == "evt.num" => None,
        Op::Lt => Some((false, field)),
        Op::Ge => Some((true, field)),
        _ => None,
    }
}

/// False if events with this code have no value of the field.
fn may_have(field: &FieldRef, code: u16) -> bool {
    match field.field().name {
        "evt.arg" | "evt.rawarg" => subject::kind_has_arg(code, &field.arg),
        name if name.starts_with("fd.") => subject::kind_has_descriptor(code),
        _ => true,
    }
}

/// Remarks about rules beside each other. `names` are the places of the rules' names.
pub fn between_rules(rules: &[Rule], names: &[Span]) -> Vec<Diagnostic> {
    let mut out = shadowed(rules, names);
    // Who does not use tags at all does not miss them.
    if rules.iter().any(|rule| !rule.tags.is_empty()) {
        for (_, name) in rules.iter().zip(names).filter(|(rule, _)| rule.tags.is_empty()) {
            out.push(
                Diagnostic::new(
                    Code::NoTags,
                    *name,
                    "the rule has no tags, unlike others: who selects by tag misses it",
                )
                .help("add `tags: [...]`".to_owned()),
            );
        }
    }
    out
}

/// Rules whose every event is one of an earlier rule: the parts of the earlier condition are among theirs.
fn shadowed(rules: &[Rule], names: &[Span]) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    let mut n_pairs = 0;
    // By one part of each earlier condition, so that few pairs are compared.
    let mut by_part: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut parts_of: Vec<HashSet<u64>> = Vec::with_capacity(rules.len());
    for (i, (rule, name)) in rules.iter().zip(names).enumerate() {
        let parts = if rule.is_enabled { digests(&rule.condition) } else { HashSet::new() };
        let mut sorted: Vec<u64> = parts.iter().copied().collect();
        sorted.sort_unstable();
        let candidates = sorted.iter().filter_map(|part| by_part.get(part)).flatten().copied();
        let mut covering: Option<usize> = None;
        for earlier in candidates {
            n_pairs += 1;
            if n_pairs > MAX_PAIRS {
                return out;
            }
            if parts_of[earlier].is_subset(&parts) && rules[earlier].source == rule.source {
                covering = Some(covering.map_or(earlier, |found| found.min(earlier)));
            }
        }
        if let Some(earlier) = covering {
            let other = short(&rules[earlier].name, 80);
            let message = match parts_of[earlier].len() == parts.len() {
                true => format!("the condition is the same as that of the earlier rule '{other}'"),
                false => format!("every event it matches also matches the earlier rule '{other}', which asks for less"),
            };
            out.push(
                Diagnostic::new(Code::ShadowedRule, *name, message)
                    .also(names[earlier], "the earlier rule")
                    .help("where only the first matching rule is reported, this one never is".to_owned()),
            );
        }
        // A part that few conditions have would be best; the first is as good as any where each has its own.
        if let Some(&first) = sorted.first() {
            by_part.entry(first).or_default().push(i);
        }
        parts_of.push(parts);
    }
    out
}

/// The parts of a condition that all must be true, as numbers that are equal for equal parts.
fn digests(condition: &Expr) -> HashSet<u64> {
    let mut parts = Vec::new();
    flatten(condition, |e| if let Expr::And(parts) = e { Some(parts) } else { None }, &mut parts);
    parts.into_iter().map(digest).collect()
}

/// Equal for conditions that differ only in places, order and repetition.
fn digest(expr: &Expr) -> u64 {
    let mut hasher = DefaultHasher::new();
    let joined = |parts: &[Expr]| {
        let mut parts: Vec<u64> = parts.iter().map(digest).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    };
    match expr {
        Expr::Const(value) => (0, value).hash(&mut hasher),
        Expr::Leaf(leaf, _) => (1, leaf).hash(&mut hasher),
        Expr::Not(part) => (2, digest(part)).hash(&mut hasher),
        Expr::And(parts) => (3, joined(parts)).hash(&mut hasher),
        Expr::Or(parts) => (4, joined(parts)).hash(&mut hasher),
    }
    hasher.finish()
}
