//! What recording adds to a system call, in nanoseconds of the calling thread's CPU time: medians of paired rounds, with
//! the recorder attached, with a program that returns at once, and without, in turn. Needs root. Usage:
//! `cargo bench -p tracehound-capture --bench cost [-- WORD]`.
//!
//! CPU time of the thread counts what the kernel side adds and not what the reader does, nor what else runs. The program
//! that returns at once is what the kernel takes to call any program when a system call returns: no recorder that is
//! called then can do with less.

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use aya::programs::BtfTracePoint;
    use aya::{Btf, Ebpf, EbpfLoader};
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
        let types = match Btf::from_sys_fs() {
            Ok(types) => types,
            Err(err) => {
                eprintln!("skipped: {err}");
                return;
            }
        };
        let options = Options { ignore_tgid: None, ring_bytes: 64 << 20, ..Options::default() };
        // A word picks the loads whose name has it, as with other benchmarks.
        let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
        for &(name, n, n_calls, call) in LOADS.iter().filter(|(name, ..)| name.contains(&wanted)) {
            let (mut base, mut nothing, mut recorded) = (Vec::new(), Vec::new(), Vec::new());
            let (mut floor, mut added, mut lost) = (Vec::new(), Vec::new(), 0);
            let per_call = |ns: f64| ns / f64::from(n_calls);
            for round in 0..ROUNDS {
                let mut took = [0.0; 3];
                for i in 0..took.len() {
                    // Each comes first, second and last equally often.
                    let which = (round + i) % took.len();
                    took[which] = match which {
                        0 => cost(n, call),
                        1 => {
                            let _attached = attach_nothing(&types);
                            cost(n, call)
                        }
                        _ => {
                            let (ns, n_lost) = with_recorder(&options, || cost(n, call));
                            lost += n_lost;
                            ns
                        }
                    };
                }
                let [without, with_nothing, with] = took;
                base.push(without);
                nothing.push(with_nothing);
                recorded.push(with);
                floor.push(per_call(with_nothing - without));
                added.push(per_call(with - without));
            }
            let (base_ns, floor_ns, added_ns) = (per_call(median(&mut base)), median(&mut floor), median(&mut added));
            median(&mut nothing);
            median(&mut recorded);
            // Without anything else on the machine the fastest rounds are the cleanest.
            println!(
                "{name}: {base_ns:.1} ns, recorder adds {added_ns:.1} ns a call, a program that does nothing {floor_ns:.1}; \
                 of the fastest rounds {:.1} + {:.1}, {:.1}; {lost} lost",
                per_call(base[0]),
                per_call(recorded[0] - base[0]),
                per_call(nothing[0] - base[0]),
            );
        }
    }

    /// Attaches the program that does nothing, until what is returned is dropped.
    fn attach_nothing(types: &Btf) -> Ebpf {
        let object = concat!(env!("CARGO_MANIFEST_DIR"), "/program/recorder.o");
        let mut ebpf = EbpfLoader::new().map_max_entries("RING", 4096).load_file(object).expect("an object that loads");
        let program: &mut BtfTracePoint =
            ebpf.program_mut("nothing").expect("a program").try_into().expect("a program on a tracepoint");
        program.load("sys_exit", types).expect("a program that loads");
        program.attach().expect("a program that attaches");
        ebpf
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
