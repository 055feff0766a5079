//! Rows with arguments to columns and back: one column for each argument of each kind, equal bytes once.
//!
//! Events, the tables of the start state and the notes are all rows of this form; `spec.md` has the layout.

use std::collections::HashMap;
use std::sync::Arc;

use super::column::{self, ColumnEncoder};
use super::varint::{Broken, Cursor, put_varint};
use crate::event::columns::{BytesRange, ColumnArg};
use crate::event::{Arg, Batch, Head, KindId};
use crate::wanted::{ArgSet, WantedArgs};

/// Most rows of a segment.
pub(crate) const MAX_ROWS: usize = 1 << 17;

/// Most arguments of all rows of a segment together: 64 MiB of memory in a batch.
pub(crate) const MAX_ARGS: usize = 1 << 22;

/// Most columns of arguments of a segment: bounds what is held while its rows are made. All kinds that there are do not
/// have so many arguments together.
const MAX_COLUMNS: usize = 1 << 16;

/// Bytes of the strings of so many segments are kept for later ones.
const MAX_USED_BYTES: usize = 4;

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

/// Decodes the arguments of a segment, with memory that is used again: [`ArgDecoder::begin`], then each row through
/// [`ArgDecoder::sorter`], then [`ArgDecoder::take`]; after that [`ArgDecoder::block`] makes batches of the rows. A block
/// stays in the cache, which all rows of a segment at once do not.
#[derive(Debug, Default)]
pub(crate) struct ArgDecoder {
    /// What of the arguments is to be made.
    pub(crate) wanted: WantedArgs,
    groups: Vec<Group>,
    /// Rows of each group, in order, one group after the other.
    rows: Vec<u32>,
    /// Of the rows of the block, position in its batch of the first argument, in the order of `rows`.
    positions: Vec<u32>,
    /// Number of arguments of each row, in the order of `rows`; and of those that are made.
    n_args: Vec<u8>,
    n_made: Vec<u8>,
    /// The arguments of each group, one group after the other.
    columns: Vec<ArgColumn>,
    values: Values,
    /// Bytes of the strings, also of batches that were made; and those of segments before.
    bytes: Arc<Vec<u8>>,
    used_bytes: Vec<Arc<Vec<u8>>>,
    lengths: Vec<u32>,
    /// Positions of rows that have an argument which not all have.
    having: Vec<u32>,
}

/// The values of all columns of arguments, one column after the other.
#[derive(Debug, Default)]
struct Values {
    tags: Vec<u8>,
    ints: Vec<u64>,
    references: Vec<u32>,
    /// Where each string stands in the bytes of the batches.
    strings: Vec<BytesRange>,
}

/// The rows of a kind.
#[derive(Clone, Copy, Debug)]
struct Group {
    kind: KindId,
    /// Place in the order of groups of its first row.
    first: usize,
    /// Place of the next row that is sorted.
    next_sorted: usize,
    /// Place of the next row that gets into a block, and of the first one of the block.
    next: usize,
    block: usize,
    /// Place after its last row.
    end: usize,
    /// Number of the column of its first argument.
    first_column: usize,
    /// Most arguments of a row.
    max_args: u8,
    /// True if all rows have so many.
    is_uniform: bool,
    /// Those that are made.
    wanted: ArgSet,
}

/// Sorts rows by group.
#[derive(Debug)]
pub(crate) struct Sorter<'a> {
    groups: &'a mut [Group],
    rows: &'a mut [u32],
    is_listed: bool,
}

impl Sorter<'_> {
    /// Takes the next row, which is the `i`th.
    #[inline(always)]
    pub(crate) fn row(&mut self, i: usize, group: u16) {
        let found = self.groups.get_mut(usize::from(group)).and_then(|group| {
            let at = group.next_sorted;
            group.next_sorted += 1;
            // A row more than the group has stands where one of the next group belongs: the count shows it at the end.
            *self.rows.get_mut(at)? = i as u32;
            Some(())
        });
        self.is_listed &= found.is_some();
    }

    /// True if each group had the rows that it lists.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_listed && self.groups.iter().all(|group| group.next_sorted == group.end)
    }
}

