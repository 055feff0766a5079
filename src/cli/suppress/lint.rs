//! `suppress lint`: what is wrong with suppressions, dangerous, or of no use.

use std::collections::HashMap;
use std::io::Write;

use serde_json::{Value as Json, json};
use tracehound_lang::{Code, Diagnostic, Severity, render};
use tracehound_report::accounting::{self, State};
use tracehound_rules::RuleSet;
use tracehound_suppress::files::{self, Suppression, date};
use tracehound_suppress::lint::{self, Context};
use tracehound_suppress::{Clock, ExtraTags, SignalView, SuppressionSet};

use super::args::{Level, Lint, LintFormat};
use crate::Window;
use crate::cli::args::Global;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::sarif;
use crate::cli::session::{Session, load_rule_files, stdout};
use crate::cli::suppressing;
use crate::each::is_asked;

/// Share of the events of a kind, and of the paths of programs, above which a suppression matches too much: A-16.
const MAX_EVENTS: f64 = 0.01;
const MAX_PATHS: f64 = 0.2;
/// Events of a kind below which a share says nothing.
const MIN_EVENTS: u64 = 100;

pub(super) fn run(global: &Global, args: &Lint) -> Result<Outcome, Failure> {
    if !args.traces.is_empty() && args.rules.rules.is_empty() {
        return Err(Failure::Usage("--trace needs the rules whose signals are suppressed: -r RULES".to_owned()));
    }
    let now = args.now.as_deref().map_or(Ok(date::now()), suppressing::moment)?;
    let tags = suppressing::tags(&args.tags)?;
    let rules = if args.rules.rules.is_empty() { None } else { Some(load_rule_files(global, &args.rules)?) };
    let mut loaded = suppressing::read(&args.files)?;
    let mut partial = Outcome::Done;
    let fails_to_load = loaded.has_errors();
    if !fails_to_load {
        let lint_rules = rules.as_ref().map(|rules| suppressing::lint_rules(&rules.rules));
        let context = Context { rules: lint_rules.as_deref(), now };
        for suppression in &loaded.suppressions {
            let found = lint::lint(suppression, &context);
            loaded.diagnostics.extend(found);
        }
        if let Some(rules) = &rules {
            let replayed = replay(global, args, &rules.rules, &loaded, &tags)?;
            partial = replayed.1;
            loaded.diagnostics.extend(replayed.0);
        }
        loaded.diagnostics.sort_by_key(|d| d.span().map_or((u32::MAX, 0), |span| (span.file, span.start)));
    }
    print(global, args, &loaded)?;
    if fails_to_load {
        return Ok(Outcome::Rules);
    }
    let least = match args.fail_on {
        Level::Error => Some(Severity::Error),
        Level::Warning => Some(Severity::Warning),
        Level::Lint => Some(Severity::Lint),
        Level::Never => None,
    };
    let is_bad = least.is_some_and(|least| loaded.diagnostics.iter().any(|d| d.severity <= least));
    Ok(if is_bad { Outcome::Findings } else { partial })
}

/// What traces tell: suppressions that hide nothing, hide what others hide too, or match much of what happens.
fn replay(
    global: &Global,
    args: &Lint,
    rules: &RuleSet,
    loaded: &files::Loaded,
    tags: &ExtraTags,
) -> Result<(Vec<Diagnostic>, Outcome), Failure> {
    let mut partial = Outcome::Done;
    if args.traces.is_empty() {
        return Ok((Vec::new(), partial));
    }
    let n = loaded.suppressions.len();
    let (mut n_signals, mut n_alone) = (vec![0u64; n], vec![0u64; n]);
    let mut was_in_force = vec![false; n];
    let mut surfaces: Vec<Surface> = loaded.suppressions.iter().map(|_| Surface::default()).collect();
    let mut seen = Seen::default();
    for trace in &args.traces {
        let set = SuppressionSet::new(&loaded.suppressions, &suppressing::rule_refs(rules), Clock::Event, tags);
        let session = Session::run_suppressing(global, trace, rules, &args.rules, Some(&set), |window| {
            seen.window(window, &loaded.suppressions, tags, &mut surfaces);
            Ok(())
        })?;
        session.with_case(|case| {
            for (i, (hidden, outcome)) in accounting::hidden(case).iter().zip(case.suppressions).enumerate() {
                n_signals[i] += hidden.n_signals;
                n_alone[i] += hidden.n_alone;
                was_in_force[i] |= matches!(State::of(outcome, hidden), State::Active | State::Dead);
            }
        });
        partial = partial.and(session.partial(global, true));
    }
    let mut out = Vec::new();
    for (i, suppression) in loaded.suppressions.iter().enumerate() {
        if was_in_force[i] && n_signals[i] == 0 {
            out.push(
                Diagnostic::new(Code::SupDead, suppression.name, "hides nothing in these traces")
                    .help("remove it, or say `suppress explain` of the signal that it was made for".to_owned()),
            );
        }
        if n_signals[i] > 0 && n_alone[i] == 0 {
            let message = format!("hides {} signals, each of which another one hides too", n_signals[i]);
            out.push(Diagnostic::new(Code::SupShadowed, suppression.name, message));
        }
        out.extend(surfaces[i].finding(suppression, &seen));
    }
    Ok((out, partial))
}

