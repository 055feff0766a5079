//! Lines of Falco's own JSON output are the prefix of ours for the same signal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use tracehound_formats::{Nanos, Seq, Tid};
use tracehound_rules::Priority;
use tracehound_signals::{
    Evidence, JsonArray, JsonLines, ProcessKeys, RuleRef, Signal, SignalId, SignalSink, TextLines, TraceId, Verdict,
    json,
};
use tracehound_state::History;

/// A line that Falco printed for a capture of a shell that reads the password file.
const LINE: &str = r#"{"hostname":"vm","output":"2026-11-22T03:10:24.305224654+0000: Warning Sensitive file opened for reading by non-trusted program | file=/etc/shadow gparent=bash ggparent=bash gggparent=<NA> evt_type=openat user=root user_uid=0 user_loginuid=-1 process=cat proc_exepath=/usr/bin/cat parent=bash command=cat /etc/shadow terminal=0","output_fields":{"evt.num":2599,"evt.time.iso8601":1795317024305224654,"evt.type":"openat","fd.name":"/etc/shadow","proc.aname[2]":"bash","proc.aname[3]":"bash","proc.aname[4]":null,"proc.cmdline":"cat /etc/shadow","proc.exepath":"/usr/bin/cat","proc.name":"cat","proc.pname":"bash","proc.tty":0,"thread.tid":20532,"user.loginuid":-1,"user.name":"root","user.uid":0},"priority":"Warning","rule":"Read sensitive file untrusted","source":"syscall","tags":["T1555","container","filesystem","host","maturity_stable","mitre_credential_access"],"time":"2026-11-22T03:10:24.305224654Z"}"#;

/// The signal that a line of Falco's describes; `None` if it is no such line.
fn signal(line: &str) -> Option<Signal> {
    let object: Json = serde_json::from_str(line).ok()?;
    let text = |key: &str| Some(object.get(key)?.as_str()?.to_owned());
    let mut fields = object.get("output_fields")?.as_object()?.clone();
    let ts = fields.remove(json::TIME_FIELD)?.as_u64()?;
    let priority = Priority::parse(&text("priority")?)?;
    let output = text("output")?;
    let (_, message) = output.split_once(&format!(": {} ", priority.name()))?;
    let tags = object.get("tags")?.as_array()?.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
    let name = text("rule")?;
    let seq = Seq(fields.get("evt.num")?.as_u64()?);
    Some(Signal {
        seq,
        ts: Nanos(ts),
        id: SignalId::of(TraceId(0), &name, seq),
        rule: Arc::new(RuleRef { index: 0, name, priority, source: text("source")?, tags }),
        hostname: text("hostname")?.into(),
        message: message.into(),
        output_fields: fields.into_iter().collect(),
        process: None,
        pid: None,
        tid: Tid(-1),
        evidence: Evidence::Complete,
        verdict: Verdict::Fired,
    })
}

fn print(signal: &Signal) -> String {
    let history = History::default();
    let keys = ProcessKeys::new(&history);
    let mut out = Vec::new();
    let mut sink = JsonLines::new(&mut out, &keys, true);
    sink.signal(signal).and_then(|()| sink.finish()).expect("memory takes everything");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn is_prefix(line: &str) -> bool {
    let signal = signal(line).expect("a line of Falco's");
    print(&signal)
        .strip_prefix(line.strip_suffix('}').expect("an object"))
        .is_some_and(|ours| ours.starts_with(",\"seq\":"))
}

#[test]
fn a_line_and_what_is_added_to_it() {
    assert!(is_prefix(LINE));
    let mut signal = signal(LINE).expect("a signal");
    let ours =
        |signal: &Signal| print(signal).split_once("\"seq\":").map(|(_, ours)| ours.to_owned()).unwrap_or_default();
    assert_eq!(
        ours(&signal),
        "2599,\"id\":\"6b59ceed96db7539\",\"process\":null,\"verdict\":\"fired\",\"suppressed_by\":[],\
         \"evidence\":\"complete\",\"evidence_why\":[]}\n"
    );
    signal.verdict = Verdict::Suppressed { by: vec!["backup job".to_owned()] };
    signal.evidence = Evidence::Degraded(vec![tracehound_signals::Reason::LostEvents(3)]);
    assert_eq!(
        ours(&signal),
        "2599,\"id\":\"6b59ceed96db7539\",\"process\":null,\"verdict\":\"suppressed\",\
         \"suppressed_by\":[\"backup job\"],\"evidence\":\"degraded\",\
         \"evidence_why\":[\"lost_events: 3 events were lost before this one\"]}\n"
    );
}

#[test]
fn bytes_that_are_no_utf8() {
    let mut signal = signal(LINE).expect("a signal");
    signal.message = b"name=a\xffb\x1b[2J\n".into();
    let line = print(&signal);
    assert!(line.contains(r"+0000: Warning name=a�b\u001b[2J\n"), "{line}");
    assert_eq!(line.matches('\n').count(), 1);
    for (has_color, expected) in [
        (false, "2026-11-22T03:10:24.305224654+0000: Warning name=a\\xffb\\x1b[2J\\n\n"),
        (true, "\x1b[2m2026-11-22T03:10:24.305224654+0000\x1b[0m: \x1b[33mWarning\x1b[0m name=a\\xffb\\x1b[2J\\n\n"),
    ] {
        let mut out = Vec::new();
        TextLines::new(&mut out, has_color, false).signal(&signal).expect("memory takes everything");
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}

#[test]
fn suppressed_signals_are_printed_on_request_only() {
    let mut signal = signal(LINE).expect("a signal");
    signal.verdict = Verdict::Suppressed { by: vec!["x".to_owned()] };
    for (shows, n_lines) in [(false, 0), (true, 1)] {
        let history = History::default();
        let keys = ProcessKeys::new(&history);
        let mut out = Vec::new();
        JsonLines::new(&mut out, &keys, shows).signal(&signal).expect("memory takes everything");
        assert_eq!(out.iter().filter(|&&b| b == b'\n').count(), n_lines);
        let mut out = Vec::new();
        TextLines::new(&mut out, false, shows).signal(&signal).expect("memory takes everything");
        assert_eq!(out.iter().filter(|&&b| b == b'\n').count(), n_lines);
    }
}

#[test]
fn an_array_of_the_same_objects() {
    let signal = signal(LINE).expect("a signal");
    let history = History::default();
    let keys = ProcessKeys::new(&history);
    for n in 0..3 {
        let mut out = Vec::new();
        let mut sink = JsonArray::new(&mut out, &keys, false);
        (0..n).try_for_each(|_| sink.signal(&signal)).and_then(|()| sink.finish()).expect("memory takes everything");
        let array: Vec<Json> = serde_json::from_slice(&out).expect("an array");
        let line: Json = serde_json::from_str(&print(&signal)).expect("an object");
        assert_eq!(array, vec![line; n]);
    }
}

/// Every line of the reference answers, where they are present.
#[test]
fn reference_lines() {
    let shared = std::env::var_os("TRACEHOUND_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let mut n_lines = 0;
    for folder in ["host", "vm", "large"] {
        let Ok(entries) = std::fs::read_dir(shared.join("captures").join(folder)) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.to_string_lossy().into_owned();
            if !name.ends_with(".jsonl") || name.ends_with(".gt.jsonl") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a readable file");
            for line in text.lines() {
                assert!(is_prefix(line), "{name}: {line}");
                n_lines += 1;
            }
        }
    }
    if n_lines == 0 {
        tracehound_skipped::skipped!("no reference answers below {}", shared.display());
    } else {
        eprintln!("{n_lines} lines");
    }
}
