//! The replay: events in, history and one fact an event out.
//!
//! **Order within an event.** First what the previous event left to do: a closed descriptor and an exited thread
//! go only now, so that a rule on the event itself still sees them. Then the event is given its thread and its
//! descriptor, then its effect (module `effects`) is applied. A [`Fact`] says what holds afterwards.
//!
//! **Falco and the truth.** What Falco's fields show is reproduced, because rules are written against it; the
//! places where the trace tells better are marked *Truth* and keep the better answer in history. The source for
//! Falco is `userspace/libsinsp/{parsers,threadinfo,thread_manager}.cpp` of falcosecurity/libs at commit 48dfd53c.

use tracehound_formats::event::{Arg, Batch, Event, head_flags};
use tracehound_formats::section::{FdKind, L4, Section};
use tracehound_formats::{Nanos, Seq};

use crate::effects::{self, Effect, FdUse, Plan, paths};
use crate::fact::Fact;
use crate::fd_table::Entry;
use crate::history::{Attrs, AttrsId, Creds, FileId, History, OpenFile, ProcessId, TableId, ThreadId};
use crate::live::{Actor, Live};
use crate::notes::ReplayNotes;
use crate::strings::Sym;

/// `AT_FDCWD`: relative to the working directory.
pub(crate) const AT_FDCWD: i64 = -100;

/// Settings of a replay.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReplayOptions {
    /// Identifies the trace in process keys when it does not say on which machine it was recorded.
    pub capture_id: u64,
}

/// Turns events into history.
#[derive(Debug)]
pub struct Replay {
    pub(crate) history: History,
    pub(crate) live: Live,
    pub(crate) notes: ReplayNotes,
    /// Number of the last event, as replayed.
    pub(crate) now: Seq,
    /// What the last event left to do.
    pending: Pending,
    plans: &'static [Plan],
    /// Work done so far; see [`Replay::spend`].
    spent: u64,
    /// Where paths and names are put together.
    pub(crate) scratch: Vec<u8>,
}

/// What an event leaves to do before the next one.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// No section has begun.
    pub(crate) section: bool,
    pub(crate) exit: Option<ThreadId>,
    pub(crate) close: Option<(TableId, i64)>,
}

impl Pending {
    #[inline]
    fn is_any(&self) -> bool {
        self.section | self.exit.is_some() | self.close.is_some()
    }
}

/// An event being replayed.
pub(crate) struct Cx<'a> {
    pub(crate) event: Event<'a>,
    /// Its number, higher than any before.
    pub(crate) seq: Seq,
    pub(crate) ts: Nanos,
    /// Return value; `None` if it has none, or did not return.
    pub(crate) ret: Option<i64>,
    pub(crate) fact: Fact,
}

impl<'a> Cx<'a> {
    /// An argument as an unsigned number that is neither absent nor empty.
    #[inline]
    pub(crate) fn uint(&self, i: usize) -> Option<u64> {
        self.event.int(i).map(i64::cast_unsigned)
    }

    /// An argument as a signed number.
    #[inline]
    pub(crate) fn int(&self, i: usize) -> Option<i64> {
        self.event.int(i)
    }

    /// An argument as a 32-bit number.
    pub(crate) fn u32(&self, i: usize) -> Option<u32> {
        self.uint(i).map(|v| v as u32)
    }

    /// Bytes of an argument; empty ones count as not recorded.
    pub(crate) fn bytes(&self, i: usize) -> Option<&'a [u8]> {
        match self.event.arg(i) {
            Arg::Bytes(b) if !b.is_empty() => Some(b),
            _ => None,
        }
    }

    /// The system call returned without an error.
    pub(crate) fn is_ok(&self) -> bool {
        self.ret.is_some_and(|ret| ret >= 0)
    }
}

impl Default for Replay {
    fn default() -> Self {
        Replay::new(ReplayOptions::default())
    }
}

impl Replay {
    /// A replay of nothing yet.
    pub fn new(options: ReplayOptions) -> Self {
        let history = History { capture_id: options.capture_id, ..History::default() };
        Replay {
            history,
            live: Live::default(),
            notes: ReplayNotes::default(),
            now: Seq(0),
            pending: Pending { section: true, ..Pending::default() },
            plans: effects::plans(),
            spent: 0,
            scratch: Vec::new(),
        }
    }

