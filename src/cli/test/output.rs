//! Where results go: each format to its file, one to standard output.

use std::io::{self, Write};
use std::path::PathBuf;

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
pub(super) fn write(global: &Global, args: &Test, report: &Report<'_>) -> Result<(), Failure> {
    for (format, file) in places(args)? {
        match file {
            None => {
                let mut out = stdout();
                one(&mut out, format, report, has_color(global.color, &io::stdout()), global.verbose)?;
                out.flush()?;
            }
            Some(path) => {
                // What is run again and again writes its files again.
                let mut file = AtomicFile::create(&path, args.force || args.watch)?;
                one(&mut file, format, report, false, global.verbose)
                    .map_err(|error| Failure::Output { path: path.display().to_string(), error })?;
                file.commit()?;
            }
        }
    }
    Ok(())
}

fn one(
    out: &mut impl Write,
    format: TestFormat,
    report: &Report<'_>,
    has_color: bool,
    is_verbose: bool,
) -> io::Result<()> {
    match format {
        TestFormat::Text => output::text(out, report, has_color, is_verbose),
        TestFormat::Json => writeln!(out, "{:#}", output::json(report)),
        TestFormat::Junit => output::junit(out, report),
        TestFormat::Sarif => writeln!(out, "{:#}", sarif::log(report)),
        TestFormat::Github => output::github(out, report),
        TestFormat::Markdown => output::markdown(out, report),
    }
}
