//! Segments decoded on threads of their own, ahead of whoever reads them in order.
//!
//! No state crosses segments of events, so that each is decoded alone. They are dealt out in turn: what a thread gives
//! comes in the order in which it was asked, and the next segment is always the oldest one under way. A thread decodes the
//! columns of a segment at once and makes its rows when they are about to be used, a block at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use super::trace::{Decoder, Told, Trace};
use crate::event::Batch;
use crate::reader::Damage;
use crate::wanted::WantedArgs;

/// Most threads of a reader: so many decode faster than anything takes what they give.
const MAX_THREADS: usize = 4;

/// Events under way after which no further segment is begun.
const MAX_ROWS_AHEAD: u64 = 128 * 1024;

/// Bytes of unpacked payload under way after which no further segment is begun.
const MAX_BYTES_AHEAD: u64 = 64 << 20;

/// Segments under way after which no further one is begun: small ones cost more than their events.
const MAX_SEGMENTS_AHEAD: usize = 8;

/// Blocks that a thread makes before anybody takes them.
const N_BLOCKS_AHEAD: usize = 2;

/// The next events of a segment.
#[derive(Debug)]
pub(super) struct Block {
    /// What is wrong with the segment; what is to be noted of it, with its first block.
    pub(super) result: Result<Told, Damage>,
    pub(super) batch: Batch,
    /// True if nothing of the segment follows.
    pub(super) is_last: bool,
}

impl Block {
    /// The first block of a segment.
    pub(super) fn first(trace: &Trace, i: usize, decoder: &mut Decoder, batch: Batch) -> Block {
        let result = trace.decode(i, decoder).map(|()| decoder.told());
        Block { result, ..Block::next(decoder, batch) }
    }

    /// The next block of the segment that was begun last.
    pub(super) fn next(decoder: &mut Decoder, mut batch: Batch) -> Block {
        decoder.block(&mut batch);
        Block { result: Ok(Told::default()), batch, is_last: !decoder.has_more() }
    }
}

/// Batches whose memory can be used again, by whichever thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<Batch>>>);

impl Pool {
    /// The one given back last, or a new one.
    pub(super) fn take(&self) -> Batch {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Gives one back.
    pub(super) fn put(&self, mut batch: Batch) {
        // What it shares with other batches is needed by whoever made it.
        batch.clear_rows();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }
}

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
    jobs: Option<mpsc::Sender<usize>>,
    /// None once nobody wants them.
    blocks: Option<mpsc::Receiver<Block>>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Starts threads for a reader that may use `n`, its own among them; `None` if the system gives none. Of two the other
    /// takes what is read: decoding on the reader's own thread is ahead of it then.
    pub(super) fn start(trace: &Arc<Trace>, pool: &Pool, wanted: &WantedArgs, n: usize) -> Option<Ahead> {
        if n < 3 {
            return None;
        }
        let start = |_| Worker::start(trace.clone(), pool.clone(), wanted.clone()).ok();
        let workers: Vec<Worker> = (0..(n - 1).min(MAX_THREADS)).map_while(start).collect();
        (!workers.is_empty()).then(|| Ahead { workers, turn: 0, under_way: VecDeque::new(), next: 0 })
    }

    /// The next block of segment `i`; segments after it that are `wanted` are begun meanwhile. `None` if its thread is not
    /// there any more.
    pub(super) fn take(
        &mut self,
        trace: &Trace,
        pool: &Pool,
        i: usize,
        wanted: impl Fn(usize) -> bool,
    ) -> Option<Block> {
        self.next = self.next.max(i);
        loop {
            while self.next < trace.segments().len() && self.has_room(trace) {
                if wanted(self.next) {
                    self.workers[self.turn].jobs.as_ref()?.send(self.next).ok()?;
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
            let &UnderWay { segment, worker, .. } = self.under_way.front()?;
            let block = self.workers[worker].blocks.as_ref()?.recv().ok()?;
            if block.is_last {
                self.under_way.pop_front();
            }
            if segment == i {
                return Some(block);
            }
            // It was wanted once and then not.
            pool.put(block.batch);
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
    fn start(trace: Arc<Trace>, pool: Pool, wanted: WantedArgs) -> std::io::Result<Worker> {
        let (jobs, todo) = mpsc::channel::<usize>();
        let (done, blocks) = mpsc::sync_channel(N_BLOCKS_AHEAD);
        let work = move || {
            let mut decoder = Decoder::new(wanted);
            for i in todo {
                let mut block = Block::first(&trace, i, &mut decoder, pool.take());
                loop {
                    let is_last = block.is_last;
                    if done.send(block).is_err() {
                        return;
                    }
                    if is_last {
                        break;
                    }
                    block = Block::next(&mut decoder, pool.take());
                }
            }
        };
        let thread = std::thread::Builder::new().name("decode".to_owned()).spawn(work)?;
        Ok(Worker { jobs: Some(jobs), blocks: Some(blocks), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, whoever waited for it noticed.
            let _ = thread.join();
        }
    }
}
