//! Operands: fields, transformers and constants; their types and their values.

use std::borrow::Cow;
use std::fmt;

use bstr::BStr;
use tracehound_fields::{Depends, FieldRef, FieldType, Multiplicity, Scope, Subject, Value, flags};

use crate::error::{OperandType, TypeErrorKind};
use crate::ir::{Operand, Transform};
use crate::ops::bytes_of;
use crate::ops::text::{from_base64, until_nul};
use crate::scheme::{FieldTraits, Scheme};

/// How deep transformers may be nested; reading their values recurses.
const MAX_DEPTH: usize = 64;

/// What the values of several fields depend on: a set of [`Depends`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DependsSet(u16);

impl DependsSet {
    /// The set with one more.
    pub fn with(self, depends: Depends) -> DependsSet {
        DependsSet(self.0 | 1 << depends as u8)
    }

    /// What is in either.
    pub fn union(self, other: DependsSet) -> DependsSet {
        DependsSet(self.0 | other.0)
    }

    /// True if it is in the set.
    pub fn contains(self, depends: Depends) -> bool {
        self.0 >> depends as u8 & 1 == 1
    }

    /// The part of the actor's state that decides all that is in the set; `None` if something else does too.
    pub(crate) fn scope(self) -> Option<Scope> {
        let with_scope = [Depends::Image, Depends::Container, Depends::Lineage].into_iter();
        with_scope.filter(|&depends| self == DependsSet::default().with(depends)).find_map(Depends::scope)
    }

    /// True if nothing but these is in the set: a comparison is then the same for all events that agree on them.
    pub fn is_within(self, allowed: &[Depends]) -> bool {
        let allowed = allowed.iter().fold(DependsSet::default(), |set, &depends| set.with(depends));
        self.0 & !allowed.0 == 0
    }
}

/// The type of an operand, and what follows from the fields in it.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) ty: OperandType,
    /// The field that forbids a field-to-field comparison.
    pub(crate) no_rhs: Option<String>,
    pub(crate) depends: DependsSet,
    /// The field's properties, if the operand is a field and nothing else.
    pub(crate) field: Option<FieldTraits>,
}

impl Typed {
    fn constant(ty: OperandType) -> Typed {
        Typed { ty, no_rhs: None, depends: DependsSet::default(), field: None }
    }
}

/// Where an operand stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Condition,
    Output,
}

/// Checks an operand and gives its type.
pub(crate) fn type_of(operand: &Operand, scheme: &dyn Scheme, place: Place) -> Result<Typed, TypeErrorKind> {
    typed(operand, scheme, place, 0)
}

fn typed(operand: &Operand, scheme: &dyn Scheme, place: Place, depth: usize) -> Result<Typed, TypeErrorKind> {
    if depth > MAX_DEPTH {
        return Err(TypeErrorKind::TooDeep { limit: MAX_DEPTH });
    }
    match operand {
        Operand::Field(field) => {
            let traits = scheme.field(field);
            if place == Place::Condition && traits.flags & flags::PRINT_ONLY != 0 {
                return Err(TypeErrorKind::PrintOnly { field: field.text.to_string() });
            }
            let is_list = traits.multiplicity == Multiplicity::List;
            Ok(Typed {
                ty: OperandType { ty: traits.ty, is_list },
                no_rhs: (traits.flags & flags::NO_RHS != 0).then(|| field.text.to_string()),
                depends: DependsSet::default().with(traits.depends),
                field: Some(traits),
            })
        }
        Operand::Const(_) => Ok(Typed::constant(OperandType::one(FieldType::Str))),
        Operand::List(items) => {
            let mut depends = DependsSet::default();
            for (index, item) in items.iter().enumerate() {
                let item = typed(item, scheme, place, depth + 1)?;
                let is_number = matches!(item.ty.ty, FieldType::Int(_) | FieldType::Uint(_)) && !item.ty.is_list;
                if !item.ty.ty.is_text() && !is_number {
                    return Err(TypeErrorKind::ListElement { index, found: item.ty });
                }
                depends = depends.union(item.depends);
            }
            Ok(Typed { depends, ..Typed::constant(OperandType::list(FieldType::Str)) })
        }
        Operand::Call { transform, args, index } => {
            let args: Vec<Typed> = args
                .iter()
                .map(|arg| {
                    let typed = typed(arg, scheme, place, depth + 1)?;
                    if let (Operand::Field(field), Some(traits)) = (arg, &typed.field)
                        && traits.flags & flags::NO_TRANSFORMER != 0
                        && *transform != Transform::Val
                    {
                        return Err(TypeErrorKind::NoTransformer {
                            field: field.text.to_string(),
                            transform: *transform,
                        });
                    }
                    Ok(typed)
                })
                .collect::<Result<_, _>>()?;
            call_type(*transform, &args, index.as_deref())
        }
    }
}

