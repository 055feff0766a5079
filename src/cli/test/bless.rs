//! `test --bless`: present results written down, and what changed shown.

use std::fs;
use std::io::Write;

use tracehound_suite::golden::{bless as blessed, difference};
use tracehound_suite::{CaseResult, Loaded};

use crate::cli::exit::Failure;
use crate::cli::output::{AtomicFile, printable};
use crate::cli::session::stdout;

/// Writes the file beside each suite, or removes one that has nothing to say any more; prints the differences.
pub(super) fn bless(loaded: &Loaded, results: &[CaseResult]) -> Result<(), Failure> {
    let mut out = stdout();
    for (i, suite) in loaded.suites.iter().enumerate() {
        let of_suite: Vec<&CaseResult> = results.iter().filter(|result| result.suite == i).collect();
        if of_suite.is_empty() {
            continue;
        }
        let path = suite.golden_path();
        let shown = printable(path.to_string_lossy().as_bytes());
        let failed = |error| Failure::Output { path: shown.clone(), error };
        let before = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let after = blessed(suite, &of_suite);
        let difference = difference(&shown, &before, after.as_deref().unwrap_or_default());
        if difference.is_empty() {
            writeln!(out, "{shown}: nothing changed")?;
            continue;
        }
        for line in difference.lines() {
            writeln!(out, "{}", printable(line.as_bytes()))?;
        }
        match after {
            Some(text) => {
                let mut file = AtomicFile::create(&path, true, &[])?;
                file.write_all(text.as_bytes()).map_err(failed)?;
                file.commit()?;
            }
            None => fs::remove_file(&path).map_err(failed)?,
        }
    }
    Ok(out.flush()?)
}
