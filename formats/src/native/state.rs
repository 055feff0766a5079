//! The start state as rows: one table a kind, one field an argument.
//!
//! Codes and positions are stable for ever; a new field is appended, so that a reader takes a missing one as unknown
//! and an older reader ignores what comes after those it knows.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bstr::{BStr, BString};

use super::column::ColumnEncoder;
use super::rows::{self, ArgDecoder, Groups};
use super::varint::{Broken, Cursor};
use crate::event::addr::SockAddr;
use crate::event::{Arg, Batch, Event, Head, KindId, Nanos, Seq, Tid};
use crate::section::{
    ContainerEntry, FdEntry, FdKind, FdTarget, GroupEntry, InterfaceEntry, L4, Machine, MountEntry, Section,
    ThreadEntry, UserEntry,
};

/// Codes of the tables.
mod table {
    pub(super) const MACHINE: u16 = 1;
    pub(super) const THREAD: u16 = 2;
    pub(super) const FD: u16 = 3;
    pub(super) const USER: u16 = 4;
    pub(super) const GROUP: u16 = 5;
    pub(super) const INTERFACE: u16 = 6;
    pub(super) const CONTAINER: u16 = 7;
    pub(super) const MOUNT: u16 = 8;
}

/// Codes of the kinds of descriptors: the position here.
const FD_KINDS: [FdKind; 21] = [
    FdKind::Unknown,
    FdKind::File,
    FdKind::Directory,
    FdKind::Ipv4Socket,
    FdKind::Ipv4Listen,
    FdKind::Ipv6Socket,
    FdKind::Ipv6Listen,
    FdKind::UnixSocket,
    FdKind::Pipe,
    FdKind::Event,
    FdKind::Unsupported,
    FdKind::Signal,
    FdKind::Eventpoll,
    FdKind::Inotify,
    FdKind::Timer,
    FdKind::Netlink,
    FdKind::Bpf,
    FdKind::Userfaultfd,
    FdKind::IoUring,
    FdKind::Memfd,
    FdKind::Pidfd,
];

/// Codes of the transports: the position here.
const TRANSPORTS: [L4; 6] = [L4::Unknown, L4::NotApplicable, L4::Tcp, L4::Udp, L4::Icmp, L4::Raw];

/// A head that carries nothing but the code of a table.
pub(crate) fn row_head(code: u16) -> Head {
    Head { seq: Seq(0), ts: Nanos(0), enter_ns: 0, tid: Tid(0), kind: KindId(code), cpu: 0, flags: 0 }
}

/// Appends the fields of a row.
struct Row<'a>(&'a mut Batch);

impl Row<'_> {
    fn int(&mut self, v: impl Into<u64>) -> &mut Self {
        self.0.push(Arg::Int(v.into()));
        self
    }

    fn signed(&mut self, v: i64) -> &mut Self {
        self.int(v as u64)
    }

    fn option(&mut self, v: Option<u64>) -> &mut Self {
        self.0.push(v.map_or(Arg::Absent, Arg::Int));
        self
    }

    fn bytes(&mut self, v: &[u8]) -> &mut Self {
        self.0.push(Arg::Bytes(BStr::new(v)));
        self
    }

    fn some_bytes(&mut self, v: Option<&BString>) -> &mut Self {
        self.0.push(v.map_or(Arg::Absent, |v| Arg::Bytes(BStr::new(v))));
        self
    }

    fn ints<T: Copy + Into<u64>>(&mut self, v: &[T]) -> &mut Self {
        for &v in v {
            self.int(v);
        }
        self
    }

    fn options<const N: usize>(&mut self, v: Option<[u64; N]>) -> &mut Self {
        for i in 0..N {
            self.option(v.map(|v| v[i]));
        }
        self
    }

    fn absent(&mut self, n: usize) -> &mut Self {
        for _ in 0..n {
            self.0.push(Arg::Absent);
        }
        self
    }

    fn socket(&mut self, addr: &SocketAddr) -> &mut Self {
        let mut bytes = Vec::new();
        SockAddr::Inet(*addr).encode(&mut bytes);
        self.bytes(&bytes)
    }

    fn ip(&mut self, ip: IpAddr) -> &mut Self {
        match ip {
            IpAddr::V4(ip) => self.bytes(&ip.octets()),
            IpAddr::V6(ip) => self.bytes(&ip.octets()),
        }
    }
}

