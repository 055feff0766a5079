//! `diff`: every kind of change, of rules, macros, lists, suppressions; what does not load; git; formats; exit codes.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use support::{Run, SMALL, file, finish, folder, run};

/// Two rules for the small trace: `dev` fires on event 5, `reads` on event 2.
const BASE: &str = "\
- list: places
  items: [/dev/, /run/]
- macro: opened
  condition: evt.type = openat and evt.failed = false
- rule: dev
  desc: d
  condition: opened and fd.name pmatch (places)
  output: opened %fd.name
  priority: WARNING
  tags: [a]
- rule: reads
  desc: d
  condition: evt.type = read
  output: read %fd.name
  priority: NOTICE
";

/// A suppression of everything.
const HIDE: &str = "suppressions:\n  - {name: hide bash, rule_query: '*', suppression_query: '@process.comm:bash'}\n";
/// The same for one rule.
const HIDE_READS: &str =
    "suppressions:\n  - {name: hide reads, rule_query: 'rule:reads', suppression_query: '@process.comm:bash'}\n";
/// A rule does not see an event.
const EXCLUDE: &str =
    "suppressions:\n  - {name: blind, rule_query: 'rule:dev', data_exclusion_query: '@process.comm:bash'}\n";

/// A folder with the small trace and the rules of both sides.
struct Given {
    folder: PathBuf,
    trace: String,
    base: String,
    head: String,
}

fn given(name: &str, head: &str) -> Given {
    let folder = folder(&format!("diff-{name}"));
    let (trace, base) = (file(&folder, "small.trace", SMALL), file(&folder, "base.yaml", BASE));
    let head = file(&folder, "head.yaml", head);
    Given { folder, trace, base, head }
}

impl Given {
    fn diff(&self, flags: &[&str]) -> Run {
        let args = ["diff", "--base", &self.base, "--head", &self.head, &self.trace];
        run(args.iter().chain(flags))
    }
}

/// What a comparison found, short: `+dev@5`, `-dev@5`, `~dev@5[priority,tags]`.
fn short(json: &Json) -> String {
    let mut out = Vec::new();
    for (list, sign) in [("added", '+'), ("removed", '-'), ("changed", '~')] {
        for entry in json[list].as_array().expect("a list") {
            let changes = entry.get("changes").and_then(Json::as_object);
            let changes = changes.map(|c| format!("[{}]", c.keys().cloned().collect::<Vec<_>>().join(",")));
            let (rule, seq) = (entry["rule"].as_str().expect("a name"), &entry["seq"]);
            out.push(format!("{sign}{rule}@{seq}{}", changes.unwrap_or_default()));
        }
    }
    out.join(" ")
}

