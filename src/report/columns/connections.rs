//! `connections`: one row a socket's connection or binding.

use std::collections::HashMap;
use std::net::SocketAddr;

use bstr::ByteSlice;
use tracehound_formats::section::{FdKind, L4};
use tracehound_formats::{Nanos, Seq};
use tracehound_signals::key::resolve;
use tracehound_state::history::{Net, OpenFile, Role};
use tracehound_state::{FileId, ProcessId, Sym};

use crate::case::Case;
use crate::columns::snapshot_files;
use crate::table::{Cell, Column, Table, Type, column};

/// A socket of a process with the ends it had for a while.
pub struct Row {
    pub(crate) process: ProcessId,
    /// The newest state with these ends.
    file: FileId,
    pub(crate) first: (Option<Nanos>, Seq),
    last: (Option<Nanos>, Seq),
    is_inherited: bool,
}

/// The table.
pub static TABLE: Table<Row> = Table {
    name: "connections",
    doc: "One row per socket and pair of ends (or bound address): connected, accepted, bound, or used with an \
          address. It is named under the process that opened or accepted it; a child that inherited the socket \
          has no row.",
    columns: COLUMNS,
    sorted_by: &["first_ts", "first_seq"],
    rows,
};

pub(crate) fn rows(case: &Case<'_>) -> Vec<Row> {
    let history = case.history;
    let mut rows: Vec<Row> = Vec::new();
    let mut index: HashMap<(ProcessId, FileId, Ends), usize> = HashMap::new();
    let mut add = |process: ProcessId, id: FileId, is_inherited: bool| {
        let process = resolve(history, process);
        let file = history.file(id);
        let Some(ends) = ends(&file) else { return };
        let at = (if is_inherited { None } else { case.times.file(id) }, file.from);
        let i = *index.entry((process, file.origin, ends)).or_insert(rows.len());
        if i == rows.len() {
            rows.push(Row { process, file: id, first: at, last: at, is_inherited });
        }
        let row = &mut rows[i];
        row.first = row.first.min(at);
        if row.last <= at {
            (row.last, row.file) = (at, id);
        }
    };
    for (process, id) in snapshot_files(history) {
        add(process, id, true);
    }
    for (id, file) in (0..).map(FileId::new).zip(history.files.iter()) {
        if let Some(thread) = file.opened_by {
            add(history.thread(thread).process, id, false);
        }
    }
    rows.sort_by_key(|row| (row.first, row.process, row.file));
    rows
}

/// What tells one connection of a socket from the next. The two orders of a pair are one connection: which end is
/// the client may become known only later.
#[derive(PartialEq, Eq, Hash)]
enum Ends {
    Pair(SocketAddr, SocketAddr),
    Bound(SocketAddr),
    Unix(Sym),
}

fn ends(file: &OpenFile) -> Option<Ends> {
    match file.net {
        Some(Net::Pair { src, dst }) => Some(Ends::Pair(src.min(dst), src.max(dst))),
        Some(Net::Bound(addr)) => Some(Ends::Bound(addr)),
        None if file.kind == FdKind::UnixSocket && file.name != Sym::EMPTY => Some(Ends::Unix(file.name)),
        None => None,
    }
}

fn file(case: &Case<'_>, row: &Row) -> OpenFile {
    case.history.file(row.file)
}

impl Row {
    /// Source and destination as text; of a bound socket the second is empty.
    pub(crate) fn texts(&self, case: &Case<'_>) -> [Vec<u8>; 2] {
        match file(case, self).net {
            Some(Net::Pair { src, dst }) => [src.to_string().into_bytes(), dst.to_string().into_bytes()],
            Some(Net::Bound(addr)) => [addr.to_string().into_bytes(), Vec::new()],
            None => [unix_path(case.history.text(file(case, self).name)).to_vec(), Vec::new()],
        }
    }

    /// What is known of it, as bits: 1 connected, 2 client, 4 server, 8 there when recording began, 16 a Unix socket.
    pub(crate) fn bits(&self, case: &Case<'_>) -> i64 {
        let file = file(case, self);
        let is = [
            file.is_connected,
            file.role == Some(Role::Client),
            file.role == Some(Role::Server),
            self.is_inherited,
            file.net.is_none(),
        ];
        is.iter().rev().fold(0, |bits, &is| bits << 1 | i64::from(is))
    }
}

/// Source (or bound) end.
fn src(case: &Case<'_>, row: &Row) -> Option<SocketAddr> {
    file(case, row).net.map(|net| match net {
        Net::Pair { src, .. } => src,
        Net::Bound(addr) => addr,
    })
}

fn dst(case: &Case<'_>, row: &Row) -> Option<SocketAddr> {
    match file(case, row).net {
        Some(Net::Pair { dst, .. }) => Some(dst),
        _ => None,
    }
}

fn ip(addr: Option<SocketAddr>) -> Cell<'static> {
    Cell::option(addr, |addr| Cell::owned(addr.ip().to_string()))
}

