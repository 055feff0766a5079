//! The text notation of traces: what people write by hand, paste into a bug report and read in specifications.
//!
//! `spec.md` beside this file describes it. Everything that a [`Section`] or an event can hold can be written and
//! is read back exactly; a line that does not parse is damage, and the lines around it are still delivered.

mod lex;
mod reader;
mod tables;
#[cfg(test)]
mod tests;
mod time;
mod value;
mod writer;

pub use self::reader::TextReader;
pub use self::writer::TextWriter;

use bstr::ByteSlice;

use crate::event::{Batch, head_flags};
use crate::input::Input;
use crate::reader::{Confidence, Format, Item, OpenError, ReadNotes, TraceReader};
use crate::section::Section;

/// How a trace in text notation begins; a blank and the version follow.
pub(crate) const SIGNATURE: &[u8] = b"#tracehound-trace";

/// Newest version of the notation.
const VERSION: u32 = 1;

/// Time from which times are counted that a trace does not give: 2025-01-01T00:00:00Z.
pub const START_NS: u64 = 1_735_689_600_000_000_000;

/// Bits of [`crate::event::Head::flags`] with their names.
const HEAD_FLAGS: [(u8, &str); 4] = [
    (head_flags::FROM_ENTER, "from_enter"),
    (head_flags::UNFINISHED, "unfinished"),
    (head_flags::STATE_ONLY, "state_only"),
    (head_flags::MALFORMED, "malformed"),
];

/// The text notation.
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl Format for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn doc(&self) -> &'static str {
        "Human-writable notation of traces, one event a line"
    }

    fn detect(&self, head: &[u8]) -> Confidence {
        let rest = head.strip_prefix(SIGNATURE);
        if rest.is_some_and(|rest| rest.starts_with(b" ")) { Confidence::Yes } else { Confidence::No }
    }

    /// Reads text with or without its header; without one it is version 1.
    fn open(&self, input: Input) -> Result<Box<dyn TraceReader>, OpenError> {
        if input.bytes().is_empty() {
            return Err(OpenError::Empty);
        }
        if let Some(rest) = input.bytes().strip_prefix(SIGNATURE) {
            let line = &rest[..rest.find_byte(b'\n').unwrap_or(rest.len())];
            let offset = SIGNATURE.len() as u64 + 1;
            let version = line.to_str().ok().and_then(|text| text.trim().parse().ok());
            match version {
                Some(VERSION) => {}
                Some(version) if version > VERSION => {
                    return Err(OpenError::Version { format: "text", version, newest: VERSION, offset });
                }
                _ => {
                    let what = "expected the version of the text notation, a number from 1,".to_owned();
                    return Err(OpenError::Damaged { offset, what });
                }
            }
        }
        Ok(Box::new(TextReader::new(input)))
    }
}

/// Reads a text of one section whole: its start state, its events as one batch, and what was found wrong. Meant for
/// fixtures: nothing is delivered in pieces. Of a text with several sections the last section is returned, and the
/// events of all.
pub fn parse(text: impl AsRef<[u8]>) -> (Section, Batch, ReadNotes) {
    let mut reader = TextReader::new(Input::from(text.as_ref().to_vec()));
    let mut section = Section::default();
    let mut events = Batch::default();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(next) => section = *next,
            Item::Batch(batch) if events.is_empty() => events = batch,
            Item::Batch(batch) => {
                for event in batch.iter() {
                    events.begin(*event.head);
                    event.args().for_each(|arg| events.push(arg));
                }
            }
        }
    }
    (section, events, reader.notes().clone())
}

/// Reads a fixture as [`parse`] does.
///
/// # Panics
/// If a line does not parse: a fixture with a mistake must not pass for a smaller one.
pub fn fixture(text: &str) -> (Section, Batch) {
    let (section, events, notes) = parse(text);
    assert!(notes.n_damage == 0, "the fixture has mistakes: {:#?}", notes.damage);
    (section, events)
}

/// One event as a line, with its sequence number and absolute time, without the newline.
pub fn event_line(event: &crate::event::Event<'_>) -> String {
    let mut batch = Batch::default();
    batch.begin(*event.head);
    event.args().for_each(|arg| batch.push(arg));
    let mut out = Vec::new();
    let mut writer = TextWriter::new(&mut out);
    crate::writer::TraceWriter::batch(&mut writer, &batch).expect("writing to memory");
    let lines = String::from_utf8_lossy(&out);
    lines.lines().last().unwrap_or_default().to_owned()
}
