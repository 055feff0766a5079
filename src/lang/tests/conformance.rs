//! Section 8.4 of the specification: items of rule files, what they make of each other, and what is said about them.

use std::fmt::Write;

use tracehound_lang::{Diagnostic, Loaded, Severity, SourceFile, load};
use tracehound_rules::{Expr, Operand, Rhs};

/// A rule with these lines besides its name, description, output and priority.
fn rule(name: &str, lines: &str) -> String {
    let mut out = format!("- rule: {name}\n  desc: d\n  output: o\n  priority: INFO\n");
    for line in lines.lines() {
        let _ = writeln!(out, "  {line}");
    }
    out
}

fn load_texts(texts: &[&str]) -> Loaded {
    let files: Vec<SourceFile> =
        texts.iter().enumerate().map(|(i, text)| SourceFile::new(format!("{i}.yaml"), *text)).collect();
    load(&files)
}

/// A condition in one notation, to compare.
fn show(expr: &Expr) -> String {
    let join = |parts: &[Expr], word: &str| format!("({})", parts.iter().map(show).collect::<Vec<_>>().join(word));
    match expr {
        Expr::Const(value) => value.to_string(),
        Expr::Not(part) => format!("not {}", show(part)),
        Expr::And(parts) => join(parts, " and "),
        Expr::Or(parts) => join(parts, " or "),
        Expr::Leaf(leaf, _) => {
            let modifier = leaf.modifier.map_or(String::new(), |m| format!(" {}", m.name()));
            let rhs = match &leaf.rhs {
                Rhs::None => String::new(),
                Rhs::Constants(values) => {
                    let values: Vec<_> = values.iter().map(|v| String::from_utf8_lossy(v)).collect();
                    format!(" {}", values.join("|"))
                }
                Rhs::Operand(operand) => format!(" @{}", show_operand(operand)),
            };
            format!("{} {}{modifier}{rhs}", show_operand(&leaf.lhs), leaf.op.name())
        }
    }
}

fn show_operand(operand: &Operand) -> String {
    let join = |items: &[Operand]| items.iter().map(show_operand).collect::<Vec<_>>().join(",");
    match operand {
        Operand::Field(field) => field.text.to_string(),
        Operand::Call { transform, args, index } => {
            let index = index.as_ref().map_or(String::new(), |i| format!("[{i}]"));
            format!("{}({}){index}", transform.name(), join(args))
        }
        Operand::Const(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Operand::List(items) => format!("({})", join(items)),
    }
}

/// Code and a part of the message of each diagnostic.
type Said<'a> = &'a [(&'a str, &'a str)];

/// Number of the case, files, what is said, and the condition of rule `r`; `None` if it must not load.
type Case<'a> = (&'a str, &'a [&'a str], Said<'a>, Option<&'a str>);

/// What a load must give.
struct Expected<'a> {
    /// Code and a part of the message of each diagnostic, in order, those about all kinds of event, unused items and
    /// remarks left out unless they are named.
    said: Said<'a>,
    /// Conditions of rules that must be there; `None`: the rule must not be there.
    rules: &'a [(&'a str, Option<&'a str>)],
}

fn check(id: &str, texts: &[&str], expected: Expected<'_>) {
    let loaded = load_texts(texts);
    let quiet = ["LOAD_NO_EVTTYPE", "LOAD_UNUSED_MACRO", "LOAD_UNUSED_LIST"];
    let is_quiet = |d: &Diagnostic| d.severity == Severity::Lint || quiet.contains(&d.code.name());
    let is_named = |code: &str| expected.said.iter().any(|(named, _)| *named == code);
    let said: Vec<_> = loaded.diagnostics.iter().filter(|d| !is_quiet(d) || is_named(d.code.name())).collect();
    let is_equal = said.len() == expected.said.len()
        && said.iter().zip(expected.said).all(|(d, (code, part))| d.code.name() == *code && d.message.contains(part));
    assert!(is_equal, "{id}: expected {:?}, found\n{}", expected.said, loaded.render());
    for (name, condition) in expected.rules {
        let rule = loaded.rules.iter().find(|r| r.name == *name);
        let found = rule.map(|r| show(&r.condition));
        assert_eq!(found.as_deref(), *condition, "{id}: {name}\n{}", loaded.render());
    }
}

