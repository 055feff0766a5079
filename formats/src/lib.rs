//! Bytes to events and back: the event vocabulary, the native trace, one folder per foreign format.
//!
//! Everything a file says comes out as a [`Section`] (start state) and [`Batch`]es of [`Event`]s. What this
//! crate deliberately leaves out is meaning: it never follows a descriptor, a parent or a path.

pub mod event;
pub mod input;
mod mmap;
pub mod reader;
pub mod section;

pub use event::{Arg, Batch, Event, Head, KindId, Nanos, Seq, Tid};
pub use input::Input;
pub use reader::{Confidence, Damage, Format, Item, OpenError, Progress, ReadNotes, TraceReader};
pub use section::Section;
