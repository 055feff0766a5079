//! The model coder: how small payloads are compressed. `spec.md` has it step by step.
//!
//! Each bit is predicted from the bytes before it, and an arithmetic coder writes what the prediction left open. A payload
//! of some kilobytes is too short for zstd to learn from; several contexts that are mixed learn it a fifth better. It takes
//! about two microseconds a byte, so that only small payloads are coded so.

mod mixer;
mod numbers;
mod predict;

use self::numbers::numbers;
use self::predict::Model;
use super::varint::Broken;

/// Longest payload that is coded with the model: bounds the time for one segment to about a tenth of a second.
pub(crate) const MAX_LEN: usize = 64 << 10;

/// Most bytes of payload that a coded byte may stand for, beyond [`FREE_LEN`]: bounds the time for a file by its length.
const MAX_EXPANSION: usize = 32;

/// Bytes of payload that any coded payload may stand for.
const FREE_LEN: usize = 4096;

/// Zeros that a decoder may read after the end: what the coder leaves out at most.
const MAX_PAST_END: u32 = 4;

/// True if a payload of `packed_len` coded bytes may stand for `unpacked_len`.
pub(crate) fn is_allowed(packed_len: usize, unpacked_len: usize) -> bool {
    unpacked_len <= MAX_LEN && unpacked_len <= FREE_LEN + MAX_EXPANSION * packed_len
}

/// The range of numbers that the bits so far leave.
struct Range {
    low: u32,
    high: u32,
}

impl Range {
    const ALL: Range = Range { low: 0, high: u32::MAX };

    /// The last number of the part that a one leaves.
    fn middle(&self, p: u32) -> u32 {
        self.low + ((u64::from(self.high - self.low) * u64::from(p)) >> 16) as u32
    }

    fn narrow(&mut self, middle: u32, bit: u32) {
        if bit == 1 {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
    }

    /// The highest byte once all numbers have it in common; it leaves the range.
    fn settled(&mut self) -> Option<u8> {
        let byte = self.high >> 24;
        if self.low >> 24 != byte {
            return None;
        }
        self.low <<= 8;
        self.high = self.high << 8 | 255;
        Some(byte as u8)
    }

    /// The fewest bytes that, with zeros after them, are a number of the range.
    fn finish(&self, out: &mut Vec<u8>) {
        for n in 0..=MAX_PAST_END {
            let rest = u32::MAX.checked_shr(8 * n).unwrap_or(0);
            let value = self.low.checked_add(rest).map(|v| v & !rest);
            if let Some(value) = value.filter(|&v| v <= self.high) {
                out.extend(&value.to_be_bytes()[..n as usize]);
                return;
            }
        }
    }
}

/// Codes a payload.
pub(crate) fn pack(payload: &[u8]) -> Vec<u8> {
    let numbers = numbers();
    let mut model = Model::primed(numbers);
    let mut out = Vec::with_capacity(payload.len() / 3);
    let mut range = Range::ALL;
    for &byte in payload {
        for i in (0..8).rev() {
            let bit = u32::from(byte) >> i & 1;
            let middle = range.middle(model.predict(numbers));
            range.narrow(middle, bit);
            model.learn(bit, numbers);
            while let Some(byte) = range.settled() {
                out.push(byte);
            }
        }
    }
    range.finish(&mut out);
    out
}

/// Decodes a payload of `len` bytes; the caller has seen that [`is_allowed`] holds.
pub(crate) fn unpack(packed: &[u8], len: usize) -> Result<Vec<u8>, Broken> {
    let numbers = numbers();
    let mut model = Model::primed(numbers);
    let mut out = Vec::with_capacity(len);
    let mut source = Source { rest: packed, n_past_end: 0 };
    let mut range = Range::ALL;
    let mut value = (0..4).fold(0, |value, _| value << 8 | source.next());
    for _ in 0..len {
        let mut byte = 1;
        while byte < 256 {
            let middle = range.middle(model.predict(numbers));
            let bit = u32::from(value <= middle);
            range.narrow(middle, bit);
            model.learn(bit, numbers);
            while range.settled().is_some() {
                value = value << 8 | source.next();
            }
            byte = byte << 1 | bit;
        }
        if source.n_past_end > MAX_PAST_END {
            return Err(Broken("the segment decompresses to another length than it says"));
        }
        out.push(byte as u8);
    }
    if source.rest.is_empty() {
        Ok(out)
    } else {
        Err(Broken("the segment decompresses to another length than it says"))
    }
}

/// The coded bytes, then zeros.
struct Source<'a> {
    rest: &'a [u8],
    n_past_end: u32,
}

impl Source<'_> {
    fn next(&mut self) -> u32 {
        match self.rest.split_first() {
            Some((&byte, rest)) => {
                self.rest = rest;
                u32::from(byte)
            }
            None => {
                self.n_past_end += 1;
                0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &[u8]) {
        let packed = pack(payload);
        assert_eq!(unpack(&packed, payload.len()).as_deref(), Ok(payload));
        let mut longer = packed.clone();
        longer.extend([0; 5]);
        assert!(unpack(&longer, payload.len()).is_err(), "five bytes too many");
    }

    fn noise(n: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn payloads_survive() {
        check(b"");
        check(b"\0");
        check(b"\xff\xff\xff");
        check(b"/usr/lib/systemd/systemd\0/usr/lib/systemd/systemd-journald\0");
        check(&noise(3000));
        check(&(0..3000u32).flat_map(|i| (i * i).to_le_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn repetition_costs_little() {
        let packed = pack(&b"0123456789abcdef".repeat(500));
        assert!(packed.len() < 100, "{}", packed.len());
    }

    /// The coder and the words it begins with are frozen: these bytes never change.
    #[test]
    fn the_coder_is_frozen() {
        let payload = [&b"HOME=/root\0/etc/ld.so.cache/etc/passwd"[..], &noise(40), &[0; 100], &[1, 2, 3, 4]].concat();
        let packed = pack(&payload);
        assert_eq!((packed.len(), crc32c::crc32c(&packed)), (64, 806_649_531));
    }

    #[test]
    fn a_cut_payload_is_refused_or_harmless() {
        let payload = b"/usr/bin/bash -c 'echo 1 > /proc/self/oom_score_adj'\0".repeat(3);
        let packed = pack(&payload);
        for len in 0..packed.len() {
            let cut = unpack(&packed[..len], payload.len());
            assert!(cut.as_deref() != Ok(&payload[..]), "cut at {len}");
            assert!(cut.is_err() || len + MAX_PAST_END as usize >= packed.len(), "cut at {len}");
        }
    }

    #[test]
    fn changed_bytes_break_nothing() {
        let packed = pack(b"/usr/bin/bash /usr/bin/true and 123456789 more");
        for at in 0..packed.len() {
            let mut changed = packed.clone();
            changed[at] ^= 0x41;
            let _ = unpack(&changed, 2000).map(|payload| assert_eq!(payload.len(), 2000));
        }
    }

    #[test]
    fn what_a_byte_may_stand_for_is_limited() {
        assert!(is_allowed(0, FREE_LEN) && is_allowed(1, FREE_LEN + 32));
        assert!(!is_allowed(0, FREE_LEN + 1) && !is_allowed(usize::MAX >> 10, MAX_LEN + 1));
    }
}
