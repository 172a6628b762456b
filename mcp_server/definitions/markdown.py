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

_LINE_END = r"(?:\r\n|\r|\n)"
_FRONT_MATTER = re.compile(rf"---[ \t]*{_LINE_END}(.*?)(?<=[\r\n])(?:---|\.\.\.)[ \t]*(?:{_LINE_END}|\Z)", re.DOTALL)
_LEADING_SIGNS = re.compile(r"[^\w`(]+")
_TRAILING_SIGNS = " :*#"
_HEADING_WITHIN = 64 * 1024
"""Characters in which a first heading is looked for: every definition is read often, and some files are long."""


@dataclass(frozen=True, slots=True)
class MarkdownFile:
    """A Markdown file without its byte order mark: the front matter as data, and the rest as it stands.

    ``problem`` says why what looks like front matter is not; it is then left in the body.
    """

    front_matter: dict[str, Any]
    body: str
    problem: DocumentError | None = None


def read_markdown(data: bytes) -> MarkdownFile:
    """Split a file, given in UTF-8, into front matter and body."""
    text = data.decode("utf-8-sig", errors="replace")
    match = _FRONT_MATTER.match(text)
    if match is None:
        return MarkdownFile({}, text)
    try:
        front_matter: object = read_yaml(match.group(1)).data
    except DocumentError as error:
        return MarkdownFile({}, text, error)
    if not is_object(front_matter):
        return MarkdownFile({}, text)
    return MarkdownFile(front_matter, text[match.end() :])


def unix_lines(text: str) -> str:
    """The text with every line end made ``\\n``, so that its lines are those that the parser counts."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@cache
def _parser() -> MarkdownIt:
    # Only blocks are wanted, and inline text is what takes time.
    return MarkdownIt("commonmark").disable(["inline", "text_join"])


def parse_markdown(text: str) -> list[Token]:
    """The blocks of CommonMark; the text inside of them is left as it is written."""
    return _parser().parse(text)


def plain_title(heading: str) -> str:
    """A heading in one line, without the signs around it, such as an emoji before or a colon behind."""
    # Patterns over titles rely on it that blanks do not run on: with long runs they would backtrack without end.
    line = " ".join(heading.split())
    signs = _LEADING_SIGNS.match(line)
    return line[signs.end() if signs else 0 :].rstrip(_TRAILING_SIGNS)


def first_heading(text: str) -> str:
    """The text of the first heading, empty when there is none; a ``#`` in a code block is no heading."""
    tokens = parse_markdown(text[:_HEADING_WITHIN])
    found = (tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "heading_open")
    return plain_title(next(found, ""))
