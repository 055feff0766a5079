//! Whole files: what is written is read, and what is damaged is noted and passed by.

use super::*;
use crate::event::{Arg, Batch, KindId};
use crate::reader::{Item, Part, ReadNotes};
use crate::section::Section;
use crate::text;
use crate::wanted::{ArgSet, WantedArgs};
use crate::writer::{TraceWriter, convert};

const SAMPLE: &str = include_str!("../../tests/data/every-table.txt");

fn native_of(text: &str) -> Vec<u8> {
    let mut reader = text::TextReader::new(Input::from(text.as_bytes().to_vec()));
    let mut out = Vec::new();
    convert(&mut reader, &mut NativeWriter::new(&mut out, WriteOptions::ARCHIVE).unwrap()).unwrap();
    out
}

fn read(bytes: &[u8]) -> (Vec<Section>, Batch, ReadNotes) {
    let mut reader = NativeReader::new(Trace::open(Input::from(bytes.to_vec())).unwrap());
    let (mut sections, mut events) = (Vec::new(), Batch::default());
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => sections.push(*section),
            Item::Batch(batch) => batch.iter().for_each(|event| events.append(&event)),
        }
    }
    (sections, events, reader.notes().clone())
}

fn take_events(payload: &[u8], n: usize) -> Result<Batch, super::varint::Broken> {
    take_wanted(payload, n, WantedArgs::default())
}

fn take_wanted(payload: &[u8], n: usize, wanted: WantedArgs) -> Result<Batch, super::varint::Broken> {
    let mut decoder = super::events::EventDecoder::new(wanted);
    decoder.begin(payload, n)?;
    let (mut block, mut batch) = (Batch::default(), Batch::default());
    // Blocks of few events: whatever a column holds goes on in the next one.
    while decoder.block(&mut block, 7) {
        block.iter().for_each(|event| batch.append(&event));
    }
    Ok(batch)
}

#[test]
fn a_trace_survives() {
    let (section, events) = text::fixture(SAMPLE);
    let (sections, read_events, notes) = read(&native_of(SAMPLE));
    assert_eq!(sections, [section]);
    assert_eq!(read_events.to_vec(), events.to_vec());
    assert_eq!((notes.n_damage, notes.n_events, notes.n_unfinished), (0, events.len() as u64 - 1, 1));
}

#[test]
fn sections_follow_each_other() {
    let text = "machine hostname=a\n1 close\nsection\nsection\nthread 7\n1 close\n";
    let (sections, events, _) = read(&native_of(text));
    let threads: Vec<_> = sections.iter().map(|s| s.threads.len()).collect();
    assert_eq!((threads, events.len()), (vec![0, 0, 1], 2));
}

/// What a trace says of the file it was converted from is believed only as far as events and skipped records go.
#[test]
fn counts_beyond_what_is_there_are_damage() {
    let check = |n_events, n_skipped, expected: (u64, u64)| {
        let mut out = Vec::new();
        let mut writer = NativeWriter::new(&mut out, WriteOptions::RECORD).unwrap();
        writer.batch(&text::fixture("1 close\n2 close\n").1).unwrap();
        let mut notes = ReadNotes { n_records: 9, n_events, ..ReadNotes::default() };
        notes.skip("enter events", n_skipped);
        writer.finish(&notes).unwrap();
        let (_, _, notes) = read(&out);
        assert_eq!((notes.n_events, notes.n_damage), expected, "{n_events} counted, {n_skipped} skipped");
    };
    check(2, 0, (2, 0));
    check(5, 3, (5, 0));
    check(5, u64::MAX, (5, 0));
    check(3, 0, (2, 1));
    check(u64::MAX, 1, (2, 1));
}

#[test]
fn a_trace_of_nothing() {
    let mut out = Vec::new();
    NativeWriter::new(&mut out, WriteOptions::RECORD).unwrap().finish(&ReadNotes::default()).unwrap();
    let (sections, events, notes) = read(&out);
    assert_eq!((sections.len(), events.len(), notes.n_damage), (1, 0, 0));
}

