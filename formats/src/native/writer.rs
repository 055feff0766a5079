//! Writes native traces to a stream.

use std::io::{self, Write};

use super::column::ColumnEncoder;
use super::rows::MAX_ROWS;
use super::segment::{self, FILE_HEADER_LEN, Packer, SegmentHead, SegmentType, TRAILER_LEN};
use super::summary::Summary;
use super::{directory, events, notes, state};
use crate::event::{Batch, Event, KindId, Nanos, Seq};
use crate::reader::ReadNotes;
use crate::section::Section;
use crate::writer::TraceWriter;

/// Most events of a segment.
const SEGMENT_EVENTS: usize = 64 * 1024;

/// Bytes of arguments after which a segment is written.
const SEGMENT_BYTES: usize = 8 << 20;

/// Arguments after which a segment is written.
const SEGMENT_ARGS: usize = 1 << 20;

/// Most bytes of arguments of one event; leaves room for the rest of its segment.
const MAX_EVENT_BYTES: usize = 32 << 20;

/// Up to this many segments a file has no directory: going from header to header is as fast.
const MAX_WITHOUT_DIRECTORY: u32 = 4;

/// Settings of a [`NativeWriter`].
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Level of zstd, 1 to 22.
    pub level: i32,
    /// Events after which a segment is written, at most 65 536. Fewer need less memory and more bytes.
    pub segment_events: usize,
    /// Bytes of arguments after which a segment is written, at most 8 MiB. Fewer need less memory, as above.
    pub segment_bytes: usize,
}

impl WriteOptions {
    /// For files that are kept: what the measurements in `spec.md` were made with.
    pub const ARCHIVE: WriteOptions =
        WriteOptions { level: 15, segment_events: SEGMENT_EVENTS, segment_bytes: SEGMENT_BYTES };
    /// For recording: spends less time and memory on a segment.
    pub const RECORD: WriteOptions =
        WriteOptions { level: 3, segment_events: SEGMENT_EVENTS / 4, segment_bytes: SEGMENT_BYTES / 4 };
}

/// Writes a native trace.
pub struct NativeWriter<W> {
    out: W,
    offset: u64,
    n_segments: u32,
    n_events: u64,
    n_state_bytes: u64,
    segment_events: usize,
    segment_bytes: usize,
    columns: ColumnEncoder,
    packer: Packer,
    pending: Batch,
    payload: Vec<u8>,
    packed: Vec<u8>,
    /// Segments that are written once it is known whether the file is small; `None` once it is not.
    held: Option<Vec<(SegmentHead, Vec<u8>)>>,
    /// Rows of the directory; given up when they are more than a segment holds.
    directory: Option<Batch>,
}

