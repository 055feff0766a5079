//! From untyped conditions to predicates: operators against types, constants to values.

use std::sync::Arc;

use bstr::{BString, ByteSlice};
use hashbrown::{HashMap, HashSet};
use tracehound_fields::{FieldType, Multiplicity, subject};

use crate::constant;
use crate::error::{OperandType, TypeError, TypeErrorKind};
use crate::ir::{Expr, LeafId, Op, Operand, Rhs, UntypedLeaf};
use crate::kinds::KindSet;
use crate::leaf::{How, Leaf};
use crate::operand::{Place, Typed, each_field, type_of};
use crate::ops::glob::Glob;
use crate::ops::path::PathSet;
use crate::ops::regex::{PosixRegex, is_plain_text};
use crate::ops::text::until_nul;
use crate::ops::{Order, Test, TextTest};
use crate::predicate::{Node, Predicate};
use crate::quirks::{self, Quirk, Warning, WarningKind, is_raw_argument};
use crate::scheme::{Catalogue, FieldTraits, Scheme, kind_names};

/// Parts that there is room for from the beginning.
const USUAL_PARTS: usize = 32;
/// Most parts that a condition may have.
const MAX_PARTS: usize = 1 << 24;

/// Checks the condition of a rule on events and compiles it. Every comparison that is wrong gives one error.
pub fn compile(condition: &Expr) -> Result<Predicate, Vec<TypeError>> {
    compile_with(condition, &Catalogue)
}

/// As [`compile`], with another catalogue of fields.
pub fn compile_with(condition: &Expr, scheme: &dyn Scheme) -> Result<Predicate, Vec<TypeError>> {
    compile_sharing(condition, scheme, &mut HashMap::new())
}

/// Compiles the conditions of many rules as [`compile`] does. A comparison that several of them share (the same
/// [`Arc`]) is checked once.
#[derive(Debug, Default)]
pub struct Compilation {
    known: Shared,
}

impl Compilation {
    /// Checks and compiles a condition.
    pub fn compile(&mut self, condition: &Expr) -> Result<Predicate, Vec<TypeError>> {
        compile_sharing(condition, &Catalogue, &mut self.known)
    }
}

/// Compiled comparisons with their warnings, by address of the source, which they keep.
type Shared = HashMap<usize, (Leaf, Box<[WarningKind]>)>;

fn compile_sharing(condition: &Expr, scheme: &dyn Scheme, known: &mut Shared) -> Result<Predicate, Vec<TypeError>> {
    let mut compiler =
        Compiler { scheme, leaves: Vec::with_capacity(USUAL_PARTS), warnings: Vec::new(), errors: Vec::new(), known };
    let nodes = compiler.nodes(condition);
    if compiler.errors.is_empty() {
        Ok(Predicate::new(nodes, compiler.leaves, compiler.warnings))
    } else {
        Err(compiler.errors)
    }
}

/// The type of an operand of an output template, if it can be printed.
pub fn check_output(operand: &Operand) -> Result<OperandType, TypeErrorKind> {
    check_output_with(operand, &Catalogue)
}

/// As [`check_output`], with another catalogue of fields.
pub fn check_output_with(operand: &Operand, scheme: &dyn Scheme) -> Result<OperandType, TypeErrorKind> {
    type_of(operand, scheme, Place::Output).map(|typed| typed.ty)
}

/// Checks the left side of a comparison alone, as exceptions of rules need before they have values.
pub fn check_operator(lhs: &Operand, op: Op) -> Result<OperandType, TypeErrorKind> {
    let typed = type_of(lhs, &Catalogue, Place::Condition)?;
    check_op(op, &typed)?;
    Ok(typed.ty)
}

/// The operators that apply to a type.
pub fn operators_of(ty: OperandType) -> Vec<Op> {
    Op::ALL.into_iter().filter(|&op| applies(op, ty)).collect()
}

