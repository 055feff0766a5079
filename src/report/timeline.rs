//! What happened, in order: starts and ends of programs, connections, writes to places that matter, changes of user,
//! calls that change the machine, signals; runs of equal entries are one entry with a count.
//!
//! Most of it is in the history. What the history has no time for is noted by a [`Collector`] as the trace goes by; it
//! keeps a bounded number of notes and counts the others.

pub mod json;
pub mod notable;
pub mod perfetto;
pub mod text;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use bstr::{BString, ByteSlice};
use tracehound_fields::{Context, FieldRef, Subject, Value, View, resolve as field};
use tracehound_formats::event::{head_flags, syscalls};
use tracehound_formats::section::FdKind;
use tracehound_formats::{Batch, KindId, Nanos, Seq};
use tracehound_signals::key::resolve;
use tracehound_state::history::{Net, OpenFile, Role};
use tracehound_state::{CredId, Fact, FileId, History, ImageId, ProcessId};

use crate::case::Case;
use crate::density::Density;
use crate::{lineage, path};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A process was born that never executed a program of its own.
    Fork,
    /// A program was loaded.
    Exec(ImageId),
    /// The process ended.
    Exit,
    /// A connection was made, or a datagram sent.
    Connect(FileId),
    /// A connection was accepted, or a datagram received.
    Accept(FileId),
    /// A socket was bound.
    Bind(FileId),
    /// A file in a place that matters was opened for writing; see [`notable`].
    Write(FileId),
    /// A standard stream became a socket or a pipe of somebody else.
    Redirect {
        /// 0, 1 or 2.
        fd: u8,
        /// What it became.
        file: FileId,
    },
    /// The user or the group changed.
    User {
        /// Credentials before.
        from: CredId,
        /// And after.
        to: CredId,
    },
    /// A call that changes the machine, or that attacks are made of; see [`notable`].
    Call {
        /// Its kind.
        kind: KindId,
        /// Its arguments, shortened to [`MAX_DETAIL`] bytes.
        detail: BString,
    },
    /// A signal: its position in [`Case::signals`].
    Signal(u32),
    /// Events are missing: the position in [`Case::losses`].
    Lost(u32),
}

/// Bytes kept of the arguments of a call.
pub const MAX_DETAIL: usize = 240;
/// Notes that a collector keeps.
const MAX_NOTES: usize = 1 << 20;
/// Different entries of one actor between which a run of equal ones goes on: a loop starts a program, which connects,
/// writes and ends.
const MAX_RECENT: usize = 6;

/// An entry, or a run of equal ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first event.
    pub seq: Seq,
    /// Its time.
    pub ts: Nanos,
    /// Time of the last event of the run; `ts` of a single one.
    pub last_ts: Nanos,
    /// How many.
    pub n: u32,
    /// The process, of a run the first one; `None` if it is not about one.
    pub process: Option<ProcessId>,
    /// What happened.
    pub what: What,
}

/// Notes what the history has no time for.
#[derive(Debug, Default)]
pub struct Collector {
    notes: Vec<Entry>,
    n_left_out: u64,
    density: Density,
}

impl Collector {
    /// Nothing yet.
    pub fn new() -> Collector {
        Collector::default()
    }

    /// Events that were replayed together, with their facts, in order.
    pub fn window(&mut self, batches: &[Batch], facts: &[Vec<Fact>], history: &History, context: &Context) {
        self.density.batches(batches);
        for (batch, facts) in batches.iter().zip(facts) {
            for (event, fact) in batch.iter().zip(facts) {
                if event.head.flags & (head_flags::STATE_ONLY | head_flags::UNFINISHED) == 0 {
                    self.event(&View { event, fact, history, context });
                }
            }
        }
    }

    fn event(&mut self, view: &View<'_>) {
        let (head, fact, history) = (view.event.head, view.fact, view.history);
        let Some(process) = fact.process else { return };
        let mut note = |what: What| {
            if self.notes.len() == MAX_NOTES {
                self.n_left_out += 1;
                return;
            }
            let (seq, ts) = (head.seq, head.ts);
            self.notes.push(Entry { seq, ts, last_ts: ts, n: 1, process: Some(process), what });
        };
        if let (Some(attrs), Some(thread)) = (fact.attrs, fact.thread)
            && history.attrs(attrs).from == head.seq
        {
            let rows = history.thread(thread).attrs();
            let (from, to) = (history.attrs(rows.before(head.seq)).creds, history.attrs(attrs).creds);
            let ids = |creds: CredId| {
                let creds = history.creds(creds);
                (creds.uid, creds.gid)
            };
            let ((uid, _), (new, _)) = (ids(from), ids(to));
            // What becomes known is no change.
            if from != to && ids(from) != ids(to) && uid.is_some() && new.is_some() {
                note(What::User { from, to });
            }
        }
        let is_dup = matches!(head.kind, syscalls::DUP | syscalls::DUP2 | syscalls::DUP3);
        if let (true, Some(file), Some(fd @ 0..=2)) = (is_dup, fact.file, fact.fd)
            && is_socket(&history.file(file))
        {
            note(What::Redirect { fd: fd as u8, file });
        }
        if notable::is_call(head.kind) && view.event.ret().is_none_or(|ret| ret >= 0) {
            let text = arguments(view);
            if !notable::needs_path(head.kind) || notable::names_path(&text) {
                note(What::Call { kind: head.kind, detail: shortened(text) });
            }
        }
    }

