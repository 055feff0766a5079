//! `test`: what rules say of traces against what suites expect.

pub mod args;

mod bless;
mod output;
mod run;
mod sarif;
pub(super) mod suites;
mod watch;

use std::io::Write;
use std::path::PathBuf;

use tracehound_suite::cache::{Cache, Key};
use tracehound_suite::files::SCHEMA;
use tracehound_suite::output::Report;
use tracehound_suite::{CaseResult, Status};

use self::args::Test;
use self::suites::Suites;
use super::args::Global;
use super::exit::{Failure, Outcome};
use super::session::{set_threads, stdout};

pub(super) fn run(global: &Global, args: &Test) -> Result<Outcome, Failure> {
    if args.schema {
        let mut out = stdout();
        out.write_all(SCHEMA.as_bytes())?;
        out.flush()?;
        return Ok(Outcome::Done);
    }
    set_threads(global);
    if args.watch {
        return watch::watch(|inputs| once(global, args, inputs));
    }
    once(global, args, &mut Vec::new())
}

/// Loads, runs and prints. `inputs` gets every file and folder that the result depends on, as far as they are known.
fn once(global: &Global, args: &Test, inputs: &mut Vec<PathBuf>) -> Result<Outcome, Failure> {
    let cache = cache(args);
    // With --bless they are loaded twice, and warnings told the second time.
    let first = &Global { quiet: global.quiet || args.bless, verbose: global.verbose && !args.bless, ..global.clone() };
    let mut suites = Suites::load(first, args, inputs)?;
    let (mut results, mut coverage) = run::run(&suites, args, cache.as_ref());
    if results.is_empty() && !args.filter.is_empty() {
        let message = "--filter: no trace has this text in SUITE/TRACE; nothing was tested";
        return Err(Failure::Usage(message.to_owned()));
    }
    if args.bless {
        bless::bless(&suites.loaded, &results)?;
        // What was written is read again, so that what is printed is what the next run prints.
        suites = Suites::load(global, &Test { bless: false, ..args.clone() }, inputs)?;
        (results, coverage) = run::run(&suites, args, cache.as_ref());
    }
    if let Some(cache) = &cache {
        // A cache that cannot be cleaned up is no reason to fail.
        let _ = cache.prune();
    }
    let report = Report { loaded: &suites.loaded, results: &results };
    output::write(global, args, &report, coverage.as_ref())?;
    let missing = if suites.loaded.lacks_traces() { Outcome::Input } else { Outcome::Done };
    Ok(results.iter().map(outcome).fold(missing, Outcome::and))
}

/// Where results are kept; nowhere if no folder for it is known.
fn cache(args: &Test) -> Option<Cache> {
    if args.no_cache {
        return None;
    }
    let home = || {
        let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // By the XDG base directory specification; a path that is not absolute is to be ignored.
        let cache = of("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        Some(cache.or_else(|| Some(of("HOME")?.join(".cache")))?.join("tracehound"))
    };
    let folder = args.cache.clone().or_else(home)?;
    // What another build of the program observed counts for nothing. The program itself is not hashed: it is larger than
    // most suites.
    let program = std::env::current_exe().and_then(std::fs::metadata).ok();
    let built = program.as_ref().map(|metadata| (metadata.len(), metadata.modified().ok()));
    let build = Key::of(format!("{} {built:?}", env!("CARGO_PKG_VERSION")).as_bytes());
    Some(Cache::new(folder, build))
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
