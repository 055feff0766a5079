//! The page of a case: what a browser is given. What it makes of it is tested in `tests/html/`, in a browser.

mod support;

use support::{Fixture, STORY};
use tracehound_report::html::{self, Part, Watch};
use tracehound_signals::Priority;

fn page(fixture: &Fixture, title: &str) -> String {
    fixture.with(|case| {
        let mut watch = Watch::default();
        watch.batches(case.history, std::slice::from_ref(&fixture.batch));
        for signal in case.signals {
            let values = vec![("fd.name".to_owned(), Some(b"/etc/shadow</script>".to_vec())), ("x".to_owned(), None)];
            let part = Part { depth: 0, result: true, text: "fd.name = a".to_owned(), place: String::new(), values };
            watch.explain(signal, "openat", b"name=\xff<b>", &[part]);
        }
        let mut out = Vec::new();
        html::write(&mut out, case, watch, title).expect("memory takes everything");
        String::from_utf8(out).expect("UTF-8")
    })
}

fn story() -> Fixture {
    Fixture::new(STORY).rule("Read </script> file", Priority::Warning, &[4]).suppression("nightly\u{202e}", &[3])
}

/// The JSON of a block.
fn block(page: &str, id: &str) -> serde_json::Value {
    let start = format!("<script type=\"application/json\" id=\"data-{id}\">");
    let (_, rest) = page.split_once(&start).expect("the block begins");
    let (json, _) = rest.split_once("</script>").expect("the block ends");
    assert!(!json.contains(['<', '>', '&']), "nothing in it ends the element");
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn only_what_is_meant_is_markup() {
    let page = page(&story(), "a <b> & \u{202e}c");
    assert!(page.contains("<title>a &lt;b&gt; &amp; \\u{202e}c</title>"));
    assert_eq!(page.matches("<script").count(), 3);
    assert_eq!(page.matches("</script>").count(), 3);
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "no control characters");
    assert!(!page.contains('\u{202e}'));
    assert!(!page.contains("http-equiv=\"refresh\"") && !page.contains(" src=") && !page.contains(" onload="));
}

#[test]
fn nothing_but_its_own_script_is_allowed() {
    let page = page(&story(), "case");
    let policy = page.split_once("Content-Security-Policy\" content=\"").and_then(|(_, rest)| rest.split_once('"'));
    let (policy, _) = policy.expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.ends_with("; base-uri 'none'; form-action 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn columns_are_of_one_length_and_point_to_what_is_there() {
    let page = page(&story(), "case");
    let (core, detail) = (block(&page, "core"), block(&page, "detail"));
    for (table, n) in [(&core["processes"], 4), (&core["signals"], 1)] {
        for (name, column) in table.as_object().expect("columns") {
            if !matches!(name.as_str(), "keyPrefix" | "steps" | "paths" | "lists") {
                assert_eq!(column.as_array().map(Vec::len), Some(n), "{name}");
            }
        }
    }
    assert_eq!(core["processes"]["parent"], serde_json::json!([-1, 0, 0, 1]));
    assert_eq!(core["summary"]["evidence"], "partial");
    let text = |table: &serde_json::Value, i: &serde_json::Value| {
        table["texts"][i.as_u64().expect("a number") as usize].as_str().expect("a text").to_owned()
    };
    assert_eq!(text(&core, &core["signals"]["message"][0]), "Read </script> file | type=openat");
    assert_eq!(text(&detail, &detail["explained"][0][1]), "name=\\xff<b>");
    assert_eq!(text(&detail, &detail["explained"][0][3][0]), "/etc/shadow</script>");
    assert_eq!(detail["explained"][0][3][1], -1);
    for column in ["env", "cwd", "credentials", "parents"] {
        assert_eq!(detail[column].as_array().map(Vec::len), Some(4), "{column}");
    }
}

#[test]
fn changes_of_credentials_and_parents_have_times() {
    let trace = "thread 1 comm=init exe=init uid=0 gid=0\nthread 5 ptid=1 comm=sh exe=/bin/sh uid=0 gid=0\n\
                 thread 7 ptid=5 comm=su exe=/bin/su uid=0 gid=0\n\
                 1 1700000000000000000 7 getcwd res=0 path=/\n2 +1s 7 setuid res=0 uid=1000\n\
                 3 +1s 5 procexit status=0 ret=0 sig=0 core=0 reaper_tid=1\n4 +1s 7 getcwd res=0 path=/\n";
    let detail = block(&page(&Fixture::new(trace), "case"), "detail");
    assert_eq!(
        detail["credentials"][2],
        serde_json::json!([[[0, 0, 0, null, null, null], [2, 1000, 0, null, null, 1_000_000_000u64]], 0])
    );
    assert_eq!(detail["parents"][2], serde_json::json!([[0, 1, null], [4, 0, 2_000_000_000u64]]));
}

#[test]
fn the_same_every_time() {
    assert_eq!(page(&story(), "case"), page(&story(), "case"));
}

#[test]
fn large_blocks_are_compressed() {
    let mut trace = String::from("thread 1 comm=init exe=init\n");
    for pid in 2..20_000 {
        trace += &format!("thread {pid} ptid=1 comm=c{pid} exe=/usr/bin/c{pid} args=[\"number {pid}\"] cwd=/{pid}\n");
    }
    let page = page(&Fixture::new(&trace), "case");
    assert!(page.contains("id=\"data-core\" data-encoding=\"deflate-raw\">"), "{}", page.len());
    assert!(page.len() < 1 << 20, "{}", page.len());
}
