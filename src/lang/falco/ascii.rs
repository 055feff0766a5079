//! How the YAML parser is given text that is ASCII, as nearly all rule files are: a character is a byte, which spares
//! it the decoding of every character it looks at, most of which it looks at several times.

use bstr::ByteSlice;
use saphyr_parser::Input;

/// Characters that the parser may look ahead. It also reserves so many bytes with each word of a scalar, for which it
/// begins with room for 32.
const LOOKAHEAD: usize = 30;

/// A text, and how much of it was read. It has no NUL, which the parser takes for the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ascii<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Ascii<'a> {
    /// The text, if it is ASCII.
    pub(super) fn new(text: &'a str) -> Option<Ascii<'a>> {
        text.is_ascii().then_some(Ascii { text: text.as_bytes(), at: 0 })
    }
}

impl Input for Ascii<'_> {
    fn lookahead(&mut self, _: usize) {}

    #[inline]
    fn buflen(&self) -> usize {
        LOOKAHEAD
    }

    #[inline]
    fn bufmaxlen(&self) -> usize {
        LOOKAHEAD
    }

    fn raw_read_ch(&mut self) -> char {
        let c = self.peek();
        self.skip();
        c
    }

    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        let c = self.peek_opt().filter(|c| !matches!(c, '\n' | '\r' | '\0'))?;
        self.skip();
        Some(c)
    }

    #[inline]
    fn skip(&mut self) {
        self.skip_n(1);
    }

    #[inline]
    fn skip_n(&mut self, count: usize) {
        self.at += count;
    }

    #[inline]
    fn peek(&self) -> char {
        self.peek_nth(0)
    }

    #[inline]
    fn peek_nth(&self, n: usize) -> char {
        self.text.get(self.at + n).map_or('\0', |&b| char::from(b))
    }

    #[inline]
    fn peek_opt(&self) -> Option<char> {
        self.text.get(self.at).map(|&b| char::from(b))
    }

    /// Comments.
    fn skip_while_non_breakz(&mut self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let n = rest.find_byteset(b"\n\r\0").unwrap_or(rest.len());
        self.skip_n(n);
        n
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use saphyr_parser::Parser;

    use super::*;

    /// Everything that the parser says of a text.
    fn events<I: Input>(parser: Parser<'_, I>) -> Vec<String> {
        let mut out = Vec::new();
        for event in parser {
            out.push(format!("{event:?}"));
            if event.is_err() {
                break;
            }
        }
        out
    }

    /// The parser must not notice how it is given a text.
    fn check(text: &str) {
        let input = Ascii::new(text).expect("ASCII");
        assert_eq!(events(Parser::new(input)), events(Parser::new_from_str(text)), "{text:?}");
    }

    #[test]
    fn texts() {
        let deep = format!("k:\n{0}- |\n{0}   deep\n{0}     er\n\n{0}   end\n", " ".repeat(40));
        let long = format!("k: {} {}\n", "word".repeat(50), "a b ".repeat(100));
        let cases = [
            "",
            "a",
            "- rule: x\n  condition: >\n    a and\n\n    b\n  tags: [x, 'y''s', \"z\\n\\x41\"] # end\n",
            "%YAML 1.2\n%TAG ! tag:x\n---\n!!str a: &b c\n...\n---\n*b : {d: e, ? f}\r\nx: 1\r\n",
            "k: |2-\n   one\n  two\n\n  three",
            "# only\r# comments",
            "a:\tb\n\t- c\n",
            "k: a #b\n  c\n",
            "k: >+\n  one\n   two\n\n\n",
            "a: [\n b,\nc]",
            "a: b: c\n",
            "- -\n- ? x\n  : y\n-\n",
            "x\0y",
            "k: |\n  a\0b\n",
            &deep,
            &long,
        ];
        cases.into_iter().for_each(check);
        assert!(Ascii::new("\u{fc}").is_none());
    }

    proptest! {
        #[test]
        fn any_text(parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", "key", ": ", ":", "- ", "-", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "'", "\"", "|\n", ">-\n",
                "#", " # c", "? ", "&a ", "*a", "!t ", "\t", "\r\n", "\\", "...\n", "---\n", "%", "@", "~",
            ]),
            0..40,
        )) {
            check(&parts.concat());
        }
    }
}
