//! What is skipped by the headers of segments changes nothing but the time it takes: the same signals, the same tables.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;
use support::soup::{Dice, soup};
use support::{file, folder, root, run};
use tracehound_formats::event::{Arg, Batch, Head, kind};
use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::{Item, Nanos, ReadNotes, Seq, Tid, TraceWriter};

/// Events from which on a segment says what it holds.
const SUMMARIZED: usize = 4096;

/// Rules that ask for kinds with and without an effect on state.
const RULES: &str = "
- rule: A shell
  desc: d
  condition: evt.type = execve and proc.name = sh
  output: shell %proc.name %proc.pid
  priority: NOTICE
- rule: A position
  desc: d
  condition: evt.type = lseek and fd.num = 5 and proc.pid = 2
  output: position %proc.name %evt.num
  priority: INFO
";

/// Kinds that leave state as it is, most of the time or always.
const QUIET: &[&str] = &["futex", "mmap", "read", "write", "epoll_wait", "madvise"];

/// A trace in which stretches of little come between those in which much happens.
fn made_up(seed: u64) -> Vec<Item> {
    let mut dice = Dice(seed);
    let mut items = Vec::new();
    let mut seq = 0;
    for item in soup(seed, 4, 1500) {
        let Item::Batch(batch) = item else {
            items.push(item);
            continue;
        };
        let mut next = Batch::default();
        for event in batch.iter() {
            seq += 1;
            next.begin(Head { seq: Seq(seq), ts: Nanos(seq * 1000), ..*event.head });
            event.args().for_each(|arg| next.push(arg));
        }
        items.push(Item::Batch(next));
        let (more, stranger) = (dice.roll(2) == 0, dice.roll(3) == 0);
        let mut quiet = Batch::default();
        for i in 0..SUMMARIZED + dice.roll(2000) {
            seq += 1;
            let name = if more && dice.roll(900) == 0 { "lseek" } else { *dice.pick(QUIET) };
            let kind = kind::by_name(name).expect("a kind");
            let tid = Tid(if stranger && i == 3000 { 4000 + seed as i64 } else { *dice.pick(&[-1, 1, 2, 3]) });
            let (ts, seq) = (Nanos(seq * 1000), Seq(seq));
            quiet.begin(Head { seq, ts, enter_ns: 0, tid, kind: kind.id, cpu: 0, flags: 0 });
            for spec in kind.args {
                let number = *dice.pick(&[0u64, 3, 4, 5]);
                quiet.push(if spec.ty.int_width().is_some() { Arg::Int(number) } else { Arg::Bytes("a".into()) });
            }
        }
        items.push(Item::Batch(quiet));
    }
    items
}

/// The trace with a segment for each batch, or so many events a segment.
fn native(items: &[Item], segment_events: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = NativeWriter::new(&mut out, WriteOptions { level: 1, segment_events, ..WriteOptions::ARCHIVE })
        .expect("a writer");
    for item in items {
        match item {
            Item::Section(section) => writer.section(section),
            Item::Batch(batch) => writer.batch(batch).and_then(|()| writer.flush_events()),
        }
        .expect("memory takes it");
    }
    writer.finish(&ReadNotes::default()).expect("memory takes it");
    drop(writer);
    out
}

/// Everything that an analysis gives, and the number of segments and events skipped.
fn outputs(trace: &Path, rules: &str, flags: &[String]) -> (BTreeMap<String, Vec<u8>>, [u64; 2]) {
    let to = trace.with_extension("out");
    let (trace, to_text) = (trace.display().to_string(), to.display().to_string());
    let mut args: Vec<String> =
        ["analyze", "-f", "jsonl", "--allow-partial", "--force", "-o"].map(str::to_owned).into();
    args.extend([to_text, trace]);
    if !rules.is_empty() {
        args.extend(["-r".to_owned(), rules.to_owned()]);
    }
    args.extend(flags.iter().cloned());
    let run = run(&args).expect(0);
    let mut all = BTreeMap::from([("standard output".to_owned(), run.stdout)]);
    for entry in std::fs::read_dir(&to).expect("tables") {
        let path = entry.expect("a file").path();
        all.insert(
            path.file_name().expect("a name").to_string_lossy().into_owned(),
            std::fs::read(path).expect("read"),
        );
    }
    // The summary also names the input and says what was skipped.
    let summary = all.get_mut("summary.json").expect("a summary");
    let mut json: Json = serde_json::from_slice(summary).expect("JSON");
    let members = json.as_object_mut().expect("an object");
    members.remove("input").expect("an input");
    members.remove("skipped");
    *summary = json.to_string().into_bytes();
    let said = run.stderr.lines().find_map(|line| line.split_once(": skipped: "));
    let mut numbers = said.map_or("", |(_, said)| said).split(' ').filter_map(|word| word.parse().ok());
    (all, [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)])
}

/// As [`outputs`], with everything read: under a limit of memory windows are counted.
fn all_read(trace: &Path, rules: &str, flags: &[String]) -> (BTreeMap<String, Vec<u8>>, [u64; 2]) {
    let limit = ["--memory-limit", "1TiB"].map(str::to_owned);
    outputs(trace, rules, &[&limit[..], flags].concat())
}

