//! Annotations of a GitHub workflow, at the rules.

use tracehound_lang::markup;

use super::{checkout_path, findings};
use crate::comparison::Comparison;

/// One line a finding: a rule with signals added, removed or changed, or a rule that changed without any.
pub fn annotations(comparison: &Comparison) -> String {
    let mut out = String::new();
    for finding in findings(comparison) {
        let origin = &finding.rule.origin;
        let place = Some((checkout_path(&origin.path), origin.line.max(1), None));
        out.push_str(&markup::annotation(finding.level, place, &finding.title, &finding.message));
        out.push('\n');
    }
    out
}
