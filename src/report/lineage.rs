//! Who gave birth to whom.

use tracehound_signals::key::resolve;
use tracehound_state::{History, ProcessId};

/// The process that gave birth to another one. For a process of the snapshot, whose birth nobody saw, its parent
/// when recording began.
pub(crate) fn birth_parent(history: &History, process: ProcessId) -> Option<ProcessId> {
    let row = history.process(process);
    let parent = row.birth_parent().or_else(|| row.parent().rows().next().and_then(|(_, parent)| parent));
    parent.map(|parent| resolve(history, parent)).filter(|parent| *parent != process)
}

/// True for a process of its own: not one that was guessed from a lone thread and belongs to another one.
pub(crate) fn is_process(history: &History, process: ProcessId) -> bool {
    history.process(process).merged_into().is_none()
}

/// The last parent of a process: the one that gave birth to it, or who adopted it.
pub(crate) fn last_parent(history: &History, process: ProcessId) -> Option<ProcessId> {
    history.process(process).parent().last().map(|parent| resolve(history, parent))
}

/// Birth parent, its birth parent, ...; at most `limit` of them, so that a cycle (which only a damaged trace can
/// claim) ends too.
pub(crate) fn ancestors(history: &History, process: ProcessId, limit: usize) -> impl Iterator<Item = ProcessId> + '_ {
    std::iter::successors(birth_parent(history, process), |&at| birth_parent(history, at)).take(limit)
}

/// A process, who gave birth to it, and so on; a cycle ends it.
pub fn birth_line(case: &crate::Case<'_>, process: ProcessId) -> Vec<ProcessId> {
    let n = case.depth(process) as usize;
    std::iter::once(process).chain(ancestors(case.history, process, n)).collect()
}

/// Number of known ancestors of each process, by birth. O(processes): each chain is walked to where it is known.
/// Members of a cycle count from the one that is reached first.
pub(crate) fn depths(history: &History) -> Vec<u32> {
    const UNKNOWN: u32 = u32::MAX;
    const ON_PATH: u32 = u32::MAX - 1;
    let mut depths = vec![UNKNOWN; history.processes.len()];
    let mut path = Vec::new();
    for start in 0..depths.len() {
        let mut at = Some(ProcessId::new(start as u32));
        let mut depth = 0;
        while let Some(id) = at {
            match depths[id.index()] {
                UNKNOWN => {
                    depths[id.index()] = ON_PATH;
                    path.push(id);
                    at = birth_parent(history, id);
                }
                // A cycle: it is cut here.
                ON_PATH => break,
                known => {
                    depth = known + 1;
                    break;
                }
            }
        }
        for id in path.drain(..).rev() {
            depths[id.index()] = depth;
            depth += 1;
        }
    }
    depths
}
