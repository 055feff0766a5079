//! What works on the kernel, on memory or on another process: `@bpf.*`, `@module.*`, `@ptrace.*`, `@mmap.*`,
//! `@mprotect.*`, `@mount.*`, `@signal.*`, `@prctl.*`, `@setsockopt.*`, `@splice.*`, `@exit.*`.

use tracehound_fields::{FieldType, Value, View, examples};
use tracehound_formats::event::kind::KindId;
use tracehound_formats::event::{pseudo, syscalls::*};

use super::activity::Activity;
use super::catalogue::{Getter, Row};
use super::signal::field;
use super::view::split;
use super::{ActivitySet, Lasts};

const KERNEL: ActivitySet = Activity::Kernel.only();
const PROCESS: ActivitySet = Activity::Process.only();
const FILE: ActivitySet = Activity::File.only();
const NETWORK: ActivitySet = Activity::Network.only();
const ARG: &str = "argument of the event";

const fn row(
    name: &'static str,
    ty: FieldType,
    activities: ActivitySet,
    get: for<'a> fn(&View<'a>) -> Value<'a>,
    doc: &'static str,
) -> Row {
    Row::new(name, ty, activities, ARG, Getter::Event(get), doc)
}

pub(super) static ROWS: &[Row] = &[
    row(
        "@bpf.cmd",
        FieldType::Str,
        KERNEL,
        |v| arg(v, &[BPF], "evt.arg.cmd"),
        "Command of bpf: `BPF_PROG_LOAD`, `BPF_MAP_CREATE`.",
    )
    .example("thread 7 pid=7 comm=bpftool\n7 bpf fd=3 cmd=BPF_PROG_LOAD", "BPF_PROG_LOAD"),
    row(
        "@module.name",
        FieldType::Str,
        KERNEL,
        |v| match v.event.head.kind {
            DELETE_MODULE => field("evt.arg.name", v),
            FINIT_MODULE => module_name(v),
            _ => Value::Null,
        },
        "Name of a module that is removed; of one that is loaded from a file the file's name up to its first dot. The \
         name of one that is loaded from memory is not in a trace.",
    )
    .example("thread 7 pid=7 comm=rmmod\n7 delete_module res=0 name=vfat flags=O_NONBLOCK", "vfat"),
    row(
        "@module.loaded_from_memory",
        FieldType::Bool,
        KERNEL,
        |v| match v.event.head.kind {
            INIT_MODULE => Value::Bool(true),
            FINIT_MODULE => Value::Bool(false),
            _ => Value::Null,
        },
        "True if a module is loaded from memory (init_module), false if from a file (finit_module).",
    )
    .example("thread 7 pid=7 comm=insmod\n7 init_module res=0 img=\"\" length=4 uargs=\"\"", "true"),
    row(
        "@module.argv",
        FieldType::Str,
        KERNEL,
        |v| words(arg(v, &[INIT_MODULE, FINIT_MODULE], "evt.arg.uargs")),
        "Parameters that a module is loaded with.",
    )
    .lasts(Lasts::Partly)
    .example("thread 7 pid=7 comm=insmod\n7 init_module res=0 img=\"\" length=4 uargs=\"a=1 b=2\"", "a=1, b=2"),
    row(
        "@ptrace.request",
        FieldType::Str,
        KERNEL,
        |v| arg(v, &[PTRACE], "evt.arg.request"),
        "Request of ptrace: `PTRACE_ATTACH`, `PTRACE_POKETEXT`.",
    )
    .example(PTRACED, "PTRACE_ATTACH"),
    row(
        "@ptrace.tracee.pid",
        FieldType::Int(64),
        KERNEL,
        |v| arg(v, &[PTRACE], "evt.rawarg.pid"),
        "Process id of the process that is traced.",
    )
    .lasts(Lasts::No("ids of processes are given anew"))
    .example(PTRACED, "9"),
    row(
        "@mmap.protection",
        FieldType::Str,
        KERNEL,
        |v| split(arg(v, &[MMAP, MMAP2], "evt.arg.prot")),
        "Protection that a mapping asks for, by name; any may match.",
    )
    .example(MAPPED, "PROT_READ, PROT_EXEC"),
    row(
        "@mmap.flags",
        FieldType::Str,
        KERNEL,
        |v| split(arg(v, &[MMAP, MMAP2], "evt.arg.flags")),
        "Flags of a mapping, by name; any may match.",
    )
    .example(MAPPED, "MAP_PRIVATE, MAP_ANONYMOUS"),
    row(
        "@mmap.length",
        FieldType::Uint(64),
        KERNEL,
        |v| arg(v, &[MMAP, MMAP2], "evt.rawarg.length"),
        "Bytes of a mapping.",
    )
    .example(MAPPED, "4096"),
    row(
        "@mprotect.req_protection",
        FieldType::Str,
        KERNEL,
        |v| split(arg(v, &[MPROTECT], "evt.arg.prot")),
        "Protection that mprotect asks for, by name; any may match.",
    )
    .example(
        "thread 7 pid=7 comm=a\n7 mprotect res=0 addr=0x1000 length=4096 prot=PROT_READ|PROT_EXEC",
        "PROT_READ, PROT_EXEC",
    ),
    row(
        "@mount.mountpoint.path",
        FieldType::Path,
        FILE,
        |v| arg(v, &[MOUNT, UMOUNT, UMOUNT2], "fs.path.target"),
        "Directory that a mount is made on. Absent if it failed.",
    )
    .lasts(Lasts::Partly)
    .example(MOUNTED, "/mnt"),
    row(
        "@mount.source.path",
        FieldType::Path,
        FILE,
        |v| arg(v, &[MOUNT], "evt.arg.dev"),
        "What is mounted: a device, a directory.",
    )
    .lasts(Lasts::Partly)
    .example(MOUNTED, "/dev/sdb1"),
    row(
        "@mount.fs_type",
        FieldType::Str,
        FILE,
        |v| arg(v, &[MOUNT], "evt.arg.type"),
        "Type of the file system that is mounted.",
    )
    .example(MOUNTED, "ext4"),
    row(
        "@signal.type",
        FieldType::Str,
        PROCESS,
        |v| arg(v, &[KILL, TKILL, TGKILL, pseudo::SIGNALDELIVER], "evt.arg.sig"),
        "Name of the signal that is sent: `SIGKILL`.",
    )
    .example("thread 7 pid=7 comm=kill\n7 kill res=0 pid=9 sig=SIGKILL", "SIGKILL"),
    row(
        "@signal.pid",
        FieldType::Int(64),
        PROCESS,
        |v| arg(v, &[KILL, TGKILL], "evt.rawarg.pid"),
        "Process id that the signal is sent to.",
    )
    .lasts(Lasts::No("ids of processes are given anew"))
    .example("thread 7 pid=7 comm=kill\n7 kill res=0 pid=9 sig=SIGKILL", "9"),
    row(
        "@prctl.option",
        FieldType::Str,
        PROCESS,
        |v| arg(v, &[PRCTL], "evt.arg.option"),
        "Option of prctl: `PR_SET_NAME`.",
    )
    .example(RENAMED, "PR_SET_NAME"),
    row(
        "@prctl.new_name",
        FieldType::Str,
        PROCESS,
        |v| arg(v, &[PRCTL], "evt.arg.arg2_str"),
        "Name that a thread gives itself.",
    )
    .example(RENAMED, "kworker"),
    row(
        "@setsockopt.level",
        FieldType::Str,
        NETWORK,
        |v| arg(v, &[SETSOCKOPT], "evt.arg.level"),
        "Level at which a socket's option is set: `SOL_SOCKET`.",
    )
    .example(OPTION, "SOL_SOCKET"),
    row(
        "@setsockopt.optname",
        FieldType::Str,
        NETWORK,
        |v| arg(v, &[SETSOCKOPT], "evt.arg.optname"),
        "Option of a socket that is set: `SO_REUSEADDR`.",
    )
    .example(OPTION, "SO_REUSEADDR"),
    row(
        "@exit.code",
        FieldType::Int(64),
        PROCESS,
        |v| match v.event.head.kind {
            pseudo::PROCEXIT => field("evt.rawarg.ret", v),
            _ => Value::Null,
        },
        "Exit code of a process that ends by itself.",
    )
    .example("thread 7 pid=7 comm=false\n7 procexit status=256 ret=1 sig=0 core=0 reaper_tid=1", "1"),
    row(
        "@exit.cause",
        FieldType::Str,
        PROCESS,
        |v| {
            let number = |name: &str| v.event.named(name).uint().unwrap_or(0);
            match v.event.head.kind {
                pseudo::PROCEXIT if number("core") != 0 => Value::str("COREDUMPED"),
                pseudo::PROCEXIT if number("sig") != 0 => Value::str("SIGNALED"),
                pseudo::PROCEXIT => Value::str("EXITED"),
                _ => Value::Null,
            }
        },
        "How a process ends: `EXITED`, `SIGNALED`, `COREDUMPED`.",
    )
    .example("thread 7 pid=7 comm=false\n7 procexit status=256 ret=1 sig=0 core=0 reaper_tid=1", "EXITED"),
    row(
        "@syscalls.name",
        FieldType::Str,
        ActivitySet::ALL,
        |v| field("syscall.type", v),
        "Name of the system call: `openat`. Absent for events that are none.",
    )
    .example(examples::OPEN, "openat"),
];

