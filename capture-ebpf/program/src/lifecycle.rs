//! Birth, exec and death of threads.

use core::ffi::c_void;

use aya_ebpf::helpers::generated;
use aya_ebpf::macros::{btf_tracepoint, map};
use aya_ebpf::maps::LruHashMap;
use aya_ebpf::programs::BtfTracePointContext;
use tracehound_capture_layout::record::{Namespaces, exec_flag, flag, kind};
use tracehound_capture_layout::settings::{ABSENT, MAX_ARGS, MAX_ENV, counter};
use tracehound_capture_layout::{Exec, Exit, Fork, Head};

use crate::file;
use crate::instance::{FIRST, FOURTH, SECOND, THIRD, is_mine};
use crate::kernel::{copy_str, current, member, offset, pid_tgid, read, setting};
use crate::ring::{Record, Which, head, is_self};

/// Bytes of a record where the strings of an exec begin.
const EXEC_STRINGS: u64 = (size_of::<Head>() + size_of::<Exec>()) as u64;

/// Keeps what is written at an offset far enough from the end of the big buffer: 32 KiB below, and at most 16 KiB more.
const EXEC_MASK: u64 = 0x7fff;

/// Directories of a cgroup's path that are followed.
const MAX_CGROUP_DEPTH: u32 = 24;

/// `RLIMIT_NOFILE`, as an index.
const RLIMIT_NOFILE: u32 = 7;

/// `PIDTYPE_PGID` and `PIDTYPE_SID` of `enum pid_type`.
const PIDTYPE_PGID: u32 = 2;
const PIDTYPE_SID: u32 = 3;

/// `SIGNAL_GROUP_EXIT` of `include/linux/sched/signal.h`: all threads are being ended, by one of them or by a signal.
const SIGNAL_GROUP_EXIT: u32 = 4;

/// Cgroups whose path was sent.
#[map]
static SEEN_CGROUPS: LruHashMap<u64, u8> = LruHashMap::with_max_entries(4096, 0);

/// A task exists and is about to run for the first time. Unlike `sched_process_fork` it tells the flags, and is also
/// called for the threads of io_uring.
#[btf_tracepoint(function = "task_newtask")]
fn task_newtask(ctx: BtfTracePointContext) -> i32 {
    born(&ctx, FIRST)
}

/// The second instance.
#[btf_tracepoint(function = "task_newtask")]
fn task_newtask_second(ctx: BtfTracePointContext) -> i32 {
    born(&ctx, SECOND)
}

/// The third instance.
#[btf_tracepoint(function = "task_newtask")]
fn task_newtask_third(ctx: BtfTracePointContext) -> i32 {
    born(&ctx, THIRD)
}

/// The fourth instance.
#[btf_tracepoint(function = "task_newtask")]
fn task_newtask_fourth(ctx: BtfTracePointContext) -> i32 {
    born(&ctx, FOURTH)
}

#[inline(always)]
fn born(ctx: &BtfTracePointContext, instance: u32) -> i32 {
    let child = ctx.arg::<u64>(0);
    if !is_mine(counter::FORK, instance, FOURTH, || member(child, offset!(task_pid))) {
        return 0;
    }
    let clone_flags = ctx.arg::<u64>(1);
    let tgid: u32 = member(child, offset!(task_tgid));
    let ids = pid_tgid();
    if is_self(tgid) || is_self((ids >> 32) as u32) && tgid == (ids >> 32) as u32 {
        return 0;
    }
    // The path of a cgroup stands before the first record that needs it.
    let cgroup = cgroup_of(child);
    send_cgroup(cgroup, counter::FORK, instance);
    let Some(record) = Record::begin(Which::Fork, counter::FORK, instance, head(kind::FORK, 0, 0, ids)) else {
        return 0;
    };
    let parent: u64 = member(child, offset!(task_real_parent));
    let leader: u64 = member(child, offset!(task_group_leader));
    let cred: u64 = member(child, offset!(task_cred));
    let pid = pid_ns(child);
    let leader_pid = pid_ns(leader);
    // SAFETY: the buffer has room for a head and a body, at an offset that is a multiple of 8.
    unsafe {
        let body = record.base.add(size_of::<Head>()).cast::<Fork>();
        (*body).clone_flags = clone_flags;
        (*body).start_ns = member(child, offset!(task_start));
        (*body).leader_start_ns = member(leader, offset!(task_start));
        (*body).cgroup = cgroup.id;
        (*body).tid = member(child, offset!(task_pid));
        (*body).tgid = tgid;
        (*body).ptid = member(parent, offset!(task_pid));
        (*body).ppid = member(parent, offset!(task_tgid));
        (*body).vtid = pid.nr;
        (*body).vpid = leader_pid.nr;
        (*body).uid = member(cred, offset!(cred_uid));
        (*body).gid = member(cred, offset!(cred_gid));
        let reaper: u64 = member(pid.ns, offset!(pidns_child_reaper));
        (*body).pidns_start_ns = member(reaper, offset!(task_start));
        (*body).ns = namespaces(child, cred, &pid);
        (*body).comm = member(child, offset!(task_comm));
        (*record.private).at = (size_of::<Head>() + size_of::<Fork>()) as u64;
    }
    record.submit(Which::Fork);
    0
}

