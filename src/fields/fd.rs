//! `fd.*`: the descriptor an event works on, or creates.
//!
//! All are absent for events that work on no descriptor (execve, rename, unlink, chmod, setuid, ...) and for
//! events without a known thread. Most `*at` calls work on their directory: there `fd.name` is the directory.

use std::borrow::Cow;
use std::net::IpAddr;

use bstr::{BStr, ByteSlice};
use tracehound_formats::event::kind::kind_flags::{CREATES_FD, DESTROYS_FD, USES_FD};
use tracehound_formats::event::{Arg, syscalls};
use tracehound_formats::section::{FdKind, L4};
use tracehound_state::FileNames;
use tracehound_state::history::OpenFile;

use crate::Family;
use crate::examples;
use crate::field::{ArgKind, ArgPolicy, Depends, Field, FieldArg, Multiplicity, Needs, NumberFormat, OpenPart, flags};
use crate::lookup::{Ends, ends};
use crate::value::{FieldType, Value};
use crate::view::View;
use crate::{path, render};

/// The family.
pub static FAMILY: Family = Family { name: "fd", doc: "The descriptor an event works on, or creates.", fields: FIELDS };

const FD: Depends = Depends::Descriptor;
const FILE: &str = "descriptor table; open calls; process list";
const SOCKET: &str = "descriptor table; connect, accept, bind and data calls; process list";
const LOCAL: &str = "descriptor table; interface list of the trace";
const DNS: &str = "names from DNS exist only while an engine runs; the analyzer opens no connection";
const FILTER: u8 = flags::FILTER_ONLY | flags::NO_RHS | flags::NO_TRANSFORMER;
const NO_TRANSFORM: u8 = flags::NO_RHS | flags::NO_TRANSFORMER;

