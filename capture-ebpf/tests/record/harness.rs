//! Recording for a test.

use std::fs::File;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tracehound_capture::{Counters, Options, Recorder};
use tracehound_formats::text::TextWriter;
use tracehound_formats::{Batch, ReadNotes, TraceWriter};

/// One test records at a time: what others provoke would be in its trace.
static ONE: Mutex<()> = Mutex::new(());

/// The right to record, until dropped.
pub(crate) struct Turn(#[allow(dead_code)] MutexGuard<'static, ()>, #[allow(dead_code)] File);

/// The machine for one test, if recording is possible. Other programs with such tests take the same lock of a file:
/// `tests/record.rs` of the workspace.
pub(crate) fn machine() -> Option<Turn> {
    let lock = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let file = std::env::temp_dir().join("tracehound-record.lock");
    let file = File::options().create(true).truncate(false).write(true).open(file).unwrap();
    file.lock().unwrap();
    let lock = Turn(lock, file);
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        tracehound_skipped::skipped!("recording needs root");
        return None;
    }
    match Recorder::start(&Options::default()) {
        Ok(_) => Some(lock),
        // A kernel that forbids it is no failure of the recorder; a program that it refuses is.
        Err(err @ tracehound_capture::StartError::Refused { .. }) => panic!("{err}"),
        Err(err) => {
            tracehound_skipped::skipped!("{err}");
            None
        }
    }
}

/// Python, which can do any system call without a compiler.
pub(crate) fn python() -> Option<&'static str> {
    let found = ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|path| PathBuf::from(path).exists());
    if found.is_none() {
        tracehound_skipped::skipped!("no python3");
    }
    found
}

/// An empty folder for a test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tracehound-record-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// An event in the text notation.
pub(crate) struct Line {
    /// Thread.
    pub(crate) tid: i64,
    /// Name and arguments.
    pub(crate) text: String,
}

/// A recording in memory.
pub(crate) struct Recording {
    pub(crate) recorder: Recorder,
    pub(crate) batches: Vec<Batch>,
}

fn copy(from: &Batch) -> Batch {
    let mut to = Batch::default();
    for event in from.iter() {
        to.append(&event);
    }
    to
}

impl Recording {
    /// Starts.
    pub(crate) fn start(options: &Options) -> Recording {
        Recording { recorder: Recorder::start(options).unwrap(), batches: Vec::new() }
    }

    /// Takes what is there, or comes.
    pub(crate) fn poll(&mut self, timeout: Duration) {
        let batches = &mut self.batches;
        self.recorder.poll(timeout, &mut |batch| batches.push(copy(batch))).unwrap();
    }

    /// Records until a process has ended.
    pub(crate) fn until_exit(&mut self, mut child: Child) {
        while child.try_wait().unwrap().is_none() {
            self.poll(Duration::from_millis(5));
        }
    }

    /// Ends, takes the rest, and gives the balance.
    pub(crate) fn end(&mut self) -> Counters {
        self.recorder.detach().unwrap();
        let batches = &mut self.batches;
        while !self.recorder.poll(Duration::ZERO, &mut |batch| batches.push(copy(batch))).unwrap().is_drained {}
        self.recorder.counters().unwrap()
    }

    /// Ends; all events as lines, and the balance.
    pub(crate) fn finish(mut self) -> (Vec<Line>, Counters) {
        let counters = self.end();
        (self.lines(), counters)
    }

    /// All events so far as lines.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for batch in &self.batches {
            for event in batch.iter() {
                let mut one = Batch::default();
                one.append(&event);
                let mut text = Vec::new();
                let mut writer = TextWriter::new(&mut text);
                writer.batch(&one).unwrap();
                writer.finish(&ReadNotes::default()).unwrap();
                let text = String::from_utf8(text).unwrap();
                let line = text.lines().find(|line| line.starts_with(char::is_numeric)).unwrap_or("");
                // Number, time, thread, perhaps the CPU, then name and arguments.
                let words = line.splitn(4, ' ').nth(3).unwrap_or("");
                let words =
                    words.strip_prefix('@').and_then(|rest| rest.split_once(' ')).map_or(words, |(_, rest)| rest);
                lines.push(Line { tid: event.head.tid.0, text: words.to_owned() });
            }
        }
        lines
    }
}

/// True if `line` is like `pattern`, in which `*` stands for any characters but a space.
pub(crate) fn is_match(pattern: &str, line: &str) -> bool {
    let (mut pattern, mut line) = (pattern.split(' '), line.split(' '));
    loop {
        match (pattern.next(), line.next()) {
            (None, None) => return true,
            (Some("..."), _) => return true,
            (Some(pattern), Some(word)) => {
                let is_like = match pattern.split_once('*') {
                    Some((start, end)) => {
                        word.len() >= start.len() + end.len() && word.starts_with(start) && word.ends_with(end)
                    }
                    None => pattern == word,
                };
                if !is_like {
                    return false;
                }
            }
            _ => return false,
        }
    }
}
