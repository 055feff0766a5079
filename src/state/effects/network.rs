//! Sockets: who is client and who is server, both ends, and the name made of them.
//!
//! The source of a pair is the client once the role is known. Source: `sinsp_parser::parse_{socket,bind,connect,
//! accept,read,write}_exit`, `update_fd`, `sinsp_fdinfo::set_net_role_by_guessing`.

use std::net::SocketAddr;

use tracehound_formats::event::addr::{AF_INET, AF_INET6, AF_UNIX, SockAddr, SockTuple};
use tracehound_formats::event::syscalls;
use tracehound_formats::section::{FdKind, L4};

use super::files::open_flags;
use super::ipc::SOCK_CLOEXEC;
use super::tuples::{self, Ends};
use crate::history::{Net, OpenFile, Role, ThreadId};
use crate::replay::{Cx, Replay};

const AF_NETLINK: u32 = 16;
const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;
const SOCK_RAW: u32 = 3;
const IPPROTO_IP: u32 = 0;
const IPPROTO_ICMP: u32 = 1;
const IPPROTO_TCP: u32 = 6;
const IPPROTO_UDP: u32 = 17;
const IPPROTO_RAW: u32 = 255;
/// -EINPROGRESS: a connect that goes on in the background.
const EINPROGRESS: i64 = -115;
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;

/// socket.
pub(crate) fn socket(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(fd) = cx.ret.filter(|&fd| fd >= 0) else { return };
    let (domain, ty) = (cx.u32(1).unwrap_or(0), cx.u32(2).unwrap_or(0));
    let flags = cx.u32(4).unwrap_or(0);
    let file = new_socket(r, cx.fact.thread, domain, ty, cx.u32(3).unwrap_or(0), flags);
    r.open_fd(cx, fd, file, flags & open_flags::CLOEXEC != 0 || ty & SOCK_CLOEXEC != 0);
}

fn new_socket(r: &Replay, thread: Option<ThreadId>, domain: u32, ty: u32, protocol: u32, flags: u32) -> OpenFile {
    let kind = match domain {
        _ if domain == u32::from(AF_UNIX) => FdKind::UnixSocket,
        _ if domain == u32::from(AF_INET) => FdKind::Ipv4Socket,
        _ if domain == u32::from(AF_INET6) => FdKind::Ipv6Socket,
        AF_NETLINK => FdKind::Netlink,
        _ => FdKind::Unknown,
    };
    let mut file = r.blank_file(thread, kind);
    file.flags = flags;
    if matches!(kind, FdKind::Ipv4Socket | FdKind::Ipv6Socket) {
        file.l4 = l4(ty, protocol);
    }
    file
}

fn l4(ty: u32, protocol: u32) -> L4 {
    let raw_or = |l4| if ty == SOCK_RAW { L4::Raw } else { l4 };
    match protocol {
        IPPROTO_TCP => raw_or(L4::Tcp),
        IPPROTO_UDP => raw_or(L4::Udp),
        IPPROTO_ICMP => raw_or(L4::Icmp),
        IPPROTO_RAW => L4::Raw,
        // The type also carries SOCK_NONBLOCK and SOCK_CLOEXEC.
        IPPROTO_IP => match ty & 0xff {
            SOCK_STREAM => L4::Tcp,
            SOCK_DGRAM => L4::Udp,
            _ => L4::Unknown,
        },
        _ => L4::Unknown,
    }
}

