//! The notation as its users see it: what a text means, what is written for it, what is said of mistakes.

use bstr::BString;

use super::*;
use crate::event::kind::{self, ArgType};
use crate::event::{Arg, Event, Head, KindId, Nanos, Seq, Tid, syscalls};
use crate::writer::TraceWriter;

/// Writes items and reads them back; returns the text too.
fn written(section: &Section, events: &Batch, notes: &ReadNotes) -> String {
    let mut out = Vec::new();
    let mut writer = TextWriter::new(&mut out);
    writer.section(section).unwrap();
    writer.batch(events).unwrap();
    writer.finish(notes).unwrap();
    String::from_utf8(out).expect("the notation is UTF-8")
}

fn assert_same(a: &Batch, b: &Batch, context: &str) {
    assert_eq!(a.len(), b.len(), "{context}");
    for (x, y) in a.iter().zip(b.iter()) {
        assert_eq!(x.head, y.head, "{context}");
        assert!(x.args().eq(y.args()), "{x:?}\n{y:?}\n{context}");
    }
}

/// Reads a text, writes it, compares with the expected text, reads that.
fn check(text: &str, expected: &str) {
    let (section, events) = fixture(text);
    let out = written(&section, &events, &ReadNotes::default());
    assert_eq!(out, format!("#tracehound-trace 1\n{expected}"));
    let (section_again, events_again) = fixture(&out);
    assert_eq!(section_again, section);
    assert_same(&events, &events_again, &out);
}

#[test]
fn a_trace_written_by_hand() {
    check(
        r#"
        # Everything but thread id and name may be left out.
        machine hostname=web-01 kernel=6.1.0 cpus=2
        machine boot_ns=5
        user 1000 alice home=/home/alice shell=/bin/bash
        group 1000 alice
        interface eth0 10.0.0.1 netmask=255.255.255.0
        mount / source=/dev/sda1 type=ext4 ns=4026531841
        container 3ad7 runtime=docker name=web image=nginx:1.25 json="{\"a\":1}"
        thread 1 comm=systemd exe=/sbin/init args=["--system"] cwd=/ uid=0 gid=0 caps=0,0x1,2
        thread 100 ptid=1 comm=bash env=["A=1", "B=x y"] exe_flags=EXE_WRITABLE
        fd 100 0 file /dev/pts/0 flags=O_RDWR dev=0x8 ino=3
        fd 100 1 eventpoll
        fd 100 3 ipv4 10.0.0.1:4242->10.0.0.2:80 tcp
        fd 100 4 listen [::1]:80
        fd 100 5 unix 0x1->0x2 /run/x.sock
        fd 100 6 none
        100 openat fd=3 dirfd=AT_FDCWD name="/etc/passwd" flags=O_RDONLY|O_CLOEXEC mode=0 dev=0x801 ino=77
        +1ms 100 @3 close res=EBADF fd=3   # ended badly
        9 2026-01-01T00:00:00Z 100 ~unfinished <5us read fd=0
        -5ns 101 generic:read ID=read nativeID=0
        12 17 -1 kind:600 arg1=5
        "#,
        r#"machine hostname=web-01 kernel=6.1.0 cpus=2 boot_ns=5
user 1000 alice gid=1000 home=/home/alice shell=/bin/bash
group 1000 alice
interface eth0 10.0.0.1 netmask=255.255.255.0 broadcast=0.0.0.0
mount / source=/dev/sda1 type=ext4 ns=4026531841
container 3ad7 runtime=docker name=web image=nginx:1.25 json="{\"a\":1}"
thread 1 pid=1 comm=systemd exe=/sbin/init args=["--system"] cwd=/ uid=0 gid=0 caps=0,1,2
thread 100 pid=100 ptid=1 comm=bash exe_flags=EXE_WRITABLE env=["A=1","B=x y"]
fd 100 0 file /dev/pts/0 flags=O_RDWR dev=0x8 ino=3
fd 100 1 eventpoll ""
fd 100 3 inet 10.0.0.1:4242->10.0.0.2:80 tcp
fd 100 4 listen [::1]:80 tcp
fd 100 5 unix 0x1->0x2 /run/x.sock
fd 100 6 none
1 1735689600000001000 100 openat fd=3 dirfd=AT_FDCWD name=/etc/passwd flags=O_RDONLY|O_CLOEXEC mode=0 dev=0x801 ino=77
2 +1ms 100 @3 close res=EBADF fd=3
9 +31535999998999us 100 ~unfinished <5us read fd=0
10 -5ns 101 generic:read ID=read nativeID=0
12 -1767225599999999978ns -1 kind:600 arg1=5
"#,
    );
}

