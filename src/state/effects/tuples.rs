//! Addresses of a socket as Falco's engine updates and names them.
//!
//! Source: `update_ipv4_addresses_and_ports`, `set_ipv6_addresses_and_ports`, `swap_addresses` in
//! `userspace/libsinsp/parsers.cpp`, `sockinfo_to_str` in `utils.cpp`, `update_fd` in `ifinfo.cpp`.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tracehound_formats::event::addr::PlainAddr;
use tracehound_formats::section::{InterfaceEntry, L4};

use crate::history::Net;

/// Both ends of a connection; an end that is not known is all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
}

impl Ends {
    /// The ends that a socket has so far, as addresses of the given family.
    pub(crate) fn of(net: Option<Net>, is_v4: bool) -> Ends {
        match net {
            Some(Net::Pair { src, dst }) if src.is_ipv4() == is_v4 => Ends { src, dst },
            _ => {
                let ip = if is_v4 { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
                let none = SocketAddr::new(ip, 0);
                Ends { src: none, dst: none }
            }
        }
    }

    /// The pair to store.
    pub(crate) fn net(self) -> Net {
        Net::Pair { src: self.src, dst: self.dst }
    }

    /// Takes over the ends an event shows; true if anything changed. The same ends, either way round, change
    /// nothing. The destination is only filled in, unless `overwrite` says that it is new.
    pub(crate) fn update(&mut self, new: Ends, is_same_kind: bool, overwrite: bool) -> bool {
        if is_same_kind && (*self == new || self.src == new.dst && self.dst == new.src) {
            return false;
        }
        let old = *self;
        self.src = new.src;
        if self.dst.ip().is_unspecified() || overwrite {
            self.dst.set_ip(new.dst.ip());
        }
        if self.dst.port() == 0 || overwrite {
            self.dst.set_port(new.dst.port());
        }
        *self != old
    }

    /// Exchanges the ends.
    pub(crate) fn swap(&mut self) {
        std::mem::swap(&mut self.src, &mut self.dst);
    }

    /// Fills in an end that the event leaves out with the address of the interface that leads to the other one.
    pub(crate) fn complete(&mut self, interfaces: &[InterfaceEntry]) {
        let (src, dst) = (self.src.ip(), self.dst.ip());
        if !src.is_unspecified() && !dst.is_unspecified() {
            return;
        }
        let known = if src.is_unspecified() { dst } else { src };
        let Some(local) = interface_towards(interfaces, known) else { return };
        if local == known && self.src.port() == self.dst.port() {
            return;
        }
        let missing = if src.is_unspecified() { &mut self.src } else { &mut self.dst };
        missing.set_ip(local);
    }
}

/// The address of ours from which a packet to `ip` would come: the same one, one of the same network, or the first
/// that is not the loopback's.
fn interface_towards(interfaces: &[InterfaceEntry], ip: IpAddr) -> Option<IpAddr> {
    let same_family = || interfaces.iter().filter(|entry| entry.addr.is_ipv4() == ip.is_ipv4());
    let exact = same_family().find(|entry| entry.addr == ip);
    let same_net = || same_family().find(|entry| is_same_network(entry, ip));
    let other = || same_family().find(|entry| !entry.addr.is_loopback());
    exact.or_else(same_net).or_else(other).map(|entry| entry.addr)
}

fn is_same_network(entry: &InterfaceEntry, ip: IpAddr) -> bool {
    match (entry.addr, entry.netmask, ip) {
        (IpAddr::V4(addr), IpAddr::V4(mask), IpAddr::V4(ip)) => {
            u32::from(addr) & u32::from(mask) == u32::from(ip) & u32::from(mask)
        }
        // Falco compares the first 64 bits and does not use the mask.
        (IpAddr::V6(addr), _, IpAddr::V6(ip)) => addr.octets()[..8] == ip.octets()[..8],
        _ => false,
    }
}

/// The IPv4 form of a pair whose ends are both IPv4-mapped, or all zero.
pub(crate) fn unmap_pair(src: SocketAddr, dst: SocketAddr) -> (SocketAddr, SocketAddr) {
    match (unmap(src), unmap(dst)) {
        (Some(src), Some(dst)) => (src, dst),
        _ => (src, dst),
    }
}

/// The IPv4 form of an IPv4, IPv4-mapped or all-zero address.
pub(crate) fn unmap(addr: SocketAddr) -> Option<SocketAddr> {
    let ip = match addr.ip() {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv4Addr::UNSPECIFIED,
        IpAddr::V6(ip) => ip.to_ipv4_mapped()?,
    };
    Some(SocketAddr::new(IpAddr::V4(ip), addr.port()))
}

/// Writes `src->dst` with ports.
pub(crate) fn write_pair(out: &mut Vec<u8>, src: SocketAddr, dst: SocketAddr) {
    out.clear();
    PlainAddr(src).push_to(out);
    out.extend_from_slice(b"->");
    PlainAddr(dst).push_to(out);
}

/// Writes the name of a connection: without ports for ICMP and raw sockets, `<unknown>` where the transport is.
pub(crate) fn write_name(out: &mut Vec<u8>, ends: Ends, l4: L4) {
    let Ends { src, dst } = ends;
    match l4 {
        L4::Tcp | L4::Udp => write_pair(out, src, dst),
        L4::Icmp => {
            out.clear();
            // Writing to a vector cannot fail.
            let _ = write!(out, "{}->{}", src.ip(), dst.ip());
        }
        L4::Raw if src.is_ipv4() => {
            out.clear();
            let _ = write!(out, "{}->{}", src.ip(), dst.ip());
        }
        _ => {
            out.clear();
            out.extend_from_slice(b"<unknown>");
        }
    }
}

/// Writes the name of a connected Unix socket.
pub(crate) fn write_unix(out: &mut Vec<u8>, src: u64, dst: u64, path: &[u8]) {
    out.clear();
    let _ = write!(out, "{src:x}->{dst:x} ");
    out.extend_from_slice(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(src: &str, dst: &str) -> Ends {
        Ends { src: src.parse().unwrap(), dst: dst.parse().unwrap() }
    }

    #[test]
    fn updates() {
        let none = ends("0.0.0.0:0", "0.0.0.0:0");
        let ab = ends("10.0.0.1:5", "10.0.0.2:53");
        let ba = ends("10.0.0.2:53", "10.0.0.1:5");
        let ac = ends("10.0.0.1:5", "10.0.0.3:53");
        for (old, new, overwrite, want, changed) in [
            (none, ab, false, ab, true),
            (ab, ab, false, ab, false),
            (ab, ba, false, ab, false),
            (ab, ac, false, ab, false),
            (ab, ac, true, ac, true),
        ] {
            let mut got = old;
            assert_eq!(got.update(new, true, overwrite), changed, "{old:?} {new:?}");
            assert_eq!(got, want);
        }
    }

    #[test]
    fn names() {
        for (src, dst, l4, want) in [
            ("10.0.0.1:5", "10.0.0.2:53", L4::Udp, "10.0.0.1:5->10.0.0.2:53"),
            ("[2001:db8::1]:5", "[::1]:53", L4::Tcp, "2001:db8::1:5->::1:53"),
            ("10.0.0.1:0", "10.0.0.2:0", L4::Icmp, "10.0.0.1->10.0.0.2"),
            ("10.0.0.1:0", "10.0.0.2:0", L4::Unknown, "<unknown>"),
        ] {
            let mut out = Vec::new();
            write_name(&mut out, ends(src, dst), l4);
            assert_eq!(String::from_utf8_lossy(&out), want);
        }
    }

    #[test]
    fn a_mapped_pair_becomes_ipv4() {
        for (addr, want) in [
            ("[::ffff:10.0.0.1]:80", Some("10.0.0.1:80")),
            ("[::]:80", Some("0.0.0.0:80")),
            ("10.0.0.1:80", Some("10.0.0.1:80")),
            ("[::1]:80", None),
        ] {
            assert_eq!(unmap(addr.parse().unwrap()), want.map(|want| want.parse().unwrap()), "{addr}");
        }
    }
}
