//! Matching: planned rules give what the plain evaluation of all rules gives.

mod common;

use common::*;
use proptest::prelude::*;
use tracehound_fields::{Subject, Value};
use tracehound_rules::{
    Explained, ExplainedPart, Expr, Matcher, Origin, OutputPart, Policy, Priority, Rule, RuleId, RuleSet, SelectBy,
    Selection, Transform, compile_with,
};

fn rule(name: &str, priority: Priority, condition: Expr) -> Rule {
    Rule {
        name: name.to_owned(),
        description: String::new(),
        priority,
        tags: vec![],
        source: "syscall".into(),
        is_enabled: true,
        condition,
        output: vec![OutputPart::Text("text".into())],
        output_text: "text".into(),
        condition_text: String::new(),
        origin: Origin::default(),
    }
}

fn plan(rules: Vec<Rule>) -> RuleSet {
    let (set, errors) = RuleSet::plan_with(rules, &TestScheme);
    assert_eq!(errors, []);
    set
}

fn hits(set: &RuleSet, event: &Event, policy: Policy, least: Priority) -> Vec<u32> {
    let mut matcher = Matcher::new(set, policy, least);
    let hits = matcher.matches(event).to_vec();
    assert_eq!(hits, matcher.matches(event), "a second time");
    assert_eq!(hits, set.matches_plainly(event, policy, least).collect::<Vec<RuleId>>());
    hits.into_iter().map(|id| id.0).collect()
}

#[test]
fn policies() {
    let a = || simple("t.str", "=", "a");
    let open = || simple("evt.type", "=", "open");
    let mut disabled = rule("disabled", Priority::Critical, a());
    disabled.is_enabled = false;
    let mut foreign = rule("of another source", Priority::Critical, a());
    foreign.source = "k8s_audit".into();
    let set = plan(vec![
        disabled,
        foreign,
        rule("close", Priority::Critical, Expr::And(vec![simple("evt.type", "=", "close"), a()])),
        rule("debug", Priority::Debug, Expr::And(vec![open(), a()])),
        rule("warning", Priority::Warning, Expr::And(vec![open(), a()])),
        rule("any", Priority::Error, a()),
        rule("never", Priority::Error, simple("evt.num", "=", "0")),
    ]);
    let mut event = Event::of_kind("open");
    event.values.insert("t.str".into(), Value::str("a"));
    assert_eq!(hits(&set, &event, Policy::First, Priority::Debug), [3]);
    assert_eq!(hits(&set, &event, Policy::First, Priority::Warning), [4]);
    assert_eq!(hits(&set, &event, Policy::All, Priority::Debug), [3, 4, 5]);
    assert_eq!(hits(&set, &event, Policy::All, Priority::Error), [5]);
    assert_eq!(hits(&set, &event, Policy::All, Priority::Alert), [0u32; 0]);
    event.kind = u16::MAX;
    assert_eq!(hits(&set, &event, Policy::All, Priority::Debug), [5]);
    // Equal comparisons are one.
    assert_eq!(set.leaves().len(), 4);
    assert_eq!(set.rules_for_kind(u16::MAX), [RuleId(5)]);
    assert_eq!(set.rule(RuleId(3)).kinds().names(), ["open"]);
    assert_eq!(set.rule(RuleId(3)).fields_used(), [&field_ref("t.str"), &field_ref("evt.type")]);
}

