//! Rules made ready: which to ask for which kind of event, and what they share.

use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use bstr::ByteSlice;
use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use tracehound_fields::{FieldRef, Subject, subject};

use crate::bits::Bits;
use crate::compile::compile_with;
use crate::error::{TypeError, TypeErrorKind};
use crate::ir::{OutputPart, Priority, Rule};
use crate::kinds::{self, KindSet};
use crate::leaf::{How, Leaf};
use crate::output::Output;
use crate::predicate::{Predicate, Program};
use crate::question::{Question, Questions};
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
    /// Made when it is first asked for: most rules of a set match nothing.
    output: OnceLock<Output>,
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
        // What cannot be made is told of when the rule is planned.
        self.output.get_or_init(|| Output::new(&self.rule.output).unwrap_or_default())
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

/// Rules with an index by kind of event. Comparisons that are equal, in whatever rules, are one leaf; leaves with the
/// same left side are one question.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<PlannedRule>,
    leaves: Vec<Leaf>,
    questions: Questions,
    /// By code of the kind, which of `lists` holds its rules.
    list_of: Vec<u32>,
    /// For codes without a name; `None` for an empty set.
    list_of_unknown: Option<u32>,
    /// By code of the kind, true if some rule is asked, or if the event's arguments say which kind it is.
    asks: Vec<bool>,
    asks_unknown: bool,
    lists: Vec<KindList>,
    /// The order in which rules are asked: that of definition, those that were enabled later behind it.
    order: Vec<RuleId>,
    /// By rule, its place in `order`.
    ranks: Vec<u32>,
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

/// What kinds of event have in common for which the same rules are asked in the same way.
#[derive(Clone, Debug, Default)]
pub(crate) struct KindList {
    /// Rules to ask, in order.
    pub(crate) rules: Box<[RuleId]>,
    /// The same as a set.
    pub(crate) is_asked: Bits,
    /// Leaves of these rules that hold for the kinds, of those that ask for nothing else; sorted.
    pub(crate) is_true: Box<[u32]>,
}

impl RuleSet {
    /// Compiles rules, in order of definition. A rule that does not compile is left out and told of; the others
    /// stand.
    pub fn plan(rules: Vec<Rule>) -> (RuleSet, Vec<RuleErrors>) {
        RuleSet::plan_with(rules, &Catalogue)
    }

    /// As [`RuleSet::plan`], with another catalogue of fields.
    pub fn plan_with(rules: Vec<Rule>, scheme: &dyn Scheme) -> (RuleSet, Vec<RuleErrors>) {
        let rules = rules.into_iter().map(|rule| {
            let predicate = compile_with(&rule.condition, scheme);
            (rule, predicate)
        });
        RuleSet::plan_each(rules, |parts| Output::with(parts, scheme).map(OnceLock::from))
    }

    /// As [`RuleSet::plan`], of rules whose conditions have been compiled.
    pub fn plan_compiled(rules: impl Iterator<Item = (Rule, Predicate)>) -> (RuleSet, Vec<RuleErrors>) {
        let rules = rules.map(|(rule, predicate)| (rule, Ok(predicate)));
        RuleSet::plan_each(rules, |parts| Output::check(parts).map(|()| OnceLock::new()))
    }

    fn plan_each(
        rules: impl Iterator<Item = (Rule, Result<Predicate, Vec<TypeError>>)>,
        output: impl Fn(&[OutputPart]) -> Result<OnceLock<Output>, Vec<(usize, TypeErrorKind)>>,
    ) -> (RuleSet, Vec<RuleErrors>) {
        let mut set = RuleSet::default();
        let mut errors = Vec::new();
        let mut known = Known::default();
        set.rules.reserve(rules.size_hint().0);
        for (position, (rule, predicate)) in rules.enumerate() {
            match (predicate, output(&rule.output)) {
                (Ok(predicate), Ok(output)) => set.add(rule, predicate, output, &mut known),
                (predicate, output) => errors.push(RuleErrors {
                    position,
                    name: rule.name,
                    condition: predicate.err().unwrap_or_default(),
                    output: output.err().unwrap_or_default(),
                }),
            }
        }
        let leaves: Vec<&Leaf> = set.leaves.iter().collect();
        set.questions = Questions::new(&leaves, set.rules.iter().map(|rule| &rule.program));
        set.order = (0..set.rules.len() as u32).map(RuleId).collect();
        set.index();
        (set, errors)
    }

