//! The workflow and the hook of `docs/ci`, as they are, in a repository made here.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{SMALL, file, folder, root};
use tracehound_lang::falco::yaml;

const RULES: &str = "\
- rule: dev
  desc: d
  condition: evt.type = openat and fd.name startswith /dev/
  output: opened %fd.name
  priority: WARNING
  tags: [a]
";
const SUITE: &str = "\
suite: small
rules: [../rules]
traces:
  - trace: small.trace
    labels: {kind: attack}
    expect:
      - rule: dev
";

/// A repository with rules, a suite and its trace, committed on `main`; `None`, and a line that says so, without the
/// programs that it needs.
fn repository(name: &str) -> Option<PathBuf> {
    for program in ["git", "bash"] {
        if !Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success()) {
            tracehound_skipped::skipped!("{program} is not installed");
            return None;
        }
    }
    let folder = folder(name);
    for below in ["rules", "tests"] {
        std::fs::create_dir_all(folder.join(below)).expect("a folder");
    }
    file(&folder, "rules/rules.yaml", RULES);
    file(&folder, "tests/suite.yaml", SUITE);
    file(&folder, "tests/small.trace", SMALL);
    for args in [&["init", "-q", "-b", "main"][..], &["add", "."], &["commit", "-qm", "one"]] {
        let output = git(&folder, args);
        assert!(output.status.success(), "{args:?}: {output:?}");
    }
    Some(folder)
}

/// Git, with the program that is tested in the path, and no settings of whoever runs this.
fn git(folder: &Path, args: &[&str]) -> Output {
    let fixed = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
    with_program(Command::new("git").args(fixed).args(args).current_dir(folder)).output().expect("git runs")
}

