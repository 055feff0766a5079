//! Every sample gives the signals it promises and no others, in each format it can be written in.

mod support;

use std::path::{Path, PathBuf};

use support::{folder, root, run};

/// (rule, event, pid) of each signal, in order.
type Signals = Vec<(String, u64, u64)>;

fn samples() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join("samples"))
        .expect("the folder of samples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "trace" || e == "trh"))
        .collect();
    found.sort();
    found
}

fn expected(sample: &Path) -> Signals {
    let name = format!("{}.jsonl", sample.file_stem().and_then(|s| s.to_str()).expect("a name"));
    let path = root().join("samples/expected").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let number = |key: &str| row[key].as_u64().unwrap_or_else(|| panic!("{key} in {line}"));
            (row["rule"].as_str().expect("a rule").to_owned(), number("seq"), number("pid"))
        })
        .collect()
}

/// Standard output of `analyze`, which must find nothing wrong with the trace.
fn analyzed(trace: &Path) -> support::Run {
    let trace = trace.to_str().expect("a path in UTF-8");
    run(["analyze", trace, "-r", "rules/", "-f", "jsonl"]).expect(0).says(&[])
}

fn signals(run: &support::Run) -> Signals {
    run.lines()
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}")).to_owned();
            // A process key is RECORDING-PID-START.
            let pid = text("process").rsplit('-').nth(1).and_then(|pid| pid.parse().ok());
            (text("rule"), row["seq"].as_u64().expect("seq"), pid.expect("a pid in the key"))
        })
        .collect()
}

#[test]
fn samples_give_what_they_promise() {
    for sample in samples() {
        let found = signals(&analyzed(&sample));
        assert_eq!(found, expected(&sample), "{}", sample.display());
    }
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
