//! Batches from columns: the native trace decodes an argument of all events at once, and equal strings once.

use std::sync::Arc;

use super::{Batch, Event, Head, KindId, Nanos, Row, Seq, Slot, Tag, Tid};

/// What stands in a row before its head is set.
const NO_HEAD: Head = Head { seq: Seq(0), ts: Nanos(0), enter_ns: 0, tid: Tid(0), kind: KindId(0), cpu: 0, flags: 0 };

impl Batch {
    /// Appends a copy of an event of another batch.
    pub fn append(&mut self, event: &Event<'_>) {
        self.begin(*event.head);
        event.args().for_each(|arg| self.push(arg));
    }

    /// Arguments held, present or absent.
    pub fn n_args(&self) -> usize {
        self.slots.len()
    }

    /// Bytes of arguments held.
    pub fn n_bytes(&self) -> usize {
        self.bytes().len()
    }

    /// Makes this a batch of events, of which `make` gives the head and the number of arguments when it is told the position
    /// of the first one among all of the batch. Each argument is then to be set with [`Batch::set_args`]; `bytes` is what
    /// arguments of variable length will be ranges of. What the batch held is gone; its memory is used again.
    #[inline(always)]
    pub(crate) fn set_rows<T>(
        &mut self,
        rows: impl ExactSizeIterator<Item = T>,
        bytes: &Arc<Vec<u8>>,
        mut make: impl FnMut(T, u32) -> (Head, u8),
    ) {
        self.bytes.clear();
        self.shared = Some(bytes.clone());
        // What is there is left, both of rows and of arguments: each is set.
        self.rows.resize(rows.len(), Row { head: NO_HEAD, first_slot: 0, n_slots: 0 });
        // A loop, and not `extend`: there the position would be read from memory and written to it for each row.
        let mut first_slot = 0;
        for (slot, row) in self.rows.iter_mut().zip(rows) {
            let (head, n_slots) = make(row, first_slot);
            *slot = Row { head, first_slot, n_slots };
            first_slot += u32::from(n_slots);
        }
        self.slots.resize(first_slot as usize, Slot { payload: 0, len: 0, tag: Tag::Absent });
    }

    /// Sets argument `i` of several events, given the positions of their first arguments among all of the batch.
    #[inline(always)]
    pub(crate) fn set_args(&mut self, positions: &[u32], i: usize, args: impl Iterator<Item = ColumnArg>) {
        let slots = &mut self.slots[i..];
        for (&position, arg) in positions.iter().zip(args) {
            slots[position as usize] = match arg {
                ColumnArg::Absent => Slot { payload: 0, len: 0, tag: Tag::Absent },
                ColumnArg::Empty => Slot { payload: 0, len: 0, tag: Tag::Empty },
                ColumnArg::Int(payload) => Slot { payload, len: 0, tag: Tag::Int },
                ColumnArg::Bytes(range) => Slot { payload: u64::from(range.start), len: range.len, tag: Tag::Bytes },
                ColumnArg::Malformed(range) => {
                    Slot { payload: u64::from(range.start), len: range.len, tag: Tag::Malformed }
                }
            };
        }
    }

    /// The events as plain values, for comparing in tests.
    #[cfg(test)]
    pub(crate) fn to_vec(&self) -> Vec<(Head, Vec<super::Arg<'_>>)> {
        self.iter().map(|event| (*event.head, event.args().collect())).collect()
    }
}

/// An argument of a batch that is built from columns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ColumnArg {
    Absent,
    Empty,
    Int(u64),
    Bytes(BytesRange),
    Malformed(BytesRange),
}

/// A range of the bytes of a batch; whoever makes it checks that it lies inside.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BytesRange {
    pub start: u32,
    pub len: u32,
}
