//! Decode, replay, match: a window at a time.
//!
//! A reader runs on its own thread and hands batches on, up to a window ahead. About `WINDOW` events, of the first window
//! `FIRST`, are replayed in order; then rules are matched over all events of the window in parallel, reading history and
//! facts only. The facts of a window are dropped after it, so that memory is bounded by history and four windows, not by
//! the length of the trace; batches go back to the reader, which uses their memory again.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Instant;

use tracehound_fields::{Context, NumberFormat, TraceFeatures, View, missing_for};
use tracehound_formats::event::{head_flags, kind};
use tracehound_formats::native::Unread;
use tracehound_formats::reader::Damage;
use tracehound_formats::{Batch, Item, KindId, Nanos, Part, ReadNotes, Seq, TraceReader, WantedArgs};
use tracehound_report::{Loss, RowTimes};
use tracehound_rules::{Matcher, Policy, Priority, RuleId, RuleSet, Union};
use tracehound_signals::{Evidence, GapLog, RuleRef, Signal, TraceId, Verdict};
use tracehound_state::history::TableSize;
use tracehound_state::{Fact, History, Replay, ReplayNotes, ReplayOptions};
use tracehound_suppress::{SignalView, SuppressionSet};

mod skip;

use self::skip::Needs;
pub use self::skip::{KindsAsked, Skipped};
use crate::meter::{self, Meter};

/// Events replayed before rules are matched over them. Fixed, so that results do not depend on timing.
const WINDOW: usize = 16 * 1024;
/// Events of the first window: some of those that can be replayed while rules are loaded; more of them would leave the cache
/// before rules are asked about them. It is the same where nothing is loaded meanwhile, for rules see what is known at the end
/// of their window.
const FIRST: usize = 3 * WINDOW;
/// Events read and not yet done with after which the reader waits: the window and the one after it.
const AHEAD: usize = 2 * WINDOW;
/// Time to match rules in, ns, below which no other thread is woken for it: it takes tens of microseconds to be there, looks
/// for more to do for as long again, and remembers answers that others have already.
const MIN_SHARE: u64 = 500_000;
/// Time to match an event, ns, before any was matched.
const FIRST_COST: u64 = 1_000;

/// What to do with a trace.
pub struct Job<'a> {
    /// Rules; empty to rebuild history only.
    pub rules: &'a RuleSet,
    /// Which of several matching rules are reported.
    pub policy: Policy,
    /// Rules below this priority are not asked.
    pub least: Priority,
    /// What hides signals; none of them is lost, their verdict says so.
    pub suppressions: Option<&'a SuppressionSet<'a>>,
    /// What fields need to know besides the trace.
    pub context: Context,
    /// What of the trace is asked for.
    pub only: Only,
    /// Events read so far, for progress.
    pub n_read: &'a AtomicU64,
    /// Takes the cost of each stage, for a benchmark.
    pub meter: Option<&'a Meter>,
}

/// Rules that are asked over the replay of a [`Job`] beside its own, as if they were a job of their own.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// See [`Job::rules`].
    pub rules: &'a RuleSet,
    /// See [`Job::policy`].
    pub policy: Policy,
    /// See [`Job::least`].
    pub least: Priority,
    /// See [`Job::suppressions`].
    pub suppressions: Option<&'a SuppressionSet<'a>>,
}

/// Rules beside those of jobs, made ready once for all traces.
pub struct Beside<'a> {
    sides: Vec<Side<'a>>,
    union: Union,
}