/// Where the values of a column are.
#[derive(Clone, Copy, Debug)]
enum Column<T> {
    /// Every value is this one.
    Constant(T),
    /// They begin here.
    At(usize),
}

impl Group {
    /// How many of its rows, of whose numbers of arguments these are, have argument `i`; and whether all have.
    fn n_having(&self, n_args: &[u8], i: u8) -> (usize, bool) {
        // Rows leave when their arguments are used up, so that the work is bounded by the number of arguments.
        let is_of_all = self.is_uniform || n_args.iter().all(|&n| n > i);
        let n = if is_of_all { n_args.len() } else { n_args.iter().filter(|&&n| n > i).count() };
        (n, is_of_all)
    }
}

impl<T> Column<T> {
    fn of(constant: Option<T>, start: usize) -> Self {
        constant.map_or(Column::At(start), Column::Constant)
    }
}

/// One argument of the rows of a kind.
#[derive(Debug)]
struct ArgColumn {
    tags: Column<u8>,
    ints: Column<u64>,
    /// Number of integers.
    n_ints: usize,
    /// Rows, integers and references that are in blocks already, the latter two where not each row has one.
    n_done: usize,
    n_ints_done: usize,
    /// The next reference.
    next_reference: usize,
    /// The string that the next new reference means.
    next_string: usize,
    /// True if each row of the group has it.
    is_of_all: bool,
}

impl ArgDecoder {
    /// One that leaves out arguments that are not wanted.
    pub(crate) fn new(wanted: WantedArgs) -> ArgDecoder {
        ArgDecoder { wanted, ..ArgDecoder::default() }
    }

    /// Reads how many arguments the rows of each group have, and the strings. The groups have `n_rows` rows together.
    pub(crate) fn begin(
        &mut self,
        cursor: &mut Cursor<'_>,
        groups: &[(KindId, usize)],
        n_rows: usize,
    ) -> Result<(), Broken> {
        self.groups.clear();
        self.n_args.clear();
        self.n_made.clear();
        let all_wanted = self.wanted.now();
        let mut n_columns = 0;
        for &(kind, n_of_kind) in groups {
            let first = self.n_args.len();
            let (max_args, is_uniform) = match column::take(cursor, n_of_kind, &mut self.n_args)? {
                Some(n) => {
                    self.n_args.resize(first + n_of_kind, n);
                    (n, true)
                }
                None => (self.n_args[first..].iter().copied().max().unwrap_or(0), false),
            };
            let wanted = all_wanted.of(kind);
            if wanted == ArgSet::NONE {
                self.n_made.resize(first + n_of_kind, 0);
            } else {
                let end = wanted.end(max_args.into()) as u8;
                self.n_made.extend(self.n_args[first..].iter().map(|&n| n.min(end)));
            }
            self.groups.push(Group {
                kind,
                first,
                next_sorted: first,
                next: first,
                block: first,
                end: self.n_args.len(),
                first_column: 0,
                max_args,
                is_uniform,
                wanted,
            });
            n_columns += usize::from(max_args);
        }
        if self.n_args.iter().map(|&n| usize::from(n)).sum::<usize>() > MAX_ARGS {
            return Err(Broken("more arguments than a segment may hold"));
        }
        if n_columns > MAX_COLUMNS {
            return Err(Broken("more columns than a segment may hold"));
        }
        // What is there is left: each row is set.
        self.rows.resize(n_rows, 0);
        self.positions.resize(n_rows, 0);
        self.take_strings(cursor)
    }

