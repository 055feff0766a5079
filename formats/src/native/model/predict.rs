//! The model: what is learnt from the bytes so far, and what it says of the next bit.

use std::sync::OnceLock;

use super::mixer::Mixer;
use super::numbers::{MAX_LOGIT, Numbers, move_towards};
use crate::native::dictionary::dictionary;

/// Contexts whose slots are found by a hash.
const N_HASHED: usize = 11;

/// Contexts that are the last 1, 2, ... bytes; they stand first.
const N_ORDERS: usize = 6;

/// Inputs of the mixers: two for each context, that of no bytes among them, two for the match, and a constant.
const N_INPUTS: usize = 2 * (N_HASHED + 1) + 3;

/// Logarithm of the number of slots.
const SLOT_BITS: u32 = 20;

/// Logarithm of the number of places that are remembered for matches.
const PLACE_BITS: u32 = 16;

/// Bytes that must be equal for a match.
const MIN_MATCH: usize = 5;

/// Matches of this length and more are alike.
const MAX_MATCH: u32 = 31;

/// Contexts of the second refinement: a hash of two bytes and the bits of the current one.
const REFINE_BITS: u32 = 12;

/// What is known of the next bit in one context.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Tells contexts apart that fall on the same slot; 0 if there is none yet.
    check: u8,
    /// Zeros seen in the high four bits, ones in the low four; a bit against the others has these forgotten in part.
    history: u8,
    /// Probability of a one, of 65536.
    p: u16,
}

impl Slot {
    const NEW: Slot = Slot { check: 0, history: 0, p: 1 << 15 };

    fn n(self) -> usize {
        usize::from(self.history >> 4) + usize::from(self.history & 15)
    }

    fn learn(&mut self, bit: u32, numbers: &Numbers) {
        let (old, target) = (i32::from(self.p), if bit == 1 { 65535 } else { 0 });
        // No overflow: only a new slot, whose probability is one half, has a share above one half.
        self.p = (old + (((target - old) * numbers.share(self.n())) >> 16)) as u16;
        let (zeros, ones) = (self.history >> 4, self.history & 15);
        let (same, other) = if bit == 1 { (ones, zeros) } else { (zeros, ones) };
        let same = (same + 1).min(15);
        let other = if other > 2 { 2 + other / 3 } else { other };
        self.history = if bit == 1 { other << 4 | same } else { same << 4 | other };
    }
}

/// Everything that is learnt.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// The dictionary and the payload so far.
    past: Vec<u8>,
    /// The bits of the current byte after a leading one.
    partial: u32,
    /// Slots of the context of no bytes, by `partial`.
    of_nothing: [Slot; 256],
    slots: Vec<Slot>,
    hashes: [u32; N_HASHED],
    /// Probability of a one by context and history; the context of no bytes is the last.
    by_history: [[u16; 256]; N_HASHED + 1],
    /// Hash of the letters and digits up to here, 0 outside a word.
    word: u32,
    last_word: u32,
    /// Hash of the bytes since the last end of a list's item or a path's part, and of the item before.
    item: u32,
    last_item: u32,
    /// Where the last [`MIN_MATCH`] bytes stood before, by their hash.
    places: Vec<u32>,
    /// Place in `past` of the byte expected, if `match_len`, the number of equal bytes before it, is not 0.
    match_at: usize,
    match_len: u32,
    /// Probability of a one by twice the length of the match, plus the bit expected.
    by_match: [u16; 64],
    mixers: [Mixer<N_INPUTS>; 4],
    top: Mixer<4>,
    /// What the mixed probability has meant, by context and by 33 steps of its logit.
    refine: [Vec<u16>; 2],
    now: Prediction,
}

/// What the current prediction was made from.
#[derive(Clone, Debug)]
struct Prediction {
    inputs: [i32; N_INPUTS],
    logits: [i32; 4],
    slots: [u32; N_HASHED],
    /// Index in `by_match`.
    expected: Option<usize>,
    refine_at: [usize; 2],
}

impl Model {
    fn new(numbers: &Numbers) -> Self {
        let of_history = |history: u32| {
            let (zeros, ones) = (history >> 4, history & 15);
            ((2 * ones + 1) * 65535 / (2 * (zeros + ones) + 2)) as u16
        };
        let of_match = |i: u32| {
            // A longer match is right more often.
            let right = 65535 - 32768 / (i / 2 + 1);
            (if i % 2 == 1 { right } else { 65535 - right }) as u16
        };
        let steps: Vec<u16> = (0..33).map(|i| numbers.probability(((i - 16) * 128).min(MAX_LOGIT)) as u16).collect();
        Model {
            past: Vec::new(),
            partial: 1,
            of_nothing: [Slot::NEW; 256],
            slots: vec![Slot::NEW; 1 << SLOT_BITS],
            hashes: [0; N_HASHED],
            by_history: [std::array::from_fn(|i| of_history(i as u32)); N_HASHED + 1],
            word: 0,
            last_word: 0,
            item: 0,
            last_item: 0,
            places: vec![0; 1 << PLACE_BITS],
            match_at: 0,
            match_len: 0,
            by_match: std::array::from_fn(|i| of_match(i as u32)),
            mixers: [256, 4 * (N_ORDERS + 1), 256, 1].map(|n| Mixer::new(n, 12, 11)),
            top: Mixer::new(4 * (N_ORDERS + 1), 25, 14),
            refine: [steps.repeat(256), steps.repeat(1 << REFINE_BITS)],
            now: Prediction {
                inputs: [0; N_INPUTS],
                logits: [0; 4],
                slots: [0; N_HASHED],
                expected: None,
                refine_at: [0; 2],
            },
        }
    }

