//! Rows with arguments to columns and back: one column for each argument of each kind, equal bytes once.
//!
//! Events, the tables of the start state and the notes are all rows of this form; `spec.md` has the layout.

use std::collections::HashMap;
use std::ops::Range;

use super::column::{self, Column, ColumnEncoder, Spare};
use super::varint::{Broken, Cursor, put_varint};
use crate::event::columns::{BytesRange, ColumnArg};
use crate::event::{Arg, Batch, KindId};

/// Most rows of a segment.
pub(crate) const MAX_ROWS: usize = 1 << 17;

/// Most arguments of all rows of a segment together: 64 MiB of memory in a batch.
pub(crate) const MAX_ARGS: usize = 1 << 22;

/// A column that costs no more than this is left as it is.
const SMALL_COST: usize = 8;

/// What stands in a column of tags.
mod tag {
    pub(super) const ABSENT: u8 = 0;
    pub(super) const EMPTY: u8 = 1;
    pub(super) const INT: u8 = 2;
    pub(super) const BYTES: u8 = 3;
    pub(super) const MALFORMED: u8 = 4;
}

/// The rows of a batch by kind.
#[derive(Debug)]
pub(crate) struct Groups {
    /// Kinds in rising order, each with its rows in batch order.
    pub groups: Vec<(KindId, Vec<u32>)>,
}

impl Groups {
    pub(crate) fn of(batch: &Batch) -> Self {
        let mut by_kind: HashMap<KindId, usize> = HashMap::new();
        let mut groups: Vec<(KindId, Vec<u32>)> = Vec::new();
        for (row, event) in batch.iter().enumerate() {
            let kind = event.head.kind;
            let group = *by_kind.entry(kind).or_insert_with(|| {
                groups.push((kind, Vec::new()));
                groups.len() - 1
            });
            groups[group].1.push(row as u32);
        }
        groups.sort_unstable_by_key(|&(kind, _)| kind);
        Groups { groups }
    }

    /// The group of each row.
    pub(crate) fn of_rows(&self, n_rows: usize) -> Vec<u64> {
        let mut out = vec![0; n_rows];
        for (i, (_, rows)) in self.groups.iter().enumerate() {
            rows.iter().for_each(|&row| out[row as usize] = i as u64);
        }
        out
    }

    /// Appends the list of kinds with the number of their rows.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_varint(self.groups.len() as u64, out);
        let mut last = 0;
        for (kind, rows) in &self.groups {
            put_varint(u64::from(kind.0 - last), out);
            put_varint(rows.len() as u64, out);
            last = kind.0;
        }
    }
}

/// Reads the list of kinds with the number of their rows; together they are `n_rows`.
pub(crate) fn take_groups(cursor: &mut Cursor<'_>, n_rows: usize) -> Result<Vec<(KindId, usize)>, Broken> {
    let n = cursor.length()?;
    if n > n_rows {
        return Err(Broken("more kinds than rows"));
    }
    let mut out = Vec::with_capacity(n);
    let mut code = 0u64;
    let mut n_left = n_rows;
    for i in 0..n {
        let step = cursor.varint()?;
        code = code.checked_add(step).filter(|_| i == 0 || step > 0).ok_or(Broken("the kinds do not rise"))?;
        let kind = u16::try_from(code).map_err(|_| Broken("a kind's code is above 65535"))?;
        let n_of_kind = cursor.length()?;
        n_left = n_left.checked_sub(n_of_kind).ok_or(Broken("the kinds have more rows than the segment"))?;
        out.push((KindId(kind), n_of_kind));
    }
    if n_left > 0 {
        return Err(Broken("the kinds have fewer rows than the segment"));
    }
    Ok(out)
}

/// Byte strings of a segment, each once.
#[derive(Debug, Default)]
struct Strings<'a> {
    index_of: HashMap<&'a [u8], u64>,
    lengths: Vec<u64>,
    bytes: Vec<u8>,
}

