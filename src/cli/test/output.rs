//! Where results go: each format to its file, one to standard output.

use std::io::{self, Write};
use std::path::PathBuf;

use tracehound_suite::coverage::{Coverage, navigator};
use tracehound_suite::output::{self, Report};

use super::args::{Test, TestFormat};
use super::sarif;
use crate::cli::args::Global;
use crate::cli::exit::Failure;
use crate::cli::formats;
use crate::cli::output::{AtomicFile, has_color};

/// Writes all results in all formats.
pub(super) fn write(
    global: &Global,
    args: &Test,
    report: &Report<'_>,
    coverage: Option<&Coverage>,
) -> Result<(), Failure> {
    let has_color = has_color(global.color, &io::stdout());
    let results = Results { report, coverage: coverage.filter(|_| args.coverage), is_verbose: global.verbose };
    let places = formats::places(&args.format, args.output.as_deref(), TestFormat::Text)?;
    // What is run again and again writes its files again.
    let force = args.force || args.watch;
    let cases = report.loaded.suites.iter().flat_map(|suite| &suite.cases);
    let traces: Vec<PathBuf> = cases.map(|case| case.path.clone()).collect();
    formats::write(places, force, &traces, |mut out, format, is_open| {
        results.write(&mut out, format, is_open && has_color)
    })?;
    if let (Some(path), Some(coverage)) = (&args.navigator, coverage) {
        let mut file = AtomicFile::create(path, force, &traces)?;
        writeln!(file, "{:#}", navigator(coverage))
            .map_err(|error| Failure::Output { path: path.display().to_string(), error })?;
        file.commit()?;
    }
    Ok(())
}

/// What is written.
struct Results<'a> {
    report: &'a Report<'a>,
    coverage: Option<&'a Coverage>,
    is_verbose: bool,
}

impl Results<'_> {
    fn write(&self, out: &mut impl Write, format: TestFormat, has_color: bool) -> io::Result<()> {
        let report = self.report;
        match format {
            TestFormat::Text => {
                output::text(out, report, has_color, self.is_verbose)?;
                self.coverage.map_or(Ok(()), |coverage| output::coverage_text(out, coverage))
            }
            TestFormat::Json => {
                let mut json = output::json(report);
                if let Some(coverage) = self.coverage {
                    json["coverage"] = output::coverage_json(coverage);
                }
                writeln!(out, "{json:#}")
            }
            TestFormat::Markdown => {
                output::markdown(out, report)?;
                self.coverage.map_or(Ok(()), |coverage| output::coverage_markdown(out, coverage))
            }
            TestFormat::Junit => output::junit(out, report),
            TestFormat::Sarif => writeln!(out, "{:#}", sarif::log(report)),
            TestFormat::Github => output::github(out, report),
        }
    }
}
