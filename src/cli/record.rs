//! `record`: what this host does, to a native trace.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, HumanDuration};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;
use tracehound_capture::files::Root;
use tracehound_capture::output::{Options as OutputOptions, Target};
use tracehound_capture::privileges::{self, Needs};
use tracehound_capture::recording::{self, End, Flight, Flow, Progress, Settings, Summary};
use tracehound_capture::{CallSet, Options, Profile, Recorder, StartError};

use crate::allocator;

use super::args::{Global, Record, RecordProfile, RuleArgs, When};
use super::exit::{Failure, Outcome};
use super::output::printable;
use super::session::load_rules;
use super::trigger::Trigger;

/// Most bytes of memory for the last minutes, unless --max-size says otherwise.
const FLIGHT_BYTES: u64 = 32 << 20;

/// Smallest trace that holds the start state of a small host and some events.
const LEAST_SIZE: u64 = 256 << 10;

/// Has memory in small pages or, as at the start, as the host has it: the allocator asks for large ones, of which the kernel
/// clears and counts two megabytes where some kilobytes are used. Processes inherit it. Where it cannot be done the recorder
/// takes more memory.
fn small_pages(are_small: bool) {
    let _ = disable_transparent_huge_pages(are_small);
}

pub(super) fn run(global: &Global, args: &Record) -> Result<Outcome, Failure> {
    // What waits for a disk or was needed to start is not needed later, and the memory is that of a host in production.
    allocator::return_freed_memory();
    let was_small = transparent_huge_pages_are_disabled().unwrap_or(false);
    small_pages(true);
    let mut settings = settings(args)?;
    let options = options(args)?;
    let rules = load_rules(global, &rule_args(args))?;
    let mut trigger = (!args.trigger.is_empty()).then(|| Trigger::new(&rules));
    let signals = Signals::catch().map_err(cannot_start)?;
    // Whatever asked for the end was noticed and taken away by then; what comes later asks not to wait for it.
    settings.cut_short = Arc::clone(&signals.stop);
    privileges::hide_memory().map_err(cannot_start)?;
    let mut session = Session::new(global, args, signals, was_small);
    let result = {
        let recorder = Recorder::start(&options).map_err(Failure::Record)?;
        for what in recorder.missing().iter().filter(|_| !global.quiet) {
            eprintln!("{what}");
        }
        let observer = trigger.as_mut().map(|trigger| trigger as &mut dyn recording::Observer);
        recording::record(recorder, &settings, observer, &mut |progress| session.control(progress))
        // Nothing is left in the kernel from here on.
    };
    session.end_line();
    let name = match &settings.output.target {
        Target::File(path) => printable(path.as_os_str().as_encoded_bytes()),
        Target::Stdout => "standard output".to_owned(),
    };
    let summary = result.map_err(|error| match error {
        recording::RecordError::Output(error) => Failure::Output { path: name.clone(), error },
        recording::RecordError::Privileges(_) => cannot_start(io::Error::other(error.to_string())),
    })?;
    if let Some(error) = session.failed.take() {
        return Err(error);
    }
    let outcome = report(global, args, &name, &summary, session.began.elapsed())?;
    Ok(session.status.map_or(outcome, |status| Outcome::Command(exit_code(status))))
}

fn cannot_start(error: io::Error) -> Failure {
    Failure::Record(StartError::System { what: "the state of this process", cause: error })
}

fn settings(args: &Record) -> Result<Settings, Failure> {
    let usage = |text: String| Err(Failure::Usage(text));
    let is_stdout = args.output.as_deref() == Some(Path::new("-"));
    if is_stdout && io::stdout().is_terminal() {
        return usage("a native trace is binary: redirect standard output, or name a file".to_owned());
    }
    if is_stdout && (args.rotate.is_some() || args.flight_recorder.is_some()) {
        return usage("--rotate and --flight-recorder write files; standard output is one stream".to_owned());
    }
    if is_stdout && args.max_size.is_some() {
        return usage("--max-size is of files; standard output ends with --duration or its reader".to_owned());
    }
    if args.max_size.is_some_and(|size| size < LEAST_SIZE) {
        return usage(format!("--max-size is below {}", HumanBytes(LEAST_SIZE)));
    }
    let target = match &args.output {
        Some(_) if is_stdout => Target::Stdout,
        Some(path) => Target::File(path.clone()),
        None => Target::File(default_name()),
    };
    // Rotating and remembering make names of their own; they are refused when they exist.
    let is_name_used = args.rotate.is_none() && args.flight_recorder.is_none();
    if let (true, Target::File(path)) = (is_name_used, &target)
        && path.symlink_metadata().is_ok()
    {
        return usage(format!("{}: exists; a recording never replaces a file", path.display()));
    }
    let max_size = args.max_size.filter(|_| args.flight_recorder.is_none());
    Ok(Settings {
        output: OutputOptions { target, max_size, rotate: args.rotate.map(|n| n as usize) },
        flush: args.flush,
        flight: args.flight_recorder.map(|span| Flight { span, max_bytes: args.max_size.unwrap_or(FLIGHT_BYTES) }),
        env: args.env.iter().map(|name| name.as_str().into()).collect(),
        root: Root::default(),
        cut_short: Arc::default(),
        drop_privileges: true,
    })
}

