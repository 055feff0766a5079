//! Traces that are written while they are recorded: one file, several that replace each other, standard output, or
//! the last minutes in memory.
//!
//! Each trace stands alone: it begins with the machine and a start state. Its segments are on disk soon after their
//! events (`flush`), so that whatever ends the recorder leaves all but the last moment readable. Many small segments are
//! dear: what a trace repeats is said again in each. A trace that came to its end is therefore written once more, in few,
//! a segment at a time: memory is bounded by the largest.

mod file;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracehound_formats::native::{NativeReader, NativeWriter, Trace, WriteOptions};
use tracehound_formats::{Batch, Input, Item, OpenError, ReadNotes, Section, TraceReader, TraceWriter};

pub(crate) use self::file::is_full;
use self::file::{Sink, TraceFile};

/// Where a recording goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// A file that must not exist yet.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// How traces are written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to.
    pub target: Target,
    /// Most bytes of a trace. When it is full the next one is begun (`rotate`), or recording ends.
    pub max_size: Option<u64>,
    /// Number of traces that are kept, each of `max_size`: the oldest is removed when there is one more. Their names
    /// have a number: `x.0001.trh`.
    pub rotate: Option<usize>,
}

impl Options {
    /// The path with a number before its extension: `x.0001.trh`.
    fn numbered(path: &Path, number: u64) -> PathBuf {
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!(".{number:04}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    }
}

/// Bytes of traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// All bytes.
    pub n_bytes: u64,
    /// Those that hold start states.
    pub n_state_bytes: u64,
}

impl std::ops::Add for Size {
    type Output = Size;

    fn add(self, other: Size) -> Size {
        Size { n_bytes: self.n_bytes + other.n_bytes, n_state_bytes: self.n_state_bytes + other.n_state_bytes }
    }
}

/// A trace being written.
pub(crate) struct Output {
    writer: NativeWriter<Sink>,
    /// Bytes of events after which a segment is written: one must not be as large as the trace may be.
    max_segment: usize,
}

impl Output {
    fn new(sink: Sink) -> io::Result<Output> {
        Output::with(sink, WriteOptions::RECORD)
    }

    fn with(sink: Sink, options: WriteOptions) -> io::Result<Output> {
        let max_segment = usize::try_from(sink.max() / 4).unwrap_or(usize::MAX);
        Ok(Output { writer: NativeWriter::new(sink, options)?, max_segment })
    }

    pub(crate) fn section(&mut self, section: &Section) -> io::Result<()> {
        self.writer.section(section)
    }

    /// Appends events. Fails if a segment was full and could not be written; its events, this one among them, wait.
    /// The error comes with the number of events taken.
    pub(crate) fn events(&mut self, batch: &Batch) -> Result<(), (usize, io::Error)> {
        for (i, event) in batch.iter().enumerate() {
            self.writer.event(&event).map_err(|error| (i + 1, error))?;
            if self.writer.n_pending_bytes() >= self.max_segment {
                self.writer.flush_events().map_err(|error| (i + 1, error))?;
            }
        }
        Ok(())
    }

    /// Writes what waits for its segment.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush_events()?;
        self.writer.get_mut().sync()
    }

    /// Events that are in complete segments.
    pub(crate) fn n_events(&self) -> u64 {
        self.writer.n_events()
    }

    /// Bytes written.
    pub(crate) fn size(&self) -> Size {
        Size { n_bytes: self.writer.n_bytes(), n_state_bytes: self.writer.n_state_bytes() }
    }

    /// Takes back what waits for its segment.
    pub(crate) fn take_pending(&mut self) -> Batch {
        self.writer.take_pending()
    }

    /// Ends the trace with the last words of the recorder, for which there is room. Gives what was kept in memory.
    pub(crate) fn finish(&mut self, last: &Batch, notes: &ReadNotes) -> io::Result<Option<Arc<[u8]>>> {
        self.writer.get_mut().begin_end();
        self.writer.batch(last)?;
        self.writer.finish(notes)?;
        self.writer.get_mut().finish()
    }
}

/// What became of a trace that was to be written once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compacted {
    /// It was, to this size.
    To(Size),
    /// It stays as it is: there is more than one, it is too large, or it would not get smaller.
    Not,
    /// It stays as it is, because nobody wanted to wait.
    CutShort,
}

