"""Patterns for paths, as git writes them: ``*`` and ``?`` and ``[a-z]`` within a name, ``**`` over any folders.

A pattern is carried down the tree name by name, as the set of its positions that the names so far allow. So one walk
serves many patterns, knows where nothing can match any more, and takes time in proportion to the names: a backtracking
expression from a project's own ignore file could hold the server for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

NameTest = Callable[[str], bool]
Positions = frozenset[int]

_SPECIAL: Final = frozenset("*?[\\")
_CLASSES: Final[dict[str, NameTest]] = {
    "alpha": str.isalpha,
    "digit": str.isdigit,
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": " \t".__contains__,
    "cntrl": lambda char: not char.isprintable(),
    "graph": lambda char: char.isprintable() and char != " ",
    "print": str.isprintable,
    "punct": lambda char: char.isprintable() and not char.isalnum() and char != " ",
    "xdigit": "0123456789abcdefABCDEF".__contains__,
}
"""The named classes of a bracket; they hold ASCII alone."""


class Wildcard:
    """One pattern, relative to the folder where it holds.

    ``positions`` are where it stands there; ``step`` goes down by one name; ``matches`` tells whether the pattern is
    at its end. No positions: nothing below can match. A trailing ``**`` is all that is inside.
    """

    def __init__(self, pattern: str) -> None:
        names = pattern.split("/")
        if names[-1] == "**":
            names.append("*")
        self._tests: list[NameTest | None] = [None if name == "**" else _name_test(name) for name in names]
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

    def matches_path(self, path: str) -> bool:
        """Whether a whole path is what the pattern means."""
        positions = self.positions
        for name in path.split("/"):
            positions = self.step(positions, name)
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


def _name_test(pattern: str) -> NameTest:
    """What tells whether one name is meant; the usual forms by the quickest means."""
    if not _SPECIAL.intersection(pattern):
        return pattern.__eq__
    if set(pattern) == {"*"}:
        return lambda _: True
    rest = pattern[1:]
    if pattern[0] == "*" and not _SPECIAL.intersection(rest):
        return lambda name: name.endswith(rest)
    parts = _parts(pattern)
    return lambda name: _fits(parts, name)


def _parts(pattern: str) -> list[NameTest | None] | None:
    """A test for each character, None for ``*``; None for a pattern that is broken and matches nothing."""
    parts: list[NameTest | None] = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            if not parts or parts[-1] is not None:
                parts.append(None)
        elif char == "?":
            parts.append(lambda _: True)
        elif char == "[":
            found = _bracket(pattern, index)
            if found is None:
                return None
            test, index = found
            parts.append(test)
        else:
            if char == "\\":
                if index == len(pattern):
                    return None
                char = pattern[index]
                index += 1
            parts.append(char.__eq__)
    return parts


def _bracket(pattern: str, index: int) -> tuple[NameTest, int] | None:
    """The test that begins after ``[``, and where it ends; None when it never does."""
    negated = pattern[index : index + 1] in ("!", "^")
    index += negated
    start = index
    ranges: list[tuple[str, str]] = []
    classes: list[NameTest] = []
    while index < len(pattern) and (pattern[index] != "]" or index == start):
        if pattern.startswith("[:", index) and (end := pattern.find(":]", index)) > 0:
            known = _CLASSES.get(pattern[index + 2 : end])
            if known is None:
                return None
            classes.append(known)
            index = end + 2
            continue
        low, index = _plain(pattern, index)
        high = low
        if pattern[index : index + 1] == "-" and pattern[index + 1 : index + 2] not in ("", "]"):
            high, index = _plain(pattern, index + 1)
        ranges.append((low, high))
    if index >= len(pattern):
        return None

    def test(char: str) -> bool:
        meant = any(low <= char <= high for low, high in ranges) or (
            char.isascii() and any(known(char) for known in classes)
        )
        return meant != negated

    return test, index + 1


def _plain(pattern: str, index: int) -> tuple[str, int]:
    """One character of a bracket, and where the next begins; ``\\`` takes the one after it as it is."""
    if pattern[index] == "\\" and index + 1 < len(pattern):
        index += 1
    return pattern[index], index + 1


def _fits(parts: list[NameTest | None] | None, name: str) -> bool:
    """Whether a name fits: when a character does not, the latest ``*`` takes one more, and only that one has to."""
    if parts is None:
        return False
    part = at = 0
    star = taken = -1
    while at < len(name):
        test = parts[part] if part < len(parts) else _never
        if test is None:
            star, taken = part, at
            part += 1
        elif test(name[at]):
            part += 1
            at += 1
        elif star >= 0:
            taken += 1
            part, at = star + 1, taken
        else:
            return False
    return all(test is None for test in parts[part:])


def _never(_: str) -> bool:
    return False
