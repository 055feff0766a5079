//! What keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tracehound_formats::{Nanos, Seq};
use tracehound_report::tree::forest::What;
use tracehound_report::tree::node;
use tracehound_state::ProcessId;

use crate::app::{App, Effect, Mode, Pane};

/// Keys and what they do, as the help shows them.
pub(crate) const HELP: [(&str, &str); 20] = [
    ("Tab, 1 2 3", "next pane; tree, signals, detail"),
    ("↑ ↓ j k", "one row up, down"),
    ("PgUp PgDn g G", "a page; to the first, last row"),
    ("← → h l", "close or go to the parent; open"),
    ("Enter", "tree: open or close; signals: go to the process"),
    ("+ -", "open all; close all"),
    ("] [", "next, previous signal, with its process"),
    ("/ n N", "search processes; next, previous"),
    ("f", "show only what matches a text, or a query (@process.comm:sh)"),
    ("s", "only processes with signals"),
    ("u", "list suppressed signals too"),
    (", .", "scrub: back, forward by 1/100 of the trace"),
    ("< >", "scrub to the entry before, after"),
    ("t", "the tree at the moment of the selected signal"),
    ("T", "the whole trace again"),
    ("y", "copy the signal's id"),
    ("m", "mark the signal for suppression"),
    ("w", "write suppressions for the marked signals"),
    ("Esc", "no filter, whole trace"),
    ("q", "leave"),
];

