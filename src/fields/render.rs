//! Arguments of events as text: what `evt.arg.NAME` and `evt.args` show.
//!
//! An argument has a raw text (`3`, `-2`, `4098`) and often a resolved one (`<f>/etc/passwd`, `ENOENT`,
//! `O_WRONLY|O_CLOEXEC`). `evt.arg.NAME` is the resolved one if there is one. Source of the rules:
//! `sinsp_evt::get_param_as_str` of falcosecurity/libs.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use bstr::{BStr, ByteSlice};
use tracehound_formats::Tid;
use tracehound_formats::event::addr::{PlainAddr, SockAddr, SockTuple};
use tracehound_formats::event::kind::{ArgSpec, ArgType, Base, FlagTable};
use tracehound_formats::event::names::{errno_name, signal_name};
use tracehound_formats::event::{Arg, generic};
use tracehound_formats::section::{FdKind, L4};
use tracehound_state::history::OpenFile;

use crate::lookup::attrs_of;
use crate::view::View;
use crate::{fd, path};

/// `AT_FDCWD`: the working directory in place of a descriptor.
pub(crate) const AT_FDCWD: i64 = -100;

type Text<'a> = Cow<'a, BStr>;

fn borrowed(text: &(impl AsRef<[u8]> + ?Sized)) -> Text<'_> {
    Cow::Borrowed(text.as_ref().as_bstr())
}

fn owned<'a>(text: impl Into<Vec<u8>>) -> Text<'a> {
    Cow::Owned(text.into().into())
}

/// The text of an argument as `evt.arg.NAME` shows it: resolved if it can be, else raw. `None` if this kind of
/// event has no such argument.
pub(crate) fn arg<'a>(view: &View<'a>, i: usize) -> Option<Text<'a>> {
    let spec = view.event.head.kind.get()?.args.get(i).filter(|spec| !spec.is_extra)?;
    Some(value(view, spec, view.event.arg(i)))
}

fn value<'a>(view: &View<'a>, spec: &ArgSpec, arg: Arg<'a>) -> Text<'a> {
    resolved(view, spec, arg).filter(|text| !text.is_empty()).unwrap_or_else(|| raw(view, spec, arg))
}

/// All arguments: `name=raw` or `name=raw(resolved)`, with a blank between.
pub(crate) fn all_args(view: &View<'_>) -> Vec<u8> {
    let Some(kind) = view.event.head.kind.get() else { return Vec::new() };
    // Most need no more, and growing step by step costs more than what is written.
    let mut out = Vec::with_capacity(256);
    for (i, spec) in kind.shown_args().iter().enumerate() {
        let arg = view.event.arg(i);
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(spec.name.as_bytes());
        out.push(b'=');
        put_raw(&mut out, view, spec, arg);
        let start = out.len();
        out.push(b'(');
        put_resolved(&mut out, view, spec, arg);
        if out.len() > start + 1 {
            out.push(b')');
        } else {
            out.truncate(start);
        }
    }
    out
}

/// Appends the raw text; what is not there already is written in its place.
fn put_raw(out: &mut Vec<u8>, view: &View<'_>, spec: &ArgSpec, arg: Arg<'_>) {
    match (spec.ty, arg) {
        (ty, Arg::Int(v)) => put_number(out, ty, spec.base, v),
        (ArgType::StrArray, Arg::Bytes(bytes)) => put_words(out, bytes),
        _ => out.extend_from_slice(&raw(view, spec, arg)),
    }
}

/// Appends the resolved text, if there is one.
fn put_resolved(out: &mut Vec<u8>, view: &View<'_>, spec: &ArgSpec, arg: Arg<'_>) {
    use ArgType::*;
    match (spec.ty, arg) {
        (Fd | Fd32, Arg::Int(v)) if v as i64 >= 0 => {
            if let Some(file) = view.fact.thread.and_then(|_| view.file_of(v as i64)) {
                put_file(out, view, &file);
            }
        }
        (Flags8(table) | Flags16(table) | Flags32(table), Arg::Int(v)) => put_joined(out, table.names(v as u32)),
        _ => out.extend_from_slice(&resolved(view, spec, arg).unwrap_or_default()),
    }
}

