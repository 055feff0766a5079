//! `tree`: the process tree in the terminal, for machines, and as a diagram of an attack path.

use std::io::{self, Write};

use tracehound_formats::{Nanos, Seq};
use tracehound_lang::render;
use tracehound_lang::source::{SourceFile, SourceMap};
use tracehound_report::path::Paths;
use tracehound_report::tree::{self, TreeOptions, TreeShown};
use tracehound_report::{Case, diagram};
use tracehound_signals::key::resolve;
use tracehound_signals::{SignalId, Verdict};
use tracehound_state::ProcessId;
use tracehound_suppress::query::{self, Mode};
use tracehound_suppress::{ExtraTags, Query, SignalView};

use super::args::Global;
use super::exit::{Failure, Outcome};
use super::moment::{Finder, Moment, signal};
use super::output::{printable, screen};
use super::session::{Extras, Session, load_rule_files, set_threads, stdout};
use super::suppressing::{Suppressions, tags};
use super::view_args::{Tree, TreeFormat};
use crate::Only;

pub(super) fn run(global: &Global, args: &Tree) -> Result<Outcome, Failure> {
    let id = args.signal.as_deref().map(|text| wanted(args, "--signal", text)).transpose()?;
    for (flag, moment) in [("--at", args.at), ("--around", args.around.map(|around| around.moment))] {
        if let Some(Moment::Signal(id)) = moment {
            wanted(args, flag, &id.to_string())?;
        }
    }
    if args.only_signals && args.rules.rules.is_empty() {
        return Err(Failure::Usage("--only-signals needs the rules that give signals: -r RULES".to_owned()));
    }
    let is_diagram = matches!(args.format, TreeFormat::Mermaid | TreeFormat::Dot);
    if is_diagram && id.is_none() {
        let message = "-f mermaid and -f dot draw the attack path of a signal: --signal ID";
        return Err(Failure::Usage(message.to_owned()));
    }
    let query = args.query.as_deref().map(read_query).transpose()?;
    let tags = tags(&args.suppressions.tags)?;
    set_threads(global);
    let files = load_rule_files(global, &args.rules)?;
    let suppressions = Suppressions::load(global, &args.suppressions, &files)?;
    let (rules, set) = (&files.rules, suppressions.set(&files.rules));
    let (mut at, mut around) = (Finder::new(args.at), Finder::new(args.around.map(|around| around.moment)));
    let only = Only { is_unobserved: args.at.is_none() && args.around.is_none(), ..Only::default() };
    let extras = Extras { suppressions: Some(&set), only, ..Extras::default() };
    let session = Session::run_with(global, &args.trace, rules, &args.rules, extras, |window| {
        at.window(window);
        around.window(window);
        Ok(())
    })?;
    let signals = &session.analysis.signals;
    let at = at.found(signals)?;
    let around = around.found(signals)?.zip(args.around).map(|((_, ts), around)| range(ts, around.span));
    let pinned = id.map(|id| signal(signals, id)).transpose()?;
    if is_diagram && let Some(pinned) = pinned {
        let text = session.with_case(|case| {
            let path = Paths::new(case).of(pinned);
            path.map(|path| match args.format {
                TreeFormat::Mermaid => diagram::mermaid(case, &path, pinned),
                _ => diagram::dot(case, &path, pinned),
            })
        });
        let text = text.ok_or_else(|| Failure::Usage(format!("signal {} is on no process", pinned.id)))?;
        let mut out = stdout();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        return Ok(session.partial(global, args.allow_partial));
    }
    let seq = at.map(|(seq, _)| seq);
    let shown = session.with_case(|case| {
        let all = || (0..case.history.processes.len() as u32).map(ProcessId::new);
        let picks = if let Some(signal) = pinned {
            Some(signal.process.map(|process| resolve(case.history, process)).into_iter().collect())
        } else if let Some(pid) = args.pid {
            Some(all().filter(|&id| case.history.process(id).pid.0 == pid).collect())
        } else {
            query.as_ref().map(|query| all().filter(|&id| is_match(case, query, id, seq, &tags)).collect())
        };
        let only: Option<Vec<ProcessId>> = (args.only_signals || around.is_some()).then(|| {
            let has_signals = |id: ProcessId| {
                let until = seq.unwrap_or(Seq(u64::MAX));
                case.signals_of(id).any(|signal| signal.seq <= until && signal.verdict == Verdict::Fired)
            };
            let is_near = |id| around.is_none_or(|(from, to)| is_near(case, id, from, to));
            all().filter(|&id| (!args.only_signals || has_signals(id)) && is_near(id)).collect()
        });
        let screen = screen(global.color, &io::stdout(), args.ascii);
        let options = TreeOptions { picks, at: seq, only, depth: args.depth, screen, is_full: args.full };
        print(case, args.format, &options)
    })?;
    if !global.quiet {
        say(&session, args, at, &shown);
    }
    Ok(session.partial(global, args.allow_partial))
}

