//! `@network.*`, `@connect.*`, `@accept.*`, `@bind.*`: the ends of a connection; and `@dns.*`.

use std::net::{IpAddr, SocketAddr};

use tracehound_fields::{FieldType, Needs, Value, View, examples};
use tracehound_formats::event::addr::{SockAddr, SockTuple};
use tracehound_formats::event::syscalls::*;
use tracehound_formats::section::{FdKind, L4};
use tracehound_state::history::{Net, OpenFile, Role};

use super::activity::Activity;
use super::catalogue::{Getter, Row};
use super::dns::{self, Message};
use super::{ActivitySet, Lasts};

const NETWORK: ActivitySet = Activity::Network.only();
const SOCKET: &str = "addresses in the arguments of the event; descriptor table";
const PAYLOAD: &str = "data of the event, if it is a message of DNS to or from port 53, as far as the recorder kept it";
const PORT: &str = "the client's port is given anew for each connection";
const NAMES: &str = "names of addresses exist only in the resolver of the process";

/// What a question in a trace looks like: a look-up of `example.com` sent to a name server.
const QUESTION: &str = r#"thread 7 pid=7 comm=curl
fd 7 3 inet 10.0.0.5:40000->10.0.0.1:53 udp
7 sendto res=29 data="\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x1c\x00\x01" fd=3 size=29"#;

