//! What can be typed after `test`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{Selections, SuppressionArgs};

/// `test`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit codes: 0 all as expected, 1 an expectation failed, 2 usage, 3 suites, rules or \
                        suppressions do not load, 4 a trace is missing or cannot be read, 5 a trace is damaged or lossy \
                        and its result partial. Of several the first of 3, 4, 1, 5.")]
pub struct Test {
    /// Suites (YAML files, or folders of them)
    #[arg(required_unless_present = "schema", value_name = "SUITE")]
    pub suites: Vec<PathBuf>,
    /// Test these rules instead of those the suites name: file or folder; repeatable
    #[arg(short, long = "rules", value_name = "RULES")]
    pub rules: Vec<PathBuf>,
    /// Which rules are enabled, whatever their files say.
    #[command(flatten)]
    pub selections: Selections,
    /// Suppressions, instead of those the suites name.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// Test only traces with this text in `SUITE/TRACE`; repeatable
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Print the JSON Schema of a suite
    #[arg(long, exclusive = true)]
    pub schema: bool,
}

/// A format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people
    Text,
}
