//! Values that are different next time: temporary names, ids, times. A suppression that is built on one stops working
//! with the next restart, or was never meant for the one instance it names.
//!
//! Specification: A.4. Places are found in text as it is compared, wildcards of a pattern included: a part that is
//! a wildcard already is not found.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What makes a value one of the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A file below a folder for temporary files.
    TemporaryFolder,
    /// A name as `mktemp`, Python, pip, npm and go make them, or a random suffix.
    TemporaryName,
    /// A process or descriptor in `/proc` or `/dev/fd`.
    ProcId,
    /// A UUID.
    Uuid,
    /// Twelve or more hexadecimal digits: an id of a container or a layer, a hash.
    LongHex,
    /// The generated end of a pod's name.
    PodName,
    /// A time or a date.
    Time,
    /// An anonymous file in memory, or a file that was removed while it was in use.
    Anonymous,
}

impl Class {
    /// What the value has, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Class::TemporaryFolder => "a path below a folder for temporary files",
            Class::TemporaryName => "a temporary name",
            Class::ProcId => "the number of a process or descriptor",
            Class::Uuid => "a UUID",
            Class::LongHex => "a hash or an id in hexadecimal digits",
            Class::PodName => "the generated end of a pod's name",
            Class::Time => "a date or time",
            Class::Anonymous => "the name of a file in memory or of a removed file",
        }
    }
}

/// A part of a value that does not last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Why.
    pub class: Class,
    /// Which bytes; empty for [`Class::TemporaryFolder`], where no part stands out.
    pub range: Range<usize>,
}

/// One kind of place: the first group of the expression is the part that does not last.
struct Place {
    class: Class,
    regex: Regex,
    /// Whether a group that was found is one, from its text.
    is_one: fn(&str) -> bool,
}

static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let place = |class, pattern: &str, is_one| {
        // The patterns are constants, and a test runs each.
        Place { class, regex: Regex::new(pattern).expect("a valid expression"), is_one }
    };
    let any: fn(&str) -> bool = |_| true;
    vec![
        place(Class::Anonymous, r"memfd:(.+)", any),
        place(Class::Anonymous, r"( \(deleted\))$", any),
        place(Class::ProcId, r"/proc/([0-9]+)(?:$|[^0-9])", any),
        place(Class::ProcId, r"/proc/[^/ \t\r\n]+/(?:fd|task)/([0-9]+)", any),
        place(Class::ProcId, r"/dev/fd/([0-9]+)", any),
        place(Class::TemporaryFolder, r"/run/user/([0-9]+)", any),
        place(Class::TemporaryName, r"systemd-private-([^/ \t\r\n*]+)", any),
        place(Class::Uuid, r"([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})", any),
        place(Class::PodName, r"[a-z0-9]-([0-9a-f]{8,10}-[a-z0-9]{5})(?:$|[/ \t\r\n.:,])", has_digit),
        place(Class::LongHex, r"(?:^|[^0-9A-Za-z])([0-9a-f]{12,}|[0-9A-F]{12,})(?:$|[^0-9A-Za-z])", is_hash),
        place(
            Class::Time,
            r"(?:^|[^0-9])((?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9](?:[T_ -][0-2][0-9][:.-]?[0-5][0-9](?:[:.-]?[0-5][0-9](?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?)(?:$|[^0-9])",
            any,
        ),
        place(
            Class::Time,
            r"(?:^|[^0-9])((?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[T_-]?[0-2][0-9][0-5][0-9](?:[0-5][0-9])?)?)(?:$|[^0-9])",
            any,
        ),
        place(Class::Time, r"(?:^|[^0-9.])([0-9]{10}|[0-9]{13}|[0-9]{19})(?:$|[^0-9.])", is_epoch),
        place(Class::TemporaryName, r"(?:^|[^A-Za-z0-9])tmp[._-]([A-Za-z0-9_]{6,})", any),
        place(Class::TemporaryName, r"(?:^|[^A-Za-z0-9])tmp([a-z0-9_]{8})(?:$|[^A-Za-z0-9_])", any),
        place(Class::TemporaryName, r"go-build([0-9]+)", any),
        place(Class::TemporaryName, r"pip-(?:[a-z]+-)*([a-z0-9_]{8})(?:$|[^a-z0-9_])", has_digit),
        place(Class::TemporaryName, r"(?:^|[^a-z])npm-([0-9][0-9a-z-]*)", any),
        place(Class::TemporaryName, r"[^/ \t\r\n]\.([A-Za-z0-9]{6,})(?:$|[/ \t\r\n,;:'\x22)])", is_random),
    ]
});

