//! The three official rule files load without an error, and each rule asks for the kinds of event that Falco infers.

use std::path::PathBuf;

use tracehound_lang::{Loaded, SourceFile, load};

const FILES: [(&str, usize); 3] =
    [("falco_rules.yaml", 25), ("falco-incubating_rules.yaml", 31), ("falco-sandbox_rules.yaml", 37)];

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("TRACEHOUND_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if !root.join("rules/falco").is_dir() {
        tracehound_skipped::skipped!("no rule files in {} (set TRACEHOUND_SHARED)", root.display());
        return None;
    }
    Some(root)
}

fn file(name: &str) -> Option<SourceFile> {
    let path = shared()?.join("rules/falco").join(name);
    Some(SourceFile::new(name, std::fs::read(path).expect("readable")))
}

fn errors(loaded: &Loaded) -> String {
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|d| d.is_error()).cloned().collect();
    tracehound_lang::render::render_all(&errors, &loaded.sources)
}

#[test]
fn each_file_loads_alone() {
    for (name, n_rules) in FILES {
        let Some(file) = file(name) else { return };
        let loaded = load(&[file]);
        assert_eq!(errors(&loaded), "", "{name}");
        assert_eq!(loaded.rules.len(), n_rules, "{name}");
        assert_eq!(loaded.stats.warnings, 0, "{name}: {}", loaded.render());
    }
}

#[test]
fn all_files_load_together() {
    let files: Vec<SourceFile> = FILES.iter().filter_map(|(name, _)| file(name)).collect();
    if files.len() < FILES.len() {
        return;
    }
    let start = std::time::Instant::now();
    let loaded = load(&files);
    eprintln!("loaded in {:?}", start.elapsed());
    assert_eq!(errors(&loaded), "");
    assert_eq!(loaded.rules.len(), 93);
    assert_eq!(loaded.stats.rules_rejected + loaded.stats.rules_skipped, 0);
}

/// Remarks about the official files, each read and found true: a macro asks an argument of another kind of event, a
/// rule asks for all that an earlier one asks for and more, a command of bpf is shown by its name and never as 5, mounts
/// that a container does not have are compared with the text `<NA>`, `[/proc*]` and `[/root*]` are regular expressions
/// (each found once: the macro is one condition), and `"\ "` is the text of one backslash.
#[test]
fn remarks() {
    let files: Vec<SourceFile> = FILES.iter().filter_map(|(name, _)| file(name)).collect();
    if files.len() < FILES.len() {
        return;
    }
    let loaded = load(&files);
    let found: Vec<(String, String)> = loaded
        .diagnostics
        .iter()
        .filter_map(|d| Some((d.code_text(), String::from_utf8_lossy(loaded.sources.slice(d.span()?)).into_owned())))
        .collect();
    let expected = [
        ("TH_QUIRK/argument-name", "evt.arg.cmd=5"),
        ("TH_NO_VALUE", "evt.arg.filename startswith /var/lib/docker"),
        ("TH_QUIRK/mount-pattern", "container.mount.dest[/proc*] in (\"<NA>\",\"N/A\")"),
        ("TH_QUIRK/text-na", "container.mount.dest[/proc*] in (\"<NA>\",\"N/A\")"),
        ("TH_QUIRK/mount-pattern", "container.mount.dest[/root*] in (\"<NA>\",\"N/A\")"),
        ("TH_QUIRK/escaped-blank", "\"\\ \""),
        ("TH_SHADOWED_RULE", "Network Tool Executed During NPM Package Install"),
    ];
    let expected = expected.map(|(code, text)| (code.to_owned(), text.to_owned()));
    assert_eq!(found, expected, "{}", loaded.render());
}

/// Section 4.3 of the specification, read from the specification.
#[test]
fn kinds_of_every_rule() {
    let Some(root) = shared() else { return };
    let files: Vec<SourceFile> = FILES.iter().filter_map(|(name, _)| file(name)).collect();
    let loaded = load(&files);
    let spec = std::fs::read_to_string(root.join("specs/falco-language.md")).expect("specification");
    let section = spec.split("## 4.3 ").nth(1).and_then(|s| s.split("## 4.4 ").next()).expect("section 4.3");
    let mut n = 0;
    for line in section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Rule ")) {
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let [name, priority, off, kinds, codes, fields] = cells[..] else { panic!("{line}") };
        let rule = loaded.rules.iter().find(|r| r.name == name).unwrap_or_else(|| panic!("no rule {name}"));
        let row = loaded.row(rule);
        let short = if row.priority == "Informational" { "INFO".to_owned() } else { row.priority.to_uppercase() };
        assert_eq!(short, priority, "{name}");
        assert_eq!(row.is_enabled, off != "off", "{name}");
        assert_eq!(row.kinds.as_deref().unwrap_or(&[]).join(", "), kinds, "{name}");
        let set = tracehound_rules::compile(&rule.condition).expect("it loads").kinds().clone();
        assert_eq!(tracehound_lang::falco::codes::count(&set).to_string(), codes, "{name}");
        // The table leaves out arguments, and what every rule has or what is constant.
        let mut named: Vec<&str> = row.condition_fields.iter().map(|f| f.split('[').next().unwrap_or(f)).collect();
        named.retain(|f| !matches!(*f, "evt.type" | "evt.num"));
        named.dedup();
        assert_eq!(named.join(" "), fields, "{name}");
        n += 1;
    }
    assert_eq!(n, 93);
}
