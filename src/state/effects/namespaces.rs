//! unshare and setns: capabilities in a new user namespace, and what a thread stops sharing.
//!
//! A new pid namespace is for children only; their births tell. The path of a mount namespace or a root outside
//! the container is not in the trace.

use tracehound_formats::Seq;

use super::identity::change_creds;
use super::lifecycle::bits;
use crate::history::{ThreadId, ThreadOwn};
use crate::replay::{Cx, Replay};
use crate::timeline::Timeline;

/// All capabilities that exist (CAP_CHECKPOINT_RESTORE, 40, is the last).
const ALL_CAPS: u64 = (1 << 41) - 1;

/// unshare. *Truth*: CLONE_FILES and CLONE_FS give the thread tables of its own. Falco follows only the user
/// namespace.
pub(crate) fn unshare(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread.filter(|_| cx.is_ok()) else { return };
    let flags = cx.u32(1).unwrap_or(0);
    gain_caps(r, cx, flags);
    if flags & bits::FILES != 0 {
        unshare_files(r, cx, thread);
    }
    // A new mount or user namespace needs a directory of its own; the kernel adds CLONE_FS itself.
    if flags & (bits::FS | bits::NEWNS | bits::NEWUSER) != 0 {
        unshare_fs(r, cx, thread);
    }
}

/// setns.
pub(crate) fn setns(r: &mut Replay, cx: &mut Cx<'_>) {
    if cx.fact.thread.is_some() && cx.is_ok() {
        gain_caps(r, cx, cx.u32(2).unwrap_or(0));
    }
}

fn gain_caps(r: &mut Replay, cx: &Cx<'_>, flags: u32) {
    if flags & bits::NEWUSER != 0 {
        change_creds(r, cx, |creds| creds.caps = Some([ALL_CAPS; 3]));
    }
}

/// Gives a thread a copy of its descriptor table, if it shares it.
pub(crate) fn unshare_files(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId) {
    let process = r.process_of(thread);
    let table = r.table_of(thread);
    if r.live.process[process.index()].alive.len() > 1 {
        if r.history.own(thread).is_some_and(|own| own.fd_table.last().is_some()) {
            return;
        }
        let copy = r.fork_table(table, cx.seq);
        own(r, thread).fd_table.set(cx.seq, Some(copy));
        r.live.recent.forget(r.history.threads[thread.index()].tid.0);
    } else if r.live.shared_tables.contains(&table) {
        let copy = r.fork_table(table, cx.seq);
        r.set_table(process, cx.seq, copy);
    }
}

/// Gives a thread a working directory of its own, if it shares it.
fn unshare_fs(r: &mut Replay, cx: &Cx<'_>, thread: ThreadId) {
    let process = r.process_of(thread);
    if r.live.process[process.index()].alive.len() > 1 {
        let cwd = r.cwd_of(thread);
        own(r, thread).cwd.set(cx.seq, Some(cwd));
    } else if let Some(group) = r.live.process[process.index()].fs_group.take() {
        r.live.fs_groups[group as usize].retain(|&member| member != process);
    }
}

fn own(r: &mut Replay, thread: ThreadId) -> &mut ThreadOwn {
    // Until the row that follows, it has nothing of its own.
    let start = Seq(0);
    r.history.threads[thread.index()].has_own = true;
    let own = r.history.own.entry(thread);
    own.or_insert_with(|| ThreadOwn { cwd: Timeline::new(start, None), fd_table: Timeline::new(start, None) })
}
