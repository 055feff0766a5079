//! Sessions, process groups, names, subreapers, limits.

use std::sync::Arc;

use crate::replay::{Cx, Replay};

/// Values of the `prctl_options` table.
const PR_SET_NAME: u64 = 0xf;
const PR_SET_CHILD_SUBREAPER: u64 = 0x24;
const PR_GET_CHILD_SUBREAPER: u64 = 0x25;
/// Value of the `rlimit_resources` table.
const RLIMIT_NOFILE: u64 = 7;

/// prctl: names and subreapers. *Truth*: the name is kept as `Attrs::renamed`. Falco does not follow it.
pub(crate) fn prctl(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread.filter(|_| cx.is_ok()) else { return };
    match cx.uint(1) {
        Some(PR_SET_NAME) => {
            if let Some(name) = cx.bytes(2) {
                // The kernel keeps 15 bytes.
                let name = r.intern(&name[..name.len().min(15)]);
                r.change_attrs(thread, |attrs| attrs.renamed = Some(name));
            }
        }
        Some(PR_SET_CHILD_SUBREAPER | PR_GET_CHILD_SUBREAPER) => {
            let Some(value) = cx.int(3) else { return };
            let process = r.process_of(thread);
            r.live.process[process.index()].is_reaper = value != 0;
            let inherited = &mut r.history.processes[process.index()].inherited;
            if inherited.is_subreaper.last() != (value != 0) {
                Arc::make_mut(inherited).is_subreaper.set(cx.seq, value != 0);
            }
        }
        _ => {}
    }
}

/// setsid: the new session has the id that it returns, in the caller's pid namespace.
pub(crate) fn setsid(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(sid)) = (cx.fact.thread, cx.ret.filter(|&sid| sid >= 0)) else { return };
    let is_host = !r.is_in_pidns(thread);
    r.change_attrs(thread, |attrs| {
        attrs.sid = Some(sid);
        if is_host {
            attrs.true_pgid = Some(sid);
        }
    });
}

/// setpgid. Falco does not follow it: `pgid` and `vpgid` stay, `true_pgid` moves. Ids in a pid namespace cannot be
/// translated and are left alone.
pub(crate) fn setpgid(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(0)) = (cx.fact.thread, cx.ret) else { return };
    let (Some(pid), Some(pgid)) = (cx.int(1), cx.int(2)) else { return };
    if r.is_in_pidns(thread) {
        return;
    }
    let process = match pid {
        0 => r.process_of(thread),
        _ => match r.live.groups.get(pid) {
            Some(process) => process,
            None => return,
        },
    };
    let pgid = if pgid == 0 { r.history.processes[process.index()].pid.0 } else { pgid };
    let threads = r.live.process[process.index()].alive.clone();
    if r.spend(threads.len()) {
        for &thread in threads.iter() {
            r.change_attrs(thread, |attrs| attrs.true_pgid = Some(pgid));
        }
    }
}

/// getrlimit and setrlimit of the number of descriptors.
pub(crate) fn rlimit(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread.filter(|_| cx.is_ok()) else { return };
    let (Some(RLIMIT_NOFILE), Some(limit)) = (cx.uint(3), cx.int(1).filter(|&limit| limit != -1)) else { return };
    let process = r.process_of(thread);
    Arc::make_mut(&mut r.history.processes[process.index()].inherited).fd_limit.set(cx.seq, Some(limit));
}

/// prlimit of the number of descriptors, of any process.
pub(crate) fn prlimit(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread.filter(|_| cx.ret == Some(0)) else { return };
    let (Some(RLIMIT_NOFILE), Some(limit)) = (cx.uint(6), cx.int(1).filter(|&limit| limit != -1)) else { return };
    let target = match cx.int(5) {
        Some(0) => Some(thread),
        Some(tid) => r.thread_by_tid(tid),
        None => None,
    };
    if let Some(target) = target {
        let process = r.process_of(target);
        Arc::make_mut(&mut r.history.processes[process.index()].inherited).fd_limit.set(cx.seq, Some(limit));
    }
}
