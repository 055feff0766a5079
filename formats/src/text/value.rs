//! Arguments of events as text, by their type.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use bstr::{BStr, ByteSlice};

use super::lex::{Fault, Parsed, Token, parse_number, put_hex, put_quoted, put_text};
use super::time;
use crate::event::addr::{SockAddr, SockTuple};
use crate::event::kind::{ArgSpec, ArgType, Base, FlagTable};
use crate::event::{Arg, flags, generic, names};

/// `AT_FDCWD`: the working directory where a descriptor is asked for.
const AT_FDCWD: i64 = -100;

/// An argument as it was read; its bytes are its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Absent,
    Empty,
    Int(u64),
    Bytes(Vec<u8>),
    Malformed(Vec<u8>),
}

impl Value {
    pub(crate) fn as_arg(&self) -> Arg<'_> {
        match self {
            Value::Absent => Arg::Absent,
            Value::Empty => Arg::Empty,
            Value::Int(v) => Arg::Int(*v),
            Value::Bytes(b) => Arg::Bytes(b.as_bstr()),
            Value::Malformed(b) => Arg::Malformed(b.as_bstr()),
        }
    }
}

/// Appends a value after its `name=`. `spec` is absent for an argument that its kind does not name, `is_result`
/// tells the return value of a system call, where small negative numbers are errors.
pub(crate) fn put_arg(arg: Arg<'_>, spec: Option<&ArgSpec>, is_result: bool, out: &mut String) {
    match arg {
        Arg::Absent => out.push('?'),
        Arg::Empty => {}
        Arg::Malformed(bytes) => {
            out.push('!');
            put_raw(bytes, out);
        }
        Arg::Int(v) => match spec {
            Some(spec) if spec.ty.int_width().is_some() => put_int(v, spec, is_result, out),
            Some(_) => write!(out, "int:{v}").expect("writing to a string"),
            None => write!(out, "{v}").expect("writing to a string"),
        },
        Arg::Bytes(bytes) => match spec {
            Some(spec) if spec.ty.int_width().is_none() => put_bytes(bytes, spec, out),
            _ => put_raw(bytes, out),
        },
    }
}

/// Reads what stands after `name=`.
pub(crate) fn read_arg(token: Token<'_>, spec: Option<&ArgSpec>) -> Parsed<Value> {
    let is_int = spec.is_none_or(|spec| spec.ty.int_width().is_some());
    Ok(match token.bytes {
        b"" => Value::Empty,
        b"?" => Value::Absent,
        [b'!', ..] => Value::Malformed(token.skip(1).text()?),
        [b'"', ..] | [b'x', b'"', ..] => Value::Bytes(token.text()?),
        [b'i', b'n', b't', b':', ..] => Value::Int(wrapped(token.skip(4).number()?)),
        _ if is_int => Value::Int(match spec {
            Some(spec) => read_int(token, spec)?,
            None => wrapped(token.number()?),
        }),
        _ => Value::Bytes(read_bytes(token, spec.map_or(ArgType::Bytes, |spec| spec.ty))?),
    })
}

/// Always quoted or hexadecimal: cannot be taken for a value of any type.
fn put_raw(bytes: &[u8], out: &mut String) {
    if bytes.is_utf8_like() { put_quoted(bytes, out) } else { put_hex(bytes, out) }
}

trait Utf8Like {
    fn is_utf8_like(&self) -> bool;
}

impl Utf8Like for [u8] {
    /// True if quoting would show it as text.
    fn is_utf8_like(&self) -> bool {
        self.to_str().is_ok_and(|text| !text.chars().any(|c| c.is_control() && !"\n\r\t\0".contains(c)))
    }
}

/// The 64 bits that stand for a number: two's complement if negative.
fn wrapped(n: i128) -> u64 {
    n as u64
}

