//! How an argument of an event comes out of a system call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bstr::{BStr, ByteSlice};
use tracehound_capture_layout::record::{Socket, exec_flag};
use tracehound_capture_layout::settings::op;
use tracehound_formats::event::addr::{self, SockAddr, SockTuple};
use tracehound_formats::event::kind::ArgType;
use tracehound_formats::{Arg, Batch};

use super::call::Call;
use crate::flags::{self, Flags};

/// Linux's `AF_NETLINK` and its like are the vocabulary's too; families above are unknown to it.
const MAX_FAMILY: u64 = 0x27;

/// `FMODE_CREATED`: open made the file; source: `include/linux/fs.h`.
const FMODE_CREATED: u32 = 0x10_0000;

/// Bits of the table `file_flags` that are not flags of open.
const O_F_CREATED: u32 = 0x4000;
const FD_UPPER_LAYER: u32 = 0x8000;
const FD_LOWER_LAYER: u32 = 0x1_0000;

/// Stands for no address in [`Fill::Tuple`].
pub(crate) const NO_ADDR: u8 = 6;

/// `-EINPROGRESS`
const EINPROGRESS: i64 = -115;

/// Which end of a connection is the source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dir {
    /// The local one.
    Out,
    /// The remote one.
    In,
}

/// Where an argument of the event comes from. Numbers are those of the system call's arguments, from 0; 7 is the
/// result.
pub(crate) enum Fill {
    /// The result.
    Ret,
    /// The argument, in the width and sign of the event's type.
    Int(u8),
    /// The argument, converted.
    Map(u8, fn(u32) -> u32),
    /// Flags.
    Flags(u8, &'static Flags),
    /// The string it points to.
    Str(u8),
    /// Bytes that an operation fetched.
    Bytes(u8),
    /// What it reads or writes; empty if it failed.
    Data,
    /// A descriptor of two that the call returned in memory; -1 if it failed.
    Pair(u8, usize),
    /// Flags of open, with what is known of the file that was opened.
    OpenFlags(u8),
    /// Permissions for open: argument of the flags, argument of the mode.
    OpenMode(u8, u8),
    /// Device of the file.
    Dev,
    /// Inode of the file.
    Ino,
    /// A socket address that was passed.
    Addr(u8),
    /// Both ends of the socket behind a descriptor; with an argument of an address that stands in for the remote end.
    Tuple(u8, Dir, u8),
    /// A number of 32 or 64 bits at an offset of the bytes that the argument points to.
    Word32(u8, usize),
    /// The same with 64 bits; a call of 32 bits may have passed fewer.
    Word64(u8, usize),
    /// Flags in such a number of 32 bits.
    WordFlags(u8, usize, &'static Flags),
    /// Nothing was recorded.
    Absent,
    /// A constant.
    Const(u64),
    /// Something of its own.
    With(fn(&Call<'_>, &mut Vec<u8>) -> Value),
}

/// What [`Fill::With`] gives.
pub(crate) enum Value {
    /// Not recorded.
    Absent,
    /// Recorded and empty.
    Empty,
    /// A number.
    Int(u64),
    /// The bytes that were written into the vector.
    Scratch,
}

impl Fill {
    /// Appends the argument.
    pub(crate) fn push(&self, call: &Call<'_>, ty: ArgType, scratch: &mut Vec<u8>, batch: &mut Batch) {
        let int = |value: u64| Arg::Int(narrow(ty, value));
        match *self {
            Fill::Ret => batch.push(int(call.ret as u64)),
            Fill::Int(arg) => batch.push(int(call.value(arg))),
            Fill::Map(arg, convert) => batch.push(int(convert(call.value(arg) as u32).into())),
            Fill::Flags(arg, flags) => batch.push(int(flags.convert(call.value(arg) as u32).into())),
            Fill::Str(arg) => batch.push(bytes(call.part(op::STR, arg))),
            Fill::Bytes(op) => batch.push(bytes(call.any_part(&[op]))),
            Fill::Data => {
                let ops = [op::DATA_IN, op::DATA_OUT, op::VEC_IN, op::VEC_OUT, op::MSG_DATA, op::XATTR];
                batch.push(bytes(call.any_part(&ops)));
            }
            Fill::Pair(arg, i) => {
                // A call that failed leaves there what was there before.
                let fd = call.part(op::BYTES, arg).filter(|_| call.is_ok()).and_then(|fds| word32(fds, 4 * i));
                batch.push(fd.map_or(Arg::Int(-1i64 as u64), |fd| Arg::Int(i64::from(fd as i32) as u64)));
            }
            Fill::OpenFlags(arg) => batch.push(int(open_flags(call, call.value(arg) as u32).into())),
            Fill::OpenMode(flags, mode) => {
                batch.push(int(flags::open_mode(call.value(flags) as u32, call.value(mode) as u32).into()));
            }
            Fill::Dev => batch.push(int(call.file().map_or(0, |file| flags::device(file.dev)).into())),
            Fill::Ino => batch.push(int(call.file().map_or(0, |file| file.ino))),
            Fill::Addr(arg) => {
                scratch.clear();
                let passed = call.part(op::SOCKADDR, arg);
                let is_known = passed.is_some_and(|passed| put_addr(passed, scratch));
                batch.push(if is_known { Arg::Bytes(scratch.as_bstr()) } else { Arg::Empty });
            }
            Fill::Tuple(fd, dir, addr) => {
                scratch.clear();
                let is_known = (call.is_ok() || call.ret == EINPROGRESS) && put_tuple(call, fd, dir, addr, scratch);
                batch.push(if is_known { Arg::Bytes(scratch.as_bstr()) } else { Arg::Empty });
            }
            Fill::Word32(arg, at) => {
                let word = call.part(op::BYTES, arg).and_then(|bytes| word32(bytes, at));
                batch.push(word.map_or(Arg::Absent, |word| int(word.into())));
            }
            Fill::Word64(arg, at) => {
                let word = call.part(op::BYTES, arg).and_then(|bytes| call.word(bytes, at));
                batch.push(word.map_or(Arg::Absent, int));
            }
            Fill::WordFlags(arg, at, flags) => {
                let word = call.part(op::BYTES, arg).and_then(|bytes| word32(bytes, at));
                batch.push(word.map_or(Arg::Absent, |word| int(flags.convert(word).into())));
            }
            Fill::Absent => batch.push(Arg::Absent),
            Fill::Const(value) => batch.push(int(value)),
            Fill::With(get) => {
                scratch.clear();
                match get(call, scratch) {
                    Value::Absent => batch.push(Arg::Absent),
                    Value::Empty => batch.push(Arg::Empty),
                    Value::Int(value) => batch.push(int(value)),
                    Value::Scratch => batch.push(Arg::Bytes(scratch.as_bstr())),
                }
            }
        }
    }
}

/// A register in the width and sign of a type.
fn narrow(ty: ArgType, value: u64) -> u64 {
    use ArgType::{Fd, Pid};
    match (ty.int_width(), ty.is_signed()) {
        // Descriptors and ids are 32 bits in the kernel, whatever the vocabulary gives them.
        _ if matches!(ty, Fd | Pid) => i64::from(value as i32) as u64,
        (Some(1), false) => u64::from(value as u8),
        (Some(2), false) => u64::from(value as u16),
        (Some(4), false) => u64::from(value as u32),
        (Some(1), true) => i64::from(value as i8) as u64,
        (Some(2), true) => i64::from(value as i16) as u64,
        (Some(4), true) => i64::from(value as i32) as u64,
        _ => value,
    }
}

fn bytes(part: Option<&[u8]>) -> Arg<'_> {
    match part {
        Some(bytes) if !bytes.is_empty() => Arg::Bytes(BStr::new(bytes)),
        _ => Arg::Empty,
    }
}

/// A number in fetched bytes.
pub(crate) fn word32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_ne_bytes(*b))
}

/// A number in fetched bytes.
pub(crate) fn word64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_ne_bytes(*b))
}

