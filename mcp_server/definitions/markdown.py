"""The text of a Markdown file: its front matter, its body and its first heading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mcp_server.definitions.documents import DocumentError, read_yaml
from mcp_server.domain.values import is_object

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_OUTER_SIGNS = re.compile(r"^[^\w`(]+|[\s:*#]+$")


@dataclass(frozen=True, slots=True)
class MarkdownFile:
    """A Markdown file with its line ends made ``\\n`` and without a byte order mark.

    ``problem`` says why what looks like front matter is not; it is then left in the body.
    """

    front_matter: dict[str, Any]
    body: str
    problem: DocumentError | None = None


def read_markdown(data: bytes) -> MarkdownFile:
    """Split a file, given in UTF-8, into front matter and body."""
    text = data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    match = _FRONT_MATTER.match(text)
    if match is None:
        return MarkdownFile({}, text)
    try:
        front_matter: object = read_yaml(match.group(1)).data
    except DocumentError as error:
        return MarkdownFile({}, text, error)
    if not is_object(front_matter):
        return MarkdownFile({}, text)
    return MarkdownFile(front_matter, text[match.end() :].lstrip("\n"))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


def parse_markdown(text: str) -> list[Token]:
    """The tokens of CommonMark."""
    return _parser().parse(text)


def plain_title(heading: str) -> str:
    """A heading without the signs around it, such as an emoji before or a colon behind."""
    return _OUTER_SIGNS.sub("", heading.strip())


def first_heading(text: str) -> str:
    """The text of the first heading, empty when there is none; a ``#`` in a code block is no heading."""
    tokens = parse_markdown(text)
    found = (tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "heading_open")
    return plain_title(next(found, ""))
