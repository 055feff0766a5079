//! What a corpus says of the rules, and leaves unsaid.
//!
//! # Definitions
//!
//! A rule *fires* on a trace if it gives a signal there that nothing hides. It *covers* a technique if that is one of its
//! tags, or a sub-technique of one (the tag `T1059` covers `T1059.004`, not the other way round). A trace is *relevant* to a
//! rule if it is labelled as an attack and
//!
//! * an expectation of the trace says that the rule fires (at least once, not suppressed), or
//! * the rule covers one of the techniques that the trace is labelled with.
//!
//! Of each rule, over the traces that could be read:
//!
//! * found: relevant traces on which it fires;
//! * missed: relevant traces on which it does not fire, damaged and lossy ones left out;
//! * false alarms: traces labelled as benign on which it fires, expected or not;
//! * elsewhere: attacks that are not relevant to it and on which it fires: neither right nor wrong.
//!
//! Precision is found / (found + false alarms), recall is found / (found + missed); without a denominator there is none.
//! Traces without a label count for nothing but "never fired".
//!
//! A comparison of a condition is *asked* if those before it leave the result open, as in an evaluation from left to right
//! that stops when the result is known; over all events of the kinds that the rule can match. One that was never true, or
//! never false, when it was asked could be left out or turned round, and the corpus would not notice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value as Json, json};
use tracehound_lang::Loaded as LoadedRules;
use tracehound_rules::{PlannedRule, RuleSet};

use crate::cache::Key;
use crate::files::{Kind, Suite, is_technique};
use crate::judge::{CaseResult, Status};

/// Results of one comparison of a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeafCount {
    /// How often it was asked and true.
    pub n_true: u64,
    /// How often it was asked and false.
    pub n_false: u64,
}

/// What is known of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafRow {
    /// As it would be written in a rule.
    pub text: String,
    /// Where it was written: `file:line`.
    pub place: String,
    /// Results.
    pub count: LeafCount,
}

impl LeafRow {
    /// `never asked`, `never true`, `never false`; `None` if both results were seen.
    pub fn lack(&self) -> Option<&'static str> {
        match (self.count.n_true, self.count.n_false) {
            (0, 0) => Some("never asked"),
            (0, _) => Some("never true"),
            (_, 0) => Some("never false"),
            _ => None,
        }
    }
}

/// What a corpus says of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleRow {
    /// Name.
    pub name: String,
    /// `file:line` of its definition.
    pub place: String,
    /// Its tags that are techniques.
    pub techniques: Vec<String>,
    /// False if it is switched off.
    pub is_active: bool,
    /// Traces on which it fires, of whatever label.
    pub n_fired: usize,
    /// See the module.
    pub found: Vec<String>,
    /// See the module.
    pub missed: Vec<String>,
    /// See the module.
    pub false_alarms: Vec<String>,
    /// See the module.
    pub elsewhere: Vec<String>,
    /// Comparisons of its condition that can have both results, in the order they are written.
    pub leaves: Vec<LeafRow>,
}

impl RuleRow {
    /// See the module.
    pub fn precision(&self) -> Option<f64> {
        share(self.found.len(), self.false_alarms.len())
    }

    /// See the module.
    pub fn recall(&self) -> Option<f64> {
        share(self.found.len(), self.missed.len())
    }
}

fn share(right: usize, wrong: usize) -> Option<f64> {
    (right + wrong > 0).then(|| right as f64 / (right + wrong) as f64)
}

/// What a corpus says of a technique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TechniqueRow {
    /// Attacks labelled with it.
    pub n_attacks: usize,
    /// Attacks labelled with it on which a rule fires that covers it.
    pub n_found: usize,
    /// Rules with this tag.
    pub rules: BTreeSet<String>,
    /// Rules among them that fire on some trace.
    pub n_rules_fired: usize,
}

/// What a corpus says of rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Rules in the order they were loaded.
    pub rules: Vec<RuleRow>,
    /// Techniques by id.
    pub techniques: BTreeMap<String, TechniqueRow>,
    /// Traces that could be read: attacks, benign ones, those without a label.
    pub n_attacks: usize,
    /// See [`Coverage::n_attacks`].
    pub n_benign: usize,
    /// See [`Coverage::n_attacks`].
    pub n_unlabelled: usize,
}

/// Rules that suites are tested with.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// Where they were written.
    pub loaded: &'a LoadedRules,
    /// By rule, the hash of what it says: rules with the same one are one, whichever suite names them.
    pub keys: &'a [Key],
    /// By rule and comparison, its results over the traces.
    pub leaves: &'a [Vec<LeafCount>],
}

