//! Files that people write beside rules: suppressions, a list of Datadog's API, tags, suites. What loads is printed and read
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracehound_lang::source::SourceMap;
use tracehound_lang::{SourceFile, render};
use tracehound_suite::files::{self as suites, SuiteFile};
use tracehound_suppress::ExtraTags;
use tracehound_suppress::files::{self, Entry, datadog, format, tags, write};

fuzz_target!(|data: &[u8]| {
    let source = SourceFile::new("file.yaml", data.to_vec());
    suppressions(&source);
    if let Ok(list) = datadog::import(data) {
        let exported = serde_json::to_vec(&datadog::export(&list.entries)).expect("JSON is printed");
        let again = datadog::import(&exported).expect("what was exported is imported");
        assert_eq!(again.entries, list.entries);
    }
    let (mut sources, mut diagnostics) = (SourceMap::default(), Vec::new());
    tags::read(&source, &mut ExtraTags::default(), &mut sources, &mut diagnostics);
    render::render_all(&diagnostics, &sources);
    suite(data);
});

fn suppressions(source: &SourceFile) {
    let loaded = files::load(std::slice::from_ref(source));
    render::render_all(&loaded.diagnostics, &loaded.sources);
    if loaded.has_errors() {
        return;
    }
    let entries: Vec<Entry> = loaded.entries().cloned().collect();
    let again = files::load(&[SourceFile::new("written.yaml", write::file(&entries).into_bytes())]);
    assert!(!again.has_errors(), "{}", render::render_all(&again.diagnostics, &again.sources));
    assert!(again.entries().eq(&entries), "written and read again");
    if let Ok(text) = format::format(source) {
        let again = files::load(&[SourceFile::new("formatted.yaml", text.into_bytes())]);
        assert!(!again.has_errors(), "{}", render::render_all(&again.diagnostics, &again.sources));
    }
}

/// Patterns of a suite name files: without separators they stay in a folder that is not there.
fn suite(data: &[u8]) {
    let masked: Vec<u8> = data.iter().map(|&b| if b == b'/' { b'_' } else { b }).collect();
    let source = SourceFile::new("no-such-folder/suite.yaml", masked);
    let loaded = suites::load(&[SuiteFile { source: source.clone(), golden: Some(source) }]);
    render::render_all(&loaded.diagnostics, &loaded.sources);
}
