//! As a new user would try it: ten things misspelt in the official rule files, one at a time, and what is said of each.
//!
//! The transcript is a snapshot (`misspelt_official.txt`; `UPDATE_EXPECTED=1` writes it). It has places and messages
//! only, not the text of the files, which is looked for in `../shared` or `TRACEHOUND_SHARED`.

use std::path::{Path, PathBuf};

use tracehound_lang::{SourceFile, render};

/// What is done to which file: the first place where the text stands is changed.
const MISSPELT: &[(&str, &str, &str, &str)] = &[
    ("a field", "falco_rules.yaml", "fd.typechar", "fd.typchar"),
    ("a macro", "falco_rules.yaml", "    spawned_process\n", "    spawned_proces\n"),
    ("a list", "falco_rules.yaml", "in (shell_binaries)", "in (shell_binareis)"),
    ("a key", "falco_rules.yaml", "  priority: WARNING", "  prioritty: WARNING"),
    ("an operator", "falco-incubating_rules.yaml", " startswith ", " startwith "),
    ("a priority", "falco_rules.yaml", "WARNING", "WARNNIG"),
    ("an event", "falco_rules.yaml", "evt.type in (open,", "evt.type in (opne,"),
    ("a field of an output", "falco_rules.yaml", "%fd.name", "%fd.nmae"),
    ("a key of a list", "falco_rules.yaml", "  items:", "  item:"),
    ("a truth value", "falco_rules.yaml", "evt.is_open_read=true", "evt.is_open_read=ture"),
    ("a parenthesis", "falco-incubating_rules.yaml", "\n  condition: (", "\n  condition: (("),
];

#[test]
fn what_is_said_of_misspelt_official_rules() {
    let shared = std::env::var_os("TRACEHOUND_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = shared.join("rules/falco");
    if !folder.is_dir() {
        tracehound_skipped::skipped!("no official rule files at {}", folder.display());
        return;
    }
    let mut transcript = String::new();
    for &(what, file, right, wrong) in MISSPELT {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let changed = text.replacen(right, wrong, 1);
        assert!(text != changed, "{file} has no {right:?}");
        let start = text.find(right).unwrap() + right.len() - right.trim_start().len();
        let line = text[..start].matches('\n').count() + 1;
        let loaded = tracehound_lang::load(&[SourceFile::new(file, changed)]);
        let stats = loaded.stats;
        transcript += &format!("# {what}: {right:?} became {wrong:?} in line {line} of {file}\n");
        transcript += &format!("{} rules load, {} do not\n", stats.rules, stats.rules_rejected);
        let rows: Vec<_> = loaded.diagnostics.iter().map(|d| render::row(d, &loaded.sources)).collect();
        for row in rows.iter().take(4) {
            transcript +=
                &format!("{}[{}] {}:{}:{} {}\n", row.severity, row.code, row.file, row.line, row.column, row.message);
            if let Some(help) = &row.help {
                transcript += &format!("  help: {help}\n");
            }
        }
        if rows.len() > 4 {
            transcript += &format!("and {} more\n", rows.len() - 4);
        }
        transcript.push('\n');
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/misspelt_official.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &transcript).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(transcript, expected, "run with UPDATE_EXPECTED=1 and read the difference");
}
