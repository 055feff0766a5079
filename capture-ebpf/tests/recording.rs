//! Recordings of scripted events: what is written where, and when it ends.

mod support;

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bstr::BString;
use support::Host;
use tracehound_capture::files::Root;
use tracehound_capture::host::Clock;
use tracehound_capture::output::{Options, Target};
use tracehound_capture::recording::{End, Flight, Flow, Observer, Progress, Settings, Source, Summary, record};
use tracehound_capture::{Counters, PollError, PollStats};
use tracehound_formats::event::{Head, head_flags, pseudo, syscalls};
use tracehound_formats::native::{SegmentType, Trace};
use tracehound_formats::{Arg, Batch, Input, Item, KindId, Nanos, ReadNotes, Section, Seq, Tid};

/// A recording program that delivers so many events a poll.
struct Script {
    polls: VecDeque<u32>,
    clock: Clock,
    counters: Counters,
    cgroups: Vec<BString>,
    n: u64,
}

impl Script {
    fn new(polls: impl IntoIterator<Item = u32>) -> Script {
        let polls = polls.into_iter().collect();
        Script { polls, clock: Clock::new(), counters: Counters::default(), cgroups: Vec::new(), n: 0 }
    }
}

impl Source for Script {
    fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(&Batch)) -> Result<PollStats, PollError> {
        std::thread::sleep(timeout.min(Duration::from_millis(1)));
        let n = self.polls.pop_front().unwrap_or(0);
        let mut batch = Batch::default();
        let ts = Nanos(self.clock.now_ns());
        for _ in 0..n {
            self.n += 1;
            batch.begin(Head { seq: Seq(0), ts, enter_ns: 0, tid: Tid(7), kind: syscalls::OPENAT, cpu: 0, flags: 0 });
            batch.push(Arg::Int(3));
            batch.push(Arg::Int(-100i64 as u64));
            // Names that do not compress.
            let name = format!("/tmp/{:016x}", self.n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.n << 32);
            batch.push(Arg::Bytes(name.as_str().into()));
        }
        sink(&batch);
        self.counters.seen += u64::from(n);
        self.counters.written += u64::from(n);
        self.counters.delivered += u64::from(n);
        Ok(PollStats { n_records: n.into(), n_events: n.into(), is_drained: self.polls.is_empty() })
    }

    fn detach(&mut self) -> Result<(), PollError> {
        Ok(())
    }

    fn counters(&self) -> Result<Counters, PollError> {
        Ok(self.counters.clone())
    }

    fn take_new_cgroups(&mut self) -> Vec<BString> {
        std::mem::take(&mut self.cgroups)
    }

    fn clock(&self) -> Clock {
        self.clock
    }
}

fn host(name: &str) -> Host {
    let host = Host::new(name);
    host.file("/proc/7/stat", "7 (sh) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 499 0 0\n");
    host.file("/proc/7/cmdline", "sh\0");
    host
}

fn settings(root: Root, target: PathBuf) -> Settings {
    Settings {
        output: Options { target: Target::File(target), max_size: None, rotate: None },
        flush: Duration::from_millis(5),
        flight: None,
        env: Vec::new(),
        root,
        cut_short: Arc::default(),
        drop_privileges: false,
    }
}

/// Records a script to its end.
fn run(script: Script, settings: &Settings) -> Summary {
    let mut n_idle = 0;
    let control = &mut |progress: Progress| {
        n_idle = if progress.is_started { n_idle + 1 } else { 0 };
        if n_idle > 400 { Flow::Stop } else { Flow::Go }
    };
    record(script, settings, None, control).expect("a recording")
}

struct Read {
    sections: Vec<Section>,
    /// Events, each with its number, kind and flags.
    events: Vec<(u64, KindId, u8)>,
    notes: ReadNotes,
}

impl Read {
    fn of(path: &Path) -> Read {
        let mut reader = tracehound_formats::open(Input::open(path).expect("a file")).expect("a trace");
        let (mut sections, mut events) = (Vec::new(), Vec::new());
        while let Some(item) = reader.next_item() {
            match item {
                Item::Section(section) => sections.push(*section),
                Item::Batch(batch) => events.extend(batch.iter().map(|e| (e.head.seq.0, e.head.kind, e.head.flags))),
            }
        }
        Read { sections, events, notes: reader.notes().clone() }
    }

