"""What came of an attempt's checks, as the session's log keeps it for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from mcp_server.domain.authority import Authority
from mcp_server.domain.frozen import Frozen, Stored

CheckStatus = Literal["passed", "failed", "blocked"]
"""``blocked``: it could not be carried out (not trusted, no such program), which is never a pass."""


class Run(Frozen):
    """One program that was run for a check.

    ``match`` is the file that ``for_each`` found. Of the output, ``tail`` is the end, ``sha256`` and ``bytes`` are of
    all of it; durations are seconds. ``tries`` counts how often it was run, the last one is told.
    """

    argv: tuple[str, ...]
    match: str | None = None
    status: CheckStatus
    problem: str | None = None
    exit_code: int | None = None
    duration_seconds: float = 0.0
    tries: int = 1
    stdout: str = ""
    stderr: str = ""
    stdout_sha256: str = ""
    stderr_sha256: str = ""
    stdout_bytes: int = 0
    stderr_bytes: int = 0


class CheckResult(Frozen):
    """What one check came to. ``value`` is what it read, for evidence that comes from a check."""

    id: str
    description: str = ""
    status: CheckStatus
    problem: str | None = None
    duration_seconds: float = 0.0
    value: JsonValue = None
    runs: tuple[Run, ...] = ()


class CheckSummary(Frozen):
    """A check's result in the session's log; the whole of it is in the attempt's ``CheckReport``."""

    id: str
    status: CheckStatus
    problem: str | None = None
    exit_code: int | None = None
    duration_seconds: float = 0.0


class Content(Frozen):
    """A digest of the project's files that a verdict depends on.

    ``partial`` when the bounds of size and time cut it short: then it covers ``files`` files and no more.
    """

    inputs: tuple[str, ...] = ()
    digest: str
    files: int
    partial: bool = False


class Checked(Frozen):
    """What the server saw for itself in one attempt: the checks in the gate's order, ``details`` in full as a blob."""

    checks: tuple[CheckSummary, ...] = ()
    contents: tuple[Content, ...] = ()
    details: Stored | None = None
    duration_seconds: float = 0.0


class Decision(Frozen):
    """What a person decided about an attempt, when, through which channel, and how it is known who they are."""

    at: datetime
    authority: Authority
    note: str | None = None