impl<'a> Strings<'a> {
    /// 0 for a string that comes for the first time (the next of the list), else 1 + its index.
    fn reference(&mut self, string: &'a [u8]) -> u64 {
        if let Some(index) = self.index_of.get(string) {
            return 1 + index;
        }
        self.index_of.insert(string, self.lengths.len() as u64);
        self.lengths.push(string.len() as u64);
        self.bytes.extend_from_slice(string);
        0
    }
}

/// Appends the arguments of all rows.
pub(crate) fn put_args(batch: &Batch, groups: &Groups, columns: &mut ColumnEncoder, out: &mut Vec<u8>) {
    let mut strings = Strings::default();
    let mut body = Vec::new();
    let mut n_args_of_group = Vec::with_capacity(groups.groups.len());
    for (_, rows) in &groups.groups {
        let n_args: Vec<u64> = rows.iter().map(|&row| event(batch, row).args().len() as u64).collect();
        columns.put(&n_args, out);
        n_args_of_group.push(n_args);
    }
    let (mut tags, mut ints, mut references): (Vec<u64>, Vec<u64>, Vec<u64>) = Default::default();
    for ((_, rows), n_args) in groups.groups.iter().zip(&n_args_of_group) {
        let max_args = n_args.iter().copied().max().unwrap_or(0);
        let tids = rows.iter().map(|&row| event(batch, row).head.tid.0 as u64).collect();
        let mut sources = Sources::new(tids);
        for i in 0..max_args {
            tags.clear();
            ints.clear();
            references.clear();
            for (&row, _) in rows.iter().zip(n_args).filter(|&(_, &n)| n > i) {
                tags.push(u64::from(match event(batch, row).arg(i as usize) {
                    Arg::Absent => tag::ABSENT,
                    Arg::Empty => tag::EMPTY,
                    Arg::Int(v) => {
                        ints.push(v);
                        tag::INT
                    }
                    Arg::Bytes(b) => {
                        references.push(strings.reference(b));
                        tag::BYTES
                    }
                    Arg::Malformed(b) => {
                        references.push(strings.reference(b));
                        tag::MALFORMED
                    }
                }));
            }
            columns.put(&tags, &mut body);
            put_ints(&ints, &sources, columns, &mut body);
            columns.put(&references, &mut body);
            sources.add(std::mem::take(&mut ints));
        }
    }
    put_varint(strings.lengths.len() as u64, out);
    columns.put(&strings.lengths, out);
    out.extend_from_slice(&strings.bytes);
    out.extend_from_slice(&body);
}

/// Columns of one kind that a later one may be like: the thread ids, then the integers of each argument. Only a
/// column with a value for every row can be compared row by row; others stand as empty.
#[derive(Debug)]
struct Sources {
    n_rows: usize,
    columns: Vec<Vec<u64>>,
}

impl Sources {
    fn new(tids: Vec<u64>) -> Self {
        Sources { n_rows: tids.len(), columns: vec![tids] }
    }

    fn add(&mut self, ints: Vec<u64>) {
        self.columns.push(if ints.len() == self.n_rows { ints } else { Vec::new() });
    }
}

/// Appends a column of integers, as differences from an earlier column where that is shorter: `pid` is mostly `tid`.
fn put_ints(ints: &[u64], sources: &Sources, columns: &mut ColumnEncoder, out: &mut Vec<u8>) {
    let start = out.len();
    let cost = columns.put(ints, out);
    if ints.len() < 2 || ints.len() != sources.n_rows || cost <= SMALL_COST {
        return;
    }
    let n_equal = |source: &[u64]| source.iter().zip(ints).filter(|(a, b)| a == b).count();
    let candidates = sources.columns.iter().enumerate().filter(|(_, source)| !source.is_empty());
    let Some((n, i)) =
        candidates.map(|(i, source)| (n_equal(source), i)).max_by_key(|&(n, i)| (n, std::cmp::Reverse(i)))
    else {
        return;
    };
    if n * 2 < ints.len() {
        return;
    }
    let differences: Vec<u64> = ints.iter().zip(&sources.columns[i]).map(|(a, b)| a.wrapping_sub(*b)).collect();
    let mut like = vec![column::LIKE];
    put_varint(i as u64, &mut like);
    if columns.put(&differences, &mut like) < cost {
        out.truncate(start);
        out.extend_from_slice(&like);
    }
}

