//! What a signal rests on, and what the trace lacks below it.

use std::fmt;

use tracehound_fields::View;
use tracehound_formats::Seq;
use tracehound_formats::event::head_flags;
use tracehound_state::history::Origin;

/// Whether a signal rests on everything that happened before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing that it depends on is known to be missing.
    #[default]
    Complete,
    /// Something is missing: the reasons, in the order of [`Reason`]'s variants, without repetition.
    Degraded(Vec<Reason>),
}

/// Why evidence is not complete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The recorder lost this many events before this one (all CPUs): state may have changed unseen.
    LostEvents(u64),
    /// So many places of the file before this event were damaged, and what stood there is missing.
    Damage(u64),
    /// The trace names a thread of which nothing is known.
    UnknownThread,
    /// The process or thread was first seen doing something: its birth, and all it did before, is not recorded.
    BirthNotRecorded,
    /// The parent of the process is unknown.
    UnknownParent,
    /// The system call had not returned when the trace ended.
    Unfinished,
    /// An argument of the event has a length its type does not allow.
    MalformedArgument,
    /// The rule names a field that this trace cannot answer.
    Field(String),
}

impl Reason {
    /// Short name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::LostEvents(_) => "lost_events",
            Reason::Damage(_) => "damage",
            Reason::UnknownThread => "unknown_thread",
            Reason::BirthNotRecorded => "birth_not_recorded",
            Reason::UnknownParent => "unknown_parent",
            Reason::Unfinished => "unfinished",
            Reason::MalformedArgument => "malformed_argument",
            Reason::Field(_) => "field_not_in_trace",
        }
    }
}

impl fmt::Display for Reason {
    /// The code, then what there is to say about it: `lost_events: 12 events were lost before this one`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code())?;
        match self {
            Reason::LostEvents(0) => write!(f, "events were lost before this one, their number is unknown"),
            Reason::LostEvents(1) => write!(f, "1 event was lost before this one"),
            Reason::LostEvents(n) => write!(f, "{n} events were lost before this one"),
            Reason::Damage(1) => write!(f, "1 place of the file before it is damaged"),
            Reason::Damage(n) => write!(f, "{n} places of the file before it are damaged"),
            Reason::UnknownThread => write!(f, "nothing is known of the thread"),
            Reason::BirthNotRecorded => write!(f, "the birth of the process or thread is not recorded"),
            Reason::UnknownParent => write!(f, "the parent of the process is unknown"),
            Reason::Unfinished => write!(f, "the system call had not returned when the trace ended"),
            Reason::MalformedArgument => write!(f, "an argument has a length its type does not allow"),
            Reason::Field(name) => write!(f, "{name}"),
        }
    }
}

/// What is missing from the trace before some event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Records that say events were lost.
    pub n_loss_records: u64,
    /// Events lost, as far as those records have a number.
    pub n_lost: u64,
    /// Damaged places of the file.
    pub n_damage: u64,
}

/// Where the trace has gaps: kept while it is read, asked for each signal.
#[derive(Clone, Debug, Default)]
pub struct GapLog {
    /// What is missing before an event later than this one, all gaps together; in order.
    gaps: Vec<(Seq, Gaps)>,
}

impl GapLog {
    /// Notes a record, at `seq`, of `n` lost events (0: it does not say how many). Records come in order.
    pub fn lost(&mut self, seq: Seq, n: u64) {
        let gaps = self.at(seq);
        gaps.n_loss_records = gaps.n_loss_records.saturating_add(1);
        gaps.n_lost = gaps.n_lost.saturating_add(n);
    }

    /// Notes that the reader had found `n_damage` damaged places in all by the time it delivered `seq`.
    pub fn damage(&mut self, seq: Seq, n_damage: u64) {
        let known = self.gaps.last().map_or(0, |(_, gaps)| gaps.n_damage);
        if n_damage > known {
            self.at(seq).n_damage = n_damage;
        }
    }

