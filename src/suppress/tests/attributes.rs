//! The catalogue: examples, names, the schema, and what signals, rules and processes have values of.

mod common;

use std::collections::HashSet;

use tracehound_fields::View;
use tracehound_suppress::attributes::value_text;
use tracehound_suppress::{ATTRIBUTES, ExtraTags, Key, SignalView, Subject};

#[test]
fn every_example_holds() {
    let tags = ExtraTags::default();
    let mut wrong = Vec::new();
    for attribute in ATTRIBUTES.iter() {
        let Some(example) = attribute.example else { continue };
        let key = Key::Attribute(attribute.id);
        let ask = |view: &View<'_>| value_text(&SignalView::of_event(view, &tags).get(&key)).to_string();
        let text = common::try_at_last(example.trace, ask).unwrap_or_else(|damage| damage);
        if text != example.value {
            wrong.push(format!("{}: {text}, not {}", attribute.name, example.value));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_unique() {
    let mut names = HashSet::new();
    for attribute in ATTRIBUTES.iter() {
        assert!(names.insert(attribute.name.to_string()), "{} stands twice", attribute.name);
        assert!(attribute.doc.ends_with('.'), "{}: a sentence ends with a full stop", attribute.name);
    }
    for attribute in ATTRIBUTES.iter() {
        for alias in &attribute.aliases {
            assert!(names.insert(alias.clone()), "{alias} of {} is another name", attribute.name);
        }
    }
}
