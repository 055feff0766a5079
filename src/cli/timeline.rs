//! `timeline`: what happened, in order.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::slice::from_ref;

use tracehound_report::timeline::{self, Collector, Only, json, perfetto, text};

use super::args::Global;
use super::exit::{Failure, Outcome};
use super::moment::{Finder, Moment, check_range, outside};
use super::output::{AtomicFile, screen};
use super::session::{Session, load_rule_files, set_threads, stdout};
use super::suppressing::Suppressions;
use super::tree::range;
use super::view_args::{Timeline, TimelineFormat};

pub(super) fn run(global: &Global, args: &Timeline) -> Result<Outcome, Failure> {
    let moments = [args.since, args.until, args.around.map(|around| around.moment)];
    let has_signal = moments.iter().any(|moment| matches!(moment, Some(Moment::Signal(_))));
    if has_signal && args.rules.rules.is_empty() {
        return Err(Failure::Usage("the id of a signal needs the rules that gave it: -r RULES".to_owned()));
    }
    let default = if io::stdout().is_terminal() { TimelineFormat::Text } else { TimelineFormat::Jsonl };
    let format = args.format.unwrap_or(default);
    set_threads(global);
    // Refused before the work, not after it.
    let path = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let mut file = path.map(|path| AtomicFile::create(path, args.force, from_ref(&args.trace))).transpose()?;
    let files = load_rule_files(global, &args.rules)?;
    let suppressions = Suppressions::load(global, &args.suppressions, &files)?;
    let (rules, set) = (&files.rules, suppressions.set(&files.rules));
    let mut finders = moments.map(Finder::new);
    let mut collector = Collector::new();
    let session = Session::run_suppressing(global, &args.trace, rules, &args.rules, Some(&set), |window| {
        finders.iter_mut().for_each(|finder| finder.window(window));
        collector.window(window.batches, window.facts, window.history, window.context);
        Ok(())
    })?;
    let signals = &session.analysis.signals;
    let [since, until, around] = finders.map(|finder| finder.found(signals));
    let (since, until) = (since?.map(|(_, ts)| ts), until?.map(|(_, ts)| ts));
    check_range(since, until)?;
    let around = around?.zip(args.around).map(|((_, ts), around)| range(ts, around.span));
    let (since, until) = around.map_or((since, until), |(from, to)| (Some(from), Some(to)));
    let written = session.with_case(|case| -> io::Result<(usize, u64)> {
        let timeline = timeline::Timeline::new(
            case,
            collector,
            &Only { since, until, pid: args.pid, is_unrolled: format == TimelineFormat::Perfetto },
        );
        let span = timeline.density.span().map(|(first, last)| {
            let (from, to) = (since.unwrap_or(first), until.unwrap_or(last));
            match () {
                () if from > last => (from, to.max(from)),
                () if to < first => (from.min(to), to),
                () => (from.max(first), to.min(last)),
            }
        });
        let mut standard = stdout();
        let out: &mut dyn Write = match &mut file {
            Some(file) => file,
            None => &mut standard,
        };
        match format {
            TimelineFormat::Text => {
                let mut screen = screen(global.color, &io::stdout(), args.ascii);
                if args.output.is_some() {
                    screen.width = None;
                }
                text::write(out, case, &timeline, span, screen, args.full)?;
            }
            TimelineFormat::Jsonl => {
                for entry in &timeline.entries {
                    writeln!(out, "{}", json::entry(case, entry))?;
                }
            }
            TimelineFormat::Perfetto => perfetto::write(out, case, &timeline)?,
        }
        out.flush()?;
        Ok((timeline.entries.len(), timeline.n_left_out))
    });
    let (n, n_left_out) = written.map_err(|error| match path {
        Some(path) => Failure::Output { path: path.display().to_string(), error },
        None => error.into(),
    })?;
    if let Some(file) = file {
        file.commit()?;
    }
    if !global.quiet {
        if n == 0 {
            let totals = &session.analysis.totals;
            let why = outside(since, until, (totals.first_ns, totals.last_ns));
            let why = why.unwrap_or_else(|| "nothing of what a timeline shows happened there".to_owned());
            eprintln!("{}: {why}", session.name);
        }
        if n_left_out > 0 {
            eprintln!("{}: {n_left_out} calls and changes of user are left out: there are too many", session.name);
        }
    }
    Ok(session.partial(global, args.allow_partial))
}
