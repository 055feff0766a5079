//! `@process.*`, `@process.parent.*`, `@process.ancestors.*`: one row a fact, three attributes each.

use std::borrow::Cow;

use bstr::{BStr, ByteSlice};
use tracehound_fields::{FieldType, Needs, Value, capabilities};
use tracehound_formats::Seq;
use tracehound_signals::time::Rfc3339;
use tracehound_state::history::{Attrs, Image, Origin, Process};
use tracehound_state::{History, ProcessId, Sym};

use super::catalogue::Getter;
use super::{ActivitySet, Attribute, AttributeId, Elements, Example, Lasts};
use tracehound_fields::examples;

/// Whose fact it is, as seen from the process that did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Its own.
    Own,
    /// That of its parent.
    Parent,
    /// Those of its parent, the parent's parent and so on.
    Ancestors,
}

/// A process as of an event.
pub(crate) struct ProcessAt<'a> {
    pub(super) history: &'a History,
    pub(super) id: ProcessId,
    pub(super) process: &'a Process,
    /// What the thread is whose credentials count: the acting one, or the main thread.
    pub(super) attrs: Attrs,
    /// What the main thread runs.
    pub(super) image: Image,
    pub(super) seq: Seq,
    /// Id of that thread.
    pub(super) tid: i64,
}

impl<'a> ProcessAt<'a> {
    /// The main thread of a process, or the thread given.
    pub(super) fn new(history: &'a History, id: ProcessId, attrs: Option<Attrs>, seq: Seq) -> ProcessAt<'a> {
        let process = history.process(id);
        let leader = history.leader_attrs(id, seq);
        let attrs = attrs.unwrap_or(leader);
        let tid = history.thread(attrs.thread).tid.0;
        ProcessAt { history, id, process, attrs, image: history.image(leader.image), seq, tid }
    }

    pub(super) fn text(&self, sym: Sym) -> &'a BStr {
        self.history.text(sym)
    }

    pub(super) fn user(&self, uid: Option<u32>) -> Value<'a> {
        let Some(uid) = uid else { return Value::Null };
        match self.history.user(self.attrs.container, uid, self.seq) {
            Some(user) => Value::str(self.text(user.name)),
            None if uid == 0 => Value::str("root"),
            None => Value::Null,
        }
    }

    pub(super) fn group(&self, gid: Option<u32>) -> Value<'a> {
        let Some(gid) = gid else { return Value::Null };
        match self.history.group(self.attrs.container, gid, self.seq) {
            Some(group) => Value::str(self.text(group.name)),
            None if gid == 0 => Value::str("root"),
            None => Value::Null,
        }
    }

    fn uid(&self) -> Option<u32> {
        self.history.creds(self.attrs.creds).uid
    }

    fn gid(&self) -> Option<u32> {
        self.history.creds(self.attrs.creds).gid
    }

    fn caps(&self, set: usize) -> Value<'a> {
        let caps = self.history.creds(self.attrs.creds).caps;
        Value::from_option(caps, |caps| Value::List(capabilities::names(caps[set]).map(Value::str).collect()))
    }

    fn path(&self) -> Option<&'a BStr> {
        known(self.text(self.image.exepath))
    }
}

/// A text that is not the empty one that stands for "not known".
pub(super) fn known(text: &BStr) -> Option<&BStr> {
    Some(text).filter(|text| !text.is_empty())
}

/// Last component of a path, `/` of the root directory.
pub(super) fn base_name(path: &BStr) -> &BStr {
    let end = path.iter().rposition(|&b| b != b'/').map_or(0, |at| at + 1);
    let trimmed = path[..end].as_bstr();
    match trimmed.rfind_byte(b'/') {
        Some(at) => trimmed[at + 1..].as_bstr(),
        None if trimmed.is_empty() => path[..path.len().min(1)].as_bstr(),
        None => trimmed,
    }
}

/// What follows the last dot of a name with its dot, as the backend has it; none for a leading dot.
pub(super) fn extension(path: &BStr) -> Option<&BStr> {
    let name = base_name(path);
    name.rfind_byte(b'.').filter(|&at| at > 0).map(|at| name[at..].as_bstr())
}

/// Strings of a text with a NUL after each.
pub(super) fn entries<'a>(text: &'a BStr) -> Value<'a> {
    let bytes: &[u8] = text;
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() {
        return Value::List(Vec::new());
    }
    Value::List(bytes.split(|&b| b == 0).map(Value::str).collect())
}

pub(super) fn number(n: Option<impl Into<u64>>) -> Value<'static> {
    Value::from_option(n, |n| Value::Uint(n.into()))
}

