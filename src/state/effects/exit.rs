//! Death: procexit, exits that were lost, and who takes the children.
//!
//! A dead thread is removed when the next event comes. A main thread that exits before its other threads stays, as
//! the zombie it is, until the last of them goes. Children move to whoever the kernel said, else to whom the
//! kernel's rules give. Source: `sinsp_thread_manager::{remove_thread, find_new_reaper}`.

use tracehound_formats::Seq;

use crate::few::Few;
use crate::history::{Exit, ProcessId, ThreadId};
use crate::live::{Exited, Status};
use crate::replay::{Cx, Replay};

/// Ancestors that are asked whether they adopt orphans. Real chains are far shorter.
const MAX_REAPER_WALK: usize = 1024;

/// Positions of arguments.
mod arg {
    pub(super) const STATUS: usize = 0;
    pub(super) const CODE: usize = 1;
    pub(super) const SIGNAL: usize = 2;
    pub(super) const CORE: usize = 3;
    pub(super) const REAPER: usize = 4;
    pub(super) const PROCESS_STATUS: usize = 5;
}

/// A thread exits.
pub(crate) fn procexit(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(thread) = cx.fact.thread else {
        r.notes.n_exits_of_unknown += 1;
        return;
    };
    let process = r.process_of(thread);
    let status = status(cx);
    let is_leader = r.history.processes[process.index()].leader() == thread;
    let live = &mut r.live.thread[thread.index()];
    live.is_dead = true;
    live.reaper = cx.int(arg::REAPER).filter(|&tid| tid > 0).unwrap_or(0);
    let tid = cx.event.head.tid.0;
    if live.awaits_parent_event {
        r.live.exited.insert(tid, Exited { thread, at: cx.ts });
    } else {
        r.live.exited.remove(&tid);
    }
    let group = &mut r.live.process[process.index()];
    group.alive.retain(|&other| other != thread);
    if group.alive.is_empty() {
        // The main thread's status is the process's, unless a thread that outlived it, or a signal, ended all: what the
        // parent gets from wait, which our recorder tells with the last thread.
        let told = cx.int(arg::PROCESS_STATUS).map(|raw| raw_status(Some(raw)));
        let status = told.or(group.leader_status.as_deref().copied().filter(|_| !is_leader)).unwrap_or(status);
        let exit = Exit { seq: cx.seq, ts: cx.ts, code: status.code, signal: status.signal, core: status.core };
        r.history.processes[process.index()].set_exit(exit);
    } else if is_leader {
        group.leader_status = Some(Box::new(status));
    }
    r.exit_later(thread);
}

fn status(cx: &Cx<'_>) -> Status {
    // Old captures have the raw wait status only.
    let raw = raw_status(cx.int(arg::STATUS));
    let signal = cx.uint(arg::SIGNAL).map_or(raw.signal, |signal| Some(signal as u8).filter(|&signal| signal != 0));
    let code = cx.int(arg::CODE).or(cx.int(arg::STATUS).map(|raw| raw >> 8 & 0xff));
    let core = cx.uint(arg::CORE).map_or(raw.core, |core| core != 0);
    Status { code: code.filter(|_| signal.is_none()), signal, core }
}

/// A status as `wait` gives it: code in bits 8-15, signal in bits 0-6, core dump in bit 7.
fn raw_status(raw: Option<i64>) -> Status {
    let signal = raw.map(|raw| (raw & 0x7f) as u8).filter(|&signal| signal != 0);
    let code = raw.map(|raw| raw >> 8 & 0xff).filter(|_| signal.is_none());
    Status { code, signal, core: raw.is_some_and(|raw| raw & 0x80 != 0) }
}

impl Replay {
    /// Removes a thread from what is current, as of event `at`; with the last thread its process ends.
    pub(crate) fn remove_thread(&mut self, thread: ThreadId, at: Seq) {
        let process = self.process_of(thread);
        self.live.thread[thread.index()].is_dead = true;
        self.live.process[process.index()].alive.retain(|&other| other != thread);
        self.reparent_children(thread, at);

        let is_last = self.live.process[process.index()].alive.is_empty();
        let leader = self.history.processes[process.index()].leader();
        if is_last {
            self.end_thread(leader, at);
            let row = &mut self.history.processes[process.index()];
            row.end(at);
            let pid = row.pid.0;
            if self.live.groups.get(pid) == Some(process) {
                self.live.groups.remove(pid);
            }
        }
        if thread != leader {
            self.end_thread(thread, at);
        }
    }

    /// A thread id is used again: its old owner is gone, though its exit was not recorded.
    pub(crate) fn evict(&mut self, thread: ThreadId, at: Seq) {
        let process = self.process_of(thread);
        self.notes.n_lost_exits += 1;
        if self.history.processes[process.index()].leader() == thread {
            // A pid is free only when the whole process is gone.
            self.notes.n_pid_reuse_without_exit += 1;
            for &other in std::mem::take(&mut self.live.process[process.index()].alive).iter() {
                self.remove_thread(other, at);
            }
        }
        self.remove_thread(thread, at);
    }

