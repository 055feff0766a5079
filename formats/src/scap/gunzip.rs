//! The unpacked stream of a gzip file, as a window that moves along it.
//!
//! Unpacking can run on a thread of its own, some pieces ahead. The pieces are the same as without it, and so is where
//! what is found wrong stands among them.

use std::sync::mpsc;
use std::thread::JoinHandle;

use super::inflate::{Finding, Inflater};
use crate::input::Input;

/// Bytes unpacked at a time.
const CHUNK: usize = 256 << 10;

/// Room before a piece that comes from the thread, for what is left of the piece before: mostly a part of an event.
const HEADROOM: usize = 64 << 10;

/// Pieces unpacked ahead.
const N_AHEAD: usize = 4;

/// Unpacks a gzip file.
pub(super) struct Gunzip {
    unpacker: Unpacker,
    /// Unpacked bytes are those from `start` to `end`.
    window: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the unpacked stream of the byte at `start`.
    base: u64,
    packed: u64,
    n_members: u64,
    /// Bytes after the last member.
    n_trailing: u64,
    findings: Vec<Finding>,
}

/// Who unpacks.
enum Unpacker {
    /// Whoever asks.
    Here(Box<Inflater>),
    /// A thread, up to the first place where the stream stops.
    There(Thread),
}

struct Thread {
    pieces: mpsc::Receiver<Piece>,
    /// Memory of pieces that were used up.
    used: mpsc::Sender<Vec<u8>>,
    thread: JoinHandle<()>,
}

/// A piece of the stream.
struct Piece {
    /// Room of [`HEADROOM`], then the piece.
    memory: Vec<u8>,
    len: usize,
    packed: u64,
    n_members: u64,
    findings: Vec<Finding>,
    /// The unpacker, where the stream stopped: what follows is unpacked by whoever asks.
    last: Option<Box<Inflater>>,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Gunzip {
            unpacker: Unpacker::Here(Box::new(Inflater::new())),
            window: Vec::new(),
            start: 0,
            end: 0,
            base: 0,
            packed: 0,
            n_members: 0,
            n_trailing: 0,
            findings: Vec::new(),
        }
    }

    /// Unpacks on a thread of its own from now on, if the system gives one.
    pub(super) fn run_ahead(&mut self, file: &Input) {
        let (give, take) = mpsc::sync_channel::<Box<Inflater>>(1);
        let (send, pieces) = mpsc::sync_channel(N_AHEAD);
        let (used, spare) = mpsc::channel();
        let work = {
            let file = file.clone();
            move || {
                // Nothing comes if the stream has stopped already.
                if let Ok(inflater) = take.recv() {
                    ahead(inflater, file.bytes(), &send, &spare);
                }
            }
        };
        let Ok(thread) = std::thread::Builder::new().name("inflate".to_owned()).spawn(work) else { return };
        let there = Unpacker::There(Thread { pieces, used, thread });
        match std::mem::replace(&mut self.unpacker, there) {
            Unpacker::Here(inflater) if !inflater.has_stopped() => drop(give.send(inflater)),
            before => self.unpacker = before,
        }
    }

    /// Bytes of the file consumed.
    pub(super) fn packed(&self) -> u64 {
        self.packed
    }

    /// Members begun so far, and bytes after the last one.
    pub(super) fn members(&self) -> (u64, u64) {
        (self.n_members, self.n_trailing)
    }

    /// What was found wrong since the last call.
    pub(super) fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Unpacked bytes from an offset on that are in the window.
    pub(super) fn bytes(&self, from: u64) -> &[u8] {
        &self.window[self.start + self.n_before(from)..self.end]
    }

    /// Bytes of the window before an offset.
    fn n_before(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.end - self.start)
    }

    /// Unpacks until `n` bytes from an offset on are in the window, or the stream breaks off. Bytes before the offset
    /// are forgotten.
    pub(super) fn fill(&mut self, file: &[u8], from: u64, n: usize) {
        if self.bytes(from).len() >= n {
            return;
        }
        let n_used = self.n_before(from);
        self.start += n_used;
        self.base += n_used as u64;
        // The window follows what is really there, not what a length field asks for.
        while self.end - self.start < n && self.more(file) {}
    }

    /// Unpacks a piece; false where the stream stopped before.
    fn more(&mut self, file: &[u8]) -> bool {
        match &mut self.unpacker {
            Unpacker::Here(inflater) if inflater.has_stopped() => false,
            Unpacker::Here(inflater) => {
                make_room(&mut self.window, &mut self.start, &mut self.end, CHUNK);
                self.end += inflater.step(file, &mut self.window[self.end..self.end + CHUNK]);
                self.packed = inflater.packed();
                self.n_members = inflater.n_members();
                self.findings.append(&mut inflater.take_findings());
                true
            }
            Unpacker::There(thread) => {
                let Ok(piece) = thread.pieces.recv() else {
                    let what = "unpacking failed; what follows is lost".to_owned();
                    let unpacked = self.base + (self.end - self.start) as u64;
                    self.findings.push(Finding { unpacked, packed: self.packed, what });
                    self.unpacker = Unpacker::Here(Box::new(Inflater::ended(self.packed)));
                    return true;
                };
                self.packed = piece.packed;
                self.n_members = piece.n_members;
                self.findings.extend(piece.findings);
                let n_left = self.end - self.start;
                let mut memory = piece.memory;
                if n_left <= HEADROOM {
                    // What is left moves, not the piece.
                    memory[HEADROOM - n_left..HEADROOM].copy_from_slice(&self.window[self.start..self.end]);
                    std::mem::swap(&mut self.window, &mut memory);
                    (self.start, self.end) = (HEADROOM - n_left, HEADROOM + piece.len);
                } else {
                    make_room(&mut self.window, &mut self.start, &mut self.end, piece.len);
                    let piece = &memory[HEADROOM..HEADROOM + piece.len];
                    self.window[self.end..self.end + piece.len()].copy_from_slice(piece);
                    self.end += piece.len();
                }
                // It may have ended; then nobody wants it. One that grew for a large block is not kept.
                if memory.len() <= HEADROOM + CHUNK {
                    let _ = thread.used.send(memory);
                }
                if let Some(inflater) = piece.last
                    && let Unpacker::There(Thread { thread, .. }) =
                        std::mem::replace(&mut self.unpacker, Unpacker::Here(inflater))
                {
                    let _ = thread.join();
                }
                true
            }
        }
    }

    /// Goes on with a later member after the stream broke off. The window is emptied. False if there is none.
    pub(super) fn resume(&mut self, file: &[u8]) -> bool {
        let Unpacker::Here(inflater) = &mut self.unpacker else { return false };
        let result = inflater.resume(file);
        self.packed = inflater.packed();
        self.findings.append(&mut inflater.take_findings());
        match result {
            Ok(()) => {
                self.base += (self.end - self.start) as u64;
                self.start = self.end;
                true
            }
            Err(n_trailing) => {
                self.n_trailing += n_trailing.unwrap_or(0);
                false
            }
        }
    }
}

