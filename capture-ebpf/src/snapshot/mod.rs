//! The start state: what ran before recording began.
//!
//! Recording is attached first, then `/proc` is read: nothing falls between the two. What happened meanwhile is in
//! both, so that [`settle`] takes out of the tables what the events tell by themselves. `/proc` is written by the
//! kernel, but what it says (names, arguments, where links point) is chosen by processes: everything is read as bytes
//! and up to a limit, links are not followed into file systems, and an entry is kept only if the process had the same
//! time of start before and after it was read.

mod fds;
mod process;
mod settle;
mod sockets;
mod stat;
mod tables;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use bstr::BString;
use hashbrown::{HashMap, HashSet};
use tracehound_formats::Section;
use tracehound_formats::section::ThreadEntry;

pub use self::settle::{Settled, settle};
use self::sockets::Sockets;
pub(crate) use self::tables::users;
use crate::containers::Containers;
use crate::files::Root;
use crate::host::Clock;

/// What to read and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names of environment variables whose values are kept. Of the others only the names are.
    pub env: Vec<BString>,
    /// The clock that the recording's times are of.
    pub clock: Clock,
}

/// What was read and what was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Processes in the tables.
    pub n_processes: u64,
    /// Processes that were listed and had ended when they were read.
    pub n_ended: u64,
    /// Ids that were given to another process while they were read.
    pub n_reused: u64,
    /// Threads, descriptors and tables of sockets beyond the limits.
    pub n_left_out: u64,
    /// Processes that were given up because reading them did not come to an end.
    pub n_stalled: u64,
    /// The first of them; 0 if reading the tables of users and groups did not come to an end.
    pub stalled_pid: Option<u32>,
    /// True if the rest was given up, too.
    pub is_cut: bool,
}

/// Most mounts of all namespaces together.
const MAX_MOUNTS: usize = 50_000;

/// How long to wait for what is being read: memory of a process can be made to wait for another process.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// For the first process that takes long.
    first: Duration,
    /// For the others.
    others: Duration,
    /// Once the recording is to end.
    last: Duration,
}

const PATIENCE: Patience =
    Patience { first: Duration::from_secs(5), others: Duration::from_secs(1), last: Duration::from_millis(500) };

/// Processes that are given up before the rest of the start state is.
const MAX_STALLS: u64 = 16;

/// How often to look whether the recording is to end.
const LOOK: Duration = Duration::from_millis(100);

/// Reads pieces from behind a process on (`None`: everything), and hands each on until one is not wanted. Before it reads
/// a process it says which.
type Read = dyn Fn(Option<u32>, &AtomicU32, &mut dyn FnMut(Section, Tally) -> bool) + Send + Sync;

/// Reads the start state, in a thread of its own. Takes about 0.3 ms a process. A process of which reading does not come
/// to an end is left out, and the tally says so; that takes 20 s at most, for all of them. Once `is_ending` says that the
/// recording is to end, nothing is waited for longer than half a second.
pub fn take(root: &Root, options: &Options, is_ending: &dyn Fn() -> bool) -> (Section, Tally) {
    let (root, options) = (root.clone(), options.clone());
    let read =
        Arc::new(move |after: Option<u32>, reading: &AtomicU32, emit: &mut dyn FnMut(Section, Tally) -> bool| {
            pieces(&root, &options, after, reading, emit);
        });
    let (mut all, tally) = collect(read, PATIENCE, is_ending);
    // When the first process of each pid namespace started.
    let pid_ns = |thread: &ThreadEntry| process::namespace(&thread.namespaces, "pid");
    let inits = all.threads.iter().filter(|thread| thread.vpid == Some(1) && thread.tid == thread.pid);
    let inits: HashMap<u64, Option<u64>> = inits.filter_map(|t| Some((pid_ns(t)?, t.start_ns))).collect();
    for thread in &mut all.threads {
        thread.pidns_init_start_ns = pid_ns(thread).and_then(|ns| *inits.get(&ns)?);
    }
    (all, tally)
}

/// Puts together what is read, as far as reading comes to an end.
fn collect(read: Arc<Read>, patience: Patience, is_ending: &dyn Fn() -> bool) -> (Section, Tally) {
    let (mut all, mut tally) = (Section::default(), Tally::default());
    let (mut mount_namespaces, mut container_ids) = (HashSet::new(), HashSet::new());
    let mut after = None;
    loop {
        let before = tally;
        let reading = Arc::new(AtomicU32::new(after.unwrap_or(0)));
        let (send, receive) = mpsc::channel();
        let (read, now_reading) = (Arc::clone(&read), Arc::clone(&reading));
        // A thread that hangs stays behind; nobody listens to it any more.
        std::thread::spawn(move || {
            read(after, &now_reading, &mut |section, tally| send.send((section, tally)).is_ok());
        });
        let mut seen_before = Vec::new();
        let is_done = loop {
            let (section, so_far) = match next(&receive, patience, tally.n_stalled > 0, is_ending) {
                Ok(piece) => piece,
                Err(Stop::End) => break true,
                Err(Stop::Stall) => break false,
            };
            tally = before.with(so_far);
            let Section { threads, fds, users, groups, containers, mounts, .. } = section;
            all.threads.extend(threads);
            all.fds.extend(fds);
            all.users.extend(users);
            all.groups.extend(groups);
            // One that begins in the middle does not know what those before it have told.
            all.containers
                .extend(containers.into_iter().filter(|container| container_ids.insert(container.id.clone())));
            seen_before.extend(mounts.iter().map(|mount| mount.mount_ns));
            all.mounts.extend(mounts.into_iter().filter(|mount| !mount_namespaces.contains(&mount.mount_ns)));
        };
        if is_done {
            return (all, tally);
        }
        mount_namespaces.extend(seen_before);
        let pid = reading.load(Ordering::Relaxed);
        tally.n_stalled += 1;
        tally.stalled_pid.get_or_insert(pid);
        if tally.n_stalled >= MAX_STALLS || is_ending() {
            tally.is_cut = true;
            return (all, tally);
        }
        after = Some(pid);
    }
}

