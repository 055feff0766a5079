//! `@file.*`: the file that an event works on.

use bstr::ByteSlice;
use tracehound_fields::{FieldType, Needs, Value, View, examples, path};
use tracehound_formats::event::kind::ArgType;
use tracehound_formats::event::syscalls::*;
use tracehound_formats::section::FdKind;
use tracehound_state::history::OpenFile;

use super::activity::Activity;
use super::catalogue::{Getter, Row};
use super::process::{base_name, extension};
use super::signal::field;
use super::{ActivitySet, Lasts};

const FILE: ActivitySet = Activity::File.only().and(Activity::Kernel.only()).and(Activity::Process.only());
const PATHS: &str = "path arguments of the event; working directory; descriptor table; of an exec the executable";
const DESCRIPTOR: &str = "descriptor table; open calls";
const METADATA: &str = "a trace of system calls does not record the metadata of files";

const fn absent(name: &'static str, ty: FieldType, doc: &'static str) -> Row {
    Row::new(name, ty, FILE, "none", Getter::Never, doc).needs(Needs::NotInTrace(METADATA))
}

pub(super) static ROWS: &[Row] = &[
    Row::new(
        "@file.path",
        FieldType::Path,
        FILE,
        PATHS,
        Getter::Event(file_path),
        "Absolute path of the file: the old name of a rename, what a link points at, the executable of an exec, the \
         mount point of a mount, the file behind the descriptor of other calls. Symbolic links are not followed. Also \
         of calls that failed.",
    )
    .lasts(Lasts::Partly)
    .example(examples::OPEN, "/home/alice/run.sh"),
    Row::new(
        "@file.name",
        FieldType::Str,
        FILE,
        PATHS,
        Getter::Event(|view| map(file_path(view), |path| Some(base_name(path)))),
        "Last component of the file's path.",
    )
    .lasts(Lasts::Partly)
    .example(examples::OPEN, "run.sh"),
    Row::new(
        "@file.extension",
        FieldType::Str,
        FILE,
        PATHS,
        Getter::Event(|view| map(file_path(view), extension)),
        "What follows the last dot of the file's name, with the dot. Absent without one.",
    )
    .example(examples::OPEN, ".sh"),
    Row::new(
        "@file.destination.path",
        FieldType::Path,
        FILE,
        PATHS,
        Getter::Event(destination),
        "Absolute path that a rename or a link makes. Absent for other calls.",
    )
    .lasts(Lasts::Partly)
    .example(examples::RENAME, "/etc/cron.d/a"),
    Row::new(
        "@file.destination.name",
        FieldType::Str,
        FILE,
        PATHS,
        Getter::Event(|view| map(destination(view), |path| Some(base_name(path)))),
        "Last component of the path that a rename or a link makes.",
    )
    .lasts(Lasts::Partly)
    .example(examples::RENAME, "a"),
    Row::new(
        "@file.destination.mode",
        FieldType::Uint(32),
        FILE,
        "arguments of chmod and its kin",
        Getter::Event(|view| match view.event.head.kind {
            CHMOD | FCHMOD | FCHMODAT => number(view, "mode"),
            _ => Value::Null,
        }),
        "Mode that a chmod sets, as a decimal number.",
    )
    .example("thread 7 pid=7 comm=chmod cwd=/tmp\n7 chmod res=0 filename=/tmp/a mode=0755", "493"),
    Row::new(
        "@file.destination.uid",
        FieldType::Uint(32),
        FILE,
        "arguments of chown and its kin",
        Getter::Event(|view| match view.event.head.kind {
            CHOWN | LCHOWN | FCHOWN | FCHOWNAT => number(view, "uid"),
            _ => Value::Null,
        }),
        "User id that a chown makes the owner.",
    )
    .example("thread 7 pid=7 comm=chown cwd=/tmp\n7 chown res=0 path=/tmp/a uid=0 gid=5", "0"),
    Row::new(
        "@file.destination.gid",
        FieldType::Uint(32),
        FILE,
        "arguments of chown and its kin",
        Getter::Event(|view| match view.event.head.kind {
            CHOWN | LCHOWN | FCHOWN | FCHOWNAT => number(view, "gid"),
            _ => Value::Null,
        }),
        "Group id that a chown makes the owner.",
    )
    .example("thread 7 pid=7 comm=chown cwd=/tmp\n7 chown res=0 path=/tmp/a uid=0 gid=5", "5"),
    Row::new(
        "@file.inode",
        FieldType::Uint(64),
        FILE,
        DESCRIPTOR,
        Getter::Event(|view| of_file(view, |file| file.ino.filter(|&ino| ino != 0))),
        "Inode of an open file.",
    )
    .lasts(Lasts::No("a file gets a new inode when it is written anew"))
    .example(examples::OPEN, "99"),
    Row::new(
        "@file.device",
        FieldType::Uint(32),
        FILE,
        DESCRIPTOR,
        Getter::Event(|view| of_file(view, |file| file.dev.filter(|&dev| dev != 0).map(u64::from))),
        "Device that holds an open file, kernel encoding.",
    )
    .lasts(Lasts::Partly)
    .example(examples::OPEN, "64769"),
    Row::new(
        "@file.in_upper_layer",
        FieldType::Bool,
        FILE,
        DESCRIPTOR,
        Getter::Event(|view| Value::from_option(open_file(view), |file| Value::Bool(file.is_upper_layer))),
        "True if an open file lies in the upper layer of an overlay: it was not part of the container's image.",
    )
    .example(examples::OPEN, "true"),
    Row::new(
        "@file.flags",
        FieldType::Str,
        FILE,
        "argument `flags` of open and its kin",
        Getter::Event(|view| match view.event.head.kind {
            OPEN | OPENAT | OPENAT2 | OPEN_BY_HANDLE_AT => super::view::split(field("evt.arg.flags", view)),
            _ => Value::Null,
        }),
        "Flags of an open call, by name; any of them may match.",
    )
    .example(examples::OPEN, "O_CREAT, O_WRONLY, O_F_CREATED, FD_UPPER_LAYER"),
    Row::new(
        "@file.mode",
        FieldType::Uint(32),
        FILE,
        "argument `mode` of open, mkdir and mknod",
        Getter::Event(|view| match view.event.head.kind {
            OPEN | OPENAT | OPENAT2 | CREAT | MKDIR | MKDIRAT | MKNOD | MKNODAT => number(view, "mode"),
            _ => Value::Null,
        }),
        "Mode that the call gives a new file, as a decimal number. The mode of a file that exists is not in a trace.",
    )
    .example(examples::OPEN, "493"),
    absent("@file.uid", FieldType::Uint(32), "Id of the file's owner."),
    absent("@file.user", FieldType::Str, "Name of the file's owner."),
    absent("@file.gid", FieldType::Uint(32), "Id of the file's group."),
    absent("@file.group", FieldType::Str, "Name of the file's group."),
    absent("@file.filesystem", FieldType::Str, "Type of the file system that holds the file."),
    absent("@file.mount_id", FieldType::Uint(32), "Id of the mount that holds the file."),
    absent("@file.hashes", FieldType::Str, "Hashes of the file's content."),
    absent("@file.modification_time", FieldType::Str, "Last change of the file's content."),
    absent("@file.change_time", FieldType::Str, "Last change of the file's inode."),
    absent("@file.package_name", FieldType::Str, "Package that installed the file."),
];

