//! `evt.arg`, `evt.rawarg`, `evt.buffer`, `evt.is_open_*`, `evt.abspath`: fields read from an event's arguments.

use bstr::ByteSlice;
use tracehound_formats::event::kind::{ArgType, Category, KindId};
use tracehound_formats::event::{Arg, pseudo, syscalls};
use tracehound_formats::section::FdKind;

use crate::evt::category_of;
use crate::field::FieldArg;
use crate::subject::OpenKey;
use crate::value::Value;
use crate::view::View;
use crate::{path, render};

// Bits of the `file_flags` table.
pub(crate) const O_RDONLY: u64 = 0x1;
pub(crate) const O_WRONLY: u64 = 0x2;
const O_CREAT: u64 = 0x4;
const O_TMPFILE: u64 = 0x2000;
const O_F_CREATED: u64 = 0x4000;
/// Any of the three execute bits of a mode.
const ANY_X: u64 = 0o111;

/// Position of an argument of this event that the field's argument names.
fn position(view: &View<'_>, arg: &FieldArg) -> Option<usize> {
    let kind = view.event.head.kind.get()?;
    match arg {
        FieldArg::Index(i) => Some(*i as usize).filter(|&i| kind.args.get(i).is_some_and(|spec| !spec.is_extra)),
        FieldArg::Name(name) => kind.args.iter().position(|spec| spec.name == name && !spec.is_extra),
        FieldArg::None => None,
    }
}

pub(crate) fn arg<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    Value::from_option(position(view, arg).and_then(|i| render::arg(view, i)), Value::Str)
}

/// Flags and modes, whose text is made from a number and the kind alone.
pub(crate) fn arg_key(view: &View<'_>, arg: &FieldArg) -> Option<u64> {
    use ArgType::*;
    let kind = view.event.head.kind;
    let position = position(view, arg)?;
    let is_of_number = matches!(
        kind.get()?.args[position].ty,
        Flags8(_) | Flags16(_) | Flags32(_) | Enum8(_) | Enum16(_) | Enum32(_) | Mode(_)
    );
    match view.event.arg(position) {
        Arg::Int(v) if is_of_number && v < 1 << 48 => Some(u64::from(kind.0) << 48 | v),
        _ => None,
    }
}

pub(crate) fn all<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    if view.event.head.kind.is_generic() {
        return Value::str("");
    }
    Value::owned(render::all_args(view))
}

pub(crate) fn raw<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let Some(i) = position(view, arg) else { return Value::Null };
    let Some(spec) = view.event.head.kind.get().and_then(|kind| kind.args.get(i)) else { return Value::Null };
    let is_text = matches!(spec.ty, ArgType::Str | ArgType::Path | ArgType::RelPath { .. });
    match view.event.arg(i) {
        // Falco keeps an empty text as the text `<NA>`, and an empty number as nothing.
        Arg::Absent | Arg::Empty if is_text => Value::str("<NA>"),
        Arg::Absent | Arg::Empty | Arg::Malformed(_) => Value::Null,
        Arg::Int(v) if spec.ty.is_signed() => Value::Int(v as i64),
        Arg::Int(v) => Value::Uint(v),
        Arg::Bytes(text) if is_text => Value::str(text),
        Arg::Bytes(bytes) if bytes.is_empty() => Value::Null,
        Arg::Bytes(bytes) => Value::Bytes(bytes.as_bytes().into()),
    }
}

pub(crate) fn buffer<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let Some(i) = view.event.head.kind.get().and_then(|kind| kind.arg_index("data")) else { return Value::Null };
    match view.event.arg(i) {
        Arg::Bytes(bytes) | Arg::Malformed(bytes) => Value::Bytes(bytes.as_bytes().into()),
        Arg::Empty | Arg::Absent => Value::Bytes((&[][..]).into()),
        Arg::Int(_) => Value::Null,
    }
}

/// Bytes moved by an input or output call on a known descriptor that both tests accept.
pub(crate) fn length<'a>(view: &View<'a>, call: fn(Category) -> bool, kind: fn(FdKind) -> bool) -> Value<'a> {
    let category = category_of(view);
    let is_io = matches!(category, Category::IoRead | Category::IoWrite | Category::IoOther);
    if !is_io || !call(category) || !view.file().is_some_and(|file| kind(file.kind)) {
        return Value::Null;
    }
    Value::from_option(view.event.ret().and_then(|ret| u64::try_from(ret).ok()), Value::Uint)
}

/// Positions of flags and mode in the calls that open files.
fn open_positions(kind: KindId) -> Option<(usize, Option<usize>)> {
    match kind {
        syscalls::OPEN => Some((2, Some(3))),
        syscalls::OPENAT | syscalls::OPENAT2 => Some((3, Some(4))),
        syscalls::OPEN_BY_HANDLE_AT => Some((2, None)),
        _ => None,
    }
}

