//! What was written on two sides: rules, macros, lists, suppressions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use tracehound_lang::{Definition, Loaded};
use tracehound_rules::{Expr, Origin, Policy, Rule, RuleSet};
use tracehound_suppress::files::{Suppression, write};

use crate::text;

/// What one side has.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Its rule files.
    pub loaded: &'a Loaded,
    /// Its rules, enabled and disabled as they were asked.
    pub rules: &'a RuleSet,
    /// Its suppressions, filters of rules included.
    pub suppressions: &'a [Suppression],
}

/// What became of something that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It is on the head side only.
    Added,
    /// It is on the base side only.
    Removed,
    /// It is on both sides.
    Kept,
}

impl Status {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Status::Added => "added",
            Status::Removed => "removed",
            Status::Kept => "kept",
        }
    }
}

/// What of a rule differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// It has another name, and its condition is the same.
    Renamed,
    /// It was not asked, and is now.
    Enabled,
    /// It was asked, and is not any more.
    Disabled,
    /// What it asks is another question, by its own text or by that of a macro or list.
    Condition,
    /// Its output template.
    Output,
    /// Its priority.
    Priority,
    /// Its tags.
    Tags,
    /// The source of events that it is for.
    Source,
    /// The filters that stand at it.
    Filters,
    /// Only words that change nothing that it finds or says: description, layout.
    Wording,
}

impl Aspect {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Aspect::Renamed => "renamed",
            Aspect::Enabled => "enabled",
            Aspect::Disabled => "disabled",
            Aspect::Condition => "condition",
            Aspect::Output => "output",
            Aspect::Priority => "priority",
            Aspect::Tags => "tags",
            Aspect::Source => "source",
            Aspect::Filters => "filters",
            Aspect::Wording => "wording",
        }
    }
}

/// A rule on both sides.
#[derive(Clone, Debug)]
pub struct RuleDelta {
    /// Its name; that of the head side if there are two.
    pub name: String,
    /// Its name on the base side, if that is another.
    pub was: Option<String>,
    /// On which sides it is.
    pub status: Status,
    /// True if it is asked on the base side, on the head side.
    pub is_active: (bool, bool),
    /// What differs; empty for a rule that is on one side only.
    pub aspects: Vec<Aspect>,
    /// The macros and lists that changed and brought the change of its condition: positions in
    /// [`Definitions::definitions`].
    pub because: Vec<usize>,
    /// What differs in its text, as [`text::difference`] has it.
    pub diff: String,
    /// Where it is defined: on the head side, if it is there.
    pub origin: Origin,
}

impl RuleDelta {
    /// True if nothing that was written for it differs.
    pub fn is_same(&self) -> bool {
        self.status == Status::Kept && self.aspects.is_empty()
    }
}

/// A macro or list that differs.
#[derive(Clone, Debug)]
pub struct DefinitionDelta {
    /// `macro` or `list`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// On which sides it is.
    pub status: Status,
    /// What differs, as [`text::difference`] has it.
    pub diff: String,
    /// Where it is defined: on the head side, if it is there.
    pub origin: Origin,
    /// Rules whose conditions it changed.
    pub rules: Vec<String>,
}

/// A suppression that differs.
#[derive(Clone, Debug)]
pub struct SuppressionDelta {
    /// Its name.
    pub name: String,
    /// On which sides it is.
    pub status: Status,
    /// What differs, as [`text::difference`] has it.
    pub diff: String,
    /// File it is in: on the head side, if it is there.
    pub path: String,
    /// Line of its name, from 1.
    pub line: u32,
}

/// Which rules of two sides belong together.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// For each rule of the base side, by position, its [`RuleDelta`].
    pub of_base: Vec<usize>,
    /// The same for the head side.
    pub of_head: Vec<usize>,
}

/// What was written on two sides, compared.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Every rule: those of the head side in order, then those that only the base side has.
    pub rules: Vec<RuleDelta>,
    /// Macros, then lists, that differ, by name.
    pub definitions: Vec<DefinitionDelta>,
    /// Suppressions that differ, by name; filters of rules are part of their rules.
    pub suppressions: Vec<SuppressionDelta>,
    /// True if rules that both sides ask are asked in another order, and the order counts.
    pub is_reordered: bool,
    /// Which rules belong together.
    pub pairs: Pairs,
}

