"""Files that a phase must leave alone: their digests when it is entered, and what has become of them since."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from mcp_server.checks.arguments import literal
from mcp_server.checks.content import Changes, compare, file_digests
from mcp_server.checks.views import Globs
from mcp_server.domain.checking import PROTECTED_PATHS, CheckPlan
from mcp_server.domain.results import CheckResult

NAMES_SHOWN: Final = 10
NO_BASELINE: Final = "what has to stay as it is was not, or could not be, recorded when the phase was entered"
_NAME_CHARACTERS: Final = 200


class Protection:
    """The files of one project. ``hidden`` are folders in it, as paths from its root, that are never looked at."""

    def __init__(self, project: Path, hidden: Collection[str]) -> None:
        self._project = project
        self._hidden = hidden

    def digests(self, globs: Iterable[str]) -> dict[str, str]:
        """The digest of each file that the globs name, ignored or not, less what Python caches in ``__pycache__``.

        Raises OSError when they cannot all be told, also for a glob that leaves the project.
        """
        try:
            found = file_digests(self._project, tuple(globs), hidden=self._hidden)
        except ValueError as error:
            raise OSError(str(error)) from None
        return {printable(path): digest for path, digest in found.items() if not _is_cache(path)}

    def look(self, plan: CheckPlan) -> Mapping[str, str] | str:
        """The digests of a plan's protected files as they are now, or why they cannot be told."""
        if plan.baseline is None:
            return NO_BASELINE
        try:
            return self.digests(plan.protected_paths)
        except OSError as error:
            return f"the protected files cannot all be told: {error.strerror or error}"

    def result(self, plan: CheckPlan, before: Mapping[str, str] | str) -> CheckResult:
        """Whether they are as they were: when the programs began, as ``look`` told ``before``, and now."""
        started = time.monotonic()
        after = self.look(plan)
        if plan.baseline is None or isinstance(before, str) or isinstance(after, str):
            problem = before if isinstance(before, str) else str(after)
            return CheckResult(id=PROTECTED_PATHS, status="blocked", problem=problem)
        until = _told(_changes(plan.baseline, before, plan.protected_paths))
        meanwhile = _told(compare(before, after))
        problems = [until] if until else []
        problems += [f"while the checks ran, {meanwhile}"] if meanwhile else []
        return CheckResult(
            id=PROTECTED_PATHS,
            status="failed" if problems else "passed",
            problem="; ".join(problems) or None,
            duration_seconds=round(time.monotonic() - started, 3),
            value=not problems,
        )

    def changed(self, path: str, baseline: Mapping[str, str]) -> str | None:
        """What has become of one file since the phase was entered; None when nothing has.

        Raises OSError when that cannot be told.
        """
        name = PurePosixPath(path).as_posix()
        known = printable(name)
        before, now = baseline.get(known), self.digests([literal(name)]).get(known)
        if before is None:
            return "it was no file of the project when the phase was entered"
        if before.startswith("link"):
            return "it was a link when the phase was entered, so what it led to is not known"
        if now is None:
            return "it has been removed since the phase was entered"
        return None if now == before else "it has changed since the phase was entered"


def listed(names: Collection[str]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(name[:_NAME_CHARACTERS] for name in list(names)[:NAMES_SHOWN])
    return f"{shown} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown


def printable(text: str) -> str:
    """A name as a record can hold it: names of files need not be valid text."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _changes(baseline: Mapping[str, str], now: Mapping[str, str], globs: Collection[str]) -> Changes:
    """What has become of the files that the globs name; the baseline may hold others too."""
    patterns = Globs(globs)
    return compare({path: digest for path, digest in baseline.items() if _is_named(patterns, path)}, now)


def _told(found: Changes) -> str:
    kinds = (("changed", found.changed), ("added", found.added), ("removed", found.removed))
    return "; ".join(f"{kind}: {listed(names)}" for kind, names in kinds if names)


def _is_cache(path: str) -> bool:
    names = path.split("/")
    return len(names) > 1 and names[-2] == "__pycache__" and names[-1].endswith(".pyc")


def _is_named(globs: Globs, path: str) -> bool:
    """Whether a glob matches a path, or a folder on the way to it."""
    where, end = globs.start, -1
    while end < len(path):
        slash = path.find("/", end + 1)
        end = len(path) if slash < 0 else slash
        matched, where = globs.step(where, path[:end])
        if matched:
            return True
    return False
