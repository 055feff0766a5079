//! `analyze`: history, rules, signals, tables.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use rayon::prelude::*;
use tracehound_formats::event::head_flags;
use tracehound_report::columns::events;
use tracehound_report::{Case, EVENTS, ParquetSink, TABLES, TableError, TableSink, overview, summary};
use tracehound_rules::{PlannedRule, Priority, RuleSet};
use tracehound_signals::{JsonLines, Signal, SignalSink, TextLines, Verdict};
use tracehound_suppress::SuppressionSet;

use super::args::{Analyze, Global, SignalFormat, When};
use super::exit::{Failure, Outcome};
use super::input;
use super::moment::outside;
use super::output::{AtomicDir, has_color, printable, screen};
use super::session::{Extras, Session, load_rule_files, set_threads, stdout};
use super::suppressing::{Suppressions, print_accounting};
use crate::pipeline::{HistorySize, KindsAsked};
use crate::rulefiles::RuleFiles;
use crate::{Limit, Only, Window};

pub(super) fn run(global: &Global, args: &Analyze) -> Result<Outcome, Failure> {
    set_threads(global);
    if args.events {
        args.traces.iter().try_for_each(|trace| input::check_read_again(trace, "--events reads the trace twice"))?;
    }
    // Who writes to standard input may wait to be told that rules do not load.
    if let [trace] = &args.traces[..]
        && trace != Path::new("-")
    {
        return run_one(global, args, trace);
    }
    let (files, suppressions) = load(global, args)?;
    let folders = folders(args)?;
    let rules = &files.rules;
    let mut outcome = Outcome::Done;
    // As many traces at a time as there are workers: each needs the memory of its history until it is reported.
    let n_at_a_time = rayon::current_num_threads().max(1);
    let traces: Vec<usize> = (0..args.traces.len()).collect();
    for some in traces.chunks(n_at_a_time) {
        let folder = |i: usize| folders.get(i).map(PathBuf::as_path);
        let started: Vec<_> = match some {
            [i] => vec![start(global, args, rules, &suppressions, &args.traces[*i], folder(*i))],
            some => {
                // Two bars would write over each other.
                let global = &Global { progress: When::Never, ..global.clone() };
                let one = |&i: &usize| start(global, args, rules, &suppressions, &args.traces[i], folder(i));
                some.par_iter().map(one).collect()
            }
        };
        for (&i, started) in some.iter().zip(started) {
            let result = started.and_then(|started| finish(global, args, rules, &args.traces[i], started));
            outcome = outcome.and(match result {
                Ok((outcome, session)) => {
                    if i + 1 == args.traces.len() {
                        std::mem::forget(session); // As with one trace.
                    }
                    outcome
                }
                // One unreadable trace does not keep the others from being read.
                Err(failure @ Failure::Input { .. }) if args.traces.len() > 1 => {
                    eprintln!("tracehound: {failure}");
                    failure.outcome()
                }
                Err(failure) => return Err(failure),
            });
        }
    }
    Ok(outcome)
}

/// Loads what signals are made and judged by; prints diagnostics.
fn load(global: &Global, args: &Analyze) -> Result<(RuleFiles, Suppressions), Failure> {
    let files = load_rule_files(global, &args.rules)?;
    let suppressions = Suppressions::load(global, &args.suppressions, &files)?;
    Ok((files, suppressions))
}

