//! The remarks about quirks: each quirk that the text of a rule shows has a case that is told of, and a twin beside it
//! that is not. That quirks are reproduced is the subject of `tests/quirks.rs` of the workspace.

use tracehound_lang::{Code, Loaded, SourceFile, load};
use tracehound_rules::{Quirk, Told, quirks::CODE};

/// Files of one rule with this condition, or the items as they are if they begin with `- `.
fn files(text: &str) -> Vec<SourceFile> {
    let parts = text.split("\n====\n").enumerate();
    parts
        .map(|(i, part)| {
            let text = match part.starts_with("- ") {
                true => part.to_owned(),
                false => format!("- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n    {part}\n"),
            };
            SourceFile::new(format!("{i}.yaml"), text)
        })
        .collect()
}

fn is_told(loaded: &Loaded, quirk: Quirk, code: &str) -> bool {
    loaded.diagnostics.iter().any(|d| match code {
        CODE => d.quirk == Some(quirk),
        code => d.code.name() == code,
    })
}

/// A rule with a macro or list before it.
macro_rules! with_rule {
    ($items:literal, $condition:literal) => {
        concat!($items, "\n- {rule: r, desc: d, output: o, priority: INFO, condition: '", $condition, "'}")
    };
    ($items:literal, $condition:literal, $after:literal) => {
        concat!($items, "\n- {rule: r, desc: d, output: o, priority: INFO, condition: '", $condition, "'}\n", $after)
    };
}

const BASE: &str =
    "- {rule: r, desc: d, output: o, priority: INFO, condition: evt.type = open or evt.type = close, enabled: false}\n";

fn base(item: &str) -> String {
    format!("{BASE}{item}")
}