/// What is said of the rules that are listed: `dev: condition, by macro opened`.
fn whys(json: &Json) -> String {
    let of = |rule: &Json| {
        let words = |key: &str| -> Vec<String> {
            rule[key].as_array().expect("a list").iter().map(|w| w.as_str().expect("a text").to_owned()).collect()
        };
        let because = rule["because"].as_array().expect("a list").iter();
        let because: Vec<String> =
            because.map(|d| format!("{} {}", d["kind"].as_str().unwrap(), d["name"].as_str().unwrap())).collect();
        let all = [vec![rule["status"].as_str().expect("a text").to_owned()], words("aspects"), because].concat();
        format!("{}: {}", rule["rule"].as_str().expect("a name"), all.join(" "))
    };
    json["rules"].as_array().expect("a list").iter().map(of).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_kind_of_change() {
    let more = |text: &str| format!("{BASE}{text}");
    let wide = "- rule: wide\n  desc: d\n  condition: evt.type in (openat, read)\n  output: w\n  priority: INFO\n";
    let cases: Vec<(&str, String, &str, &str)> = vec![
        ("same", BASE.to_owned(), "", ""),
        ("laid out", BASE.replace("opened and fd.name", ">\n    opened\n    and fd.name"), "", ""),
        ("described", BASE.replacen("desc: d", "desc: other words", 1), "", "dev: changed wording"),
        ("rule added", more(wide), "+wide@1 +wide@2 +wide@4 +wide@5", "wide: added"),
        ("rule removed", BASE.split("- rule: reads").next().unwrap().to_owned(), "-reads@2", "reads: removed"),
        ("disabled", more("- rule: reads\n  enabled: false\n"), "-reads@2", "reads: changed disabled"),
        ("priority", BASE.replace("WARNING", "ERROR"), "~dev@5[priority]", "dev: changed priority"),
        ("tags", BASE.replace("tags: [a]", "tags: [a, b]"), "~dev@5[tags]", "dev: changed tags"),
        (
            "output",
            BASE.replace("read %fd.name", "read %evt.num"),
            "~reads@2[output,output_fields]",
            "reads: changed output",
        ),
        ("renamed", BASE.replace("rule: dev", "rule: device"), "~device@5[rule]", "device: changed renamed"),
        (
            "condition",
            BASE.replace("evt.type = read", "evt.type = close"),
            "+reads@3 +reads@6 -reads@2",
            "reads: changed condition",
        ),
        (
            "macro",
            BASE.replace("openat and evt.failed = false", "openat and evt.failed = true"),
            "-dev@5",
            "dev: changed condition macro opened",
        ),
        ("list", BASE.replace("[/dev/, /run/]", "[/etc/]"), "+dev@1 -dev@5", "dev: changed condition list places"),
        (
            "filter",
            BASE.replace("NOTICE\n", "NOTICE\n  filters: [{action: suppress, query: '@process.comm:bash'}]\n"),
            "~reads@2[suppressed_by,verdict]",
            "reads: changed filters",
        ),
        (
            "two with one condition",
            BASE.replace("rule: reads", "rule: b")
                + &wide.replace("wide", "c").replace("evt.type in (openat, read)", "evt.type = read"),
            "+c@2 ~b@2[rule]",
            "b: changed renamed; c: added",
        ),
    ];
    for (name, head, signals, rules) in cases {
        let given = given(&format!("kinds-{}", name.replace(' ', "-")), &head);
        let run = given.diff(&["-q", "-f", "json"]).expect(0);
        assert_eq!((short(&run.json()).as_str(), whys(&run.json()).as_str()), (signals, rules), "{name}");
    }
}

#[test]
fn suppressions_policy_and_selections() {
    let given = given("sides", BASE);
    let hide = file(&given.folder, "hide.yaml", HIDE);
    let reads = file(&given.folder, "reads.yaml", HIDE_READS);
    let exclude = file(&given.folder, "exclude.yaml", EXCLUDE);
    let wide = file(
        &given.folder,
        "wide.yaml",
        "- rule: wide\n  desc: d\n  condition: evt.type in (openat, read)\n  output: w\n  priority: INFO\n",
    );
    let wide = wide.as_str();
    for (flags, expected) in [
        (&["-s", &hide][..], ""),
        (&["--head-suppressions", &hide], "~reads@2[suppressed_by,verdict] ~dev@5[suppressed_by,verdict]"),
        (&["--base-suppressions", &hide], "~reads@2[suppressed_by,verdict] ~dev@5[suppressed_by,verdict]"),
        (&["-s", &hide, "--head-suppressions", &reads], "~reads@2[suppressed_by]"),
        (&["--disable", "reads"], ""),
        (&["--head", wide, "--disable", "dev"], "+wide@1 +wide@2 +wide@4 +wide@5"),
        (&["--head", wide, "--min-priority", "notice"], ""),
        // Where only the first fires, `wide` is behind the others.
        (&["--head", wide, "--rule-matching", "first"], "+wide@1 +wide@4"),
        // A rule that does not see the event leaves it to the next.
        (
            &["--head", wide, "--rule-matching", "first", "--head-suppressions", &exclude],
            "+wide@1 +wide@4 +wide@5 ~dev@5[suppressed_by,verdict]",
        ),
    ] {
        let run = given.diff(&[&["-q", "-f", "json"], flags].concat()).expect(0);
        assert_eq!(short(&run.json()), expected, "{flags:?}");
    }
    // Order alone changes what fires first.
    let (first, second) = BASE.split_once("- rule: reads").expect("two rules");
    let swapped = file(
        &given.folder,
        "swapped.yaml",
        format!(
            "- rule: wide\n  desc: d\n  condition: evt.type in (openat, read)\n  output: w\n  priority: INFO\n{first}- rule: reads{second}"
        ),
    );
    let args = ["diff", "--base", &given.base, "--base", wide, "--head", &swapped, &given.trace];
    let run = run(args.iter().chain(&["--rule-matching", "first", "-q", "-f", "json"])).expect(0);
    assert_eq!(short(&run.json()), "+wide@2 +wide@5 -reads@2 -dev@5");
    assert_eq!(run.json()["summary"]["reordered"], true);
    assert_eq!(run.json()["rules"][0]["why"][0], "another rule fires first");
    assert_eq!(run.json()["rules"][0]["status"], "same");
}

#[test]
fn gates_and_exit_codes() {
    let wide = "- rule: wide\n  desc: d\n  condition: evt.type = close\n  output: w\n  priority: INFO\n";
    let added = given("gate-added", &format!("{BASE}{wide}"));
    let removed = given("gate-removed", BASE.split("- rule: reads").next().expect("a part"));
    let changed = given("gate-changed", &BASE.replace("WARNING", "ERROR"));
    let same = given("gate-same", BASE);
    let hide = file(&added.folder, "hide.yaml", HIDE);
    for (given, flags, code) in [
        (&same, &["--fail-on-change"][..], 0),
        (&added, &[], 0),
        (&added, &["--fail-on-change"], 1),
        (&added, &["--fail-on", "added"], 1),
        (&added, &["--fail-on", "removed,changed"], 0),
        (&added, &["--fail-on", "removed", "--fail-on", "added"], 1),
        // Who hides it does not want to hear of it; that it is there is a change.
        (&added, &["--fail-on", "added", "-s", &hide], 0),
        (&added, &["--fail-on-change", "-s", &hide], 1),
        (&removed, &["--fail-on", "removed"], 1),
        (&removed, &["--fail-on", "removed", "-s", &hide], 0),
        (&changed, &["--fail-on", "changed"], 1),
        (&changed, &["--fail-on", "added,removed"], 0),
        (&same, &["--fail-on", "changed", "--head-suppressions", &hide], 1),
        (&same, &["--fail-on", "nothing"], 2),
        (&same, &["--examples", "1001"], 2),
        (&same, &["--disable", "nobody"], 2),
    ] {
        given.diff(&[&["-f", "json"], flags].concat()).expect(code);
    }
    let said = added.diff(&["--fail-on", "added", "-f", "json"]).expect(1);
    said.says(&["tracehound: 2 signals added"]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let given = given("bad", BASE);
    let broken = file(&given.folder, "broken.yaml", BASE.replace("fd.name pmatch", "fd.nam pmatch"));
    let unclear =
        file(&given.folder, "unclear.yaml", "suppressions:\n  - {name: a, rule_query: '*', suppression_query: '@('}\n");
    let damaged = {
        let mut bytes = support::native(SMALL.as_bytes(), 2);
        let at = bytes.len() / 2;
        bytes[at] ^= 0xff;
        file(&given.folder, "damaged.trh", bytes)
    };
    let other = folder("diff-bad-other");
    let text = file(&other, "a.txt", "hello");
    let (base, trace) = (given.base.as_str(), given.trace.as_str());
    let empty = other.to_str().expect("a path").to_owned();
    for (args, code, says) in [
        (
            vec!["--base", &broken, "--head", base, trace],
            3,
            vec!["fd.nam", "^^^", "base: rules do not load", "nothing was compared"],
        ),
        (vec!["--base", base, "--head", &broken, trace], 3, vec!["head: rules do not load"]),
        (vec!["--base", &broken, "--head", &broken, trace], 3, vec!["base: rules", "head: rules"]),
        (vec!["--base", "missing.yaml", "--head", base, trace], 3, vec!["base: missing.yaml"]),
        (
            vec!["--base", base, "--head", base, "--head-suppressions", &unclear, trace],
            3,
            vec!["head: suppressions do not load"],
        ),
        (vec!["--base", base, "--head", base, "missing.trace"], 4, vec!["missing.trace"]),
        (vec!["--base", base, "--head", base, &text], 4, vec!["not a trace"]),
        (vec!["--base", base, "--head", base, &empty], 4, vec!["no trace in this folder"]),
        (vec!["--base", base, "--head", base, &damaged], 5, vec!["damaged at byte"]),
        (vec!["--base", base, "--head", base, &damaged, "--allow-partial"], 0, vec!["damaged at byte"]),
        // A finding is a fact, also on partial evidence; a trace that is not read weighs more than both.
        (
            vec!["--base", base, "--head", base, &damaged, "--head-suppressions", "HIDE", "--fail-on-change"],
            1,
            vec!["damaged at byte", "not the same"],
        ),
        (
            vec![
                "--base",
                base,
                "--head",
                base,
                trace,
                "missing.trace",
                "--head-suppressions",
                "HIDE",
                "--fail-on-change",
            ],
            4,
            vec!["missing.trace", "not the same"],
        ),
        (vec!["--base", base, trace], 2, vec!["--head"]),
        (vec!["--base", base, "--head", base], 2, vec!["TRACE"]),
    ] {
        let hide = file(&given.folder, "hide.yaml", HIDE);
        let args: Vec<&str> = args.iter().map(|arg| if *arg == "HIDE" { hide.as_str() } else { arg }).collect();
        run(["diff", "-f", "json"].iter().chain(&args)).expect(code).says(&says);
    }
    // The other traces are compared all the same, and the one that is not is told.
    let args = ["diff", "-f", "json", "--base", base, "--head", base, "missing.trace", trace, &damaged];
    let json = run(args).expect(4).json();
    assert_eq!((&json["summary"]["unread"], &json["summary"]["partial"]), (&1.into(), &1.into()));
    assert_eq!(json["traces"][1]["integrity"], "ok");
    assert!(json["traces"][0]["error"].as_str().is_some_and(|error| error.contains("missing.trace")));
    let args = ["diff", "-q", "-f", "markdown", "--base", base, "--head", base, "missing.trace", trace, &damaged];
    let page = run(args).expect(4).text().to_owned();
    assert!(
        page.contains("**Partial evidence:** 1 trace is damaged") && page.contains("1 trace cannot be read"),
        "{page}"
    );
}

#[test]
fn folders_are_looked_into_and_a_trace_counts_once() {
    let given = given("folders", BASE);
    let below = given.folder.join("below");
    std::fs::create_dir_all(below.join(".hidden")).expect("a folder");
    file(&below, "x.trace", SMALL);
    file(&below, "x.yaml", "no trace");
    file(&below.join(".hidden"), "y.trace", SMALL);
    let folder = given.folder.to_str().expect("a path");
    let names = |args: &[&str]| -> Vec<String> {
        let fixed = ["diff", "-q", "-f", "json", "--base", &given.base, "--head", &given.head];
        let json = run(fixed.iter().chain(args)).expect(0).json();
        let name = |t: &Json| {
            Path::new(t["trace"].as_str().expect("a name")).file_name().unwrap().to_str().unwrap().to_owned()
        };
        json["traces"].as_array().expect("a list").iter().map(name).collect()
    };
    assert_eq!(names(&[folder]), ["x.trace", "small.trace"]);
    assert_eq!(names(&[&given.trace, folder, folder]), ["small.trace", "x.trace"]);
}

/// Names that mean something to whoever shows them.
#[test]
fn hostile_names_are_text() {
    let name = "a|b`c``d</summary><img src=x>\\n::error::e%0A@user \\u202e";
    let trace = SMALL.replace("/dev/.hidden", "\"/dev/|`</details>\\n::error::x\\x1b[31m\"");
    let head = format!(
        "{BASE}- rule: \"{name}\"\n  desc: d\n  condition: evt.type = openat\n  output: \"\\n```\\n%fd.name\"\n  priority: INFO\n"
    );
    let given = given("hostile", &head);
    let hostile = file(&given.folder, "x`|y.trace", trace);
    let args = ["diff", "-q", "--base", &given.base, "--head", &given.head, &hostile, "-f"];
    let run_as = |format: &str| run(args.iter().chain(&[format])).expect(0);
    let page = run_as("markdown").text().to_owned();
    // The one line of the table that is about the rule has five cells.
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows[1].replace("\\|", "").matches('|').count() == 6, "{rows:?}");
    let prose = without_code(&page);
    assert!(!prose.contains("<img") && !page.contains('\u{202e}') && !page.contains('\x1b'), "{page}");
    // Folded parts open and close as often.
    assert_eq!(page.matches("<details>").count(), page.lines().filter(|line| *line == "</details>").count(), "{page}");
    let annotations = run_as("github").text().to_owned();
    assert!(!annotations.is_empty());
    for line in annotations.lines() {
        assert!(line.starts_with("::warning file=") && !line.contains('\x1b'), "{line}");
        let properties = line.trim_start_matches("::warning ").split("::").next().expect("a part");
        assert_eq!(properties.split(',').count(), 3, "{properties}");
    }
    let text = run_as("text").text().to_owned();
    assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text}");
    let log = run_as("sarif").json();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "signal-added");
    assert_eq!(run_as("json").json()["added"][0]["rule"].as_str().map(|n| n.contains('\n')), Some(true));
}

