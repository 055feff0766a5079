//! What each stage of the pipeline costs: processor time, and cycles where the machine counts them.

use std::sync::atomic::{AtomicU64, Ordering};

/// The cost of each stage, summed over threads.
#[derive(Debug, Default)]
pub struct Meter {
    /// Bytes to events.
    pub decode: Stage,
    /// Events to history.
    pub state: Stage,
    /// Rules over events.
    pub rules: Stage,
    /// Whatever observes the events.
    pub report: Stage,
}

/// The cost of a stage so far.
#[derive(Debug, Default)]
pub struct Stage {
    cpu_ns: AtomicU64,
    cycles: AtomicU64,
}

impl Stage {
    /// Processor time, user and system, in nanoseconds. 0 where the system does not tell (other than Unix).
    pub fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Ordering::Relaxed)
    }

    /// Processor cycles; `None` where nobody counts them: not Linux, no counters (virtual machines mostly have none),
    /// or not allowed (`kernel.perf_event_paranoid`).
    pub fn cycles(&self) -> Option<u64> {
        Some(self.cycles.load(Ordering::Relaxed)).filter(|&cycles| cycles > 0)
    }

    /// Does something and adds what it cost.
    fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let (cpu, cycles) = (thread_cpu_ns(), cycles::of_thread());
        let result = work();
        self.cpu_ns.fetch_add(thread_cpu_ns().saturating_sub(cpu), Ordering::Relaxed);
        if let (Some(before), Some(after)) = (cycles, cycles::of_thread()) {
            self.cycles.fetch_add(after.saturating_sub(before), Ordering::Relaxed);
        }
        result
    }
}

/// Does something; if there is a meter, what it cost is added to one of its stages.
pub(crate) fn stage<T>(meter: Option<&Meter>, of: impl FnOnce(&Meter) -> &Stage, work: impl FnOnce() -> T) -> T {
    match meter {
        Some(meter) => of(meter).time(work),
        None => work(),
    }
}

/// Processor time of the calling thread; 0 where the system does not tell.
fn thread_cpu_ns() -> u64 {
    cpu_ns(Clock::Thread)
}

/// Processor time of the process, in nanoseconds; 0 where the system does not tell.
pub(crate) fn process_cpu_ns() -> u64 {
    cpu_ns(Clock::Process)
}

#[derive(Clone, Copy)]
enum Clock {
    Thread,
    Process,
}

#[cfg(unix)]
fn cpu_ns(clock: Clock) -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(match clock {
        Clock::Thread => ClockId::ThreadCPUTime,
        Clock::Process => ClockId::ProcessCPUTime,
    });
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(not(unix))]
fn cpu_ns(_: Clock) -> u64 {
    0
}

#[cfg(target_os = "linux")]
mod cycles {
    use std::cell::RefCell;

    use perf_event::events::Hardware;
    use perf_event::{Builder, Counter};

    thread_local! {
        static COUNTER: RefCell<Option<Counter>> = RefCell::new(open());
    }

    fn open() -> Option<Counter> {
        let mut counter = Builder::new(Hardware::CPU_CYCLES).build().ok()?;
        counter.enable().ok()?;
        Some(counter)
    }

    /// Cycles that the calling thread has used since its first question.
    pub(super) fn of_thread() -> Option<u64> {
        COUNTER.with_borrow_mut(|counter| counter.as_mut()?.read().ok())
    }
}

#[cfg(not(target_os = "linux"))]
mod cycles {
    pub(super) fn of_thread() -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn work_costs_time() {
        let meter = Meter::default();
        let sum =
            stage(Some(&meter), |meter| &meter.state, || (0..2_000_000u64).fold(0, |a, b| a ^ (b * b).rotate_left(7)));
        assert!(sum != 1 && meter.state.cpu_ns() > 0 && meter.rules.cpu_ns() == 0);
        assert!(process_cpu_ns() >= meter.state.cpu_ns());
    }
}