    /// Start state. A further call begins a further section: everything that was current ends at event `from`, and
    /// the section's tables take its place; or they add to it, if the section says so.
    pub fn section(&mut self, section: &Section, from: Seq) {
        self.settle();
        self.pending.section = false;
        let is_first = self.history.sections.is_empty();
        let from = if is_first { Seq(0) } else { Seq(from.0.max(self.now.0.saturating_add(1))) };
        if !is_first {
            self.now = Seq(from.0 - 1);
            if !section.is_addition {
                self.end_all(from);
            }
        }
        effects::snapshot::load(self, section, from);
    }

    /// Replays events, appending one fact an event.
    pub fn batch(&mut self, batch: &Batch, facts: &mut Vec<Fact>) {
        facts.extend(batch.iter().map(|event| self.event(event)));
    }

    /// Replays one event.
    #[inline]
    pub fn event(&mut self, event: Event<'_>) -> Fact {
        if self.pending.is_any() {
            self.begin();
        }
        let head = event.head;
        self.notes.n_events += 1;
        if head.seq <= self.now {
            self.notes.n_seq_backwards += 1;
            self.now = Seq(self.now.0.saturating_add(1));
        } else {
            self.now = head.seq;
        }
        if head.flags & head_flags::UNFINISHED != 0 {
            self.notes.n_unfinished += 1;
        }
        let plan = self.plans.get(usize::from(head.kind.0)).unwrap_or(&Plan::OTHER);
        let is_current = |actor: &Actor| actor.has_acted && plan.actor != effects::Actor::Nobody;
        if !self.live.recent.get(head.tid.0).is_some_and(is_current) && !self.find_actor(plan, event) {
            return self.apply(event, plan, Fact::NONE);
        }
        let Some(actor) = self.live.recent.get(head.tid.0) else { return Fact::NONE };
        let (thread, process, attrs) = (Some(actor.thread), Some(actor.process), Some(actor.attrs));
        let (fd, file) = match plan.fd {
            FdUse::None => (None, None),
            FdUse::Creates => (Some(-1), None),
            FdUse::Arg(i) => match event.int(usize::from(i)) {
                None => (Some(-1), None),
                Some(fd) => {
                    let entry = self.history.fd_tables.open_now(actor.table, fd);
                    (Some(fd), entry.and_then(|entry| entry.file))
                }
            },
        };
        let fact = Fact { thread, process, attrs, fd, file, is_name_changed: false, child: None };
        if effects::is_known(&self.history, plan, event, file) { fact } else { self.apply(event, plan, fact) }
    }

    /// Does what is to be done before an event, if anything is.
    #[inline(never)]
    fn begin(&mut self) {
        if self.history.sections.is_empty() {
            // A trace without start state still has a section, so that every process can name its own.
            self.section(&Section::default(), Seq(0));
        }
        self.settle();
    }

    /// Finds the thread of an event, which was not the last one seen of its id, or has not acted yet: it is then
    /// among the recent ones. False if there is none.
    #[inline(never)]
    fn find_actor(&mut self, plan: &Plan, event: Event<'_>) -> bool {
        let (tid, seq, ts) = (event.head.tid.0, self.now, event.head.ts);
        let actor = match plan.actor {
            effects::Actor::Nobody => None,
            effects::Actor::KnownOnly => self.actor_by_tid(tid),
            effects::Actor::Anybody => self.actor_by_tid(tid).or_else(|| {
                self.thread_or_placeholder(tid, &Cx { event, seq, ts, ret: None, fact: Fact::NONE })?;
                self.actor_by_tid(tid)
            }),
        };
        let Some(actor) = actor else { return false };
        if !actor.has_acted && plan.effect != Effect::Clone {
            self.live.thread[actor.thread.index()].has_acted = true;
            self.live.recent.set(tid, Actor { has_acted: true, ..actor });
        }
        true
    }

    /// Applies the effect of an event, given what holds before it; gives what holds afterwards.
    #[inline(never)]
    fn apply(&mut self, event: Event<'_>, plan: &Plan, fact: Fact) -> Fact {
        let ret = plan.ret(event);
        let mut cx = Cx { event, seq: self.now, ts: event.head.ts, ret, fact };
        effects::apply(plan.effect, self, &mut cx);
        let actor = cx.fact.thread.map(|thread| self.actor_of(event.head.tid.0, thread));
        cx.fact.process = actor.map(|actor| actor.process);
        cx.fact.attrs = actor.map(|actor| actor.attrs);
        cx.fact
    }

