//! What the tables say about themselves, as text: the schema that is compared from release to release, and the
//! manual.

use std::fmt::Write;

use crate::columns::{EVENTS, TABLES};
use crate::table::{AnyTable, TableInfo};

/// All tables, `events` last.
pub fn tables() -> Vec<TableInfo> {
    TABLES.iter().map(|table| table.info()).chain([EVENTS.info()]).collect()
}

/// One line a column: `table.column type unit`. Committed as `src/report/schema.txt`; a difference is a change
/// that CHANGELOG names.
pub fn schema() -> String {
    let mut out = String::new();
    for table in tables() {
        for column in &table.columns {
            let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{}.{} {}{unit}", table.name, column.name, column.ty.name());
        }
    }
    out
}

/// The manual of all columns, `docs/columns.md`.
pub fn markdown() -> String {
    let mut out = String::from(PREFACE);
    for table in tables() {
        let order: Vec<String> = table.sorted_by.iter().map(|name| format!("`{name}`")).collect();
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## {}\n\n{}\nOrdered by {}.\n\n", table.name, squeeze(table.doc), order.join(", "));
        out.push_str("| column | type | unit | meaning |\n|---|---|---|---|\n");
        for column in &table.columns {
            let doc = squeeze(column.doc).replace('|', "\\|");
            let _ = writeln!(out, "| `{}` | `{}` | {} | {doc} |", column.name, column.ty.name(), column.unit);
        }
    }
    out
}

/// The text with single blanks.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const PREFACE: &str = "\
# Tables

What `analyze -o DIR` writes, one Parquet file a table. This page is made from `src/report/columns/`; a test keeps \
it up to date.

* Every column can be null. Null means *unknown* or *does not apply*, never zero or empty.
* Times are nanoseconds since 1970-01-01 UTC, as timestamps without a time zone, so that no tool \
moves them to the local one. A time after 2262 (only a damaged trace has one) stands as the last one before.
* Texts are UTF-8. Names in a trace are any bytes: a byte that is no UTF-8 stands as `\\xff`. Control characters \
stand as they are; a terminal should not be given them unescaped. A text or list of more than 64 KiB is cut, and says \
so at its end: `…[123 more bytes]`.
* `process` in any table is `processes.process`: one life of a process, not a pid that may have been used again.
* Each column's meaning and unit also stand in the files: Arrow field metadata (`doc`, `unit`, `type`) and the \
key-value metadata `tracehound.columns` (DuckDB: `parquet_kv_metadata`).

Signals with the names of all ancestors, in DuckDB:

```sql
WITH RECURSIVE up AS (
  SELECT id, rule, process, 0 AS level FROM 'signals.parquet'
  UNION ALL
  SELECT up.id, up.rule, p.birth_parent, level + 1
  FROM up JOIN 'processes.parquet' p ON p.process = up.process
  WHERE p.birth_parent IS NOT NULL AND level < 1000
)
SELECT up.id, up.rule, string_agg(p.name, ' < ' ORDER BY level) AS lineage
FROM up JOIN 'processes.parquet' p ON p.process = up.process
GROUP BY ALL;
```
";
