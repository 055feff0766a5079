//! What is dangerous about a suppression that loads: too broad, built on something that will not be met again, about
//! something else than its author thinks.
//!
//! Specification: A.0 (traps), A-05 to. Everything here is told from the suppression, the rules it
//! is for and the clock; what only a trace tells (dead, shadowed, surface) is added by who has replayed one.

mod never;
pub mod scope;

use tracehound_formats::Nanos;
use tracehound_lang::{Code, Diagnostic, FilterAction, Severity, Span};
use tracehound_signals::RuleRef;

use crate::attributes::{self, Activity, ActivitySet, Attribute, Lasts};
use crate::ephemeral;
use crate::files::{Kind, Period, Placed, Suppression, date};
use crate::query::{Clause, Key, Piece, Test, exact_term};
use scope::{Family, Scope};

/// A rule that suppressions can be for.
#[derive(Clone, Debug)]
pub struct LintRule {
    /// The rule.
    pub rule: std::sync::Arc<RuleRef>,
    /// Kinds of activity of the events it can match.
    pub activities: ActivitySet,
}

/// What suppressions are judged by besides themselves.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The rules that are in use; `None` if they are not known.
    pub rules: Option<&'a [LintRule]>,
    /// The moment that dates are compared with.
    pub now: Nanos,
}

/// A suppression on an ephemeral value that ends within this time is only remarked on: seven days.
const SHORT_NS: u64 = 7 * 24 * 3600 * 1_000_000_000;

/// Everything there is to say about a suppression.
pub fn lint(suppression: &Suppression, context: &Context<'_>) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    let mut checks = Checks { suppression, context, out: &mut out };
    checks.dates();
    let activities = checks.rules();
    for query in [&suppression.signals, &suppression.exclusion].into_iter().flatten() {
        checks.query(query, activities);
    }
    out
}

struct Checks<'a> {
    suppression: &'a Suppression,
    context: &'a Context<'a>,
    out: &'a mut Vec<Diagnostic>,
}

