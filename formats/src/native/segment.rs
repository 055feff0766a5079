//! Headers of the file and of its segments, compression and checksums.

use std::io;

use zstd::zstd_safe::CParameter;

use super::dictionary::dictionary;
use super::model;
use super::rows::MAX_ROWS;
use super::summary::Summary;
use super::varint::{Broken, Cursor, put_varint};
use crate::event::{KindId, Nanos, Seq};

/// First bytes of a file. The byte above 127 and the line ends show a transfer that took it for text.
pub(crate) const FILE_MAGIC: [u8; 8] = *b"\x89trh\r\n\x1a\n";

/// Bytes of the header of the file.
pub(crate) const FILE_HEADER_LEN: usize = 32;

/// Newest version of the format.
pub(crate) const VERSION: u16 = 1;

/// First bytes of a segment.
pub(crate) const SEGMENT_MAGIC: [u8; 4] = *b"\x89seg";

/// Bytes of a segment's header that every segment has, with their checksum.
const FIXED_LEN: usize = 36;

/// Bytes of the ranges of sequence numbers and times, which only a segment of events has.
const RANGES_LEN: usize = 32;

/// First bytes of the trailer.
pub(crate) const TRAILER_MAGIC: [u8; 4] = *b"\x89end";

/// Bytes of the trailer.
pub(crate) const TRAILER_LEN: usize = 28;

/// Most bytes of a payload, packed and unpacked: bounds what decoding one segment allocates.
pub(crate) const MAX_PAYLOAD: usize = 64 << 20;

/// Payloads up to this length are compressed with the built-in dictionary where the model coder is not used.
const SMALL_PAYLOAD: usize = 512 << 10;

/// Level from which small payloads are compressed with [`SMALL_LEVEL`].
const SMALL_LEVEL_FROM: i32 = 9;

/// The highest level of zstd: on a small payload it needs neither much time nor memory.
const SMALL_LEVEL: i32 = 22;

/// Logarithm of the entries of the tables in which zstd looks for repetitions, of four bytes each, at high levels.
const TABLE_LOG: u32 = 20;

/// Bytes of payload of one file that the writer codes with the model: a trace of many small segments stays fast to read.
const MODEL_BUDGET: usize = 128 << 10;

/// Bytes of payload from which on a file is not coded with the model at all: it saves less than a percent there, and
/// takes longer to read than all the rest.
pub(crate) const SMALL_FILE: usize = 256 << 10;

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

/// Flags of a segment.
pub(crate) mod flag {
    pub(crate) const BEGINS_SECTION: u8 = 1;
    pub(crate) const IS_ADDITION: u8 = 2;
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
    /// True if that section adds to the tables of the one before instead of replacing them.
    pub is_addition: bool,
    /// Lowest and highest sequence number; zeros without events.
    pub seqs: (Seq, Seq),
    /// Earliest and latest time; zeros without events.
    pub times: (Nanos, Nanos),
    /// Kinds of its events, or codes of its tables, in rising order.
    pub kinds: Vec<KindId>,
    /// Bytes of header and payload in the file.
    pub len: u64,
}

/// How a payload is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Zstd,
    /// zstd with the built-in dictionary.
    ZstdDictionary,
    /// The model coder.
    Model,
    /// One that this version does not know.
    Unknown,
}

/// How the payload is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    pub header_len: u16,
    pub method: Method,
    pub packed_len: u32,
    pub unpacked_len: u32,
    pub crc: u32,
}

impl Packing {
    /// The payload as it stands in the file, if its checksum matches. `bytes` begins at the segment's header.
    pub(crate) fn packed<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Broken> {
        let start = usize::from(self.header_len);
        let packed = bytes.get(start..start + self.packed_len as usize).ok_or(Broken("the segment is cut"))?;
        if crc32c::crc32c(packed) != self.crc {
            return Err(Broken("the checksum of the segment does not match"));
        }
        Ok(packed)
    }

    /// True if the payload is coded with the model.
    pub(crate) fn has_model(&self) -> bool {
        self.method == Method::Model
    }
}

