//! What is noted while a trace goes by: how dense events are over time, and why signals fired.

use std::collections::HashMap;

use tracehound_formats::event::kind::Category;
use tracehound_formats::{Batch, Nanos};
use tracehound_signals::{Signal, SignalId};
use tracehound_state::History;

use super::texts::Texts;
use crate::times::CredentialTimes;

/// Intervals that time is divided into, at most; at least half as many are used once the trace is long enough.
const MAX_BINS: usize = 1024;
/// Signals whose condition is kept.
const MAX_EXPLAINED: usize = 50_000;

/// Kinds of events that are counted apart, as shown.
pub(super) const LANES: [&str; 5] = ["processes", "files", "network", "reading and writing", "other"];

/// A part of a condition, with its result for an event.
#[derive(Clone, Debug)]
pub struct Part {
    /// How many parts it is inside of.
    pub depth: usize,
    /// Its result.
    pub result: bool,
    /// The comparison as it is written, or `not`, `all of`, `one of`.
    pub text: String,
    /// Where a comparison is written, with the macros and lists it comes through; empty for other parts.
    pub place: String,
    /// What a comparison compares, with values; `None` if absent.
    pub values: Vec<(String, Option<Vec<u8>>)>,
}

/// Notes for a page. To be shown every batch of a trace in order, when it has been replayed, and every signal.
pub struct Watch {
    /// Time of the first event.
    base: Option<u64>,
    /// An interval is two to this power nanoseconds long.
    shift: u32,
    /// Events by kind and interval.
    bins: Vec<[u64; LANES.len()]>,
    /// Condition of each rule, by its position: depth, text, place, and what is compared, of each part.
    pub(super) rules: HashMap<usize, Vec<RulePart>>,
    /// What is particular to a signal.
    pub(super) signals: HashMap<SignalId, Explained>,
    /// When credentials changed.
    pub(super) credentials: CredentialTimes,
    /// Texts that are needed when something is opened.
    pub(super) texts: Texts,
}

/// A part of a rule's condition; numbers are of texts.
pub(super) struct RulePart {
    pub(super) depth: usize,
    pub(super) text: u32,
    pub(super) place: u32,
    pub(super) operands: Vec<u32>,
}

/// Why a signal fired; numbers are of texts.
pub(super) struct Explained {
    pub(super) kind: u32,
    pub(super) args: u32,
    /// Results of the parts in order.
    pub(super) results: Vec<bool>,
    /// Values of all parts' operands in order; -1 if absent.
    pub(super) values: Vec<i64>,
}

impl Default for Watch {
    fn default() -> Self {
        let mut texts = Texts::default();
        texts.text("");
        // Intervals of about a microsecond to begin with.
        Watch {
            base: None,
            shift: 10,
            bins: Vec::new(),
            rules: HashMap::new(),
            signals: HashMap::new(),
            credentials: CredentialTimes::default(),
            texts,
        }
    }
}

impl Watch {
    /// Counts the events of batches, and notes what times of the history that they led to it does not keep.
    pub fn batches(&mut self, history: &History, batches: &[Batch]) {
        for head in batches.iter().flat_map(Batch::heads) {
            self.count(head.ts, lane(head.kind.get().map(|kind| kind.category)));
        }
        self.credentials.batches(history, batches);
    }

    fn count(&mut self, ts: Nanos, lane: usize) {
        let base = *self.base.get_or_insert(ts.0);
        // Time can step back behind the first event; what does is counted with it.
        let offset = ts.0.saturating_sub(base);
        while (offset >> self.shift) as usize >= MAX_BINS {
            self.shift += 1;
            let merged = self.bins.chunks(2).map(|pair| {
                let mut sum = pair[0];
                pair.iter().skip(1).for_each(|bin| sum.iter_mut().zip(bin).for_each(|(sum, n)| *sum += n));
                sum
            });
            self.bins = merged.collect();
        }
        let i = (offset >> self.shift) as usize;
        if self.bins.len() <= i {
            self.bins.resize(i + 1, [0; LANES.len()]);
        }
        self.bins[i][lane] += 1;
    }

    /// Notes why a signal fired: its event's kind and arguments, and the parts of the condition. Of very many signals
    /// the first are kept; a page says of the others how to ask.
    pub fn explain(&mut self, signal: &Signal, kind: &str, args: &[u8], parts: &[Part]) {
        if self.signals.len() >= MAX_EXPLAINED {
            return;
        }
        let texts = &mut self.texts;
        let rule = self.rules.entry(signal.rule.index).or_insert_with(|| {
            let part = |part: &Part| RulePart {
                depth: part.depth,
                text: texts.text(&part.text),
                place: texts.text(&part.place),
                operands: part.values.iter().map(|(operand, _)| texts.text(operand)).collect(),
            };
            parts.iter().map(part).collect()
        });
        debug_assert_eq!(rule.len(), parts.len(), "a rule has one condition");
        let values = parts.iter().flat_map(|part| &part.values);
        let explained = Explained {
            results: parts.iter().map(|part| part.result).collect(),
            values: values.map(|(_, value)| value.as_ref().map_or(-1, |value| texts.bytes(value).into())).collect(),
            kind: texts.text(kind),
            args: texts.bytes(args),
        };
        self.signals.insert(signal.id, explained);
    }

    /// Length of an interval in nanoseconds, and of each kind the events of each interval.
    pub(super) fn density(&self) -> (u64, Vec<Vec<u64>>) {
        let lanes = (0..LANES.len()).map(|lane| self.bins.iter().map(|bin| bin[lane]).collect());
        (1 << self.shift, lanes.collect())
    }

    /// Time that intervals are counted from.
    pub(super) fn base(&self) -> Option<u64> {
        self.base
    }
}

/// Where a kind of event is counted: position in [`LANES`].
fn lane(category: Option<Category>) -> usize {
    match category {
        Some(Category::Process | Category::User | Category::Signal) => 0,
        Some(Category::File) => 1,
        Some(Category::Net) => 2,
        Some(Category::IoRead | Category::IoWrite | Category::IoOther) => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_with_the_trace() {
        let mut watch = Watch::default();
        for ts in [5_000, 4_000, 5_000 + 1024, 5_000 + 1024 * 1024, 5_000 + (1 << 40)] {
            watch.count(Nanos(ts), 1);
        }
        let (length, lanes) = watch.density();
        assert_eq!((length, lanes[1].len()), (1 << 31, 513));
        assert_eq!(lanes[1].iter().sum::<u64>(), 5);
        assert_eq!((lanes[1][0], lanes[1][512]), (4, 1));
    }
}
