//! Birth, exec and death.

use std::io::Write;

use bstr::{BStr, ByteSlice};
use tracehound_capture_layout::record::{Namespaces, exec_flag};
use tracehound_capture_layout::{Exec, Exit, Fork, Head as RecordHead, Plain};
use tracehound_formats::event::{pseudo, syscalls};
use tracehound_formats::{Arg, Batch};

use super::{Decoder, join_reversed};
use crate::flags;

/// What the kernel appends to the path of a file that is gone.
const DELETED: &[u8] = b" (deleted)";

/// Bit of the table `clone_flags`: the child is in a pid namespace of its own.
const CHILD_IN_PIDNS: u32 = 0x2000_0000;

/// Bits of the table `execve_flags`.
const EXE_WRITABLE: u32 = 1;
const EXE_UPPER_LAYER: u32 = 2;
const EXE_FROM_MEMFD: u32 = 4;
const EXE_LOWER_LAYER: u32 = 8;

/// Capabilities that let a process write or change any file: `CAP_DAC_OVERRIDE`, `CAP_FOWNER`.
const CAPS_WRITE: u64 = 1 << 1 | 1 << 3;

impl Decoder {
    /// A birth, told as the child's side of `clone`: it has the ids of the host, whatever namespace it is in. The
    /// parent's side is the system call itself.
    pub(super) fn fork(&mut self, head: &RecordHead, mut body: &[u8], batch: &mut Batch) -> Option<()> {
        let fork = Fork::take(&mut body)?;
        self.begin(head, syscalls::CLONE, fork.tid, batch);
        let mut clone_flags = flags::CLONE.convert(fork.clone_flags as u32);
        if fork.ns.pid_level > 0 {
            clone_flags |= CHILD_IN_PIDNS;
        }
        batch.push(Arg::Int(0));
        push_absent(batch, 2);
        push_id(batch, fork.tid);
        push_id(batch, fork.tgid);
        push_id(batch, fork.ptid);
        push_absent(batch, 7);
        batch.push(Arg::Bytes(comm(&fork.comm)));
        self.push_cgroups(fork.cgroup, batch);
        batch.push(Arg::Int(clone_flags.into()));
        batch.push(Arg::Int(fork.uid.into()));
        batch.push(Arg::Int(fork.gid.into()));
        push_id(batch, fork.vtid);
        push_id(batch, fork.vpid);
        batch.push(Arg::Int(fork.pidns_start_ns));
        batch.push(Arg::Int(self.time(fork.start_ns).0));
        self.push_namespaces(&fork.ns, batch);
        Some(())
    }

    /// A successful exec. *Linux*: the name of a file that was given by descriptor begins with `/dev/fd/`, which tells
    /// `execveat` from `execve`.
    pub(super) fn exec(&mut self, head: &RecordHead, mut body: &[u8], batch: &mut Batch) -> Option<()> {
        let exec = Exec::take(&mut body)?;
        let mut cut = |len: u32| {
            let (head, tail) = body.split_at_checked(len as usize)?;
            body = tail;
            Some(head)
        };
        let filename = cut(exec.filename_len)?;
        let (exe, cwd) = (cut(exec.exe_len)?, cut(exec.cwd_len)?);
        let (args, env) = (cut(exec.args_len)?, cut(exec.env_len)?);
        let filename = filename.strip_suffix(b"\0").unwrap_or(filename);
        let is_at = filename.starts_with(b"/dev/fd/");
        self.begin(head, if is_at { syscalls::EXECVEAT } else { syscalls::EXECVE }, head.tid, batch);

        // Of arguments that were cut the last has no end.
        let split = args.find_byte(0);
        let (first, others) = split.map_or((args, &b""[..]), |at| (&args[..at], &args[at + 1..]));
        batch.push(Arg::Int(0));
        batch.push(text(first));
        self.push_terminated(others, batch);
        push_id(batch, head.tid);
        push_id(batch, head.tgid);
        push_id(batch, exec.ptid);
        self.push_path(cwd, exec.flags & exec_flag::CWD_DELETED != 0, batch);
        batch.push(Arg::Int(exec.fd_limit));
        batch.push(Arg::Int(exec.faults_major));
        batch.push(Arg::Int(exec.faults_minor));
        batch.push(Arg::Int(u64::from((exec.vm_pages.wrapping_mul(4)) as u32)));
        push_absent(batch, 2);
        batch.push(Arg::Bytes(comm(&exec.comm)));
        self.push_cgroups(exec.cgroup, batch);
        self.push_env(env, batch);
        batch.push(Arg::Int(flags::device(exec.tty).into()));
        push_id(batch, exec.vpgid);
        batch.push(Arg::Int(exec.loginuid.into()));
        batch.push(Arg::Int(exe_flags(&exec, exe).into()));
        for caps in exec.caps {
            batch.push(Arg::Int(caps));
        }
        batch.push(Arg::Int(exec.ino));
        batch.push(Arg::Int(exec.ctime_ns));
        batch.push(Arg::Int(exec.mtime_ns));
        batch.push(Arg::Int(exec.uid.into()));
        if exec.flags & exec_flag::EXE_UNNAMED != 0 {
            // As the kernel shows it in /proc/PID/exe.
            self.scratch.clear();
            self.scratch.push(b'/');
            self.scratch.extend_from_slice(exe.strip_suffix(b"\0").unwrap_or(exe));
            self.scratch.extend_from_slice(DELETED);
            batch.push(Arg::Bytes(self.scratch.as_bstr()));
        } else {
            self.push_path(exe, exec.flags & exec_flag::EXE_DELETED != 0, batch);
        }
        push_id(batch, exec.pgid);
        batch.push(Arg::Int(exec.gid.into()));
        if is_at {
            // dirfd, pathname and flags are gone when the new program runs.
            push_absent(batch, 3);
        } else {
            batch.push(text(filename));
        }
        batch.push(Arg::Int(self.time(exec.start_ns).0));
        self.push_namespaces(&exec.ns, batch);
        batch.push(Arg::Int(flags::device(exec.dev).into()));
        batch.push(Arg::Int(exec.mode.into()));
        batch.push(Arg::Int(exec.nlink.into()));
        Some(())
    }

