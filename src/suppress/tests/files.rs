//! Files of suppressions: what loads, what is said about those that do not, and that the published schema agrees.

use std::path::{Path, PathBuf};

use tracehound_lang::{SourceFile, render};
use tracehound_suppress::files::{self, write};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn inputs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("tests/files");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    paths
}

fn load(path: &Path) -> files::Loaded {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    files::load(&[SourceFile::new(name, std::fs::read(path).expect("input"))])
}

/// Each `files/NAME.yaml` gives the text in `NAME.diag`; `UPDATE_SNAPSHOTS=1` writes it.
#[test]
fn snapshots() {
    let mut wrong = Vec::new();
    for path in inputs() {
        let loaded = load(&path);
        let mut text = render::render_all(&loaded.diagnostics, &loaded.sources);
        let names: Vec<&str> = loaded.entries().map(|entry| entry.name.as_str()).collect();
        text.push_str(&format!("\nloaded: {}\n", names.join(", ")));
        let expected_path = path.with_extension("diag");
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&expected_path, &text).expect("write");
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
        if text != expected {
            wrong.push(format!("{}: expected\n{expected}\nfound\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_wrong_is_an_error() {
    for path in inputs() {
        let is_good = path.file_name().is_some_and(|name| name == "good.yaml");
        assert_eq!(load(&path).has_errors(), !is_good, "{}", path.display());
    }
}

#[test]
fn written_and_read_again() {
    let loaded = load(&folder().join("good.yaml"));
    let entries: Vec<files::Entry> = loaded.entries().cloned().collect();
    assert_eq!(entries.len(), 2);
    let text = write::file(&entries);
    let again = files::load(&[SourceFile::new("written.yaml", text.clone())]);
    assert!(!again.has_errors(), "{}", render::render_all(&again.diagnostics, &again.sources));
    assert_eq!(again.entries().cloned().collect::<Vec<_>>(), entries, "{text}");
    let list = files::datadog::export(&entries).to_string();
    assert_eq!(files::datadog::import(list.as_bytes()).expect("an import").entries, entries);
}

#[test]
fn formatting_touches_queries_only() {
    for (text, expected) in [
        (
            "# kept\nsuppressions:\n- name: a   # kept too\n  rule_query: '*'\n  suppression_query: '@process.comm:a   (env:prod)'\n  reason: x\n",
            "# kept\nsuppressions:\n- name: a   # kept too\n  rule_query: '*:*'\n  suppression_query: '@process.comm:a env:prod'\n  reason: x\n",
        ),
        (
            "suppressions:\n- name: a\n  suppression_query: >-\n    @process.comm:a\n    (env:prod)\n  rule_query: \"rule:\\\"A\\\"\"\n",
            "suppressions:\n- name: a\n  suppression_query: '@process.comm:a env:prod'\n  rule_query: 'ruleId:\"A\"'\n",
        ),
    ] {
        let formatted = files::format::format(&SourceFile::new("a.yaml", text)).expect("it loads");
        assert_eq!(formatted, expected);
        let again = files::format::format(&SourceFile::new("a.yaml", formatted.clone())).expect("it loads");
        assert_eq!(again, formatted);
    }
    assert!(files::format::format(&SourceFile::new("a.yaml", "suppressions: x\n")).is_err());
}

/// Bad input of the issue: a query of a megabyte is refused, quickly.
#[test]
fn a_megabyte_of_query() {
    for query in ["a ".repeat(1 << 19), "(".repeat(1 << 20), "@process.comm:".to_owned() + &"x".repeat(1 << 20)] {
        let text = format!("suppressions:\n- name: a\n  rule_query: '*'\n  suppression_query: '{query}'\n");
        let loaded = files::load(&[SourceFile::new("a.yaml", text)]);
        assert!(loaded.has_errors());
        let text = render::render_all(&loaded.diagnostics, &loaded.sources);
        assert!(text.len() < 5000, "{text}");
    }
}

/// Errors beyond the bound are counted, and the findings of one file do not refuse the entries of the next.
#[test]
fn more_findings_than_are_kept() {
    let one = |name: usize, key: &str, query: &str| {
        format!("- {{name: n{name}, {key}: '*', suppression_query: '{query}'}}\n")
    };
    let file = |n: usize, key: &str, query: &str| -> String {
        let items = (0..n).map(|i| one(i, key, query));
        format!("suppressions:\n{}", items.collect::<String>())
    };
    let last = format!("suppressions:\n{}", one(5000, "rule_query", "@process.comm:a"));
    // An alias is a remark; a missing and an unknown key are two errors.
    for (first, has_errors, n_loaded, n_more) in [
        (file(1200, "rule_query", "@process.executable.comm:a"), false, 1201, None),
        (file(500, "rule_qery", "@process.comm:a"), true, 1, None),
        (file(600, "rule_qery", "@process.comm:a"), true, 1, Some("200 further errors in this file are not shown")),
    ] {
        let loaded = files::load(&[SourceFile::new("a.yaml", first), SourceFile::new("b.yaml", last.clone())]);
        assert_eq!((loaded.has_errors(), loaded.suppressions.len()), (has_errors, n_loaded));
        let told = loaded.diagnostics.iter().map(|d| d.message.as_str()).find(|message| message.contains("further"));
        assert_eq!(told, n_more);
    }
}

/// Files are hostile input: cut anywhere, or with any byte changed, they are read or refused, and formatting what is
/// read gives a file that is read as the same.
#[test]
fn damaged_files() {
    let good = std::fs::read(folder().join("good.yaml")).expect("a file");
    let check = |bytes: Vec<u8>| {
        let source = SourceFile::new("d.yaml", bytes);
        let loaded = files::load(std::slice::from_ref(&source));
        let _ = render::render_all(&loaded.diagnostics, &loaded.sources);
        if let Ok(formatted) = files::format::format(&source) {
            let again = files::load(&[SourceFile::new("d.yaml", formatted.clone())]);
            assert!(!again.has_errors(), "{formatted}");
            assert_eq!(again.suppressions.len(), loaded.suppressions.len(), "{formatted}");
        }
    };
    for i in (0..good.len()).step_by(3) {
        check(good[..i].to_vec());
        for byte in [b'\n', b'"', b'\'', b':', b'(', b'\\', b'*', b'&', b'-', 0, 0xff] {
            let mut bytes = good.clone();
            bytes[i] = byte;
            check(bytes);
        }
    }
}
