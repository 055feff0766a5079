//! Bytes to events and back: the event vocabulary, the native trace, one folder per foreign format.
//!
//! Everything a file says comes out as a [`Section`] (start state) and [`Batch`]es of [`Event`]s. What this
//! crate deliberately leaves out is meaning: it never follows a descriptor, a parent or a path.

pub mod container;
pub mod event;
pub mod input;
mod mmap;
pub mod native;
mod open;
pub mod reader;
pub mod scap;
pub mod section;
pub mod text;
pub mod wanted;
pub mod writer;

pub use event::{Arg, Batch, Event, Head, KindId, Nanos, Seq, Tid};
pub use input::Input;
pub use open::{detect, looks_like, open};
pub use reader::{Confidence, Damage, Format, Item, OpenError, Part, Progress, ReadNotes, TraceReader};
pub use section::Section;
pub use wanted::{ArgSet, WantedArgs};
pub use writer::{TraceWriter, convert};

/// Every format that can be read, in the order in which they are asked. A new format is one line here.
pub static FORMATS: &[&dyn Format] = &[&native::Native, &scap::Scap, &text::Text];