/// `HOST-20260302T110100Z.trh`: traces of several hosts end up in one folder.
fn default_name() -> PathBuf {
    let uname = rustix::system::uname();
    let host: String =
        uname.nodename().to_string_lossy().chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let time = tracehound_signals::time::Rfc3339(tracehound_formats::Nanos(now.as_nanos() as u64)).to_string();
    let stamp: String = time.split('.').next().unwrap_or_default().chars().filter(|c| !"-:".contains(*c)).collect();
    PathBuf::from(format!("{host}-{stamp}Z.trh"))
}

fn options(args: &Record) -> Result<Options, Failure> {
    let mut calls = CallSet::profile(match args.profile {
        RecordProfile::Minimal => Profile::Minimal,
        RecordProfile::Default => Profile::Default,
        RecordProfile::Full => Profile::Full,
    });
    for changes in &args.syscalls {
        calls.edit(changes).map_err(|error| Failure::Usage(format!("--syscalls: {error}")))?;
    }
    let ring_bytes = usize::try_from(args.ring_size).ok().filter(|&bytes| bytes <= 1 << 30);
    let ring_bytes = ring_bytes.ok_or_else(|| Failure::Usage("--ring-size is above 1 GiB".to_owned()))?;
    let env_keys = args.env.iter().map(|name| name.as_str().into()).collect();
    Ok(Options { ring_bytes, calls, env_keys, ..Options::default() })
}

fn rule_args(args: &Record) -> RuleArgs {
    RuleArgs::of(args.trigger.clone())
}

/// Signals that were received.
struct Signals {
    stop: Arc<AtomicBool>,
    /// The last one that asks to end, to be handed on to the command.
    which: Arc<AtomicUsize>,
    dump: Arc<AtomicBool>,
}

impl Signals {
    fn catch() -> io::Result<Signals> {
        let signals = Signals { stop: Arc::default(), which: Arc::default(), dump: Arc::default() };
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register_usize(signal, Arc::clone(&signals.which), signal as usize)?;
            flag::register(signal, Arc::clone(&signals.stop))?;
        }
        flag::register(SIGUSR1, Arc::clone(&signals.dump))?;
        Ok(signals)
    }
}

/// What goes on around the recording: the command, the end, the line on the terminal.
struct Session<'a> {
    args: &'a Record,
    signals: Signals,
    began: Instant,
    child: Option<Child>,
    status: Option<ExitStatus>,
    failed: Option<Failure>,
    is_confined: bool,
    /// Whether this process was started with small pages only.
    was_small: bool,
    shows: bool,
    shown: Option<Instant>,
    /// Ending was asked for once, and the command was told.
    is_told: bool,
}

