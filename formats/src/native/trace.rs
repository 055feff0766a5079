//! A native trace as its segments, each of which can be decoded alone and from any thread.

use bstr::ByteSlice;

use super::events::EventDecoder;
use super::segment::{
    self, FILE_HEADER_LEN, FILE_MAGIC, FileHeader, Packing, Segment, SegmentType, TRAILER_LEN, Unpacker, VERSION,
};
use super::summary::{self, Summary};
use super::varint::Broken;
use super::{directory, notes, state};
use crate::event::{Batch, Seq};
use crate::input::Input;
use crate::reader::{Damage, OpenError, ReadNotes};
use crate::section::Section;
use crate::wanted::WantedArgs;

/// An open native trace. Cheap to share between threads.
#[derive(Clone, Debug)]
pub struct Trace {
    input: Input,
    segments: Vec<Segment>,
    notes: ReadNotes,
}

/// Memory for decoding the segments of a trace one after the other; each thread has its own.
#[derive(Debug, Default)]
pub struct Decoder {
    unpacker: Unpacker,
    events: EventDecoder,
    told: Told,
}

impl Decoder {
    /// One that leaves out arguments that are not wanted.
    pub(crate) fn new(wanted: WantedArgs) -> Decoder {
        Decoder { events: EventDecoder::new(wanted), ..Decoder::default() }
    }

    /// What of arguments it is to make.
    pub(crate) fn wanted(&self) -> &WantedArgs {
        self.events.wanted()
    }

    /// Makes a batch of the next events of the segment decoded last, in place of what it held; false, and a batch without
    /// events, if there are none left. So many events at a time stay in the cache while they are made and used.
    pub fn block(&mut self, batch: &mut Batch) -> bool {
        self.events.block(batch, Batch::TARGET_EVENTS)
    }

    /// As [`Decoder::block`], all events that are left at once.
    pub(crate) fn rest(&mut self, batch: &mut Batch) -> bool {
        self.events.block(batch, usize::MAX)
    }

    /// True if there are events left.
    pub(crate) fn has_more(&self) -> bool {
        self.events.has_more()
    }

    /// What is to be noted of the segment of events decoded last.
    pub(crate) fn told(&mut self) -> Told {
        std::mem::take(&mut self.told)
    }
}

/// What is to be noted of a segment of events that was decoded.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// System calls that had not returned.
    pub(crate) n_unfinished: u64,
    /// Its header says otherwise than its events.
    pub(crate) false_header: Option<Damage>,
}

impl Trace {
    /// Finds the segments: by the directory if the file is complete, else by walking from header to header.
    pub fn open(input: Input) -> Result<Trace, OpenError> {
        let bytes = input.bytes();
        if bytes.is_empty() {
            return Err(OpenError::Empty);
        }
        let mut trace = Trace { input: input.clone(), segments: Vec::new(), notes: ReadNotes::default() };
        match FileHeader::parse(bytes) {
            FileHeader::Later(version) => {
                let (version, newest) = (u32::from(version), u32::from(VERSION));
                return Err(OpenError::Version { format: "trh", version, newest, offset: FILE_MAGIC.len() as u64 });
            }
            FileHeader::None => {
                let what = if FILE_MAGIC.starts_with(&bytes[..bytes.len().min(FILE_MAGIC.len())])
                    || bytes.starts_with(&FILE_MAGIC)
                {
                    "the file is cut inside its header"
                } else {
                    "no header of a native trace"
                };
                return Err(OpenError::Damaged { offset: 0, what: what.into() });
            }
            FileHeader::Known { len, is_sound } => {
                if !is_sound {
                    trace.notes.damaged(0, "the checksum of the file's header does not match; it is read anyway");
                }
                match by_directory(bytes) {
                    Some(segments) if is_sound => trace.segments = segments,
                    _ => trace.walk(len),
                }
            }
        }
        Ok(trace)
    }

    /// The bytes of the file.
    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// The segments in file order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// What was found wrong between segments; what is wrong inside one is found when it is decoded.
    pub fn notes(&self) -> &ReadNotes {
        &self.notes
    }

    /// Bytes that a segment's payload unpacks to, as its header says; 0 if it says nothing sound.
    pub(crate) fn unpacked_len(&self, i: usize) -> u64 {
        let segment = &self.segments[i];
        let header = usize::try_from(segment.offset).ok().and_then(|start| self.input.bytes().get(start..));
        let packing = header.and_then(|header| Segment::parse(header, segment.offset));
        packing.map_or(0, |(_, packing)| packing.unpacked_len.into())
    }

