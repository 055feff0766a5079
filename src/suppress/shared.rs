//! What signals have in common, and where they differ, as JSON with the structure of Datadog's events.
//!
//! Specification: A.3, A-01, A-02. Keys are sorted, so that the same signals give the same bytes.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use tracehound_fields::{NumberFormat, Value};

use crate::attributes::{self, Activity, Attribute, Collected, Lasts};
use crate::ephemeral;
use crate::lint::scope::Family;

/// Distinct values that are listed of an attribute that differs.
const MAX_VALUES: usize = 20;
/// Ports above this are given out by the kernel.
const LAST_FIXED_PORT: u64 = 32767;

const ANCESTORS: &str = "@process.ancestors.";

/// What all of some signals share: `shared`, an object nested as in an event, and `varying`, for each attribute that
/// differs its values with the number of signals that have them, most frequent first. Tags stand under `tags`.
///
/// Of lists that differ the elements that all have are given too (`common_elements`). Ancestors are compared by their
/// position from the root, so that the upper part of a line that is the same is kept although its end differs.
pub fn shared(signals: &[&Collected]) -> Json {
    let mut columns: BTreeMap<&'static str, &'static Attribute> = BTreeMap::new();
    for id in signals.iter().flat_map(|signal| signal.attributes.keys()) {
        let attribute = attributes::get(*id);
        columns.insert(attribute.name.as_ref(), attribute);
    }
    let mut shared = Map::new();
    let mut varying = Map::new();
    let mut tags = Map::new();
    let mut ancestors: BTreeMap<&'static str, Vec<Json>> = BTreeMap::new();
    for (name, attribute) in columns {
        let values: Vec<Option<&Value<'static>>> =
            signals.iter().map(|signal| signal.attributes.get(&attribute.id)).collect();
        let is_same = values.windows(2).all(|pair| is_equal(pair[0], pair[1]));
        if let Some(path) = name.strip_prefix(ANCESTORS) {
            ancestors.insert(path, common_upper(&values));
        } else if is_same && let Some(value) = values.first().copied().flatten() {
            let to = if attribute.is_tag() { &mut tags } else { &mut shared };
            insert(to, name, to_json(value));
        }
        if !is_same {
            varying.insert(name.to_owned(), differing(attribute, &values));
        }
    }
    let line = ancestor_objects(&ancestors);
    if !line.is_empty() {
        insert(&mut shared, "@process.ancestors", Json::Array(line));
    }
    for (key, values) in other_tags(signals) {
        if values.windows(2).all(|pair| pair[0] == pair[1]) {
            insert(&mut tags, key, values.first().cloned().unwrap_or_default());
        }
    }
    if !tags.is_empty() {
        shared.insert("tags".to_owned(), Json::Object(tags));
    }
    json!({ "shared": shared, "varying": varying })
}

/// Every attribute of signals, with its values and how many signals have them; with `activity` only those that are
/// recommended for suppressions of it.
pub fn keys(signals: &[&Collected], activity: Option<Activity>) -> Json {
    let mut columns: BTreeMap<&'static str, &'static Attribute> = BTreeMap::new();
    for id in signals.iter().flat_map(|signal| signal.attributes.keys()) {
        let attribute = attributes::get(*id);
        if activity.is_none_or(|activity| attribute.recommended.has(activity) || attribute.combined.has(activity)) {
            columns.insert(attribute.name.as_ref(), attribute);
        }
    }
    let rows = columns.into_values().flat_map(|attribute| {
        let values: Vec<Option<&Value<'static>>> =
            signals.iter().map(|signal| signal.attributes.get(&attribute.id)).collect();
        let row = move |(value, n): (Json, usize)| {
            json!({
                "attribute": attribute.name,
                "value": value,
                "events": n,
                "scope": Family::of_name(&attribute.name).map_or("rule", Family::name),
                "stability": stability(attribute, &value),
            })
        };
        counted(&values).into_iter().take(MAX_VALUES).map(row)
    });
    let mut rows: Vec<Json> = rows.collect();
    for (key, values) in other_tags(signals).filter(|_| activity.is_none()) {
        rows.extend(values.first().map(|value| {
            json!({ "attribute": key, "value": value, "events": values.len(), "scope": "workload", "stability": "stable" })
        }));
    }
    Json::Array(rows)
}

/// Whether a value will be met again: `stable`, `volatile`, or `ephemeral` if a part of it will not.
pub fn stability(attribute: &Attribute, value: &Json) -> &'static str {
    let is_port = attribute.name.ends_with(".port");
    if matches!(attribute.lasts, Lasts::No(_))
        || (is_port && value.as_u64().is_some_and(|port| port > LAST_FIXED_PORT))
        || attribute.name.contains("timestamp")
    {
        return "volatile";
    }
    let is_ephemeral = match value {
        Json::String(text) => !ephemeral::find(text).is_empty(),
        Json::Array(items) => items.iter().filter_map(Json::as_str).any(|text| !ephemeral::find(text).is_empty()),
        _ => false,
    };
    if is_ephemeral { "ephemeral" } else { "stable" }
}

