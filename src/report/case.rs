//! Everything a report is made from.

use std::sync::{Arc, OnceLock};

use tracehound_formats::event::{KindId, pseudo};
use tracehound_formats::{Event, Nanos, ReadNotes, Seq};
use tracehound_signals::key::resolve;
use tracehound_signals::{ProcessKeys, RuleRef, Signal, Verdict};
use tracehound_state::{History, ProcessId, Sym};

use crate::lineage;
use crate::table::Cell;
use crate::times::RowTimes;

/// One analysis, finished: what reports are made from. All references are to what stages before produced.
pub struct Case<'a> {
    /// The history, after the last event.
    pub history: &'a History,
    /// Keys of its processes.
    pub keys: &'a ProcessKeys<'a>,
    /// Times of the history's rows.
    pub times: &'a RowTimes,
    /// Signals in order (see [`tracehound_signals::sort`]), suppressed ones included.
    pub signals: &'a [Signal],
    /// What became of each rule, in the order loaded.
    pub rules: &'a [RuleOutcome],
    /// What became of each suppression, in the order loaded.
    pub suppressions: &'a [SuppressionOutcome],
    /// Records of lost events, in order.
    pub losses: &'a [Loss],
    /// What the reader found.
    pub notes: &'a ReadNotes,
    /// What was read.
    pub source: &'a Source,
    /// Signals of each process, by [`ProcessId`]: fired, suppressed.
    n_signals: Vec<(u32, u32)>,
    /// Signals that have a process: process and position, in order.
    by_process: Vec<(ProcessId, u32)>,
    /// Known ancestors of each process, by [`ProcessId`].
    depths: Vec<u32>,
    /// Keys, by [`ProcessId`].
    key_texts: OnceLock<Vec<String>>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Name of the input, as given.
    pub input: String,
    /// Its format.
    pub format: String,
    /// Its size in bytes, if known.
    pub n_bytes: Option<u64>,
    /// Host it was recorded on; empty if unknown.
    pub hostname: String,
    /// Time of the first event.
    pub first_ns: Option<u64>,
    /// Time of the last event.
    pub last_ns: Option<u64>,
    /// Result of the integrity check, one word: `none` if the format has no checksums, `partial` if the end of the trace
    /// was left out.
    pub integrity: String,
    /// Segments that were not decompressed because of what their headers say; their events are counted by it.
    pub n_skipped_segments: u64,
    /// The events of these segments.
    pub n_skipped_events: u64,
    /// Version of this program.
    pub version: String,
}

/// What became of a rule.
#[derive(Clone, Debug)]
pub struct RuleOutcome {
    /// The rule.
    pub rule: Arc<RuleRef>,
    /// Its description.
    pub description: String,
    /// File it is defined in.
    pub path: String,
    /// Line of its definition, from 1.
    pub line: u32,
    /// False if it was loaded but switched off.
    pub is_enabled: bool,
    /// Why it could not be evaluated on this trace: one text a field, `FIELD: what the trace lacks`.
    pub not_evaluable: Vec<String>,
}

/// A suppression that was loaded. What it hid is told by the verdicts of signals; see [`crate::accounting`].
#[derive(Clone, Debug, Default)]
pub struct SuppressionOutcome {
    /// Name, unique.
    pub name: String,
    /// `suppression` of a file, or `filter` of a rule.
    pub kind: &'static str,
    /// What it is for; empty if it does not say.
    pub description: String,
    /// Who answers for it; empty if nobody is named.
    pub owner: String,
    /// Why what it hides is benign; empty if it does not say.
    pub reason: String,
    /// Where that was decided; empty if it does not say.
    pub ticket: String,
    /// File it is written in.
    pub path: String,
    /// Line of its name, from 1.
    pub line: u32,
    /// False if it is switched off.
    pub is_enabled: bool,
    /// Which rules it applies to, as written.
    pub rule_query: String,
    /// Which signals it hides, as written; empty for none.
    pub suppression_query: String,
    /// Which events its rules do not see, as written; empty for none.
    pub data_exclusion_query: String,
    /// First moment at which it applies.
    pub start: Option<Nanos>,
    /// First moment at which it no longer applies.
    pub expiration: Option<Nanos>,
    /// What the dates are compared with: `event`, or a moment.
    pub clock: String,
    /// True if it had expired at the clock; for the clock `event` at the first event.
    pub is_expired: bool,
    /// True if it had not started at the clock; for the clock `event` at the last event.
    pub is_not_started: bool,
    /// Rules loaded that it applies to.
    pub n_rules: u64,
    /// Signals it hid because their event is excluded.
    pub n_excluded: u64,
    /// Signals it matched and did not hide.
    pub inactive: Inactive,
}

/// Signals that a suppression matches and does not hide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inactive {
    /// Before its start.
    pub n_not_started: u64,
    /// After its expiration.
    pub n_expired: u64,
    /// Switched off.
    pub n_disabled: u64,
}

/// A record that says events are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The record's own number.
    pub seq: Seq,
    /// Its time.
    pub ts: Nanos,
    /// Events lost, if it says.
    pub n_events: Option<u64>,
    /// CPU they were lost on, if it says.
    pub cpu: Option<u64>,
    /// First moment at which one may be missing, if it says.
    pub from: Option<Nanos>,
    /// Last moment, if it says.
    pub to: Option<Nanos>,
    /// Cause, if it says.
    pub cause: String,
}

impl Loss {
    /// True for the kinds of event that report a loss.
    #[inline]
    pub fn is_of(kind: KindId) -> bool {
        kind == pseudo::LOST || kind == pseudo::DROP
    }

