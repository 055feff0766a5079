//! Text that was put together from parts of files, and remembers where each part is from.
//!
//! A condition passes through several hands before it is parsed: YAML removes quotes, escapes and indentation,
//! parts are appended, exceptions are added, lists are replaced by their items. A diagnostic must still point to
//! what the author wrote, so every step works on [`Text`].

use std::ops::Range;

use crate::source::Span;

/// Index into a table of expansions; see [`crate::falco::Expansion`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViaId(pub u32);

/// A place in a file, and the expansion that copied it from there, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where it was written.
    pub span: Span,
    /// The expansion (of a list) that put it where it was found.
    pub via: Option<ViaId>,
}

/// Text with the origin of each of its bytes.
#[derive(Clone, Debug, Default)]
pub struct Text {
    text: String,
    /// Sorted by `start`; together they cover the text.
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Offset in the text of its first byte.
    start: u32,
    place: Place,
    /// True if each byte of the text is a byte of the span; false if the piece as a whole stands for the span.
    is_verbatim: bool,
}

impl Text {
    /// Text that is written in a file exactly so, at `span`.
    pub fn verbatim(text: &str, span: Span) -> Text {
        Text::of_one_piece(text, Place { span, via: None }, true)
    }

    /// Text that stands for `span` without being written there.
    pub fn synthetic(text: &str, span: Span) -> Text {
        Text::of_one_piece(text, Place { span, via: None }, false)
    }

    fn of_one_piece(text: &str, place: Place, is_verbatim: bool) -> Text {
        if text.is_empty() {
            return Text::default();
        }
        Text { text: text.to_owned(), pieces: vec![Piece { start: 0, place, is_verbatim }] }
    }

    /// The text without the origin of its bytes, which [`Text::place_next`] gives in order; room for `n_parts` of it.
    pub(crate) fn without_places(text: &str, n_parts: usize) -> Text {
        Text { text: text.to_owned(), pieces: Vec::with_capacity(n_parts) }
    }

    /// Says where the bytes from an offset on are from, up to the next offset that is told of.
    pub(crate) fn place_next(&mut self, start: usize, place: Place, is_verbatim: bool) {
        self.push_piece(Piece { start: start as u32, place, is_verbatim });
    }

