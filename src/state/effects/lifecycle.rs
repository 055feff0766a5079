//! Birth: clone, clone3, fork, vfork, and threads that just appear.
//!
//! A birth is recorded twice, in any order: the parent's event returns the child's id, the child's returns 0. In a
//! pid namespace the id that the parent gets means nothing on the host, so there only the child's event counts; it
//! carries host ids. Source: `sinsp_parser::parse_clone_exit_{caller,child}`.

use std::sync::Arc;

use tracehound_formats::event::syscalls;
use tracehound_formats::{Nanos, Seq, Tid};

use crate::history::{Attrs, CredId, Creds, Image, ImageId, Inherited, Origin, ProcessId, TableId, ThreadId};
use crate::live::{InheritedKey, LiveProcess, LiveThread};
use crate::process::{NewProcess, NewThread, Process, Thread};
use crate::replay::{Cx, Replay, index_of};
use crate::strings::Sym;
use crate::timeline::Timeline;

/// How long after a birth, or an exit, another event about the same thread id still means the same life.
const SAME_LIFE_NS: u64 = 2_000_000_000;

/// Most processes that are taken to share a working directory.
const MAX_FS_GROUP: usize = 64;

/// Bits of the `clone_flags` table.
pub(crate) mod bits {
    pub(crate) const FILES: u32 = 0x1;
    pub(crate) const FS: u32 = 0x2;
    pub(crate) const NEWNS: u32 = 0x20;
    pub(crate) const NEWPID: u32 = 0x40;
    pub(crate) const PARENT: u32 = 0x100;
    pub(crate) const THREAD: u32 = 0x2000;
    pub(crate) const NEWUSER: u32 = 0x10_0000;
    pub(crate) const VFORK: u32 = 0x800_0000;
    pub(crate) const CHILD_IN_PIDNS: u32 = 0x2000_0000;
}

/// Positions of arguments, the same for all four system calls.
mod arg {
    pub(super) const EXE: usize = 1;
    pub(super) const ARGS: usize = 2;
    pub(super) const PID: usize = 4;
    pub(super) const PTID: usize = 5;
    pub(super) const FDLIMIT: usize = 7;
    pub(super) const COMM: usize = 13;
    pub(super) const CGROUPS: usize = 14;
    pub(super) const FLAGS: usize = 15;
    pub(super) const UID: usize = 16;
    pub(super) const GID: usize = 17;
    pub(super) const VTID: usize = 18;
    pub(super) const VPID: usize = 19;
    pub(super) const PIDNS_START: usize = 20;
    pub(super) const START: usize = 21;
}

/// clone, clone3, fork, vfork.
pub(crate) fn clone(r: &mut Replay, cx: &mut Cx<'_>) {
    match cx.ret {
        None => {}
        Some(ret) if ret < 0 => {}
        Some(0) => child_side(r, cx),
        Some(tid) => parent_side(r, cx, tid),
    }
}

