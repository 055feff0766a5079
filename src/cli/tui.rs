//! `tui`: the interactive view.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use tracehound_report::Case;
use tracehound_report::timeline::{Collector, Only, Timeline};
use tracehound_signals::{Signal, SignalId};
use tracehound_state::ProcessId;
use tracehound_suppress::files::write;
use tracehound_suppress::query::{self, Mode};
use tracehound_suppress::{ExtraTags, SignalView};
use tracehound_tui::{App, Host};

use super::args::{Global, Tui, When};
use super::exit::{Failure, Outcome};
use super::output::{AtomicFile, printable, screen};
use super::session::{Session, load_rule_files, set_threads};
use super::suppress;
use super::suppressing::{Suppressions, plural, tags};

pub(super) fn run(global: &Global, args: &Tui) -> Result<Outcome, Failure> {
    for (name, is_terminal) in
        [("standard output", io::stdout().is_terminal()), ("standard input", io::stdin().is_terminal())]
    {
        if !is_terminal {
            let message = format!("tui needs a terminal, and {name} is none; `tree` and `timeline` print to anything");
            return Err(Failure::Usage(message));
        }
    }
    if args.trace == Path::new("-") {
        let message = "tui reads keys from standard input: the trace must be a file";
        return Err(Failure::Usage(message.to_owned()));
    }
    set_threads(global);
    let files = load_rule_files(global, &args.rules)?;
    let suppressions = Suppressions::load(global, &args.suppressions, &files)?;
    let (rules, set) = (&files.rules, suppressions.set(&files.rules));
    let mut collector = Collector::new();
    let session = Session::run_suppressing(global, &args.trace, rules, &args.rules, Some(&set), |window| {
        collector.window(window.batches, window.facts, window.history, window.context);
        Ok(())
    })?;
    let tags = tags(&args.suppressions.tags)?;
    let ended_by = session.with_case(|case| {
        let timeline = Timeline::new(case, collector, &Only { is_unrolled: true, ..Only::default() });
        let mut app = App::new(case, &timeline, screen(global.color, &io::stdout(), false));
        // What is said while the interface is shown would stand across it.
        let global = Global { quiet: true, verbose: false, progress: When::Never, ..global.clone() };
        let mut outside = Outside { global, args, case, tags: &tags };
        tracehound_tui::run(&mut app, &mut outside)
    })?;
    let partial = session.partial(global, args.allow_partial);
    Ok(match ended_by {
        // As a shell tells it.
        Some(signal) => Outcome::Command(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
        None => partial,
    })
}

/// What the interface needs of queries and suppressions.
struct Outside<'a> {
    global: Global,
    args: &'a Tui,
    case: &'a Case<'a>,
    tags: &'a ExtraTags,
}

impl Host for Outside<'_> {
    fn query(&mut self, text: &str, app: &App<'_>) -> Result<Vec<ProcessId>, String> {
        let (query, diagnostics) = query::parse(text, Mode::Lenient);
        let Some(query) = query else {
            let first = diagnostics.iter().find(|diagnostic| diagnostic.is_error());
            return Err(first.map_or_else(|| "the query does not parse".to_owned(), |first| first.message.clone()));
        };
        let history = self.case.history;
        let is_match = |id: &ProcessId| {
            let seq = self.case.last_seq(*id).min(app.seq());
            query.matches(&SignalView::of_process(history, *id, seq, self.tags))
        };
        Ok((0..history.processes.len() as u32).map(ProcessId::new).filter(is_match).collect())
    }

    fn write(&mut self, path: &str, ids: &[SignalId]) -> Result<String, String> {
        // A proposal is for what signals of one rule share.
        let mut by_rule: BTreeMap<usize, Vec<SignalId>> = BTreeMap::new();
        for id in ids {
            if let Some(signal) = self.case.signals.iter().find(|signal| signal.id == *id) {
                by_rule.entry(signal.rule.index).or_default().push(*id);
            }
        }
        self.draft(path, by_rule).map_err(|failure| printable(failure.to_string().as_bytes()))
    }
}

impl Outside<'_> {
    fn draft(&self, path: &str, by_rule: BTreeMap<usize, Vec<SignalId>>) -> Result<String, Failure> {
        // Refused before the work: an existing file is never replaced.
        let mut file = AtomicFile::create(Path::new(path), false, &[])?;
        let (mut entries, mut missing) = (Vec::new(), Vec::new());
        for ids in by_rule.into_values() {
            let tags = &self.args.suppressions.tags;
            let (comments, entry) = suppress::draft(&self.global, &self.args.trace, &self.args.rules, tags, &ids)?;
            file.write_all(&comments)?;
            writeln!(file, "#")?;
            match entry {
                Some(entry) => entries.push(entry),
                None => missing.extend(self.case.signals.iter().find(|signal| signal.id == ids[0])),
            }
        }
        file.write_all(write::file(&entries).as_bytes())?;
        file.commit()?;
        let drafted = plural(entries.len() as u64, "suppression");
        let rules: Vec<String> =
            missing.iter().map(|signal: &&Signal| printable(signal.rule.name.as_bytes())).collect();
        Ok(if rules.is_empty() {
            format!("{path}: {drafted} drafted; nothing is hidden until it is given with -s")
        } else {
            format!("{path}: {drafted} drafted; no proposal is narrow enough for {}", rules.join(", "))
        })
    }
}
