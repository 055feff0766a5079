//! The segments of a trace one after the other.

use std::sync::Arc;

use super::ahead::{Ahead, Block, Pool};
use super::notes::SourceCounts;
use super::segment::{Segment, SegmentType};
use super::summary::Summary;
use super::trace::{Decoder, Told, Trace};
use super::unread::Unread;
use crate::event::{Batch, Nanos, Seq};
use crate::input::Forgetter;
use crate::reader::{Damage, Item, Part, Progress, ReadNotes, TraceReader, Unneeded};
use crate::section::Section;
use crate::wanted::WantedArgs;

/// Reads a native trace in file order.
pub struct NativeReader {
    trace: Arc<Trace>,
    decoder: Decoder,
    /// Threads that decode; none if the calling one does.
    ahead: Option<Ahead>,
    /// Lets go of segments that were delivered.
    forgetter: Forgetter,
    /// Batches whose memory can be used again.
    spare: Pool,
    next: usize,
    /// The segment of events that was begun and not delivered to its end.
    current: Option<usize>,
    /// Blocks of it that were delivered.
    n_blocks: usize,
    /// The section being read; none once it was delivered.
    section: Option<Box<Section>>,
    /// True once a section was delivered: only then can another one add to it.
    is_delivered: bool,
    /// True once a segment of start state was read into it, or the trace begins with it.
    is_begun: bool,
    /// Sums over the files that were concatenated.
    source: Option<SourceCounts>,
    /// Where the last of these counts stands.
    source_offset: u64,
    /// Segments of later events are not decoded.
    until: Option<Nanos>,
    n_left_out: u64,
    /// Tells segments that need not be decoded.
    unneeded: Option<Unneeded>,
    /// True once a segment could not be decoded.
    is_broken: bool,
    notes: ReadNotes,
    progress: Arc<Progress>,
}

impl std::fmt::Debug for NativeReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeReader").field("trace", &self.trace).field("next", &self.next).finish_non_exhaustive()
    }
}

impl NativeReader {
    /// Starts at the first segment.
    pub fn new(trace: Trace) -> Self {
        let notes = trace.notes().clone();
        NativeReader {
            trace: Arc::new(trace),
            decoder: Decoder::default(),
            ahead: None,
            forgetter: Forgetter::default(),
            spare: Pool::default(),
            next: 0,
            current: None,
            n_blocks: 0,
            section: Some(Box::default()),
            is_delivered: false,
            is_begun: false,
            source: None,
            source_offset: 0,
            until: None,
            n_left_out: 0,
            unneeded: None,
            is_broken: false,
            notes,
            progress: Arc::default(),
        }
    }

    fn broken(&mut self, damage: Damage) {
        self.is_broken = true;
        self.notes.damaged_after(damage.after, damage.offset, damage.what);
    }

    /// Takes over what the original file counted, unless it claims more than was delivered or skipped.
    fn believe(&mut self, source: SourceCounts) {
        let n_skipped = self.notes.skipped.iter().fold(0u64, |sum, skipped| sum.saturating_add(skipped.n));
        let n_delivered = self.notes.n_events.saturating_add(self.notes.n_unfinished);
        if source.n_events > n_delivered.saturating_add(n_skipped) {
            let what = format!("{} events are counted and {n_delivered} are there", source.n_events);
            return self.broken(Damage { offset: self.source_offset, what, after: Seq(self.notes.n_events) });
        }
        self.notes.n_records = source.n_records;
        self.notes.n_events = source.n_events;
        self.notes.n_unfinished = source.n_unfinished;
    }

    /// The next block of a segment of events, decoded here or by a thread.
    fn block(&mut self, i: usize) -> Block {
        let NativeReader { trace, decoder, ahead, spare, n_blocks, until, unneeded, .. } = self;
        if let Some(threads) = ahead {
            let wanted = |i: usize| {
                let segment = &trace.segments()[i];
                segment.ty == SegmentType::Events
                    && !is_after(segment, *until)
                    && !unneeded.as_ref().is_some_and(|is_unneeded| is_unneeded(segment) && trace.summary(i).is_some())
            };
            if let Some(block) = threads.take(trace, spare, i, wanted) {
                return block;
            }
            // A thread is gone: the rest is decoded here, from after what it gave.
            *ahead = None;
            let mut block = Block::first(trace, i, decoder, spare.take());
            for _ in 0..*n_blocks {
                block = Block::next(decoder, block.batch);
            }
            return block;
        }
        match n_blocks {
            0 => Block::first(trace, i, decoder, spare.take()),
            _ => Block::next(decoder, spare.take()),
        }
    }

    /// The summary of a segment that nobody needs, if it has one; it is not decoded.
    fn unneeded(&self, i: usize) -> Option<Summary> {
        let is_unneeded = self.unneeded.as_ref()?;
        if is_unneeded(&self.trace.segments()[i]) { self.trace.summary(i) } else { None }
    }

    /// Counts events that are not delivered as such.
    fn count_undelivered(&mut self, n: u64) {
        self.notes.n_records += n;
        self.notes.n_events += n;
    }