    fn opens(&self) -> usize {
        self.events.iter().filter(|event| event.1 == syscalls::OPENAT).count()
    }
}

#[test]
fn everything_is_written_in_order_with_numbers() {
    let host = host("recording-all");
    let path = host.root().path("/out.trh");
    let mut script = Script::new([3, 0, 1000, 70_000, 5]);
    let id = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";
    host.file(&format!("/var/lib/docker/containers/{id}/config.v2.json"), r#"{"Name":"/web"}"#);
    script.cgroups = vec![format!("/docker/{id}").into(), "/init.scope".into()];
    let summary = run(script, &settings(host.root(), path.clone()));
    assert!(matches!(summary.end, End::Asked), "{:?}", summary.end);
    assert_eq!((summary.n_written, summary.n_unwritten), (71_008, 0));
    assert_eq!(summary.counters.as_ref().map(|c| c.delivered), Some(71_008));
    assert_eq!(summary.size.n_bytes, fs::metadata(&path).unwrap().len());
    let read = Read::of(&path);
    assert_eq!((read.notes.n_damage, read.opens(), read.sections.len()), (0, 71_008, 1));
    assert_eq!(read.sections[0].threads.len(), 1);
    assert!(read.sections[0].machine.recorder.is_some());
    assert!(read.events.windows(2).all(|pair| pair[0].0 < pair[1].0), "numbers rise");
    let own: Vec<_> = read.events.iter().filter(|event| event.1 != syscalls::OPENAT).collect();
    assert_eq!(own.iter().filter(|event| event.1 == pseudo::CONTAINER).count(), 1);
    let notes = own.iter().filter(|event| event.1 == pseudo::NOTIFICATION);
    assert!(notes.clone().all(|event| event.2 == head_flags::STATE_ONLY) && notes.count() >= 5);
    // The name is taken now.
    let error = record(Script::new([]), &settings(host.root(), path), None, &mut |_| Flow::Stop).unwrap_err();
    assert!(error.to_string().contains("exists"), "{error}");
}

#[test]
fn a_trace_that_came_to_its_end_has_few_segments() {
    let host = host("recording-compact");
    let path = host.root().path("/out.trh");
    let summary = run(Script::new(vec![10; 200]), &settings(host.root(), path.clone()));
    assert_eq!((summary.n_written, summary.size.n_bytes), (2_000, fs::metadata(&path).unwrap().len()));
    let trace = Trace::open(Input::open(&path).unwrap()).unwrap();
    let types: Vec<SegmentType> = trace.segments().iter().map(|segment| segment.ty).collect();
    assert_eq!(types, [SegmentType::State, SegmentType::Events]);
    assert_eq!(summary.size.n_state_bytes, trace.segments()[0].len);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "arguments are secret");
    assert!(!host.root().path("/out.trh.compact").exists());
    assert_eq!(Read::of(&path).opens(), 2_000);

    // A file of that name is somebody else's: the trace stays as it was written.
    let other = host.root().path("/other.trh");
    host.file("/other.trh.compact", "mine");
    let summary = run(Script::new(vec![10; 200]), &settings(host.root(), other.clone()));
    assert_eq!((summary.n_written, Read::of(&other).opens()), (2_000, 2_000));
    assert_eq!(fs::read(host.root().path("/other.trh.compact")).unwrap(), b"mine");
    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);

    // Nobody wants to wait: the same.
    let short = host.root().path("/short.trh");
    let settings = settings(host.root(), short.clone());
    settings.cut_short.store(true, Ordering::Relaxed);
    let summary = run(Script::new(vec![10; 200]), &settings);
    let read = Read::of(&short);
    assert_eq!((summary.n_written, read.opens(), read.notes.n_damage), (2_000, 2_000, 0));
    assert_eq!(summary.size.n_bytes, fs::metadata(&short).unwrap().len());
    assert!(Trace::open(Input::open(&short).unwrap()).unwrap().segments().len() > 2);
    assert!(summary.warnings.iter().any(|warning| warning.contains("cut short")), "{:?}", summary.warnings);
    assert!(!host.root().path("/short.trh.compact").exists());
}