fn has_digit(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
}

/// Hexadecimal digits that are not a word, nor a number that a person would write.
fn is_hash(text: &str) -> bool {
    has_digit(text) && (text.len() >= 16 || text.bytes().any(|b| b.is_ascii_alphabetic()))
}

/// Seconds, milliseconds or nanoseconds since 1970 of a moment from 2001 to 2100.
fn is_epoch(text: &str) -> bool {
    let seconds = text.get(..10).and_then(|head| head.parse::<u64>().ok()).unwrap_or(0);
    (978_307_200..4_102_444_800).contains(&seconds)
}

/// Letters of both cases, or letters and digits mixed so that no word or version explains them.
fn is_random(text: &str) -> bool {
    let count = |is: fn(&u8) -> bool| text.bytes().filter(is).count();
    let (upper, lower, digits) =
        (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase), count(u8::is_ascii_digit));
    // `Config`, `JSON5` and `x86` are words; `service` has one case and no digit.
    let is_capitalized = upper == 1 && text.starts_with(|c: char| c.is_ascii_uppercase()) && digits == 0;
    let ends_in_number = digits > 0
        && text.trim_end_matches(|c: char| c.is_ascii_digit()).bytes().all(|b| b.is_ascii_alphabetic())
        && (upper == 0 || lower == 0);
    (upper > 0 && lower > 0 && !is_capitalized) || (digits > 0 && upper + lower > 0 && !ends_in_number)
}

/// Folders where anybody, or the system for anybody, makes files that go away.
const TEMPORARY: [&str; 4] = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/"];

/// Everything in a value that does not last, in order, without overlaps. Linear in the value's length.
pub fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for place in PLACES.iter() {
        let mut at = 0;
        while let Some(groups) = place.regex.captures_at(text, at) {
            let Some(group) = groups.get(1) else { break };
            // What stands behind the part can stand before the next one.
            at = group.end().max(at + 1);
            let overlaps = || found.iter().any(|f| f.range.start < group.end() && group.start() < f.range.end);
            if (place.is_one)(group.as_str()) && !group.as_str().contains('*') && !overlaps() {
                found.push(Found { class: place.class, range: group.range() });
            }
            if at > text.len() || !text.is_char_boundary(at) || found.len() > MAX_FOUND {
                break;
            }
        }
    }
    if found.is_empty()
        && let Some(start) = TEMPORARY.iter().find_map(|folder| below(text, folder))
    {
        let rest = &text[start..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if end > 0 && !rest[..end].contains(['*', '?']) {
            found.push(Found { class: Class::TemporaryFolder, range: start..start });
        }
    }
    found.sort_by_key(|f| f.range.start);
    found
}

/// Parts found in one value at most; a longer one is no name that a person wrote.
const MAX_FOUND: usize = 256;

/// Where the part of a text below a folder begins, if a path in it is below the folder.
fn below(text: &str, folder: &str) -> Option<usize> {
    let at = text.find(folder)?;
    let is_path_start = at == 0 || text[..at].ends_with(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
    is_path_start.then_some(at + folder.len())
}

/// A part of a generalised value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// Anything.
    Any,
}

