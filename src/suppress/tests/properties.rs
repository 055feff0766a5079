//! What holds for every query: printing and reading agree, nothing panics, a plan is the plain walk.

mod common;

use common::written::{Written, subject};
use proptest::prelude::*;
use tracehound_fields::Value;
use tracehound_signals::Priority;
use tracehound_suppress::query::parse;
use tracehound_suppress::{Entry, Mode, Plan, Query};

/// Texts of which everything below is made: plain ones, numbers, and all that has a meaning.
const WORDS: [&str; 26] = [
    "a", "b", "java", "sh", "10", "010", "-1", "1.5", "1E1", "10.0.0.1", "::1", "a b", "a b c", "A=1", "A", "é", "and",
    "AND", "TO", "_exists_", "x:y", "*", "?", "\"", "\\", "-x",
];

/// Keys with values of every kind.
const KEYS: [&str; 12] = [
    "@process.comm",
    "@process.args",
    "@process.envs",
    "@process.pid",
    "@process.is_kworker",
    "@network.source.ip",
    "@process.ancestors.comm",
    "@process.ancestors.args",
    "host",
    "team",
    "tags",
    "@process.nothing",
];

fn escaped(text: &str) -> String {
    // A word may be an operator unless it is escaped.
    let is_plain = text.chars().all(|c| c.is_ascii_lowercase());
    text.chars().flat_map(|c| if is_plain { vec![c] } else { vec!['\\', c] }).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn value() -> impl Strategy<Value = String> {
    let word = || proptest::sample::select(WORDS.as_slice());
    prop_oneof![
        6 => word().prop_map(escaped),
        3 => word().prop_map(quoted),
        1 => (word(), word()).prop_map(|(a, b)| format!("{}*{}", escaped(a), escaped(b))),
        1 => word().prop_map(|a| format!("?{}*", escaped(a))),
        1 => Just("*".to_owned()),
    ]
}

fn compared() -> impl Strategy<Value = String> {
    let word = || proptest::sample::select(WORDS.as_slice()).prop_map(quoted);
    prop_oneof![
        (word(), word()).prop_map(|(a, b)| format!("[{a} TO {b}}}")),
        word().prop_map(|a| format!("{{* TO {a}]")),
        (proptest::sample::select([">", ">=", "<", "<="].as_slice()), word()).prop_map(|(op, a)| format!("{op}{a}")),
    ]
}

fn clause() -> impl Strategy<Value = String> {
    let key = || proptest::sample::select(KEYS.as_slice());
    prop_oneof![
        8 => (key(), value()).prop_map(|(key, value)| format!("{key}:{value}")),
        2 => (key(), compared()).prop_map(|(key, value)| format!("{key}:{value}")),
        2 => (key(), value(), value()).prop_map(|(key, a, b)| format!("{key}:({a} OR {b})")),
        1 => (key(), value(), value()).prop_map(|(key, a, b)| format!("{key}:({a} -{b})")),
        1 => value(),
        1 => value().prop_map(|value| format!("*:{value}")),
        1 => value().prop_map(|value| format!("@process.ancestors.*:{value}")),
        1 => (key()).prop_map(|key| format!("_missing_:{key}")),
        1 => Just("CIDR(@network.source.ip,10.0.0.0/8,::1)".to_owned()),
        1 => (value(), value()).prop_map(|(a, b)| format!("same(@process.ancestors; comm:{a} -args:{b})")),
    ]
}

fn query() -> impl Strategy<Value = String> {
    clause().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" "))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

fn parsed(text: &str) -> Query {
    let (query, diagnostics) = parse(text, Mode::Lenient);
    query.unwrap_or_else(|| panic!("{text}: {diagnostics:?}"))
}

/// A subject with some of the keys.
fn written() -> impl Strategy<Value = Written> {
    let word = || proptest::sample::select(WORDS.as_slice());
    let words = || proptest::collection::vec(word(), 0..4);
    let texts = |list: Vec<&'static str>| Value::List(list.into_iter().map(Value::str).collect());
    let lines = proptest::collection::vec((word(), words()), 0..4);
    let host = proptest::option::of(word());
    (words(), words(), lines, host, words(), any::<Option<bool>>(), 8i64..12).prop_map(
        move |(args, envs, lines, host, team, flag, pid)| {
            let comms = lines.iter().map(|(comm, _)| *comm).collect();
            let argses = lines.into_iter().map(|(_, args)| texts(args)).collect();
            let mut out = vec![
                ("@process.args", texts(args.clone())),
                ("@process.envs", texts(envs)),
                ("@process.ancestors.comm", texts(comms)),
                ("@process.ancestors.args", Value::List(argses)),
                ("team", texts(team.clone())),
                ("tags", texts(team)),
                ("@process.pid", Value::Int(pid)),
                ("message", Value::owned(args.join(" "))),
            ];
            out.extend(host.map(|host| ("host", Value::str(host))));
            out.extend(host.map(|host| ("@process.comm", Value::str(host))));
            out.extend(host.and_then(|host| host.parse().ok()).map(|addr| ("@network.source.ip", Value::Ip(addr))));
            out.extend(flag.map(|flag| ("@process.is_kworker", Value::Bool(flag))));
            Written(out.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_query_reads_back_as_itself(text in query(), on in written()) {
        let query = parsed(&text);
        let printed = query.to_string();
        let again = parsed(&printed);
        prop_assert_eq!(&again, &query, "{} as {}", text, printed);
        prop_assert_eq!(again.to_string(), printed);
        prop_assert_eq!(again.matches(&on), query.matches(&on));
        prop_assert_eq!(query.explain(&on).is_match, query.matches(&on));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ab:@*?()\\[\\]{}<>=+!#\"\\\\ OTANDR,;~^&|“é0-9.-]{0,40}") {
        for mode in [Mode::Lenient, Mode::Strict] {
            let (query, diagnostics) = parse(&text, mode);
            prop_assert_eq!(query.is_none(), diagnostics.iter().any(|d| d.is_error()));
            for diagnostic in &diagnostics {
                prop_assert!(text.get(diagnostic.span().unwrap().range()).is_some(), "{:?}", diagnostic);
            }
            if let Some(query) = query {
                query.matches(&subject("host=web; @process.args=a|b"));
                let printed = query.to_string();
                let again = parse(&printed, Mode::Lenient).0;
                prop_assert_eq!(again.as_ref(), Some(&query), "{} as {}", text, printed);
            }
        }
    }

    #[test]
    fn a_plan_is_the_plain_walk(
        texts in proptest::collection::vec((proptest::option::of(0usize..4), query()), 1..12),
        subjects in proptest::collection::vec(written(), 1..4),
    ) {
        let rules = [
            common::rule(0, "Shell below java", Priority::Warning, &["T1059", "mitre_execution", "team:a"]),
            common::rule(1, "File written", Priority::Error, &[]),
        ];
        let selections = ["technique:T1059", "shell", "severity:high OR team:a", "-source:syscall"].map(parsed);
        let queries: Vec<(Option<usize>, Query)> = texts.iter().map(|(rule, text)| (*rule, parsed(text))).collect();
        let entries: Vec<Entry<'_>> =
            queries.iter().map(|(rule, query)| Entry { rules: rule.map(|i| &selections[i]), query }).collect();
        let plan = Plan::new(&entries, &rules);
        for subject in &subjects {
            for rule in 0..rules.len() {
                prop_assert_eq!(plan.matching(rule, subject), plan.matching_plain(rule, subject), "{:?}", texts);
            }
        }
    }
}