/// What results say. `rules_of` gives the position of the rules of a suite.
pub fn coverage(suites: &[Suite], results: &[CaseResult], rules: &[Rules<'_>], rules_of: &[usize]) -> Coverage {
    let mut out = Coverage::default();
    let mut rows: HashMap<Key, usize> = HashMap::new();
    for of in rules {
        for (i, planned) in of.rules.rules().iter().enumerate() {
            let row = *rows.entry(of.keys[i]).or_insert_with(|| {
                out.rules.push(rule_row(planned, of.loaded));
                out.rules.len() - 1
            });
            let counts = both_ways(planned).map(|leaf| of.leaves[i].get(leaf).copied().unwrap_or_default());
            for (leaf, count) in out.rules[row].leaves.iter_mut().zip(counts) {
                leaf.count.n_true += count.n_true;
                leaf.count.n_false += count.n_false;
            }
        }
    }
    for row in &out.rules {
        for technique in &row.techniques {
            out.techniques.entry(technique.clone()).or_default().rules.insert(row.name.clone());
        }
    }
    for result in results.iter().filter(|result| result.status != Status::Error) {
        let (suite, of) = (&suites[result.suite], &rules[rules_of[result.suite]]);
        let of_case: Vec<usize> = of.keys.iter().map(|key| rows[key]).collect();
        case(suite, result, &of_case, &mut out);
    }
    let fired: BTreeSet<&str> = out.rules.iter().filter(|row| row.n_fired > 0).map(|row| row.name.as_str()).collect();
    for technique in out.techniques.values_mut() {
        technique.n_rules_fired = technique.rules.iter().filter(|rule| fired.contains(rule.as_str())).count();
    }
    out
}

fn rule_row(planned: &PlannedRule, loaded: &LoadedRules) -> RuleRow {
    let rule = planned.rule();
    let ids: Vec<_> = planned.predicate().leaf_ids().collect();
    let leaves = both_ways(planned).map(|leaf| {
        let origin = ids.get(leaf).and_then(|&id| loaded.leaf_origin(id));
        LeafRow {
            text: planned.predicate().leaves()[leaf].source().to_string(),
            place: origin.map_or_else(String::new, |origin| format!("{}:{}", origin.path, origin.line)),
            count: LeafCount::default(),
        }
    });
    RuleRow {
        name: rule.name.clone(),
        place: format!("{}:{}", rule.origin.path, rule.origin.line),
        techniques: rule.tags.iter().filter(|tag| is_technique(tag)).cloned().collect(),
        is_active: planned.is_active(),
        leaves: leaves.collect(),
        ..RuleRow::default()
    }
}

/// Positions of the comparisons of a rule that some event can make true and another one false.
fn both_ways(planned: &PlannedRule) -> impl Iterator<Item = usize> {
    let leaves = planned.predicate().leaves().iter().enumerate();
    leaves.filter(|(_, leaf)| !leaf.is_fixed_by_kind()).map(|(i, _)| i)
}

fn case(suite: &Suite, result: &CaseResult, rows: &[usize], out: &mut Coverage) {
    let case = &suite.cases[result.case];
    let labels = &suite.entry(case).labels;
    match labels.kind {
        Some(Kind::Attack) => out.n_attacks += 1,
        Some(Kind::Benign) => out.n_benign += 1,
        None => out.n_unlabelled += 1,
    }
    let name = || format!("{}/{}", suite.name.name, case.name);
    let is_expected = |rule: &str| {
        let mut all = suite.expectations(case);
        all.any(|one| one.rule.name == rule && one.bounds.min > 0 && one.suppressed_by.is_none())
    };
    let mut covered: BTreeSet<&str> = BTreeSet::new();
    for &row in rows {
        let row = &mut out.rules[row];
        let is_fired = result.observed.of(&row.name).iter().any(|seen| seen.is_fired());
        row.n_fired += usize::from(is_fired);
        let of_label = |label: &&String| row.techniques.iter().any(|tag| covers(tag, label));
        let techniques: Vec<&String> = labels.techniques.iter().filter(of_label).collect();
        let list = match (labels.kind, is_fired) {
            (Some(Kind::Benign), true) => &mut row.false_alarms,
            (Some(Kind::Attack), _) => match (!techniques.is_empty() || is_expected(&row.name), is_fired) {
                (true, true) => &mut row.found,
                (true, false) if !result.observed.facts.is_partial() && row.is_active => &mut row.missed,
                (false, true) => &mut row.elsewhere,
                _ => continue,
            },
            _ => continue,
        };
        list.push(name());
        if is_fired && labels.kind == Some(Kind::Attack) {
            covered.extend(techniques.iter().map(|technique| technique.as_str()));
        }
    }
    if labels.kind == Some(Kind::Attack) {
        for technique in &labels.techniques {
            let row = out.techniques.entry(technique.clone()).or_default();
            row.n_attacks += 1;
            row.n_found += usize::from(covered.contains(technique.as_str()));
        }
    }
}

/// True if a tag covers a technique.
fn covers(tag: &str, technique: &str) -> bool {
    technique.strip_prefix(tag).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A layer for the ATT&CK Navigator: the share of attacks of each technique that a rule found which covers it, in percent.
/// Techniques with rules and without an attack have no score. Layer format 4.5: `layers/spec/v4.5/layerformat.md` of
/// `mitre-attack/attack-navigator`.
pub fn navigator(coverage: &Coverage) -> Json {
    let techniques: Vec<Json> = coverage
        .techniques
        .iter()
        .map(|(id, row)| {
            let TechniqueRow { n_attacks, n_found, rules, n_rules_fired } = row;
            let comment = format!(
                "{n_found} of {n_attacks} attacks found; {n_rules_fired} of {} rules with this tag fired",
                rules.len()
            );
            let mut technique = json!({ "techniqueID": id, "comment": comment, "enabled": true });
            if *n_attacks > 0 {
                technique["score"] = json!(n_found * 100 / n_attacks);
            }
            technique
        })
        .collect();
    json!({
        "name": "tracehound: attacks found",
        "versions": { "layer": "4.5", "navigator": "4.9.0" },
        "domain": "enterprise-attack",
        "description": "Share of the attacks of a corpus that rules found, by technique, in percent",
        "techniques": techniques,
        "gradient": { "colors": ["#ff6666", "#ffe766", "#8ec843"], "minValue": 0, "maxValue": 100 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_cover_their_sub_techniques() {
        for (tag, technique, expected) in [
            ("T1059", "T1059", true),
            ("T1059", "T1059.004", true),
            ("T1059.004", "T1059", false),
            ("T1059.004", "T1059.003", false),
            ("T105", "T1059", false),
        ] {
            assert_eq!(covers(tag, technique), expected, "{tag} {technique}");
        }
    }

    #[test]
    fn shares() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(3, 1), Some(0.75));
        assert_eq!(share(0, 2), Some(0.0));
    }
}
