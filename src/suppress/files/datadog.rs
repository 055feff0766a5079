//! Suppression lists of Datadog's API, `GET /api/v2/security_monitoring/configuration/suppressions`, read and written.
//!
//! Specification: part B.1 (envelope, fields, types). What only the server knows (`version`, `creator`, dates of
//! changes) is left out on purpose; anything else that is unknown is named in [`Import::ignored`]. The API has no
//! fields for the owner, the reason and the ticket: they travel as the tags `owner:…`, `reason:…`, `ticket:…`.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::date;
use super::entry::Entry;

/// Type of the API's objects.
const TYPE: &str = "suppressions";

/// Attributes that only the server sets.
const SERVER: [&str; 8] = [
    "version",
    "editable",
    "creation_date",
    "update_date",
    "creator",
    "updater",
    "creation_author_id",
    "update_author_id",
];

/// What a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Suppressions in the order of the list.
    pub entries: Vec<Entry>,
    /// Attributes that are not known and were left out, sorted.
    pub ignored: BTreeSet<String>,
}

/// Why a list cannot be read. Nothing of it is: half a list would hide less, or with exclusions more, than the whole.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON of another structure.
    #[error("not a list of suppressions: {0}")]
    Structure(&'static str),
    /// A suppression that is wrong.
    #[error("suppression {position}: `{attribute}` {what}")]
    Attribute {
        /// Position in the list, from 1.
        position: usize,
        /// The attribute.
        attribute: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads the answer of the API: a list or one suppression, with the envelope or the attributes alone.
pub fn import(bytes: &[u8]) -> Result<Import, ImportError> {
    let mut json: Json = serde_json::from_slice(bytes)?;
    if let Some(data) = json.get_mut("data") {
        json = data.take();
    }
    let items = match json {
        Json::Array(items) => items,
        item @ Json::Object(_) => vec![item],
        _ => return Err(ImportError::Structure("neither a list nor an object")),
    };
    let mut out = Import::default();
    for (i, item) in items.into_iter().enumerate() {
        let Json::Object(mut item) = item else { return Err(ImportError::Structure("an item is no object")) };
        let id = item.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
        let attributes = match item.remove("attributes") {
            Some(Json::Object(attributes)) => {
                if item.get("type").is_some_and(|ty| ty != TYPE) {
                    return Err(ImportError::Structure("an item's `type` is not `suppressions`"));
                }
                attributes
            }
            Some(_) => return Err(ImportError::Structure("`attributes` is no object")),
            None => item,
        };
        let reader = Reader { attributes: &attributes, position: i + 1 };
        out.entries.push(reader.entry(id)?);
        let unknown = attributes.keys().filter(|key| !KNOWN.contains(&key.as_str()) && !SERVER.contains(&key.as_str()));
        out.ignored.extend(unknown.cloned());
    }
    Ok(out)
}

const KNOWN: [&str; 10] = [
    "id",
    "name",
    "description",
    "enabled",
    "rule_query",
    "suppression_query",
    "data_exclusion_query",
    "start_date",
    "expiration_date",
    "tags",
];

struct Reader<'a> {
    attributes: &'a Map<String, Json>,
    position: usize,
}

impl Reader<'_> {
    fn entry(&self, id: String) -> Result<Entry, ImportError> {
        let mut entry = Entry {
            name: self.required_text("name")?,
            description: self.text("description")?,
            is_enabled: match self.get("enabled") {
                Some(Json::Bool(enabled)) => *enabled,
                Some(_) => return Err(self.wrong("enabled", "is neither true nor false")),
                None => return Err(self.wrong("enabled", "is missing")),
            },
            rule_query: self.required_text("rule_query")?,
            suppression_query: self.text("suppression_query")?,
            data_exclusion_query: self.text("data_exclusion_query")?,
            start: self.date("start_date")?,
            expiration: self.date("expiration_date")?,
            id,
            ..Entry::default()
        };
        for tag in self.tags()? {
            match tag.split_once(':') {
                Some(("owner", owner)) if entry.owner.is_empty() => entry.owner = owner.to_owned(),
                Some(("reason", reason)) if entry.reason.is_empty() => entry.reason = reason.to_owned(),
                Some(("ticket", ticket)) if entry.ticket.is_empty() => entry.ticket = ticket.to_owned(),
                _ => entry.tags.push(tag),
            }
        }
        Ok(entry)
    }

    /// The value of an attribute; null is absent.
    fn get(&self, attribute: &str) -> Option<&Json> {
        self.attributes.get(attribute).filter(|value| !value.is_null())
    }

    fn wrong(&self, attribute: &str, what: impl Into<String>) -> ImportError {
        ImportError::Attribute { position: self.position, attribute: attribute.to_owned(), what: what.into() }
    }

    fn text(&self, attribute: &str) -> Result<String, ImportError> {
        match self.get(attribute) {
            None => Ok(String::new()),
            Some(Json::String(text)) => Ok(text.clone()),
            Some(_) => Err(self.wrong(attribute, "is no text")),
        }
    }

    fn required_text(&self, attribute: &str) -> Result<String, ImportError> {
        match self.text(attribute)? {
            text if text.is_empty() => Err(self.wrong(attribute, "is missing or empty")),
            text => Ok(text),
        }
    }

    /// Milliseconds since the epoch, or RFC 3339 as Terraform writes them.
    fn date(&self, attribute: &str) -> Result<Option<tracehound_formats::Nanos>, ImportError> {
        let text = match self.get(attribute) {
            None => return Ok(None),
            Some(Json::Number(number)) => number.to_string(),
            Some(Json::String(text)) => text.clone(),
            Some(_) => return Err(self.wrong(attribute, "is no date")),
        };
        date::parse(&text).map(Some).map_err(|error| self.wrong(attribute, format!("is {error}: {}", error.help())))
    }

    fn tags(&self) -> Result<Vec<String>, ImportError> {
        let tags = match self.get("tags") {
            None => return Ok(Vec::new()),
            Some(Json::Array(tags)) => tags,
            Some(_) => return Err(self.wrong("tags", "is no list")),
        };
        tags.iter()
            .map(|tag| tag.as_str().map(str::to_owned).ok_or_else(|| self.wrong("tags", "has an item that is no text")))
            .collect()
    }
}

