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

use bstr::BString;
use hashbrown::{HashMap, HashSet};
use tracehound_formats::Section;

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
}

/// Reads the start state. Takes about 0.3 ms a process.
pub fn take(root: &Root, options: &Options) -> (Section, Tally) {
    let mut section = Section { users: tables::users(root), groups: tables::groups(root), ..Section::default() };
    let (mut tally, mut sockets, mut containers) =
        (Tally::default(), Sockets::default(), Containers::new(root.clone()));
    let mut mount_namespaces = HashSet::new();
    // When the first process of each pid namespace started.
    let mut inits: HashMap<u64, u64> = HashMap::new();
    let mut pid_namespaces = Vec::new();
    for pid in root.numbers("/proc") {
        let Some(mut process) = process::read(root, pid, options, &mut sockets, &mut tally) else {
            tally.n_ended += 1;
            continue;
        };
        tally.n_processes += 1;
        let leader = &process.threads[0];
        if let (Some(1), Some(pid_ns), Some(start)) = (leader.vpid, process.pid_ns, leader.start_ns) {
            inits.insert(pid_ns, start);
        }
        for thread in &process.threads {
            section.containers.extend(containers.of_cgroups(&thread.cgroups));
        }
        if mount_namespaces.insert(process.mount_ns) {
            tables::mounts(root, pid, process.mount_ns, &mut section.mounts);
        }
        pid_namespaces.extend(process.threads.iter().map(|_| process.pid_ns));
        section.threads.append(&mut process.threads);
        section.fds.append(&mut process.fds);
    }
    for (thread, pid_ns) in section.threads.iter_mut().zip(pid_namespaces) {
        thread.pidns_init_start_ns = pid_ns.and_then(|pid_ns| inits.get(&pid_ns).copied());
    }
    tally.n_left_out += sockets.n_cut;
    (section, tally)
}
