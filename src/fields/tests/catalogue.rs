//! The catalogue against the lists of names that rules in the field use.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tracehound_fields::{FieldArg, Multiplicity, ResolveError, catalogue, resolve};

/// Built-in fields of falcosecurity/libs, then those of the container plug-in, with their flags of today.
const NAMES: &str = include_str!("falco_fields.txt");

#[test]
fn names_are_unique_and_complete() {
    let ours: Vec<&str> = catalogue::all().iter().map(|field| field.name).collect();
    let set: BTreeSet<&str> = ours.iter().copied().collect();
    assert_eq!(set.len(), ours.len(), "a name stands twice");
    for name in NAMES.lines().filter(|line| !line.is_empty()) {
        assert!(set.contains(name), "{name} is missing");
    }
}

/// The specification lists every built-in field in tables; where it is at hand, it decides.
#[test]
fn names_of_the_specification() {
    let Some(shared) = shared() else { return };
    let text = std::fs::read_to_string(shared.join("specs/falco-language.md")).unwrap();
    let section = text.split("\n# 5. ").nth(1).unwrap().split("\n# 6. ").next().unwrap();
    let names: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)).collect();
    assert_eq!(names.len(), 233);
    for name in names {
        assert!(catalogue::all().iter().any(|field| field.name == name), "{name} is missing");
    }
}

fn shared() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    tracehound_skipped::skipped!("{} is not there", path.display());
    None
}

#[test]
fn spellings() {
    let ok = |text: &str, name: &str, arg: FieldArg| {
        let field = resolve(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((field.field().name, &field.arg), (name, &arg), "{text}");
    };
    let named = |name: &str| FieldArg::Name(name.to_owned());
    ok("proc.name", "proc.name", FieldArg::None);
    ok("proc.aname[2]", "proc.aname", FieldArg::Index(2));
    ok("evt.arg.flags", "evt.arg", named("flags"));
    ok("evt.arg[flags]", "evt.arg", named("flags"));
    ok("evt.arg[1]", "evt.arg", FieldArg::Index(1));
    ok("evt.rawarg.res", "evt.rawarg", named("res"));
    ok("proc.env[HOME]", "proc.env", named("HOME"));
    ok("container.mount.dest[/proc*]", "container.mount.dest", named("/proc*"));
    ok("container.label.app.name", "container.label", named("app.name"));
    ok("thread.cgroup.memory", "thread.cgroup", named("memory"));
    ok("evt.abspath.dst", "evt.abspath", named("dst"));
    ok("evt.type.is.open", "evt.type.is", named("open"));
    ok("evt.around[1404996934793590564]", "evt.around", named("1404996934793590564"));
    ok("fd.types[0]", "fd.types", FieldArg::Index(0));
    for (text, want) in [
        ("proc.nam", "Unknown"),
        ("proc.name[1]", "ArgNotAllowed"),
        ("evt.arg", "ArgRequired"),
        ("evt.arg.nonexistent", "BadArg"),
        ("proc.aname[x]", "BadArg"),
    ] {
        let error = resolve(text).unwrap_err();
        let kind = match &error {
            ResolveError::Unknown { .. } => "Unknown",
            ResolveError::ArgRequired { .. } => "ArgRequired",
            ResolveError::ArgNotAllowed { .. } => "ArgNotAllowed",
            ResolveError::BadArg { .. } => "BadArg",
        };
        assert_eq!(kind, want, "{text}: {error}");
    }
    let ResolveError::Unknown { candidates, .. } = resolve("proc.nmae").unwrap_err() else { panic!() };
    assert_eq!(candidates.first(), Some(&"proc.name"));
    assert_eq!(resolve("proc.aname").unwrap().multiplicity(), Multiplicity::Ancestors);
    assert_eq!(resolve("proc.aname[2]").unwrap().multiplicity(), Multiplicity::One);
    assert!(resolve("evt.rawarg.res").unwrap().ty().is_numeric());
}
