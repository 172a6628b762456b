"""The self-test: real server processes, in scratch projects, led through everything that they can do."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from mcp_server.actions import ACTIONS
from mcp_server.cli.evidence import Honest, honest_evidence
from mcp_server.cli.rehearsal import Rehearsal
from mcp_server.cli.scenes import serving
from mcp_server.cli.wire import WireError

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
    """What came of it. ``actions`` says of each whether it did what it should; ``found_out`` counts lies that were."""

    at: datetime
    start_seconds: float
    actions: dict[str, bool]
    latencies: tuple[Latency, ...]
    shipped: dict[str, int]
    completed: dict[str, int]
    refusals: int
    found_out: int
    issues: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the product works on this machine."""
        return not self.issues


def run_selftest(workflows: Sequence[Honest] = ()) -> SelfTest:
    """Run it, with all workflows that ship unless they are named; nothing outside a temporary folder is touched."""
    at = datetime.now(UTC)
    workflows = workflows or honest_evidence()
    rehearsal = Rehearsal(workflows)
    made = tempfile.TemporaryDirectory(prefix="pos-workflow-selftest-", ignore_cleanup_errors=True)
    with made as scratch, tempfile.TemporaryFile() as log:
        start_seconds = _play(workflows, rehearsal, Path(scratch), log)
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
        found_out=rehearsal.found_out,
        issues=tuple(issues),
    )


def _play(workflows: Sequence[Honest], rehearsal: Rehearsal, folder: Path, log: IO[bytes]) -> float:
    """Play scene after scene, each on a server of its own; how long a server took to its first answer."""
    taken = [0.0]
    for honest in workflows:
        began = time.perf_counter()
        try:
            with serving(honest, folder, log, rehearsal.issues) as scene:
                taken.append(time.perf_counter() - began)
                if not rehearsal.play(scene):
                    break
        except WireError as error:
            taken.append(time.perf_counter() - began)
            rehearsal.issues.append(f"The server does not start: {error}.")
            break
    return max(taken)


def _latencies(rehearsal: Rehearsal) -> list[Latency]:
    return [
        Latency(action.name, len(taken), 1000 * statistics.median(taken), 1000 * max(taken))
        for action in ACTIONS
        if (taken := rehearsal.seconds.get(action.name))
    ]
