//! What the fuzz targets share: reading a trace to its end, and what must hold of any reader on any input.

pub mod checksums;
mod replayed;

use tracehound_formats::event::head_flags;
use tracehound_formats::{
    Arg, ArgSet, Batch, Format, Head, Input, Item, KindId, ReadNotes, Section, TraceReader, TraceWriter, WantedArgs,
    native, text,
};

pub use replayed::Replayed;

/// A trace that was read to its end.
pub struct Read {
    /// Sections and batches, in order.
    pub items: Vec<Item>,
    /// What the reader found.
    pub notes: ReadNotes,
}

/// Reads to the end and checks what every reader promises. `None` if the format does not open the input.
pub fn read(format: &dyn Format, data: &[u8]) -> Option<Read> {
    let mut reader = format.open(Input::from(data.to_vec())).ok()?;
    Some(drain(&mut *reader, data.len()))
}

/// Takes every item of a reader, and checks what every reader promises.
pub fn drain(reader: &mut dyn TraceReader, input_len: usize) -> Read {
    let mut items = Vec::new();
    let mut n_events = 0u64;
    while let Some(item) = reader.next_item() {
        match &item {
            Item::Section(_) => {}
            Item::Batch(batch) => {
                assert!(items.iter().any(|i| matches!(i, Item::Section(_))), "a batch before any section");
                for event in batch.iter() {
                    n_events += 1;
                    // Every argument can be read.
                    assert_eq!(event.args().count(), event.args().len());
                }
            }
        }
        items.push(item);
    }
    assert!(reader.next_item().is_none(), "an item after the end");
    assert!(reader.progress().bytes() <= input_len as u64, "more bytes consumed than there are");
    let notes = reader.notes().clone();
    assert!(notes.damage.len() as u64 <= notes.n_damage);
    // Falco counts some enter events that are no event of their own here.
    let n_folded = notes.skipped.iter().fold(0u64, |sum, skipped| sum.saturating_add(skipped.n));
    assert!(notes.n_events <= n_events.saturating_add(n_folded), "{} events counted, {n_events} delivered", notes.n_events);
    Read { items, notes }
}

/// The sections and events of a trace that has been read.
pub fn parts(read: &Read) -> (Vec<&Section>, Vec<&Batch>) {
    let (mut sections, mut batches) = (Vec::new(), Vec::new());
    for item in &read.items {
        match item {
            Item::Section(section) => sections.push(&**section),
            Item::Batch(batch) => batches.push(batch),
        }
    }
    (sections, batches)
}

/// Two readings of one trace, perhaps in two formats, tell the same.
pub fn assert_same_trace(a: &Read, b: &Read) {
    let ((sections_a, batches_a), (sections_b, batches_b)) = (parts(a), parts(b));
    assert_eq!(sections_a, sections_b);
    let mut events_b = batches_b.iter().flat_map(|batch| batch.iter());
    for x in batches_a.iter().flat_map(|batch| batch.iter()) {
        let y = events_b.next().expect("as many events");
        assert_eq!(x.head, y.head);
        assert!(x.args().eq(y.args()), "{x:?}\n{y:?}");
    }
    assert!(events_b.next().is_none(), "as many events");
}

/// Reads again, and some time on the way says that few arguments are wanted: nothing else changes, not even where batches end.
pub fn check_wanted(read: &Read, format: &dyn Format, data: &[u8]) {
    let told_after = crc32c::crc32c(data) as usize % 3;
    let set_of = |kind: KindId| [ArgSet::NONE, ArgSet::of([0, 2]), ArgSet::ALL][usize::from(kind.0 / 2 % 3)];
    let wanted = WantedArgs::default();
    let mut reader = format.open(Input::from(data.to_vec())).expect("it opened before");
    reader.want_only(wanted.clone());
    for (n_items, before) in read.items.iter().enumerate() {
        if n_items == told_after {
            wanted.tell(|| (0..=u16::MAX).map(|code| set_of(KindId(code))).collect());
        }
        match (before, reader.next_item().expect("as many items")) {
            (Item::Section(a), Item::Section(b)) => assert_eq!(*a, b),
            (Item::Batch(a), Item::Batch(b)) => {
                assert_eq!(a.len(), b.len());
                for (a, b) in a.iter().zip(b.iter()) {
                    let flags = |head: &Head| head.flags & !head_flags::MALFORMED;
                    assert_eq!(flags(a.head), flags(b.head));
                    assert_eq!(a.head, &Head { flags: a.head.flags, ..*b.head });
                    let is_left_out = |i| !set_of(a.head.kind).has(i) && b.arg(i) == Arg::Absent;
                    assert!(a.args().enumerate().all(|(i, arg)| b.arg(i) == arg || is_left_out(i)), "{a:?}\n{b:?}");
                }
            }
            (a, b) => panic!("{a:?}\n{b:?}"),
        }
    }
    assert!(reader.next_item().is_none(), "as many items");
    assert_eq!(format!("{:?}", read.notes), format!("{:?}", reader.notes()));
}

/// Writes as text, reads that, compares.
pub fn check_text(read: &Read) {
    let mut out = Vec::new();
    write(read, &mut text::TextWriter::new(&mut out));
    let again = self::read(&text::Text, &out).expect("a written trace opens");
    assert_same_trace(read, &again);
    // What is written is safe to print.
    assert!(out.iter().all(|&b| b >= 0x20 && b != 0x7f || b == b'\n'), "a control character in text");
}

/// Writes as a native trace, reads that, compares: for one input of 32, since the writer tries every column in several
/// ways and takes a thousand times as long as reading.
pub fn check_native(read: &Read, data: &[u8]) {
    if crc32c::crc32c(data) % 32 != 0 {
        return;
    }
    let mut out = Vec::new();
    let mut writer = native::NativeWriter::new(&mut out, native::WriteOptions::RECORD).expect("a vector takes all");
    write(read, &mut writer);
    drop(writer);
    let again = self::read(&native::Native, &out).expect("a written trace opens");
    assert_same_trace(read, &again);
}

fn write(read: &Read, writer: &mut dyn TraceWriter) {
    for item in &read.items {
        match item {
            Item::Section(section) => writer.section(section),
            Item::Batch(batch) => writer.batch(batch),
        }
        .expect("a vector takes all");
    }
    writer.finish(&read.notes).expect("a vector takes all");
}
