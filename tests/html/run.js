// What a person does with a report, done in headless Chromium: open a signal, follow its path, filter the tree, brush
// the timeline, reload a deep link, all by mouse and by keyboard; hostile names; accessibility; light and dark; paper.
// Usage: npm ci && node run.js (TRACEHOUND names the program). Exit code 75: there is no browser here.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { folder, launch, open, report } from "./browser.js";
import { hostile } from "./hostile.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await launch();
if (!browser) {
  console.error("SKIPPED: no Chromium here (apt-get install chromium, or CHROMIUM=FILE)");
  process.exit(75);
}

const tests = [];
const test = (name, f) => tests.push([name, f]);
const reports = new Map();
const of = (trace, ...extra) => {
  if (!reports.has(trace)) reports.set(trace, report(trace, undefined, extra));
  return reports.get(trace);
};
const JAVA = "samples/java_spawns_bash.trace";
const REVERSE = "samples/reverse_shell_redirect.trace";
const CONTAINER = "samples/shell_in_container.trace";

function hostile_trace() {
  const trace = path.join(folder, "hostile.trace");
  writeFileSync(trace, hostile());
  return trace;
}

/** Nothing was asked of the network, nothing was complained of. */
function check_quiet(seen) {
  assert.deepEqual(seen, { requests: [], console: [], errors: [] });
}

