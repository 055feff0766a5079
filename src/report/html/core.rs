//! What a page needs to be drawn: processes, signals, rules, paths. By columns, a list a column.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::{Value as Json, json};
use tracehound_formats::event::flags::EXECVE_FLAGS;
use tracehound_formats::section::FdKind;
use tracehound_formats::{Nanos, Seq};
use tracehound_signals::key::resolve;
use tracehound_signals::visible::Visible;
use tracehound_signals::{Priority, Signal};
use tracehound_state::history::{Origin, Process, Role};
use tracehound_state::{ContainerId, ImageId, ProcessId, Sym};

use super::json::{Object, ints, list};
use super::texts::Texts;
use super::watch::{LANES, Watch};
use crate::case::Case;
use crate::columns::connections::unix_path;
use crate::lineage;
use crate::path::{self, AttackPath, Entry, Paths, RanAs, Step};
use crate::summary;
use crate::table::split_nul;

/// Processes of a page; of more, those with signals and their ancestors, then the first.
const MAX_PROCESSES: usize = 250_000;
/// Signals of a page; of more, the most severe, then the first.
const MAX_SIGNALS: usize = 50_000;
/// Images and users told of a process; of more, the newest.
const MAX_CHAIN: usize = 64;

/// Everything a page is drawn from, but for what is needed when something is opened.
pub(super) struct Core<'a> {
    pub(super) case: &'a Case<'a>,
    /// Processes of the page, by start.
    pub(super) processes: Vec<ProcessId>,
    /// Position in `processes`, by [`ProcessId`]; -1 for those left out.
    pub(super) rank: Vec<i64>,
    /// Positions in [`Case::signals`] of the signals of the page, in order.
    pub(super) signals: Vec<usize>,
    /// Time that times are counted from.
    pub(super) base: u64,
    texts: Texts,
    images: Vec<String>,
    image_rows: HashMap<ImageId, u32>,
    users: Vec<String>,
    user_rows: HashMap<(u32, Option<Sym>), u32>,
    containers: Vec<String>,
    container_rows: HashMap<ContainerId, u32>,
}

