//! Blocks, sections, byte orders, packing.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::tables::TYPES;
use super::Trace;
use super::synth::{Record, Synth, block, event, everything, header, swapped};
use crate::reader::{Confidence, Format, OpenError};
use crate::scap::Scap;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn close(fd: u8) -> Vec<u8> {
    event(
        &Record { block_type: 0x216, dump_flags: 0, tid: 1, code: 5, params: &[&[0; 8], &[fd, 0, 0, 0, 0, 0, 0, 0]] },
        1,
    )
}

/// A process list of one thread, newest version.
fn process(tid: i64) -> Vec<u8> {
    let mut entry = Vec::new();
    for id in [tid, tid, 1, tid, tid] {
        entry.extend(id.to_le_bytes());
    }
    for text in [&b"sh"[..], b"sh", b"/bin/sh", b"-c\0", b"/"] {
        entry.extend((text.len() as u16).to_le_bytes());
        entry.extend(text);
    }
    entry.extend(1024i64.to_le_bytes());
    entry.extend([0; 4 * 3 + 4 * 3 + 8 * 2]);
    entry.extend([0; 2]);
    entry.extend([0; 16]);
    entry.extend([0; 4]);
    entry.extend(77u32.to_le_bytes());
    let len = entry.len() as u32 + 4;
    block(0x215, &[&len.to_le_bytes()[..], &entry].concat())
}

fn user() -> Vec<u8> {
    let entry = b"\0\xe8\x03\0\0\x64\0\0\0\x05\0alice\x05\0/home\x02\0sh";
    block(0x220, &[&(entry.len() as u32 + 4).to_le_bytes()[..], entry].concat())
}

fn fds(tid: i64) -> Vec<u8> {
    let entry = b"\x03\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x03\x7f\0\0\x01\x0a\0\0\x02\x50\0\x51\0\x02";
    block(0x218, &[&tid.to_le_bytes()[..], &(entry.len() as u32 + 4).to_le_bytes(), entry].concat())
}

fn interface() -> Vec<u8> {
    let entry = b"\x01\0\x02\0\x7f\0\0\x01\xff\0\0\0\x7f\xff\xff\xff\x09\0\0\0\0\0\0\0lo";
    block(0x219, &[&(entry.len() as u32).to_le_bytes()[..], entry].concat())
}

fn machine() -> Vec<u8> {
    let mut body = 2u32.to_le_bytes().to_vec();
    body.extend(4096u64.to_le_bytes());
    body.extend([0; 8]);
    body.extend(b"web-01");
    body.resize(180, 0);
    block(0x201, &body)
}

#[test]
fn every_type_count_and_block_is_delivered_once() {
    let file = everything();
    let trace = Trace::read(&file);
    assert_eq!(trace.damage(), []);
    let folded: u64 =
        trace.skipped().iter().filter(|(_, what)| what.contains("numbered by Falco")).map(|(n, _)| n).sum();
    let n_late = trace.events().iter().filter(|(head, _)| head.seq.0 > trace.notes.n_events).count() as u64;
    assert_eq!(trace.events().len() as u64 - n_late + folded, trace.notes.n_events);
    // Every record is an event, folded into one, unfinished or of a type that carries nothing.
    let skipped: u64 = trace.skipped().iter().map(|(n, _)| n).sum();
    assert_eq!(trace.notes.n_records, trace.events().len() as u64 - trace.notes.n_unfinished + skipped);
    assert!(trace.notes.n_records as usize > 4 * TYPES.len());
    let seqs: Vec<u64> = trace.events().iter().map(|(head, _)| head.seq.0).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b));
}

#[test]
fn byte_order_makes_no_difference() {
    let mut files = vec![everything()];
    files.push([header(1, b""), machine(), process(7), fds(7), user(), interface(), close(3)].concat());
    let shared = std::env::var_os("TRACEHOUND_SHARED").map(std::path::PathBuf::from);
    let shared = shared.unwrap_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let kernel = shared.join("captures/vm/kt-6.18.15+deb13-cloud-amd64.scap");
    match std::fs::read(&kernel) {
        Ok(file) => files.push(file),
        Err(_) => tracehound_skipped::skipped!("a recorded capture, no shared folder"),
    }
    for little in files {
        let big = swapped(&little);
        assert_ne!(little, big);
        let (little, big) = (Trace::read(&little), Trace::read(&big));
        assert_eq!(big.notes.remarks[0], "scap 1.2, big-endian");
        assert_eq!(little.sections, big.sections);
        assert_eq!(little.notes.damage, big.notes.damage);
        assert_eq!(little.notes.skipped, big.notes.skipped);
        assert_eq!(little.events().len(), big.events().len());
        for (little, big) in std::iter::zip(little.events(), big.events()) {
            assert_eq!(little, big);
        }
    }
}

#[test]
fn tables_make_the_section() {
    let trace = Trace::read(
        &[header(1, b""), machine(), process(7), process(8), fds(7), user(), interface(), close(3)].concat(),
    );
    let section = &trace.sections[0];
    assert_eq!((section.threads.len(), section.fds.len(), section.users.len(), section.interfaces.len()), (2, 1, 1, 1));
    assert_eq!(section.machine.hostname, Some("web-01".into()));
    assert_eq!(section.threads[1].loginuid, Some(77));
    assert_eq!(trace.order, "se");
    assert_eq!(trace.damage(), []);
}

#[test]
fn tables_without_events_are_delivered() {
    let trace = Trace::read(&[header(1, b""), process(7)].concat());
    assert_eq!((trace.order.as_str(), trace.sections[0].threads.len()), ("s", 1));
    assert_eq!(Trace::read(&header(1, b"")).order, "s");
}

