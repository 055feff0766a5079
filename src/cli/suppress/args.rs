//! What can be typed behind `suppress`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::args::{RuleArgs, SuppressionArgs, TagArgs};

/// `suppress`
#[derive(Debug, Subcommand)]
pub enum SuppressVerb {
    /// Check suppression files for what is wrong, dangerous or of no use
    Lint(Lint),
    /// Propose suppressions for signals, with what each would hide
    Suggest(Suggest),
    /// Say which suppression hid a signal and by which clauses, or which clause failed
    Explain(SuppressExplain),
    /// Print everything that a suppression can use of signals, or what they share, as JSON
    Attributes(Attributes),
    /// Rewrite the queries of suppression files in the standard form
    Format(Format),
    /// Read a suppression list of Datadog's API and print it as YAML
    Import(Import),
    /// Print suppression files as a suppression list of Datadog's API
    Export(Export),
    /// Print the JSON Schema of suppression files
    Schema,
}

/// Traces and the signals in them that a verb is about.
#[derive(Clone, Debug, Args)]
pub struct Signals {
    /// Traces, and ids of signals in them, as `analyze -f jsonl` prints them
    #[arg(required = true, value_name = "TRACE|SIGNAL")]
    pub what: Vec<PathBuf>,
    /// Rules
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Tags.
    #[command(flatten)]
    pub tags: TagArgs,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// `suppress lint`
#[derive(Debug, Args)]
pub struct Lint {
    /// Suppression files or folders
    #[arg(required = true, value_name = "SUPPRESSIONS")]
    pub files: Vec<PathBuf>,
    /// Rules that are in use: rule queries and attributes are checked against them
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Trace to replay: says which suppressions are dead, shadowed or match too much; repeatable
    #[arg(short, long = "trace", value_name = "TRACE")]
    pub traces: Vec<PathBuf>,
    /// Tags.
    #[command(flatten)]
    pub tags: TagArgs,
    /// Judge dates at this moment instead of now (RFC 3339 or a date)
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    /// Format
    #[arg(short, long, value_enum, default_value_t = LintFormat::Text, value_name = "FORMAT")]
    pub format: LintFormat,
    /// Exit with 1 if something of this level or worse was found
    #[arg(long, value_enum, default_value_t = Level::Error, value_name = "LEVEL")]
    pub fail_on: Level,
}

/// Format of `suppress lint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// Source lines with carets
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code review
    Sarif,
}

/// Level of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Errors
    Error,
    /// Warnings and errors
    Warning,
    /// Everything
    Lint,
    /// Nothing: only what does not load fails
    Never,
}

/// `suppress suggest`
#[derive(Debug, Args)]
pub struct Suggest {
    /// Signals.
    #[command(flatten)]
    pub signals: Signals,
    /// Trace or folder of traces with attacks: a proposal that hides one of their signals is refused; repeatable
    #[arg(long, value_name = "DIR")]
    pub attacks: Vec<PathBuf>,
    /// Use exactly these attributes (`@process.args`) or values (`@process.args=/bin/x`); repeatable
    #[arg(long = "attribute", value_name = "ATTR[=VALUE]")]
    pub attributes: Vec<String>,
    /// Print the YAML entry of this proposal [default: the first that is not refused]
    #[arg(long, value_name = "N")]
    pub pick: Option<usize>,
    /// Name of the suppression
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Who answers for it
    #[arg(long, value_name = "OWNER", default_value = "")]
    pub owner: String,
    /// Why what it hides is benign
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Where that was decided
    #[arg(long, value_name = "TICKET", default_value = "")]
    pub ticket: String,
    /// When it ends (RFC 3339 or a date)
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Format
    #[arg(short, long, value_enum, default_value_t = SuggestFormat::Text, value_name = "FORMAT")]
    pub format: SuggestFormat,
}

/// Format of `suppress suggest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SuggestFormat {
    /// All proposals as comments, and one as a YAML file
    Text,
    /// The YAML file only
    Yaml,
    /// One JSON object
    Json,
}

/// `suppress explain`
#[derive(Debug, Args)]
pub struct SuppressExplain {
    /// Trace
    pub trace: PathBuf,
    /// The signal: its id, as `analyze -f jsonl --show-suppressed` prints it
    #[arg(value_name = "SIGNAL-ID")]
    pub signal: String,
    /// Rules
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Suppressions.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// Also tell of suppressions for other rules, and of all that do not match
    #[arg(long)]
    pub all: bool,
    /// Format [default: text on a terminal, json in a pipe]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub format: Option<TextOrJson>,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// Text or JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// `suppress attributes`
#[derive(Debug, Args)]
pub struct Attributes {
    /// Signals.
    #[command(flatten)]
    pub signals: Signals,
    /// What all these signals have in common, and where they differ
    #[arg(long)]
    pub shared: bool,
    /// Only the attributes that are recommended for their kind of activity
    #[arg(long, conflicts_with = "shared")]
    pub keys: bool,
}

/// `suppress format`
#[derive(Debug, Args)]
pub struct Format {
    /// Suppression files or folders
    #[arg(required = true, value_name = "SUPPRESSIONS")]
    pub files: Vec<PathBuf>,
    /// Write the files instead of printing them
    #[arg(long, conflicts_with = "check")]
    pub write: bool,
    /// Print nothing; exit with 1 if a file would change
    #[arg(long)]
    pub check: bool,
}

/// `suppress import`
#[derive(Debug, Args)]
pub struct Import {
    /// List as the API gives it (JSON)
    pub list: PathBuf,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
}

/// `suppress export`
#[derive(Debug, Args)]
pub struct Export {
    /// Suppression files or folders
    #[arg(required = true, value_name = "SUPPRESSIONS")]
    pub files: Vec<PathBuf>,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
}
