//! The samples give what their suites say and nothing else, every default rule has one, and each gives the same in
//! every format it can be written in.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use support::{folder, root, run};

fn samples() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join("samples"))
        .expect("the folder of samples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "trace" || e == "trh"))
        .collect();
    found.sort();
    found
}

/// Standard output of `analyze`, which must find nothing wrong with the trace.
fn analyzed(trace: &Path) -> support::Run {
    let trace = trace.to_str().expect("a path in UTF-8");
    run(["analyze", trace, "-r", "rules/", "-f", "jsonl"]).expect(0).says(&[])
}

#[test]
fn samples_give_what_their_suites_say() {
    run(["test", "samples", "--no-cache", "-q"]).expect(0);
}

/// A rule that no trace fires is not tested at all.
#[test]
fn every_default_rule_fires_on_a_sample() {
    let run = run(["test", "samples", "--no-cache", "-f", "json"]).expect(0);
    let result: serde_json::Value = serde_json::from_str(run.text()).expect("JSON");
    let list = |value: &serde_json::Value| value.as_array().expect("a list").clone();
    let suites = list(&result["suites"]);
    let traces = suites.iter().flat_map(|suite| list(&suite["traces"]));
    let fired: BTreeSet<String> = traces
        .flat_map(|trace| trace["signals"].as_object().expect("signals").keys().cloned().collect::<Vec<_>>())
        .collect();
    let rules = tracehound::rulefiles::load(&[root().join("rules")]).expect("the folder of default rules").rules;
    let expected: BTreeSet<String> = rules.rules().iter().map(|rule| rule.rule().name.clone()).collect();
    assert_eq!(fired, expected, "rules that fire on a sample, rules in rules/");
}

#[test]
fn conversion_keeps_every_signal() {
    let folder = folder("samples-converted");
    for sample in samples() {
        let name = sample.file_stem().and_then(|s| s.to_str()).expect("a name").to_owned();
        let steps = [format!("{name}.1.trh"), format!("{name}.2.trace"), format!("{name}.3.trh")];
        let original = analyzed(&sample);
        let mut from = sample.clone();
        for step in steps {
            let to = folder.join(step);
            run([Path::new("convert"), &from, &to]).expect(0).says(&[]);
            assert_eq!(analyzed(&to).text(), original.text(), "{} from {}", to.display(), from.display());
            from = to;
        }
        // The same trace is written as the same bytes.
        let again = folder.join(format!("{name}.again.trh"));
        run([Path::new("convert"), &sample, &again]).expect(0);
        let [one, again] = [&folder.join(format!("{name}.1.trh")), &again].map(|p| std::fs::read(p).expect("a file"));
        assert!(one == again, "{name}");
    }
}

#[test]
fn every_format_has_a_sample_that_only_it_claims() {
    for (name, _, bytes) in support::small_in_every_format() {
        let claims: Vec<&str> = tracehound_formats::FORMATS
            .iter()
            .filter(|format| format.detect(&bytes) == tracehound_formats::Confidence::Yes)
            .map(|format| format.name())
            .collect();
        assert_eq!(claims, [name]);
    }
    assert_eq!(tracehound_formats::FORMATS.len(), support::small_in_every_format().len());
}
