//! Enter events that wait for their exit event, and those that waited in vain.

use hashbrown::HashMap;

use super::plan::{EnterPlan, Plans};
use crate::event::KindId;

/// No enter event of a system call has more parameters.
pub(super) const MAX_PARAMS: usize = 8;

/// Threads that can wait at once, and enter events without exit that are kept for the end of the trace; a hostile
/// file could invent any number. More are counted, not kept.
const MAX_WAITING: usize = 1 << 18;
const MAX_ORPHANS: usize = 1 << 18;
/// Bytes of parameters kept with them.
const MAX_BYTES: usize = 64 << 20;
/// Buffers above this size are given back when their enter event is done with.
const KEEP_CAPACITY: usize = 256;

/// An enter event of an old capture.
#[derive(Debug, Default)]
pub(super) struct Enter {
    pub(super) code: u16,
    pub(super) n_params: u8,
    pub(super) cpu: u16,
    pub(super) tid: i64,
    pub(super) ts: u64,
    /// Kind of the completed system call.
    pub(super) kind: Option<KindId>,
    /// Recorded for state only.
    pub(super) is_state_only: bool,
    /// Parameters are in the byte order of a big-endian section.
    pub(super) is_big: bool,
    /// Ranges of `bytes`.
    pub(super) spans: [(u32, u32); MAX_PARAMS],
    pub(super) bytes: Vec<u8>,
}

impl Enter {
    /// A parameter, `None` if the event has fewer.
    pub(super) fn param(&self, i: u8) -> Option<&[u8]> {
        if i >= self.n_params {
            return None;
        }
        let (at, len) = self.spans[usize::from(i)];
        self.bytes.get(at as usize..at as usize + len as usize)
    }

    /// What the tables say about it.
    pub(super) fn plan<'p>(&self, plans: &'p Plans) -> Option<&'p EnterPlan> {
        plans.get(self.code, usize::from(self.n_params)).enter.as_ref()
    }
}

/// Enter events by thread.
#[derive(Debug, Default)]
pub(super) struct Pending {
    by_tid: HashMap<i64, u32>,
    /// Slots, of which those in `free` are unused; their buffers are reused.
    slots: Vec<Enter>,
    free: Vec<u32>,
    /// Enter events whose exit is missing, oldest first.
    orphans: Vec<Enter>,
    bytes: usize,
    /// Enter events that were not kept because of the limits.
    pub(super) n_dropped: u64,
}

impl Pending {
    /// True if no thread waits.
    pub(super) fn is_empty(&self) -> bool {
        self.by_tid.is_empty()
    }

    /// Keeps an enter event whose fixed part is given; parameters are ranges of `event`.
    pub(super) fn keep(&mut self, mut head: Enter, spans: &[(u32, u32)], event: &[u8]) {
        self.orphan(head.tid);
        let n_bytes: usize = spans.iter().take(MAX_PARAMS).map(|&(_, len)| len as usize).sum();
        if self.by_tid.len() >= MAX_WAITING || self.bytes + n_bytes > MAX_BYTES {
            self.n_dropped += 1;
            return;
        }
        self.bytes += n_bytes;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(Enter::default());
                self.slots.len() as u32 - 1
            }
        };
        let kept = &mut self.slots[slot as usize];
        head.bytes = std::mem::take(&mut kept.bytes);
        head.bytes.clear();
        for (i, &(at, len)) in spans.iter().take(MAX_PARAMS).enumerate() {
            head.spans[i] = (head.bytes.len() as u32, len);
            head.bytes.extend_from_slice(event.get(at as usize..at as usize + len as usize).unwrap_or_default());
            head.n_params = i as u8 + 1;
        }
        self.by_tid.insert(head.tid, slot);
        *kept = head;
    }

    /// Takes the enter event of a thread if it is of this kind; one of another kind is known to have lost its exit.
    pub(super) fn take(&mut self, tid: i64, kind: KindId) -> Option<u32> {
        let &slot = self.by_tid.get(&tid)?;
        if self.slots[slot as usize].kind != Some(kind) {
            self.orphan(tid);
            return None;
        }
        self.by_tid.remove(&tid);
        Some(slot)
    }

    /// The enter event in a slot that [`Pending::take`] returned.
    pub(super) fn get(&self, slot: u32) -> &Enter {
        &self.slots[slot as usize]
    }

    /// Gives a taken slot back.
    pub(super) fn release(&mut self, slot: u32) {
        let enter = &mut self.slots[slot as usize];
        self.bytes -= enter.bytes.len();
        enter.bytes.clear();
        enter.bytes.shrink_to(KEEP_CAPACITY);
        self.free.push(slot);
    }

    /// The thread's enter event will not get its exit any more.
    pub(super) fn orphan(&mut self, tid: i64) {
        let Some(slot) = self.by_tid.remove(&tid) else { return };
        if self.orphans.len() < MAX_ORPHANS {
            let mut enter = std::mem::take(&mut self.slots[slot as usize]);
            enter.bytes.shrink_to_fit();
            self.orphans.push(enter);
            self.free.push(slot);
        } else {
            self.n_dropped += 1;
            self.release(slot);
        }
    }

    /// No enter event will get its exit any more: the section ends.
    pub(super) fn orphan_all(&mut self) {
        let mut waiting: Vec<(u64, i64)> =
            self.by_tid.iter().map(|(&tid, &slot)| (self.slots[slot as usize].ts, tid)).collect();
        // The map has no order; time and thread give one that every run repeats.
        waiting.sort_unstable();
        for (_, tid) in waiting {
            self.orphan(tid);
        }
    }

    /// All enter events without exit, in order of time.
    pub(super) fn take_orphans(&mut self) -> Vec<Enter> {
        let mut orphans = std::mem::take(&mut self.orphans);
        orphans.sort_by_key(|enter| enter.ts);
        orphans
    }
}
