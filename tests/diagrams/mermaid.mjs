// Parses Mermaid diagrams with Mermaid itself and checks what became of them: nodes and their labels, no directive.
// Usage: node mermaid.mjs FILE… (in a folder with node_modules/mermaid and node_modules/jsdom)
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.cwd() + "/");
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("<!doctype html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import(
  pathToFileURL(process.cwd() + "/node_modules/mermaid/dist/mermaid.core.mjs").href
);
mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });

let failed = 0;
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf8");
  try {
    const { diagramType } = await mermaid.parse(text);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    const vertices = [...diagram.db.getVertices().values()];
    const declared = text.split("\n").filter((line) => /:::\w+$/.test(line)).length;
    const bad = vertices.filter(
      (v) => v.link || v.haveCallback || !/^(entry|gap|signal|[apsfm])\d*(_\d+)?$/.test(v.id) || /<(?!br\/?>)/.test(v.text),
    );
    if (diagramType !== "flowchart-v2" || vertices.length !== declared || bad.length > 0) {
      throw new Error(`${diagramType}, ${vertices.length} nodes of ${declared}, bad: ${JSON.stringify(bad)}`);
    }
    console.log(`${file}: ${vertices.length} nodes, ${diagram.db.getEdges().length} edges`);
  } catch (error) {
    failed += 1;
    console.error(`${file}: ${error.message}`);
  }
}
process.exit(failed ? 1 : 0);