/// A program replaced another: everything about the process is new, and still belongs to the kernel.
#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    executed(&ctx, FIRST)
}

/// The second instance.
#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec_second(ctx: BtfTracePointContext) -> i32 {
    executed(&ctx, SECOND)
}

#[inline(always)]
fn executed(ctx: &BtfTracePointContext, instance: u32) -> i32 {
    if !is_mine(counter::EXEC, instance, SECOND, || 0) {
        return 0;
    }
    let task = ctx.arg::<u64>(0);
    let old_tid = ctx.arg::<u64>(1) as u32;
    let bprm = ctx.arg::<u64>(2);
    let ids = pid_tgid();
    if is_self((ids >> 32) as u32) {
        return 0;
    }
    let cgroup = cgroup_of(task);
    send_cgroup(cgroup, counter::EXEC, instance);
    let Some(record) = Record::begin(Which::Exec, counter::EXEC, instance, head(kind::EXEC, 0, 0, ids)) else {
        return 0;
    };
    // SAFETY: the buffer has 64 KiB; every offset is masked below.
    unsafe {
        (*record.private).at = EXEC_STRINGS;
        exec(&record, task, bprm, old_tid, cgroup.id);
    }
    record.submit(Which::Exec);
    0
}

#[inline(always)]
unsafe fn exec(record: &Record, task: u64, bprm: u64, old_tid: u32, cgroup: u64) {
    let (base, private) = (record.base, record.private);
    // SAFETY: the caller's.
    unsafe {
        let body = base.add(size_of::<Head>()).cast::<Exec>();
        let leader: u64 = member(task, offset!(task_group_leader));
        let parent: u64 = member(task, offset!(task_real_parent));
        let cred: u64 = member(task, offset!(task_cred));
        let signal: u64 = member(task, offset!(task_signal));
        let mm: u64 = member(task, offset!(task_mm));
        let fs: u64 = member(task, offset!(task_fs));
        let exe: u64 = member(mm, offset!(mm_exe_file));
        let inode: u64 = member(exe, offset!(file_inode));
        let sb: u64 = member(inode, offset!(inode_sb));
        let pid = pid_ns(task);

        (*body).start_ns = member(task, offset!(task_start));
        (*body).leader_start_ns = member(leader, offset!(task_start));
        (*body).cgroup = cgroup;
        (*body).caps[0] = member(cred, offset!(cred_cap_inheritable));
        (*body).caps[1] = member(cred, offset!(cred_cap_permitted));
        (*body).caps[2] = member(cred, offset!(cred_cap_effective));
        (*body).ino = member(inode, offset!(inode_ino));
        (*body).ctime_ns = time(inode, offset!(inode_ctime_sec), offset!(inode_ctime_nsec));
        (*body).mtime_ns = time(inode, offset!(inode_mtime_sec), offset!(inode_mtime_nsec));
        (*body).fd_limit = member(signal, offset!(signal_rlim) + 16 * RLIMIT_NOFILE);
        (*body).faults_major = member(task, offset!(task_maj_flt));
        (*body).faults_minor = member(task, offset!(task_min_flt));
        (*body).vm_pages = member(mm, offset!(mm_total_vm));
        (*body).old_tid = old_tid;
        (*body).ptid = member(parent, offset!(task_pid));
        (*body).ppid = member(parent, offset!(task_tgid));
        (*body).vtid = pid.nr;
        let group = signal_pid(signal, PIDTYPE_PGID);
        (*body).pgid = pid_nr(group, 0);
        (*body).vpgid = pid_nr(group, pid.level);
        (*body).sid = pid_nr(signal_pid(signal, PIDTYPE_SID), 0);
        (*body).tty = tty(signal);
        (*body).loginuid = optional(task, offset!(task_loginuid));
        (*body).sessionid = optional(task, offset!(task_sessionid));
        (*body).uid = member(cred, offset!(cred_uid));
        (*body).gid = member(cred, offset!(cred_gid));
        (*body).fsuid = member(cred, offset!(cred_fsuid));
        (*body).fsgid = member(cred, offset!(cred_fsgid));
        (*body).dev = member(sb, offset!(sb_dev));
        (*body).mode = member::<u16>(inode, offset!(inode_mode)) as u32;
        (*body).nlink = member(inode, offset!(inode_nlink));
        (*body).file_uid = member(inode, offset!(inode_uid));
        (*body).file_gid = member(inode, offset!(inode_gid));
        (*body).fs_magic = member::<u64>(sb, offset!(sb_magic)) as u32;
        (*body).ns = namespaces(task, cred, &pid);
        (*body).comm = member(task, offset!(task_comm));
        let mut flags = file::layer(inode, member(sb, offset!(sb_magic)));

        let at = (*private).at;
        let filename: u64 = member(bprm, offset!(bprm_filename));
        let n = copy_str::<4096>(base.add((at & EXEC_MASK) as usize), filename);
        (*private).at = at + n;
        (*body).filename_len = n as u32;

        let at = (*private).at;
        let walked = file::walk(base, private, exe.wrapping_add(offset!(file_path) as u64), EXEC_MASK);
        (*body).exe_len = (*private).at.wrapping_sub(at) as u32;
        flags |= walked.flags;

        let at = (*private).at;
        let walked = file::walk(base, private, fs.wrapping_add(offset!(fs_pwd) as u64), EXEC_MASK);
        (*body).cwd_len = (*private).at.wrapping_sub(at) as u32;
        if walked.flags & exec_flag::EXE_DEEP != 0 {
            flags |= exec_flag::CWD_DEEP;
        }
        if walked.flags & exec_flag::EXE_DELETED != 0 {
            flags |= exec_flag::CWD_DELETED;
        }
        (*body).flags = flags;

        let start: u64 = member(mm, offset!(mm_arg_start));
        let end: u64 = member(mm, offset!(mm_arg_end));
        let len = end.wrapping_sub(start);
        (*body).args_full_len = len;
        (*body).args_len = user_bytes(record, start, len, setting!(max_args), MAX_ARGS as u64);

        (*body).env_len = 0;
        let start: u64 = member(mm, offset!(mm_env_start));
        let end: u64 = member(mm, offset!(mm_env_end));
        let len = end.wrapping_sub(start);
        (*body).env_full_len = len;
        if setting!(has_env) != 0 {
            (*body).env_len = user_bytes(record, start, len, MAX_ENV as u32, MAX_ENV as u64);
        }
    }
}

