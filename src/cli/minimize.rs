//! `minimize`: the smallest trace in which a rule still fires on an event.
//!
//! The trace is read until the signal; what its event can depend on follows from the history, and is read in a second
//! pass; then candidates are run in memory. See `tracehound_fixture::minimize`.

use std::convert::Infallible;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tracehound_fields::Context;
use tracehound_fixture::ddmin::End;
use tracehound_fixture::minimize::{self, Closure, CollectError, LIMITS, Options, Probe, Reach, Step};
use tracehound_fixture::trace::Trace;
use tracehound_formats::{ReadNotes, Seq};
use tracehound_report::Loss;
use tracehound_rules::{ExplainedPart, PlannedRule, Policy, Priority, RuleSet};
use tracehound_signals::{SignalId, TraceId};

use super::args::{Global, Minimize, TraceFormat, When};
use super::convert;
use super::exit::{Failure, Outcome};
use super::explain::{find_rule, parse_id};
use super::input::{self, Opened, check_read_again};
use super::output::{AtomicFile, check_replaceable, printable};
use super::progress::Bar;
use super::session::{load_rule_files, set_threads};
use crate::explain::{Search, Target};
use crate::{Job, Only, Window, pipeline};

/// The event of a signal, and what it can depend on.
struct Anchor {
    seq: Seq,
    trace_id: TraceId,
    closure: Closure,
}

pub(super) fn run(global: &Global, args: &Minimize) -> Result<Outcome, Failure> {
    check_read_again(&args.trace, "minimize reads the trace twice")?;
    if args.rules.rules.is_empty() {
        return Err(Failure::Usage("minimize needs the rule that is to fire: -r RULES".to_owned()));
    }
    if args.without.is_some() && args.without == args.output {
        return Err(Failure::Usage("--without and --output name the same file".to_owned()));
    }
    for path in args.output.iter().chain(&args.without) {
        if convert::by_name(path).is_none() {
            let message = "the name does not tell the format; .trh is native, .trace and .txt are text";
            return Err(Failure::Usage(format!("{}: {message}", path.display())));
        }
        check_replaceable(path, args.force, from_ref(&args.trace))?;
    }
    set_threads(global);
    let wanted = args.signal.as_deref().map(parse_id).transpose()?;
    let files = load_rule_files(global, &args.rules)?;
    let index = find_rule(&files.rules, &args.rule)?;
    let rules = alone(&files.rules.rules()[index]);

    let mut opened = input::open(&args.trace)?;
    let (anchor, n_lost) = find(global, &mut opened, &rules, wanted)?;
    let notes = opened.reader.notes().clone();
    let Some(anchor) = anchor else {
        input::report_damage(global, &opened.name, &notes, n_lost, true);
        return miss(global, args, &opened.name, &rules.rules()[0], wanted);
    };
    let (minimized, reach) = reduce(global, args, &opened.name, &rules, &anchor)?;
    let origin = Origin { name: &args.rule, anchor: &anchor, notes: &notes, n_lost };
    let (n_events, end) = (minimized.trace.n_events(), minimized.end);
    let remark = origin.remark(n_events as u64, end);
    let twin = args.without.as_ref().map(|path| (path, minimize::twin(&minimized.trace, |trace| probe(&rules, trace))));
    let n_bytes = write(args, args.output.as_deref(), minimized.trace, remark)?;
    if !global.quiet {
        let output =
            args.output.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
        let how = match end {
            End::OneMinimal => "none can be spared alone",
            End::Stopped => "stopped there: it may not be minimal",
        };
        let reach = match reach {
            Reach::Lineage => "the acting processes and their ancestors",
            Reach::Effects => "every event that changes state",
            Reach::Everything => "every event",
        };
        eprintln!(
            "{output}: {n_events} events, {n_bytes} bytes of {}; {} tests; {how}; started from {reach}",
            opened.n_bytes, minimized.n_tests
        );
    }
    if let Some((path, twin)) = twin {
        let Some((trace, difference)) = twin else {
            let message = format!("{}: not written: the rule fires whatever is left out", path.display());
            return Err(Failure::Usage(message));
        };
        let n_events = trace.n_events();
        let remark = format!("{}; {difference}: the rule does not fire", origin.of());
        let n_bytes = write(args, Some(path), trace, remark)?;
        if !global.quiet {
            eprintln!("{}: {n_events} events, {n_bytes} bytes; {difference}; does not fire", path.display());
        }
    }
    Ok(input::report_damage(global, &opened.name, &notes, n_lost, args.allow_partial))
}