/// One trace: it is opened and its beginning replayed while rules are loaded. What is wrong with rules is said first.
fn run_one(global: &Global, args: &Analyze, trace: &Path) -> Result<Outcome, Failure> {
    // As much as the main thread has: conditions are nested as deep wherever they are loaded.
    const STACK: usize = 8 << 20;
    // The program ends after it: it need not take rules and history apart row by row before.
    let (loaded, set) = (ManuallyDrop::new(OnceCell::new()), OnceCell::new());
    let mut folder = None;
    let session = thread::scope(|scope| {
        let (tell, kinds) = mpsc::channel();
        let on_thread = move || -> Result<(RuleFiles, Suppressions), Failure> {
            let (files, suppressions) = load(global, args)?;
            // Nobody asks if the trace cannot be opened.
            drop(tell.send(KindsAsked::of(&files.rules)));
            Ok((files, suppressions))
        };
        let builder = thread::Builder::new().name("rules".to_owned()).stack_size(STACK);
        let loading = builder
            .spawn_scoped(scope, on_thread)
            .map_err(|error| Failure::Usage(format!("no thread to load rules on: {error}")))?;
        let opened = args.only(trace).and_then(|only| Ok((only, input::open(trace)?)));
        let wait = || -> Result<(&RuleSet, &SuppressionSet<'_>), Failure> {
            let result = loading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            folder = args.output.as_ref().map(|folder| AtomicDir::create(folder, args.force)).transpose()?;
            let (files, suppressions) = loaded.get_or_init(|| result);
            Ok((&files.rules, set.get_or_init(|| suppressions.set(&files.rules))))
        };
        match opened {
            Ok((only, opened)) => {
                let only = Only { is_unobserved: true, ..only };
                Session::run_loading(global, opened, &args.rules, (only, args.limit()), kinds, wait)
            }
            Err(failure) => wait().and(Err(failure)),
        }
    })?;
    let none = RuleSet::default();
    let rules = loaded.get().map_or(&none, |(files, _)| &files.rules);
    let (outcome, session) = finish(global, args, rules, trace, (session, folder))?;
    std::mem::forget(session);
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

/// Analyzes a trace, printing nothing; the folder for its tables is made before.
fn start(
    global: &Global,
    args: &Analyze,
    rules: &RuleSet,
    suppressions: &Suppressions,
    trace: &Path,
    folder: Option<&Path>,
) -> Result<(Session, Option<AtomicDir>), Failure> {
    let folder = folder.map(|folder| AtomicDir::create(folder, args.force)).transpose()?;
    let set = suppressions.set(rules);
    let (only, limit) = (Only { is_unobserved: true, ..args.only(trace)? }, args.limit());
    let extras = Extras { suppressions: Some(&set), only, limit, ..Extras::default() };
    Ok((Session::run_with(global, trace, rules, &args.rules, extras, |_| Ok(()))?, folder))
}

/// Reports what was found in a trace.
fn finish(
    global: &Global,
    args: &Analyze,
    rules: &RuleSet,
    trace: &Path,
    (session, folder): (Session, Option<AtomicDir>),
) -> Result<(Outcome, Session), Failure> {
    session.with_case(|case| -> Result<(), Failure> {
        print_signals(global, args, case)?;
        let Some(folder) = folder else { return Ok(()) };
        for table in TABLES {
            let info = table.info();
            let failed = |error| folder.table_failed(info.name, error);
            let mut sink = ParquetSink::new(folder.file(&format!("{}.parquet", info.name))?, &info).map_err(failed)?;
            table.write(case, &mut sink).map_err(failed)?;
        }
        if args.events {
            write_events(global, args, trace, &session, case, &folder)?;
        }
        let mut file = folder.file("summary.json")?;
        let written = writeln!(file, "{:#}", summary::summary(case)).and_then(|()| file.flush());
        written.map_err(|error| folder.failed("summary.json", error))?;
        drop(file);
        folder.commit()
    })?;
    if !global.quiet {
        print_summary(global, args, trace, &session, rules);
    }
    let fired = |least: Priority| {
        session.analysis.signals.iter().any(|s| s.verdict == Verdict::Fired && s.rule.priority <= least)
    };
    let findings = if args.fail_on.is_some_and(fired) { Outcome::Findings } else { Outcome::Done };
    Ok((findings.and(session.partial(global, args.allow_partial)), session))
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
    session: &Session,
    case: &Case<'_>,
    folder: &AtomicDir,
) -> Result<(), Failure> {
    use tracehound_report::AnyTable;
    let info = EVENTS.info();
    let failed = |error| folder.table_failed(info.name, error);
    let mut sink = ParquetSink::new(folder.file("events.parquet")?, &info).map_err(failed)?;
    // The second reading ends where the first did.
    let totals = &session.analysis.totals;
    let limit = totals.beyond_limit.map(|_| Limit::Events(totals.n_events));
    let extras = Extras { only: args.only(trace)?, limit, ..Extras::default() };
    Session::run_with(global, trace, &RuleSet::default(), &args.rules, extras, |window| {
        write_window(window, case, &mut sink).map_err(failed)
    })?;
    sink.finish().map_err(failed)
}

/// Writes the events of a window as rows, which are made in parallel.
pub(super) fn write_window(window: &Window<'_>, case: &Case<'_>, sink: &mut dyn TableSink) -> Result<(), TableError> {
    let (history, context) = (window.history, window.context);
    for (batch, facts) in window.batches.iter().zip(window.facts) {
        let row = |i: usize| {
            let (event, fact) = (batch.get(i)?, facts.get(i)?);
            let is_shown = event.head.flags & head_flags::STATE_ONLY == 0;
            is_shown.then(|| events::Row::new(&tracehound_fields::View { event, fact, history, context }))
        };
        let rows: Vec<events::Row> = (0..batch.len()).into_par_iter().with_min_len(256).filter_map(row).collect();
        EVENTS.write_rows(case, &rows, sink)?;
    }
    Ok(())
}

/// Why no event was left for rules by `--since`, `--until` and `--pid`: no signals would read as a clean trace.
fn why_rules_saw_nothing(args: &Analyze, trace: &Path, session: &Session) -> Option<String> {
    let analysis = &session.analysis;
    let is_pid = |pid| analysis.history.processes.iter().any(|process| process.pid.0 == pid);
    if let Some(pid) = args.pid.filter(|&pid| !is_pid(pid)) {
        return Some(format!("no process with pid {pid}"));
    }
    if args.since.is_none() && args.until.is_none() {
        return None;
    }
    let only = args.only(trace).ok()?;
    outside(only.since, only.until, (analysis.totals.first_ns, analysis.totals.last_ns))
}

/// The last lines on standard error: what was read, what came of it, what could not be asked, and what to do next.
fn print_summary(global: &Global, args: &Analyze, trace: &Path, session: &Session, rules: &RuleSet) {
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
    let screen = screen(global.color, &io::stderr(), false);
    session.with_case(|case| {
        if !analysis.signals.is_empty() {
            for line in overview::lines(case, screen.width.unwrap_or(120)) {
                eprintln!("{}", screen.render(&line));
            }
        }
        print_accounting(&session.name, case);
    });
    print_not_evaluable(session, rules);
    if analysis.signals.is_empty() {
        let is_asked = |rule: &PlannedRule| rule.is_active() && rule.rule().priority <= args.rules.min_priority;
        if !rules.rules().iter().any(is_asked) {
            eprintln!("{}: no rule was asked; -r RULES names rules", session.name);
        } else if let Some(why) = why_rules_saw_nothing(args, trace, session) {
            eprintln!("{}: rules saw no event: {why}", session.name);
        }
    }
    if analysis.totals.n_left_out > 0 {
        eprintln!("{}: {} events after --until were left out", session.name, analysis.totals.n_left_out);
    }
    if global.verbose {
        let size = HistorySize::of(analysis);
        eprintln!("{}: {size}", session.name);
        size.lines().for_each(|line| eprintln!("  {line}"));
    }
    // Of several traces the list would be as long as what they gave.
    if args.traces.len() == 1
        && let Some(signal) = fired().min_by_key(|signal| (signal.rule.priority, signal.seq, signal.rule.index))
    {
        print_next(args, trace, signal);
    }
}

/// Commands that go on from the gravest signal. Nothing if one could not be pasted.
fn print_next(args: &Analyze, trace: &Path, signal: &Signal) {
    let mut rest = Vec::new();
    for (flag, paths) in [("-r", &args.rules.rules), ("-s", &args.suppressions.suppressions)] {
        for path in paths {
            let Some(path) = shell_word(path) else { return };
            rest.push(format!("{flag} {path}"));
        }
    }
    let Some(trace) = shell_word(trace).filter(|word| word != "-") else { return };
    let (id, files) = (signal.id, rest.join(" "));
    let rules: Vec<&str> = rest.iter().map(String::as_str).filter(|word| word.starts_with("-r")).collect();
    eprintln!("next:");
    eprintln!("  tracehound tree {trace} {files} --signal {id}");
    eprintln!("  tracehound timeline {trace} {files} --around {id}");
    eprintln!("  tracehound explain {trace} {} {id}", rules.join(" "));
}

/// A path as a word of a shell; `None` if it holds what a terminal does not show as it is.
fn shell_word(path: &Path) -> Option<String> {
    let text = path.to_str().filter(|text| printable(text.as_bytes()) == *text)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@%".contains(c);
    Some(if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    })
}

/// Rules that ask for what the trace does not have.
fn print_not_evaluable(session: &Session, rules: &RuleSet) {
    let analysis = &session.analysis;
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