static FIELDS: &[Field] = &[
    Field::new(
        "fd.num",
        FieldType::Int(64),
        FD,
        "arguments of the event",
        num,
        "Number of the descriptor. For a call that creates one, the new number, -1 if it failed; -100 stands for the \
         working directory. For dup and its kin the new number.",
    )
    .key(num_key)
    .told_by(OpenPart::File)
    .example(examples::OPEN, "", "3"),
    Field::new(
        "fd.type",
        FieldType::Str,
        FD,
        FILE,
        |v, _| known(v, |f| Value::str(type_name(f.kind))),
        "What the descriptor refers to: `file`, `directory`, `ipv4`, `ipv6`, `unix`, `pipe`, `event`, `signalfd`, \
         `eventpoll`, `inotify`, `timerfd`, `netlink`, `bpf`, `userfaultfd`, `io_uring`, `memfd`, `pidfd`, or the \
         text `<NA>`. Absent if the descriptor is not known.",
    )
    .example(examples::OPEN, "", "file"),
    Field::new(
        "fd.typechar",
        FieldType::Str,
        FD,
        FILE,
        |v, _| if applies(v) { letter(v) } else { Value::Null },
        "The type as a letter: `f` file, `d` directory, `4` and `6` IPv4 and IPv6 socket, `u` unix socket, `p` pipe, \
         `e` event, `s` signalfd, `l` eventpoll, `i` inotify, `t` timerfd, `n` netlink, `b` bpf, `r` io_uring, `m` \
         memfd, `P` pidfd, `o` unknown. For a descriptor that is not known (a failed call) a guess from the event: \
         `f` for openat, openat2 and creat, but `o` for open.",
    )
    .key(letter_key)
    .told_by(OpenPart::File)
    .example(examples::OPEN, "", "f"),
    Field::new(
        "fd.name",
        FieldType::Str,
        FD,
        FILE,
        name,
        "Absolute path of a file or directory (symbolic links are not followed), `client:port->server:port` of a \
         connection, `ip:port` of a listening socket, the path of a unix socket after its kernel addresses; empty for \
         what has no name (pipes, new sockets). For a failed open the path that was asked for.",
    )
    .key(name_key)
    .told_by(OpenPart::File)
    .example(examples::OPEN, "", "/home/alice/run.sh"),
    Field::new(
        "fd.directory",
        FieldType::Str,
        FD,
        FILE,
        directory,
        "Directory of a file, or the directory itself; also of a path that failed to open. Absent for what is neither.",
    )
    .key(directory_key)
    .told_by(OpenPart::File)
    .example(examples::OPEN, "", "/home/alice"),
    Field::new(
        "fd.filename",
        FieldType::Str,
        FD,
        FILE,
        filename,
        "Last component of a file's path. Absent for all but open files.",
    )
    .key(filename_key)
    .told_by(OpenPart::File)
    .example(examples::OPEN, "", "run.sh"),
    Field::new(
        "fd.ip",
        FieldType::Ip,
        FD,
        SOCKET,
        |v, _| both(v, ip),
        "Addresses of both ends of a connection: `=` holds if either end has it, `!=` if neither has. For a listening \
         socket its address. Only in conditions.",
    )
    .flags(FILTER)
    .multiplicity(Multiplicity::Ends)
    .compared(examples::CONNECT, "", "= 10.0.0.5"),
    Field::new(
        "fd.cip",
        FieldType::Ip,
        FD,
        SOCKET,
        |v, _| client(v, ip),
        "Address of the client of a connection. Absent while it is not known which end is the client.",
    )
    .example(examples::CONNECT, "", "10.0.0.5"),
    Field::new(
        "fd.sip",
        FieldType::Ip,
        FD,
        SOCKET,
        |v, _| server(v, ip),
        "Address of the server of a connection, or of a listening socket.",
    )
    .example(examples::CONNECT, "", "93.184.216.34"),
    Field::new(
        "fd.lip",
        FieldType::Ip,
        FD,
        LOCAL,
        |v, _| local(v, true, ip),
        "Address of this machine's end of a connection: the client's, if it is an address of this machine, else the \
         server's.",
    )
    .needs(Needs::Interfaces)
    .example(examples::CONNECT, "", "10.0.0.5"),
    Field::new(
        "fd.rip",
        FieldType::Ip,
        FD,
        LOCAL,
        |v, _| local(v, false, ip),
        "Address of the remote end of a connection: the other one than `fd.lip`.",
    )
    .needs(Needs::Interfaces)
    .example(examples::CONNECT, "", "93.184.216.34"),
    Field::new(
        "fd.port",
        FieldType::Port,
        FD,
        SOCKET,
        |v, _| both(v, port),
        "Ports of both ends of a connection, compared as `fd.ip`. Only in conditions.",
    )
    .flags(FILTER)
    .multiplicity(Multiplicity::Ends)
    .compared(examples::CONNECT, "", "= 443"),
    Field::new("fd.cport", FieldType::Port, FD, SOCKET, |v, _| client(v, port), "Port of the client of a connection.")
        .example(examples::CONNECT, "", "40000"),
    Field::new(
        "fd.sport",
        FieldType::Port,
        FD,
        SOCKET,
        |v, _| server(v, port),
        "Port of the server of a connection, or of a listening socket.",
    )
    .example(examples::CONNECT, "", "443"),
    Field::new(
        "fd.lport",
        FieldType::Port,
        FD,
        LOCAL,
        |v, _| local(v, true, port),
        "Port of this machine's end of a connection; see `fd.lip`.",
    )
    .needs(Needs::Interfaces)
    .example(examples::CONNECT, "", "40000"),
    Field::new(
        "fd.rport",
        FieldType::Port,
        FD,
        LOCAL,
        |v, _| local(v, false, port),
        "Port of the remote end of a connection; see `fd.rip`.",
    )
    .needs(Needs::Interfaces)
    .example(examples::CONNECT, "", "443"),
    Field::new(
        "fd.l4proto",
        FieldType::Str,
        FD,
        SOCKET,
        |v, _| known(v, |f| Value::str(transport_name(f))),
        "Transport of a socket: `tcp`, `udp`, `icmp`, `raw`; the text `<NA>` for what is no connection. Absent if the \
         descriptor is not known.",
    )
    .example(examples::CONNECT, "", "tcp"),
    Field::new(
        "fd.sockfamily",
        FieldType::Str,
        FD,
        SOCKET,
        sock_family,
        "`ip` for IPv4 and IPv6 sockets, `unix` for unix sockets; absent for everything else.",
    )
    .example(examples::CONNECT, "", "ip"),
    Field::new(
        "fd.is_server",
        FieldType::Bool,
        FD,
        LOCAL,
        is_server,
        "True for a listening socket, and for a connection whose server address belongs to this machine.",
    )
    .needs(Needs::Interfaces)
    .example(examples::CONNECT, "", "false"),
    Field::new(
        "fd.uid",
        FieldType::Str,
        FD,
        "arguments of the event",
        uid,
        "Thread id followed by the descriptor's number: tells descriptors of a trace apart.",
    )
    .example(examples::OPEN, "", "73"),
    Field::new(
        "fd.containername",
        FieldType::Str,
        FD,
        FILE,
        |v, _| in_container(v, name(v, &FieldArg::None)),
        "`container.id`, a colon, `fd.name`; nothing stands before the colon on the host.",
    )
    .example(examples::OPEN, "", ":/home/alice/run.sh"),
    Field::new(
        "fd.containerdirectory",
        FieldType::Str,
        FD,
        FILE,
        |v, _| in_container(v, directory(v, &FieldArg::None)),
        "`container.id`, a colon, `fd.directory`; nothing stands before the colon on the host.",
    )
    .example(examples::OPEN, "", ":/home/alice"),
    Field::new(
        "fd.proto",
        FieldType::Port,
        FD,
        SOCKET,
        |v, _| both(v, port),
        "The same as `fd.port`. Only in conditions.",
    )
    .flags(FILTER)
    .multiplicity(Multiplicity::Ends)
    .compared(examples::CONNECT, "", "in (80, 443)"),
    Field::new("fd.cproto", FieldType::Str, FD, SOCKET, cproto, "Port of the client as text.").example(
        examples::CONNECT,
        "",
        "40000",
    ),
    Field::new(
        "fd.sproto",
        FieldType::Str,
        FD,
        SOCKET,
        sproto,
        "Port of the server as text; empty for a listening socket.",
    )
    .example(examples::CONNECT, "", "443"),
    Field::new(
        "fd.lproto",
        FieldType::Str,
        FD,
        LOCAL,
        |v, _| as_text(local(v, true, port)),
        "Port of this machine's end as text.",
    )
    .needs(Needs::Interfaces)
    .example(examples::CONNECT, "", "40000"),
    Field::new(
        "fd.rproto",
        FieldType::Str,
        FD,
        LOCAL,
        |v, _| as_text(local(v, false, port)),
        "Port of the remote end as text.",
    )
    .needs(Needs::Interfaces)
    .example(examples::CONNECT, "", "443"),
    Field::new(
        "fd.net",
        FieldType::Net,
        FD,
        SOCKET,
        |v, _| both(v, ip),
        "As `fd.ip`, compared with networks (`10.0.0.0/8`). Only in conditions.",
    )
    .flags(FILTER)
    .multiplicity(Multiplicity::Ends)
    .compared(examples::CONNECT, "", "= 10.0.0.0/8"),
    Field::new(
        "fd.cnet",
        FieldType::Net,
        FD,
        SOCKET,
        |v, _| client(v, ip),
        "As `fd.cip`, compared with networks. Only in conditions.",
    )
    .flags(FILTER)
    .compared(examples::CONNECT, "", "= 10.0.0.0/8"),
    Field::new(
        "fd.snet",
        FieldType::Net,
        FD,
        SOCKET,
        |v, _| server(v, ip),
        "As `fd.sip`, compared with networks. Only in conditions.",
    )
    .flags(FILTER)
    .compared(examples::CONNECT, "", "in (93.184.216.0/24, 10.1.0.0/16)"),
    Field::new(
        "fd.lnet",
        FieldType::Net,
        FD,
        LOCAL,
        |v, _| local(v, true, ip),
        "As `fd.lip`, compared with networks. Only in conditions.",
    )
    .flags(FILTER)
    .needs(Needs::Interfaces)
    .compared(examples::CONNECT, "", "= 10.0.0.0/8"),
    Field::new(
        "fd.rnet",
        FieldType::Net,
        FD,
        LOCAL,
        |v, _| local(v, false, ip),
        "As `fd.rip`, compared with networks. Only in conditions.",
    )
    .flags(FILTER)
    .needs(Needs::Interfaces)
    .compared(examples::CONNECT, "", "!= 10.0.0.0/8"),
    Field::new(
        "fd.connected",
        FieldType::Bool,
        FD,
        SOCKET,
        |v, _| known(v, |f| Value::Bool(f.is_connected)),
        "True once a socket is connected or was accepted. Absent if the descriptor is not known.",
    )
    .example(examples::CONNECT, "", "true"),
    Field::new(
        "fd.name_changed",
        FieldType::Bool,
        FD,
        SOCKET,
        |v, _| known(v, |_| Value::Bool(v.fact.is_name_changed)),
        "True if this very event gave the descriptor another name: connect, bind, the first datagram to another \
         address.",
    )
    .example(examples::CONNECT, "", "true"),
    Field::absent("fd.cip.name", FieldType::Str, DNS, "Host name of the client's address.").flags(NO_TRANSFORM),
    Field::absent("fd.sip.name", FieldType::Str, DNS, "Host name of the server's address.").flags(NO_TRANSFORM),
    Field::absent("fd.lip.name", FieldType::Str, DNS, "Host name of this machine's end.").flags(NO_TRANSFORM),
    Field::absent("fd.rip.name", FieldType::Str, DNS, "Host name of the remote end.").flags(NO_TRANSFORM),
    Field::new(
        "fd.dev",
        FieldType::Int(32),
        FD,
        FILE,
        |v, _| known(v, |f| Value::Int(i64::from(f.dev.unwrap_or(0)))),
        "Device that holds the file, kernel encoding, in hex; 0 if not known.",
    )
    .format(NumberFormat::Hex)
    .example(examples::OPEN, "", "FD01"),
    Field::new(
        "fd.dev.major",
        FieldType::Int(32),
        FD,
        FILE,
        |v, _| known(v, |f| Value::Int(i64::from((f.dev.unwrap_or(0) & 0xfff00) >> 8))),
        "Major number of the device that holds the file; 0 if not known.",
    )
    .example(examples::OPEN, "", "253"),
    Field::new(
        "fd.dev.minor",
        FieldType::Int(32),
        FD,
        FILE,
        |v, _| known(v, |f| Value::Int(minor(f.dev.unwrap_or(0)))),
        "Minor number of the device that holds the file; 0 if not known.",
    )
    .example(examples::OPEN, "", "1"),
    Field::new(
        "fd.ino",
        FieldType::Int(64),
        FD,
        FILE,
        |v, _| known(v, |f| Value::Uint(f.ino.unwrap_or(0))),
        "Inode of the file; 0 if not known.",
    )
    .example(examples::OPEN, "", "99"),
    Field::new(
        "fd.nameraw",
        FieldType::Str,
        FD,
        "argument `name` of open calls",
        name_raw,
        "Path as it was passed to the open call: with `..` and symbolic links, doubled `/` removed. Empty for what \
         was not opened by path.",
    )
    .key(name_raw_key)
    .told_by(OpenPart::File)
    .example(examples::OPEN, "", "../run.sh"),
    Field::new(
        "fd.types",
        FieldType::Str,
        FD,
        "descriptor table",
        types,
        "Types (see `fd.type`) of all open descriptors of the process, each once. `[N]`: the type of descriptor N.",
    )
    .arg(ArgPolicy::Optional(ArgKind::Index))
    .flags(flags::NO_RHS)
    .multiplicity(Multiplicity::List)
    .example(examples::OPEN, "", "(file)"),
    Field::new(
        "fd.is_upper_layer",
        FieldType::Bool,
        FD,
        FILE,
        |v, _| known(v, |f| Value::Bool(f.is_upper_layer)),
        "True if the file lies in the upper layer of an overlay: in a container, it was not part of the image.",
    )
    .example(examples::OPEN, "", "true"),
    Field::new(
        "fd.is_lower_layer",
        FieldType::Bool,
        FD,
        FILE,
        |v, _| known(v, |f| Value::Bool(f.is_lower_layer)),
        "True if the file lies in a lower layer of an overlay: part of a container's image.",
    )
    .example(examples::OPEN, "", "false"),
];

