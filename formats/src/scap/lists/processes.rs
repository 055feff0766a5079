//! Process list, versions 1 to 9: one entry a thread.

use super::super::cursor::{Cursor, Order, Short};
use super::{Report, entries_in_a_row, entries_with_lengths};
use crate::event::Tid;
use crate::section::{Section, ThreadEntry};

/// First version whose entries carry a length.
const WITH_LENGTHS: u8 = 9;

/// Bytes of the tail before two fields were put in front of the login uid (libs 0.10); a longer tail has them.
const OLD_TAIL: usize = 29;

/// Bits of `exe_flags`, in the order of the `execve_flags` table.
const EXE_WRITABLE: u32 = 1;
const EXE_UPPER_LAYER: u32 = 2;
const EXE_FROM_MEMFD: u32 = 4;
const EXE_LOWER_LAYER: u32 = 8;

/// Reads a process list of the version.
pub(in crate::scap) fn processes(body: &[u8], version: u8, order: Order, section: &mut Section, report: Report<'_>) {
    let threads = &mut section.threads;
    let entry = |cursor: &mut Cursor<'_>| {
        let mut thread = fields(cursor, version)?;
        if version >= WITH_LENGTHS {
            tail(cursor, &mut thread);
        }
        threads.push(thread);
        Ok(())
    };
    if version >= WITH_LENGTHS {
        entries_with_lengths(body, 0, order, true, report, entry);
    } else {
        entries_in_a_row(body, 0, order, report, entry);
    }
}

/// An id that writers store as -1 when they do not know it.
fn id(value: i64) -> Option<i64> {
    Some(value).filter(|&v| v != -1)
}

fn fields(c: &mut Cursor<'_>, version: u8) -> Result<ThreadEntry, Short> {
    let mut t = ThreadEntry::new(Tid(c.i64()?), Tid(c.i64()?));
    // Threads and kernel threads may have 0 here, which is no thread.
    t.ptid = Some(c.i64()?).filter(|&v| v > 0).map(Tid);
    if version >= 6 {
        t.sid = id(c.i64()?);
    }
    if version >= 8 {
        t.vpgid = id(c.i64()?);
    }
    t.comm = c.text()?;
    t.exe = c.text()?;
    if version >= 7 {
        t.exepath = c.text()?;
    }
    t.args = c.list()?;
    t.cwd = c.text()?;
    t.fd_limit = Some(c.i64()?);
    t.flags = c.u32()?;
    t.uid = Some(c.u32()?).filter(|&v| v != u32::MAX);
    t.gid = Some(c.u32()?).filter(|&v| v != u32::MAX);
    if version >= 2 {
        t.vm_kb = [c.u32()?, c.u32()?, c.u32()?];
        t.page_faults = [c.u64()?, c.u64()?];
    }
    if version >= 3 {
        t.env = c.list()?;
    }
    if version >= 4 {
        t.vtid = id(c.i64()?);
        t.vpid = id(c.i64()?);
        t.cgroups = c.list()?;
    }
    if version >= 5 {
        t.root = c.text()?;
    }
    Ok(t)
}

