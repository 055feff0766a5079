//! Queries against subjects that are written down.

use std::borrow::Cow;

use tracehound_fields::Value;
use tracehound_lang::Severity;
use tracehound_suppress::query::parse;
use tracehound_suppress::{Key, Mode, Subject, attributes};

/// A subject as text: `@process.args=-c id; host=web1`. A value with `|` is a list, `a/b|c` of ancestors.
struct Written(Vec<(String, Value<'static>)>);

impl Subject for Written {
    fn get(&self, key: &Key) -> Cow<'_, Value<'_>> {
        let name = match key {
            Key::Attribute(id) => attributes::get(*id).name.as_ref(),
            Key::Tag(key) => key,
            Key::Tags => "tags",
            Key::Message => "message",
            _ => return Cow::Owned(Value::Null),
        };
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or(Cow::Owned(Value::Null), |(_, value)| Cow::Borrowed(value))
    }
}

fn scalar(name: &str, text: &str) -> Value<'static> {
    let is_number = attributes::lookup(name).is_some_and(|attribute| attribute.ty.is_numeric());
    match (is_number, text.parse::<std::net::IpAddr>()) {
        (true, _) => Value::Int(text.parse().unwrap()),
        (_, Ok(addr)) => Value::Ip(addr),
        (_, Err(_)) if text.is_empty() => Value::Null,
        _ => Value::owned(text),
    }
}

fn subject(text: &str) -> Written {
    let pairs = text.split("; ").filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        let is_list =
            value.contains('|') || ["args", "ancestors", "envs", "tags"].iter().any(|part| name.contains(part));
        let value = match (name.contains("ancestors.args"), is_list) {
            (true, _) => Value::List(
                value
                    .split('|')
                    .map(|args| Value::List(args.split(' ').map(|arg| scalar(name, arg)).collect()))
                    .collect(),
            ),
            (_, true) => Value::List(value.split('|').map(|value| scalar(name, value)).collect()),
            _ => scalar(name, value),
        };
        (name.to_owned(), value)
    });
    Written(pairs.collect())
}

/// Truth of a query, and the codes of its diagnostics.
fn check(query: &str, written: &str, expected: bool, codes: &[&str]) {
    let (parsed, diagnostics) = parse(query, Mode::Lenient);
    let names: Vec<&str> = diagnostics.iter().map(|d| d.code.name()).collect();
    assert_eq!(names, codes, "{query}: {diagnostics:?}");
    let parsed = parsed.unwrap_or_else(|| panic!("{query}: {diagnostics:?}"));
    assert_eq!(parsed.matches(&subject(written)), expected, "{query} on {written}");
    assert_eq!(parsed.explain(&subject(written)).is_match, expected, "{query} on {written}, explained");
    let printed = parsed.to_string();
    let (again, diagnostics) = parse(&printed, Mode::Lenient);
    let again = again.unwrap_or_else(|| panic!("{query} as {printed}: {diagnostics:?}"));
    assert_eq!(again, parsed, "{query} as {printed}");
    assert_eq!(again.to_string(), printed, "{query} printed twice");
}

const LOWERCASE: &str = "DDQ-LOWERCASE-OP";
const UNESCAPED: &str = "DDQ-UNESCAPED";

/// The test vectors of the specification, part B.5.
#[test]
fn vectors_of_the_specification() {
    for (query, on, expected, codes) in [
        (r"@process.args:\+x", "@process.args=+x|f", true, &[][..]),
        ("@process.args:+x", "@process.args=+x|f", true, &[UNESCAPED]),
        (r#"@process.args:"-c""#, "@process.args=-c|id", true, &[]),
        ("@file.path:/etc/*", "@file.path=/etc/a/b", true, &[]),
        (r#"@file.path:"/etc/*""#, "@file.path=/etc/passwd", false, &[]),
        ("@file.path:/etc/pass?d", "@file.path=/etc/passwd", true, &[]),
        ("@process.user:Root", "@process.user=root", false, &[]),
        ("env:(prod OR stage) -host:db*", "env=stage; host=web1", true, &[]),
        ("a:1 OR b:2 c:3", "b=2", false, &[]),
        ("a:1 OR b:2 c:3", "b=2; c=3", true, &[]),
        ("@network.destination.port:[1 TO 1024}", "@network.destination.port=1024", false, &[]),
        ("@network.destination.port:>1023", "@network.destination.port=1024", true, &[]),
        ("CIDR(@network.destination.ip,10.0.0.0/8,::1/128)", "@network.destination.ip=10.9.8.7", true, &[]),
        ("-@process.ancestors.comm:java", "@process.ancestors.comm=sh|java", false, &[]),
        (
            "@process.ancestors.comm:sh @process.ancestors.user:root",
            "@process.ancestors.comm=sh|init; @process.ancestors.user=bob|root",
            true,
            &[],
        ),
        ("_exists_:@container.id", "", false, &[]),
        ("status:critical and env:prod", "status=critical; env=prod", false, &[LOWERCASE]),
    ] {
        check(query, on, expected, codes);
    }
    let (query, diagnostics) = parse("rule:[A-Invalid", Mode::Lenient);
    assert!(query.is_none());
    let [error] = diagnostics.as_slice() else { panic!("{diagnostics:?}") };
    assert_eq!((error.severity, error.span().unwrap().start), (Severity::Error, 5), "{error:?}");
}