    /// Ends a placeholder that was no thread of its own, without touching its children.
    pub(crate) fn forget(&mut self, thread: ThreadId, at: Seq) {
        let process = self.process_of(thread);
        self.live.process[process.index()].alive = Few::None;
        self.end_thread(thread, at);
        let row = &mut self.history.processes[process.index()];
        row.end(at);
        let pid = row.pid.0;
        if self.live.groups.get(pid) == Some(process) {
            self.live.groups.remove(pid);
        }
    }

    fn end_thread(&mut self, thread: ThreadId, at: Seq) {
        let row = &mut self.history.threads[thread.index()];
        row.end(at);
        let tid = row.tid.0;
        if self.live.threads.get(tid) == Some(thread) {
            self.live.threads.remove(tid);
        }
        self.live.recent.forget(tid);
    }

    /// Ends everything: a further section begins.
    pub(crate) fn end_all(&mut self, at: Seq) {
        for thread in self.live.threads.drain() {
            self.history.threads[thread.index()].end(at);
        }
        for process in self.live.groups.drain() {
            self.history.processes[process.index()].end(at);
        }
        self.live.recent.forget_all();
        self.live.exited.clear();
    }

    fn reparent_children(&mut self, thread: ThreadId, at: Seq) {
        let children = std::mem::take(&mut self.live.thread[thread.index()].children);
        if children.is_empty() || !self.spend(children.len()) {
            return;
        }
        let process = self.process_of(thread);
        let named = Some(self.live.thread[thread.index()].reaper).filter(|&tid| tid != 0);
        let named = named.and_then(|tid| self.thread_by_tid(tid));
        let named = named.filter(|&named| named != thread && !self.live.thread[named.index()].is_placeholder);
        let reaper = named.or_else(|| self.find_reaper(thread));
        if let Some(reaper) = reaper {
            let adopter = self.process_of(reaper);
            if adopter != process {
                self.live.process[adopter.index()].is_reaper = true;
            }
        }
        for &child in children.iter() {
            self.set_parent(child, reaper, at);
        }
    }

    /// Gives a process another parent, unless it has ended or is its own.
    pub(crate) fn set_parent(&mut self, child: ProcessId, parent: Option<ThreadId>, at: Seq) {
        if self.history.processes[child.index()].ended().is_some() {
            return;
        }
        let parent_process = parent.map(|parent| self.process_of(parent));
        if parent_process == Some(child) {
            self.notes.n_parent_cycles += 1;
            return;
        }
        let row = &mut self.history.processes[child.index()];
        row.set_parent(at, parent_process.zip(parent));
        if let Some(parent) = parent {
            self.live.thread[parent.index()].children.push(child);
        }
    }

    /// Records the parent that gave birth to a process of which it was not known.
    pub(crate) fn set_birth_parent(&mut self, child: ProcessId, parent: ThreadId, at: Seq) {
        let parent_process = self.process_of(parent);
        if parent_process == child {
            self.notes.n_parent_cycles += 1;
            return;
        }
        self.history.processes[child.index()].know_birth_parent(parent_process);
        if !self.live.thread[parent.index()].is_placeholder {
            self.set_parent(child, Some(parent), at);
        }
    }

    /// Who adopts the children of a thread by the kernel's rules: a living thread of its process, else the nearest
    /// ancestor in the same pid namespace that adopts orphans.
    fn find_reaper(&mut self, thread: ThreadId) -> Option<ThreadId> {
        let process = self.process_of(thread);
        if let Some(&other) = self.live.process[process.index()].alive.iter().find(|&&other| other != thread) {
            return Some(other);
        }
        let is_in_pidns = self.is_in_pidns(thread);
        let mut at = self.history.processes[process.index()].parent_thread().last();
        for _ in 0..MAX_REAPER_WALK {
            let parent = at?;
            if self.is_in_pidns(parent) != is_in_pidns {
                return None;
            }
            let ancestor = self.process_of(parent);
            if ancestor == process {
                self.notes.n_parent_cycles += 1;
                return None;
            }
            let live = &self.live.process[ancestor.index()];
            if live.is_reaper
                && let Some(&reaper) = live.alive.first()
            {
                return Some(reaper);
            }
            at = self.history.processes[ancestor.index()].parent_thread().last();
        }
        None
    }

    /// True if a thread is known to live in another pid namespace than the host's.
    pub(crate) fn is_in_pidns(&self, thread: ThreadId) -> bool {
        let row = &self.history.threads[thread.index()];
        self.live.thread[thread.index()].is_in_pidns || row.vtid().is_some_and(|vtid| vtid >= 0 && vtid != row.tid.0)
    }
}
