//! A catalogue and subjects made up for tests: fields of every type and multiplicity.

// Each test file uses a part of this module.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::sync::Arc;

use tracehound_fields::{
    Depends, FieldArg, FieldId, FieldRef, FieldType, Multiplicity, NumberFormat, Subject, Value, flags,
};
use tracehound_rules::{Expr, FieldTraits, LeafId, Modifier, Op, Operand, Rhs, Scheme, Transform, UntypedLeaf};

use FieldType::*;
use Multiplicity::*;

/// Name, type, multiplicity, flags, format.
type Row = (&'static str, FieldType, Multiplicity, u8, NumberFormat);

const NO_BOTH: u8 = flags::NO_RHS | flags::NO_TRANSFORMER;
const ENDS: u8 = NO_BOTH | flags::FILTER_ONLY;

const ROWS: &[Row] = &[
    ("t.str", Str, One, 0, NumberFormat::Dec),
    ("t.str2", Str, One, 0, NumberFormat::Dec),
    ("t.path", Path, One, 0, NumberFormat::Dec),
    ("t.path2", Path, One, 0, NumberFormat::Dec),
    ("t.bytes", Bytes, One, 0, NumberFormat::Dec),
    ("t.bytes2", Bytes, One, 0, NumberFormat::Dec),
    ("t.i64", Int(64), One, 0, NumberFormat::Dec),
    ("t.i64b", Int(64), One, 0, NumberFormat::Dec),
    ("t.i32hex", Int(32), One, 0, NumberFormat::Hex),
    ("t.u32", Uint(32), One, 0, NumberFormat::Dec),
    ("t.u64", Uint(64), One, 0, NumberFormat::Dec),
    ("t.double", Double, One, 0, NumberFormat::Dec),
    ("t.bool", Bool, One, 0, NumberFormat::Dec),
    ("t.reltime", RelTime, One, 0, NumberFormat::Padded),
    ("t.abstime", AbsTime, One, 0, NumberFormat::Dec),
    ("t.port", Port, One, 0, NumberFormat::Dec),
    ("t.ip", Ip, One, 0, NumberFormat::Dec),
    ("t.net", Net, One, ENDS, NumberFormat::Dec),
    ("t.opaque", Opaque, One, 0, NumberFormat::Dec),
    ("t.print", Str, One, flags::PRINT_ONLY, NumberFormat::Dec),
    ("t.list", Str, List, 0, NumberFormat::Dec),
    ("t.list2", Str, List, 0, NumberFormat::Dec),
    ("t.ulist", Uint(64), List, 0, NumberFormat::Dec),
    ("fd.ip", Ip, Ends, ENDS, NumberFormat::Dec),
    ("fd.net", Net, Ends, ENDS, NumberFormat::Dec),
    ("fd.port", Port, Ends, ENDS, NumberFormat::Dec),
    ("fd.types", Str, List, flags::NO_RHS, NumberFormat::Dec),
    ("proc.aname", Str, Ancestors, NO_BOTH, NumberFormat::Dec),
    ("proc.apid", Int(64), Ancestors, NO_BOTH, NumberFormat::Dec),
    ("evt.rawarg.res", Int(64), One, NO_BOTH, NumberFormat::Dec),
    ("evt.rawarg.small", Int(32), One, NO_BOTH, NumberFormat::Dec),
    ("evt.rawarg.data", Bytes, One, NO_BOTH, NumberFormat::Dec),
    ("evt.rawarg.name", Str, One, NO_BOTH, NumberFormat::Dec),
    ("evt.around", Uint(64), One, ENDS, NumberFormat::Dec),
    ("evt.num", Uint(64), One, 0, NumberFormat::Dec),
    ("evt.type", Str, One, 0, NumberFormat::Dec),
    ("syscall.type", Str, One, 0, NumberFormat::Dec),
];

/// The catalogue of the rows above.
pub struct TestScheme;

impl Scheme for TestScheme {
    fn field(&self, field: &FieldRef) -> FieldTraits {
        let (name, ty, multiplicity, flags, format) = ROWS[usize::from(field.id.0)];
        let name = if name.starts_with("evt.rawarg") { "evt.rawarg" } else { name };
        FieldTraits { name, ty, flags, multiplicity, depends: Depends::Actor, format }
    }
}

/// A field of the catalogue.
pub fn field_ref(name: &str) -> FieldRef {
    let at = ROWS.iter().position(|row| row.0 == name).unwrap_or_else(|| panic!("no test field {name}"));
    FieldRef { id: FieldId(at as u16), arg: FieldArg::None, text: name.to_owned().into() }
}

pub fn field(name: &str) -> Operand {
    Operand::Field(field_ref(name))
}

pub fn call(transform: Transform, args: Vec<Operand>) -> Operand {
    Operand::Call { transform, args, index: None }
}

pub fn text(text: &str) -> Operand {
    Operand::Const(text.into())
}

pub fn texts(items: &[&str]) -> Operand {
    Operand::List(items.iter().map(|item| text(item)).collect())
}

/// An operator as it is written, perhaps with a modifier.
pub fn op(text: &str) -> (Op, Option<Modifier>) {
    let (name, modifier) = text.split_once(' ').unwrap_or((text, ""));
    let op = Op::ALL.into_iter().find(|op| op.name() == name).unwrap_or_else(|| panic!("no operator {name}"));
    let modifier = [Modifier::OneOf, Modifier::AnyOf, Modifier::AllOf].into_iter().find(|m| m.name() == modifier);
    (op, modifier)
}

/// `operand op (constants)`.
pub fn leaf(lhs: Operand, operator: &str, constants: &[&str]) -> Expr {
    let (op, modifier) = op(operator);
    let rhs = match op {
        Op::Exists => Rhs::None,
        _ => Rhs::Constants(constants.iter().map(|c| c.as_bytes().to_vec()).collect()),
    };
    Expr::Leaf(Arc::new(UntypedLeaf { lhs, op, modifier, rhs }), LeafId(7))
}

/// `name op constant`, or a list of constants with `|` between.
pub fn simple(name: &str, operator: &str, constants: &str) -> Expr {
    let (op, modifier) = op(operator);
    if op.takes_list() || modifier.is_some() {
        let constants: Vec<&str> = if constants.is_empty() { vec![] } else { constants.split('|').collect() };
        leaf(field(name), operator, &constants)
    } else {
        leaf(field(name), operator, &[constants])
    }
}

/// `a op val(b)`.
pub fn fields(a: Operand, operator: &str, b: Operand) -> Expr {
    let (op, modifier) = op(operator);
    Expr::Leaf(Arc::new(UntypedLeaf { lhs: a, op, modifier, rhs: Rhs::Operand(b) }), LeafId(7))
}

/// An event whose fields have these values; others are absent.
#[derive(Clone, Debug, Default)]
pub struct Event {
    pub kind: u16,
    pub values: BTreeMap<String, Value<'static>>,
}

impl Event {
    pub fn new(values: impl IntoIterator<Item = (&'static str, Value<'static>)>) -> Event {
        Event { kind: 0, values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }

    /// An event of the kind with this name.
    pub fn of_kind(name: &str) -> Event {
        let kind = *tracehound_fields::subject::kind_codes(name).first().expect("a kind of event");
        let mut event = Event { kind, ..Event::default() };
        event.values.insert("evt.type".into(), Value::owned(name));
        event.values.insert("syscall.type".into(), Value::owned(name));
        event
    }
}

impl Subject for Event {
    fn get(&self, field: &FieldRef) -> Value<'_> {
        self.values.get(&*field.text).cloned().unwrap_or(Value::Null)
    }

    fn kind_code(&self) -> u16 {
        self.kind
    }
}

pub fn addr(text: &str) -> Value<'static> {
    Value::Ip(text.parse().expect("an address"))
}

pub fn list(items: &[&'static str]) -> Value<'static> {
    Value::List(items.iter().map(|item| Value::str(*item)).collect())
}