/// Fields that were appended one release after another: each is there only if it fits.
///
/// Every release so far writes zeros for all of them but the login uid and the process group, so zero is "unknown":
/// an empty capability set would read as an unprivileged process.
fn tail(c: &mut Cursor<'_>, t: &mut ThreadEntry) {
    let known = |v: u64| Some(v).filter(|&v| v != 0);
    let mut caps = [0; 3];
    let mut inode = [0; 3];
    let mut exe_flags = 0;
    let mut read = || -> Result<(), Short> {
        if c.left() > OLD_TAIL {
            t.pidns_init_start_ns = known(c.u64()?);
            t.tty = Some(c.u32()?).filter(|&v| v != 0);
        }
        t.loginuid = Some(c.u32()?).filter(|&v| v != u32::MAX);
        let flag = |v: u8, bit: u32| if v != 0 { bit } else { 0 };
        exe_flags |= flag(c.u8()?, EXE_WRITABLE);
        for cap in &mut caps {
            *cap = c.u64()?;
        }
        exe_flags |= flag(c.u8()?, EXE_UPPER_LAYER);
        for field in &mut inode {
            *field = c.u64()?;
        }
        exe_flags |= flag(c.u8()?, EXE_FROM_MEMFD);
        exe_flags |= flag(c.u8()?, EXE_LOWER_LAYER);
        t.pgid = id(c.i64()?);
        Ok(())
    };
    // Running out of bytes is how an older writer's entry ends.
    let _ = read();
    t.caps = Some(caps).filter(|caps| caps.iter().any(|&v| v != 0));
    t.exe_inode = Some(inode).filter(|inode| inode.iter().any(|&v| v != 0));
    t.exe_flags = Some(exe_flags).filter(|&v| v != 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry of a version, with every field it has, and this many bytes of the tail.
    fn entry(version: u8, n_tail: usize) -> Vec<u8> {
        let mut b = Vec::new();
        let text = |b: &mut Vec<u8>, s: &[u8]| {
            b.extend((s.len() as u16).to_le_bytes());
            b.extend(s);
        };
        for v in [11i64, 10, 1] {
            b.extend(v.to_le_bytes());
        }
        if version >= 6 {
            b.extend(9i64.to_le_bytes());
        }
        if version >= 8 {
            b.extend(8i64.to_le_bytes());
        }
        text(&mut b, b"comm");
        text(&mut b, b"exe");
        if version >= 7 {
            text(&mut b, b"/bin/exe");
        }
        text(&mut b, b"-a\0b");
        text(&mut b, b"/cwd");
        b.extend(1024i64.to_le_bytes());
        for v in [0x200u32, 1000, 100] {
            b.extend(v.to_le_bytes());
        }
        if version >= 2 {
            for v in [1u32, 2, 3] {
                b.extend(v.to_le_bytes());
            }
            for v in [4u64, 5] {
                b.extend(v.to_le_bytes());
            }
        }
        if version >= 3 {
            text(&mut b, b"A=1\0");
        }
        if version >= 4 {
            b.extend(7i64.to_le_bytes());
            b.extend(6i64.to_le_bytes());
            text(&mut b, b"cpu=/x\0");
        }
        if version >= 5 {
            text(&mut b, b"/");
        }
        if version >= 9 {
            let mut tail = Vec::new();
            if n_tail > OLD_TAIL {
                tail.extend(70u64.to_le_bytes());
                tail.extend(71u32.to_le_bytes());
            }
            tail.extend(72u32.to_le_bytes());
            tail.push(1);
            for v in [73u64, 74, 75] {
                tail.extend(v.to_le_bytes());
            }
            tail.push(1);
            for v in [76u64, 77, 78] {
                tail.extend(v.to_le_bytes());
            }
            tail.extend([1, 1]);
            tail.extend(79i64.to_le_bytes());
            b.extend(&tail[..n_tail]);
            let len = b.len() as u32 + 4;
            b.splice(0..0, len.to_le_bytes());
        }
        b
    }

    fn read(body: &[u8], version: u8) -> Vec<ThreadEntry> {
        let mut section = Section::default();
        processes(body, version, Order::Little, &mut section, &mut |at, what| panic!("{at}: {what}"));
        section.threads
    }

    #[test]
    fn every_version_has_its_fields() {
        for version in 1..=9u8 {
            let mut body = [entry(version, 76), entry(version, 76)].concat();
            body.extend([0; 3]);
            let threads = read(&body, version);
            assert_eq!(threads.len(), 2, "version {version}");
            let t = &threads[1];
            assert_eq!((t.tid, t.pid, t.ptid), (Tid(11), Tid(10), Some(Tid(1))));
            assert_eq!(t.sid, (version >= 6).then_some(9));
            assert_eq!(t.vpgid, (version >= 8).then_some(8));
            assert_eq!(t.comm, "comm");
            assert_eq!(t.exe, "exe");
            assert_eq!(t.exepath, if version >= 7 { "/bin/exe" } else { "" });
            assert_eq!(t.args, "-a\0b\0");
            assert_eq!((t.fd_limit, t.flags, t.uid, t.gid), (Some(1024), 0x200, Some(1000), Some(100)));
            assert_eq!(t.vm_kb, if version >= 2 { [1, 2, 3] } else { [0; 3] });
            assert_eq!(t.env, if version >= 3 { "A=1\0" } else { "" });
            assert_eq!((t.vtid, t.vpid), if version >= 4 { (Some(7), Some(6)) } else { (None, None) });
            assert_eq!(t.root, if version >= 5 { "/" } else { "" });
            assert_eq!(t.pgid, (version >= 9).then_some(79));
        }
    }

    #[test]
    fn the_tail_of_every_length_ends_where_it_ends() {
        // Length of the tail, then: login uid, capabilities, inode, flags.
        let cases = [
            (0, None, false, false, None),
            (3, None, false, false, None),
            (4, Some(72), false, false, None),
            (5, Some(72), false, false, Some(1)),
            (29, Some(72), true, false, Some(1)),
            (66, Some(72), true, true, Some(3)),
            (67, Some(72), true, true, Some(7)),
            (68, Some(72), true, true, Some(15)),
            (76, Some(72), true, true, Some(15)),
        ];
        for (n, loginuid, has_caps, has_inode, flags) in cases {
            let t = &read(&entry(9, n), 9)[0];
            assert_eq!(t.loginuid, loginuid, "{n}");
            assert_eq!(t.caps, has_caps.then_some([73, 74, 75]), "{n}");
            assert_eq!(t.exe_inode, has_inode.then_some([76, 77, 78]), "{n}");
            assert_eq!(t.exe_flags, flags, "{n}");
            assert_eq!(t.tty, (n > 29).then_some(71), "{n}");
            assert_eq!(t.pgid, (n == 76).then_some(79), "{n}");
        }
    }

    #[test]
    fn a_broken_entry_is_left_out_and_the_next_is_read() {
        let mut broken = entry(9, 0);
        broken[4 + 24] = 0xff; // length of comm
        broken[4 + 24 + 1] = 0xff;
        let body = [broken, entry(9, 4)].concat();
        let mut section = Section::default();
        let mut reports = Vec::new();
        processes(&body, 9, Order::Little, &mut section, &mut |at, _| reports.push(at));
        // vpgid and sid stand before comm in version 9, so the bytes hit are theirs; the entry still reads.
        assert_eq!(section.threads.len() + reports.len(), 2);
        let mut cut = entry(1, 0);
        cut.truncate(30);
        let mut section = Section::default();
        processes(&[entry(1, 0), cut].concat(), 1, Order::Little, &mut section, &mut |at, _| reports.push(at));
        assert_eq!(section.threads.len(), 1);
        assert_eq!(reports.last(), Some(&entry(1, 0).len()));
    }
}
