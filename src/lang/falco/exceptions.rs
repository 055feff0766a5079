//! Exceptions of rules: their two shapes, and the text they add to a condition. Specification: section 1.8.

use super::condition::lexer::{Arity, MODIFIERS, OPERATORS, arity};
use super::condition::parse_operand_prefix;
use super::item::{Entry, ExceptionItem};
use super::lists::MAX_CONDITION;
use super::lower::resolve_operand_text;
use crate::diagnostic::{Code, Diagnostic, suggestion};
use crate::render::short;
use crate::source::Span;
use crate::text::Text;

/// An exception, its shape checked.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Name.
    pub name: String,
    /// Fields and operators.
    pub shape: Shape,
    /// Values: tuples or scalars, checked when the condition is built, because they may be appended.
    pub values: Vec<Entry>,
    /// The whole entry.
    pub span: Span,
}

/// The two ways to write an exception.
#[derive(Clone, Debug)]
pub enum Shape {
    /// `fields: proc.name`: one field, a list operator, a list of values.
    Single {
        /// The field.
        field: Text,
        /// Its operator.
        comp: Text,
    },
    /// `fields: [proc.name, fd.name]`: values are tuples.
    Tuple {
        /// Fields with their operators.
        parts: Vec<(Text, Text)>,
    },
}

type Checked<T> = Result<T, Box<Diagnostic>>;

fn fail<T>(span: Span, message: impl Into<String>) -> Checked<T> {
    Err(Box::new(Diagnostic::new(Code::Validate, span, message)))
}

/// Checks a new exception. Fields are only looked up if the source of the rule is known.
///
/// `Quirk::OverrideExceptions`: so are exceptions that `override: replace` brings in, which Falco does not check.
pub fn define(item: ExceptionItem, is_known_source: bool) -> Checked<Exception> {
    let ExceptionItem { name, fields, comps, values, span } = item;
    let shape = match fields {
        None => return fail(name.span, "Rule exception item must have fields property with a list of fields"),
        Some(Entry::One(field)) => {
            let comp = match comps {
                None => Text::synthetic("in", field.place(0..field.len()).span),
                Some(Entry::One(comp)) => comp.trim(),
                Some(many) => return fail(many.span(), "Fields and comps must both be strings"),
            };
            check_single_comp(&comp)?;
            check_field(&field, is_known_source)?;
            Shape::Single { field, comp }
        }
        Some(Entry::Many(fields, fields_span)) => {
            let fields = scalars(fields)?;
            let comps = match comps {
                None => fields.iter().map(|f| Text::synthetic("=", f.place(0..f.len()).span)).collect(),
                Some(Entry::Many(comps, _)) => scalars(comps)?.iter().map(Text::trim).collect::<Vec<_>>(),
                Some(one) => return fail(one.span(), "Fields and comps must both be lists"),
            };
            if fields.len() != comps.len() {
                return fail(fields_span, "Fields and comps lists must have equal length");
            }
            for comp in &comps {
                check_tuple_comp(comp)?;
            }
            for field in &fields {
                check_field(field, is_known_source)?;
            }
            Shape::Tuple { parts: fields.into_iter().zip(comps).collect() }
        }
    };
    Ok(Exception { name: name.value, shape, values, span })
}

/// The exceptions of a rule after an addition: values for those that exist, and new ones, which need fields and
/// values.
pub fn append(existing: &[Exception], items: Vec<ExceptionItem>, is_known_source: bool) -> Checked<Vec<Exception>> {
    let mut out = existing.to_vec();
    for item in items {
        match out.iter_mut().find(|e| e.name == item.name.value) {
            Some(exception) => {
                for (entry, key) in [(&item.fields, "fields"), (&item.comps, "comps")] {
                    if let Some(entry) = entry {
                        let message = format!("Can not append exception {key} to existing exception, only values");
                        return fail(entry.span(), message);
                    }
                }
                exception.values.extend(item.values);
            }
            None if item.fields.is_none() => {
                return fail(item.name.span, "Rule exception must have fields property with a list of fields");
            }
            None if item.values.is_empty() => {
                return fail(item.name.span, "Rule exception must have values property with a list of values");
            }
            None => out.push(define(item, is_known_source)?),
        }
    }
    Ok(out)
}

fn scalars(entries: Vec<Entry>) -> Checked<Vec<Text>> {
    entries
        .into_iter()
        .map(|entry| match entry {
            Entry::One(text) => Ok(text),
            Entry::Many(_, span) => fail(span, "expected a string, found a list"),
        })
        .collect()
}

/// An operator, or a string operator with a modifier.
enum Comp {
    List,
    Other,
    WithModifier,
}

fn comp_kind(comp: &str) -> Option<Comp> {
    if let Some((_, op)) = OPERATORS.iter().find(|(name, _)| *name == comp) {
        return Some(if arity(*op) == Arity::List { Comp::List } else { Comp::Other });
    }
    let (op, modifier) = comp.split_once(char::is_whitespace)?;
    let (_, op) = OPERATORS.iter().find(|(name, _)| *name == op)?;
    let is_modifier = MODIFIERS.iter().any(|(name, _)| *name == modifier.trim());
    (is_modifier && arity(*op) == Arity::Text).then_some(Comp::WithModifier)
}

fn check_tuple_comp(comp: &Text) -> Checked<()> {
    if comp_kind(comp.as_str()).is_some() {
        return Ok(());
    }
    let message = format!("'{}' is not a supported comparison operator", short(comp.as_str(), 60));
    let help = suggestion(comp.as_str(), OPERATORS.iter().map(|(name, _)| *name));
    Err(Box::new(Diagnostic::new(Code::Validate, comp.place(0..comp.len()).span, message).help(help)))
}

