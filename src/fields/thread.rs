//! `thread.*`: the acting thread.

use bstr::{BStr, ByteSlice};

use crate::Family;
use crate::capabilities;
use crate::examples;
use crate::field::{ArgKind, ArgPolicy, Depends, Field, FieldArg, flags};
use crate::lookup::entries;
use crate::value::{FieldType, Value};
use crate::view::View;

/// The family.
pub static FAMILY: Family = Family { name: "thread", doc: "The acting thread.", fields: FIELDS };

const ACTOR: Depends = Depends::Actor;
const CAPS: &str = "capability arguments of execve and capset; process list";
const COUNTERS: &str = "memory and fault counters are not kept in the history";
const SWITCHES: &str = "context switches are not accounted";
const CPU: &str = "samples of CPU use are not accounted";

static FIELDS: &[Field] = &[
    Field::new(
        "thread.cap_permitted",
        FieldType::Str,
        ACTOR,
        CAPS,
        |v, _| caps(v, 1),
        "Capabilities the thread may use: names in order of their bits with a blank between; empty if it has none.",
    )
    .example(examples::EXEC, "", "CAP_CHOWN CAP_DAC_OVERRIDE"),
    Field::new(
        "thread.cap_inheritable",
        FieldType::Str,
        ACTOR,
        CAPS,
        |v, _| caps(v, 0),
        "Capabilities kept across exec; written as `thread.cap_permitted`.",
    )
    .example(examples::EXEC, "", ""),
    Field::new(
        "thread.cap_effective",
        FieldType::Str,
        ACTOR,
        CAPS,
        |v, _| caps(v, 2),
        "Capabilities in force; written as `thread.cap_permitted`.",
    )
    .example(examples::EXEC, "", "CAP_CHOWN CAP_SYS_ADMIN"),
    Field::absent(
        "thread.pfmajor",
        FieldType::Uint(64),
        COUNTERS,
        "Page faults that read from disk, since the thread's start.",
    ),
    Field::absent(
        "thread.pfminor",
        FieldType::Uint(64),
        COUNTERS,
        "Page faults served from memory, since the thread's start.",
    ),
    Field::new(
        "thread.tid",
        FieldType::Int(64),
        ACTOR,
        "head of the event",
        |v, _| Value::Int(v.event.head.tid.0),
        "Thread id in the pid namespace of the host; -1 for an event without a thread.",
    )
    .example(examples::EXEC, "", "101"),
    Field::new(
        "thread.ismain",
        FieldType::Bool,
        ACTOR,
        "arguments of clone and execve; process list",
        |v, _| {
            Value::from_option(v.thread(), |t| {
                Value::Bool(!v.is_placeholder() && v.process().is_some_and(|p| p.pid == t.tid))
            })
        },
        "True for the main thread of its process.",
    )
    .example(examples::EXEC, "", "true"),
    Field::new(
        "thread.vtid",
        FieldType::Int(64),
        ACTOR,
        "argument `vtid` of clone; process list",
        |v, _| Value::from_option(v.thread().and_then(|t| t.vtid()).filter(|&id| id != -1), Value::Int),
        "Thread id in the thread's own pid namespace. Absent if not known.",
    )
    .example(examples::EXEC, "", "101"),
    Field::new(
        "thread.nametid",
        FieldType::Str,
        ACTOR,
        "arguments of execve and clone",
        name_tid,
        "`proc.name` followed by `thread.tid`.",
    )
    .flags(flags::HIDDEN)
    .example(examples::EXEC, "", "ls101"),
    Field::absent("thread.exectime", FieldType::RelTime, SWITCHES, "CPU time of the last time slice, nanoseconds."),
    Field::absent(
        "thread.totexectime",
        FieldType::RelTime,
        SWITCHES,
        "CPU time since the start of the trace, nanoseconds.",
    ),
    Field::new(
        "thread.cgroups",
        FieldType::Str,
        ACTOR,
        "argument `cgroups` of clone and execve; process list",
        cgroups,
        "Cgroups of the thread as `subsystem=path` with a blank between. Absent if not known.",
    )
    .example(examples::EXEC, "", "cpuset=/user.slice memory=/user.slice"),
    Field::new(
        "thread.cgroup",
        FieldType::Str,
        ACTOR,
        "argument `cgroups` of clone and execve; process list",
        cgroup,
        "Path of the cgroup of one subsystem: `thread.cgroup.memory`. Absent if the thread has none of it.",
    )
    .arg(ArgPolicy::Required(ArgKind::Name))
    .example(examples::EXEC, ".memory", "/user.slice"),
    Field::absent("thread.cpu", FieldType::Double, CPU, "CPU use of the thread in the last second."),
    Field::absent("thread.cpu.user", FieldType::Double, CPU, "CPU use of the thread in user mode in the last second."),
    Field::absent(
        "thread.cpu.system",
        FieldType::Double,
        CPU,
        "CPU use of the thread in the kernel in the last second.",
    ),
    Field::absent(
        "thread.vmsize",
        FieldType::Uint(64),
        COUNTERS,
        "Virtual memory of the process, kB; 0 for other than main threads.",
    ),
    Field::absent(
        "thread.vmrss",
        FieldType::Uint(64),
        COUNTERS,
        "Resident memory of the process, kB; 0 for other than main threads.",
    ),
    Field::absent("thread.vmsize.b", FieldType::Uint(64), COUNTERS, "Virtual memory of the process, bytes.")
        .flags(flags::HIDDEN),
    Field::absent("thread.vmrss.b", FieldType::Uint(64), COUNTERS, "Resident memory of the process, bytes.")
        .flags(flags::HIDDEN),
];

fn caps<'a>(view: &View<'a>, set: usize) -> Value<'a> {
    let Some(attrs) = view.attrs() else { return Value::Null };
    let mask = view.history.creds(attrs.creds).caps.map_or(0, |caps| caps[set]);
    if mask == 0 {
        return Value::str("");
    }
    Value::owned(capabilities::names(mask).collect::<Vec<_>>().join(" "))
}

fn name_tid<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let Some(image) = view.image() else { return Value::Null };
    let mut out = crate::proc::comm(view, &image).to_vec();
    out.extend_from_slice(view.event.head.tid.0.to_string().as_bytes());
    Value::owned(out)
}

/// Subsystem and path of each cgroup; names as Falco shows them, whatever the kernel called them.
///
/// An entry without `=` makes Falco drop the whole list.
fn subsystems<'a>(view: &View<'a>) -> Option<Vec<(&'a BStr, &'a BStr)>> {
    let text = view.text(view.attrs()?.cgroups);
    let list: Option<Vec<_>> = entries(text)
        .map(|entry| {
            let (name, path) = entry.split_once_str("=")?;
            let name = name.strip_suffix(b"_cgroup").unwrap_or(name);
            let name: &[u8] = match name {
                b"perf" => b"perf_event",
                b"mem" => b"memory",
                b"io" => b"blkio",
                other => other,
            };
            Some((name.as_bstr(), path.as_bstr()))
        })
        .collect();
    list.filter(|list| !list.is_empty())
}

fn cgroups<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let Some(list) = subsystems(view) else { return Value::Null };
    let mut out = Vec::new();
    for (name, path) in list {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(path);
    }
    Value::owned(out)
}

fn cgroup<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let FieldArg::Name(wanted) = arg else { return Value::Null };
    let list = subsystems(view).unwrap_or_default();
    let found = list.into_iter().find(|(name, _)| *name == wanted.as_str());
    Value::from_option(found, |(_, path)| Value::str(path))
}