impl<'a> Beside<'a> {
    /// Sides beside jobs with these rules, of these priorities.
    pub fn new(rules: &RuleSet, least: Priority, sides: Vec<Side<'a>>) -> Beside<'a> {
        let all: Vec<(&RuleSet, Priority)> =
            std::iter::once((rules, least)).chain(sides.iter().map(|side| (side.rules, side.least))).collect();
        Beside { union: Union::of(&all), sides }
    }
}

/// What a [`Side`] gave.
#[derive(Clone, Debug, Default)]
pub struct SideFound {
    /// See [`Analysis::signals`].
    pub signals: Vec<Signal>,
    /// See [`Analysis::not_evaluable`].
    pub not_evaluable: Vec<Vec<String>>,
}

/// What of a trace is asked for. State is always replayed from its beginning, so that nothing that is asked for is
/// answered differently.
#[derive(Clone, Copy, Debug, Default)]
pub struct Only {
    /// Rules see no event before this time.
    pub since: Option<Nanos>,
    /// Events after this time are left out, as if the recording had ended. In a native trace, segments of nothing else
    /// are not even decompressed.
    pub until: Option<Nanos>,
    /// Rules see only events of processes with this pid in the host's namespace.
    pub pid: Option<i64>,
    /// Nobody observes events: segments of a native trace in which, by their headers, nothing can change state and no rule
    /// is asked for anything are not decompressed ([`Totals::skipped`]). What is found is the same. Without effect under a
    /// limit of memory, which counts windows.
    pub is_unobserved: bool,
}

impl Only {
    /// True if rules see an event.
    fn has(&self, view: &View<'_>) -> bool {
        self.since.is_none_or(|since| view.event.head.ts >= since)
            && self.pid.is_none_or(|pid| {
                view.fact.process.is_some_and(|process| view.history.processes[process.index()].pid.0 == pid)
            })
    }
}

/// What a trace gave.
pub struct Analysis {
    /// Everything that happened.
    pub history: History,
    /// Times of the history's rows.
    pub times: RowTimes,
    /// Identity of the recording, for keys.
    pub trace_id: TraceId,
    /// What fired, by event and then by order of rules.
    pub signals: Vec<Signal>,
    /// For each rule in order, why it could not be fully evaluated on this trace: `FIELD: what the trace lacks`.
    pub not_evaluable: Vec<Vec<String>>,
    /// Counts.
    pub totals: Totals,
    /// What the reader found.
    pub read_notes: ReadNotes,
    /// What replay found contradictory.
    pub replay_notes: ReplayNotes,
    /// What fields were asked with.
    pub context: Context,
    /// What further sides gave, in their order; see [`analyze_sides`].
    pub beside: Vec<SideFound>,
}

impl Analysis {
    /// Adds to evidence what only the whole trace tells; see [`Evidence::degrade`]. `rule` is its position.
    pub fn degrade(&self, evidence: &mut Evidence, seq: Seq, rule: usize) {
        let gaps = gap_log(&self.totals.losses, &self.read_notes).before(seq);
        evidence.degrade(gaps, self.not_evaluable.get(rule).map_or(&[], Vec::as_slice));
    }

    /// `ok`, or what is wrong with the trace: `damaged`, `lossy`, or both; `partial` if its end was left out at a limit of
    /// memory, whatever else is wrong with it.
    pub fn integrity(&self) -> &'static str {
        if self.totals.beyond_limit.is_some() {
            return "partial";
        }
        match (self.read_notes.n_damage > 0, !self.totals.losses.is_empty()) {
            (false, false) => "ok",
            (true, false) => "damaged",
            (false, true) => "lossy",
            (true, true) => "damaged and lossy",
        }
    }
}

/// Counts over a trace.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Events delivered by the reader.
    pub n_events: u64,
    /// Time of the first event, ns since the epoch; `None` without events.
    pub first_ns: Option<u64>,
    /// Latest time of an event.
    pub last_ns: Option<u64>,
    /// Events by code of their kind, in order of code; only kinds that occur.
    pub by_kind: Vec<(u16, u64)>,
    /// Losses that the recorder wrote into the trace.
    pub losses: Vec<Loss>,
    /// Threads in the start state.
    pub n_initial_threads: u64,
    /// Events after [`Only::until`], which were left out.
    pub n_left_out: u64,
    /// Events that are counted by what their segments say of themselves, and were not looked at.
    pub skipped: Skipped,
    /// What was left out because of a limit of memory; `None` if everything was replayed.
    pub beyond_limit: Option<BeyondLimit>,
}

/// The part of a trace that was not replayed because what was kept had reached a limit. It was read: its numbers are
/// exact, and damage in it is noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeyondLimit {
    /// Number and time of the first event that was not replayed; `None` if there are sections only.
    pub first: Option<(Seq, Nanos)>,
    /// Events.
    pub n_events: u64,
    /// Sections, whose start state is not in the history.
    pub n_sections: u64,
}

impl Totals {
    /// Events that the recorder knows it lost. A record that does not say how many counts one.
    pub fn n_lost(&self) -> u64 {
        self.losses.iter().map(|loss| loss.n_events.unwrap_or(1)).fold(0, u64::saturating_add)
    }

    /// Counts what is not replayed.
    fn leave_out(&mut self, item: &Item) {
        let beyond = self.beyond_limit.get_or_insert_default();
        match item {
            Item::Section(_) => beyond.n_sections += 1,
            Item::Batch(batch) => {
                let first = batch.get(0).map(|event| (event.head.seq, event.head.ts));
                beyond.first = beyond.first.or(first);
                beyond.n_events += batch.len() as u64;
            }
        }
    }
}

