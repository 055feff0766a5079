// A trace whose names try everything that a page could obey.

const NAMES = [
  "<img src=x onerror=alert(1)>",
  "</script><script>alert(2)</script>",
  "<!--<script>",
  "\u202egpj.exe",
  "\\x1b[31mred\\x07",
  "\\xff\\xfe",
  "\u2028x\u200by",
  "javascript:alert(3)",
  "\\\"'`${alert(4)}",
  "constructor",
  "__proto__",
];

/** In text notation: a line of 10,000 processes, a process for each name that starts a shell under a service, a cycle
 * of parents, an argument of a megabyte, and lost events. */
export function hostile() {
  const lines = ["#tracehound-trace 1", "machine hostname=\"<b>host</b>\" kernel=\"6.1\u202e\"", "user 0 \"<i>root\" home=/root shell=/bin/sh", "thread 1 comm=systemd exe=/sbin/init exepath=/usr/lib/systemd/systemd uid=0 gid=0 cwd=/"];
  NAMES.forEach((name, i) => {
    lines.push(`thread ${100 + i} ptid=1 comm=java exe="${name}" args=["${name}"] exepath="/tmp/${name}" uid=0 gid=0 cwd="/${name}" cgroups=["cpu=/system.slice/${i}<b>.service"] env=["${name}=1"]`);
  });
  lines.push("thread 400 ptid=401 comm=cycle exe=a", "thread 401 ptid=400 comm=cycle2 exe=b");
  lines.push(`thread 500 ptid=1 comm=megabyte exe=megabyte args=["${"A".repeat(1 << 20)}"] uid=0`);
  for (let i = 0; i < 10000; i++) lines.push(`thread ${1000 + i} ptid=${i === 0 ? 1 : 999 + i} comm=${i === 9999 ? "deepest" : "deep"} exe=d`);
  NAMES.forEach((name, i) => {
    const [parent, child] = [100 + i, 20000 + i];
    lines.push(`${parent} clone res=${child} exe="${name}" args=[] tid=${parent} pid=${parent} ptid=1 cwd="" comm=java flags=0 uid=0 gid=0 vtid=${parent} vpid=${parent}`);
    lines.push(`${child} clone res=0 exe="${name}" args=[] tid=${child} pid=${child} ptid=${parent} cwd="" comm=java flags=0 uid=0 gid=0 vtid=${child} vpid=${child}`);
    lines.push(`${child} execve res=0 exe="${name}" args=["-c","${name}"] tid=${child} pid=${child} ptid=${parent} cwd="/" comm=sh trusted_exepath=/usr/bin/dash filename=/bin/sh uid=0`);
    lines.push(`${child} openat fd=3 dirfd=AT_FDCWD name="/tmp/${name}" flags=O_WRONLY|O_CREAT`);
  });
  lines.push("-1 lost n_events=12 cpu=1 cause=buffer_full", "");
  return lines.join("\n");
}
