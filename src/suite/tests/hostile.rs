//! Suite files as hostile input: whatever is in one, it is read or refused with diagnostics at places that exist.

use tracehound_lang::{SourceFile, render};
use tracehound_suite::files::{self, SuiteFile};

const GOOD: &str = "\
suite: s
description: d
rules: [rules.yaml]
unexpected: warn
traces:
- trace: a.trace
  labels: {kind: attack, techniques: [T1059.004], twin_of: b.trace}
  expect:
  - rule: R
    at_least: 1
    at_most: 3
    where: '@process.comm:bash OR -@process.args:\"a b\"'
    fields: {proc.name: bash, fd.name: ~}
  - {rule: S, events: [1, 2], suppressed_by: N}
  absent: [T, U]
  partial: true
";

const GOLDEN: &str = "expected: s\ntraces:\n  - trace: a.trace\n    expect:\n      - rule: R\n        events: [7]\n";

fn check(suite: Vec<u8>, golden: Vec<u8>) {
    // A folder that is not there: only the text counts.
    let source = SourceFile::new("no/such/folder/s.yaml", suite);
    let golden = Some(SourceFile::new("no/such/folder/s.expected.yaml", golden));
    let loaded = files::load(&[SuiteFile { source, golden }]);
    for diagnostic in &loaded.diagnostics {
        for (span, _) in &diagnostic.labels {
            let len = loaded.sources.bytes(span.file).len();
            assert!(span.start <= span.end && span.end as usize <= len, "{diagnostic:?}");
        }
    }
    assert!(!render::render_all(&loaded.diagnostics, &loaded.sources).is_empty(), "the trace is not there");
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn changed_bytes() {
    let mut numbers = Numbers(7);
    const WORDS: [&[u8]; 12] =
        [b"[", b"{", b"- ", b"\n", b"  ", b": ", b"&a ", b"*a", b"\xff", b"\0", b"'", b"- rule: R\n"];
    for _ in 0..4000 {
        let mut text = GOOD.as_bytes().to_vec();
        let mut golden = GOLDEN.as_bytes().to_vec();
        for _ in 0..=numbers.below(3) {
            let text = if numbers.below(4) == 0 { &mut golden } else { &mut text };
            let at = numbers.below(text.len());
            match numbers.below(4) {
                0 => text[at] = numbers.below(256) as u8,
                1 => drop(text.remove(at)),
                2 => text.truncate(at.max(1)),
                _ => drop(text.splice(at..at, WORDS[numbers.below(WORDS.len())].iter().copied())),
            }
        }
        // A pattern over everything that the machine has is a long walk, and no subject of this test.
        if !text.windows(3).any(|part| part == b": /" || part == b" ..") {
            check(text, golden);
        }
    }
}

#[test]
fn deep_and_wide() {
    for text in [
        "[".repeat(100_000),
        format!("suite: s\ntraces: {}", "[".repeat(1000)),
        format!("suite: s\ntraces:\n{}", "- {trace: t, expect: [{rule: R, count: x}]}\n".repeat(5000)),
        format!("suite: s\ntraces:\n- trace: t\n  expect:\n{}", "  - rule: R\n    where: '('\n".repeat(2000)),
        format!("suite: {}\ntraces: []\n", "s".repeat(1 << 20)),
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nsuite: *c\ntraces: *c\n".to_owned(),
    ] {
        let source = SourceFile::new("no/such/folder/s.yaml", text);
        let loaded = files::load(&[SuiteFile { source, golden: None }]);
        assert!(loaded.diagnostics.len() <= 2100, "{}", loaded.diagnostics.len());
    }
}
