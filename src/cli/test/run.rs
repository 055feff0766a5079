//! The traces of suites, run in parallel.

use tracehound_formats::Input;
use tracehound_rules::RuleSet;
use tracehound_suite::cache::Cache;
use tracehound_suite::coverage::{Coverage, LeafCount, Rules, coverage};
use tracehound_suite::judge::{judge, queries, unreadable};
use tracehound_suite::{CaseResult, FailureKind, Status};

use super::args::Test;
use super::suites::Suites;
use crate::cli::output::printable;
use crate::corpus::{Runner, each_trace};

/// Results of all traces that are asked for, in the order of the suites; and, if it is wanted, what they say of the rules.
pub(super) fn run(suites: &Suites, args: &Test, cache: Option<&Cache>) -> (Vec<CaseResult>, Option<Coverage>) {
    let runners: Vec<Runner<'_>> = suites.grounds.iter().map(|ground| Runner::new(ground, cache)).collect();
    let is_asked = |name: &str| args.filter.is_empty() || args.filter.iter().any(|part| name.contains(part.as_str()));
    let cases: Vec<(usize, usize)> = suites
        .loaded
        .suites
        .iter()
        .enumerate()
        .flat_map(|(i, suite)| suite.cases.iter().enumerate().map(move |(j, case)| (i, j, suite, case)))
        .filter(|(_, _, suite, case)| is_asked(&format!("{}/{}", suite.name.name, case.name)))
        .map(|(i, j, ..)| (i, j))
        .collect();
    let results = each_trace(&cases, |&(suite, case)| run_case(suites, &runners[suites.ground_of[suite]], suite, case));
    let is_wanted = args.coverage || args.navigator.is_some();
    let coverage = is_wanted.then(|| coverage_of(suites, &runners, &results, args.coverage));
    (results, coverage)
}

/// What results say of the rules, with comparisons or without.
fn coverage_of(suites: &Suites, runners: &[Runner<'_>], results: &[CaseResult], has_leaves: bool) -> Coverage {
    let mut leaves: Vec<Vec<Vec<LeafCount>>> =
        runners.iter().map(|runner| vec![Vec::new(); runner.keys().len()]).collect();
    if has_leaves {
        let readable: Vec<&CaseResult> = results.iter().filter(|result| result.status != Status::Error).collect();
        let counted = each_trace(&readable, |result| {
            let ground = suites.ground_of[result.suite];
            let path = &suites.loaded.suites[result.suite].cases[result.case].path;
            // It was read before; what is gone meanwhile says nothing.
            Some((ground, Input::open(path).and_then(|input| runners[ground].leaves(input)).ok()?))
        });
        for (ground, of_trace) in counted.into_iter().flatten() {
            for (sums, counts) in leaves[ground].iter_mut().zip(of_trace) {
                sums.resize(counts.len(), LeafCount::default());
                for (sum, count) in sums.iter_mut().zip(counts) {
                    sum.n_true += count.n_true;
                    sum.n_false += count.n_false;
                }
            }
        }
    }
    let keys: Vec<_> = runners.iter().map(Runner::keys).collect();
    let rules: Vec<Rules<'_>> = suites
        .grounds
        .iter()
        .zip(&keys)
        .zip(&leaves)
        .map(|((ground, keys), leaves)| Rules {
            rules: &ground.rules.rules,
            loaded: &ground.rules.loaded,
            keys,
            leaves,
        })
        .collect();
    coverage(&suites.loaded.suites, results, &rules, &suites.ground_of)
}

fn run_case(suites: &Suites, runner: &Runner<'_>, suite: usize, case: usize) -> CaseResult {
    let all = &suites.loaded.suites;
    let of_case = &all[suite].cases[case];
    let open = || Input::open(&of_case.path);
    let observed = open().and_then(|input| runner.examine(input, |rule| queries(&all[suite], of_case, rule)));
    let mut result = match observed {
        Ok(observed) => judge(all, suite, case, observed),
        Err(error) => return unreadable(all, suite, case, printable(error.to_string().as_bytes())),
    };
    for failure in &mut result.failures {
        if !matches!(failure.kind, FailureKind::Missing | FailureKind::OtherEvents) {
            continue;
        }
        let Some(name) = &failure.rule else { continue };
        let Some(rule) = position(&runner.ground().rules.rules, name) else { continue };
        let lines = match (result.observed.of(name), failure.query) {
            // The rule says nothing at all of this trace, or not what it should of an event that is known.
            (seen, _)
                if seen.is_empty() || failure.event.is_some_and(|seq| seen.iter().all(|seen| seen.seq != seq)) =>
            {
                open().and_then(|input| runner.nearest(input, rule, failure.event)).map(|nearest| {
                    let mut lines = nearest.found.miss_lines(&runner.ground().rules.loaded);
                    lines.extend(nearest.path.iter().map(|line| format!("  {line}")));
                    lines.extend(nearest.missing.iter().map(|missing| format!("the trace cannot answer {missing}")));
                    lines
                })
            }
            (seen, Some(query)) if seen.iter().all(|seen| seen.answers.get(query) != Some(&true)) => {
                let asked = queries(&all[suite], of_case, name);
                match asked.get(query) {
                    Some(query) => open().and_then(|input| runner.explain_query(input, rule, query)),
                    None => Ok(Vec::new()),
                }
            }
            _ => Ok(Vec::new()),
        };
        // It was read before; what changed meanwhile is not explained.
        failure.details.extend(lines.unwrap_or_default());
    }
    result
}

fn position(rules: &RuleSet, name: &str) -> Option<usize> {
    rules.rules().iter().position(|rule| rule.rule().name == name)
}
