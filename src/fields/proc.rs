//! `proc.*`: the acting process, its image, ids and standard descriptors.

use std::borrow::Cow;

use bstr::{BStr, ByteSlice};
use tracehound_formats::event::pseudo;
use tracehound_formats::section::FdKind;
use tracehound_state::history::{Attrs, Image};

use crate::Family;
use crate::examples;
use crate::field::{ArgKind, ArgPolicy, Depends, Field, FieldArg, Multiplicity, Needs, flags};
use crate::lookup::entries;
use crate::proc_tree as tree;
use crate::value::{FieldType, Value};
use crate::view::View;
use crate::{fd, proc_tree};

/// The family.
pub static FAMILY: Family =
    Family { name: "proc", doc: "The acting process, its image and its ancestors.", fields: FIELDS };

const IMAGE: Depends = Depends::Image;
const ACTOR: Depends = Depends::Actor;
const LINE: Depends = Depends::Lineage;
const TREE: Depends = Depends::Ancestors;
const EXEC: &str = "arguments of execve and clone; process list";
const PARENTS: &str = "births and exits of processes; process list";
const SESSION: &str = "session and group ids of execve, clone and setsid; process list";
const COUNTERS: &str = "memory and fault counters are not kept in the history";
const LIMIT: &str = "argument `fdlimit` of clone and execve; setrlimit, prlimit; process list";
const DEPRECATED_PROBE: &str = "deprecated where it comes from; never answered";
const NO_TRANSFORM: u8 = flags::NO_RHS | flags::NO_TRANSFORMER;
const INDEX: ArgPolicy = ArgPolicy::Optional(ArgKind::Index);