/// True if the operator applies to values of the type.
fn applies(op: Op, OperandType { ty, is_list }: OperandType) -> bool {
    use Op::*;
    if op == Exists {
        return true;
    }
    if is_list {
        return ty != FieldType::Opaque && matches!(op, In | Intersects);
    }
    match ty {
        FieldType::Str | FieldType::Path => !matches!(op, BContains | BStartsWith),
        FieldType::Bytes => {
            matches!(op, Eq | Ne | Contains | StartsWith | EndsWith | BContains | BStartsWith | In | Intersects)
        }
        FieldType::Bool | FieldType::Ip | FieldType::Net => matches!(op, Eq | Ne | In | Intersects),
        FieldType::Opaque => false,
        _ => matches!(op, Eq | Ne | Lt | Le | Gt | Ge | In | Intersects),
    }
}

fn check_op(op: Op, lhs: &Typed) -> Result<(), TypeErrorKind> {
    if applies(op, lhs.ty) {
        return Ok(());
    }
    let supported = operators_of(lhs.ty).into_iter().map(Op::name).collect();
    Err(TypeErrorKind::Operator { op, ty: lhs.ty, supported })
}

struct Compiler<'s> {
    scheme: &'s dyn Scheme,
    known: &'s mut Shared,
    leaves: Vec<Leaf>,
    warnings: Vec<Warning>,
    errors: Vec<TypeError>,
}

