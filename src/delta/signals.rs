//! What fired on one trace by the rules of two sides.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value as Json, json};
use tracehound_formats::Seq;
use tracehound_signals::visible::utf8;
use tracehound_signals::{Signal, Verdict};

use crate::definitions::Pairs;

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It is on the head side only.
    Added,
    /// It is on the base side only.
    Removed,
    /// It is on both sides, and not the same.
    Changed,
}

impl Kind {
    /// All, in the order in which they are told.
    pub const ALL: [Kind; 3] = [Kind::Added, Kind::Removed, Kind::Changed];

    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Changed => "changed",
        }
    }
}

/// A signal that is not the same on both sides.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Position of its rule in [`crate::Definitions::rules`].
    pub rule: usize,
    /// As it is on the base side.
    pub base: Option<Signal>,
    /// As it is on the head side.
    pub head: Option<Signal>,
    /// Stable key of its process; `None` for an event without one.
    pub process: Option<String>,
    /// The attack path of an example (`report::path`) as lines, safe for a terminal; empty if nobody looked.
    pub path: Vec<String>,
}

/// What of a signal differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `rule` (its name), `priority`, `tags`, `output`, `output_fields`, `verdict`, `suppressed_by`, `evidence`.
    pub what: &'static str,
    /// As it was.
    pub base: Json,
    /// As it is.
    pub head: Json,
}

impl Entry {
    /// What became of it.
    pub fn kind(&self) -> Kind {
        match (&self.base, &self.head) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            _ => Kind::Changed,
        }
    }

    /// The signal: that of the head side, if it is there.
    pub fn signal(&self) -> Option<&Signal> {
        self.head.as_ref().or(self.base.as_ref())
    }

    /// True if it stood on the base side and nothing stands on the head side: it is gone, or suppressed now.
    pub fn is_lost(&self) -> bool {
        let fired = |signal: &Option<Signal>| signal.as_ref().is_some_and(|signal| signal.verdict == Verdict::Fired);
        fired(&self.base) && !fired(&self.head)
    }

    /// True if it stands on the head side and nothing stood on the base side.
    pub fn is_gained(&self) -> bool {
        let fired = |signal: &Option<Signal>| signal.as_ref().is_some_and(|signal| signal.verdict == Verdict::Fired);
        fired(&self.head) && !fired(&self.base)
    }

    /// What differs between the two sides; nothing for a signal that is on one side only.
    pub fn changes(&self) -> Vec<Change> {
        let (Some(base), Some(head)) = (&self.base, &self.head) else { return Vec::new() };
        let mut out = Vec::new();
        let mut change = |what: &'static str, base: Json, head: Json| {
            if base != head {
                out.push(Change { what, base, head });
            }
        };
        change("rule", json!(base.rule.name), json!(head.rule.name));
        change("priority", json!(base.rule.priority.name()), json!(head.rule.priority.name()));
        change("tags", json!(base.rule.tags), json!(head.rule.tags));
        change("output", json!(utf8(&base.message)), json!(utf8(&head.message)));
        let differing = |of: &Signal, other: &Signal| -> Map<String, Json> {
            let fields = of.output_fields.iter().filter(|(key, value)| other.output_fields.get(*key) != Some(value));
            fields.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        change("output_fields", Json::Object(differing(base, head)), Json::Object(differing(head, base)));
        change("verdict", json!(base.verdict.name()), json!(head.verdict.name()));
        change("suppressed_by", json!(base.verdict.suppressed_by()), json!(head.verdict.suppressed_by()));
        let evidence = |signal: &Signal| {
            let reasons: Vec<String> = signal.evidence.reasons().iter().map(|reason| reason.to_string()).collect();
            json!({ "evidence": signal.evidence.name(), "why": reasons })
        };
        change("evidence", evidence(base), evidence(head));
        out
    }
}

/// The signals of one trace, compared.
#[derive(Clone, Debug, Default)]
pub struct TraceDelta {
    /// Signals of the base side: those that stand, and those that are suppressed.
    pub base: (u64, u64),
    /// Signals of the head side.
    pub head: (u64, u64),
    /// Signals that are the same on both sides.
    pub n_same: u64,
    /// The others, by event, then by rule.
    pub entries: Vec<Entry>,
}

/// What makes two signals of one trace the same: event, process, rule.
type Key = (Seq, Option<tracehound_signals::ProcessId>, usize);

/// Compares the signals of two sides on one trace. `key` gives the stable key of a process.
///
/// O(signals). Of several signals of one rule on one event, which only a damaged trace has, the first belongs to the
/// first.
pub fn compare(base: &[Signal], head: &[Signal], pairs: &Pairs, key: impl Fn(&Signal) -> Option<String>) -> TraceDelta {
    let counts = |signals: &[Signal]| {
        let n_fired = signals.iter().filter(|signal| signal.verdict == Verdict::Fired).count() as u64;
        (n_fired, signals.len() as u64 - n_fired)
    };
    let mut out = TraceDelta { base: counts(base), head: counts(head), ..TraceDelta::default() };
    let mut open: HashMap<Key, VecDeque<&Signal>> = HashMap::with_capacity(base.len());
    let rule = |of: &[usize], signal: &Signal| of.get(signal.rule.index).copied();
    for signal in base {
        let Some(rule) = rule(&pairs.of_base, signal) else { continue };
        open.entry((signal.seq, signal.process, rule)).or_default().push_back(signal);
    }
    let mut entry = |rule: usize, base: Option<&Signal>, head: Option<&Signal>| {
        let process = base.or(head).and_then(&key);
        let entry = Entry { rule, base: base.cloned(), head: head.cloned(), process, path: Vec::new() };
        out.entries.push(entry);
    };
    let mut n_same = 0;
    for signal in head {
        let Some(rule) = rule(&pairs.of_head, signal) else { continue };
        let before = open.get_mut(&(signal.seq, signal.process, rule)).and_then(VecDeque::pop_front);
        match before {
            Some(before) if is_same(before, signal) => n_same += 1,
            before => entry(rule, before, Some(signal)),
        }
    }
    // In the order of the signals, not of the table.
    for signal in base {
        let Some(rule) = rule(&pairs.of_base, signal) else { continue };
        if open.get_mut(&(signal.seq, signal.process, rule)).and_then(VecDeque::pop_front).is_some() {
            entry(rule, Some(signal), None);
        }
    }
    out.n_same = n_same;
    out.entries.sort_by_key(|entry| (entry.signal().map(|signal| signal.seq), entry.rule, entry.kind()));
    out
}

fn is_same(base: &Signal, head: &Signal) -> bool {
    let (old, new) = (&base.rule, &head.rule);
    old.name == new.name
        && old.priority == new.priority
        && old.tags == new.tags
        && base.message == head.message
        && base.output_fields == head.output_fields
        && base.verdict == head.verdict
        && base.evidence == head.evidence
}
