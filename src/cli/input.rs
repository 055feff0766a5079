//! Opening a trace as it was typed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tracehound_formats::{Input, OpenError, ReadNotes, TraceReader};
use tracehound_suite::files;

use super::args::Global;
use super::exit::{Failure, Outcome};
use super::output::printable;
use super::progress::Bar;

/// A trace that was opened.
pub(super) struct Opened {
    /// Name for messages.
    pub(super) name: String,
    /// Size in bytes.
    pub(super) n_bytes: u64,
    /// Reader.
    pub(super) reader: Box<dyn TraceReader>,
    /// Name of the format.
    pub(super) format: &'static str,
}

impl Opened {
    /// What starts a bar that follows the reading of it.
    pub(super) fn follow(&self, global: &Global, n_read: &Arc<AtomicU64>) -> impl FnOnce() -> Bar + use<> {
        let (global, name, n_bytes) = (global.clone(), self.name.clone(), self.n_bytes);
        let (progress, n_read) = (self.reader.progress(), Arc::clone(n_read));
        move || Bar::start(&global, &name, n_bytes, progress, n_read)
    }
}

/// Opens a path; `-` is standard input.
pub(super) fn open(path: &Path) -> Result<Opened, Failure> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let failed = |error| Failure::Input { path: printable(name.as_bytes()), error };
    let input = if path == Path::new("-") { Input::stdin() } else { Input::open(path) }.map_err(failed)?;
    let n_bytes = input.bytes().len() as u64;
    let format = tracehound_formats::detect(input.bytes()).map_err(failed)?;
    let reader = format.open(input).map_err(failed)?;
    Ok(Opened { format: format.name(), name: printable(name.as_bytes()), n_bytes, reader })
}

/// Refuses a trace that can be read once only, where `why` needs more: from a pipe the second reading gets nothing, or waits
/// for ever for somebody to write.
pub(super) fn check_read_again(path: &Path, why: &str) -> Result<(), Failure> {
    let is_stream = || path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    let what = match path {
        path if path == Path::new("-") => "standard input",
        _ if is_stream() => "a pipe or device",
        _ => return Ok(()),
    };
    Err(Failure::Usage(format!("{why}, which {what} cannot be")))
}

/// The traces that files and folders stand for: of a folder the traces in it and below it, by name. A trace that is
/// named twice is there once.
pub(super) fn traces(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let failed = |path: &Path, error| Failure::Input {
        path: printable(path.display().to_string().as_bytes()),
        error: OpenError::Io(error),
    };
    let mut out = Vec::new();
    let mut known = HashSet::new();
    for path in paths {
        let mut found = vec![path.clone()];
        if path.is_dir() {
            found = files::below(path).map_err(|error| failed(path, error))?;
            if found.is_empty() {
                let text = format!("no trace in this folder (files called *{})", files::EXTENSIONS.join(", *"));
                return Err(failed(path, std::io::Error::other(text)));
            }
        }
        for path in found {
            // What does not exist has no other name; opening it says so.
            if known.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                out.push(path);
            }
        }
    }
    Ok(out)
}

/// Says on standard error what was wrong with an input, and gives the exit code it leads to.
pub(super) fn report_damage(
    global: &Global,
    name: &str,
    notes: &ReadNotes,
    n_lost: u64,
    allow_partial: bool,
) -> Outcome {
    const SHOWN: usize = 10;
    if !global.quiet {
        for damage in notes.damage.iter().take(SHOWN) {
            eprintln!("{name}: damaged at byte {}: {}", damage.offset, printable(damage.what.as_bytes()));
        }
        let n_more = notes.n_damage.saturating_sub(SHOWN.min(notes.damage.len()) as u64);
        if n_more > 0 {
            eprintln!("{name}: damaged at {n_more} further places");
        }
        if n_lost > 0 {
            eprintln!("{name}: the recorder lost {n_lost} events");
        }
        if global.verbose {
            for remark in &notes.remarks {
                eprintln!("{name}: {}", printable(remark.as_bytes()));
            }
            for skipped in &notes.skipped {
                eprintln!("{name}: not an event of its own: {} x {}", skipped.n, printable(skipped.what.as_bytes()));
            }
        }
    }
    let is_partial = notes.n_damage > 0 || n_lost > 0;
    if is_partial && !allow_partial { Outcome::Partial } else { Outcome::Done }
}
