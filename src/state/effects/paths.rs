//! Joining and normalising paths, as Falco's engine does it.
//!
//! Symbolic links are never followed: a trace does not say where they lead. Source of the rules: the path
//! functions of `userspace/libsinsp/utils.cpp` in falcosecurity/libs at commit 48dfd53c.

use bstr::ByteSlice;

/// Longest path that is joined, with its terminating NUL.
const MAX_PATH: usize = 1024;

/// What a path that is too long becomes.
pub(crate) const TOO_LONG: &[u8] = b"/DIR_TOO_LONG/FILENAME_TOO_LONG";

/// Prefix of a path relative to a descriptor that is not known.
pub(crate) const UNKNOWN_DIR: &[u8] = b"<UNKNOWN>";

/// True if [`join`] gives an absolute path back as it is. Most paths are so.
pub(crate) fn is_plain(dir: &[u8], path: &[u8]) -> bool {
    let next = path.get(1..).unwrap_or_default();
    // Without an early end and without jumps, so that the loop takes many bytes at a time.
    let is_changed = |(&a, &b): (&u8, &u8)| u8::from((a == b'/') & ((b == b'/') | (b == b'.')) | (b == 0));
    dir.len() + path.len() < MAX_PATH
        && path.first() == Some(&b'/')
        && (path.len() == 1 || path.last() != Some(&b'/'))
        && path.iter().zip(next).map(is_changed).fold(0, |found, one| found | one) == 0
}

/// Writes `path`, taken relative to `dir` unless it is absolute, to `out`.
///
/// `dir` is copied as it is, without adding a separator. In `path`, `//` and `/./` collapse, `..` removes the
/// component before it (never more than there is), and a trailing `/` goes.
pub(crate) fn join(out: &mut Vec<u8>, dir: &[u8], path: &[u8]) {
    out.clear();
    let path = &path[..path.iter().position(|&b| b == 0).unwrap_or(path.len())];
    if dir.len() + path.len() + 1 > MAX_PATH {
        out.extend_from_slice(TOO_LONG);
        return;
    }
    if !path.is_empty() && path[0] != b'/' {
        out.extend_from_slice(dir);
    }
    let has_base = !out.is_empty();
    let mut rest = path;
    while let Some(&byte) = rest.first() {
        let is_start = out.last().is_none_or(|&last| last == b'/');
        match byte {
            b'.' if is_start => match rest {
                [b'.', b'.', b'/', tail @ ..] => {
                    pop_component(out);
                    rest = tail;
                }
                [b'.', b'.'] => {
                    pop_component(out);
                    rest = &[];
                }
                [b'.', b'/', tail @ ..] => rest = tail,
                [b'.'] => rest = &[],
                _ => rest = copy_component(out, rest),
            },
            // A relative path that `..` has emptied stays relative: "foo/../a" is "a".
            b'/' if !out.is_empty() && is_start || out.is_empty() && has_base => rest = &rest[1..],
            b'/' => {
                out.push(byte);
                rest = &rest[1..];
            }
            _ => rest = copy_component(out, rest),
        }
    }
    if out.len() > 1 && out.last() == Some(&b'/') {
        out.pop();
    }
}

/// Copies what stands before the next `/`, and gives what is left.
fn copy_component<'p>(out: &mut Vec<u8>, path: &'p [u8]) -> &'p [u8] {
    let (component, rest) = path.split_at(path.find_byte(b'/').unwrap_or(path.len()));
    out.extend_from_slice(component);
    rest
}

/// Removes the last component and its `/`; the leading `/` stays.
fn pop_component(out: &mut Vec<u8>) {
    if out.len() <= 1 {
        return;
    }
    out.pop();
    let keep = out.iter().rposition(|&b| b == b'/').map_or(0, |i| i + 1);
    out.truncate(keep);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_stay_as_they_are() {
        let long = format!("/{}", "x".repeat(MAX_PATH));
        for (path, expected) in [
            ("/", true),
            ("/etc/ld.so.cache", true),
            ("/a/b.c", true),
            ("", false),
            ("etc", false),
            ("/etc/", false),
            ("//etc", false),
            ("/etc/../x", false),
            ("/etc/.x", false),
            ("/a\0b", false),
            (&long, false),
        ] {
            assert_eq!(is_plain(b"", path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn joins_like_falco() {
        let long = "x".repeat(1020);
        for (dir, path, want) in [
            ("/home/u/", "f", "/home/u/f"),
            ("/home/u/", "/etc/passwd", "/etc/passwd"),
            ("/home/u/", "", ""),
            ("/home/u/", "./f", "/home/u/f"),
            ("/home/u/", "../f", "/home/f"),
            ("/home/u/", "../../../../f", "/f"),
            ("/home/u/", "..", "/home"),
            ("/home/u/", ".", "/home/u"),
            ("/home/u/", "a//b/./c/../d/", "/home/u/a/b/d"),
            ("/", "..", "/"),
            ("", "/", "/"),
            ("", "//etc//passwd", "/etc/passwd"),
            ("", "/a/../../b", "/b"),
            ("", "foo", "foo"),
            ("", "foo/../a", "a"),
            ("<UNKNOWN>", "foo", "<UNKNOWN>foo"),
            ("<UNKNOWN>", "../foo", "<UNKNOWN>../foo"),
            ("/d/", "...", "/d/..."),
            ("/d/", ".hidden", "/d/.hidden"),
            ("/d/", "a\0b", "/d/a"),
            ("/home/", &long, "/DIR_TOO_LONG/FILENAME_TOO_LONG"),
            (&long, "/etc/x", "/DIR_TOO_LONG/FILENAME_TOO_LONG"),
        ] {
            let mut out = Vec::new();
            join(&mut out, dir.as_bytes(), path.as_bytes());
            assert_eq!(String::from_utf8_lossy(&out), want, "{dir} + {path}");
            assert!(!is_plain(dir.as_bytes(), path.as_bytes()) || want == path, "{dir} + {path}");
        }
    }
}
