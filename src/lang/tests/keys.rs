//! Section 1.7 of the specification as a table: what each key of a rule, list and macro does in a definition, in an
//! addition, and under `override`. And section 1.11: each code of Falco that a load can say.

use tracehound_lang::{Code, Loaded, SourceFile, load};

fn load_text(text: &str) -> Loaded {
    load(&[SourceFile::new("r.yaml", text)])
}

/// What is observed of a rule, one part for each key that shows.
fn shown(loaded: &Loaded) -> String {
    let Some(rule) = loaded.rules.iter().find(|rule| rule.name == "r") else { return "none".to_owned() };
    let says = |code: Code| loaded.diagnostics.iter().any(|d| d.code == code);
    format!(
        "{}|{}|{}|{}|{}|{}|{}|{}",
        rule.condition_text,
        rule.output_text,
        rule.description,
        rule.priority.name(),
        rule.source,
        if rule.is_enabled { "on" } else { "off" },
        rule.tags.join(","),
        if says(Code::NoEvttype) { "warned" } else { "-" },
    )
}

const BASE: &str = "- {rule: r, condition: proc.name = a, output: o, desc: d, priority: ERROR, tags: [t], enabled: false, \
     exceptions: [{name: e, fields: proc.pname, values: [x]}]}\n";
const UNCHANGED: &str = "(proc.name = a) and not (proc.pname in (x))|o|d|Error|syscall|off|t|warned";

/// Key, value, and the rule after `append` and `replace` under `override`: what is observed, or `E` and the message.
#[test]
fn override_of_each_key() {
    let cannot_append = |key: &str| format!("E Key '{key}' cannot be appended to, use 'replace' instead");
    let rows: &[(&str, &str, String, String)] = &[
        (
            "condition",
            "or proc.name = b",
            "(proc.name = a or proc.name = b) and not (proc.pname in (x))|o|d|Error|syscall|off|t|warned".into(),
            "E expected".into(),
        ),
        (
            "condition",
            "proc.name = c",
            "E unexpected token".into(),
            "(proc.name = c) and not (proc.pname in (x))|o|d|Error|syscall|off|t|warned".into(),
        ),
        ("output", "more", UNCHANGED.replace("|o|", "|o more|"), UNCHANGED.replace("|o|", "|more|")),
        ("desc", "more", UNCHANGED.replace("|d|", "|d more|"), UNCHANGED.replace("|d|", "|more|")),
        ("priority", "INFO", cannot_append("priority"), UNCHANGED.replace("Error", "Informational")),
        ("tags", "[a, t]", UNCHANGED.replace("|t|", "|a,t|"), UNCHANGED.replace("|t|", "|a,t|")),
        ("tags", "[a]", UNCHANGED.replace("|t|", "|a,t|"), UNCHANGED.replace("|t|", "|a|")),
        (
            "exceptions",
            "[{name: e, fields: proc.exe, values: [y]}]",
            "E Can not append exception fields to existing exception, only values".into(),
            UNCHANGED.replace("(proc.pname in (x))", "(proc.exe in (y))"),
        ),
        (
            "exceptions",
            "[{name: e, values: [y]}]",
            UNCHANGED.replace("(x)", "(x, y)"),
            "E Item has no mapping for key 'fields'".into(),
        ),
        (
            "exceptions",
            "[{name: f, fields: [proc.exe], values: [[y]]}]",
            UNCHANGED.replace("(x))", "(x)) and not ((proc.exe = y))"),
            UNCHANGED.replace("(proc.pname in (x))", "((proc.exe = y))"),
        ),
        (
            "exceptions",
            "",
            UNCHANGED.into(),
            UNCHANGED.replace("(proc.name = a) and not (proc.pname in (x))", "proc.name = a"),
        ),
        ("enabled", "true", cannot_append("enabled"), UNCHANGED.replace("off", "on")),
        ("warn_evttypes", "false", cannot_append("warn_evttypes"), UNCHANGED.replace("warned", "-")),
        ("skip-if-unknown-filter", "true", cannot_append("skip-if-unknown-filter"), UNCHANGED.into()),
        ("capture", "true", cannot_append("capture"), UNCHANGED.into()),
        ("capture_duration", "100", cannot_append("capture_duration"), UNCHANGED.into()),
        ("source", "syscall", cannot_append("source"), "E Key 'source' cannot be replaced".into()),
        ("append", "false", cannot_append("append"), "E Key 'append' cannot be replaced".into()),
        ("rule", "r", cannot_append("rule"), "E Key 'rule' cannot be replaced".into()),
        ("typo", "x", cannot_append("typo"), "E Key 'typo' cannot be replaced".into()),
    ];
    for (key, value, append, replace) in rows {
        for (operation, expected) in [("append", append), ("replace", replace)] {
            let given = if *key == "rule" { String::new() } else { format!("{key}: {value}, ") };
            let loaded = load_text(&format!("{BASE}- {{rule: r, {given}override: {{{key}: {operation}}}}}\n"));
            check(&format!("{operation} {key}: {value}"), &loaded, expected);
        }
    }
    // Each key under `override` must be given, each key given that could be must be under `override`.
    for key in ["condition", "output", "desc", "tags", "exceptions", "priority", "enabled", "warn_evttypes"] {
        let expected = format!("E An replace override for '{key}' was specified but '{key}' is not defined");
        check(key, &load_text(&format!("{BASE}- {{rule: r, override: {{{key}: replace}}}}")), &expected);
    }
    let rows = [
        ("priority", "INFO"),
        ("output", "x"),
        ("tags", "[x]"),
        ("enabled", "true"),
        ("exceptions", "[]"),
        ("warn_evttypes", "true"),
        ("skip-if-unknown-filter", "true"),
        ("capture", "true"),
        ("capture_duration", "1"),
        ("condition", "x"),
    ];
    for (key, value) in rows {
        let expected = format!("E Unexpected key '{key}': no corresponding entry under 'override' is defined.");
        let text = format!("{BASE}- {{rule: r, desc: x, {key}: {value}, override: {{desc: replace}}}}");
        check(key, &load_text(&text), &expected);
    }
}