/// Memory of a history, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySize {
    /// Bytes of the history and of the times of its rows.
    pub n_bytes: u64,
    /// Process instances.
    pub n_processes: usize,
    /// Events that were replayed.
    pub n_events: u64,
    /// What of it each table holds.
    pub tables: Vec<TableSize>,
}

impl HistorySize {
    /// Of what was replayed.
    pub fn of(analysis: &Analysis) -> HistorySize {
        let (history, times) = (&analysis.history, &analysis.times);
        let rows = history.images.len() + history.files.len();
        let mut tables = history.sizes();
        tables.push(TableSize { name: "times of rows", rows, bytes: times.memory() });
        let n_bytes = tables.iter().map(|table| table.bytes as u64).sum();
        HistorySize { n_bytes, n_processes: history.processes.len(), n_events: analysis.totals.n_events, tables }
    }

    /// A line a table.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let head = std::iter::once(format!("{:22} {:>10} {:>9} {:>12}", "table", "rows", "MiB", "bytes a row"));
        head.chain(self.tables.iter().map(|table| {
            let (mib, each) = (table.bytes as f64 / 1048576.0, table.bytes / table.rows.max(1));
            format!("{:22} {:10} {mib:9.1} {each:12}", table.name, table.rows)
        }))
    }
}

impl std::fmt::Display for HistorySize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mib = self.n_bytes as f64 / 1048576.0;
        write!(
            f,
            "history {mib:.1} MiB: {} bytes a process ({} processes), {:.1} MiB a million events",
            self.n_bytes / self.n_processes.max(1) as u64,
            self.n_processes,
            mib * 1e6 / self.n_events.max(1) as f64,
        )
    }
}

/// Batches that were replayed together, with their facts, as an observer sees them.
pub struct Window<'a> {
    /// Batches in order.
    pub batches: &'a [Batch],
    /// Facts, one list a batch.
    pub facts: &'a [Vec<Fact>],
    /// History as of the end of the window.
    pub history: &'a History,
    /// Signals of the window, in order; their evidence is not complete before the end of the trace.
    pub signals: &'a [Signal],
    /// What fields are asked with.
    pub context: &'a Context,
}

