//! Attributes of the rule, of the event as such, and of the machine.

use std::sync::LazyLock;

use hashbrown::HashMap;
use tracehound_fields::{FieldRef, FieldType, Value, View, examples};
use tracehound_signals::{Priority, RuleRef};

use super::activity::{Activity, event_of};
use super::catalogue::{Getter, Row};
use super::process::ProcessAt;
use super::view::SignalView;
use super::{ActivitySet, Elements, Lasts};

const ALL: ActivitySet = ActivitySet::ALL;
const RULE: &str = "the rule";
const HEADER: &str = "machine information of the trace";

pub(super) static ROWS: &[Row] = &[
    Row::new(
        "@falco.rule",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|rule| Value::str(&rule.name)),
        "Name of the rule.",
    ),
    Row::new(
        "@agent.rule_id",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|rule| Value::str(&rule.name)),
        "Id of the agent's rule; here rules are known by their name.",
    ),
    Row::new(
        "@workflow.rule.name",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|rule| Value::str(&rule.name)),
        "Name of the detection rule: the same here.",
    )
    .aliases(&["@workflow.rule.id"]),
    Row::new(
        "ruleId",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|rule| Value::str(&rule.name)),
        "The same, as the search for rules spells it.",
    )
    .aliases(&["rule_id", "rule"]),
    Row::new(
        "@rule.priority",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|rule| Value::str(rule.priority.name())),
        "Priority of the rule: `Emergency`, `Alert`, `Critical`, `Error`, `Warning`, `Notice`, `Informational`, `Debug`.",
    )
    .aliases(&["priority"]),
    Row::new(
        "status",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|rule| Value::str(severity(rule.priority))),
        "Severity of the signal: `critical` for the priorities Emergency to Critical, `high` for Error, `medium` for \
         Warning, `low` for Notice, `info` for the others.",
    ),
    Row::new(
        "severity",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|rule| Value::str(severity(rule.priority))),
        "The same as `status`, as the search for rules spells it.",
    ),
    Row::new(
        "source",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|rule| Value::str(&rule.source)),
        "Source of events that the rule is for: `syscall`.",
    ),
    Row::new(
        "type",
        FieldType::Str,
        ALL,
        RULE,
        Getter::Rule(|_| Value::str("workload_security")),
        "Type of the rule: always `workload_security`.",
    ),
    Row::new(
        "technique",
        FieldType::Str,
        ALL,
        "tags of the rule",
        Getter::Rule(|rule| tagged(rule, technique)),
        "Technique of ATT&CK: the rule's tags of the form `T1059` or `T1059.004`, and those that begin with \
         `technique:`.",
    ),
    Row::new(
        "tactic",
        FieldType::Str,
        ALL,
        "tags of the rule",
        Getter::Rule(|rule| tagged(rule, tactic)),
        "Tactic of ATT&CK: what follows `mitre_` or `tactic:` in the rule's tags.",
    ),
    Row::new(
        "@evt.name",
        FieldType::Str,
        ALL,
        "kind of the event",
        Getter::Event(|view| match event_of(view) {
            Some((name, _)) => Value::str(name),
            None => field("evt.type", view),
        }),
        "Kind of event as the agent names it: `exec` for execve and execveat, `open` for open, openat, creat, `signal` \
         for kill and its kin. A system call that the agent has no kind for keeps its own name.",
    )
    .example(examples::OPEN, "open"),
    Row::new(
        "@evt.category",
        FieldType::Str,
        ALL,
        "kind of the event",
        Getter::Event(|view| match event_of(view) {
            Some((_, Activity::Process)) => Value::str("Process Activity"),
            Some((_, Activity::File)) => Value::str("File Activity"),
            Some((_, Activity::Network)) => Value::str("Network Activity"),
            Some((_, Activity::Kernel)) => Value::str("Kernel Activity"),
            None => Value::Null,
        }),
        "Kind of activity: `Process Activity`, `File Activity`, `Network Activity`, `Kernel Activity`. Absent for what \
         is none of them.",
    )
    .example(examples::CONNECT, "Network Activity"),
    Row::new(
        "@evt.outcome",
        FieldType::Str,
        ALL,
        "return value: first argument of the event",
        Getter::Event(|view| match view.event.ret() {
            None => Value::Null,
            // EPERM, EACCES
            Some(-1 | -13) => Value::str("Refused"),
            Some(ret) if ret < 0 => Value::str("Error"),
            Some(_) => Value::str("Success"),
        }),
        "`Success`, `Refused` if permission was missing, `Error` for any other failure. Absent for events without a \
         return value.",
    )
    .example(examples::OPEN_FAILED, "Error"),
    Row::new(
        "@date",
        FieldType::Str,
        ALL,
        "head of the event",
        Getter::Event(|view| super::process::time(Some(view.event.head.ts.0))),
        "Time of the event in UTC, RFC 3339 with nanoseconds.",
    )
    .lasts(Lasts::No("a time is met once"))
    .example(examples::GETCWD, "2025-01-01T00:00:00.000001000Z"),
    Row::new(
        "timestamp",
        FieldType::Uint(64),
        ALL,
        "head of the event",
        Getter::Event(|view| Value::Uint(view.event.head.ts.0 / 1_000_000)),
        "Time of the event, milliseconds since the epoch.",
    )
    .lasts(Lasts::No("a time is met once"))
    .example(examples::GETCWD, "1735689600000"),
    Row::new(
        "@usr.id",
        FieldType::Str,
        ALL,
        "user list of the trace",
        Getter::View(|view| acting(view, |p| p.user(p.history.creds(p.attrs.creds).uid))),
        "Name of the user the process acts for.",
    )
    .aliases(&["@user.id", "@usr.name"])
    .needs(tracehound_fields::Needs::UserNames)
    .example(examples::EXEC, "alice"),
    Row::new(
        "@usr.group",
        FieldType::Str,
        ALL,
        "group list of the trace",
        Getter::View(|view| acting(view, |p| p.group(p.history.creds(p.attrs.creds).gid))),
        "Name of the group the process acts for.",
    )
    .aliases(&["@user.group"])
    .needs(tracehound_fields::Needs::UserNames)
    .example(examples::EXEC, "staff"),
    Row::new(
        "@host.kernel",
        FieldType::Str,
        ALL,
        HEADER,
        Getter::View(|view| {
            let kernel = view.machine().and_then(|machine| machine.kernel.as_ref());
            Value::from_option(kernel, Value::str)
        }),
        "Release of the kernel, as `uname -r` prints it.",
    )
    .aliases(&["@agent.kernel_version"])
    .elements(Elements::Release)
    .example("machine kernel=6.1.0-18-amd64\nthread 7 pid=7 comm=cat\n7 getcwd res=0 path=/", "6.1.0-18-amd64"),
    Row::new(
        "@agent.arch",
        FieldType::Str,
        ALL,
        HEADER,
        Getter::View(|view| {
            let arch = view.machine().and_then(|machine| machine.arch.as_ref());
            Value::from_option(arch, Value::str)
        }),
        "Architecture, as `uname -m` prints it.",
    )
    .example("machine arch=x86_64\nthread 7 pid=7 comm=cat\n7 getcwd res=0 path=/", "x86_64"),
    Row::new("@agent.os", FieldType::Str, ALL, "none", Getter::View(|_| Value::str("linux")), "Always `linux`.")
        .example(examples::GETCWD, "linux"),
];

