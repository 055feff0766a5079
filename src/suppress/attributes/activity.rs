//! What kind of activity an event is: which attributes it has, and which are worth suppressing by.

use std::fmt;

use tracehound_fields::View;
use tracehound_formats::KindId;
use tracehound_formats::event::{generic, pseudo, syscalls};

/// Kinds of activity that the guide tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Activity {
    /// Births, execs, ends, changes of identity, signals.
    Process,
    /// Files, directories, mounts.
    File,
    /// Connections and name look-ups.
    Network,
    /// What works on the kernel or on memory: bpf, modules, ptrace, mmap.
    Kernel,
}

impl Activity {
    /// All of them.
    pub const ALL: [Activity; 4] = [Activity::Process, Activity::File, Activity::Network, Activity::Kernel];

    /// `process`, `file`, `network`, `kernel`.
    pub fn name(self) -> &'static str {
        match self {
            Activity::Process => "process",
            Activity::File => "file",
            Activity::Network => "network",
            Activity::Kernel => "kernel",
        }
    }

    /// Kind of activity of an event; `None` for what is none of them (waiting, time, reading a terminal).
    pub fn of(view: &View<'_>) -> Option<Activity> {
        event_of(view).map(|(_, activity)| activity)
    }

    /// The set of this one.
    pub const fn only(self) -> ActivitySet {
        ActivitySet(1 << self as u8)
    }
}

/// A set of [`Activity`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivitySet(u8);

impl ActivitySet {
    /// None.
    pub const NONE: ActivitySet = ActivitySet(0);
    /// All.
    pub const ALL: ActivitySet = ActivitySet(0b1111);

    /// With those of another set.
    pub const fn and(self, other: ActivitySet) -> ActivitySet {
        ActivitySet(self.0 | other.0)
    }

    /// Kinds of activity that events of a kind can be, before anything else of them is known. Empty for what is none.
    pub fn of_kind(kind: KindId) -> ActivitySet {
        use syscalls::*;
        match of_kind(kind) {
            Some((_, activity)) => activity.only(),
            None => match kind {
                SEND | SENDTO | SENDMSG | SENDMMSG | RECV | RECVFROM | RECVMSG | RECVMMSG => Activity::Network.only(),
                GENERIC => Activity::File.only().and(Activity::Kernel.only()),
                READ | WRITE | READV | WRITEV | PREAD | PWRITE | PREADV | PWRITEV | PREADV2 | PWRITEV2 | SENDFILE
                | CLOSE => Activity::File.only().and(Activity::Network.only()),
                _ => ActivitySet::NONE,
            },
        }
    }

    /// True if it has this one.
    pub const fn has(self, activity: Activity) -> bool {
        self.0 & activity.only().0 != 0
    }
}

