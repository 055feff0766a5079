//! Decodes a trace and says how fast: `cargo run --release -p tracehound-formats --example decode FILE...`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use tracehound_formats::{Input, Item, open};

fn main() -> ExitCode {
    match run(&mut std::io::stdout().lock()) {
        Ok(code) => code,
        // Nobody reads on: `| head`.
        Err(_) => ExitCode::SUCCESS,
    }
}

fn run(out: &mut impl Write) -> std::io::Result<ExitCode> {
    let mut has_failed = false;
    for file in std::env::args_os().skip(1) {
        let name = file.to_string_lossy().into_owned();
        let start = Instant::now();
        let mut reader = match Input::open(Path::new(&file)).and_then(open) {
            Ok(reader) => reader,
            Err(e) => {
                eprintln!("{name}: {e}");
                has_failed = true;
                continue;
            }
        };
        let (mut n_events, mut n_args, mut n_threads, mut n_fds) = (0usize, 0usize, 0usize, 0usize);
        let mut largest = 0;
        while let Some(item) = reader.next_item() {
            match item {
                Item::Section(section) => {
                    n_threads += section.threads.len();
                    n_fds += section.fds.len();
                }
                Item::Batch(batch) => {
                    n_events += batch.len();
                    n_args += batch.iter().map(|event| event.args().len()).sum::<usize>();
                    largest = largest.max(batch.memory());
                    reader.recycle(batch);
                }
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let notes = reader.notes();
        writeln!(
            out,
            "{name}: {n_events} events in {seconds:.3} s, {:.2} M events/s; {} records, {} numbered, {} unfinished, \
             {n_args} arguments, {n_threads} threads, {n_fds} descriptors, largest batch {} kB",
            n_events as f64 / seconds / 1e6,
            notes.n_records,
            notes.n_events,
            notes.n_unfinished,
            largest / 1024,
        )?;
        for remark in &notes.remarks {
            writeln!(out, "  {remark}")?;
        }
        for skipped in &notes.skipped {
            writeln!(out, "  skipped {}: {}", skipped.n, skipped.what)?;
        }
        for damage in notes.damage.iter().take(20) {
            writeln!(out, "  damage at {}: {}", damage.offset, damage.what)?;
        }
    }
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
