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

    /// Events with these heads and numbers of arguments, all absent until [`Batch::set_arg`]; `bytes` is what
    /// arguments of variable length will be ranges of. Both slices have the same length.
    pub(crate) fn of_columns(heads: &[Head], n_args: &[u8], bytes: Vec<u8>) -> Batch {
        let mut first_slot = 0u32;
        let rows = heads.iter().zip(n_args).map(|(&head, &n_slots)| {
            let row = Row { head, first_slot, n_slots };
            first_slot += u32::from(n_slots);
            row
        });
        let rows = rows.collect();
        Batch { rows, slots: vec![Slot { payload: 0, len: 0, tag: Tag::Absent }; first_slot as usize], bytes }
    }

    /// Position of an event's first argument among all arguments of the batch.
    pub(crate) fn first_arg(&self, row: usize) -> u32 {
        self.rows[row].first_slot
    }

    /// Sets an argument by its position among all arguments of the batch.
    pub(crate) fn set_arg(&mut self, position: u32, arg: ColumnArg) {
        self.slots[position as usize] = match arg {
            ColumnArg::Absent => Slot { payload: 0, len: 0, tag: Tag::Absent },
            ColumnArg::Empty => Slot { payload: 0, len: 0, tag: Tag::Empty },
            ColumnArg::Int(payload) => Slot { payload, len: 0, tag: Tag::Int },
            ColumnArg::Bytes(range) => Slot { payload: u64::from(range.start), len: range.len, tag: Tag::Bytes },
            ColumnArg::Malformed(range) => {
                Slot { payload: u64::from(range.start), len: range.len, tag: Tag::Malformed }
            }
        };
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
