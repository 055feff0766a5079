//! One process: its threads, its descriptors, and what the kernel says about it.
//!
//! A process can end, and its id be given to another one, between two reads. What identifies it is the time of its
//! start: it is read first and again last, and an entry whose two times differ is thrown away.

use bstr::{BString, ByteSlice};
use tracehound_formats::Tid;
use tracehound_formats::section::{FdEntry, ThreadEntry};

use super::sockets::Sockets;
use super::stat::{Stat, Status};
use super::{Options, Tally};
use crate::files::{Facts, Root, fields};

/// Most bytes of arguments, as many as an exec event holds.
const MAX_ARGS: usize = 16 << 10;
/// Most bytes of environment that are looked at.
const MAX_ENV: usize = 128 << 10;
/// Most bytes of `stat`, `status`, `cgroup`, `limits`: pages that the kernel writes.
const MAX_TEXT: usize = 16 << 10;
/// Most threads of one process: more than a kernel allows by default on any machine.
const MAX_THREADS: usize = 256 << 10;
/// Most descriptors of one process.
const MAX_FDS: usize = 64 << 10;

/// Bits of the tables `clone_flags` and `execve_flags`.
mod bits {
    /// `CLONE_FILES`, `CLONE_THREAD` and `CLONE_VM`: what makes a thread.
    pub(super) const THREAD: u32 = 0x1 | 0x2000 | 0x8000;
    pub(super) const EXE_FROM_MEMFD: u32 = 4;
}

/// Namespaces whose links are read; those that a kernel does not have are missing.
const NAMESPACES: [&str; 8] = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];

/// A process as it was read.
#[derive(Debug)]
pub(crate) struct Process {
    /// The main thread first.
    pub(crate) threads: Vec<ThreadEntry>,
    pub(crate) fds: Vec<FdEntry>,
    pub(crate) mount_ns: Option<u64>,
}

/// Reads a process; `None` if it ended meanwhile, or if the id was given to another one twice in a row.
pub(crate) fn read(
    root: &Root,
    pid: u32,
    options: &Options,
    sockets: &mut Sockets,
    tally: &mut Tally,
) -> Option<Process> {
    for _ in 0..2 {
        let before = stat(root, &format!("/proc/{pid}"))?;
        let process = read_once(root, pid, &before, options, sockets, tally);
        let after = stat(root, &format!("/proc/{pid}"))?;
        if before.start_ticks == after.start_ticks {
            return Some(process);
        }
        tally.n_reused += 1;
    }
    None
}

fn stat(root: &Root, folder: &str) -> Option<Stat> {
    Stat::parse(&root.read(&format!("{folder}/stat"), MAX_TEXT)?)
}

fn read_once(
    root: &Root,
    pid: u32,
    stat: &Stat,
    options: &Options,
    sockets: &mut Sockets,
    tally: &mut Tally,
) -> Process {
    let folder = format!("/proc/{pid}");
    let mut leader = ThreadEntry::new(Tid(pid.into()), Tid(pid.into()));
    describe_thread(root, &folder, stat, options, &mut leader);
    describe_process(root, &folder, options, &mut leader);
    let ns = |name: &str| namespace(&leader.namespaces, name);
    let (mount_ns, net_ns) = (ns("mnt"), ns("net").unwrap_or(0));

    let mut threads = Vec::new();
    let mut tids = root.numbers(&format!("{folder}/task"));
    tally.n_left_out += tids.len().saturating_sub(MAX_THREADS) as u64;
    tids.truncate(MAX_THREADS);
    for tid in tids.into_iter().filter(|&tid| tid != pid) {
        let folder = format!("/proc/{pid}/task/{tid}");
        let Some(stat) = self::stat(root, &folder) else { continue };
        // What threads share stands in each, as it does in an event of their birth.
        let mut thread = ThreadEntry { tid: Tid(tid.into()), flags: bits::THREAD, ..leader.clone() };
        thread.env = BString::default();
        describe_thread(root, &folder, &stat, options, &mut thread);
        threads.push(thread);
    }
    let mut numbers = root.numbers(&format!("{folder}/fd"));
    tally.n_left_out += numbers.len().saturating_sub(MAX_FDS) as u64;
    numbers.truncate(MAX_FDS);
    let fds = numbers.into_iter().filter_map(|fd| super::fds::entry(root, pid, fd, net_ns, sockets)).collect();
    let seen_ns = Some(options.clock.now_ns());
    leader.seen_ns = seen_ns;
    threads.iter_mut().for_each(|thread| thread.seen_ns = seen_ns);
    threads.insert(0, leader);
    Process { threads, fds, mount_ns }
}

/// What each thread has of its own.
fn describe_thread(root: &Root, folder: &str, stat: &Stat, options: &Options, entry: &mut ThreadEntry) {
    let text = |name: &str| root.read(&format!("{folder}/{name}"), MAX_TEXT).unwrap_or_default();
    entry.comm = stat.comm.clone();
    entry.ptid = Some(Tid(stat.ppid.into())).filter(|ppid| ppid.0 > 0);
    entry.pgid = Some(stat.pgrp);
    entry.sid = Some(stat.session);
    entry.tty = Some(stat.tty);
    entry.page_faults = [stat.major_faults, stat.minor_faults];
    entry.start_ns = Some(options.clock.epoch_of_ticks(stat.start_ticks));
    let status = Status::parse(&text("status"));
    entry.uid = status.uid;
    entry.gid = status.gid;
    entry.vpid = status.vpid;
    entry.vtid = status.vtid;
    entry.vpgid = status.vpgid;
    entry.caps = status.caps;
    entry.vm_kb = status.vm_kb;
    entry.cgroups = cgroups(&text("cgroup"));
}