fn check_single_comp(comp: &Text) -> Checked<()> {
    if matches!(comp_kind(comp.as_str()), Some(Comp::List | Comp::WithModifier)) {
        return Ok(());
    }
    let message = "When fields is a single value, comps must be one of (in, pmatch, intersects) or a string operator with a modifier";
    fail(comp.place(0..comp.len()).span, message)
}

/// A field or a transformer, and nothing behind it.
fn check_field(field: &Text, is_known_source: bool) -> Checked<()> {
    if !is_known_source {
        return Ok(());
    }
    let span = field.place(0..field.len()).span;
    let shown = short(field.as_str(), 80);
    let message = format!("'{shown}' is not a supported filter field");
    match parse_operand_prefix(field.as_str()) {
        Some((operand, end)) if end == field.len() => match resolve_operand_text(&operand) {
            Ok(_) => Ok(()),
            Err((_, help)) => Err(Box::new(Diagnostic::new(Code::Validate, span, message).help(help))),
        },
        _ => {
            let near = tracehound_fields::catalogue::similar(field.as_str());
            Err(Box::new(Diagnostic::new(Code::Validate, span, message).help(crate::diagnostic::did_you_mean(near))))
        }
    }
}

/// The condition with the text of the exceptions: `(condition) and not (…) and not (…)`.
///
/// Values go in as text: what they may contain is what the grammar allows there.
pub fn with_exceptions(condition: &Text, exceptions: &[Exception]) -> Checked<Text> {
    if exceptions.is_empty() {
        return Ok(condition.clone());
    }
    let mut out = Text::default();
    let start = condition.place_at(0).span;
    out.push_glue("(", start);
    out.push_all(condition);
    out.push_glue(")", start);
    for exception in exceptions.iter().filter(|e| !e.values.is_empty()) {
        let text = match &exception.shape {
            Shape::Single { field, comp } => single(field, comp, &exception.values)?,
            Shape::Tuple { parts } => tuples(parts, &exception.values)?,
        };
        out.push_glue(" and not ", start);
        out.push_all(&text);
    }
    Ok(out)
}

fn single(field: &Text, comp: &Text, values: &[Entry]) -> Checked<Text> {
    let at = field.place_at(0).span;
    let mut out = Text::default();
    out.push_glue("(", at);
    out.push_all(field);
    out.push_glue(" ", at);
    out.push_all(comp);
    out.push_glue(" (", at);
    for (i, value) in values.iter().enumerate() {
        match value {
            Entry::One(text) => {
                if i > 0 {
                    out.push_glue(", ", at);
                }
                push_quoted(&mut out, text);
            }
            Entry::Many(_, span) => return fail(*span, "Expected values array to contain a list of strings"),
        }
    }
    out.push_glue("))", at);
    Ok(out)
}

fn tuples(parts: &[(Text, Text)], values: &[Entry]) -> Checked<Text> {
    let mut out = Text::default();
    let at = parts.first().map_or(Span::default(), |(field, _)| field.place_at(0).span);
    out.push_glue("(", at);
    for (i, tuple) in values.iter().enumerate() {
        if out.len() > MAX_CONDITION {
            return Err(Box::new(Diagnostic::new(Code::Limit, tuple.span(), "the exceptions are too large")));
        }
        let wrong = || format!("Fields and values lists must have equal length: {} fields", parts.len());
        let Entry::Many(components, span) = tuple else { return fail(tuple.span(), wrong()) };
        if components.len() != parts.len() {
            return fail(*span, format!("{}, {} values", wrong(), components.len()));
        }
        out.push_glue(if i == 0 { "(" } else { " or (" }, at);
        for (k, ((field, comp), value)) in parts.iter().zip(components).enumerate() {
            if k > 0 {
                out.push_glue(" and ", at);
            }
            out.push_all(field);
            out.push_glue(" ", at);
            out.push_all(comp);
            out.push_glue(" ", at);
            match value {
                Entry::Many(values, span) => {
                    out.push_glue("(", *span);
                    for (j, value) in values.iter().enumerate() {
                        let Entry::One(text) = value else {
                            return fail(value.span(), "Expected a list of strings");
                        };
                        if j > 0 {
                            out.push_glue(", ", *span);
                        }
                        push_quoted(&mut out, text);
                    }
                    out.push_glue(")", *span);
                }
                Entry::One(text) if takes_list(comp.as_str()) && !text.as_str().starts_with('(') => {
                    out.push_glue("(", text.place_at(0).span);
                    out.push_all(text);
                    out.push_glue(")", text.place_at(0).span);
                }
                Entry::One(text) if takes_list(comp.as_str()) => out.push_all(text),
                Entry::One(text) => push_quoted(&mut out, text),
            }
        }
        out.push_glue(")", at);
    }
    out.push_glue(")", at);
    Ok(out)
}

fn takes_list(comp: &str) -> bool {
    matches!(comp_kind(comp), Some(Comp::List | Comp::WithModifier))
}

/// Appends a value; quotes it if it has a blank and does not begin with a quote.
///
/// `Quirk::ItemAsText`: nothing is escaped, so a backslash in a value that gets quotes becomes an escape, and
/// parentheses, commas or `=` in one that does not end it.
pub fn push_quoted(out: &mut Text, value: &Text) {
    let needs_quotes = needs_quotes(value);
    let at = value.place_at(0).span;
    if needs_quotes {
        out.push_glue("\"", at);
    }
    out.push_all(value);
    if needs_quotes {
        out.push_glue("\"", at);
    }
}

/// True for a value that [`push_quoted`] puts quotes around.
pub fn needs_quotes(value: &Text) -> bool {
    value.as_str().contains(' ') && !value.as_str().starts_with(['"', '\''])
}
