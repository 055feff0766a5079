//! Made-up event sequences: the replay never panics, never loses a fact, and its history stays consistent.

use proptest::prelude::*;
use tracehound_formats::event::addr::{SockAddr, SockTuple};
use tracehound_formats::event::kind::{self, ArgType};
use tracehound_formats::event::{Arg, Batch, Head, Kind};
use tracehound_formats::section::{FdEntry, FdKind, FdTarget, L4, Section, ThreadEntry};
use tracehound_formats::{Nanos, Seq, Tid};
use tracehound_state::{Fact, ProcessId, Replay, ReplayOptions, ThreadId};

/// Random numbers from the generator's seed: events are drawn by hand, which is far faster than by strategy.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u64) as usize]
    }
}

/// Kinds with an effect come up more often than the others.
const BUSY: &[&str] = &[
    "clone",
    "clone3",
    "vfork",
    "fork",
    "execve",
    "execveat",
    "procexit",
    "openat",
    "close",
    "dup2",
    "connect",
    "sendto",
    "recvmsg",
    "chdir",
    "unshare",
    "prctl",
    "setsid",
    "pipe2",
    "close_range",
    "bind",
    "accept4",
];

fn head(dice: &mut Dice, kind: &Kind, seq: u64) -> Head {
    Head {
        seq: Seq(if dice.roll(50) == 0 { dice.roll(1 << 40) } else { seq }),
        ts: Nanos(if dice.roll(20) == 0 { dice.roll(u64::MAX) } else { seq * 1_000_000 }),
        enter_ns: 0,
        tid: Tid(dice.pick(&[-1, 0, 1, 2, 3, 4, 5, 6, 7, i64::MAX, i64::MIN])),
        kind: kind.id,
        cpu: 0,
        flags: dice.pick(&[0, 0, 0, 0, 1, 2, 4, 8]),
    }
}

fn push_arg(dice: &mut Dice, batch: &mut Batch, i: usize, ty: ArgType) {
    match dice.roll(24) {
        0 => return batch.push(Arg::Absent),
        1 => return batch.push(Arg::Empty),
        2 => return batch.push(Arg::Malformed(b"\x02\x00"[..].into())),
        3 => return batch.push(Arg::Int(dice.roll(u64::MAX))),
        4 => return batch.push(Arg::Bytes(b"x\0y"[..].into())),
        _ => {}
    }
    let small = [0, 1, 2, 3, 4, 5, 6, 7, -1i64 as u64, -115i64 as u64, 0x2000, u64::MAX >> 1, 0x2801_0f00];
    if i == 0 && dice.roll(2) == 0 {
        return batch.push(Arg::Int(dice.roll(8)));
    }
    match ty {
        ArgType::Fd => batch.push(Arg::Int(dice.pick(&[0, 1, 2, 3, 4, 5, -100i64 as u64, u64::MAX]))),
        ArgType::SockAddr => {
            let mut bytes = Vec::new();
            let addr = dice.pick(&["1.2.3.4:80", "0.0.0.0:0", "[::1]:53", "[::ffff:1.2.3.4]:80"]).parse().unwrap();
            SockAddr::Inet(addr).encode(&mut bytes);
            bytes.truncate(dice.roll(40) as usize);
            batch.push(Arg::Bytes(bytes.as_slice().into()));
        }
        ArgType::SockTuple => {
            let mut bytes = Vec::new();
            let ends = ["1.2.3.4:80", "0.0.0.0:0", "[::1]:53", "[::]:0", "[::ffff:1.2.3.4]:80"];
            if dice.roll(3) == 0 {
                SockTuple::Unix { src: 1, dst: 2, path: b"/run/s"[..].into() }.encode(&mut bytes);
            } else {
                let src = dice.pick(&ends).parse().unwrap();
                SockTuple::Inet { src, dst: dice.pick(&ends).parse().unwrap() }.encode(&mut bytes);
            }
            bytes.truncate(dice.roll(60) as usize);
            batch.push(Arg::Bytes(bytes.as_slice().into()));
        }
        ty if ty.int_width().is_some() => batch.push(Arg::Int(dice.pick(&small))),
        _ => {
            let text: &[u8] = dice.pick(&[
                b"",
                b"/",
                b"a",
                b"../..",
                b"/etc/passwd",
                b"\xff\xfe",
                b"a\0b\0",
                b"cpu=/docker/x\0",
                b"{\"container\":{\"id\":\"x\"}}",
                b"container",
                b"\x14\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x05\0\0\0",
                b"\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0\x01\0\0\0",
            ]);
            batch.push(Arg::Bytes(text.into()));
        }
    }
}

fn section(dice: &mut Dice) -> Section {
    let mut section = Section { is_addition: dice.roll(3) == 0, ..Section::default() };
    for _ in 0..dice.roll(6) {
        let mut thread = ThreadEntry::new(Tid(dice.roll(8) as i64), Tid(dice.roll(8) as i64));
        thread.ptid = Some(Tid(dice.roll(8) as i64));
        thread.cwd = "/home".into();
        section.threads.push(thread);
        section.fds.push(FdEntry {
            tid: Tid(dice.roll(8) as i64),
            fd: dice.roll(5) as i64 - 1,
            inode: None,
            target: match dice.roll(3) {
                0 => FdTarget::Inet {
                    local: "1.2.3.4:80".parse().unwrap(),
                    remote: "[::1]:1".parse().unwrap(),
                    l4: L4::Tcp,
                },
                1 => FdTarget::Listen { local: "0.0.0.0:80".parse().unwrap(), l4: L4::Udp },
                _ => FdTarget::Named { kind: FdKind::File, name: "/f".into(), flags: None, dev: None },
            },
        });
    }
    section
}

