//! Payload of a segment of events: the columns of their heads, then their arguments.

use std::collections::HashMap;

use super::column::{Column, ColumnEncoder, Spare};
use super::rows::{self, ArgDecoder, Groups};
use super::summary::Held;
use super::varint::{Broken, Cursor, put_varint, unzigzag, zigzag};
use crate::event::{Batch, Head, KindId, Nanos, Seq, Tid, head_flags};

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

/// Decodes segments of events, with memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct EventDecoder {
    bytes: Spare<u8>,
    kinds: Spare<u16>,
    words: Spare<u32>,
    longs: Spare<u64>,
    args: ArgDecoder,
    /// Of the segment decoded last, system calls that had not returned.
    pub(crate) n_unfinished: u64,
    /// What the segment decoded last holds.
    pub(crate) held: Held,
}

impl EventDecoder {
    /// Reads the payload of a segment of `n` events into a batch, whose memory is used again. After an error the batch
    /// holds no events.
    pub(crate) fn take(&mut self, payload: &[u8], n: usize, batch: &mut Batch) -> Result<(), Broken> {
        let taken = self.try_take(payload, n, batch);
        if taken.is_err() {
            batch.clear();
        }
        taken
    }

    fn try_take(&mut self, payload: &[u8], n: usize, batch: &mut Batch) -> Result<(), Broken> {
        let cursor = &mut Cursor::new(payload);
        let groups = rows::take_groups(cursor, n)?;
        let group_of_row = self.kinds.values(cursor, n)?;
        let seqs = self.longs.values(cursor, n)?;
        let times = self.longs.values(cursor, n)?;
        let has_enter = self.bytes.column(cursor, n)?;
        let n_enters = match &has_enter {
            Column::Constant(0) => 0,
            Column::Constant(_) => n,
            Column::Values(values) => values.iter().filter(|&&has| has != 0).count(),
        };
        let durations = self.longs.values(cursor, n_enters)?;
        let n_threads = cursor.length()?;
        if n_threads > n {
            return Err(Broken("more threads than events"));
        }
        let tids = self.longs.values(cursor, n_threads)?;
        let thread_of_row = self.words.values(cursor, n)?;
        let cpus = self.words.values(cursor, n)?;
        let flags = self.bytes.values(cursor, n)?;
        self.n_unfinished = flags.iter().map(|flags| u64::from(flags & head_flags::UNFINISHED != 0)).sum();

        let bytes = self.args.begin(cursor, &groups, n)?;
        let heads = HeadColumns {
            group_of_row: &group_of_row,
            seqs: &seqs,
            times: &times,
            thread_of_row: &thread_of_row,
            cpus: &cpus,
            flags: &flags,
            threads: tids.iter().map(|&tid| (tid, 0)).collect(),
        };
        match &has_enter {
            Column::Constant(0) => heads.put(&mut self.args, |_, _| 0, bytes, batch),
            Column::Constant(_) => heads.put(&mut self.args, |i, time| time.wrapping_sub(durations[i]), bytes, batch),
            Column::Values(has) => {
                let mut durations = durations.iter();
                let enter = |i: usize, time: u64| {
                    if has[i] == 0 { 0 } else { durations.next().map_or(0, |duration| time.wrapping_sub(*duration)) }
                };
                heads.put(&mut self.args, enter, bytes, batch)
            }
        }?;
        self.args.take(cursor, batch)?;
        self.held.note(groups, &tids, &seqs, &times, &flags);
        self.kinds.put_values(group_of_row);
        [seqs, times, durations, tids].into_iter().for_each(|values| self.longs.put_values(values));
        [thread_of_row, cpus].into_iter().for_each(|values| self.words.put_values(values));
        self.bytes.put(has_enter);
        self.bytes.put_values(flags);
        Ok(())
    }
}

/// The columns of heads, each with a value for every row.
struct HeadColumns<'a> {
    group_of_row: &'a [u16],
    seqs: &'a [u64],
    times: &'a [u64],
    thread_of_row: &'a [u32],
    cpus: &'a [u32],
    flags: &'a [u8],
    /// Id of each thread, and the CPU of its event before.
    threads: Vec<(u64, u32)>,
}

impl HeadColumns<'_> {
    /// Puts the heads into a batch; `enter` tells the time of entry of a row from its number and time. One pass does
    /// all that is done row by row: the columns are read once and each row of the batch is written once.
    fn put(
        self,
        args: &mut ArgDecoder,
        mut enter: impl FnMut(usize, u64) -> u64,
        bytes: &[u8],
        batch: &mut Batch,
    ) -> Result<(), Broken> {
        let HeadColumns { group_of_row, seqs, times, thread_of_row, cpus, flags, mut threads } = self;
        // What is wrong is found out once at the end: a branch a value costs more than finishing in vain.
        let (mut is_thread_known, mut high_cpu) = (true, 0);
        let mut nobody = (0, 0);
        let n_args = args.n_args();
        let mut sorter = args.sorter();
        let columns = seqs.iter().zip(times).zip(group_of_row).zip(thread_of_row).zip(cpus).zip(flags).enumerate();
        let rows = columns.map(|(i, (((((&seq, &time), &group), &thread), &cpu), &flags))| {
            let (kind, first_arg, n_args) = sorter.row(i, group);
            let thread = threads.get_mut(thread as usize);
            is_thread_known &= thread.is_some();
            let (tid, last_cpu) = thread.unwrap_or(&mut nobody);
            *last_cpu = last_cpu.wrapping_add(unzigzag(u64::from(cpu)) as u32);
            high_cpu |= *last_cpu >> 16;
            let head = Head {
                seq: Seq(seq),
                ts: Nanos(time),
                enter_ns: enter(i, time),
                tid: Tid(*tid as i64),
                kind,
                cpu: *last_cpu as u16,
                flags,
            };
            (head, first_arg, n_args)
        });
        batch.set_rows(rows, n_args, bytes);
        if !sorter.is_complete() {
            return Err(Broken("a row is of a kind that is not listed"));
        }
        if !is_thread_known {
            return Err(Broken("an event is of a thread that is not listed"));
        }
        if high_cpu != 0 {
            return Err(Broken("a CPU number above 65535"));
        }
        Ok(())
    }
}
