//! Signals and history as described tables, a summary, and a process tree in the terminal.
//!
//! A table is a slice of [`table::Column`]s over rows of one kind, one file a table in `columns/`; Parquet, JSON
//! lines, CSV, the schema snapshot and `docs/columns.md` are all derived from it. What this crate deliberately
//! leaves out: verdicts. A report cannot change what fired.

pub mod accounting;
pub mod case;
pub mod columns;
pub mod density;
pub mod diagram;
pub mod docs;
pub mod html;
pub mod overview;
pub mod path;
pub mod screen;
pub mod sink;
pub mod summary;
pub mod table;
pub mod timeline;
pub mod times;
pub mod tree;

mod lineage;

pub use case::{Case, Inactive, Loss, RuleOutcome, Source, SuppressionOutcome};
pub use columns::{EVENTS, TABLES};
pub use lineage::birth_line;
pub use path::{AttackPath, Paths};
pub use sink::{CsvSink, JsonLinesSink, ParquetSink};
pub use table::{AnyTable, TableError, TableSink};
pub use times::RowTimes;
