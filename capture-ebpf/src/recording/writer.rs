//! The thread that writes: start state, events in order with their numbers, containers, clocks, the last balance.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bstr::BString;
use tracehound_formats::event::pseudo;
use tracehound_formats::{Batch, ReadNotes};

use super::{End, Message, Observer, Settings, Shared, Summary, notes};
use crate::containers::Containers;
use crate::counters::Counters;
use crate::host::{self, Clock, ClockPair};
use crate::output::{Compacted, Memory, Output, Outputs, PARTS, Size, Target, is_full};
use crate::snapshot::{self, Settled, Tally};

/// Time between two samples of the clocks.
const CLOCKS: Duration = Duration::from_secs(10);
/// Most bytes of events that wait for the start state.
const MAX_WINDOW: usize = 8 << 20;
/// Most bytes of a batch that is used again.
const MAX_SPARE: usize = 512 << 10;
/// Least time between two files that rules ask for: one incident fires many.
const BETWEEN_TRIGGERS: Duration = Duration::from_secs(10);

pub(super) struct Writer<'a, 'o> {
    settings: &'a Settings,
    clock: Clock,
    place: Place,
    receive: Receiver<Message>,
    give_back: SyncSender<Batch>,
    shared: &'a Shared,
    observer: Option<&'o mut (dyn Observer + 'o)>,
    containers: Containers,
    /// Numbered events that are not written yet, in order.
    queue: VecDeque<Batch>,
    current: Option<Output>,
    /// The trace that nothing more could be written to but its end.
    stopped: Option<Output>,
    /// Number of the last event.
    seq: u64,
    flushed: Instant,
    clocks_sampled: Instant,
    part_began: Instant,
    last_trigger: Option<Instant>,
    /// Why a trigger asked for a file that is not written yet.
    triggered: Option<String>,
    dumps: Vec<JoinHandle<io::Result<(PathBuf, u64)>>>,
    /// Events of the recorder itself.
    n_own: u64,
    /// Events of earlier traces, of the recorder itself too.
    n_written: u64,
    size: Size,
    unwritten: Unwritten,
    tally: Tally,
    settled: Settled,
    end: End,
    /// The last message.
    last: Option<Option<Counters>>,
}

/// Where traces go.
pub(super) enum Place {
    Traces(Box<Outputs>),
    Memory(Memory),
}

/// Events that are in no trace.
#[derive(Clone, Copy, Debug, Default)]
struct Unwritten {
    /// Events of the recording program.
    n: u64,
    /// Events of the recorder itself.
    n_own: u64,
    from_ns: u64,
    to_ns: u64,
}

impl Unwritten {
    fn add(&mut self, batch: &Batch) {
        for event in batch.iter() {
            let ts = event.head.ts.0;
            if matches!(event.head.kind, pseudo::NOTIFICATION | pseudo::CONTAINER) {
                self.n_own += 1;
                continue;
            }
            if self.n == 0 {
                self.from_ns = ts;
            }
            self.n += 1;
            self.to_ns = self.to_ns.max(ts);
        }
    }
}

