"""The report of a session: one page that says what was verified, what was only said, and how to check it."""

from __future__ import annotations

from typing import Final, Literal

from mcp_server.engine import Engine
from mcp_server.report import html, markdown
from mcp_server.report.build import FULL, build
from mcp_server.report.clipping import Bounds
from mcp_server.report.model import Report

__all__ = ["COMMENT_CHARACTERS", "Bounds", "Format", "Report", "build", "page"]

Format = Literal["md", "html", "json"]

COMMENT_CHARACTERS: Final = 65_536
"""What GitHub takes of a comment or a pull request's description. Markdown is shortened until it fits, if it can."""

_SHORTER: Final = (
    FULL,
    Bounds(value=1_000, output=2_000, attempts_of_phase=5, happenings=50, items=50, runs=5, blobs=100, total=30_000),
    Bounds(
        value=200, output=500, attempts_of_phase=1, happenings=10, items=20, runs=1, blobs=20, checks=20, total=8_000
    ),
    Bounds(value=0, output=0, attempts_of_phase=0, attempts=0, happenings=0, items=0, blobs=0, checks=0, total=0),
)


def page(engine: Engine, session_id: str, form: Format) -> str:
    """The report of a session. Raises as ``Engine.whole`` does: nothing is told of files that cannot be trusted."""
    whole = engine.whole(session_id)
    if form == "html":
        return html.page(build(engine, whole))
    if form == "json":
        return build(engine, whole).model_dump_json(indent=2, ensure_ascii=True) + "\n"
    pages = (markdown.page(build(engine, whole, bounds)) for bounds in _SHORTER)
    shown = ""
    for shown in pages:
        if len(shown) <= COMMENT_CHARACTERS:
            break
    return shown
