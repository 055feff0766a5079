//! Remarks about rules that load, but say less than their author thinks: comparisons that are never or always true,
//! exceptions that can never apply, values that no event of the rule's kinds has, rules that another one covers.
//!
//! Only what is certain is said. A value that is absent makes a comparison false; a field that is compared with `=`
//! or `in` and has one value is known to have one of the constants, and other comparisons of it are asked of these.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bstr::ByteSlice;
use tracehound_fields::{FieldArg, FieldRef, FieldType, Multiplicity, Subject, Value, subject};
use tracehound_rules::{Expr, KindSet, LeafId, Modifier, Op, Operand, Predicate, Quirk, Rhs, Rule, UntypedLeaf};

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
            walk.values(kinds);
            walk.modifiers();
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
        let is_new =
            |d: &Diagnostic| (d.code, d.quirk, d.span()) != (diagnostic.code, diagnostic.quirk, diagnostic.span());
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
        self.redundant(&parts, false);
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
        self.redundant(&parts, true);
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

    /// Of two lists for one field, written in the same place, the one that changes nothing: an alternative whose values
    /// another has too, or a list of which another allows only a part.
    fn redundant(&mut self, parts: &[&Expr], is_either: bool) {
        let mut lists: Vec<(&FieldRef, &[Vec<u8>], LeafId)> = Vec::new();
        for part in parts {
            if let Expr::Leaf(leaf, id) = part
                && matches!(leaf.op, Op::Eq | Op::In)
                && let (Some(field), Some(values)) = (single_field(leaf), constants(leaf))
                && !values.is_empty()
                && values.len() <= 100
                && lists.len() < 100
            {
                lists.push((field, values, *id));
            }
        }
        for (i, &(field, values, id)) in lists.iter().enumerate() {
            for (k, &(other_field, other_values, other)) in lists.iter().enumerate() {
                if i == k || field != other_field {
                    continue;
                }
                let (narrow, wide) = if is_either { (values, other_values) } else { (other_values, values) };
                let is_within = narrow.iter().all(|value| wide.contains(value));
                // Of two equal ones the second is the one too many.
                if !is_within || (narrow.len() == wide.len() && i < k) {
                    continue;
                }
                let is_written_together =
                    matches!((self.place(id), self.place(other)), (Some(a), Some(b)) if a.via == b.via);
                if is_written_together {
                    let message = match is_either {
                        true => "changes nothing: each of its values is one of the other list's",
                        false => "changes nothing: the other list allows no value that is not in it",
                    };
                    let text = if is_either { "this list has them all" } else { "this one asks for less" };
                    self.report(Code::Redundant, id, message.to_owned(), Some((other, text)), None);
                    break;
                }
            }
        }
    }

    /// `!= anyof` and `= allof` of different values.
    fn modifiers(&mut self) {
        let rule = self.rule;
        for (leaf, id) in rule.predicate.leaves().iter().zip(rule.predicate.leaf_ids()) {
            let source = leaf.source();
            // Texts only: two networks or ways to write a number can have a value in common.
            let is_text = matches!(&source.lhs, Operand::Field(field)
                if field.ty().is_text() && field.multiplicity() == Multiplicity::One && field.field().name != "evt.rawarg");
            let Some([first, rest @ ..]) = constants(source).filter(|_| is_text) else { continue };
            if rest.iter().all(|other| other == first) || leaf.constant().is_some() {
                continue;
            }
            match (source.op, source.modifier) {
                (Op::Ne, Some(Modifier::AnyOf)) => {
                    let message = "always true if there is a value: nothing is equal to all of them".to_owned();
                    let help = "`!= allof` asks that it is none of them";
                    self.report(Code::AlwaysTrue, id, message, None, Some(help));
                }
                (Op::Eq, Some(Modifier::AllOf)) => {
                    let message = "never true: nothing is equal to all of them".to_owned();
                    self.report(Code::NeverTrue, id, message, None, Some("`= anyof` asks that it is one of them"));
                }
                _ => {}
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

    /// Comparisons of values that no event of the rule's kinds has, and quirks of fields.
    fn values(&mut self, kinds: &KindSet) {
        let codes: Vec<u16> = if kinds.is_all() { Vec::new() } else { kinds.codes().collect() };
        self.quirks_of_fields(&codes);
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

/// Quirks of single fields.
impl Walk<'_> {
    fn quirks_of_fields(&mut self, codes: &[u16]) {
        let rule = self.rule;
        let mut texts_na = Vec::new();
        for (leaf, id) in rule.predicate.leaves().iter().zip(rule.predicate.leaf_ids()) {
            if let Some(result) = direction(leaf.source(), codes) {
                let (code, what) = match result {
                    true => (Code::AlwaysTrue, "always true: every event of a system call is its end"),
                    false => (Code::NeverTrue, "never true: Falco has no events of entering a system call"),
                };
                self.report(code, id, what.to_owned(), None, None);
            }
            if is_text_na(leaf.source()) {
                texts_na.push(id);
            }
            if let Some(quirk) = quirk_of_field(leaf.source(), codes) {
                self.quirk(quirk, id, None);
            }
        }
        // One comparison stands for all: they come in dozens.
        if let [first, rest @ ..] = texts_na.as_slice() {
            let more = (!rest.is_empty()).then(|| format!("so are {} more comparisons of this condition", rest.len()));
            self.quirk(Quirk::TextNa, *first, more);
        }
        self.failed_opens(codes);
    }

    fn quirk(&mut self, quirk: Quirk, id: LeafId, note: Option<String>) {
        let Some(place) = self.place(id) else { return };
        let mut diagnostic = Diagnostic::quirk(quirk, place.span());
        if let Some(note) = note {
            diagnostic = diagnostic.note(note, None);
        }
        let diagnostic = with_chain(diagnostic, place.via, self.rule.expansions);
        self.push(diagnostic);
    }

    /// `Quirk::FailedOpenPath`, unless the condition asks for the result in some way.
    fn failed_opens(&mut self, codes: &[u16]) {
        let rule = self.rule;
        let opens = KindSet::named(["open", "openat", "openat2"]);
        if !codes.iter().any(|&code| opens.contains(code)) {
            return;
        }
        let mut asks_result = false;
        let mut path = None;
        for (leaf, id) in rule.predicate.leaves().iter().zip(rule.predicate.leaf_ids()) {
            leaf.each_field(|field| match field.field().name {
                "evt.res" | "evt.rawres" | "evt.failed" | "fd.num" | "fd.type" | "fd.typechar" | "evt.rawarg" => {
                    asks_result = true;
                }
                "fs.path.name" | "fs.path.nameraw" => path = path.or(Some(id)),
                _ => {}
            });
        }
        if let Some(id) = path.filter(|_| !asks_result) {
            self.quirk(Quirk::FailedOpenPath, id, None);
        }
    }
}

/// `Quirk::EventDirection`: the result of comparing `evt.dir`, if all events asked for are system calls.
fn direction(leaf: &UntypedLeaf, codes: &[u16]) -> Option<bool> {
    let field = single_field(leaf).filter(|field| field.field().name == "evt.dir")?;
    let constants = constants(leaf).filter(|constants| !constants.is_empty())?;
    let is_syscalls = !codes.is_empty() && codes.iter().all(|&code| subject::kind_is_syscall(code));
    let result = is_syscalls.then(|| passes(leaf, field, &Value::str("<"))).flatten()?;
    // `in (<, >)` says nothing that is not so.
    (!result || constants.len() == 1).then_some(result)
}

/// `Quirk::TextNa`.
fn is_text_na(leaf: &UntypedLeaf) -> bool {
    let is_container =
        single_field(leaf).is_some_and(|field| ["container.", "k8s."].iter().any(|p| field.text.starts_with(p)));
    let is_na = |constant: &Vec<u8>| matches!(constant.as_slice(), b"<NA>" | b"N/A");
    is_container && matches!(leaf.op, Op::Eq | Op::Ne | Op::In) && constants(leaf).is_some_and(|c| c.iter().any(is_na))
}

/// Quirks that the field of a comparison, its argument or its constants show.
fn quirk_of_field(leaf: &UntypedLeaf, codes: &[u16]) -> Option<Quirk> {
    let Operand::Field(field) = &leaf.lhs else { return None };
    let asks = |names: &[&'static str]| codes.iter().any(|&code| KindSet::named(names.iter().copied()).contains(code));
    match field.field().name {
        "evt.latency" | "evt.latency.s" | "evt.latency.ns" | "evt.latency.human" | "evt.wait_latency" => {
            Some(Quirk::LatencyZero)
        }
        "proc.aargs" if field.arg == FieldArg::None => Some(Quirk::AncestorArguments),
        name if name.starts_with("container.mount") => match &field.arg {
            FieldArg::Name(pattern) if looks_like_glob(pattern) => Some(Quirk::MountPattern),
            _ => None,
        },
        name if name.starts_with("fs.path.source") || name.starts_with("fs.path.target") => {
            // Who asks for links alone knows which path is which; who asks for renames too means one of them.
            let is_either =
                asks(&["link", "linkat", "symlink", "symlinkat"]) && asks(&["rename", "renameat", "renameat2"]);
            is_either.then_some(Quirk::LinkSource)
        }
        "evt.arg" if matches!(leaf.op, Op::Eq | Op::Ne | Op::In) && leaf.modifier.is_none() => {
            let numbers: Option<Vec<u32>> =
                constants(leaf)?.iter().map(|text| text.to_str().ok()?.parse::<u32>().ok()).collect();
            let numbers = numbers.filter(|numbers| !numbers.is_empty())?;
            let mut carriers = codes.iter().filter(|&&code| subject::kind_has_arg(code, &field.arg)).peekable();
            carriers.peek()?;
            carriers
                .all(|&code| numbers.iter().all(|&n| subject::kind_names_number(code, &field.arg, n)))
                .then_some(Quirk::ArgumentName)
        }
        _ => None,
    }
}

/// True for a pattern with `*` or `?` behind a letter, digit or `/`, where a regular expression has `.*`.
fn looks_like_glob(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    bytes.windows(2).any(|pair| (pair[0].is_ascii_alphanumeric() || pair[0] == b'/') && matches!(pair[1], b'*' | b'?'))
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
        if let Some(field) = single_field(literal.leaf).filter(|field| field.field().name != "evt.num") {
            let list = by_field.entry(field).or_default();
            if list.is_empty() {
                order.push(field);
            }
            list.push(literal);
        }
    }
    order.into_iter().find_map(|field| contradiction_of(field, &by_field[field]))
}

/// The same for comparisons of one field.
fn contradiction_of(field: &FieldRef, list: &[&Literal<'_>]) -> Option<(LeafId, LeafId)> {
    // A comparison that is false because there is no value contradicts nothing: some other must ask for one.
    if !list.iter().any(|literal| literal.holds) {
        return None;
    }
    let is_defining = |l: &&&Literal<'_>| l.holds && matches!(l.leaf.op, Op::Eq | Op::In);
    let Some(first) = list.iter().find(is_defining) else {
        return if field.ty().is_text() { of_parts(list) } else { of_ranges(field, list) };
    };
    let values = constants(first.leaf).filter(|values| !values.is_empty() && values.len() <= 1000)?;
    let mut left: Vec<Value<'_>> = values.iter().map(|text| value_of(field, text)).collect::<Option<_>>()?;
    for literal in list.iter().filter(|literal| literal.id != first.id).take(100) {
        // An empty list is one that others are to fill.
        if constants(literal.leaf).is_none_or(<[_]>::is_empty) {
            continue;
        }
        let test = Compiled::new(literal.leaf, field);
        left.retain(|value| test.passes(value).is_none_or(|result| result == literal.holds));
        if left.is_empty() {
            return Some((first.id, literal.id));
        }
    }
    None
}

/// A constant of a comparison as a value of its field, if constants of the type are values.
fn value_of<'a>(field: &FieldRef, text: &'a [u8]) -> Option<Value<'a>> {
    match field.ty() {
        ty if ty.is_text() => Some(Value::str(text)),
        // As the field's type holds it: a number that does not fit is another.
        FieldType::Int(64) => text.to_str().ok()?.parse().ok().map(Value::Int),
        FieldType::Uint(64) => text.to_str().ok()?.parse().ok().map(Value::Uint),
        FieldType::Uint(32) => text.to_str().ok()?.parse::<u32>().ok().map(|n| Value::Uint(n.into())),
        FieldType::Port => text.to_str().ok()?.parse::<u16>().ok().map(|n| Value::Uint(n.into())),
        FieldType::Bool => text.to_str().ok()?.parse().ok().map(Value::Bool),
        FieldType::Ip => text.to_str().ok()?.parse().ok().map(Value::Ip),
        _ => None,
    }
}

/// A comparison, to be asked for values of its field.
enum Compiled<'e> {
    /// Of the kind of event, whose names are texts here.
    OfKind(&'e UntypedLeaf),
    Leaf(Box<Predicate>),
    /// What does not compile alone is not asked.
    Nothing,
}

/// A subject whose only field has this value.
struct Just<'v>(&'v Value<'v>);

impl Subject for Just<'_> {
    fn get(&self, _: &FieldRef) -> Value<'_> {
        self.0.clone()
    }

    fn kind_code(&self) -> u16 {
        u16::MAX
    }
}

