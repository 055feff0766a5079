//! Writes captures for tests, little-endian, and turns them into big-endian ones.

use super::super::block::{Block, SECTION_HEADER};
use super::super::plan::{DYN_TABLES, How, plans};
use super::super::tables::type_flags::LARGE;
use super::super::tables::{TYPES, Wire};

/// Time of the first event of a synthetic capture; each further one is a microsecond later.
pub(super) const START_NS: u64 = 1_735_689_600_000_000_000;

/// Block types of events.
pub(super) const EV: u32 = 0x204;
pub(super) const EVF: u32 = 0x208;
pub(super) const EV_V2: u32 = 0x216;
pub(super) const EVF_V2: u32 = 0x217;
pub(super) const EV_V2_LARGE: u32 = 0x221;
pub(super) const EVF_V2_LARGE: u32 = 0x222;

/// A block around a body.
pub(super) fn block(block_type: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = padded as u32 + 12;
    let mut out = Vec::new();
    out.extend(block_type.to_le_bytes());
    out.extend(len.to_le_bytes());
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(len.to_le_bytes());
    out
}

/// A section header.
pub(super) fn header(major: u16, options: &[u8]) -> Vec<u8> {
    let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    body.extend(major.to_le_bytes());
    body.extend(2u16.to_le_bytes());
    body.extend([0xff; 8]);
    body.extend(options);
    block(SECTION_HEADER, &body)
}

/// An event to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) block_type: u32,
    pub(super) dump_flags: u32,
    pub(super) tid: i64,
    pub(super) code: u16,
    pub(super) params: &'a [&'a [u8]],
}

/// The event block of a record with a number that gives its time.
pub(super) fn event(record: &Record<'_>, number: u64) -> Vec<u8> {
    let has_flags = matches!(record.block_type, EVF | EVF_V2 | EVF_V2_LARGE);
    let has_count = !matches!(record.block_type, EV | EVF);
    let is_large = TYPES.get(usize::from(record.code)).is_some_and(|ty| ty.has(LARGE)) && has_count;
    let mut body = 1u16.to_le_bytes().to_vec();
    if has_flags {
        body.extend(record.dump_flags.to_le_bytes());
    }
    let n = record.params.len();
    let width = if is_large { 4 } else { 2 };
    let header_len = if has_count { 26 } else { 22 };
    let len = header_len + n * width + record.params.iter().map(|p| p.len()).sum::<usize>();
    body.extend((START_NS + number * 1000).to_le_bytes());
    body.extend(record.tid.to_le_bytes());
    body.extend((len as u32).to_le_bytes());
    body.extend(record.code.to_le_bytes());
    if has_count {
        body.extend((n as u32).to_le_bytes());
    }
    for param in record.params {
        if is_large {
            body.extend((param.len() as u32).to_le_bytes());
        } else {
            body.extend((param.len() as u16).to_le_bytes());
        }
    }
    for param in record.params {
        body.extend(*param);
    }
    block(record.block_type, &body)
}