/// Rules `a 1` and `a 2` (tag x), `b` (tags x and y), `a 2` disabled by its file: what matches after selections, in the
/// order asked.
#[test]
fn selections() {
    let by_name = |enable, name: &str| Selection { enable, by: SelectBy::Name(name.to_owned()) };
    let by_tag = |enable, tag: &str| Selection { enable, by: SelectBy::Tag(tag.to_owned()) };
    let rows: &[(&[Selection], &[u32], &[usize])] = &[
        (&[], &[0, 2], &[]),
        (&[by_name(false, "a*")], &[2], &[2]),
        (&[by_name(false, "*1")], &[2], &[1]),
        (&[by_name(false, "a")], &[0, 2], &[0]),
        (&[by_name(false, "*a*2*")], &[0, 2], &[1]),
        (&[by_name(false, "a*1*1")], &[0, 2], &[0]),
        (&[by_name(true, "a 2")], &[0, 2, 1], &[1]),
        (&[by_name(true, "b")], &[0, 2], &[1]),
        (&[by_name(false, "a 1"), by_name(true, "a 1")], &[2, 0], &[1, 1]),
        (&[by_name(false, "*"), by_tag(true, "x")], &[1, 2], &[3, 2]),
        (&[by_tag(true, "x"), by_name(false, "*")], &[], &[2, 3]),
        (&[by_tag(false, "y"), by_tag(false, "z")], &[0], &[1, 0]),
    ];
    for (selections, expected, counts) in rows {
        let named = |name: &str, tags: &[&str], is_enabled| Rule {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            is_enabled,
            ..rule(name, Priority::Warning, simple("t.str", "=", "a"))
        };
        let mut set = plan(vec![named("a 1", &[], true), named("a 2", &["x"], false), named("b", &["x", "y"], true)]);
        assert_eq!(set.select(selections), *counts, "{selections:?}");
        let event = Event::new([("t.str", Value::str("a"))]);
        assert_eq!(hits(&set, &event, Policy::All, Priority::Debug), *expected, "{selections:?}");
        let first: Vec<u32> = expected.first().copied().into_iter().collect();
        assert_eq!(hits(&set, &event, Policy::First, Priority::Debug), first, "{selections:?}");
    }
}

#[test]
fn no_rules() {
    let set = RuleSet::default();
    assert_eq!(hits(&set, &Event::of_kind("open"), Policy::All, Priority::Debug), [0u32; 0]);
    assert_eq!(hits(&plan(vec![]), &Event::of_kind("open"), Policy::All, Priority::Debug), [0u32; 0]);
}

#[test]
fn a_wrong_rule_keeps_the_others() {
    let (set, errors) = RuleSet::plan_with(
        vec![
            rule("wrong", Priority::Error, simple("t.i64", "=", "x")),
            rule("right", Priority::Error, simple("t.i64", "=", "1")),
        ],
        &TestScheme,
    );
    assert_eq!(set.rules().len(), 1);
    assert_eq!((errors.len(), errors[0].position, errors[0].name.as_str()), (1, 0, "wrong"));
    assert_eq!(errors[0].condition.len(), 1);
}

#[test]
fn explained() {
    let condition = Expr::And(vec![
        simple("t.str", "=", "a b"),
        Expr::Not(Box::new(Expr::Or(vec![simple("t.i64", "in", "1|2"), simple("t.list", "exists", "")]))),
    ]);
    let predicate = compile_with(&condition, &TestScheme).unwrap();
    let event = Event::new([("t.str", Value::str("x")), ("t.i64", Value::Int(2))]);
    let rows: Vec<String> = predicate
        .explain(&event)
        .into_iter()
        .map(|row| {
            let part = match row.part {
                ExplainedPart::Leaf { text, values, .. } => {
                    let values: Vec<_> =
                        values.iter().map(|(name, value)| (name, value.as_ref().map(ToString::to_string))).collect();
                    format!("{text}; {values:?}")
                }
                other => format!("{other:?}"),
            };
            format!("{}{} {part}", "  ".repeat(row.depth), row.result)
        })
        .collect();
    assert_eq!(
        rows,
        [
            "false And",
            "  false t.str = \"a b\"; [(\"t.str\", Some(\"x\"))]",
            "  false Not",
            "    true Or",
            "      true t.i64 in (1, 2); [(\"t.i64\", Some(\"2\"))]",
            "      false t.list exists; [(\"t.list\", None)]",
        ]
    );
}

