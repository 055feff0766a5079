//! `util.*`: hidden helpers of old conditions.

use crate::Family;
use crate::field::{Field, flags};
use crate::value::FieldType;

/// The family.
pub static FAMILY: Family = Family { name: "util", doc: "Hidden helpers of old conditions.", fields: FIELDS };

static FIELDS: &[Field] = &[Field::absent(
    "util.cnt",
    FieldType::Uint(64),
    "counts how often it was asked, which has no meaning for rules that run in parallel",
    "Number of times this field was asked for.",
)
.flags(flags::HIDDEN)];
