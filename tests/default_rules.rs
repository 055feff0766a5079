//! The default rules load without a remark, and say what they are about. What they fire on: `samples.rs`.

use std::path::Path;

use tracehound::rulefiles;
use tracehound_lang::Severity;

/// The smallest number of rules this project promises to ship.
const PROMISED: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rules() -> rulefiles::RuleFiles {
    rulefiles::load(&[root().join("rules")]).expect("the folder of default rules")
}

#[test]
fn default_rules_load_without_remarks() {
    let loaded = rules();
    assert_eq!(loaded.render(Severity::Lint), "");
    assert!(loaded.rules.rules().len() >= PROMISED, "{} rules", loaded.rules.rules().len());
}

#[test]
fn tags_name_tactic_and_technique() {
    for rule in rules().rules.rules().iter().map(|planned| planned.rule()) {
        assert!(!rule.description.trim().is_empty(), "{}: no description", rule.name);
        assert!(rule.tags.iter().any(|tag| tag.starts_with("mitre_")), "{}: no tactic", rule.name);
        let is_technique =
            |tag: &String| tag.strip_prefix('T').is_some_and(|id| id.starts_with(|c: char| c.is_ascii_digit()));
        assert!(rule.tags.iter().any(is_technique), "{}: no technique", rule.name);
    }
}
