//! What the BPF program and the recorder have in common: records, settings, counters. No logic.
//!
//! This is no file format: program and recorder are built together and live in one binary. Sizes are asserted at
//! compile time on both sides, so that a difference in padding cannot go unnoticed. Integers are the machine's own;
//! records begin at multiples of 8 bytes and consist of a [`Head`], the body of its kind, and bytes of variable
//! length.
#![no_std]

pub mod record;
pub mod settings;

pub use record::{Exec, Exit, Fork, Head, Part, Plain, Syscall};
pub use settings::{Call, Counters, Offsets, Settings};
