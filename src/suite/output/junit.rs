//! Verdicts as JUnit XML: a suite is a `testsuite`, a trace a `testcase`.
//!
//! There is no standard; this keeps to the schema of Jenkins' xUnit plug-in (`junit-10.xsd`), which other readers accept
//! too. A partial result is an `error`: nothing was refuted, and nothing is known.

use std::io::{self, Write};

use tracehound_lang::render::visible;

use super::{Report, counts};
use crate::judge::{CaseResult, Failure, FailureKind, Status};

/// Writes all results. There are no times in it: the same results are the same bytes.
pub fn junit(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    let total = report.counts();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let (tests, failures, errors) = (total.n_traces, total.n_failed, total.n_errors + total.n_partial);
    writeln!(out, r#"<testsuites name="tracehound" tests="{tests}" failures="{failures}" errors="{errors}">"#)?;
    for (suite, results) in report.by_suite() {
        let counts = counts(results);
        let name = escaped(&suite.name.name);
        let (tests, failures, errors) = (counts.n_traces, counts.n_failed, counts.n_errors + counts.n_partial);
        writeln!(
            out,
            r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="{errors}" skipped="0">"#
        )?;
        for result in results {
            case(out, report, result, &name)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn case(out: &mut impl Write, report: &Report<'_>, result: &CaseResult, suite: &str) -> io::Result<()> {
    let name = escaped(&report.case(result).name);
    write!(out, r#"    <testcase name="{name}" classname="{suite}""#)?;
    if result.failures.is_empty() {
        return writeln!(out, "/>");
    }
    writeln!(out, ">")?;
    // The order of elements is that of the schema: failures and errors, then what was printed.
    for failure in result.failures.iter().filter(|failure| failure.is_error) {
        let is_error = result.status == Status::Error || failure.kind == FailureKind::Partial;
        let element = if is_error { "error" } else { "failure" };
        let (message, kind) = (escaped(&failure.message), failure.kind.code());
        let text = text(report, failure);
        writeln!(out, r#"      <{element} message="{message}" type="{kind}">{text}</{element}>"#)?;
    }
    let warnings: Vec<String> = result
        .failures
        .iter()
        .filter(|failure| !failure.is_error)
        .map(|failure| format!("warning: {}\n{}", escaped(&failure.message), text(report, failure)))
        .collect();
    if !warnings.is_empty() {
        writeln!(out, "      <system-out>{}</system-out>", warnings.join("\n"))?;
    }
    writeln!(out, "    </testcase>")
}

fn text(report: &Report<'_>, failure: &Failure) -> String {
    let (path, at) = report.place(failure.span);
    let place = format!("{path}:{}:{}", at.line, at.column);
    std::iter::once(&place).chain(&failure.details).map(|line| escaped(line)).collect::<Vec<_>>().join("\n")
}

/// A line of text within XML 1.0, in an attribute too: what XML cannot hold (controls, U+FFFE, U+FFFF) made visible.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text.as_bytes()).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_visible() {
        for (text, expected) in [
            ("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;"),
            ("a\0\u{1b}[31m\n", "a\\x00\\x1b[31m\\x0a"),
            ("]]>\u{ffff}\u{202e}", "]]&gt;\\u{ffff}\\u{202e}"),
            ("\u{1f600}\u{e9}", "\u{1f600}\u{e9}"),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }
}
