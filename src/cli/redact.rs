//! `redact`: a trace with pseudonyms, written only if the rules give the same signals as before.
//!
//! The trace is analyzed, written with pseudonyms to a file that has no name yet, and what was written is read back and
//! analyzed. If a signal differs, the comparison that changed is found in the rule's explanation before and after; what
//! it compared is kept, and the trace is written anew, until nothing differs, nothing more can be kept, or `--strict`
//! says to refuse.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Write};
use std::path::Path;
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tracehound_fields::Context;
use tracehound_fixture::redact::{Key, Redactor, Replaced, Residue, Vocabulary};
use tracehound_formats::event::Batch;
use tracehound_formats::{Item, Nanos, Progress, ReadNotes, Section, Seq, TraceReader};
use tracehound_rules::{ExplainedPart, Policy, RuleSet};
use tracehound_signals::Signal;
use tracehound_suppress::SuppressionSet;

use super::args::{Global, Redact, RuleArgs, RuleMatching};
use super::convert;
use super::exit::{Failure, Outcome};
use super::input::{self, Opened, check_read_again};
use super::output::{AtomicFile, check_replaceable, printable};
use super::progress::Bar;
use super::session::{Extras, Session, load_rule_files, set_threads};
use super::suppressing::Suppressions;
use crate::explain::{Moment, Search, Target};
use crate::{Analysis, Job, Only, pipeline};

/// Times that the trace is written with more kept before it is refused.
const MAX_ROUNDS: usize = 12;
/// Keys that are drawn before a name that is found is taken to be left in earnest.
const MAX_KEYS: usize = 5;
/// Signals looked into a round, and of one rule.
const MAX_DIFFERENT: usize = 48;
const MAX_DIFFERENT_OF_RULE: usize = 6;
/// Differences and findings that are printed.
const SHOWN: usize = 10;
/// Shortest secret that is taken for a key.
const MIN_KEY: usize = 16;
/// Longest key file that is read.
const MAX_KEY: u64 = 1 << 20;

/// What has to be the same of a signal: process instances are numbered alike in both analyses.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fired {
    process: Option<u32>,
    tid: i64,
    suppressed_by: Vec<String>,
}

/// Signals by event and rule.
type Signals = BTreeMap<(Seq, usize), Fired>;

/// A signal that is not the same.
struct Difference {
    seq: Seq,
    rule: usize,
    what: &'static str,
}

/// A comparison that changed, with the values it had.
struct Changed {
    text: String,
    values: Vec<(String, Option<Vec<u8>>)>,
    was: bool,
}