impl Compiler<'_> {
    /// The condition as nodes, operands before operators. Conditions can be deep: no recursion.
    fn nodes(&mut self, condition: &Expr) -> Vec<Node> {
        enum Step<'e> {
            Enter(&'e Expr),
            Emit(Node),
        }
        let mut nodes = Vec::with_capacity(USUAL_PARTS);
        let mut steps = vec![Step::Enter(condition)];
        while let Some(step) = steps.pop() {
            if nodes.len() + steps.len() > MAX_PARTS {
                let leaf = LeafId::default();
                self.errors.push(TypeError { leaf, kind: TypeErrorKind::TooLarge { limit: MAX_PARTS } });
                break;
            }
            match step {
                Step::Emit(node) => nodes.push(node),
                Step::Enter(Expr::Const(value)) => nodes.push(Node::Const(*value)),
                Step::Enter(Expr::Not(part)) => {
                    steps.push(Step::Emit(Node::Not));
                    steps.push(Step::Enter(part));
                }
                Step::Enter(Expr::And(parts)) => {
                    steps.push(Step::Emit(Node::And(parts.len() as u32)));
                    steps.extend(parts.iter().rev().map(Step::Enter));
                }
                Step::Enter(Expr::Or(parts)) => {
                    steps.push(Step::Emit(Node::Or(parts.len() as u32)));
                    steps.extend(parts.iter().rev().map(Step::Enter));
                }
                Step::Enter(Expr::Leaf(source, id)) => match self.shared_leaf(source, *id) {
                    Ok(leaf) => {
                        nodes.push(Node::Leaf(self.leaves.len() as u32, *id));
                        self.leaves.push(leaf);
                    }
                    Err(kind) => self.errors.push(TypeError { leaf: *id, kind }),
                },
            }
        }
        nodes
    }

    fn shared_leaf(&mut self, source: &Arc<UntypedLeaf>, id: LeafId) -> Result<Leaf, TypeErrorKind> {
        let address = Arc::as_ptr(source).addr();
        if let Some((leaf, warnings)) = self.known.get(&address) {
            self.warnings.extend(warnings.iter().map(|kind| Warning { leaf: id, kind: *kind }));
            return Ok(leaf.clone());
        }
        let n_warnings = self.warnings.len();
        let leaf = self.leaf(source, id)?;
        // One that nobody else holds cannot come again.
        if Arc::strong_count(source) > 2 {
            let warnings = self.warnings[n_warnings..].iter().map(|warning| warning.kind).collect();
            self.known.insert(address, (leaf.clone(), warnings));
        }
        Ok(leaf)
    }

    fn leaf(&mut self, source: &Arc<UntypedLeaf>, id: LeafId) -> Result<Leaf, TypeErrorKind> {
        if matches!(source.lhs, Operand::Const(_) | Operand::List(_)) {
            return Err(TypeErrorKind::NotAField);
        }
        let lhs = type_of(&source.lhs, self.scheme, Place::Condition)?;
        check_op(source.op, &lhs)?;
        self.check_kind_field(source, &lhs)?;
        if let Some(modifier) = source.modifier
            && (source.op.takes_list() || matches!(source.op, Op::Exists | Op::Lt | Op::Le | Op::Gt | Op::Ge))
        {
            return Err(TypeErrorKind::Modifier { op: source.op, modifier });
        }
        let (how, depends, kinds) = match &source.rhs {
            Rhs::None if source.op == Op::Exists => {
                let kinds = kind_field(&lhs).map(|_| KindSet::all());
                let how = match lhs.field.map(|field| field.multiplicity) {
                    Some(Multiplicity::Ancestors) => How::ExistsSome,
                    _ => How::Exists,
                };
                (how, lhs.depends, kinds)
            }
            Rhs::None => return Err(value_count(source.op, 0)),
            Rhs::Operand(operand) => {
                let rhs = type_of(operand, self.scheme, Place::Condition)?;
                let how = fields_to_compare(source, &lhs, &rhs)?;
                (how, lhs.depends.union(rhs.depends), None)
            }
            Rhs::Constants(constants) => {
                let takes_many = source.op.takes_list() || source.modifier.is_some();
                if source.op == Op::Exists || (!takes_many && constants.len() != 1) {
                    return Err(value_count(source.op, constants.len()));
                }
                let (how, kinds) = self.constants(source, &lhs, constants, id)?;
                (how, lhs.depends, kinds)
            }
        };
        Ok(Leaf::new(source.clone(), depends, how, kinds))
    }

    /// `evt.type` and `syscall.type` decide which events a rule is asked for: inside a transformer, or compared with
    /// a field, they could not.
    fn check_kind_field(&self, source: &UntypedLeaf, lhs: &Typed) -> Result<(), TypeErrorKind> {
        let is_inferred = matches!(source.op, Op::Eq | Op::Ne | Op::In) && source.modifier.is_none();
        if let Some(field) = kind_field(lhs) {
            if is_inferred && matches!(source.rhs, Rhs::Operand(_)) {
                return Err(TypeErrorKind::EventTypeNotConstant { field: field.to_owned() });
            }
            return Ok(());
        }
        if !(is_inferred || source.op == Op::Exists) || matches!(source.lhs, Operand::Field(_)) {
            return Ok(());
        }
        let mut found = None;
        each_field(&source.lhs, &mut |field| {
            if matches!(self.scheme.field(field).name, "evt.type" | "syscall.type") {
                found = Some(field.text.to_string());
            }
        });
        found.map_or(Ok(()), |field| Err(TypeErrorKind::EventTypeNotConstant { field }))
    }

    fn constants(
        &mut self,
        source: &UntypedLeaf,
        lhs: &Typed,
        constants: &[Vec<u8>],
        id: LeafId,
    ) -> Result<(How, Option<KindSet>), TypeErrorKind> {
        let op = source.op;
        let names_kind = source_names_kind(source, self.scheme);
        if names_kind == Some("evt.type") {
            constants.iter().try_for_each(|name| check_kind_name(name))?;
        }
        let Some(field) = lhs.field else {
            // A transformer: as a field of its type that has nothing special.
            let test = self.tests(source, lhs.ty.ty, constants, None, id)?;
            return Ok((one_or_list(op, lhs.ty.is_list, test), None));
        };
        let quirks = quirks::of_constants(&field, op, source.modifier);
        for &quirk in &quirks {
            self.warnings.push(Warning { leaf: id, kind: WarningKind::Quirk(quirk) });
        }
        if field.name == "evt.around" {
            return around(op, constants, lhs.ty).map(|how| (how, None));
        }
        // Constants are converted also where a quirk makes the comparison never true: errors stay errors.
        let test = self.tests(source, field.ty, constants, Some(&field), id)?;
        for quirk in quirks::of_values(&field, source.modifier, constants) {
            self.warnings.push(Warning { leaf: id, kind: WarningKind::Quirk(quirk) });
        }
        let is_quirk = |quirk| quirks.contains(&quirk);
        let never =
            [Quirk::AddressInNever, Quirk::EndsIntersectsFails, Quirk::RawNumberInNever, Quirk::AncestorIdInNever];
        if never.into_iter().any(is_quirk) {
            return Ok((How::Never, None));
        }
        match field.multiplicity {
            Multiplicity::Ends => {
                let only_single = is_quirk(Quirk::NetworkIntersectsNever);
                let test = match test {
                    Test::NetIn(nets) => Test::NetIn(nets.iter().take(1).copied().collect()),
                    test => test,
                };
                return Ok((How::Ends { both: op == Op::Ne, only_single, test }, None));
            }
            Multiplicity::Ancestors => return Ok((How::Some(test), None)),
            Multiplicity::One | Multiplicity::List => {}
        }
        if let Some(result) = static_result(&field, source, constants) {
            return Ok((How::Static(result), None));
        }
        if is_quirk(Quirk::RawBytesEmpty) {
            // A value that is there passes or not whatever it holds: the empty text decides.
            let passes = test.passes(&tracehound_fields::Value::Bytes((&[]).into()));
            return Ok((if passes { How::Exists } else { How::Never }, None));
        }
        if let Some(name) = kind_field(lhs)
            && source.modifier.is_none()
            && matches!(op, Op::Eq | Op::Ne | Op::In)
        {
            let kinds = KindSet::named(constants.iter().filter_map(|name| name.to_str().ok()));
            let kinds = if op == Op::Ne { kinds.complement() } else { kinds };
            // Every event has a kind, but not every kind is a system call.
            let how = if name == "evt.type" { How::Kind(kinds.clone()) } else { How::One(test) };
            return Ok((how, Some(kinds)));
        }
        Ok((one_or_list(op, lhs.ty.is_list, test), None))
    }

    /// The test of one value against all constants.
    fn tests(
        &mut self,
        source: &UntypedLeaf,
        ty: FieldType,
        constants: &[Vec<u8>],
        field: Option<&FieldTraits>,
        id: LeafId,
    ) -> Result<Test, TypeErrorKind> {
        if source.op.takes_list() {
            return list_test(source.op, ty, constants);
        }
        let wrap = match ty {
            FieldType::Int(bits) if field.is_some_and(is_raw_argument) => Some(bits),
            _ => None,
        };
        let mut tests = Vec::with_capacity(constants.len());
        for constant in constants {
            if source.op == Op::Regex && is_plain_text(constant) {
                self.warnings.push(Warning { leaf: id, kind: WarningKind::NeedlessRegex });
            }
            tests.push(single_test(source.op, ty, constant, wrap)?);
        }
        let ignores_modifier = field.is_some_and(|field| {
            quirks::of_constants(field, source.op, source.modifier).contains(&Quirk::ModifierIgnored)
        });
        Ok(match source.modifier {
            Some(modifier) if !ignores_modifier => Test::Several(modifier, tests.into()),
            _ => tests.into_iter().next().unwrap_or(Test::Nothing),
        })
    }
}

