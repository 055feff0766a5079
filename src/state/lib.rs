//! Events to history: who did what to what, in append-only tables, and one fact an event.
//!
//! [`Replay`] takes sections and batches in file order. What comes out:
//!
//! - [`History`]: processes, threads, images, credentials, descriptor tables, open files, containers, users. Nothing
//!   is removed or rewritten; what changes has a [`Timeline`], or several have one, and is asked *as of* an event.
//! - one [`Fact`] an event: handles of the actor and of the descriptor it is about.
//! - [`ReplayNotes`]: what was contradictory or had to be guessed, counted.
//!
//! **Invariants.**
//! - A process has a main thread, which is the first of its threads and has its pid as thread id.
//! - A row of a table never goes away, and a cell goes from unknown to known, never from one value to another. Two
//!   rows of a timeline never have the same event.
//! - The state as of event `n` is the one after it. What an event closes or ends is still there as of that event, and
//!   gone as of `n + 1`.
//! - At any event at most one process has a pid, at most one thread a thread id.
//! - Nothing here knows a rule, the spelling of a field, or a file format. What is current ([`Replay`]'s own tables) is
//!   private: every question goes to the history.
//! - Work and memory are in proportion to the length of the trace, whatever it says; where one event could cause more
//!   (copying a table, moving children) a budget that grows with the trace bounds it, and the notes count what was left
//!   out.
//!
//! **Falco and the truth.** Rules are written against what Falco shows, so that is reproduced; where the trace tells
//! better, the better answer is in the history too, and the code that differs says *Truth*. The pairs: `parent` and
//! `birth_parent`; `pgid` and `true_pgid`; an image's `comm` and `Attrs::renamed`; `uid` and `falco_uid`; a file's `name`
//! and [`History::path_now`].
//!
//! What this crate deliberately leaves out: rules, fields' spelling, output.

mod replay;

mod by_id;
mod effects;
mod live;

pub mod fact;
pub mod few;
pub mod history;

pub mod fd_table;
pub mod moves;
pub mod notes;
pub mod packed;
pub mod pass;
pub mod process;
pub mod rows;
pub mod strings;
pub mod timeline;

pub use fact::Fact;
pub use history::{AttrsId, ContainerId, CredId, FileId, History, ImageId, ProcessId, TableId, ThreadId};
pub use notes::ReplayNotes;
pub use packed::FileNames;
pub use replay::{Replay, ReplayOptions};
pub use rows::Rows;
pub use strings::{Strings, Sym};
pub use timeline::Timeline;

/// True if events of this kind can change the history: of the others, replay notes at most that their thread is there.
pub fn has_effect(kind: tracehound_formats::KindId) -> bool {
    effects::plans().get(usize::from(kind.0)).is_some_and(|plan| plan.effect != effects::Effect::None)
}
