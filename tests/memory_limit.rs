//! `--memory-limit`: what was replayed before it is reported as it is without a limit, the rest is counted.

use tracehound_formats::event::Head;
use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::{Batch, Input, Item, Nanos, ReadNotes, Seq, TraceWriter};

mod support;
use support::{file, folder, run};

const SHELL: &str = "samples/java_spawns_bash.trace";
const RULES: &str = "rules";

/// The sample so often that it is replayed in three windows: its events and the bytes of a native trace.
fn long() -> (u64, Vec<u8>) {
    let sample = std::fs::read(support::root().join(SHELL)).expect("the sample is there");
    let mut reader = tracehound_formats::open(Input::from(sample)).expect("a trace");
    let mut out = Vec::new();
    let mut writer =
        NativeWriter::new(&mut out, WriteOptions { level: 1, segment_events: 8192, ..WriteOptions::ARCHIVE })
            .expect("a writer");
    let mut events = Batch::default();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => writer.section(&section).expect("memory takes it"),
            Item::Batch(batch) => batch.iter().for_each(|event| events.append(&event)),
        }
    }
    let mut n_events = 0;
    while n_events < 150_000 {
        for event in events.iter() {
            n_events += 1;
            let mut later = Batch::default();
            let ts = Nanos(event.head.ts.0 + n_events * 1000);
            later.begin(Head { seq: Seq(n_events), ts, ..*event.head });
            event.args().for_each(|arg| later.push(arg));
            writer.batch(&later).expect("memory takes it");
        }
    }
    writer.finish(&ReadNotes::default()).expect("memory takes it");
    (n_events, out)
}

#[test]
fn a_limit_of_memory_gives_a_partial_result_that_says_so() {
    let folder = folder("memory-limit");
    let (n_events, bytes) = long();
    let trace = file(&folder, "long.trh", bytes);
    let args = ["analyze", &trace, "-r", RULES, "-f", "jsonl"];
    let with = |flags: &[&str]| run(args.iter().chain(flags));
    let whole = with(&["-q", "--memory-limit", "1GiB"]).expect(0).text().to_owned();
    let tables = folder.join("tables").display().to_string();
    let limited = with(&["-j", "1", "--memory-limit", "64KiB", "-o", &tables, "--events"]).expect(5);
    let part = limited.text();
    assert!(!part.is_empty() && part.len() < whole.len() && whole.starts_with(part), "{}", part.len());
    let said =
        limited.stderr.lines().find(|line| line.contains("the limit of memory was reached")).expect("a word on it");
    let numbers: Vec<u64> = said.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let [n_done, n_left_out, n_sections, first] = numbers[..4] else { panic!("{said}") };
    assert_eq!((n_done + n_left_out, n_sections, first), (n_events, 0, n_done + 1), "{said}");
    let summary = std::fs::read_to_string(folder.join("tables/summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    assert_eq!([&summary["input"]["integrity"], &summary["evidence"]], ["partial", "partial"], "{summary}");
    assert!(summary.to_string().contains("events left out at the limit of memory"), "{summary}");
    let other = with(&["-j", "3", "--memory-limit", "64KiB", "-q", "--allow-partial"]).expect(0);
    assert!(other.text() == part, "other signals with three threads");
    assert!(with(&["--memory-limit", "much"]).expect(2).stderr.contains("expected a size"));
}
