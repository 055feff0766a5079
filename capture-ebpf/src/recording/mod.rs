//! A recording from its start to its end.
//!
//! ```text
//! ring ──poll (this thread)──> batches ──writer (its own thread)──> start state, segments ──> file, stream or memory
//! ```
//!
//! The thread that empties the ring does nothing else, so that the ring does not overflow while a disk is slow. What
//! it cannot hand on it keeps up to a limit; beyond that the ring fills, and the kernel counts what is lost.

mod notes;
mod writer;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bstr::BString;
use tracehound_formats::{Batch, Section};

use self::writer::{Place, Writer};
use crate::counters::Counters;
use crate::error::PollError;
use crate::files::Root;
use crate::host::Clock;
use crate::output::{self, Memory, Outputs, Size};
use crate::privileges::{self, Needs};
use crate::recorder::{PollStats, Recorder, is_full};
use crate::snapshot::{Settled, Tally};

/// Messages that wait for the writer besides those of the backlog.
const QUEUE: usize = 2;
/// Batches that were written and wait to be filled again, so that memory is not asked for and given back all the time.
const SPARE: usize = 16;
/// Most bytes of events that wait for the writer.
const MAX_BACKLOG: usize = 4 << 20;
/// Messages that one emptying of the ring keeps before it hands them on.
const KEPT_MESSAGES: usize = 4;
/// Longest wait for events: how old one gets before it is handed on. The kernel wakes the reader earlier when the ring
/// fills.
const POLL: Duration = Duration::from_millis(100);

/// Where events come from: the recorder, or in tests a script.
pub trait Source {
    /// See [`Recorder::poll`].
    fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(&Batch)) -> Result<PollStats, PollError>;
    /// See [`Recorder::detach`].
    fn detach(&mut self) -> Result<(), PollError>;
    /// See [`Recorder::counters`].
    fn counters(&self) -> Result<Counters, PollError>;
    /// Paths of cgroups seen for the first time since the last call.
    fn take_new_cgroups(&mut self) -> Vec<BString>;
    /// The clock that times of events are of.
    fn clock(&self) -> Clock;
}

impl Source for Recorder {
    fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(&Batch)) -> Result<PollStats, PollError> {
        Recorder::poll(self, timeout, sink)
    }

    fn detach(&mut self) -> Result<(), PollError> {
        Recorder::detach(self)
    }

    fn counters(&self) -> Result<Counters, PollError> {
        Recorder::counters(self)
    }

    fn take_new_cgroups(&mut self) -> Vec<BString> {
        Recorder::take_new_cgroups(self).into_iter().map(|(_, path)| path).collect()
    }

    fn clock(&self) -> Clock {
        Clock { epoch_offset_ns: self.epoch_offset_ns() }
    }
}

/// Settings of a recording.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it goes.
    pub output: output::Options,
    /// Longest time between an event and its being on disk.
    pub flush: Duration,
    /// Keep the last minutes in memory and write them when asked.
    pub flight: Option<Flight>,
    /// Environment variables whose values are kept in the start state.
    pub env: Vec<BString>,
    /// The host to read; `/` but for tests.
    pub root: Root,
    /// Set, also later, by whoever does not want to wait any more once recording has ended: the trace is whole then, and is
    /// not written once more to make it smaller.
    pub cut_short: Arc<AtomicBool>,
    /// Give up privileges. Off only in tests, which share their process with others.
    pub drop_privileges: bool,
}

/// The flight recorder.
#[derive(Clone, Copy, Debug)]
pub struct Flight {
    /// How far back it reaches; up to a sixth more.
    pub span: Duration,
    /// Most bytes of memory for traces.
    pub max_bytes: u64,
}

/// Looks at what is recorded as it is recorded.
pub trait Observer: Send {
    /// A trace begins with this start state.
    fn section(&mut self, section: &Section);
    /// Events of it. Says why what is remembered should be written now, if it should.
    fn batch(&mut self, batch: &Batch) -> Option<String>;
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// True once the start state is in the trace; what happens from now on can be told apart from it.
    pub is_started: bool,
    /// Events taken out of the ring.
    pub n_events: u64,
    /// Bytes of all traces.
    pub n_bytes: u64,
    /// Files written by the flight recorder.
    pub n_dumps: u64,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Go,
    /// End the recording.
    Stop,
    /// Write what is remembered, and go on.
    Dump,
}