/// What has to change, and how much.
#[test]
fn distances() {
    let (yes, no) = (|| simple("t.str", "=", "a"), || simple("t.str", "=", "z"));
    let not = |part: Expr| Expr::Not(Box::new(part));
    let cases: Vec<(Expr, Option<u32>, &[usize])> = vec![
        (yes(), Some(0), &[]),
        (no(), Some(1), &[0]),
        (not(yes()), Some(1), &[1]),
        (not(no()), Some(0), &[]),
        (Expr::And(vec![no(), yes(), no()]), Some(2), &[1, 3]),
        (Expr::Or(vec![no(), yes(), no()]), Some(0), &[]),
        // The first of equals, and the least.
        (Expr::Or(vec![no(), no()]), Some(1), &[1]),
        (Expr::Or(vec![Expr::And(vec![no(), no()]), no()]), Some(1), &[4]),
        (not(Expr::And(vec![yes(), yes()])), Some(1), &[2]),
        (not(Expr::Or(vec![yes(), no(), yes()])), Some(2), &[2, 4]),
        // Another kind of event is another event.
        (simple("evt.type", "=", "open"), Some(0), &[]),
        (simple("evt.type", "=", "close"), None, &[]),
        (Expr::And(vec![simple("evt.type", "=", "close"), no()]), None, &[]),
        (Expr::Or(vec![simple("evt.type", "=", "close"), no()]), Some(1), &[2]),
        (Expr::And(vec![]), Some(0), &[]),
        (Expr::Or(vec![]), None, &[]),
        (Expr::Const(false), None, &[]),
    ];
    let mut event = Event::of_kind("open");
    event.values.insert("t.str".into(), Value::str("a"));
    for (condition, distance, changed) in cases {
        let predicate = compile_with(&condition, &TestScheme).unwrap();
        assert_eq!(predicate.distance(&event), distance, "{condition:?}");
        let rows = predicate.explain(&event);
        let found: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].must_change).collect();
        assert_eq!(found, changed, "{condition:?}");
    }
}

/// The result of the whole if the comparisons that must change had changed.
fn changed_result(rows: &[Explained]) -> bool {
    let mut results: Vec<(usize, bool)> = Vec::new();
    for row in rows.iter().rev() {
        let mut parts = Vec::new();
        while results.last().is_some_and(|(depth, _)| *depth > row.depth) {
            parts.extend(results.pop().map(|(_, result)| result));
        }
        let result = match row.part {
            ExplainedPart::Not => parts.iter().all(|part| !part),
            ExplainedPart::And => parts.iter().all(|part| *part),
            ExplainedPart::Or => parts.iter().any(|part| *part),
            ExplainedPart::Const | ExplainedPart::Leaf { .. } => row.result ^ row.must_change,
        };
        results.push((row.depth, result));
    }
    results[0].1
}

/// Nothing recurses over a condition: its depth does not matter. (Dropping it would.)
#[test]
fn deep_conditions() {
    let mut condition = simple("t.str", "=", "a");
    for i in 0..30_000 {
        condition = match i % 3 {
            0 => Expr::Not(Box::new(condition)),
            1 => Expr::And(vec![condition, simple("t.i64", "=", "1")]),
            _ => Expr::Or(vec![simple("t.i64", "=", "2"), condition]),
        };
    }
    let predicate = compile_with(&condition, &TestScheme).unwrap();
    let event = Event::new([("t.str", Value::str("a")), ("t.i64", Value::Int(1))]);
    assert_eq!(predicate.evaluate(&event), predicate.evaluate_plainly(&event));
    assert_eq!(predicate.explain(&event).len(), 30_000 / 3 * 5 + 1);
    predicate.kinds();
    std::mem::forget(condition);
}

