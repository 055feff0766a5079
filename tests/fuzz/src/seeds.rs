//! Writes the seed corpora: `cargo run --example seeds` in this folder. They are made from the samples and the default
//! rules, cut to a size that a fuzzer works well with.

use std::fs;
use std::path::Path;

use tracehound_formats::native::{NativeWriter, WriteOptions};
use tracehound_formats::text::Text;
use tracehound_formats::{Format, Input, Item, TraceWriter};
use tracehound_fuzz::checksums;

#[path = "../../support/scap.rs"]
mod scap;

/// Largest text seed.
const TEXT_LEN: usize = 4096;

fn main() -> std::io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let mut texts = vec![("kinds".to_owned(), one_of_each_kind())];
    let mut samples: Vec<_> = fs::read_dir(root.join("samples"))?.collect::<Result<_, _>>()?;
    samples.sort_by_key(|entry| entry.path());
    for entry in samples {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "trace") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            texts.push((name, shortened(&fs::read_to_string(&path)?)));
        }
    }
    for (name, text) in &texts {
        put(here, "text", &format!("{name}.trace"), text.as_bytes())?;
        let trace = native(text);
        let stored = checksums::stored(&trace).expect("a sound trace");
        put(here, "native", &format!("{name}.stored.trh"), &stored)?;
        put(here, "native", &format!("{name}.trh"), &trace)?;
    }
    put(here, "scap", "small.scap", &scap::small())?;
    for (i, seed) in captures_of_events().iter().enumerate() {
        put(here, "scap", &format!("events-{i}.scap"), seed)?;
    }
    put(here, "files", "suppressions.yaml", SUPPRESSIONS.as_bytes())?;
    put(here, "files", "tags.yaml", TAGS.as_bytes())?;
    put(here, "files", "list.json", LIST.as_bytes())?;
    let stories = fs::read_to_string(root.join("samples/stories.yaml"))?;
    put(here, "files", "suite.yaml", stories[..stories.len().min(TEXT_LEN)].as_bytes())?;
    // The lists and macros of the product, and some of its rules one by one.
    put(here, "rules", "head.yaml", fs::read_to_string(root.join("rules/00_common.yaml"))?.as_bytes())?;
    let rules = fs::read_to_string(root.join("rules/attack_paths.yaml"))?;
    for (i, part) in rules.split("\n- rule:").skip(1).enumerate() {
        put(here, "rules", &format!("rule-{i}.yaml"), format!("- rule:{part}\n").as_bytes())?;
    }
    put(here, "rules", "all-keys.yaml", ALL_KEYS.as_bytes())?;
    for (i, query) in QUERIES.iter().enumerate() {
        put(here, "query", &format!("{i}.txt"), query.as_bytes())?;
    }
    Ok(())
}

/// Every part of the language of queries.
const QUERIES: [&str; 8] = [
    r#"@process.args:(\-c OR "id -u" OR +x) -@process.ancestors.comm:java"#,
    r#"env:(prod OR (stage AND -x)) host:db?* || status:>=medium && NOT "two words""#,
    "CIDR(@network.destination.ip, 10.0.0.0/8, ::1) @network.destination.port:[1 TO 1024}",
    "same(@process.ancestors; comm:sh AND args:a\\ b) OR @process.ancestors.*:/bin/sh",
    "_exists_:@container.id -_missing_:service *:/usr/* *:*",
    r#"@a."b.c":1 tags:"team:x" @process.envs:LD_PRELOAD=/tmp/*"#,
    "status:critical and env:prod “a” k:a:b #x rule:[A-Invalid",
    "@process.pid:{* TO 1E3] @exit.code:<-1.5 @process.is_thread:true word",
];