impl fmt::Display for ActivitySet {
    /// Names with commas between; `-` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Activity::ALL.into_iter().filter(|a| self.has(*a)).map(Activity::name).collect();
        f.write_str(if names.is_empty() { "-" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

/// Name of the agent's kind of event (SECL), and the kind of activity, of an event.
///
/// Source: the kinds of event of Datadog's agent with their categories; system calls that it has no kind for are put
/// where the guide has their like. `mount` and `splice` are file activity there, although they work on the kernel.
pub(crate) fn event_of(view: &View<'_>) -> Option<(&'static str, Activity)> {
    use Activity::*;
    use syscalls::*;
    let kind = view.event.head.kind;
    if let Some(known) = of_kind(kind) {
        return Some(known);
    }
    Some(match kind {
        SEND | SENDTO | SENDMSG | SENDMMSG | RECV | RECVFROM | RECVMSG | RECVMMSG => match super::dns::message(view) {
            Some(_) => ("dns", Network),
            None => (kind.name(), Network),
        },
        // Reading and writing are what the descriptor is.
        READ | WRITE | READV | WRITEV | PREAD | PWRITE | PREADV | PWRITEV | SENDFILE | CLOSE => {
            match super::network::is_inet(view) {
                true if super::dns::message(view).is_some() => ("dns", Network),
                true => (kind.name(), Network),
                false if super::file::is_file(view) => (kind.name(), File),
                false => return None,
            }
        }
        GENERIC => {
            let number = view.event.arg(0).uint().and_then(|n| u16::try_from(n).ok())?;
            of_name(generic::SYSCALL_IDS.iter().find(|(id, _)| *id == number)?.1)?
        }
        _ => of_name(kind.name())?,
    })
}

/// The same of system calls that a capture records by number alone, and the recorder with arguments, by their name.
fn of_name(name: &'static str) -> Option<(&'static str, Activity)> {
    use Activity::*;
    Some(match name {
        "utime" | "utimes" | "utimensat" | "futimesat" => ("utimes", File),
        "setxattr" | "lsetxattr" | "fsetxattr" | "setxattrat" => ("setxattr", File),
        "removexattr" | "lremovexattr" | "fremovexattr" | "removexattrat" => ("removexattr", File),
        "move_mount" => ("mount", File),
        "truncate" | "ftruncate" | "pivot_root" => (name, File),
        "bpf" | "perf_event_open" | "kexec_load" | "kexec_file_load" | "add_key" | "request_key" => (name, Kernel),
        _ => return None,
    })
}

/// The same of kinds of event that alone say what they are.
fn of_kind(kind: KindId) -> Option<(&'static str, Activity)> {
    use Activity::*;
    use syscalls::*;
    Some(match kind {
        EXECVE | EXECVEAT => ("exec", Process),
        CLONE | CLONE3 | FORK | VFORK => ("fork", Process),
        pseudo::PROCEXIT => ("exit", Process),
        SETUID | SETRESUID | SETREUID => ("setuid", Process),
        SETGID | SETRESGID | SETREGID => ("setgid", Process),
        CAPSET => ("capset", Process),
        KILL | TKILL | TGKILL | pseudo::SIGNALDELIVER => ("signal", Process),
        PRCTL => ("prctl", Process),
        SETRLIMIT | PRLIMIT => ("setrlimit", Process),
        UNSHARE => ("unshare", Process),
        SETNS => ("setns", Process),
        SETSID => ("setsid", Process),
        SETPGID => ("setpgid", Process),
        CHROOT => ("chroot", Process),
        DUP | DUP2 | DUP3 => ("dup", Process),
        OPEN | OPENAT | OPENAT2 | CREAT | OPEN_BY_HANDLE_AT => ("open", File),
        UNLINK | UNLINKAT => ("unlink", File),
        RENAME | RENAMEAT | RENAMEAT2 => ("rename", File),
        LINK | LINKAT | SYMLINK | SYMLINKAT => ("link", File),
        CHMOD | FCHMOD | FCHMODAT => ("chmod", File),
        CHOWN | LCHOWN | FCHOWN | FCHOWNAT => ("chown", File),
        MKDIR | MKDIRAT => ("mkdir", File),
        RMDIR => ("rmdir", File),
        MKNOD | MKNODAT => ("mknod", File),
        CHDIR | FCHDIR => ("chdir", File),
        SPLICE => ("splice", File),
        MOUNT => ("mount", File),
        UMOUNT | UMOUNT2 => ("umount", File),
        CONNECT => ("connect", Network),
        BIND => ("bind", Network),
        LISTEN => ("listen", Network),
        ACCEPT | ACCEPT4 => ("accept", Network),
        SOCKET | SOCKETPAIR => ("socket", Network),
        SETSOCKOPT => ("setsockopt", Network),
        BPF => ("bpf", Kernel),
        INIT_MODULE | FINIT_MODULE => ("load_module", Kernel),
        DELETE_MODULE => ("unload_module", Kernel),
        PTRACE => ("ptrace", Kernel),
        MMAP | MMAP2 => ("mmap", Kernel),
        MPROTECT => ("mprotect", Kernel),
        PROCESS_VM_READV | PROCESS_VM_WRITEV | USERFAULTFD | MEMFD_CREATE | IO_URING_SETUP | KEYCTL | SECCOMP => {
            (kind.name(), Kernel)
        }
        _ => return None,
    })
}
