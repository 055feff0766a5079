//! What rules and queries are evaluated on, without knowing what it is.

use std::sync::OnceLock;

use bstr::BStr;
use hashbrown::HashMap;
use tracehound_formats::event::kind::{self, ArgType, KindId, kind_flags};
use tracehound_formats::event::{pseudo, syscalls};

use crate::actor::{ActorId, Actors};
use crate::catalogue::FieldRef;
use crate::field::{FieldArg, NumberFormat};
use crate::value::Value;
use crate::view::View;

/// Something with fields: an event with its history, or a signal.
pub trait Subject {
    /// The value of a field.
    fn get(&self, field: &FieldRef) -> Value<'_>;

    /// Code of a kind of event with the name that `evt.type` has, to pick the rules that ask for it.
    fn kind_code(&self) -> u16;

    /// The state of whom the event is of: as long as it is the same, so are the values of all fields whose
    /// [`Depends::scope`](crate::Depends::scope) is a [part](Actors::part) of it. `None` if there is no such promise.
    fn actor(&self, _actors: &mut Actors) -> Option<ActorId> {
        None
    }

    /// A number that stands for the value of a field: within one history, and for one field, equal numbers mean equal
    /// values. `None` where the value is no harder to tell than its number.
    fn key(&self, _field: &FieldRef) -> Option<u64> {
        None
    }

    /// For an event that opens a file, numbers that stand for the values of all fields that are
    /// [told by them](FieldRef::told_by): within one history, equal numbers mean equal values of each. Not every such
    /// event has them.
    fn open_key(&self) -> Option<OpenKey> {
        None
    }

    /// How a number of `evt.rawarg` is printed: its argument decides, not the catalogue.
    fn raw_format(&self, _field: &FieldRef) -> NumberFormat {
        NumberFormat::Dec
    }
}

/// What tells opens apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpenKey {
    /// Of [`OpenPart::Call`](crate::OpenPart::Call).
    pub call: u64,
    /// Of [`OpenPart::File`](crate::OpenPart::File), below 2^63; `None` if nothing was opened, or no number stands for it.
    pub file: Option<u64>,
}

impl Subject for View<'_> {
    fn get(&self, field: &FieldRef) -> Value<'_> {
        (field.field().get)(self, &field.arg)
    }

    #[inline]
    fn kind_code(&self) -> u16 {
        let code = self.event.head.kind.0;
        if kind_is_named_by_argument(code) { kind_named_by_argument(self).0 } else { code }
    }

    #[inline]
    fn actor(&self, actors: &mut Actors) -> Option<ActorId> {
        actors.of(self)
    }

    fn key(&self, field: &FieldRef) -> Option<u64> {
        (field.field().key?)(self, &field.arg)
    }

    #[inline]
    fn open_key(&self) -> Option<OpenKey> {
        crate::evt_args::open_key(self)
    }

    fn raw_format(&self, field: &FieldRef) -> NumberFormat {
        crate::print::format(self, field)
    }
}

/// The kind of an event of which only the arguments say it.
#[cold]
fn kind_named_by_argument(view: &View<'_>) -> KindId {
    let id = view.event.head.kind;
    let named_by_argument = match id {
        syscalls::GENERIC => view.event.arg(0).uint().and_then(|n| KindId::generic(u16::try_from(n).ok()?)),
        pseudo::ASYNCEVENT => view.event.arg(1).bytes().and_then(named),
        _ => None,
    };
    named_by_argument.unwrap_or(id)
}

fn named(name: &BStr) -> Option<KindId> {
    kind::all().find(|kind| kind.name == name).map(|kind| kind.id)
}

/// Codes of the kinds of event with this name (`evt.type`), the same system call recorded by number alone
/// included. Empty for a name that no event has.
pub fn kind_codes(name: &str) -> Vec<u16> {
    // Rules name kinds hundreds of times, and there are hundreds of kinds.
    static CODES: OnceLock<HashMap<&'static str, Vec<u16>>> = OnceLock::new();
    let codes = CODES.get_or_init(|| {
        let mut codes: HashMap<&'static str, Vec<u16>> = HashMap::new();
        kind::all().for_each(|kind| codes.entry(kind.name).or_default().push(kind.id.0));
        codes
    });
    codes.get(name).cloned().unwrap_or_default()
}

/// True for a code of events that can be of another kind: what they say decides (see [`Subject::kind_code`]).
#[inline]
pub fn kind_is_named_by_argument(code: u16) -> bool {
    matches!(KindId(code), syscalls::GENERIC | pseudo::ASYNCEVENT)
}

/// True if events of this code carry the argument that `evt.arg` with this argument asks for.
pub fn kind_has_arg(code: u16, arg: &FieldArg) -> bool {
    let Some(kind) = KindId(code).get() else { return true };
    match arg {
        FieldArg::Index(i) => kind.shown_args().len() > *i as usize,
        FieldArg::Name(name) => kind.shown_args().iter().any(|spec| spec.name == name),
        FieldArg::None => true,
    }
}

/// True if events of this code work on a descriptor, open or close one: only these have values of `fd` fields.
pub fn kind_has_descriptor(code: u16) -> bool {
    const WITH_DESCRIPTOR: u16 = kind_flags::CREATES_FD | kind_flags::DESTROYS_FD | kind_flags::USES_FD;
    KindId(code).get().is_none_or(|kind| kind.flags & WITH_DESCRIPTOR != 0)
}

/// True if events of this code are system calls that return a value: only these have `evt.res` and its kin. Those
/// recorded by number alone have none.
pub fn kind_returns(code: u16) -> bool {
    KindId(code).get().is_none_or(|kind| kind.is_syscall && !kind.id.is_generic())
}

/// True for a system call recorded by number alone.
pub fn kind_is_generic(code: u16) -> bool {
    KindId(code).is_generic()
}

/// True if events of this code are system calls, for which `evt.dir` is `<`.
pub fn kind_is_syscall(code: u16) -> bool {
    KindId(code).get().is_none_or(|kind| kind.is_syscall)
}

/// True if events of this code carry the argument that `evt.arg` asks for, and show a name where it holds this
/// number: of a user or group whatever the number, of a flag or enumerated value if the number has one.
pub fn kind_names_number(code: u16, arg: &FieldArg, number: u32) -> bool {
    let Some(kind) = KindId(code).get() else { return false };
    let spec = match arg {
        FieldArg::Index(i) => kind.shown_args().get(*i as usize),
        FieldArg::Name(name) => kind.shown_args().iter().find(|spec| spec.name == name),
        FieldArg::None => None,
    };
    let Some(spec) = spec else { return false };
    match spec.ty {
        ArgType::Uid | ArgType::Gid => true,
        ty => ty.table().is_some_and(|table| table.names(number).next().is_some()),
    }
}

/// Every code with its name.
pub fn all_kind_codes() -> impl Iterator<Item = (u16, &'static str)> {
    kind::all().map(|kind| (kind.id.0, kind.name))
}
