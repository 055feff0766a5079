//! `.scap`: captures of Falco, sysdig and everything else that writes with libscap.
//!
//! `spec.md` beside this file describes the format. Read are raw and gzip files of every release since 2014, of machines
//! of either byte order. Enter and exit events of old captures become one event; `plan.rs` says how.
//!
//! **Numbers.** [`crate::event::Seq`] is Falco's `evt.num`: every event that libscap's converter delivers takes one. An enter
//! event that libscap delivers as an event of its own (`open`, `openat`, `connect`, `execve`, ...) takes one too, but
//! is folded into its exit event here, so numbers have gaps. Events that libscap does not deliver (system calls that
//! never returned, dead kinds such as tracers) come after the last event of the file with the numbers that follow.
//!
//! **Memory.** A raw file is read in place. A gzip file is unpacked into a window of 256 kB, or of the largest block if
//! that is larger (blocks above 1 GiB are damage, and a window never grows past the bytes that are really there); a thread
//! that unpacks ahead has up to six pieces of 256 kB more. A batch
//! takes at most 64 times the bytes it was read from. Enter events that wait or waited in vain are kept, at most 2^19 of
//! them and 64 MiB of parameters; more are counted.
//!
//! **Damage** is recorded with its offset and reading goes on at the next place where a block of a known type stands
//! whose two lengths agree and behind which another one begins or the file ends, at any alignment.

mod block;
mod cursor;
mod event;
mod gunzip;
mod inflate;
mod lists;
mod pending;
mod plan;
mod reader;
mod source;
mod tables;
#[cfg(test)]
mod tests;
mod value;

use self::block::{SECTION_HEADER, order_of, word};
use crate::input::Input;
use crate::reader::{Confidence, Format, OpenError, TraceReader};

/// The `.scap` format.
#[derive(Debug)]
pub struct Scap;

/// Unpacked bytes of a gzip file that are looked at.
const PEEK: usize = 4096;

/// Block types that only pcapng files of network packets have behind the section header: interface description,
/// simple packet, name resolution, interface statistics, enhanced packet.
const PACKET_BLOCKS: [u32; 5] = [1, 3, 4, 5, 6];

impl Format for Scap {
    fn name(&self) -> &'static str {
        "scap"
    }

    fn doc(&self) -> &'static str {
        "system call capture of Falco, sysdig and other programs that use libscap, raw or gzip"
    }

    fn detect(&self, head: &[u8]) -> Confidence {
        if head.starts_with(&inflate::GZIP_MAGIC) {
            return detect_raw(&gunzip::peek(head, PEEK));
        }
        detect_raw(head)
    }

    fn open(&self, input: Input) -> Result<Box<dyn TraceReader>, OpenError> {
        Ok(Box::new(reader::Reader::open(input)?))
    }
}

fn detect_raw(head: &[u8]) -> Confidence {
    let block_type = SECTION_HEADER.to_le_bytes();
    if !head.starts_with(&block_type) {
        return Confidence::No;
    }
    let Some(magic) = head.get(8..12).and_then(|b| <[u8; 4]>::try_from(b).ok()) else { return Confidence::Maybe };
    let Ok(order) = order_of(magic) else { return Confidence::Maybe };
    let len = word(head, 4, order).unwrap_or(0) as usize;
    match word(head, len, order) {
        Some(next) if PACKET_BLOCKS.contains(&next) => Confidence::No,
        _ => Confidence::Yes,
    }
}
