//! Suppressions applied: which of them hide a signal, and what each would have hidden but for its dates.
//!
//! Order of evaluation, specification B.1: the filters of the rule, then the data exclusion queries of the
//! suppressions for the rule, then their suppression queries. Nothing is skipped once something matched: all that
//! match are recorded, and the first in order decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracehound_formats::Nanos;
use tracehound_lang::FilterAction;
use tracehound_signals::RuleRef;

use crate::attributes::{ExtraTags, RuleView, SignalView};
use crate::files::{self, Kind, Period, Suppression};
use crate::plan::{Entry, Plan};

/// What start and expiration are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The time of the event that a signal is about: a suppression that was in force then counts, whenever the trace
    /// is looked at.
    #[default]
    Event,
    /// One moment for all.
    At(Nanos),
}

/// Suppressions, ready for the rules of an analysis.
#[derive(Debug)]
pub struct SuppressionSet<'s> {
    suppressions: Vec<&'s Suppression>,
    clock: Clock,
    tags: &'s ExtraTags,
    plan: Plan<'s>,
    /// What each entry of the plan is: a suppression, and whether the query is about events.
    queries: Vec<(usize, bool)>,
    /// For each rule, by index, the filters that require something.
    requires: Vec<Vec<usize>>,
    /// Rules that each is for.
    n_rules: Vec<u64>,
    counts: Vec<Counts>,
}

/// What is counted of a suppression besides the verdicts. Sums, so that the order of tasks does not matter.
#[derive(Debug, Default)]
struct Counts {
    n_excluded: AtomicU64,
    n_not_started: AtomicU64,
    n_expired: AtomicU64,
    n_disabled: AtomicU64,
}

/// The counts of a suppression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rules that it is for.
    pub n_rules: u64,
    /// Signals that it hides because their event is excluded.
    pub n_excluded: u64,
    /// Signals that it matches and does not hide because it had not started.
    pub n_not_started: u64,
    /// The same because it had expired.
    pub n_expired: u64,
    /// The same because it is switched off.
    pub n_disabled: u64,
}

/// What suppressions say of a signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Positions of those that hide it, in order; none if it stands.
    pub by: Vec<usize>,
    /// True if one of them says that the rule does not see the event at all: then, where only the first rule that
    /// matches an event fires, a later one does.
    pub is_excluded: bool,
}