fn call_type(transform: Transform, args: &[Typed], index: Option<&str>) -> Result<Typed, TypeErrorKind> {
    let count = |expected: &'static str| TypeErrorKind::ArgumentCount { transform, expected, found: args.len() };
    let wrong = |index: usize, expected: &'static str| TypeErrorKind::ArgumentType {
        transform,
        index,
        expected,
        found: args[index].ty,
    };
    if let Some(index) = index
        && transform != Transform::Getopt
    {
        return Err(TypeErrorKind::IndexNotAllowed { transform, index: index.to_owned() });
    }
    let depends = args.iter().fold(DependsSet::default(), |set, arg| set.union(arg.depends));
    let result = |ty: OperandType| Typed { depends, ..Typed::constant(ty) };
    match transform {
        Transform::ToLower
        | Transform::ToUpper
        | Transform::Basename
        | Transform::B64
        | Transform::Len
        | Transform::Val => {
            let [arg] = args else { return Err(count("one argument")) };
            let ty = arg.ty;
            let ok = match transform {
                Transform::Val => true,
                Transform::Len => ty.is_list || ty.ty.is_text() || ty.ty == FieldType::Bytes,
                Transform::B64 => matches!(ty.ty, FieldType::Str | FieldType::Bytes),
                _ => ty.ty.is_text(),
            };
            if !ok {
                return Err(match transform {
                    Transform::Len => wrong(0, "a list, text or bytes"),
                    Transform::B64 => wrong(0, "a string or bytes"),
                    _ => wrong(0, "text"),
                });
            }
            let ty = if transform == Transform::Len { OperandType::one(FieldType::Uint(64)) } else { ty };
            // These keep the properties of the field they are given.
            Ok(Typed { no_rhs: arg.no_rhs.clone(), ..result(ty) })
        }
        Transform::Join => {
            let [separator, list] = args else { return Err(count("a separator and a list")) };
            if separator.ty.is_list || !separator.ty.ty.is_text() {
                return Err(wrong(0, "a single text"));
            }
            if !list.ty.is_list || !list.ty.ty.is_text() {
                return Err(wrong(1, "a list of texts"));
            }
            Ok(result(OperandType::one(FieldType::Str)))
        }
        Transform::Concat => {
            if args.len() < 2 {
                return Err(count("at least two arguments"));
            }
            match args.iter().position(|arg| arg.ty.is_list || !arg.ty.ty.is_text()) {
                Some(index) => Err(wrong(index, "a single text")),
                None => Ok(result(OperandType::one(FieldType::Str))),
            }
        }
        Transform::Getopt => {
            let [list, options] = args else { return Err(count("a list of arguments and the options")) };
            if !list.ty.is_list || !list.ty.ty.is_text() {
                return Err(wrong(0, "a list of texts"));
            }
            if options.ty.is_list || !options.ty.ty.is_text() {
                return Err(wrong(1, "a single text"));
            }
            match index {
                Some(index) if index.len() != 1 => Err(TypeErrorKind::OptionName { index: index.to_owned() }),
                Some(_) => Ok(result(OperandType::one(FieldType::Str))),
                None => Ok(result(OperandType::list(FieldType::Str))),
            }
        }
    }
}

/// Calls `f` for every field in an operand.
pub(crate) fn each_field<'a>(operand: &'a Operand, f: &mut dyn FnMut(&'a FieldRef)) {
    let mut open = vec![operand];
    while let Some(operand) = open.pop() {
        match operand {
            Operand::Field(field) => f(field),
            Operand::Const(_) => {}
            Operand::List(items) => open.extend(items.iter().rev()),
            Operand::Call { args, .. } => open.extend(args.iter().rev()),
        }
    }
}

/// The value of an operand that was checked. Absent if any part of it is absent or does not transform.
pub(crate) fn value_of<'a, S: Subject + ?Sized>(operand: &'a Operand, subject: &'a S) -> Value<'a> {
    match operand {
        Operand::Field(field) => subject.get(field),
        Operand::Const(text) => Value::str(text),
        Operand::List(items) => list_value(items, subject).map_or(Value::Null, Value::List),
        Operand::Call { transform, args, index } => {
            call_value(*transform, args, index.as_deref(), subject).unwrap_or(Value::Null)
        }
    }
}

/// The texts of a list: numbers are written out, and lists give what is in them. `None` if any of it is absent. Source:
/// `list_check` of falcosecurity/libs.
fn list_value<'a, S: Subject + ?Sized>(items: &'a [Operand], subject: &'a S) -> Option<Vec<Value<'a>>> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        match value_of(item, subject) {
            Value::Null => return None,
            Value::Int(number) => values.push(Value::owned(number.to_string())),
            Value::Uint(number) => values.push(Value::owned(number.to_string())),
            Value::List(items) => values.extend(items),
            value => values.push(value),
        }
    }
    Some(values)
}

