//! Descriptor list: one block a thread.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bstr::BString;

use super::super::cursor::{Cursor, Order, Short};
use super::{Broken, Report, entries_in_a_row, entries_with_lengths};
use crate::event::Tid;
use crate::section::{FdEntry, FdKind, FdTarget, L4, Section};

/// Reads the descriptors of a thread.
pub(in crate::scap) fn fds(body: &[u8], has_lengths: bool, order: Order, section: &mut Section, report: Report<'_>) {
    let Ok(tid) = Cursor::new(body, order).i64() else {
        report(0, "descriptor list without a thread");
        return;
    };
    let list = &mut section.fds;
    let entry = |cursor: &mut Cursor<'_>| {
        list.push(fd(cursor, Tid(tid), has_lengths)?);
        Ok(())
    };
    if has_lengths {
        entries_with_lengths(body, 8, order, true, report, entry);
    } else {
        entries_in_a_row(body, 8, order, report, entry);
    }
}

fn fd(c: &mut Cursor<'_>, tid: Tid, has_length: bool) -> Result<FdEntry, Broken> {
    let number = c.i64()?;
    let inode = Some(c.u64()?).filter(|&v| v != 0);
    let target = match c.u8()? {
        0 => FdTarget::Unknown,
        3 => {
            let (local, remote) = (c.array::<4>()?.into(), c.array::<4>()?.into());
            inet(c, IpAddr::V4(local), IpAddr::V4(remote))?
        }
        4 => {
            let (local, remote): (Ipv6Addr, Ipv6Addr) = (c.array::<16>()?.into(), c.array::<16>()?.into());
            inet(c, IpAddr::V6(local), IpAddr::V6(remote))?
        }
        5 => {
            let ip = Ipv4Addr::from(c.array::<4>()?);
            FdTarget::Listen { local: SocketAddr::new(IpAddr::V4(ip), c.u16()?), l4: l4(c)? }
        }
        6 => {
            let ip = Ipv6Addr::from(c.array::<16>()?);
            FdTarget::Listen { local: SocketAddr::new(IpAddr::V6(ip), c.u16()?), l4: l4(c)? }
        }
        8 => FdTarget::Unix { local: c.u64()?, peer: c.u64()?, name: name(c)? },
        16 => {
            let flags = Some(c.u32()?);
            let name = name(c)?;
            let dev = if has_length && c.left() >= 4 { Some(c.u32()?) } else { None };
            FdTarget::Named { kind: FdKind::File, name, flags, dev }
        }
        number => {
            let kind = named(number).ok_or(Broken::Kind)?;
            FdTarget::Named { kind, name: name(c)?, flags: None, dev: None }
        }
    };
    Ok(FdEntry { tid, fd: number, inode, target })
}

/// The local end stands first, as `/proc/net` has it.
fn inet(c: &mut Cursor<'_>, local: IpAddr, remote: IpAddr) -> Result<FdTarget, Short> {
    Ok(FdTarget::Inet {
        local: SocketAddr::new(local, c.u16()?),
        remote: SocketAddr::new(remote, c.u16()?),
        l4: l4(c)?,
    })
}

fn l4(c: &mut Cursor<'_>) -> Result<L4, Short> {
    Ok(match c.u8()? {
        1 => L4::NotApplicable,
        2 => L4::Tcp,
        3 => L4::Udp,
        4 => L4::Icmp,
        5 => L4::Raw,
        _ => L4::Unknown,
    })
}

/// Names of Unix sockets end in a newline in files of before 2017, read from `/proc/net/unix` as they stood there.
fn name(c: &mut Cursor<'_>) -> Result<BString, Short> {
    let mut name = c.text()?;
    if name.last() == Some(&b'\n') {
        name.pop();
    }
    Ok(name)
}

