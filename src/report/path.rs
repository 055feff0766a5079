//! The attack path of a signal: how the process it is on came to be, from the first known ancestor down, and what it
//! did next.
//!
//! A step is a process of the line of births (who adopted an orphan later is said beside it), as it was when the
//! signal's event happened. Everything is bounded, and what a bound leaves out is counted. A cycle, which only a
//! damaged trace can claim, ends the path.

mod text;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;

use bstr::ByteSlice;
use tracehound_formats::event::flags::FILE_FLAGS;
use tracehound_formats::section::FdKind;
use tracehound_formats::{Nanos, Seq};
use tracehound_signals::Signal;
use tracehound_signals::key::resolve;
use tracehound_state::history::{Attrs, Net, OpenFile, Origin, Role};
use tracehound_state::{ContainerId, FileId, History, ImageId, ProcessId, Sym, ThreadId};

use crate::case::Case;
use crate::lineage;

pub use text::write;

/// Steps at the far end of a long path.
const MAX_FAR: usize = 16;
/// Steps at the near end of a long path.
const MAX_NEAR: usize = 48;
/// Things of one kind told of a step.
const MAX_ITEMS: usize = 16;
/// Processes looked at for what happened next.
const MAX_LATER_PROCESSES: usize = 256;

/// How a signal's process came to be.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackPath {
    /// The signal's event: the moment that steps are told of.
    pub seq: Seq,
    /// Through what the line of processes entered the machine.
    pub entry: Entry,
    /// Who logged in, by the audit login id of the nearest process that has one: id, and name if the trace has it.
    pub login: Option<(u32, Option<Sym>)>,
    /// The first known ancestor, then who it gave birth to, and so on; the signal's process is the last.
    pub steps: Vec<Step>,
    /// Position in `steps` before which processes of a long path are left out, and how many.
    pub left_out: Option<(usize, usize)>,
    /// True if a damaged trace claims that the first step descends from one of the others.
    pub is_cycle: bool,
    /// What the signal's process, and what it gave birth to, executed after the event.
    pub later: Later,
}

/// Through what a line of processes entered the machine, by the cgroup of its last process.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A container.
    Container(ContainerId),
    /// A service of the system: the name of its unit.
    Service(Vec<u8>),
    /// A login session: the name of its unit.
    Session(Vec<u8>),
    /// The trace does not tell.
    Unknown,
}

/// A process of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The process.
    pub process: ProcessId,
    /// What it executed until the event, oldest first; the first is what it was born with.
    pub images: Bounded<Loaded>,
    /// Users that it ran as until the event, oldest first.
    pub users: Bounded<RanAs>,
    /// Its container at the event.
    pub container: Option<ContainerId>,
    /// True if the step before is known and in another container, or on the host.
    pub is_container_entered: bool,
    /// Unit of its cgroup: `cron.service`, `session-3.scope`.
    pub unit: Option<Vec<u8>>,
    /// Controlling terminal as the kernel's device number; 0 none, `None` unknown.
    pub tty: Option<u32>,
    /// What its descriptors 0, 1 and 2 referred to; unknown and closed ones are left out.
    pub streams: Vec<Stream>,
    /// Its connections to other machines, or to itself by the network; those after the event too.
    pub sockets: Bounded<Connection>,
    /// Files it wrote that were executed later, by whomever; then other files it wrote. Those after the event too.
    pub files: Bounded<Written>,
    /// Who was its parent at the event, if that is not the process that gave birth to it.
    pub adopted_by: Option<ProcessId>,
    /// Why the start of its story is missing.
    pub origin: Origin,
    /// When it started.
    pub start: Option<Nanos>,
}

/// Things of which a bounded number is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounded<T> {
    /// Those kept.
    pub items: Vec<T>,
    /// How many were not.
    pub n_more: usize,
}

