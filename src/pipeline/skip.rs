//! Segments of a native trace that need not be decompressed.
//!
//! What a segment holds stands in its header. It is passed over if nothing in it can change state, which the plans of the
//! replay tell, and if no rule that is asked for a kind of event in it sees it. What is found is the same as if it had been
//! read, provided that the header is right; how much was passed over is counted. Of events that are read, arguments that
//! neither replay nor a rule looks at are not made.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};

use tracehound_formats::event::kind;
use tracehound_formats::native::{Segment, Unread};
use tracehound_formats::reader::Damage;
use tracehound_formats::{ArgSet, Batch, KindId, ReadNotes, WantedArgs};
use tracehound_rules::RuleSet;
use tracehound_state::pass::{Passed, args_read, can_leave_state};

use super::{Beside, Job, Only, Run, count_kind};
use crate::meter;

/// Segments that were not decompressed because of what their headers say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Segments.
    pub n_segments: u64,
    /// Their events.
    pub n_events: u64,
}

/// Which segments nobody needs, by what their headers say: state cannot change, and no rule that is asked for a kind of event
/// in them sees it. Whether state does change, and of which process the threads are, replay knows when it gets there.
pub(super) struct Needs {
    /// By code of kind: events can leave state as it is.
    can_leave: Vec<bool>,
    asked: OnceLock<KindsAsked>,
    /// What tells `asked`, while rules are loaded.
    loading: Mutex<Option<mpsc::Receiver<KindsAsked>>>,
    only: Only,
}

/// For which kinds of events some rule is asked, by code.
#[derive(Clone, Debug, Default)]
pub struct KindsAsked(Vec<bool>);

impl KindsAsked {
    /// Of these rules.
    pub fn of(rules: &RuleSet) -> KindsAsked {
        let has_rules = !rules.rules().is_empty();
        KindsAsked((0..n_kinds()).map(|code| has_rules && rules.asks_kind(code)).collect())
    }

    /// A kind that is not in the vocabulary is looked at.
    fn has(&self, kind: KindId) -> bool {
        self.0.get(usize::from(kind.0)).copied().unwrap_or(true)
    }
}

/// Codes of kinds are below it.
fn n_kinds() -> u16 {
    kind::all().map(|kind| kind.id.0).max().map_or(0, |last| last + 1)
}

impl Needs {
    /// Of a job; `loading` tells what its rules are asked for if they are still being loaded.
    pub(super) fn of(job: &Job<'_>, beside: Option<&Beside<'_>>, loading: Option<mpsc::Receiver<KindsAsked>>) -> Needs {
        let asked = OnceLock::new();
        if loading.is_none() {
            let rules = beside.map_or(job.rules, |beside| beside.union.rules());
            asked.get_or_init(|| KindsAsked::of(rules));
        }
        let can_leave = (0..n_kinds()).map(|code| can_leave_state(KindId(code))).collect();
        Needs { can_leave, asked, loading: Mutex::new(loading), only: job.only }
    }

    /// True if events of a kind can leave state as it is; of one that is not in the vocabulary, that is not known.
    fn can_leave(&self, kind: KindId) -> bool {
        self.can_leave.get(usize::from(kind.0)).copied().unwrap_or(false)
    }

    /// Waits for rules that are still being loaded.
    fn asked(&self) -> &KindsAsked {
        self.asked.get_or_init(|| {
            let loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Rules that do not load end the whole analysis: until it is told, nothing is needed for them.
            loading.and_then(|loading| loading.recv().ok()).unwrap_or_default()
        })
    }

    /// Tells the arguments that anybody looks at, if the rules are there.
    pub(super) fn tell(&self, wanted: &WantedArgs) {
        if self.asked.get().is_none() {
            // Who holds it waits for them.
            let Ok(mut loading) = self.loading.try_lock() else { return };
            let asked = match loading.as_ref().map(mpsc::Receiver::try_recv) {
                None | Some(Err(mpsc::TryRecvError::Empty)) => return,
                Some(told) => told.unwrap_or_default(),
            };
            *loading = None;
            self.asked.get_or_init(|| asked);
        }
        let asked = self.asked();
        let args = |kind| if asked.has(kind) { ArgSet::ALL } else { args_read(kind) };
        wanted.tell(|| (0..n_kinds()).map(|code| args(KindId(code))).collect());
    }

    /// True if a rule is asked for events of a segment, of whatever process.
    fn asks(&self, segment: &Segment) -> bool {
        self.only.since.is_none_or(|since| segment.times.1 >= since)
            && segment.kinds.iter().any(|&kind| self.asked().has(kind))
    }

    /// True if a segment can be left unread as far as its header tells.
    pub(super) fn can_spare(&self, segment: &Segment) -> bool {
        segment.kinds.iter().all(|&kind| self.can_leave(kind))
            && self.only.until.is_none_or(|until| segment.times.1 <= until)
            && (self.only.pid.is_some() || !self.asks(segment))
    }
}

impl Run<'_> {
    /// The events of a segment that was not read; `None` if it can be passed over when it is its turn.
    pub(super) fn read_if_needed(&mut self, unread: &Unread) -> Option<Batch> {
        if self.pass(unread) {
            return None;
        }
        let (batch, damage) = meter::stage(self.job.meter, |meter| &meter.decode, || unread.read());
        self.late.0 += u64::from(unread.segment().n_rows) - batch.len() as u64;
        self.late.1.extend(damage);
        Some(batch)
    }

    /// Passes over a segment. False if replay or rules have to see its events.
    fn pass(&mut self, unread: &Unread) -> bool {
        let (segment, summary) = (unread.segment(), unread.summary());
        // Fields ask for the time of the first event, which is not told.
        if self.totals.n_events == 0 || segment.seqs.0.0 <= self.last_seq {
            return false;
        }
        if let Some(pid) = self.job.only.pid
            && self.needs.as_ref().is_none_or(|needs| needs.asks(segment))
        {
            let processes: Vec<_> = summary.threads.iter().filter_map(|&tid| self.replay.process_by_tid(tid)).collect();
            let all = &self.replay.history().processes;
            if processes.iter().any(|process| all[process.index()].pid.0 == pid) {
                return false;
            }
        }
        let n_events = u64::from(segment.n_rows);
        let (kinds, threads) = (&segment.kinds, &summary.threads);
        if !self.replay.pass(&Passed { n_events, seqs: segment.seqs, kinds, threads }) {
            return false;
        }
        self.job.n_read.fetch_add(n_events, Ordering::Relaxed);
        self.last_seq = segment.seqs.1.0;
        self.totals.n_events += n_events;
        self.totals.last_ns = self.totals.last_ns.max(Some(segment.times.1.0));
        summary.kinds.iter().for_each(|&(kind, n)| count_kind(&mut self.by_code, kind, n));
        self.totals.skipped.n_segments += 1;
        self.totals.skipped.n_events += n_events;
        true
    }

    /// Adds what was found when segments were read after all.
    pub(super) fn read_late(&mut self, notes: &mut ReadNotes) {
        let (n_missing, damage) = std::mem::take(&mut self.late);
        notes.n_events = notes.n_events.saturating_sub(n_missing);
        notes.n_records = notes.n_records.saturating_sub(n_missing);
        let is_late = !damage.is_empty();
        for Damage { offset, after, what } in damage {
            notes.damaged_after(after, offset, what);
        }
        if is_late {
            notes.damage.sort_by_key(|damage| damage.offset);
        }
    }
}