pub(super) fn run(global: &Global, args: &Redact) -> Result<Outcome, Failure> {
    check_read_again(&args.trace, "redact reads the trace several times")?;
    if args.rules.rules.is_empty() {
        return Err(Failure::Usage("redact needs the rules whose signals stay the same: -r RULES".to_owned()));
    }
    let Some(format) = convert::by_name(&args.output) else {
        let message = "the name does not tell the format; .trh is native, .trace and .txt are text";
        return Err(Failure::Usage(format!("{}: {message}", args.output.display())));
    };
    if args.map.as_ref() == Some(&args.output) {
        return Err(Failure::Usage("--map and --output name the same file".to_owned()));
    }
    for path in [&args.output].into_iter().chain(&args.map) {
        check_replaceable(path, args.force, from_ref(&args.trace))?;
    }
    set_threads(global);
    let mut secret = key(args.key.as_deref())?;
    let files = load_rule_files(global, &args.rules)?;
    let loaded = Suppressions::load(global, &args.suppressions, &files)?;
    let suppressions = loaded.set(&files.rules);

    let mut vocabulary = Vocabulary::new();
    for rule in files.rules.rules().iter().filter(|rule| rule.is_active()) {
        vocabulary.add_condition(rule.predicate());
    }
    loaded.queries().for_each(|query| vocabulary.add_query(query));
    args.keep.iter().for_each(|text| vocabulary.keep(text.as_bytes()));

    let extras = Extras { suppressions: Some(&suppressions), ..Extras::default() };
    let session = Session::run_with(global, &args.trace, &files.rules, &args.rules, extras, |_| Ok(()))?;
    let before = signals(&session.analysis.signals);
    let outcome = session.partial(global, args.allow_partial);
    let name = session.name.clone();
    drop(session);

    let mut refusal = None;
    let mut n_keys = 1;
    for round in 1.. {
        let mut file = AtomicFile::create(&args.output, args.force, from_ref(&args.trace))?;
        let mut redactor = Redactor::new(&secret, vocabulary.clone());
        let failed = |error| Failure::Output { path: args.output.display().to_string(), error };
        copy(global, &args.trace, &mut redactor, |out| convert::writer(format, out), &mut file, failed)?;
        let mut residue = Residue::new(&redactor);
        let path = file.flushed()?.to_owned();
        let analysis = analyze(&path, &files.rules, &args.rules, &suppressions, &mut residue)?;
        let after = signals(&analysis.signals);
        drop(analysis);
        let different = compare(&before, &after);
        if different.is_empty() {
            if residue.n_found() > 0 {
                // A pseudonym and what stays beside it can spell a name by chance. What is left in earnest is found with
                // every key; a key that was given has to give the same pseudonyms in every trace.
                if args.key.is_none() && n_keys < MAX_KEYS {
                    n_keys += 1;
                    secret = key(None)?;
                    continue;
                }
                return Ok(refuse_residue(&name, &residue));
            }
            let replaced = redactor.replaced();
            let map = args.map.as_ref().map(|path| write_map(args, path, &replaced)).transpose()?;
            file.commit()?;
            map.map_or(Ok(()), AtomicFile::commit)?;
            if !global.quiet {
                eprintln!(
                    "{}: {} words and addresses replaced, {} secrets removed; {} signals of {} rules as before",
                    args.output.display(),
                    replaced.len(),
                    redactor.n_removed(),
                    before.len(),
                    files.rules.rules().iter().filter(|rule| rule.is_active()).count()
                );
            }
            return Ok(outcome);
        }
        let asked = select(&different);
        let moments = [&args.trace, &path].map(|path| moments(path, &files.rules, &asked));
        let [old, new] = moments;
        let (old, new) = (old?, new?);
        drop(file);
        let n_before = vocabulary.len();
        let mut told = Vec::new();
        for ((difference, old), new) in asked.iter().zip(old).zip(new) {
            let changed = changed(old.as_ref(), new.as_ref());
            let rule = &files.rules.rules()[difference.rule].rule().name;
            let mut line = format!("rule {:?} {} on event {}", rule, difference.what, difference.seq.0);
            for leaf in &changed {
                line.push_str(&format!("\n  {} was {} and is not", leaf.text, leaf.was));
                for (field, value) in &leaf.values {
                    let Some(value) = value else { continue };
                    line.push_str(&format!("; {field} was {}", String::from_utf8_lossy(value)));
                    if !args.strict {
                        vocabulary.keep(value);
                    }
                }
            }
            told.push(line);
        }
        let n_told = different.len();
        if args.strict || vocabulary.len() == n_before || round >= MAX_ROUNDS {
            refusal = Some((told, n_told));
            break;
        }
        if !global.quiet {
            eprintln!("{name}: {n_told} signals differ; kept for them:");
            told.iter().take(SHOWN).for_each(|line| eprintln!("{}", indented(line)));
        }
    }
    let (told, n) = refusal.unwrap_or_default();
    eprintln!("{name}: refused: {n} signals would differ, and nothing was written:");
    told.iter().take(SHOWN).for_each(|line| eprintln!("{}", indented(line)));
    if args.strict {
        eprintln!("  --keep VALUE leaves a value as it is; without --strict, what the comparisons need is kept");
    } else {
        eprintln!("  what would have to stay is a secret, or no comparison tells what it is; --keep VALUE names more");
    }
    Ok(Outcome::Findings)
}

/// A message of several lines, safe for a terminal.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}", printable(line.as_bytes()))).collect::<Vec<_>>().join("\n")
}

