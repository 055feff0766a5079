//! A map by the id of a process or thread.

use std::fmt::Debug;

use hashbrown::HashMap;

/// Values by id. Linux gives ids out in order and none above 2^22 (`PID_MAX_LIMIT`, `include/linux/threads.h`): those
/// stand in pages, which need no hashing, and neighbours share a line of the cache. Other ids, which only a made-up trace
/// has, are hashed.
#[derive(Debug)]
pub(crate) struct ById<T> {
    pages: Vec<Option<Page<T>>>,
    others: HashMap<i64, T>,
    len: usize,
}

type Page<T> = Box<[Option<T>; PAGE]>;

/// Ids of a page: few enough that an id far from others, which costs a hostile trace an event, costs a kilobyte.
const PAGE: usize = 256;
const MAX_ID: usize = 1 << 22;

impl<T> Default for ById<T> {
    fn default() -> Self {
        ById { pages: Vec::new(), others: HashMap::new(), len: 0 }
    }
}

impl<T: Copy + Debug> ById<T> {
    /// Page and place in it; `None` for an id that is hashed.
    #[inline]
    fn place(id: i64) -> Option<(usize, usize)> {
        let id = usize::try_from(id).ok().filter(|&id| id <= MAX_ID)?;
        Some((id / PAGE, id % PAGE))
    }

    /// The value of an id.
    #[inline]
    pub(crate) fn get(&self, id: i64) -> Option<T> {
        match Self::place(id) {
            Some((page, i)) => self.pages.get(page)?.as_ref()?[i],
            None => self.others.get(&id).copied(),
        }
    }

    /// Gives an id a value; gives the one that it had.
    pub(crate) fn insert(&mut self, id: i64, value: T) -> Option<T> {
        let old = match Self::place(id) {
            Some((page, i)) => {
                if self.pages.len() <= page {
                    self.pages.resize_with(page + 1, || None);
                }
                self.pages[page].get_or_insert_with(|| Box::new([None; PAGE]))[i].replace(value)
            }
            None => self.others.insert(id, value),
        };
        self.len += usize::from(old.is_none());
        old
    }

    /// Takes the value of an id.
    pub(crate) fn remove(&mut self, id: i64) {
        let old = match Self::place(id) {
            Some((page, i)) => self.pages.get_mut(page).and_then(|page| page.as_mut()?[i].take()),
            None => self.others.remove(&id),
        };
        self.len -= usize::from(old.is_some());
    }

    /// Takes all values; gives them in no order.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        let ById { pages, others, .. } = std::mem::take(self);
        pages.into_iter().flatten().flat_map(|page| page.into_iter().flatten()).chain(others.into_values())
    }

    /// Number of ids that have a value.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes held, for accounting.
    pub(crate) fn memory(&self) -> usize {
        self.pages.capacity() * size_of::<Option<Page<T>>>()
            + self.pages.iter().flatten().map(|page| size_of_val(&**page)).sum::<usize>()
            + self.others.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It does what a hash map does.
    #[test]
    fn as_a_map() {
        let ids = [0, 1, 255, 256, 4_194_303, 4_194_304, 4_194_305, -1, i64::MIN, i64::MAX];
        let (mut by_id, mut map) = (ById::default(), HashMap::new());
        for step in 0..90usize {
            let id = ids[step * 7 % ids.len()];
            if step % 3 == 2 {
                by_id.remove(id);
                map.remove(&id);
            } else {
                assert_eq!(by_id.insert(id, step), map.insert(id, step), "{step}");
            }
            assert_eq!(by_id.len(), map.len(), "{step}");
            ids.iter().for_each(|id| assert_eq!(by_id.get(*id), map.get(id).copied(), "{step}: {id}"));
        }
        let mut all: Vec<usize> = by_id.drain().collect();
        let mut expected: Vec<usize> = map.into_values().collect();
        all.sort_unstable();
        expected.sort_unstable();
        assert_eq!((all, by_id.len(), by_id.get(0)), (expected, 0, None));
    }
}
