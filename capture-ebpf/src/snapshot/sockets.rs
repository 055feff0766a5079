//! Which socket an inode is: the tables of `/proc/PID/net`, read once for each network namespace.
//!
//! Source of the columns: `net/ipv4/tcp_ipv4.c` (`get_tcp4_sock`), `udp.c`, `raw.c`, `net/unix/af_unix.c`
//! (`unix_seq_show`), `net/netlink/af_netlink.c`, `net/packet/af_packet.c`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bstr::ByteSlice;
use hashbrown::{HashMap, HashSet};
use tracehound_formats::section::{FdKind, FdTarget, L4};

use crate::files::{Root, fields};

/// Most bytes of one table: some 200 000 sockets.
const MAX_TABLE: usize = 32 << 20;

/// Sockets by inode, which is unique on the machine.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    by_inode: HashMap<u64, FdTarget>,
    /// Network namespaces read so far.
    read: HashSet<u64>,
    /// Tables that were longer than what was read of them.
    pub(crate) n_cut: u64,
}

impl Sockets {
    /// The socket with an inode. `pid` is a process in its namespace, through which the tables can be read.
    pub(crate) fn target(&mut self, root: &Root, pid: u32, net_ns: u64, inode: u64) -> Option<&FdTarget> {
        if self.read.insert(net_ns) {
            self.read_tables(root, pid);
        }
        self.by_inode.get(&inode)
    }

    fn read_tables(&mut self, root: &Root, pid: u32) {
        let inet = [("tcp", L4::Tcp), ("tcp6", L4::Tcp), ("udp", L4::Udp), ("udp6", L4::Udp), ("udplite", L4::Udp)];
        for (name, l4) in inet.into_iter().chain([("raw", L4::Raw), ("raw6", L4::Raw), ("icmp", L4::Icmp)]) {
            self.table(root, pid, name, |line| inet_line(line, l4));
        }
        self.table(root, pid, "unix", unix_line);
        let named = |kind, inode| Some((inode, FdTarget::Named { kind, name: "".into(), flags: None, dev: None }));
        self.table(root, pid, "netlink", |line| named(FdKind::Netlink, last_number(line)?));
        self.table(root, pid, "packet", |line| named(FdKind::Unsupported, last_number(line)?));
    }

    fn table(&mut self, root: &Root, pid: u32, name: &str, parse: impl Fn(&[u8]) -> Option<(u64, FdTarget)>) {
        let Some(table) = root.read(&format!("/proc/{pid}/net/{name}"), MAX_TABLE) else { return };
        self.n_cut += u64::from(table.len() == MAX_TABLE);
        // The first line is a heading. Inode 0 is a socket that no descriptor refers to any more.
        self.by_inode.extend(table.lines().skip(1).filter_map(parse).filter(|(inode, _)| *inode != 0));
    }
}

fn last_number(line: &[u8]) -> Option<u64> {
    fields(line).last()?.to_str().ok()?.parse().ok()
}

fn inet_line(line: &[u8], l4: L4) -> Option<(u64, FdTarget)> {
    let mut fields = fields(line);
    let (local, remote) = (address(fields.nth(1)?)?, address(fields.next()?)?);
    let inode = fields.nth(6)?.to_str().ok()?.parse().ok()?;
    let target = match remote.ip().is_unspecified() && remote.port() == 0 {
        true => FdTarget::Listen { local, l4 },
        false => FdTarget::Inet { local, remote, l4 },
    };
    Some((inode, target))
}

/// `0100007F:1F90`: words of the address as the machine has them in memory, then the port as a number.
fn address(text: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = text.to_str().ok()?.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (i, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(8 * i)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// `ffff8880: 00000002 00000000 00010000 0001 01 12345 /run/x`: a name is anything to the end of the line.
fn unix_line(line: &[u8]) -> Option<(u64, FdTarget)> {
    let mut rest = line;
    let mut field = || {
        rest = rest.trim_start_with(|c| c == ' ');
        let end = rest.find_byte(b' ').unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        rest = after;
        field.to_str().ok()
    };
    let pointer = u64::from_str_radix(field()?.trim_end_matches(':'), 16).ok()?;
    for _ in 0..5 {
        field()?;
    }
    let inode = field()?.parse().ok()?;
    let name = rest.strip_prefix(b" ").unwrap_or(rest).into();
    // The other end is not in this table.
    Some((inode, FdTarget::Unix { local: pointer, peer: 0, name }))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let inet = |line: &str| inet_line(line.as_bytes(), L4::Tcp);
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        let tail = "01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 20 4 30 10 -1";
        let l4 = L4::Tcp;
        for (ends, want) in [
            ("0100007F:1F90 00000000:0000", Some(FdTarget::Listen { local: addr("127.0.0.1:8080"), l4 })),
            (
                "0100007F:1F90 0200007F:D431",
                Some(FdTarget::Inet { local: addr("127.0.0.1:8080"), remote: addr("127.0.0.2:54321"), l4 }),
            ),
            (
                "00000000000000000000000001000000:0016 0000000000000000FFFF00000100007F:9C40",
                Some(FdTarget::Inet { local: addr("[::1]:22"), remote: addr("[::ffff:127.0.0.1]:40000"), l4 }),
            ),
            ("0100007F 00000000:0000", None),
            ("0100007:1F90 00000000:0000", None),
            ("x:1F90 00000000:0000", None),
        ] {
            let line = format!("   0: {ends} {tail}");
            assert_eq!(inet(&line), want.map(|want| (4711, want)), "{ends}");
        }
        assert_eq!(inet(""), None);
        for (line, want) in [
            ("ffff8881: 00000002 00000000 00010000 0001 01 12345 /run/a b", Some((0xffff_8881, 12345, "/run/a b"))),
            ("0000000000000000: 00000003 00000000 00000000 0001 03   99 @abstract", Some((0, 99, "@abstract"))),
            ("0000000000000000: 00000003 00000000 00000000 0001 03 99", Some((0, 99, ""))),
            ("0: 1 2 3", None),
            ("", None),
        ] {
            let want = want.map(|(local, inode, name)| (inode, FdTarget::Unix { local, peer: 0, name: name.into() }));
            assert_eq!(unix_line(line.as_bytes()), want, "{line}");
        }
    }
}
