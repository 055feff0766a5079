//! Descriptor tables over time.
//!
//! A fork copies a table in O(1): the child's table points at the parent's as of the fork, and only what the
//! child changes afterwards is its own. Chains are cut by copying once they are `MAX_DEPTH` long, so a look-up
//! is bounded.

use hashbrown::HashMap;
use tracehound_formats::Seq;

use crate::history::{FileId, TableId};

/// Longest chain of tables a look-up follows.
const MAX_DEPTH: u32 = 8;

/// All descriptor tables.
#[derive(Debug, Default)]
pub struct FdTables {
    tables: Vec<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// The table this one is a copy of, as of an event.
    base: Option<(TableId, Seq)>,
    depth: u32,
    /// Per descriptor what it referred to from an event on; `None` is closed.
    rows: HashMap<i64, Vec<(Seq, Entry)>>,
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
            return self.push(Table { base: Some((base, seq)), depth, rows: HashMap::new() });
        }
        let mut rows = HashMap::new();
        for (fd, entry) in self.entries(base, seq) {
            rows.insert(fd, vec![(seq, entry)]);
        }
        self.push(Table { base: None, depth: 0, rows })
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
            n += t.rows.len();
            at = t.base.map(|(base, _)| base);
        }
        n
    }

    /// Entries after event `seq` that were set in this table itself, closed ones too, not inherited by copying.
    pub fn touched(&self, table: TableId, seq: Seq) -> Vec<(i64, Entry)> {
        let rows = &self.tables[table.index()].rows;
        let mut touched: Vec<(i64, Entry)> = rows
            .iter()
            .filter_map(|(&fd, rows)| {
                let n = rows.partition_point(|row| row.0 <= seq);
                rows[..n].last().map(|row| (fd, row.1))
            })
            .collect();
        touched.sort_unstable_by_key(|&(fd, _)| fd);
        touched
    }

    /// Sets what a descriptor refers to from `seq` on.
    pub fn set(&mut self, table: TableId, fd: i64, seq: Seq, entry: Entry) {
        let rows = self.tables[table.index()].rows.entry(fd).or_default();
        match rows.last_mut() {
            Some(last) if last.0 == seq => last.1 = entry,
            _ => rows.push((seq, entry)),
        }
    }

    /// The entry of a descriptor after event `seq`, closed or open; `None` if the table never had it.
    pub fn entry(&self, table: TableId, fd: i64, seq: Seq) -> Option<Entry> {
        let (mut table, mut seq) = (table, seq);
        loop {
            let t = &self.tables[table.index()];
            if let Some(rows) = t.rows.get(&fd) {
                let found = match rows.last() {
                    Some(last) if last.0 <= seq => Some(last.1),
                    _ => rows[..rows.partition_point(|row| row.0 <= seq)].last().map(|row| row.1),
                };
                if found.is_some() {
                    return found;
                }
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
            fds.extend(t.rows.keys());
            at = t.base.map(|(base, _)| base);
        }
        fds.sort_unstable();
        fds.dedup();
        fds.into_iter()
            .filter_map(|fd| self.entry(table, fd, seq).filter(|entry| entry.file.is_some()).map(|entry| (fd, entry)))
            .collect()
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
        for i in 0..40 {
            child = tables.fork(child, Seq(10 + i));
        }
        assert_eq!(tables.entries(child, Seq(99)).len(), 1);
    }
}
