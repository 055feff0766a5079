//! What a corpus says of the rules, for people and programs.

use std::io::{self, Write};

use serde_json::{Value as Json, json};
use tracehound_lang::markup::cell;
use tracehound_signals::visible::Visible;

use crate::coverage::{Coverage, RuleRow, TechniqueRow};

/// Names of traces shown of a rule.
const MAX_SHOWN: usize = 5;

/// For people: what was never tested first.
pub fn coverage_text(out: &mut impl Write, coverage: &Coverage) -> io::Result<()> {
    let visible = |text: &str| Visible(text.as_bytes()).to_string();
    let never: Vec<&RuleRow> = never_fired(coverage).collect();
    writeln!(out, "\ncoverage: {}", head(coverage))?;
    if !never.is_empty() {
        writeln!(out, "\nfired on no trace: {} of {} rules", never.len(), n_active(coverage))?;
        for row in never {
            writeln!(out, "  {}  {}", visible(&row.name), visible(&row.place))?;
        }
    }
    let labelled: Vec<&RuleRow> = labelled(coverage).collect();
    if !labelled.is_empty() {
        writeln!(out, "\n found missed  false  other precision recall  rule")?;
        for row in labelled {
            let RuleRow { found, missed, false_alarms, elsewhere, .. } = row;
            let numbers = [found, missed, false_alarms, elsewhere].map(|list| format!("{:>6}", list.len())).join(" ");
            let (precision, recall) = (percent(row.precision()), percent(row.recall()));
            writeln!(out, "{numbers} {precision:>9} {recall:>6}  {}", visible(&row.name))?;
            for (what, traces) in [("missed", missed), ("false", false_alarms)] {
                for trace in traces.iter().take(MAX_SHOWN) {
                    writeln!(out, "{:>48}  {}", what, visible(trace))?;
                }
                if traces.len() > MAX_SHOWN {
                    writeln!(out, "{what:>48}  and {} more", traces.len() - MAX_SHOWN)?;
                }
            }
        }
    }
    if !coverage.techniques.is_empty() {
        writeln!(out, "\nattacks  found  rules  fired  technique")?;
        for (id, TechniqueRow { n_attacks, n_found, rules, n_rules_fired }) in &coverage.techniques {
            writeln!(out, "{n_attacks:>7} {n_found:>6} {:>6} {n_rules_fired:>6}  {}", rules.len(), visible(id))?;
        }
    }
    let lacking: Vec<&RuleRow> = coverage.rules.iter().filter(|row| lacks(row)).collect();
    if !lacking.is_empty() {
        writeln!(out, "\ncomparisons that the corpus does not test both ways")?;
        for row in lacking {
            writeln!(out, "  {}  {}", visible(&row.name), visible(&row.place))?;
            for leaf in &row.leaves {
                if let Some(lack) = leaf.lack() {
                    let times = leaf.count.n_true + leaf.count.n_false;
                    let asked = if times > 0 { format!("  asked {times} times") } else { String::new() };
                    writeln!(out, "    {lack:<11}  {}  {}{asked}", short(&leaf.text), visible(&leaf.place))?;
                }
            }
        }
    }
    Ok(())
}

