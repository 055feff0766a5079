//! A trace analyzed with rules, with everything reports are made from: what `analyze` and `tree` share.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc};

use tracehound_fields::Context;
use tracehound_lang::{Severity, diagnostic};
use tracehound_report::{Case, RuleOutcome, Source, SuppressionOutcome, case::CaseParts};
use tracehound_rules::{Policy, RuleSet, SelectBy, Selection};
use tracehound_signals::time::Rfc3339;
use tracehound_signals::{ProcessKeys, RuleRef};
use tracehound_suppress::SuppressionSet;

use super::args::{Global, RuleArgs, RuleMatching};
use super::exit::{Failure, Outcome};
use super::input::{self, Opened};
use super::output;
use super::suppressing;
use crate::meter::Meter;
use crate::pipeline::{KindsAsked, Loading, Skipped};
use crate::rulefiles::{self, RuleFiles};
use crate::{Analysis, Beside, Job, Limit, Only, Side, Window, pipeline};

/// Loads the rules that were named; prints diagnostics. Fails if something does not load.
pub(super) fn load_rules(global: &Global, args: &RuleArgs) -> Result<RuleSet, Failure> {
    if args.rules.is_empty() {
        return Ok(RuleSet::default());
    }
    Ok(load_rule_files(global, args)?.rules)
}

/// As [`load_rules`], with everything that the files say of the places of rules.
pub(super) fn load_rule_files(global: &Global, args: &RuleArgs) -> Result<RuleFiles, Failure> {
    let least = match (global.quiet, global.verbose) {
        (true, _) => Severity::Error,
        (false, true) => Severity::Lint,
        (false, false) => Severity::Warning,
    };
    let mut loaded = rulefiles::read(&args.rules, least)
        .map_err(|error| Failure::Rules(output::printable(error.to_string().as_bytes())))?;
    for template in &args.append_output {
        loaded.append_output(template).map_err(|error| {
            Failure::Usage(output::printable(format!("--append-output {template:?}: {error}").as_bytes()))
        })?;
    }
    let rules = rulefiles::plan(&mut loaded);
    let mut files = RuleFiles { rules, loaded };
    eprint!("{}", files.render(least));
    if files.has_errors() {
        let stats = files.loaded.stats;
        return Err(Failure::Rules(format!(
            "rules do not load: {} errors; {} rules would load, {} would not",
            stats.errors, stats.rules, stats.rules_rejected
        )));
    }
    select(&mut files.rules, &args.selections.0)?;
    Ok(files)
}

/// Enables and disables rules. A selection of no rule is a mistake: a rule that was to be asked would stay silent.
pub(super) fn select(rules: &mut RuleSet, selections: &[Selection]) -> Result<(), Failure> {
    let counts = rules.select(selections);
    let Some((selection, _)) = selections.iter().zip(counts).find(|(_, n)| *n == 0) else { return Ok(()) };
    let verb = if selection.enable { "--enable" } else { "--disable" };
    let all = || rules.rules().iter().map(|planned| planned.rule());
    let (what, help) = match &selection.by {
        SelectBy::Name(pattern) => {
            let names = all().map(|rule| rule.name.as_str());
            (format!("no rule is called {pattern:?}"), diagnostic::suggestion(pattern, names))
        }
        SelectBy::Tag(tag) => {
            let tags = all().flat_map(|rule| rule.tags.iter().map(String::as_str));
            (format!("no rule has the tag {tag:?}"), diagnostic::suggestion(tag, tags))
        }
    };
    let help = help.map(|help| format!("; {help}")).unwrap_or_default();
    Err(Failure::Usage(output::printable(format!("{verb}: {what}{help}").as_bytes())))
}

/// A trace, analyzed.
pub(super) struct Session {
    /// Name for messages.
    pub(super) name: String,
    /// What was found.
    pub(super) analysis: Analysis,
    source: Source,
    outcomes: Vec<RuleOutcome>,
    suppressions: Vec<SuppressionOutcome>,
}

