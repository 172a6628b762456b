"""Templates of both dialects: ``[PLACEHOLDER]``, and the Mustache of Handlebars.

``{{name}}``, ``{{#each list}}…{{/each}}``, ``{{#if name}}…{{else}}…{{/if}}`` and ``{{#unless name}}``. Nothing is
escaped, since the result is Markdown; nothing that a value holds is read as a template again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

MAX_CHARACTERS = 1024 * 1024
"""What one template may make of one phase or task."""
PART_CHARACTERS = 8
"""What each part that is put in counts beside its text: a loop may write nothing and still take time."""
MAX_DEPTH = 20

Value = Union[str, int, bool, Sequence["Value"], Mapping[str, "Value"]]  # noqa: UP007 - a string cannot be joined by |
Scope = Mapping[str, Value]

_TAG = re.compile(
    r"(?P<remark>\{\{!)|\{\{\{?(?P<tag>[^{}]*)\}\}\}?|\[(?P<place>(?=[^\]]{2})[A-Z][A-Z0-9]*(?:[_ ][A-Z0-9]+)*)\](?!\()"
)
_BLOCKS = frozenset({"each", "if", "unless"})


class TemplateError(ValueError):
    """A template that cannot be read or grows without measure; ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class _Name:
    name: str
    line: int


@dataclass(slots=True)
class _Block:
    kind: str
    name: str
    line: int
    then: list[str | _Name | _Block] = field(default_factory=list[Union[str, _Name, "_Block"]])
    otherwise: list[str | _Name | _Block] | None = None

    @property
    def parts(self) -> list[str | _Name | _Block]:
        """Where what is read next belongs."""
        return self.then if self.otherwise is None else self.otherwise


class Template:
    """A template that was read. Raises TemplateError."""

    def __init__(self, text: str) -> None:
        self._root = _Block("", "", 1)
        self._read(text)

    def names(self) -> Iterator[tuple[str, int]]:
        """Every name that it uses, with its line."""
        pending = [self._root]
        while pending:
            block = pending.pop()
            if block.name:
                yield block.name, block.line
            for part in (*block.then, *(block.otherwise or ())):
                if isinstance(part, _Block):
                    pending.append(part)
                elif isinstance(part, _Name):
                    yield part.name, part.line

    def render(self, values: Scope, room: Room | None = None) -> str:
        """The text with the values put in; a name that is not among them is empty.

        ``room`` is what several renderings may make together. Raises TemplateError.
        """
        out: list[str] = []
        own = Room(MAX_CHARACTERS)
        for piece in _render(self._root.then, [values]):
            for limit in (own, room) if room else (own,):
                limit.take(len(piece) + PART_CHARACTERS)
            out.append(piece)
        return "".join(out)

    def _read(self, text: str) -> None:
        open_: list[_Block] = [self._root]
        at, line = 0, 1
        for match, last in _tags(text):
            start, end = match.start(), last
            line += text.count("\n", at, start)
            sign, word = _parts(match["tag"] or "")
            if sign in {"#", "/"} or word == "else":
                start, end = _alone(text, start, end)
            open_[-1].parts.append(text[at:start])
            if match["place"]:
                open_[-1].parts.append(_Name(match["place"], line))
            elif not match["remark"]:
                _tag(sign, word, open_, line)
            line += text.count("\n", match.start(), end)
            at = end
        open_[-1].parts.append(text[at:])
        if len(open_) > 1:
            raise TemplateError(f"has {{{{#{open_[-1].kind}}}}} without its end", open_[-1].line)


class Room:
    """How many characters may still be made."""

    def __init__(self, characters: int) -> None:
        self._characters = self._left = characters

    def take(self, characters: int) -> None:
        """Use some of it up. Raises TemplateError when that is too much."""
        self._left -= characters
        if self._left < 0:
            raise TemplateError(f"makes more than {self._characters} characters", 1)


