//! A comparison for people at a terminal.

use std::fmt::Write;

use tracehound_lang::render::visible;
use tracehound_signals::time::Rfc3339;
use tracehound_signals::visible::utf8;

use super::{MAX_TEXT, changes, path, plural, remarks, short, traces};
use crate::comparison::{Comparison, Group, Names};
use crate::definitions::Status;
use crate::signals::Kind;

/// Escape sequences; empty without colour.
struct Paint(bool);

impl Paint {
    fn of(&self, sign: char) -> &'static str {
        match (self.0, sign) {
            (true, '+') => "\x1b[32m",
            (true, '-') => "\x1b[31m",
            (true, '~') => "\x1b[33m",
            (true, '*') => "\x1b[1m",
            (true, '@') => "\x1b[2m",
            _ => "",
        }
    }

    fn end(&self) -> &'static str {
        if self.0 { "\x1b[0m" } else { "" }
    }

    /// A difference, indented.
    fn diff(&self, out: &mut String, diff: &str) {
        for line in diff.lines() {
            let sign = line.chars().next().unwrap_or(' ');
            // Writing to a String cannot fail.
            let _ = writeln!(out, "      {}{}{}", self.of(sign), visible(line.as_bytes()), self.end());
        }
    }
}

const SIGNS: [char; 3] = ['+', '-', '~'];

/// The whole comparison: numbers, then each rule with its signals, its examples and what changed in its text.
pub fn render(comparison: &Comparison, has_color: bool) -> String {
    let paint = Paint(has_color);
    let mut out = String::new();
    let quoted = |name: &str| visible(name.as_bytes());
    let _ = writeln!(out, "base  {}", side(&comparison.base));
    let _ = writeln!(out, "head  {}", side(&comparison.head));
    let _ = writeln!(out, "{}", totals(comparison));
    let groups = comparison.groups();
    for group in &groups {
        let rule = comparison.rule(group);
        let why = comparison.why(group, &quoted).join("; ");
        let name = visible(rule.name.as_bytes());
        let _ = writeln!(out, "\n{}{name}{}  ({why})", paint.of('*'), paint.end());
        for (kind, sign) in Kind::ALL.into_iter().zip(SIGNS) {
            signals(&mut out, comparison, group, kind, sign, &paint);
        }
        if !rule.is_same() {
            paint.diff(&mut out, &rule.diff);
        }
    }
    let silent = comparison.silent_rules(&groups);
    if !silent.is_empty() {
        let _ = writeln!(out, "\nRules that changed, no signal with them:");
        for rule in silent {
            let what = comparison.what_changed(rule, &quoted).join("; ");
            let _ = writeln!(out, "  {}  ({what})", visible(rule.name.as_bytes()));
            // The text of a rule that is new or gone is in its file.
            if rule.status == Status::Kept {
                paint.diff(&mut out, &rule.diff);
            }
        }
    }
    for definition in &comparison.definitions.definitions {
        let rules = definition.rules.iter().map(|rule| visible(rule.as_bytes())).collect::<Vec<_>>().join(", ");
        let rules = if rules.is_empty() { "changes no rule".to_owned() } else { format!("changes {rules}") };
        let name = visible(definition.name.as_bytes());
        let _ = writeln!(out, "\n{} {name} {}: {rules}", definition.kind, done(definition.status));
        paint.diff(&mut out, &definition.diff);
    }
    for suppression in &comparison.definitions.suppressions {
        let name = visible(suppression.name.as_bytes());
        let _ = writeln!(out, "\nsuppression {name} {}", done(suppression.status));
        paint.diff(&mut out, &suppression.diff);
    }
    out
}

fn done(status: Status) -> &'static str {
    match status {
        Status::Kept => "changed",
        status => status.name(),
    }
}

fn side(names: &Names) -> String {
    let mut parts: Vec<String> = names.rules.iter().map(|name| visible(name.as_bytes())).collect();
    parts.extend(names.suppressions.iter().map(|name| format!("-s {}", visible(name.as_bytes()))));
    if parts.is_empty() { "no rules".to_owned() } else { parts.join(" ") }
}

/// `3 traces, 1 of them damaged or lossy: 40 signals on both sides, 3 added, 1 removed, 0 changed`.
fn totals(comparison: &Comparison) -> String {
    let mut out = plural(comparison.traces.len() as u64, "trace");
    if comparison.n_unread() > 0 {
        out += &format!(", {} cannot be read", comparison.n_unread());
    }
    if comparison.n_partial() > 0 {
        out += &format!(", {} damaged or lossy", comparison.n_partial());
    }
    out += &format!(": {} the same", plural(comparison.n_same(), "signal"));
    for kind in Kind::ALL {
        out += &format!(", {} {}", comparison.n_of(kind), kind.name());
    }
    out
}

fn signals(out: &mut String, comparison: &Comparison, group: &Group, kind: Kind, sign: char, paint: &Paint) {
    let tally = &group.tallies[kind as usize];
    if tally.n == 0 {
        return;
    }
    let remarks = remarks(comparison, kind, tally);
    let remarks = if remarks.is_empty() { String::new() } else { format!(" ({remarks})") };
    let on = traces(comparison, tally, &|name| name.to_owned());
    let _ = writeln!(out, "  {}{sign} {} {}{}{remarks}: {on}", paint.of(sign), tally.n, kind.name(), paint.end());
    for (trace, entry) in comparison.examples(tally) {
        let Some(signal) = entry.signal() else { continue };
        let message = short(&utf8(&signal.message), MAX_TEXT);
        let (name, priority) = (short(&trace.name, 120), signal.rule.priority.name());
        let _ = writeln!(out, "    {name} event {} {}: {priority} {message}", signal.seq.0, Rfc3339(signal.ts));
        for change in changes(entry) {
            let _ = writeln!(out, "      {change}");
        }
        for line in path(entry) {
            let _ = writeln!(out, "      {line}");
        }
    }
}
