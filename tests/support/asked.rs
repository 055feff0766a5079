//! Rules asked of traces in text notation, both written in the test.

use std::convert::Infallible;

use tracehound::{Job, Only, pipeline};
use tracehound_fields::Context;
use tracehound_formats::Input;
use tracehound_lang::{Severity, SourceFile, load};
use tracehound_rules::{Policy, Priority, RuleSet, Selection};

/// What fires: rule and number of the event, as `r@2`, and with `text` the output instead of the number.
pub fn fired(
    trace: &str,
    rules: &str,
    policy: Policy,
    selections: &[Selection],
    is_text: bool,
) -> Result<String, String> {
    let rules = match rules.starts_with("- ") {
        true => rules.to_owned(),
        false => rule("r", rules),
    };
    let files: Vec<SourceFile> =
        rules.split("\n====\n").enumerate().map(|(i, text)| SourceFile::new(format!("{i}.yaml"), text)).collect();
    let loaded = load(&files);
    if !loaded.is_ok() {
        let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        return Err(errors.map(|d| d.code.name()).collect::<Vec<_>>().join(" "));
    }
    let (mut set, errors) = RuleSet::plan(loaded.rules);
    assert!(errors.is_empty(), "{errors:?}");
    set.select(selections);
    let trace = format!("#tracehound-trace 1\nat 2025-01-01T00:00:00Z\n{trace}\n");
    let mut reader =
        tracehound_formats::open(Input::from(trace.clone().into_bytes())).expect("a trace in text notation");
    let n_read = Default::default();
    let job = Job {
        rules: &set,
        policy,
        least: Priority::Debug,
        suppressions: None,
        context: Context::default(),
        only: Only::default(),
        n_read: &n_read,
        meter: None,
    };
    let analysis = pipeline::analyze(&mut *reader, job, |_| Ok::<(), Infallible>(())).expect("no observer");
    assert_eq!(analysis.integrity(), "ok", "{:?}\n{trace}", analysis.read_notes.damage);
    let mut hits: Vec<String> = Vec::new();
    for signal in &analysis.signals {
        hits.push(match is_text {
            true => signal.message.to_string(),
            false => format!("{}@{}", signal.rule.name, signal.seq.0),
        });
    }
    Ok(hits.join(" "))
}

/// A rule with this condition.
pub fn rule(name: &str, condition: &str) -> String {
    format!("- rule: {name}\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n    {condition}\n")
}