/// Why a recording ended.
#[derive(Debug)]
pub enum End {
    /// It was told to.
    Asked,
    /// The trace has the size that was asked for.
    Size,
    /// The disk is full, or a quota is used up.
    Full(io::Error),
    /// Whoever read the stream went away.
    Closed,
    /// The trace cannot be written.
    Output(io::Error),
    /// The ring cannot be read any more.
    Poll(PollError),
}

/// What was recorded.
#[derive(Debug)]
pub struct Summary {
    /// Why it ended.
    pub end: End,
    /// Balance of the kernel side; none if it cannot be read.
    pub counters: Option<Counters>,
    /// Events of the recording program in traces.
    pub n_written: u64,
    /// Events that were taken out of the ring and are in no trace: the disk was full, or recording had ended.
    pub n_unwritten: u64,
    /// Bytes of all traces.
    pub size: Size,
    /// What was read of the start state.
    pub tally: Tally,
    /// What of it stood among the events too.
    pub settled: Settled,
    /// Traces on disk.
    pub files: Vec<PathBuf>,
    /// Warnings for people.
    pub warnings: Vec<String>,
}

/// A recording cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The trace cannot be made.
    #[error("{0}")]
    Output(io::Error),
    /// Privileges cannot be given up.
    #[error("cannot give up privileges: {0}")]
    Privileges(io::Error),
}

/// What the writer is told.
enum Message {
    /// Everything that happened up to `as_of_ns`, since the message before.
    Events { as_of_ns: u64, cgroups: Vec<BString>, batch: Batch },
    /// Write what is remembered.
    Dump,
    /// Nothing follows.
    End(Option<Counters>),
}

/// What the writer says while it works.
#[derive(Debug, Default)]
struct Shared {
    is_started: AtomicBool,
    /// True once recording is to end: nothing is worth a long wait any more.
    is_ending: AtomicBool,
    /// True once nothing more can be written.
    is_stopped: AtomicBool,
    n_bytes: AtomicU64,
    n_dumps: AtomicU64,
    warnings: Mutex<Vec<String>>,
}

/// Records until `control`, which is asked about ten times a second, or the end of the room for the trace. Does not
/// return before everything that was recorded is written.
///
/// The calling thread keeps its privileges: `control` gives them up once it needs them no more. The source is gone before
/// the trace gets its end: what that takes does not come on top of the ring.
pub fn record<S: Source>(
    mut source: S,
    settings: &Settings,
    observer: Option<&mut dyn Observer>,
    control: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Summary, RecordError> {
    let clock = source.clock();
    let place = match settings.flight {
        Some(flight) => Place::Memory(Memory::new(flight.max_bytes, flight.span.as_nanos() as u64)),
        None => Place::Traces(Box::new(Outputs::new(settings.output.clone()).map_err(RecordError::Output)?)),
    };
    let shared = Shared::default();
    let (send, receive) = sync_channel(QUEUE);
    let (give_back, spare) = sync_channel(SPARE);
    let makes_files = settings.flight.is_some() || settings.output.rotate.is_some();
    let needs = Needs { host_files: true, new_files: makes_files, counters: false };
    let writer = Writer::new(settings, clock, place, (receive, give_back), &shared, observer);
    std::thread::scope(|scope| {
        let (tell, hear) = sync_channel(1);
        let thread = scope.spawn(move || {
            if settings.drop_privileges {
                let _ = tell.send(privileges::keep_only(needs));
                privileges::give_way();
            }
            writer.run()
        });
        if settings.drop_privileges
            && let Ok(Err(error)) = hear.recv()
        {
            return Err(RecordError::Privileges(error));
        }
        let mut poller = Poller {
            source: &mut source,
            clock,
            outbox: Outbox { send, backlog: VecDeque::new(), n_backlog: 0 },
            spare,
            n_events: 0,
        };
        let mut end = poller.until_told(&shared, control);
        shared.is_ending.store(true, Ordering::Release);
        // The hooks first, then what they left in the ring: nothing is recorded while the rest is taken out.
        if let Err(error) = poller.source.detach() {
            end = End::Poll(error);
        }
        while let Ok(stats) = poller.poll(Duration::ZERO) {
            if stats.is_drained || stats.n_records == 0 {
                break;
            }
        }
        let counters = poller.source.counters().ok();
        let Poller { mut outbox, .. } = poller;
        drop(source);
        outbox.put(Message::End(counters.clone()));
        outbox.hand_on_all();
        drop(outbox);
        let mut summary = thread.join().expect("the writer does not panic");
        // Why nothing more could be written says more than that recording was ended because of it.
        if matches!(summary.end, End::Asked) {
            summary.end = end;
        }
        summary.counters = counters;
        Ok(summary)
    })
}

/// The thread that empties the ring.
struct Poller<'a> {
    source: &'a mut dyn Source,
    clock: Clock,
    outbox: Outbox,
    /// Empty batches from the writer.
    spare: Receiver<Batch>,
    n_events: u64,
}

