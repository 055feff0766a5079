//! Output templates: section 6.4 and the cases of section 8.5 of the language's specification.

mod common;

use common::*;
use tracehound_fields::Value;
use tracehound_rules::{Output, OutputPart, Transform};

fn part(operand: tracehound_rules::Operand, width: Option<usize>) -> OutputPart {
    OutputPart::Value { key: operand.to_string(), operand, width }
}

fn event() -> Event {
    Event::new([
        ("t.str", Value::str("init")),
        ("t.str2", Value::str("")),
        ("t.i64", Value::Int(1)),
        ("t.i32hex", Value::Int(2049)),
        ("t.reltime", Value::Uint(42)),
        ("t.list", list(&["a", "b"])),
        ("t.bool", Value::Bool(true)),
        ("fd.ip", Value::List(vec![addr("1.1.1.1")])),
    ])
}

#[test]
fn rendered() {
    let text = |text: &str| OutputPart::Text(text.to_owned());
    let value = |name: &str| part(field(name), None);
    let rows: Vec<(Vec<OutputPart>, &str)> = vec![
        (vec![text("start "), part(field("t.str"), Some(2)), text(" end")], "start in end"),
        (vec![part(field("t.str"), Some(10)), text("|")], "init      |"),
        (vec![part(field("t.str"), Some(0)), text("|")], "init|"),
        (vec![value("t.str"), text("and"), value("t.i64"), text("end")], "initand1end"),
        (vec![text("x "), value("t.path")], "x <NA>"),
        (vec![part(field("t.path"), Some(2))], "<N"),
        (vec![part(call(Transform::ToUpper, vec![field("t.str")]), None)], "INIT"),
        (vec![text("["), value("t.str2"), text("]")], "[]"),
        (vec![value("t.list")], "(a,b)"),
        (vec![value("t.i32hex"), text(" "), value("t.reltime"), text(" "), value("t.bool")], "801 000000042 true"),
        // Only conditions can use it: there is no value to print.
        (vec![value("fd.ip")], "<NA>"),
        (vec![], ""),
    ];
    for (parts, expected) in rows {
        assert_eq!(Output::with(&parts, &TestScheme).unwrap().render(&event()), expected);
    }
}

#[test]
fn fields_by_key() {
    let parts = vec![
        part(call(Transform::ToUpper, vec![field("t.str")]), None),
        part(field("t.i64"), Some(3)),
        part(field("t.path"), None),
        part(field("t.i32hex"), None),
        part(field("t.list"), None),
        part(field("t.i64"), None),
        part(field("fd.ip"), None),
    ];
    let output = Output::with(&parts, &TestScheme).unwrap();
    let event = event();
    let fields: Vec<(&str, Value<'_>)> = output.fields(&event).collect();
    assert_eq!(
        fields,
        [
            ("fd.ip", Value::Null),
            ("t.i32hex", Value::str("801")),
            ("t.i64", Value::Int(1)),
            ("t.list", list(&["a", "b"])),
            ("t.path", Value::Null),
            ("t.str", Value::str("init")),
            ("toupper(t.str)", Value::str("INIT")),
        ]
    );
}

#[test]
fn wrong_parts() {
    let parts = vec![part(field("t.str"), None), part(call(Transform::ToUpper, vec![field("t.i64")]), None)];
    assert_eq!(Output::with(&parts, &TestScheme).unwrap_err()[0].0, 1);
    // What only outputs can use is right here.
    assert!(Output::with(&[part(field("t.print"), None)], &TestScheme).is_ok());
}