fn signed(v: Option<i64>) -> Option<u64> {
    v.map(|v| v as u64)
}

/// All rows of a section, handed over one by one as the only event of a batch that is used again.
pub(crate) fn for_each_row<E>(
    section: &Section,
    batch: &mut Batch,
    mut after_row: impl FnMut(&mut Batch) -> Result<(), E>,
) -> Result<(), E> {
    let mut put = |code: u16, fill: &mut dyn FnMut(&mut Row<'_>)| {
        batch.begin(row_head(code));
        fill(&mut Row(batch));
        after_row(batch)
    };
    let m = &section.machine;
    if *m != Machine::default() {
        put(table::MACHINE, &mut |row| {
            row.some_bytes(m.hostname.as_ref()).option(m.n_cpus.map(u64::from)).option(m.memory_bytes);
            row.option(m.boot_ns).some_bytes(m.kernel.as_ref()).some_bytes(m.arch.as_ref());
            row.some_bytes(m.boot_id.as_ref()).some_bytes(m.recorder.as_ref()).option(signed(m.clock_offset_ns));
        })?;
    }
    for t in &section.threads {
        put(table::THREAD, &mut |row| {
            row.signed(t.tid.0).signed(t.pid.0).option(t.ptid.map(|t| t.0 as u64)).option(signed(t.sid));
            row.option(signed(t.pgid)).option(signed(t.vpgid)).option(signed(t.vtid)).option(signed(t.vpid));
            row.bytes(&t.comm).bytes(&t.exe).bytes(&t.exepath).bytes(&t.args).bytes(&t.env).bytes(&t.cwd);
            row.bytes(&t.root).bytes(&t.cgroups).int(t.flags).option(t.uid.map(u64::from));
            row.option(t.gid.map(u64::from)).option(t.loginuid.map(u64::from)).option(t.tty.map(u64::from));
            row.option(signed(t.fd_limit)).ints(&t.vm_kb).ints(&t.page_faults).options(t.caps);
            row.option(t.exe_flags.map(u64::from)).options(t.exe_inode).option(t.pidns_init_start_ns);
            row.option(t.start_ns);
            // Only our own recorder knows these; a converted capture keeps its bytes.
            if !t.namespaces.is_empty() || t.seen_ns.is_some() {
                row.bytes(&t.namespaces).option(t.seen_ns);
            }
        })?;
    }
    for fd in &section.fds {
        put(table::FD, &mut |row| {
            row.signed(fd.tid.0).signed(fd.fd).option(fd.inode);
            put_target(&fd.target, row);
        })?;
    }
    for u in &section.users {
        put(table::USER, &mut |row| {
            row.int(u.uid).int(u.gid).bytes(&u.name).bytes(&u.home).bytes(&u.shell).bytes(&u.container_id);
        })?;
    }
    for g in &section.groups {
        put(table::GROUP, &mut |row| {
            row.int(g.gid).bytes(&g.name).bytes(&g.container_id);
        })?;
    }
    for i in &section.interfaces {
        put(table::INTERFACE, &mut |row| {
            row.bytes(&i.name).ip(i.addr).ip(i.netmask).ip(i.broadcast).option(i.speed);
        })?;
    }
    for c in &section.containers {
        put(table::CONTAINER, &mut |row| {
            row.bytes(&c.id).some_bytes(c.runtime.as_ref()).some_bytes(c.name.as_ref());
            row.some_bytes(c.image.as_ref()).some_bytes(c.json.as_ref());
        })?;
    }
    for m in &section.mounts {
        put(table::MOUNT, &mut |row| {
            row.option(m.mount_ns).bytes(&m.source).bytes(&m.target).bytes(&m.fs_type).bytes(&m.options);
        })?;
    }
    Ok(())
}

