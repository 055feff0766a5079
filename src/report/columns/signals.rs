//! `signals`: one row a signal.

use tracehound_signals::{Priority, Signal};

use crate::case::Case;
use crate::table::{Cell, Column, Table, Type, column};

/// Position in [`Case::signals`].
pub struct Row(usize);

/// The table.
pub static TABLE: Table<Row> = Table {
    name: "signals",
    doc: "One row per signal: a rule that matched an event. Suppressed signals are rows too; `verdict` tells.",
    columns: COLUMNS,
    sorted_by: &["ts", "seq"],
    rows: |case| {
        let mut rows: Vec<usize> = (0..case.signals.len()).collect();
        rows.sort_by_key(|&i| (case.signals[i].ts, case.signals[i].seq));
        rows.into_iter().map(Row).collect()
    },
};

fn signal<'a>(case: &'a Case<'_>, row: &Row) -> &'a Signal {
    &case.signals[row.0]
}

static COLUMNS: &[Column<Row>] = &[
    column(
        "ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of the event; for a system call the time of its return.",
        |case, row| Cell::Time(signal(case, row).ts),
    ),
    column(
        "seq",
        Type::Int,
        "event number",
        "Number of the event in the trace; Falco's and sysdig's `evt.num`.",
        |case, row| Cell::seq(signal(case, row).seq),
    ),
    column(
        "id",
        Type::Text,
        "",
        "Stable id of the signal, 16 hexadecimal digits: the same in every run on the same trace. Made from the \
         trace, the rule's name and `seq`.",
        |case, row| Cell::owned(signal(case, row).id.to_string()),
    ),
    column("rule", Type::Text, "", "Name of the rule; `rules.rule`.", |case, row| {
        Cell::text(&signal(case, row).rule.name)
    }),
    column("priority", Type::Text, "", "Priority of the rule: `Emergency` to `Debug`.", |case, row| {
        Cell::text(signal(case, row).rule.priority.name())
    }),
    column(
        "severity",
        Type::Int,
        "",
        "The priority as a number, 0 (Emergency) to 7 (Debug), to order by.",
        |case, row| severity(signal(case, row).rule.priority),
    ),
    column("source", Type::Text, "", "Source of events the rule is for; `syscall`.", |case, row| {
        Cell::text(&signal(case, row).rule.source)
    }),
    column("tags", Type::TextList, "", "Tags of the rule, sorted.", |case, row| {
        Cell::texts(&signal(case, row).rule.tags)
    }),
    column("hostname", Type::Text, "", "Host the trace was recorded on; null if unknown.", |case, row| {
        let name = &*signal(case, row).hostname;
        if name.is_empty() { Cell::Null } else { Cell::text(name) }
    }),
    column(
        "message",
        Type::Text,
        "",
        "The rule's output with its fields filled in, without time and priority.",
        |case, row| Cell::bytes(&signal(case, row).message),
    ),
    column(
        "output_fields",
        Type::Text,
        "",
        "The fields that the output names and their values, as a JSON object ordered by field.",
        |case, row| {
            let fields = serde_json::to_string(&signal(case, row).output_fields);
            Cell::option(fields.ok(), Cell::owned)
        },
    ),
    column(
        "process",
        Type::Text,
        "",
        "Key of the acting process instance; `processes.process`. Null for an event without a process.",
        |case, row| Cell::option(signal(case, row).process, |process| case.key_cell(process)),
    ),
    column(
        "pid",
        Type::Int,
        "",
        "Process id in the host's pid namespace; null if the process is unknown.",
        |case, row| Cell::option(signal(case, row).process, |process| case.pid_cell(process)),
    ),
    column(
        "tid",
        Type::Int,
        "",
        "Thread id in the host's pid namespace; null for an event without a thread.",
        |case, row| {
            let tid = signal(case, row).tid.0;
            if tid < 0 { Cell::Null } else { Cell::Int(tid) }
        },
    ),
    column("verdict", Type::Text, "", "`fired`, or `suppressed` by some suppression.", |case, row| {
        Cell::text(signal(case, row).verdict.name())
    }),
    column(
        "suppressed_by",
        Type::TextList,
        "",
        "Names of the suppressions that match; empty if it fired.",
        |case, row| Cell::texts(signal(case, row).verdict.suppressed_by()),
    ),
    column(
        "evidence",
        Type::Text,
        "",
        "`complete`, or `degraded` if something that the signal depends on is known to be missing from the trace.",
        |case, row| Cell::text(signal(case, row).evidence.name()),
    ),
    column(
        "evidence_why",
        Type::TextList,
        "",
        "What is missing: `code: explanation` each; empty if complete.",
        |case, row| {
            Cell::List(signal(case, row).evidence.reasons().iter().map(|reason| reason.to_string().into()).collect())
        },
    ),
];

/// The number of a priority: 0 is the most severe.
pub(super) fn severity(priority: Priority) -> Cell<'static> {
    Cell::option(Priority::ALL.iter().position(|&p| p == priority), |i| Cell::count(i as u64))
}
