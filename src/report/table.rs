//! What a table is: columns with a meaning, over rows of one kind.

use std::borrow::Cow;
use std::fmt;
use std::io;

use tracehound_formats::{Nanos, Seq};
use tracehound_signals::visible::utf8;

use crate::case::Case;

/// Type of a column. Every column can be null: null is "unknown" or "does not apply", as the column's text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// Signed 64-bit integer. A number above its range (only a damaged trace has one) stands as the largest.
    Int,
    /// Unsigned 64-bit integer: kernel addresses, inodes and other bit patterns.
    Uint,
    /// Nanoseconds since 1970-01-01 UTC, as a timestamp without time zone: DuckDB shows a timestamp with time zone
    /// in the zone of the session, and its Python package cannot fetch one without a further package. Times after
    /// 2262 stand as the last one before.
    Time,
    /// Text. Bytes that are no UTF-8 stand as `\xff`.
    Text,
    /// List of texts.
    TextList,
}

impl Type {
    /// Name in the schema and the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::Int => "int64",
            Type::Uint => "uint64",
            Type::Time => "timestamp[ns]",
            Type::Text => "utf8",
            Type::TextList => "list<utf8>",
        }
    }
}

/// One column of a table over rows `R`.
pub struct Column<R: 'static> {
    /// Name, in snake case; stable once released.
    pub name: &'static str,
    /// Type.
    pub ty: Type,
    /// Unit of its values; empty if they have none.
    pub unit: &'static str,
    /// Meaning, null case and source: the user manual.
    pub doc: &'static str,
    /// Its value in a row.
    pub get: for<'a> fn(&'a Case<'a>, &'a R) -> Cell<'a>,
}

/// A column.
pub(crate) const fn column<R>(
    name: &'static str,
    ty: Type,
    unit: &'static str,
    doc: &'static str,
    get: for<'a> fn(&'a Case<'a>, &'a R) -> Cell<'a>,
) -> Column<R> {
    Column { name, ty, unit, doc, get }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Unknown, or does not apply.
    Null,
    /// Of [`Type::Bool`].
    Bool(bool),
    /// Of [`Type::Int`].
    Int(i64),
    /// Of [`Type::Uint`].
    Uint(u64),
    /// Of [`Type::Time`].
    Time(Nanos),
    /// Of [`Type::Text`].
    Text(Cow<'a, str>),
    /// Of [`Type::TextList`].
    List(Vec<Cow<'a, str>>),
}

impl<'a> Cell<'a> {
    /// A value, or null.
    pub(crate) fn option<T>(value: Option<T>, make: impl FnOnce(T) -> Cell<'a>) -> Cell<'a> {
        value.map_or(Cell::Null, make)
    }

    /// A count or number, as the nearest signed one.
    pub(crate) fn count(n: u64) -> Cell<'a> {
        Cell::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// The number of an event.
    pub(crate) fn seq(seq: Seq) -> Cell<'a> {
        Cell::count(seq.0)
    }

    /// Text of this program.
    pub(crate) fn text(text: &'a str) -> Cell<'a> {
        Cell::Text(Cow::Borrowed(text))
    }

    /// Text made for this cell.
    pub(crate) fn owned(text: String) -> Cell<'a> {
        Cell::Text(Cow::Owned(text))
    }

    /// Bytes of the trace, at most [`MAX_TEXT`] of them.
    pub(crate) fn bytes(bytes: &'a [u8]) -> Cell<'a> {
        match bytes.len().checked_sub(MAX_TEXT) {
            None | Some(0) => Cell::Text(utf8(bytes)),
            Some(n_cut) => Cell::owned(format!("{}{}", utf8(&bytes[..MAX_TEXT]), cut_mark(n_cut))),
        }
    }

    /// Texts of this program or of rules.
    pub(crate) fn texts(texts: &'a [String]) -> Cell<'a> {
        Cell::List(texts.iter().map(|text| Cow::Borrowed(text.as_str())).collect())
    }

    /// Strings of the trace, a NUL after each; together at most [`MAX_TEXT`] bytes, and then how many were cut.
    pub(crate) fn nul_separated(bytes: &'a [u8]) -> Cell<'a> {
        let n_cut = bytes.len().saturating_sub(MAX_TEXT);
        let mut list: Vec<Cow<'a, str>> = split_nul(&bytes[..bytes.len() - n_cut]).map(utf8).collect();
        if n_cut > 0 {
            list.push(cut_mark(n_cut).into());
        }
        Cell::List(list)
    }
}

/// Longest text or list of a cell, in bytes. A text of a trace is stored once, but stands in the row of every
/// process that inherits it: without a bound, a megabyte of arguments and a thousand forks are a gigabyte of table.
pub const MAX_TEXT: usize = 64 * 1024;

/// What stands at the end of a text that was cut.
fn cut_mark(n_cut: usize) -> String {
    format!("…[{n_cut} more bytes]")
}

/// Strings with a NUL after each (the last one may lack it).
pub(crate) fn split_nul(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    let is_empty = bytes.is_empty();
    bytes.split(|&b| b == 0).filter(move |_| !is_empty)
}

/// A table: name, columns, and how its rows come out of a case.
pub struct Table<R: 'static> {
    /// Name: `processes` is written to `processes.parquet`.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Columns in order.
    pub columns: &'static [Column<R>],
    /// Columns that rows are ordered by, ascending, nulls first.
    pub sorted_by: &'static [&'static str],
    /// The rows, in that order.
    pub rows: fn(&Case<'_>) -> Vec<R>,
}

/// What a table says about itself.
#[derive(Clone, Debug)]
pub struct TableInfo {
    /// Name.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Columns that rows are ordered by.
    pub sorted_by: &'static [&'static str],
    /// Columns in order.
    pub columns: Vec<ColumnInfo>,
}

/// What a column says about itself.
#[derive(Clone, Copy, Debug)]
pub struct ColumnInfo {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub ty: Type,
    /// Unit, or empty.
    pub unit: &'static str,
    /// Meaning.
    pub doc: &'static str,
}

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The Parquet writer refused; a mistake of this program.
    #[error("{0}")]
    Parquet(parquet::errors::ParquetError),
    /// Columns do not fit together; a mistake of this program.
    #[error("{0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}

impl From<parquet::errors::ParquetError> for TableError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        match error {
            // What is wrong with the file comes wrapped.
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => TableError::Io(*error),
                Err(inner) => TableError::Parquet(parquet::errors::ParquetError::External(inner)),
            },
            error => TableError::Parquet(error),
        }
    }
}

