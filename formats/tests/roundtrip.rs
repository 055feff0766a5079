//! Properties of the two writable formats: what is written is read back, and no input breaks a reader.

use std::net::{IpAddr, SocketAddr};

use bstr::{BStr, BString};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tracehound_formats::event::kind;
use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::reader::{Item, ReadNotes};
use tracehound_formats::section::{
    ContainerEntry, FdEntry, FdKind, FdTarget, GroupEntry, InterfaceEntry, L4, Machine, MountEntry, Section,
    ThreadEntry, UserEntry,
};
use tracehound_formats::text::TextWriter;
use tracehound_formats::{
    Arg, Batch, FORMATS, Head, Input, KindId, Nanos, Seq, Tid, TraceReader, TraceWriter, convert, open,
};

/// An argument that owns its bytes.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Absent,
    Empty,
    Int(u64),
    Bytes(Vec<u8>),
    Malformed(Vec<u8>),
}

type EventValue = (Head, Vec<Value>);
type Trace = Vec<(Section, Vec<EventValue>)>;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..24),
        "[ -~]{0,12}".prop_map(String::into_bytes),
        "(/[a-z]{1,6}){1,3}".prop_map(String::into_bytes),
        vec("[a-z=]{0,4}\0", 0..4).prop_map(|v| v.concat().into_bytes()),
        "\\PC{0,6}".prop_map(String::into_bytes),
    ]
}

fn text() -> impl Strategy<Value = BString> {
    bytes().prop_map(BString::from)
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..300, any::<u32>().prop_map(u64::from), any::<u64>(), (0i64..200).prop_map(|v| -v as u64)]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Absent),
        1 => Just(Value::Empty),
        4 => number().prop_map(Value::Int),
        4 => bytes().prop_map(Value::Bytes),
        1 => bytes().prop_map(Value::Malformed),
    ]
}

fn event() -> impl Strategy<Value = EventValue> {
    let kinds: Vec<u16> = kind::all().map(|kind| kind.id.0).collect();
    let kind = prop_oneof![4 => proptest::sample::select(kinds), 1 => any::<u16>()];
    let time = prop_oneof![3 => 1_700_000_000_000_000_000u64..1_700_000_001_000_000_000, 1 => any::<u64>()];
    let head = (any::<u32>(), time, prop_oneof![Just(0), number()], number(), kind, any::<u16>(), any::<u8>());
    let head = head.prop_map(|(seq, ts, enter_ns, tid, kind, cpu, flags)| Head {
        seq: Seq(u64::from(seq)),
        ts: Nanos(ts),
        enter_ns,
        tid: Tid(tid as i64),
        kind: KindId(kind),
        cpu,
        flags,
    });
    (head, vec(value(), 0..8))
}

fn socket() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn transport() -> impl Strategy<Value = L4> {
    proptest::sample::select(vec![L4::Unknown, L4::NotApplicable, L4::Tcp, L4::Udp, L4::Icmp, L4::Raw])
}

fn fd() -> impl Strategy<Value = FdEntry> {
    use FdKind::*;
    let kinds = vec![
        Unknown,
        File,
        Directory,
        Ipv4Socket,
        Ipv4Listen,
        Ipv6Socket,
        Ipv6Listen,
        UnixSocket,
        Pipe,
        Event,
        Unsupported,
        Signal,
        Eventpoll,
        Inotify,
        Timer,
        Netlink,
        Bpf,
        Userfaultfd,
        IoUring,
        Memfd,
        Pidfd,
    ];
    let named = (proptest::sample::select(kinds), text(), option::of(any::<u32>()), option::of(any::<u32>()));
    let target = prop_oneof![
        Just(FdTarget::Unknown),
        named.prop_map(|(kind, name, flags, dev)| FdTarget::Named { kind, name, flags, dev }),
        (socket(), socket(), transport()).prop_map(|(local, remote, l4)| FdTarget::Inet { local, remote, l4 }),
        (socket(), transport()).prop_map(|(local, l4)| FdTarget::Listen { local, l4 }),
        (any::<u64>(), any::<u64>(), text()).prop_map(|(local, peer, name)| FdTarget::Unix { local, peer, name }),
    ];
    (any::<i64>(), any::<i64>(), option::of(any::<u64>()), target).prop_map(|(tid, fd, inode, target)| FdEntry {
        tid: Tid(tid),
        fd,
        inode,
        target,
    })
}

