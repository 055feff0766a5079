//! What was observed, kept by content: a run asks only what it does not know yet.
//!
//! A trace has one file in the cache, named by the hash of its content and of the program that observed it. In it is what
//! is true of the trace whatever the rules, and for each rule what it gave, by the hash of everything that the rule says
//! and, if it has signals, of what was asked about them (suppressions, queries, tags). So a rule that was edited is asked
//! of those traces only that have an event it can match.
//!
//! Beside it there can be a copy of the trace that is faster to read, so that asking again is cheap: whoever reads traces
//! says when it is worth it, and that the copy reads the same.
//!
//! The files are evidence of nothing: each begins with the hash of the rest, and one that is damaged, of another version
//! or in any other way not as expected counts as missing and is written anew. They are written aside and renamed, so that
//! programs that run at the same time see whole ones.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value as Json, json};

use crate::result::{Facts, Seen, strings};

/// First line of each file.
const MAGIC: &str = "tracehound-suite-cache 1";
/// What files in the cache are called after.
const EXTENSION: &str = "observed";
/// First line of each copy of a trace.
const COPY_MAGIC: &str = "tracehound-suite-copy 1";
/// What copies of traces are called after.
const COPY_EXTENSION: &str = "unpacked";
/// Rules kept of a trace: those of now, and the newest of those before.
const MAX_RULES: usize = 2000;
/// Bytes of one file: a trace with more signals is observed each time.
const MAX_FILE: usize = 4 << 20;
/// Bytes of a copy of a trace; with its first line it is a file.
pub const MAX_COPY: usize = MAX_FILE - 4096;
/// Bytes of all files; the oldest ones go.
const MAX_TOTAL: u64 = 512 << 20;

/// A hash of content, 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 16]);

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A record has one a rule: formatting each byte was a fifth of a run that asks one rule of all traces.
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
        let digits = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        f.write_str(&digits.collect::<String>())
    }
}

impl Key {
    /// The key of a content.
    pub fn of(content: &[u8]) -> Key {
        let mut hash = KeyHasher::default();
        hash.write(content);
        hash.key()
    }

    fn parse(text: &str) -> Option<Key> {
        let mut out = [0; 16];
        (text.len() == 32 && text.is_ascii()).then_some(())?;
        for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Key(out))
    }
}

/// Makes a key of what implements [`std::hash::Hash`]: the same for every run of one build of the program.
#[derive(Clone, Debug, Default)]
pub struct KeyHasher(blake3::Hasher);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The first half of the key.
    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.key().0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl KeyHasher {
    /// The key of all that was written.
    pub fn key(&self) -> Key {
        let mut key = [0; 16];
        key.copy_from_slice(&self.0.finalize().as_bytes()[..16]);
        Key(key)
    }
}

/// What is known of a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// What is true whatever the rules.
    pub facts: Facts,
    /// Rules that say nothing, whatever is asked about their signals, by hash; and when each was noted.
    silent: HashMap<Key, u64>,
    /// Signals of other rules, by the hash of the rule and that of what was asked; and when they were noted.
    signals: HashMap<(Key, Key), (u64, Vec<Seen>)>,
    /// Counts what was noted.
    clock: u64,
}

impl Record {
    /// A record that knows of no rule.
    pub fn new(facts: Facts) -> Record {
        Record { facts, ..Record::default() }
    }

    /// The signals of a rule with answers to what `asked` is the key of; `None` if that is not known.
    pub fn get(&self, rule: Key, asked: Key) -> Option<&[Seen]> {
        if self.silent.contains_key(&rule) {
            return Some(&[]);
        }
        self.signals.get(&(rule, asked)).map(|(_, seen)| seen.as_slice())
    }

    /// Notes what a rule gave.
    pub fn put(&mut self, rule: Key, asked: Key, seen: Vec<Seen>) {
        self.clock += 1;
        if seen.is_empty() {
            self.silent.insert(rule, self.clock);
        } else {
            self.silent.remove(&rule);
            self.signals.insert((rule, asked), (self.clock, seen));
        }
    }

