"""The files of a project in one fixed order: those that its ignore files leave in, or those that globs name.

The order is that of the whole paths by their bytes, so that a bound cuts an unchanged project always at the same
place. Links are told and never followed; what version control keeps for itself, and the state of this program, is
never looked at.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, Literal

from mcp_server.checks.ignoring import MAX_BYTES, IgnoreFile
from mcp_server.checks.views import Globs, Kind, LinkInTheWayError, Matching, Named, State, Unignored, View

Limit = Literal["entries", "files", "bytes", "seconds"]

VERSION_CONTROL: Final = frozenset({".git", ".hg", ".svn", ".jj"})


class CutShortError(OSError):
    """A bound was reached before all was seen. ``limit`` is which."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(f"there is more than the bound of {limit} allows")
        self.limit: Limit = limit


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a project is looked at."""

    entries: int = 500_000
    """Names that are met, whether they are wanted or not."""
    files: int = 50_000
    bytes: int = 1 << 30
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the project, by its path from the root with slashes."""

    path: str
    kind: Kind


class Tree:
    """One project. ``hidden`` are folders in it, as paths from its root, that are never looked at.

    What its methods give raises CutShortError, where a bound is reached.
    """

    def __init__(self, project: Path, *, hidden: Iterable[str] = (), bounds: Bounds | None = None) -> None:
        self._project = project
        self._hidden = frozenset(PurePath(path).as_posix() for path in hidden)
        self._bounds = bounds or Bounds()

    def unignored(self, outputs: Iterable[str] = ()) -> Iterator[Entry]:
        """What the ignore files leave in, less ``outputs``; folders are not told.

        Raises ValueError, as the others do, for a pattern that leaves the project.
        """
        return self._walk(Unignored(self._ignore_file, Globs(outputs)))

    def named(self, globs: Iterable[str], outputs: Iterable[str] = ()) -> Iterator[Entry]:
        """What the globs name, ignored or not, less ``outputs``; folders are not told, but all that is in them.

        A link is told also where a glob would have to go through it.
        """
        return self._walk(Named(Globs(globs), Globs(outputs)))

    def matching(self, glob: str) -> Iterator[Entry]:
        """What the glob itself matches, folders too, but not what is in them.

        Raises LinkInTheWayError where a link to a folder hides what the glob would match.
        """
        return self._walk(Matching(Globs([glob]), self._behind))

    def _behind(self, link: str) -> tuple[str, ...] | None:
        """The names from the root to the folder that a link leads to; None when it leads to no folder."""
        try:
            root = self._project.resolve(strict=True)
            target = Path(os.path.realpath(root / link, strict=True))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise LinkInTheWayError(link) from None
        if not target.is_dir():
            return None
        if not target.is_relative_to(root):
            raise LinkInTheWayError(link)
        inside = target.relative_to(root)
        passed_over = any(one.as_posix() in self._hidden for one in (inside, *inside.parents))
        if passed_over or not VERSION_CONTROL.isdisjoint(inside.parts):
            raise LinkInTheWayError(link)
        return inside.parts

    def _walk(self, view: View[State]) -> Iterator[Entry]:
        deadline = time.monotonic() + self._bounds.seconds
        left = self._bounds.entries
        waiting = [("", view.start, iter(self._listing("", left)))]
        while waiting:
            prefix, state, names = waiting[-1]
            name, kind = next(names, (None, "special"))
            if name is None:
                waiting.pop()
                continue
            left -= 1
            if left < 0:
                raise CutShortError("entries")
            if time.monotonic() > deadline:
                raise CutShortError("seconds")
            path = prefix + name
            if name in VERSION_CONTROL or path in self._hidden:
                continue
            told, below = view.look(state, path, kind)
            if told:
                yield Entry(path, kind)
            if kind != "folder" or below is None:
                continue
            try:
                waiting.append((f"{path}/", below, iter(self._listing(path, left))))
            except CutShortError:
                raise
            except OSError:
                yield Entry(path, "unreadable")

    def _listing(self, folder: str, most: int) -> list[tuple[str, Kind]]:
        """The names in a folder, in the order of the whole paths: a folder counts as its name with a slash."""
        found: list[tuple[bytes, str, Kind]] = []
        with os.scandir(self._project / folder) as entries:
            for entry in entries:
                kind = _kind(entry)
                found.append((os.fsencode(entry.name) + b"/" * (kind == "folder"), entry.name, kind))
                if len(found) > most:
                    raise CutShortError("entries")
        return [(name, kind) for _, name, kind in sorted(found)]

    def _ignore_file(self, path: str) -> IgnoreFile | None:
        """The rules of an ignore file. A link is none, as with git; one that is too long holds as far as it is read."""
        try:
            fd = os.open(self._project / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(fd, "rb") as stream:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            return IgnoreFile(stream.read(MAX_BYTES))


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_symlink():
            return "link"
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        return "file" if entry.is_file(follow_symlinks=False) else "special"
    except OSError:
        return "unreadable"
