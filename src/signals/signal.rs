//! The signal itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bstr::{BString, ByteSlice};
use serde_json::Value as Json;
use tracehound_fields::View;
use tracehound_formats::{Nanos, Seq, Tid};
use tracehound_rules::{Priority, Rule};
use tracehound_state::ProcessId;

use crate::evidence::Evidence;
use crate::key::{Hash, TraceId};
use crate::time::Iso8601;

/// One match of a rule on one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// The event that matched.
    pub seq: Seq,
    /// Time of the event.
    pub ts: Nanos,
    /// Stable id; see [`SignalId`].
    pub id: SignalId,
    /// The rule.
    pub rule: Arc<RuleRef>,
    /// Host the trace was recorded on; empty if unknown.
    pub hostname: Arc<str>,
    /// The rule's output text with its fields filled in, without time and priority. Any bytes.
    pub message: BString,
    /// The fields that the output names, by their text, as JSON values (absent is null); see
    /// [`crate::json::value`].
    pub output_fields: BTreeMap<String, Json>,
    /// The acting process instance; `None` for an event without a thread.
    pub process: Option<ProcessId>,
    /// Its pid; `None` if the process is unknown.
    pub pid: Option<Tid>,
    /// The acting thread; -1 for an event without one.
    pub tid: Tid,
    /// What it rests on.
    pub evidence: Evidence,
    /// Whether it stands.
    pub verdict: Verdict,
}

/// What of a rule is part of each of its signals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRef {
    /// Position among the rules loaded: signals of one event are ordered by it.
    pub index: usize,
    /// Name.
    pub name: String,
    /// Priority.
    pub priority: Priority,
    /// Source of events, `syscall`.
    pub source: String,
    /// Tags, sorted.
    pub tags: Vec<String>,
}

impl RuleRef {
    /// The part of a rule that its signals carry.
    pub fn new(index: usize, rule: &Rule) -> Arc<RuleRef> {
        Arc::new(RuleRef {
            index,
            name: rule.name.clone(),
            priority: rule.priority,
            source: rule.source.clone(),
            tags: rule.tags.clone(),
        })
    }
}

/// Stable id of a signal: made from the trace, the rule's name and the event's number, so that a second run, and
/// a run with other rules beside it, gives the same signal the same id. Printed as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalId(pub u64);

impl SignalId {
    /// The id of the signal of a rule on an event.
    pub fn of(trace: TraceId, rule: &str, seq: Seq) -> SignalId {
        let mut hash = Hash::default();
        hash.part(&trace.0.to_le_bytes()).part(rule.as_bytes()).part(&seq.0.to_le_bytes());
        SignalId(hash.finish())
    }

    /// Reads the printed form.
    pub fn parse(text: &str) -> Option<SignalId> {
        let is_hex = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex.then(|| u64::from_str_radix(text, 16).ok().map(SignalId))?
    }
}

impl fmt::Display for SignalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Whether a signal stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    #[default]
    Fired,
    /// Suppressions explain it away. It is kept, and counted.
    Suppressed {
        /// Names of the suppressions that match, in the order they were loaded; at least one.
        by: Vec<String>,
    },
}

impl Verdict {
    /// `fired` or `suppressed`.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Fired => "fired",
            Verdict::Suppressed { .. } => "suppressed",
        }
    }

    /// Names of the suppressions; none if it fired.
    pub fn suppressed_by(&self) -> &[String] {
        match self {
            Verdict::Fired => &[],
            Verdict::Suppressed { by } => by,
        }
    }
}

impl Signal {
    /// The signal of a rule that matched an event.
    ///
    /// `message` and `fields` are the rule's output, rendered; a NUL or a newline in them is data and stays.
    pub fn new(
        trace: TraceId,
        rule: &Arc<RuleRef>,
        view: &View<'_>,
        hostname: &Arc<str>,
        message: impl Into<BString>,
        fields: impl IntoIterator<Item = (String, Json)>,
        evidence: Evidence,
    ) -> Signal {
        let head = view.event.head;
        Signal {
            seq: head.seq,
            ts: head.ts,
            id: SignalId::of(trace, &rule.name, head.seq),
            rule: Arc::clone(rule),
            hostname: Arc::clone(hostname),
            message: message.into(),
            output_fields: fields.into_iter().collect(),
            process: view.fact.process,
            pid: view.process().map(|process| process.pid),
            tid: head.tid,
            evidence,
            verdict: Verdict::Fired,
        }
    }

    /// Falco's `output`: `TIME: Priority message`, with each byte sequence that is no UTF-8 as U+FFFD.
    pub fn output(&self) -> String {
        format!("{}: {} {}", Iso8601(self.ts), self.rule.priority.name(), self.message.to_str_lossy())
    }
}

/// Puts signals in their order: by event, then by the order of the rules.
pub fn sort(signals: &mut [Signal]) {
    signals.sort_by_key(|signal| (signal.seq, signal.rule.index));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_promised() {
        let id = SignalId::of(TraceId(1), "Rule", Seq(7));
        assert_eq!(id.to_string(), "f95cde86f4fd6914");
        assert_eq!(SignalId::parse(&id.to_string()), Some(id));
        assert_ne!(id, SignalId::of(TraceId(1), "Rule", Seq(8)));
        assert_ne!(id, SignalId::of(TraceId(2), "Rule", Seq(7)));
        for bad in ["", "12", "000000000000000g", "+000000000000001", "00000000000000000"] {
            assert_eq!(SignalId::parse(bad), None, "{bad}");
        }
    }
}
