//! YAML files whose keys are known: what files of suppressions and of suites have in common.
//!
//! What is misspelt is an error, never ignored: a key that does not count could be the one that matters.

use hashbrown::HashMap;

use crate::diagnostic::{Code, Diagnostic, suggestion};
use crate::falco::yaml::{self, Node, Style, Value};
use crate::falco::{invalid_text, readable};
use crate::render;
use crate::source::{SourceFile, SourceMap, Span};
use crate::text::Text;

/// Errors of keys kept of a file; one that has more is not a file of the kind that is read.
const MAX_DIAGNOSTICS: usize = 1000;

/// Values of a mapping by key, with the key's node; nulls are left out.
pub type Values<'n> = HashMap<&'n str, (&'n Node, &'n Node)>;

/// A file that was read as YAML.
#[derive(Debug)]
pub struct File {
    /// Its index among the sources.
    pub index: u32,
    /// Its text.
    pub text: String,
    /// The documents in it, null documents left out.
    pub documents: Vec<Node>,
    /// False if an error of syntax was reported: then the documents are what could be read.
    pub is_readable: bool,
}

impl File {
    /// Reads a file and adds it to the sources. `None` if it is too large or no text, which is reported.
    pub fn read(source: &SourceFile, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Option<File> {
        let index = sources.len() as u32;
        if source.bytes.len() > SourceMap::MAX_FILE {
            sources.add(SourceFile::new(source.path.clone(), Vec::new()));
            let message = format!("the file has more than {} MiB", SourceMap::MAX_FILE >> 20);
            diagnostics.push(Diagnostic::new(Code::Limit, Span::new(index, 0, 0), message));
            return None;
        }
        sources.add(source.clone());
        let (text, bad) = readable(&source.bytes);
        if let Some(&first) = bad.first() {
            diagnostics.push(invalid_text(&source.bytes, index, first, bad.len()));
            return None;
        }
        let before = diagnostics.len();
        let documents = yaml::parse(&text, index, diagnostics).documents;
        Some(File { index, text: text.into_owned(), documents, is_readable: diagnostics.len() == before })
    }
}

/// Codes of what can be wrong with keys and values.
#[derive(Clone, Copy, Debug)]
pub struct Codes {
    /// A missing key, a wrong type of value.
    pub invalid: Code,
    /// A key that is not known.
    pub unknown_key: Code,
    /// A value that must not be empty.
    pub empty: Code,
}

/// Takes the nodes of a file apart and reports what is wrong with them.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
    codes: Codes,
    n_errors: usize,
}

