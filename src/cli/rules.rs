//! `rules check`, `rules list`, `rules fields`.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value as Json, json};
use tracehound_fields::describe::{self, FieldDoc};
use tracehound_lang::{Severity, render};
use tracehound_rules::RuleSet;

use super::args::{CheckFormat, FieldsFormat, Global, ListFormat, RuleArgs, RulesCheck, RulesFields, RulesList};
use super::exit::{Failure, Outcome};
use super::output::printable;
use super::sarif;
use super::session::{Session, select, set_threads, stdout};
use super::suppressing;
use crate::rulefiles::{self, RuleFiles};

fn load(paths: &[std::path::PathBuf]) -> Result<RuleFiles, Failure> {
    rulefiles::load(paths).map_err(|error| Failure::Rules(printable(error.to_string().as_bytes())))
}

pub(super) fn check(global: &Global, args: &RulesCheck) -> Result<Outcome, Failure> {
    let mut files = load(&args.rules)?;
    let filters = suppressing::lint_filters(&files);
    rulefiles::report(&mut files.loaded, filters);
    let stats = files.loaded.stats;
    let mut out = stdout();
    match args.format {
        CheckFormat::Text => {
            let least = if global.quiet { Severity::Error } else { Severity::Lint };
            write!(out, "{}", files.render(least))?;
            writeln!(
                out,
                "{} files: {} rules ({} enabled), {} macros, {} lists; {} errors, {} warnings, {} remarks",
                stats.files,
                stats.rules,
                stats.rules_enabled,
                stats.macros,
                stats.lists,
                stats.errors,
                stats.warnings,
                stats.lints
            )?;
        }
        CheckFormat::Json => {
            let loaded = &files.loaded;
            let rows: Vec<Json> = loaded
                .diagnostics
                .iter()
                .filter_map(|d| serde_json::from_str(&render::row(d, &loaded.sources).to_json()).ok())
                .collect();
            let stats = json!({
                "files": stats.files, "rules": stats.rules, "rules_enabled": stats.rules_enabled,
                "rules_skipped": stats.rules_skipped, "rules_rejected": stats.rules_rejected,
                "macros": stats.macros, "lists": stats.lists, "errors": stats.errors,
                "warnings": stats.warnings, "lints": stats.lints,
            });
            let schema: Vec<Json> = loaded
                .schema
                .iter()
                .map(|status| {
                    let line = status.finding.as_ref().map(|(_, at)| loaded.sources.position(at.file, at.start).line);
                    json!({
                        "file": loaded.sources.path(status.file), "status": status.name(), "line": line,
                        "message": status.finding.as_ref().map(|(message, _)| message),
                    })
                })
                .collect();
            let report = json!({ "diagnostics": rows, "schema_validation": schema, "stats": stats });
            writeln!(out, "{report:#}")?;
        }
        CheckFormat::Sarif => writeln!(out, "{:#}", sarif::log(&files.loaded.diagnostics, &files.loaded.sources))?,
    }
    out.flush()?;
    Ok(if files.has_errors() { Outcome::Rules } else { Outcome::Done })
}

