//! Suppressions of a command line: loaded, applied to an analysis, accounted for.

use std::sync::Arc;

use tracehound_formats::{KindId, Nanos};
use tracehound_lang::{Diagnostic, Severity, SourceMap, render};
use tracehound_report::accounting::{self, State};
use tracehound_report::{Case, Inactive, SuppressionOutcome};
use tracehound_rules::RuleSet;
use tracehound_signals::RuleRef;
use tracehound_signals::time::Rfc3339;
use tracehound_suppress::attributes::ActivitySet;
use tracehound_suppress::files::{self, Period, Suppression, date};
use tracehound_suppress::lint::{self, Context, LintRule};
use tracehound_suppress::{Clock, ExtraTags, SuppressionSet};

use super::args::{Global, SuppressionArgs, TagArgs};
use super::exit::Failure;
use super::output::printable;
use crate::Analysis;
use crate::rulefiles::{self, RuleFiles};

/// Suppressions that are to be applied: those of files, and the filters of rules.
pub(super) struct Suppressions {
    all: Vec<Suppression>,
    tags: ExtraTags,
    clock: Clock,
}

impl Suppressions {
    /// Loads the files that were named, and takes the filters of the rules. Fails if anything does not load.
    pub(super) fn load(global: &Global, args: &SuppressionArgs, rules: &RuleFiles) -> Result<Suppressions, Failure> {
        let (mut all, _) = files::filters(&rules.loaded);
        if !args.suppressions.is_empty() {
            all.extend(load(global, &args.suppressions)?.suppressions);
        }
        Ok(Suppressions { all, tags: tags(&args.tags)?, clock: clock(args)? })
    }

    /// The filters of the rules alone.
    pub(super) fn filters(rules: &RuleFiles) -> Suppressions {
        let (all, _) = files::filters(&rules.loaded);
        Suppressions { all, tags: ExtraTags::default(), clock: Clock::Event }
    }

    /// Suppressions, what their dates are compared with, and tags.
    pub(super) fn into_parts(self) -> (Vec<Suppression>, Clock, ExtraTags) {
        (self.all, self.clock, self.tags)
    }

    /// The queries, as they were written.
    pub(super) fn queries(&self) -> impl Iterator<Item = &str> {
        self.all.iter().flat_map(|suppression| {
            let entry = &suppression.entry;
            [entry.suppression_query.as_str(), entry.data_exclusion_query.as_str()]
        })
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Suppression] {
        &self.all
    }

    /// Ready for rules.
    pub(super) fn set(&self, rules: &RuleSet) -> SuppressionSet<'_> {
        SuppressionSet::new(&self.all, &rule_refs(rules), self.clock, &self.tags)
    }
}

/// What signals carry of each rule.
pub(super) fn rule_refs(rules: &RuleSet) -> Vec<Arc<RuleRef>> {
    rules.rules().iter().enumerate().map(|(i, rule)| RuleRef::new(i, rule.rule())).collect()
}

/// What is known of rules without a trace.
pub(super) fn lint_rules(rules: &RuleSet) -> Vec<LintRule> {
    let planned = rules.rules().iter().enumerate().filter(|(_, rule)| rule.is_active());
    planned
        .map(|(i, planned)| {
            let kinds = planned.kinds();
            let activities = if kinds.is_all() {
                ActivitySet::ALL
            } else {
                kinds.codes().map(|code| ActivitySet::of_kind(KindId(code))).fold(ActivitySet::NONE, ActivitySet::and)
            };
            LintRule { rule: RuleRef::new(i, planned.rule()), activities }
        })
        .collect()
}

/// What is wrong with the filters of rules that are asked, as `suppress lint` says it of suppressions.
pub(super) fn lint_filters(rules: &RuleFiles) -> Vec<Diagnostic> {
    let known = lint_rules(&rules.rules);
    let context = Context { rules: Some(&known), now: date::now() };
    let (filters, _) = files::filters(&rules.loaded);
    let asked = filters.iter().filter(|filter| known.iter().any(|rule| filter.is_for(&rule.rule)));
    asked.flat_map(|filter| lint::lint(filter, &context)).collect()
}

/// Loads files; prints diagnostics. Fails if something does not load.
pub(super) fn load(global: &Global, paths: &[std::path::PathBuf]) -> Result<files::Loaded, Failure> {
    let loaded = read(paths)?;
    let least = match (global.quiet, global.verbose) {
        (true, _) => Severity::Error,
        (false, true) => Severity::Lint,
        (false, false) => Severity::Warning,
    };
    let shown: Vec<Diagnostic> = loaded.diagnostics.iter().filter(|d| d.severity <= least).cloned().collect();
    eprint!("{}", render::render_all(&shown, &loaded.sources));
    let n_errors = loaded.diagnostics.iter().filter(|d| d.is_error()).count();
    if n_errors > 0 {
        let n_loaded = loaded.suppressions.len();
        let message = format!("suppressions do not load: {n_errors} errors; {n_loaded} would load; nothing was done");
        return Err(Failure::Rules(message));
    }
    Ok(loaded)
}

/// Loads files without saying anything.
pub(super) fn read(paths: &[std::path::PathBuf]) -> Result<files::Loaded, Failure> {
    let sources = rulefiles::source_files(paths)
        .map_err(|error| Failure::Rules(format!("suppressions: {}", printable(error.to_string().as_bytes()))))?;
    Ok(files::load(&sources))
}