/// Tags that are not in the catalogue, with the values of each signal.
fn other_tags<'a>(signals: &'a [&Collected]) -> impl Iterator<Item = (&'a str, Vec<Json>)> {
    let first = signals.first().into_iter().flat_map(|signal| signal.tags.keys());
    first.map(move |key| {
        let values = signals.iter().map(|signal| match signal.tags.get(key).map(Vec::as_slice) {
            None => Json::Null,
            Some([one]) => to_json(one),
            Some(several) => several.iter().map(to_json).collect(),
        });
        (key.as_str(), values.collect())
    })
}

/// Equal: of lists the same elements, in any order.
fn is_equal(a: Option<&Value<'_>>, b: Option<&Value<'_>>) -> bool {
    match (a, b) {
        (Some(Value::List(a)), Some(Value::List(b))) => {
            let sorted = |items: &[Value<'_>]| {
                let mut texts: Vec<Vec<u8>> = items.iter().map(|item| attributes::value_text(item).into()).collect();
                texts.sort();
                texts
            };
            a.len() == b.len() && sorted(a) == sorted(b)
        }
        (a, b) => a == b,
    }
}

/// Values with the number of signals that have them, most frequent first, then by value.
fn counted(values: &[Option<&Value<'static>>]) -> Vec<(Json, usize)> {
    let mut counts: BTreeMap<String, (Json, usize)> = BTreeMap::new();
    for value in values.iter().flatten() {
        let json = to_json(value);
        counts.entry(json.to_string()).or_insert((json, 0)).1 += 1;
    }
    let mut out: Vec<(Json, usize)> = counts.into_values().collect();
    out.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    out
}

fn differing(attribute: &Attribute, values: &[Option<&Value<'static>>]) -> Json {
    let counts = counted(values);
    let n_events: usize = counts.iter().map(|(_, n)| n).sum();
    let volatile = counts.iter().any(|(value, _)| stability(attribute, value) == "volatile");
    let mut out = Map::new();
    out.insert("distinct".to_owned(), json!(counts.len()));
    out.insert("events".to_owned(), json!(n_events));
    out.insert("stability".to_owned(), json!(if volatile { "volatile" } else { "stable" }));
    let lists: Option<Vec<&Vec<Value<'static>>>> = values
        .iter()
        .map(|value| match value {
            Some(Value::List(items)) => Some(items),
            _ => None,
        })
        .collect();
    if let Some((first, others)) = lists.as_deref().and_then(<[_]>::split_first) {
        let common = first.iter().filter(|item| others.iter().all(|list| list.contains(item)));
        out.insert("common_elements".to_owned(), common.map(to_json).collect());
    }
    let listed = counts.into_iter().take(MAX_VALUES).map(|(value, n)| json!({ "value": value, "events": n }));
    out.insert("values".to_owned(), listed.collect());
    Json::Object(out)
}

/// The values of ancestors that all have at the same distance from the root, root first; null where they differ.
fn common_upper(values: &[Option<&Value<'static>>]) -> Vec<Json> {
    let lists: Vec<&[Value<'static>]> = values
        .iter()
        .map(|value| match value {
            Some(Value::List(items)) => items.as_slice(),
            _ => &[],
        })
        .collect();
    let n = lists.iter().map(|list| list.len()).min().unwrap_or(0);
    let at = |list: &[Value<'static>], i: usize| list[list.len() - 1 - i].clone();
    (0..n)
        .map(|i| {
            let first = at(lists[0], i);
            if lists.iter().all(|list| at(list, i) == first) { to_json(&first) } else { Json::Null }
        })
        .collect()
}

/// One object an ancestor, nearest first, without those at the near end that have nothing in common.
fn ancestor_objects(columns: &BTreeMap<&'static str, Vec<Json>>) -> Vec<Json> {
    let n = columns.values().map(Vec::len).max().unwrap_or(0);
    let mut line: Vec<Json> = (0..n)
        .map(|i| {
            let mut object = Map::new();
            for (path, values) in columns {
                if let Some(value) = values.get(i).filter(|value| !value.is_null()) {
                    insert(&mut object, path, value.clone());
                }
            }
            Json::Object(object)
        })
        .collect();
    while line.last().is_some_and(|object| object.as_object().is_some_and(Map::is_empty)) {
        line.pop();
    }
    line.reverse();
    line
}

/// Puts a value at a path of names with dots between. Where a name is a value and has parts too, the value stands
/// under the whole path.
fn insert(object: &mut Map<String, Json>, path: &str, value: Json) {
    let path = path.strip_prefix('@').unwrap_or(path);
    let mut at = object;
    let mut rest = path;
    while let Some((head, tail)) = rest.split_once('.') {
        let next = at.entry(head.to_owned()).or_insert_with(|| Json::Object(Map::new()));
        if !next.is_object() {
            at.insert(rest.to_owned(), value);
            return;
        }
        let Some(next) = at.get_mut(head).and_then(Json::as_object_mut) else { return };
        at = next;
        rest = tail;
    }
    match at.get(rest) {
        Some(Json::Object(_)) => at.insert(format!("{rest}."), value),
        _ => at.insert(rest.to_owned(), value),
    };
}

fn to_json(value: &Value<'_>) -> Json {
    tracehound_signals::json::value(value, NumberFormat::Dec)
}
