//! The tables before the events: one file each.
//!
//! Every function appends what it can read to the section. It stops at the first entry that cannot be read, or goes
//! on behind it when entries carry their length, and reports the place.

mod fds;
mod interfaces;
mod machine;
mod processes;
mod users;

pub(super) use self::fds::fds;
pub(super) use self::interfaces::interfaces;
pub(super) use self::machine::machine;
pub(super) use self::processes::processes;
pub(super) use self::users::users;

use super::cursor::{Cursor, Order, Short};

/// A broken entry: its offset in the body, and what is wrong.
pub(super) type Report<'a> = &'a mut dyn FnMut(usize, &str);

/// Left-over bytes below this are padding, because the number of entries is not stored.
const MIN_ENTRY: usize = 4;

/// Why an entry cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// A field does not fit.
    Short,
    /// A kind of entry that is not known.
    Kind,
}

impl From<Short> for Broken {
    fn from(_: Short) -> Self {
        Broken::Short
    }
}

/// Reads entries that carry their length in front. `counts_itself` says whether the length covers its own four bytes.
fn entries_with_lengths(
    body: &[u8],
    start: usize,
    order: Order,
    counts_itself: bool,
    report: Report<'_>,
    mut entry: impl FnMut(&mut Cursor<'_>) -> Result<(), Broken>,
) {
    let mut at = start;
    while body.len() - at >= MIN_ENTRY {
        let mut cursor = Cursor::new(&body[at..], order);
        let own = if counts_itself { 4 } else { 0 };
        let len = cursor.u32().unwrap_or(0) as usize;
        if len < own || len - own > cursor.left() {
            report(at, "entry length does not fit into its block; left out the rest of the block");
            return;
        }
        let len = len - own;
        let fields = &body[at + 4..at + 4 + len];
        match entry(&mut Cursor::new(fields, order)) {
            Ok(()) => {}
            Err(Broken::Short) => report(at, "entry shorter than its fields; left out"),
            Err(Broken::Kind) => report(at, "entry of an unknown kind; left out"),
        }
        at += 4 + len;
    }
}

/// Reads entries that follow each other without lengths.
fn entries_in_a_row(
    body: &[u8],
    start: usize,
    order: Order,
    report: Report<'_>,
    mut entry: impl FnMut(&mut Cursor<'_>) -> Result<(), Broken>,
) {
    let mut cursor = Cursor::new(&body[start..], order);
    while cursor.left() >= MIN_ENTRY {
        let at = start + cursor.pos();
        match entry(&mut cursor) {
            Ok(()) => {}
            Err(Broken::Short) => {
                report(at, "entry reaches past the end of its block; left out");
                return;
            }
            Err(Broken::Kind) => {
                report(at, "entry of an unknown kind and without a length; left out the rest of the block");
                return;
            }
        }
    }
}