fn parent_side(r: &mut Replay, cx: &mut Cx<'_>, tid: i64) {
    let Some(mut caller) = r.thread_or_placeholder(cx.event.head.tid.0, cx) else { return };
    let is_unknown_caller = r.live.thread[caller.index()].is_placeholder;
    if is_unknown_caller {
        caller = identify(r, cx, caller);
    }
    cx.fact.thread = Some(caller);
    r.live.thread[caller.index()].has_acted = true;

    let flags = cx.u32(arg::FLAGS).unwrap_or(0);
    let caller_row = &r.history.threads[caller.index()];
    let caller_tid = caller_row.tid.0;
    let is_in_namespace =
        flags & (bits::CHILD_IN_PIDNS | bits::NEWPID) != 0 || caller_row.vtid().is_some_and(|vtid| vtid != caller_tid);
    if is_in_namespace {
        // The number is the child's in the namespace. Its own event follows or came before.
        return;
    }
    let process = caller_row.process;
    let is_thread = flags & bits::THREAD != 0;

    // Did the child's own event come first?
    if let Some(child) = r.thread_by_tid(tid) {
        let live = &r.live.thread[child.index()];
        let is_ours = if is_thread {
            r.process_of(child) == process
        } else {
            flags & bits::PARENT != 0
                || r.history.processes[r.process_of(child).index()].birth_parent() == Some(process)
        };
        // A child whose parent exited at once names whoever adopted it; nobody else is born under its id so soon.
        let is_young = live.cloned_at().is_some_and(|at| cx.ts.0.saturating_sub(at.0) < SAME_LIFE_NS);
        if live.awaits_parent_event && (is_ours || is_young) {
            r.live.thread[child.index()].awaits_parent_event = false;
            cx.fact.child = Some(child);
            return;
        }
    }
    // Did it even live and die before this event?
    if let Some(exited) = r.live.exited.get(&tid)
        && cx.ts.0.saturating_sub(exited.at.0) < SAME_LIFE_NS
        && is_birth_of(r, exited.thread, process, is_thread)
    {
        let child = exited.thread;
        if r.live.thread[child.index()].awaits_parent_event {
            r.live.thread[child.index()].awaits_parent_event = false;
            r.live.exited.remove(&tid);
            cx.fact.child = Some(child);
            return;
        }
    }
    if flags & bits::PARENT != 0 {
        // Old captures do not say that the child is in a namespace, and runc's children are born this way.
        return;
    }
    let is_vfork = flags & bits::VFORK != 0 || cx.event.head.kind == syscalls::VFORK;
    if is_vfork {
        // The parent was suspended until the child execed or exited, so that the child's event came long ago.
        // *Truth*: if it never came, the child is still known to have been born; Falco ignores it.
        r.notes.n_births_without_child_event += 1;
    }
    let existing = r.thread_by_tid(tid);
    if let Some(existing) = existing {
        let live = &r.live.thread[existing.index()];
        let is_early_child = live.is_placeholder && cx.ts.0.saturating_sub(live.since.0) < SAME_LIFE_NS;
        if is_early_child && !is_thread {
            // It acted before either event of its birth was seen. *Truth*: it is the same life; Falco starts anew.
            adopt_placeholder(r, cx, existing, caller, flags);
            cx.fact.child = Some(existing);
            return;
        }
        r.evict(existing, cx.seq);
    }

    // The caller may have been evicted with the old owner of the id only if it claims to be its own child.
    if r.thread_by_tid(caller_tid) != Some(caller) {
        return;
    }
    let child = create(r, cx, caller, BirthSide::Parent { tid }, flags);
    if is_unknown_caller {
        // The event shows the parent's name at the time of the birth.
        let image = image_of_birth(r, cx, r.attrs_of(caller).image);
        r.change_attrs(caller, |attrs| attrs.image = image);
        r.sync_leader_image(caller);
    }
    cx.fact.child = Some(child);
}

/// True if the thread could be what a birth by `process` made.
fn is_birth_of(r: &Replay, child: ThreadId, process: ProcessId, is_thread: bool) -> bool {
    let of = r.process_of(child);
    if is_thread { of == process } else { r.history.processes[of.index()].birth_parent() == Some(process) }
}

