//! Values of fields against those that Falco printed for the same captures.
//!
//! For every alert of the reference answers, every output field is asked here for the same event and compared.
//! Differences are printed by field, with the first examples.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use tracehound_fields::print::{self, JsonValue};
use tracehound_fields::{ContainerOverride, Context, View, resolve};
use tracehound_formats::event::Batch;
use tracehound_formats::input::Input;
use tracehound_formats::reader::Item;
use tracehound_formats::{Seq, open};
use tracehound_state::{Fact, History, Replay};

/// A capture, replayed to its end.
struct Trace {
    batches: Vec<(Batch, Vec<Fact>)>,
    history: History,
    first_ns: u64,
}

fn replay(path: &Path) -> Trace {
    let mut reader = open(Input::open(path).unwrap()).unwrap();
    let mut replay = Replay::default();
    let mut batches: Vec<(Batch, Vec<Fact>)> = Vec::new();
    let mut next = Seq(1);
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => replay.section(&section, next),
            Item::Batch(batch) => {
                let mut facts = Vec::new();
                replay.batch(&batch, &mut facts);
                next = Seq(batch.iter().last().map_or(next.0, |event| event.head.seq.0 + 1));
                batches.push((batch, facts));
            }
        }
    }
    let first = batches.iter().find_map(|(batch, _)| batch.get(0)).map_or(0, |event| event.head.ts.0);
    Trace { batches, history: replay.finish(), first_ns: first }
}

impl Trace {
    fn view<'a>(&'a self, seq: u64, context: &'a Context) -> Option<View<'a>> {
        let batch =
            self.batches.partition_point(|(batch, _)| batch.get(0).is_some_and(|event| event.head.seq.0 <= seq));
        let (batch, facts) = self.batches.get(batch.checked_sub(1)?)?;
        let i = batch.iter().position(|event| event.head.seq.0 == seq)?;
        Some(View { event: batch.get(i)?, fact: &facts[i], history: &self.history, context })
    }
}

fn to_json(value: JsonValue) -> Json {
    match value {
        JsonValue::Null => Json::Null,
        JsonValue::Bool(v) => v.into(),
        JsonValue::Int(v) => v.into(),
        JsonValue::Uint(v) => v.into(),
        JsonValue::Double(v) => v.into(),
        JsonValue::Str(v) => v.into(),
        JsonValue::List(v) => v.into_iter().map(to_json).collect(),
    }
}

/// What is compared of one field.
#[derive(Default)]
struct Tally {
    n: u64,
    n_equal: u64,
    examples: Vec<String>,
}

fn compare(trace: &Trace, answers: &str, context: &Context, name: &str, tallies: &mut BTreeMap<String, Tally>) {
    for line in answers.lines() {
        let alert: Json = serde_json::from_str(line).unwrap();
        let fields = alert["output_fields"].as_object().unwrap();
        let seq = fields["evt.num"].as_u64().unwrap();
        let view = trace.view(seq, context);
        for (text, want) in fields {
            let tally = tallies.entry(text.clone()).or_default();
            tally.n += 1;
            let Ok(field) = resolve(text) else {
                tally.examples.push(format!("{name}: no such field"));
                continue;
            };
            let got = view.as_ref().map_or(Json::from("no such event"), |view| to_json(print::json(view, &field)));
            if got == *want {
                tally.n_equal += 1;
            } else if tally.examples.len() < 3 {
                tally.examples.push(format!("{name} event {seq} ({}): want {want}, got {got}", fields["evt.type"]));
            }
        }
    }
}

/// The answers of the container plug-in that stood in when the `container` set was made.
fn container() -> ContainerOverride {
    let fields = [
        ("container.name", "web"),
        ("container.image", "example.com/web:1.0"),
        ("container.image.id", "6f7e2741b66b"),
        ("container.privileged", "false"),
        ("container.mounts", ""),
        ("container.image.repository", "example.com/web"),
        ("container.image.tag", "1.0"),
        ("container.image.digest", ""),
        ("container.ip", ""),
        ("container.cni.json", ""),
        ("container.host_pid", "false"),
        ("container.host_network", "false"),
        ("container.host_ipc", "false"),
        ("container.labels", ""),
        ("k8s.pod.name", "web-0"),
        ("k8s.ns.name", "default"),
        ("k8s.pod.sandbox_id", ""),
        ("k8s.pod.full_sandbox_id", ""),
        ("k8s.pod.labels", ""),
    ];
    ContainerOverride::Fixed {
        full_id: "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e".into(),
        runtime: "docker".into(),
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    }
}

fn check(folder: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let folder = shared.join("captures").join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        tracehound_skipped::skipped!("{} is not there", folder.display());
        return;
    };
    let mut captures: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    captures.retain(|path| path.to_string_lossy().ends_with(".scap") || path.to_string_lossy().ends_with(".scap.gz"));
    captures.sort();
    let mut tallies = BTreeMap::new();
    for path in captures {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let name = file.split(".scap").next().unwrap();
        let sets = [("all3", ContainerOverride::Host), ("all3.container", container())];
        let mut trace = None;
        for (set, container_override) in sets {
            let Ok(answers) = std::fs::read_to_string(folder.join(format!("{name}.{set}.jsonl"))) else { continue };
            let trace = trace.get_or_insert_with(|| replay(&path));
            let context = Context {
                hostname: String::new(),
                first_ns: trace.first_ns,
                container_override: Some(container_override),
            };
            compare(trace, &answers, &context, &format!("{name}.{set}"), &mut tallies);
        }
    }
    let (mut n, mut n_equal) = (0, 0);
    for (field, tally) in &tallies {
        (n, n_equal) = (n + tally.n, n_equal + tally.n_equal);
        if tally.n != tally.n_equal {
            eprintln!("{field}: {} of {} equal", tally.n_equal, tally.n);
            for example in &tally.examples {
                eprintln!("    {example}");
            }
        }
    }
    eprintln!("{}: {n_equal} of {n} values equal", folder.display());
    assert_eq!(n_equal, n);
}

#[test]
fn host() {
    check("host");
}

#[test]
fn vm() {
    check("vm");
}

#[test]
fn large() {
    check("large");
}