/// The list as the API gives it, for `POST` one by one. Dates are rounded down to milliseconds.
pub fn export<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Json {
    let data: Vec<Json> = entries.into_iter().map(item).collect();
    json!({ "data": data })
}

fn item(entry: &Entry) -> Json {
    let mut attributes = Map::new();
    attributes.insert("name".to_owned(), json!(entry.name));
    attributes.insert("enabled".to_owned(), json!(entry.is_enabled));
    attributes.insert("rule_query".to_owned(), json!(entry.rule_query));
    // The API stores a suppression that only excludes data with an empty query.
    attributes.insert("suppression_query".to_owned(), json!(entry.suppression_query));
    if !entry.data_exclusion_query.is_empty() {
        attributes.insert("data_exclusion_query".to_owned(), json!(entry.data_exclusion_query));
    }
    if !entry.description.is_empty() {
        attributes.insert("description".to_owned(), json!(entry.description));
    }
    for (key, at) in [("start_date", entry.start), ("expiration_date", entry.expiration)] {
        if let Some(at) = at {
            attributes.insert(key.to_owned(), json!(date::to_millis(at)));
        }
    }
    let marks = [("owner", &entry.owner), ("reason", &entry.reason), ("ticket", &entry.ticket)];
    let marks = marks.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| format!("{key}:{value}"));
    let tags: Vec<String> = marks.chain(entry.tags.iter().cloned()).collect();
    if !tags.is_empty() {
        attributes.insert("tags".to_owned(), json!(tags));
    }
    let mut item = Map::new();
    if !entry.id.is_empty() {
        item.insert("id".to_owned(), json!(entry.id));
    }
    item.insert("type".to_owned(), json!(TYPE));
    item.insert("attributes".to_owned(), Json::Object(attributes));
    Json::Object(item)
}

