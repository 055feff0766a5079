//! Input that is wrong: a clear message with file and place, the promised exit code, and everything readable delivered.

mod support;

use std::time::{Duration, Instant};

use support::{
    SMALL, SMALL_SIGNAL, file, folder, native, read, run, run_with_stdin, scap, seal, small_in_every_format,
};

const RULES: &str = "tests/support/small.yaml";

/// Verbs that read a trace.
const READERS: [&[&str]; 4] = [&["info"], &["analyze", "-r", RULES], &["tree"], &["timeline", "-f", "text"]];

/// Runs every verb that reads a trace on a file; each must end with this code and say this.
#[track_caller]
fn check_readers(path: &str, code: i32, says: &[&str]) {
    for verb in READERS {
        let args = verb.iter().copied().chain([path]);
        run(args).expect(code).says(says);
    }
    let to = format!("{path}.out.trace");
    let _ = std::fs::remove_file(&to);
    run(["convert", path, &to]).expect(code).says(says);
    assert_eq!(std::path::Path::new(&to).exists(), code != 4, "a file for nothing that was read");
}

#[test]
fn a_missing_file() {
    check_readers("samples/no-such-file.scap", 4, &["samples/no-such-file.scap", "No such file"]);
}

#[test]
fn a_folder() {
    check_readers("samples", 4, &["samples: ", "directory"]);
}

#[test]
fn an_empty_file() {
    let folder = folder("bad-empty");
    let path = file(&folder, "empty.scap", b"");
    check_readers(&path, 4, &[&path, "the file is empty (0 bytes)"]);
    run_with_stdin(["info", "-"], b"").expect(4).says(&["standard input", "empty"]);
}

#[test]
fn files_of_other_kinds() {
    let folder = folder("bad-foreign");
    let jpeg = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xdb\x00C\x00\x08\x06\x06\x07";
    for (name, bytes, what) in [
        ("photo.jpg", &jpeg[..], "a JPEG image"),
        ("a.out", b"\x7fELF\x02\x01\x01\0", "an ELF executable"),
        ("notes.txt", b"hello\nworld\n", "text"),
        ("zero", &[0; 600], "zero bytes only"),
        ("a.zip", b"PK\x03\x04\x14\0", "a zip archive"),
    ] {
        let path = file(&folder, name, bytes);
        check_readers(&path, 4, &[&path, "not a trace", what, "known formats"]);
    }
}

/// How a reading by the library must end as an exit code.
fn code_of(read: &Result<support::Read, String>) -> i32 {
    match read {
        Err(_) => 4,
        Ok(read) if read.n_damage > 0 => 5,
        Ok(_) => 0,
    }
}

#[test]
fn a_trace_cut_at_any_byte_gives_what_is_whole() {
    let folder = folder("bad-cut");
    for (name, extension, bytes) in small_in_every_format() {
        let whole = read(&bytes).expect(name).events;
        assert_eq!(whole.len(), 7, "{name}");
        // The events that end at or before each byte.
        let ends: Vec<usize> = match name {
            "text" => ends_of_lines(&bytes),
            "scap" => ends_of_blocks(),
            _ => ends_of_segments(&bytes),
        };
        assert_eq!(ends.len(), whole.len(), "{name}");
        for cut in 0..bytes.len() {
            let got = read(&bytes[..cut]);
            let n_whole = ends.iter().filter(|&&end| end <= cut).count();
            if let Ok(got) = &got {
                assert!(got.events.starts_with(&whole[..n_whole]), "{name} cut at {cut}: {:#?}", got.events);
                assert!(got.events.len() <= n_whole + 1, "{name} cut at {cut}");
                let is_between = name == "scap" && boundaries_of_scap().contains(&cut);
                if name == "trh" || name == "scap" && !is_between {
                    assert!(got.n_damage > 0, "{name} cut at {cut}: nothing said");
                }
            } else {
                assert_eq!(n_whole, 0, "{name} cut at {cut}: {:?}", got.err());
            }
            // The program itself at some of the cuts: it takes longer.
            if cut % 41 != 0 {
                continue;
            }
            let path = file(&folder, &format!("cut-{cut}.{extension}"), &bytes[..cut]);
            let code = code_of(&got);
            let info = run(["info", "-f", "json", &path]).expect(code).says(&[path.as_str()][..usize::from(code != 0)]);
            let Ok(got) = got else { continue };
            let info = info.json();
            assert_eq!(info["events"], got.events.len() as u64, "{name} cut at {cut}");
            assert_eq!(info["n_damage"], got.n_damage, "{name} cut at {cut}");
            if code == 5 {
                let offset = info["damage"][0]["offset"].as_u64().expect("an offset");
                assert!(offset <= cut as u64, "{name} cut at {cut}: damage at {offset}");
                let analyze = run(["analyze", "-r", RULES, "-f", "jsonl", &path]);
                let analyze = analyze.expect(5).says(&[&path, &format!("at byte {offset}")]);
                let has_signal = n_whole >= SMALL_SIGNAL.1 as usize;
                let signals = analyze.lines();
                assert!(!has_signal || signals[0]["rule"] == SMALL_SIGNAL.0, "{name} cut at {cut}");
                run(["analyze", "-r", RULES, "--allow-partial", &path]).expect(0).says(&[&path]);
            }
        }
    }
}

