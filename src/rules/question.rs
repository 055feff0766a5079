//! Questions: what is asked of an event, once for all comparisons that have the same left side.

use std::sync::OnceLock;

use hashbrown::HashMap;
use tracehound_fields::{Depends, FieldRef, FieldType, OpenPart, Scope, Subject, Value};

use crate::bits::Bits;
use crate::ir::Operand;
use crate::leaf::{How, Leaf};
use crate::onepass::{Lookup, Texts};
use crate::operand::{DependsSet, value_of};
use crate::ops::{bytes_of, number_of};
use crate::plan::{RuleId, RuleSet};
use crate::predicate::{Program, Restriction};
use crate::values::Values;
use crate::walk::{End, Walk};

/// A left side with every comparison of it, or a comparison of two fields with each other.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The left side; `None` for a comparison of two fields.
    operand: Option<Operand>,
    /// Its field, if the field has keys ([`Subject::key`]).
    keyed: Option<FieldRef>,
    /// Numbers of the comparisons within the set.
    pub(crate) leaves: Box<[u32]>,
    /// Made when it is asked first: most questions of a set never are, and a set that is only checked asks none.
    lookup: OnceLock<Lookup>,
    /// The part of [`Subject::open_key`] that decides its answer.
    pub(crate) told_by: Option<OpenPart>,
    /// What it costs to ask, against other questions.
    pub(crate) cost: u32,
    /// Rules that can still match if all its comparisons are false.
    pub(crate) base: Bits,
}

/// The questions of a set of rules, and where each comparison stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Questions {
    pub(crate) all: Vec<Question>,
    /// For each comparison its question and its number there; [`NOT_ASKED`] for one that the kind of event decides.
    pub(crate) of_leaf: Vec<(u32, u32)>,
    /// For each comparison the rules that ask it.
    pub(crate) rules_of_leaf: Vec<Vec<RuleId>>,
    /// Questions that a part of the actor's state decides, by scope.
    pub(crate) by_scope: [Vec<u32>; Scope::ALL.len()],
}

/// No question.
pub(crate) const NOT_ASKED: u32 = u32::MAX;

impl Questions {
    /// Sorts comparisons into questions. `programs` are those of the rules, in order.
    pub(crate) fn new<'p>(leaves: &[&Leaf], programs: impl ExactSizeIterator<Item = &'p Program> + Clone) -> Questions {
        let n_rules = programs.len();
        let mut rules_of_leaf: Vec<Vec<RuleId>> = vec![Vec::new(); leaves.len()];
        for (rule, program) in (0..).map(RuleId).zip(programs.clone()) {
            for leaf in program.leaves() {
                let rules = &mut rules_of_leaf[leaf as usize];
                if rules.last() != Some(&rule) {
                    rules.push(rule);
                }
            }
        }
        let mut by_operand: HashMap<&Operand, usize> = HashMap::new();
        let mut groups: Vec<(Option<&Operand>, Vec<u32>)> = Vec::new();
        for (number, leaf) in (0..).zip(leaves) {
            if leaf.is_of_one_value() {
                let operand = &leaf.source().lhs;
                let group = *by_operand.entry(operand).or_insert_with(|| {
                    groups.push((Some(operand), Vec::new()));
                    groups.len() - 1
                });
                groups[group].1.push(number);
            } else if leaf.constant().is_none() && !matches!(leaf.how(), How::Kind(_)) {
                groups.push((None, vec![number]));
            }
        }
        let mut questions = Questions { of_leaf: vec![(NOT_ASKED, 0); leaves.len()], ..Questions::default() };
        let mut scratch = Restriction::default();
        let programs: Vec<&Program> = programs.collect();
        for (number, (operand, group)) in (0..).zip(groups) {
            group.iter().zip(0..).for_each(|(&leaf, bit)| questions.of_leaf[leaf as usize] = (number, bit));
            let own = group.iter().map(|&leaf| leaves[leaf as usize]);
            let depends = own.fold(DependsSet::default(), |set, leaf| set.union(leaf.depends()));
            let mut base = Bits::all(n_rules);
            let mut tried = Bits::none(n_rules);
            let known = |leaf: u32| (questions.of_leaf[leaf as usize].0 == number).then_some(false);
            for &RuleId(rule) in group.iter().flat_map(|&leaf| &rules_of_leaf[leaf as usize]) {
                if tried.insert(rule as usize) && programs[rule as usize].is_refuted(known, &mut scratch) {
                    base.set(rule as usize, false);
                }
            }
            if let Some(scope) = depends.scope() {
                questions.by_scope[scope as usize].push(number);
            }
            questions.all.push(Question {
                operand: operand.cloned(),
                keyed: match operand {
                    Some(Operand::Field(field)) if field.field().key.is_some() => Some(field.clone()),
                    _ => None,
                },
                told_by: match operand {
                    Some(Operand::Field(field)) => field.told_by(),
                    _ => None,
                },
                lookup: OnceLock::new(),
                leaves: group.into(),
                cost: cost(operand, depends),
                base,
            });
        }
        questions.rules_of_leaf = rules_of_leaf;
        questions
    }

    /// The result of a comparison, given which of its question's are true.
    pub(crate) fn result(&self, question: u32, leaf: u32, is_true: &Bits) -> Option<bool> {
        let (own, bit) = self.of_leaf[leaf as usize];
        (own == question).then(|| is_true.contains(bit as usize))
    }
}

