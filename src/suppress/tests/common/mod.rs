//! Traces in text notation, replayed and asked.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod written;

use std::sync::Arc;

use tracehound_fields::{Context, View};
use tracehound_formats::Seq;
use tracehound_formats::event::Batch;
use tracehound_formats::reader::{Format, Item};
use tracehound_formats::text;
use tracehound_signals::{Evidence, Priority, RuleRef, Signal, TraceId};
use tracehound_state::{Fact, Replay};

/// What `ask` says of the last event of a trace (given without its first line).
pub(crate) fn at_last<T>(trace: &str, ask: impl FnOnce(&View<'_>) -> T) -> T {
    try_at_last(trace, ask).unwrap_or_else(|damage| panic!("{damage} in {trace}"))
}

/// The same; the error says what of the trace is damaged.
pub(crate) fn try_at_last<T>(trace: &str, ask: impl FnOnce(&View<'_>) -> T) -> Result<T, String> {
    let mut reader = text::Text.open(format!("#tracehound-trace 1\n{trace}\n").into_bytes().into()).unwrap();
    let mut replay = Replay::default();
    let mut last: Option<(Batch, Vec<Fact>)> = None;
    let mut context = Context::default();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => {
                context.hostname = section.machine.hostname.as_ref().map_or_else(String::new, |name| name.to_string());
                replay.section(&section, Seq(1));
            }
            Item::Batch(batch) => {
                let mut facts = Vec::new();
                replay.batch(&batch, &mut facts);
                last = Some((batch, facts));
            }
        }
    }
    if !reader.notes().damage.is_empty() {
        return Err(format!("{:?}", reader.notes().damage));
    }
    let history = replay.finish();
    let (batch, facts) = last.expect("a trace has an event");
    let event = batch.get(batch.len() - 1).unwrap();
    Ok(ask(&View { event, fact: facts.last().unwrap(), history: &history, context: &context }))
}

/// A rule.
pub(crate) fn rule(index: usize, name: &str, priority: Priority, tags: &[&str]) -> Arc<RuleRef> {
    let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    Arc::new(RuleRef { index, name: name.to_owned(), priority, source: "syscall".to_owned(), tags })
}

/// The signal of a rule on an event.
pub(crate) fn signal(rule: &Arc<RuleRef>, view: &View<'_>, message: &str) -> Signal {
    let hostname = Arc::from(view.context.hostname.as_str());
    Signal::new(TraceId(1), rule, view, &hostname, message, [], Evidence::of(view))
}