const fn dns(name: &'static str, ty: FieldType, get: for<'a> fn(&View<'a>) -> Value<'a>, doc: &'static str) -> Row {
    Row::new(name, ty, NETWORK, PAYLOAD, Getter::Event(get), doc).needs(Needs::IoData)
}

pub(super) static ROWS: &[Row] = &[
    Row::new(
        "@network.source.ip",
        FieldType::Ip,
        NETWORK,
        SOCKET,
        Getter::Event(|view| ip(ends(view).0)),
        "Address of the client: of this machine if it connects, of the peer if it accepts.",
    )
    .aliases(&["@network.ip", "@network.client.ip"])
    .lasts(Lasts::Partly)
    .example(examples::CONNECT, "10.0.0.5"),
    Row::new(
        "@network.source.port",
        FieldType::Port,
        NETWORK,
        SOCKET,
        Getter::Event(|view| port(ends(view).0)),
        "Port of the client.",
    )
    .aliases(&["@network.port", "@network.client.port"])
    .lasts(Lasts::No(PORT))
    .example(examples::CONNECT, "40000"),
    Row::new(
        "@network.destination.ip",
        FieldType::Ip,
        NETWORK,
        SOCKET,
        Getter::Event(|view| ip(ends(view).1)),
        "Address of the server; of a socket that is bound or listens, its own.",
    )
    .lasts(Lasts::Partly)
    .example(examples::CONNECT, "93.184.216.34"),
    Row::new(
        "@network.destination.port",
        FieldType::Port,
        NETWORK,
        SOCKET,
        Getter::Event(|view| port(ends(view).1)),
        "Port of the server; of a socket that is bound or listens, its own.",
    )
    .example(examples::CONNECT, "443"),
    Row::new(
        "@network.l3_protocol",
        FieldType::Str,
        NETWORK,
        SOCKET,
        Getter::Event(|view| match ends(view) {
            (_, Some(end)) | (Some(end), _) => Value::str(if end.is_ipv4() { "IPv4" } else { "IPv6" }),
            _ => Value::Null,
        }),
        "`IPv4` or `IPv6`.",
    )
    .example(examples::CONNECT, "IPv4"),
    Row::new(
        "@network.l4_protocol",
        FieldType::Str,
        NETWORK,
        SOCKET,
        Getter::Event(|view| match socket(view).map(|file| file.l4) {
            Some(L4::Tcp) => Value::str("TCP"),
            Some(L4::Udp) => Value::str("UDP"),
            Some(L4::Icmp) => Value::str("ICMP"),
            _ => Value::Null,
        }),
        "Transport: `TCP`, `UDP`, `ICMP`.",
    )
    .aliases(&["@connect.protocol", "@bind.protocol"])
    .example(examples::CONNECT, "TCP"),
    Row::new(
        "@network.network_direction",
        FieldType::Str,
        NETWORK,
        SOCKET,
        Getter::Event(|view| match socket(view).and_then(|file| file.role) {
            Some(Role::Client) => Value::str("egress"),
            Some(Role::Server) => Value::str("ingress"),
            None => Value::Null,
        }),
        "`egress` for a connection this machine opened, `ingress` for one it accepted.",
    )
    .example(examples::CONNECT, "egress"),
    Row::new(
        "@connect.addr.ip",
        FieldType::Ip,
        NETWORK,
        SOCKET,
        Getter::Event(|view| ip(of_call(view, &[CONNECT], ends(view).1))),
        "Address that a connect asks for.",
    )
    .lasts(Lasts::Partly)
    .example(examples::CONNECT, "93.184.216.34"),
    Row::new(
        "@connect.addr.port",
        FieldType::Port,
        NETWORK,
        SOCKET,
        Getter::Event(|view| port(of_call(view, &[CONNECT], ends(view).1))),
        "Port that a connect asks for.",
    )
    .example(examples::CONNECT, "443"),
    Row::new(
        "@connect.addr.family",
        FieldType::Str,
        NETWORK,
        SOCKET,
        Getter::Event(|view| family(of_call(view, &[CONNECT], ends(view).1))),
        "`AF_INET` or `AF_INET6`.",
    )
    .example(examples::CONNECT, "AF_INET"),
    Row::new(
        "@accept.addr.ip",
        FieldType::Ip,
        NETWORK,
        SOCKET,
        Getter::Event(|view| ip(of_call(view, &[ACCEPT, ACCEPT4], ends(view).0))),
        "Address of the peer that an accept got.",
    )
    .lasts(Lasts::Partly)
    .example(ACCEPTED, "10.0.0.5"),
    Row::new(
        "@accept.addr.port",
        FieldType::Port,
        NETWORK,
        SOCKET,
        Getter::Event(|view| port(of_call(view, &[ACCEPT, ACCEPT4], ends(view).0))),
        "Port of the peer that an accept got.",
    )
    .lasts(Lasts::No(PORT))
    .example(ACCEPTED, "40000"),
    Row::new(
        "@accept.addr.family",
        FieldType::Str,
        NETWORK,
        SOCKET,
        Getter::Event(|view| family(of_call(view, &[ACCEPT, ACCEPT4], ends(view).0))),
        "`AF_INET` or `AF_INET6`.",
    )
    .example(ACCEPTED, "AF_INET"),
    Row::new(
        "@bind.addr.ip",
        FieldType::Ip,
        NETWORK,
        SOCKET,
        Getter::Event(|view| ip(of_call(view, &[BIND], ends(view).1))),
        "Address that a bind asks for.",
    )
    .lasts(Lasts::Partly)
    .example(BOUND, "0.0.0.0"),
    Row::new(
        "@bind.addr.port",
        FieldType::Port,
        NETWORK,
        SOCKET,
        Getter::Event(|view| port(of_call(view, &[BIND], ends(view).1))),
        "Port that a bind asks for.",
    )
    .example(BOUND, "4444"),
    Row::new(
        "@bind.addr.family",
        FieldType::Str,
        NETWORK,
        SOCKET,
        Getter::Event(|view| family(of_call(view, &[BIND], ends(view).1))),
        "`AF_INET` or `AF_INET6`.",
    )
    .example(BOUND, "AF_INET"),
    Row::new("@connect.hostnames", FieldType::Str, NETWORK, "none", Getter::Never, "Names of the address.")
        .needs(Needs::NotInTrace(NAMES)),
    Row::new("@accept.hostnames", FieldType::Str, NETWORK, "none", Getter::Never, "Names of the address.")
        .needs(Needs::NotInTrace(NAMES)),
    dns(
        "@dns.question.name",
        FieldType::Str,
        |view| Value::from_option(message(view), |message| Value::owned(message.name)),
        "Name that is looked up, without the dot at its end.",
    )
    .lasts(Lasts::Partly)
    .example(QUESTION, "example.com"),
    dns(
        "@dns.question.type",
        FieldType::Str,
        |view| Value::from_option(message(view), |message| Value::owned(dns::type_name(message.ty))),
        "What is looked up: `A`, `AAAA`, `TXT`, `MX`; a number for other types.",
    )
    .example(QUESTION, "AAAA"),
    dns(
        "@dns.question.class",
        FieldType::Str,
        |view| Value::from_option(message(view), |message| Value::owned(dns::class_name(message.class))),
        "Class of the question: `IN`.",
    )
    .example(QUESTION, "IN"),
    dns(
        "@dns.question.count",
        FieldType::Uint(16),
        |view| Value::from_option(message(view), |message| Value::Uint(u64::from(message.n_questions))),
        "Number of questions in the message.",
    )
    .example(QUESTION, "1"),
    dns(
        "@dns.question.size",
        FieldType::Uint(32),
        |view| Value::from_option(message(view).and_then(|_| view.event.ret()), Value::Int),
        "Size of the message in bytes.",
    )
    .example(QUESTION, "29"),
    dns(
        "@dns.id",
        FieldType::Uint(16),
        |view| Value::from_option(message(view), |message| Value::Uint(u64::from(message.id))),
        "Number that pairs question and answer.",
    )
    .lasts(Lasts::No("each question has a number of its own"))
    .example(QUESTION, "4660"),
    dns(
        "@dns.is_query",
        FieldType::Bool,
        |view| Value::from_option(message(view), |message| Value::Bool(message.code.is_none())),
        "True for a question, false for an answer.",
    )
    .example(QUESTION, "true"),
    dns(
        "@dns.response.code",
        FieldType::Str,
        |view| Value::from_option(message(view).and_then(|m| m.code), |code| Value::owned(dns::code_name(code))),
        "Outcome of an answer: `NOERROR`, `NXDOMAIN`, `SERVFAIL`; a number for other codes. Absent for a question.",
    )
    .example(
        r#"thread 7 pid=7 comm=curl
fd 7 3 inet 10.0.0.5:40000->10.0.0.1:53 udp
7 recvfrom res=29 data="\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x1c\x00\x01" fd=3 size=512"#,
        "NXDOMAIN",
    ),
];

const ACCEPTED: &str = "thread 7 pid=7 comm=nginx
fd 7 3 listen 0.0.0.0:80 tcp
7 accept fd=4 tuple=10.0.0.5:40000->10.0.0.1:80 queuepct=0 queuelen=0 queuemax=128";

const BOUND: &str = "thread 7 pid=7 comm=nc
7 socket fd=3 domain=AF_INET type=1 proto=6
7 bind res=0 addr=0.0.0.0:4444 fd=3";

fn message(view: &View<'_>) -> Option<Message> {
    dns::message(view)
}

/// The inet socket behind the descriptor of the event.
pub(super) fn socket<'a>(view: &View<'a>) -> Option<OpenFile> {
    use FdKind::*;
    view.file().filter(|file| matches!(file.kind, Ipv4Socket | Ipv4Listen | Ipv6Socket | Ipv6Listen))
}

