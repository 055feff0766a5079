//! `proc.*`: the acting process, its image and its ancestors.

use crate::Family;
use crate::field::{ArgPolicy, Depends, Example, Field, FieldArg, Multiplicity, Needs, NumberFormat, flags};
use crate::value::{FieldType, Value};
use crate::view::View;

/// The family.
pub static FAMILY: Family =
    Family { name: "proc", doc: "The acting process, its image and its ancestors.", fields: FIELDS };

static FIELDS: &[Field] = &[Field {
    name: "proc.name",
    ty: FieldType::Str,
    arg: ArgPolicy::None,
    flags: flags::NONE,
    multiplicity: Multiplicity::One,
    depends: Depends::Actor,
    format: NumberFormat::Dec,
    doc: "Command name (at most 15 bytes) as of the last exec or birth; renaming by prctl does not change it. \
          `<NA>` for a thread whose birth the trace does not have.",
    source: "argument `comm` of exec and clone; process list",
    needs: Needs::Nothing,
    example: Some(Example { trace: "thread 7 pid=7 comm=cat\n7 getcwd res=0 path=/", arg: "", value: "cat" }),
    get: name,
}];

fn name<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    Value::from_option(view.image(), |image| {
        image.comm.map_or(Value::str("<NA>"), |comm| Value::str(view.history.text(comm)))
    })
}
