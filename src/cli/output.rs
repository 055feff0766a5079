//! Streams and files: what is written where, and that a half-written file never stands under its final name.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tracehound_report::TableError;
use tracehound_report::screen::Screen;
use tracehound_signals::visible::Visible;

use super::args::When;
use super::exit::Failure;

/// True if colour goes to standard output.
pub(super) fn has_color(when: When, stream: &impl IsTerminal) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            stream.is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

/// What lines of a view are for: colour, characters and columns of a stream. Only a terminal has columns, and only
/// for a terminal the locale counts: files are UTF-8.
pub(super) fn screen(color: When, stream: &impl IsTerminal, is_ascii: bool) -> Screen {
    let is_terminal = stream.is_terminal();
    Screen {
        has_color: has_color(color, stream),
        is_ascii: is_ascii || (is_terminal && !is_utf8(|name| std::env::var(name).ok())),
        width: if is_terminal { terminal_size::terminal_size().map(|(width, _)| width.0.into()) } else { None },
    }
}

/// True if the locale's characters are UTF-8: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set and not empty
/// decides (locale(7)). If none is, the locale is POSIX, whose characters are ASCII.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Refuses an output that exists, unless `force`. Whatever `force` says, nothing but a regular file is replaced (a file
/// that takes the place of a device is found by everybody else on the machine), and never a trace that is read.
pub(super) fn check_replaceable(path: &Path, force: bool, traces: &[PathBuf]) -> Result<(), Failure> {
    let usage = |why: &str| Err(Failure::Usage(format!("{}: {why}", path.display())));
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return usage("exists and is not a regular file");
    }
    if let Ok(at) = fs::canonicalize(path)
        && traces.iter().any(|trace| fs::canonicalize(trace).is_ok_and(|of| of == at))
    {
        return usage("is a trace that is read; evidence is never written to");
    }
    if !force && path.symlink_metadata().is_ok() {
        return usage("exists; --force replaces it");
    }
    Ok(())
}

/// A file that gets its name only when it is complete.
pub(super) struct AtomicFile {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
}

impl AtomicFile {
    /// Starts writing. Refuses what [`check_replaceable`] refuses; `traces` are those that the verb reads.
    pub(super) fn create(path: &Path, force: bool, traces: &[PathBuf]) -> Result<AtomicFile, Failure> {
        let output = |error| Failure::Output { path: path.display().to_string(), error };
        check_replaceable(path, force, traces)?;
        let temporary = temporary_name(path);
        let file = File::create(&temporary).map_err(output)?;
        Ok(AtomicFile { path: path.to_owned(), temporary, file: Some(BufWriter::with_capacity(1 << 20, file)) })
    }

    /// As [`AtomicFile::create`], for what only its owner may read.
    pub(super) fn create_private(path: &Path, force: bool, traces: &[PathBuf]) -> Result<AtomicFile, Failure> {
        let file = AtomicFile::create(path, force, traces)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Before anything is written to it.
            fs::set_permissions(&file.temporary, fs::Permissions::from_mode(0o600))
                .map_err(|error| Failure::Output { path: path.display().to_string(), error })?;
        }
        Ok(file)
    }

    /// Flushes what was written so far, and gives the path it can be read at until the file gets its name.
    pub(super) fn flushed(&mut self) -> Result<&Path, Failure> {
        let path = self.path.display().to_string();
        self.flush().map_err(|error| Failure::Output { path, error })?;
        Ok(&self.temporary)
    }

    /// Flushes, and gives the file its name.
    pub(super) fn commit(mut self) -> Result<(), Failure> {
        let path = self.path.display().to_string();
        let output = |error| Failure::Output { path: path.clone(), error };
        if let Some(file) = self.file.take() {
            let file = file.into_inner().map_err(|e| output(e.into_error()))?;
            file.sync_all().map_err(output)?;
        }
        fs::rename(&self.temporary, &self.path).map_err(output)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(buf),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.flush())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Not committed: nothing may stay behind. An error here has nobody left to hear of it.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".partial-{}", std::process::id()));
    path.with_file_name(name)
}