fn one_or_list(op: Op, is_list: bool, test: Test) -> How {
    if is_list { How::List { every: op == Op::In, test } } else { How::One(test) }
}

fn value_count(op: Op, found: usize) -> TypeErrorKind {
    let expected = match op {
        Op::Exists => "no value",
        op if op.takes_list() => "a list of values",
        _ => "one value",
    };
    TypeErrorKind::ValueCount { op, expected, found }
}

/// `evt.type` or `syscall.type`, if the operand is one of them.
fn kind_field(lhs: &Typed) -> Option<&'static str> {
    lhs.field.map(|field| field.name).filter(|name| matches!(*name, "evt.type" | "syscall.type"))
}

/// The field of kinds that the left side names, also inside a transformer that keeps one field.
fn source_names_kind(source: &UntypedLeaf, scheme: &dyn Scheme) -> Option<&'static str> {
    let mut operand = &source.lhs;
    loop {
        match operand {
            Operand::Field(field) => {
                return Some(scheme.field(field).name).filter(|name| matches!(*name, "evt.type" | "syscall.type"));
            }
            Operand::Call { args, .. } if args.len() == 1 => operand = &args[0],
            _ => return None,
        }
    }
}

fn check_kind_name(name: &[u8]) -> Result<(), TypeErrorKind> {
    if name.to_str().is_ok_and(|name| !subject::kind_codes(name).is_empty()) {
        return Ok(());
    }
    let candidates = constant::similar(name, kind_names().iter().copied());
    Err(TypeErrorKind::UnknownEventType { name: BString::from(name), candidates })
}

