//! The `.scap` reader against the reference reader of the shared folder, on every capture there.
//!
//! Needs `python3` and the shared folder (`TRACEHOUND_SHARED`, or `../shared` beside the workspace); says so and is
//! skipped without them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tracehound_formats::event::addr::{SockAddr, SockTuple};
use tracehound_formats::event::kind::{ArgType, GENERIC_BASE};
use tracehound_formats::event::{Arg, Event, head_flags};
use tracehound_formats::section::{FdEntry, FdKind, FdTarget, L4, Section, ThreadEntry};
use tracehound_formats::{Batch, Format, Input, Item, ReadNotes, scap};

const DRIVER: &str = include_str!("scap_reference/driver.py");

/// Captures whose events are compared one by one; of the others, which are large, the counts.
const WHOLE: &[&str] = &["host/", "synthetic/", "vm/kt-"];

fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let path = std::env::var_os("TRACEHOUND_SHARED").map_or(beside, PathBuf::from);
    path.join("captures").is_dir().then_some(path)
}

fn captures(shared: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["host", "synthetic", "vm", "large"] {
        let Ok(entries) = std::fs::read_dir(shared.join("captures").join(folder)) else { continue };
        files.extend(entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| {
            let name = p.to_string_lossy();
            name.ends_with(".scap") || name.ends_with(".scap.gz")
        }));
    }
    files.sort();
    files
}

fn reference(shared: &Path, file: &Path, mode: &str) -> Option<String> {
    let output = Command::new("python3")
        .args(["-B", "-c", DRIVER])
        .arg(shared.join("tools"))
        .arg(shared.join("specs/scap-events.json"))
        .args([file.as_os_str(), mode.as_ref()])
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("the driver prints ASCII"))
}

struct Trace {
    sections: Vec<Section>,
    batches: Vec<Batch>,
    notes: ReadNotes,
}

fn read(file: &Path) -> Trace {
    let mut reader = scap::Scap.open(Input::open(file).unwrap()).unwrap();
    let mut trace = Trace { sections: Vec::new(), batches: Vec::new(), notes: ReadNotes::default() };
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => trace.sections.push(*section),
            Item::Batch(batch) => trace.batches.push(batch),
        }
    }
    trace.notes = reader.notes().clone();
    trace
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn option<T: ToString>(value: Option<T>) -> String {
    value.map_or("-".to_owned(), |v| v.to_string())
}

fn numbers(values: Option<[u64; 3]>) -> String {
    option(values.map(|v| v.map(|v| v.to_string()).join(" ")))
}

/// An argument as the driver writes it.
fn shown(value: Arg<'_>, ty: ArgType) -> String {
    let bytes = match value {
        Arg::Absent => return "absent".to_owned(),
        Arg::Empty => return "empty".to_owned(),
        Arg::Int(v) if ty.is_signed() => return format!("int {}", v as i64),
        Arg::Int(v) => return format!("int {v}"),
        Arg::Malformed(bytes) => return format!("malformed {}", hex(bytes)),
        Arg::Bytes(bytes) => bytes,
    };
    let raw = || format!("bytes {}", hex(bytes));
    match ty {
        ArgType::SockAddr => match SockAddr::decode(bytes) {
            Some(SockAddr::Inet(a)) => {
                format!("{} {} {}", if a.is_ipv4() { "inet" } else { "inet6" }, a.ip(), a.port())
            }
            Some(SockAddr::Unix(path)) => format!("unix {}", hex(path)),
            _ => raw(),
        },
        ArgType::SockTuple => match SockTuple::decode(bytes) {
            Some(SockTuple::Inet { src, dst }) => {
                let family = if src.is_ipv4() { "inet" } else { "inet6" };
                format!("{family} {} {} {} {}", src.ip(), src.port(), dst.ip(), dst.port())
            }
            Some(SockTuple::Unix { src, dst, path }) => format!("unix {src} {dst} {}", hex(path)),
            _ => raw(),
        },
        ArgType::FdList => {
            let entries = bytes[2..].chunks_exact(10).map(|entry| {
                let (fd, flags) = entry.split_at(8);
                let fd = i64::from_le_bytes(fd.try_into().unwrap());
                format!("{fd}:{}", i16::from_le_bytes(flags.try_into().unwrap()))
            });
            format!("list {}", entries.collect::<Vec<_>>().join(" "))
        }
        ArgType::Dyn(types) => match types.get(usize::from(bytes[0])) {
            Some(inner) if bytes.len() > 1 => {
                let rest = &bytes[1..];
                let value = match inner.int_width() {
                    Some(width) => {
                        let mut int = [0u8; 8];
                        int[..rest.len()].copy_from_slice(rest);
                        assert_eq!(usize::from(width), rest.len());
                        let v = u64::from_le_bytes(int);
                        let shift = 64 - 8 * u32::from(width);
                        let signed = (v << shift) as i64 >> shift;
                        shown(Arg::Int(if inner.is_signed() { signed as u64 } else { v }), *inner)
                    }
                    None => shown(Arg::Bytes(rest), *inner),
                };
                format!("dyn {} {value}", bytes[0])
            }
            _ => raw(),
        },
        _ => raw(),
    }
}