/// The value with `*` for each part that does not last. `None` if nothing in it can be replaced.
pub fn generalise(text: &str) -> Option<Vec<Part>> {
    let found = find(text);
    let mut out: Vec<Part> = Vec::new();
    let mut at = 0;
    for found in found.into_iter().filter(|f| !f.range.is_empty()) {
        if found.range.start > at {
            out.push(Part::Text(text[at..found.range.start].to_owned()));
        }
        if out.last() != Some(&Part::Any) {
            out.push(Part::Any);
        }
        at = found.range.end;
    }
    if at == 0 {
        return None;
    }
    if at < text.len() {
        out.push(Part::Text(text[at..].to_owned()));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn general(text: &str) -> String {
        let parts = generalise(text).unwrap_or_default();
        parts.iter().map(|part| if let Part::Text(text) = part { text } else { "*" }).collect()
    }

    /// A-07, A.4: class and generalisation of each kind of value.
    #[test]
    fn a_07_classes_and_generalisations() {
        use Class::*;
        for (text, class, expected) in [
            ("/tmp/tmp.9aQx1Z/run.sh", TemporaryName, "/tmp/tmp.*/run.sh"),
            ("/tmp/tmpab12cd_9/x", TemporaryName, "/tmp/tmp*/x"),
            ("/var/tmp/go-build3141592/b001/exe", TemporaryName, "/var/tmp/go-build*/b001/exe"),
            ("/tmp/pip-install-k3j2h1_x/setup.py", TemporaryName, "/tmp/pip-install-*/setup.py"),
            ("/tmp/npm-2345-a1b2/pack", TemporaryName, "/tmp/npm-*/pack"),
            ("/etc/shadow.aB3dE6", TemporaryName, "/etc/shadow.*"),
            ("--out=/srv/x.4f9K2z", TemporaryName, "--out=/srv/x.*"),
            ("/tmp/systemd-private-5d1c-cron.service-x/y", TemporaryName, "/tmp/systemd-private-*/y"),
            ("/proc/4711/maps", ProcId, "/proc/*/maps"),
            ("/proc/self/fd/7", ProcId, "/proc/self/fd/*"),
            ("/dev/fd/63", ProcId, "/dev/fd/*"),
            ("/run/user/1000/bus", TemporaryFolder, "/run/user/*/bus"),
            ("id=123e4567-e89b-12d3-a456-426614174000", Uuid, "id=*"),
            ("/var/lib/docker/overlay2/3ad7b26ded6d/merged", LongHex, "/var/lib/docker/overlay2/*/merged"),
            ("web-7d4b9c6f5d-x2x7k", PodName, "web-*"),
            ("backup-2026-03-01.tar", Time, "backup-*.tar"),
            ("log.20260301.gz", Time, "log.*.gz"),
            ("/srv/dump-20260301123000.sql", Time, "/srv/dump-*.sql"),
            ("job=1772323200", Time, "job=*"),
            ("job=1772323200123", Time, "job=*"),
            ("memfd:abc", Anonymous, "memfd:*"),
            ("/usr/bin/x (deleted)", Anonymous, "/usr/bin/x*"),
        ] {
            let found = find(text);
            assert_eq!(found.first().map(|f| f.class), Some(class), "{text}: {found:?}");
            assert_eq!(general(text), expected, "{text}");
        }
        // Two in one value.
        assert_eq!(general("cp /proc/1/x /proc/22/x"), "cp /proc/*/x /proc/*/x");
        assert_eq!(general("/a/0123456789ab/0123456789ac/"), "/a/*/*/");
        // Below a temporary folder, but nothing looks generated.
        assert_eq!(find("/tmp/app.sock")[0].class, TemporaryFolder);
        assert_eq!(generalise("/tmp/app.sock"), None);
    }

    #[test]
    fn a_07_names_that_last() {
        for text in [
            "/usr/bin/java",
            "/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "orders.service",
            "app.Config",
            "-Xmx2g",
            "192.0.2.1:8080",
            "/srv/app-1.2.3.jar",
            "/home/alice/.config/app.toml",
            "/tmp/tmp.*/run.sh",
            "/tmp/*",
            "/srv/tmpl/page.html",
            "/proc/self/status",
            "npm-cli.js",
            "web-server-main",
            "deadlock",
            "file.python3",
            "",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }

    #[test]
    fn hostile_values_are_bounded() {
        for text in ["0123456789ab/".repeat(10_000), "/proc/1".repeat(10_000), "é.aB3dE6".repeat(1000)] {
            assert!(find(&text).len() <= MAX_FOUND * 20);
        }
    }
}