/// Markdown without what is code in it: from a run of backticks to the next run of as many.
fn without_code(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('`') {
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        out.push_str(&rest[..at]);
        let (inside, mut end) = (at + run, None);
        let mut from = inside;
        while let Some(next) = rest[from..].find('`').map(|next| from + next) {
            let n = rest[next..].len() - rest[next..].trim_start_matches('`').len();
            if n == run {
                end = Some(next + n);
                break;
            }
            from = next + n;
        }
        let Some(end) = end else { panic!("code that does not end: {}", &rest[at..]) };
        rest = &rest[end..];
    }
    out + rest
}

/// The same bytes for any number of threads, whatever the format; and what was found is printed as it was reviewed.
#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let folder = folder("diff-threads");
    let mut sides = Vec::new();
    for name in ["00_common.yaml", "execution.yaml"] {
        let text = std::fs::read_to_string(Path::new("rules").join(name)).expect("a rule file");
        let text = text.replace("priority: CRITICAL", "priority: ERROR").replace("[sh, bash,", "[sh,");
        sides.extend(["--base".to_owned(), format!("rules/{name}"), "--head".to_owned(), file(&folder, name, text)]);
    }
    let traces =
        ["samples/reverse_shell_redirect.trace", "samples/java_export.trace", "samples/shell_in_container.trace"];
    for format in ["text", "markdown", "json", "sarif", "github"] {
        let of = |threads: &str| {
            let args = ["diff", "-q", "-f", format, "-j", threads];
            let sides = sides.iter().map(String::as_str);
            run(args.into_iter().chain(sides).chain(traces)).expect(0).stdout
        };
        let one = of("1");
        assert!(one.len() > 500, "{format}: {}", one.escape_ascii());
        for threads in if format == "json" { &["2", "8"][..] } else { &["8"] } {
            assert!(of(threads) == one, "{format} with {threads} threads");
        }
    }
}

