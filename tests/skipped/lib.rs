//! How a test says that it cannot run here.

use std::fmt::Arguments;
use std::io::Write as _;

/// Says on standard error that a test, or a part of one, is skipped, and why.
///
/// The test harness keeps what `eprintln!` prints of a test that passes, so that nobody would see it; it does not keep
/// what is written to the stream itself.
#[macro_export]
macro_rules! skipped {
    ($($why:tt)+) => { $crate::say(format_args!($($why)+)) };
}

/// What [`skipped!`] calls.
#[doc(hidden)]
pub fn say(why: Arguments<'_>) {
    // A closed standard error is no reason for a test to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
