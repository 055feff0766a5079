//! `-f FORMAT[=FILE]` of verbs that print one result in several forms at a time.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit::Failure;
use super::output::{AtomicFile, check_replaceable};
use super::session::stdout;

/// Reads `FORMAT` or `FORMAT=FILE`.
pub(super) fn parse<T: ValueEnum>(text: &str) -> Result<(T, Option<PathBuf>), String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("no file after `=`".to_owned()),
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let format = T::from_str(name, false).map_err(|_| {
        let names: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("not a format; one of {}", names.join(", "))
    })?;
    Ok((format, file))
}

/// Which formats go where: to a file, or to standard output. `output` is for the one format without a file, `default`
/// is it if none is named.
pub(super) fn places<T: Copy>(
    formats: &[(T, Option<PathBuf>)],
    output: Option<&Path>,
    default: T,
) -> Result<Vec<(T, Option<PathBuf>)>, Failure> {
    let mut places = formats.to_vec();
    let n_open = places.iter().filter(|(_, file)| file.is_none()).count();
    if n_open > 1 {
        let message = "two formats for one place: name a file for one of them, as in -f json=FILE";
        return Err(Failure::Usage(message.to_owned()));
    }
    if places.is_empty() {
        places.push((default, None));
    } else if n_open == 0 && output.is_some() {
        return Err(Failure::Usage("--output is for a format without a file, and each has one".to_owned()));
    }
    if let Some(open) = places.iter_mut().find(|(_, file)| file.is_none()) {
        open.1 = output.map(Path::to_owned);
    }
    Ok(places)
}

/// Refuses files that cannot be replaced, before the work; `traces` are those that the verb reads.
pub(super) fn check<T>(places: &[(T, Option<PathBuf>)], force: bool, traces: &[PathBuf]) -> Result<(), Failure> {
    places.iter().filter_map(|(_, file)| file.as_deref()).try_for_each(|file| check_replaceable(file, force, traces))
}

/// Writes each format to its place; a file stands under its name only when it is complete. `one` is also told whether
/// it writes to standard output.
pub(super) fn write<T: Copy>(
    places: Vec<(T, Option<PathBuf>)>,
    force: bool,
    traces: &[PathBuf],
    one: impl Fn(&mut dyn Write, T, bool) -> io::Result<()>,
) -> Result<(), Failure> {
    for (format, file) in places {
        match file {
            None => {
                let mut out = stdout();
                one(&mut out, format, true)?;
                out.flush()?;
            }
            Some(path) => {
                let mut file = AtomicFile::create(&path, force, traces)?;
                one(&mut file, format, false)
                    .map_err(|error| Failure::Output { path: path.display().to_string(), error })?;
                file.commit()?;
            }
        }
    }
    Ok(())
}
