//! The built-in dictionary of small segments: what most Linux hosts have in common.

use std::sync::OnceLock;

/// The words, with where they come from and their form.
///
/// They are part of version 1 of the format and never change: a better dictionary would come with new methods.
static WORDS: &str = include_str!("dictionary-1.txt");

/// Names of accounts, services, libraries and files, environments and cgroups, in the concatenated form in which
/// strings stand in a segment. A short trace is mostly its start state, and that is mostly these. For tools that read
/// compressed payloads themselves.
pub fn dictionary() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| bytes_of(WORDS))
}

/// The bytes that the words stand for.
fn bytes_of(words: &str) -> Vec<u8> {
    let lines = words.lines().filter(|line| !line.starts_with('#'));
    let mut out = Vec::new();
    for word in lines.flat_map(|line| line.split(' ')) {
        let mut bytes = word.bytes();
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                b'\\' => match bytes.next() {
                    Some(b'0') => 0,
                    Some(b'n') => b'\n',
                    Some(b's') => b' ',
                    _ => b'\\',
                },
                byte => byte,
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_concatenated() {
        let check = |words: &str, expected: &[u8]| assert_eq!(bytes_of(words), expected, "{words:?}");
        check("# a comment\n\nab c\nd", b"abcd");
        check(r"a\sb \0 \n c:\\d", b"a b\0\nc:\\d");
    }

    #[test]
    fn the_dictionary_is_frozen() {
        assert_eq!((dictionary().len(), crc32c::crc32c(dictionary())), (15382, 278_993_594));
    }
}
