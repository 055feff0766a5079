//! Captures written by hand, and what must come out of them.

mod conversion;
mod damage;
mod layout;
mod properties;
mod synth;

use super::Scap;
use crate::event::{Arg, Batch, Head};
use crate::input::Input;
use crate::reader::{Format, Item, OpenError, ReadNotes};
use crate::section::Section;
use crate::text::TextWriter;
use crate::writer::TraceWriter;

/// Everything a reader delivered.
#[derive(Debug)]
struct Trace {
    sections: Vec<Section>,
    batches: Vec<Batch>,
    /// Order of sections (`s`) and events (`e`).
    order: String,
    notes: ReadNotes,
}

impl Trace {
    fn read(bytes: &[u8]) -> Trace {
        Trace::try_read(bytes).unwrap_or_else(|e| panic!("{e}"))
    }

    fn try_read(bytes: &[u8]) -> Result<Trace, OpenError> {
        let mut reader = Scap.open(Input::from(bytes.to_vec()))?;
        let mut trace =
            Trace { sections: Vec::new(), batches: Vec::new(), order: String::new(), notes: ReadNotes::default() };
        while let Some(item) = reader.next_item() {
            match item {
                Item::Section(section) => {
                    trace.sections.push(*section);
                    trace.order.push('s');
                }
                Item::Batch(batch) => {
                    trace.order.extend(std::iter::repeat_n('e', batch.len()));
                    trace.batches.push(batch);
                }
            }
        }
        assert!(reader.next_item().is_none(), "after the end nothing comes");
        trace.notes = reader.notes().clone();
        Ok(trace)
    }

    /// Heads and arguments of all events.
    fn events(&self) -> Vec<(Head, Vec<Arg<'_>>)> {
        self.batches.iter().flat_map(Batch::iter).map(|e| (*e.head, e.args().collect())).collect()
    }

    /// The events in text notation, one a line, without time and CPU.
    fn lines(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut writer = TextWriter::new(&mut out);
        for batch in &self.batches {
            writer.batch(batch).unwrap();
        }
        writer.finish(&ReadNotes::default()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with(['#', 's']));
        lines
            .map(|line| {
                let mut words = line.splitn(3, ' ');
                let (seq, _time, rest) = (words.next().unwrap(), words.next(), words.next().unwrap());
                format!("{seq} {}", rest.replacen(" @1", "", 1))
            })
            .collect()
    }

    fn damage(&self) -> Vec<(u64, &str)> {
        self.notes.damage.iter().map(|d| (d.offset, d.what.as_str())).collect()
    }

    fn skipped(&self) -> Vec<(u64, &str)> {
        self.notes.skipped.iter().map(|s| (s.n, s.what.as_str())).collect()
    }
}