/// Quirk, text that is told of, twin that is not.
fn cases() -> Vec<(Quirk, String, String)> {
    use Quirk::*;
    let rows: &[(Quirk, &str, &str)] = &[
        (
            MergeKey,
            "- &x {list: a, items: [b]}\n- {list: c, <<: *x, items: []}",
            "- &x {list: a, items: [b]}\n- {list: c, items: []}",
        ),
        (FirstKey, "- {list: a, items: [b], items: [c]}", "- {list: a, items: [b]}"),
        (
            ListOneLevel,
            with_rule!(
                "- {list: a, items: [x]}\n- {list: b, items: [a]}\n- {list: c, items: [b]}",
                "evt.type = open and proc.name in (c)"
            ),
            // Replaced later, as the inner list is defined behind the outer one.
            with_rule!("- {list: c, items: [b]}\n- {list: b, items: [x]}", "evt.type = open and proc.name in (c)"),
        ),
        (
            ListInQuotes,
            with_rule!("- {list: a, items: [x]}", "evt.type = open and proc.cmdline contains \"see a too\""),
            with_rule!("- {list: a, items: [x y]}", "evt.type = open and proc.cmdline in (a, \"see ab too\")"),
        ),
        (
            ListAsValue,
            with_rule!("- {list: a, items: [x]}", "evt.type = open and proc.name = a"),
            with_rule!("- {list: a, items: [x]}", "evt.type = open and proc.name in (a)"),
        ),
        (
            ListWithoutParentheses,
            "evt.type = open and proc.name in shells",
            "evt.type = open and proc.name in (shells)",
        ),
        (ItemAsText, "- {list: a, items: ['x,y']}", "- {list: a, items: ['\"x,y\"', 'x y', 'c:\\d']}"),
        (AncestorsNotEqual, "evt.type = execve and proc.aname != a", "evt.type = execve and not proc.aname = a"),
        (
            MacroOrder,
            "- {macro: a, condition: b}\n- {macro: b, condition: evt.type = open}",
            "- {macro: b, condition: evt.type = open}\n- {macro: a, condition: b}",
        ),
        (
            ForwardReference,
            "m and evt.type = open\n====\n- {macro: m, condition: proc.name = a}",
            "- {macro: m, condition: proc.name = a}\n====\nm and evt.type = open",
        ),
        (
            RedefinedLater,
            with_rule!("- {list: a, items: [x]}", "evt.type = open and proc.name in (a)", "- {list: a, items: [y]}"),
            with_rule!(
                "- {list: a, items: [x]}",
                "evt.type = open and proc.name in (a)",
                "- {list: a, items: [y], override: {items: replace}}"
            ),
        ),
        (
            QuoteLookBack,
            r#"evt.type = open and proc.name = "a\\" or proc.name = 'x""#,
            r#"evt.type = open and proc.name = "a\"" and proc.pname = "b\\c""#,
        ),
        (EscapedBlank, r#"evt.type = open and proc.args = "a\ b""#, r#"evt.type = open and proc.args = "a\\ b""#),
        (GluedOperator, "proc.pname existsand evt.type = open", "proc.pname exists and evt.type = open"),
        (
            ModifierAsText,
            "evt.type = open and proc.name = oneof and proc.pname exists",
            "evt.type = open and proc.name = oneof (a) and proc.pname = \"oneof\"",
        ),
        (FieldAsText, "evt.type = open and proc.name = proc.pname", "evt.type = open and proc.name = val(proc.pname)"),
        (AddressInNever, "evt.type = connect and fd.ip in (1.2.3.4)", "evt.type = connect and fd.sip in (1.2.3.4)"),
        (
            NetworkInFirstOnly,
            "evt.type = connect and fd.net in (1.0.0.0/8)",
            "evt.type = connect and fd.snet in (1.0.0.0/8)",
        ),
        (
            NetworkIntersectsNever,
            "evt.type = connect and fd.net intersects (1.0.0.0/8)",
            "evt.type = connect and fd.snet intersects (1.0.0.0/8)",
        ),
        (EndsIntersectsFails, "evt.type = connect and fd.port intersects (1)", "evt.type = connect and fd.port in (1)"),
        (RawNumberInNever, "evt.type = open and evt.rawarg.fd in (1)", "evt.type = open and evt.rawarg.fd = 1"),
        (RawBytesEmpty, "evt.type = read and evt.rawarg.data = x", "evt.type = read and evt.rawarg.data exists"),
        (AncestorIdInNever, "evt.type = execve and proc.apid in (1)", "evt.type = execve and proc.apid[1] in (1)"),
        (
            ModifierIgnored,
            "evt.type = execve and proc.aname = oneof (a)",
            "evt.type = execve and proc.name = oneof (a)",
        ),
        (
            OneOfCounts,
            "evt.type = open and proc.name = oneof (a, b, a)",
            "evt.type = open and proc.name = oneof (a, b)",
        ),
        (
            ConstantWraps,
            "evt.type = connect and fd.sport = 70000",
            "evt.type = connect and fd.sport in (443, https) and user.uid = -1",
        ),
        (NoEventOfBoth, "evt.type = open and evt.type = close", "evt.type = open or evt.type = close"),
        (EventDirection, "evt.type = open and evt.dir = >", "evt.type = open and evt.dir = <"),
        (LatencyZero, "evt.type = open and evt.latency > 5", "evt.type = open and evt.rawtime > 5"),
        (NoResult, "evt.type = getpid and evt.rawres >= 0", "evt.type in (getpid, open) and evt.rawres >= 0"),
        (
            ArgumentName,
            "evt.type = setuid and evt.arg.uid = 5",
            "evt.type = setuid and evt.rawarg.uid = 5 and evt.arg.uid = root",
        ),
        (
            TextNa,
            "evt.type = open and not container.image.repository in (\"<NA>\", \"N/A\")",
            "evt.type = open and user.name = \"<NA>\" and container.image.repository exists",
        ),
        (
            MountPattern,
            "evt.type = execve and container.mount.dest[/root*] exists",
            "evt.type = execve and container.mount.dest[^/root(/.*)?$] exists",
        ),
        (
            FailedOpenPath,
            "evt.type in (open, openat) and fs.path.name startswith /etc",
            "evt.type in (open, openat) and fs.path.name startswith /etc and evt.rawres >= 0",
        ),
        (
            LinkSource,
            "evt.type in (rename, link) and fs.path.source startswith /etc",
            "evt.type in (symlink, link) and fs.path.source startswith /etc",
        ),
        (
            AncestorArguments,
            "evt.type = execve and proc.aargs contains x",
            "evt.type = execve and proc.aargs[1] contains x",
        ),
    ];
    let mut cases: Vec<(Quirk, String, String)> =
        rows.iter().map(|&(quirk, told, not)| (quirk, told.to_owned(), not.to_owned())).collect();
    let items: &[(Quirk, &str, &str)] = &[
        (
            OverrideSource,
            "- {rule: r, desc: x, source: other, override: {desc: append}}",
            "- {rule: r, condition: or evt.type = read, source: syscall, override: {condition: append}}",
        ),
        (
            OverrideExceptions,
            "- {rule: r, exceptions: [{name: e, fields: [proc.name], comps: [like]}], override: {exceptions: replace}}",
            "- {rule: r, exceptions: [{name: e, fields: [proc.name], comps: [=]}], override: {exceptions: replace}}",
        ),
        (
            AppendPrecedence,
            "- {rule: r, condition: and proc.name = a, override: {condition: append}}",
            "- {rule: r, condition: or proc.name = a, override: {condition: append}}",
        ),
        (
            AppendIgnores,
            "- {rule: r, condition: or evt.type = read, enabled: true, append: true}",
            "- {rule: r, condition: or evt.type = read, append: true}",
        ),
        (EnableIgnores, "- {rule: r, enabled: true, tags: [a]}", "- {rule: r, enabled: true}"),
    ];
    cases.extend(items.iter().map(|&(quirk, told, not)| (quirk, base(told), base(not))));
    let output = |template: &str| {
        format!("- {{rule: r, desc: d, priority: INFO, condition: evt.type = open, output: '{template}'}}")
    };
    cases.push((OutputPrefix, output("%proc.nameand more"), output("%proc.name. %proc.aname[2]] (%fd.name)")));
    cases.push((FilterOnlyOutput, output("%fd.ip"), output("%fd.sip")));
    cases
}

#[test]
fn told_where_the_text_shows_it() {
    let cases = cases();
    for (quirk, told, not) in &cases {
        let Told::Code(code) = quirk.told() else { panic!("{}: a case for what is not told", quirk.name()) };
        assert!(Code::ALL.iter().any(|known| known.name() == code), "{}: no code {code}", quirk.name());
        for (text, expected) in [(told, true), (not, false)] {
            let loaded = load(&files(text));
            let is_told = is_told(&loaded, *quirk, code);
            assert_eq!(is_told, expected, "{}: {text}\n{}", quirk.name(), loaded.render());
        }
    }
    for quirk in Quirk::ALL {
        let has_case = cases.iter().any(|(known, ..)| known == quirk);
        match quirk.told() {
            Told::Code(CODE) => assert!(!quirk.explanation().is_empty() && has_case, "{}", quirk.name()),
            Told::Code(_) => assert!(has_case, "{}: no case", quirk.name()),
            Told::Not(why) => assert!(why.ends_with('.') && !has_case, "{}", quirk.name()),
        }
        assert!(quirk.meaning().ends_with('.') && !quirk.source().is_empty(), "{}", quirk.name());
    }
    let mut names: Vec<&str> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Quirk::ALL.len(), "two quirks of one name");
}

