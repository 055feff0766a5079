//! What can be typed: verbs and flags, nothing that touches files.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracehound_rules::{SelectBy, Selection};

use super::exit::Failure;
use super::moment::{self, Moment};
pub use super::suppress::args::SuppressVerb;
pub use super::test::args::Test;
pub use super::view_args::{Timeline, Tree, Tui};
use crate::{Limit, Only};

/// Offline forensic analyzer for captured Linux syscall traces.
#[derive(Debug, Parser)]
#[command(name = "tracehound", version, about, long_about = None, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage, 3 rules do not load, \
                        4 input cannot be read, 5 partial evidence (damaged or lossy input).")]
pub struct Cli {
    /// Flags of every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags of every verb.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more: remarks of readers, counts of what was skipped
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Show progress on standard error
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub progress: When,
    /// Colour output
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,
    /// Worker threads; 0 takes one a core
    #[arg(short = 'j', long, global = true, default_value_t = 0, value_name = "N")]
    pub threads: usize,
}

/// When something is done that depends on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// If the stream is a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Record what this host does to a native trace
    Record(Record),
    /// Replay rules over traces: history, signals, tables
    Analyze(Analyze),
    /// Say what is in a trace: format, host, time span, events, processes, losses, damage
    Info(Info),
    /// Draw the process tree of a trace, with signals pinned on it
    Tree(Tree),
    /// List what happened, in order, with signals among it
    Timeline(Timeline),
    /// Look at a trace in the terminal: tree, signals, details, any moment
    Tui(Tui),
    /// Say why a signal fired, or which event came nearest to a rule
    Explain(Explain),
    /// Write one HTML file that shows a trace: signals, attack paths, process tree, timeline
    Report(Report),
    /// Compare what two sets of rules and suppressions say of the same traces
    Diff(Diff),
    /// Convert between trace formats
    Convert(Convert),
    /// Cut a trace down to what one signal needs, for a test or a bug report
    Minimize(Minimize),
    /// Replace names, paths, arguments and addresses by pseudonyms, with the same signals as before
    Redact(Redact),
    /// List and check rules, and list the fields they can use
    #[command(subcommand)]
    Rules(RulesVerb),
    /// Propose, check, explain and exchange suppressions
    #[command(subcommand)]
    Suppress(SuppressVerb),
    /// Test rules and suppressions on labelled traces: which signals there must be, and which not
    Test(Test),
    /// Measure the stages of an analysis on a trace: speed, memory, scaling with threads
    Bench(Bench),
    /// Print a completion script for a shell
    Completions {
        /// Shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// `record`
#[derive(Debug, Args)]
#[command(after_help = "Without a command it records until Ctrl-C, SIGTERM, --duration or --max-size. With one it \
                        records while that runs, and ends with its exit code.\n\
                        At its end it writes the trace once more to make it smaller; a second Ctrl-C or SIGTERM leaves it as it is.\n\
                        Exit codes: 0 done, 2 usage or output, 4 recording is not possible here, 5 events are missing.")]
pub struct Record {
    /// File to write, which must not exist yet (`-` is standard output) [default: HOST-TIME.trh]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End after this time, as in 90s, 10m, 2h
    #[arg(long, value_name = "TIME", value_parser = super::units::duration)]
    pub duration: Option<std::time::Duration>,
    /// Most bytes of a trace, as in 500MiB, 1GiB: then recording ends, or the next trace begins (--rotate)
    #[arg(long, value_name = "SIZE", value_parser = super::units::size)]
    pub max_size: Option<u64>,
    /// Keep the N newest traces of --max-size each, FILE with a number before its extension
    #[arg(long, value_name = "N", requires = "max_size", value_parser = clap::value_parser!(u32).range(1..))]
    pub rotate: Option<u32>,
    /// Have events on disk after this time
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = super::units::duration)]
    pub flush: std::time::Duration,
    /// Which system calls are recorded
    #[arg(long, value_enum, default_value_t = RecordProfile::Default, value_name = "PROFILE")]
    pub profile: RecordProfile,
    /// Change the profile: names with + or - in front, as in +read,-mmap
    #[arg(long, value_name = "CALLS", allow_hyphen_values = true)]
    pub syscalls: Vec<String>,
    /// Size of the ring buffer between kernel and recorder
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = super::units::size)]
    pub ring_size: u64,
    /// Environment variables whose values are kept, by name, separated by commas
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "LD_PRELOAD,LD_LIBRARY_PATH,LD_AUDIT,HISTFILE"
    )]
    pub env: Vec<String>,
    /// Write nothing but keep the last minutes in memory, as in 10m, and write them to FILE with a number at SIGUSR1
    /// or when a rule matches (--trigger)
    #[arg(long, value_name = "TIME", value_parser = super::units::duration, conflicts_with = "rotate")]
    pub flight_recorder: Option<std::time::Duration>,
    /// Rule file or folder: what is kept in memory is written when one of the rules matches; repeatable
    #[arg(long, value_name = "RULES", requires = "flight_recorder")]
    pub trigger: Vec<PathBuf>,
    /// Command to record; it starts when everything is being recorded
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<std::ffi::OsString>,
}

