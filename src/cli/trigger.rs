//! Rules that look on while a trace is recorded: the flight recorder writes what it remembers when one of them fires.

use std::sync::atomic::AtomicU64;

use tracehound_capture::recording::Observer;
use tracehound_fields::Context;
use tracehound_formats::{Batch, Section};
use tracehound_rules::{Policy, Priority, RuleSet};

use crate::{Job, Live, Only};

/// The pipeline over what is recorded. It begins anew with each start state, so that memory is bounded by one part of
/// what is remembered, not by the time that has passed.
pub(super) struct Trigger<'a> {
    rules: &'a RuleSet,
    n_read: &'a AtomicU64,
    live: Option<Live<'a>>,
    /// Number of the last event looked at: events that a part could not take stand in the next one again.
    last_seq: u64,
}

/// Events read, which nobody asks for here.
static N_READ: AtomicU64 = AtomicU64::new(0);

impl<'a> Trigger<'a> {
    pub(super) fn new(rules: &'a RuleSet) -> Trigger<'a> {
        Trigger { rules, n_read: &N_READ, live: None, last_seq: 0 }
    }
}

impl Observer for Trigger<'_> {
    fn section(&mut self, section: &Section) {
        let mut live = Live::new(Job {
            rules: self.rules,
            suppressions: None,
            policy: Policy::First,
            least: Priority::Debug,
            context: Context::default(),
            only: Only::default(),
            n_read: self.n_read,
            meter: None,
        });
        live.section(section);
        self.live = Some(live);
    }

    fn batch(&mut self, batch: &Batch) -> Option<String> {
        let before = self.last_seq;
        self.last_seq = batch.iter().map(|event| event.head.seq.0).fold(before, u64::max);
        let signals = self.live.as_mut()?.batch(batch);
        let first = signals.iter().find(|signal| signal.seq.0 > before)?;
        Some(format!("rule {:?} at event {}", first.rule.name, first.seq.0))
    }
}