/// One rule, enabled.
fn alone(rule: &PlannedRule) -> RuleSet {
    let mut rule = rule.rule().clone();
    rule.is_enabled = true;
    // It was compiled before.
    RuleSet::plan(vec![rule]).0
}

fn job<'a>(rules: &'a RuleSet, n_read: &'a AtomicU64) -> Job<'a> {
    Job {
        rules,
        policy: Policy::All,
        least: Priority::Debug,
        // A suppressed signal is a signal.
        suppressions: None,
        context: Context::default(),
        only: Only::default(),
        n_read,
        meter: None,
    }
}

/// Reads until the signal: the one with an id, or the first. Gives also the number of events lost before it.
fn find(
    global: &Global,
    opened: &mut Opened,
    rules: &RuleSet,
    wanted: Option<SignalId>,
) -> Result<(Option<Anchor>, u64), Failure> {
    let n_read = Arc::new(AtomicU64::new(0));
    let _bar = Bar::start(global, &opened.name, opened.n_bytes, opened.reader.progress(), Arc::clone(&n_read));
    let mut n_lost = 0u64;
    let found = pipeline::analyze(&mut *opened.reader, job(rules, &n_read), |window| {
        let signal = window.signals.iter().find(|signal| wanted.is_none_or(|id| signal.id == id));
        let seq = signal.map(|signal| signal.seq);
        for event in window.batches.iter().flat_map(|batch| batch.iter()) {
            if seq.is_none_or(|seq| event.head.seq <= seq) {
                n_lost += Loss::of(&event).map_or(0, |loss| loss.n_events.unwrap_or(1));
            }
        }
        seq.map_or(Ok(()), |seq| Err(Box::new(anchor(window, seq))))
    });
    Ok((found.err().map(|anchor| *anchor), n_lost))
}

fn anchor(window: &Window<'_>, seq: Seq) -> Anchor {
    let facts = window.batches.iter().zip(window.facts).flat_map(|(batch, facts)| batch.iter().zip(facts));
    let fact = facts.filter(|(event, _)| event.head.seq == seq).map(|(_, fact)| fact).next();
    let (process, file) = fact.map_or((None, None), |fact| (fact.process, fact.file));
    Anchor {
        seq,
        trace_id: TraceId::of(window.history, window.context.first_ns),
        closure: Closure::of(window.history, process, file, seq),
    }
}

/// Runs a candidate.
fn probe(rules: &RuleSet, trace: Trace) -> Probe {
    let last = Seq(trace.n_events() as u64);
    let n_read = AtomicU64::new(0);
    let Ok(analysis) = pipeline::analyze(&mut trace.into_reader(), job(rules, &n_read), |_| Ok::<(), Infallible>(()));
    let is_hit = analysis.signals.iter().any(|signal| signal.seq == last);
    Probe { is_hit, n_hits: analysis.signals.len(), notes: analysis.replay_notes }
}

/// The smallest trace from the narrowest reach that does.
fn reduce(
    global: &Global,
    args: &Minimize,
    name: &str,
    rules: &RuleSet,
    anchor: &Anchor,
) -> Result<(minimize::Minimized, Reach), Failure> {
    let is_shown = match global.progress {
        When::Always => true,
        When::Never => false,
        When::Auto => !global.quiet && io::stderr().is_terminal(),
    };
    let max_events = Options::MAX_EVENTS;
    let options = Options { max_tests: args.max_tests.max(1), values: args.values, max_events };
    for reach in Reach::ALL {
        let mut opened = input::open(&args.trace)?;
        let trace = minimize::collect(&mut *opened.reader, &anchor.closure, reach, LIMITS).map_err(|error| {
            let help = match error {
                CollectError::TooLarge { .. } => "; a part of the trace, or another --signal, may be small enough",
                CollectError::Missing(_) => "; has the file changed?",
            };
            Failure::Usage(format!("{name}: {error}{help}"))
        })?;
        let show = |step: Step| {
            if is_shown {
                let Step { what, n_events, n_rows, n_tests } = step;
                eprintln!("{name}: {what}: {n_events} events and {n_rows} rows left after {n_tests} tests");
            }
        };
        if let Some(minimized) = minimize::minimize(trace, options, |trace| probe(rules, trace), show) {
            return Ok((minimized, reach));
        }
    }
    Err(Failure::Usage(format!(
        "{name}: the rule fires on event {} only with what comes after it; nothing smaller can be made",
        anchor.seq.0
    )))
}