pub(super) fn time(ns: Option<u64>) -> Value<'static> {
    Value::from_option(ns, |ns| Value::owned(Rfc3339(tracehound_formats::Nanos(ns)).to_string()))
}

/// A fact of a process: what stands behind `@process.`, `@process.parent.` and `@process.ancestors.`.
struct Fact {
    name: &'static str,
    aliases: &'static [&'static str],
    ty: FieldType,
    elements: Elements,
    lasts: Lasts,
    needs: Needs,
    source: &'static str,
    doc: &'static str,
    /// Values of the process, the parent and the ancestors in [`examples::EXEC`].
    example: Option<[&'static str; 3]>,
    get: for<'a> fn(&ProcessAt<'a>) -> Value<'a>,
}

impl Fact {
    const fn new(
        name: &'static str,
        ty: FieldType,
        source: &'static str,
        get: for<'a> fn(&ProcessAt<'a>) -> Value<'a>,
        doc: &'static str,
    ) -> Fact {
        Fact {
            name,
            aliases: &[],
            ty,
            elements: Elements::Plain,
            lasts: Lasts::Yes,
            needs: Needs::Nothing,
            source,
            doc,
            example: None,
            get,
        }
    }

    const fn absent(name: &'static str, ty: FieldType, why: &'static str, doc: &'static str) -> Fact {
        Fact::new(name, ty, "none", |_| Value::Null, doc).needs(Needs::NotInTrace(why))
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Fact {
        self.aliases = aliases;
        self
    }

    const fn elements(mut self, elements: Elements) -> Fact {
        self.elements = elements;
        self
    }

    const fn lasts(mut self, lasts: Lasts) -> Fact {
        self.lasts = lasts;
        self
    }

    const fn needs(mut self, needs: Needs) -> Fact {
        self.needs = needs;
        self
    }

    const fn example(mut self, own: &'static str, parent: &'static str, ancestors: &'static str) -> Fact {
        self.example = Some([own, parent, ancestors]);
        self
    }
}

const EXEC: &str = "arguments of execve and clone; process list";
const IDS: &str = "arguments of execve, clone and the setuid family; process list";
const NAMES: &str = "user and group list of the trace, of the process's container; `root` for 0 without an entry";
const BIRTHS: &str = "births and exits of processes; process list";
const OWNER: &str = "a trace of system calls does not record who owns a file";
const NUMBERED: &str = "ids of processes are given anew";
const TIMES: &str = "a time is met once";