    pub(super) fn exit(&mut self, head: &RecordHead, mut body: &[u8], batch: &mut Batch) -> Option<()> {
        let exit = Exit::take(&mut body)?;
        self.begin(head, pseudo::PROCEXIT, head.tid, batch);
        let code = exit.code;
        batch.push(Arg::Int(code.into()));
        batch.push(Arg::Int((code >> 8 & 0xff).into()));
        batch.push(Arg::Int((code & 0x7f).into()));
        batch.push(Arg::Int(u64::from(code & 0x80 != 0)));
        push_absent(batch, 1);
        if exit.n_alive == 0 {
            batch.push(Arg::Int(exit.process_code.into()));
        }
        Some(())
    }

    /// The argument `cgroups`: absent if the record of the path was lost.
    fn push_cgroups(&self, id: u64, batch: &mut Batch) {
        batch.push(self.cgroups.get(&id).map_or(Arg::Absent, |text| Arg::Bytes(text.as_bstr())));
    }

    fn push_namespaces(&mut self, ns: &Namespaces, batch: &mut Batch) {
        self.scratch.clear();
        let named = [
            ("cgroup", ns.cgroup),
            ("ipc", ns.ipc),
            ("mnt", ns.mnt),
            ("net", ns.net),
            ("pid", ns.pid),
            ("user", ns.user),
            ("uts", ns.uts),
        ];
        for (name, inode) in named.iter().filter(|(_, inode)| *inode != 0) {
            // Writing into memory does not fail.
            let _ = write!(self.scratch, "{name}={inode}\0");
        }
        batch.push(text(&self.scratch));
    }

    /// A path that was recorded name by name.
    fn push_path(&mut self, names: &[u8], is_deleted: bool, batch: &mut Batch) {
        self.scratch.clear();
        join_reversed(names, &mut self.scratch);
        if is_deleted {
            self.scratch.extend_from_slice(DELETED);
        }
        batch.push(Arg::Bytes(self.scratch.as_bstr()));
    }

    /// Strings that each end with a NUL; the last one may have been cut.
    fn push_terminated(&mut self, strings: &[u8], batch: &mut Batch) {
        if strings.is_empty() || strings.ends_with(b"\0") {
            batch.push(text(strings));
            return;
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(strings);
        self.scratch.push(0);
        batch.push(Arg::Bytes(self.scratch.as_bstr()));
    }

    /// Variables that were asked for with their values, of others the name.
    fn push_env(&mut self, env: &[u8], batch: &mut Batch) {
        if self.env_keys.is_empty() {
            batch.push(Arg::Absent);
            return;
        }
        self.scratch.clear();
        for variable in env.split(|&b| b == 0).filter(|variable| !variable.is_empty()) {
            let name = &variable[..variable.find_byte(b'=').unwrap_or(variable.len())];
            let is_wanted = self.env_keys.iter().any(|key| key == name);
            self.scratch.extend_from_slice(if is_wanted { variable } else { name });
            self.scratch.push(0);
        }
        batch.push(text(&self.scratch));
    }
}

fn push_absent(batch: &mut Batch, n: usize) {
    for _ in 0..n {
        batch.push(Arg::Absent);
    }
}

fn push_id(batch: &mut Batch, id: u32) {
    batch.push(Arg::Int(i64::from(id as i32) as u64));
}

fn text(bytes: &[u8]) -> Arg<'_> {
    if bytes.is_empty() { Arg::Empty } else { Arg::Bytes(BStr::new(bytes)) }
}

fn comm(comm: &[u8; 16]) -> &BStr {
    comm[..comm.find_byte(0).unwrap_or(comm.len())].as_bstr()
}

/// Bits of the table `execve_flags`.
fn exe_flags(exec: &Exec, exe: &[u8]) -> u32 {
    let mut out = 0;
    if is_writable(exec) {
        out |= EXE_WRITABLE;
    }
    if exec.flags & exec_flag::OVERLAY_UPPER != 0 {
        out |= EXE_UPPER_LAYER;
    }
    if exec.flags & exec_flag::OVERLAY_LOWER != 0 {
        out |= EXE_LOWER_LAYER;
    }
    if exec.flags & exec_flag::EXE_UNNAMED != 0 && exe.starts_with(b"memfd:") {
        out |= EXE_FROM_MEMFD;
    }
    out
}

/// True if the process could write to its own program, or make itself able to: as owner, through its group, or by a
/// capability. Supplementary groups are not recorded.
fn is_writable(exec: &Exec) -> bool {
    let can = |bit: u32| exec.mode & bit != 0;
    exec.fsuid == exec.file_uid
        || exec.caps[2] & CAPS_WRITE != 0
        || can(0o2)
        || exec.fsgid == exec.file_gid && can(0o20)
}
