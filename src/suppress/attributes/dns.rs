//! The question of a DNS message that was sent or received. Source: RFC 1035, sections 4.1.1 and 4.1.2.
//!
//! Recorders keep the first bytes of what is sent, 80 by default: enough for the header and a name of some sixty
//! characters. A message that was cut inside the question is none.

use tracehound_fields::View;
use tracehound_formats::section::L4;

use super::network;

/// Port of name servers.
const PORT: u16 = 53;
/// Bytes of the header.
const HEADER: usize = 12;
/// Longest name, RFC 1035 section 3.1.
const MAX_NAME: usize = 255;

/// What is of interest in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(super) id: u16,
    /// Outcome, of an answer.
    pub(super) code: Option<u8>,
    pub(super) n_questions: u16,
    /// Name of the first question, labels with dots between; bytes of any value.
    pub(super) name: Vec<u8>,
    pub(super) ty: u16,
    pub(super) class: u16,
}

/// The message that an event sends to a name server or receives from one.
pub(crate) fn message(view: &View<'_>) -> Option<Message> {
    let (client, server) = network::ends(view);
    let is_dns = [client, server].into_iter().flatten().any(|end| end.port() == PORT);
    let data = view.event.named("data").bytes().filter(|_| is_dns)?;
    // A stream has the length of each message before it.
    let is_stream = network::socket(view).is_some_and(|file| file.l4 == L4::Tcp);
    parse(if is_stream { data.get(2..)? } else { data })
}

fn parse(data: &[u8]) -> Option<Message> {
    let word = |at: usize| Some(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?]));
    let (id, flags, n_questions) = (word(0)?, word(2)?, word(4)?);
    if n_questions == 0 {
        return None;
    }
    let mut name = Vec::new();
    let mut at = HEADER;
    loop {
        match *data.get(at)? {
            0 => break,
            // A name in a question is never compressed: nothing stands before it.
            len @ 1..=63 => {
                let label = data.get(at + 1..at + 1 + usize::from(len))?;
                if name.len() + label.len() >= MAX_NAME {
                    return None;
                }
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(label);
                at += 1 + usize::from(len);
            }
            _ => return None,
        }
    }
    let code = (flags & 0x8000 != 0).then_some((flags & 0xf) as u8);
    Some(Message { id, code, n_questions, name, ty: word(at + 1)?, class: word(at + 3)? })
}

/// Name of a type of record; its number if it has none here. Source: IANA, *DNS Parameters*.
pub(super) fn type_name(ty: u16) -> String {
    let name = match ty {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        35 => "NAPTR",
        43 => "DS",
        48 => "DNSKEY",
        64 => "SVCB",
        65 => "HTTPS",
        255 => "ANY",
        _ => return ty.to_string(),
    };
    name.to_owned()
}

/// Name of a class. Source: IANA, *DNS Parameters*.
pub(super) fn class_name(class: u16) -> String {
    match class {
        1 => "IN".to_owned(),
        3 => "CH".to_owned(),
        4 => "HS".to_owned(),
        255 => "ANY".to_owned(),
        other => other.to_string(),
    }
}

/// Name of an outcome. Source: IANA, *DNS Parameters*.
pub(super) fn code_name(code: u8) -> String {
    let name = match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        _ => return code.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x1c\x00\x01";

    #[test]
    fn messages() {
        let whole = parse(MESSAGE).unwrap();
        assert_eq!((whole.id, whole.code, whole.n_questions), (0x1234, None, 1));
        assert_eq!((whole.name.as_slice(), whole.ty, whole.class), (&b"example.com"[..], 28, 1));
        for len in 0..MESSAGE.len() {
            assert_eq!(parse(&MESSAGE[..len]), None, "{len}");
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = MESSAGE.to_vec();
            bytes[at] = byte;
            parse(&bytes)
        };
        assert_eq!(with(2, 0x81).unwrap().code, Some(0));
        assert_eq!(with(5, 0), None, "no question");
        assert_eq!(with(12, 0xc0), None, "a pointer");
        assert_eq!(with(12, 63), None, "a label behind the end");
        let mut long = MESSAGE[..12].to_vec();
        (0..5).for_each(|_| long.extend([&[63][..], &[b'a'; 63]].concat()));
        long.extend([0, 0, 1, 0, 1]);
        assert_eq!(parse(&long), None, "a name of 320 bytes");
    }
}
