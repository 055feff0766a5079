//! Tables and events that overlap in time: takes out of the tables what the events tell by themselves.
//!
//! Events of the time during which `/proc` was read follow the tables in the trace, and are replayed on top of them.
//! What they create must not be there yet: a process that was born meanwhile, a descriptor that was opened meanwhile,
//! the image of a program that was executed meanwhile.

use hashbrown::{HashMap, HashSet};
use tracehound_formats::event::kind::{ArgType, kind_flags};
use tracehound_formats::event::{Event, syscalls};
use tracehound_formats::{Batch, Section, Tid};

/// `/proc` has times of start in ticks of 10 ms, rounded down; an event of a birth follows the start of the process,
/// also when the machine is busy.
const SAME_START_NS: u64 = 10_000_000;

/// Most time between the start of a process and the event of its birth.
const BIRTH_TAKES_NS: u64 = 500_000_000;

/// What was taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Threads whose birth is among the events.
    pub n_threads: u64,
    /// Descriptors whose opening is among the events, or whose process is.
    pub n_fds: u64,
    /// Processes whose image was not yet the one that was read.
    pub n_images: u64,
}

/// Takes out of the tables what the events create. `events` are those recorded since recording began.
pub fn settle<'a>(section: &mut Section, events: impl IntoIterator<Item = &'a Batch>) -> Settled {
    let mut settled = Settled::default();
    let pids: HashMap<Tid, Tid> = section.threads.iter().map(|thread| (thread.tid, thread.pid)).collect();
    let (mut births, mut execs, mut opened) = (HashMap::new(), HashMap::new(), HashSet::new());
    for event in events.into_iter().flat_map(Batch::iter) {
        let tid = event.head.tid;
        match event.head.kind {
            syscalls::CLONE | syscalls::CLONE3 | syscalls::FORK | syscalls::VFORK if event.ret() == Some(0) => {
                births.insert(tid, event.head.ts.0);
            }
            syscalls::EXECVE | syscalls::EXECVEAT if event.ret() == Some(0) => {
                let pid = pids.get(&tid).copied().unwrap_or(tid);
                execs.insert(pid, event.head.ts.0);
            }
            _ => {
                let Some(&pid) = pids.get(&tid) else { continue };
                opened.extend(new_fds(&event).map(|fd| (pid, fd)));
            }
        }
    }
    if births.is_empty() && execs.is_empty() && opened.is_empty() {
        return settled;
    }
    let mut gone = HashSet::new();
    section.threads.retain_mut(|thread| {
        let is_born_later = |born: u64| {
            // An earlier owner of the same id started well before.
            thread
                .start_ns
                .is_none_or(|start| born < start + SAME_START_NS + BIRTH_TAKES_NS && start < born + SAME_START_NS)
        };
        if births.get(&thread.tid).is_some_and(|&born| is_born_later(born)) {
            settled.n_threads += 1;
            if thread.tid == thread.pid {
                gone.insert(thread.pid);
            }
            return false;
        }
        let seen = thread.seen_ns.unwrap_or(u64::MAX);
        if execs.get(&thread.pid).is_some_and(|&at| at <= seen) {
            // What it was before is not known; that it was already this would be wrong.
            settled.n_images += u64::from(thread.tid == thread.pid);
            for text in [&mut thread.comm, &mut thread.exe, &mut thread.exepath, &mut thread.args, &mut thread.env] {
                text.clear();
            }
            thread.exe_flags = None;
            thread.exe_inode = None;
        }
        true
    });
    let n_before = section.fds.len();
    section.fds.retain(|entry| !gone.contains(&entry.tid) && !opened.contains(&(entry.tid, entry.fd)));
    settled.n_fds = (n_before - section.fds.len()) as u64;
    settled
}

