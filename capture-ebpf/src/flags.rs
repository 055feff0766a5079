//! Flags of Linux in the numbering of the event vocabulary.
//!
//! Numbers of Linux are those of `include/uapi` on x86-64; i386 has the same ones for what is here. What becomes of
//! them follows `driver/ppm_flag_helpers.h` of falcosecurity/libs at commit 48dfd53c, so that a recorded trace shows
//! what a `.scap` capture would.

use tracehound_formats::event::kind::FlagTable;

/// A set of flags: Linux's bits, the vocabulary's, and their name in the vocabulary's table.
pub(crate) struct Flags {
    /// The vocabulary's table.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests compare with it"))]
    table: &'static FlagTable,
    bits: &'static [(u32, u32, &'static str)],
}

impl Flags {
    /// The vocabulary's flags. A flag of several bits (`O_SYNC`, `O_TMPFILE`) needs all of them.
    pub(crate) fn convert(&self, linux: u32) -> u32 {
        self.bits.iter().filter(|&&(bits, ..)| linux & bits == bits).fold(0, |out, &(_, own, _)| out | own)
    }
}

/// Declares sets of flags.
macro_rules! flags {
    ($($(#[$attr:meta])* $name:ident: $table:ident [$($linux:literal => $own:literal $flag:literal,)*];)*) => {
        $(
            $(#[$attr])*
            pub(crate) static $name: Flags = Flags {
                table: &tracehound_formats::event::flags::$table,
                bits: &[$(($linux, $own, $flag),)*],
            };
        )*
        #[cfg(test)]
        static ALL: &[&Flags] = &[$(&$name,)*];
    };
}

flags! {
    /// `open`, without the access mode.
    OPEN: FILE_FLAGS [
        0o100 => 0x4 "O_CREAT",
        0o200 => 0x20 "O_EXCL",
        0o1000 => 0x100 "O_TRUNC",
        0o2000 => 0x8 "O_APPEND",
        0o4000 => 0x40 "O_NONBLOCK",
        0o10000 => 0x10 "O_DSYNC",
        0o40000 => 0x200 "O_DIRECT",
        0o100000 => 0x800 "O_LARGEFILE",
        0o200000 => 0x400 "O_DIRECTORY",
        0o2000000 => 0x1000 "O_CLOEXEC",
        0o4010000 => 0x80 "O_SYNC",
        0o20200000 => 0x2000 "O_TMPFILE",
    ];
    /// Calls whose flags are a few of open's: `pipe2`, `dup3`, `accept4`, `eventfd2`, ...
    FD: FILE_FLAGS [
        0o4000 => 0x40 "O_NONBLOCK",
        0o40000 => 0x200 "O_DIRECT",
        0o2000000 => 0x1000 "O_CLOEXEC",
    ];
    CLONE: CLONE_FLAGS [
        0x400 => 0x1 "CLONE_FILES",
        0x200 => 0x2 "CLONE_FS",
        0x8000_0000 => 0x4 "CLONE_IO",
        0x0800_0000 => 0x8 "CLONE_NEWIPC",
        0x4000_0000 => 0x10 "CLONE_NEWNET",
        0x2_0000 => 0x20 "CLONE_NEWNS",
        0x2000_0000 => 0x40 "CLONE_NEWPID",
        0x0400_0000 => 0x80 "CLONE_NEWUTS",
        0x8000 => 0x100 "CLONE_PARENT",
        0x10_0000 => 0x200 "CLONE_PARENT_SETTID",
        0x2000 => 0x400 "CLONE_PTRACE",
        0x800 => 0x800 "CLONE_SIGHAND",
        0x4_0000 => 0x1000 "CLONE_SYSVSEM",
        0x1_0000 => 0x2000 "CLONE_THREAD",
        0x80_0000 => 0x4000 "CLONE_UNTRACED",
        0x100 => 0x8000 "CLONE_VM",
        0x1000_0000 => 0x10_0000 "CLONE_NEWUSER",
        0x20_0000 => 0x80_0000 "CLONE_CHILD_CLEARTID",
        0x0100_0000 => 0x0100_0000 "CLONE_CHILD_SETTID",
        0x8_0000 => 0x0200_0000 "CLONE_SETTLS",
        0x4000 => 0x0800_0000 "CLONE_VFORK",
        0x0200_0000 => 0x1000_0000 "CLONE_NEWCGROUP",
    ];
    PROT: PROT_FLAGS [
        0x1 => 0x1 "PROT_READ",
        0x2 => 0x2 "PROT_WRITE",
        0x4 => 0x4 "PROT_EXEC",
        0x8 => 0x8 "PROT_SEM",
        0x0100_0000 => 0x10 "PROT_GROWSDOWN",
        0x0200_0000 => 0x20 "PROT_GROWSUP",
    ];
    MMAP: MMAP_FLAGS [
        0x1 => 0x1 "MAP_SHARED",
        0x2 => 0x2 "MAP_PRIVATE",
        0x10 => 0x4 "MAP_FIXED",
        0x20 => 0x8 "MAP_ANONYMOUS",
        0x40 => 0x10 "MAP_32BIT",
        0x4000 => 0x40 "MAP_NORESERVE",
        0x8000 => 0x80 "MAP_POPULATE",
        0x1_0000 => 0x100 "MAP_NONBLOCK",
        0x100 => 0x200 "MAP_GROWSDOWN",
        0x800 => 0x400 "MAP_DENYWRITE",
        0x1000 => 0x800 "MAP_EXECUTABLE",
        0x2000 => 0x4000 "MAP_LOCKED",
    ];
    SPLICE: SPLICE_FLAGS [
        0x1 => 0x1 "SPLICE_F_MOVE",
        0x2 => 0x2 "SPLICE_F_NONBLOCK",
        0x4 => 0x4 "SPLICE_F_MORE",
        0x8 => 0x8 "SPLICE_F_GIFT",
    ];
    UMOUNT: UMOUNT_FLAGS [
        0x1 => 0x1 "FORCE",
        0x2 => 0x2 "DETACH",
        0x4 => 0x4 "EXPIRE",
        0x8 => 0x8 "NOFOLLOW",
    ];
    UNLINKAT: UNLINKAT_FLAGS [0x200 => 0x200 "AT_REMOVEDIR",];
    LINKAT: LINKAT_FLAGS [
        0x400 => 0x400 "AT_SYMLINK_FOLLOW",
        0x1000 => 0x1000 "AT_EMPTY_PATH",
    ];
    /// *Truth*: libs asks for `AT_SYMLINK_FOLLOW`, which this call does not know, and shows it as `AT_SYMLINK_NOFOLLOW`.
    FCHOWNAT: FCHOWNAT_FLAGS [
        0x100 => 0x400 "AT_SYMLINK_NOFOLLOW",
        0x1000 => 0x1000 "AT_EMPTY_PATH",
    ];
    EXECVEAT: EXECVEAT_FLAGS [
        0x1000 => 0x1 "AT_EMPTY_PATH",
        0x100 => 0x2 "AT_SYMLINK_NOFOLLOW",
    ];
    RENAMEAT2: RENAMEAT2_FLAGS [
        0x1 => 0x1 "RENAME_NOREPLACE",
        0x2 => 0x2 "RENAME_EXCHANGE",
        0x4 => 0x4 "RENAME_WHITEOUT",
    ];
    RESOLVE: OPENAT2_FLAGS [
        0x1 => 0x10 "RESOLVE_NO_XDEV",
        0x2 => 0x4 "RESOLVE_NO_MAGICLINKS",
        0x4 => 0x8 "RESOLVE_NO_SYMLINKS",
        0x8 => 0x1 "RESOLVE_BENEATH",
        0x10 => 0x2 "RESOLVE_IN_ROOT",
        0x20 => 0x20 "RESOLVE_CACHED",
    ];
    CHMOD: CHMOD_MODE [
        0o1 => 0x1 "S_IXOTH",
        0o2 => 0x2 "S_IWOTH",
        0o4 => 0x4 "S_IROTH",
        0o10 => 0x8 "S_IXGRP",
        0o20 => 0x10 "S_IWGRP",
        0o40 => 0x20 "S_IRGRP",
        0o100 => 0x40 "S_IXUSR",
        0o200 => 0x80 "S_IWUSR",
        0o400 => 0x100 "S_IRUSR",
        0o1000 => 0x200 "S_ISVTX",
        0o2000 => 0x400 "S_ISGID",
        0o4000 => 0x800 "S_ISUID",
    ];
    IO_URING_SETUP: IO_URING_SETUP_FLAGS [
        0x1 => 0x1 "IORING_SETUP_IOPOLL",
        0x2 => 0x2 "IORING_SETUP_SQPOLL",
        0x4 => 0x8 "IORING_SETUP_SQ_AFF",
        0x8 => 0x10 "IORING_SETUP_CQSIZE",
        0x10 => 0x20 "IORING_SETUP_CLAMP",
        0x20 => 0x40 "IORING_SETUP_ATTACH_RW",
        0x40 => 0x80 "IORING_SETUP_R_DISABLED",
    ];
    IO_URING_FEATURES: IO_URING_SETUP_FEATS [
        0x1 => 0x1 "IORING_FEAT_SINGLE_MMAP",
        0x2 => 0x2 "IORING_FEAT_NODROP",
        0x4 => 0x4 "IORING_FEAT_SUBMIT_STABLE",
        0x8 => 0x8 "IORING_FEAT_RW_CUR_POS",
        0x10 => 0x10 "IORING_FEAT_CUR_PERSONALITY",
        0x20 => 0x20 "IORING_FEAT_FAST_POLL",
        0x40 => 0x40 "IORING_FEAT_POLL_32BITS",
        0x80 => 0x80 "IORING_FEAT_SQPOLL_NONFIXED",
        0x100 => 0x100 "IORING_FEAT_ENTER_EXT_ARG",
        0x200 => 0x200 "IORING_FEAT_NATIVE_WORKERS",
        0x400 => 0x400 "IORING_FEAT_RSRC_TAGS",
    ];
    IO_URING_ENTER: IO_URING_ENTER_FLAGS [
        0x1 => 0x1 "IORING_ENTER_GETEVENTS",
        0x2 => 0x2 "IORING_ENTER_SQ_WAKEUP",
        0x4 => 0x4 "IORING_ENTER_SQ_WAIT",
        0x8 => 0x8 "IORING_ENTER_EXT_ARG",
    ];
    MEMFD: MEMFD_CREATE_FLAGS [
        0x1 => 0x1 "MFD_CLOEXEC",
        0x2 => 0x2 "MFD_ALLOW_SEALING",
        0x4 => 0x4 "MFD_HUGETLB",
    ];
    PIDFD_OPEN: PIDFD_OPEN_FLAGS [0o4000 => 0x1 "PIDFD_NONBLOCK",];
    FINIT_MODULE: FINIT_MODULE_FLAGS [
        0x1 => 0x1 "MODULE_INIT_IGNORE_MODVERSIONS",
        0x2 => 0x2 "MODULE_INIT_IGNORE_VERMAGIC",
        0x4 => 0x4 "MODULE_INIT_COMPRESSED_FILE",
    ];
    DELETE_MODULE: DELETE_MODULE_FLAGS [
        0o4000 => 0x2 "O_NONBLOCK",
        0o1000 => 0x1 "O_TRUNC",
    ];
    CLOSE_RANGE: CLOSE_RANGE_FLAGS [
        0x2 => 0x2 "CLOSE_RANGE_UNSHARE",
        0x4 => 0x4 "CLOSE_RANGE_CLOEXEC",
    ];
    EPOLL_CREATE1: EPOLL_CREATE1_FLAGS [0o2000000 => 0x1 "EPOLL_CLOEXEC",];
}

/// Flags of an open file in the table `file_flags`.
pub(crate) fn open_flags(linux: u32) -> u32 {
    let mode = match linux & 3 {
        0 => 0x1,
        1 => 0x2,
        _ => 0x3,
    };
    OPEN.convert(linux) | mode
}

/// Mode of `mknod`: permissions and type. *Linux*: no type is a regular file.
pub(crate) fn mknod_mode(linux: u32) -> u32 {
    const REGULAR: u32 = 0x8000;
    let ty = match linux & 0o170_000 {
        0 => REGULAR,
        ty => ty,
    };
    CHMOD.convert(linux) | ty
}

/// Permissions of a file that open creates; 0 if it creates none.
pub(crate) fn open_mode(flags: u32, mode: u32) -> u32 {
    const O_CREAT: u32 = 0o100;
    const O_TMPFILE: u32 = 0o20_200_000;
    if flags & O_CREAT != 0 || flags & O_TMPFILE == O_TMPFILE { mode & 0o7777 } else { 0 }
}

/// Command of `fcntl`, in the numbering of the table `fcntl_commands`.
pub(crate) fn fcntl_command(linux: u32) -> u32 {
    match linux {
        // F_DUPFD to F_SETFL.
        0..=4 => linux + 1,
        // F_GETLK, F_SETLK, F_SETLKW.
        5 => 0x6,
        6 => 0x8,
        7 => 0x9,
        // F_SETOWN, F_GETOWN, F_SETSIG, F_GETSIG.
        8 => 0xa,
        9 => 0xc,
        10 => 0xd,
        11 => 0xf,
        // F_GETLK64 and on, i386 only.
        12 => 0x11,
        13 => 0x12,
        14 => 0x13,
        // F_SETOWN_EX, F_GETOWN_EX.
        15 => 0x15,
        16 => 0x16,
        // F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW.
        36 => 0x1e,
        37 => 0x1f,
        38 => 0x20,
        // F_SETLEASE, F_GETLEASE, F_NOTIFY, F_CANCELLK, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ.
        1024 => 0x17,
        1025 => 0x18,
        1026 => 0x1b,
        1029 => 0x19,
        1030 => 0x1a,
        1031 => 0x1c,
        1032 => 0x1d,
        _ => 0,
    }
}

/// Request of `ptrace`, in the numbering of the table `ptrace_requests`.
pub(crate) fn ptrace_request(linux: u32) -> u32 {
    match linux {
        // PTRACE_TRACEME to PTRACE_SINGLESTEP are counted one higher.
        0..=9 => linux + 1,
        // PTRACE_ATTACH, PTRACE_DETACH.
        16 => 0xb,
        17 => 0xc,
        // PTRACE_SYSCALL.
        24 => 0xd,
        // PTRACE_SETOPTIONS to PTRACE_SETSIGMASK.
        0x4200..=0x420b => linux - 0x4200 + 0xe,
        // PTRACE_GETREGS to PTRACE_SETFPXREGS.
        12 => 0x1a,
        13 => 0x1b,
        14 => 0x1c,
        15 => 0x1d,
        18 => 0x1e,
        19 => 0x1f,
        // PTRACE_OLDSETOPTIONS, PTRACE_GET_THREAD_AREA, PTRACE_SET_THREAD_AREA, PTRACE_ARCH_PRCTL.
        21 => 0x20,
        25 => 0x21,
        26 => 0x22,
        30 => 0x23,
        // PTRACE_SYSEMU, PTRACE_SYSEMU_SINGLESTEP, PTRACE_SINGLEBLOCK.
        31 => 0x24,
        32 => 0x25,
        33 => 0x26,
        _ => 0,
    }
}

/// Command of `quotactl`, without the type that it is for, in the numbering of the table `quotactl_cmds`. Source:
/// `include/uapi/linux/quota.h`, `dqblk_xfs.h`.
pub(crate) fn quota_command(linux: u32) -> u32 {
    match linux >> 8 {
        // Q_SYNC, Q_QUOTAON, Q_QUOTAOFF.
        0x80_0001 => 0x80,
        0x80_0002 => 0x1,
        0x80_0003 => 0x2,
        // Q_GETFMT, Q_GETINFO, Q_SETINFO, Q_GETQUOTA, Q_SETQUOTA.
        command @ 0x80_0004..=0x80_0008 => 0x4 << (command - 0x80_0004),
        // Q_XQUOTAON to Q_XQUOTASYNC.
        command @ 0x5801..=0x5807 => 0x100 << (command - 0x5801),
        _ => 0,
    }
}

/// Whose quotas a command of `quotactl` is for, in the numbering of the table `quotactl_types`.
pub(crate) fn quota_type(linux: u32) -> u32 {
    match linux & 0xff {
        0 => 0x1,
        1 => 0x2,
        _ => 0,
    }
}

/// Format that `Q_QUOTAON` is passed, in the numbering of the table `quotactl_quota_fmts`.
pub(crate) fn quota_format(command: u32, format: u32) -> u32 {
    const QUOTAON: u32 = 0x1;
    match format {
        _ if quota_command(command) != QUOTAON => 0x1,
        1 => 0x2,
        2 => 0x4,
        4 => 0x8,
        _ => 0x1,
    }
}

/// `how` of `shutdown`.
pub(crate) fn shutdown_how(linux: u32) -> u32 {
    // *libs*: SHUT_UNKNOWN is 0xffff, in an argument of one byte.
    if linux <= 2 { linux } else { 0xff }
}

/// Flags of `mount`: the old magic number in the upper half is no flag.
pub(crate) fn mount_flags(linux: u32) -> u32 {
    const MAGIC: u32 = 0xc0ed_0000;
    if linux & 0xffff_0000 == MAGIC { linux & 0xffff } else { linux }
}

/// A device number as user space sees it (`new_encode_dev`), from the kernel's (12 bits major, 20 bits minor).
pub(crate) fn device(kernel: u32) -> u32 {
    let (major, minor) = (kernel >> 20, kernel & 0xf_ffff);
    minor & 0xff | major << 8 | (minor & !0xff) << 12
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracehound_formats::event::flags::{
        FCNTL_COMMANDS, FILE_FLAGS, MKNOD_MODE, PTRACE_REQUESTS, QUOTACTL_CMDS, QUOTACTL_QUOTA_FMTS, QUOTACTL_TYPES,
    };

    #[test]
    fn numbers_are_those_of_the_vocabulary() {
        for flags in ALL {
            for &(_, own, name) in flags.bits {
                assert_eq!(flags.table.value(name), Some(own), "{} {name}", flags.table.name);
            }
        }
    }

    #[test]
    fn flags_of_open() {
        let names = |text: &str| text.split('|').fold(0, |flags, name| flags | FILE_FLAGS.value(name).unwrap());
        for (linux, want) in [
            (0o0, "O_RDONLY"),
            (0o100001, "O_WRONLY|O_LARGEFILE"),
            (0o2102, "O_RDWR|O_CREAT|O_APPEND"),
            (0o2004002, "O_RDWR|O_NONBLOCK|O_CLOEXEC"),
            (0o4010000, "O_RDONLY|O_SYNC|O_DSYNC"),
            (0o20200002, "O_RDWR|O_TMPFILE|O_DIRECTORY"),
        ] {
            assert_eq!(open_flags(linux), names(want), "{linux:o}");
        }
    }

    #[test]
    fn enumerations() {
        for (linux, name) in [
            (0, "F_DUPFD"),
            (4, "F_SETFL"),
            (5, "F_GETLK"),
            (7, "F_SETLKW"),
            (9, "F_GETOWN"),
            (11, "F_GETSIG"),
            (38, "F_OFD_SETLKW"),
            (1030, "F_DUPFD_CLOEXEC"),
            (1032, "F_GETPIPE_SZ"),
            (99, "UNKNOWN"),
        ] {
            assert_eq!(FCNTL_COMMANDS.value(name), Some(fcntl_command(linux)), "{name}");
        }
        for (linux, name) in [
            (0, "PTRACE_TRACEME"),
            (8, "PTRACE_KILL"),
            (9, "PTRACE_SINGLESTEP"),
            (16, "PTRACE_ATTACH"),
            (24, "PTRACE_SYSCALL"),
            (0x4200, "PTRACE_SETOPTIONS"),
            (0x4206, "PTRACE_SEIZE"),
            (0x420b, "PTRACE_SETSIGMASK"),
            (12, "PTRACE_GETREGS"),
            (19, "PTRACE_SETFPXREGS"),
            (33, "PTRACE_SINGLEBLOCK"),
            (77, "PTRACE_UNKNOWN"),
        ] {
            assert_eq!(PTRACE_REQUESTS.value(name), Some(ptrace_request(linux)), "{name}");
        }
        for (linux, name) in [
            (0x8000_0100, "Q_SYNC"),
            (0x8000_0200, "Q_QUOTAON"),
            (0x8000_0301, "Q_QUOTAOFF"),
            (0x8000_0400, "Q_GETFMT"),
            (0x8000_0801, "Q_SETQUOTA"),
            (0x58_0101, "Q_XQUOTAON"),
            (0x58_0700, "Q_XQUOTASYNC"),
        ] {
            assert_eq!(QUOTACTL_CMDS.value(name), Some(quota_command(linux)), "{name}");
        }
        assert_eq!(
            [0x8000_0200, 0x8000_0201].map(quota_type).map(Some),
            ["USRQUOTA", "GRPQUOTA"].map(|name| QUOTACTL_TYPES.value(name))
        );
        let formats =
            [(0x8000_0200, 4), (0x8000_0200, 1), (0x8000_0700, 4)].map(|(command, id)| quota_format(command, id));
        let names = ["QFMT_VFS_V1", "QFMT_VFS_OLD", "QFMT_NOT_USED"];
        assert_eq!(formats.map(Some), names.map(|name| QUOTACTL_QUOTA_FMTS.value(name)));
        assert_eq!(mknod_mode(0o20600), MKNOD_MODE.value("S_IFCHR").unwrap() | 0x180);
        assert_eq!(mknod_mode(0o644) & 0xf000, MKNOD_MODE.value("S_IFREG").unwrap());
        assert_eq!(device(8 << 20 | 0x12345), 0x1230_0845);
    }
}
