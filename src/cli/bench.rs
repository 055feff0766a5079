//! `bench`: what the stages of an analysis cost on a trace.
//!
//! The stages are metered while the whole pipeline runs with one worker, so that what is measured is what `analyze`
//! does; scaling is the whole pipeline again with more workers. Processor time is what counts on a machine that does
//! other work; wall time is given beside it.

use std::io::{self, Write};
use std::time::Instant;

use serde_json::{Value, json};
use tracehound_report::{AnyTable, EVENTS, ParquetSink, TABLES, TableSink};
use tracehound_rules::RuleSet;

use super::analyze::write_window;
use super::args::{Bench, Global, InfoFormat};
use super::exit::{Failure, Outcome};
use super::input::check_read_again;
use super::session::{Extras, Session, load_rules};
use crate::Only;
use crate::meter::{self, Meter, Stage, process_cpu_ns};
use crate::pipeline::HistorySize;

pub(super) fn run(global: &Global, args: &Bench) -> Result<Outcome, Failure> {
    check_read_again(&args.trace, "bench reads the trace several times")?;
    let rules = load_rules(global, &args.rules)?;
    let bench = Measured::of(global, args, &rules)?;
    let mut out = io::stdout().lock();
    match args.format {
        InfoFormat::Json => writeln!(out, "{:#}", bench.json())?,
        InfoFormat::Text => bench.print(&mut out)?,
    }
    Ok(bench.outcome)
}

/// What `analyze` asks for.
const UNOBSERVED: Only = Only { since: None, until: None, pid: None, is_unobserved: true };

/// The cost of a stage.
struct Line {
    name: &'static str,
    /// Events, or rows.
    n: u64,
    cpu_ns: u64,
    cycles: Option<u64>,
}

impl Line {
    fn of(name: &'static str, n: u64, stage: &Stage) -> Line {
        Line { name, n, cpu_ns: stage.cpu_ns(), cycles: stage.cycles() }
    }

    fn per_second(&self) -> f64 {
        self.n as f64 * 1e9 / (self.cpu_ns.max(1)) as f64
    }

    fn cycles_each(&self) -> Option<f64> {
        Some(self.cycles? as f64 / self.n.max(1) as f64)
    }
}

/// A run of the whole pipeline.
struct Whole {
    n_threads: usize,
    wall_ns: u64,
    cpu_ns: u64,
}

/// Everything that was measured.
struct Measured {
    name: String,
    n_events: u64,
    /// Of these, events of segments that were not decompressed.
    n_skipped: u64,
    n_rules: usize,
    lines: Vec<Line>,
    wholes: Vec<Whole>,
    history: HistorySize,
    /// Most memory of the process so far; `None` where the system does not tell.
    peak_bytes: Option<u64>,
    outcome: Outcome,
}

impl Measured {
    fn of(global: &Global, args: &Bench, rules: &RuleSet) -> Result<Measured, Failure> {
        let quiet = Global { quiet: true, progress: super::args::When::Never, ..global.clone() };
        let mut rounds: Vec<Vec<Line>> = Vec::new();
        let mut last = None;
        for _ in 0..args.rounds {
            let meter = Meter::default();
            let extras = Extras { meter: Some(&meter), only: UNOBSERVED, ..Extras::default() };
            let session = pool(1, || Session::run_with(&quiet, &args.trace, rules, &args.rules, extras, |_| Ok(())))?;
            let totals = &session.analysis.totals;
            let n = totals.n_events - totals.skipped.n_events;
            let mut lines = vec![
                Line::of("decode", n, &meter.decode),
                Line::of("state", n, &meter.state),
                Line::of("rules", n, &meter.rules),
            ];
            lines.extend(pool(1, || report(&quiet, args, &session))?);
            rounds.push(lines);
            last = Some(session);
        }
        let session = last.expect("at least one round");
        let lines = (0..rounds[0].len()).map(|i| median(rounds.iter().map(|lines| &lines[i]), |line| line.cpu_ns));
        let lines =
            lines.map(|line| Line { name: line.name, n: line.n, cpu_ns: line.cpu_ns, cycles: line.cycles }).collect();
        let analysis = &session.analysis;
        let mut bench = Measured {
            name: session.name.clone(),
            n_events: analysis.totals.n_events,
            n_skipped: analysis.totals.skipped.n_events,
            n_rules: rules.rules().iter().filter(|rule| rule.is_active()).count(),
            lines,
            wholes: Vec::new(),
            history: HistorySize::of(analysis),
            peak_bytes: peak_bytes(),
            outcome: session.partial(&quiet, true),
        };
        drop(session);
        let most = match global.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let mut n_threads = 1;
        while n_threads <= most {
            let mut runs = Vec::new();
            for _ in 0..args.rounds {
                let (start, cpu) = (Instant::now(), process_cpu_ns());
                let extras = Extras { only: UNOBSERVED, ..Extras::default() };
                pool(n_threads, || Session::run_with(&quiet, &args.trace, rules, &args.rules, extras, |_| Ok(())))?;
                let wall_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
                runs.push(Whole { n_threads, wall_ns, cpu_ns: process_cpu_ns() - cpu });
            }
            let whole = median(runs.iter(), |run| run.wall_ns);
            bench.wholes.push(Whole { ..*whole });
            n_threads = if n_threads < most { (2 * n_threads).min(most) } else { most + 1 };
        }
        Ok(bench)
    }

    /// How much faster a run was than that with one worker. Even that one reads and replays at the same time.
    fn speed_up(&self, whole: &Whole) -> f64 {
        let alone = self.wholes.first().map_or(0, |first| first.wall_ns);
        alone as f64 / whole.wall_ns.max(1) as f64
    }

