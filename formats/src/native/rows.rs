//! Rows with arguments to columns and back: one column for each argument of each kind, equal bytes once.
//!
//! Events, the tables of the start state and the notes are all rows of this form; `spec.md` has the layout.

use std::collections::HashMap;

use super::column::{self, ColumnEncoder};
use super::varint::{Broken, Cursor, put_varint};
use crate::event::columns::{BytesRange, ColumnArg};
use crate::event::{Arg, Batch, Head, KindId};

/// Most rows of a segment.
pub(crate) const MAX_ROWS: usize = 1 << 17;

/// Most arguments of all rows of a segment together: 64 MiB of memory in a batch.
pub(crate) const MAX_ARGS: usize = 1 << 22;

/// A column that costs no more than this is left as it is.
const SMALL_COST: usize = 8;

/// What stands in a column of tags.
mod tag {
    pub(super) const ABSENT: u64 = 0;
    pub(super) const EMPTY: u64 = 1;
    pub(super) const INT: u64 = 2;
    pub(super) const BYTES: u64 = 3;
    pub(super) const MALFORMED: u64 = 4;
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
    let (mut tags, mut ints, mut references) = (Vec::new(), Vec::new(), Vec::new());
    for ((_, rows), n_args) in groups.groups.iter().zip(&n_args_of_group) {
        let max_args = n_args.iter().copied().max().unwrap_or(0);
        let tids = rows.iter().map(|&row| event(batch, row).head.tid.0 as u64).collect();
        let mut sources = Sources::new(tids);
        for i in 0..max_args {
            tags.clear();
            ints.clear();
            references.clear();
            for (&row, _) in rows.iter().zip(n_args).filter(|&(_, &n)| n > i) {
                tags.push(match event(batch, row).arg(i as usize) {
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
                });
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

/// Reads what [`put_ints`] wrote.
fn take_ints(cursor: &mut Cursor<'_>, n: usize, sources: &Sources) -> Result<Vec<u64>, Broken> {
    if n == 0 || !cursor.starts_with(column::LIKE) {
        return column::take(cursor, n);
    }
    cursor.u8()?;
    let source = sources.columns.get(cursor.length()?).filter(|source| source.len() == n);
    let source = source.ok_or(Broken("a column is like one that is not there"))?;
    let mut out = column::take(cursor, n)?;
    out.iter_mut().zip(source).for_each(|(v, &like)| *v = v.wrapping_add(like));
    Ok(out)
}

fn event(batch: &Batch, row: u32) -> crate::event::Event<'_> {
    batch.get(row as usize).expect("groups hold rows of their batch")
}

/// Reads the arguments of rows whose heads are known: `group_of_row` tells the group of each row.
pub(crate) fn take_args(
    cursor: &mut Cursor<'_>,
    heads: &[Head],
    groups: &[(KindId, usize)],
    group_of_row: &[u64],
) -> Result<Batch, Broken> {
    // Rows of each group, in order, one group after the other.
    let mut first_of_group = Vec::with_capacity(groups.len());
    let mut n = 0;
    for &(_, n_of_kind) in groups {
        first_of_group.push(n);
        n += n_of_kind;
    }
    let mut next = first_of_group.clone();
    let mut rows = vec![0u32; heads.len()];
    for (row, &group) in group_of_row.iter().enumerate() {
        let group = group as usize;
        let end = first_of_group.get(group + 1).copied().unwrap_or(heads.len());
        let at = next.get_mut(group).filter(|at| **at < end).ok_or(Broken("a row is of a kind that is not listed"))?;
        rows[*at] = row as u32;
        *at += 1;
    }

    let mut n_args = vec![0u8; heads.len()];
    let mut total = 0usize;
    for (&(_, n_of_kind), &first) in groups.iter().zip(&first_of_group) {
        for (&row, n) in rows[first..first + n_of_kind].iter().zip(column::take(cursor, n_of_kind)?) {
            n_args[row as usize] = u8::try_from(n).map_err(|_| Broken("a row of more than 255 arguments"))?;
            total += n as usize;
        }
    }
    if total > MAX_ARGS {
        return Err(Broken("more arguments than a segment may hold"));
    }

    let (bytes, strings) = take_strings(cursor)?;
    let mut batch = Batch::of_columns(heads, &n_args, bytes);
    let mut n_seen = 0;
    let mut positions = Vec::new();
    for (&(_, n_of_kind), &first) in groups.iter().zip(&first_of_group) {
        let mut rows = rows[first..first + n_of_kind].to_vec();
        let tids = rows.iter().map(|&row| heads[row as usize].tid.0 as u64).collect();
        let mut sources = Sources::new(tids);
        for i in 0..u8::MAX {
            // Rows leave when their arguments are used up, so that the work is bounded by the number of arguments.
            rows.retain(|&row| n_args[row as usize] > i);
            if rows.is_empty() {
                break;
            }
            positions.clear();
            positions.extend(rows.iter().map(|&row| batch.first_arg(row as usize) + u32::from(i)));
            let ints = take_column(cursor, &positions, &strings, &sources, &mut n_seen, &mut batch)?;
            sources.add(ints);
        }
    }
    if !cursor.is_empty() {
        return Err(Broken("bytes are left after the last column"));
    }
    Ok(batch)
}

/// Reads one argument of all rows of a kind; returns its integers.
fn take_column(
    cursor: &mut Cursor<'_>,
    positions: &[u32],
    strings: &[BytesRange],
    sources: &Sources,
    n_seen: &mut usize,
    batch: &mut Batch,
) -> Result<Vec<u64>, Broken> {
    let tags = column::take(cursor, positions.len())?;
    let count = |wanted: u64| tags.iter().filter(|&&t| t == wanted).count();
    let all_ints = take_ints(cursor, count(tag::INT), sources)?;
    let mut ints = all_ints.iter().copied();
    let mut references = column::take(cursor, count(tag::BYTES) + count(tag::MALFORMED))?.into_iter();
    let mut string = || {
        let reference = references.next().unwrap_or(0);
        let index = match reference.checked_sub(1) {
            Some(index) => usize::try_from(index).unwrap_or(usize::MAX),
            None => {
                *n_seen += 1;
                *n_seen - 1
            }
        };
        strings.get(index).copied().ok_or(Broken("an argument refers to a string that is not there"))
    };
    for (&position, &tag) in positions.iter().zip(&tags) {
        let arg = match tag {
            tag::ABSENT => ColumnArg::Absent,
            tag::EMPTY => ColumnArg::Empty,
            tag::INT => ColumnArg::Int(ints.next().unwrap_or(0)),
            tag::BYTES => ColumnArg::Bytes(string()?),
            tag::MALFORMED => ColumnArg::Malformed(string()?),
            _ => return Err(Broken("an argument is of an unknown sort")),
        };
        batch.set_arg(position, arg);
    }
    Ok(all_ints)
}

/// The bytes of all strings, and where each stands.
fn take_strings(cursor: &mut Cursor<'_>) -> Result<(Vec<u8>, Vec<BytesRange>), Broken> {
    let n = cursor.length()?;
    if n > MAX_ARGS {
        return Err(Broken("more strings than arguments"));
    }
    let lengths = column::take(cursor, n)?;
    let mut end = 0u32;
    let mut ranges = Vec::with_capacity(n);
    for len in lengths {
        let len = u32::try_from(len).map_err(|_| Broken("a string is longer than a segment"))?;
        ranges.push(BytesRange { start: end, len });
        end = end.checked_add(len).ok_or(Broken("the strings are longer than a segment"))?;
    }
    Ok((cursor.take(end as usize)?.to_vec(), ranges))
}
