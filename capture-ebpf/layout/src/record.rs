//! Records of the ring buffer.

/// A value that can be read from bytes of this machine.
pub trait Plain: Sized {
    /// Takes the value from the front; `None` if the bytes are too few.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! plain_integers {
    ($($ty:ty),*) => {
        $(impl Plain for $ty {
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (head, tail) = bytes.split_first_chunk()?;
                *bytes = tail;
                Some(<$ty>::from_ne_bytes(*head))
            }
        })*
    };
}

plain_integers!(u8, u16, u32, u64, i64);

impl<T: Plain + Copy + Default, const N: usize> Plain for [T; N] {
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut out = [T::default(); N];
        for value in &mut out {
            *value = T::take(bytes)?;
        }
        Some(out)
    }
}

/// Declares a structure of the C layout without gaps, which can therefore be read member by member.
macro_rules! plain {
    ($(#[$attr:meta])* pub struct $name:ident { $($(#[$field_attr:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$attr])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_attr])* pub $field: $ty,)*
        }

        impl Plain for $name {
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some($name { $($field: <$ty>::take(bytes)?,)* })
            }
        }

        const _: () = assert!(size_of::<$name>() == 0 $(+ size_of::<$ty>())*, "no gaps");
    };
}

plain! {
    /// What every record begins with.
    pub struct Head {
        /// `CLOCK_BOOTTIME`, nanoseconds.
        pub ts: u64,
        /// Thread id in the initial pid namespace.
        pub tid: u32,
        /// Process (thread group) id in the initial pid namespace.
        pub tgid: u32,
        /// One of [`kind`].
        pub kind: u8,
        /// Bits of [`flag`].
        pub flags: u8,
        /// CPU that it was recorded on.
        pub cpu: u16,
        /// Number of the system call, as the machine or (with [`flag::COMPAT`]) i386 counts; 0 if there is none.
        pub nr: u32,
    }
}

/// Values of [`Head::kind`].
pub mod kind {
    /// A system call returned: [`super::Syscall`], arguments, parts.
    pub const SYSCALL: u8 = 1;
    /// A thread or process was created: [`super::Fork`]. Recorded in the creating thread.
    pub const FORK: u8 = 2;
    /// A program was executed: [`super::Exec`], then its strings.
    pub const EXEC: u8 = 3;
    /// A thread ended: [`super::Exit`].
    pub const EXIT: u8 = 4;
    /// The path of a cgroup: `u64` id, then the names of its directories, leaf first, each ended by a NUL.
    pub const CGROUP: u8 = 5;
    /// A message to port 53 leaves: [`super::Packet`], then the message (over TCP without the length in front).
    pub const DNS: u8 = 6;
    /// A request of io_uring was submitted: [`super::Uring`].
    pub const URING: u8 = 7;
}

/// Bits of [`Head::flags`].
pub mod flag {
    /// The call came through the 32-bit entry: [`super::Head::nr`] is i386's.
    pub const COMPAT: u8 = 1;
    /// Something that the record should hold could not be read, and is missing.
    pub const FAULT: u8 = 2;
    /// Something is longer than the record may hold, and is cut.
    pub const CUT: u8 = 4;
}

plain! {
    /// Body of [`kind::SYSCALL`]. After it come [`Syscall::n_args`] arguments (`u64` each), then parts.
    pub struct Syscall {
        /// Result; -errno if it failed.
        pub ret: i64,
        /// Arguments that follow, at most 6.
        pub n_args: u32,
        /// Parts that follow the arguments.
        pub n_parts: u32,
    }
}

plain! {
    /// Head of something that an argument of a system call refers to. Its bytes follow, padded to a multiple of 8.
    pub struct Part {
        /// Bytes that follow, without padding.
        pub len: u16,
        /// What was done: one of [`super::settings::op`].
        pub op: u8,
        /// The argument it belongs to; [`super::settings::RET`] is the result.
        pub arg: u8,
        /// For [`super::settings::op::DATA_IN`] and its like the full length of the data; else 0.
        pub full_len: u32,
    }
}

plain! {
    /// Which namespaces a task lives in: inode numbers as in `/proc/PID/ns`, 0 if unknown.
    pub struct Namespaces {
        /// Mounts.
        pub mnt: u32,
        /// Process ids, as the task sees them (not those of its children).
        pub pid: u32,
        /// Network.
        pub net: u32,
        /// Host name.
        pub uts: u32,
        /// System V and POSIX IPC.
        pub ipc: u32,
        /// Cgroups.
        pub cgroup: u32,
        /// Users.
        pub user: u32,
        /// Depth of the pid namespace; 0 is the initial one.
        pub pid_level: u32,
    }
}

