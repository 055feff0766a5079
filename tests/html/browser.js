// Debian's Chromium, driven; and reports made for it.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

/** The repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
/** The program: `TRACEHOUND`, or what a debug build made. */
export const program = process.env.TRACEHOUND ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "debug/tracehound");

const browsers = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser, or nothing if there is none. */
export async function launch(options = {}) {
  const executablePath = browsers.find((file) => file && existsSync(file));
  if (!executablePath) return null;
  // In a container there is nothing to make a sandbox of; the pages are our own.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--headless=new", "--disable-gpu", "--force-color-profile=srgb"], ...options });
}

export const folder = mkdtempSync(path.join(tmpdir(), "tracehound-html-"));

/** A report of a trace with the default rules. Gives the file and the program's exit code. */
export function report(trace, name = `${path.basename(trace)}.html`, extra = []) {
  const file = path.join(folder, name);
  const args = ["report", trace, "-r", "rules", "-o", file, "--force", "-q", ...extra];
  let code = 0;
  try {
    execFileSync(program, args, { cwd: root, stdio: ["ignore", "ignore", "pipe"], maxBuffer: 1 << 28 });
  } catch (error) {
    code = error.status;
    if (code !== 5) throw new Error(`tracehound ${args.join(" ")}: ${error.stderr ?? error.message}`);
  }
  return { file, url: pathToFileURL(file).href, code };
}

/** Opens a page and waits until it is drawn. Everything that a hostile page would do is noted: requests, console
 * messages, errors, dialogs. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, ...options });
  const page = await context.newPage();
  const seen = { requests: [], console: [], errors: [] };
  page.on("request", (request) => request.url() !== url.split("#")[0] && seen.requests.push(request.url()));
  page.on("console", (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("dialog", (dialog) => (seen.errors.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  await page.goto(url);
  await page.waitForSelector("main");
  return { page, context, seen };
}