/// The key of a file; without one, a key that nobody knows.
fn key(path: Option<&Path>) -> Result<Key, Failure> {
    let Some(path) = path else {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|error| Failure::Usage(format!("no random key can be drawn ({error}); --key FILE gives one")))?;
        return Ok(Key::new(&secret));
    };
    let failed = |error: io::Error| Failure::Usage(format!("{}: {error}", path.display()));
    let mut secret = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    io::Read::read_to_end(&mut io::Read::take(file, MAX_KEY + 1), &mut secret).map_err(failed)?;
    let n = secret.len();
    if n < MIN_KEY || n as u64 > MAX_KEY {
        return Err(Failure::Usage(format!("{}: a key has {MIN_KEY} bytes to 1 MiB, this has {n}", path.display())));
    }
    Ok(Key::new(&secret))
}

fn signals(signals: &[Signal]) -> Signals {
    let fired = signals.iter().map(|signal| {
        let process = signal.process.map(|process| process.number());
        let suppressed_by = signal.verdict.suppressed_by().to_vec();
        ((signal.seq, signal.rule.index), Fired { process, tid: signal.tid.0, suppressed_by })
    });
    fired.collect()
}

/// What differs, by event and rule.
fn compare(before: &Signals, after: &Signals) -> Vec<Difference> {
    let mut different: Vec<Difference> = Vec::new();
    for (&(seq, rule), old) in before {
        let what = match after.get(&(seq, rule)) {
            None => "does not fire any more",
            Some(new) if new.suppressed_by != old.suppressed_by => "has another verdict",
            Some(new) if new != old => "fires for another process",
            Some(_) => continue,
        };
        different.push(Difference { seq, rule, what });
    }
    let new = after.keys().filter(|key| !before.contains_key(key));
    different.extend(new.map(|&(seq, rule)| Difference { seq, rule, what: "fires only then" }));
    different.sort_by_key(|difference| (difference.seq, difference.rule));
    different
}

/// Differences that are looked into: some of each rule.
fn select(different: &[Difference]) -> Vec<&Difference> {
    let mut of_rule: BTreeMap<usize, usize> = BTreeMap::new();
    let is_taken = |difference: &&Difference| {
        let n = of_rule.entry(difference.rule).or_default();
        *n += 1;
        *n <= MAX_DIFFERENT_OF_RULE
    };
    different.iter().filter(is_taken).take(MAX_DIFFERENT).collect()
}

/// The comparisons that have another result. What was compared is told by the values before.
fn changed(old: Option<&Moment>, new: Option<&Moment>) -> Vec<Changed> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let parts = old.parts.iter().zip(&new.parts).filter(|(old, new)| old.result != new.result);
    parts
        .filter_map(|(old, _)| match &old.part {
            ExplainedPart::Leaf { text, values, .. } => {
                let values = values.iter().map(|(field, value)| (field.clone(), value.as_ref().map(|v| v.to_vec())));
                Some(Changed { text: text.clone(), values: values.collect(), was: old.result })
            }
            _ => None,
        })
        .collect()
}

/// How rules see certain events.
fn moments(path: &Path, rules: &RuleSet, asked: &[&Difference]) -> Result<Vec<Option<Moment>>, Failure> {
    let mut searches: Vec<Search<'_>> = asked
        .iter()
        .map(|difference| {
            let target = Target { seq: Some(difference.seq), pid: None };
            Search::new(&rules.rules()[difference.rule], target)
        })
        .collect();
    let mut opened = input::open(path)?;
    let (none, n_read) = (RuleSet::default(), AtomicU64::new(0));
    let job = job(&none, Policy::All, None, &n_read);
    let Ok(_) = pipeline::analyze(&mut *opened.reader, job, |window| {
        searches.iter_mut().for_each(|search| search.window(window));
        Ok::<(), Infallible>(())
    });
    Ok(searches.into_iter().map(|search| search.finish().nearest).collect())
}

