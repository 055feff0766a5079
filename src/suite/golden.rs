//! Present results written down as expectations: `NAME.expected.yaml` beside the suite.
//!
//! What a person wrote into the suite stays the authority: a rule whose signals are all spoken of there is left out, and
//! so is one that must not fire. Everything else that fired or was hidden is noted event by event, sorted, a line each, so
//! that a difference of two versions is read like that of a snapshot.

use std::collections::BTreeMap;
use std::fmt::Write;

use similar::TextDiff;
use tracehound_suppress::files::write::scalar;

use crate::files::{Case, Entry, Expectation, Suite};
use crate::judge::{CaseResult, Status, is_spoken_of};
use crate::result::Seen;

/// Events of a rule that are listed; more are counted.
const MAX_EVENTS: usize = 50;

/// The file for a suite; `None` if there is nothing to write down. Traces without a result (they were left out of the
/// run, or cannot be read) keep what was blessed before.
pub fn bless(suite: &Suite, results: &[&CaseResult]) -> Option<String> {
    let mut entries = String::new();
    for (i, case) in suite.cases.iter().enumerate() {
        let result = results.iter().find(|result| result.case == i && result.status != Status::Error);
        match (result, suite.golden(case)) {
            (Some(result), _) => from_result(suite, case, result, &mut entries),
            (None, Some(golden)) => from_entry(golden, &mut entries),
            (None, None) => {}
        }
    }
    if entries.is_empty() {
        return None;
    }
    let head = "# Results of `tracehound test --bless`: what these traces gave. Review the differences like code.\n";
    Some(format!("{head}expected: {}\ntraces:\n{entries}", scalar(&suite.name.name)))
}

/// The difference of two versions as people read it, three lines around each change; empty if there is none.
pub fn difference(name: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff().context_radius(3).header(name, name).to_string()
}

fn from_result(suite: &Suite, case: &Case, result: &CaseResult, out: &mut String) {
    let entry = suite.entry(case);
    let mut blessed: Vec<(&str, Option<&str>, Vec<u64>)> = Vec::new();
    for (rule, seen) in &result.observed.signals {
        if entry.absent.iter().any(|absent| absent.name == *rule) && seen.iter().any(Seen::is_fired) {
            continue;
        }
        if seen.iter().all(|seen| is_spoken_of(suite, case, &entry.expect, rule, seen)) {
            continue;
        }
        let mut by: BTreeMap<Option<&str>, Vec<u64>> = BTreeMap::new();
        for seen in seen {
            // Of a signal that several hide each is told: an expectation is about all that its suppression hides.
            let hidden = seen.suppressed_by.iter().map(|name| Some(name.as_str()));
            let fired = seen.is_fired().then_some(None);
            hidden.chain(fired).for_each(|by_whom| by.entry(by_whom).or_default().push(seen.seq));
        }
        blessed.extend(by.into_iter().map(|(by, events)| (rule.as_str(), by, events)));
    }
    let is_partial = result.observed.facts.is_partial() && !entry.is_partial;
    if blessed.is_empty() && !is_partial {
        return;
    }
    begin(&case.name, is_partial, out);
    if !blessed.is_empty() {
        out.push_str("    expect:\n");
    }
    for (rule, by, events) in blessed {
        let events = (events.len() <= MAX_EVENTS).then_some(events.as_slice()).ok_or(events.len() as u64);
        item(rule, by, events, out);
    }
}

fn from_entry(entry: &Entry, out: &mut String) {
    begin(&entry.trace.name, entry.is_partial, out);
    if !entry.expect.is_empty() {
        out.push_str("    expect:\n");
    }
    for Expectation { rule, bounds, events, suppressed_by, .. } in &entry.expect {
        let events = events.as_deref().ok_or(bounds.min);
        item(&rule.name, suppressed_by.as_ref().map(|by| by.name.as_str()), events, out);
    }
}

fn begin(trace: &str, is_partial: bool, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "  - trace: {}", scalar(trace));
    if is_partial {
        out.push_str("    partial: true\n");
    }
}

fn item(rule: &str, by: Option<&str>, events: Result<&[u64], u64>, out: &mut String) {
    let _ = writeln!(out, "      - rule: {}", scalar(rule));
    let _ = match events {
        Ok(events) => {
            let events: Vec<String> = events.iter().map(u64::to_string).collect();
            writeln!(out, "        events: [{}]", events.join(", "))
        }
        Err(count) => writeln!(out, "        count: {count}"),
    };
    if let Some(by) = by {
        let _ = writeln!(out, "        suppressed_by: {}", scalar(by));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences() {
        assert_eq!(difference("x", "a\n", "a\n"), "");
        assert_eq!(difference("x", "", "a\n"), "--- x\n+++ x\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(difference("x", "a\nb\n", "a\nc\n"), "--- x\n+++ x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
    }
}
