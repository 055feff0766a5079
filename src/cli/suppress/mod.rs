//! `suppress`: writing, checking and accounting for suppressions.

pub mod args;

mod attributes;
mod explain;
mod files;
mod gather;
mod lint;
mod suggest;

use std::io::Write;

use tracehound_suppress::files::SCHEMA;

use self::args::SuppressVerb;
pub(super) use self::suggest::draft;
use super::args::Global;
use super::exit::{Failure, Outcome};
use super::session::{set_threads, stdout};

pub(super) fn run(global: &Global, verb: &SuppressVerb) -> Result<Outcome, Failure> {
    set_threads(global);
    match verb {
        SuppressVerb::Lint(args) => lint::run(global, args),
        SuppressVerb::Suggest(args) => suggest::run(global, args),
        SuppressVerb::Explain(args) => explain::run(global, args),
        SuppressVerb::Attributes(args) => attributes::run(global, args),
        SuppressVerb::Format(args) => files::format(args),
        SuppressVerb::Import(args) => files::import(global, args),
        SuppressVerb::Export(args) => files::export(global, args),
        SuppressVerb::Schema => {
            let mut out = stdout();
            out.write_all(SCHEMA.as_bytes())?;
            out.flush()?;
            Ok(Outcome::Done)
        }
    }
}
