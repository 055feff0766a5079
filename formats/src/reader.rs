//! What every trace reader offers, and what it can say about damage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::{Batch, Nanos, Seq};
use crate::input::Input;
use crate::native::{Segment, Unread};
use crate::section::Section;
use crate::wanted::WantedArgs;

/// How sure a format is that a file is its own, from the first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Not this format.
    No,
    /// Could be: nothing speaks against it (text without a header).
    Maybe,
    /// A signature of this format stands there.
    Yes,
}

/// A file format that can be read.
pub trait Format: Sync {
    /// Short name, as `info` shows it and `convert --from` takes it.
    fn name(&self) -> &'static str;
    /// One sentence for people.
    fn doc(&self) -> &'static str;
    /// Looks at the first bytes (up to 64 kB; compressed input is not unpacked).
    fn detect(&self, head: &[u8]) -> Confidence;
    /// Starts reading. An error here means that nothing at all can be read.
    fn open(&self, input: Input) -> Result<Box<dyn TraceReader>, OpenError>;
}

/// A trace being read: sections and batches of events in file order.
///
/// Lenient: damage is recorded and everything readable is delivered; after the last item `next_item` returns
/// `None` for ever.
pub trait TraceReader: Send {
    /// The next section or batch.
    fn next_item(&mut self) -> Option<Item>;
    /// As [`TraceReader::next_item`], where events can come as a segment that was not read; see
    /// [`TraceReader::leave_unread`].
    fn next_part(&mut self) -> Option<Part> {
        self.next_item().map(Part::Item)
    }
    /// Says which segments of events nobody needs. A reader whose segments say in their headers what they hold gives these
    /// unread by [`TraceReader::next_part`]; others deliver them, as do all by [`TraceReader::next_item`]. To be called
    /// before the first item.
    fn leave_unread(&mut self, unneeded: Unneeded) {
        drop(unneeded);
    }
    /// Says which arguments of events somebody looks at. A reader can leave the others out, as if the trace did not have them,
    /// from whenever that is told. Nothing else that it delivers or notes depends on it, save that an event does not say of
    /// itself that an argument is malformed which was not made. To be called before the first item.
    fn want_only(&mut self, wanted: WantedArgs) {
        drop(wanted);
    }
    /// Takes back a batch that is done with, so that its memory is used for a later one: fresh memory costs more than
    /// what is read into it. Nobody has to; a reader that does not reuse memory drops the batch.
    fn recycle(&mut self, batch: Batch) {
        drop(batch);
    }
    /// Lets the reader work on up to `n` threads of its own, ahead of what is asked for. What it delivers is the same for
    /// every number, in the same order, and what it holds ahead is bounded. To be called before the first item; a reader
    /// that has nothing to share out ignores it, as all do for fewer than 2.
    fn use_threads(&mut self, n: usize) {
        let _ = n;
    }
    /// Says that events after a time are not wanted. A reader that can tell where they are leaves them out unread, counted
    /// by [`TraceReader::n_left_out`]; others deliver them.
    fn end_at(&mut self, until: Nanos) {
        let _ = until;
    }
    /// Events left out because of [`TraceReader::end_at`].
    fn n_left_out(&self) -> u64 {
        0
    }
    /// What was found wrong or skipped so far; complete after the last item.
    fn notes(&self) -> &ReadNotes;
    /// Bytes of the input consumed so far, for progress; shared with the thread that shows it.
    fn progress(&self) -> Arc<Progress>;
}

/// What a reader delivers.
#[derive(Debug)]
pub enum Item {
    /// Start state; always comes before the first batch, again for each further section.
    Section(Box<Section>),
    /// Events.
    Batch(Batch),
}

/// What a reader delivers to who does not need everything.
#[derive(Debug)]
pub enum Part {
    /// Start state or events.
    Item(Item),
    /// A segment of events that was not decoded. Its events are counted in the notes as if it had been; its checksum was
    /// compared.
    Unread(Unread),
}

/// True for a segment of events that need not be decoded if its header is right.
pub type Unneeded = Box<dyn Fn(&Segment) -> bool + Send + Sync>;