#[test]
fn a_page_is_bounded_and_says_what_it_leaves_out() {
    let rule = |i: usize| {
        format!(
            "- rule: rule number {i} {}\n  desc: d\n  condition: evt.type = openat\n  output: o\n  priority: INFO\n",
            "x".repeat(150)
        )
    };
    let head: String = (0..400).map(rule).collect();
    let given = given("large", &format!("{BASE}{head}"));
    let page = given.diff(&["-q", "-f", "markdown"]).expect(0);
    let page = page.text();
    assert!(page.len() <= 60_000, "{}", page.len());
    assert!(page.contains("signals 1200 added, 0 removed, 0 changed"), "{}", &page[..300]);
    let last = page.lines().last().expect("a line");
    assert!(last.starts_with("Left out for their size: ") && last.contains("rows of this table"), "{last}");
}

/// A repository in a folder; `None`, and a line that says so, without git.
fn repository(name: &str) -> Option<PathBuf> {
    let folder = folder(name);
    match Command::new("git").arg("--version").output() {
        Ok(output) if output.status.success() => {}
        _ => {
            tracehound_skipped::skipped!("git is not installed");
            return None;
        }
    }
    git(&folder, &["init", "-q", "-b", "main"]);
    Some(folder)
}

fn git(folder: &Path, args: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn rules_of_revisions() {
    let Some(folder) = repository("diff-git") else { return };
    std::fs::create_dir_all(folder.join("rules/sub")).expect("a folder");
    file(&folder, "rules/a.yaml", BASE);
    file(&folder, "rules/ignored.txt", "x");
    file(&folder, "rules/sub/b.yaml", "not read");
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-qm", "one"]);
    file(&folder, "rules/a.yaml", BASE.replace("WARNING", "ERROR"));
    std::fs::create_dir_all(folder.join("empty")).expect("a folder");
    file(&folder, "empty/x", "");
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-qm", "two"]);
    let trace = file(&folder, "small.trace", SMALL);
    let elsewhere = format!("git:{}//HEAD~1:rules", folder.display());
    let diff = |at: &str, base: &str| {
        let mut command = support::command(["diff", "-f", "json", "--base", base, "--head"]);
        command.arg(folder.join("rules/a.yaml")).arg(&trace).current_dir(folder.join(at));
        finish(command)
    };
    for (at, base, expected) in [
        (".", "git:HEAD:rules", ""),
        (".", "git:HEAD~1:rules", "~dev@5[priority]"),
        (".", "git:HEAD~1:rules/", "~dev@5[priority]"),
        (".", "git:main~1:rules/a.yaml", "~dev@5[priority]"),
        ("rules", "git:HEAD~1:rules", "~dev@5[priority]"),
        ("rules", "git:HEAD~1:./a.yaml", "~dev@5[priority]"),
        ("rules", "git:HEAD~1:../rules/a.yaml", "~dev@5[priority]"),
        ("..", &elsewhere, "~dev@5[priority]"),
    ] {
        assert_eq!(short(&diff(at, base).expect(0).json()), expected, "{at} {base}");
    }
    for (at, base, says) in [
        (".", "git:nowhere:rules", "the repository has no revision `nowhere`"),
        (".", "git:HEAD:missing", "the revision has no such file or folder: missing"),
        (".", "git:HEAD:../x", "outside of the repository"),
        (".", "git:HEAD:/etc/passwd", "outside of the repository"),
        (".", "git:HEAD", "write git:REV:PATH"),
        (".", "git::rules", "the revision is missing"),
        (".", "git:--upload-pack=x:rules", "no revision `--upload-pack=x`"),
        (".", "git:HEAD:empty", "no .yaml or .yml file in this folder"),
        (".", "git:missing//HEAD:rules", "no git repository can be read here"),
        ("/", "git:HEAD:rules", "no git repository can be read here"),
    ] {
        diff(at, base).expect(3).says(&["base: git:", says]);
    }
    // A revision that does not load is told with its place.
    file(&folder, "rules/a.yaml", "- rule: x\n");
    git(&folder, &["commit", "-qam", "three"]);
    diff(".", "git:HEAD:rules").expect(3).says(&["--> git:HEAD:rules/a.yaml:1:"]);
    // What cannot be found says how.
    let mut command = support::command(["diff", "--base", "git:HEAD:rules", "--head", "rules", &trace]);
    command.current_dir(&folder).env("PATH", "/nonexistent");
    finish(command).expect(3).says(&["git is not installed"]);
}

/// Labels come from suites, as traces do if none is named.
#[test]
fn suites_say_what_traces_hold() {
    let given = given("labels", BASE.split("- rule: reads").next().expect("a part"));
    file(&given.folder, "benign.trace", SMALL);
    let suite = "suite: s\nrules: [base.yaml]\ntraces:\n  - {trace: small.trace, labels: {kind: attack}}\n  - {trace: benign.trace, labels: {kind: benign}}\n";
    let suite = file(&given.folder, "suite.yaml", suite);
    let hide = file(&given.folder, "hide.yaml", HIDE);
    let other = "suite: o\nrules: [base.yaml]\ntraces:\n  - {trace: small.trace, labels: {kind: benign}}\n  - trace: missing.trace\n";
    let other = file(&given.folder, "other.yaml", other);
    let lacking = file(&given.folder, "lacking.yaml", other_without(&other));
    let sides = ["diff", "-f", "json", "--base", &given.base, "--head"];
    let gate = ["--fail-on", "attack-removed"];
    let benign = given.folder.join("benign.trace").to_str().expect("a path").to_owned();
    for (args, code, says) in [
        (vec![given.head.as_str(), "--suite", &suite], 1, "tracehound: 1 signal removed from attacks"),
        (vec![&given.base, "--suite", &suite], 0, ""),
        (vec![&given.base, "--suite", &suite, "--head-suppressions", &hide], 1, "2 signals removed from attacks"),
        (vec![&given.head, "--suite", &suite, &benign], 0, ""),
        (vec![&given.head, &benign], 2, "no trace is labelled as an attack"),
        (vec![&given.head, "--suite", &suite, "--suite", &other], 2, "one suite says attack, another benign"),
        (vec![&given.base, "--suite", &suite, "--suite", &lacking], 4, "no such trace"),
        (vec![&given.base, "--suite", &given.base], 3, "suites do not load"),
    ] {
        run(sides.iter().chain(&args).chain(&gate)).expect(code).says(&[says]);
    }
    let json = run(sides.iter().chain(&[given.head.as_str(), "--suite", &suite, "-q"])).expect(0).json();
    let labels: Vec<_> = json["removed"].as_array().expect("a list").iter().map(|entry| &entry["label"]).collect();
    assert_eq!(labels, ["attack", "benign"]);
    let removed = &json["rules"][0]["removed"];
    assert_eq!((&removed["attack"], &removed["benign"]), (&1.into(), &1.into()));
    // One run, several forms.
    let page = given.folder.join("page.md");
    let format = format!("markdown={}", page.display());
    let args = ["-q", "--suite", &suite, "-f", &format];
    let log = run(["diff", "--base", &given.base, "--head", &given.head, "-f", "sarif"].iter().chain(&args)).expect(0);
    assert_eq!(log.json()["runs"][0]["results"][0]["level"], "error");
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(page.contains("| `reads` | rule removed |  | 2 (1 attack, 1 benign) |  |"), "{page}");
    assert!(page.contains("**On attacks, 1 signal is not there any more, or suppressed now.**"), "{page}");
    // A file that is there is kept.
    run(sides[..1].iter().chain(&sides[3..]).chain(&[given.head.as_str()]).chain(&args)).expect(2).says(&["--force"]);
}

fn other_without(path: &str) -> String {
    let text = std::fs::read_to_string(path).expect("a suite").replace("suite: o", "suite: l");
    text.lines().filter(|line| !line.contains("small.trace")).map(|line| format!("{line}\n")).collect()
}
