//! Rows of the tables, as JSON lines, and the other formats of the same rows.

mod support;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;
use serde_json::{Value as Json, json};
use support::{Fixture, STORY};
use tracehound_fields::View;
use tracehound_report::columns::events;
use tracehound_report::table::{Cell, ColumnInfo, Rows, TableInfo, Type};
use tracehound_report::{AnyTable, CsvSink, EVENTS, JsonLinesSink, ParquetSink, TABLES, TableSink};
use tracehound_signals::Priority;

fn story() -> Fixture {
    Fixture::new(STORY).rule("Read sensitive file", Priority::Warning, &[4]).rule(
        "Any exec",
        Priority::Notice,
        &[3, 10],
    )
}

fn table(name: &str) -> &'static dyn AnyTable {
    *TABLES.iter().find(|table| table.info().name == name).expect("a table of this name")
}

/// All rows of a table, as JSON.
fn rows(fixture: &Fixture, name: &str) -> Vec<Json> {
    let table = table(name);
    let mut out = Vec::new();
    let n = fixture.write(table, &mut JsonLinesSink::new(&mut out, table.info()));
    let text = String::from_utf8(out).expect("JSON is UTF-8");
    let rows: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(rows.len() as u64, n);
    rows
}

/// Some columns of some rows.
fn check(fixture: &Fixture, name: &str, columns: &[&str], expected: &[Json]) {
    let rows = rows(fixture, name);
    let cells = |row: &Json| columns.iter().map(|column| row.get(*column).expect(column).clone()).collect::<Json>();
    let actual: Vec<Json> = rows.iter().map(cells).collect();
    assert_eq!(actual, expected, "{name}: {columns:?}");
}

#[test]
fn processes() {
    check(
        &story(),
        "processes",
        &["pid", "name", "parent_pid", "user", "origin", "end_state", "exit_code", "depth", "n_signals", "n_execs"],
        &[
            json!([1, "systemd", null, "root", "snapshot", "running", null, 0, 0, 0]),
            json!([100, "bash", 1, "alice", "snapshot", "running", null, 1, 0, 0]),
            json!([200, "nginx", 1, "root", "snapshot", "running", null, 1, 0, 0]),
            json!([101, "cat", 100, "alice", "birth", "exited", 0, 2, 2, 1]),
        ],
    );
    check(
        &story(),
        "processes",
        &["container_id", "container_runtime", "is_reparented", "ancestor_names", "args"],
        &[
            json!([null, null, false, [], []]),
            json!([null, null, false, ["systemd"], []]),
            json!(["3ad7b26ded6d", "docker", false, ["systemd"], []]),
            json!([null, null, false, ["bash", "systemd"], ["/etc/shadow", "na\\xffme"]]),
        ],
    );
}

#[test]
fn an_image_that_a_child_was_born_with_is_no_exec_of_it() {
    let child = r#"102 clone res=0 exe=cat args=["/etc/shadow","na\xffme"] tid=102 pid=102 ptid=101 cwd="" comm=cat flags=0 uid=1000 gid=1000 vtid=102 vpid=102"#;
    let story = Fixture::new(&STORY.replace("+5ms 101 procexit", &format!("{child}\n+5ms 101 procexit")));
    check(
        &story,
        "processes",
        &["pid", "n_execs"],
        &[json!([1, 0]), json!([100, 0]), json!([200, 0]), json!([101, 1]), json!([102, 0])],
    );
    check(&story, "images", &["pid"], &[json!([101])]);
}

#[test]
fn keys_join() {
    let fixture = story();
    let keys: Vec<Json> = rows(&fixture, "processes").iter().map(|row| row["process"].clone()).collect();
    for (name, column) in
        [("signals", "process"), ("images", "process"), ("files", "process"), ("connections", "process")]
    {
        let rows = rows(&fixture, name);
        assert!(!rows.is_empty(), "{name}");
        assert!(rows.iter().all(|row| row[column].is_null() || keys.contains(&row[column])), "{name}");
    }
    assert!(
        rows(&fixture, "processes")
            .iter()
            .all(|row| row["birth_parent"].is_null() || keys.contains(&row["birth_parent"]))
    );
}