/// Runs the whole pipeline over a trace. `observe` is called for each window, in order, for tables of events.
pub fn analyze<E>(
    reader: &mut dyn TraceReader,
    job: Job<'_>,
    observe: impl FnMut(&Window<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    analyze_sides(reader, job, None, observe)
}

/// As [`analyze`], with further rules asked over the same replay: each side gives what a job of its own would give.
/// Rules that are the same on several sides are asked once. An observer sees the signals of the job's own rules, which
/// must be those that `beside` was made with.
pub fn analyze_sides<E>(
    reader: &mut dyn TraceReader,
    job: Job<'_>,
    beside: Option<&Beside<'_>>,
    observe: impl FnMut(&Window<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    analyze_within(reader, job, beside, None, observe)
}

/// Where replay ends before the trace does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// After the window in which what is kept until the end (history, times of its rows, signals) outgrows so many bytes.
    /// Windows and what is read ahead come on top, and do not grow with the trace.
    Bytes(u64),
    /// After the window in which so many events are replayed: where another run ended for its bytes.
    Events(u64),
}

/// As [`analyze_sides`], up to a limit. What is behind it is read only to count it ([`Totals::beyond_limit`]) and to find
/// its damage.
pub fn analyze_within<E>(
    reader: &mut dyn TraceReader,
    job: Job<'_>,
    beside: Option<&Beside<'_>>,
    limit: Option<Limit>,
    observe: impl FnMut(&Window<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    run(reader, job, beside, None, limit, observe)
}

/// Rules of a job that are still being loaded when it begins.
pub struct Loading<'l, 'a, E> {
    /// Gives, as soon as they are loaded, what they are asked for. Without an answer nothing is.
    pub kinds: mpsc::Receiver<KindsAsked>,
    /// Waits for them. It is called when the first of them is to be asked.
    pub rules: Box<dyn FnOnce() -> Result<Side<'a>, E> + 'l>,
}

/// As [`analyze_within`], with rules in place of the job's own that are loaded on another thread meanwhile: the beginning
/// of the trace is read and replayed without them.
pub fn analyze_loading<'a, E>(
    reader: &mut dyn TraceReader,
    job: Job<'a>,
    loading: Loading<'_, 'a, E>,
    limit: Option<Limit>,
    observe: impl FnMut(&Window<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    run(reader, job, None, Some(loading), limit, observe)
}

fn run<'a, E>(
    reader: &mut dyn TraceReader,
    job: Job<'a>,
    beside: Option<&'a Beside<'a>>,
    loading: Option<Loading<'_, 'a, E>>,
    limit: Option<Limit>,
    mut observe: impl FnMut(&Window<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    let (kinds, mut loading) = loading.map(|Loading { kinds, rules }| (kinds, rules)).unzip();
    // A limit is looked at after each window.
    let mut size = if limit.is_none() { FIRST } else { WINDOW };
    let n_left_out = AtomicU64::new(0);
    if let Some(until) = job.only.until {
        reader.end_at(until);
    }
    let mut needs_of_run = None;
    let wanted = WantedArgs::default();
    if job.only.is_unobserved && limit.is_none() {
        let needs = Arc::new(Needs::of(&job, beside, kinds));
        needs_of_run = Some(Arc::clone(&needs));
        reader.want_only(wanted.clone());
        reader.leave_unread(Box::new(move |segment| needs.can_spare(segment)));
    }
    reader.use_threads(rayon::current_num_threads());
    let mut run = Run { needs: needs_of_run, ..Run::new(job, beside) };
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel::<Part>();
        let (give_back, returned) = mpsc::channel::<Done>();
        let (until, most) = (run.job.only.until, size + WINDOW);
        let needs = run.needs.clone().map(|needs| (needs, wanted));
        let mut ahead = Ahead { reader: &mut *reader, until, n_left_out: &n_left_out, most, needs };
        let meter = run.job.meter;
        scope.spawn(move || ahead.run(&send, &returned, meter));
        let (mut pieces, mut batches) = (Vec::new(), Vec::new());
        let mut n_events = 0;
        let mut is_over = false;
        for part in receive {
            let part = match part {
                Part::Item(item) if is_over => {
                    run.totals.leave_out(&item);
                    if let Item::Batch(batch) = item {
                        drop(give_back.send(Done { n_events: batch.len(), batches: vec![batch] }));
                    }
                    continue;
                }
                part => part,
            };
            let section = match part {
                Part::Item(Item::Section(section)) => Some(section),
                Part::Item(Item::Batch(batch)) => {
                    n_events += batch.len();
                    pieces.push(Piece::Batch(batch));
                    None
                }
                Part::Unread(unread) => {
                    n_events += unread.segment().n_rows as usize;
                    pieces.push(Piece::Unread(unread));
                    None
                }
            };
            let is_full = section.is_some() || n_events >= size;
            // Nothing else can be done until the rules are there. Later, who waits for a whole window is woken seldom.
            if is_full || loading.is_some() {
                run.replay_pieces(&mut pieces, &mut batches);
            }
            if is_full {
                // A section before the first event ends no window.
                if n_events > 0 {
                    size = WINDOW;
                }
                if !batches.is_empty()
                    && let Some(rules) = loading.take()
                {
                    run.sides[0] = SideRun::new(rules()?);
                }
                run.ask(&batches, &mut observe)?;
                let done = Done { n_events: std::mem::take(&mut n_events), batches: std::mem::take(&mut batches) };
                // The reader may have ended; then nobody wants them.
                drop(give_back.send(done));
            }
            if let Some(section) = section {
                run.section(&section);
            }
            is_over = is_full
                && match limit {
                    None => false,
                    Some(Limit::Bytes(most)) => run.memory() > most,
                    Some(Limit::Events(most)) => run.totals.n_events >= most,
                };
        }
        run.replay_pieces(&mut pieces, &mut batches);
        if let Some(rules) = loading.take() {
            run.sides[0] = SideRun::new(rules()?);
        }
        run.ask(&batches, &mut observe)
    })?;
    run.totals.n_left_out = n_left_out.into_inner() + reader.n_left_out();
    let mut notes = reader.notes().clone();
    run.read_late(&mut notes);
    if let Some(beyond) = run.totals.beyond_limit {
        notes.skip("events left out at the limit of memory", beyond.n_events);
    }
    Ok(run.finish(notes))
}

/// The pipeline fed by hand, as a trace is recorded: each batch is replayed and matched when it comes.
pub struct Live<'a>(Run<'a>);