/// What a process executed, or was born with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The image.
    pub image: ImageId,
    /// Event of its exec, or of the birth.
    pub seq: Seq,
    /// Time of the exec; `None` for what it was born with.
    pub ts: Option<Nanos>,
    /// True if the process executed it, false if it was born with it.
    pub is_exec: bool,
    /// True if it was executed after the next step of the path was born.
    pub is_after_child: bool,
}

/// A user that a process ran as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RanAs {
    /// From this event on.
    pub from: Seq,
    /// Effective user id.
    pub uid: u32,
    /// Its name, if the trace has it.
    pub name: Option<Sym>,
    /// True if an exec made it so (a set-user-id program), not a system call of the process itself.
    pub is_by_exec: bool,
}

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// 0, 1 or 2.
    pub fd: i64,
    /// What it refers to.
    pub file: FileId,
    /// Its kind.
    pub kind: FdKind,
    /// The other machine's end, for a connection.
    pub remote: Option<SocketAddr>,
    /// For a pipe or socket: the other process that made it, or has the connection's other end.
    pub peer: Option<ProcessId>,
}

/// A connection of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its newest state.
    pub file: FileId,
    /// Event that gave it these ends.
    pub seq: Seq,
    /// Time of that event; `None` if it was there when recording began.
    pub ts: Option<Nanos>,
    /// This end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// The process that has the other end, if it is on this machine and recorded.
    pub peer: Option<ProcessId>,
    /// `Client` if the process connected, `Server` if it accepted; `None` if unknown.
    pub role: Option<Role>,
    /// True if it happened after the signal's event.
    pub is_later: bool,
}

/// A file that a process wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path.
    pub path: Sym,
    /// Event that opened it for writing first.
    pub seq: Seq,
    /// Time of that event.
    pub ts: Option<Nanos>,
    /// Who executed it first after that: process and event.
    pub executed: Option<(ProcessId, Seq)>,
    /// True if it was opened after the signal's event.
    pub is_later: bool,
}

/// What was executed after a signal's event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Later {
    /// Execs in order: process, image, event, time.
    pub execs: Vec<(ProcessId, ImageId, Seq, Option<Nanos>)>,
    /// How many more were found.
    pub n_more: usize,
    /// True if not all descendants were looked at: there may be more than `n_more`.
    pub is_cut: bool,
}

impl<T: Copy> Bounded<T> {
    /// The newest of some things.
    fn newest(items: &[T]) -> Bounded<T> {
        let n_more = items.len().saturating_sub(MAX_ITEMS);
        Bounded { items: items[n_more..].to_vec(), n_more }
    }

    /// The first of some things.
    fn first(items: &[T]) -> Bounded<T> {
        let n_more = items.len().saturating_sub(MAX_ITEMS);
        Bounded { items: items[..items.len() - n_more].to_vec(), n_more }
    }
}

/// A process over its whole life.
struct Life {
    images: Vec<Loaded>,
    users: Vec<RanAs>,
    connections: Vec<Connection>,
    files: Vec<Written>,
}

/// Makes the paths of a case: what several of them ask of the history, looked up once.
pub struct Paths<'a> {
    case: &'a Case<'a>,
    /// Connections and files opened for writing: process that opened it, its row; in order.
    opened: Vec<(ProcessId, FileId)>,
    /// First execs of each path, in order of event.
    executed: HashMap<Sym, Vec<(Seq, ProcessId)>>,
    /// Children by parent and birth.
    children: Vec<(ProcessId, Seq, ProcessId)>,
    /// Processes that have an end of a connection, by its ends; at most a few each.
    ends: HashMap<(SocketAddr, SocketAddr), Vec<ProcessId>>,
    /// The ancestor of each process at which the far end of a long path ends, by [`ProcessId`]; empty if no path is
    /// that long. Without it the path of each signal far down would be walked to its beginning.
    far: Vec<ProcessId>,
    /// What paths told of processes before.
    lives: RefCell<HashMap<ProcessId, Rc<Life>>>,
}

