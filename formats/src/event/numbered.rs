//! System calls that captures of libs record by number alone ([`super::generic`]), and the recorder with their arguments: one
//! row each.
//!
//! Codes are this project's own, from 2049 on, and stable for ever: a code is never reused, and a new argument is appended. Names
//! of arguments are those of the manual pages. Constants are used as those of [`super::syscalls`], where a call has one name,
//! whoever knows it.

use super::flags;
use super::kind::{ArgSpec, ArgType::*, Category, arg, kind_flags::*};

super::kind::kinds! { NUMBERED, true;
    TRUNCATE = 2049, "truncate", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("length", I64),
    ];
    FTRUNCATE = 2050, "ftruncate", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("length", I64),
    ];
    UTIME = 2051, "utime", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("atime", AbsTime),
        arg("mtime", AbsTime),
    ];
    UTIMES = 2052, "utimes", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("atime", AbsTime),
        arg("mtime", AbsTime),
    ];
    FUTIMESAT = 2053, "futimesat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("atime", AbsTime),
        arg("mtime", AbsTime),
    ];
    UTIMENSAT = 2054, "utimensat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("atime", AbsTime),
        arg("mtime", AbsTime),
        arg("flags", U32).hex(),
    ];
    SETXATTR = 2055, "setxattr", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("name", Str),
        arg("value", Bytes),
        arg("size", U64),
        arg("flags", U32).hex(),
    ];
    LSETXATTR = 2056, "lsetxattr", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("name", Str),
        arg("value", Bytes),
        arg("size", U64),
        arg("flags", U32).hex(),
    ];
    FSETXATTR = 2057, "fsetxattr", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("name", Str),
        arg("value", Bytes),
        arg("size", U64),
        arg("flags", U32).hex(),
    ];
    REMOVEXATTR = 2058, "removexattr", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("name", Str),
    ];
    LREMOVEXATTR = 2059, "lremovexattr", Category::File, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("name", Str),
    ];
    FREMOVEXATTR = 2060, "fremovexattr", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("name", Str),
    ];
    TEE = 2061, "tee", Category::IoOther, USES_FD, [
        arg("res", Errno),
        arg("fd_in", Fd),
        arg("fd_out", Fd),
        arg("size", U64),
        arg("flags", Flags32(&flags::SPLICE_FLAGS)).hex(),
    ];
    VMSPLICE = 2062, "vmsplice", Category::IoOther, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("nr_segs", U64),
        arg("flags", Flags32(&flags::SPLICE_FLAGS)).hex(),
    ];
    PIVOT_ROOT = 2063, "pivot_root", Category::Process, NONE, [
        arg("res", Errno),
        arg("new_root", Path),
        arg("put_old", Path),
    ];
    KEXEC_LOAD = 2064, "kexec_load", Category::System, NONE, [
        arg("res", Errno),
        arg("entry", U64).hex(),
        arg("nr_segments", U64),
        arg("flags", U64).hex(),
    ];
    KEXEC_FILE_LOAD = 2065, "kexec_file_load", Category::System, USES_FD, [
        arg("res", Errno),
        arg("kernel_fd", Fd),
        arg("initrd_fd", Fd),
        arg("cmdline", Str),
        arg("flags", U64).hex(),
    ];
    SETGROUPS = 2066, "setgroups", Category::User, NONE, [
        arg("res", Errno),
        arg("size", U32),
    ];
    SETFSUID = 2067, "setfsuid", Category::User, NONE, [
        arg("res", Errno),
        arg("uid", Uid),
    ];
    SETFSGID = 2068, "setfsgid", Category::User, NONE, [
        arg("res", Errno),
        arg("gid", Gid),
    ];
    PKEY_MPROTECT = 2069, "pkey_mprotect", Category::Memory, NONE, [
        arg("res", Errno),
        arg("addr", U64).hex(),
        arg("length", U64),
        arg("prot", Flags32(&flags::PROT_FLAGS)).hex(),
        arg("pkey", I32),
    ];
    FCHMODAT2 = 2070, "fchmodat2", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("filename", RelPath { dirfd: 1 }),
        arg("mode", Mode(&flags::CHMOD_MODE)).oct(),
        arg("flags", U32).hex(),
    ];
    RT_SIGQUEUEINFO = 2071, "rt_sigqueueinfo", Category::Signal, NONE, [
        arg("res", Errno),
        arg("pid", Pid),
        arg("sig", Signal),
    ];
    RT_TGSIGQUEUEINFO = 2072, "rt_tgsigqueueinfo", Category::Signal, NONE, [
        arg("res", Errno),
        arg("pid", Pid),
        arg("tid", Pid),
        arg("sig", Signal),
    ];
    PIDFD_SEND_SIGNAL = 2073, "pidfd_send_signal", Category::Signal, USES_FD, [
        arg("res", Errno),
        arg("pidfd", Fd),
        arg("sig", Signal),
        arg("flags", U32).hex(),
    ];
    MOVE_MOUNT = 2074, "move_mount", Category::File, USES_FD, [
        arg("res", Errno),
        arg("from_dirfd", Fd),
        arg("from_path", RelPath { dirfd: 1 }),
        arg("to_dirfd", Fd),
        arg("to_path", RelPath { dirfd: 3 }),
        arg("flags", U32).hex(),
    ];
    MOUNT_SETATTR = 2075, "mount_setattr", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("flags", U32).hex(),
        arg("attr_set", U64).hex(),
        arg("attr_clr", U64).hex(),
        arg("propagation", U64).hex(),
        arg("userns_fd", U64),
    ];
    FSOPEN = 2076, "fsopen", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("fsname", Str),
        arg("flags", U32).hex(),
    ];
    FSMOUNT = 2077, "fsmount", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("fs_fd", Fd),
        arg("flags", U32).hex(),
        arg("attr_flags", U32).hex(),
    ];
    FSPICK = 2078, "fspick", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("flags", U32).hex(),
    ];
    OPEN_TREE = 2079, "open_tree", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("flags", U32).hex(),
    ];
    OPEN_TREE_ATTR = 2080, "open_tree_attr", Category::File, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("flags", U32).hex(),
        arg("attr_set", U64).hex(),
        arg("attr_clr", U64).hex(),
        arg("propagation", U64).hex(),
        arg("userns_fd", U64),
    ];
    SETXATTRAT = 2081, "setxattrat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("at_flags", U32).hex(),
        arg("name", Str),
        arg("value", Bytes),
        arg("size", U64),
        arg("flags", U32).hex(),
    ];
    REMOVEXATTRAT = 2082, "removexattrat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("at_flags", U32).hex(),
        arg("name", Str),
    ];
    FILE_SETATTR = 2083, "file_setattr", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("at_flags", U32).hex(),
        arg("xflags", U64).hex(),
    ];
    NAME_TO_HANDLE_AT = 2084, "name_to_handle_at", Category::File, USES_FD, [
        arg("res", Errno),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 1 }),
        arg("flags", U32).hex(),
    ];
    FALLOCATE = 2085, "fallocate", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("mode", U32).hex(),
        arg("offset", I64),
        arg("length", I64),
    ];
    FANOTIFY_INIT = 2086, "fanotify_init", Category::Ipc, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("flags", U32).hex(),
        arg("event_flags", Flags32(&flags::FILE_FLAGS)).hex(),
    ];
    FANOTIFY_MARK = 2087, "fanotify_mark", Category::Ipc, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("flags", U32).hex(),
        arg("mask", U64).hex(),
        arg("dirfd", Fd),
        arg("path", RelPath { dirfd: 4 }),
    ];
    INOTIFY_ADD_WATCH = 2088, "inotify_add_watch", Category::Ipc, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("path", Path),
        arg("mask", U32).hex(),
    ];
    MEMFD_SECRET = 2089, "memfd_secret", Category::Memory, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("flags", U32).hex(),
    ];
    PROCESS_MADVISE = 2090, "process_madvise", Category::Memory, USES_FD, [
        arg("res", Errno),
        arg("pidfd", Fd),
        arg("vlen", U64),
        arg("advice", I32),
        arg("flags", U32).hex(),
    ];
    MSEAL = 2091, "mseal", Category::Memory, NONE, [
        arg("res", Errno),
        arg("addr", U64).hex(),
        arg("length", U64),
        arg("flags", U64).hex(),
    ];
    SHMAT = 2092, "shmat", Category::Memory, NONE, [
        arg("res", Errno).hex(),
        arg("shmid", I32),
        arg("addr", U64).hex(),
        arg("flags", U32).hex(),
    ];
    PERF_EVENT_OPEN = 2093, "perf_event_open", Category::System, CREATES_FD | MODIFIES_STATE, [
        arg("fd", Fd),
        arg("type", U32),
        arg("config", U64).hex(),
        arg("pid", Pid),
        arg("cpu", I32),
        arg("group_fd", Fd),
        arg("flags", U32).hex(),
    ];
    ADD_KEY = 2094, "add_key", Category::Other, NONE, [
        arg("res", Errno),
        arg("type", Str),
        arg("description", Str),
        arg("size", U64),
        arg("keyring", I32),
    ];
    REQUEST_KEY = 2095, "request_key", Category::Other, NONE, [
        arg("res", Errno),
        arg("type", Str),
        arg("description", Str),
        arg("callout_info", Str),
        arg("keyring", I32),
    ];
    // Its result is a descriptor, or with flags a version: no descriptor is made of it.
    LANDLOCK_CREATE_RULESET = 2096, "landlock_create_ruleset", Category::Process, NONE, [
        arg("res", Errno),
        arg("handled_access_fs", U64).hex(),
        arg("flags", U32).hex(),
    ];
    LANDLOCK_ADD_RULE = 2097, "landlock_add_rule", Category::Process, USES_FD, [
        arg("res", Errno),
        arg("ruleset_fd", Fd),
        arg("rule_type", U32),
        arg("allowed_access", U64).hex(),
        arg("flags", U32).hex(),
    ];
    LANDLOCK_RESTRICT_SELF = 2098, "landlock_restrict_self", Category::Process, USES_FD, [
        arg("res", Errno),
        arg("ruleset_fd", Fd),
        arg("flags", U32).hex(),
    ];
    LSM_SET_SELF_ATTR = 2099, "lsm_set_self_attr", Category::Process, NONE, [
        arg("res", Errno),
        arg("attr", U32),
        arg("size", U32),
        arg("flags", U32).hex(),
    ];
    PERSONALITY = 2100, "personality", Category::Process, NONE, [
        arg("res", Errno),
        arg("persona", U32).hex(),
    ];
    MODIFY_LDT = 2101, "modify_ldt", Category::System, NONE, [
        arg("res", Errno),
        arg("func", I32),
        arg("size", U64),
    ];
    IOPERM = 2102, "ioperm", Category::System, NONE, [
        arg("res", Errno),
        arg("from", U64).hex(),
        arg("num", U64),
        arg("turn_on", I32),
    ];
    IOPL = 2103, "iopl", Category::System, NONE, [
        arg("res", Errno),
        arg("level", U32),
    ];
    SYSLOG = 2104, "syslog", Category::System, NONE, [
        arg("res", Errno),
        arg("type", I32),
        arg("size", I32),
    ];
    REBOOT = 2105, "reboot", Category::System, NONE, [
        arg("res", Errno),
        arg("cmd", U32).hex(),
    ];
    SWAPON = 2106, "swapon", Category::System, NONE, [
        arg("res", Errno),
        arg("path", Path),
        arg("flags", U32).hex(),
    ];
    SWAPOFF = 2107, "swapoff", Category::System, NONE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    ACCT = 2108, "acct", Category::System, NONE, [
        arg("res", Errno),
        arg("path", Path),
    ];
    SETHOSTNAME = 2109, "sethostname", Category::System, NONE, [
        arg("res", Errno),
        arg("name", Str),
    ];
    SETDOMAINNAME = 2110, "setdomainname", Category::System, NONE, [
        arg("res", Errno),
        arg("name", Str),
    ];
    QUOTACTL_FD = 2111, "quotactl_fd", Category::User, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("cmd", U32).hex(),
        arg("id", U32),
    ];
    SETTIMEOFDAY = 2112, "settimeofday", Category::Time, NONE, [
        arg("res", Errno),
        arg("time", AbsTime),
    ];
    CLOCK_SETTIME = 2113, "clock_settime", Category::Time, NONE, [
        arg("res", Errno),
        arg("clockid", I32),
        arg("time", AbsTime),
    ];
    ADJTIMEX = 2114, "adjtimex", Category::Time, NONE, [
        arg("res", Errno),
        arg("modes", U32).hex(),
    ];
    CLOCK_ADJTIME = 2115, "clock_adjtime", Category::Time, NONE, [
        arg("res", Errno),
        arg("clockid", I32),
        arg("modes", U32).hex(),
    ];
    PREADV2 = 2116, "preadv2", Category::IoRead, USES_FD | READS_FROM_FD, [
        arg("res", Errno),
        arg("size", U32),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("pos", I64),
        arg("flags", U32).hex(),
    ];
    PWRITEV2 = 2117, "pwritev2", Category::IoWrite, USES_FD | WRITES_TO_FD, [
        arg("res", Errno),
        arg("data", Bytes),
        arg("fd", Fd),
        arg("size", U32),
        arg("pos", I64),
        arg("flags", U32).hex(),
    ];
    CACHESTAT = 2118, "cachestat", Category::File, USES_FD, [
        arg("res", Errno),
        arg("fd", Fd),
        arg("offset", U64),
        arg("length", U64),
    ];
}
