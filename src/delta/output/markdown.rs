//! A comparison as Markdown (GitHub's), for a pull request or the summary of a job.
//!
//! A table first, everything else folded. The size is bounded: what does not fit is left out whole, and counted.

use std::fmt::Write;

use tracehound_lang::markup::{block, cell, code, html};
use tracehound_signals::time::Rfc3339;
use tracehound_signals::visible::utf8;

use super::{MAX_TEXT, changes, path, plural, remarks, short, traces};
use crate::comparison::{Comparison, Gate, Group, Label, Names, Trace};
use crate::definitions::{RuleDelta, Status};
use crate::signals::Kind;

/// Bytes of a document: a comment on GitHub may have 65,536 characters.
pub const MAX_BYTES: usize = 60_000;
/// Bytes that the lines at the end may take which say what was left out.
const RESERVED: usize = 600;
/// Rows of the table of traces.
const MAX_TRACE_ROWS: usize = 100;
/// Bytes of one folded part.
const MAX_PART: usize = 12_000;

/// The document, of at most `max` bytes (at least some thousands).
pub fn render(comparison: &Comparison, max: usize) -> String {
    let groups = comparison.groups();
    let silent = comparison.silent_rules(&groups);
    let mut page = Page { text: head(comparison), max: max.saturating_sub(RESERVED), left_out: Vec::new() };
    table(&mut page, comparison, &groups);
    for group in &groups {
        page.part("rule with its signals", "rules with their signals", || rule(comparison, group));
    }
    for definition in &comparison.definitions.definitions {
        page.part("macro or list", "macros and lists", || {
            let title =
                format!("{} <code>{}</code> {}", definition.kind, html(&definition.name), done(definition.status));
            let rules: Vec<String> = definition.rules.iter().take(20).map(|rule| code(rule)).collect();
            let more = definition.rules.len().saturating_sub(rules.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let rules = match rules.is_empty() {
                true => "Changes no rule.\n\n".to_owned(),
                false => format!("Changes {}{more}.\n\n", rules.join(", ")),
            };
            folded(&title, &format!("{rules}{}", bounded_diff(&definition.diff)))
        });
    }
    for suppression in &comparison.definitions.suppressions {
        page.part("suppression", "suppressions", || {
            let title = format!("suppression <code>{}</code> {}", html(&suppression.name), done(suppression.status));
            folded(&title, &bounded_diff(&suppression.diff))
        });
    }
    for changed in silent {
        page.part("rule without signals", "rules without signals", || silent_rule(comparison, changed));
    }
    page.part("table of traces", "tables of traces", || trace_table(comparison));
    page.finish()
}

/// A document under way.
struct Page {
    text: String,
    max: usize,
    /// What did not fit: singular, plural, how many.
    left_out: Vec<(&'static str, &'static str, u64)>,
}

impl Page {
    /// Adds a part, or counts it as left out.
    fn part(&mut self, one: &'static str, many: &'static str, make: impl FnOnce() -> String) {
        let part = if self.text.len() < self.max { make() } else { String::new() };
        if self.text.len() < self.max && self.text.len() + part.len() <= self.max {
            self.text.push_str(&part);
            return;
        }
        match self.left_out.iter_mut().find(|(known, ..)| *known == one) {
            Some((_, _, n)) => *n += 1,
            None => self.left_out.push((one, many, 1)),
        }
    }

    fn finish(mut self) -> String {
        if !self.left_out.is_empty() {
            let parts = self.left_out.iter().map(|(one, many, n)| format!("{n} {}", if *n == 1 { one } else { many }));
            let parts = parts.collect::<Vec<_>>().join(", ");
            let _ =
                write!(self.text, "\nLeft out for their size: {parts}. `tracehound diff -f json` has everything.\n");
        }
        self.text
    }
}

fn done(status: Status) -> &'static str {
    match status {
        Status::Kept => "changed",
        status => status.name(),
    }
}

fn folded(title: &str, body: &str) -> String {
    // An empty line ends the HTML: what follows is Markdown again.
    format!("\n<details><summary>{title}</summary>\n\n{}\n\n</details>\n", body.trim_end())
}