/// A block of rows, asked by position.
pub trait Rows: Sync {
    /// Number of rows.
    fn len(&self) -> usize;
    /// True without rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// A value.
    fn cell(&self, row: usize, column: usize) -> Cell<'_>;
}

/// Writes the rows of one table in some format, block by block.
pub trait TableSink {
    /// Some further rows.
    fn rows(&mut self, rows: &dyn Rows) -> Result<(), TableError>;
    /// After the last row. A file is complete only after this.
    fn finish(&mut self) -> Result<(), TableError>;
}

/// Rows given to a sink at a time: bounds, with [`MAX_TEXT`], what a sink holds in memory.
const BLOCK: usize = 2 * 1024;

struct Block<'a, R: 'static> {
    case: &'a Case<'a>,
    columns: &'static [Column<R>],
    rows: &'a [R],
}

impl<R: Sync> Rows for Block<'_, R> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let cell = (self.columns[column].get)(self.case, &self.rows[row]);
        debug_assert!(cell.fits(self.columns[column].ty), "{}: {cell:?}", self.columns[column].name);
        cell
    }
}

impl Cell<'_> {
    fn fits(&self, ty: Type) -> bool {
        match self {
            Cell::Null => true,
            Cell::Bool(_) => ty == Type::Bool,
            Cell::Int(_) => ty == Type::Int,
            Cell::Uint(_) => ty == Type::Uint,
            Cell::Time(_) => ty == Type::Time,
            Cell::Text(_) => ty == Type::Text,
            Cell::List(_) => ty == Type::TextList,
        }
    }
}

impl<R: Sync> Table<R> {
    /// Gives rows to a sink.
    pub fn write_rows(&self, case: &Case<'_>, rows: &[R], sink: &mut dyn TableSink) -> Result<(), TableError> {
        rows.chunks(BLOCK).try_for_each(|rows| sink.rows(&Block { case, columns: self.columns, rows }))
    }
}

/// A table of any kind of row.
pub trait AnyTable: Sync {
    /// What it says about itself.
    fn info(&self) -> TableInfo;
    /// Gives all rows of a case to a sink and finishes it; returns the number of rows.
    fn write(&self, case: &Case<'_>, sink: &mut dyn TableSink) -> Result<u64, TableError>;
}

impl<R: Sync> AnyTable for Table<R> {
    fn info(&self) -> TableInfo {
        let columns = self.columns.iter().map(|c| ColumnInfo { name: c.name, ty: c.ty, unit: c.unit, doc: c.doc });
        TableInfo { name: self.name, doc: self.doc, sorted_by: self.sorted_by, columns: columns.collect() }
    }

    fn write(&self, case: &Case<'_>, sink: &mut dyn TableSink) -> Result<u64, TableError> {
        let rows = (self.rows)(case);
        self.write_rows(case, &rows, sink)?;
        sink.finish()?;
        Ok(rows.len() as u64)
    }
}

impl fmt::Debug for dyn AnyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info().fmt(f)
    }
}
