//! Texts of a page, each stored once.

use std::collections::HashMap;

use tracehound_signals::visible::Visible;
use tracehound_state::{History, Sym};

/// Bytes of a text that are shown; of a longer one the beginning, and its length.
pub(super) const MAX_TEXT: usize = 4096;
/// Bytes of all texts together from which on texts are cut to [`MAX_TEXT_OF_MANY`].
const MAX_ALL: usize = 24 << 20;
/// Bytes of a text that are shown of very many.
const MAX_TEXT_OF_MANY: usize = 256;

/// Texts by number. Everything a reader could not see, or a browser would obey, is visible: see [`Visible`].
#[derive(Default)]
pub(super) struct Texts {
    /// Text, and the length in bytes of what it is the beginning of.
    rows: Vec<(String, Option<usize>)>,
    index: HashMap<(String, Option<usize>), u32>,
    syms: HashMap<Sym, u32>,
    n_bytes: usize,
}

impl Texts {
    /// The number of a text of any bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> u32 {
        let max = if self.n_bytes > MAX_ALL { MAX_TEXT_OF_MANY } else { MAX_TEXT };
        let (shown, length) = match bytes.get(..max) {
            Some(shown) if bytes.len() > max => (whole_chars(shown), Some(bytes.len())),
            _ => (bytes, None),
        };
        let row = (Visible(shown).to_string(), length);
        if let Some(&i) = self.index.get(&row) {
            return i;
        }
        let i = self.rows.len() as u32;
        self.n_bytes += row.0.len();
        self.rows.push(row.clone());
        self.index.insert(row, i);
        i
    }

    /// The number of a text.
    pub(super) fn text(&mut self, text: &str) -> u32 {
        self.bytes(text.as_bytes())
    }

    /// The number of a string of the history.
    pub(super) fn sym(&mut self, history: &History, sym: Sym) -> u32 {
        if let Some(&i) = self.syms.get(&sym) {
            return i;
        }
        let i = self.bytes(history.text(sym));
        self.syms.insert(sym, i);
        i
    }

    /// As [`Texts::sym`]; -1 for none.
    pub(super) fn option(&mut self, history: &History, sym: Option<Sym>) -> i64 {
        sym.map_or(-1, |sym| self.sym(history, sym).into())
    }

    /// A JSON array: a text, or text and whole length.
    pub(super) fn json(&self) -> String {
        let mut out = String::with_capacity(self.n_bytes + 4 * self.rows.len() + 2);
        out.push('[');
        for (i, (text, length)) in self.rows.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            let text = serde_json::Value::from(text.as_str());
            match length {
                None => out += &text.to_string(),
                Some(length) => out += &format!("[{text},{length}]"),
            }
        }
        out.push(']');
        out
    }
}

/// Without the beginning of a character at the end.
fn whole_chars(bytes: &[u8]) -> &[u8] {
    match bytes.utf8_chunks().last() {
        // What is cut within a character is at most three bytes; other bytes that are no UTF-8 are kept.
        Some(chunk) if chunk.invalid().len() < 4 && !chunk.invalid().is_empty() => {
            &bytes[..bytes.len() - chunk.invalid().len()]
        }
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_and_told() {
        let long = "é".repeat(MAX_TEXT);
        let mut texts = Texts::default();
        assert_eq!(texts.bytes(b""), 0);
        assert_eq!(texts.bytes("a\u{202e}<".as_bytes()), 1);
        assert_eq!(texts.bytes(b""), 0);
        assert_eq!(texts.bytes(format!("x{long}").as_bytes()), 2);
        let shown = format!("x{}", "é".repeat((MAX_TEXT - 1) / 2));
        assert_eq!(texts.json(), format!(r#"["","a\\u{{202e}}<",["{shown}",{}]]"#, 1 + 2 * MAX_TEXT));
    }
}
