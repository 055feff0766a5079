//! Traces in text notation, replayed and asked.

use tracehound_fields::{Context, View};
use tracehound_formats::Seq;
use tracehound_formats::event::Batch;
use tracehound_formats::reader::{Format, Item};
use tracehound_formats::text;
use tracehound_state::{Fact, Replay};

/// What `ask` says of the last event of a trace (given without its first line).
pub(crate) fn at_last<T>(trace: &str, ask: impl FnOnce(&View<'_>) -> T) -> T {
    let mut reader = text::Text.open(format!("#tracehound-trace 1\n{trace}\n").into_bytes().into()).unwrap();
    let mut replay = Replay::default();
    let mut last: Option<(Batch, Vec<Fact>)> = None;
    let mut context = Context::default();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => replay.section(&section, Seq(1)),
            Item::Batch(batch) => {
                let mut facts = Vec::new();
                replay.batch(&batch, &mut facts);
                if last.is_none() {
                    context.first_ns = batch.get(0).map_or(0, |event| event.head.ts.0);
                }
                last = Some((batch, facts));
            }
        }
    }
    assert!(reader.notes().damage.is_empty(), "{:?} in {trace}", reader.notes().damage);
    let history = replay.finish();
    let (batch, facts) = last.expect("a trace has an event");
    let event = batch.get(batch.len() - 1).unwrap();
    ask(&View { event, fact: facts.last().unwrap(), history: &history, context: &context })
}