    /// The row for `seq`, or for the newest event noted before if that is later.
    fn at(&mut self, seq: Seq) -> &mut Gaps {
        let (last, gaps) = self.gaps.last().copied().unwrap_or_default();
        if self.gaps.is_empty() || last < seq {
            self.gaps.push((seq, gaps));
        }
        let i = self.gaps.len() - 1;
        &mut self.gaps[i].1
    }

    /// What is missing before an event. O(log gaps).
    pub fn before(&self, seq: Seq) -> Gaps {
        let n = self.gaps.partition_point(|(at, _)| *at < seq);
        self.gaps[..n].last().map_or_else(Gaps::default, |(_, gaps)| *gaps)
    }
}

impl Evidence {
    /// The evidence of a signal on an event. `unanswerable` are the fields of its rule that this trace has no
    /// answer for.
    pub fn of(view: &View<'_>, gaps: &Gaps, unanswerable: &[String]) -> Evidence {
        let mut reasons = Vec::new();
        if gaps.n_loss_records > 0 {
            reasons.push(Reason::LostEvents(gaps.n_lost));
        }
        if gaps.n_damage > 0 {
            reasons.push(Reason::Damage(gaps.n_damage));
        }
        match view.process() {
            None if view.event.head.tid.0 >= 0 => reasons.push(Reason::UnknownThread),
            None => {}
            Some(process) => {
                let origins = [Some(process.origin), view.thread().map(|thread| thread.origin)];
                if origins.contains(&Some(Origin::FirstSeen)) {
                    reasons.push(Reason::BirthNotRecorded);
                }
                // Process 1 and the kernel's thread daemon have no parent.
                if !matches!(process.pid.0, 0..=2) && process.parent.at(view.seq()).is_none() {
                    reasons.push(Reason::UnknownParent);
                }
            }
        }
        let flags = view.event.head.flags;
        if flags & head_flags::UNFINISHED != 0 {
            reasons.push(Reason::Unfinished);
        }
        if flags & head_flags::MALFORMED != 0 {
            reasons.push(Reason::MalformedArgument);
        }
        reasons.extend(unanswerable.iter().cloned().map(Reason::Field));
        Evidence::from_reasons(reasons)
    }

    /// Complete if there is no reason against it.
    pub fn from_reasons(mut reasons: Vec<Reason>) -> Evidence {
        reasons.sort();
        reasons.dedup();
        if reasons.is_empty() { Evidence::Complete } else { Evidence::Degraded(reasons) }
    }

    /// `complete` or `degraded`.
    pub fn name(&self) -> &'static str {
        match self {
            Evidence::Complete => "complete",
            Evidence::Degraded(_) => "degraded",
        }
    }

    /// The reasons; none if it is complete.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Evidence::Complete => &[],
            Evidence::Degraded(reasons) => reasons,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_before_an_event() {
        let mut log = GapLog::default();
        log.lost(Seq(10), 5);
        log.lost(Seq(10), 0);
        log.damage(Seq(20), 1);
        log.damage(Seq(30), 1);
        log.lost(Seq(40), u64::MAX);
        let gaps = |n_loss_records, n_lost, n_damage| Gaps { n_loss_records, n_lost, n_damage };
        for (seq, expected) in [
            (0, gaps(0, 0, 0)),
            (10, gaps(0, 0, 0)),
            (11, gaps(2, 5, 0)),
            (20, gaps(2, 5, 0)),
            (21, gaps(2, 5, 1)),
            (99, gaps(3, u64::MAX, 1)),
        ] {
            assert_eq!(log.before(Seq(seq)), expected, "{seq}");
        }
    }

    #[test]
    fn reasons_are_ordered_and_told_once() {
        let reasons = vec![Reason::Field("a.b".to_owned()), Reason::Damage(1), Reason::Damage(1)];
        let evidence = Evidence::from_reasons(reasons);
        let why: Vec<String> = evidence.reasons().iter().map(|reason| reason.to_string()).collect();
        assert_eq!(why, ["damage: 1 place of the file before it is damaged", "field_not_in_trace: a.b"]);
        assert_eq!(Evidence::from_reasons(Vec::new()), Evidence::Complete);
    }
}
