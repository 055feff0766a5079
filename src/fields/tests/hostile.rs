//! No event makes a field panic, whatever its arguments are.

use std::path::PathBuf;

use tracehound_fields::{Context, FieldArg, FieldRef, View, catalogue, print, resolve};
use tracehound_formats::event::{Arg, Batch, Head, kind};
use tracehound_formats::input::Input;
use tracehound_formats::reader::Item;
use tracehound_formats::section::{FdEntry, FdKind, FdTarget, L4, Section, ThreadEntry};
use tracehound_formats::{Nanos, Seq, Tid, open};
use tracehound_state::Replay;

/// Every field, with every form of argument it takes.
fn all_fields() -> Vec<FieldRef> {
    let mut fields = Vec::new();
    for row in catalogue::all() {
        for arg in ["", "[0]", "[4294967295]", ".flags", ".data", "[(]"] {
            fields.extend(resolve(&format!("{}{arg}", row.name)).ok());
        }
    }
    assert!(fields.iter().any(|field| field.arg == FieldArg::Index(u32::MAX)));
    fields
}

/// A process with a descriptor of each sort.
fn section() -> Section {
    let mut section = Section::default();
    let mut thread = ThreadEntry::new(Tid(1), Tid(1));
    // Its own parent: only a damaged trace says so.
    thread.ptid = Some(Tid(1));
    thread.args = "\0\0\0".into();
    thread.env = "=\0A\0B=".into();
    thread.cgroups = "no-equals-sign\0".into();
    section.threads.push(thread);
    let addr = |port| ([1, 2, 3, 4], port).into();
    let targets = [
        FdTarget::Unknown,
        FdTarget::Inet { local: addr(0), remote: addr(65535), l4: L4::Unknown },
        FdTarget::Listen { local: addr(80), l4: L4::Tcp },
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
    let fields = all_fields();
    let long = vec![0xffu8; 3000];
    let values: Vec<Arg<'_>> = vec![
        Arg::Empty,
        Arg::Int(3),
        Arg::Int(u64::MAX),
        Arg::Int(i64::MIN as u64),
        Arg::Int((-100i64) as u64),
        Arg::Bytes("../../..".into()),
        Arg::Bytes(long.as_slice().into()),
        Arg::Bytes("\u{2}\0\0".into()),
        Arg::Malformed("\u{1}".into()),
    ];
    for value in values {
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
        let context = Context { first_ns: 5, ..Context::default() };
        for (event, fact) in batch.iter().zip(&facts) {
            let view = View { event, fact, history: &history, context: &context };
            for field in &fields {
                let _ = print::text(&view, field);
            }
        }
    }
}

/// Captures with every event type and parameter count of every release.
#[test]
fn synthetic_captures() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(shared.join("captures/synthetic")) else {
        tracehound_skipped::skipped!("{} is not there", shared.display());
        return;
    };
    let fields = all_fields();
    for path in entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "scap"))
    {
        let mut reader = open(Input::open(&path).unwrap()).unwrap();
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
        let context = Context::default();
        for (batch, facts) in &batches {
            for (event, fact) in batch.iter().zip(facts) {
                let view = View { event, fact, history: &history, context: &context };
                for field in &fields {
                    let _ = print::json(&view, field);
                }
            }
        }
    }
}
