//! The system calls that can be recorded: one row each.
//!
//! A row says when a call is recorded, what the program in the kernel fetches for it, and how the arguments of its
//! event come out of that. Numbers: `arch/x86/entry/syscalls/syscall_{64,32}.tbl` of Linux. Names, order and types of
//! events' arguments stand in `tracehound_formats::event::syscalls`.

use tracehound_capture_layout::Call;
use tracehound_capture_layout::settings::{ACCEPT_32, MAX_OPS, RET, op, when};
use tracehound_formats::KindId;
use tracehound_formats::event::syscalls as kind;

use crate::decode::Fill::{self, *};
use crate::decode::{Dir, NO_ADDR, custom};
use crate::flags;
use crate::options::Profile::{self, Default, Full, Minimal};

/// One system call.
pub(crate) struct CallRow {
    /// Name.
    pub(crate) name: &'static str,
    /// Smallest profile that has it.
    pub(crate) profile: Profile,
    /// True if it is recorded whatever is chosen: births and failed execs.
    pub(crate) is_always: bool,
    /// Numbers on x86-64.
    pub(crate) nr: &'static [u16],
    /// Numbers on i386.
    pub(crate) nr_32: &'static [u16],
    /// What the program is told.
    call: Call,
    /// Kind of the event.
    pub(crate) kind: KindId,
    /// Arguments of the event, in order; those that are left out at the end are absent.
    pub(crate) fill: &'static [Fill],
}

impl CallRow {
    /// What the program is told. With `is_full` a condition on arguments falls away; those of births and execs do not,
    /// because the rest is told by other hooks.
    pub(crate) fn call(&self, is_full: bool) -> Call {
        let when = if is_full && !self.is_always { when::ALWAYS } else { self.call.when };
        Call { when, ..self.call }
    }
}

/// When a call is recorded, and how many of its arguments are kept.
const fn always(n_args: u8) -> Call {
    Call { when: when::ALWAYS, n_args, ..Call::NEVER }
}

/// Recorded if an argument meets a condition.
const fn only(when: u8, arg: u8, mask: u32, n_args: u8) -> Call {
    Call { when, n_args, arg, mask, ..Call::NEVER }
}

/// Adds what is fetched.
const fn with_ops(call: Call, list: &[u16]) -> Call {
    let mut ops = [0; MAX_OPS];
    let mut i = 0;
    while i < list.len() {
        ops[i] = list[i];
        i += 1;
    }
    Call { ops, ..call }
}

const fn str(arg: u8) -> u16 {
    op::on(op::STR, arg)
}

const fn mem(arg: u8, n_bytes: u16) -> u16 {
    op::sized(op::BYTES, arg, n_bytes)
}

const fn on(op: u8, arg: u8) -> u16 {
    op::on(op, arg)
}

/// The file that a call returned.
const FILE: u16 = op::on(op::FILE, RET);

macro_rules! calls {
    ($($name:literal $profile:ident [$($nr:literal)*] [$($nr_32:expr),*] $kind:ident $call:expr, [$($op:expr),*], [$($fill:expr),* $(,)?];)*) => {
        /// Every row.
        pub(crate) static CALLS: &[CallRow] = &[$(
            CallRow {
                name: $name,
                profile: $profile,
                is_always: is_always($name),
                nr: &[$($nr),*],
                nr_32: &[$($nr_32),*],
                call: with_ops($call, &[$($op),*]),
                kind: kind::$kind,
                fill: { const FILL: &[Fill] = &[$($fill),*]; FILL },
            },
        )*];
    };
}

/// Births and execs.
const fn is_always(name: &str) -> bool {
    matches!(name.as_bytes(), b"clone" | b"clone3" | b"fork" | b"vfork" | b"execve" | b"execveat")
}

