//! `record` in a build that cannot.

use super::args::{Global, Record};
use super::exit::{Failure, Outcome};

pub(super) fn run(_: &Global, _: &Record) -> Result<Outcome, Failure> {
    let why = match cfg!(target_os = "linux") {
        true => "this build has no recorder: build with the feature `capture`",
        false => "recording works on Linux only; traces of it can be analyzed here",
    };
    Err(Failure::Usage(format!("record: {why}")))
}
