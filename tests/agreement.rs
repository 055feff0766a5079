//! Agreement with Falco: every reference capture, analyzed with each rule set, against what Falco prints.
//!
//! Captures, rules and answers are too large for the repository: `../shared`, or the folder that
//! `TRACEHOUND_SHARED` names. Without it the test is skipped, and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use tracehound::{Job, pipeline, rulefiles};
use tracehound_fields::{ContainerOverride, Context};
use tracehound_formats::Input;
use tracehound_lang::Severity;
use tracehound_rules::{Policy, Priority};
use tracehound_signals::ProcessKeys;

/// Least share of Falco's alerts that must be equal, over all captures and rule sets.
const REQUIRED: f64 = 1.0;

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("TRACEHOUND_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if folder.join("captures").is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: agreement with Falco: no reference captures at {}", folder.display());
    None
}

struct RuleSetSpec {
    name: &'static str,
    files: &'static [&'static str],
    matching: Policy,
    in_container: bool,
}

const STABLE: &[&str] = &["falco_rules.yaml"];
const ALL3: &[&str] = &["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"];
const SETS: &[RuleSetSpec] = &[
    RuleSetSpec { name: "stable", files: STABLE, matching: Policy::All, in_container: false },
    RuleSetSpec { name: "all3", files: ALL3, matching: Policy::All, in_container: false },
    RuleSetSpec { name: "all3.first", files: ALL3, matching: Policy::First, in_container: false },
    RuleSetSpec { name: "all3.container", files: ALL3, matching: Policy::All, in_container: true },
];

/// What the container plug-in of the reference runs answered, see the captures' README.
fn context(in_container: bool) -> Context {
    let fields = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let container = if in_container {
        ContainerOverride::Fixed {
            full_id: "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e".to_owned(),
            runtime: "docker".to_owned(),
            fields: fields(&[
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
            ]),
        }
    } else {
        ContainerOverride::Host
    };
    Context { container_override: Some(container), ..Context::default() }
}

/// An alert as far as both sides have it: event, rule, text and fields.
type Key = (u64, String);

fn alert(json: &Json, is_falco: bool) -> (Key, Json) {
    let mut fields = json["output_fields"].as_object().cloned().unwrap_or_default();
    let seq = if is_falco { fields.get("evt.num").and_then(Json::as_u64) } else { json["seq"].as_u64() };
    // The reference runs were told to add these two to every rule.
    fields.remove("evt.num");
    fields.remove("thread.tid");
    let rule = json["rule"].as_str().unwrap_or_default().to_owned();
    let mut rest = BTreeMap::new();
    // Not `hostname`: Falco names the machine that replays the capture, this program the one that was recorded.
    for key in ["output", "priority", "source", "tags", "time"] {
        rest.insert(key.to_owned(), json[key].clone());
    }
    for (name, value) in fields {
        rest.insert(format!("%{name}"), value);
    }
    ((seq.unwrap_or(0), rule), Json::Object(rest.into_iter().collect()))
}

#[derive(Default)]
struct Row {
    expected: usize,
    equal: usize,
    differing: usize,
    missing: usize,
    extra: usize,
}

fn compare(falco: &[(Key, Json)], ours: &[(Key, Json)], causes: &mut BTreeMap<String, usize>) -> Row {
    let ours_by_key: BTreeMap<&Key, &Json> = ours.iter().map(|(k, v)| (k, v)).collect();
    let falco_keys: BTreeSet<&Key> = falco.iter().map(|(k, _)| k).collect();
    let mut row = Row { expected: falco.len(), ..Row::default() };
    for (key, theirs) in falco {
        match ours_by_key.get(key) {
            None => {
                row.missing += 1;
                *causes.entry(format!("missing: {}", key.1)).or_default() += 1;
            }
            Some(mine) if *mine == theirs => row.equal += 1,
            Some(mine) => {
                row.differing += 1;
                let (theirs, mine) = (theirs.as_object().unwrap(), mine.as_object().unwrap());
                let names: BTreeSet<&String> = theirs.keys().chain(mine.keys()).collect();
                for name in names.into_iter().filter(|name| *name != "output") {
                    if theirs.get(name) != mine.get(name) {
                        let cause =
                            format!("differs: {name}: theirs {:?}, ours {:?}", theirs.get(name), mine.get(name));
                        *causes.entry(cause).or_default() += 1;
                    }
                }
            }
        }
    }
    for (key, _) in ours.iter().filter(|(key, _)| !falco_keys.contains(key)) {
        row.extra += 1;
        *causes.entry(format!("extra: {}", key.1)).or_default() += 1;
    }
    row
}

fn analyze(trace: &Path, rules: &Path, set: &RuleSetSpec) -> Vec<(Key, Json)> {
    let files: Vec<PathBuf> = set.files.iter().map(|name| rules.join(name)).collect();
    let loaded = rulefiles::load(&files).unwrap();
    assert!(!loaded.has_errors(), "{}", loaded.render(Severity::Error));
    let mut reader = tracehound_formats::open(Input::open(trace).unwrap()).unwrap();
    let n_read = Default::default();
    let job = Job {
        rules: &loaded.rules,
        policy: set.matching,
        least: Priority::Debug,
        context: context(set.in_container),
        n_read: &n_read,
    };
    let analysis = pipeline::analyze(&mut *reader, job, |_| Ok::<(), std::convert::Infallible>(())).unwrap();
    let keys = ProcessKeys::new(&analysis.history);
    let mut line = Vec::new();
    analysis
        .signals
        .iter()
        .map(|signal| {
            line.clear();
            tracehound_signals::json::write_signal(&mut line, signal, &keys);
            alert(&serde_json::from_slice(&line).unwrap(), false)
        })
        .collect()
}

#[test]
fn falco_gives_the_same_answers() {
    let Some(shared) = shared() else { return };
    let mut table = String::from(
        "| capture | rules | Falco | equal | text or field differs | missing | extra |\n|---|---|--:|--:|--:|--:|--:|\n",
    );
    let mut total = Row::default();
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    for folder in ["host", "vm", "large"] {
        let folder = shared.join("captures").join(folder);
        let mut traces: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        traces.sort();
        for trace in traces {
            let name = trace.file_name().unwrap().to_string_lossy().into_owned();
            let Some(stem) = name.strip_suffix(".scap").or(name.strip_suffix(".scap.gz")) else { continue };
            for set in SETS {
                let answers = folder.join(format!("{stem}.{}.jsonl", set.name));
                let Ok(answers) = std::fs::read_to_string(answers) else { continue };
                let falco: Vec<(Key, Json)> =
                    answers.lines().map(|line| alert(&serde_json::from_str(line).unwrap(), true)).collect();
                let ours = analyze(&trace, &shared.join("rules/falco"), set);
                let row = compare(&falco, &ours, &mut causes);
                table += &format!(
                    "| {stem} | {} | {} | {} | {} | {} | {} |\n",
                    set.name, row.expected, row.equal, row.differing, row.missing, row.extra
                );
                total.expected += row.expected;
                total.equal += row.equal;
                total.differing += row.differing;
                total.missing += row.missing;
                total.extra += row.extra;
            }
        }
    }
    table += &format!(
        "| all | | {} | {} | {} | {} | {} |\n",
        total.expected, total.equal, total.differing, total.missing, total.extra
    );
    println!("{table}");
    for (cause, n) in &causes {
        println!("{n:>6} {cause}");
    }
    let share = total.equal as f64 / total.expected as f64;
    assert!(share >= REQUIRED, "only {:.2} % of Falco's alerts are equal", share * 100.0);
    assert_eq!(total.extra, 0, "alerts that Falco does not give");
}