/// A folder whose files appear together, when all are complete.
pub(super) struct AtomicDir {
    path: PathBuf,
    temporary: PathBuf,
    is_committed: bool,
}

impl AtomicDir {
    /// Starts writing. Refuses a folder that has files unless `force`.
    pub(super) fn create(path: &Path, force: bool) -> Result<AtomicDir, Failure> {
        let output = |error| Failure::Output { path: path.display().to_string(), error };
        if let Ok(metadata) = path.metadata() {
            if !metadata.is_dir() {
                return Err(Failure::Usage(format!("{}: exists and is not a folder", path.display())));
            }
            let is_empty = fs::read_dir(path).map_err(output)?.next().is_none();
            if !is_empty && !force {
                return Err(Failure::Usage(format!("{}: is not empty; --force replaces its files", path.display())));
            }
        }
        // A path such as `.` or `out/` has no file name of its own; its absolute form does.
        let absolute = std::path::absolute(path).map_err(output)?;
        // A folder that exists may be a mount point, or stand where nobody but its owner may write: files get their names
        // from inside of it.
        let temporary = temporary_name(&if absolute.is_dir() { absolute.join("tables") } else { absolute.clone() });
        if let Some(parent) = absolute.parent() {
            fs::create_dir_all(parent).map_err(output)?;
        }
        fs::create_dir_all(&temporary).map_err(output)?;
        Ok(AtomicDir { path: absolute, temporary, is_committed: false })
    }

    /// A file in the folder.
    pub(super) fn file(&self, name: &str) -> Result<BufWriter<File>, Failure> {
        let file = File::create(self.temporary.join(name)).map_err(|error| self.failed(name, error))?;
        Ok(BufWriter::with_capacity(1 << 20, file))
    }

    /// A file of the folder that cannot be written, by the name that it would have got.
    pub(super) fn failed(&self, name: &str, error: io::Error) -> Failure {
        Failure::Output { path: self.path.join(name).display().to_string(), error }
    }

    /// A table that cannot be written to its file in the folder.
    pub(super) fn table_failed(&self, table: &'static str, error: TableError) -> Failure {
        match error {
            TableError::Io(error) => self.failed(&format!("{table}.parquet"), error),
            error => Failure::Table { table, error },
        }
    }

    /// Gives the folder, or each of its files if the folder exists, its name.
    pub(super) fn commit(mut self) -> Result<(), Failure> {
        let output = |error| Failure::Output { path: self.path.display().to_string(), error };
        if self.path.is_dir() {
            for entry in fs::read_dir(&self.temporary).map_err(output)? {
                let entry = entry.map_err(output)?;
                fs::rename(entry.path(), self.path.join(entry.file_name())).map_err(output)?;
            }
            fs::remove_dir(&self.temporary).map_err(output)?;
        } else {
            fs::rename(&self.temporary, &self.path).map_err(output)?;
        }
        self.is_committed = true;
        Ok(())
    }
}

impl Drop for AtomicDir {
    fn drop(&mut self) {
        if !self.is_committed {
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// Text from a trace or a command line, safe for a terminal; see [`Visible`].
pub(super) fn printable(bytes: &[u8]) -> String {
    Visible(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        for (variables, expected) in [
            (&[("LANG", "en_US.UTF-8")][..], true),
            (&[("LANG", "C")], false),
            (&[("LANG", "C.utf8")], true),
            (&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], false),
            (&[("LC_ALL", ""), ("LC_CTYPE", "de_DE.utf8")], true),
            (&[("LANG", "de_DE.ISO-8859-1")], false),
            (&[], false),
        ] {
            let of = |name: &str| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(is_utf8(of), expected, "{variables:?}");
        }
    }
}
