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

    /// Notes the times of the rows that replaying `batch` added. To be called after each batch. Rows of the
    /// snapshot have no time.
    pub fn batch(&mut self, history: &History, batch: &Batch) {
        let time = |seq: Seq| time_of(batch, seq);
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
