//! `files`: one row a process and path.

use std::collections::HashMap;

use tracehound_formats::event::flags::FILE_FLAGS;
use tracehound_formats::section::FdKind;
use tracehound_formats::{Nanos, Seq};
use tracehound_signals::key::resolve;
use tracehound_state::history::OpenFile;
use tracehound_state::{FileId, ProcessId, Sym};

use crate::case::Case;
use crate::columns::snapshot_files;
use crate::table::{Cell, Column, Table, Type, column};

/// What one process did with one path.
pub struct Row {
    pub(crate) process: ProcessId,
    pub(crate) path: Sym,
    kind: FdKind,
    /// Time and number of the first and last use.
    pub(crate) first: (Option<Nanos>, Seq),
    last: (Option<Nanos>, Seq),
    pub(crate) n_opens: u64,
    pub(crate) n_execs: u64,
    /// Open flags of all opens together (table `file_flags`).
    flags: u32,
    is_inherited: bool,
    is_upper_layer: bool,
    dev: Option<u32>,
    ino: Option<u64>,
}

/// The table.
pub static TABLE: Table<Row> = Table {
    name: "files",
    doc: "One row per process and path: files and directories that it opened, had open when recording began, or \
          executed. Opens that failed are not here, and neither are paths used without a descriptor (rename, \
          unlink); see `events`.",
    columns: COLUMNS,
    sorted_by: &["first_ts", "first_seq"],
    rows,
};

pub(crate) fn rows(case: &Case<'_>) -> Vec<Row> {
    let history = case.history;
    let mut rows: Vec<Row> = Vec::new();
    let mut index: HashMap<(ProcessId, Sym), usize> = HashMap::new();
    let mut row = |process: ProcessId, path: Sym, kind: FdKind, at: (Option<Nanos>, Seq)| {
        let process = resolve(history, process);
        let i = *index.entry((process, path)).or_insert(rows.len());
        if i == rows.len() {
            rows.push(Row {
                process,
                path,
                kind,
                first: at,
                last: at,
                n_opens: 0,
                n_execs: 0,
                flags: 0,
                is_inherited: false,
                is_upper_layer: false,
                dev: None,
                ino: None,
            });
        }
        // The closure is called once a use; uses may come out of order.
        let row = &mut rows[i];
        row.first = row.first.min(at);
        row.last = row.last.max(at);
        i
    };
    let mut uses: Vec<(usize, Use)> = Vec::new();
    for (process, id) in snapshot_files(history) {
        let file = history.file(id);
        if is_path(&file) {
            uses.push((row(process, file.name, file.kind, (None, file.from)), Use::Inherited(id)));
        }
    }
    for (id, file) in (0..).map(FileId::new).zip(history.files.iter()) {
        // Further states of an open file are no further opens.
        let Some(thread) = file.opened_by.filter(|_| file.origin == id && is_path(&file)) else { continue };
        let at = (case.times.file(id), file.from);
        uses.push((row(history.thread(thread).process, file.name, file.kind, at), Use::Opened(id)));
    }
    for (process, entry) in (0..).map(ProcessId::new).zip(&history.processes) {
        for (from, id) in entry.image().rows() {
            let image = history.image(id);
            // A fork inherits the image: the exec is the parent's.
            if image.is_exec && image.from == from && image.exepath != Sym::EMPTY {
                let at = (case.times.image(id), from);
                uses.push((row(process, image.exepath, FdKind::File, at), Use::Executed));
            }
        }
    }
    for (i, used) in uses {
        rows[i].add(used, |id| history.file(id));
    }
    rows.sort_by_key(|row| (row.first, row.process, row.path));
    rows
}

/// One use of a path by a process.
enum Use {
    Inherited(FileId),
    Opened(FileId),
    Executed,
}

impl Row {
    fn add(&mut self, used: Use, file: impl Fn(FileId) -> OpenFile) {
        let file = match used {
            Use::Executed => {
                self.n_execs += 1;
                return;
            }
            Use::Inherited(id) => {
                self.is_inherited = true;
                file(id)
            }
            Use::Opened(id) => {
                self.n_opens += 1;
                file(id)
            }
        };
        self.flags |= file.flags;
        self.is_upper_layer |= file.is_upper_layer;
        self.dev = file.dev.or(self.dev);
        self.ino = file.ino.or(self.ino);
    }