fn child_side(r: &mut Replay, cx: &mut Cx<'_>) {
    let tid = cx.event.head.tid.0;
    let flags = child_flags(cx);
    let is_thread = flags & bits::THREAD != 0;
    if let Some(existing) = r.thread_by_tid(tid) {
        let live = &r.live.thread[existing.index()];
        let age = live.cloned_at().map(|at| cx.ts.0.saturating_sub(at.0));
        let is_same = match age {
            Some(age) => age < SAME_LIFE_NS || live.awaits_child_event && !live.has_acted,
            None => false,
        };
        if is_same {
            complete_child(r, cx, existing);
            return;
        }
        let is_early = live.is_placeholder && cx.ts.0.saturating_sub(live.since.0) < SAME_LIFE_NS;
        if is_early && !is_thread {
            let parent = parent_or_placeholder(r, cx);
            if let Some(parent) = parent {
                adopt_placeholder(r, cx, existing, parent, flags);
                let live = &mut r.live.thread[existing.index()];
                live.awaits_child_event = false;
                live.awaits_parent_event = true;
                cx.fact.thread = Some(existing);
                return;
            }
        }
        r.evict(existing, cx.seq);
        cx.fact.thread = None;
    }
    let template = if is_thread { leader_or_placeholder(r, cx) } else { parent_or_placeholder(r, cx) };
    let child = match template {
        Some(template) => create(r, cx, template, BirthSide::Child, flags),
        None => {
            let Some(child) = r.thread_or_placeholder(tid, cx) else { return };
            r.live.thread[child.index()].clone_at(cx.ts);
            identify(r, cx, child)
        }
    };
    cx.fact.thread = Some(child);
    cx.fact.child = Some(child);
}

/// The flags of a birth by the child's event. *Truth*: after clone3 the recorder takes the address of the arguments
/// for the flags, so they are worthless; the ids tell a thread from a process. Falco believes the flags.
fn child_flags(cx: &Cx<'_>) -> u32 {
    let flags = match cx.event.head.kind {
        syscalls::CLONE3 => 0,
        _ => cx.u32(arg::FLAGS).unwrap_or(0),
    };
    match cx.int(arg::PID) {
        Some(pid) if pid > 0 && pid != cx.event.head.tid.0 => flags | bits::THREAD,
        Some(pid) if pid > 0 => flags & !bits::THREAD,
        _ => flags,
    }
}

/// The child's own event about a thread that the parent's event made: it knows more.
fn complete_child(r: &mut Replay, cx: &mut Cx<'_>, child: ThreadId) {
    let live = &mut r.live.thread[child.index()];
    if !live.awaits_child_event {
        return;
    }
    live.awaits_child_event = false;
    // *Truth*: the child may have been born into a cgroup of its own (CLONE_INTO_CGROUP); Falco keeps the parent's.
    set_cgroups(r, cx, child);
}

fn set_cgroups(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId) {
    if let Some(cgroups) = cx.bytes(arg::CGROUPS) {
        r.set_cgroups(thread, cgroups);
    }
}

/// Main thread of the process that the child's event names, for a new thread.
fn leader_or_placeholder(r: &mut Replay, cx: &Cx<'_>) -> Option<ThreadId> {
    let pid = cx.int(arg::PID).filter(|&pid| pid > 0)?;
    if pid == cx.event.head.tid.0 {
        return None;
    }
    let leader = r.leader_or_placeholder(pid, cx)?;
    if r.live.thread[leader.index()].is_placeholder {
        // What is said of the new thread holds for its process.
        let leader_process = r.process_of(leader);
        let image = image_of_birth(r, cx, r.attrs_of(leader).image);
        r.change_attrs(leader, |attrs| attrs.image = image);
        r.sync_leader_image(leader);
        if let Some(vpid) = cx.int(arg::VPID) {
            r.history.processes[leader_process.index()].know_vpid(vpid);
            r.history.threads[leader.index()].know_vtid(vpid);
        }
        set_parent_from_event(r, cx, leader_process);
        r.live.thread[leader.index()].is_placeholder = false;
    }
    Some(leader)
}

/// The parent that the child's event names.
fn parent_or_placeholder(r: &mut Replay, cx: &Cx<'_>) -> Option<ThreadId> {
    let ptid = cx.int(arg::PTID).filter(|&ptid| ptid > 0)?;
    if ptid == cx.event.head.tid.0 {
        r.notes.n_parent_cycles += 1;
        return None;
    }
    if let Some(parent) = r.thread_by_tid(ptid) {
        return Some(parent);
    }
    r.notes.n_named_only += 1;
    r.thread_or_placeholder(ptid, cx)
}

