//! The native trace, `.trh`: independent, checksummed segments of columns. `spec.md` has it byte for byte.
//!
//! A trace of version 1 is readable for ever.

mod ahead;
mod column;
mod dictionary;
mod directory;
mod events;
mod model;
mod notes;
mod reader;
mod rows;
mod segment;
mod state;
mod summary;
#[cfg(test)]
mod tests;
mod trace;
mod unpacked;
mod unread;
mod varint;
mod writer;

pub use self::dictionary::dictionary;
pub use self::reader::NativeReader;
pub use self::segment::{Segment, SegmentType};
pub use self::summary::Summary;
pub use self::trace::{Decoder, Trace};
pub use self::unpacked::unpacked;
pub use self::unread::Unread;
pub use self::writer::{NativeWriter, WriteOptions};

use crate::input::Input;
use crate::reader::{Confidence, Format, OpenError, TraceReader};

/// The native trace.
#[derive(Clone, Copy, Debug)]
pub struct Native;

impl Format for Native {
    fn name(&self) -> &'static str {
        "trh"
    }

    fn doc(&self) -> &'static str {
        "Native trace of tracehound: checksummed segments of compressed columns"
    }

    fn detect(&self, head: &[u8]) -> Confidence {
        if head.starts_with(&segment::FILE_MAGIC) { Confidence::Yes } else { Confidence::No }
    }

    fn open(&self, input: Input) -> Result<Box<dyn TraceReader>, OpenError> {
        Ok(Box::new(NativeReader::new(Trace::open(input)?)))
    }
}