/// bind: with a port, the socket counts as listening.
pub(crate) fn bind(r: &mut Replay, cx: &mut Cx<'_>) {
    if !cx.is_ok() || cx.fact.file.is_none() {
        return;
    }
    let Some(addr) = cx.event.arg(1).bytes().and_then(|bytes| SockAddr::decode(bytes)) else { return };
    let mut name = std::mem::take(&mut r.scratch);
    name.clear();
    match addr {
        SockAddr::Inet(addr) => plain(&mut name, addr),
        SockAddr::Unix(path) => name.extend_from_slice(path),
        SockAddr::Other(family, _) => name.extend_from_slice(format!("family {family}").as_bytes()),
    }
    let sym = r.intern(&name);
    r.scratch = name;
    r.change_file(cx, |file| {
        if let SockAddr::Inet(addr) = addr
            && addr.port() > 0
        {
            let addr = tuples::unmap(addr).unwrap_or(addr);
            file.kind = if addr.is_ipv4() { FdKind::Ipv4Listen } else { FdKind::Ipv6Listen };
            file.net = Some(Net::Bound(addr));
            file.role = Some(Role::Server);
        }
        file.name = sym;
    });
}

fn plain(out: &mut Vec<u8>, addr: SocketAddr) {
    use std::io::Write;
    let _ = write!(out, "{}", tracehound_formats::event::addr::PlainAddr(addr));
}

/// connect.
pub(crate) fn connect(r: &mut Replay, cx: &mut Cx<'_>) {
    if cx.fact.file.is_none() || !cx.ret.is_some_and(|ret| ret >= 0 || ret == EINPROGRESS) {
        return;
    }
    r.change_file(cx, |file| file.is_connected = true);
    match cx.bytes(1).and_then(SockTuple::decode) {
        Some(SockTuple::Inet { src, dst }) => connect_inet(r, cx, src, dst),
        Some(SockTuple::Unix { src, dst, path }) => {
            let is_unix = cx.fact.file.is_some_and(|file| r.history.file(file).kind == FdKind::UnixSocket);
            if is_unix {
                tuples::write_unix(&mut r.scratch, src, dst, path);
                let name = r.history.strings.intern(&r.scratch);
                r.change_file(cx, |file| {
                    file.unix = Some((src, dst));
                    file.name = name;
                    file.role.get_or_insert(Role::Client);
                });
            }
        }
        Some(SockTuple::Other(..)) => {}
        None => {
            // A TCP fast open has no source yet. The address that was passed tells the destination; Falco leaves the
            // name, and so the role, as they are.
            let Some(SockAddr::Inet(dst)) = cx.bytes(3).and_then(SockAddr::decode) else { return };
            let dst = tuples::unmap(dst).unwrap_or(dst);
            r.change_file(cx, |file| {
                let mut ends = Ends::of(file.net, dst.is_ipv4());
                ends.dst = dst;
                file.kind = socket_kind(dst);
                file.net = Some(ends.net());
            });
        }
    }
}

fn connect_inet(r: &mut Replay, cx: &mut Cx<'_>, src: SocketAddr, dst: SocketAddr) {
    let Some(file) = cx.fact.file else { return };
    let old = r.history.file(file);
    let (src, dst) = tuples::unmap_pair(src, dst);
    let kind = socket_kind(dst);
    let mut ends = Ends::of(old.net, dst.is_ipv4());
    // The kind is set before the ends are compared.
    let is_changed = ends.update(Ends { src, dst }, true, true);
    if is_changed && old.role == Some(Role::Server) && kind == FdKind::Ipv4Socket && old.l4 == L4::Udp {
        ends.swap();
    }
    // Falco keeps the transport of an IPv6 socket where the IPv4 form does not look, and names it `<unknown>`.
    // *Truth*: `l4` stays.
    let shown = if old.kind == FdKind::Ipv6Socket && kind == FdKind::Ipv4Socket { L4::Unknown } else { old.l4 };
    tuples::write_name(&mut r.scratch, ends, shown);
    let name = r.history.strings.intern(&r.scratch);
    r.change_file(cx, |file| {
        file.kind = kind;
        file.net = Some(ends.net());
        file.name = name;
        file.role.get_or_insert(Role::Client);
    });
}

fn socket_kind(addr: SocketAddr) -> FdKind {
    if addr.is_ipv4() { FdKind::Ipv4Socket } else { FdKind::Ipv6Socket }
}

