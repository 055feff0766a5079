//! Compares the history with what Falco shows in its alerts on the reference captures.

mod common;

use std::collections::BTreeMap;

use common::Replayed;
use serde_json::Value;
use tracehound_formats::{Input, Seq};
use tracehound_state::history::{History, Image};
use tracehound_state::{Fact, ProcessId};

fn text(history: &History, sym: Option<tracehound_state::Sym>) -> String {
    sym.map_or("<NA>".into(), |sym| history.text(sym).to_string())
}

fn image_of(history: &History, process: ProcessId, seq: Seq) -> Image {
    history.image(history.leader_attrs(process, seq).image)
}

fn cmdline(history: &History, image: &Image) -> String {
    let mut line = text(history, image.comm);
    let args = history.text(image.args).to_string();
    for arg in args.strip_suffix('\0').unwrap_or(&args).split('\0').filter(|_| !args.is_empty()) {
        line.push(' ');
        line.push_str(arg);
    }
    line
}

/// Our answer for a field; `None` if this test does not know the field.
fn answer(history: &History, fact: &Fact, seq: Seq, field: &str) -> Option<Value> {
    let attrs = history.attrs(fact.attrs?);
    let process = fact.process?;
    let image = history.image(attrs.image);
    let creds = history.creds(attrs.creds);
    let ancestor = |n: usize| {
        if n == 0 { Some(process) } else { history.ancestors(process, seq).nth(n - 1) }
    };
    Some(match field {
        "proc.name" => text(history, image.comm).into(),
        "proc.exepath" => text(history, Some(image.exepath)).into(),
        "proc.exe" => text(history, image.exe).into(),
        "proc.cmdline" => cmdline(history, &image).into(),
        "proc.tty" => attrs.tty.unwrap_or(0).into(),
        "user.uid" => creds.falco_uid.unwrap_or(u32::MAX).into(),
        "user.loginuid" => creds.loginuid.map_or(-1, i64::from).into(),
        "user.name" => {
            let uid = creds.falco_uid.unwrap_or(u32::MAX);
            match history.user(None, uid, seq) {
                Some(user) => text(history, Some(user.name)).into(),
                None if uid == 0 => "root".into(),
                None => "<NA>".into(),
            }
        }
        "proc.cwd" => history.cwd(process, seq).map_or(Value::Null, |cwd| cwd.to_string().into()),
        "proc.pname" => {
            ancestor(1).map_or(Value::Null, |parent| text(history, image_of(history, parent, seq).comm).into())
        }
        "proc.pcmdline" => {
            ancestor(1).map_or(Value::Null, |parent| cmdline(history, &image_of(history, parent, seq)).into())
        }
        "proc.pexepath" => {
            ancestor(1).map_or(Value::Null, |parent| text(history, Some(image_of(history, parent, seq).exepath)).into())
        }
        "fd.num" => fact.fd.map_or(Value::Null, Value::from),
        "fd.name" => text(history, Some(history.file(fact.file?).name)).into(),
        _ => {
            let n = field.strip_prefix("proc.aname[")?.strip_suffix(']')?.parse().ok()?;
            ancestor(n).map_or(Value::Null, |process| text(history, image_of(history, process, seq).comm).into())
        }
    })
}

/// Compares every alert of a file; returns how many values were compared.
fn compare(name: &str, replayed: &Replayed, alerts: &str, differences: &mut BTreeMap<String, Vec<String>>) -> usize {
    let mut n_compared = 0;
    for line in alerts.lines() {
        let alert: Value = serde_json::from_str(line).unwrap();
        let fields = alert["output_fields"].as_object().unwrap();
        let seq = fields["evt.num"].as_u64().unwrap();
        let Some(&i) = replayed.by_seq.get(&seq) else {
            differences.entry("evt.num".into()).or_default().push(format!("{name} {seq}: no such event"));
            continue;
        };
        for (field, want) in fields {
            let Some(got) = answer(&replayed.history, &replayed.facts[i], Seq(seq), field) else { continue };
            n_compared += 1;
            if got != *want {
                let kind = replayed.heads[i].kind.name();
                differences.entry(field.clone()).or_default().push(format!("{name} {seq} {kind}: {got} != {want}"));
            }
        }
    }
    n_compared
}

#[test]
fn fields_in_falcos_alerts() {
    let Some(shared) = common::shared() else { return };
    let mut differences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut n_compared = 0;
    for (name, path) in common::captures(&shared) {
        let replayed = common::replay(Input::open(&path).unwrap());
        eprintln!("{name}: {} events, {:?}", replayed.heads.len(), replayed.notes);
        for set in ["stable", "all3", "all3.first", "all3.container"] {
            let answers = shared.join(format!("captures/{name}.{set}.jsonl"));
            let Ok(alerts) = std::fs::read_to_string(answers) else { continue };
            n_compared += compare(&name, &replayed, &alerts, &mut differences);
        }
    }
    for (field, rows) in &differences {
        eprintln!("{field}: {} differ", rows.len());
        for row in rows.iter().take(12) {
            eprintln!("    {row}");
        }
    }
    eprintln!("{n_compared} values compared");
    assert!(differences.is_empty());
}
