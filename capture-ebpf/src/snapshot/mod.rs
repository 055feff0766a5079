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

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

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
    /// True if reading did not come to an end, so that the rest is missing.
    pub is_stalled: bool,
}

/// Most mounts of all namespaces together.
const MAX_MOUNTS: usize = 50_000;

/// How long reading one process may take before the rest of the start state is given up: memory of a process can be
/// made to wait for another process.
const STALL: Duration = Duration::from_secs(10);

/// Reads the start state, in a thread of its own. Takes about 0.3 ms a process. If reading a process does not come to
/// an end, what was read so far is returned, and the tally says so.
pub fn take(root: &Root, options: &Options) -> (Section, Tally) {
    let (send, receive) = mpsc::channel();
    let (root, options) = (root.clone(), options.clone());
    std::thread::spawn(move || {
        // Nobody listens any more once reading had stalled.
        pieces(&root, &options, &mut |section, tally| send.send((section, tally)).is_ok());
    });
    let (mut all, mut tally) = (Section::default(), Tally::default());
    loop {
        match receive.recv_timeout(STALL) {
            Ok((Section { threads, fds, users, groups, containers, mounts, .. }, so_far)) => {
                tally = so_far;
                all.threads.extend(threads);
                all.fds.extend(fds);
                all.users.extend(users);
                all.groups.extend(groups);
                all.containers.extend(containers);
                all.mounts.extend(mounts);
            }
            Err(RecvTimeoutError::Timeout) => {
                tally.is_stalled = true;
                break;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // When the first process of each pid namespace started.
    let pid_ns = |thread: &ThreadEntry| process::namespace(&thread.namespaces, "pid");
    let inits = all.threads.iter().filter(|thread| thread.vpid == Some(1) && thread.tid == thread.pid);
    let inits: HashMap<u64, Option<u64>> = inits.filter_map(|t| Some((pid_ns(t)?, t.start_ns))).collect();
    for thread in &mut all.threads {
        thread.pidns_init_start_ns = pid_ns(thread).and_then(|ns| *inits.get(&ns)?);
    }
    (all, tally)
}

/// Reads the start state in pieces: users and groups, then a process at a time. Stops when a piece is not wanted.
fn pieces(root: &Root, options: &Options, emit: &mut dyn FnMut(Section, Tally) -> bool) {
    let (mut tally, mut sockets, mut containers) =
        (Tally::default(), Sockets::default(), Containers::new(root.clone()));
    let mut mount_namespaces = HashSet::new();
    let first = Section { users: tables::users(root), groups: tables::groups(root), ..Section::default() };
    if !emit(first, tally) {
        return;
    }
    let mut n_mounts = 0;
    for pid in root.numbers("/proc") {
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