fn event(batch: &Batch, row: u32) -> crate::event::Event<'_> {
    batch.get(row as usize).expect("groups hold rows of their batch")
}

/// Rows of which the columns of all arguments are copied before those of the next rows: their arguments together
/// stay in the first cache, where otherwise each column would pass over all of the memory.
const BLOCK: usize = 256;

/// Memory for decoding arguments, used again from segment to segment.
#[derive(Debug, Default)]
pub(crate) struct ArgDecoder {
    bytes: Spare<u8>,
    words: Spare<u32>,
    longs: Spare<u64>,
    /// Rows of each group, in order, one group after the other.
    rows: Vec<u32>,
    /// Number of arguments of each row.
    n_args: Vec<u8>,
    /// For each group the number of arguments that all of its rows have, if they have the same.
    n_args_of_all: Vec<Option<u8>>,
    /// Where each string stands in the bytes of the batch.
    strings: Vec<BytesRange>,
    /// Of the rows of one group, the position of their first argument in the batch.
    positions: Vec<u32>,
    /// Memory of the references of one column.
    ranges: Vec<Vec<BytesRange>>,
}

/// One argument of the rows of a kind.
#[derive(Debug)]
struct ArgColumn {
    tags: Column<u8>,
    ints: Column<u64>,
    /// Number of integers.
    n_ints: usize,
    strings: Vec<BytesRange>,
    /// Rows that have this argument, if they are not all of the group.
    positions: Option<Vec<u32>>,
}

impl ArgDecoder {
    /// Reads the arguments of the rows of `batch`, whose heads are there: `group_of_row` tells the group of each.
    pub(crate) fn take(
        &mut self,
        cursor: &mut Cursor<'_>,
        groups: &[(KindId, usize)],
        group_of_row: &Column<u16>,
        batch: &mut Batch,
    ) -> Result<(), Broken> {
        self.sort_rows(groups, group_of_row, batch.len())?;
        self.n_args.clear();
        self.n_args.resize(batch.len(), 0);
        self.n_args_of_all.clear();
        let mut total = 0usize;
        let mut first = 0;
        for &(_, n_of_kind) in groups {
            let n_args = self.bytes.column(cursor, n_of_kind)?;
            self.n_args_of_all.push(if let Column::Constant(n) = n_args { Some(n) } else { None });
            for (k, &row) in self.rows[first..first + n_of_kind].iter().enumerate() {
                self.n_args[row as usize] = n_args.at(k);
                total += usize::from(n_args.at(k));
            }
            self.bytes.put(n_args);
            first += n_of_kind;
        }
        if total > MAX_ARGS {
            return Err(Broken("more arguments than a segment may hold"));
        }
        let bytes = self.take_strings(cursor)?;
        batch.set_layout(&self.n_args, bytes);
        let mut n_seen = 0;
        first = 0;
        for (group, &(_, n_of_kind)) in groups.iter().enumerate() {
            let n_args_of_all = self.n_args_of_all[group];
            self.take_group(cursor, first..first + n_of_kind, n_args_of_all, &mut n_seen, batch)?;
            first += n_of_kind;
        }
        if cursor.is_empty() { Ok(()) } else { Err(Broken("bytes are left after the last column")) }
    }

    /// Sorts rows by group.
    fn sort_rows(&mut self, groups: &[(KindId, usize)], of: &Column<u16>, n_rows: usize) -> Result<(), Broken> {
        const NOT_LISTED: Broken = Broken("a row is of a kind that is not listed");
        let mut ends = Vec::with_capacity(groups.len());
        let mut next = Vec::with_capacity(groups.len());
        let mut n = 0;
        for &(_, n_of_kind) in groups {
            next.push(n);
            n += n_of_kind;
            ends.push(n);
        }
        self.rows.clear();
        self.rows.resize(n_rows, 0);
        for row in 0..n_rows {
            let group = usize::from(of.at(row));
            let at = next.get_mut(group).filter(|at| **at < ends[group]).ok_or(NOT_LISTED)?;
            self.rows[*at] = row as u32;
            *at += 1;
        }
        Ok(())
    }

