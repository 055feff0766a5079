//! What tables promise, compared with what is committed. `UPDATE_EXPECTED=1` rewrites the committed files; a
//! difference in `schema.txt` is an entry in CHANGELOG under *Formats*.

use std::collections::HashSet;
use std::path::Path;

use tracehound_report::docs;

fn check(path: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, actual).expect("a file that can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = expected.lines().zip(actual.lines()).find(|(expected, actual)| expected != actual);
    assert!(expected == actual, "{} is out of date (UPDATE_EXPECTED=1 rewrites it): {difference:?}", path.display());
}

#[test]
fn schema() {
    check("schema.txt", &docs::schema());
}

#[test]
fn manual() {
    check("../../docs/columns.md", &docs::markdown());
}

#[test]
fn columns_are_named_once_and_told_in_sentences() {
    for table in docs::tables() {
        let mut names = HashSet::new();
        for column in &table.columns {
            let name = format!("{}.{}", table.name, column.name);
            assert!(names.insert(column.name), "{name} stands twice");
            assert!(column.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
            assert!(column.doc.ends_with('.'), "{name}: {}", column.doc);
        }
        assert!(table.sorted_by.iter().all(|name| names.contains(name)), "{}", table.name);
    }
}
