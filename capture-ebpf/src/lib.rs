//! The recorder's kernel side: loads the BPF program, attaches it, and turns what comes out of its ring buffer into
//! [events](tracehound_formats::Batch).
//!
//! ```text
//! Options ──load──> BPF program ──ring──> records ──decode──> Batch of events, losses included
//! ```
//!
//! What this crate deliberately leaves out: the start state from `/proc`, containers, files, privileges, the command
//! line. A recorder
//!
//! 1. starts a [`Recorder`]: from now on everything is in the ring;
//! 2. reads the start state, which may be as slow as the ring is large, with [`Recorder::poll`] in between;
//! 3. calls [`Recorder::poll`] until it is told to stop; events come in order of time in batches;
//! 4. calls [`Recorder::detach`], which ends recording and gives the last balance, then [`Recorder::poll`] until
//!    [`PollStats::is_drained`].
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
