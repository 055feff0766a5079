//! An explanation as one JSON object.
//!
//! The condition is a flat list, each part before what it is made of, with its depth: a reader needs no recursion
//! for it, and a condition can be as deep as it likes.

use std::io::{self, Write};

use serde_json::{Value as Json, json};
use tracehound_rules::{Explained, ExplainedPart};
use tracehound_signals::time::Rfc3339;
use tracehound_signals::visible::utf8;

use super::Report;
use crate::explain::{Ancestor, Moment};

pub(super) fn write(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    let rule = report.rule.rule();
    let found = report.found;
    let nearest = found.nearest.as_ref();
    let reasons: Vec<String> = report.evidence.reasons().iter().map(ToString::to_string).collect();
    let object = json!({
        "signal": report.signal.map(|signal| json!({
            "id": signal.id.to_string(),
            "output": utf8(&signal.message),
            "verdict": signal.verdict.name(),
            "suppressed_by": signal.verdict.suppressed_by(),
        })),
        "rule": {
            "name": rule.name,
            "priority": rule.priority.name(),
            "file": rule.origin.path,
            "line": rule.origin.line,
            "enabled": report.rule.is_active(),
            "kinds": report.kinds(),
            "condition": rule.condition_text,
        },
        "asked": {
            "seq": report.target.seq.map(|seq| seq.0),
            "pid": report.target.pid,
            "events": found.n_asked,
            "matches": found.n_matches,
        },
        "event": nearest.map(event),
        "processes": report.processes.0.iter().map(|process| ancestor(report, process)).collect::<Vec<_>>(),
        "processes_left_out": report.processes.1,
        "evidence": nearest.map(|_| report.evidence.name()),
        "evidence_why": reasons,
        "matches": nearest.map(|moment| moment.distance == Some(0)),
        "distance": nearest.and_then(|moment| moment.distance),
        "condition": nearest.map(|m| m.parts.iter().map(|part| explained(report, part)).collect::<Vec<_>>()),
    });
    writeln!(out, "{object:#}")
}

fn event(moment: &Moment) -> Json {
    json!({
        "seq": moment.seq.0,
        "time": Rfc3339(moment.ts).to_string(),
        "kind": moment.kind.name(),
        "tid": (moment.tid.0 >= 0).then_some(moment.tid.0),
        "args": utf8(&moment.args),
    })
}

fn ancestor(report: &Report<'_>, process: &Ancestor) -> Json {
    json!({
        "pid": process.pid.0,
        "process": report.keys.get(process.process),
        "name": process.name.as_ref().map(|name| utf8(name)),
        "exe_path": utf8(&process.exe_path),
        "command": utf8(&process.command),
        "user": process.user.as_ref().map(|user| utf8(user)),
        "container": process.container.as_ref().map(|container| utf8(container)),
        "birth_parent": process.birth_parent.map(|parent| report.keys.get(parent)),
    })
}

fn explained(report: &Report<'_>, row: &Explained) -> Json {
    let mut object = json!({ "depth": row.depth, "result": row.result, "must_change": row.must_change });
    let part = match &row.part {
        ExplainedPart::Not => "not",
        ExplainedPart::And => "and",
        ExplainedPart::Or => "or",
        ExplainedPart::Const => "constant",
        ExplainedPart::Leaf { id, text, values } => {
            let values = values.iter().map(
                |(operand, value)| json!({ "operand": operand, "value": value.as_ref().map(|value| utf8(value)) }),
            );
            object["text"] = json!(text);
            object["values"] = values.collect();
            if let Some(origin) = report.loaded.leaf_origin(*id) {
                object["file"] = json!(origin.path);
                object["line"] = json!(origin.line);
                object["column"] = json!(origin.column);
                object["macros"] = json!(origin.macros);
                object["lists"] = json!(origin.lists);
            }
            "comparison"
        }
    };
    object["part"] = json!(part);
    object
}