const VALIDATE: &str = "LOAD_ERR_VALIDATE";
const YAML: &str = "LOAD_ERR_YAML_VALIDATE";
const CONDITION: &str = "LOAD_ERR_COMPILE_CONDITION";
const OUTPUT: &str = "LOAD_ERR_COMPILE_OUTPUT";
const DEPRECATED: &str = "LOAD_DEPRECATED_ITEM";

const OPEN: &str = "condition: evt.type = open";

#[test]
fn lists_and_macros() {
    let cases: &[Case<'_>] = &[
        (
            "Y1",
            &[
                "- {list: L, items: [a]}",
                &rule("r", "condition: proc.name in (L)"),
                "- {list: L, items: [b], override: {items: append}}",
            ],
            &[],
            Some("proc.name in a|b"),
        ),
        (
            "Y2",
            &[
                "- {macro: M, condition: proc.name = A or proc.name = B}",
                &rule("r", "condition: evt.type=open and M"),
                "- {macro: M, condition: or proc.name = C, override: {condition: append}}",
            ],
            &[],
            Some("(evt.type = open and (proc.name = A or proc.name = B or proc.name = C))"),
        ),
        (
            "replacing a list",
            &["- {list: L, items: [a]}\n- {list: L, items: [b]}", &rule("r", "condition: proc.name in (L)")],
            &[],
            Some("proc.name in b"),
        ),
        (
            "replacing by override",
            &["- {list: L, items: [b], override: {items: replace}}", &rule("r", "condition: proc.name in (L)")],
            &[],
            Some("proc.name in b"),
        ),
        (
            "a macro redefined later",
            &[
                "- {macro: M, condition: proc.name = a}",
                &rule("r", "condition: not M"),
                "- {macro: M, condition: proc.name = b}",
            ],
            &[],
            Some("not proc.name = b"),
        ),
        (
            "a macro in a macro",
            &[
                "- {macro: a, condition: proc.name = x or proc.name = y}\n- {macro: b, condition: a and evt.type = open}",
                &rule("r", "condition: not b"),
            ],
            &[],
            Some("not ((proc.name = x or proc.name = y) and evt.type = open)"),
        ),
        (
            "Y33: a macro defined too late for another",
            &["- {macro: a, condition: b}\n- {macro: b, condition: evt.type = open}", &rule("r", "condition: a")],
            &[(VALIDATE, "Undefined macro 'b'")],
            None,
        ),
        (
            "Y33: a macro defined after the rule",
            &[&(rule("r", "condition: a") + "- {macro: a, condition: evt.type = open}")],
            &[],
            Some("evt.type = open"),
        ),
        (
            "a macro of a later file",
            &[&rule("r", "condition: a"), "- {macro: a, condition: evt.type = open}"],
            &[("TH_FORWARD_REFERENCE", "macro 'a'")],
            Some("evt.type = open"),
        ),
        (
            "a loop",
            &[
                "- {macro: a, condition: evt.type = open}\n- {macro: b, condition: a}\n- {macro: a, condition: or b, append: true}",
                &rule("r", "condition: b"),
            ],
            &[(VALIDATE, "reference loop in macro 'a'"), (DEPRECATED, "append")],
            None,
        ),
        (
            "a macro that does not parse",
            &[
                "- {macro: a, condition: proc.name x y}",
                &rule("r", "condition: a"),
                &rule("s", "condition: a or evt.type = open"),
            ],
            &[(CONDITION, "'x' is no operator")],
            None,
        ),
        (
            "an undefined macro",
            &[&rule("r", "condition: evt.type = open and nothing")],
            &[(VALIDATE, "Undefined macro 'nothing'")],
            None,
        ),
        (
            "Y23",
            &[
                "- {macro: test-macro, condition: evt.type = open}\n- {list: test list, items: [a]}",
                &rule("r", "condition: proc.name in (test list)"),
            ],
            &[("LOAD_INVALID_MACRO_NAME", ""), ("LOAD_INVALID_LIST_NAME", "")],
            Some("proc.name in a"),
        ),
        (
            "Y9: list",
            &["- {list: L, items: [b], override: {items: append}}"],
            &[(VALIDATE, "no list by the name 'L'")],
            None,
        ),
        (
            "Y9: macro",
            &["- {macro: M, condition: b, override: {condition: append}}"],
            &[(VALIDATE, "no macro by the name 'M'")],
            None,
        ),
        (
            "Y9: rule",
            &["- {rule: r, condition: b, override: {condition: append}}"],
            &[(VALIDATE, "no rule by the name 'r'")],
            None,
        ),
        (
            "a list without parentheses",
            &["- {list: L, items: [a, b]}", &rule("r", "condition: proc.name in L")],
            &[(CONDITION, "unexpected token")],
            None,
        ),
        ("a list without items", &["- list: L"], &[(YAML, "Item has no mapping for key 'items'")], None),
        ("items that are no sequence", &["- {list: L, items: a}"], &[(YAML, "Value is not a sequence")], None),
        ("items that are no scalars", &["- {list: L, items: [[a]]}"], &[(YAML, "sequence value is not scalar")], None),
        ("an empty macro", &["- {macro: M, condition: ''}"], &[(YAML, "Value must be non-empty")], None),
        ("a null macro", &["- {macro: M, condition: }"], &[(YAML, "Mapping for key 'condition' is empty")], None),
        (
            "numbers and booleans in lists are their text",
            &["- {list: L, items: [0x10, yes, 1.50, 'q']}", &rule("r", "condition: proc.name in (L)")],
            &[],
            Some("proc.name in 0x10|yes|1.50|q"),
        ),
        (
            "an empty list",
            &["- {list: L, items: []}", &rule("r", "condition: proc.name in (a, L) or proc.name in (L)")],
            &[],
            Some("(proc.name in a or proc.name in )"),
        ),
    ];
    for (id, texts, said, condition) in cases {
        check(id, texts, Expected { said, rules: &[("r", *condition)] });
    }
}