/// Why nothing comes any more.
enum Stop {
    /// Everything was read.
    End,
    /// What is being read takes longer than one waits.
    Stall,
}

/// What comes next of what is read.
fn next(
    receive: &mpsc::Receiver<(Section, Tally)>,
    patience: Patience,
    has_stalled: bool,
    is_ending: &dyn Fn() -> bool,
) -> Result<(Section, Tally), Stop> {
    let began = Instant::now();
    loop {
        match receive.recv_timeout(LOOK.min(patience.others)) {
            Ok(piece) => return Ok(piece),
            Err(RecvTimeoutError::Disconnected) => return Err(Stop::End),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let limit = match (is_ending(), has_stalled) {
            (true, _) => patience.last,
            (false, true) => patience.others,
            (false, false) => patience.first,
        };
        if began.elapsed() >= limit {
            return Err(Stop::Stall);
        }
    }
}

impl Tally {
    /// Both together.
    fn with(self, other: Tally) -> Tally {
        Tally {
            n_processes: self.n_processes + other.n_processes,
            n_ended: self.n_ended + other.n_ended,
            n_reused: self.n_reused + other.n_reused,
            n_left_out: self.n_left_out + other.n_left_out,
            n_stalled: self.n_stalled + other.n_stalled,
            stalled_pid: self.stalled_pid.or(other.stalled_pid),
            is_cut: self.is_cut || other.is_cut,
        }
    }
}

/// Reads the start state in pieces: users and groups, then a process at a time, from behind `after` on. Stops when a piece
/// is not wanted. Before it reads a process it puts its number into `reading`.
fn pieces(
    root: &Root,
    options: &Options,
    after: Option<u32>,
    reading: &AtomicU32,
    emit: &mut dyn FnMut(Section, Tally) -> bool,
) {
    let (mut tally, mut sockets, mut containers) =
        (Tally::default(), Sockets::default(), Containers::new(root.clone()));
    let mut mount_namespaces = HashSet::new();
    if after.is_none() {
        let first = Section { users: tables::users(root), groups: tables::groups(root), ..Section::default() };
        if !emit(first, tally) {
            return;
        }
    }
    let mut n_mounts = 0;
    for pid in root.numbers("/proc").into_iter().filter(|&pid| after.is_none_or(|after| pid > after)) {
        reading.store(pid, Ordering::Relaxed);
        let Some(process) = process::read(root, pid, options, &mut sockets, &mut tally) else {
            tally.n_ended += 1;
            continue;
        };
        tally.n_processes += 1;
        let mut piece = Section::default();
        piece.containers.extend(process.threads.iter().filter_map(|thread| containers.of_cgroups(&thread.cgroups)));
        if mount_namespaces.insert(process.mount_ns) {
            tables::mounts(root, pid, process.mount_ns, MAX_MOUNTS.saturating_sub(n_mounts), &mut piece.mounts);
            n_mounts += piece.mounts.len();
        }
        piece.threads = process.threads;
        piece.fds = process.fds;
        if !emit(piece, Tally { n_left_out: tally.n_left_out + sockets.n_cut, ..tally }) {
            return;
        }
    }
    emit(Section::default(), Tally { n_left_out: tally.n_left_out + sockets.n_cut, ..tally });
}

#[cfg(test)]
mod tests {
    use tracehound_formats::Tid;

    use super::*;

    /// A host of processes 1 to 9, some of which never end being read.
    fn host(hangs: &'static [u32]) -> Arc<Read> {
        Arc::new(move |after: Option<u32>, reading: &AtomicU32, emit: &mut dyn FnMut(Section, Tally) -> bool| {
            let mut tally = Tally::default();
            for pid in after.map_or(1, |after| after + 1)..10 {
                reading.store(pid, Ordering::Relaxed);
                while hangs.contains(&pid) {
                    std::thread::park();
                }
                tally.n_processes += 1;
                let thread = ThreadEntry::new(Tid(pid.into()), Tid(pid.into()));
                if !emit(Section { threads: vec![thread], ..Section::default() }, tally) {
                    return;
                }
            }
        })
    }

    fn check(hangs: &'static [u32], is_ending: bool, want: &[i64], n_stalled: u64, is_cut: bool) {
        let short = Duration::from_millis(if is_ending { 3_600_000 } else { 100 });
        let patience = Patience { first: short, others: short, last: Duration::from_millis(100) };
        let (section, tally) = collect(host(hangs), patience, &|| is_ending);
        assert_eq!(section.threads.iter().map(|thread| thread.tid.0).collect::<Vec<_>>(), want, "{hangs:?}");
        let stalled_pid = hangs.first().copied();
        assert_eq!(tally, Tally { n_processes: want.len() as u64, n_stalled, stalled_pid, is_cut, ..Tally::default() });
    }

    #[test]
    fn a_process_that_hangs_is_left_out() {
        check(&[], false, &[1, 2, 3, 4, 5, 6, 7, 8, 9], 0, false);
        check(&[4], false, &[1, 2, 3, 5, 6, 7, 8, 9], 1, false);
        check(&[1, 2, 9], false, &[3, 4, 5, 6, 7, 8], 3, false);
        // Nothing is waited for when the recording is to end.
        check(&[4, 7], true, &[1, 2, 3], 1, true);
    }
}