impl Checks<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.out.push(diagnostic);
    }

    fn dates(&mut self) {
        let entry = &self.suppression.entry;
        let now = date::format(self.context.now);
        match entry.period(self.context.now) {
            Period::Expired => self.report(
                Diagnostic::new(Code::SupExpired, self.suppression.expiration, format!("expired; the clock is {now}"))
                    .help("remove it, or say until when it is still needed".to_owned()),
            ),
            Period::NotStarted => self.report(Diagnostic::new(
                Code::SupNotStarted,
                self.suppression.start,
                format!("not started yet; the clock is {now}"),
            )),
            Period::InForce => {}
        }
    }

    /// Checks which rules it is for, and gives the kinds of activity that these are about.
    fn rules(&mut self) -> ActivitySet {
        let Some(rules) = self.context.rules else { return ActivitySet::ALL };
        let query = &self.suppression.rules;
        let selected: Vec<&LintRule> = rules.iter().filter(|rule| self.suppression.is_for(&rule.rule)).collect();
        if selected.is_empty() {
            self.report(
                Diagnostic::new(Code::SupNoRule, query.whole(), format!("selects none of the {} rules", rules.len()))
                    .help(
                        "`rules list` prints the names; a name with blanks stands in quotes: rule:\"Name\"".to_owned(),
                    ),
            );
            return ActivitySet::ALL;
        }
        if selected.len() == rules.len() && rules.len() > 1 {
            let message = format!("selects all {} rules, those of tomorrow included", rules.len());
            self.report(
                Diagnostic::new(Code::SupAllRules, query.whole(), message)
                    .help("name the rules whose signals are noise".to_owned()),
            );
        }
        selected.iter().fold(ActivitySet::NONE, |set, rule| set.and(rule.activities))
    }

    fn query(&mut self, placed: &Placed, activities: ActivitySet) {
        // What a rule requires is not hidden: only its contradictions matter.
        let is_require = matches!(&self.suppression.kind, Kind::Filter { action: FilterAction::Require, .. });
        if let Some(never) = never::never(&placed.query) {
            let mut diagnostic = Diagnostic::new(
                Code::SupNever,
                placed.span(never.span),
                format!("nothing can match the query: {}", never.why),
            );
            if let Some(other) = never.other {
                diagnostic = diagnostic.also(placed.span(other), "and this");
            }
            self.report(diagnostic);
        }
        if !is_require {
            self.width(placed, activities);
        }
        for clause in placed.query.clauses() {
            self.clause(placed, clause, activities);
        }
    }

    /// How much of everything the query takes.
    fn width(&mut self, placed: &Placed, activities: ActivitySet) {
        let scope = Scope::of(&placed.query);
        let positive: Vec<&Clause> = placed.query.clauses().iter().filter(|clause| is_wanted(clause)).collect();
        let whole = placed.whole();
        let entry = &self.suppression.entry;
        if placed.query.is_all() || (!positive.is_empty() && positive.iter().all(|clause| scope::covers_all(clause))) {
            self.report(
                Diagnostic::new(Code::SupAll, whole, "every signal of its rules matches")
                    .help("say what is benign about it; to switch a rule off, switch it off".to_owned()),
            );
            return;
        }
        if positive.is_empty() {
            self.report(
                Diagnostic::new(Code::SupAll, whole, "everything matches but what is excluded")
                    .help("say what is benign; what is not named here may be an attack".to_owned()),
            );
            return;
        }
        let is_place = |clause: &&Clause| {
            Family::of(&clause.key) == Some(Family::Workload)
                || matches!(&clause.key, Key::Attribute(id) if attributes::get(*id).name == "@usr.id")
        };
        let is_only_place = positive.iter().all(is_place);
        if is_only_place {
            self.report(
                Diagnostic::new(Code::SupTagOnly, whole, "hides every signal of its rules there, an attack included")
                    .label("only where it runs")
                    .help("add what runs: '@process.executable.path:… @process.parent.comm:…'".to_owned()),
            );
        } else if scope.n_independent() < 2 {
            let families: Vec<&str> = scope.families().map(Family::name).collect();
            let what = if families.is_empty() { "nothing".to_owned() } else { families.join(" and ") };
            let mut diagnostic =
                Diagnostic::new(Code::SupBroad, whole, format!("too broad: it constrains {what} only")).help(
                    "the fewer things a suppression constrains, the more it hides: parent and process usually \
                       suffice; `suppress suggest` proposes combinations"
                        .to_owned(),
                );
            if scope.n_independent() == 0 {
                diagnostic.severity = Severity::Error;
            }
            self.report(diagnostic);
        }
        let is_process =
            Activity::ALL.iter().all(|activity| activities.has(*activity) == (*activity == Activity::Process));
        if is_process && !is_only_place && !scope.has(Family::Parent) && !scope.has(Family::Ancestor) {
            self.report(
                Diagnostic::new(Code::SupNoParent, whole, "says nothing of a parent or an ancestor").help(
                    "the same program under another parent is another story: add @process.parent.comm".to_owned(),
                ),
            );
        }
        if entry.expiration.is_none() && (scope.has(Family::User) || scope.has(Family::Workload)) {
            let message = "for a user or a workload, and without an end";
            self.report(
                Diagnostic::new(Code::SupNoExpiry, self.suppression.name, message)
                    .help("people and workloads change: give it an expiration_date".to_owned()),
            );
        }
        self.file_owner(placed, &positive);
    }

    /// T6: the owner of the executable taken for the user that runs it.
    fn file_owner(&mut self, placed: &Placed, positive: &[&Clause]) {
        let name_of = |clause: &Clause| match &clause.key {
            Key::Attribute(id) => Some(attributes::get(*id).name.as_ref()),
            _ => None,
        };
        let names_user = positive.iter().filter_map(|clause| name_of(clause)).any(|name| {
            matches!(name, "@process.user" | "@process.uid" | "@process.group" | "@process.gid")
                || name.starts_with("@process.credentials.")
        });
        if names_user {
            return;
        }
        for clause in positive {
            let Some((owner, part)) = name_of(clause).and_then(|name| name.rsplit_once(".executable.")) else {
                continue;
            };
            if !matches!(part, "user" | "uid" | "group" | "gid") {
                continue;
            }
            let instead = format!("{owner}.{part}");
            let written = written(placed, clause);
            let value = written.split_once(':').map_or("", |(_, value)| value);
            let help = if attributes::lookup(&instead).is_some() {
                format!("the user that runs it is `{instead}:{value}`")
            } else {
                "name the user that runs it: @process.user".to_owned()
            };
            self.report(
                Diagnostic::new(
                    Code::SupFileOwner,
                    placed.span(clause.span),
                    "this is the owner of the executable file, not the user that runs it",
                )
                .label("nearly every program of the system is root's, whoever runs it")
                .help(help),
            );
        }
    }

    fn clause(&mut self, placed: &Placed, clause: &Clause, activities: ActivitySet) {
        let span = placed.span(clause.span);
        if let Key::Attribute(id) = &clause.key {
            let attribute = attributes::get(*id);
            self.not_of_activity(span, clause, attribute, activities);
            if let Lasts::No(why) = attribute.lasts
                && !clause.is_negated
            {
                self.report(
                    Diagnostic::new(
                        Code::SupEphemeralScope,
                        span,
                        format!("`{}` is gone with what it names: {why}", attribute.name),
                    )
                    .help(format!("use {}", lasting(&attribute.name))),
                );
                return;
            }
        }
        self.ephemeral(placed, clause);
    }

    fn not_of_activity(&mut self, span: Span, clause: &Clause, attribute: &Attribute, activities: ActivitySet) {
        let has = Activity::ALL.iter().any(|a| activities.has(*a) && attribute.activities.has(*a));
        // Nothing but the kinds of the rules is known: what they are about may not be told.
        if has
            || activities == ActivitySet::NONE
            || attribute.missing().is_some()
            || attribute.activities == ActivitySet::NONE
        {
            return;
        }
        let effect = if clause.is_negated { "the exclusion excludes nothing" } else { "it will not match" };
        let message = format!(
            "signals of its rules ({activities}) have no `{}`, which {} signals have: {effect}",
            attribute.name, attribute.activities
        );
        self.report(Diagnostic::new(Code::SupNotOfActivity, span, message));
    }

    /// a value that is different next time.
    fn ephemeral(&mut self, placed: &Placed, clause: &Clause) {
        let value = match &clause.test {
            Test::Phrase(text) => text.clone(),
            Test::Term(pattern) => pattern
                .pieces()
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.as_str(),
                    _ => "*",
                })
                .collect(),
            _ => return,
        };
        let found = ephemeral::find(&value);
        let Some(first) = found.first() else { return };
        let field = written(placed, clause).split_once(':').map_or("", |(field, _)| field);
        let general = ephemeral::generalise(&value).map(|parts| term(&parts));
        let help = match general {
            Some(general) if field.is_empty() => format!("write {general}"),
            Some(general) => format!("write {field}:{general}"),
            None => "anybody can make a file there: name its folder or program otherwise, or who runs it".to_owned(),
        };
        let entry = &self.suppression.entry;
        let from = entry.start.unwrap_or(self.context.now);
        let is_short = entry.expiration.is_some_and(|end| end.0.saturating_sub(from.0) <= SHORT_NS);
        let mut diagnostic = Diagnostic::new(
            Code::SupEphemeral,
            placed.span(clause.span),
            format!("the value has {}, which is another one next time", first.class.describe()),
        )
        .help(help);
        if is_short || first.class == ephemeral::Class::TemporaryFolder {
            diagnostic.severity = Severity::Lint;
        }
        self.report(diagnostic);
    }
}