fn ends_of_lines(text: &[u8]) -> Vec<usize> {
    let mut at = 0;
    let mut ends = Vec::new();
    for line in text.split_inclusive(|&b| b == b'\n') {
        at += line.len();
        if line[0].is_ascii_digit() {
            ends.push(at);
        }
    }
    ends
}

fn ends_of_blocks() -> Vec<usize> {
    let mut at = scap::head().len();
    scap::events()
        .iter()
        .map(|block| {
            at += block.len();
            at
        })
        .collect()
}

fn boundaries_of_scap() -> Vec<usize> {
    let header = scap::header(1).len();
    let machine = header + 180 + 12;
    [vec![header, machine, scap::head().len()], ends_of_blocks()].concat()
}

/// Ends of event segments, as often as they have events.
fn ends_of_segments(bytes: &[u8]) -> Vec<usize> {
    let trace = tracehound_formats::native::Trace::open(bytes.to_vec().into()).expect("a native trace");
    trace
        .segments()
        .iter()
        .filter(|segment| segment.ty == tracehound_formats::native::SegmentType::Events)
        .flat_map(|segment| vec![(segment.offset + segment.len) as usize; segment.n_rows as usize])
        .collect()
}

#[test]
fn flipped_bits_are_noticed_or_harmless() {
    let folder = folder("bad-flip");
    for (name, extension, bytes) in small_in_every_format() {
        let whole = read(&bytes).expect(name).events;
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            let got = read(&flipped);
            if let (Ok(got), "trh") = (&got, name) {
                // Checksums cover every byte: whatever is delivered is as it was written, and the loss is told.
                assert!(got.n_damage > 0, "byte {at} of {name}: nothing said");
                assert!(got.events.iter().all(|event| whole.contains(event)), "byte {at}: {:#?}", got.events);
            }
            if at % 67 == 0 {
                let path = file(&folder, &format!("flip-{at}.{extension}"), &flipped);
                let code = code_of(&got);
                run(["info", &path]).expect(code).says(&[]);
                run(["analyze", "-r", RULES, &path]).expect(code).says(&[path.as_str()][..usize::from(code != 0)]);
            }
        }
    }
}

#[test]
fn a_flipped_bit_costs_one_segment() {
    let folder = folder("bad-flip-segment");
    let mut bytes = native(SMALL.as_bytes(), 2);
    let ends = ends_of_segments(&bytes);
    bytes[ends[2] - 1] ^= 0x10;
    let path = file(&folder, "flipped.trh", &bytes);
    let run = run(["info", "-f", "json", &path]).expect(5).says(&[&path, "damaged at byte", "checksum"]);
    assert_eq!(run.json()["events"], 5);
}

#[test]
fn a_future_version() {
    let folder = folder("bad-version");
    let mut trh = native(SMALL.as_bytes(), 100);
    trh[8] = 2;
    seal(&mut trh, 0, 32);
    let text = SMALL.replacen("trace 1", "trace 2", 1);
    for (name, bytes) in [("v2.trh", trh), ("v2.trace", text.into_bytes()), ("v2.scap", scap::header(2))] {
        let path = file(&folder, name, bytes);
        check_readers(&path, 4, &[&path, "version 2", "at byte"]);
    }
}

#[test]
fn an_unknown_block_is_skipped_and_counted() {
    let folder = folder("bad-unknown-block");
    let events = scap::events();
    let capture = [scap::head(), events[..3].concat(), scap::block(0x0bad, &[7; 30]), events[3..].concat()].concat();
    let path = file(&folder, "block.scap", capture);
    let info = run(["info", "-f", "json", &path]).expect(0).says(&[]).json();
    assert_eq!(info["events"], 7);
    assert!(info["skipped"].to_string().contains("block"), "{}", info["skipped"]);
    // A native segment of a type that this version does not know.
    let mut trh = native(SMALL.as_bytes(), 2);
    let ends = ends_of_segments(&trh);
    let at = ends[0];
    trh[at + 6] = 99;
    seal(&mut trh, at, 68);
    let header_len = usize::from(u16::from_le_bytes([trh[at + 4], trh[at + 5]]));
    seal(&mut trh, at, header_len);
    let got = read(&trh).expect("a native trace");
    assert_eq!(got.events.len(), 5);
}

