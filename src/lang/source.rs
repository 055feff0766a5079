//! Rule files as they were read, places in them, and how a place is shown: file, line, column.

use std::ops::Range;

use bstr::ByteSlice;

/// A file as given to a language: a name for messages, and its bytes.
#[derive(Clone, Debug, Default)]
pub struct SourceFile {
    /// Name shown in messages and kept as the origin of rules; usually the path as the user gave it.
    pub path: String,
    /// Content, as read.
    pub bytes: Vec<u8>,
}

impl SourceFile {
    /// A file with a name and a content.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> SourceFile {
        SourceFile { path: path.into(), bytes: bytes.into() }
    }
}

/// A range of bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// Index of the file in its [`SourceMap`].
    pub file: u32,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of a file.
    pub fn new(file: u32, start: usize, end: usize) -> Span {
        // Files above `SourceMap::MAX_FILE` are refused, so offsets fit.
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span { file, start: narrow(start), end: narrow(end.max(start)) }
    }

    /// The smallest span that holds both; `self` if they are in different files.
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Offsets as a range.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A place as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// All files of one load.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<MappedFile>,
}

#[derive(Clone, Debug)]
struct MappedFile {
    path: String,
    bytes: Vec<u8>,
    line_starts: Vec<u32>,
}

impl SourceMap {
    /// Size in bytes above which a file is refused. Rule files are some hundred kilobytes.
    pub const MAX_FILE: usize = 32 << 20;

    /// Adds a file; its index is the `file` of its spans.
    pub fn add(&mut self, file: SourceFile) -> u32 {
        let SourceFile { path, bytes } = file;
        let mut line_starts = vec![0];
        let mut at = 0;
        while let Some(i) = bytes[at..].find_byte(b'\n') {
            at += i + 1;
            line_starts.push(at as u32);
        }
        self.files.push(MappedFile { path, bytes, line_starts });
        (self.files.len() - 1) as u32
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True if there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Name of a file; empty for an index that does not exist.
    pub fn path(&self, file: u32) -> &str {
        self.files.get(file as usize).map_or("", |f| &f.path)
    }

    /// Content of a file; empty for an index that does not exist.
    pub fn bytes(&self, file: u32) -> &[u8] {
        self.files.get(file as usize).map_or(&[], |f| &f.bytes)
    }

    /// Line and column of an offset. An offset behind the end counts as the end.
    pub fn position(&self, file: u32, offset: u32) -> Position {
        let Some(f) = self.files.get(file as usize) else { return Position { line: 1, column: 1 } };
        let offset = (offset as usize).min(f.bytes.len());
        let line = f.line_starts.partition_point(|&start| start as usize <= offset) - 1;
        let before = &f.bytes[f.line_starts[line] as usize..offset];
        Position { line: line as u32 + 1, column: chars_in(before) as u32 + 1 }
    }

    /// Bytes of a line (from 1) without its line end, and the offset of its first byte.
    pub fn line(&self, file: u32, line: u32) -> (usize, &[u8]) {
        let Some(f) = self.files.get(file as usize) else { return (0, &[]) };
        let Some(&start) = (line as usize).checked_sub(1).and_then(|i| f.line_starts.get(i)) else {
            return (f.bytes.len(), &[]);
        };
        let start = start as usize;
        let end = f.line_starts.get(line as usize).map_or(f.bytes.len(), |&next| next as usize);
        let mut text = &f.bytes[start..end];
        while let [rest @ .., b'\n' | b'\r'] = text {
            text = rest;
        }
        (start, text)
    }

    /// Bytes of a span.
    pub fn slice(&self, span: Span) -> &[u8] {
        let bytes = self.bytes(span.file);
        let end = (span.end as usize).min(bytes.len());
        &bytes[(span.start as usize).min(end)..end]
    }
}

/// Number of characters; a byte that belongs to no character counts as one.
pub(crate) fn chars_in(bytes: &[u8]) -> usize {
    bytes.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions() {
        let mut map = SourceMap::default();
        let file = map.add(SourceFile::new("a.yaml", "ab\nçd\r\n\nlast"));
        let cases =
            [(0, 1, 1), (1, 1, 2), (2, 1, 3), (3, 2, 1), (5, 2, 2), (8, 3, 1), (9, 4, 1), (13, 4, 5), (99, 4, 5)];
        for (offset, line, column) in cases {
            assert_eq!(map.position(file, offset), Position { line, column }, "offset {offset}");
        }
        assert_eq!(map.line(file, 2), (3, "çd".as_bytes()));
        assert_eq!(map.line(file, 3), (8, &b""[..]));
        assert_eq!(map.line(file, 9).1, b"");
        assert_eq!(map.line(7, 1).1, b"");
    }

    #[test]
    fn position_in_bytes_that_are_no_text() {
        let mut map = SourceMap::default();
        let file = map.add(SourceFile::new("a", vec![b'a', 0xff, 0xfe, b'b']));
        assert_eq!(map.position(file, 3), Position { line: 1, column: 4 });
    }
}
