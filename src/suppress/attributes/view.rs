//! Values of attributes: of a signal, of an event, of a process, of a rule; and copies to keep.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice};
use tracehound_fields::{Value, View};
use tracehound_formats::Seq;
use tracehound_formats::section::Machine;
use tracehound_signals::{RuleRef, Signal};
use tracehound_state::history::{Attrs, ContainerMetadata};
use tracehound_state::{History, ProcessId};

use super::activity::Activity;
use super::catalogue::{ATTRIBUTES, Getter, get};
use super::process::{ProcessAt, Relation};
use super::tags::ExtraTags;
use super::{Attribute, AttributeId, Elements};
use crate::query::{Key, Subject, text_of};

/// Ancestors that attributes of a whole line look at: the bound that fields have too.
const MAX_ANCESTORS: usize = 4096;

/// A signal with its event and the history as of it: what a suppression is asked about.
///
/// Lazy and borrowed: made where the event and its fact are at hand, for the time of one evaluation.
#[derive(Clone, Copy)]
pub struct SignalView<'a> {
    rule: Option<&'a RuleRef>,
    message: Option<&'a BStr>,
    hostname: &'a str,
    event: Option<View<'a>>,
    history: &'a History,
    seq: Seq,
    process: Option<ProcessId>,
    attrs: Option<Attrs>,
    tags: &'a ExtraTags,
}

impl<'a> SignalView<'a> {
    /// A signal and the event that it is about.
    pub fn new(signal: &'a Signal, event: &View<'a>, tags: &'a ExtraTags) -> SignalView<'a> {
        SignalView {
            rule: Some(&signal.rule),
            message: Some(signal.message.as_bstr()),
            hostname: &signal.hostname,
            ..SignalView::of_event(event, tags)
        }
    }

    /// An event without a signal: what a query about events is asked about. It has no rule and no message.
    pub fn of_event(event: &View<'a>, tags: &'a ExtraTags) -> SignalView<'a> {
        SignalView {
            rule: None,
            message: None,
            hostname: &event.context.hostname,
            event: Some(*event),
            history: event.history,
            seq: event.seq(),
            process: event.fact.process,
            attrs: event.attrs(),
            tags,
        }
    }

    /// An event and the rule that matched it, before there is a signal.
    pub fn of_match(rule: &'a RuleRef, event: &View<'a>, tags: &'a ExtraTags) -> SignalView<'a> {
        SignalView { rule: Some(rule), ..SignalView::of_event(event, tags) }
    }

    /// A process after an event: what a query about a tree is asked about. It has no event, no rule and no message.
    pub fn of_process(history: &'a History, process: ProcessId, seq: Seq, tags: &'a ExtraTags) -> SignalView<'a> {
        SignalView {
            rule: None,
            message: None,
            hostname: "",
            event: None,
            history,
            seq,
            process: Some(process),
            attrs: Some(history.leader_attrs(process, seq)),
            tags,
        }
    }

    /// Kind of activity of the event; `None` for what is none of them.
    pub fn activity(&self) -> Option<Activity> {
        Activity::of(self.event.as_ref()?)
    }

    /// All values, to be kept: one entry for each attribute that has one, and all tags.
    pub fn collect(&self) -> Collected {
        let mut collected = Collected { message: self.message.map(BStr::to_owned), ..Collected::default() };
        for attribute in ATTRIBUTES.iter() {
            let mut value = self.value(attribute);
            if has_value(&value) {
                if cut(&mut value, &mut { Collected::MAX_KEPT }) {
                    collected.cut.push(attribute.id);
                }
                collected.attributes.insert(attribute.id, owned(value));
            }
        }
        let tags = self.given_tags();
        for (key, value) in tags.filter(|(key, _)| get_tag(key).is_none()) {
            collected.tags.entry(key.to_owned()).or_default().push(Value::owned(value));
        }
        if let Some(rule) = self.rule {
            for tag in &rule.tags {
                if let Some((key, value)) = tag.split_once(':')
                    && get_tag(key).is_none()
                {
                    collected.tags.entry(key.to_owned()).or_default().push(Value::owned(value));
                }
            }
        }
        collected.all_tags = self.all_tags().into_iter().map(owned).collect();
        collected
    }