#[test]
fn absent_arguments_keep_their_number() {
    check("100 open fd=3", "1 1735689600000001000 100 open fd=3\n");
    check("100 open flags=", "1 1735689600000001000 100 open flags=\n");
    check("100 open ino=?", "1 1735689600000001000 100 open ino=?\n");
    check("100 open ino=1 arg7=\"\"", "1 1735689600000001000 100 open ino=1 arg7=\"\"\n");
    let (_, events) = fixture("100 open ino=?");
    assert_eq!(events.get(0).unwrap().args().len(), 6);
}

#[test]
fn a_bad_line_is_damage_with_its_place_and_the_rest_is_read() {
    let check = |line: &str, column: usize, what: &str| {
        let text = format!("thread 1\n100 close res=0\n{line}\n100 close res=0");
        let (_, events, notes) = parse(&text);
        assert_eq!((events.len(), notes.n_damage), (2, 1), "{line}: {:?}", notes.damage);
        let damage = &notes.damage[0];
        assert_eq!(damage.offset, 25 + column as u64 - 1, "{line}: {damage:?}");
        let shown = &damage.what;
        assert!(shown.starts_with(&format!("line 3, column {column}: ")) && shown.contains(what), "{line}: {shown}");
    };
    check("100 opnat fd=3", 5, "`opnat` is not the name of an event");
    check("100 openat foo=3", 12, "`openat` has no argument `foo`; it has fd, dirfd, name");
    check("100 openat fd=x", 15, "expected a number, found `x`");
    check("100 openat fd=1 fd=1", 17, "`fd` is given twice");
    check("100 openat fd=1 name", 17, "expected name=value");
    check("100 openat name=\"a", 17, "no closing quote");
    check("100", 1, "name of an event");
    check("hello", 1, "expected an event");
    check("thread 7", 1, "start state after the first event");
    check("+5parsecs 100 close", 1, "duration");
    check("100 @70000 close", 6, "CPU");
    check("100 ~x close", 6, "from_enter");
    check("\u{1b}(31m", 1, "expected an event");
    // In the start state.
    let check = |line: &str, column: usize, what: &str| {
        let (_, _, notes) = parse(line);
        assert_eq!(notes.n_damage, 1, "{line}");
        assert_eq!(notes.damage[0].offset + 1, column as u64, "{line}: {:?}", notes.damage);
        assert!(notes.damage[0].what.contains(what), "{line}: {:?}", notes.damage);
    };
    check("thread x", 8, "expected a number");
    check("thread 1 colour=red", 10, "unknown key `colour`; known keys are pid, ptid");
    check("thread 1 2", 10, "expected key=value");
    check("thread 1 vm_kb=1,2", 16, "3 numbers");
    check("user 5", 1, "needs a name");
    check("fd 1 2 plan9", 8, "found `plan9`");
    check("fd 1 2 inet 10.0.0.1:1", 13, "LOCAL->REMOTE");
}

#[test]
fn sections_follow_each_other() {
    let text = "#tracehound-trace 1\nmachine hostname=a\n1 close\nsection\nmachine hostname=b\n1 close\n1 close\n\
                #tracehound-trace 1\nmachine hostname=c\n";
    let mut reader = TextReader::new(Input::from(text.as_bytes().to_vec()));
    let mut shape = Vec::new();
    while let Some(item) = reader.next_item() {
        shape.push(match item {
            Item::Section(section) => section.machine.hostname.unwrap().to_string(),
            Item::Batch(batch) => batch.len().to_string(),
        });
    }
    assert_eq!(shape, ["a", "1", "b", "2", "c"]);
    assert_eq!(reader.notes().n_damage, 0);
}

#[test]
fn tables_that_add_to_those_before_are_marked() {
    let text = "#tracehound-trace 1\nthread 1\n1 close\nsection adds\nthread 2\n1 close\n";
    let mut reader = TextReader::new(Input::from(text.as_bytes().to_vec()));
    let mut out = Vec::new();
    crate::writer::convert(&mut reader, &mut TextWriter::new(&mut out)).unwrap();
    let mut reader = TextReader::new(Input::from(out));
    let mut marks = Vec::new();
    while let Some(item) = reader.next_item() {
        if let Item::Section(section) = item {
            marks.push(section.is_addition);
        }
    }
    assert_eq!(marks, [false, true]);
}

#[test]
fn notes_of_the_source_are_kept() {
    let mut notes = ReadNotes::default();
    notes.damaged(7, "a \"bad\" block\n");
    notes.n_damage = 1002;
    notes.skip("enter events", 12);
    notes.remarks.push("gzip".into());
    (notes.n_records, notes.n_events, notes.n_unfinished) = (30, 20, 1);
    let text = written(&Section::default(), &Batch::default(), &notes);
    let (_, _, read) = parse(&text);
    assert_eq!(format!("{read:?}"), format!("{notes:?}"));
}

