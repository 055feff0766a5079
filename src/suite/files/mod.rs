//! Suites as files: read, their traces found.
//!
//! A suite is a YAML file beside its traces, as `docs/suite.schema.json` describes it; paths in it are relative to it.
//! Beside `NAME.yaml` may stand `NAME.expected.yaml`, written by `tracehound test --bless`: further expectations for
//! the same traces, in the same words. Whatever does not load is an error: an expectation that was not understood
//! would be one that never fails.

mod expand;
mod read;

pub use expand::{EXTENSIONS, below};

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use tracehound_lang::{Code, Diagnostic, SourceFile, SourceMap, Span, render};
use tracehound_suppress::files::Placed;

pub use read::is_technique;

/// The JSON Schema of a suite, as `docs/suite.schema.json` has it.
pub const SCHEMA: &str = include_str!("../../../docs/suite.schema.json");

/// What the names of files with blessed results end in.
pub const GOLDEN_SUFFIX: &str = ".expected.yaml";

/// Text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The text.
    pub name: String,
    /// Where it was written.
    pub span: Span,
}

/// What a signal means that no expectation speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unexpected {
    /// The trace fails.
    #[default]
    Fail,
    /// It is told, and the trace passes.
    Warn,
    /// Nothing.
    Ignore,
}

impl Unexpected {
    /// All, as they are written.
    pub const ALL: [(&'static str, Unexpected); 3] =
        [("fail", Unexpected::Fail), ("warn", Unexpected::Warn), ("ignore", Unexpected::Ignore)];
}

/// What a trace is, for precision and recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It holds an attack.
    Attack,
    /// Nothing in it is an attack.
    Benign,
}

impl Kind {
    /// All, as they are written.
    pub const ALL: [(&'static str, Kind); 2] = [("attack", Kind::Attack), ("benign", Kind::Benign)];

    /// `attack` or `benign`.
    pub fn name(self) -> &'static str {
        Kind::ALL[self as usize].0
    }
}

/// What is known of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// What it is; `None` if nobody said.
    pub kind: Option<Kind>,
    /// ATT&CK techniques in it: `T1059.004`.
    pub techniques: Vec<String>,
    /// The trace it is the benign (or malicious) twin of, as a path relative to the suite.
    pub twin_of: Option<Named>,
    /// The program that provokes it, as a path relative to the suite.
    pub program: Option<Named>,
    /// Its licence.
    pub licence: String,
    /// What happens in it.
    pub description: String,
}

/// How many signals there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At least.
    pub min: u64,
    /// At most; `None` for any number.
    pub max: Option<u64>,
}

impl Bounds {
    /// True if a number is within.
    pub fn has(self, n: u64) -> bool {
        n >= self.min && self.max.is_none_or(|max| n <= max)
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (min, Some(max)) if min == max => write!(f, "{min}"),
            (min, None) => write!(f, "at least {min}"),
            (0, Some(max)) => write!(f, "at most {max}"),
            (min, Some(max)) => write!(f, "{min} to {max}"),
        }
    }
}

/// What a rule must say of a trace.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The rule.
    pub rule: Named,
    /// How many of the signals it is about there must be.
    pub bounds: Bounds,
    /// Where the numbers were written; else the rule's name.
    pub bounds_span: Span,
    /// Numbers of the events of these signals, sorted: these and no others.
    pub events: Option<Vec<u64>>,
    /// It is about signals that this matches only.
    pub query: Option<Placed>,
    /// It is about signals only whose output has these values; `None` for an absent one.
    pub fields: Vec<(Named, Option<String>)>,
    /// It is about signals that this suppression hides; without it, about signals that nothing hides.
    pub suppressed_by: Option<Named>,
}

/// Traces of a suite that are expected to give the same.
#[derive(Clone, Debug)]
pub struct Entry {
    /// File, folder or pattern, relative to the suite.
    pub trace: Named,
    /// What is known of the traces.
    pub labels: Labels,
    /// What rules must say.
    pub expect: Vec<Expectation>,
    /// Rules that must not fire.
    pub absent: Vec<Named>,
    /// What other signals mean; `None` for what the suite says.
    pub unexpected: Option<Unexpected>,
    /// True if the traces are expected to be damaged, or to have lost events.
    pub is_partial: bool,
    /// Where that is said; else the trace.
    pub partial_span: Span,
}

/// One trace of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called: its path relative to the suite.
    pub name: String,
    /// The entry it is of.
    pub entry: usize,
    /// The entry of the blessed results.
    pub golden: Option<usize>,
}

