"""The limits in milliseconds and sessions that the server has to keep on any machine that people work on."""

from __future__ import annotations

import statistics
from typing import Final

from benchmarks.calls import WORKFLOW
from benchmarks.changing import EVIDENCE
from benchmarks.client import Client
from benchmarks.figures import Figure, Setting
from benchmarks.load import driven, life
from tests.support import Home

CONCURRENT: Final = 100
LISTED: Final = 100


def figures(setting: Setting) -> list[Figure]:
    """A row for each. What is timed are the first calls of a server, which has everything still to read."""
    concurrent, listed = setting.count(CONCURRENT), setting.count(LISTED)
    with setting.home() as home:
        with Client.of(home) as server:
            ran = driven([server], [life(number) for number in range(max(concurrent, listed))], concurrent)
        first = [_first_calls(home) for _ in range(setting.count(5))]
    discovery, start, complete, listing = (statistics.median(taken) for taken in zip(*first, strict=True))
    return [
        _at_most("list_workflows, first call of a server", discovery, 100),
        _at_most("start, first call of a server", start, 500),
        _at_most("complete_phase, first of a server", complete, 500),
        _at_most(f"list_sessions, {listed} sessions, first of a server", listing, 200),
        Figure(
            f"sessions at once, no error in {len(ran.calls):,} calls",
            concurrent,
            "",
            goal=f"≥ {concurrent}",
            bound=concurrent,
            at_least=True,
        ),
    ]


def _first_calls(home: Home) -> tuple[float, float, float, float]:
    with Client.of(home) as server:
        discovery, _ = server.timed(action="list_workflows")
    with Client.of(home) as server:
        start, started = server.timed(action="start", workflow_type=WORKFLOW, target_file="first.py")
        about = {"session_id": started["session_id"], "phase": 1, "evidence": EVIDENCE}
        complete, _ = server.timed(action="complete_phase", **about)
    with Client.of(home) as server:
        listing, _ = server.timed(action="list_sessions", limit=100)
    return discovery, start, complete, listing


def _at_most(name: str, value: float, bound: float) -> Figure:
    return Figure(name, value, "ms", goal=f"< {bound:g} ms", bound=bound)
