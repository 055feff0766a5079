//! What the tests on real captures share.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use tracehound_formats::event::syscalls;
use tracehound_formats::{Input, Item, Seq};
use tracehound_state::{Fact, History, Replay, ReplayNotes, ReplayOptions};

/// The folder of reference captures, if it is there.
pub fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("TRACEHOUND_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if path.join("captures").is_dir() {
        return Some(path);
    }
    tracehound_skipped::skipped!("reference captures not found in {}", path.display());
    None
}

/// Captures below the shared folder, in order of their names, with what stands before `.scap`.
pub fn captures(shared: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for folder in ["host", "vm", "large"] {
        let Ok(entries) = std::fs::read_dir(shared.join("captures").join(folder)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(stem) = name.strip_suffix(".scap").or(name.strip_suffix(".scap.gz")) {
                found.push((format!("{folder}/{stem}"), entry.path()));
            }
        }
    }
    found.sort();
    found
}

/// A capture replayed whole.
pub struct Replayed {
    pub history: History,
    pub notes: ReplayNotes,
    pub facts: Vec<Fact>,
    pub heads: Vec<tracehound_formats::Head>,
    /// Position of an event by its number.
    pub by_seq: HashMap<u64, usize>,
    /// Thread ids whose exec failed.
    pub failed_execs: HashSet<i64>,
}

/// Replays a trace.
pub fn replay(input: Input) -> Replayed {
    let mut reader = tracehound_formats::open(input).expect("a trace");
    let mut replay = Replay::new(ReplayOptions::default());
    let (mut facts, mut heads, mut by_seq) = (Vec::new(), Vec::new(), HashMap::new());
    let mut failed_execs = HashSet::new();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => replay.section(&section, Seq(heads.len() as u64 + 1)),
            Item::Batch(batch) => {
                replay.batch(&batch, &mut facts);
                for event in batch.iter() {
                    by_seq.insert(event.head.seq.0, heads.len());
                    heads.push(*event.head);
                    let is_exec = matches!(event.head.kind, syscalls::EXECVE | syscalls::EXECVEAT);
                    if is_exec && event.ret().is_some_and(|ret| ret < 0) {
                        failed_execs.insert(event.head.tid.0);
                    }
                }
            }
        }
    }
    let notes = *replay.notes();
    Replayed { history: replay.finish(), notes, facts, heads, by_seq, failed_execs }
}