fn head(comparison: &Comparison) -> String {
    let mut out = String::new();
    let counts: Vec<String> =
        Kind::ALL.into_iter().map(|kind| format!("{} {}", comparison.n_of(kind), kind.name())).collect();
    let is_same = comparison.entries().next().is_none();
    let title = if is_same { "no signal differs".to_owned() } else { format!("signals {}", counts.join(", ")) };
    let _ = writeln!(out, "## Detection: {title}\n");
    let labels = [Label::Attack, Label::Benign].map(|label| {
        let n = comparison.traces.iter().filter(|trace| trace.label == Some(label)).count();
        format!("{n} {}", label.name())
    });
    let labels = if comparison.has_labels() { format!(" ({})", labels.join(", ")) } else { String::new() };
    let _ = writeln!(
        out,
        "{} → {} on {}{labels}; {} the same on both sides.",
        side(&comparison.base),
        side(&comparison.head),
        plural(comparison.traces.len() as u64, "trace"),
        plural(comparison.n_same(), "signal"),
    );
    let lost = comparison.n_met(Gate::AttackRemoved);
    if lost > 0 {
        let _ = writeln!(out, "\n**On attacks, {} not there any more, or suppressed now.**", plural_are(lost));
    }
    let (partial, unread) = (comparison.n_partial(), comparison.n_unread());
    if partial > 0 {
        let _ = writeln!(out, "\n**Partial evidence:** {} damaged or lossy.", of_traces(partial));
    }
    if unread > 0 {
        let _ = writeln!(out, "\n**Not compared:** {} cannot be read.", plural(unread as u64, "trace"));
    }
    if comparison.definitions.is_reordered {
        let _ = writeln!(out, "\nRules are asked in another order, and only the first that matches fires.");
    }
    out
}

fn plural_are(n: u64) -> String {
    format!("{} {}", plural(n, "signal"), if n == 1 { "is" } else { "are" })
}

fn of_traces(n: usize) -> String {
    format!("{} {}", plural(n as u64, "trace"), if n == 1 { "is" } else { "are" })
}

fn side(names: &Names) -> String {
    let mut parts: Vec<String> = names.rules.iter().take(5).map(|name| code(name)).collect();
    parts.extend(names.suppressions.iter().take(5).map(|name| code(&format!("-s {name}"))));
    let more = (names.rules.len() + names.suppressions.len()).saturating_sub(parts.len());
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    if parts.is_empty() { "no rules".to_owned() } else { parts.join(" ") }
}

fn table(page: &mut Page, comparison: &Comparison, groups: &[Group]) {
    if groups.is_empty() {
        return;
    }
    page.text.push_str("\n| Rule | Why | Added | Removed | Changed |\n|---|---|---:|---:|---:|\n");
    // Half of the page at most, so that there is room for what stands behind the numbers.
    let max = page.max;
    page.max = max / 2;
    for group in groups {
        page.part("row of this table", "rows of this table", || {
            let number = |kind: Kind| {
                let tally = &group.tallies[kind as usize];
                let remarks = remarks(comparison, kind, tally);
                match (tally.n, remarks.is_empty()) {
                    (0, _) => String::new(),
                    (n, true) => n.to_string(),
                    (n, false) => format!("{n} ({remarks})"),
                }
            };
            let why = comparison.why(group, &|name| cell(&short(name, 120))).join("; ");
            format!(
                "| {} | {why} | {} | {} | {} |\n",
                cell(&short(&comparison.rule(group).name, 200)),
                number(Kind::Added),
                number(Kind::Removed),
                number(Kind::Changed)
            )
        });
    }
    page.max = max;
}