impl Question {
    fn lookup(&self, set: &RuleSet) -> &Lookup {
        self.lookup.get_or_init(|| match self.operand {
            Some(_) => Lookup::new(&self.leaves.iter().map(|&leaf| set.leaf(leaf)).collect::<Vec<_>>()),
            None => Lookup::Plain,
        })
    }
}

/// What a question costs: about nanoseconds, measured on the captures that the benchmarks use.
fn cost(operand: Option<&Operand>, depends: DependsSet) -> u32 {
    let is_text = |operand: &Operand| match operand {
        Operand::Field(field) => field.ty().is_text() || field.ty() == FieldType::Bytes,
        _ => true,
    };
    let has_keys = matches!(operand, Some(Operand::Field(field)) if field.field().key.is_some());
    let is_of_args = depends.contains(Depends::Args);
    let value = match operand {
        None => 50,
        // A transformer makes its value anew each time.
        Some(Operand::Call { .. }) => 80,
        // Those with keys are mostly looked up; what comes once has to be read.
        Some(operand) if is_text(operand) => match (is_of_args, has_keys) {
            (true, true) => 12,
            // Rendered from numbers.
            (true, false) => 60,
            (false, true) => 20,
            (false, false) => 40,
        },
        Some(_) if has_keys => 8,
        Some(_) => 12,
    };
    // Fields of other processes walk there.
    let walk = if depends.contains(Depends::Lineage) || depends.contains(Depends::Ancestors) { 100 } else { 0 };
    value + walk
}

/// The answers that a question had so far. An *answer* is which of its comparisons are true; each has a number, 0
/// being that none is.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    rows: Vec<Answer>,
    numbers: HashMap<Bits, u32>,
    /// Answers by [`Subject::key`], each in its place, the last one that came there.
    keyed: Box<[(u64, u32)]>,
    /// Answers for texts by where they lead; those that this does not tell by text.
    walk: Walk,
    texts: Values,
    /// Answers for other values as [`encode`] writes them.
    others: Values,
    /// Answers for numbers, by their place among the constants, and for `false` and `true`.
    places: Vec<u32>,
    scratch: Bits,
    encoded: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Which comparisons are true.
    pub(crate) is_true: Bits,
    /// Rules that the answer does not refute.
    pub(crate) possible: Bits,
    /// How often it was given, as far as that was counted.
    n_given: u32,
}

/// Values longer than this are looked at anew each time.
const MAX_REMEMBERED: usize = 512;
/// Places for keys of one question; a power of two.
const SLOTS: usize = 1 << 11;
/// Not known yet.
const NONE: u32 = u32::MAX;

