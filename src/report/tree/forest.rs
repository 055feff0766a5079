//! Who is below whom: the processes of a case as a forest, and the rows that a drawing of it has.

use tracehound_formats::Seq;
use tracehound_signals::key::resolve;
use tracehound_signals::{Priority, Signal, Verdict};
use tracehound_state::ProcessId;

use crate::case::Case;
use crate::lineage;

/// Children by parent: over the whole trace by birth, as of an event by who was the parent then.
pub struct Forest {
    at: Option<Seq>,
    /// The processes, by start.
    order: Vec<ProcessId>,
    /// Position in `order`, by [`ProcessId`].
    rank: Vec<u32>,
    /// Parent, by [`ProcessId`].
    parents: Vec<Option<ProcessId>>,
    /// Children in order, by [`ProcessId`] of the parent.
    children: Vec<Vec<ProcessId>>,
    /// Processes without a parent that have none: process 1 and the kernel's thread daemon.
    roots: Vec<ProcessId>,
    /// Processes whose parent is not known, and the first of each cycle.
    orphans: Vec<ProcessId>,
}

impl Forest {
    /// The forest of a case. With an event: of the processes that existed after it, below their parents then.
    /// O(processes log processes).
    pub fn new(case: &Case<'_>, at: Option<Seq>) -> Forest {
        let processes = &case.history.processes;
        let is_in = |id: ProcessId| {
            lineage::is_process(case.history, id) && at.is_none_or(|at| case.history.process(id).is_alive(at))
        };
        let mut order: Vec<ProcessId> = (0..processes.len() as u32).map(ProcessId::new).collect();
        order.retain(|&id| is_in(id));
        order.sort_by_key(|&id| (processes[id.index()].start_ns(), processes[id.index()].born, id));
        let mut forest = Forest {
            at,
            rank: vec![0; processes.len()],
            parents: vec![None; processes.len()],
            children: vec![Vec::new(); processes.len()],
            order,
            roots: Vec::new(),
            orphans: Vec::new(),
        };
        for i in 0..forest.order.len() {
            let id = forest.order[i];
            forest.rank[id.index()] = i as u32;
            let parent = match at {
                None => lineage::birth_parent(case.history, id),
                Some(at) => case
                    .history
                    .parent(id, at)
                    .map(|parent| resolve(case.history, parent))
                    .filter(|&parent| parent != id && is_in(parent)),
            };
            forest.parents[id.index()] = parent;
            match parent {
                Some(parent) => forest.children[parent.index()].push(id),
                // Process 1 and the kernel's thread daemon have no parent. Every other root has one nobody recorded.
                None if matches!(case.history.process(id).pid.0, 0..=2) => forest.roots.push(id),
                None => forest.orphans.push(id),
            }
        }
        forest.enter_cycles(processes.len());
        forest
    }

    /// Members of a cycle are below no root; each cycle is entered at its first process.
    fn enter_cycles(&mut self, n: usize) {
        let mut seen = vec![false; n];
        self.roots.iter().chain(&self.orphans).for_each(|&id| self.mark(id, &mut seen));
        let mut entries = Vec::new();
        for &id in &self.order {
            if !seen[id.index()] {
                entries.push(id);
                self.mark(id, &mut seen);
            }
        }
        for &id in &entries {
            // The edge that closes the cycle is cut here, so that everything else meets a tree.
            if let Some(parent) = self.parents[id.index()].take() {
                self.children[parent.index()].retain(|&child| child != id);
            }
        }
        self.orphans.extend(entries);
        self.orphans.sort_by_key(|id| self.rank[id.index()]);
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

    /// The event that it is as of; `None` for the whole trace.
    pub fn at(&self) -> Option<Seq> {
        self.at
    }

    /// All its processes, by start.
    pub fn processes(&self) -> &[ProcessId] {
        &self.order
    }

    /// True if a process is in it.
    pub fn contains(&self, id: ProcessId) -> bool {
        self.order.get(self.rank.get(id.index()).map_or(0, |&rank| rank as usize)) == Some(&id)
    }

    /// What a process stands below.
    pub fn parent(&self, id: ProcessId) -> Option<ProcessId> {
        self.parents.get(id.index()).copied().flatten()
    }

    /// What stands below a process, in order.
    pub fn children(&self, id: ProcessId) -> &[ProcessId] {
        self.children.get(id.index()).map_or(&[], Vec::as_slice)
    }

    /// Parent, its parent, ...
    pub fn ancestors(&self, id: ProcessId) -> impl Iterator<Item = ProcessId> + '_ {
        std::iter::successors(self.parent(id), |&at| self.parent(at))
    }

