//! The list of segments at the end of a file, as rows.

use bstr::BStr;

use super::segment::{FILE_HEADER_LEN, Segment, SegmentType, flag, put_kinds, take_kinds};
use super::state::row_head;
use crate::event::{Arg, Batch, Nanos, Seq};

/// Code of the only table.
const ENTRY: u16 = 1;

/// Appends the row of a segment.
pub(crate) fn put_row(segment: &Segment, rows: &mut Batch) {
    rows.begin(row_head(ENTRY));
    let ints = [
        segment.len,
        u64::from(segment.ty.code()),
        u64::from(segment.n_rows),
        u64::from(segment.flags()),
        segment.seqs.0.0,
        segment.seqs.1.0,
        segment.times.0.0,
        segment.times.1.0,
    ];
    ints.into_iter().for_each(|v| rows.push(Arg::Int(v)));
    let mut kinds = Vec::new();
    put_kinds(&segment.kinds, &mut kinds);
    rows.push(Arg::Bytes(BStr::new(&kinds)));
}

/// The segments of a directory, which follow each other without gaps; `None` if a row cannot be one.
pub(crate) fn segments(rows: &Batch) -> Option<Vec<Segment>> {
    let mut offset = FILE_HEADER_LEN as u64;
    let mut out = Vec::with_capacity(rows.len());
    for (i, row) in rows.iter().enumerate() {
        let int = |at: usize| row.arg(at).uint();
        let len = int(0)?;
        out.push(Segment {
            offset,
            ty: SegmentType::of_code(u8::try_from(int(1)?).ok()?),
            number: u32::try_from(i).ok()?,
            n_rows: u32::try_from(int(2)?).ok()?,
            begins_section: int(3)? & u64::from(flag::BEGINS_SECTION) != 0,
            is_addition: int(3)? & u64::from(flag::IS_ADDITION) != 0,
            seqs: (Seq(int(4)?), Seq(int(5)?)),
            times: (Nanos(int(6)?), Nanos(int(7)?)),
            kinds: take_kinds(row.arg(8).bytes()?)?,
            len,
        });
        offset = offset.checked_add(len)?;
    }
    Some(out)
}