/// The id of a signal, which needs rules.
fn wanted(args: &Tree, flag: &str, text: &str) -> Result<SignalId, Failure> {
    if args.rules.rules.is_empty() {
        return Err(Failure::Usage(format!("{flag} needs the rules that gave the signal: -r RULES")));
    }
    SignalId::parse(text).ok_or_else(|| {
        Failure::Usage(format!("{flag}: {text} is no signal id (16 hexadecimal digits, as in `analyze`)"))
    })
}

/// A query as it was typed; prints what is wrong with it.
pub(super) fn read_query(text: &str) -> Result<Query, Failure> {
    let (query, diagnostics) = query::parse(text, Mode::Lenient);
    let mut sources = SourceMap::default();
    sources.add(SourceFile::new("--match", text));
    eprint!("{}", render::render_all(&diagnostics, &sources));
    query.ok_or_else(|| Failure::Usage("--match: the query does not parse".to_owned()))
}

fn is_match(case: &Case<'_>, query: &Query, id: ProcessId, at: Option<Seq>, tags: &ExtraTags) -> bool {
    let seq = case.last_seq(id).min(at.unwrap_or(Seq(u64::MAX)));
    query.matches(&SignalView::of_process(case.history, id, seq, tags))
}

/// A span of time around a moment.
pub(super) fn range(at: Nanos, span: Nanos) -> (Nanos, Nanos) {
    (Nanos(at.0.saturating_sub(span.0)), Nanos(at.0.saturating_add(span.0)))
}

/// True if a process started, executed something, ended, or caused a signal within a span of time.
fn is_near(case: &Case<'_>, id: ProcessId, from: Nanos, to: Nanos) -> bool {
    let process = case.history.process(id);
    let is_in = |ts: Nanos| (from..=to).contains(&ts);
    // A fork inherits the image: the exec is the parent's.
    let is_own = |seq: Seq, image| case.history.image(image).is_exec && case.history.image(image).from == seq;
    process.start_ns().is_some_and(is_in)
        || process.exit().is_some_and(|exit| is_in(exit.ts))
        || process.image().rows().any(|(seq, id)| is_own(seq, id) && case.times.image(id).is_some_and(is_in))
        || case.signals_of(id).any(|signal| is_in(signal.ts))
}

fn print(case: &Case<'_>, format: TreeFormat, options: &TreeOptions) -> io::Result<TreeShown> {
    let mut out = stdout();
    let shown = match format {
        TreeFormat::Jsonl => tree::json::each(case, options, |object| writeln!(out, "{object}"))?,
        TreeFormat::Json => {
            let mut objects = Vec::new();
            let shown = tree::json::each(case, options, |object| {
                objects.push(object);
                io::Result::Ok(())
            })?;
            writeln!(out, "{:#}", serde_json::Value::Array(objects))?;
            shown
        }
        _ => tree::write(&mut out, case, options)?,
    };
    out.flush()?;
    Ok(shown)
}

/// What was left out, and why nothing is shown.
fn say(session: &Session, args: &Tree, at: Option<(Seq, Nanos)>, shown: &TreeShown) {
    let name = &session.name;
    if let Some((seq, ts)) = at {
        let time = tracehound_signals::time::Rfc3339(ts);
        eprintln!("{name}: as of event #{} ({time}), when {} processes existed", seq.0, shown.n_all);
    }
    if shown.n_processes == 0 {
        match (args.pid, &args.query) {
            (Some(pid), _) => eprintln!("{name}: no process with pid {pid}"),
            (_, Some(query)) => eprintln!("{name}: no process matches {}", printable(query.as_bytes())),
            _ if args.only_signals || args.around.is_some() => eprintln!("{name}: no process is asked for by this"),
            _ => eprintln!("{name}: no processes"),
        }
    } else if shown.n_hidden > 0 {
        eprintln!("{name}: {} of {} processes have no line of their own", shown.n_hidden, shown.n_all);
    }
}
