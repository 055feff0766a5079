//! `report`: a trace as one page.

use std::io::Write;
use std::path::Path;
use std::slice::from_ref;

use tracehound_fields::View;
use tracehound_lang::Loaded;
use tracehound_report::html::{self, Part, Watch};
use tracehound_rules::{ExplainedPart, RuleSet};
use tracehound_signals::Verdict;

use super::analyzed::Analyzed;
use super::args::{Global, Report};
use super::exit::{Failure, Outcome};
use super::output::AtomicFile;
use super::session::{Session, load_rule_files, set_threads, stdout};
use super::suppressing::Suppressions;
use crate::Window;
use crate::explain::Moment;

pub(super) fn run(global: &Global, args: &Report) -> Result<Outcome, Failure> {
    let analyzed = if args.trace.is_dir() { Some(Analyzed::find(&args.trace)?) } else { None };
    let trace = analyzed.as_ref().map_or(&args.trace, |analyzed| &analyzed.trace);
    set_threads(global);
    let files = load_rule_files(global, &args.rules)?;
    let suppressions = Suppressions::load(global, &args.suppressions, &files)?;
    // What cannot be written is said before a large trace is read.
    let file = match args.output == Path::new("-") {
        true => None,
        false => Some(AtomicFile::create(&args.output, args.force, from_ref(trace))?),
    };
    let (rules, set) = (&files.rules, suppressions.set(&files.rules));
    let mut watch = Watch::default();
    let session = Session::run_suppressing(global, trace, rules, &args.rules, Some(&set), |window| {
        watch.batches(window.history, window.batches);
        explain(&mut watch, window, rules, &files.loaded);
        Ok(())
    })?;
    let remark = analyzed.as_ref().map_or(Ok(None), |analyzed| analyzed.check(&session))?;
    session.with_case(|case| -> Result<(), Failure> {
        let host = case.source.hostname.as_str();
        let name =
            Path::new(&session.name).file_name().map_or(session.name.clone().into(), |name| name.to_string_lossy());
        let default = if host.is_empty() { name.to_string() } else { format!("{name} on {host}") };
        let title = args.title.as_ref().unwrap_or(&default);
        match file {
            None => {
                let mut out = stdout();
                html::write(&mut out, case, watch, title)?;
                Ok(out.flush()?)
            }
            Some(mut file) => {
                let output = |error| Failure::Output { path: args.output.display().to_string(), error };
                html::write(&mut file, case, watch, title).map_err(output)?;
                file.commit()
            }
        }
    })?;
    let fired = || session.analysis.signals.iter().filter(|signal| signal.verdict == Verdict::Fired);
    if let Some(remark) = remark {
        eprintln!("{remark}");
    }
    if !global.quiet {
        let (n_fired, n) = (fired().count(), session.analysis.signals.len());
        eprintln!(
            "{}: {n_fired} signals, {} suppressed; report in {}",
            session.name,
            n - n_fired,
            args.output.display()
        );
    }
    let is_found = args.fail_on.is_some_and(|least| fired().any(|signal| signal.rule.priority <= least));
    let findings = if is_found { Outcome::Findings } else { Outcome::Done };
    let outcome = findings.and(session.partial(global, args.allow_partial));
    // The program ends: it need not take a history apart row by row before.
    std::mem::forget(session);
    Ok(outcome)
}

/// Notes why the signals of a window fired.
fn explain(watch: &mut Watch, window: &Window<'_>, rules: &RuleSet, loaded: &Loaded) {
    let mut signals = window.signals.iter().peekable();
    for (batch, facts) in window.batches.iter().zip(window.facts) {
        for (event, fact) in batch.iter().zip(facts) {
            if signals.peek().is_none() {
                return;
            }
            // Both are in order of event.
            while let Some(signal) = signals.next_if(|signal| signal.seq <= event.head.seq) {
                let Some(rule) = rules.rules().get(signal.rule.index).filter(|_| signal.seq == event.head.seq) else {
                    continue;
                };
                let view = View { event, fact, history: window.history, context: window.context };
                let moment = Moment::of(&view, rule, Some(0));
                let parts: Vec<Part> = moment.parts.into_iter().map(|part| self::part(part, loaded)).collect();
                watch.explain(signal, moment.kind.name(), &moment.args, &parts);
            }
        }
    }
}

fn part(explained: tracehound_rules::Explained, loaded: &Loaded) -> Part {
    let (text, place, values) = match explained.part {
        ExplainedPart::Not => ("not".to_owned(), String::new(), Vec::new()),
        ExplainedPart::And => ("all of".to_owned(), String::new(), Vec::new()),
        ExplainedPart::Or => ("one of".to_owned(), String::new(), Vec::new()),
        ExplainedPart::Const => (format!("always {}", explained.result), String::new(), Vec::new()),
        ExplainedPart::Leaf { id, text, values } => {
            let place = loaded.leaf_origin(id).map_or_else(String::new, |origin| {
                let mut place = format!("{}:{}", origin.path, origin.line);
                for (what, names) in [("macro", &origin.macros), ("list", &origin.lists)] {
                    if !names.is_empty() {
                        place += &format!(", {what} {}", names.join(", "));
                    }
                }
                place
            });
            (text, place, values.into_iter().map(|(operand, value)| (operand, value.map(Vec::from))).collect())
        }
    };
    Part { depth: explained.depth, result: explained.result, text, place, values }
}