impl<'s> SuppressionSet<'s> {
    /// Suppressions for rules; filters decide first. `rules` are in the order of their [`RuleRef::index`].
    pub fn new(
        suppressions: impl IntoIterator<Item = &'s Suppression>,
        rules: &[Arc<RuleRef>],
        clock: Clock,
        tags: &'s ExtraTags,
    ) -> SuppressionSet<'s> {
        let mut suppressions: Vec<&Suppression> = suppressions.into_iter().collect();
        suppressions.sort_by_key(|suppression| !suppression.is_filter());
        let mut requires = vec![Vec::new(); rules.len()];
        let (mut entries, mut queries) = (Vec::new(), Vec::new());
        for (position, suppression) in suppressions.iter().enumerate() {
            for (query, is_exclusion) in [(&suppression.exclusion, true), (&suppression.signals, false)] {
                if let Some(query) = query {
                    entries.push(Entry { rules: Some(&suppression.rules.query), query: &query.query });
                    queries.push((position, is_exclusion));
                }
            }
            if suppression.is_require() {
                for (rule, requires) in rules.iter().zip(&mut requires) {
                    if suppression.is_for(rule) {
                        requires.push(position);
                    }
                }
            }
        }
        let is_for = |suppression: &&&Suppression, rule: &&Arc<RuleRef>| suppression.is_for(rule);
        let n_rules =
            suppressions.iter().map(|s| rules.iter().filter(|rule| is_for(&s, rule)).count() as u64).collect();
        let counts = suppressions.iter().map(|_| Counts::default()).collect();
        let plan = Plan::new(&entries, rules);
        SuppressionSet { suppressions, clock, tags, plan, queries, requires, n_rules, counts }
    }

    /// The suppressions in the order in which they decide.
    pub fn suppressions(&self) -> &[&'s Suppression] {
        &self.suppressions
    }

    /// What dates are compared with.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Tags that were given for the analysis.
    pub fn tags(&self) -> &'s ExtraTags {
        self.tags
    }

    /// True if there is nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.suppressions.is_empty()
    }

    /// True if a suppression keeps rules from seeing events.
    pub fn has_exclusions(&self) -> bool {
        self.suppressions.iter().any(|suppression| suppression.exclusion.is_some() || suppression.is_filter())
    }

    /// What is to be said of a signal of a rule at a time. Counts what does not apply.
    pub fn judge(&self, view: &SignalView<'_>, rule: &RuleRef, at: Nanos) -> Judgement {
        let mut judgement = Judgement::default();
        if self.is_empty() {
            return judgement;
        }
        let at = match self.clock {
            Clock::Event => at,
            Clock::At(now) => now,
        };
        let mut by: Vec<(usize, bool)> =
            self.plan.matching(rule.index, view).into_iter().map(|i| self.queries[i]).collect();
        // A filter that requires something hides what does not match it.
        if let Some(requires) = self.requires.get(rule.index).filter(|requires| !requires.is_empty()) {
            let missing: Vec<usize> =
                requires.iter().copied().filter(|&position| !by.contains(&(position, false))).collect();
            by.retain(|&(position, _)| !self.suppressions[position].is_require());
            by.extend(missing.into_iter().map(|position| (position, false)));
        }
        // Of the two queries of a suppression the one about events comes first.
        by.sort_unstable_by_key(|&(position, is_exclusion)| (position, !is_exclusion));
        by.dedup_by_key(|(position, _)| *position);
        for (position, is_exclusion) in by {
            let suppression = self.suppressions[position];
            let counts = &self.counts[position];
            if !suppression.entry.is_enabled {
                counts.n_disabled.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            match suppression.entry.period(at) {
                Period::NotStarted => {
                    counts.n_not_started.fetch_add(1, Ordering::Relaxed);
                }
                Period::Expired => {
                    counts.n_expired.fetch_add(1, Ordering::Relaxed);
                }
                Period::InForce => {
                    counts.n_excluded.fetch_add(u64::from(is_exclusion), Ordering::Relaxed);
                    judgement.is_excluded |= is_exclusion || suppression.is_filter();
                    judgement.by.push(position);
                }
            }
        }
        judgement
    }

    /// What was counted so far.
    pub fn tally(&self, position: usize) -> Tally {
        let Some(counts) = self.counts.get(position) else { return Tally::default() };
        Tally {
            n_rules: self.n_rules[position],
            n_excluded: counts.n_excluded.load(Ordering::Relaxed),
            n_not_started: counts.n_not_started.load(Ordering::Relaxed),
            n_expired: counts.n_expired.load(Ordering::Relaxed),
            n_disabled: counts.n_disabled.load(Ordering::Relaxed),
        }
    }
}

impl files::Entry {
    /// What the dates say of a whole trace, for a suppression that hid nothing: of all its events, if they say the
    /// same of all.
    pub fn period_of(&self, clock: Clock, first: Option<Nanos>, last: Option<Nanos>) -> Period {
        let (first, last) = match clock {
            Clock::At(now) => (Some(now), Some(now)),
            Clock::Event => (first, last),
        };
        match (first.map(|at| self.period(at)), last.map(|at| self.period(at))) {
            (Some(Period::Expired), _) => Period::Expired,
            (_, Some(Period::NotStarted)) => Period::NotStarted,
            _ => Period::InForce,
        }
    }
}

impl Suppression {
    /// True if it is for a rule.
    pub fn is_for(&self, rule: &RuleRef) -> bool {
        self.rules.query.matches(&RuleView(rule))
    }

    /// True for a filter that stands at a rule.
    pub fn is_filter(&self) -> bool {
        matches!(self.kind, Kind::Filter { .. })
    }

    /// True for a filter that hides what it does not match.
    pub fn is_require(&self) -> bool {
        matches!(self.kind, Kind::Filter { action: FilterAction::Require, .. })
    }
}