/// What goes to the writer, in order.
struct Outbox {
    send: SyncSender<Message>,
    backlog: VecDeque<Message>,
    /// Bytes of events in the backlog.
    n_backlog: usize,
}

impl Poller<'_> {
    /// Empties the ring until it is time to end.
    fn until_told(&mut self, shared: &Shared, control: &mut dyn FnMut(Progress) -> Flow) -> End {
        loop {
            // The start state waits for events that are newer than its end.
            let is_started = shared.is_started.load(Ordering::Acquire);
            if let Err(error) = self.poll(if is_started { POLL } else { POLL / 10 }) {
                return End::Poll(error);
            }
            if shared.is_stopped.load(Ordering::Acquire) {
                return End::Asked;
            }
            let progress = Progress {
                is_started: shared.is_started.load(Ordering::Acquire),
                n_events: self.n_events,
                n_bytes: shared.n_bytes.load(Ordering::Relaxed),
                n_dumps: shared.n_dumps.load(Ordering::Relaxed),
            };
            match control(progress) {
                Flow::Go => {}
                Flow::Stop => return End::Asked,
                Flow::Dump => self.outbox.put(Message::Dump),
            }
        }
    }

    fn poll(&mut self, timeout: Duration) -> Result<PollStats, PollError> {
        // What happened before this moment is in the ring by now, and so in this message or in one before.
        let as_of_ns = self.clock.now_ns();
        let Poller { source, spare, outbox, n_events, .. } = self;
        // New cgroups are known after the poll; their containers are to be described before their first events. In a
        // flood that would be too much to keep.
        let mut full = VecDeque::new();
        let mut batch = spare.try_recv().unwrap_or_default();
        let result = source.poll(timeout, &mut |events| {
            for event in events.iter() {
                batch.append(&event);
                if is_full(&batch) {
                    full.push_back(std::mem::replace(&mut batch, spare.try_recv().unwrap_or_default()));
                    if full.len() > KEPT_MESSAGES
                        && let Some(batch) = full.pop_front()
                    {
                        *n_events += batch.len() as u64;
                        outbox.put(Message::Events { as_of_ns: 0, cgroups: Vec::new(), batch });
                    }
                }
            }
        });
        let mut cgroups = source.take_new_cgroups();
        for batch in full {
            *n_events += batch.len() as u64;
            outbox.put(Message::Events { as_of_ns: 0, cgroups: std::mem::take(&mut cgroups), batch });
        }
        *n_events += batch.len() as u64;
        // A poll that left something behind proves nothing.
        let as_of_ns = if matches!(&result, Ok(stats) if stats.is_drained) { as_of_ns } else { 0 };
        outbox.put(Message::Events { as_of_ns, cgroups, batch });
        result
    }
}

impl Outbox {
    /// Hands a message on, in order; waits if too much waits already.
    fn put(&mut self, message: Message) {
        self.n_backlog += message.memory();
        self.backlog.push_back(message);
        while let Some(message) = self.backlog.pop_front() {
            let n = message.memory();
            let is_too_much = self.n_backlog > MAX_BACKLOG;
            match if is_too_much { self.send.send(message).map_err(|_| None) } else { self.try_send(message) } {
                Ok(()) => self.n_backlog -= n,
                Err(Some(message)) => {
                    self.backlog.push_front(message);
                    return;
                }
                // The writer has gone; its summary says why.
                Err(None) => self.n_backlog -= n,
            }
        }
    }

    fn try_send(&self, message: Message) -> Result<(), Option<Message>> {
        self.send.try_send(message).map_err(|error| match error {
            TrySendError::Full(message) => Some(message),
            TrySendError::Disconnected(_) => None,
        })
    }

    fn hand_on_all(&mut self) {
        for message in self.backlog.drain(..) {
            let _ = self.send.send(message);
        }
    }
}

impl Message {
    fn memory(&self) -> usize {
        match self {
            Message::Events { batch, .. } => batch.memory(),
            Message::Dump | Message::End(_) => 0,
        }
    }
}
