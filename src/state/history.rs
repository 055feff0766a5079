//! The history: every process, thread, image, credential and open file that ever was, with the events between
//! which it was so.
//!
//! Append-only. A row is never removed or rewritten; a thing that changes gets a further row in its
//! [`Timeline`](crate::Timeline). Every question is asked *as of* an event number.

use std::net::SocketAddr;

use bstr::BStr;
use hashbrown::HashMap;
use tracehound_formats::section::{FdKind, InterfaceEntry, L4, Machine, MountEntry};
use tracehound_formats::{Seq, Tid};

use crate::by_id::ById;
use crate::fd_table::FdTables;
use crate::moves::Moves;
use crate::packed::{FileNames, Table};
pub use crate::process::{Exit, Inherited, Process, Thread, ThreadOwn};
use crate::rows::Rows;
use crate::strings::{Strings, Sym};

/// Declares handles of rows: positions counted from 1, so that an `Option` of one takes no more room than itself. Most of
/// what rows and facts say is such handles, and half of those are optional.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(std::num::NonZeroU32);

        impl $name {
            /// The handle of the row at a position below 2^32 - 1, which no table reaches: each row costs input.
            #[inline]
            pub const fn new(position: u32) -> Self {
                $name(std::num::NonZeroU32::MIN.saturating_add(position))
            }

            /// Position in its table.
            #[inline]
            pub const fn index(self) -> usize {
                self.number() as usize
            }

            /// [`Self::index`] as it is stored.
            #[inline]
            pub const fn number(self) -> u32 {
                self.0.get() - 1
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.number()).finish()
            }
        }
    )*};
}

pub(crate) use ids;

ids! {
    /// A process instance: one life of a thread group. A pid that is used again is another instance.
    ProcessId;
    /// A thread instance.
    ThreadId;
    /// A row of [`Attrs`].
    AttrsId;
    /// What exec loaded.
    ImageId;
    /// A set of credentials.
    CredId;
    /// A state of an open file.
    FileId;
    /// A descriptor table.
    TableId;
    /// A container.
    ContainerId;
}

/// Everything that is known of the past, by table.
#[derive(Debug, Default)]
pub struct History {
    /// Interned strings; every [`Sym`] below is one of these.
    pub strings: Strings,
    /// Process instances in order of appearance.
    pub processes: Rows<Process>,
    /// Thread instances in order of appearance.
    pub threads: Rows<Thread>,
    /// States of threads.
    pub attrs: Table<Attrs>,
    /// Images.
    pub images: Table<Image>,
    /// Credentials.
    pub creds: Vec<Creds>,
    /// States of open files.
    pub files: Table<OpenFile>,
    /// Descriptor tables.
    pub fd_tables: FdTables,
    /// Containers.
    pub containers: Vec<Container>,
    /// Users and groups, in order of `from`; see [`History::user`].
    pub users: Vec<User>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Sections of the trace in order: machine, interfaces, mounts.
    pub sections: Vec<SectionFacts>,
    /// Renames and removals of paths.
    pub moves: Moves,
    /// What threads do not share with their processes.
    pub(crate) own: HashMap<ThreadId, ThreadOwn>,
    /// What identifies the trace where its machine is not identified; see [`History::process_key`].
    pub capture_id: u64,
    /// Look-ups into the tables above.
    pub(crate) index: Index,
}

/// Look-ups into the tables of a history.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Rows of `users` by container and uid, in order.
    pub(crate) users: HashMap<(Sym, u32), Vec<u32>>,
    /// Rows of `groups` by container and gid, in order.
    pub(crate) groups: HashMap<(Sym, u32), Vec<u32>>,
    /// Containers by short id.
    pub(crate) containers: HashMap<Sym, ContainerId>,
    /// Last thread of each thread id; each knows the one before it.
    pub(crate) threads: ById<ThreadId>,
}

/// What a section of the trace says besides processes.
#[derive(Clone, Debug, Default)]
pub struct SectionFacts {
    /// First event of the section.
    pub from: Seq,
    /// The machine.
    pub machine: Machine,
    /// Interfaces, for "local" and "remote" ends.
    pub interfaces: Vec<InterfaceEntry>,
    /// Mounts.
    pub mounts: Vec<MountEntry>,
}

/// Where the knowledge of a process or thread comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was there when recording began.
    Snapshot,
    /// Its birth was recorded (by the parent's event, the child's, or both).
    Birth,
    /// It was first seen doing something; its birth was not recorded. Falco's placeholder thread.
    FirstSeen,
}

