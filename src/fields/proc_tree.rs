//! Ancestors, session and group leaders, environments: what `proc.*` asks of other processes.

use std::borrow::Cow;

use bstr::{BStr, ByteSlice};
use tracehound_formats::Tid;
use tracehound_state::ProcessId;
use tracehound_state::history::{Attrs, Image, Origin};

use crate::field::FieldArg;
use crate::lookup::{MAX_LINE, attrs_of, entries};
use crate::proc::{Part, args, blanks};
use crate::value::Value;
use crate::view::View;

/// The part of one ancestor, or of all of them without an index.
pub(crate) fn ancestors<'a>(view: &View<'a>, arg: &FieldArg, part: Part) -> Value<'a> {
    match arg {
        FieldArg::Index(n) => {
            Value::from_option(view.ancestor(*n), |process| Value::Str(part(view, &view.image_of_process(process))))
        }
        _ => all(view, |attrs| Value::Str(part(view, &view.history.image(attrs.image)))),
    }
}

/// A value of each ancestor, nearest first; absent if there is none.
fn all<'a>(view: &View<'a>, value: impl Fn(Attrs) -> Value<'a>) -> Value<'a> {
    let values: Vec<Value<'a>> = view.parent_threads().map(value).collect();
    if values.is_empty() { Value::Null } else { Value::List(values) }
}

/// The process of a state of a thread.
fn process_of(view: &View<'_>, attrs: &Attrs) -> ProcessId {
    view.history.thread(attrs.thread).process
}

pub(crate) fn apid<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let pid = |process| Value::Int(view.history.process(process).pid.0);
    match arg {
        FieldArg::Index(n) => Value::from_option(view.ancestor(*n), pid),
        _ => all(view, |attrs| pid(process_of(view, &attrs))),
    }
}

pub(crate) fn aargs<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    if let FieldArg::Index(n) = arg {
        return Value::from_option(view.ancestor(*n), |process| {
            Value::Str(args(view, &view.image_of_process(process)))
        });
    }
    let mut out: Vec<u8> = Vec::new();
    for attrs in view.parent_threads() {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(&args(view, &view.history.image(attrs.image)));
    }
    if out.is_empty() { Value::Null } else { Value::owned(out) }
}

/// The environment of a process, NUL after each entry.
fn environment<'a>(view: &View<'a>, process: ProcessId) -> &'a BStr {
    let env = view.history.process(process).env().at(view.seq());
    env.map_or(b"".as_bstr(), |sym| view.text(sym))
}

pub(crate) fn env_key(view: &View<'_>, _: &FieldArg) -> Option<u64> {
    let env = view.process()?.env().at(view.seq());
    Some(env.map_or(0, |sym| sym.index() as u64 + 1))
}

/// The value of a variable without blanks around it; `None` if it is not set or empty.
fn variable<'a>(env: &'a BStr, name: &str) -> Option<&'a BStr> {
    let value = entries(env).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        (!value.is_empty()).then_some(value)
    })?;
    Some(value.trim_with(|c| c == ' ').as_bstr())
}

pub(crate) fn env<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let Some(own) = view.fact.process else { return Value::Null };
    let env = environment(view, own);
    match arg {
        FieldArg::Name(name) => Value::str(variable(env, name).unwrap_or(b"".as_bstr())),
        // A variable's name cannot be a number; Falco shows everything.
        _ => Value::Str(blanks(env)),
    }
}

/// Bound of the search for a variable among ancestors, as in Falco.
const MAX_VARIABLE_DEPTH: usize = 20;

pub(crate) fn aenv<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let Some(own) = view.fact.process else { return Value::Null };
    let text = |process| Value::Str(blanks(environment(view, process)));
    match arg {
        FieldArg::None => all(view, |attrs| text(process_of(view, &attrs))),
        FieldArg::Index(n) => Value::from_option(view.ancestor(*n), text),
        FieldArg::Name(name) => {
            let mut above = view.history.ancestors(own, view.seq()).take(MAX_VARIABLE_DEPTH);
            let found = above.find_map(|process| variable(environment(view, process), name).filter(|v| !v.is_empty()));
            Value::str(found.unwrap_or(b"".as_bstr()))
        }
    }
}