    /// Decodes a segment of events, which [`Decoder::block`] gives afterwards; none of a segment of another type, or after
    /// an error. Allocates at most the segment's unpacked length, which is limited to 64 MiB, and what its events need as
    /// columns.
    ///
    /// # Panics
    /// If there is no segment `i`.
    pub fn decode(&self, i: usize, decoder: &mut Decoder) -> Result<(), Damage> {
        let segment = &self.segments[i];
        let Decoder { unpacker, events, told } = decoder;
        events.clear();
        if segment.ty != SegmentType::Events {
            return Ok(());
        }
        events.held.claimed = (segment.times.0.0, segment.times.1.0);
        self.with_payload(segment, unpacker, |payload| events.begin(payload, segment.n_rows as usize))?;
        told.n_unfinished = events.n_unfinished;
        told.false_header = events.held.contradicts(segment, self.summary(i).as_ref()).map(|what| Damage {
            offset: segment.offset,
            after: Seq(segment.seqs.0.0.saturating_sub(1)),
            what: format!("segment {}: {what}; its {} events are kept", segment.number, segment.n_rows),
        });
        Ok(())
    }

    /// What the header of a segment says of its events; `None` if it says nothing, or nothing that makes sense.
    ///
    /// # Panics
    /// If there is no segment `i`.
    pub fn summary(&self, i: usize) -> Option<Summary> {
        let segment = &self.segments[i];
        let header = self.input.bytes().get(usize::try_from(segment.offset).ok()?..)?;
        let (found, _) = Segment::parse(header, segment.offset).filter(|(found, _)| found == segment)?;
        summary::of_header(header, &found)
    }

    /// Checks header and checksum of a segment without unpacking it.
    pub(crate) fn check(&self, i: usize) -> Result<(), Damage> {
        self.with_segment(&self.segments[i], |packing, bytes| packing.packed(bytes).map(|_| ()))
    }

    /// Adds the rows of a segment of start state to a section; does nothing for a segment of another type. Returns
    /// how many rows are of tables that this version does not know.
    ///
    /// # Panics
    /// If there is no segment `i`.
    pub fn decode_state(&self, i: usize, section: &mut Section) -> Result<u64, Damage> {
        let segment = &self.segments[i];
        if segment.ty != SegmentType::State {
            return Ok(0);
        }
        let rows = self
            .with_payload(segment, &mut Unpacker::default(), |payload| state::take(payload, segment.n_rows as usize))?;
        Ok(state::add_rows(&rows, section))
    }

    /// Adds the notes of a converted trace.
    pub(crate) fn decode_notes(&self, i: usize, notes: &mut ReadNotes) -> Result<Option<notes::SourceCounts>, Damage> {
        let segment = &self.segments[i];
        let rows = self
            .with_payload(segment, &mut Unpacker::default(), |payload| state::take(payload, segment.n_rows as usize))?;
        Ok(notes::add_rows(&rows, notes))
    }

    fn with_payload<T>(
        &self,
        segment: &Segment,
        unpacker: &mut Unpacker,
        decode: impl FnOnce(&[u8]) -> Result<T, Broken>,
    ) -> Result<T, Damage> {
        self.with_segment(segment, |packing, bytes| unpacker.payload(packing, bytes, segment.n_rows).and_then(decode))
    }

    /// Does something with a segment whose header is as the directory says; `bytes` begin with its header.
    fn with_segment<'a, T>(
        &'a self,
        segment: &Segment,
        work: impl FnOnce(&Packing, &'a [u8]) -> Result<T, Broken>,
    ) -> Result<T, Damage> {
        let bytes = self.input.bytes();
        let start = usize::try_from(segment.offset).unwrap_or(usize::MAX).min(bytes.len());
        let done = match Segment::parse(&bytes[start..], segment.offset) {
            Some((found, packing)) if found == *segment => work(&packing, &bytes[start..]),
            _ => Err(Broken("the header of the segment does not match the directory")),
        };
        done.map_err(|Broken(what)| Damage {
            offset: segment.offset,
            after: Seq(segment.seqs.0.0.saturating_sub(1)),
            what: format!("segment {}: {what}; its {} rows are skipped", segment.number, segment.n_rows),
        })
    }

