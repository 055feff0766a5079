//! Which kinds of event a condition can be true for.
//!
//! Only `evt.type` and `syscall.type` with `=`, `!=`, `in`, `exists` and comparisons of `evt.num` that are the same
//! for every event say something; everything else is *neutral*: true for some event of every kind, and so is its
//! negation. The set is an index: a kind that is not in it cannot make the condition true.
//!
//! Source: `ppm_code_visitor` of `filter/ppm_codes.cpp` in falcosecurity/libs.

use tracehound_fields::subject;

/// Codes above this are counted as unknown.
const MAX_CODE: usize = 0x2000;
const WORDS: usize = MAX_CODE / 64;

/// A set of kinds of event, by code.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KindSet {
    words: Box<[u64; WORDS]>,
    /// Whether codes beyond the table are in the set.
    rest: bool,
}

impl KindSet {
    /// Codes from this one on are alike: in a set all or none.
    pub(crate) const TABLE: u16 = MAX_CODE as u16;

    /// No kind.
    pub fn none() -> KindSet {
        KindSet { words: Box::new([0; WORDS]), rest: false }
    }

    /// Every kind, those without a name included.
    pub fn all() -> KindSet {
        KindSet { words: Box::new([u64::MAX; WORDS]), rest: true }
    }

    /// These codes.
    pub fn of(codes: impl IntoIterator<Item = u16>) -> KindSet {
        let mut set = KindSet::none();
        for code in codes {
            match set.words.get_mut(usize::from(code) / 64) {
                Some(word) => *word |= 1 << (code % 64),
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
        self.words.get(usize::from(code) / 64).map_or(self.rest, |word| word >> (code % 64) & 1 == 1)
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

    /// Codes of the known kinds in the set, ascending.
    pub fn codes(&self) -> impl Iterator<Item = u16> {
        let mut codes: Vec<u16> =
            subject::all_kind_codes().map(|(code, _)| code).filter(|&code| self.contains(code)).collect();
        codes.sort_unstable();
        codes.into_iter()
    }

    /// Names of the known kinds in the set, sorted, once each.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> =
            subject::all_kind_codes().filter(|&(code, _)| self.contains(code)).map(|(_, name)| name).collect();
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