/// The place of a key. Keys are numbers of symbols, flags: any of their bits may be all that differs.
fn slot_of(key: u64) -> usize {
    const BITS: u32 = SLOTS.ilog2();
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BITS)) as usize
}

impl Answers {
    pub(crate) fn new(question: &Question) -> Answers {
        let none = Bits::none(question.leaves.len());
        let mut numbers = HashMap::new();
        numbers.insert(none.clone(), 0);
        Answers {
            rows: vec![Answer { is_true: none.clone(), possible: question.base.clone(), n_given: 0 }],
            numbers,
            keyed: Box::default(),
            walk: Walk::default(),
            texts: Values::default(),
            others: Values::default(),
            places: Vec::new(),
            scratch: none,
            encoded: Vec::new(),
        }
    }

    pub(crate) fn row(&self, answer: u32) -> &Answer {
        &self.rows[answer as usize]
    }

    /// Notes that an answer was given.
    pub(crate) fn count(&mut self, answer: u32) {
        let n_given = &mut self.rows[answer as usize].n_given;
        *n_given = n_given.saturating_add(1);
    }

    /// How many of 1024 answers rule a rule out, going by those that were counted; without any, by the answer that
    /// no comparison is true.
    pub(crate) fn rules_out(&self, rule: RuleId) -> u64 {
        // What is usual comes early; there can be as many answers as there are values.
        const CONSIDERED: usize = 32;
        let (mut n_refuted, mut n_all) = (0u64, 0u64);
        for (i, row) in self.rows.iter().enumerate().take(CONSIDERED) {
            let n = u64::from(row.n_given) + u64::from(i == 0);
            n_all += n;
            n_refuted += if row.possible.contains(rule.0 as usize) { 0 } else { n };
        }
        (n_refuted << 10) / n_all.max(1)
    }

    /// Asks. Adds what it has to remember to `memory`, in bytes.
    pub(crate) fn ask<S: Subject + ?Sized>(
        &mut self,
        set: &RuleSet,
        number: u32,
        subject: &S,
        memory: &mut usize,
    ) -> u32 {
        let question = set.question(number);
        let Some(operand) = &question.operand else {
            self.scratch.clear();
            self.scratch.set(0, set.leaf(question.leaves[0]).evaluate(subject));
            return self.answer(set, number, memory);
        };
        let key = question.keyed.as_ref().and_then(|field| subject.key(field));
        let Some(key) = key else { return self.ask_value(set, number, &value_of(operand, subject), memory) };
        let slot = slot_of(key);
        if let Some(&(known, answer)) = self.keyed.get(slot)
            && known == key
            && answer != NONE
        {
            return answer;
        }
        let answer = self.ask_value(set, number, &value_of(operand, subject), memory);
        if self.keyed.is_empty() {
            self.keyed = vec![(0, NONE); SLOTS].into();
            *memory += size_of_val(&*self.keyed);
        }
        self.keyed[slot] = (key, answer);
        answer
    }

    /// The answer for a value of the left side.
    fn ask_value(&mut self, set: &RuleSet, number: u32, value: &Value<'_>, memory: &mut usize) -> u32 {
        let question = set.question(number);
        let lookup = question.lookup(set);
        let place = match (value, lookup) {
            (Value::Null, _) => return 0,
            (Value::Bool(value), _) => Some(usize::from(*value)),
            (value, Lookup::Number(numbers)) => number_of(value).map(|number| numbers.place(number)),
            _ => None,
        };
        if let Some(place) = place {
            if self.places.len() <= place {
                self.places.resize(place + 1, NONE);
            }
            if self.places[place] == NONE {
                self.places[place] = self.evaluate(set, number, value, memory);
            }
            return self.places[place];
        }
        if let (Lookup::Text(texts), Some(text)) = (lookup, bytes_of(value)) {
            if texts.is_told_by_place() {
                return self.walk(set, number, texts, text, value, memory);
            }
            if text.len() <= MAX_REMEMBERED {
                let (slot, known) = self.texts.find(text);
                return known.unwrap_or_else(|| {
                    let answer = self.walk(set, number, texts, text, value, memory);
                    self.texts.remember(slot, text, answer, memory);
                    answer
                });
            }
            return self.walk(set, number, texts, text, value, memory);
        }
        self.encoded.clear();
        if !encode(value, &mut self.encoded) {
            return self.evaluate(set, number, value, memory);
        }
        let (slot, known) = self.others.find(&self.encoded);
        known.unwrap_or_else(|| {
            let answer = self.evaluate(set, number, value, memory);
            self.others.remember(slot, &self.encoded, answer, memory);
            answer
        })
    }

