//! `test --watch`: again whenever a file changes.
//!
//! Files are looked at twice a second: no watch of the kernel follows a file that an editor replaces, and over a network
//! or in a container some file systems tell nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::cli::exit::{Failure, Outcome};

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(500);
/// Folders inside folders that are looked into, as when traces are searched.
const MAX_DEPTH: usize = 16;

/// Runs something, and again whenever one of the files changed that it named. Only a wrong command line ends it; else
/// whoever started it does, with Ctrl-C.
pub(super) fn watch(mut once: impl FnMut(&mut Vec<PathBuf>) -> Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    loop {
        let mut inputs = Vec::new();
        match once(&mut inputs) {
            Ok(_) => {}
            Err(failure) if inputs.is_empty() || failure.outcome() == Outcome::Usage => return Err(failure),
            Err(failure) => eprintln!("tracehound: {failure}"),
        }
        let before = look(&inputs);
        let n_files = before.iter().filter(|(_, state)| state.is_some()).count();
        eprintln!("waiting for a change of {n_files} files; Ctrl-C ends");
        loop {
            thread::sleep(PERIOD);
            let now = look(&inputs);
            if now != before {
                // A change of several files is often not one moment: wait until nothing moves any more.
                let mut last = now;
                loop {
                    thread::sleep(PERIOD / 5);
                    let now = look(&inputs);
                    if now == last {
                        break;
                    }
                    last = now;
                }
                break;
            }
        }
    }
}

/// What a file was like; `None` if there was none.
type State = Option<(SystemTime, u64)>;

/// All files, those of folders too, and what they are like.
fn look(inputs: &[PathBuf]) -> Vec<(PathBuf, State)> {
    let mut found = Vec::new();
    for path in inputs {
        add(path, 0, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn add(path: &Path, depth: usize, found: &mut Vec<(PathBuf, State)>) {
    let Ok(metadata) = fs::metadata(path) else {
        found.push((path.to_owned(), None));
        return;
    };
    if !metadata.is_dir() {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        found.push((path.to_owned(), Some((modified, metadata.len()))));
    } else if depth < MAX_DEPTH
        && let Ok(entries) = fs::read_dir(path)
    {
        for entry in entries.flatten() {
            add(&entry.path(), depth + 1, found);
        }
    }
}
