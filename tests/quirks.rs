//! Every behaviour of Falco that surprises and is reproduced: on a trace, a rule gives what it gives there. The manual
//! of quirks and that of diagnostics are made from their tables (`UPDATE_EXPECTED=1` writes them).

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

use support::asked::{fired, rule};
use tracehound_lang::Code;
use tracehound_rules::{Policy, Quirk, SelectBy, Selection, Told, quirks::Stage};

/// A process opens a file.
const OPEN: &str =
    "thread 1 comm=init\nthread 7 pid=7 ptid=1 comm=a cwd=/tmp\n7 open fd=3 name=/etc/passwd flags=O_RDONLY mode=0";
/// A connection is made.
const CONNECT: &str = "interface eth0 10.0.0.5\nthread 7 pid=7 comm=a\nfd 7 3 inet 10.0.0.5:40000->93.184.216.34:4464 tcp\n\
     7 write res=5 data=hello fd=3 size=5";
/// sshd started bash, which started init's grandchild a.
const LINE: &str = "thread 1 comm=init\nthread 2 pid=2 ptid=1 comm=sshd args=[\"-D\"]\nthread 3 pid=3 ptid=2 comm=bash args=[\"-l\"]\n\
     thread 7 pid=7 ptid=3 comm=a\n7 getcwd res=0 path=/";

/// A case: quirk, trace, rules or one condition, what fires. `E` and a code: the rules do not load.
type Row = (Quirk, &'static str, &'static str, &'static str);

macro_rules! with_rule {
    ($items:literal, $condition:literal) => {
        concat!($items, "\n- {rule: r, desc: d, output: o, priority: INFO, condition: '", $condition, "'}")
    };
    ($items:literal, $condition:literal, $after:literal) => {
        concat!($items, "\n- {rule: r, desc: d, output: o, priority: INFO, condition: '", $condition, "'}\n", $after)
    };
}

/// A line of 4,098 processes, each the child of the one before.
fn long_line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| {
        let line = (1..4098).map(|ptid| format!("thread {0} pid={0} ptid={ptid} comm=a\n", ptid + 1));
        format!("thread 1 comm=init\n{}4098 getcwd res=0 path=/", line.collect::<String>())
    });
    &LINE
}

