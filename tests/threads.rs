//! The number of threads changes nothing: signals, every table and the table of events are the same bytes with one
//! worker, which replays and matches strictly in order, and with many.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use support::soup::soup;
use support::{folder, root, run};
use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::{Item, ReadNotes, TraceWriter};

/// Fewer, as many and many more than the machine has processors.
const MORE_THREADS: [&str; 4] = ["2", "3", "8", "64"];

/// What an analysis gives: its output, and its files by name.
fn outputs(trace: &Path, rules: &[PathBuf], n_threads: &str, to: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut args: Vec<PathBuf> = ["analyze", "-q", "-f", "jsonl", "--allow-partial", "--events", "--force", "-j"]
        .into_iter()
        .map(PathBuf::from)
        .collect();
    args.extend([n_threads.into(), "-o".into(), to.to_owned(), trace.to_owned()]);
    args.extend(rules.iter().flat_map(|rules| ["-r".into(), rules.clone()]));
    let run = run(&args).expect(0);
    let mut outputs = BTreeMap::from([("standard output".to_owned(), run.stdout)]);
    for entry in fs::read_dir(to).expect("a folder of tables") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        outputs.insert(name, fs::read(path).expect("a file is read"));
    }
    outputs
}

fn check(trace: &Path, rules: &[PathBuf], to: &Path) {
    let alone = outputs(trace, rules, "1", &to.join("one"));
    assert!(alone.len() > 8 && alone.contains_key("events.parquet"), "{:?}", alone.keys());
    for n_threads in MORE_THREADS {
        for (name, bytes) in outputs(trace, rules, n_threads, &to.join("many")) {
            assert!(alone.get(&name) == Some(&bytes), "{}: {name} with {n_threads} threads", trace.display());
        }
    }
}

/// Made-up traces of several windows: threads that are born, load images, die and are born again.
#[test]
fn made_up_traces() {
    let to = folder("threads_made_up");
    let rules = [root().join("tests/support/busy.yaml")];
    for seed in 1..2 {
        let path = to.join(format!("{seed}.trh"));
        let mut bytes = Vec::new();
        let mut writer = NativeWriter::new(&mut bytes, WriteOptions::RECORD).expect("a writer");
        for item in soup(seed, 5, 8 << 10) {
            match item {
                Item::Section(section) => writer.section(&section),
                Item::Batch(batch) => writer.batch(&batch),
            }
            .expect("nothing to fail");
        }
        writer.finish(&ReadNotes::default()).expect("a trace");
        fs::write(&path, bytes).expect("a file is written");
        check(&path, &rules, &to);
    }
}

/// Recorded ones: samples, and captures where they are.
#[test]
fn recorded_traces() {
    let to = folder("threads_recorded");
    check(&root().join("samples/recorded_reverse_shell.trh"), &[root().join("rules")], &to);
    let shared = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let official = ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"];
    let rules: Vec<PathBuf> = official.iter().map(|name| shared.join("rules/falco").join(name)).collect();
    let captures = shared.join("captures/host");
    let Ok(files) = fs::read_dir(&captures) else {
        tracehound_skipped::skipped!("captures with many threads: none at {}", captures.display());
        return;
    };
    let mut files: Vec<PathBuf> = files.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "scap"));
    files.sort();
    // The largest of these has some tens of thousands of events.
    let few = ["s01_"];
    for path in files.iter().filter(|path| few.iter().any(|name| path.to_string_lossy().contains(name))) {
        check(path, &rules, &to);
    }
}
