//! What queries are evaluated on, without knowing what it is.

use std::borrow::Cow;
use std::cell::OnceCell;

use tracehound_fields::Value;

use super::ast::Key;
use crate::attributes::ATTRIBUTES;

/// Something with attributes and tags: a signal, a rule, a process.
pub trait Subject {
    /// The value of what a clause names: null if there is none, a list if there can be several. A value for each
    /// ancestor, nearest first, is a list with one entry an ancestor (null where it has none).
    ///
    /// Only asked for [`Key::Attribute`], [`Key::Tag`], [`Key::Tags`] and [`Key::Message`]; the others are made of
    /// these.
    fn get(&self, key: &Key) -> Cow<'_, Value<'_>>;
}

/// A subject whose attributes are resolved when they are first asked for, and once.
pub(crate) struct Cached<'s> {
    subject: &'s dyn Subject,
    /// By id of the attribute.
    attributes: Box<[OnceCell<Cow<'s, Value<'s>>>]>,
}

impl<'s> Cached<'s> {
    pub(crate) fn new(subject: &'s dyn Subject) -> Cached<'s> {
        Cached { subject, attributes: ATTRIBUTES.iter().map(|_| OnceCell::new()).collect() }
    }
}

impl Subject for Cached<'_> {
    fn get(&self, key: &Key) -> Cow<'_, Value<'_>> {
        match key {
            Key::Attribute(id) => match self.attributes.get(id.index()) {
                Some(cell) => Cow::Borrowed(&**cell.get_or_init(|| self.subject.get(key))),
                None => Cow::Owned(Value::Null),
            },
            // Tags and the message are read where they stand.
            _ => self.subject.get(key),
        }
    }
}
