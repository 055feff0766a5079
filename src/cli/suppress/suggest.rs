//! `suppress suggest`: suppressions for signals, with what each would hide besides.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tracehound_fields::View;
use tracehound_lang::{SourceFile, render};
use tracehound_signals::SignalId;
use tracehound_suppress::files::{self, Entry, date, write};
use tracehound_suppress::query::{self, Mode};
use tracehound_suppress::suggest::{Proposal, Proposals, Target, choose, propose};
use tracehound_suppress::{Query, SignalView};

use super::args::{Signals, Suggest, SuggestFormat};
use super::gather::{Asked, Gathered, gather};
use crate::Window;
use crate::cli::args::{Global, RuleArgs, TagArgs};
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::printable;
use crate::cli::session::{Session, stdout};
use crate::cli::suppressing::plural;
use crate::each::{each_signal, is_asked};

/// Signals listed of those that a proposal hides besides; JSON has this many too, and the number of all.
const MAX_LISTED: usize = 20;

/// What a proposal would hide.
#[derive(Default)]
struct Blast {
    /// Of the signals that it is made for.
    n_targets: usize,
    /// Other signals of the same rules: these it hides.
    others: Listed,
    /// Signals of other rules: these it would hide if it were for all rules. By rule.
    n_of_other_rules: BTreeMap<String, u64>,
    /// Signals in traces with attacks: these must not be.
    attacks: Listed,
    /// Events of the same kind that it matches, whatever the rules say of them.
    n_events: u64,
}

/// Signals, counted, with the first of them.
#[derive(Default)]
struct Listed {
    n: u64,
    first: Vec<Seen>,
}

struct Seen {
    trace: String,
    id: SignalId,
    seq: u64,
    rule: String,
}

impl Listed {
    fn add(&mut self, trace: &str, signal: &tracehound_signals::Signal) {
        self.n += 1;
        if self.first.len() < MAX_LISTED {
            let (id, seq, rule) = (signal.id, signal.seq.0, signal.rule.name.clone());
            self.first.push(Seen { trace: trace.to_owned(), id, seq, rule });
        }
    }
}

/// A proposal with what it would hide.
struct Judged {
    proposal: Proposal,
    query: Query,
    blast: Blast,
}

impl Judged {
    /// Why it is refused; `None` if it is not.
    fn refused(&self, n_targets: usize) -> Option<String> {
        if self.blast.attacks.n > 0 {
            return Some(format!("it hides {} of attacks", plural(self.blast.attacks.n, "signal")));
        }
        let n_missed = n_targets.saturating_sub(self.blast.n_targets);
        (n_missed > 0).then(|| format!("it does not hide {n_missed} of the signals"))
    }
}

pub(super) fn run(global: &Global, args: &Suggest) -> Result<Outcome, Failure> {
    work(global, args, |report, partial| {
        let mut out = stdout();
        match args.format {
            SuggestFormat::Text => report.text(&mut out)?,
            SuggestFormat::Yaml => {
                if let Some(entry) = &report.entry {
                    write!(out, "{}", write::file(std::slice::from_ref(entry)))?;
                }
            }
            SuggestFormat::Json => writeln!(out, "{:#}", report.json())?,
        }
        out.flush()?;
        if report.entry.is_none() {
            eprintln!(
                "tracehound: no proposal is left: what these signals share is not narrow enough, or hides an attack"
            );
            return Ok(Outcome::Findings.and(partial));
        }
        Ok(partial)
    })
}

/// A suppression for signals of one rule, with everything there is to say of the proposals as comments of YAML. No entry
/// if no proposal is left.
pub(in crate::cli) fn draft(
    global: &Global,
    trace: &Path,
    rules: &RuleArgs,
    tags: &TagArgs,
    ids: &[SignalId],
) -> Result<(Vec<u8>, Option<Entry>), Failure> {
    let what = std::iter::once(trace.to_owned()).chain(ids.iter().map(|id| PathBuf::from(id.to_string())));
    let args = Suggest {
        signals: Signals { what: what.collect(), rules: rules.clone(), tags: tags.clone(), allow_partial: true },
        attacks: Vec::new(),
        attributes: Vec::new(),
        pick: None,
        name: None,
        owner: String::new(),
        reason: String::new(),
        ticket: String::new(),
        expires: None,
        format: SuggestFormat::Text,
    };
    work(global, &args, |report, _| {
        let mut comments = Vec::new();
        report.comments(&mut comments)?;
        Ok((comments, report.entry.clone()))
    })
}