/// Sets of system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecordProfile {
    /// Execs, opened files, connections, identity, kernel modules
    Minimal,
    /// What detection rules ask for
    Default,
    /// Everything, reading and writing included
    Full,
}

/// Where rules come from and which count.
#[derive(Clone, Debug, Args)]
pub struct RuleArgs {
    /// Rule file or folder (its .yaml and .yml files by name); repeatable, loaded in this order
    #[arg(short, long = "rules", value_name = "RULES")]
    pub rules: Vec<PathBuf>,
    /// Whether one event can fire several rules, or only the first in the order of definition
    #[arg(long, value_enum, default_value_t = RuleMatching::All, value_name = "POLICY")]
    pub rule_matching: RuleMatching,
    /// Leave out rules below this priority
    #[arg(long, default_value = "debug", value_name = "PRIORITY", value_parser = parse_priority)]
    pub min_priority: tracehound_rules::Priority,
    /// Which rules are enabled, whatever their files say.
    #[command(flatten)]
    pub selections: Selections,
    /// Append this to the output of every rule, as `pod=%k8s.pod.name`; repeatable
    #[arg(long, value_name = "TEMPLATE")]
    pub append_output: Vec<String>,
}

impl RuleArgs {
    /// These files, with everything else as it is if nothing is said.
    pub fn of(rules: Vec<PathBuf>) -> RuleArgs {
        RuleArgs {
            rules,
            rule_matching: RuleMatching::All,
            min_priority: tracehound_rules::Priority::Debug,
            selections: Selections::default(),
            append_output: Vec::new(),
        }
    }
}

/// `--enable` and `--disable`, in the order typed.
#[derive(Clone, Debug, Default)]
pub struct Selections(pub Vec<Selection>);

const SELECTING: [(&str, bool, &str); 2] = [
    (
        "enable",
        true,
        "Enable rules: a name, `*` standing for any text, or `tag=TAG`; repeatable, applied in the order typed",
    ),
    ("disable", false, "Disable rules, named as for --enable"),
];

impl Args for Selections {
    fn augment_args(mut command: clap::Command) -> clap::Command {
        for (name, _, help) in SELECTING {
            let arg = clap::Arg::new(name).long(name).value_name("RULE").help(help).action(clap::ArgAction::Append);
            command = command.arg(arg);
        }
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Selections::augment_args(command)
    }
}

