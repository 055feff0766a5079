//! Events to history: who did what to what, in append-only tables, and one fact an event.
//!
//! What this crate deliberately leaves out: rules, fields' spelling, output. See [`history`] for the tables.

mod effects;
pub mod fact;
pub mod fd_table;
pub mod history;
mod live;
pub mod moves;
pub mod notes;
pub mod replay;
pub mod strings;
pub mod timeline;

pub use fact::Fact;
pub use history::{AttrsId, ContainerId, CredId, FileId, History, ImageId, ProcessId, TableId, ThreadId};
pub use notes::ReplayNotes;
pub use replay::{Replay, ReplayOptions};
pub use strings::{Strings, Sym};
pub use timeline::Timeline;
