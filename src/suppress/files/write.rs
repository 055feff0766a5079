//! Suppressions as the YAML that [`super::load`] reads.

use std::fmt::Write;

use tracehound_signals::visible::is_deceptive;

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
    // What hides or turns text in an editor or a terminal is seen as what it is.
    let is_escaped = |c: char| c.is_control() || is_deceptive(c);
    if !text.contains(is_escaped) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    // Every text of JSON is a text of YAML; JSON leaves the controls from 0x7f on, which YAML does not take, and the rest.
    let mut out = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        match u32::from(c) {
            _ if !is_escaped(c) => out.push(c),
            code @ ..=0xffff => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out
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
            ("a\u{7f}", "\"a\\u007f\""),
            ("\u{9b}31m", "\"\\u009b31m\""),
            ("\u{202e}gpj.exe", "\"\\u202egpj.exe\""),
            ("a\u{200b}\u{e0041}\"", "\"a\\u200b\\U000e0041\\\"\""),
        ] {
            assert_eq!(scalar(text), expected, "{text:?}");
        }
    }
}