fn port(addr: Option<SocketAddr>) -> Cell<'static> {
    Cell::option(addr, |addr| Cell::Int(addr.port().into()))
}

fn l4(l4: L4) -> Option<&'static str> {
    match l4 {
        L4::Unknown | L4::NotApplicable => None,
        L4::Tcp => Some("tcp"),
        L4::Udp => Some("udp"),
        L4::Icmp => Some("icmp"),
        L4::Raw => Some("raw"),
    }
}

/// The path in the name of a Unix socket, which is `PATH`, or `SOURCE->DESTINATION PATH` with kernel addresses.
pub(crate) fn unix_path(name: &[u8]) -> &[u8] {
    let (ends, path) = name.split_once_str(" ").unwrap_or((name, b""));
    let is_ends = ends.split_once_str("->").is_some_and(|(src, dst)| is_hex(src) && is_hex(dst));
    if is_ends { path } else { name }
}

fn is_hex(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit)
}

static COLUMNS: &[Column<Row>] = &[
    column(
        "first_ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of the event that gave the socket these ends; null if it had them when recording began.",
        |_, row| Cell::option(row.first.0, Cell::Time),
    ),
    column("first_seq", Type::Int, "event number", "That event.", |_, row| Cell::seq(row.first.1)),
    column(
        "last_ts",
        Type::Time,
        "ns since epoch, UTC",
        "Time of the last event that changed something of it while it had these ends (as when connecting \
         completes); not of its last use. Null if it was only inherited.",
        |_, row| Cell::option(row.last.0, Cell::Time),
    ),
    column("last_seq", Type::Int, "event number", "That event.", |_, row| Cell::seq(row.last.1)),
    column("process", Type::Text, "", "Key of the process; `processes.process`.", |case, row| {
        case.key_cell(row.process)
    }),
    column("pid", Type::Int, "", "Its process id in the host's pid namespace.", |case, row| case.pid_cell(row.process)),
    column("family", Type::Text, "", "`ipv4`, `ipv6` or `unix`.", |case, row| {
        Cell::text(match src(case, row) {
            Some(addr) if addr.is_ipv4() => "ipv4",
            Some(_) => "ipv6",
            None => "unix",
        })
    }),
    column(
        "l4",
        Type::Text,
        "",
        "`tcp`, `udp`, `icmp` or `raw`; null for Unix sockets and if unknown.",
        |case, row| Cell::option(l4(file(case, row).l4), Cell::text),
    ),
    column(
        "role",
        Type::Text,
        "",
        "`client` if it connected, `server` if it accepted or listens; null if unknown.",
        |case, row| {
            Cell::option(file(case, row).role, |role| {
                Cell::text(match role {
                    Role::Client => "client",
                    Role::Server => "server",
                })
            })
        },
    ),
    column(
        "state",
        Type::Text,
        "",
        "`connected`; `unconnected` (a failed or pending connect, or datagrams); `bound` (bound or listening).",
        |case, row| {
            let file = file(case, row);
            Cell::text(match file.net {
                Some(Net::Bound(_)) => "bound",
                _ if file.is_connected => "connected",
                _ => "unconnected",
            })
        },
    ),
    column(
        "src_ip",
        Type::Text,
        "",
        "Address of the client's end, or the bound one; null for Unix sockets.",
        |case, row| ip(src(case, row)),
    ),
    column(
        "src_port",
        Type::Int,
        "",
        "Port of the client's end, or the bound one; null for Unix sockets.",
        |case, row| port(src(case, row)),
    ),
    column(
        "dst_ip",
        Type::Text,
        "",
        "Address of the server's end; null for Unix and for bound sockets.",
        |case, row| ip(dst(case, row)),
    ),
    column("dst_port", Type::Int, "", "Port of the server's end; null for Unix and for bound sockets.", |case, row| {
        port(dst(case, row))
    }),
    column("path", Type::Text, "", "Path of a Unix socket; null if it has none, and for others.", |case, row| {
        let file = file(case, row);
        if file.kind != FdKind::UnixSocket {
            return Cell::Null;
        }
        let path = unix_path(case.history.text(file.name));
        if path.is_empty() { Cell::Null } else { Cell::bytes(path) }
    }),
    column(
        "src_socket",
        Type::Uint,
        "",
        "Kernel address of a Unix socket's source end; the row of its peer has the same pair. Null if unknown.",
        |case, row| Cell::option(file(case, row).unix.map(|(src, _)| src).filter(|&src| src != 0), Cell::Uint),
    ),
    column(
        "dst_socket",
        Type::Uint,
        "",
        "Kernel address of a Unix socket's destination end; null if unknown.",
        |case, row| Cell::option(file(case, row).unix.map(|(_, dst)| dst).filter(|&dst| dst != 0), Cell::Uint),
    ),
    column("is_inherited", Type::Bool, "", "True if it was open when recording began.", |_, row| {
        Cell::Bool(row.is_inherited)
    }),
];