/// A rule with its signals, and what changed in its text.
fn rule(comparison: &Comparison, group: &Group) -> String {
    let rule = comparison.rule(group);
    let counts: Vec<String> = Kind::ALL
        .into_iter()
        .filter(|kind| group.tallies[*kind as usize].n > 0)
        .map(|kind| format!("{} {}", group.tallies[kind as usize].n, kind.name()))
        .collect();
    let mut body = String::new();
    for kind in Kind::ALL {
        let tally = &group.tallies[kind as usize];
        if tally.n == 0 {
            continue;
        }
        let remarks = remarks(comparison, kind, tally);
        let remarks = if remarks.is_empty() { String::new() } else { format!(" ({remarks})") };
        let _ = writeln!(body, "{} {}{remarks}: {}\n", tally.n, kind.name(), traces(comparison, tally, &code));
        for (trace, entry) in comparison.examples(tally) {
            let Some(signal) = entry.signal() else { continue };
            let (name, priority) = (code(&short(&trace.name, 120)), signal.rule.priority.name());
            let message = code(&short(&utf8(&signal.message), MAX_TEXT));
            let _ = writeln!(body, "- {name} event {}, {}: {priority} {message}", signal.seq.0, Rfc3339(signal.ts));
            for change in changes(entry) {
                let _ = writeln!(body, "  <br>{}", code(&change));
            }
            let path = path(entry);
            if !path.is_empty() {
                let _ = writeln!(
                    body,
                    "
{}",
                    indented(&block(
                        "",
                        &path.join(
                            "
"
                        )
                    ))
                );
            }
        }
        if !body.ends_with("\n\n") {
            body.push('\n');
        }
    }
    if !rule.is_same() && !rule.diff.is_empty() {
        body.push_str(&bounded_diff(&rule.diff));
    }
    folded(&format!("<code>{}</code>: {}", html(&rule.name), counts.join(", ")), &body)
}

/// A block within an item of a list.
fn indented(block: &str) -> String {
    block.lines().map(|line| format!("  {line}\n")).collect()
}

/// A difference, cut where it is longer than what a part may have.
fn bounded_diff(diff: &str) -> String {
    if diff.len() <= MAX_PART {
        return block("diff", diff);
    }
    let mut kept = String::new();
    for line in diff.lines() {
        if kept.len() + line.len() > MAX_PART {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    let n = diff.lines().count() - kept.lines().count();
    format!("{}\n{}.\n", block("diff", &kept), plural(n as u64, "more line"))
}

fn silent_rule(comparison: &Comparison, rule: &RuleDelta) -> String {
    let title = format!("<code>{}</code>: no signal differs", html(&rule.name));
    let what = comparison.what_changed(rule, &|name| code(&short(name, 120))).join("; ");
    let diff = if rule.diff.is_empty() { String::new() } else { bounded_diff(&rule.diff) };
    folded(&title, &format!("{what}\n\n{diff}"))
}

fn trace_table(comparison: &Comparison) -> String {
    let mut body = String::from(
        "| Trace | Label | Evidence | Base | Head | Added | Removed | Changed |\n|---|---|---|---:|---:|---:|---:|---:|\n",
    );
    let is_told = |trace: &&Trace| !trace.delta.entries.is_empty() || trace.error.is_some() || trace.integrity != "ok";
    let told: Vec<&Trace> = comparison.traces.iter().filter(is_told).collect();
    for trace in told.iter().take(MAX_TRACE_ROWS) {
        let n_of = |kind: Kind| trace.delta.entries.iter().filter(|entry| entry.kind() == kind).count();
        let evidence = match &trace.error {
            Some(error) => format!("not read: {}", cell(&short(error, 200))),
            None => trace.integrity.clone(),
        };
        let _ = writeln!(
            body,
            "| {} | {} | {evidence} | {} | {} | {} | {} | {} |",
            cell(&short(&trace.name, 200)),
            trace.label.map_or("", Label::name),
            trace.delta.base.0,
            trace.delta.head.0,
            n_of(Kind::Added),
            n_of(Kind::Removed),
            n_of(Kind::Changed),
        );
    }
    let more = told.len().saturating_sub(MAX_TRACE_ROWS) as u64;
    if more > 0 {
        let _ = writeln!(body, "\n{} not shown.", plural(more, "more trace"));
    }
    let rest = (comparison.traces.len() - told.len()) as u64;
    if rest > 0 {
        let _ = writeln!(body, "\n{} whole, and no signal differs on them.", of_traces(rest as usize));
    }
    folded(&plural(comparison.traces.len() as u64, "trace"), &body)
}