fn put_int(v: u64, spec: &ArgSpec, is_result: bool, out: &mut String) {
    use ArgType::*;
    let signed = v as i64;
    let written = match spec.ty {
        Fd | Fd32 if signed == AT_FDCWD && !is_result => {
            out.push_str("AT_FDCWD");
            Ok(())
        }
        Errno | Fd | Fd32 | Pid | Pid32 if signed < 0 && (is_result || matches!(spec.ty, Errno)) => {
            match names::errno_name(signed.unsigned_abs()) {
                Some(name) => write!(out, "{name}"),
                None => write!(out, "{signed}"),
            }
        }
        ty if ty.is_signed() => write!(out, "{signed}"),
        Signal => match names::signal_name(v) {
            Some(name) => write!(out, "{name}"),
            None => write!(out, "{v}"),
        },
        Mode(_) => put_octal(v, out),
        Flags8(table) | Flags16(table) | Flags32(table) => {
            put_flags(v, table, out);
            Ok(())
        }
        Enum8(table) | Enum16(table) | Enum32(table) => {
            match u32::try_from(v).ok().and_then(|v| table.enum_names(v).next()) {
                Some(name) => write!(out, "{name}"),
                None => write!(out, "{v}"),
            }
        }
        SyscallId => match syscall_name(v) {
            Some(name) => write!(out, "{name}"),
            None => write!(out, "{v}"),
        },
        RelTime if v == u64::MAX => write!(out, "none"),
        Uid | Gid if v == u64::from(u32::MAX) => write!(out, "-1"),
        SigSet => write!(out, "{v:#x}"),
        _ => match spec.base {
            Base::Dec => write!(out, "{v}"),
            Base::Hex => write!(out, "{v:#x}"),
            Base::Oct => put_octal(v, out),
        },
    };
    written.expect("writing to a string");
}

fn put_octal(v: u64, out: &mut String) -> std::fmt::Result {
    if v == 0 { write!(out, "0") } else { write!(out, "0{v:o}") }
}

fn syscall_name(id: u64) -> Option<&'static str> {
    generic::SYSCALL_IDS.iter().find(|&&(n, _)| u64::from(n) == id).map(|&(_, name)| name)
}

/// Appends the names of the bits that are set, then the bits without a name; a number if nothing has a name.
pub(crate) fn put_flags(v: u64, table: &FlagTable, out: &mut String) {
    let start = out.len();
    let mut left = v;
    if let Ok(narrow) = u32::try_from(v) {
        for name in table.names(narrow) {
            if out.len() > start {
                out.push('|');
            }
            out.push_str(name);
            left &= !u64::from(table.value(name).unwrap_or(0));
        }
    }
    if left != 0 || out.len() == start {
        let separator = if out.len() > start { "|" } else { "" };
        let written = if left == 0 { write!(out, "0") } else { write!(out, "{separator}{left:#x}") };
        written.expect("writing to a string");
    }
}

/// Reads names and numbers joined by `|`.
pub(crate) fn read_flags(token: Token<'_>, table: &FlagTable) -> Parsed<u64> {
    let mut value = 0;
    let mut rest = Some(token);
    while let Some(current) = rest {
        let (word, tail) = match current.split_once("|") {
            Some((word, tail)) => (word, Some(tail)),
            None => (current, None),
        };
        value |= match table.value(word.word()) {
            Some(bits) => u64::from(bits),
            None => word.number().map(wrapped).map_err(|_| no_name(word, table))?,
        };
        rest = tail;
    }
    Ok(value)
}

fn no_name(word: Token<'_>, table: &FlagTable) -> Fault {
    let names: Vec<_> = table.entries.iter().map(|&(name, _)| name).collect();
    word.fault(format!("`{}` is neither a number nor one of {}", word.shown(), names.join(", ")))
}

