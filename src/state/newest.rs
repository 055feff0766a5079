//! The last row that has some id.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Rows of a table by an id that stands in them, of each id the last one: a table of numbers alone, five bytes an id
/// where a map with its keys takes five times as much.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    rows: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Newest {
    /// The last row with an id; `id_of` tells that of a row.
    pub(crate) fn get(&self, id: i64, id_of: impl Fn(u32) -> i64) -> Option<u32> {
        self.rows.find(self.hasher.hash_one(id), |&row| id_of(row) == id).copied()
    }

    /// Makes `row` the last one with an id, and gives the one that was.
    pub(crate) fn set(&mut self, id: i64, row: u32, id_of: impl Fn(u32) -> i64) -> Option<u32> {
        let hasher = &self.hasher;
        let hash = hasher.hash_one(id);
        if let Some(newest) = self.rows.find_mut(hash, |&row| id_of(row) == id) {
            return Some(std::mem::replace(newest, row));
        }
        self.rows.insert_unique(hash, row, |&row| hasher.hash_one(id_of(row)));
        None
    }

    /// Number of ids.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes held, for accounting.
    pub(crate) fn memory(&self) -> usize {
        self.rows.allocation_size()
    }
}
