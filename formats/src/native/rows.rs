//! Rows with arguments to columns and back: one column for each argument of each kind, equal bytes once.
//!
//! Events, the tables of the start state and the notes are all rows of this form; `spec.md` has the layout.

use std::collections::HashMap;

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

/// Memory for decoding arguments, used again from segment to segment: [`ArgDecoder::begin`], then each row through
/// [`ArgDecoder::sorter`], then [`ArgDecoder::take`].
#[derive(Debug, Default)]
pub(crate) struct ArgDecoder {
    bytes: Spare<u8>,
    words: Spare<u32>,
    longs: Spare<u64>,
    groups: Vec<Group>,
    /// Rows of each group, in order, one group after the other.
    rows: Vec<u32>,
    /// Position in the batch of the first argument of each row, in the order of `rows`.
    positions: Vec<u32>,
    /// Number of arguments of each row, in the order of `rows`.
    n_args: Vec<u8>,
    /// Number of arguments of all rows.
    n_args_of_all: usize,
    /// Where each string stands in the bytes of the batch.
    strings: Vec<BytesRange>,
    /// Memory of the references of one column.
    ranges: Vec<Vec<BytesRange>>,
}

/// The rows of a kind.
#[derive(Clone, Copy, Debug)]
struct Group {
    kind: KindId,
    /// Place in the order of groups of the next row that is found.
    next: usize,
    /// Place after its last row.
    end: usize,
    /// Most arguments of a row.
    max_args: u8,
    /// True if all rows have so many.
    is_uniform: bool,
}

/// Sorts rows by group, and gives each room for its arguments.
#[derive(Debug)]
pub(crate) struct Sorter<'a> {
    groups: &'a mut [Group],
    rows: &'a mut [u32],
    positions: &'a mut [u32],
    n_args: &'a [u8],
    first_arg: u32,
    is_listed: bool,
}

