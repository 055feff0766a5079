//! Blocks: the outer shape of a capture, which is that of pcapng.
//!
//! `u32 type`, `u32 length`, body, padding to 4, `u32 length` again. Numbers like 0x8001abcd are those of
//! versions before the first release and mean the same.

use super::cursor::Order;

/// Type of the section header block; reads the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
/// Byte-order magic of the section header.
pub(super) const MAGIC: u32 = 0x1a2b_3c4d;
/// Header and trailer of a block.
pub(super) const FRAME_LEN: usize = 12;
/// Longest event block, and longest block of any kind, that is read; the limits are ours.
pub(super) const MAX_EVENT_BLOCK: u32 = 256 << 20;
pub(super) const MAX_BLOCK: u32 = 1 << 30;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    SectionHeader,
    MachineInfo,
    /// Process list of a version.
    Processes(u8),
    /// Descriptors of one thread.
    Fds {
        has_lengths: bool,
    },
    Users {
        has_lengths: bool,
    },
    Interfaces {
        has_lengths: bool,
    },
    Event(EventBlock),
    /// To be skipped.
    Unknown,
}

/// Layout of an event block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventBlock {
    /// Dump flags stand behind the CPU number.
    pub(super) has_flags: bool,
    /// The number of parameters is stored (block version 2).
    pub(super) has_count: bool,
}

impl Block {
    pub(super) fn of(block_type: u32) -> Block {
        let event = |has_count, has_flags| Block::Event(EventBlock { has_flags, has_count });
        match block_type {
            SECTION_HEADER => Block::SectionHeader,
            0x201 | 0x8002_abcd => Block::MachineInfo,
            0x202 | 0x8000_abcd => Block::Processes(1),
            0x207 | 0x8013_abcd => Block::Processes(2),
            0x209 | 0x8014_abcd => Block::Processes(3),
            0x210..=0x215 => Block::Processes((block_type - 0x210) as u8 + 4),
            0x203 | 0x8001_abcd => Block::Fds { has_lengths: false },
            0x218 => Block::Fds { has_lengths: true },
            0x204 | 0x8010_abcd => event(false, false),
            0x208 => event(false, true),
            0x216 | 0x221 => event(true, false),
            0x217 | 0x222 => event(true, true),
            0x205 | 0x8011_abcd => Block::Interfaces { has_lengths: false },
            0x219 => Block::Interfaces { has_lengths: true },
            0x206 | 0x8012_abcd => Block::Users { has_lengths: false },
            0x220 => Block::Users { has_lengths: true },
            _ => Block::Unknown,
        }
    }

    /// Name for messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Block::SectionHeader => "section header",
            Block::MachineInfo => "machine info",
            Block::Processes(_) => "process list",
            Block::Fds { .. } => "descriptor list",
            Block::Users { .. } => "user list",
            Block::Interfaces { .. } => "interface list",
            Block::Event(_) => "event",
            Block::Unknown => "unknown",
        }
    }

    /// Shortest and longest whole block of this kind.
    pub(super) fn len_limits(self) -> (u32, u32) {
        match self {
            // CPU, event header.
            Block::Event(e) => {
                let header = 2 + if e.has_flags { 4 } else { 0 } + if e.has_count { 26 } else { 22 };
                (header + FRAME_LEN as u32, MAX_EVENT_BLOCK)
            }
            Block::SectionHeader => (FRAME_LEN as u32 + 16, MAX_BLOCK),
            _ => (FRAME_LEN as u32, MAX_BLOCK),
        }
    }
}

/// The 32-bit word at `at`.
pub(super) fn word(bytes: &[u8], at: usize, order: Order) -> Option<u32> {
    let word = *bytes.get(at..)?.first_chunk::<4>()?;
    Some(match order {
        Order::Little => u32::from_le_bytes(word),
        Order::Big => u32::from_be_bytes(word),
    })
}

/// Byte order of a section header's magic, or the magic if it is none.
pub(super) fn order_of(magic: [u8; 4]) -> Result<Order, u32> {
    if u32::from_le_bytes(magic) == MAGIC {
        Ok(Order::Little)
    } else if u32::from_be_bytes(magic) == MAGIC {
        Ok(Order::Big)
    } else {
        Err(u32::from_le_bytes(magic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_number_has_its_block() {
        let cases: &[(u32, Block)] = &[
            (0x0a0d_0d0a, Block::SectionHeader),
            (0x8002_abcd, Block::MachineInfo),
            (0x202, Block::Processes(1)),
            (0x8000_abcd, Block::Processes(1)),
            (0x8013_abcd, Block::Processes(2)),
            (0x8014_abcd, Block::Processes(3)),
            (0x210, Block::Processes(4)),
            (0x215, Block::Processes(9)),
            (0x8001_abcd, Block::Fds { has_lengths: false }),
            (0x218, Block::Fds { has_lengths: true }),
            (0x8010_abcd, Block::Event(EventBlock { has_flags: false, has_count: false })),
            (0x208, Block::Event(EventBlock { has_flags: true, has_count: false })),
            (0x216, Block::Event(EventBlock { has_flags: false, has_count: true })),
            (0x217, Block::Event(EventBlock { has_flags: true, has_count: true })),
            (0x221, Block::Event(EventBlock { has_flags: false, has_count: true })),
            (0x222, Block::Event(EventBlock { has_flags: true, has_count: true })),
            (0x8011_abcd, Block::Interfaces { has_lengths: false }),
            (0x219, Block::Interfaces { has_lengths: true }),
            (0x8012_abcd, Block::Users { has_lengths: false }),
            (0x220, Block::Users { has_lengths: true }),
            (0x223, Block::Unknown),
            (1, Block::Unknown),
        ];
        for &(number, expected) in cases {
            assert_eq!(Block::of(number), expected, "{number:#x}");
        }
    }
}
