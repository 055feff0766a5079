//! Rules made ready: which to ask for which kind of event, and what they share.

use bstr::ByteSlice;
use hashbrown::{HashMap, HashSet};
use tracehound_fields::{FieldRef, Subject, subject};

use crate::compile::compile_with;
use crate::error::{TypeError, TypeErrorKind};
use crate::ir::{Priority, Rule, UntypedLeaf};
use crate::kinds::{KindSet, position};
use crate::leaf::Leaf;
use crate::output::Output;
use crate::predicate::{Predicate, Program};
use crate::scheme::{Catalogue, Scheme};

/// The source of events whose rules are asked; rules of other sources are kept but never match.
const SOURCE: &str = "syscall";

/// A code that no kind has.
const UNKNOWN_CODE: u16 = u16::MAX;

/// Number of a rule within a [`RuleSet`]. Order is the order of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub u32);

/// Why a rule was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleErrors {
    /// Its position in what was given to [`RuleSet::plan`].
    pub position: usize,
    /// Its name.
    pub name: String,
    /// What is wrong with its condition.
    pub condition: Vec<TypeError>,
    /// What is wrong with its output: the part of the template, from 0, and why.
    pub output: Vec<(usize, TypeErrorKind)>,
}

/// A rule with its compiled condition.
#[derive(Clone, Debug)]
pub struct PlannedRule {
    rule: Rule,
    predicate: Predicate,
    output: Output,
    kinds: KindSet,
    /// The predicate's program with the set's numbers of leaves.
    program: Program,
}

impl PlannedRule {
    /// The rule as it was loaded.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Its condition.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// Its output.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The kinds of event it can match.
    pub fn kinds(&self) -> &KindSet {
        &self.kinds
    }

    /// Every field that its condition names, sorted, once each: what must be known for it to be decided.
    pub fn fields_used(&self) -> Vec<&FieldRef> {
        self.predicate.fields()
    }

    /// True if it is asked: enabled, and of the source of events.
    pub fn is_active(&self) -> bool {
        self.rule.is_enabled && (self.rule.source == SOURCE || self.rule.source.is_empty())
    }
}

/// Rules with an index by kind of event. Comparisons that are equal, in whatever rules, are one leaf.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<PlannedRule>,
    leaves: Vec<SharedLeaf>,
    /// For each kind, which of `lists` holds its rules; the last is for codes without a name.
    list_of: Vec<u32>,
    /// Rules to ask, in order.
    lists: Vec<Box<[RuleId]>>,
    /// How many leaves have a place in the memory of a [`Matcher`].
    n_cells: usize,
    /// The order in which rules are asked: that of definition, those that were enabled later behind it.
    order: Vec<RuleId>,
}

/// Rules to enable or to disable, whatever their files say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What is done with them.
    pub enable: bool,
    /// Which rules.
    pub by: SelectBy,
}

/// Rules by a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectBy {
    /// Those whose whole name fits; `*` stands for any text.
    Name(String),
    /// Those with this tag.
    Tag(String),
}

impl SelectBy {
    /// True for a rule that it stands for.
    pub fn is_met_by(&self, rule: &Rule) -> bool {
        match self {
            SelectBy::Name(pattern) => fits(pattern.as_bytes(), rule.name.as_bytes()),
            SelectBy::Tag(tag) => rule.tags.contains(tag),
        }
    }
}

/// True if the whole text fits a pattern in which only `*` means something.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = pattern.split(|&b| b == b'*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[derive(Clone, Debug)]
struct SharedLeaf {
    leaf: Leaf,
    /// How often it is asked, over all rules.
    n_uses: u32,
    /// Where its result for an event is remembered; `None` if that would not pay.
    cell: Option<u32>,
}

impl RuleSet {
    /// Compiles rules, in order of definition. A rule that does not compile is left out and told of; the others
    /// stand.
    pub fn plan(rules: Vec<Rule>) -> (RuleSet, Vec<RuleErrors>) {
        RuleSet::plan_with(rules, &Catalogue)
    }

