//! `user.*`: whom the acting thread acts for.

use tracehound_state::Sym;
use tracehound_state::history::{Creds, User};

use crate::Family;
use crate::examples;
use crate::field::{Depends, Field, Needs};
use crate::value::{FieldType, Value};
use crate::view::View;

/// The family.
pub static FAMILY: Family = Family { name: "user", doc: "Whom the acting thread acts for.", fields: FIELDS };

const ACTOR: Depends = Depends::Actor;
const IDS: &str = "arguments of execve, clone and the setuid family; process list";
const TABLE: &str = "user list of the trace; events `useradded` and `userdeleted`";

static FIELDS: &[Field] = &[
    Field::new(
        "user.uid",
        FieldType::Uint(32),
        ACTOR,
        IDS,
        |v, _| Value::from_option(creds(v), |c| Value::Uint(u64::from(c.falco_uid.unwrap_or(NONE)))),
        "Effective user id; 4294967295 if not known, and after a setresuid or setreuid that leaves it as it is (-1), \
         until the next exec or birth.",
    )
    .example(examples::EXEC, "", "1000"),
    Field::new(
        "user.name",
        FieldType::Str,
        ACTOR,
        TABLE,
        |v, _| named(v, |c| c.falco_uid, |u| u.name, "root"),
        "Name of the effective user, by the users of the thread's container. Without an entry `root` for 0 and the \
         text `<NA>` for all others.",
    )
    .needs(Needs::UserNames)
    .example(examples::EXEC, "", "alice"),
    Field::new(
        "user.homedir",
        FieldType::Str,
        ACTOR,
        TABLE,
        |v, _| named(v, |c| c.falco_uid, |u| u.home, "/root"),
        "Home directory of the effective user. Without an entry `/root` for user 0 and `<NA>` for all others.",
    )
    .needs(Needs::UserNames)
    .example(examples::EXEC, "", "/home/alice"),
    Field::new(
        "user.shell",
        FieldType::Str,
        ACTOR,
        TABLE,
        |v, _| named(v, |c| c.falco_uid, |u| u.shell, "<NA>"),
        "Login shell of the effective user; `<NA>` without an entry.",
    )
    .needs(Needs::UserNames)
    .example(examples::EXEC, "", "/bin/bash"),
    Field::new(
        "user.loginuid",
        FieldType::Int(64),
        ACTOR,
        "argument `loginuid` of execve; process list",
        |v, _| Value::from_option(creds(v), |c| Value::Int(c.loginuid.filter(|&id| id != NONE).map_or(-1, i64::from))),
        "User id of the login that the process descends from: it survives su and sudo. -1 if there was no login \
         (services) or if it is not known.",
    )
    .example(examples::EXEC, "", "1000"),
    Field::new(
        "user.loginname",
        FieldType::Str,
        ACTOR,
        TABLE,
        |v, _| named(v, |c| c.loginuid, |u| u.name, "root"),
        "Name of the login user; see `user.loginuid`. Without an entry `root` for 0 and the text `<NA>` for all \
         others.",
    )
    .needs(Needs::UserNames)
    .example(examples::EXEC, "", "alice"),
];

/// The kernel's "no user".
const NONE: u32 = u32::MAX;

pub(crate) fn creds<'a>(view: &View<'a>) -> Option<&'a Creds> {
    view.attrs().map(|attrs| view.history.creds(attrs.creds))
}

fn named<'a>(
    view: &View<'a>,
    id: fn(&Creds) -> Option<u32>,
    part: fn(&User) -> Sym,
    of_root: &'static str,
) -> Value<'a> {
    let Some(creds) = creds(view) else { return Value::Null };
    let id = id(creds).unwrap_or(NONE);
    match view.user(id) {
        Some(user) => Value::str(view.text(part(user))),
        None if id == 0 => Value::str(of_root),
        None => Value::str("<NA>"),
    }
}