fn job<'a>(
    rules: &'a RuleSet,
    policy: Policy,
    suppressions: Option<&'a SuppressionSet<'a>>,
    n_read: &'a AtomicU64,
) -> Job<'a> {
    Job {
        rules,
        policy,
        least: tracehound_rules::Priority::Debug,
        suppressions,
        context: Context::default(),
        only: Only::default(),
        n_read,
        meter: None,
    }
}

/// Analyzes what was written, and looks through it for what should be gone.
fn analyze(
    path: &Path,
    rules: &RuleSet,
    args: &RuleArgs,
    suppressions: &SuppressionSet<'_>,
    residue: &mut Residue,
) -> Result<Analysis, Failure> {
    let mut opened = input::open(path)?;
    let mut reader = Watched { inner: &mut *opened.reader, residue };
    let n_read = AtomicU64::new(0);
    let policy = match args.rule_matching {
        RuleMatching::All => Policy::All,
        RuleMatching::First => Policy::First,
    };
    let job = Job { least: args.min_priority, ..job(rules, policy, Some(suppressions), &n_read) };
    let Ok(analysis) = pipeline::analyze(&mut reader, job, |_| Ok::<(), Infallible>(()));
    Ok(analysis)
}

/// Shows what is read to the residue check.
struct Watched<'a> {
    inner: &'a mut dyn TraceReader,
    residue: &'a mut Residue,
}

impl TraceReader for Watched<'_> {
    fn next_item(&mut self) -> Option<Item> {
        let item = self.inner.next_item()?;
        match &item {
            Item::Section(section) => self.residue.section(section),
            Item::Batch(batch) => self.residue.batch(batch),
        }
        Some(item)
    }

    fn recycle(&mut self, batch: Batch) {
        self.inner.recycle(batch);
    }

    fn end_at(&mut self, until: Nanos) {
        self.inner.end_at(until);
    }

    fn n_left_out(&self) -> u64 {
        self.inner.n_left_out()
    }

    fn notes(&self) -> &ReadNotes {
        self.inner.notes()
    }

    fn progress(&self) -> Arc<Progress> {
        self.inner.progress()
    }
}

/// Writes a trace with pseudonyms.
fn copy(
    global: &Global,
    path: &Path,
    redactor: &mut Redactor,
    writer: impl for<'w> FnOnce(&'w mut dyn Write) -> io::Result<Box<dyn tracehound_formats::TraceWriter + 'w>>,
    out: &mut AtomicFile,
    failed: impl Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let Opened { name, n_bytes, mut reader, .. } = input::open(path)?;
    let _bar = Bar::start(global, &name, n_bytes, reader.progress(), Arc::default());
    let copy = || -> io::Result<()> {
        let mut writer = writer(out)?;
        while let Some(item) = reader.next_item() {
            match item {
                Item::Section(section) => {
                    let section: Section = redactor.section(&section);
                    writer.section(&section)?;
                }
                Item::Batch(batch) => {
                    writer.batch(&redactor.batch(&batch))?;
                    reader.recycle(batch);
                }
            }
        }
        writer.finish(&redactor.notes(reader.notes()))
    };
    copy().map_err(failed)
}

fn refuse_residue(name: &str, residue: &Residue) -> Outcome {
    eprintln!("{name}: refused: {} places still have what was to be replaced; nothing was written:", residue.n_found());
    for (what, place) in residue.found().take(SHOWN) {
        eprintln!("  {} in {}", printable(what), printable(place.as_bytes()));
    }
    eprintln!("  --keep VALUE says that a value may stay");
    Outcome::Findings
}

/// Writes what was replaced by what: only its owner can read it, for it undoes the redaction.
fn write_map(args: &Redact, path: &Path, replaced: &[Replaced]) -> Result<AtomicFile, Failure> {
    let mut file = AtomicFile::create_private(path, args.force, from_ref(&args.trace))?;
    let failed = |error| Failure::Output { path: path.display().to_string(), error };
    for one in replaced {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = serde_json::json!({ "kind": one.kind, "from": text(&one.from), "to": text(&one.to) });
        writeln!(file, "{line}").map_err(failed)?;
    }
    Ok(file)
}
