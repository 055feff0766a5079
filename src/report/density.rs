//! How many events there were when: for sparklines, and to find the event of a moment.

use tracehound_formats::{Batch, Nanos, Seq};

/// Marks kept; when there are more, every second one goes.
const MAX_MARKS: usize = 1 << 16;

/// Every n-th event of a trace, with its time: at most 2^16 of them, whatever the length of the trace. Until there are
/// more events than that it is exact.
#[derive(Clone, Debug)]
pub struct Density {
    /// Latest time so far and number of an event, in order; time never steps back here.
    marks: Vec<(Nanos, Seq)>,
    /// Events from one mark to the next.
    stride: u64,
    n: u64,
    last: Option<(Nanos, Seq)>,
}

impl Default for Density {
    fn default() -> Density {
        Density { marks: Vec::new(), stride: 1, n: 0, last: None }
    }
}

impl Density {
    /// No events yet.
    pub fn new() -> Density {
        Density::default()
    }

    /// Counts events, which come in order.
    pub fn batches(&mut self, batches: &[Batch]) {
        batches.iter().flat_map(Batch::iter).for_each(|event| self.event(event.head.ts, event.head.seq));
    }

    fn event(&mut self, ts: Nanos, seq: Seq) {
        let latest = self.last.map_or(ts, |(last, _)| last.max(ts));
        self.last = Some((latest, seq));
        if self.n.is_multiple_of(self.stride) {
            if self.marks.len() == MAX_MARKS {
                let mut i = 0;
                self.marks.retain(|_| {
                    i += 1;
                    i % 2 == 1
                });
                self.stride *= 2;
            }
            if self.n.is_multiple_of(self.stride) {
                self.marks.push((latest, seq));
            }
        }
        self.n += 1;
    }

    /// Number of events.
    pub fn n_events(&self) -> u64 {
        self.n
    }

    /// Time of the first event, and latest time.
    pub fn span(&self) -> Option<(Nanos, Nanos)> {
        Some((self.marks.first()?.0, self.last?.0))
    }

    /// The last event at or before a moment, as far as marks tell; `Seq(0)` before the first.
    pub fn seq_at(&self, ts: Nanos) -> Seq {
        match self.last {
            Some((last, seq)) if ts >= last => seq,
            _ => {
                let n = self.marks.partition_point(|mark| mark.0 <= ts);
                n.checked_sub(1).map_or(Seq(0), |i| self.marks[i].1)
            }
        }
    }

    /// The time of an event, as far as marks tell.
    pub fn time_of(&self, seq: Seq) -> Option<Nanos> {
        match self.last {
            Some((last, of)) if seq >= of => Some(last),
            _ => {
                let n = self.marks.partition_point(|mark| mark.1 <= seq);
                self.marks.get(n.saturating_sub(1)).map(|mark| mark.0)
            }
        }
    }

    /// Events by equal parts of the time from `from` to `to`, both included. Where marks are apart, the events between
    /// two of them count at the first one.
    pub fn histogram(&self, from: Nanos, to: Nanos, n_bins: usize) -> Vec<u64> {
        let mut bins = vec![0; n_bins];
        if n_bins == 0 {
            return bins;
        }
        for (i, &(ts, _)) in self.marks.iter().enumerate() {
            if ts < from || ts > to {
                continue;
            }
            let is_last = i + 1 == self.marks.len();
            let n = if is_last { self.n - (self.marks.len() as u64 - 1) * self.stride } else { self.stride };
            bins[bin(ts, from, to, n_bins)] += n;
        }
        bins
    }
}

/// The part of the time from `from` to `to` that a moment between them is in.
pub fn bin(ts: Nanos, from: Nanos, to: Nanos, n_bins: usize) -> usize {
    let width = u128::from(to.0.saturating_sub(from.0)) + 1;
    let at = u128::from(ts.0.saturating_sub(from.0)) * n_bins as u128 / width;
    (at as usize).min(n_bins.saturating_sub(1))
}

/// Heights of a sparkline: one character a number, blank for 0, relative to the largest. The scale is the square root,
/// so that one busy moment does not flatten the rest.
pub fn sparkline(counts: &[u64]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let level = |n: u64| {
        let height = (n as f64 / most).sqrt() * LEVELS.len() as f64;
        LEVELS[(height.ceil() as usize).clamp(1, LEVELS.len()) - 1]
    };
    counts.iter().map(|&n| if n == 0 { ' ' } else { level(n) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: impl IntoIterator<Item = u64>) -> Density {
        let mut density = Density::new();
        (1..).zip(times).for_each(|(seq, ts)| density.event(Nanos(ts), Seq(seq)));
        density
    }

    #[test]
    fn moments() {
        // Time steps back between 20 and 30.
        let density = of([10, 20, 15, 30]);
        for (ts, seq) in [(0, 0), (9, 0), (10, 1), (19, 1), (20, 3), (29, 3), (30, 4), (99, 4)] {
            assert_eq!(density.seq_at(Nanos(ts)), Seq(seq), "{ts}");
        }
        for (seq, ts) in [(1, 10), (3, 20), (4, 30), (9, 30)] {
            assert_eq!(density.time_of(Seq(seq)), Some(Nanos(ts)), "{seq}");
        }
        assert_eq!(density.span(), Some((Nanos(10), Nanos(30))));
        assert_eq!((Density::new().span(), Density::new().seq_at(Nanos(5))), (None, Seq(0)));
    }

    #[test]
    fn bounded_and_every_event_counted() {
        let n = MAX_MARKS as u64 * 5 + 3;
        let density = of(0..n);
        assert!(density.marks.len() <= MAX_MARKS, "{}", density.marks.len());
        let bins = density.histogram(Nanos(0), Nanos(n - 1), 10);
        assert_eq!(bins.iter().sum::<u64>(), n);
        assert!(bins.iter().all(|&bin| bin.abs_diff(n / 10) <= 2 * density.stride), "{bins:?}");
        assert_eq!(density.histogram(Nanos(0), Nanos(0), 3), [density.stride, 0, 0]);
    }

    #[test]
    fn drawn() {
        for (counts, expected) in [(&[0u64, 1, 4, 16, 64][..], " ▁▂▄█"), (&[0, 0], "  "), (&[7, 7], "██"), (&[], "")]
        {
            assert_eq!(sparkline(counts), expected);
        }
        assert_eq!(bin(Nanos(u64::MAX), Nanos(0), Nanos(u64::MAX), 4), 3);
    }
}