/// Events and programs of traces, by kind of event.
#[derive(Default)]
struct Seen {
    n_events: HashMap<u16, u64>,
    paths: std::collections::BTreeSet<Vec<u8>>,
}

/// What a suppression matches of everything that happens, whatever the rules say of it.
#[derive(Default)]
struct Surface {
    n_events: HashMap<u16, u64>,
    paths: std::collections::BTreeSet<Vec<u8>>,
}

/// Kinds of event of which the surface is told: those that suppressions are about, and that are not merely traffic.
fn has_surface(view: &tracehound_fields::View<'_>) -> bool {
    use tracehound_formats::event::syscalls::*;
    matches!(
        view.event.head.kind,
        EXECVE | EXECVEAT | OPEN | OPENAT | OPENAT2 | CREAT | CONNECT | BIND | ACCEPT | ACCEPT4 | UNLINK | UNLINKAT
    )
}

impl Seen {
    fn window(&mut self, window: &Window<'_>, all: &[Suppression], tags: &ExtraTags, surfaces: &mut [Surface]) {
        for (batch, facts) in window.batches.iter().zip(window.facts) {
            for (event, fact) in batch.iter().zip(facts).filter(|(event, _)| is_asked(event)) {
                let view = tracehound_fields::View { event, fact, history: window.history, context: window.context };
                if !has_surface(&view) {
                    continue;
                }
                let kind = event.head.kind.0;
                *self.n_events.entry(kind).or_default() += 1;
                let path = view.image().map(|image| window.history.text(image.exepath).to_vec()).unwrap_or_default();
                let subject = SignalView::of_event(&view, tags);
                for (suppression, surface) in all.iter().zip(&mut *surfaces) {
                    let queries = [&suppression.signals, &suppression.exclusion];
                    if queries.into_iter().flatten().any(|query| query.query.matches(&subject)) {
                        *surface.n_events.entry(kind).or_default() += 1;
                        surface.paths.insert(path.clone());
                    }
                }
                self.paths.insert(path);
            }
        }
    }
}

impl Surface {
    fn finding(&self, suppression: &Suppression, seen: &Seen) -> Option<Diagnostic> {
        let mut shares: Vec<(u16, u64, u64)> = self
            .n_events
            .iter()
            .filter_map(|(kind, n)| Some((*kind, *n, *seen.n_events.get(kind)?)))
            .filter(|(_, n, all)| *all >= MIN_EVENTS && *n as f64 > *all as f64 * MAX_EVENTS)
            .collect();
        shares.sort_unstable();
        let is_wide_in_paths = seen.paths.len() >= 10 && self.paths.len() as f64 > seen.paths.len() as f64 * MAX_PATHS;
        if shares.is_empty() && !is_wide_in_paths {
            return None;
        }
        let mut parts: Vec<String> = shares
            .into_iter()
            .map(|(kind, n, all)| {
                let percent = n as f64 * 100.0 / all as f64;
                format!("{percent:.1} % of {all} {} events", crate::pipeline::kind_name(kind))
            })
            .collect();
        if is_wide_in_paths {
            parts.push(format!("{} of {} programs", self.paths.len(), seen.paths.len()));
        }
        let message = format!("matches {}, whatever the rules say of them", parts.join(", "));
        Some(
            Diagnostic::new(Code::SupSurface, suppression.name, message)
                .help("that much is not watched by its rules any more: add what tells the benign part".to_owned()),
        )
    }
}

fn print(global: &Global, args: &Lint, loaded: &files::Loaded) -> Result<(), Failure> {
    let mut out = stdout();
    let n_of = |severity| loaded.diagnostics.iter().filter(|d| d.severity == severity).count();
    let (n_errors, n_warnings, n_lints) = (n_of(Severity::Error), n_of(Severity::Warning), n_of(Severity::Lint));
    match args.format {
        LintFormat::Text => {
            let least = if global.quiet { Severity::Error } else { Severity::Lint };
            let shown: Vec<Diagnostic> = loaded.diagnostics.iter().filter(|d| d.severity <= least).cloned().collect();
            write!(out, "{}", render::render_all(&shown, &loaded.sources))?;
            writeln!(
                out,
                "{} files: {} suppressions load; {n_errors} errors, {n_warnings} warnings, {n_lints} remarks",
                loaded.sources.len(),
                loaded.suppressions.len(),
            )?;
        }
        LintFormat::Json => {
            let rows: Vec<Json> = loaded
                .diagnostics
                .iter()
                .filter_map(|d| serde_json::from_str(&render::row(d, &loaded.sources).to_json()).ok())
                .collect();
            let stats = json!({
                "files": loaded.sources.len(), "suppressions": loaded.suppressions.len(), "errors": n_errors,
                "warnings": n_warnings, "lints": n_lints,
            });
            writeln!(out, "{:#}", json!({ "diagnostics": rows, "stats": stats }))?;
        }
        LintFormat::Sarif => writeln!(out, "{:#}", sarif::log(&loaded.diagnostics, &loaded.sources))?,
    }
    Ok(out.flush()?)
}
