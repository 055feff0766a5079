//! The system calls that captures of libs record with their arguments: one row each.
//!
//! Names, order and types of the arguments are those of the event table of falcosecurity/libs at
//! commit 48dfd53c (driver schema 4.5.1), so that `evt.type`, `evt.arg.NAME` and `evt.args` mean here what
//! they mean there. Codes are stable for ever: a code is never reused, and a new argument is appended.

use super::kind::{ArgSpec, ArgType::*, Category, arg, kind_flags::*};
use super::{dynamic, flags};

/// Those that libs has no row of.
pub use super::numbered::*;

super::kind::kinds! { SYSCALLS, true;
    GENERIC = 1, "syscall", Category::Other, NONE, [
        arg("ID", SyscallId),
        arg("nativeID", U16),
    ];
    OPEN = 3, "open", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("name", Path),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
        arg("mode", U32).oct(),
        arg("dev", U32).hex(),
        arg("ino", U64),
        arg("name_at_enter", Path).extra(),
    ];
    CLOSE = 5, "close", Category::IoOther, DESTROYS_FD | USES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd", Fd),
    ];
    READ = 7, "read", Category::IoRead, USES_FD | READS_FROM_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
    ];
    WRITE = 9, "write", Category::IoWrite, USES_FD | WRITES_TO_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
    ];
    SOCKET = 19, "socket", Category::Net, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("domain", Enum32(&flags::SOCKET_FAMILIES)),
        arg("type", U32),
        arg("proto", U32),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
    ];
    BIND = 21, "bind", Category::Net, USES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("addr", SockAddr),
        arg("fd", Fd),
    ];
    CONNECT = 23, "connect", Category::Net, USES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("tuple", SockTuple),
        arg("fd", Fd),
        arg("addr", SockAddr),
    ];
    LISTEN = 25, "listen", Category::Net, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("backlog", I32),
    ];
    SEND = 29, "send", Category::IoWrite, USES_FD | WRITES_TO_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
        arg("tuple", SockTuple),
    ];
    SENDTO = 31, "sendto", Category::IoWrite, USES_FD | WRITES_TO_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
        arg("tuple", SockTuple),
    ];
    RECV = 33, "recv", Category::IoRead, USES_FD | READS_FROM_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
        arg("tuple", SockTuple),
    ];
    RECVFROM = 35, "recvfrom", Category::IoRead, USES_FD | READS_FROM_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("tuple", SockTuple),
        arg("fd", Fd),
        arg("size", U32),
    ];
    SHUTDOWN = 37, "shutdown", Category::Net, USES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("how", Enum8(&flags::SHUTDOWN_HOW)).hex(),
    ];
    GETSOCKNAME = 39, "getsockname", Category::Net, NONE, [
    ];
    GETPEERNAME = 41, "getpeername", Category::Net, NONE, [
    ];
    SOCKETPAIR = 43, "socketpair", Category::Ipc, CREATES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd1", Fd),
        arg("fd2", Fd),
        arg("source", U64).hex(),
        arg("peer", U64).hex(),
        arg("domain", Enum32(&flags::SOCKET_FAMILIES)),
        arg("type", U32),
        arg("proto", U32),
    ];
    SETSOCKOPT = 45, "setsockopt", Category::Net, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("level", Enum8(&flags::SOCKOPT_LEVELS)),
        arg("optname", Enum8(&flags::SOCKOPT_OPTIONS)),
        arg("val", Dyn(&dynamic::SOCKOPT)),
        arg("optlen", U32),
    ];
    GETSOCKOPT = 47, "getsockopt", Category::Net, USES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("level", Enum8(&flags::SOCKOPT_LEVELS)),
        arg("optname", Enum8(&flags::SOCKOPT_OPTIONS)),
        arg("val", Dyn(&dynamic::SOCKOPT)),
        arg("optlen", U32),
    ];
    SENDMSG = 49, "sendmsg", Category::IoWrite, USES_FD | WRITES_TO_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
        arg("tuple", SockTuple),
    ];
    SENDMMSG = 51, "sendmmsg", Category::IoWrite, USES_FD | WRITES_TO_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("size", U32),
        arg("data", Bytes),
        arg("tuple", SockTuple),
    ];
    RECVMSG = 53, "recvmsg", Category::IoRead, USES_FD | READS_FROM_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("size", U32),
        arg("data", Bytes),
        arg("tuple", SockTuple),
        arg("msgcontrol", Bytes),
        arg("fd", Fd),
    ];
    RECVMMSG = 55, "recvmmsg", Category::IoRead, USES_FD | READS_FROM_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("size", U32),
        arg("data", Bytes),
        arg("tuple", SockTuple),
        arg("msgcontrol", Bytes),
    ];
    CREAT = 59, "creat", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("name", Path),
        arg("mode", U32).oct(),
        arg("dev", U32).hex(),
        arg("ino", U64),
        arg("creat_flags", Flags16(&flags::CREAT_FLAGS)).hex(),
        arg("name_at_enter", Path).extra(),
    ];
    PIPE = 61, "pipe", Category::Ipc, CREATES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd1", Fd),
        arg("fd2", Fd),
        arg("ino", U64),
    ];
    EVENTFD = 63, "eventfd", Category::Ipc, CREATES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("initval", U64),
        arg("flags", U32).hex(),
    ];
    FUTEX = 65, "futex", Category::Ipc, NONE, [
        arg("res", Errno),
        arg("addr", U64).hex(),
        arg("op", Flags16(&flags::FUTEX_OPERATIONS)).hex(),
        arg("val", U64),
    ];
    STAT = 67, "stat", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    LSTAT = 69, "lstat", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    FSTAT = 71, "fstat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
    ];
    STAT64 = 73, "stat64", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    LSTAT64 = 75, "lstat64", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    FSTAT64 = 77, "fstat64", Category::File, NONE, [
        arg("res", Errno),
        arg("fd", Fd).extra(),
    ];
    EPOLL_WAIT = 79, "epoll_wait", Category::Wait, WAITS, [
        arg("res", Errno),
        arg("maxevents", Errno),
    ];
    POLL = 81, "poll", Category::Wait, WAITS, [
        arg("res", Errno),
        arg("fds", FdList),
        arg("timeout", I64),
        arg("requested_fds", FdList).extra(),
    ];
    SELECT = 83, "select", Category::Wait, WAITS, [
        arg("res", Errno),
    ];
    LSEEK = 87, "lseek", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("offset", U64),
        arg("whence", Enum8(&flags::LSEEK_WHENCE)),
    ];
    LLSEEK = 89, "llseek", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("offset", U64),
        arg("whence", Enum8(&flags::LSEEK_WHENCE)),
    ];
    GETCWD = 93, "getcwd", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Str),
    ];
    CHDIR = 95, "chdir", Category::File, MODIFIES_STATE, [
        arg("res", Errno),
        arg("path", Str),
    ];
    FCHDIR = 97, "fchdir", Category::File, USES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd", Fd),
    ];
    PREAD = 113, "pread", Category::IoRead, USES_FD | READS_FROM_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
        arg("pos", U64),
    ];
    PWRITE = 115, "pwrite", Category::IoWrite, USES_FD | WRITES_TO_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
        arg("pos", U64),
    ];
    READV = 117, "readv", Category::IoRead, USES_FD | READS_FROM_FD, [
        arg("res", Errno),
        arg("size", U32),
        arg("data", Bytes),
        arg("fd", Fd),
    ];
    WRITEV = 119, "writev", Category::IoWrite, USES_FD | WRITES_TO_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
    ];
    PREADV = 121, "preadv", Category::IoRead, USES_FD | READS_FROM_FD, [
        arg("res", Errno),
        arg("size", U32),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("pos", U64),
    ];
    PWRITEV = 123, "pwritev", Category::IoWrite, USES_FD | WRITES_TO_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
        arg("pos", U64),
    ];
    SIGNALFD = 127, "signalfd", Category::Signal, CREATES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("fd", Fd),
        arg("mask", U32).hex(),
        arg("flags", U8).hex(),
    ];
    KILL = 129, "kill", Category::Signal, NONE, [
        arg("res", Errno),
        arg("pid", Pid),
        arg("sig", Signal),
    ];
    TKILL = 131, "tkill", Category::Signal, NONE, [
        arg("res", Errno),
        arg("tid", Pid),
        arg("sig", Signal),
    ];
    TGKILL = 133, "tgkill", Category::Signal, NONE, [
        arg("res", Errno),
        arg("pid", Pid),
        arg("tid", Pid),
        arg("sig", Signal),
    ];
    NANOSLEEP = 135, "nanosleep", Category::Sleep, WAITS, [
        arg("res", Errno),
        arg("interval", RelTime),
    ];
    TIMERFD_CREATE = 137, "timerfd_create", Category::Time, CREATES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("clockid", U8),
        arg("flags", U8).hex(),
    ];
    INOTIFY_INIT = 139, "inotify_init", Category::Ipc, CREATES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("flags", U8).hex(),
    ];
    GETRLIMIT = 141, "getrlimit", Category::Process, NONE, [
        arg("res", Errno),
        arg("cur", I64),
        arg("max", I64),
        arg("resource", Enum8(&flags::RLIMIT_RESOURCES)),
    ];
    SETRLIMIT = 143, "setrlimit", Category::Process, NONE, [
        arg("res", Errno),
        arg("cur", I64),
        arg("max", I64),
        arg("resource", Enum8(&flags::RLIMIT_RESOURCES)),
    ];
    PRLIMIT = 145, "prlimit", Category::Process, NONE, [
        arg("res", Errno),
        arg("newcur", I64),
        arg("newmax", I64),
        arg("oldcur", I64),
        arg("oldmax", I64),
        arg("pid", I64),
        arg("resource", Enum8(&flags::RLIMIT_RESOURCES)),
    ];
    FCNTL = 151, "fcntl", Category::IoOther, USES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("fd", Fd),
        arg("cmd", Enum8(&flags::FCNTL_COMMANDS)),
        arg("arg", U64).hex(),
    ];
    BRK = 159, "brk", Category::Memory, NONE, [
        arg("res", U64).hex(),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("addr", U64).hex(),
    ];
    MMAP = 161, "mmap", Category::Memory, USES_FD, [
        arg("res", Errno).hex(),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("addr", U64).hex(),
        arg("length", U64),
        arg("prot", Flags32(&flags::PROT_FLAGS)).hex(),
        arg("flags", Flags32(&flags::MMAP_FLAGS)).hex(),
        arg("fd", Fd),
        arg("offset", U64),
    ];
    MMAP2 = 163, "mmap2", Category::Memory, USES_FD, [
        arg("res", Errno).hex(),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("addr", U64).hex(),
        arg("length", U64),
        arg("prot", Flags32(&flags::PROT_FLAGS)).hex(),
        arg("flags", Flags32(&flags::MMAP_FLAGS)).hex(),
        arg("fd", Fd),
        arg("pgoffset", U64),
    ];
    MUNMAP = 165, "munmap", Category::Memory, NONE, [
        arg("res", Errno),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("addr", U64).hex(),
        arg("length", U64),
    ];
    SPLICE = 167, "splice", Category::IoOther, USES_FD, [
        arg("res", Errno),
        arg("fd_in", Fd),
        arg("fd_out", Fd),
        arg("size", U64),
        arg("flags", Flags32(&flags::SPLICE_FLAGS)).hex(),
    ];
    PTRACE = 169, "ptrace", Category::Process, NONE, [
        arg("res", Errno),
        arg("addr", Dyn(&dynamic::PTRACE)).hex(),
        arg("data", Dyn(&dynamic::PTRACE)).hex(),
        arg("request", Enum16(&flags::PTRACE_REQUESTS)),
        arg("pid", Pid),
    ];
    IOCTL = 171, "ioctl", Category::IoOther, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("request", U64).hex(),
        arg("argument", U64).hex(),
    ];
    RENAME = 175, "rename", Category::File, NONE, [
        arg("res", Errno),
        arg("oldpath", Path),
        arg("newpath", Path),
    ];
    RENAMEAT = 177, "renameat", Category::File, NONE, [
        arg("res", Errno),
        arg("olddirfd", Fd),
        arg("oldpath", RelPath { dirfd: 1 }),
        arg("newdirfd", Fd),
        arg("newpath", RelPath { dirfd: 3 }),
    ];
    SYMLINK = 179, "symlink", Category::File, NONE, [
        arg("res", Errno),
        arg("target", Str),
        arg("linkpath", Path),
    ];
    SYMLINKAT = 181, "symlinkat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("target", Str),
        arg("linkdirfd", Fd),
        arg("linkpath", RelPath { dirfd: 2 }),
    ];
    SENDFILE = 189, "sendfile", Category::IoWrite, USES_FD, [
        arg("res", Errno),
        arg("offset", U64),
        arg("out_fd", Fd),
        arg("in_fd", Fd),
        arg("size", U64),
        arg("requested_offset", U64).extra(),
    ];
    QUOTACTL = 191, "quotactl", Category::User, NONE, [
        arg("res", Errno),
        arg("special", Str),
        arg("quotafilepath", Str),
        arg("dqb_bhardlimit", U64),
        arg("dqb_bsoftlimit", U64),
        arg("dqb_curspace", U64),
        arg("dqb_ihardlimit", U64),
        arg("dqb_isoftlimit", U64),
        arg("dqb_btime", RelTime),
        arg("dqb_itime", RelTime),
        arg("dqi_bgrace", RelTime),
        arg("dqi_igrace", RelTime),
        arg("dqi_flags", Flags8(&flags::QUOTACTL_DQI_FLAGS)),
        arg("quota_fmt_out", Flags8(&flags::QUOTACTL_QUOTA_FMTS)),
        arg("cmd", Flags16(&flags::QUOTACTL_CMDS)),
        arg("type", Flags8(&flags::QUOTACTL_TYPES)),
        arg("id", U32),
        arg("quota_fmt", Flags8(&flags::QUOTACTL_QUOTA_FMTS)),
    ];
    SETRESUID = 193, "setresuid", Category::User, MODIFIES_STATE, [
        arg("res", Errno),
        arg("ruid", Uid),
        arg("euid", Uid),
        arg("suid", Uid),
    ];
    SETRESGID = 195, "setresgid", Category::User, MODIFIES_STATE, [
        arg("res", Errno),
        arg("rgid", Gid),
        arg("egid", Gid),
        arg("sgid", Gid),
    ];
    SETUID = 199, "setuid", Category::User, MODIFIES_STATE, [
        arg("res", Errno),
        arg("uid", Uid),
    ];
    SETGID = 201, "setgid", Category::User, MODIFIES_STATE, [
        arg("res", Errno),
        arg("gid", Gid),
    ];
    GETUID = 203, "getuid", Category::User, NONE, [
        arg("uid", Uid),
    ];
    GETEUID = 205, "geteuid", Category::User, NONE, [
        arg("euid", Uid),
    ];
    GETGID = 207, "getgid", Category::User, NONE, [
        arg("gid", Gid),
    ];
    GETEGID = 209, "getegid", Category::User, NONE, [
        arg("egid", Gid),
    ];
    GETRESUID = 211, "getresuid", Category::User, NONE, [
        arg("res", Errno),
        arg("ruid", Uid),
        arg("euid", Uid),
        arg("suid", Uid),
    ];
    GETRESGID = 213, "getresgid", Category::User, NONE, [
        arg("res", Errno),
        arg("rgid", Gid),
        arg("egid", Gid),
        arg("sgid", Gid),
    ];
    CLONE = 223, "clone", Category::Process, MODIFIES_STATE, [
        arg("res", Pid),
        arg("exe", Str),
        arg("args", Bytes),
        arg("tid", Pid),
        arg("pid", Pid),
        arg("ptid", Pid),
        arg("cwd", Str),
        arg("fdlimit", I64),
        arg("pgft_maj", U64),
        arg("pgft_min", U64),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("comm", Str),
        arg("cgroups", Bytes),
        arg("flags", Flags32(&flags::CLONE_FLAGS)).hex(),
        arg("uid", U32),
        arg("gid", U32),
        arg("vtid", Pid),
        arg("vpid", Pid),
        arg("pidns_init_start_ts", U64),
        arg("start_time", AbsTime).extra(),
        arg("namespaces", Bytes).extra(),
    ];
    FORK = 225, "fork", Category::Process, MODIFIES_STATE, [
        arg("res", Pid),
        arg("exe", Str),
        arg("args", Bytes),
        arg("tid", Pid),
        arg("pid", Pid),
        arg("ptid", Pid),
        arg("cwd", Str),
        arg("fdlimit", I64),
        arg("pgft_maj", U64),
        arg("pgft_min", U64),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("comm", Str),
        arg("cgroups", Bytes),
        arg("flags", Flags32(&flags::CLONE_FLAGS)).hex(),
        arg("uid", U32),
        arg("gid", U32),
        arg("vtid", Pid),
        arg("vpid", Pid),
        arg("pidns_init_start_ts", U64),
        arg("start_time", AbsTime).extra(),
        arg("namespaces", Bytes).extra(),
    ];
    VFORK = 227, "vfork", Category::Process, MODIFIES_STATE, [
        arg("res", Pid),
        arg("exe", Str),
        arg("args", Bytes),
        arg("tid", Pid),
        arg("pid", Pid),
        arg("ptid", Pid),
        arg("cwd", Str),
        arg("fdlimit", I64),
        arg("pgft_maj", U64),
        arg("pgft_min", U64),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("comm", Str),
        arg("cgroups", Bytes),
        arg("flags", Flags32(&flags::CLONE_FLAGS)).hex(),
        arg("uid", U32),
        arg("gid", U32),
        arg("vtid", Pid),
        arg("vpid", Pid),
        arg("pidns_init_start_ts", U64),
        arg("start_time", AbsTime).extra(),
        arg("namespaces", Bytes).extra(),
    ];
    GETDENTS = 237, "getdents", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
    ];
    GETDENTS64 = 239, "getdents64", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
    ];
    SETNS = 241, "setns", Category::Process, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("nstype", Flags32(&flags::CLONE_FLAGS)).hex(),
    ];
    FLOCK = 243, "flock", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("operation", Flags32(&flags::FLOCK_FLAGS)).hex(),
    ];
    ACCEPT = 247, "accept", Category::Net, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("tuple", SockTuple),
        arg("queuepct", U8),
        arg("queuelen", U32),
        arg("queuemax", U32),
    ];
    SEMOP = 251, "semop", Category::Process, NONE, [
        arg("res", Errno),
        arg("nsops", U32),
        arg("sem_num_0", U16),
        arg("sem_op_0", I16),
        arg("sem_flg_0", Flags16(&flags::SEMOP_FLAGS)).hex(),
        arg("sem_num_1", U16),
        arg("sem_op_1", I16),
        arg("sem_flg_1", Flags16(&flags::SEMOP_FLAGS)).hex(),
        arg("semid", I32),
    ];
    SEMCTL = 253, "semctl", Category::Process, NONE, [
        arg("res", Errno),
        arg("semid", I32),
        arg("semnum", I32),
        arg("cmd", Flags16(&flags::SEMCTL_COMMANDS)).hex(),
        arg("val", I32),
    ];
    PPOLL = 255, "ppoll", Category::Wait, WAITS, [
        arg("res", Errno),
        arg("fds", FdList),
        arg("timeout", RelTime),
        arg("sigmask", SigSet),
        arg("requested_fds", FdList).extra(),
    ];
    MOUNT = 257, "mount", Category::File, MODIFIES_STATE, [
        arg("res", Errno),
        arg("dev", Str),
        arg("dir", Path),
        arg("type", Str),
        arg("flags", Flags32(&flags::MOUNT_FLAGS)).hex(),
    ];
    SEMGET = 263, "semget", Category::Process, NONE, [
        arg("res", Errno),
        arg("key", I32).hex(),
        arg("nsems", I32),
        arg("semflg", Flags32(&flags::SEMGET_FLAGS)).hex(),
    ];
    ACCESS = 265, "access", Category::File, NONE, [
        arg("res", Errno),
        arg("name", Path),
        arg("mode", Flags32(&flags::ACCESS_FLAGS)).hex(),
    ];
    CHROOT = 267, "chroot", Category::Process, MODIFIES_STATE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    SETSID = 275, "setsid", Category::Process, MODIFIES_STATE, [
        arg("res", Pid),
    ];
    MKDIR = 277, "mkdir", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("mode", U32).hex(),
    ];
    RMDIR = 279, "rmdir", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    UNSHARE = 285, "unshare", Category::Process, NONE, [
        arg("res", Errno),
        arg("flags", Flags32(&flags::CLONE_FLAGS)).hex(),
    ];
    EXECVE = 293, "execve", Category::Process, MODIFIES_STATE, [
        arg("res", Errno),
        arg("exe", Str),
        arg("args", Bytes),
        arg("tid", Pid),
        arg("pid", Pid),
        arg("ptid", Pid),
        arg("cwd", Str),
        arg("fdlimit", U64),
        arg("pgft_maj", U64),
        arg("pgft_min", U64),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("comm", Str),
        arg("cgroups", Bytes),
        arg("env", Bytes),
        arg("tty", U32),
        arg("vpgid", Pid),
        arg("loginuid", Uid),
        arg("flags", Flags32(&flags::EXECVE_FLAGS)).hex(),
        arg("cap_inheritable", U64).hex(),
        arg("cap_permitted", U64).hex(),
        arg("cap_effective", U64).hex(),
        arg("exe_ino", U64),
        arg("exe_ino_ctime", AbsTime),
        arg("exe_ino_mtime", AbsTime),
        arg("uid", Uid),
        arg("trusted_exepath", Path),
        arg("pgid", Pid),
        arg("gid", Gid),
        arg("filename", Path),
        arg("start_time", AbsTime).extra(),
        arg("namespaces", Bytes).extra(),
        arg("exe_dev", U32).hex().extra(),
        arg("exe_mode", U32).oct().extra(),
        arg("exe_links", U32).extra(),
    ];
    SETPGID = 295, "setpgid", Category::Process, NONE, [
        arg("res", Errno),
        arg("pid", Pid),
        arg("pgid", Pid),
    ];
    SECCOMP = 299, "seccomp", Category::Other, NONE, [
        arg("res", Errno),
        arg("op", U64),
        arg("flags", U64).hex(),
    ];
    UNLINK = 301, "unlink", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    UNLINKAT = 303, "unlinkat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("name", RelPath { dirfd: 1 }),
        arg("flags", Flags32(&flags::UNLINKAT_FLAGS)).hex(),
    ];
    MKDIRAT = 305, "mkdirat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("mode", U32).hex(),
    ];
    OPENAT = 307, "openat", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("dirfd", Fd),
        arg("name", RelPath { dirfd: 1 }),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
        arg("mode", U32).oct(),
        arg("dev", U32).hex(),
        arg("ino", U64),
        arg("name_at_enter", RelPath { dirfd: 1 }).extra(),
    ];
    LINK = 309, "link", Category::File, NONE, [
        arg("res", Errno),
        arg("oldpath", Path),
        arg("newpath", Path),
    ];
    LINKAT = 311, "linkat", Category::File, NONE, [
        arg("res", Errno),
        arg("olddir", Fd),
        arg("oldpath", RelPath { dirfd: 1 }),
        arg("newdir", Fd),
        arg("newpath", RelPath { dirfd: 3 }),
        arg("flags", Flags32(&flags::LINKAT_FLAGS)).hex(),
    ];
    FCHMODAT = 313, "fchmodat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("filename", RelPath { dirfd: 1 }),
        arg("mode", Mode(&flags::CHMOD_MODE)).oct(),
    ];
    CHMOD = 315, "chmod", Category::File, NONE, [
        arg("res", Errno),
        arg("filename", Path),
        arg("mode", Mode(&flags::CHMOD_MODE)).oct(),
    ];
    FCHMOD = 317, "fchmod", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("mode", Mode(&flags::CHMOD_MODE)).oct(),
    ];
    RENAMEAT2 = 319, "renameat2", Category::File, NONE, [
        arg("res", Errno),
        arg("olddirfd", Fd),
        arg("oldpath", RelPath { dirfd: 1 }),
        arg("newdirfd", Fd),
        arg("newpath", RelPath { dirfd: 3 }),
        arg("flags", Flags32(&flags::RENAMEAT2_FLAGS)).hex(),
    ];
    USERFAULTFD = 321, "userfaultfd", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
    ];
    OPENAT2 = 327, "openat2", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("dirfd", Fd),
        arg("name", RelPath { dirfd: 1 }),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
        arg("mode", U32).oct(),
        arg("resolve", Flags32(&flags::OPENAT2_FLAGS)).hex(),
        arg("dev", U32).hex(),
        arg("ino", U64),
        arg("name_at_enter", RelPath { dirfd: 1 }).extra(),
    ];
    MPROTECT = 329, "mprotect", Category::Memory, NONE, [
        arg("res", Errno),
        arg("addr", U64).hex(),
        arg("length", U64),
        arg("prot", Flags32(&flags::PROT_FLAGS)).hex(),
    ];
    EXECVEAT = 331, "execveat", Category::Process, MODIFIES_STATE, [
        arg("res", Errno),
        arg("exe", Str),
        arg("args", Bytes),
        arg("tid", Pid),
        arg("pid", Pid),
        arg("ptid", Pid),
        arg("cwd", Str),
        arg("fdlimit", U64),
        arg("pgft_maj", U64),
        arg("pgft_min", U64),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("comm", Str),
        arg("cgroups", Bytes),
        arg("env", Bytes),
        arg("tty", U32),
        arg("vpgid", Pid),
        arg("loginuid", Uid),
        arg("flags", Flags32(&flags::EXECVE_FLAGS)).hex(),
        arg("cap_inheritable", U64).hex(),
        arg("cap_permitted", U64).hex(),
        arg("cap_effective", U64).hex(),
        arg("exe_ino", U64),
        arg("exe_ino_ctime", AbsTime),
        arg("exe_ino_mtime", AbsTime),
        arg("uid", Uid),
        arg("trusted_exepath", Path),
        arg("pgid", Pid),
        arg("gid", Gid),
        arg("dirfd", Fd).extra(),
        arg("pathname", RelPath { dirfd: 30 }).extra(),
        arg("at_flags", Flags32(&flags::EXECVEAT_FLAGS)).hex().extra(),
        arg("start_time", AbsTime).extra(),
        arg("namespaces", Bytes).extra(),
        arg("exe_dev", U32).hex().extra(),
        arg("exe_mode", U32).oct().extra(),
        arg("exe_links", U32).extra(),
    ];
    COPY_FILE_RANGE = 333, "copy_file_range", Category::File, USES_FD | READS_FROM_FD | WRITES_TO_FD, [
        arg("res", Errno),
        arg("fdout", Fd),
        arg("offout", U64),
        arg("fdin", Fd),
        arg("offin", U64),
        arg("len", U64),
    ];
    CLONE3 = 335, "clone3", Category::Process, MODIFIES_STATE, [
        arg("res", Pid),
        arg("exe", Str),
        arg("args", Bytes),
        arg("tid", Pid),
        arg("pid", Pid),
        arg("ptid", Pid),
        arg("cwd", Str),
        arg("fdlimit", I64),
        arg("pgft_maj", U64),
        arg("pgft_min", U64),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("comm", Str),
        arg("cgroups", Bytes),
        arg("flags", Flags32(&flags::CLONE_FLAGS)).hex(),
        arg("uid", U32),
        arg("gid", U32),
        arg("vtid", Pid),
        arg("vpid", Pid),
        arg("pidns_init_start_ts", U64),
        arg("start_time", AbsTime).extra(),
        arg("namespaces", Bytes).extra(),
    ];
    OPEN_BY_HANDLE_AT = 337, "open_by_handle_at", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("mountfd", Fd),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
        arg("path", Path),
        arg("dev", U32).hex(),
        arg("ino", U64),
    ];
    IO_URING_SETUP = 339, "io_uring_setup", Category::IoOther, CREATES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("entries", U32),
        arg("sq_entries", U32),
        arg("cq_entries", U32),
        arg("flags", Flags32(&flags::IO_URING_SETUP_FLAGS)).hex(),
        arg("sq_thread_cpu", U32),
        arg("sq_thread_idle", U32),
        arg("features", Flags32(&flags::IO_URING_SETUP_FEATS)).hex(),
    ];
    IO_URING_ENTER = 341, "io_uring_enter", Category::IoOther, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("to_submit", U32),
        arg("min_complete", U32),
        arg("flags", Flags32(&flags::IO_URING_ENTER_FLAGS)).hex(),
        arg("sig", SigSet),
    ];
    IO_URING_REGISTER = 343, "io_uring_register", Category::IoOther, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("opcode", Enum16(&flags::IO_URING_REGISTER_OPCODES)),
        arg("arg", U64).hex(),
        arg("nr_args", U32),
    ];
    MLOCK = 345, "mlock", Category::Memory, NONE, [
        arg("res", Errno),
        arg("addr", U64).hex(),
        arg("len", U64),
    ];
    MUNLOCK = 347, "munlock", Category::Memory, NONE, [
        arg("res", Errno),
        arg("addr", U64).hex(),
        arg("len", U64),
    ];
    MLOCKALL = 349, "mlockall", Category::Memory, NONE, [
        arg("res", Errno),
        arg("flags", Flags32(&flags::MLOCKALL_FLAGS)).hex(),
    ];
    MUNLOCKALL = 351, "munlockall", Category::Memory, NONE, [
        arg("res", Errno),
    ];
    CAPSET = 353, "capset", Category::Process, MODIFIES_STATE, [
        arg("res", Errno),
        arg("cap_inheritable", U64).hex(),
        arg("cap_permitted", U64).hex(),
        arg("cap_effective", U64).hex(),
    ];
    DUP2 = 363, "dup2", Category::IoOther, CREATES_FD | USES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("oldfd", Fd),
        arg("newfd", Fd),
    ];
    DUP3 = 365, "dup3", Category::IoOther, CREATES_FD | USES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("oldfd", Fd),
        arg("newfd", Fd),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
    ];
    DUP = 367, "dup", Category::IoOther, CREATES_FD | USES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("oldfd", Fd),
    ];
    BPF = 369, "bpf", Category::Other, CREATES_FD, [
        arg("fd", Fd),
        arg("cmd", Enum32(&flags::BPF_COMMANDS)),
    ];
    MLOCK2 = 371, "mlock2", Category::Memory, NONE, [
        arg("res", Errno),
        arg("addr", U64).hex(),
        arg("len", U64),
        arg("flags", Flags32(&flags::MLOCK2_FLAGS)).hex(),
    ];
    FSCONFIG = 373, "fsconfig", Category::System, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("cmd", Enum32(&flags::FSCONFIG_CMDS)),
        arg("key", Str),
        arg("value_bytebuf", Bytes),
        arg("value_charbuf", Str),
        arg("aux", I32),
    ];
    EPOLL_CREATE = 375, "epoll_create", Category::Wait, CREATES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("size", I32),
    ];
    EPOLL_CREATE1 = 377, "epoll_create1", Category::Wait, CREATES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("flags", Flags32(&flags::EPOLL_CREATE1_FLAGS)).hex(),
    ];
    CHOWN = 379, "chown", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("uid", U32),
        arg("gid", U32),
    ];
    LCHOWN = 381, "lchown", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("uid", U32),
        arg("gid", U32),
    ];
    FCHOWN = 383, "fchown", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("uid", U32),
        arg("gid", U32),
    ];
    FCHOWNAT = 385, "fchownat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("pathname", RelPath { dirfd: 1 }),
        arg("uid", U32),
        arg("gid", U32),
        arg("flags", Flags32(&flags::FCHOWNAT_FLAGS)).hex(),
    ];
    UMOUNT = 387, "umount", Category::File, MODIFIES_STATE, [
        arg("res", Errno),
        arg("name", Path),
        arg("flags", Flags32(&flags::UMOUNT_FLAGS)).hex().extra(),
    ];
    ACCEPT4 = 389, "accept4", Category::Net, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("tuple", SockTuple),
        arg("queuepct", U8),
        arg("queuelen", U32),
        arg("queuemax", U32),
        arg("flags", I32).hex(),
    ];
    UMOUNT2 = 391, "umount2", Category::File, MODIFIES_STATE, [
        arg("res", Errno),
        arg("name", Path),
        arg("flags", Flags32(&flags::UMOUNT_FLAGS)).hex(),
    ];
    PIPE2 = 393, "pipe2", Category::Ipc, CREATES_FD | MODIFIES_STATE, [
        arg("res", Errno),
        arg("fd1", Fd),
        arg("fd2", Fd),
        arg("ino", U64),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
    ];
    INOTIFY_INIT1 = 395, "inotify_init1", Category::Ipc, CREATES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("flags", Flags16(&flags::FILE_FLAGS)).hex(),
    ];
    EVENTFD2 = 397, "eventfd2", Category::Ipc, CREATES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("flags", Flags16(&flags::FILE_FLAGS)).hex(),
        arg("initval", U64),
    ];
    SIGNALFD4 = 399, "signalfd4", Category::Signal, CREATES_FD | MODIFIES_STATE, [
        arg("res", Fd),
        arg("flags", Flags16(&flags::FILE_FLAGS)).hex(),
        arg("fd", Fd),
        arg("mask", U32).hex(),
    ];
    PRCTL = 401, "prctl", Category::Process, MODIFIES_STATE, [
        arg("res", Errno),
        arg("option", Enum32(&flags::PRCTL_OPTIONS)),
        arg("arg2_str", Str),
        arg("arg2_int", I64),
    ];
    MEMFD_CREATE = 405, "memfd_create", Category::Memory, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("name", Str),
        arg("flags", Flags32(&flags::MEMFD_CREATE_FLAGS)).hex(),
    ];
    PIDFD_GETFD = 407, "pidfd_getfd", Category::Process, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("pid_fd", Fd),
        arg("target_fd", Fd),
        arg("flags", U32).hex(),
    ];
    PIDFD_OPEN = 409, "pidfd_open", Category::Process, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("pid", Pid),
        arg("flags", Flags32(&flags::PIDFD_OPEN_FLAGS)).hex(),
    ];
    INIT_MODULE = 411, "init_module", Category::Other, NONE, [
        arg("res", Errno),
        arg("img", Bytes),
        arg("length", U64),
        arg("uargs", Str),
    ];
    FINIT_MODULE = 413, "finit_module", Category::Other, USES_FD | READS_FROM_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("uargs", Str),
        arg("flags", Flags32(&flags::FINIT_MODULE_FLAGS)).hex(),
    ];
    MKNOD = 415, "mknod", Category::Other, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("mode", Mode(&flags::MKNOD_MODE)).oct(),
        arg("dev", U32),
    ];
    MKNODAT = 417, "mknodat", Category::Other, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("mode", Mode(&flags::MKNOD_MODE)).oct(),
        arg("dev", U32),
    ];
    NEWFSTATAT = 419, "newfstatat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("flags", Flags32(&flags::NEWFSTATAT_FLAGS)).hex(),
    ];
    PROCESS_VM_READV = 421, "process_vm_readv", Category::Ipc, NONE, [
        arg("res", I64),
        arg("pid", Pid),
        arg("data", Bytes),
    ];
    PROCESS_VM_WRITEV = 423, "process_vm_writev", Category::Ipc, NONE, [
        arg("res", I64),
        arg("pid", Pid),
        arg("data", Bytes),
    ];
    DELETE_MODULE = 425, "delete_module", Category::Other, NONE, [
        arg("res", Errno),
        arg("name", Str),
        arg("flags", Flags32(&flags::DELETE_MODULE_FLAGS)).hex(),
    ];
    SETREUID = 427, "setreuid", Category::User, MODIFIES_STATE, [
        arg("res", Errno),
        arg("ruid", Uid),
        arg("euid", Uid),
    ];
    SETREGID = 429, "setregid", Category::User, MODIFIES_STATE, [
        arg("res", Errno),
        arg("rgid", Uid),
        arg("egid", Uid),
    ];
    CLOSE_RANGE = 451, "close_range", Category::IoOther, MODIFIES_STATE, [
        arg("res", Errno),
        arg("first", U32),
        arg("last", U32),
        arg("flags", Flags32(&flags::CLOSE_RANGE_FLAGS)).hex(),
    ];
    KEYCTL = 453, "keyctl", Category::Other, NONE, [
        arg("res", Errno),
        arg("operation", Enum32(&flags::KEYCTL_OPERATIONS)),
        arg("arg2", Dyn(&dynamic::KEYCTL)),
        arg("arg3", Dyn(&dynamic::KEYCTL)),
        arg("arg4", Dyn(&dynamic::KEYCTL)),
        arg("arg5", Dyn(&dynamic::KEYCTL)),
    ];
}
