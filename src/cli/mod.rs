//! The command line: flags to job to exit code. Everything that prints is here or in `report`.

mod analyze;
mod analyzed;
pub mod args;
mod bench;
mod convert;
mod coverage;
mod diff;
mod exit;
mod explain;
mod formats;
mod info;
mod input;
mod minimize;
pub mod moment;
mod output;
mod progress;
#[cfg(all(target_os = "linux", feature = "capture"))]
mod record;
#[cfg(not(all(target_os = "linux", feature = "capture")))]
#[path = "no_record.rs"]
mod record;
mod redact;
mod report;
mod rules;
mod sarif;
mod session;
pub mod suppress;
mod suppressing;
pub mod test;
mod timeline;
mod tree;
#[cfg(all(target_os = "linux", feature = "capture"))]
mod trigger;
mod tui;
mod units;
pub mod view_args;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::allocator;

use self::args::{Cli, RulesVerb, Verb};
use self::exit::Outcome;

/// Runs the program: parses flags, does the job, gives the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` are "errors" that go to standard output with code 0.
            let _ = error.print();
            return if error.use_stderr() { Outcome::Usage.into() } else { Outcome::Done.into() };
        }
    };
    if !matches!(cli.verb, Verb::Record(_)) {
        allocator::keep_freed_memory();
    }
    let global = cli.global;
    let result = match cli.verb {
        Verb::Analyze(args) => analyze::run(&global, &args),
        Verb::Info(args) => info::run(&global, &args),
        Verb::Tree(args) => tree::run(&global, &args),
        Verb::Tui(args) => tui::run(&global, &args),
        Verb::Timeline(args) => timeline::run(&global, &args),
        Verb::Explain(args) => explain::run(&global, &args),
        Verb::Report(args) => report::run(&global, &args),
        Verb::Diff(args) => diff::run(&global, &args),
        Verb::Convert(args) => convert::run(&global, &args),
        Verb::Minimize(args) => minimize::run(&global, &args),
        Verb::Redact(args) => redact::run(&global, &args),
        Verb::Record(args) => record::run(&global, &args),
        Verb::Rules(RulesVerb::Check(args)) => rules::check(&global, &args),
        Verb::Rules(RulesVerb::List(args)) => rules::list(&global, &args),
        Verb::Rules(RulesVerb::Fields(args)) => rules::fields(&args),
        Verb::Rules(RulesVerb::Coverage(args)) => coverage::run(&global, &args),
        Verb::Suppress(verb) => suppress::run(&global, &verb),
        Verb::Test(args) => test::run(&global, &args),
        Verb::Bench(args) => bench::run(&global, &args),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tracehound", &mut script);
            std::io::Write::write_all(&mut std::io::stdout(), &script).map(|()| Outcome::Done).map_err(Into::into)
        }
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            if failure.outcome() != Outcome::Done {
                eprintln!("tracehound: {failure}");
            }
            failure.outcome().into()
        }
    }
}
