//! What the header of a segment of events says of them besides kinds and ranges: how many of each kind, of which threads.
//!
//! With it a reader knows, without unpacking the segment, whether anything in it can matter to what is asked.

use super::segment::{Segment, SegmentType};
use super::varint::{Cursor, put_varint, unzigzag, zigzag};
use crate::event::{Batch, KindId, Seq, Tid, head_flags};

/// Tag of a summary among what stands after the kinds.
const TAG: u8 = 1;

/// Events from which on a segment has a summary: fewer are decoded in less time than it would save.
const MIN_EVENTS: usize = 4096;

/// Flags that no event of a segment with a summary has.
const FLAGS: u8 = head_flags::STATE_ONLY | head_flags::UNFINISHED;

/// Most threads of a summary. Where more act, some are born, and the segment is read in any case.
const MAX_THREADS: usize = 256;

/// What a segment says of its events. It is a claim: only decoding the segment shows whether it is true.
///
/// Where there is one, numbers rise from event to event, and no event is flagged as unfinished or as one of state only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Kinds in rising order, with the number of their events.
    pub kinds: Vec<(KindId, u64)>,
    /// Threads of the events, in rising order of id.
    pub threads: Vec<Tid>,
}

impl Summary {
    /// Of the events of a segment; `None` if a segment of them has none.
    pub(crate) fn of(events: &Batch) -> Option<Summary> {
        if events.len() < MIN_EVENTS {
            return None;
        }
        let mut counts: Vec<u64> = Vec::new();
        let mut threads: Vec<Tid> = Vec::new();
        let mut before: Option<Seq> = None;
        for head in events.heads() {
            if head.flags & FLAGS != 0 || before.is_some_and(|before| head.seq <= before) {
                return None;
            }
            before = Some(head.seq);
            let code = usize::from(head.kind.0);
            if counts.len() <= code {
                counts.resize(code + 1, 0);
            }
            counts[code] += 1;
            if let Err(at) = threads.binary_search(&head.tid) {
                if threads.len() == MAX_THREADS {
                    return None;
                }
                threads.insert(at, head.tid);
            }
        }
        let counts = counts.iter().enumerate().filter(|(_, n)| **n > 0);
        Some(Summary { kinds: counts.map(|(code, &n)| (KindId(code as u16), n)).collect(), threads })
    }

    /// Appends it as it stands in a header, where the kinds themselves stand before it.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        self.kinds.iter().for_each(|&(_, n)| put_varint(n, &mut body));
        put_varint(self.threads.len() as u64, &mut body);
        let mut last = 0u64;
        for tid in &self.threads {
            put_varint(zigzag((tid.0 as u64).wrapping_sub(last)), &mut body);
            last = tid.0 as u64;
        }
        out.push(TAG);
        put_varint(body.len() as u64, out);
        out.extend(body);
    }

    /// Reads the summary of a segment of events from what stands after its kinds. `None` if there is none, or none that
    /// makes sense: then the segment is read.
    pub(crate) fn take(room: &[u8], kinds: &[KindId], n_rows: u32) -> Option<Summary> {
        let mut cursor = Cursor::new(room);
        while !cursor.is_empty() {
            let tag = cursor.u8().ok()?;
            let len = cursor.length().ok()?;
            let body = cursor.take(len).ok()?;
            if tag == TAG {
                return Summary::take_body(body, kinds, n_rows);
            }
        }
        None
    }

    fn take_body(body: &[u8], kinds: &[KindId], n_rows: u32) -> Option<Summary> {
        let mut cursor = Cursor::new(body);
        let mut n_left = u64::from(n_rows);
        let mut counts = Vec::with_capacity(kinds.len());
        for &kind in kinds {
            let n = cursor.varint().ok()?;
            n_left = n_left.checked_sub(n)?;
            counts.push((kind, n));
        }
        let n_threads = cursor.length().ok().filter(|&n| n <= MAX_THREADS)?;
        let mut threads: Vec<Tid> = Vec::with_capacity(n_threads);
        let mut last = 0u64;
        for _ in 0..n_threads {
            last = last.wrapping_add(unzigzag(cursor.varint().ok()?));
            let tid = Tid(last as i64);
            if threads.last().is_some_and(|&before| before >= tid) {
                return None;
            }
            threads.push(tid);
        }
        (n_left == 0 && cursor.is_empty()).then_some(Summary { kinds: counts, threads })
    }
}