impl<'a> Paths<'a> {
    /// Looks up what paths need. O(rows of the history).
    pub fn new(case: &'a Case<'a>) -> Paths<'a> {
        let history = case.history;
        let mut opened = Vec::new();
        let mut ends: HashMap<_, Vec<ProcessId>> = HashMap::new();
        for (id, file) in (0..).map(FileId::new).zip(history.files.iter()) {
            let Some(thread) = file.opened_by else { continue };
            let process = resolve(history, history.thread(thread).process);
            if let Some(Net::Pair { src, dst }) = file.net {
                let peers = ends.entry((src.min(dst), src.max(dst))).or_default();
                if peers.len() < 4 && !peers.contains(&process) {
                    peers.push(process);
                }
                opened.push((process, id));
            } else if file.origin == id && is_written(history, &file) {
                opened.push((process, id));
            }
        }
        opened.sort();
        let mut executed: HashMap<Sym, Vec<(Seq, ProcessId)>> = HashMap::new();
        let mut children = Vec::new();
        for (id, process) in (0..).map(ProcessId::new).zip(&history.processes) {
            for (from, image) in process.image().rows() {
                let image = history.image(image);
                if image.is_exec && image.from == from && image.exepath != Sym::EMPTY {
                    executed.entry(image.exepath).or_default().push((from, resolve(history, id)));
                }
            }
            if lineage::is_process(history, id)
                && let Some(parent) = lineage::birth_parent(history, id)
            {
                children.push((parent, process.born, id));
            }
        }
        executed.values_mut().for_each(|execs| execs.sort());
        children.sort();
        Paths { case, opened, executed, children, ends, far: far(case), lives: RefCell::default() }
    }

    /// The path of a signal; `None` if it is on no process.
    pub fn of(&self, signal: &Signal) -> Option<AttackPath> {
        let history = self.case.history;
        let thread = history.thread_by_tid(signal.tid, signal.seq);
        Some(self.to(signal.process?, thread, signal.seq))
    }

    /// The path to a process as of an event. `thread` is the one that acted, if it is known: it can have descriptors
    /// of its own.
    pub fn to(&self, process: ProcessId, thread: Option<ThreadId>, seq: Seq) -> AttackPath {
        let history = self.case.history;
        let process = resolve(history, process);
        let thread = thread.filter(|&thread| resolve(history, history.thread(thread).process) == process);
        // Ancestors are counted with cycles cut, so that a walk ends.
        let n = self.case.depth(process) as usize;
        let mut line = vec![process];
        let n_between = (n + 1).saturating_sub(MAX_FAR + MAX_NEAR);
        match self.far.get(process.index()).filter(|_| n_between > 0) {
            None => line.extend(lineage::ancestors(history, process, n)),
            Some(&far) => {
                line.extend(lineage::ancestors(history, process, MAX_NEAR - 1));
                line.push(far);
                line.extend(lineage::ancestors(history, far, MAX_FAR - 1));
            }
        }
        let is_cycle = line.last().is_some_and(|&first| lineage::birth_parent(history, first).is_some());
        line.reverse();
        let left_out = (n_between > 0).then_some((MAX_FAR, n_between));
        let mut steps: Vec<Step> = Vec::with_capacity(line.len());
        for (i, &id) in line.iter().enumerate() {
            let child = line.get(i + 1).map(|&child| history.process(child).born);
            let mut step = self.step(id, thread.filter(|_| id == process), seq, child);
            let is_gap = left_out.is_some_and(|(at, _)| at == i);
            step.is_container_entered =
                !is_gap && steps.last().is_some_and(|before| before.container != step.container);
            steps.push(step);
        }
        let login = line.iter().rev().find_map(|&id| {
            let attrs = history.leader_attrs(id, self.as_of(id, seq));
            let uid = history.creds(attrs.creds).loginuid?;
            Some((uid, history.user(None, uid, seq).map(|user| user.name)))
        });
        let entry = steps.last().map_or(Entry::Unknown, entry);
        AttackPath { seq, entry, login, steps, left_out, is_cycle, later: self.later(process, seq) }
    }

    /// The moment at which a process is told of: the event, or its end if that was before.
    fn as_of(&self, id: ProcessId, seq: Seq) -> Seq {
        seq.min(self.case.last_seq(id))
    }

    fn step(&self, id: ProcessId, thread: Option<ThreadId>, seq: Seq, child: Option<Seq>) -> Step {
        let history = self.case.history;
        let process = history.process(id);
        let at = self.as_of(id, seq);
        let attrs = history.leader_attrs(id, at);
        let parent = history.parent(id, at).map(|parent| resolve(history, parent));
        let life = self.life(id);
        // The first row holds for questions about earlier events too.
        let n_images = life.images.partition_point(|image| image.seq <= at).max(1);
        let mut images = Bounded::newest(&life.images[..n_images.min(life.images.len())]);
        for image in &mut images.items {
            image.is_after_child = child.is_some_and(|born| image.seq > born);
        }
        let mut sockets = Bounded::first(&life.connections);
        sockets.items.iter_mut().for_each(|socket| socket.is_later = socket.seq > seq);
        let mut files = Bounded::first(&life.files);
        files.items.iter_mut().for_each(|file| file.is_later = file.seq > seq);
        Step {
            process: id,
            images,
            users: Bounded::newest(&life.users[..life.users.partition_point(|user| user.from <= at)]),
            container: attrs.container,
            is_container_entered: false,
            unit: unit(history, &attrs),
            tty: attrs.tty,
            streams: self.streams(id, thread, at),
            sockets,
            files,
            adopted_by: parent.filter(|parent| Some(*parent) != lineage::birth_parent(history, id)),
            origin: process.origin,
            start: process.start_ns(),
        }
    }

    /// What is known of a process over its whole life, made once.
    fn life(&self, id: ProcessId) -> Rc<Life> {
        if let Some(life) = self.lives.borrow().get(&id) {
            return Rc::clone(life);
        }
        let (connections, files) = self.opened(id);
        let life = Rc::new(Life { images: self.images(id), users: users(self.case.history, id), connections, files });
        self.lives.borrow_mut().insert(id, Rc::clone(&life));
        life
    }

    fn images(&self, id: ProcessId) -> Vec<Loaded> {
        let history = self.case.history;
        let images = history.process(id).image().rows().map(|(seq, image)| {
            // A fork inherits the image: the exec is the parent's.
            let is_exec = history.image(image).is_exec && history.image(image).from == seq;
            let ts = if is_exec { self.case.times.image(image) } else { None };
            Loaded { image, seq, ts, is_exec, is_after_child: false }
        });
        images.collect()
    }

    fn streams(&self, id: ProcessId, thread: Option<ThreadId>, at: Seq) -> Vec<Stream> {
        let history = self.case.history;
        let streams = (0..=2).filter_map(|fd| {
            let file_id = match thread {
                Some(thread) => history.thread_fd(thread, fd, at)?,
                None => history.fd(id, fd, at)?,
            };
            let file = history.file(file_id);
            let maker = || {
                let made_by = history.file(file.origin).opened_by.map(|thread| history.thread(thread).process);
                made_by.map(|maker| resolve(history, maker)).filter(|maker| *maker != id)
            };
            let ends = ends(history, &file, at);
            let peer = match (ends, file.kind) {
                (Some((local, remote)), _) => self.peer(id, local, remote),
                (None, FdKind::Pipe | FdKind::UnixSocket) => maker(),
                _ => None,
            };
            Some(Stream { fd, file: file_id, kind: file.kind, remote: ends.map(|(_, remote)| remote), peer })
        });
        streams.collect()
    }

    /// The other process that has a connection.
    fn peer(&self, id: ProcessId, local: SocketAddr, remote: SocketAddr) -> Option<ProcessId> {
        let processes = self.ends.get(&(local.min(remote), local.max(remote)))?;
        processes.iter().copied().find(|&process| process != id)
    }

    /// Connections of a process in order, and files it wrote, those that were executed first.
    fn opened(&self, id: ProcessId) -> (Vec<Connection>, Vec<Written>) {
        let history = self.case.history;
        let start = self.opened.partition_point(|(process, _)| *process < id);
        let opened = self.opened[start..].iter().take_while(|(process, _)| *process == id).map(|&(_, file)| file);
        let process = history.process(id);
        let is_before = process.origin == Origin::Snapshot;
        let before = is_before.then(|| history.fd_tables.entries(process.fd_table().at(process.born), process.born));
        // Of what was open when recording began only connections tell something: a log is opened for writing too.
        let before = before.into_iter().flatten().filter_map(|(_, entry)| entry.file);
        let before = before.filter(|&file| matches!(history.file(file).net, Some(Net::Pair { .. })));
        let mut connections: Vec<Connection> = Vec::new();
        let mut files: Vec<Written> = Vec::new();
        let (mut by_socket, mut by_path) = (HashMap::new(), HashMap::new());
        for file_id in before.chain(opened) {
            let file = history.file(file_id);
            let ts = self.case.times.file(file_id).filter(|_| file.opened_by.is_some());
            if let Some((local, remote)) = ends(history, &file, file.from) {
                let peer = self.peer(id, local, remote);
                let role = file.role;
                let row = Connection { file: file_id, seq: file.from, ts, local, remote, peer, role, is_later: false };
                // Further states of a connection are the same connection.
                match by_socket.get(&(file.origin, local.min(remote), local.max(remote))) {
                    Some(&i) => {
                        let Connection { seq, ts, .. } = connections[i];
                        connections[i] = Connection { seq, ts, ..row };
                    }
                    None => {
                        by_socket.insert((file.origin, local.min(remote), local.max(remote)), connections.len());
                        connections.push(row);
                    }
                }
            } else if file.net.is_none() && by_path.insert(file.name, ()).is_none() {
                let execs = self.executed.get(&file.name).map_or(&[][..], Vec::as_slice);
                let first = execs.partition_point(|(at, _)| *at <= file.from);
                let executed = execs.get(first).map(|&(at, process)| (process, at));
                files.push(Written { path: file.name, seq: file.from, ts, executed, is_later: false });
            }
        }
        connections.sort_by_key(|connection| connection.seq);
        files.sort_by_key(|file| (file.executed.is_none(), file.seq));
        (connections, files)
    }

    fn later(&self, process: ProcessId, seq: Seq) -> Later {
        let mut later = Later::default();
        let mut queue = VecDeque::from([process]);
        let mut n_seen = 0;
        while let Some(id) = queue.pop_front() {
            n_seen += 1;
            if n_seen > MAX_LATER_PROCESSES {
                later.is_cut = true;
                break;
            }
            let life = self.life(id);
            let after = &life.images[life.images.partition_point(|image| image.seq <= seq)..];
            // Only what it was born with, its first row, is no exec.
            let after = if after.first().is_some_and(|image| !image.is_exec) { &after[1..] } else { after };
            let execs = after.iter().take(MAX_ITEMS);
            later.execs.extend(execs.map(|image| (id, image.image, image.seq, image.ts)));
            later.n_more += after.len().saturating_sub(MAX_ITEMS);
            let start = self.children.partition_point(|(parent, ..)| *parent < id);
            let children = self.children[start..].iter().take_while(|(parent, ..)| *parent == id);
            // A cycle leads back to the process itself; its members are looked at once.
            queue
                .extend(children.map(|&(.., child)| child).filter(|&child| child != process).take(MAX_LATER_PROCESSES));
        }
        later.execs.sort_by_key(|&(process, _, seq, _)| (seq, process));
        later.n_more += later.execs.len().saturating_sub(MAX_ITEMS);
        later.execs.truncate(MAX_ITEMS);
        later
    }
}