impl<'a> Live<'a> {
    /// Nothing has happened yet.
    pub fn new(job: Job<'a>) -> Live<'a> {
        Live(Run::new(job, None))
    }

    /// The start state.
    pub fn section(&mut self, section: &tracehound_formats::Section) {
        self.0.section(section);
    }

    /// Events; gives what fired on them, by event and then by order of rules.
    pub fn batch(&mut self, batch: &Batch) -> Vec<Signal> {
        self.0.replay(batch, 0);
        let Ok(()) = self.0.ask::<Infallible>(std::slice::from_ref(batch), &mut |_| Ok(()));
        std::mem::take(&mut self.0.sides[0].signals)
    }
}

/// What a window is made of.
enum Piece {
    Batch(Batch),
    /// A segment that is passed over, or read when it is its turn.
    Unread(Unread),
}

/// A window that is done with: its events as they were counted when they were read, and memory that can be used again.
struct Done {
    n_events: usize,
    batches: Vec<Batch>,
}

/// The reader on its own thread.
struct Ahead<'a> {
    reader: &'a mut dyn TraceReader,
    until: Option<Nanos>,
    n_left_out: &'a AtomicU64,
    /// Events read and not yet done with after which it waits until the first window is done with: that one can be larger.
    most: usize,
    /// What the reader is told of what is needed, as soon as that is known.
    needs: Option<(Arc<Needs>, WantedArgs)>,
}

impl Ahead<'_> {
    /// Reads until the trace ends or nobody receives. Waits while too much of what was read is not done with.
    fn run(&mut self, send: &mpsc::Sender<Part>, returned: &mpsc::Receiver<Done>, meter: Option<&Meter>) {
        let mut n_out = 0;
        loop {
            loop {
                // The receiver never waits for more than a window, so that it gives back before it starves.
                let window = match returned.try_recv() {
                    Ok(window) => window,
                    Err(_) if n_out < self.most => break,
                    Err(_) => match returned.recv() {
                        Ok(window) => window,
                        Err(_) => return,
                    },
                };
                n_out -= window.n_events;
                if window.n_events > 0 {
                    self.most = AHEAD;
                }
                window.batches.into_iter().for_each(|batch| self.reader.recycle(batch));
            }
            if let Some((needs, wanted)) = &self.needs
                && !wanted.is_told()
            {
                needs.tell(wanted);
            }
            let Some(mut part) = meter::stage(meter, |meter| &meter.decode, || self.reader.next_part()) else { return };
            match &mut part {
                Part::Item(Item::Batch(batch)) => {
                    self.cut(batch);
                    n_out += batch.len();
                }
                Part::Unread(unread) => n_out += unread.segment().n_rows as usize,
                Part::Item(Item::Section(_)) => {}
            }
            if send.send(part).is_err() {
                return; // The receiver failed; its error is what is reported.
            }
        }
    }

    /// Leaves out the events that are too late.
    fn cut(&mut self, batch: &mut Batch) {
        let Some(until) = self.until else { return };
        if batch.iter().all(|event| event.head.ts <= until) {
            return;
        }
        let mut kept = Batch::default();
        batch.iter().filter(|event| event.head.ts <= until).for_each(|event| kept.append(&event));
        self.n_left_out.fetch_add((batch.len() - kept.len()) as u64, Ordering::Relaxed);
        self.reader.recycle(std::mem::replace(batch, kept));
    }
}

/// A pipeline under way.
struct Run<'a> {
    job: Job<'a>,
    /// The job's own rules, then those beside them.
    sides: Vec<SideRun<'a>>,
    /// All of them as one, if there are several sides.
    union: Option<&'a Union>,
    replay: Replay,
    times: RowTimes,
    trace_id: Option<TraceId>,
    hostname: Arc<str>,
    totals: Totals,
    by_code: Vec<u64>,
    last_seq: u64,
    /// What of the trace is looked at; `None` for everything.
    needs: Option<Arc<Needs>>,
    /// Of segments that were read after all: events that the reader counted and were not there, and damage.
    late: (u64, Vec<Damage>),
    /// Time to match rules on an event of the last window, ns. It tells in how many shares, never what is found.
    cost: u64,
    /// Memory that is used again for each window.
    facts: Vec<Vec<Fact>>,
    /// What is remembered from window to window while no task asks it; see [`Matcher`].
    matchers: Mutex<Vec<Matcher<'a>>>,
}

/// One side of it.
struct SideRun<'a> {
    side: Side<'a>,
    rule_refs: Vec<Arc<RuleRef>>,
    signals: Vec<Signal>,
}

