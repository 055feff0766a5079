//! Rule files that are meant to hurt: loading ends soon, says what is wrong, and points into the file.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tracehound_lang::{Loaded, SourceFile, load, render};

/// Loads, renders everything, and checks what holds for every input.
fn check(bytes: &[u8]) -> Loaded {
    let loaded = load(&[SourceFile::new("x.yaml", bytes)]);
    let text = loaded.render();
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "control characters in {text:?}");
    for diagnostic in &loaded.diagnostics {
        for span in
            diagnostic.labels.iter().map(|(span, _)| *span).chain(diagnostic.notes.iter().filter_map(|n| n.span))
        {
            assert!(span.start <= span.end && span.end as usize <= bytes.len(), "{diagnostic:?}");
        }
        assert!(render::row(diagnostic, &loaded.sources).to_json().starts_with("{\"code\":\""));
    }
    for rule in &loaded.rules {
        let row = loaded.row(rule);
        assert_eq!(row.name, rule.name);
    }
    loaded
}

fn soon(name: &str, bytes: &[u8]) -> Loaded {
    let start = Instant::now();
    let loaded = check(bytes);
    // Generous: tests run without optimisation on busy machines.
    assert!(start.elapsed() < Duration::from_secs(60), "{name} took {:?}", start.elapsed());
    loaded
}

fn rule(condition: &str) -> String {
    format!("- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: {condition}\n")
}

#[test]
fn large_and_deep() {
    let big = "x".repeat(1 << 20);
    let cases: &[(&str, String, usize)] = &[
        ("a scalar of 1 MiB", rule(&format!("evt.type = open and proc.name = {big}")), 1),
        ("a name of 1 MiB", rule("evt.type = open").replace("rule: r", &format!("rule: {big}")), 0),
        ("a description of 1 MiB", rule("evt.type = open").replace("desc: d", &format!("desc: {big}")), 0),
        ("an output of 1 MiB", rule("evt.type = open").replace("output: o", &format!("output: '%{big}'")), 1),
        (
            "an output of many fields",
            rule("evt.type = open")
                .replace("output: o", &format!("output: '{}'", "%proc.nameabcdefghijklmnopqrstuvwxyz".repeat(2_000))),
            0,
        ),
        ("a field of 1 MiB", rule(&format!("evt.type = open and a.{big} = x")), 1),
        ("a macro's name of 64 KiB", rule(&format!("evt.type = open and {}", &big[..1 << 16])), 1),
        ("parentheses", rule(&format!("{}a.b = c", "(".repeat(100_000))), 1),
        ("not", rule(&format!("{}evt.type = open", "not ".repeat(100_000))), 0),
        ("not()", rule(&format!("{}evt.type = open", "not(".repeat(100_000))), 1),
        ("transformers", rule(&format!("{}proc.name = x", "tolower(".repeat(100_000))), 1),
        ("brackets", format!("- list: l\n  items: {}", "[".repeat(100_000)), 1),
        ("dashes", "- ".repeat(100_000), 1),
        ("many unknown items", "- foo: bar\n".repeat(20_000), 0),
        ("many broken items", "- rule: [\n".repeat(5_000), 52),
        ("many items with an error", "- rule: x\n".repeat(5_000), 1_001),
        ("many unknown fields", rule(&vec!["proc.nothing = 1"; 5_000].join(" or ")), 100),
        ("many unknown event types", rule(&vec!["evt.type = opne"; 5_000].join(" or ")), 100),
        ("many undefined macros", rule(&vec!["nothing"; 5_000].join(" or ")), 100),
        (
            "many unknown keys",
            format!("- list: l\n  items: []\n{}", (0..5_000).map(|i| format!("  k{i}: v\n")).collect::<String>()),
            0,
        ),
    ];
    for (name, text, n_errors) in cases {
        let loaded = soon(name, text.as_bytes());
        let n = loaded.stats.errors;
        assert!(n == *n_errors || (*n_errors > 1 && n > 0 && n <= *n_errors), "{name}: {n} errors");
    }
}

/// A chain of macros as long as the file is neither followed by recursion nor put into rules.
#[test]
fn macro_chains() {
    let mut text = String::from("- {macro: m0, condition: proc.name = a}\n");
    for i in 1..3_000 {
        text.push_str(&format!("- {{macro: m{i}, condition: not m{}}}\n", i - 1));
    }
    text.push_str(&rule("evt.type = open and m2999"));
    let loaded = soon("chain", text.as_bytes());
    assert!(loaded.rules.is_empty());
    assert_eq!(loaded.stats.errors, 1, "{}", loaded.render());

    // Backwards: every macro is extended after all are defined, so that all are visible to all.
    let mut text = String::new();
    for i in 0..3_000 {
        text.push_str(&format!("- {{macro: m{i}, condition: proc.name = a}}\n"));
    }
    for i in 0..3_000 {
        text.push_str(&format!(
            "- {{macro: m{i}, condition: or m{}, override: {{condition: append}}}}\n",
            (i + 1) % 3_000
        ));
    }
    let loaded = soon("loop", text.as_bytes());
    assert!(loaded.render().contains("reference loop"));
}