/// Kinds that have nothing but a name.
fn named(number: u8) -> Option<FdKind> {
    Some(match number {
        1 => FdKind::File,
        2 => FdKind::Directory,
        7 => FdKind::Pipe,
        9 => FdKind::Event,
        10 => FdKind::Unsupported,
        11 => FdKind::Signal,
        12 => FdKind::Eventpoll,
        13 => FdKind::Inotify,
        14 => FdKind::Timer,
        15 => FdKind::Netlink,
        17 => FdKind::Bpf,
        18 => FdKind::Userfaultfd,
        19 => FdKind::IoUring,
        20 => FdKind::Memfd,
        21 => FdKind::Pidfd,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8, payload: &[u8]) -> Vec<u8> {
        let mut b = Vec::new();
        b.extend(3i64.to_le_bytes());
        b.extend(44u64.to_le_bytes());
        b.push(number);
        b.extend(payload);
        b
    }

    fn with_length(entry: &[u8]) -> Vec<u8> {
        let mut b = (entry.len() as u32 + 4).to_le_bytes().to_vec();
        b.extend(entry);
        b
    }

    fn read(body: &[u8], has_lengths: bool) -> (Vec<FdEntry>, Vec<usize>) {
        let body = [&7i64.to_le_bytes(), body].concat();
        let mut section = Section::default();
        let mut reports = Vec::new();
        fds(&body, has_lengths, Order::Little, &mut section, &mut |at, _| reports.push(at));
        (section.fds, reports)
    }

    #[test]
    fn every_kind_in_both_versions() {
        let addr = |s: &str| s.parse::<SocketAddr>().unwrap();
        let named = |kind| FdTarget::Named { kind, name: "ab".into(), flags: None, dev: None };
        let v6 = |last: u8| {
            let mut ip = [0u8; 16];
            ip[15] = last;
            ip
        };
        let inet6 = [&v6(1)[..], &v6(2), &[80, 0, 81, 0, 3]].concat();
        let listen6 = [&v6(1)[..], &[80, 0, 2]].concat();
        let unix = [&1u64.to_le_bytes()[..], &2u64.to_le_bytes(), b"\x03\0ab\n"].concat();
        let cases: Vec<(u8, &[u8], FdTarget)> = vec![
            (0, b"", FdTarget::Unknown),
            (1, b"\x02\0ab", named(FdKind::File)),
            (2, b"\x02\0ab", named(FdKind::Directory)),
            (
                3,
                b"\x7f\0\0\x01\x0a\0\0\x02\x50\0\x51\0\x02",
                FdTarget::Inet { local: addr("127.0.0.1:80"), remote: addr("10.0.0.2:81"), l4: L4::Tcp },
            ),
            (4, &inet6, FdTarget::Inet { local: addr("[::1]:80"), remote: addr("[::2]:81"), l4: L4::Udp }),
            (5, b"\x7f\0\0\x01\x50\0\x04", FdTarget::Listen { local: addr("127.0.0.1:80"), l4: L4::Icmp }),
            (6, &listen6, FdTarget::Listen { local: addr("[::1]:80"), l4: L4::Tcp }),
            (7, b"\x02\0ab", named(FdKind::Pipe)),
            (8, &unix, FdTarget::Unix { local: 1, peer: 2, name: "ab".into() }),
            (9, b"\x02\0ab", named(FdKind::Event)),
            (10, b"\x02\0ab", named(FdKind::Unsupported)),
            (11, b"\x02\0ab", named(FdKind::Signal)),
            (12, b"\x02\0ab", named(FdKind::Eventpoll)),
            (13, b"\x02\0ab", named(FdKind::Inotify)),
            (14, b"\x02\0ab", named(FdKind::Timer)),
            (15, b"\x02\0ab", named(FdKind::Netlink)),
            (
                16,
                b"\x03\0\0\0\x02\0ab",
                FdTarget::Named { kind: FdKind::File, name: "ab".into(), flags: Some(3), dev: None },
            ),
            (17, b"\x02\0ab", named(FdKind::Bpf)),
            (18, b"\x02\0ab", named(FdKind::Userfaultfd)),
            (19, b"\x02\0ab", named(FdKind::IoUring)),
            (20, b"\x02\0ab", named(FdKind::Memfd)),
            (21, b"\x02\0ab", named(FdKind::Pidfd)),
        ];
        for (number, payload, target) in cases {
            let expected = FdEntry { tid: Tid(7), fd: 3, inode: Some(44), target };
            let one = entry(number, payload);
            assert_eq!(read(&[&one[..], &one].concat(), false).0, [expected.clone(), expected.clone()]);
            assert_eq!(read(&with_length(&one), true), (vec![expected], vec![]));
        }
    }

    #[test]
    fn the_device_is_there_only_if_the_length_leaves_room() {
        let (fds, _) = read(&with_length(&entry(16, b"\x03\0\0\0\x02\0ab\x09\0\0\0")), true);
        assert!(matches!(fds[0].target, FdTarget::Named { dev: Some(9), .. }));
    }

    #[test]
    fn an_unknown_kind_is_skipped_by_its_length_or_ends_the_block() {
        let known = entry(0, b"");
        let unknown = entry(99, b"xxxx");
        let (fds, reports) = read(&[with_length(&unknown), with_length(&known)].concat(), true);
        assert_eq!((fds.len(), reports), (1, vec![8]));
        let (fds, reports) = read(&[&known[..], &unknown, &known].concat(), false);
        assert_eq!((fds.len(), reports), (1, vec![8 + known.len()]));
    }

    #[test]
    fn a_length_past_the_block_ends_it() {
        let mut entry = with_length(&entry(0, b""));
        entry[0] = 0xff;
        assert_eq!(read(&entry, true), (vec![], vec![8]));
        entry[..4].copy_from_slice(&2u32.to_le_bytes());
        assert_eq!(read(&entry, true), (vec![], vec![8]));
    }
}
