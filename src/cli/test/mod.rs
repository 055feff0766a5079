//! `test`: what rules say of traces against what suites expect.

pub mod args;

mod run;
mod suites;

use std::io::{self, Write};

use tracehound_suite::files::SCHEMA;
use tracehound_suite::output::{self, Report};
use tracehound_suite::{CaseResult, Status};

use self::args::Test;
use self::suites::Suites;
use super::args::Global;
use super::exit::{Failure, Outcome};
use super::output::has_color;
use super::session::{set_threads, stdout};

pub(super) fn run(global: &Global, args: &Test) -> Result<Outcome, Failure> {
    if args.schema {
        let mut out = stdout();
        out.write_all(SCHEMA.as_bytes())?;
        out.flush()?;
        return Ok(Outcome::Done);
    }
    set_threads(global);
    let suites = Suites::load(global, args)?;
    let results = run::run(global, &suites, args);
    let report = Report { loaded: &suites.loaded, results: &results };
    let mut out = stdout();
    output::text(&mut out, &report, has_color(global.color, &io::stdout()), global.verbose)?;
    out.flush()?;
    let missing = if suites.loaded.lacks_traces() { Outcome::Input } else { Outcome::Done };
    Ok(results.iter().map(outcome).fold(missing, Outcome::and))
}

/// What a trace means for the exit code.
fn outcome(result: &CaseResult) -> Outcome {
    match result.status {
        Status::Passed => Outcome::Done,
        Status::Partial => Outcome::Partial,
        Status::Failed => Outcome::Findings,
        Status::Error => Outcome::Input,
    }
}