calls! {
    // Processes. Success of an exec, and the child's side of a birth, come from hooks of their own.
    "clone" Minimal [56] [120] CLONE only(when::NOT_CHILD, 0, 0, 1), [on(op::PID_LEVELS, 0)],
        [Ret, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent,
        Absent, With(custom::clone_flags)];
    "clone3" Minimal [435] [435] CLONE3 only(when::NOT_CHILD, 0, 0, 2), [mem(0, 8), on(op::PID_LEVELS, 0)],
        [Ret, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent,
        Absent, With(custom::clone3_flags)];
    "fork" Minimal [57] [2] FORK only(when::NOT_CHILD, 0, 0, 0), [on(op::PID_LEVELS, 0)],
        [Ret, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent,
        Absent, With(custom::fork_flags)];
    "vfork" Minimal [58] [190] VFORK only(when::NOT_CHILD, 0, 0, 0), [on(op::PID_LEVELS, 0)],
        [Ret, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent,
        Absent, With(custom::vfork_flags)];
    "execve" Minimal [59] [11] EXECVE only(when::FAILED, 0, 0, 2), [str(0), on(op::STR_VEC, 1)],
        [Ret, With(custom::argv_first), With(custom::argv_others), Absent, Absent, Absent, Absent, Absent, Absent,
        Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent,
        Absent, Absent, Absent, Absent, Absent, Absent, Absent, Str(0)];
    "execveat" Minimal [322] [358] EXECVEAT only(when::FAILED, 0, 0, 5), [str(1), on(op::STR_VEC, 2)],
        [Ret, With(custom::argv_first), With(custom::argv_others), Absent, Absent, Absent, Absent, Absent, Absent,
        Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent,
        Absent, Absent, Absent, Absent, Absent, Absent, Absent, Int(0), Str(1), Flags(4, &flags::EXECVEAT)];
    "setsid" Minimal [112] [66] SETSID always(0), [], [Ret];
    "setpgid" Default [109] [57] SETPGID always(2), [], [Ret, Int(0), Int(1)];
    "prctl" Default [157] [172] PRCTL always(5), [on(op::PRCTL_NAME, 1)],
        [Ret, Int(0), With(custom::prctl_text), With(custom::prctl_number)];
    "ptrace" Minimal [101] [26] PTRACE always(4), [],
        [Ret, With(custom::ptrace_addr), With(custom::ptrace_data), Map(0, flags::ptrace_request), Int(1)];
    "setns" Minimal [308] [346] SETNS always(2), [], [Ret, Int(0), Flags(1, &flags::CLONE)];
    "unshare" Minimal [272] [310] UNSHARE always(1), [], [Ret, Flags(0, &flags::CLONE)];
    "chroot" Minimal [161] [61] CHROOT always(1), [str(0)], [Ret, Str(0)];
    "pivot_root" Minimal [155] [217] PIVOT_ROOT always(2), [str(0), str(1)], [Ret, Str(0), Str(1)];
    "seccomp" Default [317] [354] SECCOMP always(2), [], [Ret, Int(0), With(custom::second_word)];
    "prlimit" Full [302] [340] PRLIMIT always(4), [mem(2, 16), mem(3, 16)],
        [Ret, Word64(2, 0), Word64(2, 8), With(custom::old_current), With(custom::old_most), With(custom::first_signed),
        Int(1)];
    "setrlimit" Full [160] [] SETRLIMIT always(2), [mem(1, 16)], [Ret, Word64(1, 0), Word64(1, 8), Int(0)];

    // Identity.
    "setuid" Minimal [105] [23, 213] SETUID always(1), [], [Ret, Int(0)];
    "setgid" Minimal [106] [46, 214] SETGID always(1), [], [Ret, Int(0)];
    "setreuid" Minimal [113] [70, 203] SETREUID always(2), [], [Ret, Int(0), Int(1)];
    "setregid" Minimal [114] [71, 204] SETREGID always(2), [], [Ret, Int(0), Int(1)];
    "setresuid" Minimal [117] [164, 208] SETRESUID always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "setresgid" Minimal [119] [170, 210] SETRESGID always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "setfsuid" Default [122] [138, 215] SETFSUID always(1), [], [Ret, Int(0)];
    "setfsgid" Default [123] [139, 216] SETFSGID always(1), [], [Ret, Int(0)];
    "setgroups" Default [116] [81, 206] SETGROUPS always(2), [], [Ret, Int(0)];
    "capset" Minimal [126] [185] CAPSET always(2), [on(op::CAPS, 0)],
        [Ret, With(custom::cap_inheritable), With(custom::cap_permitted), With(custom::cap_effective)];

    // Files: opening, and the working directory.
    "open" Minimal [2] [5] OPEN always(3), [str(0), FILE],
        [Ret, Str(0), OpenFlags(1), OpenMode(1, 2), Dev, Ino];
    "openat" Minimal [257] [295] OPENAT always(4), [str(1), FILE],
        [Ret, Int(0), Str(1), OpenFlags(2), OpenMode(2, 3), Dev, Ino];
    "openat2" Minimal [437] [437] OPENAT2 always(3), [str(1), FILE, mem(2, 24)],
        [Ret, Int(0), Str(1), With(custom::openat2_flags), With(custom::openat2_mode), WordFlags(2, 16, &flags::RESOLVE),
        Dev, Ino];
    "creat" Minimal [85] [8] CREAT always(2), [str(0), FILE],
        [Ret, Str(0), With(custom::creat_mode), Dev, Ino, With(custom::creat_flags)];
    "open_by_handle_at" Minimal [304] [342] OPEN_BY_HANDLE_AT always(3), [on(op::FD_PATH, RET), FILE],
        [Ret, Int(0), OpenFlags(2), With(custom::fd_path), Dev, Ino];
    "chdir" Minimal [80] [12] CHDIR always(1), [str(0)], [Ret, Str(0)];
    "fchdir" Minimal [81] [133] FCHDIR always(1), [], [Ret, Int(0)];
    "getcwd" Full [79] [183] GETCWD only(when::OK, 0, 0, 2), [str(0)], [Ret, With(custom::getcwd_path)];

    // Files: changes.
    "rename" Default [82] [38] RENAME always(2), [str(0), str(1)], [Ret, Str(0), Str(1)];
    "renameat" Default [264] [302] RENAMEAT always(4), [str(1), str(3)], [Ret, Int(0), Str(1), Int(2), Str(3)];
    "renameat2" Default [316] [353] RENAMEAT2 always(5), [str(1), str(3)],
        [Ret, Int(0), Str(1), Int(2), Str(3), Flags(4, &flags::RENAMEAT2)];
    "link" Default [86] [9] LINK always(2), [str(0), str(1)], [Ret, Str(0), Str(1)];
    "linkat" Default [265] [303] LINKAT always(5), [str(1), str(3)],
        [Ret, Int(0), Str(1), Int(2), Str(3), Flags(4, &flags::LINKAT)];
    "symlink" Default [88] [83] SYMLINK always(2), [str(0), str(1)], [Ret, Str(0), Str(1)];
    "symlinkat" Default [266] [304] SYMLINKAT always(3), [str(0), str(2)], [Ret, Str(0), Int(1), Str(2)];
    "unlink" Default [87] [10] UNLINK always(1), [str(0)], [Ret, Str(0)];
    "unlinkat" Default [263] [301] UNLINKAT always(3), [str(1)], [Ret, Int(0), Str(1), Flags(2, &flags::UNLINKAT)];
    "mkdir" Default [83] [39] MKDIR always(2), [str(0)], [Ret, Str(0), Int(1)];
    "mkdirat" Default [258] [296] MKDIRAT always(3), [str(1)], [Ret, Int(0), Str(1), Int(2)];
    "rmdir" Default [84] [40] RMDIR always(1), [str(0)], [Ret, Str(0)];
    "chmod" Default [90] [15] CHMOD always(2), [str(0)], [Ret, Str(0), Flags(1, &flags::CHMOD)];
    "fchmod" Default [91] [94] FCHMOD always(2), [], [Ret, Int(0), Flags(1, &flags::CHMOD)];
    "fchmodat" Default [268] [306] FCHMODAT always(3), [str(1)], [Ret, Int(0), Str(1), Flags(2, &flags::CHMOD)];
    "fchmodat2" Default [452] [452] FCHMODAT2 always(4), [str(1)],
        [Ret, Int(0), Str(1), Flags(2, &flags::CHMOD), Int(3)];
    "chown" Default [92] [182, 212] CHOWN always(3), [str(0)], [Ret, Str(0), Int(1), Int(2)];
    "lchown" Default [94] [16, 198] LCHOWN always(3), [str(0)], [Ret, Str(0), Int(1), Int(2)];
    "fchown" Default [93] [95, 207] FCHOWN always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "fchownat" Default [260] [298] FCHOWNAT always(5), [str(1)],
        [Ret, Int(0), Str(1), Int(2), Int(3), Flags(4, &flags::FCHOWNAT)];
    "truncate" Default [76] [92] TRUNCATE always(2), [str(0)], [Ret, Str(0), Int(1)];
    "ftruncate" Default [77] [93] FTRUNCATE always(2), [], [Ret, Int(0), Int(1)];
    "mknod" Default [133] [14] MKNOD always(3), [str(0)], [Ret, Str(0), Map(1, flags::mknod_mode), Int(2)];
    "mknodat" Default [259] [297] MKNODAT always(4), [str(1)],
        [Ret, Int(0), Str(1), Map(2, flags::mknod_mode), Int(3)];
    "utime" Default [132] [30] UTIME always(2), [str(0), mem(1, 16)],
        [Ret, Str(0), With(custom::utime_atime), With(custom::utime_mtime)];
    "utimes" Default [235] [271] UTIMES always(2), [str(0), mem(1, 32)],
        [Ret, Str(0), With(custom::timeval_atime), With(custom::timeval_mtime)];
    "futimesat" Default [261] [299] FUTIMESAT always(3), [str(1), mem(2, 32)],
        [Ret, Int(0), Str(1), With(custom::timeval_atime), With(custom::timeval_mtime)];
    "utimensat" Default [280] [320, 412] UTIMENSAT always(4), [str(1), mem(2, 32)],
        [Ret, Int(0), Str(1), With(custom::timespec_atime), With(custom::timespec_mtime), Int(3)];
    "setxattr" Default [188] [226] SETXATTR always(5), [str(0), str(1), on(op::DATA_IN, 2)],
        [Ret, Str(0), Str(1), Data, Int(3), Int(4)];
    "lsetxattr" Default [189] [227] LSETXATTR always(5), [str(0), str(1), on(op::DATA_IN, 2)],
        [Ret, Str(0), Str(1), Data, Int(3), Int(4)];
    "fsetxattr" Default [190] [228] FSETXATTR always(5), [str(1), on(op::DATA_IN, 2)],
        [Ret, Int(0), Str(1), Data, Int(3), Int(4)];
    "removexattr" Default [197] [235] REMOVEXATTR always(2), [str(0), str(1)], [Ret, Str(0), Str(1)];
    "lremovexattr" Default [198] [236] LREMOVEXATTR always(2), [str(0), str(1)], [Ret, Str(0), Str(1)];
    "fremovexattr" Default [199] [237] FREMOVEXATTR always(2), [str(1)], [Ret, Int(0), Str(1)];
    "setxattrat" Default [463] [463] SETXATTRAT always(6), [str(1), str(3), mem(4, 16), on(op::XATTR, 4)],
        [Ret, Int(0), Str(1), Int(2), Str(3), Data, Word32(4, 8), Word32(4, 12)];
    "removexattrat" Default [466] [466] REMOVEXATTRAT always(4), [str(1), str(3)],
        [Ret, Int(0), Str(1), Int(2), Str(3)];
    "file_setattr" Default [469] [469] FILE_SETATTR always(5), [str(1), mem(2, 8)],
        [Ret, Int(0), Str(1), Int(4), Word64(2, 0)];
    "name_to_handle_at" Default [303] [341] NAME_TO_HANDLE_AT always(5), [str(1)], [Ret, Int(0), Str(1), Int(4)];
    "fallocate" Default [285] [] FALLOCATE always(4), [], [Ret, Int(0), Int(1), Int(2), Int(3)];

    // Mounts.
    "mount" Minimal [165] [21] MOUNT always(4), [str(0), str(1), str(2)],
        [Ret, Str(0), Str(1), Str(2), Map(3, flags::mount_flags)];
    "umount2" Minimal [166] [52] UMOUNT2 always(2), [str(0)], [Ret, Str(0), Flags(1, &flags::UMOUNT)];
    "umount" Minimal [] [22] UMOUNT always(1), [str(0)], [Ret, Str(0)];
    "move_mount" Minimal [429] [429] MOVE_MOUNT always(5), [str(1), str(3)],
        [Ret, Int(0), Str(1), Int(2), Str(3), Int(4)];
    "mount_setattr" Minimal [442] [442] MOUNT_SETATTR always(4), [str(1), mem(3, 32)],
        [Ret, Int(0), Str(1), Int(2), Word64(3, 0), Word64(3, 8), Word64(3, 16), Word64(3, 24)];
    "fsopen" Minimal [430] [430] FSOPEN always(2), [str(0)], [Ret, Str(0), Int(1)];
    "fsconfig" Minimal [431] [431] FSCONFIG always(5), [str(2), str(3)],
        [Ret, Int(0), Int(1), Str(2), Absent, With(custom::fsconfig_text), Int(4)];
    "fsmount" Minimal [432] [432] FSMOUNT always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "fspick" Minimal [433] [433] FSPICK always(3), [str(1)], [Ret, Int(0), Str(1), Int(2)];
    "open_tree" Minimal [428] [428] OPEN_TREE always(3), [str(1)], [Ret, Int(0), Str(1), Int(2)];
    "open_tree_attr" Minimal [467] [467] OPEN_TREE_ATTR always(4), [str(1), mem(3, 32)],
        [Ret, Int(0), Str(1), Int(2), Word64(3, 0), Word64(3, 8), Word64(3, 16), Word64(3, 24)];
    "quotactl" Default [179] [131] QUOTACTL always(4), [str(1)],
        [Ret, Str(1), Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent,
        Map(0, flags::quota_command), Map(0, flags::quota_type), Int(2), With(custom::quota_format)];
    "quotactl_fd" Default [443] [443] QUOTACTL_FD always(4), [], [Ret, Int(0), Int(1), Int(2)];
    "swapon" Default [167] [87] SWAPON always(2), [str(0)], [Ret, Str(0), Int(1)];
    "swapoff" Default [168] [115] SWAPOFF always(1), [str(0)], [Ret, Str(0)];

    // Descriptors.
    "close" Minimal [3] [6] CLOSE only(when::OK, 0, 0, 1), [], [Ret, Int(0)];
    "close_range" Minimal [436] [436] CLOSE_RANGE always(3), [],
        [Ret, Int(0), Int(1), Flags(2, &flags::CLOSE_RANGE)];
    "dup" Minimal [32] [41] DUP always(1), [], [Ret, Int(0)];
    "dup2" Minimal [33] [63] DUP2 always(2), [], [Ret, Int(0), Int(1)];
    "dup3" Minimal [292] [330] DUP3 always(3), [], [Ret, Int(0), Int(1), Flags(2, &flags::FD)];
    "fcntl" Minimal [72] [55, 221] FCNTL only(when::ONE_OF, 1, 1 | 1 << 2, 3), [],
        [Ret, Int(0), Map(1, flags::fcntl_command), Int(2)];
    "pipe" Default [22] [42] PIPE always(1), [mem(0, 8), on(op::FILE_AT, 0)],
        [Ret, Pair(0, 0), Pair(0, 1), Ino];
    "pipe2" Default [293] [331] PIPE2 always(2), [mem(0, 8), on(op::FILE_AT, 0)],
        [Ret, Pair(0, 0), Pair(0, 1), Ino, Flags(1, &flags::FD)];
    "memfd_create" Minimal [319] [356] MEMFD_CREATE always(2), [str(0)], [Ret, Str(0), Flags(1, &flags::MEMFD)];
    "eventfd" Default [284] [323] EVENTFD always(1), [], [Ret, Int(0), Const(0)];
    "eventfd2" Default [290] [328] EVENTFD2 always(2), [], [Ret, Flags(1, &flags::FD), Int(0)];
    "inotify_init" Default [253] [291] INOTIFY_INIT always(0), [], [Ret, Const(0)];
    "inotify_init1" Default [294] [332] INOTIFY_INIT1 always(1), [], [Ret, Flags(0, &flags::FD)];
    "inotify_add_watch" Full [254] [292] INOTIFY_ADD_WATCH always(3), [str(1)], [Ret, Int(0), Str(1), Int(2)];
    "fanotify_init" Default [300] [338] FANOTIFY_INIT always(2), [], [Ret, Int(0), Map(1, flags::open_flags)];
    "fanotify_mark" Default [301] [] FANOTIFY_MARK always(5), [str(4)], [Ret, Int(0), Int(1), Int(2), Int(3), Str(4)];
    "signalfd" Default [282] [321] SIGNALFD always(3), [mem(1, 8)], [Ret, Int(0), Word32(1, 0), Const(0)];
    "signalfd4" Default [289] [327] SIGNALFD4 always(4), [mem(1, 8)],
        [Ret, Flags(3, &flags::FD), Int(0), Word32(1, 0)];
    "timerfd_create" Default [283] [322] TIMERFD_CREATE always(2), [], [Ret, Int(0), Flags(1, &flags::FD)];
    "epoll_create" Default [213] [254] EPOLL_CREATE always(1), [], [Ret, Int(0)];
    "epoll_create1" Default [291] [329] EPOLL_CREATE1 always(1), [], [Ret, Flags(0, &flags::EPOLL_CREATE1)];
    "userfaultfd" Minimal [323] [374] USERFAULTFD always(1), [], [Ret, Flags(0, &flags::FD)];
    "pidfd_open" Default [434] [434] PIDFD_OPEN always(2), [], [Ret, Int(0), Flags(1, &flags::PIDFD_OPEN)];
    "pidfd_getfd" Minimal [438] [438] PIDFD_GETFD always(3), [], [Ret, Int(0), Int(1), Int(2)];

    // Network.
    "socket" Minimal [41] [359] SOCKET always(3), [],
        [Ret, Map(0, custom::family), Int(1), Int(2), Flags(1, &flags::FD)];
    "socketpair" Default [53] [360] SOCKETPAIR always(4), [mem(3, 8), on(op::SOCKET_AT, 3)],
        [Ret, Pair(3, 0), Pair(3, 1), With(custom::pair_source), With(custom::pair_peer), Map(0, custom::family), Int(1),
        Int(2)];
    "bind" Minimal [49] [361] BIND always(3), [on(op::SOCKADDR, 1)], [Ret, Addr(1), Int(0)];
    "listen" Minimal [50] [363] LISTEN always(2), [], [Ret, Int(0), Int(1)];
    "connect" Minimal [42] [362] CONNECT always(3), [on(op::SOCKET, 0), on(op::SOCKADDR, 1)],
        [Ret, Tuple(0, Dir::Out, 1), Int(0), Addr(1)];
    "accept" Minimal [43] [ACCEPT_32] ACCEPT always(1), [on(op::SOCKET, RET), on(op::SOCKET, 0)],
        [Ret, Tuple(RET, Dir::In, NO_ADDR), With(custom::queue_percent), With(custom::queue_len),
        With(custom::queue_max)];
    "accept4" Minimal [288] [364] ACCEPT4 always(4), [on(op::SOCKET, RET), on(op::SOCKET, 0)],
        [Ret, Tuple(RET, Dir::In, NO_ADDR), With(custom::queue_percent), With(custom::queue_len),
        With(custom::queue_max), Flags(3, &flags::FD)];
    "shutdown" Default [48] [373] SHUTDOWN always(2), [], [Ret, Int(0), Map(1, flags::shutdown_how)];
    "sendto" Default [44] [369] SENDTO only(when::GIVEN, 4, 0, 6),
        [on(op::SOCKET, 0), on(op::SOCKADDR, 4), on(op::DATA_IN, 1)],
        [Ret, Data, Int(0), Int(2), Tuple(0, Dir::Out, 4)];
    "sendmsg" Default [46] [370] SENDMSG only(when::MSG_NAMED, 1, 0, 3),
        [on(op::SOCKET, 0), on(op::MSG_NAME, 1), on(op::MSG_DATA, 1)],
        [Ret, Data, Int(0), With(custom::sent), Tuple(0, Dir::Out, 1)];
    "sendmmsg" Default [307] [345] SENDMMSG only(when::MSG_NAMED, 1, 0, 4),
        [on(op::SOCKET, 0), on(op::MESSAGE, 1), on(op::MSG_NAME, 1), on(op::MSG_DATA, 1)],
        [Ret, Int(0), With(custom::sent), Data, Tuple(0, Dir::Out, 1)];
    "recvfrom" Default [45] [371] RECVFROM only(when::GIVEN, 4, 0, 6),
        [on(op::SOCKET, 0), on(op::SOCKADDR_OUT, 4), on(op::DATA_OUT, 1)],
        [Ret, Data, Tuple(0, Dir::In, 4), Int(0), Int(2)];
    "recvmsg" Default [47] [372] RECVMSG only(when::MSG_CONTROL, 1, 0, 3),
        [on(op::SOCKET, 0), on(op::MSG_NAME, 1), on(op::MSG_DATA, 1), on(op::MSG_CONTROL, 1)],
        [Ret, With(custom::sent), Data, Tuple(0, Dir::In, 1), Bytes(op::MSG_CONTROL), Int(0)];

    "recvmmsg" Default [299] [337, 417] RECVMMSG only(when::MSG_NAMED, 1, 0, 4),
        [on(op::SOCKET, 0), on(op::MESSAGE, 1), on(op::MSG_NAME, 1), on(op::MSG_DATA, 1)],
        [Ret, Int(0), With(custom::sent), Data, Tuple(0, Dir::In, 1), Absent];

    // Memory and code.
    "mmap" Default [9] [192] MMAP only(when::MASK, 2, 4, 6), [],
        [Ret, Absent, Absent, Absent, Int(0), Int(1), Flags(2, &flags::PROT), Flags(3, &flags::MMAP), Int(4), Int(5)];
    "mprotect" Default [10] [125] MPROTECT only(when::MASK, 2, 4, 3), [],
        [Ret, Int(0), Int(1), Flags(2, &flags::PROT)];
    "pkey_mprotect" Default [329] [380] PKEY_MPROTECT only(when::MASK, 2, 4, 4), [],
        [Ret, Int(0), Int(1), Flags(2, &flags::PROT), Int(3)];
    "process_vm_readv" Default [310] [347] PROCESS_VM_READV always(5), [on(op::VEC_OUT, 1)], [Ret, Int(0), Data];
    "process_vm_writev" Minimal [311] [348] PROCESS_VM_WRITEV always(5), [on(op::VEC_IN, 1)], [Ret, Int(0), Data];
    "process_madvise" Default [440] [440] PROCESS_MADVISE always(5), [], [Ret, Int(0), Int(2), Int(3), Int(4)];
    "shmat" Default [30] [397] SHMAT only(when::MASK, 2, 0o100_000, 3), [], [Ret, Int(0), Int(1), Int(2)];
    "mseal" Full [462] [462] MSEAL always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "memfd_secret" Minimal [447] [447] MEMFD_SECRET always(1), [], [Ret, Int(0)];
    "perf_event_open" Default [298] [336] PERF_EVENT_OPEN always(5), [mem(0, 16)],
        [Ret, Word32(0, 0), With(custom::perf_config), Int(1), Int(2), Int(3), Int(4)];
    "bpf" Minimal [321] [357] BPF always(1), [], [Ret, Int(0)];
    "init_module" Minimal [175] [128] INIT_MODULE always(3), [on(op::DATA_IN, 0), str(2)],
        [Ret, Data, Int(1), Str(2)];
    "finit_module" Minimal [313] [350] FINIT_MODULE always(3), [str(1)],
        [Ret, Int(0), Str(1), Flags(2, &flags::FINIT_MODULE)];
    "delete_module" Minimal [176] [129] DELETE_MODULE always(2), [str(0)],
        [Ret, Str(0), Flags(1, &flags::DELETE_MODULE)];
    "kexec_load" Minimal [246] [283] KEXEC_LOAD always(4), [], [Ret, Int(0), Int(1), Int(3)];
    "kexec_file_load" Minimal [320] [] KEXEC_FILE_LOAD always(5), [str(3)], [Ret, Int(0), Int(1), Str(3), Int(4)];
    "modify_ldt" Default [154] [123] MODIFY_LDT always(3), [], [With(custom::ret_32), Int(0), Int(2)];
    "ioperm" Default [173] [101] IOPERM always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "iopl" Default [172] [110] IOPL always(1), [], [Ret, Int(0)];
    "splice" Default [275] [313] SPLICE always(6), [], [Ret, Int(0), Int(2), Int(4), Flags(5, &flags::SPLICE)];
    "tee" Default [276] [315] TEE always(4), [], [Ret, Int(0), Int(1), Int(2), Flags(3, &flags::SPLICE)];
    "vmsplice" Default [278] [316] VMSPLICE always(4), [], [Ret, Int(0), Int(2), Flags(3, &flags::SPLICE)];
    "io_uring_setup" Minimal [425] [425] IO_URING_SETUP always(2), [mem(1, 40)],
        [Ret, Int(0), Word32(1, 0), Word32(1, 4), WordFlags(1, 8, &flags::IO_URING_SETUP), Word32(1, 12), Word32(1, 16),
        WordFlags(1, 20, &flags::IO_URING_FEATURES)];
    "io_uring_enter" Full [426] [426] IO_URING_ENTER always(4), [],
        [Ret, Int(0), Int(1), Int(2), Flags(3, &flags::IO_URING_ENTER), Absent];
    "io_uring_register" Default [427] [427] IO_URING_REGISTER always(4), [], [Ret, Int(0), Int(1), Int(2), Int(3)];

    // The machine: what is done to it as a whole, and what processes are kept from.
    "reboot" Default [169] [88] REBOOT always(3), [], [Ret, Int(2)];
    "syslog" Default [103] [103] SYSLOG always(3), [], [Ret, Int(0), Int(2)];
    "acct" Default [163] [51] ACCT always(1), [str(0)], [Ret, Str(0)];
    "sethostname" Default [170] [74] SETHOSTNAME always(2), [on(op::DATA_IN, 0)], [Ret, Data];
    "setdomainname" Default [171] [121] SETDOMAINNAME always(2), [on(op::DATA_IN, 0)], [Ret, Data];
    "settimeofday" Default [164] [79] SETTIMEOFDAY always(1), [mem(0, 16)], [Ret, With(custom::timeval_atime)];
    "clock_settime" Default [227] [264, 404] CLOCK_SETTIME always(2), [mem(1, 16)],
        [Ret, Int(0), With(custom::timespec_atime)];
    "adjtimex" Default [159] [124] ADJTIMEX always(1), [mem(0, 8)], [Ret, Word32(0, 0)];
    "clock_adjtime" Default [305] [343, 405] CLOCK_ADJTIME always(2), [mem(1, 8)], [Ret, Int(0), Word32(1, 0)];
    "personality" Default [135] [136] PERSONALITY always(1), [], [Ret, Int(0)];
    "add_key" Default [248] [286] ADD_KEY always(5), [str(0), str(1)], [Ret, Str(0), Str(1), Int(3), Int(4)];
    "request_key" Default [249] [287] REQUEST_KEY always(4), [str(0), str(1), str(2)],
        [Ret, Str(0), Str(1), Str(2), Int(3)];
    "keyctl" Default [250] [288] KEYCTL always(5), [on(op::KEY_STR, 1), on(op::KEY_STR, 2), on(op::KEY_STR, 3)],
        [Ret, Int(0), With(custom::keyctl_2), With(custom::keyctl_3), With(custom::keyctl_4), With(custom::keyctl_5)];
    "landlock_create_ruleset" Default [444] [444] LANDLOCK_CREATE_RULESET always(3), [mem(0, 8)],
        [Ret, Word64(0, 0), Int(2)];
    "landlock_add_rule" Default [445] [445] LANDLOCK_ADD_RULE always(4), [mem(2, 8)],
        [Ret, Int(0), Int(1), Word64(2, 0), Int(3)];
    "landlock_restrict_self" Default [446] [446] LANDLOCK_RESTRICT_SELF always(2), [], [Ret, Int(0), Int(1)];
    "lsm_set_self_attr" Default [460] [460] LSM_SET_SELF_ATTR always(4), [], [Ret, Int(0), Int(2), Int(3)];

    // Signals.
    "kill" Default [62] [37] KILL always(2), [], [Ret, Int(0), Int(1)];
    "tkill" Default [200] [238] TKILL always(2), [], [Ret, Int(0), Int(1)];
    "tgkill" Default [234] [270] TGKILL always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "rt_sigqueueinfo" Default [129] [178] RT_SIGQUEUEINFO always(2), [], [Ret, Int(0), Int(1)];
    "rt_tgsigqueueinfo" Default [297] [335] RT_TGSIGQUEUEINFO always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "pidfd_send_signal" Default [424] [424] PIDFD_SEND_SIGNAL always(4), [], [Ret, Int(0), Int(1), Int(3)];

    // Contents, on request only.
    "read" Full [0] [3] READ always(3), [on(op::DATA_OUT, 1)], [Ret, Data, Int(0), Int(2)];
    "write" Full [1] [4] WRITE always(3), [on(op::DATA_IN, 1)], [Ret, Data, Int(0), Int(2)];
    "pread" Full [17] [180] PREAD always(4), [on(op::DATA_OUT, 1)], [Ret, Data, Int(0), Int(2), Int(3)];
    "pwrite" Full [18] [181] PWRITE always(4), [on(op::DATA_IN, 1)], [Ret, Data, Int(0), Int(2), Int(3)];
    "readv" Full [19] [145] READV always(3), [on(op::VEC_OUT, 1)], [Ret, With(custom::sent), Data, Int(0)];
    "writev" Full [20] [146] WRITEV always(3), [on(op::VEC_IN, 1)], [Ret, Data, Int(0), With(custom::sent)];
    "preadv" Full [295] [333] PREADV always(4), [on(op::VEC_OUT, 1)], [Ret, With(custom::sent), Data, Int(0), Int(3)];
    "pwritev" Full [296] [334] PWRITEV always(4), [on(op::VEC_IN, 1)], [Ret, Data, Int(0), With(custom::sent), Int(3)];
    "preadv2" Full [327] [] PREADV2 always(6), [on(op::VEC_OUT, 1)],
        [Ret, With(custom::sent), Data, Int(0), Int(3), Int(5)];
    "pwritev2" Full [328] [] PWRITEV2 always(6), [on(op::VEC_IN, 1)],
        [Ret, Data, Int(0), With(custom::sent), Int(3), Int(5)];
    "cachestat" Full [451] [451] CACHESTAT always(4), [mem(1, 16)], [Ret, Int(0), Word64(1, 0), Word64(1, 8)];
    "ioctl" Full [16] [54] IOCTL always(3), [], [Ret, Int(0), Int(1), Int(2)];
    "sendfile" Full [40] [187, 239] SENDFILE always(4), [mem(2, 8)], [Ret, Word64(2, 0), Int(0), Int(1), Int(3)];
    "copy_file_range" Default [326] [377] COPY_FILE_RANGE always(6), [mem(1, 8), mem(3, 8)],
        [Ret, Int(2), With(custom::copied_from_out), Int(0), With(custom::copied_from_in), Int(4)];
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_fits_its_event() {
        let mut names = HashSet::new();
        let mut numbers = [HashSet::new(), HashSet::new()];
        for row in CALLS {
            let kind = row.kind.get().unwrap_or_else(|| panic!("{} has no kind", row.name));
            assert_eq!(kind.name, row.name);
            assert!(names.insert(row.name), "{} twice", row.name);
            assert!(row.fill.len() <= kind.args.len(), "{} fills {} arguments", row.name, row.fill.len());
            // What is left out at the end is what only older recorders have, or what the hook of another record tells.
            let shown = kind.shown_args().len();
            assert!(row.is_always || row.fill.len() >= shown, "{} fills {} of {shown}", row.name, row.fill.len());
            for (machine, list) in [row.nr, row.nr_32].into_iter().enumerate() {
                for nr in list {
                    assert!(numbers[machine].insert(nr), "{} {nr} twice", row.name);
                }
            }
        }
    }

    #[test]
    fn operations_ask_for_arguments_that_are_kept() {
        for row in CALLS {
            for operation in row.call.ops.into_iter().filter(|&operation| operation as u8 != op::NONE) {
                let arg = (operation >> 8) as u8 & 7;
                let is_of_caller = matches!(operation as u8, op::CAPS | op::PID_LEVELS);
                assert!(is_of_caller || arg == RET || arg < row.call.n_args, "{} argument {arg}", row.name);
            }
        }
    }

    #[test]
    fn profiles_grow() {
        let count = |profile| CALLS.iter().filter(|row| row.profile <= profile).count();
        assert!(count(Minimal) < count(Default) && count(Default) < count(Full));
        assert_eq!(count(Full), CALLS.len());
    }
}