/// Makes and judges proposals, and gives them to a function together with what the traces lack.
fn work<T>(
    global: &Global,
    args: &Suggest,
    f: impl FnOnce(&Report<'_>, Outcome) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let expiration = args
        .expires
        .as_deref()
        .map(date::parse)
        .transpose()
        .map_err(|error| Failure::Usage(format!("--expires: the text is {error}; {}", error.help())))?;
    let attacks = attack_traces(&args.attacks)?;
    let asked = Asked::new(global, &args.signals)?;
    let found = gather(global, &args.signals, &asked)?;
    let targets: Vec<Target<'_>> = found
        .signals
        .iter()
        .map(|gathered| Target { rule: &gathered.signal.rule, activity: gathered.activity, values: &gathered.values })
        .collect();
    let is_pid = |number: i64| number > 1 && found.pids.contains(&number);
    let proposals = if args.attributes.is_empty() {
        propose(&targets, &is_pid)
    } else {
        choose(&targets, &args.attributes, &is_pid)
            .map_err(|why| Failure::Usage(format!("--attribute: {}", printable(why.as_bytes()))))?
    };
    let Proposals { rule_query, proposals, left_out } = proposals;
    let parsed = |proposal: Proposal| {
        let (query, _) = query::parse(&proposal.query, Mode::Lenient);
        Some(Judged { query: query?, proposal, blast: Blast::default() })
    };
    let mut judged: Vec<Judged> = proposals.into_iter().filter_map(parsed).collect();

    let rules: BTreeSet<usize> = found.signals.iter().map(|gathered| gathered.signal.rule.index).collect();
    let kinds: BTreeSet<u16> = found.signals.iter().map(|gathered| gathered.kind).collect();
    let mut n_events = 0;
    let mut partial = found.partial;
    for (trace, is_attack) in asked.traces.iter().map(|t| (t, false)).chain(attacks.iter().map(|t| (t, true))) {
        let name = printable(trace.to_string_lossy().as_bytes());
        let session = Session::run(global, trace, &asked.rules.rules, &args.signals.rules, |window| {
            each_signal(window, |signal, view| {
                let subject = SignalView::new(signal, view, &asked.tags);
                let is_of_rules = rules.contains(&signal.rule.index);
                let is_target = !is_attack && asked.ids.binary_search(&signal.id).is_ok();
                for judged in judged.iter_mut().filter(|judged| judged.query.matches(&subject)) {
                    let blast = &mut judged.blast;
                    match (is_target, is_attack, is_of_rules) {
                        (true, ..) => blast.n_targets += 1,
                        (_, true, true) => blast.attacks.add(&name, signal),
                        (_, false, true) => blast.others.add(&name, signal),
                        (_, false, false) => {
                            *blast.n_of_other_rules.entry(signal.rule.name.clone()).or_default() += 1;
                        }
                        (_, true, false) => {}
                    }
                }
            });
            if !is_attack {
                n_events += surface(window, &kinds, &asked, &mut judged);
            }
            Ok(())
        })?;
        if is_attack {
            partial = partial.and(session.partial(global, args.signals.allow_partial));
        }
    }

    let n_targets = found.signals.len();
    let picked = match args.pick {
        None => judged.iter().position(|judged| judged.refused(n_targets).is_none()),
        Some(n) => {
            let chosen = n.checked_sub(1).and_then(|i| judged.get(i).map(|judged| (i, judged)));
            let Some((i, chosen)) = chosen else {
                return Err(Failure::Usage(format!("--pick: there are {} proposals", judged.len())));
            };
            if let Some(why) = chosen.refused(n_targets) {
                return Err(Failure::Usage(format!("--pick: proposal {n} is refused: {why}")));
            }
            Some(i)
        }
    };
    let entry = picked.and_then(|i| judged.get(i)).map(|picked| Entry {
        name: args.name.clone().unwrap_or_else(|| name_of(&found.signals)),
        description: describe(&found.signals),
        owner: args.owner.clone(),
        rule_query: rule_query.clone(),
        suppression_query: picked.proposal.query.clone(),
        expiration,
        reason: args.reason.clone(),
        ticket: args.ticket.clone(),
        ..Entry::default()
    });
    if let Some(entry) = &entry {
        // What is proposed must load: a name or a date from the command line can be wrong.
        let loaded = files::load(&[SourceFile::new("proposal.yaml", write::file(std::slice::from_ref(entry)))]);
        if loaded.has_errors() {
            eprint!("{}", render::render_all(&loaded.diagnostics, &loaded.sources));
            return Err(Failure::Rules("the proposal does not load as a suppression".to_owned()));
        }
    }
    let report = Report {
        found: &found.signals,
        rule_query,
        judged,
        left_out,
        picked,
        entry,
        n_events,
        n_attacks: attacks.len(),
    };
    f(&report, partial)
}

/// Counts the events of the signals' kinds, and those that proposals match, whatever the rules say of them: A-16.
fn surface(window: &Window<'_>, kinds: &BTreeSet<u16>, asked: &Asked, judged: &mut [Judged]) -> u64 {
    let mut n = 0;
    for (batch, facts) in window.batches.iter().zip(window.facts) {
        for (event, fact) in batch.iter().zip(facts) {
            if !kinds.contains(&event.head.kind.0) || !is_asked(&event) {
                continue;
            }
            n += 1;
            let view = View { event, fact, history: window.history, context: window.context };
            let subject = SignalView::of_event(&view, &asked.tags);
            for judged in judged.iter_mut() {
                judged.blast.n_events += u64::from(judged.query.matches(&subject));
            }
        }
    }
    n
}

/// Traces with attacks: files as they are, of folders every file that is a trace by its name.
fn attack_traces(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut out = Vec::new();
    for path in paths {
        if !path.is_dir() {
            out.push(path.clone());
            continue;
        }
        let failed = |error| Failure::Output { path: path.display().to_string(), error };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_file() && is_trace(&path) {
                found.push(path);
            }
        }
        if found.is_empty() {
            let shown = printable(path.to_string_lossy().as_bytes());
            let message = format!("--attacks: no trace (.scap, .scap.gz, .trh, .trace) in {shown}");
            return Err(Failure::Usage(message));
        }
        found.sort();
        out.extend(found);
    }
    Ok(out)
}

