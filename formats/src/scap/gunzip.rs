//! gzip, member by member, into a window that moves along the unpacked stream.
//!
//! A gzip library would stop at the first thing wrong; here everything that still unpacks is delivered: a cut file
//! up to its cut, a member with a wrong checksum whole, and after damage in the middle the members that follow.

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::block::word;
use super::cursor::Order;

/// First bytes of a gzip member: magic and the only method there is.
pub(super) const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Bytes unpacked at a time.
const CHUNK: usize = 256 << 10;

/// Unpacked bytes of a candidate member that must be sound when a member is searched after damage.
const PROBE: usize = 1024;

/// Where the unpacker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a member.
    Header,
    /// Inside a member.
    Body,
    /// The stream breaks off here; it may go on with a later member.
    Broken,
    /// Nothing more to unpack.
    End,
}

/// Something found wrong, to be reported with where the unpacked stream stood.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// Offset in the unpacked stream.
    pub(super) unpacked: u64,
    /// Offset in the file.
    pub(super) packed: u64,
    pub(super) what: String,
}

/// Unpacks a gzip file.
pub(super) struct Gunzip {
    inflate: Decompress,
    crc: Hasher,
    /// Bytes unpacked of the member, modulo 2^32.
    member_len: u32,
    state: State,
    /// Next byte of the file.
    at: usize,
    /// Unpacked bytes; valid up to `filled`.
    window: Vec<u8>,
    filled: usize,
    /// Offset of the window in the unpacked stream.
    base: u64,
    pub(super) n_members: u64,
    /// Bytes after the last member.
    pub(super) n_trailing: u64,
    pub(super) findings: Vec<Finding>,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Gunzip {
            inflate: Decompress::new(false),
            crc: Hasher::new(),
            member_len: 0,
            state: State::Header,
            at: 0,
            window: Vec::new(),
            filled: 0,
            base: 0,
            n_members: 0,
            n_trailing: 0,
            findings: Vec::new(),
        }
    }

    /// Bytes of the file consumed.
    pub(super) fn packed(&self) -> u64 {
        self.at as u64
    }

    /// Unpacked bytes from an offset on that are in the window.
    pub(super) fn bytes(&self, from: u64) -> &[u8] {
        let start = usize::try_from(from.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.filled);
        &self.window[start..self.filled]
    }

    /// Unpacks until `n` bytes from an offset on are in the window, or the stream breaks off. Bytes before the offset
    /// are forgotten.
    pub(super) fn fill(&mut self, file: &[u8], from: u64, n: usize) {
        if self.bytes(from).len() >= n {
            return;
        }
        let used = usize::try_from(from.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.filled);
        if used > 0 {
            self.window.copy_within(used..self.filled, 0);
            self.filled -= used;
            self.base += used as u64;
        }
        // The window follows what is really there, not what a length field asks for.
        while self.filled < n && matches!(self.state, State::Header | State::Body) {
            if self.state == State::Header {
                self.begin_member(file);
                continue;
            }
            let room = self.filled + CHUNK;
            if self.window.len() < room {
                self.window.resize(room, 0);
            }
            self.inflate_chunk(file);
        }
    }

    /// Goes on with a later member after the stream broke off. The window is emptied. False if there is none.
    pub(super) fn resume(&mut self, file: &[u8]) -> bool {
        if self.state != State::Broken {
            return false;
        }
        let start = self.at;
        let Some(at) = find_member(file, start) else {
            self.n_trailing += (file.len() - start) as u64;
            self.at = file.len();
            self.state = State::End;
            return false;
        };
        self.finding(format!("skipped {} packed bytes up to the next gzip member", at - start));
        self.at = at;
        self.state = State::Header;
        self.base += self.filled as u64;
        self.filled = 0;
        true
    }

    fn finding(&mut self, what: String) {
        self.findings.push(Finding { unpacked: self.base + self.filled as u64, packed: self.at as u64, what });
    }

    fn begin_member(&mut self, file: &[u8]) {
        let rest = &file[self.at..];
        if rest.is_empty() {
            self.state = State::End;
            return;
        }
        if rest.starts_with(&GZIP_MAGIC[..rest.len().min(3)]) {
            match header_len(rest) {
                Some(len) => {
                    self.at += len;
                    self.n_members += 1;
                    self.inflate.reset(false);
                    self.crc = Hasher::new();
                    self.member_len = 0;
                    self.state = State::Body;
                }
                None => {
                    self.finding("the file ends inside a gzip header".to_owned());
                    self.at = file.len();
                    self.state = State::End;
                }
            }
            return;
        }
        // Not a member: padding or garbage, behind which another member may stand.
        self.state = State::Broken;
    }

    fn inflate_chunk(&mut self, file: &[u8]) {
        let (packed_before, unpacked_before) = (self.inflate.total_in(), self.inflate.total_out());
        let out = &mut self.window[self.filled..];
        let result = self.inflate.decompress(&file[self.at..], out, FlushDecompress::None);
        let n_in = (self.inflate.total_in() - packed_before) as usize;
        let n_out = (self.inflate.total_out() - unpacked_before) as usize;
        self.at += n_in;
        self.crc.update(&self.window[self.filled..self.filled + n_out]);
        self.filled += n_out;
        self.member_len = self.member_len.wrapping_add(n_out as u32);
        match result {
            Ok(Status::StreamEnd) => self.end_member(file),
            Ok(_) if n_in == 0 && n_out == 0 => {
                self.finding("the file ends inside a gzip member".to_owned());
                self.at = file.len();
                self.state = State::End;
            }
            Ok(_) => {}
            Err(_) => {
                self.finding("damaged gzip data; what follows in this member cannot be unpacked".to_owned());
                self.state = State::Broken;
            }
        }
    }

    /// Checks the checksum and length behind a member.
    fn end_member(&mut self, file: &[u8]) {
        self.state = State::Header;
        let Some(crc) = word(file, self.at, Order::Little) else {
            self.finding("the file ends before the checksum of its last gzip member".to_owned());
            self.at = file.len();
            self.state = State::End;
            return;
        };
        let is_crc_right = crc == self.crc.clone().finalize();
        let len = word(file, self.at + 4, Order::Little);
        if !is_crc_right {
            self.finding(format!(
                "the checksum of gzip member {} differs: at least one of its bytes is not what was written",
                self.n_members
            ));
        } else if len != Some(self.member_len) {
            self.finding(format!("the length stored behind gzip member {} is wrong or missing", self.n_members));
        }
        self.at = (self.at + 8).min(file.len());
    }
}

