// Draws the pictures of the documentation anew: the five founding stories, and what else docs/report.md shows.
// Usage: npm ci && node screenshots.js [FOLDER]; TRACEHOUND names the program.

import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { launch, open, report, root } from "./browser.js";

const folder = process.argv[2] ?? path.join(root, "docs/screenshots");
mkdirSync(folder, { recursive: true });

const story = (name) => ({ name, trace: `samples/${name}.trace`, fit: "#story" });
const PICTURES = [
  story("java_spawns_bash"),
  story("reverse_shell_redirect"),
  story("shell_in_container"),
  story("write_below_dev"),
  story("dirty_pipe_splice"),
  { name: "signal_dark", trace: "samples/java_spawns_bash.trace", dark: true, open: true, width: 1000, height: 520 },
  { name: "tree", trace: "samples/shell_in_container.trace", only: "#processes" },
  { name: "timeline", trace: "samples/reverse_shell_redirect.trace", only: "#timeline" },
  { name: "narrow", trace: "samples/reverse_shell_redirect.trace", width: 400, height: 800 },
];

const browser = await launch();
if (!browser) {
  console.error("no Chromium here (apt-get install chromium, or CHROMIUM=FILE)");
  process.exit(75);
}
for (const picture of PICTURES) {
  const width = picture.width ?? 1200;
  const options = { viewport: { width, height: picture.height ?? 700 }, colorScheme: picture.dark ? "dark" : "light", reducedMotion: "reduce" };
  const { page, context } = await open(browser, report(picture.trace).url, options);
  if (picture.open) {
    await page.locator("#story a", { hasText: "Evidence" }).click();
    await page.waitForSelector("#detail .condition");
  }
  const file = path.join(folder, `${picture.name}.png`);
  if (picture.only) await page.locator(picture.only).screenshot({ path: file });
  else {
    if (picture.fit) {
      const box = await page.locator(picture.fit).boundingBox();
      await page.setViewportSize({ width, height: Math.ceil(box.y + box.height + 12) });
    }
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.screenshot({ path: file });
  }
  console.log(`${file}: ${Math.round(statSync(file).size / 1000)} kB`);
  await context.close();
}
await browser.close();
