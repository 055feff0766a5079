//! What is current while replaying: who has which id now. Private to the replay; the history never asks here.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use tracehound_formats::Nanos;

use crate::by_id::ById;
use crate::few::Few;
use crate::history::{AttrsId, ContainerId, CredId, Creds, Inherited, ProcessId, TableId, ThreadId};
use crate::rows::Rows;
use crate::strings::Sym;

/// Tables of what is current.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// Current thread by thread id.
    pub(crate) threads: ById<ThreadId>,
    /// Current process by process id.
    pub(crate) groups: ById<ProcessId>,
    /// Look-ups made last: traces have long runs of few threads.
    pub(crate) recent: Recent,
    /// Paths put together last: programs open the same files over and over.
    pub(crate) joined: Joined,
    /// The same of directories and nothing: they get a `/` at their end.
    pub(crate) dirs: Joined,
    /// By [`ThreadId`].
    pub(crate) thread: Rows<LiveThread>,
    /// By [`ProcessId`].
    pub(crate) process: Rows<LiveProcess>,
    /// Last exit of each thread id, if the parent's event of that thread's birth has not come yet.
    pub(crate) exited: HashMap<i64, Exited>,
    /// Last process of each process id, for [`crate::history::History::process_key`].
    pub(crate) newest: ById<ProcessId>,
    /// Processes that share working directory and root, by `LiveProcess::fs_group`.
    pub(crate) fs_groups: Vec<Vec<ProcessId>>,
    /// Descriptor tables that more than one process has used at a time (CLONE_FILES).
    pub(crate) shared_tables: HashSet<TableId>,
    /// Credentials that are stored already.
    pub(crate) creds: HashMap<Creds, CredId>,
    /// Container by the cgroups of a thread.
    pub(crate) cgroups: HashMap<Sym, Option<ContainerId>>,
    /// What processes were born with, each stored once.
    pub(crate) inherited: HashMap<InheritedKey, Arc<Inherited>>,
}

/// Root directory, limit of descriptors, and whether it adopts orphans.
pub(crate) type InheritedKey = (Option<Sym>, Option<i64>, bool);

/// What a directory and a path make together, for some pairs: each has one place, which it shares with others.
#[derive(Debug)]
pub(crate) struct Joined(Vec<(Sym, Sym, Sym)>);

impl Default for Joined {
    fn default() -> Self {
        // True of every text: nothing, taken relative to nothing.
        Joined(vec![(Sym::EMPTY, Sym::EMPTY, Sym::EMPTY); Joined::PLACES])
    }
}

impl Joined {
    const PLACES: usize = 1024;

    fn place(dir: Sym, path: Sym) -> usize {
        // Symbols are numbers in order of appearance, so that neighbours get places of their own.
        (path.number() ^ dir.number().wrapping_mul(31)) as usize % Joined::PLACES
    }

    /// The symbol of `path` taken relative to `dir`, if it is remembered.
    #[inline]
    pub(crate) fn get(&self, dir: Sym, path: Sym) -> Option<Sym> {
        let known = self.0[Joined::place(dir, path)];
        (known.0 == dir && known.1 == path).then_some(known.2)
    }

    pub(crate) fn set(&mut self, dir: Sym, path: Sym, joined: Sym) {
        self.0[Joined::place(dir, path)] = (dir, path, joined);
    }
}

/// A thread and what most events ask of it: what it is now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor {
    pub(crate) thread: ThreadId,
    pub(crate) process: ProcessId,
    pub(crate) attrs: AttrsId,
    /// The descriptor table that it uses.
    pub(crate) table: TableId,
    /// [`LiveThread::has_acted`].
    pub(crate) has_acted: bool,
}

/// The thread last found for a thread id, for some ids: each has one place, which it shares with others. Whatever
/// changes what an [`Actor`] says forgets it.
#[derive(Debug)]
pub(crate) struct Recent([(i64, Actor); Recent::PLACES]);

