//! A table as Parquet.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BooleanBuilder, Int64Builder, ListBuilder, StringBuilder, TimestampNanosecondBuilder, UInt64Builder,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use crate::table::{Cell, ColumnInfo, Rows, TableError, TableInfo, TableSink, Type};

/// Rows of a row group: bounds what a writer holds in memory, and what a reader must read for one row.
const ROW_GROUP: usize = 128 * 1024;
/// Encoded bytes after which a row group ends before that.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// Rows of a page, so that the page index can skip.
const PAGE: usize = 8 * 1024;

/// Parquet with zstd, dictionaries and page index; times, and numbers that rows are ordered by, as differences. The meaning
/// of columns stands in the metadata of the Arrow fields (`doc`, `unit`, `type`) and, for readers that do not look there,
/// as JSON in the file's key-value metadata (`tracehound.columns`). The same rows give the same bytes.
pub struct ParquetSink<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns_of_group: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    columns: Vec<ColumnInfo>,
    /// Of each column of text, the bytes of the last block: the next one has about as many.
    n_text: Vec<usize>,
    /// Writers of the columns of the row group that is being filled; none before its first row.
    open: Vec<ArrowColumnWriter>,
    n_rows: usize,
}

impl<W: Write + Send> ParquetSink<W> {
    /// Writes a file to `out`.
    pub fn new(out: W, info: &TableInfo) -> Result<Self, TableError> {
        let schema = arrow_schema(info);
        let columns: Vec<serde_json::Value> = info
            .columns
            .iter()
            .map(|c| serde_json::json!({ "name": c.name, "type": c.ty.name(), "unit": c.unit, "doc": c.doc }))
            .collect();
        let metadata = [
            ("tracehound.table", info.name.to_owned()),
            ("tracehound.doc", info.doc.to_owned()),
            ("tracehound.columns", serde_json::Value::from(columns).to_string()),
        ];
        let metadata = metadata.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect();
        let sorted_by = info.sorted_by.iter().filter_map(|name| {
            // Every type here is one leaf of the file, lists too: positions of columns and of leaves agree.
            let i = info.columns.iter().position(|column| column.name == *name)?;
            Some(SortingColumn { column_idx: i as i32, descending: false, nulls_first: true })
        });
        let mut properties = WriterProperties::builder();
        for column in &info.columns {
            // Hardly a value comes twice: a dictionary would hash each one, and hold the whole column of a row group.
            if column.ty == Type::Time || column.ty == Type::Int && info.sorted_by.first() == Some(&column.name) {
                let path = ColumnPath::from(column.name);
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
        let properties = properties
            .set_created_by(concat!("tracehound ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_dictionary_enabled(true)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_data_page_row_count_limit(PAGE)
            .set_sorting_columns(Some(sorted_by.collect()))
            .set_key_value_metadata(Some(metadata))
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
        let (writer, columns_of_group) = writer.into_serialized_writer()?;
        Ok(ParquetSink {
            writer,
            columns_of_group,
            schema,
            columns: info.columns.clone(),
            n_text: vec![0; info.columns.len()],
            open: Vec::new(),
            n_rows: 0,
        })
    }

    /// Writes the row group that is being filled.
    fn end_group(&mut self) -> Result<(), TableError> {
        if self.n_rows == 0 {
            return Ok(());
        }
        self.n_rows = 0;
        let open = std::mem::take(&mut self.open);
        let chunks: Result<Vec<_>, ParquetError> = open.into_par_iter().map(ArrowColumnWriter::close).collect();
        let mut group = self.writer.next_row_group()?;
        for chunk in chunks? {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }
}

impl<W: Write + Send> TableSink for ParquetSink<W> {
    fn rows(&mut self, rows: &dyn Rows) -> Result<(), TableError> {
        if rows.is_empty() {
            return Ok(());
        }
        if self.n_rows == 0 {
            self.open = self.columns_of_group.create_column_writers(self.writer.flushed_row_groups().len())?;
        }
        // Each column is made and encoded on its own, so that the bytes are the same for any number of threads.
        let (columns, fields) = (&self.columns, self.schema.fields());
        let writers = self.open.par_iter_mut().zip(&mut self.n_text).enumerate();
        writers.try_for_each(|(i, (writer, n_text))| -> Result<(), ParquetError> {
            let array = array(columns[i].ty, rows, i, n_text);
            compute_leaves(&fields[i], &array)?.iter().try_for_each(|leaf| writer.write(leaf))
        })?;
        self.n_rows += rows.len();
        let n_bytes: usize = self.open.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum();
        if self.n_rows >= ROW_GROUP || n_bytes >= ROW_GROUP_BYTES { self.end_group() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), TableError> {
        self.end_group()?;
        self.writer.finish()?;
        Ok(self.writer.inner_mut().flush()?)
    }
}

/// The Arrow schema of a table, with the meaning of its columns.
pub fn arrow_schema(info: &TableInfo) -> SchemaRef {
    let fields: Vec<Field> = info.columns.iter().map(field).collect();
    let metadata = HashMap::from([("table".to_owned(), info.name.to_owned()), ("doc".to_owned(), info.doc.to_owned())]);
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

fn field(column: &ColumnInfo) -> Field {
    let ty = match column.ty {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int64,
        Type::Uint => DataType::UInt64,
        Type::Time => DataType::Timestamp(TimeUnit::Nanosecond, None),
        Type::Text => DataType::Utf8,
        Type::TextList => DataType::List(list_item()),
    };
    let metadata = [("doc", column.doc), ("type", column.ty.name()), ("unit", column.unit)];
    let metadata = metadata.into_iter().filter(|(_, text)| !text.is_empty());
    let metadata = metadata.map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
    Field::new(column.name, ty, true).with_metadata(metadata)
}

fn list_item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Utf8, true))
}

/// One column of a block. Of text, `n_text` is about how many bytes it has, and then how many.
fn array(ty: Type, rows: &dyn Rows, column: usize, n_text: &mut usize) -> ArrayRef {
    let cells = (0..rows.len()).map(|row| rows.cell(row, column));
    match ty {
        Type::Bool => {
            let mut array = BooleanBuilder::with_capacity(rows.len());
            cells.for_each(|cell| array.append_option(if let Cell::Bool(b) = cell { Some(b) } else { None }));
            Arc::new(array.finish())
        }
        Type::Int => {
            let mut array = Int64Builder::with_capacity(rows.len());
            cells.for_each(|cell| array.append_option(if let Cell::Int(v) = cell { Some(v) } else { None }));
            Arc::new(array.finish())
        }
        Type::Uint => {
            let mut array = UInt64Builder::with_capacity(rows.len());
            cells.for_each(|cell| array.append_option(if let Cell::Uint(v) = cell { Some(v) } else { None }));
            Arc::new(array.finish())
        }
        Type::Time => {
            let mut array = TimestampNanosecondBuilder::with_capacity(rows.len());
            let ns =
                |cell| if let Cell::Time(ns) = cell { Some(i64::try_from(ns.0).unwrap_or(i64::MAX)) } else { None };
            cells.for_each(|cell| array.append_option(ns(cell)));
            Arc::new(array.finish())
        }
        Type::Text => {
            // A little more than before, so that it seldom grows.
            let mut array = StringBuilder::with_capacity(rows.len(), *n_text + *n_text / 8);
            for cell in cells {
                match cell {
                    Cell::Text(text) => array.append_value(text),
                    _ => array.append_null(),
                }
            }
            *n_text = array.values_slice().len();
            Arc::new(array.finish())
        }
        Type::TextList => {
            let mut array = ListBuilder::new(StringBuilder::new()).with_field(list_item());
            for cell in cells {
                match cell {
                    Cell::List(list) => {
                        list.iter().for_each(|text| array.values().append_value(text));
                        array.append(true);
                    }
                    _ => array.append(false),
                }
            }
            Arc::new(array.finish())
        }
    }
}