fn thread() -> impl Strategy<Value = ThreadEntry> {
    let ids = (any::<i64>(), any::<i64>(), vec(option::of(any::<i64>()), 7));
    let words = (vec(option::of(any::<u32>()), 5), any::<[u32; 4]>(), any::<[u64; 2]>());
    let longs = (option::of(any::<[u64; 3]>()), option::of(any::<[u64; 3]>()), vec(option::of(any::<u64>()), 3));
    (ids, vec(text(), 9), words, longs).prop_map(|((tid, pid, ids), texts, (words, flags, faults), longs)| {
        let [comm, exe, exepath, args, env, cwd, root, cgroups, namespaces] =
            <[BString; 9]>::try_from(texts).expect("nine");
        let [a, b, c, flags] = flags;
        ThreadEntry {
            tid: Tid(tid),
            pid: Tid(pid),
            ptid: ids[0].map(Tid),
            sid: ids[1],
            pgid: ids[2],
            vpgid: ids[3],
            vtid: ids[4],
            vpid: ids[5],
            comm,
            exe,
            exepath,
            args,
            env,
            cwd,
            root,
            cgroups,
            flags,
            uid: words[0],
            gid: words[1],
            loginuid: words[2],
            tty: words[3],
            fd_limit: ids[6],
            vm_kb: [a, b, c],
            page_faults: faults,
            caps: longs.0,
            exe_flags: words[4],
            exe_inode: longs.1,
            pidns_init_start_ns: longs.2[0],
            start_ns: longs.2[1],
            namespaces,
            seen_ns: longs.2[2],
        }
    })
}

fn section() -> impl Strategy<Value = Section> {
    let some = || option::of(text());
    let numbers =
        (option::of(any::<u32>()), option::of(any::<u64>()), option::of(any::<u64>()), option::of(any::<i64>()));
    let machine = (some(), some(), some(), some(), some(), numbers).prop_map(
        |(hostname, kernel, arch, boot_id, recorder, (n_cpus, memory_bytes, boot_ns, clock_offset_ns))| Machine {
            hostname,
            n_cpus,
            memory_bytes,
            boot_ns,
            kernel,
            arch,
            boot_id,
            recorder,
            clock_offset_ns,
        },
    );
    let user = (any::<u32>(), any::<u32>(), text(), text(), text(), text()).prop_map(
        |(uid, gid, name, home, shell, container_id)| UserEntry { uid, gid, name, home, shell, container_id },
    );
    let group =
        (any::<u32>(), text(), text()).prop_map(|(gid, name, container_id)| GroupEntry { gid, name, container_id });
    let interface = (text(), any::<IpAddr>(), any::<IpAddr>(), any::<IpAddr>(), option::of(any::<u64>()))
        .prop_map(|(name, addr, netmask, broadcast, speed)| InterfaceEntry { name, addr, netmask, broadcast, speed });
    let container = (text(), some(), some(), some(), some())
        .prop_map(|(id, runtime, name, image, json)| ContainerEntry { id, runtime, name, image, json });
    let mount = (option::of(any::<u64>()), text(), text(), text(), text()).prop_map(
        |(mount_ns, source, target, fs_type, options)| MountEntry { mount_ns, source, target, fs_type, options },
    );
    let tables = (vec(user, 0..3), vec(group, 0..3), vec(interface, 0..3), vec(container, 0..3), vec(mount, 0..3));
    (machine, vec(thread(), 0..4), vec(fd(), 0..6), tables).prop_map(
        |(machine, threads, fds, (users, groups, interfaces, containers, mounts))| Section {
            machine,
            threads,
            fds,
            users,
            groups,
            interfaces,
            containers,
            mounts,
            is_addition: false,
        },
    )
}

