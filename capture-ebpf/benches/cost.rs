//! What recording adds to a system call, in nanoseconds of the calling thread's CPU time: medians of paired rounds, with
//! the recorder attached and without, in turn. Needs root. Usage: `cargo bench -p tracehound-capture --bench cost`.
//!
//! CPU time of the thread counts what the kernel side adds and not what the reader does, nor what else runs.

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};
    use rustix::io::FdFlags;
    use rustix::time::{ClockId, clock_gettime};
    use tracehound_capture::{Options, Recorder};

    const ROUNDS: usize = 15;

    /// What is called, how often, and system calls of each.
    type Load = (&'static str, u32, u32, fn());

    const LOADS: &[Load] = &[
        ("getppid, not recorded", 300_000, 1, || {
            std::hint::black_box(rustix::process::getppid());
        }),
        ("access, not recorded", 100_000, 1, || {
            let _ = rustix::fs::accessat(CWD, "/etc/hostname", rustix::fs::Access::EXISTS, AtFlags::empty());
        }),
        ("fcntl(F_SETFD), recorded", 150_000, 1, || {
            let _ = rustix::io::fcntl_setfd(std::io::stdin(), FdFlags::CLOEXEC);
        }),
        ("openat and close, recorded", 60_000, 2, || {
            drop(rustix::fs::openat(CWD, "/etc/hostname", OFlags::RDONLY, Mode::empty()));
        }),
    ];

    pub(super) fn main() {
        let options = Options { ignore_tgid: None, ring_bytes: 64 << 20, ..Options::default() };
        // A word picks the loads whose name has it, as with other benchmarks.
        let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
        for &(name, n, n_calls, call) in LOADS.iter().filter(|(name, ..)| name.contains(&wanted)) {
            let (mut base, mut with_all, mut added, mut lost) = (Vec::new(), Vec::new(), Vec::new(), 0);
            for round in 0..ROUNDS {
                let plain = || cost(n, call);
                let mut recorded = || {
                    let (ns, n_lost) = with_recorder(&options, || cost(n, call));
                    lost += n_lost;
                    ns
                };
                let (without, with) = if round % 2 == 0 {
                    let without = plain();
                    (without, recorded())
                } else {
                    let with = recorded();
                    (plain(), with)
                };
                base.push(without);
                with_all.push(with);
                added.push((with - without) / f64::from(n_calls));
            }
            let (base_ns, added_ns) = (median(&mut base) / f64::from(n_calls), median(&mut added));
            median(&mut with_all);
            // Without anything else on the machine the fastest rounds of both are the cleanest.
            let fastest = (with_all[0] - base[0]) / f64::from(n_calls);
            println!(
                "{name}: {base_ns:.1} ns, recorder adds {added_ns:.1} ns a call; of the fastest rounds {:.1} + {fastest:.1}; \
                 {lost} lost",
                base[0] / f64::from(n_calls),
            );
        }
    }

    /// CPU time of a call of this thread.
    fn cost(n: u32, call: fn()) -> f64 {
        let start = thread_ns();
        for _ in 0..n {
            call();
        }
        (thread_ns() - start) as f64 / f64::from(n)
    }

    /// Runs with a recorder attached that another thread reads; also the events lost.
    fn with_recorder(options: &Options, work: impl FnOnce() -> f64) -> (f64, u64) {
        let mut recorder = match Recorder::start(options) {
            Ok(recorder) => recorder,
            Err(err) => {
                eprintln!("skipped: {err}");
                std::process::exit(0);
            }
        };
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    let _ = recorder.poll(Duration::from_millis(20), &mut |_| {});
                }
                recorder.counters().map_or(0, |counters| counters.lost())
            });
            let ns = work();
            is_done.store(true, Ordering::Relaxed);
            (ns, reader.join().unwrap_or(0))
        })
    }

    fn thread_ns() -> u64 {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }

    /// The median; sorts.
    fn median(values: &mut [f64]) -> f64 {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }
}
