//! gzip, member by member, a piece at a time.
//!
//! A gzip library would stop at the first thing wrong; here everything that still unpacks is delivered: a cut file
//! up to its cut, a member with a wrong checksum whole, and after damage in the middle the members that follow.

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::block::word;
use super::cursor::Order;

/// First bytes of a gzip member: magic and the only method there is.
pub(super) const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

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

/// Unpacks a gzip file piece by piece.
pub(super) struct Inflater {
    inflate: Decompress,
    crc: Hasher,
    /// Bytes unpacked of the member, modulo 2^32.
    member_len: u32,
    state: State,
    /// Next byte of the file.
    at: usize,
    /// Bytes unpacked.
    n_unpacked: u64,
    n_members: u64,
    findings: Vec<Finding>,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Inflater {
            inflate: Decompress::new(false),
            crc: Hasher::new(),
            member_len: 0,
            state: State::Header,
            at: 0,
            n_unpacked: 0,
            n_members: 0,
            findings: Vec::new(),
        }
    }

    /// One that has nothing more to give.
    pub(super) fn ended(packed: u64) -> Self {
        let at = usize::try_from(packed).unwrap_or(usize::MAX);
        Inflater { state: State::End, at, ..Inflater::new() }
    }

    /// Bytes of the file consumed.
    pub(super) fn packed(&self) -> u64 {
        self.at as u64
    }

    /// Members begun.
    pub(super) fn n_members(&self) -> u64 {
        self.n_members
    }

    /// True where the stream broke off or ended.
    pub(super) fn has_stopped(&self) -> bool {
        matches!(self.state, State::Broken | State::End)
    }

    /// What was found wrong since the last call.
    pub(super) fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Unpacks the next piece, of one member and at most as long as `out`; gives its length. 0 where the stream stopped,
    /// and also for an empty member.
    pub(super) fn step(&mut self, file: &[u8], out: &mut [u8]) -> usize {
        while self.state == State::Header {
            self.begin_member(file);
        }
        if self.state == State::Body { self.inflate(file, out) } else { 0 }
    }

    /// Goes on with a later member after the stream broke off. `None` if there is none; then the number of bytes at the
    /// end of the file that are no member, if it was not told before.
    pub(super) fn resume(&mut self, file: &[u8]) -> Result<(), Option<u64>> {
        if self.state != State::Broken {
            return Err(None);
        }
        let start = self.at;
        let Some(at) = find_member(file, start) else {
            let n_left = file.len() - start;
            // Padding is of zeros. Anything else may be a member whose header is damaged: it is as lost as the rest of one.
            if file[start..].iter().any(|&byte| byte != 0) {
                self.finding(format!("{n_left} packed bytes to the end of the file are no gzip member"));
            }
            self.at = file.len();
            self.state = State::End;
            return Err(Some(n_left as u64));
        };
        self.finding(format!("skipped {} packed bytes up to the next gzip member", at - start));
        self.at = at;
        self.state = State::Header;
        Ok(())
    }

    fn finding(&mut self, what: String) {
        self.findings.push(Finding { unpacked: self.n_unpacked, packed: self.at as u64, what });
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

    fn inflate(&mut self, file: &[u8], out: &mut [u8]) -> usize {
        let (packed_before, unpacked_before) = (self.inflate.total_in(), self.inflate.total_out());
        let result = self.inflate.decompress(&file[self.at..], out, FlushDecompress::None);
        let n_in = (self.inflate.total_in() - packed_before) as usize;
        let n_out = (self.inflate.total_out() - unpacked_before) as usize;
        self.at += n_in;
        self.crc.update(&out[..n_out]);
        self.n_unpacked += n_out as u64;
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
        n_out
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