/// The tags that were given, one by one and in files. Prints what is wrong with files, and fails then.
pub(super) fn tags(args: &TagArgs) -> Result<ExtraTags, Failure> {
    let mut tags = ExtraTags::default();
    for tag in &args.tags {
        tags.add(tag).map_err(|error| Failure::Usage(format!("--tag: {}", printable(error.to_string().as_bytes()))))?;
    }
    let (mut sources, mut diagnostics) = (SourceMap::default(), Vec::new());
    let files = rulefiles::source_files(&args.tag_files)
        .map_err(|error| Failure::Rules(format!("tags: {}", printable(error.to_string().as_bytes()))))?;
    files.iter().for_each(|file| files::tags::read(file, &mut tags, &mut sources, &mut diagnostics));
    eprint!("{}", render::render_all(&diagnostics, &sources));
    match diagnostics.iter().filter(|d| d.is_error()).count() {
        0 => Ok(tags),
        n_errors => Err(Failure::Rules(format!("tags do not load: {n_errors} errors; nothing was done"))),
    }
}

/// What dates are compared with.
pub(super) fn clock(args: &SuppressionArgs) -> Result<Clock, Failure> {
    args.now.as_deref().map_or(Ok(Clock::Event), |text| moment(text).map(Clock::At))
}

/// A moment as it is typed: a date, or `now`.
pub(super) fn moment(text: &str) -> Result<Nanos, Failure> {
    if text == "now" {
        return Ok(date::now());
    }
    date::parse(text).map_err(|error| {
        Failure::Usage(format!("--now: {} is {error}; {}, or `now`", printable(text.as_bytes()), error.help()))
    })
}

/// What became of each suppression.
pub(super) fn outcomes(set: &SuppressionSet<'_>, analysis: &Analysis) -> Vec<SuppressionOutcome> {
    let totals = &analysis.totals;
    let (first, last) = (totals.first_ns.map(Nanos), totals.last_ns.map(Nanos));
    let clock = match set.clock() {
        Clock::Event => "event".to_owned(),
        Clock::At(now) => date::format(now),
    };
    let outcome = |(i, suppression): (usize, &&Suppression)| {
        let (entry, tally) = (&suppression.entry, set.tally(i));
        let period = entry.period_of(set.clock(), first, last);
        SuppressionOutcome {
            name: entry.name.clone(),
            kind: suppression.kind.name(),
            description: entry.description.clone(),
            owner: entry.owner.clone(),
            reason: entry.reason.clone(),
            ticket: entry.ticket.clone(),
            path: suppression.path.clone(),
            line: suppression.line,
            is_enabled: entry.is_enabled,
            rule_query: entry.rule_query.clone(),
            suppression_query: entry.suppression_query.clone(),
            data_exclusion_query: entry.data_exclusion_query.clone(),
            start: entry.start,
            expiration: entry.expiration,
            clock: clock.clone(),
            is_expired: period == Period::Expired,
            is_not_started: period == Period::NotStarted,
            n_rules: tally.n_rules,
            n_excluded: tally.n_excluded,
            inactive: Inactive {
                n_not_started: tally.n_not_started,
                n_expired: tally.n_expired,
                n_disabled: tally.n_disabled,
            },
        }
    };
    set.suppressions().iter().enumerate().map(outcome).collect()
}

/// Lines for people: what was hidden, by what, and which suppressions are of no use.
pub(super) fn print_accounting(name: &str, case: &Case<'_>) {
    let Some(first) = case.suppressions.first() else { return };
    let hidden = accounting::hidden(case);
    let clock = if first.clock == "event" { "the time of each event".to_owned() } else { first.clock.clone() };
    let n_active = hidden.iter().filter(|hidden| hidden.n_signals > 0).count();
    eprintln!("{name}: {n_active} of {} suppressions hid something; dates judged at {clock}", case.suppressions.len());
    let mut idle: Vec<(State, Vec<String>)> =
        [State::Dead, State::Expired, State::NotStarted, State::Disabled].map(|state| (state, Vec::new())).into();
    for (outcome, hidden) in case.suppressions.iter().zip(&hidden) {
        let state = State::of(outcome, hidden);
        let shown = printable(outcome.name.as_bytes());
        if let Some((_, names)) = idle.iter_mut().find(|(of, _)| *of == state) {
            names.push(shown);
            continue;
        }
        let Some([(_, first), (_, last)]) = hidden.span else { continue };
        let processes =
            if hidden.n_processes == 1 { "1 process".to_owned() } else { format!("{} processes", hidden.n_processes) };
        eprintln!(
            "  {shown}: {} ({} by it alone), {processes}, {}, {}; {} to {}",
            plural(hidden.n_signals, "signal"),
            hidden.n_alone,
            plural(hidden.n_hosts, "host"),
            plural(hidden.rules.len() as u64, "rule"),
            Rfc3339(first),
            Rfc3339(last),
        );
        for (&other, n) in hidden.overlaps.iter().take(MAX_OVERLAPS) {
            eprintln!("    {n} of them also by {}", printable(case.suppressions[other].name.as_bytes()));
        }
        let inactive = outcome.inactive.n_expired + outcome.inactive.n_not_started;
        if inactive > 0 {
            eprintln!("    {inactive} more outside of its dates");
        }
    }
    for (state, names) in idle.into_iter().filter(|(_, names)| !names.is_empty()) {
        let more = names.len().saturating_sub(MAX_NAMES);
        let mut list = names.into_iter().take(MAX_NAMES).collect::<Vec<_>>().join(", ");
        if more > 0 {
            list += &format!(" and {more} more");
        }
        eprintln!("  {}: {list}", state.name().replace('_', " "));
    }
}

/// A count and what is counted.
pub(super) fn plural(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Overlaps printed of one suppression; the table has all.
const MAX_OVERLAPS: usize = 3;
/// Names printed of idle suppressions; the table has all.
const MAX_NAMES: usize = 10;
