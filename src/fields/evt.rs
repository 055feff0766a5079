//! `evt.*`: number, time, kind and outcome of an event.

use tracehound_formats::event::kind::{Category, Kind, kind_flags};
use tracehound_formats::event::{generic, pseudo, syscalls};
use tracehound_formats::section::FdKind;

use crate::Family;
use crate::examples;
use crate::field::{ArgKind, ArgPolicy, Depends, Field, FieldArg, NumberFormat, OpenPart, flags};
use crate::time::{self, SECOND};
use crate::value::{FieldType, Value};
use crate::view::View;
use crate::{evt_args, render};

/// The family.
pub static FAMILY: Family = Family { name: "evt", doc: "Number, time, kind and outcome of an event.", fields: FIELDS };

const TIME: Depends = Depends::Time;
const KIND: Depends = Depends::Kind;
const ARGS: Depends = Depends::Args;
const HEAD: &str = "head of the event";
const TABLE: &str = "table of event kinds";
const RESULT: &str = "return value: first argument of the event";
const NO_ENTER: &str = "events carry no enter time that rules could be given; engines report 0";
const NO_PREVIOUS: &str = "depends on the event before, which a rule is not given";

static FIELDS: &[Field] = &[
    Field::new(
        "evt.num",
        FieldType::Uint(64),
        TIME,
        HEAD,
        num,
        "Number of the event in the trace, from 1. Numbers rise, with gaps where a file held records that are no \
         events.",
    )
    .example(examples::EXEC, "", "2"),
    Field::new(
        "evt.time",
        FieldType::Str,
        TIME,
        HEAD,
        |v, _| Value::owned(time::clock_ns(v.event.head.ts.0)),
        "Time of the event in UTC, with nanoseconds: `03:10:23.892546058`. In JSON the nanoseconds since the epoch.",
    )
    .example(examples::EXEC, "", "00:00:00.001001000"),
    Field::new(
        "evt.time.s",
        FieldType::Str,
        TIME,
        HEAD,
        |v, _| Value::owned(time::clock(v.event.head.ts.0)),
        "Time of the event in UTC, whole seconds: `03:10:23`.",
    )
    .example(examples::EXEC, "", "00:00:00"),
    Field::new(
        "evt.time.iso8601",
        FieldType::Str,
        TIME,
        HEAD,
        |v, _| Value::owned(time::iso8601(v.event.head.ts.0)),
        "Date and time of the event in UTC: `2026-11-22T03:10:23.892546058+0000`.",
    )
    .example(examples::EXEC, "", "2025-01-01T00:00:00.001001000+0000"),
    Field::new(
        "evt.datetime",
        FieldType::Str,
        TIME,
        HEAD,
        |v, _| datetime(v, time::clock_ns),
        "Date and time of the event in UTC: `2026-11-22 03:10:23.892546058`.",
    )
    .example(examples::EXEC, "", "2025-01-01 00:00:00.001001000"),
    Field::new(
        "evt.datetime.s",
        FieldType::Str,
        TIME,
        HEAD,
        |v, _| datetime(v, time::clock),
        "Date and time of the event in UTC, whole seconds.",
    )
    .example(examples::EXEC, "", "2025-01-01 00:00:00"),
    Field::new(
        "evt.rawtime",
        FieldType::AbsTime,
        TIME,
        HEAD,
        |v, _| Value::Uint(v.event.head.ts.0),
        "Time of the event, nanoseconds since the epoch.",
    )
    .example(examples::EXEC, "", "1735689600001001000"),
    Field::new(
        "evt.rawtime.s",
        FieldType::AbsTime,
        TIME,
        HEAD,
        |v, _| Value::Uint(v.event.head.ts.0 / SECOND),
        "Time of the event, whole seconds since the epoch.",
    )
    .example(examples::EXEC, "", "1735689600"),
    Field::new(
        "evt.rawtime.ns",
        FieldType::AbsTime,
        TIME,
        HEAD,
        |v, _| Value::Uint(v.event.head.ts.0 % SECOND),
        "Nanoseconds within the second of the event.",
    )
    .format(NumberFormat::Padded)
    .example(examples::EXEC, "", "001001000"),
    Field::new(
        "evt.reltime",
        FieldType::RelTime,
        TIME,
        HEAD,
        |v, _| Value::Uint(since_first(v)),
        "Nanoseconds since the first event of the trace.",
    )
    .format(NumberFormat::Padded)
    .example(examples::EXEC, "", "001000000"),
    Field::new(
        "evt.reltime.s",
        FieldType::RelTime,
        TIME,
        HEAD,
        |v, _| Value::Uint(since_first(v) / SECOND),
        "Whole seconds since the first event of the trace.",
    )
    .example(examples::EXEC, "", "0"),
    Field::new(
        "evt.reltime.ns",
        FieldType::RelTime,
        TIME,
        HEAD,
        |v, _| Value::Uint(since_first(v) % SECOND),
        "Nanoseconds within the second, counted from the first event of the trace.",
    )
    .format(NumberFormat::Padded)
    .example(examples::EXEC, "", "001000000"),
    Field::absent(
        "evt.pluginname",
        FieldType::Str,
        "only the plug-in that made an event knows",
        "Name of the plug-in that made the event.",
    ),
    Field::absent(
        "evt.plugininfo",
        FieldType::Str,
        "only the plug-in that made an event can describe it",
        "Description of a plug-in's event.",
    ),
    Field::new(
        "evt.source",
        FieldType::Str,
        KIND,
        TABLE,
        source,
        "Where the event comes from: always `syscall`; absent for events of plug-ins, whose source a trace does not \
         name.",
    )
    .example(examples::GETCWD, "", "syscall"),
    Field::new(
        "evt.is_async",
        FieldType::Bool,
        KIND,
        TABLE,
        |v, _| Value::Bool(is_meta(v)),
        "True for events that no thread made: containers and users that appear or go, losses, notifications.",
    )
    .example(examples::GETCWD, "", "false"),
    Field::new(
        "evt.asynctype",
        FieldType::Str,
        KIND,
        TABLE,
        |v, _| if is_meta(v) { kind_name(v) } else { Value::Null },
        "What happened, for events with `evt.is_async`: `container`, `useradded`; absent for all others.",
    )
    .example(examples::USER_ADDED, "", "useradded"),
    Field::new(
        "evt.hostname",
        FieldType::Str,
        Depends::Trace,
        "machine information of the trace",
        hostname,
        "Name of the recorded host, or the one given to the analysis. Absent if the trace does not say.",
    )
    .example(examples::EXEC, "", "web-01"),
    Field::new("evt.latency", FieldType::RelTime, TIME, "none", zero, "Always 0: kept so that old rules load.")
        .flags(flags::DEPRECATED)
        .example(examples::GETCWD, "", "0"),
    Field::new("evt.latency.s", FieldType::RelTime, TIME, "none", zero, "Always 0: kept so that old rules load.")
        .flags(flags::DEPRECATED)
        .example(examples::GETCWD, "", "0"),
    Field::new("evt.latency.ns", FieldType::RelTime, TIME, "none", zero, "Always 0: kept so that old rules load.")
        .flags(flags::DEPRECATED)
        .format(NumberFormat::Padded)
        .example(examples::GETCWD, "", "000000000"),
    Field::new(
        "evt.latency.quantized",
        FieldType::Uint(64),
        TIME,
        "none",
        zero,
        "Always 0: kept so that old rules load.",
    )
    .flags(flags::DEPRECATED | flags::HIDDEN)
    .example(examples::GETCWD, "", "0"),
    Field::new(
        "evt.latency.human",
        FieldType::Str,
        TIME,
        "none",
        |_, _| Value::str("0ns"),
        "Always `0ns`: kept so that old rules load.",
    )
    .flags(flags::DEPRECATED)
    .example(examples::GETCWD, "", "0ns"),
    Field::absent("evt.deltatime", FieldType::RelTime, NO_PREVIOUS, "Nanoseconds since the event before."),
    Field::absent("evt.deltatime.s", FieldType::RelTime, NO_PREVIOUS, "Whole seconds since the event before."),
    Field::absent(
        "evt.deltatime.ns",
        FieldType::RelTime,
        NO_PREVIOUS,
        "Nanoseconds within the second since the event before.",
    )
    .format(NumberFormat::Padded),
    Field::new(
        "evt.outputtime",
        FieldType::Str,
        TIME,
        HEAD,
        |v, _| Value::owned(time::clock_ns(v.event.head.ts.0)),
        "The same as `evt.time`, for output only.",
    )
    .flags(flags::PRINT_ONLY)
    .example(examples::GETCWD, "", "00:00:00.000001000"),
    Field::new(
        "evt.dir",
        FieldType::Str,
        KIND,
        TABLE,
        dir,
        "`<` for a system call (which is recorded when it returns), `>` for most events that are none.",
    )
    .flags(flags::DEPRECATED)
    .example(examples::GETCWD, "", "<"),
    Field::new(
        "evt.type",
        FieldType::Str,
        KIND,
        TABLE,
        |v, _| kind_name(v),
        "What happened: the name of the system call (`openat`) or of the event (`procexit`). For events of a \
         container runtime's watcher, the name it gave.",
    )
    .example(examples::GETCWD, "", "getcwd"),
    Field::new(
        "evt.type.is",
        FieldType::Uint(32),
        KIND,
        TABLE,
        type_is,
        "1 if the event is of the named kind, else 0: `evt.type.is.open`.",
    )
    .arg(ArgPolicy::Required(ArgKind::Name))
    .example(examples::EXEC, ".execve", "1"),
    Field::new(
        "syscall.type",
        FieldType::Str,
        KIND,
        TABLE,
        |v, _| if kind(v).is_some_and(|k| k.is_syscall) { kind_name(v) } else { Value::Null },
        "Name of the system call; absent for events that are none.",
    )
    .example(examples::GETCWD, "", "getcwd"),
    Field::new(
        "evt.category",
        FieldType::Str,
        Depends::Descriptor,
        TABLE,
        category,
        "Class of the event: `file`, `net`, `IPC`, `memory`, `process`, `sleep`, `system`, `signal`, `user`, `time`, \
         `wait`, `scheduler`, `internal`, `other`. Reads and writes have the class of their descriptor: `file`, \
         `net`, `ipc`, or `unknown`.",
    )
    .example(examples::GETCWD, "", "file"),
    Field::new(
        "evt.cpu",
        FieldType::Int(16),
        TIME,
        HEAD,
        |v, _| Value::Int(i64::from(v.event.head.cpu as i16)),
        "CPU the event was recorded on.",
    )
    .example(examples::GETCWD, "", "0"),
    Field::new(
        "evt.args",
        FieldType::Str,
        ARGS,
        "all arguments of the event",
        evt_args::all,
        "All arguments as `name=value`, or `name=value(meaning)` where a number has a meaning, with a blank between. \
         Empty for system calls recorded by number alone.",
    )
    .example(examples::GETCWD, "", "res=0 path=/"),
    Field::new(
        "evt.arg",
        FieldType::Str,
        ARGS,
        "an argument of the event",
        evt_args::arg,
        "One argument as text, by name (`evt.arg.flags`) or position from 0 (`evt.arg[1]`): symbols for flags, errors \
         and signals, names for users and processes, what a descriptor refers to, absolute paths for relative ones. \
         `<NA>` if the recorder left it empty; absent if this kind of event has none of this name.",
    )
    .key(evt_args::arg_key)
    .told_by(OpenPart::Call)
    .arg(ArgPolicy::Required(ArgKind::EventArg))
    .example(examples::OPEN, ".flags", "O_CREAT|O_WRONLY|O_F_CREATED|FD_UPPER_LAYER"),
    Field::new(
        "evt.rawarg",
        FieldType::Opaque,
        ARGS,
        "an argument of the event",
        evt_args::raw,
        "One argument as recorded, by name: a number stays a number. Its type is that of the argument. Absent if \
         empty.",
    )
    .arg(ArgPolicy::Required(ArgKind::EventArg))
    .flags(flags::NO_RHS | flags::NO_TRANSFORMER)
    .example(examples::OPEN, ".flags", "C006"),
    Field::new(
        "evt.info",
        FieldType::Str,
        ARGS,
        "all arguments of the event",
        evt_args::all,
        "The same as `evt.args`.",
    )
    .example(examples::GETCWD, "", "res=0 path=/"),
    Field::new(
        "evt.buffer",
        FieldType::Bytes,
        ARGS,
        "argument `data` of reads and writes",
        evt_args::buffer,
        "Data that was read or written: the part that the recorder kept, by default the first 80 bytes. Absent for \
         events without data.",
    )
    .needs(crate::Needs::IoData)
    .example(examples::WRITE, "", "hello"),
    Field::new(
        "evt.buflen",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, |_| true, |_| true),
        "Bytes read or written, as the system call returned them. Absent if it failed or if the descriptor is not \
         known.",
    )
    .example(examples::WRITE, "", "5"),
    Field::new(
        "evt.res",
        FieldType::Str,
        ARGS,
        RESULT,
        res,
        "`SUCCESS`, or the symbol of the error: `ENOENT`. Absent for events without a recorded return value.",
    )
    .example(examples::OPEN_FAILED, "", "ENOENT"),
    Field::new(
        "evt.rawres",
        FieldType::Int(64),
        ARGS,
        RESULT,
        |v, _| Value::from_option(v.event.ret(), Value::Int),
        "Return value as a number; an error is negative. Absent for events without a recorded return value.",
    )
    .example(examples::OPEN_FAILED, "", "-2"),
    Field::new(
        "evt.failed",
        FieldType::Bool,
        ARGS,
        RESULT,
        |v, _| Value::from_option(v.event.ret(), |ret| Value::Bool(ret < 0)),
        "True if the system call returned an error. Absent for events without a recorded return value.",
    )
    .example(examples::OPEN_FAILED, "", "true"),
    Field::new(
        "evt.is_io",
        FieldType::Bool,
        KIND,
        TABLE,
        |v, _| Value::Bool(reads(v) || writes(v)),
        "True for system calls that read or write a descriptor.",
    )
    .example(examples::WRITE, "", "true"),
    Field::new(
        "evt.is_io_read",
        FieldType::Bool,
        KIND,
        TABLE,
        |v, _| Value::Bool(reads(v)),
        "True for system calls that read from a descriptor.",
    )
    .example(examples::WRITE, "", "false"),
    Field::new(
        "evt.is_io_write",
        FieldType::Bool,
        KIND,
        TABLE,
        |v, _| Value::Bool(writes(v)),
        "True for system calls that write to a descriptor.",
    )
    .example(examples::WRITE, "", "true"),
    Field::new("evt.io_dir", FieldType::Str, KIND, TABLE, io_dir, "`read` or `write`; absent for everything else.")
        .example(examples::WRITE, "", "write"),
    Field::new(
        "evt.is_wait",
        FieldType::Bool,
        KIND,
        TABLE,
        |v, _| Value::Bool(has(v, kind_flags::WAITS)),
        "True for system calls that make the thread wait: poll, select, sleep.",
    )
    .example(examples::POLL, "", "true"),
    Field::absent("evt.wait_latency", FieldType::RelTime, NO_ENTER, "Nanoseconds the thread waited.")
        .flags(flags::DEPRECATED),
    Field::new(
        "evt.is_syslog",
        FieldType::Bool,
        Depends::Descriptor,
        "name of the descriptor",
        is_syslog,
        "True for writes to the system log's socket `/dev/log`.",
    )
    .example(examples::WRITE, "", "false"),
    Field::new("evt.count", FieldType::Uint(32), KIND, "none", |_, _| Value::Uint(1), "Always 1.").example(
        examples::GETCWD,
        "",
        "1",
    ),
    Field::new(
        "evt.count.error",
        FieldType::Uint(32),
        ARGS,
        RESULT,
        |v, _| error_count(v),
        "1 if the system call returned an error, else 0. Absent without a recorded return value.",
    )
    .example(examples::GETCWD, "", "0"),
    Field::new(
        "evt.count.error.file",
        FieldType::Uint(32),
        Depends::Descriptor,
        RESULT,
        |v, _| error_count_of(v, ErrorClass::File),
        "As `evt.count.error`, for files and directories only; absent for others.",
    )
    .example(examples::OPEN_FAILED, "", "1"),
    Field::new(
        "evt.count.error.net",
        FieldType::Uint(32),
        Depends::Descriptor,
        RESULT,
        |v, _| error_count_of(v, ErrorClass::Net),
        "As `evt.count.error`, for sockets only; absent for others.",
    )
    .example(examples::CONNECT, "", "0"),
    Field::new(
        "evt.count.error.memory",
        FieldType::Uint(32),
        ARGS,
        RESULT,
        |v, _| if category_of(v) == Category::Memory { error_count(v) } else { Value::Null },
        "As `evt.count.error`, for memory calls only; absent for others.",
    )
    .example(examples::MMAP_FAILED, "", "1"),
    Field::new(
        "evt.count.error.other",
        FieldType::Uint(32),
        Depends::Descriptor,
        RESULT,
        |v, _| error_count_of(v, ErrorClass::Other),
        "As `evt.count.error`, for what is neither file, socket nor memory; absent for those.",
    )
    .example(examples::GETCWD, "", "0"),
    Field::new(
        "evt.count.exit",
        FieldType::Uint(32),
        KIND,
        TABLE,
        |v, _| if is_exit(v) { Value::Uint(1) } else { Value::Null },
        "1 for system calls; absent for most events that are none.",
    )
    .example(examples::GETCWD, "", "1"),
    Field::new(
        "evt.count.procinfo",
        FieldType::Uint(32),
        KIND,
        TABLE,
        |v, _| {
            Value::Uint(u64::from(
                v.event.head.kind == pseudo::PROCINFO
                    && v.thread().is_some_and(|t| v.process().is_some_and(|p| p.pid == t.tid)),
            ))
        },
        "1 for samples of a main thread's CPU use, else 0.",
    )
    .flags(flags::HIDDEN)
    .example(examples::GETCWD, "", "0"),
    Field::new(
        "evt.count.threadinfo",
        FieldType::Uint(32),
        KIND,
        TABLE,
        |v, _| Value::Uint(u64::from(v.event.head.kind == pseudo::PROCINFO)),
        "1 for samples of a thread's CPU use, else 0.",
    )
    .flags(flags::HIDDEN)
    .example(examples::GETCWD, "", "0"),
    Field::new(
        "evt.around",
        FieldType::Uint(64),
        TIME,
        HEAD,
        around,
        "Distance of the event from a time: the argument, in nanoseconds since the epoch. `evt.around[T] = D` is true \
         up to a distance of D milliseconds.",
    )
    .arg(ArgPolicy::Required(ArgKind::Name))
    .flags(flags::FILTER_ONLY | flags::NO_RHS | flags::NO_TRANSFORMER)
    .compared(examples::EXEC_CHANGED, "[1735689600000000000]", "= 500"),
    Field::new(
        "evt.abspath",
        FieldType::Str,
        ARGS,
        "arguments of the `*at` system calls",
        evt_args::abspath,
        "Absolute path of a system call that takes a directory descriptor and a path (openat, renameat, symlinkat, \
         linkat, unlinkat, mkdirat, fchmodat, fchownat). Of those with two paths, `evt.abspath.src` (also without \
         suffix) and `evt.abspath.dst`.",
    )
    .arg(ArgPolicy::Optional(ArgKind::Name))
    .example(examples::OPEN, "", "/home/alice/run.sh"),
    Field::new(
        "evt.buflen.in",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, is_read, |_| true),
        "As `evt.buflen`, reads only.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.buflen.out",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, is_write, |_| true),
        "As `evt.buflen`, writes only.",
    )
    .flags(flags::HIDDEN)
    .example(examples::WRITE, "", "5"),
    Field::new(
        "evt.buflen.file",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, |_| true, is_file),
        "As `evt.buflen`, files only.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.buflen.file.in",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, is_read, is_file),
        "As `evt.buflen`, reads of files only.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.buflen.file.out",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, is_write, is_file),
        "As `evt.buflen`, writes to files only.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.buflen.net",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, |_| true, is_inet),
        "As `evt.buflen`, IPv4 and IPv6 sockets only.",
    )
    .flags(flags::HIDDEN)
    .example(examples::WRITE, "", "5"),
    Field::new(
        "evt.buflen.net.in",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, is_read, is_inet),
        "As `evt.buflen`, reads from IPv4 and IPv6 sockets only.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.buflen.net.out",
        FieldType::Uint(64),
        ARGS,
        RESULT,
        |v, _| evt_args::length(v, is_write, is_inet),
        "As `evt.buflen`, writes to IPv4 and IPv6 sockets only.",
    )
    .flags(flags::HIDDEN)
    .example(examples::WRITE, "", "5"),
    Field::new(
        "evt.is_open_read",
        FieldType::Bool,
        ARGS,
        "argument `flags` of open calls",
        |v, _| Value::Bool(evt_args::open_flags(v) & evt_args::O_RDONLY != 0),
        "True for open, openat, openat2 and open_by_handle_at with reading asked for, whether or not it succeeded.",
    )
    .key(evt_args::open_flags_key)
    .told_by(OpenPart::Call)
    .example(examples::OPEN_FAILED, "", "true"),
    Field::new(
        "evt.is_open_write",
        FieldType::Bool,
        ARGS,
        "argument `flags` of open calls",
        |v, _| Value::Bool(evt_args::open_flags(v) & evt_args::O_WRONLY != 0),
        "True for open, openat, openat2 and open_by_handle_at with writing asked for, whether or not it succeeded. \
         False for creat.",
    )
    .key(evt_args::open_flags_key)
    .told_by(OpenPart::Call)
    .example(examples::OPEN, "", "true"),
    Field::new(
        "evt.infra.docker.name",
        FieldType::Str,
        ARGS,
        "argument `description` of infra events",
        |v, _| evt_args::infra(v, "Event"),
        "Name of an event of the Docker daemon, in captures of old sysdig.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.infra.docker.container.id",
        FieldType::Str,
        ARGS,
        "argument `description` of infra events",
        |v, _| evt_args::infra(v, "ID"),
        "Container id of an event of the Docker daemon, in captures of old sysdig.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.infra.docker.container.name",
        FieldType::Str,
        ARGS,
        "argument `description` of infra events",
        |v, _| evt_args::infra(v, "name"),
        "Container name of an event of the Docker daemon, in captures of old sysdig.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.infra.docker.container.image",
        FieldType::Str,
        ARGS,
        "argument `description` of infra events",
        |v, _| evt_args::infra(v, "Image"),
        "Image of an event of the Docker daemon, in captures of old sysdig.",
    )
    .flags(flags::HIDDEN),
    Field::new(
        "evt.is_open_exec",
        FieldType::Bool,
        ARGS,
        "arguments `flags` and `mode` of open calls",
        |v, _| Value::Bool(evt_args::is_open_exec(v)),
        "True for open, openat and openat2 that may create a file (O_CREAT, O_TMPFILE), and for creat, with an \
         executable mode.",
    )
    .example(examples::OPEN, "", "true"),
    Field::new(
        "evt.is_open_create",
        FieldType::Bool,
        ARGS,
        "argument `flags` of open calls",
        |v, _| Value::Bool(evt_args::is_open_create(v)),
        "True for open, openat, openat2 and open_by_handle_at that did create a file.",
    )
    .example(examples::OPEN, "", "true"),
];

