"""The self-test: a real server process, in a scratch project, led through everything that it can do."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mcp_server.actions import ACTIONS
from mcp_server.cli.evidence import honest_evidence
from mcp_server.cli.rehearsal import Rehearsal
from mcp_server.cli.wire import Wire, WireError

DISCOVERY_LIMIT_MS: Final = 100
LIMIT_MS: Final = 500
DISCOVERY: Final = ("list_workflows",)


@dataclass(frozen=True)
class Latency:
    """How long an action took, in milliseconds, from the client's side of the pipes."""

    action: str
    calls: int
    p50: float
    max: float

    @property
    def limit(self) -> int:
        """What it may take."""
        return DISCOVERY_LIMIT_MS if self.action in DISCOVERY else LIMIT_MS


@dataclass(frozen=True)
class SelfTest:
    """What came of it. ``actions`` says of each whether it did what it should."""

    at: datetime
    start_seconds: float
    actions: dict[str, bool]
    latencies: tuple[Latency, ...]
    shipped: dict[str, int]
    completed: dict[str, int]
    refusals: int
    issues: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the product works on this machine."""
        return not self.issues


def run_selftest() -> SelfTest:
    """Run it; nothing outside a temporary folder is touched."""
    at = datetime.now(UTC)
    workflows = honest_evidence()
    with tempfile.TemporaryDirectory(prefix="pos-workflow-selftest-") as scratch, tempfile.TemporaryFile() as log:
        project, user = Path(scratch) / "project", Path(scratch) / "user"
        for honest in workflows:
            honest.write_files(project)
        began = time.perf_counter()
        wire = Wire(["--project", str(project), "--user-dir", str(user), "--log-level", "warning"], project, log)
        rehearsal = Rehearsal(wire.call)
        try:
            wire.initialize()
            start_seconds = time.perf_counter() - began
            rehearsal.run(workflows)
        except WireError as error:
            start_seconds = time.perf_counter() - began
            rehearsal.issues.append(f"The server does not start: {error}.")
        code = wire.close()
        if code != 0:
            rehearsal.issues.append(f"The server ended with exit code {code} instead of 0.")
        if rehearsal.issues:
            log.seek(0)
            rehearsal.issues += [
                f"The server logged: {line}" for line in log.read().decode(errors="replace").splitlines()
            ]
    latencies = tuple(_latencies(rehearsal))
    slow = [one for one in latencies if one.p50 > one.limit]
    issues = [*rehearsal.issues, *(f"{one.action} takes {one.p50:.0f} ms, more than {one.limit} ms." for one in slow)]
    return SelfTest(
        at=at,
        start_seconds=start_seconds,
        actions={one.name: one.name in rehearsal.succeeded - rehearsal.failed for one in ACTIONS},
        latencies=latencies,
        shipped={honest.workflow: len(honest.evidence) for honest in workflows},
        completed=rehearsal.completed,
        refusals=rehearsal.refusals,
        issues=tuple(issues),
    )


def _latencies(rehearsal: Rehearsal) -> list[Latency]:
    return [
        Latency(action.name, len(taken), 1000 * statistics.median(taken), 1000 * max(taken))
        for action in ACTIONS
        if (taken := rehearsal.seconds.get(action.name))
    ]
