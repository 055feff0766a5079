//! Signals and values as JSON.

use std::ops::Bound;

use bstr::ByteSlice;
use serde_json::Value as Json;
use tracehound_fields::{NumberFormat, Value};

use crate::key::ProcessKeys;
use crate::signal::Signal;
use crate::time::Rfc3339;

/// Key under which Falco repeats the time of the event, in nanoseconds.
pub const TIME_FIELD: &str = "evt.time.iso8601";

/// The value of a field as Falco's JSON has it: numbers as numbers unless their field prints them in another
/// base (then text), lists as arrays, absent as null, bytes that are no UTF-8 as U+FFFD.
pub fn value(value: &Value<'_>, format: NumberFormat) -> Json {
    let based = |v: u64| match format {
        NumberFormat::Dec => Json::from(v),
        NumberFormat::Hex => Json::from(format!("{v:x}")),
        NumberFormat::Oct => Json::from(format!("{v:o}")),
        NumberFormat::Padded => Json::from(format!("{v:09}")),
    };
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::from(*b),
        Value::Int(v) if format == NumberFormat::Dec => Json::from(*v),
        Value::Int(v) => based(*v as u64),
        Value::Uint(v) => based(*v),
        Value::Double(v) => Json::from(*v),
        Value::Str(s) => Json::from(s.to_str_lossy().into_owned()),
        Value::Bytes(b) => Json::from(b.to_str_lossy().into_owned()),
        Value::Ip(ip) => Json::from(ip.to_string()),
        Value::List(values) => values.iter().map(|v| self::value(v, format)).collect(),
    }
}

/// Appends a signal as one JSON object, without a newline.
///
/// First Falco's keys in Falco's order (alphabetical) with Falco's values, so that a line of Falco's own JSON
/// output is a prefix of it up to the closing brace; then `seq`, `id`, `process` (null for an event without a
/// process), `verdict`, `suppressed_by`, `evidence` and `evidence_why`.
pub fn write_signal(out: &mut Vec<u8>, signal: &Signal, keys: &ProcessKeys<'_>) {
    let rule = &*signal.rule;
    out.extend_from_slice(b"{\"hostname\":");
    string(out, &signal.hostname);
    member(out, "output");
    string(out, &signal.output());
    member(out, "output_fields");
    write_fields(out, signal);
    member(out, "priority");
    string(out, rule.priority.name());
    member(out, "rule");
    string(out, &rule.name);
    member(out, "source");
    string(out, &rule.source);
    member(out, "tags");
    strings(out, &rule.tags);
    member(out, "time");
    string(out, &Rfc3339(signal.ts).to_string());
    member(out, "seq");
    out.extend_from_slice(signal.seq.0.to_string().as_bytes());
    member(out, "id");
    string(out, &signal.id.to_string());
    member(out, "process");
    match signal.process {
        Some(process) => string(out, &keys.get(process)),
        None => out.extend_from_slice(b"null"),
    }
    member(out, "verdict");
    string(out, signal.verdict.name());
    member(out, "suppressed_by");
    strings(out, signal.verdict.suppressed_by());
    member(out, "evidence");
    string(out, signal.evidence.name());
    member(out, "evidence_why");
    let why: Vec<String> = signal.evidence.reasons().iter().map(|reason| reason.to_string()).collect();
    strings(out, &why);
    out.push(b'}');
}

/// `output_fields`: what the output names, and the time from the prefix.
fn write_fields(out: &mut Vec<u8>, signal: &Signal) {
    let time = Json::from(signal.ts.0);
    let fields = &signal.output_fields;
    let before = fields.range::<str, _>((Bound::Unbounded, Bound::Excluded(TIME_FIELD)));
    let after = fields.range::<str, _>((Bound::Excluded(TIME_FIELD), Bound::Unbounded));
    let time = std::iter::once((TIME_FIELD, &time));
    let all = before.map(|(k, v)| (k.as_str(), v)).chain(time).chain(after.map(|(k, v)| (k.as_str(), v)));
    for (i, (key, value)) in all.enumerate() {
        out.push(if i == 0 { b'{' } else { b',' });
        string(out, key);
        out.push(b':');
        json(out, value);
    }
    out.push(b'}');
}

fn member(out: &mut Vec<u8>, key: &str) {
    out.push(b',');
    string(out, key);
    out.push(b':');
}

fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("text to memory cannot fail");
}

fn strings(out: &mut Vec<u8>, list: &[String]) {
    serde_json::to_writer(out, list).expect("texts to memory cannot fail");
}

fn json(out: &mut Vec<u8>, value: &Json) {
    serde_json::to_writer(out, value).expect("a JSON value to memory cannot fail");
}