/// Flags of a call that opens a file; 0 for all others.
pub(crate) fn open_flags(view: &View<'_>) -> u64 {
    open_positions(view.event.head.kind).and_then(|(flags, _)| view.event.arg(flags).uint()).unwrap_or(0)
}

pub(crate) fn open_flags_key(view: &View<'_>, _: &FieldArg) -> Option<u64> {
    Some(open_flags(view))
}

/// What decides the fields that are marked [`crate::field::Field::told_by`], for calls that open a file by its path. The
/// file is left out where it is not known, or out of the ordinary: a path that was not in normal form, a descriptor of
/// 65536 or more.
#[inline]
pub(crate) fn open_key(view: &View<'_>) -> Option<OpenKey> {
    let kind = view.event.head.kind;
    let flags = match kind {
        syscalls::OPEN => 2,
        syscalls::OPENAT | syscalls::OPENAT2 => 3,
        _ => return None,
    };
    let flags = u32::try_from(view.event.int(flags)?).ok()?;
    Some(OpenKey { call: u64::from(kind.0) << 32 | u64::from(flags), file: opened_file_key(view) })
}

fn opened_file_key(view: &View<'_>) -> Option<u64> {
    view.fact.thread?;
    let names = view.file_names()?;
    let fd = u16::try_from(view.fact.fd?).ok()?;
    let key = (names.kind as u64) << 48 | u64::from(fd) << 32 | names.name.index() as u64;
    (names.raw_name == names.name).then_some(key)
}

pub(crate) fn is_open_exec(view: &View<'_>) -> bool {
    let mode = if view.event.head.kind == syscalls::CREAT {
        view.event.arg(2).uint()
    } else if open_flags(view) & (O_TMPFILE | O_CREAT) != 0 {
        open_positions(view.event.head.kind).and_then(|(_, mode)| mode).and_then(|mode| view.event.arg(mode).uint())
    } else {
        None
    };
    mode.unwrap_or(0) & ANY_X != 0
}

pub(crate) fn is_open_create(view: &View<'_>) -> bool {
    let flags = open_flags(view);
    flags & O_F_CREATED != 0 || (flags & O_TMPFILE != 0 && view.event.ret().is_some_and(|ret| ret >= 0))
}

pub(crate) fn abspath<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    use syscalls::*;
    if view.fact.thread.is_none() {
        return Value::Null;
    }
    let is_destination = matches!(arg, FieldArg::Name(name) if name == "dst");
    // Positions of the directory descriptor and the path.
    let (dir, name) = match view.event.head.kind {
        RENAMEAT | RENAMEAT2 | LINKAT if is_destination => (3, 4),
        RENAMEAT | RENAMEAT2 | LINKAT => (1, 2),
        SYMLINKAT => (2, 3),
        OPENAT | OPENAT2 | UNLINKAT | MKDIRAT | FCHMODAT | FCHOWNAT => (1, 2),
        OPEN_BY_HANDLE_AT => {
            return match (view.event.ret(), view.event.arg(3)) {
                (Some(fd), Arg::Bytes(name)) if fd > 0 => Value::owned(path::join(b"", name)),
                _ => Value::Null,
            };
        }
        _ => return Value::Null,
    };
    let (Some(dir), Arg::Bytes(name)) = (view.event.arg(dir).int(), view.event.arg(name)) else { return Value::Null };
    if path::is_normal(name) {
        return Value::str(name);
    }
    let mut base = render::dirfd(view, dir).into_owned();
    if base == path::UNKNOWN {
        base.push(b'/');
    }
    Value::owned(path::join(&base, name))
}

/// Value of a key in the description of a Docker event: entries `key: value` with `;` between.
pub(crate) fn infra<'a>(view: &View<'a>, key: &str) -> Value<'a> {
    if view.event.head.kind != pseudo::INFRA {
        return Value::Null;
    }
    let Arg::Bytes(description) = view.event.arg(2) else { return Value::Null };
    let entry =
        description.split_str(";").map(|entry| entry.trim_ascii()).find(|entry| entry.starts_with(key.as_bytes()));
    let Some((_, value)) = entry.and_then(|entry| entry.split_once_str(":")) else { return Value::Null };
    let value = match key {
        "ID" => &value.trim_ascii()[..value.trim_ascii().len().min(12)],
        "Image" => value.split_str("@").next().unwrap_or(value).trim_ascii(),
        _ => value.split_str(":").next().unwrap_or(value).trim_ascii(),
    };
    Value::str(value)
}
