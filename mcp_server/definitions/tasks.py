"""What a task's Markdown says: its steps, their commands, and what the task is to produce."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markdown_it.token import Token

from mcp_server.definitions.markdown import parse_markdown, plain_title, unix_lines
from mcp_server.domain.definition import Step, Task, TaskContent
from mcp_server.domain.values import is_list

_DESCRIPTIONS = frozenset({"objective", "objectives", "purpose"})
_STEPS = frozenset({"steps", "instructions", "execution", "execution steps"})
_ARTIFACTS = frozenset(
    {"outputs", "output", "expected output", "expected outputs", "deliverables", "artifacts", "produces"}
    | {"artifacts to produce"}
)
_STEP = re.compile(r"step\s+(\d{1,6})\b[\s:.)\u2013\u2014-]*(.*)", re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(r"\*\*(?P<name>[^*:]+):?\*\*:?[ \t]*(?P<text>.*)")
_DURATIONS = frozenset({"estimated time", "estimated duration", "estimated effort", "duration", "time estimate"})
_CHECKBOX = re.compile(r"^\[[ xX]\]\s+")


@dataclass(frozen=True, slots=True)
class _Told:
    """What the Markdown of a task tells, as far as it tells it."""

    description: str
    steps: tuple[Step, ...]
    artifacts: tuple[str, ...]
    duration: str | None


def task_content(task: Task) -> TaskContent:
    """The structured content of a task; ``instructions`` is its Markdown verbatim, whatever was made out in it."""
    told = _told(task.body)
    return TaskContent(
        title=task.title,
        description=told.description or task.purpose,
        instructions=task.body,
        execution_steps=task.steps or told.steps,
        artifacts_to_produce=tuple(dict.fromkeys([*_texts(task.front_matter.get("produces")), *told.artifacts])),
        estimated_duration=task.estimated_duration or told.duration,
        missing=task.missing,
    )


# Sessions of one workflow read the same tasks, and parsing one takes longer than all else that a read does.
@lru_cache(maxsize=32)
def _told(body: str) -> _Told:
    outline = _Outline(body)
    labels = outline.labels()
    described = outline.text_under(_DESCRIPTIONS) or next((labels[key] for key in labels if key in _DESCRIPTIONS), "")
    return _Told(
        description=described or outline.first_paragraph(),
        steps=tuple(outline.steps() or outline.listed_steps()),
        artifacts=tuple(outline.items_under(_ARTIFACTS)),
        duration=next((labels[key] for key in labels if key in _DURATIONS), None),
    )


def _texts(value: object) -> list[str]:
    return [str(item) for item in (value if is_list(value) else [value]) if item is not None]


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading and what it governs: its own text up to the next heading, and all up to the next of its rank."""

    title: str
    own: range
    whole: range


