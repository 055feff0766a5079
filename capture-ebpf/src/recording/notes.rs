//! What the recorder itself has to say in the trace: pseudo-events that no rule sees, but for containers and losses.

use std::fmt::Display;

use bstr::BStr;
use tracehound_formats::event::{Head, head_flags, pseudo};
use tracehound_formats::section::ContainerEntry;
use tracehound_formats::{Arg, Batch, KindId, Nanos, Seq, Tid};

fn begin(batch: &mut Batch, ts: u64, kind: KindId, flags: u8) {
    batch.begin(Head { seq: Seq(0), ts: Nanos(ts), enter_ns: 0, tid: Tid(-1), kind, cpu: 0, flags });
}

/// A notification for whoever reads the trace: `id` names what it is about, `what` has it as `key=value` words.
pub(super) fn notification(batch: &mut Batch, ts: u64, id: &str, what: impl Display) {
    begin(batch, ts, pseudo::NOTIFICATION, head_flags::STATE_ONLY);
    batch.push(Arg::Bytes(BStr::new(id)));
    batch.push(Arg::Bytes(BStr::new(&what.to_string())));
}

/// A container that was not there when recording began. One without a description says nothing that the cgroup of
/// its processes does not.
pub(super) fn container(batch: &mut Batch, ts: u64, container: &ContainerEntry) {
    if let Some(json) = &container.json {
        begin(batch, ts, pseudo::CONTAINER, 0);
        batch.push(Arg::Bytes(BStr::new(json)));
    }
}

/// Events that were taken out of the ring and could not be written.
pub(super) fn lost(batch: &mut Batch, n: u64, from: u64, to: u64, cause: &str) {
    begin(batch, to, pseudo::LOST, 0);
    batch.push(Arg::Int(n));
    batch.push(Arg::Absent);
    batch.push(Arg::Int(from));
    batch.push(Arg::Int(to));
    batch.push(Arg::Bytes(BStr::new(cause)));
}