#[test]
fn signals() {
    check(
        &story(),
        "signals",
        &["seq", "rule", "severity", "pid", "verdict", "evidence"],
        &[
            json!([3, "Any exec", 5, 101, "fired", "complete"]),
            json!([4, "Read sensitive file", 4, 101, "fired", "complete"]),
        ],
    );
}

#[test]
fn files() {
    check(
        &story(),
        "files",
        &["pid", "path", "n_opens", "n_execs", "is_read", "is_written", "is_inherited"],
        &[
            json!([100, "/dev/pts/0", 0, 0, true, true, true]),
            json!([101, "/usr/bin/cat", 0, 1, false, false, false]),
            json!([101, "/etc/shadow", 1, 0, true, false, false]),
        ],
    );
}

#[test]
fn connections() {
    check(
        &story(),
        "connections",
        &["pid", "family", "l4", "state", "src_ip", "src_port", "dst_ip", "is_inherited"],
        &[json!([200, "ipv4", "tcp", "bound", "0.0.0.0", 80, null, true])],
    );
}

#[test]
fn images_rules_and_losses() {
    let fixture = story();
    check(&fixture, "images", &["seq", "pid", "name", "exe_path"], &[json!([3, 101, "cat", "/usr/bin/cat"])]);
    check(
        &fixture,
        "rules",
        &["index", "rule", "n_hits", "n_suppressed", "is_evaluated"],
        &[json!([0, "Read sensitive file", 1, 0, true]), json!([1, "Any exec", 1, 0, true])],
    );
    check(&fixture, "losses", &["kind", "seq", "n", "cpu", "what"], &[json!(["lost_events", 6, 12, 1, "buffer_full"])]);
}

