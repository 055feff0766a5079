//! Rules and conditions, whatever language they were written in.
//!
//! A language builds an [`Expr`] tree of untyped leaves; [`crate::compile()`] checks types, converts constants and
//! gives the [`crate::Predicate`] that is evaluated. What a leaf means is the same for all languages: **an absent value
//! makes a leaf false, whatever the operator**, and `not` around it true.

use std::sync::Arc;

use tracehound_fields::FieldRef;

/// A rule as a language understood it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Priority.
    pub priority: Priority,
    /// Tags, sorted, without duplicates.
    pub tags: Vec<String>,
    /// Source of events: `syscall` for all that a trace holds.
    pub source: String,
    /// False for a rule that is loaded but not evaluated.
    pub is_enabled: bool,
    /// Condition.
    pub condition: Expr,
    /// Output template.
    pub output: Vec<OutputPart>,
    /// The output template as written.
    pub output_text: String,
    /// The condition as written, after exceptions and appended parts were added, for `explain`.
    pub condition_text: String,
    /// Where it was defined.
    pub origin: Origin,
}

/// Severity, most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Priority {
    Emergency,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Informational,
    Debug,
}

impl Priority {
    /// All, most severe first.
    pub const ALL: [Priority; 8] = [
        Priority::Emergency,
        Priority::Alert,
        Priority::Critical,
        Priority::Error,
        Priority::Warning,
        Priority::Notice,
        Priority::Informational,
        Priority::Debug,
    ];

    /// Name as Falco prints it.
    pub fn name(self) -> &'static str {
        match self {
            Priority::Emergency => "Emergency",
            Priority::Alert => "Alert",
            Priority::Critical => "Critical",
            Priority::Error => "Error",
            Priority::Warning => "Warning",
            Priority::Notice => "Notice",
            Priority::Informational => "Informational",
            Priority::Debug => "Debug",
        }
    }

    /// The priority of a name in any case; `info` is Informational.
    pub fn parse(name: &str) -> Option<Priority> {
        if name.eq_ignore_ascii_case("info") {
            return Some(Priority::Informational);
        }
        Priority::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name))
    }
}

/// Where something was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Index of the file, in the order loaded.
    pub file: usize,
    /// Name of the file.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A condition: leaves joined by and, or, not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A constant.
    Const(bool),
    /// A comparison. Its [`LeafId`] finds the place it was written.
    Leaf(Arc<UntypedLeaf>, LeafId),
    /// True if the part is false.
    Not(Box<Expr>),
    /// True if all parts are, asked in order.
    And(Vec<Expr>),
    /// True if some part is, asked in order.
    Or(Vec<Expr>),
}

impl Expr {
    /// The same condition, with nothing that says where it was written: conditions that mean the same by construction
    /// are equal then. Recursion is bounded by what languages accept as height.
    pub fn without_places(&self) -> Expr {
        let all = |parts: &[Expr]| parts.iter().map(Expr::without_places).collect();
        match self {
            Expr::Const(value) => Expr::Const(*value),
            Expr::Leaf(leaf, _) => Expr::Leaf(leaf.clone(), LeafId::default()),
            Expr::Not(part) => Expr::Not(Box::new(part.without_places())),
            Expr::And(parts) => Expr::And(all(parts)),
            Expr::Or(parts) => Expr::Or(all(parts)),
        }
    }
}

/// Number of a leaf within what a language loaded: an index into its table of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LeafId(pub u32);

/// A comparison before types are checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UntypedLeaf {
    /// Left side.
    pub lhs: Operand,
    /// Operator.
    pub op: Op,
    /// `oneof`, `anyof`, `allof`.
    pub modifier: Option<Modifier>,
    /// Right side.
    pub rhs: Rhs,
}

/// One side of a comparison, or an argument of a transformer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A field.
    Field(FieldRef),
    /// A transformer applied to operands.
    Call {
        /// Which.
        transform: Transform,
        /// Its arguments.
        args: Vec<Operand>,
        /// `[c]` after the call (getopt).
        index: Option<String>,
    },
    /// A constant (only inside a transformer).
    Const(Vec<u8>),
    /// A parenthesised list (only inside a transformer).
    List(Vec<Operand>),
}

/// Functions over values; see section 2.6 of the language's specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Transform {
    ToLower,
    ToUpper,
    /// Base64 *decode*.
    B64,
    Basename,
    Len,
    Join,
    Concat,
    Getopt,
    /// Identity; marks a field on the right side.
    Val,
}

/// Operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Op {
    Exists,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Contains,
    IContains,
    BContains,
    StartsWith,
    BStartsWith,
    EndsWith,
    Glob,
    IGlob,
    Regex,
    In,
    Intersects,
    PMatch,
}

impl Op {
    /// Every operator, in the order a parser tries them.
    pub const ALL: [Op; 19] = [
        Op::Exists,
        Op::Le,
        Op::Lt,
        Op::Ge,
        Op::Gt,
        Op::Eq,
        Op::Ne,
        Op::Glob,
        Op::IGlob,
        Op::Contains,
        Op::IContains,
        Op::BContains,
        Op::StartsWith,
        Op::BStartsWith,
        Op::EndsWith,
        Op::Regex,
        Op::Intersects,
        Op::In,
        Op::PMatch,
    ];

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Op::Exists => "exists",
            Op::Eq => "=",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Contains => "contains",
            Op::IContains => "icontains",
            Op::BContains => "bcontains",
            Op::StartsWith => "startswith",
            Op::BStartsWith => "bstartswith",
            Op::EndsWith => "endswith",
            Op::Glob => "glob",
            Op::IGlob => "iglob",
            Op::Regex => "regex",
            Op::In => "in",
            Op::Intersects => "intersects",
            Op::PMatch => "pmatch",
        }
    }

    /// True for operators whose right side is a list.
    pub fn takes_list(self) -> bool {
        matches!(self, Op::In | Op::Intersects | Op::PMatch)
    }
}

impl Transform {
    /// Every function.
    pub const ALL: [Transform; 9] = [
        Transform::ToLower,
        Transform::ToUpper,
        Transform::B64,
        Transform::Basename,
        Transform::Len,
        Transform::Join,
        Transform::Concat,
        Transform::Getopt,
        Transform::Val,
    ];

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Transform::ToLower => "tolower",
            Transform::ToUpper => "toupper",
            Transform::B64 => "b64",
            Transform::Basename => "basename",
            Transform::Len => "len",
            Transform::Join => "join",
            Transform::Concat => "concat",
            Transform::Getopt => "getopt",
            Transform::Val => "val",
        }
    }
}

/// How a string operator treats a list of constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Modifier {
    /// Exactly one matches.
    OneOf,
    /// At least one matches.
    AnyOf,
    /// Every one matches.
    AllOf,
}

impl Modifier {
    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Modifier::OneOf => "oneof",
            Modifier::AnyOf => "anyof",
            Modifier::AllOf => "allof",
        }
    }
}

/// Right side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rhs {
    /// None (`exists`).
    None,
    /// Constants, not converted yet: one for scalar operators, any number for lists.
    Constants(Vec<Vec<u8>>),
    /// A field or transformer.
    Operand(Operand),
}

/// A piece of an output template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OutputPart {
    /// Text as it is.
    Text(String),
    /// A field or transformer.
    Value {
        /// What.
        operand: Operand,
        /// Key in `output_fields`.
        key: String,
        /// Exact width in bytes, from `%10proc.name`.
        width: Option<usize>,
    },
}