impl<'a> Reader<'a> {
    /// A reader of a file.
    pub fn new(file: &'a File, codes: Codes, diagnostics: &'a mut Vec<Diagnostic>) -> Reader<'a> {
        Reader { text: &file.text, diagnostics, codes, n_errors: 0 }
    }

    /// Errors reported of this file, those that are not kept included.
    pub fn n_errors(&self) -> usize {
        self.n_errors
    }

    /// Reports an error. Of very many only the first are kept.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.n_errors += 1;
        if self.n_errors <= MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Takes over what was found in a part of the file.
    pub fn take(&mut self, found: Vec<Diagnostic>) {
        for diagnostic in found {
            match diagnostic.is_error() {
                true => self.report(diagnostic),
                false => self.diagnostics.push(diagnostic),
            }
        }
    }

    /// Reports something of the wrong structure.
    pub fn invalid(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        let diagnostic = Diagnostic::new(self.codes.invalid, span, message).help(help);
        self.report(diagnostic);
    }

    /// Says how many errors of the file were not kept. Its last words.
    pub fn finish(self, file: &File) {
        if let n_more @ 1.. = self.n_errors.saturating_sub(MAX_DIAGNOSTICS) {
            let message = format!("{n_more} further errors in this file are not shown");
            let end = file.text.len();
            self.diagnostics.push(Diagnostic::new(Code::Limit, Span::new(file.index, end, end), message));
        }
    }

    /// The part of a span on its first line: what is shown of a mapping or of a whole document.
    pub fn first_line(&self, span: Span) -> Span {
        let range = span.range();
        let end = self.text.get(range.clone()).and_then(|part| part.find('\n')).map_or(range.end, |i| range.start + i);
        Span::new(span.file, range.start, end)
    }

    /// Reports a key that is not one of `known`.
    pub fn unknown_key(&mut self, key: &Node, known: &[&str], otherwise: &str) {
        let word = key.as_str().unwrap_or("");
        let begun = || known.iter().find(|known| word.len() > 3 && known.starts_with(word));
        let help = suggestion(word, known.iter().copied())
            .or_else(|| Some(format!("did you mean `{}`?", begun()?)))
            .unwrap_or_else(|| otherwise.to_owned());
        let message = format!("unknown key `{}`", render::visible(word.as_bytes()));
        self.report(Diagnostic::new(self.codes.unknown_key, key.span, message).help(help));
    }

    /// Values of a mapping by key. Reports keys that are not known, which is told in the second part, and keys given
    /// twice.
    pub fn values<'n>(&mut self, pairs: &'n [(Node, Node)], known: &[&str]) -> (Values<'n>, bool) {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut values = Values::new();
        let mut has_unknown = false;
        for (key, value) in pairs {
            let word = key.as_str().unwrap_or("");
            if !known.contains(&word) {
                has_unknown = true;
                self.unknown_key(key, known, &format!("keys are {}", known.join(", ")));
            } else if let Some(first) = seen.insert(word, key.span) {
                let message = format!("key `{word}` is given twice");
                self.report(Diagnostic::new(self.codes.invalid, key.span, message).also(first, "first here"));
            } else if !value.is_null() {
                values.insert(word, (key, value));
            }
        }
        (values, has_unknown)
    }

    /// What is shown of a mapping: its first key and value.
    pub fn head(&self, node: &Node, pairs: &[(Node, Node)]) -> Span {
        pairs.first().map_or(node.span, |(key, value)| key.span.to(self.first_line(value.span)))
    }

    /// The text of a key; `None` if it is absent, null, or (reported) no scalar.
    pub fn scalar(&mut self, values: &Values<'_>, key: &str) -> Option<Text> {
        let (key_node, node) = values.get(key)?;
        let text = node.text(self.text);
        if text.is_none() {
            self.invalid(key_node.span, format!("`{key}` is no text"), None);
        }
        text
    }

    /// As [`Reader::scalar`], as a string that is empty if there is none.
    pub fn string(&mut self, values: &Values<'_>, key: &str) -> String {
        self.scalar(values, key).map_or_else(String::new, |text| text.as_str().to_owned())
    }

    /// As [`Reader::scalar`], of a key that must be there and not blank.
    pub fn required(&mut self, values: &Values<'_>, key: &str, head: Span, help: Option<String>) -> Option<Text> {
        if !values.contains_key(key) {
            self.invalid(head, format!("`{key}` is missing"), help);
            return None;
        }
        let text = self.scalar(values, key)?;
        if is_blank(&text) {
            let span = values.get(key).map_or(head, |(key, value)| key.span.to(value.span));
            self.report(Diagnostic::new(self.codes.empty, span, format!("`{key}` is empty")));
            return None;
        }
        Some(text)
    }

    /// The truth value of a key; `otherwise` if it is absent or (reported) something else.
    pub fn bool(&mut self, values: &Values<'_>, key: &str, otherwise: bool) -> bool {
        let Some((_, node)) = values.get(key) else { return otherwise };
        match &node.value {
            Value::Scalar(text, Style::Plain) if matches!(text.as_str(), "true" | "True" | "TRUE") => true,
            Value::Scalar(text, Style::Plain) if matches!(text.as_str(), "false" | "False" | "FALSE") => false,
            _ => {
                let span = self.first_line(node.span);
                self.invalid(span, format!("`{key}` is neither true nor false"), None);
                otherwise
            }
        }
    }

    /// The items of the one list that a file is, below its only key, with all errors of there being no such list.
    /// `begin` is how an item can begin: `- name: `.
    pub fn only_list<'n>(&mut self, file: &'n File, key: &str, begin: &str) -> Vec<&'n Node> {
        let mut items = Vec::new();
        let mut has_list = false;
        for document in &file.documents {
            match &document.value {
                Value::Map(pairs) => {
                    for (word, value) in pairs {
                        if word.as_str() != Some(key) {
                            self.unknown_key(word, &[key], &format!("the only key of a file is `{key}`"));
                            continue;
                        }
                        has_list = true;
                        match &value.value {
                            Value::Seq(nodes) => items.extend(nodes),
                            _ => {
                                let span = self.first_line(value.span);
                                let help = format!("each item begins with {begin}; an empty list is `[]`");
                                self.invalid(span, format!("`{key}` is no list"), Some(help));
                            }
                        }
                    }
                }
                // After an error of syntax the file is cut at its items, which are then not below their key.
                _ if !file.is_readable => {}
                _ => {
                    let span = self.first_line(document.span);
                    let help = format!("a file is a mapping: `{key}:`, and below it a list");
                    self.invalid(span, format!("not a file of {key}"), Some(help));
                }
            }
        }
        if !has_list && file.is_readable && self.n_errors == 0 {
            let help = format!("a file is a mapping: `{key}:`, and below it a list, which may be empty: `[]`");
            self.invalid(Span::new(file.index, 0, 0), format!("the file has no key `{key}`"), Some(help));
        }
        items
    }

    /// The texts of a list, each with its place; reported if it is no list of texts.
    pub fn texts(&mut self, values: &Values<'_>, key: &str) -> Vec<(String, Span)> {
        let Some((key_node, node)) = values.get(key) else { return Vec::new() };
        let texts = match &node.value {
            Value::Seq(nodes) => nodes.iter().map(|node| Some((node.as_str()?.to_owned(), node.span))).collect(),
            _ => None,
        };
        texts.unwrap_or_else(|| {
            self.invalid(key_node.span, format!("`{key}` is no list of texts"), None);
            Vec::new()
        })
    }
}

/// True for a text of white space.
pub fn is_blank(text: &Text) -> bool {
    text.as_str().trim().is_empty()
}

/// Where a text was written.
pub fn span_of(text: &Text) -> Span {
    text.place(0..text.len()).span
}