/// Comparisons for random conditions, with some that fold, some about kinds and some of every multiplicity.
fn leaves() -> impl Strategy<Value = Expr> {
    let rows: Vec<(&str, &str, &str)> = vec![
        ("t.str", "=", "a"),
        ("t.str", "!=", "a"),
        ("t.str", "in", "a|b"),
        ("t.str", "exists", ""),
        ("t.str", "contains", "a"),
        ("t.str", "contains", ""),
        ("t.str", "contains oneof", "a|b"),
        ("t.str", "startswith allof", "a|ab"),
        ("t.str", "icontains", "B"),
        ("t.str", "startswith", "a"),
        ("t.str", "startswith", ""),
        ("t.str", "startswith", "ab"),
        ("t.str", "endswith", "b"),
        ("t.str", "endswith", "ab"),
        ("t.str", "glob", "*a?b"),
        ("t.str", "glob", "?"),
        ("t.str", "iglob", "A*"),
        ("t.str", "regex", "a.*"),
        ("t.str", "pmatch", "a|/b/c|x/*"),
        ("t.str", "pmatch", "/a/b"),
        ("t.str", "<", "b"),
        ("t.bytes", "contains", "b"),
        ("t.bytes", "!=", "ab"),
        ("t.bytes", "bstartswith", "6100"),
        ("t.i64", "<", "1"),
        ("t.i64", "in", "0|2"),
        ("t.i64", "!=", "2"),
        ("t.i64", ">=", "0"),
        ("t.i64", "exists", ""),
        ("t.bool", "=", "true"),
        ("t.list", "in", "a"),
        ("t.list", "intersects", "a|b"),
        ("proc.aname", "!=", "a"),
        ("proc.aname", "in", "a"),
        ("fd.ip", "!=", "1.1.1.1"),
        ("fd.ip", "in", "1.1.1.1"),
        ("evt.type", "=", "open"),
        ("evt.type", "!=", "close"),
        ("evt.type", "in", "open|close"),
        ("evt.type", "exists", ""),
        ("evt.type", "startswith", "open"),
        ("syscall.type", "=", "close"),
        ("evt.num", "=", "0"),
        ("evt.num", ">=", "0"),
    ];
    let of_constants =
        proptest::sample::select(rows).prop_map(|(name, operator, constants)| simple(name, operator, constants));
    let lower = || call(Transform::ToLower, vec![field("t.str")]);
    let others = vec![
        leaf(lower(), "=", &["ab"]),
        leaf(lower(), "contains", &["b"]),
        leaf(call(Transform::Len, vec![field("t.str")]), ">", &["1"]),
        fields(field("t.str"), "=", call(Transform::Val, vec![lower()])),
        fields(field("t.list"), "intersects", call(Transform::Val, vec![field("t.list")])),
    ];
    prop_oneof![4 => of_constants, 1 => proptest::sample::select(others)]
}

fn conditions() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![8 => leaves(), 1 => any::<bool>().prop_map(Expr::Const)];
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Expr::Not(Box::new(part))),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Expr::And),
            proptest::collection::vec(inner, 0..4).prop_map(Expr::Or),
        ]
    })
}

fn events() -> impl Strategy<Value = Event> {
    let words = vec!["", "a", "b", "c", "ab", "AB", "a/b", "/a/b/c", "b/c", "x/y", "a\0b", "aab"];
    let texts = || proptest::option::of(proptest::sample::select(words.clone()));
    let lists = || proptest::option::of(proptest::collection::vec(proptest::sample::select(vec!["a", "b"]), 0..3));
    let ips = proptest::option::of(proptest::collection::vec(proptest::sample::select(vec!["1.1.1.1", "::1"]), 0..3));
    let kind = proptest::sample::select(vec!["open", "close", "openat", "procexit"]);
    (kind, (texts(), texts()), proptest::option::of(-1i64..3), any::<Option<bool>>(), lists(), lists(), ips).prop_map(
        |(kind, (text, bytes), number, boolean, items, names, ips)| {
            let mut event = Event::of_kind(kind);
            if kind == "procexit" {
                event.values.remove("syscall.type");
            }
            let mut put = |name: &str, value: Option<Value<'static>>| {
                event.values.extend(value.map(|value| (name.to_owned(), value)));
            };
            put("evt.num", Some(Value::Uint(1)));
            put("t.str", text.map(Value::str));
            put("t.bytes", bytes.map(|bytes| Value::Bytes(bytes.as_bytes().into())));
            put("t.i64", number.map(Value::Int));
            put("t.bool", boolean.map(Value::Bool));
            put("t.list", items.map(|items| list(&items)));
            put("proc.aname", names.map(|names| list(&names)));
            put("fd.ip", ips.map(|ips| Value::List(ips.into_iter().map(addr).collect())));
            event
        },
    )
}

/// The definition of a condition, over results of single comparisons.
fn by_definition(condition: &Expr, event: &Event) -> bool {
    match condition {
        Expr::Const(value) => *value,
        Expr::Leaf(..) => compile_with(condition, &TestScheme).unwrap().leaves()[0].evaluate(event),
        Expr::Not(part) => !by_definition(part, event),
        Expr::And(parts) => parts.iter().all(|part| by_definition(part, event)),
        Expr::Or(parts) => parts.iter().any(|part| by_definition(part, event)),
    }
}

