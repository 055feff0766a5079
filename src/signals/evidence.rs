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

/// Where the trace has gaps: known once it was read to its end, asked for each signal.
#[derive(Clone, Debug, Default)]
pub struct GapLog {
    /// What is missing before an event later than this one, all gaps together; in order.
    gaps: Vec<(Seq, Gaps)>,
}

impl GapLog {
    /// Gaps by where they are: records of lost events with how many (0: it does not say), and the events that
    /// damaged places stand after. In any order.
    pub fn new(losses: impl Iterator<Item = (Seq, u64)>, damage: impl Iterator<Item = Seq>) -> GapLog {
        let lost = losses.map(|(seq, n_lost)| (seq, Gaps { n_loss_records: 1, n_lost, n_damage: 0 }));
        let damage = damage.map(|seq| (seq, Gaps { n_damage: 1, ..Gaps::default() }));
        let mut gaps: Vec<(Seq, Gaps)> = lost.chain(damage).collect();
        gaps.sort_by_key(|(seq, _)| *seq);
        let mut sum = Gaps::default();
        for (_, gap) in &mut gaps {
            sum.n_loss_records = sum.n_loss_records.saturating_add(gap.n_loss_records);
            sum.n_lost = sum.n_lost.saturating_add(gap.n_lost);
            sum.n_damage = sum.n_damage.saturating_add(gap.n_damage);
            *gap = sum;
        }
        GapLog { gaps }
    }

    /// What is missing before an event. O(log gaps).
    pub fn before(&self, seq: Seq) -> Gaps {
        let n = self.gaps.partition_point(|(at, _)| *at < seq);
        self.gaps[..n].last().map_or_else(Gaps::default, |(_, gaps)| *gaps)
    }
}

impl Evidence {
    /// The evidence of a signal on an event, as far as the event and the history tell. What only the whole trace
    /// tells is added by [`Evidence::degrade`].
    pub fn of(view: &View<'_>) -> Evidence {
        let mut reasons = Vec::new();
        match view.process() {
            None if view.event.head.tid.0 >= 0 => reasons.push(Reason::UnknownThread),
            None => {}
            Some(process) => {
                let origins = [Some(process.origin), view.thread().map(|thread| thread.origin)];
                if origins.contains(&Some(Origin::FirstSeen)) {
                    reasons.push(Reason::BirthNotRecorded);
                }
                // Process 1 and the kernel's thread daemon have no parent.
                if !matches!(process.pid.0, 0..=2) && process.parent().at(view.seq()).is_none() {
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
        Evidence::from_reasons(reasons)
    }

    /// Adds what is missing before the event, and the fields of the rule that this trace has no answer for.
    pub fn degrade(&mut self, gaps: Gaps, unanswerable: &[String]) {
        if gaps == Gaps::default() && unanswerable.is_empty() {
            return;
        }
        let mut reasons = self.reasons().to_vec();
        if gaps.n_loss_records > 0 {
            reasons.push(Reason::LostEvents(gaps.n_lost));
        }
        if gaps.n_damage > 0 {
            reasons.push(Reason::Damage(gaps.n_damage));
        }
        reasons.extend(unanswerable.iter().cloned().map(Reason::Field));
        *self = Evidence::from_reasons(reasons);
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
        let losses = [(Seq(40), u64::MAX), (Seq(10), 5), (Seq(10), 0)];
        let log = GapLog::new(losses.into_iter(), [Seq(20)].into_iter());
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