    /// The model after the dictionary: where every payload begins.
    pub(super) fn primed(numbers: &Numbers) -> Model {
        static PRIMED: OnceLock<Model> = OnceLock::new();
        let primed = PRIMED.get_or_init(|| {
            let mut model = Model::new(numbers);
            for &byte in dictionary() {
                for i in (0..8).rev() {
                    model.predict(numbers);
                    model.learn(u32::from(byte) >> i & 1, numbers);
                }
            }
            model
        });
        primed.clone()
    }

    /// The `i`-th byte before the current one, from 1; 0 before the start.
    fn back(&self, i: usize) -> u32 {
        self.past.len().checked_sub(i).map_or(0, |at| u32::from(self.past[at]))
    }

    /// Probability that the next bit is a one, of 65536; neither 0 nor 65536.
    pub(super) fn predict(&mut self, numbers: &Numbers) -> u32 {
        let mut inputs = Inputs { values: [0; N_INPUTS], n: 0 };
        inputs.slot(self.of_nothing[self.partial as usize], &self.by_history[N_HASHED], numbers);
        let mut n_known = 0;
        for i in 0..N_HASHED {
            let at = find(&mut self.slots, self.hashes[i], self.partial);
            let slot = self.slots[at];
            self.now.slots[i] = at as u32;
            if i < N_ORDERS && slot.history != 0 {
                n_known = i + 1;
            }
            inputs.slot(slot, &self.by_history[i], numbers);
        }
        self.now.expected = self.expected();
        let length = match self.now.expected {
            Some(at) => {
                inputs.push(numbers.logit(self.by_match[at]));
                inputs.push(if at % 2 == 1 { 256 } else { -256 });
                at as u32 / 2
            }
            None => {
                inputs.push(0);
                inputs.push(0);
                0
            }
        };
        inputs.push(256);
        self.now.inputs = inputs.values;

        let last = self.back(1);
        let length_class = match length {
            0 => 0,
            1..=15 => 1,
            16..MAX_MATCH => 2,
            _ => 3,
        };
        let certainty = 4 * n_known + length_class;
        let contexts = [self.partial as usize, certainty, last as usize, 0];
        for ((mixer, at), logit) in self.mixers.iter_mut().zip(contexts).zip(&mut self.now.logits) {
            *logit = mixer.mix(&self.now.inputs, at, numbers);
        }
        let logit = self.top.mix(&self.now.logits, certainty, numbers);

        let two = hash_of(last | self.back(2) << 8) ^ self.partial.wrapping_mul(0x2545_f491);
        let contexts = [self.partial as usize, (two >> (32 - REFINE_BITS)) as usize];
        let (step, part) = (((logit + 2048) / 128) as usize, (logit + 2048) % 128);
        let mut refined = 0;
        for ((table, context), nearer) in self.refine.iter().zip(contexts).zip(&mut self.now.refine_at) {
            let at = context * 33 + step;
            refined += (i32::from(table[at]) * (128 - part) + i32::from(table[at + 1]) * part) >> 7;
            *nearer = if part < 64 { at } else { at + 1 };
        }
        ((2 * self.top.p() + refined) >> 2).clamp(16, 65520) as u32
    }

    /// The index in `by_match` of what the match expects; it ends with the first bit that is another.
    fn expected(&mut self) -> Option<usize> {
        if self.match_len == 0 {
            return None;
        }
        let byte = u32::from(self.past[self.match_at]) | 256;
        let n_bits = 31 - self.partial.leading_zeros();
        if byte >> (8 - n_bits) != self.partial {
            self.match_len = 0;
            return None;
        }
        Some((2 * self.match_len.min(MAX_MATCH) + (byte >> (7 - n_bits) & 1)) as usize)
    }

