//! What the recorder tells the program before it is loaded (frozen read-only data), and what the program counts.

/// Numbers of system calls that the tables have room for.
pub const MAX_CALLS: usize = 512;

/// Operations of one system call.
pub const MAX_OPS: usize = 4;

/// Stands for the result where the number of an argument is asked.
pub const RET: u8 = 7;

/// Bytes that a path, name or other string may have.
pub const MAX_STR: usize = 4096;

/// Bytes of arguments that are kept of an exec.
pub const MAX_ARGS: usize = 16 * 1024;

/// Bytes of the environment that are kept of an exec.
pub const MAX_ENV: usize = 8 * 1024;

/// Bytes of a buffer that are kept, at most.
pub const MAX_DATA: usize = 4096;

/// Messages of one system call that are kept.
pub const MAX_MESSAGES: usize = 8;

/// i386's system call for all calls on sockets: which one, and a vector of its arguments.
pub const SOCKETCALL: u32 = 102;

/// Stands for the number of i386's accept, which has none: it is called through [`SOCKETCALL`] only.
pub const ACCEPT_32: u16 = MAX_CALLS as u16 - 1;

/// System calls behind [`SOCKETCALL`] by its first argument, with a number that each has of its own; 0 for those that
/// never are recorded. Source: `SYS_SOCKET` and so on of `include/uapi/linux/net.h`.
pub const SOCKETCALLS: [u16; 32] = {
    let mut calls = [0; 32];
    calls[1] = 359; // socket
    calls[2] = 361; // bind
    calls[3] = 362; // connect
    calls[4] = 363; // listen
    calls[5] = ACCEPT_32;
    calls[8] = 360; // socketpair
    calls[11] = 369; // sendto
    calls[12] = 371; // recvfrom
    calls[13] = 373; // shutdown
    calls[16] = 370; // sendmsg
    calls[17] = 372; // recvmsg
    calls[18] = 364; // accept4
    calls[20] = 345; // sendmmsg
    calls
};

/// Directories that are followed from a file to its root.
pub const MAX_DEPTH: u32 = 40;

/// Bytes of a UDP payload that are kept.
pub const MAX_DNS: usize = 512;

/// What the program fetches for an argument of a system call. The argument's number stands in bits 8-10 of an
/// operation, a size in units of 8 bytes in bits 11-15.
pub mod op {
    /// Nothing; ends the list.
    pub const NONE: u8 = 0;
    /// A string.
    pub const STR: u8 = 1;
    /// A socket address; its length is the next argument.
    pub const SOCKADDR: u8 = 2;
    /// A socket address that the kernel wrote; the next argument points to its length.
    pub const SOCKADDR_OUT: u8 = 3;
    /// As many bytes as the size says.
    pub const BYTES: u8 = 4;
    /// A `struct msghdr`, as the kernel or (32-bit calls) a process of 32 bits has it: the address in it.
    pub const MSG_NAME: u8 = 5;
    /// Data the call was given: its length is the next argument.
    pub const DATA_IN: u8 = 6;
    /// Data the call returned: its length is the result.
    pub const DATA_OUT: u8 = 7;
    /// Data in a vector, given; the next argument is the number of its pieces. The first piece is kept.
    pub const VEC_IN: u8 = 8;
    /// Data in a vector, returned.
    pub const VEC_OUT: u8 = 9;
    /// The object behind a descriptor: [`crate::record::File`].
    pub const FILE: u8 = 10;
    /// The path of a descriptor, leaf first, each name ended by a NUL.
    pub const FD_PATH: u8 = 11;
    /// The socket behind a descriptor: [`crate::record::Socket`].
    pub const SOCKET: u8 = 12;
    /// A vector of strings as for exec; joined, each ended by a NUL.
    pub const STR_VEC: u8 = 13;
    /// Capabilities of the caller after the call: inheritable, permitted, effective (`u64` each).
    pub const CAPS: u8 = 14;
    /// Depth of the caller's pid namespace, and of the one its children are born in (`u32` each).
    pub const PID_LEVELS: u8 = 15;
    /// Control messages of a `struct msghdr`.
    pub const MSG_CONTROL: u8 = 16;
    /// Data of a `struct msghdr`: the first piece.
    pub const MSG_DATA: u8 = 17;
    /// A string, if the first argument says that it is a thread's name (prctl).
    pub const PRCTL_NAME: u8 = 18;
    /// As [`FILE`]; the argument points to the descriptor.
    pub const FILE_AT: u8 = 19;
    /// As [`SOCKET`]; the argument points to the descriptor.
    pub const SOCKET_AT: u8 = 20;
    /// Begins a message of a vector of `struct mmsghdr`: no bytes, and what was sent of it as the full length. Operations
    /// from here on are done for each message, at most [`super::MAX_MESSAGES`].
    pub const MESSAGE: u8 = 21;
    /// The value in a `struct xattr_args` (`include/uapi/linux/xattr.h`).
    pub const XATTR: u8 = 22;
    /// A string, if the first argument says that this one is (keyctl).
    pub const KEY_STR: u8 = 23;

