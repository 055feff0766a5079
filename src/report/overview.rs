//! What an analysis found, for people: the last lines of `analyze`.

use std::collections::BTreeMap;

use tracehound_signals::{Priority, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::case::Case;
use crate::screen::{Line, Paint, shorten};
use crate::tree::node::duration;
use tracehound_formats::Nanos;
use tracehound_signals::visible::Visible;

/// Rules listed; the others are counted.
const MAX_RULES: usize = 15;
/// Columns of a rule's name at most.
const MAX_NAME: usize = 60;
/// Columns of a bar.
const BAR: usize = 20;

/// What one rule gave.
struct RuleCount<'a> {
    name: &'a str,
    priority: Priority,
    fired: u64,
    suppressed: u64,
}

/// The lines: how much was left of the events, and a table of rules with bars, the gravest first. Nothing about rules
/// if nothing fired and nothing was suppressed. Rules of one priority stand by number of signals, then by name.
pub fn lines(case: &Case<'_>, columns: usize) -> Vec<Line> {
    let mut out = Vec::new();
    let mut by_rule: BTreeMap<usize, RuleCount<'_>> = BTreeMap::new();
    let (mut n_fired, mut n_suppressed) = (0u64, 0u64);
    for signal in case.signals {
        let (rule, is_fired) = (&signal.rule, signal.verdict == Verdict::Fired);
        let count = by_rule.entry(rule.index).or_insert_with(|| RuleCount {
            name: &rule.name,
            priority: rule.priority,
            fired: 0,
            suppressed: 0,
        });
        count.fired += u64::from(is_fired);
        count.suppressed += u64::from(!is_fired);
        n_fired += u64::from(is_fired);
        n_suppressed += u64::from(!is_fired);
    }
    out.push(reduction(case, n_fired, n_suppressed));
    let mut rules: Vec<RuleCount<'_>> = by_rule.into_values().collect();
    rules.sort_by(|a, b| (a.priority, b.fired, a.name).cmp(&(b.priority, a.fired, b.name)));
    // A rule of which everything is suppressed stands behind those that fired.
    rules.sort_by_key(|rule| rule.fired == 0);
    let most = rules.iter().map(|rule| rule.fired).max().unwrap_or(0);
    let digits = most.to_string().len();
    let name = |rule: &RuleCount<'_>| {
        shorten(&Visible(rule.name.as_bytes()).to_string(), MAX_NAME.min(columns.saturating_sub(40).max(20)))
    };
    let width = rules.iter().take(MAX_RULES).map(|rule| name(rule).width()).max().unwrap_or(0);
    for rule in rules.iter().take(MAX_RULES) {
        let mut line = Line::new();
        let (mark, paint) = if rule.fired > 0 { ('●', Paint::Signal(rule.priority)) } else { ('○', Paint::Dim) };
        line.text(Paint::Plain, "  ").text(paint, format!("{mark} {:<9} ", short(rule.priority)));
        let name = name(rule);
        line.text(Paint::Plain, format!("{name}{}  ", " ".repeat(width - name.width())));
        line.text(Paint::Bold, format!("{:>digits$} ", rule.fired)).text(paint, bar(rule.fired, most));
        if rule.suppressed > 0 {
            line.text(Paint::Dim, format!("  {} suppressed", rule.suppressed));
        }
        out.push(line);
    }
    if rules.len() > MAX_RULES {
        let rest = &rules[MAX_RULES..];
        let (fired, suppressed) =
            rest.iter().fold((0, 0), |(fired, suppressed), rule| (fired + rule.fired, suppressed + rule.suppressed));
        let mut line = Line::new();
        line.text(Paint::Plain, format!("  … {} more rules: {fired} signals", rest.len()));
        line.text(Paint::Dim, if suppressed > 0 { format!(", {suppressed} suppressed") } else { String::new() });
        out.push(line);
    }
    out
}

/// A priority in at most nine columns.
fn short(priority: Priority) -> &'static str {
    match priority {
        Priority::Informational => "Info",
        priority => priority.name(),
    }
}

/// `73 events in 1m09s → 8 signals → 4 after suppressions, 1 in 18 events`.
fn reduction(case: &Case<'_>, n_fired: u64, n_suppressed: u64) -> Line {
    let mut line = Line::new();
    let span = case.source.first_ns.zip(case.source.last_ns).map(|(first, last)| Nanos(last.saturating_sub(first)));
    line.text(Paint::Plain, format!("  {} events", case.notes.n_events));
    if let Some(span) = span {
        line.text(Paint::Plain, format!(" in {}", duration(span)));
    }
    let n_matched = n_fired + n_suppressed;
    line.text(Paint::Plain, format!(" → {n_matched} matches"));
    if n_suppressed > 0 {
        line.text(Paint::Plain, format!(" → {n_fired} after suppressions"));
    }
    if let Some(one_in) = case.notes.n_events.checked_div(n_fired) {
        line.text(Paint::Dim, format!(" (one in {one_in} events)"));
    }
    line
}

/// A bar, relative to the largest number; what is not 0 has at least one column.
fn bar(n: u64, most: u64) -> String {
    let length = if most == 0 { 0 } else { (n as u128 * BAR as u128).div_ceil(u128::from(most)) as usize };
    "█".repeat(length)
}