/// Fields 3.. of a descriptor: what it is, then the fields of all sorts, absent where they do not apply.
fn put_target(target: &FdTarget, row: &mut Row<'_>) {
    let transport = |l4: L4| TRANSPORTS.iter().position(|&t| t == l4).unwrap_or(0) as u64;
    match target {
        FdTarget::Unknown => row.int(0u64),
        FdTarget::Named { kind, name, flags, dev } => {
            let kind = FD_KINDS.iter().position(|k| k == kind).unwrap_or(0) as u64;
            row.int(1u64).bytes(name).int(kind).option(flags.map(u64::from)).option(dev.map(u64::from))
        }
        FdTarget::Inet { local, remote, l4 } => {
            row.int(2u64).absent(4).socket(local).int(transport(*l4)).socket(remote)
        }
        FdTarget::Listen { local, l4 } => row.int(3u64).absent(4).socket(local).int(transport(*l4)),
        FdTarget::Unix { local, peer, name } => row.int(4u64).bytes(name).absent(6).int(*local).int(*peer),
    };
}

/// Appends the payload of rows without heads; returns the codes of their tables.
pub(crate) fn put(batch: &Batch, columns: &mut ColumnEncoder, out: &mut Vec<u8>) -> Vec<KindId> {
    let groups = Groups::of(batch);
    groups.put(out);
    rows::put_args(batch, &groups, columns, out);
    groups.groups.iter().map(|&(kind, _)| kind).collect()
}

/// Reads the payload of `n` rows without heads, in order of table.
pub(crate) fn take(payload: &[u8], n: usize) -> Result<Batch, Broken> {
    let cursor = &mut Cursor::new(payload);
    let groups = rows::take_groups(cursor, n)?;
    let mut args = ArgDecoder::default();
    args.begin(cursor, &groups, n)?;
    let group_of_row: Vec<u16> =
        groups.iter().enumerate().flat_map(|(i, &(_, n_of_kind))| std::iter::repeat_n(i as u16, n_of_kind)).collect();
    let mut sorter = args.sorter();
    group_of_row.iter().enumerate().for_each(|(i, &group)| sorter.row(i, group));
    let tid = row_head(0).tid.0 as u64;
    args.take(cursor, |_| tid)?;
    let mut batch = Batch::default();
    args.block(group_of_row.into_iter().map(|group| (group, row_head(0))), &mut batch);
    Ok(batch)
}

/// Reads the fields of a row in order.
struct Fields<'a> {
    event: Event<'a>,
    next: usize,
}

impl<'a> Fields<'a> {
    fn arg(&mut self) -> Arg<'a> {
        self.next += 1;
        self.event.arg(self.next - 1)
    }

    fn option(&mut self) -> Option<u64> {
        self.arg().uint()
    }

    fn narrow(&mut self) -> Option<u32> {
        self.option().map(|v| v as u32)
    }

    fn signed(&mut self) -> Option<i64> {
        self.arg().int()
    }

    fn some_bytes(&mut self) -> Option<BString> {
        self.arg().bytes().map(|b| b.to_owned())
    }

    fn bytes(&mut self) -> BString {
        self.some_bytes().unwrap_or_default()
    }

    fn options<const N: usize>(&mut self) -> Option<[u64; N]> {
        let values = [(); N].map(|()| self.option());
        values[0].is_some().then(|| values.map(|v| v.unwrap_or(0)))
    }

    fn ints<const N: usize>(&mut self) -> [u64; N] {
        [(); N].map(|()| self.option().unwrap_or(0))
    }

    fn tid(&mut self) -> Tid {
        Tid(self.signed().unwrap_or(0))
    }

    fn socket(&mut self) -> Option<SocketAddr> {
        match SockAddr::decode(self.arg().bytes()?)? {
            SockAddr::Inet(addr) => Some(addr),
            _ => None,
        }
    }

    fn transport(&mut self) -> L4 {
        let code = self.option().and_then(|code| usize::try_from(code).ok());
        code.and_then(|code| TRANSPORTS.get(code).copied()).unwrap_or(L4::Unknown)
    }

    fn ip(&mut self) -> IpAddr {
        let bytes: &[u8] = self.arg().bytes().unwrap_or_default();
        match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
            (Ok(ip), _) => IpAddr::from(ip),
            (_, Ok(ip)) => IpAddr::from(ip),
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    fn target(&mut self) -> FdTarget {
        match self.option() {
            Some(1) => {
                let name = self.bytes();
                let kind = self.option().and_then(|code| FD_KINDS.get(code as usize).copied());
                let kind = kind.unwrap_or(FdKind::Unknown);
                FdTarget::Named { kind, name, flags: self.narrow(), dev: self.narrow() }
            }
            Some(2) => {
                self.next += 4;
                match (self.socket(), self.transport(), self.socket()) {
                    (Some(local), l4, Some(remote)) => FdTarget::Inet { local, remote, l4 },
                    _ => FdTarget::Unknown,
                }
            }
            Some(3) => {
                self.next += 4;
                match (self.socket(), self.transport()) {
                    (Some(local), l4) => FdTarget::Listen { local, l4 },
                    _ => FdTarget::Unknown,
                }
            }
            Some(4) => {
                let name = self.bytes();
                self.next += 6;
                let [local, peer] = self.ints();
                FdTarget::Unix { local, peer, name }
            }
            _ => FdTarget::Unknown,
        }
    }
}