fn read_int(token: Token<'_>, spec: &ArgSpec) -> Parsed<u64> {
    use ArgType::*;
    let word = token.word();
    match spec.ty {
        Fd | Fd32 if word == "AT_FDCWD" => return Ok(AT_FDCWD as u64),
        Errno | Fd | Fd32 | Pid | Pid32 if word.starts_with(['E', '-']) => {
            if let Some(errno) = names::errno_value(word.trim_start_matches('-')) {
                return Ok((-i64::from(errno)) as u64);
            }
        }
        Signal => {
            if let Some(signal) = names::signal_value(word) {
                return Ok(u64::from(signal));
            }
        }
        Flags8(table) | Flags16(table) | Flags32(table) => return read_flags(token, table),
        Enum8(table) | Enum16(table) | Enum32(table) => {
            if let Some(value) = table.value(word) {
                return Ok(u64::from(value));
            }
            if parse_number(token.bytes).is_none() {
                return Err(no_name(token, table));
            }
        }
        SyscallId => {
            if let Some(&(id, _)) = generic::SYSCALL_IDS.iter().find(|&&(_, name)| name == word) {
                return Ok(u64::from(id));
            }
        }
        RelTime | AbsTime => {
            if word == "none" {
                return Ok(u64::MAX);
            }
            if let Some(time) = time::parse_instant(word).or_else(|| time::parse_duration(word)) {
                return Ok(time);
            }
        }
        Mode(_) => return read_octal(token),
        _ if spec.base == Base::Oct => return read_octal(token),
        _ => {}
    }
    let n = token.number()?;
    if n >= 0 || spec.ty.is_signed() {
        return Ok(wrapped(n));
    }
    // -1 of an unsigned type means all its bits, in its own width.
    let bits = u32::from(spec.ty.int_width().unwrap_or(8)) * 8;
    Ok(wrapped(n) & (u64::MAX >> (64 - bits)))
}

/// Digits are octal with or without a leading zero: `mode=644` can mean nothing else to its writer.
fn read_octal(token: Token<'_>) -> Parsed<u64> {
    let word = token.word();
    if word.starts_with("0x") || word.starts_with("0o") {
        return token.u64();
    }
    let is_octal = !word.is_empty() && word.bytes().all(|b| matches!(b, b'0'..=b'7'));
    let value = if is_octal { u64::from_str_radix(word, 8).ok() } else { None };
    value.ok_or_else(|| token.fault(format!("expected octal digits, found `{}`", token.shown())))
}

fn put_bytes(bytes: &[u8], spec: &ArgSpec, out: &mut String) {
    let start = out.len();
    let is_written = match spec.ty {
        ArgType::SockAddr => SockAddr::decode(bytes).is_some_and(|addr| put_sock_addr(&addr, out)),
        ArgType::SockTuple => SockTuple::decode(bytes).is_some_and(|tuple| put_sock_tuple(&tuple, out)),
        ArgType::FdList => put_fd_list(bytes, out).is_some(),
        ArgType::Dyn(types) => put_dynamic(bytes, types, spec, out).is_some(),
        ArgType::Ipv4 => <[u8; 4]>::try_from(bytes).map(|ip| write!(out, "{}", Ipv4Addr::from(ip))).is_ok(),
        ArgType::Ipv6 => <[u8; 16]>::try_from(bytes).map(|ip| write!(out, "{}", Ipv6Addr::from(ip))).is_ok(),
        ArgType::StrArray => put_str_list(bytes, out),
        ArgType::Bytes if matches!(spec.name, "args" | "env" | "cgroups") => put_str_list(bytes, out),
        ArgType::Bytes => {
            put_raw(bytes, out);
            return;
        }
        _ => {
            put_text(bytes, out);
            return;
        }
    };
    // The readable form must give back exactly these bytes; what it cannot hold (a wrong length, bytes after a
    // path's NUL) is written raw.
    let line = &out.as_bytes()[start..];
    let is_exact = is_written && read_bytes(Token { column: 1, bytes: line }, spec.ty).is_ok_and(|read| read == bytes);
    if !is_exact {
        out.truncate(start);
        match spec.ty {
            ArgType::StrArray | ArgType::Bytes => put_raw(bytes, out),
            _ => put_hex(bytes, out),
        }
    }
}