fn num<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    Value::Uint(view.event.head.seq.0)
}

fn datetime<'a>(view: &View<'a>, clock: fn(u64) -> String) -> Value<'a> {
    let ns = view.event.head.ts.0;
    Value::owned(format!("{} {}", time::day(ns), clock(ns)))
}

fn since_first(view: &View<'_>) -> u64 {
    view.event.head.ts.0.saturating_sub(view.context.first_ns)
}

fn zero<'a>(_: &View<'a>, _: &FieldArg) -> Value<'a> {
    Value::Uint(0)
}

fn source<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    if view.event.head.kind == pseudo::PLUGINEVENT { Value::Null } else { Value::str("syscall") }
}

/// Kinds that the event table of falcosecurity/libs marks `EC_METAEVENT`.
fn is_meta(view: &View<'_>) -> bool {
    use pseudo::*;
    let kinds = [
        DROP,
        DROP_END,
        SCAPEVENT,
        PROCINFO,
        CPU_HOTPLUG,
        K8S,
        TRACER,
        MESOS,
        NOTIFICATION,
        INFRA,
        CONTAINER,
        USERADDED,
        USERDELETED,
        GROUPADDED,
        GROUPDELETED,
        ASYNCEVENT,
        LOST,
    ];
    kinds.contains(&view.event.head.kind)
}

