//! What can be typed after `test`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{Selections, SuppressionArgs};
use crate::cli::formats;

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
    /// Write what the traces give now to `NAME.expected.yaml` beside each suite, as further expectations, and show what
    /// changed there
    #[arg(long, conflicts_with = "watch")]
    pub bless: bool,
    /// Say what the traces test and what not: rules that never fire, precision and recall by the labels of the traces,
    /// techniques, comparisons that were never true or never false (text, json, markdown)
    #[arg(long)]
    pub coverage: bool,
    /// Write a layer for the ATT&CK Navigator: the share of attacks found, by technique
    #[arg(long, value_name = "FILE")]
    pub navigator: Option<PathBuf>,
    /// Folder in which results are kept by content of trace and rule [default: $XDG_CACHE_HOME/tracehound]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Run every rule on every trace, and keep no results
    #[arg(long, conflicts_with = "cache")]
    pub no_cache: bool,
    /// Format of the results, FORMAT on standard output or FORMAT=FILE; repeatable, one without a file at most: text,
    /// json, junit, sarif, github, markdown [default: text]
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = formats::parse::<TestFormat>)]
    pub format: Vec<(TestFormat, Option<PathBuf>)>,
    /// File for the results of the one format without a file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
    /// Run again whenever a suite, a trace, a rule or a suppression changes
    #[arg(long)]
    pub watch: bool,
    /// Print the JSON Schema of a suite
    #[arg(long, exclusive = true)]
    pub schema: bool,
}

/// A format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// JUnit XML
    Junit,
    /// SARIF 2.1.0
    Sarif,
    /// Annotations of GitHub
    Github,
    /// A summary for a pull request
    Markdown,
}
