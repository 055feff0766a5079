//! What was observed of a trace against what was expected of it.

use std::collections::HashSet;

use tracehound_lang::Span;

use crate::files::{Case, Expectation, Suite, Unexpected};
use crate::result::{Observed, Seen, field_text};

/// How a trace did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Everything is as expected.
    Passed,
    /// Everything that can be seen is as expected, but the trace is damaged or lossy: nobody knows about the rest.
    Partial,
    /// Something is not as expected.
    Failed,
    /// The trace could not be read.
    Error,
}

impl Status {
    /// `passed`, `partial`, `failed`, `error`.
    pub fn name(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Partial => "partial",
            Status::Failed => "failed",
            Status::Error => "error",
        }
    }
}

macro_rules! failure_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)*) => {
        /// What is not as expected.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FailureKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl FailureKind {
            /// Every kind.
            pub const ALL: &[FailureKind] = &[$(FailureKind::$name,)*];

            /// Stable name.
            pub fn code(self) -> &'static str {
                match self {
                    $(FailureKind::$name => $code,)*
                }
            }

            /// What it means.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(FailureKind::$name => concat!($($doc),+).trim_ascii_start(),)*
                }
            }
        }
    };
}

failure_kinds! {
    /// A rule gave fewer signals than expected.
    Missing = "TEST-MISSING";
    /// A rule gave more signals than expected.
    TooMany = "TEST-TOO-MANY";
    /// A rule fired on other events than expected.
    OtherEvents = "TEST-OTHER-EVENTS";
    /// A rule fired that must not.
    Forbidden = "TEST-FORBIDDEN";
    /// A signal that no expectation speaks of.
    Unexpected = "TEST-UNEXPECTED";
    /// The trace is damaged or lossy, which is not expected: the result is partial.
    Partial = "TEST-PARTIAL";
    /// The trace is expected to be damaged or lossy, and is not.
    Whole = "TEST-WHOLE";
    /// The trace cannot be read.
    Unreadable = "TEST-UNREADABLE";
}

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What.
    pub kind: FailureKind,
    /// Where it is expected: a place in the suite.
    pub span: Span,
    /// The rule, if it is about one.
    pub rule: Option<String>,
    /// What happened, in one sentence without a full stop. It can hold any text of a suite or rule.
    pub message: String,
    /// What there is to know about it, a line each. Texts of the trace in it can hold control characters.
    pub details: Vec<String>,
    /// The first signal it is about.
    pub signal: Option<Seen>,
    /// False for what is only told.
    pub is_error: bool,
    /// The query of the expectation, by position among those asked about signals of the rule.
    pub query: Option<usize>,
    /// The first event on which a signal is missing, if it is known which.
    pub event: Option<u64>,
}

/// How one trace of a suite did.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseResult {
    /// Position of the suite.
    pub suite: usize,
    /// Position of the trace in it.
    pub case: usize,
    /// How it did.
    pub status: Status,
    /// What is not as expected, in the order of the expectations.
    pub failures: Vec<Failure>,
    /// What was observed; empty if the trace could not be read.
    pub observed: Observed,
}

/// Queries that are asked about signals of a rule in a case, in order, once each.
pub fn queries<'s>(suite: &'s Suite, case: &Case, rule: &str) -> Vec<&'s tracehound_suppress::Query> {
    let mut out: Vec<&tracehound_suppress::Query> = Vec::new();
    for expectation in suite.entry(case).expect.iter().chain(suite.golden(case).into_iter().flat_map(|g| &g.expect)) {
        if let Some(placed) = expectation.query.as_ref().filter(|_| expectation.rule.name == rule)
            && !out.iter().any(|query| query.text() == placed.query.text())
        {
            out.push(&placed.query);
        }
    }
    out
}

