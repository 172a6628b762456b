"""What a unified diff says: the files that it changes, and their lines afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

NAMED = re.compile(r'diff --git ("?)a/(.*)\1 \1b/\2\1')
BINARY = re.compile(r"Binary files (.*) and (.*) differ")
HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
NOWHERE = "/dev/null"


@dataclass
class Change:
    """One file: what it is called afterwards, whether it is gone, and the lines of each hunk by where they begin."""

    path: str
    is_gone: bool = False
    hunks: list[tuple[int, list[str]]] = field(default_factory=list[tuple[int, list[str]]])


class PatchError(ValueError):
    """The text is no patch that can be reviewed."""


def read_patch(text: str) -> dict[str, Change]:
    """The changes of a unified diff, as git or diff writes it, by path. PatchError for anything else."""
    changes: dict[str, Change] = {}
    lines = iter(text.split("\n"))
    old, change = "", None
    for line in lines:
        if named := NAMED.fullmatch(line):
            quote, path = named.groups()
            change = _of(changes, f"{quote}{path}{quote}")
        elif line.startswith(("rename to ", "copy to ")):
            change = _of(changes, line.partition(" to ")[2])
        elif line.startswith("--- "):
            old = line[4:]
        elif line.startswith("+++ "):
            change = _file(changes, old, line[4:])
        elif binary := BINARY.fullmatch(line):
            change = _file(changes, *binary.groups())
        elif change and line.startswith("deleted file mode "):
            change.is_gone = True
        elif change and (hunk := HUNK.match(line)):
            change.hunks.append(_hunk(hunk, lines, change.path))
    if not changes:
        raise PatchError("it changes no file; write it with git diff")
    return changes


def _hunk(head: re.Match[str], lines: Iterator[str], path: str) -> tuple[int, list[str]]:
    before, start, after = (1 if number is None else int(number) for number in head.groups())
    found: list[str] = []
    while before > 0 or after > 0:
        line = next(lines, "cut short")
        kind = line[:1] or " "
        if kind not in " +-\\":
            raise PatchError(f"a hunk of {path} is cut short")
        before -= kind in " -"
        after -= kind in " +"
        if kind in " +":
            found.append(line[1:].rstrip("\r"))
    return start, found


def _file(changes: dict[str, Change], old: str, new: str) -> Change:
    before, after = (_name(one.split("\t")[0]) for one in (old, new))
    prefixed = all(path == NOWHERE or path.startswith(prefix) for path, prefix in ((before, "a/"), (after, "b/")))
    is_gone = after == NOWHERE
    path = before if is_gone else after
    change = _of(changes, path[2:] if prefixed else path)
    change.is_gone = is_gone
    return change


def _of(changes: dict[str, Change], path: str) -> Change:
    named = PurePosixPath(_name(path))
    if named.is_absolute() or ".." in named.parts or not named.parts:
        raise PatchError(f"{path!r} is no path of the project")
    return changes.setdefault(str(named), Change(str(named)))


def _name(written: str) -> str:
    """A path as git writes it: quoted where it is not plain."""
    if not (len(written) > 1 and written[0] == written[-1] == '"'):
        return written
    return written[1:-1].encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape")
