//! Processes and threads as they are kept: numbers that are mostly there without a word that says so, and what changes
//! with time in one row a change.

use std::sync::Arc;

use tracehound_formats::{Nanos, Seq, Tid};

use crate::few::Few;
use crate::history::{AttrsId, ImageId, Origin, ProcessId, TableId, ThreadId};
use crate::strings::Sym;
use crate::timeline::{Column, Timeline, Values};

/// One life of a thread group.
#[derive(Clone, Debug)]
pub struct Process {
    /// Process id in the host's pid namespace.
    pub pid: Tid,
    /// First event at which it exists; `Seq(0)` for a process of the snapshot.
    pub born: Seq,
    /// Where the knowledge comes from.
    pub origin: Origin,
    /// Section of the trace it lives in.
    pub section: u32,
    /// Thread ids seen in this process; the first is the main thread.
    pub threads: Few<ThreadId>,
    /// What it most likely has as its parent had it.
    pub inherited: Arc<Inherited>,
    /// False if `start_ns` does not tell this instance from another one with the same pid; see
    /// [`History::process_key`](crate::History::process_key).
    pub is_start_unique: bool,
    /// Number of earlier instances with the same pid that were born by the same event. Only a made-up trace has any.
    pub n_twins: u32,
    /// Which of the following are there; see [`known`].
    known: u8,
    exit_signal: u8,
    vpid: i64,
    start_ns: Nanos,
    ended: Seq,
    exit_seq: Seq,
    exit_ts: Nanos,
    exit_code: i64,
    birth_parent: Option<ProcessId>,
    merged_into: Option<ProcessId>,
    states: Values<ProcessState>,
}

/// Bits of [`Process`] and [`Thread`] that say what is known.
mod known {
    pub(super) const NAMESPACE_ID: u8 = 1;
    pub(super) const START: u8 = 2;
    pub(super) const END: u8 = 4;
    pub(super) const EXIT: u8 = 8;
    pub(super) const EXIT_CODE: u8 = 0x10;
    pub(super) const EXIT_SIGNAL: u8 = 0x20;
    pub(super) const CORE: u8 = 0x40;
}

/// What a process is, from one event to the next change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessState {
    parent: Option<ProcessId>,
    parent_thread: Option<ThreadId>,
    image: ImageId,
    cwd: Option<Sym>,
    env: Option<Sym>,
    fd_table: TableId,
}

/// What a process is created from.
pub(crate) struct NewProcess {
    pub(crate) pid: Tid,
    pub(crate) vpid: Option<i64>,
    pub(crate) start_ns: Option<Nanos>,
    pub(crate) born: Seq,
    pub(crate) origin: Origin,
    pub(crate) birth_parent: Option<ProcessId>,
    /// Its parent: a thread and the process of it.
    pub(crate) parent: Option<(ProcessId, ThreadId)>,
    pub(crate) image: ImageId,
    pub(crate) cwd: Option<Sym>,
    pub(crate) env: Option<Sym>,
    pub(crate) fd_table: TableId,
    pub(crate) inherited: Arc<Inherited>,
}

impl Process {
    /// A process without threads.
    pub(crate) fn new(new: NewProcess) -> Process {
        let mut known = 0;
        known |= if new.vpid.is_some() { known::NAMESPACE_ID } else { 0 };
        known |= if new.start_ns.is_some() { known::START } else { 0 };
        Process {
            pid: new.pid,
            born: new.born,
            origin: new.origin,
            section: 0,
            threads: Few::None,
            inherited: new.inherited,
            is_start_unique: true,
            n_twins: 0,
            known,
            exit_signal: 0,
            vpid: new.vpid.unwrap_or(0),
            start_ns: new.start_ns.unwrap_or(Nanos(0)),
            ended: Seq(0),
            exit_seq: Seq(0),
            exit_ts: Nanos(0),
            exit_code: 0,
            birth_parent: new.birth_parent,
            merged_into: None,
            states: Values::new(ProcessState {
                parent: new.parent.map(|(process, _)| process),
                parent_thread: new.parent.map(|(_, thread)| thread),
                image: new.image,
                cwd: new.cwd,
                env: new.env,
                fd_table: new.fd_table,
            }),
        }
    }

    fn knows(&self, bit: u8) -> bool {
        self.known & bit != 0
    }

    /// Process id in its own pid namespace, if known.
    pub fn vpid(&self) -> Option<i64> {
        self.knows(known::NAMESPACE_ID).then_some(self.vpid)
    }

    /// Start: time of the birth event, or what the snapshot says.
    pub fn start_ns(&self) -> Option<Nanos> {
        self.knows(known::START).then_some(self.start_ns)
    }

    /// First event at which it is gone: the one after its exit, or the one that proves its pid was used again.
    pub fn ended(&self) -> Option<Seq> {
        self.knows(known::END).then_some(self.ended)
    }

