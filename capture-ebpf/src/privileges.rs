//! Giving up what is not needed any more, once the recorder is attached: whoever takes it over then has little.
//!
//! Capabilities are a thread's own. A thread gives them up for itself and for those that it starts, so that this is
//! called at the start of each. `no_new_privs` keeps a set-user-id program from giving them back.

use std::io;

use rustix::process::{DumpableBehavior, set_dumpable_behavior, setpriority_process};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, set_capabilities, set_no_new_privs,
};

/// Added to the nice value of the threads that compress and write: they give way to the host's work. The thread that
/// empties the ring does not, because a full ring loses events.
const NICE: i32 = 5;

/// What a thread goes on doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Read `/proc` of all processes (`CAP_SYS_PTRACE`) and the files of container runtimes
    /// (`CAP_DAC_READ_SEARCH`).
    pub host_files: bool,
    /// Make files in a folder of any owner (`CAP_DAC_OVERRIDE`): for traces that are begun while recording.
    pub new_files: bool,
    /// Read the counters of the recording program (`CAP_BPF` before kernel 5.19, where the map being open does not
    /// suffice: commit c8644cd0efe7; before 5.8 and with older tools `CAP_SYS_ADMIN` stands for it).
    pub counters: bool,
}

impl Needs {
    fn capabilities(self) -> CapabilitySet {
        let when = |is_needed: bool, set: CapabilitySet| if is_needed { set } else { CapabilitySet::empty() };
        when(self.host_files, CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH)
            | when(self.new_files, CapabilitySet::DAC_OVERRIDE)
            | when(self.counters && is_before_5_19(), CapabilitySet::BPF | CapabilitySet::PERFMON)
    }
}

/// Gives up every capability of this thread that is not needed, and the way to get others.
pub fn keep_only(needs: Needs) -> io::Result<()> {
    let kept = capabilities(None)?.permitted & needs.capabilities();
    // Kernels before 4.3 have no ambient set; neither have they what recording needs.
    let _ = clear_ambient_capability_set();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() })?;
    Ok(set_no_new_privs(true)?)
}

/// Keeps others of the same user from reading this process's memory or attaching to it, and it from leaving a core
/// file: it holds what everybody does.
pub fn hide_memory() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Lets this thread give way to others. Failing means that it runs as before.
pub fn give_way() {
    let _ = setpriority_process(None, NICE);
}

fn is_before_5_19() -> bool {
    let uname = rustix::system::uname();
    let release = uname.release().to_str().unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) < (Some(5), Some(19))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_what_it_needs_and_no_more() {
        let needs = Needs { host_files: true, new_files: false, counters: false };
        std::thread::spawn(move || {
            let before = capabilities(None).unwrap();
            keep_only(needs).unwrap();
            let after = capabilities(None).unwrap();
            let wanted = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
            assert_eq!(after.permitted, before.permitted & wanted);
            assert_eq!((after.effective, after.inheritable), (after.permitted, CapabilitySet::empty()));
            assert!(rustix::thread::no_new_privs().unwrap());
            keep_only(Needs { host_files: false, ..needs }).unwrap();
            assert_eq!(capabilities(None).unwrap().permitted, CapabilitySet::empty());
        })
        .join()
        .unwrap();
    }
}