fn hostname<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    if !view.context.hostname.is_empty() {
        return Value::str(&view.context.hostname);
    }
    let section = view.history.section_at(view.seq());
    Value::from_option(section.and_then(|section| section.machine.hostname.as_ref()), Value::str)
}

pub(crate) fn kind(view: &View<'_>) -> Option<&'static Kind> {
    view.event.head.kind.get()
}

fn kind_name<'a>(view: &View<'a>) -> Value<'a> {
    let id = view.event.head.kind;
    if id == pseudo::ASYNCEVENT {
        return Value::from_option(view.event.arg(1).bytes(), Value::str);
    }
    if id == syscalls::GENERIC {
        let by_id = view.event.arg(0).uint().and_then(|id| {
            generic::SYSCALL_IDS.iter().find(|&&(n, _)| u64::from(n) == id).map(|&(_, name)| Value::str(name))
        });
        return by_id.unwrap_or(Value::str("unknown"));
    }
    Value::str(id.name())
}

fn type_is<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let is_it = match arg {
        FieldArg::Name(name) => view.event.head.kind.name() == name,
        FieldArg::Index(code) => u32::from(view.event.head.kind.0) == *code,
        FieldArg::None => false,
    };
    Value::Uint(u64::from(is_it))
}

/// System calls have returned; of other events those that are exits have odd codes in the vocabulary that the codes come
/// from.
fn is_exit(view: &View<'_>) -> bool {
    let id = view.event.head.kind;
    kind(view).is_some_and(|kind| kind.is_syscall || id.0 & 1 == 1)
}