static FIELDS: &[Field] = &[
    Field::new(
        "proc.exe",
        FieldType::Str,
        IMAGE,
        EXEC,
        |v, _| image(v, exe),
        "First argument of the command line (argv[0]): what the caller chose to pass, not necessarily the program's \
         name. See `proc.exepath`.",
    )
    .example(examples::EXEC, "", "ls"),
    Field::new(
        "proc.pexe",
        FieldType::Str,
        LINE,
        PARENTS,
        |v, _| parent(v, exe),
        "`proc.exe` of the parent process. Absent if the parent is not known.",
    )
    .example(examples::EXEC, "", "-bash"),
    Field::new(
        "proc.aexe",
        FieldType::Str,
        LINE,
        PARENTS,
        |v, a| tree::ancestors(v, a, exe),
        "`proc.exe` of an ancestor: `[1]` the parent, `[2]` its parent, `[0]` the process itself. Without index a \
         comparison asks every ancestor.",
    )
    .arg(INDEX)
    .flags(NO_TRANSFORM)
    .multiplicity(Multiplicity::Ancestors)
    .example(examples::EXEC, "[2]", "sshd:"),
    Field::new(
        "proc.exepath",
        FieldType::Str,
        IMAGE,
        EXEC,
        |v, _| image(v, exepath),
        "Path of the executable as the kernel resolved it; the only path that follows symbolic links. For an \
         anonymous memory file the kernel's text (`/memfd:NAME`). Empty if not known.",
    )
    .example(examples::EXEC, "", "/usr/bin/ls"),
    Field::new(
        "proc.pexepath",
        FieldType::Str,
        LINE,
        PARENTS,
        |v, _| parent(v, exepath),
        "`proc.exepath` of the parent process.",
    )
    .example(examples::EXEC, "", "/usr/bin/bash"),
    Field::new(
        "proc.aexepath",
        FieldType::Str,
        LINE,
        PARENTS,
        |v, a| tree::ancestors(v, a, exepath),
        "`proc.exepath` of an ancestor; see `proc.aexe`.",
    )
    .arg(INDEX)
    .flags(NO_TRANSFORM)
    .multiplicity(Multiplicity::Ancestors)
    .example(examples::EXEC, "[2]", "/usr/sbin/sshd"),
    Field::new(
        "proc.name",
        FieldType::Str,
        IMAGE,
        EXEC,
        |v, _| image(v, comm),
        "Command name (at most 15 bytes) as of the last exec or birth; renaming by prctl does not change it. `<NA>` \
         for a thread whose birth the trace does not have.",
    )
    .example(examples::EXEC, "", "ls"),
    Field::new(
        "proc.pname",
        FieldType::Str,
        LINE,
        PARENTS,
        |v, _| parent(v, comm),
        "`proc.name` of the parent process: the one that reaps it now, so after the parent's exit the process that \
         adopted it. Absent if the parent is not known.",
    )
    .example(examples::EXEC, "", "bash"),
    Field::new(
        "proc.aname",
        FieldType::Str,
        LINE,
        PARENTS,
        |v, a| tree::ancestors(v, a, comm),
        "`proc.name` of an ancestor: `[1]` the parent, `[2]` its parent, `[0]` the process itself. Without index a \
         comparison is true if it is for some ancestor, the process itself not included: `proc.aname != sshd` means \
         that some ancestor is not sshd.",
    )
    .arg(INDEX)
    .flags(NO_TRANSFORM)
    .multiplicity(Multiplicity::Ancestors)
    .example(examples::EXEC, "[2]", "sshd"),
    Field::new(
        "proc.args",
        FieldType::Str,
        IMAGE,
        EXEC,
        own_args,
        "Arguments of the command line without the first (argv[0]), with a blank between. `[N]`: one of them, from 0; \
         empty if there are fewer.",
    )
    .arg(INDEX)
    .example(examples::EXEC, "", "-l /tmp"),
    Field::new(
        "proc.aargs",
        FieldType::Str,
        LINE,
        PARENTS,
        tree::aargs,
        "`proc.args` of an ancestor; without index those of all ancestors with a blank between.",
    )
    .arg(INDEX)
    .example(examples::EXEC, "", "alice "),
    Field::new(
        "proc.cmdline",
        FieldType::Str,
        IMAGE,
        EXEC,
        |v, _| image(v, cmdline),
        "`proc.name`, then `proc.args`. The first word is the command's own name, not argv[0]; see `proc.exeline`.",
    )
    .example(examples::EXEC, "", "ls -l /tmp"),
    Field::new(
        "proc.pcmdline",
        FieldType::Str,
        LINE,
        PARENTS,
        |v, _| parent(v, cmdline),
        "`proc.cmdline` of the parent process.",
    )
    .example(examples::EXEC, "", "bash"),
    Field::new(
        "proc.acmdline",
        FieldType::Str,
        LINE,
        PARENTS,
        |v, a| tree::ancestors(v, a, cmdline),
        "`proc.cmdline` of an ancestor; see `proc.aname`.",
    )
    .arg(INDEX)
    .flags(NO_TRANSFORM)
    .multiplicity(Multiplicity::Ancestors)
    .example(examples::EXEC, "", "bash sshd alice systemd"),
    Field::new(
        "proc.cmdnargs",
        FieldType::Uint(64),
        IMAGE,
        EXEC,
        |v, _| Value::from_option(v.image(), |i| Value::Uint(entries(v.text(i.args)).count() as u64)),
        "Number of arguments of the command line, argv[0] not counted.",
    )
    .example(examples::EXEC, "", "2"),
    Field::new(
        "proc.cmdlenargs",
        FieldType::Uint(64),
        IMAGE,
        EXEC,
        |v, _| {
            Value::from_option(v.image(), |i| Value::Uint(entries(v.text(i.args)).map(|arg| arg.len() as u64).sum()))
        },
        "Bytes of all arguments of the command line together, argv[0] and blanks not counted.",
    )
    .example(examples::EXEC, "", "6"),
    Field::new(
        "proc.exeline",
        FieldType::Str,
        IMAGE,
        EXEC,
        exeline,
        "`proc.exe`, a blank, then `proc.args`: the command line as it was passed.",
    )
    .example(examples::EXEC, "", "ls -l /tmp"),
    Field::new(
        "proc.env",
        FieldType::Str,
        ACTOR,
        "argument `env` of execve; process list",
        tree::env,
        "Environment at the start of the process, entries with a blank between; recorders keep the first 4096 bytes. \
         `[NAME]`: the value of one variable, empty if not set. Later changes by the process itself are not visible.",
    )
    .arg(ArgPolicy::Optional(ArgKind::IndexOrName))
    .key(tree::env_key)
    .needs(Needs::Environment)
    .example(examples::EXEC, "[A]", "b"),
    Field::new(
        "proc.aenv",
        FieldType::Str,
        TREE,
        "argument `env` of execve; process list",
        tree::aenv,
        "Environment of an ancestor: `[2]` all of it, `[NAME]` the variable's value in the nearest ancestor that has \
         it. Without argument a comparison asks every ancestor.",
    )
    .arg(ArgPolicy::Optional(ArgKind::IndexOrName))
    .flags(NO_TRANSFORM)
    .multiplicity(Multiplicity::Ancestors)
    .needs(Needs::Environment)
    .example(examples::EXEC, "[LANG]", "C.UTF-8"),
    Field::new(
        "proc.cwd",
        FieldType::Str,
        ACTOR,
        "chdir, fchdir, getcwd; process list",
        |v, _| if v.fact.thread.is_some() { Value::str(v.cwd()) } else { Value::Null },
        "Working directory, always with a trailing `/`. Empty if not known.",
    )
    .example(examples::EXEC, "", "/home/alice/"),
    Field::new(
        "proc.loginshellid",
        FieldType::Int(64),
        TREE,
        PARENTS,
        tree::login_shell,
        "Process id of the topmost process among the process and its ancestors whose name ends in `sh`. Absent if \
         none does.",
    )
    .example(examples::EXEC, "", "100"),
    Field::new(
        "proc.tty",
        FieldType::Uint(32),
        ACTOR,
        "argument `tty` of execve; process list",
        |v, _| Value::from_option(v.attrs(), |a| Value::Uint(u64::from(a.tty.unwrap_or(0)))),
        "Controlling terminal as the kernel numbers it (34816 is pts/0); 0 if there is none.",
    )
    .example(examples::EXEC, "", "34816"),
    Field::new(
        "proc.pid",
        FieldType::Int(64),
        ACTOR,
        EXEC,
        |v, _| Value::from_option(v.process(), |p| Value::Int(if v.is_placeholder() { -1 } else { p.pid.0 })),
        "Process id in the pid namespace of the host; -1 for a thread of which only its own id is known.",
    )
    .example(examples::EXEC, "", "101"),
    Field::new(
        "proc.ppid",
        FieldType::Int(64),
        TREE,
        PARENTS,
        |v, _| Value::from_option(v.parent(), |p| Value::Int(v.history.process(p).pid.0)),
        "Process id of the parent.",
    )
    .example(examples::EXEC, "", "100"),
    Field::new(
        "proc.apid",
        FieldType::Int(64),
        TREE,
        PARENTS,
        tree::apid,
        "Process id of an ancestor; see `proc.aname`.",
    )
    .arg(INDEX)
    .flags(NO_TRANSFORM)
    .multiplicity(Multiplicity::Ancestors)
    .example(examples::EXEC, "", "100 90 1"),
    Field::new(
        "proc.vpid",
        FieldType::Int(64),
        ACTOR,
        EXEC,
        |v, _| Value::from_option(vpid(v).filter(|&id| id != -1), Value::Int),
        "Process id in the process's own pid namespace: 1 for a container's first process. Absent if not known.",
    )
    .example(examples::EXEC, "", "101"),
    Field::new(
        "proc.pvpid",
        FieldType::Int(64),
        TREE,
        PARENTS,
        |v, _| Value::from_option(v.parent(), |p| Value::Int(v.history.process(p).vpid().unwrap_or(-1))),
        "`proc.vpid` of the parent; -1 if not known.",
    )
    .example(examples::EXEC, "", "100"),
    Field::new(
        "proc.sid",
        FieldType::Int(64),
        ACTOR,
        SESSION,
        |v, _| id(v, |a| a.sid),
        "Session id, in the process's own pid namespace; -1 if not known.",
    )
    .example(examples::EXEC, "", "100"),
    Field::new(
        "proc.sname",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.sid, true, comm),
        "`proc.name` of the session's leader. Empty if it is not known.",
    )
    .example(examples::EXEC, "", "bash"),
    Field::new(
        "proc.sid.exe",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.sid, true, exe),
        "`proc.exe` of the session's leader. Empty if it is not known.",
    )
    .example(examples::EXEC, "", "-bash"),
    Field::new(
        "proc.sid.exepath",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.sid, true, exepath),
        "`proc.exepath` of the session's leader. Empty if it is not known.",
    )
    .example(examples::EXEC, "", "/usr/bin/bash"),
    Field::new(
        "proc.vpgid",
        FieldType::Int(64),
        ACTOR,
        SESSION,
        |v, _| id(v, |a| a.vpgid),
        "Process group id in the process's own pid namespace, as of its last exec or birth; -1 if not known. Moves by \
         setpgid are not followed.",
    )
    .example(examples::EXEC, "", "101"),
    Field::new(
        "proc.vpgid.name",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.vpgid, true, comm),
        "`proc.name` of the process group's leader. Empty if it is not known.",
    )
    .example(examples::EXEC, "", "ls"),
    Field::new(
        "proc.vpgid.exe",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.vpgid, true, exe),
        "`proc.exe` of the process group's leader. Empty if it is not known.",
    )
    .example(examples::EXEC, "", "ls"),
    Field::new(
        "proc.vpgid.exepath",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.vpgid, true, exepath),
        "`proc.exepath` of the process group's leader. Empty if it is not known.",
    )
    .example(examples::EXEC, "", "/usr/bin/ls"),
    Field::new(
        "proc.pgid",
        FieldType::Int(64),
        ACTOR,
        SESSION,
        |v, _| id(v, |a| a.pgid),
        "Process group id in the pid namespace of the host, as of its last exec or birth; -1 if not known.",
    )
    .example(examples::EXEC, "", "101"),
    Field::new(
        "proc.pgid.name",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.pgid, false, comm),
        "As `proc.vpgid.name`, found by the host's ids.",
    )
    .example(examples::EXEC, "", "ls"),
    Field::new(
        "proc.pgid.exe",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.pgid, false, exe),
        "As `proc.vpgid.exe`, found by the host's ids.",
    )
    .example(examples::EXEC, "", "ls"),
    Field::new(
        "proc.pgid.exepath",
        FieldType::Str,
        TREE,
        SESSION,
        |v, _| tree::leader_of(v, |a| a.pgid, false, exepath),
        "As `proc.vpgid.exepath`, found by the host's ids.",
    )
    .example(examples::EXEC, "", "/usr/bin/ls"),
    Field::new(
        "proc.duration",
        FieldType::RelTime,
        Depends::Time,
        "time of the birth event",
        |v, _| Value::from_option(start(v), |at| Value::Uint(v.event.head.ts.0.wrapping_sub(at))),
        "Nanoseconds since the birth of the thread. Absent if the trace does not have its birth.",
    )
    .example(examples::EXEC, "", "1000000"),
    Field::new(
        "proc.ppid.duration",
        FieldType::RelTime,
        Depends::Time,
        "time of the birth event",
        |v, _| {
            Value::from_option(v.parent().and_then(|p| proc_tree::start_of(v, p)), |at| {
                Value::Uint(v.event.head.ts.0.wrapping_sub(at))
            })
        },
        "Nanoseconds since the birth of the parent. Absent if the trace does not have its birth.",
    )
    .example(examples::GRANDCHILD, "", "3000000"),
    Field::new(
        "proc.pid.ts",
        FieldType::RelTime,
        ACTOR,
        "time of the birth event",
        |v, _| Value::from_option(start(v), Value::Uint),
        "Birth of the thread, nanoseconds since the epoch. Absent if the trace does not have it.",
    )
    .example(examples::EXEC, "", "1735689600000001000"),
    Field::new(
        "proc.ppid.ts",
        FieldType::RelTime,
        TREE,
        "time of the birth event",
        |v, _| Value::from_option(v.parent(), |p| Value::Uint(proc_tree::start_of(v, p).unwrap_or(0))),
        "Birth of the parent, nanoseconds since the epoch; 0 if the trace does not have it.",
    )
    .example(examples::EXEC, "", "0"),
    Field::new(
        "proc.is_exe_writable",
        FieldType::Bool,
        IMAGE,
        "argument `flags` of execve",
        |v, _| exe_flag(v, 1),
        "True if the user may write to the file of the executable.",
    )
    .example(examples::EXEC, "", "true"),
    Field::new(
        "proc.is_exe_upper_layer",
        FieldType::Bool,
        IMAGE,
        "argument `flags` of execve",
        |v, _| exe_flag(v, 2),
        "True if the executable lies in the upper layer of an overlay: in a container, it was not part of the image.",
    )
    .example(examples::EXEC, "", "true"),
    Field::new(
        "proc.is_exe_lower_layer",
        FieldType::Bool,
        IMAGE,
        "argument `flags` of execve",
        |v, _| exe_flag(v, 8),
        "True if the executable lies in a lower layer of an overlay: part of a container's image.",
    )
    .example(examples::EXEC, "", "false"),
    Field::new(
        "proc.is_exe_from_memfd",
        FieldType::Bool,
        IMAGE,
        "argument `flags` of execve",
        |v, _| exe_flag(v, 4),
        "True if the executable is an anonymous memory file: nothing of it was ever on disk.",
    )
    .example(examples::EXEC, "", "false"),
    Field::new(
        "proc.is_sid_leader",
        FieldType::Bool,
        ACTOR,
        SESSION,
        |v, _| Value::from_option(v.attrs(), |a| Value::Bool(a.sid.unwrap_or(-1) == vpid(v).unwrap_or(-1))),
        "True for the leader of a session.",
    )
    .example(examples::EXEC, "", "false"),
    Field::new(
        "proc.is_vpgid_leader",
        FieldType::Bool,
        ACTOR,
        SESSION,
        |v, _| Value::from_option(v.attrs(), |a| Value::Bool(a.vpgid.unwrap_or(-1) == vpid(v).unwrap_or(-1))),
        "True for the leader of a process group: in an interactive shell, each command of a pipe's first place.",
    )
    .example(examples::EXEC, "", "true"),
    Field::new(
        "proc.is_pgid_leader",
        FieldType::Bool,
        ACTOR,
        SESSION,
        |v, _| Value::from_option(v.attrs(), |a| Value::Bool(v.process().is_some_and(|p| a.pgid == Some(p.pid.0)))),
        "As `proc.is_vpgid_leader`, by the host's ids.",
    )
    .example(examples::EXEC, "", "true"),
    Field::new(
        "proc.exe_ino",
        FieldType::Int(64),
        IMAGE,
        "argument `exe_ino` of execve",
        |v, _| image_number(v, |i| i.ino),
        "Inode of the executable. Absent if not known.",
    )
    .example(examples::EXEC, "", "4711"),
    Field::new(
        "proc.exe_ino.ctime",
        FieldType::AbsTime,
        IMAGE,
        "argument `exe_ino_ctime` of execve",
        |v, _| image_number(v, |i| i.ctime),
        "Last change of the executable's inode (content, mode, name), nanoseconds since the epoch: for a file dropped \
         by an attacker, when it was dropped. Absent if not known.",
    )
    .example(examples::EXEC, "", "1735689599000000000"),
    Field::new(
        "proc.exe_ino.mtime",
        FieldType::AbsTime,
        IMAGE,
        "argument `exe_ino_mtime` of execve",
        |v, _| image_number(v, |i| i.mtime),
        "Last change of the executable's content, nanoseconds since the epoch; unlike ctime it can be set by anyone. \
         Absent if not known.",
    )
    .example(examples::EXEC, "", "1735689598000000000"),
    Field::new(
        "proc.exe_ino.ctime_duration_proc_start",
        FieldType::AbsTime,
        ACTOR,
        "argument `exe_ino_ctime` of execve; time of the birth event",
        tree::ctime_before_start,
        "Nanoseconds from the last change of the executable to the birth of the process that loaded it: small for a \
         file that was dropped and run. Absent if one of both is not known.",
    )
    .example(examples::EXEC, "", "1000001000"),
    Field::new(
        "proc.exe_ino.ctime_duration_pidns_start",
        FieldType::AbsTime,
        ACTOR,
        "argument `exe_ino_ctime` of execve; start of the pid namespace",
        tree::ctime_after_pidns,
        "Nanoseconds from the start of the process's pid namespace to the last change of the executable: present only \
         if the file changed after the container had started.",
    )
    .example(examples::EXEC_CHANGED, "", "1000000000"),
    Field::new(
        "proc.pidns_init_start_ts",
        FieldType::Uint(64),
        ACTOR,
        "argument `pidns_init_start_ts` of clone; process list",
        |v, _| Value::from_option(v.attrs().and_then(|a| a.pidns_init_start_ns).filter(|&at| at != 0), Value::Uint),
        "Start of the first process of the process's pid namespace, nanoseconds since the epoch: for a container its \
         start. Absent if not known.",
    )
    .example(examples::CONTAINER, "", "1735689599000000000"),
    Field::new(
        "proc.fdopencount",
        FieldType::Uint(64),
        ACTOR,
        "descriptor table",
        |v, _| Value::from_option(n_open(v), Value::Uint),
        "Number of open descriptors that are known.",
    )
    .example(examples::EXEC, "", "2"),
    Field::new(
        "proc.fdlimit",
        FieldType::Int(64),
        ACTOR,
        LIMIT,
        |v, _| Value::from_option(v.process(), |p| Value::Int(p.inherited.fd_limit.at(v.seq()).unwrap_or(-1))),
        "Greatest number of descriptors that the process may open; -1 if not known.",
    )
    .example(examples::EXEC, "", "1024"),
    Field::new(
        "proc.fdusage",
        FieldType::Double,
        ACTOR,
        LIMIT,
        fd_usage,
        "Open descriptors in percent of the limit; 0 if the limit is not known.",
    )
    .example(examples::EXEC, "", "0.2"),
    Field::absent("proc.vmsize", FieldType::Uint(64), COUNTERS, "Virtual memory of the process, kB."),
    Field::absent("proc.vmrss", FieldType::Uint(64), COUNTERS, "Resident memory of the process, kB."),
    Field::absent("proc.vmswap", FieldType::Uint(64), COUNTERS, "Swapped memory of the process, kB."),
    Field::new(
        "proc.nthreads",
        FieldType::Uint(64),
        ACTOR,
        PARENTS,
        |v, _| Value::from_option(n_threads(v), |(n, _)| Value::Uint(n)),
        "Number of live threads of the process that are known, the main thread included.",
    )
    .example(examples::EXEC, "", "1"),
    Field::new(
        "proc.nchilds",
        FieldType::Uint(64),
        ACTOR,
        PARENTS,
        |v, _| Value::from_option(n_threads(v), |(n, has_leader)| Value::Uint(n - u64::from(has_leader && n > 0))),
        "Number of live threads of the process besides the main thread (despite the name, not of child processes).",
    )
    .example(examples::EXEC, "", "0"),
    Field::new(
        "proc.stdin.type",
        FieldType::Str,
        ACTOR,
        "descriptor table",
        |v, _| standard_type(v, 0),
        "Type of descriptor 0, as `fd.type`. Absent if it is closed or not known.",
    )
    .example(examples::EXEC, "", "file"),
    Field::new(
        "proc.stdout.type",
        FieldType::Str,
        ACTOR,
        "descriptor table",
        |v, _| standard_type(v, 1),
        "Type of descriptor 1, as `fd.type`.",
    )
    .example(examples::EXEC, "", "file"),
    Field::new(
        "proc.stderr.type",
        FieldType::Str,
        ACTOR,
        "descriptor table",
        |v, _| standard_type(v, 2),
        "Type of descriptor 2, as `fd.type`.",
    )
    .example(examples::EXEC, "", "<NA>"),
    Field::new(
        "proc.stdin.name",
        FieldType::Str,
        ACTOR,
        "descriptor table",
        |v, _| standard_name(v, 0),
        "Name of descriptor 0, as `fd.name`. Absent if it is closed or not known.",
    )
    .example(examples::EXEC, "", "/dev/pts/0"),
    Field::new(
        "proc.stdout.name",
        FieldType::Str,
        ACTOR,
        "descriptor table",
        |v, _| standard_name(v, 1),
        "Name of descriptor 1, as `fd.name`.",
    )
    .example(examples::EXEC, "", "/dev/pts/0"),
    Field::new(
        "proc.stderr.name",
        FieldType::Str,
        ACTOR,
        "descriptor table",
        |v, _| standard_name(v, 2),
        "Name of descriptor 2, as `fd.name`.",
    )
    .example(examples::EXEC, "", "<NA>"),
    Field::absent(
        "proc.is_container_healthcheck",
        FieldType::Bool,
        DEPRECATED_PROBE,
        "Never answered: kept so that old rules load.",
    )
    .flags(flags::DEPRECATED),
    Field::absent(
        "proc.is_container_liveness_probe",
        FieldType::Bool,
        DEPRECATED_PROBE,
        "Never answered: kept so that old rules load.",
    )
    .flags(flags::DEPRECATED),
    Field::absent(
        "proc.is_container_readiness_probe",
        FieldType::Bool,
        DEPRECATED_PROBE,
        "Never answered: kept so that old rules load.",
    )
    .flags(flags::DEPRECATED),
];

