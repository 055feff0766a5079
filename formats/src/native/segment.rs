//! Headers of the file and of its segments, compression and checksums.

use std::borrow::Cow;
use std::io;

use super::rows::MAX_ROWS;
use super::varint::Broken;
use crate::event::{KindId, Nanos, Seq};

/// First bytes of a file. The byte above 127 and the line ends show a transfer that took it for text.
pub(crate) const FILE_MAGIC: [u8; 8] = *b"\x89trh\r\n\x1a\n";

/// Bytes of the header of the file.
pub(crate) const FILE_HEADER_LEN: usize = 32;

/// Newest version of the format.
pub(crate) const VERSION: u16 = 1;

/// First bytes of a segment.
pub(crate) const SEGMENT_MAGIC: [u8; 4] = *b"\x89seg";

/// Bytes of a segment's header before the list of kinds.
const FIXED_LEN: usize = 100;

/// First bytes of the trailer.
pub(crate) const TRAILER_MAGIC: [u8; 4] = *b"\x89end";

/// Bytes of the trailer.
pub(crate) const TRAILER_LEN: usize = 64;

/// Most bytes of a payload, packed and unpacked: bounds what decoding one segment allocates.
pub(crate) const MAX_PAYLOAD: usize = 64 << 20;

/// What a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentType {
    /// Rows of the start state; its kinds are codes of tables.
    State,
    /// Events.
    Events,
    /// What the reader of a converted trace had found.
    Notes,
    /// The list of the segments before it.
    Directory,
    /// A type that this version does not know; it is skipped and counted.
    Unknown(u8),
}

impl SegmentType {
    pub(crate) fn code(self) -> u8 {
        match self {
            SegmentType::State => 1,
            SegmentType::Events => 2,
            SegmentType::Notes => 3,
            SegmentType::Directory => 4,
            SegmentType::Unknown(code) => code,
        }
    }

    pub(crate) fn of_code(code: u8) -> Self {
        match code {
            1 => SegmentType::State,
            2 => SegmentType::Events,
            3 => SegmentType::Notes,
            4 => SegmentType::Directory,
            code => SegmentType::Unknown(code),
        }
    }
}

/// A segment as its header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Byte offset of its header in the file.
    pub offset: u64,
    /// What it holds.
    pub ty: SegmentType,
    /// Place in the file, from 0; a gap shows that segments are missing.
    pub number: u32,
    /// Number of events or rows.
    pub n_rows: u32,
    /// True for the segment of start state that begins a section.
    pub begins_section: bool,
    /// Lowest and highest sequence number; zeros without events.
    pub seqs: (Seq, Seq),
    /// Earliest and latest time; zeros without events.
    pub times: (Nanos, Nanos),
    /// Kinds of its events, or codes of its tables, in rising order.
    pub kinds: Vec<KindId>,
    /// Bytes of header and payload in the file.
    pub len: u64,
    pub(crate) packing: Packing,
}

/// How the payload is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    pub header_len: u16,
    pub is_zstd: bool,
    pub packed_len: u32,
    pub unpacked_len: u32,
    pub crc: u32,
}

