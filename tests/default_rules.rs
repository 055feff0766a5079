//! Every default rule has a sample in `samples/rules/`: the attack, on which it fires, and benign twins, on which it
//! stays silent.
//!
//! The head of a sample says what is expected: `# rule: NAME` and `# fires: SEQ ...`, the numbers of the events. All
//! default rules are asked, so that a sample also shows that its rule holds beside the others.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use tracehound::{Job, Only, pipeline, rulefiles};
use tracehound_fields::Context;
use tracehound_formats::Input;
use tracehound_lang::Severity;
use tracehound_rules::{Policy, Priority};

/// The smallest number of rules this project promises to ship.
const PROMISED: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rules() -> rulefiles::RuleFiles {
    rulefiles::load(&[root().join("rules")]).expect("the folder of default rules")
}

/// What the head of a sample promises.
#[derive(Debug)]
struct Promise {
    rule: String,
    fires: Vec<u64>,
}

fn promise(text: &str) -> Promise {
    let value = |key: &str| {
        let mut found = text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": "));
        let value = found.next().unwrap_or_else(|| panic!("no line `# {key}: ...`"));
        assert!(found.next().is_none(), "more than one line `# {key}: ...`");
        value
    };
    let fires: Vec<u64> =
        value("fires").split_whitespace().map(|seq| seq.parse().expect("the number of an event")).collect();
    assert!(!fires.is_empty(), "a sample without a positive case");
    Promise { rule: value("rule").to_owned(), fires }
}

/// File name of the sample of a rule: its name in lower case, everything but letters and digits as one `_`.
fn slug(rule: &str) -> String {
    let words: Vec<String> = rule
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("_")
}

fn samples() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join("samples/rules"))
        .expect("the folder of samples of rules")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
}

#[test]
fn default_rules_load_without_remarks() {
    let loaded = rules();
    assert_eq!(loaded.render(Severity::Lint), "");
    assert!(loaded.rules.rules().len() >= PROMISED, "{} rules", loaded.rules.rules().len());
}

#[test]
fn tags_name_tactic_and_technique() {
    for rule in rules().rules.rules().iter().map(|planned| planned.rule()) {
        assert!(!rule.description.trim().is_empty(), "{}: no description", rule.name);
        assert!(rule.tags.iter().any(|tag| tag.starts_with("mitre_")), "{}: no tactic", rule.name);
        let is_technique =
            |tag: &String| tag.strip_prefix('T').is_some_and(|id| id.starts_with(|c: char| c.is_ascii_digit()));
        assert!(rule.tags.iter().any(is_technique), "{}: no technique", rule.name);
    }
}

#[test]
fn every_rule_has_its_sample() {
    let loaded = rules();
    let mut expected: Vec<String> =
        loaded.rules.rules().iter().map(|rule| slug(&rule.rule().name) + ".trace").collect();
    expected.sort();
    let found: Vec<String> =
        samples().iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    assert_eq!(found, expected, "files in samples/rules/, rules in rules/");
}

#[test]
fn each_rule_fires_on_the_attack_and_not_on_its_twins() {
    let loaded = rules();
    let mut wrong = BTreeMap::new();
    for path in samples() {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a sample");
        let promise = promise(&text);
        assert_eq!(slug(&promise.rule), name, "the rule is named as the file");
        let mut reader = tracehound_formats::open(Input::open(&path).expect("a sample")).expect("a text trace");
        let n_read = Default::default();
        let job = Job {
            rules: &loaded.rules,
            policy: Policy::All,
            least: Priority::Debug,
            suppressions: None,
            context: Context::default(),
            only: Only::default(),
            n_read: &n_read,
            meter: None,
        };
        let analysis = pipeline::analyze(&mut *reader, job, |_| Ok::<(), Infallible>(())).expect("no observer");
        assert_eq!(analysis.integrity(), "ok", "{name}: {:?}", analysis.read_notes.damage);
        assert!(
            analysis.totals.n_events > promise.fires.len() as u64,
            "{name}: a sample without a negative case: {promise:?}"
        );
        let fired: Vec<u64> = analysis
            .signals
            .iter()
            .filter(|signal| *signal.rule.name == *promise.rule)
            .map(|signal| signal.seq.0)
            .collect();
        if fired != promise.fires {
            wrong.insert(name, (promise.fires, fired));
        }
    }
    let report: Vec<String> = wrong
        .iter()
        .map(|(name, (expected, fired))| format!("{name}: expected {expected:?}, fired {fired:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", report.join("\n"));
}
