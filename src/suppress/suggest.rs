//! Suppressions proposed for signals: the combinations of attributes that the guide recommends for their kind of
//! activity, from narrow to wide, with what does not last generalised or left out.
//!
//! Specification: A.1, A-03, A-04, A-07, A-10. Whether a proposal is any good is told by replaying it: see
//! [`crate::apply`]. Nothing is proposed that constrains fewer than two independent things.

use std::collections::BTreeSet;

use bstr::ByteSlice;
use tracehound_fields::Value;
use tracehound_signals::RuleRef;

use crate::attributes::{self, Activity, Attribute, Collected, Elements, Lasts};
use crate::ephemeral::{self, Part};
use crate::lint::scope::{Family, Scope, Width};
use crate::lint::term;
use crate::query::{self, Mode, exact_term};

/// A signal that is to be no more.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its rule.
    pub rule: &'a RuleRef,
    /// What kind of activity its event is.
    pub activity: Option<Activity>,
    /// Everything a suppression can use of it.
    pub values: &'a Collected,
}

/// A suppression that would hide the signals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Which signals it hides.
    pub query: String,
    /// What it constrains, in words.
    pub what: String,
    /// Sum of the weights of the families it constrains; see [`Scope`].
    pub specificity: u32,
    /// The same in a word.
    pub width: Width,
    /// What was generalised, each with what it was.
    pub generalised: Vec<String>,
}

/// What is proposed for signals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposals {
    /// Selects the rules of the signals.
    pub rule_query: String,
    /// From narrow to wide.
    pub proposals: Vec<Proposal>,
    /// Attributes that were left out although they are recommended, with the reason.
    pub left_out: Vec<String>,
}

/// Distinct values of an attribute that become a list; of more it is left out.
const MAX_VALUES: usize = 5;
/// Ancestors named in one proposal.
const MAX_ANCESTORS: usize = 3;
/// Longest value proposed, in characters: of a longer one the beginning.
const MAX_VALUE: usize = 200;

const PATH: &str = "@process.executable.path";
const ARGS: &str = "@process.args";
const USER: &str = "@process.user";
const PARENT: &str = "@process.parent.comm";
const PARENT_PATH: &str = "@process.parent.executable.path";
const PARENT_ARGS: &str = "@process.parent.args";
const ANCESTORS: &str = "@process.ancestors.executable.path";
const FILE: &str = "@file.path";
const DNS: &str = "@dns.question.name";
const IP: &str = "@network.destination.ip";
const PORT: &str = "@network.destination.port";

/// Combinations for a kind of activity. The first has everything that is recommended; each gets what is there.
fn combinations(activity: Activity) -> &'static [&'static [&'static str]] {
    match activity {
        Activity::Process => &[
            &[ARGS, PATH, USER, PARENT_PATH, PARENT_ARGS, ANCESTORS],
            &[ARGS, USER, PARENT, PARENT_ARGS],
            &[ARGS, PATH, USER, PARENT_PATH],
            &[ARGS, PATH, PARENT_PATH, ANCESTORS],
            &[ARGS, PATH, PARENT],
            &[PATH, USER, PARENT_PATH],
            &[PATH, PARENT],
        ],
        Activity::File => &[
            &[ARGS, PATH, USER, FILE, PARENT_PATH, PARENT_ARGS],
            &[ARGS, PATH, USER, FILE],
            &[PATH, USER, FILE, PARENT],
            &[PATH, USER, FILE],
            &[PATH, FILE],
            &[FILE, USER],
        ],
        Activity::Network => &[
            &[ARGS, PATH, USER, DNS, IP, PORT, PARENT_PATH, PARENT_ARGS],
            &[PATH, DNS, IP, PORT, PARENT],
            &[PATH, USER, DNS, IP, PORT],
            &[PATH, DNS, IP, PORT],
            &[PATH, DNS],
            &[PATH, PORT, PARENT],
        ],
        Activity::Kernel => &[
            &[ARGS, PATH, USER, FILE, PARENT_PATH, PARENT_ARGS],
            &[ARGS, PATH, USER, FILE],
            &[PATH, USER, FILE, PARENT],
            &[ARGS, PATH, USER, PARENT],
            &[PATH, USER, PARENT],
            &[PATH, PARENT],
        ],
    }
}