pub(crate) fn login_shell<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let Some(own) = view.fact.process else { return Value::Null };
    let is_shell = |process: &ProcessId| {
        let comm = view.image_of_process(*process).comm;
        comm.is_some_and(|comm| view.text(comm).ends_with(b"sh"))
    };
    let line = std::iter::once(own).chain(view.history.ancestors(own, view.seq()).take(MAX_LINE));
    Value::from_option(line.filter(is_shell).last(), |process| Value::Int(view.history.process(process).pid.0))
}

/// Text of the leader of the acting thread's session or group.
///
/// Outside of pid namespaces (and always for ids of the host) it is the thread with that id. Else, or if there
/// is none, the topmost of the line of ancestors that all have the same id; empty if the parent already has
/// another one. Source: `get_oldest_matching_ancestor` of falcosecurity/libs.
pub(crate) fn leader_of<'a>(
    view: &View<'a>,
    id: fn(&Attrs) -> Option<i64>,
    is_own_namespace: bool,
    part: Part,
) -> Value<'a> {
    let (Some(attrs), Some(thread)) = (view.attrs(), view.thread()) else { return Value::Null };
    let Some(wanted) = id(&attrs).filter(|&id| id != -1) else { return Value::str("") };
    let is_in_namespace = thread.vtid().is_some_and(|vtid| vtid >= 0 && vtid != thread.tid.0);
    if !(is_own_namespace && is_in_namespace)
        && let Some(leader) = view.history.thread_by_tid(Tid(wanted), view.seq())
    {
        let image = view.history.image(attrs_of(view.history, leader, view.seq()).image);
        return Value::Str(part(view, &image));
    }
    let topmost = view.parent_threads().take_while(|attrs| id(attrs).unwrap_or(-1) == wanted).last();
    let text = topmost.map(|attrs| part(view, &view.history.image(attrs.image)));
    Value::Str(text.unwrap_or(Cow::Borrowed(b"".as_bstr())))
}

/// Birth of a process's main thread.
pub(crate) fn start_of(view: &View<'_>, process: ProcessId) -> Option<u64> {
    let leader = view.history.process(process).leader();
    view.history.thread(leader).start_ns().map(|at| at.0).filter(|&at| at != 0)
}

/// The process that loaded the acting thread's image, and the image: the process itself, or an ancestor by
/// birth if the image is inherited. `None` for an image of the snapshot.
fn loader<'a>(view: &View<'a>) -> Option<(ProcessId, Image)> {
    let mut process = view.fact.process?;
    let mut image = view.image()?;
    let wanted = (image.ino, image.ctime);
    for _ in 0..MAX_BIRTHS {
        let row = view.history.process(process);
        if image.is_exec && image.from >= row.born {
            return Some((process, image));
        }
        if row.origin != Origin::Birth {
            return None;
        }
        process = row.birth_parent()?;
        image = view.history.image(view.history.leader_attrs(process, row.born).image);
        if (image.ino, image.ctime) != wanted {
            return None;
        }
    }
    None
}

/// Births without an exec that [`loader`] looks back over.
const MAX_BIRTHS: usize = 1024;

pub(crate) fn ctime_before_start<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let duration = || {
        let (process, image) = loader(view)?;
        // Unsigned, as in Falco: a file that changed after the birth gives a huge number.
        Some(start_of(view, process)?.wrapping_sub(image.ctime?)).filter(|&duration| duration != 0)
    };
    Value::from_option(duration(), Value::Uint)
}

pub(crate) fn ctime_after_pidns<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let duration = || {
        let image = view.image()?;
        let start = view.attrs()?.pidns_init_start_ns.filter(|&at| at != 0)?;
        image.ctime?.checked_sub(start).filter(|&duration| duration != 0)
    };
    Value::from_option(duration(), Value::Uint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables() {
        let env = b"PATH=/bin\0HOME= /root \0EMPTY=\0BLANK=  \0PATHX=1\0".as_bstr();
        for (name, want) in [
            ("PATH", Some("/bin")),
            ("HOME", Some("/root")),
            ("EMPTY", None),
            ("BLANK", Some("")),
            ("PAT", None),
            ("", None),
        ] {
            assert_eq!(variable(env, name), want.map(|v| v.as_bytes().as_bstr()), "{name}");
        }
    }
}
