//! Makes a long trace of a short one, for benchmarks: the events of TRACE so many times one after the other, renumbered
//! and each time later by the length of the trace, under the start state of the first.
//! `cargo run --release -p tracehound-formats --example repeat -- TRACE COPIES OUT.trh`.
//!
//! Process ids stay: each copy finds the ids of the one before in use again. What the first section says is not repeated.

use std::error::Error;
use std::io::BufWriter;
use std::path::Path;

use tracehound_formats::event::Head;
use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::{Batch, Input, Item, Nanos, ReadNotes, Seq, TraceWriter, open};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [trace, copies, out] = &args[..] else { return Err("usage: repeat TRACE COPIES OUT.trh".into()) };
    let copies: u64 = copies.to_str().unwrap_or_default().parse()?;
    let mut reader = open(Input::open(Path::new(trace))?)?;
    let mut writer = NativeWriter::new(BufWriter::new(std::fs::File::create(out)?), WriteOptions::RECORD)?;
    let mut batches = Vec::new();
    let mut is_first = true;
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) if is_first => {
                writer.section(&section)?;
                is_first = false;
            }
            Item::Section(_) => {}
            Item::Batch(batch) => batches.push(batch),
        }
    }
    let heads = || batches.iter().flat_map(|batch| batch.iter().map(|event| *event.head));
    let last = heads().map(|head| head.seq.0).max().unwrap_or(0);
    let (start, end) = heads().fold((u64::MAX, 0), |(low, high), head| (low.min(head.ts.0), high.max(head.ts.0)));
    // Three seconds between two copies, so that an id used again is not taken for the same life.
    let length = end.saturating_sub(start) + 3_000_000_000;
    for copy in 0..copies {
        for batch in &batches {
            let mut later = Batch::default();
            for event in batch.iter() {
                let head = event.head;
                let enter_ns = if head.enter_ns == 0 { 0 } else { head.enter_ns + copy * length };
                let (seq, ts) = (Seq(head.seq.0 + copy * last), Nanos(head.ts.0 + copy * length));
                later.begin(Head { seq, ts, enter_ns, ..*head });
                event.args().for_each(|arg| later.push(arg));
            }
            writer.batch(&later)?;
        }
    }
    writer.finish(&ReadNotes::default())?;
    Ok(())
}
