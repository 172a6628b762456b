"""JSON as editors write it, with comments and trailing commas, read together with where everything stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from mcp_server.cli.hosts.problems import LeftAlone

_DEEPEST: Final = 100
_TOKEN: Final = re.compile(
    r"""(?P<trivia>[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)
    |(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")
    |(?P<literal>true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    |(?P<mark>[{}\[\],:])""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Node:
    """A value, what it comes to, and the part of the text that it takes."""

    start: int
    end: int
    value: Any
    members: tuple[Member, ...] = ()
    "Those of an object."


@dataclass(frozen=True, slots=True)
class Member:
    """A key and a value of an object; ``comma`` is where the comma behind them stands, if there is one."""

    key: str
    start: int
    node: Node
    comma: int | None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    start: int
    end: int


def parse(text: str) -> Node | None:
    """The one value in the text; None when it has only white space and comments.

    Raises LeftAlone, with the line, when the text is not JSON even in this wide sense.
    """
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._scan()
        self._next = next(self._tokens)

    def document(self) -> Node | None:
        if self._next.kind == "end":
            return None
        node = self._value(0)
        if self._next.kind != "end":
            raise self._broken()
        return node

    def _scan(self) -> Iterator[_Token]:
        position = 0
        while position < len(self._text):
            match = _TOKEN.match(self._text, position)
            if match is None:
                raise self._broken(position)
            position = match.end()
            if match.lastgroup == "mark":
                yield _Token(match[0], match.start(), position)
            elif match.lastgroup != "trivia":
                yield _Token(str(match.lastgroup), match.start(), position)
        yield _Token("end", position, position)

    def _take(self, *kinds: str) -> _Token:
        token = self._next
        if token.kind not in kinds or token.kind == "end":
            raise self._broken()
        self._next = next(self._tokens)
        return token

    def _value(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise LeftAlone(f"it is nested more than {_DEEPEST} deep")
        if self._next.kind == "{":
            return self._object(depth)
        if self._next.kind == "[":
            return self._array(depth)
        token = self._take("string", "literal")
        return Node(token.start, token.end, self._scalar(token))

    def _object(self, depth: int) -> Node:
        start = self._take("{").start
        members: list[Member] = []
        comma: int | None = start
        while self._next.kind != "}":
            if comma is None:
                raise self._broken()
            key = self._take("string")
            self._take(":")
            node = self._value(depth + 1)
            comma = self._comma()
            members.append(Member(self._scalar(key), key.start, node, comma))
        end = self._take("}").end
        return Node(start, end, {member.key: member.node.value for member in members}, tuple(members))

    def _array(self, depth: int) -> Node:
        start = self._take("[").start
        items: list[Any] = []
        comma: int | None = start
        while self._next.kind != "]":
            if comma is None:
                raise self._broken()
            items.append(self._value(depth + 1).value)
            comma = self._comma()
        return Node(start, self._take("]").end, items)

    def _comma(self) -> int | None:
        return self._take(",").start if self._next.kind == "," else None

    def _scalar(self, token: _Token) -> Any:
        try:
            return json.loads(self._text[token.start : token.end])
        except ValueError:
            raise self._broken(token.start) from None

    def _broken(self, position: int | None = None) -> LeftAlone:
        at = self._next.start if position is None else position
        return LeftAlone(f"it is not valid JSON at line {self._text.count(chr(10), 0, at) + 1}")
