//! A value over time: append-only, asked as of an event.

use tracehound_formats::Seq;

/// The values something had, each from an event on. Rows are only appended, in order of `Seq`.
///
/// Most things never change, so the first row is stored inline, and the others cost a pointer until there are any.
#[derive(Clone, Debug)]
pub struct Timeline<T> {
    from: Seq,
    values: Values<T>,
}

impl<T: Copy> Timeline<T> {
    /// A value that holds from `from` on (and, for questions about earlier events, also before).
    pub fn new(from: Seq, value: T) -> Self {
        Timeline { from, values: Values::new(value) }
    }

    /// Appends a value that holds from `from` on. A second row for the same event replaces the first one: only
    /// the state after the event can be observed.
    pub fn set(&mut self, from: Seq, value: T) {
        self.values.set(self.from, from, value);
    }

    /// The value after event `seq` was applied. O(1) for the newest row, else O(log rows).
    pub fn at(&self, seq: Seq) -> T {
        self.values.at(seq)
    }

    /// The value after event `seq` was applied; `None` before the first row.
    pub(crate) fn get(&self, seq: Seq) -> Option<T> {
        (self.from <= seq).then(|| self.at(seq))
    }

    /// The value, if there has never been another.
    pub(crate) fn only(&self) -> Option<T> {
        self.values.later.is_none().then_some(self.values.first)
    }

    /// Bytes that stand elsewhere, for accounting.
    pub(crate) fn memory(&self) -> usize {
        self.values.memory()
    }

    /// The newest value.
    pub fn last(&self) -> T {
        self.values.last()
    }
}

/// Values over time of something that itself knows from which event on it has the first.
#[derive(Clone, Debug)]
pub(crate) struct Values<T> {
    first: T,
    later: Option<Box<Later<T>>>,
}

/// Mostly there is one more value and no third.
#[derive(Clone, Debug)]
enum Later<T> {
    One([(Seq, T); 1]),
    Many(Vec<(Seq, T)>),
}

impl<T: Copy> Values<T> {
    pub(crate) fn new(first: T) -> Self {
        Values { first, later: None }
    }

    /// Appends a value that holds from `from` on; `born` is the event the first one holds from. A second row for the
    /// same event replaces the first one.
    pub(crate) fn set(&mut self, born: Seq, from: Seq, value: T) {
        let last = match self.later.as_deref_mut() {
            None if from == born => {
                self.first = value;
                return;
            }
            None => {
                debug_assert!(born <= from, "rows are appended in order");
                self.later = Some(Box::new(Later::One([(from, value)])));
                return;
            }
            Some(Later::One([row])) if row.0 == from => row,
            Some(later @ Later::One(_)) => {
                let mut rows = Vec::with_capacity(2);
                rows.extend_from_slice(later.rows());
                rows.push((from, value));
                debug_assert!(rows[0].0 <= from, "rows are appended in order");
                *later = Later::Many(rows);
                return;
            }
            Some(Later::Many(rows)) => match rows.last_mut() {
                Some(row) if row.0 == from => row,
                last => {
                    debug_assert!(last.is_none_or(|row| row.0 <= from), "rows are appended in order");
                    rows.push((from, value));
                    return;
                }
            },
        };
        last.1 = value;
    }

    pub(crate) fn at(&self, seq: Seq) -> T {
        let later = self.later();
        match later.last() {
            None => self.first,
            Some(last) if last.0 <= seq => last.1,
            Some(_) => {
                let n = later.partition_point(|row| row.0 <= seq);
                if n == 0 { self.first } else { later[n - 1].1 }
            }
        }
    }

    #[inline]
    pub(crate) fn last(&self) -> T {
        self.later().last().map_or(self.first, |row| row.1)
    }

    pub(crate) fn memory(&self) -> usize {
        self.later.as_deref().map_or(0, |later| {
            let rows = if let Later::Many(rows) = later { rows.capacity() * size_of::<(Seq, T)>() } else { 0 };
            size_of::<Later<T>>() + rows
        })
    }

    #[inline]
    fn later(&self) -> &[(Seq, T)] {
        self.later.as_deref().map_or(&[], Later::rows)
    }
}