fn check(id: &str, loaded: &Loaded, expected: &str) {
    match expected.strip_prefix("E ") {
        Some(message) => {
            let is_said = loaded.diagnostics.iter().any(|d| d.is_error() && d.message.contains(message));
            assert!(is_said, "{id}: expected {message:?}\n{}", loaded.render());
        }
        None => {
            assert!(loaded.is_ok(), "{id}\n{}", loaded.render());
            assert_eq!(shown(loaded), *expected, "{id}");
        }
    }
}

/// Each key in an item with `append: true`: only condition and exceptions count, `source` must agree.
#[test]
fn append_of_each_key() {
    let rows: &[(&str, &str)] = &[
        (
            "condition: or proc.name = b",
            "(proc.name = a or proc.name = b) and not (proc.pname in (x))|o|d|Error|syscall|off|t|warned",
        ),
        (
            "exceptions: [{name: e, values: [y]}]",
            "(proc.name = a) and not (proc.pname in (x, y))|o|d|Error|syscall|off|t|warned",
        ),
        ("exceptions: [], output: x", UNCHANGED),
        ("exceptions: [], desc: x, priority: INFO", UNCHANGED),
        ("exceptions: [], tags: [x], enabled: true", UNCHANGED),
        ("exceptions: [], warn_evttypes: false, skip-if-unknown-filter: true", UNCHANGED),
        ("exceptions: [], capture: true, capture_duration: 3", UNCHANGED),
        ("exceptions: [], source: syscall", UNCHANGED),
        ("exceptions: [], source: other", "E Rule has been re-defined with a different source"),
        ("output: x", "E Appended rule must have exceptions or condition property"),
        ("condition: ", "E Mapping for key 'condition' is empty"),
    ];
    for (keys, expected) in rows {
        check(keys, &load_text(&format!("{BASE}- {{rule: r, append: true, {keys}}}")), expected);
    }
}

