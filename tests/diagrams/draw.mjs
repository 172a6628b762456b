// Reads diagrams as a JSON list, has Mermaid draw them, and prints the labels of the boxes in each.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!DOCTYPE html><body></body>", { pretendToBeVisual: true });
globalThis.window = window;
const names = ["document", "Element", "HTMLElement", "SVGElement", "Node", "DOMParser", "XMLSerializer"];
for (const name of [...names, "CSSStyleSheet"]) globalThis[name] = window[name];
// A document that is not laid out has no sizes.
window.SVGElement.prototype.getBBox = () => ({ x: 0, y: 0, width: 100, height: 20 });
window.SVGElement.prototype.getComputedTextLength = () => 100;

const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false });
const found = [];
for (const [place, text] of JSON.parse(readFileSync(0, "utf8")).entries()) {
  await mermaid.parse(text);
  const { svg } = await mermaid.render("diagram" + place, text);
  const drawn = new JSDOM(svg).window.document;
  for (const line of drawn.querySelectorAll("br")) line.replaceWith(" | ");
  found.push([...drawn.querySelectorAll(".nodeLabel")].map((node) => node.textContent));
}
process.stdout.write(JSON.stringify(found));
process.exit(0);
