//! `suppressions`: one row a suppression.

use std::borrow::Cow;

use crate::accounting::{self, Hidden, State};
use crate::case::{Case, SuppressionOutcome};
use crate::table::{Cell, Column, Table, Type, column};

/// A suppression, by position in [`Case::suppressions`], and what it hid.
pub struct Row {
    suppression: usize,
    hidden: Hidden,
}

/// The table.
pub static TABLE: Table<Row> = Table {
    name: "suppressions",
    doc: "One row per suppression, in the order loaded; first the filters that stand at rules: what each hid. Nothing \
          that is hidden is missing from `signals`.",
    columns: COLUMNS,
    sorted_by: &["index"],
    rows: |case| {
        let hidden = accounting::hidden(case).into_iter().enumerate();
        hidden.map(|(suppression, hidden)| Row { suppression, hidden }).collect()
    },
};

fn outcome<'a>(case: &'a Case<'_>, row: &Row) -> &'a SuppressionOutcome {
    &case.suppressions[row.suppression]
}

fn text_or_null(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Null } else { Cell::text(text) }
}

static COLUMNS: &[Column<Row>] = &[
    column("index", Type::Int, "", "Position among the suppressions loaded, from 0.", |_, row| {
        Cell::count(row.suppression as u64)
    }),
    column("suppression", Type::Text, "", "Name; `signals.suppressed_by`.", |case, row| {
        Cell::text(&outcome(case, row).name)
    }),
    column("kind", Type::Text, "", "`suppression` of a file, or `filter` of a rule.", |case, row| {
        Cell::text(outcome(case, row).kind)
    }),
    column(
        "state",
        Type::Text,
        "",
        "`active` if it hid something, `dead` if it applied and hid nothing, `expired` or `not_started` by its dates, \
         `disabled` if it is switched off.",
        |case, row| Cell::text(State::of(outcome(case, row), &row.hidden).name()),
    ),
    column("n_signals", Type::Int, "signals", "Signals it matched, and so hid.", |_, row| {
        Cell::count(row.hidden.n_signals)
    }),
    column(
        "n_decided",
        Type::Int,
        "signals",
        "Of these, signals for which it is the first that matches, in the order loaded.",
        |_, row| Cell::count(row.hidden.n_decided),
    ),
    column(
        "n_alone",
        Type::Int,
        "signals",
        "Of these, signals that no other suppression hides: they fire without it.",
        |_, row| Cell::count(row.hidden.n_alone),
    ),
    column(
        "n_excluded",
        Type::Int,
        "signals",
        "Of these, signals whose event its data exclusion query matches: its rules do not see the event.",
        |case, row| Cell::count(outcome(case, row).n_excluded),
    ),
    column("n_processes", Type::Int, "processes", "Processes that these signals are on.", |_, row| {
        Cell::count(row.hidden.n_processes)
    }),
    column("n_hosts", Type::Int, "hosts", "Hosts that these signals are from.", |_, row| {
        Cell::count(row.hidden.n_hosts)
    }),
    column("n_rules", Type::Int, "rules", "Rules that these signals are of.", |_, row| {
        Cell::count(row.hidden.rules.len() as u64)
    }),
    column("rules", Type::TextList, "", "Names of these rules, sorted; `rules.rule`.", |_, row| {
        Cell::List(row.hidden.rules.iter().map(|name| Cow::Borrowed(name.as_str())).collect())
    }),
    column(
        "first_ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of the first of these signals; null if there is none.",
        |_, row| Cell::option(row.hidden.span, |[(_, ts), _]| Cell::Time(ts)),
    ),
    column("first_seq", Type::Int, "event number", "Its event.", |_, row| {
        Cell::option(row.hidden.span, |[(seq, _), _]| Cell::seq(seq))
    }),
    column(
        "last_ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of the last of these signals; null if there is none.",
        |_, row| Cell::option(row.hidden.span, |[_, (_, ts)]| Cell::Time(ts)),
    ),
    column("last_seq", Type::Int, "event number", "Its event.", |_, row| {
        Cell::option(row.hidden.span, |[_, (seq, _)]| Cell::seq(seq))
    }),
    column(
        "is_shadowed",
        Type::Bool,
        "",
        "True if it hid something, and every signal of it is hidden by another one too.",
        |_, row| Cell::Bool(row.hidden.is_shadowed()),
    ),
    column(
        "overlaps",
        Type::TextList,
        "",
        "Suppressions that hid some of the same signals, in the order loaded: `N: name` each. Of more than 64 that \
         match one signal, the first 64 are compared.",
        |case, row| {
            let overlaps = row.hidden.overlaps.iter();
            Cell::List(overlaps.map(|(&i, n)| Cow::Owned(format!("{n}: {}", case.suppressions[i].name))).collect())
        },
    ),
    column(
        "n_not_started",
        Type::Int,
        "signals",
        "Signals that it matches and does not hide because it had not started.",
        |case, row| Cell::count(outcome(case, row).inactive.n_not_started),
    ),
    column(
        "n_expired",
        Type::Int,
        "signals",
        "Signals that it matches and does not hide because it had expired.",
        |case, row| Cell::count(outcome(case, row).inactive.n_expired),
    ),
    column(
        "n_disabled",
        Type::Int,
        "signals",
        "Signals that it matches and does not hide because it is switched off.",
        |case, row| Cell::count(outcome(case, row).inactive.n_disabled),
    ),
    column("n_rules_selected", Type::Int, "rules", "Rules loaded that its rule query selects.", |case, row| {
        Cell::count(outcome(case, row).n_rules)
    }),
    column("is_enabled", Type::Bool, "", "False if it is switched off.", |case, row| {
        Cell::Bool(outcome(case, row).is_enabled)
    }),
    column(
        "start",
        Type::Time,
        "ns since epoch, UTC",
        "First moment at which it applies; null if it always did.",
        |case, row| Cell::option(outcome(case, row).start, Cell::Time),
    ),
    column(
        "expiration",
        Type::Time,
        "ns since epoch, UTC",
        "First moment at which it no longer applies; null if it never ends.",
        |case, row| Cell::option(outcome(case, row).expiration, Cell::Time),
    ),
    column(
        "clock",
        Type::Text,
        "",
        "What start and expiration are compared with: `event`, the time of each event, or the moment given by \
         `--now`.",
        |case, row| Cell::text(&outcome(case, row).clock),
    ),
    column("owner", Type::Text, "", "Who answers for it; null if nobody is named.", |case, row| {
        text_or_null(&outcome(case, row).owner)
    }),
    column("description", Type::Text, "", "What it is for; null if it does not say.", |case, row| {
        text_or_null(&outcome(case, row).description)
    }),
    column("reason", Type::Text, "", "Why what it hides is benign; null if it does not say.", |case, row| {
        text_or_null(&outcome(case, row).reason)
    }),
    column("ticket", Type::Text, "", "Where that was decided; null if it does not say.", |case, row| {
        text_or_null(&outcome(case, row).ticket)
    }),
    column("rule_query", Type::Text, "", "Which rules it applies to, as written.", |case, row| {
        text_or_null(&outcome(case, row).rule_query)
    }),
    column(
        "suppression_query",
        Type::Text,
        "",
        "Which signals it hides, as written; null if none. Of a rule's filter that says `require`, which signals it \
         leaves.",
        |case, row| text_or_null(&outcome(case, row).suppression_query),
    ),
    column(
        "data_exclusion_query",
        Type::Text,
        "",
        "Which events its rules do not see, as written; null if none.",
        |case, row| text_or_null(&outcome(case, row).data_exclusion_query),
    ),
    column("path", Type::Text, "", "File it is written in, as given.", |case, row| {
        Cell::text(&outcome(case, row).path)
    }),
    column("line", Type::Int, "", "Line of its name, from 1.", |case, row| Cell::Int(outcome(case, row).line.into())),
];
