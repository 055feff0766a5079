//! What the end-to-end tests share: running the program, places for files, and small traces in every format.

// Each test file is a program of its own and uses a part of this.
#![allow(dead_code, unreachable_pub)]

pub mod asked;
pub mod scap;
pub mod soup;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::text::Text;
use tracehound_formats::{Format, Input, Item, TraceWriter};

/// What a run of the program gave.
pub struct Run {
    /// Exit code; none if a signal killed it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, as text.
    pub stderr: String,
}

impl Run {
    /// Standard output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("output is UTF-8")
    }

    /// Standard output as one JSON value a line.
    pub fn lines(&self) -> Vec<Json> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a JSON value a line")).collect()
    }

    /// Standard output as one JSON value.
    pub fn json(&self) -> Json {
        serde_json::from_str(self.text()).expect("one JSON value")
    }

    /// Checks the exit code, and shows what was said if it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "stderr: {}\nstdout: {}", self.stderr, self.stdout.escape_ascii());
        self
    }

    /// Checks that standard error says all of this, and that no thread panicked.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Run {
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "expected {part:?} in: {}", self.stderr);
        }
        self
    }
}

/// The program, not yet started.
pub fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracehound"));
    command.args(args).current_dir(root()).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs the program in the root of the repository.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    finish(command(args))
}

/// Runs the program with something on standard input.
pub fn run_with_stdin<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, stdin: &[u8]) -> Run {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that stops early closes its end; that is its right.
    let _ = child.stdin.take().expect("piped").write_all(stdin);
    done(child.wait_with_output().expect("the program ends"))
}

/// Runs what was prepared.
pub fn finish(mut command: Command) -> Run {
    done(command.output().expect("the program starts"))
}

fn done(output: std::process::Output) -> Run {
    Run {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An empty folder for one test.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder for the test");
    path
}

/// Writes a file and returns its path as text.
pub fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file for the test");
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// A small trace: one process, seven events, one signal (event 5).
pub const SMALL: &str = "\
#tracehound-trace 1
machine hostname=lab.example.com kernel=6.1.0
thread 100 ptid=1 comm=bash exe=/bin/bash exepath=/usr/bin/bash cwd=/root uid=0 gid=0
fd 100 0 file /dev/null flags=O_RDWR
1 1735689600000001000 100 openat fd=3 dirfd=AT_FDCWD name=/etc/hosts flags=O_RDONLY mode=0
2 +1us 100 read res=4 data=abcd fd=3 size=4096
3 +1us 100 close res=0 fd=3
4 +1us 100 openat fd=ENOENT dirfd=AT_FDCWD name=/etc/missing flags=O_RDONLY mode=0
5 +1us 100 openat fd=3 dirfd=AT_FDCWD name=/dev/.hidden flags=O_CREAT|O_WRONLY mode=0644
6 +1us 100 close res=0 fd=3
7 +1us 100 procexit status=0 ret=0 sig=0 core=0 reaper_tid=0
";

/// The rule that [`SMALL`] fires, and the event.
pub const SMALL_SIGNAL: (&str, u64) = ("File written below dev", 5);

/// [`SMALL`] in every format: name of the format, extension, bytes.
pub fn small_in_every_format() -> [(&'static str, &'static str, Vec<u8>); 3] {
    [
        ("text", "trace", SMALL.as_bytes().to_vec()),
        ("trh", "trh", native(SMALL.as_bytes(), 2)),
        ("scap", "scap", scap::small()),
    ]
}

/// A text trace as a native one, with so many events a segment.
pub fn native(text: &[u8], events_a_segment: usize) -> Vec<u8> {
    let mut reader = Text.open(Input::from(text.to_vec())).expect("text opens");
    let mut out = Vec::new();
    let mut writer = NativeWriter::new(&mut out, WriteOptions::RECORD).expect("a vector takes all");
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => writer.section(&section).expect("a vector takes all"),
            Item::Batch(batch) => {
                for (i, event) in batch.iter().enumerate() {
                    if i > 0 && i % events_a_segment == 0 {
                        writer.flush_events().expect("a vector takes all");
                    }
                    writer.event(&event).expect("a vector takes all");
                }
            }
        }
    }
    writer.finish(reader.notes()).expect("a vector takes all");
    drop(writer);
    out
}

/// What a reader makes of bytes.
pub struct Read {
    /// Lines of the text notation, one an event.
    pub events: Vec<String>,
    /// Damage found.
    pub n_damage: u64,
    /// Names of what was skipped.
    pub skipped: Vec<String>,
}

/// Reads bytes of a known format with the library; the error is the message.
pub fn read(bytes: &[u8]) -> Result<Read, String> {
    let mut reader = tracehound_formats::open(Input::from(bytes.to_vec())).map_err(|error| error.to_string())?;
    let mut events = Vec::new();
    let mut has_section = false;
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => {
                assert!(has_section || !section.is_addition, "nothing to add to");
                has_section = true;
            }
            Item::Batch(batch) => {
                assert!(has_section, "events before any section");
                events.extend(batch.iter().map(|event| tracehound_formats::text::event_line(&event)));
            }
        }
    }
    let notes = reader.notes();
    let skipped = notes.skipped.iter().map(|s| s.what.clone()).collect();
    Ok(Read { events, n_damage: notes.n_damage, skipped })
}

/// The checksum of native traces, CRC-32C, bit by bit.
pub fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 })
    })
}

/// Writes the checksum of `len` bytes at `at` into their last four.
pub fn seal(bytes: &mut [u8], at: usize, len: usize) {
    let crc = crc32c(&bytes[at..at + len - 4]);
    bytes[at + len - 4..at + len].copy_from_slice(&crc.to_le_bytes());
}