impl<T> Later<T> {
    #[inline]
    fn rows(&self) -> &[(Seq, T)] {
        match self {
            Later::One(row) => row,
            Later::Many(rows) => rows,
        }
    }
}

/// One value over time of a process or thread, whose values are kept together: what changes by the same event takes
/// one row.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a, T, V> {
    born: Seq,
    values: &'a Values<T>,
    value: fn(&T) -> V,
}

impl<'a, T: Copy, V: PartialEq + 'a> Column<'a, T, V> {
    pub(crate) fn new(born: Seq, values: &'a Values<T>, value: fn(&T) -> V) -> Self {
        Column { born, values, value }
    }

    /// The value after event `seq` was applied. O(1) for the newest one, else O(log changes).
    #[inline]
    pub fn at(&self, seq: Seq) -> V {
        (self.value)(&self.values.at(seq))
    }

    /// The value before event `seq` was applied.
    pub fn before(&self, seq: Seq) -> V {
        self.at(Seq(seq.0.saturating_sub(1)))
    }

    /// The newest value.
    #[inline]
    pub fn last(&self) -> V {
        (self.value)(&self.values.last())
    }

    /// The value after event `seq` was applied, and events between which it is the same: the first one, and the first
    /// one for which this is not told. It can have been the same before and stay so.
    pub fn row_at(&self, seq: Seq) -> (V, Seq, Option<Seq>) {
        let later = self.values.later();
        let n = match later.last() {
            Some(last) if last.0 > seq => later.partition_point(|row| row.0 <= seq),
            _ => later.len(),
        };
        let (from, values) = if n == 0 { (Seq(0), &self.values.first) } else { (later[n - 1].0, &later[n - 1].1) };
        ((self.value)(values), from, later.get(n).map(|row| row.0))
    }

    /// All values in order, each with the event that it holds from and unlike the one before it.
    pub fn rows(self) -> impl Iterator<Item = (Seq, V)> + 'a {
        let Column { born, values, value } = self;
        let mut before = None;
        let rows = std::iter::once((born, &values.first)).chain(values.later().iter().map(|row| (row.0, &row.1)));
        rows.filter_map(move |(from, row)| {
            let is_new = before.is_none_or(|before| value(before) != value(row));
            before = Some(row);
            is_new.then(|| (from, value(row)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_of() {
        let mut t = Timeline::new(Seq(5), 'a');
        let mut pairs = Values::new(('a', 0));
        for (seq, value) in [(7, 'b'), (9, 'c'), (9, 'd')] {
            t.set(Seq(seq), value);
            pairs.set(Seq(5), Seq(seq), (value, 0));
        }
        // The other of the two changes alone.
        pairs.set(Seq(5), Seq(11), ('d', 1));
        let column = Column::new(Seq(5), &pairs, |pair| pair.0);
        for (seq, want) in [(0, 'a'), (5, 'a'), (6, 'a'), (7, 'b'), (8, 'b'), (9, 'd'), (11, 'd'), (99, 'd')] {
            assert_eq!((t.at(Seq(seq)), column.at(Seq(seq))), (want, want), "{seq}");
            let (value, from, until) = column.row_at(Seq(seq));
            assert_eq!(value, want, "{seq}");
            assert!(from.0 <= seq && until.is_none_or(|until| seq < until.0), "{seq}");
            assert_eq!(column.at(from), want, "{seq}");
        }
        assert_eq!((t.get(Seq(4)), t.get(Seq(5)), t.last(), t.only()), (None, Some('a'), 'd', None));
        assert_eq!((column.before(Seq(9)), column.last()), ('b', 'd'));
        assert_eq!(column.rows().collect::<Vec<_>>(), [(Seq(5), 'a'), (Seq(7), 'b'), (Seq(9), 'd')]);
    }

    /// A value by the event that made something replaces the one it was made with.
    #[test]
    fn the_last_change_by_an_event_counts() {
        let mut t = Timeline::new(Seq(5), 'a');
        t.set(Seq(5), 'b');
        assert_eq!((t.at(Seq(5)), t.only()), ('b', Some('b')));
        t.set(Seq(6), 'c');
        t.set(Seq(6), 'd');
        assert_eq!((t.at(Seq(5)), t.at(Seq(6)), t.last()), ('b', 'd', 'd'));
    }
}
