//! A table as comma-separated values, safe to open in a spreadsheet.

use std::io::Write;

use crate::sink::jsonl::{json, time};
use crate::table::{Cell, Rows, TableError, TableInfo, TableSink};

/// RFC 4180 with `\n` line ends: a header, then one line a row. Null is empty; lists are JSON arrays; times are
/// RFC 3339. A text that a spreadsheet would take for a formula gets a `'` in front.
pub struct CsvSink<W: Write> {
    out: W,
    info: TableInfo,
    line: Vec<u8>,
    has_header: bool,
}

impl<W: Write> CsvSink<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W, info: TableInfo) -> Self {
        CsvSink { out, info, line: Vec::new(), has_header: false }
    }

    /// The header comes with the first block, or at the end of a table without rows.
    fn header(&mut self) -> Result<(), TableError> {
        if !std::mem::replace(&mut self.has_header, true) {
            let names: Vec<&str> = self.info.columns.iter().map(|column| column.name).collect();
            writeln!(self.out, "{}", names.join(","))?;
        }
        Ok(())
    }
}

impl<W: Write> TableSink for CsvSink<W> {
    fn rows(&mut self, rows: &dyn Rows) -> Result<(), TableError> {
        self.header()?;
        for row in 0..rows.len() {
            self.line.clear();
            for i in 0..self.info.columns.len() {
                if i > 0 {
                    self.line.push(b',');
                }
                write_cell(&mut self.line, &rows.cell(row, i));
            }
            self.line.push(b'\n');
            self.out.write_all(&self.line)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        self.header()?;
        Ok(self.out.flush()?)
    }
}

fn write_cell(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Null => {}
        Cell::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Cell::Int(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Cell::Uint(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Cell::Time(ns) => out.extend_from_slice(time(*ns).as_bytes()),
        Cell::Text(text) => write_text(out, text.as_bytes()),
        Cell::List(list) => {
            let mut array = Vec::new();
            json(&mut array, list);
            write_text(out, &array);
        }
    }
}

/// Characters that start a formula in some spreadsheet; tab and carriage return are skipped before one.
const FORMULA: &[u8] = b"=+-@\t\r";

fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    let is_formula = text.first().is_some_and(|first| FORMULA.contains(first));
    // An empty text is quoted, so that it differs from null.
    let is_quoted = is_formula || text.is_empty() || text.iter().any(|b| b",\"\r\n".contains(b));
    if !is_quoted {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    if is_formula {
        out.push(b'\'');
    }
    for &b in text {
        if b == b'"' {
            out.push(b'"');
        }
        out.push(b);
    }
    out.push(b'"');
}
