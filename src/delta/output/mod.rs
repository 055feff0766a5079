//! A comparison for people and machines.
//!
//! Text from traces and rules is made safe for where it goes; nothing depends on the time or the machine.

pub mod github;
pub mod json;
pub mod markdown;
pub mod sarif;
pub mod text;

use tracehound_lang::markup::Level;
use tracehound_lang::render::visible;
use tracehound_signals::visible::utf8;

use crate::comparison::{Comparison, Group, Label, Tally};
use crate::definitions::RuleDelta;
use crate::signals::{Entry, Kind};

/// Traces that are named of those on which a rule's signals differ.
const MAX_TRACES: usize = 10;
/// Characters of a text from a trace that people are shown.
const MAX_TEXT: usize = 300;
/// Lines of an attack path that are shown.
const MAX_PATH: usize = 10;

/// A path as it is called in a checkout: without the revision of a `git:` path.
pub fn checkout_path(path: &str) -> &str {
    let Some(rest) = path.strip_prefix("git:") else { return path };
    let rest = rest.split_once("//").map_or(rest, |(_, rest)| rest);
    rest.split_once(':').map_or(path, |(_, path)| path)
}

/// A text on one line, cut.
fn short(text: &str, max: usize) -> String {
    let text = visible(text.as_bytes());
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A number and what is counted.
fn plural(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The lines of the attack path of an example that are shown: of a long path its end, where the signal is.
fn path(entry: &Entry) -> Vec<String> {
    let left_out = entry.path.len().saturating_sub(MAX_PATH);
    let mark = (left_out > 0).then(|| format!("… {}", plural(left_out as u64, "more line")));
    mark.into_iter().chain(entry.path[left_out..].iter().map(|line| short(line, MAX_TEXT))).collect()
}

/// `2 attack, 1 benign, 1 unlabelled`; empty if no trace has a label.
fn labels(comparison: &Comparison, tally: &Tally) -> String {
    if !comparison.has_labels() || tally.n == 0 {
        return String::new();
    }
    let mut parts: Vec<String> = [Label::Attack, Label::Benign]
        .iter()
        .filter_map(|label| tally.by_label.get(label).map(|n| format!("{n} {}", label.name())))
        .collect();
    let rest = tally.n - tally.by_label.values().sum::<u64>();
    if rest > 0 {
        parts.push(format!("{rest} unlabelled"));
    }
    parts.join(", ")
}

/// What else is to be said of a number: labels, and how many are suppressed. Empty if nothing.
fn remarks(comparison: &Comparison, kind: Kind, tally: &Tally) -> String {
    let mut parts = vec![labels(comparison, tally)];
    match kind {
        Kind::Added | Kind::Removed if tally.n_suppressed > 0 => {
            parts.push(format!("{} suppressed", tally.n_suppressed))
        }
        Kind::Changed => {
            if tally.n_suppressed > 0 {
                parts.push(format!("{} newly suppressed", tally.n_suppressed));
            }
            if tally.n_restored > 0 {
                parts.push(format!("{} suppressed no more", tally.n_restored));
            }
        }
        _ => {}
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// `a.trace 2, b.trace 1 and 3 more traces`.
fn traces(comparison: &Comparison, tally: &Tally, code: &dyn Fn(&str) -> String) -> String {
    let of = |(trace, n): (&usize, &u64)| format!("{} {n}", code(&short(&comparison.traces[*trace].name, 120)));
    let named: Vec<String> = tally.by_trace.iter().take(MAX_TRACES).map(of).collect();
    let more = tally.by_trace.len().saturating_sub(MAX_TRACES);
    let more = if more > 0 { format!(" and {}", plural(more as u64, "more trace")) } else { String::new() };
    format!("{}{more}", named.join(", "))
}

/// What changed of an example of a changed signal: `priority Warning → Error`.
fn changes(entry: &Entry) -> Vec<String> {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => short(text, MAX_TEXT),
        serde_json::Value::Array(items) if items.is_empty() => "none".to_owned(),
        value => short(&value.to_string(), MAX_TEXT),
    };
    // Fields are part of the output that is shown; a verdict says by whom.
    let changes = entry.changes().into_iter().filter(|change| change.what != "output_fields");
    changes.map(|change| format!("{}: {} → {}", change.what, value(&change.base), value(&change.head))).collect()
}

/// Something to be shown at a place of a rule file.
struct Finding<'c> {
    /// `signal-added`, `signal-removed`, `signal-changed`, `rule-changed`.
    id: &'static str,
    level: Level,
    rule: &'c RuleDelta,
    title: String,
    /// Lines.
    message: String,
    /// Signals it stands for.
    n: u64,
}

/// What [`Finding::id`] can be, with what it means.
const FINDINGS: [(&str, &str); 4] = [
    ("signal-added", "A rule fires on traces where it did not fire before."),
    ("signal-removed", "A rule does not fire any more on traces where it fired before."),
    ("signal-changed", "A rule fires as before, and its signals say something else or have another verdict."),
    ("rule-changed", "A rule was changed, and none of its signals on these traces did."),
];

fn findings(comparison: &Comparison) -> Vec<Finding<'_>> {
    let groups = comparison.groups();
    let quoted = |name: &str| format!("\"{}\"", visible(name.as_bytes()));
    let mut out = Vec::new();
    for group in &groups {
        for kind in Kind::ALL {
            out.extend(finding(comparison, group, kind, &quoted));
        }
    }
    for rule in comparison.silent_rules(&groups) {
        let what = comparison.what_changed(rule, &quoted).join("; ");
        out.push(Finding {
            id: FINDINGS[3].0,
            level: Level::Notice,
            rule,
            title: format!("{}: changed", visible(rule.name.as_bytes())),
            message: format!("{what}. No signal on these traces differs."),
            n: 0,
        });
    }
    out
}

fn finding<'c>(
    comparison: &'c Comparison,
    group: &Group,
    kind: Kind,
    code: &dyn Fn(&str) -> String,
) -> Option<Finding<'c>> {
    let tally = &group.tallies[kind as usize];
    if tally.n == 0 {
        return None;
    }
    let rule = comparison.rule(group);
    let level = match kind {
        _ if tally.n_attack_lost > 0 => Level::Error,
        Kind::Added | Kind::Removed if tally.n > tally.n_suppressed => Level::Warning,
        Kind::Changed if tally.n_suppressed > 0 => Level::Warning,
        _ => Level::Notice,
    };
    let count = format!("{} {}", plural(tally.n, "signal"), kind.name());
    let remarks = remarks(comparison, kind, tally);
    let remarks = if remarks.is_empty() { String::new() } else { format!(" ({remarks})") };
    let why = comparison.why(group, code).join("; ");
    let mut lines = vec![format!("{count}{remarks}: {why}."), format!("On {}.", traces(comparison, tally, code))];
    for (trace, entry) in comparison.examples(tally) {
        let Some(signal) = entry.signal() else { continue };
        let name = short(&trace.name, 120);
        lines.push(format!("{name}, event {}: {}", signal.seq.0, short(&utf8(&signal.message), MAX_TEXT)));
        lines.extend(changes(entry).into_iter().map(|change| format!("  {change}")));
        lines.extend(path(entry).into_iter().map(|line| format!("  {line}")));
    }
    let title = format!("{}: {count}", visible(rule.name.as_bytes()));
    Some(Finding { id: FINDINGS[kind as usize].0, level, rule, title, message: lines.join("\n"), n: tally.n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_a_checkout() {
        for (path, expected) in [
            ("rules/a.yaml", "rules/a.yaml"),
            ("git:HEAD:rules/a.yaml", "rules/a.yaml"),
            ("git:main~3:./rules/a.yaml", "./rules/a.yaml"),
            ("git:/srv/r//v1.0:a.yaml", "a.yaml"),
            ("git:", "git:"),
        ] {
            assert_eq!(checkout_path(path), expected, "{path}");
        }
    }

    #[test]
    fn texts_are_cut() {
        for (text, expected) in [("abc", "abc"), ("abcd", "abc…"), ("ééé", "ééé"), ("a\nb", "a\\x…")] {
            assert_eq!(short(text, 3), expected);
        }
    }
}