plain! {
    /// Body of [`kind::FORK`]: about the child. [`Head`] has the thread that created it.
    pub struct Fork {
        /// Flags as given to clone or clone3 (Linux's own), with the exit signal removed by the kernel.
        pub clone_flags: u64,
        /// When the child started, `CLOCK_BOOTTIME`.
        pub start_ns: u64,
        /// When the main thread of the child's process started.
        pub leader_start_ns: u64,
        /// When the init process of the child's pid namespace started.
        pub pidns_start_ns: u64,
        /// Cgroup of the child.
        pub cgroup: u64,
        /// Thread id of the child.
        pub tid: u32,
        /// Process id of the child.
        pub tgid: u32,
        /// Thread id of its parent (`real_parent`).
        pub ptid: u32,
        /// Process id of its parent.
        pub ppid: u32,
        /// Thread id in its own pid namespace.
        pub vtid: u32,
        /// Process id in its own pid namespace.
        pub vpid: u32,
        /// Effective user id.
        pub uid: u32,
        /// Effective group id.
        pub gid: u32,
        /// Namespaces of the child.
        pub ns: Namespaces,
        /// Name of the command.
        pub comm: [u8; 16],
    }
}

plain! {
    /// Body of [`kind::EXEC`]. After it come, without padding between them, in this order: file name as passed, path of
    /// the executable, working directory (both as [`Exec::exe_len`] says), arguments, environment.
    pub struct Exec {
        /// When the thread started, `CLOCK_BOOTTIME`.
        pub start_ns: u64,
        /// When the main thread of the process started; differs if another thread took its place.
        pub leader_start_ns: u64,
        /// Cgroup.
        pub cgroup: u64,
        /// Capabilities: inheritable, permitted, effective.
        pub caps: [u64; 3],
        /// Inode of the executable.
        pub ino: u64,
        /// Change time of the inode, nanoseconds since the epoch.
        pub ctime_ns: u64,
        /// Modification time of the inode.
        pub mtime_ns: u64,
        /// Limit of open descriptors (soft).
        pub fd_limit: u64,
        /// Major page faults.
        pub faults_major: u64,
        /// Minor page faults.
        pub faults_minor: u64,
        /// Size of the address space in pages.
        pub vm_pages: u64,
        /// Bytes of all arguments, each with its NUL, before anything was cut.
        pub args_full_len: u64,
        /// Bytes of the environment before anything was cut.
        pub env_full_len: u64,
        /// Thread id before the call; differs from the head's if another thread than the main one called.
        pub old_tid: u32,
        /// Thread id of the parent (`real_parent`).
        pub ptid: u32,
        /// Process id of the parent.
        pub ppid: u32,
        /// Thread id in its own pid namespace.
        pub vtid: u32,
        /// Process group, initial pid namespace.
        pub pgid: u32,
        /// Session, initial pid namespace.
        pub sid: u32,
        /// Process group in its own pid namespace.
        pub vpgid: u32,
        /// Controlling terminal, kernel device encoding; 0 is none.
        pub tty: u32,
        /// Login user id; all ones is none.
        pub loginuid: u32,
        /// Audit session; all ones is none.
        pub sessionid: u32,
        /// Effective user id.
        pub uid: u32,
        /// Effective group id.
        pub gid: u32,
        /// File system user id.
        pub fsuid: u32,
        /// File system group id.
        pub fsgid: u32,
        /// Device of the executable, kernel encoding (12 bits major, 20 bits minor).
        pub dev: u32,
        /// Type and permission bits of the executable.
        pub mode: u32,
        /// Links to the inode; 0 if it is deleted or was never linked (memfd).
        pub nlink: u32,
        /// Owner of the executable.
        pub file_uid: u32,
        /// Group of the executable.
        pub file_gid: u32,
        /// Magic number of the file system (`linux/magic.h`).
        pub fs_magic: u32,
        /// Bits of [`exec_flag`].
        pub flags: u32,
        /// Namespaces.
        pub ns: Namespaces,
        /// Name of the command.
        pub comm: [u8; 16],
        /// Bytes of the file name.
        pub filename_len: u32,
        /// Bytes of the executable's path: names from the leaf to the root, each ended by a NUL.
        pub exe_len: u32,
        /// Bytes of the working directory's path, in the same form.
        pub cwd_len: u32,
        /// Bytes of the arguments, each ended by a NUL.
        pub args_len: u32,
        /// Bytes of the environment, each entry ended by a NUL.
        pub env_len: u32,
    }
}

