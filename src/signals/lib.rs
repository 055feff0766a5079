//! What fired, with its evidence: one [`Signal`] a match of a rule, and how signals are printed.
//!
//! A signal is a statement about one event that can be checked: it names the event, the process instance and
//! what the trace lacks ([`Evidence`]). A suppression only changes the [`Verdict`]; nothing is deleted.
//! What this crate deliberately leaves out: deciding whether a rule matches (`rules`) and tables (`report`).

pub mod evidence;
pub mod json;
pub mod key;
mod signal;
pub mod sink;
pub mod text;
pub mod time;
pub mod visible;

pub use evidence::{Evidence, GapLog, Gaps, Reason};
pub use key::{ProcessKeys, TraceId};
pub use signal::{RuleRef, Signal, SignalId, Verdict, sort};
pub use sink::{JsonArray, JsonLines, SignalSink};
pub use text::TextLines;
pub use tracehound_rules::Priority;
pub use tracehound_state::ProcessId;