impl Segment {
    /// Reads the header at the start of `bytes`; `None` if none stands there. The payload can be cut.
    pub(crate) fn parse(bytes: &[u8], offset: u64) -> Option<(Segment, Packing)> {
        let fixed = bytes.get(..FIXED_LEN).filter(|h| h.starts_with(&SEGMENT_MAGIC))?;
        // The fixed part has its own checksum, so that scanning past damage costs little per false start.
        if crc32c::crc32c(&fixed[..FIXED_LEN - 4]).to_le_bytes() != fixed[FIXED_LEN - 4..] {
            return None;
        }
        let u16_at = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let u32_at = |at: usize| u32::from_le_bytes(fixed[at..at + 4].try_into().expect("four bytes"));
        let header_len = u16_at(4);
        let (covered, crc) = bytes.get(..usize::from(header_len))?.split_last_chunk::<4>()?;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*crc) {
            return None;
        }
        let ty = SegmentType::of_code(fixed[6]);
        let mut ranges = [0u64; 4];
        if ty == SegmentType::Events {
            let bytes = covered.get(FIXED_LEN..FIXED_LEN + RANGES_LEN)?;
            for (range, bytes) in ranges.iter_mut().zip(bytes.chunks_exact(8)) {
                *range = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            }
        }
        // What a later writer may have put after the kinds is passed by.
        let (kinds, _) = Segment::split_room(bytes)?;
        let kinds = take_kinds(kinds)?;
        let method = match fixed[7] {
            0 => Method::Stored,
            1 => Method::Zstd,
            2 => Method::ZstdDictionary,
            3 => Method::Model,
            _ => Method::Unknown,
        };
        let packing = Packing { header_len, method, packed_len: u32_at(8), unpacked_len: u32_at(12), crc: u32_at(20) };
        let segment = Segment {
            offset,
            ty,
            number: u32_at(24),
            n_rows: u32_at(16),
            begins_section: fixed[28] & flag::BEGINS_SECTION != 0,
            is_addition: fixed[28] & flag::IS_ADDITION != 0,
            seqs: (Seq(ranges[0]), Seq(ranges[1])),
            times: (Nanos(ranges[2]), Nanos(ranges[3])),
            kinds,
            len: u64::from(header_len) + u64::from(packing.packed_len),
        };
        Some((segment, packing))
    }

    /// The list of kinds of a header, and what stands after it.
    pub(crate) fn split_room(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let fixed = bytes.get(..FIXED_LEN)?;
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([fixed[at], fixed[at + 1]]));
        let is_of_events = SegmentType::of_code(fixed[6]) == SegmentType::Events;
        let start = FIXED_LEN + if is_of_events { RANGES_LEN } else { 0 };
        bytes.get(start..u16_at(4).checked_sub(4)?)?.split_at_checked(u16_at(30))
    }

    /// Bits of [`flag`].
    pub(crate) fn flags(&self) -> u8 {
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        bit(self.begins_section, flag::BEGINS_SECTION) | bit(self.is_addition, flag::IS_ADDITION)
    }

    /// Appends the segment with its payload as it is, without what stands after the kinds; `None` if its header cannot say so.
    pub(crate) fn put_stored(&self, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mut kinds = Vec::new();
        put_kinds(&self.kinds, &mut kinds);
        let packing = Packing {
            header_len: header_len(self.ty, &kinds, &[])?,
            method: Method::Stored,
            packed_len: u32::try_from(payload.len()).ok()?,
            unpacked_len: u32::try_from(payload.len()).ok()?,
            crc: crc32c::crc32c(payload),
        };
        self.put(&packing, &kinds, &[], out);
        out.extend_from_slice(payload);
        Some(())
    }

    /// Appends the header.
    fn put(&self, packing: &Packing, kinds: &[u8], room: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let method = match packing.method {
            Method::Stored | Method::Unknown => 0,
            Method::Zstd => 1,
            Method::ZstdDictionary => 2,
            Method::Model => 3,
        };
        out.extend(SEGMENT_MAGIC);
        out.extend(packing.header_len.to_le_bytes());
        out.extend([self.ty.code(), method]);
        for v in [packing.packed_len, packing.unpacked_len, self.n_rows, packing.crc, self.number] {
            out.extend(v.to_le_bytes());
        }
        out.extend([self.flags(), 0]);
        out.extend((kinds.len() as u16).to_le_bytes());
        out.extend(crc32c::crc32c(&out[start..]).to_le_bytes());
        if self.ty == SegmentType::Events {
            for v in [self.seqs.0.0, self.seqs.1.0, self.times.0.0, self.times.1.0] {
                out.extend(v.to_le_bytes());
            }
        }
        out.extend_from_slice(kinds);
        out.extend_from_slice(room);
        out.extend(crc32c::crc32c(&out[start..]).to_le_bytes());
    }
}