impl<W> std::fmt::Debug for NativeWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeWriter").field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl<W: Write> NativeWriter<W> {
    /// Writes to `out`; each segment is one write, so that no buffer is needed. At levels from 9 on, segments are held
    /// back until they are 256 KiB together or the trace is finished: how they are compressed depends on it.
    pub fn new(out: W, options: WriteOptions) -> io::Result<Self> {
        Ok(NativeWriter {
            out,
            offset: 0,
            n_segments: 0,
            n_events: 0,
            n_state_bytes: 0,
            segment_events: options.segment_events.clamp(1, SEGMENT_EVENTS),
            segment_bytes: options.segment_bytes.clamp(1, SEGMENT_BYTES),
            columns: ColumnEncoder::new()?,
            packer: Packer::new(options.level)?,
            pending: Batch::default(),
            payload: Vec::new(),
            packed: Vec::new(),
            held: segment::has_model(options.level).then(Vec::new),
            directory: Some(Batch::default()),
        })
    }

    /// The stream, to tell it something; writing to it would break the trace.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Bytes written so far, of which all are whole: header of the file, segments, end mark.
    pub fn n_bytes(&self) -> u64 {
        self.offset
    }

    /// Bytes of these that hold start states.
    pub fn n_state_bytes(&self) -> u64 {
        self.n_state_bytes
    }

    /// Events that stand in complete segments. Those that wait for their segment are not among them.
    pub fn n_events(&self) -> u64 {
        self.n_events
    }

    /// Bytes that the events waiting for their segment have at most in a file.
    pub fn n_pending_bytes(&self) -> usize {
        // A head has at most seven columns, none of more than ten bytes a value.
        self.pending.n_bytes() + 10 * self.pending.n_args() + 70 * self.pending.len()
    }

    /// Takes back the events that wait for their segment: after a failed write, to write them elsewhere or to count
    /// them.
    pub fn take_pending(&mut self) -> Batch {
        std::mem::take(&mut self.pending)
    }

    /// Appends an event; it is written with its segment.
    pub fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let n_bytes: usize = event.args().filter_map(|arg| arg.any_bytes()).map(|b| b.len()).sum();
        if n_bytes > MAX_EVENT_BYTES {
            let what = format!("event {} has {n_bytes} bytes of arguments; a segment holds 32 MiB", event.head.seq.0);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        self.pending.append(event);
        let is_full = self.pending.len() >= self.segment_events
            || self.pending.n_bytes() >= self.segment_bytes
            || is_full(&self.pending);
        if is_full { self.flush_events() } else { Ok(()) }
    }

    /// Writes the events so far as a segment, however few they are: what a recorder does once in a while, so that a
    /// crash loses little. If writing fails they stay, and the trace is complete up to the segment before, provided
    /// that the stream takes a write whole or not at all.
    pub fn flush_events(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.pending);
        let kinds = {
            self.payload.clear();
            events::put(&events, &mut self.columns, &mut self.payload)
        };
        let heads = || events.iter().map(|event| event.head);
        let range = |values: &mut dyn Iterator<Item = u64>| {
            values.fold((u64::MAX, 0), |(low, high), v| (low.min(v), high.max(v)))
        };
        let seqs = range(&mut heads().map(|h| h.seq.0));
        let times = range(&mut heads().map(|h| h.ts.0));
        let result = self.put_segment(SegmentHead {
            ty: SegmentType::Events,
            n_rows: events.len(),
            begins_section: false,
            is_addition: false,
            seqs: (Seq(seqs.0), Seq(seqs.1)),
            times: (Nanos(times.0), Nanos(times.1)),
            kinds,
            summary: Summary::of(&events),
        });
        // Keeps the memory for the next segment.
        self.pending = events;
        result?;
        self.n_events += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Writes rows without heads as a segment; `section` is given with the first rows of one.
    fn put_rows(&mut self, ty: SegmentType, rows: &Batch, section: Option<&Section>) -> io::Result<()> {
        self.payload.clear();
        let kinds = state::put(rows, &mut self.columns, &mut self.payload);
        self.put_segment(head_of_rows(ty, rows.len(), section, kinds))
    }

    fn put_file_header(&mut self) -> io::Result<()> {
        if self.offset > 0 {
            return Ok(());
        }
        self.out.write_all(&segment::file_header())?;
        self.offset = FILE_HEADER_LEN as u64;
        Ok(())
    }

    /// Packs and writes the payload, or holds it back.
    fn put_segment(&mut self, head: SegmentHead) -> io::Result<()> {
        self.put_file_header()?;
        let n_held = |held: &Vec<(SegmentHead, Vec<u8>)>| held.iter().map(|(_, payload)| payload.len()).sum::<usize>();
        match &mut self.held {
            Some(held) if n_held(held) + self.payload.len() <= segment::SMALL_FILE => {
                held.push((head, self.payload.clone()));
                Ok(())
            }
            held => {
                if held.is_some() {
                    self.packer.give_up_model();
                    self.put_held()?;
                }
                let payload = std::mem::take(&mut self.payload);
                let result = self.put_packed(head, &payload);
                self.payload = payload;
                result
            }
        }
    }

    /// Writes the segments that were held back. From then on none is.
    fn put_held(&mut self) -> io::Result<()> {
        for (head, payload) in self.held.take().unwrap_or_default() {
            self.put_packed(head, &payload)?;
        }
        Ok(())
    }

    fn put_packed(&mut self, head: SegmentHead, payload: &[u8]) -> io::Result<()> {
        self.packed.clear();
        let NativeWriter { n_segments, offset, packer, packed, .. } = self;
        let segment = segment::pack(head, payload, *n_segments, *offset, packer, packed)?;
        // What is counted and listed below stands in the file.
        self.out.write_all(&self.packed)?;
        if let Some(rows) = &mut self.directory {
            directory::put_row(&segment, rows);
            if rows.len() > MAX_ROWS {
                self.directory = None;
            }
        }
        self.offset += segment.len;
        if segment.ty == SegmentType::State {
            self.n_state_bytes += segment.len;
        }
        self.n_segments = self.n_segments.wrapping_add(1);
        Ok(())
    }
}

fn head_of_rows(ty: SegmentType, n_rows: usize, section: Option<&Section>, kinds: Vec<KindId>) -> SegmentHead {
    SegmentHead {
        ty,
        n_rows,
        begins_section: section.is_some(),
        is_addition: section.is_some_and(|section| section.is_addition),
        seqs: (Seq(0), Seq(0)),
        times: (Nanos(0), Nanos(0)),
        kinds,
        summary: None,
    }
}

fn is_full(batch: &Batch) -> bool {
    batch.len() >= SEGMENT_EVENTS || batch.n_bytes() >= SEGMENT_BYTES || batch.n_args() >= SEGMENT_ARGS
}

impl<W: Write> TraceWriter for NativeWriter<W> {
    fn section(&mut self, section: &Section) -> io::Result<()> {
        self.flush_events()?;
        let mut rows = Batch::default();
        let mut first = Some(section);
        state::for_each_row(section, &mut rows, |rows| {
            if !is_full(rows) {
                return Ok(());
            }
            self.put_rows(SegmentType::State, rows, first.take())?;
            rows.clear();
            Ok::<(), io::Error>(())
        })?;
        if first.is_some() || !rows.is_empty() {
            self.put_rows(SegmentType::State, &rows, first)?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        batch.iter().try_for_each(|event| self.event(&event))
    }

    fn finish(&mut self, notes: &ReadNotes) -> io::Result<()> {
        self.flush_events()?;
        let notes = notes::rows(notes);
        if !notes.is_empty() {
            self.put_rows(SegmentType::Notes, &notes, None)?;
        }
        self.put_held()?;
        let directory_offset = self.offset;
        let rows = self.directory.take().filter(|_| self.n_segments > MAX_WITHOUT_DIRECTORY);
        // Zero is no offset of a directory: readers go from header to header.
        let trailer = match rows {
            Some(rows) => {
                self.put_rows(SegmentType::Directory, &rows, None)?;
                segment::trailer(directory_offset, self.offset + TRAILER_LEN as u64)
            }
            None => {
                self.put_file_header()?;
                segment::trailer(0, self.offset + TRAILER_LEN as u64)
            }
        };
        self.out.write_all(&trailer)?;
        self.offset += TRAILER_LEN as u64;
        self.out.flush()
    }
}