/// Makes one trace after the other.
pub(crate) struct Outputs {
    options: Options,
    /// Traces begun so far.
    n_begun: u64,
    /// Traces on disk, the oldest first.
    kept: VecDeque<PathBuf>,
    /// A trace that was made before recording began, so that a wrong name is known at once.
    first: Option<Output>,
}

impl Outputs {
    /// Makes the first trace.
    pub(crate) fn new(options: Options) -> io::Result<Outputs> {
        let mut outputs = Outputs { options, n_begun: 0, kept: VecDeque::new(), first: None };
        outputs.first = Some(outputs.make()?);
        Ok(outputs)
    }

    /// The next trace. The oldest one is removed if there are more than are kept.
    pub(crate) fn next(&mut self) -> io::Result<Output> {
        match self.first.take() {
            Some(output) => Ok(output),
            None => self.make(),
        }
    }

    /// Traces on disk.
    pub(crate) fn into_files(self) -> Vec<PathBuf> {
        self.kept.into()
    }

    /// Writes the trace once more, with fewer and larger segments, if it is the only one and not too large. It is complete
    /// under its name at all times: the new one replaces it when it is on disk. Leaves it as it is when `cut_short` is set.
    pub(crate) fn compact(&self, n_events: u64, cut_short: &AtomicBool) -> io::Result<Compacted> {
        let (Target::File(path), None) = (&self.options.target, self.options.rotate) else { return Ok(Compacted::Not) };
        if n_events > MAX_COMPACT_EVENTS || std::fs::metadata(path)?.len() > MAX_COMPACT {
            return Ok(Compacted::Not);
        }
        let old = Input::open(path).map_err(broken)?;
        let old_len = old.bytes().len() as u64;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".compact");
        let new = path.with_file_name(name);
        let sink = Sink::File(TraceFile::create(&new, None)?);
        // Arguments of a host that compiles are long: a segment takes ten times their bytes while it is made.
        let options = WriteOptions { segment_bytes: 3 << 20, ..WriteOptions::ARCHIVE };
        let mut output = Output::with(sink, options)?;
        let is_cut_short = || cut_short.load(Ordering::Relaxed);
        let result = copy(old, true, &mut output, &is_cut_short).and_then(|n_copied| {
            let Some(n_copied) = n_copied else { return Ok(Compacted::CutShort) };
            output.finish(&Batch::default(), &ReadNotes::default())?;
            if n_copied != n_events || output.size().n_bytes >= old_len {
                return Ok(Compacted::Not);
            }
            std::fs::rename(&new, path)?;
            Ok(Compacted::To(output.size()))
        });
        if !matches!(result, Ok(Compacted::To(_))) {
            let _ = std::fs::remove_file(&new);
        }
        result
    }

    /// True if a full trace is followed by another one.
    pub(crate) fn rotates(&self) -> bool {
        self.options.rotate.is_some()
    }

    fn make(&mut self) -> io::Result<Output> {
        self.n_begun += 1;
        let path = match (&self.options.target, self.options.rotate) {
            (Target::Stdout, _) => return Output::new(Sink::Stdout),
            (Target::File(path), None) => path.clone(),
            (Target::File(path), Some(n)) => {
                while self.kept.len() >= n.max(1) {
                    // Somebody else may have removed it already.
                    self.kept.pop_front().map(std::fs::remove_file);
                }
                Options::numbered(path, self.n_begun)
            }
        };
        let file = TraceFile::create(&path, self.options.max_size)?;
        self.kept.push_back(path);
        Output::new(Sink::File(file))
    }
}

/// Largest trace that is written once more at its end: more takes longer than the ten seconds that somebody waits.
const MAX_COMPACT: u64 = 32 << 20;

/// Most events of one: where they are alike, few bytes are many.
const MAX_COMPACT_EVENTS: u64 = 4 << 20;

fn broken(error: OpenError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("what was written: {error}"))
}

/// Appends the events of a trace to another one, and its start state if that is wanted; how many events there were. `None` if
/// it was cut short, which is asked between batches.
fn copy(
    trace: Input,
    has_state: bool,
    output: &mut Output,
    is_cut_short: &dyn Fn() -> bool,
) -> io::Result<Option<u64>> {
    let mut reader = NativeReader::new(Trace::open(trace).map_err(broken)?);
    let mut n_events = 0;
    while let Some(item) = reader.next_item() {
        if is_cut_short() {
            return Ok(None);
        }
        match item {
            Item::Section(section) if has_state => output.section(&section)?,
            Item::Section(_) => {}
            Item::Batch(batch) => {
                n_events += batch.len() as u64;
                output.events(&batch).map_err(|(_, error)| error)?;
                reader.recycle(batch);
            }
        }
    }
    Ok(Some(n_events))
}

