//! Text to query: one pass, bounded in size, depth and number of comparisons.

use tracehound_fields::FieldType;
use tracehound_lang::diagnostic::{Code, Diagnostic, Severity};
use tracehound_lang::source::Span;

use super::ast::{Bound, Clause, Key, Network, Node, NodeKind, Test};
use super::matcher::{Matcher, Number};
use super::pattern::{Pattern, Piece};
use super::{Mode, Query, names};
use crate::attributes;

/// Bytes of a query at most. Lists of paths are the longest ones in use, and have some kilobytes.
pub const MAX_LEN: usize = 512 << 10;
/// Parentheses inside parentheses at most.
pub const MAX_DEPTH: usize = 64;
/// Comparisons of a query at most.
pub const MAX_CLAUSES: usize = 1 << 16;
/// Remarks on one query at most; what there is more is counted.
const MAX_REMARKS: usize = 100;

/// Reads a query. `None` if it has an error; then at least one of the diagnostics is one. Places are offsets in the
/// text, of file 0.
///
/// An empty query is one that everything matches ([`Query::is_all`]); who must not accept that asks.
pub fn parse(text: &str, mode: Mode) -> (Option<Query>, Vec<Diagnostic>) {
    let mut parser = Parser::new(text, mode);
    let root = parser.query();
    let Parser { clauses, mut diagnostics, n_left_out, .. } = parser;
    if n_left_out > 0
        && let Some(last) = diagnostics.last_mut()
    {
        *last = last.clone().note(format!("{n_left_out} more remarks on this query are left out"), None);
    }
    let has_error = diagnostics.iter().any(Diagnostic::is_error);
    let query = root.ok().filter(|_| !has_error).map(|root| Query { text: text.to_owned(), root, clauses });
    (query, diagnostics)
}

/// The parser cannot go on; what is wrong has been noted.
struct Stop;

type Parsed<T> = Result<T, Stop>;

struct Parser<'t> {
    text: &'t str,
    at: usize,
    mode: Mode,
    depth: usize,
    /// Inside `same()`: names are those of an ancestor's attributes.
    is_same: bool,
    clauses: Vec<Clause>,
    diagnostics: Vec<Diagnostic>,
    n_left_out: usize,
}

/// A term as it stands, or the name of a field.
struct Scanned {
    pattern: Pattern,
    /// Characters that have a meaning elsewhere, with their offsets.
    unescaped: Vec<(usize, char)>,
    has_escape: bool,
    start: usize,
    /// It ends before a `:` and so names a field.
    is_field: bool,
}