fn is_trace(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".scap", ".scap.gz", ".trh", ".trace"].iter().any(|end| name.ends_with(end))
}

/// A name for the suppression: the rule, and what ran below what.
fn name_of(found: &[Gathered]) -> String {
    let Some(first) = found.first() else { return String::new() };
    let text = |name: &str| {
        let attribute = tracehound_suppress::lookup(name)?;
        let value = first.values.attributes.get(&attribute.id)?;
        Some(printable(&tracehound_suppress::attributes::value_text(value)))
    };
    match (text("@process.comm"), text("@process.parent.comm")) {
        (Some(own), Some(parent)) => format!("{}: {own} below {parent}", first.signal.rule.name),
        (Some(own), None) => format!("{}: {own}", first.signal.rule.name),
        _ => first.signal.rule.name.clone(),
    }
}

fn describe(found: &[Gathered]) -> String {
    let ids: Vec<String> = found.iter().take(10).map(|gathered| gathered.signal.id.to_string()).collect();
    let more = if found.len() > ids.len() { format!(" and {} more", found.len() - ids.len()) } else { String::new() };
    format!("Proposed for {}{more}.", ids.join(", "))
}

struct Report<'a> {
    found: &'a [Gathered],
    rule_query: String,
    judged: Vec<Judged>,
    left_out: Vec<String>,
    picked: Option<usize>,
    entry: Option<Entry>,
    /// Events of the signals' kinds.
    n_events: u64,
    n_attacks: usize,
}

