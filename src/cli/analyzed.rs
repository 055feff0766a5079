//! A folder that `analyze -o` wrote, named where a trace is expected: what it says of its trace leads back to that.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::exit::Failure;
use super::output::printable;
use super::session::Session;

/// Bytes of a summary that are read: with a rule a line there is room for hundreds of thousands.
const MAX_SUMMARY: u64 = 64 << 20;

/// The trace of an analysis.
pub(super) struct Analyzed {
    /// The folder.
    folder: PathBuf,
    /// The trace, found again.
    pub(super) trace: PathBuf,
    /// What the analysis says of it.
    summary: Json,
}

impl Analyzed {
    /// Finds the trace of an analysis: under the name it had, or by its file name in the folder, beside it or one
    /// above. A file of another length is not it.
    pub(super) fn find(folder: &Path) -> Result<Analyzed, Failure> {
        let shown = printable(folder.display().to_string().as_bytes());
        let failed = |what: String| Failure::Usage(format!("{shown}: {what}"));
        let path = folder.join("summary.json");
        let mut bytes = Vec::new();
        fs::File::open(&path).and_then(|file| file.take(MAX_SUMMARY).read_to_end(&mut bytes)).map_err(|error| {
            failed(format!("a folder, but no analysis that `analyze -o` wrote: summary.json: {error}"))
        })?;
        let summary: Json = serde_json::from_slice(&bytes)
            .map_err(|error| failed(format!("summary.json is damaged, name the trace itself: {error}")))?;
        let input = &summary["input"];
        let name = input["name"].as_str().filter(|name| !name.is_empty() && *name != "-").ok_or_else(|| {
            failed("an analysis of standard input; name a file with the trace, which the page is made from".to_owned())
        })?;
        let named = Path::new(name);
        let mut places = vec![named.to_owned()];
        if let Some(file) = named.file_name() {
            // Canonical, so that `.` has a folder above as well.
            let whole = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
            places.extend(whole.ancestors().take(3).map(|above| above.join(file)));
        }
        let n_bytes = input["bytes"].as_u64();
        let is_it = |path: &PathBuf| {
            let found = fs::metadata(path).ok().filter(fs::Metadata::is_file);
            found.is_some_and(|found| n_bytes.is_none_or(|n| n == found.len()))
        };
        match places.into_iter().find(is_it) {
            Some(trace) => Ok(Analyzed { folder: folder.to_owned(), trace, summary }),
            None => {
                let length = n_bytes.map_or_else(String::new, |n| format!(" of {n} bytes"));
                Err(failed(format!(
                    "the page is made from the trace of the analysis, {}{length}, which is neither there nor in or \
                     beside the folder; name the trace",
                    printable(name.as_bytes())
                )))
            }
        }
    }

    /// Fails if the trace that was read is not that of the analysis; gives a remark if its signals are others, as other
    /// rules give.
    pub(super) fn check(&self, session: &Session) -> Result<Option<String>, Failure> {
        let shown = printable(self.folder.display().to_string().as_bytes());
        let totals = &session.analysis.totals;
        let first = self.summary["time"]["first_ns"].as_u64();
        if first != totals.first_ns {
            return Err(Failure::Usage(format!(
                "{}: not the trace of the analysis {shown}: it begins at another time",
                session.name
            )));
        }
        let signals = &self.summary["signals"];
        let count = |key: &str| signals[key].as_u64().unwrap_or_default();
        let (then, now) = (count("fired") + count("suppressed"), session.analysis.signals.len() as u64);
        Ok((then != now).then(|| {
            format!("{shown}: the analysis has {then} signals, the page {now}: rules or limits of time are others")
        }))
    }
}
