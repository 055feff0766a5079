//! Readers deliver the same for every number of threads: items, notes, damage, what was left out.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::reader::{Damage, Item, ReadNotes, Skipped};
use tracehound_formats::text::TextWriter;
use tracehound_formats::{Input, Nanos, TraceWriter, open};

const N_THREADS: [usize; 4] = [1, 2, 3, 8];

/// Everything that a reader says, as far as it says anything.
#[derive(Debug, PartialEq)]
struct Said {
    /// Items in order, each as text: the size of batches counts too.
    items: Vec<Vec<u8>>,
    damage: Vec<Damage>,
    n_damage: u64,
    skipped: Vec<Skipped>,
    counts: [u64; 4],
    remarks: Vec<String>,
}

/// Reads with so many threads. Batches are given back late, as the pipeline does.
fn read(bytes: &[u8], n_threads: usize, until: Option<Nanos>) -> Option<Said> {
    let mut reader = open(Input::from(bytes.to_vec())).ok()?;
    if let Some(until) = until {
        reader.end_at(until);
    }
    reader.use_threads(n_threads);
    let mut items = Vec::new();
    let mut held = Vec::new();
    while let Some(item) = reader.next_item() {
        let mut text = Vec::new();
        let mut writer = TextWriter::new(&mut text);
        match item {
            Item::Section(section) => writer.section(&section).unwrap(),
            Item::Batch(batch) => {
                writer.batch(&batch).unwrap();
                held.push(batch);
            }
        }
        writer.finish(&ReadNotes::default()).unwrap();
        items.push(text);
        if held.len() > 2 {
            reader.recycle(held.remove(0));
        }
    }
    assert!(reader.next_item().is_none(), "an item after the end");
    let notes = reader.notes().clone();
    Some(Said {
        items,
        damage: notes.damage,
        n_damage: notes.n_damage,
        skipped: notes.skipped,
        counts: [notes.n_records, notes.n_events, notes.n_unfinished, reader.n_left_out()],
        remarks: notes.remarks,
    })
}

/// Reads with every number of threads. True if it is a trace.
fn check(name: &str, bytes: &[u8], until: Option<Nanos>) -> bool {
    let expected = read(bytes, 1, until);
    for n in N_THREADS {
        let got = read(bytes, n, until);
        // The text of a whole trace is no message.
        assert!(got == expected, "{name}: other items or notes with {n} threads");
    }
    expected.is_some()
}

/// The trace in segments of so many events.
fn in_segments(bytes: &[u8], segment_events: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reader = open(Input::from(bytes.to_vec())).unwrap();
    let mut writer =
        NativeWriter::new(&mut out, WriteOptions { level: 1, segment_events, ..WriteOptions::ARCHIVE }).unwrap();
    tracehound_formats::convert(&mut *reader, &mut writer).unwrap();
    out
}

fn files(folder: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| ends.iter().any(|end| path.to_string_lossy().ends_with(end)));
    paths.sort();
    paths
}

fn samples() -> Vec<PathBuf> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples"), &[".trh", ".trace"])
}

/// The longest committed sample in segments of seven events.
fn many_segments() -> Vec<u8> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/shell_in_container.trace");
    in_segments(&std::fs::read(sample).unwrap(), 7)
}

#[test]
fn samples_are_the_same_with_any_threads() {
    for path in samples() {
        let bytes = std::fs::read(&path).unwrap();
        assert!(check(&path.display().to_string(), &bytes, None));
        assert!(check(&path.display().to_string(), &in_segments(&bytes, 7), None));
    }
}

#[test]
fn what_is_left_out_is_the_same_with_any_threads() {
    let bytes = many_segments();
    let trace = tracehound_formats::native::Trace::open(Input::from(bytes.clone())).unwrap();
    for segment in trace.segments() {
        assert!(check("until", &bytes, Some(segment.times.0)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Bytes are changed, cut out and repeated, so that segments are damaged, missing and there twice.
    #[test]
    fn damaged_traces_are_the_same_with_any_threads(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        n_cut in 0usize..400,
        is_twice in any::<bool>(),
    ) {
        let mut bytes = many_segments();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let start = cut.index(bytes.len());
        let piece: Vec<u8> = bytes[start..(start + n_cut).min(bytes.len())].to_vec();
        if is_twice {
            bytes.splice(start..start, piece);
        } else {
            bytes.drain(start..start + piece.len());
        }
        check("damaged", &bytes, None);
    }
}

#[test]
fn captures_are_the_same_with_any_threads() {
    let shared = std::env::var_os("TRACEHOUND_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let host = shared.join("captures/host");
    if !host.is_dir() {
        tracehound_skipped::skipped!("no captures at {}", host.display());
        return;
    }
    for path in files(&host, &[".scap"]) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(check(&path.display().to_string(), &bytes, None));
        assert!(check(&path.display().to_string(), &in_segments(&bytes, 500), None));
    }
}