pub(super) fn list(global: &Global, args: &RulesList) -> Result<Outcome, Failure> {
    set_threads(global);
    let mut files = load(&args.rules)?;
    select(&mut files.rules, &args.selections.0)?;
    eprint!("{}", files.render(if global.quiet { Severity::Error } else { Severity::Warning }));
    let not_evaluable = match &args.trace {
        None => None,
        Some(trace) => {
            let rule_args = RuleArgs::of(Vec::new());
            let session = Session::run(global, trace, &files.rules, &rule_args, |_| Ok(()))?;
            Some(session.analysis.not_evaluable)
        }
    };
    let default = if io::stdout().is_terminal() { ListFormat::Text } else { ListFormat::Jsonl };
    let rows = rows(&files.rules, not_evaluable.as_deref());
    let mut out = stdout();
    match args.format.unwrap_or(default) {
        ListFormat::Jsonl => rows.iter().try_for_each(|row| writeln!(out, "{row}"))?,
        ListFormat::Json => writeln!(out, "{:#}", Json::Array(rows))?,
        ListFormat::Text => {
            for row in &rows {
                let text = |key: &str| printable(row[key].as_str().unwrap_or_default().as_bytes());
                let list = |key: &str| {
                    let items = row[key].as_array().map(Vec::as_slice).unwrap_or_default();
                    printable(items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ").as_bytes())
                };
                let state = if row["enabled"] == true { "" } else { " (disabled)" };
                writeln!(out, "{:<13} {}{state}", text("priority"), text("rule"))?;
                let kinds = if row["all_events"] == true { "all events".to_owned() } else { list("events") };
                writeln!(out, "{:14}{}:{}", "", text("file"), row["line"])?;
                writeln!(out, "{:14}events: {kinds}", "")?;
                writeln!(out, "{:14}fields: {}", "", list("fields"))?;
                writeln!(out, "{:14}tags:   {}", "", list("tags"))?;
                for why in row["not_evaluable"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                    writeln!(out, "{:14}not in this trace: {}", "", printable(why.as_bytes()))?;
                }
            }
        }
    }
    out.flush()?;
    Ok(if files.has_errors() { Outcome::Rules } else { Outcome::Done })
}

fn rows(rules: &RuleSet, not_evaluable: Option<&[Vec<String>]>) -> Vec<Json> {
    let rows = rules.rules().iter().enumerate().map(|(i, planned)| {
        let rule = planned.rule();
        let is_all = planned.kinds().is_all();
        let mut row = json!({
            "rule": rule.name,
            "description": rule.description,
            "priority": rule.priority.name(),
            "enabled": planned.is_active(),
            "source": rule.source,
            "tags": rule.tags,
            "events": if is_all { Vec::new() } else { planned.kinds().names() },
            "all_events": is_all,
            "fields": planned.fields_used().iter().map(|field| &*field.text).collect::<Vec<_>>(),
            "output": rule.output_text,
            "condition": rule.condition_text,
            "file": rule.origin.path,
            "line": rule.origin.line,
        });
        if let Some(missing) = not_evaluable {
            row["not_evaluable"] = json!(missing[i]);
        }
        row
    });
    rows.collect()
}

pub(super) fn fields(args: &RulesFields) -> Result<Outcome, Failure> {
    let is_shown = |doc: &FieldDoc| match &args.name {
        // Asked for by name, a field that lists leave out is shown too.
        Some(part) => doc.name.contains(part.as_str()),
        None => !doc.is_hidden,
    };
    let docs: Vec<FieldDoc> = describe::describe().into_iter().filter(is_shown).collect();
    if docs.is_empty() {
        return Err(Failure::Usage(format!("no field has {:?} in its name", args.name.as_deref().unwrap_or_default())));
    }
    let mut out = stdout();
    match args.format {
        FieldsFormat::Markdown => write!(out, "{}", describe::markdown())?,
        FieldsFormat::Json => {
            let rows = docs.iter().map(|doc| {
                json!({
                    "name": doc.name, "family": doc.family, "argument": doc.arg, "type": doc.ty, "doc": doc.doc,
                    "source": doc.source, "needs": doc.needs, "answered": doc.not_answered.is_none(),
                    "cost": doc.cost, "notes": doc.notes, "hidden": doc.is_hidden,
                    "example": doc.example,
                })
            });
            writeln!(out, "{:#}", rows.collect::<Json>())?;
        }
        FieldsFormat::Text => {
            for doc in &docs {
                let arg = if doc.arg.is_empty() { String::new() } else { format!("  {}", doc.arg) };
                writeln!(out, "{}{arg}  ({})", doc.name, doc.ty)?;
                writeln!(out, "    {}", doc.doc)?;
                writeln!(out, "    from: {}", doc.source)?;
                if let Some(example) = &doc.example {
                    writeln!(out, "    example: {example}")?;
                }
                if !doc.needs.is_empty() {
                    writeln!(out, "    needs: {}", doc.needs)?;
                }
                writeln!(out, "    asked: {}", doc.cost)?;
                if !doc.notes.is_empty() {
                    writeln!(out, "    note: {}", doc.notes.join("; "))?;
                }
            }
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}