    /// Some processes and all their ancestors, by [`ProcessId`]. O(processes).
    pub fn with_ancestors(&self, of: impl IntoIterator<Item = ProcessId>) -> Vec<bool> {
        let mut kept = vec![false; self.parents.len()];
        for id in of.into_iter().filter(|&id| self.contains(id)) {
            let mut next = Some(id);
            while let Some(id) = next.filter(|id| !std::mem::replace(&mut kept[id.index()], true)) {
                next = self.parent(id);
            }
        }
        kept
    }
}

/// Signals counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Signals that stand, by position of their priority in [`Priority::ALL`].
    pub fired: [u32; Priority::ALL.len()],
    /// Suppressed ones.
    pub suppressed: u32,
}

impl Tally {
    /// Counts a signal.
    pub fn add(&mut self, signal: &Signal) {
        match signal.verdict {
            Verdict::Suppressed { .. } => self.suppressed = self.suppressed.saturating_add(1),
            Verdict::Fired => {
                let i = Priority::ALL.iter().position(|&priority| priority == signal.rule.priority).unwrap_or_default();
                self.fired[i] = self.fired[i].saturating_add(1);
            }
        }
    }

    /// Signals that stand, by priority, the gravest first; only priorities that occur.
    pub fn by_priority(&self) -> impl Iterator<Item = (Priority, u32)> + '_ {
        Priority::ALL.into_iter().zip(self.fired).filter(|(_, n)| *n > 0)
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        *self == Tally::default()
    }
}

/// What a row of a drawing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A process.
    Process(ProcessId),
    /// The ancestors of a process, on one line.
    Ancestors(ProcessId),
    /// That the parents of what follows are not known.
    Unknown,
    /// Processes that have no row, below the row's parent.
    More {
        /// How many.
        n: u32,
        /// Signals on them.
        signals: Tally,
    },
}

/// A row of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it shows.
    pub what: What,
    /// Rows above it in the tree, 0 at the left margin.
    pub level: u32,
    /// True if no sibling follows.
    pub is_last: bool,
    /// True if rows stand below it.
    pub is_open: bool,
    /// True if something would stand below it: it can be opened and closed.
    pub has_children: bool,
    /// Position of the row that it stands below.
    pub parent: Option<u32>,
}

/// Which processes have rows.
pub struct Shape<'a> {
    /// Only these, each below a line with its ancestors, and all below them.
    pub picks: Option<&'a [ProcessId]>,
    /// True, by [`ProcessId`], for what has a row; a set that has the ancestors of its members
    /// ([`Forest::with_ancestors`]). The others are counted.
    pub kept: Option<&'a [bool]>,
    /// True if what is below a process, at a level counted from the first, has rows.
    pub is_open: &'a dyn Fn(ProcessId, u32) -> bool,
}

