//! `analyze`: history, rules, signals, tables.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tracehound_formats::event::head_flags;
use tracehound_report::columns::events;
use tracehound_report::{Case, EVENTS, ParquetSink, TABLES, TableSink, summary};
use tracehound_rules::{Priority, RuleSet};
use tracehound_signals::{JsonLines, SignalSink, TextLines, Verdict};

use super::args::{Analyze, Global, SignalFormat};
use super::exit::{Failure, Outcome};
use super::output::{AtomicDir, has_color};
use super::session::{Session, load_rule_files, set_threads, stdout};
use super::suppressing::{Suppressions, print_accounting};

pub(super) fn run(global: &Global, args: &Analyze) -> Result<Outcome, Failure> {
    set_threads(global);
    let files = load_rule_files(global, &args.rules)?;
    let suppressions = Suppressions::load(global, &args.suppressions, &files)?;
    let folders = folders(args)?;
    let mut outcome = Outcome::Done;
    for (i, trace) in args.traces.iter().enumerate() {
        let folder = folders.get(i).map(PathBuf::as_path);
        let result = one(global, args, &files.rules, &suppressions, trace, folder);
        outcome = outcome.and(match result {
            Ok(outcome) => outcome,
            // One unreadable trace does not keep the others from being read.
            Err(failure @ Failure::Input { .. }) if args.traces.len() > 1 => {
                eprintln!("tracehound: {failure}");
                failure.outcome()
            }
            Err(failure) => return Err(failure),
        });
    }
    Ok(outcome)
}

/// Where the tables of each trace go: the folder itself, or with several traces one below it for each.
fn folders(args: &Analyze) -> Result<Vec<PathBuf>, Failure> {
    let Some(output) = &args.output else { return Ok(Vec::new()) };
    if args.traces.len() == 1 {
        return Ok(vec![output.clone()]);
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    for trace in &args.traces {
        let name = trace.file_name().unwrap_or_else(|| "stdin".as_ref());
        let folder = output.join(name);
        if folders.contains(&folder) {
            return Err(Failure::Usage(format!(
                "two traces are called {}: their tables would go to one folder",
                name.to_string_lossy()
            )));
        }
        folders.push(folder);
    }
    Ok(folders)
}

fn one(
    global: &Global,
    args: &Analyze,
    rules: &RuleSet,
    suppressions: &Suppressions,
    trace: &Path,
    folder: Option<&Path>,
) -> Result<Outcome, Failure> {
    if args.events && trace == Path::new("-") {
        return Err(Failure::Usage("--events reads the trace twice, which standard input cannot be".to_owned()));
    }
    let folder = folder.map(|folder| AtomicDir::create(folder, args.force)).transpose()?;
    let set = suppressions.set(rules);
    let session = Session::run_suppressing(global, trace, rules, &args.rules, Some(&set), |_| Ok(()))?;
    session.with_case(|case| -> Result<(), Failure> {
        print_signals(global, args, case)?;
        let Some(folder) = folder else { return Ok(()) };
        for table in TABLES {
            let info = table.info();
            let failed = |error| Failure::Table { table: info.name, error };
            let mut sink = ParquetSink::new(folder.file(&format!("{}.parquet", info.name))?, &info).map_err(failed)?;
            table.write(case, &mut sink).map_err(failed)?;
        }
        if args.events {
            write_events(global, args, trace, case, &folder)?;
        }
        let mut file = folder.file("summary.json")?;
        writeln!(file, "{:#}", summary::summary(case))?;
        file.flush()?;
        drop(file);
        folder.commit()
    })?;
    if !global.quiet {
        print_summary(&session, rules);
        session.with_case(|case| print_accounting(&session.name, case));
    }
    let fired = |least: Priority| {
        session.analysis.signals.iter().any(|s| s.verdict == Verdict::Fired && s.rule.priority <= least)
    };
    let findings = if args.fail_on.is_some_and(fired) { Outcome::Findings } else { Outcome::Done };
    Ok(findings.and(session.partial(global, args.allow_partial)))
}

fn print_signals(global: &Global, args: &Analyze, case: &Case<'_>) -> Result<(), Failure> {
    let is_terminal = io::stdout().is_terminal();
    let default = if is_terminal { SignalFormat::Text } else { SignalFormat::Jsonl };
    let mut sink: Box<dyn SignalSink + '_> = match args.format.unwrap_or(default) {
        SignalFormat::Text => {
            Box::new(TextLines::new(stdout(), has_color(global.color, &io::stdout()), args.show_suppressed))
        }
        SignalFormat::Jsonl => Box::new(JsonLines::new(stdout(), case.keys, args.show_suppressed)),
    };
    for signal in case.signals {
        sink.signal(signal)?;
    }
    Ok(sink.finish()?)
}