/// The file or directory behind the descriptor of the event.
fn open_file<'a>(view: &View<'a>) -> Option<OpenFile> {
    view.file().filter(|file| matches!(file.kind, FdKind::File | FdKind::Directory | FdKind::Memfd))
}

/// True if the descriptor of the event is a file or a directory.
pub(super) fn is_file(view: &View<'_>) -> bool {
    open_file(view).is_some()
}

fn of_file<'a>(view: &View<'a>, part: fn(&OpenFile) -> Option<u64>) -> Value<'a> {
    Value::from_option(open_file(view).as_ref().and_then(part), Value::Uint)
}

fn number<'a>(view: &View<'a>, name: &str) -> Value<'a> {
    Value::from_option(view.event.named(name).uint(), |n| Value::Uint(n & 0xffff_ffff))
}

/// A part of a text.
fn map<'a>(value: Value<'a>, part: for<'b> fn(&'b bstr::BStr) -> Option<&'b bstr::BStr>) -> Value<'a> {
    match &value {
        Value::Str(std::borrow::Cow::Borrowed(text)) => Value::from_option(part(text), Value::str),
        Value::Str(std::borrow::Cow::Owned(text)) => {
            Value::from_option(part(text.as_bstr()), |text| Value::owned(text.to_vec()))
        }
        _ => Value::Null,
    }
}

