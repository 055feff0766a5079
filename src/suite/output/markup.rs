//! Verdicts for a code review: annotations of lines, and a summary in Markdown.

use std::io::{self, Write};

use tracehound_lang::markup::{Level, annotation, block, cell, code};

use super::{Report, counts};
use crate::judge::Status;

/// Failures whose details are in a summary; GitHub shows a megabyte at most.
const MAX_DETAILED: usize = 50;

/// Writes a workflow command of GitHub for each failure: an annotation of the place in the suite.
pub fn github(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    for result in report.results {
        for failure in &result.failures {
            let (path, at) = report.place(failure.span);
            let level = if failure.is_error { Level::Error } else { Level::Warning };
            let title = format!("{}: {}", report.suite(result).name.name, report.case(result).name);
            let message: Vec<&str> =
                std::iter::once(&failure.message).chain(&failure.details).map(String::as_str).collect();
            // A line of a trace is one line, whatever is in it.
            let message: Vec<String> = message.iter().map(|line| line.replace(['\n', '\r'], " ")).collect();
            writeln!(
                out,
                "{}",
                annotation(level, Some((path, at.line, Some(at.column))), &title, &message.join("\n"))
            )?;
        }
    }
    Ok(())
}

/// Writes a summary: a table of suites, a table of what is not as expected, and the reasons, folded.
pub fn markdown(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    let total = report.counts();
    let verdict = if total.n_passed == total.n_traces { "as expected" } else { "not as expected" };
    writeln!(out, "## Rules {verdict}: {}\n", total.line())?;
    writeln!(out, "| suite | traces | passed | failed | partial | not readable | signals | suppressed |")?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
    for (suite, results) in report.by_suite() {
        let c = counts(results);
        let name = cell(&suite.name.name);
        let numbers = [c.n_traces, c.n_passed, c.n_failed, c.n_partial, c.n_errors].map(|n| n.to_string()).join(" | ");
        writeln!(out, "| {name} | {numbers} | {} | {} |", c.n_fired, c.n_suppressed)?;
    }
    let found =
        || report.results.iter().flat_map(|result| result.failures.iter().map(move |failure| (result, failure)));
    if found().next().is_none() {
        return Ok(());
    }
    writeln!(out, "\n| trace | result | rule | what | where |\n|---|---|---|---|---|")?;
    for (result, failure) in found() {
        let status = match result.status {
            Status::Passed => "warning",
            status => status.name(),
        };
        let rule = failure.rule.as_ref().map_or_else(String::new, |rule| cell(rule));
        let (path, at) = report.place(failure.span);
        let place = cell(&format!("{path}:{}", at.line));
        let trace = cell(&report.case(result).name);
        writeln!(out, "| {trace} | {status} | {rule} | {} | {place} |", failure.kind.code())?;
    }
    for (result, failure) in found().take(MAX_DETAILED) {
        let trace = code(&report.case(result).name);
        // The summary of a folded part is HTML, in which code spans mean nothing: it stands before the part.
        writeln!(out, "\n{trace}: {}\n", code(&failure.message))?;
        if !failure.details.is_empty() {
            writeln!(out, "<details><summary>reason</summary>\n")?;
            let lines: Vec<String> = failure.details.iter().map(|line| line.replace(['\n', '\r'], " ")).collect();
            write!(out, "{}", block("", &lines.join("\n")))?;
            writeln!(out, "\n</details>")?;
        }
    }
    let n_more = found().count().saturating_sub(MAX_DETAILED);
    if n_more > 0 {
        writeln!(out, "\nThe reasons of {n_more} more are left out.")?;
    }
    Ok(())
}