impl<'a> SideRun<'a> {
    fn new(side: Side<'a>) -> SideRun<'a> {
        let rules = side.rules.rules().iter().enumerate();
        SideRun { rule_refs: rules.map(|(i, rule)| RuleRef::new(i, rule.rule())).collect(), side, signals: Vec::new() }
    }

    /// What a matcher is told that asks this side alone.
    fn policy(&self) -> Policy {
        // A rule that does not see an event leaves it to the rules after it: all that match have to be known.
        match self.side.suppressions {
            Some(set) if set.has_exclusions() => Policy::All,
            _ => self.side.policy,
        }
    }
}

impl<'a> Run<'a> {
    fn new(job: Job<'a>, beside: Option<&'a Beside<'_>>) -> Run<'a> {
        let further = beside.map_or(&[][..], |beside| &beside.sides);
        let own = Side { rules: job.rules, policy: job.policy, least: job.least, suppressions: job.suppressions };
        Run {
            sides: std::iter::once(own).chain(further.iter().copied()).map(SideRun::new).collect(),
            union: beside.map(|beside| &beside.union),
            hostname: Arc::from(job.context.hostname.as_str()),
            job,
            replay: Replay::new(ReplayOptions::default()),
            times: RowTimes::new(),
            trace_id: None,
            totals: Totals::default(),
            by_code: Vec::new(),
            last_seq: 0,
            needs: None,
            late: Default::default(),
            cost: FIRST_COST,
            facts: Vec::new(),
            matchers: Mutex::default(),
        }
    }

    /// Bytes of what is kept until the end. The same for every run and number of threads.
    fn memory(&self) -> u64 {
        let signals = self.sides.iter().flat_map(|side| &side.signals).map(signal_memory).sum::<usize>();
        (self.replay.history().memory() + self.times.memory() + signals) as u64
    }

    fn section(&mut self, section: &tracehound_formats::Section) {
        self.totals.n_initial_threads += section.threads.len() as u64;
        if self.job.context.hostname.is_empty()
            && let Some(hostname) = &section.machine.hostname
        {
            self.job.context.hostname = hostname.to_string();
            self.hostname = Arc::from(self.job.context.hostname.as_str());
        }
        self.replay.section(section, Seq(self.last_seq + 1));
    }

    /// Replays the next pieces of a window; adds their batches to it.
    fn replay_pieces(&mut self, pieces: &mut Vec<Piece>, batches: &mut Vec<Batch>) {
        for piece in pieces.drain(..) {
            let batch = match piece {
                Piece::Batch(batch) => Some(batch),
                Piece::Unread(unread) => self.read_if_needed(&unread),
            };
            if let Some(batch) = batch {
                self.replay(&batch, batches.len());
                batches.push(batch);
            }
        }
    }

    /// Replays batch `i` of a window.
    fn replay(&mut self, batch: &Batch, i: usize) {
        if self.facts.len() <= i {
            self.facts.resize_with(i + 1, Vec::new);
        }
        self.job.n_read.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.count(batch);
        self.facts[i].clear();
        let (replay, facts) = (&mut self.replay, &mut self.facts[i]);
        meter::stage(self.job.meter, |meter| &meter.state, || replay.batch(batch, facts));
    }

    /// Matches rules over a window that was replayed, and shows it to the observer.
    fn ask<E>(&mut self, batches: &[Batch], observe: &mut impl FnMut(&Window<'_>) -> Result<(), E>) -> Result<(), E> {
        if batches.is_empty() {
            return Ok(());
        }
        let history = self.replay.history();
        self.times.batches(history, batches);
        self.job.context.first_ns = self.totals.first_ns.unwrap_or(0);
        let trace = *self.trace_id.get_or_insert_with(|| TraceId::of(history, self.job.context.first_ns));
        let mut window =
            Window { batches, facts: &self.facts[..batches.len()], history, signals: &[], context: &self.job.context };
        let own = &self.sides[0];
        let (rules, policy, least) = match self.union {
            Some(union) => (union.rules(), Policy::All, Priority::Debug),
            None => (own.side.rules, own.policy(), own.side.least),
        };
        if !rules.rules().is_empty() {
            self.matchers.get_mut().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(Matcher::refresh);
            let asked = Asked::of(rules, batches);
            let matching = Matching {
                job: &self.job,
                sides: &self.sides,
                union: self.union,
                window: &window,
                trace,
                hostname: &self.hostname,
            };
            let matchers = &self.matchers;
            let share = |asked: &[Asked]| {
                // What a matcher remembers does not change what it answers: it does not matter who takes which.
                let idle = matchers.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut matcher = idle.unwrap_or_else(|| Matcher::new(rules, policy, least));
                let share = || matching.share(&mut matcher, asked);
                let start = Instant::now();
                let signals = meter::stage(matching.job.meter, |meter| &meter.rules, share);
                let cost = start.elapsed();
                matchers.lock().unwrap_or_else(PoisonError::into_inner).push(matcher);
                (signals, cost)
            };
            let n_worth = (asked.len() as u64).saturating_mul(self.cost) / MIN_SHARE;
            let found = in_shares(&asked, usize::try_from(n_worth).unwrap_or(usize::MAX), share);
            let cost = found.iter().map(|(_, cost)| cost.as_nanos() as u64).fold(0, u64::saturating_add);
            self.cost = cost.checked_div(asked.len() as u64).unwrap_or(self.cost);
            let n_before = self.sides[0].signals.len();
            for (share, _) in found {
                for (side, signals) in self.sides.iter_mut().zip(share) {
                    side.signals.extend(signals);
                }
            }
            window.signals = &self.sides[0].signals[n_before..];
        }
        meter::stage(self.job.meter, |meter| &meter.report, || observe(&window))
    }

    fn count(&mut self, batch: &Batch) {
        let totals = &mut self.totals;
        totals.n_events += batch.len() as u64;
        for (i, head) in batch.heads().enumerate() {
            self.last_seq = self.last_seq.max(head.seq.0);
            totals.first_ns.get_or_insert(head.ts.0);
            totals.last_ns = totals.last_ns.max(Some(head.ts.0));
            count_kind(&mut self.by_code, head.kind, 1);
            if Loss::is_of(head.kind) {
                totals.losses.extend(batch.get(i).and_then(|event| Loss::of(&event)));
            }
        }
    }

    fn finish(mut self, read_notes: ReadNotes) -> Analysis {
        let counts = self.by_code.iter().enumerate().filter(|(_, n)| **n > 0);
        self.totals.by_kind = counts.map(|(code, n)| (code as u16, *n)).collect();
        let replay_notes = *self.replay.notes();
        let history = self.replay.finish();
        let features = TraceFeatures::of(&history);
        let (losses, read) = (&self.totals.losses, &read_notes);
        let mut found = self.sides.into_iter().map(|mut run| {
            let missing = |rule: &tracehound_rules::PlannedRule| {
                let missing = rule.fields_used().into_iter().filter_map(|field| {
                    missing_for(field.field(), &features).map(|why| format!("{}: {why}", field.text))
                });
                missing.collect()
            };
            let not_evaluable: Vec<Vec<String>> = run.side.rules.rules().iter().map(missing).collect();
            degrade(&mut run.signals, losses, read, &not_evaluable);
            SideFound { signals: run.signals, not_evaluable }
        });
        let SideFound { signals, not_evaluable } = found.next().unwrap_or_default();
        let beside = found.collect();
        Analysis {
            trace_id: self.trace_id.unwrap_or_else(|| TraceId::of(&history, 0)),
            history,
            times: self.times,
            signals,
            not_evaluable,
            totals: self.totals,
            read_notes,
            replay_notes,
            context: self.job.context,
            beside,
        }
    }
}

/// Counts events of a kind by its code.
#[inline]
fn count_kind(by_code: &mut Vec<u64>, kind: KindId, n: u64) {
    let code = usize::from(kind.0);
    if by_code.len() <= code {
        by_code.resize(code + 1, 0);
    }
    by_code[code] += n;
}

/// An event that rules are asked for: its batch in the window, and its place there.
#[derive(Clone, Copy)]
struct Asked {
    batch: u32,
    row: u32,
}

impl Asked {
    /// The events of a window that some rule is asked for, in order. Of most kinds none is: nothing else of them is looked at.
    fn of(rules: &RuleSet, batches: &[Batch]) -> Vec<Asked> {
        // A call that never returned has no result that a condition could ask for, and Falco never sees it.
        const UNSEEN: u8 = head_flags::STATE_ONLY | head_flags::UNFINISHED;
        let mut asked = Vec::new();
        for (i, batch) in batches.iter().enumerate() {
            let heads = batch.heads().enumerate();
            let seen = heads.filter(|(_, head)| head.flags & UNSEEN == 0 && rules.asks_kind(head.kind.0));
            asked.extend(seen.map(|(row, _)| Asked { batch: i as u32, row: row as u32 }));
        }
        asked
    }
}

/// Gives a function the events in shares, one for each worker but no more than is worth it, and gives what it makes of them
/// in their order. The first share is done here: nobody is woken where there is little to do.
fn in_shares<T: Send>(asked: &[Asked], n_worth: usize, share: impl Fn(&[Asked]) -> T + Sync) -> Vec<T> {
    let n_shares = n_worth.clamp(1, rayon::current_num_threads().max(1));
    let mut shares = asked.chunks(asked.len().div_ceil(n_shares).max(1));
    let Some(first) = shares.next() else { return Vec::new() };
    let mut found: Vec<Option<T>> = Vec::new();
    found.resize_with(shares.len(), || None);
    if found.is_empty() {
        return vec![share(first)];
    }
    let of_first = rayon::in_place_scope(|scope| {
        for (of_share, asked) in found.iter_mut().zip(shares) {
            let share = &share;
            scope.spawn(move |_| *of_share = Some(share(asked)));
        }
        share(first)
    });
    std::iter::once(of_first).chain(found.into_iter().flatten()).collect()
}

/// What a task needs to match rules.
struct Matching<'a> {
    job: &'a Job<'a>,
    sides: &'a [SideRun<'a>],
    union: Option<&'a Union>,
    window: &'a Window<'a>,
    trace: TraceId,
    hostname: &'a Arc<str>,
}

impl Matching<'_> {
    /// Signals of some events of the window, of each side.
    fn share(&self, matcher: &mut Matcher<'_>, asked: &[Asked]) -> Vec<Vec<Signal>> {
        let mut signals = vec![Vec::new(); self.sides.len()];
        let mut of_side = Vec::new();
        let window = self.window;
        for &Asked { batch, row } in asked {
            let (batch, facts, row) = (&window.batches[batch as usize], &window.facts[batch as usize], row as usize);
            let (Some(event), Some(fact)) = (batch.get(row), facts.get(row)) else { continue };
            let view = View { event, fact, history: window.history, context: window.context };
            if !self.job.only.has(&view) {
                continue;
            }
            let matched = matcher.matches(&view);
            if matched.is_empty() {
                continue;
            }
            for (side, (run, signals)) in self.sides.iter().zip(&mut signals).enumerate() {
                match self.union {
                    Some(union) => {
                        union.of_set(side, matched, &mut of_side);
                        self.fire(run, &of_side, &view, signals);
                    }
                    None => self.fire(run, matched, &view, signals),
                }
            }
        }
        signals
    }