#[test]
fn rules() {
    let base = rule("r", "condition: proc.name = a\ntags: [x, b]");
    let base = base.as_str();
    let a = Some("proc.name = a");
    let cases: &[Case<'_>] = &[
        (
            "Y3",
            &[
                base,
                "- {rule: r, condition: and evt.type = open, output: more, desc: more, override: {condition: append, output: append, desc: append}}",
            ],
            &[],
            Some("(proc.name = a and evt.type = open)"),
        ),
        (
            "Y4",
            &[base, "- {rule: r, condition: or proc.name = b, append: true}"],
            &[(DEPRECATED, "'append' key")],
            Some("(proc.name = a or proc.name = b)"),
        ),
        (
            "Y5",
            &[base, "- {rule: r, condition: or proc.name = b, append: true, override: {condition: append}}"],
            &[(DEPRECATED, "'append' key"), (YAML, "Keys 'override' and 'append: true' cannot be used together")],
            a,
        ),
        (
            "empty override",
            &[base, "- {rule: r, condition: or proc.name = b, append: true, override: {}}"],
            &[(DEPRECATED, "'append' key")],
            Some("(proc.name = a or proc.name = b)"),
        ),
        (
            "Y6",
            &[base, "- {rule: r, priority: INFO, override: {priority: append}}"],
            &[(YAML, "Key 'priority' cannot be appended to, use 'replace' instead")],
            a,
        ),
        (
            "Y7",
            &[base, "- {rule: r, override: {condition: append}}"],
            &[(YAML, "An append override for 'condition' was specified but 'condition' is not defined")],
            a,
        ),
        (
            "Y8",
            &[base, "- {rule: r, condition: or proc.name = b, priority: INFO, override: {condition: append}}"],
            &[(YAML, "Unexpected key 'priority': no corresponding entry under 'override' is defined.")],
            a,
        ),
        (
            "a key that cannot be replaced",
            &[base, "- {rule: r, source: x, override: {source: replace}}"],
            &[(YAML, "Key 'source' cannot be replaced")],
            a,
        ),
        (
            "an unknown operation",
            &[base, "- {rule: r, condition: b, override: {condition: prepend}}"],
            &[(YAML, "Invalid override operation for key 'condition': 'prepend'. Allowed values are: append replace")],
            a,
        ),
        (
            "append without anything",
            &[base, "- {rule: r, append: true}"],
            &[(VALIDATE, "Appended rule must have exceptions or condition property"), (DEPRECATED, "")],
            a,
        ),
        (
            "append then replace",
            &[base, "- {rule: r, condition: proc.name = z, override: {condition: replace}}"],
            &[],
            Some("proc.name = z"),
        ),
        ("Y13: number", &["- required_engine_version: 26", base], &[], a),
        ("Y13: version", &["- required_engine_version: 0.26.0", base], &[], a),
        (
            "Y13: text",
            &["- required_engine_version: seven", base],
            &[(YAML, "Unable to parse engine version 'seven'")],
            a,
        ),
        (
            "Y13: newer",
            &["- required_engine_version: 0.999.0", base],
            &[(VALIDATE, "Rules require engine version 0.999.0, but engine version is 0.63.0")],
            a,
        ),
        (
            "Y13: major",
            &["- required_engine_version: 1.0.0", base],
            &[(VALIDATE, "Rules require engine version 1.0.0")],
            a,
        ),
        ("plug-in", &["- required_plugin_versions: [{name: container, version: 0.4.0}]", base], &[], a),
        (
            "plug-in, alternatives",
            &[
                "- required_plugin_versions: [{name: k8saudit, version: 0.7.0, alternatives: [{name: container, version: 0.2.0}]}]",
                base,
            ],
            &[],
            a,
        ),
        (
            "plug-in that is not there",
            &["- required_plugin_versions: [{name: k8saudit, version: 0.7.0}]", base],
            &[("TH_PLUGIN_MISSING", "must load one of: k8saudit (>= 0.7.0)")],
            a,
        ),
        (
            "plug-in, version",
            &["- required_plugin_versions: [{name: container, version: new}]", base],
            &[(VALIDATE, "Invalid required version 'new' for plugin 'container'")],
            a,
        ),
        (
            "plug-in, twice",
            &[
                "- required_plugin_versions: [{name: container, version: 0.4.0, alternatives: [{name: container, version: 0.4.0}]}]",
                base,
            ],
            &[(VALIDATE, "Defined multiple alternative version requirements")],
            a,
        ),
        (
            "plug-in, major version",
            &["- required_plugin_versions: [{name: container, version: 1.0.0}]", base],
            &[("TH_PLUGIN_MISSING", "")],
            a,
        ),
        (
            "Y24",
            &[&rule("r", "condition: proc.name = a\ntypo_field: x"), "- {list: L, items: [], priority: INFO}"],
            &[("LOAD_UNKNOWN_KEY", "Unknown key 'typo_field'"), ("LOAD_UNKNOWN_KEY", "Unknown key 'priority'")],
            a,
        ),
        ("Y25", &[base, "- foo: bar"], &[("LOAD_UNKNOWN_ITEM", "Unknown top level item")], a),
        (
            "Y26",
            &[&rule(
                "r",
                "condition: ka.verb = x\nsource: k8s_audit\nexceptions: [{name: e, fields: ka.nothing, values: [x]}]",
            )],
            &[("LOAD_UNKNOWN_SOURCE", "Unknown source k8s_audit, skipping")],
            None,
        ),
        (
            "Y27",
            &[base, &rule("r", "condition: proc.name = a\nsource: k8s_audit")],
            &[(VALIDATE, "Rule has been re-defined with a different source")],
            a,
        ),
        (
            "source in an addition",
            &[base, "- {rule: r, condition: or proc.name = b, source: other, override: {condition: append}}"],
            &[(VALIDATE, "different source")],
            a,
        ),
        (
            "quirk: source without condition",
            &[base, "- {rule: r, desc: x, source: other, override: {desc: append}}"],
            &[],
            a,
        ),
        ("empty source", &[&rule("r", "condition: proc.name = a\nsource:")], &[], a),
        (
            "Y28: skip",
            &[&rule("r", "condition: proc.nothing = a\nskip-if-unknown-filter: true")],
            &[("LOAD_UNKNOWN_FILTER", "nonexistent field proc.nothing")],
            None,
        ),
        (
            "Y28: event type",
            &[&rule("r", "condition: evt.type = nothing\nskip-if-unknown-filter: true")],
            &[("LOAD_UNKNOWN_FILTER", "unknown event type nothing")],
            None,
        ),
        (
            "Y28: error",
            &[&rule("r", "condition: proc.nothing = a")],
            &[(CONDITION, "nonexistent field proc.nothing")],
            None,
        ),
        (
            "syntax is never skipped",
            &[&rule("r", "condition: proc.name =\nskip-if-unknown-filter: true")],
            &[(CONDITION, "")],
            None,
        ),
        ("Y29", &[base], &[("LOAD_NO_EVTTYPE", "Rule matches too many evt.type values")], a),
        (
            "T9",
            &[&rule("r", "condition: evt.type startswith open")],
            &[("LOAD_NO_EVTTYPE", "")],
            Some("evt.type startswith open"),
        ),
        (
            "T10",
            &[&rule("r", "condition: tolower(evt.type) = open")],
            &[(CONDITION, "can only be compared with constants")],
            None,
        ),
        (
            "Y31",
            &[&rule("r", "condition: evt.type = open and evt.dir = <")],
            &[(DEPRECATED, "usage of deprecated field 'evt.dir' has been detected in the rule condition")],
            Some("(evt.type = open and evt.dir = <)"),
        ),
        (
            "Y32: duration",
            &[&rule("r", "condition: proc.name = a\ncapture_duration: not_a_number")],
            &[(YAML, "Can't decode YAML scalar value of 'capture_duration'")],
            None,
        ),
        (
            "Y32: capture",
            &[&rule("r", "condition: proc.name = a\ncapture: maybe")],
            &[(YAML, "Can't decode YAML scalar value of 'capture'")],
            None,
        ),
        (
            "Y34",
            &["- {rule: r, condition: proc.name = a, desc: d, output: o, priority: Warn}"],
            &[(YAML, "Invalid priority")],
            None,
        ),
        ("Y35", &["a: b"], &[(YAML, "Rules content is not yaml array of objects")], None),
        ("a scalar", &["just text"], &[(YAML, "Rules content is not yaml")], None),
        ("an item that is no map", &["- rule", base], &[(YAML, "Unexpected element type")], a),
        ("null items", &["- \n- ~\n- null", base], &[("TH_NO_ITEMS", "")], a),
        ("P21", &[&rule("r", "condition: evt.type = open and proc.name = \"\\x00\"")], &[(CONDITION, "")], None),
        (
            "P21: bytes",
            &[&rule("r", "condition: evt.type = read and evt.buffer = \"\\x00\"")],
            &[],
            Some("(evt.type = read and evt.buffer = \0)"),
        ),
        (
            "a duplicate key",
            &["- {rule: r, condition: proc.name = a, condition: x, desc: d, output: o, priority: INFO}"],
            &[("TH_DUPLICATE_KEY", "key 'condition'")],
            a,
        ),
        (
            "missing keys",
            &["- {rule: r, condition: proc.name = a}"],
            &[(YAML, "'output'"), (YAML, "'desc'"), (YAML, "'priority'")],
            None,
        ),
        (
            "an addition to a rule that could not be read",
            &["- {rule: r, condition: proc.name = a}", "- {rule: r, condition: x, override: {condition: append}}"],
            &[(YAML, "'output'"), (YAML, "'desc'"), (YAML, "'priority'")],
            None,
        ),
        (
            "an operator for another type",
            &[&rule("r", "condition: fd.num startswith 1")],
            &[(CONDITION, "operator 'startswith' is not supported")],
            None,
        ),
    ];
    for (id, texts, said, condition) in cases {
        check(id, texts, Expected { said, rules: &[("r", *condition)] });
    }
}

