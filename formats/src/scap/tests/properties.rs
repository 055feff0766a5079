//! Whatever the bytes: no panic, bounded memory, and what stood before the damage is delivered.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::Trace;
use super::synth::{Synth, everything, params, swapped};
use crate::event::Batch;

/// A small capture with old and new events of all encodings.
fn small() -> Vec<u8> {
    let mut synth = Synth::new();
    for code in [2, 3, 6, 7, 22, 23, 80, 81, 293, 223, 168, 169, 45, 402, 354, 186, 307, 0, 1, 453] {
        let params = params(code, super::super::tables::TYPES[usize::from(code)].params.len());
        synth.push(7, code, &params.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    synth.bytes
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A batch takes at most this many times the bytes it was read from: a record of 38 bytes can have all arguments of its
/// kind, 24 bytes each, in vectors that doubled last.
const MEMORY_MULTIPLE: usize = 64;

/// Reads hostile bytes. Returns what they gave.
fn survive(bytes: &[u8], unpacked_len: usize) -> Option<Trace> {
    let trace = Trace::try_read(bytes).ok()?;
    let memory: usize = trace.batches.iter().map(Batch::memory).sum();
    assert!(memory <= MEMORY_MULTIPLE * unpacked_len + 4096, "{memory} bytes from {unpacked_len}");
    let seqs: Vec<u64> = trace.events().iter().map(|(head, _)| head.seq.0).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "numbers rise");
    Some(trace)
}

/// Offsets of the blocks of a sound capture.
fn blocks(file: &[u8], is_big: bool) -> Vec<usize> {
    let mut at = 0;
    let mut offsets = Vec::new();
    while at < file.len() {
        offsets.push(at);
        let len: [u8; 4] = file[at + 4..at + 8].try_into().unwrap();
        at += if is_big { u32::from_be_bytes(len) } else { u32::from_le_bytes(len) } as usize;
    }
    offsets
}

/// Events of a capture cut before an offset, those at the end left out that only come because the cut is the end.
fn numbered(trace: &Trace) -> Vec<String> {
    trace.lines().into_iter().take_while(|line| !line.contains("unfinished")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_captures(
        is_big: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let sound = if is_big { swapped(&small()) } else { small() };
        let mut file = sound.clone();
        let mut first = file.len();
        for (at, value) in changes {
            let at = at.index(file.len());
            if file[at] != value {
                file[at] = value;
                first = first.min(at);
            }
        }
        if is_cut {
            file.truncate(cut.index(file.len()));
            first = first.min(file.len());
        }
        let trace = survive(&file, file.len());
        // Blocks that end before the first change are read as if nothing had happened.
        let offsets = blocks(&sound, is_big);
        let n_sound = offsets.partition_point(|&at| at <= first) - 1;
        if n_sound >= 1 {
            let before = numbered(&Trace::read(&sound[..offsets[n_sound]]));
            let lines = trace.expect("the section header is sound").lines();
            prop_assert!(lines.len() >= before.len());
            prop_assert_eq!(&lines[..before.len()], &before[..]);
        }
    }

    #[test]
    fn mutated_packed_captures(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let sound = small();
        let mut file = gz(&sound);
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        file.truncate(cut.index(file.len()) + 1);
        // Deflate unpacks at most 1032 bytes from one.
        survive(&file, 1032 * file.len());
    }

    #[test]
    fn garbage_behind_a_header(garbage in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut file = Synth::new().bytes;
        file.extend(garbage);
        survive(&file, file.len());
    }

    #[test]
    fn garbage_events_in_sound_blocks(
        bodies in prop::collection::vec((prop::sample::select(vec![0x204u32, 0x208, 0x216, 0x217, 0x221, 0x222, 0x215, 0x218,
            0x220, 0x219, 0x202, 0x203, 0x206, 0x205, 0x201, 0x0a0d_0d0a]),
            prop::collection::vec(any::<u8>().prop_map(|b| [0, 1, 0xff, b][usize::from(b) % 4]), 0..200)), 0..20),
    ) {
        let mut file = Synth::new().bytes;
        for (block_type, body) in bodies {
            file.extend(super::synth::block(block_type, &body));
        }
        survive(&file, file.len());
    }
}

#[test]
fn every_byte_of_a_capture_changed() {
    let sound = small();
    for at in 0..sound.len() {
        for value in [0, 0xff, sound[at] ^ 1] {
            let mut file = sound.clone();
            file[at] = value;
            survive(&file, file.len());
        }
    }
}

#[test]
fn a_large_capture_in_pieces() {
    // Windows of packed streams end inside blocks; enough bytes make several.
    let everything = everything();
    let mut file = everything.clone();
    while file.len() < 3 << 20 {
        file.extend_from_slice(&everything);
    }
    let (raw, packed) = (Trace::read(&file), Trace::read(&gz(&file)));
    assert_eq!(raw.events(), packed.events());
    assert!(raw.batches.len() > 1);
}