impl App<'_> {
    /// A key was pressed. Gives what is to be done outside.
    pub fn key(&mut self, key: KeyEvent) -> Option<Effect> {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Some(Effect::Quit);
        }
        match std::mem::replace(&mut self.mode, Mode::Normal) {
            // Keys with Ctrl or Alt are nothing else than they are: Ctrl-Q is not q.
            Mode::Normal if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => None,
            Mode::Normal => self.command(key.code),
            Mode::Help => None,
            Mode::Leave => match key.code {
                KeyCode::Char('q' | 'y') => Some(Effect::Quit),
                KeyCode::Char('w') => {
                    self.ask_for_file();
                    None
                }
                _ => {
                    self.say("");
                    None
                }
            },
            Mode::Search(text) => match typed(text, key) {
                Typed::More(text) => {
                    self.mode = Mode::Search(text);
                    None
                }
                Typed::Done(text) => {
                    self.search = text.to_lowercase();
                    self.search(1, true);
                    None
                }
                Typed::Cancelled => None,
            },
            Mode::Filter(text) => match typed(text, key) {
                Typed::More(text) => {
                    self.mode = Mode::Filter(text);
                    None
                }
                Typed::Done(text) if text.is_empty() => {
                    self.set_filter(text, None);
                    None
                }
                // A query begins with an attribute; a plain text with an @ can be searched for.
                Typed::Done(text) if text.starts_with(['@', '-', '(']) && text.contains('@') => {
                    Some(Effect::Query(text))
                }
                Typed::Done(text) => {
                    let wanted = text.to_lowercase();
                    let all = self.forest.processes().iter().copied();
                    let found = all.filter(|&id| self.text_of(id).contains(&wanted)).collect();
                    self.set_filter(text, Some(found));
                    None
                }
                Typed::Cancelled => None,
            },
            Mode::Write(text) => match typed(text, key) {
                Typed::More(text) => {
                    self.mode = Mode::Write(text);
                    None
                }
                Typed::Done(path) if !path.is_empty() => {
                    self.say("replaying the trace for proposals …");
                    Some(Effect::Write { path, signals: self.marks.iter().copied().collect() })
                }
                Typed::Done(_) | Typed::Cancelled => {
                    self.say("nothing was written");
                    None
                }
            },
        }
    }

    fn command(&mut self, code: KeyCode) -> Option<Effect> {
        self.status.clear();
        match code {
            KeyCode::Char('q') if self.has_unwritten() => {
                self.mode = Mode::Leave;
                let n = self.marks.difference(&self.written).count();
                self.say(format!("{n} marked signals are not written: w writes them, q leaves without"));
            }
            KeyCode::Char('q') => return Some(Effect::Quit),
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Tab => self.turn_to(match self.pane {
                Pane::Tree => Pane::Signals,
                Pane::Signals => Pane::Detail,
                Pane::Detail => Pane::Tree,
            }),
            KeyCode::BackTab => self.turn_to(match self.pane {
                Pane::Tree => Pane::Detail,
                Pane::Signals => Pane::Tree,
                Pane::Detail => Pane::Signals,
            }),
            KeyCode::Char('1') => self.turn_to(Pane::Tree),
            KeyCode::Char('2') => self.turn_to(Pane::Signals),
            KeyCode::Char('3') => self.turn_to(Pane::Detail),
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-self.page()),
            KeyCode::PageDown | KeyCode::Char(' ') => self.go(self.page()),
            KeyCode::Home | KeyCode::Char('g') => self.go(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.go(isize::MAX),
            KeyCode::Left | KeyCode::Char('h') if self.pane == Pane::Tree => self.close(),
            KeyCode::Right | KeyCode::Char('l') if self.pane == Pane::Tree => self.open(),
            KeyCode::Enter => self.enter(),
            KeyCode::Char('+') => self.open_all(false),
            KeyCode::Char('-') => self.open_all(true),
            KeyCode::Char(']') => self.next_signal(1),
            KeyCode::Char('[') => self.next_signal(-1),
            KeyCode::Char('/') => self.mode = Mode::Search(String::new()),
            KeyCode::Char('n') => self.search(1, false),
            KeyCode::Char('N') => self.search(-1, false),
            KeyCode::Char('f') => self.mode = Mode::Filter(self.filter.clone()),
            KeyCode::Char('s') => {
                self.only_signals = !self.only_signals;
                self.draw_rows();
                self.refresh_detail();
                self.say(if self.only_signals { "only processes with signals" } else { "all processes" });
            }
            KeyCode::Char('u') => {
                self.shows_suppressed = !self.shows_suppressed;
                self.list_signals();
                self.refresh_detail();
                self.say(if self.shows_suppressed {
                    "suppressed signals are listed"
                } else {
                    "only signals that stand"
                });
            }
            KeyCode::Char(',') => self.scrub(-1),
            KeyCode::Char('.') => self.scrub(1),
            KeyCode::Char('<') => self.scrub_entry(-1),
            KeyCode::Char('>') => self.scrub_entry(1),
            KeyCode::Char('t') => match self.selected_signal() {
                Some(signal) => self.show_at(Some((signal.seq, signal.ts))),
                None => self.say("there is no signal on what is selected"),
            },
            KeyCode::Char('T') => self.show_at(None),
            KeyCode::Esc => {
                self.search.clear();
                self.only_signals = false;
                self.set_filter(String::new(), None);
                self.show_at(None);
            }
            KeyCode::Char('y') => match self.selected_signal() {
                Some(signal) => {
                    let id = signal.id.to_string();
                    self.say(format!("{id}: sent to the clipboard of the terminal (OSC 52)"));
                    return Some(Effect::Copy(id));
                }
                None => self.say("there is no signal on what is selected"),
            },
            KeyCode::Char('m') => self.mark(),
            KeyCode::Char('w') => self.ask_for_file(),
            _ => {}
        }
        None
    }

    fn turn_to(&mut self, pane: Pane) {
        self.pane = pane;
        if pane != Pane::Detail {
            self.refresh_detail();
        }
    }

    /// Rows of a page of the pane.
    fn page(&self) -> isize {
        let height = match self.pane {
            Pane::Tree | Pane::Detail => self.tree.height,
            Pane::Signals => self.list.height,
        };
        height.saturating_sub(1).max(1) as isize
    }

    fn go(&mut self, by: isize) {
        match self.pane {
            Pane::Tree => self.tree.go(by, self.visible.len()),
            Pane::Signals => self.list.go(by, self.signals.len()),
            Pane::Detail => {
                self.scroll = self.scroll.saturating_add_signed(by).min(self.detail.len().saturating_sub(1));
                return;
            }
        }
        self.refresh_detail();
    }

    fn open(&mut self) {
        if let Some(id) = self.selected()
            && std::mem::replace(&mut self.closed[id.index()], false)
        {
            self.draw_rows();
        }
    }

    fn close(&mut self) {
        let Some(id) = self.selected() else { return };
        if !self.closed[id.index()] && !self.forest.children(id).is_empty() {
            self.closed[id.index()] = true;
            self.draw_rows();
        } else if let Some(parent) = self.forest.parent(id) {
            self.select(parent);
        }
    }

    fn enter(&mut self) {
        match self.pane {
            Pane::Tree => {
                if let Some(id) = self.selected().filter(|id| !self.forest.children(*id).is_empty()) {
                    self.closed[id.index()] = !self.closed[id.index()];
                    self.draw_rows();
                }
            }
            Pane::Signals => {
                let process = self.selected_signal().and_then(|signal| self.process_of(signal));
                match process {
                    Some(process) => {
                        self.pane = Pane::Tree;
                        self.select(process);
                    }
                    None => self.say("the signal is on no process"),
                }
            }
            Pane::Detail => {}
        }
    }

    fn open_all(&mut self, is_closed: bool) {
        let is_parent: Vec<bool> =
            (0..self.closed.len()).map(|i| !self.forest.children(ProcessId::new(i as u32)).is_empty()).collect();
        for (closed, is_parent) in self.closed.iter_mut().zip(is_parent) {
            *closed = is_closed && is_parent;
        }
        self.draw_rows();
        self.refresh_detail();
    }

    fn next_signal(&mut self, by: isize) {
        if self.signals.is_empty() {
            self.say("there are no signals");
            return;
        }
        // The first time the one that the list stands on.
        let is_there = self.pane == Pane::Signals || self.selected_signal().is_some();
        let last = self.signals.len() - 1;
        let at = if is_there { self.list.at.saturating_add_signed(by).min(last) } else { self.list.at };
        self.list.at = at;
        let signal = &self.case.signals[self.signals[at] as usize];
        match self.process_of(signal) {
            Some(process) => self.select(process),
            None => self.refresh_detail(),
        }
        self.say(format!("signal {} of {}: {}", at + 1, last + 1, signal.id));
    }

    /// What a process is found by: pid, names, command line; in lower case.
    pub(crate) fn text_of(&self, id: ProcessId) -> String {
        let image = node::image(self.case, id, self.seq());
        let command = node::command(self.case, &image, Some(4096));
        format!("{} {command}", node::short_name_at(self.case, id, self.seq())).to_lowercase()
    }

    /// Goes to the next process with the text, from the selected one on, around the end.
    fn search(&mut self, by: isize, is_new: bool) {
        if self.search.is_empty() {
            self.say("nothing is searched for: / asks");
            return;
        }
        let all: Vec<ProcessId> = self.forest.processes().to_vec();
        let n = all.len() as isize;
        let selected = self.selected();
        let from = selected.and_then(|id| all.iter().position(|&of| of == id)).unwrap_or(0) as isize;
        let first = if is_new { 0 } else { 1 };
        let found = (first..n + first).map(|i| all[(from + by * i).rem_euclid(n) as usize]).find(|&id| {
            let text = self.text_of(id);
            text.contains(&self.search)
        });
        match found {
            Some(id) => {
                self.pane = Pane::Tree;
                self.select(id);
                self.say(format!("/{}", self.search));
            }
            None => self.say(format!("no process with {}", self.search)),
        }
    }

    /// Moves the moment by parts of a hundred of the trace.
    fn scrub(&mut self, by: i64) {
        let density = &self.timeline.density;
        let Some((first, last)) = density.span() else { return };
        let step = (last.0.saturating_sub(first.0) / 100).max(1);
        let now = self.at.map_or(if by < 0 { last } else { first }, |(_, ts)| ts);
        let ts = if by < 0 { now.0.saturating_sub(step) } else { now.0.saturating_add(step) };
        let ts = Nanos(ts).clamp(first, last);
        self.show_at(Some((density.seq_at(ts), ts)));
    }

    /// Moves the moment to the entry of the timeline before or after.
    fn scrub_entry(&mut self, by: i64) {
        let entries = &self.timeline.entries;
        let now = self.at.map_or(if by < 0 { Seq(u64::MAX) } else { Seq(0) }, |(seq, _)| seq);
        let next = if by < 0 {
            entries[..entries.partition_point(|entry| entry.seq < now)].last()
        } else {
            entries.get(entries.partition_point(|entry| entry.seq <= now))
        };
        let Some(entry) = next else {
            self.say("there is no entry further that way");
            return;
        };
        let (process, what) = (entry.process, entry.what.name());
        self.show_at(Some((entry.seq, entry.ts)));
        if let Some(process) = process {
            self.select(process);
        }
        self.status += &format!("; {what}");
    }

    fn mark(&mut self) {
        let Some(signal) = self.selected_signal() else {
            self.say("there is no signal on what is selected");
            return;
        };
        let id = signal.id;
        if !self.marks.remove(&id) {
            self.marks.insert(id);
        }
        let n = self.marks.len();
        self.say(format!("{n} marked for suppression; w writes them"));
        if self.pane == Pane::Signals {
            self.list.go(1, self.signals.len());
            self.refresh_detail();
        }
    }

    fn ask_for_file(&mut self) {
        if self.marks.is_empty() {
            self.say("no signal is marked: m marks one");
        } else {
            self.mode = Mode::Write("suppressions-draft.yaml".to_owned());
        }
    }

    /// True if the row of the tree is a process that the search matches.
    pub(crate) fn is_found(&self, what: What) -> bool {
        match what {
            What::Process(id) => !self.search.is_empty() && self.text_of(id).contains(&self.search),
            _ => false,
        }
    }
}

/// A line that is typed.
enum Typed {
    More(String),
    Done(String),
    Cancelled,
}

/// Characters of a line at most.
const MAX_TYPED: usize = 4096;

fn typed(mut text: String, key: KeyEvent) -> Typed {
    if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        // As in a shell Ctrl-U clears the line; no other such key is a character.
        return Typed::More(if key.code == KeyCode::Char('u') { String::new() } else { text });
    }
    match key.code {
        KeyCode::Enter => return Typed::Done(text),
        KeyCode::Esc => return Typed::Cancelled,
        KeyCode::Backspace => drop(text.pop()),
        KeyCode::Char(c) if text.len() < MAX_TYPED => text.push(c),
        _ => {}
    }
    Typed::More(text)
}