/// What the payload of a segment of events turned out to hold.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Kinds with the number of their events.
    pub(crate) kinds: Vec<(KindId, usize)>,
    /// Threads, each once.
    pub(crate) threads: Vec<u64>,
    /// Lowest and highest number.
    pub(crate) seqs: (u64, u64),
    /// Earliest and latest time as the header has them, to be set before.
    pub(crate) claimed: (u64, u64),
    /// Earliest and latest time, or what the header says if no event is outside of it.
    pub(crate) times: (u64, u64),
    /// Numbers rise from event to event.
    pub(crate) is_rising: bool,
    /// Flags of any event.
    pub(crate) flags: u8,
}

impl Held {
    /// Notes the columns of a segment.
    pub(crate) fn note(
        &mut self,
        kinds: Vec<(KindId, usize)>,
        threads: &[u64],
        seqs: &[u64],
        times: &[u64],
        flags: &[u8],
    ) {
        self.kinds = kinds;
        self.threads.clear();
        self.threads.extend_from_slice(threads);
        self.is_rising = rises(seqs);
        self.seqs = if self.is_rising { ends(seqs) } else { range(seqs) };
        self.times = if is_within(times, self.claimed) { self.claimed } else { range(times) };
        self.flags = flags.iter().fold(0, |all, flags| all | flags);
    }

    /// Where it contradicts the header of its segment, which others may have relied on; `None` if it does not.
    pub(crate) fn contradicts(&self, segment: &Segment, summary: Option<&Summary>) -> Option<&'static str> {
        if self.kinds.iter().map(|(kind, _)| kind).ne(&segment.kinds) {
            return Some("the header lists other kinds of events");
        }
        if self.seqs.0 < segment.seqs.0.0 || self.seqs.1 > segment.seqs.1.0 {
            return Some("numbers of events are outside the range in the header");
        }
        if self.times.0 < segment.times.0.0 || self.times.1 > segment.times.1.0 {
            return Some("times of events are outside the range in the header");
        }
        let summary = summary?;
        if !self.is_rising || self.flags & FLAGS != 0 {
            return Some("the header has a summary, which events like these cannot have");
        }
        if self.kinds.iter().map(|&(_, n)| n as u64).ne(summary.kinds.iter().map(|&(_, n)| n)) {
            return Some("the header counts the events of a kind otherwise");
        }
        let mut threads: Vec<i64> = self.threads.iter().map(|&tid| tid as i64).collect();
        threads.sort_unstable();
        threads.dedup();
        threads.iter().copied().ne(summary.threads.iter().map(|tid| tid.0)).then_some("the header lists other threads")
    }
}

/// True if each value is higher than the one before. All segments are asked, hence by the sign of differences, of which a
/// processor takes several at a time; where a number is too large for that, by comparing.
fn rises(values: &[u64]) -> bool {
    let pairs = || values.iter().zip(values.iter().skip(1));
    let signs = pairs().fold(0, |signs, (one, next)| signs | one | next | next.wrapping_sub(*one).wrapping_sub(1));
    signs >> 63 == 0 || pairs().all(|(one, next)| one < next)
}

/// True if all values are surely in a range; false if one is not, or if the range is too wide to tell by signs.
fn is_within(values: &[u64], (low, high): (u64, u64)) -> bool {
    let outside = |value: u64| value.wrapping_sub(low) | high.wrapping_sub(value);
    let signs = values.iter().fold(0, |signs, &value| signs | outside(value));
    high.checked_sub(low).is_some_and(|span| span >> 63 == 0) && signs >> 63 == 0
}