    /// Learns the bit that was predicted.
    pub(super) fn learn(&mut self, bit: u32, numbers: &Numbers) {
        for mixer in &mut self.mixers {
            mixer.learn(&self.now.inputs, bit);
        }
        self.top.learn(&self.now.logits, bit);
        for (table, &at) in self.refine.iter_mut().zip(&self.now.refine_at) {
            move_towards(&mut table[at], bit, 4);
        }
        let of_nothing = &mut self.of_nothing[self.partial as usize];
        let hashed = self.now.slots.iter().enumerate();
        for (i, slot) in hashed.map(|(i, &at)| (i, Some(at))).chain([(N_HASHED, None)]) {
            let slot = match slot {
                Some(at) => &mut self.slots[at as usize],
                None => &mut *of_nothing,
            };
            move_towards(&mut self.by_history[i][usize::from(slot.history)], bit, 6);
            slot.learn(bit, numbers);
        }
        if let Some(at) = self.now.expected {
            move_towards(&mut self.by_match[at], bit, 6);
        }
        self.partial = self.partial << 1 | bit;
        if self.partial >= 256 {
            let byte = self.partial as u8;
            self.partial = 1;
            self.end_byte(byte);
        }
    }

    fn end_byte(&mut self, byte: u8) {
        self.past.push(byte);
        if matches!(byte, 0 | b'\n' | b'/') {
            self.last_item = self.item;
            self.item = 0;
        } else {
            self.item = extend(self.item, byte);
        }
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            self.word = extend(self.word, byte);
        } else if self.word != 0 {
            self.last_word = self.word;
            self.word = 0;
        }
        let (mut hash, mut classes) = (0u32, 0);
        let mut of_match = 0;
        for i in 1..=N_ORDERS {
            let byte = self.back(i);
            hash = (hash ^ byte).wrapping_add(i as u32).wrapping_mul(0x2c1b_3c6d);
            hash ^= hash >> 13;
            self.hashes[i - 1] = hash;
            if i == MIN_MATCH {
                of_match = hash;
            }
            classes |= class(byte as u8) << (4 * (i - 1));
        }
        let last = self.back(1) << 24;
        let others = [
            self.word ^ last,
            self.word ^ self.last_word.rotate_left(11) ^ last,
            self.back(2) | self.back(3) << 8,
            classes,
            self.last_item ^ self.word.rotate_left(9),
        ];
        for (i, (slot, value)) in self.hashes[N_ORDERS..].iter_mut().zip(others).enumerate() {
            let value = value.wrapping_add(1);
            *slot = value.wrapping_mul(0x3243_f6a9) ^ value >> 15 ^ (i as u32 + 1) << 26;
        }
        self.follow_match((hash_of(of_match) >> (32 - PLACE_BITS)) as usize);
    }

    /// Goes on with the match, or looks for one.
    fn follow_match(&mut self, place: usize) {
        let end = self.past.len();
        if self.match_len > 0 {
            self.match_at += 1;
            self.match_len = (self.match_len + 1).min(MAX_MATCH);
        } else {
            let at = self.places[place] as usize;
            let pairs = self.past[..at].iter().rev().zip(self.past[..end].iter().rev());
            let len = pairs.take(MAX_MATCH as usize).take_while(|(a, b)| a == b).count();
            if len >= MIN_MATCH {
                self.match_at = at;
                self.match_len = len as u32;
            }
        }
        self.places[place] = end as u32;
    }
}

/// Inputs of the mixers being gathered.
struct Inputs {
    values: [i32; N_INPUTS],
    n: usize,
}

impl Inputs {
    fn push(&mut self, value: i32) {
        self.values[self.n] = value;
        self.n += 1;
    }

    /// What a slot says: by what followed its history elsewhere, and by its own probability.
    fn slot(&mut self, slot: Slot, by_history: &[u16; 256], numbers: &Numbers) {
        let is_new = slot.history == 0;
        self.push(if is_new { 0 } else { numbers.logit(by_history[usize::from(slot.history)]) });
        self.push(if is_new { 0 } else { (i32::from(slot.p) - (1 << 15)) >> 5 });
    }
}

/// The slot of a context and the bits of the current byte: the one with its check, or the less used of two neighbours.
fn find(slots: &mut [Slot], context: u32, partial: u32) -> usize {
    let hash = (context ^ hash_of(partial)).wrapping_mul(0x85eb_ca6b);
    let hash = hash ^ hash >> 15;
    let check = (hash as u8).max(1);
    let at = (hash >> (32 - SLOT_BITS)) as usize;
    for at in [at, at ^ 1] {
        if slots[at].check == check {
            return at;
        }
    }
    let at = if slots[at ^ 1].n() < slots[at].n() { at ^ 1 } else { at };
    slots[at] = Slot { check, ..Slot::NEW };
    at
}

fn hash_of(value: u32) -> u32 {
    value.wrapping_mul(0x9e37_79b1)
}

/// The hash of a string with one more byte.
fn extend(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_add(1).wrapping_mul(0x2f0b_4c47)
}

/// The sort of a byte, of four bits: strings of one form, such as paths, numbers or columns, follow their form.
fn class(byte: u8) -> u32 {
    match byte {
        0 => 0,
        b'0'..=b'9' => 1,
        b'a'..=b'z' => 2,
        b'A'..=b'Z' => 3,
        b'/' => 4,
        b'.' => 5,
        b'=' => 6,
        b'-' | b'_' => 7,
        1..=31 => 8,
        32..=127 => 9,
        128..=191 => 10,
        192..=255 => 11,
    }
}