fn dir<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    Value::str(if is_exit(view) { "<" } else { ">" })
}

pub(crate) fn category_of(view: &View<'_>) -> Category {
    kind(view).map_or(Category::Unknown, |kind| kind.category)
}

fn category<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    Value::str(match category_of(view) {
        Category::Unknown => "unknown",
        Category::Other => "other",
        Category::File => "file",
        Category::Net => "net",
        Category::Ipc => "IPC",
        Category::Memory => "memory",
        Category::Process => "process",
        Category::Sleep => "sleep",
        Category::System => "system",
        Category::Signal => "signal",
        Category::User => "user",
        Category::Time => "time",
        Category::Processing => "processing",
        Category::Wait => "wait",
        Category::Scheduler => "scheduler",
        Category::Internal => "internal",
        Category::IoRead | Category::IoWrite | Category::IoOther => match view.file().map(|file| file.kind) {
            Some(FdKind::File | FdKind::Directory) => "file",
            Some(FdKind::Ipv4Socket | FdKind::Ipv6Socket | FdKind::Ipv4Listen | FdKind::Ipv6Listen) => "net",
            Some(
                FdKind::Pipe
                | FdKind::UnixSocket
                | FdKind::Event
                | FdKind::Signal
                | FdKind::Inotify
                | FdKind::Userfaultfd,
            ) => "ipc",
            _ => "unknown",
        },
    })
}

