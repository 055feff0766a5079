//! Which writes and calls belong into a timeline: what changes how a machine behaves afterwards, and what attacks are
//! made of. The lists say what a person looks at first; everything else is in the tables.

use bstr::ByteSlice;
use tracehound_formats::KindId;
use tracehound_formats::event::syscalls::*;

/// Places whose files are executed, loaded, trusted or read by somebody else.
const PLACES: [&str; 20] = [
    "/bin/",
    "/sbin/",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/local/bin/",
    "/usr/local/sbin/",
    "/usr/lib/",
    "/usr/lib64/",
    "/lib/",
    "/lib64/",
    "/etc/",
    "/boot/",
    "/root/",
    "/var/spool/cron/",
    "/var/spool/at/",
    "/var/www/",
    "/srv/www/",
    "/dev/shm/",
    "/proc/sys/",
    "/sys/",
];

/// Parts of paths that matter wherever they are.
const PARTS: [&str; 12] = [
    "/.ssh/",
    "/.bashrc",
    "/.bash_profile",
    "/.profile",
    "/.zshrc",
    "/.config/autostart/",
    "/.config/systemd/",
    "/.gnupg/",
    "/.aws/",
    "/.kube/",
    "/.docker/",
    "/authorized_keys",
];

/// True for a path that is worth an entry when it is written.
pub fn is_path(path: &[u8]) -> bool {
    PLACES.iter().any(|place| path.starts_with(place.as_bytes())) && !is_cgroup_setting(path)
        || PARTS.iter().any(|part| path.contains_str(part))
        // Hidden files in places where everybody can write, and device nodes that nobody made.
        || ["/tmp/.", "/var/tmp/."].iter().any(|place| path.starts_with(place.as_bytes()))
        || (path.starts_with(b"/dev/") && !is_ordinary_device(path))
        || is_memory(path)
}

/// Limits of a cgroup, which a service manager writes all day; not what a container escapes by.
fn is_cgroup_setting(path: &[u8]) -> bool {
    path.starts_with(b"/sys/fs/cgroup/")
        && !["/release_agent", "/notify_on_release", "/devices.allow"].iter().any(|end| path.ends_with(end.as_bytes()))
}

/// `/proc/PID/mem`: the memory of a process.
fn is_memory(path: &[u8]) -> bool {
    path.strip_prefix(b"/proc/").is_some_and(|rest| rest.ends_with(b"/mem"))
}

/// Devices that programs write to all day.
fn is_ordinary_device(path: &[u8]) -> bool {
    const NAMES: [&str; 12] =
        ["null", "zero", "full", "tty", "ptmx", "urandom", "random", "console", "stdout", "stderr", "log", "net/tun"];
    let name = &path[b"/dev/".len()..];
    NAMES.iter().any(|of| name == of.as_bytes()) || ["pts/", "fd/", "tty"].iter().any(|of| name.starts_with_str(of))
}

/// True for a call that is worth an entry.
pub fn is_call(kind: KindId) -> bool {
    needs_path(kind)
        || matches!(
            kind,
            PTRACE
                | MOUNT
                | MOVE_MOUNT
                | UMOUNT
                | UMOUNT2
                | INIT_MODULE
                | FINIT_MODULE
                | DELETE_MODULE
                | BPF
                | SETNS
                | UNSHARE
                | CHROOT
                | PIVOT_ROOT
                | PROCESS_VM_WRITEV
                | USERFAULTFD
                | MEMFD_CREATE
                | OPEN_BY_HANDLE_AT
                | PIDFD_GETFD
                | IO_URING_SETUP
                | CAPSET
        )
}

/// True for a call that is only worth an entry when it names a path that matters.
pub fn needs_path(kind: KindId) -> bool {
    matches!(
        kind,
        UNLINK
            | UNLINKAT
            | RENAME
            | RENAMEAT
            | RENAMEAT2
            | LINK
            | LINKAT
            | SYMLINK
            | SYMLINKAT
            | CHMOD
            | FCHMODAT
            | CHOWN
            | FCHOWNAT
            | MKNOD
            | MKNODAT
    )
}

/// True if one of the arguments, as `evt.args` writes them, is a path that matters.
pub fn names_path(args: &[u8]) -> bool {
    args.split(|b| matches!(b, b' ' | b'=' | b'(' | b')' | b'"')).any(is_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, expected) in [
            ("/etc/passwd", true),
            ("/home/a/.ssh/authorized_keys", true),
            ("/home/a/notes", false),
            ("/tmp/x", false),
            ("/tmp/.x", true),
            ("/dev/null", false),
            ("/dev/pts/3", false),
            ("/dev/sda", true),
            ("/dev/.hidden", true),
            ("/dev/shm/x", true),
            ("/proc/1/mem", true),
            ("/proc/1/status", false),
            ("/sys/fs/cgroup/user.slice/cpu.max", false),
            ("/sys/fs/cgroup/rdma/release_agent", true),
            ("/sys/kernel/uevent_helper", true),
            ("etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(is_path(path.as_bytes()), expected, "{path}");
        }
        assert!(names_path(b"res=0 oldpath=/tmp/a newpath=/etc/cron.d/b"));
        assert!(!names_path(b"res=0 oldpath=/tmp/a newpath=/tmp/b"));
    }
}
