"""Patterns for paths, as git writes them: ``*`` and ``?`` and ``[a-z]`` within a name, ``**`` over any folders.

A pattern is carried down the tree name by name, as the set of its positions that the names so far allow. So one walk
serves many patterns, knows where nothing can match any more, and takes time in proportion to the names: an
expression that goes back and forth, from a line in a project's own ignore file, could hold the server for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

NameTest = Callable[[str], object]
"""True in the sense of an ``if`` for a name that is meant."""
Positions = frozenset[int]

_SPECIAL: Final = frozenset("*?[\\")
_CLASSES: Final = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r" \t\n\r\f\v",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "graph": "!-~",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9a-fA-F",
}
"""The named classes of a bracket."""


class Wildcard:
    """One pattern, relative to the folder where it holds.

    ``positions`` are where it stands there; ``step`` goes down by one name; ``matches`` tells whether the pattern is
    at its end. No positions: nothing below can match. A trailing ``**`` is all that is inside.
    """

    def __init__(self, pattern: str) -> None:
        names = pattern.split("/")
        if names[-1] == "**":
            names.append("*")
        self._tests: list[NameTest | None] = [None if name == "**" else name_test(name) for name in names]
        self.positions = self._beyond({0})

    def step(self, positions: Positions, name: str) -> Positions:
        """The positions after one more name."""
        reached: set[int] = set()
        for position in positions:
            if position == len(self._tests):
                continue
            test = self._tests[position]
            if test is None:
                reached.add(position)
            elif test(name):
                reached.add(position + 1)
        return self._beyond(reached)

    def matches(self, positions: Positions) -> bool:
        """Whether the names so far are what the pattern means."""
        return len(self._tests) in positions

    def leads(self, positions: Positions) -> Positions:
        """Those of the positions from which something below can match."""
        return positions - {len(self._tests)}

    def matches_path(self, path: str) -> bool:
        """Whether a whole path is what the pattern means."""
        names = path.split("/")
        # Most paths fail at their own name already.
        last = self._tests[-1]
        if last is not None and not last(names[-1]):
            return False
        positions = self.positions
        for name in names:
            positions = self.step(positions, name)
            if not positions:
                return False
        return self.matches(positions)

    def _beyond(self, positions: set[int]) -> Positions:
        """With each position of a ``**`` the one after it, since it may stand for no folder at all."""
        reached = set(positions)
        for position in positions:
            after = position
            while after < len(self._tests) and self._tests[after] is None:
                after += 1
                reached.add(after)
        return frozenset(reached)


def name_test(pattern: str) -> NameTest:
    """What tells whether one name is meant; the usual forms by the quickest means."""
    if not _SPECIAL.intersection(pattern):
        return pattern.__eq__
    rest = pattern[1:]
    if pattern[0] == "*" and not _SPECIAL.intersection(rest):
        return lambda name: name.endswith(rest)
    expression = _expression(pattern)
    return re.compile(expression, re.DOTALL).fullmatch if expression is not None else _never


def _expression(pattern: str) -> str | None:
    """A regular expression for a name that never goes back beyond the latest ``*``; None for a broken pattern.

    What stands between two ``*`` may be taken where it comes first, for good: that leaves most for what follows.
    """
    pieces = [""]
    index = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            pieces.append("")
        elif char == "?":
            pieces[-1] += "."
        elif char == "[":
            found = _bracket(pattern, index)
            if found is None:
                return None
            piece, index = found
            pieces[-1] += piece
        else:
            if char == "\\":
                if index == len(pattern):
                    return None
                char = pattern[index]
                index += 1
            pieces[-1] += re.escape(char)
    if len(pieces) == 1:
        return pieces[0]
    first, *between, last = pieces
    return first + "".join(f"(?>.*?{piece})" for piece in between if piece) + ".*" + last


def _bracket(pattern: str, index: int) -> tuple[str, int] | None:
    """The expression for what begins after ``[``, and where it ends; None when it never does."""
    negated = pattern[index : index + 1] in ("!", "^")
    index += negated
    start = index
    meant = ""
    while index < len(pattern) and (pattern[index] != "]" or index == start):
        if pattern.startswith("[:", index) and (end := pattern.find(":]", index)) > 0:
            known = _CLASSES.get(pattern[index + 2 : end])
            if known is None:
                return None
            meant += known
            index = end + 2
            continue
        low, index = _plain(pattern, index)
        high = low
        if pattern[index : index + 1] == "-" and pattern[index + 1 : index + 2] not in ("", "]"):
            high, index = _plain(pattern, index + 1)
        if low <= high:
            meant += f"{re.escape(low)}-{re.escape(high)}"
    if index >= len(pattern):
        return None
    if not meant:
        return "." if negated else "(?!)", index + 1
    return f"[{'^' * negated}{meant}]", index + 1


def _plain(pattern: str, index: int) -> tuple[str, int]:
    """One character of a bracket, and where the next begins; ``\\`` takes the one after it as it is."""
    if pattern[index] == "\\" and index + 1 < len(pattern):
        index += 1
    return pattern[index], index + 1


def _never(_: str) -> bool:
    return False
