//! The catalogue as a manual.

use std::fmt::Write;

use tracehound_fields::describe::type_name;

use super::{ATTRIBUTES, Attribute, Lasts};

/// The manual in Markdown: `docs/attributes.md`.
pub fn markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    let (answered, unanswered): (Vec<&Attribute>, Vec<&Attribute>) =
        ATTRIBUTES.iter().partition(|attribute| attribute.missing().is_none());
    let (named, of_schema): (Vec<&Attribute>, Vec<&Attribute>) =
        unanswered.iter().partition(|attribute| attribute.missing() != Some(super::schema::WHY));
    let is_of = |prefix: &'static str| move |attribute: &&&Attribute| attribute.name.starts_with(prefix);
    let (parents, ancestors) = (is_of("@process.parent."), is_of("@process.ancestors."));
    section(&mut out, "Attributes", answered.iter().filter(|a| !a.is_tag() && !parents(a) && !ancestors(a)));
    out.push_str(LINES);
    for attribute in answered.iter().filter(|a| parents(a)) {
        let name = attribute.name.trim_start_matches("@process.parent.");
        let _ = writeln!(out, "* `@process.parent.{name}`, `@process.ancestors.{name}`{}", spellings(attribute));
    }
    section(&mut out, "Tags", answered.iter().filter(|a| a.is_tag()));
    out.push_str(ABSENT);
    for attribute in &named {
        let _ = writeln!(out, "| `{}` | {} |", attribute.name, attribute.missing().unwrap_or_default());
    }
    let _ = writeln!(
        out,
        "\n{} further names of the schema are known the same way ({}).",
        of_schema.len(),
        super::schema::WHY
    );
    out
}

const INTRODUCTION: &str = "# Attributes

What a query can name: in suppressions, and wherever signals or processes are selected. This page is made from \
`src/suppress/attributes/`; a test keeps it up to date, and every example is run.

* Names are those of Datadog's backend events; other spellings are taken for these, with a remark.
* Everything is as of the event that the signal is about.
* An absent value matches nothing. Of several values any may match.
* *Lasts* says whether a value will be met again: on one that does not, no suppression can be built.
";

const LINES: &str = "
## Parents and ancestors

Each fact of the process is also one of its parent, and one of each of its ancestors (the parent first, to the top of \
the tree). `@process.ancestors.comm:java` asks whether any of them is java; \
`same(@process.ancestors; comm:sh AND args:-i)` asks both of one and the same. `@process.ancestors.*:VALUE` asks all of \
their attributes. The last two only this program understands.

";

const ABSENT: &str = "
## Not in a trace

Known by name, so that a query with them is told that it cannot match.

| name | why |
|---|---|
";

fn section<'a>(out: &mut String, title: &str, rows: impl Iterator<Item = &'a &'a Attribute>) {
    let _ = writeln!(out, "\n## {title}");
    for attribute in rows {
        let _ = writeln!(out, "\n### `{}`\n\n{} ({})\n", attribute.name, attribute.doc, type_name(attribute.ty));
        let lasts = match attribute.lasts {
            Lasts::Yes => "yes".to_owned(),
            Lasts::Partly => "partly: a value can have parts that do not".to_owned(),
            Lasts::No(why) => format!("no: {why}"),
        };
        let example = attribute.example.map_or_else(String::new, |example| format!("`{}`", example.value));
        let aliases: Vec<String> = attribute.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        for (key, value) in [
            ("Also", aliases.join(", ")),
            ("From", attribute.source.to_owned()),
            ("Activities", attribute.activities.to_string()),
            ("Recommended for", attribute.recommended.to_string()),
            ("Lasts", lasts),
            ("Compared", attribute.elements.note().to_owned()),
            ("Example", example),
        ] {
            if !value.is_empty() && value != "-" && value != "`-`" {
                let _ = writeln!(out, "* {key}: {value}");
            }
        }
    }
}

fn spellings(attribute: &Attribute) -> String {
    let aliases: Vec<String> = attribute.aliases.iter().map(|alias| format!("`{alias}`")).collect();
    if aliases.is_empty() { String::new() } else { format!(" (also {})", aliases.join(", ")) }
}
