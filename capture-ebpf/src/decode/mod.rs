//! Records of the program to events of the vocabulary.

mod call;
pub(crate) mod custom;
mod dns;
mod fill;
mod lifecycle;

use std::collections::HashMap;

use bstr::{BStr, BString};
use tracehound_capture_layout::record::{flag, kind};
use tracehound_capture_layout::{Head as RecordHead, Plain};
use tracehound_formats::event::pseudo;
use tracehound_formats::{Arg, Batch, Head, KindId, Nanos, Seq, Tid};

pub(crate) use self::fill::{Dir, Fill, NO_ADDR};

use crate::calls::{self, CallRow};
use crate::counters::Loss;
use crate::options::Options;

/// Cgroups whose path is remembered. A host that has more has forgotten most of them.
const MAX_CGROUPS: usize = 64 * 1024;

/// Calls of i386 that are passed times or offsets of 32 bits: utime, settimeofday, sendfile, clock_settime, utimes,
/// futimesat, utimensat.
const WORDS_32: [u32; 7] = [30, 79, 187, 264, 271, 299, 320];

/// Numbers of system calls that can be looked up.
const MAX_NR: usize = tracehound_capture_layout::settings::MAX_CALLS;

/// Turns records into events, in the order in which they come.
pub(crate) struct Decoder {
    epoch_offset_ns: i64,
    env_keys: Vec<BString>,
    next_seq: u64,
    n_records: u64,
    n_undecoded: u64,
    /// Rows by number, of x86-64 and of i386.
    rows: [Vec<Option<&'static CallRow>>; 2],
    /// Text of the argument `cgroups` by id.
    cgroups: HashMap<u64, BString>,
    new_cgroups: Vec<(u64, BString)>,
    /// Memory for texts that are put together.
    scratch: Vec<u8>,
}

impl Decoder {
    /// `epoch_offset_ns` is added to times since boot.
    pub(crate) fn new(options: &Options, epoch_offset_ns: i64) -> Decoder {
        let mut rows = [vec![None; MAX_NR], vec![None; MAX_NR]];
        for row in calls::CALLS {
            let numbers = row.nr.iter().map(|&nr| (0, nr)).chain(row.nr_32.iter().map(|&nr| (1, nr)));
            for (machine, nr) in numbers {
                if let Some(slot) = rows[machine].get_mut(usize::from(nr)) {
                    *slot = Some(row);
                }
            }
        }
        Decoder {
            epoch_offset_ns,
            env_keys: options.env_keys.clone(),
            next_seq: 1,
            n_records: 0,
            n_undecoded: 0,
            rows,
            cgroups: HashMap::new(),
            new_cgroups: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Records that became events, or told something that others need.
    pub(crate) fn n_records(&self) -> u64 {
        self.n_records
    }

    /// Records that were not understood.
    pub(crate) fn n_undecoded(&self) -> u64 {
        self.n_undecoded
    }

    pub(crate) fn epoch_offset_ns(&self) -> i64 {
        self.epoch_offset_ns
    }

    pub(crate) fn take_new_cgroups(&mut self) -> Vec<(u64, BString)> {
        std::mem::take(&mut self.new_cgroups)
    }

    /// Appends the event of a record.
    pub(crate) fn record(&mut self, bytes: &[u8], batch: &mut Batch) {
        let mut rest = bytes;
        let done = RecordHead::take(&mut rest).and_then(|head| match head.kind {
            kind::SYSCALL => self.syscall(&head, rest, batch),
            kind::FORK => self.fork(&head, rest, batch),
            kind::EXEC => self.exec(&head, rest, batch),
            kind::EXIT => self.exit(&head, rest, batch),
            kind::CGROUP => self.cgroup(rest),
            kind::DNS => self.dns(&head, rest, batch),
            kind::URING => self.uring(&head, rest, batch),
            _ => None,
        });
        match done {
            Some(()) => self.n_records += 1,
            None => self.n_undecoded += 1,
        }
    }

    /// Appends an event that says what was lost between two times since boot.
    pub(crate) fn lost(&mut self, loss: Loss, from: u64, to: u64, batch: &mut Batch) {
        let head = Head {
            seq: self.seq(),
            ts: self.time(to),
            enter_ns: 0,
            tid: Tid(-1),
            kind: pseudo::LOST,
            cpu: loss.cpu.and_then(|cpu| u16::try_from(cpu).ok()).unwrap_or(0),
            flags: 0,
        };
        batch.begin(head);
        batch.push(Arg::Int(loss.n));
        batch.push(loss.cpu.map_or(Arg::Absent, |cpu| Arg::Int(cpu.into())));
        batch.push(Arg::Int(self.time(from).0));
        batch.push(Arg::Int(self.time(to).0));
        batch.push(Arg::Bytes(BStr::new(loss.cause.name())));
    }

    fn seq(&mut self) -> Seq {
        let seq = Seq(self.next_seq);
        self.next_seq += 1;
        seq
    }

    /// A time since boot as time since the epoch.
    fn time(&self, boot_ns: u64) -> Nanos {
        Nanos(boot_ns.wrapping_add_signed(self.epoch_offset_ns))
    }

    /// Begins the event of a record.
    fn begin(&mut self, head: &RecordHead, kind: KindId, tid: u32, batch: &mut Batch) {
        let seq = self.seq();
        batch.begin(Head {
            seq,
            ts: self.time(head.ts),
            enter_ns: 0,
            tid: Tid(tid.into()),
            kind,
            cpu: head.cpu,
            flags: 0,
        });
    }

    fn syscall(&mut self, head: &RecordHead, body: &[u8], batch: &mut Batch) -> Option<()> {
        let machine = usize::from(head.flags & flag::COMPAT != 0);
        let row = (*self.rows[machine].get(head.nr as usize)?)?;
        let specs = row.kind.get()?.args;
        let has_words_32 = machine == 1 && WORDS_32.contains(&head.nr);
        call::Call::read_each(body, has_words_32, |call| {
            self.begin(head, row.kind, head.tid, batch);
            for (fill, spec) in row.fill.iter().zip(specs) {
                fill.push(call, spec.ty, &mut self.scratch, batch);
            }
        })
    }

    /// A record that tells the path of a cgroup: names from the leaf to the root.
    fn cgroup(&mut self, mut body: &[u8]) -> Option<()> {
        let id = u64::take(&mut body)?;
        let mut path = BString::default();
        join_reversed(body, &mut path);
        if self.cgroups.len() >= MAX_CGROUPS {
            self.cgroups.clear();
        }
        let text = [b"=".as_slice(), &path, b"\0"].concat();
        self.cgroups.insert(id, text.into());
        self.new_cgroups.push((id, path));
        Some(())
    }
}

/// Appends the path that names, each with its NUL, make from the leaf to the root: `c\0b\0a\0` is `/a/b/c`. No name is
/// the root.
fn join_reversed(names: &[u8], out: &mut Vec<u8>) {
    let names = names.strip_suffix(b"\0").unwrap_or(names);
    if names.is_empty() {
        out.push(b'/');
    }
    for name in names.rsplit(|&b| b == 0).filter(|_| !names.is_empty()) {
        out.push(b'/');
        out.extend_from_slice(name);
    }
}
