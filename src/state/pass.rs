//! Events that are passed over because they cannot change anything.
//!
//! Which kinds these are follows from the plans by which events are replayed (module `effects`), so that an effect that is
//! added to a kind is not forgotten here.

use tracehound_formats::{ArgSet, KindId, Seq, Tid};

use crate::effects::{self, Bearing, Plan};
use crate::history::ProcessId;
use crate::replay::Replay;

/// Events that follow each other, by what is known of them without reading them.
#[derive(Clone, Debug)]
pub struct Passed<'a> {
    /// How many.
    pub n_events: u64,
    /// Number of the first and of the last; they rise in between.
    pub seqs: (Seq, Seq),
    /// Their kinds.
    pub kinds: &'a [KindId],
    /// Their threads.
    pub threads: &'a [Tid],
}

/// True if events of this kind can leave state as it is: whether they do depends on what is known when they come; see
/// [`Replay::pass`].
pub fn can_leave_state(kind: KindId) -> bool {
    matches!(bearing(kind), Bearing::Sockets | Bearing::Nothing)
}

/// The arguments of events of this kind that replay looks at. Without the others it gives the same history, and facts that
/// differ in nothing but the descriptor of events that leave state as it is.
pub fn args_read(kind: KindId) -> ArgSet {
    plan(kind).args()
}

fn bearing(kind: KindId) -> Bearing {
    plan(kind).bearing
}

fn plan(kind: KindId) -> &'static Plan {
    effects::plans().get(usize::from(kind.0)).unwrap_or(&Plan::OTHER)
}

impl Replay {
    /// Passes over events, if replaying them would give the same history: all of their threads are known, and none of
    /// them does more than what is known already. False if they have to be replayed.
    pub fn pass(&mut self, events: &Passed<'_>) -> bool {
        if self.history.sections.is_empty()
            || events.seqs.0 <= self.now
            || !events.kinds.iter().all(|&k| can_leave_state(k))
        {
            return false;
        }
        // What the event before left to do comes first, whatever is decided.
        self.settle();
        let mut threads = Vec::with_capacity(events.threads.len());
        for tid in events.threads {
            match self.thread_by_tid(tid.0) {
                Some(thread) => threads.push(thread),
                // An event of no thread, which nothing is known of.
                None if tid.0 < 0 => {}
                None => return false,
            }
        }
        if events.kinds.iter().any(|&kind| bearing(kind) == Bearing::Sockets) {
            let mut tables: Vec<_> = threads.iter().map(|&thread| self.table_of(thread)).collect();
            tables.sort_unstable();
            tables.dedup();
            let tables_of = &self.history.fd_tables;
            // Looking is worth it while it is less work than replaying.
            let cost: usize = tables.iter().map(|&table| tables_of.cost(table)).fold(0, usize::saturating_add);
            if cost as u64 > events.n_events {
                return false;
            }
            let files = tables.iter().flat_map(|&table| tables_of.entries(table, events.seqs.0));
            let mut files = files.filter_map(|(_, entry)| entry.file);
            if files.any(|file| self.history.files.traffic_at(file.index()).can_connect()) {
                return false;
            }
        }
        for thread in threads {
            self.live.thread[thread.index()].has_acted = true;
        }
        self.notes.n_events += events.n_events;
        self.now = events.seqs.1;
        true
    }

    /// The process of the thread that has this id now; `None` if it is not known.
    pub fn process_by_tid(&mut self, tid: Tid) -> Option<ProcessId> {
        self.thread_by_tid(tid.0).map(|thread| self.process_of(thread))
    }
}