    /// An operation on an argument.
    pub const fn on(op: u8, arg: u8) -> u16 {
        op as u16 | (arg as u16) << 8
    }

    /// An operation on an argument with a size; `n_bytes` is a multiple of 8 up to 248.
    pub const fn sized(op: u8, arg: u8, n_bytes: u16) -> u16 {
        op as u16 | (arg as u16) << 8 | (n_bytes / 8) << 11
    }
}

/// When a system call is recorded.
pub mod when {
    /// Never.
    pub const NEVER: u8 = 0;
    /// Always.
    pub const ALWAYS: u8 = 1;
    /// If it failed: a success is told by another hook.
    pub const FAILED: u8 = 2;
    /// If bits of an argument are set: [`super::Call::arg`], [`super::Call::mask`].
    pub const MASK: u8 = 3;
    /// If bit `argument` of the mask is set, or the argument is 1024 or more (fcntl's commands).
    pub const ONE_OF: u8 = 4;
    /// If an argument is not 0.
    pub const GIVEN: u8 = 5;
    /// If the `struct msghdr` that an argument points to names an address.
    pub const MSG_NAMED: u8 = 6;
    /// If it did not fail.
    pub const OK: u8 = 7;
    /// If the result is not 0: the child's return from a birth, which another hook tells.
    pub const NOT_CHILD: u8 = 9;
    /// If the `struct msghdr` that an argument points to came back with control messages or an address.
    pub const MSG_CONTROL: u8 = 8;
}

/// One row of the table of system calls.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// One of [`when`].
    pub when: u8,
    /// Arguments that are kept, at most 6.
    pub n_args: u8,
    /// Argument that `when` asks for.
    pub arg: u8,
    /// Keeps the next field aligned.
    pub _pad: u8,
    /// See [`when`].
    pub mask: u32,
    /// What to fetch, see [`op`].
    pub ops: [u16; MAX_OPS],
}

impl Call {
    /// A call that is not recorded.
    pub const NEVER: Call = Call { when: when::NEVER, n_args: 0, arg: 0, _pad: 0, mask: 0, ops: [0; MAX_OPS] };
}

/// Table of system calls by number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Calls {
    /// Rows.
    pub rows: [Call; MAX_CALLS],
}

/// Which system calls are recorded at all, by number: what the program asks first, because most calls are not.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Bits of [`wanted`].
    pub bits: [u8; MAX_CALLS],
}

/// Bits of [`Wanted::bits`].
pub mod wanted {
    /// The number is one of the machine's calls that are recorded.
    pub const NATIVE: u8 = 1;
    /// The number is one of i386's calls that are recorded.
    pub const COMPAT: u8 = 2;
}

/// Stands in the program for the number of the kernel's function `bpf_rdonly_cast` (6.2), which differs between kernels:
/// the loader replaces calls of a helper with this number. Where the kernel has none they are never reached.
pub const RDONLY_CAST: u32 = 0x7472_6863;

