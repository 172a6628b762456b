"""Calls that change a session, beside a call that does nothing and what the disk asks for the bytes that they write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import floors
from benchmarks.calls import WORKFLOW
from benchmarks.client import Client
from benchmarks.figures import Figure, Setting, in_turn
from tests.shipped_evidence import HONEST, TARGET
from tests.support import Home

EVIDENCE = HONEST[WORKFLOW][1]
STEPS: dict[str, dict[str, Any]] = {
    "start": {"workflow_type": WORKFLOW},
    "complete_phase": {"phase": 1, "evidence": EVIDENCE},
    "pause": {"checkpoint_note": "Waiting for the review."},
    "resume": {},
    "retry_phase": {"phase": 2},
    "rollback": {"to_phase": 1},
    "delete_session": {"reason": "Begun by mistake."},
}
"""The life of a session, a call of each."""


def figures(setting: Setting) -> list[Figure]:
    """A row for each mutating action."""
    with setting.home() as home, Client.bare(home.user) as bare, Client.of(home) as server:
        life = Life(home, server)
        # By turns: every call of a session's life has a call that does nothing and the disk's part right after it.
        measures: list[Callable[[], float]] = []
        for action in STEPS:
            measures += [life.taking(action), bare.no_op, life.durable]
        taken = in_turn(setting.count(150), *measures)
    return [_figure(action, *taken[3 * number : 3 * number + 3]) for number, action in enumerate(STEPS)]


class Life:
    """Sessions that are begun, led a little way and deleted, one after the other."""

    def __init__(self, home: Home, server: Client) -> None:
        self._sessions = home.state / "workflows"
        self._floor = home.project / "floor"
        self._server = server
        self._session_id = ""
        self._number = 0
        self._appended = self._replaced = self._logged = 0

    def taking(self, action: str) -> Callable[[], float]:
        """The call of this action, in milliseconds."""

        def take() -> float:
            if action == "start":
                self._number += 1
                about = {"target_file": f"{self._number}_{TARGET[WORKFLOW]}"}
                self._logged = 0
            else:
                about = {"session_id": self._session_id}
            passed, reply = self._server.timed(action=action, **about, **STEPS[action])
            self._session_id = reply["session_id"]
            self._note()
            return passed

        return take

    def durable(self) -> float:
        """What the disk asks for the bytes that the last call wrote, in milliseconds."""
        self._floor.mkdir(exist_ok=True)
        return floors.durable(self._floor, self._appended, self._replaced)

    def _note(self) -> None:
        head, log = (self._found(f"{self._session_id}{suffix}") for suffix in (".json", ".jsonl"))
        self._replaced = head.stat().st_size
        self._appended, self._logged = log.stat().st_size - self._logged, log.stat().st_size

    def _found(self, name: str) -> Path:
        here = self._sessions / name
        return here if here.exists() else next(self._sessions.parent.rglob(name))


def _figure(action: str, value: float, no_op: float, durable: float) -> Figure:
    """How often the disk's part is in what a call takes beyond one that does nothing."""
    ratio = (value - no_op) / durable
    return Figure(action, value, "ms", {"no-op": no_op, "durable": durable}, ratio, "≤ no-op + 2.5 × durable", 2.5)