/// A comparison on a line, long lists cut.
fn short(text: &str) -> String {
    const MAX: usize = 100;
    let shown = Visible(text.as_bytes()).to_string();
    match shown.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn head(coverage: &Coverage) -> String {
    let Coverage { n_attacks, n_benign, n_unlabelled, .. } = coverage;
    let n_leaves: usize = coverage.rules.iter().filter(|row| row.is_active).map(|row| row.leaves.len()).sum();
    let active = || coverage.rules.iter().filter(|row| row.is_active).flat_map(|row| &row.leaves);
    let n_both = active().filter(|leaf| leaf.lack().is_none()).count();
    format!(
        "{} rules over {n_attacks} attacks, {n_benign} benign traces and {n_unlabelled} without a label; {n_both} of \
         {n_leaves} comparisons were true and false",
        n_active(coverage)
    )
}

fn n_active(coverage: &Coverage) -> usize {
    coverage.rules.iter().filter(|row| row.is_active).count()
}

fn never_fired(coverage: &Coverage) -> impl Iterator<Item = &RuleRow> {
    coverage.rules.iter().filter(|row| row.is_active && row.n_fired == 0)
}

/// Rules that labels say something about.
fn labelled(coverage: &Coverage) -> impl Iterator<Item = &RuleRow> {
    coverage.rules.iter().filter(|row| !(row.found.is_empty() && row.missed.is_empty() && row.false_alarms.is_empty()))
}

fn lacks(row: &RuleRow) -> bool {
    row.is_active && row.leaves.iter().any(|leaf| leaf.lack().is_some())
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// For programs. Keys are stable: see `docs/suites.md`.
pub fn coverage_json(coverage: &Coverage) -> Json {
    let rules: Vec<Json> = coverage
        .rules
        .iter()
        .map(|row| {
            let leaves: Vec<Json> = row
                .leaves
                .iter()
                .map(|leaf| {
                    json!({
                        "text": leaf.text, "place": leaf.place, "true": leaf.count.n_true, "false": leaf.count.n_false,
                    })
                })
                .collect();
            json!({
                "rule": row.name, "place": row.place, "enabled": row.is_active, "techniques": row.techniques,
                "traces_fired": row.n_fired, "found": row.found, "missed": row.missed,
                "false_alarms": row.false_alarms, "elsewhere": row.elsewhere, "precision": row.precision(),
                "recall": row.recall(), "comparisons": leaves,
            })
        })
        .collect();
    let techniques: Vec<Json> = coverage
        .techniques
        .iter()
        .map(|(id, row)| {
            json!({
                "technique": id, "attacks": row.n_attacks, "found": row.n_found, "rules": row.rules,
                "rules_fired": row.n_rules_fired,
            })
        })
        .collect();
    json!({
        "attacks": coverage.n_attacks, "benign": coverage.n_benign, "unlabelled": coverage.n_unlabelled,
        "never_fired": never_fired(coverage).map(|row| row.name.as_str()).collect::<Vec<_>>(),
        "rules": rules, "techniques": techniques,
    })
}

/// For a pull request: what is not tested, and the rules that are not right.
pub fn coverage_markdown(out: &mut impl Write, coverage: &Coverage) -> io::Result<()> {
    writeln!(out, "\n## Coverage\n\n{}\n", head(coverage))?;
    let never: Vec<String> = never_fired(coverage).map(|row| cell(&row.name)).collect();
    if !never.is_empty() {
        writeln!(out, "Fired on no trace: {}\n", never.join(", "))?;
    }
    let mut rows = labelled(coverage).peekable();
    if rows.peek().is_some() {
        writeln!(out, "| rule | found | missed | false alarms | elsewhere | precision | recall |")?;
        writeln!(out, "|---|--:|--:|--:|--:|--:|--:|")?;
        for row in rows {
            let numbers =
                [&row.found, &row.missed, &row.false_alarms, &row.elsewhere].map(|list| list.len().to_string());
            let (precision, recall) = (percent(row.precision()), percent(row.recall()));
            writeln!(out, "| {} | {} | {precision} | {recall} |", cell(&row.name), numbers.join(" | "))?;
        }
    }
    if !coverage.techniques.is_empty() {
        writeln!(out, "\n| technique | attacks | found | rules | rules that fired |\n|---|--:|--:|--:|--:|")?;
        for (id, row) in &coverage.techniques {
            let (rules, fired) = (row.rules.len(), row.n_rules_fired);
            writeln!(out, "| {} | {} | {} | {rules} | {fired} |", cell(id), row.n_attacks, row.n_found)?;
        }
    }
    let lacking: Vec<&RuleRow> = coverage.rules.iter().filter(|row| lacks(row)).collect();
    if !lacking.is_empty() {
        writeln!(out, "\n<details><summary>comparisons that the corpus does not test both ways</summary>\n")?;
        writeln!(out, "| rule | comparison | |\n|---|---|---|")?;
        for row in lacking {
            for leaf in &row.leaves {
                if let Some(lack) = leaf.lack() {
                    writeln!(out, "| {} | {} | {lack} |", cell(&row.name), cell(&leaf.text))?;
                }
            }
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}