/// Combinations that also get the tags of the workload: the first, with all that there is, and the guide's own.
const WITH_TAGS: usize = 2;

/// Proposals for signals, which share all values that are proposed. `is_pid` says whether a number is the id of a
/// process of the trace: one among the arguments is another one next time.
pub fn propose(targets: &[Target<'_>], is_pid: &dyn Fn(i64) -> bool) -> Proposals {
    let mut out = Proposals { rule_query: rule_query(targets), ..Proposals::default() };
    let activity = targets.iter().find_map(|target| target.activity).unwrap_or(Activity::Process);
    let maker = Maker { targets, is_pid };
    let tags: Vec<(&str, Made)> = tags(targets)
        .filter_map(|attribute| Some((attribute.name.as_ref(), maker.make(attribute, &mut out.left_out)?)))
        .chain(given_tags(targets))
        .collect();
    for (i, names) in combinations(activity).iter().enumerate() {
        let attributes = names.iter().filter_map(|name| attributes::lookup(name));
        let mut made: Vec<Made> = attributes.filter_map(|attribute| maker.make(attribute, &mut out.left_out)).collect();
        if i < WITH_TAGS {
            // A workload moves: only the narrowest is for one host.
            made.extend(tags.iter().filter(|(name, _)| i == 0 || *name != "host").map(|(_, made)| made.clone()));
        }
        out.proposals.extend(proposal(&made).filter(|new| out.proposals.iter().all(|old| old.query != new.query)));
    }
    out.left_out.sort();
    out.left_out.dedup();
    // Narrow first; of equals the one that says more.
    out.proposals.sort_by_key(|p| (std::cmp::Reverse(p.specificity), std::cmp::Reverse(p.query.len())));
    out
}

/// A suppression from attributes that somebody chose, `ATTR` or `ATTR=VALUE`, for *never trigger signals for this*.
/// The error says which of them cannot be used.
pub fn choose(targets: &[Target<'_>], chosen: &[String], is_pid: &dyn Fn(i64) -> bool) -> Result<Proposals, String> {
    let mut out = Proposals { rule_query: rule_query(targets), ..Proposals::default() };
    let maker = Maker { targets, is_pid };
    let mut made = Vec::new();
    for text in chosen {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text.as_str(), None),
        };
        let attribute = attributes::lookup(name).or_else(|| attributes::lookup(&format!("@{name}")));
        let Some(attribute) = attribute else {
            let help = attributes::suggestion(name).map_or_else(String::new, |help| format!("; {help}"));
            return Err(format!("no attribute `{name}`{help}"));
        };
        made.push(match value {
            Some(value) => Made { terms: vec![format!("{}:{}", attribute.name, literal(value))], generalised: None },
            None => maker.make_unchecked(attribute, &mut out.left_out).ok_or_else(|| match out.left_out.pop() {
                Some(why) => why,
                None => format!("`{}` has no value that all these signals have", attribute.name),
            })?,
        });
    }
    let query: Vec<&str> = made.iter().flat_map(|made| made.terms.iter().map(String::as_str)).collect();
    let (Some(parsed), _) = query::parse(&query.join(" "), Mode::Lenient) else {
        return Err("the values cannot be written as a query".to_owned());
    };
    let scope = Scope::of(&parsed);
    out.proposals.push(Proposal {
        query: query.join(" "),
        what: words(scope),
        specificity: scope.specificity(),
        width: scope.width(),
        generalised: made.into_iter().filter_map(|made| made.generalised).collect(),
    });
    Ok(out)
}

