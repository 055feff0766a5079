//! What every trace writer offers, and the way from any reader to any writer.

use std::io;

use crate::event::Batch;
use crate::reader::{Item, ReadNotes, TraceReader};
use crate::section::Section;

/// Takes a trace item by item, in the order in which a reader delivers it, and writes it to a stream: nothing is
/// sought back, so that the stream can be a pipe.
pub trait TraceWriter {
    /// Start state; before the batches of its section.
    fn section(&mut self, section: &Section) -> io::Result<()>;
    /// Events.
    fn batch(&mut self, batch: &Batch) -> io::Result<()>;
    /// Ends the trace and flushes; nothing is written after it. `notes` is what the reader of the source found, so
    /// that a converted damaged trace still says that it was damaged; empty for a recording.
    fn finish(&mut self, notes: &ReadNotes) -> io::Result<()>;
}

/// Copies a whole trace. Fails only where writing fails: damage of the source is in `reader.notes()`, and written.
pub fn convert(reader: &mut dyn TraceReader, writer: &mut dyn TraceWriter) -> io::Result<()> {
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => writer.section(&section)?,
            Item::Batch(batch) => writer.batch(&batch)?,
        }
    }
    writer.finish(reader.notes())
}