/// Contradictions and comparisons that change nothing: condition, and the codes of the remarks.
#[test]
fn never_and_always() {
    let cases: &[(&str, &[&str])] = &[
        ("proc.name = a and proc.name = b", &["TH_NEVER_TRUE"]),
        ("proc.name = a and proc.name glob b*", &["TH_NEVER_TRUE"]),
        ("proc.name = a and proc.name iglob A*", &[]),
        ("proc.name = a and proc.name regex \"[b-z]+\"", &["TH_NEVER_TRUE"]),
        ("proc.name in (a, b) and proc.name icontains C", &["TH_NEVER_TRUE"]),
        ("proc.name in (a, b) and proc.name icontains B", &[]),
        ("fd.name = /etc/passwd and fd.name pmatch (/usr, /var)", &["TH_NEVER_TRUE"]),
        ("fd.name = /etc/passwd and fd.name pmatch (/usr, /etc)", &[]),
        ("fd.name startswith /etc and fd.name startswith /usr", &["TH_NEVER_TRUE"]),
        ("fd.name startswith /etc and fd.name startswith /etc/cron", &[]),
        ("fd.name startswith /etc/cron and not fd.name startswith /etc", &["TH_NEVER_TRUE"]),
        ("fd.name startswith /etc and not fd.name startswith /etc/cron", &[]),
        ("fd.name endswith .so and fd.name endswith .py", &["TH_NEVER_TRUE"]),
        ("fd.name endswith .conf.bak and not fd.name contains .bak", &["TH_NEVER_TRUE"]),
        ("fd.num < 3 and fd.num > 5", &["TH_NEVER_TRUE"]),
        ("fd.num < 5 and fd.num > 3", &[]),
        ("fd.num < 4 and fd.num > 3", &["TH_NEVER_TRUE"]),
        ("fd.num >= 5 and not fd.num >= 3", &["TH_NEVER_TRUE"]),
        ("not fd.num >= 3 and not fd.num < 5", &[]),
        ("fd.num = 7 and fd.num < 3", &["TH_NEVER_TRUE"]),
        ("fd.num in (1, 2) and fd.num != 1", &[]),
        ("fd.sport = 22 and fd.sport = 80", &["TH_NEVER_TRUE"]),
        ("evt.is_open_read = true and evt.is_open_read = false", &["TH_NEVER_TRUE"]),
        ("proc.name != a or proc.name != b", &["TH_ALWAYS_TRUE"]),
        ("proc.name != anyof (a, b)", &["TH_ALWAYS_TRUE"]),
        ("proc.name = allof (a, b)", &["TH_NEVER_TRUE"]),
        ("proc.name != allof (a, b)", &[]),
        ("proc.aname != anyof (a, b)", &["TH_QUIRK", "TH_QUIRK"]),
        ("user.uid >= 0", &["TH_ALWAYS_TRUE"]),
        ("(proc.name in (a, b) or proc.name = a)", &["TH_REDUNDANT"]),
        ("proc.name in (a, b) and proc.name in (a, b, c)", &["TH_REDUNDANT"]),
        ("(proc.name in (a, b) or proc.name in (b, c))", &[]),
        ("proc.aname = a and proc.aname = b", &[]),
    ];
    for (condition, expected) in cases {
        let loaded = load(&files(&format!("evt.type in (open, connect) and ({condition})")));
        let found: Vec<&str> = loaded.diagnostics.iter().map(|d| d.code.name()).collect();
        assert_eq!(found, *expected, "{condition}\n{}", loaded.render());
    }
}