impl<'a, 'o> Writer<'a, 'o> {
    pub(super) fn new(
        settings: &'a Settings,
        clock: Clock,
        place: Place,
        (receive, give_back): (Receiver<Message>, SyncSender<Batch>),
        shared: &'a Shared,
        observer: Option<&'o mut (dyn Observer + 'o)>,
    ) -> Writer<'a, 'o> {
        let now = Instant::now();
        Writer {
            containers: Containers::new(settings.root.clone()),
            settings,
            clock,
            place,
            receive,
            give_back,
            shared,
            observer,
            queue: VecDeque::new(),
            current: None,
            stopped: None,
            seq: 0,
            flushed: now,
            clocks_sampled: now,
            part_began: now,
            last_trigger: None,
            triggered: None,
            dumps: Vec::new(),
            n_own: 0,
            n_written: 0,
            size: Size::default(),
            unwritten: Unwritten::default(),
            tally: Tally::default(),
            settled: Settled::default(),
            end: End::Asked,
            last: None,
        }
    }

    /// Works until the last message.
    pub(super) fn run(mut self) -> Summary {
        if let Err(error) = self.begin_trace() {
            self.stop(error);
        }
        self.write_queue();
        self.shared.is_started.store(true, Ordering::Release);
        while self.last.is_none() {
            let Ok(message) = self.receive.recv() else { break };
            match message {
                Message::Events { cgroups, batch, .. } => {
                    self.put_events(&cgroups, batch);
                    self.write_queue();
                    self.every_now_and_then();
                    self.write_queue();
                }
                Message::Dump => {
                    self.dump("asked for");
                    self.write_queue();
                }
                Message::End(counters) => self.last = Some(counters),
            }
        }
        self.finish()
    }

    /// Begins a trace: writes the start state. What happened while it was read, and what the trace before could not
    /// take, is in the queue then.
    fn begin_trace(&mut self) -> io::Result<()> {
        self.current = Some(match &mut self.place {
            Place::Traces(outputs) => outputs.next()?,
            Place::Memory(memory) => memory.part()?,
        });
        self.part_began = Instant::now();
        let began = self.clock.now_ns();
        let options = snapshot::Options { env: self.settings.env.clone(), clock: self.clock };
        let (mut section, tally) = {
            let is_ending = || self.shared.is_ending.load(Ordering::Acquire);
            snapshot::take(&self.settings.root, &options, &is_ending)
        };
        section.machine = host::machine(&self.settings.root, self.clock);
        section.interfaces = host::interfaces();
        let ended = self.clock.now_ns();
        if let Some(pid) = tally.stalled_pid {
            let others = match (tally.is_cut, tally.n_stalled) {
                (true, _) => " and everything after it".to_owned(),
                (false, 1) => String::new(),
                (false, n) => format!(" and {} more", n - 1),
            };
            let what = if pid == 0 { "users and groups".to_owned() } else { format!("process {pid}") };
            self.warn(format!("the start state lacks {what}{others}: reading did not come to an end"));
        }
        let mut mark = Batch::default();
        notes::notification(&mut mark, began, "start_state_begin", format_args!("begin_ns={began} end_ns={ended}"));
        let mark_at = self.queue.len();
        self.put_own(mark);
        let is_overlap_whole = self.events_until(ended);
        // Recording began before /proc was read; nothing in a trace is older than its first event.
        let first = self.queue.iter().flat_map(Batch::iter).map(|event| event.head.ts).min();
        if let (Some(first), Some(head)) = (first, self.queue.get_mut(mark_at).and_then(|mark| mark.heads_mut().next()))
        {
            head.ts = head.ts.min(first);
        }
        let settled = snapshot::settle(&mut section, &self.queue);
        self.tally = tally;
        self.settled = settled;
        if let Some(observer) = &mut self.observer {
            observer.section(&section);
        }
        if let Some(output) = &mut self.current {
            output.section(&section)?;
            output.flush()?;
        }
        let mut marks = Batch::default();
        let Tally { n_processes, n_ended, n_reused, n_left_out, n_stalled, is_cut, .. } = tally;
        let what = format_args!(
            "processes={n_processes} ended={n_ended} reused={n_reused} left_out={n_left_out} stalled={n_stalled} cut={is_cut} \
             threads_of_events={} fds_of_events={} images_of_events={} overlap_whole={is_overlap_whole}",
            settled.n_threads, settled.n_fds, settled.n_images
        );
        notes::notification(&mut marks, ended, "start_state_end", what);
        self.clocks(&mut marks);
        self.put_own(marks);
        Ok(())
    }

    /// Waits for the events up to a time; false if there are too many to wait for all.
    fn events_until(&mut self, until_ns: u64) -> bool {
        let mut n_bytes: usize = self.queue.iter().map(Batch::memory).sum();
        loop {
            if n_bytes > MAX_WINDOW {
                return false;
            }
            match self.receive.recv() {
                Ok(Message::Events { as_of_ns, cgroups, batch }) => {
                    n_bytes += batch.memory();
                    self.put_events(&cgroups, batch);
                    if as_of_ns >= until_ns {
                        return true;
                    }
                }
                Ok(Message::Dump) => self.triggered = Some("asked for".to_owned()),
                Ok(Message::End(counters)) => {
                    self.last = Some(counters);
                    return true;
                }
                Err(_) => return true,
            }
        }
    }

    fn number(&mut self, batch: &mut Batch) {
        for head in batch.heads_mut() {
            self.seq += 1;
            head.seq.0 = self.seq;
        }
    }

    /// Puts events into the queue, numbered.
    fn put(&mut self, mut batch: Batch) {
        if batch.is_empty() {
            self.used(batch);
            return;
        }
        self.number(&mut batch);
        self.queue.push_back(batch);
    }

    /// Gives the memory of a batch back to the thread that fills it.
    fn used(&self, mut batch: Batch) {
        if batch.memory() <= MAX_SPARE {
            batch.clear();
            // With enough of them there, or nobody to fill them, it is freed.
            let _ = self.give_back.try_send(batch);
        }
    }

    fn put_own(&mut self, batch: Batch) {
        self.n_own += batch.len() as u64;
        self.put(batch);
    }

    /// Puts events into the queue; containers that were not seen before are described ahead of their first processes.
    fn put_events(&mut self, cgroups: &[BString], batch: Batch) {
        let ts = batch.get(0).map_or_else(|| self.clock.now_ns(), |event| event.head.ts.0);
        let mut own = Batch::default();
        for container in cgroups.iter().filter_map(|path| self.containers.of_path(path)) {
            notes::container(&mut own, ts, &container);
        }
        self.put_own(own);
        self.put(batch);
    }

    /// Writes the queue, in the next trace where this one is full.
    fn write_queue(&mut self) {
        while let Some(batch) = self.queue.pop_front() {
            if let Some(observer) = &mut self.observer
                && let Some(why) = observer.batch(&batch)
            {
                self.triggered.get_or_insert(why);
            }
            let Some(output) = &mut self.current else {
                self.unwritten.add(&batch);
                continue;
            };
            if let Err((next, error)) = output.events(&batch) {
                let mut rest = Batch::default();
                batch.iter().skip(next).for_each(|event| rest.append(&event));
                self.queue.push_front(rest);
                self.full(error);
            } else if self.flushed.elapsed() >= self.settings.flush {
                self.flush();
            }
            self.used(batch);
        }
    }

    fn flush(&mut self) {
        self.flushed = Instant::now();
        if let Some(output) = &mut self.current
            && let Err(error) = output.flush()
        {
            self.full(error);
        }
        self.report_size();
    }

    fn report_size(&self) {
        let size = self.size + self.current.as_ref().map_or_else(Size::default, Output::size);
        self.shared.n_bytes.store(size.n_bytes, Ordering::Relaxed);
    }

    /// A write failed: goes on in the next trace, or ends.
    fn full(&mut self, error: io::Error) {
        let is_size = error.kind() == io::ErrorKind::FileTooLarge;
        let goes_on = match &self.place {
            Place::Traces(outputs) => outputs.rotates(),
            Place::Memory(_) => true,
        };
        if !is_size || !goes_on {
            self.stop(error);
        } else if self.current.as_ref().is_some_and(|output| output.n_events() == 0) {
            self.warn("a trace of this size does not hold the start state and one segment of events".to_owned());
            self.stop(error);
        } else {
            self.next_trace();
        }
    }

    /// Ends the trace and begins the next.
    fn next_trace(&mut self) {
        let Some(mut output) = self.current.take() else { return };
        let before = output.take_pending();
        self.queue.push_front(before);
        if let Err(error) = self.end_trace(output, Batch::default()).and_then(|()| self.begin_trace()) {
            self.stop(error);
        }
    }

    fn end_trace(&mut self, mut output: Output, last: Batch) -> io::Result<()> {
        let part = output.finish(&last, &ReadNotes::default())?;
        self.n_written += output.n_events();
        self.size = self.size + output.size();
        if let (Some(part), Place::Memory(memory)) = (part, &mut self.place) {
            memory.keep(self.clock.now_ns(), part);
        }
        Ok(())
    }

    /// Nothing more can be written. What waits for its segment is lost; the trace gets its end when all that is missing is
    /// known.
    fn stop(&mut self, error: io::Error) {
        if let Some(mut output) = self.current.take() {
            let pending = output.take_pending();
            self.unwritten.add(&pending);
            self.stopped = Some(output);
        }
        self.end = match error.kind() {
            io::ErrorKind::FileTooLarge => End::Size,
            io::ErrorKind::BrokenPipe => End::Closed,
            _ if is_full(&error) => End::Full(error),
            _ => End::Output(error),
        };
        self.shared.is_stopped.store(true, Ordering::Release);
    }

    fn clocks(&mut self, batch: &mut Batch) {
        self.clocks_sampled = Instant::now();
        let pair = ClockPair::sample();
        let what = format_args!("boottime_ns={} realtime_ns={}", pair.boot_ns, pair.real_ns);
        notes::notification(batch, self.clock.epoch(pair.boot_ns), "clock", what);
    }

    fn every_now_and_then(&mut self) {
        if self.current.is_none() {
            return;
        }
        if self.clocks_sampled.elapsed() >= CLOCKS {
            let mut own = Batch::default();
            self.clocks(&mut own);
            self.put_own(own);
            self.write_queue();
        }
        if self.flushed.elapsed() >= self.settings.flush {
            self.flush();
        }
        if let Some(flight) = self.settings.flight {
            if self.part_began.elapsed() >= flight.span / PARTS {
                self.next_trace();
            }
            let is_due = self.last_trigger.is_none_or(|at| at.elapsed() >= BETWEEN_TRIGGERS);
            if is_due && let Some(why) = self.triggered.take() {
                self.last_trigger = Some(Instant::now());
                self.dump(&why);
            }
        }
        self.dumps_done(false);
    }

    /// Writes what is remembered to a file, in a thread of its own: it takes a while, and the ring does not wait.
    fn dump(&mut self, why: &str) {
        let (Place::Memory(_), Target::File(path)) = (&self.place, &self.settings.output.target) else { return };
        let path = path.clone();
        let mut own = Batch::default();
        notes::notification(&mut own, self.clock.now_ns(), "dump", format_args!("why={why}"));
        self.put_own(own);
        self.write_queue();
        // The event that a rule matched must be in a segment; twice, because a full part is followed by another one.
        self.flush();
        self.write_queue();
        self.flush();
        self.next_trace();
        if let Place::Memory(memory) = &mut self.place {
            let dump = memory.take(&path);
            self.dumps.push(std::thread::spawn(move || dump.write()));
        }
    }

    /// Looks after files that are being written; waits for them at the end.
    fn dumps_done(&mut self, is_end: bool) {
        for dump in mem::take(&mut self.dumps) {
            if !is_end && !dump.is_finished() {
                self.dumps.push(dump);
                continue;
            }
            match dump.join() {
                Ok(Ok((path, n_events))) => {
                    self.shared.n_dumps.fetch_add(1, Ordering::Relaxed);
                    self.warn(format!("{}: {n_events} events", path.display()));
                }
                Ok(Err(error)) => self.warn(format!("what was remembered cannot be written: {error}")),
                Err(_) => self.warn("what was remembered cannot be written".to_owned()),
            }
        }
    }

    fn warn(&self, what: String) {
        if let Ok(mut warnings) = self.shared.warnings.lock() {
            warnings.push(what);
        }
    }

    /// The last events of a trace: what could not be written, and the balance.
    fn last_words(&mut self, counters: Option<&Counters>) -> Batch {
        let mut last = Batch::default();
        let now = self.clock.now_ns();
        let Unwritten { n, from_ns, to_ns, .. } = self.unwritten;
        // What came after the size was reached is not missing from the trace: it is after its end.
        if n > 0 && !matches!(self.end, End::Size) {
            notes::lost(&mut last, n, from_ns, to_ns, "the trace could not be written");
        }
        if let Some(counters) = counters {
            let what = format_args!(
                "seen={} written={} delivered={} lost={} faults={} cuts={}",
                counters.seen,
                counters.written,
                counters.delivered,
                counters.lost(),
                counters.faults,
                counters.cuts
            );
            notes::notification(&mut last, now, "balance", what);
        }
        self.clocks(&mut last);
        self.number(&mut last);
        self.n_own += last.len() as u64;
        last
    }

    fn finish(mut self) -> Summary {
        let counters = self.last.take().flatten();
        if matches!(self.place, Place::Memory(_)) {
            // What nobody asked for is not kept.
            (self.current, self.stopped) = (None, None);
        }
        if let Some(output) = &mut self.current
            && let Err(error) = output.flush()
        {
            self.full(error);
            self.write_queue();
        }
        let is_stopped = self.stopped.is_some();
        if let Some(output) = self.current.take().or_else(|| self.stopped.take()) {
            // A trace that reached its size ended before recording did: the balance is not its own.
            let balance = counters.as_ref().filter(|_| !matches!(self.end, End::Size));
            let last = self.last_words(balance);
            match self.end_trace(output, last) {
                Ok(()) => self.compact(),
                Err(_) if matches!(self.end, End::Closed) => {}
                Err(error) if is_stopped => self.warn(format!("the trace has no end mark: {error}")),
                Err(error) => self.end = if is_full(&error) { End::Full(error) } else { End::Output(error) },
            }
        }
        self.dumps_done(true);
        self.report_size();
        let warnings = self.shared.warnings.lock().map(|mut w| mem::take(&mut *w)).unwrap_or_default();
        Summary {
            end: self.end,
            counters,
            n_written: self.n_written.saturating_sub(self.n_own - self.unwritten.n_own.min(self.n_own)),
            n_unwritten: self.unwritten.n,
            size: self.size,
            tally: self.tally,
            settled: self.settled,
            files: match self.place {
                Place::Traces(outputs) => outputs.into_files(),
                Place::Memory(_) => Vec::new(),
            },
            warnings,
        }
    }

    /// Writes a trace that came to its end once more, smaller.
    fn compact(&mut self) {
        let (End::Asked | End::Size, Place::Traces(outputs)) = (&self.end, &self.place) else { return };
        match outputs.compact(self.n_written, &self.settings.cut_short) {
            Ok(Compacted::To(size)) => self.size = size,
            Ok(Compacted::CutShort) => {
                self.warn(
                    "the trace is whole, and larger than it need be: writing it once more was cut short".to_owned(),
                );
            }
            // Failing leaves the trace as it is, which is whole.
            Ok(Compacted::Not) | Err(_) => {}
        }
    }
}
