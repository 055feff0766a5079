//! Recursive descent over section 2.1, with its limit of nested calls.

use std::ops::Range;
use std::sync::OnceLock;

use tracehound_rules::{Op, Quirk, Transform};

use super::ast::{Ast, Check, Condition, Operand, Rhs, Value};
use super::lexer::{
    Arity, MODIFIERS, OPERATORS, TRANSFORMERS, arity, bare_arg_len, bare_len, field_name_len, identifier_len, is_blank,
    number_len, quirks_of_quoted, quoted_len, transformer_name, unquote,
};
use crate::diagnostic::suggestion;
use crate::render::short;
use crate::text::Text;

/// Nested calls of the parser accepted: about 200 levels of parentheses. The limit is Falco's.
pub const MAX_DEPTH: u32 = 1000;
/// Transformers nested in transformers accepted. Falco has only the limit above.
const MAX_CALLS: u32 = 64;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where, in the text.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Errors are boxed to keep the frames of the recursion small.
type Parse<T> = Result<T, Box<ParseError>>;

/// Parses a condition whose lists are expanded.
pub fn parse(text: Text) -> Result<Condition, (ParseError, Text)> {
    let mut parser = Parser {
        text: text.as_str(),
        at: 0,
        depth: 0,
        depth_of_calls: 0,
        glued: None,
        looks_back: false,
        checks: Vec::new(),
    };
    let result = parser.whole();
    let checks = std::mem::take(&mut parser.checks);
    match result {
        Ok(ast) => Ok(Condition { ast, checks, text }),
        Err(mut error) => {
            if parser.looks_back && error.help.is_none() {
                error.help = Some("a quote after a backslash does not close, even after `\\\\`".to_owned());
            }
            Err((*error, text))
        }
    }
}

/// Parses the field or transformer that a text begins with (outputs, fields of exceptions), and says where it ends.
pub fn parse_operand_prefix(text: &str) -> Option<(Operand, usize)> {
    let mut parser =
        Parser { text, at: 0, depth: 0, depth_of_calls: 0, glued: None, looks_back: false, checks: Vec::new() };
    let operand = parser.lhs().ok()??;
    Some((operand, parser.at))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    depth_of_calls: u32,
    /// A word that was read as a list operator and a list's name, because it begins with `in` or `pmatch`.
    glued: Option<Range<usize>>,
    /// True if a string went on behind a quote because of the backslash before it, `Quirk::QuoteLookBack`.
    looks_back: bool,
    checks: Vec<Check>,
}

