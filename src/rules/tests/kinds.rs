//! Inference of kinds of event: section 6.1 and the cases of section 8.3 of the language's specification.

mod common;

use common::*;
use tracehound_rules::{Expr, KindSet, compile_with};

fn kinds(condition: &Expr) -> KindSet {
    compile_with(condition, &TestScheme).unwrap().kinds().clone()
}

fn not(part: Expr) -> Expr {
    Expr::Not(Box::new(part))
}

#[test]
fn inferred() {
    let open = || simple("evt.type", "=", "open");
    let other = || simple("t.str", "=", "a");
    let only_open = || KindSet::named(["open"]);
    let all_but_open = || only_open().complement();
    let num = |operator: &str, constant: &str| simple("evt.num", operator, constant);
    let rows: Vec<(&str, Expr, KindSet)> = vec![
        ("T1", Expr::And(vec![open(), not(other())]), only_open()),
        ("T2", not(open()), all_but_open()),
        ("T3", not(Expr::Or(vec![open(), other()])), all_but_open()),
        ("T4", Expr::Or(vec![open(), other()]), KindSet::all()),
        ("T5", not(simple("evt.type", "!=", "open")), only_open()),
        ("T6", Expr::And(vec![open(), simple("evt.type", "=", "close")]), KindSet::none()),
        ("T7", Expr::And(vec![open(), not(num("=", "0"))]), only_open()),
        ("T8", num("=", "0"), KindSet::none()),
        ("T8 negated", not(num("=", "0")), KindSet::all()),
        ("T9", simple("evt.type", "startswith", "open"), KindSet::all()),
        ("T9 negated", not(simple("evt.type", "startswith", "open")), KindSet::all()),
        ("in", simple("evt.type", "in", "open|close"), KindSet::named(["open", "close"])),
        ("not in", not(simple("evt.type", "in", "open|close")), KindSet::named(["open", "close"]).complement()),
        ("!=", simple("evt.type", "!=", "open"), all_but_open()),
        ("in nothing", simple("evt.type", "in", ""), KindSet::none()),
        ("exists", simple("evt.type", "exists", ""), KindSet::all()),
        ("not exists", not(simple("evt.type", "exists", "")), KindSet::none()),
        ("with modifier", simple("evt.type", "= anyof", "open"), KindSet::all()),
        ("syscall.type", simple("syscall.type", "=", "open"), only_open()),
        ("syscall.type unknown", simple("syscall.type", "=", "nosuch"), KindSet::none()),
        ("num < 1", num("<", "1"), KindSet::none()),
        ("num < 0", num("<", "0"), KindSet::none()),
        ("num <= 0", num("<=", "0"), KindSet::none()),
        ("num in (0, 0)", num("in", "0|0"), KindSet::none()),
        ("num in ()", num("in", ""), KindSet::none()),
        ("num in (0, 1)", num("in", "0|1"), KindSet::all()),
        ("num != 0", num("!=", "0"), KindSet::all()),
        ("not num != 0", not(num("!=", "0")), KindSet::none()),
        ("num > 0", num(">", "0"), KindSet::all()),
        ("num >= 0", num(">=", "0"), KindSet::all()),
        ("not num >= 1", not(num(">=", "1")), KindSet::none()),
        ("num = 5", num("=", "5"), KindSet::all()),
        ("not num = 5", not(num("=", "5")), KindSet::all()),
        // Never true, but nothing that the kinds tell.
        ("quirk", simple("fd.ip", "in", "1.2.3.4"), KindSet::all()),
        ("constant", Expr::And(vec![Expr::Const(true), open()]), only_open()),
        ("empty and", Expr::And(vec![]), KindSet::all()),
        ("empty or", Expr::Or(vec![]), KindSet::none()),
    ];
    for (name, condition, expected) in rows {
        assert_eq!(kinds(&condition), expected, "{name}");
    }
}

#[test]
fn kind_is_asked_of_the_event() {
    let is = |condition: &Expr, event: &Event| compile_with(condition, &TestScheme).unwrap().evaluate(event);
    let open = Event::of_kind("open");
    assert!(is(&simple("evt.type", "=", "open"), &open));
    assert!(is(&simple("evt.type", "in", "close|open"), &open));
    assert!(!is(&simple("evt.type", "!=", "open"), &open));
    assert!(is(&simple("evt.type", "!=", "close"), &open));
    assert!(is(&simple("evt.type", "startswith", "open"), &open));
    assert!(is(&simple("evt.num", ">=", "0"), &open));
    assert!(!is(&simple("evt.num", "=", "0"), &open));
    // A kind beyond the table is none of those with a name.
    let unknown = Event { kind: u16::MAX, ..Event::default() };
    assert!(!is(&simple("evt.type", "=", "open"), &unknown));
    assert!(KindSet::named(["open"]).complement().contains(u16::MAX));
    assert!(!KindSet::named(["open"]).contains(u16::MAX));
}