    fn has(&self, name: &str) -> Cell<'static> {
        Cell::Bool(self.is_flagged(name))
    }

    fn is_flagged(&self, name: &str) -> bool {
        let bits = FILE_FLAGS.value(name).unwrap_or(0);
        bits != 0 && self.flags & bits == bits
    }

    /// What was done with it, as bits: 1 read, 2 written, 4 created, 8 truncated, 16 executed, 32 open when recording
    /// began, 64 upper layer of an overlay.
    pub(crate) fn bits(&self) -> i64 {
        let is = [
            self.is_flagged("O_RDONLY"),
            self.is_flagged("O_WRONLY"),
            self.is_flagged("O_F_CREATED"),
            self.is_flagged("O_TRUNC"),
            self.n_execs > 0,
            self.is_inherited,
            self.is_upper_layer,
        ];
        is.iter().rev().fold(0, |bits, &is| bits << 1 | i64::from(is))
    }
}

/// True for what has a path in a file system, or in memory under a name.
fn is_path(file: &OpenFile) -> bool {
    matches!(file.kind, FdKind::File | FdKind::Directory | FdKind::Memfd) && file.name != Sym::EMPTY
}

static COLUMNS: &[Column<Row>] = &[
    column(
        "first_ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of its first open or exec; null if it was open when recording began.",
        |_, row| Cell::option(row.first.0, Cell::Time),
    ),
    column("first_seq", Type::Int, "event number", "Event of its first open or exec.", |_, row| Cell::seq(row.first.1)),
    column(
        "last_ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of its last open or exec; null if it was only inherited.",
        |_, row| Cell::option(row.last.0, Cell::Time),
    ),
    column("last_seq", Type::Int, "event number", "Event of its last open or exec.", |_, row| Cell::seq(row.last.1)),
    column("process", Type::Text, "", "Key of the process; `processes.process`.", |case, row| {
        case.key_cell(row.process)
    }),
    column("pid", Type::Int, "", "Its process id in the host's pid namespace.", |case, row| case.pid_cell(row.process)),
    column(
        "path",
        Type::Text,
        "",
        "Absolute path, normalised; relative if the working directory was unknown.",
        |case, row| case.text(row.path),
    ),
    column("kind", Type::Text, "", "`file`, `directory` or `memfd`, as of its first use.", |_, row| {
        Cell::text(match row.kind {
            FdKind::Directory => "directory",
            FdKind::Memfd => "memfd",
            _ => "file",
        })
    }),
    column("n_opens", Type::Int, "opens", "Successful opens.", |_, row| Cell::count(row.n_opens)),
    column("n_execs", Type::Int, "execs", "Execs of it.", |_, row| Cell::count(row.n_execs)),
    column("is_read", Type::Bool, "", "True if it was opened for reading.", |_, row| row.has("O_RDONLY")),
    column("is_written", Type::Bool, "", "True if it was opened for writing.", |_, row| row.has("O_WRONLY")),
    column(
        "is_created",
        Type::Bool,
        "",
        "True if an open created it. Recorders that do not say so leave it false; `may_create` is always known.",
        |_, row| row.has("O_F_CREATED"),
    ),
    column("may_create", Type::Bool, "", "True if it was opened with O_CREAT.", |_, row| row.has("O_CREAT")),
    column("is_truncated", Type::Bool, "", "True if it was opened with O_TRUNC.", |_, row| row.has("O_TRUNC")),
    column("is_executed", Type::Bool, "", "True if it was executed.", |_, row| Cell::Bool(row.n_execs > 0)),
    column("is_inherited", Type::Bool, "", "True if it was open when recording began.", |_, row| {
        Cell::Bool(row.is_inherited)
    }),
    column("is_upper_layer", Type::Bool, "", "True if it lay in the upper layer of an overlay.", |_, row| {
        Cell::Bool(row.is_upper_layer)
    }),
    column("flags", Type::TextList, "", "Names of all open flags used, together.", |_, row| {
        if row.flags == 0 {
            return Cell::List(Vec::new());
        }
        Cell::List(FILE_FLAGS.names(row.flags).map(Into::into).collect())
    }),
    column("dev", Type::Int, "", "Device of its last open, kernel encoding; null if unknown.", |_, row| {
        Cell::option(row.dev, |dev| Cell::Int(dev.into()))
    }),
    column("ino", Type::Uint, "", "Inode of its last open; null if unknown.", |_, row| {
        Cell::option(row.ino, Cell::Uint)
    }),
];