/// True for events of a known thread that create, use or close a descriptor.
fn applies(view: &View<'_>) -> bool {
    view.fact.thread.is_some()
        && view.event.head.kind.get().is_some_and(|kind| kind.flags & (CREATES_FD | USES_FD | DESTROYS_FD) != 0)
}

/// The descriptor, if this kind of event has one and it is known.
fn file<'a>(view: &View<'a>) -> Option<OpenFile> {
    if applies(view) { view.file() } else { None }
}

fn known<'a>(view: &View<'a>, value: impl FnOnce(&OpenFile) -> Value<'a>) -> Value<'a> {
    Value::from_option(file(view), |file| value(&file))
}

fn num<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    Value::from_option(number(view), Value::Int)
}

fn num_key(view: &View<'_>, _: &FieldArg) -> Option<u64> {
    number(view).map(|fd| fd as u64)
}

fn number(view: &View<'_>) -> Option<i64> {
    let flags = view.event.head.kind.get()?.flags;
    if view.fact.thread.is_none() || flags & (CREATES_FD | USES_FD | DESTROYS_FD) == 0 {
        return None;
    }
    Some(match view.fact.fd {
        None => -1,
        // A call that failed to create one has -errno here; Falco shows -1.
        Some(fd) if fd < 0 && flags & (CREATES_FD | USES_FD) == CREATES_FD => -1,
        Some(fd) => fd,
    })
}

