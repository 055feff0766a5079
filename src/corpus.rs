//! Suites run: each trace replayed with the rules it is to be tested with, and what happened observed.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use tracehound_fields::{Context, Subject};
use tracehound_formats::{Input, OpenError};
use tracehound_rules::{Policy, Priority, RuleSet};
use tracehound_signals::visible::utf8;
use tracehound_signals::{ProcessKeys, RuleRef, Signal};
use tracehound_suite::result::{Facts, Observed, Seen};
use tracehound_suppress::files::Suppression;
use tracehound_suppress::query::ExplainedClause;
use tracehound_suppress::{Clock, ExtraTags, Query, SignalView, SuppressionSet};

use crate::each::{each_event, each_signal};
use crate::explain::{self, Found, Search, Target};
use crate::rulefiles::RuleFiles;
use crate::{Analysis, Job, Only, Window, pipeline};

/// Signals of a rule of which the lineage is kept.
const WITH_LINEAGE: usize = 3;
/// Damaged places that are kept as text.
const DAMAGE_SHOWN: usize = 10;

/// What traces are tested with.
pub struct Ground {
    /// Rules, all of them loaded without errors.
    pub rules: RuleFiles,
    /// Suppressions, filters of rules included.
    pub suppressions: Vec<Suppression>,
    /// What their dates are compared with.
    pub clock: Clock,
    /// Tags that queries can use.
    pub tags: ExtraTags,
}

/// Rules of a ground, ready to be asked of any number of traces.
pub struct Runner<'g> {
    ground: &'g Ground,
    /// By the positions of the rules.
    subsets: Mutex<HashMap<Vec<usize>, Arc<Subset<'g>>>>,
}

/// Some of the rules.
struct Subset<'g> {
    rules: RuleSet,
    suppressions: SuppressionSet<'g>,
}

impl<'g> Runner<'g> {
    /// A runner.
    pub fn new(ground: &'g Ground) -> Runner<'g> {
        Runner { ground, subsets: Mutex::default() }
    }

    /// What it runs.
    pub fn ground(&self) -> &'g Ground {
        self.ground
    }

    /// These rules alone, made ready once. Each rule is asked for itself, so that which others are asked beside it
    /// does not matter.
    fn subset(&self, rules: &[usize]) -> Arc<Subset<'g>> {
        let mut subsets = self.subsets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(subset) = subsets.get(rules) {
            return Arc::clone(subset);
        }
        let all = &self.ground.rules.rules;
        let set = if rules.len() == all.rules().len() {
            all.clone()
        } else {
            let some = rules.iter().map(|&i| all.rules()[i].rule().clone()).collect();
            // They compiled before.
            RuleSet::plan(some).0
        };
        let refs: Vec<Arc<RuleRef>> =
            set.rules().iter().enumerate().map(|(i, rule)| RuleRef::new(i, rule.rule())).collect();
        let Ground { suppressions, clock, tags, .. } = self.ground;
        let suppressions = SuppressionSet::new(suppressions, &refs, *clock, tags);
        let subset = Arc::new(Subset { rules: set, suppressions });
        subsets.insert(rules.to_vec(), Arc::clone(&subset));
        subset
    }

    /// Replays a trace and asks some of the rules, by position. `queries` gives what is to be asked about the signals
    /// of a rule.
    pub fn observe<'q>(
        &self,
        input: Input,
        rules: &[usize],
        queries: impl Fn(&str) -> Vec<&'q Query>,
    ) -> Result<Observed, OpenError> {
        let subset = self.subset(rules);
        let queries: Vec<Vec<&Query>> = subset.rules.rules().iter().map(|rule| queries(&rule.rule().name)).collect();
        let mut answers: Vec<Vec<bool>> = Vec::new();
        let mut kinds: BTreeSet<u16> = BTreeSet::new();
        let analysis = analyze(input, &subset.rules, Some(&subset.suppressions), |window| {
            each_event(window, |view| {
                kinds.insert(view.kind_code());
            });
            each_signal(window, |signal, view| {
                let subject = SignalView::new(signal, view, &self.ground.tags);
                answers.push(queries[signal.rule.index].iter().map(|query| query.matches(&subject)).collect());
            });
        })?;
        let mut observed = Observed { facts: facts(&analysis, kinds), ..Observed::default() };
        let keys = ProcessKeys::new(&analysis.history);
        for (signal, answers) in analysis.signals.iter().zip(answers) {
            let of_rule = observed.signals.entry(signal.rule.name.clone()).or_default();
            let has_lineage = of_rule.len() < WITH_LINEAGE;
            of_rule.push(seen(signal, &analysis, &keys, answers, has_lineage));
        }
        Ok(observed)
    }

    /// The event of a trace that comes nearest to a rule.
    pub fn nearest(&self, input: Input, rule: usize) -> Result<Nearest, OpenError> {
        let planned = &self.ground.rules.rules.rules()[rule];
        let mut search = Search::new(planned, Target::default());
        let analysis = analyze(input, &RuleSet::default(), None, |window| search.window(window))?;
        let found = search.finish();
        let missing: Vec<String> = planned
            .fields_used()
            .into_iter()
            .filter_map(|field| {
                let features = tracehound_fields::TraceFeatures::of(&analysis.history);
                tracehound_fields::missing_for(field.field(), &features).map(|why| format!("{}: {why}", field.text))
            })
            .collect();
        let lineage = found.nearest.as_ref().and_then(|moment| {
            let process = moment.process?;
            Some(explain::lineage_lines(&analysis.history, process, moment.seq))
        });
        Ok(Nearest { found, missing, lineage: lineage.unwrap_or_default() })
    }

    /// What the clauses of a query say of the first signal of a rule.
    pub fn explain_query(&self, input: Input, rule: usize, query: &Query) -> Result<Vec<String>, OpenError> {
        let subset = self.subset(&[rule]);
        let mut lines = Vec::new();
        analyze(input, &subset.rules, Some(&subset.suppressions), |window| {
            each_signal(window, |signal, view| {
                if lines.is_empty() {
                    let subject = SignalView::new(signal, view, &self.ground.tags);
                    lines.extend(query.explain(&subject).clauses.iter().map(|clause| clause_line(query, clause)));
                }
            });
        })?;
        Ok(lines)
    }
}

