//! Flags of Linux in the numbering of the event vocabulary.

use rustix::fs::OFlags;
use tracehound_formats::event::flags::FILE_FLAGS;

/// Flags of `open` and their names in the table `file_flags`. `O_SYNC` holds the bit of `O_DSYNC`, `O_TMPFILE` that
/// of `O_DIRECTORY`.
const OPEN: [(OFlags, &str); 12] = [
    (OFlags::CREATE, "O_CREAT"),
    (OFlags::EXCL, "O_EXCL"),
    (OFlags::TRUNC, "O_TRUNC"),
    (OFlags::APPEND, "O_APPEND"),
    (OFlags::NONBLOCK, "O_NONBLOCK"),
    (OFlags::DSYNC, "O_DSYNC"),
    (OFlags::DIRECT, "O_DIRECT"),
    (OFlags::LARGEFILE, "O_LARGEFILE"),
    (OFlags::DIRECTORY, "O_DIRECTORY"),
    (OFlags::CLOEXEC, "O_CLOEXEC"),
    (OFlags::SYNC, "O_SYNC"),
    (OFlags::TMPFILE, "O_TMPFILE"),
];

/// Flags of an open file in the table `file_flags`.
pub(crate) fn open_flags(linux: u32) -> u32 {
    let mode = match linux & 3 {
        0 => "O_RDONLY",
        1 => "O_WRONLY",
        _ => "O_RDWR",
    };
    let set = OPEN.iter().filter(|(flag, _)| !flag.is_empty() && linux & flag.bits() == flag.bits());
    set.fold(bit(mode), |flags, (_, name)| flags | bit(name))
}

fn bit(name: &str) -> u32 {
    FILE_FLAGS.entries.iter().find(|(known, _)| *known == name).map_or(0, |&(_, bit)| bit)
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use super::*;

    #[test]
    fn flags_of_fdinfo() {
        for (linux, want) in [
            (0o0, "O_RDONLY"),
            (0o100001, "O_WRONLY|O_LARGEFILE"),
            (0o2102, "O_RDWR|O_CREAT|O_APPEND"),
            (0o2004002, "O_RDWR|O_NONBLOCK|O_CLOEXEC"),
            (0o4010000, "O_RDONLY|O_SYNC|O_DSYNC"),
            (0o20200002, "O_RDWR|O_TMPFILE|O_DIRECTORY"),
        ] {
            assert_eq!(open_flags(linux), want.split('|').fold(0, |flags, name| flags | bit(name)), "{linux:o}");
        }
    }
}