fn call_value<'a, S: Subject + ?Sized>(
    transform: Transform,
    args: &'a [Operand],
    index: Option<&str>,
    subject: &'a S,
) -> Option<Value<'a>> {
    let first = value_of(args.first()?, subject);
    match transform {
        Transform::Val => Some(first),
        Transform::ToLower => map_text(first, &|text| Some(text.to_ascii_lowercase())),
        Transform::ToUpper => map_text(first, &|text| Some(text.to_ascii_uppercase())),
        Transform::B64 => map_text(first, &from_base64),
        Transform::Basename => map_text(first, &|text| {
            let start = text.iter().rposition(|&b| b == b'/').map_or(0, |slash| slash + 1);
            Some(text[start..].to_vec())
        }),
        Transform::Len => match &first {
            Value::List(items) => Some(Value::Uint(items.len() as u64)),
            Value::Str(text) => Some(Value::Uint(until_nul(text).len() as u64)),
            Value::Bytes(bytes) => Some(Value::Uint(bytes.len() as u64)),
            _ => None,
        },
        Transform::Join => {
            let separator = bytes_of(&first)?;
            let second = value_of(args.get(1)?, subject);
            let Value::List(items) = &second else { return None };
            let mut joined = Vec::new();
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    joined.extend_from_slice(separator);
                }
                joined.extend_from_slice(until_nul(bytes_of(item)?));
            }
            Some(Value::owned(joined))
        }
        Transform::Concat => {
            let mut joined = until_nul(bytes_of(&first)?).to_vec();
            for arg in &args[1..] {
                joined.extend_from_slice(until_nul(bytes_of(&value_of(arg, subject))?));
            }
            Some(Value::owned(joined))
        }
        Transform::Getopt => {
            let Value::List(items) = &first else { return None };
            let argv: Vec<&[u8]> = items.iter().map(|item| bytes_of(item).map(until_nul)).collect::<Option<_>>()?;
            let options = value_of(args.get(1)?, subject);
            getopt(&argv, until_nul(bytes_of(&options)?), index.and_then(|i| i.bytes().next()))
        }
    }
}

/// Applies `f` to a text, to raw bytes, or to every element of a list.
fn map_text<'a>(value: Value<'a>, f: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Option<Value<'a>> {
    match value {
        Value::Str(text) => f(&text).map(Value::owned),
        Value::Bytes(bytes) => f(&bytes).map(|bytes| Value::Bytes(Cow::Owned(bytes))),
        Value::List(items) => {
            items.into_iter().map(|item| map_text(item, f)).collect::<Option<Vec<_>>>().map(Value::List)
        }
        _ => None,
    }
}

/// Short options in a list of arguments. With `selected`, the value of its last occurrence (its own letter if it
/// takes none, "" if its value is missing); without, letters and values in order, `?` for an unknown letter.
fn getopt<'a>(argv: &[&[u8]], options: &[u8], selected: Option<u8>) -> Option<Value<'a>> {
    let takes_value = |option: u8| -> Option<bool> {
        let mut places = options.iter().enumerate().filter(|&(_, &b)| b == option && b != b':').peekable();
        places.peek()?;
        Some(places.any(|(at, _)| options.get(at + 1) == Some(&b':')))
    };
    let mut all: Vec<Value<'a>> = Vec::new();
    let mut last: Option<Value<'a>> = None;
    let mut arguments = argv.iter();
    while let Some(argument) = arguments.next() {
        match argument {
            [b'-', b'-'] => break,
            [b'-', b'-', ..] => continue,
            [b'-', _, ..] => {}
            _ => break,
        }
        for (i, &option) in argument.iter().enumerate().skip(1) {
            let Some(with_value) = takes_value(option) else {
                all.push(Value::str("?"));
                continue;
            };
            let is_wanted = selected.is_none_or(|selected| selected == option);
            let letter = Value::owned(vec![option]);
            if !with_value {
                if is_wanted {
                    all.push(letter.clone());
                    last = Some(letter);
                }
                continue;
            }
            let value = match &argument[i + 1..] {
                [] => arguments.next().copied(),
                rest => Some(rest),
            };
            if is_wanted {
                match value {
                    Some(value) => {
                        all.push(letter);
                        all.push(Value::owned(value));
                        last = Some(Value::owned(value));
                    }
                    None => {
                        all.push(Value::str(""));
                        last = Some(Value::str(""));
                    }
                }
            }
            break;
        }
    }
    match selected {
        Some(_) => last,
        None => Some(Value::List(all)),
    }
}

impl fmt::Display for Operand {
    /// As it would be written in a rule, without blanks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Field(field) => f.write_str(&field.text),
            Operand::Const(text) => write!(f, "\"{}\"", BStr::new(text)),
            Operand::List(items) => {
                f.write_str("(")?;
                write_list(f, items)?;
                f.write_str(")")
            }
            Operand::Call { transform, args, index } => {
                write!(f, "{}(", transform.name())?;
                write_list(f, args)?;
                f.write_str(")")?;
                match index {
                    Some(index) => write!(f, "[{index}]"),
                    None => Ok(()),
                }
            }
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, items: &[Operand]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(",")?;
        }
        fmt::Display::fmt(item, f)?;
    }
    Ok(())
}