/// A parameter of each encoding, different for each `i`.
pub(super) fn param(code: u16, n: usize, i: usize) -> Vec<u8> {
    let byte = i as u8 + 1;
    match TYPES[usize::from(code)].params[i] {
        Wire::W1 => vec![byte],
        Wire::W2 => vec![byte, 1],
        Wire::W4 => vec![byte, 1, 2, 3],
        Wire::W8 => vec![byte, 1, 2, 3, 4, 5, 6, 7],
        Wire::Text => format!("/tmp/{i}\0").into_bytes(),
        Wire::Bytes => vec![byte, 0, byte],
        Wire::Addr => match i % 3 {
            0 => vec![2, 10, 0, 0, byte, 80, 1],
            1 => [&[10][..], &[byte; 16], &[80, 1]].concat(),
            _ => b"\x01/run/s\0".to_vec(),
        },
        Wire::Tuple => match i % 3 {
            0 => [&[10][..], &[byte; 16], &[80, 1], &[9; 16], &[81, 2]].concat(),
            1 => vec![2, 10, 0, 0, byte, 80, 1, 10, 0, 0, 9, 81, 2],
            _ => [&[1][..], &7u64.to_le_bytes(), &8u64.to_le_bytes(), b"/run/s\0"].concat(),
        },
        Wire::FdList => [&2u16.to_le_bytes()[..], &[byte; 10], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]].concat(),
        Wire::Dyn => match dyn_how(code, n, i) {
            Some(How::Dyn(table)) => {
                let choice = i % DYN_TABLES[usize::from(table)].len();
                match DYN_TABLES[usize::from(table)][choice].int_width() {
                    Some(width) => {
                        let mut bytes = vec![choice as u8];
                        bytes.extend((1..=width).collect::<Vec<u8>>());
                        bytes
                    }
                    None => [&[choice as u8][..], b"key\0"].concat(),
                }
            }
            _ => vec![0, byte, 1, 2, 3, 4, 5, 6, 7],
        },
        Wire::Ip4 => vec![10, 0, 0, byte],
        Wire::Ip6 => vec![byte; 16],
    }
}

/// How a dynamic parameter is decoded.
fn dyn_how(code: u16, n: usize, i: usize) -> Option<How> {
    plans()
        .get(code, n)
        .ops
        .iter()
        .find(|op| usize::from(op.src) == i && !matches!(op.how, How::Enter(_)))
        .map(|op| op.how)
}

/// A capture being written.
pub(super) struct Synth {
    pub(super) bytes: Vec<u8>,
    n: u64,
}

impl Synth {
    /// Begins with a section header.
    pub(super) fn new() -> Self {
        Synth { bytes: header(1, b""), n: 0 }
    }

    /// Appends an event in the newest kind of block.
    pub(super) fn push(&mut self, tid: i64, code: u16, params: &[&[u8]]) -> &mut Self {
        let is_large = TYPES.get(usize::from(code)).is_some_and(|ty| ty.has(LARGE));
        let block_type = if is_large { EV_V2_LARGE } else { EV_V2 };
        self.record(&Record { block_type, dump_flags: 0, tid, code, params })
    }

    /// Appends an event in any kind of block.
    pub(super) fn record(&mut self, record: &Record<'_>) -> &mut Self {
        self.n += 1;
        let block = event(record, self.n);
        self.raw(&block)
    }

    /// Appends bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend(bytes);
        self
    }
}

/// One of every event type with every number of parameters, in every kind of block it can stand in; each exit event
/// once after its enter event and once alone.
pub(super) fn everything() -> Vec<u8> {
    let mut synth = Synth::new();
    let mut tid = 1000;
    for code in 0..TYPES.len() as u16 {
        let ty = &TYPES[usize::from(code)];
        for n in 0..=ty.params.len() {
            let params = params(code, n);
            let params: Vec<&[u8]> = params.iter().map(Vec::as_slice).collect();
            let kinds: &[u32] = match (ty.has(LARGE), code) {
                (true, _) => &[EV_V2_LARGE, EVF_V2_LARGE],
                // Their length in old blocks is another one.
                (_, 280 | 286) => &[EV_V2, EVF_V2],
                _ => &[EV_V2, EVF_V2, EV, EVF],
            };
            for &block_type in kinds {
                let record = Record { block_type, dump_flags: 0, tid, code, params: &params };
                tid += 1;
                synth.record(&Record { tid, ..record });
                if !code.is_multiple_of(2) {
                    tid += 1;
                    let enter = code - 1;
                    let n_enter = TYPES[usize::from(enter)].params.len();
                    let enter_params = self::params(enter, n_enter);
                    let enter_params: Vec<&[u8]> = enter_params.iter().map(Vec::as_slice).collect();
                    synth.push(tid, enter, &enter_params);
                    synth.record(&Record { tid, ..record });
                }
            }
        }
    }
    synth.bytes
}

