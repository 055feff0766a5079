//! Times of the history's rows.

use tracehound_formats::{Batch, Nanos, Seq};
use tracehound_state::{FileId, History, ImageId};

/// When each image was loaded and each state of an open file began.
///
/// The history names events by number; what their time was is noted here while their batch is at hand, eight
/// bytes a row.
#[derive(Debug, Default)]
pub struct RowTimes {
    /// By [`ImageId`].
    images: Vec<Option<Nanos>>,
    /// By [`FileId`].
    files: Vec<Option<Nanos>>,
}

impl RowTimes {
    /// No rows yet.
    pub fn new() -> Self {
        RowTimes::default()
    }

    /// Notes the times of the rows that replaying `batches` (in order) added. To be called each time some were
    /// replayed, before they are dropped. Rows of the snapshot have no time.
    pub fn batches(&mut self, history: &History, batches: &[Batch]) {
        let time = |seq: Seq| {
            let last = |batch: &Batch| batch.get(batch.len().wrapping_sub(1)).map(|event| event.head.seq);
            let i = batches.partition_point(|batch| last(batch) < Some(seq));
            batches.get(i).and_then(|batch| time_of(batch, seq))
        };
        self.images.extend(history.images[self.images.len()..].iter().map(|image| time(image.from)));
        self.files.extend(history.files[self.files.len()..].iter().map(|file| time(file.from)));
    }

    /// Time of the event an image is in use from; `None` for the snapshot.
    pub fn image(&self, id: ImageId) -> Option<Nanos> {
        self.images.get(id.index()).copied().flatten()
    }

    /// Time of the event a state of an open file begins with; `None` for the snapshot.
    pub fn file(&self, id: FileId) -> Option<Nanos> {
        self.files.get(id.index()).copied().flatten()
    }
}

/// Time of an event of a batch, whose events stand in order of number. O(log events).
fn time_of(batch: &Batch, seq: Seq) -> Option<Nanos> {
    let (mut low, mut high) = (0, batch.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let head = batch.get(middle)?.head;
        match head.seq.cmp(&seq) {
            std::cmp::Ordering::Equal => return Some(head.ts),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}
