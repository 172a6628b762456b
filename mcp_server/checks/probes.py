"""The real world as a gate's rules may see it."""

from __future__ import annotations

import errno
from pathlib import Path

import regex

MATCH_SECONDS = 0.5


class ProjectProbes:
    """The files of one project, and patterns with a time bound."""

    def __init__(self, project_root: Path) -> None:
        self._root = project_root

    def file_exists(self, path: str) -> bool:
        """Whether ``path`` is a file of the project; false for what is absolute, climbs up or leads out by a link."""
        named = Path(path)
        if not path.strip() or named.is_absolute() or ".." in named.parts:
            return False
        try:
            root = self._root.resolve(strict=True)
            found = (root / named).resolve(strict=True)
            return found.is_relative_to(root) and found.is_file()
        except (OSError, ValueError, RuntimeError):
            return False

    def read(self, path: str, limit: int) -> bytes:
        """Up to ``limit`` bytes of a file of the project.

        Raises OSError for what is absolute, leads out of the project, or is no regular file.
        """
        if Path(path).is_absolute():
            raise PermissionError(errno.EPERM, "the path is not relative to the project's root")
        try:
            root = self._root.resolve(strict=True)
            found = (root / path).resolve()
        except (ValueError, RuntimeError):
            raise FileNotFoundError(errno.ENOENT, "the path cannot be followed") from None
        if not found.is_relative_to(root):
            raise PermissionError(errno.EPERM, "the path leads outside the project (directory traversal)")
        if found.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not found.is_file():
            raise FileNotFoundError(errno.ENOENT, "there is no such file")
        with found.open("rb") as stream:
            return stream.read(limit)

    def inside(self, path: str) -> bool:
        """Whether a relative path, which need not be there, stays inside the project when its links are followed."""
        try:
            root = self._root.resolve(strict=True)
            return (root / path).resolve().is_relative_to(root)
        except (OSError, ValueError, RuntimeError):
            return False

    def matches(self, pattern: str, text: str) -> bool:
        """Whether ``pattern`` is found in ``text``.

        Raises TimeoutError when half a second does not tell, and regex.error when it is no pattern.
        """
        return regex.search(pattern, text, timeout=MATCH_SECONDS) is not None
