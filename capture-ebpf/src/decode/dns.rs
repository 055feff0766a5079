//! Questions to name servers, and requests of io_uring.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bstr::ByteSlice;
use tracehound_capture_layout::record::{Packet, Uring};
use tracehound_capture_layout::{Head as RecordHead, Plain};
use tracehound_formats::event::addr::SockTuple;
use tracehound_formats::event::pseudo;
use tracehound_formats::{Arg, Batch};

use super::Decoder;

/// Bytes of the header of a message.
const HEADER: usize = 12;

/// Longest name in text, RFC 1035 section 2.3.4.
const MAX_NAME: usize = 255;

/// What a message asks.
struct Question {
    id: u16,
    qtype: u16,
}

impl Decoder {
    /// A message to a name server. One that asks nothing, or is no message, still tells who sent something there.
    pub(super) fn dns(&mut self, head: &RecordHead, mut body: &[u8], batch: &mut Batch) -> Option<()> {
        let packet = Packet::take(&mut body)?;
        let payload = body.get(..usize::from(packet.len))?;
        self.begin(head, pseudo::DNS_QUESTION, head.tid, batch);
        let address = |bytes: &[u8; 16], port| {
            let ip: IpAddr = if packet.ip_version == 4 {
                Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()
            } else {
                Ipv6Addr::from(*bytes).into()
            };
            SocketAddr::new(ip, port)
        };
        let (src, dst) = (address(&packet.src, packet.src_port), address(&packet.dst, packet.dst_port));
        self.scratch.clear();
        SockTuple::Inet { src, dst }.encode(&mut self.scratch);
        batch.push(Arg::Bytes(self.scratch.as_bstr()));
        self.scratch.clear();
        match question(payload, &mut self.scratch) {
            Some(question) => {
                batch.push(Arg::Bytes(self.scratch.as_bstr()));
                batch.push(Arg::Int(question.qtype.into()));
                batch.push(Arg::Int(question.id.into()));
            }
            None => {
                for _ in 0..3 {
                    batch.push(Arg::Absent);
                }
            }
        }
        Some(())
    }

    pub(super) fn uring(&mut self, head: &RecordHead, mut body: &[u8], batch: &mut Batch) -> Option<()> {
        let request = Uring::take(&mut body)?;
        self.begin(head, pseudo::IO_URING_REQUEST, head.tid, batch);
        batch.push(Arg::Int((request.opcode & 0xffff).into()));
        batch.push(Arg::Int(request.ctx));
        batch.push(Arg::Int(request.user_data));
        batch.push(Arg::Int(request.flags.into()));
        Some(())
    }
}

/// The first question of a message; its name goes to `name`, labels joined by dots. `None` if it is an answer or cut.
/// Source: RFC 1035 section 4.1. Names in questions are not compressed: a pointer ends the reading.
fn question(message: &[u8], name: &mut Vec<u8>) -> Option<Question> {
    let word = |at: usize| message.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b));
    let (id, flags, n_questions) = (word(0)?, word(2)?, word(4)?);
    if flags & 0x8000 != 0 || n_questions == 0 {
        return None;
    }
    let mut at = HEADER;
    loop {
        let len = usize::from(*message.get(at)?);
        at += 1;
        match len {
            0 => break,
            1..=63 => {
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(message.get(at..at + len)?);
                at += len;
            }
            _ => return None,
        }
        if name.len() > MAX_NAME {
            return None;
        }
    }
    if name.is_empty() {
        name.push(b'.');
    }
    Some(Question { id, qtype: word(at)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions() {
        let header =
            |flags: u16, n: u16| [0x12, 0x34, (flags >> 8) as u8, flags as u8, 0, n as u8, 0, 0, 0, 0, 0, 0].to_vec();
        let asked = |name: &[u8]| [header(0x100, 1), name.to_vec(), vec![0, 28, 0, 1]].concat();
        let long: Vec<u8> = [63; 5].iter().flat_map(|&n| [vec![n], vec![b'a'; 63]].concat()).chain([0]).collect();
        for (message, want) in [
            (asked(b"\x03www\x07example\x00"), Some((0x1234, 28, "www.example"))),
            (asked(b"\x00"), Some((0x1234, 28, "."))),
            (asked(b"\xc0\x0c"), None),
            (asked(&long), None),
            (asked(b"\x3fabc"), None),
            ([header(0x8180, 1), b"\x01a\x00\x00\x01\x00\x01".to_vec()].concat(), None),
            (header(0x100, 0), None),
            (header(0x100, 1), None),
            (vec![1, 2, 3], None),
            (vec![], None),
        ] {
            let mut name = Vec::new();
            let got = question(&message, &mut name);
            let got = got.map(|q| (q.id, q.qtype, name.to_str().unwrap()));
            assert_eq!(got, want, "{message:x?}");
        }
    }
}