static FACTS: &[Fact] = &[
    Fact::new("pid", FieldType::Int(64), BIRTHS, |p| Value::Int(p.process.pid.0), "Process id on the host.")
        .lasts(Lasts::No(NUMBERED))
        .example("101", "100", "100, 90, 1"),
    Fact::new(
        "ppid",
        FieldType::Int(64),
        BIRTHS,
        |p| Value::from_option(p.history.parent(p.id, p.seq), |id| Value::Int(p.history.process(id).pid.0)),
        "Process id of the parent: after its exit, of the process that adopted this one.",
    )
    .lasts(Lasts::No(NUMBERED))
    .example("100", "90", "90, 1, -"),
    Fact::new("tid", FieldType::Int(64), BIRTHS, |p| Value::Int(p.tid), "Thread id of the acting thread; of a parent or \
         ancestor its main thread's.")
        .lasts(Lasts::No(NUMBERED))
        .example("101", "100", "100, 90, 1"),
    Fact::new("uid", FieldType::Uint(32), IDS, |p| number(p.uid()), "Effective user id. A trace has no real one, so that \
         this is also what stands for it.")
        .example("1000", "1000", "1000, 0, 0"),
    Fact::new("gid", FieldType::Uint(32), IDS, |p| number(p.gid()), "Effective group id; see `uid`.").example(
        "1000",
        "1000",
        "1000, 0, 0",
    ),
    Fact::new("user", FieldType::Str, NAMES, |p| p.user(p.uid()), "Name of the effective user.")
        .needs(Needs::UserNames)
        .example("alice", "alice", "alice, root, root"),
    Fact::new("group", FieldType::Str, NAMES, |p| p.group(p.gid()), "Name of the effective group.")
        .needs(Needs::UserNames)
        .example("staff", "staff", "staff, root, root"),
    Fact::new(
        "comm",
        FieldType::Str,
        EXEC,
        |p| Value::from_option(p.image.comm.and_then(|comm| known(p.text(comm))), Value::str),
        "Name of the command, at most 15 bytes, as of the last exec or birth. A process can choose it.",
    )
    .aliases(&["executable.comm"])
    .lasts(Lasts::Partly)
    .example("ls", "bash", "bash, sshd, systemd"),
    Fact::new(
        "argv0",
        FieldType::Str,
        EXEC,
        |p| Value::from_option(p.image.exe.and_then(|exe| known(p.text(exe))), Value::str),
        "First word of the command line: what the caller chose to pass.",
    )
    .lasts(Lasts::Partly)
    .example("ls", "-bash", "-bash, sshd:, /sbin/init"),
    Fact::new(
        "args",
        FieldType::Str,
        EXEC,
        |p| entries(p.text(p.image.args)),
        "Arguments of the command line without its first word; any of them may match. A text with a blank is also \
         compared with all of them joined.",
    )
    .aliases(&["executable.args"])
    .elements(Elements::Words)
    .lasts(Lasts::Partly)
    .example("-l, /tmp", "", "[], [alice], []"),
    Fact::new(
        "envs",
        FieldType::Str,
        "argument `env` of execve; process list",
        |p| match p.process.env().at(p.seq).map(|env| p.text(env)).and_then(known) {
            Some(env) => entries(env),
            None => Value::Null,
        },
        "Environment at the start of the process as `NAME=value`; `NAME` alone matches whatever the value is. Recorders \
         keep the first 4096 bytes.",
    )
    .aliases(&["executable.envs"])
    .elements(Elements::Environment)
    .lasts(Lasts::Partly)
    .needs(Needs::Environment)
    .example("HOME=/home/alice, A= b ", "HOME=/home/alice, LANG=C.UTF-8", "[HOME=/home/alice, LANG=C.UTF-8], -, [LANG=C]"),
    Fact::new(
        "tty",
        FieldType::Str,
        "argument `tty` of execve; process list",
        |p| Value::from_option(p.attrs.tty.and_then(tty_name), Value::owned),
        "Controlling terminal by the kernel's name: `pts0`, `tty1`. Absent if there is none.",
    )
    .lasts(Lasts::No("terminals are given anew"))
    .example("pts0", "pts0", "pts0, -, -"),
    Fact::new(
        "fork_time",
        FieldType::Str,
        "time of the birth event; process list",
        |p| time(p.process.start_ns().map(|at| at.0)),
        "Birth of the process in UTC, RFC 3339 with nanoseconds.",
    )
    .lasts(Lasts::No(TIMES))
    .example("2025-01-01T00:00:00.000001000Z", "-", "-, -, -"),
    Fact::absent("exec_time", FieldType::Str, "the history has events of execs, not their times", "Time of the exec."),
    Fact::absent("exit_time", FieldType::Str, "it lies after the event", "Time of the exit."),
    Fact::new(
        "is_thread",
        FieldType::Bool,
        BIRTHS,
        |p| match p.process.origin {
            Origin::Birth => Value::Bool(!(p.image.is_exec && p.image.from >= p.process.born)),
            _ => Value::Null,
        },
        "True for a process that still runs what its parent ran when it was born. Absent if its birth is not recorded.",
    )
    .example("false", "-", "-, -, -"),
    Fact::new(
        "is_kworker",
        FieldType::Bool,
        BIRTHS,
        |p| {
            let parent = p.history.parent(p.id, p.seq).map(|id| p.history.process(id).pid.0);
            match (p.process.pid.0, parent) {
                (2, _) | (_, Some(2)) => Value::Bool(true),
                (1, _) | (_, Some(_)) => Value::Bool(false),
                _ => Value::Null,
            }
        },
        "True for a thread of the kernel: a child of process 2, or that process.",
    )
    .example("false", "false", "false, false, false"),
    Fact::new(
        "container.id",
        FieldType::Str,
        "cgroups of the thread",
        |p| Value::from_option(p.attrs.container, |id| Value::str(p.text(p.history.container(id).full_id.0))),
        "Whole id of the container. Absent on the host.",
    )
    .lasts(Lasts::No("a container gets a new id with each start"))
    .example("-", "-", "-, -, -"),
    Fact::new(
        "cgroup.id",
        FieldType::Str,
        "cgroups of the thread",
        |p| {
            let cgroups: &[u8] = p.text(p.attrs.cgroups);
            let first = cgroups.split(|&b| b == 0).next().unwrap_or_default();
            Value::from_option(first.split_once_str("=").map(|(_, path)| path), Value::str)
        },
        "Path of the first cgroup that the trace lists.",
    )
    .lasts(Lasts::Partly)
    .example("/user.slice", "-", "-, -, -"),
    Fact::new("credentials.uid", FieldType::Uint(32), IDS, |p| number(p.uid()), "The same as `uid`.").example(
        "1000",
        "1000",
        "1000, 0, 0",
    ),
    Fact::new("credentials.user", FieldType::Str, NAMES, |p| p.user(p.uid()), "The same as `user`.")
        .needs(Needs::UserNames)
        .example("alice", "alice", "alice, root, root"),
    Fact::new("credentials.gid", FieldType::Uint(32), IDS, |p| number(p.gid()), "The same as `gid`.").example(
        "1000",
        "1000",
        "1000, 0, 0",
    ),
    Fact::new("credentials.group", FieldType::Str, NAMES, |p| p.group(p.gid()), "The same as `group`.")
        .needs(Needs::UserNames)
        .example("staff", "staff", "staff, root, root"),
    Fact::new("credentials.euid", FieldType::Uint(32), IDS, |p| number(p.uid()), "Effective user id.").example(
        "1000",
        "1000",
        "1000, 0, 0",
    ),
    Fact::new("credentials.euser", FieldType::Str, NAMES, |p| p.user(p.uid()), "Name of the effective user.")
        .needs(Needs::UserNames)
        .example("alice", "alice", "alice, root, root"),
    Fact::new("credentials.egid", FieldType::Uint(32), IDS, |p| number(p.gid()), "Effective group id.").example(
        "1000",
        "1000",
        "1000, 0, 0",
    ),
    Fact::new("credentials.egroup", FieldType::Str, NAMES, |p| p.group(p.gid()), "Name of the effective group.")
        .needs(Needs::UserNames)
        .example("staff", "staff", "staff, root, root"),
    Fact::new(
        "credentials.auid",
        FieldType::Uint(32),
        "argument `loginuid` of execve; process list",
        |p| number(p.history.creds(p.attrs.creds).loginuid),
        "User id of the login that the process descends from; it survives su and sudo. Absent for services.",
    )
    .example("1000", "1000", "1000, -, -"),
    Fact::new(
        "credentials.cap_effective",
        FieldType::Str,
        "capability arguments of execve and capset; process list",
        |p| p.caps(2),
        "Capabilities in force, by name.",
    )
    .example("CAP_CHOWN, CAP_SYS_ADMIN", "CAP_CHOWN", "[CAP_CHOWN], -, -"),
    Fact::new(
        "credentials.cap_permitted",
        FieldType::Str,
        "capability arguments of execve and capset; process list",
        |p| p.caps(1),
        "Capabilities that the process may use, by name.",
    )
    .example("CAP_CHOWN, CAP_DAC_OVERRIDE", "CAP_CHOWN", "[CAP_CHOWN], -, -"),
    Fact::new(
        "executable.path",
        FieldType::Path,
        EXEC,
        |p| Value::from_option(p.path(), Value::str),
        "Path of the executable as the kernel resolved it, symbolic links followed.",
    )
    .aliases(&["path", "file.path"])
    .lasts(Lasts::Partly)
    .example("/usr/bin/ls", "/usr/bin/bash", "/usr/bin/bash, /usr/sbin/sshd, /usr/lib/systemd/systemd"),
    Fact::new(
        "executable.name",
        FieldType::Str,
        EXEC,
        |p| Value::from_option(p.path().map(base_name), Value::str),
        "Last component of the executable's path.",
    )
    .aliases(&["file.name"])
    .lasts(Lasts::Partly)
    .example("ls", "bash", "bash, sshd, systemd"),
    Fact::new(
        "executable.extension",
        FieldType::Str,
        EXEC,
        |p| Value::from_option(p.path().and_then(extension), Value::str),
        "What follows the last dot of the executable's name, with the dot. Absent without one.",
    )
    .example("-", "-", "-, -, -"),
    Fact::new(
        "executable.inode",
        FieldType::Uint(64),
        "argument `exe_ino` of execve; process list",
        |p| number(p.image.ino.filter(|&ino| ino != 0)),
        "Inode of the executable.",
    )
    .lasts(Lasts::No("a file gets a new inode when it is installed again"))
    .example("4711", "-", "-, -, -"),
    Fact::new(
        "executable.in_upper_layer",
        FieldType::Bool,
        "argument `flags` of execve; process list",
        |p| Value::from_option(p.image.flags, |flags| Value::Bool(flags & EXE_UPPER_LAYER != 0)),
        "True if the executable lies in the upper layer of an overlay: it was not part of the container's image.",
    )
    .example("true", "-", "-, -, -"),
    Fact::new(
        "executable.change_time",
        FieldType::Str,
        "argument `exe_ino_ctime` of execve; process list",
        |p| time(p.image.ctime.filter(|&at| at != 0)),
        "Last change of the executable's inode in UTC, RFC 3339.",
    )
    .lasts(Lasts::No(TIMES))
    .example("2024-12-31T23:59:59.000000000Z", "-", "-, -, -"),
    Fact::new(
        "executable.modification_time",
        FieldType::Str,
        "argument `exe_ino_mtime` of execve; process list",
        |p| time(p.image.mtime.filter(|&at| at != 0)),
        "Last change of the executable's content in UTC, RFC 3339.",
    )
    .lasts(Lasts::No(TIMES))
    .example("2024-12-31T23:59:58.000000000Z", "-", "-, -, -"),
    Fact::absent("executable.user", FieldType::Str, OWNER, "Name of the user who owns the executable. Not the user who \
         runs it: that is `user`."),
    Fact::absent("executable.uid", FieldType::Uint(32), OWNER, "Id of the user who owns the executable. Not the user who \
         runs it: that is `uid`."),
    Fact::absent("executable.group", FieldType::Str, OWNER, "Name of the group that owns the executable. Not the group \
         it runs as: that is `group`."),
    Fact::absent("executable.gid", FieldType::Uint(32), OWNER, "Id of the group that owns the executable. Not the group \
         it runs as: that is `gid`."),
    Fact::absent("executable.mode", FieldType::Uint(32), OWNER, "Mode of the executable."),
];