    /// How many events there were when.
    pub fn density(&self) -> &Density {
        &self.density
    }
}

/// The arguments of an event, as the field `evt.args` has them.
fn arguments(view: &View<'_>) -> BString {
    static ARGS: OnceLock<Option<FieldRef>> = OnceLock::new();
    match ARGS.get_or_init(|| field("evt.args").ok()).as_ref().map(|field| view.get(field)) {
        Some(Value::Str(text)) => text.into_owned(),
        _ => BString::default(),
    }
}

fn shortened(mut text: BString) -> BString {
    if text.len() > MAX_DETAIL {
        let end = (MAX_DETAIL..MAX_DETAIL + 4).find(|&i| text.get(i).is_none_or(|b| b & 0xc0 != 0x80));
        text.truncate(end.unwrap_or(MAX_DETAIL));
        text.extend_from_slice("…".as_bytes());
    }
    text
}

fn is_socket(file: &OpenFile) -> bool {
    matches!(file.kind, FdKind::Ipv4Socket | FdKind::Ipv6Socket)
}

/// What is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Only {
    /// Entries that end before are left out.
    pub since: Option<Nanos>,
    /// Entries that begin after are left out.
    pub until: Option<Nanos>,
    /// Entries of other processes are left out.
    pub pid: Option<i64>,
    /// Each entry for itself, no runs: for views of single processes.
    pub is_unrolled: bool,
}

/// Entries in order, of a finished case.
#[derive(Debug, Default)]
pub struct Timeline {
    /// By event.
    pub entries: Vec<Entry>,
    /// Notes that were not kept, of the kinds `redirect`, `user` and calls: a trace with more than a million of them.
    pub n_left_out: u64,
    /// How many events there were when.
    pub density: Density,
}

impl Timeline {
    /// Everything that is in the history of a case, what a collector noted, and the signals. O(rows log rows).
    pub fn new(case: &Case<'_>, collector: Collector, only: &Only) -> Timeline {
        let Collector { notes, n_left_out, density } = collector;
        let mut entries = notes;
        of_history(case, &mut entries);
        for (i, signal) in (0..).zip(case.signals) {
            let (seq, ts) = (signal.seq, signal.ts);
            entries.push(Entry { seq, ts, last_ts: ts, n: 1, process: signal.process, what: What::Signal(i) });
        }
        for (i, loss) in (0..).zip(case.losses) {
            let (seq, ts) = (loss.seq, loss.ts);
            entries.push(Entry { seq, ts, last_ts: ts, n: 1, process: None, what: What::Lost(i) });
        }
        for entry in &mut entries {
            entry.process = entry.process.map(|process| resolve(case.history, process));
        }
        entries.retain(|entry| {
            only.since.is_none_or(|since| entry.ts >= since)
                && only.until.is_none_or(|until| entry.ts <= until)
                && only.pid.is_none_or(|pid| entry.process.is_some_and(|id| case.history.process(id).pid.0 == pid))
        });
        // What an event did comes before the signals on it.
        entries.sort_by_key(|entry| (entry.seq, matches!(entry.what, What::Signal(_)), entry.process));
        let entries = if only.is_unrolled { entries } else { rolled_up(case, entries) };
        Timeline { entries, n_left_out, density }
    }
}

