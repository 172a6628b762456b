"""Which names of a project a walk tells and where it goes down: what ignore files leave in, or what globs name."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from typing import Literal, Protocol, TypeVar

from mcp_server.checks.ignoring import IgnoreFile, ignored
from mcp_server.checks.wildcards import Positions, Wildcard

Kind = Literal["file", "folder", "link", "special", "unreadable"]
State = TypeVar("State")

Where = tuple[Positions, ...]
"""Where each of several patterns stands in one folder."""
Rules = tuple[tuple[str, IgnoreFile], ...]
"""The ignore files that hold in one folder, the nearest first, each with the prefix of its own folder."""


Scope = tuple[Where | None, Where]
"""Where globs and outputs stand; None: the globs have matched a folder above."""


class LinkInTheWayError(OSError):
    """A pattern would have to go through a link to a folder whose content is not looked at otherwise."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ELOOP, f"{path} is a link to a folder, and patterns go through no link")


class View(Protocol[State]):
    """Decides on one name after the other. The state is what has to be known of a folder to decide in it."""

    @property
    def start(self) -> State:
        """The state of the root."""
        ...

    def look(self, state: State, path: str, kind: Kind) -> tuple[bool, State | None]:
        """Whether the name is told, and the state below it; None: nothing there is of interest."""
        ...


class Globs:
    """Patterns from the project's root.

    Raises ValueError for a pattern that is empty or leaves the project.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._wildcards = [Wildcard(_inside(pattern)) for pattern in patterns]
        self.start: Where = tuple(wildcard.positions for wildcard in self._wildcards)

    def step(self, where: Where, path: str) -> tuple[bool, Where]:
        """Whether the last name of a path ends a pattern, and where the patterns stand below it."""
        name = path.rpartition("/")[2]
        below = tuple(one.step(positions, name) for one, positions in zip(self._wildcards, where, strict=True))
        return any(map(Wildcard.matches, self._wildcards, below)), below

    def leads(self, where: Where) -> Where:
        """Where the patterns stand, as far as something below can match."""
        return tuple(map(Wildcard.leads, self._wildcards, where))

    def covers(self, names: Iterable[str], where: Where) -> bool:
        """Whether the patterns match in the folder of these names all that they would match below ``where``."""
        there = self.start
        for name in names:
            there = self.step(there, name)[1]
        return all(one <= other for one, other in zip(self.leads(where), there, strict=True))


class Matching:
    """What the globs themselves match.

    ``behind`` gives the names from the root to the folder that a link leads to, or None when it leads to no folder. It
    raises LinkInTheWayError for a folder that is not looked at.
    """

    def __init__(self, globs: Globs, behind: Callable[[str], Iterable[str] | None]) -> None:
        self._globs = globs
        self._behind = behind
        self.start = globs.start

    def look(self, state: Where, path: str, kind: Kind) -> tuple[bool, Where | None]:
        """Any kind of thing that a glob matches; below it others may match.

        Raises LinkInTheWayError for a link that hides from the globs what they would match.
        """
        matched, below = self._globs.step(state, path)
        if not any(self._globs.leads(below)):
            return matched, None
        if kind == "link":
            names = self._behind(path)
            if names is not None and not self._globs.covers(names, below):
                raise LinkInTheWayError(path)
        return matched, below


class Named:
    """What the globs match and what is in the folders that they match, less ``outputs``."""

    def __init__(self, globs: Globs, outputs: Globs) -> None:
        self._globs = globs
        self._outputs = outputs
        self.start: Scope = (globs.start, outputs.start)

    def look(self, state: Scope, path: str, kind: Kind) -> tuple[bool, Scope | None]:
        """No folder is told, but what is in it; a link also where a glob would have to go through it."""
        where, outputs = state
        written, outputs = self._outputs.step(outputs, path)
        if written:
            return False, None
        matched, below = (True, None) if where is None else self._globs.step(where, path)
        leads = below is not None and any(below)
        if kind == "folder":
            return False, (None if matched else below, outputs) if matched or leads else None
        return matched or (kind == "link" and leads), None


class Unignored:
    """What the ignore files leave in, less ``outputs``. ``read`` gives an ignore file by its path, if it is there."""

    def __init__(self, read: Callable[[str], IgnoreFile | None], outputs: Globs) -> None:
        self._read = read
        self._outputs = outputs
        shared = read(".git/info/exclude")
        self.start = (self._with_own((("", shared),) if shared else (), ""), outputs.start)

    def look(self, state: tuple[Rules, Where], path: str, kind: Kind) -> tuple[bool, tuple[Rules, Where] | None]:
        """No folder is told, but what is in it."""
        files, outputs = state
        written, outputs = self._outputs.step(outputs, path)
        if written or ignored(files, path, folder=kind == "folder"):
            return False, None
        if kind != "folder":
            return True, None
        return False, (self._with_own(files, f"{path}/"), outputs)

    def _with_own(self, files: Rules, prefix: str) -> Rules:
        own = self._read(f"{prefix}.gitignore")
        return ((prefix, own), *files) if own else files


def _inside(pattern: str) -> str:
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    if not names or pattern.startswith("/") or ".." in names or "\0" in pattern:
        raise ValueError(f"'{pattern[:100]}' is no pattern of paths inside the project")
    return "/".join(names)