/// Several segments of events, so that losing one leaves others.
fn many_segments() -> (Vec<u8>, Batch) {
    let (section, events) = text::fixture(SAMPLE);
    let mut out = Vec::new();
    let mut writer = NativeWriter::new(&mut out, WriteOptions::RECORD).unwrap();
    writer.section(&section).unwrap();
    for event in events.iter() {
        writer.event(&event).unwrap();
        if event.head.seq.0 % 8 == 0 {
            writer.flush_events().unwrap();
        }
    }
    let mut notes = ReadNotes::default();
    notes.damaged(77, "a bad block");
    notes.skip("enter events", 3);
    notes.n_records = 99;
    writer.finish(&notes).unwrap();
    (out, events)
}

#[test]
fn notes_of_the_source_are_kept() {
    let (bytes, events) = many_segments();
    let (_, read_events, notes) = read(&bytes);
    assert_eq!(read_events.len(), events.len());
    assert_eq!((notes.n_damage, notes.damage[0].offset, notes.n_records), (1, 77, 99));
    assert_eq!((notes.skipped[0].what.as_str(), notes.skipped[0].n), ("enter events", 3));
}

#[test]
fn a_cut_file_delivers_every_complete_segment() {
    let (bytes, events) = many_segments();
    let trace = Trace::open(Input::from(bytes.clone())).unwrap();
    for len in segment::FILE_HEADER_LEN..bytes.len() {
        let complete = trace.segments().iter().filter(|s| s.offset + s.len <= len as u64);
        let n_events: usize = complete.filter(|s| s.ty == SegmentType::Events).map(|s| s.n_rows as usize).sum();
        let (_, read_events, notes) = read(&bytes[..len]);
        assert_eq!(read_events.len(), n_events, "cut at {len}");
        assert!(notes.n_damage > 0, "cut at {len}");
        assert!(read_events.to_vec() == events.to_vec()[..n_events], "cut at {len}");
    }
    for len in 1..segment::FILE_HEADER_LEN {
        let error = Trace::open(Input::from(bytes[..len].to_vec())).map(|_| ()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { offset: 0, .. }), "cut at {len}: {error}");
    }
}

#[test]
fn a_flipped_bit_costs_one_segment_and_is_noted() {
    let (bytes, events) = many_segments();
    let trace = Trace::open(Input::from(bytes.clone())).unwrap();
    let most = trace.segments().iter().filter(|s| s.ty == SegmentType::Events).map(|s| s.n_rows).max().unwrap();
    for at in 12..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let (_, read_events, notes) = read(&flipped);
        // The damage that the notes of the source tell of is one; reserved room at the end is covered too.
        let is_noted = notes.n_damage > 1 || read_events.len() == events.len();
        assert!(is_noted, "bit at {at}: {notes:?}");
        assert!(read_events.len() + most as usize >= events.len(), "bit at {at}");
    }
}

#[test]
fn bytes_between_segments_are_passed_by() {
    let (bytes, events) = many_segments();
    let second = Trace::open(Input::from(bytes.clone())).unwrap().segments()[2].offset as usize;
    let mut spoiled = bytes[..second].to_vec();
    spoiled.extend(b"\x89seg garbage \x89");
    spoiled.extend(&bytes[second..]);
    let (_, read_events, notes) = read(&spoiled);
    assert_eq!(read_events.len(), events.len());
    let damage = notes.damage.iter().find(|d| d.offset == second as u64).unwrap();
    assert!(damage.what.starts_with("14 bytes are no segment"), "{damage:?}");
}

#[test]
fn a_missing_segment_is_told() {
    let (bytes, _) = many_segments();
    let trace = Trace::open(Input::from(bytes.clone())).unwrap();
    let gone = &trace.segments()[2];
    let mut spoiled = bytes[..gone.offset as usize].to_vec();
    spoiled.extend(&bytes[(gone.offset + gone.len) as usize..]);
    let (_, _, notes) = read(&spoiled);
    assert!(notes.damage.iter().any(|d| d.what == "segments 2 to 2 are missing"), "{:?}", notes.damage);
}

#[test]
fn concatenated_files_are_sections() {
    let bytes = [native_of("thread 1\n1 close"), native_of("thread 2\n1 close")].concat();
    let (sections, events, notes) = read(&bytes);
    assert_eq!((sections.len(), events.len(), notes.n_damage), (2, 2, 0));
}