/// A suite.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its name, unique in a run.
    pub name: Named,
    /// What it is for.
    pub description: String,
    /// Its file.
    pub path: PathBuf,
    /// Rule files and folders.
    pub rules: Vec<Named>,
    /// Suppression files and folders.
    pub suppressions: Vec<Named>,
    /// What signals mean that no expectation speaks of.
    pub unexpected: Unexpected,
    /// Entries in order.
    pub entries: Vec<Entry>,
    /// Entries of the blessed results.
    pub golden: Vec<Entry>,
    /// Its traces: of each entry in turn, those of a folder or pattern by name.
    pub cases: Vec<Case>,
}

impl Suite {
    /// The folder that its paths are relative to.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    /// A path as the suite names it, from where the program runs; without `.` in it, so that one file has one path.
    pub fn resolve(&self, name: &str) -> PathBuf {
        without_dots(&self.folder().join(name))
    }

    /// Where its blessed results are.
    pub fn golden_path(&self) -> PathBuf {
        golden_path(&self.path)
    }

    /// The entry of a case.
    pub fn entry(&self, case: &Case) -> &Entry {
        &self.entries[case.entry]
    }

    /// The blessed entry of a case.
    pub fn golden(&self, case: &Case) -> Option<&Entry> {
        case.golden.map(|i| &self.golden[i])
    }

    /// Everything expected of a case: what was written, then what was blessed.
    pub fn expectations(&self, case: &Case) -> impl Iterator<Item = &Expectation> {
        self.entry(case).expect.iter().chain(self.golden(case).into_iter().flat_map(|golden| &golden.expect))
    }

    /// What signals of a case mean that no expectation speaks of.
    pub fn unexpected(&self, case: &Case) -> Unexpected {
        self.entry(case).unexpected.unwrap_or(self.unexpected)
    }

    /// True if a case is expected to be damaged.
    pub fn is_partial(&self, case: &Case) -> bool {
        self.entry(case).is_partial || self.golden(case).is_some_and(|golden| golden.is_partial)
    }
}

fn without_dots(path: &Path) -> PathBuf {
    let clean: PathBuf = path.components().filter(|part| !matches!(part, Component::CurDir)).collect();
    if clean.as_os_str().is_empty() { PathBuf::from(".") } else { clean }
}

/// Where the blessed results of a suite are: `NAME.expected.yaml` for `NAME.yaml`.
pub fn golden_path(suite: &Path) -> PathBuf {
    let mut name = suite.file_stem().unwrap_or_default().to_owned();
    name.push(GOLDEN_SUFFIX);
    suite.with_file_name(name)
}

/// Suites that were read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The files, to show places.
    pub sources: SourceMap,
    /// The suites, in the order of the files.
    pub suites: Vec<Suite>,
    /// Everything found, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// True if something of a suite does not load. Traces that are missing do not count, nor do the files that labels name:
    /// the others can be tested.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.is_error() && d.code != Code::SuiteNoTrace)
    }

    /// True if a trace is missing, or a file that labels name.
    pub fn lacks_traces(&self) -> bool {
        self.diagnostics.iter().any(|d| d.is_error() && d.code == Code::SuiteNoTrace)
    }

    /// Adds what was found later.
    pub fn add(&mut self, diagnostics: Vec<Diagnostic>) {
        self.diagnostics.extend(diagnostics);
        self.diagnostics.sort_by_key(|d| d.span().map_or((u32::MAX, 0), |span| (span.file, span.start)));
    }
}

/// A suite file and the blessed results beside it.
#[derive(Clone, Debug)]
pub struct SuiteFile {
    /// The suite.
    pub source: SourceFile,
    /// Its blessed results.
    pub golden: Option<SourceFile>,
}

/// Reads suites in the order given, and finds their traces.
pub fn load(files: &[SuiteFile]) -> Loaded {
    let mut loaded = Loaded::default();
    let mut names: HashMap<String, Span> = HashMap::new();
    let mut found = Vec::new();
    for SuiteFile { source, golden } in files {
        let suite = read::suite(source, &mut loaded.sources, &mut found);
        let golden = golden.as_ref().map(|golden| read::golden(golden, &mut loaded.sources, &mut found));
        let Some(mut suite) = suite else { continue };
        if let Some(&first) = names.get(&suite.name.name) {
            let shown = render::visible(suite.name.name.as_bytes());
            let message = format!("two suites are called `{shown}`");
            found.push(
                Diagnostic::new(Code::SuiteDuplicateName, suite.name.span, message)
                    .also(first, "the first")
                    .help("results are told apart by the name of the suite and of the trace".to_owned()),
            );
        } else {
            names.insert(suite.name.name.clone(), suite.name.span);
        }
        suite.golden = golden.unwrap_or_default();
        expand::cases(&mut suite, &mut found);
        loaded.suites.push(suite);
    }
    loaded.add(found);
    loaded
}