/// Selects exactly the rules of the signals.
fn rule_query(targets: &[Target<'_>]) -> String {
    let names: BTreeSet<&str> = targets.iter().map(|target| target.rule.name.as_str()).collect();
    let names: Vec<String> = names.into_iter().map(literal).collect();
    match names.as_slice() {
        [one] => format!("ruleId:{one}"),
        several => format!("ruleId:({})", several.join(" OR ")),
    }
}

/// Tags of the workload that all signals have.
fn tags<'a>(targets: &'a [Target<'_>]) -> impl Iterator<Item = &'static Attribute> + 'a {
    let first = targets.first().into_iter().flat_map(|target| target.values.attributes.keys());
    first
        .map(|id| attributes::get(*id))
        .filter(|attribute| attribute.is_tag() && Family::of_name(&attribute.name) == Some(Family::Workload))
}

/// Tags that were given for the analysis and have one value for all signals.
fn given_tags<'a>(targets: &'a [Target<'_>]) -> impl Iterator<Item = (&'a str, Made)> + 'a {
    let first = targets.first().into_iter().flat_map(|target| &target.values.tags);
    let shared =
        first.filter(|(key, values)| targets.iter().all(|target| target.values.tags.get(*key) == Some(*values)));
    shared.filter_map(|(key, values)| {
        let [value] = values.as_slice() else { return None };
        let term = format!("{key}:{}", literal(&text(value)?));
        // A key that the language does not read as a tag is left out.
        let (query, _) = query::parse(&term, Mode::Strict);
        query.map(|_| (key.as_str(), Made { terms: vec![term], generalised: None }))
    })
}

fn proposal(made: &[Made]) -> Option<Proposal> {
    let terms: Vec<&str> = made.iter().flat_map(|made| made.terms.iter().map(String::as_str)).collect();
    let text = terms.join(" ");
    let (query, _) = query::parse(&text, Mode::Lenient);
    let scope = Scope::of(&query?);
    (scope.n_independent() >= 2).then(|| Proposal {
        query: text,
        what: words(scope),
        specificity: scope.specificity(),
        width: scope.width(),
        generalised: made.iter().filter_map(|made| made.generalised.clone()).collect(),
    })
}

fn words(scope: Scope) -> String {
    scope.families().map(Family::name).collect::<Vec<_>>().join(", ")
}

/// Terms for one attribute.
#[derive(Clone, Debug)]
struct Made {
    terms: Vec<String>,
    generalised: Option<String>,
}

struct Maker<'a> {
    targets: &'a [Target<'a>],
    is_pid: &'a dyn Fn(i64) -> bool,
}

