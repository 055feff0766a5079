//! The process tree for a terminal: who gave birth to whom, with signals pinned to the process they are on.
//!
//! Over the whole trace a process stands below the one that gave birth to it, and who adopted it later is said beside
//! it; as of an event only what existed then is drawn, below who was its parent then, in the state of then. Names are
//! hostile: what a terminal would obey is made visible, nothing is aligned (so wide characters do no harm), and
//! neither depth nor cycles of a damaged trace matter: there is no recursion, and indentation is bounded.

pub mod forest;
pub mod json;
pub mod node;

use std::io::{self, Write};

use tracehound_formats::Seq;
use tracehound_state::ProcessId;

use crate::case::Case;
use crate::screen::{Line, Paint, Screen};

use forest::{Forest, Row, Shape, Tally, What};
use node::Detail;

/// What is shown, and how.
#[derive(Clone, Debug, Default)]
pub struct TreeOptions {
    /// Only these processes, each with its ancestors on one line and all below it.
    pub picks: Option<Vec<ProcessId>>,
    /// As of this event.
    pub at: Option<Seq>,
    /// Only these processes and their ancestors; what else there is is counted.
    pub only: Option<Vec<ProcessId>>,
    /// Levels shown below a root; what is deeper is counted.
    pub depth: Option<u32>,
    /// Colour, characters, columns.
    pub screen: Screen,
    /// Command lines in full length, and lines not cut.
    pub is_full: bool,
}

/// What was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeShown {
    /// Processes with a line of their own.
    pub n_processes: u64,
    /// Processes counted only: below `depth`, or not in `only`.
    pub n_hidden: u64,
    /// Processes that there are: all, or those that existed.
    pub n_all: u64,
}

/// Levels whose lines are drawn; of a deeper process the nearest ones.
pub const MAX_BARS: usize = 40;
/// Ancestors named before a process that was picked.
const MAX_ANCESTORS: usize = 32;

/// The rows that are asked for, with the forest that they are of.
pub(crate) fn rows(case: &Case<'_>, options: &TreeOptions) -> (Forest, Vec<Row>) {
    let forest = Forest::new(case, options.at);
    let kept = options.only.as_ref().map(|only| forest.with_ancestors(only.iter().copied()));
    let is_open = |_: ProcessId, level: u32| options.depth.is_none_or(|depth| level < depth);
    let shape = Shape { picks: options.picks.as_deref(), kept: kept.as_deref(), is_open: &is_open };
    let rows = forest.rows(case, &shape);
    (forest, rows)
}

/// Counts rows.
pub(crate) fn shown(forest: &Forest, rows: &[Row]) -> TreeShown {
    let mut shown = TreeShown { n_all: forest.processes().len() as u64, ..TreeShown::default() };
    for row in rows {
        match row.what {
            What::Process(_) => shown.n_processes += 1,
            What::More { n, .. } => shown.n_hidden += u64::from(n),
            What::Ancestors(_) | What::Unknown => {}
        }
    }
    shown
}

/// Writes the tree of a case. Order: by start, then by first event.
pub fn write(out: &mut dyn Write, case: &Case<'_>, options: &TreeOptions) -> io::Result<TreeShown> {
    let (forest, rows) = rows(case, options);
    let mut screen = options.screen;
    if options.is_full {
        screen.width = None;
    }
    // In a narrow terminal half of the line at most is indentation.
    let max_bars = screen.width.map_or(MAX_BARS, |width| (width / 6).clamp(4, MAX_BARS));
    for (i, row) in rows.iter().enumerate() {
        let mut line = prefix(&rows, i, max_bars);
        let id = match row.what {
            What::Unknown => {
                line.text(Paint::Plain, "(parent unknown)");
                writeln!(out, "{}", screen.render(&line))?;
                continue;
            }
            What::Ancestors(id) => {
                line.line(ancestors(case, &forest, id));
                // Who stands above is the answer to a question that was asked; it is not cut.
                writeln!(out, "{}", Screen { width: None, ..screen }.render(&line))?;
                continue;
            }
            What::More { n, signals } => {
                line.line(more_line(n, &signals));
                writeln!(out, "{}", screen.render(&line))?;
                continue;
            }
            What::Process(id) => id,
        };
        let detail = Detail {
            at: options.at,
            columns: screen.width.map(|width| width.saturating_sub(line.width())),
            is_full: options.is_full,
        };
        line.line(node::process_line(case, id, &detail));
        writeln!(out, "{}", screen.render(&line))?;
        for signals in node::signal_lines(case, id, options.at) {
            let mut line = bars(&rows, i, max_bars, true);
            line.text(Paint::Plain, if row.has_children { "│  " } else { "   " }).line(signals);
            writeln!(out, "{}", screen.render(&line))?;
        }
    }
    Ok(shown(&forest, &rows))
}

/// `… 3 more below: ● 1 Critical`.
pub fn more_line(n: u32, signals: &Tally) -> Line {
    let mut line = Line::new();
    line.text(Paint::Plain, format!("… {n} more below"));
    if !signals.is_empty() {
        line.text(Paint::Plain, ": ").line(tally_line(signals));
    }
    line
}

/// `● 1 Critical ● 2 Notice ○ 4 suppressed`.
pub fn tally_line(signals: &Tally) -> Line {
    let mut line = Line::new();
    for (priority, n) in signals.by_priority() {
        let blank = if line.spans().is_empty() { "" } else { " " };
        line.text(Paint::Plain, blank).text(Paint::Signal(priority), format!("● {n} {}", priority.name()));
    }
    if signals.suppressed > 0 {
        let blank = if line.spans().is_empty() { "" } else { " " };
        line.text(Paint::Dim, format!("{blank}○ {} suppressed", signals.suppressed));
    }
    line
}

/// What stands before a row: bars of the levels above it, then its own branch, if it has one.
pub fn prefix(rows: &[Row], i: usize, max_bars: usize) -> Line {
    let mut line = bars(rows, i, max_bars, false);
    if rows[i].level > 0 {
        line.text(Paint::Plain, if rows[i].is_last { "└─ " } else { "├─ " });
    }
    line
}

/// The bars of the levels above a row, and of the row itself if `is_below`.
fn bars(rows: &[Row], i: usize, max_bars: usize, is_below: bool) -> Line {
    let mut line = Line::new();
    let mut drawn: Vec<&str> = Vec::new();
    let mut at = if is_below { Some(i) } else { rows[i].parent.map(|parent| parent as usize) };
    while let Some(row) = at.map(|at| &rows[at]).filter(|row| row.level > 0) {
        if drawn.len() == max_bars {
            line.text(Paint::Dim, format!("(+{}) ", row.level));
            break;
        }
        drawn.push(if row.is_last { "   " } else { "│  " });
        at = row.parent.map(|parent| parent as usize);
    }
    for bar in drawn.iter().rev() {
        line.text(Paint::Plain, bar);
    }
    line
}

/// The ancestors of a process on one line, farthest first.
fn ancestors(case: &Case<'_>, forest: &Forest, id: ProcessId) -> Line {
    let mut chain: Vec<ProcessId> = forest.ancestors(id).take(MAX_ANCESTORS + 1).collect();
    let is_longer = chain.len() > MAX_ANCESTORS;
    chain.truncate(MAX_ANCESTORS);
    let names: Vec<String> =
        chain.iter().rev().map(|&id| node::short_name_at(case, id, forest.at().unwrap_or(Seq(u64::MAX)))).collect();
    let mut line = Line::new();
    line.text(Paint::Plain, if is_longer { "… > " } else { "" }).text(Paint::Plain, names.join(" > "));
    line
}