/// Unpacks payloads, with memory that is used again.
#[derive(Default)]
pub(crate) struct Unpacker {
    plain: Option<zstd::bulk::Decompressor<'static>>,
    small: Option<zstd::bulk::Decompressor<'static>>,
    unpacked: Vec<u8>,
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").finish_non_exhaustive()
    }
}

impl Unpacker {
    /// Unpacks a frame of zstd; `None` if it does not decompress.
    fn zstd(&mut self, packed: &[u8], unpacked_len: usize, has_dictionary: bool) -> Option<()> {
        let made = if has_dictionary { &mut self.small } else { &mut self.plain };
        let decompressor = match made {
            Some(decompressor) => decompressor,
            None => made.insert(
                if has_dictionary {
                    zstd::bulk::Decompressor::with_dictionary(dictionary())
                } else {
                    zstd::bulk::Decompressor::new()
                }
                .ok()?,
            ),
        };
        self.unpacked.clear();
        self.unpacked.reserve(unpacked_len);
        decompressor.decompress_to_buffer(packed, &mut self.unpacked).ok().map(|_| ())
    }

    /// The payload of a segment, unpacked and checked. `bytes` begins at the segment's header.
    pub(crate) fn payload<'a>(
        &'a mut self,
        packing: &Packing,
        bytes: &'a [u8],
        n_rows: u32,
    ) -> Result<&'a [u8], Broken> {
        let packed = packing.packed(bytes)?;
        let unpacked_len = packing.unpacked_len as usize;
        if packed.len().max(unpacked_len) > MAX_PAYLOAD || n_rows as usize > MAX_ROWS {
            return Err(Broken("the segment is larger than the format allows"));
        }
        let unpacked = match packing.method {
            Method::Stored => return Ok(packed),
            Method::Zstd => self.zstd(packed, unpacked_len, false),
            Method::ZstdDictionary => self.zstd(packed, unpacked_len, true),
            Method::Model if !model::is_allowed(packed.len(), unpacked_len) => {
                return Err(Broken("the segment is larger than the format allows"));
            }
            Method::Model => {
                self.unpacked = model::unpack(packed, unpacked_len)?;
                Some(())
            }
            Method::Unknown => {
                return Err(Broken("the segment is compressed in a way that this version does not know"));
            }
        };
        match unpacked {
            Some(()) if self.unpacked.len() == unpacked_len => Ok(&self.unpacked),
            Some(()) => Err(Broken("the segment decompresses to another length than it says")),
            None => Err(Broken("the segment does not decompress")),
        }
    }
}

/// Appends kinds, which rise, as differences.
pub(crate) fn put_kinds(kinds: &[KindId], out: &mut Vec<u8>) {
    let mut last = 0;
    for kind in kinds {
        put_varint(u64::from(kind.0 - last), out);
        last = kind.0;
    }
}

/// Reads what [`put_kinds`] wrote.
pub(crate) fn take_kinds(bytes: &[u8]) -> Option<Vec<KindId>> {
    let mut cursor = Cursor::new(bytes);
    let mut out = Vec::new();
    let mut code = 0u64;
    while !cursor.is_empty() {
        code = code.checked_add(cursor.varint().ok()?)?;
        out.push(KindId(u16::try_from(code).ok()?));
    }
    Some(out)
}

/// Compresses payloads.
pub(crate) struct Packer {
    plain: zstd::bulk::Compressor<'static>,
    small: zstd::bulk::Compressor<'static>,
    /// Bytes of payload that may still be coded with the model.
    model_budget: usize,
}

/// True if a writer with this level of zstd codes small files with the model.
pub(crate) fn has_model(level: i32) -> bool {
    level >= SMALL_LEVEL_FROM
}

