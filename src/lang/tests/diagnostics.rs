//! What is said about wrong rule files, as people read it: each `diagnostics/NAME.yaml` must give the text in
//! `NAME.diag` beside it. `UPDATE_SNAPSHOTS=1` writes the texts; read the difference before committing it.

use std::path::{Path, PathBuf};

use tracehound_lang::{SourceFile, load};

fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    let entries = std::fs::read_dir(folder).expect("tests/diagnostics");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    paths
}

#[test]
fn snapshots() {
    let mut wrong = Vec::new();
    let paths = inputs();
    assert!(paths.len() > 10);
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let loaded = load(&[SourceFile::new(name.clone(), std::fs::read(&path).expect("input"))]);
        let mut text = loaded.render();
        let names: Vec<&str> = loaded.rules.iter().map(|rule| rule.name.as_str()).collect();
        text.push_str(&format!("\nloaded: {}\n", names.join(", ")));
        for filter in &loaded.filters {
            text.push_str(&format!("filter: {}: {} {}\n", filter.rule, filter.action.name(), filter.query.as_str()));
        }
        let expected_path = path.with_extension("diag");
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&expected_path, &text).expect("write");
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
        if text != expected {
            wrong.push(format!("{name}: expected\n{expected}\nfound\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