    /// As [`RuleSet::plan`], with another catalogue of fields.
    pub fn plan_with(rules: Vec<Rule>, scheme: &dyn Scheme) -> (RuleSet, Vec<RuleErrors>) {
        let mut set = RuleSet::default();
        let mut errors = Vec::new();
        let mut known: HashMap<UntypedLeaf, u32> = HashMap::new();
        for (position, rule) in rules.into_iter().enumerate() {
            let predicate = compile_with(&rule.condition, scheme);
            let output = Output::with(&rule.output, scheme);
            match (predicate, output) {
                (Ok(predicate), Ok(output)) => set.add(rule, predicate, output, &mut known),
                (predicate, output) => errors.push(RuleErrors {
                    position,
                    name: rule.name,
                    condition: predicate.err().unwrap_or_default(),
                    output: output.err().unwrap_or_default(),
                }),
            }
        }
        for shared in &mut set.leaves {
            if shared.n_uses > 1 && !shared.leaf.is_cheap() {
                shared.cell = Some(set.n_cells as u32);
                set.n_cells += 1;
            }
        }
        set.order = (0..set.rules.len() as u32).map(RuleId).collect();
        set.index();
        (set, errors)
    }

    /// Enables and disables rules, in the order given. Returns how many rules each selection stands for.
    ///
    /// `Quirk::ReenabledLast`: a disabled rule that is enabled is asked after all others.
    pub fn select(&mut self, selections: &[Selection]) -> Vec<usize> {
        let counts = selections.iter().map(|selection| self.select_one(selection)).collect();
        self.index();
        counts
    }

    fn select_one(&mut self, selection: &Selection) -> usize {
        let mut enabled = Vec::new();
        let mut n = 0;
        for (planned, id) in self.rules.iter_mut().zip(0..) {
            if selection.by.is_met_by(&planned.rule) {
                n += 1;
                if selection.enable && !planned.rule.is_enabled {
                    enabled.push(RuleId(id));
                }
                planned.rule.is_enabled = selection.enable;
            }
        }
        let moved: HashSet<RuleId> = enabled.iter().copied().collect();
        self.order.retain(|id| !moved.contains(id));
        self.order.extend(enabled);
        n
    }

    fn add(&mut self, rule: Rule, predicate: Predicate, output: Output, known: &mut HashMap<UntypedLeaf, u32>) {
        let numbers: Vec<u32> = predicate
            .leaves()
            .iter()
            .map(|leaf| {
                let number = *known.entry_ref(leaf.source()).or_insert_with(|| {
                    self.leaves.push(SharedLeaf { leaf: leaf.clone(), n_uses: 0, cell: None });
                    self.leaves.len() as u32 - 1
                });
                self.leaves[number as usize].n_uses += 1;
                number
            })
            .collect();
        let program = predicate.program().renumbered(|leaf| numbers[leaf as usize]);
        let kinds = predicate.kinds();
        self.rules.push(PlannedRule { rule, predicate, output, kinds, program });
    }

    fn index(&mut self) {
        self.lists.clear();
        let mut list_ids: HashMap<Box<[RuleId]>, u32> = HashMap::new();
        let mut rules_for = |code: u16| -> u32 {
            let is_asked = |id: &&RuleId| {
                let rule = &self.rules[id.0 as usize];
                rule.is_active() && rule.kinds.contains(code) && rule.program.constant() != Some(false)
            };
            let list: Box<[RuleId]> = self.order.iter().filter(is_asked).copied().collect();
            *list_ids.entry_ref(&list).or_insert_with(|| {
                self.lists.push(list.clone());
                self.lists.len() as u32 - 1
            })
        };
        // Codes without a name are all alike, and stand last.
        let unknown = rules_for(UNKNOWN_CODE);
        let mut list_of = vec![unknown; 1 + subject::all_kind_codes().count()];
        for (code, _) in subject::all_kind_codes() {
            if let Some(list) = position(code).and_then(|at| list_of.get_mut(at)) {
                *list = rules_for(code);
            }
        }
        self.list_of = list_of;
    }

