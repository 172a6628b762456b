"""Labelled parts of Markdown: ``**Label:** text``, a label before a list, a heading before either."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from mcp_server.definitions.markdown import plain_title

CHECKBOX = re.compile(r"\[[ xX]\](?:\s+|$)")
_BOLD = re.compile(r"[^\w*]*\*\*(?P<name>[^*]{1,80}?)(?::\s*\*\*|\*\*\s*(?::|$))\s*(?P<text>.*)")
_PLAIN = re.compile(
    r"(?P<name>objective|goal|purpose|(?:estimated )?(?:time|duration|effort)|dependencies|depends on|deliverables"
    r"|steps|acceptance criteria)\s*:(?:\s+(?P<text>.*)|$)",
    re.IGNORECASE,
)


def read_label(line: str) -> tuple[str, str] | None:
    """The label with which a line begins, in lower case, and the text behind it."""
    match = _BOLD.fullmatch(line.strip()) or _PLAIN.fullmatch(line.strip())
    return (plain_title(match["name"]).lower(), (match["text"] or "").strip()) if match else None


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list; ``boxed`` when it has a checkbox."""

    text: str
    boxed: bool


@dataclass(slots=True)
class Part:
    """What stands under one label: lines of text, items of lists, fenced code."""

    lines: list[str] = field(default_factory=list[str])
    items: list[Item] = field(default_factory=list[Item])
    fences: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """The lines as one text."""
        return " ".join(line for line in self.lines if line)

    @property
    def texts(self) -> tuple[str, ...]:
        """The items, or what is said in one line instead."""
        found = tuple(item.text for item in self.items if item.text)
        return found or ((self.text,) if self.text else ())


class Fields:
    """The parts of a stretch of Markdown by label; what has none is under ``""``."""

    def __init__(self, tokens: Sequence[Token], lead: Sequence[str] = ()) -> None:
        self.parts: dict[str, Part] = {}
        self._open: list[tuple[int, str]] = [(-1, "")]
        self._last: tuple[int, Part] | None = None
        self._paragraph(lead)
        self._read(tokens)

    def first(self, *labels: str) -> Part:
        """The part under the first of these labels that is there, else an empty one."""
        return next((self.parts[label] for label in labels if label in self.parts), Part())

    def _read(self, tokens: Sequence[Token]) -> None:
        depth = quoted = 0
        for index, token in enumerate(tokens):
            match token.type:
                case "bullet_list_open" | "ordered_list_open":
                    depth += 1
                case "bullet_list_close" | "ordered_list_close":
                    depth -= 1
                case "blockquote_open":
                    quoted += 1
                case "blockquote_close":
                    quoted -= 1
                case "fence" if not quoted:
                    self._part().fences.append(token.content.rstrip("\n"))
                case "inline" if not quoted:
                    self._inline([one.type for one in tokens[max(0, index - 2) : index]], depth, token.content)
                case _:
                    pass

    def _inline(self, before: Sequence[str], depth: int, content: str) -> None:
        if before[-1:] == ["heading_open"]:
            self._label(0, plain_title(content).lower(), "")
        elif depth and before[:1] == ["list_item_open"]:
            self._item(depth, content)
        elif depth:
            self._continue(content.splitlines())
        else:
            self._paragraph(content.splitlines())

    def _part(self) -> Part:
        return self.parts.setdefault(self._open[-1][1], Part())

    def _label(self, depth: int, name: str, text: str) -> None:
        self._close(depth)
        self._open.append((depth, name))
        if text:
            self._part().lines.append(text)

    def _close(self, depth: int) -> None:
        self._last = None
        while self._open[-1][0] >= depth:
            self._open.pop()

    def _paragraph(self, lines: Sequence[str]) -> None:
        """Take in a paragraph. Without a label the first one is what is said, and later ones are remarks."""
        self._last = None
        if self._part().lines or self._part().items:
            self._close(0)
        remark = bool(self._part().lines) or (bool(lines) and lines[0].startswith("|"))
        for line in lines:
            labelled = read_label(line)
            if labelled:
                self._label(0, *labelled)
                remark = False
            elif not remark:
                self._part().lines.append(line.strip())

    def _item(self, depth: int, content: str) -> None:
        first, *rest = content.splitlines() or [""]
        box = CHECKBOX.match(first)
        first = first[box.end() :] if box else first
        labelled = read_label(first)
        if labelled and not box:
            self._label(depth, *labelled)
            self._continue(rest)
            return
        text = " ".join(line.strip() for line in (first, *rest)).strip()
        if self._last and depth > self._last[0] and not box:
            self._append(text)
            return
        if self._open[-1][0] >= depth:
            self._close(depth)
        self._part().items.append(Item(text, box is not None))
        self._last = (depth, self._part())

    def _append(self, detail: str) -> None:
        """Add a detail to the item above it."""
        if self._last:
            items = self._last[1].items
            above = items[-1]
            items[-1] = Item(f"{above.text}{' ' if above.text.endswith(':') else '; '}{detail}", above.boxed)

    def _continue(self, lines: Iterable[str]) -> None:
        for line in lines:
            labelled = read_label(line)
            if labelled:
                self._label(self._open[-1][0], *labelled)
            else:
                self._part().lines.append(line.strip())
