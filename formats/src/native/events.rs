//! Payload of a segment of events: the columns of their heads, then their arguments.

use std::collections::HashMap;

use super::column::{Column, ColumnEncoder, Spare};
use super::rows::{self, ArgDecoder, Groups};
use super::varint::{Broken, Cursor, put_varint, unzigzag, zigzag};
use crate::event::{Batch, Head, KindId, Nanos, Seq, Tid};

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
        let group_of_row = self.kinds.column(cursor, n)?;
        let seqs = self.longs.column(cursor, n)?;
        let times = self.longs.column(cursor, n)?;
        let has_enter = self.bytes.column(cursor, n)?;
        let n_enters = match &has_enter {
            Column::Constant(0) => 0,
            Column::Constant(_) => n,
            Column::Values(values) => values.iter().filter(|&&has| has != 0).count(),
        };
        let durations = self.longs.column(cursor, n_enters)?;
        let n_threads = cursor.length()?;
        if n_threads > n {
            return Err(Broken("more threads than events"));
        }
        let tids = self.longs.column(cursor, n_threads)?;
        let thread_of_row = self.words.column(cursor, n)?;
        let cpus = self.words.column(cursor, n)?;
        let flags = self.bytes.column(cursor, n)?;

        // What is wrong is found out once at the end: a branch a value costs more than finishing in vain.
        let (mut is_kind_known, mut is_thread_known, mut high_cpu) = (true, true, 0);
        let mut threads: Vec<(u64, u32)> = (0..n_threads).map(|i| (tids.at(i), 0)).collect();
        let mut n_durations = 0;
        let mut nobody = (0, 0);
        batch.set_heads((0..n).map(|i| {
            let group = groups.get(usize::from(group_of_row.at(i)));
            is_kind_known &= group.is_some();
            let thread = threads.get_mut(thread_of_row.at(i) as usize);
            is_thread_known &= thread.is_some();
            let (tid, last_cpu) = thread.unwrap_or(&mut nobody);
            *last_cpu = last_cpu.wrapping_add(unzigzag(u64::from(cpus.at(i))) as u32);
            high_cpu |= *last_cpu >> 16;
            let enter_ns = if has_enter.at(i) == 0 {
                0
            } else {
                n_durations += 1;
                times.at(i).wrapping_sub(durations.at(n_durations - 1))
            };
            Head {
                seq: Seq(seqs.at(i)),
                ts: Nanos(times.at(i)),
                enter_ns,
                tid: Tid(*tid as i64),
                kind: group.map_or(KindId(0), |&(kind, _)| kind),
                cpu: *last_cpu as u16,
                flags: flags.at(i),
            }
        }));
        if !is_kind_known {
            return Err(Broken("an event is of a kind that is not listed"));
        }
        if !is_thread_known {
            return Err(Broken("an event is of a thread that is not listed"));
        }
        if high_cpu != 0 {
            return Err(Broken("a CPU number above 65535"));
        }
        self.args.take(cursor, &groups, &group_of_row, batch)?;
        self.kinds.put(group_of_row);
        [seqs, times, durations, tids].into_iter().for_each(|column| self.longs.put(column));
        [has_enter, flags].into_iter().for_each(|column| self.bytes.put(column));
        [thread_of_row, cpus].into_iter().for_each(|column| self.words.put(column));
        Ok(())
    }
}
