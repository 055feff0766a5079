//! Interned byte strings: names, paths and arguments are stored once.

use std::hash::{BuildHasher, Hasher};

use bstr::{BStr, ByteSlice};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::history::ids;

ids! {
    /// Handle of an interned string. Equal strings have equal handles.
    Sym;
}

impl Sym {
    /// The empty string.
    pub const EMPTY: Sym = Sym::new(0);
}

/// All strings of a history.
#[derive(Debug)]
pub struct Strings {
    bytes: Vec<u8>,
    /// End of each string in `bytes`; it starts at the end of the previous one.
    ends: Vec<u64>,
    index: HashTable<Place>,
    hasher: DefaultHashBuilder,
}

/// A string in the index, with its hash: strings lie far apart in memory, and those that only share a few bits of it are
/// not even looked at.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u32,
    number: u32,
}

/// A hash as wide as the index takes it; it uses the highest and the lowest bits.
fn wide(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Default for Strings {
    fn default() -> Self {
        let mut strings = Strings {
            bytes: Vec::new(),
            ends: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        };
        let empty = strings.intern(b"");
        debug_assert_eq!(empty, Sym::EMPTY);
        strings
    }
}

impl Strings {
    /// The handle of a string, stored if it is new.
    pub fn intern(&mut self, s: &[u8]) -> Sym {
        let hash = self.hash(s);
        if let Some(known) = self.find_hashed(s, hash) {
            return known;
        }
        let number = u32::try_from(self.ends.len()).expect("a history holds fewer than 2^32 distinct strings");
        self.index.insert_unique(wide(hash), Place { hash, number }, |place| wide(place.hash));
        self.bytes.extend_from_slice(s);
        self.ends.push(self.bytes.len() as u64);
        Sym::new(number)
    }

    #[inline]
    fn hash(&self, s: &[u8]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(s);
        let hash = hasher.finish();
        (hash ^ hash >> 32) as u32
    }

    #[inline]
    fn find_hashed(&self, s: &[u8], hash: u32) -> Option<Sym> {
        let is_it = |place: &Place| place.hash == hash && slice(&self.bytes, &self.ends, place.number) == s;
        self.index.find(wide(hash), is_it).map(|place| Sym::new(place.number))
    }

    /// The handle of a string if it was ever interned.
    pub fn find(&self, s: &[u8]) -> Option<Sym> {
        self.find_hashed(s, self.hash(s))
    }

    /// The string of a handle.
    pub fn get(&self, sym: Sym) -> &BStr {
        slice(&self.bytes, &self.ends, sym.number()).as_bstr()
    }

    /// Number of distinct strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if only the empty string is stored.
    pub fn is_empty(&self) -> bool {
        self.ends.len() <= 1
    }

    /// Bytes held, for accounting.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8 + self.index.capacity() * size_of::<Place>()
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u64], i: u32) -> &'a [u8] {
    let i = i as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] as usize };
    &bytes[start..ends[i] as usize]
}