fn compare_event(name: &str, fields: &[&str], event: Event<'_>) {
    let head = event.head;
    let [ts, tid, cpu, state_only, code, type_name, enter_ts] = fields[..7] else { panic!("{name}: {fields:?}") };
    let context = format!("{name}: event {} {fields:?}: {event:?}", head.seq.0);
    assert_eq!(head.ts.0.to_string(), ts, "{context}");
    assert_eq!(head.tid.0.to_string(), tid, "{context}");
    assert_eq!(head.cpu.to_string(), cpu, "{context}");
    assert_eq!(
        (head.flags & head_flags::STATE_ONLY) / head_flags::STATE_ONLY,
        state_only.parse().unwrap(),
        "{context}"
    );
    let kind = head.kind.get().unwrap();
    if head.kind.0 >= GENERIC_BASE {
        assert_eq!(code, "1", "{context}");
    } else {
        assert_eq!(head.kind.0.to_string(), code, "{context}");
        // Only the two halves of a pair of pseudo-events have names of their own.
        assert!(kind.name == type_name || kind.name.ends_with("_end"), "{context}");
    }
    if enter_ts != "-" {
        assert_eq!(head.enter_ns.to_string(), enter_ts, "{context}");
    }
    for (i, spec) in kind.args.iter().enumerate() {
        let ours = shown(event.arg(i), spec.ty);
        match fields.get(7 + i) {
            // What the reference does not have can only come from the enter event.
            None | Some(&"absent") => {
                let is_from_enter = head.flags & head_flags::FROM_ENTER != 0;
                assert!(ours == "absent" || is_from_enter, "argument {i}: {context}");
            }
            // The name an enter event has fills one that its exit event left empty.
            Some(&"empty") if ours != "empty" => {
                assert!(head.flags & head_flags::FROM_ENTER != 0, "argument {i}: {context}");
            }
            // The reference cuts text at its first NUL, the reader keeps what is behind it.
            Some(&expected) if ours.starts_with(expected) && ours[expected.len()..].starts_with("00") => {}
            Some(&expected) => assert_eq!(ours, expected, "argument {i}: {context}"),
        }
    }
}

/// NUL-terminated strings; the reference cannot tell one empty string from none.
fn list(bytes: &[u8]) -> String {
    if bytes == b"\0" { String::new() } else { hex(bytes) }
}