/// What a thread is, from one event to the next change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attrs {
    /// Thread.
    pub thread: ThreadId,
    /// First event.
    pub from: Seq,
    /// Image.
    pub image: ImageId,
    /// Credentials.
    pub creds: CredId,
    /// Session id.
    pub sid: Option<i64>,
    /// Process group in the host's pid namespace, as Falco has it: not followed through setpgid.
    pub pgid: Option<i64>,
    /// Process group in its own pid namespace, as Falco has it: not followed through setpgid.
    pub vpgid: Option<i64>,
    /// Process group with setpgid applied (the truth, where the trace has it).
    pub true_pgid: Option<i64>,
    /// Controlling terminal, kernel device encoding; 0 none.
    pub tty: Option<u32>,
    /// Cgroups as `subsystem=path`, NUL after each.
    pub cgroups: Sym,
    /// Container by its cgroup; `None` on the host.
    pub container: Option<ContainerId>,
    /// Name given by prctl(PR_SET_NAME) since the last exec. Falco does not follow it.
    pub renamed: Option<Sym>,
    /// Start time of the init process of its pid namespace, ns since the epoch.
    pub pidns_init_start_ns: Option<u64>,
}

/// What exec loaded, or what was inherited at birth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Image {
    /// First event it was in use; `Seq(0)` for the snapshot.
    pub from: Seq,
    /// True if loaded by an exec in this trace, false if from the snapshot, or inherited with another name.
    pub is_exec: bool,
    /// Command name. `None` for a thread first seen doing something else (Falco shows `<NA>`).
    pub comm: Option<Sym>,
    /// argv\[0\].
    pub exe: Option<Sym>,
    /// argv\[1..\], NUL after each.
    pub args: Sym,
    /// Path of the executable as the kernel resolved it, without ` (deleted)`. Empty if unknown.
    pub exepath: Sym,
    /// True if the kernel said the executable was deleted.
    pub is_deleted: bool,
    /// Path given to the system call, if recorded.
    pub filename: Option<Sym>,
    /// Bits of the `execve_flags` table; `None` if unknown.
    pub flags: Option<u32>,
    /// Inode of the executable.
    pub ino: Option<u64>,
    /// Its ctime, ns since the epoch.
    pub ctime: Option<u64>,
    /// Its mtime, ns since the epoch.
    pub mtime: Option<u64>,
}

/// Credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Creds {
    /// Effective user id.
    pub uid: Option<u32>,
    /// Effective group id.
    pub gid: Option<u32>,
    /// Login user id; `None` if unset or unknown.
    pub loginuid: Option<u32>,
    /// Inheritable, permitted, effective capabilities; `None` if unknown.
    pub caps: Option<[u64; 3]>,
    /// Effective user id as Falco has it: it takes the -1 of `setresuid(x, -1, y)`, which means "as it is", for the
    /// new id, and so shows 4294967295 (`None`) until the next exec or birth. Else equal to `uid`.
    pub falco_uid: Option<u32>,
    /// Effective group id as Falco has it; see `falco_uid`.
    pub falco_gid: Option<u32>,
}

/// Which end of a connection a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It connected.
    Client,
    /// It accepted, or listens.
    Server,
}

/// One state of an open file: a descriptor refers to one of these from an event on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenFile {
    /// First event of this state.
    pub from: Seq,
    /// The first state of the same open file description (`dup` and `fork` share it).
    pub origin: FileId,
    /// Thread that opened it; `None` for the snapshot.
    pub opened_by: Option<ThreadId>,
    /// Kind.
    pub kind: FdKind,
    /// Name as `fd.name` shows it: normalised path, connection, or what the kind has. A rename of the file does not
    /// change it; see [`History::path_now`].
    pub name: Sym,
    /// Path as passed to the system call; empty if none.
    pub raw_name: Sym,
    /// Open flags (table `file_flags`), 0 if none.
    pub flags: u32,
    /// Device, kernel encoding.
    pub dev: Option<u32>,
    /// Inode.
    pub ino: Option<u64>,
    /// Network ends; source is the client once the role is known.
    pub net: Option<Net>,
    /// Kernel pointers of a Unix socket's ends (source, destination).
    pub unix: Option<(u64, u64)>,
    /// Transport of a socket.
    pub l4: L4,
    /// Role of this process.
    pub role: Option<Role>,
    /// Connected (see `fd.connected`).
    pub is_connected: bool,
    /// The file lies in an overlay's upper layer.
    pub is_upper_layer: bool,
    /// The file lies in an overlay's lower layer.
    pub is_lower_layer: bool,
    /// Process id that a pidfd refers to.
    pub pid: Option<i64>,
}

