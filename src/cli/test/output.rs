//! Where results go: each format to its file, one to standard output.

use std::io::{self, Write};
use std::path::PathBuf;

use tracehound_suite::coverage::{Coverage, navigator};
use tracehound_suite::output::{self, Report};

use super::args::{Test, TestFormat};
use super::sarif;
use crate::cli::args::Global;
use crate::cli::exit::Failure;
use crate::cli::output::{AtomicFile, has_color};
use crate::cli::session::stdout;

/// Which formats go where: to a file, or to standard output.
pub(super) fn places(args: &Test) -> Result<Vec<(TestFormat, Option<PathBuf>)>, Failure> {
    let mut places = args.format.clone();
    let n_open = places.iter().filter(|(_, file)| file.is_none()).count();
    if n_open > 1 {
        let message = "two formats for one place: name a file for one of them, as in -f junit=FILE";
        return Err(Failure::Usage(message.to_owned()));
    }
    if places.is_empty() {
        places.push((TestFormat::Text, None));
    } else if n_open == 0 && args.output.is_some() {
        return Err(Failure::Usage("--output is for a format without a file, and each has one".to_owned()));
    }
    if let Some(open) = places.iter_mut().find(|(_, file)| file.is_none()) {
        open.1.clone_from(&args.output);
    }
    Ok(places)
}

/// Writes all results in all formats.
pub(super) fn write(
    global: &Global,
    args: &Test,
    report: &Report<'_>,
    coverage: Option<&Coverage>,
) -> Result<(), Failure> {
    let has_color = has_color(global.color, &io::stdout());
    let results = Results { report, coverage: coverage.filter(|_| args.coverage), is_verbose: global.verbose };
    for (format, file) in places(args)? {
        match file {
            None => {
                let mut out = stdout();
                results.write(&mut out, format, has_color)?;
                out.flush()?;
            }
            Some(path) => {
                // What is run again and again writes its files again.
                let mut file = AtomicFile::create(&path, args.force || args.watch)?;
                results
                    .write(&mut file, format, false)
                    .map_err(|error| Failure::Output { path: path.display().to_string(), error })?;
                file.commit()?;
            }
        }
    }
    if let (Some(path), Some(coverage)) = (&args.navigator, coverage) {
        let mut file = AtomicFile::create(path, args.force || args.watch)?;
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
