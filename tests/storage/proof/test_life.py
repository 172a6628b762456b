"""Any life of any sessions, with processes that die, power that fails and clocks that jump, against a simple model."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mcp_server.domain.events import (
    Event,
    GateRefused,
    Paused,
    PhaseCompleted,
    PhaseRetried,
    Resumed,
    RolledBack,
    WorkflowCompleted,
)
from mcp_server.domain.session import Session
from mcp_server.errors import PosWorkflowError
from mcp_server.storage.log import Request
from mcp_server.storage.store import Store
from mcp_server.storage.values import pack
from tests.storage.proof.disk import Disk
from tests.storage.proof.operations import BASE, facts, store_on
from tests.storage.proof.seams import Death, Dying, Seam
from tests.storage.support import BEGIN, BLOBS, fresh, parts, started

pytestmark = pytest.mark.integration

LAST_PHASE: Final = 3


@dataclass(frozen=True)
class Seen:
    """What the model knows of a session."""

    status: str = "active"
    phase: int = 1
    version: int = 1
    note: str | None = None
    deleted: bool = False


class Refused(Exception):  # noqa: N818 - what the model says, not a fault
    """The operation is not legal."""


BACK: Final[dict[str, Any]] = {"status": "active", "phase": 1, "note": None}
CHANGES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("refuse", "active"): {},
    ("retry", "active"): {},
    ("pause", "active"): {"status": "paused", "note": "a pause"},
    ("resume", "paused"): {"status": "active"},
    ("roll back", "active"): BACK,
    ("roll back", "completed"): BACK,
    **{("delete", status): {"deleted": True} for status in ("active", "paused", "completed")},
    **{("undelete", status): {"deleted": False} for status in ("active", "paused", "completed")},
}


def after(seen: Seen | None, what: str) -> Seen | None:
    """What an operation makes of a session, None for one that is not there. Raises Refused."""
    if seen is None and what in ("start", "delete"):
        return Seen() if what == "start" else None
    if seen is None or what == "start":
        raise Refused
    if what in ("delete", "undelete") and seen.deleted == (what == "delete"):
        return seen
    changes = CHANGES.get((what, seen.status))
    if (what, seen.status) == ("complete", "active"):
        end = seen.phase == LAST_PHASE
        changes = {"phase": seen.phase + (not end), "status": "completed" if end else "active", "note": None}
    if changes is None or seen.deleted != (what == "undelete"):
        raise Refused
    return replace(seen, version=seen.version + 1, **changes)


def seen_of(session: Session) -> Seen:
    return Seen(
        status=session.session_status,
        phase=session.current_phase,
        version=session.version,
        note=session.checkpoint_note,
        deleted=session.deleted_at is not None,
    )


CRASHES: Final = st.none() | st.tuples(st.integers(0, 130), st.sampled_from(("kill", "power")), st.integers(0, 2**32))
"""At which call of its process, whether the page cache goes too, and what is left of what was not synced."""

JUMPS: Final = st.sampled_from((0, 0, 1, -1, 3600, -86_400)) | st.integers(-(10**7), 10**7)
"""By how many seconds the clock goes on, or back."""

WORK: Final = ("start", "complete", "complete", "refuse", "retry", "pause", "resume", "roll back", "delete", "undelete")


class Life(RuleBasedStateMachine):
    """Sessions of two processes that are restarted whenever they die."""

    counts: Counter[str]

    @initialize()
    def build(self) -> None:
        self.disk = Seam(Disk(*BASE))
        self.stores = [store_on(self.disk), store_on(self.disk)]
        self.model: dict[str, Seen] = {}
        self.latest: dict[str, Any] = {}
        self.now = BEGIN

    @rule(
        session_id=st.sampled_from("abc"),
        what=st.sampled_from(WORK),
        process=st.integers(0, 1),
        jump=JUMPS,
        crash=CRASHES,
    )
    def work(self, session_id: str, what: str, process: int, jump: int, crash: tuple[int, str, int] | None) -> None:
        self.now += timedelta(seconds=jump)
        self.counts["clock jumps"] += jump not in (0, 1)
        self.counts["steps"] += 1
        request, before = fresh(), self.model.get(session_id)
        try:
            expected = after(before, what)
        except Refused:
            if crash is not None:
                self.dies(crash, session_id, what, request)
            with pytest.raises(PosWorkflowError):
                self.do(self.stores[process], session_id, what, request)
            return
        if crash is not None:
            answered = self.dies(crash, session_id, what, request)
            assert self.look(session_id) in ((expected,) if answered else (before, expected))
        self.do(self.stores[process], session_id, what, request)
        if expected is not None:
            self.model[session_id] = expected

    def dies(self, crash: tuple[int, str, int], session_id: str, what: str, request: Request) -> bool:
        """Let a process do it that dies at some call, or when it is done; whether it answered."""
        calls, kind, seed = crash
        disk = self.disk.inner
        assert isinstance(disk, Disk)
        answered = False
        with suppress(Death, PosWorkflowError):
            self.do(store_on(Dying(disk, calls)), session_id, what, request)
            answered = True
        left = disk.killed()
        if kind == "power":
            chance = random.Random(seed)  # noqa: S311 - drawn by the machine
            left = chance.choice(list(disk.after_power_loss(chance, most=8)))
            self.stores = [store_on(self.disk), store_on(self.disk)]
        self.disk.inner = left
        self.counts["crashes"] += 1
        return answered

    def do(self, store: Store, session_id: str, what: str, request: Request) -> None:
        if what == "start":
            store.create(started(session_id, at=self.now), request=request, blobs=BLOBS)
        elif what == "delete":
            store.delete(session_id, at=self.now, reason=None, request=request)
        elif what == "undelete":
            store.undelete(session_id, at=self.now)
        else:
            blobs = pack({"report": f"{request.id}" * 300})[1] if what in ("complete", "refuse") else {}
            store.update(session_id, self.deciding(what, request), request=request, blobs=blobs)

    def deciding(self, what: str, request: Request) -> Callable[[Session], Event]:
        evidence = pack({"report": f"{request.id}" * 300})[0]

        def decide(session: Session) -> Event:
            phase, attempt = session.current_phase, session.record.attempt + 1
            match what:
                case "complete" if phase == LAST_PHASE:
                    return WorkflowCompleted(
                        at=self.now, phase=phase, attempt=attempt, evidence=evidence, basis="attested"
                    )
                case "complete":
                    return PhaseCompleted(
                        at=self.now,
                        phase=phase,
                        attempt=attempt,
                        evidence=evidence,
                        basis="attested",
                        next_phase=phase + 1,
                    )
                case "refuse":
                    return GateRefused(
                        at=self.now,
                        phase=phase,
                        attempt=attempt,
                        evidence=evidence,
                        missing=("tests_pass",),
                        findings=(),
                        outstanding=("tests_pass",),
                        fingerprint="f",
                    )
                case "retry":
                    return PhaseRetried(at=self.now, phase=phase)
                case "pause":
                    return Paused(at=self.now, note="a pause")
                case "resume":
                    return Resumed(at=self.now, paused_seconds=1.0)
                case _:
                    return RolledBack(at=self.now, from_phase=phase, to_phase=1)

        return decide

    def look(self, session_id: str) -> Seen | None:
        found = parts(store_on(self.disk)).find(session_id)
        return None if found is None else seen_of(found.page.session)

    @invariant()
    def a_new_process_finds_what_the_model_knows(self) -> None:
        facts(store_on(self.disk))
        assert {one: seen for one in "abc" if (seen := self.look(one)) is not None} == self.model

    @invariant()
    def a_process_that_has_lived_long_lists_the_same(self) -> None:
        live = {one: seen for one, seen in self.model.items() if not seen.deleted}
        for store in self.stores:
            listing = store.sessions()
            listed = {one.session_id: (one.session_status, one.current_phase, one.version) for one in listing.sessions}
            assert listed == {one: (seen.status, seen.phase, seen.version) for one, seen in live.items()}
            assert listing.corrupt == ()

    @invariant()
    def no_session_was_ever_updated_later_than_now(self) -> None:
        for session in self.stores[0].sessions().sessions:
            assert session.last_updated >= self.latest.get(session.session_id, session.last_updated)
            self.latest[session.session_id] = session.last_updated


@pytest.mark.parametrize(
    ("examples", "steps"), [pytest.param(60, 25, id="quick"), pytest.param(600, 60, id="all", marks=pytest.mark.slow)]
)
def test_any_life_of_sessions_goes_as_the_model_says(examples: int, steps: int, tally: Counter[str]) -> None:
    class Counted(Life):
        counts = tally

    run_state_machine_as_test(
        Counted,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
