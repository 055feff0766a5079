//! What the catalogue says about a field.

use crate::actor::Scope;
use crate::value::{FieldType, Value};
use crate::view::View;

/// One field: what a rule, a report or a suppression can name.
pub struct Field {
    /// Name, without argument: `proc.aname`, `evt.arg`.
    pub name: &'static str,
    /// Type of its value (of each value, if there are several).
    pub ty: FieldType,
    /// Whether it takes an argument in brackets or after a further dot.
    pub arg: ArgPolicy,
    /// Bits of [`flags`].
    pub flags: u8,
    /// How many values it has, and what operators make of them.
    pub multiplicity: Multiplicity,
    /// What its value depends on, for planning.
    pub depends: Depends,
    /// How a number is printed.
    pub format: NumberFormat,
    /// Meaning, unit, absent case: the user manual.
    pub doc: &'static str,
    /// Where the fact comes from: event argument, kernel field, table of the trace.
    pub source: &'static str,
    /// What a trace must carry for it; decides whether rules that name it can be evaluated.
    pub needs: Needs,
    /// An example that is run: events in text notation, argument, and the value at the last event.
    pub example: Option<Example>,
    /// Its value for an event.
    pub get: Getter,
    /// Its key, if it has one.
    pub key: Option<KeyGetter>,
    /// The part of [`crate::Subject::open_key`] that decides its value; of `evt.arg`, that of `flags`.
    pub(crate) told_by: Option<OpenPart>,
}

/// A part of what tells opens apart; see [`crate::Subject::open_key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpenPart {
    /// Kind and flags of the call.
    Call,
    /// What it opened: names and kind of the file, number of the descriptor.
    File,
}

/// Reads the value of a field for one event. Borrows what is stored, makes only what is not.
pub type Getter = for<'a> fn(&View<'a>, &FieldArg) -> Value<'a>;

/// Tells what the value of a field is made of, for fields whose values are made of what the history has a number for:
/// see [`crate::Subject::key`].
pub type KeyGetter = for<'a> fn(&View<'a>, &FieldArg) -> Option<u64>;

/// The families build their rows with these, so that a row says only what is particular to it.
impl Field {
    /// A row for a field without argument that every trace can answer.
    pub(crate) const fn new(
        name: &'static str,
        ty: FieldType,
        depends: Depends,
        source: &'static str,
        get: Getter,
        doc: &'static str,
    ) -> Field {
        Field {
            name,
            ty,
            arg: ArgPolicy::None,
            flags: flags::NONE,
            multiplicity: Multiplicity::One,
            depends,
            format: NumberFormat::Dec,
            doc,
            source,
            needs: Needs::Nothing,
            example: None,
            get,
            key: None,
            told_by: None,
        }
    }

    /// A row for a field that no trace answers; it stays in the catalogue so that rules that name it load.
    pub(crate) const fn absent(name: &'static str, ty: FieldType, why: &'static str, doc: &'static str) -> Field {
        let row = Field::new(name, ty, Depends::Trace, "none", |_, _| Value::Null, doc);
        row.needs(Needs::NotInTrace(why))
    }

    pub(crate) const fn arg(mut self, arg: ArgPolicy) -> Field {
        self.arg = arg;
        self
    }

    pub(crate) const fn key(mut self, key: KeyGetter) -> Field {
        self.key = Some(key);
        self
    }

    pub(crate) const fn told_by(mut self, part: OpenPart) -> Field {
        self.told_by = Some(part);
        self
    }

    pub(crate) const fn flags(mut self, flags: u8) -> Field {
        self.flags = flags;
        self
    }

    pub(crate) const fn multiplicity(mut self, multiplicity: Multiplicity) -> Field {
        self.multiplicity = multiplicity;
        self
    }

    pub(crate) const fn format(mut self, format: NumberFormat) -> Field {
        self.format = format;
        self
    }

    pub(crate) const fn needs(mut self, needs: Needs) -> Field {
        self.needs = needs;
        self
    }

    pub(crate) const fn example(mut self, trace: &'static str, arg: &'static str, value: &'static str) -> Field {
        self.example = Some(Example { trace, arg, value, is_comparison: false });
        self
    }

    /// For a field that is only compared: `value` is the operator and the constant, and true of the last event.
    pub(crate) const fn compared(mut self, trace: &'static str, arg: &'static str, value: &'static str) -> Field {
        self.example = Some(Example { trace, arg, value, is_comparison: true });
        self
    }
}

