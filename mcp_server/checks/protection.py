"""Files that a phase must leave alone: their digests when it is entered, and what has become of them since."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from mcp_server.checks.content import Changes, compare, file_digests
from mcp_server.checks.views import Globs

NAMES_SHOWN: Final = 10
_NAME_CHARACTERS: Final = 200


def digests_of(project: Path, globs: Collection[str], hidden: Collection[str]) -> dict[str, str]:
    """The digest of each file that the globs name, ignored or not, less what Python caches in ``__pycache__``.

    Raises OSError when they cannot all be told, ValueError for a pattern that leaves the project.
    """
    found = file_digests(project, globs, hidden=hidden)
    return {printable(path): digest for path, digest in found.items() if not _is_cache(path)}


def changes(baseline: Mapping[str, str], now: Mapping[str, str], globs: Collection[str]) -> Changes:
    """What has become of the files that the globs name; the baseline may hold others too."""
    patterns = Globs(globs)
    return compare({path: digest for path, digest in baseline.items() if _named(patterns, path)}, now)


def told(found: Changes) -> str:
    """The changes in words, the first names of each."""
    kinds = (("changed", found.changed), ("added", found.added), ("removed", found.removed))
    return "; ".join(f"{kind}: {listed(names)}" for kind, names in kinds if names)


def listed(names: Collection[str]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(name[:_NAME_CHARACTERS] for name in list(names)[:NAMES_SHOWN])
    return f"{shown} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown


def printable(text: str) -> str:
    """A name as a record can hold it: names of files need not be valid text."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _is_cache(path: str) -> bool:
    names = path.split("/")
    return len(names) > 1 and names[-2] == "__pycache__" and names[-1].endswith(".pyc")


def _named(globs: Globs, path: str) -> bool:
    where = globs.start
    end = -1
    while end < len(path):
        end = path.find("/", end + 1)
        end = len(path) if end < 0 else end
        matched, where = globs.step(where, path[:end])
        if matched:
            return True
    return False