fn set_parent_from_event(r: &mut Replay, cx: &Cx<'_>, process: ProcessId) {
    if r.history.processes[process.index()].birth_parent().is_some() {
        return;
    }
    let Some(ptid) = cx.int(arg::PTID).filter(|&ptid| ptid > 0) else { return };
    if let Some(parent) = r.thread_by_tid(ptid) {
        r.set_birth_parent(process, parent, cx.seq);
    }
}

/// A placeholder's first birth event: it tells process, parent and ids of its caller.
fn identify(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId) -> ThreadId {
    let tid = r.history.threads[thread.index()].tid.0;
    let pid = cx.int(arg::PID).filter(|&pid| pid > 0).unwrap_or(tid);
    let thread = if pid == tid { thread } else { move_to_process(r, cx, thread, pid) };
    r.live.thread[thread.index()].is_placeholder = false;
    let process = r.process_of(thread);
    let (vtid, vpid) = match (cx.int(arg::VTID), cx.int(arg::VPID)) {
        (Some(vtid), Some(vpid)) => (vtid, Some(vpid)),
        _ => (tid, None),
    };
    r.history.threads[thread.index()].know_vtid(vtid);
    if let Some(vpid) = vpid {
        r.history.processes[process.index()].know_vpid(vpid);
    }
    set_parent_from_event(r, cx, process);
    thread
}

/// A thread that was taken for a process belongs to another one.
fn move_to_process(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId, pid: i64) -> ThreadId {
    let guessed = r.process_of(thread);
    let Some(leader) = r.leader_or_placeholder(pid, cx) else { return thread };
    r.live.thread[leader.index()].is_placeholder = false;
    let real = r.process_of(leader);
    r.notes.n_merged += 1;
    let row = &r.history.threads[thread.index()];
    let (tid, vtid, origin, start_ns) = (row.tid, row.vtid(), row.origin, row.start_ns());
    let template = r.attrs_of(thread);
    let children = std::mem::take(&mut r.live.thread[thread.index()].children);
    r.forget(thread, cx.seq);
    r.history.processes[guessed.index()].merge_into(real);
    let moved =
        r.create_thread(NewThread { tid, vtid, process: real, start_ns, origin, from: cx.seq }, template, cx.ts);
    for &child in children.iter() {
        r.set_parent(child, Some(moved), cx.seq);
    }
    moved
}

/// Which of the two events tells of the birth.
enum BirthSide {
    Parent { tid: i64 },
    Child,
}