/// See [`Paths`]: the ancestor that has `MAX_FAR - 1` ancestors itself, found from that of the parent.
fn far(case: &Case<'_>) -> Vec<ProcessId> {
    let mut order: Vec<ProcessId> = (0..case.history.processes.len() as u32).map(ProcessId::new).collect();
    order.sort_by_key(|&id| case.depth(id));
    if order.last().is_none_or(|&deepest| (case.depth(deepest) as usize) < MAX_FAR + MAX_NEAR) {
        return Vec::new();
    }
    let mut far: Vec<ProcessId> = (0..order.len() as u32).map(ProcessId::new).collect();
    for id in order {
        if case.depth(id) as usize >= MAX_FAR
            && let Some(parent) = lineage::birth_parent(case.history, id)
        {
            far[id.index()] = far[parent.index()];
        }
    }
    far
}

/// The local and the remote end of a connection: its role tells, else the addresses of the machine.
pub(crate) fn ends(history: &History, file: &OpenFile, at: Seq) -> Option<(SocketAddr, SocketAddr)> {
    let Some(Net::Pair { src, dst }) = file.net else { return None };
    let is_local = |addr: SocketAddr| {
        let interfaces = history.section_at(at).map_or(&[][..], |section| section.interfaces.as_slice());
        interfaces.iter().any(|interface| interface.addr == addr.ip())
    };
    let is_server = match file.role {
        Some(Role::Server) => true,
        Some(Role::Client) => false,
        None => is_local(dst) && !is_local(src),
    };
    Some(if is_server { (dst, src) } else { (src, dst) })
}