#[test]
fn concatenated_files_are_sections_with_fresh_tables() {
    let first = [header(1, b""), process(7), close(3), close(4)].concat();
    let second = [header(1, b""), process(8), close(5)].concat();
    for file in [[&first[..], &second].concat(), [gz(&first), gz(&second)].concat()] {
        let trace = Trace::read(&file);
        assert_eq!(trace.order, "seese");
        assert_eq!(trace.lines(), ["1 1 close res=0 fd=3", "2 1 close res=0 fd=4", "3 1 close res=0 fd=5"]);
        assert_eq!((trace.sections[1].threads.len(), trace.sections[1].is_addition), (1, false));
        assert_eq!(trace.damage(), []);
    }
    // Sections of two byte orders.
    let trace = Trace::read(&[first, swapped(&second)].concat());
    assert_eq!((trace.order.as_str(), trace.sections[1].threads.len()), ("seese", 1));
}

#[test]
fn tables_among_events_are_an_addition() {
    let trace = Trace::read(&[header(1, b""), process(7), close(3), user(), process(9), close(4)].concat());
    assert_eq!(trace.order, "sese");
    let added = &trace.sections[1];
    assert!(added.is_addition);
    assert_eq!((added.users.len(), added.threads.len()), (1, 1));
    assert_eq!(trace.notes.n_damage, 1);
}

#[test]
fn unknown_blocks_are_skipped_among_tables_and_among_events() {
    let unknown = block(0xbad, b"12345");
    let trace = Trace::read(&[header(1, b""), unknown.clone(), process(7), close(3), unknown, close(4)].concat());
    assert_eq!(trace.order, "see");
    assert_eq!(trace.skipped(), [(2, "blocks of unknown type 0xbad")]);
    assert_eq!(trace.damage(), []);
}

#[test]
fn comments_are_kept() {
    let comment = b"\x01\0\x05\0hello\0\0\0\0\0\0\0";
    let mut with_comment = close(3);
    let at = with_comment.len() - 4;
    with_comment.splice(at.., comment.iter().copied());
    let len = with_comment.len() as u32 + 4;
    with_comment.extend(len.to_le_bytes());
    with_comment[4..8].copy_from_slice(&len.to_le_bytes());
    let file = [header(1, comment), close(1), with_comment.clone(), close(2), with_comment].concat();
    let trace = Trace::read(&file);
    assert_eq!(
        trace.notes.remarks,
        ["scap 1.2", "section header: comment: hello", "event 2: comment: hello", "event 4: comment: hello"]
    );
    assert_eq!((trace.events().len(), trace.notes.n_damage), (4, 0));
}

#[test]
fn packing_makes_no_difference() {
    let file = everything();
    let packed = gz(&file);
    let (raw, packed) = (Trace::read(&file), Trace::read(&packed));
    assert_eq!(packed.notes.remarks, ["scap 1.2", "gzip, 1 members"]);
    assert_eq!(raw.events(), packed.events());
}

#[test]
fn detection() {
    let with_packets = [header(1, b""), block(1, &[0; 8])].concat();
    let bad_magic = {
        let mut file = header(1, b"");
        file[8] = 0;
        file
    };
    let cases: &[(Vec<u8>, Confidence)] = &[
        (header(1, b""), Confidence::Yes),
        (swapped(&header(1, b"")), Confidence::Yes),
        (gz(&header(1, b"")), Confidence::Yes),
        (gz(&Synth::new().bytes), Confidence::Yes),
        (gz(b"hello"), Confidence::No),
        (with_packets.clone(), Confidence::No),
        (gz(&with_packets), Confidence::No),
        (bad_magic, Confidence::Maybe),
        (b"\x0a\x0d\x0d\x0a".to_vec(), Confidence::Maybe),
        (b"\x1f\x8b".to_vec(), Confidence::No),
        (b"\xff\xd8\xff\xe0".to_vec(), Confidence::No),
        (Vec::new(), Confidence::No),
    ];
    for (file, expected) in cases {
        assert_eq!(Scap.detect(file), *expected, "{file:x?}");
    }
}

#[test]
fn files_of_which_nothing_can_be_read() {
    let damaged = |bytes: &[u8]| match Trace::try_read(bytes) {
        Err(OpenError::Damaged { offset, what }) => (offset, what),
        other => panic!("{other:?}"),
    };
    assert!(matches!(Trace::try_read(b""), Err(OpenError::Empty)));
    assert_eq!(damaged(&header(1, b"")[..20]).1, "the file ends inside the section header");
    assert_eq!(damaged(&header(1, b"")[..6]).1, "the file ends inside the section header");
    assert_eq!(damaged(&block(0x0a0d_0d0a, b"")).1, "the byte-order magic of the section header is wrong");
    assert_eq!(damaged(&close(3)).1, "no section header block where the file begins");
    let mut bad_magic = header(1, b"");
    bad_magic[8] = 0;
    assert_eq!(damaged(&bad_magic).1, "the byte-order magic of the section header is wrong");
    let mut short = header(1, b"");
    short[4] = 16;
    assert_eq!(damaged(&short).1, "section header with an impossible length");
    assert!(damaged(&gz(&header(1, b""))[..12]).1.contains("the file ends inside"));
    match Trace::try_read(&header(2, b"")) {
        Err(OpenError::Version { version: 2, newest: 1, offset: 12, .. }) => {}
        other => panic!("{other:?}"),
    }
}
