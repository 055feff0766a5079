//! Which kinds of event a condition can be true for.
//!
//! Only `evt.type` and `syscall.type` with `=`, `!=`, `in`, `exists` and comparisons of `evt.num` that are the same
//! for every event say something; everything else is *neutral*: true for some event of every kind, and so is its
//! negation. The set is an index: a kind that is not in it cannot make the condition true.
//!
//! Source: `ppm_code_visitor` of `filter/ppm_codes.cpp` in falcosecurity/libs.

use std::sync::OnceLock;

use tracehound_fields::subject;

use crate::bits::bits_of;

/// How many kinds a set can tell apart; a test compares it with the table of kinds.
const MAX_KINDS: usize = 1024;
const WORDS: usize = MAX_KINDS / 64;

/// A set of kinds of event.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KindSet {
    /// Bits by [`position`].
    words: [u64; WORDS],
    /// Whether codes without a name are in the set.
    rest: bool,
}

/// The known kinds.
struct Known {
    /// Codes and names, by position; ascending.
    kinds: Vec<(u16, &'static str)>,
    /// By code, the position.
    positions: Vec<u16>,
}

/// In [`Known::positions`]: a code without a name.
const UNKNOWN: u16 = u16::MAX;

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut kinds: Vec<(u16, &'static str)> = subject::all_kind_codes().collect();
        kinds.sort_unstable();
        kinds.dedup_by_key(|kind| kind.0);
        kinds.truncate(MAX_KINDS);
        let mut positions = vec![UNKNOWN; kinds.last().map_or(0, |last| usize::from(last.0) + 1)];
        for (position, &(code, _)) in (0..).zip(&kinds) {
            positions[usize::from(code)] = position;
        }
        Known { kinds, positions }
    })
}

/// Codes are sparse; this numbers the known ones. `None` for a code without a name.
pub(crate) fn position(code: u16) -> Option<usize> {
    let position = *known().positions.get(usize::from(code))?;
    (position != UNKNOWN).then_some(usize::from(position))
}

/// How many kinds have a [`position`]: all are below it.
pub(crate) fn n_known() -> usize {
    known().kinds.len()
}

impl KindSet {
    /// No kind.
    pub fn none() -> KindSet {
        KindSet { words: [0; WORDS], rest: false }
    }

    /// Every kind, those without a name included.
    pub fn all() -> KindSet {
        KindSet { words: [u64::MAX; WORDS], rest: true }
    }

    /// These codes.
    pub fn of(codes: impl IntoIterator<Item = u16>) -> KindSet {
        let mut set = KindSet::none();
        for code in codes {
            match position(code) {
                Some(at) => set.words[at / 64] |= 1 << (at % 64),
                None => set.rest = true,
            }
        }
        set
    }

    /// The kinds of these names.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> KindSet {
        KindSet::of(names.into_iter().flat_map(subject::kind_codes))
    }

    /// True if the code is in the set.
    pub fn contains(&self, code: u16) -> bool {
        position(code).map_or(self.rest, |at| self.words[at / 64] >> (at % 64) & 1 == 1)
    }

    /// What is not in the set.
    pub fn complement(mut self) -> KindSet {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.rest = !self.rest;
        self
    }

    /// What is in both.
    pub fn intersect(mut self, other: &KindSet) -> KindSet {
        self.words.iter_mut().zip(other.words.iter()).for_each(|(a, b)| *a &= b);
        self.rest &= other.rest;
        self
    }

    /// What is in either.
    pub fn union(mut self, other: &KindSet) -> KindSet {
        self.words.iter_mut().zip(other.words.iter()).for_each(|(a, b)| *a |= b);
        self.rest |= other.rest;
        self
    }

    /// True if no kind is in the set.
    pub fn is_none(&self) -> bool {
        !self.rest && self.words.iter().all(|&word| word == 0)
    }

    /// True if every kind is in the set.
    pub fn is_all(&self) -> bool {
        self.rest && self.words.iter().all(|&word| word == u64::MAX)
    }

    /// The known kinds in the set, by code, ascending.
    fn kinds(&self) -> impl Iterator<Item = (u16, &'static str)> {
        let kinds = &known().kinds;
        bits_of(&self.words).map_while(|at| kinds.get(at).copied())
    }

    /// Codes of the known kinds in the set, ascending.
    pub fn codes(&self) -> impl Iterator<Item = u16> {
        self.kinds().map(|(code, _)| code)
    }

    /// Names of the known kinds in the set, sorted, once each.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.kinds().map(|(_, name)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl std::fmt::Debug for KindSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.is_all(), self.is_none()) {
            (true, _) => f.write_str("all kinds"),
            (_, true) => f.write_str("no kind"),
            _ => f.debug_set().entries(self.names()).finish(),
        }
    }
}

/// The kinds for which a condition, and for which its negation, can be true.
#[derive(Clone, Debug)]
pub(crate) struct Possible {
    pub(crate) when_true: KindSet,
    pub(crate) when_false: KindSet,
}

impl Possible {
    /// A comparison that says nothing about kinds.
    pub(crate) fn neutral() -> Possible {
        Possible { when_true: KindSet::all(), when_false: KindSet::all() }
    }

    /// A comparison that is true for exactly these kinds.
    pub(crate) fn exactly(kinds: KindSet) -> Possible {
        Possible { when_false: kinds.clone().complement(), when_true: kinds }
    }

    pub(crate) fn not(self) -> Possible {
        Possible { when_true: self.when_false, when_false: self.when_true }
    }

    pub(crate) fn and(self, other: &Possible) -> Possible {
        Possible {
            when_true: self.when_true.intersect(&other.when_true),
            when_false: self.when_false.union(&other.when_false),
        }
    }

    pub(crate) fn or(self, other: &Possible) -> Possible {
        Possible {
            when_true: self.when_true.union(&other.when_true),
            when_false: self.when_false.intersect(&other.when_false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_bit() {
        assert!(subject::all_kind_codes().count() <= MAX_KINDS);
        for (code, name) in subject::all_kind_codes() {
            let set = KindSet::of([code]);
            assert_eq!((set.contains(code), set.rest), (true, false), "{name}");
            assert!(!set.complement().contains(code), "{name}");
        }
        assert!(KindSet::of([u16::MAX]).contains(u16::MAX - 1));
    }
}