/// Defaults of a full definition, and what is left of the old rule after a second one: nothing but its place.
#[test]
fn definitions() {
    let full = "condition: proc.name = b, output: ' p ', desc: e, priority: debug";
    let rows: &[(&str, &str)] = &[
        ("", "proc.name = b|p|e|Debug|syscall|on||warned"),
        ("source: ", "proc.name = b|p|e|Debug|syscall|on||warned"),
        ("source: ''", "proc.name = b|p|e|Debug|syscall|on||warned"),
        ("enabled: No", "proc.name = b|p|e|Debug|syscall|off||warned"),
        ("tags: [z, a, z, 1]", "proc.name = b|p|e|Debug|syscall|on|1,a,z|warned"),
        ("exceptions: ", "proc.name = b|p|e|Debug|syscall|on||warned"),
        ("exceptions: [{name: e, fields: proc.exe}]", "(proc.name = b)|p|e|Debug|syscall|on||warned"),
        ("warn_evttypes: false", "proc.name = b|p|e|Debug|syscall|on||-"),
        ("capture: true, capture_duration: 5", "proc.name = b|p|e|Debug|syscall|on||warned"),
        ("override: {}", "proc.name = b|p|e|Debug|syscall|on||warned"),
        ("append: false", "proc.name = b|p|e|Debug|syscall|on||warned"),
        ("enabled: [a]", "E Value is not a scalar value"),
        ("tags: a", "E Value is not a sequence"),
        ("capture_duration: -1", "E Can't decode YAML scalar value of 'capture_duration'"),
        ("source: k8s", "E Rule has been re-defined with a different source"),
    ];
    for (keys, expected) in rows {
        let text = format!("{BASE}- {{rule: s, {full}, warn_evttypes: false}}\n- {{rule: r, {full}, {keys}}}");
        let loaded = load_text(&text);
        check(keys, &loaded, expected);
        if !expected.starts_with("E ") {
            assert_eq!(loaded.rules.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["r", "s"], "{keys}");
        }
    }
}

/// Lists and macros: what an item does to the one before it, as the condition of a rule shows it.
#[test]
fn lists_and_macros() {
    let rows: &[(&str, &str, &str)] = &[
        ("{list: l, items: [b]}", "proc.name in ( b )", ""),
        ("{list: l, items: [b], append: true}", "proc.name in ( a, b )", ""),
        ("{list: l, items: [b], append: false}", "proc.name in ( b )", ""),
        ("{list: l, items: [b], override: {items: append}}", "proc.name in ( a, b )", ""),
        ("{list: l, items: [b], override: {items: replace}}", "proc.name in ( b )", ""),
        ("{list: l, items: [], override: {items: append}}", "proc.name in ( a )", ""),
        ("{list: l, items: [b], override: {}}", "proc.name in ( b )", ""),
        ("{list: l, items: [b], override: {condition: append}}", "", "Key 'condition' cannot be appended to"),
        ("{list: l, items: [b], override: {items: prepend}}", "", "Invalid override operation for key 'items'"),
        ("{list: l, items: [b], append: true, override: {items: append}}", "", "cannot be used together"),
        ("{list: l, items: }", "", "Value is not a sequence"),
        ("{macro: m, condition: proc.name = b}", "m=b", ""),
        ("{macro: m, condition: or proc.name = b, append: true}", "m=a or b", ""),
        ("{macro: m, condition: or proc.name = b, override: {condition: append}}", "m=a or b", ""),
        ("{macro: m, condition: proc.name = b, override: {condition: replace}}", "m=b", ""),
        ("{macro: m, condition: proc.name = b, override: {items: append}}", "", "Key 'items' cannot be appended to"),
        ("{macro: m, condition: ~}", "", "Mapping for key 'condition' is empty"),
    ];
    for (item, expected, error) in rows {
        let text = format!(
            "- {{list: l, items: [a]}}\n- {{macro: m, condition: proc.name = a}}\n- {item}\n\
             - {{rule: r, desc: d, output: o, priority: INFO, condition: evt.type = open and m and proc.name in (l)}}\n"
        );
        let loaded = load_text(&text);
        if !error.is_empty() {
            check(item, &loaded, &format!("E {error}"));
            continue;
        }
        assert!(loaded.is_ok(), "{item}\n{}", loaded.render());
        let found = match item.starts_with("{list") {
            true => format!("proc.name in ( {} )", loaded.lists[0].text),
            false => format!("m={}", loaded.macros[0].text.replace("proc.name = ", "")),
        };
        assert_eq!(found, *expected, "{item}");
    }
}

