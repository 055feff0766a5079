//! `fs.path.*`: the paths that a successful file system call works on, whether or not it opens them.

use std::borrow::Cow;

use bstr::{BStr, ByteSlice};
use tracehound_formats::event::{Arg, syscalls};
use tracehound_formats::section::FdKind;

use crate::Family;
use crate::examples;
use crate::field::{Depends, Field};
use crate::value::{FieldType, Value};
use crate::view::View;
use crate::{path, render};

/// The family.
pub static FAMILY: Family =
    Family { name: "fs.path", doc: "The paths that a successful file system call works on.", fields: FIELDS };

const ARGS: Depends = Depends::Args;
const SOURCE: &str = "path arguments of the event; working directory";
const RAW: &str = "path arguments of the event";

static FIELDS: &[Field] = &[
    Field::new(
        "fs.path.name",
        FieldType::Str,
        ARGS,
        SOURCE,
        |v, _| get(v, Which::Name, false),
        "Absolute path of a call with one path: open, openat, openat2, mkdir, mkdirat, rmdir, unlink, unlinkat, \
         chmod, fchmod, fchmodat, chown, lchown, fchown, fchownat, quotactl, umount, umount2. Absent if the call \
         failed (an open counts as failed only if it returned -1, EPERM).",
    )
    .example(examples::OPEN, "", "/home/alice/run.sh"),
    Field::new(
        "fs.path.nameraw",
        FieldType::Str,
        ARGS,
        RAW,
        |v, _| get(v, Which::Name, true),
        "The same path as it was passed.",
    )
    .example(examples::OPEN, "", "../run.sh"),
    Field::new(
        "fs.path.source",
        FieldType::Str,
        ARGS,
        SOURCE,
        |v, _| get(v, Which::Source, false),
        "Absolute path of the old name of rename, renameat, renameat2; of the new name of link, linkat, symlink, \
         symlinkat; the device of mount. Absent if the call failed.",
    )
    .example(examples::RENAME, "", "/tmp/a"),
    Field::new(
        "fs.path.sourceraw",
        FieldType::Str,
        ARGS,
        RAW,
        |v, _| get(v, Which::Source, true),
        "The same path as it was passed.",
    )
    .example(examples::RENAME, "", "a"),
    Field::new(
        "fs.path.target",
        FieldType::Str,
        ARGS,
        SOURCE,
        |v, _| get(v, Which::Target, false),
        "Absolute path of the new name of rename, renameat, renameat2; of what link, linkat, symlink, symlinkat point \
         at; the directory of mount and move_mount. Absent if the call failed.",
    )
    .example(examples::RENAME, "", "/etc/cron.d/a"),
    Field::new(
        "fs.path.targetraw",
        FieldType::Str,
        ARGS,
        RAW,
        |v, _| get(v, Which::Target, true),
        "The same path as it was passed.",
    )
    .example(examples::RENAME, "", "/etc/cron.d/a"),
];

#[derive(Clone, Copy, PartialEq)]
enum Which {
    Name,
    Source,
    Target,
}

/// Where the path stands.
enum At {
    /// In this argument.
    Arg(usize),
    /// It is the name of the descriptor.
    Descriptor,
}

fn at(view: &View<'_>, which: Which) -> Option<At> {
    use Which::*;
    use syscalls::*;
    let at = match (view.event.head.kind, which) {
        (MKDIR | RMDIR | UNLINK | CHMOD | CHOWN | LCHOWN | QUOTACTL | UMOUNT | UMOUNT2 | OPEN, Name) => At::Arg(1),
        (MKDIRAT | UNLINKAT | OPENAT | OPENAT2 | FCHMODAT | FCHOWNAT, Name) => At::Arg(2),
        (FCHMOD | FCHOWN, Name) => At::Descriptor,
        (RENAME, Source) | (LINK, Target) | (SYMLINK, Target) | (MOUNT, Source) => At::Arg(1),
        (RENAME, Target) | (LINK, Source) | (SYMLINK, Source) | (MOUNT, Target) => At::Arg(2),
        (RENAMEAT | RENAMEAT2, Source) | (LINKAT, Target) => At::Arg(2),
        (RENAMEAT | RENAMEAT2, Target) | (LINKAT, Source) => At::Arg(4),
        (SYMLINKAT, Target) => At::Arg(1),
        (SYMLINKAT, Source) => At::Arg(3),
        // Falco, which knows it by number only, has no path of it.
        (MOVE_MOUNT, Source) => At::Arg(2),
        (MOVE_MOUNT, Target) => At::Arg(4),
        _ => return None,
    };
    Some(at)
}

fn get<'a>(view: &View<'a>, which: Which, is_raw: bool) -> Value<'a> {
    use syscalls::*;
    let kind = view.event.head.kind;
    let Some(at) = at(view, which) else { return Value::Null };
    let is_open = matches!(kind, OPEN | OPENAT | OPENAT2);
    match view.event.ret() {
        Some(-1) if is_open => return Value::Null,
        Some(ret) if ret != 0 && !is_open => return Value::Null,
        None => return Value::Null,
        Some(_) => {}
    }
    let raw: &'a BStr = match at {
        At::Arg(i) => match view.event.arg(i) {
            Arg::Bytes(name) => name[..name.find_byte(0).unwrap_or(name.len())].as_bstr(),
            Arg::Absent | Arg::Empty => b"<NA>".as_bstr(),
            Arg::Int(_) | Arg::Malformed(_) => return Value::Null,
        },
        // A descriptor that is not known has an empty name.
        At::Descriptor if view.fact.thread.is_none() => return Value::Null,
        At::Descriptor => view.file().map_or(b"".as_bstr(), |file| view.text(file.name)),
    };
    if is_raw {
        return Value::str(raw);
    }
    if view.fact.thread.is_none() {
        return Value::Null;
    }
    if path::is_normal(raw) {
        return Value::str(raw);
    }
    if raw.first() == Some(&b'/') {
        return Value::owned(path::join(b"", raw));
    }
    let unknown = || Cow::Borrowed(path::UNKNOWN.as_bstr());
    let dir: Cow<'a, BStr> = match (kind, which) {
        (OPENAT | OPENAT2, _) => {
            let name = view.file().map_or(path::UNKNOWN.as_bstr(), |file| view.text(file.name));
            return Value::owned(path::join(b"", name));
        }
        (FCHOWNAT | FCHMODAT | MKDIRAT | UNLINKAT, _) | (SYMLINKAT, Which::Source) => directory(view),
        (SYMLINKAT, _) => unknown(),
        (RENAMEAT2 | MOVE_MOUNT, Which::Target) => {
            view.event.arg(3).int().map_or_else(unknown, |fd| render::dirfd(view, fd))
        }
        (RENAMEAT2 | MOVE_MOUNT, _) => view.event.arg(1).int().map_or_else(unknown, |fd| render::dirfd(view, fd)),
        _ => Cow::Borrowed(view.cwd()),
    };
    Value::owned(path::join(&dir, raw))
}

/// Name of the event's descriptor if it is a directory, with a trailing `/`. `AT_FDCWD` is no descriptor and so
/// unknown here, as in Falco.
fn directory<'a>(view: &View<'a>) -> Cow<'a, BStr> {
    let Some(file) = view.file().filter(|file| file.kind == FdKind::Directory) else {
        return Cow::Borrowed(path::UNKNOWN.as_bstr());
    };
    let name = view.text(file.name);
    if name.is_empty() || name.ends_with(b"/") {
        return Cow::Borrowed(name);
    }
    let mut name = name.to_owned();
    name.push(b'/');
    Cow::Owned(name)
}