fn put(here: &Path, target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = here.join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

/// Start state, and events evenly from the whole trace, without comments.
fn shortened(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
    let is_state = |l: &&str| l.starts_with(|c: char| c.is_ascii_lowercase());
    let (state, events): (Vec<&str>, Vec<&str>) = lines.into_iter().partition(is_state);
    let mut out = String::from("#tracehound-trace 1\n");
    let mut add = |line: &str, share: usize| {
        // Long lists say nothing new.
        let line = line.replace("7c1f0a96de3b5842c9f1d07be46a35928f4ec0d17b6a2938e5d4c3b2a1908f7e", "7c1f0a96de3b");
        if out.len() + line.len() < share {
            out += &line;
            out.push('\n');
        }
    };
    state.iter().for_each(|line| add(line, TEXT_LEN / 2));
    let step = events.len().div_ceil(24).max(1);
    events.iter().step_by(step).for_each(|line| add(line, TEXT_LEN));
    out
}

/// An event of each kind, with a value for each argument.
fn one_of_each_kind() -> String {
    let mut out = String::from("#tracehound-trace 1\nthread 1 comm=a\nfd 1 3 inet 10.0.0.1:1->10.0.0.2:2 tcp\n");
    // System calls without a row of their own are all alike.
    for row in tracehound_formats::event::kind::all().filter(|row| !row.args.is_empty()) {
        out += &format!("1 {}", row.name);
        for arg in row.args {
            out += &format!(" {}=x\"0100000000000000\"", arg.name);
        }
        out.push('\n');
    }
    out
}

fn native(text: &str) -> Vec<u8> {
    let mut reader = Text.open(Input::from(text.as_bytes().to_vec())).expect("text opens");
    let mut out = Vec::new();
    let mut writer = NativeWriter::new(&mut out, WriteOptions::RECORD).expect("a vector takes all");
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => writer.section(&section),
            Item::Batch(batch) => writer.batch(&batch),
        }
        .expect("a vector takes all");
    }
    writer.finish(reader.notes()).expect("a vector takes all");
    drop(writer);
    out
}

/// Captures with events of every code, with so many parameters of eight bytes.
fn captures_of_events() -> Vec<Vec<u8>> {
    [0usize, 1, 2, 3, 5, 8, 21, 31]
        .iter()
        .map(|&n_params| {
            let eight = 1u64.to_le_bytes();
            let params: Vec<&[u8]> = vec![&eight; n_params];
            let codes = (0..460u16).step_by(if n_params > 5 { 7 } else { 3 });
            let events = codes.map(|code| scap::event(u64::from(code), code, &params));
            [vec![scap::head()], events.collect()].concat().concat()
        })
        .collect()
}

const ALL_KEYS: &str = r#"- required_engine_version: 0.31.0
- required_plugin_versions:
  - name: container
    version: 0.4.0
- list: a
  items: [b, "c d", 'e']
- macro: m
  condition: (evt.type in (open, openat) and not fd.name startswith /tmp)
- rule: r
  desc: d
  condition: >
    m and proc.name in (a) and fd.num >= 0 and proc.aname[2] = x and evt.arg.flags contains O_CREAT
    and tolower(proc.name) = b and proc.pname = val(proc.name) and fd.snet in (10.0.0.0/8, ::1)
    and proc.args regex "^a.*b$" and proc.exe glob "/bin/*" and fd.name pmatch (/a, /b) and user.name exists
  output: "%user.name %proc.cmdline %evt.time %proc.aname[3] %container.id %%"
  priority: WARNING
  enabled: true
  tags: [t, u]
  source: syscall
  warn_evttypes: false
  skip-if-unknown-filter: false
  exceptions:
    - name: x
      fields: [proc.name, fd.name]
      comps: [in, startswith]
      values:
        - [[b, c], /dev]
- rule: r
  override: {condition: append, tags: append}
  condition: or evt.type = execve
  tags: [v]
- macro: m
  condition: or evt.type = close
  append: true
"#;

const SUPPRESSIONS: &str = r#"suppressions:
  - name: Nightly export
    description: >
      The service runs its
      export with a shell.
    owner: orders
    enabled: true
    rule_query: 'rule:"Service runtime spawned a shell" -priority:critical'
    suppression_query: '@process.parent.comm:java @process.args:("-c" OR /srv/*) env:prod -@process.uid:[0 TO 99}'
    data_exclusion_query: 'CIDR(@network.destination.ip, 10.0.0.0/8)'
    start_date: 2026-01-01
    expiration_date: 2027-01-01T12:00:00Z
    reason: "seen every \"night\""
    ticket: X-1
    id: abc-def
    tags: [a:b, c]
  - {name: b, rule_query: '*', suppression_query: 'same(@process.ancestors; @process.ancestors.comm:cron)'}
"#;

const TAGS: &str = "tags:\n  - host: web-01\n    tags: [env:prod, 'service:shop']\n  - container: 3ad7b26ded6d\n    \
                    tags: [team:red]\n  - tags: [\"a:b\"]\n";

const LIST: &str = r#"{"data": [{"id": "abc-def", "type": "suppressions", "attributes": {"name": "Nightly export",
"enabled": true, "rule_query": "rule:x", "suppression_query": "@process.comm:cron", "data_exclusion_query": "",
"start_date": 1767225600000, "expiration_date": 1798761600000, "description": "d", "tags": ["owner:orders", "a:b"],
"version": 3, "creator": {"handle": "h"}}}]}"#;
