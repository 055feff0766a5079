//! Where an open file went: renames and removals of paths.
//!
//! The name of an open file is the one it was opened by, as in Falco. What happened to that name afterwards is kept
//! here and asked with [`History::path_now`]. Links, mounts and what threads outside the trace did are not known.

use bstr::{BString, ByteSlice};
use hashbrown::HashMap;
use tracehound_formats::Seq;

use crate::history::{ContainerId, FileId, History, ThreadId};
use crate::strings::Sym;

/// Renames followed for one file.
const MAX_HOPS: usize = 64;

/// A successful rename or removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The event.
    pub seq: Seq,
    /// Thread that did it.
    pub by: ThreadId,
    /// Container it did it in: paths of different containers are different files.
    pub container: Option<ContainerId>,
    /// Path before.
    pub old: Sym,
    /// Path afterwards; `None`: removed.
    pub new: Option<Sym>,
}

/// All renames and removals, in order.
#[derive(Debug, Default)]
pub struct Moves {
    rows: Vec<Move>,
    /// Rows by the path they take away: the old one, and the new one if something stood there.
    by_path: HashMap<Sym, Vec<u32>>,
}

impl Moves {
    /// Adds a move. Moves come in order of their events.
    pub fn push(&mut self, row: Move) {
        let n = u32::try_from(self.rows.len()).expect("a table holds fewer than 2^32 rows");
        self.by_path.entry(row.old).or_default().push(n);
        if let Some(new) = row.new {
            self.by_path.entry(new).or_default().push(n);
        }
        self.rows.push(row);
    }

    /// All moves in order.
    pub fn rows(&self) -> &[Move] {
        &self.rows
    }

    /// Bytes held, for accounting.
    pub(crate) fn memory(&self) -> usize {
        let lists: usize = self.by_path.values().map(|rows| rows.capacity() * size_of::<u32>()).sum();
        self.rows.capacity() * size_of::<Move>() + self.by_path.allocation_size() + lists
    }

    /// The first move that takes a path away after event `after`, up to event `until`.
    fn next(&self, path: Sym, container: Option<ContainerId>, after: Seq, until: Seq) -> Option<&Move> {
        let rows = self.by_path.get(&path)?;
        let n = rows.partition_point(|&row| self.rows[row as usize].seq <= after);
        let later = rows[n..].iter().map(|&row| &self.rows[row as usize]);
        later.take_while(|row| row.seq <= until).find(|row| row.container == container)
    }
}

impl History {
    /// The path at which an open file is to be found after event `seq`, following renames of it and of the
    /// directories above it; `None` if it was removed or another file took its place. A file that is not known by an
    /// absolute path keeps the name it has.
    pub fn path_now(&self, file: FileId, seq: Seq) -> Option<BString> {
        let file = self.file(file);
        let opened = self.file(file.origin);
        let mut path: BString = self.text(file.name).into();
        let container =
            opened.opened_by.and_then(|thread| self.attrs(self.thread(thread).attrs().at(opened.from)).container);
        let mut after = opened.from;
        for _ in 0..MAX_HOPS {
            let Some((row, len)) = self.next_move(&path, container, after, seq) else { break };
            let is_exact = len == path.len();
            // The moved thing itself, or one below it; anything else at the new path is overwritten.
            let is_moved = self.text(row.old).len() == len && path.starts_with(self.text(row.old));
            match (is_moved, row.new) {
                (true, Some(new)) => {
                    let rest = path[len..].to_vec();
                    path = self.text(new).into();
                    path.extend_from_slice(&rest);
                }
                (true, None) if is_exact => return None,
                (false, _) if is_exact => return None,
                _ => {}
            }
            after = row.seq;
        }
        Some(path)
    }

    /// The first move that concerns a path or a directory above it, with the length of the part it names.
    fn next_move(&self, path: &[u8], container: Option<ContainerId>, after: Seq, until: Seq) -> Option<(&Move, usize)> {
        let ends = path.find_iter(b"/").skip(1).chain(std::iter::once(path.len()));
        let found = ends.filter_map(|end| {
            let part = self.strings.find(&path[..end])?;
            Some((self.moves.next(part, container, after, until)?, end))
        });
        found.min_by_key(|(row, _)| row.seq)
    }
}
