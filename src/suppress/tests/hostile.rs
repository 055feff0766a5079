//! No event makes an attribute panic, and real captures have values of what they should.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tracehound_fields::{Context, View};
use tracehound_formats::event::{Arg, Batch, Head, kind};
use tracehound_formats::input::Input;
use tracehound_formats::reader::Item;
use tracehound_formats::section::{FdEntry, FdKind, FdTarget, L4, Section, ThreadEntry};
use tracehound_formats::{Nanos, Seq, Tid, open};
use tracehound_state::Replay;
use tracehound_suppress::attributes::{get, value_text};
use tracehound_suppress::{Collected, ExtraTags, SignalView};

/// A process with descriptors of all sorts, which is its own parent.
fn section() -> Section {
    let mut section = Section::default();
    let mut thread = ThreadEntry::new(Tid(1), Tid(1));
    thread.ptid = Some(Tid(1));
    thread.args = "\0\0\0".into();
    thread.env = "=\0A\0B=".into();
    thread.cgroups = "no-equals-sign\0".into();
    thread.tty = Some(u32::MAX);
    section.threads.push(thread);
    let addr = |port| ([1, 2, 3, 4], port).into();
    let targets = [
        FdTarget::Unknown,
        FdTarget::Inet { local: addr(0), remote: addr(53), l4: L4::Tcp },
        FdTarget::Listen { local: addr(53), l4: L4::Udp },
        FdTarget::Unix { local: u64::MAX, peer: 0, name: b"\xff\0\n".into() },
        FdTarget::Named { kind: FdKind::File, name: "//".into(), flags: None, dev: Some(u32::MAX) },
        FdTarget::Named { kind: FdKind::Directory, name: "".into(), flags: Some(u32::MAX), dev: None },
    ];
    for (fd, target) in targets.into_iter().enumerate() {
        section.fds.push(FdEntry { tid: Tid(1), fd: fd as i64, inode: None, target });
    }
    section
}

#[test]
fn every_kind_with_arguments_of_wrong_types() {
    let long = vec![0xffu8; 3000];
    for value in [
        Arg::Empty,
        Arg::Int(1),
        Arg::Int(2),
        Arg::Int(4),
        Arg::Int(u64::MAX),
        Arg::Int(i64::MIN as u64),
        Arg::Int((-100i64) as u64),
        Arg::Bytes("../../..".into()),
        Arg::Bytes(long.as_slice().into()),
        Arg::Bytes("\u{2}\0\0".into()),
        Arg::Malformed("\u{1}".into()),
    ] {
        let mut batch = Batch::default();
        for (n, kind) in kind::all().filter(|kind| !kind.id.is_generic()).enumerate() {
            let tid = Tid(if n % 7 == 0 { -1 } else { 1 });
            let head =
                Head { seq: Seq(n as u64 + 1), ts: Nanos(u64::MAX), enter_ns: 0, tid, kind: kind.id, cpu: 0, flags: 0 };
            batch.begin(head);
            kind.args.iter().for_each(|_| batch.push(value));
        }
        let mut replay = Replay::default();
        let mut facts = Vec::new();
        replay.section(&section(), Seq(1));
        replay.batch(&batch, &mut facts);
        let history = replay.finish();
        let (context, tags) = (Context::default(), ExtraTags::default());
        for (event, fact) in batch.iter().zip(&facts) {
            let view = View { event, fact, history: &history, context: &context };
            SignalView::of_event(&view, &tags).collect();
        }
    }
}

/// Captures of a folder of the shared ones; none where they are not at hand.
fn captures(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(shared.join("captures").join(folder)) else {
        tracehound_skipped::skipped!("{} is not there", shared.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "scap"));
    paths.sort();
    paths
}

/// What every `step`th event of a capture has values of.
fn each_event(path: &Path, step: usize, mut look: impl FnMut(&Collected)) {
    let mut reader = open(Input::open(path).unwrap()).unwrap();
    let mut replay = Replay::default();
    let mut batches = Vec::new();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => replay.section(&section, Seq(1)),
            Item::Batch(batch) => {
                let mut facts = Vec::new();
                replay.batch(&batch, &mut facts);
                batches.push((batch, facts));
            }
        }
    }
    let history = replay.finish();
    let (context, tags) = (Context::default(), ExtraTags::default());
    let events = batches.iter().flat_map(|(batch, facts)| batch.iter().zip(facts));
    for (event, fact) in events.step_by(step) {
        let view = View { event, fact, history: &history, context: &context };
        look(&SignalView::of_event(&view, &tags).collect());
    }
}

/// Captures with every event type and parameter count of every release.
#[test]
fn synthetic_captures() {
    for path in captures("synthetic") {
        each_event(&path, 1, |_| {});
    }
}

#[test]
fn real_captures() {
    let paths = captures("host");
    if paths.is_empty() {
        return;
    }
    let mut seen: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for path in paths {
        let is_small = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() < 100_000);
        each_event(&path, if is_small { 1 } else { 20 }, |collected| {
            for (id, value) in &collected.attributes {
                let text = value_text(value).to_string();
                // What fields say for "not there" is no value.
                assert!(text != "<NA>" && !text.is_empty(), "{}: {text}", get(*id).name);
                let (n, _) = seen.entry(get(*id).name.to_string()).or_insert_with(|| (0, text));
                *n += 1;
            }
        });
    }
    if std::env::var_os("SHOW").is_some() {
        seen.iter().for_each(|(name, (n, text))| println!("{n:>7} {name}: {text:.100}"));
    }
    for name in [
        "@process.args",
        "@process.parent.comm",
        "@process.ancestors.executable.path",
        "@process.user",
        "@process.envs",
        "@file.path",
        "@network.destination.ip",
        "@dns.question.name",
        "@mmap.protection",
        "host",
    ] {
        assert!(seen.contains_key(name), "no event has {name}");
    }
}