class _Outline:
    """A parsed Markdown text, addressed by its lines. Linear in its length, however many headings it has."""

    def __init__(self, text: str) -> None:
        text = unix_lines(text)
        self._lines = text.split("\n")
        self._tokens = parse_markdown(text)
        self._placed = [index for index, token in enumerate(self._tokens) if token.map]
        self._starts = [_first_line(self._tokens[index]) for index in self._placed]
        self._sections = self._read_sections()

    def _read_sections(self) -> list[_Section]:
        heads = [
            (int(token.tag[1:]), plain_title(self._tokens[index + 1].content), token.map)
            for index, token in enumerate(self._tokens)
            if token.type == "heading_open" and token.level == 0 and token.map
        ]
        bottom = len(self._lines)
        below = [lines[0] for _, _, lines in heads[1:]] + [bottom]
        ends, open_ = [bottom] * len(heads), list[int]()
        for index, (rank, _, lines) in enumerate(heads):
            while open_ and heads[open_[-1]][0] >= rank:
                ends[open_.pop()] = lines[0]
            open_.append(index)
        return [
            _Section(title, range(lines[1], below[index]), range(lines[1], ends[index]))
            for index, (_, title, lines) in enumerate(heads)
        ]

    def _titled(self, titles: frozenset[str]) -> Iterator[_Section]:
        return (section for section in self._sections if section.title.lower() in titles)

    def _blocks(self, kind: str, lines: range, level: int | None = None) -> Iterator[tuple[int, Token]]:
        first, last = bisect_left(self._starts, lines.start), bisect_left(self._starts, lines.stop)
        for place in range(first, last):
            token = self._tokens[self._placed[place]]
            if token.type == kind and level in {None, token.level}:
                yield self._placed[place], token

    def _text(self, lines: range, but: Sequence[Token] = ()) -> str:
        left_out = {line for token in but if token.map for line in range(*token.map)}
        left_out.update(line for _, token in self._blocks("hr", lines) if token.map for line in range(*token.map))
        return "\n".join(self._lines[line] for line in lines if line not in left_out).strip()

    def text_under(self, titles: frozenset[str]) -> str:
        """The text below the first heading of one of the titles."""
        return next((text for section in self._titled(titles) if (text := self._text(section.own))), "")

    def first_paragraph(self) -> str:
        """The first paragraph that is more than labels."""
        texts = (self._tokens[index + 1].content for index, _ in self._paragraphs())
        return next((text for text in texts if not all(map(_LABEL.fullmatch, map(str.strip, text.splitlines())))), "")

    def _paragraphs(self) -> Iterator[tuple[int, Token]]:
        return self._blocks("paragraph_open", range(len(self._lines)), level=0)

    def labels(self) -> dict[str, str]:
        """What paragraphs say in lines of the form ``**Label:** text``."""
        found: dict[str, str] = {}
        for index, _ in self._paragraphs():
            for line in self._tokens[index + 1].content.splitlines():
                match = _LABEL.fullmatch(line.strip())
                if match and match["text"]:
                    found.setdefault(match["name"].strip().lower(), match["text"].strip())
        return found

    def steps(self) -> list[Step]:
        """The ``Step N`` headings."""
        found: list[Step] = []
        for section in self._sections:
            match = _STEP.fullmatch(section.title)
            if match:
                fences = [token for _, token in self._blocks("fence", section.whole)]
                found.append(
                    Step(
                        step=int(match.group(1)),
                        title=match.group(2).strip() or f"Step {match.group(1)}",
                        description=self._text(section.whole, but=fences),
                        commands=tuple(fence.content.rstrip("\n") for fence in fences),
                    )
                )
        return found

    def listed_steps(self) -> list[Step]:
        """The items of the first numbered list below a heading such as ``Steps``."""
        for section in self._titled(_STEPS):
            for index, token in self._blocks("ordered_list_open", section.whole, level=0):
                first = int(token.attrGet("start") or 1)
                return [self._listed(number, item) for number, item in enumerate(self._items(index), start=first)]
        return []

    def _listed(self, number: int, item: Sequence[Token]) -> Step:
        texts = [token.content for token in item if token.type == "inline"]
        title, *rest = texts[0].splitlines() if texts else [f"Step {number}"]
        fences = tuple(token.content.rstrip("\n") for token in item if token.type == "fence")
        return Step(step=number, title=title, description="\n".join([*rest, *texts[1:]]), commands=fences)

    def _items(self, opening: int) -> Iterator[list[Token]]:
        """The tokens of each item of the list that opens there."""
        level = self._tokens[opening].level
        item: list[Token] = []
        for index in range(opening + 1, len(self._tokens)):
            token = self._tokens[index]
            if token.level == level:
                return
            if token.type == "list_item_close" and token.level == level + 1:
                yield item
                item = []
            else:
                item.append(token)

    def items_under(self, titles: frozenset[str]) -> list[str]:
        """The items of the lists below the headings of these titles, each by its first line."""
        found: list[str] = []
        for section in self._titled(titles):
            for kind in ("bullet_list_open", "ordered_list_open"):
                for index, _ in self._blocks(kind, section.whole, level=0):
                    for item in self._items(index):
                        text = next((token.content for token in item if token.type == "inline"), "")
                        found.append(_CHECKBOX.sub("", text.split("\n", 1)[0]).strip())
        return [item for item in found if item]


def _first_line(token: Token) -> int:
    return token.map[0] if token.map else 0