fn trace() -> impl Strategy<Value = Trace> {
    vec((section(), vec(event(), 0..30), any::<bool>()), 1..3).prop_map(|parts| {
        let parts = parts.into_iter().enumerate().map(|(i, (mut section, events, is_addition))| {
            section.is_addition = i > 0 && is_addition;
            (section, events)
        });
        parts.collect()
    })
}

fn write(trace: &Trace, writer: &mut dyn TraceWriter) {
    for (section, events) in trace {
        writer.section(section).expect("writing to memory");
        let mut batch = Batch::default();
        for (head, args) in events {
            batch.begin(*head);
            for arg in args {
                batch.push(match arg {
                    Value::Absent => Arg::Absent,
                    Value::Empty => Arg::Empty,
                    Value::Int(v) => Arg::Int(*v),
                    Value::Bytes(b) => Arg::Bytes(BStr::new(b)),
                    Value::Malformed(b) => Arg::Malformed(BStr::new(b)),
                });
            }
        }
        writer.batch(&batch).expect("writing to memory");
    }
    writer.finish(&ReadNotes::default()).expect("writing to memory");
}

fn read(reader: &mut dyn TraceReader) -> Trace {
    let mut out = Trace::new();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => out.push((*section, Vec::new())),
            Item::Batch(batch) => {
                let (_, events) = out.last_mut().expect("a section comes first");
                events.extend(batch.iter().map(|event| {
                    let args = event.args().map(|arg| match arg {
                        Arg::Absent => Value::Absent,
                        Arg::Empty => Value::Empty,
                        Arg::Int(v) => Value::Int(v),
                        Arg::Bytes(b) => Value::Bytes(b.to_vec()),
                        Arg::Malformed(b) => Value::Malformed(b.to_vec()),
                    });
                    (*event.head, args.collect())
                }));
            }
        }
    }
    out
}

fn reader(bytes: &[u8]) -> Box<dyn TraceReader> {
    open(Input::from(bytes.to_vec())).expect("written by a writer")
}

fn as_text(trace: &Trace) -> Vec<u8> {
    let mut out = Vec::new();
    write(trace, &mut TextWriter::new(&mut out));
    out
}

fn as_native(trace: &Trace) -> Vec<u8> {
    let mut out = Vec::new();
    write(trace, &mut NativeWriter::new(&mut out, WriteOptions::RECORD).expect("a level of zstd"));
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(trace in trace()) {
        let (text, native) = (as_text(&trace), as_native(&trace));
        let mut from_text = reader(&text);
        prop_assert_eq!(&read(&mut *from_text), &trace);
        prop_assert_eq!(&from_text.notes().damage, &vec![]);
        let mut from_native = reader(&native);
        prop_assert_eq!(&read(&mut *from_native), &trace);
        prop_assert_eq!(&from_native.notes().damage, &vec![]);
        // Text to native and back.
        let mut converted = Vec::new();
        let mut writer = NativeWriter::new(&mut converted, WriteOptions::RECORD).expect("a level of zstd");
        convert(&mut *reader(&text), &mut writer).expect("writing to memory");
        prop_assert_eq!(&read(&mut *reader(&converted)), &trace);
    }

    #[test]
    fn changed_bytes_break_no_reader(trace in trace(), changes in vec((any::<u32>(), any::<u8>()), 1..8), cut in any::<u32>()) {
        for mut bytes in [as_text(&trace), as_native(&trace)] {
            let n = bytes.len();
            for &(at, byte) in &changes {
                bytes[at as usize % n] = byte;
            }
            bytes.truncate(n - (cut as usize % n) / 4);
            for format in FORMATS {
                if let Ok(mut reader) = format.open(Input::from(bytes.clone())) {
                    read(&mut *reader);
                    prop_assert!(reader.next_item().is_none());
                }
            }
        }
    }

    #[test]
    fn garbage_breaks_no_reader(bytes in vec(any::<u8>(), 0..400)) {
        for prefix in [&b""[..], b"#tracehound-trace 1\n", b"\x89trh\r\n\x1a\n\x01\0\x20\0"] {
            let bytes = [prefix, &bytes].concat();
            for format in FORMATS {
                if let Ok(mut reader) = format.open(Input::from(bytes.clone())) {
                    read(&mut *reader);
                }
            }
        }
    }
}