/// Parameters of an event.
pub(super) fn params(code: u16, n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|i| param(code, n, i)).collect()
}

/// Turns a little-endian capture into the one a big-endian machine would have written.
///
/// Works on sound captures with the newest tables only. Values that are malformed stay as they are.
pub(super) fn swapped(file: &[u8]) -> Vec<u8> {
    let mut out = file.to_vec();
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let half = |at: usize| u16::from_le_bytes(file[at..at + 2].try_into().unwrap());
    let mut at = 0;
    while at < file.len() {
        let len = word(at + 4) as usize;
        let end = at + len - 4;
        let mut flip = |from: usize, n: usize| out[from..from + n].reverse();
        for place in [at, at + 4, end] {
            flip(place, 4);
        }
        let mut p = at + 8;
        // Flips fields of these widths one after another; 0 is text behind a length.
        let fields = |flip: &mut dyn FnMut(usize, usize), p: &mut usize, widths: &[usize]| {
            for &width in widths {
                if width == 0 {
                    let n = usize::from(half(*p));
                    flip(*p, 2);
                    *p += 2 + n;
                } else {
                    flip(*p, width);
                    *p += width;
                }
            }
        };
        match Block::of(word(at)) {
            Block::SectionHeader => fields(&mut flip, &mut p, &[4, 2, 2, 8]),
            Block::MachineInfo => {
                fields(&mut flip, &mut p, &[4, 8, 8]);
                p += 128;
                fields(&mut flip, &mut p, &[8, 8, 8, 8]);
            }
            Block::Processes(9) => {
                while end - p >= 4 {
                    let entry_end = p + word(p) as usize;
                    fields(
                        &mut flip,
                        &mut p,
                        &[4, 8, 8, 8, 8, 8, 0, 0, 0, 0, 0, 8, 4, 4, 4, 4, 4, 4, 8, 8, 0, 8, 8, 0, 0],
                    );
                    let tail: &[usize] = &[8, 4, 4, 1, 8, 8, 8, 1, 8, 8, 8, 1, 1, 8];
                    let tail = if entry_end - p > 29 { tail } else { &tail[2..] };
                    for &width in tail {
                        if p + width > entry_end {
                            break;
                        }
                        fields(&mut flip, &mut p, &[width]);
                    }
                    p = entry_end;
                }
            }
            Block::Fds { has_lengths: true } => {
                fields(&mut flip, &mut p, &[8]);
                while end - p >= 4 {
                    let entry_end = p + word(p) as usize;
                    fields(&mut flip, &mut p, &[4, 8, 8]);
                    let kind = file[p];
                    p += 1;
                    match kind {
                        3 | 4 => {
                            p += if kind == 3 { 8 } else { 32 };
                            fields(&mut flip, &mut p, &[2, 2]);
                        }
                        5 | 6 => {
                            p += if kind == 5 { 4 } else { 16 };
                            fields(&mut flip, &mut p, &[2]);
                        }
                        8 => fields(&mut flip, &mut p, &[8, 8, 0]),
                        16 => {
                            fields(&mut flip, &mut p, &[4, 0]);
                            if entry_end - p >= 4 {
                                fields(&mut flip, &mut p, &[4]);
                            }
                        }
                        0 => {}
                        _ => fields(&mut flip, &mut p, &[0]),
                    }
                    p = entry_end;
                }
            }
            Block::Users { has_lengths: true } => {
                while end - p >= 4 {
                    let entry_end = p + word(p) as usize;
                    fields(&mut flip, &mut p, &[4]);
                    p += 1;
                    let is_user = file[p - 1] == 0;
                    fields(&mut flip, &mut p, if is_user { &[4, 4, 0, 0, 0] } else { &[4, 0] });
                    p = entry_end;
                }
            }
            Block::Interfaces { has_lengths: true } => {
                while end - p >= 4 {
                    let entry_end = p + 4 + word(p) as usize;
                    fields(&mut flip, &mut p, &[4]);
                    let kind = half(p);
                    fields(&mut flip, &mut p, &[2, 2]);
                    p += if kind % 2 == 1 { 12 } else { 48 };
                    if kind <= 2 {
                        fields(&mut flip, &mut p, &[8]);
                    }
                    p = entry_end;
                }
            }
            Block::Event(layout) => {
                fields(&mut flip, &mut p, if layout.has_flags { &[2, 4] } else { &[2] });
                let event = p;
                let code = half(event + 20);
                let len = word(event + 16) as usize;
                let ty = &TYPES[usize::from(code)];
                fields(&mut flip, &mut p, &[8, 8, 4, 2]);
                let n = if layout.has_count {
                    fields(&mut flip, &mut p, &[4]);
                    word(event + 22) as usize
                } else {
                    // As the reader finds it.
                    (0..=ty.params.len())
                        .rev()
                        .find(|&n| {
                            22 + 2 * n <= len
                                && 22 + 2 * n + (0..n).map(|i| usize::from(half(p + 2 * i))).sum::<usize>() == len
                        })
                        .unwrap()
                };
                let is_large = ty.has(LARGE) && layout.has_count;
                let lens: Vec<usize> = (0..n)
                    .map(|_| {
                        let len = if is_large { word(p) as usize } else { usize::from(half(p)) };
                        fields(&mut flip, &mut p, &[if is_large { 4 } else { 2 }]);
                        len
                    })
                    .collect();
                for (i, &len) in lens.iter().enumerate() {
                    if let Some(&wire) = ty.params.get(i) {
                        flip_param(&mut flip, file, p, len, wire, dyn_how(code, n, i));
                    }
                    p += len;
                }
            }
            other => panic!("{other:?} is not one of the newest blocks"),
        }
        at += len;
    }
    out
}