/// Word of `fd.type`.
pub(crate) fn type_name(kind: FdKind) -> &'static str {
    match kind {
        FdKind::File => "file",
        FdKind::Directory => "directory",
        FdKind::Ipv4Socket | FdKind::Ipv4Listen => "ipv4",
        FdKind::Ipv6Socket | FdKind::Ipv6Listen => "ipv6",
        FdKind::UnixSocket => "unix",
        FdKind::Pipe => "pipe",
        FdKind::Event => "event",
        FdKind::Signal => "signalfd",
        FdKind::Eventpoll => "eventpoll",
        FdKind::Inotify => "inotify",
        FdKind::Timer => "timerfd",
        FdKind::Netlink => "netlink",
        FdKind::Bpf => "bpf",
        FdKind::Userfaultfd => "userfaultfd",
        FdKind::IoUring => "io_uring",
        FdKind::Memfd => "memfd",
        FdKind::Pidfd => "pidfd",
        FdKind::Unknown | FdKind::Unsupported => "<NA>",
    }
}

/// Letter of `fd.typechar`.
pub(crate) fn type_char(kind: FdKind) -> u8 {
    type_letter(kind).as_bytes()[0]
}

fn type_letter(kind: FdKind) -> &'static str {
    match kind {
        FdKind::File => "f",
        FdKind::Directory => "d",
        FdKind::Ipv4Socket | FdKind::Ipv4Listen => "4",
        FdKind::Ipv6Socket | FdKind::Ipv6Listen => "6",
        FdKind::UnixSocket => "u",
        FdKind::Pipe => "p",
        FdKind::Event => "e",
        FdKind::Unsupported => "X",
        FdKind::Signal => "s",
        FdKind::Eventpoll => "l",
        FdKind::Inotify => "i",
        FdKind::Timer => "t",
        FdKind::Netlink => "n",
        FdKind::Bpf => "b",
        FdKind::Userfaultfd => "u",
        FdKind::IoUring => "r",
        FdKind::Memfd => "m",
        FdKind::Pidfd => "P",
        FdKind::Unknown => "o",
    }
}

