//! Every capture of `shared/captures` goes through every writer and comes back the same; sizes are compared.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::reader::{Item, ReadNotes};
use tracehound_formats::text::TextWriter;
use tracehound_formats::{Batch, Input, Section, TraceReader, convert, open};

/// Folder of the captures; `None`, said aloud, if it is not on this machine.
fn captures() -> Option<PathBuf> {
    let shared = match std::env::var_os("TRACEHOUND_SHARED") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let captures = shared.join("captures");
    if captures.is_dir() {
        return Some(captures);
    }
    tracehound_skipped::skipped!("no captures in {}; TRACEHOUND_SHARED names the folder above", captures.display());
    None
}

fn files(captures: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for folder in ["host", "synthetic", "vm", "large"] {
        let Ok(entries) = std::fs::read_dir(captures.join(folder)) else { continue };
        let mut found: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        found.retain(|path| path.to_string_lossy().contains(".scap"));
        found.sort();
        out.extend(found);
    }
    out
}

fn reader(bytes: &[u8]) -> Box<dyn TraceReader> {
    open(Input::from(bytes.to_vec())).expect("a capture is recognised")
}

fn to_native(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = NativeWriter::new(&mut out, WriteOptions::ARCHIVE).expect("a level of zstd");
    convert(&mut *reader(bytes), &mut writer).expect("writing to memory");
    out
}

fn to_text(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    convert(&mut *reader(bytes), &mut TextWriter::new(&mut out)).expect("writing to memory");
    out
}

/// Items of a trace, events one by one whatever batches they came in.
struct Events {
    reader: Box<dyn TraceReader>,
    batch: Batch,
    next: usize,
    sections: Vec<Section>,
}

impl Events {
    fn of(bytes: &[u8]) -> Self {
        Events { reader: reader(bytes), batch: Batch::default(), next: 0, sections: Vec::new() }
    }

    /// True while there is an event at `next`.
    fn advance(&mut self) -> bool {
        while self.next >= self.batch.len() {
            match self.reader.next_item() {
                None => return false,
                Some(Item::Section(section)) => self.sections.push(*section),
                Some(Item::Batch(batch)) => (self.batch, self.next) = (batch, 0),
            }
        }
        true
    }
}

/// Compares two traces event by event; returns the number of events.
fn assert_same(a: &[u8], b: &[u8], context: &str) -> u64 {
    let (mut a, mut b) = (Events::of(a), Events::of(b));
    let mut n = 0;
    loop {
        let (has_a, has_b) = (a.advance(), b.advance());
        assert_eq!(has_a, has_b, "{context}: one has more than {n} events");
        assert_eq!(a.sections.len(), b.sections.len(), "{context}: sections before event {n}");
        if !has_a {
            break;
        }
        let (x, y) = (a.batch.get(a.next).expect("advanced"), b.batch.get(b.next).expect("advanced"));
        assert!(x.head == y.head && x.args().eq(y.args()), "{context}: {x:?}\n{y:?}");
        a.next += 1;
        b.next += 1;
        n += 1;
    }
    assert!(a.sections == b.sections, "{context}: start state differs");
    let counts = |notes: &ReadNotes| (notes.n_records, notes.n_events, notes.n_unfinished, notes.n_damage);
    assert_eq!(counts(a.reader.notes()), counts(b.reader.notes()), "{context}: counts");
    n
}

/// Size under `gzip -6`: of the tool if it is installed, else of the library, which packs a little tighter.
fn gzip(bytes: &[u8]) -> usize {
    let tool =
        std::process::Command::new("gzip").args(["-6", "-n"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    if let Ok(mut child) = tool {
        let mut stdin = child.stdin.take().expect("piped");
        let n = std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(bytes));
            let mut packed = Vec::new();
            child.stdout.take().expect("piped").read_to_end(&mut packed).map(|_| packed.len())
        });
        if let (Ok(n), Ok(status)) = (n, child.wait())
            && status.success()
        {
            return n;
        }
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory").len()
}

fn unpacked(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).expect("a capture can be read");
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut out).expect("a gzip file");
    out
}

/// Captures whose native trace is larger than half of `gzip -6`, with the ratio they must keep: their arguments, addresses
/// and inode numbers are random bytes, which nothing makes smaller.
const KNOWN_LARGER: [(&str, f64); 4] =
    [("synth0.scap", 0.76), ("synth1.scap", 0.76), ("synth2.scap", 0.76), ("synthfd.scap", 0.77)];

/// `.scap` to `.trh` to text to `.trh`: nothing is lost, both native traces are the same bytes, and they are small.
#[test]
fn captures_survive_every_conversion() {
    let Some(captures) = captures() else { return };
    let mut table = format!(
        "{:34} {:>8} {:>9} {:>9} {:>9} {:>6} {:>6} {:>6}\n",
        "capture", "events", "scap", "gzip -6", "trh", "ratio", "B/ev", "s"
    );
    let mut too_large = Vec::new();
    for path in files(&captures) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Unoptimized, the two large captures take minutes.
        if cfg!(debug_assertions) && path.parent().is_some_and(|p| p.ends_with("large")) {
            tracehound_skipped::skipped!("without optimization: {name}");
            continue;
        }
        let scap = unpacked(&path);
        let start = Instant::now();
        let trh = to_native(&scap);
        let seconds = start.elapsed().as_secs_f64();
        let n = assert_same(&scap, &trh, &name);
        let text = to_text(&trh);
        assert_same(&trh, &text, &name);
        let again = to_native(&text);
        assert!(again == trh, "{name}: {} bytes by way of the text notation, {} without", again.len(), trh.len());
        let gz = gzip(&scap);
        let ratio = trh.len() as f64 / gz as f64;
        writeln!(
            table,
            "{name:34} {n:8} {:9} {gz:9} {:9} {ratio:6.3} {:6.2} {seconds:6.2}",
            scap.len(),
            trh.len(),
            trh.len() as f64 / n as f64
        )
        .expect("writing to a string");
        let limit = KNOWN_LARGER.iter().find(|(known, _)| *known == name).map_or(0.5, |&(_, limit)| limit);
        if ratio > limit {
            too_large.push(name);
        }
    }
    eprintln!("{table}");
    assert_eq!(too_large, Vec::<String>::new(), "larger than promised");
}
