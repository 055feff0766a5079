//! Output templates: the text of a match, and the values of the fields it names.

use std::borrow::Cow;

use bstr::BString;
use tracehound_fields::{FieldArg, FieldRef, NumberFormat, Subject, Value, flags, resolve};

use crate::error::TypeErrorKind;
use crate::ir::{Operand, OutputPart};
use crate::operand::{Place, each_field, type_of, value_of};
use crate::print::{self, Style};
use crate::quirks::is_raw_argument;
use crate::scheme::{Catalogue, FieldTraits, Scheme};

/// A template that was checked.
#[derive(Clone, Debug, Default)]
pub struct Output {
    parts: Vec<Part>,
    fields: Vec<NamedField>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Value { shown: Shown, width: Option<usize> },
}

/// A value and how it is printed.
#[derive(Clone, Debug)]
struct Shown {
    /// `None` for a field that only conditions can use: it has no value to print.
    operand: Option<Operand>,
    style: Style,
    /// True for `evt.rawarg`, whose numbers are printed as its argument says.
    is_raw: bool,
}

#[derive(Clone, Debug)]
struct NamedField {
    key: String,
    shown: Shown,
}

/// Longest part of a template filled up to a width: wider is cut to this.
const MAX_WIDTH: usize = 1 << 16;

impl Output {
    /// Checks a template; errors come with the number of the part.
    pub fn new(parts: &[OutputPart]) -> Result<Output, Vec<(usize, TypeErrorKind)>> {
        Output::with(parts, &Catalogue)
    }

    /// As [`Output::new`], without making it.
    pub(crate) fn check(parts: &[OutputPart]) -> Result<(), Vec<(usize, TypeErrorKind)>> {
        let mut errors = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            if let OutputPart::Value { operand, .. } = part
                && let Err(error) = type_of(&printed(operand, &Catalogue), &Catalogue, Place::Output)
            {
                errors.push((i, error));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// As [`Output::new`], with another catalogue of fields.
    pub fn with(parts: &[OutputPart], scheme: &dyn Scheme) -> Result<Output, Vec<(usize, TypeErrorKind)>> {
        let mut output = Output { parts: Vec::with_capacity(parts.len()), fields: Vec::with_capacity(parts.len()) };
        let mut errors = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            match part {
                OutputPart::Text(text) => output.parts.push(Part::Text(text.clone())),
                OutputPart::Value { operand, key, width } => match show(operand, scheme) {
                    Ok(shown) => {
                        output.name_fields(operand, key, &shown, scheme);
                        output.parts.push(Part::Value { shown, width: width.filter(|&width| width > 0) });
                    }
                    Err(error) => errors.push((i, error)),
                },
            }
        }
        output.fields.sort_by(|a, b| a.key.cmp(&b.key));
        output.fields.dedup_by(|a, b| a.key == b.key);
        if errors.is_empty() { Ok(output) } else { Err(errors) }
    }

    /// An operand is a field of the output, and so are the fields inside a transformer.
    fn name_fields(&mut self, operand: &Operand, key: &str, shown: &Shown, scheme: &dyn Scheme) {
        if !matches!(operand, Operand::Field(_)) {
            each_field(operand, &mut |field| {
                let operand = Operand::Field(field.clone());
                if let Ok(shown) = show(&operand, scheme) {
                    self.fields.push(NamedField { key: field.text.to_string(), shown: plain(&operand, shown, scheme) });
                }
            });
        }
        self.fields.push(NamedField { key: key.to_owned(), shown: plain(operand, shown.clone(), scheme) });
    }

    /// The text for an event, without time and priority. An absent value is `<NA>`, an empty one nothing; a value
    /// with a width is cut or filled with blanks to exactly that many bytes.
    pub fn render<S: Subject + ?Sized>(&self, subject: &S) -> BString {
        let mut out = BString::default();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value { shown, width } => {
                    let value = shown.value(subject);
                    let text = print::text(&value, shown.style(subject));
                    match width {
                        None => out.extend_from_slice(&text),
                        Some(width) => {
                            let end = out.len() + width.min(&MAX_WIDTH);
                            out.extend_from_slice(&text);
                            out.resize(end, b' ');
                        }
                    }
                }
            }
        }
        out
    }

    /// The values of the fields that the template names, by key in order, once each, as JSON has them: numbers,
    /// truth values, texts, lists of these, or absent. A number that is printed in another base is a text; a time
    /// of the event is in nanoseconds since the epoch, however it is printed.
    pub fn fields<'a, S: Subject + ?Sized>(&'a self, subject: &'a S) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.fields.iter().map(move |field| {
            let shown = &field.shown;
            (field.key.as_str(), print::plain(shown.value(subject), shown.style(subject)))
        })
    }

    /// Keys of [`Output::fields`].
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields.iter().map(|field| field.key.as_str())
    }
}