/// accept, accept4: the new descriptor is the server's end of a connection.
pub(crate) fn accept(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(fd)) = (cx.fact.thread, cx.ret.filter(|&fd| fd >= 0)) else { return };
    cx.fact.fd = Some(fd);
    let mut file = r.blank_file(Some(thread), FdKind::Unknown);
    match cx.bytes(1).and_then(SockTuple::decode) {
        Some(SockTuple::Inet { src, dst }) => {
            let (src, dst) = tuples::unmap_pair(src, dst);
            file.kind = socket_kind(dst);
            file.net = Some(Net::Pair { src, dst });
            file.l4 = L4::Tcp;
            tuples::write_pair(&mut r.scratch, src, dst);
        }
        Some(SockTuple::Unix { src, dst, path }) => {
            file.kind = FdKind::UnixSocket;
            file.unix = Some((src, dst));
            tuples::write_unix(&mut r.scratch, src, dst, path);
        }
        _ => {
            // *Truth*: the number refers to something unknown now. Falco keeps what it referred to before.
            r.set_fd(thread, fd, None, false);
            return;
        }
    }
    file.name = r.history.strings.intern(&r.scratch);
    file.role = Some(Role::Server);
    file.is_connected = true;
    let is_cloexec =
        cx.event.head.kind == syscalls::ACCEPT4 && cx.u32(5).is_some_and(|flags| flags & open_flags::CLOEXEC != 0);
    file.flags = if is_cloexec { open_flags::CLOEXEC } else { 0 };
    r.open_fd(cx, fd, file, is_cloexec);
}

/// read and write families: a successful one shows that an inet socket is connected.
pub(crate) fn touch(r: &mut Replay, cx: &mut Cx<'_>) {
    if let Some(file) = cx.fact.file
        && cx.is_ok()
        && r.history.files.traffic_at(file.index()).can_connect()
    {
        r.change_file(cx, |file| file.is_connected = true);
    }
}

/// recv, recvfrom, recvmsg, recvmmsg.
pub(crate) fn receive(r: &mut Replay, cx: &mut Cx<'_>, tuple: usize, control: Option<usize>) {
    if cx.fact.file.is_none() || !cx.is_ok() {
        return;
    }
    touch(r, cx);
    update_from_traffic(r, cx, tuple, true);
    if let Some(control) = control.and_then(|control| cx.bytes(control)) {
        received_fds(r, cx, control);
    }
}

/// Position of the ends among the arguments of [`send`]'s kinds.
pub(crate) const SEND_TUPLE: usize = 4;

/// send, sendto, sendmsg, sendmmsg.
pub(crate) fn send(r: &mut Replay, cx: &mut Cx<'_>) {
    if !cx.is_ok() {
        return;
    }
    if cx.fact.file.is_none() && cx.event.head.kind != syscalls::SENDMMSG {
        infer(r, cx, SEND_TUPLE);
    }
    if cx.fact.file.is_some() {
        touch(r, cx);
        update_from_traffic(r, cx, SEND_TUPLE, false);
    }
}

/// A send on a descriptor whose socket() was not seen: taken for UDP, as in Falco.
fn infer(r: &mut Replay, cx: &mut Cx<'_>, tuple: usize) {
    let Some(SockTuple::Inet { dst, .. }) = cx.bytes(tuple).and_then(SockTuple::decode) else { return };
    let Some(fd) = cx.fact.fd.filter(|&fd| fd >= 0) else { return };
    let domain = if dst.is_ipv4() { AF_INET } else { AF_INET6 };
    let file = new_socket(r, cx.fact.thread, domain.into(), SOCK_DGRAM, IPPROTO_UDP, 0);
    r.open_fd(cx, fd, file, false);
}