/// Length of a member's header, `None` if the file ends in it.
fn header_len(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(3)?;
    let mut at = 10;
    if flags & 4 != 0 {
        let len = bytes.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([len[0], len[1]]));
    }
    for bit in [8, 16] {
        if flags & bit != 0 {
            at += bytes.get(at..)?.iter().position(|&b| b == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    (at <= bytes.len()).then_some(at)
}

/// The next place where a gzip member begins and unpacks without error for a while.
fn find_member(file: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut out = [0; PROBE];
    loop {
        at += file.get(at..)?.windows(3).position(|w| w == GZIP_MAGIC)?;
        let candidate = &file[at..];
        // The three highest flags are reserved and zero.
        if candidate.get(3).is_some_and(|flags| flags & 0xe0 == 0)
            && let Some(len) = header_len(candidate)
        {
            let mut inflate = Decompress::new(false);
            let is_sound = inflate.decompress(&candidate[len..], &mut out, FlushDecompress::None).is_ok();
            if is_sound && inflate.total_out() > 0 {
                return Some(at);
            }
        }
        at += 1;
    }
}

/// The first unpacked bytes of a gzip file's start.
pub(super) fn peek(head: &[u8], n: usize) -> Vec<u8> {
    let mut gunzip = Gunzip::new();
    gunzip.fill(head, 0, n);
    let bytes = gunzip.bytes(0);
    bytes[..bytes.len().min(n)].to_vec()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Bytes that do not compress to nothing.
    fn noise(n: usize) -> Vec<u8> {
        let mut x = 1u32;
        (0..n)
            .map(|_| {
                x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (x >> 24) as u8 & 0x3f
            })
            .collect()
    }

    fn unpack(file: &[u8]) -> (Vec<u8>, Vec<String>, u64) {
        let mut gunzip = Gunzip::new();
        let mut out = Vec::new();
        loop {
            gunzip.fill(file, out.len() as u64, 1000);
            let bytes = gunzip.bytes(out.len() as u64);
            if bytes.is_empty() && !gunzip.resume(file) {
                break;
            }
            let bytes = gunzip.bytes(out.len() as u64).to_vec();
            out.extend(bytes);
        }
        (out, gunzip.findings.iter().map(|f| f.what.clone()).collect(), gunzip.n_trailing)
    }

    #[test]
    fn members_one_after_another_are_one_stream() {
        let (a, b) = (noise(600_000), noise(5000));
        let file = [gz(&a), gz(b""), gz(&b)].concat();
        assert_eq!(unpack(&file), ([a, b].concat(), vec![], 0));
    }

    #[test]
    fn optional_header_fields_are_skipped() {
        let plain = gz(b"hello");
        let mut file = vec![0x1f, 0x8b, 8, 4 | 8 | 16 | 2, 0, 0, 0, 0, 0, 3];
        file.extend([2, 0, 9, 9]);
        file.extend(b"name\0comment\0");
        file.extend([1, 2]);
        file.extend(&plain[10..]);
        assert_eq!(unpack(&file), (b"hello".to_vec(), vec![], 0));
    }

    #[test]
    fn a_cut_file_gives_what_unpacks() {
        let whole = noise(500_000);
        let file = gz(&whole);
        for cut in [5, 11, 100, file.len() / 2, file.len() - 9, file.len() - 8, file.len() - 1] {
            let (out, findings, _) = unpack(&file[..cut]);
            assert!(whole.starts_with(&out), "cut at {cut}");
            assert_eq!(findings.len(), 1, "cut at {cut}: {findings:?}");
            assert!(cut < file.len() / 2 || out.len() > whole.len() / 3);
        }
    }

    #[test]
    fn a_wrong_checksum_loses_nothing() {
        let mut file = gz(b"hello");
        let at = file.len() - 8;
        file[at] ^= 1;
        let (out, findings, _) = unpack(&file);
        assert_eq!(out, b"hello");
        assert!(findings[0].contains("checksum"));
    }

    #[test]
    fn garbage_after_the_last_member_is_counted() {
        let file = [gz(b"hello"), b"garbage".to_vec()].concat();
        assert_eq!(unpack(&file), (b"hello".to_vec(), vec![], 7));
    }

    #[test]
    fn after_damage_the_next_member_is_found() {
        let (a, b) = (noise(400_000), noise(3000));
        let mut first = gz(&a);
        let at = first.len() / 2;
        first[at..at + 64].fill(0xff);
        let file = [first, gz(&b)].concat();
        let (out, findings, _) = unpack(&file);
        assert!(out.len() > 100_000 && out.ends_with(&b), "{} {findings:?}", out.len());
        assert!(!findings.is_empty());
    }

    #[test]
    fn peeking_unpacks_a_cut_head() {
        let file = gz(&noise(500_000));
        assert_eq!(peek(&file[..4096], 64), noise(64));
        assert_eq!(peek(b"\x1f\x8b", 64), b"");
    }
}
