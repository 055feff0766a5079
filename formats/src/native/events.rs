//! Payload of a segment of events: the columns of their heads, then their arguments.

use std::collections::HashMap;

use super::column::{self, ColumnEncoder};
use super::rows::{self, ArgDecoder, Groups};
use super::summary::Held;
use super::varint::{Broken, Cursor, put_varint, unzigzag, zigzag};
use crate::event::{Batch, Head, KindId, Nanos, Seq, Tid, head_flags};
use crate::wanted::WantedArgs;

/// Appends the payload; returns the kinds, in rising order.
pub(crate) fn put(batch: &Batch, columns: &mut ColumnEncoder, out: &mut Vec<u8>) -> Vec<KindId> {
    let groups = Groups::of(batch);
    groups.put(out);
    let mut column = |values: &mut dyn Iterator<Item = u64>, out: &mut Vec<u8>| {
        let values: Vec<u64> = values.collect();
        columns.put(&values, out);
    };
    let heads = || batch.iter().map(|event| event.head);
    column(&mut groups.of_rows(batch.len()).into_iter(), out);
    column(&mut heads().map(|h| h.seq.0), out);
    column(&mut heads().map(|h| h.ts.0), out);
    column(&mut heads().map(|h| u64::from(h.enter_ns != 0)), out);
    column(&mut heads().filter(|h| h.enter_ns != 0).map(|h| h.ts.0.wrapping_sub(h.enter_ns)), out);

    let mut threads = Threads::default();
    let thread_of_row: Vec<usize> = heads().map(|h| threads.index(h.tid)).collect();
    put_varint(threads.tids.len() as u64, out);
    column(&mut threads.tids.iter().map(|tid| tid.0 as u64), out);
    column(&mut thread_of_row.iter().map(|&thread| thread as u64), out);
    // A thread mostly stays on its CPU.
    let mut last_cpu = vec![0u16; threads.tids.len()];
    let cpus = heads().zip(&thread_of_row).map(|(h, &thread)| {
        let last = std::mem::replace(&mut last_cpu[thread], h.cpu);
        zigzag(u64::from(h.cpu).wrapping_sub(u64::from(last)))
    });
    column(&mut { cpus }, out);
    column(&mut heads().map(|h| u64::from(h.flags)), out);
    rows::put_args(batch, &groups, columns, out);
    groups.groups.iter().map(|&(kind, _)| kind).collect()
}

/// Threads in order of their first event.
#[derive(Default)]
struct Threads {
    tids: Vec<Tid>,
    index_of: HashMap<Tid, usize>,
}

impl Threads {
    fn index(&mut self, tid: Tid) -> usize {
        *self.index_of.entry(tid).or_insert_with(|| {
            self.tids.push(tid);
            self.tids.len() - 1
        })
    }
}

/// Decodes segments of events, with memory that is used again: [`EventDecoder::begin`], then [`EventDecoder::block`] as long
/// as there are events.
#[derive(Debug, Default)]
pub(crate) struct EventDecoder {
    group_of_row: Vec<u16>,
    seqs: Vec<u64>,
    times: Vec<u64>,
    /// Whether each row has a time of entry.
    has_enter: Vec<u8>,
    /// Time from entry to return of those that have, where not all are alike in it.
    durations: Vec<u64>,
    /// Time of entry of each row; 0 for those without.
    enters: Vec<u64>,
    tids: Vec<u64>,
    thread_of_row: Vec<u32>,
    cpus: Vec<u32>,
    /// CPU of the last event of each thread.
    last_cpus: Vec<u32>,
    flags: Vec<u8>,
    args: ArgDecoder,
    /// The next row, and the one after the last.
    next: usize,
    end: usize,
    /// Of the segment, system calls that had not returned.
    pub(crate) n_unfinished: u64,
    /// What the segment decoded last holds.
    pub(crate) held: Held,
}

impl EventDecoder {
    /// One that leaves out arguments that are not wanted.
    pub(crate) fn new(wanted: WantedArgs) -> EventDecoder {
        EventDecoder { args: ArgDecoder::new(wanted), ..EventDecoder::default() }
    }

    /// What of arguments it is to make.
    pub(crate) fn wanted(&self) -> &WantedArgs {
        &self.args.wanted
    }

    /// Forgets the segment.
    pub(crate) fn clear(&mut self) {
        (self.next, self.end, self.n_unfinished) = (0, 0, 0);
    }

    /// True if there are events left.
    pub(crate) fn has_more(&self) -> bool {
        self.next < self.end
    }

    /// Reads the payload of a segment of `n` events. After an error there are none.
    pub(crate) fn begin(&mut self, payload: &[u8], n: usize) -> Result<(), Broken> {
        self.clear();
        self.take(payload, n)?;
        self.end = n;
        Ok(())
    }

