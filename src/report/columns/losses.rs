//! `losses`: what is missing from the trace, one row a place or reason.

use tracehound_formats::{Damage, reader::Skipped};

use crate::case::{Case, Loss};
use crate::table::{Cell, Column, Table, Type, column};

/// One thing that is missing, by position in where it is listed.
pub enum Row {
    /// In `ReadNotes::damage`.
    Damage(usize),
    /// Damage beyond what is kept one by one.
    MoreDamage(u64),
    /// In [`Case::losses`].
    Loss(usize),
    /// In `ReadNotes::skipped`.
    Skipped(usize),
    /// System calls that had not returned.
    Unfinished(u64),
}

/// The table.
pub static TABLE: Table<Row> = Table {
    name: "losses",
    doc: "One row per thing missing from the trace: damaged bytes, events that the recorder lost, records left out. \
          Rows of kind `skipped` are records that say nothing, or that this version does not know; without any \
          other row, nothing is known to be missing.",
    columns: COLUMNS,
    sorted_by: &["ts", "offset"],
    rows: |case| {
        let mut rows: Vec<Row> = (0..case.notes.damage.len()).map(Row::Damage).collect();
        let n_more = case.notes.n_damage.saturating_sub(case.notes.damage.len() as u64);
        if n_more > 0 {
            rows.push(Row::MoreDamage(n_more));
        }
        rows.extend((0..case.notes.skipped.len()).map(Row::Skipped));
        if case.notes.n_unfinished > 0 {
            rows.push(Row::Unfinished(case.notes.n_unfinished));
        }
        rows.extend((0..case.losses.len()).map(Row::Loss));
        // Rows without a time come first, by offset and then in this order; then losses by time.
        rows.sort_by_key(|row| (loss(case, row).map(|loss| loss.ts), damage(case, row).map(|damage| damage.offset)));
        rows
    },
};

fn loss<'a>(case: &'a Case<'_>, row: &Row) -> Option<&'a Loss> {
    if let Row::Loss(i) = row { case.losses.get(*i) } else { None }
}

fn damage<'a>(case: &'a Case<'_>, row: &Row) -> Option<&'a Damage> {
    if let Row::Damage(i) = row { case.notes.damage.get(*i) } else { None }
}

fn skipped<'a>(case: &'a Case<'_>, row: &Row) -> Option<&'a Skipped> {
    if let Row::Skipped(i) = row { case.notes.skipped.get(*i) } else { None }
}

static COLUMNS: &[Column<Row>] = &[
    column(
        "ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of the record of a loss; null for damage and records left out.",
        |case, row| Cell::option(loss(case, row), |loss| Cell::Time(loss.ts)),
    ),
    column(
        "seq",
        Type::Int,
        "event number",
        "Event number of the record of a loss; for damage, the last event known to be before it. Null for the others.",
        |case, row| {
            let seq = loss(case, row).map(|loss| loss.seq).or(damage(case, row).map(|damage| damage.after));
            Cell::option(seq, Cell::seq)
        },
    ),
    column(
        "kind",
        Type::Text,
        "",
        "`damage` (bytes that cannot be read), `lost_events` (the recorder says so), `skipped` (records that are \
         no events, or of an unknown kind), `unfinished` (system calls that had not returned).",
        |_, row| {
            Cell::text(match row {
                Row::Damage(_) | Row::MoreDamage(_) => "damage",
                Row::Loss(_) => "lost_events",
                Row::Skipped(_) => "skipped",
                Row::Unfinished(_) => "unfinished",
            })
        },
    ),
    column(
        "offset",
        Type::Int,
        "bytes",
        "Offset of damage in the file (or in the unpacked stream); null otherwise.",
        |case, row| Cell::option(damage(case, row), |damage| Cell::count(damage.offset)),
    ),
    column(
        "n",
        Type::Int,
        "",
        "How many events or records (damage: places); null if unknown.",
        |case, row| match row {
            Row::Damage(_) => Cell::Int(1),
            Row::MoreDamage(n) | Row::Unfinished(n) => Cell::count(*n),
            Row::Loss(_) => Cell::option(loss(case, row).and_then(|loss| loss.n_events), Cell::count),
            Row::Skipped(_) => Cell::option(skipped(case, row), |skipped| Cell::count(skipped.n)),
        },
    ),
    column("cpu", Type::Int, "", "CPU the events were lost on; null if unknown.", |case, row| {
        Cell::option(loss(case, row).and_then(|loss| loss.cpu), Cell::count)
    }),
    column(
        "from_ts",
        Type::Time,
        "ns since epoch, UTC",
        "First moment at which an event may be missing; null if unknown.",
        |case, row| Cell::option(loss(case, row).and_then(|loss| loss.from), Cell::Time),
    ),
    column(
        "to_ts",
        Type::Time,
        "ns since epoch, UTC",
        "Last moment at which an event may be missing; null if unknown.",
        |case, row| Cell::option(loss(case, row).and_then(|loss| loss.to), Cell::Time),
    ),
    column("what", Type::Text, "", "What is wrong, and what was done about it.", |case, row| match row {
        Row::Damage(_) => Cell::option(damage(case, row), |damage| Cell::text(&damage.what)),
        Row::MoreDamage(_) => Cell::text("further damage, counted only"),
        Row::Loss(_) => Cell::option(loss(case, row), |loss| Cell::text(&loss.cause)),
        Row::Skipped(_) => Cell::option(skipped(case, row), |skipped| Cell::text(&skipped.what)),
        Row::Unfinished(_) => Cell::text("system calls that had not returned when the trace ended"),
    }),
];
