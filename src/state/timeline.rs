//! A value over time: append-only, asked as of an event.

use tracehound_formats::Seq;

/// The values something had, each from an event on. Rows are only appended, in order of `Seq`.
///
/// Most things never change, so the first row is stored inline, and the others cost a pointer until there are any:
/// a process has a dozen of these.
#[derive(Clone, Debug)]
pub struct Timeline<T> {
    first: (Seq, T),
    #[expect(clippy::box_collection, reason = "a third of the size of a vector, which is almost always empty")]
    later: Option<Box<Vec<(Seq, T)>>>,
}

impl<T: Copy> Timeline<T> {
    /// A value that holds from `from` on (and, for questions about earlier events, also before).
    pub fn new(from: Seq, value: T) -> Self {
        Timeline { first: (from, value), later: None }
    }

    /// Appends a value that holds from `from` on. A second row for the same event replaces the first one: only
    /// the state after the event can be observed.
    pub fn set(&mut self, from: Seq, value: T) {
        let last = self.later.as_mut().and_then(|later| later.last_mut()).unwrap_or(&mut self.first);
        debug_assert!(last.0 <= from, "rows are appended in order");
        if last.0 == from {
            *last = (from, value);
        } else {
            // Mostly there is one more value and no third.
            self.later.get_or_insert_with(|| Box::new(Vec::with_capacity(1))).push((from, value));
        }
    }

    /// The value after event `seq` was applied. O(1) for the newest row, else O(log rows).
    pub fn at(&self, seq: Seq) -> T {
        let later = self.later();
        match later.last() {
            None => self.first.1,
            Some(last) if last.0 <= seq => last.1,
            Some(_) => {
                let n = later.partition_point(|row| row.0 <= seq);
                if n == 0 { self.first.1 } else { later[n - 1].1 }
            }
        }
    }

    /// The value after event `seq` was applied, the first event it holds from, and the first one it no longer holds
    /// at, as far as is known. What [`Timeline::at`] answers for every event between them.
    pub fn row_at(&self, seq: Seq) -> (T, Seq, Option<Seq>) {
        let later = self.later();
        let n = match later.last() {
            Some(last) if last.0 > seq => later.partition_point(|row| row.0 <= seq),
            _ => later.len(),
        };
        let (from, value) = if n == 0 { (Seq(0), self.first.1) } else { later[n - 1] };
        (value, from, later.get(n).map(|row| row.0))
    }

    /// The value after event `seq` was applied; `None` before the first row.
    pub(crate) fn get(&self, seq: Seq) -> Option<T> {
        (self.first.0 <= seq).then(|| self.at(seq))
    }

    /// The value, if there has never been another.
    pub(crate) fn only(&self) -> Option<T> {
        self.later.is_none().then_some(self.first.1)
    }

    /// Bytes that stand elsewhere, for accounting.
    pub(crate) fn memory(&self) -> usize {
        self.later.as_ref().map_or(0, |later| later.capacity() * size_of::<(Seq, T)>() + size_of::<Vec<T>>())
    }

    /// The value before event `seq` was applied.
    pub fn before(&self, seq: Seq) -> T {
        self.at(Seq(seq.0.saturating_sub(1)))
    }

    /// The newest value.
    pub fn last(&self) -> T {
        self.later().last().map_or(self.first.1, |row| row.1)
    }

    /// All rows in order.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = (Seq, T)> + '_ {
        std::iter::once(self.first).chain(self.later().iter().copied())
    }

    fn later(&self) -> &[(Seq, T)] {
        self.later.as_ref().map_or(&[], |later| later.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_of() {
        let mut t = Timeline::new(Seq(5), 'a');
        t.set(Seq(7), 'b');
        t.set(Seq(9), 'c');
        t.set(Seq(9), 'd');
        for (seq, want) in [(0, 'a'), (5, 'a'), (6, 'a'), (7, 'b'), (8, 'b'), (9, 'd'), (99, 'd')] {
            assert_eq!(t.at(Seq(seq)), want, "{seq}");
            let (value, from, until) = t.row_at(Seq(seq));
            assert_eq!(value, want, "{seq}");
            assert!(from.0 <= seq && until.is_none_or(|until| seq < until.0), "{seq}");
            assert_eq!((t.at(from), until.map(|until| t.at(until) == want)), (want, until.map(|_| false)), "{seq}");
        }
        assert_eq!(t.before(Seq(9)), 'b');
        assert_eq!(t.rows().count(), 3);
    }
}