    /// Reads and checks all columns, so that nothing is wrong any more when rows are made.
    fn take(&mut self, payload: &[u8], n: usize) -> Result<(), Broken> {
        let cursor = &mut Cursor::new(payload);
        let groups = rows::take_groups(cursor, n)?;
        column::values(cursor, n, &mut self.group_of_row)?;
        column::values(cursor, n, &mut self.seqs)?;
        column::values(cursor, n, &mut self.times)?;
        self.take_enters(cursor, n)?;
        let n_threads = cursor.length()?;
        if n_threads > n {
            return Err(Broken("more threads than events"));
        }
        column::values(cursor, n_threads, &mut self.tids)?;
        column::values(cursor, n, &mut self.thread_of_row)?;
        column::values(cursor, n, &mut self.cpus)?;
        column::values(cursor, n, &mut self.flags)?;
        self.args.begin(cursor, &groups, n)?;

        let mut sorter = self.args.sorter();
        self.group_of_row.iter().enumerate().for_each(|(i, &group)| sorter.row(i, group));
        if !sorter.is_complete() {
            return Err(Broken("a row is of a kind that is not listed"));
        }
        // Not `max`, which compares one after the other.
        let last_thread = self.thread_of_row.iter().fold(0, |last, &thread| thread.max(last));
        if n > 0 && last_thread as usize >= n_threads {
            return Err(Broken("an event is of a thread that is not listed"));
        }
        self.last_cpus.clear();
        self.last_cpus.resize(n_threads, 0);
        // What is wrong is found out once at the end: a branch a value costs more than finishing in vain.
        let mut high_cpu = 0;
        for (cpu, &thread) in self.cpus.iter_mut().zip(&self.thread_of_row) {
            let last = &mut self.last_cpus[thread as usize];
            *last = last.wrapping_add(unzigzag(u64::from(*cpu)) as u32);
            high_cpu |= *last >> 16;
            *cpu = *last;
        }
        if high_cpu != 0 {
            return Err(Broken("a CPU number above 65535"));
        }
        self.held.note(groups, &self.tids, &self.seqs, &self.times, &self.flags);
        if self.held.flags & head_flags::UNFINISHED != 0 {
            self.n_unfinished = self.flags.iter().map(|flags| u64::from(flags & head_flags::UNFINISHED != 0)).sum();
        }
        let (tids, thread_of_row) = (&self.tids, &self.thread_of_row);
        self.args.take(cursor, |row| tids[thread_of_row[row] as usize])
    }

    /// Reads which rows have a time of entry, and how long before its return that is.
    fn take_enters(&mut self, cursor: &mut Cursor<'_>, n: usize) -> Result<(), Broken> {
        self.has_enter.clear();
        match column::take(cursor, n, &mut self.has_enter)? {
            Some(0) => {
                self.enters.clear();
                self.enters.resize(n, 0);
            }
            Some(_) => {
                column::values(cursor, n, &mut self.enters)?;
                self.enters.iter_mut().zip(&self.times).for_each(|(enter, time)| *enter = time.wrapping_sub(*enter));
            }
            None => {
                let n_enters = self.has_enter.iter().map(|&has| usize::from(has != 0)).sum();
                column::values(cursor, n_enters, &mut self.durations)?;
                self.enters.clear();
                let mut durations = self.durations.iter();
                self.enters.extend(self.has_enter.iter().zip(&self.times).map(|(&has_enter, time)| match has_enter {
                    0 => 0,
                    _ => durations.next().map_or(0, |duration| time.wrapping_sub(*duration)),
                }));
            }
        }
        Ok(())
    }

    /// Makes a batch of the next events, at most so many, in place of what it held; false, and a batch without events, if
    /// there are none.
    pub(crate) fn block(&mut self, batch: &mut Batch, most: usize) -> bool {
        let range = self.next..self.end.min(self.next.saturating_add(most));
        if range.is_empty() {
            batch.clear();
            return false;
        }
        self.next = range.end;
        let columns = self.group_of_row[range.clone()]
            .iter()
            .zip(&self.seqs[range.clone()])
            .zip(&self.times[range.clone()])
            .zip(&self.thread_of_row[range.clone()])
            .zip(&self.cpus[range.clone()])
            .zip(&self.flags[range.clone()])
            .zip(&self.enters[range]);
        let tids = &self.tids[..];
        let rows = columns.map(|((((((&group, &seq), &time), &thread), &cpu), &flags), &enter_ns)| {
            let tid = Tid(tids[thread as usize] as i64);
            let (seq, ts, cpu) = (Seq(seq), Nanos(time), cpu as u16);
            (group, Head { seq, ts, enter_ns, tid, kind: KindId(0), cpu, flags })
        });
        self.args.block(rows, batch);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times of entry of two events that returned at 100, given the bytes that tell them and the bytes of the threads.
    fn check(enters: &[u8], threads: &[u8], expected: Result<[u64; 2], Broken>) {
        let [kinds, head, rest]: [&[u8]; 3] = [&[1, 1, 2], &[0, 0, 7, 1, 2, 0, 100], &[0, 0, 0, 0, 0, 0, 0, 0, 0]];
        let payload = [kinds, head, enters, threads, rest].concat();
        let (mut decoder, mut batch) = (EventDecoder::default(), Batch::default());
        let found = decoder.begin(&payload, 2).map(|()| {
            decoder.block(&mut batch, 1);
            let first = batch.get(0).unwrap().head.enter_ns;
            decoder.block(&mut batch, 1);
            [first, batch.get(0).unwrap().head.enter_ns]
        });
        assert_eq!(found, expected, "{enters:?} {threads:?}");
    }

    #[test]
    fn times_of_entry_and_threads() {
        const ONE: &[u8] = &[1, 0, 5];
        check(&[0, 0], ONE, Ok([0, 0]));
        check(&[0, 1, 0, 10], ONE, Ok([90, 90]));
        check(&[1, 0, 1, 0, 10], ONE, Ok([0, 90]));
        check(&[0, 0], &[0], Err(Broken("an event is of a thread that is not listed")));
    }
}