/// Appends bytes of the process to the record of an exec; how many.
#[inline(always)]
unsafe fn user_bytes(record: &Record, from: u64, len: u64, limit: u32, most: u64) -> u32 {
    let private = record.private;
    let mut n = len;
    // SAFETY: the offset is at most 32 KiB and the length at most 16 KiB, in a buffer of 64 KiB less a little.
    unsafe {
        if n > limit as u64 {
            n = limit as u64;
            (*private).flags |= flag::CUT as u64;
        }
        if n > most {
            n = most;
        }
        if n == 0 {
            return 0;
        }
        let at = (*private).at;
        let to = record.base.add((at & EXEC_MASK) as usize);
        if generated::bpf_probe_read_user(to.cast::<c_void>(), n as u32, from as *const c_void) != 0 {
            (*private).flags |= flag::FAULT as u64;
            return 0;
        }
        (*private).at = at + n;
    }
    n as u32
}

/// A thread ends. It is still complete, but will do nothing more.
#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    ended(&ctx, FIRST)
}

/// The second instance.
#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit_second(ctx: BtfTracePointContext) -> i32 {
    ended(&ctx, SECOND)
}

/// The third instance.
#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit_third(ctx: BtfTracePointContext) -> i32 {
    ended(&ctx, THIRD)
}