/// Adds the rows to a section; returns how many are of tables that this version does not know.
pub(crate) fn add_rows(rows: &Batch, section: &mut Section) -> u64 {
    let mut n_unknown = 0;
    for event in rows.iter() {
        let f = &mut Fields { event, next: 0 };
        match event.head.kind.0 {
            table::MACHINE => {
                section.machine = Machine {
                    hostname: f.some_bytes(),
                    n_cpus: f.narrow(),
                    memory_bytes: f.option(),
                    boot_ns: f.option(),
                    kernel: f.some_bytes(),
                    arch: f.some_bytes(),
                    boot_id: f.some_bytes(),
                    recorder: f.some_bytes(),
                    clock_offset_ns: f.signed(),
                }
            }
            table::THREAD => section.threads.push(ThreadEntry {
                tid: f.tid(),
                pid: f.tid(),
                ptid: f.signed().map(Tid),
                sid: f.signed(),
                pgid: f.signed(),
                vpgid: f.signed(),
                vtid: f.signed(),
                vpid: f.signed(),
                comm: f.bytes(),
                exe: f.bytes(),
                exepath: f.bytes(),
                args: f.bytes(),
                env: f.bytes(),
                cwd: f.bytes(),
                root: f.bytes(),
                cgroups: f.bytes(),
                flags: f.narrow().unwrap_or(0),
                uid: f.narrow(),
                gid: f.narrow(),
                loginuid: f.narrow(),
                tty: f.narrow(),
                fd_limit: f.signed(),
                vm_kb: f.ints().map(|v: u64| v as u32),
                page_faults: f.ints(),
                caps: f.options(),
                exe_flags: f.narrow(),
                exe_inode: f.options(),
                pidns_init_start_ns: f.option(),
                start_ns: f.option(),
                namespaces: f.bytes(),
                seen_ns: f.option(),
            }),
            table::FD => section.fds.push(FdEntry {
                tid: f.tid(),
                fd: f.signed().unwrap_or(-1),
                inode: f.option(),
                target: f.target(),
            }),
            table::USER => section.users.push(UserEntry {
                uid: f.narrow().unwrap_or(0),
                gid: f.narrow().unwrap_or(0),
                name: f.bytes(),
                home: f.bytes(),
                shell: f.bytes(),
                container_id: f.bytes(),
            }),
            table::GROUP => section.groups.push(GroupEntry {
                gid: f.narrow().unwrap_or(0),
                name: f.bytes(),
                container_id: f.bytes(),
            }),
            table::INTERFACE => section.interfaces.push(InterfaceEntry {
                name: f.bytes(),
                addr: f.ip(),
                netmask: f.ip(),
                broadcast: f.ip(),
                speed: f.option(),
            }),
            table::CONTAINER => section.containers.push(ContainerEntry {
                id: f.bytes(),
                runtime: f.some_bytes(),
                name: f.some_bytes(),
                image: f.some_bytes(),
                json: f.some_bytes(),
            }),
            table::MOUNT => section.mounts.push(MountEntry {
                mount_ns: f.option(),
                source: f.bytes(),
                target: f.bytes(),
                fs_type: f.bytes(),
                options: f.bytes(),
            }),
            _ => n_unknown += 1,
        }
    }
    n_unknown
}
