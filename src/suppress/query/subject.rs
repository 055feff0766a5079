//! What queries are evaluated on, without knowing what it is.

use std::borrow::Cow;
use std::cell::OnceCell;

use tracehound_fields::Value;

use super::ast::Key;

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
    /// By id of the attribute, in pages that are made when one of their values is asked for: a signal is asked for a
    /// few of hundreds.
    pages: [OnceCell<Box<Page<'s>>>; N_PAGES],
}

type Page<'s> = [OnceCell<Cow<'s, Value<'s>>>; PAGE];

const PAGE: usize = 16;
/// Attributes behind the last page are not kept: nothing answers them.
const N_PAGES: usize = 32;

impl<'s> Cached<'s> {
    pub(crate) fn new(subject: &'s dyn Subject) -> Cached<'s> {
        Cached { subject, pages: [const { OnceCell::new() }; N_PAGES] }
    }
}

impl Subject for Cached<'_> {
    fn get(&self, key: &Key) -> Cow<'_, Value<'_>> {
        // Tags that have no row and the message are read where they stand.
        let Key::Attribute(id) = key else { return self.subject.get(key) };
        match self.pages.get(id.index() / PAGE) {
            Some(page) => {
                let page = page.get_or_init(|| Box::new([const { OnceCell::new() }; PAGE]));
                Cow::Borrowed(&**page[id.index() % PAGE].get_or_init(|| self.subject.get(key)))
            }
            None => self.subject.get(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::ATTRIBUTES;

    #[test]
    fn every_attribute_that_is_answered_is_kept() {
        let last = ATTRIBUTES.iter().rposition(|attribute| attribute.missing().is_none()).unwrap();
        assert!(last < N_PAGES * PAGE, "{last}");
    }
}