/// Addresses of an inet socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Net {
    /// Two ends; source is the client once the role is known.
    Pair {
        /// Source.
        src: SocketAddr,
        /// Destination.
        dst: SocketAddr,
    },
    /// Bound or listening.
    Bound(SocketAddr),
}

/// A container: what its cgroup says, and what later events or the snapshot add.
#[derive(Clone, Debug, Default)]
pub struct Container {
    /// Full id as in the cgroup path (64 hex digits, or what the runtime uses).
    pub full_id: Sym0,
    /// Short id: the first 12 characters.
    pub id: Sym0,
    /// Runtime by the shape of the cgroup path: docker, cri-o, containerd, podman, lxc, ...
    pub runtime: &'static str,
    /// First event at which it was seen.
    pub from: Seq,
    /// Metadata rows: known from an event on.
    pub metadata: Vec<(Seq, ContainerMetadata)>,
}

impl Container {
    /// What is known of it as of an event.
    pub fn metadata_at(&self, seq: Seq) -> Option<&ContainerMetadata> {
        self.metadata.iter().rev().find(|row| row.0 <= seq).map(|row| &row.1)
    }
}

/// A symbol that defaults to the empty string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sym0(pub Sym);

impl Default for Sym0 {
    fn default() -> Self {
        Sym0(Sym::EMPTY)
    }
}

/// Metadata of a container, from its runtime. `None`: not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerMetadata {
    /// Name.
    pub name: Option<Sym>,
    /// Image reference.
    pub image: Option<Sym>,
    /// Image id.
    pub image_id: Option<Sym>,
    /// Image repository, without tag or digest.
    pub image_repository: Option<Sym>,
    /// Image tag.
    pub image_tag: Option<Sym>,
    /// Image digest.
    pub image_digest: Option<Sym>,
    /// Privileged.
    pub is_privileged: Option<bool>,
    /// IP address.
    pub ip: Option<Sym>,
    /// Host pid, network, ipc namespaces.
    pub host_namespaces: [Option<bool>; 3],
    /// Labels in order.
    pub labels: Vec<(Sym, Sym)>,
    /// Mounts in order.
    pub mounts: Vec<ContainerMount>,
    /// Pod name, namespace, uid, sandbox id, where labels or the runtime say so.
    pub pod: Option<PodMetadata>,
    /// The JSON text it comes from.
    pub json: Option<Sym>,
}

/// A mount of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerMount {
    /// Path on the host.
    pub source: Sym,
    /// Path in the container.
    pub dest: Sym,
    /// Mode.
    pub mode: Sym,
    /// Writable.
    pub is_writable: bool,
    /// Propagation.
    pub propagation: Sym,
}

/// Kubernetes pod of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodMetadata {
    /// `io.kubernetes.pod.name`
    pub name: Option<Sym>,
    /// `io.kubernetes.pod.namespace`
    pub namespace: Option<Sym>,
    /// `io.kubernetes.pod.uid`
    pub uid: Option<Sym>,
    /// Sandbox container id.
    pub sandbox_id: Option<Sym>,
}

/// A user from an event on.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// First event.
    pub from: Seq,
    /// Deleted from this event on.
    pub until: Option<Seq>,
    /// Container (short id); empty for the host.
    pub container: Sym,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Name.
    pub name: Sym,
    /// Home directory.
    pub home: Sym,
    /// Shell.
    pub shell: Sym,
}

/// A group from an event on.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// First event.
    pub from: Seq,
    /// Deleted from this event on.
    pub until: Option<Seq>,
    /// Container (short id); empty for the host.
    pub container: Sym,
    /// Group id.
    pub gid: u32,
    /// Name.
    pub name: Sym,
}

/// What a table of the history holds; see [`History::sizes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// What its rows are, for people.
    pub name: &'static str,
    /// Number of rows.
    pub rows: usize,
    /// Bytes, with what rows point to.
    pub bytes: usize,
}

impl History {
    /// Bytes held, for accounting: the sum of [`History::sizes`].
    pub fn memory(&self) -> usize {
        self.sizes().iter().map(|table| table.bytes).sum()
    }