    pub(super) fn history(&self) -> &'a History {
        self.history
    }

    /// The acting process.
    pub(super) fn process(&self) -> Option<ProcessAt<'a>> {
        self.process.map(|id| ProcessAt::new(self.history, id, self.attrs, self.seq))
    }

    pub(super) fn machine(&self) -> Option<&'a Machine> {
        self.history.section_at(self.seq).map(|section| &section.machine)
    }

    pub(super) fn host(&self) -> Value<'a> {
        match self.hostname {
            "" => Value::from_option(self.machine().and_then(|machine| machine.hostname.as_ref()), Value::str),
            name => Value::str(name),
        }
    }

    pub(super) fn container_metadata(&self) -> Option<&'a ContainerMetadata> {
        self.history.container(self.attrs?.container?).metadata_at(self.seq)
    }

    /// Short id of the container; `None` on the host.
    fn container_id(&self) -> Option<&'a [u8]> {
        let container = self.history.container(self.attrs?.container?);
        Some(self.history.text(container.id.0).as_bytes())
    }

    /// Tags that were given for what this is about.
    fn given_tags(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let host = if self.tags.has_hosts() { self.host() } else { Value::Null };
        let host = text_of(&host);
        self.tags.of(host.as_deref(), self.container_id())
    }

    /// Value of an attribute; of a tag with what was given.
    fn value(&self, attribute: &Attribute) -> Value<'a> {
        let value = match &attribute.get {
            Getter::Rule(get) => Value::from_option(self.rule, get),
            Getter::Process(relation, get) => self.of_relation(*relation, *get),
            Getter::Event(get) => self.event.as_ref().map_or(Value::Null, get),
            Getter::View(get) => get(self),
            Getter::Never => Value::Null,
        };
        if attribute.is_tag() { self.with_given(&attribute.name, value) } else { value }
    }

    fn of_relation(&self, relation: Relation, get: for<'b> fn(&ProcessAt<'b>) -> Value<'b>) -> Value<'a> {
        let Some(own) = self.process else { return Value::Null };
        let at = |id| get(&ProcessAt::new(self.history, id, None, self.seq));
        match relation {
            Relation::Own => self.process().map_or(Value::Null, |process| get(&process)),
            Relation::Parent => self.history.parent(own, self.seq).map_or(Value::Null, at),
            Relation::Ancestors => {
                Value::List(self.history.ancestors(own, self.seq).take(MAX_ANCESTORS).map(at).collect())
            }
        }
    }

    /// A tag's value and those that were given for its key, by the rule or for the analysis.
    fn with_given(&self, key: &str, value: Value<'a>) -> Value<'a> {
        let of_rule =
            self.rule.map_or(&[][..], |rule| rule.tags.as_slice()).iter().filter_map(|tag| tag.split_once(':'));
        let given = of_rule.chain(self.given_tags()).filter(|(k, _)| *k == key);
        let mut given = given.map(|(_, value)| Value::str(value)).peekable();
        if given.peek().is_none() {
            return value;
        }
        let mut all = match value {
            Value::Null => Vec::new(),
            Value::List(values) => values,
            one => vec![one],
        };
        for value in given {
            // What a rule's tag says may be what the catalogue has read from it already.
            if !all.contains(&value) {
                all.push(value);
            }
        }
        Value::List(all)
    }

    /// All tags as `key:value`, and those of the rule as they are.
    fn all_tags(&self) -> Vec<Value<'a>> {
        let mut all: Vec<Value<'a>> = Vec::new();
        for attribute in ATTRIBUTES.iter().filter(|attribute| attribute.is_tag()) {
            let mut push = |value: &Value<'_>| {
                if let Some(text) = text_of(value) {
                    all.push(Value::owned([attribute.name.as_bytes(), b":", &text].concat()));
                }
            };
            match self.value(attribute) {
                Value::List(values) => values.iter().for_each(&mut push),
                value => push(&value),
            }
        }
        let given = self.given_tags().filter(|(key, _)| get_tag(key).is_none());
        all.extend(given.map(|(key, value)| Value::owned(format!("{key}:{value}"))));
        all.extend(self.rule.map_or(&[][..], |rule| rule.tags.as_slice()).iter().map(Value::str));
        all
    }
}