impl Packer {
    pub(crate) fn new(level: i32) -> io::Result<Self> {
        // Small payloads are start states and short traces: there the last percent is cheap.
        let small_level = if has_model(level) { SMALL_LEVEL } else { level };
        let mut plain = zstd::bulk::Compressor::new(level)?;
        if has_model(level) {
            // Of its own accord this level takes 16 MiB for each, which a payload of columns does not fill.
            plain.set_parameter(CParameter::HashLog(TABLE_LOG))?;
            plain.set_parameter(CParameter::ChainLog(TABLE_LOG))?;
        }
        Ok(Packer {
            plain,
            small: zstd::bulk::Compressor::with_dictionary(small_level, dictionary())?,
            model_budget: if has_model(level) { MODEL_BUDGET } else { 0 },
        })
    }

    /// The file is not small: nothing more is coded with the model.
    pub(crate) fn give_up_model(&mut self) {
        self.model_budget = 0;
    }

    fn pack(&mut self, payload: &[u8]) -> io::Result<(Method, Vec<u8>)> {
        let is_small = payload.len() <= SMALL_PAYLOAD;
        let compressor = if is_small { &mut self.small } else { &mut self.plain };
        let compressed = compressor.compress(payload)?;
        if payload.len() <= model::MAX_LEN.min(self.model_budget) {
            self.model_budget -= payload.len();
            let coded = model::pack(payload);
            let is_shorter = coded.len() < compressed.len().min(payload.len());
            if is_shorter && model::is_allowed(coded.len(), payload.len()) {
                return Ok((Method::Model, coded));
            }
        }
        if compressed.len() >= payload.len() {
            return Ok((Method::Stored, payload.to_vec()));
        }
        Ok((if is_small { Method::ZstdDictionary } else { Method::Zstd }, compressed))
    }
}

/// Bytes of a header with these kinds and what stands after them; `None` if that is more than it has room for.
fn header_len(ty: SegmentType, kinds: &[u8], room: &[u8]) -> Option<u16> {
    let ranges_len = if ty == SegmentType::Events { RANGES_LEN } else { 0 };
    u16::try_from(FIXED_LEN + ranges_len + kinds.len() + room.len() + 4).ok()
}

/// What a new segment says of itself; the rest follows from its payload.
pub(crate) struct SegmentHead {
    pub ty: SegmentType,
    pub n_rows: usize,
    pub begins_section: bool,
    pub is_addition: bool,
    pub seqs: (Seq, Seq),
    pub times: (Nanos, Nanos),
    pub kinds: Vec<KindId>,
    pub summary: Option<Summary>,
}

/// Appends a whole segment and returns its description.
pub(crate) fn pack(
    head: SegmentHead,
    payload: &[u8],
    number: u32,
    offset: u64,
    packer: &mut Packer,
    out: &mut Vec<u8>,
) -> io::Result<Segment> {
    if payload.len() > MAX_PAYLOAD || head.n_rows > MAX_ROWS {
        let what = format!("a segment of {} bytes and {} rows is too large for the format", payload.len(), head.n_rows);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let (method, packed) = packer.pack(payload)?;
    let mut kinds = Vec::new();
    put_kinds(&head.kinds, &mut kinds);
    let mut room = Vec::new();
    if let Some(summary) = &head.summary {
        summary.put(&mut room);
    }
    if header_len(head.ty, &kinds, &room).is_none() {
        // A segment can be read without a summary.
        room.clear();
    }
    let header_len = header_len(head.ty, &kinds, &room)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "more kinds of events than a segment lists"))?;
    let segment = Segment {
        offset,
        ty: head.ty,
        number,
        n_rows: head.n_rows as u32,
        begins_section: head.begins_section,
        is_addition: head.is_addition,
        seqs: head.seqs,
        times: head.times,
        kinds: head.kinds,
        len: u64::from(header_len) + packed.len() as u64,
    };
    let packing = Packing {
        header_len,
        method,
        packed_len: packed.len() as u32,
        unpacked_len: payload.len() as u32,
        crc: crc32c::crc32c(&packed),
    };
    segment.put(&packing, &kinds, &room, out);
    out.extend_from_slice(&packed);
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