#[test]
fn later_versions_are_refused_and_unknown_segments_skipped() {
    let mut bytes = native_of("1 close");
    bytes[8] = 2;
    let error = Trace::open(Input::from(bytes)).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::Version { version: 2, newest: 1, offset: 8, .. }), "{error}");

    let mut bytes = native_of("thread 1\n1 close\n");
    let at = Trace::open(Input::from(bytes.clone())).unwrap().segments()[0].offset as usize;
    let (_, packing) = Segment::parse(&bytes[at..], 0).unwrap();
    bytes[at + 6] = 77;
    for end in [32, usize::from(packing.header_len) - 4] {
        let crc = crc32c::crc32c(&bytes[at..at + end]).to_le_bytes();
        bytes[at + end..at + end + 4].copy_from_slice(&crc);
    }
    // The directory still says otherwise; without the trailer the headers decide.
    bytes.truncate(bytes.len() - segment::TRAILER_LEN);
    let (sections, events, notes) = read(&bytes);
    assert_eq!((sections[0].threads.len(), events.len()), (0, 1));
    assert_eq!((notes.skipped[0].what.as_str(), notes.skipped[0].n), ("segments of unknown type 77", 1));
}

/// Arguments that are wanted in a test: none of some kinds, a few of others.
fn wanted_of(kind: KindId) -> ArgSet {
    [ArgSet::NONE, ArgSet::of([0, 2]), ArgSet::of([1]), ArgSet::ALL][usize::from(kind.0 / 2 % 4)]
}

/// What is not wanted is not made, and nothing else changes: neither what is read nor what is refused.
#[test]
fn what_is_not_wanted_is_left_out() {
    let (_, events) = text::fixture(SAMPLE);
    let wanted = WantedArgs::default();
    wanted.tell(|| (0..=u16::MAX).map(|code| wanted_of(KindId(code))).collect());
    let mut payload = Vec::new();
    events::put(&events, &mut column::ColumnEncoder::new().unwrap(), &mut payload);
    let mut n_left_out = 0;
    let mut check = |payload: &[u8]| {
        let (all, some) = (take_events(payload, events.len()), take_wanted(payload, events.len(), wanted.clone()));
        let (all, some) = match (all, some) {
            (Ok(all), Ok(some)) => (all, some),
            (all, some) => return assert_eq!(all.err(), some.err()),
        };
        assert!(all.heads().eq(some.heads()));
        for (all, some) in all.iter().zip(some.iter()) {
            let set = wanted_of(all.head.kind);
            for (i, arg) in all.args().enumerate() {
                let expected = if set.has(i) { arg } else { Arg::Absent };
                assert_eq!(some.arg(i), expected, "{i} {all:?}");
                n_left_out += usize::from(expected != arg);
            }
        }
    };
    check(&payload);
    for at in 0..payload.len() {
        for change in [1, 0x7f, 0x80, 0xff] {
            let mut changed = payload.clone();
            changed[at] ^= change;
            check(&changed);
        }
        check(&payload[..at]);
    }
    assert!(n_left_out > 0);
}

/// Checksums keep chance damage from the decoders, not a hostile writer: changed payloads go to them directly.
#[test]
fn changed_payloads_break_no_decoder() {
    let (_, events) = text::fixture(SAMPLE);
    let mut columns = column::ColumnEncoder::new().unwrap();
    let mut payload = Vec::new();
    events::put(&events, &mut columns, &mut payload);
    assert_eq!(take_events(&payload, events.len()).unwrap().to_vec(), events.to_vec());
    for at in 0..payload.len() {
        for change in [1, 0x7f, 0x80, 0xff] {
            let mut changed = payload.clone();
            changed[at] ^= change;
            if let Ok(batch) = take_events(&changed, events.len()) {
                assert_eq!(batch.len(), events.len());
                assert!(batch.to_vec().len() == events.len());
            }
        }
        assert!(take_events(&payload[..at], events.len()).is_err(), "cut at {at}");
    }
}

