//! Prints what is recorded for some seconds, in the text notation: `cargo run --example events -- SECONDS`.

use std::time::{Duration, Instant};

use tracehound_capture::{Options, Recorder};
use tracehound_formats::text::TextWriter;
use tracehound_formats::{ReadNotes, TraceWriter};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(5), |arg| arg.parse::<u64>())?;
    let mut recorder = Recorder::start(&Options::default())?;
    for missing in recorder.missing() {
        eprintln!("{missing}");
    }
    let mut writer = TextWriter::new(std::io::stdout().lock());
    let mut failed = None;
    let mut sink = |batch: &tracehound_formats::Batch| {
        if failed.is_none() {
            failed = writer.batch(batch).err();
        }
    };
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        recorder.poll(Duration::from_millis(50), &mut sink)?;
    }
    recorder.detach()?;
    while !recorder.poll(Duration::ZERO, &mut sink)?.is_drained {}
    if let Some(err) = failed {
        return Err(err.into());
    }
    writer.finish(&ReadNotes::default())?;
    eprintln!("{:?}", recorder.counters()?);
    Ok(())
}