impl Segment {
    /// Reads the header at the start of `bytes`; `None` if none stands there. The payload can be cut.
    pub(crate) fn parse(bytes: &[u8], offset: u64) -> Option<Segment> {
        let fixed = bytes.get(..FIXED_LEN).filter(|h| h.starts_with(&SEGMENT_MAGIC))?;
        // The fixed part has its own checksum, so that scanning past damage costs little per false start.
        if crc32c::crc32c(&fixed[..FIXED_LEN - 4]).to_le_bytes() != fixed[FIXED_LEN - 4..] {
            return None;
        }
        let u16_at = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let u32_at = |at: usize| u32::from_le_bytes(fixed[at..at + 4].try_into().expect("four bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(fixed[at..at + 8].try_into().expect("eight bytes"));
        let header_len = u16_at(4);
        let header = bytes.get(..usize::from(header_len))?;
        let (covered, crc) = header.split_last_chunk::<4>()?;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*crc) {
            return None;
        }
        let n_kinds = usize::from(u16_at(30));
        let kinds = covered.get(FIXED_LEN..FIXED_LEN + 2 * n_kinds)?;
        let packing = Packing {
            header_len,
            is_zstd: fixed[7] == 1,
            packed_len: u32_at(8),
            unpacked_len: u32_at(12),
            crc: u32_at(20),
        };
        // A packing this version does not know makes the segment one of an unknown type.
        let ty = if fixed[7] > 1 { SegmentType::Unknown(fixed[6]) } else { SegmentType::of_code(fixed[6]) };
        Some(Segment {
            offset,
            ty,
            number: u32_at(24),
            n_rows: u32_at(16),
            begins_section: fixed[28] & 1 != 0,
            seqs: (Seq(u64_at(32)), Seq(u64_at(40))),
            times: (Nanos(u64_at(48)), Nanos(u64_at(56))),
            kinds: kinds.chunks_exact(2).map(|c| KindId(u16::from_le_bytes([c[0], c[1]]))).collect(),
            len: u64::from(header_len) + u64::from(packing.packed_len),
            packing,
        })
    }

    /// Appends the header.
    fn put(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend(SEGMENT_MAGIC);
        out.extend(self.packing.header_len.to_le_bytes());
        out.extend([self.ty.code(), u8::from(self.packing.is_zstd)]);
        out.extend(self.packing.packed_len.to_le_bytes());
        out.extend(self.packing.unpacked_len.to_le_bytes());
        out.extend(self.n_rows.to_le_bytes());
        out.extend(self.packing.crc.to_le_bytes());
        out.extend(self.number.to_le_bytes());
        out.extend([u8::from(self.begins_section), 0]);
        out.extend((self.kinds.len() as u16).to_le_bytes());
        for v in [self.seqs.0.0, self.seqs.1.0, self.times.0.0, self.times.1.0] {
            out.extend(v.to_le_bytes());
        }
        // Room for the hash of the segment before, for a chain.
        out.extend([0; 32]);
        out.extend(crc32c::crc32c(&out[start..]).to_le_bytes());
        self.kinds.iter().for_each(|kind| out.extend(kind.0.to_le_bytes()));
        out.extend(crc32c::crc32c(&out[start..]).to_le_bytes());
    }

    /// The payload, unpacked and checked. `bytes` begins at the segment's header.
    pub(crate) fn payload<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Broken> {
        let start = usize::from(self.packing.header_len);
        let packed = bytes.get(start..start + self.packing.packed_len as usize).ok_or(Broken("the segment is cut"))?;
        if crc32c::crc32c(packed) != self.packing.crc {
            return Err(Broken("the checksum of the segment does not match"));
        }
        let unpacked_len = self.packing.unpacked_len as usize;
        if packed.len().max(unpacked_len) > MAX_PAYLOAD || self.n_rows as usize > MAX_ROWS {
            return Err(Broken("the segment is larger than the format allows"));
        }
        if !self.packing.is_zstd {
            return Ok(Cow::Borrowed(packed));
        }
        let unpacked =
            zstd::bulk::decompress(packed, unpacked_len).map_err(|_| Broken("the segment does not decompress"))?;
        if unpacked.len() != unpacked_len {
            return Err(Broken("the segment decompresses to another length than it says"));
        }
        Ok(Cow::Owned(unpacked))
    }
}

/// What a new segment says of itself; the rest follows from its payload.
pub(crate) struct SegmentHead {
    pub ty: SegmentType,
    pub n_rows: usize,
    pub begins_section: bool,
    pub seqs: (Seq, Seq),
    pub times: (Nanos, Nanos),
    pub kinds: Vec<KindId>,
}

/// Appends a whole segment to an empty `out` and returns its description.
pub(crate) fn pack(
    head: SegmentHead,
    payload: &[u8],
    number: u32,
    offset: u64,
    compressor: &mut zstd::bulk::Compressor<'_>,
    out: &mut Vec<u8>,
) -> io::Result<Segment> {
    if payload.len() > MAX_PAYLOAD || head.n_rows > MAX_ROWS {
        let what = format!("a segment of {} bytes and {} rows is too large for the format", payload.len(), head.n_rows);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let compressed = compressor.compress(payload)?;
    let is_zstd = compressed.len() < payload.len();
    let packed = if is_zstd { &compressed[..] } else { payload };
    // 65536 kinds would not fit the header's length; there are a few hundred, and 4096 + n of them by code.
    let kinds: Vec<KindId> = if head.kinds.len() <= 30_000 { head.kinds } else { Vec::new() };
    let header_len = (FIXED_LEN + 2 * kinds.len() + 4) as u16;
    let segment = Segment {
        offset,
        ty: head.ty,
        number,
        n_rows: head.n_rows as u32,
        begins_section: head.begins_section,
        seqs: head.seqs,
        times: head.times,
        kinds,
        len: u64::from(header_len) + packed.len() as u64,
        packing: Packing {
            header_len,
            is_zstd,
            packed_len: packed.len() as u32,
            unpacked_len: payload.len() as u32,
            crc: crc32c::crc32c(packed),
        },
    };
    segment.put(out);
    out.extend_from_slice(packed);
    Ok(segment)
}

/// The header of the file.
pub(crate) fn file_header() -> [u8; FILE_HEADER_LEN] {
    let mut out = [0; FILE_HEADER_LEN];
    out[..8].copy_from_slice(&FILE_MAGIC);
    out[8..10].copy_from_slice(&VERSION.to_le_bytes());
    out[10..12].copy_from_slice(&(FILE_HEADER_LEN as u16).to_le_bytes());
    let crc = crc32c::crc32c(&out[..FILE_HEADER_LEN - 4]);
    out[FILE_HEADER_LEN - 4..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// What stands at the start of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileHeader {
    /// A header of this length; `is_sound` if its checksum matches.
    Known { len: usize, is_sound: bool },
    /// A header of a later version.
    Later(u16),
    /// Something else.
    None,
}

impl FileHeader {
    pub(crate) fn parse(bytes: &[u8]) -> FileHeader {
        let Some(header) = bytes.get(..FILE_HEADER_LEN).filter(|h| h.starts_with(&FILE_MAGIC)) else {
            return FileHeader::None;
        };
        let crc = crc32c::crc32c(&header[..FILE_HEADER_LEN - 4]);
        let is_sound = header[FILE_HEADER_LEN - 4..] == crc.to_le_bytes();
        let version = u16::from_le_bytes([header[8], header[9]]);
        // A later version can have a longer header with its checksum elsewhere, so that the version alone speaks.
        if version > VERSION {
            FileHeader::Later(version)
        } else {
            FileHeader::Known { len: FILE_HEADER_LEN, is_sound }
        }
    }
}

/// The end of a complete file: where its directory is.
pub(crate) fn trailer(directory: u64, file_len: u64) -> [u8; TRAILER_LEN] {
    let mut out = [0; TRAILER_LEN];
    out[..4].copy_from_slice(&TRAILER_MAGIC);
    out[4..6].copy_from_slice(&(TRAILER_LEN as u16).to_le_bytes());
    out[8..16].copy_from_slice(&directory.to_le_bytes());
    out[16..24].copy_from_slice(&file_len.to_le_bytes());
    let crc = crc32c::crc32c(&out[..TRAILER_LEN - 4]);
    out[TRAILER_LEN - 4..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Reads a trailer: offset of the directory and length of the file, both from the file's own header.
pub(crate) fn parse_trailer(bytes: &[u8]) -> Option<(u64, u64)> {
    let trailer = bytes.get(..TRAILER_LEN).filter(|t| t.starts_with(&TRAILER_MAGIC))?;
    let crc = crc32c::crc32c(&trailer[..TRAILER_LEN - 4]);
    if trailer[TRAILER_LEN - 4..] != crc.to_le_bytes() {
        return None;
    }
    let u64_at = |at: usize| u64::from_le_bytes(trailer[at..at + 8].try_into().expect("eight bytes"));
    Some((u64_at(8), u64_at(16)))
}