    /// The record as a file, with what is too old left out.
    fn write(&self) -> Vec<u8> {
        let Facts { n_events, kinds, n_damage, damage, n_lost } = &self.facts;
        let mut noted: Vec<u64> =
            self.silent.values().chain(self.signals.values().map(|(at, _)| at)).copied().collect();
        noted.sort_unstable();
        let oldest = noted.len().checked_sub(MAX_RULES).map_or(0, |n_old| noted.get(n_old).copied().unwrap_or(0));
        // What is silent is most: a list of keys alone, the oldest first.
        let mut silent: Vec<(u64, Key)> =
            self.silent.iter().filter(|(_, at)| **at >= oldest).map(|(key, at)| (*at, *key)).collect();
        silent.sort_unstable();
        let silent: Vec<String> = silent.iter().map(|(_, key)| key.to_string()).collect();
        let mut signals: Vec<_> = self
            .signals
            .iter()
            .filter(|(_, (at, _))| *at >= oldest)
            .map(|((rule, asked), (at, seen))| (*at, rule, asked, seen))
            .collect();
        signals.sort_unstable_by_key(|(at, ..)| *at);
        let signals: Vec<Json> = signals
            .into_iter()
            .map(|(_, rule, asked, seen)| {
                let seen: Vec<Json> = seen.iter().map(Seen::to_json).collect();
                json!({ "rule": rule.to_string(), "asked": asked.to_string(), "signals": seen })
            })
            .collect();
        let body = json!({
            "n_events": n_events, "kinds": kinds, "n_damage": n_damage, "damage": damage, "n_lost": n_lost,
            "silent": silent.concat(), "signals": signals,
        })
        .to_string()
            + "\n";
        [first_line(MAGIC, body.as_bytes()).as_bytes(), body.as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Record> {
        let json: Json = serde_json::from_slice(&bytes[body(MAGIC, bytes)?..]).ok()?;
        let number = |key: &str| json.get(key)?.as_u64();
        let kind = |kind: &Json| u16::try_from(kind.as_u64()?).ok();
        let facts = Facts {
            n_events: number("n_events")?,
            kinds: json.get("kinds")?.as_array()?.iter().map(kind).collect::<Option<_>>()?,
            n_damage: number("n_damage")?,
            damage: strings(json.get("damage")?)?,
            n_lost: number("n_lost")?,
        };
        let mut record = Record::new(facts);
        for key in json.get("silent")?.as_str()?.as_bytes().chunks(32) {
            record.clock += 1;
            record.silent.insert(Key::parse(std::str::from_utf8(key).ok()?)?, record.clock);
        }
        for of_rule in json.get("signals")?.as_array()? {
            let key = |key: &str| Key::parse(of_rule.get(key)?.as_str()?);
            let seen = of_rule.get("signals")?.as_array()?.iter().map(Seen::from_json).collect::<Option<Vec<_>>>()?;
            record.clock += 1;
            record.signals.insert((key("rule")?, key("asked")?), (record.clock, seen));
        }
        Some(record)
    }
}

/// The first line of a file: what it is, and the hash of the rest.
fn first_line(magic: &str, body: &[u8]) -> String {
    format!("{magic} {}\n", blake3::hash(body).to_hex())
}

/// Where what stands behind the first line begins; `None` if that is not what it says.
fn body(magic: &str, bytes: &[u8]) -> Option<usize> {
    let start = bytes.iter().take(magic.len() + 128).position(|&byte| byte == b'\n')? + 1;
    bytes.starts_with(first_line(magic, &bytes[start..]).as_bytes()).then_some(start)
}

/// A folder of records. One that cannot be written to is as good as none: tests then take longer.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    build: Key,
}

impl Cache {
    /// A cache in a folder, for one build of the program.
    pub fn new(folder: impl Into<PathBuf>, build: Key) -> Cache {
        Cache { folder: folder.into(), build }
    }