/// The result of a trace that was read.
pub fn judge(suites: &[Suite], suite: usize, case: usize, observed: Observed) -> CaseResult {
    let (suite_at, case_at) = (suite, case);
    let suite = &suites[suite];
    let case = &suite.cases[case];
    let entry = suite.entry(case);
    let mut failures = Vec::new();
    let mut expected: HashSet<(&str, u64)> = HashSet::new();
    for expectation in suite.expectations(case) {
        let rule = expectation.rule.name.as_str();
        let query = expectation
            .query
            .as_ref()
            .and_then(|placed| queries(suite, case, rule).iter().position(|query| query.text() == placed.query.text()));
        let seen = observed.of(rule);
        let meant: Vec<&Seen> = seen.iter().filter(|seen| is_meant(expectation, query, seen)).collect();
        expected.extend(meant.iter().map(|seen| (rule, seen.seq)));
        failures.extend(expectation_failure(expectation, query, &meant, seen));
    }
    for absent in &entry.absent {
        let fired: Vec<&Seen> = observed.of(&absent.name).iter().filter(|seen| seen.is_fired()).collect();
        expected.extend(fired.iter().map(|seen| (absent.name.as_str(), seen.seq)));
        if let Some(first) = fired.first() {
            failures.push(Failure {
                kind: FailureKind::Forbidden,
                span: absent.span,
                rule: Some(absent.name.clone()),
                message: format!("{} must not fire and did, {}", absent.name, on_events(&fired)),
                details: signal_lines(first),
                signal: Some((*first).clone()),
                is_error: true,
                query: None,
                event: None,
            });
        }
    }
    let policy = suite.unexpected(case);
    if policy != Unexpected::Ignore {
        for (rule, seen) in &observed.signals {
            let others: Vec<&Seen> =
                seen.iter().filter(|seen| seen.is_fired() && !expected.contains(&(rule.as_str(), seen.seq))).collect();
            let Some(first) = others.first() else { continue };
            failures.push(Failure {
                kind: FailureKind::Unexpected,
                span: entry.trace.span,
                rule: Some(rule.clone()),
                message: format!("{rule} fired, which nothing expects, {}", on_events(&others)),
                details: signal_lines(first),
                signal: Some((*first).clone()),
                is_error: policy == Unexpected::Fail,
                query: None,
                event: None,
            });
        }
    }
    let has_failed = failures.iter().any(|failure| failure.is_error);
    let (is_partial, may_be) = (observed.facts.is_partial(), suite.is_partial(case));
    let mut about_trace = |kind, span, message: &str, details| {
        let message = message.to_owned();
        failures.push(Failure {
            kind,
            span,
            rule: None,
            message,
            details,
            signal: None,
            is_error: true,
            query: None,
            event: None,
        });
    };
    if is_partial && !may_be {
        let what = "the trace is damaged or lossy: what it does not show may have happened";
        about_trace(FailureKind::Partial, entry.trace.span, what, observed.facts.damage_lines());
    } else if may_be && !is_partial {
        let what = "the trace is expected to be damaged or lossy, and is whole";
        about_trace(FailureKind::Whole, entry.partial_span, what, Vec::new());
    }
    let status = match (has_failed || may_be && !is_partial, is_partial && !may_be) {
        (true, _) => Status::Failed,
        (false, true) => Status::Partial,
        (false, false) => Status::Passed,
    };
    CaseResult { suite: suite_at, case: case_at, status, failures, observed }
}

/// The result of a trace that cannot be read; `why` says so.
pub fn unreadable(suites: &[Suite], suite: usize, case: usize, why: String) -> CaseResult {
    let entry = suites[suite].entry(&suites[suite].cases[case]);
    let failure = Failure {
        kind: FailureKind::Unreadable,
        span: entry.trace.span,
        rule: None,
        message: format!("the trace cannot be read: {why}"),
        details: Vec::new(),
        signal: None,
        is_error: true,
        query: None,
        event: None,
    };
    CaseResult { suite, case, status: Status::Error, failures: vec![failure], observed: Observed::default() }
}

/// True if one of some expectations of a case is about a signal of a rule.
pub fn is_spoken_of(suite: &Suite, case: &Case, expect: &[Expectation], rule: &str, seen: &Seen) -> bool {
    let asked = queries(suite, case, rule);
    expect.iter().filter(|expectation| expectation.rule.name == rule).any(|expectation| {
        let query = expectation.query.as_ref();
        let query = query.and_then(|placed| asked.iter().position(|query| query.text() == placed.query.text()));
        is_meant(expectation, query, seen)
    })
}

/// True for a signal that an expectation is about.
fn is_meant(expectation: &Expectation, query: Option<usize>, seen: &Seen) -> bool {
    let is_of_verdict = match &expectation.suppressed_by {
        None => seen.is_fired(),
        Some(name) => seen.suppressed_by.contains(&name.name),
    };
    is_of_verdict
        && query.is_none_or(|query| seen.answers.get(query) == Some(&true))
        && expectation.fields.iter().all(|(field, wanted)| value_of(seen, &field.name) == *wanted)
}

fn value_of(seen: &Seen, field: &str) -> Option<String> {
    seen.fields.get(field).and_then(field_text)
}