    /// Signals of the rules of a side that match an event.
    fn fire(&self, run: &SideRun<'_>, matched: &[RuleId], view: &View<'_>, signals: &mut Vec<Signal>) {
        for &id in matched {
            let output = run.side.rules.rule(id).output();
            let fields = output
                .fields(view)
                .map(|(key, value)| (key.to_owned(), tracehound_signals::json::value(&value, NumberFormat::Dec)));
            let mut signal = Signal::new(
                self.trace,
                &run.rule_refs[id.0 as usize],
                view,
                self.hostname,
                output.render(view),
                fields,
                Evidence::of(view),
            );
            let is_excluded = run.side.judge(&mut signal, view);
            signals.push(signal);
            if run.side.policy == Policy::First && !is_excluded {
                break;
            }
        }
    }
}

impl Side<'_> {
    /// Gives a signal its verdict. True if its rule was not to see the event at all.
    fn judge(&self, signal: &mut Signal, view: &View<'_>) -> bool {
        let Some(set) = self.suppressions else { return false };
        let judgement = set.judge(&SignalView::new(signal, view, set.tags()), &signal.rule, signal.ts);
        if !judgement.by.is_empty() {
            let by = judgement.by.iter().map(|&i| set.suppressions()[i].entry.name.clone()).collect();
            signal.verdict = Verdict::Suppressed { by };
        }
        judgement.is_excluded
    }
}

/// About how many bytes a signal takes.
fn signal_memory(signal: &Signal) -> usize {
    // What a field takes in a map besides its text.
    const FIELD: usize = 64;
    let fields = signal.output_fields.iter().map(|(key, value)| FIELD + key.len() + value.as_str().map_or(0, str::len));
    size_of::<Signal>() + signal.message.len() + fields.sum::<usize>()
}

/// Adds to each signal's evidence what only the whole trace tells: losses and damage before its event, and fields of
/// its rule that the trace has no answer for.
fn degrade(signals: &mut [Signal], losses: &[Loss], notes: &ReadNotes, not_evaluable: &[Vec<String>]) {
    let gaps = gap_log(losses, notes);
    for signal in signals {
        signal.evidence.degrade(gaps.before(signal.seq), &not_evaluable[signal.rule.index]);
    }
}

/// Where a trace has gaps.
fn gap_log(losses: &[Loss], notes: &ReadNotes) -> GapLog {
    let losses = losses.iter().map(|loss| (loss.seq, loss.n_events.unwrap_or(0)));
    GapLog::new(losses, notes.damage.iter().map(|damage| damage.after))
}

/// Name of a kind's code for people.
pub fn kind_name(code: u16) -> &'static str {
    kind::KindId(code).name()
}