fn has(view: &View<'_>, flag: u16) -> bool {
    kind(view).is_some_and(|kind| kind.has(flag))
}

fn reads(view: &View<'_>) -> bool {
    has(view, kind_flags::READS_FROM_FD)
}

fn writes(view: &View<'_>) -> bool {
    has(view, kind_flags::WRITES_TO_FD)
}

fn io_dir<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    match (writes(view), reads(view)) {
        (true, _) => Value::str("write"),
        (false, true) => Value::str("read"),
        (false, false) => Value::Null,
    }
}

fn is_syslog<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    use bstr::ByteSlice;
    Value::Bool(writes(view) && view.file().is_some_and(|file| view.text(file.name).contains_str("/dev/log")))
}

fn res<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    match view.event.ret() {
        None => Value::Null,
        Some(ret) if ret >= 0 => Value::str("SUCCESS"),
        Some(_) => Value::from_option(render::arg(view, 0), Value::Str),
    }
}

fn error_count<'a>(view: &View<'a>) -> Value<'a> {
    Value::from_option(view.event.ret(), |ret| Value::Uint(u64::from(ret < 0)))
}

#[derive(Clone, Copy, PartialEq)]
enum ErrorClass {
    File,
    Net,
    Other,
}

fn error_count_of<'a>(view: &View<'a>, class: ErrorClass) -> Value<'a> {
    use syscalls::*;
    let of_event = match view.file().map(|file| file.kind) {
        Some(FdKind::File | FdKind::Directory) => ErrorClass::File,
        Some(
            FdKind::Ipv4Socket | FdKind::Ipv6Socket | FdKind::Ipv4Listen | FdKind::Ipv6Listen | FdKind::UnixSocket,
        ) => ErrorClass::Net,
        Some(_) => ErrorClass::Other,
        None if [OPEN, CREAT, OPENAT, OPENAT2, OPEN_BY_HANDLE_AT].contains(&view.event.head.kind) => ErrorClass::File,
        None if [ACCEPT, ACCEPT4, CONNECT].contains(&view.event.head.kind) => ErrorClass::Net,
        None if category_of(view) == Category::Memory => return Value::Null,
        None => ErrorClass::Other,
    };
    if of_event == class { error_count(view) } else { Value::Null }
}

fn is_read(category: Category) -> bool {
    category == Category::IoRead
}

fn is_write(category: Category) -> bool {
    category == Category::IoWrite
}

fn is_file(kind: FdKind) -> bool {
    kind == FdKind::File
}

fn is_inet(kind: FdKind) -> bool {
    matches!(kind, FdKind::Ipv4Socket | FdKind::Ipv6Socket | FdKind::Ipv4Listen | FdKind::Ipv6Listen)
}

fn around<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let at: Option<u64> = match arg {
        FieldArg::Name(text) => text.parse().ok(),
        FieldArg::Index(at) => Some(u64::from(*at)),
        FieldArg::None => None,
    };
    Value::from_option(at, |at| Value::Uint(view.event.head.ts.0.abs_diff(at)))
}