/// Files of the first release of version 1, as converted and as recorded: they are never written again, and must be
/// readable for ever.
#[test]
fn version_1_is_readable_for_ever() {
    let (section, events) = text::fixture(SAMPLE);
    let archive = include_bytes!("../../tests/data/golden-v1.trh");
    let record = include_bytes!("../../tests/data/golden-v1-record.trh");
    for golden in [&archive[..], record] {
        let (sections, read_events, notes) = read(golden);
        assert!(sections == [section.clone()] && notes.damage.is_empty(), "{notes:?}");
        assert_eq!(read_events.to_vec(), events.to_vec());
    }
}

/// A stream that refuses writes from a length on, as a full disk does, and leaves nothing of a refused one.
struct Full<'a> {
    out: &'a mut Vec<u8>,
    max: usize,
}

impl std::io::Write for Full<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.out.len() + bytes.len() > self.max {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_refused_segment_leaves_a_sound_file_and_its_events() {
    let (section, events) = text::fixture(SAMPLE);
    let mut sound = Vec::new();
    let mut writer = NativeWriter::new(&mut sound, WriteOptions::RECORD).unwrap();
    writer.section(&section).unwrap();
    let max = writer.n_bytes() as usize + 40;
    let mut out = Vec::new();
    let mut writer = NativeWriter::new(Full { out: &mut out, max }, WriteOptions::RECORD).unwrap();
    writer.section(&section).unwrap();
    writer.batch(&events).unwrap();
    assert_eq!(writer.flush_events().unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(writer.n_events(), 0);
    let pending = writer.take_pending();
    assert_eq!(pending.to_vec(), events.to_vec());
    writer.finish(&ReadNotes::default()).unwrap();
    drop(writer);
    let (sections, rest, notes) = read(&out);
    assert_eq!((sections, rest.len(), notes.n_damage), (vec![section], 0, 0));
}

/// Events of three kinds by three threads, enough for a summary.
fn summarized() -> Vec<u8> {
    let line = |i: usize| format!("{} {}\n", 1 + i % 3, ["futex", "close", "lseek"][i % 3]);
    native_of(&(0..5000).map(line).collect::<String>())
}

/// A file with other bytes in the header of its segment of events, and checksums to match.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let trace = Trace::open(Input::from(bytes.to_vec())).unwrap();
    let segment = trace.segments().iter().find(|segment| segment.ty == SegmentType::Events).unwrap();
    let start = segment.offset as usize;
    let mut bytes = bytes.to_vec();
    let header_len = usize::from(u16::from_le_bytes([bytes[start + 4], bytes[start + 5]]));
    let header = &mut bytes[start..start + header_len];
    change(header);
    let crc = crc32c::crc32c(&header[..32]);
    header[32..36].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32c::crc32c(&header[..header_len - 4]);
    header[header_len - 4..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[test]
fn what_a_header_says_falsely_is_damage() {
    let sound = summarized();
    let check = |bytes: &[u8], expected: Option<&str>| {
        let (_, events, notes) = read(bytes);
        // The events are there in any case.
        assert_eq!(events.len(), 5000);
        let found: Vec<&str> = notes.damage.iter().map(|damage| damage.what.as_str()).collect();
        match expected {
            Some(expected) => assert!(found.len() == 1 && found[0].contains(expected), "{found:?} {expected}"),
            None => assert!(found.is_empty(), "{found:?}"),
        }
    };
    check(&sound, None);
    // Ranges of numbers and times; 36 is the lowest number, 44 the highest, 52 the earliest time, 60 the latest.
    check(&with_header(&sound, |header| header[36] = 7), Some("numbers of events are outside"));
    check(&with_header(&sound, |header| header[45] -= 1), Some("numbers of events are outside"));
    check(&with_header(&sound, |header| header[52..60].fill(0xff)), Some("times of events are outside"));
    // Wider than need be: nothing is missed for it.
    check(&with_header(&sound, |header| header[60..68].fill(0xff)), None);
    // The kinds stand at 68; the summary ends before the last checksum, with the ids of the three threads.
    check(&with_header(&sound, |header| header[68] ^= 1), Some("other kinds"));
    check(&with_header(&sound, |header| header[header.len() - 5] += 2), Some("other threads"));
    // Counts are two bytes each: 1667, 1667, 1666.
    let swap = |header: &mut [u8]| {
        let counts = header.len() - 4 - 4 - 6;
        let last = [header[counts + 4], header[counts + 5]];
        header.copy_within(counts..counts + 2, counts + 4);
        header[counts..counts + 2].copy_from_slice(&last);
    };
    check(&with_header(&sound, swap), Some("counts the events of a kind otherwise"));
}

/// Segments that nobody needs come unread, once and in their place, and can be read after all; who asks for items gets them.
#[test]
fn unneeded_segments_come_unread() {
    let bytes = summarized();
    let open = || {
        let mut reader = NativeReader::new(Trace::open(Input::from(bytes.clone())).unwrap());
        reader.leave_unread(Box::new(|segment| segment.n_rows == 5000));
        reader
    };
    let mut reader = open();
    assert!(matches!(reader.next_part(), Some(Part::Item(Item::Section(_)))));
    let Some(Part::Unread(unread)) = reader.next_part() else { panic!("it is read") };
    assert_eq!((unread.summary().kinds.len(), unread.summary().threads.len()), (3, 3));
    assert_eq!(reader.notes().n_events, 5000);
    let (batch, damage) = unread.read();
    assert_eq!((batch.len(), damage), (5000, None));
    assert!(reader.next_part().is_none());
    let mut reader = open();
    let items = std::iter::from_fn(|| reader.next_item());
    assert_eq!(items.map(|item| if let Item::Batch(batch) = item { batch.len() } else { 0 }).sum::<usize>(), 5000);
}

#[test]
fn an_unpacked_trace_reads_the_same() {
    let bytes = native_of(SAMPLE);
    let of = |bytes: &[u8], limit| unpacked(&Input::from(bytes.to_vec()), limit);
    let copy = of(&bytes, 1 << 20).expect("a small trace");
    assert!(copy.len() > bytes.len());
    assert_eq!(format!("{:?}", read(&copy)), format!("{:?}", read(&bytes)));
    let trace = Trace::open(Input::from(copy.clone())).unwrap();
    let n_payload: u64 = (0..trace.segments().len()).map(|i| trace.unpacked_len(i)).sum();
    assert!(of(&bytes, n_payload as usize).is_some());
    let damaged = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    let nothing: &[(&str, Vec<u8>, usize)] = &[
        ("too large", bytes.clone(), n_payload as usize - 1),
        ("unpacked already", copy, 1 << 20),
        ("cut", bytes[..bytes.len() - 1].to_vec(), 1 << 20),
        ("damaged header", damaged(40), 1 << 20),
        ("damaged payload", damaged(bytes.len() - segment::TRAILER_LEN - 1), 1 << 20),
        ("two files", [&bytes[..], &bytes[..]].concat(), 1 << 20),
        ("text", SAMPLE.as_bytes().to_vec(), 1 << 20),
        ("empty", Vec::new(), 1 << 20),
    ];
    for (what, bytes, limit) in nothing {
        assert_eq!(of(bytes, *limit), None, "{what}");
    }
}

/// A payload that does not decode and has a checksum to match: found when the segment is read after all.
#[test]
fn unread_segments_can_turn_out_broken() {
    let mut bytes = summarized();
    let trace = Trace::open(Input::from(bytes.clone())).unwrap();
    let segment = trace.segments().iter().find(|segment| segment.ty == SegmentType::Events).unwrap();
    let (start, end) = (segment.offset as usize, (segment.offset + segment.len) as usize);
    let payload = start + usize::from(u16::from_le_bytes([bytes[start + 4], bytes[start + 5]]));
    bytes[payload..payload + 8].fill(0x55);
    let crc = crc32c::crc32c(&bytes[payload..end]);
    let bytes = with_header(&bytes, |header| header[20..24].copy_from_slice(&crc.to_le_bytes()));
    let mut reader = NativeReader::new(Trace::open(Input::from(bytes)).unwrap());
    reader.leave_unread(Box::new(|_| true));
    let unread = std::iter::from_fn(|| reader.next_part()).find_map(|part| match part {
        Part::Unread(unread) => Some(unread),
        Part::Item(_) => None,
    });
    let (batch, damage) = unread.expect("its header is sound").read();
    assert!(batch.is_empty() && damage.is_some(), "{} {damage:?}", batch.len());
}