/// A part of an image as text.
pub(crate) type Part = for<'a> fn(&View<'a>, &Image) -> Cow<'a, BStr>;

const NOT_KNOWN: &[u8] = b"<NA>";

pub(crate) fn comm<'a>(view: &View<'a>, image: &Image) -> Cow<'a, BStr> {
    Cow::Borrowed(image.comm.map_or(NOT_KNOWN.as_bstr(), |sym| view.text(sym)))
}

pub(crate) fn exe<'a>(view: &View<'a>, image: &Image) -> Cow<'a, BStr> {
    Cow::Borrowed(match image.exe {
        Some(sym) => view.text(sym),
        // Falco's placeholder has `<NA>` here too.
        None if image.comm.is_none() => NOT_KNOWN.as_bstr(),
        None => b"".as_bstr(),
    })
}

pub(crate) fn exepath<'a>(view: &View<'a>, image: &Image) -> Cow<'a, BStr> {
    Cow::Borrowed(view.text(image.exepath))
}

/// Arguments with blanks between; borrowed if there is at most one.
pub(crate) fn args<'a>(view: &View<'a>, image: &Image) -> Cow<'a, BStr> {
    blanks(view.text(image.args))
}

/// Entries of a text of NUL-terminated strings with blanks between.
pub(crate) fn blanks(text: &BStr) -> Cow<'_, BStr> {
    let bytes: &[u8] = text;
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.contains(&0) { Cow::Owned(bytes.replace(b"\0", b" ").into()) } else { Cow::Borrowed(bytes.as_bstr()) }
}