/// No two lives with one id overlap.
fn one_at_a_time(lives: impl Iterator<Item = (Tid, Seq, Option<Seq>)>) {
    let mut last = std::collections::HashMap::new();
    for (id, born, ended) in lives {
        if let Some(before) = last.insert(id, ended) {
            assert!(before.is_some_and(|before| before <= born), "{id:?} born {born:?}, before it until {before:?}");
        }
    }
}

fn soup(seed: u64, n: u64) {
    let kinds: Vec<&'static Kind> = kind::all().filter(|kind| !kind.id.is_generic()).collect();
    let mut dice = Dice(seed);
    let mut replay = Replay::new(ReplayOptions::default());
    let mut facts: Vec<Fact> = Vec::new();
    let mut seq = 0;
    if dice.roll(4) > 0 {
        let section = section(&mut dice);
        replay.section(&section, Seq(0));
    }
    while seq < n {
        let mut batch = Batch::default();
        for _ in 0..50 {
            seq += 1;
            let kind = if dice.roll(3) > 0 { kind::by_name(dice.pick(BUSY)) } else { None };
            let kind = kind.unwrap_or_else(|| dice.pick(&kinds));
            batch.begin(head(&mut dice, kind, seq));
            for (i, spec) in kind.args.iter().enumerate() {
                push_arg(&mut dice, &mut batch, i, spec.ty);
            }
        }
        let before = facts.len();
        replay.batch(&batch, &mut facts);
        assert_eq!(facts.len() - before, batch.len());
        if dice.roll(8) == 0 {
            let section = section(&mut dice);
            replay.section(&section, Seq(seq));
        }
    }
    let history = replay.finish();
    for (i, process) in history.processes.iter().enumerate() {
        assert_eq!(history.thread(process.leader()).tid, process.pid);
        assert!(process.threads.iter().all(|&thread| history.thread(thread).process == ProcessId::new(i as u32)));
        assert!(process.ended().is_none_or(|ended| process.born <= ended));
        // Ends in spite of whatever cycle the events claim.
        let last = Seq(u64::MAX);
        assert!(history.ancestors(ProcessId::new(i as u32), last).count() <= history.processes.len() * 2);
        assert_ne!(process.parent().last(), Some(ProcessId::new(i as u32)));
        let rows: Vec<Seq> = process.parent().rows().map(|row| row.0).collect();
        assert!(rows.is_sorted());
        history.fd_tables.entries(process.fd_table().last(), last);
    }
    one_at_a_time(history.processes.iter().map(|process| (process.pid, process.born, process.ended())));
    one_at_a_time(history.threads.iter().map(|thread| (thread.tid, thread.born, thread.ended())));
    for (i, thread) in history.threads.iter().enumerate() {
        assert_eq!(history.attrs(thread.attrs().last()).thread, ThreadId::new(i as u32));
    }
    for i in (0..history.files.len()).step_by(17) {
        history.path_now(tracehound_state::FileId::new(i as u32), Seq(u64::MAX));
    }
    let keys: std::collections::HashSet<String> =
        (0..history.processes.len()).map(|i| history.process_key(ProcessId::new(i as u32))).collect();
    assert_eq!(keys.len(), history.processes.len());
    for fact in facts {
        if let Some(thread) = fact.thread {
            assert_eq!(Some(history.thread(thread).process), fact.process);
        }
        assert!(fact.file.is_none_or(|file| file.index() < history.files.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn made_up_events_are_replayed(seed in any::<u64>()) {
        soup(seed, 600);
    }
}

/// A deep chain of processes and endless reuse of one id take time in proportion to their length.
#[test]
fn long_chains_stay_linear() {
    const N: i64 = 6_000;
    let mut replay = Replay::new(ReplayOptions::default());
    let mut batch = Batch::default();
    let mut seq = 0;
    let mut event = |batch: &mut Batch, tid: i64, name: &str, args: &[(&str, u64)]| {
        let kind = kind::by_name(name).unwrap();
        seq += 1;
        batch.begin(Head {
            seq: Seq(seq),
            ts: Nanos(seq * 1000),
            enter_ns: 0,
            tid: Tid(tid),
            kind: kind.id,
            cpu: 0,
            flags: 0,
        });
        for spec in kind.args {
            let arg = args.iter().find(|(name, _)| *name == spec.name);
            batch.push(arg.map_or(Arg::Absent, |&(_, v)| Arg::Int(v)));
        }
    };
    for fd in 0..1000 {
        event(&mut batch, 1, "dup", &[("res", fd), ("oldfd", 0)]);
        event(&mut batch, 1, "openat", &[("fd", fd), ("dirfd", 0)]);
    }
    for pid in 1..N {
        // Each forks the next, with all those descriptors, and execs.
        event(&mut batch, pid, "fork", &[("res", pid as u64 + 1), ("pid", pid as u64), ("ptid", pid as u64 - 1)]);
        event(&mut batch, pid, "execve", &[("res", 0), ("pid", pid as u64)]);
    }
    for pid in (1..N).rev() {
        event(&mut batch, pid, "procexit", &[("status", 0)]);
    }
    let started = std::time::Instant::now();
    replay.batch(&batch, &mut Vec::new());
    let notes = *replay.notes();
    let history = replay.finish();
    eprintln!("{} processes, {:?}, {notes:?}", history.processes.len(), started.elapsed());
    assert_eq!(history.processes.len() as i64, N);
    let last = ProcessId::new(history.processes.len() as u32 - 1);
    let all_are_born = Seq(2000 + 2 * (N as u64 - 1));
    assert_eq!(history.ancestors(last, all_are_born).count() as i64, N - 1);
    assert_ne!(notes.n_out_of_budget, 0, "the trace was made to exceed the budget");
}