/// Makes room for `n` bytes at the end of a window.
fn make_room(window: &mut Vec<u8>, start: &mut usize, end: &mut usize, n: usize) {
    if window.len() - *end < n {
        window.copy_within(*start..*end, 0);
        (*start, *end) = (0, *end - *start);
        if window.len() - *end < n {
            window.resize(*end + n, 0);
        }
    }
}

/// Unpacks until the stream stops, or nobody wants more.
fn ahead(mut inflater: Box<Inflater>, file: &[u8], send: &mpsc::SyncSender<Piece>, spare: &mpsc::Receiver<Vec<u8>>) {
    let mut memory = vec![0; HEADROOM + CHUNK];
    loop {
        let len = inflater.step(file, &mut memory[HEADROOM..]);
        let findings = inflater.take_findings();
        let has_stopped = inflater.has_stopped();
        // Members of nothing are no pieces.
        if len == 0 && findings.is_empty() && !has_stopped {
            continue;
        }
        let (packed, n_members) = (inflater.packed(), inflater.n_members());
        let mut piece = Piece { memory, len, packed, n_members, findings, last: None };
        if has_stopped {
            piece.last = Some(inflater);
            // Whoever does not take it does not want it.
            let _ = send.send(piece);
            return;
        }
        if send.send(piece).is_err() {
            return;
        }
        memory = spare.try_recv().unwrap_or_default();
        memory.resize(HEADROOM + CHUNK, 0);
    }
}

/// The first unpacked bytes of a gzip file's start.
pub(super) fn peek(head: &[u8], n: usize) -> Vec<u8> {
    let (mut inflater, mut bytes, mut len) = (Inflater::new(), vec![0; n], 0);
    while len < n && !inflater.has_stopped() {
        len += inflater.step(head, &mut bytes[len..]);
    }
    bytes.truncate(len);
    bytes
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

    /// What a file gives, which does not depend on who unpacks it.
    fn unpack(file: &[u8]) -> (Vec<u8>, Vec<String>, u64) {
        let here = unpack_with(file, false);
        assert!(here == unpack_with(file, true), "another thread unpacks something else");
        here
    }

    fn unpack_with(file: &[u8], is_ahead: bool) -> (Vec<u8>, Vec<String>, u64) {
        let mut gunzip = Gunzip::new();
        if is_ahead {
            gunzip.run_ahead(&file.to_vec().into());
        }
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
    fn what_stands_after_the_last_member_is_counted_and_is_damage_unless_it_is_padding() {
        let told = "7 packed bytes to the end of the file are no gzip member".to_owned();
        for (after, findings) in
            [(&b"garbage"[..], vec![told.clone()]), (&[0; 7], vec![]), (b"\0\0\0\0\0\0x", vec![told])]
        {
            let file = [gz(b"hello"), after.to_vec()].concat();
            assert_eq!(unpack(&file), (b"hello".to_vec(), findings, 7), "{after:?}");
        }
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