fn expectation_failure(
    expectation: &Expectation,
    query: Option<usize>,
    meant: &[&Seen],
    all: &[Seen],
) -> Option<Failure> {
    let n = meant.len() as u64;
    let rule = &expectation.rule.name;
    let wanted = expectation.bounds;
    let seqs: Vec<u64> = meant.iter().map(|seen| seen.seq).collect();
    let mut event = None;
    let (kind, message, details, signal) = match &expectation.events {
        Some(events) if *events == seqs => return None,
        Some(events) => {
            let lacking: Vec<u64> = events.iter().copied().filter(|seq| !seqs.contains(seq)).collect();
            let more: Vec<&&Seen> = meant.iter().filter(|seen| !events.contains(&seen.seq)).collect();
            let mut parts = Vec::new();
            if !lacking.is_empty() {
                parts.push(format!("not on {}", event_list(&lacking)));
            }
            if !more.is_empty() {
                parts.push(format!("also on {}", event_list(&more.iter().map(|seen| seen.seq).collect::<Vec<_>>())));
            }
            event = lacking.first().copied();
            let (kind, what) = match meant.is_empty() {
                true => (FailureKind::Missing, format!("0 times, expected on {}", event_list(events))),
                false => (FailureKind::OtherEvents, format!("on other events than expected: {}", parts.join(", "))),
            };
            let message = format!("{rule}{} {what}", verb(expectation));
            let details = more.first().map_or_else(|| others(expectation, query, all), |seen| signal_lines(seen));
            (kind, message, details, more.first().map(|seen| (**seen).clone()))
        }
        None if wanted.has(n) => return None,
        None if n < wanted.min => {
            let details = others(expectation, query, all);
            let signal = all.first().cloned();
            let on = if n > 0 { format!(", {}", on_events(meant)) } else { String::new() };
            let message = format!("{rule}{} {n} times, expected {wanted}{on}", verb(expectation));
            (FailureKind::Missing, message, details, signal)
        }
        None => {
            let details = meant.last().map_or_else(Vec::new, |seen| signal_lines(seen));
            let message = format!("{rule}{} {n} times, expected {wanted}, {}", verb(expectation), on_events(meant));
            (FailureKind::TooMany, message, details, meant.last().map(|seen| (*seen).clone()))
        }
    };
    let span = expectation.bounds_span;
    Some(Failure { kind, span, rule: Some(rule.clone()), message, details, signal, is_error: true, query, event })
}

fn verb(expectation: &Expectation) -> String {
    let mut out = match &expectation.suppressed_by {
        None => " fired".to_owned(),
        Some(name) => format!(" was suppressed by {}", name.name),
    };
    if expectation.query.is_some() || !expectation.fields.is_empty() {
        out += " as described";
    }
    out
}

/// Why the signals of a rule that there are do not count for an expectation.
fn others(expectation: &Expectation, query: Option<usize>, all: &[Seen]) -> Vec<String> {
    const SHOWN: usize = 5;
    let mut lines = Vec::new();
    for seen in all.iter().filter(|seen| !is_meant(expectation, query, seen)).take(SHOWN) {
        let mut why = Vec::new();
        match (&expectation.suppressed_by, seen.suppressed_by.is_empty()) {
            (None, false) => why.push(format!("it is suppressed by {}", seen.suppressed_by.join(", "))),
            (Some(_), true) => why.push("nothing suppresses it".to_owned()),
            (Some(name), false) if !seen.suppressed_by.contains(&name.name) => {
                why.push(format!("it is suppressed by {}", seen.suppressed_by.join(", ")));
            }
            _ => {}
        }
        if query.is_some_and(|query| seen.answers.get(query) != Some(&true)) {
            why.push("`where` does not match".to_owned());
        }
        for (field, wanted) in &expectation.fields {
            let value = value_of(seen, &field.name);
            if value != *wanted {
                let text = |value: &Option<String>| value.as_ref().map_or("absent".to_owned(), |v| format!("`{v}`"));
                why.push(format!("{} is {}, not {}", field.name, text(&value), text(wanted)));
            }
        }
        lines.push(format!("the signal on event {} does not count: {}", seen.seq, why.join(", ")));
    }
    lines
}

fn on_events(seen: &[&Seen]) -> String {
    let seqs: Vec<u64> = seen.iter().map(|seen| seen.seq).collect();
    format!("on {}", event_list(&seqs))
}

/// `event 7`, `events 7, 9 and 3 more`.
fn event_list(seqs: &[u64]) -> String {
    const SHOWN: usize = 5;
    let list = seqs.iter().take(SHOWN).map(u64::to_string).collect::<Vec<_>>().join(", ");
    let more = seqs.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("event{} {list}{more}", if seqs.len() == 1 { "" } else { "s" })
}

/// A signal and who did it.
fn signal_lines(seen: &Seen) -> Vec<String> {
    let mut lines = vec![format!("event {}: {}", seen.seq, seen.message)];
    lines.extend(seen.evidence.iter().map(|why| format!("evidence degraded: {why}")));
    lines.extend(seen.path.iter().map(|line| format!("  {line}")));
    lines
}