impl Report<'_> {
    /// A YAML file: everything for people in comments, and the entry.
    fn text(&self, out: &mut dyn Write) -> std::io::Result<()> {
        self.comments(out)?;
        if let Some(entry) = &self.entry {
            writeln!(out, "#\n# proposal {}:", self.picked.map_or(0, |i| i + 1))?;
            write!(out, "{}", write::file(std::slice::from_ref(entry)))?;
        }
        Ok(())
    }

    /// All proposals, as comments.
    fn comments(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let activity = self.found.iter().find_map(|gathered| gathered.activity);
        writeln!(
            out,
            "# {}, {} activity; {}",
            plural(self.found.len() as u64, "signal"),
            activity.map_or("other", |activity| activity.name()),
            self.rule_query
        )?;
        for (i, judged) in self.judged.iter().enumerate() {
            self.proposal(out, i, judged)?;
        }
        for why in &self.left_out {
            writeln!(out, "# left out: {}", printable(why.as_bytes()))?;
        }
        Ok(())
    }

    fn proposal(&self, out: &mut dyn Write, i: usize, judged: &Judged) -> std::io::Result<()> {
        let Judged { proposal, blast, .. } = judged;
        writeln!(out, "#\n# {}. {} ({}): {}", i + 1, proposal.width, proposal.specificity, proposal.what)?;
        writeln!(out, "#    {}", printable(proposal.query.as_bytes()))?;
        for what in &proposal.generalised {
            writeln!(out, "#    generalised: {}", printable(what.as_bytes()))?;
        }
        if let Some(why) = judged.refused(self.found.len()) {
            writeln!(out, "#    REFUSED: {why}")?;
        }
        write!(out, "#    hides {} of the same rules", plural(blast.others.n, "other signal"))?;
        if self.n_attacks > 0 {
            write!(out, ", {} in {} with attacks", blast.attacks.n, plural(self.n_attacks as u64, "trace"))?;
        }
        let percent = if self.n_events == 0 { 0.0 } else { blast.n_events as f64 * 100.0 / self.n_events as f64 };
        writeln!(out, "; matches {} of {} events of this kind ({percent:.1} %)", blast.n_events, self.n_events)?;
        for (what, listed) in [("hides", &blast.others), ("ATTACK", &blast.attacks)] {
            for seen in &listed.first {
                let (rule, trace) = (printable(seen.rule.as_bytes()), &seen.trace);
                writeln!(out, "#      {what} {} {rule}, event {} of {trace}", seen.id, seen.seq)?;
            }
            if listed.n > listed.first.len() as u64 {
                writeln!(out, "#      and {} more", listed.n - listed.first.len() as u64)?;
            }
        }
        for (rule, n) in &blast.n_of_other_rules {
            writeln!(out, "#      for all rules it would also hide {n} of {}", printable(rule.as_bytes()))?;
        }
        Ok(())
    }

    fn json(&self) -> Json {
        let listed = |listed: &Listed| -> Vec<Json> {
            let one = |seen: &Seen| json!({ "id": seen.id.to_string(), "rule": seen.rule, "seq": seen.seq, "trace": seen.trace });
            listed.first.iter().map(one).collect()
        };
        let proposals: Vec<Json> = self
            .judged
            .iter()
            .map(|judged| {
                let (proposal, blast) = (&judged.proposal, &judged.blast);
                json!({
                    "suppression_query": proposal.query,
                    "specificity": proposal.specificity,
                    "width": proposal.width.to_string(),
                    "constrains": proposal.what,
                    "generalised": proposal.generalised,
                    "refused": judged.refused(self.found.len()),
                    "hides_targets": blast.n_targets,
                    "hides_others": blast.others.n,
                    "others": listed(&blast.others),
                    "hides_attacks": blast.attacks.n,
                    "attacks": listed(&blast.attacks),
                    "of_other_rules": blast.n_of_other_rules,
                    "events_matched": blast.n_events,
                })
            })
            .collect();
        json!({
            "signals": self.found.iter().map(|gathered| gathered.signal.id.to_string()).collect::<Vec<_>>(),
            "rule_query": self.rule_query,
            "proposals": proposals,
            "left_out": self.left_out,
            "picked": self.picked.map(|i| i + 1),
            "entry": self.entry.as_ref().map(Entry::to_json),
            "events_of_kind": self.n_events,
            "attack_traces": self.n_attacks,
        })
    }
}
