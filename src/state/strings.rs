//! Interned byte strings: names, paths and arguments are stored once.

use std::hash::BuildHasher;

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
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
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
        let hash = self.hasher.hash_one(s);
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        let text = |i: u32| slice(bytes, ends, i);
        if let Some(&i) = self.index.find(hash, |&i| text(i) == s) {
            return Sym::new(i);
        }
        let i = u32::try_from(self.ends.len()).expect("a history holds fewer than 2^32 distinct strings");
        self.index.insert_unique(hash, i, |&i| hasher.hash_one(text(i)));
        self.bytes.extend_from_slice(s);
        self.ends.push(self.bytes.len() as u64);
        Sym::new(i)
    }

    /// The handle of a string if it was ever interned.
    pub fn find(&self, s: &[u8]) -> Option<Sym> {
        let hash = self.hasher.hash_one(s);
        self.index.find(hash, |&i| slice(&self.bytes, &self.ends, i) == s).map(|&i| Sym::new(i))
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
        self.bytes.capacity() + self.ends.capacity() * 8 + self.index.capacity() * 4
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u64], i: u32) -> &'a [u8] {
    let i = i as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] as usize };
    &bytes[start..ends[i] as usize]
}