/// Creates the child. `template` is the caller, or (child's event) the parent or main thread.
fn create(r: &mut Replay, cx: &mut Cx<'_>, template: ThreadId, side: BirthSide, flags: u32) -> ThreadId {
    let is_thread = flags & bits::THREAD != 0;
    let template_process = r.process_of(template);
    let is_known_template = !r.live.thread[template.index()].is_placeholder;
    let (tid, vtid, vpid) = match side {
        BirthSide::Parent { tid } => {
            let pid = if is_thread { r.history.processes[template_process.index()].pid.0 } else { tid };
            (tid, Some(tid), Some(pid))
        }
        BirthSide::Child => {
            let tid = cx.event.head.tid.0;
            match (cx.int(arg::VTID), cx.int(arg::VPID)) {
                (Some(vtid), Some(vpid)) => (tid, Some(vtid), Some(vpid)),
                _ => (tid, Some(tid), None),
            }
        }
    };
    // The kernel takes the time of birth before it tells of it, and the parent can be preempted in between: with the
    // number this is what names the process in /proc.
    let start_ns = cx.uint(arg::START).filter(|&ns| ns > 0).map_or(cx.ts, Nanos);
    let mut attrs = r.attrs_of(template);
    let image = image_of_birth(r, cx, attrs.image);
    let creds = creds_of_birth(r, cx, attrs.creds);
    let is_in_pidns = flags & (bits::CHILD_IN_PIDNS | bits::NEWPID) != 0 || vtid.is_some_and(|vtid| vtid != tid);
    let boot_ns = r.history.sections.last().and_then(|section| section.machine.boot_ns);
    let pidns_init_start_ns = if is_in_pidns && matches!(side, BirthSide::Child) {
        cx.uint(arg::PIDNS_START).map(|since_boot| since_boot.wrapping_add(boot_ns.unwrap_or(0)))
    } else {
        boot_ns
    };

    let process = if is_thread {
        template_process
    } else {
        let parent = &r.history.processes[template_process.index()];
        let (root, env) = (parent.inherited.root.last(), parent.env().last());
        let fd_limit = cx.int(arg::FDLIMIT).or(parent.inherited.fd_limit.last());
        let inherited = r.inherited(Some(template_process), (root, fd_limit, vpid == Some(1)));
        let cwd = r.cwd_of(template);
        let table = r.table_of(template);
        let fd_table = r.table_of_birth(table, flags, cx.seq);
        let process = r.create_process(NewProcess {
            pid: Tid(tid),
            vpid,
            start_ns: Some(start_ns),
            born: cx.seq,
            origin: Origin::Birth,
            birth_parent: Some(template_process),
            parent: is_known_template.then_some((template_process, template)),
            image,
            cwd,
            env,
            fd_table,
            inherited,
        });
        if is_known_template {
            r.live.thread[template.index()].children.push(process);
        }
        if flags & bits::FS != 0 {
            r.share_fs(template_process, process);
        }
        process
    };
    attrs.image = image;
    attrs.creds = creds;
    attrs.renamed = None;
    attrs.pidns_init_start_ns = pidns_init_start_ns;
    let new = NewThread { tid: Tid(tid), vtid, process, start_ns: Some(start_ns), origin: Origin::Birth, from: cx.seq };
    let child = r.create_thread(new, attrs, cx.ts);
    let live = &mut r.live.thread[child.index()];
    live.clone_at(cx.ts);
    live.is_in_pidns = is_in_pidns;
    match side {
        BirthSide::Parent { .. } => live.awaits_child_event = true,
        BirthSide::Child => live.awaits_parent_event = true,
    }
    set_cgroups(r, cx, child);
    child
}

/// The child acted before its birth was seen: what it did stays, what it was born with is added.
fn adopt_placeholder(r: &mut Replay, cx: &Cx<'_>, child: ThreadId, parent: ThreadId, flags: u32) {
    let process = r.process_of(child);
    let parent_process = r.process_of(parent);
    let template = r.attrs_of(parent);
    let image = image_of_birth(r, cx, template.image);
    let creds = creds_of_birth(r, cx, template.creds);
    r.change_attrs(child, |attrs| {
        *attrs = Attrs { thread: attrs.thread, from: attrs.from, image, creds, renamed: attrs.renamed, ..template };
    });
    set_cgroups(r, cx, child);

    // Its descriptors: the parent's, with what it has opened and closed itself on top.
    let own = r.history.processes[process.index()].fd_table().last();
    let touched = r.history.fd_tables.touched(own, cx.seq);
    let parent_table = r.table_of(parent);
    let table = r.table_of_birth(parent_table, flags, cx.seq);
    for (fd, entry) in touched {
        r.history.fd_tables.set(table, fd, cx.seq, entry);
    }
    let cwd = r.cwd_of(parent);
    let from = &r.history.processes[parent_process.index()];
    let (root, env, fd_limit) = (from.inherited.root.last(), from.env().last(), from.inherited.fd_limit.last());
    let tid = r.history.threads[child.index()].tid.0;
    r.set_table(process, cx.seq, table);
    let row = &mut r.history.processes[process.index()];
    row.set_image(cx.seq, image);
    if row.cwd().last().is_none() {
        row.set_cwd(cx.seq, cwd);
    }
    row.set_env(cx.seq, env);
    let inherited = Arc::make_mut(&mut row.inherited);
    inherited.root.set(cx.seq, root);
    inherited.fd_limit.set(cx.seq, fd_limit);
    r.set_birth_parent(process, parent, cx.seq);
    if flags & bits::FS != 0 {
        r.share_fs(parent_process, process);
    }
    let row = &mut r.history.threads[child.index()];
    row.know_vtid(cx.int(arg::VTID).filter(|_| cx.ret == Some(0)).unwrap_or(tid));
    let vpid = cx.int(arg::VPID).filter(|_| cx.ret == Some(0)).unwrap_or(tid);
    r.history.processes[process.index()].know_vpid(vpid);
    let live = &mut r.live.thread[child.index()];
    live.is_placeholder = false;
    live.clone_at(cx.ts);
    live.awaits_child_event = true;
}

