//! What can be typed behind `tree`, `timeline` and `tui`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{RuleArgs, SuppressionArgs};
use super::moment::{self, Around, Moment};

/// `tree`
#[derive(Debug, Args)]
#[command(
    after_help = "A TIME is RFC 3339, a time of the day (11:01:00, UTC), since the first event (+90s), the number \
                        of an event (#123), or the id of a signal."
)]
pub struct Tree {
    /// Trace (`-` is standard input)
    pub trace: PathBuf,
    /// Rules whose signals are pinned on the tree
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Suppressions.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// Only this process (every instance of the pid) and what it started
    #[arg(long, value_name = "PID", group = "pick")]
    pub pid: Option<i64>,
    /// Only the path from the root to the process of this signal, and what it started
    #[arg(long, value_name = "ID", group = "pick")]
    pub signal: Option<String>,
    /// Only processes that this query matches (attributes as in suppressions), and what they started
    #[arg(long = "match", value_name = "QUERY", group = "pick")]
    pub query: Option<String>,
    /// The tree as it was at this time: only what existed then, below its parent then
    #[arg(long, value_name = "TIME", value_parser = moment::parse_any)]
    pub at: Option<Moment>,
    /// Only processes that started, executed, ended or caused a signal near this time (5s, if ±SPAN is not said), and
    /// their ancestors
    #[arg(long, value_name = "TIME[±SPAN]", value_parser = moment::parse_around)]
    pub around: Option<Around>,
    /// Only processes with signals that stand, and their ancestors
    #[arg(long)]
    pub only_signals: bool,
    /// Show at most this many levels
    #[arg(long, value_name = "N")]
    pub depth: Option<u32>,
    /// Show command lines in full length, and do not cut lines to the terminal's width
    #[arg(long)]
    pub full: bool,
    /// Draw with ASCII characters only [default: if the terminal's locale is not UTF-8]
    #[arg(long)]
    pub ascii: bool,
    /// Format; mermaid and dot draw the attack path of --signal
    #[arg(short, long, value_enum, default_value_t = TreeFormat::Text, value_name = "FORMAT")]
    pub format: TreeFormat,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// Format of `tree`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TreeFormat {
    /// For people
    Text,
    /// One JSON object a process
    Jsonl,
    /// One JSON array
    Json,
    /// Mermaid flowchart of an attack path
    Mermaid,
    /// Graphviz graph of an attack path
    Dot,
}

/// `timeline`
#[derive(Debug, Args)]
#[command(
    after_help = "A TIME is RFC 3339, a time of the day (11:01:00, UTC), since the first event (+90s), the number \
                        of an event (#123), or the id of a signal."
)]
pub struct Timeline {
    /// Trace (`-` is standard input)
    pub trace: PathBuf,
    /// Rules whose signals are shown among the events
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Suppressions.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// Leave out what was before this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse_any)]
    pub since: Option<Moment>,
    /// Leave out what was after this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse_any)]
    pub until: Option<Moment>,
    /// Only what was near this time (5s, if ±SPAN is not said)
    #[arg(long, value_name = "TIME[±SPAN]", value_parser = moment::parse_around, conflicts_with_all = ["since", "until"])]
    pub around: Option<Around>,
    /// Only processes with this pid (every instance of it)
    #[arg(long, value_name = "PID")]
    pub pid: Option<i64>,
    /// Do not cut lines to the terminal's width
    #[arg(long)]
    pub full: bool,
    /// Draw with ASCII characters only [default: if the terminal's locale is not UTF-8]
    #[arg(long)]
    pub ascii: bool,
    /// Format [default: text on a terminal, jsonl in a pipe]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub format: Option<TimelineFormat>,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// Format of `timeline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimelineFormat {
    /// For people
    Text,
    /// One JSON object an entry
    Jsonl,
    /// A trace for ui.perfetto.dev: processes as tracks, signals as instants
    Perfetto,
}

/// `tui`
#[derive(Debug, Args)]
pub struct Tui {
    /// Trace
    pub trace: PathBuf,
    /// Rules whose signals are shown
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Suppressions.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}
