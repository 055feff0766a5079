//! Descriptor tables over time.
//!
//! A fork copies a table in O(1): the child's table points at the parent's as of the fork, and only what the
//! child changes afterwards is its own. Chains are cut by copying once they are `MAX_DEPTH` long, so a look-up
//! is bounded.

use hashbrown::HashMap;
use tracehound_formats::Seq;

use crate::history::{FileId, TableId};
use crate::rows::Rows;
use crate::timeline::Timeline;

/// Longest chain of tables a look-up follows.
const MAX_DEPTH: u32 = 8;

/// Descriptors of a table up to which they are a list. Most tables are a short-lived process's, which opens and closes
/// a few.
const FEW: usize = 16;

/// All descriptor tables.
#[derive(Debug, Default)]
pub struct FdTables {
    tables: Rows<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// The table this one is a copy of, as of an event.
    base: Option<(TableId, Seq)>,
    depth: u32,
    /// What was set in this table itself.
    own: Own,
}

/// Per descriptor what it referred to from an event on.
#[derive(Debug)]
enum Own {
    /// In no order.
    Few(Vec<(i64, Timeline<Entry>)>),
    Many(HashMap<i64, Timeline<Entry>>),
}

impl Default for Own {
    fn default() -> Self {
        Own::Few(Vec::new())
    }
}

impl Own {
    fn len(&self) -> usize {
        match self {
            Own::Few(list) => list.len(),
            Own::Many(map) => map.len(),
        }
    }

    fn get(&self, fd: i64) -> Option<&Timeline<Entry>> {
        match self {
            Own::Few(list) => list.iter().find(|(of, _)| *of == fd).map(|(_, entries)| entries),
            Own::Many(map) => map.get(&fd),
        }
    }

    fn set(&mut self, fd: i64, seq: Seq, entry: Entry) {
        match self {
            Own::Few(list) => {
                if let Some((_, entries)) = list.iter_mut().find(|(of, _)| *of == fd) {
                    entries.set(seq, entry);
                } else if list.len() < FEW {
                    list.push((fd, Timeline::new(seq, entry)));
                } else {
                    let mut map: HashMap<i64, Timeline<Entry>> = list.drain(..).collect();
                    map.insert(fd, Timeline::new(seq, entry));
                    *self = Own::Many(map);
                }
            }
            Own::Many(map) => {
                map.entry(fd)
                    .and_modify(|entries| entries.set(seq, entry))
                    .or_insert_with(|| Timeline::new(seq, entry));
            }
        }
    }

    /// All descriptors, in no order.
    fn iter(&self) -> impl Iterator<Item = (i64, &Timeline<Entry>)> {
        let (list, map) = match self {
            Own::Few(list) => (Some(list), None),
            Own::Many(map) => (None, Some(map)),
        };
        let list = list.into_iter().flatten().map(|(fd, entries)| (*fd, entries));
        list.chain(map.into_iter().flatten().map(|(fd, entries)| (*fd, entries)))
    }

    fn memory(&self) -> usize {
        let own = match self {
            Own::Few(list) => list.capacity(),
            Own::Many(map) => map.capacity(),
        };
        own * size_of::<(i64, Timeline<Entry>)>() + self.iter().map(|(_, entries)| entries.memory()).sum::<usize>()
    }
}

/// What a descriptor number refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `None`: closed.
    pub file: Option<FileId>,
    /// Closed at exec.
    pub is_cloexec: bool,
}

impl FdTables {
    /// A new, empty table.
    pub fn create(&mut self) -> TableId {
        self.push(Table::default())
    }

    /// A copy of a table as of `seq`. O(1), but once in `MAX_DEPTH` generations [`FdTables::cost`] of the base.
    pub fn fork(&mut self, base: TableId, seq: Seq) -> TableId {
        let depth = self.tables[base.index()].depth + 1;
        if depth <= MAX_DEPTH {
            return self.push(Table { base: Some((base, seq)), depth, own: Own::default() });
        }
        let mut own = Own::default();
        for (fd, entry) in self.entries(base, seq) {
            own.set(fd, seq, entry);
        }
        self.push(Table { base: None, depth: 0, own })
    }

    fn push(&mut self, table: Table) -> TableId {
        let id = TableId(u32::try_from(self.tables.len()).expect("fewer than 2^32 tables"));
        self.tables.push(table);
        id
    }

