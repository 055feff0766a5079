//! Batches from columns: the native trace decodes an argument of all events at once, and equal strings once.

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
        self.bytes.len()
    }

    /// Makes this a batch of events with these heads, whose arguments follow column by column: see
    /// [`Batch::set_layout`]. What it held is gone; its memory is used again.
    pub(crate) fn set_heads(&mut self, heads: impl Iterator<Item = Head>) {
        self.rows.clear();
        self.rows.extend(heads.map(|head| Row { head, first_slot: 0, n_slots: 0 }));
    }

    /// Gives each event a number of arguments, each of which is to be set with [`Batch::set_args`]; `bytes` is what
    /// arguments of variable length will be ranges of.
    pub(crate) fn set_layout(&mut self, n_args: &[u8], bytes: &[u8]) {
        let mut first_slot = 0u32;
        for (row, &n_slots) in self.rows.iter_mut().zip(n_args) {
            (row.first_slot, row.n_slots) = (first_slot, n_slots);
            first_slot += u32::from(n_slots);
        }
        // What is there is left: each argument is set.
        self.slots.resize(first_slot as usize, Slot { payload: 0, len: 0, tag: Tag::Absent });
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
    }

    /// Head of an event that is there.
    #[inline(always)]
    pub(crate) fn head(&self, row: usize) -> &Head {
        &self.rows[row].head
    }

    /// Position of an event's first argument among all arguments of the batch.
    #[inline(always)]
    pub(crate) fn first_arg(&self, row: usize) -> u32 {
        self.rows[row].first_slot
    }

    /// Sets argument `i` of several events, given the positions of their first arguments among all of the batch.
    #[inline]
    pub(crate) fn set_args(&mut self, positions: &[u32], i: u32, args: impl Iterator<Item = ColumnArg>) {
        for (&position, arg) in positions.iter().zip(args) {
            self.slots[(position + i) as usize] = match arg {
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
