//! What can be wrong with a comparison that is well-formed text.

use bstr::BString;
use tracehound_fields::FieldType;

use crate::ir::{LeafId, Modifier, Op, Transform};

/// A comparison that cannot be evaluated, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct TypeError {
    /// The comparison.
    pub leaf: LeafId,
    /// What is wrong.
    pub kind: TypeErrorKind,
}

/// What is wrong with a comparison or an operand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeErrorKind {
    /// The operator does not apply to the type.
    #[error("operator '{}' is not supported for {ty}; supported: {}", .op.name(), .supported.join(" "))]
    Operator {
        /// The operator.
        op: Op,
        /// Type of the left side.
        ty: OperandType,
        /// Operators that apply to the type.
        supported: Vec<&'static str>,
    },
    /// The operator does not take the modifier.
    #[error("operator '{}' cannot be combined with '{}'", .op.name(), .modifier.name())]
    Modifier {
        /// The operator.
        op: Op,
        /// The modifier.
        modifier: Modifier,
    },
    /// The operator needs a right side (`expected` values), or takes none.
    #[error("operator '{}' takes {expected}, found {found} value(s)", .op.name())]
    ValueCount {
        /// The operator.
        op: Op,
        /// What it takes.
        expected: &'static str,
        /// How many values were given.
        found: usize,
    },
    /// A constant is not of the type of the field.
    #[error("'{value}' is not {expected}")]
    Constant {
        /// The constant.
        value: BString,
        /// What it should be.
        expected: &'static str,
        /// Type of the left side.
        ty: OperandType,
    },
    /// A port is given by a service name that is not known.
    #[error("unrecognized protocol {name}")]
    UnknownService {
        /// The name.
        name: BString,
        /// Similar names, best first.
        candidates: Vec<&'static str>,
    },
    /// `evt.type` is compared with something that no event is called.
    #[error("unknown event type {name}")]
    UnknownEventType {
        /// The name.
        name: BString,
        /// Similar names, best first.
        candidates: Vec<&'static str>,
    },
    /// `evt.type` or `syscall.type` inside a transformer, or compared with a field: the kinds of event that a rule
    /// wants could not be inferred.
    #[error("field {field} can only be compared with constants")]
    EventTypeNotConstant {
        /// The field.
        field: String,
    },
    /// A regular expression does not compile.
    #[error("invalid regex pattern '{pattern}': {reason}")]
    Regex {
        /// The pattern.
        pattern: BString,
        /// What is wrong.
        reason: RegexError,
    },
    /// The two sides are of different types.
    #[error("cannot compare {left} with {right}")]
    TypesDiffer {
        /// Type of the left side.
        left: OperandType,
        /// Type of the right side.
        right: OperandType,
    },
    /// The operator cannot compare two fields.
    #[error("operator '{}' cannot compare {ty} with another field", .op.name())]
    FieldToField {
        /// The operator.
        op: Op,
        /// Type of the left side.
        ty: OperandType,
    },
    /// The field cannot take part in a field-to-field comparison.
    #[error("field {field} cannot be compared with another field")]
    NoRhs {
        /// The field as written.
        field: String,
    },
    /// The field cannot be given to a transformer.
    #[error("field {field} does not support transformers (here {})", .transform.name())]
    NoTransformer {
        /// The field as written.
        field: String,
        /// The transformer.
        transform: Transform,
    },
    /// The field can only be printed.
    #[error("field {field} can only be used in outputs")]
    PrintOnly {
        /// The field as written.
        field: String,
    },
    /// A transformer has the wrong number of arguments.
    #[error("{} takes {expected}, found {found} argument(s)", .transform.name())]
    ArgumentCount {
        /// The transformer.
        transform: Transform,
        /// What it takes.
        expected: &'static str,
        /// How many were given.
        found: usize,
    },
    /// An argument of a transformer has the wrong type.
    #[error("argument {} of {} must be {expected}, found {found}", .index + 1, .transform.name())]
    ArgumentType {
        /// The transformer.
        transform: Transform,
        /// Which argument, from 0.
        index: usize,
        /// What it takes.
        expected: &'static str,
        /// Type of the argument.
        found: OperandType,
    },
    /// An element of a list inside a transformer is neither text nor a whole number.
    #[error("element {} of a list must be text or a whole number, found {found}", .index + 1)]
    ListElement {
        /// Which element, from 0.
        index: usize,
        /// Its type.
        found: OperandType,
    },
    /// `getopt(...)[index]` with more than one character.
    #[error("getopt takes a single option character in brackets, found [{index}]")]
    OptionName {
        /// What stands in the brackets.
        index: String,
    },
    /// `[...]` after a transformer that takes none.
    #[error("{} takes no argument in brackets, found [{index}]", .transform.name())]
    IndexNotAllowed {
        /// The transformer.
        transform: Transform,
        /// What stands in the brackets.
        index: String,
    },
    /// A constant or a list stands where a field or transformer must.
    #[error("a comparison needs a field on its left side")]
    NotAField,
    /// Transformers are nested too deeply.
    #[error("transformers are nested more than {limit} deep")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
    /// The condition has more parts than can be numbered.
    #[error("the condition has more than {limit} parts")]
    TooLarge {
        /// How many it may have.
        limit: usize,
    },
}

