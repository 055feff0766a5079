//! `processes`: one row a process instance.

use tracehound_state::history::{Attrs, ContainerMetadata, Image, Origin, Process};
use tracehound_state::{ProcessId, Sym};

use crate::case::Case;
use crate::columns::images;
use crate::lineage;
use crate::table::{Cell, Column, Table, Type, column};
use bstr::ByteSlice;
use tracehound_formats::Seq;

/// A process.
pub struct Row(ProcessId);

/// Most ancestors that the lists of a row name; `depth` counts all.
const MAX_ANCESTORS: usize = 64;

/// The table.
pub static TABLE: Table<Row> = Table {
    name: "processes",
    doc: "One row per process instance: one life of a thread group. A pid that is used again is another row. \
          Columns that change during a life (user, working directory, session, parent) hold their last value; \
          `images` has what exec loaded.",
    columns: COLUMNS,
    sorted_by: &["start", "start_seq"],
    rows: |case| {
        let mut rows: Vec<ProcessId> = (0..case.history.processes.len() as u32).map(ProcessId::new).collect();
        rows.retain(|&id| lineage::is_process(case.history, id));
        rows.sort_by_key(|&id| {
            let process = case.history.process(id);
            (process.start_ns(), process.born, id)
        });
        rows.into_iter().map(Row).collect()
    },
};

fn process<'a>(case: &'a Case<'_>, row: &Row) -> &'a Process {
    case.history.process(row.0)
}

/// What the main thread was last.
fn attrs(case: &Case<'_>, row: &Row) -> Option<Attrs> {
    let leader = *process(case, row).threads.first()?;
    Some(case.history.attrs(case.history.thread(leader).attrs().at(case.last_seq(row.0))))
}

fn image(case: &Case<'_>, row: &Row) -> Image {
    case.history.image(process(case, row).image().last())
}

/// Command name of the last image of a process.
pub(crate) fn name(case: &Case<'_>, process: ProcessId) -> Option<Sym> {
    case.history.image(case.history.process(process).image().last()).comm
}

/// Name of the user of some state of a thread, where the trace has names: those of its container, or of the host.
/// User 0 is root everywhere.
pub(crate) fn user<'a>(case: &'a Case<'_>, attrs: &Attrs, seq: Seq) -> Option<&'a [u8]> {
    let uid = case.history.creds(attrs.creds).uid?;
    let name = case.history.user(attrs.container, uid, seq).map(|user| case.history.text(user.name).as_bytes());
    name.or((uid == 0).then_some(b"root"))
}

/// What is known of its container.
fn metadata<'a>(case: &'a Case<'_>, attrs: &Attrs, process: ProcessId) -> Option<&'a ContainerMetadata> {
    case.history.container(attrs.container?).metadata_at(case.last_seq(process))
}

fn end_state(process: &Process) -> &'static str {
    match (process.exit(), process.ended()) {
        (Some(exit), _) if exit.signal.is_some_and(|signal| signal != 0) => "killed",
        (Some(_), _) => "exited",
        (None, Some(_)) => "lost",
        (None, None) => "running",
    }
}

