//! The catalogue of everything a query can name, and how it is read as of a signal's event.
//!
//! One row an attribute, one file a family. Names are those of Datadog's backend events and of its guide to tuning
//! signals; other spellings are aliases. A name of that schema that no trace of system calls can answer is in the
//! catalogue too and says why, so that a query with it is never silently one that matches nothing.
//!
//! # When values are read
//!
//! A suppression must see what was so at the event, and some of it (arguments, addresses, flags) stands in the event
//! alone. Events and their facts live as long as the window of batches they came in, so a [`SignalView`] is made
//! there, beside the signal, in the thread that matched the rule; it is lazy, borrows, and costs what is asked of it.
//! The history may by then know later events of the same window: every getter asks it as of the event's number.
//! Who needs the values later (a list of everything a query could use, suggestions) keeps a [`Collected`] copy.

mod activity;
mod catalogue;
mod describe;
mod dns;
mod file;
mod guide;
mod kernel;
mod network;
mod process;
mod schema;
mod signal;
mod tags;
mod view;
mod workload;

use std::borrow::Cow;

use tracehound_fields::{FieldType, Needs, TraceFeatures};

pub use activity::{Activity, ActivitySet};
pub use catalogue::{ATTRIBUTES, get, lookup, suggestion};
pub use describe::markdown;
pub use tags::{ExtraTags, TagError};
pub use view::{Collected, RuleView, SignalView, value_text};

pub(crate) use catalogue::Getter;

/// Handle of a row: its position in [`ATTRIBUTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeId(pub u16);

impl AttributeId {
    /// Position in [`ATTRIBUTES`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What a query can name.
#[derive(Debug)]
pub struct Attribute {
    /// Its handle.
    pub id: AttributeId,
    /// Name as queries write it: `@process.executable.path`; of a tag its key, `host`.
    pub name: Cow<'static, str>,
    /// Other spellings, as queries write them.
    pub aliases: Vec<String>,
    /// Type of its value, or of each of several.
    pub ty: FieldType,
    /// Whether it has several values, and what they are.
    pub elements: Elements,
    /// Kinds of activity whose events have it.
    pub activities: ActivitySet,
    /// Kinds of activity for which the guide recommends it for suppressions.
    pub recommended: ActivitySet,
    /// Kinds of activity for which it is part of the guide's example combination.
    pub combined: ActivitySet,
    /// Meaning, unit, absent case: the user manual.
    pub doc: Cow<'static, str>,
    /// Where the fact comes from.
    pub source: &'static str,
    /// What a trace must carry for it.
    pub needs: Needs,
    /// Whether a value of it will be met again.
    pub lasts: Lasts,
    /// An example that is run.
    pub example: Option<Example>,
    pub(crate) get: Getter,
}

impl Attribute {
    /// True for a tag: a key without `@`.
    pub fn is_tag(&self) -> bool {
        !self.name.starts_with('@')
    }

    /// Why no trace has a value of it; `None` if some has.
    pub fn missing(&self) -> Option<&'static str> {
        match self.needs {
            Needs::NotInTrace(why) => Some(why),
            _ => None,
        }
    }

    /// Why a particular trace has no value of it; `None` if it can have.
    pub fn missing_from(&self, features: &TraceFeatures) -> Option<&'static str> {
        self.needs.missing_from(features)
    }
}

/// What the values of an attribute are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// One value, or several of which each stands for itself.
    Plain,
    /// Arguments of a command line: a text with a blank is also compared with all of them joined with blanks.
    Words,
    /// Variables as `NAME=value`: a text without `=` is also compared with the name.
    Environment,
    /// A release as `5.10.102-1-amd64`: ranges compare its numbers one by one.
    Release,
}

/// Whether a value of an attribute will be met again: what a suppression can be built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// It lasts: a user, a command.
    Yes,
    /// It can have parts that do not: temporary names in paths and arguments. Only the value tells.
    Partly,
    /// It belongs to one process, one file, one run of a container; the text says why.
    No(&'static str),
}

/// An example of an attribute, run as a test.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// A trace in text notation, without its first line; the last event is asked.
    pub trace: &'static str,
    /// Its value as [`value_text`] prints it.
    pub value: &'static str,
}