/// Bytes of a type of variable length from its readable form.
fn read_bytes(token: Token<'_>, ty: ArgType) -> Parsed<Vec<u8>> {
    match ty {
        _ if matches!(token.bytes, [b'"', ..] | [b'x', b'"', ..]) => token.text(),
        ArgType::SockAddr => read_sock_addr(token),
        ArgType::SockTuple => read_sock_tuple(token),
        ArgType::FdList => read_fd_list(token),
        ArgType::Dyn(types) => read_dynamic(token, types),
        ArgType::Ipv4 => {
            let ip: Option<Ipv4Addr> = token.word().parse().ok();
            ip.map(|ip| ip.octets().to_vec()).ok_or_else(|| token.fault("expected an IPv4 address"))
        }
        ArgType::Ipv6 => {
            let ip: Option<Ipv6Addr> = token.word().parse().ok();
            ip.map(|ip| ip.octets().to_vec()).ok_or_else(|| token.fault("expected an IPv6 address"))
        }
        _ if token.bytes.starts_with(b"[") => read_str_list(token),
        _ => token.text(),
    }
}

/// Appends `["a","b"]` for strings that are each followed by a NUL; false if the bytes are not of this form.
pub(crate) fn put_str_list(bytes: &[u8], out: &mut String) -> bool {
    let Some(strings) = bytes.strip_suffix(b"\0") else { return false };
    for (i, string) in strings.split(|&b| b == 0).enumerate() {
        out.push(if i == 0 { '[' } else { ',' });
        put_quoted(string, out);
    }
    out.push(']');
    true
}

/// The strings of a list, each followed by a NUL.
pub(crate) fn read_str_list(token: Token<'_>) -> Parsed<Vec<u8>> {
    let mut out = Vec::new();
    for element in token.list()? {
        out.extend(element.text()?);
        out.push(0);
    }
    Ok(out)
}

fn put_sock_addr(addr: &SockAddr<'_>, out: &mut String) -> bool {
    match addr {
        SockAddr::Inet(addr) => write!(out, "{addr}").is_ok(),
        SockAddr::Unix(path) => {
            out.push_str("unix:");
            put_text(path, out);
            true
        }
        SockAddr::Other(family, bytes) => put_family(*family, bytes, out),
    }
}

fn put_family(family: u8, bytes: &[u8], out: &mut String) -> bool {
    let name = flags::SOCKET_FAMILIES.enum_names(u32::from(family)).next();
    let written = match name {
        Some(name) => write!(out, "{name}:"),
        None => write!(out, "AF_{family}:"),
    };
    put_hex(bytes, out);
    written.is_ok()
}

fn read_sock_addr(token: Token<'_>) -> Parsed<Vec<u8>> {
    let mut out = Vec::new();
    if let Some(path) = token.strip("unix:") {
        SockAddr::Unix(BStr::new(&path.text()?)).encode(&mut out);
    } else if token.bytes.starts_with(b"AF_") {
        let (family, bytes) = read_family(token)?;
        SockAddr::Other(family, &bytes).encode(&mut out);
    } else {
        SockAddr::Inet(read_inet(token)?).encode(&mut out);
    }
    Ok(out)
}

/// An IPv4 or IPv6 address with port.
pub(crate) fn read_inet(token: Token<'_>) -> Parsed<SocketAddr> {
    token.word().parse().map_err(|_| {
        token.fault(format!("expected an address (10.0.0.1:80, [::1]:80, unix:/path), found `{}`", token.shown()))
    })
}

/// `AF_NAME:x"hex"` or `AF_38:x"hex"`.
fn read_family(token: Token<'_>) -> Parsed<(u8, Vec<u8>)> {
    let fault = || token.fault("expected AF_NAME:x\"hex\" or AF_NUMBER:x\"hex\"");
    let (name, bytes) = token.split_once(":").ok_or_else(fault)?;
    let value = flags::SOCKET_FAMILIES.value(name.word());
    let family = match value.and_then(|v| u8::try_from(v).ok()) {
        Some(family) => family,
        None => name.word()[3..].parse().map_err(|_| fault())?,
    };
    Ok((family, bytes.text()?))
}