pub(crate) fn cmdline<'a>(view: &View<'a>, image: &Image) -> Cow<'a, BStr> {
    let comm = comm(view, image);
    let args = view.text(image.args);
    if args.is_empty() {
        return comm;
    }
    let args = args.strip_suffix(b"\0").unwrap_or(args);
    if args.is_empty() {
        return comm;
    }
    let mut out = Vec::with_capacity(comm.len() + 1 + args.len());
    out.extend_from_slice(&comm);
    out.push(b' ');
    out.extend(args.iter().map(|&b| if b == 0 { b' ' } else { b }));
    Cow::Owned(out.into())
}

fn image<'a>(view: &View<'a>, part: Part) -> Value<'a> {
    Value::from_option(view.image(), |image| Value::Str(part(view, &image)))
}

fn parent<'a>(view: &View<'a>, part: Part) -> Value<'a> {
    Value::from_option(view.parent(), |process| Value::Str(part(view, &view.image_of_process(process))))
}

fn own_args<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let Some(image) = view.image() else { return Value::Null };
    match arg {
        FieldArg::Index(i) => entries(view.text(image.args)).nth(*i as usize).map_or(Value::str(""), Value::str),
        _ => Value::Str(args(view, &image)),
    }
}

fn exeline<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let Some(image) = view.image() else { return Value::Null };
    let mut out = exe(view, &image).to_vec();
    out.push(b' ');
    out.extend_from_slice(&args(view, &image));
    Value::owned(out)
}

