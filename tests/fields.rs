//! The catalogue of fields, where it takes rules to try it.

mod support;

use support::{file, folder, run};
use tracehound_fields::catalogue;

/// A rule with the comparison of each field that has no printed value fires at the last event of its example.
#[test]
fn examples_that_are_comparisons_hold() {
    let folder = folder("fields");
    let mut n = 0;
    for field in catalogue::all() {
        let Some(example) = field.example.filter(|example| example.is_comparison) else { continue };
        let condition = example.text(field.name);
        let trace = file(&folder, "e.trace", format!("#tracehound-trace 1\n{}\n", example.trace));
        let rule = |condition: &str| {
            let text = format!(
                "- rule: R\n  desc: d\n  condition: evt.type in (connect, execve) and {condition}\n  output: o\n  priority: INFO\n"
            );
            file(&folder, "r.yaml", text)
        };
        let n_signals = |condition: &str| {
            run(["analyze", &trace, "-r", &rule(condition), "-q", "-f", "jsonl"]).expect(0).lines().len()
        };
        assert_eq!(n_signals(&condition), 1, "{condition}");
        assert_eq!(n_signals(&format!("not {condition}")), 0, "not {condition}");
        n += 1;
    }
    assert!(n > 5, "{n} comparisons");
}