impl Sorter<'_> {
    /// For the next row, which is the `i`th: its kind, where its arguments begin, and how many they are.
    #[inline(always)]
    pub(crate) fn row(&mut self, i: usize, group: u16) -> (KindId, u32, u8) {
        let found = self.groups.get_mut(usize::from(group)).and_then(|group| {
            let at = group.next;
            group.next += 1;
            // A row more than the group has stands where one of the next group belongs: the count shows it at the end.
            *self.rows.get_mut(at)? = i as u32;
            *self.positions.get_mut(at)? = self.first_arg;
            Some((group.kind, *self.n_args.get(at)?))
        });
        self.is_listed &= found.is_some();
        let (kind, n_args) = found.unwrap_or((KindId(0), 0));
        let first_arg = self.first_arg;
        self.first_arg = first_arg.wrapping_add(u32::from(n_args));
        (kind, first_arg, n_args)
    }

    /// True if each group had the rows that it lists. Until this is asked the batch is not sound.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_listed && self.groups.iter().all(|group| group.next == group.end)
    }
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
    /// Reads how many arguments the rows of each group have, and the strings, whose bytes it gives. The groups have
    /// `n_rows` rows together.
    pub(crate) fn begin<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        groups: &[(KindId, usize)],
        n_rows: usize,
    ) -> Result<&'a [u8], Broken> {
        self.groups.clear();
        self.n_args.clear();
        for &(kind, n_of_kind) in groups {
            let next = self.n_args.len();
            let n_args = self.bytes.column(cursor, n_of_kind)?;
            let (max_args, is_uniform) = match &n_args {
                Column::Constant(n) => {
                    self.n_args.resize(next + n_of_kind, *n);
                    (*n, true)
                }
                Column::Values(values) => {
                    self.n_args.extend_from_slice(values);
                    (values.iter().copied().max().unwrap_or(0), false)
                }
            };
            self.bytes.put(n_args);
            self.groups.push(Group { kind, next, end: self.n_args.len(), max_args, is_uniform });
        }
        self.n_args_of_all = self.n_args.iter().map(|&n| usize::from(n)).sum();
        if self.n_args_of_all > MAX_ARGS {
            return Err(Broken("more arguments than a segment may hold"));
        }
        // What is there is left: each row is set.
        self.rows.resize(n_rows, 0);
        self.positions.resize(n_rows, 0);
        self.take_strings(cursor)
    }

    /// Number of arguments of all rows.
    pub(crate) fn n_args(&self) -> usize {
        self.n_args_of_all
    }

    /// To be asked for each row in order.
    pub(crate) fn sorter(&mut self) -> Sorter<'_> {
        let ArgDecoder { groups, rows, positions, n_args, .. } = self;
        Sorter { groups, rows, positions, n_args, first_arg: 0, is_listed: true }
    }

    /// Reads the arguments of the rows of `batch`, which have their heads and room for their arguments.
    pub(crate) fn take(&mut self, cursor: &mut Cursor<'_>, batch: &mut Batch) -> Result<(), Broken> {
        let groups = std::mem::take(&mut self.groups);
        let mut n_seen = 0;
        let mut first = 0;
        for group in &groups {
            self.take_group(cursor, first, group, &mut n_seen, batch)?;
            first = group.end;
        }
        self.groups = groups;
        if cursor.is_empty() { Ok(()) } else { Err(Broken("bytes are left after the last column")) }
    }

    /// Reads where the strings stand, and gives their bytes.
    fn take_strings<'a>(&mut self, cursor: &mut Cursor<'a>) -> Result<&'a [u8], Broken> {
        let n = cursor.length()?;
        if n > MAX_ARGS {
            return Err(Broken("more strings than arguments"));
        }
        let lengths = self.words.values(cursor, n)?;
        let mut end = 0u64;
        self.strings.clear();
        self.strings.extend(lengths.iter().map(|&len| {
            let start = end as u32;
            end += u64::from(len);
            BytesRange { start, len }
        }));
        self.words.put_values(lengths);
        let end = u32::try_from(end).map_err(|_| Broken("the strings are longer than a segment"))?;
        cursor.take(end as usize)
    }

    /// Reads all arguments of the rows of a kind, of which the first is at place `first` in the order of groups.
    fn take_group(
        &mut self,
        cursor: &mut Cursor<'_>,
        first: usize,
        group: &Group,
        n_seen: &mut usize,
        batch: &mut Batch,
    ) -> Result<(), Broken> {
        let rows = &self.rows[first..group.end];
        let positions_of_all = &self.positions[first..group.end];
        let n_args = &self.n_args[first..group.end];
        let mut columns: Vec<ArgColumn> = Vec::new();
        for i in 0..group.max_args {
            // Rows leave when their arguments are used up, so that the work is bounded by the number of arguments.
            let positions = if group.is_uniform || n_args.iter().all(|&n| n > i) {
                None
            } else {
                let having = n_args.iter().zip(positions_of_all).filter(|&(&n, _)| n > i);
                Some(having.map(|(_, &position)| position).collect::<Vec<u32>>())
            };
            let n = positions.as_ref().map_or(rows.len(), Vec::len);
            let tags = self.bytes.column(cursor, n)?;
            let mut n_of_tag = [0usize; 256];
            match &tags {
                Column::Constant(tag) => n_of_tag[usize::from(*tag)] = n,
                Column::Values(tags) => tags.iter().for_each(|&tag| n_of_tag[usize::from(tag)] += 1),
            }
            let n_ints = n_of_tag[usize::from(tag::INT)];
            let n_strings = n_of_tag[usize::from(tag::BYTES)] + n_of_tag[usize::from(tag::MALFORMED)];
            if n_of_tag[usize::from(tag::ABSENT)] + n_of_tag[usize::from(tag::EMPTY)] + n_ints + n_strings != n {
                return Err(Broken("an argument is of an unknown sort"));
            }
            let tid = |k: usize| batch.head(rows[k] as usize).tid.0 as u64;
            let ints = take_ints(&mut self.longs, cursor, n_ints, rows.len(), tid, &columns)?;
            let references = self.words.values(cursor, n_strings)?;
            let mut strings = self.ranges.pop().unwrap_or_default();
            resolve(&references, &self.strings, n_seen, &mut strings)?;
            self.words.put_values(references);
            columns.push(ArgColumn { tags, ints, n_ints, strings, positions });
        }
        let n_common = columns.iter().take_while(|column| column.positions.is_none()).count();
        let mut next = vec![(0, 0); n_common];
        for (block, positions) in positions_of_all.chunks(BLOCK).enumerate() {
            for (i, column) in columns[..n_common].iter().enumerate() {
                column.copy(block * BLOCK, positions, i, &mut next[i], batch);
            }
        }
        for (i, column) in columns.iter().enumerate().skip(n_common) {
            if let Some(positions) = &column.positions {
                column.copy(0, positions, i, &mut (0, 0), batch);
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
    fn copy(&self, row: usize, positions: &[u32], i: usize, next: &mut (usize, usize), batch: &mut Batch) {
        let n = positions.len();
        let all = |arg: ColumnArg| std::iter::repeat(arg);
        match &self.tags {
            Column::Constant(tag::ABSENT) => batch.set_args(positions, i, all(ColumnArg::Absent)),
            Column::Constant(tag::EMPTY) => batch.set_args(positions, i, all(ColumnArg::Empty)),
            Column::Constant(tag::INT) => match &self.ints {
                Column::Constant(v) => batch.set_args(positions, i, all(ColumnArg::Int(*v))),
                Column::Values(ints) => {
                    batch.set_args(positions, i, ints[row..row + n].iter().map(|&v| ColumnArg::Int(v)));
                }
            },
            Column::Constant(tag) => {
                let is_malformed = *tag == tag::MALFORMED;
                let strings = self.strings[row..row + n].iter();
                let arg = |&range| if is_malformed { ColumnArg::Malformed(range) } else { ColumnArg::Bytes(range) };
                batch.set_args(positions, i, strings.map(arg));
            }
            Column::Values(tags) => {
                let (mut next_int, mut next_string) = *next;
                let int = |k: usize| match &self.ints {
                    Column::Constant(v) => *v,
                    Column::Values(ints) => ints.get(k).copied().unwrap_or_default(),
                };
                let args = tags[row..row + n].iter().map(|&tag| {
                    // Tags are hard to foretell: what each could mean is looked up, and one of it taken.
                    let (v, range) = (int(next_int), self.strings.get(next_string).copied().unwrap_or_default());
                    next_int += usize::from(tag == tag::INT);
                    next_string += usize::from(tag >= tag::BYTES);
                    match tag {
                        tag::EMPTY => ColumnArg::Empty,
                        tag::INT => ColumnArg::Int(v),
                        tag::BYTES => ColumnArg::Bytes(range),
                        tag::MALFORMED => ColumnArg::Malformed(range),
                        _ => ColumnArg::Absent,
                    }
                });
                batch.set_args(positions, i, args);
                *next = (next_int, next_string);
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

/// The strings that references mean. `n_seen` counts those of the list that were referred to.
fn resolve(
    references: &[u32],
    strings: &[BytesRange],
    n_seen: &mut usize,
    out: &mut Vec<BytesRange>,
) -> Result<(), Broken> {
    let mut is_there = true;
    out.extend(references.iter().map(|&reference| {
        // Neither case can be foretold: both are computed.
        let is_next = reference == 0;
        let index = if is_next { *n_seen } else { (reference as usize).wrapping_sub(1) };
        *n_seen += usize::from(is_next);
        let string = strings.get(index);
        is_there &= string.is_some();
        string.copied().unwrap_or_default()
    }));
    if is_there { Ok(()) } else { Err(Broken("an argument refers to a string that is not there")) }
}