fn id<'a>(view: &View<'a>, part: fn(&Attrs) -> Option<i64>) -> Value<'a> {
    Value::from_option(view.attrs(), |attrs| Value::Int(part(&attrs).unwrap_or(-1)))
}

fn vpid(view: &View<'_>) -> Option<i64> {
    view.process()?.vpid()
}

fn start(view: &View<'_>) -> Option<u64> {
    view.thread()?.start_ns().map(|at| at.0).filter(|&at| at != 0)
}

fn exe_flag<'a>(view: &View<'a>, bit: u32) -> Value<'a> {
    Value::from_option(view.image(), |image| Value::Bool(image.flags.unwrap_or(0) & bit != 0))
}

fn image_number<'a>(view: &View<'a>, part: fn(&Image) -> Option<u64>) -> Value<'a> {
    Value::from_option(view.image().as_ref().and_then(part).filter(|&v| v != 0), Value::Uint)
}

fn n_open(view: &View<'_>) -> Option<u64> {
    let table = view.process()?.fd_table().at(view.seq());
    Some(view.history.fd_tables.entries(table, view.seq()).len() as u64)
}

fn fd_usage<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let (Some(process), Some(n_open)) = (view.process(), n_open(view)) else { return Value::Null };
    match process.inherited.fd_limit.at(view.seq()) {
        Some(limit) if limit > 0 => Value::Double((n_open as f64 * 100.0 / limit as f64).min(100.0)),
        _ => Value::Double(0.0),
    }
}

