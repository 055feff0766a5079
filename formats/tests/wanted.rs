//! What nobody looks at is left out when a trace is read; all the rest is the same.

use std::path::{Path, PathBuf};

use tracehound_formats::{Arg, ArgSet, Batch, Input, Item, KindId, ReadNotes, WantedArgs};

/// All events of a trace and what was noted.
fn read(path: &Path, wanted: Option<WantedArgs>) -> (Batch, ReadNotes) {
    let mut reader = tracehound_formats::open(Input::open(path).expect("a file")).expect("a trace");
    if let Some(wanted) = wanted {
        reader.want_only(wanted);
    }
    let mut events = Batch::default();
    while let Some(item) = reader.next_item() {
        if let Item::Batch(batch) = item {
            batch.iter().for_each(|event| events.append(&event));
        }
    }
    (events, reader.notes().clone())
}

/// None of some kinds, a few of others.
fn set_of(kind: KindId) -> ArgSet {
    [ArgSet::NONE, ArgSet::of([0, 2]), ArgSet::ALL][usize::from(kind.0 / 2 % 3)]
}

/// Compares what is read of a file with and without arguments that are not wanted; the number of those that were left out.
fn check(path: &Path) -> usize {
    let wanted = WantedArgs::default();
    wanted.tell(|| (0..=u16::MAX).map(|code| set_of(KindId(code))).collect());
    let ((all, all_notes), (some, notes)) = (read(path, None), read(path, Some(wanted)));
    assert_eq!(format!("{all_notes:?}"), format!("{notes:?}"), "{}", path.display());
    assert_eq!(all.len(), some.len(), "{}", path.display());
    let mut n_left_out = 0;
    for (all, some) in all.iter().zip(some.iter()) {
        let flags_but_malformed = |flags: u8| flags & !tracehound_formats::event::head_flags::MALFORMED;
        assert_eq!((all.head.seq, all.head.kind, all.head.tid), (some.head.seq, some.head.kind, some.head.tid));
        assert_eq!(flags_but_malformed(all.head.flags), flags_but_malformed(some.head.flags));
        for (i, arg) in all.args().enumerate() {
            // A reader need not leave out what is not wanted.
            let is_left_out = !set_of(all.head.kind).has(i) && some.arg(i) == Arg::Absent;
            assert!(is_left_out || some.arg(i) == arg, "{}: {i} {all:?} {some:?}", path.display());
            n_left_out += usize::from(is_left_out && arg != Arg::Absent);
        }
    }
    n_left_out
}

fn below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)));
    paths.sort();
    paths
}

#[test]
fn native_traces() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    assert!(below(&data, &[".trh"]).iter().map(|path| check(path)).sum::<usize>() > 0);
}

#[test]
fn captures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root.join("../shared"), Into::into);
    let host = shared.join("captures/host");
    let captures = below(&host, &[".scap", ".scap.gz"]);
    if captures.is_empty() {
        return tracehound_skipped::skipped!("no captures below {}", host.display());
    }
    assert!(captures.iter().map(|path| check(path)).sum::<usize>() > 0);
}