/// Flags of open with the overlay's layer and whether the file was made.
pub(crate) fn open_flags(call: &Call<'_>, linux: u32) -> u32 {
    flags::open_flags(linux) | call.file().map_or(0, |file| created(file.f_mode) | layer(file.flags))
}

fn created(f_mode: u32) -> u32 {
    if f_mode & FMODE_CREATED != 0 { O_F_CREATED } else { 0 }
}

fn layer(flags: u32) -> u32 {
    match flags {
        _ if flags & exec_flag::OVERLAY_UPPER != 0 => FD_UPPER_LAYER,
        _ if flags & exec_flag::OVERLAY_LOWER != 0 => FD_LOWER_LAYER,
        _ => 0,
    }
}

/// Family of a socket; what the vocabulary does not know is unspecified.
pub(crate) fn family(linux: u32) -> u32 {
    if u64::from(linux & 0xff) <= MAX_FAMILY { linux & 0xff } else { 0 }
}

/// Appends a `struct sockaddr` in the vocabulary's form; false for a family that has none.
fn put_addr(raw: &[u8], out: &mut Vec<u8>) -> bool {
    match inet(raw) {
        Some(addr) => SockAddr::Inet(addr).encode(out),
        None => match unix(raw) {
            Some(path) => SockAddr::Unix(path.as_bstr()).encode(out),
            None => return false,
        },
    }
    true
}

