//! `fdlist.*`: the descriptors that a poll waits for.

use std::net::IpAddr;

use tracehound_formats::event::{Arg, syscalls};
use tracehound_state::history::OpenFile;

use crate::Family;
use crate::examples;
use crate::field::{Depends, Field};
use crate::lookup::{Ends, ends};
use crate::render;
use crate::value::{FieldType, Value};
use crate::view::View;

/// The family.
pub static FAMILY: Family = Family { name: "fdlist", doc: "The descriptors that a poll waits for.", fields: FIELDS };

const ARGS: Depends = Depends::Args;
const POLL: &str = "argument `fds` of poll and ppoll";

static FIELDS: &[Field] = &[
    Field::new(
        "fdlist.nums",
        FieldType::Str,
        ARGS,
        POLL,
        |v, _| list(v, |fd, _| Some(fd.to_string().into_bytes())),
        "Numbers of the descriptors, with commas between. Like all of the family only for poll and ppoll.",
    )
    .example(examples::POLL, "", "3,4"),
    Field::new(
        "fdlist.names",
        FieldType::Str,
        ARGS,
        POLL,
        |v, _| {
            list(v, |_, file| {
                Some(
                    file.map(|f| v.text(f.name).to_vec())
                        .filter(|name| !name.is_empty())
                        .unwrap_or_else(|| b"<NA>".to_vec()),
                )
            })
        },
        "Names of the descriptors (see `fd.name`), with commas between; `<NA>` for one without.",
    )
    .example(examples::POLL, "", "0.0.0.0:80,10.0.0.5:40000->10.0.0.1:80"),
    Field::new(
        "fdlist.cips",
        FieldType::Str,
        ARGS,
        POLL,
        |v, _| list(v, |_, file| client(file).map(|(ip, _)| ip.to_string().into_bytes())),
        "Client addresses of the connections among the descriptors, with commas between.",
    )
    .example(examples::POLL, "", "10.0.0.5"),
    Field::new(
        "fdlist.sips",
        FieldType::Str,
        ARGS,
        POLL,
        |v, _| list(v, |_, file| server(file).map(|(ip, _)| ip.to_string().into_bytes())),
        "Server addresses of the connections and listening sockets among the descriptors, with commas between.",
    )
    .example(examples::POLL, "", "0.0.0.0,10.0.0.1"),
    Field::new(
        "fdlist.cports",
        FieldType::Str,
        ARGS,
        POLL,
        |v, _| list(v, |_, file| client(file).map(|(_, port)| port.to_string().into_bytes())),
        "Client ports of the connections among the descriptors, with commas between.",
    )
    .example(examples::POLL, "", "40000"),
    Field::new(
        "fdlist.sports",
        FieldType::Str,
        ARGS,
        POLL,
        |v, _| list(v, |_, file| connection(file).map(|(_, dst)| dst.1.to_string().into_bytes())),
        "Server ports of the connections among the descriptors, with commas between.",
    )
    .example(examples::POLL, "", "80"),
];

type End = (IpAddr, u16);

fn connection(file: Option<&OpenFile>) -> Option<(End, End)> {
    match ends(file?)? {
        Ends::Pair { src, dst } => Some((src, dst)),
        Ends::One(_) => None,
    }
}

fn client(file: Option<&OpenFile>) -> Option<End> {
    connection(file).map(|(src, _)| src)
}

fn server(file: Option<&OpenFile>) -> Option<End> {
    match ends(file?)? {
        Ends::Pair { dst, .. } => Some(dst),
        Ends::One(end) => Some(end),
    }
}

/// Texts of the descriptors that have one, with commas between; absent if none has.
fn list<'a>(view: &View<'a>, text: impl Fn(i64, Option<&OpenFile>) -> Option<Vec<u8>>) -> Value<'a> {
    if ![syscalls::POLL, syscalls::PPOLL].contains(&view.event.head.kind) || view.fact.thread.is_none() {
        return Value::Null;
    }
    let Arg::Bytes(bytes) = view.event.arg(1) else { return Value::Null };
    let texts: Vec<Vec<u8>> =
        render::poll_entries(bytes).filter_map(|(fd, _)| text(fd, view.file_of(fd).as_ref())).collect();
    let all = texts.join(&b","[..]);
    if all.is_empty() { Value::Null } else { Value::owned(all) }
}
