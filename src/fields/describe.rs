//! The catalogue as a manual: what `rules fields` prints.

use crate::FAMILIES;
use crate::field::{ArgKind, ArgPolicy, Depends, Field, Multiplicity, Needs, flags};
use crate::value::FieldType;

/// One field as the manual describes it. All texts are complete without the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDoc {
    /// Family, as the manual groups them.
    pub family: &'static str,
    /// Name.
    pub name: &'static str,
    /// How an argument is written behind the name; empty if it takes none.
    pub arg: &'static str,
    /// Type of the value.
    pub ty: String,
    /// Meaning.
    pub doc: &'static str,
    /// Where the fact comes from.
    pub source: &'static str,
    /// What the trace must carry; empty if nothing special.
    pub needs: String,
    /// What the value depends on, and thereby how often a rule has to ask for it.
    pub cost: &'static str,
    /// Why no trace answers it; `None` for a field that a trace can answer. A rule that names such a field is reported
    /// as not evaluable.
    pub not_answered: Option<&'static str>,
    /// The field with an argument as a rule writes it, and its value or what it compares to: `proc.aname[1] = bash`.
    /// Run as a test.
    pub example: Option<String>,
    /// Peculiarities of operators and outputs, in words.
    pub notes: Vec<&'static str>,
    /// True for a field that lists leave out.
    pub is_hidden: bool,
}

/// The whole catalogue in order.
pub fn describe() -> Vec<FieldDoc> {
    FAMILIES.iter().flat_map(|family| family.fields.iter().map(|field| describe_field(family.name, field))).collect()
}

/// One field.
pub fn describe_field(family: &'static str, field: &Field) -> FieldDoc {
    let mut notes = Vec::new();
    for (flag, note) in [
        (flags::FILTER_ONLY, "only in conditions"),
        (flags::PRINT_ONLY, "only in outputs"),
        (flags::NO_RHS, "not on the right of a comparison"),
        (flags::NO_TRANSFORMER, "not in a transformer"),
        (flags::DEPRECATED, "deprecated"),
    ] {
        if field.flags & flag != 0 {
            notes.push(note);
        }
    }
    match field.multiplicity {
        Multiplicity::One => {}
        Multiplicity::List => notes.push("several values: `in` asks all of them, `intersects` some"),
        Multiplicity::Ancestors => notes.push("without argument true if it is for some ancestor"),
        Multiplicity::Ends => notes.push("both ends: `!=` asks both, every other operator either"),
    }
    FieldDoc {
        family,
        name: field.name,
        arg: arg_text(field.arg),
        ty: type_name(field.ty),
        doc: field.doc,
        source: field.source,
        needs: needs_text(field.needs),
        cost: cost(field.depends),
        not_answered: match field.needs {
            Needs::NotInTrace(why) => Some(why),
            _ => None,
        },
        example: field.example.map(|example| example.text(field.name)),
        notes,
        is_hidden: field.flags & flags::HIDDEN != 0,
    }
}

fn arg_text(arg: ArgPolicy) -> &'static str {
    use ArgKind::*;
    match arg {
        ArgPolicy::None => "",
        ArgPolicy::Optional(Index) => "none, or [N]",
        ArgPolicy::Optional(Name) => "none, or .NAME",
        ArgPolicy::Optional(IndexOrName) => "none, or [N], or [NAME]",
        ArgPolicy::Optional(EventArg) => "none, or .ARGUMENT, or [N]",
        ArgPolicy::Required(Index) => "[N]",
        ArgPolicy::Required(Name) => ".NAME or [NAME]",
        ArgPolicy::Required(IndexOrName) => "[N] or [NAME]",
        ArgPolicy::Required(EventArg) => ".ARGUMENT or [N]",
    }
}

/// Name of a type in the manual.
pub fn type_name(ty: FieldType) -> String {
    match ty {
        FieldType::Bool => "bool".into(),
        FieldType::Int(bits) => format!("int{bits}"),
        FieldType::Uint(bits) => format!("uint{bits}"),
        FieldType::Double => "double".into(),
        FieldType::RelTime => "duration (ns)".into(),
        FieldType::AbsTime => "time (ns)".into(),
        FieldType::Port => "port".into(),
        FieldType::Str => "text".into(),
        FieldType::Path => "path".into(),
        FieldType::Bytes => "bytes".into(),
        FieldType::Ip => "ip address".into(),
        FieldType::Net => "ip network".into(),
        FieldType::Opaque => "type of the argument".into(),
    }
}

fn needs_text(needs: Needs) -> String {
    match needs {
        Needs::Nothing => String::new(),
        Needs::NotInTrace(why) => format!("not answered: {why}"),
        Needs::ContainerMetadata => "metadata from a container runtime".into(),
        Needs::Interfaces => "list of network interfaces".into(),
        Needs::UserNames => "names of users and groups".into(),
        Needs::Environment => "environments of processes".into(),
        Needs::IoData => "data of reads and writes".into(),
    }
}

fn cost(depends: Depends) -> &'static str {
    match depends {
        Depends::Trace => "once a trace",
        Depends::Kind => "once a kind of event",
        Depends::Image => "once an image",
        Depends::Actor => "every event, from the thread",
        Depends::Lineage => "once a line of ancestors' images",
        Depends::Ancestors => "every event, from other processes",
        Depends::Container => "once a container",
        Depends::Args => "every event, from its arguments",
        Depends::Descriptor => "every event, from its descriptor",
        Depends::Time => "every event",
    }
}

/// The manual in Markdown: a section a family, an entry a field.
pub fn markdown() -> String {
    let mut out = String::from("# Fields\n\nWhat a condition, an output or a suppression can name.\n");
    for family in FAMILIES {
        out.push_str(&format!("\n## {}\n\n{}\n", family.name, family.doc));
        for doc in family.fields.iter().map(|field| describe_field(family.name, field)) {
            let hidden = if doc.is_hidden { ", not listed" } else { "" };
            out.push_str(&format!("\n### `{}`\n\n{} ({}{hidden})\n\n", doc.name, doc.doc, doc.ty));
            for (key, value) in [
                ("Argument", doc.arg.to_owned()),
                ("Example", doc.example.map(|text| format!("`{text}`")).unwrap_or_default()),
                ("From", doc.source.to_owned()),
                ("Needs", doc.needs),
                ("Asked", doc.cost.to_owned()),
                ("Note", doc.notes.join("; ")),
            ] {
                if !value.is_empty() {
                    out.push_str(&format!("* {key}: {value}\n"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_described() {
        let docs = describe();
        assert_eq!(docs.len(), crate::catalogue::all().len());
        for doc in &docs {
            assert!(doc.doc.ends_with('.'), "{}: a sentence ends with a full stop", doc.name);
            assert!(!doc.source.is_empty(), "{}", doc.name);
            assert!(doc.example.is_some() || doc.not_answered.is_some() || doc.is_hidden, "{}: no example", doc.name);
        }
        let text = markdown();
        for doc in &docs {
            assert!(text.contains(&format!("### `{}`", doc.name)), "{}", doc.name);
        }
    }
}
