//! `rules`: one row a rule.

use crate::case::{Case, RuleOutcome};
use crate::columns::signals::severity;
use crate::table::{Cell, Column, Table, Type, column};
use tracehound_signals::Verdict;

/// A rule, by position in [`Case::rules`], and its hits.
pub struct Row {
    rule: usize,
    n_hits: u64,
    n_suppressed: u64,
    n_degraded: u64,
}

/// The table.
pub static TABLE: Table<Row> = Table {
    name: "rules",
    doc: "One row per rule loaded, in the order loaded: how often it matched, and why it could not be evaluated.",
    columns: COLUMNS,
    sorted_by: &["index"],
    rows,
};

pub(crate) fn rows(case: &Case<'_>) -> Vec<Row> {
    let empty = |rule| Row { rule, n_hits: 0, n_suppressed: 0, n_degraded: 0 };
    let mut rows: Vec<Row> = (0..case.rules.len()).map(empty).collect();
    rows.sort_by_key(|row| case.rules[row.rule].rule.index);
    for signal in case.signals {
        let found = rows.binary_search_by_key(&signal.rule.index, |row| case.rules[row.rule].rule.index);
        let Some(row) = found.ok().and_then(|i| rows.get_mut(i)) else { continue };
        row.n_hits += 1;
        row.n_suppressed += u64::from(signal.verdict != Verdict::Fired);
        row.n_degraded += u64::from(!signal.evidence.reasons().is_empty());
    }
    rows
}

fn outcome<'a>(case: &'a Case<'_>, row: &Row) -> &'a RuleOutcome {
    &case.rules[row.rule]
}

static COLUMNS: &[Column<Row>] = &[
    column("index", Type::Int, "", "Position among the rules loaded, from 0.", |case, row| {
        Cell::count(outcome(case, row).rule.index as u64)
    }),
    column("rule", Type::Text, "", "Name.", |case, row| Cell::text(&outcome(case, row).rule.name)),
    column("priority", Type::Text, "", "Priority: `Emergency` to `Debug`.", |case, row| {
        Cell::text(outcome(case, row).rule.priority.name())
    }),
    column("severity", Type::Int, "", "The priority as a number, 0 (Emergency) to 7 (Debug).", |case, row| {
        severity(outcome(case, row).rule.priority)
    }),
    column("source", Type::Text, "", "Source of events; `syscall`.", |case, row| {
        Cell::text(&outcome(case, row).rule.source)
    }),
    column("tags", Type::TextList, "", "Tags, sorted.", |case, row| Cell::texts(&outcome(case, row).rule.tags)),
    column("is_enabled", Type::Bool, "", "False if it was loaded but switched off.", |case, row| {
        Cell::Bool(outcome(case, row).is_enabled)
    }),
    column(
        "is_evaluated",
        Type::Bool,
        "",
        "True if it is enabled and the trace carries what it needs.",
        |case, row| {
            let outcome = outcome(case, row);
            Cell::Bool(outcome.is_enabled && outcome.not_evaluable.is_empty())
        },
    ),
    column(
        "not_evaluable",
        Type::TextList,
        "",
        "Why this trace cannot answer it: `FIELD: what the trace lacks` each. Empty if it can. No hits of such a \
         rule say nothing.",
        |case, row| Cell::texts(&outcome(case, row).not_evaluable),
    ),
    column("n_hits", Type::Int, "signals", "Events it matched: all its signals.", |_, row| Cell::count(row.n_hits)),
    column("n_suppressed", Type::Int, "signals", "Of these, suppressed ones.", |_, row| Cell::count(row.n_suppressed)),
    column("n_degraded", Type::Int, "signals", "Of all, those on degraded evidence.", |_, row| {
        Cell::count(row.n_degraded)
    }),
    column("description", Type::Text, "", "Description.", |case, row| Cell::text(&outcome(case, row).description)),
    column("path", Type::Text, "", "File it is defined in, as given.", |case, row| {
        Cell::text(&outcome(case, row).path)
    }),
    column("line", Type::Int, "", "Line of its definition, from 1.", |case, row| {
        Cell::Int(outcome(case, row).line.into())
    }),
];
