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

/// Changes of a table up to which they are a list. Most tables are a short-lived process's, which opens and closes a few.
const FEW: usize = 32;

/// All descriptor tables.
#[derive(Debug, Default)]
pub struct FdTables {
    tables: Rows<Table>,
    newest: Newest,
}

/// What descriptors refer to now, for some: each has one place, which it shares with others.
#[derive(Debug)]
struct Newest(Box<[Known; Newest::PLACES]>);

/// An entry of a table; closed if there is none.
#[derive(Clone, Copy, Debug)]
struct Known {
    table: Option<TableId>,
    fd: u32,
    entry: Entry,
}

impl Newest {
    const PLACES: usize = 1024;

    fn place(table: TableId, fd: u32) -> usize {
        (fd ^ table.number().wrapping_mul(31)) as usize % Newest::PLACES
    }
}

impl Default for Newest {
    fn default() -> Self {
        Newest(Box::new([Known { table: None, fd: 0, entry: Entry::CLOSED }; Newest::PLACES]))
    }
}

#[derive(Debug)]
struct Table {
    /// What was set in this table itself.
    own: Own,
    /// The table this one is a copy of, and the event as of which it is.
    base: Option<TableId>,
    depth: u32,
    base_seq: Seq,
}

impl Table {
    fn base(&self) -> Option<(TableId, Seq)> {
        self.base.map(|base| (base, self.base_seq))
    }
}

impl Default for Table {
    fn default() -> Self {
        Table { own: Own::default(), base: None, depth: 0, base_seq: Seq(0) }
    }
}

/// Per descriptor what it referred to from an event on.
#[derive(Debug)]
enum Own {
    /// In order of events. Only of descriptors below 2^31, as Linux has them.
    Few(Vec<Change>),
    Many(Box<HashMap<i64, Timeline<Entry>>>),
}

/// What a descriptor refers to from an event on.
#[derive(Clone, Copy, Debug)]
struct Change {
    seq: Seq,
    /// Its number, and [`IS_CLOEXEC`] if it is closed at exec.
    fd: u32,
    /// `None` if it is closed.
    file: Option<FileId>,
}

/// Bit of [`Change::fd`].
const IS_CLOEXEC: u32 = 1 << 31;

impl Change {
    fn new(seq: Seq, fd: i32, entry: Entry) -> Change {
        let cloexec = if entry.is_cloexec { IS_CLOEXEC } else { 0 };
        Change { seq, fd: fd.cast_unsigned() | cloexec, file: entry.file }
    }

    fn fd(self) -> i64 {
        i64::from(self.fd & !IS_CLOEXEC)
    }

    fn entry(self) -> Entry {
        Entry { file: self.file, is_cloexec: self.fd & IS_CLOEXEC != 0 }
    }
}

impl Default for Own {
    fn default() -> Self {
        Own::Few(Vec::new())
    }
}

impl Own {
    /// Number of descriptors, or of their changes if these are few.
    fn len(&self) -> usize {
        match self {
            Own::Few(list) => list.len(),
            Own::Many(map) => map.len(),
        }
    }

    /// The entry after event `seq`; `None` before the first one.
    fn get(&self, fd: i64, seq: Seq) -> Option<Entry> {
        match self {
            Own::Few(list) => {
                let found = list.iter().rev().find(|change| change.fd() == fd && change.seq <= seq);
                found.map(|change| change.entry())
            }
            Own::Many(map) => map.get(&fd)?.get(seq),
        }
    }

    fn set(&mut self, fd: i64, seq: Seq, entry: Entry) {
        match self {
            Own::Few(list) => match i32::try_from(fd) {
                Ok(number) if number >= 0 && list.len() < FEW => {
                    // Of two changes by one event only the second can be observed.
                    let mut same = list.iter_mut().rev().take_while(|change| change.seq == seq);
                    let new = Change::new(seq, number, entry);
                    match same.find(|change| change.fd() == fd) {
                        Some(change) => *change = new,
                        None => {
                            if list.is_empty() {
                                // Most lists stay shorter than what a vector begins with.
                                list.reserve_exact(2);
                            }
                            list.push(new);
                        }
                    }
                }
                _ => {
                    let mut map = HashMap::new();
                    list.iter().for_each(|change| put(&mut map, change.fd(), change.seq, change.entry()));
                    put(&mut map, fd, seq, entry);
                    *self = Own::Many(Box::new(map));
                }
            },
            Own::Many(map) => put(map, fd, seq, entry),
        }
    }

