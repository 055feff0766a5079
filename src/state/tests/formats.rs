//! The history of a trace is the same from whatever format it is read: process keys join tables of different runs.

mod common;

use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::text::TextWriter;
use tracehound_formats::{Input, TraceWriter};
use tracehound_state::ProcessId;

use common::Replayed;

fn keys(replayed: &Replayed) -> Vec<String> {
    (0..replayed.history.processes.len()).map(|i| replayed.history.process_key(ProcessId::new(i as u32))).collect()
}

fn check_same(scap: &Replayed, other: &Replayed, what: &str) {
    assert_eq!(keys(scap), keys(other), "{what}");
    assert_eq!(scap.facts, other.facts, "{what}");
    assert_eq!(scap.notes, other.notes, "{what}");
    assert_eq!(scap.history.files.len(), other.history.files.len(), "{what}");
    assert_eq!(scap.history.strings.len(), other.history.strings.len(), "{what}");
}

#[test]
fn same_history_from_scap_native_and_text() {
    let Some(shared) = common::shared() else { return };
    for (name, path) in common::captures(&shared) {
        // The others would only take longer.
        if !name.starts_with("host/") && !name.starts_with("vm/kt-") {
            continue;
        }
        let scap = common::replay(Input::open(&path).unwrap());
        let (mut native, mut text) = (Vec::new(), Vec::new());
        let writers: [&mut dyn TraceWriter; 2] =
            [&mut NativeWriter::new(&mut native, WriteOptions::RECORD).unwrap(), &mut TextWriter::new(&mut text)];
        for writer in writers {
            let mut reader = tracehound_formats::open(Input::open(&path).unwrap()).unwrap();
            tracehound_formats::convert(&mut *reader, writer).unwrap();
        }
        check_same(&scap, &common::replay(Input::from(native)), &format!("{name} as .trh"));
        check_same(&scap, &common::replay(Input::from(text)), &format!("{name} as text"));
    }
}