#[test]
fn versions() {
    let open = |text: &str| Text.open(Input::from(text.as_bytes().to_vec())).map(|_| ()).unwrap_err();
    assert!(matches!(open("#tracehound-trace 2\n"), OpenError::Version { version: 2, offset: 18, .. }));
    assert!(matches!(open("#tracehound-trace x\n"), OpenError::Damaged { offset: 18, .. }));
    assert!(matches!(open(""), OpenError::Empty));
    assert_eq!(Text.detect(b"#tracehound-trace 1\n"), Confidence::Yes);
    assert_eq!(Text.detect(b"#tracehound"), Confidence::No);
}

/// Values of every shape for an argument type.
fn samples(ty: ArgType) -> Vec<Arg<'static>> {
    let mut out = vec![Arg::Absent, Arg::Empty, Arg::Malformed(b"\0\xff".into()), Arg::Malformed(b"".into())];
    for v in [0, 1, 2, 3, 17, 0o644, 0x1001, 0xffff_ffff, u64::MAX, (-2i64) as u64, (-100i64) as u64, 1 << 63] {
        out.push(Arg::Int(v));
    }
    let bytes: [&[u8]; 16] = [
        b"",
        b"/bin/sh",
        b"a\0b\0",
        b"a\0b",
        b"\0",
        b"[a,b]",
        b"?",
        b"x\"00\"",
        b"int:5",
        b"\xff\xfe",
        b"\x02\x0a\0\0\x01\x50\0",
        b"\x02\x0a\0\0\x01\x50\0\x01\x02\x03\x04\xbb\x01",
        b"\x01/run/x\0y",
        b"\x01\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0/s k",
        b"\x01\0\x03\0\0\0\0\0\0\0\x01\0",
        b"\x01\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    out.extend(bytes.into_iter().map(|b| Arg::Bytes(b.into())));
    if let Some(table) = ty.table() {
        out.extend(table.entries.iter().map(|&(_, v)| Arg::Int(u64::from(v))));
    }
    out
}

#[test]
fn every_argument_of_every_kind_is_read_back() {
    let mut events = Batch::default();
    let mut head =
        Head { seq: Seq(0), ts: Nanos(START_NS), enter_ns: 0, tid: Tid(1), kind: KindId(0), cpu: 0, flags: 0 };
    for kind in kind::all().filter(|kind| !kind.id.is_generic() || kind.id == syscalls::GENERIC) {
        for (i, spec) in kind.args.iter().enumerate() {
            for sample in samples(spec.ty) {
                head.seq.0 += 1;
                head.kind = kind.id;
                events.begin(head);
                (0..i).for_each(|_| events.push(Arg::Absent));
                events.push(sample);
            }
        }
    }
    let text = written(&Section::default(), &events, &ReadNotes::default());
    let (_, read, notes) = parse(&text);
    assert_eq!(notes.damage, []);
    for (x, y) in events.iter().zip(read.iter()) {
        assert!(x.head == y.head && x.args().eq(y.args()), "{x:?}\n{y:?}\n{}", event_line(&x));
    }
    assert_eq!(events.len(), read.len());
}

#[test]
fn every_kind_is_named_and_found() {
    for code in 0..=u16::MAX {
        let mut events = Batch::default();
        let head = Head {
            seq: Seq(u64::MAX),
            ts: Nanos(u64::MAX),
            enter_ns: 3,
            tid: Tid(i64::MIN),
            kind: KindId(code),
            cpu: u16::MAX,
            flags: 0xff,
        };
        events.begin(head);
        let line = event_line(&events.get(0).unwrap());
        let (_, read, notes) = parse(&line);
        assert_eq!(notes.damage, [], "{line}");
        assert_eq!(read.get(0).map(|event: Event<'_>| *event.head), Some(head), "{line}");
    }
}

#[test]
fn argument_names_leave_room_for_positions() {
    for kind in kind::all() {
        for (i, spec) in kind.args.iter().enumerate() {
            assert!(spec.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{} {}", kind.name, spec.name);
            let position: Option<usize> = spec.name.strip_prefix("arg").and_then(|n| n.parse().ok());
            assert!(position.is_none_or(|n| n < kind.args.len()), "{} {i} {}", kind.name, spec.name);
        }
    }
}

#[test]
fn names_of_the_machine_stay_bytes() {
    let mut section = Section::default();
    section.machine.hostname = Some(BString::from(b"a\xff\x1b[31m\n".to_vec()));
    section.machine.kernel = Some(BString::default());
    let text = written(&section, &Batch::default(), &ReadNotes::default());
    assert_eq!(text.lines().nth(1), Some(r#"machine hostname="a\xff\x1b[31m\n" kernel="""#));
    assert_eq!(fixture(&text).0, section);
}
