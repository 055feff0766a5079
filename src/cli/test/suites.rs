//! Suites as they were named: found, read, and everything that they are tested with.

use std::fs;
use std::path::{Path, PathBuf};

use tracehound_lang::{Code, Diagnostic, Severity, SourceFile, render};
use tracehound_suite::check::{Names, check};
use tracehound_suite::files::{self, GOLDEN_SUFFIX, Loaded, Named, Suite, SuiteFile};

use super::args::Test;
use crate::cli::args::{Global, RuleArgs};
use crate::cli::exit::Failure;
use crate::cli::output::printable;
use crate::cli::session::load_rule_files;
use crate::cli::suppressing::Suppressions;
use crate::corpus::Ground;

/// Suites, and what each is tested with.
pub(super) struct Suites {
    /// The suites.
    pub(super) loaded: Loaded,
    /// Rules and suppressions; suites with the same ones share them.
    pub(super) grounds: Vec<Ground>,
    /// By suite, the position of its ground.
    pub(super) ground_of: Vec<usize>,
}

impl Suites {
    /// Loads suites, rules and suppressions; prints diagnostics. Fails if anything does not load. `inputs` gets the
    /// files and folders that count.
    pub(super) fn load(global: &Global, args: &Test, inputs: &mut Vec<PathBuf>) -> Result<Suites, Failure> {
        inputs.extend(args.suites.iter().chain(&args.rules).chain(&args.suppressions.suppressions).cloned());
        // What is blessed anew does not count, whatever is wrong with it; unless a part of it stays.
        let has_golden = !args.bless || !args.filter.is_empty();
        let files = suite_files(&args.suites, has_golden)?;
        inputs.extend(files.iter().map(|file| PathBuf::from(&file.source.path)));
        inputs.extend(files.iter().map(|file| files::golden_path(Path::new(&file.source.path))));
        let mut loaded = files::load(&files);
        for suite in &loaded.suites {
            let traces = suite.entries.iter().map(|entry| suite.resolve(&entry.trace.name));
            inputs.extend(traces.chain(suite.cases.iter().map(|case| case.path.clone())));
        }
        let mut found = Vec::new();
        let mut keys: Vec<(Vec<PathBuf>, Vec<PathBuf>)> = Vec::new();
        let mut ground_of = Vec::new();
        for suite in &loaded.suites {
            let rules = paths(&args.rules, suite, &suite.rules, &mut found);
            if rules.is_empty() && suite.rules.is_empty() {
                found.push(
                    Diagnostic::new(Code::SuiteInvalid, suite.name.span, "the suite names no rules")
                        .help("add `rules: [FILE or FOLDER]`, relative to the suite, or give -r RULES".to_owned()),
                );
            }
            let key = (rules, paths(&args.suppressions.suppressions, suite, &suite.suppressions, &mut found));
            let position = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
            ground_of.push(position);
        }
        loaded.add(found);
        refuse(global, &loaded)?;
        let mut grounds = Vec::new();
        for (rules, suppressions) in keys {
            inputs.extend(rules.iter().chain(&suppressions).cloned());
            let rule_args = RuleArgs { selections: args.selections.clone(), ..RuleArgs::of(rules) };
            let rules = load_rule_files(global, &rule_args)?;
            let suppression_args = crate::cli::args::SuppressionArgs { suppressions, ..args.suppressions.clone() };
            let (suppressions, clock, tags) = Suppressions::load(global, &suppression_args, &rules)?.into_parts();
            grounds.push(Ground { rules, suppressions, clock, tags });
        }
        let mut found = Vec::new();
        for (suite, &ground) in loaded.suites.iter().zip(&ground_of) {
            let ground: &Ground = &grounds[ground];
            let suppressions = ground.suppressions.iter().map(|suppression| suppression.entry.name.as_str());
            found.extend(check(suite, &Names::new(&ground.rules.rules, suppressions)));
        }
        loaded.add(found);
        refuse(global, &loaded)?;
        let least = if global.quiet { Severity::Error } else { Severity::Warning };
        let shown: Vec<Diagnostic> = loaded.diagnostics.iter().filter(|d| d.severity <= least).cloned().collect();
        eprint!("{}", render::render_all(&shown, &loaded.sources));
        Ok(Suites { loaded, grounds, ground_of })
    }
}

/// Prints what is wrong and fails, if something is.
pub(in crate::cli) fn refuse(global: &Global, loaded: &Loaded) -> Result<(), Failure> {
    if !loaded.has_errors() {
        return Ok(());
    }
    let least = if global.quiet { Severity::Error } else { Severity::Warning };
    let shown: Vec<Diagnostic> = loaded.diagnostics.iter().filter(|d| d.severity <= least).cloned().collect();
    eprint!("{}", render::render_all(&shown, &loaded.sources));
    let n_errors = loaded.diagnostics.iter().filter(|d| d.is_error()).count();
    let errors = if n_errors == 1 { "1 error".to_owned() } else { format!("{n_errors} errors") };
    Err(Failure::Rules(format!("suites do not load: {errors}; nothing was tested")))
}

/// Files that a suite names, or those of the command line instead of them.
fn paths(given: &[PathBuf], suite: &Suite, named: &[Named], found: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    if !given.is_empty() {
        return given.to_vec();
    }
    let mut out = Vec::new();
    for Named { name, span } in named {
        let path = suite.resolve(name);
        if path.exists() {
            out.push(path);
        } else {
            let message = format!("no such file or folder: {}", path.display());
            let help = "paths in a suite are relative to it".to_owned();
            found.push(Diagnostic::new(Code::SuiteInvalid, *span, message).help(help));
        }
    }
    out
}

/// Reads suites in the order given; a folder stands for the suites in it, sorted by name.
pub(in crate::cli) fn suite_files(paths: &[PathBuf], has_golden: bool) -> Result<Vec<SuiteFile>, Failure> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::Rules(printable(format!("{}: {error}", path.display()).as_bytes()))
    };
    let is_golden = |path: &Path| path.to_string_lossy().ends_with(GOLDEN_SUFFIX);
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| failed(path, &error))? {
            let path = entry.map_err(|error| failed(path, &error))?.path();
            let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
            if is_yaml && path.is_file() && !is_golden(&path) {
                found.push(path);
            }
        }
        if found.is_empty() {
            return Err(failed(path, &"no suite in this folder (a .yaml or .yml file)"));
        }
        found.sort();
        files.extend(found);
    }
    let read = |path: &Path| -> Result<SourceFile, Failure> {
        let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
        Ok(SourceFile::new(path.display().to_string(), bytes))
    };
    let file = |path: PathBuf| {
        let golden = files::golden_path(&path);
        Ok(SuiteFile {
            source: read(&path)?,
            golden: (has_golden && golden.is_file()).then(|| read(&golden)).transpose()?,
        })
    };
    files.into_iter().map(file).collect()
}