/// True if the event works on an inet socket.
pub(super) fn is_inet(view: &View<'_>) -> bool {
    socket(view).is_some()
}

/// Client and server. Of a socket with one address only the second.
pub(super) fn ends(view: &View<'_>) -> (Option<SocketAddr>, Option<SocketAddr>) {
    // An end that is all zero is not known yet.
    let known = |addr: SocketAddr| Some(addr).filter(|addr| !addr.ip().is_unspecified() || addr.port() != 0);
    match socket(view).and_then(|file| file.net) {
        Some(Net::Pair { src, dst }) => return (known(src), known(dst)),
        Some(Net::Bound(addr)) => return (None, Some(addr)),
        None => {}
    }
    // A call that failed leaves no trace on the socket; what it asked for is in its arguments.
    let bytes = |name: &str| view.event.named(name).bytes();
    if let Some(SockTuple::Inet { src, dst }) = bytes("tuple").and_then(|bytes| SockTuple::decode(bytes)) {
        return (known(src), known(dst));
    }
    match bytes("addr").and_then(|bytes| SockAddr::decode(bytes)) {
        Some(SockAddr::Inet(addr)) => (None, Some(addr)),
        _ => (None, None),
    }
}

/// The end, if the event is one of these calls.
fn of_call(
    view: &View<'_>,
    kinds: &[tracehound_formats::event::kind::KindId],
    end: Option<SocketAddr>,
) -> Option<SocketAddr> {
    end.filter(|_| kinds.contains(&view.event.head.kind))
}

fn ip<'a>(end: Option<SocketAddr>) -> Value<'a> {
    Value::from_option(end, |end| Value::Ip(end.ip().to_canonical()))
}

fn port<'a>(end: Option<SocketAddr>) -> Value<'a> {
    Value::from_option(end, |end| Value::Uint(u64::from(end.port())))
}

fn family<'a>(end: Option<SocketAddr>) -> Value<'a> {
    Value::from_option(end, |end| {
        Value::str(match end.ip() {
            IpAddr::V4(_) => "AF_INET",
            IpAddr::V6(_) => "AF_INET6",
        })
    })
}