/// A clause of a query, and what it looked at: `- @process.comm:bash   is: sh`.
fn clause_line(query: &Query, clause: &ExplainedClause<'_>) -> String {
    const SHOWN: usize = 5;
    let mark = if clause.is_satisfied() { '+' } else { '-' };
    let not = if clause.clause.is_negated { "not " } else { "" };
    let text = query.text().get(clause.clause.span.range()).unwrap_or_default();
    let values: Vec<_> = clause.values.iter().take(SHOWN).map(|value| utf8(value)).collect();
    let more = clause.n_values.saturating_sub(values.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let values = if values.is_empty() { "absent".to_owned() } else { values.join(", ") };
    format!("{mark} {not}{text}   is: {values}{more}")
}

/// An event that comes near to a rule.
pub struct Nearest {
    /// What was found.
    pub found: Found,
    /// Fields of the rule's condition that the trace has no answer for.
    pub missing: Vec<String>,
    /// The process of the event and its ancestors, nearest first.
    pub lineage: Vec<String>,
}

/// Runs the pipeline over a trace.
fn analyze(
    input: Input,
    rules: &RuleSet,
    suppressions: Option<&SuppressionSet<'_>>,
    mut observe: impl FnMut(&Window<'_>),
) -> Result<Analysis, OpenError> {
    let mut reader = tracehound_formats::open(input)?;
    let n_read = AtomicU64::new(0);
    let job = Job {
        rules,
        policy: Policy::All,
        least: Priority::Debug,
        suppressions,
        context: Context::default(),
        only: Only::default(),
        n_read: &n_read,
        meter: None,
    };
    let Ok(analysis) = pipeline::analyze::<Infallible>(&mut *reader, job, |window| {
        observe(window);
        Ok(())
    });
    Ok(analysis)
}

fn facts(analysis: &Analysis, kinds: BTreeSet<u16>) -> Facts {
    let notes = &analysis.read_notes;
    let damage = notes.damage.iter().take(DAMAGE_SHOWN);
    Facts {
        n_events: analysis.totals.n_events,
        kinds: kinds.into_iter().collect(),
        n_damage: notes.n_damage,
        damage: damage.map(|damage| format!("at byte {}: {}", damage.offset, damage.what)).collect(),
        n_lost: analysis.totals.n_lost(),
    }
}

fn seen(signal: &Signal, analysis: &Analysis, keys: &ProcessKeys<'_>, answers: Vec<bool>, has_lineage: bool) -> Seen {
    let process = signal.process.filter(|_| has_lineage);
    Seen {
        seq: signal.seq.0,
        ts: signal.ts.0,
        id: signal.id.to_string(),
        message: utf8(&signal.message).into_owned(),
        fields: signal.output_fields.clone(),
        suppressed_by: signal.verdict.suppressed_by().to_vec(),
        evidence: signal.evidence.reasons().iter().map(ToString::to_string).collect(),
        process: signal.process.map(|process| keys.get(process)),
        lineage: process.map_or_else(Vec::new, |id| explain::lineage_lines(&analysis.history, id, signal.seq)),
        answers,
    }
}