/// A fact of the acting process.
fn acting<'a>(view: &SignalView<'a>, get: fn(&ProcessAt<'a>) -> Value<'a>) -> Value<'a> {
    Value::from_option(view.process(), |process| get(&process))
}

/// Fields that rows name as they stand; the others are looked up when they are asked for.
static FIELDS: LazyLock<HashMap<&'static str, FieldRef>> = LazyLock::new(|| {
    let with_argument = ["evt.abspath.src", "evt.abspath.dst", "evt.arg.flags", "evt.arg.prot", "evt.rawarg.length"];
    let names = tracehound_fields::catalogue::all().iter().map(|field| field.name).chain(with_argument);
    names.filter_map(|name| Some((name, tracehound_fields::resolve(name).ok()?))).collect()
});

/// The value of a field of rules, without the texts that stand for absence there.
pub(super) fn field<'a>(name: &str, view: &View<'a>) -> Value<'a> {
    let resolved;
    let field = match FIELDS.get(name) {
        Some(field) => field,
        None => {
            let Ok(found) = tracehound_fields::resolve(name) else { return Value::Null };
            resolved = found;
            &resolved
        }
    };
    super::view::present((field.field().get)(view, &field.arg))
}

/// Severity of a signal, by the priority of its rule.
pub(super) fn severity(priority: Priority) -> &'static str {
    match priority {
        Priority::Emergency | Priority::Alert | Priority::Critical => "critical",
        Priority::Error => "high",
        Priority::Warning => "medium",
        Priority::Notice => "low",
        Priority::Informational | Priority::Debug => "info",
    }
}

fn tagged<'a>(rule: &'a RuleRef, part: fn(&'a str) -> Option<&'a str>) -> Value<'a> {
    let values: Vec<Value<'a>> = rule.tags.iter().filter_map(|tag| part(tag)).map(Value::str).collect();
    if values.is_empty() { Value::Null } else { Value::List(values) }
}

fn technique(tag: &str) -> Option<&str> {
    let is_id = |text: &str| {
        let digits = text.strip_prefix('T').unwrap_or("");
        digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    tag.strip_prefix("technique:").or(Some(tag).filter(|tag| is_id(tag)))
}

fn tactic(tag: &str) -> Option<&str> {
    tag.strip_prefix("tactic:").or_else(|| tag.strip_prefix("mitre_"))
}