/// The image a child is born with: the one it is a copy of, under the name that the event shows (the parent may have
/// renamed itself).
fn image_of_birth(r: &mut Replay, cx: &Cx<'_>, id: ImageId) -> ImageId {
    let old = r.history.image(id);
    let like = |old: Option<Sym>| old.unwrap_or(Sym::EMPTY);
    let exe = cx.event.arg(arg::EXE).bytes().map(|exe| r.intern_like(like(old.exe), exe)).or(old.exe);
    let comm = cx.bytes(arg::COMM).map(|comm| r.intern_like(like(old.comm), comm)).or(exe).or(old.comm);
    let args = cx.event.arg(arg::ARGS).bytes().map_or(old.args, |args| r.intern_list_like(old.args, args));
    if (exe, comm, args) == (old.exe, old.comm, old.args) {
        return id;
    }
    r.push_image(Image { from: cx.seq, is_exec: false, comm, exe, args, ..old })
}

fn creds_of_birth(r: &mut Replay, cx: &Cx<'_>, old_id: CredId) -> CredId {
    let old = *r.history.creds(old_id);
    let id = |i: usize, old: Option<u32>| match cx.u32(i) {
        Some(id) => (id != u32::MAX).then_some(id),
        None => old,
    };
    let (uid, gid) = (id(arg::UID, old.uid), id(arg::GID, old.gid));
    let new = Creds { uid, gid, falco_uid: uid, falco_gid: gid, ..old };
    if new == old { old_id } else { r.creds(new) }
}

impl Replay {
    /// The current thread with an id, or a placeholder for it. `None` for ids that no thread has.
    pub(crate) fn thread_or_placeholder(&mut self, tid: i64, cx: &Cx<'_>) -> Option<ThreadId> {
        if let Some(thread) = self.thread_by_tid(tid) {
            return Some(thread);
        }
        if tid < 0 {
            return None;
        }
        self.notes.n_first_seen_threads += 1;
        let image = self.unknown_image();
        let creds =
            self.creds(Creds { uid: None, gid: None, loginuid: None, caps: None, falco_uid: None, falco_gid: None });
        let fd_table = self.history.fd_tables.create();
        let inherited = self.inherited(None, (None, None, false));
        let process = self.create_process(unknown_process(tid, cx.seq, image, fd_table, inherited));
        let attrs = unknown_attrs(cx.seq, image, creds);
        let new =
            NewThread { tid: Tid(tid), vtid: None, process, start_ns: None, origin: Origin::FirstSeen, from: cx.seq };
        let thread = self.create_thread(new, attrs, cx.ts);
        self.live.thread[thread.index()].is_placeholder = true;
        Some(thread)
    }

    /// The main thread of the current process with a pid, or a placeholder for it.
    fn leader_or_placeholder(&mut self, pid: i64, cx: &Cx<'_>) -> Option<ThreadId> {
        if let Some(process) = self.live.groups.get(pid) {
            return Some(self.history.processes[process.index()].leader());
        }
        if let Some(thread) = self.thread_by_tid(pid) {
            // It was known as a secondary thread of another process, which it cannot be.
            self.evict(thread, cx.seq);
        }
        self.notes.n_named_only += 1;
        self.thread_or_placeholder(pid, cx)
    }

