//! Many suppressions over many signals: the plan against the evaluation of each query by itself.
//!
//! usage: cargo bench -p tracehound-suppress --bench suppressions -- TRACE RULES…
//!
//! Decodes and replays a trace once. Signals are its events of the four kinds of activity, again and again until there
//! are a million, each of one of the rules in turn. Suppressions are made from what the events have: combinations of
//! the guide (executable, parent, user, arguments, ancestor, file, address), with wildcards, lists and negations, each
//! for one rule, for the rules of a severity, or for all; of a hundred
//! all but one have their texts changed, so that like most suppressions of a large site they match nothing here.
//!
//! One thread; times are those this thread was running (`/proc/thread-self/schedstat`), so that other work on the
//! machine counts little.

use std::path::PathBuf;
use std::sync::Arc;

use tracehound_fields::{Context, Value, View};
use tracehound_formats::{Batch, Input, Item, Seq};
use tracehound_lang::SourceFile;
use tracehound_signals::RuleRef;
use tracehound_state::{Fact, Replay, ReplayOptions};
use tracehound_suppress::attributes::{Activity, lookup, value_text};
use tracehound_suppress::query::{exact_term, parse};
use tracehound_suppress::{Entry, ExtraTags, Key, Mode, Plan, Query, SignalView, Subject};

const N_SIGNALS: usize = 1_000_000;
const ROUNDS: usize = 3;

fn main() {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).filter(|arg| arg != "--bench").map(PathBuf::from).collect();
    let Some((trace, rules)) = args.split_first() else {
        println!("SKIPPED: benches/suppressions.rs needs arguments: TRACE RULES…");
        return;
    };
    let mut reader = tracehound_formats::open(Input::open(trace).expect("the trace opens")).expect("a known format");
    let mut replay = Replay::new(ReplayOptions::default());
    let (mut batches, mut facts): (Vec<Batch>, Vec<Vec<Fact>>) = Default::default();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => replay.section(&section, Seq(1)),
            Item::Batch(batch) => {
                let mut of_batch = Vec::new();
                replay.batch(&batch, &mut of_batch);
                facts.push(of_batch);
                batches.push(batch);
            }
        }
    }
    let history = replay.finish();
    let (context, tags) = (Context::default(), ExtraTags::default());
    let views: Vec<View<'_>> = batches
        .iter()
        .zip(&facts)
        .flat_map(|(batch, facts)| batch.iter().zip(facts))
        .map(|(event, fact)| View { event, fact, history: &history, context: &context })
        .filter(|view| view.fact.process.is_some() && Activity::of(view).is_some())
        .collect();
    let files: Vec<SourceFile> = rules
        .iter()
        .map(|path| SourceFile::new(path.display().to_string(), std::fs::read(path).expect("rules are read")))
        .collect();
    let loaded = tracehound_lang::load(&files);
    let rules: Vec<Arc<RuleRef>> = loaded.rules.iter().enumerate().map(|(i, rule)| RuleRef::new(i, rule)).collect();
    println!("{} rules; {} events of the trace are activity\n", rules.len(), views.len());
    let signal = |i: usize| {
        // Neighbours are alike; a prime step spreads them over the trace.
        let view = &views[i.wrapping_mul(7919) % views.len()];
        (i % rules.len(), SignalView::of_match(&rules[i % rules.len()], view, &tags))
    };

    println!("| suppressions | scanned | plan ms | way | signals | ns a signal | signals/s | matches |");
    println!("|--:|--:|--:|---|--:|--:|--:|--:|");
    for n in [100, 1_000, 10_000] {
        let written: Vec<(Option<Query>, Query)> = (0..n)
            .map(|i| {
                let (_, view) = signal(i * 31);
                (selection(i, &rules).map(|text| parsed(&text)), parsed(&suppression(i, &view)))
            })
            .collect();
        let entries: Vec<Entry<'_>> =
            written.iter().map(|(rules, query)| Entry { rules: rules.as_ref(), query }).collect();
        let start = running();
        let plan = Plan::new(&entries, &rules);
        let plan_ms = (running() - start) * 1e3;
        // Enough plain evaluations to be measured, few enough to be waited for.
        let n_plain = (20_000_000 / n).min(N_SIGNALS);
        type Way<'a> = (&'static str, usize, &'a dyn Fn(usize, &dyn Subject) -> Vec<usize>);
        let planned = |rule: usize, subject: &dyn Subject| plan.matching(rule, subject);
        let plain = |rule: usize, subject: &dyn Subject| plan.matching_plain(rule, subject);
        let ways: [Way<'_>; 2] = [("planned", N_SIGNALS, &planned), ("plain", n_plain, &plain)];
        for (way, n_signals, matching) in ways {
            let mut times = Vec::new();
            let mut n_matches = 0;
            for _ in 0..if way == "plain" { 1 } else { ROUNDS } {
                let start = running();
                n_matches = (0..n_signals).map(|i| matching(signal(i).0, &signal(i).1).len()).sum();
                times.push(running() - start);
            }
            times.sort_by(f64::total_cmp);
            let median = times[times.len() / 2];
            println!(
                "| {n} | {} | {plan_ms:.0} | {way} | {n_signals} | {:.0} | {:.0} | {n_matches} |",
                plan.n_scanned(),
                median * 1e9 / n_signals as f64,
                n_signals as f64 / median
            );
        }
        for i in 0..n_plain.min(1_000) {
            let (rule, view) = signal(i * 997);
            assert_eq!(plan.matching(rule, &view), plan.matching_plain(rule, &view), "signal {i}");
        }
    }
}

