//! The process tree for a terminal: who gave birth to whom, with signals pinned to the process they are on.
//!
//! A process stands below the one that gave birth to it; who adopted it later is said beside it. Names are
//! hostile: what a terminal would obey is made visible, nothing is aligned (so wide characters do no harm), and
//! neither depth nor cycles of a damaged trace matter: there is no recursion, and indentation is bounded.

pub(crate) mod node;

use std::io::{self, Write};

use tracehound_state::ProcessId;

use crate::case::Case;
use crate::lineage;

/// What is shown, and how.
#[derive(Clone, Debug, Default)]
pub struct TreeOptions {
    /// Only the instances with this pid, each with its ancestors on one line and all below it.
    pub pid: Option<i64>,
    /// Levels shown below a root; what is deeper is counted.
    pub depth: Option<u32>,
    /// Colours and bold type by escape sequences.
    pub has_color: bool,
    /// Command lines in full length.
    pub is_full: bool,
}

/// What was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeShown {
    /// Processes with a line of their own.
    pub n_processes: u64,
    /// Processes counted only, below `depth`.
    pub n_hidden: u64,
}

/// Levels whose lines are drawn; of a deeper process the nearest ones.
const MAX_BARS: usize = 40;
/// Ancestors named before an instance picked by pid.
const MAX_ANCESTORS: usize = 32;

/// Writes the tree of a case. Order: by start, then by first event.
pub fn write(out: &mut dyn Write, case: &Case<'_>, options: &TreeOptions) -> io::Result<TreeShown> {
    let forest = Forest::new(case);
    let mut walk = Walk {
        case,
        options,
        forest: &forest,
        out,
        seen: vec![false; case.history.processes.len()],
        shown: TreeShown::default(),
    };
    if let Some(pid) = options.pid {
        for &id in forest.order.iter().filter(|&&id| case.history.process(id).pid.0 == pid) {
            // An instance below another one with the same pid has been shown with it.
            if !walk.seen[id.index()] {
                walk.ancestors(id)?;
                walk.below(&[id], Level::Root)?;
            }
        }
        return Ok(walk.shown);
    }
    // Process 1 and the kernel's thread daemon have no parent. Every other root has one that nobody recorded.
    let (known, unknown): (Vec<ProcessId>, Vec<ProcessId>) =
        forest.roots.iter().partition(|id| matches!(case.history.process(**id).pid.0, 0..=2));
    walk.below(&known, Level::Root)?;
    // Members of a cycle are below no root; each cycle is entered at its first process.
    let mut orphans = unknown;
    orphans.extend(forest.cycle_entries(&orphans, &walk.seen));
    orphans.sort_by_key(|id| forest.rank[id.index()]);
    if !orphans.is_empty() {
        writeln!(walk.out, "(parent unknown)")?;
        walk.below(&orphans, Level::Branch)?;
    }
    Ok(walk.shown)
}

/// Children by parent.
struct Forest {
    /// All processes, by start.
    order: Vec<ProcessId>,
    /// Position in `order`, by [`ProcessId`].
    rank: Vec<u32>,
    /// Children in order, by [`ProcessId`] of the parent.
    children: Vec<Vec<ProcessId>>,
    /// Processes without a known parent, in order.
    roots: Vec<ProcessId>,
}

impl Forest {
    fn new(case: &Case<'_>) -> Forest {
        let processes = &case.history.processes;
        let mut order: Vec<ProcessId> = (0..processes.len() as u32).map(ProcessId).collect();
        order.retain(|&id| lineage::is_process(case.history, id));
        order.sort_by_key(|&id| (processes[id.index()].start_ns, processes[id.index()].born, id));
        let mut rank = vec![0; processes.len()];
        let mut children = vec![Vec::new(); processes.len()];
        let mut roots = Vec::new();
        for (i, &id) in order.iter().enumerate() {
            rank[id.index()] = i as u32;
            match lineage::birth_parent(case.history, id) {
                Some(parent) => children[parent.index()].push(id),
                None => roots.push(id),
            }
        }
        Forest { order, rank, children, roots }
    }

    /// The first process of each cycle: what is reached neither from `roots` nor already `seen`.
    fn cycle_entries(&self, roots: &[ProcessId], seen: &[bool]) -> Vec<ProcessId> {
        let mut seen = seen.to_vec();
        roots.iter().for_each(|&id| self.mark(id, &mut seen));
        let mut entries = Vec::new();
        for &id in &self.order {
            if !seen[id.index()] {
                entries.push(id);
                self.mark(id, &mut seen);
            }
        }
        entries
    }

