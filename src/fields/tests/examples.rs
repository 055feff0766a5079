//! Runs the example of every field.

use tracehound_fields::print;
use tracehound_fields::{Context, View, catalogue, resolve};
use tracehound_formats::event::Batch;
use tracehound_formats::reader::{Format, Item};
use tracehound_formats::text;
use tracehound_formats::{Nanos, Seq};
use tracehound_state::{Fact, Replay};

/// The text of fields at the last event of a trace.
fn values(trace: &str, fields: &[&str]) -> Vec<String> {
    let mut reader = text::Text.open(format!("#tracehound-trace 1\n{trace}\n").into_bytes().into()).unwrap();
    let mut replay = Replay::default();
    let mut last: Option<(Batch, Vec<Fact>)> = None;
    let mut first: Option<Nanos> = None;
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => replay.section(&section, Seq(1)),
            Item::Batch(batch) => {
                let mut facts = Vec::new();
                replay.batch(&batch, &mut facts);
                first = first.or(batch.get(0).map(|event| event.head.ts));
                last = Some((batch, facts));
            }
        }
    }
    assert!(reader.notes().damage.is_empty(), "{:?}", reader.notes().damage);
    let history = replay.finish();
    let (batch, facts) = last.expect("an example has an event");
    let context = Context { first_ns: first.unwrap().0, ..Context::default() };
    let event = batch.get(batch.len() - 1).unwrap();
    let view = View { event, fact: facts.last().unwrap(), history: &history, context: &context };
    fields.iter().map(|field| print::text(&view, &resolve(field).unwrap()).to_string()).collect()
}

#[test]
fn every_example_holds() {
    for field in catalogue::all() {
        let Some(example) = field.example else { continue };
        let text = format!("{}{}", field.name, example.arg);
        assert_eq!(values(example.trace, &[&text]), [example.value], "{text} of {}", example.trace);
    }
}

#[test]
#[ignore = "prints every field of every example's trace"]
fn dump() {
    let mut traces: Vec<&str> = catalogue::all().iter().filter_map(|f| f.example).map(|e| e.trace).collect();
    traces.sort();
    traces.dedup();
    for trace in traces {
        println!("== {trace}");
        for field in catalogue::all() {
            let arg = match field.name {
                _ if resolve(field.name).is_ok() => "",
                "evt.arg" | "evt.rawarg" => ".flags",
                "thread.cgroup" => ".memory",
                "evt.around" => "[1735689600000000000]",
                name if name.ends_with("label") => ".app",
                _ => "[0]",
            };
            let text = format!("{}{arg}", field.name);
            println!("{text} = {}", values(trace, &[&text])[0]);
        }
    }
}