/// Argument of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgPolicy {
    /// Takes none.
    None,
    /// Takes an index or a name, or none.
    Optional(ArgKind),
    /// Must have one.
    Required(ArgKind),
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// A decimal index.
    Index,
    /// A text key.
    Name,
    /// An index or a text key.
    IndexOrName,
    /// An index or the name of an argument of some event kind (`evt.arg.NAME`).
    EventArg,
}

/// An argument, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldArg {
    /// None given.
    #[default]
    None,
    /// An index.
    Index(u32),
    /// A text key.
    Name(String),
}

/// Properties of a field; source: `EPF_*` of falcosecurity/libs.
pub mod flags {
    /// Nothing of the below.
    pub const NONE: u8 = 0;
    /// Has no printable value.
    pub const FILTER_ONLY: u8 = 1;
    /// Cannot be used in conditions.
    pub const PRINT_ONLY: u8 = 2;
    /// Not listed, still usable.
    pub const HIDDEN: u8 = 4;
    /// Cannot stand on the right of a field-to-field comparison.
    pub const NO_RHS: u8 = 8;
    /// Cannot be given to a transformer.
    pub const NO_TRANSFORMER: u8 = 16;
    /// Works, with a warning.
    pub const DEPRECATED: u8 = 32;
}

/// How many values a field has, and what a comparison of them means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplicity {
    /// One value.
    One,
    /// A list: only `in` (every element), `intersects` (some element) and `exists` apply.
    List,
    /// Values of all ancestors when no argument is given: a comparison (also `!=`) is true if it is true for
    /// some ancestor. With an argument: one value. The value is a list, nearest ancestor first, or absent if
    /// there is no ancestor.
    Ancestors,
    /// Both ends of a connection, one value if there is only one: `!=` is true if it is for both ends, every
    /// other operator if it is for either. The value is a list of two, one plain value for a listening socket,
    /// an empty list for a known descriptor without addresses (only `exists` holds), or absent.
    Ends,
}

/// What the value of a field depends on. Those of [`Depends::scope`] are evaluated once per state of it, whatever
/// events, and however many processes, share the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depends {
    /// The trace as a whole (`evt.hostname`).
    Trace,
    /// The kind of event alone (`evt.type`).
    Kind,
    /// What the acting thread's program was loaded from (`proc.name`, `proc.cmdline`), and nothing else.
    Image,
    /// The state of the acting thread besides its image: ids, credentials, descriptors (`proc.tty`, `user.uid`).
    Actor,
    /// The images of the acting process's ancestors (`proc.pname`, `proc.aname`), and nothing else.
    Lineage,
    /// Other things about ancestors, and session and group leaders (`proc.ppid`, `proc.sname`).
    Ancestors,
    /// The container of the acting thread and what is known of it, and nothing else.
    Container,
    /// Arguments of the event.
    Args,
    /// The descriptor of the event.
    Descriptor,
    /// Time or number of the event.
    Time,
}

impl Depends {
    /// The part of the actor's state that the value is a function of, if it is remembered by that.
    pub fn scope(self) -> Option<Scope> {
        match self {
            Depends::Image => Some(Scope::Image),
            Depends::Lineage => Some(Scope::Lineage),
            Depends::Container => Some(Scope::Container),
            _ => None,
        }
    }
}

/// What a trace must carry for a field to have a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Every trace has it.
    Nothing,
    /// Never in a recorded trace; the text says why (`names from DNS at run time`).
    NotInTrace(&'static str),
    /// Container metadata beyond the id (name, image, labels, mounts).
    ContainerMetadata,
    /// Interface addresses of the host.
    Interfaces,
    /// User and group names.
    UserNames,
    /// Environment of processes.
    Environment,
    /// Data of read and write calls.
    IoData,
}

/// How a number is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFormat {
    /// Decimal; a JSON number.
    Dec,
    /// Hexadecimal text.
    Hex,
    /// Octal text.
    Oct,
    /// Decimal padded with zeros to nine digits; JSON text.
    Padded,
}

/// An example of a field, run as a test.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// A trace in text notation, without its first line; the last event is asked.
    pub trace: &'static str,
    /// Argument in the field's spelling (`[1]`, `.name`), empty if none.
    pub arg: &'static str,
    /// Value as printed, `<NA>` if absent; or an operator and a constant that the event's value compares to.
    pub value: &'static str,
    /// Whether `value` is a comparison: of a field that has no printed value.
    pub is_comparison: bool,
}

impl Example {
    /// The field with its argument, and what it is or compares to.
    pub fn text(&self, field: &str) -> String {
        let Example { arg, value, .. } = self;
        match (self.is_comparison, *value) {
            (true, _) => format!("{field}{arg} {value}"),
            (false, "") => format!("{field}{arg} is empty"),
            (false, _) => format!("{field}{arg} = {value}"),
        }
    }
}
