//! `images`: one row an exec.

use tracehound_state::history::Image;
use tracehound_state::{ImageId, ProcessId};

use crate::case::Case;
use crate::table::{Cell, Column, Table, Type, column};

/// An image of a process.
pub struct Row {
    process: ProcessId,
    image: ImageId,
}

/// The table.
pub static TABLE: Table<Row> = Table {
    name: "images",
    doc: "One row per exec that succeeded: what a process loaded. What a process was born with, or had before \
          recording began, is in `processes` only.",
    columns: COLUMNS,
    sorted_by: &["ts", "seq"],
    rows: |case| {
        let mut rows = Vec::new();
        for (process, _) in (0..).map(ProcessId::new).zip(&case.history.processes) {
            rows.extend(execs(case, process).map(|image| Row { process, image }));
        }
        rows.sort_by_key(|row| (case.times.image(row.image), case.history.image(row.image).from, row.process));
        rows
    },
};

/// The images that a process loaded by exec. The one it was born with is its parent's, which has an earlier event.
pub(crate) fn execs(case: &Case<'_>, process: ProcessId) -> impl Iterator<Item = ImageId> {
    let images = case.history.process(process).image().rows();
    images.filter(|&(from, id)| case.history.image(id).is_exec && case.history.image(id).from == from).map(|(_, id)| id)
}

fn image(case: &Case<'_>, row: &Row) -> Image {
    case.history.image(row.image)
}

/// True if a bit of the table `execve_flags` is set; null if the flags are unknown.
fn flag(case: &Case<'_>, row: &Row, name: &str) -> Cell<'static> {
    let bit = tracehound_formats::event::flags::EXECVE_FLAGS.value(name).unwrap_or(0);
    Cell::option(image(case, row).flags, |flags| Cell::Bool(flags & bit != 0))
}

static COLUMNS: &[Column<Row>] = &[
    column("ts", Type::Time, "ns since epoch, UTC", "Time of the exec.", |case, row| {
        Cell::option(case.times.image(row.image), Cell::Time)
    }),
    column("seq", Type::Int, "event number", "Event of the exec.", |case, row| Cell::seq(image(case, row).from)),
    column("process", Type::Text, "", "Key of the process; `processes.process`.", |case, row| {
        case.key_cell(row.process)
    }),
    column("pid", Type::Int, "", "Its process id in the host's pid namespace.", |case, row| case.pid_cell(row.process)),
    column("name", Type::Text, "", "Command name (at most 15 bytes); null if unknown.", |case, row| {
        case.text_option(image(case, row).comm)
    }),
    column(
        "exe_path",
        Type::Text,
        "",
        "Path of the executable as the kernel resolved it; null if unknown.",
        |case, row| case.text_or_null(image(case, row).exepath),
    ),
    column("filename", Type::Text, "", "Path given to the system call; null if not recorded.", |case, row| {
        case.text_option(image(case, row).filename)
    }),
    column("exe", Type::Text, "", "argv[0]; null if unknown.", |case, row| case.text_option(image(case, row).exe)),
    column("args", Type::TextList, "", "argv[1..].", |case, row| {
        Cell::nul_separated(case.history.text(image(case, row).args))
    }),
    column(
        "cwd",
        Type::Text,
        "",
        "Working directory at the exec, with a trailing `/`; null if unknown.",
        |case, row| case.text_option(case.history.process(row.process).cwd().at(image(case, row).from)),
    ),
    column("is_deleted", Type::Bool, "", "True if the kernel said that the executable was deleted.", |case, row| {
        Cell::Bool(image(case, row).is_deleted)
    }),
    column(
        "is_writable",
        Type::Bool,
        "",
        "True if the user could write the executable; null if unknown.",
        |case, row| flag(case, row, "EXE_WRITABLE"),
    ),
    column(
        "is_upper_layer",
        Type::Bool,
        "",
        "True if the executable lies in the upper layer of an overlay: it is not part of the container's image. \
         Null if unknown.",
        |case, row| flag(case, row, "EXE_UPPER_LAYER"),
    ),
    column(
        "is_memfd",
        Type::Bool,
        "",
        "True if the executable exists in memory only; null if unknown.",
        |case, row| flag(case, row, "EXE_FROM_MEMFD"),
    ),
    column("ino", Type::Uint, "", "Inode of the executable; null if unknown.", |case, row| {
        Cell::option(image(case, row).ino, Cell::Uint)
    }),
    column(
        "ctime",
        Type::Time,
        "ns since epoch, UTC",
        "Last change of the executable's inode; null if unknown.",
        |case, row| Cell::option(image(case, row).ctime, |ns| Cell::Time(tracehound_formats::Nanos(ns))),
    ),
    column(
        "mtime",
        Type::Time,
        "ns since epoch, UTC",
        "Last change of the executable's content; null if unknown.",
        |case, row| Cell::option(image(case, row).mtime, |ns| Cell::Time(tracehound_formats::Nanos(ns))),
    ),
];