static COLUMNS: &[Column<Row>] = &[
    column(
        "start",
        Type::Time,
        "ns since epoch, UTC",
        "Start of the process: time of its birth event, or what the process list says; null if unknown.",
        |case, row| Cell::option(process(case, row).start_ns(), Cell::Time),
    ),
    column(
        "start_seq",
        Type::Int,
        "event number",
        "First event at which it exists; 0 for a process that was there before.",
        |case, row| Cell::seq(process(case, row).born),
    ),
    column("process", Type::Text, "", "Stable key of this process instance; other tables join on it.", |case, row| {
        case.key_cell(row.0)
    }),
    column("pid", Type::Int, "", "Process id in the host's pid namespace.", |case, row| {
        Cell::Int(process(case, row).pid.0)
    }),
    column("vpid", Type::Int, "", "Process id in its own pid namespace; null if unknown.", |case, row| {
        Cell::option(process(case, row).vpid(), Cell::Int)
    }),
    column(
        "birth_parent",
        Type::Text,
        "",
        "Key of the process that gave birth to it, alive or not; for a process that was there before recording, of \
         its parent then. Null if unknown. Walk this column for the true ancestry.",
        |case, row| Cell::option(lineage::birth_parent(case.history, row.0), |parent| case.key_cell(parent)),
    ),
    column(
        "parent",
        Type::Text,
        "",
        "Key of its last parent: the birth parent, or who adopted it when that one exited. Null if unknown.",
        |case, row| Cell::option(lineage::last_parent(case.history, row.0), |parent| case.key_cell(parent)),
    ),
    column("parent_pid", Type::Int, "", "Process id of the last parent; null if unknown.", |case, row| {
        let parent = lineage::last_parent(case.history, row.0);
        Cell::option(parent, |parent| Cell::Int(case.history.process(parent).pid.0))
    }),
    column(
        "is_reparented",
        Type::Bool,
        "",
        "True if it was adopted: the last parent is not the birth parent. False too if nobody knows who adopted it: then \
         `parent` is null and `birth_parent` is not.",
        |case, row| {
            let last = lineage::last_parent(case.history, row.0);
            Cell::Bool(last.is_some() && last != lineage::birth_parent(case.history, row.0))
        },
    ),
    column(
        "origin",
        Type::Text,
        "",
        "How the trace knows it: `snapshot` (there when recording began), `birth` (its birth is recorded), \
         `first_seen` (seen doing something; its birth is not recorded).",
        |case, row| {
            Cell::text(match process(case, row).origin {
                Origin::Snapshot => "snapshot",
                Origin::Birth => "birth",
                Origin::FirstSeen => "first_seen",
            })
        },
    ),
    column(
        "end",
        Type::Time,
        "ns since epoch, UTC",
        "Time of its exit; null if it still ran, or if its exit is not recorded.",
        |case, row| Cell::option(process(case, row).exit(), |exit| Cell::Time(exit.ts)),
    ),
    column(
        "end_seq",
        Type::Int,
        "event number",
        "First event at which it is gone: after its exit, or what proves that its pid was used again. Null while \
         it runs.",
        |case, row| Cell::option(process(case, row).ended(), Cell::seq),
    ),
    column(
        "end_state",
        Type::Text,
        "",
        "`exited`, `killed` (by a signal), `running` (when the trace ended), or `lost` (gone, exit not recorded).",
        |case, row| Cell::text(end_state(process(case, row))),
    ),
    column(
        "exit_code",
        Type::Int,
        "",
        "Exit code; null unless it exited by itself and the trace has it.",
        |case, row| Cell::option(process(case, row).exit().and_then(|exit| exit.code), Cell::Int),
    ),
    column("exit_signal", Type::Int, "", "Number of the signal that killed it; null if none did.", |case, row| {
        let signal = process(case, row).exit().and_then(|exit| exit.signal).filter(|&signal| signal != 0);
        Cell::option(signal, |signal| Cell::Int(signal.into()))
    }),
    column(
        "is_core_dumped",
        Type::Bool,
        "",
        "True if a core was dumped; null if its exit is not recorded.",
        |case, row| Cell::option(process(case, row).exit(), |exit| Cell::Bool(exit.core)),
    ),
    column(
        "name",
        Type::Text,
        "",
        "Command name (at most 15 bytes) of its last image; null if unknown.",
        |case, row| case.text_option(image(case, row).comm),
    ),
    column(
        "exe_path",
        Type::Text,
        "",
        "Path of its last executable as the kernel resolved it; null if unknown.",
        |case, row| case.text_or_null(image(case, row).exepath),
    ),
    column("exe", Type::Text, "", "argv[0] of its last image; null if unknown.", |case, row| {
        case.text_option(image(case, row).exe)
    }),
    column("args", Type::TextList, "", "argv[1..] of its last image.", |case, row| {
        Cell::nul_separated(case.history.text(image(case, row).args))
    }),
    column("n_execs", Type::Int, "images", "Images it loaded by exec in this trace.", |case, row| {
        Cell::count(images::execs(case, row.0).count() as u64)
    }),
    column("n_threads", Type::Int, "threads", "Threads seen in it.", |case, row| {
        Cell::count(process(case, row).threads.len() as u64)
    }),
    column("cwd", Type::Text, "", "Last working directory, with a trailing `/`; null if unknown.", |case, row| {
        case.text_option(process(case, row).cwd().last())
    }),
    column("root", Type::Text, "", "Last root directory; null if unknown.", |case, row| {
        case.text_option(process(case, row).inherited.root.last())
    }),
    column("uid", Type::Int, "", "Last effective user id, as the host counts; null if unknown.", |case, row| {
        let uid = attrs(case, row).and_then(|attrs| case.history.creds(attrs.creds).uid);
        Cell::option(uid, |uid| Cell::Int(uid.into()))
    }),
    column(
        "user",
        Type::Text,
        "",
        "Name of that user; null if the trace has no name for it (user 0 is `root`).",
        |case, row| {
            Cell::option(attrs(case, row).and_then(|attrs| user(case, &attrs, case.last_seq(row.0))), Cell::bytes)
        },
    ),
    column("gid", Type::Int, "", "Last effective group id; null if unknown.", |case, row| {
        let gid = attrs(case, row).and_then(|attrs| case.history.creds(attrs.creds).gid);
        Cell::option(gid, |gid| Cell::Int(gid.into()))
    }),
    column("login_uid", Type::Int, "", "Login user id (audit); null if unset or unknown.", |case, row| {
        let uid = attrs(case, row).and_then(|attrs| case.history.creds(attrs.creds).loginuid);
        Cell::option(uid, |uid| Cell::Int(uid.into()))
    }),
    column("sid", Type::Int, "", "Session id: pid of the session's leader; null if unknown.", |case, row| {
        Cell::option(attrs(case, row).and_then(|attrs| attrs.sid), Cell::Int)
    }),
    column("pgid", Type::Int, "", "Process group id; null if unknown.", |case, row| {
        Cell::option(attrs(case, row).and_then(|attrs| attrs.true_pgid.or(attrs.pgid)), Cell::Int)
    }),
    column(
        "tty",
        Type::Int,
        "",
        "Controlling terminal as the kernel's device number; 0 none, null unknown.",
        |case, row| Cell::option(attrs(case, row).and_then(|attrs| attrs.tty), |tty| Cell::Int(tty.into())),
    ),
    column(
        "container_id",
        Type::Text,
        "",
        "Short id of its container, from its cgroup; null on the host.",
        |case, row| {
            let container = attrs(case, row).and_then(|attrs| attrs.container);
            Cell::option(container, |id| case.text(case.history.container(id).id.0))
        },
    ),
    column(
        "container_runtime",
        Type::Text,
        "",
        "Runtime of its container, by the shape of the cgroup; null on the host.",
        |case, row| {
            let container = attrs(case, row).and_then(|attrs| attrs.container);
            Cell::option(container, |id| Cell::text(case.history.container(id).runtime))
        },
    ),
    column(
        "container_name",
        Type::Text,
        "",
        "Name of its container; null if the trace does not have it.",
        |case, row| {
            let metadata = attrs(case, row).and_then(|attrs| metadata(case, &attrs, row.0));
            case.text_option(metadata.and_then(|metadata| metadata.name))
        },
    ),
    column(
        "container_image",
        Type::Text,
        "",
        "Image of its container; null if the trace does not have it.",
        |case, row| {
            let metadata = attrs(case, row).and_then(|attrs| metadata(case, &attrs, row.0));
            case.text_option(metadata.and_then(|metadata| metadata.image))
        },
    ),
    column(
        "ancestors",
        Type::TextList,
        "",
        "Keys of its known ancestors by birth, nearest first, at most 64.",
        |case, row| {
            let ancestors = lineage::ancestors(case.history, row.0, MAX_ANCESTORS);
            Cell::List(ancestors.map(|id| case.key(id).into()).collect())
        },
    ),
    column(
        "ancestor_names",
        Type::TextList,
        "",
        "Last command names of these ancestors, in the same order; `?` if unknown.",
        |case, row| {
            let ancestors = lineage::ancestors(case.history, row.0, MAX_ANCESTORS);
            let text = |sym| tracehound_signals::visible::utf8(case.history.text(sym));
            Cell::List(ancestors.map(|id| name(case, id).map_or("?".into(), text)).collect())
        },
    ),
    column("depth", Type::Int, "processes", "Number of known ancestors by birth.", |case, row| {
        Cell::Int(case.depth(row.0).into())
    }),
    column("n_signals", Type::Int, "signals", "Signals on it that stand.", |case, row| {
        Cell::Int(case.n_signals(row.0).0.into())
    }),
    column("n_suppressed", Type::Int, "signals", "Signals on it that are suppressed.", |case, row| {
        Cell::Int(case.n_signals(row.0).1.into())
    }),
];