/// True for a file in a file system, or in memory, that was opened for writing. What nothing remains of is none.
pub(crate) fn is_written(history: &History, file: &OpenFile) -> bool {
    let bit = FILE_FLAGS.value("O_WRONLY").unwrap_or(0);
    matches!(file.kind, FdKind::File | FdKind::Memfd)
        && file.flags & bit != 0
        && !matches!(history.text(file.name).as_bytes(), b"" | b"/dev/null" | b"/dev/tty" | b"/dev/ptmx")
        && !history.text(file.name).starts_with(b"/dev/pts/")
}

/// Users a process ran as.
pub(crate) fn users(history: &History, id: ProcessId) -> Vec<RanAs> {
    let process = history.process(id);
    let leader = history.thread(process.leader());
    let mut users: Vec<RanAs> = Vec::new();
    for (from, attrs) in leader.attrs().rows() {
        let attrs = history.attrs(attrs);
        let Some(uid) = history.creds(attrs.creds).uid else { continue };
        if users.last().is_some_and(|last| last.uid == uid) {
            continue;
        }
        let name = history.user(attrs.container, uid, from.max(Seq(1))).map(|user| user.name);
        let image = history.image(process.image().at(from));
        let is_by_exec = !users.is_empty() && image.from == from && image.is_exec;
        users.push(RanAs { from, uid, name, is_by_exec });
    }
    users
}

/// The unit that a cgroup names: the last part of its path that is called `*.service` or `*.scope`.
pub(crate) fn unit(history: &History, attrs: &Attrs) -> Option<Vec<u8>> {
    let cgroups = history.text(attrs.cgroups);
    let is_unit = |part: &&[u8]| part.ends_with(b".service") || part.ends_with(b".scope");
    let paths = cgroups.split_str(b"\0").filter_map(|cgroup| cgroup.split_once_str("=").map(|(_, path)| path));
    paths.filter_map(|path| path.rsplit_str("/").find(is_unit)).next().map(<[u8]>::to_vec)
}

/// Through what a path entered the machine.
fn entry(last: &Step) -> Entry {
    match (last.container, &last.unit) {
        (Some(container), _) => Entry::Container(container),
        (None, Some(unit)) if unit.starts_with(b"session-") && unit.ends_with(b".scope") => {
            Entry::Session(unit.clone())
        }
        (None, Some(unit)) if unit.ends_with(b".service") => Entry::Service(unit.clone()),
        _ => Entry::Unknown,
    }
}
