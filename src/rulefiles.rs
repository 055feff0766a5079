//! Rule files as they were named on the command line: found (also in a revision of a git repository), read, loaded,
//! planned.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tracehound_lang::{Diagnostic, Loaded, Severity, SourceFile, render};
use tracehound_rules::RuleSet;
use tracehound_suppress::files;

use crate::gitfiles;

/// Rules, ready to be matched, and everything that was found wrong with their files.
pub struct RuleFiles {
    /// Rules in order of definition.
    pub rules: RuleSet,
    /// What the files hold, with diagnostics.
    pub loaded: Loaded,
}

/// A rule file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}")]
pub struct RuleFileError {
    /// As it was named.
    pub path: String,
    /// Why.
    pub error: io::Error,
}

impl RuleFiles {
    /// True if some rule, macro or list does not load.
    pub fn has_errors(&self) -> bool {
        self.loaded.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Diagnostics of at least this severity, for people: source lines with carets.
    pub fn render(&self, least: Severity) -> String {
        let shown: Vec<Diagnostic> = self.loaded.diagnostics.iter().filter(|d| d.severity <= least).cloned().collect();
        render::render_all(&shown, &self.loaded.sources)
    }
}

/// Loads files and folders in the order given; a folder stands for its `.yaml` and `.yml` files, sorted by name.
pub fn load(paths: &[PathBuf]) -> Result<RuleFiles, RuleFileError> {
    let mut loaded = read(paths, Severity::Lint)?;
    let rules = plan(&mut loaded);
    Ok(RuleFiles { rules, loaded })
}

/// Makes the rules of what was loaded ready to be matched.
pub fn plan(loaded: &mut Loaded) -> RuleSet {
    // The language has compiled every condition, to point at errors; none can be left.
    let (rules, compiled) = (std::mem::take(&mut loaded.rules), std::mem::take(&mut loaded.compiled));
    debug_assert_eq!(rules.len(), compiled.len());
    let (rules, errors) = RuleSet::plan_compiled(rules.into_iter().zip(compiled));
    debug_assert!(errors.is_empty(), "{errors:?}");
    rules
}

/// As [`load`], without making the rules ready, and with diagnostics of at least a severity; see
/// [`tracehound_lang::load_with`].
pub fn read(paths: &[PathBuf], least: Severity) -> Result<Loaded, RuleFileError> {
    let mut loaded = tracehound_lang::load_with(&source_files(paths)?, least);
    check_filters(&mut loaded);
    Ok(loaded)
}

/// Adds what is wrong with the filters that stand at rules. Who applies them reads them again.
pub fn check_filters(loaded: &mut Loaded) {
    let (_, diagnostics) = files::filters(loaded);
    report(loaded, diagnostics);
}

/// Adds findings of others to those of the language, and counts them.
pub fn report(loaded: &mut Loaded, found: Vec<Diagnostic>) {
    for diagnostic in found {
        match diagnostic.severity {
            Severity::Error => loaded.stats.errors += 1,
            Severity::Warning => loaded.stats.warnings += 1,
            Severity::Lint => loaded.stats.lints += 1,
        }
        loaded.diagnostics.push(diagnostic);
    }
}

/// Reads files and folders in the order given; a folder stands for its `.yaml` and `.yml` files, sorted by name, and
/// `git:REV:PATH` for a file or folder of a revision ([`gitfiles`]).
pub fn source_files(paths: &[PathBuf]) -> Result<Vec<SourceFile>, RuleFileError> {
    let mut files = Vec::new();
    for path in paths {
        let failed = |path: &Path, error| RuleFileError { path: path.display().to_string(), error };
        if let Some(found) = gitfiles::source_files(path) {
            files.extend(found.map_err(|error| failed(path, error))?);
        } else if path.is_dir() {
            let found = rule_files_below(path).map_err(|error| failed(path, error))?;
            if found.is_empty() {
                return Err(failed(path, io::Error::other("no .yaml or .yml file in this folder")));
            }
            for path in found {
                let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
                files.push(SourceFile::new(path.display().to_string(), bytes));
            }
        } else {
            let bytes = fs::read(path).map_err(|error| failed(path, error))?;
            files.push(SourceFile::new(path.display().to_string(), bytes));
        }
    }
    Ok(files)
}

fn rule_files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if is_yaml && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