    /// Ends the replay: the history as of the end of the trace.
    pub fn finish(mut self) -> History {
        self.settle();
        self.history
    }

    /// The history so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What was contradictory or had to be guessed so far.
    pub fn notes(&self) -> &ReplayNotes {
        &self.notes
    }

    /// Number of the event being replayed.
    pub(crate) fn now(&self) -> Seq {
        self.now
    }

    /// Leaves a thread to be removed before the next event.
    pub(crate) fn exit_later(&mut self, thread: ThreadId) {
        self.pending.exit = Some(thread);
    }

    /// Leaves a descriptor to be closed before the next event.
    pub(crate) fn close_later(&mut self, table: TableId, fd: i64) {
        self.pending.close = Some((table, fd));
    }

    /// Does what the last event left to do, as of the event number after it.
    pub(crate) fn settle(&mut self) {
        let next = Seq(self.now.0.saturating_add(1));
        if let Some(thread) = self.pending.exit.take() {
            self.remove_thread(thread, next);
        }
        if let Some((table, fd)) = self.pending.close.take() {
            self.history.fd_tables.set(table, fd, next, Entry::CLOSED);
        }
    }

    // Look-ups.

    /// The current thread with a thread id.
    pub(crate) fn thread_by_tid(&mut self, tid: i64) -> Option<ThreadId> {
        self.actor_by_tid(tid).map(|actor| actor.thread)
    }

    /// The current thread with a thread id, and what it is now.
    #[inline]
    pub(crate) fn actor_by_tid(&mut self, tid: i64) -> Option<Actor> {
        if let Some(actor) = self.live.recent.get(tid) {
            return Some(*actor);
        }
        let actor = self.look_at(self.live.threads.get(tid)?);
        self.live.recent.set(tid, actor);
        Some(actor)
    }

    /// What a thread, which mostly is the current one with an id, is now.
    #[inline]
    pub(crate) fn actor_of(&self, tid: i64, thread: ThreadId) -> Actor {
        let known = self.live.recent.get(tid).filter(|actor| actor.thread == thread);
        known.copied().unwrap_or_else(|| self.look_at(thread))
    }

    #[inline(never)]
    fn look_at(&self, thread: ThreadId) -> Actor {
        let row = &self.history.threads[thread.index()];
        let has_acted = self.live.thread[thread.index()].has_acted;
        let (process, attrs) = (row.process, row.attrs().last());
        Actor { thread, process, attrs, table: self.look_at_table(thread), has_acted }
    }

    /// The process of a thread.
    pub(crate) fn process_of(&self, thread: ThreadId) -> ProcessId {
        self.history.threads[thread.index()].process
    }

    /// The descriptor table a thread uses now.
    #[inline]
    pub(crate) fn table_of(&self, thread: ThreadId) -> TableId {
        self.actor_of(self.history.threads[thread.index()].tid.0, thread).table
    }

    fn look_at_table(&self, thread: ThreadId) -> TableId {
        let own = self.history.own(thread).and_then(|own| own.fd_table.last());
        own.unwrap_or_else(|| self.history.processes[self.process_of(thread).index()].fd_table().last())
    }

    /// The working directory of a thread now.
    pub(crate) fn cwd_of(&self, thread: ThreadId) -> Option<Sym> {
        let own = self.history.own(thread).and_then(|own| own.cwd.last());
        own.unwrap_or_else(|| self.history.processes[self.process_of(thread).index()].cwd().last())
    }

    /// What a descriptor of a thread refers to now.
    pub(crate) fn file_of(&mut self, thread: ThreadId, fd: i64) -> Option<FileId> {
        self.entry_of(thread, fd)?.file
    }

    /// The entry of a descriptor of a thread now, if it is open.
    pub(crate) fn entry_of(&mut self, thread: ThreadId, fd: i64) -> Option<Entry> {
        self.history.fd_tables.open_now(self.table_of(thread), fd)
    }

    /// What a thread is now.
    pub(crate) fn attrs_of(&self, thread: ThreadId) -> Attrs {
        self.history.attrs(self.history.threads[thread.index()].attrs().last())
    }