/// The row of a tag.
fn get_tag(key: &str) -> Option<&'static Attribute> {
    super::lookup(key).filter(|attribute| attribute.is_tag() && attribute.name == key)
}

impl Subject for SignalView<'_> {
    fn get(&self, key: &Key) -> Cow<'_, Value<'_>> {
        Cow::Owned(match key {
            Key::Attribute(id) => self.value(get(*id)),
            Key::Tag(key) => self.with_given(key, Value::Null),
            Key::Tags => Value::List(self.all_tags()),
            Key::Message => Value::from_option(self.message, Value::str),
            Key::Unknown(_) | Key::Everything | Key::AnyOfAncestors => Value::Null,
        })
    }
}

/// A rule by itself: what the query is asked about that says which rules a suppression is for. Free text searches
/// its name.
#[derive(Clone, Copy, Debug)]
pub struct RuleView<'a>(pub &'a RuleRef);

impl Subject for RuleView<'_> {
    fn get(&self, key: &Key) -> Cow<'_, Value<'_>> {
        let rule = self.0;
        let of_tags = |key: &str| -> Vec<Value<'_>> {
            let tags = rule.tags.iter().filter_map(|tag| tag.split_once(':'));
            tags.filter(|(k, _)| *k == key).map(|(_, value)| Value::str(value)).collect()
        };
        Cow::Owned(match key {
            Key::Attribute(id) => match &get(*id).get {
                Getter::Rule(get) => get(rule),
                _ => Value::List(of_tags(&get(*id).name)),
            },
            Key::Tag(key) => Value::List(of_tags(key)),
            Key::Tags => Value::List(rule.tags.iter().map(Value::str).collect()),
            Key::Message => Value::str(&rule.name),
            Key::Unknown(_) | Key::Everything | Key::AnyOfAncestors => Value::Null,
        })
    }
}

/// Values of a signal that were copied to be kept.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Every attribute that has a value, tags of the catalogue included.
    pub attributes: BTreeMap<AttributeId, Value<'static>>,
    /// Values of all other tags, by key.
    pub tags: BTreeMap<String, Vec<Value<'static>>>,
    /// All tags as `key:value`, and those without a value.
    pub all_tags: Vec<Value<'static>>,
    /// The message.
    pub message: Option<BString>,
    /// Attributes with so many or such long values that the last ones are left out: a copy holds the first
    /// [`Collected::MAX_KEPT`] bytes of each.
    pub cut: Vec<AttributeId>,
}

impl Collected {
    /// Bytes of one attribute that a copy keeps. A line of thousands of ancestors, each with a long environment, which
    /// only a made-up trace has, would else be copied with every signal.
    pub const MAX_KEPT: usize = 64 << 10;
}

impl Subject for Collected {
    fn get(&self, key: &Key) -> Cow<'_, Value<'_>> {
        let null = || Cow::Owned(Value::Null);
        match key {
            Key::Attribute(id) => self.attributes.get(id).map_or_else(null, Cow::Borrowed),
            Key::Tag(key) => self.tags.get(key).map_or_else(null, |values| Cow::Owned(Value::List(values.clone()))),
            Key::Tags => Cow::Owned(Value::List(self.all_tags.clone())),
            Key::Message => self.message.as_ref().map_or_else(null, |message| Cow::Owned(Value::str(message))),
            Key::Unknown(_) | Key::Everything | Key::AnyOfAncestors => null(),
        }
    }
}

/// True if there is a value, in a list one at least.
fn has_value(value: &Value<'_>) -> bool {
    match value {
        Value::Null => false,
        Value::List(values) => values.iter().any(has_value),
        _ => true,
    }
}

