"""What the ignore files of a project leave out: ``.git/info/exclude``, and ``.gitignore`` in every folder.

The rules are git's, with one difference: what git already tracks is left out too, since nobody asks git. A person's
own ignore file outside the project does not count either, so that all who look see the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from mcp_server.checks.wildcards import Wildcard, name_test

MAX_BYTES: Final = 262144
"""How much of one ignore file is read."""


class _Rule:
    """One line of an ignore file."""

    def __init__(self, line: str) -> None:
        self.ignores = not line.startswith("!")
        pattern = line.removeprefix("!")
        self.folders_only = pattern.endswith("/")
        pattern = pattern.removesuffix("/")
        self.by_name = "/" not in pattern
        self.means = name_test(pattern) if self.by_name else Wildcard(pattern.removeprefix("/")).matches_path


class IgnoreFile:
    """The rules of one file, for all that is below its folder."""

    def __init__(self, content: bytes) -> None:
        # A character is a byte to git.
        lines = content.removeprefix(b"\xef\xbb\xbf").decode("latin-1").split("\n")
        self._rules = [_Rule(line) for raw in lines if (line := _without_blanks(raw)) and not line.startswith("#")]
        self._rules.reverse()

    def decides(self, path: str, *, folder: bool) -> bool | None:
        """Whether a path, relative to the file's folder, is left out; None when no rule speaks of it."""
        path = os.fsencode(path).decode("latin-1")
        name = path.rpartition("/")[2]
        for rule in self._rules:
            if rule.folders_only and not folder:
                continue
            if rule.means(name if rule.by_name else path):
                return rule.ignores
        return None


def ignored(files: Iterable[tuple[str, IgnoreFile]], path: str, *, folder: bool) -> bool:
    """Whether a path is left out by ignore files, the nearest first, each with the prefix of its folder.

    Its parents are not asked: what is below a folder that is left out is never looked at.
    """
    for prefix, rules in files:
        decision = rules.decides(path[len(prefix) :], folder=folder)
        if decision is not None:
            return decision
    return False


def _without_blanks(line: str) -> str:
    """Without the line's end and the blanks before it, but for one that a backslash keeps."""
    line = line.removesuffix("\r")
    end = len(line)
    while end and line[end - 1] == " ":
        if end > 1 and line[end - 2] == "\\":
            break
        end -= 1
    return line[:end]