    /// The bytes of a symbol.
    pub(crate) fn text(&self, sym: Sym) -> &[u8] {
        self.history.strings.get(sym)
    }

    // Work that is not O(1).

    /// Takes from the budget of work that a single event may cause more of than it is long. The budget grows with
    /// the trace, so that the whole replay stays linear even for a trace made up to be slow.
    pub(crate) fn spend(&mut self, work: usize) -> bool {
        let budget = (1 << 20) + 64 * self.notes.n_events;
        if self.spent + work as u64 > budget {
            self.notes.n_out_of_budget += 1;
            return false;
        }
        self.spent += work as u64;
        true
    }

    /// All open descriptors of a table now; none if there are too many for the budget.
    pub(crate) fn entries_of(&mut self, table: TableId) -> Vec<(i64, Entry)> {
        let cost = self.history.fd_tables.cost(table);
        if self.spend(cost) { self.history.fd_tables.entries(table, self.now) } else { Vec::new() }
    }

    /// A copy of a table; an empty one if it is too large for the budget.
    pub(crate) fn fork_table(&mut self, table: TableId, seq: Seq) -> TableId {
        if self.history.fd_tables.is_copied_at_fork(table) {
            let cost = self.history.fd_tables.cost(table);
            if !self.spend(cost) {
                return self.history.fd_tables.create();
            }
        }
        self.history.fd_tables.fork(table, seq)
    }

    // Additions to the history.

    /// Interns a string.
    pub(crate) fn intern(&mut self, bytes: &[u8]) -> Sym {
        self.history.strings.intern(bytes)
    }

    /// Interns a string that is likely to be `guess`: comparing is cheaper than hashing.
    pub(crate) fn intern_like(&mut self, guess: Sym, bytes: &[u8]) -> Sym {
        if self.history.strings.get(guess) == bytes { guess } else { self.history.strings.intern(bytes) }
    }

    /// [`Replay::intern_list`] of a list that is likely to be `guess`.
    pub(crate) fn intern_list_like(&mut self, guess: Sym, bytes: &[u8]) -> Sym {
        let text: &[u8] = self.history.strings.get(guess);
        if text == bytes || !bytes.is_empty() && text.strip_suffix(b"\0") == Some(bytes) {
            guess
        } else {
            self.intern_list(bytes)
        }
    }

