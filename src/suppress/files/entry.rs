//! A suppression as it is written: what a file, a list of Datadog's API and a proposal have in common.

use serde_json::{Map, Value as Json, json};
use tracehound_formats::Nanos;

use super::date;

/// Keys of a suppression in a file, in the order they are written in. The first eleven are promised to scripts; `id`
/// and `tags` keep what a list from Datadog carries.
pub const KEYS: [&str; 13] = [
    "name",
    "description",
    "owner",
    "enabled",
    "rule_query",
    "suppression_query",
    "data_exclusion_query",
    "start_date",
    "expiration_date",
    "reason",
    "ticket",
    "id",
    "tags",
];

/// A suppression, with queries as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name, unique among all that are loaded.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Who answers for it.
    pub owner: String,
    /// False if it is never applied.
    pub is_enabled: bool,
    /// Which rules it applies to.
    pub rule_query: String,
    /// Which signals it hides; empty for none.
    pub suppression_query: String,
    /// Which events its rules do not see; empty for none.
    pub data_exclusion_query: String,
    /// First moment at which it applies.
    pub start: Option<Nanos>,
    /// First moment at which it no longer applies.
    pub expiration: Option<Nanos>,
    /// Why what it hides is benign.
    pub reason: String,
    /// Where that was decided.
    pub ticket: String,
    /// Opaque id of Datadog's API; empty for one that was never there.
    pub id: String,
    /// Tags; they mean nothing here.
    pub tags: Vec<String>,
}

impl Default for Entry {
    fn default() -> Entry {
        Entry {
            name: String::new(),
            description: String::new(),
            owner: String::new(),
            is_enabled: true,
            rule_query: String::new(),
            suppression_query: String::new(),
            data_exclusion_query: String::new(),
            start: None,
            expiration: None,
            reason: String::new(),
            ticket: String::new(),
            id: String::new(),
            tags: Vec::new(),
        }
    }
}

impl Entry {
    /// As JSON with the keys of a file; what is empty or absent is left out.
    pub fn to_json(&self) -> Json {
        let mut out = Map::new();
        let mut text = |key: &str, value: &str| {
            if !value.is_empty() {
                out.insert(key.to_owned(), json!(value));
            }
        };
        text("name", &self.name);
        text("description", &self.description);
        text("owner", &self.owner);
        text("rule_query", &self.rule_query);
        text("suppression_query", &self.suppression_query);
        text("data_exclusion_query", &self.data_exclusion_query);
        text("start_date", &self.start.map_or_else(String::new, date::format));
        text("expiration_date", &self.expiration.map_or_else(String::new, date::format));
        text("reason", &self.reason);
        text("ticket", &self.ticket);
        text("id", &self.id);
        out.insert("enabled".to_owned(), json!(self.is_enabled));
        if !self.tags.is_empty() {
            out.insert("tags".to_owned(), json!(self.tags));
        }
        Json::Object(out)
    }
}