impl Shown {
    fn value<'a, S: Subject + ?Sized>(&'a self, subject: &'a S) -> Value<'a> {
        self.operand.as_ref().map_or(Value::Null, |operand| value_of(operand, subject))
    }

    fn style<S: Subject + ?Sized>(&self, subject: &S) -> Style {
        match &self.operand {
            Some(Operand::Field(field)) if self.is_raw => Style { format: subject.raw_format(field), ..self.style },
            _ => self.style,
        }
    }
}

/// How an operand is printed in text.
fn show(operand: &Operand, scheme: &dyn Scheme) -> Result<Shown, TypeErrorKind> {
    let operand = printed(operand, scheme);
    let typed = type_of(&operand, scheme, Place::Output)?;
    let is_printable = |field: &FieldTraits| field.flags & flags::FILTER_ONLY == 0;
    Ok(Shown {
        operand: typed.field.as_ref().is_none_or(is_printable).then(|| operand.into_owned()),
        style: Style {
            ty: typed.ty.ty,
            format: typed.field.map_or(NumberFormat::Dec, |field| field.format),
            is_list: typed.ty.is_list,
        },
        is_raw: typed.field.as_ref().is_some_and(is_raw_argument),
    })
}

/// The operand whose value is printed, where that is not the one that is compared. Without an index, `proc.apid` prints the
/// process's own id, not those of all ancestors (`TYPE_APID` of sinsp_filtercheck_thread.cpp, libs); with one, `fd.types`
/// prints a list still (`sinsp_filter_check::tostring`).
fn printed<'o>(operand: &'o Operand, scheme: &dyn Scheme) -> Cow<'o, Operand> {
    let Operand::Field(field) = operand else { return Cow::Borrowed(operand) };
    match (scheme.field(field).name, &field.arg) {
        ("proc.apid", FieldArg::None) => {
            Cow::Owned(Operand::Field(FieldRef { arg: FieldArg::Index(0), ..field.clone() }))
        }
        ("fd.types", FieldArg::Index(_)) => Cow::Owned(Operand::List(vec![operand.clone()])),
        _ => Cow::Borrowed(operand),
    }
}

/// How an operand that is printed like this in text is a value of JSON.
fn plain(operand: &Operand, mut shown: Shown, scheme: &dyn Scheme) -> Shown {
    let Operand::Field(field) = operand else { return shown };
    // Source: `extract_as_js` of the generic and the syscall fields.
    match scheme.field(field).name {
        "evt.time" | "evt.time.s" | "evt.time.iso8601" | "evt.datetime" | "evt.datetime.s" | "evt.outputtime" => {
            if let Ok(time) = resolve("evt.rawtime")
                && let Ok(time) = show(&Operand::Field(time), scheme)
            {
                shown = time;
                shown.style.format = NumberFormat::Dec;
            }
        }
        name if TIME_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && !shown.style.ty.is_text() => {
            shown.style.format = NumberFormat::Dec;
        }
        _ => {}
    }
    shown
}

/// Fields of times and durations are JSON numbers, whatever their base in text.
const TIME_PREFIXES: [&str; 4] = ["evt.rawtime", "evt.reltime", "evt.latency", "evt.deltatime"];