/// What of an analysis not every verb has.
#[derive(Clone, Copy, Default)]
pub(super) struct Extras<'a> {
    /// What gives signals their verdicts.
    pub(super) suppressions: Option<&'a SuppressionSet<'a>>,
    /// What of the trace is asked for.
    pub(super) only: Only,
    /// Takes the cost of each stage.
    pub(super) meter: Option<&'a Meter>,
    /// Rules asked over the same replay.
    pub(super) beside: Option<&'a Beside<'a>>,
    /// Where replay ends.
    pub(super) limit: Option<Limit>,
}

impl From<RuleMatching> for Policy {
    fn from(matching: RuleMatching) -> Policy {
        match matching {
            RuleMatching::All => Policy::All,
            RuleMatching::First => Policy::First,
        }
    }
}

impl Session {
    /// Opens and analyzes a trace.
    pub(super) fn run(
        global: &Global,
        path: &Path,
        rules: &RuleSet,
        args: &RuleArgs,
        observe: impl FnMut(&Window<'_>) -> Result<(), Failure>,
    ) -> Result<Session, Failure> {
        Session::run_with(global, path, rules, args, Extras::default(), observe)
    }

    /// As [`Session::run`], with suppressions that give signals their verdicts.
    pub(super) fn run_suppressing(
        global: &Global,
        path: &Path,
        rules: &RuleSet,
        args: &RuleArgs,
        suppressions: Option<&SuppressionSet<'_>>,
        observe: impl FnMut(&Window<'_>) -> Result<(), Failure>,
    ) -> Result<Session, Failure> {
        Session::run_with(global, path, rules, args, Extras { suppressions, ..Extras::default() }, observe)
    }

    /// As [`Session::run`], with what not every verb has.
    pub(super) fn run_with(
        global: &Global,
        path: &Path,
        rules: &RuleSet,
        args: &RuleArgs,
        Extras { suppressions, only, meter, beside, limit }: Extras<'_>,
        observe: impl FnMut(&Window<'_>) -> Result<(), Failure>,
    ) -> Result<Session, Failure> {
        let mut opened = input::open(path)?;
        let n_read = Arc::new(AtomicU64::new(0));
        let bar = opened.follow(global, &n_read)();
        let job = Job { meter, ..job(rules, suppressions, args, only, &n_read) };
        let analysis = pipeline::analyze_within(&mut *opened.reader, job, beside, limit, observe)?;
        drop(bar);
        Ok(Session::of(&opened, analysis, rules, suppressions))
    }

    /// As [`Session::run`], of a trace that is open already, with rules that are loaded meanwhile; see
    /// [`pipeline::Loading`]. Nothing is printed before they are there.
    pub(super) fn run_loading<'a>(
        global: &Global,
        mut opened: Opened,
        args: &RuleArgs,
        (only, limit): (Only, Option<Limit>),
        kinds: mpsc::Receiver<KindsAsked>,
        load: impl FnOnce() -> Result<(&'a RuleSet, &'a SuppressionSet<'a>), Failure>,
    ) -> Result<Session, Failure> {
        let n_read = Arc::new(AtomicU64::new(0));
        let none = RuleSet::default();
        let (mut loaded, mut bar) = (None, None);
        let follow = opened.follow(global, &n_read);
        let rules = || -> Result<_, Failure> {
            let (rules, suppressions) = *loaded.insert(load()?);
            bar = Some(follow());
            let suppressions = Some(suppressions);
            Ok(Side { rules, policy: args.rule_matching.into(), least: args.min_priority, suppressions })
        };
        let loading = Loading { kinds, rules: Box::new(rules) };
        let job = job(&none, None, args, only, &n_read);
        let analysis = pipeline::analyze_loading(&mut *opened.reader, job, loading, limit, |_| Ok(()))?;
        drop(bar);
        let (rules, suppressions) = loaded.map_or((&none, None), |(rules, set)| (rules, Some(set)));
        Ok(Session::of(&opened, analysis, rules, suppressions))
    }

    fn of(
        Opened { name, n_bytes, format, .. }: &Opened,
        analysis: Analysis,
        rules: &RuleSet,
        suppressions: Option<&SuppressionSet<'_>>,
    ) -> Session {
        let source = Source {
            input: name.clone(),
            format: (*format).to_owned(),
            n_bytes: Some(*n_bytes),
            hostname: analysis.context.hostname.clone(),
            first_ns: analysis.totals.first_ns,
            last_ns: analysis.totals.last_ns,
            integrity: analysis.integrity().to_owned(),
            n_skipped_segments: analysis.totals.skipped.n_segments,
            n_skipped_events: analysis.totals.skipped.n_events,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let outcomes = outcomes(rules, &analysis);
        let suppressions = suppressions.map(|set| suppressing::outcomes(set, &analysis)).unwrap_or_default();
        Session { name: name.clone(), analysis, source, outcomes, suppressions }
    }

    /// Gives everything reports are made from to a function.
    pub(super) fn with_case<T>(&self, f: impl FnOnce(&Case<'_>) -> T) -> T {
        let analysis = &self.analysis;
        let keys = ProcessKeys::new(&analysis.history);
        let case = Case::new(CaseParts {
            history: &analysis.history,
            keys: &keys,
            times: &analysis.times,
            signals: &analysis.signals,
            rules: &self.outcomes,
            suppressions: &self.suppressions,
            losses: &analysis.totals.losses,
            notes: &analysis.read_notes,
            source: &self.source,
        });
        f(&case)
    }

    /// Says what is damaged or lost, and gives the exit code for it.
    pub(super) fn partial(&self, global: &Global, allow_partial: bool) -> Outcome {
        let (notes, totals) = (&self.analysis.read_notes, &self.analysis.totals);
        let outcome = input::report_damage(global, &self.name, notes, totals.n_lost(), allow_partial);
        let Skipped { n_segments, n_events } = totals.skipped;
        if n_segments > 0 && !global.quiet {
            eprintln!(
                "{}: skipped: {n_segments} segments with {n_events} events, by their own headers: nothing in them changes \
                 state or is asked for by rules",
                self.name
            );
        }
        let Some(beyond) = totals.beyond_limit else { return outcome };
        if !global.quiet {
            let from =
                beyond.first.map_or(String::new(), |(seq, ts)| format!(" from event {}, {},", seq.0, Rfc3339(ts)));
            eprintln!(
                "{}: the limit of memory was reached after {} events: {} events and {} start states{from} are left out",
                self.name, totals.n_events, beyond.n_events, beyond.n_sections,
            );
        }
        outcome.and(if allow_partial { Outcome::Done } else { Outcome::Partial })
    }
}

/// What is done with a trace.
fn job<'a>(
    rules: &'a RuleSet,
    suppressions: Option<&'a SuppressionSet<'a>>,
    args: &RuleArgs,
    only: Only,
    n_read: &'a AtomicU64,
) -> Job<'a> {
    Job {
        rules,
        policy: args.rule_matching.into(),
        least: args.min_priority,
        suppressions,
        context: Context::default(),
        only,
        n_read,
        meter: None,
    }
}

/// What became of each rule.
fn outcomes(rules: &RuleSet, analysis: &Analysis) -> Vec<RuleOutcome> {
    let planned = rules.rules().iter().zip(&analysis.not_evaluable).enumerate();
    planned
        .map(|(i, (planned, not_evaluable))| {
            let rule = planned.rule();
            RuleOutcome {
                rule: RuleRef::new(i, rule),
                description: rule.description.clone(),
                path: rule.origin.path.clone(),
                line: rule.origin.line,
                is_enabled: planned.is_active(),
                not_evaluable: not_evaluable.clone(),
            }
        })
        .collect()
}

/// Sizes the pool of worker threads. An error only means that it was sized before.
pub(super) fn set_threads(global: &Global) {
    let _ = rayon::ThreadPoolBuilder::new().num_threads(global.threads).build_global();
}

/// Standard output, buffered.
pub(super) fn stdout() -> io::BufWriter<io::StdoutLock<'static>> {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}
