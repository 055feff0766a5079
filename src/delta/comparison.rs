//! Both sides over all traces.

use std::collections::BTreeMap;

use crate::definitions::{Aspect, Definitions, RuleDelta, Status};
use crate::signals::{Entry, Kind, TraceDelta};

/// What a trace is known to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// An attack.
    Attack,
    /// Nothing that is an attack.
    Benign,
}

impl Label {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Label::Attack => "attack",
            Label::Benign => "benign",
        }
    }
}

/// What a side is called: its files, as they were named.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Rule files and folders.
    pub rules: Vec<String>,
    /// Suppression files and folders.
    pub suppressions: Vec<String>,
}

/// One trace, compared.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// As it was named.
    pub name: String,
    /// What it holds, if somebody said.
    pub label: Option<Label>,
    /// `ok`, or what is wrong with it; empty for one that cannot be read.
    pub integrity: String,
    /// Events read.
    pub n_events: u64,
    /// Why it cannot be read.
    pub error: Option<String>,
    /// What fired.
    pub delta: TraceDelta,
}

/// Two sides, compared.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// What the base side is called.
    pub base: Names,
    /// What the head side is called.
    pub head: Names,
    /// What was written.
    pub definitions: Definitions,
    /// What fired, in the order of the traces.
    pub traces: Vec<Trace>,
    /// Examples that are shown of each rule and kind of change.
    pub n_examples: usize,
}

/// Signals of one kind of change of one rule.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many.
    pub n: u64,
    /// Of these, how many are suppressed: on the head side for added ones, on the base side for removed ones; for
    /// changed ones those that stood and are suppressed now.
    pub n_suppressed: u64,
    /// Of changed ones, those that were suppressed and stand now.
    pub n_restored: u64,
    /// Signals that stood and do not any more, or are suppressed now, on traces that hold an attack.
    pub n_attack_lost: u64,
    /// How many by what the trace holds.
    pub by_label: BTreeMap<Label, u64>,
    /// How many by trace, by position.
    pub by_trace: BTreeMap<usize, u64>,
    /// The first of them: trace and entry, by position.
    pub examples: Vec<(usize, usize)>,
}

/// What became of the signals of a rule, by [`Kind`].
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Position of the rule in [`Definitions::rules`].
    pub rule: usize,
    /// By kind, in the order of [`Kind::ALL`].
    pub tallies: [Tally; 3],
    /// Aspects of changed signals, with how many have changed in each.
    pub changes: BTreeMap<&'static str, u64>,
}

/// For what the comparison is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// A signal is added, and not suppressed.
    Added,
    /// A signal is removed that was not suppressed.
    Removed,
    /// A signal has changed.
    Changed,
    /// On a trace that holds an attack, a signal that stood is removed, or suppressed now.
    AttackRemoved,
    /// Some signal is not the same on both sides.
    Change,
}

impl Gate {
    /// True for a signal that it fails for.
    pub fn is_met_by(self, trace: &Trace, entry: &Entry) -> bool {
        match self {
            Gate::Added => entry.kind() == Kind::Added && entry.is_gained(),
            Gate::Removed => entry.kind() == Kind::Removed && entry.is_lost(),
            Gate::Changed => entry.kind() == Kind::Changed,
            Gate::AttackRemoved => trace.label == Some(Label::Attack) && entry.is_lost(),
            Gate::Change => true,
        }
    }
}

impl Comparison {
    /// All signals that are not the same, with their traces' positions.
    pub fn entries(&self) -> impl Iterator<Item = (usize, &Entry)> {
        let traces = self.traces.iter().enumerate();
        traces.flat_map(|(i, trace)| trace.delta.entries.iter().map(move |entry| (i, entry)))
    }

    /// How many signals a gate fails for.
    pub fn n_met(&self, gate: Gate) -> u64 {
        self.entries().filter(|(i, entry)| gate.is_met_by(&self.traces[*i], entry)).count() as u64
    }

    /// How many signals are of a kind.
    pub fn n_of(&self, kind: Kind) -> u64 {
        self.entries().filter(|(_, entry)| entry.kind() == kind).count() as u64
    }

    /// Signals that are the same on both sides.
    pub fn n_same(&self) -> u64 {
        self.traces.iter().map(|trace| trace.delta.n_same).sum()
    }

    /// True if some trace has a label.
    pub fn has_labels(&self) -> bool {
        self.traces.iter().any(|trace| trace.label.is_some())
    }

    /// Traces that were read and are not whole.
    pub fn n_partial(&self) -> usize {
        self.traces.iter().filter(|trace| trace.error.is_none() && trace.integrity != "ok").count()
    }

    /// Traces that cannot be read.
    pub fn n_unread(&self) -> usize {
        self.traces.iter().filter(|trace| trace.error.is_some()).count()
    }