fn thread_line(t: &ThreadEntry) -> String {
    [
        t.tid.0.to_string(),
        t.pid.0.to_string(),
        option(t.ptid.map(|tid| tid.0)),
        option(t.sid),
        option(t.vpgid),
        hex(&t.comm),
        hex(&t.exe),
        hex(&t.exepath),
        list(&t.args),
        hex(&t.cwd),
        option(t.fd_limit),
        t.flags.to_string(),
        option(t.uid),
        option(t.gid),
        t.vm_kb.map(|v| v.to_string()).join("\t"),
        t.page_faults.map(|v| v.to_string()).join("\t"),
        list(&t.env),
        option(t.vtid),
        option(t.vpid),
        list(&t.cgroups),
        hex(&t.root),
        option(t.tty),
        option(t.loginuid),
        numbers(t.caps),
        option(t.exe_flags),
        numbers(t.exe_inode),
        option(t.pgid),
        option(t.pidns_init_start_ns),
    ]
    .join("\t")
}

fn l4(l4: L4) -> u8 {
    match l4 {
        L4::Unknown => 0,
        L4::NotApplicable => 1,
        L4::Tcp => 2,
        L4::Udp => 3,
        L4::Icmp => 4,
        L4::Raw => 5,
    }
}

fn fd_line(fd: &FdEntry) -> String {
    let none = || ("".to_owned(), "-".to_owned(), "-".to_owned());
    let (kind, (name, flags, dev), ends) = match &fd.target {
        FdTarget::Unknown => (0, none(), String::new()),
        FdTarget::Named { kind, name, flags, dev } => {
            let kind = match kind {
                FdKind::File => 1,
                FdKind::Directory => 2,
                FdKind::Pipe => 7,
                FdKind::Event => 9,
                FdKind::Unsupported => 10,
                FdKind::Signal => 11,
                FdKind::Eventpoll => 12,
                FdKind::Inotify => 13,
                FdKind::Timer => 14,
                FdKind::Netlink => 15,
                FdKind::Bpf => 17,
                FdKind::Userfaultfd => 18,
                FdKind::IoUring => 19,
                FdKind::Memfd => 20,
                FdKind::Pidfd => 21,
                other => panic!("{other:?} has a target of its own"),
            };
            (kind, (hex(name), option(*flags), option(*dev)), String::new())
        }
        FdTarget::Inet { local, remote, l4: proto } => {
            let kind = if local.is_ipv4() { 3 } else { 4 };
            let (a, b, c, d) = (local.ip(), local.port(), remote.ip(), remote.port());
            (kind, none(), format!("{a} {b} {c} {d} {}", l4(*proto)))
        }
        FdTarget::Listen { local, l4: proto } => {
            let kind = if local.is_ipv4() { 5 } else { 6 };
            (kind, none(), format!("{} {} {}", local.ip(), local.port(), l4(*proto)))
        }
        FdTarget::Unix { local, peer, name } => {
            (8, (hex(name), "-".to_owned(), "-".to_owned()), format!("{local} {peer}"))
        }
    };
    format!("{}\t{}\t{}\t{kind}\t{name}\t{flags}\t{dev}\t{ends}", fd.tid.0, fd.fd, fd.inode.unwrap_or(0))
}

/// The tables of a section as the driver writes them.
fn table_lines(section: &Section) -> Vec<String> {
    let mut lines: Vec<String> = section.threads.iter().map(|t| format!("thread\t{}", thread_line(t))).collect();
    lines.extend(section.fds.iter().map(|fd| format!("fd\t{}", fd_line(fd))));
    lines.extend(
        section
            .users
            .iter()
            .map(|u| format!("user\t{}\t{}\t{}\t{}\t{}", u.uid, u.gid, hex(&u.name), hex(&u.home), hex(&u.shell))),
    );
    lines.extend(section.groups.iter().map(|g| format!("group\t{}\t{}", g.gid, hex(&g.name))));
    lines.extend(
        section
            .interfaces
            .iter()
            .map(|i| format!("interface\t{}\t{}\t{}\t{}", hex(&i.name), i.addr, i.netmask, i.broadcast)),
    );
    let m = &section.machine;
    if let (Some(cpus), Some(memory)) = (m.n_cpus, m.memory_bytes) {
        let hostname = m.hostname.as_ref().map_or(String::new(), |name| hex(name));
        lines.push(format!("machine\t{cpus}\t{memory}\t{hostname}\t{}", m.boot_ns.unwrap_or(0)));
    }
    lines
}