    /// Delivers the next block of a segment of events; `None` if there is nothing to deliver.
    fn deliver(&mut self, i: usize) -> Option<Item> {
        let Block { result, batch, is_last } = self.block(i);
        let is_first = self.n_blocks == 0;
        (self.current, self.n_blocks) = if is_last { (None, 0) } else { (Some(i), self.n_blocks + 1) };
        match result {
            // The whole segment is sound: all of its events will be delivered.
            Ok(Told { n_unfinished, false_header }) if is_first => {
                if let Some(Damage { offset, after, what }) = false_header {
                    self.notes.damaged_after(after, offset, what);
                }
                let n = u64::from(self.trace.segments()[i].n_rows);
                self.notes.n_records += n;
                self.notes.n_unfinished += n_unfinished;
                self.notes.n_events += n - n_unfinished;
            }
            Ok(_) => {}
            Err(damage) => self.broken(damage),
        }
        if batch.is_empty() {
            self.spare.put(batch);
            return None;
        }
        Some(Item::Batch(batch))
    }
}

impl TraceReader for NativeReader {
    fn next_item(&mut self) -> Option<Item> {
        // Who asks for items has to be given all of them.
        self.unneeded = None;
        match self.next_part()? {
            Part::Item(item) => Some(item),
            Part::Unread(_) => None,
        }
    }

    fn next_part(&mut self) -> Option<Part> {
        if let Some(i) = self.current
            && let Some(item) = self.deliver(i)
        {
            return Some(Part::Item(item));
        }
        while let Some(segment) = self.trace.segments().get(self.next) {
            let (i, ty, is_addition) = (self.next, segment.ty, segment.is_addition);
            let is_new_section = ty == SegmentType::State && segment.begins_section && self.is_begun;
            if (is_new_section || ty == SegmentType::Events)
                && let Some(section) = self.section.take()
            {
                self.is_delivered = true;
                return Some(Part::Item(Item::Section(section)));
            }
            self.progress.set_bytes(segment.offset + segment.len);
            self.forgetter.up_to(self.trace.input(), segment.offset);
            self.next += 1;
            match ty {
                SegmentType::State => {
                    self.is_begun = true;
                    let section = self.section.get_or_insert_default();
                    section.is_addition |= is_addition && self.is_delivered;
                    match self.trace.decode_state(i, section) {
                        Ok(0) => {}
                        Ok(n_unknown) => self.notes.skip("rows of unknown tables of the start state", n_unknown),
                        Err(damage) => self.broken(damage),
                    }
                }
                SegmentType::Events if is_after(segment, self.until) => {
                    self.is_begun = true;
                    let n = u64::from(segment.n_rows);
                    self.n_left_out += n;
                    self.count_undelivered(n);
                }
                SegmentType::Events => {
                    self.is_begun = true;
                    if let Some(summary) = self.unneeded(i) {
                        // What is not read can still be told to be damaged.
                        match self.trace.check(i) {
                            Ok(()) => {
                                self.count_undelivered(self.trace.segments()[i].n_rows.into());
                                return Some(Part::Unread(Unread::new(self.trace.clone(), i, summary)));
                            }
                            Err(damage) => self.broken(damage),
                        }
                        continue;
                    }
                    if let Some(item) = self.deliver(i) {
                        return Some(Part::Item(item));
                    }
                }
                SegmentType::Notes => match self.trace.decode_notes(i, &mut self.notes) {
                    Ok(None) => {}
                    Ok(Some(counts)) => {
                        self.source_offset = segment.offset;
                        let sum =
                            self.source.get_or_insert(SourceCounts { n_records: 0, n_events: 0, n_unfinished: 0 });
                        sum.n_records = sum.n_records.saturating_add(counts.n_records);
                        sum.n_events = sum.n_events.saturating_add(counts.n_events);
                        sum.n_unfinished = sum.n_unfinished.saturating_add(counts.n_unfinished);
                    }
                    Err(damage) => self.broken(damage),
                },
                SegmentType::Directory => {}
                SegmentType::Unknown(code) => self.notes.skip(&format!("segments of unknown type {code}"), 1),
            }
        }
        if let Some(section) = self.section.take() {
            return Some(Part::Item(Item::Section(section)));
        }
        // What the original file counted, unless part of this file is lost: then only what was delivered counts.
        if let Some(source) = self.source.take()
            && self.trace.notes().n_damage == 0
            && !self.is_broken
        {
            self.believe(source);
        }
        None
    }

    fn use_threads(&mut self, n: usize) {
        self.ahead = Ahead::start(&self.trace, &self.spare, self.decoder.wanted(), n);
    }

    fn leave_unread(&mut self, unneeded: Unneeded) {
        self.unneeded = Some(unneeded);
    }

    fn want_only(&mut self, wanted: WantedArgs) {
        self.decoder = Decoder::new(wanted);
    }

    fn end_at(&mut self, until: Nanos) {
        self.until = Some(until);
    }

    fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    fn recycle(&mut self, batch: Batch) {
        self.spare.put(batch);
    }

    fn notes(&self) -> &ReadNotes {
        &self.notes
    }

    fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }
}

/// True if all events of a segment are later than asked for.
fn is_after(segment: &Segment, until: Option<Nanos>) -> bool {
    until.is_some_and(|until| segment.times.0 > until)
}