fn rows() -> Vec<Row> {
    use Quirk::*;
    vec![
        (
            MergeKey,
            OPEN,
            with_rule!("- &x {list: l, items: [a]}\n- {list: m, <<: *x}", "proc.name in (l)"),
            "E LOAD_ERR_YAML_VALIDATE",
        ),
        (FirstKey, OPEN, with_rule!("- {list: l, items: [a], items: [b]}", "proc.name in (l)"), "r@1"),
        (
            ListOneLevel,
            OPEN,
            with_rule!("- {list: l, items: [a]}\n- {list: m, items: [l]}\n- {list: n, items: [m]}", "proc.name in (n)"),
            "",
        ),
        (
            ListOneLevel,
            OPEN,
            with_rule!("- {list: n, items: [m]}\n- {list: m, items: [l]}\n- {list: l, items: [a]}", "proc.name in (n)"),
            "r@1",
        ),
        (
            ListInQuotes,
            "thread 7 comm=a args=[\"see\",\"x\",\"too\"]\n7 getcwd res=0 path=/",
            with_rule!("- {list: l, items: [x]}", "proc.args = \"see l too\""),
            "r@1",
        ),
        (ListAsValue, OPEN, with_rule!("- {list: l, items: [a]}", "proc.name = l"), "r@1"),
        (ListAsValue, OPEN, with_rule!("- {list: l, items: [a, b]}", "proc.name = l"), "E LOAD_ERR_COMPILE_CONDITION"),
        (ListWithoutParentheses, OPEN, "proc.name in a", "r@1"),
        (ItemAsText, OPEN, with_rule!("- {list: l, items: ['b,a']}", "proc.name in (l)"), "r@1"),
        (
            ItemAsText,
            "thread 7 comm=\"x \\\\y\"\n7 getcwd res=0 path=/",
            with_rule!("- {list: l, items: ['x \\y']}", "proc.name in (l)"),
            "E LOAD_ERR_COMPILE_CONDITION",
        ),
        (
            OverrideSource,
            OPEN,
            with_rule!(
                "- {list: unused, items: []}",
                "proc.name = a",
                "- {rule: r, desc: x, source: other, override: {desc: append}}"
            ),
            "r@1",
        ),
        (
            OverrideExceptions,
            OPEN,
            with_rule!(
                "- {list: unused, items: []}",
                "proc.name = a",
                "- {rule: r, exceptions: [{name: e, fields: [proc.name], comps: [like], values: [[a]]}], override: {exceptions: replace}}"
            ),
            "E LOAD_ERR_VALIDATE",
        ),
        (
            AppendPrecedence,
            OPEN,
            with_rule!(
                "- {list: unused, items: []}",
                "proc.name = a or proc.name = b",
                "- {rule: r, condition: and proc.name = c, override: {condition: append}}"
            ),
            "r@1",
        ),
        (
            AppendIgnores,
            OPEN,
            with_rule!(
                "- {list: unused, items: []}",
                "proc.name = a",
                "- {rule: r, condition: or proc.name = c, enabled: false, append: true}"
            ),
            "r@1",
        ),
        (
            EnableIgnores,
            OPEN,
            with_rule!(
                "- {list: unused, items: []}",
                "proc.name = a",
                "- {rule: r, enabled: true, exceptions: [{name: e, fields: proc.name, values: [a]}]}"
            ),
            "r@1",
        ),
        (
            RedefinedLater,
            OPEN,
            with_rule!("- {list: l, items: [b]}", "proc.name in (l)", "- {list: l, items: [a]}"),
            "r@1",
        ),
        (
            MacroOrder,
            OPEN,
            with_rule!("- {macro: m, condition: n}\n- {macro: n, condition: proc.name = a}", "m"),
            "E LOAD_ERR_VALIDATE",
        ),
        (
            MacroOrder,
            OPEN,
            with_rule!(
                "- {macro: m, condition: proc.name = b}\n- {macro: n, condition: proc.name = a}\n- {macro: m, condition: or n, override: {condition: append}}",
                "m"
            ),
            "r@1",
        ),
        (
            ForwardReference,
            OPEN,
            "- {rule: r, desc: d, output: o, priority: INFO, condition: m}\n====\n- {macro: m, condition: proc.name = a}",
            "r@1",
        ),
        (
            QuoteLookBack,
            "thread 7 comm=a args=[\"b\\\\\\\"c\"]\n7 getcwd res=0 path=/",
            r#"proc.args = "b\\"c""#,
            "r@1",
        ),
        (QuoteLookBack, OPEN, r#"proc.name = "a\\""#, "E LOAD_ERR_COMPILE_CONDITION"),
        (EscapedBlank, "thread 7 comm=a args=[\"b\\\\c\"]\n7 getcwd res=0 path=/", r#"proc.args = "b\ c""#, "r@1"),
        (GluedOperator, OPEN, "proc.name existsand evt.type = open", "r@1"),
        (ModifierAsText, "thread 7 comm=oneof\n7 getcwd res=0 path=/", "proc.name = oneof", "r@1"),
        (FieldAsText, "thread 7 comm=proc.exe\n7 getcwd res=0 path=/", "proc.name = proc.exe", "r@1"),
        (
            OutputPrefix,
            OPEN,
            "- {rule: r, desc: d, priority: INFO, condition: evt.type = open, output: '%proc.nameand %evt.typeX'}",
            "T aand openX",
        ),
        (
            FilterOnlyOutput,
            CONNECT,
            "- {rule: r, desc: d, priority: INFO, condition: 'fd.ip = 10.0.0.5', output: '%fd.ip %fd.sip'}",
            "T <NA> 93.184.216.34",
        ),
        (AddressInNever, CONNECT, "fd.ip in (10.0.0.5)", ""),
        (AddressInNever, CONNECT, "fd.ip = 10.0.0.5", "r@1"),
        (NetworkInFirstOnly, CONNECT, "fd.net in (1.0.0.0/8, 10.0.0.0/8)", ""),
        (NetworkInFirstOnly, CONNECT, "fd.net in (10.0.0.0/8, 1.0.0.0/8)", "r@1"),
        (NetworkIntersectsNever, CONNECT, "fd.net intersects (10.0.0.0/8)", ""),
        (
            NetworkIntersectsNever,
            "thread 7 comm=a\nfd 7 3 listen 10.0.0.5:80 tcp\n7 listen res=0 fd=3 backlog=1",
            "fd.net intersects (10.0.0.0/8)",
            "r@1",
        ),
        (EndsIntersectsFails, CONNECT, "fd.port intersects (4464)", ""),
        (RawNumberInNever, OPEN, "evt.rawarg.fd in (3)", ""),
        (RawNumberInNever, OPEN, "evt.rawarg.fd = 3", "r@1"),
        (RawBytesEmpty, CONNECT, "evt.rawarg.data = hello", ""),
        (RawBytesEmpty, CONNECT, "evt.rawarg.data != hello", "r@1"),
        (AncestorIdInNever, LINE, "proc.apid in (2)", ""),
        (AncestorIdInNever, LINE, "proc.apid = 2", "r@1"),
        (AncestorsNotEqual, LINE, "proc.aname != sshd", "r@1"),
        (AncestorsNotEqual, LINE, "not proc.aname = sshd", ""),
        (ModifierIgnored, LINE, "proc.aname = anyof (nothing, sshd)", ""),
        (ModifierIgnored, LINE, "proc.aname = oneof (sshd, bash)", "r@1"),
        (OneOfCounts, OPEN, "proc.name = oneof (a, a)", ""),
        (ConstantWraps, CONNECT, "fd.sport = 70000", "r@1"),
        (ConstantWraps, "thread 7 comm=a uid=4294967295\n7 getcwd res=0 path=/", "user.uid = -1", "r@1"),
        (AbsentIsFalse, LINE, "fd.name != x", ""),
        (AbsentIsFalse, LINE, "not fd.name = x", "r@1"),
        (FamilyDiffers, CONNECT, "fd.sip != 0:0:0:0:0:0:0:1", "r@1"),
        (NoEventOfBoth, OPEN, "evt.type = open and evt.type = close", ""),
        (EventDirection, OPEN, "evt.dir = <", "r@1"),
        (EventDirection, OPEN, "evt.dir = >", ""),
        (LatencyZero, OPEN, "evt.latency = 0", "r@1"),
        (
            NoResult,
            "thread 1 comm=a\n1 generic:getpid",
            "evt.type = getpid and not evt.rawres exists and not evt.failed exists",
            "r@1",
        ),
        (ArgumentName, "user 5 eve\nthread 1 comm=a\n1 setuid res=0 uid=5", "evt.arg.uid = 5", ""),
        (
            ArgumentName,
            "user 5 eve\nthread 1 comm=a\n1 setuid res=0 uid=5",
            "evt.arg.uid = eve and evt.rawarg.uid = 5",
            "r@1",
        ),
        (ArgumentName, "thread 1 comm=a\n1 bpf fd=3 cmd=5", "evt.arg.cmd = 5", ""),
        (TextNa, OPEN, "container.mount.dest[/x] in (\"<NA>\", \"N/A\")", ""),
        (TextNa, OPEN, "not container.mount.dest[/x] in (\"<NA>\", \"N/A\")", "r@1"),
        (NaIsText, "thread 7 comm=a uid=12\n7 getcwd res=0 path=/", "user.name exists and user.name = <NA>", "r@1"),
        (MountPattern, MOUNT, "container.mount.dest[/root*] = /inside", "r@1"),
        (MountPattern, MOUNT, "container.mount.dest[^/root] exists", ""),
        (
            FailedOpenPath,
            "thread 7 comm=a cwd=/tmp\n7 open fd=ENOENT name=x flags=O_RDONLY mode=0\n7 open fd=EPERM name=x flags=O_RDONLY mode=0",
            "fs.path.name = /tmp/x",
            "r@1",
        ),
        (
            LinkSource,
            "thread 7 comm=a\n7 rename res=0 oldpath=/x newpath=/y\n7 link res=0 oldpath=/x newpath=/y\n7 symlink res=0 target=/x linkpath=/y",
            "fs.path.source = /y",
            "r@2 r@3",
        ),
        (
            RawEmptyAbsent,
            "thread 1 comm=a\n1 execve res=0 exe=x comm=x uid= flags= trusted_exepath=",
            "evt.rawarg.flags exists",
            "",
        ),
        (
            RawEmptyAbsent,
            "thread 1 comm=a\n1 execve res=0 exe=x comm=x uid= flags= trusted_exepath=",
            "evt.arg.flags = <NA>",
            "r@1",
        ),
        (AncestorArguments, LINE, "proc.aargs = \"-l -D \"", "r@1"),
        (AncestorArguments, LINE, "proc.aargs = -D", ""),
        (
            FailedOpenType,
            "thread 7 comm=a cwd=/tmp\n7 open fd=ENOENT name=x flags=O_RDONLY mode=0\n7 openat fd=ENOENT dirfd=AT_FDCWD name=x flags=O_RDONLY mode=0",
            "fd.typechar = o",
            "r@1",
        ),
        (
            UnknownFolder,
            "thread 7 comm=a\n7 openat fd=3 dirfd=77 name=passwd flags=O_RDONLY mode=0",
            "fd.name = <UNKNOWN>passwd",
            "r@1",
        ),
        (
            CommNotRenamed,
            "thread 1 comm=a\n1 prctl res=0 option=15 arg2_str=x\n1 getcwd res=0 path=/",
            "proc.name = a",
            "r@1 r@2",
        ),
        (
            FailedExec,
            "thread 1 comm=a\n1 execve res=ENOENT exe=x comm=a filename=x",
            "evt.type = execve and proc.name = a",
            "r@1",
        ),
        (LongLine, long_line(), "proc.apid = 1", ""),
        (LongLine, long_line(), "proc.apid = 2", "r@1"),
        (LongLine, long_line(), "proc.aname[4097] = init", "r@1"),
        (
            SetuidMinusOne,
            "thread 1 comm=a uid=5\n1 setresuid res=0 ruid=-1 euid=-1 suid=-1",
            "user.uid = 4294967295",
            "r@1",
        ),
        (
            GroupNotFollowed,
            "thread 7 comm=a pgid=1 vpgid=1 vpid=7 vtid=7\n7 setpgid res=0 pid=7 pgid=7\n7 getcwd res=0 path=/",
            "proc.pgid = 1 and proc.is_vpgid_leader = false",
            "r@1 r@2",
        ),
        (
            ThreadFolder,
            "thread 1 comm=a cwd=/home\nthread 2 pid=1 comm=b\n2 chdir res=0 path=x\n1 getcwd res=0 path=/home/x",
            "proc.cwd = /home/x/",
            "r@1 r@2",
        ),
        (
            AnyBpfDescriptor,
            "thread 1 comm=a\n1 bpf fd=0 cmd=2\n1 read res=1 data=x fd=0 size=1",
            "fd.type = bpf",
            "r@1",
        ),
        (TableCopied, COPIED, "evt.type = read and fd.name = /x", ""),
    ]
}

/// A mount of `/var/roo`, in which the expression `/root*` is found.
const MOUNT: &str = r#"container 3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e runtime=docker name=web image=w json="{\"container\":{\"id\":\"3ad7b26ded6d\",\"name\":\"web\",\"image\":\"w\",\"Mounts\":[{\"Source\":\"/var/roo\",\"Destination\":\"/inside\",\"Mode\":\"ro\",\"RW\":false,\"Propagation\":\"\"}]}}"
thread 7 pid=7 vpid=1 vtid=1 comm=sh cgroups=["memory=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"]
7 getcwd res=0 path=/"#;

/// A process closes a descriptor that its clone shares with it; the clone reads from it still.
const COPIED: &str = r#"thread 1 comm=a
fd 1 3 file /x
1 clone res=9 exe=a args=[] tid=1 pid=1 ptid=0 comm=a flags=CLONE_FILES|CLONE_VM uid=0 gid=0 vtid=1 vpid=1
9 clone res=0 exe=a args=[] tid=9 pid=9 ptid=1 comm=a flags=CLONE_FILES|CLONE_VM uid=0 gid=0 vtid=9 vpid=9
1 close res=0 fd=3
9 read res=1 data=x fd=3 size=1"#;

#[test]
fn reproduced() {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<Quirk, usize> = BTreeMap::new();
    for (quirk, trace, rules, expected) in rows() {
        *seen.entry(quirk).or_default() += 1;
        let (is_text, expected) = match expected.strip_prefix("T ") {
            Some(text) => (true, text),
            None => (false, expected),
        };
        let found = fired(trace, rules, Policy::All, &[], is_text).unwrap_or_else(|errors| format!("E {errors}"));
        if found != expected {
            wrong.push(format!("{}: {rules}\non {trace}\nexpected {expected:?}, found {found:?}", quirk.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    for quirk in Quirk::ALL.iter().filter(|quirk| **quirk != Quirk::ReenabledLast) {
        assert!(seen.contains_key(quirk), "{}: no case", quirk.name());
    }
}

/// The one quirk that is not about a rule's text or a trace: `Quirk::ReenabledLast`.
#[test]
fn what_is_enabled_later_is_asked_last() {
    let rules = rule("first", "evt.type = open") + "  enabled: false\n" + &rule("second", "evt.type = open");
    let enable = |name: &str| Selection { enable: true, by: SelectBy::Name(name.to_owned()) };
    for (selections, expected) in
        [(vec![], "second@1"), (vec![enable("first")], "second@1"), (vec![enable("*")], "second@1")]
    {
        assert_eq!(fired(OPEN, &rules, Policy::First, &selections, false).as_deref(), Ok(expected), "{selections:?}");
    }
    let all = fired(OPEN, &rules, Policy::All, &[enable("first")], false);
    assert_eq!(all.as_deref(), Ok("second@1 first@1"), "in the order asked");
}

fn compare_or_write(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, text).expect("writable");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "docs/{name} is out of date: UPDATE_EXPECTED=1 rewrites it");
}

#[test]
fn manual_of_quirks() {
    let mut out = String::from(
        "# Quirks of Falco\n\nRules must give the same answers here as in Falco, also where these surprise. This is the list of such\n\
         behaviours: what each is, how the author of a rule is told of it, and where Falco has it. The few that are not\n\
         reproduced say so. It is made from the\n\
         table in `src/rules/quirks.rs`; `tests/quirks.rs` shows each on a trace.\n\nA remark about a quirk has the code `TH_QUIRK` and the \
         quirk's name: `TH_QUIRK/address-in`. Other codes are\nexplained in [diagnostics](diagnostics.md).\n",
    );
    for stage in [Stage::Language, Stage::Rules, Stage::Fields, Stage::State] {
        let _ = write!(out, "\n## {}\n", stage.title());
        for quirk in Quirk::ALL.iter().filter(|quirk| quirk.stage() == stage) {
            let _ = write!(out, "\n### `{}`\n\n{}\n\n", quirk.name(), quirk.meaning());
            let _ = match quirk.told() {
                Told::Code(code) if quirk.explanation().is_empty() => writeln!(out, "* Told by `{code}`"),
                Told::Code(code) => writeln!(out, "* Told by `{code}/{}`: {}", quirk.name(), quirk.explanation()),
                Told::Not(why) => writeln!(out, "* Not told: {why}"),
            };
            let _ = writeln!(out, "* In Falco: {}", quirk.source());
            if !quirk.is_reproduced() {
                let _ = writeln!(out, "* Not reproduced");
            }
        }
    }
    compare_or_write("quirks.md", &out);
}

#[test]
fn manual_of_diagnostics() {
    let mut out = String::from(
        "# Diagnostics of rule files\n\nWhat `rules check` can say. A code is stable: it keeps its name and meaning. Codes that begin with `LOAD_`\n\
         are Falco's and mean what they mean there, `TH_` are ours, `SUP-` and `DD-` are about suppressions, `SUITE-` about\nsuites of tests. With an error something was not loaded (exit\n\
         code 3); a warning is probably not what was meant; a remark (`lint`) is worth knowing.\n\n\
         `rules check -f json` prints one object: `diagnostics` is a list of objects with the keys `code`, `severity`\n\
         (`error`, `warning`, `lint`), `message`, `file`, `line`, `column`, `end_line`, `end_column` (from 1, in characters,\n\
         the end behind the last; 0 and an empty `file` where there is no place), `snippet` (the text there), `notes` (a\n\
         list of texts) and `help` (a text or null); `stats` has the numbers `files`, `rules`, `rules_enabled`,\n\
         `rules_skipped`, `rules_rejected`, `macros`, `lists`, `errors`, `warnings`, `lints`; `schema_validation` has for\n\
         each file the keys `file`, `status` (`ok`, `failed` or `none`, as Falco says of it), and `message` and `line` of\n\
         what its schema does not allow, or null. `rules check -f sarif` prints SARIF 2.1.0, in\n\
         which `ruleId` is the code.\n\n| code | severity | meaning |\n|---|---|---|\n",
    );
    for code in Code::ALL {
        let _ = writeln!(out, "| `{}` | {} | {} |", code.name(), code.severity().name(), code.explanation());
    }
    compare_or_write("diagnostics.md", &out);
}
