//! Several sides over one replay give what each gives by itself.

use std::convert::Infallible;

use proptest::prelude::*;
use tracehound::{Beside, Job, Only, Side, pipeline};
use tracehound_fields::Context;
use tracehound_formats::Input;
use tracehound_lang::{SourceFile, load};
use tracehound_rules::{Policy, Priority, RuleSet, SelectBy, Selection};
use tracehound_signals::{RuleRef, Signal};
use tracehound_suppress::{Clock, ExtraTags, SuppressionSet, files};

mod support;

const CONDITIONS: [&str; 7] = [
    "evt.type = openat",
    "evt.type in (openat, read)",
    "fd.name startswith /dev/",
    "evt.type = openat and evt.failed = true",
    "not evt.type = close",
    "proc.name = bash and (evt.type = read or fd.name = /etc/hosts)",
    "k8s.ns.name exists or evt.num > 3",
];
const OUTPUTS: [&str; 3] = ["opened %fd.name", "%evt.num by %proc.name", "fixed"];
const PRIORITIES: [&str; 3] = ["CRITICAL", "NOTICE", "DEBUG"];
const SUPPRESSIONS: [&str; 4] = [
    "{name: s0, rule_query: '*', suppression_query: '@process.executable.name:bash'}",
    "{name: s1, rule_query: 'rule:r1', data_exclusion_query: '@process.executable.name:bash'}",
    "{name: s2, rule_query: '*', data_exclusion_query: '@evt.name:openat'}",
    "{name: s3, rule_query: '*', suppression_query: '@evt.name:read', enabled: false}",
];

/// A side: rules as (condition, output, priority, enabled), whether only the first fires, the least priority, which
/// suppressions there are, and whether a rule is enabled afterwards.
#[derive(Clone, Debug)]
struct Given {
    rules: Vec<(usize, usize, usize, bool)>,
    is_first: bool,
    least: usize,
    suppressions: Vec<bool>,
    enabled_late: bool,
}

fn given() -> impl Strategy<Value = Given> {
    let rule = (0..CONDITIONS.len(), 0..OUTPUTS.len(), 0..PRIORITIES.len(), prop::bool::weighted(0.8));
    let suppressions = prop::collection::vec(prop::bool::weighted(0.3), SUPPRESSIONS.len());
    (prop::collection::vec(rule, 0..6), any::<bool>(), 0..PRIORITIES.len(), suppressions, any::<bool>()).prop_map(
        |(rules, is_first, least, suppressions, enabled_late)| Given {
            rules,
            is_first,
            least,
            suppressions,
            enabled_late,
        },
    )
}

impl Given {
    fn rules(&self) -> RuleSet {
        let item = |(i, &(condition, output, priority, enabled)): (usize, &(usize, usize, usize, bool))| {
            let (condition, output, priority) = (CONDITIONS[condition], OUTPUTS[output], PRIORITIES[priority]);
            format!(
                "- rule: r{i}\n  desc: d\n  condition: {condition}\n  output: '{output}'\n  priority: {priority}\n  enabled: {enabled}\n"
            )
        };
        let text: String = self.rules.iter().enumerate().map(item).collect();
        let loaded = load(&[SourceFile::new("r.yaml", text)]);
        let (mut set, errors) = RuleSet::plan(loaded.rules);
        assert_eq!((set.rules().len(), errors.len()), (self.rules.len(), 0), "{:?}", loaded.diagnostics);
        if self.enabled_late {
            set.select(&[Selection { enable: true, by: SelectBy::Name("r0".to_owned()) }]);
        }
        set
    }

    fn suppressions(&self) -> files::Loaded {
        let chosen = SUPPRESSIONS.iter().zip(&self.suppressions).filter(|(_, is_there)| **is_there);
        let items: String = chosen.map(|(text, _)| format!("\n  - {text}")).collect();
        let text = format!("suppressions:{}\n", if items.is_empty() { " []" } else { &items });
        let loaded = files::load(&[SourceFile::new("s.yaml", text)]);
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        loaded
    }
}

/// What analyses over one replay give: of the first side, then of each of the others, signals and what is lacking.
fn run(sides: &[Given]) -> Vec<(Vec<Signal>, Vec<Vec<String>>)> {
    let tags = ExtraTags::default();
    let rules: Vec<RuleSet> = sides.iter().map(Given::rules).collect();
    let suppressions: Vec<files::Loaded> = sides.iter().map(Given::suppressions).collect();
    let refs =
        |set: &RuleSet| set.rules().iter().enumerate().map(|(i, r)| RuleRef::new(i, r.rule())).collect::<Vec<_>>();
    let sets: Vec<SuppressionSet<'_>> = rules
        .iter()
        .zip(&suppressions)
        .map(|(rules, loaded)| SuppressionSet::new(&loaded.suppressions, &refs(rules), Clock::Event, &tags))
        .collect();
    let all: Vec<Side<'_>> = sides
        .iter()
        .zip(rules.iter().zip(&sets))
        .map(|(given, (rules, set))| Side {
            rules,
            policy: if given.is_first { Policy::First } else { Policy::All },
            least: Priority::parse(PRIORITIES[given.least]).expect("a priority"),
            suppressions: Some(set),
        })
        .collect();
    let (own, beside) = all.split_first().expect("a side");
    let mut reader = tracehound_formats::open(Input::from(support::SMALL.as_bytes().to_vec())).expect("a trace");
    let n_read = Default::default();
    let job = Job {
        rules: own.rules,
        policy: own.policy,
        least: own.least,
        suppressions: own.suppressions,
        context: Context::default(),
        only: Only::default(),
        n_read: &n_read,
        meter: None,
    };
    let further = (!beside.is_empty()).then(|| Beside::new(own.rules, own.least, beside.to_vec()));
    let analysis = pipeline::analyze_sides(&mut *reader, job, further.as_ref(), |_| Ok::<(), Infallible>(()))
        .expect("no observer");
    let beside = analysis.beside.into_iter().map(|found| (found.signals, found.not_evaluable));
    std::iter::once((analysis.signals, analysis.not_evaluable)).chain(beside).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn sides_give_what_each_gives_alone(sides in prop::collection::vec(given(), 1..4)) {
        let alone: Vec<_> = sides.iter().flat_map(|side| run(std::slice::from_ref(side))).collect();
        prop_assert_eq!(run(&sides), alone);
    }
}

/// The property says something: both sides find signals, other ones, and the order of the first counts.
#[test]
fn sides_are_not_all_silent() {
    let side = |rules: &[(usize, usize, usize, bool)]| Given {
        rules: rules.to_vec(),
        is_first: true,
        least: 2,
        suppressions: vec![false, true, false, false],
        enabled_late: false,
    };
    let names = |(signals, _): &(Vec<Signal>, Vec<Vec<String>>)| {
        signals.iter().map(|signal| format!("{}@{}", signal.rule.name, signal.seq.0)).collect::<Vec<_>>().join(" ")
    };
    let found = run(&[side(&[(0, 0, 0, true), (1, 0, 0, true)]), side(&[(1, 1, 0, true), (0, 0, 0, true)])]);
    let names: Vec<String> = found.iter().map(names).collect();
    assert_eq!(names, ["r0@1 r1@2 r0@4 r0@5", "r0@1 r0@2 r0@4 r0@5"]);
}