fn letter<'a>(view: &View<'a>) -> Value<'a> {
    use syscalls::*;
    if let Some(file) = view.file_names() {
        return Value::str(type_letter(file.kind));
    }
    Value::str(match view.event.head.kind {
        OPENAT | OPENAT2 | CREAT => "f",
        SOCKET | ACCEPT | ACCEPT4 => "4",
        PIPE | PIPE2 => "p",
        EVENTFD | EVENTFD2 => "e",
        SIGNALFD | SIGNALFD4 => "s",
        TIMERFD_CREATE => "t",
        INOTIFY_INIT | INOTIFY_INIT1 => "i",
        _ => "o",
    })
}

fn letter_key(view: &View<'_>, _: &FieldArg) -> Option<u64> {
    Some(names(view)?.kind as u64)
}

/// The name of a descriptor that is not known, from the event's arguments; `None` if they do not have it.
fn name_from_event<'a>(view: &View<'a>, is_raw: bool) -> Option<Cow<'a, BStr>> {
    use syscalls::*;
    match view.event.head.kind {
        OPEN | CREAT | ACCEPT | ACCEPT4 | CONNECT => render::arg(view, 1),
        OPENAT | OPENAT2 => {
            let Arg::Bytes(name) = view.event.arg(2) else { return None };
            if is_raw {
                return Some(Cow::Borrowed(name));
            }
            if path::is_normal(name) {
                return Some(Cow::Borrowed(name));
            }
            let dir = render::dirfd(view, view.event.arg(1).int()?);
            Some(Cow::Owned(path::join(&dir, name).into()))
        }
        OPEN_BY_HANDLE_AT => Some(Cow::Borrowed(view.event.arg(3).bytes().unwrap_or(b"<NA>".as_bstr()))),
        _ => Some(Cow::Borrowed(b"".as_bstr())),
    }
}