    /// All descriptors, in no order; one can come several times.
    fn fds(&self) -> impl Iterator<Item = i64> {
        let (list, map) = match self {
            Own::Few(list) => (Some(list), None),
            Own::Many(map) => (None, Some(map)),
        };
        let list = list.into_iter().flatten().map(|change| change.fd());
        list.chain(map.into_iter().flat_map(|map| map.keys().copied()))
    }

    fn memory(&self) -> usize {
        match self {
            Own::Few(list) => list.capacity() * size_of::<Change>(),
            Own::Many(map) => map.allocation_size() + map.values().map(Timeline::memory).sum::<usize>(),
        }
    }
}

fn put(map: &mut HashMap<i64, Timeline<Entry>>, fd: i64, seq: Seq, entry: Entry) {
    map.entry(fd).and_modify(|entries| entries.set(seq, entry)).or_insert_with(|| Timeline::new(seq, entry));
}

/// What a descriptor number refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `None`: closed.
    pub file: Option<FileId>,
    /// Closed at exec.
    pub is_cloexec: bool,
}

impl Entry {
    /// What a descriptor that is not open refers to.
    pub const CLOSED: Entry = Entry { file: None, is_cloexec: false };
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
            return self.push(Table { base: Some(base), depth, base_seq: seq, own: Own::default() });
        }
        let mut own = Own::default();
        for (fd, entry) in self.entries(base, seq) {
            own.set(fd, seq, entry);
        }
        self.push(Table { own, ..Table::default() })
    }

    fn push(&mut self, table: Table) -> TableId {
        let id = TableId::new(u32::try_from(self.tables.len()).expect("fewer than 2^32 tables"));
        self.tables.push(table);
        id
    }

    /// True if the next [`FdTables::fork`] of this table copies it.
    pub fn is_copied_at_fork(&self, table: TableId) -> bool {
        self.tables[table.index()].depth >= MAX_DEPTH
    }

    /// What it costs to list a table: descriptors it and the tables it is a copy of ever had, or their changes.
    pub fn cost(&self, table: TableId) -> usize {
        self.line(table).map(Own::len).sum()
    }

    /// Entries after event `seq` that were set in this table itself, closed ones too, not inherited by copying.
    pub fn touched(&self, table: TableId, seq: Seq) -> Vec<(i64, Entry)> {
        let own = &self.tables[table.index()].own;
        sorted(own.fds().collect()).into_iter().filter_map(|fd| Some((fd, own.get(fd, seq)?))).collect()
    }

    /// Sets what a descriptor refers to from `seq` on. Negative numbers are no descriptors: nothing is set.
    pub fn set(&mut self, table: TableId, fd: i64, seq: Seq, entry: Entry) {
        if fd < 0 {
            return;
        }
        self.tables[table.index()].own.set(fd, seq, entry);
        if let Ok(fd) = u32::try_from(fd) {
            self.newest.0[Newest::place(table, fd)] = Known { table: Some(table), fd, entry };
        }
    }

    /// The entry of a descriptor after all that was set so far, if it is open.
    #[inline]
    pub(crate) fn open_now(&mut self, table: TableId, fd: i64) -> Option<Entry> {
        // The place is that of another number if this one is no descriptor's.
        let known = &self.newest.0[Newest::place(table, fd as u32)];
        let entry =
            if known.table == Some(table) && i64::from(known.fd) == fd { known.entry } else { self.look_up(table, fd) };
        entry.file.is_some().then_some(entry)
    }

    #[inline(never)]
    fn look_up(&mut self, table: TableId, fd: i64) -> Entry {
        if fd < 0 {
            // No table has it, and mmap names it for memory of no file as often as all else.
            return Entry::CLOSED;
        }
        let entry = self.entry(table, fd, Seq(u64::MAX)).filter(|entry| entry.file.is_some()).unwrap_or(Entry::CLOSED);
        if let Ok(fd) = u32::try_from(fd) {
            self.newest.0[Newest::place(table, fd)] = Known { table: Some(table), fd, entry };
        }
        entry
    }

    /// The entry of a descriptor after event `seq`, closed or open; `None` if the table never had it.
    pub fn entry(&self, table: TableId, fd: i64, seq: Seq) -> Option<Entry> {
        let (mut table, mut seq) = (table, seq);
        loop {
            let t = &self.tables[table.index()];
            let found = t.own.get(fd, seq);
            if found.is_some() {
                return found;
            }
            (table, seq) = t.base().map(|(base, at)| (base, at.min(seq)))?;
        }
    }

    /// Open descriptors that an exec closes, by number, after all that was set so far.
    pub(crate) fn closed_at_exec(&self, table: TableId) -> Vec<i64> {
        let mut fds: Vec<i64> = Vec::new();
        for own in self.line(table) {
            match own {
                // Few are ever marked, and most are not any more.
                Own::Few(list) => {
                    fds.extend(list.iter().filter(|change| change.entry().is_cloexec).map(|change| change.fd()));
                }
                Own::Many(map) => fds.extend(map.keys()),
            }
        }
        let mut fds = sorted(fds);
        fds.retain(|&fd| {
            let entry = self.entry(table, fd, Seq(u64::MAX));
            entry.is_some_and(|entry| entry.file.is_some() && entry.is_cloexec)
        });
        fds
    }

    /// What was set in a table, in the one it is a copy of, and so on.
    fn line(&self, table: TableId) -> impl Iterator<Item = &Own> {
        let mut at = Some(table);
        std::iter::from_fn(move || {
            let table = &self.tables[at?.index()];
            at = table.base;
            Some(&table.own)
        })
    }

    /// What a descriptor refers to after event `seq`.
    pub fn get(&self, table: TableId, fd: i64, seq: Seq) -> Option<FileId> {
        self.entry(table, fd, seq)?.file
    }

    /// All open descriptors after event `seq`, by number.
    pub fn entries(&self, table: TableId, seq: Seq) -> Vec<(i64, Entry)> {
        sorted(self.line(table).flat_map(Own::fds).collect())
            .into_iter()
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

/// Each once, ascending.
fn sorted(mut fds: Vec<i64>) -> Vec<i64> {
    fds.sort_unstable();
    fds.dedup();
    fds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_sees_its_parent_as_of_the_fork() {
        let open = |n| Entry { file: Some(FileId::new(n)), is_cloexec: false };
        let mut tables = FdTables::default();
        let parent = tables.create();
        tables.set(parent, 3, Seq(1), open(30));
        let mut child = tables.fork(parent, Seq(2));
        tables.set(parent, 3, Seq(3), Entry { file: None, is_cloexec: false });
        tables.set(parent, 4, Seq(4), open(40));
        assert_eq!(tables.get(child, 3, Seq(9)), Some(FileId::new(30)));
        assert_eq!(tables.get(child, 4, Seq(9)), None);
        assert_eq!(tables.get(parent, 3, Seq(2)), Some(FileId::new(30)));
        assert_eq!(tables.get(parent, 3, Seq(3)), None);
        for fd in 10..10 + 2 * FEW as i64 {
            tables.set(parent, fd, Seq(5), open(50));
            tables.set(parent, fd, Seq(6), open(60));
        }
        assert_eq!(tables.entries(parent, Seq(5)).len(), 1 + 2 * FEW);
        assert_eq!(tables.get(parent, 12, Seq(5)), Some(FileId::new(50)));
        assert_eq!(tables.get(parent, 12, Seq(4)), None);
        assert_eq!(tables.get(parent, 12, Seq(7)), Some(FileId::new(60)));
        for i in 0..40 {
            child = tables.fork(child, Seq(10 + i));
        }
        assert_eq!(tables.entries(child, Seq(99)).len(), 1);
    }
}
