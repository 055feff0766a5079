//! A segment of events that was not decoded because nobody needs it.

use std::sync::Arc;

use super::segment::Segment;
use super::summary::Summary;
use super::trace::{Decoder, Trace};
use crate::event::Batch;
use crate::reader::Damage;

/// A segment of events by what its header says of it; see [`Part::Unread`](crate::reader::Part).
#[derive(Clone, Debug)]
pub struct Unread {
    trace: Arc<Trace>,
    segment: usize,
    summary: Summary,
}

impl Unread {
    pub(super) fn new(trace: Arc<Trace>, segment: usize, summary: Summary) -> Unread {
        Unread { trace, segment, summary }
    }

    /// Its header: number of events, ranges of their numbers and times.
    pub fn segment(&self) -> &Segment {
        &self.trace.segments()[self.segment]
    }

    /// Kinds and threads of its events.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Decodes it after all. With damage there are no events, unless only what the header says of them is wrong.
    pub fn read(&self) -> (Batch, Option<Damage>) {
        let (mut decoder, mut batch) = (Decoder::default(), Batch::default());
        let damage = match self.trace.decode(self.segment, &mut decoder) {
            Ok(()) => {
                decoder.rest(&mut batch);
                decoder.told().false_header
            }
            Err(damage) => Some(damage),
        };
        (batch, damage)
    }
}
