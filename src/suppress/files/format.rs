//! Files with their queries in the standard form: everything else, comments included, stays as it is.

use tracehound_lang::falco::yaml::{self, Node, Value};
use tracehound_lang::{Diagnostic, SourceFile};

use super::write;
use crate::query::{self, Mode};

const QUERIES: [&str; 3] = ["rule_query", "suppression_query", "data_exclusion_query"];

/// The file with each query formatted, as one quoted line if it changed. A file that does not load is not touched:
/// the diagnostics say why.
pub fn format(source: &SourceFile) -> Result<String, Vec<Diagnostic>> {
    let loaded = super::load(std::slice::from_ref(source));
    if loaded.has_errors() {
        return Err(loaded.diagnostics);
    }
    // A file that loads is text.
    let text = String::from_utf8_lossy(&source.bytes).into_owned();
    let mut diagnostics = Vec::new();
    let stream = yaml::parse(&text, 0, &mut diagnostics);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (key, value) in stream.documents.iter().flat_map(pairs).filter(|(key, _)| is(key, "suppressions")) {
        debug_assert!(is(key, "suppressions"));
        let Value::Seq(items) = &value.value else { continue };
        for (key, value) in items.iter().flat_map(pairs) {
            let Some(written) = value.as_str() else { continue };
            if !QUERIES.iter().any(|name| is(key, name)) {
                continue;
            }
            let (Some(query), _) = query::parse(written, Mode::Lenient) else { continue };
            let formatted = query.to_string();
            let (start, end) = (key.span.range().end, value.span.range().end);
            // Nodes of an alias stand before their key, and are formatted where they were written.
            if formatted == written || start < at || end < start || value.span.start < key.span.start {
                continue;
            }
            let colon = text[start..].find(':').map_or(start, |i| start + i + 1);
            out.push_str(&text[at..colon]);
            out.push(' ');
            out.push_str(&write::scalar(&formatted));
            // A block of text ends where the next key begins.
            at = text[..end].trim_end().len().max(colon);
        }
    }
    out.push_str(&text[at..]);
    Ok(out)
}

fn pairs(node: &Node) -> impl Iterator<Item = &(Node, Node)> {
    match &node.value {
        Value::Map(pairs) => pairs.as_slice(),
        _ => &[],
    }
    .iter()
}

fn is(node: &Node, name: &str) -> bool {
    node.as_str() == Some(name)
}
