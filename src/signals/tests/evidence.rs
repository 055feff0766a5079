//! What a signal on the last event of a trace rests on.

use tracehound_fields::{Context, View};
use tracehound_formats::{Seq, text};
use tracehound_signals::{Evidence, GapLog};
use tracehound_state::Replay;

fn check(trace: &str, gaps: &GapLog, expected: &[&str]) {
    let (section, batch) = text::fixture(trace);
    let mut replay = Replay::default();
    replay.section(&section, Seq(0));
    let mut facts = Vec::new();
    replay.batch(&batch, &mut facts);
    let (history, context) = (replay.finish(), Context::default());
    let (Some(event), Some(fact)) = (batch.iter().last(), facts.last()) else { panic!("no event in {trace}") };
    let view = View { event, fact, history: &history, context: &context };
    let mut evidence = Evidence::of(&view);
    evidence.degrade(gaps.before(event.head.seq), &[]);
    let codes: Vec<&str> = evidence.reasons().iter().map(|reason| reason.code()).collect();
    assert_eq!(codes, expected, "{trace}");
    assert_eq!(evidence.name(), if expected.is_empty() { "complete" } else { "degraded" });
}

#[test]
fn of_an_event() {
    let none = GapLog::default();
    let known = "thread 1 comm=init\nthread 7 ptid=1 comm=cat\n";
    for (trace, expected) in [
        ("7 getcwd res=0 path=/", &[] as &[&str]),
        ("1 getcwd res=0 path=/", &[]),
        ("-1 lost n_events=1", &[]),
        ("9 getcwd res=0 path=/", &["birth_not_recorded", "unknown_parent"]),
        ("7 ~unfinished getcwd", &["unfinished"]),
        ("7 ~malformed getcwd res=0 path=/", &["malformed_argument"]),
    ] {
        check(&format!("{known}{trace}\n"), &none, expected);
    }
    check("thread 7 comm=cat\n7 getcwd res=0 path=/\n", &none, &["unknown_parent"]);
    let gaps = GapLog::new([(Seq(1), 3)].into_iter(), [Seq(2)].into_iter());
    check(&format!("{known}7 getcwd res=0 path=/\n"), &gaps, &[]);
    check(&format!("{known}7 getcwd res=0 path=/\n7 getcwd res=0 path=/\n"), &gaps, &["lost_events"]);
    check(&format!("{known}5 7 getcwd res=0 path=/\n"), &gaps, &["lost_events", "damage"]);
}