/// First and last value; nothing for none.
fn ends(values: &[u64]) -> (u64, u64) {
    values.first().zip(values.last()).map_or((u64::MAX, 0), |(&first, &last)| (first, last))
}

/// Lowest and highest value.
fn range(values: &[u64]) -> (u64, u64) {
    values.iter().fold((u64::MAX, 0), |(low, high), &value| (low.min(value), high.max(value)))
}

/// The summary in a sound header of a segment.
pub(crate) fn of_header(header: &[u8], segment: &Segment) -> Option<Summary> {
    if segment.ty != SegmentType::Events {
        return None;
    }
    let (_, room) = Segment::split_room(header)?;
    Summary::take(room, &segment.kinds, segment.n_rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn events(n: usize) -> Batch {
        let line = |i: usize| format!("{} {}\n", 1 + i % 3, ["futex", "close"][i % 2]);
        text::fixture(&(0..n).map(line).collect::<String>()).1
    }

    #[test]
    fn what_has_a_summary() {
        let check = |events: &Batch, expected: Option<(usize, usize)>| {
            let found = Summary::of(events).map(|summary| (summary.kinds.len(), summary.threads.len()));
            assert_eq!(found, expected);
        };
        check(&events(MIN_EVENTS - 1), None);
        check(&events(MIN_EVENTS), Some((2, 3)));
        let mut again = events(MIN_EVENTS);
        again.append(&events(1).get(0).unwrap());
        check(&again, None);
        let many = |i: usize| format!("{} futex\n", 1 + i % (MAX_THREADS + 1));
        check(&text::fixture(&(0..MIN_EVENTS).map(many).collect::<String>()).1, None);
    }

    #[test]
    fn order_and_range() {
        const FAR: u64 = 1 << 63;
        let rising: &[(&[u64], bool)] = &[
            (&[], true),
            (&[5], true),
            (&[5, 6, 9], true),
            (&[5, 6, 6], false),
            (&[5, 4, 6], false),
            (&[0, FAR + 1, u64::MAX], true),
            (&[u64::MAX, 0], false),
        ];
        for &(values, expected) in rising {
            assert_eq!(rises(values), expected, "{values:?}");
        }
        let within: &[(&[u64], (u64, u64), bool)] = &[
            (&[5, 7, 6], (5, 7), true),
            (&[5, 8], (5, 7), false),
            (&[4, 7], (5, 7), false),
            (&[u64::MAX], (5, 7), false),
            (&[5 + FAR], (5, 7), false),
            (&[6], (7, 5), false),
            (&[6], (0, u64::MAX), false),
            (&[u64::MAX - 1], (u64::MAX - 2, u64::MAX), true),
        ];
        for &(values, range, expected) in within {
            assert_eq!(is_within(values, range), expected, "{values:?} {range:?}");
        }
    }

    #[test]
    fn a_summary_survives_between_others() {
        let summary = Summary::of(&events(MIN_EVENTS)).unwrap();
        let kinds: Vec<KindId> = summary.kinds.iter().map(|&(kind, _)| kind).collect();
        let mut room = vec![7, 2, 1, 1];
        summary.put(&mut room);
        room.extend([9, 0]);
        assert_eq!(Summary::take(&room, &kinds, MIN_EVENTS as u32), Some(summary.clone()));
        // Anything that does not add up is no summary.
        assert_eq!(Summary::take(&room, &kinds, MIN_EVENTS as u32 + 1), None);
        assert_eq!(Summary::take(&room, &kinds[1..], MIN_EVENTS as u32), None);
        for cut in 4..room.len() - 3 {
            assert_eq!(Summary::take(&room[..cut], &kinds, MIN_EVENTS as u32), None, "{cut}");
        }
        assert_eq!(Summary::take(&[7, 200, 1], &kinds, MIN_EVENTS as u32), None);
    }
}
