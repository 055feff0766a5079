//! A table as one JSON object a row.

use std::io::Write;

use tracehound_formats::Nanos;
use tracehound_signals::time::Rfc3339;

use crate::table::{Cell, Rows, TableError, TableInfo, TableSink};

/// One object a row; keys in the order of the columns, times as RFC 3339 with nanoseconds, null for null.
pub struct JsonLinesSink<W: Write> {
    out: W,
    info: TableInfo,
    line: Vec<u8>,
}

impl<W: Write> JsonLinesSink<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W, info: TableInfo) -> Self {
        JsonLinesSink { out, info, line: Vec::new() }
    }
}

impl<W: Write> TableSink for JsonLinesSink<W> {
    fn rows(&mut self, rows: &dyn Rows) -> Result<(), TableError> {
        for row in 0..rows.len() {
            self.line.clear();
            for (i, column) in self.info.columns.iter().enumerate() {
                self.line.push(if i == 0 { b'{' } else { b',' });
                json(&mut self.line, column.name);
                self.line.push(b':');
                write_cell(&mut self.line, &rows.cell(row, i));
            }
            self.line.extend_from_slice(b"}\n");
            self.out.write_all(&self.line)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        Ok(self.out.flush()?)
    }
}

fn write_cell(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Bool(b) => json(out, b),
        Cell::Int(v) => json(out, v),
        Cell::Uint(v) => json(out, v),
        Cell::Time(ns) => json(out, &time(*ns)),
        Cell::Text(text) => json(out, &**text),
        Cell::List(list) => json(out, list),
    }
}

/// A time in machine output.
pub(super) fn time(ns: Nanos) -> String {
    Rfc3339(ns).to_string()
}

pub(super) fn json(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("texts and numbers to memory cannot fail");
}