    /// The image of which nothing is known; always the first row.
    pub(crate) fn unknown_image(&mut self) -> ImageId {
        if self.history.images.is_empty() {
            self.push_image(Image {
                from: Seq(0),
                is_exec: false,
                comm: None,
                exe: None,
                args: Sym::EMPTY,
                exepath: Sym::EMPTY,
                is_deleted: false,
                filename: None,
                flags: None,
                ino: None,
                ctime: None,
                mtime: None,
            });
        }
        ImageId::new(0)
    }

    pub(crate) fn push_image(&mut self, image: Image) -> ImageId {
        let id = ImageId::new(index_of(self.history.images.len()));
        self.history.images.push(image);
        id
    }

    /// What a process is born with, shared with the parent if that still has it so, else with others.
    pub(crate) fn inherited(&mut self, parent: Option<ProcessId>, key: InheritedKey) -> Arc<Inherited> {
        let (root, fd_limit, is_subreaper) = key;
        if let Some(parent) = parent {
            let of_parent = &self.history.processes[parent.index()].inherited;
            let Inherited { root: roots, fd_limit: limits, is_subreaper: is_subreapers } = &**of_parent;
            if roots.only() == Some(root)
                && limits.only() == Some(fd_limit)
                && is_subreapers.only() == Some(is_subreaper)
            {
                return Arc::clone(of_parent);
            }
        }
        let shared = self.live.inherited.entry(key).or_insert_with(|| {
            Arc::new(Inherited {
                root: Timeline::new(Seq(0), root),
                fd_limit: Timeline::new(Seq(0), fd_limit),
                is_subreaper: Timeline::new(Seq(0), is_subreaper),
            })
        });
        Arc::clone(shared)
    }

    /// Adds a process without threads; its main thread must follow at once.
    pub(crate) fn create_process(&mut self, new: NewProcess) -> ProcessId {
        let id = ProcessId::new(index_of(self.history.processes.len()));
        let mut process = Process::new(new);
        process.section = index_of(self.history.sections.len().saturating_sub(1));
        let rows = &self.history.processes;
        let last = self.live.newest.insert(process.pid.0, id);
        let mut newest_start_ns = 0;
        // Another section is another machine, as far as is known.
        if let Some(last) = last.filter(|&last| rows[last.index()].section == process.section) {
            let row = &rows[last.index()];
            process.n_twins = if row.born == process.born { row.n_twins + 1 } else { 0 };
            newest_start_ns = self.live.process[last.index()].newest_start_ns;
        }
        if let Some(Nanos(start)) = process.start_ns() {
            process.is_start_unique = start > newest_start_ns;
            newest_start_ns = start.max(newest_start_ns);
        }
        if let Some(old) = self.live.groups.get(process.pid.0) {
            let leader = self.history.processes[old.index()].leader();
            self.evict(leader, process.born);
        }
        self.live.groups.insert(process.pid.0, id);
        let is_reaper = process.pid.0 == 1 || process.vpid() == Some(1) || process.inherited.is_subreaper.last();
        self.live.process.push(LiveProcess { is_reaper, newest_start_ns, ..LiveProcess::default() });
        self.history.processes.push(process);
        id
    }

    /// Adds a thread to a process and makes it current.
    pub(crate) fn create_thread(&mut self, new: NewThread, mut attrs: Attrs, seen_at: Nanos) -> ThreadId {
        if let Some(old) = self.live.threads.get(new.tid.0) {
            self.evict(old, new.from);
        }
        let id = ThreadId::new(index_of(self.history.threads.len()));
        attrs.thread = id;
        attrs.from = new.from;
        let attrs = self.push_attrs(attrs);
        let is_leader = self.history.processes[new.process.index()].pid == new.tid;
        let previous = self.history.index.threads.insert(new.tid.0, id);
        self.history.threads.push(Thread::new(&new, attrs, previous));
        self.live.thread.push(LiveThread { since: seen_at, ..LiveThread::default() });
        self.history.processes[new.process.index()].threads.push(id);
        let alive = &mut self.live.process[new.process.index()].alive;
        if is_leader {
            alive.insert(0, id)
        } else {
            alive.push(id)
        }
        self.live.threads.insert(new.tid.0, id);
        self.live.recent.forget(new.tid.0);
        id
    }

