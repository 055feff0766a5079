//! Files of tags: what a trace does not know of its hosts and containers, as an inventory has it.
//!
//! ```yaml
//! tags:
//!   - host: web-01
//!     tags: [env:prod, service:shop]
//!   - container: 3ad7b26ded6d
//!     tags: [kube_namespace:checkout]
//!   - tags: [team:blue]
//! ```
//!
//! An item is for a host by name, for a container by its id (12 characters or more), or, with neither, for everything.

use tracehound_lang::falco::yaml::{Node, Value};
use tracehound_lang::keys::{self, Codes, File, is_blank, span_of};
use tracehound_lang::{Code, Diagnostic, SourceFile, SourceMap};

use crate::attributes::ExtraTags;

const CODES: Codes = Codes { invalid: Code::SupInvalid, unknown_key: Code::SupUnknownKey, empty: Code::SupEmpty };

/// Keys of an item.
const KEYS: [&str; 3] = ["host", "container", "tags"];

/// Fewest characters of a container's id: those that runtimes print.
const MIN_ID: usize = 12;

/// Reads a file and adds its tags. What is wrong is reported, and its item left out.
pub fn read(source: &SourceFile, tags: &mut ExtraTags, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) {
    let Some(file) = File::read(source, sources, diagnostics) else { return };
    let mut reader = keys::Reader::new(&file, CODES, diagnostics);
    for node in reader.only_list(&file, "tags", "`- host: `, `- container: ` or `- tags: `") {
        item(node, &mut reader, tags);
    }
    reader.finish(&file);
}

fn item(node: &Node, reader: &mut keys::Reader<'_>, tags: &mut ExtraTags) {
    let Value::Map(pairs) = &node.value else {
        let span = reader.first_line(node.span);
        return reader.invalid(span, "an item of `tags` is a mapping", None);
    };
    let before = reader.n_errors();
    let (values, has_unknown) = reader.values(pairs, &KEYS);
    let head = reader.head(node, pairs);
    let host = reader.scalar(&values, "host");
    let container = reader.scalar(&values, "container");
    if let (Some(_), Some(container)) = (&host, &container) {
        let help = "write two items: an item is for a host or for a container".to_owned();
        reader.invalid(span_of(container), "both `host` and `container`", Some(help));
    }
    for (key, text) in [("host", &host), ("container", &container)] {
        if text.as_ref().is_some_and(is_blank) {
            let span = values.get(key).map_or(head, |(_, node)| node.span);
            reader.report(Diagnostic::new(Code::SupEmpty, span, format!("`{key}` is empty")));
        }
    }
    if let Some(id) = container.as_ref().filter(|id| !is_blank(id)) {
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.as_str().len() < MIN_ID || !id.as_str().chars().all(is_id) {
            let help = format!("write at least the first {MIN_ID} characters of the id, as runtimes print it");
            reader.invalid(span_of(id), "no id of a container", Some(help));
        }
    }
    // A misspelt key is not missing.
    if !values.contains_key("tags") && !has_unknown {
        reader.invalid(head, "`tags` is missing", Some("as `tags: [env:prod]`".to_owned()));
    }
    let texts = reader.texts(&values, "tags");
    for (text, span) in texts {
        let added = match (&host, &container) {
            // An item with an error gives no tags; its tags are checked all the same.
            _ if reader.n_errors() > before => ExtraTags::default().add(&text),
            (Some(host), _) => tags.add_for_host(host.as_str(), &text),
            (_, Some(id)) => tags.add_for_container(id.as_str(), &text),
            _ => tags.add(&text),
        };
        if let Err(error) = added {
            reader.invalid(span, error.to_string(), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> (ExtraTags, Vec<String>) {
        let (mut tags, mut sources, mut diagnostics) = (ExtraTags::default(), SourceMap::default(), Vec::new());
        read(&SourceFile::new("t.yaml", text), &mut tags, &mut sources, &mut diagnostics);
        let place = |d: &Diagnostic| {
            d.span().map_or_else(String::new, |span| {
                let position = sources.position(span.file, span.start);
                format!("{}:{} ", position.line, position.column)
            })
        };
        let said = diagnostics.iter().map(|d| format!("{}{}", place(d), d.message)).collect();
        (tags, said)
    }

    #[test]
    fn tags_of_hosts_and_containers() {
        let (tags, said) = load(
            "tags:\n  - host: web-01\n    tags: [env:prod, service:shop]\n  - container: 3ad7b26ded6d8e7b\n    \
             tags: [team:red]\n  - tags: ['url:http://a']\n",
        );
        assert_eq!(said, [""; 0]);
        let of = |host: &[u8], container: Option<&[u8]>| {
            tags.of(Some(host), container).map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>()
        };
        assert_eq!(of(b"web-01", None), ["url:http://a", "env:prod", "service:shop"]);
        assert_eq!(of(b"web-02", Some(b"3ad7b26ded6d")), ["url:http://a", "team:red"]);
    }

    #[test]
    fn what_is_wrong() {
        for (text, expected) in [
            ("tags: []", &[][..]),
            ("", &["1:1 the file has no key `tags`"]),
            ("- a", &["1:3 not a file of tags"]),
            ("tag: []", &["1:1 unknown key `tag`"]),
            ("tags: x", &["1:7 `tags` is no list"]),
            ("tags: [x]", &["1:8 an item of `tags` is a mapping"]),
            ("tags:\n- {host: a, tags: [b]}", &["2:20 `b` is no tag: write KEY:VALUE"]),
            ("tags:\n- {host: a}", &["2:4 `tags` is missing"]),
            ("tags:\n- {host: '', tags: [a:b]}", &["2:10 `host` is empty"]),
            ("tags:\n- {hosts: a, tags: [a:b]}", &["2:4 unknown key `hosts`"]),
            ("tags:\n- {container: 3ad7, tags: [a:b]}", &["2:15 no id of a container"]),
            (
                "tags:\n- {host: a, container: 3ad7b26ded6d, tags: [x]}",
                &["2:24 both `host` and `container`", "2:45 `x` is no tag: write KEY:VALUE"],
            ),
            ("tags:\n- {host: a, tags: b:c}", &["2:13 `tags` is no list of texts"]),
        ] {
            assert_eq!(load(text).1, expected, "{text}");
        }
    }
}