    /// Notes damage that stands after the segments found so far.
    fn damaged(&mut self, pos: usize, what: String) {
        let last = self.segments.iter().rev().find(|segment| segment.ty == SegmentType::Events);
        self.notes.damaged_after(last.map_or(Seq(0), |segment| segment.seqs.1), pos as u64, what);
    }

    /// Goes from header to header; past damage it looks for the next header.
    fn walk(&mut self, start: usize) {
        let input = self.input.clone();
        let bytes = input.bytes();
        let mut pos = start;
        let mut expected = 0u32;
        // True after the trailer of a file: a cut file has none.
        let mut is_complete = false;
        while pos < bytes.len() {
            let rest = &bytes[pos..];
            if let Some((segment, packing)) = Segment::parse(rest, pos as u64) {
                if segment.len > rest.len() as u64 {
                    let what = format!(
                        "the file ends inside segment {}, after {} of its {} bytes; its {} rows are lost",
                        segment.number,
                        rest.len(),
                        segment.len,
                        segment.n_rows
                    );
                    self.damaged(pos, what);
                    return;
                }
                if segment.number > expected {
                    let what = format!("segments {expected} to {} are missing", segment.number - 1);
                    self.damaged(pos, what);
                } else if segment.number < expected {
                    self.damaged(pos, format!("segment {} stands here again", segment.number));
                }
                // Nobody decodes a directory that was not used to find the segments: here its damage is noticed.
                if segment.ty == SegmentType::Directory
                    && let Err(Broken(what)) = Unpacker::default().payload(&packing, rest, segment.n_rows)
                {
                    let what = format!("the directory cannot be used: {what}; the segments are read without it");
                    self.damaged(pos, what);
                }
                expected = segment.number.wrapping_add(1);
                is_complete = false;
                pos += segment.len as usize;
                self.segments.push(segment);
            } else if segment::parse_trailer(rest).is_some() {
                is_complete = true;
                pos += TRAILER_LEN;
            } else if let FileHeader::Known { len, .. } = FileHeader::parse(rest) {
                // Concatenated files.
                expected = 0;
                is_complete = false;
                pos += len;
            } else {
                let Some(n_skipped) = next_header(rest) else {
                    let what = format!("{} bytes at the end are no complete segment", rest.len());
                    self.damaged(pos, what);
                    return;
                };
                self.damaged(pos, format!("{n_skipped} bytes are no segment; they are skipped"));
                pos += n_skipped;
            }
        }
        if !is_complete {
            let what = "the file has no end mark: it was cut, or its writer did not finish".to_owned();
            self.damaged(pos, what);
        }
    }
}

/// The segments by the directory of a complete, single file.
fn by_directory(bytes: &[u8]) -> Option<Vec<Segment>> {
    let (directory, file_len) = segment::parse_trailer(&bytes[bytes.len().checked_sub(TRAILER_LEN)?..])?;
    if file_len != bytes.len() as u64 {
        return None;
    }
    let at = usize::try_from(directory).ok()?;
    let (header, packing) = Segment::parse(bytes.get(at..)?, directory)?;
    if header.ty != SegmentType::Directory || directory + header.len + TRAILER_LEN as u64 != file_len {
        return None;
    }
    let mut unpacker = Unpacker::default();
    let payload = unpacker.payload(&packing, &bytes[at..], header.n_rows).ok()?;
    let mut segments = directory::segments(&state::take(payload, header.n_rows as usize).ok()?)?;
    let end = segments.last().map_or(FILE_HEADER_LEN as u64, |last| last.offset.saturating_add(last.len));
    segments.push(header);
    (end == directory).then_some(segments)
}

/// Distance to the next header of a segment or of a file, at least 1.
fn next_header(bytes: &[u8]) -> Option<usize> {
    // All marks begin with this byte; it is rare in compressed bytes and absent from text.
    let first = segment::SEGMENT_MAGIC[0];
    let mut pos = 1;
    loop {
        pos += bytes.get(pos..)?.find_byte(first)?;
        let rest = &bytes[pos..];
        let is_header = Segment::parse(rest, 0).is_some()
            || segment::parse_trailer(rest).is_some()
            || matches!(FileHeader::parse(rest), FileHeader::Known { is_sound: true, .. });
        if is_header {
            return Some(pos);
        }
        pos += 1;
    }
}
