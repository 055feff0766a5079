//! Throughput of rule evaluation alone: no decoding, no replay, no report.
//!
//! usage: cargo bench --bench rules -- [-n COUNT]… TRACE RULES…
//!
//! Decodes and replays a trace once, keeps events and facts, and matches COUNT rules (default: 0, 25, all and 1000) over
//! them on one thread. The first 25 rules are those of the first file of the official set; 1000 are copies of all rules whose text
//! constants are changed, so that no leaf can be shared with the original.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use tracehound::rulefiles;
use tracehound_fields::{Context, FieldType, View};
use tracehound_formats::{Batch, Input, Item, Seq};
use tracehound_rules::{Expr, Matcher, Operand, Policy, Priority, Rhs, Rule, RuleSet};
use tracehound_state::{Fact, Replay, ReplayOptions};

const ROUNDS: usize = 5;

fn main() {
    let mut args = std::env::args_os().skip(1).filter(|arg| arg != "--bench");
    let (mut counts, mut paths): (Vec<usize>, Vec<PathBuf>) = Default::default();
    while let Some(arg) = args.next() {
        if arg == "-n" {
            let count = args.next().and_then(|count| count.to_str()?.parse().ok());
            counts.push(count.expect("-n is followed by a number"));
        } else {
            paths.push(arg.into());
        }
    }
    let Some((trace, rules)) = paths.split_first() else {
        println!("SKIPPED: benches/rules.rs needs arguments: TRACE RULES…");
        return;
    };
    let mut reader = tracehound_formats::open(Input::open(trace).expect("the trace opens")).expect("a known format");
    let mut replay = Replay::new(ReplayOptions::default());
    let (mut batches, mut facts): (Vec<Batch>, Vec<Vec<Fact>>) = Default::default();
    let n_read = AtomicU64::new(0);
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => replay.section(&section, Seq(1)),
            Item::Batch(batch) => {
                let mut of_batch = Vec::new();
                replay.batch(&batch, &mut of_batch);
                n_read.fetch_add(batch.len() as u64, std::sync::atomic::Ordering::Relaxed);
                facts.push(of_batch);
                batches.push(batch);
            }
        }
    }
    let history = replay.finish();
    let n_events = n_read.into_inner();
    let loaded = rulefiles::load(rules).expect("rules are read");
    let all: Vec<Rule> = loaded.rules.rules().iter().map(|planned| planned.rule().clone()).collect();
    println!("| rules | leaves | ns an event | events/s | hits | plan ms |");
    println!("|--:|--:|--:|--:|--:|--:|");
    if counts.is_empty() {
        counts = vec![0, 25, all.len(), 1000];
    }
    for n in counts {
        let copies = (0..n).map(|i| copy(&all[i % all.len()], i / all.len())).collect();
        let start = Instant::now();
        let (set, errors) = RuleSet::plan(copies);
        let plan_ms = start.elapsed().as_secs_f64() * 1e3;
        assert!(errors.is_empty(), "{errors:?}");
        let context = Context::default();
        let mut times = Vec::new();
        let mut n_hits = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            n_hits = 0;
            let mut matcher = Matcher::new(&set, Policy::All, Priority::Debug);
            for (batch, facts) in batches.iter().zip(&facts) {
                for (event, fact) in batch.iter().zip(facts) {
                    n_hits += matcher.matches(&View { event, fact, history: &history, context: &context }).len();
                }
            }
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let median = times[ROUNDS / 2];
        println!(
            "| {n} | {} | {:.1} | {:.0} | {n_hits} | {plan_ms:.1} |",
            set.leaves().len(),
            median * 1e9 / n_events as f64,
            n_events as f64 / median
        );
    }
}

/// The rule itself for round 0, else a copy whose text constants are others.
fn copy(rule: &Rule, round: usize) -> Rule {
    let mut copy = rule.clone();
    if round > 0 {
        copy.name = format!("{} {round}", rule.name);
        change(&mut copy.condition, round);
    }
    copy
}

fn change(expr: &mut Expr, round: usize) {
    match expr {
        Expr::Const(_) => {}
        Expr::Not(part) => change(part, round),
        Expr::And(parts) | Expr::Or(parts) => parts.iter_mut().for_each(|part| change(part, round)),
        Expr::Leaf(leaf, _) => {
            let Operand::Field(field) = &leaf.lhs else { return };
            let is_text = matches!(field.field().ty, FieldType::Str | FieldType::Path);
            if !is_text || field.text == "evt.type" {
                return;
            }
            if let Rhs::Constants(constants) = &mut Arc::make_mut(leaf).rhs {
                constants.iter_mut().for_each(|constant| constant.extend(format!("~{round}").bytes()));
            }
        }
    }
}
