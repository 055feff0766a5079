//! An explanation for people.

use std::io::{self, Write};

use tracehound_rules::{Explained, ExplainedPart};
use tracehound_signals::text::color;
use tracehound_signals::time::Rfc3339;
use tracehound_signals::visible::Visible;

use super::Report;
use crate::explain::{Ancestor, Found};

/// How text looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) has_color: bool,
    /// Nothing is cut.
    pub(super) is_full: bool,
}

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const RESET: &str = "\x1b[0m";

/// Characters of a command line, a comparison or a value before it is cut.
const MAX_TEXT: usize = 120;
/// Levels that are indented; deeper ones stand below each other.
const MAX_INDENT: usize = 32;

impl Style {
    fn paint(self, sequence: &'static str) -> &'static str {
        if self.has_color { sequence } else { "" }
    }

    /// Text on one line, hostile bytes visible, cut unless all was asked for.
    fn show(self, bytes: &[u8]) -> String {
        // A character is at most four bytes, and at least one when made visible.
        let bytes = if self.is_full { bytes } else { &bytes[..bytes.len().min(4 * (MAX_TEXT + 1))] };
        let text = Visible(bytes).to_string();
        match text.char_indices().nth(MAX_TEXT) {
            Some((end, _)) if !self.is_full => format!("{}…", &text[..end]),
            _ => text,
        }
    }
}

pub(super) fn write(out: &mut impl Write, report: &Report<'_>, style: Style) -> io::Result<()> {
    let rule = report.rule.rule();
    let (bold, dim, reset) = (style.paint(BOLD), style.paint(DIM), style.paint(RESET));
    let tint = style.paint(color(rule.priority));
    let name = format!("{tint}{}{reset} {bold}{}{reset}", rule.priority.name(), Visible(rule.name.as_bytes()));
    match report.signal {
        Some(signal) => {
            writeln!(out, "signal    {}  {}", signal.id, signal.verdict.name())?;
            for name in signal.verdict.suppressed_by() {
                writeln!(out, "hidden by {}", Visible(name.as_bytes()))?;
            }
            writeln!(out, "rule      {name}  {dim}{}{reset}", place(&rule.origin.path, rule.origin.line))?;
            writeln!(out, "output    {}", Visible(&signal.message))?;
        }
        None => {
            writeln!(out, "rule      {name}  {dim}{}{reset}", place(&rule.origin.path, rule.origin.line))?;
            writeln!(out, "asked     {}", asked(report))?;
            writeln!(out, "nearest   {}", verdict(report.found))?;
        }
    }
    if !report.rule.is_active() {
        writeln!(out, "          the rule is switched off, or not for system calls: analyze does not ask it")?;
    }
    let Some(moment) = &report.found.nearest else { return Ok(()) };
    let tid = if moment.tid.0 >= 0 { format!("  thread {}", moment.tid.0) } else { String::new() };
    writeln!(out, "event     {}  {}  {bold}{}{reset}{tid}", moment.seq.0, Rfc3339(moment.ts), moment.kind.name())?;
    if !moment.args.is_empty() {
        writeln!(out, "          {}", style.show(&moment.args))?;
    }
    writeln!(out, "evidence  {}", report.evidence.name())?;
    for reason in report.evidence.reasons() {
        writeln!(out, "          {}", Visible(reason.to_string().as_bytes()))?;
    }
    if !report.processes.0.is_empty() {
        writeln!(out, "\nprocess and ancestors, as of event {}", moment.seq.0)?;
        for process in &report.processes.0 {
            write_ancestor(out, report, process, style)?;
        }
        if report.processes.1 > 0 {
            writeln!(out, "  … {} more", report.processes.1)?;
        }
    }
    writeln!(out, "\ncondition")?;
    for part in &moment.parts {
        write_part(out, report, part, style)?;
    }
    Ok(())
}

/// Which events were asked, and how many match.
fn asked(report: &Report<'_>) -> String {
    let found = report.found;
    let events = if found.n_asked == 1 { "event" } else { "events" };
    let mut text = match report.kinds() {
        None => format!("{} {events}", found.n_asked),
        Some(kinds) if kinds.is_empty() => "no event: no kind of event can match".to_owned(),
        Some(kinds) => {
            const SHOWN: usize = 6;
            let more = kinds.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" or {more} more kinds") } else { String::new() };
            format!("{} {events} of kind {}{more}", found.n_asked, kinds[..kinds.len().min(SHOWN)].join(", "))
        }
    };
    if let Some(pid) = report.target.pid {
        text += &format!(", of pid {pid}");
    }
    if let Some(seq) = report.target.seq {
        text += &format!(", with number {}", seq.0);
    }
    text + &format!("; {} match", found.n_matches)
}

