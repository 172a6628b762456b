"""``get_state`` alone puts an assistant back to work that has lost everything but the tool's definition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli.evidence import honest_evidence
from mcp_server.dispatch import dispatch
from tests.support import PASSING, Ask, Body, Home, asking, compact, define_small_workflows, field
from tests.trusting import trust

pytestmark = pytest.mark.integration

HONEST = next(one for one in honest_evidence() if one.workflow == "test_generation_v3")
LARGEST = 3_000
"""Bytes that the reply may take in phase 5 of 8."""
NOTE = "Edges of parse_price are in tests/test_prices.py; those of discounted are next. No new dependency."


def in_phase_five(home: Home) -> tuple[Ask, str]:
    """A session of a workflow that ships, as honest work brings it to phase 5 of 8; its checks are run."""
    HONEST.write_files(home.project)
    trust(home, HONEST.workflow)
    ask = home.asking()
    started = ask(
        action="start", workflow_type=HONEST.workflow, target_file=HONEST.target, options=dict(HONEST.options)
    )
    session: str = started["session_id"]
    for phase in (1, 2, 3, 4):
        home.write({name: text or "" for name, text in HONEST.step(phase).files.items()})
        passed = ask(action="complete_phase", session_id=session, phase=phase, evidence=HONEST.evidence[phase])
        assert passed["checkpoint_passed"] is True, passed
    return ask, session


def refuse(ask: Ask, session: str) -> None:
    fallen_short = {
        **HONEST.evidence[5],
        "edge_cases": HONEST.evidence[5]["edge_cases"][:1],
        "properties": [{"property": "total(a + b) == total(a) + total(b)"}],
    }
    assert ask(action="complete_phase", session_id=session, phase=5, evidence=fallen_short)["gate"] == "refused"


def pause(ask: Ask, session: str) -> None:
    refuse(ask, session)
    ask(action="pause", session_id=session, checkpoint_note=NOTE)


def resume(ask: Ask, session: str) -> None:
    pause(ask, session)
    ask(action="resume", session_id=session)


ALL = "with all of the evidence, not only that"
KEPT = "kept as a draft (get_session with phase 5)"
SITUATIONS: list[tuple[Callable[[Ask, str], None], str, list[str]]] = [
    (lambda _ask, _session: None, "get_phase", ["Do the phase's tasks (get_phase, get_task), then complete_phase"]),
    (refuse, "get_phase", [ALL, KEPT]),
    (pause, "resume", ["Call resume", f'"{NOTE}"']),
    (resume, "get_phase", [ALL, KEPT, f'"{NOTE}"']),
]


@pytest.mark.parametrize(("happens", "call", "said"), SITUATIONS, ids=["open", "refused", "paused", "resumed"])
def test_the_state_in_phase_five_of_eight_says_what_it_takes_in_three_kilobytes(
    tmp_path: Path, happens: Callable[[Ask, str], None], call: str, said: list[str]
) -> None:
    ask, session = in_phase_five(Home.make(tmp_path))
    happens(ask, session)
    told = ask(action="get_state", session_id=session)
    assert len(compact(told).encode()) <= LARGEST
    assert len(told["summary"].split()) <= 150
    assert told["next_actions"][0]["arguments"] == {"action": call, "session_id": session}
    for fact in (
        "Test generation on prices.py",
        "Phase 5 'Edges, errors, properties' is current, 5 of 8.",
        "Completed: 1, 2, 3, 4.",
        "Options: test_runner=unittest, test_path=tests/test_prices.py, coverage=90.",
        *(one["message"] for one in ask(action="get_errors", session_id=session)["errors"]),
        *said,
    ):
        assert fact in told["summary"]
    assert set(told["outstanding_evidence"]) <= set(HONEST.evidence[5])
    assert told["artifacts"]["phase_4"]["test_files"] == ["tests/test_prices.py"]
    assert {f"phase_{phase}" for phase in (1, 2, 3, 4)} == set(told["artifacts"])


def test_what_get_state_names_is_enough_to_open_the_gate(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    ask, session = in_phase_five(home)
    refuse(ask, session)
    told = ask(action="get_state", session_id=session)
    kept = ask(action="get_session", session_id=session, phase=told["current_phase"])["evidence"]
    evidence = {one["name"]: one["value"] for one in kept["items"]}
    evidence |= {name: HONEST.evidence[5][name] for name in told["outstanding_evidence"]}
    home.write({name: text or "" for name, text in HONEST.step(5).files.items()})
    assert ask(action="complete_phase", session_id=session, phase=5, evidence=evidence)["phase_completed"] == 5


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    return home.asking()


def refused_in_phase_two(ask: Ask) -> str:
    session: str = ask(action="start", workflow_type="steps", target_file="a.py")["session_id"]
    ask(action="complete_phase", session_id=session, phase=1, evidence=PASSING)
    assert ask(action="complete_phase", session_id=session, phase=2, evidence={})["gate"] == "refused"
    return session


LATER: dict[str, tuple[list[Body], bool]] = {
    "the phase was begun again": ([{"action": "retry_phase", "phase": 2}], True),
    "it went back to where it stood": ([{"action": "rollback", "to_phase": 2}], True),
    "its draft was forgotten": ([{"action": "retry_phase", "phase": 2, "reset_evidence": True}], False),
    "it went back": ([{"action": "rollback", "to_phase": 1}], False),
    "it went back and came again": (
        [{"action": "rollback", "to_phase": 1}, {"action": "complete_phase", "phase": 1, "evidence": PASSING}],
        False,
    ),
    "it was passed": ([{"action": "complete_phase", "phase": 2, "evidence": PASSING}], False),
}


@pytest.mark.parametrize("later", LATER)
def test_a_refusal_is_told_as_long_as_it_is_to_be_made_good(ask: Ask, later: str) -> None:
    calls, told = LATER[later]
    session = refused_in_phase_two(ask)
    for call in calls:
        assert ask(session_id=session, **call)["status"] == "success"
    assert ("refused attempt 1" in ask(action="get_state", session_id=session)["summary"]) is told


def test_a_session_that_was_sent_back_is_told_by_which_gate(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    check = {"id": "no", "run": ["python", "-c", "raise SystemExit(3)"], "pass": {"exit_code": 0}}
    gate: dict[str, Any] = {"evidence_schema": {"done": field()}, "checks": [check], "on_no_go": {"rollback_to": 1}}
    home.define("back", [{"number": 1, "gate": {"evidence_schema": {"done": field()}}}, {"number": 2, "gate": gate}])
    trust(home, "back")
    ask = home.asking()
    session = ask(action="start", workflow_type="back", target_file=".")["session_id"]
    for phase in (1, 2):
        ask(action="complete_phase", session_id=session, phase=phase, evidence=PASSING)
    state = ask(action="get_state", session_id=session)
    assert state["current_phase"] == 1
    assert "The gate of phase 2 refused attempt 1: check no: the exit code was 3, wanted 0." in state["summary"]


def test_checks_that_were_cut_short_are_not_mistaken_for_the_refusal_before(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    check = {"id": "long", "run": ["python", "-c", "import time; time.sleep(60)"], "pass": {"exit_code": 0}}
    home.define("slow", [{"number": 1, "gate": {"evidence_schema": {"done": field()}, "checks": [check]}}])
    trust(home, "slow")
    engine = home.engine()
    ask = asking(engine)
    session = ask(action="start", workflow_type="slow", target_file=".")["session_id"]
    assert ask(action="complete_phase", session_id=session, phase=1, evidence={})["gate"] == "refused"
    call = {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": PASSING}
    assert dispatch(engine, call, patience=0).body["gate"] == "checking"
    summary = ask(action="get_state", session_id=session)["summary"]
    assert "The server runs the gate's checks" in summary
    engine.close()
    told = ask(action="get_state", session_id=session)
    assert told["gate"] == "interrupted"
    assert "Its last attempt was interrupted, without a verdict." in told["summary"]
    assert "kept as a draft (get_session with phase 1): submit all of it again" in told["summary"]
    assert "refused" not in summary + told["summary"]


def test_many_phases_and_long_names_leave_room_for_what_to_do(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    gate = {"evidence_schema": {"done": field()}}
    home.define("long", [{"number": n, "name": "step " * 300, "gate": gate} for n in range(1, 41)])
    ask = home.asking()
    session = ask(action="start", workflow_type="long", target_file="a b/" * 50 + "c.py")["session_id"]
    for phase in range(1, 40):
        ask(action="complete_phase", session_id=session, phase=phase, evidence=PASSING)
    ask(action="complete_phase", session_id=session, phase=40, evidence={})
    summary = ask(action="get_state", session_id=session)["summary"]
    assert len(summary.split()) <= 150
    assert "Completed: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 29 more." in summary
    assert "refused attempt 1: missing done." in summary
    assert ALL in summary
