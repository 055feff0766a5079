//! Segments decoded on threads of their own, ahead of whoever reads them in order.
//!
//! No state crosses segments of events, so that each is decoded alone. They are dealt out in turn: what a thread gives
//! comes in the order in which it was asked, and the next segment is always the oldest one under way.

use std::collections::VecDeque;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use super::trace::{Decoder, Told, Trace};
use crate::event::Batch;
use crate::reader::Damage;

/// Most threads of a reader: so many decode faster than anything takes what they give.
const MAX_THREADS: usize = 4;

/// Events under way after which no further segment is begun.
const MAX_ROWS_AHEAD: u64 = 128 * 1024;

/// Bytes of unpacked payload under way after which no further segment is begun.
const MAX_BYTES_AHEAD: u64 = 64 << 20;

/// Segments under way after which no further one is begun: small ones cost more than their events.
const MAX_SEGMENTS_AHEAD: usize = 8;

/// A decoded segment.
pub(super) type Decoded = (Result<Told, Damage>, Batch);

/// Threads that decode segments.
#[derive(Debug)]
pub(super) struct Ahead {
    workers: Vec<Worker>,
    /// The worker whose turn it is.
    turn: usize,
    /// Segments under way, in order.
    under_way: VecDeque<UnderWay>,
    /// The first segment that was not looked at.
    next: usize,
}

/// A segment under way.
#[derive(Debug)]
struct UnderWay {
    segment: usize,
    worker: usize,
    n_rows: u64,
    n_bytes: u64,
}

#[derive(Debug)]
struct Worker {
    /// None once it is to end.
    jobs: Option<mpsc::Sender<(usize, Batch)>>,
    results: mpsc::Receiver<Decoded>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Starts up to `n` threads, from 2 on; `None` if the system gives none, or for fewer.
    pub(super) fn start(trace: &Arc<Trace>, n: usize) -> Option<Ahead> {
        if n < 2 {
            return None;
        }
        let workers: Vec<Worker> = (0..n.min(MAX_THREADS)).map_while(|_| Worker::start(trace.clone()).ok()).collect();
        (!workers.is_empty()).then(|| Ahead { workers, turn: 0, under_way: VecDeque::new(), next: 0 })
    }

    /// Segment `i`, decoded; segments after it that are `wanted` are begun meanwhile. `None` if its thread is not there
    /// any more. Batches come from `spare`, and those of segments that were passed over go there.
    pub(super) fn take(
        &mut self,
        trace: &Trace,
        i: usize,
        wanted: impl Fn(usize) -> bool,
        spare: &mut Vec<Batch>,
    ) -> Option<Decoded> {
        self.next = self.next.max(i);
        loop {
            while self.next < trace.segments().len() && self.has_room(trace) {
                if wanted(self.next) {
                    let worker = &self.workers[self.turn];
                    worker.jobs.as_ref()?.send((self.next, spare.pop().unwrap_or_default())).ok()?;
                    self.under_way.push_back(UnderWay {
                        segment: self.next,
                        worker: self.turn,
                        n_rows: trace.segments()[self.next].n_rows.into(),
                        n_bytes: trace.unpacked_len(self.next),
                    });
                    self.turn = (self.turn + 1) % self.workers.len();
                }
                self.next += 1;
            }
            let UnderWay { segment, worker, .. } = self.under_way.pop_front()?;
            let decoded = self.workers[worker].results.recv().ok()?;
            if segment == i {
                return Some(decoded);
            }
            // It was wanted once and then not.
            spare.push(decoded.1);
        }
    }

    /// True if the next segment can be begun: one always can.
    fn has_room(&self, trace: &Trace) -> bool {
        let sum = |of: fn(&UnderWay) -> u64| self.under_way.iter().map(of).fold(0, u64::saturating_add);
        let n_rows = u64::from(trace.segments()[self.next].n_rows);
        self.under_way.is_empty()
            || self.under_way.len() < MAX_SEGMENTS_AHEAD
                && sum(|one| one.n_rows).saturating_add(n_rows) <= MAX_ROWS_AHEAD
                && sum(|one| one.n_bytes).saturating_add(trace.unpacked_len(self.next)) <= MAX_BYTES_AHEAD
    }
}

impl Worker {
    fn start(trace: Arc<Trace>) -> std::io::Result<Worker> {
        let (jobs, todo) = mpsc::channel::<(usize, Batch)>();
        let (done, results) = mpsc::channel();
        let work = move || {
            let mut decoder = Decoder::default();
            for (i, mut batch) in todo {
                let result = trace.decode(i, &mut decoder, &mut batch).map(|()| decoder.told());
                if done.send((result, batch)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("decode".to_owned()).spawn(work)?;
        Ok(Worker { jobs: Some(jobs), results, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, whoever waited for it noticed.
            let _ = thread.join();
        }
    }
}
