//! Payload of a segment of events: the columns of their heads, then their arguments.

use std::collections::HashMap;

use super::column::{self, ColumnEncoder};
use super::rows::{self, Groups};
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

/// Reads the payload of a segment of `n` events.
pub(crate) fn take(payload: &[u8], n: usize) -> Result<Batch, Broken> {
    let cursor = &mut Cursor::new(payload);
    let groups = rows::take_groups(cursor, n)?;
    let group_of_row = column::take(cursor, n)?;
    let seqs = column::take(cursor, n)?;
    let times = column::take(cursor, n)?;
    let has_enter = column::take(cursor, n)?;
    let n_enters = has_enter.iter().filter(|&&has| has != 0).count();
    let mut durations = column::take(cursor, n_enters)?.into_iter();
    let n_threads = cursor.length()?;
    if n_threads > n {
        return Err(Broken("more threads than events"));
    }
    let tids = column::take(cursor, n_threads)?;
    let thread_of_row = column::take(cursor, n)?;
    let cpus = column::take(cursor, n)?;
    let flags = column::take(cursor, n)?;

    let mut last_cpu = vec![0u16; n_threads];
    let mut heads = Vec::with_capacity(n);
    for i in 0..n {
        let group = usize::try_from(group_of_row[i]).unwrap_or(usize::MAX);
        let &(kind, _) = groups.get(group).ok_or(Broken("an event is of a kind that is not listed"))?;
        let thread = usize::try_from(thread_of_row[i]).unwrap_or(usize::MAX);
        let &tid = tids.get(thread).ok_or(Broken("an event is of a thread that is not listed"))?;
        let cpu = u64::from(last_cpu[thread]).wrapping_add(unzigzag(cpus[i]));
        let cpu = u16::try_from(cpu).map_err(|_| Broken("a CPU number above 65535"))?;
        last_cpu[thread] = cpu;
        let enter_ns = if has_enter[i] == 0 { 0 } else { times[i].wrapping_sub(durations.next().unwrap_or(0)) };
        heads.push(Head {
            seq: Seq(seqs[i]),
            ts: Nanos(times[i]),
            enter_ns,
            tid: Tid(tid as i64),
            kind,
            cpu,
            flags: u8::try_from(flags[i]).map_err(|_| Broken("flags of more than eight bits"))?,
        });
    }
    rows::take_args(cursor, &heads, &groups, &group_of_row)
}
