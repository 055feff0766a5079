//! The recorder: what runs on the host while it records.
//!
//! ```text
//! Options ──load──> BPF program ──ring──> records ──decode──> Batch of events, losses included
//! /proc ──snapshot──> start state ──────────────────┐                │
//! runtimes' files ──containers──> descriptions ─────┴── recording ───┘──> output: file, stream, memory
//! ```
//!
//! [`recording::record`] is the whole of it; [`Recorder`] is the kernel side, which
//!
//! 1. is started: from now on everything is in the ring;
//! 2. is [polled](Recorder::poll) until it is told to stop, also while the start state is read; events come in order of
//!    time in batches;
//! 3. is [detached](Recorder::detach), which ends recording and gives the last balance, then polled until
//!    [`PollStats::is_drained`].
//!
//! What this crate deliberately leaves out: rules, the command line, signals.
//!
//! Privileges are needed by [`Recorder::start`] only (`CAP_BPF` and `CAP_PERFMON`, or `CAP_SYS_ADMIN`). Dropping the
//! recorder, and any death of the process, takes program and maps out of the kernel: nothing is pinned.
//!
//! Times of events are `CLOCK_BOOTTIME` plus [`Recorder::epoch_offset_ns`], which is sampled once at the start: a
//! clock that is set while recording does not tear the trace.
#![cfg(target_os = "linux")]

mod btf;
mod calls;
pub mod containers;
mod counters;
mod decode;
mod error;
pub mod files;
mod flags;
pub mod host;
mod load;
mod options;
pub mod output;
pub mod privileges;
mod recorder;
pub mod recording;
pub mod snapshot;

pub use counters::{Counters, Loss, LossCause};
pub use error::{PollError, StartError};
pub use options::{CallSet, Options, Profile, UnknownCall};
pub use recorder::{PollStats, Recorder};
