//! Queries over signals: read in both modes, shown, printed and read again, and asked of an event.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tracehound_lang::source::{SourceFile, SourceMap};
use tracehound_lang::render;
use tracehound_suppress::query::parse;
use tracehound_suppress::{Collected, ExtraTags, Mode, SignalView};

/// What the last event of a trace has values of.
fn subject() -> &'static Collected {
    static SUBJECT: OnceLock<Collected> = OnceLock::new();
    SUBJECT.get_or_init(|| {
        let trace = tracehound_fuzz::Replayed::new(include_bytes!("../../../samples/java_spawns_bash.trace"));
        let tags = ExtraTags::default();
        let last = trace.views().last().expect("a trace has an event");
        SignalView::of_event(&last, &tags).collect()
    })
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut sources = SourceMap::default();
    sources.add(SourceFile::new("query", data));
    for mode in [Mode::Strict, Mode::Lenient] {
        let (query, diagnostics) = parse(text, mode);
        assert_eq!(query.is_none(), diagnostics.iter().any(|d| d.is_error()));
        render::render_all(&diagnostics, &sources);
        let Some(query) = query else { continue };
        let is_match = query.matches(subject());
        assert_eq!(query.explain(subject()).is_match, is_match);
        let printed = query.to_string();
        // Escapes make a long query longer than what is accepted.
        if printed.len() <= tracehound_suppress::query::MAX_LEN {
            let again = parse(&printed, Mode::Lenient).0.expect("printed text is read");
            assert_eq!(again, query);
            assert_eq!(again.matches(subject()), is_match);
        }
    }
});
