//! `group.*`: the group the acting thread acts for.

use crate::Family;
use crate::examples;
use crate::field::{Depends, Field, FieldArg, Needs};
use crate::user::creds;
use crate::value::{FieldType, Value};
use crate::view::View;

/// The family.
pub static FAMILY: Family = Family { name: "group", doc: "The group the acting thread acts for.", fields: FIELDS };

static FIELDS: &[Field] = &[
    Field::new(
        "group.gid",
        FieldType::Uint(32),
        Depends::Actor,
        "arguments of execve, clone and the setgid family; process list",
        |v, _| Value::from_option(creds(v), |c| Value::Uint(u64::from(c.falco_gid.unwrap_or(u32::MAX)))),
        "Effective group id; 4294967295 if not known, and after a setresgid or setregid that leaves it as it is (-1), \
         until the next exec or birth.",
    )
    .example(examples::EXEC, "", "1000"),
    Field::new(
        "group.name",
        FieldType::Str,
        Depends::Actor,
        "group list of the trace; events `groupadded` and `groupdeleted`",
        name,
        "Name of the effective group, by the groups of the thread's container. Without an entry `root` for 0 and the \
         text `<NA>` for all others.",
    )
    .needs(Needs::UserNames)
    .example(examples::EXEC, "", "staff"),
];

fn name<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    let Some(creds) = creds(view) else { return Value::Null };
    let gid = creds.falco_gid.unwrap_or(u32::MAX);
    match view.group(gid) {
        Some(group) => Value::str(view.text(group.name)),
        None if gid == 0 => Value::str("root"),
        None => Value::str("<NA>"),
    }
}
