//! `events`: one row an event, on request.

use std::sync::OnceLock;

use tracehound_fields::{FieldRef, Subject, Value, View, resolve};
use tracehound_formats::event::head_flags;
use tracehound_formats::{KindId, Nanos, Seq, Tid};
use tracehound_state::{FileId, ProcessId};

use crate::table::{Cell, Column, Table, Type, column};

/// What the table shows of an event, copied out while it is at hand.
pub struct Row {
    seq: Seq,
    ts: Nanos,
    enter_ns: u64,
    tid: Tid,
    process: Option<ProcessId>,
    kind: KindId,
    cpu: u16,
    ret: Option<i64>,
    fd: Option<i64>,
    file: Option<FileId>,
    args: String,
    flags: u8,
}

/// The table's type: its rows are given to [`Table::write_rows`] as the trace is read.
pub type EventTable = Table<Row>;

/// The table.
pub static TABLE: EventTable = Table {
    name: "events",
    doc: "One row per event, in the order of the trace. Events that the recorder wrote for state only, which no rule \
          sees, have no row: `events` of `summary.json` counts them, and other tables can name their numbers.",
    columns: COLUMNS,
    sorted_by: &["seq"],
    rows: |_| Vec::new(),
};

impl Row {
    /// The row of an event.
    pub fn new(view: &View<'_>) -> Row {
        static ARGS: OnceLock<Option<FieldRef>> = OnceLock::new();
        let args = ARGS.get_or_init(|| resolve("evt.args").ok());
        let args = match args.as_ref().map(|field| view.get(field)) {
            // Text that was made for this is moved, not copied.
            Some(Value::Str(text)) => String::from_utf8(text.into_owned().into())
                .unwrap_or_else(|error| tracehound_signals::visible::utf8(error.as_bytes()).into_owned()),
            _ => String::new(),
        };
        let head = view.event.head;
        Row {
            seq: head.seq,
            ts: head.ts,
            enter_ns: head.enter_ns,
            tid: head.tid,
            process: view.fact.process,
            kind: head.kind,
            cpu: head.cpu,
            ret: view.event.ret(),
            fd: view.fact.fd,
            file: view.fact.file,
            args,
            flags: head.flags,
        }
    }
}

static COLUMNS: &[Column<Row>] = &[
    column(
        "seq",
        Type::Int,
        "event number",
        "Number of the event in the trace; Falco's and sysdig's `evt.num`.",
        |_, row| Cell::seq(row.seq),
    ),
    column(
        "ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of the event; for a system call the time of its return.",
        |_, row| Cell::Time(row.ts),
    ),
    column(
        "enter_ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time the system call began; null if the trace does not have it.",
        |_, row| {
            if row.enter_ns == 0 { Cell::Null } else { Cell::Time(Nanos(row.enter_ns)) }
        },
    ),
    column("cpu", Type::Int, "", "CPU it was recorded on.", |_, row| Cell::Int(row.cpu.into())),
    column(
        "tid",
        Type::Int,
        "",
        "Thread id in the host's pid namespace; null for an event without a thread.",
        |_, row| {
            if row.tid.0 < 0 { Cell::Null } else { Cell::Int(row.tid.0) }
        },
    ),
    column(
        "pid",
        Type::Int,
        "",
        "Process id in the host's pid namespace; null if the process is unknown.",
        |case, row| Cell::option(row.process, |process| case.pid_cell(process)),
    ),
    column("process", Type::Text, "", "Key of the process; `processes.process`. Null if unknown.", |case, row| {
        Cell::option(row.process, |process| case.key_cell(process))
    }),
    column("kind", Type::Text, "", "Name of the system call or pseudo-event; Falco's `evt.type`.", |_, row| {
        Cell::text(row.kind.name())
    }),
    column(
        "ret",
        Type::Int,
        "",
        "Return value; negative is -errno. Null for pseudo-events and if not recorded.",
        |_, row| Cell::option(row.ret, Cell::Int),
    ),
    column("fd", Type::Int, "", "Descriptor it worked on or created; null if its kind has none.", |_, row| {
        Cell::option(row.fd, Cell::Int)
    }),
    column("fd_name", Type::Text, "", "Path or connection of that descriptor; null if unknown.", |case, row| {
        Cell::option(row.file, |file| case.text(case.history.file(file).name))
    }),
    column("args", Type::Text, "", "All arguments as text; Falco's `evt.args`.", |_, row| Cell::text(&row.args)),
    column(
        "is_unfinished",
        Type::Bool,
        "",
        "True for a system call that had not returned when the trace ended.",
        |_, row| Cell::Bool(row.flags & head_flags::UNFINISHED != 0),
    ),
];
