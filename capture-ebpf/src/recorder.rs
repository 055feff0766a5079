//! The recorder as the command line uses it.

use std::fs;
use std::time::Duration;

use aya::maps::{MapData, PerCpuArray};
use aya::programs::BtfTracePoint;
use aya::programs::tp_btf::BtfTracePointLinkId;
use aya::{Ebpf, maps::RingBuf};
use bstr::{BString, ByteSlice};
use rustix::event::epoll;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::time::{ClockId, clock_gettime};
use tracehound_capture_layout::settings::counter;
use tracehound_formats::Batch;

use crate::counters::{Counters, Loss, LossCause};
use crate::decode::Decoder;
use crate::error::{PollError, StartError};
use crate::load::{self, Loaded};
use crate::options::Options;

/// How often the counters are read while recording.
const COUNTERS_NS: u64 = 250_000_000;

/// Events after which a batch is handed over. Several are on their way to a file, and all of them are memory.
const BATCH_EVENTS: usize = 512;

/// Bytes of arguments after which a batch is handed over.
const BATCH_BYTES: usize = 256 << 10;

/// True if a batch is to be handed over.
pub(crate) fn is_full(batch: &Batch) -> bool {
    batch.len() >= BATCH_EVENTS || batch.n_bytes() >= BATCH_BYTES || batch.is_full()
}

/// Longer than any run of the program takes.
const LAST_RUN: Duration = Duration::from_millis(5);

/// A loaded and attached recorder. Dropping it detaches.
pub struct Recorder {
    ebpf: Ebpf,
    ring: RingBuf<MapData>,
    epoll: OwnedFd,
    counters: PerCpuArray<MapData, [u64; 7]>,
    links: Vec<(&'static str, BtfTracePointLinkId)>,
    decoder: Decoder,
    batch: Batch,
    missing: Vec<String>,
    ring_bytes: u64,
    /// True if the last poll left something in the ring.
    has_more: bool,
    is_detached: bool,
    /// When the counters were read last, since boot.
    checked_ns: u64,
    /// Losses that events were written for.
    told: Vec<Loss>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("is_detached", &self.is_detached).finish_non_exhaustive()
    }
}

/// What one [`Recorder::poll`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollStats {
    /// Records taken out of the ring.
    pub n_records: u64,
    /// Events delivered, losses included.
    pub n_events: u64,
    /// True if the ring was empty when it returned. After [`Recorder::detach`] nothing more will come then.
    pub is_drained: bool,
}