/// Bits of [`Exec::flags`].
pub mod exec_flag {
    /// The executable lies in the upper layer of an overlay.
    pub const OVERLAY_UPPER: u32 = 1;
    /// The executable lies in a lower layer of an overlay.
    pub const OVERLAY_LOWER: u32 = 2;
    /// The path of the executable has more directories than were followed.
    pub const EXE_DEEP: u32 = 4;
    /// The same for the working directory.
    pub const CWD_DEEP: u32 = 8;
    /// The executable has no name in any directory: the name is that of its dentry (a memfd).
    pub const EXE_UNNAMED: u32 = 16;
    /// The executable's directory entry is gone.
    pub const EXE_DELETED: u32 = 32;
    /// The same for the working directory.
    pub const CWD_DELETED: u32 = 64;
}

plain! {
    /// Body of [`kind::EXIT`].
    pub struct Exit {
        /// When the thread started, `CLOCK_BOOTTIME`.
        pub start_ns: u64,
        /// Status as `wait` gives it: code in bits 8-15, signal in bits 0-6, core dump in bit 7.
        pub code: u32,
        /// The same for the process, as its parent gets it: that of its main thread, unless a thread or a signal ended all.
        /// Final when [`Exit::n_alive`] is 0.
        pub process_code: u32,
        /// Threads of the process that are still alive; 0 when the process is gone.
        pub n_alive: u32,
        /// Keeps the size a multiple of 8.
        pub _pad: u32,
    }
}

plain! {
    /// Body of [`kind::DNS`]. The payload follows.
    pub struct Packet {
        /// Source address, network order; IPv4 in the first 4 bytes.
        pub src: [u8; 16],
        /// Destination address.
        pub dst: [u8; 16],
        /// Source port.
        pub src_port: u16,
        /// Destination port.
        pub dst_port: u16,
        /// 4 or 6.
        pub ip_version: u16,
        /// Bytes of payload that follow.
        pub len: u16,
    }
}

plain! {
    /// Body of [`kind::URING`].
    pub struct Uring {
        /// Kernel address of the ring.
        pub ctx: u64,
        /// `user_data` of the request.
        pub user_data: u64,
        /// Operation, `IORING_OP_*`.
        pub opcode: u32,
        /// Flags of the request, as the kernel keeps them.
        pub flags: u32,
    }
}

plain! {
    /// Bytes of an object behind a descriptor: what [`super::settings::op::FILE`] writes.
    pub struct File {
        /// Inode.
        pub ino: u64,
        /// Device of its file system, kernel encoding.
        pub dev: u32,
        /// Flags of the open file (Linux's own).
        pub f_flags: u32,
        /// Mode of the open file, `FMODE_*`.
        pub f_mode: u32,
        /// Type and permission bits.
        pub mode: u32,
        /// Bits of [`exec_flag`]: the overlay's layer.
        pub flags: u32,
        /// Keeps the size a multiple of 8.
        pub _pad: u32,
    }
}

plain! {
    /// Both ends of a socket: what [`super::settings::op::SOCKET`] writes. For a Unix socket both paths follow, in 108 bytes
    /// each.
    pub struct Socket {
        /// Local address, network order; IPv4 in the first 4 bytes. A Unix socket: kernel address in the first 8.
        pub local: [u8; 16],
        /// Remote address; a Unix socket: kernel address of the peer.
        pub remote: [u8; 16],
        /// Local port.
        pub local_port: u16,
        /// Remote port.
        pub remote_port: u16,
        /// Address family.
        pub family: u16,
        /// `SOCK_STREAM` and its like.
        pub ty: u16,
        /// Protocol.
        pub protocol: u16,
        /// Bytes of the local Unix path, of the 108 that follow.
        pub local_path_len: u16,
        /// Bytes of the remote Unix path, of the 108 after those of the local one.
        pub remote_path_len: u16,
        /// Keeps the next field aligned.
        pub _pad: u16,
        /// Connections waiting to be accepted.
        pub backlog: u32,
        /// Connections waiting to be accepted, at most.
        pub backlog_max: u32,
    }
}

impl Socket {
    /// Nothing is known.
    pub const NOTHING: Socket = Socket {
        local: [0; 16],
        remote: [0; 16],
        local_port: 0,
        remote_port: 0,
        family: 0,
        ty: 0,
        protocol: 0,
        local_path_len: 0,
        remote_path_len: 0,
        _pad: 0,
        backlog: 0,
        backlog_max: 0,
    };
}

const _: () = {
    assert!(size_of::<Head>() == 24);
    assert!(size_of::<Syscall>() == 16);
    assert!(size_of::<Part>() == 8);
    assert!(size_of::<Namespaces>() == 32);
    assert!(size_of::<Fork>() == 120);
    assert!(size_of::<Exec>() == 272);
    assert!(size_of::<Exit>() == 24);
    assert!(size_of::<Packet>() == 40);
    assert!(size_of::<Uring>() == 24);
    assert!(size_of::<File>() == 32);
    assert!(size_of::<Socket>() == 56);
};
