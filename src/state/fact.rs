//! What one event did, as handles into the history.

use crate::history::{AttrsId, FileId, ProcessId, ThreadId};

/// What one event did: one `Fact` an event, in the same order as the events of a batch.
///
/// **Before or after?** Everything here is the state *after* the event, as Falco's rules see it: after an exec
/// the actor has the new image, after open the descriptor exists. Two things outlive their event by one, so
/// that a rule on the event still sees them: what `close` closed, and the thread that exits. State before the
/// event is asked from the history's timelines with `before(seq)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Thread that did it; `None` for events without one (tid -1, switch, a birth or exit of an unknown thread).
    pub thread: Option<ThreadId>,
    /// Its process.
    pub process: Option<ProcessId>,
    /// What the thread is after the event.
    pub attrs: Option<AttrsId>,
    /// Descriptor number of this event, as `fd.num` shows it: the one used or created; negative (-errno or -1)
    /// if its creation failed; `None` if this kind of event has none.
    pub fd: Option<i64>,
    /// What the descriptor refers to after the event (before it, for close). `None`: unknown, or it failed.
    pub file: Option<FileId>,
    /// True if this event changed the name of the descriptor (`fd.name_changed`).
    pub is_name_changed: bool,
    /// Process or thread born by this event.
    pub child: Option<ThreadId>,
}

impl Fact {
    /// A fact of an event without a thread.
    pub const NONE: Fact =
        Fact { thread: None, process: None, attrs: None, fd: None, file: None, is_name_changed: false, child: None };
}