    /// The processor time that one worker needs over that which so many occupy: 1 if none ever waits and none does more.
    fn efficiency(&self, whole: &Whole) -> f64 {
        let alone = self.wholes.first().map_or(0, |first| first.cpu_ns);
        alone as f64 / (whole.wall_ns.max(1) as f64 * whole.n_threads as f64)
    }

    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {} events, {} rules", self.name, self.n_events, self.n_rules)?;
        if self.n_skipped > 0 {
            writeln!(out, "{} of the events are in segments that were not decompressed", self.n_skipped)?;
        }
        writeln!(out, "\nstage           rows or events   CPU s   million/s   ns each   cycles each")?;
        for line in &self.lines {
            let cycles = line.cycles_each().map_or("n/a".to_owned(), |cycles| format!("{cycles:.0}"));
            let ns = line.cpu_ns as f64 / line.n.max(1) as f64;
            let (seconds, rate) = (line.cpu_ns as f64 / 1e9, line.per_second() / 1e6);
            writeln!(out, "{:15} {:14} {seconds:7.3} {rate:11.2} {ns:9.1} {cycles:>13}", line.name, line.n)?;
        }
        if self.lines.iter().all(|line| line.cycles.is_none()) {
            writeln!(
                out,
                "cycles are not available: the machine does not count them, or kernel.perf_event_paranoid forbids it"
            )?;
        }
        writeln!(out, "\n{}\n", self.history)?;
        self.history.lines().try_for_each(|line| writeln!(out, "{line}"))?;
        match self.peak_bytes {
            Some(bytes) => writeln!(out, "peak memory with reports {:.1} MiB", bytes as f64 / 1048576.0)?,
            None => writeln!(out, "peak memory n/a")?,
        }
        writeln!(out, "\nthreads   wall s   CPU s   million events/s   cores used   speed-up   efficiency")?;
        for whole in &self.wholes {
            writeln!(
                out,
                "{:7} {:8.3} {:7.3} {:18.2} {:12.2} {:10.2} {:12.2}",
                whole.n_threads,
                whole.wall_ns as f64 / 1e9,
                whole.cpu_ns as f64 / 1e9,
                self.n_events as f64 * 1e3 / whole.wall_ns.max(1) as f64,
                whole.cpu_ns as f64 / whole.wall_ns.max(1) as f64,
                self.speed_up(whole),
                self.efficiency(whole),
            )?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let stages = self.lines.iter().map(|line| {
            json!({
                "stage": line.name, "n": line.n, "cpu_ns": line.cpu_ns, "per_second": line.per_second(),
                "cycles_each": line.cycles_each(),
            })
        });
        let wholes = self.wholes.iter().map(|whole| {
            json!({
                "threads": whole.n_threads, "wall_ns": whole.wall_ns, "cpu_ns": whole.cpu_ns,
                "speed_up": self.speed_up(whole), "efficiency": self.efficiency(whole),
            })
        });
        json!({
            "input": self.name, "events": self.n_events, "skipped_events": self.n_skipped, "rules": self.n_rules, "processes": self.history.n_processes,
            "stages": stages.collect::<Vec<_>>(), "runs": wholes.collect::<Vec<_>>(),
            "history": self.history.tables.iter().map(|table| {
                json!({ "table": table.name, "rows": table.rows, "bytes": table.bytes })
            }).collect::<Vec<_>>(),
            "history_bytes": self.history.n_bytes, "peak_bytes": self.peak_bytes,
        })
    }
}

/// Encodes all tables, to nowhere: those of the history, then that of events, for which the trace is replayed again.
fn report(global: &Global, args: &Bench, session: &Session) -> Result<[Line; 2], Failure> {
    session.with_case(|case| {
        let meter = Meter::default();
        let mut n_rows = 0;
        for table in TABLES {
            let info = table.info();
            let failed = |error| Failure::Table { table: info.name, error };
            let mut sink = ParquetSink::new(io::sink(), &info).map_err(failed)?;
            n_rows +=
                meter::stage(Some(&meter), |meter| &meter.report, || table.write(case, &mut sink)).map_err(failed)?;
        }
        let tables = Line::of("tables", n_rows, &meter.report);
        let info = EVENTS.info();
        let failed = |error| Failure::Table { table: info.name, error };
        let mut sink = ParquetSink::new(io::sink(), &info).map_err(failed)?;
        let meter = Meter::default();
        let extras = Extras { meter: Some(&meter), ..Extras::default() };
        Session::run_with(global, &args.trace, &RuleSet::default(), &args.rules, extras, |window| {
            write_window(window, case, &mut sink).map_err(failed)
        })?;
        meter::stage(Some(&meter), |meter| &meter.report, || sink.finish()).map_err(failed)?;
        Ok([tables, Line::of("events.parquet", session.analysis.totals.n_events, &meter.report)])
    })
}

/// Does something with a number of workers.
fn pool<T: Send>(n_threads: usize, work: impl FnOnce() -> Result<T, Failure> + Send) -> Result<T, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
    let pool = pool.map_err(|error| Failure::Usage(format!("-j {n_threads}: {error}")))?;
    pool.install(work)
}

fn median<'a, T>(all: impl Iterator<Item = &'a T>, of: impl Fn(&T) -> u64) -> &'a T {
    let mut all: Vec<&T> = all.collect();
    all.sort_by_key(|one| of(one));
    all[all.len() / 2]
}

/// Most memory that the process has had resident (`VmHWM` of proc(5)).
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kb: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kb * 1024)
}
