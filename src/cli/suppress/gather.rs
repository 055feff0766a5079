//! Signals of traces with everything that a suppression can use of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tracehound_lang::diagnostic::suggestion;
use tracehound_signals::{Signal, SignalId};
use tracehound_suppress::attributes::Activity;
use tracehound_suppress::{Collected, ExtraTags, SignalView};

use super::args::Signals;
use crate::cli::args::Global;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::input::check_read_again;
use crate::cli::output::printable;
use crate::cli::session::{Session, load_rule_files};
use crate::cli::suppressing;
use crate::each::each_signal;
use crate::rulefiles::RuleFiles;

/// What was typed: traces, and ids of signals. An argument is an id if it looks like one and no file is called so.
pub(super) struct Asked {
    pub(super) traces: Vec<PathBuf>,
    pub(super) ids: Vec<SignalId>,
    pub(super) rules: RuleFiles,
    pub(super) tags: ExtraTags,
}

impl Asked {
    pub(super) fn new(global: &Global, args: &Signals) -> Result<Asked, Failure> {
        let (mut traces, mut ids) = (Vec::new(), Vec::new());
        for what in &args.what {
            let id = what.to_str().and_then(SignalId::parse).filter(|_| !what.exists());
            match id {
                Some(id) => ids.push(id),
                None => {
                    check_read_again(what, "the trace is read more than once")?;
                    traces.push(what.clone());
                }
            }
        }
        if traces.is_empty() || ids.is_empty() {
            let missing = if traces.is_empty() { "trace" } else { "signal's id (16 hexadecimal digits)" };
            return Err(Failure::Usage(format!("name a trace and signals in it: there is no {missing}")));
        }
        if args.rules.rules.is_empty() {
            return Err(Failure::Usage("the rules that gave the signals are needed: -r RULES".to_owned()));
        }
        let rules = load_rule_files(global, &args.rules)?;
        let tags = suppressing::tags(&args.tags)?;
        ids.sort_unstable();
        ids.dedup();
        Ok(Asked { traces, ids, rules, tags })
    }
}

/// A signal that was asked for.
pub(super) struct Gathered {
    /// Trace it is in.
    pub(super) trace: String,
    /// The signal.
    pub(super) signal: Signal,
    /// What kind of activity its event is.
    pub(super) activity: Option<Activity>,
    /// Code of its event's kind.
    pub(super) kind: u16,
    /// Everything a suppression can use of it.
    pub(super) values: Collected,
}

/// Signals that were found.
pub(super) struct Found {
    /// In the order of the traces and of their events.
    pub(super) signals: Vec<Gathered>,
    /// Ids of processes and threads of the traces: numbers that mean something else next time.
    pub(super) pids: BTreeSet<i64>,
    /// What the traces lack.
    pub(super) partial: Outcome,
}

/// Looks for the signals in all traces. Each must be found.
pub(super) fn gather(global: &Global, args: &Signals, asked: &Asked) -> Result<Found, Failure> {
    let mut found = Found { signals: Vec::new(), pids: BTreeSet::new(), partial: Outcome::Done };
    let mut known: BTreeMap<SignalId, ()> = BTreeMap::new();
    for trace in &asked.traces {
        let name = printable(trace.to_string_lossy().as_bytes());
        let session = Session::run(global, trace, &asked.rules.rules, &args.rules, |window| {
            each_signal(window, |signal, view| {
                if asked.ids.binary_search(&signal.id).is_ok() {
                    let subject = SignalView::new(signal, view, &asked.tags);
                    found.signals.push(Gathered {
                        trace: name.clone(),
                        signal: signal.clone(),
                        activity: subject.activity(),
                        kind: view.event.head.kind.0,
                        values: subject.collect(),
                    });
                }
            });
            Ok(())
        })?;
        let history = &session.analysis.history;
        found.pids.extend(history.processes.iter().map(|process| process.pid.0));
        found.pids.extend(history.threads.iter().map(|thread| thread.tid.0));
        found.partial = found.partial.and(session.partial(global, args.allow_partial));
        known.extend(session.analysis.signals.iter().map(|signal| (signal.id, ())));
    }
    if let Some(missing) = asked.ids.iter().find(|id| !known.contains_key(id)) {
        let ids: Vec<String> = known.keys().map(SignalId::to_string).collect();
        let help = suggestion(&missing.to_string(), ids.iter().map(String::as_str));
        let help = help.unwrap_or_else(|| format!("there are {}", ids.len()));
        return Err(Failure::Usage(format!("no signal {missing} in these traces with these rules; {help}")));
    }
    Ok(found)
}