/// What stands around a clause.
#[derive(Clone, Copy)]
struct Around<'k> {
    /// The field whose list it stands in.
    key: Option<&'k Key>,
    is_negated: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, mode: Mode) -> Parser<'t> {
        let (clauses, diagnostics) = (Vec::new(), Vec::new());
        Parser { text, at: 0, mode, depth: 0, is_same: false, clauses, diagnostics, n_left_out: 0 }
    }

    fn query(&mut self) -> Parsed<Node> {
        if self.text.len() > MAX_LEN {
            let message = format!("a query of {} bytes; at most {MAX_LEN} are accepted", self.text.len());
            return self.stop(Code::Limit, 0, message);
        }
        self.skip_blanks();
        if self.peek().is_none() {
            return Ok(self.node(NodeKind::All, 0));
        }
        let root = self.or(Around { key: None, is_negated: false })?;
        match self.peek() {
            None => Ok(root),
            Some(_) => self.stop_at(self.at, self.at + 1, "a `)` that closes nothing"),
        }
    }

    fn or(&mut self, around: Around<'_>) -> Parsed<Node> {
        let start = self.at;
        let mut parts = vec![self.and(around)?];
        while self.take_operator("OR", "||") {
            parts.push(self.and(around)?);
        }
        Ok(self.join(parts, start, NodeKind::Or))
    }

    fn and(&mut self, around: Around<'_>) -> Parsed<Node> {
        let start = self.at;
        let mut parts = vec![self.unary(around)?];
        loop {
            if !self.take_operator("AND", "&&") {
                self.skip_blanks();
                let is_end = matches!(self.peek(), None | Some(')')) || self.is_operator("OR", "||");
                if is_end {
                    break;
                }
            }
            parts.push(self.unary(around)?);
        }
        Ok(self.join(parts, start, NodeKind::And))
    }

    /// Parts that are themselves of the kind lose their parentheses.
    fn join(&self, mut parts: Vec<Node>, start: usize, kind: fn(Vec<Node>) -> NodeKind) -> Node {
        if parts.len() == 1
            && let Some(part) = parts.pop()
        {
            return part;
        }
        let is_or = matches!(kind(Vec::new()), NodeKind::Or(_));
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part.kind {
                NodeKind::Or(inner) if is_or => flat.extend(inner),
                NodeKind::And(inner) if !is_or => flat.extend(inner),
                kind => flat.push(Node { kind, span: part.span }),
            }
        }
        self.node(kind(flat), start)
    }

    fn unary(&mut self, around: Around<'_>) -> Parsed<Node> {
        let mut is_negated = false;
        self.skip_blanks();
        let start = self.at;
        loop {
            self.skip_blanks();
            if self.take_word("NOT") {
                is_negated = !is_negated;
                continue;
            }
            match self.peek() {
                Some(c @ ('-' | '+' | '!')) => {
                    self.at += 1;
                    if self.peek().is_none_or(|c| c.is_whitespace() || c == ')') {
                        let message = format!("nothing follows this `{c}`");
                        return self.stop_at(self.at - 1, self.at, message);
                    }
                    if c == '!' {
                        self.unescaped(self.at - 1, c, "to negate write `-`")?;
                    }
                    is_negated ^= c != '+';
                }
                _ => break,
            }
        }
        if self.peek().is_none() {
            return self.stop_at(start.min(self.text.len()), self.text.len(), "a value is missing at the end");
        }
        for word in ["AND", "OR"] {
            if self.is_word(word) {
                return self.stop_at(self.at, self.at + word.len(), format!("`{word}` needs something on both sides"));
            }
        }
        for symbols in ["&&", "||"] {
            if self.rest().starts_with(symbols) {
                return self.stop_at(self.at, self.at + 2, format!("`{symbols}` needs something on both sides"));
            }
        }
        let node = self.clause(Around { is_negated: around.is_negated != is_negated, ..around })?;
        if !is_negated {
            return Ok(node);
        }
        match node.kind {
            NodeKind::Not(inner) => Ok(*inner),
            _ => Ok(self.node(NodeKind::Not(Box::new(node)), start)),
        }
    }

    fn clause(&mut self, around: Around<'_>) -> Parsed<Node> {
        let start = self.at;
        match self.peek() {
            Some('(') => self.group(around),
            Some(')') => self.stop_at(start, start + 1, "a value is missing before this `)`"),
            Some('#') => {
                let message = "calculated fields (`#name`) exist only where they are defined";
                self.stop_at(start, start + 1, message)
            }
            _ if self.rest().starts_with("CIDR(") => self.cidr(around),
            _ if self.rest().starts_with("same(") => self.same(around),
            Some(c @ ('[' | '{' | '<' | '>')) if around.key.is_none() => {
                self.stop_at(start, start + 1, format!("`{c}` needs an attribute before it: `attribute:{c}...`"))
            }
            Some('[' | '{' | '<' | '>' | '"') => {
                let key = around.key.cloned().unwrap_or(Key::Message);
                self.value(&key, start, around)
            }
            _ => {
                let word = self.scan(false)?;
                if !word.is_field {
                    return self.term(around.key.cloned().unwrap_or(Key::Message), word, start, around);
                }
                let name = unescape(&self.text[start..self.at]);
                let is_plain = !word.has_escape;
                self.at += 1;
                match name.as_str() {
                    "_exists_" | "_missing_" if is_plain => self.existence(name == "_missing_", start, around),
                    "*" if !is_plain => self.value(&Key::Tag(name), start, around),
                    _ => {
                        let key = self.key(&name, start, self.at - 1)?;
                        self.value(&key, start, around)
                    }
                }
            }
        }
    }

    fn group(&mut self, around: Around<'_>) -> Parsed<Node> {
        let start = self.at;
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.stop(Code::Limit, start, format!("more than {MAX_DEPTH} parentheses inside each other"));
        }
        self.skip_blanks();
        if self.peek() == Some(')') {
            return self.stop_at(start, self.at + 1, "nothing stands between these parentheses");
        }
        let node = self.or(around)?;
        self.close(start)?;
        self.depth -= 1;
        Ok(node)
    }

    /// Takes the `)` of what was opened at `start`.
    fn close(&mut self, start: usize) -> Parsed<()> {
        self.skip_blanks();
        if self.peek() != Some(')') {
            return self.stop_at(start, start + 1, "this parenthesis is never closed");
        }
        self.at += 1;
        Ok(())
    }

    /// What follows `field:`.
    fn value(&mut self, key: &Key, start: usize, around: Around<'_>) -> Parsed<Node> {
        match self.peek() {
            None => self.stop_at(start, self.at, "a value is missing after this"),
            Some(c) if c.is_whitespace() || c == ')' => {
                let message = "a value is missing after this; a blank cannot stand between a field and its value";
                self.stop_at(start, self.at, message)
            }
            Some('(') => self.group(Around { key: Some(key), ..around }),
            Some('"') => {
                let text = self.phrase()?;
                self.push(key.clone(), Test::Phrase(text), start, around)
            }
            Some('[' | '{') => {
                let test = self.range()?;
                self.comparable(key, start)?;
                self.push(key.clone(), test, start, around)
            }
            Some('<' | '>') => {
                let test = self.comparison()?;
                self.comparable(key, start)?;
                self.push(key.clone(), test, start, around)
            }
            Some(_) => {
                let word = self.scan(true)?;
                self.term(key.clone(), word, start, around)
            }
        }
    }

    fn term(&mut self, key: Key, word: Scanned, start: usize, around: Around<'_>) -> Parsed<Node> {
        let raw = &self.text[word.start..self.at];
        if raw.is_empty() {
            return self.stop_at(start, self.at.max(start + 1), "a value is missing after this");
        }
        if key == Key::Message && matches!(raw, "and" | "or" | "not") {
            let message = format!("`{raw}` in lower case is a word that is searched for, not an operator");
            let help = format!("write `{}`", raw.to_ascii_uppercase());
            self.remark(Code::QueryLowercaseOperator, word.start, self.at, message, help);
        }
        if raw.contains(['“', '”', '„', '‟', '‘', '’']) {
            let message = "typographic quotation marks quote nothing";
            self.remark(Code::QueryCurlyQuote, word.start, self.at, message, "use `\"`".to_owned());
        }
        if let Some(&(at, c)) = word.unescaped.first() {
            self.unescaped(at, c, &format!("write `\\{c}`"))?;
        }
        let test = match (&key, word.pattern.is_any()) {
            (Key::Message | Key::Everything, true) => return Ok(self.node(NodeKind::All, start)),
            (_, true) => Test::Exists,
            (_, false) => Test::Term(word.pattern),
        };
        self.push(key, test, start, around)
    }

    /// `_exists_:field`, `_missing_:field`.
    fn existence(&mut self, is_missing: bool, start: usize, around: Around<'_>) -> Parsed<Node> {
        let word = self.scan(true)?;
        let name = unescape(&self.text[word.start..self.at]);
        if name.is_empty() {
            return self.stop_at(start, self.at, "the name of an attribute is missing after this");
        }
        let key = self.key(&name, word.start, self.at)?;
        if matches!(key, Key::Message | Key::Everything) {
            return self.stop_at(start, self.at, "the name of an attribute or a tag is missing after this");
        }
        let node =
            self.push(key, Test::Exists, start, Around { is_negated: around.is_negated != is_missing, ..around })?;
        Ok(if is_missing { self.node(NodeKind::Not(Box::new(node)), start) } else { node })
    }

    /// Up to a blank, a parenthesis, an operator or (unless it is a value) a `:`.
    fn scan(&mut self, is_value: bool) -> Parsed<Scanned> {
        let start = self.at;
        let mut word =
            Scanned { pattern: Pattern::default(), unescaped: Vec::new(), has_escape: false, start, is_field: false };
        let mut plain = start;
        let mut chars = self.rest().char_indices();
        let end = loop {
            let Some((i, c)) = chars.next() else { break self.text.len() };
            let at = start + i;
            // Everything but plain text ends a run of it.
            let is_special = matches!(
                c,
                '\\' | '*'
                    | '?'
                    | ':'
                    | '('
                    | ')'
                    | '"'
                    | '+'
                    | '-'
                    | '='
                    | '^'
                    | '~'
                    | '!'
                    | '<'
                    | '>'
                    | '{'
                    | '}'
                    | '['
                    | ']'
                    | '#'
                    | '&'
                    | '|'
            );
            if !is_special && !c.is_whitespace() {
                continue;
            }
            word.pattern.push_str(&self.text[plain..at]);
            plain = at;
            match c {
                '\\' => {
                    word.has_escape = true;
                    let Some((_, escaped)) = chars.next() else {
                        return self.stop_at(at, at + 1, "nothing follows this `\\`");
                    };
                    word.pattern.push_str(escaped.encode_utf8(&mut [0; 4]));
                    plain = at + 1 + escaped.len_utf8();
                }
                '*' | '?' => {
                    word.pattern.push(if c == '*' { Piece::Run } else { Piece::One });
                    plain = at + 1;
                }
                ':' if !is_value => {
                    word.is_field = true;
                    break at;
                }
                '"' if !is_value && self.text[start..at].starts_with('@') && self.text[..at].ends_with('.') => {
                    // `@a."b.c"`: the quotes only keep the dot from being one between names.
                    let Some(len) = self.text[at + 1..].find('"') else {
                        return self.stop_at(at, at + 1, "this quotation mark is never closed");
                    };
                    word.has_escape = true;
                    word.pattern.push_str(&self.text[at + 1..at + 1 + len]);
                    plain = at + len + 2;
                    while chars.clone().next().is_some_and(|(i, _)| start + i < plain) {
                        chars.next();
                    }
                }
                '(' | '"' => {
                    let message = format!("`{c}` inside a term");
                    let help = format!("write `\\{c}` if it belongs to the value, else put a blank before it");
                    return self.stop_with(at, at + 1, message, help);
                }
                ')' => break at,
                '&' | '|' if self.text[at + 1..].starts_with(c) => break at,
                c if c.is_whitespace() => break at,
                // These are plain inside a term, and have a meaning only at its start.
                '+' | '-' | '=' if i > 0 => {}
                '&' | '|' => {}
                c => word.unescaped.push((at, c)),
            }
        };
        word.pattern.push_str(&self.text[plain.min(end)..end]);
        self.at = end;
        if word.is_field {
            if end == start {
                return self.stop_at(start, start + 1, "the name of a field is missing before this `:`");
            }
            // In a name nothing but `:` has a meaning.
            word.unescaped.clear();
        }
        Ok(word)
    }

    fn phrase(&mut self) -> Parsed<String> {
        let start = self.at;
        let mut out = String::new();
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + 1 + i + 1;
                    return Ok(out);
                }
                '\\' => {
                    let Some((_, escaped)) = chars.next() else { break };
                    out.push(escaped);
                }
                c => out.push(c),
            }
        }
        self.stop_at(start, start + 1, "this quotation mark is never closed")
    }

    /// `[low TO high]`, `{low TO high}`, or one of each.
    fn range(&mut self) -> Parsed<Test> {
        let start = self.at;
        let is_low_in = self.peek() == Some('[');
        self.at += 1;
        let low = self.bound(start)?;
        self.skip_blanks();
        if !self.take_word("TO") {
            let help = "write `[1 TO 5]`; to search for a bracket write `\\[`".to_owned();
            return self.stop_with(start, self.at.max(start + 1), "a range without `TO`", help);
        }
        let high = self.bound(start)?;
        self.skip_blanks();
        let is_high_in = match self.peek() {
            Some(']') => true,
            Some('}') => false,
            _ => return self.stop_at(start, start + 1, "the range that begins here has no end"),
        };
        self.at += 1;
        let end = |text: Option<String>, is_in: bool| match text {
            None => Bound::Unbounded,
            Some(text) if is_in => Bound::Inclusive(text),
            Some(text) => Bound::Exclusive(text),
        };
        Ok(Test::Range { low: end(low, is_low_in), high: end(high, is_high_in) })
    }

    /// A value inside a range; `None` for `*`.
    fn bound(&mut self, start: usize) -> Parsed<Option<String>> {
        self.skip_blanks();
        if self.peek() == Some('"') {
            return self.phrase().map(Some);
        }
        let from = self.at;
        let mut chars = self.rest().char_indices();
        let mut len = self.rest().len();
        while let Some((i, c)) = chars.next() {
            match c {
                '\\' => {
                    chars.next();
                }
                ']' | '}' | '"' | '(' | ')' => {
                    len = i;
                    break;
                }
                c if c.is_whitespace() => {
                    len = i;
                    break;
                }
                _ => {}
            }
        }
        self.at += len;
        match &self.text[from..self.at] {
            "" => self.stop_at(start, self.at.max(start + 1), "a range needs a value on both sides of `TO`"),
            "*" => Ok(None),
            raw => Ok(Some(unescape(raw))),
        }
    }

    /// `>5`, `<=10`
    fn comparison(&mut self) -> Parsed<Test> {
        let start = self.at;
        let is_greater = self.peek() == Some('>');
        self.at += 1;
        let is_equal = self.peek() == Some('=');
        self.at += usize::from(is_equal);
        let text = match self.peek() {
            Some('"') => self.phrase()?,
            _ => {
                let word = self.scan(true)?;
                match word.pattern.as_text() {
                    Some("") => return self.stop_at(start, self.at, "a value is missing after this"),
                    Some(text) => text.to_owned(),
                    None => return self.stop_at(word.start, self.at, "a comparison cannot have wildcards"),
                }
            }
        };
        let bound = if is_equal { Bound::Inclusive(text) } else { Bound::Exclusive(text) };
        Ok(match is_greater {
            true => Test::Range { low: bound, high: Bound::Unbounded },
            false => Test::Range { low: Bound::Unbounded, high: bound },
        })
    }

    /// `CIDR(field, network, ...)`
    fn cidr(&mut self, around: Around<'_>) -> Parsed<Node> {
        let start = self.at;
        self.at += "CIDR(".len();
        let (from, name) = self.item();
        if name.is_empty() {
            return self.stop_at(start, self.at, "CIDR needs an attribute: `CIDR(@attribute, 10.0.0.0/8)`");
        }
        let key = self.key(&unescape(name), from, from + name.len())?;
        self.comparable(&key, start)?;
        let mut networks = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(',') => {
                    self.at += 1;
                    let (from, text) = self.item();
                    match Network::parse(text) {
                        Some(network) => networks.push(network),
                        None => {
                            let message = format!("`{text}` is no network");
                            let help = "write `10.0.0.0/8`, `fe80::/10` or an address".to_owned();
                            return self.stop_with(from, from + text.len().max(1), message, help);
                        }
                    }
                }
                Some(')') if !networks.is_empty() => break,
                Some(')') => return self.stop_at(start, self.at + 1, "CIDR needs a network"),
                Some(_) => return self.stop_at(self.at, self.at + 1, "a `,` is missing before this"),
                None => return self.stop_at(start, start + 5, "this parenthesis is never closed"),
            }
        }
        self.at += 1;
        self.push(key, Test::Cidr(networks), start, around)
    }

    /// Up to a comma, a blank or a parenthesis, with its offset.
    fn item(&mut self) -> (usize, &'t str) {
        self.skip_blanks();
        let from = self.at;
        let rest = &self.text[from..];
        let mut is_escaped = false;
        let len = rest.find(|c: char| {
            let is_end = !is_escaped && (matches!(c, ',' | '(' | ')' | ';') || c.is_whitespace());
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        let len = len.unwrap_or(rest.len());
        self.at += len;
        (from, &rest[..len])
    }

    /// `same(@process.ancestors; query)`
    fn same(&mut self, around: Around<'_>) -> Parsed<Node> {
        let start = self.at;
        self.at += "same(".len();
        let (from, name) = self.item();
        self.skip_blanks();
        if name != "@process.ancestors" || self.peek() != Some(';') {
            let help = "write `same(@process.ancestors; comm:sh AND args:-i)`".to_owned();
            return self.stop_with(from, self.at.max(from + 1), "`same` asks ancestors one by one", help);
        }
        self.at += 1;
        if self.is_same {
            return self.stop_at(start, self.at, "`same` inside `same`");
        }
        self.not_portable(start, self.at, "`same(...)`")?;
        self.depth += 1;
        self.is_same = true;
        let inner = self.or(Around { key: None, ..around })?;
        self.is_same = false;
        self.depth -= 1;
        self.close(start)?;
        self.push(Key::AnyOfAncestors, Test::Same(Box::new(inner)), start, around)
    }

    /// What a name means.
    fn key(&mut self, name: &str, start: usize, end: usize) -> Parsed<Key> {
        let relative = match (self.is_same, name.strip_prefix(names::ANCESTORS)) {
            (false, _) => None,
            (true, Some(rest)) => Some(format!("{}{rest}", names::ANCESTORS)),
            (true, None) if name.starts_with('@') => {
                return self.stop_at(start, end, "inside `same(@process.ancestors; ...)` only their attributes");
            }
            (true, None) => Some(format!("{}{name}", names::ANCESTORS)),
        };
        let name = relative.as_deref().unwrap_or(name);
        match name {
            "*" => return Ok(Key::Everything),
            "message" => return Ok(Key::Message),
            "tags" => return Ok(Key::Tags),
            "@process.ancestors.*" => {
                self.not_portable(start, end, "`@process.ancestors.*`")?;
                return Ok(Key::AnyOfAncestors);
            }
            _ => {}
        }
        if let Some(attribute) = attributes::lookup(name) {
            if attribute.name != name {
                let message = format!("`{name}` is another spelling of `{}`", attribute.name);
                self.remark(Code::AttributeAlias, start, end, message, None);
            }
            if let Some(why) = attribute.missing() {
                let message = format!("no trace has a value of `{}`: {why}", attribute.name);
                self.remark(Code::AttributeNotInTrace, start, end, message, None);
            }
            return Ok(Key::Attribute(attribute.id));
        }
        if !name.starts_with('@') {
            if let Some(attribute) = attributes::lookup(&format!("@{name}")) {
                let message = format!("`{name}` is taken for the key of a tag");
                let help = format!("the attribute is `{}`", attribute.name);
                self.remark(Code::UnknownAttribute, start, end, message, help);
            }
            return Ok(Key::Tag(name.to_owned()));
        }
        if name.contains(['*', '?']) {
            return self.stop_at(start, end, "names of attributes have no wildcards; `*:` searches all of them");
        }
        if name.contains(['[', ']']) {
            let help = "an attribute of several values matches if any of them does".to_owned();
            return self.stop_with(start, end, "names of attributes have no index", help);
        }
        let message = format!("no attribute `{name}`");
        // A look at all names, which a query of thousands of mistakes is not given for each.
        let help = if self.diagnostics.len() < MAX_REMARKS { attributes::suggestion(name) } else { None };
        if self.mode == Mode::Strict {
            let mut diagnostic = Diagnostic::new(Code::UnknownAttribute, self.span(start, end), message).help(help);
            diagnostic.severity = Severity::Error;
            self.diagnostics.push(diagnostic);
            return Err(Stop);
        }
        self.remark(Code::UnknownAttribute, start, end, message, help);
        Ok(Key::Unknown(name.to_owned()))
    }

    /// Refuses ranges and networks where there are only words.
    fn comparable(&mut self, key: &Key, start: usize) -> Parsed<()> {
        match key {
            Key::Message | Key::Everything => {
                self.stop_at(start, self.at, "ranges and networks need an attribute or a tag")
            }
            _ => Ok(()),
        }
    }

    fn push(&mut self, key: Key, test: Test, start: usize, around: Around<'_>) -> Parsed<Node> {
        if self.clauses.len() >= MAX_CLAUSES {
            return self.stop(Code::Limit, start, format!("more than {MAX_CLAUSES} comparisons"));
        }
        if self.is_same && matches!(key, Key::Message | Key::Everything | Key::Tags | Key::Tag(_)) {
            return self.stop_at(start, self.at, "inside `same(@process.ancestors; ...)` only their attributes");
        }
        if let Some(message) = mistyped(&key, &test) {
            self.remark(Code::AttributeType, start, self.at, message, None);
        }
        let matcher = Matcher::new(&key, &test);
        let span = self.span(start, self.at);
        self.clauses.push(Clause { key, test, span, is_negated: around.is_negated, matcher });
        Ok(Node { kind: NodeKind::Clause(self.clauses.len() - 1), span })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// True if this word stands here and ends.
    fn is_word(&self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        after
            .is_some_and(|after| after.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"')))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_here = self.is_word(word);
        self.at += if is_here { word.len() } else { 0 };
        is_here
    }

    fn is_operator(&self, word: &str, symbols: &str) -> bool {
        self.is_word(word) || self.rest().starts_with(symbols)
    }

    fn take_operator(&mut self, word: &str, symbols: &str) -> bool {
        self.skip_blanks();
        if self.take_word(word) {
            return true;
        }
        let is_here = self.rest().starts_with(symbols);
        self.at += if is_here { symbols.len() } else { 0 };
        is_here
    }

    /// A place. Never longer than the text, and never inside a character.
    fn span(&self, start: usize, end: usize) -> Span {
        let mut end = end.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        Span::new(0, start.min(end), end)
    }

    fn node(&self, kind: NodeKind, start: usize) -> Node {
        Node { kind, span: self.span(start, self.at) }
    }

    fn remark(
        &mut self,
        code: Code,
        start: usize,
        end: usize,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        if self.diagnostics.len() >= MAX_REMARKS {
            self.n_left_out += 1;
            return;
        }
        self.diagnostics.push(Diagnostic::new(code, self.span(start, end), message).help(help));
    }

    /// A character that would have to be escaped: a remark, in strict mode an error.
    fn unescaped(&mut self, at: usize, c: char, help: &str) -> Parsed<()> {
        let message = format!("`{c}` has a meaning in queries");
        if self.mode == Mode::Strict {
            return self.fail(Code::QueryUnescaped, at, at + c.len_utf8(), message, help.to_owned());
        }
        self.remark(Code::QueryUnescaped, at, at + c.len_utf8(), message, help.to_owned());
        Ok(())
    }

    fn not_portable(&mut self, start: usize, end: usize, what: &str) -> Parsed<()> {
        let message = format!("{what} is understood by this program only");
        if self.mode == Mode::Strict {
            return self.fail(Code::QueryNotPortable, start, end, message, None);
        }
        self.remark(Code::QueryNotPortable, start, end, message, None);
        Ok(())
    }

    fn fail<T>(
        &mut self,
        code: Code,
        start: usize,
        end: usize,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Parsed<T> {
        let mut diagnostic = Diagnostic::new(code, self.span(start, end), message).help(help);
        diagnostic.severity = Severity::Error;
        self.diagnostics.push(diagnostic);
        Err(Stop)
    }

    fn stop<T>(&mut self, code: Code, start: usize, message: String) -> Parsed<T> {
        self.fail(code, start, start + 1, message, None)
    }

    fn stop_at<T>(&mut self, start: usize, end: usize, message: impl Into<String>) -> Parsed<T> {
        self.fail(Code::QueryParse, start, end, message, None)
    }

    fn stop_with<T>(&mut self, start: usize, end: usize, message: impl Into<String>, help: String) -> Parsed<T> {
        self.fail(Code::QueryParse, start, end, message, help)
    }
}

/// Text without its escapes and without the quotation marks of a quoted name.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '"' => {}
            c => out.push(c),
        }
    }
    out
}

/// Why no value of the attribute's type can be what a test wants.
fn mistyped(key: &Key, test: &Test) -> Option<String> {
    let Key::Attribute(id) = key else { return None };
    let attribute = attributes::get(*id);
    let text = match test {
        Test::Term(pattern) => pattern.as_text(),
        Test::Phrase(text) => Some(text.as_str()),
        Test::Range { low, high } => low.text().or(high.text()),
        Test::Cidr(_) if attribute.ty != FieldType::Ip => {
            return Some(format!("`{}` is no address", attribute.name));
        }
        _ => None,
    }?;
    let (is_right, what) = match attribute.ty {
        FieldType::Bool => (matches!(text, "true" | "false"), "`true` or `false`"),
        FieldType::Ip => (text.parse::<std::net::IpAddr>().is_ok(), "an address"),
        ty if ty.is_numeric() => (Number::parse(text).is_some(), "a number"),
        _ => return None,
    };
    (!is_right).then(|| format!("`{}` is {what}, and `{text}` is not", attribute.name))
}
