//! Which traces a suite has.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tracehound_lang::{Code, Diagnostic, Span, diagnostic, render};

use super::{Case, Suite, without_dots};

/// What traces are called in a folder. A file that is named by itself may be called anything.
pub const EXTENSIONS: [&str; 4] = [".trh", ".scap", ".scap.gz", ".trace"];
/// Folders inside folders that are looked into.
const MAX_DEPTH: usize = 16;
/// Missing files of a suite that are told one by one.
const MAX_MISSING: usize = 1000;

/// Finds the traces of a suite. A file that an entry names itself is not one of the files of a folder or pattern of
/// another entry; of several folders or patterns the first has it.
pub(super) fn cases(suite: &mut Suite, diagnostics: &mut Vec<Diagnostic>) {
    let folder = without_dots(suite.folder());
    let before = diagnostics.len();
    let mut found: Vec<Vec<PathBuf>> = Vec::new();
    let mut single: HashMap<PathBuf, Span> = HashMap::new();
    for entry in &suite.entries {
        let (name, span) = (&entry.trace.name, entry.trace.span);
        let path = suite.resolve(name);
        let mut paths = Vec::new();
        let is_pattern = !path.exists() && name.contains(['*', '?', '[']);
        if is_pattern {
            match pattern(&path) {
                Ok(found) => paths = found,
                Err(error) => diagnostics.push(
                    Diagnostic::new(Code::SuiteInvalid, span, format!("the pattern cannot be read: {error}"))
                        .help("`*` is any text, `?` a character, `**` any folders, `[ab]` one of these".to_owned()),
                ),
            }
        } else if path.is_dir() {
            match below(&path) {
                Ok(found) => paths = found,
                Err(error) => diagnostics.push(
                    Diagnostic::new(Code::SuiteNoTrace, span, format!("the folder cannot be read: {error}")).label(""),
                ),
            }
        } else if path.is_file() {
            match single.get(&path) {
                Some(&first) => diagnostics.push(
                    Diagnostic::new(Code::SuiteTraceTwice, span, "the trace is in the suite twice")
                        .also(first, "first here")
                        .help("put all that is expected of it into one entry".to_owned()),
                ),
                None => {
                    single.insert(path.clone(), span);
                    paths.push(path);
                }
            }
            found.push(paths);
            continue;
        }
        if paths.is_empty() {
            let what = match (is_pattern, path.is_dir()) {
                (true, _) => "no file fits the pattern".to_owned(),
                (_, true) => {
                    format!("no trace in this folder (files called {})", EXTENSIONS.join(", "))
                }
                _ => "no such trace".to_owned(),
            };
            diagnostics.push(Diagnostic::new(Code::SuiteNoTrace, span, what).help(neighbour(&path)));
        }
        found.push(paths);
    }
    labels(suite, diagnostics);
    let is_missing = |diagnostic: &Diagnostic| diagnostic.code == Code::SuiteNoTrace;
    let n_more = diagnostics[before..].iter().filter(|d| is_missing(d)).count().saturating_sub(MAX_MISSING);
    if n_more > 0 {
        let span = diagnostics.iter().rfind(|d| is_missing(d)).and_then(Diagnostic::span).unwrap_or_default();
        let mut n_kept = 0;
        let found = diagnostics.split_off(before);
        diagnostics.extend(found.into_iter().filter(|diagnostic| {
            n_kept += usize::from(is_missing(diagnostic));
            !is_missing(diagnostic) || n_kept <= MAX_MISSING
        }));
        diagnostics.push(Diagnostic::new(Code::SuiteNoTrace, span, format!("{n_more} further files are missing")));
    }
    let mut taken: HashMap<PathBuf, usize> = HashMap::new();
    for (entry, paths) in found.into_iter().enumerate() {
        let is_single = |path: &PathBuf| single.get(path).is_some_and(|span| *span == suite.entries[entry].trace.span);
        for path in paths.iter().map(|path| without_dots(path)) {
            if single.contains_key(&path) && !is_single(&path) || taken.contains_key(&path) {
                continue;
            }
            let name = path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy().into_owned();
            taken.insert(path.clone(), suite.cases.len());
            suite.cases.push(Case { path, name, entry, golden: None });
        }
    }
    for (i, golden) in suite.golden.iter().enumerate() {
        match taken.get(&without_dots(&folder.join(&golden.trace.name))) {
            Some(&case) => suite.cases[case].golden = Some(i),
            None => {
                let name = render::visible(golden.trace.name.as_bytes());
                diagnostics.push(
                    Diagnostic::new(Code::SuiteStale, golden.trace.span, format!("the suite has no trace `{name}`"))
                        .help("`tracehound test --bless` takes it out".to_owned()),
                );
            }
        }
    }
}

/// Looks whether the files are there that labels name.
fn labels(suite: &Suite, diagnostics: &mut Vec<Diagnostic>) {
    for labels in suite.entries.iter().map(|entry| &entry.labels) {
        for (named, what) in [(&labels.twin_of, "trace"), (&labels.program, "program")] {
            let Some(named) = named else { continue };
            let path = suite.resolve(&named.name);
            if !path.is_file() {
                let message = format!("no such {what}");
                diagnostics.push(Diagnostic::new(Code::SuiteNoTrace, named.span, message).help(neighbour(&path)));
            }
        }
    }
}

/// Files that fit a pattern, sorted.
fn pattern(path: &Path) -> Result<Vec<PathBuf>, String> {
    let pattern = path.to_str().ok_or("it is no text")?;
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let paths = glob::glob_with(pattern, options).map_err(|error| error.msg.to_owned())?;
    // What cannot be looked into has no trace that could be read.
    let mut found: Vec<PathBuf> = paths.filter_map(Result::ok).filter(|path| path.is_file()).collect();
    found.sort();
    Ok(found)
}

/// Traces in a folder and the folders in it, sorted. Hidden folders are left out.
pub fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = entry.file_name();
            if kind.is_dir() {
                // Links to folders are not followed: they can lead back.
                if depth < MAX_DEPTH && !name.as_encoded_bytes().starts_with(b".") {
                    open.push((path, depth + 1));
                }
            } else if EXTENSIONS.iter().any(|end| name.as_encoded_bytes().ends_with(end.as_bytes())) && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A file beside a missing one with a name that looks like it.
fn neighbour(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let names: Vec<String> =
        fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    diagnostic::suggestion(wanted, names)
}