/// The names of the descriptor, if this kind of event has one and it is known.
fn names(view: &View<'_>) -> Option<FileNames> {
    if applies(view) { view.file_names() } else { None }
}

fn name_key(view: &View<'_>, _: &FieldArg) -> Option<u64> {
    Some(names(view)?.name.index() as u64)
}

fn name_raw_key(view: &View<'_>, _: &FieldArg) -> Option<u64> {
    Some(names(view)?.raw_name.index() as u64)
}

fn directory_key(view: &View<'_>, _: &FieldArg) -> Option<u64> {
    let names = names(view)?;
    Some(match names.kind {
        FdKind::File => names.name.index() as u64,
        FdKind::Directory => 1 << 32 | names.name.index() as u64,
        _ => 2 << 32,
    })
}

fn filename_key(view: &View<'_>, _: &FieldArg) -> Option<u64> {
    let names = names(view)?;
    Some(if names.kind == FdKind::File { names.name.index() as u64 } else { 1 << 32 })
}

fn name<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    if !applies(view) {
        return Value::Null;
    }
    match view.file_names() {
        Some(file) => Value::str(view.text(file.name)),
        None => Value::from_option(name_from_event(view, false), Value::Str),
    }
}

fn directory<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    if !applies(view) {
        return Value::Null;
    }
    match view.file_names() {
        Some(file) => match file.kind {
            FdKind::File => Value::Str(parent_directory(Cow::Borrowed(view.text(file.name)))),
            FdKind::Directory => Value::str(view.text(file.name)),
            _ => Value::Null,
        },
        None => Value::from_option(name_from_event(view, false), |name| Value::Str(parent_directory(name))),
    }
}

/// The part before the last `/`: `/` if there is none or only the first; a path that ends in `/` stays.
fn parent_directory(name: Cow<'_, BStr>) -> Cow<'_, BStr> {
    let cut = match name.rfind_byte(b'/') {
        None | Some(0) => return Cow::Borrowed(b"/".as_bstr()),
        Some(at) if at + 1 == name.len() => return name,
        Some(at) => at,
    };
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(name[..cut].as_bstr()),
        Cow::Owned(mut name) => {
            name.truncate(cut);
            Cow::Owned(name)
        }
    }
}

fn filename<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let Some(file) = names(view).filter(|file| file.kind == FdKind::File) else { return Value::Null };
    let name = view.text(file.name);
    match name.rfind_byte(b'/') {
        None => Value::str("/"),
        Some(at) if at + 1 == name.len() => Value::str(name),
        Some(at) => Value::str(&name[at + 1..]),
    }
}

fn name_raw<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    if !applies(view) {
        return Value::Null;
    }
    let name = match view.file_names() {
        Some(file) => Some(Cow::Borrowed(view.text(file.raw_name))),
        None => name_from_event(view, true),
    };
    Value::from_option(name, |name| {
        if !name.iter().zip(name.iter().skip(1)).fold(false, |found, (&a, &b)| found | (a == b'/') & (b == b'/')) {
            return Value::Str(name);
        }
        let mut out = name.into_owned();
        out.dedup_by(|a, b| *a == b'/' && *b == b'/');
        Value::Str(Cow::Owned(out))
    })
}

fn in_container<'a>(view: &View<'a>, name: Value<'a>) -> Value<'a> {
    let Value::Str(name) = name else { return Value::Null };
    let mut out = view.container_key().to_vec();
    out.push(b':');
    out.extend_from_slice(&name);
    Value::owned(out)
}

fn uid<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    match num(view, arg) {
        Value::Int(fd) => Value::owned(format!("{}{fd}", view.event.head.tid.0)),
        _ => Value::Null,
    }
}

fn types<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    if !applies(view) {
        return Value::Null;
    }
    if let FieldArg::Index(n) = arg {
        return Value::from_option(view.file_of(i64::from(*n)), |file| Value::str(type_name(file.kind)));
    }
    let Some(process) = view.process() else { return Value::Null };
    let mut names: Vec<&'static str> = Vec::new();
    for (_, entry) in view.history.fd_tables.entries(process.fd_table().at(view.seq()), view.seq()) {
        let Some(file) = entry.file else { continue };
        let name = type_name(view.history.file(file).kind);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Value::List(names.into_iter().map(Value::str).collect())
}

type End = (IpAddr, u16);

fn ip<'a>(end: End) -> Value<'a> {
    Value::Ip(end.0)
}