/// Bit of the `execve_flags` table.
const EXE_UPPER_LAYER: u32 = 0x2;

/// Name of a terminal by its device number as the kernel encodes it. Source: `drivers/tty/{pty,tty_io,vt}.c` for the
/// names, `Documentation/admin-guide/devices.txt` for the numbers.
fn tty_name(dev: u32) -> Option<String> {
    let (major, minor) = ((dev & 0xfff00) >> 8, (dev & 0xff) | ((dev >> 12) & 0xfff00));
    match major {
        136..=143 => Some(format!("pts{}", (major - 136) * 256 + minor)),
        4 if minor < 64 => Some(format!("tty{minor}")),
        4 => Some(format!("ttyS{}", minor - 64)),
        _ => None,
    }
}

/// The three attributes of every fact.
pub(super) fn attributes(out: &mut Vec<Attribute>) {
    for (i, (relation, prefix)) in [
        (Relation::Own, "@process."),
        (Relation::Parent, "@process.parent."),
        (Relation::Ancestors, "@process.ancestors."),
    ]
    .into_iter()
    .enumerate()
    {
        for fact in FACTS {
            let doc = match relation {
                Relation::Own => Cow::Borrowed(fact.doc),
                Relation::Parent => Cow::Owned(format!("Of the parent process: {}", fact.doc)),
                Relation::Ancestors => Cow::Owned(format!("Of each ancestor, the parent first: {}", fact.doc)),
            };
            out.push(Attribute {
                id: AttributeId(0),
                name: Cow::Owned(format!("{prefix}{}", fact.name)),
                aliases: fact.aliases.iter().map(|alias| format!("{prefix}{alias}")).collect(),
                ty: fact.ty,
                elements: fact.elements,
                activities: ActivitySet::ALL,
                recommended: ActivitySet::NONE,
                combined: ActivitySet::NONE,
                doc,
                source: fact.source,
                needs: fact.needs,
                lasts: fact.lasts,
                example: fact.example.map(|values| Example { trace: examples::EXEC, value: values[i] }),
                get: Getter::Process(relation, fact.get),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_paths() {
        for (path, name, dotted) in [
            ("/a/b.tar.gz", "b.tar.gz", Some(".gz")),
            ("/a/.profile", ".profile", None),
            ("/a/", "a", None),
            ("/", "/", None),
            ("//", "/", None),
            ("a", "a", None),
            ("", "", None),
        ] {
            let path = path.as_bytes().as_bstr();
            assert_eq!(base_name(path), name, "{path}");
            assert_eq!(extension(path), dotted.map(|text| text.as_bytes().as_bstr()), "{path}");
        }
    }

    #[test]
    fn terminals() {
        for (dev, expected) in [
            (34816, Some("pts0")),
            (34817, Some("pts1")),
            (137 << 8, Some("pts256")),
            ((4 << 8) | 1, Some("tty1")),
            ((4 << 8) | 64, Some("ttyS0")),
            (0, None),
            (u32::MAX, None),
        ] {
            assert_eq!(tty_name(dev).as_deref(), expected, "{dev}");
        }
    }
}