impl<'a> Core<'a> {
    pub(super) fn new(case: &'a Case<'a>, watch: &Watch) -> Core<'a> {
        let signals = signals(case);
        let processes = processes(case, &signals);
        let mut rank = vec![-1; case.history.processes.len()];
        for (i, id) in (0..).zip(&processes) {
            rank[id.index()] = i;
        }
        let mut texts = Texts::default();
        texts.text("");
        Core {
            case,
            processes,
            rank,
            signals,
            base: watch.base().or(case.source.first_ns).unwrap_or(0),
            texts,
            images: Vec::new(),
            image_rows: HashMap::new(),
            users: Vec::new(),
            user_rows: HashMap::new(),
            containers: Vec::new(),
            container_rows: HashMap::new(),
        }
    }

    /// The whole as JSON.
    pub(super) fn json(&mut self, watch: &Watch, title: &str) -> String {
        let mut out = Object::new();
        let processes = self.processes_json();
        let signals = self.signals_json();
        let rules = self.rules_json();
        let losses = self.losses_json();
        let case = self.case;
        let (bin_ns, lanes) = watch.density();
        let lanes = lanes.into_iter().map(|lane| ints(lane.into_iter().map(|n| n as i64)));
        let is_process = |id: &ProcessId| lineage::is_process(case.history, *id);
        let n_processes = (0..case.history.processes.len() as u32).map(ProcessId::new).filter(is_process).count();
        let head = json!({
            "title": Visible(title.as_bytes()).to_string(),
            "base": self.base.to_string(),
            "first": case.source.first_ns.map(|ns| offset(self.base, ns)),
            "last": case.source.last_ns.map(|ns| offset(self.base, ns)),
            "binNs": bin_ns,
            "lanes": LANES,
            "nProcesses": n_processes,
            "nSignals": case.signals.len(),
            "priorities": Priority::ALL.map(|priority| priority.name()),
        });
        out.raw("head", &head.to_string());
        out.raw("summary", &visible(summary::summary(case)).to_string());
        out.list("density", lanes);
        out.raw("processes", &processes);
        out.raw("signals", &signals);
        out.raw("rules", &rules);
        out.raw("losses", &losses);
        out.list("images", &self.images);
        out.list("users", &self.users);
        out.list("containers", &self.containers);
        out.raw("texts", &self.texts.json());
        out.end()
    }

    pub(super) fn offset(&self, ns: u64) -> i64 {
        offset(self.base, ns)
    }

    pub(super) fn time(&self, ns: Option<Nanos>) -> String {
        ns.map_or_else(|| "null".to_owned(), |ns| self.offset(ns.0).to_string())
    }

    /// Position of a process in the page; -1 if it is not in it.
    pub(super) fn row(&self, id: ProcessId) -> i64 {
        self.rank[resolve(self.case.history, id).index()]
    }

    fn row_option(&self, id: Option<ProcessId>) -> i64 {
        id.map_or(-1, |id| self.row(id))
    }

    fn processes_json(&mut self) -> String {
        let case = self.case;
        let history = case.history;
        let mut out = Object::new();
        let ids = self.processes.clone();
        let of = |id: &ProcessId| history.process(*id);
        out.ints("pid", ids.iter().map(|id| of(id).pid.0));
        out.ints("parent", ids.iter().map(|&id| self.row_option(lineage::birth_parent(history, id))));
        let adopted = ids.iter().map(|&id| {
            let last = lineage::last_parent(history, id);
            if last == lineage::birth_parent(history, id) { -1 } else { self.row_option(last) }
        });
        out.ints("adopted", adopted);
        out.list("start", ids.iter().map(|id| self.time(of(id).start_ns())));
        out.list("end", ids.iter().map(|id| self.time(of(id).exit().map(|exit| exit.ts))));
        out.ints("ending", ids.iter().map(|id| ending(of(id))));
        let origin = |id| match of(id).origin {
            Origin::Snapshot => 0,
            Origin::Birth => 1,
            Origin::FirstSeen => 2,
        };
        out.ints("origin", ids.iter().map(origin));
        out.ints("threads", ids.iter().map(|id| of(id).threads.len() as i64));
        // A key is made from pid and start where that is how it was made; see `History::process_key`.
        let prefix =
            ids.first().map_or_else(String::new, |&id| case.key(id).split('-').next().unwrap_or("").to_owned());
        let base = self.base;
        let keys = ids.iter().map(|&id| {
            let (process, key) = (of(&id), case.key(id));
            let is_exact = |ns: Nanos| (1 << 53) > offset(base, ns.0).unsigned_abs();
            let usual = process.start_ns().filter(|&start| is_exact(start));
            let usual = usual.map(|start| format!("{prefix}-{}-{:x}", process.pid.0, start.0));
            if usual.as_deref() == Some(key) { "0".to_owned() } else { Json::from(key).to_string() }
        });
        out.list("key", keys);
        out.raw("keyPrefix", &Json::from(prefix.as_str()).to_string());
        let mut columns: [Vec<String>; 6] = Default::default();
        for &id in &ids {
            let process = history.process(id);
            let mut images: Vec<ImageId> = process.image().rows().map(|(_, image)| image).collect();
            let n_older = images.len().saturating_sub(MAX_CHAIN);
            images.drain(..n_older);
            let images = images.into_iter().map(|image| self.image(image).into());
            columns[0].push(short(images.collect()));
            let mut users = path::users(history, id);
            users.drain(..users.len().saturating_sub(MAX_CHAIN));
            let users = users.iter().map(|user| self.user(user).into());
            columns[1].push(short(users.collect()));
            let seq = case.last_seq(id);
            let attrs = history.leader_attrs(id, seq);
            columns[2].push(attrs.container.map_or(-1, |id| i64::from(self.container(id, seq))).to_string());
            let unit = path::unit(history, &attrs).map_or(0, |unit| self.texts.bytes(&unit));
            columns[3].push(unit.to_string());
            columns[4].push(attrs.tty.map_or(-1, i64::from).to_string());
            columns[5].push(n_older.to_string());
        }
        for (name, column) in ["image", "user", "container", "unit", "tty", "older"].into_iter().zip(columns) {
            out.list(name, column);
        }
        out.end()
    }

    /// The row of an image: name, path of the executable, command line, time of the exec, bits: 1 exec, 2 deleted,
    /// 4 upper layer of an overlay, 8 in memory only, 16 the user could write it.
    fn image(&mut self, id: ImageId) -> u32 {
        if let Some(&row) = self.image_rows.get(&id) {
            return row;
        }
        let history = self.case.history;
        let image = history.image(id);
        let name = self.texts.option(history, image.comm);
        let path = self.texts.sym(history, image.exepath);
        let mut command = image.exe.map_or_else(Vec::new, |exe| history.text(exe).to_vec());
        for arg in split_nul(history.text(image.args)) {
            command.push(b' ');
            command.extend_from_slice(arg);
        }
        let command = self.texts.bytes(&command);
        let flag = |name, bit| {
            let mask = EXECVE_FLAGS.value(name).unwrap_or(0);
            if image.flags.is_some_and(|flags| flags & mask != 0) { bit } else { 0 }
        };
        let bits = i64::from(image.is_exec)
            | i64::from(image.is_deleted) << 1
            | flag("EXE_UPPER_LAYER", 4)
            | flag("EXE_FROM_MEMFD", 8)
            | flag("EXE_WRITABLE", 16);
        let ts = self.time(self.case.times.image(id));
        let row = self.images.len() as u32;
        self.images.push(format!("[{name},{path},{command},{ts},{bits}]"));
        self.image_rows.insert(id, row);
        row
    }

    /// The row of a user: id, name.
    fn user(&mut self, user: &RanAs) -> u32 {
        self.user_row(user.uid, user.name)
    }

    fn user_row(&mut self, uid: u32, name: Option<Sym>) -> u32 {
        if let Some(&row) = self.user_rows.get(&(uid, name)) {
            return row;
        }
        let row = self.users.len() as u32;
        let text = match name {
            Some(name) => self.texts.sym(self.case.history, name),
            None if uid == 0 => self.texts.text("root"),
            None => self.texts.text(&format!("uid {uid}")),
        };
        self.users.push(format!("[{uid},{text}]"));
        self.user_rows.insert((uid, name), row);
        row
    }

    /// The row of a container: id, runtime, name, image, pod.
    fn container(&mut self, id: ContainerId, seq: Seq) -> u32 {
        if let Some(&row) = self.container_rows.get(&id) {
            return row;
        }
        let history = self.case.history;
        let container = history.container(id);
        // What is known at the end is known best; a container that was described only later is the same one.
        let metadata = container.metadata_at(Seq(u64::MAX)).or(container.metadata_at(seq));
        let pod = metadata.and_then(|metadata| metadata.pod).and_then(|pod| pod.name);
        let row = [
            self.texts.sym(history, container.id.0).into(),
            self.texts.text(container.runtime).into(),
            self.texts.option(history, metadata.and_then(|metadata| metadata.name)),
            self.texts.option(history, metadata.and_then(|metadata| metadata.image)),
            self.texts.option(history, pod),
        ];
        let i = self.containers.len() as u32;
        self.containers.push(ints(row));
        self.container_rows.insert(id, i);
        i
    }

    fn signals_json(&mut self) -> String {
        let case = self.case;
        let paths = Paths::new(case);
        let (mut steps, mut lines, mut lists) = (Interned::default(), Interned::default(), Interned::default());
        let of = |&i: &usize| &case.signals[i];
        let rows = self.signals.clone();
        let mut out = Object::new();
        out.ints("seq", rows.iter().map(|i| of(i).seq.0 as i64));
        out.ints("ts", rows.iter().map(|i| self.offset(of(i).ts.0)));
        out.list("id", rows.iter().map(|i| format!("\"{}\"", of(i).id)));
        out.ints("rule", rows.iter().map(|i| of(i).rule.index as i64));
        out.ints("process", rows.iter().map(|i| self.row_option(of(i).process)));
        out.ints("tid", rows.iter().map(|i| of(i).tid.0));
        let message = rows.iter().map(|i| self.texts.bytes(&of(i).message).into());
        out.ints("message", message.collect::<Vec<i64>>());
        let mut texts = |list: &mut dyn Iterator<Item = String>| {
            let numbers = list.map(|text| i64::from(self.texts.text(&text)));
            lists.add(ints(numbers.collect::<Vec<i64>>()))
        };
        let by = rows.iter().map(|i| texts(&mut of(i).verdict.suppressed_by().iter().cloned()).into());
        let by: Vec<i64> = by.collect();
        let why = rows.iter().map(|i| texts(&mut of(i).evidence.reasons().iter().map(ToString::to_string)).into());
        let why: Vec<i64> = why.collect();
        out.ints("suppressedBy", by);
        out.ints("lacking", why);
        let mut path_rows = Vec::with_capacity(rows.len());
        for i in &rows {
            let path = paths.of(of(i));
            path_rows.push(path.map_or(-1, |path| {
                let line = self.path_json(&path, &mut steps);
                lines.add(line).into()
            }));
        }
        out.ints("path", path_rows);
        out.list("steps", &steps.rows);
        out.list("paths", &lines.rows);
        out.list("lists", &lists.rows);
        out.end()
    }

    /// A path: entry, its text, login, steps, left out, cycle, later execs, how many more of them, whether cut.
    fn path_json(&mut self, path: &AttackPath, steps: &mut Interned) -> String {
        let (entry, text) = match &path.entry {
            Entry::Container(id) => ("container", i64::from(self.container(*id, path.seq))),
            Entry::Service(unit) => ("service", self.texts.bytes(unit).into()),
            Entry::Session(unit) => ("session", self.texts.bytes(unit).into()),
            Entry::Unknown => ("unknown", -1),
        };
        let login = path.login.map_or(-1, |(uid, name)| i64::from(self.user_row(uid, name)));
        let rows: Vec<i64> = path.steps.iter().map(|step| steps.add(self.step_json(step)).into()).collect();
        let (at, n) = path.left_out.map_or((-1, 0), |(at, n)| (at as i64, n));
        let later =
            path.later.execs.iter().map(|&(process, image, _, ts)| {
                format!("[{},{},{}]", self.row(process), self.image(image), self.time(ts))
            });
        let later = list(later.collect::<Vec<_>>());
        format!(
            "[\"{entry}\",{text},{login},{},{at},{n},{},{later},{},{}]",
            ints(rows),
            u8::from(path.is_cycle),
            path.later.n_more,
            u8::from(path.later.is_cut)
        )
    }

    fn step_json(&mut self, step: &Step) -> String {
        let history = self.case.history;
        let mut out = Object::new();
        out.raw("p", &self.row(step.process).to_string());
        let images = step.images.items.iter().map(|loaded| {
            let bits = u8::from(loaded.is_exec) | u8::from(loaded.is_after_child) << 1;
            format!("[{},{},{bits}]", self.image(loaded.image), self.time(loaded.ts))
        });
        out.list("im", images.collect::<Vec<_>>());
        let users = step.users.items.iter().map(|user| format!("[{},{}]", self.user(user), u8::from(user.is_by_exec)));
        out.list("us", users.collect::<Vec<_>>());
        if let Some(id) = step.container {
            out.raw("c", &self.container(id, Seq(u64::MAX)).to_string());
        }
        if step.is_container_entered {
            out.raw("ce", "1");
        }
        if let Some(unit) = &step.unit {
            out.raw("un", &self.texts.bytes(unit).to_string());
        }
        if let Some(tty) = step.tty.filter(|&tty| tty != 0) {
            out.raw("tty", &tty.to_string());
        }
        let streams = step.streams.iter().map(|stream| {
            let file = history.file(stream.file);
            let name = match (stream.remote, stream.kind) {
                (Some(remote), _) => self.address(remote),
                (None, FdKind::UnixSocket) => self.texts.bytes(unix_path(history.text(file.name))),
                _ => self.texts.sym(history, file.name),
            };
            let kind = match stream.kind {
                _ if stream.remote.is_some() => "net",
                FdKind::Pipe => "pipe",
                FdKind::UnixSocket => "unix",
                FdKind::File => "file",
                _ => "other",
            };
            let kind = self.texts.text(kind);
            format!("[{},{kind},{name},{},{}]", stream.fd, self.row_option(stream.peer), file.origin.number())
        });
        out.list("st", streams.collect::<Vec<_>>());
        let sockets = step.sockets.items.iter().map(|socket| {
            let role = match socket.role {
                None => 0,
                Some(Role::Client) => 1,
                Some(Role::Server) => 2,
            };
            let (local, remote) = (self.address(socket.local), self.address(socket.remote));
            let (peer, ts) = (self.row_option(socket.peer), self.time(socket.ts));
            format!("[{local},{remote},{role},{peer},{},{ts}]", u8::from(socket.is_later))
        });
        out.list("so", sockets.collect::<Vec<_>>());
        let files = step.files.items.iter().map(|file| {
            let path = self.texts.sym(history, file.path);
            let by = self.row_option(file.executed.map(|(process, _)| process));
            format!("[{path},{by},{},{}]", u8::from(file.is_later), self.time(file.ts))
        });
        out.list("fi", files.collect::<Vec<_>>());
        let more = [step.images.n_more, step.users.n_more, step.sockets.n_more, step.files.n_more];
        if more != [0; 4] {
            out.ints("more", more.map(|n| n as i64));
        }
        if let Some(parent) = step.adopted_by {
            out.raw("ad", &self.row(parent).to_string());
        }
        out.end()
    }

    fn address(&mut self, address: SocketAddr) -> u32 {
        self.texts.text(&address.to_string())
    }

    fn rules_json(&mut self) -> String {
        let rules = self.case.rules.iter().map(|outcome| {
            let priority = Priority::ALL.iter().position(|&p| p == outcome.rule.priority).unwrap_or(0);
            let texts = |texts: &mut Texts, list: &[String]| ints(list.iter().map(|text| texts.text(text).into()));
            let name = self.texts.text(&outcome.rule.name);
            let description = self.texts.text(&outcome.description);
            let place = self.texts.text(&format!("{}:{}", outcome.path, outcome.line));
            let tags = texts(&mut self.texts, &outcome.rule.tags);
            let lacking = texts(&mut self.texts, &outcome.not_evaluable);
            format!("[{name},{priority},{description},{place},{},{tags},{lacking}]", u8::from(outcome.is_enabled))
        });
        list(rules.collect::<Vec<_>>())
    }

    /// Losses and damage: time, events or null, text.
    fn losses_json(&mut self) -> String {
        const MAX_LOSSES: usize = 200;
        let losses = self.case.losses.iter().take(MAX_LOSSES).map(|loss| {
            let n = loss.n_events.map_or_else(|| "null".to_owned(), |n| n.to_string());
            format!("[{},{n},{}]", self.offset(loss.ts.0), self.texts.text(&loss.cause))
        });
        let losses = list(losses.collect::<Vec<_>>());
        let damage = self.case.notes.damage.iter().take(MAX_LOSSES);
        let damage = damage.map(|damage| format!("[{},{}]", damage.offset, self.texts.text(&damage.what)));
        format!("[{losses},{}]", list(damage.collect::<Vec<_>>()))
    }
}