fn verdict(found: &Found) -> String {
    match found.nearest.as_ref().map(|moment| moment.distance) {
        None => "none: no such event".to_owned(),
        Some(None) => "cannot match: the kind of event alone decides".to_owned(),
        Some(Some(0)) if found.n_matches > 1 => format!("matches; the first of {} that do", found.n_matches),
        Some(Some(0)) => "matches".to_owned(),
        Some(Some(1)) => "1 comparison would have to turn out otherwise".to_owned(),
        Some(Some(n)) => format!("{n} comparisons would have to turn out otherwise"),
    }
}

fn place(path: &str, line: u32) -> String {
    format!("{}:{line}", Visible(path.as_bytes()))
}

fn write_ancestor(out: &mut impl Write, report: &Report<'_>, process: &Ancestor, style: Style) -> io::Result<()> {
    let (bold, dim, reset) = (style.paint(BOLD), style.paint(DIM), style.paint(RESET));
    let name = process.name.as_ref().map_or_else(|| "?".to_owned(), |name| Visible(name).to_string());
    write!(out, "  {bold}{} {name}{reset}", process.pid.0)?;
    if let Some(user) = &process.user {
        write!(out, "  {}", Visible(user))?;
    }
    if !process.exe_path.is_empty() {
        write!(out, "  {}", style.show(&process.exe_path))?;
    }
    if !process.command.is_empty() && process.command != process.exe_path {
        write!(out, "  {dim}{}{reset}", style.show(&process.command))?;
    }
    if let Some(container) = &process.container {
        write!(out, "  [{}]", Visible(container))?;
    }
    if let Some(parent) = process.birth_parent {
        write!(out, "  born by {}", report.pid(parent))?;
    }
    writeln!(out)
}

fn write_part(out: &mut impl Write, report: &Report<'_>, row: &Explained, style: Style) -> io::Result<()> {
    let (bold, dim, reset) = (style.paint(BOLD), style.paint(DIM), style.paint(RESET));
    let indent = "  ".repeat(1 + row.depth.min(MAX_INDENT));
    let (mark, tint) = if row.result { ('✓', style.paint(GREEN)) } else { ('✗', style.paint(RED)) };
    write!(out, "{indent}{tint}{mark}{reset} ")?;
    let must_change = match (row.must_change, row.result) {
        (false, _) => String::new(),
        (true, false) => format!("  {bold}← has to be true{reset}"),
        (true, true) => format!("  {bold}← has to be false{reset}"),
    };
    match &row.part {
        ExplainedPart::Not => writeln!(out, "not"),
        ExplainedPart::And => writeln!(out, "all of"),
        ExplainedPart::Or => writeln!(out, "one of"),
        ExplainedPart::Const => writeln!(out, "always {}", row.result),
        ExplainedPart::Leaf { id, text, values } => {
            writeln!(out, "{}{must_change}", style.show(text.as_bytes()))?;
            let mut notes: Vec<String> = values
                .iter()
                .map(|(operand, value)| {
                    // An absent value is not the text `<NA>`, which some fields have, and an empty one is a value.
                    let value = match value {
                        None => "absent".to_owned(),
                        Some(empty) if empty.is_empty() => "\"\"".to_owned(),
                        Some(value) => style.show(value),
                    };
                    format!("{} is {value}", style.show(operand.as_bytes()))
                })
                .collect();
            if let Some(origin) = report.loaded.leaf_origin(*id) {
                notes.push(format!("{dim}{}{reset}", place(&origin.path, origin.line)));
                for (one, several, names) in [("macro", "macros", &origin.macros), ("list", "lists", &origin.lists)] {
                    if !names.is_empty() {
                        let kind = if names.len() == 1 { one } else { several };
                        let names = style.show(names.join(", ").as_bytes());
                        notes.push(format!("{dim}{kind} {names}{reset}"));
                    }
                }
            }
            writeln!(out, "{indent}    {}", notes.join("  "))
        }
    }
}
