//! `summary.json`.

mod support;

use support::{Fixture, STORY};
use tracehound_report::summary::summary;
use tracehound_signals::Priority;

#[test]
fn counts() {
    let fixture = Fixture::new(STORY).rule("A", Priority::Warning, &[3, 4]).rule("B", Priority::Notice, &[]);
    let summary = fixture.with(summary);
    for (pointer, expected) in [
        ("/events", "6"),
        ("/evidence", "\"partial\""),
        ("/host/hostname", "\"web-01\""),
        ("/host/kernel", "\"6.1.0\""),
        ("/time/first", "\"2025-01-01T00:00:00.000001000Z\""),
        ("/processes", r#"{"birth":1,"first_seen":0,"snapshot":3,"total":4}"#),
        ("/signals/by_priority", r#"{"Warning":{"fired":2,"suppressed":0}}"#),
        ("/signals/by_rule", r#"[{"fired":2,"rule":"A","suppressed":0}]"#),
        ("/rules/loaded", "2"),
        ("/losses/events", "12"),
    ] {
        let actual = summary.pointer(pointer).map(ToString::to_string);
        assert_eq!(actual.as_deref(), Some(expected), "{pointer}");
    }
}
