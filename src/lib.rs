//! The whole pipeline: a trace and rules in, history and signals out.
//!
//! [`analyze`] is the pipeline on one screen. What it leaves out is where traces, rules and output come from and
//! go to: that is the command line's (`cli`).

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
