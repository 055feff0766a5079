//! What the reader of a converted trace had found, as rows.

use bstr::{BStr, ByteSlice};

use super::state::row_head;
use crate::event::{Arg, Batch, Event, Seq};
use crate::reader::ReadNotes;

/// Codes of the tables.
mod table {
    pub(super) const DAMAGE: u16 = 1;
    pub(super) const SKIPPED: u16 = 2;
    pub(super) const REMARK: u16 = 3;
    pub(super) const COUNTS: u16 = 4;
}

/// Counts of the original file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceCounts {
    pub n_records: u64,
    pub n_events: u64,
    pub n_unfinished: u64,
}

/// The notes as rows; none if there is nothing to say.
pub(crate) fn rows(notes: &ReadNotes) -> Batch {
    let mut out = Batch::default();
    let mut put = |code: u16, args: &[Arg<'_>]| {
        out.begin(row_head(code));
        args.iter().for_each(|&arg| out.push(arg));
    };
    for damage in &notes.damage {
        put(table::DAMAGE, &[Arg::Int(damage.offset), text(&damage.what), Arg::Int(damage.after.0)]);
    }
    for skipped in &notes.skipped {
        put(table::SKIPPED, &[Arg::Int(skipped.n), text(&skipped.what)]);
    }
    for remark in &notes.remarks {
        put(table::REMARK, &[text(remark)]);
    }
    if notes.n_records > 0 || notes.n_damage > 0 {
        let counts = [notes.n_records, notes.n_events, notes.n_unfinished, notes.n_damage];
        put(table::COUNTS, &counts.map(Arg::Int));
    }
    out
}

fn text(text: &str) -> Arg<'_> {
    Arg::Bytes(BStr::new(text.as_bytes()))
}

/// Adds the rows to the notes; returns the counts if they are among them.
pub(crate) fn add_rows(rows: &Batch, notes: &mut ReadNotes) -> Option<SourceCounts> {
    let number = |event: &Event<'_>, i: usize| event.arg(i).uint().unwrap_or(0);
    let words = |event: &Event<'_>, i: usize| event.arg(i).bytes().unwrap_or_default().to_str_lossy().into_owned();
    let mut counts = None;
    let mut n_listed = 0u64;
    for event in rows.iter() {
        match event.head.kind.0 {
            table::DAMAGE => {
                notes.damaged_after(Seq(number(&event, 2)), number(&event, 0), words(&event, 1));
                n_listed += 1;
            }
            table::SKIPPED => notes.skip(&words(&event, 1), number(&event, 0)),
            table::REMARK => notes.remarks.push(words(&event, 0)),
            table::COUNTS => {
                counts = Some(SourceCounts {
                    n_records: number(&event, 0),
                    n_events: number(&event, 1),
                    n_unfinished: number(&event, 2),
                });
                // Damage that was counted and not listed.
                let n_more = number(&event, 3).saturating_sub(n_listed);
                notes.n_damage = notes.n_damage.saturating_add(n_more);
            }
            _ => {}
        }
    }
    counts
}
