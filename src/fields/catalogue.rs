//! All fields, and how a name finds its field.

use std::borrow::Cow;
use std::sync::OnceLock;

use hashbrown::HashMap;
use tracehound_formats::event::kind;

use crate::field::{ArgKind, ArgPolicy, Depends, Field, FieldArg, Multiplicity, OpenPart};
use crate::value::FieldType;

/// Handle of a field in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u16);

impl FieldId {
    /// The field's row.
    pub fn field(self) -> &'static Field {
        all()[usize::from(self.0)]
    }
}

/// A field with its argument: what a condition or an output names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldRef {
    /// The field.
    pub id: FieldId,
    /// Its argument.
    pub arg: FieldArg,
    /// As it was written: `proc.aname[2]`, `evt.arg.flags`. Borrowed if it is the field's name.
    pub text: Cow<'static, str>,
}

impl FieldRef {
    /// The field's row.
    pub fn field(&self) -> &'static Field {
        self.id.field()
    }

    /// Type of its value; see [`crate::value_type`].
    pub fn ty(&self) -> FieldType {
        crate::value_type(self)
    }

    /// What its value depends on: as the field's row says, but ancestor 0 is the process itself.
    pub fn depends(&self) -> Depends {
        match (self.field().depends, &self.arg) {
            (Depends::Lineage, FieldArg::Index(0)) => Depends::Actor,
            (depends, _) => depends,
        }
    }

    /// The part of [`crate::Subject::open_key`] that decides its value for events that have the part.
    pub fn told_by(&self) -> Option<OpenPart> {
        match &self.arg {
            FieldArg::None => self.field().told_by,
            FieldArg::Name(name) if name == "flags" => self.field().told_by,
            FieldArg::Index(_) | FieldArg::Name(_) => None,
        }
    }

    /// How many values it has: a field with several values has one with an index (`proc.aname[2]`).
    pub fn multiplicity(&self) -> Multiplicity {
        match (&self.arg, self.field().multiplicity) {
            (FieldArg::None, multiplicity) => multiplicity,
            (_, Multiplicity::Ends) => Multiplicity::Ends,
            _ => Multiplicity::One,
        }
    }
}

/// Why a name is no field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No field of this name.
    #[error("nonexistent field {name}")]
    Unknown {
        /// The name as written.
        name: String,
        /// Similar names, best first.
        candidates: Vec<&'static str>,
    },
    /// The field needs an argument.
    #[error("{name} needs an argument: {hint}")]
    ArgRequired {
        /// The field.
        name: &'static str,
        /// How to write it.
        hint: &'static str,
    },
    /// The field takes no argument.
    #[error("{name} takes no argument, found [{arg}]")]
    ArgNotAllowed {
        /// The field.
        name: &'static str,
        /// The argument.
        arg: String,
    },
    /// The argument is not of the right form.
    #[error("{arg} is not an argument of {name}: {expected}")]
    BadArg {
        /// The field.
        name: &'static str,
        /// The argument.
        arg: String,
        /// What it could be.
        expected: String,
    },
}

/// Every field, by family in order.
pub fn all() -> &'static [&'static Field] {
    static ALL: OnceLock<Vec<&'static Field>> = OnceLock::new();
    ALL.get_or_init(|| crate::FAMILIES.iter().flat_map(|family| family.fields).collect())
}

fn by_name() -> &'static HashMap<&'static str, FieldId> {
    static BY_NAME: OnceLock<HashMap<&'static str, FieldId>> = OnceLock::new();
    BY_NAME.get_or_init(|| all().iter().enumerate().map(|(i, field)| (field.name, FieldId(i as u16))).collect())
}

/// The field with exactly this name, without argument. Cheap also if there is none, unlike [`resolve`].
pub fn find(name: &str) -> Option<FieldId> {
    by_name().get(name).copied()
}