/// Most bytes of one part of the recorder's memory.
const MAX_PART: u64 = 8 << 20;

/// Parts of the time that the memory covers: the oldest is forgotten as a whole.
pub(crate) const PARTS: u32 = 6;

/// The last minutes, as complete traces in memory.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Complete traces with the time of their end, the oldest first.
    parts: VecDeque<(u64, Arc<[u8]>)>,
    /// Most bytes of all parts.
    max_bytes: u64,
    /// How far back the memory reaches.
    span_ns: u64,
    /// Files that were written.
    n_written: u64,
}

impl Memory {
    pub(crate) fn new(max_bytes: u64, span_ns: u64) -> Memory {
        Memory { parts: VecDeque::new(), max_bytes, span_ns, n_written: 0 }
    }

    /// A trace that becomes a part.
    pub(crate) fn part(&self) -> io::Result<Output> {
        Output::new(Sink::Memory { bytes: Vec::new(), max: MAX_PART.min(self.max_bytes / 2) })
    }

    /// Keeps a part, and forgets those that are too old or too many.
    pub(crate) fn keep(&mut self, now_ns: u64, part: Arc<[u8]>) {
        self.parts.push_back((now_ns, part));
        // Half of the bytes are for the part that is being written.
        let max_bytes = self.max_bytes - self.max_bytes / 2;
        let mut n_bytes: u64 = self.parts.iter().map(|(_, part)| part.len() as u64).sum();
        while let Some((end, part)) = self.parts.front() {
            let is_old = end.saturating_add(self.span_ns) < now_ns;
            if !is_old && (n_bytes <= max_bytes || self.parts.len() == 1) {
                break;
            }
            n_bytes -= part.len() as u64;
            self.parts.pop_front();
        }
    }

    /// Takes what is remembered, to be written to the next file of this name.
    pub(crate) fn take(&mut self, path: &Path) -> Dump {
        self.n_written += 1;
        let parts = self.parts.drain(..).map(|(_, part)| part).collect();
        Dump { path: Options::numbered(path, self.n_written), parts }
    }
}

/// The last minutes, to be written.
pub(crate) struct Dump {
    path: PathBuf,
    parts: Vec<Arc<[u8]>>,
}

impl Dump {
    /// Writes one trace: the start state of the oldest part, and the events of all.
    pub(crate) fn write(&self) -> io::Result<(PathBuf, u64)> {
        let mut output = Output::new(Sink::File(TraceFile::create(&self.path, None)?))?;
        let mut n_events = 0;
        for (i, part) in self.parts.iter().enumerate() {
            // Later parts begin with a start state of their own: what the events before them led to.
            n_events += copy(part.to_vec().into(), i == 0, &mut output, &|| false)?.unwrap_or(0);
        }
        output.finish(&Batch::default(), &ReadNotes::default())?;
        Ok((self.path.clone(), n_events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_numbers() {
        for (path, want) in [("x.trh", "x.0007.trh"), ("/a.b/x", "/a.b/x.0007"), ("a.b.trh", "a.b.0007.trh")] {
            assert_eq!(Options::numbered(Path::new(path), 7), Path::new(want));
        }
    }

    #[test]
    fn memory_forgets_what_is_old_or_too_much() {
        // Parts of so many bytes at these times, memory of 100 bytes and 50 ns: times that are left.
        let check = |parts: &[(u64, usize)], want: &[u64]| {
            let mut memory = Memory::new(100, 50);
            parts.iter().for_each(|&(at, len)| memory.keep(at, vec![0; len].into()));
            assert_eq!(memory.parts.iter().map(|part| part.0).collect::<Vec<_>>(), want, "{parts:?}");
        };
        check(&[(10, 20), (20, 20)], &[10, 20]);
        check(&[(10, 20), (61, 20)], &[61]);
        check(&[(10, 20), (20, 20), (30, 20)], &[20, 30]);
        check(&[(10, 20), (20, 90)], &[20]);
    }
}
