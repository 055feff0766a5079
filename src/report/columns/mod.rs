//! The tables, one file each.

pub mod connections;
pub mod events;
pub mod files;
pub mod images;
pub mod losses;
pub mod processes;
pub mod rules;
pub mod signals;
pub mod suppressions;

use tracehound_state::{FileId, History, ProcessId};

use crate::table::AnyTable;

/// The tables that every analysis has, in the order in which they are documented.
pub static TABLES: &[&dyn AnyTable] = &[
    &signals::TABLE,
    &processes::TABLE,
    &images::TABLE,
    &files::TABLE,
    &connections::TABLE,
    &rules::TABLE,
    &suppressions::TABLE,
    &losses::TABLE,
];

/// The table of all events, written on request only: its rows come while the trace is read.
pub static EVENTS: &events::EventTable = &events::TABLE;

/// What processes of the snapshot had open when recording began, in order of process and descriptor.
fn snapshot_files(history: &History) -> impl Iterator<Item = (ProcessId, FileId)> + '_ {
    use tracehound_state::history::Origin;
    let processes = (0..).map(ProcessId::new).zip(&history.processes);
    processes.filter(|(_, process)| process.origin == Origin::Snapshot).flat_map(|(id, process)| {
        let entries = history.fd_tables.entries(process.fd_table().at(process.born), process.born);
        entries.into_iter().filter_map(move |(_, entry)| Some((id, entry.file?)))
    })
}
