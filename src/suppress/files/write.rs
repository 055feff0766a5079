//! Suppressions as the YAML that [`super::load`] reads.

use std::fmt::Write;

use super::date;
use super::entry::Entry;

/// A whole file.
pub fn file(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "suppressions: []\n".to_owned();
    }
    let mut out = String::from("suppressions:\n");
    for entry in entries {
        out.push_str(&item(entry));
    }
    out
}

/// One item of the list, indented by two blanks, with what is empty left out.
pub fn item(entry: &Entry) -> String {
    let mut out = String::new();
    let mut lead = "  - ";
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{lead}{key}: {value}");
        lead = "    ";
    };
    let mut text = |key: &str, value: &str, is_needed: bool| {
        if is_needed || !value.is_empty() {
            line(key, &scalar(value));
        }
    };
    text("name", &entry.name, true);
    text("description", &entry.description, false);
    text("owner", &entry.owner, false);
    line("enabled", if entry.is_enabled { "true" } else { "false" });
    let mut text = |key: &str, value: &str, is_needed: bool| {
        if is_needed || !value.is_empty() {
            line(key, &scalar(value));
        }
    };
    text("rule_query", &entry.rule_query, true);
    text("suppression_query", &entry.suppression_query, false);
    text("data_exclusion_query", &entry.data_exclusion_query, false);
    text("start_date", &entry.start.map_or_else(String::new, date::format), false);
    text("expiration_date", &entry.expiration.map_or_else(String::new, date::format), false);
    text("reason", &entry.reason, false);
    text("ticket", &entry.ticket, false);
    text("id", &entry.id, false);
    if !entry.tags.is_empty() {
        let tags: Vec<String> = entry.tags.iter().map(|tag| scalar(tag)).collect();
        line("tags", &format!("[{}]", tags.join(", ")));
    }
    out
}

/// A text as a YAML scalar that is read as this text by every reader: plain if nothing can be mistaken, in single
/// quotes if it is printable, else in double quotes with escapes.
pub fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-./()+".contains(c))
        && !text.ends_with(' ')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    let is_printable = text.chars().all(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'));
    if is_printable {
        return format!("'{}'", text.replace('\'', "''"));
    }
    // Every text of JSON is a text of YAML.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\x7f").replace('\u{feff}', "\\ufeff")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars() {
        for (text, expected) in [
            ("backup of shop (nightly)", "backup of shop (nightly)"),
            ("", "''"),
            ("yes", "'yes'"),
            ("123", "'123'"),
            ("it's", "'it''s'"),
            ("@process.args:\"-c\"", "'@process.args:\"-c\"'"),
            ("a\nb", "\"a\\nb\""),
            ("a ", "'a '"),
            ("- a", "'- a'"),
        ] {
            assert_eq!(scalar(text), expected, "{text:?}");
        }
    }
}
