"""Facts about a project's files, for checks that run nothing.

A link inside the project is followed as long as it ends inside. What lies outside is no fact: it is neither there nor
away. All of it is bounded in size, number and time.
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mcp_server.checks.probes import ProjectProbes
from mcp_server.checks.tree import Bounds, CutShortError, Tree

MAX_TEXT_BYTES: Final = 4 << 20
MAX_MATCHES: Final = 10_000


class ProjectFiles:
    """The files of one project. ``hidden`` are folders in it, as paths from its root, that no glob looks into.

    Every path is relative to the project's root. Where a method raises OSError the fact cannot be told, and its text
    says why without naming a place outside the project.
    """

    def __init__(self, project: Path, *, hidden: Iterable[str] = ()) -> None:
        self._project = project
        self._probes = ProjectProbes(project)
        self._tree = Tree(project, hidden=hidden, bounds=Bounds(seconds=10.0))

    def exists(self, path: str) -> bool:
        """Whether it is a file of the project."""
        return self._probes.file_exists(path)

    def absent(self, path: str) -> bool:
        """Whether nothing of this name is in the project: no file, no folder, and no link, wherever it leads.

        Raises OSError when that cannot be told.
        """
        self._confined(path)
        try:
            with _without_place():
                (self._project / path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        return False

    def size(self, path: str) -> int:
        """Its size in bytes. Raises OSError when it is no file of the project."""
        self._require(path)
        with _without_place():
            return (self._project / path).stat().st_size

    def contains(self, path: str, text: str) -> bool:
        """Whether a text is somewhere in it, letter by letter. Raises OSError when it is unreadable or large."""
        return text.encode("utf-8", "surrogatepass") in self._content(path)

    def matches(self, path: str, pattern: str) -> bool:
        """Whether a pattern is found in it, read as UTF-8.

        Raises OSError as ``contains`` does, TimeoutError (which is one) when half a second does not tell, and
        regex.error when it is no pattern.
        """
        return self._probes.matches(pattern, self._content(path).decode("utf-8", "replace"))

    def matching(self, glob: str) -> tuple[str, ...]:
        """The files, folders and links that a glob matches, in the order of their paths.

        Links are not followed, neither on the way nor at its end. Raises ValueError for a pattern that leaves the
        project. Raises OSError when it cannot be told: there are too many, a folder on the way cannot be read, or is a
        link and what it leads to would not be matched under its own name.
        """
        found: list[str] = []
        for entry in self._tree.matching(glob):
            if entry.kind == "unreadable":
                raise PermissionError(errno.EACCES, f"{entry.path} cannot be read")
            found.append(entry.path)
            if len(found) > MAX_MATCHES:
                raise CutShortError("files")
        return tuple(found)

    def _content(self, path: str) -> bytes:
        self._require(path)
        with _without_place():
            content = self._probes.read(path, MAX_TEXT_BYTES + 1)
        if len(content) > MAX_TEXT_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than the {MAX_TEXT_BYTES >> 20} MiB that are searched")
        return content

    def _require(self, path: str) -> None:
        if not self.exists(path):
            self._confined(path)
            raise FileNotFoundError(errno.ENOENT, "there is no such file in the project")

    def _confined(self, path: str) -> None:
        named = Path(path)
        if (
            not path.strip()
            or "\0" in path
            or named.is_absolute()
            or ".." in named.parts
            or not self._probes.inside(str(named.parent))
        ):
            raise PermissionError(errno.EPERM, "the path leads outside the project")


@contextmanager
def _without_place() -> Generator[None]:
    """Let an error say what is wrong and not where the project lies."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror) from None