const text = (page, selector) => page.locator(selector).first().innerText();
const settle = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** Waits until a page says so. Playwright's own way asks again from within the page, which its policy forbids. */
async function until(page, predicate) {
  const end = Date.now() + 30_000;
  while (!(await page.evaluate(predicate))) {
    assert.ok(Date.now() < end, `not within 30 s: ${predicate}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

test("a reverse shell is told in one line", async () => {
  const { page, context, seen } = await open(browser, of(REVERSE).url);
  const nodes = await page.locator("#story .line .node").allInnerTexts();
  const names = nodes.map((node) => node.split("\n")[0].trim());
  assert.deepEqual(names, ["cron.service", "cron", "sh", "bash → sh", "203.0.113.66:4444"]);
  assert.match(await text(page, "#story .ladder .hot"), /stdin, stdout, stderr ⇄ 203\.0\.113\.66:4444/);
  assert.equal(await text(page, ".counts"), "4 Critical");
  check_quiet(seen);
  await context.close();
});

test("a signal is opened, its path followed to a process, and back", async () => {
  const { page, context, seen } = await open(browser, of(JAVA).url);
  await page.locator("#signal-rows .row", { hasText: "Transfer tool" }).first().click();
  await page.waitForSelector("#detail .condition");
  assert.equal(await text(page, "#detail-title"), "Transfer tool below a service");
  assert.match(page.url(), /#signal=[0-9a-f]{16}$/);
  const leaves = await page.locator("#detail .condition li").allInnerTexts();
  assert.ok(leaves.some((leaf) => /✓.*proc\.name in/s.test(leaf) && /proc\.name is curl/.test(leaf)), leaves.join("\n"));
  assert.equal(await page.evaluate(() => document.activeElement.id), "detail-title");
  await page.locator("#detail .ladder a", { hasText: "java" }).click();
  await until(page, () => document.querySelector("#detail-title").textContent === "1874 java");
  const body = await text(page, "#detail .body");
  for (const wanted of ["2 children", "4 sockets", "198.51.100.90:40112", "/srv/orders/orders.jar", "user\napp", "Credentials"]) assert.ok(body.includes(wanted), `${wanted} in ${body}`);
  await page.goBack();
  await until(page, () => document.querySelector("#detail-title").textContent.startsWith("Transfer"));
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#detail").isVisible(), false);
  assert.equal(new URL(page.url()).hash, "");
  check_quiet(seen);
  await context.close();
});

test("the tree is filtered by text, user, signals, container", async () => {
  const { page, context, seen } = await open(browser, of(CONTAINER).url);
  const rows = async () => (await settle(page), page.locator("#tree [role=treeitem]").count());
  assert.equal(await rows(), 19);
  await page.fill("#tree-search", "NGINX");
  assert.match((await settle(page), await text(page, "#processes .status")), /^3 processes of 19 match/);
  assert.equal(await page.locator("#tree .row:not(.dimmed)").count(), 3);
  await page.fill("#tree-search", "");
  await page.check("#tree-signals");
  assert.equal((await rows(), await page.locator("#tree .row:not(.dimmed)").count()), 1);
  await page.uncheck("#tree-signals");
  await page.selectOption("#tree-user", { label: "deploy" });
  assert.equal((await rows(), await page.locator("#tree .row:not(.dimmed)").count()), 3);
  await page.selectOption("#tree-user", "-1");
  await page.selectOption("#tree-container", { label: "docker web" });
  assert.ok((await rows()) < 19);
  assert.equal(await page.locator("#tree .row.contained:not(.dimmed)").count(), await page.locator("#tree .row:not(.dimmed)").count());
  check_quiet(seen);
  await context.close();
});

test("the tree is walked by keys", async () => {
  const { page, context } = await open(browser, of(JAVA).url);
  await page.focus("#tree");
  const active = () => page.evaluate(() => document.getElementById(document.querySelector("#tree").getAttribute("aria-activedescendant"))?.querySelector(".pid").textContent);
  await page.keyboard.press("ArrowDown");
  assert.equal(await active(), "1");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.locator("#tree [role=treeitem]").count(), 1);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal(await active(), "611");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#detail:not([hidden])");
  assert.match(page.url(), /#process=h[0-9a-f]{8}-/);
  await page.keyboard.press("Escape");
  await settle(page);
  assert.equal(await page.evaluate(() => document.activeElement.id), "tree");
  await context.close();
});

test("the timeline is brushed: signals and processes follow", async () => {
  const { page, context, seen } = await open(browser, of(JAVA).url);
  await page.locator(".overlay").scrollIntoViewIfNeeded();
  const box = await page.locator(".overlay").boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.1, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, y, { steps: 4 });
  await page.mouse.up();
  await settle(page);
  assert.match(await text(page, "#signals .status"), /^0 signals of 3 shown in the part of time/);
  assert.match(await text(page, "#processes .status"), /^\d processes of 14 match/);
  await page.locator("#timeline button").click();
  await settle(page);
  assert.match(await text(page, "#signals .status"), /^3 signals of 3 shown/);
  await page.focus("#brush-1");
  for (let i = 0; i < 2; i++) await page.keyboard.press("PageDown");
  await settle(page);
  assert.match(await text(page, "#signals .status"), /^0 signals/);
  assert.equal(await page.getAttribute("#brush-1", "aria-valuenow"), "800");
  await page.keyboard.press("Escape");
  await settle(page);
  assert.match(await text(page, "#signals .status"), /^3 signals/);
  check_quiet(seen);
  await context.close();
});

test("signals are sorted, searched, picked by priority", async () => {
  const { page, context, seen } = await open(browser, of("samples/recorded_java_shell.trh").url);
  const priorities = async () => (await settle(page), page.locator("#signal-rows .row .badge").allInnerTexts());
  assert.equal((await priorities()).length, 4);
  await page.click("#signals .head .priority button");
  assert.equal((await priorities())[0], "Warning");
  await page.click("#signals .head .priority button");
  assert.equal((await priorities())[0], "Notice");
  assert.equal(await page.getAttribute("#signals .head .priority", "aria-sort"), "descending");
  await page.fill("#signal-search", "25516");
  assert.equal((await priorities()).length, 1);
  await page.fill("#signal-search", "");
  await page.locator("#signals fieldset label", { hasText: "Notice" }).locator("input").uncheck();
  assert.deepEqual(await priorities(), ["Warning"]);
  check_quiet(seen);
  await context.close();
});

test("a deep link survives a reload", async () => {
  const { url } = of(JAVA);
  const { page, context } = await open(browser, url);
  await page.locator("#story a", { hasText: "Evidence" }).click();
  await page.waitForSelector("#detail .condition");
  const title = await text(page, "#detail-title");
  const deep = page.url();
  await page.reload();
  await page.waitForSelector("#detail .condition");
  assert.equal(await text(page, "#detail-title"), title);
  assert.equal(page.url(), deep);
  await page.locator("#detail .ladder a", { hasText: "bash" }).first().click();
  await until(page, () => location.hash.startsWith("#process="));
  const process = page.url();
  await context.close();
  const again = await open(browser, process);
  await again.page.waitForSelector("#detail:not([hidden])");
  assert.equal(await text(again.page, "#detail-title"), "2841 bash");
  assert.equal(await again.page.locator("#tree .row.selected .pid").innerText(), "2841");
  await again.page.goto(`${url}#process=nonsense%`);
  await until(again.page, () => document.querySelector("#detail-title").textContent === "No such process");
  await again.context.close();
});

test("hostile names are shown and do nothing", async () => {
  const trace = hostile_trace();
  const made = report(trace);
  assert.equal(made.code, 5, "the trace has losses");
  const { page, context, seen } = await open(browser, made.url);
  // Every signal opened, with its path and its condition.
  let all = await page.evaluate(() => document.body.innerText);
  const n = await page.locator("#signal-rows .row").count();
  assert.ok(n >= 11, `${n} signals`);
  for (let i = 0; i < n; i++) {
    await page.evaluate((i) => document.querySelectorAll("#signal-rows .row")[i].click(), i);
    await page.waitForSelector("#detail .condition");
    all += await text(page, "#detail .body");
    await page.evaluate(() => document.querySelector("#detail .condition").remove());
  }
  for (const wanted of ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "\\u{202e}gpj.exe", "\\x1b[31m", "\\xff\\xfe"]) assert.ok(all.includes(wanted), `${wanted} is shown as it is`);
  assert.ok(!/[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/.test(all), "nothing that turns or hides text");
  assert.match(await text(page, "#evidence"), /The evidence is partial.*lost 12 events/s);
  // One process of the deep line, and the one with an argument of a megabyte.
  await page.fill("#tree-search", "deepest");
  await settle(page);
  assert.equal(await page.locator("#tree .row:not(.dimmed)").count(), 1);
  await page.locator("#tree .row:not(.dimmed)").click();
  await page.waitForSelector("#detail:not([hidden])");
  await page.fill("#tree-search", "megabyte");
  await settle(page);
  await page.locator("#tree .row:not(.dimmed)").click();
  await until(page, () => document.querySelector("#detail-title").textContent.includes("megabyte"));
  assert.match(await text(page, "#detail .body"), /1,0\d\d,\d{3} bytes in all; the rest: tracehound tree/);
  // What is linked is opened: nothing runs, nothing is asked for.
  const keys = await page.evaluate(() => [...document.querySelectorAll("#story a, #summary a")].map((a) => a.getAttribute("href")));
  for (const key of keys.filter((key) => /^#(signal|process)=/.test(key)).slice(0, 40)) {
    await page.evaluate((hash) => (location.hash = hash), key);
    await page.waitForSelector("#detail:not([hidden])");
  }
  assert.equal(await page.evaluate(() => document.querySelectorAll("img, iframe, object, embed, link, base, form").length), 0);
  check_quiet(seen);
  await context.close();
});

test("a script that gets into the page is refused by its policy", async () => {
  const { page, context } = await open(browser, of(REVERSE).url);
  const refused = page.waitForEvent("console", (message) => /Content Security Policy/.test(message.text()));
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
  });
  await refused;
  assert.equal(await page.evaluate(() => window.ran), undefined);
  await context.close();
});

