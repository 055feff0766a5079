//! Suites run: each trace replayed with the rules it is to be tested with, and what happened observed.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::hash::Hash;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracehound_fields::{Context, Subject};
use tracehound_formats::{Input, OpenError, Seq, native};
use tracehound_report::case::CaseParts;
use tracehound_report::{AttackPath, Case, Paths, Source, path};
use tracehound_rules::{Policy, Priority, Rule, RuleSet};
use tracehound_signals::visible::utf8;
use tracehound_signals::{ProcessKeys, RuleRef, Signal};
use tracehound_suite::cache::{Cache, Key, KeyHasher, MAX_COPY, Record};
use tracehound_suite::coverage::LeafCount;
use tracehound_suite::result::{Facts, Observed, Seen};
use tracehound_suppress::files::Suppression;
use tracehound_suppress::query::ExplainedClause;
use tracehound_suppress::{Clock, ExtraTags, Query, SignalView, SuppressionSet};

use crate::each::{each_event, each_signal};
use crate::explain::{Found, Search, Target};
use crate::rulefiles::RuleFiles;
use crate::{Analysis, Job, Only, Window, pipeline};

/// Signals of a rule of which the attack path is kept.
const WITH_PATH: usize = 3;
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

/// Does something for each of many traces, as many at a time as there are workers; results in order.
///
/// Each worker has the pool of the pipeline for itself: one that it shared would, while it waits, begin with further traces
/// in the middle of one, and hold the histories of all of them.
pub fn each_trace<T: Sync, R: Send>(traces: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let n_workers = rayon::current_num_threads().max(1);
    if traces.len() < n_workers || n_workers == 1 {
        // Few traces are each spread over all workers.
        return traces.iter().map(f).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(trace) = traces.get(i) else { return found };
            found.push((i, f(trace)));
        }
    };
    let worker = || match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    };
    let mut found: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(worker)).collect();
        let joined = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.flatten().collect()
    });
    found.sort_by_key(|(i, _)| *i);
    found.into_iter().map(|(_, result)| result).collect()
}

/// Rules of a ground, ready to be asked of any number of traces.
pub struct Runner<'g> {
    ground: &'g Ground,
    cache: Option<&'g Cache>,
    keys: Vec<RuleKeys>,
    /// By the positions of the rules.
    subsets: Mutex<HashMap<Vec<usize>, Arc<Subset<'g>>>>,
}

/// What results of a rule are kept under.
struct RuleKeys {
    /// The hash of all that it says.
    rule: Key,
    /// The hash of what is asked about its signals, queries of suites left out.
    asked: Key,
    /// The same, to be gone on with.
    hasher: KeyHasher,
    /// False if it is never asked.
    is_active: bool,
}

/// Some of the rules.
struct Subset<'g> {
    rules: RuleSet,
    suppressions: SuppressionSet<'g>,
}

impl<'g> Runner<'g> {
    /// A runner. With a cache it only asks what that does not know.
    pub fn new(ground: &'g Ground, cache: Option<&'g Cache>) -> Runner<'g> {
        let planned = ground.rules.rules.rules().iter().enumerate();
        let keys = planned
            .map(|(i, planned)| {
                let rule = planned.rule();
                let hasher = asked_key(ground, &RuleRef::new(i, rule));
                RuleKeys { rule: rule_key(rule), asked: hasher.key(), hasher, is_active: planned.is_active() }
            })
            .collect();
        Runner { ground, cache, keys, subsets: Mutex::default() }
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

    /// By rule, the hash of all that it says.
    pub fn keys(&self) -> Vec<Key> {
        self.keys.iter().map(|keys| keys.rule).collect()
    }

    /// Results of each comparison of each rule over the events of a trace; see [`tracehound_suite::coverage`].
    pub fn leaves(&self, input: Input) -> Result<Vec<Vec<LeafCount>>, OpenError> {
        let rules = &self.ground.rules.rules;
        let mut counts: Vec<Vec<LeafCount>> =
            rules.rules().iter().map(|rule| vec![LeafCount::default(); rule.predicate().leaves().len()]).collect();
        analyze(self.copy_or(input), &RuleSet::default(), None, |window| {
            each_event(window, |view| {
                for &id in rules.rules_for_kind(view.kind_code()) {
                    let counts = &mut counts[id.0 as usize];
                    rules.rule(id).predicate().evaluate_telling(view, |leaf, result| match result {
                        true => counts[leaf].n_true += 1,
                        false => counts[leaf].n_false += 1,
                    });
                }
            });
        })?;
        Ok(counts)
    }