/// `evt.around[T] = D`: the value is the distance from T in nanoseconds, the constant is in milliseconds.
fn around(op: Op, constants: &[Vec<u8>], ty: OperandType) -> Result<How, TypeErrorKind> {
    if op != Op::Eq {
        return Err(TypeErrorKind::Operator { op, ty, supported: vec![Op::Eq.name()] });
    }
    let Some(text) = constants.first() else { return Ok(How::Never) };
    let value = constant::number(text, FieldType::Uint(64))?.saturating_mul(1_000_000);
    Ok(How::One(Test::Number { order: Order::Le, value, wrap: None }))
}

/// What is known about `evt.num`: events are counted from 1, so that some comparisons are the same for all.
fn static_result(field: &FieldTraits, source: &UntypedLeaf, constants: &[Vec<u8>]) -> Option<bool> {
    if field.name != "evt.num" || source.modifier.is_some() {
        return None;
    }
    let numbers: Vec<i128> =
        constants.iter().map(|text| constant::number(text, FieldType::Uint(64)).ok()).collect::<Option<_>>()?;
    match (source.op, numbers.as_slice()) {
        (Op::In, numbers) if numbers.iter().all(|&n| n == 0) => Some(false),
        (Op::Eq | Op::Le, [0]) | (Op::Lt, [0 | 1]) => Some(false),
        (Op::Ne | Op::Gt, [0]) | (Op::Ge, [0 | 1]) => Some(true),
        _ => None,
    }
}

/// A field compared with a field.
fn fields_to_compare(source: &UntypedLeaf, lhs: &Typed, rhs: &Typed) -> Result<How, TypeErrorKind> {
    let op = source.op;
    if let Some(modifier) = source.modifier {
        return Err(TypeErrorKind::Modifier { op, modifier });
    }
    if op == Op::Exists {
        return Err(value_count(op, 1));
    }
    if matches!(op, Op::PMatch | Op::Regex) || lhs.ty.ty == FieldType::Net {
        return Err(TypeErrorKind::FieldToField { op, ty: lhs.ty });
    }
    if let Some(field) = lhs.no_rhs.as_ref().or(rhs.no_rhs.as_ref()) {
        return Err(TypeErrorKind::NoRhs { field: field.clone() });
    }
    if lhs.ty != rhs.ty {
        return Err(TypeErrorKind::TypesDiffer { left: lhs.ty, right: rhs.ty });
    }
    let ty = lhs.ty.ty;
    Ok(if lhs.ty.is_list { How::Lists { every: op == Op::In, ty } } else { How::Values { op, ty } })
}