    /// The descriptor table of a new process. *Truth*: CLONE_FILES shares the parent's. Falco always copies.
    fn table_of_birth(&mut self, parent: TableId, flags: u32, seq: Seq) -> TableId {
        if flags & bits::FILES == 0 {
            return self.fork_table(parent, seq);
        }
        self.live.shared_tables.insert(parent);
        parent
    }

    /// The image timeline of a process follows its main thread.
    pub(crate) fn sync_leader_image(&mut self, thread: ThreadId) {
        let process = self.process_of(thread);
        let image = self.attrs_of(thread).image;
        let now = self.now();
        let row = &mut self.history.processes[process.index()];
        if row.leader() == thread {
            row.set_image(now, image);
        }
    }

    /// Makes two processes share working directory and root (CLONE_FS). Beyond [`MAX_FS_GROUP`] processes a
    /// further one gets a copy: a change is written to each, which must not cost more than the trace is long.
    pub(crate) fn share_fs(&mut self, with: ProcessId, process: ProcessId) {
        let group = match self.live.process[with.index()].fs_group {
            Some(group) => group,
            None => {
                let group = index_of(self.live.fs_groups.len());
                self.live.fs_groups.push(vec![with]);
                self.live.process[with.index()].fs_group = Some(group);
                group
            }
        };
        let (members, processes) = (&mut self.live.fs_groups[group as usize], &self.history.processes);
        members.retain(|member| processes[member.index()].ended().is_none());
        if members.len() < MAX_FS_GROUP {
            members.push(process);
            self.live.process[process.index()].fs_group = Some(group);
        }
    }
}

/// A process of which only the id of one thread is known.
pub(crate) fn unknown_process(
    tid: i64,
    from: Seq,
    image: ImageId,
    fd_table: TableId,
    inherited: Arc<Inherited>,
) -> NewProcess {
    NewProcess {
        pid: Tid(tid),
        vpid: None,
        start_ns: None,
        born: from,
        origin: Origin::FirstSeen,
        birth_parent: None,
        parent: None,
        image,
        cwd: None,
        env: None,
        fd_table,
        inherited,
    }
}

/// Attributes of which nothing is known. The thread is filled in by [`Replay::create_thread`].
pub(crate) fn unknown_attrs(from: Seq, image: ImageId, creds: CredId) -> Attrs {
    Attrs {
        thread: ThreadId::new(0),
        from,
        image,
        creds,
        sid: None,
        pgid: None,
        vpgid: None,
        true_pgid: None,
        tty: None,
        cgroups: Sym::EMPTY,
        container: None,
        renamed: None,
        pidns_init_start_ns: None,
    }
}

#[cfg(test)]
mod tests {
    use super::bits;
    use tracehound_formats::event::flags::CLONE_FLAGS;

    #[test]
    fn bits_are_those_of_the_table() {
        for (name, bit) in [
            ("CLONE_FILES", bits::FILES),
            ("CLONE_FS", bits::FS),
            ("CLONE_NEWNS", bits::NEWNS),
            ("CLONE_NEWPID", bits::NEWPID),
            ("CLONE_PARENT", bits::PARENT),
            ("CLONE_THREAD", bits::THREAD),
            ("CLONE_NEWUSER", bits::NEWUSER),
            ("CLONE_VFORK", bits::VFORK),
            ("CLONE_CHILD_IN_PIDNS", bits::CHILD_IN_PIDNS),
        ] {
            assert_eq!(CLONE_FLAGS.value(name), Some(bit), "{name}");
        }
    }
}
