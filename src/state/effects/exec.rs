//! execve and execveat: another image in the same process.
//!
//! Only a success changes anything. The event is reported under the id of the main thread, even if another thread
//! called: the kernel has given it that id. Source: `sinsp_parser::parse_execve_exit`.

use std::sync::Arc;

use tracehound_formats::event::syscalls;

use crate::few::Few;
use crate::history::{CredId, Creds, Image, ImageId, ProcessId, ThreadId};
use crate::replay::{AT_FDCWD, Cx, Replay};
use crate::strings::Sym;

/// Positions of arguments, the same for both system calls.
mod arg {
    pub(super) const EXE: usize = 1;
    pub(super) const ARGS: usize = 2;
    pub(super) const PID: usize = 4;
    pub(super) const PTID: usize = 5;
    pub(super) const CWD: usize = 6;
    pub(super) const FDLIMIT: usize = 7;
    pub(super) const COMM: usize = 13;
    pub(super) const CGROUPS: usize = 14;
    pub(super) const ENV: usize = 15;
    pub(super) const TTY: usize = 16;
    pub(super) const VPGID: usize = 17;
    pub(super) const LOGINUID: usize = 18;
    pub(super) const FLAGS: usize = 19;
    pub(super) const CAPS: usize = 20;
    pub(super) const INO: usize = 23;
    pub(super) const CTIME: usize = 24;
    pub(super) const MTIME: usize = 25;
    pub(super) const UID: usize = 26;
    pub(super) const EXEPATH: usize = 27;
    pub(super) const PGID: usize = 28;
    pub(super) const GID: usize = 29;
    /// Only in execve's row.
    pub(super) const FILENAME: usize = 30;
}

/// What the kernel appends to the path of a file that is gone.
const DELETED: &[u8] = b" (deleted)";

/// execve, execveat.
pub(crate) fn exec(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread else { return };
    if !cx.is_ok() {
        return;
    }
    let thread = main_thread(r, cx, thread);
    let process = r.process_of(thread);
    cx.fact.thread = Some(thread);
    revive(r, thread, process);
    end_other_threads(r, cx, thread, process);
    if r.live.thread[thread.index()].is_placeholder {
        identify(r, cx, thread, process);
    }
    let image = image(r, cx, thread);
    let creds = creds(r, cx, thread);
    let tty = cx.u32(arg::TTY);
    let vpgid = cx.int(arg::VPGID);
    let pgid = cx.int(arg::PGID).filter(|&pgid| pgid >= 0);
    r.change_attrs(thread, |attrs| {
        attrs.image = image;
        attrs.creds = creds;
        attrs.tty = tty.or(attrs.tty);
        attrs.vpgid = vpgid.or(attrs.vpgid);
        // Falco forgets the group where the event has none; the group itself has not changed.
        attrs.pgid = pgid;
        attrs.true_pgid = pgid.or(attrs.true_pgid);
        attrs.renamed = None;
    });
    if let Some(cgroups) = cx.bytes(arg::CGROUPS) {
        r.set_cgroups(thread, cgroups);
    }
    let old_env = r.history.processes[process.index()].env().last();
    let env = cx.bytes(arg::ENV).map(|env| r.intern_list_like(old_env.unwrap_or(Sym::EMPTY), env));
    let env = env.filter(|&env| old_env != Some(env));
    // *Truth*: an old capture that shows the working directory fills it in where it was lost. Falco ignores it.
    let cwd = match r.history.processes[process.index()].cwd().last() {
        None => cx.bytes(arg::CWD).filter(|cwd| cwd.starts_with(b"/")).map(|cwd| r.intern_dir(None, cwd)),
        Some(_) => None,
    };
    let row = &mut r.history.processes[process.index()];
    row.set_image(cx.seq, image);
    if let Some(env) = env {
        row.set_env(cx.seq, Some(env));
    }
    if cwd.is_some() {
        row.set_cwd(cx.seq, cwd);
    }
    let limit = cx.int(arg::FDLIMIT).filter(|&limit| row.inherited.fd_limit.last() != Some(limit));
    if let Some(limit) = limit {
        Arc::make_mut(&mut row.inherited).fd_limit.set(cx.seq, Some(limit));
    }
    close_on_exec(r, cx, thread, process);
}

/// The thread that goes on: the main thread of the process that the event names.
fn main_thread(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId) -> ThreadId {
    let tid = cx.event.head.tid.0;
    let process = r.process_of(thread);
    let known_pid = r.history.processes[process.index()].pid.0;
    let pid = cx.int(arg::PID).filter(|&pid| pid > 0).unwrap_or(known_pid);
    if pid == known_pid {
        // Reported under the caller's old id: the kernel had not given it the main thread's yet. *Truth*: from here
        // on there is only the main thread. Falco keeps the caller.
        return r.history.processes[process.index()].leader();
    }
    if pid != tid {
        // A placeholder whose process is named only now, or a contradiction: believe the kernel.
        if let Some(named) = r.live.groups.get(pid) {
            if r.live.thread[thread.index()].is_placeholder {
                r.notes.n_merged += 1;
                r.forget(thread, cx.seq);
                r.history.processes[process.index()].merge_into(named);
            } else {
                r.notes.n_exec_contradictions += 1;
            }
            return r.history.processes[named.index()].leader();
        }
        r.notes.n_exec_contradictions += 1;
        return thread;
    }
    // The id was known as that of a secondary thread of another process; now it leads one of its own.
    r.notes.n_exec_contradictions += 1;
    r.evict(thread, cx.seq);
    r.thread_or_placeholder(tid, cx).unwrap_or(thread)
}