    /// Rules of which some signal differs, in the order of the rules.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
        for (i, trace) in self.traces.iter().enumerate() {
            for (at, entry) in trace.delta.entries.iter().enumerate() {
                let group = groups.entry(entry.rule).or_insert_with(|| Group { rule: entry.rule, ..Group::default() });
                let kind = entry.kind();
                let tally = &mut group.tallies[kind as usize];
                tally.n += 1;
                let is_hidden = match kind {
                    Kind::Added => !entry.is_gained(),
                    Kind::Removed => !entry.is_lost(),
                    Kind::Changed => entry.is_lost(),
                };
                tally.n_suppressed += u64::from(is_hidden);
                tally.n_restored += u64::from(kind == Kind::Changed && entry.is_gained());
                tally.n_attack_lost += u64::from(Gate::AttackRemoved.is_met_by(trace, entry));
                if let Some(label) = trace.label {
                    *tally.by_label.entry(label).or_default() += 1;
                }
                *tally.by_trace.entry(i).or_default() += 1;
                if tally.examples.len() < self.n_examples {
                    tally.examples.push((i, at));
                }
                if kind == Kind::Changed {
                    for change in entry.changes() {
                        *group.changes.entry(change.what).or_default() += 1;
                    }
                }
            }
        }
        groups.into_values().collect()
    }

    /// The examples of a tally, with their traces.
    pub fn examples<'c>(&'c self, tally: &'c Tally) -> impl Iterator<Item = (&'c Trace, &'c Entry)> {
        let traces = &self.traces;
        tally.examples.iter().map(move |&(trace, at)| (&traces[trace], &traces[trace].delta.entries[at]))
    }

    /// The rule of a group.
    pub fn rule(&self, group: &Group) -> &RuleDelta {
        &self.definitions.rules[group.rule]
    }

    /// Rules that differ in what they find or say and have no signal that does, in order.
    pub fn silent_rules(&self, groups: &[Group]) -> Vec<&RuleDelta> {
        let has_group = |i: usize| groups.binary_search_by_key(&i, |group| group.rule).is_ok();
        let rules = self.definitions.rules.iter().enumerate();
        rules.filter(|(i, rule)| !rule.is_same() && !has_group(*i)).map(|(_, rule)| rule).collect()
    }

    /// What was done to a rule, in words; empty if nothing was. `code` makes a name safe for where it goes.
    pub fn what_changed(&self, rule: &RuleDelta, code: &dyn Fn(&str) -> String) -> Vec<String> {
        let mut out = Vec::new();
        match rule.status {
            Status::Added if rule.is_active.1 => out.push("new rule".to_owned()),
            Status::Added => out.push("new rule, disabled".to_owned()),
            Status::Removed if rule.is_active.0 => out.push("rule removed".to_owned()),
            Status::Removed => out.push("rule removed, which was disabled".to_owned()),
            Status::Kept => {}
        }
        for aspect in &rule.aspects {
            match (aspect, &rule.was) {
                (Aspect::Renamed, Some(was)) => out.push(format!("renamed from {}", code(was))),
                (Aspect::Condition, _) if !rule.because.is_empty() => {
                    let names = rule.because.iter().map(|&i| &self.definitions.definitions[i]);
                    let names: Vec<String> = names.map(|d| format!("{} {}", d.kind, code(&d.name))).collect();
                    out.push(format!("condition, by {}", names.join(", ")));
                }
                (aspect, _) => out.push(aspect.name().to_owned()),
            }
        }
        out
    }

    /// Why signals of a group differ, in words: what was done to its rule, else what else did it.
    pub fn why(&self, group: &Group, code: &dyn Fn(&str) -> String) -> Vec<String> {
        let rule = self.rule(group);
        let mut out = self.what_changed(rule, code);
        out.retain(|what| what != Aspect::Wording.name());
        if group.changes.contains_key("verdict") || group.changes.contains_key("suppressed_by") {
            let mut names: Vec<&str> = Vec::new();
            for entry in self.examples(&group.tallies[Kind::Changed as usize]).map(|(_, entry)| entry) {
                let by = |signal: &'_ Option<tracehound_signals::Signal>| -> Vec<String> {
                    signal.as_ref().map_or_else(Vec::new, |signal| signal.verdict.suppressed_by().to_vec())
                };
                let (old, new) = (by(&entry.base), by(&entry.head));
                for delta in &self.definitions.suppressions {
                    let is_named = old.contains(&delta.name) || new.contains(&delta.name);
                    if is_named && !names.contains(&delta.name.as_str()) {
                        names.push(&delta.name);
                    }
                }
            }
            names.sort_unstable();
            let names: Vec<String> = names.into_iter().map(code).collect();
            if !names.is_empty() {
                out.push(format!("suppression {}", names.join(", ")));
            } else if !rule.aspects.contains(&Aspect::Filters) {
                out.push("suppressions".to_owned());
            }
        }
        if out.is_empty() {
            // The rule stands and is asked: where only the first fires, another one does.
            out.push("another rule fires first".to_owned());
        }
        out
    }
}