    /// Reads where the strings stand, and gives their bytes.
    fn take_strings<'a>(&mut self, cursor: &mut Cursor<'a>) -> Result<&'a [u8], Broken> {
        let n = cursor.length()?;
        if n > MAX_ARGS {
            return Err(Broken("more strings than arguments"));
        }
        let lengths = self.words.column(cursor, n)?;
        let mut end = 0u32;
        self.strings.clear();
        for i in 0..n {
            let len = lengths.at(i);
            self.strings.push(BytesRange { start: end, len });
            end = end.checked_add(len).ok_or(Broken("the strings are longer than a segment"))?;
        }
        self.words.put(lengths);
        cursor.take(end as usize)
    }

    /// Reads all arguments of the rows of a kind.
    fn take_group(
        &mut self,
        cursor: &mut Cursor<'_>,
        rows: Range<usize>,
        n_args_of_all: Option<u8>,
        n_seen: &mut usize,
        batch: &mut Batch,
    ) -> Result<(), Broken> {
        let rows = &self.rows[rows];
        self.positions.clear();
        self.positions.extend(rows.iter().map(|&row| batch.first_arg(row as usize)));
        let mut columns: Vec<ArgColumn> = Vec::new();
        let max_args =
            n_args_of_all.unwrap_or_else(|| rows.iter().map(|&row| self.n_args[row as usize]).max().unwrap_or(0));
        for i in 0..max_args {
            // Rows leave when their arguments are used up, so that the work is bounded by the number of arguments.
            let has = |&row: &u32| self.n_args[row as usize] > i;
            let positions = if n_args_of_all.is_some() || rows.iter().all(has) {
                None
            } else {
                let having = rows.iter().zip(&self.positions).filter(|(row, _)| has(row));
                Some(having.map(|(_, &position)| position).collect::<Vec<u32>>())
            };
            let n = positions.as_ref().map_or(rows.len(), Vec::len);
            let tags = self.bytes.column(cursor, n)?;
            let count = |wanted: u8| match &tags {
                Column::Constant(tag) => {
                    if *tag == wanted {
                        n
                    } else {
                        0
                    }
                }
                Column::Values(tags) => tags.iter().filter(|&&tag| tag == wanted).count(),
            };
            let n_ints = count(tag::INT);
            let n_strings = count(tag::BYTES) + count(tag::MALFORMED);
            if [tag::ABSENT, tag::EMPTY].into_iter().map(count).sum::<usize>() + n_ints + n_strings != n {
                return Err(Broken("an argument is of an unknown sort"));
            }
            let tid = |k: usize| batch.head(rows[k] as usize).tid.0 as u64;
            let ints = take_ints(&mut self.longs, cursor, n_ints, rows.len(), tid, &columns)?;
            let references = self.words.column(cursor, n_strings)?;
            let mut strings = self.ranges.pop().unwrap_or_default();
            resolve(&references, n_strings, &self.strings, n_seen, &mut strings)?;
            self.words.put(references);
            columns.push(ArgColumn { tags, ints, n_ints, strings, positions });
        }
        let n_common = columns.iter().take_while(|column| column.positions.is_none()).count();
        let mut next = vec![(0, 0); n_common];
        for (block, positions) in self.positions.chunks(BLOCK).enumerate() {
            for (i, column) in columns[..n_common].iter().enumerate() {
                column.copy(block * BLOCK, positions, i as u32, &mut next[i], batch);
            }
        }
        for (i, column) in columns.iter().enumerate().skip(n_common) {
            if let Some(positions) = &column.positions {
                column.copy(0, positions, i as u32, &mut (0, 0), batch);
            }
        }
        for mut column in columns {
            self.bytes.put(column.tags);
            self.longs.put(column.ints);
            column.strings.clear();
            self.ranges.push(column.strings);
        }
        Ok(())
    }
}