impl Definitions {
    /// Compares two sides. The order of rules counts where only the first that matches fires.
    pub fn new(base: &Side<'_>, head: &Side<'_>, policy: Policy) -> Definitions {
        let mut out = Definitions {
            definitions: [
                ("macro", &base.loaded.macros, &head.loaded.macros),
                ("list", &base.loaded.lists, &head.loaded.lists),
            ]
            .into_iter()
            .flat_map(|(kind, base, head)| definitions(kind, base, head))
            .collect(),
            suppressions: suppressions(base.suppressions, head.suppressions),
            ..Definitions::default()
        };
        let (mut base_side, mut head_side) = (Rules::new(base), Rules::new(head));
        let partners = partners(&mut base_side, &mut head_side);
        out.pairs.of_base = vec![usize::MAX; base_side.rules.len()];
        for (i, partner) in partners.iter().enumerate() {
            out.pairs.of_head.push(out.rules.len());
            if let Some(partner) = *partner {
                out.pairs.of_base[partner] = out.rules.len();
            }
            let delta = out.rule(&base_side, *partner, &head_side, Some(i));
            out.rules.push(delta);
        }
        for i in 0..base_side.rules.len() {
            if out.pairs.of_base[i] == usize::MAX {
                out.pairs.of_base[i] = out.rules.len();
                let delta = out.rule(&base_side, Some(i), &head_side, None);
                out.rules.push(delta);
            }
        }
        for delta in &out.rules {
            for &i in &delta.because {
                out.definitions[i].rules.push(delta.name.clone());
            }
        }
        let order_of = |side: &Rules<'_>, pairs: &[usize]| -> Vec<usize> {
            let asked = |&&pair: &&usize| out.rules[pair].is_active == (true, true);
            debug_assert_eq!(side.rules.len(), pairs.len());
            pairs.iter().filter(asked).copied().collect()
        };
        out.is_reordered = policy == Policy::First
            && order_of(&base_side, &out.pairs.of_base) != order_of(&head_side, &out.pairs.of_head);
        out
    }

    fn rule(&self, base: &Rules<'_>, i: Option<usize>, head: &Rules<'_>, j: Option<usize>) -> RuleDelta {
        let (old, new) = (i.map(|i| base.rules[i]), j.map(|j| head.rules[j]));
        let is_active = (i.is_some_and(|i| base.is_active[i]), j.is_some_and(|j| head.is_active[j]));
        let texts = [(base, i), (head, j)].map(|(side, at)| at.map_or_else(String::new, |at| side.text(at)));
        let mut delta = RuleDelta {
            name: new.or(old).map_or_else(String::new, |rule| rule.name.clone()),
            was: None,
            status: match (old, new) {
                (None, _) => Status::Added,
                (_, None) => Status::Removed,
                _ => Status::Kept,
            },
            is_active,
            aspects: Vec::new(),
            because: Vec::new(),
            diff: text::difference(&texts[0], &texts[1]),
            origin: new.or(old).map(|rule| rule.origin.clone()).unwrap_or_default(),
        };
        let (Some(old), Some(new), Some(i), Some(j)) = (old, new, i, j) else { return delta };
        let mut differs = |aspect: Aspect, is_so: bool| {
            if is_so {
                delta.aspects.push(aspect);
            }
        };
        differs(Aspect::Renamed, old.name != new.name);
        differs(Aspect::Enabled, is_active == (false, true));
        differs(Aspect::Disabled, is_active == (true, false));
        let is_other = base.conditions[i] != head.conditions[j];
        differs(Aspect::Condition, is_other);
        differs(Aspect::Output, old.output != new.output);
        differs(Aspect::Priority, old.priority != new.priority);
        differs(Aspect::Tags, old.tags != new.tags);
        differs(Aspect::Source, old.source != new.source);
        differs(Aspect::Filters, base.filters(i) != head.filters(j));
        if delta.aspects.is_empty() && !delta.diff.is_empty() {
            delta.aspects.push(Aspect::Wording);
        }
        if old.name != new.name {
            delta.was = Some(old.name.clone());
        }
        if is_other {
            let used: BTreeSet<(&str, &str)> = [(base, old), (head, new)]
                .into_iter()
                .flat_map(|(side, rule)| side.loaded.definitions_in(&rule.condition))
                .collect();
            let found = self.definitions.iter().enumerate();
            delta.because =
                found.filter(|(_, d)| used.contains(&(d.kind, d.name.as_str()))).map(|(at, _)| at).collect();
        }
        delta
    }
}

/// The rules of a side, with what is asked about each more than once.
struct Rules<'a> {
    loaded: &'a Loaded,
    rules: Vec<&'a Rule>,
    is_active: Vec<bool>,
    conditions: Vec<Expr>,
    filters: HashMap<&'a str, Vec<String>>,
}