    /// The loss that an event reports; `None` for every other event.
    #[inline]
    pub fn of(event: &Event<'_>) -> Option<Loss> {
        let head = event.head;
        if !Loss::is_of(head.kind) {
            return None;
        }
        let empty =
            Loss { seq: head.seq, ts: head.ts, n_events: None, cpu: None, from: None, to: None, cause: String::new() };
        if head.kind == pseudo::LOST {
            let cause = event.named("cause").bytes().map(|b| tracehound_signals::visible::utf8(b).into_owned());
            return Some(Loss {
                n_events: event.named("n_events").uint(),
                cpu: event.named("cpu").uint(),
                from: event.named("from").uint().map(Nanos),
                to: event.named("to").uint().map(Nanos),
                cause: cause.unwrap_or_default(),
                ..empty
            });
        }
        // `drop_end` closes what `drop` opened, and the recorder says nothing about how many there were.
        Some(Loss { cause: "recorder dropped events (sampling)".to_owned(), ..empty })
    }
}

/// The parts of a [`Case`] that stages before produced.
#[derive(Clone, Copy)]
pub struct CaseParts<'a> {
    /// See [`Case::history`].
    pub history: &'a History,
    /// See [`Case::keys`].
    pub keys: &'a ProcessKeys<'a>,
    /// See [`Case::times`].
    pub times: &'a RowTimes,
    /// See [`Case::signals`].
    pub signals: &'a [Signal],
    /// See [`Case::rules`].
    pub rules: &'a [RuleOutcome],
    /// See [`Case::suppressions`].
    pub suppressions: &'a [SuppressionOutcome],
    /// See [`Case::losses`].
    pub losses: &'a [Loss],
    /// See [`Case::notes`].
    pub notes: &'a ReadNotes,
    /// See [`Case::source`].
    pub source: &'a Source,
}

impl<'a> Case<'a> {
    /// A case, with what several tables need counted once. O(processes + signals).
    pub fn new(parts: CaseParts<'a>) -> Case<'a> {
        let CaseParts { history, keys, times, signals, rules, suppressions, losses, notes, source } = parts;
        let mut n_signals = vec![(0, 0); history.processes.len()];
        for signal in signals {
            if let Some(n) = signal.process.and_then(|process| n_signals.get_mut(resolve(history, process).index())) {
                match signal.verdict {
                    Verdict::Fired => n.0 += 1,
                    Verdict::Suppressed { .. } => n.1 += 1,
                }
            }
        }
        let process = |signal: &Signal| signal.process.map(|process| resolve(history, process));
        let mut by_process: Vec<(ProcessId, u32)> =
            (0..).zip(signals).filter_map(|(i, signal)| Some((process(signal)?, i))).collect();
        by_process.sort();
        let depths = lineage::depths(history);
        Case {
            history,
            keys,
            times,
            signals,
            rules,
            suppressions,
            losses,
            notes,
            source,
            n_signals,
            by_process,
            depths,
            key_texts: OnceLock::new(),
        }
    }

    /// Signals that stand, and suppressed ones, of a process.
    pub fn n_signals(&self, process: ProcessId) -> (u32, u32) {
        self.n_signals.get(process.index()).copied().unwrap_or_default()
    }

    /// Signals on a process, in order. O(log signals).
    pub fn signals_of(&self, process: ProcessId) -> impl Iterator<Item = &Signal> {
        let start = self.by_process.partition_point(|(of, _)| *of < process);
        let of = self.by_process[start..].iter().take_while(move |(of, _)| *of == process);
        of.map(|&(_, i)| &self.signals[i as usize])
    }

    /// Number of known ancestors of a process, by birth.
    pub fn depth(&self, process: ProcessId) -> u32 {
        self.depths.get(process.index()).copied().unwrap_or_default()
    }

    /// Last moment at which something of a process can be asked: while it exited, or the end of the trace.
    pub fn last_seq(&self, process: ProcessId) -> Seq {
        let process = self.history.process(process);
        let end = process.exit().map(|exit| exit.seq);
        end.or(process.ended().map(|ended| Seq(ended.0.saturating_sub(1)))).unwrap_or(Seq(u64::MAX))
    }

    /// The key of a process. Keys are made once, when the first is asked for.
    pub(crate) fn key(&self, process: ProcessId) -> &str {
        let make = || (0..self.history.processes.len() as u32).map(|i| self.keys.get(ProcessId::new(i))).collect();
        let keys: &Vec<String> = self.key_texts.get_or_init(make);
        keys.get(process.index()).map_or("", String::as_str)
    }

    /// The key of a process, as a cell.
    pub(crate) fn key_cell(&self, process: ProcessId) -> Cell<'_> {
        Cell::text(self.key(process))
    }

    /// The process id of a process, as a cell; of an instance that belongs to another one, that one's.
    pub(crate) fn pid_cell(&self, process: ProcessId) -> Cell<'_> {
        Cell::Int(self.history.process(resolve(self.history, process)).pid.0)
    }

    /// A string of the history.
    pub(crate) fn text(&self, sym: Sym) -> Cell<'_> {
        Cell::bytes(self.history.text(sym))
    }

    /// A string of the history, or null.
    pub(crate) fn text_option(&self, sym: Option<Sym>) -> Cell<'_> {
        Cell::option(sym, |sym| self.text(sym))
    }

    /// A string of the history; null if it is empty, where that means unknown.
    pub(crate) fn text_or_null(&self, sym: Sym) -> Cell<'_> {
        if sym == Sym::EMPTY { Cell::Null } else { self.text(sym) }
    }
}