/// Offset of a member that this kernel does not have.
pub const ABSENT: u32 = u32::MAX;

/// Declares [`Offsets`] with the names of the members in the kernel's type information.
macro_rules! offsets {
    ($($(#[doc = $doc:literal])* $field:ident: $path:literal,)*) => {
        /// Offsets of members of kernel structures in bytes, from the running kernel's type information (BTF).
        /// [`ABSENT`] if it has none.
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        pub struct Offsets {
            $($(#[doc = $doc])* #[doc = concat!("`", $path, "`")] pub $field: u32,)*
        }

        impl Offsets {
            /// Name of each member in order, as `struct.member|alternative.member`: members of anonymous unions are
            /// found by their own name; alternatives are tried in order. `?` in front: may be missing.
            pub const PATHS: &'static [&'static str] = &[$($path,)*];

            /// No offset is known.
            pub const UNKNOWN: Offsets = Offsets { $($field: ABSENT,)* };

            /// Offsets in the order of [`Offsets::PATHS`]. Missing ones are [`ABSENT`].
            pub fn from_slice(values: &[u32]) -> Offsets {
                let mut values = values.iter().copied();
                Offsets { $($field: values.next().unwrap_or(ABSENT),)* }
            }
        }
    };
}

offsets! {
    ti_status: "?task_struct.thread_info.status|thread_info.status",
    task_pid: "task_struct.pid",
    task_tgid: "task_struct.tgid",
    task_comm: "task_struct.comm",
    task_real_parent: "task_struct.real_parent",
    task_group_leader: "task_struct.group_leader",
    task_start: "task_struct.start_boottime|task_struct.real_start_time",
    task_exit_code: "task_struct.exit_code",
    task_signal: "task_struct.signal",
    task_mm: "task_struct.mm",
    task_fs: "task_struct.fs",
    task_files: "task_struct.files",
    task_cred: "task_struct.cred",
    task_nsproxy: "task_struct.nsproxy",
    task_thread_pid: "task_struct.thread_pid",
    task_maj_flt: "task_struct.maj_flt",
    task_min_flt: "task_struct.min_flt",
    task_loginuid: "?task_struct.loginuid",
    task_sessionid: "?task_struct.sessionid",
    task_cgroups: "?task_struct.cgroups",
    signal_live: "signal_struct.live",
    signal_group_exit_code: "signal_struct.group_exit_code",
    signal_flags: "signal_struct.flags",
    signal_pids: "signal_struct.pids",
    signal_tty: "signal_struct.tty",
    signal_rlim: "signal_struct.rlim",
    tty_driver: "tty_struct.driver",
    tty_index: "tty_struct.index",
    tty_driver_major: "tty_driver.major",
    tty_driver_minor: "tty_driver.minor_start",
    pid_level: "pid.level",
    pid_numbers: "pid.numbers",
    upid_nr: "upid.nr",
    upid_ns: "upid.ns",
    upid_size: "#upid",
    pidns_child_reaper: "pid_namespace.child_reaper",
    pidns_level: "pid_namespace.level",
    pidns_common: "pid_namespace.ns",
    ns_common_inum: "ns_common.inum",
    nsproxy_mnt: "nsproxy.mnt_ns",
    nsproxy_net: "nsproxy.net_ns",
    nsproxy_uts: "nsproxy.uts_ns",
    nsproxy_ipc: "nsproxy.ipc_ns",
    nsproxy_cgroup: "nsproxy.cgroup_ns",
    nsproxy_pid_children: "nsproxy.pid_ns_for_children",
    mntns_common: "mnt_namespace.ns",
    net_common: "net.ns",
    uts_common: "uts_namespace.ns",
    ipc_common: "?ipc_namespace.ns",
    cgroupns_common: "?cgroup_namespace.ns",
    userns_common: "user_namespace.ns",
    cred_uid: "cred.euid",
    cred_gid: "cred.egid",
    cred_fsuid: "cred.fsuid",
    cred_fsgid: "cred.fsgid",
    cred_cap_inheritable: "cred.cap_inheritable",
    cred_cap_permitted: "cred.cap_permitted",
    cred_cap_effective: "cred.cap_effective",
    cred_user_ns: "cred.user_ns",
    mm_arg_start: "mm_struct.arg_start",
    mm_arg_end: "mm_struct.arg_end",
    mm_env_start: "mm_struct.env_start",
    mm_env_end: "mm_struct.env_end",
    mm_exe_file: "mm_struct.exe_file",
    mm_total_vm: "mm_struct.total_vm",
    bprm_filename: "linux_binprm.filename",
    fs_pwd: "fs_struct.pwd",
    path_mnt: "path.mnt",
    path_dentry: "path.dentry",
    file_path: "file.f_path|file.__f_path",
    file_inode: "file.f_inode",
    file_flags: "file.f_flags",
    file_mode: "file.f_mode",
    file_private: "file.private_data",
    files_fdt: "files_struct.fdt",
    fdt_fd: "fdtable.fd",
    fdt_max: "fdtable.max_fds",
    kiocb_file: "?kiocb.ki_filp",
    inode_ino: "inode.i_ino",
    inode_sb: "inode.i_sb",
    inode_mode: "inode.i_mode",
    inode_nlink: "inode.i_nlink",
    inode_uid: "inode.i_uid",
    inode_gid: "inode.i_gid",
    inode_ctime_sec: "inode.i_ctime_sec|inode.__i_ctime.tv_sec|inode.i_ctime.tv_sec",
    inode_ctime_nsec: "inode.i_ctime_nsec|inode.__i_ctime.tv_nsec|inode.i_ctime.tv_nsec",
    inode_mtime_sec: "inode.i_mtime_sec|inode.__i_mtime.tv_sec|inode.i_mtime.tv_sec",
    inode_mtime_nsec: "inode.i_mtime_nsec|inode.__i_mtime.tv_nsec|inode.i_mtime.tv_nsec",
    inode_size: "#inode",
    sb_dev: "super_block.s_dev",
    sb_magic: "super_block.s_magic",
    dentry_name: "dentry.d_name",
    dentry_parent: "dentry.d_parent",
    dentry_inode: "dentry.d_inode",
    dentry_hash: "dentry.d_hash",
    hlist_pprev: "hlist_bl_node.pprev",
    qstr_name: "qstr.name",
    mount_mnt: "mount.mnt",
    mount_parent: "mount.mnt_parent",
    mount_mountpoint: "mount.mnt_mountpoint",
    vfsmount_root: "vfsmount.mnt_root",
    socket_sk: "socket.sk",
    socket_type: "socket.type",
    sk_family: "sock.__sk_common.skc_family",
    inet_saddr: "inet_sock.inet_saddr",
    inet_sport: "inet_sock.inet_sport",
    inet_pinet6: "?inet_sock.pinet6",
    ip6_saddr: "?ipv6_pinfo.saddr",
    sk_daddr: "sock.__sk_common.skc_daddr",
    sk_dport: "sock.__sk_common.skc_dport",
    sk_v6_rcv_saddr: "?sock.__sk_common.skc_v6_rcv_saddr",
    sk_v6_daddr: "?sock.__sk_common.skc_v6_daddr",
    sk_protocol: "sock.sk_protocol",
    sk_ack_backlog: "sock.sk_ack_backlog",
    sk_max_ack_backlog: "sock.sk_max_ack_backlog",
    unix_peer: "?unix_sock.peer",
    unix_addr: "?unix_sock.addr",
    unix_addr_len: "?unix_address.len",
    unix_addr_name: "?unix_address.name",
    css_set_subsys: "?css_set.subsys",
    css_set_dfl: "?css_set.dfl_cgrp",
    css_cgroup: "?cgroup_subsys_state.cgroup",
    cgroup_kn: "?cgroup.kn",
    kn_parent: "?kernfs_node.__parent|kernfs_node.parent",
    kn_name: "?kernfs_node.name",
    kn_id: "?kernfs_node.id",
    skb_head: "?sk_buff.head",
    skb_network: "?sk_buff.network_header",
    skb_transport: "?sk_buff.transport_header",
    skb_mac: "?sk_buff.mac_header",
    skb_len: "?sk_buff.len",
    uring_ctx: "?io_kiocb.ctx",
    uring_opcode: "?io_kiocb.opcode",
    uring_flags: "?io_kiocb.flags",
    uring_user_data: "?io_kiocb.cqe.user_data|io_kiocb.user_data",
}

/// Everything else the program is told.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Process whose own calls are left out; 0 for none.
    pub self_tgid: u32,
    /// Bytes in the ring from which the reader is woken.
    pub wake_bytes: u32,
    /// Bytes of a buffer that are kept, at most [`MAX_DATA`].
    pub snap_bytes: u32,
    /// Bytes of the arguments of an exec that are kept, at most [`MAX_ARGS`].
    pub max_args: u32,
    /// 1 if the environment is kept.
    pub has_env: u32,
    /// 1 if `bpf_get_current_task_btf` exists (5.11).
    pub has_task_btf: u32,
    /// 1 if 32-bit system calls are possible.
    pub has_compat: u32,
    /// Index of the cgroup controller whose path names the cgroup; [`ABSENT`] takes the unified hierarchy.
    pub cgroup_subsys: u32,
    /// 1 if paths of cgroups are wanted.
    pub has_cgroup_path: u32,
    /// Instances of the program for execs: 2 where programs are preempted, else 1.
    pub n_instances: u32,
    /// Operations of io_uring that are recorded: bit n stands for operation n.
    pub uring_ops: u64,
    /// 1 if `bpf_task_pt_regs` exists (5.15): questions over TCP are recorded then.
    pub has_task_regs: u32,
    /// Number of `struct kiocb` among the kernel's types, 0 if addresses cannot be given a type: see [`RDONLY_CAST`].
    pub kiocb_type: u32,
}

impl Settings {
    /// Nothing is set.
    pub const NOTHING: Settings = Settings {
        self_tgid: 0,
        wake_bytes: 0,
        snap_bytes: 0,
        max_args: 0,
        has_env: 0,
        has_task_btf: 0,
        has_compat: 0,
        cgroup_subsys: ABSENT,
        has_cgroup_path: 0,
        n_instances: 1,
        uring_ops: 0,
        has_task_regs: 0,
        kiocb_type: 0,
    };
}

/// Programs that count, as indexes of the map of counters. Further instances of a program count `N` further each.
pub mod counter {
    /// sys_exit.
    pub const SYSCALL: u32 = 0;
    /// task_newtask.
    pub const FORK: u32 = 1;
    /// sched_process_exec.
    pub const EXEC: u32 = 2;
    /// sched_process_exit.
    pub const EXIT: u32 = 3;
    /// net_dev_queue.
    pub const DNS: u32 = 4;
    /// io_uring_submit_req.
    pub const URING: u32 = 5;
    /// How many there are.
    pub const N: u32 = 6;
    /// Most instances of a program.
    pub const N_INSTANCES: u32 = 4;
}

/// What one program counted on one CPU since it was attached. `seen = written + lost_ring + lost_scratch`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that were to be recorded.
    pub seen: u64,
    /// Events that went into the ring.
    pub written: u64,
    /// Events lost because the ring was full.
    pub lost_ring: u64,
    /// Events lost because a CPU had no buffer to build them in.
    pub lost_scratch: u64,
    /// Records that lack something because it could not be read.
    pub faults: u64,
    /// Records in which something was cut.
    pub cuts: u64,
    /// Events that a further instance took over because the kernel did not start those before, wanted or not.
    pub stood_in: u64,
}

const _: () = {
    assert!(size_of::<Call>() == 16);
    assert!(size_of::<Calls>() == 16 * MAX_CALLS);
    assert!(size_of::<Settings>() == 56);
    assert!(size_of::<Counters>() == 56);
    assert!(size_of::<Offsets>() == 4 * Offsets::PATHS.len());
};
