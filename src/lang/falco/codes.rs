//! How many event codes of Falco a set of kinds is: its warning about rules that ask for too many counts these.
//!
//! Falco numbers the beginning and the end of each system call, and gives a new pair of numbers to a call whose
//! arguments changed; calls recorded by number alone share one pair. Source: the event table of falcosecurity/libs at
//! commit 48dfd53c; `ppm_event_codes` of `filter/ppm_codes.cpp`; `compile_rule_infos` of `rule_loader_compiler.cpp`.

use tracehound_fields::subject;
use tracehound_rules::KindSet;

/// Falco warns about more than these.
pub const MAX_CODES: usize = 100;

/// Names that have another number of codes than two.
const CODES: &[(&str, usize)] = &[
    ("accept", 4),
    ("accept4", 6),
    ("bpf", 4),
    ("brk", 4),
    ("clone", 8),
    ("close_range", 1),
    ("dup", 4),
    ("execve", 16),
    ("fork", 6),
    ("ioctl", 4),
    ("keyctl", 1),
    ("link", 4),
    ("linkat", 4),
    ("mkdir", 4),
    ("openat", 4),
    ("rmdir", 4),
    ("umount", 4),
    ("unlink", 4),
    ("unlinkat", 4),
    ("vfork", 6),
];

/// The number of codes that a rule which asks for these kinds has.
pub fn count(kinds: &KindSet) -> usize {
    if kinds.is_all() {
        return usize::MAX;
    }
    let mut n = 0;
    let mut has_generic = false;
    for name in kinds.names() {
        if subject::kind_codes(name).into_iter().all(subject::kind_is_generic) {
            has_generic = true;
        } else {
            n += CODES.iter().find(|(known, _)| *known == name).map_or(2, |(_, n)| *n);
        }
    }
    n + if has_generic { 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let generic = ["getpid", "getppid", "getpgid", "getsid", "sysinfo", "times", "uname", "umask", "wait4", "sync"];
        let cases: &[(&[&str], usize)] = &[
            (&[], 0),
            (&["open"], 2),
            (&["open", "openat", "openat2"], 8),
            (&["execve", "execveat"], 18),
            (&["accept", "accept4", "connect", "listen"], 14),
            (&generic, 2),
            (&["getpid", "open"], 4),
        ];
        for (names, expected) in cases {
            assert_eq!(count(&KindSet::named(names.iter().copied())), *expected, "{names:?}");
        }
        assert!(count(&KindSet::all()) > MAX_CODES);
        assert!(count(&KindSet::named(["open"]).complement()) > MAX_CODES);
    }
}
