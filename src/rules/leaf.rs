//! Compiled comparisons.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use bstr::{BStr, ByteSlice};
use tracehound_fields::{FieldRef, FieldType, Subject, Value};

use crate::ir::{Op, Rhs, UntypedLeaf};
use crate::kinds::{KindSet, Possible};
use crate::operand::{DependsSet, each_field, value_of};
use crate::ops::glob::Glob;
use crate::ops::text::{contains_ignoring_case, until_nul};
use crate::ops::{Order, Test, boolean, bytes_of, double, ip, number_of};

/// A comparison that was checked. Copies share what it holds.
#[derive(Clone, Debug)]
pub struct Leaf {
    source: Arc<UntypedLeaf>,
    depends: DependsSet,
    how: Arc<How>,
    /// What it says about kinds of event, if anything.
    kinds: Option<Arc<KindSet>>,
}

/// How a comparison is evaluated. In all but the first four, an absent value makes it false.
#[derive(Clone, Debug)]
pub(crate) enum How {
    /// The same for every event, proven from what is known about the field.
    Static(bool),
    /// Never true, because of a [`crate::Quirk`].
    Never,
    /// The code of the kind is in the set.
    Kind(KindSet),
    /// The value is there.
    Exists,
    /// There is at least one ancestor.
    ExistsSome,
    /// The value passes.
    One(Test),
    /// Some ancestor's value passes.
    Some(Test),
    /// Both ends pass, or either.
    Ends { both: bool, only_single: bool, test: Test },
    /// Every element passes, or some element.
    List { every: bool, test: Test },
    /// The operator between two values.
    Values { op: Op, ty: FieldType },
    /// Every element is in the other list, or some is.
    Lists { every: bool, ty: FieldType },
}

impl Leaf {
    pub(crate) fn new(source: Arc<UntypedLeaf>, depends: DependsSet, how: How, kinds: Option<KindSet>) -> Leaf {
        Leaf { source, depends, how: Arc::new(how), kinds: kinds.map(Arc::new) }
    }

    /// The comparison as it was given.
    pub fn source(&self) -> &UntypedLeaf {
        &self.source
    }

    pub(crate) fn shared_source(&self) -> &Arc<UntypedLeaf> {
        &self.source
    }

    /// What its result depends on.
    pub fn depends(&self) -> DependsSet {
        self.depends
    }

    /// Its result, if it is the same for every event.
    pub fn constant(&self) -> Option<bool> {
        match *self.how {
            How::Static(result) => Some(result),
            How::Never => Some(false),
            _ => None,
        }
    }

    pub(crate) fn how(&self) -> &How {
        &self.how
    }

    /// True if its result is a function of the value of its left side alone; see [`Leaf::holds`].
    pub(crate) fn is_of_one_value(&self) -> bool {
        use How::*;
        matches!(*self.how, Exists | ExistsSome | One(_) | Some(_) | Ends { .. } | List { .. })
    }

    /// True if it asks for nothing but the kind of event, and holds for this one.
    pub(crate) fn is_of_kind(&self, code: u16) -> bool {
        matches!(&*self.how, How::Kind(set) if set.contains(code))
    }

    /// True if its result is the same for all events of one kind.
    pub fn is_fixed_by_kind(&self) -> bool {
        self.constant().is_some() || self.kinds.is_some()
    }

    /// The kinds of event for which it can be true and false; `None` if it says nothing about kinds.
    pub(crate) fn possible(&self) -> Option<Possible> {
        match (&*self.how, &self.kinds) {
            (How::Static(true), _) => Some(Possible::exactly(KindSet::all())),
            (How::Static(false), _) => Some(Possible::exactly(KindSet::none())),
            (_, Some(kinds)) => Some(Possible::exactly((**kinds).clone())),
            _ => None,
        }
    }

    /// Calls `f` for every field it names.
    pub fn each_field<'a>(&'a self, mut f: impl FnMut(&'a FieldRef)) {
        each_field(&self.source.lhs, &mut f);
        if let Rhs::Operand(operand) = &self.source.rhs {
            each_field(operand, &mut f);
        }
    }

