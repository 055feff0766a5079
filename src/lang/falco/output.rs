//! Output templates: `%field` in text. Specification: section 6.4.

use std::borrow::Cow;

use bstr::ByteSlice;
use tracehound_fields::{ArgPolicy, catalogue, flags};
use tracehound_rules::{self as rules, OutputPart, Quirk, check_output};

use super::condition::lexer::{TRANSFORMERS, identifier_len};
use super::condition::{Operand, parse_operand_prefix};
use super::lower::{DEPRECATED_FIELDS, resolve_operand};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::render::short;
use crate::text::Text;

/// Widest `%123field` accepted, in bytes.
pub const MAX_WIDTH: usize = 4096;
/// Longest text tried as a field's name with its argument.
const MAX_NAME: usize = 256;

/// A template, compiled; or the reason why it is none.
pub fn parse(text: &Text, warnings: &mut Vec<Diagnostic>) -> Result<Vec<OutputPart>, Box<Diagnostic>> {
    warn_deprecated(text, warnings);
    let text = &*without_container_info(text, warnings);
    let source = text.as_str();
    let n_percent = source.bytes().filter(|&b| b == b'%').count();
    let mut parts = Vec::with_capacity(2 * n_percent + 1);
    let push_text = |parts: &mut Vec<OutputPart>, text: &str| {
        if !text.is_empty() {
            parts.push(OutputPart::Text(text.to_owned()));
        }
    };
    // A leading `*` says that missing values do not suppress the output, which here they never do.
    let mut at = usize::from(source.starts_with('*'));
    while let Some(found) = source.as_bytes()[at..].find_byte(b'%') {
        let percent = at + found;
        let literal = &source[at..percent];
        let after = &source[percent + 1..];
        let n_digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let width = match &after[..n_digits] {
            "" => None,
            digits => match digits.parse::<usize>().ok().filter(|&width| width <= MAX_WIDTH) {
                Some(width) => Some(width),
                None => return fail(text, percent..percent + 1 + n_digits, format!("width above {MAX_WIDTH}"), None),
            },
        };
        let start = percent + 1 + n_digits;
        let rest = &source[start..];
        if rest.is_empty() {
            return fail(text, percent..source.len(), "formatting cannot end with a %".to_owned(), None);
        }
        let Some((operand, key, len)) = longest_operand(rest) else { return no_field(text, percent, start) };
        if let rules::Operand::Field(field) = &operand {
            let token = || text.place(percent..start + len).span;
            if field.field().flags & flags::FILTER_ONLY != 0 {
                warnings.push(Diagnostic::quirk(Quirk::FilterOnlyOutput, token()));
            }
            if continues_name(&rest[len..]) {
                warnings.push(Diagnostic::quirk(Quirk::OutputPrefix, token()));
            }
        }
        push_text(&mut parts, literal);
        parts.push(OutputPart::Value { operand, key, width });
        at = start + len;
    }
    push_text(&mut parts, &source[at..]);
    Ok(parts)
}

/// True if what follows a field reads as if it belonged to its name.
fn continues_name(rest: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    rest.starts_with('[') || rest.trim_start_matches('.').starts_with(is_word)
}

fn fail<T>(
    text: &Text,
    range: std::ops::Range<usize>,
    message: String,
    help: Option<String>,
) -> Result<T, Box<Diagnostic>> {
    Err(Box::new(Diagnostic::new(Code::CompileOutput, text.place(range).span, message).help(help)))
}

fn no_field<T>(text: &Text, percent: usize, start: usize) -> Result<T, Box<Diagnostic>> {
    let source = text.as_str();
    let rest = &source[start..];
    let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._[]".contains(c))).unwrap_or(rest.len());
    let word = rest[..len].trim_end_matches(['.', ']', '[']);
    if word.is_empty() {
        let end = start + rest.chars().next().map_or(0, char::len_utf8);
        let message = format!("unknown filter: '{}' after %", short(&source[start..end], 8));
        let help = "a % begins a field; there is no way to write a % as text".to_owned();
        return fail(text, percent..end, message, Some(help));
    }
    let range = percent..start + word.len();
    // A transformer that parses but does not resolve says more than that it is unknown.
    if let Some((operand, end)) = parse_operand_prefix(rest) {
        let problem = match resolve_operand(&operand) {
            Err(error) => Some((error.message, error.help)),
            Ok(resolved) => check_output(&resolved).err().map(|error| (error.to_string(), None)),
        };
        if let Some((message, help)) = problem {
            return fail(text, percent..start + end, format!("unknown filter: {message}"), help);
        }
    }
    let name = word.split('[').next().unwrap_or(word);
    let is_transformer = TRANSFORMERS.iter().any(|(transformer, _)| *transformer == name);
    let help = if is_transformer {
        Some(format!("no blank between `{name}` and `(`, and a field in the parentheses"))
    } else {
        did_you_mean(catalogue::similar(name))
    };
    fail(text, range, format!("unknown filter: nonexistent field {}", short(word, 80)), help)
}