/// Two rules on events 3 and 4; one suppression hides both, one the first, one nothing, and each of the other states.
#[test]
fn suppressions() {
    let mut fixture = Fixture::new(STORY)
        .rule("A", Priority::Warning, &[3, 4])
        .rule("B", Priority::Notice, &[4])
        .suppression("all", &[3, 4])
        .suppression("first", &[3])
        .suppression("idle", &[])
        .suppression("over", &[])
        .suppression("early", &[])
        .suppression("off", &[]);
    fixture.suppressions[3].inactive.n_expired = 2;
    fixture.suppressions[4].is_not_started = true;
    fixture.suppressions[5].is_enabled = false;
    check(
        &fixture,
        "suppressions",
        &["suppression", "state", "n_signals", "n_decided", "n_alone", "n_processes", "rules", "is_shadowed"],
        &[
            json!(["all", "active", 3, 3, 2, 1, ["A", "B"], false]),
            json!(["first", "active", 1, 0, 0, 1, ["A"], true]),
            json!(["idle", "dead", 0, 0, 0, 0, [], false]),
            json!(["over", "expired", 0, 0, 0, 0, [], false]),
            json!(["early", "not_started", 0, 0, 0, 0, [], false]),
            json!(["off", "disabled", 0, 0, 0, 0, [], false]),
        ],
    );
    check(
        &fixture,
        "suppressions",
        &["index", "first_seq", "last_seq", "overlaps", "n_expired"],
        &[
            json!([0, 3, 4, ["1: first"], 0]),
            json!([1, 3, 3, ["1: all"], 0]),
            json!([2, null, null, [], 0]),
            json!([3, null, null, [], 2]),
            json!([4, null, null, [], 0]),
            json!([5, null, null, [], 0]),
        ],
    );
    let summary = fixture.with(tracehound_report::summary::summary);
    for (pointer, expected) in [
        ("/signals/suppressed", "3"),
        ("/suppressions/loaded", "6"),
        ("/suppressions/clock", "\"event\""),
        ("/suppressions/active/0/alone", "2"),
        ("/suppressions/active/0/overlaps", r#"[{"signals":1,"suppression":"first"}]"#),
        ("/suppressions/dead", r#"["idle"]"#),
        ("/suppressions/expired", r#"["over"]"#),
        ("/suppressions/not_started", r#"["early"]"#),
        ("/suppressions/disabled", r#"["off"]"#),
        ("/suppressions/shadowed", r#"["first"]"#),
    ] {
        assert_eq!(summary.pointer(pointer).map(ToString::to_string).as_deref(), Some(expected), "{pointer}");
    }
}

#[test]
fn sockets_and_shared_files() {
    let fixture = Fixture::new(
        r#"thread 1 comm=init exe=init cwd=/
thread 7 ptid=1 comm=srv exe=srv cwd=/tmp
7 socket fd=3 domain=AF_INET type=1 proto=0
7 bind res=0 addr=127.0.0.1:80 fd=3
7 accept fd=4 tuple=10.0.0.9:4000->127.0.0.1:80
7 socket fd=5 domain=AF_UNIX type=1 proto=0
7 connect res=0 tuple=unix:0xffff8881->0xffff8882:/run/docker.sock fd=5
7 openat fd=6 dirfd=AT_FDCWD name=a flags=O_WRONLY|O_CREAT|O_TRUNC
7 clone res=8 exe=srv tid=7 pid=7 ptid=1 comm=srv flags=0 vtid=7 vpid=7
8 clone res=0 exe=srv tid=8 pid=8 ptid=7 comm=srv flags=0 vtid=8 vpid=8
8 dup res=9 oldfd=6
8 openat fd=ENOENT dirfd=AT_FDCWD name=b flags=O_RDONLY
8 openat fd=10 dirfd=AT_FDCWD name=/tmp/a flags=O_RDONLY
8 openat fd=11 dirfd=AT_FDCWD name=../tmp/a flags=O_RDONLY
"#,
    );
    check(
        &fixture,
        "connections",
        &["pid", "role", "state", "src_ip", "src_port", "dst_ip", "dst_port", "path", "src_socket"],
        &[
            json!([7, "server", "bound", "127.0.0.1", 80, null, null, null, null]),
            json!([7, "server", "connected", "10.0.0.9", 4000, "127.0.0.1", 80, null, null]),
            json!([7, "client", "connected", null, null, null, null, "/run/docker.sock", 0xffff_8881u64]),
        ],
    );
    check(
        &fixture,
        "files",
        &["pid", "path", "n_opens", "is_read", "is_written", "may_create", "is_truncated"],
        &[json!([7, "/tmp/a", 1, false, true, true, true]), json!([8, "/tmp/a", 2, true, false, false, false])],
    );
}

#[test]
fn events() {
    let fixture = story();
    let mut out = Vec::new();
    let mut sink = JsonLinesSink::new(&mut out, EVENTS.info());
    let rows: Vec<events::Row> = fixture
        .batch
        .iter()
        .zip(&fixture.facts)
        .map(|(event, fact)| {
            let view = View { event, fact, history: &fixture.history, context: &fixture.context };
            events::Row::new(&view)
        })
        .collect();
    fixture.with(|case| EVENTS.write_rows(case, &rows, &mut sink)).expect("memory takes everything");
    let rows: Vec<Json> =
        serde_json::Deserializer::from_slice(&out).into_iter().map(|row| row.expect("an object")).collect();
    assert_eq!(rows.len(), 6);
    let open = &rows[3];
    assert_eq!(open["kind"], "openat");
    assert_eq!(open["fd_name"], "/etc/shadow");
    assert_eq!(open["pid"], 101);
    assert!(open["args"].as_str().is_some_and(|args| args.contains("name=/etc/shadow")), "{open}");
    assert_eq!((&rows[5]["kind"], &rows[5]["process"]), (&json!("lost"), &Json::Null));
}

#[test]
fn texts_are_bounded() {
    let (exe, args) = ("d".repeat(100_000), "abcdefg,".repeat(20_000));
    let rows = rows(&Fixture::new(&format!("thread 1 comm=init exe={exe} args=[{args}]\n")), "processes");
    let args = rows[0]["args"].as_array().expect("a list");
    assert_eq!(args.len(), 64 * 1024 / 8 + 1);
    assert_eq!(args.last(), Some(&json!("…[94465 more bytes]")));
    assert_eq!(rows[0]["exe"], format!("{}…[34464 more bytes]", "d".repeat(64 * 1024)));
}

#[test]
fn csv_cells() {
    struct Cells(Vec<Cell<'static>>);
    impl Rows for Cells {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn cell(&self, row: usize, _: usize) -> Cell<'_> {
            self.0[row].clone()
        }
    }
    let info = TableInfo {
        name: "t",
        doc: "T.",
        sorted_by: &[],
        columns: vec![ColumnInfo { name: "c", ty: Type::Text, unit: "", doc: "C." }],
    };
    for (cell, expected) in [
        (Cell::Null, ""),
        (Cell::Text("".into()), "\"\""),
        (Cell::Text("plain text".into()), "plain text"),
        (Cell::Text("a,b \"c\"\nd".into()), "\"a,b \"\"c\"\"\nd\""),
        (Cell::Text("=1+1".into()), "\"'=1+1\""),
        (Cell::Text("-x".into()), "\"'-x\""),
        (Cell::Text("\t=x".into()), "\"'\t=x\""),
        (Cell::Int(-5), "-5"),
        (Cell::List(vec!["a".into(), "b\"".into()]), "\"[\"\"a\"\",\"\"b\\\"\"\"\"]\""),
    ] {
        let mut out = Vec::new();
        let mut sink = CsvSink::new(&mut out, info.clone());
        sink.rows(&Cells(vec![cell])).and_then(|()| sink.finish()).expect("memory takes everything");
        assert_eq!(String::from_utf8_lossy(&out), format!("c\n{expected}\n"));
    }
}

#[test]
fn csv() {
    let fixture = story();
    let table = table("losses");
    let mut out = Vec::new();
    fixture.write(table, &mut CsvSink::new(&mut out, table.info()));
    let text = String::from_utf8(out).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "ts,seq,kind,offset,n,cpu,from_ts,to_ts,what");
    assert_eq!(lines[1], "2025-01-01T00:00:00.005005000Z,6,lost_events,,12,1,,,buffer_full");
}

#[test]
fn parquet_is_the_same_every_time_and_small_in_memory() {
    for table in TABLES {
        let bytes = || {
            let fixture = story();
            let mut out = Vec::new();
            let mut sink = ParquetSink::new(&mut out, &table.info()).expect("a writer");
            fixture.write(*table, &mut sink);
            drop(sink);
            out
        };
        let first = bytes();
        assert!(first.starts_with(b"PAR1") && first.ends_with(b"PAR1"));
        assert_eq!(first, bytes(), "{}", table.info().name);
    }
}

#[test]
fn parquet_says_what_columns_mean_and_has_a_page_index() {
    let fixture = story();
    for table in TABLES {
        let info = table.info();
        let mut out = Vec::new();
        let mut sink = ParquetSink::new(&mut out, &info).expect("a writer");
        let n = fixture.write(*table, &mut sink);
        drop(sink);
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(out), options).expect("a file");
        let metadata = reader.metadata();
        assert_eq!(metadata.file_metadata().num_rows() as u64, n);
        assert!(n == 0 || metadata.offset_index().is_some_and(|index| index.len() == 1), "{}", info.name);
        for (column, field) in info.columns.iter().zip(reader.schema().fields()) {
            assert_eq!(field.name(), column.name);
            assert_eq!(field.metadata().get("doc").map(String::as_str), Some(column.doc));
            assert_eq!(field.metadata().get("type").map(String::as_str), Some(column.ty.name()));
            assert_eq!(field.metadata().get("unit").map_or("", String::as_str), column.unit);
        }
    }
}

/// Writes the tables for `tests/duckdb/test_tables.py` where it asks for them.
#[test]
fn tables_for_duckdb() {
    let Some(folder) = std::env::var_os("TRACEHOUND_TABLES") else { return };
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir_all(folder).expect("a folder");
    let fixture = story();
    for table in TABLES {
        let info = table.info();
        let file = std::fs::File::create(folder.join(format!("{}.parquet", info.name))).expect("a file");
        let mut sink = ParquetSink::new(file, &info).expect("a writer");
        fixture.write(*table, &mut sink);
    }
}
