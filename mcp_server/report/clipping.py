"""How much of a session a report shows. What is cut keeps its size and hash, and what is left out is counted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from mcp_server.report.model import Excerpt

T = TypeVar("T")

SAID_CHARACTERS: Final = 2_000
"""What one sentence of the gate or of a person may take."""


@dataclass(frozen=True)
class Bounds:
    """What a report shows at most. ``total`` counts characters of evidence and output over the whole report."""

    value: int = 4_000
    output: int = 8_192
    items: int = 200
    checks: int = 200
    runs: int = 20
    problems: int = 100
    attempts_of_phase: int = 50
    attempts: int = 1_000
    happenings: int = 500
    blobs: int = 1_000
    total: int = 8_000_000


class Clipper:
    """Cuts text for one report, and knows whether it ever did."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.shortened = False
        self._left = bounds.total

    @property
    def full(self) -> bool:
        """Whether the report has no room for another piece of text."""
        return self._left <= 0

    def start(self, text: str, limit: int, *, size: int, sha256: str) -> Excerpt:
        """The start of a text; ``size`` in bytes and ``sha256`` are of all of it, which may be more than ``text``."""
        return self._cut(text[: self._room(limit)], text, size, sha256)

    def end(self, text: str, limit: int, *, size: int, sha256: str) -> Excerpt:
        """The end of a text that itself may be the end of more."""
        room = self._room(limit)
        return self._cut(text[-room:] if room else "", text, size, sha256)

    def value(self, text: str) -> Excerpt:
        """The start of a value that is at hand as JSON."""
        content = text.encode("utf-8", "surrogatepass")
        return self.start(text, self.bounds.value, size=len(content), sha256=hashlib.sha256(content).hexdigest())

    def said(self, text: str | None) -> str | None:
        """What somebody said."""
        if text is None or len(text) <= SAID_CHARACTERS:
            return text
        self.shortened = True
        return f"{text[:SAID_CHARACTERS]}…"

    def first(self, items: Sequence[T], limit: int) -> tuple[Sequence[T], int]:
        """The first items and how many are left out."""
        return items[:limit], self.left_out(len(items) - limit)

    def last(self, items: Sequence[T], limit: int) -> tuple[Sequence[T], int]:
        """The last items and how many are left out."""
        return (items[-limit:] if limit > 0 else items[:0]), self.left_out(len(items) - limit)

    def left_out(self, count: int) -> int:
        """That so many things are left out."""
        self.shortened = self.shortened or count > 0
        return max(0, count)

    def _room(self, limit: int) -> int:
        return max(0, min(limit, self._left))

    def _cut(self, shown: str, text: str, size: int, sha256: str) -> Excerpt:
        self._left -= len(shown)
        clipped = len(shown) < len(text) or len(shown.encode("utf-8", "surrogatepass")) < size
        self.shortened = self.shortened or clipped
        return Excerpt(text=shown, clipped=clipped, bytes=size, sha256=sha256)