impl clap::FromArgMatches for Selections {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Selections, clap::Error> {
        // Two options, one order: each occurrence has its place on the command line.
        let mut found = Vec::new();
        for (name, enable, _) in SELECTING {
            let places = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<String>(name).into_iter().flatten();
            for (place, value) in places.zip(values) {
                let by = match value.strip_prefix("tag=") {
                    Some(tag) => SelectBy::Tag(tag.to_owned()),
                    None => SelectBy::Name(value.clone()),
                };
                found.push((place, Selection { enable, by }));
            }
        }
        found.sort_by_key(|(place, _)| *place);
        Ok(Selections(found.into_iter().map(|(_, selection)| selection).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Selections::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Policy when several rules match one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuleMatching {
    /// Every matching rule fires
    All,
    /// Only the first matching rule fires, as Falco does by default
    First,
}

/// Where suppressions come from, and what they are judged by.
#[derive(Clone, Debug, Default, Args)]
pub struct SuppressionArgs {
    /// Suppression file or folder (its .yaml and .yml files by name); repeatable
    #[arg(short, long = "suppressions", value_name = "SUPPRESSIONS")]
    pub suppressions: Vec<PathBuf>,
    /// Tags.
    #[command(flatten)]
    pub tags: TagArgs,
    /// Judge start and expiration dates at this moment (RFC 3339, a date, or `now`) instead of at each event
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
}

/// Tags that a trace does not know.
#[derive(Clone, Debug, Default, Args)]
pub struct TagArgs {
    /// Add a tag that queries can use, as env:prod; repeatable
    #[arg(long = "tag", value_name = "KEY:VALUE")]
    pub tags: Vec<String>,
    /// File (YAML) of tags for single hosts and containers; repeatable
    #[arg(long = "tags", value_name = "FILE")]
    pub tag_files: Vec<PathBuf>,
}

/// `analyze`
#[derive(Debug, Args)]
pub struct Analyze {
    /// Traces (.scap, .trh, text notation; `-` is standard input)
    #[arg(required = true, value_name = "TRACE")]
    pub traces: Vec<PathBuf>,
    /// Rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Suppressions.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// Write Parquet tables and summary.json into this folder
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Format of the signals on standard output [default: text on a terminal, jsonl in a pipe]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub format: Option<SignalFormat>,
    /// Also write events.parquet, one row an event
    #[arg(long, requires = "output")]
    pub events: bool,
    /// Replace an existing output folder's files
    #[arg(long)]
    pub force: bool,
    /// Exit with 1 if a signal of this priority or above fired
    #[arg(long, value_name = "PRIORITY", value_parser = parse_priority)]
    pub fail_on: Option<tracehound_rules::Priority>,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
    /// Also print suppressed signals
    #[arg(long)]
    pub show_suppressed: bool,
    /// Rules see events from this time on only; state is replayed from the beginning (RFC 3339, 11:01:00, +90s since
    /// the first event, or #123, the time of that event)
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub since: Option<Moment>,
    /// Leave out events after this time, as if the recording had ended (a .trh is not read further)
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub until: Option<Moment>,
    /// Rules see events of processes with this pid only (every instance of it)
    #[arg(long, value_name = "PID")]
    pub pid: Option<i64>,
    /// End with a partial result (exit code 5) when the history of a trace needs more than this (16MiB, 1GiB)
    #[arg(long, value_name = "SIZE", value_parser = super::units::size)]
    pub memory_limit: Option<u64>,
}

impl Analyze {
    /// What of a trace is asked for.
    pub(super) fn only(&self, trace: &Path) -> Result<Only, Failure> {
        let time = |moment: Option<Moment>| moment.map(|moment| moment.resolve(trace)).transpose();
        let (since, until) = (time(self.since)?, time(self.until)?);
        moment::check_range(since, until)?;
        Ok(Only { since, until, pid: self.pid, is_unobserved: false })
    }

    /// Where replay ends.
    pub fn limit(&self) -> Option<Limit> {
        self.memory_limit.map(Limit::Bytes)
    }
}

/// `bench`
#[derive(Debug, Args)]
pub struct Bench {
    /// Trace
    #[arg(value_name = "TRACE")]
    pub trace: PathBuf,
    /// Rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Measure this often and give medians
    #[arg(short = 'n', long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub rounds: u8,
    /// Format
    #[arg(short, long, value_enum, default_value_t = InfoFormat::Text, value_name = "FORMAT")]
    pub format: InfoFormat,
}

/// Format of signals on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignalFormat {
    /// For people
    Text,
    /// One JSON object a line, with the keys of Falco's JSON output and ours
    Jsonl,
}

/// `info`
#[derive(Debug, Args)]
pub struct Info {
    /// Trace (`-` is standard input)
    pub trace: PathBuf,
    /// Format
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub format: Option<InfoFormat>,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// Format of `info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InfoFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// `report`
#[derive(Debug, Args)]
pub struct Report {
    /// Trace (`-` is standard input), or the folder of its analysis (`analyze -o DIR`)
    #[arg(value_name = "TRACE|DIR")]
    pub trace: PathBuf,
    /// Rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Suppressions.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// File to write (`-` is standard output)
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Heading of the page [default: name of the trace and host]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    /// Exit with 1 if a signal of this priority or above fired
    #[arg(long, value_name = "PRIORITY", value_parser = parse_priority)]
    pub fail_on: Option<tracehound_rules::Priority>,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// `explain`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["signal", "rule"]))]
pub struct Explain {
    /// Trace (`-` is standard input, with --rule only)
    pub trace: PathBuf,
    /// The signal to explain: its id, as `analyze -f jsonl` prints it
    #[arg(value_name = "SIGNAL-ID")]
    pub signal: Option<String>,
    /// Rules
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Explain this rule on the event that comes nearest to it: the one, and of several the first, for which the
    /// fewest comparisons would have to turn out otherwise
    #[arg(long, value_name = "NAME")]
    pub rule: Option<String>,
    /// Only events of this process (every instance of the pid)
    #[arg(long, value_name = "PID", conflicts_with = "signal")]
    pub pid: Option<i64>,
    /// Only the event with this number
    #[arg(long, value_name = "N", conflicts_with = "signal")]
    pub seq: Option<u64>,
    /// Format [default: text on a terminal, json in a pipe]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub format: Option<ExplainFormat>,
    /// Show command lines, lists and values in full length
    #[arg(long)]
    pub full: bool,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// Format of `explain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// `diff`
#[derive(Debug, Args)]
#[command(after_help = "Rules and suppressions can be read from git: git:REV:PATH as git writes REV:PATH, or \
                        git:REPOSITORY//REV:PATH.\n\
                        Exit codes: 0 done, 1 for what --fail-on names, 2 usage, 3 a side does not load, 4 a trace \
                        cannot be read, 5 partial evidence (damaged or lossy input).")]
pub struct Diff {
    /// Traces, or folders of them (.scap, .scap.gz, .trh, .trace); those of --suite if none is named
    #[arg(required_unless_present = "suite", value_name = "TRACE")]
    pub traces: Vec<PathBuf>,
    /// Suite that says which traces hold an attack and which are benign (file or folder); repeatable
    #[arg(long, value_name = "SUITE")]
    pub suite: Vec<PathBuf>,
    /// Rules as they were: file, folder or git:REV:PATH; repeatable
    #[arg(long, required = true, value_name = "RULES")]
    pub base: Vec<PathBuf>,
    /// Rules as they are now; repeatable
    #[arg(long, required = true, value_name = "RULES")]
    pub head: Vec<PathBuf>,
    /// Suppressions of the base side only, beside those of -s; repeatable
    #[arg(long, value_name = "SUPPRESSIONS")]
    pub base_suppressions: Vec<PathBuf>,
    /// Suppressions of the head side only, beside those of -s; repeatable
    #[arg(long, value_name = "SUPPRESSIONS")]
    pub head_suppressions: Vec<PathBuf>,
    /// Suppressions of both sides.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// Whether one event can fire several rules, or only the first in the order of definition
    #[arg(long, value_enum, default_value_t = RuleMatching::All, value_name = "POLICY")]
    pub rule_matching: RuleMatching,
    /// Leave out rules below this priority
    #[arg(long, default_value = "debug", value_name = "PRIORITY", value_parser = parse_priority)]
    pub min_priority: tracehound_rules::Priority,
    /// Which rules are enabled on both sides, whatever their files say.
    #[command(flatten)]
    pub selections: Selections,
    /// Format, FORMAT on standard output or FORMAT=FILE; repeatable, one without a file at most: text, markdown, json,
    /// sarif, github [default: text on a terminal, json in a pipe]
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = super::formats::parse::<DiffFormat>)]
    pub format: Vec<(DiffFormat, Option<PathBuf>)>,
    /// File for the one format without a file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
    /// Examples shown of each rule and kind of change, with their attack paths
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(..=1000))]
    pub examples: u16,
    /// Exit with 1 if there is one of these; repeatable, or separated by commas
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<DiffGate>,
    /// Exit with 1 if any signal is not the same on both sides, suppressed ones included
    #[arg(long)]
    pub fail_on_change: bool,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// Format of `diff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people
    Text,
    /// For a pull request: a table, details folded, at most 60,000 bytes
    Markdown,
    /// One JSON object with everything
    Json,
    /// SARIF 2.1.0, for code review
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
}

/// What `diff` fails for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffGate {
    /// A signal that is new, and not suppressed
    Added,
    /// A signal that is gone, and was not suppressed
    Removed,
    /// A signal with another priority, output, tags, verdict, evidence or name of its rule
    Changed,
    /// On a trace labelled as an attack, a signal that is gone or suppressed now
    AttackRemoved,
}

/// `convert`
#[derive(Debug, Args)]
pub struct Convert {
    /// Trace to read (`-` is standard input)
    pub input: PathBuf,
    /// File to write (`-` is standard output)
    pub output: PathBuf,
    /// Format to write [default: by the name: .trh native, .txt or .trace text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub to: Option<TraceFormat>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// `minimize`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 the rule does not fire (its nearest miss is told), 2 usage, 3 rules do not \
                        load, 4 input cannot be read, 5 the input is damaged or lossy before the signal."
)]
pub struct Minimize {
    /// Trace
    pub trace: PathBuf,
    /// Rule that is to fire
    #[arg(long, value_name = "NAME")]
    pub rule: String,
    /// Rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Signal of the rule to keep, by its id [default: the first]
    #[arg(long, value_name = "ID")]
    pub signal: Option<String>,
    /// File to write: .trh native, .txt or .trace text [default: text to standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Also write the sibling that differs in one event, word or row and does not fire any more
    #[arg(long, value_name = "FILE")]
    pub without: Option<PathBuf>,
    /// Also empty texts and forget facts of the machine that do not matter to the rule
    #[arg(long)]
    pub values: bool,
    /// Most candidates that are run; then the smallest so far is written, and that it may not be minimal is said
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub max_tests: usize,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// `redact`
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is written unless the rules give the same signals before and after, and nothing that was \
                        replaced is found in what is written.\n\
                        Exit codes: 0 done, 1 refused, 2 usage, 3 rules or suppressions do not load, 4 input cannot \
                        be read, 5 the input is damaged or lossy."
)]
pub struct Redact {
    /// Trace
    pub trace: PathBuf,
    /// Rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Suppressions.
    #[command(flatten)]
    pub suppressions: SuppressionArgs,
    /// File to write: .trh native, .txt or .trace text
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Leave these words as they are: a word, a path (all its words), an address or a network; repeatable
    #[arg(long, value_name = "TEXT")]
    pub keep: Vec<String>,
    /// Refuse instead of keeping more words when a rule gives other signals
    #[arg(long)]
    pub strict: bool,
    /// File with a secret of at least 16 bytes: the same names get the same pseudonyms in every trace [default: a key
    /// that is drawn and forgotten]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Write what was replaced by what, one JSON object a line, readable by its owner only
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// Formats that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// Native trace (.trh)
    Native,
    /// Text notation
    Text,
}