impl TypeErrorKind {
    /// Names that may have been meant, best first.
    pub fn candidates(&self) -> &[&'static str] {
        match self {
            TypeErrorKind::UnknownEventType { candidates, .. } | TypeErrorKind::UnknownService { candidates, .. } => {
                candidates
            }
            _ => &[],
        }
    }
}

/// What is wrong with a regular expression (the POSIX subset of RE2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum RegexError {
    #[error("not valid UTF-8")]
    Utf8,
    #[error("invalid escape sequence '\\{0}' at byte {1}")]
    Escape(char, usize),
    #[error("trailing backslash")]
    TrailingBackslash,
    #[error("groups with (? are not supported, at byte {0}")]
    Group(usize),
    #[error("missing argument to repetition operator at byte {0}")]
    NothingToRepeat(usize),
    #[error("repetition over 1000 at byte {0}")]
    RepeatSize(usize),
    #[error("missing closing ]")]
    UnclosedClass,
    #[error("invalid character class or range at byte {0}")]
    ClassRange(usize),
    #[error("missing or unexpected parenthesis")]
    Parenthesis,
    #[error("pattern too large when compiled")]
    TooLarge,
    #[error("{0}")]
    Other(String),
}

/// Type of an operand: of its value, or of each of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OperandType {
    /// Type of the value, or of each element.
    pub ty: FieldType,
    /// True for a list.
    pub is_list: bool,
}

impl OperandType {
    /// A single value of this type.
    pub fn one(ty: FieldType) -> Self {
        OperandType { ty, is_list: false }
    }

    /// A list of values of this type.
    pub fn list(ty: FieldType) -> Self {
        OperandType { ty, is_list: true }
    }
}

impl std::fmt::Display for OperandType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_list {
            f.write_str("a list of ")?;
        }
        match self.ty {
            FieldType::Bool => f.write_str("bool"),
            FieldType::Int(bits) => write!(f, "int{bits}"),
            FieldType::Uint(bits) => write!(f, "uint{bits}"),
            FieldType::Double => f.write_str("double"),
            FieldType::RelTime => f.write_str("duration"),
            FieldType::AbsTime => f.write_str("time"),
            FieldType::Port => f.write_str("port"),
            FieldType::Str => f.write_str("string"),
            FieldType::Path => f.write_str("path"),
            FieldType::Bytes => f.write_str("bytes"),
            FieldType::Ip => f.write_str("IP address"),
            FieldType::Net => f.write_str("IP network"),
            FieldType::Opaque => f.write_str("event-dependent value"),
        }
    }
}
