//! What suppressions hid: counted from the verdicts of signals, for the table, the summary and people.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tracehound_formats::{Nanos, Seq};
use tracehound_signals::key::resolve;

use crate::case::{Case, SuppressionOutcome};

/// Suppressions of one signal between which overlaps are counted; of more, the first.
const MAX_OVERLAPPING: usize = 64;

/// What one suppression hid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Signals it matched.
    pub n_signals: u64,
    /// Of these, signals of which it is the first in order, which decides.
    pub n_decided: u64,
    /// Of these, signals that no other suppression matched: they would be there without it.
    pub n_alone: u64,
    /// Processes they are on.
    pub n_processes: u64,
    /// Hosts they are from.
    pub n_hosts: u64,
    /// Rules they are of, by name.
    pub rules: BTreeSet<String>,
    /// Event and time of the first, and of the last.
    pub span: Option<[(Seq, Nanos); 2]>,
    /// Other suppressions that matched some of the same signals, with how many, by position.
    pub overlaps: BTreeMap<usize, u64>,
}

/// What became of a suppression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It hid something.
    Active,
    /// It applied, and hid nothing.
    Dead,
    /// Its expiration had passed.
    Expired,
    /// Its start had not come.
    NotStarted,
    /// It is switched off.
    Disabled,
}

impl State {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Dead => "dead",
            State::Expired => "expired",
            State::NotStarted => "not_started",
            State::Disabled => "disabled",
        }
    }

    /// The state of a suppression that hid this much.
    pub fn of(outcome: &SuppressionOutcome, hidden: &Hidden) -> State {
        let inactive = &outcome.inactive;
        if !outcome.is_enabled {
            State::Disabled
        } else if hidden.n_signals > 0 {
            State::Active
        } else if outcome.is_expired || (inactive.n_expired > 0 && inactive.n_not_started == 0) {
            State::Expired
        } else if outcome.is_not_started || inactive.n_not_started > 0 {
            State::NotStarted
        } else {
            State::Dead
        }
    }
}

impl Hidden {
    /// True if it hid something, and nothing that another one did not hide too.
    pub fn is_shadowed(&self) -> bool {
        self.n_signals > 0 && self.n_alone == 0
    }
}

/// What each suppression of a case hid, in the order of [`Case::suppressions`]. O(signals), and for each set of
/// suppressions that matched one signal together the square of its size, up to 64.
pub fn hidden(case: &Case<'_>) -> Vec<Hidden> {
    let positions: HashMap<&str, usize> =
        case.suppressions.iter().enumerate().map(|(i, outcome)| (outcome.name.as_str(), i)).collect();
    let mut out = vec![Hidden::default(); case.suppressions.len()];
    let mut processes = vec![BTreeSet::new(); out.len()];
    let mut hosts: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); out.len()];
    let mut together: BTreeMap<Vec<usize>, u64> = BTreeMap::new();
    for signal in case.signals {
        let by = signal.verdict.suppressed_by();
        if by.is_empty() {
            continue;
        }
        let by: Vec<usize> = by.iter().filter_map(|name| positions.get(name.as_str()).copied()).collect();
        for (n_before, &i) in by.iter().enumerate() {
            let hidden = &mut out[i];
            hidden.n_signals += 1;
            hidden.n_decided += u64::from(n_before == 0);
            hidden.n_alone += u64::from(by.len() == 1);
            if !hidden.rules.contains(&signal.rule.name) {
                hidden.rules.insert(signal.rule.name.clone());
            }
            processes[i].extend(signal.process.map(|process| resolve(case.history, process)));
            hosts[i].insert(&signal.hostname);
            let here = (signal.seq, signal.ts);
            let [first, last] = hidden.span.unwrap_or([here; 2]);
            hidden.span = Some([first.min(here), last.max(here)]);
        }
        if by.len() > 1 {
            *together.entry(by).or_default() += 1;
        }
    }
    for (by, n) in together {
        let by = &by[..by.len().min(MAX_OVERLAPPING)];
        for &a in by {
            for &b in by.iter().filter(|&&b| b != a) {
                *out[a].overlaps.entry(b).or_default() += n;
            }
        }
    }
    for ((hidden, processes), hosts) in out.iter_mut().zip(processes).zip(hosts) {
        hidden.n_processes = processes.len() as u64;
        hidden.n_hosts = hosts.len() as u64;
    }
    out
}