proptest! {
    #[test]
    fn one_condition(condition in conditions(), event in events()) {
        let predicate = compile_with(&condition, &TestScheme).unwrap();
        let expected = by_definition(&condition, &event);
        prop_assert_eq!(predicate.evaluate(&event), expected);
        prop_assert_eq!(predicate.evaluate_plainly(&event), expected);
        prop_assert_eq!(predicate.explain(&event)[0].result, expected);
        let rows = predicate.explain(&event);
        let distance = predicate.distance(&event);
        prop_assert_eq!(distance == Some(0), expected);
        prop_assert_eq!(rows.iter().filter(|row| row.must_change).count(), distance.unwrap_or(0) as usize);
        prop_assert_eq!(changed_result(&rows), distance.is_some());
        // The index never hides a match.
        prop_assert!(!expected || predicate.kinds().contains(event.kind_code()));
    }

    #[test]
    fn many_rules(
        conditions in proptest::collection::vec((conditions(), 0usize..8), 1..12),
        events in proptest::collection::vec(events(), 1..6),
        first: bool,
        least in 0usize..8,
    ) {
        let rules = conditions.into_iter().map(|(condition, priority)| rule("r", Priority::ALL[priority], condition));
        let set = plan(rules.collect());
        let policy = if first { Policy::First } else { Policy::All };
        let mut matcher = Matcher::new(&set, policy, Priority::ALL[least]);
        for event in &events {
            let plainly: Vec<RuleId> = set.matches_plainly(event, policy, Priority::ALL[least]).collect();
            prop_assert_eq!(matcher.matches(event), plainly);
        }
    }

    #[test]
    fn texts_read_along_literals(
        leaves in proptest::collection::vec(comparisons_of_text(), 1..12),
        texts in proptest::collection::vec(pieces(), 1..40),
        long in proptest::collection::vec(pieces(), 0..600),
        little_memory: bool,
    ) {
        // Each of its bytes is a place of its own.
        let long = long.concat().replace('\0', "");
        let leaves = leaves.into_iter().chain([leaf(field("t.str"), "startswith", &[&long])]);
        let set = plan(leaves.map(|leaf| rule("r", Priority::Notice, leaf)).collect());
        let max_memory = if little_memory { 1 << 10 } else { 32 << 20 };
        let mut matcher = Matcher::new(&set, Policy::All, Priority::Debug).with_memory(max_memory);
        // Each twice, and once with a beginning that is longer than what is remembered.
        for text in texts.iter().chain(&texts).cloned().chain(texts.iter().map(|text| format!("{long}/{text}"))) {
            let event = Event::new([
                ("t.str", Value::owned(text.clone())),
                ("t.bytes", Value::Bytes(text.into_bytes().into())),
            ]);
            let plainly: Vec<RuleId> = set.matches_plainly(&event, Policy::All, Priority::Debug).collect();
            prop_assert_eq!(matcher.matches(&event), plainly);
        }
    }
}

/// Texts in which literals of [`comparisons_of_text`] begin, end and overlap; directories among them.
fn pieces() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec!["/", "//", "a", "b", "ab", "AB", ".", "\0", "é", "etc", "/etc/", "x"]);
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Comparisons of a text, and of raw bytes, with literals.
fn comparisons_of_text() -> impl Strategy<Value = Expr> {
    let operators = vec![
        "=",
        "!=",
        "in",
        "contains",
        "icontains",
        "startswith",
        "endswith",
        "glob",
        "iglob",
        "pmatch",
        "regex",
        "exists",
        "= oneof",
        "contains anyof",
        "<",
    ];
    let operator = proptest::sample::select(operators);
    (operator, any::<bool>(), proptest::collection::vec(pieces(), 1..4)).prop_filter_map(
        "does not compile",
        |(operator, is_raw, constants)| {
            let constants: Vec<String> = constants.into_iter().map(|text| text.replace('\0', "")).collect();
            let takes_many = operator == "in" || operator == "pmatch" || operator.contains(' ');
            let constants: Vec<&str> =
                constants.iter().map(String::as_str).take(if takes_many { 4 } else { 1 }).collect();
            let leaf = leaf(field(if is_raw { "t.bytes" } else { "t.str" }), operator, &constants);
            compile_with(&leaf, &TestScheme).is_ok().then_some(leaf)
        },
    )
}