fn flip_param(flip: &mut dyn FnMut(usize, usize), file: &[u8], p: usize, len: usize, wire: Wire, how: Option<How>) {
    if len == 0 {
        return;
    }
    let first = file[p];
    let integer = |width: usize| width == len;
    match wire {
        Wire::W1 | Wire::Text | Wire::Bytes | Wire::Ip4 | Wire::Ip6 => {}
        Wire::W2 if integer(2) => flip(p, 2),
        Wire::W4 if integer(4) => flip(p, 4),
        Wire::W8 if integer(8) => flip(p, 8),
        Wire::W2 | Wire::W4 | Wire::W8 => {}
        Wire::Addr => match (first, len) {
            (2, 7) => flip(p + 5, 2),
            (10, 19) => flip(p + 17, 2),
            _ => {}
        },
        Wire::Tuple => match (first, len) {
            (2, 13) => [p + 5, p + 11].into_iter().for_each(|at| flip(at, 2)),
            (10, 37) => [p + 17, p + 35].into_iter().for_each(|at| flip(at, 2)),
            (1, 17..) => [p + 1, p + 9].into_iter().for_each(|at| flip(at, 8)),
            _ => {}
        },
        Wire::FdList => {
            // A count that is wrong makes the value malformed in either order, but not with the same bytes.
            if len >= 2 && 2 + 10 * usize::from(u16::from_le_bytes([file[p], file[p + 1]])) == len {
                flip(p, 2);
                for entry in (p + 2..p + len).step_by(10) {
                    flip(entry, 8);
                    flip(entry + 8, 2);
                }
            }
        }
        Wire::Dyn => match how {
            Some(How::Dyn(table)) => {
                let ty = DYN_TABLES[usize::from(table)].get(usize::from(first));
                if let Some(width) = ty.and_then(|ty| ty.int_width())
                    && len == 1 + usize::from(width)
                {
                    flip(p + 1, usize::from(width));
                }
            }
            Some(How::DynInt) if len == 9 => flip(p + 1, 8),
            _ => {}
        },
    }
}