    fn path(&self, trace: Key, extension: &str) -> PathBuf {
        let mut hash = KeyHasher::default();
        hash.write(&self.build.0);
        hash.write(&trace.0);
        self.folder.join(format!("{}.{extension}", hash.key()))
    }

    /// What is known of a trace.
    pub fn get(&self, trace: Key) -> Option<Record> {
        Record::read(&read(&self.path(trace, EXTENSION))?)
    }

    /// Keeps what is known of a trace. False if it is too much.
    pub fn put(&self, trace: Key, record: &Record) -> io::Result<bool> {
        self.write(&self.path(trace, EXTENSION), &record.write())
    }

    /// The copy of a trace.
    pub fn copy(&self, trace: Key) -> Option<Vec<u8>> {
        let mut bytes = read(&self.path(trace, COPY_EXTENSION))?;
        bytes.drain(..body(COPY_MAGIC, &bytes)?);
        Some(bytes)
    }

    /// Keeps a copy of a trace. False if it is larger than [`MAX_COPY`].
    pub fn put_copy(&self, trace: Key, copy: &[u8]) -> io::Result<bool> {
        let bytes = [first_line(COPY_MAGIC, copy).as_bytes(), copy].concat();
        self.write(&self.path(trace, COPY_EXTENSION), &bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        if bytes.len() > MAX_FILE {
            return Ok(false);
        }
        fs::create_dir_all(&self.folder)?;
        let temporary = path.with_added_extension(format!("partial-{}", std::process::id()));
        let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // Nothing half written stays; an error of the removal says nothing new.
            let _ = fs::remove_file(&temporary);
        }
        written.map(|()| true)
    }

