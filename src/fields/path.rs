//! Joining and normalising of paths, exactly as Falco does it: lexically, without following symbolic links.

use bstr::ByteSlice;

/// Longest joined path; a longer one is replaced by [`TOO_LONG`].
pub const MAX_LEN: usize = 1024;

/// What Falco shows in place of a path that is longer than [`MAX_LEN`].
pub const TOO_LONG: &[u8] = b"/DIR_TOO_LONG/FILENAME_TOO_LONG";

/// What Falco shows in place of the directory of a relative path whose descriptor it does not know.
pub const UNKNOWN: &[u8] = b"<UNKNOWN>";

/// Joins a directory and a path and normalises the path: `//` becomes one `/`, `.` goes, `..` takes away the
/// component before it (never more than there is), a trailing `/` goes.
///
/// The directory is taken as it stands: no separator is put between the two, and it is not normalised itself,
/// though `..` of the path can take away its components. An absolute path ignores the directory.
pub fn join(dir: &[u8], path: &[u8]) -> Vec<u8> {
    let path = &path[..path.iter().position(|&b| b == 0).unwrap_or(path.len())];
    if dir.len() + path.len() + 1 > MAX_LEN {
        return TOO_LONG.to_vec();
    }
    let is_relative = path.first().is_some_and(|&b| b != b'/');
    let mut out = if is_relative { dir.to_vec() } else { Vec::with_capacity(path.len()) };
    let has_base = !out.is_empty();
    let mut rest = path;
    while let Some(&byte) = rest.first() {
        let at_start = out.last().is_none_or(|&b| b == b'/');
        match byte {
            b'.' if at_start => match rest {
                [b'.', b'.', b'/', ..] => {
                    pop(&mut out);
                    rest = &rest[3..];
                }
                [b'.', b'.'] => {
                    pop(&mut out);
                    rest = &rest[2..];
                }
                [b'.', b'/', ..] => rest = &rest[2..],
                [b'.'] => rest = &rest[1..],
                _ => rest = push_name(&mut out, rest),
            },
            b'/' => {
                let is_double = out.last() == Some(&b'/');
                // All of the directory was taken away by `..`: what follows is relative to nothing.
                let is_rewound = out.is_empty() && has_base;
                if !is_double && !is_rewound {
                    out.push(byte);
                }
                rest = &rest[1..];
            }
            _ => rest = push_name(&mut out, rest),
        }
    }
    if out.len() > 1 && out.last() == Some(&b'/') {
        out.pop();
    }
    out
}

/// Adds what stands before the next `/`, and gives what is left.
fn push_name<'p>(out: &mut Vec<u8>, path: &'p [u8]) -> &'p [u8] {
    let (name, rest) = path.split_at(path.find_byte(b'/').unwrap_or(path.len()));
    out.extend_from_slice(name);
    rest
}

/// Takes away the last component; the root stays.
fn pop(out: &mut Vec<u8>) {
    if out.len() <= 1 {
        return;
    }
    out.pop();
    while out.last().is_some_and(|&b| b != b'/') {
        out.pop();
    }
}

/// True if [`join`] would return this absolute path unchanged, so that it can be borrowed.
pub fn is_normal(path: &[u8]) -> bool {
    if path.first() != Some(&b'/') || path.len() + 1 > MAX_LEN {
        return false;
    }
    if path.len() == 1 {
        return true;
    }
    // What most paths have nothing of is found many bytes at a time, without an early end; the rest is looked at.
    let is_odd = |(&a, &b): (&u8, &u8)| (a == b'/') & ((b == b'/') | (b == b'.')) | (b == 0);
    if path.last() != Some(&b'/') && !path.iter().zip(&path[1..]).fold(false, |found, pair| found | is_odd(pair)) {
        return true;
    }
    path[1..].split(|&b| b == b'/').all(|part| !matches!(part, b"" | b"." | b"..")) && !path.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins() {
        for (dir, path, want) in [
            ("/home/u/", "a", "/home/u/a"),
            ("/home/u/", "./a/./b/", "/home/u/a/b"),
            ("/home/u/", "../a", "/home/a"),
            ("/home/u/", "../../../a", "/a"),
            ("/home/u/", "..", "/home"),
            ("/home/u/", ".", "/home/u"),
            ("/", "a", "/a"),
            ("", "a", "a"),
            ("", "a/../b", "b"),
            ("./", "a", "./a"),
            ("<UNKNOWN>", "a/b", "<UNKNOWN>a/b"),
            ("/home/u/", "/etc//x/../passwd", "/etc/passwd"),
            ("/home/u/", "/", "/"),
            ("/home/u/", "/..", "/"),
            ("/home/u/", "//", "/"),
            ("/home/u/", "", ""),
            ("/home/u/", "..a/.b", "/home/u/..a/.b"),
            ("", "/a/...", "/a/..."),
        ] {
            assert_eq!(join(dir.as_bytes(), path.as_bytes()).as_bstr(), want, "{dir} + {path}");
            if path.starts_with('/') {
                assert_eq!(is_normal(path.as_bytes()), path == want, "{path}");
            }
        }
        assert_eq!(join(b"/", &[b'a'; 1023]), TOO_LONG);
    }
}
