//! Formats of tables.

mod csv;
mod jsonl;
mod parquet;

pub use self::csv::CsvSink;
pub use self::jsonl::JsonLinesSink;
pub use self::parquet::{ParquetSink, arrow_schema};
