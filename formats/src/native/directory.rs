//! The list of segments at the end of a file, as rows.

use bstr::BStr;

use super::segment::{Packing, Segment, SegmentType};
use super::state::row_head;
use crate::event::{Arg, Batch, KindId, Nanos, Seq};

/// Code of the only table.
const ENTRY: u16 = 1;

/// Appends the row of a segment.
pub(crate) fn put_row(segment: &Segment, rows: &mut Batch) {
    let packing = &segment.packing;
    rows.begin(row_head(ENTRY));
    let ints = [
        segment.offset,
        u64::from(segment.ty.code()),
        u64::from(segment.n_rows),
        u64::from(segment.begins_section),
        segment.seqs.0.0,
        segment.seqs.1.0,
        segment.times.0.0,
        segment.times.1.0,
        u64::from(packing.header_len),
        u64::from(packing.is_zstd),
        u64::from(packing.packed_len),
        u64::from(packing.unpacked_len),
        u64::from(packing.crc),
    ];
    ints.into_iter().for_each(|v| rows.push(Arg::Int(v)));
    let kinds: Vec<u8> = segment.kinds.iter().flat_map(|kind| kind.0.to_le_bytes()).collect();
    rows.push(Arg::Bytes(BStr::new(&kinds)));
}

/// The segments of a directory; `None` if a row cannot be one.
pub(crate) fn segments(rows: &Batch) -> Option<Vec<Segment>> {
    rows.iter()
        .enumerate()
        .map(|(i, row)| {
            let int = |at: usize| row.arg(at).uint();
            let packing = Packing {
                header_len: u16::try_from(int(8)?).ok()?,
                is_zstd: int(9)? == 1,
                packed_len: u32::try_from(int(10)?).ok()?,
                unpacked_len: u32::try_from(int(11)?).ok()?,
                crc: u32::try_from(int(12)?).ok()?,
            };
            Some(Segment {
                offset: int(0)?,
                ty: SegmentType::of_code(u8::try_from(int(1)?).ok()?),
                number: u32::try_from(i).ok()?,
                n_rows: u32::try_from(int(2)?).ok()?,
                begins_section: int(3)? != 0,
                seqs: (Seq(int(4)?), Seq(int(5)?)),
                times: (Nanos(int(6)?), Nanos(int(7)?)),
                kinds: row.arg(13).bytes()?.chunks_exact(2).map(|c| KindId(u16::from_le_bytes([c[0], c[1]]))).collect(),
                len: u64::from(packing.header_len) + u64::from(packing.packed_len),
                packing,
            })
        })
        .collect()
}