    /// What each table holds, for accounting. Tables of what a trace has few of (users, sections, containers) are not
    /// counted, nor are rare additions to rows (changes of a root directory, threads that stopped sharing).
    pub fn sizes(&self) -> Vec<TableSize> {
        let table = |name, rows, bytes| TableSize { name, rows, bytes };
        let processes = self.processes.memory() + self.processes.iter().map(Process::memory).sum::<usize>();
        let threads = self.threads.memory() + self.threads.iter().map(Thread::memory).sum::<usize>();
        let newest = &self.index.threads;
        vec![
            table("processes", self.processes.len(), processes),
            table("threads", self.threads.len(), threads),
            table("states of threads", self.attrs.len(), self.attrs.memory()),
            table("images", self.images.len(), self.images.memory()),
            table("states of open files", self.files.len(), self.files.memory()),
            table("descriptor tables", self.fd_tables.len(), self.fd_tables.memory()),
            table("renames and removals", self.moves.rows().len(), self.moves.memory()),
            table("strings", self.strings.len(), self.strings.memory()),
            table("threads by id", newest.len(), newest.memory()),
        ]
    }

    /// Text of a symbol.
    pub fn text(&self, sym: Sym) -> &BStr {
        self.strings.get(sym)
    }

    /// A process.
    pub fn process(&self, id: ProcessId) -> &Process {
        &self.processes[id.index()]
    }

    /// A thread.
    pub fn thread(&self, id: ThreadId) -> &Thread {
        &self.threads[id.index()]
    }

    /// A state of a thread.
    #[inline]
    pub fn attrs(&self, id: AttrsId) -> Attrs {
        self.attrs.at(id.index())
    }

    /// An image.
    #[inline]
    pub fn image(&self, id: ImageId) -> Image {
        self.images.at(id.index())
    }

    /// Credentials.
    pub fn creds(&self, id: CredId) -> &Creds {
        &self.creds[id.index()]
    }

    /// A state of an open file.
    #[inline]
    pub fn file(&self, id: FileId) -> OpenFile {
        self.files.at(id.index())
    }

    /// The names in a state of an open file.
    #[inline]
    pub fn file_names(&self, id: FileId) -> FileNames {
        self.files.names_at(id.index())
    }

    /// A container.
    pub fn container(&self, id: ContainerId) -> &Container {
        &self.containers[id.index()]
    }

    /// What the main thread of a process is after event `seq`.
    pub fn leader_attrs(&self, process: ProcessId, seq: Seq) -> Attrs {
        let leader = self.process(process).leader();
        self.attrs(self.thread(leader).attrs().at(seq))
    }

    /// The parent of a process after event `seq`: who reaps it now. `None`: unknown or none.
    pub fn parent(&self, process: ProcessId, seq: Seq) -> Option<ProcessId> {
        self.process(process).parent().at(seq)
    }

