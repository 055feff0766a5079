//! `rules coverage`: what a trace can say about each rule.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use serde_json::{Value as Json, json};
use tracehound_fields::{Subject, View};
use tracehound_formats::event::head_flags;
use tracehound_rules::{PlannedRule, Priority};

use super::args::{Global, RuleArgs, RuleMatching, RulesCoverage, RulesCoverageFormat};
use super::exit::{Failure, Outcome};
use super::output::printable;
use super::session::{self, Session, set_threads, stdout};
use crate::Window;

/// What a trace can say about a rule, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    /// Every field of its condition has a source in the trace.
    Full,
    /// Some fields have none: the rule may stay silent although what it looks for happened.
    Partial,
    /// The trace has no event of a kind that the rule asks for: its silence says nothing if the recorder left these
    /// kinds out.
    NoEvents,
    /// Its condition is not true for any event.
    Never,
    /// Switched off, or for another source of events.
    Off,
}

impl Answer {
    const ALL: [Answer; 5] = [Answer::Full, Answer::Partial, Answer::NoEvents, Answer::Never, Answer::Off];

    fn name(self) -> &'static str {
        match self {
            Answer::Full => "full",
            Answer::Partial => "partial",
            Answer::NoEvents => "no-events",
            Answer::Never => "never",
            Answer::Off => "off",
        }
    }

    /// What it means for who reads the list.
    fn meaning(self) -> &'static str {
        match self {
            Answer::Full => {
                "the trace has all it asks for: silent means that it did not happen, unless events were lost"
            }
            Answer::Partial => "some fields have no source in the trace: it may be silent although it happened",
            Answer::NoEvents => "no event of the kinds it asks for: it did not happen, or was not recorded",
            Answer::Never => "its condition is not true for any event",
            Answer::Off => "not asked",
        }
    }
}

pub(super) fn run(global: &Global, args: &RulesCoverage) -> Result<Outcome, Failure> {
    set_threads(global);
    // Signals are not asked for; with the first of several matching rules there are fewest.
    let rule_args = RuleArgs {
        rule_matching: RuleMatching::First,
        min_priority: Priority::Emergency,
        selections: args.selections.clone(),
        ..RuleArgs::of(args.rules.clone())
    };
    let rules = session::load_rules(global, &rule_args)?;
    let mut kinds: BTreeMap<u16, u64> = BTreeMap::new();
    let session = Session::run(global, &args.trace, &rules, &rule_args, |window| {
        count_kinds(window, &mut kinds);
        Ok(())
    })?;
    let rows: Vec<(Answer, Json)> = rules
        .rules()
        .iter()
        .zip(&session.analysis.not_evaluable)
        .map(|(rule, missing)| row(rule, missing, &kinds))
        .collect();

    let default = if io::stdout().is_terminal() { RulesCoverageFormat::Text } else { RulesCoverageFormat::Json };
    let mut out = stdout();
    let count = |answer| rows.iter().filter(|(found, _)| *found == answer).count();
    match args.format.unwrap_or(default) {
        RulesCoverageFormat::Json => {
            let counts: BTreeMap<&str, usize> = Answer::ALL.into_iter().map(|a| (a.name(), count(a))).collect();
            let rules: Vec<&Json> = rows.iter().map(|(_, row)| row).collect();
            let totals = &session.analysis.totals;
            let (events, lost) = (totals.n_events, totals.n_lost());
            let integrity = session.analysis.integrity();
            let report = json!({
                "trace": session.name, "events": events, "lost": lost, "integrity": integrity,
                "answers": counts, "rules": rules,
            });
            writeln!(out, "{report:#}")?;
        }
        RulesCoverageFormat::Text => {
            for (answer, row) in &rows {
                let text = |value: &Json| printable(value.as_str().unwrap_or_default().as_bytes());
                writeln!(out, "{:<10} {}", answer.name(), text(&row["rule"]))?;
                for why in row["why"].as_array().into_iter().flatten() {
                    writeln!(out, "{:<10}   {}", "", text(why))?;
                }
            }
            let counts: Vec<String> =
                Answer::ALL.into_iter().map(|answer| format!("{} {}", count(answer), answer.name())).collect();
            writeln!(out)?;
            for answer in Answer::ALL.into_iter().filter(|&answer| count(answer) > 0) {
                writeln!(out, "{:<10} {}", answer.name(), answer.meaning())?;
            }
            writeln!(out, "{} rules: {}", rows.len(), counts.join(", "))?;
        }
    }
    out.flush()?;
    Ok(session.partial(global, args.allow_partial))
}

/// Counts the events that rules are asked about, by the code that rules are picked by.
fn count_kinds(window: &Window<'_>, kinds: &mut BTreeMap<u16, u64>) {
    for (batch, facts) in window.batches.iter().zip(window.facts) {
        for i in 0..batch.len() {
            let (Some(event), Some(fact)) = (batch.get(i), facts.get(i)) else { break };
            if event.head.flags & (head_flags::STATE_ONLY | head_flags::UNFINISHED) == 0 {
                let view = View { event, fact, history: window.history, context: window.context };
                *kinds.entry(view.kind_code()).or_default() += 1;
            }
        }
    }
}

/// What the trace says about one rule. `missing`: the fields of its condition without a source, with reasons.
fn row(planned: &PlannedRule, missing: &[String], kinds: &BTreeMap<u16, u64>) -> (Answer, Json) {
    const SHOWN: usize = 8;
    let n_events: u64 = kinds.iter().filter(|(code, _)| planned.kinds().contains(**code)).map(|(_, n)| n).sum();
    let rule = planned.rule();
    let mut why = Vec::new();
    let answer = if !planned.is_active() {
        why.push(match rule.is_enabled {
            false => "the rule is switched off".to_owned(),
            true => format!("the rule is for events of source {}, which no trace has", rule.source),
        });
        Answer::Off
    } else if planned.predicate().constant() == Some(false) || planned.kinds().is_none() {
        why.push("its condition is never true".to_owned());
        Answer::Never
    } else if n_events == 0 {
        let names = planned.kinds().names();
        let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
        why.push(match planned.kinds().is_all() {
            true => "no events in this trace".to_owned(),
            false => format!("no such events in this trace: {shown}{more}"),
        });
        Answer::NoEvents
    } else if missing.is_empty() {
        Answer::Full
    } else {
        Answer::Partial
    };
    if matches!(answer, Answer::NoEvents | Answer::Partial) {
        why.extend(missing.iter().cloned());
    }
    let row = json!({
        "rule": rule.name, "priority": rule.priority.name(), "answer": answer.name(), "why": why,
        "candidates": n_events, "file": rule.origin.path, "line": rule.origin.line,
    });
    (answer, row)
}