/// Rules beside each other: conditions of two rules, and whether the second is covered by the first.
#[test]
fn shadowed_rules() {
    let cases = [
        ("proc.name = a", "proc.name = a", true),
        ("proc.name = a", "proc.name = a and proc.pname = b", true),
        ("proc.name in (a, b)", "proc.name = a", true),
        ("proc.name in (a, b, c)", "proc.name in (c, a) and fd.num = 1", true),
        ("proc.name in (a, b)", "proc.name in (a, c)", false),
        ("proc.name = a", "proc.name in (a, b)", false),
        ("proc.name in (a, b) and fd.num = 1", "proc.name = a", false),
        ("not proc.name in (a, b)", "not proc.name = a", false),
        ("proc.aname in (a, b)", "proc.aname = a", false),
    ];
    for (first, second, expected) in cases {
        let rule = |name: &str, condition: &str| {
            format!(
                "- {{rule: {name}, desc: d, output: o, priority: INFO, condition: 'evt.type = open and {condition}'}}\n"
            )
        };
        let loaded = load(&[SourceFile::new("r.yaml", rule("x", first) + &rule("y", second))]);
        let is_shadowed = loaded.diagnostics.iter().any(|d| d.code == Code::ShadowedRule);
        assert_eq!(is_shadowed, expected, "{first} | {second}\n{}", loaded.render());
    }
}
