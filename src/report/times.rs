//! Times of the history's rows.

use std::collections::HashMap;

use tracehound_formats::{Batch, Nanos, Seq};
use tracehound_state::{AttrsId, FileId, History, ImageId, Rows};

/// When each image was loaded and each state of an open file began.
///
/// The history names events by number; what their time was is noted here while their batch is at hand, eight
/// bytes a row.
#[derive(Debug, Default)]
pub struct RowTimes {
    /// By [`ImageId`]; 0 for none.
    images: Rows<Nanos>,
    /// By [`FileId`]; 0 for none.
    files: Rows<Nanos>,
}

impl RowTimes {
    /// No rows yet.
    pub fn new() -> Self {
        RowTimes::default()
    }

    /// Notes the times of the rows that replaying `batches` (in order) added. To be called each time some were
    /// replayed, before they are dropped. Rows of the snapshot have no time.
    pub fn batches(&mut self, history: &History, batches: &[Batch]) {
        let mut walk = Walk { batches, batch: 0, row: 0 };
        let new = history.images.iter_from(self.images.len());
        new.for_each(|image| self.images.push(walk.time(image.from)));
        let mut walk = Walk { batches, batch: 0, row: 0 };
        let new = history.files.iter_from(self.files.len());
        new.for_each(|file| self.files.push(walk.time(file.from)));
    }

    /// Time of the event an image is in use from; `None` for the snapshot.
    pub fn image(&self, id: ImageId) -> Option<Nanos> {
        self.images.get(id.index()).copied().filter(|time| time.0 != 0)
    }

    /// Time of the event a state of an open file begins with; `None` for the snapshot.
    pub fn file(&self, id: FileId) -> Option<Nanos> {
        self.files.get(id.index()).copied().filter(|time| time.0 != 0)
    }

    /// Bytes held, for accounting.
    pub fn memory(&self) -> usize {
        self.images.memory() + self.files.memory()
    }
}

/// When credentials changed, for a page: noted like [`RowTimes`], but only of threads whose credentials change.
#[derive(Debug, Default)]
pub(crate) struct CredentialTimes {
    /// States of threads that were looked at.
    n_seen: usize,
    changed: HashMap<AttrsId, Nanos>,
}

impl CredentialTimes {
    /// Notes the times of the states that replaying `batches` (in order) added.
    pub(crate) fn batches(&mut self, history: &History, batches: &[Batch]) {
        let mut walk = Walk { batches, batch: 0, row: 0 };
        let first = self.n_seen;
        for (i, attrs) in history.attrs.iter_from(first).enumerate() {
            let id = AttrsId::new((first + i) as u32);
            // A thread's first state is before its first event too.
            let before = history.thread(attrs.thread).attrs().before(attrs.from);
            if history.attrs(before).creds != attrs.creds
                && let time @ Nanos(1..) = walk.time(attrs.from)
            {
                self.changed.insert(id, time);
            }
        }
        self.n_seen = history.attrs.len();
    }

    /// When the credentials changed to those of a state; `None` if they did not, or if it is not known.
    pub(crate) fn of(&self, id: AttrsId) -> Option<Nanos> {
        self.changed.get(&id).copied()
    }
}

/// The first row after `row`, which is before event `seq`, that is not: found in steps that double, then halve.
fn next_row(batch: &Batch, mut row: usize, seq: Seq) -> usize {
    let is_before = |row: usize| batch.head_of(row).is_some_and(|head| head.seq < seq);
    let mut step = 1;
    while is_before(row + step) {
        row += step;
        step *= 2;
    }
    while step > 1 {
        step /= 2;
        if is_before(row + step) {
            row += step;
        }
    }
    row + 1
}

/// Finds events whose numbers mostly rise.
struct Walk<'a> {
    batches: &'a [Batch],
    batch: usize,
    row: usize,
}

impl Walk<'_> {
    /// Time of an event; 0 if it is not there.
    fn time(&mut self, seq: Seq) -> Nanos {
        while let Some(batch) = self.batches.get(self.batch) {
            match batch.head_of(self.row) {
                Some(head) if head.seq < seq => self.row = next_row(batch, self.row, seq),
                Some(head) if head.seq == seq => return head.ts,
                Some(_) => break,
                None => {
                    self.batch += 1;
                    self.row = 0;
                }
            }
        }
        self.search(seq).unwrap_or(Nanos(0))
    }

    /// The time of an event that stands anywhere.
    fn search(&self, seq: Seq) -> Option<Nanos> {
        let last = |batch: &Batch| batch.head_of(batch.len().wrapping_sub(1)).map(|head| head.seq);
        let i = self.batches.partition_point(|batch| last(batch) < Some(seq));
        time_of(self.batches.get(i)?, seq)
    }
}

/// Time of an event of a batch, whose events stand in order of number. O(log events).
fn time_of(batch: &Batch, seq: Seq) -> Option<Nanos> {
    let (mut low, mut high) = (0, batch.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let head = batch.head_of(middle)?;
        match head.seq.cmp(&seq) {
            std::cmp::Ordering::Equal => return Some(head.ts),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}