    /// Marks a process and all below it.
    fn mark(&self, id: ProcessId, seen: &mut [bool]) {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut seen[id.index()], true) {
                stack.extend(&self.children[id.index()]);
            }
        }
    }
}

/// Where the first processes of a walk stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// At the left margin, without lines.
    Root,
    /// Below a heading.
    Branch,
}

/// A walk in progress.
struct Walk<'a> {
    case: &'a Case<'a>,
    options: &'a TreeOptions,
    forest: &'a Forest,
    out: &'a mut dyn Write,
    seen: Vec<bool>,
    shown: TreeShown,
}

/// A process that waits for its turn.
struct Turn {
    id: ProcessId,
    level: u32,
    is_last: bool,
}

impl Walk<'_> {
    /// Processes and everything below them.
    fn below(&mut self, roots: &[ProcessId], level: Level) -> io::Result<()> {
        let first = u32::from(level == Level::Branch);
        // For each level above the current one: true if a line goes on to a later sibling.
        let mut bars: Vec<bool> = Vec::new();
        let mut turns: Vec<Turn> = Vec::new();
        push(&mut turns, roots, first);
        while let Some(Turn { id, level, is_last }) = turns.pop() {
            if std::mem::replace(&mut self.seen[id.index()], true) {
                continue;
            }
            bars.truncate(level.saturating_sub(1) as usize);
            let style = node::Style { has_color: self.options.has_color, is_full: self.options.is_full };
            write_bars(self.out, &bars, (level > 0).then_some(is_last))?;
            node::write_process(self.out, self.case, id, style)?;
            self.shown.n_processes += 1;
            if level > 0 {
                bars.push(!is_last);
            }
            let children = &self.forest.children[id.index()];
            let is_cut = self.options.depth.is_some_and(|depth| level - first >= depth);
            let has_children = !children.is_empty();
            for line in node::signal_lines(self.case, id, style) {
                write_bars(self.out, &bars, None)?;
                writeln!(self.out, "{} {line}", if has_children { "│ " } else { "  " })?;
            }
            if !is_cut {
                push(&mut turns, children, level + 1);
            } else if has_children {
                let n = self.hide(id);
                write_bars(self.out, &bars, Some(true))?;
                writeln!(self.out, "… {n} more below")?;
            }
        }
        Ok(())
    }

    /// Counts what is below a process and marks it as seen.
    fn hide(&mut self, id: ProcessId) -> u64 {
        let mut n = 0;
        let mut stack = self.forest.children[id.index()].clone();
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut self.seen[id.index()], true) {
                n += 1;
                stack.extend(&self.forest.children[id.index()]);
            }
        }
        self.shown.n_hidden += n;
        n
    }

    /// The ancestors of a process on one line, farthest first.
    fn ancestors(&mut self, id: ProcessId) -> io::Result<()> {
        let mut chain: Vec<ProcessId> = lineage::ancestors(self.case.history, id, MAX_ANCESTORS + 1).collect();
        if chain.is_empty() {
            return Ok(());
        }
        let is_longer = chain.len() > MAX_ANCESTORS;
        chain.truncate(MAX_ANCESTORS);
        let names = chain.iter().rev().map(|&id| node::short_name(self.case, id)).collect::<Vec<_>>().join(" > ");
        writeln!(self.out, "{}{names}", if is_longer { "… > " } else { "" })
    }
}

/// Puts siblings on the stack so that the first one is popped first.
fn push(turns: &mut Vec<Turn>, siblings: &[ProcessId], level: u32) {
    turns.extend(siblings.iter().enumerate().rev().map(|(i, &id)| Turn {
        id,
        level,
        is_last: i + 1 == siblings.len(),
    }));
}

/// The lines before a process: bars of the levels above it, then its own branch, if it has one.
fn write_bars(out: &mut dyn Write, bars: &[bool], is_last: Option<bool>) -> io::Result<()> {
    let n_hidden = bars.len().saturating_sub(MAX_BARS);
    if n_hidden > 0 {
        write!(out, "(+{n_hidden}) ")?;
    }
    for &goes_on in &bars[n_hidden..] {
        out.write_all(if goes_on { "│  " } else { "   " }.as_bytes())?;
    }
    match is_last {
        None => Ok(()),
        Some(true) => out.write_all("└─ ".as_bytes()),
        Some(false) => out.write_all("├─ ".as_bytes()),
    }
}
