//! The descriptors of a process: where the links of `/proc/PID/fd` point. Source: `man 5 proc_pid_fd`.

use bstr::{BString, ByteSlice};
use tracehound_formats::Tid;
use tracehound_formats::section::{FdEntry, FdKind, FdTarget};

use super::sockets::Sockets;
use crate::files::Root;
use crate::flags::open_flags;

/// Most bytes of `/proc/PID/fdinfo/N`: the flags stand near the start, an eventpoll lists all it watches after them.
const MAX_FDINFO: usize = 512;

/// Kinds of anonymous inodes by their names (`anon_inode_getfd` and its like in the kernel).
const ANONYMOUS: [(&str, FdKind); 13] = [
    ("[eventpoll]", FdKind::Eventpoll),
    ("[eventfd]", FdKind::Event),
    ("[signalfd]", FdKind::Signal),
    ("[timerfd]", FdKind::Timer),
    ("inotify", FdKind::Inotify),
    ("[userfaultfd]", FdKind::Userfaultfd),
    ("[io_uring]", FdKind::IoUring),
    ("[pidfd]", FdKind::Pidfd),
    ("bpf-map", FdKind::Bpf),
    ("bpf-prog", FdKind::Bpf),
    ("bpf-link", FdKind::Bpf),
    ("bpf_link", FdKind::Bpf),
    ("btf", FdKind::Bpf),
];

/// What the name of a descriptor tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// It is a path.
    Path,
    /// A socket with this inode.
    Socket(u64),
    /// Something with no path: kind, and inode if the name has it.
    Other(FdKind, Option<u64>),
}

/// A descriptor; `None` if it was closed meanwhile.
pub(crate) fn entry(root: &Root, pid: u32, fd: u32, net_ns: u64, sockets: &mut Sockets) -> Option<FdEntry> {
    let path = format!("/proc/{pid}/fd/{fd}");
    let name = root.link(&path)?;
    let sort = sort(&name);
    let named = |kind, flags, dev| FdTarget::Named { kind, name, flags, dev };
    let (inode, target) = match sort {
        Sort::Path => {
            let facts = root.facts(&path);
            let kind = if facts.is_some_and(|facts| facts.is_dir()) { FdKind::Directory } else { FdKind::File };
            (facts.map(|facts| facts.ino), named(kind, flags(root, pid, fd), facts.map(|facts| facts.dev)))
        }
        Sort::Socket(inode) => {
            let known = sockets.target(root, pid, net_ns, inode).cloned();
            // Of families without a table, or made since the table was read.
            (Some(inode), known.unwrap_or_else(|| named(FdKind::Unsupported, None, None)))
        }
        Sort::Other(kind, inode) => (inode, named(kind, flags(root, pid, fd), None)),
    };
    Some(FdEntry { tid: Tid(pid.into()), fd: fd.into(), inode, target })
}

fn sort(name: &BString) -> Sort {
    let number = |prefix: &str| {
        let digits = name.strip_prefix(prefix.as_bytes())?.strip_suffix(b"]")?;
        digits.to_str().ok()?.parse().ok()
    };
    if let Some(inode) = number("socket:[") {
        return Sort::Socket(inode);
    }
    if let Some(inode) = number("pipe:[") {
        return Sort::Other(FdKind::Pipe, Some(inode));
    }
    if let Some(name) = name.strip_prefix(b"anon_inode:") {
        let found = ANONYMOUS.iter().find(|(known, _)| known.as_bytes() == name);
        return Sort::Other(found.map_or(FdKind::Unsupported, |&(_, kind)| kind), None);
    }
    // `memfd_create` makes its files in a mount of the kernel, where each is deleted from the start.
    if name.starts_with(b"/memfd:") && name.ends_with(b" (deleted)") {
        return Sort::Other(FdKind::Memfd, None);
    }
    Sort::Path
}

fn flags(root: &Root, pid: u32, fd: u32) -> Option<u32> {
    let text = root.read(&format!("/proc/{pid}/fdinfo/{fd}"), MAX_FDINFO)?;
    let value = text.lines().find_map(|line| line.strip_prefix(b"flags:"))?;
    u32::from_str_radix(value.trim_ascii().to_str().ok()?, 8).ok().map(open_flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_by_name() {
        for (name, want) in [
            ("/etc/passwd", Sort::Path),
            ("/memfd:x", Sort::Path),
            ("/memfd:x (deleted)", Sort::Other(FdKind::Memfd, None)),
            ("socket:[77]", Sort::Socket(77)),
            ("socket:[x]", Sort::Path),
            ("pipe:[78]", Sort::Other(FdKind::Pipe, Some(78))),
            ("anon_inode:[eventfd]", Sort::Other(FdKind::Event, None)),
            ("anon_inode:inotify", Sort::Other(FdKind::Inotify, None)),
            ("anon_inode:[fanotify]", Sort::Other(FdKind::Unsupported, None)),
        ] {
            assert_eq!(sort(&name.into()), want, "{name}");
        }
    }
}
