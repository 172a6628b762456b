"""Replies stay small: what does not fit stops at a clean place, and a cursor leads to the rest.

A long reply is a stream of texts and items in a fixed order. ``Pager`` walks that stream from where the cursor stands
and lets through what fits; a text may be cut anywhere, an item never.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any, Final, TypeVar, cast

from pydantic_core import to_json

from mcp_server.errors import InvalidArgumentError

MAX_REPLY_BYTES: Final = 80_000
"""What a reply may weigh as compact JSON (about 20,000 tokens; hosts cut at 25,000)."""
PAGE_BYTES: Final = 60_000
"""What of it the paged content may take; the rest is for the fields around it."""

T = TypeVar("T")


def size(value: Any) -> int:
    """Bytes of a value as compact JSON."""
    return len(to_json(value, fallback=str))


def clipped(text: str, limit: int) -> str:
    """The text, or as much of its beginning as takes ``limit`` bytes of JSON, ending in ``…``."""
    # No character takes more than six bytes; most texts are so short that none has to be counted.
    if 6 * len(text) + 2 <= limit or size(text) <= limit:
        return text
    return text[: _fitting(text, limit - size(" …"))].rstrip() + " …"


def first(entries: list[str], limit: int) -> list[str]:
    """As many as take ``limit`` bytes of JSON; a last entry tells how many are left out."""
    left, shown = limit, list[str]()
    for entry in entries:
        left -= size(entry) + 1
        if left < 0:
            return [*shown, f"and {len(entries) - len(shown)} more"]
        shown.append(entry)
    return shown


def _fitting(text: str, limit: int) -> int:
    """How many characters fit into ``limit`` bytes of JSON: all, or as many as a search by halves finds."""
    # A character takes a byte at least: what cannot fit is not weighed, it may be megabytes.
    if len(text) <= limit and size(text) <= limit:
        return len(text)
    low, high = 0, min(len(text), max(limit, 0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= limit else (low, middle - 1)
    return low


def encode_cursor(*parts: str | int) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> list[Any]:
    """The parts of a cursor of the given kinds; InvalidArgumentError for any other text."""
    found = _parts(cursor)
    if [type(part) for part in found] != list(kinds):
        raise foreign_cursor()
    return found


def is_cursor(text: str) -> bool:
    """Whether the text is a cursor at all; only the call that gets it can tell whether it is its own."""
    return bool(_parts(text))


def _parts(cursor: str) -> list[Any]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return []
    return cast("list[Any]", parts) if isinstance(parts, list) else []


def foreign_cursor() -> InvalidArgumentError:
    """The error for a cursor that this call did not give."""
    return InvalidArgumentError(
        [{"field": "cursor", "problem": "is not a next_cursor of this call"}],
        remediation="Repeat the call without cursor, then pass on each next_cursor as it is.",
    )


class Pager:
    """One page of the stream named ``of`` (an action and what it is about)."""

    def __init__(self, of: str, cursor: str | None = None, budget: int = PAGE_BYTES) -> None:
        self._of = of
        self._start = 0
        self._left = budget
        self._whole = budget
        self._position = 0
        self._stopped_at: int | None = None
        if cursor is not None:
            given_of, self._start = decode_cursor(cursor, str, int)
            if given_of != of or self._start < 0:
                raise foreign_cursor()

    @property
    def next_cursor(self) -> str | None:
        """Where the next page starts; None when this was the last."""
        return None if self._stopped_at is None else encode_cursor(self._of, self._stopped_at)

    def text(self, text: str) -> str:
        """The part of a text that is on this page."""
        begin = min(max(self._start - self._position, 0), len(text))
        end = begin if self._stopped_at is not None else begin + _fitting(text[begin:], self._left)
        if end < len(text) and self._stopped_at is None:
            self._stopped_at = self._position + end
        self._position += len(text)
        part = text[begin:end]
        if part:
            self._left -= size(part)
        return part

    def items(self, items: Iterable[T]) -> list[T]:
        """The items (JSON values) that are on this page."""
        return [item for item in items if self._admits(item)]

    def _admits(self, item: Any) -> bool:
        here = self._position
        self._position += 1
        if here < self._start or self._stopped_at is not None:
            return False
        weight = size(item) + 1
        if weight > self._left and self._left < self._whole:
            self._stopped_at = here
            return False
        self._left -= weight
        return True
