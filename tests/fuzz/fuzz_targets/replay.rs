//! Any trace through replay; then every field of the catalogue is asked of every event, and the default rules.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tracehound_fields::{FieldRef, catalogue};
use tracehound_fuzz::Replayed;
use tracehound_lang::SourceFile;
use tracehound_rules::RuleSet;

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

/// The rules of the product.
fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| {
        let common = include_bytes!("../../../rules/00_common.yaml").to_vec();
        let paths = include_bytes!("../../../rules/attack_paths.yaml").to_vec();
        let loaded = tracehound_lang::load(&[
            SourceFile::new("00_common.yaml", common),
            SourceFile::new("attack_paths.yaml", paths),
        ]);
        let (rules, errors) = RuleSet::plan(loaded.rules);
        assert!(errors.is_empty() && !rules.rules().is_empty(), "{errors:?}");
        rules
    })
}

fuzz_target!(|data: &[u8]| {
    let replayed = Replayed::new(data);
    for view in replayed.views() {
        for field in fields() {
            let _ = (field.field().get)(&view, &field.arg);
        }
    }
    replayed.ask(rules());
});