/// The fourth instance.
#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit_fourth(ctx: BtfTracePointContext) -> i32 {
    ended(&ctx, FOURTH)
}

#[inline(always)]
fn ended(ctx: &BtfTracePointContext, instance: u32) -> i32 {
    if !is_mine(counter::EXIT, instance, FOURTH, || 0) {
        return 0;
    }
    let task = ctx.arg::<u64>(0);
    let ids = pid_tgid();
    if is_self((ids >> 32) as u32) {
        return 0;
    }
    let Some(record) = Record::begin(Which::Exit, counter::EXIT, instance, head(kind::EXIT, 0, 0, ids)) else {
        return 0;
    };
    let signal: u64 = member(task, offset!(task_signal));
    // SAFETY: the buffer has room for a head and a body.
    unsafe {
        let body = record.base.add(size_of::<Head>()).cast::<Exit>();
        (*body).start_ns = member(task, offset!(task_start));
        (*body).code = member(task, offset!(task_exit_code));
        (*body).process_code = if member::<u32>(signal, offset!(signal_flags)) & SIGNAL_GROUP_EXIT != 0 {
            member(signal, offset!(signal_group_exit_code))
        } else {
            let leader: u64 = member(task, offset!(task_group_leader));
            member(leader, offset!(task_exit_code))
        };
        (*body).n_alive = member(signal, offset!(signal_live));
        (*body)._pad = 0;
        (*record.private).at = (size_of::<Head>() + size_of::<Exit>()) as u64;
    }
    record.submit(Which::Exit);
    0
}

/// The innermost pid namespace of a task, and its number in it.
#[derive(Clone, Copy)]
struct PidNs {
    ns: u64,
    nr: u32,
    level: u32,
}

#[inline(always)]
fn pid_ns(task: u64) -> PidNs {
    let pid: u64 = member(task, offset!(task_thread_pid));
    let level: u32 = member(pid, offset!(pid_level));
    let upid = upid(pid, level);
    PidNs { ns: member(upid, offset!(upid_ns)), nr: member(upid, offset!(upid_nr)), level }
}

#[inline(always)]
fn upid(pid: u64, level: u32) -> u64 {
    pid.wrapping_add(offset!(pid_numbers) as u64 + level as u64 * offset!(upid_size) as u64)
}

/// A pid's number at a level; 0 if it has none.
#[inline(always)]
fn pid_nr(pid: u64, level: u32) -> u32 {
    let own: u32 = member(pid, offset!(pid_level));
    if pid == 0 || level > own {
        return 0;
    }
    member(upid(pid, level), offset!(upid_nr))
}

#[inline(always)]
fn signal_pid(signal: u64, ty: u32) -> u64 {
    member(signal, offset!(signal_pids) + 8 * ty)
}

/// Depths of the running thread's pid namespace and of the one its children are born in.
#[inline(always)]
pub(crate) fn pid_levels() -> [u32; 2] {
    let task = current();
    let nsproxy: u64 = member(task, offset!(task_nsproxy));
    let children: u64 = member(nsproxy, offset!(nsproxy_pid_children));
    [pid_ns(task).level, member(children, offset!(pidns_level))]
}

/// Capabilities of the running thread.
#[inline(always)]
pub(crate) fn caps() -> [u64; 3] {
    let cred: u64 = member(current(), offset!(task_cred));
    [
        member(cred, offset!(cred_cap_inheritable)),
        member(cred, offset!(cred_cap_permitted)),
        member(cred, offset!(cred_cap_effective)),
    ]
}

#[inline(always)]
fn inum(ns: u64, common: u32) -> u32 {
    if common == ABSENT || ns == 0 {
        return 0;
    }
    member(ns, common + offset!(ns_common_inum))
}

