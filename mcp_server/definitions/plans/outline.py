"""A Markdown file as headings with what they govern, addressed by lines. One pass, however many headings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from mcp_server.definitions.markdown import parse_markdown, plain_title
from mcp_server.definitions.plans.fields import read_label

LABEL_RANK = 7


@dataclass(slots=True)
class Mark:
    """A heading, or (rank 7) a paragraph that begins with a bold label and stands for one.

    ``body`` is the first line behind it, ``end`` the first one outside of what it governs, which for a label is up to
    the next heading; ``said`` is the label's text.
    """

    rank: int
    title: str
    start: int
    body: int
    end: int
    parent: Mark | None
    said: str = ""

    def above(self) -> Iterator[Mark]:
        """The headings that govern this one, nearest first."""
        mark = self.parent
        while mark is not None:
            yield mark
            mark = mark.parent


class Outline:
    """The text's lines, its tokens and its marks in their order."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.tokens: Sequence[Token] = parse_markdown(text)
        self._placed = [index for index, token in enumerate(self.tokens) if token.map]
        self._starts = [_line(self.tokens[index]) for index in self._placed]
        self.rules = [_line(token) for token in self.tokens if token.type == "hr" and token.level == 0]
        self.marks = list(self._read_marks())

    def between(self, start: int, end: int) -> Sequence[Token]:
        """The tokens of the lines from ``start`` up to ``end``."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        if first >= last:
            return ()
        stop = self._placed[last] if last < len(self._placed) else len(self.tokens)
        return self.tokens[self._placed[first] : stop]

    def text(self, start: int, end: int, without: Sequence[tuple[int, int]] = ()) -> str:
        """The lines from ``start`` up to ``end`` less some stretches, without blank lines and rules around."""
        kept: list[str] = []
        at = start
        for first, last in without:
            kept += self.lines[at : max(at, min(first, end))]
            at = max(at, last)
        kept += self.lines[at:end]
        while kept and (not kept[-1].strip() or set(kept[-1].strip()) == {"-"}):
            kept.pop()
        while kept and not kept[0].strip():
            kept.pop(0)
        return "\n".join(kept)

    def _read_marks(self) -> Iterator[Mark]:
        stack: list[Mark] = []
        labels: list[Mark] = []
        for index, token in enumerate(self.tokens):
            if token.level or token.type not in {"heading_open", "paragraph_open"} or not token.map:
                continue
            start, body = token.map
            content = self.tokens[index + 1].content
            rank, title, said = LABEL_RANK, "", ""
            if token.type == "heading_open":
                rank, title = int(token.tag[1:]), plain_title(content)
            else:
                first, *rest = content.splitlines()
                labelled = read_label(first)
                if not labelled:
                    continue
                title, said = labelled[0], " ".join((labelled[1], *rest)).strip()
            if rank < LABEL_RANK:
                while stack and stack[-1].rank >= rank:
                    stack.pop().end = start
                while labels:
                    labels.pop().end = start
            mark = Mark(rank, title, start, body, len(self.lines), stack[-1] if stack else None, said)
            (stack if rank < LABEL_RANK else labels).append(mark)
            yield mark


def _line(token: Token) -> int:
    return token.map[0] if token.map else 0