fn file_path<'a>(view: &View<'a>) -> Value<'a> {
    let either = |first: &str, second: &str| match field(first, view) {
        Value::Null => field(second, view),
        found => found,
    };
    match view.event.head.kind {
        EXECVE | EXECVEAT => field("proc.exepath", view),
        // Paths relative to the working directory (`AT_FDCWD`) are known to `evt.abspath` alone.
        RENAMEAT | RENAMEAT2 => either("evt.abspath.src", "fs.path.source"),
        LINKAT => either("evt.abspath.src", "fs.path.target"),
        RENAME => field("fs.path.source", view),
        LINK | SYMLINK | SYMLINKAT | MOUNT => field("fs.path.target", view),
        OPEN | OPENAT | OPENAT2 | CREAT | OPEN_BY_HANDLE_AT => either("fd.name", "fs.path.name"),
        UMOUNT | UMOUNT2 | UNLINK | UNLINKAT | CHMOD | FCHMODAT | CHOWN | LCHOWN | FCHOWNAT | MKDIR | MKDIRAT
        | RMDIR => match either("evt.abspath", "fs.path.name") {
            Value::Null => argument(view),
            found => found,
        },
        CHDIR => match view.event.ret() {
            // Where it led is the working directory; its name as passed may be relative.
            Some(0) => map(field("proc.cwd", view), |path| Some(without_slash(path))),
            _ => field("evt.arg.path", view),
        },
        _ => match open_file(view) {
            Some(_) => field("fd.name", view),
            None => argument(view),
        },
    }
}

fn without_slash(path: &bstr::BStr) -> &bstr::BStr {
    match path.strip_suffix(b"/") {
        Some(shorter) if !shorter.is_empty() => shorter.as_bstr(),
        _ => path,
    }
}

/// The first argument that is a path, made absolute.
fn argument<'a>(view: &View<'a>) -> Value<'a> {
    let Some(kind) = view.event.head.kind.get() else { return Value::Null };
    let is_path = |ty: &ArgType| matches!(ty, ArgType::Path | ArgType::RelPath { .. });
    let Some(at) = kind.args.iter().position(|spec| is_path(&spec.ty) && !spec.is_extra) else { return Value::Null };
    let spec = &kind.args[at];
    let Some(raw) = view.event.arg(at).bytes().filter(|raw| !raw.is_empty()) else { return Value::Null };
    match spec.ty {
        _ if path::is_normal(raw) => Value::str(raw),
        _ if raw.first() == Some(&b'/') => Value::owned(path::join(b"", raw)),
        ArgType::Path => match field("proc.cwd", view) {
            Value::Str(cwd) => Value::owned(path::join(&cwd, raw)),
            _ => Value::str(raw),
        },
        // Relative to a descriptor, which the field knows.
        _ => field(&format!("evt.arg.{}", spec.name), view),
    }
}

fn destination<'a>(view: &View<'a>) -> Value<'a> {
    match view.event.head.kind {
        RENAMEAT | RENAMEAT2 | LINKAT => field("evt.abspath.dst", view),
        SYMLINKAT => field("evt.abspath", view),
        RENAME => field("fs.path.target", view),
        LINK | SYMLINK => field("fs.path.source", view),
        _ => Value::Null,
    }
}