/// Births, execs, exits, connections and files.
fn of_history(case: &Case<'_>, entries: &mut Vec<Entry>) {
    let history = case.history;
    let mut add = |seq: Seq, ts: Nanos, process: ProcessId, what: What| {
        entries.push(Entry { seq, ts, last_ts: ts, n: 1, process: Some(process), what });
    };
    for (id, process) in (0..).map(ProcessId::new).zip(&history.processes) {
        if !lineage::is_process(history, id) {
            continue;
        }
        let mut has_exec = false;
        for (from, image) in process.image().rows() {
            // A fork inherits the image: the exec is the parent's.
            if history.image(image).is_exec && history.image(image).from == from {
                has_exec = true;
                if let Some(ts) = case.times.image(image) {
                    add(from, ts, id, What::Exec(image));
                }
            }
        }
        if let (false, Some(ts), true) = (has_exec, process.start_ns(), process.born.0 > 0) {
            add(process.born, ts, id, What::Fork);
        }
        if let Some(exit) = process.exit() {
            add(exit.seq, exit.ts, id, What::Exit);
        }
    }
    for (id, file) in (0..).map(FileId::new).zip(history.files.iter()) {
        let (Some(thread), Some(ts)) = (file.opened_by, case.times.file(id)) else { continue };
        let process = history.thread(thread).process;
        let what = match file.net {
            Some(Net::Pair { .. }) if file.role == Some(Role::Server) => What::Accept(id),
            Some(Net::Pair { .. }) => What::Connect(id),
            Some(Net::Bound(_)) => What::Bind(id),
            None if file.origin == id
                && path::is_written(history, &file)
                && notable::is_path(history.text(file.name)) =>
            {
                What::Write(id)
            }
            None => continue,
        };
        add(file.from, ts, process, what);
    }
}

/// Runs of equal entries as one. Two entries are equal if whoever reads them could not tell them apart but for time and
/// pid: the same program with the same arguments started by the same process, the same connection's far end.
fn rolled_up(case: &Case<'_>, entries: Vec<Entry>) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::with_capacity(entries.len());
    // Places of the last different entries of each actor, with what they are equal by.
    let mut recent: HashMap<ProcessId, Vec<(u64, u32)>> = HashMap::new();
    for entry in entries {
        let Some((actor, key)) = entry.process.and_then(|process| equal_by(case, process, &entry.what)) else {
            out.push(entry);
            continue;
        };
        let recent = recent.entry(actor).or_default();
        if let Some(&(_, at)) = recent.iter().find(|(of, _)| *of == key) {
            let run = &mut out[at as usize];
            run.n = run.n.saturating_add(1);
            run.last_ts = run.last_ts.max(entry.ts);
            continue;
        }
        if recent.len() == MAX_RECENT {
            recent.remove(0);
        }
        recent.push((key, out.len() as u32));
        out.push(entry);
    }
    out
}

/// Whose run an entry can be part of, and what it is equal by; `None` for what always stands alone.
fn equal_by(case: &Case<'_>, process: ProcessId, what: &What) -> Option<(ProcessId, u64)> {
    let history = case.history;
    let parent = || lineage::birth_parent(history, process).unwrap_or(process);
    let mut hash = DefaultHasher::new();
    std::mem::discriminant(what).hash(&mut hash);
    let actor = match what {
        What::Signal(_) | What::Lost(_) => return None,
        What::Fork => {
            history.image(history.process(process).image().last()).comm.hash(&mut hash);
            parent()
        }
        What::Exec(image) => {
            let image = history.image(*image);
            (image.comm, image.exepath, image.exe, image.args).hash(&mut hash);
            parent()
        }
        What::Exit => {
            let row = history.process(process);
            history.image(row.image().last()).comm.hash(&mut hash);
            row.exit().map(|exit| (exit.code, exit.signal, exit.core)).hash(&mut hash);
            parent()
        }
        What::Connect(file) | What::Accept(file) | What::Bind(file) => {
            let file = history.file(*file);
            file.kind.hash(&mut hash);
            match file.net {
                // The port of a client's end is another one each time.
                Some(Net::Pair { src, dst }) => (src.ip(), dst).hash(&mut hash),
                Some(Net::Bound(at)) => at.hash(&mut hash),
                None => file.name.hash(&mut hash),
            }
            process
        }
        What::Write(file) => {
            history.file(*file).name.hash(&mut hash);
            process
        }
        What::Redirect { fd, file } => {
            (fd, history.file(*file).name).hash(&mut hash);
            process
        }
        What::User { from, to } => {
            (from, to).hash(&mut hash);
            process
        }
        What::Call { kind, detail } => {
            (kind, detail.as_bytes()).hash(&mut hash);
            process
        }
    };
    Some((actor, hash.finish()))
}

impl What {
    /// One word: `fork`, `exec`, `exit`, `connect`, `accept`, `bind`, `write`, `redirect`, `user`, `signal`, `lost`, or
    /// the name of a system call.
    pub fn name(&self) -> &'static str {
        match self {
            What::Fork => "fork",
            What::Exec(_) => "exec",
            What::Exit => "exit",
            What::Connect(_) => "connect",
            What::Accept(_) => "accept",
            What::Bind(_) => "bind",
            What::Write(_) => "write",
            What::Redirect { .. } => "redirect",
            What::User { .. } => "user",
            What::Call { kind, .. } => kind.name(),
            What::Signal(_) => "signal",
            What::Lost(_) => "lost",
        }
    }
}