/// Live threads of the process, and whether the main thread is one of them. A thread that exits in this event
/// no longer counts.
fn n_threads(view: &View<'_>) -> Option<(u64, bool)> {
    let process = view.process()?;
    let seq = view.seq();
    let exiting = if view.event.head.kind == pseudo::PROCEXIT { view.fact.thread } else { None };
    let is_live = |id: &tracehound_state::ThreadId| {
        let thread = view.history.thread(*id);
        Some(*id) != exiting && thread.born <= seq && thread.ended().is_none_or(|ended| seq < ended)
    };
    let n = process.threads.iter().filter(|id| is_live(id)).count() as u64;
    Some((n, process.threads.first().is_some_and(is_live)))
}

fn standard_type<'a>(view: &View<'a>, number: i64) -> Value<'a> {
    Value::from_option(view.file_of(number), |file| Value::str(fd::type_name(file.kind)))
}

fn standard_name<'a>(view: &View<'a>, number: i64) -> Value<'a> {
    let file = view.file_of(number).filter(|file| file.kind != FdKind::Unknown || !view.text(file.name).is_empty());
    Value::from_option(file, |file| Value::str(view.text(file.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_words() {
        for (text, want, n) in [
            ("", "", 0),
            ("\0", "", 0),
            ("-c\0", "-c", 1),
            ("-c\0id\0", "-c id", 2),
            ("-c\0\0", "-c ", 2),
            ("a\0\0b\0", "a  b", 3),
            ("cut", "cut", 1),
        ] {
            assert_eq!(blanks(text.as_bytes().as_bstr()).as_bstr(), want, "{text:?}");
            assert_eq!(entries(text.as_bytes().as_bstr()).count(), n, "{text:?}");
        }
    }
}