/// What Falco shows for an argument that was recorded empty, or that the recorder did not know yet.
fn empty(ty: ArgType) -> Text<'static> {
    match ty {
        ArgType::Bytes | ArgType::SockTuple | ArgType::FdList | ArgType::StrArray | ArgType::Dyn(_) => borrowed("NULL"),
        _ => borrowed("<NA>"),
    }
}

/// The type and value behind an argument whose type depends on the event.
fn dynamic<'a>(types: &'static [ArgType], bytes: &'a [u8]) -> Option<(ArgType, Arg<'a>)> {
    let (&index, rest) = bytes.split_first()?;
    let ty = *types.get(usize::from(index))?;
    let Some(width) = ty.int_width() else { return Some((ty, Arg::Bytes(rest.as_bstr()))) };
    let mut le = [0u8; 8];
    let bytes = rest.get(..usize::from(width))?;
    le[..bytes.len()].copy_from_slice(bytes);
    let unsigned = u64::from_le_bytes(le);
    let shift = 64 - 8 * u32::from(width);
    let v = if ty.is_signed() { (((unsigned << shift) as i64) >> shift) as u64 } else { unsigned };
    Some((ty, Arg::Int(v)))
}

fn raw<'a>(view: &View<'a>, spec: &ArgSpec, arg: Arg<'a>) -> Text<'a> {
    match (spec.ty, arg) {
        (ty, Arg::Absent | Arg::Empty) => empty(ty),
        (_, Arg::Malformed(bytes)) => printable(bytes),
        (ArgType::Dyn(types), Arg::Bytes(bytes)) => match dynamic(types, bytes) {
            Some((ty, arg)) => raw(view, &ArgSpec { ty, ..*spec }, arg),
            None => printable(bytes),
        },
        (ty, Arg::Int(v)) => {
            let mut out = Vec::new();
            put_number(&mut out, ty, spec.base, v);
            owned(out)
        }
        (ArgType::Bytes, Arg::Bytes(bytes)) => printable(bytes),
        (ArgType::SockAddr, Arg::Bytes(bytes)) => sock_addr(bytes),
        (ArgType::SockTuple, Arg::Bytes(bytes)) => sock_tuple(bytes),
        (ArgType::FdList, Arg::Bytes(bytes)) => fd_list(view, bytes),
        (ArgType::StrArray, Arg::Bytes(bytes)) => {
            let mut out = Vec::new();
            put_words(&mut out, bytes);
            owned(out)
        }
        (ArgType::Ipv4 | ArgType::Ipv6, Arg::Bytes(bytes)) => {
            let v4 = <[u8; 4]>::try_from(bytes.as_bytes()).map(IpAddr::from);
            let ip = v4.or_else(|_| <[u8; 16]>::try_from(bytes.as_bytes()).map(IpAddr::from));
            ip.map_or_else(|_| printable(bytes), |ip| owned(ip.to_string()))
        }
        // Falco's strings end at the first NUL.
        (_, Arg::Bytes(bytes)) => borrowed(&bytes[..bytes.find_byte(0).unwrap_or(bytes.len())]),
    }
}

/// Appends strings that end in NUL, with a dot for each but the last.
fn put_words(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    out.extend(bytes.iter().map(|&b| if b == 0 { b'.' } else { b }));
}

