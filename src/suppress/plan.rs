//! Many queries asked at once: which of thousands of suppressions match a signal.
//!
//! Queries are sorted by the rules they are for. Among those that are left for a signal, one that can only hold if some
//! attribute equals one of some texts is looked up by these, on the attribute that fewest others ask for the same
//! text; only what is found so, and what cannot be looked up, is evaluated. Attributes are resolved once a signal,
//! when they are first asked for. The result is that of evaluating each query by itself ([`Plan::matching_plain`]).

use std::sync::Arc;

use hashbrown::HashMap;
use tracehound_signals::RuleRef;

use crate::attributes::{self, Elements, RuleView};
use crate::query::{Cached, Forms, Key, Node, NodeKind, Query, Subject, keys_of};

/// A query for more rules than this is kept once for all of them, instead of once for each.
const MAX_COPIES: usize = 8;

/// A query with the rules it is for.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'q> {
    /// Asked of each rule ([`RuleView`]); `None`: for all rules.
    pub rules: Option<&'q Query>,
    /// Asked of each signal of those rules.
    pub query: &'q Query,
}

/// Queries made ready to be asked together.
#[derive(Debug)]
pub struct Plan<'q> {
    entries: Vec<Entry<'q>>,
    /// For each rule, which entries are for it.
    allowed: Vec<Vec<bool>>,
    /// Entries for many rules.
    shared: Index,
    /// For each rule, the other entries that are for it.
    own: Vec<Index>,
}

/// Entries by what they ask for.
#[derive(Debug, Default)]
struct Index {
    /// Entries that are evaluated for each signal.
    scanned: Vec<u32>,
    /// Entries that are looked up.
    lookups: Vec<Lookup>,
}

/// A key, and entries by the text it must equal.
#[derive(Debug)]
struct Lookup {
    key: Key,
    elements: Elements,
    forms: Forms,
    entries: HashMap<Vec<u8>, Vec<u32>>,
}

