//! Descriptors without a path: close, dup, fcntl and the system calls that make special ones.

use tracehound_formats::event::syscalls;
use tracehound_formats::section::FdKind;

use super::files::open_flags;
use super::namespaces::unshare_files;
use crate::history::OpenFile;
use crate::replay::{Cx, Replay};

/// Bits of the `close_range_flags` table.
const CLOSE_RANGE_UNSHARE: u32 = 2;
const CLOSE_RANGE_CLOEXEC: u32 = 4;
/// Values of the `fcntl_commands` table.
const F_DUPFD: u64 = 1;
const F_SETFD: u64 = 3;
const F_DUPFD_CLOEXEC: u64 = 0x1a;
/// Linux's FD_CLOEXEC.
const FD_CLOEXEC: u64 = 1;
/// Bits of the `epoll_create1_flags` and `memfd_create_flags` tables.
const EPOLL_CLOEXEC: u32 = 1;
const MFD_CLOEXEC: u32 = 1;
/// Commands of the `bpf_commands` table that return a new descriptor.
const BPF_NEW_FD: [u64; 12] = [0x0, 0x5, 0x7, 0xd, 0xe, 0x11, 0x12, 0x13, 0x1c, 0x1e, 0x20, 0x21];

/// close. The descriptor goes before the next event, so that this one can still be asked what it was.
pub(crate) fn close(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(fd), true) = (cx.fact.thread, cx.fact.fd, cx.is_ok()) else { return };
    if cx.fact.file.is_some() {
        let table = r.table_of(thread);
        r.close_later(table, fd);
    }
}

/// close_range, at once.
pub(crate) fn close_range(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread.filter(|_| cx.is_ok()) else { return };
    let (Some(first), Some(last)) = (cx.u32(1), cx.u32(2)) else { return };
    let flags = cx.u32(3).unwrap_or(0);
    if flags & CLOSE_RANGE_UNSHARE != 0 {
        unshare_files(r, cx, thread);
    }
    let table = r.table_of(thread);
    for (fd, entry) in r.entries_of(table) {
        if (i64::from(first)..=i64::from(last)).contains(&fd) {
            if flags & CLOSE_RANGE_CLOEXEC != 0 {
                r.set_fd(thread, fd, entry.file, true);
            } else {
                r.set_fd(thread, fd, None, false);
            }
        }
    }
}

/// dup, dup2, dup3: both numbers share the description. `dup2(x, x)` included, which Falco treats alike.
pub(crate) fn dup(r: &mut Replay, cx: &mut Cx<'_>) {
    let is_cloexec =
        cx.event.head.kind == syscalls::DUP3 && cx.u32(3).is_some_and(|flags| flags & open_flags::CLOEXEC != 0);
    duplicate(r, cx, is_cloexec);
}

fn duplicate(r: &mut Replay, cx: &mut Cx<'_>, is_cloexec: bool) {
    let (Some(thread), Some(fd)) = (cx.fact.thread, cx.ret.filter(|&fd| fd >= 0)) else { return };
    if cx.fact.fd == Some(fd) {
        return;
    }
    // *Truth*: a copy of something unknown is unknown, whatever the number referred to before. Falco keeps that.
    r.set_fd(thread, fd, cx.fact.file, is_cloexec);
    if cx.fact.file.is_some() {
        cx.fact.fd = Some(fd);
    }
}

/// fcntl: F_DUPFD, F_DUPFD_CLOEXEC, F_SETFD.
pub(crate) fn fcntl(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), true) = (cx.fact.thread, cx.is_ok()) else { return };
    match cx.uint(2) {
        Some(F_DUPFD) => duplicate(r, cx, false),
        Some(F_DUPFD_CLOEXEC) => duplicate(r, cx, true),
        Some(F_SETFD) => {
            if let (Some(fd), Some(file), Some(arg)) = (cx.fact.fd, cx.fact.file, cx.uint(3)) {
                r.set_fd(thread, fd, Some(file), arg & FD_CLOEXEC != 0);
            }
        }
        _ => {}
    }
}