/// Part of what must hold, so that it narrows.
fn is_wanted(clause: &Clause) -> bool {
    !clause.is_negated && !matches!(clause.test, Test::Same(_))
}

/// A clause as it was written.
fn written<'a>(placed: &'a Placed, clause: &Clause) -> &'a str {
    placed.query.text().get(clause.span.range()).unwrap_or("")
}

/// The value of a query that matches a generalised value.
pub fn term(parts: &[ephemeral::Part]) -> String {
    parts
        .iter()
        .map(|part| match part {
            ephemeral::Part::Text(text) => {
                // Wildcards that were written are kept.
                let pieces: Vec<String> = text
                    .split('*')
                    .map(|text| if text.is_empty() { String::new() } else { exact_term(text) })
                    .collect();
                pieces.join("*")
            }
            ephemeral::Part::Any => "*".to_owned(),
        })
        .collect()
}

/// What to name instead of something that is gone with its instance.
fn lasting(name: &str) -> &'static str {
    if name.contains("container") || name.contains("cgroup") || name.contains("pod") {
        "the image or the name of the container, or a kube_* tag"
    } else if name == "host" {
        "env, service, or what the host runs"
    } else if name.starts_with("@file") {
        "@file.path"
    } else if name.starts_with("@network") {
        "CIDR(…) of the network, or the destination"
    } else {
        "@process.executable.path and @process.parent.comm"
    }
}