#[test]
fn exceptions() {
    let base =
        |exceptions: &str| rule("r", &format!("condition: proc.name = A or proc.name = B\nexceptions: {exceptions}"));
    let ab = "(proc.name = A or proc.name = B)";
    // Exceptions, what is said, and what is added to the condition; `None` if the rule does not load.
    let cases: &[(&str, &str, Said<'_>, Option<&str>)] = &[
        (
            "Y14",
            "[{name: e, fields: [proc.cmdline], comps: [contains], values: [[curl 127.0.0.1]]}]",
            &[],
            Some(" and not proc.cmdline contains curl 127.0.0.1"),
        ),
        ("Y15", "[{name: e, fields: proc.name, values: [cat, a b]}]", &[], Some(" and not proc.name in cat|a b")),
        (
            "Y16",
            "[{name: e, fields: [proc.name, fd.name], comps: [=, in], values: [[a, [/x, /y]], [b, /z]]}]",
            &[],
            Some(" and not ((proc.name = a and fd.name in /x|/y) or (proc.name = b and fd.name in /z))"),
        ),
        (
            "Y17",
            "[{name: e, fields: [proc.name, fd.name], values: [[a]]}]",
            &[(VALIDATE, "Fields and values lists must have equal length")],
            None,
        ),
        (
            "Y18: field",
            "[{name: e, fields: [proc.name], values: [[proc.pname]]}]",
            &[("LOAD_COMPILE_CONDITION", "'proc.pname' may be a valid field")],
            Some(" and not proc.name = proc.pname"),
        ),
        (
            "Y18: transformer",
            "[{name: e, fields: [proc.name], values: [[toupper(proc.pname)]]}]",
            &[],
            Some(" and not proc.name = @toupper(proc.pname)"),
        ),
        (
            "Y19: in oneof",
            "[{name: e, fields: [proc.name], comps: [in oneof], values: [[a]]}]",
            &[(VALIDATE, "'in oneof' is not a supported comparison operator")],
            None,
        ),
        (
            "Y19: >= oneof",
            "[{name: e, fields: [proc.name], comps: ['>= oneof'], values: [[a]]}]",
            &[(VALIDATE, "is not a supported comparison operator")],
            None,
        ),
        (
            "Y19: oneof",
            "[{name: e, fields: [proc.name], comps: [oneof], values: [[a]]}]",
            &[(VALIDATE, "is not a supported comparison operator")],
            None,
        ),
        (
            "a modifier",
            "[{name: e, fields: proc.name, comps: startswith anyof, values: [a, b]}]",
            &[],
            Some(" and not proc.name startswith anyof a|b"),
        ),
        (
            "a modifier in a tuple",
            "[{name: e, fields: [proc.name], comps: ['  startswith anyof  '], values: [[[a, b]], [c]]}]",
            &[],
            Some(" and not (proc.name startswith anyof a|b or proc.name startswith anyof c)"),
        ),
        ("no values", "[{name: e, fields: proc.name}, {name: f, fields: [proc.name], values: []}]", &[], Some("")),
        ("null", "", &[], Some("")),
        ("no sequence", "{name: e}", &[(YAML, "Rule exceptions must be a sequence")], None),
        ("no mapping", "[e]", &[(YAML, "Rule exception must be a mapping")], None),
        ("no name", "[{fields: proc.name}]", &[(YAML, "Item has no mapping for key 'name'")], None),
        ("no fields", "[{name: e, values: [a]}]", &[(YAML, "Item has no mapping for key 'fields'")], None),
        (
            "a comparison for one field",
            "[{name: e, fields: proc.name, comps: =, values: [a]}]",
            &[(VALIDATE, "When fields is a single value")],
            None,
        ),
        (
            "lengths",
            "[{name: e, fields: [proc.name], comps: [=, =], values: [[a]]}]",
            &[(VALIDATE, "Fields and comps lists must have equal length")],
            None,
        ),
        (
            "an unknown field",
            "[{name: e, fields: proc.nam, values: [a]}]",
            &[(VALIDATE, "'proc.nam' is not a supported filter field")],
            None,
        ),
        (
            "a transformer as field",
            "[{name: e, fields: tolower(proc.name), values: [a]}]",
            &[],
            Some(" and not tolower(proc.name) in a"),
        ),
        (
            "tuples for one field",
            "[{name: e, fields: proc.name, values: [[a]]}]",
            &[(VALIDATE, "Expected values array to contain a list of strings")],
            None,
        ),
        (
            "two of a name",
            "[{name: e, fields: proc.name, values: [a]}, {name: e, fields: proc.name, values: [b]}]",
            &[("LOAD_EXCEPTION_NAME_NOT_UNIQUE", "'e'")],
            Some(" and not proc.name in a and not proc.name in b"),
        ),
        (
            "a value that is a list's name",
            "[{name: e, fields: proc.name, values: [L]}]",
            &[],
            Some(" and not proc.name in x|y"),
        ),
        (
            "quotes of its own",
            "[{name: e, fields: proc.name, values: ['\"a,b\"']}]",
            &[],
            Some(" and not proc.name in a,b"),
        ),
        (
            "quirk: a comma in a value",
            "[{name: e, fields: proc.name, values: ['a,b']}]",
            &[],
            Some(" and not proc.name in a|b"),
        ),
    ];
    for (id, exceptions, said, added) in cases {
        let condition = added.map(|added| if added.is_empty() { ab.to_owned() } else { format!("({ab}{added})") });
        let expected = Expected { said, rules: &[("r", condition.as_deref())] };
        check(id, &["- {list: L, items: [x, y]}", &base(exceptions)], expected);
    }

    let first = "[{name: e, fields: proc.name, values: [a]}]";
    let cases: &[(&str, &str, Said<'_>, &str)] = &[
        ("values", "exceptions: [{name: e, values: [b]}], override: {exceptions: append}", &[], "a|b"),
        (
            "Y20",
            "exceptions: [{name: e, fields: fd.name, values: [b]}], override: {exceptions: append}",
            &[(VALIDATE, "Can not append exception fields to existing exception, only values")],
            "a",
        ),
        (
            "Y20: comps",
            "exceptions: [{name: e, comps: in, values: [b]}], override: {exceptions: append}",
            &[(VALIDATE, "Can not append exception comps")],
            "a",
        ),
        (
            "Y21",
            "exceptions: [{name: e, values: [b]}], override: {exceptions: replace}",
            &[(YAML, "Item has no mapping for key 'fields'")],
            "a",
        ),
        (
            "Y22",
            "exceptions: [{name: e, value: [b]}], override: {exceptions: append}",
            &[("LOAD_APPEND_NO_VALUES", "no values")],
            "a",
        ),
        (
            "new without fields",
            "exceptions: [{name: f, values: [b]}], override: {exceptions: append}",
            &[(VALIDATE, "Rule exception must have fields property")],
            "a",
        ),
        (
            "new without values",
            "exceptions: [{name: f, fields: fd.name, values: []}], override: {exceptions: append}",
            &[(VALIDATE, "Rule exception must have values property")],
            "a",
        ),
        (
            "replace",
            "exceptions: [{name: f, fields: proc.name, values: [z]}], override: {exceptions: replace}",
            &[],
            "z",
        ),
        (
            "replace, checked",
            "exceptions: [{name: f, fields: [proc.name], comps: [like], values: [[z]]}], override: {exceptions: replace}",
            &[(VALIDATE, "'like' is not a supported comparison operator")],
            "a",
        ),
    ];
    for (id, update, said, values) in cases {
        let condition = format!("({ab} and not proc.name in {values})");
        let expected = Expected { said, rules: &[("r", Some(&condition))] };
        check(id, &[&base(first), &format!("- {{rule: r, {update}}}")], expected);
    }
}

/// Y10, Y11, Y12, and what else additions and redefinitions do to the rest of a rule.
#[test]
fn switches_and_order() {
    let off = rule("r", "condition: proc.name = a\nenabled: false\ntags: [z, b, z]");
    let other = rule("other", OPEN);
    let on = rule("r", "condition: proc.name = b\nenabled: true");
    // Files, and of each rule in order: name, whether it is on, tags.
    let cases: &[(&str, &[&str], &str)] = &[
        ("off", &[&off, &other], "r off b,z; other on "),
        ("Y10", &[&off, &other, "- {rule: r, enabled: true}"], "r on b,z; other on "),
        ("Y11", &[&off, "- {rule: r, append: true, condition: or proc.name = b, enabled: true}"], "r off b,z"),
        ("Y12", &[&off, &other, &on], "r on ; other on "),
        (
            "override",
            &[&off, "- {rule: r, enabled: true, tags: [a, b], override: {enabled: replace, tags: append}}"],
            "r on a,b,z",
        ),
        ("tags replaced", &[&off, "- {rule: r, tags: [a], override: {tags: replace}}"], "r off a"),
        (
            "words for booleans",
            &[&off, "- {rule: r, enabled: Yes}", &other, "- {rule: other, enabled: OFF}"],
            "r on b,z; other off ",
        ),
    ];
    for (id, texts, expected) in cases {
        let loaded = load_texts(texts);
        assert!(loaded.is_ok(), "{id}: {}", loaded.render());
        let shown: Vec<String> = loaded
            .rules
            .iter()
            .map(|r| format!("{} {} {}", r.name, if r.is_enabled { "on" } else { "off" }, r.tags.join(",")))
            .collect();
        assert_eq!(shown.join("; "), *expected, "{id}");
    }
    let loaded = load_texts(&["- {rule: r, enabled: true}"]);
    assert_eq!(loaded.stats.errors, 1, "{}", loaded.render());
}

#[test]
fn texts_of_a_rule() {
    let loaded = load_texts(&[
        "- rule: r\n  desc: >\n    one\n    two\n  condition: >\n    evt.type = open\n    and proc.name = a\n  output: >\n    x\n    y\n  priority: informational\n",
        "- {rule: r, output: ' z ', condition: or evt.type = close, override: {output: append, condition: append}}",
    ]);
    assert!(loaded.is_ok(), "{}", loaded.render());
    let rule = &loaded.rules[0];
    assert_eq!(rule.description, "one two\n");
    assert_eq!(rule.output_text, "x y  z ", "trimmed in the definition, not in the addition");
    assert_eq!(rule.condition_text, "evt.type = open and proc.name = a\n or evt.type = close");
    assert_eq!(rule.priority.name(), "Informational");
    assert_eq!((rule.origin.path.as_str(), rule.origin.line, rule.origin.column), ("0.yaml", 1, 9));
    let row = loaded.row(rule);
    assert_eq!(row.kinds, Some(vec!["close", "open"]));
    assert_eq!(row.condition_fields, ["evt.type", "proc.name"]);
    assert_eq!(row.location, "0.yaml:1");
}

/// Section 8.5, and section 6.4: parts of a template as `text`, `{key}` or `{width:key}`.
#[test]
fn outputs() {
    let cases: &[(&str, Result<&str, &str>)] = &[
        ("start %2proc.name end", Ok("start {2:proc.name} end")),
        ("%10proc.name|", Ok("{10:proc.name}|")),
        ("%proc.nameand%thread.tidend", Ok("{proc.name}and{thread.tid}end")),
        ("x %evt.asynctype", Ok("x {evt.asynctype}")),
        ("%toupper(proc.name)", Ok("{toupper(proc.name)}")),
        ("%toupper( proc.name ).", Ok("{toupper(proc.name)}.")),
        ("%toupper (proc.name)", Err("unknown filter: nonexistent field toupper")),
        ("100% done", Err("unknown filter: ' ' after %")),
        ("%%", Err("unknown filter: '%' after %")),
        ("a %", Err("formatting cannot end with a %")),
        ("a %12", Err("formatting cannot end with a %")),
        ("%nothing.here", Err("unknown filter: nonexistent field nothing.here")),
        ("%evt.arg.flagsX %evt.arg.flags.", Ok("{evt.arg.flags}X {evt.arg.flags}.")),
        ("%proc.aname[2]] %evt.arg[0]", Ok("{proc.aname[2]}] {evt.arg[0]}")),
        ("%proc.name[x]", Ok("{proc.name}[x]")),
        ("%proc.cmdline.", Ok("{proc.cmdline}.")),
        ("* %proc.name", Ok(" {proc.name}")),
        ("a %container.info b", Ok("a  b")),
        ("%fd.ip", Ok("{fd.ip}")),
        ("(user=%user.name,%proc.env[HOME])", Ok("(user={user.name},{proc.env[HOME]})")),
        ("%99999999999999999999proc.name", Err("width above 4096")),
        ("%val(proc.name)", Err("unknown filter")),
        ("%tolower(proc.nothing)", Err("unknown filter: nonexistent field proc.nothing")),
        ("ünï %proc.name€", Ok("ünï {proc.name}€")),
    ];
    for (template, expected) in cases {
        let text =
            format!("- {{rule: r, desc: d, priority: INFO, condition: evt.type = open, output: \"{template}\"}}");
        let loaded = load_texts(&[&text]);
        match expected {
            Ok(parts) => {
                assert!(loaded.is_ok(), "{template}: {}", loaded.render());
                let mut shown = String::new();
                for part in &loaded.rules[0].output {
                    let _ = match part {
                        tracehound_rules::OutputPart::Text(text) => write!(shown, "{text}"),
                        tracehound_rules::OutputPart::Value { key, width: Some(width), .. } => {
                            write!(shown, "{{{width}:{key}}}")
                        }
                        tracehound_rules::OutputPart::Value { key, .. } => write!(shown, "{{{key}}}"),
                    };
                }
                assert_eq!(shown, *parts, "{template}");
            }
            Err(message) => {
                let error = loaded.diagnostics.iter().find(|d| d.is_error());
                let error = error.unwrap_or_else(|| panic!("{template}: accepted"));
                assert_eq!(error.code.name(), OUTPUT);
                assert!(error.message.starts_with(message), "{template}: {}", error.message);
            }
        }
    }
}

/// The product's own rules load without any error or warning.
#[test]
fn own_rules() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("rules/")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    paths.sort();
    let files: Vec<SourceFile> = paths
        .iter()
        .map(|path| {
            SourceFile::new(path.file_name().unwrap_or_default().to_string_lossy(), std::fs::read(path).expect("file"))
        })
        .filter(|file| tracehound_lang::detect(&file.bytes).is_some())
        .filter(|file| !file.bytes.starts_with(b"suppressions"))
        .collect();
    assert!(!files.is_empty());
    let loaded = load(&files);
    assert_eq!((loaded.stats.errors, loaded.stats.warnings), (0, 0), "{}", loaded.render());
    assert!(!loaded.rules.is_empty());
}