/// Thousands of names that are nearly those of others: looking for what was meant stays cheap.
#[test]
fn many_similar_names() {
    let text: String = (0..5_000)
        .map(|i| format!("- {{macro: some_macro_number_{i}, condition: evt.type = open and some_macro_numbre_{i}}}\n"))
        .collect();
    let loaded = soon("similar names", text.as_bytes());
    assert_eq!(loaded.stats.errors, 201);
}

#[test]
fn not_text_at_all() {
    let jpeg = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xdb\x00\x43\x00";
    for bytes in [&jpeg[..], &[0; 4096], &[0xff; 4096], b"\x7fELF\x02\x01\x01\x00"] {
        let loaded = check(bytes);
        assert_eq!(loaded.stats.errors, 1, "{}", loaded.render());
        assert!(loaded.render().contains("x.yaml is no rule file: its content is not text"), "{}", loaded.render());
    }
    let utf16: Vec<u8> = "\u{feff}- list: x\n  items: []\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(!check(&utf16).is_ok());
    assert!(check("\u{feff}- list: x\n  items: []\n".as_bytes()).is_ok(), "a byte order mark");
}

/// Pieces of rule files, good and bad, from which inputs are put together.
const PIECES: &[&str] = &[
    "- rule: r\n",
    "- macro: m\n",
    "- list: l\n",
    "- required_engine_version: 0.57.0\n",
    "  desc: d\n",
    "  output: \"%proc.name %evt.arg[0] %toupper(proc.name)\"\n",
    "  priority: INFO\n",
    "  condition: evt.type = open and m\n",
    "  condition: >\n    proc.name in (l, a) and\n    not fd.name startswith '/x'\n",
    "  condition: |\n    m or (proc.aname[2] = x)\n",
    "  items: [a, 'b c', l]\n",
    "  append: true\n",
    "  enabled: false\n",
    "  override: {condition: append, items: replace}\n",
    "  exceptions:\n    - name: e\n      fields: [proc.name, fd.name]\n      comps: [=, in]\n      values: [[a, [b, c]], [d, e]]\n",
    "  exceptions: [{name: e, fields: proc.name, values: [a, b]}]\n",
    "  tags: [x, y]\n",
    "  source: syscall\n",
    "---\n",
    "...\n",
    "# comment\n",
    "\t",
    "\n",
    " ",
    "'",
    "\"",
    "&a ",
    "*a",
    "[",
    "]",
    "{",
    "}",
    ": ",
    ", ",
    "(",
    ")",
    "%",
    "| ",
    "> ",
    "!!str ",
    "\\",
    "\u{202e}",
    "é",
    "\u{0}",
    "? ",
    "<<: *a\n",
    "@",
    "`",
];

const TOKENS: &[&str] = &[
    "and",
    "or",
    "not",
    "not(",
    "(",
    ")",
    " ",
    "  ",
    "\n",
    "proc.name",
    "evt.type",
    "fd.name",
    "proc.aname[2]",
    "evt.arg.flags",
    "=",
    "!=",
    "<",
    ">=",
    "in",
    "pmatch",
    "intersects",
    "exists",
    "startswith",
    "glob",
    "regex",
    "oneof",
    "anyof",
    "open",
    "bash",
    "'a b'",
    "\"q\\\"q\"",
    "12",
    "-1",
    "0x1F",
    "tolower(",
    "val(",
    "join(",
    "getopt(",
    "len(",
    "concat(",
    ",",
    "m",
    "l",
    "[",
    "]",
    "[t]",
    "\\",
    "\"",
    "'",
    "#",
    "é",
    "10.0.0.0/8",
    "^a+$",
    "*",
    "(?",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        check(text.as_bytes());
    }

    #[test]
    fn pieces_of_rule_files(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        check(pieces.concat().as_bytes());
    }

    #[test]
    fn damaged_rule_files(
        cuts in proptest::collection::vec((0usize..600, any::<u8>()), 1..6),
        end in 0usize..600,
    ) {
        let mut bytes = concat!(
            "- list: l\n  items: [bash, \"a b\", sh]\n\n- macro: m\n  condition: (evt.type in (open, openat) and not proc.name in (l))\n\n",
            "- rule: R one\n  desc: >\n    text\n  condition: >\n    m and fd.name startswith \"/etc\"\n    and proc.aname[2] = \"x\\ty\"\n",
            "  output: \"x (%fd.name %10proc.name)\"\n  priority: WARNING\n  tags: [a, b]\n  exceptions:\n    - name: e\n      fields: proc.name\n      values: [a]\n",
        ).as_bytes().to_vec();
        for (at, byte) in cuts {
            if let Some(b) = bytes.get_mut(at) {
                *b = byte;
            }
        }
        bytes.truncate(end.max(10));
        check(&bytes);
    }

    #[test]
    fn conditions_of_tokens(tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..30), blanks in any::<bool>()) {
        let condition = tokens.join(if blanks { " " } else { "" }).replace('\n', "\n    ");
        let text = format!("- {{list: l, items: [x, 'y z']}}\n- {{macro: m, condition: evt.type = open}}\n- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: |\n    {condition}\n");
        check(text.as_bytes());
    }

    #[test]
    fn outputs_of_tokens(tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..12)) {
        let output = tokens.join("%").replace(['\'', '\n'], " ");
        check(rule("evt.type = open").replace("output: o", &format!("output: '%{output}'")).as_bytes());
    }
}