#[test]
fn a_trace_of_the_size_that_was_asked_for_is_whole() {
    let host = host("recording-size");
    let path = host.root().path("/out.trh");
    let mut settings = settings(host.root(), path.clone());
    settings.output.max_size = Some(400_000);
    let summary = run(Script::new(vec![5_000; 20]), &settings);
    assert!(matches!(summary.end, End::Size), "{:?}", summary.end);
    assert!(summary.n_unwritten > 0);
    assert_eq!(summary.counters.as_ref().map(|c| c.delivered), Some(summary.n_written + summary.n_unwritten));
    let read = Read::of(&path);
    assert_eq!((read.notes.n_damage, read.opens() as u64), (0, summary.n_written));
    // What came after the end is not missing.
    assert!(read.events.iter().all(|event| event.1 != pseudo::LOST));
    assert!(fs::metadata(&path).unwrap().len() <= 400_000);
}

#[test]
fn traces_replace_each_other_and_stand_alone() {
    let host = host("recording-rotate");
    let path = host.root().path("/out.trh");
    let mut settings = settings(host.root(), path);
    settings.output.max_size = Some(400_000);
    settings.output.rotate = Some(2);
    let summary = run(Script::new([vec![0; 200], vec![5_000; 30]].concat()), &settings);
    assert!(matches!(summary.end, End::Asked), "{:?}", summary.end);
    assert_eq!((summary.n_written, summary.n_unwritten), (150_000, 0));
    assert_eq!(summary.files.len(), 2, "{:?}", summary.files);
    assert!(!host.root().path("/out.0001.trh").exists());
    let (mut last, mut n_opens) = (0, 0);
    for file in &summary.files {
        let read = Read::of(file);
        assert_eq!((read.notes.n_damage, read.sections.len(), read.sections[0].threads.len()), (0, 1, 1));
        n_opens += read.opens();
        let (first, end) = (read.events[0].0, read.events[read.events.len() - 1].0);
        assert!(last < first && first < end, "{file:?}: {last} {first} {end}");
        last = end;
        assert!(fs::metadata(file).unwrap().len() <= 400_000);
    }
    assert!(n_opens > 5_000, "{n_opens}");
}

/// Asks for a file once, when it has seen so many events.
struct Asks(u64);

impl Observer for Asks {
    fn section(&mut self, section: &Section) {
        assert_eq!(section.threads.len(), 1);
    }

    fn batch(&mut self, batch: &Batch) -> Option<String> {
        let before = self.0;
        self.0 = before.saturating_sub(batch.len() as u64);
        (before > 0 && self.0 == 0).then(|| "a rule".to_owned())
    }
}

#[test]
fn the_last_minutes_are_written_when_asked_for() {
    let host = host("recording-flight");
    let path = host.root().path("/out.trh");
    let mut settings = settings(host.root(), path.clone());
    settings.flight = Some(Flight { span: Duration::from_secs(600), max_bytes: 32 << 20 });
    let script = Script::new([10, 20, 30]);
    let mut asked = 0;
    let control = &mut |progress: Progress| {
        asked += u32::from(progress.is_started);
        match (asked, progress.n_dumps) {
            (20, _) => Flow::Dump,
            (_, 2..) | (5000.., _) => Flow::Stop,
            _ => Flow::Go,
        }
    };
    let summary = record(script, &settings, Some(&mut Asks(40)), control).expect("a recording");
    assert!(matches!(summary.end, End::Asked), "{:?}", summary);
    assert!(!path.exists());
    let [one, two] = ["/out.0001.trh", "/out.0002.trh"].map(|name| Read::of(&host.root().path(name)));
    for read in [&one, &two] {
        assert_eq!((read.notes.n_damage, read.sections.len()), (0, 1));
    }
    assert_eq!(one.opens() + two.opens(), 60, "nothing twice and nothing missing");
}
