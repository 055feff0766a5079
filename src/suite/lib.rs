//! Suites: traces with labels and with what rules must say of them.
//!
//! [`files`] reads suites from YAML and finds their traces; [`check`] says which expectations can never hold with the
//! rules given. What a run gave is a [`result::Observed`] a trace, made by who has the pipeline; [`judge`] compares the
//! two. [`cache`] keeps what was observed by the content of trace, rule and suppressions, [`golden`] writes it down as
//! expectations, [`coverage`] says what the traces test and what not, [`output`] prints it for people and machines.
//!
//! What this crate leaves out: it never opens a trace and never runs a rule.

pub mod cache;
pub mod check;
pub mod coverage;
pub mod files;
pub mod golden;
pub mod judge;
pub mod output;
pub mod result;

pub use files::{Case, Entry, Expectation, Kind, Labels, Loaded, Suite, Unexpected};
pub use judge::{CaseResult, Failure, FailureKind, Status};
pub use result::{Facts, Observed, Seen};
