"""Mermaid itself, in Node, with a document to draw into. Installed once from the registry, where that is reached."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("mermaid@11.17.2", "jsdom@26.1.0")

HOSTILE = (
    'Say "hi" [x] {y} (z)',
    "end",
    "# 1 hash #35; &amp; <b>bold</b>",
    "<script>alert(1)</script> `code`",
    "%% comment %%{init: {}}%%",
    "\U0001f680 launch \U0001f469\u200d\U0001f4bb of the stra\u00dfe",
    "1. first",
    "- item",
    "*bold* _em_ ~~struck~~ tests_before",
    "a | b ; c : d , e",
    "x --> y ==> z -.-> w",
    "style p1 fill:#f00",
    "click p1 href",
    "https://example.org/a?b=c",
    "back\\slash @{shape: x} :::cls",
    "x^2 + y = 'z'",
    "",
)
"""Titles that mean something to Mermaid, to Markdown or to HTML."""

_SCRIPT = r"""
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
"""


def rendered(diagrams: list[str], config: pytest.Config) -> list[list[str]]:
    """The labels of the boxes in each drawing. Skips where Mermaid cannot be had; fails where it refuses a diagram."""
    folder = _installed(config)
    script = folder / "draw.mjs"
    script.write_text(_SCRIPT)
    done = _run(["node", str(script)], folder, given=json.dumps(diagrams))
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[list[str]] = json.loads(done.stdout)
    return found


def _installed(config: pytest.Config) -> Path:
    cache: Any = config.cache
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if cache is None or missing:
        pytest.skip(f"Mermaid needs {' and '.join(missing) or 'the cache of pytest'}")
    folder = Path(cache.mkdir("mermaid"))
    if (folder / "installed").is_file() and (folder / "installed").read_text() == " ".join(PACKAGES):
        return folder
    try:
        done = _run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", ".", *PACKAGES], folder
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not bring Mermaid in time")
    if done.returncode:
        pytest.skip(f"npm cannot bring Mermaid: {done.stderr.strip()[-300:]}")
    (folder / "installed").write_text(" ".join(PACKAGES))
    return folder


def _run(command: list[str], folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, encoding="utf-8", timeout=180, check=False
    )