/// Writes `events.parquet`: the trace is read a second time, so that memory stays bounded by a window of rows. A
/// replay is deterministic, so that processes have the same numbers as in the first reading, and keys are final.
fn write_events(
    global: &Global,
    args: &Analyze,
    trace: &Path,
    case: &Case<'_>,
    folder: &AtomicDir,
) -> Result<(), Failure> {
    use tracehound_report::AnyTable;
    let info = EVENTS.info();
    let failed = |error| Failure::Table { table: info.name, error };
    let mut sink = ParquetSink::new(folder.file("events.parquet")?, &info).map_err(failed)?;
    Session::run(global, trace, &RuleSet::default(), &args.rules, |window| {
        for (batch, facts) in window.batches.iter().zip(window.facts) {
            let rows: Vec<events::Row> = batch
                .iter()
                .zip(facts)
                .filter(|(event, _)| event.head.flags & head_flags::STATE_ONLY == 0)
                .map(|(event, fact)| {
                    let (history, context) = (window.history, window.context);
                    events::Row::new(&tracehound_fields::View { event, fact, history, context })
                })
                .collect();
            EVENTS.write_rows(case, &rows, &mut sink).map_err(failed)?;
        }
        Ok(())
    })?;
    sink.finish().map_err(failed)
}

/// The last lines on standard error: what was read and what came of it.
fn print_summary(session: &Session, rules: &RuleSet) {
    let analysis = &session.analysis;
    let fired = || analysis.signals.iter().filter(|s| s.verdict == Verdict::Fired);
    let n_suppressed = analysis.signals.len() - fired().count();
    let mut by_priority = String::new();
    for priority in Priority::ALL {
        let n = fired().filter(|s| s.rule.priority == priority).count();
        if n > 0 {
            by_priority += &format!(", {n} {}", priority.name());
        }
    }
    if n_suppressed > 0 {
        by_priority += &format!("; {n_suppressed} suppressed");
    }
    eprintln!(
        "{}: {} events, {} processes, {} signals{by_priority}",
        session.name,
        analysis.read_notes.n_events,
        analysis.history.processes.len(),
        fired().count(),
    );
    let planned = rules.rules().iter().zip(&analysis.not_evaluable);
    let lacking: Vec<_> = planned.filter(|(rule, missing)| rule.is_active() && !missing.is_empty()).collect();
    if lacking.is_empty() {
        return;
    }
    eprintln!(
        "{}: {} of {} rules ask for what this trace does not have, and can miss something:",
        session.name,
        lacking.len(),
        rules.rules().iter().filter(|rule| rule.is_active()).count()
    );
    // The same reason stands behind many rules and fields: by reason is shorter than by rule.
    let mut by_reason: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<usize>)> = BTreeMap::new();
    for (i, (_, missing)) in lacking.iter().enumerate() {
        for (field, why) in missing.iter().filter_map(|text| text.split_once(": ")) {
            let (fields, rules) = by_reason.entry(why).or_default();
            fields.insert(field.split_once('[').map_or(field, |(name, _)| name));
            rules.insert(i);
        }
    }
    for (why, (fields, rules)) in by_reason {
        let fields: Vec<&str> = fields.into_iter().collect();
        eprintln!("  {why} ({} rules: {})", rules.len(), fields.join(", "));
    }
}
