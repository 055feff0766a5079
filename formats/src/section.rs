//! What a trace knew before its first event: the machine and a snapshot of its processes.
//!
//! A trace has one section, several only when files were concatenated; each starts with fresh tables.
//! A value the trace does not have is `None` (or an empty list), never 0 or "".

use std::net::{IpAddr, SocketAddr};

use bstr::BString;

use crate::event::Tid;

/// Tables that stand before the events of a section.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The machine it was recorded on.
    pub machine: Machine,
    /// One entry a thread, in file order.
    pub threads: Vec<ThreadEntry>,
    /// Open descriptors, in file order.
    pub fds: Vec<FdEntry>,
    /// Users.
    pub users: Vec<UserEntry>,
    /// Groups.
    pub groups: Vec<GroupEntry>,
    /// Network interfaces.
    pub interfaces: Vec<InterfaceEntry>,
    /// Containers known by name when recording began.
    pub containers: Vec<ContainerEntry>,
    /// Mounts.
    pub mounts: Vec<MountEntry>,
    /// True if these tables add to those of the section before instead of replacing them. Only damaged or
    /// hand-made `.scap` files have tables among their events.
    pub is_addition: bool,
}

/// The recording machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Host name.
    pub hostname: Option<BString>,
    /// Number of CPUs.
    pub n_cpus: Option<u32>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Time of boot, nanoseconds since the epoch.
    pub boot_ns: Option<u64>,
    /// Kernel release (`uname -r`).
    pub kernel: Option<BString>,
    /// Architecture (`uname -m`).
    pub arch: Option<BString>,
    /// Boot id (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: Option<BString>,
    /// Name and version of the recorder.
    pub recorder: Option<BString>,
    /// Nanoseconds to add to CLOCK_MONOTONIC to get the time since the epoch.
    pub clock_offset_ns: Option<i64>,
}

/// A thread that existed when recording began. Field meanings: `specs` section 3.2 of the `.scap` format.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadEntry {
    /// Thread id.
    pub tid: Tid,
    /// Process (thread group) id.
    pub pid: Tid,
    /// Parent's thread id; `None` if the trace has none (0 or absent for threads and kernel threads).
    pub ptid: Option<Tid>,
    /// Session.
    pub sid: Option<i64>,
    /// Process group in the host's pid namespace.
    pub pgid: Option<i64>,
    /// Process group in the thread's own pid namespace.
    pub vpgid: Option<i64>,
    /// Thread id in its own pid namespace.
    pub vtid: Option<i64>,
    /// Process id in its own pid namespace.
    pub vpid: Option<i64>,
    /// Command name (`/proc/PID/comm`).
    pub comm: BString,
    /// argv\[0\].
    pub exe: BString,
    /// Resolved path of the executable.
    pub exepath: BString,
    /// argv\[1..\], each followed by a NUL.
    pub args: BString,
    /// Environment, each entry followed by a NUL.
    pub env: BString,
    /// Working directory.
    pub cwd: BString,
    /// Root directory.
    pub root: BString,
    /// Cgroups as `subsystem=path`, each followed by a NUL.
    pub cgroups: BString,
    /// Bits of the `clone_flags` table.
    pub flags: u32,
    /// Effective user id.
    pub uid: Option<u32>,
    /// Effective group id.
    pub gid: Option<u32>,
    /// Login user id; `None` when unset (0xffffffff).
    pub loginuid: Option<u32>,
    /// Controlling terminal, kernel device encoding; 0 is none.
    pub tty: Option<u32>,
    /// Limit of open descriptors.
    pub fd_limit: Option<i64>,
    /// Virtual, resident, swapped memory in kB.
    pub vm_kb: [u32; 3],
    /// Major and minor page faults.
    pub page_faults: [u64; 2],
    /// Inheritable, permitted, effective capabilities.
    pub caps: Option<[u64; 3]>,
    /// Bits of the `execve_flags` table (writable, upper layer, memfd, lower layer).
    pub exe_flags: Option<u32>,
    /// Inode, ctime and mtime (ns) of the executable.
    pub exe_inode: Option<[u64; 3]>,
    /// Start time of the init process of its pid namespace, ns since the epoch.
    pub pidns_init_start_ns: Option<u64>,
    /// Start time of the thread, ns since the epoch.
    pub start_ns: Option<u64>,
    /// Namespaces as `name=inode` (`mnt=4026531841`), each followed by a NUL: the names of `/proc/PID/ns`.
    pub namespaces: BString,
    /// When the recorder read this entry, ns since the epoch. What the thread did before that, though after recording
    /// began, stands among the events and can be part of the entry already.
    pub seen_ns: Option<u64>,
}

