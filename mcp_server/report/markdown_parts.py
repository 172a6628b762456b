"""The small parts that the Markdown page is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mcp_server.report import wording
from mcp_server.report.harmless import code
from mcp_server.report.model import Excerpt


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown in one line."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fold(summary: str, content: Iterable[str], *, is_open: bool = False) -> Iterator[str]:
    """Content that shows when it is asked for; ``summary`` is HTML in one line."""
    yield f"<details{' open' if is_open else ''}><summary>{summary}</summary>"
    yield from content
    yield "</details>"


def cut(excerpt: Excerpt) -> str:
    """Size and hash of a text, and whether it is all there."""
    part = ", a part of it shown" if excerpt.clipped and excerpt.text else ""
    part = ", left out for its size" if excerpt.clipped and not excerpt.text else part
    return f"{wording.size(excerpt.bytes)}{part}, SHA-256 {code(excerpt.sha256)}"


def left_out(count: int, what: str) -> Iterator[str]:
    """That so many are left out, if any are."""
    if count:
        yield f"{wording.many(count, what)} left out."
