"""Every legal path through the tool to depth seven, on a real store, and beside it every step that is not legal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import PASSING, Ask, Body, Home, field

pytestmark = pytest.mark.integration

DEPTH = 7
STEPS: dict[str, dict[str, Any]] = {
    "pass": {"action": "complete_phase", "evidence": PASSING},
    "refuse": {"action": "complete_phase", "evidence": {}},
    "pause": {"action": "pause"},
    "resume": {"action": "resume"},
    "retry": {"action": "retry_phase"},
    "rollback": {"action": "rollback", "to_phase": 1},
    "delete": {"action": "delete_session"},
}
LEGAL = {
    "active": {"pass", "refuse", "pause", "retry", "rollback", "delete"},
    "paused": {"resume", "delete"},
    "failed": {"retry", "rollback", "delete"},
    "completed": {"rollback", "delete"},
}
"""The contract's table, by hand."""


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    home = Home.make(tmp_path)
    gate = {"evidence_schema": {"done": field()}, "max_attempts": 2}
    home.define("two", [{"number": number, "gate": gate} for number in (1, 2)])
    return home.asking()


def step(ask: Ask, session: str, name: str) -> Body:
    call = STEPS[name]
    if call["action"] in ("complete_phase", "retry_phase"):
        call = {**call, "phase": ask(action="get_state", session_id=session)["current_phase"]}
    return ask(session_id=session, **call)


def walked(ask: Ask, path: tuple[str, ...]) -> str:
    session: str = ask(action="start", workflow_type="two", target_file="a.py")["session_id"]
    for name in path:
        step(ask, session, name)
    return session


def look(ask: Ask, session: str) -> Body:
    return ask(action="get_session", session_id=session)["session"]


def assert_sound(before: Body, after: Body) -> None:
    assert after["version"] == before["version"] + 1
    assert after["last_updated"] >= before["last_updated"]
    assert after["current_phase"] in after["phases"]
    assert after["completed_phases"] == after["phases"][: len(after["completed_phases"])]
    assert ("gate" in after) == (after["session_status"] == "active")
    assert ("completed_at" in after) == (after["session_status"] == "completed")
    attempts = {one["phase"]: one["attempt"] for one in after["phase_history"]}
    assert all(attempts[one["phase"]] >= one["attempt"] for one in before["phase_history"])


def kind(session: Body, left: int | None) -> tuple[Any, ...]:
    """What decides how a session can go on; sessions that agree in it walk on alike."""
    return (
        session["session_status"],
        session.get("gate"),
        session["current_phase"],
        tuple(session["completed_phases"]),
        left,
    )


def test_every_legal_path_to_depth_seven_holds_through_the_tool(ask: Ask) -> None:
    frontier: list[tuple[str, ...]] = [()]
    seen: set[tuple[Any, ...]] = set()
    taken = refused = 0
    for _ in range(DEPTH):
        following: list[tuple[str, ...]] = []
        for path in frontier:
            session = walked(ask, path)
            before = look(ask, session)
            for name in STEPS:
                if name not in LEGAL[before["session_status"]]:
                    reply = step(ask, session, name)
                    assert reply["error_type"] == "StateError", (path, name)
                    assert look(ask, session) == before
                    refused += 1
                    continue
                fresh = walked(ask, path)
                start = look(ask, fresh)
                reply = step(ask, fresh, name)
                assert reply["status"] == "success" or reply["error_type"] == "ValidationError", (path, name, reply)
                taken += 1
                if name == "delete":
                    assert ask(action="get_state", session_id=fresh)["error_type"] == "NotFoundError"
                    continue
                after = look(ask, fresh)
                assert_sound(start, after)
                found = kind(after, ask(action="get_state", session_id=fresh).get("attempts_left"))
                if found not in seen:
                    seen.add(found)
                    following.append((*path, name))
        frontier = following
    assert taken > 50
    assert refused > 20
