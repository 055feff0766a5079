//! Makes the checksums of a native trace right again, so that a changed input gets past them.
//!
//! Offsets are those of `formats/src/native/spec.md`.

use tracehound_formats::native::dictionary;

const SEGMENT_MAGIC: &[u8] = b"\x89seg";
const TRAILER_MAGIC: &[u8] = b"\x89end";
/// Bytes of a segment's header that have their own checksum in the last four.
const FIXED_LEN: usize = 36;
const FILE_HEADER_LEN: usize = 32;
const TRAILER_LEN: usize = 28;

/// Repairs the file's header, every segment's header and payload, and the trailer.
pub fn repair(data: &mut [u8]) {
    seal(data, 0, FILE_HEADER_LEN);
    let mut at = 0;
    while at + 4 <= data.len() {
        if data[at..].starts_with(SEGMENT_MAGIC) && at + FIXED_LEN <= data.len() {
            let header_len = usize::from(u16::from_le_bytes([data[at + 4], data[at + 5]]));
            let packed_len = u32::from_le_bytes([data[at + 8], data[at + 9], data[at + 10], data[at + 11]]) as usize;
            let payload = at + header_len..at.saturating_add(header_len).saturating_add(packed_len);
            if let Some(payload) = data.get(payload) {
                let crc = crc32c::crc32c(payload);
                data[at + 20..at + 24].copy_from_slice(&crc.to_le_bytes());
            }
            seal(data, at, FIXED_LEN);
            if header_len > FIXED_LEN {
                seal(data, at, header_len);
            }
            at += FIXED_LEN;
        } else if data[at..].starts_with(TRAILER_MAGIC) {
            seal(data, at, TRAILER_LEN);
            at += 4;
        } else {
            at += 1;
        }
    }
}

/// Writes the checksum of `len` bytes at `at` into their last four.
fn seal(data: &mut [u8], at: usize, len: usize) {
    if len < 4 {
        return;
    }
    if let Some(block) = data.get_mut(at..at + len) {
        let crc = crc32c::crc32c(&block[..len - 4]);
        block[len - 4..].copy_from_slice(&crc.to_le_bytes());
    }
}

/// The trace with every segment stored, so that a fuzzer changes columns and not compressed bytes. `None` if it is
/// not a sound trace.
pub fn stored(data: &[u8]) -> Option<Vec<u8>> {
    let mut out = data.get(..FILE_HEADER_LEN)?.to_vec();
    let mut at = FILE_HEADER_LEN;
    while data.get(at..)?.starts_with(SEGMENT_MAGIC) {
        let header_len = usize::from(u16::from_le_bytes(data.get(at + 4..at + 6)?.try_into().ok()?));
        let u32_at = |i: usize| Some(u32::from_le_bytes(data.get(at + i..at + i + 4)?.try_into().ok()?) as usize);
        let (packed_len, unpacked_len) = (u32_at(8)?, u32_at(12)?);
        let start = at + header_len;
        let packed = data.get(start..start + packed_len)?;
        let payload = match data.get(at + 7)? {
            0 => packed.to_vec(),
            1 => zstd::bulk::decompress(packed, unpacked_len).ok()?,
            2 => zstd::bulk::Decompressor::with_dictionary(dictionary()).ok()?.decompress(packed, unpacked_len).ok()?,
            // The seeds are written as recorded: without the model coder.
            _ => return None,
        };
        let header = out.len();
        out.extend_from_slice(&data[at..start]);
        out[header + 7] = 0;
        out[header + 8..header + 12].copy_from_slice(&(unpacked_len as u32).to_le_bytes());
        out.extend_from_slice(&payload);
        at = start + packed_len;
    }
    // Without directory and trailer: offsets have changed, and a trace without them is read by scanning.
    repair(&mut out);
    Some(out)
}
