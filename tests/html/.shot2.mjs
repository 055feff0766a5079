import { launch, open, report } from "./browser.js";
const b = await launch();
const { page } = await open(b, report("samples/java_spawns_bash.trace").url, { viewport: { width: 380, height: 800 } });
console.log(await page.evaluate(() => [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroller")).map(e => e.outerHTML.slice(0,200) + e.parentElement.className)));
await b.close();