    /// Evaluates it.
    pub fn evaluate<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        match &*self.how {
            How::Static(result) => *result,
            How::Never => false,
            How::Kind(set) => set.contains(subject.kind_code()),
            How::Values { op, ty } => {
                let (value, other) = (value_of(&self.source.lhs, subject), self.right(subject));
                !value.is_null() && !other.is_null() && compare(*op, *ty, &value, &other)
            }
            How::Lists { every, ty } => {
                let (value, other) = (value_of(&self.source.lhs, subject), self.right(subject));
                if value.is_null() || other.is_null() {
                    return false;
                }
                let mut found = elements(&value).map(|v| elements(&other).any(|o| compare(Op::Eq, *ty, v, o)));
                if *every { found.all(|is_in| is_in) } else { found.any(|is_in| is_in) }
            }
            _ => self.holds(&value_of(&self.source.lhs, subject)),
        }
    }

    /// Its result for a value of its left side. False for a comparison that is not of one value.
    pub(crate) fn holds(&self, value: &Value<'_>) -> bool {
        if value.is_null() {
            return false;
        }
        match &*self.how {
            How::Exists => true,
            How::ExistsSome => elements(value).next().is_some(),
            How::One(test) => test.passes(value),
            How::Some(test) => elements(value).any(|v| test.passes(v)),
            How::Ends { both, only_single, test } => {
                let mut ends = elements(value);
                let n = elements(value).count();
                match (n, only_single) {
                    (0, _) => false,
                    (2.., true) => false,
                    _ if *both => ends.all(|v| test.passes(v)),
                    _ => ends.any(|v| test.passes(v)),
                }
            }
            How::List { every: true, test } => elements(value).all(|v| test.passes(v)),
            How::List { every: false, test } => elements(value).any(|v| test.passes(v)),
            How::Static(_) | How::Never | How::Kind(_) | How::Values { .. } | How::Lists { .. } => false,
        }
    }

    fn right<'a, S: Subject + ?Sized>(&'a self, subject: &'a S) -> Value<'a> {
        match &self.source.rhs {
            Rhs::Operand(operand) => value_of(operand, subject),
            Rhs::None | Rhs::Constants(_) => Value::Null,
        }
    }

    /// The operands with their values: the left side, and the right side of a field-to-field comparison.
    pub(crate) fn values<'a, S: Subject + ?Sized>(&'a self, subject: &'a S) -> Vec<(String, Value<'a>)> {
        let mut values = vec![(self.source.lhs.to_string(), value_of(&self.source.lhs, subject))];
        if let Rhs::Operand(operand) = &self.source.rhs {
            values.push((operand.to_string(), value_of(operand, subject)));
        }
        values
    }
}

/// The elements of a list that are there, or the value alone.
fn elements<'v, 'a>(value: &'v Value<'a>) -> impl Iterator<Item = &'v Value<'a>> {
    let items = match value {
        Value::List(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    items.iter().filter(|item| !item.is_null())
}

/// An operator between two values of the same type, neither absent.
fn compare(op: Op, ty: FieldType, a: &Value<'_>, b: &Value<'_>) -> bool {
    if ty.is_text() || ty == FieldType::Bytes {
        let (Some(a), Some(b)) = (bytes_of(a), bytes_of(b)) else { return false };
        return if ty == FieldType::Bytes {
            compare_bytes(op, a, b)
        } else {
            compare_bytes(op, until_nul(a), until_nul(b))
        };
    }
    let Some(order) = Order::of(op) else { return false };
    match ty {
        FieldType::Double => matches!((double(a), double(b)), (Some(a), Some(b)) if order.holds(&a, &b)),
        FieldType::Bool => matches!((boolean(a), boolean(b)), (Some(a), Some(b)) if order.holds(&a, &b)),
        FieldType::Ip => matches!((ip(a), ip(b)), (Some(a), Some(b)) if order.holds(&a, &b)),
        _ => matches!((number_of(a), number_of(b)), (Some(a), Some(b)) if order.holds(&a, &b)),
    }
}

fn compare_bytes(op: Op, a: &[u8], b: &[u8]) -> bool {
    match op {
        Op::Contains | Op::BContains => a.contains_str(b),
        Op::IContains => contains_ignoring_case(a, &b.to_ascii_lowercase()),
        Op::StartsWith | Op::BStartsWith => a.starts_with(b),
        Op::EndsWith => a.ends_with(b),
        Op::Glob => Glob::new(b, false).matches(a),
        Op::IGlob => Glob::new(b, true).matches(a),
        _ => Order::of(op).is_some_and(|order| match a.cmp(b) {
            Ordering::Equal => order.holds(&0, &0),
            Ordering::Less => order.holds(&0, &1),
            Ordering::Greater => order.holds(&1, &0),
        }),
    }
}

impl fmt::Display for UntypedLeaf {
    /// As it would be written in a rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.lhs, self.op.name())?;
        if let Some(modifier) = self.modifier {
            write!(f, " {}", modifier.name())?;
        }
        match &self.rhs {
            Rhs::None => Ok(()),
            Rhs::Operand(operand) => write!(f, " val({operand})"),
            Rhs::Constants(constants) if self.op.takes_list() || self.modifier.is_some() => {
                f.write_str(" (")?;
                for (i, constant) in constants.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write_constant(f, constant)?;
                }
                f.write_str(")")
            }
            Rhs::Constants(constants) => {
                f.write_str(" ")?;
                constants.first().map_or(Ok(()), |constant| write_constant(f, constant))
            }
        }
    }
}

/// Writes a constant, in quotes if it could not be read back without.
fn write_constant(f: &mut fmt::Formatter<'_>, constant: &[u8]) -> fmt::Result {
    let is_bare = |b: &u8| !b" \t\r\n\x08\"'()=,".contains(b) && !b.is_ascii_control();
    if !constant.is_empty() && constant.iter().all(is_bare) {
        write!(f, "{}", BStr::new(constant))
    } else {
        write!(f, "{:?}", BStr::new(constant))
    }
}
