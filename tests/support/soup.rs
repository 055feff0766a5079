//! Made-up traces.

use tracehound_formats::event::kind::{self, ArgType};
use tracehound_formats::event::{Arg, Batch, Head, Kind};
use tracehound_formats::section::{Section, ThreadEntry};
use tracehound_formats::{Item, Nanos, Seq, Tid};

/// Random numbers from a seed.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `n`.
    pub fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }

    /// One of these.
    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.roll(from.len())]
    }
}

/// Kinds that change what actors are come up more often than others.
const BUSY: &[&str] =
    &["clone", "clone3", "vfork", "execve", "execve", "procexit", "openat", "close", "connect", "chdir", "prctl"];

/// A made-up trace: few threads that are born, load images, die and are born again, with words that recur, so many events a batch.
pub fn soup(seed: u64, n_batches: usize, n_events: usize) -> Vec<Item> {
    let mut dice = Dice(seed);
    let kinds: Vec<&Kind> = kind::all().filter(|kind| !kind.id.is_generic()).collect();
    let mut section = Section::default();
    for tid in 1..4 {
        let mut thread = ThreadEntry::new(Tid(tid), Tid(tid));
        thread.ptid = Some(Tid(tid - 1));
        thread.comm = "init".into();
        thread.cwd = "/home".into();
        section.threads.push(thread);
    }
    let mut items = vec![Item::Section(Box::new(section))];
    let mut seq = 0;
    for _ in 0..n_batches {
        let mut batch = Batch::default();
        for _ in 0..n_events {
            seq += 1;
            let kind = if dice.roll(4) > 0 {
                kind::by_name(dice.pick::<&str>(BUSY)).expect("a kind")
            } else {
                *dice.pick(&kinds)
            };
            let tid = Tid(*dice.pick(&[-1, 1, 2, 3, 4, 5, 6]));
            batch.begin(Head {
                seq: Seq(seq),
                ts: Nanos(seq * 1000),
                enter_ns: 0,
                tid,
                kind: kind.id,
                cpu: 0,
                flags: 0,
            });
            for (i, spec) in kind.args.iter().enumerate() {
                batch.push(match (i, spec.name, spec.ty) {
                    (0, ..) => Arg::Int(*dice.pick(&[0, 0, 3, 4, 5, 6, (-2i64) as u64])),
                    (_, "comm" | "exe" | "filename" | "trusted_exepath", _) => {
                        Arg::Bytes((*dice.pick(&["sh", "/bin/bash", "nginx", "runc"])).into())
                    }
                    (_, "cgroups", _) => Arg::Bytes((*dice.pick(&["cpu=/\0", CONTAINER])).into()),
                    (_, "args", _) => Arg::Bytes((*dice.pick(&["-c\0id\0", "", "-x\0"])).into()),
                    (_, _, ty) if ty.int_width().is_some() => Arg::Int(*dice.pick(&[0, 1, 2, 3, 4, 5, 6, 0x1100])),
                    (_, _, ArgType::Path | ArgType::RelPath { .. }) => {
                        Arg::Bytes((*dice.pick(&["/etc/passwd", "a", "/"])).into())
                    }
                    _ => Arg::Bytes((*dice.pick(&["", "a", "/etc/x\0y"])).into()),
                });
            }
        }
        items.push(Item::Batch(batch));
    }
    items
}

const CONTAINER: &str = "cpu=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e\0";