impl Default for Recent {
    fn default() -> Self {
        let nobody = Actor {
            thread: ThreadId::new(0),
            process: ProcessId::new(0),
            attrs: AttrsId::new(0),
            table: TableId::new(0),
            has_acted: false,
        };
        let mut recent = Recent([(0, nobody); Recent::PLACES]);
        recent.forget_all();
        recent
    }
}

impl Recent {
    const PLACES: usize = 256;
    fn place(tid: i64) -> usize {
        tid as usize % Recent::PLACES
    }

    /// An id that has another place.
    fn nobody(place: usize) -> i64 {
        place as i64 + 1
    }

    #[inline]
    pub(crate) fn get(&self, tid: i64) -> Option<&Actor> {
        let (of, actor) = &self.0[Recent::place(tid)];
        (*of == tid).then_some(actor)
    }

    pub(crate) fn set(&mut self, tid: i64, actor: Actor) {
        self.0[Recent::place(tid)] = (tid, actor);
    }

    /// What is known of the thread with an id is no longer true.
    pub(crate) fn forget(&mut self, tid: i64) {
        let place = Recent::place(tid);
        if self.0[place].0 == tid {
            self.0[place].0 = Recent::nobody(place);
        }
    }

    /// What is known of any thread may no longer be true.
    pub(crate) fn forget_all(&mut self) {
        self.0.iter_mut().enumerate().for_each(|(i, place)| place.0 = Recent::nobody(i));
    }
}

/// What the replay remembers of a thread.
#[derive(Debug, Default)]
pub(crate) struct LiveThread {
    /// Processes whose parent is this thread (some may have ended).
    pub(crate) children: Few<ProcessId>,
    /// Time of birth if `is_cloned`, else the time it was first seen.
    pub(crate) since: Nanos,
    /// Thread id of who adopts its children, as the kernel said at its exit; 0 if it did not.
    pub(crate) reaper: i64,
    /// Its birth is recorded.
    pub(crate) is_cloned: bool,
    /// It has exited; it stays in the tables while it leads a process that goes on.
    pub(crate) is_dead: bool,
    /// Nothing but its id is known. Falco calls such a thread invalid.
    pub(crate) is_placeholder: bool,
    /// It was born by the child's event, and the parent's has not come yet.
    pub(crate) awaits_parent_event: bool,
    /// It was born by the parent's event, and the child's has not come yet.
    pub(crate) awaits_child_event: bool,
    /// An event of it, other than its birth, has been seen.
    pub(crate) has_acted: bool,
    /// Its birth says that it lives in another pid namespace.
    pub(crate) is_in_pidns: bool,
}

impl LiveThread {
    /// Time of birth, if recorded.
    pub(crate) fn cloned_at(&self) -> Option<Nanos> {
        self.is_cloned.then_some(self.since)
    }

    /// Records the time of birth.
    pub(crate) fn clone_at(&mut self, at: Nanos) {
        (self.since, self.is_cloned) = (at, true);
    }
}

/// What the replay remembers of a process.
#[derive(Debug, Default)]
pub(crate) struct LiveProcess {
    /// Threads that have not exited; the main thread first, if it has not.
    pub(crate) alive: Few<ThreadId>,
    /// It adopts orphans.
    pub(crate) is_reaper: bool,
    /// How the main thread ended, if others outlived it.
    pub(crate) leader_status: Option<Box<Status>>,
    /// Newest start of this process and those that had its id before, in its section; 0 if none is known.
    pub(crate) newest_start_ns: u64,
    /// Index into [`Live::fs_groups`], if it shares its working directory with other processes.
    pub(crate) fs_group: Option<u32>,
}

/// How a thread ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    pub(crate) code: Option<i64>,
    pub(crate) signal: Option<u8>,
    pub(crate) core: bool,
}

/// The last exit of a thread id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exited {
    pub(crate) thread: ThreadId,
    pub(crate) at: Nanos,
}