/// Bytes consumed, readable from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the file consumed.
    bytes: AtomicU64,
}

impl Progress {
    /// Bytes of the file consumed so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Sets the bytes consumed.
    pub fn set_bytes(&self, n: u64) {
        self.bytes.store(n, Ordering::Relaxed);
    }
}

/// What a reader found besides events.
#[derive(Clone, Debug, Default)]
pub struct ReadNotes {
    /// Damage, in file order. At most [`ReadNotes::MAX_DAMAGE`] entries are kept; `n_damage` counts all.
    pub damage: Vec<Damage>,
    /// All damage found.
    pub n_damage: u64,
    /// Things that are no damage but were not turned into events, by name: unknown blocks and event types,
    /// enter events that were folded into their exit event, dead tracer data, ...
    pub skipped: Vec<Skipped>,
    /// Records of the file that are events in the format's own terms (before pairing).
    pub n_records: u64,
    /// Events delivered that Falco's `evt.num` counts.
    pub n_events: u64,
    /// System calls that had begun but not returned, delivered after the last event.
    pub n_unfinished: u64,
    /// Remarks for people: format version, compression, number of gzip members of the file that was recorded. A
    /// conversion keeps them and adds none, so that converting there and back gives the same bytes.
    pub remarks: Vec<String>,
}

impl ReadNotes {
    /// Entries of `damage` that are kept.
    pub const MAX_DAMAGE: usize = 1000;

    /// Records damage found after the events counted so far.
    pub fn damaged(&mut self, offset: u64, what: impl Into<String>) {
        self.damaged_after(Seq(self.n_events), offset, what);
    }

    /// Records damage found after a certain event.
    pub fn damaged_after(&mut self, after: Seq, offset: u64, what: impl Into<String>) {
        // A converted trace claims numbers of its own, up to the largest.
        self.n_damage = self.n_damage.saturating_add(1);
        if self.damage.len() < Self::MAX_DAMAGE {
            self.damage.push(Damage { offset, after, what: what.into() });
        }
    }

    /// Counts something skipped.
    pub fn skip(&mut self, what: &str, n: u64) {
        match self.skipped.iter_mut().find(|s| s.what == what) {
            Some(s) => s.n = s.n.saturating_add(n),
            None => self.skipped.push(Skipped { what: what.to_owned(), n }),
        }
    }
}

/// Something wrong in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Byte offset: in the file, or in the unpacked stream if the file is compressed (then `what` says so).
    pub offset: u64,
    /// The last event known to be before it (or one a batch earlier): what comes later may lack something.
    pub after: Seq,
    /// What is wrong and what was done about it.
    pub what: String,
}

/// Something left out that is no damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// What.
    pub what: String,
    /// How often.
    pub n: u64,
}

/// Why nothing of an input can be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file is empty.
    #[error("the file is empty (0 bytes)")]
    Empty,
    /// No known format recognises it.
    #[error("not a trace: {found}; known formats: {known}")]
    UnknownFormat {
        /// What the first bytes look like (`JPEG image`, `bytes 7f 45 4c 46`).
        found: String,
        /// Names of the formats.
        known: String,
    },
    /// The format is recognised, but this version of it is not.
    #[error("{format} version {version} is newer than this program reads (up to {newest}) at byte {offset}")]
    Version {
        /// Format.
        format: &'static str,
        /// Version found.
        version: u32,
        /// Newest version known.
        newest: u32,
        /// Offset of the version field.
        offset: u64,
    },
    /// The start of the file is damaged so that nothing after it can be understood.
    #[error("{what} at byte {offset}")]
    Damaged {
        /// Byte offset.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claimed_counts_do_not_overflow() {
        let mut notes = ReadNotes { n_damage: u64::MAX, ..ReadNotes::default() };
        notes.damaged(7, "cut");
        notes.skip("blocks", u64::MAX);
        notes.skip("blocks", 1);
        assert_eq!((notes.n_damage, notes.damage.len(), notes.skipped[0].n), (u64::MAX, 1, u64::MAX));
    }
}
