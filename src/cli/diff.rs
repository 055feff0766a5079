//! `diff`: two sets of rules and suppressions on the same traces, each trace replayed once.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tracehound_delta::{Comparison, Definitions, Gate, Kind, Label, Names, Pairs, Trace, TraceDelta, output, signals};
use tracehound_formats::ReadNotes;
use tracehound_lang::{Severity, render};
use tracehound_report::{Paths, path};
use tracehound_rules::{Policy, RuleSet};
use tracehound_suppress::SuppressionSet;

use super::args::{Diff, DiffFormat, DiffGate, Global, RuleArgs, SuppressionArgs, When};
use super::exit::{Failure, Outcome};
use super::formats;
use super::input;
use super::output::{has_color, printable};
use super::progress::Count;
use super::session::{Extras, Session, load_rule_files, select, set_threads};
use super::suppressing::{Suppressions, plural};
use super::test::suites;
use crate::rulefiles::RuleFiles;
use crate::{Beside, Side};

/// Characters of a line of an attack path that are kept.
const MAX_LINE: usize = 1_000;

pub(super) fn run(global: &Global, args: &Diff) -> Result<Outcome, Failure> {
    set_threads(global);
    let default = if io::stdout().is_terminal() { DiffFormat::Text } else { DiffFormat::Json };
    let places = formats::places(&args.format, args.output.as_deref(), default)?;
    // Both are loaded before either fails: whoever repairs them wants to see all.
    let base = Loaded::new(global, "base", args, &args.base, &args.base_suppressions);
    let head = Loaded::new(global, "head", args, &args.head, &args.head_suppressions);
    let (mut base, mut head) = match (base, head) {
        (Ok(base), Ok(head)) => (base, head),
        (Err(failure), _) | (_, Err(failure)) => return Err(failure),
    };
    select_both(&mut base.files.rules, &mut head.files.rules, args)?;
    let corpus = Corpus::load(global, args)?;
    let traces = &corpus.traces;
    formats::check(&places, args.force, traces)?;
    let policy = Policy::from(args.rule_matching);
    let definitions = Definitions::new(&base.side(), &head.side(), policy);
    let mut comparison = Comparison {
        base: base.names(),
        head: head.names(),
        n_examples: usize::from(args.examples),
        ..Comparison::default()
    };
    let rules = &base.files.rules;
    let base_set = base.suppressions.set(rules);
    let head_set = head.suppressions.set(&head.files.rules);
    let of_head = Side { rules: &head.files.rules, policy, least: args.min_priority, suppressions: Some(&head_set) };
    let run = Run {
        global: Global { progress: if traces.len() > 1 { When::Never } else { global.progress }, ..global.clone() },
        args,
        rules,
        base_set: &base_set,
        beside: Beside::new(rules, args.min_priority, vec![of_head]),
        pairs: &definitions.pairs,
        rule_args: RuleArgs {
            rule_matching: args.rule_matching,
            min_priority: args.min_priority,
            ..RuleArgs::of(Vec::new())
        },
    };
    let mut outcome = corpus.outcome;
    let progress = Count::start(global, "traces", traces.len() as u64);
    // As many traces at a time as there are workers: each needs the memory of its history until it is compared.
    for some in traces.chunks(rayon::current_num_threads().max(1)) {
        let one = |path: &PathBuf| {
            let found = run.trace(path);
            progress.add(1);
            found
        };
        let found: Vec<_> = match some {
            // A trace by itself is replayed outside of the pool, as by the other verbs.
            [path] => vec![one(path)],
            some => some.par_iter().map(one).collect(),
        };
        for (path, found) in some.iter().zip(found) {
            let name = path.display().to_string();
            let (label, is_partial) = corpus.of(path);
            match found {
                Ok((mut trace, notes, n_lost)) => {
                    trace.label = label;
                    let allow_partial = args.allow_partial || is_partial;
                    let partial = input::report_damage(global, &trace.name, &notes, n_lost, allow_partial);
                    outcome = outcome.and(partial);
                    comparison.traces.push(trace);
                }
                Err(failure @ Failure::Input { .. }) => {
                    eprintln!("tracehound: {failure}");
                    outcome = outcome.and(failure.outcome());
                    let error = Some(failure.to_string());
                    comparison.traces.push(Trace {
                        name: printable(name.as_bytes()),
                        label,
                        error,
                        ..Trace::default()
                    });
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    drop(progress);
    drop(run);
    comparison.definitions = definitions;
    print(global, places, args, traces, &comparison)?;
    Ok(outcome.and(gates(global, args, &comparison)))
}

/// Formats, and the files that they go to.
type Places = Vec<(DiffFormat, Option<PathBuf>)>;

/// The traces, and what is known of them.
struct Corpus {
    traces: Vec<PathBuf>,
    /// By canonical path: what a trace holds, and whether it is known to be damaged or lossy.
    known: HashMap<PathBuf, (Option<Label>, bool)>,
    /// `Input` if a suite names a trace that does not exist.
    outcome: Outcome,
}

impl Corpus {
    /// Finds the traces that were named, or else those of the suites; labels are those of the suites.
    fn load(global: &Global, args: &Diff) -> Result<Corpus, Failure> {
        let files = suites::suite_files(&args.suite, false)?;
        let loaded = tracehound_suite::files::load(&files);
        suites::refuse(global, &loaded)?;
        let mut known: HashMap<PathBuf, (Option<Label>, bool)> = HashMap::new();
        let mut named = args.traces.clone();
        for suite in &loaded.suites {
            for case in &suite.cases {
                if args.traces.is_empty() {
                    named.push(case.path.clone());
                }
                let label = suite.entry(case).labels.kind.map(|kind| match kind {
                    tracehound_suite::Kind::Attack => Label::Attack,
                    tracehound_suite::Kind::Benign => Label::Benign,
                });
                let is_partial = suite.is_partial(case);
                let of = known.entry(canonical(&case.path)).or_insert((label, is_partial));
                if label.is_some() && of.0.is_some() && label != of.0 {
                    let path = printable(case.path.display().to_string().as_bytes());
                    return Err(Failure::Usage(format!("{path}: one suite says attack, another benign")));
                }
                *of = (of.0.or(label), of.1 || is_partial);
            }
        }
        if args.fail_on.contains(&DiffGate::AttackRemoved) && !known.values().any(|of| of.0 == Some(Label::Attack)) {
            let message = "--fail-on attack-removed: no trace is labelled as an attack; name a --suite that does";
            return Err(Failure::Usage(message.to_owned()));
        }
        let outcome = if loaded.lacks_traces() {
            let lacking: Vec<_> = loaded.diagnostics.iter().filter(|d| d.is_error()).cloned().collect();
            eprint!("{}", render::render_all(&lacking, &loaded.sources));
            Outcome::Input
        } else {
            Outcome::Done
        };
        Ok(Corpus { traces: input::traces(&named)?, known, outcome })
    }

    /// What is known of a trace.
    fn of(&self, path: &Path) -> (Option<Label>, bool) {
        self.known.get(&canonical(path)).copied().unwrap_or_default()
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A side as it was loaded.
struct Loaded<'a> {
    files: RuleFiles,
    suppressions: Suppressions,
    rule_paths: &'a [PathBuf],
    suppression_paths: Vec<PathBuf>,
}

impl<'a> Loaded<'a> {
    /// Loads a side; diagnostics and errors say which it is.
    fn new(
        global: &Global,
        name: &str,
        args: &'a Diff,
        rules: &'a [PathBuf],
        own: &[PathBuf],
    ) -> Result<Loaded<'a>, Failure> {
        let of_side = |failure| match failure {
            Failure::Rules(text) => {
                // At once, below the diagnostics of this side.
                eprintln!("tracehound: {name}: {text}");
                Failure::Rules("nothing was compared: both sides have to load".to_owned())
            }
            failure => failure,
        };
        // Warnings about rules that load are for `rules check`; here they would all be said twice.
        let least = if global.verbose { global.clone() } else { Global { quiet: true, ..global.clone() } };
        let files = load_rule_files(&least, &RuleArgs::of(rules.to_vec())).map_err(of_side)?;
        let mut suppressions = args.suppressions.suppressions.clone();
        suppressions.extend_from_slice(own);
        let with = SuppressionArgs { suppressions, ..args.suppressions.clone() };
        let loaded = Suppressions::load(&least, &with, &files).map_err(of_side)?;
        debug_assert!(!files.loaded.diagnostics.iter().any(|d| d.severity == Severity::Error));
        Ok(Loaded { files, suppressions: loaded, rule_paths: rules, suppression_paths: with.suppressions })
    }

    fn side(&self) -> tracehound_delta::Side<'_> {
        tracehound_delta::Side {
            loaded: &self.files.loaded,
            rules: &self.files.rules,
            suppressions: self.suppressions.all(),
        }
    }

    fn names(&self) -> Names {
        let names = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect();
        Names { rules: names(self.rule_paths), suppressions: names(&self.suppression_paths) }
    }
}

/// Enables and disables rules of both sides. A rule that one side does not have is no mistake: it may be new.
fn select_both(base: &mut RuleSet, head: &mut RuleSet, args: &Diff) -> Result<(), Failure> {
    let selections = &args.selections.0;
    let counts = base.select(selections).into_iter().zip(head.select(selections));
    match selections.iter().zip(counts).find(|(_, counts)| *counts == (0, 0)) {
        // Which says what was meant perhaps.
        Some((selection, _)) => select(head, std::slice::from_ref(selection)),
        None => Ok(()),
    }
}

/// What every trace is compared with.
struct Run<'a> {
    global: Global,
    args: &'a Diff,
    /// Rules and suppressions of the base side; those of the head side are beside them.
    rules: &'a RuleSet,
    base_set: &'a SuppressionSet<'a>,
    beside: Beside<'a>,
    pairs: &'a Pairs,
    rule_args: RuleArgs,
}

impl Run<'_> {
    /// Replays a trace and compares what both sides say of it. Also gives what the reader found, and how many events
    /// the recorder lost.
    fn trace(&self, path: &Path) -> Result<(Trace, ReadNotes, u64), Failure> {
        let extras = Extras { suppressions: Some(self.base_set), beside: Some(&self.beside), ..Extras::default() };
        let session = Session::run_with(&self.global, path, self.rules, &self.rule_args, extras, |_| Ok(()))?;
        let analysis = &session.analysis;
        let of_head = analysis.beside.first().map_or(&[][..], |found| &found.signals);
        let mut delta = session.with_case(|case| {
            let key = |signal: &tracehound_signals::Signal| signal.process.map(|process| case.keys.get(process));
            signals::compare(&analysis.signals, of_head, self.pairs, key)
        });
        self.add_paths(&session, &mut delta)?;
        let trace = Trace {
            name: session.name.clone(),
            label: None,
            integrity: analysis.integrity().to_owned(),
            n_events: analysis.totals.n_events,
            error: None,
            delta,
        };
        Ok((trace, analysis.read_notes.clone(), analysis.totals.n_lost()))
    }

    /// Adds attack paths to what can be an example: the first of each rule and kind.
    fn add_paths(&self, session: &Session, delta: &mut TraceDelta) -> Result<(), Failure> {
        if delta.entries.is_empty() || self.args.examples == 0 {
            return Ok(());
        }
        session.with_case(|case| {
            let paths = Paths::new(case);
            let mut counts: HashMap<(usize, Kind), u16> = HashMap::new();
            for entry in &mut delta.entries {
                let n = counts.entry((entry.rule, entry.kind())).or_default();
                *n = n.saturating_add(1);
                if *n > self.args.examples {
                    continue;
                }
                let Some(found) = entry.signal().and_then(|signal| paths.of(signal)) else { continue };
                let mut text = Vec::new();
                path::write(&mut text, case, &found)?;
                let lines = String::from_utf8_lossy(&text);
                entry.path = lines.lines().map(|line| line.chars().take(MAX_LINE).collect()).collect();
            }
            Ok(())
        })
    }
}

/// Prints the comparison in each format that is asked for.
fn print(
    global: &Global,
    places: Places,
    args: &Diff,
    traces: &[PathBuf],
    comparison: &Comparison,
) -> Result<(), Failure> {
    formats::write(places, args.force, traces, |out, format, is_open| match format {
        DiffFormat::Text => {
            let has_color = is_open && has_color(global.color, &io::stdout());
            out.write_all(output::text::render(comparison, has_color).as_bytes())
        }
        DiffFormat::Markdown => {
            out.write_all(output::markdown::render(comparison, output::markdown::MAX_BYTES).as_bytes())
        }
        DiffFormat::Json => writeln!(out, "{:#}", output::json::object(comparison)),
        DiffFormat::Sarif => {
            let (version, information) = (env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_REPOSITORY"));
            writeln!(out, "{:#}", output::sarif::log(comparison, version, information))
        }
        DiffFormat::Github => out.write_all(output::github::annotations(comparison).as_bytes()),
    })
}

/// Says which of the gates fail, and gives the exit code.
fn gates(global: &Global, args: &Diff, comparison: &Comparison) -> Outcome {
    let mut outcome = Outcome::Done;
    let asked = args.fail_on.iter().map(|gate| match gate {
        DiffGate::Added => (Gate::Added, "added"),
        DiffGate::Removed => (Gate::Removed, "removed"),
        DiffGate::Changed => (Gate::Changed, "changed"),
        DiffGate::AttackRemoved => (Gate::AttackRemoved, "removed from attacks, or suppressed on them"),
    });
    for (gate, what) in asked.chain(args.fail_on_change.then_some((Gate::Change, "not the same"))) {
        let n = comparison.n_met(gate);
        if n > 0 {
            outcome = Outcome::Findings;
            if !global.quiet {
                eprintln!("tracehound: {} {what}", plural(n, "signal"));
            }
        }
    }
    outcome
}