/// A main thread that had exited lives again: another thread execed and took its place.
fn revive(r: &mut Replay, thread: ThreadId, process: ProcessId) {
    let live = &mut r.live.thread[thread.index()];
    if live.is_dead {
        live.is_dead = false;
        let group = &mut r.live.process[process.index()];
        group.leader_status = None;
        group.alive.insert(0, thread);
    }
}

fn end_other_threads(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId, process: ProcessId) {
    let others = std::mem::replace(&mut r.live.process[process.index()].alive, Few::One([thread]));
    for &other in others.iter() {
        if other != thread {
            r.remove_thread(other, cx.seq);
        }
    }
}

fn identify(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId, process: ProcessId) {
    r.live.thread[thread.index()].is_placeholder = false;
    let tid = r.history.threads[thread.index()].tid.0;
    let pid = r.history.processes[process.index()].pid.0;
    r.history.threads[thread.index()].know_vtid(tid);
    r.history.processes[process.index()].know_vpid(pid);
    if let Some(ptid) = cx.int(arg::PTID).filter(|&ptid| ptid > 0)
        && let Some(parent) = r.thread_by_tid(ptid)
    {
        r.set_birth_parent(process, parent, cx.seq);
    }
}

fn image(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId) -> ImageId {
    let old = r.history.image(r.attrs_of(thread).image);
    let exe = cx.event.arg(arg::EXE).bytes().map(|exe| r.intern(exe));
    // Captures before 2015 have no name of the command.
    let comm = cx.bytes(arg::COMM).map(|comm| r.intern(comm)).or(exe);
    let args = cx.event.arg(arg::ARGS).bytes().map_or(Sym::EMPTY, |args| r.intern_list(args));
    let filename = match cx.event.head.kind {
        syscalls::EXECVE => cx.bytes(arg::FILENAME),
        _ => None,
    };
    let (exepath, is_deleted) = match cx.bytes(arg::EXEPATH) {
        Some(path) => match path.strip_suffix(DELETED) {
            Some(path) if !path.is_empty() => (r.intern(path), true),
            _ => (r.intern(path), false),
        },
        // Old captures have only what was passed.
        None => match filename {
            Some(b"<NA>") => (r.intern(b"<NA>"), false),
            Some(path) => {
                let cwd = r.cwd_of(thread);
                (r.intern_joined(cwd, path), false)
            }
            None => (old.exepath, old.is_deleted),
        },
    };
    let filename = filename.map(|filename| r.intern(filename));
    let inode = cx.uint(arg::MTIME).is_some();
    let image = Image {
        from: cx.seq,
        is_exec: true,
        comm,
        exe,
        args,
        exepath,
        is_deleted,
        filename,
        flags: cx.u32(arg::FLAGS).or(old.flags),
        ino: if inode { cx.uint(arg::INO) } else { old.ino },
        ctime: if inode { cx.uint(arg::CTIME) } else { old.ctime },
        mtime: if inode { cx.uint(arg::MTIME) } else { old.mtime },
    };
    r.push_image(image)
}

fn creds(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId) -> CredId {
    let old = *r.history.creds(r.attrs_of(thread).creds);
    let id = |i: usize, old: Option<u32>| match cx.u32(i) {
        Some(id) => (id != u32::MAX).then_some(id),
        None => old,
    };
    let caps = match (cx.uint(arg::CAPS), cx.uint(arg::CAPS + 1), cx.uint(arg::CAPS + 2)) {
        (Some(inheritable), Some(permitted), Some(effective)) => Some([inheritable, permitted, effective]),
        _ => old.caps,
    };
    let (uid, gid) = (id(arg::UID, old.uid), id(arg::GID, old.gid));
    let loginuid = id(arg::LOGINUID, old.loginuid);
    r.creds(Creds { uid, gid, loginuid, caps, falco_uid: uid, falco_gid: gid })
}

/// Closes what is marked so. A table shared with another process is left to that one and copied first.
fn close_on_exec(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId, process: ProcessId) {
    let mut table = r.table_of(thread);
    if r.live.shared_tables.contains(&table) {
        table = r.fork_table(table, cx.seq);
        r.set_table(process, cx.seq, table);
    }
    let cost = r.history.fd_tables.cost(table);
    if r.spend(cost) {
        for fd in r.history.fd_tables.closed_at_exec(table) {
            r.set_fd(thread, fd, None, false);
        }
    }
}

/// The directory that a system call names by descriptor: the working directory, a known one, or unknown.
pub(crate) enum Dir {
    At(Option<Sym>),
    Unknown,
}

impl Replay {
    /// What `dirfd` means to a thread.
    pub(crate) fn dir(&mut self, thread: ThreadId, dirfd: i64) -> Dir {
        if dirfd == AT_FDCWD {
            return Dir::At(self.cwd_of(thread));
        }
        let Some(file) = self.file_of(thread, dirfd) else { return Dir::Unknown };
        let name = self.history.file_names(file).name;
        if let Some(dir) = self.live.dirs.get(name, Sym::EMPTY) {
            return Dir::At(Some(dir));
        }
        let text = self.history.strings.get(name);
        let dir = if text.is_empty() || text.ends_with(b"/") {
            name
        } else {
            self.scratch.clear();
            self.scratch.extend_from_slice(text);
            self.scratch.push(b'/');
            self.history.strings.intern(&self.scratch)
        };
        self.live.dirs.set(name, Sym::EMPTY, dir);
        Dir::At(Some(dir))
    }

    /// Interns a directory taken relative to another, with a trailing `/`.
    pub(crate) fn intern_dir(&mut self, base: Option<Sym>, path: &[u8]) -> Sym {
        let base: &[u8] = base.map_or(b"", |base| self.history.strings.get(base));
        super::paths::join(&mut self.scratch, base, path);
        if !self.scratch.ends_with(b"/") {
            self.scratch.push(b'/');
        }
        self.history.strings.intern(&self.scratch)
    }
}