#[inline(always)]
fn namespaces(task: u64, cred: u64, pid: &PidNs) -> Namespaces {
    let proxy: u64 = member(task, offset!(task_nsproxy));
    let user: u64 = member(cred, offset!(cred_user_ns));
    Namespaces {
        mnt: inum(member(proxy, offset!(nsproxy_mnt)), offset!(mntns_common)),
        pid: inum(pid.ns, offset!(pidns_common)),
        net: inum(member(proxy, offset!(nsproxy_net)), offset!(net_common)),
        uts: inum(member(proxy, offset!(nsproxy_uts)), offset!(uts_common)),
        ipc: inum(member(proxy, offset!(nsproxy_ipc)), offset!(ipc_common)),
        cgroup: inum(member(proxy, offset!(nsproxy_cgroup)), offset!(cgroupns_common)),
        user: inum(user, offset!(userns_common)),
        pid_level: pid.level,
    }
}

#[inline(always)]
fn time(inode: u64, sec: u32, nsec: u32) -> u64 {
    let sec: u64 = member(inode, sec);
    let nsec: u32 = member(inode, nsec);
    sec.wrapping_mul(1_000_000_000).wrapping_add(nsec as u64)
}

#[inline(always)]
fn optional(base: u64, offset: u32) -> u32 {
    if offset == ABSENT { u32::MAX } else { member(base, offset) }
}

/// Device of the controlling terminal, in the kernel's internal encoding (major in the upper 12 bits).
#[inline(always)]
fn tty(signal: u64) -> u32 {
    let tty: u64 = member(signal, offset!(signal_tty));
    if tty == 0 {
        return 0;
    }
    let driver: u64 = member(tty, offset!(tty_driver));
    let index: u32 = member(tty, offset!(tty_index));
    let major: u32 = member(driver, offset!(tty_driver_major));
    let minor: u32 = member(driver, offset!(tty_driver_minor));
    major << 20 | (minor.wrapping_add(index) & 0xf_ffff)
}

/// The cgroup that names the container of a task.
#[derive(Clone, Copy)]
struct Cgroup {
    id: u64,
    kn: u64,
}

#[inline(always)]
fn cgroup_of(task: u64) -> Cgroup {
    if offset!(task_cgroups) == ABSENT {
        return Cgroup { id: 0, kn: 0 };
    }
    let css_set: u64 = member(task, offset!(task_cgroups));
    let cgroup: u64 = if setting!(cgroup_subsys) == ABSENT {
        member(css_set, offset!(css_set_dfl))
    } else {
        let css: u64 = member(css_set, offset!(css_set_subsys) + 8 * setting!(cgroup_subsys));
        member(css, offset!(css_cgroup))
    };
    let kn: u64 = member(cgroup, offset!(cgroup_kn));
    Cgroup { id: member(kn, offset!(kn_id)), kn }
}

/// Sends the path of a cgroup, once an id.
#[inline(always)]
fn send_cgroup(cgroup: Cgroup, counter: u32, instance: u32) {
    if setting!(has_cgroup_path) == 0 || cgroup.kn == 0 {
        return;
    }
    // SAFETY: only whether there is an entry is asked.
    if unsafe { SEEN_CGROUPS.get(cgroup.id).is_some() } {
        return;
    }
    let Some(record) = Record::begin(Which::Cgroup, counter, instance, head(kind::CGROUP, 0, 0, pid_tgid())) else {
        return;
    };
    // SAFETY: the buffer has 32 KiB; names are written below 16 KiB.
    unsafe {
        record.base.add(size_of::<Head>()).cast::<u64>().write(cgroup.id);
        (*record.private).at = size_of::<Head>() as u64 + 8;
        let mut kn = cgroup.kn;
        for _ in 0..MAX_CGROUP_DEPTH {
            let parent: u64 = member(kn, offset!(kn_parent));
            // The root has no name.
            if parent == 0 {
                break;
            }
            let at = (*record.private).at;
            let name: u64 = member(kn, offset!(kn_name));
            (*record.private).at = at + copy_str::<256>(record.base.add((at & 0x3fff) as usize), name);
            kn = parent;
        }
        if read::<u64>(kn.wrapping_add(offset!(kn_parent) as u64)) != 0 {
            (*record.private).flags |= flag::CUT as u64;
        }
    }
    if record.submit(Which::Cgroup) {
        let _ = SEEN_CGROUPS.insert(cgroup.id, 1, 0);
    }
}