/// An IPv4 or IPv6 address in a `struct sockaddr`.
fn inet(raw: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = raw.split_first_chunk::<2>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let port = u16::from_be_bytes(*port);
    match u16::from_ne_bytes(*family) {
        2 => Some(SocketAddr::new(Ipv4Addr::from(*rest.first_chunk::<4>()?).into(), port)),
        // The flow comes first.
        10 => Some(SocketAddr::new(Ipv6Addr::from(*rest.get(4..)?.first_chunk::<16>()?).into(), port)),
        _ => None,
    }
}

/// The path in a `struct sockaddr` of a Unix socket, without the NUL that begins an abstract name.
fn unix(raw: &[u8]) -> Option<&[u8]> {
    let (family, path) = raw.split_first_chunk::<2>()?;
    (u16::from_ne_bytes(*family) == u16::from(addr::AF_UNIX)).then(|| unix_path(path))
}

/// A path as the vocabulary has it: up to the NUL, an abstract name without the one in front.
fn unix_path(path: &[u8]) -> &[u8] {
    let path = path.strip_prefix(b"\0").unwrap_or(path);
    &path[..path.iter().position(|&b| b == 0).unwrap_or(path.len())]
}

/// Appends both ends of a socket in the vocabulary's form; false if they are not known. Source of the order, and of
/// what stands in for a missing remote end: `auxmap__store_socktuple_param` of libs.
fn put_tuple(call: &Call<'_>, fd: u8, dir: Dir, addr: u8, out: &mut Vec<u8>) -> bool {
    let Some((socket, local_path, remote_path)) = call.socket(fd) else { return false };
    let passed = call.any_part(&[op::SOCKADDR, op::SOCKADDR_OUT, op::MSG_NAME]).filter(|_| addr != NO_ADDR);
    match socket.family as u8 {
        addr::AF_INET | addr::AF_INET6 => {
            let local = SocketAddr::new(ip(&socket, &socket.local), socket.local_port);
            let mut remote = SocketAddr::new(ip(&socket, &socket.remote), socket.remote_port);
            if remote.port() == 0
                && let Some(passed) = passed.and_then(inet)
                && passed.is_ipv4() == remote.is_ipv4()
            {
                remote = passed;
            }
            let (src, dst) = if dir == Dir::Out { (local, remote) } else { (remote, local) };
            SockTuple::Inet { src, dst }.encode(out);
        }
        addr::AF_UNIX => {
            let pointer = |bytes: &[u8; 16]| word64(bytes, 0).unwrap_or(0);
            let (local, peer) = (pointer(&socket.local), pointer(&socket.remote));
            let tuple = match dir {
                Dir::Out => {
                    let path = match passed.and_then(unix) {
                        Some(path) if peer == 0 => path,
                        _ => unix_path(remote_path),
                    };
                    SockTuple::Unix { src: peer, dst: local, path: path.as_bstr() }
                }
                Dir::In => SockTuple::Unix { src: local, dst: peer, path: unix_path(local_path).as_bstr() },
            };
            tuple.encode(out);
        }
        _ => return false,
    }
    true
}

fn ip(socket: &Socket, bytes: &[u8; 16]) -> IpAddr {
    if socket.family == u16::from(addr::AF_INET) {
        Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()
    } else {
        Ipv6Addr::from(*bytes).into()
    }
}