fn put_number(out: &mut Vec<u8>, ty: ArgType, base: Base, v: u64) {
    use ArgType::*;
    let mut decimal = itoa::Buffer::new();
    let text = match ty {
        // These are always decimal, whatever the table says of their base.
        Errno | Fd | Fd32 | Pid | Pid32 => decimal.format(v as i64),
        Flags8(_) | Flags16(_) | Flags32(_) | Enum8(_) | Enum16(_) | Enum32(_) | Signal | SyscallId => {
            decimal.format(v)
        }
        Uid | Gid if v == u64::from(u32::MAX) => "-1",
        // Falco prints ids through a signed format.
        Uid | Gid => decimal.format(v as u32 as i32),
        RelTime if v == u64::MAX => "none",
        RelTime => decimal.format(v),
        AbsTime => return out.extend_from_slice(crate::time::local_datetime(v).as_bytes()),
        SigSet => {
            let set = (0..32).filter(|bit| v & (1 << bit) != 0).filter_map(|bit| signal_name(bit + 1));
            return out.extend_from_slice(set.collect::<Vec<_>>().join(" ").as_bytes());
        }
        _ => match base {
            Base::Dec if ty.is_signed() => decimal.format(v as i64),
            Base::Dec => decimal.format(v),
            Base::Hex => {
                let width = ty.int_width().unwrap_or(8);
                let mask = if width >= 8 { u64::MAX } else { (1 << (8 * u32::from(width))) - 1 };
                return put_radix::<16>(out, v & mask);
            }
            Base::Oct if v == 0 => "0",
            Base::Oct => {
                out.push(b'0');
                return put_radix::<8>(out, v);
            }
        },
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends a number in another base than ten, with capital letters.
fn put_radix<const BASE: u64>(out: &mut Vec<u8>, mut v: u64) {
    // 64 bits are 22 octal digits.
    let (mut digits, mut start) = ([0u8; 22], 22);
    loop {
        start -= 1;
        digits[start] = b"0123456789ABCDEF"[(v % BASE) as usize];
        v /= BASE;
        if v == 0 {
            return out.extend_from_slice(&digits[start..]);
        }
    }
}

fn resolved<'a>(view: &View<'a>, spec: &ArgSpec, arg: Arg<'a>) -> Option<Text<'a>> {
    use ArgType::*;
    match (spec.ty, arg) {
        (Dyn(types), Arg::Bytes(bytes)) => {
            let (ty, arg) = dynamic(types, bytes)?;
            resolved(view, &ArgSpec { ty, ..*spec }, arg)
        }
        (Fd | Fd32, Arg::Int(v)) => descriptor(view, v as i64),
        (Pid, Arg::Int(v)) => {
            let thread = view.history.thread_by_tid(Tid(v as i64), view.seq())?;
            let image = view.history.image(attrs_of(view.history, thread, view.seq()).image);
            Some(image.comm.map_or(borrowed("<NA>"), |comm| borrowed(view.text(comm))))
        }
        (Errno, Arg::Int(v)) if (v as i64) < 0 => errno_name((v as i64).unsigned_abs()).map(borrowed),
        (Path | RelPath { .. }, Arg::Bytes(name)) => {
            if name.is_empty() || name[0] == b'/' || name == "<NA>" || view.fact.thread.is_none() {
                return None;
            }
            Some(owned(path::join(&base_dir(view, spec.ty), name)))
        }
        (Signal, Arg::Int(v)) => signal_name(v).map(borrowed),
        (SyscallId, Arg::Int(v)) => {
            let id = u16::try_from(v).ok()?;
            generic::SYSCALL_IDS.iter().find(|&&(n, _)| n == id).map(|&(_, name)| borrowed(name))
        }
        (RelTime, Arg::Int(v)) if v != u64::MAX => Some(owned(seconds(v))),
        (Flags8(table) | Flags16(table) | Flags32(table), Arg::Int(v)) => Some(joined(table.names(v as u32))),
        (Enum8(table) | Enum16(table) | Enum32(table), Arg::Int(v)) => Some(joined(table.enum_names(v as u32))),
        (Mode(table), Arg::Int(v)) => Some(joined(mode_names(table, v as u32).into_iter())),
        (Uid, Arg::Int(v)) => Some(id_name(v, |id| view.user(id).map(|user| view.text(user.name)))),
        (Gid, Arg::Int(v)) => Some(id_name(v, |id| view.group(id).map(|group| view.text(group.name)))),
        _ => None,
    }
}

/// Name of a user or group id.
fn id_name<'a>(v: u64, name: impl Fn(u32) -> Option<&'a BStr>) -> Text<'a> {
    match u32::try_from(v) {
        Ok(u32::MAX) | Err(_) => borrowed("<NONE>"),
        Ok(id) => name(id).filter(|name| !name.is_empty()).map_or(borrowed("<NA>"), borrowed),
    }
}