#[cfg(test)]
mod tests {
    use tracehound_formats::Nanos;

    use super::*;

    /// An answer of the API, shortened: field names and types as in its reference.
    const ANSWER: &str = r#"{"data":[{"id":"3dd-0uc-h1s","type":"suppressions","attributes":{
        "name":"Backup","enabled":true,"description":"nightly","rule_query":"type:workload_security ruleId:abc",
        "suppression_query":"@process.args:\\+x","data_exclusion_query":"host:b*","start_date":1703187336000,
        "expiration_date":1772323200000,"tags":["team:sre","ticket:OPS-1","owner:ops"],"version":42,"editable":true,
        "creation_date":1,"update_date":2,"creator":{"handle":"a@example.com","name":null},
        "updater":{"handle":"a@example.com","name":"A"}}}]}"#;

    fn entry() -> Entry {
        Entry {
            name: "Backup".into(),
            description: "nightly".into(),
            owner: "ops".into(),
            rule_query: "type:workload_security ruleId:abc".into(),
            suppression_query: "@process.args:\\+x".into(),
            data_exclusion_query: "host:b*".into(),
            start: Some(Nanos(1_703_187_336_000_000_000)),
            expiration: Some(Nanos(1_772_323_200_000_000_000)),
            ticket: "OPS-1".into(),
            id: "3dd-0uc-h1s".into(),
            tags: vec!["team:sre".into()],
            ..Entry::default()
        }
    }

    #[test]
    fn an_answer_of_the_api() {
        let import = import(ANSWER.as_bytes()).expect("an import");
        assert_eq!(import, Import { entries: vec![entry()], ignored: BTreeSet::new() });
    }

    #[test]
    fn there_and_back() {
        let only_exclusion = Entry {
            name: "x".into(),
            is_enabled: false,
            rule_query: "*".into(),
            data_exclusion_query: "env:dev".into(),
            reason: "a: b".into(),
            ..Entry::default()
        };
        let entries = vec![entry(), only_exclusion];
        let json = export(&entries);
        assert_eq!(json["data"][1]["attributes"]["suppression_query"], "");
        assert_eq!(import(json.to_string().as_bytes()).expect("an import").entries, entries);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("", "not JSON"),
            ("3", "neither a list nor an object"),
            ("[3]", "an item is no object"),
            (r#"{"data":{"type":"rules","attributes":{}}}"#, "`type` is not `suppressions`"),
            (r#"{"data":[{"type":"suppressions","attributes":[]}]}"#, "`attributes` is no object"),
            (r#"[{"enabled":true,"rule_query":"*"}]"#, "suppression 1: `name` is missing or empty"),
            (r#"[{"name":"a","rule_query":"*"}]"#, "`enabled` is missing"),
            (r#"[{"name":"a","enabled":"yes","rule_query":"*"}]"#, "`enabled` is neither true nor false"),
            (r#"[{"name":"a","enabled":true,"rule_query":7}]"#, "`rule_query` is no text"),
            (r#"[{"name":"a","enabled":true,"rule_query":"*","start_date":-5}]"#, "`start_date` is not a date"),
            (r#"[{"name":"a","enabled":true,"rule_query":"*","start_date":1772323200}]"#, "a date in seconds"),
            (r#"[{"name":"a","enabled":true,"rule_query":"*","tags":[1]}]"#, "an item that is no text"),
        ] {
            let error = import(text.as_bytes()).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(import(deep.as_bytes()).is_err());
        let odd = r#"[{"name":"a","enabled":true,"rule_query":"*","colour":"red","start_date":null}]"#;
        let import = import(odd.as_bytes()).expect("an import");
        assert_eq!(import.ignored, BTreeSet::from(["colour".to_owned()]));
        assert_eq!(import.entries[0].start, None);
    }
}