    /// Enables and disables rules, in the order given. Returns how many rules each selection stands for.
    ///
    /// `Quirk::ReenabledLast`: a disabled rule that is enabled is asked after all others.
    pub fn select(&mut self, selections: &[Selection]) -> Vec<usize> {
        if selections.is_empty() {
            return Vec::new();
        }
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

    fn add(&mut self, rule: Rule, predicate: Predicate, output: OnceLock<Output>, known: &mut Known) {
        let numbers: Vec<u32> = predicate.leaves().iter().map(|leaf| known.number(leaf, &mut self.leaves)).collect();
        let program = predicate.program().renumbered(|leaf| numbers[leaf as usize]);
        let kinds = predicate.kinds().clone();
        self.rules.push(PlannedRule { rule, predicate, output, kinds, program });
    }

    fn index(&mut self) {
        self.ranks = vec![0; self.rules.len()];
        self.order.iter().zip(0..).for_each(|(id, rank)| self.ranks[id.0 as usize] = rank);
        self.lists.clear();
        self.list_of.clear();
        // Which rules are asked, by kind; the last is for codes without a name.
        let place_of = |code: u16| kinds::position(code).unwrap_or(kinds::n_known());
        let mut asked = vec![Bits::none(self.rules.len()); kinds::n_known() + 1];
        for (rule, number) in self.rules.iter().zip(0..) {
            if rule.is_active() && rule.program.constant() != Some(false) {
                rule.kinds.codes().for_each(|code| asked[place_of(code)].set(number, true));
                asked[place_of(UNKNOWN_CODE)].set(number, rule.kinds.contains(UNKNOWN_CODE));
            }
        }
        /// Kinds for which the same rules are asked.
        struct Group {
            rules: Box<[RuleId]>,
            /// Leaves of these rules that the kind decides.
            decided: Vec<u32>,
            /// By the leaves that hold, the number of the list.
            lists: HashMap<Vec<u32>, u32>,
        }
        let mut groups: HashMap<Bits, Group> = HashMap::new();
        let mut is_true: Vec<u32> = Vec::new();
        let mut list_for = |code: u16| -> u32 {
            let is_asked = &asked[place_of(code)];
            let group = groups.entry_ref(is_asked).or_insert_with(|| {
                let rules = self.order.iter().copied().filter(|rule| is_asked.contains(rule.0 as usize));
                let rules: Box<[RuleId]> = rules.collect();
                let own = rules.iter().flat_map(|rule| self.rules[rule.0 as usize].program.leaves());
                let mut decided: Vec<u32> =
                    own.filter(|&leaf| matches!(self.leaves[leaf as usize].how(), How::Kind(_))).collect();
                decided.sort_unstable();
                decided.dedup();
                Group { rules, decided, lists: HashMap::new() }
            });
            is_true.clear();
            is_true.extend(group.decided.iter().copied().filter(|&leaf| self.leaves[leaf as usize].is_of_kind(code)));
            *group.lists.entry_ref(is_true.as_slice()).or_insert_with(|| {
                let (rules, is_asked) = (group.rules.clone(), is_asked.clone());
                self.lists.push(KindList { rules, is_asked, is_true: is_true.as_slice().into() });
                self.lists.len() as u32 - 1
            })
        };
        let unknown = list_for(UNKNOWN_CODE);
        for (code, _) in subject::all_kind_codes() {
            let at = usize::from(code);
            if self.list_of.len() <= at {
                self.list_of.resize(at + 1, unknown);
            }
            self.list_of[at] = list_for(code);
        }
        self.list_of_unknown = Some(unknown);
        let asks = |list: u32| !self.lists[list as usize].rules.is_empty();
        self.asks_unknown = asks(unknown);
        let lists = self.list_of.iter().zip(0..);
        self.asks = lists.map(|(&list, code)| subject::kind_is_named_by_argument(code) || asks(list)).collect();
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
        self.leaves.iter()
    }

    /// The rules that an event of this kind is asked for, in order.
    pub fn rules_for_kind(&self, code: u16) -> &[RuleId] {
        self.list_of_kind(code).map_or(&[], |list| &self.lists[list as usize].rules)
    }

    /// False for codes of events that no rule is asked for, whatever they say.
    #[inline]
    pub fn asks_kind(&self, code: u16) -> bool {
        self.asks.get(usize::from(code)).copied().unwrap_or(self.asks_unknown)
    }

    /// The place of a rule in the order in which rules are asked.
    pub(crate) fn rank(&self, rule: RuleId) -> u32 {
        self.ranks[rule.0 as usize]
    }

    /// Number of the list of a kind; `None` for an empty set.
    pub(crate) fn list_of_kind(&self, code: u16) -> Option<u32> {
        self.list_of.get(usize::from(code)).copied().or(self.list_of_unknown)
    }

    pub(crate) fn list(&self, number: u32) -> &KindList {
        &self.lists[number as usize]
    }

    pub(crate) fn n_lists(&self) -> usize {
        self.lists.len()
    }

    pub(crate) fn leaf(&self, number: u32) -> &Leaf {
        &self.leaves[number as usize]
    }

    pub(crate) fn questions(&self) -> &Questions {
        &self.questions
    }

    pub(crate) fn question(&self, number: u32) -> &Question {
        &self.questions.all[number as usize]
    }

    pub(crate) fn program(&self, rule: RuleId) -> &Program {
        &self.rules[rule.0 as usize].program
    }

    /// The rules that match, found without index, programs or memory: what [`crate::Matcher::matches`] must give too.
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

/// The comparisons of a set while it is made.
#[derive(Default)]
struct Known {
    /// By address: rules share those that a macro brings. Rules of the set keep them.
    by_address: HashMap<usize, u32>,
    /// Hashes and numbers of those that differ.
    by_content: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
}

impl Known {
    /// The number of a comparison among the set's, to which it is added if it is new.
    fn number(&mut self, leaf: &Leaf, leaves: &mut Vec<Leaf>) -> u32 {
        *self.by_address.entry(Arc::as_ptr(leaf.shared_source()).addr()).or_insert_with(|| {
            let hash = self.hasher.hash_one(leaf.source());
            let is_same =
                |&(other, number): &(u64, u32)| other == hash && leaves[number as usize].source() == leaf.source();
            if let Some(&(_, number)) = self.by_content.find(hash, is_same) {
                return number;
            }
            leaves.push(leaf.clone());
            let number = leaves.len() as u32 - 1;
            self.by_content.insert_unique(hash, (hash, number), |&(hash, _)| hash);
            number
        })
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
