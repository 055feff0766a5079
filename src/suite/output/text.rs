//! Verdicts for people.

use std::io::{self, Write};

use tracehound_signals::visible::Visible;

use super::{Report, counts};
use crate::judge::{CaseResult, Failure, Status};

/// Characters of a line of details before it is cut.
const MAX_LINE: usize = 300;

/// Writes all results: of what is as expected a line a suite, or with `is_verbose` a line a trace; of everything else
/// the reasons.
pub fn text(out: &mut impl Write, report: &Report<'_>, has_color: bool, is_verbose: bool) -> io::Result<()> {
    let paint = Paint(has_color);
    for (suite, results) in report.by_suite() {
        let counts = counts(results);
        let name = Visible(suite.name.name.as_bytes()).to_string();
        let status = results.iter().map(|result| result.status).max().unwrap_or(Status::Passed);
        writeln!(out, "{}  {}  {}", paint.status(status), paint.bold(&name), counts.line())?;
        for result in results {
            case(out, report, result, paint, is_verbose)?;
        }
    }
    if report.loaded.suites.len() > 1 {
        writeln!(out, "{} suites, {}", report.by_suite().count(), report.counts().line())?;
    }
    Ok(())
}

fn case(
    out: &mut impl Write,
    report: &Report<'_>,
    result: &CaseResult,
    paint: Paint,
    is_verbose: bool,
) -> io::Result<()> {
    if !is_verbose && result.failures.is_empty() {
        return Ok(());
    }
    let name = Visible(report.case(result).name.as_bytes()).to_string();
    let (fired, suppressed) = result.observed.counts();
    let mut signals = format!("{fired} signal{}", if fired == 1 { "" } else { "s" });
    if suppressed > 0 {
        signals += &format!(", {suppressed} suppressed");
    }
    writeln!(out, "  {}  {}  {}", paint.status(result.status), name, paint.dim(&signals))?;
    for failure in &result.failures {
        reason(out, report, failure, paint)?;
    }
    Ok(())
}

fn reason(out: &mut impl Write, report: &Report<'_>, failure: &Failure, paint: Paint) -> io::Result<()> {
    let level = if failure.is_error { "" } else { "warning: " };
    writeln!(out, "    {level}{}", paint.bold(&line(&failure.message)))?;
    writeln!(out, "      {}", paint.dim(&format!("{}  {}", failure.kind.code(), report.location(failure))))?;
    for detail in &failure.details {
        writeln!(out, "      {}", line(detail))?;
    }
    Ok(())
}

/// Text on one line, hostile bytes visible, cut if it is very long.
fn line(text: &str) -> String {
    let shown = Visible(text.as_bytes()).to_string();
    match shown.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, sequence: &str, text: &str) -> String {
        if self.0 { format!("{sequence}{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with("\x1b[1m", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("\x1b[2m", text)
    }

    fn status(self, status: Status) -> String {
        let (sequence, text) = match status {
            Status::Passed => ("\x1b[32m", "passed "),
            Status::Partial => ("\x1b[33m", "PARTIAL"),
            Status::Failed => ("\x1b[1;31m", "FAILED "),
            Status::Error => ("\x1b[1;31m", "ERROR  "),
        };
        self.with(sequence, text)
    }
}
