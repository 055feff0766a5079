//! Names that survive a second run: of the trace, of process instances, of signals.

use std::fmt;

use hashbrown::HashMap;
use tracehound_state::history::Process;
use tracehound_state::{History, ProcessId};

/// What a recording is called in keys: 64 bits made from the boot id, or from what else tells one boot of one
/// machine from another.
///
/// The same recording in another file format has the same id. Two recordings of one boot have the same id when
/// both carry the boot id (or the time of boot), so that a process found in both has one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(pub u64);

impl TraceId {
    /// The id of what a history was replayed from; `first_ns` is the time of its first event.
    pub fn of(history: &History, first_ns: u64) -> TraceId {
        let machine = history.sections.first().map(|section| &section.machine);
        let mut hash = Hash::default();
        if let Some(boot_id) = machine.and_then(|m| m.boot_id.as_ref()) {
            hash.part(b"boot_id").part(boot_id);
        } else {
            hash.part(machine.and_then(|m| m.hostname.as_ref()).map_or(b"", |name| name));
            match machine.and_then(|m| m.boot_ns) {
                Some(boot_ns) => hash.part(b"boot_ns").part(&boot_ns.to_le_bytes()),
                None => hash.part(b"first_ns").part(&first_ns.to_le_bytes()),
            };
        }
        TraceId(hash.finish())
    }
}

impl fmt::Display for TraceId {
    /// The first eight hexadecimal digits: enough to tell recordings apart in a key people read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 32)
    }
}

/// Stable keys of process instances: `TRACE-PID-START`, with START in nanoseconds since the epoch.
///
/// A process whose start is unknown has `eN` instead, N the number of the event it was first seen at. A process
/// of a further section of the trace (concatenated files) ends in `-sN`. Should a damaged trace claim two
/// processes of the same pid and start, the later ones end in `~2`, `~3`, ... so that a key names one row.
///
/// Built after the whole trace was replayed: a birth that is recorded late still changes a start.
#[derive(Debug)]
pub struct ProcessKeys<'a> {
    trace: TraceId,
    history: &'a History,
    /// Which of several processes with the same text it is, from 2.
    repeated: HashMap<ProcessId, u32>,
}

impl<'a> ProcessKeys<'a> {
    /// Keys of all processes of a history. O(processes).
    pub fn new(trace: TraceId, history: &'a History) -> Self {
        let mut n_seen: HashMap<_, u32> = HashMap::with_capacity(history.processes.len());
        let mut repeated = HashMap::new();
        for (i, process) in history.processes.iter().enumerate() {
            let n = n_seen.entry((process.pid, start(process), process.section)).or_default();
            *n += 1;
            if *n > 1 {
                repeated.insert(ProcessId(i as u32), *n);
            }
        }
        ProcessKeys { trace, history, repeated }
    }

    /// The trace.
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// The history whose processes these are.
    pub fn history(&self) -> &'a History {
        self.history
    }

    /// The key of a process.
    pub fn get(&self, id: ProcessId) -> String {
        use std::fmt::Write;
        let process = self.history.process(id);
        let mut key = match start(process) {
            Start::Time(ns) => format!("{}-{}-{ns}", self.trace, process.pid.0),
            Start::FirstEvent(seq) => format!("{}-{}-e{seq}", self.trace, process.pid.0),
        };
        // Writing to a String cannot fail.
        if process.section > 0 {
            let _ = write!(key, "-s{}", process.section);
        }
        if let Some(n) = self.repeated.get(&id) {
            let _ = write!(key, "~{n}");
        }
        key
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Start {
    Time(u64),
    FirstEvent(u64),
}

fn start(process: &Process) -> Start {
    process.start_ns.map_or(Start::FirstEvent(process.born.0), |ns| Start::Time(ns.0))
}

/// FNV-1a over parts with their lengths, with a final mix. Ids made from it are promised to stay the same, which
/// rules out the standard library's hasher.
#[derive(Clone, Copy)]
pub(crate) struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    pub(crate) fn part(&mut self, bytes: &[u8]) -> &mut Self {
        for &b in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    pub(crate) fn finish(self) -> u64 {
        let mut h = self.0;
        h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ (h >> 33)
    }
}

#[cfg(test)]
mod tests {
    use tracehound_state::history::SectionFacts;

    use super::*;

    #[test]
    fn the_boot_id_alone_names_a_trace() {
        let mut history = History::default();
        assert_ne!(TraceId::of(&history, 1), TraceId::of(&history, 2));
        let mut section = SectionFacts::default();
        section.machine.boot_id = Some("abc".into());
        history.sections.push(section);
        assert_eq!(TraceId::of(&history, 1), TraceId::of(&history, 2));
        // Written out: ids made from it are promised to stay the same.
        assert_eq!(TraceId::of(&history, 1).to_string(), "ae66ddfe");
    }
}
