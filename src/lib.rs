//! The whole pipeline: a trace and rules in, history and signals out.
//!
//! [`analyze`] is the pipeline on one screen. What it leaves out is where traces, rules and output come from and
//! go to: that is the command line's (`cli`).

/// As std's, but a standard error that is full or that nobody reads any more is no reason to panic: the results and the
/// exit code are still wanted.
macro_rules! eprint {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stderr(), $($text)*);
    }};
}

/// As [`eprint`], with a line feed.
macro_rules! eprintln {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

mod allocator;
pub mod cli;
pub mod corpus;
pub mod each;
pub mod explain;
pub mod gitfiles;
pub mod meter;
pub mod pipeline;
pub mod rulefiles;

pub use pipeline::{
    Analysis, Beside, BeyondLimit, Job, Limit, Live, Only, Side, SideFound, Totals, Window, analyze, analyze_loading,
    analyze_sides, analyze_within,
};
