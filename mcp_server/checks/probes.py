"""The real world as a gate's rules may see it."""

from __future__ import annotations

from pathlib import Path


class ProjectProbes:
    """Files of one project, and patterns with a time bound."""

    def __init__(self, project_root: Path) -> None:
        self._root = project_root

    def file_exists(self, path: str) -> bool:
        """Whether ``path`` is there; false for what is absolute, climbs out or leads out by a link."""
        raise NotImplementedError

    def matches(self, pattern: str, text: str) -> bool:
        """Whether ``pattern`` is found in ``text``; TimeoutError when half a second does not tell."""
        raise NotImplementedError