/// Each code of Falco has a file that gives it.
#[test]
fn each_code_of_falco() {
    let rule = |lines: &str| format!("- {{rule: r, desc: d, output: o, priority: INFO, {lines}}}\n");
    let rows: &[(&str, String)] = &[
        ("LOAD_ERR_YAML_PARSE", "- {rule: [".into()),
        ("LOAD_ERR_YAML_VALIDATE", "- {rule: r, priority: Warn}".into()),
        ("LOAD_ERR_VALIDATE", rule("condition: nothing")),
        ("LOAD_ERR_COMPILE_CONDITION", rule("condition: proc.nothing = a")),
        (
            "LOAD_ERR_COMPILE_OUTPUT",
            "- {rule: r, desc: d, output: 100% done, priority: INFO, condition: evt.type = open}".into(),
        ),
        ("LOAD_UNKNOWN_SOURCE", rule("condition: x.y = z, source: k8s_audit")),
        ("LOAD_UNSAFE_NA_CHECK", rule("condition: 'evt.type = open and jevt.value[/x] = <NA>'")),
        ("LOAD_NO_EVTTYPE", rule("condition: proc.name = a")),
        ("LOAD_UNKNOWN_FILTER", rule("condition: proc.nothing = a, skip-if-unknown-filter: true")),
        ("LOAD_UNUSED_MACRO", "- {macro: m, condition: evt.type = open}".into()),
        ("LOAD_UNUSED_LIST", "- {list: l, items: [a]}".into()),
        ("LOAD_UNKNOWN_ITEM", "- foo: bar".into()),
        ("LOAD_DEPRECATED_ITEM", rule("condition: evt.type = open and evt.dir = <")),
        (
            "LOAD_APPEND_NO_VALUES",
            BASE.to_owned() + "- {rule: r, exceptions: [{name: e}], override: {exceptions: append}}",
        ),
        (
            "LOAD_EXCEPTION_NAME_NOT_UNIQUE",
            rule(
                "condition: evt.type = open, exceptions: [{name: e, fields: proc.name}, {name: e, fields: proc.name}]",
            ),
        ),
        ("LOAD_INVALID_MACRO_NAME", "- {macro: a-b, condition: evt.type = open}".into()),
        ("LOAD_INVALID_LIST_NAME", "- {list: a b, items: []}".into()),
        ("LOAD_COMPILE_CONDITION", rule("condition: evt.type = open and proc.name = proc.pname")),
        ("LOAD_UNKNOWN_KEY", rule("condition: evt.type = open, typo: x")),
    ];
    for (code, text) in rows {
        let loaded = load_text(text);
        assert!(loaded.diagnostics.iter().any(|d| d.code.name() == *code), "{code}: {text}\n{}", loaded.render());
    }
    for code in Code::ALL.iter().map(|code| code.name()).filter(|name| name.starts_with("LOAD_")) {
        assert!(rows.iter().any(|(known, _)| *known == code), "{code}: no case");
    }
}