impl Parser<'_> {
    fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Skips blanks; true if there were any.
    fn blank(&mut self) -> bool {
        let n = self.rest().iter().take_while(|&&b| is_blank(b)).count();
        self.at += n;
        n > 0
    }

    fn eat(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token.as_bytes());
        if is_next {
            self.at += token.len();
        }
        is_next
    }

    fn take(&mut self, len: usize) -> String {
        let start = self.at;
        self.at += len;
        self.text[start..self.at].to_owned()
    }

    /// The word at a place, for messages: up to a blank or parenthesis, at least one character.
    fn word_at(&self, at: usize) -> Range<usize> {
        let rest = &self.text[at..];
        let len = rest.find(|c: char| c.is_whitespace() || c == '(' || c == ')').unwrap_or(rest.len());
        let len = if len == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { len };
        at..at + len
    }

    fn error<T>(&self, message: impl Into<String>) -> Parse<T> {
        Err(Box::new(ParseError { range: self.word_at(self.at), message: message.into(), help: None }))
    }

    fn error_at<T>(&self, range: Range<usize>, message: impl Into<String>) -> Parse<T> {
        Err(Box::new(ParseError { range, message: message.into(), help: None }))
    }

    /// Counts a nested call. An error ends the parse, so only success needs to [`Parser::leave`].
    fn enter(&mut self) -> Parse<()> {
        self.depth += 1;
        if self.depth >= MAX_DEPTH {
            return self.error_at(
                self.at..(self.at + 1).min(self.text.len()),
                format!("exceeded max depth limit of {MAX_DEPTH}"),
            );
        }
        Ok(())
    }

    fn leave<T>(&mut self, result: T) -> Parse<T> {
        self.depth -= 1;
        Ok(result)
    }

    fn whole(&mut self) -> Parse<Ast> {
        if self.text.is_empty() {
            return self.error("filter input string is empty");
        }
        let ast = self.or()?;
        self.blank();
        if self.at == self.text.len() {
            return Ok(ast);
        }
        Err(self.trailing())
    }

    /// Something behind a complete condition.
    fn trailing(&self) -> Box<ParseError> {
        let before = self.text[..self.at].trim_end();
        let last = before.rfind(|c: char| c.is_whitespace() || c == '(').map_or(before, |i| &before[i..]).trim();
        let last = last.trim_start_matches('(');
        if let Some(glued) = self.glued.clone().filter(|glued| glued.end == before.len()) {
            return self.unknown_operator(glued);
        }
        let range = self.word_at(self.at);
        let word = &self.text[range.clone()];
        let help = match word {
            ")" => Some("this parenthesis closes nothing".to_owned()),
            w if w.starts_with("&&") => Some("write `and`".to_owned()),
            w if w.starts_with("||") => Some("write `or`".to_owned()),
            w if w.starts_with(',') => Some("a list is written in parentheses: `in (a, b)`".to_owned()),
            w if w.starts_with('#') => Some("a condition has no comments".to_owned()),
            w if w.starts_with("==") || w.starts_with('=') => {
                Some("an operator is written `=`, `==` or `!=`".to_owned())
            }
            w => suggestion(w, ["and", "or"]).or_else(|| {
                let is_operator = OPERATORS.iter().any(|(name, _)| *name == w);
                is_operator.then(|| format!("a field has a dot in its name; `{}` is read as a macro", short(last, 40)))
            }),
        };
        let message = format!("unexpected token after '{}', expecting 'or', 'and'", short(last, 60));
        Box::new(ParseError { range, message, help })
    }

    fn or(&mut self) -> Parse<Ast> {
        self.enter()?;
        self.blank();
        let first = self.and()?;
        self.blank();
        let mut parts = vec![first];
        while self.eat("or") {
            let part = self.operand_of("or", Self::and)?;
            parts.push(part);
            self.blank();
        }
        self.leave(one_or(parts, Ast::Or))
    }

    fn and(&mut self) -> Parse<Ast> {
        self.enter()?;
        self.blank();
        let first = self.not()?;
        self.blank();
        let mut parts = vec![first];
        while self.eat("and") {
            let part = self.operand_of("and", Self::not)?;
            parts.push(part);
            self.blank();
        }
        self.leave(one_or(parts, Ast::And))
    }

    /// What follows `and` or `or`: a blank and a part, or a parenthesis.
    fn operand_of(&mut self, word: &str, part: fn(&mut Self) -> Parse<Ast>) -> Parse<Ast> {
        if self.blank() {
            return part(self);
        }
        if self.eat("(") {
            return self.inside(self.at - 1);
        }
        let start = self.at - word.len();
        self.error_at(self.word_at(start), format!("expected blank or '(' after '{word}'"))
    }

    fn not(&mut self) -> Parse<Ast> {
        self.enter()?;
        self.blank();
        let mut is_not = false;
        while self.rest().starts_with(b"not") && self.rest().get(3).is_some_and(|&b| is_blank(b)) {
            self.at += 3;
            self.blank();
            is_not = !is_not;
        }
        let part = if self.eat("not(") {
            is_not = !is_not;
            self.inside(self.at - 1)?
        } else {
            self.check()?
        };
        self.leave(if is_not { Ast::Not(Box::new(part)) } else { part })
    }

    /// The rest of a parenthesis that was opened at `open`.
    fn inside(&mut self, open: usize) -> Parse<Ast> {
        self.enter()?;
        self.blank();
        let ast = self.or()?;
        self.blank();
        if self.eat(")") {
            return self.leave(ast);
        }
        if self.at < self.text.len() {
            let mut error = self.trailing();
            error.message = format!("expected a ')' token: {}", error.message);
            return Err(error);
        }
        self.error_at(open..open + 1, "expected a ')' token: this parenthesis is not closed")
    }

    fn check(&mut self) -> Parse<Ast> {
        self.enter()?;
        self.blank();
        if self.eat("(") {
            let ast = self.inside(self.at - 1)?;
            return self.leave(ast);
        }
        let start = self.at;
        if let Some(lhs) = self.lhs()? {
            let ast = self.condition(start, lhs)?;
            return self.leave(ast);
        }
        match identifier_len(self.rest()) {
            0 => {}
            len => {
                let name = self.take(len);
                return self.leave(Ast::Macro(name, start..start + len));
            }
        }
        if self.at == self.text.len() {
            let before = self.text.trim_end();
            let last = before.rfind(|c: char| c.is_whitespace() || c == '(').map_or(0, |i| i + 1);
            return self.error_at(
                last..before.len(),
                format!("expected a '(' token, a field check, or an identifier after '{}'", short(&before[last..], 60)),
            );
        }
        self.error("expected a '(' token, a field check, or an identifier")
    }

    /// A field or transformer, if one begins here.
    fn lhs(&mut self) -> Parse<Option<Operand>> {
        let len = field_name_len(self.rest());
        if len > 0 {
            return self.field(len).map(Some);
        }
        match self.transformer_name() {
            Some((transform, len)) => self.call(transform, len).map(Some),
            None => Ok(None),
        }
    }

    /// A transformer's name with its parenthesis.
    fn transformer_name(&self) -> Option<(Transform, usize)> {
        let rest = self.rest();
        TRANSFORMERS
            .iter()
            .find(|(name, _)| rest.starts_with(name.as_bytes()) && rest.get(name.len()) == Some(&b'('))
            .map(|(name, transform)| (*transform, name.len() + 1))
    }

    fn field(&mut self, len: usize) -> Parse<Operand> {
        let start = self.at;
        let name = self.take(len);
        let arg = self.bracket()?;
        Ok(Operand::Field { name, arg, range: start..self.at })
    }

    /// `[argument]`, if it follows directly.
    fn bracket(&mut self) -> Parse<Option<Vec<u8>>> {
        let open = self.at;
        if !self.eat("[") {
            return Ok(None);
        }
        let arg = match self.quoted()? {
            Some(value) => value.bytes,
            None => {
                let len = bare_arg_len(self.rest());
                self.take(len).into_bytes()
            }
        };
        if arg.is_empty() {
            return self.error_at(
                open..(self.at + 1).min(self.text.len()),
                "expected a valid field argument: a quoted string or a bare string",
            );
        }
        if !self.eat("]") {
            return self.error_at(open..self.at, "expected a ']' token");
        }
        Ok(Some(arg))
    }

    fn call(&mut self, transform: Transform, len: usize) -> Parse<Operand> {
        let start = self.at;
        self.enter()?;
        if self.depth_of_calls >= MAX_CALLS {
            return self.error_at(start..start + len, format!("transformers are nested deeper than {MAX_CALLS}"));
        }
        self.depth_of_calls += 1;
        self.at += len;
        let mut args = Vec::new();
        loop {
            self.blank();
            args.push(self.argument(true)?);
            self.blank();
            if !self.eat(",") {
                break;
            }
        }
        self.close_call(start)?;
        let bracket = self.at;
        let index = self.bracket()?;
        if index.is_some() && transform != Transform::Getopt {
            return self.error_at(
                bracket..self.at,
                format!("'{}' takes no argument in brackets", transformer_name(transform)),
            );
        }
        self.depth_of_calls -= 1;
        self.leave(Operand::Call { transform, args, index, range: start..self.at })
    }

    fn close_call(&mut self, start: usize) -> Parse<()> {
        if self.eat(")") {
            return Ok(());
        }
        if self.at == self.text.len() {
            return self.error_at(start..self.at, "expected a ')' token closing the transformer");
        }
        self.error("expected a ')' token closing the transformer")
    }

    /// An argument of a transformer, or an element of a list among them.
    fn argument(&mut self, with_lists: bool) -> Parse<Operand> {
        let start = self.at;
        if let Some(value) = self.quoted()? {
            return Ok(Operand::Const(value));
        }
        if let Some(operand) = self.lhs()? {
            return Ok(operand);
        }
        match number_len(self.rest()) {
            0 => {}
            len => {
                let bytes = self.take(len).into_bytes();
                return Ok(Operand::Const(Value { bytes, is_quoted: false, range: start..self.at }));
            }
        }
        if with_lists && self.eat("(") {
            let mut items = Vec::new();
            self.blank();
            if !self.eat(")") {
                loop {
                    self.blank();
                    items.push(self.argument(false)?);
                    self.blank();
                    if !self.eat(",") {
                        break;
                    }
                }
                if !self.eat(")") {
                    return self.error("expected a ')' token closing the list");
                }
            }
            return Ok(Operand::List(items, start..self.at));
        }
        let names: Vec<&str> = TRANSFORMERS.iter().map(|(name, _)| *name).collect();
        self.error(format!("expected a field or a nested valid transformer: {}", names.join(", ")))
    }

    fn condition(&mut self, start: usize, lhs: Operand) -> Parse<Ast> {
        self.enter()?;
        self.blank();
        let op_start = self.at;
        let Some(op) = self.operator() else { return self.no_operator(op_start) };
        let mut op_range = op_start..self.at;
        let had_blank = self.blank();
        let mut modifier = None;
        let rhs = match arity(op) {
            Arity::Unary => {
                self.at = op_range.end;
                Rhs::None
            }
            Arity::Number => self.number()?,
            Arity::Text => {
                if had_blank && let Some((found, len)) = self.modifier() {
                    modifier = Some(found);
                    op_range.end = self.at + len;
                    self.at += len;
                    self.blank();
                    self.list(false)?
                } else {
                    self.string()?
                }
            }
            Arity::List => {
                if !had_blank && identifier_len(self.rest()) > 0 {
                    self.glued = Some(op_start..self.at + identifier_len(self.rest()));
                }
                self.list(true)?
            }
        };
        let index = self.checks.len() as u32;
        self.checks.push(Check { range: start..self.at, lhs, op, op_range, modifier, rhs, lowered: OnceLock::new() });
        self.leave(Ast::Check(index))
    }

    /// Reads an operator. Words of strings need a blank behind them; `exists`, `in`, `intersects` and `pmatch` do not.
    ///
    /// `Quirk::GluedOperator`: so `a.b existsand c` is `a.b exists and c`.
    fn operator(&mut self) -> Option<Op> {
        let rest = self.rest();
        let first = *rest.first()?;
        for (name, op) in OPERATORS {
            if name.as_bytes()[0] != first || !rest.starts_with(name.as_bytes()) {
                continue;
            }
            let is_word = first.is_ascii_alphabetic();
            if is_word && arity(op) == Arity::Text && !rest.get(name.len()).is_some_and(|&b| is_blank(b)) {
                continue;
            }
            self.at += name.len();
            return Some(op);
        }
        None
    }

    fn no_operator<T>(&self, at: usize) -> Parse<T> {
        let range = self.word_at(at);
        if range.is_empty() {
            let before = self.text.trim_end().len();
            let start = self.text[..before].rfind(|c: char| c.is_whitespace() || c == '(').map_or(0, |i| i + 1);
            return self.error_at(start..before, "expected a valid check operator after the field");
        }
        Err(self.unknown_operator(range))
    }

    /// A word that stands where an operator must.
    fn unknown_operator(&self, range: Range<usize>) -> Box<ParseError> {
        let names: Vec<&str> = OPERATORS.iter().map(|(name, _)| *name).collect();
        let word = &self.text[range.clone()];
        let lower = word.to_ascii_lowercase();
        let help = match lower.as_str() {
            "not" => Some("write `not` before the comparison: `not proc.name in (…)`".to_owned()),
            "like" | "matches" | "=~" | "~" => Some("did you mean `glob` or `regex`?".to_owned()),
            "<>" => Some("did you mean `!=`?".to_owned()),
            "and" | "or" | ")" => {
                Some("a comparison needs an operator; `exists` asks whether the field has a value".to_owned())
            }
            _ if names.contains(&lower.as_str()) && lower != word => {
                Some(format!("operators are lower case: `{lower}`"))
            }
            _ if names.contains(&word) => Some(format!("a blank must follow `{word}`")),
            _ => suggestion(word, names.iter().copied()).or_else(|| Some(format!("one of {}", names.join(", ")))),
        };
        let message = format!("'{}' is no operator: expected a valid check operator", short(word, 40));
        Box::new(ParseError { range, message, help })
    }

    /// A modifier: a blank must follow it, and then a list or an identifier other than `and`, `or`, `not`.
    fn modifier(&self) -> Option<(tracehound_rules::Modifier, usize)> {
        let rest = self.rest();
        let (name, modifier) = MODIFIERS.into_iter().find(|(name, _)| rest.starts_with(name.as_bytes()))?;
        let after = &rest[name.len()..];
        let blanks = after.iter().take_while(|&&b| is_blank(b)).count();
        let next = &after[blanks..];
        let word = &next[..identifier_len(next)];
        let is_list = next.first() == Some(&b'(') || !word.is_empty() && !matches!(word, b"and" | b"or" | b"not");
        (blanks > 0 && is_list).then_some((modifier, name.len()))
    }

    fn number(&mut self) -> Parse<Rhs> {
        if let Some(rhs) = self.right_operand()? {
            return Ok(rhs);
        }
        let start = self.at;
        match number_len(self.rest()) {
            0 => self.error("expected a number value or a field with a valid transformer"),
            len => {
                let bytes = self.take(len).into_bytes();
                Ok(Rhs::Value(Value { bytes, is_quoted: false, range: start..self.at }))
            }
        }
    }

    fn string(&mut self) -> Parse<Rhs> {
        if let Some(rhs) = self.right_operand()? {
            return Ok(rhs);
        }
        match self.value()? {
            Some(value) => Ok(Rhs::Value(value)),
            None if matches!(self.rest().first(), Some(b'"' | b'\'')) => {
                let mut error = self.word_at(self.at);
                error.end = error.start + 1;
                Err(Box::new(ParseError {
                    range: error,
                    message: "expected a string value: this quote is not closed".to_owned(),
                    help: Some("a quote after a backslash does not close, even after `\\\\`".to_owned()),
                }))
            }
            None => self.error("expected a string value or a field with a valid transformer"),
        }
    }

    /// `val(field)` or a transformer on the right side.
    fn right_operand(&mut self) -> Parse<Option<Rhs>> {
        let start = self.at;
        if self.eat("val(") {
            self.blank();
            let field = match field_name_len(self.rest()) {
                0 => return self.error("expected a field within 'val' transformer"),
                len => self.field(len)?,
            };
            self.blank();
            self.close_call(start)?;
            let range = start..self.at;
            let call = Operand::Call { transform: Transform::Val, args: vec![field], index: None, range };
            return Ok(Some(Rhs::Operand(call)));
        }
        match self.transformer_name() {
            Some((transform, len)) => Ok(Some(Rhs::Operand(self.call(transform, len)?))),
            None => Ok(None),
        }
    }

    /// A list, a transformer (if allowed), or a single identifier, which is usually the name of a list that does not
    /// exist.
    fn list(&mut self, with_operand: bool) -> Parse<Rhs> {
        let start = self.at;
        if self.eat("(") {
            self.blank();
            let mut values = Vec::new();
            if let Some(first) = self.value()? {
                values.push(first);
                self.blank();
                while self.eat(",") {
                    self.blank();
                    match self.value()? {
                        Some(value) => values.push(value),
                        None => return self.error("expected a string value after ','"),
                    }
                    self.blank();
                }
            }
            if !self.eat(")") {
                return self.error(if self.at == self.text.len() {
                    "expected a ')' token: the list is not closed"
                } else {
                    "expected a ',' or ')' token in the list"
                });
            }
            return Ok(Rhs::List(values, start..self.at));
        }
        if with_operand && let Some(rhs) = self.right_operand()? {
            return Ok(rhs);
        }
        match identifier_len(self.rest()) {
            0 => {
                let message = "expected a list, an identifier, or a field with a valid transformer";
                let help = Some("a list is written in parentheses: `in (a, b)`".to_owned());
                Err(Box::new(ParseError { range: self.word_at(self.at), message: message.to_owned(), help }))
            }
            len => {
                let bytes = self.take(len).into_bytes();
                Ok(Rhs::List(vec![Value { bytes, is_quoted: false, range: start..self.at }], start..self.at))
            }
        }
    }

    /// A quoted or bare string.
    fn value(&mut self) -> Parse<Option<Value>> {
        if let Some(value) = self.quoted()? {
            return Ok(Some(value));
        }
        let start = self.at;
        match bare_len(self.rest()) {
            0 => Ok(None),
            len => {
                let bytes = self.take(len).into_bytes();
                Ok(Some(Value { bytes, is_quoted: false, range: start..self.at }))
            }
        }
    }

    fn quoted(&mut self) -> Parse<Option<Value>> {
        let start = self.at;
        let Some(len) = quoted_len(self.rest()) else { return Ok(None) };
        self.at += len;
        match unquote(&self.text.as_bytes()[start..self.at]) {
            Ok(bytes) => {
                let quoted = &self.text.as_bytes()[start..self.at];
                self.looks_back |= quoted.contains(&b'\\') && quirks_of_quoted(quoted).contains(&Quirk::QuoteLookBack);
                Ok(Some(Value { bytes, is_quoted: true, range: start..self.at }))
            }
            Err(bad) => {
                let from = start + bad.at;
                let mut to = from + bad.len;
                while !self.text.is_char_boundary(to) {
                    to += 1;
                }
                Err(Box::new(ParseError {
                    range: from..to,
                    message: format!("invalid escape '{}' in a quoted string", short(&self.text[from..to], 20)),
                    help: Some(
                        "escapes are \\b \\f \\n \\r \\t \\\\ \\/ \\xHH and the quote that encloses the string"
                            .to_owned(),
                    ),
                }))
            }
        }
    }
}