/// Names with `|` between; borrowed if there is only one.
fn joined<'a>(mut names: impl Iterator<Item = &'static str>) -> Text<'a> {
    let Some(first) = names.next() else { return borrowed("") };
    let Some(second) = names.next() else { return borrowed(first) };
    let mut out = Vec::new();
    put_joined(&mut out, [first, second].into_iter().chain(names));
    owned(out)
}

/// Appends names with `|` between.
fn put_joined(out: &mut Vec<u8>, names: impl Iterator<Item = &'static str>) {
    for (i, name) in names.enumerate() {
        if i > 0 {
            out.push(b'|');
        }
        out.extend_from_slice(name.as_bytes());
    }
}

/// Names of mode bits: as flags, except that a name for exactly the whole value ends the list and is shown
/// although other names already stand for its bits.
fn mode_names(table: &'static FlagTable, value: u32) -> Vec<&'static str> {
    let mut left = value;
    let mut out = Vec::new();
    for &(name, bits) in table.entries {
        if bits == value {
            out.push(name);
            break;
        }
        if bits != 0 && left & bits == bits {
            out.push(name);
            left &= !bits;
        }
    }
    out
}

/// `<f>/etc/passwd`, `<4t>1.2.3.4:5->6.7.8.9:10`; `AT_FDCWD`; the symbol of an error.
fn descriptor<'a>(view: &View<'a>, number: i64) -> Option<Text<'a>> {
    view.fact.thread?;
    if number == AT_FDCWD {
        return Some(borrowed("AT_FDCWD"));
    }
    if number < 0 {
        // Falco takes the low 32 bits.
        return errno_name(u64::from((number as i32).unsigned_abs())).map(borrowed);
    }
    let file = view.file_of(number)?;
    let mut out = Vec::new();
    put_file(&mut out, view, &file);
    Some(owned(out))
}

/// Appends what a descriptor refers to.
fn put_file(out: &mut Vec<u8>, view: &View<'_>, file: &OpenFile) {
    out.extend([b'<', fd::type_char(file.kind)]);
    out.extend(transport_char(file));
    out.push(b'>');
    out.extend_from_slice(view.text(file.name));
}

fn transport_char(file: &OpenFile) -> Option<u8> {
    use FdKind::*;
    if !matches!(file.kind, Ipv4Socket | Ipv6Socket | Ipv4Listen | Ipv6Listen) {
        return None;
    }
    match fd::transport(file) {
        L4::Tcp => Some(b't'),
        L4::Udp => Some(b'u'),
        L4::Icmp => Some(b'i'),
        L4::Raw => Some(b'r'),
        L4::Unknown | L4::NotApplicable => None,
    }
}

/// The directory that a relative path argument is relative to.
fn base_dir<'a>(view: &View<'a>, ty: ArgType) -> Text<'a> {
    let ArgType::RelPath { dirfd } = ty else { return borrowed(view.cwd()) };
    match view.event.arg(usize::from(dirfd)).int() {
        Some(AT_FDCWD) => borrowed(view.cwd()),
        Some(number) => match view.file_of(number).map(|file| view.text(file.name)) {
            // An unknown descriptor leaves the path as it is: a live engine would ask /proc.
            None => borrowed(""),
            Some(dir) => with_slash(dir),
        },
        None => borrowed(""),
    }
}

