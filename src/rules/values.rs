//! What is remembered about texts, in bounded memory.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

/// Places of one table; a power of two.
const SLOTS: usize = 1 << 11;
/// No number.
const NONE: u32 = u32::MAX;

/// Numbers by text: each text has one place, where the last one that came there is remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    slots: Vec<(Vec<u8>, u32)>,
    hasher: DefaultHashBuilder,
    /// The place looked at last: neighbours are often equal.
    last: usize,
}

impl Values {
    /// The place of a text, and its number if it is there.
    pub(crate) fn find(&mut self, value: &[u8]) -> (usize, Option<u32>) {
        let known = |slot: usize| {
            let (known, number) = self.slots.get(slot)?;
            (*number != NONE && known == value).then_some(*number)
        };
        if let Some(number) = known(self.last) {
            return (self.last, Some(number));
        }
        let slot = self.hasher.hash_one(value) as usize % SLOTS;
        let number = known(slot);
        self.last = slot;
        (slot, number)
    }

    pub(crate) fn remember(&mut self, slot: usize, value: &[u8], answer: u32, memory: &mut usize) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, (Vec::new(), NONE));
            *memory += size_of_val(self.slots.as_slice());
        }
        let (known, of_known) = &mut self.slots[slot];
        let before = known.capacity();
        known.clear();
        known.extend_from_slice(value);
        *memory += known.capacity() - before;
        *of_known = answer;
    }
}
