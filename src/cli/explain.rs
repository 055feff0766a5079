//! `explain`: why a signal fired, or which event came nearest to a rule.

mod json;
mod text;

use std::io::{self, IsTerminal, Write};

use tracehound_formats::Seq;
use tracehound_lang::Loaded;
use tracehound_lang::diagnostic::suggestion;
use tracehound_rules::{PlannedRule, RuleSet};
use tracehound_signals::{Evidence, ProcessKeys, Signal, SignalId};
use tracehound_state::{History, ProcessId};

use super::args::{Explain, ExplainFormat, Global};
use super::exit::{Failure, Outcome};
use super::input::check_read_again;
use super::output::{has_color, printable};
use super::session::{Session, load_rule_files, set_threads, stdout};
use super::suppressing::Suppressions;
use crate::explain::{Ancestor, Found, Moment, Search, Target, lineage};

/// Everything that is printed.
struct Report<'a> {
    /// The rule.
    rule: &'a PlannedRule,
    /// Where rules were written.
    loaded: &'a Loaded,
    /// The signal that was asked for; none if a rule was.
    signal: Option<&'a Signal>,
    /// Which events were asked.
    target: Target,
    /// What was found.
    found: &'a Found,
    /// Evidence of the nearest event.
    evidence: Evidence,
    /// The process of that event and its ancestors, and how many more there are.
    processes: (Vec<Ancestor>, usize),
    /// Everything that happened.
    history: &'a History,
    /// Keys of processes.
    keys: ProcessKeys<'a>,
}

pub(super) fn run(global: &Global, args: &Explain) -> Result<Outcome, Failure> {
    if args.rules.rules.is_empty() {
        return Err(Failure::Usage("explain needs the rules that gave the signal: -r RULES".to_owned()));
    }
    let id = args.signal.as_deref().map(parse_id).transpose()?;
    if id.is_some() {
        check_read_again(&args.trace, "a signal is explained by reading the trace twice")?;
    }
    set_threads(global);
    let files = load_rule_files(global, &args.rules)?;
    let index = args.rule.as_deref().map(|name| find_rule(&files.rules, name)).transpose()?;
    let mut target = Target { seq: args.seq.map(Seq), pid: args.pid };
    let mut search = index.map(|index| Search::new(&files.rules.rules()[index], target));
    // What a filter at a rule hides is explained as well, and said to be hidden.
    let filters = Suppressions::filters(&files);
    let set = filters.set(&files.rules);
    let session = Session::run_suppressing(global, &args.trace, &files.rules, &args.rules, Some(&set), |window| {
        search.iter_mut().for_each(|search| search.window(window));
        Ok(())
    })?;
    let signal = id.map(|id| find_signal(&session, id)).transpose()?;
    let (index, found) = match (signal, index, search) {
        (Some(signal), ..) => {
            // The trace is read a second time: which event it is was only known at the end of the first. A replay is
            // deterministic, so that processes have the same numbers.
            let index = signal.rule.index;
            target.seq = Some(signal.seq);
            let mut search = Search::new(&files.rules.rules()[index], target);
            Session::run(global, &args.trace, &RuleSet::default(), &args.rules, |window| {
                search.window(window);
                Ok(())
            })?;
            (index, search.finish())
        }
        (None, Some(index), Some(search)) => (index, search.finish()),
        _ => return Err(Failure::Usage("explain needs a signal's id, or --rule NAME".to_owned())),
    };
    if found.n_in_target == 0 && target != Target::default() {
        let pid = target.pid.map_or_else(String::new, |pid| format!(" of pid {pid}"));
        return Err(Failure::Usage(match target.seq {
            Some(seq) => format!("{}: no event {}{pid} that rules are asked for", session.name, seq.0),
            None => format!("{}: no event{pid}", session.name),
        }));
    }
    let history = &session.analysis.history;
    let evidence = found.nearest.as_ref().map_or_else(Evidence::default, |moment| {
        let mut evidence = moment.evidence.clone();
        session.analysis.degrade(&mut evidence, moment.seq, index);
        evidence
    });
    let process = |moment: &Moment| moment.process.map(|process| lineage(history, process, moment.seq));
    let report = Report {
        rule: &files.rules.rules()[index],
        loaded: &files.loaded,
        signal,
        target,
        evidence,
        processes: found.nearest.as_ref().and_then(process).unwrap_or_default(),
        found: &found,
        history,
        keys: ProcessKeys::new(history),
    };
    let default = if io::stdout().is_terminal() { ExplainFormat::Text } else { ExplainFormat::Json };
    let mut out = stdout();
    match args.format.unwrap_or(default) {
        ExplainFormat::Text => {
            let style = text::Style { has_color: has_color(global.color, &io::stdout()), is_full: args.full };
            text::write(&mut out, &report, style)?;
        }
        ExplainFormat::Json => json::write(&mut out, &report)?,
    }
    out.flush()?;
    Ok(session.partial(global, args.allow_partial))
}

pub(super) fn parse_id(text: &str) -> Result<SignalId, Failure> {
    SignalId::parse(text).ok_or_else(|| {
        let shown = printable(text.as_bytes());
        Failure::Usage(format!(
            "{shown} is no signal id (16 hexadecimal digits, as in `analyze -f jsonl`); --rule names a rule"
        ))
    })
}

fn find_signal(session: &Session, id: SignalId) -> Result<&Signal, Failure> {
    let signals = &session.analysis.signals;
    signals.iter().find(|signal| signal.id == id).ok_or_else(|| {
        let ids: Vec<String> = signals.iter().map(|signal| signal.id.to_string()).collect();
        let help = suggestion(&id.to_string(), ids.iter().map(String::as_str));
        let help = help.unwrap_or_else(|| format!("there are {}", signals.len()));
        Failure::Usage(format!("no signal {id} in this trace with these rules; {help}"))
    })
}

/// The position of a rule.
pub(super) fn find_rule(rules: &RuleSet, name: &str) -> Result<usize, Failure> {
    let names = || rules.rules().iter().map(|rule| rule.rule().name.as_str());
    names().position(|known| known == name).ok_or_else(|| {
        let help = suggestion(name, names()).or_else(|| {
            // People type the beginning of a long name, or a word of it.
            let word = name.to_ascii_lowercase();
            let mut found = names().filter(|known| known.to_ascii_lowercase().contains(&word));
            let first = found.next()?;
            Some(format!("did you mean `{}`?", printable(first.as_bytes())))
        });
        let help = help.unwrap_or_else(|| "`rules list` prints the names".to_owned());
        Failure::Usage(format!("no rule is called {}; {help}", printable(name.as_bytes())))
    })
}

impl Report<'_> {
    /// The pid of a process.
    fn pid(&self, process: ProcessId) -> i64 {
        self.history.process(process).pid.0
    }

    /// Names of the kinds of event that the rule can match; `None` for all.
    fn kinds(&self) -> Option<Vec<&'static str>> {
        let kinds = self.rule.kinds();
        (!kinds.is_all()).then(|| kinds.names())
    }
}