impl Recorder {
    /// Loads and attaches. From its return on everything is recorded.
    pub fn start(options: &Options) -> Result<Recorder, StartError> {
        let boot_ns = now_ns(ClockId::Boottime);
        let epoch_offset_ns = epoch_offset();
        let Loaded { ebpf, ring, counters, links, missing } = load::load(options)?;
        let system = |what| move |err: rustix::io::Errno| StartError::System { what, cause: err.into() };
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(system("events of the ring"))?;
        // Edge-triggered: a level would report the ring whenever something is in it, which is always.
        let events = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, ring.as_fd(), epoll::EventData::new_u64(0), events).map_err(system("events of the ring"))?;
        Ok(Recorder {
            ebpf,
            ring,
            epoll,
            counters,
            links,
            decoder: Decoder::new(options, epoch_offset_ns),
            batch: Batch::default(),
            missing,
            ring_bytes: options.ring_bytes as u64,
            has_more: false,
            is_detached: false,
            checked_ns: boot_ns,
            told: Vec::new(),
        })
    }

    /// Waits until the ring is a quarter full or `timeout` has passed, then takes everything out of it and hands it
    /// over in batches, in order of time. Losses since the last call come as `lost` events.
    ///
    /// The kernel does not wake the reader for each event, so that `timeout` is how old an event gets: 20 to 100 ms
    /// keep up with any load that the default ring is made for. Zero takes what is there.
    pub fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(&Batch)) -> Result<PollStats, PollError> {
        if !self.has_more && !self.is_detached && !timeout.is_zero() {
            self.wait(timeout)?;
        }
        let mut stats = PollStats { is_drained: true, ..PollStats::default() };
        let mut n_bytes = 0;
        while let Some(record) = self.ring.next() {
            n_bytes += record.len() as u64;
            stats.n_records += 1;
            self.decoder.record(&record, &mut self.batch);
            drop(record);
            if is_full(&self.batch) {
                stats.n_events += self.batch.len() as u64;
                sink(&self.batch);
                self.batch.clear();
            }
            // Writers can be as fast as this loop; the caller has other things to do.
            if n_bytes > self.ring_bytes {
                stats.is_drained = false;
                break;
            }
        }
        self.has_more = !stats.is_drained;
        let now = now_ns(ClockId::Boottime);
        if now.saturating_sub(self.checked_ns) >= COUNTERS_NS || self.is_detached {
            self.tell_losses(now)?;
        }
        if !self.batch.is_empty() {
            stats.n_events += self.batch.len() as u64;
            sink(&self.batch);
            self.batch.clear();
        }
        Ok(stats)
    }

    fn wait(&self, timeout: Duration) -> Result<(), PollError> {
        let timeout = rustix::time::Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let mut events = [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }];
        match epoll::wait(&self.epoll, &mut events[..], Some(&timeout)) {
            Ok(_) => Ok(()),
            // A signal: the caller wants to look at it.
            Err(rustix::io::Errno::INTR) => Ok(()),
            Err(err) => Err(PollError::Wait(err.into())),
        }
    }

    /// Adds `lost` events for what was lost since the last time.
    fn tell_losses(&mut self, now: u64) -> Result<(), PollError> {
        let counters = self.counters()?;
        for loss in counters.losses {
            let known = self.told.iter_mut().find(|told| (told.cpu, told.cause) == (loss.cpu, loss.cause));
            let before = known.as_ref().map_or(0, |told| told.n);
            match known {
                Some(told) => told.n = loss.n,
                None => self.told.push(loss),
            }
            if loss.n > before {
                let new = Loss { n: loss.n - before, ..loss };
                self.decoder.lost(new, self.checked_ns, now, &mut self.batch);
            }
        }
        self.checked_ns = now;
        Ok(())
    }

    /// Ends recording: takes the programs off their hooks. What is in the ring stays; poll it out.
    pub fn detach(&mut self) -> Result<(), PollError> {
        // Further instances first: alone, one would take everything for what the first did not see.
        for (name, link) in self.links.drain(..).rev() {
            let Some(program) = self.ebpf.program_mut(name) else { continue };
            let Ok(program): Result<&mut BtfTracePoint, _> = program.try_into() else { continue };
            // Not attached is what is wanted.
            let _ = program.detach(link);
        }
        // A program that had begun on another CPU finishes within microseconds; nobody tells when.
        std::thread::sleep(LAST_RUN);
        self.is_detached = true;
        Ok(())
    }

    /// The balance so far. After [`Recorder::detach`] and the last poll it is final.
    pub fn counters(&self) -> Result<Counters, PollError> {
        let mut out = Counters { delivered: self.decoder.n_records(), ..Counters::default() };
        // Read before what was stood in for: the balance of a moment may be too low, never too high. Each program has its
        // own: what one recorded twice does not stand for what another missed.
        let mut missed = load::PROGRAMS.map(|program| self.recursion_misses(program));
        for index in 0..counter::N_INSTANCES * counter::N {
            let per_cpu = self.counters.get(&index, 0).map_err(|err| PollError::Counters(err.to_string()))?;
            let program = (index % counter::N) as usize;
            for (cpu, counted) in per_cpu.iter().enumerate() {
                let [seen, written, lost_ring, lost_scratch, faults, cuts, stood_in] = *counted;
                out.seen += seen;
                out.written += written;
                out.faults += faults;
                out.cuts += cuts;
                if let Some(missed) = missed.get_mut(program) {
                    *missed = missed.saturating_sub(stood_in);
                }
                let cpu = u32::try_from(cpu).ok();
                add(&mut out.losses, cpu, LossCause::RingFull, lost_ring);
                add(&mut out.losses, cpu, LossCause::NoBuffer, lost_scratch);
            }
        }
        add(&mut out.losses, None, LossCause::Recursion, missed.iter().sum());
        add(&mut out.losses, None, LossCause::Undecoded, self.decoder.n_undecoded());
        out.losses.sort_by_key(|loss| (loss.cause, loss.cpu));
        Ok(out)
    }

    /// How often the kernel did not run the first instance of a program because it was running already; 0 before 5.12,
    /// which does not say.
    fn recursion_misses(&self, program: &str) -> u64 {
        let misses = || {
            let fd = self.ebpf.program(program)?.fd().ok()?.as_fd().as_raw_fd();
            let text = fs::read(format!("/proc/self/fdinfo/{fd}")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix(b"recursion_misses:"))?;
            line.trim_ascii().to_str().ok()?.parse::<u64>().ok()
        };
        misses().unwrap_or(0)
    }

    /// Nanoseconds to add to `CLOCK_BOOTTIME` to get the time since the epoch, as sampled at the start.
    pub fn epoch_offset_ns(&self) -> i64 {
        self.decoder.epoch_offset_ns()
    }

    /// What this kernel cannot give, in sentences for people; empty on most.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Cgroups seen for the first time since the last call: id and path from the root of the hierarchy. Births and
    /// execs name the path in their `cgroups` argument; this tells when to look for a container's files.
    pub fn take_new_cgroups(&mut self) -> Vec<(u64, BString)> {
        self.decoder.take_new_cgroups()
    }
}

fn add(losses: &mut Vec<Loss>, cpu: Option<u32>, cause: LossCause, n: u64) {
    if n == 0 {
        return;
    }
    match losses.iter_mut().find(|loss| (loss.cpu, loss.cause) == (cpu, cause)) {
        Some(loss) => loss.n += n,
        None => losses.push(Loss { cpu, cause, n }),
    }
}

fn now_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Realtime less boot time. Of some samples the one taken fastest counts: nothing came in between.
fn epoch_offset() -> i64 {
    let sample = |_| {
        let before = now_ns(ClockId::Boottime);
        let real = now_ns(ClockId::Realtime);
        let after = now_ns(ClockId::Boottime);
        (after.wrapping_sub(before), real.wrapping_sub(before / 2 + after / 2) as i64)
    };
    (0..5).map(sample).min().map_or(0, |(_, offset)| offset)
}
