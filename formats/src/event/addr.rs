//! Socket addresses and connections as arguments.
//!
//! Encoding inside an argument (integers little-endian, addresses in network order):
//!
//! | type | bytes |
//! |---|---|
//! | [`SockAddr`] | `u8 family`, then IPv4: 4 + `u16 port`; IPv6: 16 + `u16 port`; Unix: path |
//! | [`SockTuple`] | `u8 family`, then IPv4: 4, `u16`, 4, `u16`; IPv6: 16, `u16`, 16, `u16`; Unix: `u64` source, `u64` destination, path |
//!
//! Families are those of [`super::flags::SOCKET_FAMILIES`]: 1 Unix, 2 IPv4, 10 IPv6.

use std::fmt;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bstr::{BStr, ByteSlice};

/// `AF_UNIX`
pub const AF_UNIX: u8 = 1;
/// `AF_INET`
pub const AF_INET: u8 = 2;
/// `AF_INET6`
pub const AF_INET6: u8 = 10;

/// An address given to bind, connect or sendto.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SockAddr<'a> {
    /// IPv4 or IPv6 address and port.
    Inet(SocketAddr),
    /// Path of a Unix socket; an abstract name has lost its leading NUL in `.scap` captures.
    Unix(&'a BStr),
    /// Another family, with its bytes.
    Other(u8, &'a [u8]),
}

/// Both ends of a connection, in the order the trace gives them (source, destination).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SockTuple<'a> {
    /// IPv4 or IPv6 ends.
    Inet {
        /// Source end.
        src: SocketAddr,
        /// Destination end.
        dst: SocketAddr,
    },
    /// Kernel addresses of the two Unix sockets, and the path.
    Unix {
        /// Kernel pointer of the source socket.
        src: u64,
        /// Kernel pointer of the destination socket.
        dst: u64,
        /// Path, possibly empty.
        path: &'a BStr,
    },
    /// Another family, with its bytes.
    Other(u8, &'a [u8]),
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

fn take_v4(bytes: &mut &[u8]) -> Option<SocketAddr> {
    let ip = Ipv4Addr::from(take::<4>(bytes)?);
    Some(SocketAddr::new(IpAddr::V4(ip), u16::from_le_bytes(take(bytes)?)))
}

fn take_v6(bytes: &mut &[u8]) -> Option<SocketAddr> {
    let ip = Ipv6Addr::from(take::<16>(bytes)?);
    Some(SocketAddr::new(IpAddr::V6(ip), u16::from_le_bytes(take(bytes)?)))
}

fn put(out: &mut Vec<u8>, addr: &SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend(ip.octets()),
        IpAddr::V6(ip) => out.extend(ip.octets()),
    }
    out.extend(addr.port().to_le_bytes());
}

fn until_nul(bytes: &[u8]) -> &BStr {
    bytes[..bytes.find_byte(0).unwrap_or(bytes.len())].as_bstr()
}

impl<'a> SockAddr<'a> {
    /// Reads the encoding above; `None` if the bytes are too few for their family.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&family, mut rest) = bytes.split_first()?;
        Some(match family {
            AF_INET => SockAddr::Inet(take_v4(&mut rest)?),
            AF_INET6 => SockAddr::Inet(take_v6(&mut rest)?),
            AF_UNIX => SockAddr::Unix(until_nul(rest)),
            _ => SockAddr::Other(family, rest),
        })
    }

    /// Appends the encoding above.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            SockAddr::Inet(addr) => {
                out.push(if addr.is_ipv4() { AF_INET } else { AF_INET6 });
                put(out, addr);
            }
            SockAddr::Unix(path) => {
                out.push(AF_UNIX);
                out.extend_from_slice(path);
            }
            SockAddr::Other(family, bytes) => {
                out.push(*family);
                out.extend_from_slice(bytes);
            }
        }
    }
}

impl<'a> SockTuple<'a> {
    /// Reads the encoding above; `None` if the bytes are too few for their family.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&family, mut rest) = bytes.split_first()?;
        Some(match family {
            AF_INET => SockTuple::Inet { src: take_v4(&mut rest)?, dst: take_v4(&mut rest)? },
            AF_INET6 => SockTuple::Inet { src: take_v6(&mut rest)?, dst: take_v6(&mut rest)? },
            AF_UNIX => SockTuple::Unix {
                src: u64::from_le_bytes(take(&mut rest)?),
                dst: u64::from_le_bytes(take(&mut rest)?),
                path: until_nul(rest),
            },
            _ => SockTuple::Other(family, rest),
        })
    }

    /// Appends the encoding above.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            SockTuple::Inet { src, dst } => {
                out.push(if src.is_ipv4() { AF_INET } else { AF_INET6 });
                put(out, src);
                put(out, dst);
            }
            SockTuple::Unix { src, dst, path } => {
                out.push(AF_UNIX);
                out.extend(src.to_le_bytes());
                out.extend(dst.to_le_bytes());
                out.extend_from_slice(path);
            }
            SockTuple::Other(family, bytes) => {
                out.push(*family);
                out.extend_from_slice(bytes);
            }
        }
    }
}

/// `ip:port` without brackets around an IPv6 address, as Falco writes it.
pub struct PlainAddr(pub SocketAddr);

impl PlainAddr {
    /// Appends the text. Most addresses are IPv4, and replay names every connection: their digits are written without
    /// the machinery of formatting.
    pub fn push_to(&self, out: &mut Vec<u8>) {
        let IpAddr::V4(ip) = self.0.ip() else {
            // Writing to a vector cannot fail.
            let _ = write!(out, "{self}");
            return;
        };
        for (separator, octet) in [".", ".", ".", ":"].into_iter().zip(ip.octets()) {
            push_decimal(out, octet.into());
            out.extend_from_slice(separator.as_bytes());
        }
        push_decimal(out, self.0.port());
    }
}

fn push_decimal(out: &mut Vec<u8>, number: u16) {
    const DIGITS: usize = 5;
    let (mut digits, mut at, mut rest) = ([0; DIGITS], DIGITS, number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 || at == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

impl fmt::Display for PlainAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.ip(), self.0.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written without formatting is what formatting writes.
    #[test]
    fn plain_addresses() {
        for (addr, want) in [
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("10.0.200.99:65535", "10.0.200.99:65535"),
            ("255.100.9.1:80", "255.100.9.1:80"),
            ("[2001:db8::1]:443", "2001:db8::1:443"),
            ("[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1:1"),
        ] {
            let addr = PlainAddr(addr.parse().unwrap());
            let mut out = b"x".to_vec();
            addr.push_to(&mut out);
            assert_eq!((out.as_slice(), addr.to_string().as_str()), (format!("x{want}").as_bytes(), want));
        }
    }
}