fn with_slash(dir: &BStr) -> Text<'_> {
    match dir.last() {
        None | Some(b'/') => borrowed(dir),
        Some(_) => {
            let mut dir = dir.to_vec();
            dir.push(b'/');
            owned(dir)
        }
    }
}

/// The directory in place of a `dirfd`: the working directory for `AT_FDCWD`, `<UNKNOWN>` (without separator)
/// for a descriptor that is not known.
pub(crate) fn dirfd<'a>(view: &View<'a>, number: i64) -> Text<'a> {
    if view.fact.thread.is_none() {
        return borrowed(path::UNKNOWN);
    }
    if number == AT_FDCWD {
        return borrowed(view.cwd());
    }
    match view.file_of(number) {
        None => borrowed(path::UNKNOWN),
        Some(file) => with_slash(view.text(file.name)),
    }
}

/// A buffer with a dot for every byte that is not printable ASCII; borrowed if there is none.
pub(crate) fn printable(bytes: &[u8]) -> Text<'_> {
    let is_printable = |b: &u8| (b' '..=b'~').contains(b);
    if bytes.iter().all(is_printable) {
        return borrowed(bytes);
    }
    owned(bytes.iter().map(|b| if is_printable(b) { *b } else { b'.' }).collect::<Vec<u8>>())
}

fn sock_addr(bytes: &BStr) -> Text<'_> {
    match SockAddr::decode(bytes) {
        Some(SockAddr::Inet(addr)) => owned(PlainAddr(addr).to_string()),
        Some(SockAddr::Unix(path)) => borrowed(path),
        Some(SockAddr::Other(family, _)) => owned(format!("family {family}")),
        None if bytes.is_empty() => borrowed("<NA>"),
        None => borrowed("INVALID SOCKADDR"),
    }
}

fn sock_tuple(bytes: &BStr) -> Text<'_> {
    match SockTuple::decode(bytes) {
        Some(SockTuple::Inet { src, dst }) => {
            let (src, dst) = unmapped(src, dst);
            owned(format!("{}->{}", PlainAddr(src), PlainAddr(dst)))
        }
        Some(SockTuple::Unix { src, dst, path }) => {
            let mut out = format!("{src:x}->{dst:x} ").into_bytes();
            out.extend_from_slice(path);
            owned(out)
        }
        Some(SockTuple::Other(family, _)) => owned(format!("family {family}")),
        None if bytes.is_empty() => borrowed("NULL"),
        None => borrowed("INVALID SOCKTUPLE"),
    }
}