impl ArgColumn {
    /// Copies argument `i` of the rows from `row` on, whose first arguments stand at `positions`, into the batch.
    /// `next` is the next integer and the next string.
    fn copy(&self, row: usize, positions: &[u32], i: u32, next: &mut (usize, usize), batch: &mut Batch) {
        let n = positions.len();
        match &self.tags {
            Column::Constant(tag::ABSENT) => {
                batch.set_args(positions, i, std::iter::repeat_n(ColumnArg::Absent, n));
            }
            Column::Constant(tag::INT) => match &self.ints {
                Column::Constant(v) => batch.set_args(positions, i, std::iter::repeat_n(ColumnArg::Int(*v), n)),
                Column::Values(ints) => {
                    batch.set_args(positions, i, ints[row..row + n].iter().map(|&v| ColumnArg::Int(v)));
                }
            },
            Column::Constant(tag::BYTES) => {
                batch.set_args(positions, i, self.strings[row..row + n].iter().map(|&range| ColumnArg::Bytes(range)));
            }
            tags => {
                let args = (row..row + n).map(|row| match tags.at(row) {
                    tag::EMPTY => ColumnArg::Empty,
                    tag::INT => {
                        next.0 += 1;
                        ColumnArg::Int(self.ints.at(next.0 - 1))
                    }
                    tag::BYTES => {
                        next.1 += 1;
                        ColumnArg::Bytes(self.strings[next.1 - 1])
                    }
                    tag::MALFORMED => {
                        next.1 += 1;
                        ColumnArg::Malformed(self.strings[next.1 - 1])
                    }
                    _ => ColumnArg::Absent,
                });
                batch.set_args(positions, i, args);
            }
        }
    }
}

/// Reads what [`put_ints`] wrote: `n` integers of a group of `n_rows` rows, of which `columns` are the arguments before.
fn take_ints(
    spare: &mut Spare<u64>,
    cursor: &mut Cursor<'_>,
    n: usize,
    n_rows: usize,
    tid: impl Fn(usize) -> u64,
    columns: &[ArgColumn],
) -> Result<Column<u64>, Broken> {
    if n == 0 || !cursor.starts_with(column::LIKE) {
        return spare.column(cursor, n);
    }
    const NO_SOURCE: Broken = Broken("a column is like one that is not there");
    cursor.u8()?;
    let source = match cursor.length()?.checked_sub(1) {
        None => None,
        Some(i) => Some(columns.get(i).filter(|column| column.n_ints == n_rows).ok_or(NO_SOURCE)?),
    };
    if n != n_rows {
        return Err(NO_SOURCE);
    }
    let differences = spare.column(cursor, n)?;
    let mut values = match differences {
        Column::Values(values) => values,
        Column::Constant(v) => {
            let mut values = spare.take();
            values.resize(n, v);
            values
        }
    };
    match source.map(|column| &column.ints) {
        None => values.iter_mut().enumerate().for_each(|(k, v)| *v = v.wrapping_add(tid(k))),
        Some(Column::Constant(like)) => values.iter_mut().for_each(|v| *v = v.wrapping_add(*like)),
        Some(Column::Values(like)) => values.iter_mut().zip(like).for_each(|(v, like)| *v = v.wrapping_add(*like)),
    }
    Ok(Column::Values(values))
}

/// The strings that `n` references mean. `n_seen` counts those of the list that were referred to.
fn resolve(
    references: &Column<u32>,
    n: usize,
    strings: &[BytesRange],
    n_seen: &mut usize,
    out: &mut Vec<BytesRange>,
) -> Result<(), Broken> {
    out.reserve(n);
    for k in 0..n {
        let index = match references.at(k).checked_sub(1) {
            Some(index) => index as usize,
            None => {
                *n_seen += 1;
                *n_seen - 1
            }
        };
        out.push(*strings.get(index).ok_or(Broken("an argument refers to a string that is not there"))?);
    }
    Ok(())
}