    /// True if the next [`FdTables::fork`] of this table copies it.
    pub fn is_copied_at_fork(&self, table: TableId) -> bool {
        self.tables[table.index()].depth >= MAX_DEPTH
    }

    /// What it costs to list a table: descriptors it and the tables it is a copy of ever had.
    pub fn cost(&self, table: TableId) -> usize {
        let mut n = 0;
        let mut at = Some(table);
        while let Some(id) = at {
            let t = &self.tables[id.index()];
            n += t.own.len();
            at = t.base.map(|(base, _)| base);
        }
        n
    }

    /// Entries after event `seq` that were set in this table itself, closed ones too, not inherited by copying.
    pub fn touched(&self, table: TableId, seq: Seq) -> Vec<(i64, Entry)> {
        let own = &self.tables[table.index()].own;
        let touched = own.iter().filter_map(|(fd, entries)| entries.get(seq).map(|entry| (fd, entry)));
        let mut touched: Vec<(i64, Entry)> = touched.collect();
        touched.sort_unstable_by_key(|&(fd, _)| fd);
        touched
    }

    /// Sets what a descriptor refers to from `seq` on.
    pub fn set(&mut self, table: TableId, fd: i64, seq: Seq, entry: Entry) {
        self.tables[table.index()].own.set(fd, seq, entry);
    }

    /// The entry of a descriptor after event `seq`, closed or open; `None` if the table never had it.
    pub fn entry(&self, table: TableId, fd: i64, seq: Seq) -> Option<Entry> {
        let (mut table, mut seq) = (table, seq);
        loop {
            let t = &self.tables[table.index()];
            let found = t.own.get(fd).and_then(|entries| entries.get(seq));
            if found.is_some() {
                return found;
            }
            (table, seq) = t.base.map(|(base, at)| (base, at.min(seq)))?;
        }
    }

    /// What a descriptor refers to after event `seq`.
    pub fn get(&self, table: TableId, fd: i64, seq: Seq) -> Option<FileId> {
        self.entry(table, fd, seq)?.file
    }

    /// All open descriptors after event `seq`, by number.
    pub fn entries(&self, table: TableId, seq: Seq) -> Vec<(i64, Entry)> {
        let mut fds: Vec<i64> = Vec::new();
        let mut at = Some(table);
        while let Some(id) = at {
            let t = &self.tables[id.index()];
            fds.extend(t.own.iter().map(|(fd, _)| fd));
            at = t.base.map(|(base, _)| base);
        }
        fds.sort_unstable();
        fds.dedup();
        fds.into_iter()
            .filter_map(|fd| self.entry(table, fd, seq).filter(|entry| entry.file.is_some()).map(|entry| (fd, entry)))
            .collect()
    }

    /// Bytes held, for accounting.
    pub fn memory(&self) -> usize {
        self.tables.memory() + self.tables.iter().map(|table| table.own.memory()).sum::<usize>()
    }

    /// Number of tables.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// True without tables.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_sees_its_parent_as_of_the_fork() {
        let open = |n| Entry { file: Some(FileId(n)), is_cloexec: false };
        let mut tables = FdTables::default();
        let parent = tables.create();
        tables.set(parent, 3, Seq(1), open(30));
        let mut child = tables.fork(parent, Seq(2));
        tables.set(parent, 3, Seq(3), Entry { file: None, is_cloexec: false });
        tables.set(parent, 4, Seq(4), open(40));
        assert_eq!(tables.get(child, 3, Seq(9)), Some(FileId(30)));
        assert_eq!(tables.get(child, 4, Seq(9)), None);
        assert_eq!(tables.get(parent, 3, Seq(2)), Some(FileId(30)));
        assert_eq!(tables.get(parent, 3, Seq(3)), None);
        for fd in 10..10 + 2 * FEW as i64 {
            tables.set(parent, fd, Seq(5), open(50));
            tables.set(parent, fd, Seq(6), open(60));
        }
        assert_eq!(tables.entries(parent, Seq(5)).len(), 1 + 2 * FEW);
        assert_eq!(tables.get(parent, 12, Seq(5)), Some(FileId(50)));
        assert_eq!(tables.get(parent, 12, Seq(4)), None);
        assert_eq!(tables.get(parent, 12, Seq(7)), Some(FileId(60)));
        for i in 0..40 {
            child = tables.fork(child, Seq(10 + i));
        }
        assert_eq!(tables.entries(child, Seq(99)).len(), 1);
    }
}
