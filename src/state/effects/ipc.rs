//! Pipes and pairs of sockets.

use tracehound_formats::section::FdKind;

use super::files::open_flags;
use crate::replay::{Cx, Replay};

/// Linux's SOCK_CLOEXEC in the type of a socket.
pub(crate) const SOCK_CLOEXEC: u32 = 0o2_000_000;

/// pipe, pipe2: two ends of one inode. The event's descriptor is the second, as in Falco.
pub(crate) fn pipe(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread.filter(|_| cx.is_ok()) else { return };
    let flags = cx.u32(4).unwrap_or(0);
    for i in [1, 2] {
        let Some(fd) = cx.int(i) else { return };
        let mut file = r.blank_file(Some(thread), FdKind::Pipe);
        file.ino = cx.uint(3);
        file.flags = flags;
        r.open_fd(cx, fd, file, flags & open_flags::CLOEXEC != 0);
    }
}

/// socketpair: two Unix sockets without a name.
pub(crate) fn socketpair(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread.filter(|_| cx.is_ok()) else { return };
    let (Some(fd1), Some(fd2)) = (cx.int(1), cx.int(2)) else { return };
    if fd1 == fd2 {
        return;
    }
    let mut file = r.blank_file(Some(thread), FdKind::UnixSocket);
    file.unix = cx.uint(3).zip(cx.uint(4));
    // *Truth*: the type's flag closes at exec. Falco keeps such descriptors.
    let is_cloexec = cx.u32(6).is_some_and(|ty| ty & SOCK_CLOEXEC != 0);
    for fd in [fd1, fd2] {
        file.origin = r.blank_file(Some(thread), FdKind::UnixSocket).origin;
        r.open_fd(cx, fd, file, is_cloexec);
    }
}