fn check_counts(name: &str, line: &str, trace: &Trace) {
    let mut fields = line.split(' ').skip(1).map(|n| n.parse::<u64>().unwrap());
    assert_eq!(Some(trace.notes.n_records), fields.next(), "{name}: records");
    assert_eq!(Some(trace.notes.n_events), fields.next(), "{name}: events");
    let n_delivered: u64 = trace.batches.iter().map(|b| b.len() as u64).sum();
    let n_late: u64 =
        trace.batches.iter().flat_map(Batch::iter).filter(|e| e.head.seq.0 > trace.notes.n_events).count() as u64;
    let folded = trace.notes.skipped.iter().find(|s| s.what.ends_with("numbered by Falco")).map_or(0, |s| s.n);
    assert_eq!(n_delivered - n_late + folded, trace.notes.n_events, "{name}: every numbered event comes out once");
}

fn check_whole(name: &str, reference: &str, trace: &Trace) {
    let by_seq: BTreeMap<u64, Event<'_>> =
        trace.batches.iter().flat_map(Batch::iter).map(|event| (event.head.seq.0, event)).collect();
    let mut tables = Vec::new();
    for line in reference.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[0] {
            "event" => {
                let seq = fields[1].parse().unwrap();
                let event = by_seq.get(&seq).unwrap_or_else(|| panic!("{name}: event {seq} is missing"));
                compare_event(name, &fields[2..], *event);
            }
            _ if line.starts_with("folded ") => {
                let seq = line[7..].parse().unwrap();
                assert!(!by_seq.contains_key(&seq), "{name}: enter event {seq} was delivered");
            }
            _ if line.starts_with("counts ") => check_counts(name, line, trace),
            _ if line.starts_with("stopped") => panic!("{name}: {line}"),
            _ => tables.push(line.to_owned()),
        }
    }
    let ours: Vec<String> = trace.sections.iter().flat_map(table_lines).collect();
    assert_eq!(ours.len(), tables.len(), "{name}: rows of tables");
    for (ours, reference) in std::iter::zip(&ours, &tables) {
        assert_eq!(ours, reference, "{name}");
    }
    let expected_damage = if name.ends_with("synthfd.scap") { 3 } else { 0 };
    assert_eq!(trace.notes.n_damage, expected_damage, "{name}: {:?}", trace.notes.damage);
}

fn check(select: impl Fn(&str) -> bool) {
    let Some(shared) = shared() else {
        tracehound_skipped::skipped!("no shared folder (set TRACEHOUND_SHARED)");
        return;
    };
    if Command::new("python3").arg("--version").output().is_err() {
        tracehound_skipped::skipped!("no python3");
        return;
    }
    let mut n = 0;
    for file in captures(&shared) {
        let name = file.strip_prefix(shared.join("captures")).unwrap().to_string_lossy().into_owned();
        if !select(&name) {
            continue;
        }
        let is_whole = WHOLE.iter().any(|prefix| name.starts_with(prefix));
        let Some(reference) = reference(&shared, &file, if is_whole { "all" } else { "counts" }) else { return };
        let trace = read(&file);
        if is_whole {
            check_whole(&name, &reference, &trace);
        } else {
            check_counts(&name, reference.lines().last().unwrap(), &trace);
        }
        n += 1;
    }
    assert!(n > 0, "no capture was selected");
}

#[test]
fn host_captures() {
    check(|name| name.starts_with("host/"));
}

#[test]
fn synthetic_captures() {
    check(|name| name.starts_with("synthetic/"));
}

#[test]
fn vm_captures() {
    check(|name| name.starts_with("vm/"));
}

#[test]
fn large_captures() {
    check(|name| name.starts_with("large/"));
}