    /// How it ended; `None` while it runs, or if its exit was lost (then `ended` can still be set).
    pub fn exit(&self) -> Option<Exit> {
        self.knows(known::EXIT).then(|| Exit {
            seq: self.exit_seq,
            ts: self.exit_ts,
            code: self.knows(known::EXIT_CODE).then_some(self.exit_code),
            signal: self.knows(known::EXIT_SIGNAL).then_some(self.exit_signal),
            core: self.knows(known::CORE),
        })
    }

    /// The process that gave birth to it, whether or not it still lives. `None`: unknown.
    pub fn birth_parent(&self) -> Option<ProcessId> {
        self.birth_parent
    }

    /// Set when an instance guessed from a lone thread id ([`Origin::FirstSeen`]) turned out to be a thread of
    /// another process: the process it really belongs to. Such an instance is no process of its own.
    pub fn merged_into(&self) -> Option<ProcessId> {
        self.merged_into
    }

    /// The current parent: changes when the parent exits (init or a subreaper takes over). `None`: unknown.
    pub fn parent(&self) -> Column<'_, ProcessState, Option<ProcessId>> {
        self.column(|state| state.parent)
    }

    /// The thread whose child it is: the one that cloned it, later a thread of whoever adopted it. Follows
    /// `parent`; a tool that walks thread by thread (Falco's un-indexed ancestor fields) needs it.
    pub fn parent_thread(&self) -> Column<'_, ProcessState, Option<ThreadId>> {
        self.column(|state| state.parent_thread)
    }

    /// Images of the main thread; one an exec (and one for what it was born with).
    pub fn image(&self) -> Column<'_, ProcessState, ImageId> {
        self.column(|state| state.image)
    }

    /// Working directory, with a trailing `/`. `None`: unknown.
    pub fn cwd(&self) -> Column<'_, ProcessState, Option<Sym>> {
        self.column(|state| state.cwd)
    }

    /// Environment, NUL after each entry.
    pub fn env(&self) -> Column<'_, ProcessState, Option<Sym>> {
        self.column(|state| state.env)
    }

    /// Descriptor table.
    pub fn fd_table(&self) -> Column<'_, ProcessState, TableId> {
        self.column(|state| state.fd_table)
    }

    fn column<'a, V: PartialEq + 'a>(&'a self, value: fn(&ProcessState) -> V) -> Column<'a, ProcessState, V> {
        Column::new(self.born, &self.states, value)
    }

    /// Main thread.
    pub fn leader(&self) -> ThreadId {
        self.threads[0]
    }

    /// True if it exists after event `seq` (an exiting process still exists at its exit event).
    pub fn is_alive(&self, seq: Seq) -> bool {
        self.born <= seq && self.ended().is_none_or(|ended| seq < ended)
    }

    pub(crate) fn know_vpid(&mut self, vpid: i64) {
        if !self.knows(known::NAMESPACE_ID) {
            self.vpid = vpid;
            self.known |= known::NAMESPACE_ID;
        }
    }

    pub(crate) fn know_birth_parent(&mut self, parent: ProcessId) {
        self.birth_parent.get_or_insert(parent);
    }

    pub(crate) fn merge_into(&mut self, process: ProcessId) {
        self.merged_into = Some(process);
    }

    /// It is gone from event `at` on, if it is not already.
    pub(crate) fn end(&mut self, at: Seq) {
        if !self.knows(known::END) {
            self.ended = at;
            self.known |= known::END;
        }
    }

    pub(crate) fn set_exit(&mut self, exit: Exit) {
        self.known &= !(known::EXIT_CODE | known::EXIT_SIGNAL | known::CORE);
        self.known |= known::EXIT;
        self.known |= if exit.code.is_some() { known::EXIT_CODE } else { 0 };
        self.known |= if exit.signal.is_some() { known::EXIT_SIGNAL } else { 0 };
        self.known |= if exit.core { known::CORE } else { 0 };
        (self.exit_seq, self.exit_ts) = (exit.seq, exit.ts);
        (self.exit_code, self.exit_signal) = (exit.code.unwrap_or(0), exit.signal.unwrap_or(0));
    }

    pub(crate) fn set_parent(&mut self, from: Seq, parent: Option<(ProcessId, ThreadId)>) {
        let process = parent.map(|(process, _)| process);
        let thread = parent.map(|(_, thread)| thread);
        self.change(from, |state| (state.parent, state.parent_thread) = (process, thread));
    }

    pub(crate) fn set_image(&mut self, from: Seq, image: ImageId) {
        self.change(from, |state| state.image = image);
    }

    pub(crate) fn set_cwd(&mut self, from: Seq, cwd: Option<Sym>) {
        self.change(from, |state| state.cwd = cwd);
    }

    pub(crate) fn set_env(&mut self, from: Seq, env: Option<Sym>) {
        self.change(from, |state| state.env = env);
    }

    pub(crate) fn set_fd_table(&mut self, from: Seq, table: TableId) {
        self.change(from, |state| state.fd_table = table);
    }

    fn change(&mut self, from: Seq, change: impl FnOnce(&mut ProcessState)) {
        let old = self.states.last();
        let mut new = old;
        change(&mut new);
        if new != old {
            self.states.set(self.born, from, new);
        }
    }

    /// Bytes that stand elsewhere, for accounting.
    pub(crate) fn memory(&self) -> usize {
        self.threads.memory() + self.states.memory()
    }
}