    /// Makes room for text that is to be appended: bytes, and parts of different places.
    pub fn reserve(&mut self, bytes: usize, parts: usize) {
        self.text.reserve(bytes);
        self.pieces.reserve(parts);
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text alone.
    pub fn into_string(self) -> String {
        self.text
    }

    /// Number of parts of different places.
    pub(crate) fn n_parts(&self) -> usize {
        self.pieces.len()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// True if empty.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Appends text from one place. `is_verbatim`: the bytes are those of the span.
    pub fn push(&mut self, text: &str, place: Place, is_verbatim: bool) {
        if text.is_empty() {
            return;
        }
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.push_piece(Piece { start, place, is_verbatim });
    }

    /// Appends the origin of text that is already there; one piece with that of the text before, if both follow each
    /// other in a file.
    fn push_piece(&mut self, piece: Piece) {
        if piece.is_verbatim
            && let Some(last) = self.pieces.last_mut()
            && last.is_verbatim
            && last.place.via == piece.place.via
            && last.place.span.file == piece.place.span.file
            && last.place.span.start + (piece.start - last.start) == piece.place.span.start
        {
            last.place.span.end = piece.place.span.end;
            return;
        }
        self.pieces.push(piece);
    }

    /// Appends text that nobody wrote (a blank, a parenthesis), attributed to the place before it.
    pub fn push_glue(&mut self, text: &str, fallback: Span) {
        let place = match self.pieces.last() {
            Some(Piece { place, .. }) => Place { span: Span { start: place.span.end, ..place.span }, via: place.via },
            None => Place { span: Span { end: fallback.start, ..fallback }, via: None },
        };
        self.push(text, place, false);
    }

    /// Appends a part of another text. With `via`, what had no expansion yet is marked as copied by it.
    pub fn push_range(&mut self, other: &Text, range: Range<usize>, via: Option<ViaId>) {
        if range.is_empty() {
            return;
        }
        let (from, to) = (range.start as u32, range.end as u32);
        let start = self.text.len() as u32;
        let pieces = &other.pieces[other.piece_at(range.start)..];
        let pieces = &pieces[..pieces.partition_point(|piece| piece.start < to)];
        self.text.push_str(&other.text[range]);
        let copied = |&Piece { start: begin, mut place, is_verbatim }: &Piece| {
            place.via = place.via.or(via);
            Piece { start: start + begin.saturating_sub(from), place, is_verbatim }
        };
        let Some((first, others)) = pieces.split_first() else { return };
        let mut piece = copied(first);
        if piece.is_verbatim {
            piece.place.span.start += from.saturating_sub(first.start);
        }
        self.pieces.reserve(pieces.len());
        self.push_piece(piece);
        self.pieces.extend(others.iter().map(copied));
        let end = self.text.len() as u32;
        if let Some(last) = self.pieces.last_mut().filter(|last| last.is_verbatim) {
            let span = &mut last.place.span;
            span.end = span.end.min(span.start + (end - last.start));
        }
    }

    /// Appends another text.
    pub fn push_all(&mut self, other: &Text) {
        self.push_range(other, 0..other.len(), None);
    }

    /// A part of the text.
    pub fn slice(&self, range: Range<usize>) -> Text {
        let mut out = Text::default();
        out.push_range(self, range, None);
        out
    }

    /// Without white space at both ends.
    pub fn trim(&self) -> Text {
        let trimmed = self.text.trim();
        let start = trimmed.as_ptr() as usize - self.text.as_ptr() as usize;
        self.slice(start..start + trimmed.len())
    }

    /// Place of a range of the text. If its parts are from different places, the place of its first part.
    pub fn place(&self, range: Range<usize>) -> Place {
        let first = self.place_at(range.start);
        if range.end <= range.start + 1 {
            return first;
        }
        let last = self.place_at(range.end - 1);
        let is_one = last.via == first.via && last.span.file == first.span.file && last.span.end >= first.span.start;
        if !is_one {
            return Place { span: self.until_end_of_piece(range), via: first.via };
        }
        Place { span: Span { end: last.span.end.max(first.span.end), ..first.span }, via: first.via }
    }

    /// The first byte of a range that an expansion brought which did not bring the range's beginning.
    pub fn expanded_inside(&self, range: Range<usize>) -> Option<usize> {
        let first = self.piece_at(range.start);
        let begin = self.pieces.get(first)?.place.via;
        self.pieces[first..]
            .iter()
            .take_while(|piece| (piece.start as usize) < range.end)
            .find(|piece| piece.place.via.is_some() && piece.place.via != begin)
            .map(|piece| piece.start as usize)
    }

    /// Span of the first piece's part of a range.
    fn until_end_of_piece(&self, range: Range<usize>) -> Span {
        let i = self.piece_at(range.start);
        let end = self.pieces.get(i + 1).map_or(self.text.len(), |next| next.start as usize).min(range.end);
        let last = self.place_at(end.saturating_sub(1).max(range.start));
        self.place_at(range.start).span.to(last.span)
    }

    /// Place of the byte at an offset; of the end for an offset behind it.
    pub fn place_at(&self, offset: usize) -> Place {
        let Some(piece) = self.pieces.get(self.piece_at(offset)) else {
            return Place { span: Span::default(), via: None };
        };
        if !piece.is_verbatim {
            return piece.place;
        }
        let span = piece.place.span;
        if offset >= self.text.len() {
            return Place { span: Span { start: span.end, ..span }, via: piece.place.via };
        }
        let start = (span.start + (offset as u32 - piece.start)).min(span.end);
        // To the end of the character, also for an offset inside of it.
        let end = (offset + 1..self.text.len()).find(|&i| self.text.is_char_boundary(i)).unwrap_or(self.text.len());
        let width = (end - offset) as u32;
        Place { span: Span { start, end: (start + width).min(span.end), ..span }, via: piece.place.via }
    }

    fn piece_at(&self, offset: usize) -> usize {
        self.pieces.partition_point(|piece| piece.start as usize <= offset).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { file: 0, start, end }
    }

    #[test]
    fn places_follow_the_parts() {
        let a = Text::verbatim("proc.name in (shells)", span(100, 121));
        let item = Text::verbatim("bash", span(10, 14));
        let mut out = Text::default();
        out.push_range(&a, 0..14, None);
        out.push_range(&item, 0..4, Some(ViaId(3)));
        out.push_range(&a, 20..21, None);
        assert_eq!(out.as_str(), "proc.name in (bash)");
        assert_eq!(out.place(0..9), Place { span: span(100, 109), via: None });
        assert_eq!(out.place(14..18), Place { span: span(10, 14), via: Some(ViaId(3)) });
        assert_eq!(out.place(18..19), Place { span: span(120, 121), via: None });
        // From the outer text into the list: the outer part only.
        assert_eq!(out.place(10..18), Place { span: span(110, 114), via: None });
        assert_eq!(out.place(0..19), Place { span: span(100, 121), via: None });
    }

    #[test]
    fn glue_and_ends() {
        let mut out = Text::default();
        out.push_glue("(", span(5, 9));
        out.push_all(&Text::verbatim("a b", span(5, 8)));
        out.push_glue(")", span(5, 9));
        assert_eq!(out.as_str(), "(a b)");
        assert_eq!(out.place(0..1).span, span(5, 5));
        assert_eq!(out.place(4..5).span, span(8, 8));
        assert_eq!(out.place(9..9).span, span(8, 8));
        assert_eq!(Text::default().place(0..5).span, Span::default());
    }

    #[test]
    fn trimmed() {
        let text = Text::verbatim(" \n a b\n", span(0, 7)).trim();
        assert_eq!(text.as_str(), "a b");
        assert_eq!(text.place(0..1).span, span(3, 4));
        assert_eq!(Text::verbatim("  ", span(0, 2)).trim().as_str(), "");
    }
}