fn put_sock_tuple(tuple: &SockTuple<'_>, out: &mut String) -> bool {
    match tuple {
        SockTuple::Inet { src, dst } => write!(out, "{src}->{dst}").is_ok(),
        SockTuple::Unix { src, dst, path } => {
            let is_written = write!(out, "unix:{src:#x}->{dst:#x}").is_ok();
            if !path.is_empty() {
                out.push(':');
                put_text(path, out);
            }
            is_written
        }
        SockTuple::Other(family, bytes) => put_family(*family, bytes, out),
    }
}

fn read_sock_tuple(token: Token<'_>) -> Parsed<Vec<u8>> {
    let mut out = Vec::new();
    if let Some(rest) = token.strip("unix:") {
        let arrow = || rest.fault("expected unix:SOURCE->DESTINATION or unix:SOURCE->DESTINATION:PATH");
        let (src, rest) = rest.split_once("->").ok_or_else(arrow)?;
        let (dst, path) = match rest.split_once(":") {
            Some((dst, path)) => (dst, path.text()?),
            None => (rest, Vec::new()),
        };
        SockTuple::Unix { src: src.u64()?, dst: dst.u64()?, path: BStr::new(&path) }.encode(&mut out);
    } else if token.bytes.starts_with(b"AF_") {
        let (family, bytes) = read_family(token)?;
        SockTuple::Other(family, &bytes).encode(&mut out);
    } else {
        let (src, dst) = token
            .split_once("->")
            .ok_or_else(|| token.fault("expected SOURCE->DESTINATION, as 10.0.0.1:80->10.0.0.2:443"))?;
        let (src, dst) = (read_inet(src)?, read_inet(dst)?);
        if src.is_ipv4() != dst.is_ipv4() {
            return Err(token.fault("both ends must be of one address family"));
        }
        SockTuple::Inet { src, dst }.encode(&mut out);
    }
    Ok(out)
}

/// `[3:POLLIN,4:0]`
fn put_fd_list(bytes: &[u8], out: &mut String) -> Option<()> {
    let (n, entries) = bytes.split_first_chunk::<2>()?;
    if entries.len() != usize::from(u16::from_le_bytes(*n)) * 10 {
        return None;
    }
    out.push('[');
    for (i, entry) in entries.chunks_exact(10).enumerate() {
        let fd = i64::from_le_bytes(entry[..8].try_into().ok()?);
        let poll = u16::from_le_bytes(entry[8..].try_into().ok()?);
        write!(out, "{}{fd}:", if i == 0 { "" } else { "," }).ok()?;
        put_flags(u64::from(poll), &flags::POLL_FLAGS, out);
    }
    out.push(']');
    Some(())
}

fn read_fd_list(token: Token<'_>) -> Parsed<Vec<u8>> {
    let entries = token.list()?;
    let n = u16::try_from(entries.len()).map_err(|_| token.fault("at most 65535 descriptors"))?;
    let mut out = n.to_le_bytes().to_vec();
    for entry in entries {
        let (fd, poll) = entry.split_once(":").ok_or_else(|| entry.fault("expected FD:FLAGS, as 3:POLLIN"))?;
        out.extend(fd.i64()?.to_le_bytes());
        let poll = u16::try_from(read_flags(poll, &flags::POLL_FLAGS)?).map_err(|_| poll.fault("more than 16 bits"))?;
        out.extend(poll.to_le_bytes());
    }
    Ok(out)
}

/// `INDEX:VALUE`, the value in the notation of the type at that index.
fn put_dynamic(bytes: &[u8], types: &[ArgType], spec: &ArgSpec, out: &mut String) -> Option<()> {
    let (&index, value) = bytes.split_first()?;
    let ty = *types.get(usize::from(index))?;
    write!(out, "{index}:").ok()?;
    match ty.int_width() {
        Some(width) => {
            if value.len() != usize::from(width) {
                return None;
            }
            let mut wide = [if ty.is_signed() && value.last()? & 0x80 != 0 { 0xff } else { 0 }; 8];
            wide[..value.len()].copy_from_slice(value);
            put_int(u64::from_le_bytes(wide), &ArgSpec { ty, ..*spec }, false, out);
        }
        None => put_text(value, out),
    }
    Some(())
}

