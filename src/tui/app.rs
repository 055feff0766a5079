//! The state of the interface.

use std::collections::BTreeSet;

use tracehound_formats::{Nanos, Seq};
use tracehound_report::Case;
use tracehound_report::path::Paths;
use tracehound_report::screen::{Line, Screen};
use tracehound_report::timeline::Timeline;
use tracehound_report::tree::forest::{Forest, Row, Shape, What};
use tracehound_report::tree::node;
use tracehound_signals::key::resolve;
use tracehound_signals::{Signal, SignalId, Verdict};
use tracehound_state::ProcessId;

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// The process tree.
    Tree,
    /// The list of signals.
    Signals,
    /// What is selected, in detail.
    Detail,
}

/// What keys mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Commands.
    Normal,
    /// A text to search for is typed.
    Search(String),
    /// A text to filter by is typed.
    Filter(String),
    /// The name of a file is typed.
    Write(String),
    /// The list of keys is shown.
    Help,
    /// Marks are not written; whether to leave anyway is asked.
    Leave,
}

/// Something that is to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Copy a text.
    Copy(String),
    /// Find the processes that a query matches, for [`App::filtered`].
    Query(String),
    /// Write suppressions for signals to a file, then tell [`App::written`].
    Write {
        /// Name of the file.
        path: String,
        /// The signals.
        signals: Vec<SignalId>,
    },
    /// End.
    Quit,
}

/// A list with a cursor, of which a part is on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Selected.
    pub(crate) at: usize,
    /// First on the screen.
    pub(crate) top: usize,
    /// Rows that the screen had when it was drawn last.
    pub(crate) height: usize,
    /// True after a jump: if the cursor is not on the screen it comes into its middle.
    pub(crate) has_jumped: bool,
}

impl Cursor {
    pub(crate) fn go(&mut self, by: isize, len: usize) {
        self.at = self.at.saturating_add_signed(by).min(len.saturating_sub(1));
    }

    /// Keeps the cursor on a screen with this many rows.
    pub(crate) fn fit(&mut self, height: usize, len: usize) {
        self.height = height;
        self.at = self.at.min(len.saturating_sub(1));
        let is_outside = self.at < self.top || self.at >= self.top + height;
        if std::mem::take(&mut self.has_jumped) && is_outside {
            self.top = self.at.saturating_sub(height / 2);
        } else if self.at < self.top {
            self.top = self.at;
        } else if height > 0 && self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
        self.top = self.top.min(len.saturating_sub(height.min(len)));
    }
}

/// The state.
pub struct App<'a> {
    pub(crate) case: &'a Case<'a>,
    pub(crate) timeline: &'a Timeline,
    pub(crate) paths: Paths<'a>,
    /// Colour and characters.
    pub(crate) screen: Screen,
    pub(crate) mode: Mode,
    pub(crate) pane: Pane,
    /// The moment that is shown; `None`: the whole trace.
    pub(crate) at: Option<(Seq, Nanos)>,
    pub(crate) forest: Forest,
    /// Closed processes, by [`ProcessId`].
    pub(crate) closed: Vec<bool>,
    /// Rows of the tree, of which only some are drawn.
    pub(crate) rows: Vec<Row>,
    /// Positions of those with a line: what is below a closed process is told on its line.
    pub(crate) visible: Vec<u32>,
    pub(crate) tree: Cursor,
    /// Positions of signals.
    pub(crate) signals: Vec<u32>,
    pub(crate) list: Cursor,
    /// First line of the detail on the screen.
    pub(crate) scroll: usize,
    pub(crate) detail: Vec<Line>,
    pub(crate) search: String,
    pub(crate) filter: String,
    /// Processes that the filter matches.
    pub(crate) filtered: Option<Vec<ProcessId>>,
    pub(crate) only_signals: bool,
    pub(crate) shows_suppressed: bool,
    pub(crate) marks: BTreeSet<SignalId>,
    /// Marks that were written.
    pub(crate) written: BTreeSet<SignalId>,
    pub(crate) status: String,
}