    /// The answer for a text.
    fn walk(
        &mut self,
        set: &RuleSet,
        number: u32,
        texts: &Texts,
        text: &[u8],
        value: &Value<'_>,
        memory: &mut usize,
    ) -> u32 {
        let question = set.question(number);
        let leaf = |i: usize| set.leaf(question.leaves[i]);
        match self.walk.read(texts, text, &leaf, value, &mut self.scratch, memory) {
            End::Answer(answer) => answer,
            End::New(row) => {
                let answer = self.answer(set, number, memory);
                if let Some(row) = row {
                    self.walk.remember(texts, row, answer);
                }
                answer
            }
        }
    }

    fn evaluate(&mut self, set: &RuleSet, number: u32, value: &Value<'_>, memory: &mut usize) -> u32 {
        let question = set.question(number);
        self.scratch.clear();
        let leaf = |i: usize| set.leaf(question.leaves[i]);
        question.lookup(set).evaluate(&leaf, question.leaves.len(), value, &mut self.scratch);
        self.answer(set, number, memory)
    }

    /// The number of the answer in `scratch`.
    fn answer(&mut self, set: &RuleSet, number: u32, memory: &mut usize) -> u32 {
        if let Some(&answer) = self.numbers.get(&self.scratch) {
            return answer;
        }
        let question = set.question(number);
        let mut possible = question.base.clone();
        let mut restriction = Restriction::default();
        let known = |leaf: u32| set.questions().result(number, leaf, &self.scratch);
        // Rules of none of the comparisons that are true see what they see in answer 0.
        for bit in self.scratch.iter() {
            for &rule in &set.questions().rules_of_leaf[question.leaves[bit] as usize] {
                possible.set(rule.0 as usize, !set.program(rule).is_refuted(known, &mut restriction));
            }
        }
        let answer = self.rows.len() as u32;
        *memory += 2 * self.scratch.memory() + possible.memory() + size_of::<Answer>() + 32;
        self.numbers.insert(self.scratch.clone(), answer);
        self.rows.push(Answer { is_true: self.scratch.clone(), possible, n_given: 0 });
        answer
    }
}

/// Writes a value so that equal bytes are equal values. False for one that is too long for that to pay.
fn encode(value: &Value<'_>, to: &mut Vec<u8>) -> bool {
    let mut text = |tag: u8, text: &[u8]| {
        to.push(tag);
        to.extend_from_slice(&(text.len() as u32).to_le_bytes());
        to.extend_from_slice(&text[..text.len().min(MAX_REMEMBERED)]);
    };
    match value {
        Value::Null => to.push(0),
        Value::Bool(value) => to.extend([1, u8::from(*value)]),
        Value::Int(value) => {
            to.push(2);
            to.extend_from_slice(&value.to_le_bytes());
        }
        Value::Uint(value) => {
            to.push(3);
            to.extend_from_slice(&value.to_le_bytes());
        }
        Value::Double(value) => {
            to.push(4);
            to.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Value::Str(value) => text(5, value),
        Value::Bytes(value) => text(6, value),
        Value::Ip(std::net::IpAddr::V4(value)) => {
            to.push(7);
            to.extend_from_slice(&value.octets());
        }
        Value::Ip(std::net::IpAddr::V6(value)) => {
            to.push(8);
            to.extend_from_slice(&value.octets());
        }
        Value::List(items) => {
            to.push(9);
            to.extend_from_slice(&(items.len() as u32).to_le_bytes());
            if !items.iter().all(|item| encode(item, to)) {
                return false;
            }
        }
    }
    to.len() <= MAX_REMEMBERED
}
