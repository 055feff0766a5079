//! What is recorded.

use std::collections::BTreeSet;

use bstr::BString;

use crate::calls;

/// Sets of system calls that are recorded. Creation, exec and exit of threads are always recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Profile {
    /// Processes, and what connects them to the outside: execs, opened files, connections, identity, kernel modules.
    Minimal,
    /// What detection rules ask for: adds changes of files, descriptors, memory, namespaces, signals.
    #[default]
    Default,
    /// Everything that can be recorded with arguments, reading and writing included.
    Full,
}

impl Profile {
    /// The profile with this name: `minimal`, `default` or `full`.
    pub fn by_name(name: &str) -> Option<Profile> {
        match name {
            "minimal" => Some(Profile::Minimal),
            "default" => Some(Profile::Default),
            "full" => Some(Profile::Full),
            _ => None,
        }
    }
}

/// A set of system calls by name.
///
/// Some are recorded only under a condition, except in the profile [`Profile::Full`]: `mmap` and `mprotect` if they ask
/// for executable memory, `fcntl` if it duplicates or marks a descriptor, `close` if it succeeds, `sendto`, `sendmsg`
/// and their like if an address or control messages are passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSet {
    pub(crate) names: BTreeSet<&'static str>,
    /// True if calls are recorded without the conditions that the other profiles set.
    pub(crate) is_full: bool,
}

/// A name that is no system call, or one that cannot be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no system call {name:?} can be recorded")]
pub struct UnknownCall {
    /// The name as given.
    pub name: String,
}

impl CallSet {
    /// The system calls of a profile.
    pub fn profile(profile: Profile) -> CallSet {
        let names = calls::CALLS.iter().filter(|call| call.profile <= profile).map(|call| call.name).collect();
        CallSet { names, is_full: profile == Profile::Full }
    }

    /// Changes the set: names with `+` or `-` in front, or none (which adds), separated by commas, as in
    /// `+read,-mmap`. Nothing is changed if a name is unknown.
    pub fn edit(&mut self, changes: &str) -> Result<(), UnknownCall> {
        let mut names = self.names.clone();
        for change in changes.split(',').map(str::trim).filter(|change| !change.is_empty()) {
            let (is_added, name) = match change.as_bytes()[0] {
                b'+' => (true, &change[1..]),
                b'-' => (false, &change[1..]),
                _ => (true, change),
            };
            let known = CallSet::known().find(|&known| known == name);
            let known = known.ok_or_else(|| UnknownCall { name: name.to_owned() })?;
            if is_added {
                names.insert(known);
            } else {
                names.remove(known);
            }
        }
        self.names = names;
        Ok(())
    }

    /// Every system call that can be recorded, in the order of the table.
    pub fn known() -> impl Iterator<Item = &'static str> {
        calls::CALLS.iter().filter(|call| !call.is_always).map(|call| call.name)
    }

    /// Names in the set, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied()
    }
}

/// Settings of a [`Recorder`](crate::Recorder).
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of the ring buffer, rounded up to a power of two that the kernel takes. A full ring loses events; 16 MiB
    /// hold about 200 000.
    pub ring_bytes: usize,
    /// System calls to record.
    pub calls: CallSet,
    /// Bytes kept of what is read and written, where that is recorded; at most 4096.
    pub snap_bytes: u32,
    /// Bytes kept of the arguments of an exec; at most 16384.
    pub max_args_bytes: u32,
    /// Environment variables kept of an exec, by name. Empty: none, and none is copied out of the process.
    pub env_keys: Vec<BString>,
    /// Process whose own activity is left out: the recorder's. `None` records it too.
    pub ignore_tgid: Option<u32>,
    /// Record questions to name servers (UDP port 53), read from leaving packets.
    pub dns: bool,
    /// Record requests submitted through io_uring, which bypass system calls.
    pub io_uring: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            ring_bytes: 16 << 20,
            calls: CallSet::profile(Profile::Default),
            snap_bytes: 80,
            max_args_bytes: 16 * 1024,
            env_keys: Vec::new(),
            ignore_tgid: Some(std::process::id()),
            dns: true,
            io_uring: true,
        }
    }
}
