//! Every operator with every type, constants, several values, quirks. A row is a datum: field, operator, constants
//! (`|` between those of a list), value, result.

mod common;

use common::*;
use tracehound_fields::Value;
use tracehound_rules::{Expr, Modifier, Operand, Quirk, Transform, TypeErrorKind, WarningKind, compile_with};

fn result(condition: &Expr, event: &Event) -> bool {
    let predicate = compile_with(condition, &TestScheme).unwrap_or_else(|errors| panic!("{condition:?}: {errors:?}"));
    let result = predicate.evaluate(event);
    assert_eq!(result, predicate.evaluate_plainly(event));
    result
}

fn error(condition: &Expr) -> TypeErrorKind {
    match compile_with(condition, &TestScheme) {
        Ok(_) => panic!("{condition:?} compiles"),
        Err(mut errors) => errors.remove(0).kind,
    }
}

fn check(name: &'static str, operator: &str, constants: &str, value: Value<'static>, expected: bool) {
    let event = Event::new([(name, value.clone())]);
    assert_eq!(
        result(&simple(name, operator, constants), &event),
        expected,
        "{name} {operator} {constants} on {value:?}"
    );
}

#[test]
fn text_values() {
    let s = |text: &'static str| Value::str(text);
    let rows: &[(&str, &str, Value<'static>, bool)] = &[
        ("=", "a", s("a"), true),
        ("=", "a", s("A"), false),
        ("=", "a", s("a\0b"), true),
        ("=", "", s(""), true),
        ("!=", "a", s("b"), true),
        ("!=", "a", s("a"), false),
        ("!=", "a", Value::Null, false),
        ("=", "a", Value::Null, false),
        ("exists", "", s(""), true),
        ("exists", "", Value::Null, false),
        ("<", "b", s("a"), true),
        ("<", "b", s("b"), false),
        ("<=", "b", s("b"), true),
        (">", "B", s("a"), true),
        (">=", "b", s("ab"), false),
        ("contains", "bc", s("abcd"), true),
        ("contains", "", s("abcd"), true),
        ("contains", "", s(""), true),
        ("contains", "BC", s("abcd"), false),
        ("contains", "d", s("abc\0d"), false),
        ("icontains", "BC", s("abcd"), true),
        ("icontains", "", s(""), true),
        ("icontains", "/SUBDIR", s("/opt/dir/subdir/file.txt"), true),
        ("startswith", "ab", s("abcd"), true),
        ("startswith", "", s("abcd"), true),
        ("startswith", "AB", s("abcd"), false),
        ("endswith", "cd", s("abcd"), true),
        ("endswith", "abcde", s("abcd"), false),
        ("glob", "a*d", s("abcd"), true),
        ("glob", "A*D", s("abcd"), false),
        ("iglob", "A*D", s("abcd"), true),
        ("regex", "ab.*", s("abcd"), true),
        ("regex", "b.*", s("abcd"), false),
        ("pmatch", "/etc|/usr", s("/usr/bin"), true),
        ("pmatch", "", s("/usr/bin"), false),
        ("in", "a|b", s("b"), true),
        ("in", "a|b", s("c"), false),
        ("in", "", s(""), false),
        ("in", "a|b", s("b\0c"), true),
        ("in", "a|b", Value::Null, false),
        ("intersects", "a|b", s("b"), true),
        ("= oneof", "myexe|myexe", s("myexe"), false),
        ("= oneof", "myexe|x", s("myexe"), true),
        ("= anyof", "myexe|myexe", s("myexe"), true),
        ("!= allof", "bash|sh", s("myexe"), true),
        ("!= allof", "bash|sh", s("sh"), false),
        ("!= anyof", "bash|sh", s("sh"), true),
        ("!= anyof", "sh", s("sh"), false),
        ("= allof", "", s("a"), false),
        ("!= allof", "", s("a"), false),
        ("contains oneof", "a|b", s("xa"), true),
        ("contains oneof", "a|b", s("ab"), false),
        ("contains allof", "a|b", s("ab"), true),
        ("glob anyof", "x*|a*", s("ab"), true),
        ("regex anyof", "x.*|a.", s("ab"), true),
    ];
    for (operator, constants, value, expected) in rows {
        check("t.str", operator, constants, value.clone(), *expected);
        check("t.path", operator, constants, value.clone(), *expected);
    }
}

#[test]
fn byte_values() {
    let b = |bytes: &'static [u8]| Value::Bytes(bytes.into());
    let rows: &[(&str, &str, Value<'static>, bool)] = &[
        ("=", "ab", b(b"ab"), true),
        ("=", "ab", b(b"ab\0"), false),
        ("=", "ab\0", b(b"ab\0"), true),
        ("!=", "ab", b(b"ab\0"), true),
        ("contains", "b\0c", b(b"ab\0cd"), true),
        ("startswith", "ab", b(b"ab\0cd"), true),
        ("endswith", "cd", b(b"ab\0cd"), true),
        ("bcontains", "656c6C", b(b"hello"), true),
        ("bstartswith", "65", b(b"hello"), false),
        ("bstartswith", "68", b(b"hello"), true),
        ("in", "ab|cd", b(b"cd"), true),
        ("intersects", "ab|cd", b(b"x"), false),
        ("exists", "", b(b""), true),
        ("= anyof", "ab|cd", b(b"cd"), true),
    ];
    for (operator, constants, value, expected) in rows {
        check("t.bytes", operator, constants, value.clone(), *expected);
    }
}

#[test]
fn numbers() {
    let rows: &[(&str, &str, &str, Value<'static>, bool)] = &[
        ("t.i64", "=", "-22", Value::Int(-22), true),
        ("t.i64", "!=", "-22", Value::Int(-22), false),
        ("t.i64", "<", "0", Value::Int(-1), true),
        ("t.i64", ">=", "0", Value::Int(-1), false),
        ("t.i64", "<=", "5", Value::Int(5), true),
        ("t.i64", ">", "5", Value::Int(5), false),
        ("t.i64", "in", "0|1|2", Value::Int(2), true),
        ("t.i64", "in", "0|1|2", Value::Int(3), false),
        ("t.i64", "in", "", Value::Int(3), false),
        ("t.i64", "intersects", "3", Value::Int(3), true),
        ("t.i64", "!=", "1", Value::Null, false),
        ("t.i64", "exists", "", Value::Int(0), true),
        ("t.u32", "=", "-1", Value::Uint(4294967295), true),
        ("t.u32", ">", "2147483648", Value::Uint(4294967295), true),
        ("t.u64", "=", "18446744073709551615", Value::Uint(u64::MAX), true),
        ("t.u64", "= oneof", "1|2", Value::Uint(2), true),
        ("t.double", "=", "2", Value::Double(2.0), true),
        ("t.double", "<", "3", Value::Double(2.5), true),
        ("t.double", "in", "2|3", Value::Double(3.0), true),
        ("t.reltime", ">", "5", Value::Uint(6), true),
        ("t.abstime", "<", "5", Value::Uint(6), false),
        ("t.port", "=", "https", Value::Uint(443), true),
        ("t.port", "in", "22|http", Value::Uint(80), true),
        ("t.bool", "=", "true", Value::Bool(true), true),
        ("t.bool", "!=", "true", Value::Bool(true), false),
        ("t.bool", "in", "false", Value::Bool(true), false),
        ("t.bool", "in", "false|true", Value::Bool(true), true),
        ("t.bool", "= anyof", "false|true", Value::Bool(true), true),
        ("evt.around", "=", "1000", Value::Uint(1_000_000_000), true),
        ("evt.around", "=", "1000", Value::Uint(1_000_000_001), false),
    ];
    for (name, operator, constants, value, expected) in rows {
        check(name, operator, constants, value.clone(), *expected);
    }
}

#[test]
fn addresses() {
    let rows: &[(&str, &str, &str, &str, bool)] = &[
        ("t.ip", "=", "1.2.3.4", "1.2.3.4", true),
        ("t.ip", "!=", "1.2.3.4", "1.2.3.4", false),
        ("t.ip", "!=", "0:0:0:0:0:0:0:1", "1.2.3.4", true),
        ("t.ip", "=", "0:0:0:0:0:0:0:1", "::1", true),
        ("t.ip", "in", "1.2.3.4|::1", "::1", true),
        ("t.ip", "intersects", "1.2.3.4", "1.2.3.5", false),
        ("t.ip", "= anyof", "1.2.3.4|1.2.3.5", "1.2.3.5", true),
        ("t.ip", "!= allof", "1.2.3.4|1.2.3.5", "1.2.3.5", false),
        ("t.net", "=", "10.0.0.0/8", "10.255.1.2", true),
        ("t.net", "=", "10.0.0.1/8", "10.255.1.2", true),
        ("t.net", "=", "0.0.0.0/0", "1.1.1.1", true),
        ("t.net", "=", "1.1.1.1/32", "1.1.1.2", false),
        ("t.net", "!=", "10.0.0.0/8", "10.1.2.3", false),
        ("t.net", "!=", "2001:db8::0/64", "10.1.2.3", true),
        ("t.net", "=", "2001:db8::0/64", "2001:db8::1", true),
        ("t.net", "=", "2001:db8::0/64", "2001:db8:0:1::1", false),
        ("t.net", "in", "10.0.0.0/8|142.0.0.0/8", "142.251.111.147", true),
        ("t.net", "= anyof", "10.0.0.0/8|142.0.0.0/8", "142.251.111.147", true),
    ];
    for (name, operator, constants, value, expected) in rows {
        check(name, operator, constants, addr(value), *expected);
    }
}

/// Section 3.8: both ends of a connection.
#[test]
fn ends() {
    let connection = || Value::List(vec![addr("172.40.111.222"), addr("142.251.111.147")]);
    let ports = || Value::List(vec![Value::Uint(54321), Value::Uint(443)]);
    let no_ends = || Value::List(vec![]);
    let rows: &[(&str, &str, &str, Value<'static>, bool)] = &[
        ("fd.ip", "=", "142.251.111.147", connection(), true),
        ("fd.ip", "=", "172.40.111.222", connection(), true),
        ("fd.ip", "!=", "142.251.111.147", connection(), false),
        ("fd.ip", "!=", "1.2.3.4", connection(), true),
        ("fd.ip", "!=", "::1", connection(), true),
        ("fd.ip", "=", "::1", connection(), false),
        ("fd.ip", "in", "142.251.111.147", connection(), false),
        ("fd.ip", "intersects", "142.251.111.147", connection(), false),
        ("fd.ip", "exists", "", no_ends(), true),
        ("fd.ip", "exists", "", Value::Null, false),
        ("fd.ip", "!=", "1.2.3.4", no_ends(), false),
        ("fd.ip", "=", "1.2.3.4", addr("1.2.3.4"), true),
        ("fd.ip", "!=", "1.2.3.4", addr("1.2.3.5"), true),
        ("fd.ip", "= anyof", "1.2.3.4|142.251.111.147", connection(), false),
        ("fd.net", "=", "142.0.0.0/4", connection(), true),
        ("fd.net", "!=", "10.0.0.0/8", connection(), true),
        ("fd.net", "!=", "142.0.0.0/8", connection(), false),
        ("fd.net", "!=", "2001:db8::0/64", connection(), true),
        ("fd.net", "in", "10.0.0.0/8|142.0.0.0/8", connection(), false),
        ("fd.net", "in", "142.0.0.0/8|10.0.0.0/8", connection(), true),
        ("fd.net", "in", "", connection(), false),
        ("fd.net", "intersects", "142.0.0.0/8", connection(), false),
        ("fd.port", "in", "443", ports(), true),
        ("fd.port", "=", "54321", ports(), true),
        ("fd.port", "!=", "443", ports(), false),
        ("fd.port", "!=", "80", ports(), true),
        ("fd.port", "<", "1024", ports(), true),
        ("fd.port", ">=", "50000", ports(), true),
        ("fd.port", "intersects", "443", ports(), false),
        ("fd.port", "=", "80", Value::Uint(80), true),
        ("fd.port", "exists", "", no_ends(), true),
    ];
    for (name, operator, constants, value, expected) in rows {
        check(name, operator, constants, value.clone(), *expected);
    }
}

/// Section 3.8: fields of all ancestors.
#[test]
fn ancestors() {
    let pids = || Value::List(vec![Value::Int(10), Value::Int(1)]);
    let rows: &[(&str, &str, &str, Value<'static>, bool)] = &[
        ("proc.aname", "=", "sshd", list(&["bash", "sshd"]), true),
        ("proc.aname", "!=", "sshd", list(&["bash", "sshd"]), true),
        ("proc.aname", "!=", "sshd", list(&["sshd"]), false),
        ("proc.aname", "=", "myexe", list(&["bash", "sshd"]), false),
        ("proc.aname", "in", "x|sshd", list(&["bash", "sshd"]), true),
        ("proc.aname", "startswith", "ss", list(&["bash", "sshd"]), true),
        ("proc.aname", "pmatch", "sshd", list(&["bash", "sshd"]), true),
        ("proc.aname", "!=", "sshd", list(&[]), false),
        ("proc.aname", "exists", "", list(&["bash"]), true),
        ("proc.aname", "exists", "", list(&[]), false),
        ("proc.aname", "exists", "", Value::Null, false),
        // The modifier is ignored and only the first constant used.
        ("proc.aname", "= anyof", "x|sshd", list(&["bash", "sshd"]), false),
        ("proc.aname", "= allof", "sshd|x", list(&["bash", "sshd"]), true),
        ("proc.aname", "= anyof", "", list(&["bash"]), false),
        ("proc.apid", "=", "1", pids(), true),
        ("proc.apid", ">", "9", pids(), true),
        ("proc.apid", "in", "1", pids(), false),
        ("proc.apid", "intersects", "1", pids(), false),
        // An index picks one ancestor: one value.
        ("proc.aname", "=", "bash", Value::str("bash"), true),
    ];
    for (name, operator, constants, value, expected) in rows {
        check(name, operator, constants, value.clone(), *expected);
    }
    let not = Expr::Not(Box::new(simple("proc.aname", "=", "sshd")));
    assert!(!result(&not, &Event::new([("proc.aname", list(&["bash", "sshd"]))])));
    assert!(result(&not, &Event::new([])));
}

#[test]
fn lists() {
    let rows: &[(&str, &str, Value<'static>, bool)] = &[
        ("in", "file|ipv4", list(&["file", "ipv4"]), true),
        ("in", "file", list(&["file", "ipv4"]), false),
        ("in", "file", list(&[]), true),
        ("in", "", list(&[]), true),
        ("in", "file", Value::Null, false),
        ("intersects", "file|x", list(&["file", "ipv4"]), true),
        ("intersects", "x", list(&["file", "ipv4"]), false),
        ("intersects", "x", list(&[]), false),
        ("exists", "", list(&[]), true),
    ];
    for (operator, constants, value, expected) in rows {
        check("t.list", operator, constants, value.clone(), *expected);
        check("fd.types", operator, constants, value.clone(), *expected);
    }
    check("t.ulist", "in", "1|2", Value::List(vec![Value::Uint(2), Value::Uint(1)]), true);
}

/// Section 3.8: raw arguments.
#[test]
fn raw_arguments() {
    let rows: &[(&str, &str, &str, Value<'static>, bool)] = &[
        ("evt.rawarg.res", "=", "-22", Value::Int(-22), true),
        ("evt.rawarg.res", ">", "4294967295", Value::Int(-22), false),
        ("evt.rawarg.res", "<", "-1", Value::Int(-22), true),
        ("evt.rawarg.res", "in", "-22", Value::Int(-22), false),
        ("evt.rawarg.res", "intersects", "-22", Value::Int(-22), false),
        // Of 32 bits when compiled, unsigned in the event at hand.
        ("evt.rawarg.small", "=", "-1", Value::Uint(4294967295), true),
        ("evt.rawarg.small", "=", "-1", Value::Int(-1), true),
        ("evt.rawarg.res", "= anyof", "1|-22", Value::Int(-22), false),
        ("evt.rawarg.name", "=", "x", Value::str("x"), true),
        ("evt.rawarg.name", "in", "x", Value::str("x"), true),
        // Text where a number was expected.
        ("evt.rawarg.res", "!=", "1", Value::str("x"), false),
        ("evt.rawarg.data", "=", "ab", Value::Bytes(b"ab".as_slice().into()), false),
        ("evt.rawarg.data", "!=", "ab", Value::Bytes(b"ab".as_slice().into()), true),
        ("evt.rawarg.data", "!=", "ab", Value::Null, false),
        ("evt.rawarg.data", "contains", "", Value::Bytes(b"ab".as_slice().into()), true),
    ];
    for (name, operator, constants, value, expected) in rows {
        check(name, operator, constants, value.clone(), *expected);
    }
}

#[test]
fn fields_with_fields() {
    let event = || {
        Event::new([
            ("t.str", Value::str("abc")),
            ("t.str2", Value::str("b\0x")),
            ("t.i64", Value::Int(-5)),
            ("t.i64b", Value::Int(3)),
            ("t.bytes", Value::Bytes(b"a\0b".as_slice().into())),
            ("t.bytes2", Value::Bytes(b"\0b".as_slice().into())),
            ("t.list", list(&["a", "b"])),
            ("t.list2", list(&["b"])),
        ])
    };
    let rows = [
        ("t.str", "=", "t.str", true),
        ("t.str", "=", "t.str2", false),
        ("t.str", "!=", "t.str2", true),
        ("t.str", "contains", "t.str2", true),
        ("t.str", "icontains", "t.str2", true),
        ("t.str", "startswith", "t.str2", false),
        ("t.str", "<", "t.str2", true),
        ("t.str", "in", "t.str", true),
        ("t.str", "glob", "t.str2", false),
        ("t.i64", "<", "t.i64b", true),
        ("t.i64", ">=", "t.i64b", false),
        ("t.i64", "intersects", "t.i64", true),
        ("t.bytes", "endswith", "t.bytes2", true),
        ("t.bytes", "=", "t.bytes2", false),
        ("t.list", "in", "t.list2", false),
        ("t.list2", "in", "t.list", true),
        ("t.list", "intersects", "t.list2", true),
    ];
    for (a, operator, b, expected) in rows {
        assert_eq!(result(&fields(field(a), operator, field(b)), &event()), expected, "{a} {operator} {b}");
    }
    // An absent right side is false, `!=` included.
    assert!(!result(&fields(field("t.str"), "!=", field("t.str2")), &Event::new([("t.str", Value::str("a"))])));
}

#[test]
fn transformers() {
    use Transform::*;
    let event = Event::new([
        ("t.str", Value::str("/opt/Dir/file.txt")),
        ("t.str2", Value::str("aGVsbG8")),
        ("t.path", Value::str("/a/")),
        ("t.bytes", Value::Bytes(b"ab\0c".as_slice().into())),
        ("t.list", list(&["A", "b"])),
    ]);
    let rows: Vec<(Operand, &str, &[&str], bool)> = vec![
        (call(ToLower, vec![field("t.str")]), "=", &["/opt/dir/file.txt"], true),
        (call(ToUpper, vec![call(ToLower, vec![field("t.str")])]), "=", &["/OPT/DIR/FILE.TXT"], true),
        (call(Basename, vec![field("t.str")]), "=", &["file.txt"], true),
        (call(Basename, vec![field("t.path")]), "=", &[""], true),
        (call(Basename, vec![field("t.str2")]), "=", &["aGVsbG8"], true),
        (call(B64, vec![field("t.str2")]), "=", &["hello"], true),
        (call(B64, vec![field("t.str")]), "exists", &[], false),
        (call(Len, vec![field("t.str")]), "=", &["17"], true),
        (call(Len, vec![field("t.bytes")]), "=", &["4"], true),
        (call(Len, vec![field("t.list")]), ">", &["1"], true),
        (call(ToLower, vec![field("t.list")]), "in", &["a", "b"], true),
        (call(Join, vec![text(","), texts(&["a", "b"])]), "=", &["a,b"], true),
        (call(Join, vec![text(","), texts(&[])]), "=", &[""], true),
        (call(Join, vec![text("-"), field("t.list")]), "=", &["A-b"], true),
        (call(Concat, vec![text("x"), field("t.path")]), "=", &["x/a/"], true),
        (call(Concat, vec![text("x"), field("t.path2")]), "exists", &[], false),
        (getopt(&["-nt", "v"], "nt:", Some("t")), "=", &["v"], true),
        (getopt(&["-t"], "t:", Some("t")), "=", &[""], true),
        (getopt(&["-n"], "nt:", Some("t")), "!=", &[""], false),
        (getopt(&["-n"], "nt:", Some("n")), "=", &["n"], true),
        (getopt(&["-tv"], "t:", Some("t")), "=", &["v"], true),
        (getopt(&["-t", "a", "-t", "b"], "t:", Some("t")), "=", &["b"], true),
        (getopt(&["--long", "-n"], "n", Some("n")), "exists", &[], true),
        (getopt(&["--", "-n"], "n", Some("n")), "exists", &[], false),
        (getopt(&["x", "-n"], "n", Some("n")), "exists", &[], false),
        (getopt(&["-", "-n"], "n", Some("n")), "exists", &[], false),
        (getopt(&["-nx"], "n", None), "in", &["n", "?"], true),
        (getopt(&["-t", "v"], "t:", None), "intersects", &["v"], true),
        (getopt(&[], "t:", None), "in", &["v"], true),
    ];
    for (lhs, operator, constants, expected) in rows {
        let shown = lhs.to_string();
        assert_eq!(result(&leaf(lhs, operator, constants), &event), expected, "{shown} {operator} {constants:?}");
    }
}

fn getopt(argv: &[&str], options: &str, index: Option<&str>) -> Operand {
    let args = vec![texts(argv), common::text(options)];
    Operand::Call { transform: Transform::Getopt, args, index: index.map(str::to_owned) }
}

#[test]
fn errors() {
    use TypeErrorKind as E;
    let is = |kind: E, expected: fn(&E) -> bool| assert!(expected(&kind), "{kind:?}");
    for (name, operators) in [
        ("t.str", "bcontains bstartswith"),
        ("t.path", "bcontains bstartswith"),
        ("t.bytes", "< <= > >= icontains glob iglob regex pmatch"),
        ("t.i64", "contains icontains startswith endswith bcontains bstartswith glob iglob regex pmatch"),
        ("t.port", "contains startswith pmatch"),
        ("t.double", "contains regex"),
        ("t.bool", "< <= > >= contains pmatch glob regex"),
        ("t.ip", "< > contains glob pmatch"),
        ("t.net", "< > contains regex"),
        ("t.list", "= != < contains startswith glob regex pmatch"),
        ("t.opaque", "= != < contains in intersects pmatch"),
        ("evt.around", "!= < in"),
    ] {
        for operator in operators.split(' ') {
            is(error(&simple(name, operator, "1")), |kind| matches!(kind, E::Operator { .. }));
        }
        let exists = compile_with(&simple(name, "exists", ""), &TestScheme);
        assert!(exists.is_ok(), "{name} exists");
    }
    for (name, operator, constant) in [
        ("t.i64", "=", "0x1F"),
        ("t.i64", "in", "1|a"),
        ("t.bool", "=", "True"),
        ("t.ip", "=", "1.2.3.4/8"),
        ("t.net", "=", "1.2.3.4"),
        ("t.str", "=", "\0"),
        ("t.str", "in", "a|b\0"),
        ("t.bytes", "bcontains", "2g"),
        ("fd.ip", "in", "x"),
    ] {
        is(error(&simple(name, operator, constant)), |kind| matches!(kind, E::Constant { .. }));
    }
    is(error(&simple("t.port", "=", "nosuch")), |kind| matches!(kind, E::UnknownService { .. }));
    is(error(&simple("t.str", "regex", "\\d")), |kind| matches!(kind, E::Regex { .. }));
    is(error(&simple("t.print", "=", "a")), |kind| matches!(kind, E::PrintOnly { .. }));
    is(error(&leaf(field("t.str"), "in oneof", &["a"])), |kind| matches!(kind, E::Modifier { .. }));
    is(error(&leaf(field("t.i64"), "< oneof", &["1"])), |kind| matches!(kind, E::Modifier { .. }));
    is(error(&leaf(field("t.str"), "=", &[])), |kind| matches!(kind, E::ValueCount { .. }));
    is(error(&leaf(field("t.str"), "=", &["a", "b"])), |kind| matches!(kind, E::ValueCount { .. }));
    is(error(&leaf(text("a"), "=", &["a"])), |kind| matches!(kind, E::NotAField));
    // Fields with fields.
    is(error(&fields(field("t.str"), "=", field("t.bool"))), |kind| matches!(kind, E::TypesDiffer { .. }));
    is(error(&fields(field("t.str"), "=", field("t.path"))), |kind| matches!(kind, E::TypesDiffer { .. }));
    is(error(&fields(field("t.list"), "in", field("t.str"))), |kind| matches!(kind, E::TypesDiffer { .. }));
    is(error(&fields(field("t.str"), "pmatch", field("t.str"))), |kind| matches!(kind, E::FieldToField { .. }));
    is(error(&fields(field("t.str"), "regex", field("t.str"))), |kind| matches!(kind, E::FieldToField { .. }));
    is(error(&fields(field("t.net"), "=", field("t.ip"))), |kind| matches!(kind, E::FieldToField { .. }));
    is(error(&fields(field("proc.aname"), "=", field("t.str"))), |kind| matches!(kind, E::NoRhs { .. }));
    is(error(&fields(field("t.str"), "=", field("proc.aname"))), |kind| matches!(kind, E::NoRhs { .. }));
    is(error(&fields(field("t.list"), "in", field("fd.types"))), |kind| matches!(kind, E::NoRhs { .. }));
    // Transformers.
    let transformed = |transform, args| error(&leaf(call(transform, args), "exists", &[]));
    use Transform::*;
    is(transformed(ToLower, vec![field("proc.aname")]), |kind| matches!(kind, E::NoTransformer { .. }));
    is(transformed(ToLower, vec![field("t.i64")]), |kind| matches!(kind, E::ArgumentType { .. }));
    is(transformed(B64, vec![field("t.path")]), |kind| matches!(kind, E::ArgumentType { .. }));
    is(transformed(Len, vec![field("t.u64")]), |kind| matches!(kind, E::ArgumentType { .. }));
    is(transformed(Concat, vec![text("a")]), |kind| matches!(kind, E::ArgumentCount { .. }));
    is(transformed(Concat, vec![text("a"), field("t.list")]), |kind| matches!(kind, E::ArgumentType { .. }));
    is(transformed(Join, vec![text("a"), text("b")]), |kind| matches!(kind, E::ArgumentType { .. }));
    is(transformed(ToLower, vec![]), |kind| matches!(kind, E::ArgumentCount { .. }));
    is(error(&leaf(getopt(&[], "a", Some("ab")), "=", &["a"])), |kind| matches!(kind, E::OptionName { .. }));
    let indexed = Operand::Call { transform: ToLower, args: vec![field("t.str")], index: Some("x".into()) };
    is(error(&leaf(indexed, "=", &["a"])), |kind| matches!(kind, E::IndexNotAllowed { .. }));
    let nested = (0..100).fold(field("t.str"), |inner, _| call(ToLower, vec![inner]));
    is(error(&leaf(nested, "=", &["a"])), |kind| matches!(kind, E::TooDeep { .. }));
    // Kinds of event.
    is(
        error(&simple("evt.type", "=", "opne")),
        |kind| matches!(kind, E::UnknownEventType { candidates, .. } if candidates.contains(&"open")),
    );
    is(error(&simple("evt.type", "in", "open|x")), |kind| matches!(kind, E::UnknownEventType { .. }));
    assert!(compile_with(&simple("syscall.type", "=", "nosuch"), &TestScheme).is_ok());
    let lower = call(ToLower, vec![field("evt.type")]);
    is(error(&leaf(lower, "=", &["open"])), |kind| matches!(kind, E::EventTypeNotConstant { .. }));
    is(error(&fields(field("evt.type"), "=", field("t.str"))), |kind| matches!(kind, E::EventTypeNotConstant { .. }));
}

#[test]
fn every_error_is_told() {
    let both = Expr::And(vec![simple("t.i64", "=", "x"), simple("t.str", "=", "a"), simple("t.bool", "=", "y")]);
    assert_eq!(compile_with(&both, &TestScheme).unwrap_err().len(), 2);
}

#[test]
fn quirks_are_told() {
    let rows: &[(&str, &str, &str, &[WarningKind])] = &[
        ("fd.ip", "in", "1.2.3.4", &[WarningKind::Quirk(Quirk::AddressInNever)]),
        ("fd.ip", "=", "1.2.3.4", &[]),
        ("fd.net", "in", "10.0.0.0/8", &[WarningKind::Quirk(Quirk::NetworkInFirstOnly)]),
        ("fd.net", "intersects", "10.0.0.0/8", &[WarningKind::Quirk(Quirk::NetworkIntersectsNever)]),
        ("fd.port", "intersects", "1", &[WarningKind::Quirk(Quirk::EndsIntersectsFails)]),
        ("proc.apid", "in", "1", &[WarningKind::Quirk(Quirk::AncestorIdInNever)]),
        ("proc.aname", "!=", "x", &[WarningKind::Quirk(Quirk::AncestorsNotEqual)]),
        ("proc.aname", "= oneof", "x", &[WarningKind::Quirk(Quirk::ModifierIgnored)]),
        ("evt.rawarg.res", "in", "1", &[WarningKind::Quirk(Quirk::RawNumberInNever)]),
        ("evt.rawarg.data", "=", "x", &[WarningKind::Quirk(Quirk::RawBytesEmpty)]),
        ("t.str", "regex", "^abc.*", &[WarningKind::NeedlessRegex]),
        ("t.str", "regex", "a|b", &[]),
    ];
    for &(name, operator, constants, expected) in rows {
        let predicate = compile_with(&simple(name, operator, constants), &TestScheme).unwrap();
        let kinds: Vec<WarningKind> = predicate.warnings().iter().map(|warning| warning.kind).collect();
        assert_eq!(kinds, expected, "{name} {operator}");
    }
    assert_eq!(Modifier::OneOf.name(), "oneof");
}
