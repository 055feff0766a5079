//! Rule files: YAML and conditions are loaded, planned, and asked of a few events.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tracehound_lang::{SourceFile, render};
use tracehound_rules::RuleSet;

/// A trace with many kinds of events.
fn trace() -> &'static tracehound_fuzz::Replayed {
    static TRACE: OnceLock<tracehound_fuzz::Replayed> = OnceLock::new();
    TRACE.get_or_init(|| tracehound_fuzz::Replayed::new(include_bytes!("../../../samples/write_below_dev.trace")))
}

fuzz_target!(|data: &[u8]| {
    let files = [SourceFile::new("rules.yaml", data.to_vec())];
    let mut loaded = tracehound_lang::load(&files);
    // Every finding can be shown.
    let text = render::render_all(&loaded.diagnostics, &loaded.sources);
    assert!(loaded.diagnostics.is_empty() || !text.is_empty());
    let (rules, errors) = RuleSet::plan(std::mem::take(&mut loaded.rules));
    assert!(errors.is_empty(), "loaded, but not compiled: {errors:?}");
    if !rules.rules().is_empty() {
        trace().ask(&rules);
    }
});