/// JSON whose texts are made visible. The summary is a few levels deep, by its own making.
fn visible(json: Json) -> Json {
    match json {
        Json::String(text) => Json::from(Visible(text.as_bytes()).to_string()),
        Json::Array(items) => items.into_iter().map(visible).collect(),
        Json::Object(members) => members.into_iter().map(|(name, value)| (name, visible(value))).collect(),
        other => other,
    }
}

/// JSON texts, each stored once.
#[derive(Default)]
struct Interned {
    rows: Vec<String>,
    index: HashMap<String, u32>,
}

impl Interned {
    fn add(&mut self, text: String) -> u32 {
        if let Some(&i) = self.index.get(&text) {
            return i;
        }
        let i = self.rows.len() as u32;
        self.rows.push(text.clone());
        self.index.insert(text, i);
        i
    }
}

/// A list, or its only number.
fn short(list: Vec<i64>) -> String {
    match list[..] {
        [one] => one.to_string(),
        _ => ints(list),
    }
}

/// Nanoseconds since the base.
fn offset(base: u64, ns: u64) -> i64 {
    (i128::from(ns) - i128::from(base)).clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// How a process ended: -1 runs, -2 gone without a recorded exit, -3 exited with a code that is not recorded, 0 and
/// above an exit code, 1000 and above a signal, 2000 and above one that dumped a core.
fn ending(process: &Process) -> i64 {
    let Some(exit) = process.exit() else { return if process.ended().is_some() { -2 } else { -1 } };
    match (exit.signal.filter(|&signal| signal != 0), exit.code) {
        (Some(signal), _) => i64::from(signal) + if exit.core { 2000 } else { 1000 },
        (None, Some(code)) => code.clamp(0, 999),
        (None, None) => -3,
    }
}

/// The signals of a page.
fn signals(case: &Case<'_>) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..case.signals.len()).collect();
    if rows.len() > MAX_SIGNALS {
        let rank = |signal: &Signal| (!signal.verdict.suppressed_by().is_empty(), signal.rule.priority);
        rows.sort_by_key(|&i| rank(&case.signals[i]));
        rows.truncate(MAX_SIGNALS);
        rows.sort();
    }
    rows
}

/// The processes of a page, by start.
fn processes(case: &Case<'_>, signals: &[usize]) -> Vec<ProcessId> {
    let history = case.history;
    let mut order: Vec<ProcessId> = (0..history.processes.len() as u32).map(ProcessId::new).collect();
    order.retain(|&id| lineage::is_process(history, id));
    order.sort_by_key(|&id| (history.process(id).start_ns(), history.process(id).born, id));
    if order.len() > MAX_PROCESSES {
        let mut is_kept = vec![false; history.processes.len()];
        for id in signals.iter().filter_map(|&i| case.signals[i].process) {
            let mut at = Some(resolve(history, id));
            while let Some(id) = at.filter(|id| !std::mem::replace(&mut is_kept[id.index()], true)) {
                at = lineage::birth_parent(history, id);
            }
        }
        let mut n_left = MAX_PROCESSES.saturating_sub(is_kept.iter().filter(|kept| **kept).count());
        order.retain(|id| {
            let is_kept = is_kept[id.index()];
            let is_first = !is_kept && n_left > 0;
            n_left -= usize::from(is_first);
            is_kept || is_first
        });
    }
    order
}