/// IPv4 addresses that an IPv6 socket shows as mapped ones; an all-zero address counts as mapped, as in Falco.
fn unmapped(src: std::net::SocketAddr, dst: std::net::SocketAddr) -> (std::net::SocketAddr, std::net::SocketAddr) {
    let v4 = |addr: std::net::SocketAddr| match addr.ip() {
        IpAddr::V6(ip) if ip.is_unspecified() => Some(std::net::Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(ip) => ip.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    match (v4(src), v4(dst)) {
        (Some(a), Some(b)) => ((a, src.port()).into(), (b, dst.port()).into()),
        _ => (src, dst),
    }
}

/// Entries of a poll list: descriptor and flags. Stops where the bytes end.
pub(crate) fn poll_entries(bytes: &[u8]) -> impl Iterator<Item = (i64, u16)> + '_ {
    let (n, rest) = match bytes.split_first_chunk::<2>() {
        Some((n, rest)) => (usize::from(u16::from_le_bytes(*n)), rest),
        None => (0, &[][..]),
    };
    rest.chunks_exact(10).take(n).map(|entry| {
        let (fd, flags) = entry.split_at(8);
        (
            i64::from_le_bytes(fd.try_into().expect("eight bytes")),
            u16::from_le_bytes(flags.try_into().expect("two bytes")),
        )
    })
}

/// `3:p1 4:?4`: descriptor, letter of its kind, flags in hex.
fn fd_list<'a>(view: &View<'a>, bytes: &'a BStr) -> Text<'a> {
    if view.fact.thread.is_none() {
        return borrowed("");
    }
    let mut out = String::new();
    for (fd, flags) in poll_entries(bytes) {
        if !out.is_empty() {
            out.push(' ');
        }
        let letter = view.file_of(fd).map_or('?', |file| char::from(fd::type_char(file.kind)));
        let _ = write!(out, "{fd}:{letter}{flags:x}");
    }
    owned(out)
}

/// Nanoseconds as `1.5s`: six significant digits, as C's `%lg` prints them.
fn seconds(ns: u64) -> String {
    format!("{}s", general(ns as f64 / 1e9))
}

/// A number as C's `%g` prints it.
fn general(v: f64) -> String {
    if v == 0.0 {
        return "0".to_owned();
    }
    let exponential = format!("{v:.5e}");
    let (mantissa, exponent) = exponential.split_once('e').unwrap_or((&exponential, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let digits = usize::try_from(5 - exponent).unwrap_or(0);
        trim_zeros(&format!("{v:.digits$}"))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim_zeros(mantissa), exponent.abs())
    }
}

fn trim_zeros(text: &str) -> String {
    if !text.contains('.') {
        return text.to_owned();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracehound_formats::event::flags;

    #[test]
    fn numbers() {
        use ArgType::*;
        for (ty, base, v, want) in [
            (U32, Base::Oct, 0o755, "0755"),
            (U32, Base::Oct, 0, "0"),
            (U64, Base::Oct, u64::MAX, "01777777777777777777777"),
            (U32, Base::Hex, 0x1ff, "1FF"),
            (U64, Base::Hex, 0, "0"),
            (I32, Base::Hex, u64::MAX, "FFFFFFFF"),
            (I64, Base::Dec, (-5i64) as u64, "-5"),
            (Errno, Base::Hex, (-2i64) as u64, "-2"),
            (Uid, Base::Dec, 0xffff_ffff, "-1"),
            (RelTime, Base::Dec, u64::MAX, "none"),
            (SigSet, Base::Dec, 0b101, "SIGHUP SIGQUIT"),
        ] {
            let mut out = Vec::new();
            put_number(&mut out, ty, base, v);
            assert_eq!(out.as_bstr(), want, "{ty:?} {v}");
        }
        for (ns, want) in [(0, "0s"), (1_500_000_000, "1.5s"), (1_000, "1e-06s"), (123_456_789, "0.123457s")] {
            assert_eq!(seconds(ns), want);
        }
    }

    #[test]
    fn flag_names() {
        assert_eq!(joined(flags::FILE_FLAGS.names(0x1003)).as_bstr(), "O_RDWR|O_CLOEXEC");
        assert_eq!(joined(flags::SOCKET_FAMILIES.enum_names(1)).as_bstr(), "AF_LOCAL|AF_UNIX");
        assert_eq!(joined(mode_names(&flags::CHMOD_MODE, 0o755).into_iter()).split_str("|").count(), 7);
        assert_eq!(mode_names(&flags::CHMOD_MODE, 0), [""; 0]);
    }

    #[test]
    fn poll_lists_end_where_their_bytes_do() {
        assert_eq!(poll_entries(&[]).count(), 0);
        assert_eq!(poll_entries(&[255, 255, 1, 2]).count(), 0);
        let mut one = vec![9, 0];
        one.extend(7i64.to_le_bytes());
        one.extend(4u16.to_le_bytes());
        assert_eq!(poll_entries(&one).collect::<Vec<_>>(), [(7, 4)]);
    }

    #[test]
    fn buffers_are_made_printable() {
        assert_eq!(printable(b"a\n\xffb").as_bstr(), "a..b");
        assert!(matches!(printable(b"ab"), Cow::Borrowed(_)));
    }
}