/// Seconds that this thread was running so far.
fn running() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says how long a thread ran");
    let ns: u64 = text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("nanoseconds");
    ns as f64 / 1e9
}

fn parsed(text: &str) -> Query {
    let (query, diagnostics) = parse(text, Mode::Lenient);
    query.unwrap_or_else(|| panic!("{text}: {diagnostics:?}"))
}

/// The query about rules of suppression `i`: most are for one rule.
fn selection(i: usize, rules: &[Arc<RuleRef>]) -> Option<String> {
    match i % 10 {
        0 => None,
        1 => Some("severity:(medium OR high)".to_owned()),
        _ => Some(format!("ruleId:{}", exact_term(&rules[i % rules.len()].name))),
    }
}

/// The query of suppression `i`, made from what an event has.
fn suppression(i: usize, view: &SignalView<'_>) -> String {
    let shapes: [&[&str]; 7] = [
        &["@process.executable.path", "@process.parent.comm", "@process.user"],
        &["@process.args", "@process.parent.args", "@process.user"],
        &["@file.path", "@process.executable.path", "@process.parent.executable.path"],
        &["@network.destination.ip", "@network.destination.port", "@process.comm"],
        &["@process.ancestors.executable.path", "@process.args"],
        &["@process.comm", "@process.group", "host"],
        &["@process.executable.name", "@process.ancestors.comm", "@process.parent.args"],
    ];
    let mut parts: Vec<String> = shapes[i % shapes.len()]
        .iter()
        .filter_map(|name| {
            let value = view.get(&Key::Attribute(lookup(name)?.id)).into_owned();
            let mut value = &value;
            // Of several values one of them.
            while let Value::List(values) = value {
                value = values.get(i % values.len().max(1))?;
            }
            (!value.is_null()).then(|| {
                let text = value_text(value).to_string();
                // Most are about something else of the same kind.
                let text = if i.is_multiple_of(100) { text } else { format!("{text}~{i}") };
                format!("{name}:{}", exact_term(&text))
            })
        })
        .collect();
    match i % 11 {
        0 => parts.push("@process.executable.path:/usr/*".to_owned()),
        1 => parts.push("-@process.ancestors.comm:(java OR nginx)".to_owned()),
        2 => parts.push("env:(prod OR staging)".to_owned()),
        _ => {}
    }
    if parts.is_empty() { "@process.comm:nothing".to_owned() } else { parts.join(" ") }
}