    /// The rules, in order of definition.
    pub fn rules(&self) -> &[PlannedRule] {
        &self.rules
    }

    /// One rule.
    pub fn rule(&self, id: RuleId) -> &PlannedRule {
        &self.rules[id.0 as usize]
    }

    /// Every different comparison of all rules.
    pub fn leaves(&self) -> impl ExactSizeIterator<Item = &Leaf> {
        self.leaves.iter().map(|shared| &shared.leaf)
    }

    /// The rules that an event of this kind is asked for, in order.
    pub fn rules_for_kind(&self, code: u16) -> &[RuleId] {
        let list = position(code).and_then(|at| self.list_of.get(at)).or(self.list_of.last());
        list.map_or(&[], |&list| &self.lists[list as usize])
    }

    /// The rules that match, found without index, programs or memory: what [`Matcher::matches`] must give too.
    pub fn matches_plainly<S: Subject + ?Sized>(
        &self,
        subject: &S,
        policy: Policy,
        least: Priority,
    ) -> impl Iterator<Item = RuleId> {
        let n_hits = match policy {
            Policy::First => 1,
            Policy::All => usize::MAX,
        };
        let rules = self.order.iter().map(|&id| (self.rule(id), id));
        let rules = rules.filter(move |(rule, _)| rule.is_active() && rule.rule.priority <= least);
        rules.filter(move |(rule, _)| rule.predicate.evaluate_plainly(subject)).map(|(_, id)| id).take(n_hits)
    }
}

/// Which of several matching rules are reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The first in order of definition, as Falco does unless told otherwise.
    #[default]
    First,
    /// All of them.
    All,
}

/// Asks the rules of a set about one event after another. One for each thread; it only holds memory that is used
/// again.
#[derive(Clone, Debug)]
pub struct Matcher<'r> {
    set: &'r RuleSet,
    policy: Policy,
    least: Priority,
    /// For each shared leaf, the number of the event it was last evaluated for and, in the lowest bit, its result.
    cells: Vec<u32>,
    event: u32,
    hits: Vec<RuleId>,
}

impl<'r> Matcher<'r> {
    /// A matcher for rules of priority `least` and more severe ones.
    pub fn new(set: &'r RuleSet, policy: Policy, least: Priority) -> Matcher<'r> {
        Matcher { set, policy, least, cells: vec![0; set.n_cells], event: 0, hits: Vec::new() }
    }

    /// The rules that match an event, in the order in which they are asked: that of definition, unless rules were
    /// enabled later.
    pub fn matches<S: Subject + ?Sized>(&mut self, subject: &S) -> &[RuleId] {
        self.hits.clear();
        let candidates = self.set.rules_for_kind(subject.kind_code());
        if candidates.is_empty() {
            return &self.hits;
        }
        self.event += 1;
        if self.event > u32::MAX >> 1 {
            self.cells.fill(0);
            self.event = 1;
        }
        for &id in candidates {
            let rule = self.set.rule(id);
            if rule.rule.priority > self.least {
                continue;
            }
            let (set, cells, event) = (self.set, &mut self.cells, self.event);
            let is_match = rule.program.run(|leaf| {
                let shared = &set.leaves[leaf as usize];
                let Some(cell) = shared.cell else { return shared.leaf.evaluate(subject) };
                let cell = &mut cells[cell as usize];
                if *cell >> 1 != event {
                    *cell = event << 1 | u32::from(shared.leaf.evaluate(subject));
                }
                *cell & 1 == 1
            });
            if is_match {
                self.hits.push(id);
                if self.policy == Policy::First {
                    break;
                }
            }
        }
        &self.hits
    }
}
