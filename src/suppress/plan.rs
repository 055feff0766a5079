//! Many queries asked at once: which of thousands of suppressions match a signal.
//!
//! A query that can only hold if some attribute equals one of some texts is looked up by these; only queries that are
//! found so, and those that cannot be looked up, are evaluated. Attributes are resolved once a signal, when they are
//! first asked for. The result is that of evaluating each query by itself ([`Plan::matching_plain`]).

use std::sync::Arc;

use hashbrown::HashMap;
use tracehound_signals::RuleRef;

use crate::attributes::{self, Elements, RuleView};
use crate::query::{Cached, Key, Node, NodeKind, Query, Subject, keys_of};

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
    /// For each rule, entries that are for it and are not looked up.
    scanned: Vec<Vec<u32>>,
    /// What is looked up: a key, and entries by the text it must equal.
    lookups: Vec<Lookup>,
}

#[derive(Debug)]
struct Lookup {
    key: Key,
    elements: Elements,
    entries: HashMap<Vec<u8>, Vec<u32>>,
}

/// A text that a key must equal.
type Needed<'q> = (&'q Key, Vec<u8>);

impl<'q> Plan<'q> {
    /// Makes entries ready. `rules` are all rules that signals can be of, in the order of their
    /// [`index`](RuleRef::index). Costs each entry's query about rules for each rule.
    pub fn new(entries: &[Entry<'q>], rules: &[Arc<RuleRef>]) -> Plan<'q> {
        let allowed: Vec<Vec<bool>> = rules
            .iter()
            .map(|rule| entries.iter().map(|entry| entry.rules.is_none_or(|q| q.matches(&RuleView(rule)))).collect())
            .collect();
        let frequency = frequencies(entries);
        let mut slots: HashMap<&Key, usize> = HashMap::new();
        let mut lookups: Vec<Lookup> = Vec::new();
        let mut is_scanned = vec![false; entries.len()];
        for (i, entry) in entries.iter().enumerate() {
            let Some(needed) = needed(entry.query, entry.query.root(), &frequency) else {
                is_scanned[i] = true;
                continue;
            };
            for (key, text) in needed {
                let slot = *slots.entry(key).or_insert_with(|| {
                    lookups.push(Lookup { key: key.clone(), elements: elements(key), entries: HashMap::new() });
                    lookups.len() - 1
                });
                let found = lookups[slot].entries.entry(text).or_default();
                if found.last() != Some(&(i as u32)) {
                    found.push(i as u32);
                }
            }
        }
        let scanned = allowed
            .iter()
            .map(|allowed| (0..entries.len()).filter(|&i| is_scanned[i] && allowed[i]).map(|i| i as u32).collect())
            .collect();
        Plan { entries: entries.to_vec(), allowed, scanned, lookups }
    }

    /// Positions of all entries that match a signal of a rule (by its index), in order.
    pub fn matching(&self, rule: usize, subject: &dyn Subject) -> Vec<usize> {
        let (Some(allowed), Some(scanned)) = (self.allowed.get(rule), self.scanned.get(rule)) else {
            return Vec::new();
        };
        let cached = Cached::new(subject);
        let mut found: Vec<u32> = scanned.clone();
        for lookup in &self.lookups {
            keys_of(&cached.get(&lookup.key), lookup.elements, &mut |text| {
                let entries = lookup.entries.get(text).map_or(&[][..], Vec::as_slice);
                found.extend(entries.iter().filter(|&&i| allowed[i as usize]));
            });
        }
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

    /// How many entries are found by look-up, and how many are evaluated for each signal of their rules.
    pub fn counts(&self) -> (usize, usize) {
        let mut is_found = vec![false; self.entries.len()];
        let found = self.lookups.iter().flat_map(|lookup| lookup.entries.values().flatten());
        found.for_each(|&i| is_found[i as usize] = true);
        let n_found = is_found.iter().filter(|is_found| **is_found).count();
        (n_found, self.entries.len() - n_found)
    }
}

fn elements(key: &Key) -> Elements {
    match key {
        Key::Attribute(id) => attributes::get(*id).elements,
        _ => Elements::Plain,
    }
}

/// How many entries ask for each text: the fewer, the more selective it is.
fn frequencies<'q>(entries: &[Entry<'q>]) -> HashMap<Needed<'q>, usize> {
    let mut out = HashMap::new();
    for entry in entries {
        for clause in entry.query.clauses().iter().filter(|clause| !clause.is_negated) {
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
            let cost =
                |texts: &Vec<Needed<'q>>| texts.iter().map(|t| frequency.get(t).copied().unwrap_or(1)).sum::<usize>();
            parts.iter().filter_map(|part| needed(query, part, frequency)).min_by_key(cost)
        }
        NodeKind::Or(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(|part| needed(query, part, frequency)).collect();
            all.map(|texts| texts.into_iter().flatten().collect())
        }
    }
}
