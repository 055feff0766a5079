//! A table that grows without moving what it holds.

use std::ops::{Index, IndexMut};

/// Rows of a chunk: a power of two.
const CHUNK: usize = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 10;

/// Rows that are only appended, in chunks that never move. A vector would copy all of a table each time it outgrows
/// its memory, and need up to three times as much of it meanwhile; fresh memory is what replay spends most time on.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    /// All full but the last one.
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Rows { chunks: Vec::new(), len: 0 }
    }
}

impl<T> Rows<T> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The row at a position.
    pub fn get(&self, i: usize) -> Option<&T> {
        self.chunks.get(i >> CHUNK_BITS)?.get(i & (CHUNK - 1))
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> + DoubleEndedIterator + Clone {
        self.iter_from(0)
    }

    /// The rows from a position on.
    pub fn iter_from(&self, first: usize) -> impl ExactSizeIterator<Item = &T> + DoubleEndedIterator + Clone {
        (first.min(self.len)..self.len).map(|i| &self[i])
    }

    /// Appends a row.
    pub fn push(&mut self, row: T) {
        if self.len & (CHUNK - 1) == 0 {
            // The first chunk grows as a vector does: most traces of tests, and many tables, have few rows.
            self.chunks.push(if self.len == 0 { Vec::new() } else { Vec::with_capacity(CHUNK) });
        }
        let last = self.chunks.last_mut().expect("a chunk was pushed for the first row");
        last.push(row);
        self.len += 1;
    }

    /// Bytes held, for accounting; without what rows point to.
    pub fn memory(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum::<usize>() * size_of::<T>()
    }
}

impl<T> Index<usize> for Rows<T> {
    type Output = T;

    #[inline]
    fn index(&self, i: usize) -> &T {
        &self.chunks[i >> CHUNK_BITS][i & (CHUNK - 1)]
    }
}

impl<T> IndexMut<usize> for Rows<T> {
    #[inline]
    fn index_mut(&mut self, i: usize) -> &mut T {
        &mut self.chunks[i >> CHUNK_BITS][i & (CHUNK - 1)]
    }
}

impl<'a, T> IntoIterator for &'a Rows<T> {
    type Item = &'a T;
    type IntoIter = std::iter::Flatten<std::slice::Iter<'a, Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.chunks.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_in_order_across_chunks() {
        let mut rows = Rows::default();
        for i in 0..3 * CHUNK + 1 {
            rows.push(i);
        }
        rows[CHUNK] += 1;
        assert_eq!((rows.len(), rows[CHUNK - 1], rows[CHUNK]), (3 * CHUNK + 1, CHUNK - 1, CHUNK + 1));
        assert_eq!(rows.get(3 * CHUNK + 1), None);
        assert!(rows.iter().eq(&rows) && rows.iter_from(3 * CHUNK).eq([&(3 * CHUNK)]));
        assert_eq!(rows.iter_from(usize::MAX).len(), 0);
    }
}