    /// Parent, grandparent, ... after event `seq`. Ends at an unknown parent, at a cycle (which only a damaged
    /// trace can claim), and after [`History::MAX_ANCESTORS`].
    pub fn ancestors(&self, process: ProcessId, seq: Seq) -> impl Iterator<Item = ProcessId> + '_ {
        let mut at = process;
        let mut n = 0;
        // Brent's check: compares with a mark that moves at powers of two, so that no set is needed.
        let (mut mark, mut next_mark) = (process, 1);
        std::iter::from_fn(move || {
            let parent = self.parent(at, seq)?;
            n += 1;
            if parent == mark || n > Self::MAX_ANCESTORS {
                return None;
            }
            if n == next_mark {
                mark = parent;
                next_mark *= 2;
            }
            at = parent;
            Some(parent)
        })
    }

    /// Bound of [`History::ancestors`]; pids are at most 2^22 on Linux.
    pub const MAX_ANCESTORS: u32 = 1 << 22;

    /// What descriptor `fd` of a process refers to after event `seq`. `None`: closed or unknown.
    pub fn fd(&self, process: ProcessId, fd: i64, seq: Seq) -> Option<FileId> {
        self.fd_tables.get(self.process(process).fd_table().at(seq), fd, seq)
    }

    /// Working directory of a process after event `seq`, with a trailing `/`. `None`: unknown.
    pub fn cwd(&self, process: ProcessId, seq: Seq) -> Option<&BStr> {
        self.process(process).cwd().at(seq).map(|sym| self.text(sym))
    }

    /// The section of the trace in force at event `seq`.
    pub fn section_at(&self, seq: Seq) -> Option<&SectionFacts> {
        let n = self.sections.partition_point(|section| section.from <= seq);
        self.sections[..n].last().or(self.sections.first())
    }

    /// What descriptor `fd` of a thread refers to after event `seq`, also for a thread that no longer shares the
    /// table of its process.
    pub fn thread_fd(&self, thread: ThreadId, fd: i64, seq: Seq) -> Option<FileId> {
        self.fd_tables.get(self.thread_table(thread, seq), fd, seq)
    }

    /// Descriptor table of a thread after event `seq`.
    pub fn thread_table(&self, thread: ThreadId, seq: Seq) -> TableId {
        let own = self.own(thread).and_then(|own| own.fd_table.at(seq));
        own.unwrap_or_else(|| self.process(self.thread(thread).process).fd_table().at(seq))
    }

    /// Working directory of a thread after event `seq`, with a trailing `/`. `None`: unknown.
    pub fn thread_cwd(&self, thread: ThreadId, seq: Seq) -> Option<Sym> {
        let own = self.own(thread).and_then(|own| own.cwd.at(seq));
        own.unwrap_or_else(|| self.process(self.thread(thread).process).cwd().at(seq))
    }

    /// What a thread does not share with its process, or once did not.
    #[inline]
    pub(crate) fn own(&self, thread: ThreadId) -> Option<&ThreadOwn> {
        if self.threads[thread.index()].has_own { self.own.get(&thread) } else { None }
    }

    /// The user with an id in a container (`None`: the host) as of event `seq`. O(log rows of this id).
    pub fn user(&self, container: Option<ContainerId>, uid: u32, seq: Seq) -> Option<&User> {
        let rows = self.index.users.get(&(self.container_sym(container), uid))?;
        let n = rows.partition_point(|&row| self.users[row as usize].from <= seq);
        let user = &self.users[*rows[..n].last()? as usize];
        user.until.is_none_or(|until| seq < until).then_some(user)
    }

    /// The group with an id in a container (`None`: the host) as of event `seq`. O(log rows of this id).
    pub fn group(&self, container: Option<ContainerId>, gid: u32, seq: Seq) -> Option<&Group> {
        let rows = self.index.groups.get(&(self.container_sym(container), gid))?;
        let n = rows.partition_point(|&row| self.groups[row as usize].from <= seq);
        let group = &self.groups[*rows[..n].last()? as usize];
        group.until.is_none_or(|until| seq < until).then_some(group)
    }

    /// The thread that has this id in the host's pid namespace after event `seq`. O(lives of this id).
    pub fn thread_by_tid(&self, tid: Tid, seq: Seq) -> Option<ThreadId> {
        let newest = self.index.threads.get(tid.0);
        let mut lives = std::iter::successors(newest, |&id| self.thread(id).previous);
        lives.find(|&id| {
            let thread = self.thread(id);
            thread.born <= seq && thread.ended().is_none_or(|ended| seq < ended)
        })
    }

    /// The container with a short id.
    pub fn container_by_id(&self, id: &[u8]) -> Option<ContainerId> {
        self.index.containers.get(&self.strings.find(id)?).copied()
    }

    fn container_sym(&self, container: Option<ContainerId>) -> Sym {
        container.map_or(Sym::EMPTY, |id| self.container(id).id.0)
    }

    /// A name for a process that is unique in the trace and the same whenever, and from whatever format, the
    /// trace is read: `h<machine>-<pid>-<start>`.
    ///
    /// `machine` is a hash of the boot id, else of host name and boot time, else the capture's id, with the
    /// section's number if the trace has several. `start` is the start time in hexadecimal nanoseconds where that
    /// is known and distinguishes the process from others with its pid, else `s` and the number of the event
    /// that first showed it.
    pub fn process_key(&self, process: ProcessId) -> String {
        let process = self.process(process);
        let machine = self.sections.get(process.section as usize).map(|section| &section.machine);
        let mut hash = Fnv::default();
        match machine {
            Some(Machine { boot_id: Some(boot_id), .. }) => hash.write(boot_id),
            Some(Machine { hostname: Some(hostname), boot_ns: Some(boot_ns), .. }) => {
                hash.write(hostname);
                hash.write(&boot_ns.to_le_bytes());
            }
            _ => hash.write(&self.capture_id.to_le_bytes()),
        }
        let machine = (hash.0 >> 32) as u32 ^ hash.0 as u32;
        let section = if process.section == 0 { String::new() } else { format!(".{}", process.section) };
        match process.start_ns() {
            Some(start) if process.is_start_unique => {
                format!("h{machine:08x}{section}-{}-{:x}", process.pid.0, start.0)
            }
            _ if process.n_twins > 0 => {
                format!("h{machine:08x}{section}-{}-s{}.{}", process.pid.0, process.born.0, process.n_twins)
            }
            _ => format!("h{machine:08x}{section}-{}-s{}", process.pid.0, process.born.0),
        }
    }
}

/// FNV-1a, 64 bits: keys must be the same for ever and everywhere, which no hasher of the standard library promises.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