impl Maker<'_> {
    /// Terms that hold for all signals, of what lasts; `None` if there are none.
    fn make(&self, attribute: &'static Attribute, left_out: &mut Vec<String>) -> Option<Made> {
        if let Lasts::No(why) = attribute.lasts {
            if self.targets.iter().all(|target| target.values.attributes.contains_key(&attribute.id)) {
                left_out.push(format!("{}: {why}", attribute.name));
            }
            return None;
        }
        self.make_unchecked(attribute, left_out)
    }

    fn make_unchecked(&self, attribute: &'static Attribute, left_out: &mut Vec<String>) -> Option<Made> {
        let values: Option<Vec<&Value<'static>>> =
            self.targets.iter().map(|target| target.values.attributes.get(&attribute.id)).collect();
        let values = values?;
        let name = attribute.name.as_ref();
        if name.contains(".ancestors.") {
            return self.ancestors(attribute, &values);
        }
        let mut general: BTreeSet<String> = BTreeSet::new();
        let mut generalised = None;
        for value in values {
            let words = match value {
                Value::List(items) if attribute.elements == Elements::Words => items.iter().map(text).collect(),
                // Any of several would do; the first is as good as another.
                Value::List(items) => {
                    items.iter().find(|item| !matches!(item, Value::Null)).map(|item| vec![text(item)])?
                }
                value => vec![text(value)],
            };
            let Some(words) = words.into_iter().collect::<Option<Vec<String>>>() else {
                left_out.push(format!("{name}: its bytes are no text"));
                return None;
            };
            let (written, was_changed) = self.written(attribute, &words);
            if was_changed && generalised.is_none() {
                generalised = Some(format!("{name}: {} for {}", written, shown(&words.join(" "))));
            }
            general.insert(written);
        }
        if general.len() > MAX_VALUES {
            left_out.push(format!("{name}: {} different values", general.len()));
            return None;
        }
        // Nothing is left of it but a wildcard.
        if general.iter().any(|written| written.chars().all(|c| c == '*')) {
            left_out.push(format!("{name}: nothing of its value lasts"));
            return None;
        }
        let terms: Vec<String> = general.into_iter().collect();
        let term = match terms.as_slice() {
            [] => return None,
            [one] => format!("{name}:{one}"),
            several => format!("{name}:({})", several.join(" OR ")),
        };
        Some(Made { terms: vec![term], generalised })
    }

    /// One term for each ancestor that all signals have; the first process of the machine is everybody's.
    fn ancestors(&self, attribute: &'static Attribute, values: &[&Value<'static>]) -> Option<Made> {
        let lists: Vec<Vec<String>> = values
            .iter()
            .map(|value| match value {
                Value::List(items) => items.iter().take(items.len().saturating_sub(1)).filter_map(text).collect(),
                _ => Vec::new(),
            })
            .collect();
        let (first, others) = lists.split_first()?;
        let mut common: Vec<&String> = Vec::new();
        // The parent has its own attributes.
        for path in first.iter().skip(1).filter(|path| others.iter().all(|list| list.contains(path))) {
            if !common.contains(&path) {
                common.push(path);
            }
        }
        common.truncate(MAX_ANCESTORS);
        let terms: Vec<String> = common
            .into_iter()
            .map(|path| format!("{}:{}", attribute.name, self.written(attribute, std::slice::from_ref(path)).0))
            .collect();
        (!terms.is_empty()).then_some(Made { terms, generalised: None })
    }

    /// A value as a query has it, and whether something of it was replaced by a wildcard.
    fn written(&self, attribute: &Attribute, words: &[String]) -> (String, bool) {
        let mut parts: Vec<Part> = Vec::new();
        let mut was_changed = false;
        let push = |parts: &mut Vec<Part>, new: Part| match (parts.last_mut(), new) {
            (Some(Part::Text(last)), Part::Text(text)) => last.push_str(&text),
            (Some(Part::Any), Part::Any) => {}
            (_, new) => parts.push(new),
        };
        let mut n_chars = 0usize;
        for (i, word) in words.iter().enumerate() {
            if i > 0 {
                push(&mut parts, Part::Text(" ".to_owned()));
            }
            n_chars += word.chars().count() + 1;
            if attribute.elements == Elements::Words && word.parse().is_ok_and(|number| (self.is_pid)(number)) {
                was_changed = true;
                push(&mut parts, Part::Any);
            } else if let Some(general) = ephemeral::generalise(word) {
                was_changed = true;
                general.into_iter().for_each(|part| push(&mut parts, part));
            } else {
                push(&mut parts, Part::Text(word.clone()));
            }
            if n_chars > MAX_VALUE {
                was_changed = true;
                shorten(&mut parts);
                break;
            }
        }
        match parts.as_slice() {
            [Part::Text(text)] => (literal(text), was_changed),
            parts => (term(parts), was_changed),
        }
    }
}

/// Cuts a value to the bound, with a wildcard for the rest.
fn shorten(parts: &mut Vec<Part>) {
    let mut left = MAX_VALUE;
    let mut kept: Vec<Part> = Vec::new();
    for part in parts.drain(..) {
        match part {
            Part::Any => kept.push(Part::Any),
            Part::Text(text) => {
                let end = text.char_indices().nth(left).map_or(text.len(), |(i, _)| i);
                left = left.saturating_sub(text.chars().count());
                kept.push(Part::Text(text[..end].to_owned()));
            }
        }
        if left == 0 {
            break;
        }
    }
    if kept.last() != Some(&Part::Any) {
        kept.push(Part::Any);
    }
    *parts = kept;
}

/// A text as a query has it: in quotes if it has a blank, else as a term with what has a meaning escaped.
fn literal(text: &str) -> String {
    if text.contains(char::is_whitespace) || text.is_empty() {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    exact_term(text)
}

/// A value as text; `None` if its bytes are none.
fn text(value: &Value<'_>) -> Option<String> {
    if matches!(value, Value::Null) {
        return None;
    }
    attributes::value_text(value).to_str().ok().map(str::to_owned)
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