impl ThreadEntry {
    /// An entry that knows its ids and nothing else.
    pub fn new(tid: Tid, pid: Tid) -> Self {
        ThreadEntry {
            tid,
            pid,
            ptid: None,
            sid: None,
            pgid: None,
            vpgid: None,
            vtid: None,
            vpid: None,
            comm: BString::default(),
            exe: BString::default(),
            exepath: BString::default(),
            args: BString::default(),
            env: BString::default(),
            cwd: BString::default(),
            root: BString::default(),
            cgroups: BString::default(),
            flags: 0,
            uid: None,
            gid: None,
            loginuid: None,
            tty: None,
            fd_limit: None,
            vm_kb: [0; 3],
            page_faults: [0; 2],
            caps: None,
            exe_flags: None,
            exe_inode: None,
            pidns_init_start_ns: None,
            start_ns: None,
            namespaces: BString::default(),
            seen_ns: None,
        }
    }
}

/// A descriptor that was open when recording began.
#[derive(Clone, Debug, PartialEq)]
pub struct FdEntry {
    /// Thread whose table it is in (in `.scap` files the main thread of the process).
    pub tid: Tid,
    /// Number.
    pub fd: i64,
    /// Inode, if recorded.
    pub inode: Option<u64>,
    /// What it refers to.
    pub target: FdTarget,
}

/// What a descriptor refers to.
#[derive(Clone, Debug, PartialEq)]
pub enum FdTarget {
    /// File, directory, pipe, or another kind that only has a name.
    Named {
        /// Kind.
        kind: FdKind,
        /// Path or name.
        name: BString,
        /// Open flags (table `file_flags`), if recorded.
        flags: Option<u32>,
        /// Device, kernel encoding, if recorded.
        dev: Option<u32>,
    },
    /// Connected IPv4 or IPv6 socket, local end first.
    Inet {
        /// Local end.
        local: SocketAddr,
        /// Remote end.
        remote: SocketAddr,
        /// Transport.
        l4: L4,
    },
    /// Listening or bound IPv4 or IPv6 socket.
    Listen {
        /// Bound address.
        local: SocketAddr,
        /// Transport.
        l4: L4,
    },
    /// Unix socket.
    Unix {
        /// Kernel pointer of this end.
        local: u64,
        /// Kernel pointer of the other end.
        peer: u64,
        /// Path.
        name: BString,
    },
    /// Present, nothing known of it.
    Unknown,
}

/// Kind of object behind a descriptor. Letters are those of `fd.typechar`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum FdKind {
    Unknown,
    File,
    Directory,
    Ipv4Socket,
    Ipv4Listen,
    Ipv6Socket,
    Ipv6Listen,
    UnixSocket,
    Pipe,
    Event,
    Unsupported,
    Signal,
    Eventpoll,
    Inotify,
    Timer,
    Netlink,
    Bpf,
    Userfaultfd,
    IoUring,
    Memfd,
    Pidfd,
}

/// Transport protocol of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum L4 {
    Unknown,
    NotApplicable,
    Tcp,
    Udp,
    Icmp,
    Raw,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEntry {
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Name.
    pub name: BString,
    /// Home directory.
    pub home: BString,
    /// Login shell.
    pub shell: BString,
    /// Container it belongs to; empty for the host.
    pub container_id: BString,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    /// Group id.
    pub gid: u32,
    /// Name.
    pub name: BString,
    /// Container it belongs to; empty for the host.
    pub container_id: BString,
}

/// An address of a network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceEntry {
    /// Name.
    pub name: BString,
    /// Address.
    pub addr: IpAddr,
    /// Netmask.
    pub netmask: IpAddr,
    /// Broadcast address.
    pub broadcast: IpAddr,
    /// Link speed in bits a second, if recorded.
    pub speed: Option<u64>,
}

/// What is known of a container besides its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerEntry {
    /// Full id.
    pub id: BString,
    /// Runtime: docker, containerd, cri-o, podman, ...
    pub runtime: Option<BString>,
    /// Name.
    pub name: Option<BString>,
    /// Image reference as given.
    pub image: Option<BString>,
    /// Everything the recorder wrote about it, as JSON text; the source of labels, mounts, pod and namespace.
    pub json: Option<BString>,
}

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountEntry {
    /// Mount namespace (inode), if known.
    pub mount_ns: Option<u64>,
    /// Device or source.
    pub source: BString,
    /// Mount point.
    pub target: BString,
    /// File system type.
    pub fs_type: BString,
    /// Options.
    pub options: BString,
}