/// A rule file that does not load: exit code 3, file, line and column, and a caret below the source line.
#[track_caller]
fn check_rules(name: &str, text: impl AsRef<[u8]>, says: &[&str]) {
    let folder = folder(&format!("bad-rules-{name}"));
    let path = file(&folder, "rules.yaml", text);
    let began = Instant::now();
    let says: Vec<&str> = says.iter().copied().chain(["rules.yaml:"]).collect();
    run(["analyze", "-r", &path, "samples/dirty_pipe_splice.trace"]).expect(3).says(&says);
    let check = run(["rules", "check", &path]).expect(3).says(&[]);
    for part in &says {
        assert!(check.text().contains(part), "expected {part:?} in: {}", check.text());
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn a_tab_in_a_rule_file() {
    let text = "- rule: a\n  desc: b\n\tcondition: evt.type = open\n  output: c\n  priority: INFO\n";
    check_rules("tab", text, &["rules.yaml:3:1", "tab"]);
}

#[test]
fn a_condition_that_is_wrong() {
    let text = "- rule: a\n  desc: b\n  condition: proc.nmae = sh\n  output: c\n  priority: INFO\n";
    check_rules("field", text, &["rules.yaml:3:14", "proc.nmae", "proc.name", "^"]);
}

#[test]
fn an_alias_bomb() {
    let mut text = String::from("- list: a0\n  items: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let uses = vec![format!("*a{}", i - 1); 10].join(", ");
        text += &format!("- list: a{i}\n  items: &a{i} [{uses}]\n");
    }
    check_rules("aliases", text, &[]);
}

#[test]
fn a_deep_document() {
    check_rules(
        "depth",
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        &["rules.yaml:1:", "recursion limit"],
    );
    check_rules("block-depth", "- ".repeat(50_000) + "a\n", &["rules.yaml:1:", "nested deeper"]);
}

#[test]
fn a_hundred_thousand_parentheses() {
    let condition = format!("{}evt.type = open{}", "(".repeat(100_000), ")".repeat(100_000));
    let text = format!("- rule: a\n  desc: b\n  condition: {condition}\n  output: c\n  priority: INFO\n");
    check_rules("parentheses", text, &["rules.yaml:3:"]);
    let condition = format!("{}evt.type = open", "not ".repeat(100_000));
    let text = format!("- rule: a\n  desc: b\n  condition: {condition}\n  output: c\n  priority: INFO\n");
    // Either refused or, since `not not` needs no depth, loaded; never a crash.
    let folder = folder("bad-rules-not");
    let path = file(&folder, "rules.yaml", text);
    let run = run(["rules", "check", &path]).says(&[]);
    assert!(matches!(run.code, Some(0 | 3)), "{:?} {}", run.code, run.stderr);
}

#[test]
fn macros_that_double() {
    let mut text = String::from("- macro: m0\n  condition: (evt.type = open)\n");
    for i in 1..64 {
        text += &format!("- macro: m{i}\n  condition: (m{} or m{})\n", i - 1, i - 1);
    }
    text += "- rule: a\n  desc: b\n  condition: m63\n  output: c\n  priority: INFO\n";
    check_rules("doubling", text, &[]);
}

#[test]
fn rule_files_that_are_no_text() {
    let folder = folder("bad-rules-bytes");
    for (name, bytes) in [("jpeg.yaml", &b"\xff\xd8\xff\xe0\0\x10JFIF"[..]), ("zeros.yaml", &[0; 4096])] {
        let path = file(&folder, name, bytes);
        run(["analyze", "-r", &path, "samples/dirty_pipe_splice.trace"]).expect(3).says(&[&path]);
    }
    let missing = folder.join("missing.yaml");
    let missing = missing.to_str().expect("UTF-8");
    run(["analyze", "-r", missing, "samples/dirty_pipe_splice.trace"]).expect(3).says(&[missing]);
}

#[test]
fn one_bad_rule_does_not_hide_the_next_diagnostic() {
    let text = "- rule: a\n  desc: b\n  condition: proc.nmae = sh\n  output: c\n  priority: INFO\n\
                - rule: d\n  desc: e\n  condition: evt.type = open and (\n  output: f\n  priority: INFO\n";
    check_rules("two", text, &["rules.yaml:3:", "rules.yaml:8:"]);
}

/// The small trace with another name for its process and its hidden file.
fn hostile(name: &str) -> String {
    SMALL
        .replace("comm=bash", &format!("comm={name}"))
        .replace("/dev/.hidden", &format!("\"/dev/.{}\"", &name[1..name.len() - 1]))
}

#[test]
fn names_that_are_not_utf8() {
    let folder = folder("bad-utf8");
    let path = file(&folder, "names.trace", hostile(r#""\xff\xfe\xc3(""#));
    for args in [
        &["analyze", "-r", RULES, "-f", "jsonl", &path][..],
        &["analyze", "-r", RULES, "-f", "text", &path],
        &["tree", "-r", RULES, &path],
        &["info", "-f", "json", &path],
    ] {
        let run = run(args).expect(0).says(&[]);
        assert!(!run.text().is_empty(), "{args:?}");
    }
    let signals = run(["analyze", "-r", RULES, "-f", "jsonl", &path]).lines();
    assert_eq!(signals.len(), 1);
    assert_eq!(signals[0]["seq"], SMALL_SIGNAL.1);
    // Raw bytes in the file, and in a rule file.
    let mut bytes = SMALL.as_bytes().to_vec();
    let at = SMALL.find("comm=bash").expect("a name") + 6;
    bytes[at] = 0xff;
    let path = file(&folder, "raw.trace", bytes);
    let run_ = run(["info", &path]).says(&[]);
    assert!(matches!(run_.code, Some(0 | 5)), "{:?}", run_.code);
}

#[test]
fn escapes_in_names_do_not_reach_the_terminal() {
    let folder = folder("bad-escape");
    let text = hostile(r#""\x1b[31mred\x07\r\n\xe2\x80\xae""#).replace("lab.example.com", r#""\x1b]0;owned\x07""#);
    let out = folder.join("tables");
    let out = out.to_str().expect("UTF-8");
    for path in [
        file(&folder, "names.trace", &text),
        file(&folder, "names.trh", native(text.as_bytes(), 100)),
        // In the name of the file, and in the message about damage.
        file(&folder, "\x1b[2Jnames.trace", format!("{text}100 \x1b[31m\n")),
    ] {
        for args in [
            &["analyze", "-r", RULES, "-f", "text", "--color", "never", &path][..],
            &["analyze", "-r", RULES, "-f", "jsonl", &path],
            &["analyze", "-r", RULES, "-q", "-o", out, "--force", &path],
            &["tree", "-r", RULES, "--color", "never", &path],
            &["tree", "-f", "jsonl", &path],
            &["timeline", "-r", RULES, "-f", "text", &path],
            &["timeline", "-f", "jsonl", &path],
            &["timeline", "-f", "perfetto", &path],
            &["info", "-f", "text", &path],
            &["info", "-f", "json", &path],
            &["convert", "--to", "text", &path, "-"],
        ] {
            let run = run(args).says(&[]);
            assert!(matches!(run.code, Some(0 | 5)), "{args:?}: {:?} {}", run.code, run.stderr);
            for (stream, text) in [("standard output", run.text()), ("standard error", &run.stderr)] {
                // JSON is for programs: there a character that turns the direction of text around is only data.
                let is_json = text.starts_with('{');
                let is_bad = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}' && !is_json;
                assert!(!text.contains(is_bad), "{args:?}, {stream}: {}", text.escape_debug());
            }
        }
    }
}

#[test]
fn a_line_of_text_that_is_wrong_costs_that_line() {
    let folder = folder("bad-line");
    let text = SMALL.replace("4 +1us 100 openat", "4 +1us 100 opnat");
    let path = file(&folder, "line.trace", &text);
    let offset = text.find("opnat").expect("the bad word");
    let says = format!("{path}: damaged at byte {offset}: line 8, column 12: ");
    let run = run(["analyze", "-r", RULES, "-f", "jsonl", &path]).expect(5).says(&[&says, "opnat"]);
    let signals = run.lines();
    assert_eq!(signals.len(), 1);
    assert_eq!(signals[0]["evidence"], "degraded", "{}", signals[0]);
}

#[test]
fn one_unreadable_trace_does_not_hide_the_others() {
    let folder = folder("bad-several");
    let path = file(&folder, "small.trace", SMALL);
    let run = run(["analyze", "-r", RULES, "-f", "jsonl", "samples/no-such-file.scap", &path]);
    let run = run.expect(4).says(&["samples/no-such-file.scap"]);
    assert_eq!(run.lines().len(), 1);
}