fn one_or(mut parts: Vec<Ast>, join: fn(Vec<Ast>) -> Ast) -> Ast {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    fn parse_text(text: &str) -> Result<Condition, ParseError> {
        parse(Text::verbatim(text, Span::new(0, 0, text.len()))).map_err(|(error, _)| error)
    }

    /// The tree in a short notation, to compare.
    fn show(condition: &Condition, ast: &Ast) -> String {
        let list = |parts: &[Ast]| parts.iter().map(|p| show(condition, p)).collect::<Vec<_>>().join(" ");
        match ast {
            Ast::And(parts) => format!("(and {})", list(parts)),
            Ast::Or(parts) => format!("(or {})", list(parts)),
            Ast::Not(part) => format!("(not {})", show(condition, part)),
            Ast::Macro(name, _) => name.clone(),
            Ast::Check(i) => {
                let check = &condition.checks[*i as usize];
                let field = &condition.text.as_str()[check.lhs.range()];
                let values: Vec<String> =
                    check.rhs.values().iter().map(|v| String::from_utf8_lossy(&v.bytes).into_owned()).collect();
                let modifier = check.modifier.map_or(String::new(), |m| format!(" {m:?}"));
                let operand = match &check.rhs {
                    Rhs::Operand(o) => format!(" @{}", &condition.text.as_str()[o.range()]),
                    _ => String::new(),
                };
                format!("[{field} {:?}{modifier} {}{operand}]", check.op, values.join("|"))
            }
        }
    }

    /// Section 8.1: accepted, with the tree where the table says something about it.
    #[test]
    fn accepted() {
        let cases = [
            // P1
            ("a and b and(c)", "(and a b c)"),
            ("(a)and(b)and(c)", "(and a b c)"),
            ("not(a)and(not(b))", "(and (not a) (not b))"),
            // P3
            ("macro and and_macro", "(and macro and_macro)"),
            ("a or notb", "(or a notb)"),
            ("macro and not_macro", "(and macro not_macro)"),
            // P4, P5
            ("a.b = not", "[a.b Eq not]"),
            ("test.op existsand macro", "(and [test.op Exists ] macro)"),
            // P8
            ("a.g in (1, 'a', b.c)", "[a.g In 1|a|b.c]"),
            ("a.g in ()", "[a.g In ]"),
            ("a.g in()", "[a.g In ]"),
            // P10
            ("test.num > -0.12e+10", "[test.num Gt -0.12e+10]"),
            ("test.num >= -1", "[test.num Ge -1]"),
            ("test.num <= 0x12", "[test.num Le 0x12]"),
            // P12, P13
            ("a.b = 'mixed \"'", "[a.b Eq mixed \"]"),
            ("a.b = \"mixed '\"", "[a.b Eq mixed ']"),
            ("a.b = \"bad escape \\ \"", "[a.b Eq bad escape \\]"),
            // P14
            ("test.str['a aa'] = a", "[test.str['a aa'] Eq a]"),
            ("evt.arg[a] contains /bin", "[evt.arg[a] Contains /bin]"),
            // P15
            ("fd.name=*.log", "[fd.name Eq *.log]"),
            // P17, P18
            ("proc.name == oneof (a)", "[proc.name Eq OneOf a]"),
            ("proc.name == anyof and fd.name exists", "(and [proc.name Eq anyof] [fd.name Exists ])"),
            ("proc.name startswith\nanyof my_list", "[proc.name StartsWith AnyOf my_list]"),
            ("proc.name == oneof", "[proc.name Eq oneof]"),
            // Section 2.2: precedence, negation
            ("a or b and c or not not d", "(or a (and b c) d)"),
            ("not not not a", "(not a)"),
            ("not a and b", "(and (not a) b)"),
            ("a\tand\n\r b", "(and a b)"),
            // Section 2.3
            ("proc.name in shells", "[proc.name In shells]"),
            ("fd.name = val( proc.name )", "[fd.name Eq  @val( proc.name )]"),
            ("tolower(proc.name) = bash", "[tolower(proc.name) Eq bash]"),
            ("fd.name = tolower(toupper(proc.name))", "[fd.name Eq  @tolower(toupper(proc.name))]"),
            ("len(proc.args) > len( fd.name )", "[len(proc.args) Gt  @len( fd.name )]"),
            ("getopt((\"-nt\",\"v\"),\"nt:\")[t] = v", "[getopt((\"-nt\",\"v\"),\"nt:\")[t] Eq v]"),
            ("join(\",\", (\"a\",proc.name)) = \"a,b\"", "[join(\",\", (\"a\",proc.name)) Eq a,b]"),
            ("join(\",\", ()) = ''", "[join(\",\", ()) Eq ]"),
            ("a.b=a:b/c[1]{2}|", "[a.b Eq a:b/c[1]{2}|]"),
            ("a.b = ünï", "[a.b Eq ünï]"),
            ("proc.args[0] in (-c)", "[proc.args[0] In -c]"),
            ("a.b pmatch(/etc)", "[a.b PMatch /etc]"),
            ("a.b regex '^[0-9]+$'", "[a.b Regex ^[0-9]+$]"),
            ("in and exists", "(and in exists)"),
        ];
        for (text, expected) in cases {
            match parse_text(text) {
                Ok(condition) => assert_eq!(show(&condition, &condition.ast), expected, "{text}"),
                Err(error) => panic!("{text}: {error:?}"),
            }
        }
    }

    /// Section 8.1: rejected, with the part of the text that is pointed at.
    #[test]
    fn rejected() {
        let cases = [
            // P2
            ("a andb", "andb"),
            ("aand b", "b"),
            ("(a)andnot(b)", "andnot"),
            ("a orb", "orb"),
            ("a and or b", "b"),
            ("a not b", "not"),
            // P6
            ("test.op ExIsTs", "ExIsTs"),
            ("a.a invalidoperator x", "invalidoperator"),
            ("macro > 12", ">"),
            // P7
            ("a.b = b = 1", "="),
            ("test.op === v", "="),
            ("test.op !== v", "="),
            // P9
            ("a.g in (v,)", ")"),
            ("a.g in (,)", ","),
            ("a.g in ( 1 ,, , b)", ","),
            // P10
            ("test.num > 0xAAA.1", ".1"),
            ("test.num <= a", "a"),
            ("test.num > !1", "!1"),
            // P11
            ("test.str = a,", ","),
            ("test.str = a=", "="),
            ("test.str = missing start quote\"", "start"),
            ("test.str = \"missing end quote", "\""),
            // P12
            ("a.b = \"mixed \\'\"", "\\'"),
            ("a.b = 'mixed \\\"'", "\\\""),
            // P14
            ("evt.arg[] contains x", "[]"),
            ("test.str[   t   ] = v", "[ "),
            ("test.str[''] = a", "['']"),
            // P16
            ("#a and b; a and b", "#a"),
            // P17
            ("proc.name ==oneof (a)", "("),
            ("proc.name == oneof(a)", "("),
            ("proc.name == ONEOF (a)", "("),
            ("proc.name in oneof (a)", "("),
            ("proc.name > oneof (1)", "oneof"),
            // P19
            ("fd.name = val(tolower(proc.name))", "tolower"),
            ("val(a.b) = x", "("),
            ("toupper(fd.name)[x] = y", "[x]"),
            // P21
            ("a.b = \"\\x4\"", "\\x4"),
            ("a.b = \"\\xZZ\"", "\\xZZ"),
            ("a.b = \"\\q\"", "\\q"),
            // Others
            ("", ""),
            ("   ", ""),
            ("(a", "("),
            ("a)", ")"),
            ("a and", "and"),
            ("proc.name", "proc.name"),
            ("a.b contains(x)", "contains"),
            ("tolower(proc.name = x", "="),
            ("proc.name in a, b", ","),
            ("a.b = \"a\\\\\"", "\""),
        ];
        for (text, at) in cases {
            match parse_text(text) {
                Ok(condition) => panic!("{text}: accepted as {}", show(&condition, &condition.ast)),
                Err(error) => assert_eq!(&text[error.range.clone()], at, "{text}: {error:?}"),
            }
        }
    }

    /// P20.
    #[test]
    fn depth() {
        for text in
            ["(".repeat(100_000), "not(".repeat(100_000), "tolower(".repeat(100_000), "a.b=a and(".repeat(100_000)]
        {
            let error = parse_text(&text).expect_err("too deep");
            let is_depth = ["exceeded max depth limit of 1000", "transformers are nested deeper than 64"];
            assert!(is_depth.contains(&error.message.as_str()), "{}", error.message);
        }
        let fine = format!("{}a{}", "(".repeat(190), ")".repeat(190));
        assert!(parse_text(&fine).is_ok());
        assert!(parse_text(&format!("{}a", "not ".repeat(100_000))).is_ok());
    }
}
