"""The real world as a gate's rules may see it."""

from __future__ import annotations

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
