"""Mermaid itself, in Node, with a document to draw into."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.node import node

HERE = Path(__file__).parent

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


def rendered(diagrams: list[str]) -> list[list[str]]:
    """The labels of the boxes in each drawing. Skips where Mermaid cannot be had; fails where it refuses a diagram."""
    done = subprocess.run(
        [node(HERE), "draw.mjs"],
        cwd=HERE,
        input=json.dumps(diagrams),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[list[str]] = json.loads(done.stdout)
    return found