impl<'e> Compiled<'e> {
    fn new(leaf: &'e UntypedLeaf, field: &FieldRef) -> Compiled<'e> {
        if matches!(field.field().name, "evt.type" | "syscall.type") {
            return Compiled::OfKind(leaf);
        }
        if constants(leaf).is_none() {
            return Compiled::Nothing;
        }
        let expr = Expr::Leaf(Arc::new(leaf.clone()), LeafId::default());
        tracehound_rules::compile(&expr).map_or(Compiled::Nothing, |predicate| Compiled::Leaf(Box::new(predicate)))
    }

    /// The result for a value; `None` if it is not known.
    fn passes(&self, value: &Value<'_>) -> Option<bool> {
        match self {
            Compiled::Leaf(predicate) => Some(predicate.evaluate(&Just(value))),
            Compiled::OfKind(leaf) => {
                let (value, constants) = (value.as_str()?, constants(leaf)?);
                let is_one = constants.iter().any(|constant| value == constant.as_bstr());
                match leaf.op {
                    Op::Eq | Op::In => Some(is_one),
                    Op::Ne => Some(!is_one),
                    _ => None,
                }
            }
            Compiled::Nothing => None,
        }
    }
}

fn passes(leaf: &UntypedLeaf, field: &FieldRef, value: &Value<'_>) -> Option<bool> {
    Compiled::new(leaf, field).passes(value)
}

/// Prefixes, suffixes and parts of a text: two beginnings of which neither begins the other, or one that must be and
/// one that must not and follows from it.
fn of_parts(list: &[&Literal<'_>]) -> Option<(LeafId, LeafId)> {
    let part = |l: &Literal<'_>| constants(l.leaf).filter(|c| c.len() == 1).map(|c| c[0].clone());
    for (i, a) in list.iter().enumerate().take(100).filter(|(_, literal)| literal.holds) {
        let Some(one) = part(a) else { continue };
        for (k, b) in list.iter().enumerate().take(100).filter(|&(k, _)| k != i) {
            let Some(other) = part(b) else { continue };
            let is_never = match (a.leaf.op, b.leaf.op, b.holds) {
                (Op::StartsWith, Op::StartsWith, true) => !one.starts_with(&other) && !other.starts_with(&one),
                (Op::EndsWith, Op::EndsWith, true) => !one.ends_with(&other) && !other.ends_with(&one),
                (Op::StartsWith, Op::StartsWith, false) => one.starts_with(&other),
                (Op::EndsWith, Op::EndsWith, false) => one.ends_with(&other),
                (Op::StartsWith | Op::EndsWith | Op::Contains, Op::Contains, false) => one.contains_str(&other),
                (x, y, false) => x == y && one == other,
                _ => false,
            };
            if is_never {
                let (first, second) = if i < k { (a, b) } else { (b, a) };
                return Some((first.id, second.id));
            }
        }
    }
    None
}

/// Bounds of a number between which nothing is left.
fn of_ranges(field: &FieldRef, list: &[&Literal<'_>]) -> Option<(LeafId, LeafId)> {
    let mut low: Option<(i128, LeafId)> = None;
    let mut high: Option<(i128, LeafId)> = None;
    for literal in list.iter().take(100) {
        let Some([constant]) = constants(literal.leaf) else { continue };
        let number = match value_of(field, constant) {
            Some(Value::Int(n)) => i128::from(n),
            Some(Value::Uint(n)) => i128::from(n),
            _ => continue,
        };
        let (low_bound, high_bound) = match (literal.leaf.op, literal.holds) {
            (Op::Lt, true) | (Op::Ge, false) => (None, Some(number - 1)),
            (Op::Le, true) | (Op::Gt, false) => (None, Some(number)),
            (Op::Gt, true) | (Op::Le, false) => (Some(number + 1), None),
            (Op::Ge, true) | (Op::Lt, false) => (Some(number), None),
            _ => continue,
        };
        if let Some(n) = low_bound.filter(|&n| low.is_none_or(|(old, _)| n > old)) {
            low = Some((n, literal.id));
        }
        if let Some(n) = high_bound.filter(|&n| high.is_none_or(|(old, _)| n < old)) {
            high = Some((n, literal.id));
        }
        if let (Some((least, a)), Some((most, b))) = (low, high)
            && least > most
        {
            return Some(if a.0 < b.0 { (a, b) } else { (b, a) });
        }
    }
    None
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
        // `Quirk::NoResult`.
        "evt.res" | "evt.rawres" | "evt.failed" => subject::kind_returns(code),
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
    let mut parts_of: Vec<Parts<'_>> = Vec::with_capacity(rules.len());
    for (i, (rule, name)) in rules.iter().zip(names).enumerate() {
        let parts = if rule.is_enabled { Parts::of(&rule.condition) } else { Parts::default() };
        let candidates = parts.keys.iter().filter_map(|key| by_part.get(key)).flatten().copied();
        let mut covering: Option<usize> = None;
        for earlier in candidates {
            n_pairs += 1;
            if n_pairs > MAX_PAIRS {
                return out;
            }
            if parts_of[earlier].is_implied_by(&parts) && rules[earlier].source == rule.source {
                covering = Some(covering.map_or(earlier, |found| found.min(earlier)));
            }
        }
        if let Some(earlier) = covering {
            let other = short(&rules[earlier].name, 80);
            let message = match parts_of[earlier].digests == parts.digests {
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
        if let Some(&first) = parts.keys.first() {
            by_part.entry(first).or_default().push(i);
        }
        parts_of.push(parts);
    }
    out
}

/// The parts of a condition that all must be true.
#[derive(Default)]
struct Parts<'e> {
    /// As numbers that are equal for equal parts.
    digests: HashSet<u64>,
    /// Those that ask for one of several values: by field, the values.
    lists: HashMap<&'e FieldRef, Vec<&'e [Vec<u8>]>>,
    /// For each part a number that is equal for parts of which one may imply the other, sorted, once each.
    keys: Vec<u64>,
}

impl<'e> Parts<'e> {
    fn of(condition: &'e Expr) -> Parts<'e> {
        let mut parts = Vec::new();
        flatten(condition, |e| if let Expr::And(parts) = e { Some(parts) } else { None }, &mut parts);
        let mut out = Parts::default();
        for part in parts {
            let own = digest(part);
            out.digests.insert(own);
            match list_of_values(part) {
                Some((field, values)) => {
                    let mut hasher = DefaultHasher::new();
                    field.hash(&mut hasher);
                    out.keys.push(hasher.finish());
                    out.lists.entry(field).or_default().push(values);
                }
                None => out.keys.push(own),
            }
        }
        out.keys.sort_unstable();
        out.keys.dedup();
        out
    }

    /// True if each part follows from one of the other: it is the same, or a list that has all values of the other's.
    fn is_implied_by(&self, other: &Parts<'_>) -> bool {
        let is_wider = |field: &&FieldRef, values: &[Vec<u8>]| {
            other.lists.get(*field).is_some_and(|lists| {
                lists.iter().any(|narrow| narrow.len() <= 100 && narrow.iter().all(|value| values.contains(value)))
            })
        };
        let lists_are_wider = |(field, lists): (&&FieldRef, &Vec<&[Vec<u8>]>)| lists.iter().all(|v| is_wider(field, v));
        !self.digests.is_empty() && self.others_within(other) && self.lists.iter().all(lists_are_wider)
    }

    /// True if every part that is no list is one of the other's.
    fn others_within(&self, other: &Parts<'_>) -> bool {
        self.keys.iter().filter(|key| self.digests.contains(key)).all(|digest| other.digests.contains(digest))
    }
}

/// A part that asks whether a field has one of some values.
fn list_of_values(part: &Expr) -> Option<(&FieldRef, &[Vec<u8>])> {
    let Expr::Leaf(leaf, _) = part else { return None };
    let values = constants(leaf).filter(|values| !values.is_empty() && values.len() <= 1000)?;
    let field = single_field(leaf).filter(|_| matches!(leaf.op, Op::Eq | Op::In))?;
    Some((field, values))
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