/// Where a minimized trace comes from.
struct Origin<'a> {
    name: &'a str,
    anchor: &'a Anchor,
    notes: &'a ReadNotes,
    n_lost: u64,
}

impl Origin<'_> {
    fn of(&self) -> String {
        let mut text = format!(
            "minimized from trace {:016x}, event {}, for rule {:?}",
            self.anchor.trace_id.0, self.anchor.seq.0, self.name
        );
        if self.notes.n_damage > 0 {
            text.push_str(&format!("; the source is damaged at {} places before it", self.notes.n_damage));
        }
        if self.n_lost > 0 {
            text.push_str(&format!("; the source lost {} events before it", self.n_lost));
        }
        text
    }

    fn remark(&self, seq: u64, end: End) -> String {
        let how = match end {
            End::OneMinimal => "",
            End::Stopped => "; not known to be minimal",
        };
        format!("{}, which is event {seq} here{how}", self.of())
    }
}

/// Writes a trace; gives its size. Without a name it goes to standard output as text.
fn write(args: &Minimize, path: Option<&Path>, trace: Trace, remark: String) -> Result<u64, Failure> {
    let notes = ReadNotes { remarks: vec![remark], ..ReadNotes::default() };
    let copy = |format: TraceFormat, out: &mut dyn Write| -> io::Result<u64> {
        let mut out = CountBytes { inner: out, n: 0 };
        let mut writer = convert::writer(format, &mut out)?;
        for part in &trace.parts {
            part.section.iter().try_for_each(|section| writer.section(section))?;
            writer.batch(&part.events)?;
        }
        writer.finish(&notes)?;
        drop(writer);
        Ok(out.n)
    };
    let Some(path) = path else { return Ok(copy(TraceFormat::Text, &mut super::session::stdout())?) };
    let format = convert::by_name(path).unwrap_or(TraceFormat::Text);
    let mut file = AtomicFile::create(path, args.force, from_ref(&args.trace))?;
    let n_bytes =
        copy(format, &mut file).map_err(|error| Failure::Output { path: path.display().to_string(), error })?;
    file.commit()?;
    Ok(n_bytes)
}

struct CountBytes<'a> {
    inner: &'a mut dyn Write,
    n: u64,
}

impl Write for CountBytes<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.n += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Says that the rule does not fire, and which event comes nearest.
fn miss(
    global: &Global,
    args: &Minimize,
    name: &str,
    rule: &PlannedRule,
    wanted: Option<SignalId>,
) -> Result<Outcome, Failure> {
    let shown = printable(rule.rule().name.as_bytes());
    if let Some(id) = wanted {
        eprintln!("{name}: the rule {shown:?} gives no signal {id}");
        return Ok(Outcome::Findings);
    }
    let mut opened = input::open(&args.trace)?;
    let mut search = Search::new(rule, Target::default());
    let (none, n_read) = (RuleSet::default(), Arc::new(AtomicU64::new(0)));
    let bar = Bar::start(global, &opened.name, opened.n_bytes, opened.reader.progress(), Arc::clone(&n_read));
    let Ok(_) = pipeline::analyze(&mut *opened.reader, job(&none, &n_read), |window| {
        search.window(window);
        Ok::<(), Infallible>(())
    });
    drop(bar);
    let found = search.finish();
    let Some(moment) = &found.nearest else {
        eprintln!("{name}: the rule {shown:?} does not fire: no event is of a kind that it can match");
        return Ok(Outcome::Findings);
    };
    eprintln!(
        "{name}: the rule {shown:?} does not fire; of {} events of its kinds, event {} ({}) comes nearest:",
        found.n_asked,
        moment.seq.0,
        moment.kind.name()
    );
    for part in moment.parts.iter().filter(|part| part.must_change) {
        let ExplainedPart::Leaf { text, values, .. } = &part.part else { continue };
        let values: Vec<String> = values
            .iter()
            .map(|(field, value)| match value {
                Some(value) => format!("{field} is {}", printable(value)),
                None => format!("{field} is absent"),
            })
            .collect();
        eprintln!("  {} is {}: {}", printable(text.as_bytes()), part.result, values.join(", "));
    }
    Ok(Outcome::Findings)
}