/// `in`, `intersects` and `pmatch`: one value against a list.
fn list_test(op: Op, ty: FieldType, constants: &[Vec<u8>]) -> Result<Test, TypeErrorKind> {
    if op == Op::PMatch {
        let paths = constants.iter().map(|path| constant::text(path, ty)).collect::<Result<Vec<_>, _>>()?;
        return Ok(Test::Text(TextTest::Path(PathSet::new(paths))));
    }
    Ok(match ty {
        FieldType::Str | FieldType::Path => {
            let mut texts = HashSet::with_capacity(constants.len());
            for text in constants {
                texts.insert(Box::from(constant::text(text, ty)?));
            }
            Test::Text(TextTest::In(texts))
        }
        FieldType::Bytes => Test::Bytes(TextTest::In(constants.iter().map(|text| text.as_slice().into()).collect())),
        FieldType::Bool => {
            let values = constants.iter().map(|text| constant::boolean(text)).collect::<Result<Vec<_>, _>>()?;
            Test::BoolIn { with_true: values.contains(&true), with_false: values.contains(&false) }
        }
        FieldType::Ip => Test::IpIn(constants.iter().map(|text| constant::ip(text)).collect::<Result<_, _>>()?),
        FieldType::Net => Test::NetIn(constants.iter().map(|text| constant::net(text)).collect::<Result<_, _>>()?),
        FieldType::Double => {
            Test::DoubleIn(constants.iter().map(|text| constant::double(text)).collect::<Result<_, _>>()?)
        }
        FieldType::Opaque => Test::Nothing,
        _ => {
            let mut numbers = constants.iter().map(|text| constant::number(text, ty)).collect::<Result<Vec<_>, _>>()?;
            numbers.sort_unstable();
            Test::NumberIn(numbers.into())
        }
    })
}

/// Every other operator: one value against one constant.
fn single_test(op: Op, ty: FieldType, constant: &[u8], wrap: Option<u8>) -> Result<Test, TypeErrorKind> {
    let is_negated = op == Op::Ne;
    let order = Order::of(op).unwrap_or(Order::Eq);
    Ok(match ty {
        FieldType::Str | FieldType::Path => Test::Text(text_test(op, until_nul(constant::text(constant, ty)?))?),
        FieldType::Bytes => Test::Bytes(match op {
            Op::BContains => TextTest::Contains(finder(&constant::hex(constant)?)),
            Op::BStartsWith => TextTest::StartsWith(constant::hex(constant)?.into()),
            _ => text_test(op, constant)?,
        }),
        FieldType::Bool => Test::Bool { is_negated, value: constant::boolean(constant)? },
        FieldType::Ip => Test::Ip { is_negated, value: constant::ip(constant)? },
        FieldType::Net => Test::Net { is_negated, value: constant::net(constant)? },
        FieldType::Double => Test::Double { order, value: constant::double(constant)? },
        FieldType::Opaque => Test::Nothing,
        _ => Test::Number { order, value: constant::number(constant, ty)?, wrap },
    })
}

fn text_test(op: Op, constant: &[u8]) -> Result<TextTest, TypeErrorKind> {
    Ok(match op {
        Op::Contains => TextTest::Contains(finder(constant)),
        Op::IContains => TextTest::IContains(constant.to_ascii_lowercase().into()),
        Op::StartsWith => TextTest::StartsWith(constant.into()),
        Op::EndsWith => TextTest::EndsWith(constant.into()),
        Op::Glob => TextTest::Glob(Glob::new(constant, false)),
        Op::IGlob => TextTest::Glob(Glob::new(constant, true)),
        Op::Regex => TextTest::Regex(Box::new(
            PosixRegex::new(constant)
                .map_err(|reason| TypeErrorKind::Regex { pattern: BString::from(constant), reason })?,
        )),
        _ => TextTest::Order(Order::of(op).unwrap_or(Order::Eq), constant.into()),
    })
}

fn finder(needle: &[u8]) -> Box<bstr::Finder<'static>> {
    Box::new(bstr::Finder::new(needle).into_owned())
}