impl Forest {
    /// The rows of a drawing, top to bottom. O(processes), without recursion.
    pub fn rows(&self, case: &Case<'_>, shape: &Shape<'_>) -> Vec<Row> {
        let mut drawing =
            Drawing { forest: self, case, shape, rows: Vec::new(), seen: vec![false; self.parents.len()] };
        if let Some(picks) = shape.picks {
            let mut picks: Vec<ProcessId> = picks.iter().copied().filter(|&id| self.contains(id)).collect();
            picks.sort_by_key(|id| self.rank[id.index()]);
            for id in picks {
                // What stands below another pick has been shown with it.
                if !drawing.seen[id.index()] {
                    if self.parent(id).is_some() {
                        drawing.row(What::Ancestors(id), 0);
                    }
                    drawing.below(&[id], 0);
                }
            }
            return drawing.rows;
        }
        drawing.below(&self.roots, 0);
        let is_kept = |id: &ProcessId| shape.kept.is_none_or(|kept| kept[id.index()]);
        if self.orphans.iter().any(is_kept) || (self.roots.is_empty() && !self.orphans.is_empty()) {
            drawing.row(What::Unknown, 0);
            drawing.below(&self.orphans, 1);
        } else if !self.orphans.is_empty() {
            drawing.more(&self.orphans, 0, None);
        }
        drawing.rows
    }
}

/// A drawing in progress.
struct Drawing<'a> {
    forest: &'a Forest,
    case: &'a Case<'a>,
    shape: &'a Shape<'a>,
    rows: Vec<Row>,
    seen: Vec<bool>,
}

/// A process, or the rest of its siblings, that waits for its turn.
enum Turn {
    Process { id: ProcessId, level: u32, is_last: bool, parent: Option<u32> },
    More { of: Vec<ProcessId>, level: u32, parent: Option<u32> },
}

impl Drawing<'_> {
    fn row(&mut self, what: What, level: u32) {
        self.rows.push(Row { what, level, is_last: true, is_open: false, has_children: false, parent: None });
    }

    /// Processes and everything below them.
    fn below(&mut self, roots: &[ProcessId], first: u32) {
        let heading = (first > 0).then(|| self.rows.len() as u32 - 1);
        let mut turns: Vec<Turn> = Vec::new();
        self.push(&mut turns, roots, first, heading);
        while let Some(turn) = turns.pop() {
            match turn {
                Turn::More { of, level, parent } => self.more(&of, level, parent),
                Turn::Process { id, level, is_last, parent } => {
                    if std::mem::replace(&mut self.seen[id.index()], true) {
                        continue;
                    }
                    let children = self.forest.children(id);
                    let has_children = !children.is_empty();
                    let is_open = has_children && (self.shape.is_open)(id, level - first);
                    let at = self.rows.len() as u32;
                    let what = What::Process(id);
                    self.rows.push(Row { what, level, is_last, is_open, has_children, parent });
                    if is_open {
                        self.push(&mut turns, children, level + 1, Some(at));
                    } else if has_children {
                        self.more(children, level + 1, Some(at));
                    }
                }
            }
        }
    }

    /// Puts siblings on the stack so that the first one is popped first, and after them those that are only counted.
    fn push(&self, turns: &mut Vec<Turn>, siblings: &[ProcessId], level: u32, parent: Option<u32>) {
        let is_kept = |id: ProcessId| self.shape.kept.is_none_or(|kept| kept[id.index()]);
        // What is picked counts for itself, whatever is kept.
        let (kept, rest): (Vec<ProcessId>, Vec<ProcessId>) = siblings.iter().partition(|&&id| is_kept(id));
        let has_rest = !rest.is_empty();
        if has_rest {
            turns.push(Turn::More { of: rest, level, parent });
        }
        turns.extend(kept.iter().enumerate().rev().map(|(i, &id)| Turn::Process {
            id,
            level,
            is_last: i + 1 == kept.len() && !has_rest,
            parent,
        }));
    }

    /// A row that counts some processes and all below them.
    fn more(&mut self, of: &[ProcessId], level: u32, parent: Option<u32>) {
        let (mut n, mut signals) = (0, Tally::default());
        let mut stack = of.to_vec();
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut self.seen[id.index()], true) {
                n += 1;
                let until = self.forest.at.unwrap_or(Seq(u64::MAX));
                self.case.signals_of(id).filter(|signal| signal.seq <= until).for_each(|signal| signals.add(signal));
                stack.extend(self.forest.children(id));
            }
        }
        if n > 0 {
            let what = What::More { n, signals };
            self.rows.push(Row { what, level, is_last: true, is_open: false, has_children: false, parent });
        }
    }
}