def _tags(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Every tag with where it ends; in one pass, whatever is opened and never closed."""
    at, endless = 0, set[str]()
    while match := _TAG.search(text, at):
        end = _end_of_remark(text, match.end(), endless) if match["remark"] else match.end()
        if end is not None:
            yield match, end
        at = end or match.end()


def _end_of_remark(text: str, start: int, endless: set[str]) -> int | None:
    """Where a remark ends; ``endless`` remembers the ends that are not to come any more."""
    for close in ("--}}", "}}") if text.startswith("--", start) else ("}}",):
        found = -1 if close in endless else text.find(close, start)
        if found >= 0:
            return found + len(close)
        endless.add(close)
    return None


def _parts(tag: str) -> tuple[str, str]:
    """The sign of a tag, if it has one, and its words."""
    tag = tag.strip()
    return (tag[0], tag[1:].strip()) if tag[:1] in {"#", "/", "&"} else ("", tag)


def _tag(sign: str, word: str, open_: list[_Block], line: int) -> None:
    if sign == "#":
        kind, _, name = word.partition(" ")
        if kind not in _BLOCKS or not name.strip():
            raise TemplateError(f"has the block {{{{#{word}}}}}, which is none of #each, #if and #unless", line)
        if len(open_) > MAX_DEPTH:
            raise TemplateError(f"has blocks more than {MAX_DEPTH} deep", line)
        open_[-1].parts.append(block := _Block(kind, name.strip(), line))
        open_.append(block)
    elif sign == "/":
        if len(open_) == 1 or open_[-1].kind != word:
            raise TemplateError(f"has {{{{/{word}}}}} without its beginning", line)
        open_.pop()
    elif word == "else":
        if len(open_) == 1 or open_[-1].otherwise is not None:
            raise TemplateError("has {{else}} outside of a block", line)
        open_[-1].otherwise = []
    else:
        open_[-1].parts.append(_Name(word, line))


def _alone(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch of a block's tag: its whole line where nothing else stands on it."""
    before, after = start, end
    while before and text[before - 1] in " \t":
        before -= 1
    while after < len(text) and text[after] in " \t":
        after += 1
    blank = text[before - 1 : before] in {"", "\n"} and text[after : after + 1] in {"", "\n"}
    return (before, min(after + 1, len(text))) if blank else (start, end)


def key_of(name: str) -> str:
    """How a name is looked up: ``PHASE NAME``, ``this.phase_name`` and ``target_phase_name`` are ``phase_name``."""
    key = name.strip().lower().replace(" ", "_").replace("-", "_")
    return key.removeprefix("./").removeprefix("../").removeprefix("this.").removeprefix("target_")


def _render(parts: Sequence[str | _Name | _Block], scopes: list[Scope]) -> Iterator[str]:
    for part in parts:
        match part:
            case str():
                yield part
            case _Name(name=name):
                yield as_text(_value(name, scopes))
            case _Block():
                yield from _render_block(part, scopes)


def _render_block(block: _Block, scopes: list[Scope]) -> Iterator[str]:
    value = _value(block.name, scopes)
    if block.kind == "each" and value and isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield ""  # so that a loop that writes nothing is counted all the same
            own: dict[str, Value] = dict(item) if isinstance(item, Mapping) else {}
            places: dict[str, Value] = {"this": item, ".": item, "@index": index}
            places |= {"@first": index == 0, "@last": index == len(value) - 1}
            yield from _render(block.then, [*scopes, {**own, **places}])
        return
    holds = bool(value) and block.kind == "if"
    if block.kind == "unless":
        holds = not value
    yield from _render(block.then if holds else block.otherwise or (), scopes)


def _value(name: str, scopes: list[Scope]) -> Value:
    key = key_of(name)
    return next((scope[key] for scope in reversed(scopes) if key in scope), "")


def as_text(value: Value) -> str:
    """A value as Markdown; a list as its items, a thing with a name as that name."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case Mapping():
            return as_text(value.get("name", ""))
        case _:
            return "\n".join(f"- {as_text(item)}" for item in value)