impl<'a> Rules<'a> {
    fn new(side: &Side<'a>) -> Rules<'a> {
        let rules: Vec<&Rule> = side.rules.rules().iter().map(|planned| planned.rule()).collect();
        let mut filters: HashMap<&str, Vec<String>> = HashMap::new();
        for filter in &side.loaded.filters {
            let text = format!("{} {}", filter.action.name(), filter.query.as_str());
            filters.entry(&filter.rule).or_default().push(text);
        }
        Rules {
            loaded: side.loaded,
            is_active: side.rules.rules().iter().map(|planned| planned.is_active()).collect(),
            conditions: rules.iter().map(|rule| rule.condition.without_places()).collect(),
            rules,
            filters,
        }
    }

    fn filters(&self, at: usize) -> &[String] {
        self.filters.get(self.rules[at].name.as_str()).map_or(&[], Vec::as_slice)
    }

    fn text(&self, at: usize) -> String {
        text::rule(self.rules[at], self.filters(at))
    }
}

/// For each rule of the head side the one of the base side that it is: the one with its name; else one with its
/// condition whose own name the head side does not have, of several first one with its output, then the first.
fn partners(base: &mut Rules<'_>, head: &mut Rules<'_>) -> Vec<Option<usize>> {
    let by_name: HashMap<&str, usize> =
        base.rules.iter().enumerate().map(|(i, rule)| (rule.name.as_str(), i)).collect();
    let names: HashSet<&str> = head.rules.iter().map(|rule| rule.name.as_str()).collect();
    let mut partners: Vec<Option<usize>> =
        head.rules.iter().map(|rule| by_name.get(rule.name.as_str()).copied()).collect();
    let mut free: HashMap<(&Expr, &str), VecDeque<usize>> = HashMap::new();
    for (i, rule) in base.rules.iter().enumerate() {
        if !names.contains(rule.name.as_str()) {
            free.entry((&base.conditions[i], &rule.source)).or_default().push_back(i);
        }
    }
    for is_alike in [true, false] {
        for (j, partner) in partners.iter_mut().enumerate().filter(|(_, partner)| partner.is_none()) {
            let rule = head.rules[j];
            let Some(left) = free.get_mut(&(&head.conditions[j], rule.source.as_str())) else { continue };
            let fits = |&i: &usize| !is_alike || base.rules[i].output == rule.output;
            *partner = left.iter().position(fits).and_then(|at| left.remove(at));
        }
    }
    partners
}

fn definitions(kind: &'static str, base: &[Definition], head: &[Definition]) -> Vec<DefinitionDelta> {
    let lines = |definition: &Definition| match kind {
        "list" => format!("list: {}\n  {}\n", definition.name, definition.text.replace(", ", "\n  ")),
        _ => format!("macro: {}\n{}\n", definition.name, text::condition(&definition.text)),
    };
    let changed = by_name(base, head, |definition| &definition.name).into_iter().filter_map(|(name, (old, new))| {
        let diff = text::difference(&old.map_or_else(String::new, lines), &new.map_or_else(String::new, lines));
        let of = new.or(old).filter(|_| !diff.is_empty())?;
        let origin = of.origin.clone();
        Some(DefinitionDelta { kind, name: name.to_owned(), status: status(old, new), diff, origin, rules: Vec::new() })
    });
    changed.collect()
}

fn suppressions(base: &[Suppression], head: &[Suppression]) -> Vec<SuppressionDelta> {
    let lines = |suppression: &Suppression| write::item(&suppression.entry);
    let standalone = |all: &'_ [Suppression]| -> Vec<Suppression> {
        all.iter().filter(|suppression| !suppression.is_filter()).cloned().collect()
    };
    let (base, head) = (standalone(base), standalone(head));
    let changed = by_name(&base, &head, |suppression| &suppression.entry.name).into_iter();
    let changed = changed.filter_map(|(name, (old, new))| {
        let diff = text::difference(&old.map_or_else(String::new, lines), &new.map_or_else(String::new, lines));
        let of = new.or(old).filter(|_| !diff.is_empty())?;
        let (path, line) = (of.path.clone(), of.line);
        Some(SuppressionDelta { name: name.to_owned(), status: status(old, new), diff, path, line })
    });
    changed.collect()
}

/// What has a name on one side or on both.
type ByName<'t, T> = BTreeMap<&'t str, (Option<&'t T>, Option<&'t T>)>;

fn by_name<'t, T>(base: &'t [T], head: &'t [T], name: impl Fn(&T) -> &String) -> ByName<'t, T>
where
    T: 't,
{
    let mut out: ByName<'t, T> = BTreeMap::new();
    for item in base {
        out.entry(name(item)).or_default().0 = Some(item);
    }
    for item in head {
        out.entry(name(item)).or_default().1 = Some(item);
    }
    out
}

fn status<T>(base: Option<&T>, head: Option<&T>) -> Status {
    match (base, head) {
        (None, _) => Status::Added,
        (_, None) => Status::Removed,
        _ => Status::Kept,
    }
}
