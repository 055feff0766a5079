//! All rows together, and how names are found.

use std::borrow::Cow;
use std::sync::LazyLock;

use hashbrown::HashMap;
use tracehound_fields::{FieldType, Needs, Value, View};
use tracehound_signals::RuleRef;

use super::process::{ProcessAt, Relation};
use super::view::SignalView;
use super::{ActivitySet, Attribute, AttributeId, Elements, Example, Lasts};
use super::{file, guide, kernel, network, process, schema, signal, workload};

/// How a value is read.
#[derive(Clone, Debug)]
pub(crate) enum Getter {
    /// From the rule.
    Rule(for<'a> fn(&'a RuleRef) -> Value<'a>),
    /// From a process, as of the event.
    Process(Relation, for<'a> fn(&ProcessAt<'a>) -> Value<'a>),
    /// From the event.
    Event(for<'a> fn(&View<'a>) -> Value<'a>),
    /// From everything that is known.
    View(for<'a> fn(&SignalView<'a>) -> Value<'a>),
    /// Nothing has a value of it.
    Never,
}

/// A row as a family writes it.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(super) ty: FieldType,
    pub(super) elements: Elements,
    pub(super) activities: ActivitySet,
    pub(super) doc: &'static str,
    pub(super) source: &'static str,
    pub(super) needs: Needs,
    pub(super) lasts: Lasts,
    pub(super) example: Option<Example>,
    pub(super) get: Getter,
}

impl Row {
    pub(super) const fn new(
        name: &'static str,
        ty: FieldType,
        activities: ActivitySet,
        source: &'static str,
        get: Getter,
        doc: &'static str,
    ) -> Row {
        Row {
            name,
            aliases: &[],
            ty,
            elements: Elements::Plain,
            activities,
            doc,
            source,
            needs: Needs::Nothing,
            lasts: Lasts::Yes,
            example: None,
            get,
        }
    }

    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> Row {
        self.aliases = aliases;
        self
    }

    pub(super) const fn needs(mut self, needs: Needs) -> Row {
        self.needs = needs;
        self
    }

    pub(super) const fn elements(mut self, elements: Elements) -> Row {
        self.elements = elements;
        self
    }

    pub(super) const fn lasts(mut self, lasts: Lasts) -> Row {
        self.lasts = lasts;
        self
    }

    pub(super) const fn example(mut self, trace: &'static str, value: &'static str) -> Row {
        self.example = Some(Example { trace, value });
        self
    }
}

/// Every attribute, by family in order; names of the schema that nothing answers last.
pub static ATTRIBUTES: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
    let mut out: Vec<Attribute> = Vec::new();
    let families = [signal::ROWS, workload::ROWS, file::ROWS, network::ROWS, kernel::ROWS];
    process::attributes(&mut out);
    for row in families.into_iter().flatten() {
        out.push(attribute(row));
    }
    let known: hashbrown::HashSet<String> =
        out.iter().flat_map(|a| std::iter::once(a.name.to_string()).chain(a.aliases.iter().cloned())).collect();
    out.extend(schema::names().into_iter().filter(|name| !known.contains(name)).map(unanswered));
    for (i, attribute) in out.iter_mut().enumerate() {
        attribute.id = AttributeId(i as u16);
        (attribute.recommended, attribute.combined) = guide::sets(&attribute.name);
    }
    out
});

fn attribute(row: &Row) -> Attribute {
    Attribute {
        id: AttributeId(0),
        name: Cow::Borrowed(row.name),
        aliases: row.aliases.iter().map(|&alias| alias.to_owned()).collect(),
        ty: row.ty,
        elements: row.elements,
        activities: row.activities,
        recommended: ActivitySet::NONE,
        combined: ActivitySet::NONE,
        doc: Cow::Borrowed(row.doc),
        source: row.source,
        needs: row.needs,
        lasts: row.lasts,
        example: row.example,
        get: row.get.clone(),
    }
}

/// A name of the schema that no trace has a value of.
fn unanswered(name: String) -> Attribute {
    Attribute {
        id: AttributeId(0),
        name: Cow::Owned(name),
        aliases: Vec::new(),
        ty: FieldType::Str,
        elements: Elements::Plain,
        activities: ActivitySet::ALL,
        recommended: ActivitySet::NONE,
        combined: ActivitySet::NONE,
        doc: Cow::Borrowed("Never answered: a name of the schema, known so that queries with it can say so."),
        source: "none",
        needs: Needs::NotInTrace(schema::WHY),
        lasts: Lasts::Yes,
        example: None,
        get: Getter::Never,
    }
}

/// The row of a handle. Handles come from [`ATTRIBUTES`], so that there is one.
pub fn get(id: AttributeId) -> &'static Attribute {
    &ATTRIBUTES[id.index()]
}

static BY_NAME: LazyLock<HashMap<&'static str, AttributeId>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for attribute in ATTRIBUTES.iter() {
        for alias in &attribute.aliases {
            names.insert(alias.as_str(), attribute.id);
        }
    }
    // A name of its own goes before another one's alias.
    names.extend(ATTRIBUTES.iter().map(|attribute| (attribute.name.as_ref(), attribute.id)));
    names
});

/// The attribute with a name or alias, as queries write it: `@process.args`, `host`.
pub fn lookup(name: &str) -> Option<&'static Attribute> {
    BY_NAME.get(name).map(|&id| get(id))
}

/// `did you mean …?` for a name that is none. Names that some trace answers are looked at first.
pub fn suggestion(name: &str) -> Option<String> {
    let known = |is_answered: bool| {
        let rows = ATTRIBUTES.iter().filter(move |attribute| attribute.missing().is_none() == is_answered);
        rows.map(|attribute| attribute.name.as_ref())
    };
    let suggest = tracehound_lang::diagnostic::suggestion;
    suggest(name, known(true)).or_else(|| suggest(name, known(false)))
}
