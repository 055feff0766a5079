//! Names that survive a second run: of the trace, of process instances, of signals.

use std::fmt;

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

/// Stable keys of process instances, as [`History::process_key`] makes them.
///
/// To be asked after the whole trace was replayed: a birth that is recorded late still changes a start, and an
/// instance guessed from a lone thread may turn out to be part of another one, whose key it then has.
#[derive(Clone, Copy, Debug)]
pub struct ProcessKeys<'a> {
    history: &'a History,
}

impl<'a> ProcessKeys<'a> {
    /// Keys of the processes of a history.
    pub fn new(history: &'a History) -> Self {
        ProcessKeys { history }
    }

    /// The key of a process.
    pub fn get(&self, id: ProcessId) -> String {
        self.history.process_key(resolve(self.history, id))
    }
}

/// The process that an instance really belongs to: itself, unless it was guessed from a lone thread id and turned
/// out to be a thread of another one.
pub fn resolve(history: &History, id: ProcessId) -> ProcessId {
    let mut at = id;
    // A merged instance can be merged again. Each step is to another instance; a cycle would be a mistake of the
    // replay, and ends here anyway.
    for _ in 0..64 {
        match history.process(at).merged_into() {
            Some(next) => at = next,
            None => break,
        }
    }
    at
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