/// Ends that traffic shows, for a socket that is no TCP connection or has no name yet.
fn update_from_traffic(r: &mut Replay, cx: &mut Cx<'_>, tuple: usize, is_incoming: bool) {
    let Some(file) = cx.fact.file else { return };
    if r.history.files.traffic_at(file.index()).has_fixed_ends() {
        return;
    }
    let old = r.history.file(file);
    match cx.bytes(tuple).and_then(SockTuple::decode) {
        Some(SockTuple::Inet { src, dst }) => update_inet(r, cx, old, src, dst, is_incoming),
        Some(SockTuple::Unix { src, dst, path }) => {
            let shown = r.text(old.name);
            if old.unix == Some((src, dst)) && shown.len() > path.len() && shown.ends_with(path) {
                return;
            }
            tuples::write_unix(&mut r.scratch, src, dst, path);
            let name = r.history.strings.intern(&r.scratch);
            r.change_file(cx, |file| {
                file.kind = FdKind::UnixSocket;
                file.unix = Some((src, dst));
                file.name = name;
            });
        }
        _ => {}
    }
}

fn update_inet(r: &mut Replay, cx: &mut Cx<'_>, old: OpenFile, src: SocketAddr, dst: SocketAddr, is_incoming: bool) {
    let (src, dst) = tuples::unmap_pair(src, dst);
    let kind = socket_kind(dst);
    // *Truth*: a bound socket has no destination yet. Falco takes the bytes of its port for one.
    let mut ends = Ends::of(old.net, dst.is_ipv4());
    // For IPv4 the kind is set before the ends are compared, for IPv6 it is not set at all.
    let is_same_kind = kind == FdKind::Ipv4Socket || old.kind == FdKind::Ipv6Socket;
    let is_changed = ends.update(Ends { src, dst }, is_same_kind, false);
    if !is_changed {
        if kind == FdKind::Ipv4Socket && old.kind != kind {
            r.change_file(cx, |file| file.kind = kind);
        }
        return;
    }
    let l4 = match old.l4 {
        L4::Unknown | L4::NotApplicable => L4::Udp,
        l4 => l4,
    };
    if let Some(section) = r.history.sections.last() {
        ends.complete(&section.interfaces);
    }
    let role = old.role.unwrap_or_else(|| guess_role(ends, is_incoming));
    if role == (if is_incoming { Role::Client } else { Role::Server }) {
        ends.swap();
    }
    tuples::write_name(&mut r.scratch, ends, l4);
    let name = r.history.strings.intern(&r.scratch);
    r.change_file(cx, |file| {
        file.kind = kind;
        file.net = Some(ends.net());
        file.l4 = l4;
        file.role = Some(role);
        file.name = name;
    });
}

/// Falco asks whether the process owns the destination port and whether it uses the source port. For IPv4 its table
/// already holds the new ends, so that both answers are yes and the direction decides: who reads first serves. For
/// IPv6 it looks for the port in the wrong place and finds a client.
fn guess_role(ends: Ends, is_incoming: bool) -> Role {
    if is_incoming && ends.src.is_ipv4() { Role::Server } else { Role::Client }
}

/// Descriptors that came over a Unix socket: they exist from now on, and nothing else is known of them, because what
/// the sender attached is not recorded. *Truth*: an old owner of the number is gone. Falco keeps it.
fn received_fds(r: &mut Replay, cx: &Cx<'_>, control: &[u8]) {
    let Some(thread) = cx.fact.thread else { return };
    let mut rest = control;
    // Each message: u64 length with its header, i32 level, i32 type, data, padding to 8.
    while let Some((header, _)) = rest.split_first_chunk::<16>() {
        let len = u64::from_le_bytes([
            header[0], header[1], header[2], header[3], header[4], header[5], header[6], header[7],
        ]);
        let level = i32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let ty = i32::from_le_bytes([header[12], header[13], header[14], header[15]]);
        let Some(len) = usize::try_from(len).ok().filter(|len| (16..=rest.len()).contains(len)) else { return };
        if level == SOL_SOCKET && ty == SCM_RIGHTS {
            for fd in rest[16..len].chunks_exact(4) {
                let fd = i64::from(i32::from_le_bytes([fd[0], fd[1], fd[2], fd[3]]));
                r.notes.n_received_fds += 1;
                r.set_fd(thread, fd, None, false);
            }
        }
        rest = rest.get(len.next_multiple_of(8)..).unwrap_or(&[]);
    }
}