/// Descriptors that an event makes: what it returns, and those that it fills in (`pipe`, `socketpair`).
fn new_fds<'a>(event: &Event<'a>) -> impl Iterator<Item = i64> + use<'a> {
    let kind = event.head.kind.get().filter(|kind| kind.has(kind_flags::CREATES_FD));
    let ret = event.ret().filter(|&ret| ret >= 0);
    let args = kind.filter(|_| ret.is_some()).map_or(&[][..], |kind| kind.args);
    let event = *event;
    // Of a call that makes one descriptor, the one that it takes (`dup`, `accept`, `openat`) is not new.
    let has_ret = matches!(args.first(), Some(first) if matches!(first.ty, ArgType::Fd | ArgType::Fd32));
    let filled = args
        .iter()
        .enumerate()
        .skip(1)
        .filter(move |(_, arg)| !has_ret && matches!(arg.ty, ArgType::Fd | ArgType::Fd32));
    ret.filter(|_| has_ret).into_iter().chain(filled.filter_map(move |(i, _)| event.arg(i).int()).filter(|&fd| fd >= 0))
}

#[cfg(test)]
mod tests {
    use tracehound_formats::text::{Text, TextWriter};
    use tracehound_formats::{Format, Input, Item, TraceWriter};

    use super::*;

    /// Start state and events in the text notation, to the start state that is left.
    fn check(text: &str, want: &str) {
        let mut reader = Text.open(Input::from(text.as_bytes().to_vec())).unwrap();
        let (mut section, mut events) = (Section::default(), Vec::new());
        while let Some(item) = reader.next_item() {
            match item {
                Item::Section(found) => section = *found,
                Item::Batch(batch) => events.push(batch),
            }
        }
        assert!(reader.notes().damage.is_empty(), "{:?}", reader.notes());
        settle(&mut section, &events);
        let mut out = Vec::new();
        TextWriter::new(&mut out).section(&section).unwrap();
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.join("\n"), want, "{text}");
    }

    #[test]
    fn what_events_create_is_not_there_before() {
        // A process born while /proc was read, and one that had its id before.
        check("thread 7 start_ns=1000000000\nfd 7 0 file /x\n1 1005000000 7 clone res=0", "");
        check(
            "thread 7 start_ns=1000000000\nfd 7 0 file /x\n1 9000000000 7 clone res=0",
            "thread 7 pid=7 start_ns=1000000000\nfd 7 0 file /x",
        );
        // Its parent's side of the birth says nothing about the parent.
        check("thread 7 start_ns=1000000000\n1 1005000000 7 clone res=8", "thread 7 pid=7 start_ns=1000000000");
        // A descriptor by what the call returns, by what it fills in, and one of another process.
        check("thread 7\nfd 7 3 file /x\n1 5 7 openat fd=3", "thread 7 pid=7");
        check("thread 7\nfd 7 3 file /x\n1 5 7 openat fd=ENOENT", "thread 7 pid=7\nfd 7 3 file /x");
        check(
            "thread 7\nfd 7 3 pipe a\nfd 7 4 pipe a\nfd 7 5 pipe a\n1 5 7 pipe res=0 fd1=3 fd2=4",
            "thread 7 pid=7\nfd 7 5 pipe a",
        );
        check("thread 7\nthread 8 pid=7\nfd 7 3 file /x\n1 5 8 openat fd=3", "thread 7 pid=7\nthread 8 pid=7");
        check(
            "thread 7\nthread 9\nfd 7 3 file /x\n1 5 9 openat fd=3",
            "thread 7 pid=7\nthread 9 pid=9\nfd 7 3 file /x",
        );
        // The descriptor that a call takes is not new.
        check("thread 7\nfd 7 3 file /x\nfd 7 4 file /x\n1 5 7 dup res=4 oldfd=3", "thread 7 pid=7\nfd 7 3 file /x");
        // An exec before and after the entry was read.
        check("thread 7 comm=sh exepath=/bin/sh uid=5 seen_ns=9\n1 5 7 execve res=0", "thread 7 pid=7 uid=5 seen_ns=9");
        check("thread 7 comm=sh uid=5 seen_ns=4\n1 5 7 execve res=0", "thread 7 pid=7 comm=sh uid=5 seen_ns=4");
        check("thread 7 comm=sh seen_ns=9\n1 5 7 execve res=ENOENT", "thread 7 pid=7 comm=sh seen_ns=9");
    }
}