/// What the threads of a process share.
fn describe_process(root: &Root, folder: &str, options: &Options, entry: &mut ThreadEntry) {
    let read = |name: &str, max: usize| root.read(&format!("{folder}/{name}"), max).unwrap_or_default();
    let link = |name: &str| root.link(&format!("{folder}/{name}")).unwrap_or_default();
    let (exe, args) = arguments(read("cmdline", MAX_ARGS));
    entry.exe = exe;
    entry.args = args;
    entry.exepath = link("exe");
    entry.cwd = link("cwd");
    entry.root = link("root");
    entry.env = environment(&read("environ", MAX_ENV), &options.env);
    let loginuid = read("loginuid", 16);
    entry.loginuid = loginuid.to_str().ok().and_then(|text| text.trim().parse().ok()).filter(|&uid| uid != u32::MAX);
    entry.fd_limit = fd_limit(&read("limits", MAX_TEXT));
    if entry.exepath.starts_with(b"/memfd:") {
        entry.exe_flags = Some(bits::EXE_FROM_MEMFD);
    }
    if !entry.exepath.is_empty() {
        let facts = root.facts(&format!("{folder}/exe"));
        entry.exe_inode = facts.map(|Facts { ino, ctime_ns, mtime_ns, .. }| [ino, ctime_ns, mtime_ns]);
    }
    let mut namespaces = Vec::new();
    for name in NAMESPACES {
        let target = link(&format!("ns/{name}"));
        if let Some(inode) = target.strip_prefix(format!("{name}:[").as_bytes()).and_then(|t| t.strip_suffix(b"]")) {
            namespaces.extend([name.as_bytes(), b"=", inode, b"\0"].concat());
        }
    }
    entry.namespaces = namespaces.into();
}

/// The inode of a namespace in a list of them.
pub(crate) fn namespace(list: &[u8], name: &str) -> Option<u64> {
    let inode = list.split(|&b| b == 0).find_map(|item| item.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    inode.to_str().ok()?.parse().ok()
}

/// `argv[0]`, and the rest with a NUL after each.
fn arguments(mut cmdline: Vec<u8>) -> (BString, BString) {
    // A process can write over its arguments, and a long list is cut.
    if cmdline.last().is_some_and(|&b| b != 0) {
        cmdline.push(0);
    }
    let end = cmdline.find_byte(0).unwrap_or(0);
    let rest = cmdline.get(end + 1..).unwrap_or_default().into();
    cmdline.truncate(end);
    (cmdline.into(), rest)
}

/// Names of all variables; values only of those that were asked for: the others can be secrets.
fn environment(environ: &[u8], wanted: &[BString]) -> BString {
    let mut out = Vec::new();
    for variable in environ.split(|&b| b == 0) {
        let Some(eq) = variable.find_byte(b'=').filter(|&eq| eq > 0) else { continue };
        let name = &variable[..eq];
        let is_wanted = wanted.iter().any(|wanted| wanted == name);
        out.extend_from_slice(if is_wanted { variable } else { name });
        out.push(0);
        if out.len() >= MAX_ARGS {
            break;
        }
    }
    out.into()
}

/// Lines `4:memory:/path` as `memory=/path` with a NUL after each; version 2 has no controllers and stands as `=/path`.
fn cgroups(text: &[u8]) -> BString {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, |&b| b == b':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        out.extend([controllers, b"=", path, b"\0"].concat());
    }
    out.into()
}

/// The soft limit in `Max open files            1024                 4096                 files`.
fn fd_limit(limits: &[u8]) -> Option<i64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(b"Max open files"))?;
    fields(line).next()?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_environment() {
        for (cmdline, exe, args) in [
            ("sh\0-c\0id\0", "sh", "-c\0id\0"),
            ("sh\0", "sh", ""),
            ("", "", ""),
            ("postgres: writer", "postgres: writer", ""),
            ("a\0cut", "a", "cut\0"),
            ("\0\0", "", "\0"),
        ] {
            assert_eq!(arguments(cmdline.into()), (exe.into(), args.into()), "{cmdline:?}");
        }
        let wanted = ["LD_PRELOAD".into(), "EMPTY".into()];
        for (environ, want) in [
            ("TOKEN=secret\0LD_PRELOAD=/tmp/x.so\0HOME=/\0", "TOKEN\0LD_PRELOAD=/tmp/x.so\0HOME\0"),
            ("EMPTY=\0nonsense\0=x\0LD_PRELOADED=1", "EMPTY=\0LD_PRELOADED\0"),
            ("", ""),
        ] {
            assert_eq!(environment(environ.as_bytes(), &wanted), want, "{environ:?}");
        }
    }

    #[test]
    fn other_lists() {
        assert_eq!(
            cgroups(b"4:cpu,cpuacct:/a\n1:name=systemd:/x:y\n0::/init.scope\nnonsense\n"),
            "cpu,cpuacct=/a\0name=systemd=/x:y\0=/init.scope\0"
        );
        let limits = b"Limit     Soft  Hard  Units\nMax open files            1024                 4096     files\n";
        assert_eq!(fd_limit(limits), Some(1024));
        assert_eq!(fd_limit(b"Max open files            unlimited  unlimited files\n"), None);
        assert_eq!(namespace(b"mnt=5\0net=6\0", "net"), Some(6));
        assert_eq!(namespace(b"mnt=5\0net=6\0", "ne"), None);
    }
}
