//! Expectations that can never hold, told before anything runs.

use std::collections::{BTreeSet, HashMap};

use tracehound_lang::{Code, Diagnostic, diagnostic, render};
use tracehound_rules::{PlannedRule, RuleSet};

use crate::files::{Entry, Expectation, Named, Suite};

/// What expectations can name.
#[derive(Debug)]
pub struct Names<'a> {
    rules: HashMap<&'a str, &'a PlannedRule>,
    rule_names: Vec<&'a str>,
    suppressions: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    /// Rules and names of suppressions.
    pub fn new(rules: &'a RuleSet, suppressions: impl IntoIterator<Item = &'a str>) -> Names<'a> {
        let by_name = || rules.rules().iter().map(|rule| (rule.rule().name.as_str(), rule));
        Names {
            rules: by_name().collect(),
            rule_names: by_name().map(|(name, _)| name).collect(),
            suppressions: suppressions.into_iter().collect(),
        }
    }

    fn rule(&self, named: &Named, diagnostics: &mut Vec<Diagnostic>) -> Option<&'a PlannedRule> {
        let found = self.rules.get(named.name.as_str()).copied();
        if found.is_none() {
            let help = diagnostic::suggestion(&named.name, self.rule_names.iter().copied());
            let help = help.or_else(|| diagnostic::did_you_mean(self.containing(&named.name)));
            let help = help.unwrap_or_else(|| format!("{} rules are loaded", self.rule_names.len()));
            let message = format!("no rule is called `{}`", render::visible(named.name.as_bytes()));
            diagnostics.push(Diagnostic::new(Code::SuiteUnknownRule, named.span, message).help(help));
        }
        found
    }

    /// Names with the words of a shortened one in them.
    fn containing(&self, word: &str) -> Option<&'a str> {
        let word = word.to_ascii_lowercase();
        self.rule_names.iter().find(|name| word.len() > 3 && name.to_ascii_lowercase().contains(&word)).copied()
    }
}

/// What is wrong with the expectations of a suite.
pub fn check(suite: &Suite, names: &Names<'_>) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for entry in suite.entries.iter().chain(&suite.golden) {
        for expectation in &entry.expect {
            expectation_alone(expectation, names, &mut diagnostics);
        }
        for rule in &entry.absent {
            names.rule(rule, &mut diagnostics);
        }
    }
    for (i, entry) in suite.entries.iter().enumerate() {
        let blessed = suite.cases.iter().find(|case| case.entry == i).and_then(|case| suite.golden(case));
        together(entry, blessed, &mut diagnostics);
    }
    diagnostics
}

fn expectation_alone(expectation: &Expectation, names: &Names<'_>, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(suppression) = &expectation.suppressed_by
        && !names.suppressions.contains(suppression.name.as_str())
    {
        let help = diagnostic::suggestion(&suppression.name, names.suppressions.iter().copied());
        let help = help.unwrap_or_else(|| format!("{} suppressions are loaded", names.suppressions.len()));
        let message = format!("no suppression is called `{}`", render::visible(suppression.name.as_bytes()));
        diagnostics.push(Diagnostic::new(Code::SuiteUnknownSuppression, suppression.span, message).help(help));
    }
    let Some(planned) = names.rule(&expectation.rule, diagnostics) else { return };
    let why = match planned.rule() {
        _ if expectation.bounds.min == 0 => None,
        rule if !rule.is_enabled => Some("is switched off".to_owned()),
        rule if !planned.is_active() => Some(format!("is for events of source {}, which no trace has", rule.source)),
        _ if planned.predicate().constant() == Some(false) || planned.kinds().is_none() => {
            Some("has a condition that is never true".to_owned())
        }
        _ => None,
    };
    if let Some(why) = why {
        let origin = &planned.rule().origin;
        let message = format!("the rule {why}");
        diagnostics.push(
            Diagnostic::new(Code::SuiteRuleOff, expectation.rule.span, message)
                .note(format!("it stands in {}:{}", origin.path, origin.line), None)
                .help("it will never fire".to_owned()),
        );
    }
    for (field, _) in &expectation.fields {
        let keys: Vec<&str> = planned.output().keys().collect();
        if !keys.contains(&field.name.as_str()) {
            let help = diagnostic::suggestion(&field.name, keys.iter().copied());
            let help = help.unwrap_or_else(|| match keys.is_empty() {
                true => "its output has no field".to_owned(),
                false => format!("its output has {}", keys.join(", ")),
            });
            let message = format!("the output of the rule has no field `{}`", render::visible(field.name.as_bytes()));
            diagnostics.push(Diagnostic::new(Code::SuiteUnknownField, field.span, message).help(help));
        }
    }
}

/// Expectations of one trace that exclude each other.
fn together(entry: &Entry, blessed: Option<&Entry>, diagnostics: &mut Vec<Diagnostic>) {
    let all: Vec<&Expectation> =
        entry.expect.iter().chain(blessed.into_iter().flat_map(|entry| &entry.expect)).collect();
    for (i, one) in all.iter().enumerate() {
        let absent = entry.absent.iter().find(|absent| absent.name == one.rule.name);
        if let Some(absent) = absent.filter(|_| one.bounds.min > 0 && one.suppressed_by.is_none()) {
            diagnostics.push(
                Diagnostic::new(Code::SuiteNever, absent.span, "the rule is expected to fire and not to fire")
                    .also(one.rule.span, "expected to fire"),
            );
        }
        for other in &all[..i] {
            for (part, whole) in [(one, other), (other, one)] {
                // What is about all signals of a rule is about those of a narrower expectation too.
                let is_within = part.rule.name == whole.rule.name
                    && name_of(&part.suppressed_by) == name_of(&whole.suppressed_by)
                    && whole.query.is_none()
                    && whole.fields.is_empty();
                let Some(max) = whole.bounds.max.filter(|&max| is_within && part.bounds.min > max) else { continue };
                let message = format!("expected {} times here and {max} times at most there", part.bounds);
                diagnostics.push(
                    Diagnostic::new(Code::SuiteNever, part.bounds_span, message).also(whole.bounds_span, "there"),
                );
                break;
            }
        }
    }
}

fn name_of(named: &Option<Named>) -> Option<&str> {
    named.as_ref().map(|named| named.name.as_str())
}