test("a trace of which part is missing never looks clean", async () => {
  const trace = path.join(folder, "lossy.trace");
  writeFileSync(trace, "#tracehound-trace 1\nthread 1 comm=init exe=init uid=0\n1 getcwd res=0 path=/\n-1 lost n_events=7 cpu=1 cause=buffer_full\n");
  const made = report(trace);
  const { page, context, seen } = await open(browser, made.url);
  const all = await page.evaluate(() => document.body.innerText);
  assert.match(all, /The evidence is partial\.\s+The recorder lost 7 events/);
  assert.match(all, /No rule of \d+ fired/);
  assert.match(all, /no proof that nothing happened/);
  assert.ok(!/clean\b/i.test(all));
  check_quiet(seen);
  await context.close();
});

test("no serious finding of axe, light and dark, with and without details", async () => {
  for (const [trace, colorScheme] of [[JAVA, "light"], [CONTAINER, "dark"], [hostile_trace(), "light"]]) {
    const { page, context } = await open(browser, of(trace).url, { colorScheme, reducedMotion: "reduce", bypassCSP: true });
    for (const step of ["closed", "signal", "process"]) {
      if (step === "signal") await page.locator("#story a[href^='#signal=']").first().click();
      if (step === "process") await page.locator("#detail a[href^='#process=']").first().click();
      if (step !== "closed") await page.waitForSelector("#detail:not([hidden])");
      if (step === "signal") await page.waitForSelector("#detail .condition");
      await settle(page);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      const told = serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 200)}\n  ${failureSummary}`).join("\n")}`);
      assert.deepEqual(told, [], `${trace} ${colorScheme} ${step}`);
    }
    await context.close();
  }
});

test("narrow windows do not scroll sideways; paper has the rows", async () => {
  const { page, context } = await open(browser, of(JAVA).url, { viewport: { width: 380, height: 800 } });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scrolling");
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.locator("#tree [role=treeitem]").count(), 14);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("nav").isVisible(), false);
  await context.close();
});

test("the theme is switched by its button", async () => {
  const { page, context } = await open(browser, of(JAVA).url);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.click("#theme");
  assert.equal(await background(), light);
  await page.click("#theme");
  assert.notEqual(await background(), light);
  await context.close();
});

let n_failed = 0;
const wanted = process.argv[2];
for (const [name, f] of tests) {
  if (wanted && !name.includes(wanted)) continue;
  const start = performance.now();
  try {
    await f();
    console.log(`ok      ${name} (${Math.round(performance.now() - start)} ms)`);
  } catch (error) {
    n_failed++;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
}
await browser.close();
process.exit(n_failed ? 1 : 0);
