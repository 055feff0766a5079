//! The timeline for machines: one object an entry.

use bstr::ByteSlice;
use serde_json::{Value as Json, json};
use tracehound_signals::time::Rfc3339;
use tracehound_signals::visible::utf8;
use tracehound_state::{FileId, Sym};

use super::{Entry, What};
use crate::case::Case;
use crate::lineage;
use crate::table::split_nul;
use crate::tree::node;

/// An entry: `ts` and `last_ts` (RFC 3339), `seq`, `n`, `what`, `process` (key as in the tables), `pid`, `name`, and
/// what that kind of entry has.
pub fn entry(case: &Case<'_>, entry: &Entry) -> Json {
    let history = case.history;
    let text = |sym: Sym| utf8(history.text(sym)).into_owned();
    let name = entry.process.and_then(|id| node::image(case, id, entry.seq).comm).map(text);
    let mut json = json!({
        "ts": Rfc3339(entry.ts).to_string(),
        "last_ts": Rfc3339(entry.last_ts).to_string(),
        "seq": entry.seq.0,
        "n": entry.n,
        "what": entry.what.name(),
        "process": entry.process.map(|id| case.key(id)),
        "pid": entry.process.map(|id| history.process(id).pid.0),
        "name": name,
    });
    let file = |id: FileId| text(history.file(id).name);
    let more = match &entry.what {
        What::Fork => json!({ "parent": parent(case, entry) }),
        What::Exec(image) => {
            let image = history.image(*image);
            let args: Vec<String> = split_nul(history.text(image.args)).map(|arg| utf8(arg).into_owned()).collect();
            json!({
                "parent": parent(case, entry),
                "exe_path": text(image.exepath),
                "exe": image.exe.map(text),
                "args": args,
            })
        }
        What::Exit => {
            let exit = entry.process.and_then(|id| history.process(id).exit());
            json!({
                "exit_code": exit.and_then(|exit| exit.code),
                "exit_signal": exit.and_then(|exit| exit.signal).filter(|&signal| signal != 0),
            })
        }
        What::Connect(id) | What::Accept(id) | What::Bind(id) => json!({ "connection": file(*id) }),
        What::Write(id) => json!({ "path": file(*id) }),
        What::Redirect { fd, file: id } => json!({ "fd": fd, "connection": file(*id) }),
        What::User { from, to } => {
            let (from, to) = (history.creds(*from), history.creds(*to));
            json!({ "from_uid": from.uid, "uid": to.uid, "from_gid": from.gid, "gid": to.gid })
        }
        What::Call { detail, .. } => json!({ "args": utf8(detail.as_bytes()) }),
        What::Signal(i) => {
            let signal = &case.signals[*i as usize];
            json!({
                "id": signal.id.to_string(),
                "rule": signal.rule.name,
                "priority": signal.rule.priority.name(),
                "verdict": signal.verdict.name(),
                "suppressed_by": signal.verdict.suppressed_by(),
            })
        }
        What::Lost(i) => {
            let loss = &case.losses[*i as usize];
            json!({ "events": loss.n_events, "cause": loss.cause })
        }
    };
    if let (Json::Object(all), Json::Object(more)) = (&mut json, more) {
        all.extend(more);
    }
    json
}

fn parent<'a>(case: &'a Case<'_>, entry: &Entry) -> Option<&'a str> {
    let parent = lineage::birth_parent(case.history, entry.process?)?;
    Some(case.key(parent))
}
