//! What a run gave for a trace: kept, compared with what was expected, printed.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// What is true of a trace whatever the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Events.
    pub n_events: u64,
    /// Codes of the kinds of events that rules are asked about, sorted; see `tracehound_fields::Subject::kind_code`.
    pub kinds: Vec<u16>,
    /// Damaged places.
    pub n_damage: u64,
    /// The first of them, as text.
    pub damage: Vec<String>,
    /// Events that the recorder lost.
    pub n_lost: u64,
}

impl Facts {
    /// True if something is missing: silence of a rule then proves nothing.
    pub fn is_partial(&self) -> bool {
        self.n_damage > 0 || self.n_lost > 0
    }

    /// What is missing, for people.
    pub fn damage_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.damage.iter().map(|damage| format!("damaged {damage}")).collect();
        let n_more = self.n_damage.saturating_sub(self.damage.len() as u64);
        if n_more > 0 {
            lines.push(format!("damaged at {n_more} further places"));
        }
        if self.n_lost > 0 {
            lines.push(format!("the recorder lost {} events", self.n_lost));
        }
        lines
    }
}

/// A signal as suites see it. Texts are valid UTF-8 with every other byte as `\xff`; they can hold control characters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Number of its event.
    pub seq: u64,
    /// Time of its event, nanoseconds since 1970.
    pub ts: u64,
    /// Its id.
    pub id: String,
    /// The rendered output.
    pub message: String,
    /// Values of the output's fields.
    pub fields: BTreeMap<String, Json>,
    /// Suppressions that hide it, the deciding one first.
    pub suppressed_by: Vec<String>,
    /// Why its evidence is not complete.
    pub evidence: Vec<String>,
    /// Key of the process.
    pub process: Option<String>,
    /// How its process came to be, a line a step from the beginning; empty for all but the first signals of a rule.
    pub path: Vec<String>,
    /// Answers to the queries that were asked about signals of the rule, in their order.
    pub answers: Vec<bool>,
}

impl Seen {
    /// True if nothing hides it.
    pub fn is_fired(&self) -> bool {
        self.suppressed_by.is_empty()
    }

    /// As JSON, answers included.
    pub fn to_json(&self) -> Json {
        json!({
            "seq": self.seq, "time_ns": self.ts, "id": self.id, "message": self.message, "output_fields": self.fields,
            "suppressed_by": self.suppressed_by, "evidence_why": self.evidence, "process": self.process,
            "path": self.path, "answers": self.answers,
        })
    }

    /// Reads what [`Seen::to_json`] gives; `None` if it is something else.
    pub fn from_json(json: &Json) -> Option<Seen> {
        let fields: &Map<String, Json> = json.get("output_fields")?.as_object()?;
        Some(Seen {
            seq: json.get("seq")?.as_u64()?,
            ts: json.get("time_ns")?.as_u64()?,
            id: json.get("id")?.as_str()?.to_owned(),
            message: json.get("message")?.as_str()?.to_owned(),
            fields: fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            suppressed_by: strings(json.get("suppressed_by")?)?,
            evidence: strings(json.get("evidence_why")?)?,
            process: match json.get("process")? {
                Json::Null => None,
                process => Some(process.as_str()?.to_owned()),
            },
            path: strings(json.get("path")?)?,
            answers: json.get("answers")?.as_array()?.iter().map(Json::as_bool).collect::<Option<_>>()?,
        })
    }
}

/// Texts of a JSON array.
pub(crate) fn strings(json: &Json) -> Option<Vec<String>> {
    json.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// What a run gave for a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// What is true whatever the rules.
    pub facts: Facts,
    /// Signals of each rule that has any, by event.
    pub signals: BTreeMap<String, Vec<Seen>>,
}

impl Observed {
    /// Signals of a rule.
    pub fn of(&self, rule: &str) -> &[Seen] {
        self.signals.get(rule).map_or(&[], Vec::as_slice)
    }

    /// Signals that nothing hides, and hidden ones.
    pub fn counts(&self) -> (u64, u64) {
        let all = || self.signals.values().flatten();
        let fired = all().filter(|seen| seen.is_fired()).count() as u64;
        (fired, all().count() as u64 - fired)
    }
}

/// A value of an output's field as an expectation writes it; `None` if it is absent.
pub fn field_text(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