fn port<'a>(end: End) -> Value<'a> {
    Value::Uint(u64::from(end.1))
}

fn both<'a>(view: &View<'a>, part: fn(End) -> Value<'a>) -> Value<'a> {
    // A descriptor without addresses is known: the field exists, but no comparison holds.
    known(view, |file| match ends(file) {
        Some(Ends::Pair { src, dst }) => Value::List(vec![part(src), part(dst)]),
        Some(Ends::One(end)) => part(end),
        None => Value::List(Vec::new()),
    })
}

/// The ends of a connection of which it is known who is the client.
fn connection(view: &View<'_>) -> Option<(End, End)> {
    let file = file(view).filter(|file| file.role.is_some())?;
    match ends(&file)? {
        Ends::Pair { src, dst } => Some((src, dst)),
        Ends::One(_) => None,
    }
}

fn client<'a>(view: &View<'a>, part: fn(End) -> Value<'a>) -> Value<'a> {
    Value::from_option(connection(view), |(src, _)| part(src))
}

fn server<'a>(view: &View<'a>, part: fn(End) -> Value<'a>) -> Value<'a> {
    match file(view).as_ref().and_then(ends) {
        Some(Ends::One(end)) => part(end),
        _ => Value::from_option(connection(view), |(_, dst)| part(dst)),
    }
}

/// The local or the remote end. The client's end is taken for local only if its address is one of this
/// machine's; if the trace lists no interfaces, that is never so.
fn local<'a>(view: &View<'a>, is_local: bool, part: fn(End) -> Value<'a>) -> Value<'a> {
    Value::from_option(connection(view), |(src, dst)| part(if view.is_local(src.0) == is_local { src } else { dst }))
}

fn as_text(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Uint(v) => Value::owned(v.to_string()),
        other => other,
    }
}

fn cproto<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    match file(view).filter(|file| file.role.is_some()) {
        None => Value::Null,
        Some(_) => match client(view, port) {
            Value::Null => Value::str(""),
            value => as_text(value),
        },
    }
}

fn sproto<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    match file(view).as_ref().and_then(ends) {
        Some(Ends::One(_)) => Value::str(""),
        _ => as_text(Value::from_option(connection(view), |(_, dst)| port(dst))),
    }
}

/// Transport of a socket as Falco shows it: a connection without known roles has none, unless it is raw.
pub(crate) fn transport(file: &OpenFile) -> L4 {
    match file.kind {
        FdKind::Ipv4Listen | FdKind::Ipv6Listen => file.l4,
        FdKind::Ipv4Socket | FdKind::Ipv6Socket if file.l4 == L4::Raw || file.role.is_some() => file.l4,
        _ => L4::NotApplicable,
    }
}

fn transport_name(file: &OpenFile) -> &'static str {
    match transport(file) {
        L4::Tcp => "tcp",
        L4::Udp => "udp",
        L4::Icmp => "icmp",
        L4::Raw => "raw",
        L4::Unknown | L4::NotApplicable => "<NA>",
    }
}

fn sock_family<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    match file(view).map(|file| file.kind) {
        Some(FdKind::Ipv4Socket | FdKind::Ipv6Socket | FdKind::Ipv4Listen | FdKind::Ipv6Listen) => Value::str("ip"),
        Some(FdKind::UnixSocket) => Value::str("unix"),
        _ => Value::Null,
    }
}

fn is_server<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    known(view, |file| {
        Value::Bool(match (file.kind, ends(file)) {
            (FdKind::Ipv4Listen | FdKind::Ipv6Listen, _) => true,
            (_, Some(Ends::Pair { dst, .. })) => view.is_local(dst.0),
            _ => false,
        })
    })
}

/// Minor number in the kernel's encoding of a device (`new_encode_dev` of Linux).
fn minor(dev: u32) -> i64 {
    i64::from((dev & 0xff) | ((dev >> 12) & 0xfff00))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories() {
        for (name, want) in [
            ("/etc/passwd", "/etc"),
            ("/passwd", "/"),
            ("passwd", "/"),
            ("", "/"),
            ("/", "/"),
            ("/etc/", "/etc/"),
            ("<UNKNOWN>a/b", "<UNKNOWN>a"),
        ] {
            assert_eq!(parent_directory(Cow::Borrowed(name.as_bytes().as_bstr())).as_bstr(), want, "{name}");
        }
    }
}