impl<'a> Session<'a> {
    fn new(global: &Global, args: &'a Record, signals: Signals, was_small: bool) -> Session<'a> {
        let shows = match global.progress {
            When::Always => true,
            When::Never => false,
            // A command writes to the terminal itself.
            When::Auto => !global.quiet && io::stderr().is_terminal() && args.command.is_empty(),
        };
        Session {
            args,
            signals,
            began: Instant::now(),
            child: None,
            status: None,
            failed: None,
            is_confined: false,
            was_small,
            shows,
            shown: None,
            is_told: false,
        }
    }

    fn control(&mut self, progress: Progress) -> Flow {
        if progress.is_started && !self.is_confined {
            self.is_confined = true;
            if let Err(failure) = self.start() {
                self.failed = Some(failure);
                return Flow::Stop;
            }
        }
        self.show(progress);
        if self.has_ended() || self.args.duration.is_some_and(|limit| self.began.elapsed() >= limit) {
            if self.shows {
                // Writing a large trace once more takes seconds, and whoever pressed Ctrl-C waits.
                self.line(&format!("writing the end of the trace: {} (Ctrl-C cuts that short)", amounts(progress)));
            }
            return Flow::Stop;
        }
        if self.signals.dump.swap(false, Ordering::Relaxed) { Flow::Dump } else { Flow::Go }
    }

    /// Everything is being recorded: starts the command, with the rights of whoever called, then gives them up.
    fn start(&mut self) -> Result<(), Failure> {
        self.began = Instant::now();
        if let Some((program, arguments)) = self.args.command.split_first() {
            let mut command = Command::new(program);
            command.args(arguments);
            if self.args.output.as_deref() == Some(Path::new("-")) {
                // Standard output is the trace's.
                let stderr = io::stderr().as_fd().try_clone_to_owned()?;
                command.stdout(Stdio::from(stderr));
            }
            let name = printable(program.as_encoded_bytes());
            small_pages(self.was_small);
            self.child = Some(command.spawn().map_err(|error| Failure::Command { name, error })?);
            small_pages(true);
        }
        privileges::keep_only(Needs { host_files: false, new_files: false, counters: true }).map_err(cannot_start)
    }

    /// True once the command has ended, or a signal asked for the end. A command is told first: a second signal
    /// ends the recording without it.
    fn has_ended(&mut self) -> bool {
        let is_asked = self.signals.stop.swap(false, Ordering::Relaxed);
        let Some(child) = &mut self.child else { return is_asked };
        if let Ok(Some(status)) = child.try_wait() {
            self.status = Some(status);
            return true;
        }
        if is_asked && self.is_told {
            return true;
        }
        if is_asked {
            self.is_told = true;
            // Ctrl-C reaches the command without our help.
            let signal = match self.signals.which.load(Ordering::Relaxed) as i32 {
                SIGTERM => Some(Signal::TERM),
                SIGHUP => Some(Signal::HUP),
                _ => None,
            };
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            if let (Some(signal), Some(pid)) = (signal, pid) {
                return kill_process(pid, signal).is_err();
            }
        }
        false
    }

    fn show(&mut self, progress: Progress) {
        if !self.shows || self.shown.is_some_and(|at| at.elapsed() < Duration::from_millis(500)) {
            return;
        }
        let what = if progress.is_started { "recording" } else { "reading the start state" };
        let time = HumanDuration(self.began.elapsed());
        self.line(&format!("{what}: {time}, {} (Ctrl-C ends)", amounts(progress)));
    }

    /// Shows a line in place of the one before.
    fn line(&mut self, text: &str) {
        self.shown = Some(Instant::now());
        eprint!("\r\x1b[K{text}");
    }

    fn end_line(&self) {
        if self.shown.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

/// What was recorded so far, for people.
fn amounts(progress: Progress) -> String {
    format!("{} events, {}", HumanCount(progress.n_events), HumanBytes(progress.n_bytes))
}

/// As a shell gives it: 128 and the signal for what a signal killed.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Says what was recorded, and gives the exit code.
fn report(global: &Global, args: &Record, name: &str, summary: &Summary, time: Duration) -> Result<Outcome, Failure> {
    let lost = summary.counters.as_ref().map_or(0, |counters| counters.lost());
    let say = |text: String| {
        if !global.quiet {
            eprintln!("{text}");
        }
    };
    for warning in &summary.warnings {
        say(printable(warning.as_bytes()));
    }
    if args.flight_recorder.is_some() {
        // The files were named above; the sizes below would be those of the memory.
        if lost > 0 {
            say(format!("{} events were lost meanwhile", HumanCount(lost)));
        }
    } else if summary.size.n_bytes > 0 {
        let state = summary.size.n_state_bytes;
        let events = summary.size.n_bytes - state;
        let each = match summary.n_written {
            0 => String::new(),
            n => format!(" ({:.1} bytes each)", events as f64 / n as f64),
        };
        say(format!(
            "{name}: {} events in {:.1} s, {}: events {}{each}, start state {}; {}",
            HumanCount(summary.n_written),
            time.as_secs_f64(),
            HumanBytes(summary.size.n_bytes),
            HumanBytes(events),
            HumanBytes(state),
            if lost == 0 { "none lost".to_owned() } else { format!("{} lost", HumanCount(lost)) },
        ));
    }
    for path in summary.files.iter().filter(|_| summary.files.len() > 1) {
        say(printable(path.as_os_str().as_encoded_bytes()));
    }
    if global.verbose {
        let tally = &summary.tally;
        say(format!(
            "start state: {} processes, {} ended while they were read, {} ids given again, {} entries left out",
            tally.n_processes, tally.n_ended, tally.n_reused, tally.n_left_out
        ));
        if let Some(counters) = &summary.counters {
            say(format!(
                "balance: {} seen by the kernel side = {} handed over + {} lost; {} lack something, {} are cut",
                counters.seen, counters.written, lost, counters.faults, counters.cuts
            ));
            for loss in &counters.losses {
                let cpu = loss.cpu.map_or("an unknown CPU".to_owned(), |cpu| format!("CPU {cpu}"));
                say(format!("lost: {} on {cpu}: {}", loss.n, loss.cause.name()));
            }
        }
    }
    let partial = if lost > 0 { Outcome::Partial } else { Outcome::Done };
    match &summary.end {
        End::Asked | End::Closed => Ok(partial),
        End::Size => {
            say(format!("{name}: recording ended at --max-size"));
            Ok(partial)
        }
        End::Full(error) => {
            let n = HumanCount(summary.n_unwritten);
            eprintln!(
                "tracehound: {name}: {error}: recording ended; the trace is whole up to there, {n} events are not in it"
            );
            Ok(Outcome::Partial)
        }
        End::Output(error) => {
            Err(Failure::Output { path: name.to_owned(), error: io::Error::new(error.kind(), error.to_string()) })
        }
        End::Poll(error) => {
            eprintln!("tracehound: {error}: recording ended; the trace is whole up to there");
            Ok(Outcome::Partial)
        }
    }
}