/// Leaves out what is behind the first `left` bytes, whole values of a list and ends of texts. True if something was.
fn cut(value: &mut Value<'_>, left: &mut usize) -> bool {
    /// What a value takes besides its text.
    const OVERHEAD: usize = 32;
    *left = left.saturating_sub(OVERHEAD);
    match value {
        Value::List(values) => {
            let mut is_cut = false;
            let mut n_kept = 0;
            for value in values.iter_mut() {
                if *left == 0 {
                    break;
                }
                is_cut |= cut(value, left);
                n_kept += 1;
            }
            is_cut |= n_kept < values.len();
            values.truncate(n_kept);
            is_cut
        }
        Value::Str(text) => {
            let is_cut = text.len() > *left;
            if is_cut {
                *text = Cow::Owned(text[..*left].as_bstr().to_owned());
            }
            *left -= text.len();
            is_cut
        }
        _ => false,
    }
}

fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(v) => Value::Bool(v),
        Value::Int(v) => Value::Int(v),
        Value::Uint(v) => Value::Uint(v),
        Value::Double(v) => Value::Double(v),
        Value::Str(text) => Value::Str(Cow::Owned(text.into_owned())),
        Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        Value::Ip(addr) => Value::Ip(addr),
        Value::List(values) => Value::List(values.into_iter().map(owned).collect()),
    }
}

/// A value of a field without what stands for absence there: the empty text and `<NA>`.
pub(super) fn present(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Str(text) if text.is_empty() || *text == "<NA>" => Value::Null,
        other => other,
    }
}

/// The names of flags in a text of names with `|` between.
pub(super) fn split(value: Value<'_>) -> Value<'_> {
    parts(value, b'|')
}

/// The parts of a text between some byte, empty ones left out.
pub(super) fn parts(value: Value<'_>, between: u8) -> Value<'_> {
    let part = |text: &[u8]| Value::owned(text.to_vec());
    match value {
        Value::Str(text) => {
            Value::List(text.split(|&b| b == between).filter(|text| !text.is_empty()).map(part).collect())
        }
        _ => Value::Null,
    }
}

/// A value as text: several with a comma and a blank between, those of an ancestor in brackets, `-` for none. Any
/// bytes; of variables `NAME=value`.
pub fn value_text(value: &Value<'_>) -> BString {
    let mut out = BString::default();
    push_text(value, 0, &mut out);
    out
}

fn push_text(value: &Value<'_>, depth: usize, out: &mut BString) {
    match value {
        Value::Null => out.push(b'-'),
        Value::List(values) => {
            if depth > 0 {
                out.push(b'[');
            }
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                push_text(value, depth + 1, out);
            }
            if depth > 0 {
                out.push(b']');
            }
        }
        other => out.extend_from_slice(&text_of(other).unwrap_or_default()),
    }
}

impl Elements {
    /// What the manual says of how values are compared.
    pub(super) fn note(self) -> &'static str {
        match self {
            Elements::Plain => "",
            Elements::Words => "each argument; a text with a blank also with all of them joined",
            Elements::Environment => "each variable; a text without `=` with the names",
            Elements::Release => "in ranges number by number: 5.9 is before 5.10",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_told() {
        let list = |texts: &[&str]| -> Value<'static> { Value::List(texts.iter().map(|t| Value::owned(*t)).collect()) };
        for (mut value, left, expected, is_expected) in [
            (Value::str("abc"), 35, Value::str("abc"), false),
            (Value::str("abc"), 34, Value::str("ab"), true),
            (Value::Int(1), 0, Value::Int(1), false),
            (list(&["abc", "def"]), 200, list(&["abc", "def"]), false),
            (list(&["abc", "def"]), 67, list(&["abc"]), true),
            (list(&["abc", "def"]), 100, list(&["abc", "d"]), true),
            (
                Value::List(vec![list(&["abc"]), list(&["def"])]),
                100,
                Value::List(vec![list(&["abc"]), list(&[])]),
                true,
            ),
        ] {
            let is_cut = cut(&mut value, &mut { left });
            assert_eq!((value, is_cut), (expected, is_expected), "{left}");
        }
    }
}
