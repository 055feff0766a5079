//! Any trace through replay; then every field and every attribute is asked of every event, and the default rules.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tracehound_fields::{FieldRef, catalogue};
use tracehound_fuzz::Replayed;
use tracehound_lang::SourceFile;
use tracehound_rules::RuleSet;
use tracehound_suppress::{ExtraTags, SignalView};

/// Every field, with each kind of argument where it takes one.
fn fields() -> &'static [FieldRef] {
    static FIELDS: OnceLock<Vec<FieldRef>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        catalogue::all()
            .iter()
            .flat_map(|field| ["", "[1]", "[flags]", "[fd]", "[name]"].map(|arg| format!("{}{arg}", field.name)))
            .filter_map(|text| catalogue::resolve(&text).ok())
            .collect()
    })
}

/// The rules of the product, from the folder that this was built in.
fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let files: Vec<SourceFile> = paths
            .iter()
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .map(|path| SourceFile::new(path.to_string_lossy(), std::fs::read(path).unwrap()))
            .collect();
        let loaded = tracehound_lang::load(&files);
        assert_eq!(loaded.stats.errors, 0);
        let (rules, errors) = RuleSet::plan(loaded.rules);
        assert!(errors.is_empty() && !rules.rules().is_empty(), "{errors:?}");
        rules
    })
}

fuzz_target!(|data: &[u8]| {
    let replayed = Replayed::new(data);
    let tags = ExtraTags::default();
    for view in replayed.views() {
        for field in fields() {
            let _ = (field.field().get)(&view, &field.arg);
        }
        SignalView::of_event(&view, &tags).collect();
    }
    replayed.ask(rules());
});