/// `rules`
#[derive(Debug, Subcommand)]
pub enum RulesVerb {
    /// Load rules and print every diagnostic
    Check(RulesCheck),
    /// List rules with priority, event kinds, fields, place
    List(RulesList),
    /// List every field a rule can use
    Fields(RulesFields),
    /// Say for each rule whether a trace can answer it, and why not
    Coverage(RulesCoverage),
}

/// `rules check`
#[derive(Debug, Args)]
pub struct RulesCheck {
    /// Rule files or folders
    #[arg(required = true, value_name = "RULES")]
    pub rules: Vec<PathBuf>,
    /// Format
    #[arg(short, long, value_enum, default_value_t = CheckFormat::Text, value_name = "FORMAT")]
    pub format: CheckFormat,
}

/// Format of `rules check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// Source lines with carets
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code review
    Sarif,
}

/// `rules coverage`
#[derive(Debug, Args)]
pub struct RulesCoverage {
    /// Trace (`-` is standard input)
    pub trace: PathBuf,
    /// Rule file or folder (its .yaml and .yml files by name); repeatable, loaded in this order
    #[arg(short, long = "rules", required = true, value_name = "RULES")]
    pub rules: Vec<PathBuf>,
    /// Which rules are enabled, whatever their files say.
    #[command(flatten)]
    pub selections: Selections,
    /// Format [default: text on a terminal, json in a pipe]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub format: Option<RulesCoverageFormat>,
    /// Exit with 0 instead of 5 when the input is damaged or lossy
    #[arg(long)]
    pub allow_partial: bool,
}

