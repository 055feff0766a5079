//! Batches from columns: the native trace decodes an argument of all events at once, and equal strings once.

use std::sync::Arc;

use super::{Batch, Event, Head, Row, Slot, Tag};

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

    /// Makes this a batch of events with these heads, each with the position of its first argument among all of the batch
    /// and the number of its arguments: they follow each other without gaps. Room for them is made with
    /// [`Batch::set_n_args`], and each is then to be set with [`Batch::set_args`]; `bytes` is what arguments of variable
    /// length will be ranges of. What the batch held is gone; its memory is used again.
    pub(crate) fn set_rows(&mut self, rows: impl Iterator<Item = (Head, u32, u8)>, bytes: &Arc<Vec<u8>>) {
        self.clear_rows();
        self.rows.extend(rows.map(|(head, first_slot, n_slots)| Row { head, first_slot, n_slots }));
        self.shared = Some(bytes.clone());
    }

    /// Says how many arguments the rows have together.
    pub(crate) fn set_n_args(&mut self, n: usize) {
        // What is there is left: each argument is set.
        self.slots.resize(n, Slot { payload: 0, len: 0, tag: Tag::Absent });
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
