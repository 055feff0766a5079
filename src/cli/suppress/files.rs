//! `suppress format`, `suppress import`, `suppress export`.

use std::fs;
use std::io::Write;
use std::path::Path;

use tracehound_lang::{SourceFile, render};
use tracehound_suppress::files::{self, datadog, write};

use super::args::{Export, Format, Import};
use crate::cli::args::Global;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{AtomicFile, printable};
use crate::cli::session::stdout;
use crate::cli::suppressing;
use crate::rulefiles;

pub(super) fn format(args: &Format) -> Result<Outcome, Failure> {
    let sources = rulefiles::source_files(&args.files)
        .map_err(|error| Failure::Rules(format!("suppressions: {}", printable(error.to_string().as_bytes()))))?;
    let mut outcome = Outcome::Done;
    let mut out = stdout();
    for source in &sources {
        let formatted = match files::format::format(source) {
            Ok(formatted) => formatted,
            Err(diagnostics) => {
                // Read again for the places; a file that does not load is left as it is.
                let loaded = files::load(std::slice::from_ref(source));
                eprint!("{}", render::render_all(&diagnostics, &loaded.sources));
                outcome = outcome.and(Outcome::Rules);
                continue;
            }
        };
        let is_changed = formatted.as_bytes() != source.bytes;
        if args.check {
            if is_changed {
                eprintln!("{}: would be formatted", printable(source.path.as_bytes()));
                outcome = outcome.and(Outcome::Findings);
            }
        } else if !args.write {
            out.write_all(formatted.as_bytes())?;
        } else if is_changed {
            let mut file = AtomicFile::create(Path::new(&source.path), true, &[])?;
            file.write_all(formatted.as_bytes())?;
            file.commit()?;
        }
    }
    out.flush()?;
    Ok(outcome)
}

pub(super) fn import(global: &Global, args: &Import) -> Result<Outcome, Failure> {
    let path = printable(args.list.to_string_lossy().as_bytes());
    let bytes = fs::read(&args.list).map_err(|error| Failure::Rules(format!("{path}: {error}")))?;
    let import = datadog::import(&bytes)
        .map_err(|error| Failure::Rules(format!("{path}: {}", printable(error.to_string().as_bytes()))))?;
    let text = write::file(&import.entries);
    // What does not load here is still written: whoever imports it has to see it to put it right.
    let loaded = files::load(&[SourceFile::new("imported.yaml", text.clone())]);
    write_text(args.output.as_deref(), args.force, &text)?;
    if !global.quiet {
        eprint!("{}", render::render_all(&loaded.diagnostics, &loaded.sources));
        if !import.ignored.is_empty() {
            let names: Vec<String> = import.ignored.iter().map(|name| printable(name.as_bytes())).collect();
            eprintln!("{path}: attributes that were left out: {}", names.join(", "));
        }
        eprintln!("{path}: {} suppressions, {} load", import.entries.len(), loaded.suppressions.len());
    }
    Ok(if loaded.has_errors() { Outcome::Rules } else { Outcome::Done })
}

pub(super) fn export(global: &Global, args: &Export) -> Result<Outcome, Failure> {
    let loaded = suppressing::load(global, &args.files)?;
    write_text(args.output.as_deref(), args.force, &format!("{:#}\n", datadog::export(loaded.entries())))?;
    Ok(Outcome::Done)
}

fn write_text(path: Option<&Path>, force: bool, text: &str) -> Result<(), Failure> {
    match path {
        Some(path) => {
            let mut file = AtomicFile::create(path, force, &[])?;
            file.write_all(text.as_bytes())?;
            file.commit()
        }
        None => {
            let mut out = stdout();
            out.write_all(text.as_bytes())?;
            Ok(out.flush()?)
        }
    }
}
