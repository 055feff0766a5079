//! A trace that was replayed, to be asked.

use tracehound_fields::{Context, View};
use tracehound_formats::{Batch, Input, Item, Seq, TraceReader};
use tracehound_rules::{Matcher, Policy, Priority, RuleSet};
use tracehound_state::{Fact, History, Replay, ReplayOptions};

/// Events with their facts, and the history they made.
pub struct Replayed {
    batches: Vec<(Batch, Vec<Fact>)>,
    history: History,
    context: Context,
}

impl Replayed {
    /// Replays a trace of any format; an unreadable one gives no events.
    pub fn new(data: &[u8]) -> Replayed {
        match tracehound_formats::open(Input::from(data.to_vec())) {
            Ok(mut reader) => Replayed::of(&mut *reader),
            Err(_) => Replayed { batches: Vec::new(), history: replay().finish(), context: Context::default() },
        }
    }

    /// Replays all of a reader.
    pub fn of(reader: &mut dyn TraceReader) -> Replayed {
        let mut replay = replay();
        let mut batches = Vec::new();
        let mut last = 0;
        while let Some(item) = reader.next_item() {
            match item {
                Item::Section(section) => replay.section(&section, Seq(last)),
                Item::Batch(batch) => {
                    let mut facts = Vec::new();
                    replay.batch(&batch, &mut facts);
                    assert_eq!(facts.len(), batch.len());
                    last = batch.iter().map(|event| event.head.seq.0).fold(last, u64::max);
                    batches.push((batch, facts));
                }
            }
        }
        Replayed { batches, history: replay.finish(), context: Context::default() }
    }

    /// What fields see of each event.
    pub fn views(&self) -> impl Iterator<Item = View<'_>> {
        self.batches.iter().flat_map(move |(batch, facts)| {
            batch.iter().zip(facts).map(move |(event, fact)| View {
                event,
                fact,
                history: &self.history,
                context: &self.context,
            })
        })
    }

    /// Asks rules of every event, both ways, and renders the output of those that match.
    pub fn ask(&self, rules: &RuleSet) {
        let mut matcher = Matcher::new(rules, Policy::All, Priority::Debug);
        for view in self.views() {
            for &id in matcher.matches(&view) {
                let output = rules.rule(id).output();
                output.render(&view);
                output.fields(&view).for_each(drop);
            }
        }
    }
}

fn replay() -> Replay {
    Replay::new(ReplayOptions::default())
}
