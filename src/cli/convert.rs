//! `convert`: from any format that can be read to one that can be written.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::text::TextWriter;
use tracehound_formats::{Batch, ReadNotes, Section, TraceWriter};

use super::args::{Convert, Global, TraceFormat};
use super::exit::{Failure, Outcome};
use super::input;
use super::output::{AtomicFile, check_replaceable};
use super::progress::Bar;

pub(super) fn run(global: &Global, args: &Convert) -> Result<Outcome, Failure> {
    let is_stdout = args.output == Path::new("-");
    let format = match args.to.or_else(|| by_name(&args.output)) {
        Some(format) => format,
        None => {
            return Err(Failure::Usage(format!(
                "{}: the name does not tell the format; --to native or --to text does",
                args.output.display()
            )));
        }
    };
    if format == TraceFormat::Native && is_stdout && io::IsTerminal::is_terminal(&io::stdout()) {
        return Err(Failure::Usage("a native trace is binary: redirect standard output, or name a file".to_owned()));
    }
    if !is_stdout {
        check_replaceable(&args.output, args.force, from_ref(&args.input))?;
    }
    let mut opened = input::open(&args.input)?;
    let events = Arc::new(AtomicU64::new(0));
    let bar = Bar::start(global, &opened.name, opened.n_bytes, opened.reader.progress(), Arc::clone(&events));
    let mut copy = |out: &mut dyn Write| -> io::Result<()> {
        let mut writer = writer(format, out)?;
        let mut counted = Counted { inner: &mut *writer, events: &events };
        tracehound_formats::convert(&mut *opened.reader, &mut counted)
    };
    if is_stdout {
        let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
        copy(&mut out)?;
        out.flush()?;
    } else {
        let failed = |error| Failure::Output { path: args.output.display().to_string(), error };
        let mut file = AtomicFile::create(&args.output, args.force, from_ref(&args.input))?;
        copy(&mut file).map_err(failed)?;
        file.commit()?;
    }
    drop(bar);
    let notes = opened.reader.notes();
    if global.verbose {
        eprintln!("{}: {} events", opened.name, notes.n_events);
    }
    // Losses are events of the trace and were copied; only damage means that something could not be copied.
    Ok(input::report_damage(global, &opened.name, notes, 0, args.allow_partial))
}

/// A writer of a format, for a file that is kept.
pub(super) fn writer<'w>(format: TraceFormat, out: &'w mut dyn Write) -> io::Result<Box<dyn TraceWriter + 'w>> {
    Ok(match format {
        TraceFormat::Native => Box::new(NativeWriter::new(out, WriteOptions::ARCHIVE)?),
        TraceFormat::Text => Box::new(TextWriter::new(out)),
    })
}

/// The format that the name of a file tells.
pub(super) fn by_name(path: &Path) -> Option<TraceFormat> {
    match path.extension()?.to_str()? {
        "trh" => Some(TraceFormat::Native),
        "trace" | "txt" => Some(TraceFormat::Text),
        _ => None,
    }
}

/// Counts events on their way, for progress.
struct Counted<'a> {
    inner: &'a mut dyn TraceWriter,
    events: &'a AtomicU64,
}

impl TraceWriter for Counted<'_> {
    fn section(&mut self, section: &Section) -> io::Result<()> {
        self.inner.section(section)
    }

    fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.events.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.inner.batch(batch)
    }

    fn finish(&mut self, notes: &ReadNotes) -> io::Result<()> {
        self.inner.finish(notes)
    }
}