fn with_program(command: &mut Command) -> &mut Command {
    let program = Path::new(env!("CARGO_BIN_EXE_tracehound")).parent().expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(program.to_owned()).chain(std::env::split_paths(&path)));
    command
        .env("PATH", path.expect("a path"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn the_hook_refuses_what_breaks_a_rule() {
    let Some(folder) = repository("ci-hook") else { return };
    let hook = folder.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    std::fs::copy(root().join("docs/ci/pre-commit"), &hook).expect("the hook, with its mode");
    let renamed = RULES.replace("rule: dev", "rule: device");
    let wide =
        format!("{RULES}- rule: wide\n  desc: d\n  condition: evt.type = close\n  output: w\n  priority: INFO\n");
    let quiet_suite = SUITE.replace("suite: small\n", "suite: small\nunexpected: ignore\n");
    // What is staged, whether it is committed, and what is said.
    for (name, change, is_accepted, says) in [
        ("rules/rules.yaml", RULES.replace("fd.name", "fd.nam"), false, &["fd.nam", "do not load"][..]),
        ("rules/rules.yaml", RULES.replace("/dev/", "/dav/"), false, &["a suite fails"]),
        ("rules/rules.yaml", renamed, false, &["a suite fails"]),
        ("tests/suite.yaml", SUITE.replace("rule: dev", "rule: nobody"), false, &["a suite fails"]),
        ("README", "words".to_owned(), true, &[]),
        ("rules/rules.yaml", RULES.replace("WARNING", "ERROR"), true, &["priority: Warning → Error", "1 changed"]),
        ("tests/suite.yaml", quiet_suite, true, &["0 added, 0 removed, 0 changed"]),
        ("rules/rules.yaml", wide.replace("WARNING", "ERROR"), true, &["2 added"]),
    ] {
        let before = std::fs::read(folder.join(name)).ok();
        file(&folder, name, change.as_bytes());
        git(&folder, &["add", "."]);
        let output = git(&folder, &["commit", "-m", "change"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), is_accepted, "{change}\n{said}");
        assert!(says.iter().all(|part| said.contains(part)), "{change}\n{says:?} in {said}");
        if let (false, Some(before)) = (is_accepted, before) {
            file(&folder, name, before);
            git(&folder, &["add", "."]);
        }
    }
    // What is not staged does not count, and a commit of everything (which has an index of its own) does.
    file(&folder, "rules/rules.yaml", "- rule: broken\n");
    file(&folder, "tests/more.txt", "x");
    git(&folder, &["add", "tests/more.txt"]);
    let output = git(&folder, &["commit", "-m", "only what is staged"]);
    assert!(output.status.success(), "{output:?}");
    assert!(!git(&folder, &["commit", "-am", "everything"]).status.success());
    // A gate of its own.
    git(&folder, &["config", "tracehound.failOn", "added,removed"]);
    file(&folder, "rules/rules.yaml", RULES.replace("WARNING", "ERROR"));
    let output = git(&folder, &["commit", "-am", "less"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("signals are lost or new"), "{said}");
    // Nothing is left behind.
    assert!(git(&folder, &["status", "--porcelain"]).stdout.starts_with(b" M rules"), "{said}");
}

/// Texts with their names, in order.
type Named = Vec<(String, String)>;

/// The `run:` steps of the workflow with their names, and the variables of its `env:`.
fn workflow() -> (Named, Named) {
    let text = std::fs::read_to_string(root().join("docs/ci/workflow.yml")).expect("the workflow");
    let mut diagnostics = Vec::new();
    let stream = yaml::parse(&text, 0, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let [document] = stream.documents.as_slice() else { panic!("not one document") };
    let env = entries(member(document, "env").expect("env"));
    let job = member(member(document, "jobs").expect("jobs"), "detection").expect("the job");
    let yaml::Value::Seq(steps) = &member(job, "steps").expect("steps").value else { panic!("steps are no list") };
    let step = |step: &yaml::Node| Some((text_of(member(step, "name")?), text_of(member(step, "run")?)));
    (steps.iter().filter_map(step).collect(), env)
}

fn member<'n>(node: &'n yaml::Node, key: &str) -> Option<&'n yaml::Node> {
    let yaml::Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(name, _)| text_of(name) == key).map(|(_, value)| value)
}

fn entries(node: &yaml::Node) -> Vec<(String, String)> {
    let yaml::Value::Map(entries) = &node.value else { panic!("not a mapping") };
    entries.iter().map(|(name, value)| (text_of(name), text_of(value))).collect()
}

fn text_of(node: &yaml::Node) -> String {
    match &node.value {
        yaml::Value::Scalar(text, ..) => text.as_str().to_owned(),
        _ => panic!("not a text"),
    }
}

#[test]
fn the_steps_of_the_workflow_run() {
    let Some(folder) = repository("ci-workflow") else { return };
    let (steps, env) = workflow();
    git(&folder, &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    git(&folder, &["checkout", "-qb", "change"]);
    let run = |change: &str, case: &str| -> (Vec<(String, Option<i32>)>, String, String) {
        file(&folder, "rules/rules.yaml", change);
        git(&folder, &["commit", "-qam", case]);
        let summary = folder.join("summary.md");
        let _ = std::fs::remove_file(&summary);
        let (mut codes, mut printed) = (Vec::new(), String::new());
        for (name, script) in steps.iter().filter(|(name, _)| name != "Install tracehound") {
            let mut command = Command::new("bash");
            // As GitHub runs a step whose shell is bash.
            command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(&folder);
            command.envs(env.iter().cloned()).env("GITHUB_BASE_REF", "main").env("GITHUB_STEP_SUMMARY", &summary);
            let output = with_program(&mut command).output().expect("bash runs");
            printed += &String::from_utf8_lossy(&output.stdout);
            printed += &String::from_utf8_lossy(&output.stderr);
            codes.push((name.clone(), output.status.code()));
        }
        (codes, printed, std::fs::read_to_string(&summary).unwrap_or_default())
    };
    let codes = |codes: &[(String, Option<i32>)]| codes.iter().map(|(_, code)| *code).collect::<Vec<_>>();
    assert_eq!(steps.len(), 5, "{steps:?}");

    let (found, printed, summary) = run(&RULES.replace("WARNING", "ERROR"), "priority");
    assert_eq!(codes(&found), [Some(0); 4], "{printed}");
    assert!(summary.contains("## Detection: signals 0 added, 0 removed, 1 changed"), "{summary}");
    assert!(printed.contains("::notice file=rules/rules.yaml,line=1,title=dev%3A 1 signal changed::"), "{printed}");
    for name in ["sarif/rules.sarif", "sarif/test.sarif", "sarif/diff.sarif", "test.xml"] {
        assert!(folder.join(name).is_file(), "{name}");
    }

    // The attack is not found any more: suite and comparison fail, and say so.
    let (found, printed, summary) = run(&RULES.replace("/dev/", "/dav/"), "blind");
    assert_eq!(codes(&found), [Some(0), Some(1), Some(1), Some(0)], "{printed}");
    assert!(printed.contains("::error file=rules/rules.yaml,line=1,title=dev%3A 1 signal removed::"), "{printed}");
    assert!(summary.contains("**On attacks, 1 signal is not there any more, or suppressed now.**"), "{summary}");

    // Rules that do not load.
    let (found, printed, _) = run(&RULES.replace("fd.name", "fd.nam"), "broken");
    assert_eq!(codes(&found), [Some(3), Some(3), Some(3), Some(0)], "{printed}");
}