/// Format of `rules coverage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RulesCoverageFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// `rules list`
#[derive(Debug, Args)]
pub struct RulesList {
    /// Rule files or folders
    #[arg(required = true, value_name = "RULES")]
    pub rules: Vec<PathBuf>,
    /// Which rules are enabled, whatever their files say.
    #[command(flatten)]
    pub selections: Selections,
    /// A trace: says which rules it cannot answer, and why
    #[arg(long, value_name = "TRACE")]
    pub trace: Option<PathBuf>,
    /// Format [default: text on a terminal, jsonl in a pipe]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub format: Option<ListFormat>,
}

/// `rules fields`
#[derive(Debug, Args)]
pub struct RulesFields {
    /// Only fields whose name contains this
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Format
    #[arg(short, long, value_enum, default_value_t = FieldsFormat::Text, value_name = "FORMAT")]
    pub format: FieldsFormat,
}

/// Format of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Text,
    /// One JSON object a line
    Jsonl,
    /// One JSON array
    Json,
}

/// Format of `rules fields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FieldsFormat {
    /// For people
    Text,
    /// A document
    Markdown,
    /// One JSON array
    Json,
}

fn parse_priority(text: &str) -> Result<tracehound_rules::Priority, String> {
    tracehound_rules::Priority::parse(text).ok_or_else(|| {
        let names: Vec<String> =
            tracehound_rules::Priority::ALL.iter().map(|p| p.name().to_ascii_lowercase()).collect();
        format!("not a priority; one of {}", names.join(", "))
    })
}