/// eventfd, signalfd, timerfd, inotify, epoll, userfaultfd, io_uring and such: a descriptor that has no name.
pub(crate) fn new(r: &mut Replay, cx: &mut Cx<'_>, kind: FdKind) {
    let (Some(thread), Some(fd)) = (cx.fact.thread, cx.ret.filter(|&fd| fd >= 0)) else { return };
    // Those without flags of the vocabulary have a bit of their own for close-on-exec; sources: `include/uapi/linux/`
    // `mount.h`, `fanotify.h`, `perf_event.h`, `fcntl.h`.
    let cloexec =
        |cx: &Cx<'_>, arg, bit| cx.u32(arg).map(|flags| if flags & bit != 0 { open_flags::CLOEXEC } else { 0 });
    let flags = match cx.event.head.kind {
        syscalls::FSOPEN | syscalls::FSMOUNT => cloexec(cx, 2, 1),
        syscalls::FSPICK => cloexec(cx, 3, 1),
        syscalls::FANOTIFY_INIT => cloexec(cx, 1, 1),
        syscalls::PERF_EVENT_OPEN => cloexec(cx, 6, 8),
        syscalls::MEMFD_SECRET => cloexec(cx, 1, 0o2_000_000),
        syscalls::EVENTFD2 | syscalls::INOTIFY_INIT1 | syscalls::SIGNALFD4 | syscalls::USERFAULTFD => cx.u32(1),
        syscalls::TIMERFD_CREATE => cx.u32(2),
        syscalls::EPOLL_CREATE1 => cloexec(cx, 1, EPOLL_CLOEXEC),
        _ => None,
    };
    let mut file = r.blank_file(Some(thread), kind);
    file.flags = flags.unwrap_or(0);
    // signalfd of an existing descriptor returns its number; a fresh entry takes its place, as in Falco.
    r.open_fd(cx, fd, file, file.flags & open_flags::CLOEXEC != 0);
}

/// bpf. Falco takes any result for a descriptor, also the 0 of a map update, and its answer is given for this event.
/// *Truth*: only commands that make a descriptor change the table.
pub(crate) fn bpf(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(fd)) = (cx.fact.thread, cx.ret.filter(|&fd| fd >= 0)) else { return };
    let file = r.blank_file(Some(thread), FdKind::Bpf);
    if cx.uint(1).is_none_or(|command| BPF_NEW_FD.contains(&command)) {
        r.open_fd(cx, fd, file, false);
    } else {
        cx.fact.file = Some(r.push_file(file));
        cx.fact.fd = Some(fd);
    }
}

/// memfd_create.
pub(crate) fn memfd_create(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(fd)) = (cx.fact.thread, cx.ret.filter(|&fd| fd >= 0)) else { return };
    let mut file = r.blank_file(Some(thread), FdKind::Memfd);
    file.name = cx.event.arg(1).bytes().map_or(file.name, |name| r.intern(name));
    file.flags = cx.u32(2).unwrap_or(0);
    r.open_fd(cx, fd, file, file.flags & MFD_CLOEXEC != 0);
}

/// pidfd_open: the kernel always marks it close-on-exec.
pub(crate) fn pidfd_open(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(fd)) = (cx.fact.thread, cx.ret.filter(|&fd| fd >= 0)) else { return };
    let Some(pid) = cx.int(1) else { return };
    let mut file = r.blank_file(Some(thread), FdKind::Pidfd);
    file.name = r.intern(format!("/proc/{pid}").as_bytes());
    file.flags = cx.u32(2).unwrap_or(0);
    file.pid = Some(pid);
    r.open_fd(cx, fd, file, true);
}

/// pidfd_getfd: a copy of another process's descriptor, if that is known.
pub(crate) fn pidfd_getfd(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(fd)) = (cx.fact.thread, cx.ret.filter(|&fd| fd >= 0)) else { return };
    let source = pidfd_target(r, cx);
    r.set_fd(thread, fd, source, true);
    if source.is_some() {
        cx.fact.fd = Some(fd);
        cx.fact.file = source;
    }
}

fn pidfd_target(r: &mut Replay, cx: &Cx<'_>) -> Option<crate::history::FileId> {
    let thread = cx.fact.thread?;
    let pidfd = r.file_of(thread, cx.int(1)?)?;
    let OpenFile { kind: FdKind::Pidfd, pid: Some(pid), .. } = r.history.file(pidfd) else { return None };
    let target = r.thread_by_tid(pid)?;
    r.file_of(target, cx.int(2)?)
}