    /// To be asked for each row in order.
    pub(crate) fn sorter(&mut self) -> Sorter<'_> {
        Sorter { groups: &mut self.groups, rows: &mut self.rows, is_listed: true }
    }

    /// Reads the arguments of all rows, of which `tid` tells the threads.
    pub(crate) fn take(&mut self, cursor: &mut Cursor<'_>, tid: impl Fn(usize) -> u64) -> Result<(), Broken> {
        let ArgDecoder { groups, rows, n_args, columns, values, .. } = self;
        columns.clear();
        values.tags.clear();
        values.ints.clear();
        values.references.clear();
        let mut n_seen = 0;
        for group in groups {
            let range = group.first..group.end;
            let tid = |k: usize| tid(rows[range.start + k] as usize);
            group.first_column = columns.len();
            if group.wanted == ArgSet::NONE {
                values.skip_group(cursor, group, &n_args[range], &mut n_seen)?;
            } else {
                values.take_group(cursor, group, &n_args[range.clone()], tid, &mut n_seen, columns)?;
            }
        }
        if cursor.is_empty() { Ok(()) } else { Err(Broken("bytes are left after the last column")) }
    }

    /// Reads the strings and where they stand.
    fn take_strings(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let n = cursor.length()?;
        if n > MAX_ARGS {
            return Err(Broken("more strings than arguments"));
        }
        column::values(cursor, n, &mut self.lengths)?;
        let mut end = 0u64;
        self.values.strings.clear();
        self.values.strings.extend(self.lengths.iter().map(|&len| {
            let start = end as u32;
            end += u64::from(len);
            BytesRange { start, len }
        }));
        let end = u32::try_from(end).map_err(|_| Broken("the strings are longer than a segment"))?;
        let bytes = cursor.take(end as usize)?;
        // Batches may still have those of the segment before.
        let is_free = |bytes: &mut Arc<Vec<u8>>| Arc::get_mut(bytes).is_some();
        if !is_free(&mut self.bytes) {
            let next = self.used_bytes.iter_mut().position(is_free).map(|i| self.used_bytes.swap_remove(i));
            let before = std::mem::replace(&mut self.bytes, next.unwrap_or_default());
            if self.used_bytes.len() < MAX_USED_BYTES {
                self.used_bytes.push(before);
            }
        }
        if let Some(own) = Arc::get_mut(&mut self.bytes) {
            own.clear();
            own.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Makes a batch of the next rows, given the group and the head of each, to which the kind is added. All rows have gone
    /// through the sorter, which was complete.
    #[inline(always)]
    pub(crate) fn block(&mut self, rows: impl ExactSizeIterator<Item = (u16, Head)>, batch: &mut Batch) {
        let (groups, positions, n_made) = (&mut self.groups[..], &mut self.positions[..], &self.n_made[..]);
        batch.set_rows(rows, &self.bytes, |(group, head), first| {
            let group = &mut groups[usize::from(group)];
            let at = group.next;
            group.next += 1;
            positions[at] = first;
            (Head { kind: group.kind, ..head }, n_made[at])
        });
        for group in self.groups.iter_mut().filter(|group| group.block < group.next) {
            let range = group.block..group.next;
            group.block = group.next;
            let positions = &self.positions[range.clone()];
            let n_made = group.wanted.end(group.max_args.into());
            let columns = &mut self.columns[group.first_column..][..n_made];
            for (i, column) in columns.iter_mut().enumerate() {
                if !group.wanted.has(i) {
                    column.tags = Column::Constant(tag::ABSENT);
                }
                if column.is_of_all {
                    column.copy(positions, i, &self.values, batch);
                } else {
                    let having = self.n_args[range.clone()].iter().zip(positions).filter(|&(&n, _)| usize::from(n) > i);
                    self.having.clear();
                    self.having.extend(having.map(|(_, position)| position));
                    column.copy(&self.having, i, &self.values, batch);
                }
            }
        }
    }
}

impl Values {
    /// Reads all arguments of the rows of a kind, whose numbers of arguments are given. `n_seen` counts the strings that
    /// were referred to.
    fn take_group(
        &mut self,
        cursor: &mut Cursor<'_>,
        group: &Group,
        n_args: &[u8],
        tid: impl Fn(usize) -> u64,
        n_seen: &mut usize,
        columns: &mut Vec<ArgColumn>,
    ) -> Result<(), Broken> {
        for i in 0..group.max_args {
            let (n, is_of_all) = group.n_having(n_args, i);
            let (tags, n_ints, n_strings) = self.take_tags(cursor, n)?;
            let before = &columns[group.first_column..];
            let ints = take_ints(&mut self.ints, cursor, n_ints, n_args.len(), &tid, before)?;
            let (next_reference, next_string) = self.take_references(cursor, n_strings, n_seen)?;
            let (n_done, n_ints_done) = (0, 0);
            columns.push(ArgColumn { tags, ints, n_ints, n_done, n_ints_done, next_reference, next_string, is_of_all });
        }
        Ok(())
    }

    /// Passes over what [`Values::take_group`] would read, of which the same is refused.
    fn skip_group(
        &mut self,
        cursor: &mut Cursor<'_>,
        group: &Group,
        n_args: &[u8],
        n_seen: &mut usize,
    ) -> Result<(), Broken> {
        let (n_tags, n_references) = (self.tags.len(), self.references.len());
        let mut n_ints_of = Vec::with_capacity(group.max_args.into());
        for i in 0..group.max_args {
            let (_, n_ints, n_strings) = self.take_tags(cursor, group.n_having(n_args, i).0)?;
            if n_ints > 0 && cursor.starts_with(column::LIKE) {
                take_like(cursor, n_ints, n_args.len(), |i| n_ints_of.get(i).copied())?;
            }
            column::skip(cursor, n_ints)?;
            n_ints_of.push(n_ints);
            self.take_references(cursor, n_strings, n_seen)?;
            self.tags.truncate(n_tags);
            self.references.truncate(n_references);
        }
        Ok(())
    }

    /// Reads the tags of `n` arguments; tells how many of them are integers and how many strings.
    fn take_tags(&mut self, cursor: &mut Cursor<'_>, n: usize) -> Result<(Column<u8>, usize, usize), Broken> {
        let start = self.tags.len();
        let tags = Column::of(column::take(cursor, n, &mut self.tags)?, start);
        let mut n_of_tag = [0usize; 256];
        match tags {
            Column::Constant(tag) => n_of_tag[usize::from(tag)] = n,
            Column::At(start) => self.tags[start..].iter().for_each(|&tag| n_of_tag[usize::from(tag)] += 1),
        }
        let n_ints = n_of_tag[usize::from(tag::INT)];
        let n_strings = n_of_tag[usize::from(tag::BYTES)] + n_of_tag[usize::from(tag::MALFORMED)];
        if n_of_tag[usize::from(tag::ABSENT)] + n_of_tag[usize::from(tag::EMPTY)] + n_ints + n_strings != n {
            return Err(Broken("an argument is of an unknown sort"));
        }
        Ok((tags, n_ints, n_strings))
    }

    /// Reads the references to `n` strings; tells where they are, and which string the first new one means.
    fn take_references(
        &mut self,
        cursor: &mut Cursor<'_>,
        n: usize,
        n_seen: &mut usize,
    ) -> Result<(usize, usize), Broken> {
        let (next_reference, next_string) = (self.references.len(), *n_seen);
        if let Some(reference) = column::take(cursor, n, &mut self.references)? {
            self.references.resize(next_reference + n, reference);
        }
        let references = &self.references[next_reference..];
        // As wide as the references, of which there are no more than arguments: several are counted at a time.
        *n_seen += references.iter().map(|&reference| u32::from(reference == 0)).sum::<u32>() as usize;
        let highest = references.iter().fold(0, |highest, &reference| reference.max(highest)) as usize;
        if highest.max(*n_seen) > self.strings.len() {
            return Err(Broken("an argument refers to a string that is not there"));
        }
        Ok((next_reference, next_string))
    }
}

impl ArgColumn {
    /// Copies argument `i` of the next rows, whose first arguments stand at `positions`, into the batch.
    fn copy(&mut self, positions: &[u32], i: usize, values: &Values, batch: &mut Batch) {
        let (row, n) = (self.n_done, positions.len());
        self.n_done += n;
        let all = |arg: ColumnArg| std::iter::repeat(arg);
        // Whether a string is new cannot be foretold: both cases are computed.
        let string = |reference: u32, next_string: usize| {
            let index = if reference == 0 { next_string } else { (reference as usize).wrapping_sub(1) };
            values.strings.get(index).copied().unwrap_or_default()
        };
        match self.tags {
            Column::Constant(tag::ABSENT) => batch.set_args(positions, i, all(ColumnArg::Absent)),
            Column::Constant(tag::EMPTY) => batch.set_args(positions, i, all(ColumnArg::Empty)),
            Column::Constant(tag::INT) => match self.ints {
                Column::Constant(v) => batch.set_args(positions, i, all(ColumnArg::Int(v))),
                Column::At(start) => {
                    batch.set_args(positions, i, values.ints[start + row..][..n].iter().map(|&v| ColumnArg::Int(v)));
                }
            },
            Column::Constant(tag) => {
                let references = &values.references[self.next_reference..][..n];
                self.next_reference += n;
                let mut next_string = self.next_string;
                let ranges = references.iter().map(|&reference| {
                    let range = string(reference, next_string);
                    next_string += usize::from(reference == 0);
                    range
                });
                if tag == tag::MALFORMED {
                    batch.set_args(positions, i, ranges.map(ColumnArg::Malformed));
                } else {
                    batch.set_args(positions, i, ranges.map(ColumnArg::Bytes));
                }
                self.next_string = next_string;
            }
            Column::At(start) => {
                let (mut next_int, mut next_reference) = (self.n_ints_done, self.next_reference);
                let mut next_string = self.next_string;
                let int = |k: usize| match self.ints {
                    Column::Constant(v) => v,
                    Column::At(start) => values.ints.get(start + k).copied().unwrap_or_default(),
                };
                let args = values.tags[start + row..][..n].iter().map(|&tag| {
                    // Tags are hard to foretell: what each could mean is looked up, and one of it taken.
                    let reference = values.references.get(next_reference).copied().unwrap_or_default();
                    let is_string = tag >= tag::BYTES;
                    let (v, range) = (int(next_int), string(reference, next_string));
                    next_int += usize::from(tag == tag::INT);
                    next_reference += usize::from(is_string);
                    next_string += usize::from(is_string & (reference == 0));
                    match tag {
                        tag::EMPTY => ColumnArg::Empty,
                        tag::INT => ColumnArg::Int(v),
                        tag::BYTES => ColumnArg::Bytes(range),
                        tag::MALFORMED => ColumnArg::Malformed(range),
                        _ => ColumnArg::Absent,
                    }
                });
                batch.set_args(positions, i, args);
                (self.n_ints_done, self.next_reference) = (next_int, next_reference);
                self.next_string = next_string;
            }
        }
    }
}

/// Reads which column before the next one, of `n` integers of a group of `n_rows` rows, is like: the threads if it is none.
/// `n_ints` tells how many integers a column before has.
fn take_like(
    cursor: &mut Cursor<'_>,
    n: usize,
    n_rows: usize,
    n_ints: impl Fn(usize) -> Option<usize>,
) -> Result<Option<usize>, Broken> {
    const NO_SOURCE: Broken = Broken("a column is like one that is not there");
    cursor.u8()?;
    let source = cursor.length()?.checked_sub(1);
    if n != n_rows || source.is_some_and(|i| n_ints(i) != Some(n_rows)) {
        return Err(NO_SOURCE);
    }
    Ok(source)
}

/// Reads what [`put_ints`] wrote, to the end of `ints`: `n` integers of a group of `n_rows` rows, of which `columns` are the
/// arguments before.
fn take_ints(
    ints: &mut Vec<u64>,
    cursor: &mut Cursor<'_>,
    n: usize,
    n_rows: usize,
    tid: impl Fn(usize) -> u64,
    columns: &[ArgColumn],
) -> Result<Column<u64>, Broken> {
    let start = ints.len();
    if n == 0 || !cursor.starts_with(column::LIKE) {
        return Ok(Column::of(column::take(cursor, n, ints)?, start));
    }
    let source = take_like(cursor, n, n_rows, |i| Some(columns.get(i)?.n_ints))?;
    if let Some(difference) = column::take(cursor, n, ints)? {
        ints.resize(start + n, difference);
    }
    let (before, values) = ints.split_at_mut(start);
    match source.and_then(|i| columns.get(i)).map(|column| column.ints) {
        None => values.iter_mut().enumerate().for_each(|(k, v)| *v = v.wrapping_add(tid(k))),
        Some(Column::Constant(like)) => values.iter_mut().for_each(|v| *v = v.wrapping_add(like)),
        Some(Column::At(like)) => {
            values.iter_mut().zip(&before[like..]).for_each(|(v, like)| *v = v.wrapping_add(*like));
        }
    }
    Ok(Column::At(start))
}