/// The longest prefix of a text that compiles: a field or a transformer, its key in `output_fields`, its length.
fn longest_operand(text: &str) -> Option<(rules::Operand, String, usize)> {
    let name = &text[..identifier_len(text.as_bytes())];
    if text[name.len()..].starts_with('(') && TRANSFORMERS.iter().any(|(transformer, _)| *transformer == name) {
        let (operand, len) = parse_operand_prefix(text)?;
        if !matches!(operand, Operand::Call { .. }) {
            return None;
        }
        let resolved = printable(resolve_operand(&operand).ok()?)?;
        return Some((resolved, without_blanks(&text[..len]), len));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let run = text.bytes().position(|b| !is_name(char::from(b))).unwrap_or(text.len()).min(MAX_NAME);
    if text[run..].starts_with('[')
        && catalogue::find(&text[..run]).is_some()
        && let Some((operand, len)) = parse_operand_prefix(text)
        && let Ok(rules::Operand::Field(field)) = resolve_operand(&operand)
    {
        let key = field.text.to_string();
        return Some((rules::Operand::Field(field), key, len));
    }
    (1..=run).rev().find_map(|end| {
        let candidate = &text[..end];
        if !may_be_field(candidate) {
            return None;
        }
        let field = tracehound_fields::resolve(candidate).ok()?;
        let key = field.text.to_string();
        // Every field can be printed; transformers cannot all.
        Some((rules::Operand::Field(field), key, end))
    })
}

fn printable(operand: rules::Operand) -> Option<rules::Operand> {
    check_output(&operand).is_ok().then_some(operand)
}

/// True for the name of a field, or one with something behind a further dot. A cheap test before resolving.
fn may_be_field(text: &str) -> bool {
    let is_with_arg = |name: &str| catalogue::find(name).is_some_and(|id| id.field().arg != ArgPolicy::None);
    catalogue::find(text).is_some() || text.match_indices('.').any(|(dot, _)| is_with_arg(&text[..dot]))
}

/// A transformer as the key of its value: without blanks outside of quotes.
fn without_blanks(text: &str) -> String {
    let mut quote = None;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => continue,
            _ => {}
        }
        out.push(c);
    }
    out
}

/// `%container.info` stands for nothing any more.
fn without_container_info<'a>(text: &'a Text, warnings: &mut Vec<Diagnostic>) -> Cow<'a, Text> {
    const TOKEN: &str = "%container.info";
    if !text.as_str().contains(TOKEN) {
        return Cow::Borrowed(text);
    }
    let mut out = Text::default();
    let mut at = 0;
    while let Some(found) = text.as_str()[at..].find(TOKEN) {
        let start = at + found;
        out.push_range(text, at..start, None);
        at = start + TOKEN.len();
        if out.len() == start {
            let message = "Usage of %container.info is deprecated: it prints nothing";
            warnings.push(Diagnostic::new(Code::DeprecatedItem, text.place(start..at).span, message));
        }
    }
    out.push_range(text, at..text.len(), None);
    Cow::Owned(out)
}

/// Deprecated fields are looked for as Falco does it: as parts of the text.
fn warn_deprecated(text: &Text, warnings: &mut Vec<Diagnostic>) {
    // All of them have one of these in their names; most texts have neither.
    if !["evt.dir", "latency"].into_iter().any(|part| text.as_str().contains(part)) {
        return;
    }
    for field in DEPRECATED_FIELDS {
        if let Some(at) = text.as_str().find(field) {
            let message = format!("usage of deprecated field '{field}' has been detected in the rule output");
            warnings.push(Diagnostic::new(Code::DeprecatedItem, text.place(at..at + field.len()).span, message));
        }
    }
}
