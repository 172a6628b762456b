"""The documentation as data: its pages, their fenced blocks, what each block is for, and their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent.parent
GENERATED = re.compile(r"<!-- Generated: ")
_DIRECTIVE = re.compile(r"<!-- (file|not run|from|typed): (.+?) -->")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``directive`` is what an HTML comment right before it says.

    ``file: PATH``: the reader writes the block into that file. ``typed: LINE | LINE``: its commands run on a terminal,
    where the reader types a line each time something is asked. ``from: PATH, scene N``: it is a part of that file, put
    there by ``renew``.
    ``not run: REASON``: it cannot be executed here.
    """

    page: str
    line: int
    language: str
    text: str
    directive: str | None = None
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every Markdown page that people read, relative to the repository."""
    inside = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *inside]


def read(page: str) -> str:
    return (ROOT / page).read_text()


def is_generated(page: str) -> bool:
    return GENERATED.match(read(page)) is not None


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page in their order."""
    found: list[Block] = []
    before: Token | None = None
    for token in _PARSER.parse(read(page)):
        if token.type == "fence":
            match = _DIRECTIVE.fullmatch(before.content.strip()) if before and before.type == "html_block" else None
            directive, argument = match.groups() if match else (None, "")
            line = token.map[0] + 1 if token.map else 0
            found.append(Block(page, line, token.info.strip(), token.content, directive, argument))
        before = token
    return found


def links(page: str) -> list[str]:
    """The targets of all links outside of code."""
    found: list[str] = []
    for token in _PARSER.parse(read(page)):
        for child in token.children or ():
            if child.type == "link_open":
                found.append(str(child.attrGet("href")))
            elif child.type == "text":
                # A reference that is not one, such as a bracket without its target.
                assert not _LINK.search(child.content), f"{page}: {child.content}"
    return found


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub names them."""
    found: dict[str, int] = {}
    tokens = _PARSER.parse(read(page))
    names: set[str] = set()
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open":
            slug = _slug("".join(_words(inline)))
            count = found.get(slug, 0)
            found[slug] = count + 1
            names.add(f"{slug}-{count}" if count else slug)
    return names


def _words(inline: Token) -> Iterator[str]:
    yield from (child.content for child in inline.children or () if child.type in {"text", "code_inline"})


def _slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