/// What processes inherit and hardly ever change: those that were born with the same share it.
#[derive(Clone, Debug)]
pub struct Inherited {
    /// Root directory. `None`: unknown.
    pub root: Timeline<Option<Sym>>,
    /// Limit of open descriptors. `None`: unknown.
    pub fd_limit: Timeline<Option<i64>>,
    /// True while it adopts orphans (`PR_SET_CHILD_SUBREAPER`, or init of a pid namespace).
    pub is_subreaper: Timeline<bool>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The event of the last thread's exit.
    pub seq: Seq,
    /// Its time.
    pub ts: Nanos,
    /// Exit code, if it exited by itself and the trace has it.
    pub code: Option<i64>,
    /// Signal that killed it.
    pub signal: Option<u8>,
    /// True if a core was dumped.
    pub core: bool,
}

/// One life of a thread.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Thread id in the host's pid namespace.
    pub tid: Tid,
    /// Its process.
    pub process: ProcessId,
    /// First event at which it exists.
    pub born: Seq,
    /// Where the knowledge comes from.
    pub origin: Origin,
    /// It once had what it did not share with its process; see [`ThreadOwn`].
    pub(crate) has_own: bool,
    /// The thread that had its id before.
    pub(crate) previous: Option<ThreadId>,
    /// Which of the following are there; see [`known`].
    known: u8,
    vtid: i64,
    start_ns: Nanos,
    ended: Seq,
    attrs: Values<AttrsId>,
}

/// What a thread is created from.
pub(crate) struct NewThread {
    pub(crate) tid: Tid,
    pub(crate) vtid: Option<i64>,
    pub(crate) process: ProcessId,
    pub(crate) start_ns: Option<Nanos>,
    pub(crate) origin: Origin,
    pub(crate) from: Seq,
}

impl Thread {
    pub(crate) fn new(new: &NewThread, attrs: AttrsId, previous: Option<ThreadId>) -> Thread {
        let mut known = 0;
        known |= if new.vtid.is_some() { known::NAMESPACE_ID } else { 0 };
        known |= if new.start_ns.is_some() { known::START } else { 0 };
        Thread {
            tid: new.tid,
            process: new.process,
            born: new.from,
            origin: new.origin,
            has_own: false,
            previous,
            known,
            vtid: new.vtid.unwrap_or(0),
            start_ns: new.start_ns.unwrap_or(Nanos(0)),
            ended: Seq(0),
            attrs: Values::new(attrs),
        }
    }

    fn knows(&self, bit: u8) -> bool {
        self.known & bit != 0
    }

    /// Thread id in its own pid namespace, if known.
    pub fn vtid(&self) -> Option<i64> {
        self.knows(known::NAMESPACE_ID).then_some(self.vtid)
    }

    /// Time of the birth event; `None` for threads of the snapshot (unless it says) and first-seen ones.
    pub fn start_ns(&self) -> Option<Nanos> {
        self.knows(known::START).then_some(self.start_ns)
    }

    /// First event at which it is gone.
    pub fn ended(&self) -> Option<Seq> {
        self.knows(known::END).then_some(self.ended)
    }

    /// What it is, over time.
    #[inline]
    pub fn attrs(&self) -> Column<'_, AttrsId, AttrsId> {
        Column::new(self.born, &self.attrs, |&attrs| attrs)
    }

    pub(crate) fn know_vtid(&mut self, vtid: i64) {
        if !self.knows(known::NAMESPACE_ID) {
            self.vtid = vtid;
            self.known |= known::NAMESPACE_ID;
        }
    }

    /// It is gone from event `at` on, if it is not already.
    pub(crate) fn end(&mut self, at: Seq) {
        if !self.knows(known::END) {
            self.ended = at;
            self.known |= known::END;
        }
    }

    pub(crate) fn set_attrs(&mut self, from: Seq, attrs: AttrsId) {
        self.attrs.set(self.born, from, attrs);
    }

    /// Bytes that stand elsewhere, for accounting.
    pub(crate) fn memory(&self) -> usize {
        self.attrs.memory()
    }
}

/// What a thread has for itself after `unshare(CLONE_FS)` or `unshare(CLONE_FILES)`. Falco has no such notion.
#[derive(Clone, Debug)]
pub struct ThreadOwn {
    /// Its working directory; the inner `None` is unknown, the outer one "that of its process".
    pub cwd: Timeline<Option<Option<Sym>>>,
    /// Its descriptor table; `None`: that of its process.
    pub fd_table: Timeline<Option<TableId>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are what a trace with many births is made of.
    #[test]
    fn rows_are_small() {
        assert_eq!((size_of::<Process>(), size_of::<Thread>()), (144, 72));
    }
}