#[test]
fn skipping_changes_nothing() {
    let folder = folder("skipping");
    let rules = file(&folder, "rules.yaml", RULES);
    let mut skipped = BTreeMap::from([("", 0), ("rules", 0), ("since", 0), ("pid", 0)]);
    for seed in 1..7 {
        let items = made_up(seed);
        let whole = Path::new(&file(&folder, "a.trh", native(&items, 1 << 16))).to_owned();
        let small = folder.join("small");
        std::fs::create_dir_all(&small).expect("a folder");
        // Segments too small to say what they hold: everything is read.
        let read = Path::new(&file(&small, "a.trh", native(&items, SUMMARIZED - 1))).to_owned();
        let time = |seq: u64| format!("1970-01-01T00:00:00.{:09}Z", seq * 1000);
        let (since, until) = (time(9_000), time(16_000));
        let cases: [(&str, &str, &[&str]); 6] = [
            ("", "", &[]),
            ("rules", &rules, &[]),
            ("since", &rules, &["--since", &since]),
            ("since", &rules, &["--since", &since, "--until", &until]),
            ("pid", &rules, &["--pid", "1"]),
            ("pid", &rules, &["--pid", "2"]),
        ];
        for (name, rules, flags) in cases {
            let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
            let ((expected, none), (got, some)) = (all_read(&read, rules, &flags), outputs(&whole, rules, &flags));
            assert_eq!(none, [0, 0], "{name} {seed}");
            for (table, bytes) in &expected {
                assert!(got.get(table) == Some(bytes), "{name} {seed} {flags:?}: other {table}");
            }
            assert_eq!(got.len(), expected.len());
            assert!(some[1] >= some[0] * SUMMARIZED as u64, "{some:?}");
            *skipped.get_mut(name).expect("a name") += some[0];
        }
    }
    // Without this the test would show nothing.
    assert!(skipped.values().all(|&n| n > 0), "{skipped:?}");
    assert!(skipped["pid"] + skipped["since"] > 2 * skipped["rules"], "{skipped:?}");
}

/// Captures converted to segments of the least size that says what it holds.
#[test]
fn captures_give_the_same() {
    let shared = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root().join("../shared"), Into::into);
    let rules = shared.join("rules/falco/falco_rules.yaml").display().to_string();
    let folder = folder("skipping_captures");
    let captures =
        ["host/s07_webshell_db.scap", "host/s10_pid_reuse.scap"].map(|name| shared.join("captures").join(name));
    for capture in captures {
        let Ok(input) = tracehound_formats::Input::open(&capture) else {
            tracehound_skipped::skipped!("no capture at {}", capture.display());
            continue;
        };
        let mut reader = tracehound_formats::open(input).expect("a capture");
        let mut out = Vec::new();
        let options = WriteOptions { level: 1, segment_events: SUMMARIZED, ..WriteOptions::ARCHIVE };
        tracehound_formats::convert(&mut *reader, &mut NativeWriter::new(&mut out, options).expect("a writer"))
            .expect("memory takes it");
        let name = capture.file_name().expect("a name").to_string_lossy().into_owned();
        let native = file(&folder, &name, out);
        let copy = folder.join("capture").join(&name);
        std::fs::create_dir_all(folder.join("capture")).expect("a folder");
        std::fs::copy(&capture, &copy).expect("a copy");
        // A capture is filtered, a native trace is also not read where it need not be.
        for flags in [&[][..], &["--since", "+2s", "--until", "+6s"], &["--until", "+3s"]] {
            let flags: Vec<String> = flags.iter().map(|&flag: &&str| flag.to_owned()).collect();
            let ((expected, _), (got, _)) =
                (all_read(&copy, &rules, &flags), outputs(Path::new(&native), &rules, &flags));
            let (same, _) = outputs(&copy, &rules, &flags);
            for (table, bytes) in &expected {
                assert!(got.get(table) == Some(bytes), "{name} {flags:?}: other {table}");
                assert!(same.get(table) == Some(bytes), "{name} {flags:?}: other {table} of the capture");
            }
        }
    }
}

/// What is not decompressed is still compared with its checksum.
#[test]
fn damage_of_what_is_skipped_is_found() {
    let folder = folder("skipping_damage");
    let items = made_up(1);
    let mut bytes = native(&items, 1 << 16);
    let flags: Vec<String> = Vec::new();
    let path = file(&folder, "a.trh", &bytes);
    let (_, skipped) = outputs(Path::new(&path), "", &flags);
    assert!(skipped[0] > 0, "{skipped:?}");
    // The last byte of the payload of each segment in turn.
    let trace = tracehound_formats::native::Trace::open(bytes.clone().into()).expect("a trace");
    let last = trace.segments().iter().rfind(|segment| segment.n_rows as usize >= SUMMARIZED).expect("a segment");
    bytes[(last.offset + last.len - 1) as usize] ^= 1;
    let path = file(&folder, "a.trh", &bytes);
    let damaged = run(["analyze", "-f", "jsonl", &path]).expect(5);
    assert!(damaged.stderr.contains("the checksum of the segment does not match"), "{}", damaged.stderr);
}
