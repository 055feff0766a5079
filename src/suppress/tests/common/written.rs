//! Subjects that are written down.

use std::borrow::Cow;

use tracehound_fields::Value;
use tracehound_suppress::{Key, Subject, attributes};

/// Attributes and tags by name.
#[derive(Clone, Debug)]
pub(crate) struct Written(pub(crate) Vec<(String, Value<'static>)>);

impl Subject for Written {
    fn get(&self, key: &Key) -> Cow<'_, Value<'_>> {
        let name = match key {
            Key::Attribute(id) => attributes::get(*id).name.as_ref(),
            Key::Tag(key) => key,
            Key::Tags => "tags",
            Key::Message => "message",
            _ => return Cow::Owned(Value::Null),
        };
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or(Cow::Owned(Value::Null), |(_, value)| Cow::Borrowed(value))
    }
}

/// `@process.args=-c|id; host=web1`. Values with `|` between are several; arguments of ancestors have a blank
/// between. An ancestor without a value has an empty one.
pub(crate) fn subject(text: &str) -> Written {
    const LISTS: [&str; 5] = ["args", "ancestors", "envs", "tags", "team"];
    let pairs = text.split("; ").filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        let list =
            |text: &str, between: char| Value::List(text.split(between).map(|text| scalar(name, text)).collect());
        let value = match name {
            "@process.ancestors.args" => Value::List(value.split('|').map(|args| list(args, ' ')).collect()),
            "env" => list(value, '|'),
            _ if LISTS.iter().any(|part| name.contains(part)) => list(value, '|'),
            _ => scalar(name, value),
        };
        (name.to_owned(), value)
    });
    Written(pairs.collect())
}

fn scalar(name: &str, text: &str) -> Value<'static> {
    let ty = attributes::lookup(name).map(|attribute| attribute.ty);
    match ty {
        _ if text.is_empty() => Value::Null,
        Some(ty) if ty.is_numeric() => Value::Int(text.parse().unwrap()),
        Some(tracehound_fields::FieldType::Ip) => Value::Ip(text.parse().unwrap()),
        Some(tracehound_fields::FieldType::Bool) => Value::Bool(text == "true"),
        _ => Value::owned(text),
    }
}
