//! Every table, the tree and the summary of the reference captures, where they are present.

mod support;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use support::Fixture;
use tracehound_formats::Input;
use tracehound_report::tree::{self, TreeOptions};
use tracehound_report::{JsonLinesSink, ParquetSink, TABLES, summary};

/// Captures small enough for a debug build.
const MAX_BYTES: u64 = 8 << 20;

#[test]
fn reference_captures() {
    let shared = shared();
    let mut n_captures = 0;
    for folder in ["host", "vm", "synthetic"] {
        let Ok(entries) = std::fs::read_dir(shared.join("captures").join(folder)) else { continue };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let is_small = path.metadata().is_ok_and(|metadata| metadata.len() <= MAX_BYTES);
            if path.extension().is_some_and(|extension| extension == "scap") && is_small {
                let fixture = Input::open(&path).and_then(Fixture::read);
                check(&path, &fixture.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
                n_captures += 1;
            }
        }
    }
    if n_captures == 0 {
        tracehound_skipped::skipped!("no captures below {}", shared.display());
    }
}

/// Flipped bytes and cut ends: whatever the reader and the replay make of it, reports come out, and agree with each
/// other.
#[test]
fn damaged_captures() {
    let shared = shared();
    for name in ["synthetic/synth0.scap", "host/libs-curl_google.scap", "host/s01_revshell_bash.scap"] {
        let Ok(bytes) = std::fs::read(shared.join("captures").join(name)) else {
            tracehound_skipped::skipped!("no {name}");
            continue;
        };
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for i in 0..12 {
            let mut damaged = bytes.clone();
            for _ in 0..1 << i {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = random as usize % damaged.len();
                // The first bytes only tell the format.
                if at >= 64 {
                    damaged[at] ^= (random >> 32) as u8;
                }
            }
            damaged.truncate(damaged.len() - damaged.len() / 16 * (i % 4));
            // A compressed file can be damaged so that nothing of it is left.
            if let Ok(fixture) = Fixture::read(Input::from(damaged)) {
                check(Path::new(name), &fixture);
            }
        }
    }
}

fn shared() -> PathBuf {
    std::env::var_os("TRACEHOUND_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"))
}

fn check(path: &Path, fixture: &Fixture) {
    let name = path.display();
    let mut keys: HashSet<String> = HashSet::new();
    for table in TABLES {
        let info = table.info();
        let mut out = Vec::new();
        let n = fixture.write(*table, &mut JsonLinesSink::new(&mut out, info.clone()));
        let rows: Vec<Json> = serde_json::Deserializer::from_slice(&out).into_iter().map(Result::unwrap).collect();
        assert_eq!(rows.len() as u64, n, "{name}");
        if info.name == "processes" {
            for row in &rows {
                let key = row["process"].as_str().unwrap_or_default();
                assert!(keys.insert(key.to_owned()), "{name}: {key} stands twice");
            }
        }
        let mut file = Vec::new();
        let mut sink = ParquetSink::new(&mut file, &info).expect("a writer");
        assert_eq!(fixture.write(*table, &mut sink), n);
        if let Some(folder) = std::env::var_os("TRACEHOUND_CAPTURE_TABLES") {
            let folder = Path::new(&folder).join(path.file_stem().unwrap_or_default());
            std::fs::create_dir_all(&folder).expect("a folder");
            drop(sink);
            let written = std::fs::File::create(folder.join(format!("{}.parquet", info.name)));
            written.and_then(|mut written| written.write_all(&file)).expect("a file");
        }
    }
    let mut out = Vec::new();
    let shown = fixture.with(|case| tree::write(&mut out, case, &TreeOptions::default())).expect("memory");
    assert_eq!(shown.n_processes, keys.len() as u64, "{name}: every process stands in the tree once");
    let total = fixture.with(summary::summary)["processes"]["total"].clone();
    assert_eq!(total, Json::from(keys.len()), "{name}");
    if let Some(folder) = std::env::var_os("TRACEHOUND_CAPTURE_TABLES") {
        let tree = Path::new(&folder).join(path.file_stem().unwrap_or_default()).join("tree.txt");
        std::fs::write(tree, out).expect("a file");
    }
}