fn read_dynamic(token: Token<'_>, types: &[ArgType]) -> Parsed<Vec<u8>> {
    let fault = || token.fault(format!("expected INDEX:VALUE with an index below {}", types.len()));
    let (index, value) = token.split_once(":").ok_or_else(fault)?;
    let index = u8::try_from(index.u64()?).map_err(|_| fault())?;
    let ty = *types.get(usize::from(index)).ok_or_else(fault)?;
    let mut out = vec![index];
    match ty.int_width() {
        Some(width) => {
            let int = read_int(value, &ArgSpec { name: "", ty, base: Base::Dec, is_extra: false })?;
            out.extend(&int.to_le_bytes()[..usize::from(width)]);
        }
        None => out.extend(value.text()?),
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::dynamic;
    use crate::event::kind::arg;

    fn read(text: &str, spec: &ArgSpec) -> Value {
        read_arg(Token { column: 1, bytes: text.as_bytes() }, Some(spec)).unwrap_or_else(|f| panic!("{text}: {f:?}"))
    }

    /// Reads the text, compares, and writes it again.
    fn check(ty: ArgType, text: &str, value: Value, written: &str) {
        let spec = arg("x", ty);
        assert_eq!(read(text, &spec), value, "{text}");
        let mut out = String::new();
        put_arg(value.as_arg(), Some(&spec), false, &mut out);
        assert_eq!(out, written);
        assert_eq!(read(&out, &spec), value);
    }

    #[test]
    fn integers() {
        use ArgType::*;
        check(Errno, "-ENOENT", Value::Int(-2i64 as u64), "ENOENT");
        check(Errno, "EWOULDBLOCK", Value::Int(-11i64 as u64), "EAGAIN");
        check(Errno, "-4095", Value::Int(-4095i64 as u64), "-4095");
        check(Fd, "AT_FDCWD", Value::Int(-100i64 as u64), "AT_FDCWD");
        check(Fd, "-1", Value::Int(u64::MAX), "-1");
        check(Fd, "-EBADF", Value::Int(-9i64 as u64), "-9");
        check(Uid, "-1", Value::Int(0xffff_ffff), "-1");
        check(U16, "-1", Value::Int(0xffff), "65535");
        check(U8, "300", Value::Int(300), "300");
        check(Signal, "SIGKILL", Value::Int(9), "SIGKILL");
        check(Signal, "34", Value::Int(34), "34");
        check(RelTime, "1ms", Value::Int(1_000_000), "1000000");
        check(RelTime, "none", Value::Int(u64::MAX), "none");
        check(SyscallId, "exit", Value::Int(2), "exit");
        check(Mode(&flags::CHMOD_MODE), "644", Value::Int(0o644), "0644");
        check(U32, "?", Value::Absent, "?");
        check(U32, "", Value::Empty, "");
        check(U32, "!x\"00ff\"", Value::Malformed(vec![0, 255]), "!x\"00ff\"");
        check(U32, "\"raw\"", Value::Bytes(b"raw".to_vec()), "\"raw\"");
    }

    #[test]
    fn flags_and_enumerations() {
        use ArgType::*;
        check(Flags32(&flags::FILE_FLAGS), "O_RDONLY|O_CLOEXEC", Value::Int(0x1001), "O_RDONLY|O_CLOEXEC");
        check(Flags32(&flags::FILE_FLAGS), "0x100001", Value::Int(0x10_0001), "O_RDONLY|0x100000");
        check(Flags32(&flags::FILE_FLAGS), "0", Value::Int(0), "O_NONE");
        check(Flags32(&flags::CLONE_FLAGS), "0", Value::Int(0), "0");
        check(Flags32(&flags::FILE_FLAGS), "0x1ffffffff", Value::Int(0x1_ffff_ffff), "0x1ffffffff");
        check(Enum32(&flags::SOCKET_FAMILIES), "AF_INET", Value::Int(2), "AF_INET");
        check(Enum8(&flags::SOCKET_FAMILIES), "77", Value::Int(77), "77");
    }

    #[test]
    fn variable_length() {
        use ArgType::*;
        let bytes = |b: &[u8]| Value::Bytes(b.to_vec());
        check(Path, "/etc/passwd", bytes(b"/etc/passwd"), "/etc/passwd");
        check(Path, "\"\"", bytes(b""), "\"\"");
        check(Path, "int:5", Value::Int(5), "int:5");
        check(StrArray, "[a,\"b c\"]", bytes(b"a\0b c\0"), "[\"a\",\"b c\"]");
        check(StrArray, "[]", bytes(b""), "\"\"");
        check(StrArray, "[\"\"]", bytes(b"\0"), "[\"\"]");
        check(StrArray, "\"a\\0b\"", bytes(b"a\0b"), "\"a\\0b\"");
        check(SockAddr, "10.0.0.1:80", bytes(b"\x02\x0a\0\0\x01\x50\0"), "10.0.0.1:80");
        check(SockAddr, "unix:/run/a", bytes(b"\x01/run/a"), "unix:/run/a");
        check(SockAddr, "x\"0200\"", bytes(b"\x02\0"), "x\"0200\"");
        check(SockAddr, "AF_NETLINK:x\"0a\"", bytes(b"\x10\x0a"), "AF_ROUTE:x\"0a\"");
        check(SockAddr, "AF_99:x\"\"", bytes(b"\x63"), "AF_99:x\"\"");
        let tuple = bytes(b"\x02\x0a\0\0\x01\x50\0\x01\x02\x03\x04\xbb\x01");
        check(SockTuple, "10.0.0.1:80->1.2.3.4:443", tuple, "10.0.0.1:80->1.2.3.4:443");
        let unix = bytes(b"\x01\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0/s k");
        check(SockTuple, "unix:1->2:\"/s k\"", unix, "unix:0x1->0x2:\"/s k\"");
        check(FdList, "[3:POLLIN]", bytes(b"\x01\0\x03\0\0\0\0\0\0\0\x01\0"), "[3:POLLIN]");
        check(FdList, "x\"0100\"", bytes(b"\x01\0"), "x\"0100\"");
        check(Dyn(&dynamic::SOCKOPT), "2:7", bytes(b"\x02\x07\0\0\0"), "2:7");
        check(Dyn(&dynamic::SOCKOPT), "1:-EPERM", bytes(b"\x01\xff\xff\xff\xff\xff\xff\xff\xff"), "1:EPERM");
        check(Dyn(&dynamic::SOCKOPT), "0:\"a:b\"", bytes(b"\0a:b"), "0:a:b");
        check(Dyn(&dynamic::SOCKOPT), "x\"02\"", bytes(b"\x02"), "x\"02\"");
        check(Ipv4, "1.2.3.4", bytes(&[1, 2, 3, 4]), "1.2.3.4");
        check(Ipv6, "x\"01\"", bytes(&[1]), "x\"01\"");
    }

    #[test]
    fn results_show_errors_of_descriptors() {
        let mut out = String::new();
        put_arg(Arg::Int(-2i64 as u64), Some(&arg("fd", ArgType::Fd)), true, &mut out);
        assert_eq!(out, "ENOENT");
    }

    #[test]
    fn faults_name_what_was_expected() {
        let fault = |text: &str, ty| {
            read_arg(Token { column: 1, bytes: text.as_bytes() }, Some(&arg("x", ty))).unwrap_err().what
        };
        assert!(fault("O_FOO", ArgType::Flags32(&flags::CREAT_FLAGS)).contains("FD_UPPER_LAYER_CREAT"));
        assert!(fault("abc", ArgType::U32).contains("`abc`"));
        assert!(fault("1.2.3.4", ArgType::SockAddr).contains("10.0.0.1:80"));
        assert!(fault("689", ArgType::Mode(&flags::CHMOD_MODE)).contains("octal"));
    }
}
