//! Verdicts for people and machines.
//!
//! Everything that is printed is in a [`Report`]: suites, what became of their traces, and where things stand. Names
//! and values from traces, suites and rules are hostile: each writer makes them safe for its reader.

mod coverage;
mod json;
mod junit;
mod markup;
mod text;

use tracehound_lang::render::visible;
use tracehound_lang::{Position, SourceMap, Span};

use crate::files::{Case, Loaded, Suite};
use crate::judge::{CaseResult, Failure, Status};

pub use coverage::{coverage_json, coverage_markdown, coverage_text};
pub use json::{json, labels};
pub use junit::junit;
pub use markup::{github, markdown};
pub use text::text;

/// What is printed.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The suites and their files.
    pub loaded: &'a Loaded,
    /// Results in the order of the suites and their traces.
    pub results: &'a [CaseResult],
}

/// Numbers of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traces.
    pub n_traces: usize,
    /// Traces by status.
    pub n_passed: usize,
    /// Damaged ones, with nothing else wrong.
    pub n_partial: usize,
    /// Failed ones.
    pub n_failed: usize,
    /// Those that cannot be read.
    pub n_errors: usize,
    /// Signals that nothing hides.
    pub n_fired: u64,
    /// Hidden signals.
    pub n_suppressed: u64,
}

impl<'a> Report<'a> {
    /// The suite of a result.
    pub fn suite(&self, result: &CaseResult) -> &'a Suite {
        &self.loaded.suites[result.suite]
    }

    /// The trace of a result.
    pub fn case(&self, result: &CaseResult) -> &'a Case {
        &self.suite(result).cases[result.case]
    }

    /// Results by suite, in order; suites without any left out.
    pub fn by_suite(&self) -> impl Iterator<Item = (&'a Suite, &'a [CaseResult])> {
        let loaded = self.loaded;
        self.results.chunk_by(|a, b| a.suite == b.suite).map(move |results| (&loaded.suites[results[0].suite], results))
    }

    /// File and position of a place.
    pub fn place(&self, span: Span) -> (&'a str, Position) {
        let sources: &SourceMap = &self.loaded.sources;
        (sources.path(span.file), sources.position(span.file, span.start))
    }

    /// `file:line:column` of a failure, safe for a terminal.
    pub fn location(&self, failure: &Failure) -> String {
        let (path, at) = self.place(failure.span);
        format!("{}:{}:{}", visible(path.as_bytes()), at.line, at.column)
    }

    /// Numbers of all results.
    pub fn counts(&self) -> Counts {
        counts(self.results)
    }
}

/// Numbers of results.
pub fn counts(results: &[CaseResult]) -> Counts {
    let mut counts = Counts { n_traces: results.len(), ..Counts::default() };
    for result in results {
        match result.status {
            Status::Passed => counts.n_passed += 1,
            Status::Partial => counts.n_partial += 1,
            Status::Failed => counts.n_failed += 1,
            Status::Error => counts.n_errors += 1,
        }
        let (fired, suppressed) = result.observed.counts();
        counts.n_fired += fired;
        counts.n_suppressed += suppressed;
    }
    counts
}

impl Counts {
    /// `12 traces: 10 passed, 1 failed, 1 partial`, zeros left out.
    pub fn line(&self) -> String {
        let parts = [
            (self.n_passed, "passed"),
            (self.n_failed, "failed"),
            (self.n_partial, "partial"),
            (self.n_errors, "not readable"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let traces = if self.n_traces == 1 { "trace" } else { "traces" };
        let suppressed =
            if self.n_suppressed > 0 { format!("; {} suppressed", self.n_suppressed) } else { String::new() };
        let colon = if parts.is_empty() { "" } else { ": " };
        let signals = if self.n_fired == 1 { "signal" } else { "signals" };
        format!("{} {traces}{colon}{}; {} {signals}{suppressed}", self.n_traces, parts.join(", "), self.n_fired)
    }
}