    /// What all rules say of a trace; `queries` gives what is to be asked about the signals of a rule.
    pub fn examine<'q>(&self, input: Input, queries: impl Fn(&str) -> Vec<&'q Query>) -> Result<Observed, OpenError> {
        let planned = self.ground.rules.rules.rules();
        let active: Vec<usize> = (0..planned.len()).filter(|&i| self.keys[i].is_active).collect();
        let Some(cache) = self.cache else { return self.observe(input, &active, queries) };
        let name = |rule: usize| planned[rule].rule().name.as_str();
        let asked: Vec<Key> = (0..planned.len())
            .map(|rule| {
                let queries = queries(name(rule));
                if queries.is_empty() {
                    return self.keys[rule].asked;
                }
                let mut hash = self.keys[rule].hasher.clone();
                queries.iter().for_each(|query| query.text().hash(&mut hash));
                hash.key()
            })
            .collect();
        let trace = Key::of(input.bytes());
        let known = cache.get(trace);
        let is_unknown =
            |&rule: &usize| known.as_ref().is_none_or(|record| record.get(self.keys[rule].rule, asked[rule]).is_none());
        let unknown: Vec<usize> = active.iter().copied().filter(is_unknown).collect();
        // A rule that no event of the trace can match says nothing: the trace need not be read for that.
        let can_match = |record: &Record| {
            let kinds = |rule: usize| planned[rule].kinds();
            unknown.iter().any(|&rule| record.facts.kinds.iter().any(|&kind| kinds(rule).contains(kind)))
        };
        let record = match known {
            Some(record) if !can_match(&record) => record,
            known => {
                let mut found = self.observe_kept(cache, trace, input, &unknown, &queries)?;
                let mut record = known.unwrap_or_else(|| Record::new(found.facts));
                for &rule in &unknown {
                    let seen = found.signals.remove(name(rule)).unwrap_or_default();
                    record.put(self.keys[rule].rule, asked[rule], seen);
                }
                // A cache that cannot be written to costs time only.
                let _ = cache.put(trace, &record);
                record
            }
        };
        let signals = active.iter().filter_map(|&rule| {
            let seen = record.get(self.keys[rule].rule, asked[rule]).unwrap_or_default();
            (!seen.is_empty()).then(|| (name(rule).to_owned(), seen.to_vec()))
        });
        Ok(Observed { signals: signals.collect(), facts: record.facts.clone() })
    }

    /// As [`Runner::observe`], from the copy of a trace that is slow to read, which is made where there is none.
    fn observe_kept<'q>(
        &self,
        cache: &Cache,
        trace: Key,
        input: Input,
        rules: &[usize],
        queries: impl Fn(&str) -> Vec<&'q Query>,
    ) -> Result<Observed, OpenError> {
        let kept = cache.copy(trace);
        let made = if kept.is_none() { native::unpacked(&input, MAX_COPY) } else { None };
        let Some(copy) = kept.as_ref().or(made.as_ref()) else { return self.observe(input, rules, queries) };
        let observed = self.observe(copy.clone().into(), rules, &queries)?;
        // Places of damage are those of the file that was given.
        if observed.facts.n_damage > 0 {
            return self.observe(input, rules, queries);
        }
        if let Some(made) = made {
            // A cache that cannot be written to costs time only.
            let _ = cache.put_copy(trace, &made);
        }
        Ok(observed)
    }

    /// The copy of a trace that is slow to read, if there is one; else the trace.
    fn copy_or(&self, input: Input) -> Input {
        let copy = self.cache.and_then(|cache| cache.copy(Key::of(input.bytes())));
        copy.map_or(input, Input::from)
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
        if !analysis.signals.is_empty() {
            with_case(&analysis, |case| {
                let paths = Paths::new(case);
                for (signal, answers) in analysis.signals.iter().zip(answers) {
                    let of_rule = observed.signals.entry(signal.rule.name.clone()).or_default();
                    let path = (of_rule.len() < WITH_PATH).then(|| paths.of(signal)).flatten();
                    of_rule.push(seen(signal, case, path.as_ref(), answers));
                }
            });
        }
        Ok(observed)
    }

    /// The event of a trace that comes nearest to a rule; with `seq` that event.
    pub fn nearest(&self, input: Input, rule: usize, seq: Option<u64>) -> Result<Nearest, OpenError> {
        let planned = &self.ground.rules.rules.rules()[rule];
        let mut search = Search::new(planned, Target { seq: seq.map(Seq), pid: None });
        let analysis = analyze(self.copy_or(input), &RuleSet::default(), None, |window| search.window(window))?;
        let found = search.finish();
        let missing: Vec<String> = planned
            .fields_used()
            .into_iter()
            .filter_map(|field| {
                let features = tracehound_fields::TraceFeatures::of(&analysis.history);
                tracehound_fields::missing_for(field.field(), &features).map(|why| format!("{}: {why}", field.text))
            })
            .collect();
        let path = found.nearest.as_ref().and_then(|moment| {
            let process = moment.process?;
            let thread = analysis.history.thread_by_tid(moment.tid, moment.seq);
            Some(with_case(&analysis, |case| path_lines(case, &Paths::new(case).to(process, thread, moment.seq))))
        });
        Ok(Nearest { found, missing, path: path.unwrap_or_default() })
    }

    /// What the clauses of a query say of the first signal of a rule.
    pub fn explain_query(&self, input: Input, rule: usize, query: &Query) -> Result<Vec<String>, OpenError> {
        let subset = self.subset(&[rule]);
        let mut lines = Vec::new();
        analyze(self.copy_or(input), &subset.rules, Some(&subset.suppressions), |window| {
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

/// The hash of everything that the signals of a rule depend on.
fn rule_key(rule: &Rule) -> Key {
    let Rule { name, description: _, priority, tags, source, is_enabled, condition, output, .. } = rule;
    let mut hash = KeyHasher::default();
    (name, priority, tags, source, is_enabled, condition.without_places(), output).hash(&mut hash);
    hash.key()
}

/// The hash of what is asked about the signals of a rule besides the queries of suites.
fn asked_key(ground: &Ground, rule: &RuleRef) -> KeyHasher {
    let mut hash = KeyHasher::default();
    format!("{:?}", ground.clock).hash(&mut hash);
    ground.tags.hash(&mut hash);
    for suppression in ground.suppressions.iter().filter(|suppression| suppression.is_for(rule)) {
        format!("{:?}", (&suppression.entry, &suppression.kind)).hash(&mut hash);
    }
    hash
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
    /// How the process of the event came to be, as [`tracehound_report::path`] writes it.
    pub path: Vec<String>,
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

fn seen(signal: &Signal, case: &Case<'_>, path: Option<&AttackPath>, answers: Vec<bool>) -> Seen {
    Seen {
        seq: signal.seq.0,
        ts: signal.ts.0,
        id: signal.id.to_string(),
        message: utf8(&signal.message).into_owned(),
        fields: signal.output_fields.clone(),
        suppressed_by: signal.verdict.suppressed_by().to_vec(),
        evidence: signal.evidence.reasons().iter().map(ToString::to_string).collect(),
        process: signal.process.map(|process| case.keys.get(process)),
        path: path.map_or_else(Vec::new, |path| path_lines(case, path)),
        answers,
    }
}

/// A path as text, a line each.
fn path_lines(case: &Case<'_>, path: &AttackPath) -> Vec<String> {
    let mut text = Vec::new();
    path::write(&mut text, case, path).expect("a vector takes all");
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

/// Gives what reports are made from, without rules and suppressions, to a function.
fn with_case<T>(analysis: &Analysis, f: impl FnOnce(&Case<'_>) -> T) -> T {
    let totals = &analysis.totals;
    let source = Source {
        input: String::new(),
        format: String::new(),
        n_bytes: None,
        hostname: analysis.context.hostname.clone(),
        first_ns: totals.first_ns,
        last_ns: totals.last_ns,
        integrity: analysis.integrity().to_owned(),
        n_skipped_segments: totals.skipped.n_segments,
        n_skipped_events: totals.skipped.n_events,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    f(&Case::new(CaseParts {
        history: &analysis.history,
        keys: &ProcessKeys::new(&analysis.history),
        times: &analysis.times,
        signals: &analysis.signals,
        rules: &[],
        suppressions: &[],
        losses: &totals.losses,
        notes: &analysis.read_notes,
        source: &source,
    }))
}