const PTRACED: &str = "thread 7 pid=7 comm=gdb\n7 ptrace res=0 addr=0:0 data=0:0 request=PTRACE_ATTACH pid=9";
const MAPPED: &str = "thread 7 pid=7 comm=a
7 mmap res=0x7f0000000000 vm_size=1 vm_rss=1 vm_swap=0 addr=0 length=4096 prot=PROT_READ|PROT_EXEC flags=MAP_PRIVATE|MAP_ANONYMOUS fd=-1 offset=0";
const MOUNTED: &str = "thread 7 pid=7 comm=mount cwd=/\n7 mount res=0 dev=/dev/sdb1 dir=/mnt type=ext4 flags=0";
const RENAMED: &str = "thread 7 pid=7 comm=a\n7 prctl res=0 option=PR_SET_NAME arg2_str=kworker arg2_int=0";
const OPTION: &str = "thread 7 pid=7 comm=nc
7 socket fd=3 domain=AF_INET type=1 proto=6
7 setsockopt res=0 fd=3 level=SOL_SOCKET optname=SO_REUSEADDR val=0: optlen=4";

/// A field, if the event is one of these kinds.
fn arg<'a>(view: &View<'a>, kinds: &[KindId], name: &str) -> Value<'a> {
    if kinds.contains(&view.event.head.kind) { field(name, view) } else { Value::Null }
}

fn words<'a>(value: Value<'a>) -> Value<'a> {
    super::view::parts(value, b' ')
}

fn module_name<'a>(view: &View<'a>) -> Value<'a> {
    let Value::Str(path) = field("fd.name", view) else { return Value::Null };
    let name = super::process::base_name(path.as_ref());
    let end = name.iter().position(|&b| b == b'.').unwrap_or(name.len());
    if end == 0 { Value::Null } else { Value::owned(name[..end].to_vec()) }
}