impl<'a> App<'a> {
    /// The beginning: the whole trace, the cursor on the first signal's process.
    pub fn new(case: &'a Case<'a>, timeline: &'a Timeline, screen: Screen) -> App<'a> {
        let mut app = App {
            case,
            timeline,
            paths: Paths::new(case),
            screen,
            mode: Mode::Normal,
            pane: Pane::Tree,
            at: None,
            forest: Forest::new(case, None),
            closed: vec![false; case.history.processes.len()],
            rows: Vec::new(),
            visible: Vec::new(),
            tree: Cursor::default(),
            signals: Vec::new(),
            list: Cursor::default(),
            scroll: 0,
            detail: Vec::new(),
            search: String::new(),
            filter: String::new(),
            filtered: None,
            only_signals: false,
            shows_suppressed: false,
            marks: BTreeSet::new(),
            written: BTreeSet::new(),
            status: String::new(),
        };
        app.list_signals();
        app.draw_rows();
        match app.signals.first().map(|&i| &case.signals[i as usize]).and_then(|signal| app.process_of(signal)) {
            Some(process) => app.select(process),
            None => app.refresh_detail(),
        }
        app.status = "? lists the keys".to_owned();
        app
    }

    /// What is said at the bottom.
    pub fn status(&self) -> &str {
        &self.status
    }

    /// Says something at the bottom.
    pub fn say(&mut self, text: impl Into<String>) {
        self.status = text.into();
    }

    /// What keys mean now.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// The process that is selected in the tree.
    pub fn selected(&self) -> Option<ProcessId> {
        let row = self.rows.get(*self.visible.get(self.tree.at)? as usize)?;
        match row.what {
            What::Process(id) | What::Ancestors(id) => Some(id),
            What::More { .. } | What::Unknown => None,
        }
    }

    /// The signal that is selected: in the list, or else the first one on the process that is selected.
    pub fn selected_signal(&self) -> Option<&'a Signal> {
        let signals = self.case.signals;
        match self.pane {
            Pane::Signals => self.signals.get(self.list.at).map(|&i| &signals[i as usize]),
            Pane::Tree | Pane::Detail => {
                let process = self.selected()?;
                let mut of = signals.iter().filter(|signal| self.process_of(signal) == Some(process));
                of.next()
            }
        }
    }

    pub(crate) fn process_of(&self, signal: &Signal) -> Option<ProcessId> {
        signal.process.map(|process| resolve(self.case.history, process))
    }

    /// The event that everything is as of.
    pub fn seq(&self) -> Seq {
        self.at.map_or(Seq(u64::MAX), |(seq, _)| seq)
    }

    /// Lists signals again after what is listed has changed.
    pub(crate) fn list_signals(&mut self) {
        let is_listed = |signal: &Signal| self.shows_suppressed || signal.verdict == Verdict::Fired;
        let listed = (0u32..).zip(self.case.signals).filter(|(_, signal)| is_listed(signal));
        self.signals = listed.map(|(i, _)| i).collect();
        // With nothing that stands, hiding the rest would show an empty list.
        if self.signals.is_empty() && !self.shows_suppressed {
            self.signals = (0..self.case.signals.len() as u32).collect();
        }
        self.list.at = self.list.at.min(self.signals.len().saturating_sub(1));
    }