/// Finds the field that a text such as `proc.aname[2]`, `evt.arg.flags` or `container.label.app` names.
///
/// The whole text must be used up: a name, then `[argument]`, or for fields with an argument also `.argument`.
pub fn resolve(text: &str) -> Result<FieldRef, ResolveError> {
    let (name, bracket) = match text.split_once('[') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(']').unwrap_or(rest))),
        None => (text, None),
    };
    let names = by_name();
    let make = |id: FieldId, arg: Option<&str>| {
        let field = id.field();
        let arg = parse_arg(field, arg)?;
        let text = if text == field.name { Cow::Borrowed(field.name) } else { Cow::Owned(text.to_owned()) };
        Ok(FieldRef { id, arg, text })
    };
    if let Some(&id) = names.get(name) {
        return make(id, bracket);
    }
    // `field.argument`: the longest known name that is followed by a dot.
    let mut end = name.len();
    while let Some(dot) = name[..end].rfind('.') {
        if let Some(&id) = names.get(&name[..dot])
            && id.field().arg != ArgPolicy::None
            && bracket.is_none()
        {
            return make(id, Some(&name[dot + 1..]));
        }
        end = dot;
    }
    Err(ResolveError::Unknown { name: text.to_owned(), candidates: similar(name) })
}

fn parse_arg(field: &'static Field, arg: Option<&str>) -> Result<FieldArg, ResolveError> {
    let (kind, text) = match (field.arg, arg) {
        (ArgPolicy::None, None) => return Ok(FieldArg::None),
        (ArgPolicy::None, Some(arg)) => {
            return Err(ResolveError::ArgNotAllowed { name: field.name, arg: arg.to_owned() });
        }
        (ArgPolicy::Optional(_), None) => return Ok(FieldArg::None),
        (ArgPolicy::Required(kind), None) => {
            let hint = match kind {
                ArgKind::Index => "a number in brackets",
                ArgKind::Name => "a name in brackets",
                ArgKind::IndexOrName => "a number or a name in brackets",
                ArgKind::EventArg => "a number in brackets, or .NAME of an event's argument",
            };
            return Err(ResolveError::ArgRequired { name: field.name, hint });
        }
        (ArgPolicy::Optional(kind) | ArgPolicy::Required(kind), Some(text)) => (kind, text),
    };
    let bad =
        |expected: &str| ResolveError::BadArg { name: field.name, arg: text.to_owned(), expected: expected.to_owned() };
    let index = text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    match kind {
        ArgKind::Index => index.map(FieldArg::Index).ok_or_else(|| bad("a decimal number")),
        ArgKind::Name if text.is_empty() => Err(bad("a name")),
        ArgKind::Name => Ok(FieldArg::Name(text.to_owned())),
        ArgKind::IndexOrName if text.is_empty() => Err(bad("a number or a name")),
        ArgKind::IndexOrName => Ok(index.map_or_else(|| FieldArg::Name(text.to_owned()), FieldArg::Index)),
        ArgKind::EventArg => match index {
            Some(i) => Ok(FieldArg::Index(i)),
            None if is_event_arg(text) => Ok(FieldArg::Name(text.to_owned())),
            None => Err(bad("no event has an argument of this name")),
        },
    }
}

/// True if some kind of event has an argument of this name.
fn is_event_arg(name: &str) -> bool {
    kind::all().any(|kind| kind.shown_args().iter().any(|spec| spec.name == name))
}

/// Names of fields that look like `name`, best first, at most three.
pub fn similar(name: &str) -> Vec<&'static str> {
    let mut near: Vec<(usize, &'static str)> =
        all().iter().map(|field| (distance(name.as_bytes(), field.name.as_bytes()), field.name)).collect();
    near.sort_unstable();
    let limit = 1 + name.len() / 4;
    near.into_iter().take_while(|&(d, _)| d <= limit).take(3).map(|(_, name)| name).collect()
}

/// Longest text that can be a misspelling.
const MAX_NAME: usize = 128;

/// Edits between two texts: insertions, deletions, replacements and swaps of neighbours.
pub fn distance(a: &[u8], b: &[u8]) -> usize {
    // Names are short; a longer text cannot be a misspelling of one.
    if a.len() > MAX_NAME || b.len() > MAX_NAME {
        return usize::MAX;
    }
    // Of the last two letters of `a`, and of this one: edits to each beginning of `b`.
    let mut rows = [[0u8; MAX_NAME + 1]; 3];
    for (j, cell) in rows[1].iter_mut().enumerate() {
        *cell = j as u8;
    }
    for i in 1..=a.len() {
        rows[2][0] = i as u8;
        for j in 1..=b.len() {
            let change = u8::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[1][j] + 1).min(rows[2][j - 1] + 1).min(rows[1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = best;
        }
        rows.rotate_left(1);
    }
    usize::from(rows[1][b.len()])
}