impl<'q> Plan<'q> {
    /// Makes entries ready. `rules` are all rules that signals can be of, in the order of their
    /// [`index`](RuleRef::index). Costs each entry's query about rules for each rule.
    pub fn new(entries: &[Entry<'q>], rules: &[Arc<RuleRef>]) -> Plan<'q> {
        let is_for = |entry: &Entry<'q>, rule: &RuleRef| entry.rules.is_none_or(|q| q.matches(&RuleView(rule)));
        let allowed: Vec<Vec<bool>> =
            rules.iter().map(|rule| entries.iter().map(|entry| is_for(entry, rule)).collect()).collect();
        let n_rules = |i: usize| allowed.iter().filter(|allowed| allowed[i]).count();
        let (few, many): (Vec<usize>, Vec<usize>) = (0..entries.len()).partition(|&i| n_rules(i) <= MAX_COPIES);
        let own = allowed
            .iter()
            .map(|allowed| Index::new(entries, few.iter().copied().filter(|&i| allowed[i]).collect()))
            .collect();
        Plan { entries: entries.to_vec(), shared: Index::new(entries, many), own, allowed }
    }

    /// Positions of all entries that match a signal of a rule (by its index), in order. None for a rule that the plan
    /// was not made for.
    pub fn matching(&self, rule: usize, subject: &dyn Subject) -> Vec<usize> {
        let (Some(allowed), Some(own)) = (self.allowed.get(rule), self.own.get(rule)) else { return Vec::new() };
        let cached = Cached::new(subject);
        let mut found: Vec<u32> = Vec::new();
        self.shared.find(&cached, &mut found);
        found.retain(|&i| allowed[i as usize]);
        own.find(&cached, &mut found);
        found.sort_unstable();
        found.dedup();
        let matches = |&i: &u32| self.entries[i as usize].query.matches(&cached);
        found.into_iter().filter(matches).map(|i| i as usize).collect()
    }

    /// The same by evaluating every query that is for the rule: the oracle of [`Plan::matching`].
    pub fn matching_plain(&self, rule: usize, subject: &dyn Subject) -> Vec<usize> {
        let Some(allowed) = self.allowed.get(rule) else { return Vec::new() };
        (0..self.entries.len()).filter(|&i| allowed[i] && self.entries[i].query.matches(subject)).collect()
    }

    /// True if an entry is for a rule, both by position.
    pub fn is_for(&self, entry: usize, rule: usize) -> bool {
        self.allowed.get(rule).and_then(|allowed| allowed.get(entry)).is_some_and(|&is_for| is_for)
    }

    /// How many entries are evaluated for each signal of some rule, because they cannot be looked up.
    pub fn n_scanned(&self) -> usize {
        let mut all: Vec<u32> = self.own.iter().chain([&self.shared]).flat_map(|i| i.scanned.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }
}

/// A text that a key must equal.
type Needed<'q> = (&'q Key, Vec<u8>);

impl Index {
    fn new(entries: &[Entry<'_>], members: Vec<usize>) -> Index {
        let frequency = frequencies(entries, &members);
        let mut index = Index::default();
        let mut slots: HashMap<&Key, usize> = HashMap::new();
        for i in members {
            let Some(needed) = needed(entries[i].query, entries[i].query.root(), &frequency) else {
                index.scanned.push(i as u32);
                continue;
            };
            for (key, text) in needed {
                let slot = *slots.entry(key).or_insert_with(|| {
                    let (key, elements) = (key.clone(), elements(key));
                    index.lookups.push(Lookup { key, elements, forms: Forms::default(), entries: HashMap::new() });
                    index.lookups.len() - 1
                });
                let lookup = &mut index.lookups[slot];
                lookup.forms.add(&text);
                let found = lookup.entries.entry(text).or_default();
                if found.last() != Some(&(i as u32)) {
                    found.push(i as u32);
                }
            }
        }
        index
    }

    /// Appends every entry that can match, some of them more than once.
    fn find(&self, subject: &dyn Subject, found: &mut Vec<u32>) {
        found.extend_from_slice(&self.scanned);
        for lookup in &self.lookups {
            keys_of(&subject.get(&lookup.key), lookup.elements, lookup.forms, &mut |text| {
                found.extend_from_slice(lookup.entries.get(text).map_or(&[], Vec::as_slice));
            });
        }
    }
}

fn elements(key: &Key) -> Elements {
    match key {
        Key::Attribute(id) => attributes::get(*id).elements,
        _ => Elements::Plain,
    }
}

/// How many entries ask for each text: the fewer, the more selective it is.
fn frequencies<'q>(entries: &[Entry<'q>], members: &[usize]) -> HashMap<Needed<'q>, usize> {
    let mut out = HashMap::new();
    for &i in members {
        for clause in entries[i].query.clauses().iter().filter(|clause| !clause.is_negated) {
            if let Some(text) = clause.equality() {
                *out.entry((&clause.key, text)).or_default() += 1;
            }
        }
    }
    out
}

/// Texts of which one must be found for a part of a query to hold; `None` if that cannot be said.
fn needed<'q>(query: &'q Query, node: &'q Node, frequency: &HashMap<Needed<'q>, usize>) -> Option<Vec<Needed<'q>>> {
    match &node.kind {
        NodeKind::All | NodeKind::Not(_) => None,
        NodeKind::Clause(i) => {
            let clause = &query.clauses()[*i];
            Some(vec![(&clause.key, clause.equality()?)])
        }
        NodeKind::And(parts) => {
            let frequency_of = |text: &Needed<'q>| frequency.get(text).copied().unwrap_or(1);
            let cost = |texts: &Vec<Needed<'q>>| texts.iter().map(frequency_of).sum::<usize>();
            parts.iter().filter_map(|part| needed(query, part, frequency)).min_by_key(cost)
        }
        NodeKind::Or(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(|part| needed(query, part, frequency)).collect();
            all.map(|texts| texts.into_iter().flatten().collect())
        }
    }
}