    /// Removes the oldest records and copies until the rest is of bounded size. Only files of the cache are touched.
    pub fn prune(&self) -> io::Result<()> {
        prune(&self.folder, MAX_TOTAL)
    }
}

/// A file of the cache.
fn read(path: &Path) -> Option<Vec<u8>> {
    let is_bounded = fs::metadata(path).ok()?.len() <= MAX_FILE as u64;
    is_bounded.then(|| fs::read(path).ok())?
}

fn prune(folder: &Path, max_total: u64) -> io::Result<()> {
    let mut files: BTreeMap<(SystemTime, PathBuf), u64> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|e| e == EXTENSION || e == COPY_EXTENSION)
            && let Ok(metadata) = entry.metadata()
            && metadata.is_file()
        {
            files.insert((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), path), metadata.len());
        }
    }
    let mut total: u64 = files.values().sum();
    for ((_, path), len) in files {
        if total <= max_total {
            break;
        }
        // Another run may have removed it.
        let _ = fs::remove_file(path);
        total -= len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(seq: u64) -> Seen {
        Seen {
            seq,
            message: "a\u{1b}b\"\n".to_owned(),
            fields: BTreeMap::from([("proc.name".to_owned(), json!("bash")), ("fd.num".to_owned(), Json::Null)]),
            suppressed_by: vec!["S".to_owned()],
            process: Some("k".to_owned()),
            path: vec!["1 init".to_owned()],
            answers: vec![true, false],
            ..Seen::default()
        }
    }

    fn record() -> Record {
        let facts = Facts { n_events: 3, kinds: vec![7, 300], n_damage: 1, damage: vec!["x".into()], n_lost: u64::MAX };
        let mut record = Record::new(facts);
        record.put(Key::of(b"silent"), Key::of(b"q"), Vec::new());
        record.put(Key::of(b"loud"), Key::of(b"q"), vec![seen(1), seen(2)]);
        record
    }

    #[test]
    fn a_key_is_read_as_it_is_shown() {
        for (bytes, text) in [
            ([0; 16], "00000000000000000000000000000000"),
            ([0x1f; 16], "1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f"),
            ([0xa0; 16], "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"),
        ] {
            assert_eq!((Key(bytes).to_string().as_str(), Key::parse(text)), (text, Some(Key(bytes))));
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let record = record();
        assert_eq!(Record::read(&record.write()), Some(record.clone()));
        let get = |rule: &[u8], asked: &[u8]| record.get(Key::of(rule), Key::of(asked)).map(<[Seen]>::len);
        assert_eq!(get(b"silent", b"anything"), Some(0));
        assert_eq!(get(b"loud", b"q"), Some(2));
        assert_eq!(get(b"loud", b"other"), None);
        assert_eq!(get(b"unknown", b"q"), None);
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let bytes = record().write();
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 1;
            assert_eq!(Record::read(&damaged), None, "byte {i}");
            assert_eq!(Record::read(&bytes[..i]), None, "cut at {i}");
        }
    }

    #[test]
    fn a_copy_is_what_was_kept_or_nothing() {
        let folder = std::env::temp_dir().join(format!("tracehound-suite-copy-{}", std::process::id()));
        let (cache, trace) = (Cache::new(&folder, Key::of(b"build")), Key::of(b"trace"));
        assert_eq!(cache.copy(trace), None);
        for copy in [&b"\n\xff"[..], b"", &[7; MAX_COPY]] {
            assert!(cache.put_copy(trace, copy).expect("a folder"));
            assert!(cache.copy(trace).expect("a copy") == copy);
        }
        assert_eq!([cache.copy(Key::of(b"other")), Cache::new(&folder, Key::of(b"other")).copy(trace)], [None, None]);
        assert_eq!(cache.get(trace), None);
        assert!(!cache.put_copy(trace, &[7; MAX_FILE]).expect("a folder"));
        cache.put_copy(trace, b"abc").expect("a folder");
        let path = cache.path(trace, COPY_EXTENSION);
        let bytes = fs::read(&path).expect("a file");
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 1;
            for damaged in [&damaged[..], &bytes[..i]] {
                fs::write(&path, damaged).expect("a file");
                assert_eq!(cache.copy(trace), None, "byte {i}");
            }
        }
        fs::remove_dir_all(&folder).expect("a folder");
    }

    #[test]
    fn a_file_is_bounded_and_the_newest_stays() {
        let mut record = Record::default();
        let rule = |i: usize| Key::of(&i.to_le_bytes());
        for i in 0..MAX_RULES + 5 {
            record.put(rule(i), Key::of(b""), if i % 2 == 0 { Vec::new() } else { vec![seen(1)] });
        }
        let has = |record: &Record, i: usize| record.get(rule(i), Key::of(b"")).is_some();
        // A run knows all that it noted, however much it is.
        assert!(has(&record, 0));
        let read = Record::read(&record.write()).expect("a record");
        assert_eq!(read.silent.len() + read.signals.len(), MAX_RULES);
        assert_eq!([4, 5, MAX_RULES + 4].map(|i| has(&read, i)), [false, true, true]);
    }

    #[test]
    fn the_oldest_files_go_and_others_stay() {
        let folder = std::env::temp_dir().join(format!("tracehound-suite-prune-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        for (name, age) in [("a.observed", 30), ("b.unpacked", 20), ("c.observed", 10), ("notes.txt", 40)] {
            let file = fs::File::create(folder.join(name)).expect("a file");
            file.set_len(100).expect("a length");
            file.set_modified(SystemTime::now() - std::time::Duration::from_secs(age)).expect("a time");
        }
        prune(&folder, 200).expect("a folder");
        let left = ["a.observed", "b.unpacked", "c.observed", "notes.txt"].map(|name| folder.join(name).exists());
        fs::remove_dir_all(&folder).expect("a folder");
        assert_eq!(left, [false, true, true, true]);
    }
}
