//! Values that were written as regular expressions. The language has wildcards only: `.*` is a dot and anything, and a
//! suppression with `^…$` hides nothing, which its author finds out when it is too late.

use tracehound_lang::{Code, Diagnostic, Severity, Span};

use super::Placed;
use crate::query::{Key, Test};

/// A sign that a value is a regular expression.
struct Sign {
    /// Offset in the value, as written.
    at: usize,
    len: usize,
    what: &'static str,
    /// False if the value may also be meant as it stands.
    is_sure: bool,
}

/// Reports values of a query that look like regular expressions, a finding a clause.
pub(super) fn check(placed: &Placed, diagnostics: &mut Vec<Diagnostic>) {
    for clause in placed.query.clauses() {
        // Of free text nothing but words counts.
        if !matches!(clause.test, Test::Term(_)) || clause.key == Key::Message {
            continue;
        }
        let range = clause.span.range();
        let Some(written) = placed.query.text().get(range.clone()) else { continue };
        let value = value_at(written);
        let found = signs(&written[value..]);
        let Some(first) = found.first() else { continue };
        let is_sure = found.iter().any(|sign| sign.is_sure) || found.len() > 1;
        let start = range.start + value + first.at;
        let span = placed.span(Span::new(clause.span.file, start, start + first.len));
        let mut diagnostic =
            Diagnostic::new(Code::SupRegex, span, format!("{}: the value looks like a regular expression", first.what))
                .help(
                    "`*` is anything and `?` one character, over the whole value; a sign that is meant has a `\\` \
                       before it, or the value stands in quotes"
                        .to_owned(),
                );
        if !is_sure {
            diagnostic.severity = Severity::Warning;
        }
        diagnostics.push(diagnostic);
    }
}

/// Where the value begins: behind the colon of the field, if there is one.
fn value_at(written: &str) -> usize {
    let mut chars = written.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            ':' => return i + 1,
            _ => {}
        }
    }
    0
}

fn signs(value: &str) -> Vec<Sign> {
    let mut out = Vec::new();
    let bytes = value.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let next = bytes.get(i + 1).copied();
        match bytes[i] {
            b'^' if i == 0 => out.push(Sign { at: i, len: 1, what: "`^`", is_sure: true }),
            b'$' if i > 0 && next.is_none() => out.push(Sign { at: i, len: 1, what: "`$`", is_sure: true }),
            b'\\' => {
                match next {
                    Some(b'd' | b'w' | b's' | b'b' | b'D' | b'W' | b'S' | b'B') => {
                        out.push(Sign { at: i, len: 2, what: "a class of characters", is_sure: true });
                    }
                    Some(b'.') => out.push(Sign { at: i, len: 2, what: "`\\.`", is_sure: false }),
                    _ => {}
                }
                i += 1;
            }
            // A hidden file's name begins so, and `name.*` is a name with any ending.
            b'.' if next == Some(b'*') && i > 0 && !bytes[i - 1].is_ascii_alphanumeric() && bytes[i - 1] != b'/' => {
                out.push(Sign { at: i, len: 2, what: "`.*`", is_sure: false });
            }
            b'.' if next == Some(b'*') && i == 0 && bytes.len() > 2 => {
                out.push(Sign { at: i, len: 2, what: "`.*`", is_sure: false });
            }
            b'.' if next == Some(b'+') => out.push(Sign { at: i, len: 2, what: "`.+`", is_sure: true }),
            b'[' if value[i..].contains(']') => {
                out.push(Sign { at: i, len: 1, what: "a set of characters", is_sure: false });
            }
            b'|' if next != Some(b'|') => out.push(Sign { at: i, len: 1, what: "`|`", is_sure: false }),
            _ => {}
        }
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_regular_expressions() {
        for (value, expected) in [
            ("^/usr/bin/java$", Some(true)),
            ("java$", Some(true)),
            (r"web-\d*", Some(true)),
            ("/tmp/.+", Some(true)),
            (".*bash", Some(false)),
            (r"\.*\.sh", Some(true)),
            (r"a\.sh", Some(false)),
            ("a|b", Some(false)),
            ("/tmp/x.*", None),
            ("/tmp/.*", None),
            ("/tmp/.X11-unix/*", None),
            ("report.*", None),
            ("/usr/bin/java", None),
            ("a$b", None),
            (r"\+x", None),
            ("*.jar", None),
        ] {
            let found = signs(value);
            let sure = (!found.is_empty()).then(|| found.len() > 1 || found[0].is_sure);
            assert_eq!(sure, expected, "{value}");
        }
    }
}