    /// Interns a list of strings with a NUL after each, adding the last NUL where it is missing.
    pub(crate) fn intern_list(&mut self, bytes: &[u8]) -> Sym {
        if bytes.is_empty() || bytes.ends_with(b"\0") {
            return self.history.strings.intern(bytes);
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(bytes);
        self.scratch.push(0);
        self.history.strings.intern(&self.scratch)
    }

    /// Interns `path`, which has the symbol `raw`, taken relative to `dir`; see [`paths::join`].
    pub(crate) fn intern_joined_raw(&mut self, dir: Option<Sym>, path: &[u8], raw: Sym) -> Sym {
        let dir = dir.unwrap_or(Sym::EMPTY);
        if let Some(joined) = self.live.joined.get(dir, raw) {
            return joined;
        }
        let text: &[u8] = self.history.strings.get(dir);
        let joined = if paths::is_plain(text, path) { raw } else { self.intern_joined(Some(dir), path) };
        self.live.joined.set(dir, raw, joined);
        joined
    }

    /// Interns `path` taken relative to `dir`; see [`paths::join`].
    pub(crate) fn intern_joined(&mut self, dir: Option<Sym>, path: &[u8]) -> Sym {
        let dir: &[u8] = dir.map_or(b"", |dir| self.history.strings.get(dir));
        paths::join(&mut self.scratch, dir, path);
        self.history.strings.intern(&self.scratch)
    }

    /// Gives a thread another state from the event being replayed on.
    pub(crate) fn change_attrs(&mut self, thread: ThreadId, change: impl FnOnce(&mut Attrs)) {
        self.change_attrs_from(thread, self.now, change);
    }

    /// Gives a thread another state from `from` on. A second change by the same event goes into the same row: only
    /// the state after an event can be observed.
    pub(crate) fn change_attrs_from(&mut self, thread: ThreadId, from: Seq, change: impl FnOnce(&mut Attrs)) {
        let last = self.history.threads[thread.index()].attrs().last();
        let old = self.history.attrs.at(last.index());
        let mut new = old;
        change(&mut new);
        if new == old {
            return;
        }
        new.from = from;
        if old.from == from && old.thread == thread {
            self.history.attrs.set(last.index(), new);
            return;
        }
        let id = self.push_attrs(new);
        let row = &mut self.history.threads[thread.index()];
        row.set_attrs(from, id);
        self.live.recent.forget(row.tid.0);
    }

    /// Gives a process another descriptor table.
    pub(crate) fn set_table(&mut self, process: ProcessId, from: Seq, table: TableId) {
        self.history.processes[process.index()].set_fd_table(from, table);
        self.live.recent.forget_all();
    }

    pub(crate) fn push_attrs(&mut self, attrs: Attrs) -> AttrsId {
        let id = AttrsId::new(index_of(self.history.attrs.len()));
        self.history.attrs.push(attrs);
        id
    }

    /// Stores credentials once.
    pub(crate) fn creds(&mut self, creds: Creds) -> crate::history::CredId {
        let history = &mut self.history;
        *self.live.creds.entry(creds).or_insert_with(|| {
            let id = crate::history::CredId::new(index_of(history.creds.len()));
            history.creds.push(creds);
            id
        })
    }

    /// A fresh open file without a name.
    pub(crate) fn blank_file(&self, thread: Option<ThreadId>, kind: FdKind) -> OpenFile {
        OpenFile {
            from: self.now,
            origin: FileId::new(index_of(self.history.files.len())),
            opened_by: thread,
            kind,
            name: Sym::EMPTY,
            raw_name: Sym::EMPTY,
            flags: 0,
            dev: None,
            ino: None,
            net: None,
            unix: None,
            l4: L4::NotApplicable,
            role: None,
            is_connected: false,
            is_upper_layer: false,
            is_lower_layer: false,
            pid: None,
        }
    }

    pub(crate) fn push_file(&mut self, file: OpenFile) -> FileId {
        let id = FileId::new(index_of(self.history.files.len()));
        self.history.files.push(file);
        id
    }

    /// Makes a descriptor of the event's thread refer to a file, and makes it the descriptor of the event.
    pub(crate) fn open_fd(&mut self, cx: &mut Cx<'_>, fd: i64, file: OpenFile, is_cloexec: bool) {
        let Some(thread) = cx.fact.thread else { return };
        let has_name = file.name != Sym::EMPTY;
        let file = self.push_file(file);
        self.set_fd(thread, fd, Some(file), is_cloexec);
        cx.fact.fd = Some(fd);
        cx.fact.file = Some(file);
        // A fresh descriptor had the empty name "before".
        cx.fact.is_name_changed = has_name;
    }

    /// Sets an entry of a thread's descriptor table. Negative numbers are no descriptors.
    pub(crate) fn set_fd(&mut self, thread: ThreadId, fd: i64, file: Option<FileId>, is_cloexec: bool) {
        let table = self.table_of(thread);
        self.history.fd_tables.set(table, fd, self.now, Entry { file, is_cloexec });
    }

    /// Gives the file of the event's descriptor another state. Other descriptors that share the description keep
    /// theirs, as in Falco, which copies at `dup` and `fork`; [`OpenFile::origin`] tells what belongs together.
    pub(crate) fn change_file(&mut self, cx: &mut Cx<'_>, change: impl FnOnce(&mut OpenFile)) {
        let (Some(thread), Some(fd), Some(old_id)) = (cx.fact.thread, cx.fact.fd, cx.fact.file) else { return };
        let old = self.history.files.at(old_id.index());
        let mut new = old;
        change(&mut new);
        if new == old {
            return;
        }
        cx.fact.is_name_changed |= new.name != old.name;
        if old.from == cx.seq && old_id.index() + 1 == self.history.files.len() {
            // This event made the row; nobody else refers to it.
            self.history.files.set(old_id.index(), new);
            return;
        }
        new.from = cx.seq;
        let id = self.push_file(new);
        let is_cloexec = self.entry_of(thread, fd).is_some_and(|entry| entry.is_cloexec);
        self.set_fd(thread, fd, Some(id), is_cloexec);
        cx.fact.file = Some(id);
    }
}

/// A row number. Tables hold fewer than 2^32 rows: each row costs input, and more than 100 bytes of memory.
pub(crate) fn index_of(n: usize) -> u32 {
    u32::try_from(n).expect("a table holds fewer than 2^32 rows")
}