    /// Makes the rows of the tree again, after something about them has changed. The selection stays where it can.
    pub(crate) fn draw_rows(&mut self) {
        let selected = self.selected();
        let kept = (self.only_signals || self.filtered.is_some()).then(|| {
            let until = self.seq();
            let has_signals = |id: ProcessId| {
                let mut of = self.case.signals_of(id);
                of.any(|signal| signal.seq <= until && signal.verdict == Verdict::Fired)
            };
            let all = match &self.filtered {
                Some(filtered) => filtered.as_slice(),
                None => self.forest.processes(),
            };
            let only = all.iter().copied().filter(|&id| !self.only_signals || has_signals(id));
            self.forest.with_ancestors(only)
        });
        let is_open = |id: ProcessId, _| !self.closed[id.index()];
        let shape = Shape { picks: None, kept: kept.as_deref(), is_open: &is_open };
        self.rows = self.forest.rows(self.case, &shape);
        let is_visible = |row: &Row| match row.what {
            What::More { .. } => row.parent.is_none_or(|parent| self.rows[parent as usize].is_open),
            _ => true,
        };
        self.visible = (0u32..).zip(&self.rows).filter(|(_, row)| is_visible(row)).map(|(i, _)| i).collect();
        if let Some(selected) = selected {
            self.put_cursor(selected);
        }
        self.tree.at = self.tree.at.min(self.visible.len().saturating_sub(1));
    }

    /// Puts the cursor on a process, or on the nearest ancestor that has a row. False if there is none.
    fn put_cursor(&mut self, process: ProcessId) -> bool {
        let at = |id: ProcessId| self.visible.iter().position(|&row| self.rows[row as usize].what == What::Process(id));
        if let Some(found) = at(process) {
            self.tree.at = found;
            return true;
        }
        // As of a moment the process itself may not exist: the forest then has no ancestors of it.
        let line = tracehound_report::birth_line(self.case, process);
        match line.into_iter().find_map(at) {
            Some(found) => {
                self.tree.at = found;
                true
            }
            None => false,
        }
    }

    /// Selects a process: opens everything above it.
    pub(crate) fn select(&mut self, process: ProcessId) {
        let closed: Vec<ProcessId> = self.forest.ancestors(process).filter(|id| self.closed[id.index()]).collect();
        if !closed.is_empty() {
            closed.iter().for_each(|id| self.closed[id.index()] = false);
            self.draw_rows();
        }
        self.tree.has_jumped = true;
        if !self.put_cursor(process) {
            self.say("the process is not in the tree: filtered out, or not alive at this moment (Esc, T)");
        }
        self.refresh_detail();
    }

    /// Shows a moment, or the whole trace.
    pub(crate) fn show_at(&mut self, at: Option<(Seq, Nanos)>) {
        self.at = at;
        self.forest = Forest::new(self.case, at.map(|(seq, _)| seq));
        self.draw_rows();
        self.refresh_detail();
        self.status = match at {
            None => "the whole trace".to_owned(),
            Some((seq, ts)) => {
                let (time, n) = (node::clock(self.case, ts), self.forest.processes().len());
                format!("as of {time}, event {}: {n} processes", seq.0)
            }
        };
    }

    /// Makes the detail again, after the selection has changed.
    pub(crate) fn refresh_detail(&mut self) {
        self.scroll = 0;
        self.detail = crate::detail::lines(self);
    }

    /// The outcome of [`Effect::Query`].
    pub fn filtered(&mut self, query: &str, found: Result<Vec<ProcessId>, String>) {
        match found {
            Ok(found) => self.set_filter(query.to_owned(), Some(found)),
            Err(why) => self.say(why),
        }
    }

    pub(crate) fn set_filter(&mut self, text: String, found: Option<Vec<ProcessId>>) {
        let n = found.as_ref().map(Vec::len);
        self.filter = text;
        self.filtered = found;
        self.draw_rows();
        self.refresh_detail();
        self.status = match n {
            None => "no filter".to_owned(),
            Some(n) => format!("{n} processes match; Esc shows all again"),
        };
    }

    /// The outcome of [`Effect::Write`].
    pub fn written(&mut self, signals: &[SignalId], outcome: Result<String, String>) {
        match outcome {
            Ok(text) => {
                self.written.extend(signals);
                self.say(text);
            }
            Err(why) => self.say(why),
        }
    }

    /// True if signals are marked that were not written.
    pub(crate) fn has_unwritten(&self) -> bool {
        !self.marks.is_subset(&self.written)
    }
}
