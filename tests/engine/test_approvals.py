"""A person's answer to a gate: it holds for what was shown, and for nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.domain.events import GateRefused, PhaseCompleted
from mcp_server.engine import Engine
from mcp_server.errors import StateError
from tests.engine.conftest import Clock
from tests.support import Ask, Home

pytestmark = pytest.mark.integration

SOMEBODY = Authority(user="ada")


def run_of(engine: Engine, session_id: str) -> str:
    return engine.persons.approvals.asked(session_id).under_way.run


def submit(ask: Ask, session: str, **evidence: Any) -> Any:
    return ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)


def test_an_approval_moves_the_session_on_at_once_and_says_who_gave_it(engine: Engine, waiting: str) -> None:
    outcome = engine.persons.approvals.approve(waiting, run_of(engine, waiting), SOMEBODY, "well done")
    event = outcome.committed.event
    assert isinstance(event, PhaseCompleted)
    assert (event.basis, event.decision and event.decision.note) == ("human", "well done")
    assert event.decision is not None
    assert event.decision.authority == SOMEBODY
    assert {name: one.basis for name, one in engine.evidence(event.evidence).items()} == {"done": "human"}
    session = engine.view(waiting).session
    assert (session.current_phase, session.gate, session.under_way) == (2, "open", None)


def test_a_rejection_is_a_refused_attempt_with_the_note_as_its_error(engine: Engine, ask: Ask, waiting: str) -> None:
    outcome = engine.persons.approvals.reject(waiting, run_of(engine, waiting), SOMEBODY, "no tests")
    event = outcome.committed.event
    assert isinstance(event, GateRefused)
    assert event.attempts_left == 1
    (error,) = ask(action="get_errors", session_id=waiting)["errors"]
    assert error["message"] == "A person rejected attempt 1 of phase 1: no tests."
    assert "person" in error["remediation"]
    assert ask(action="get_state", session_id=waiting)["outstanding_evidence"] == []
    submit(ask, waiting, done="again")
    engine.persons.approvals.reject(waiting, run_of(engine, waiting), SOMEBODY, "no tests")
    assert engine.view(waiting).session.session_status == "failed"


def test_an_answer_to_evidence_that_was_replaced_since_is_refused(engine: Engine, ask: Ask, waiting: str) -> None:
    shown = run_of(engine, waiting)
    assert submit(ask, waiting, done="something else")["gate"] == "awaiting_approval"
    for answer in (engine.persons.approvals.approve, engine.persons.approvals.reject):
        with pytest.raises(StateError, match="Another attempt waits"):
            answer(waiting, shown, SOMEBODY)
    assert engine.view(waiting).session.gate == "awaiting_approval"


def test_a_second_answer_finds_nobody_waiting(engine: Engine, waiting: str) -> None:
    run = run_of(engine, waiting)
    engine.persons.approvals.approve(waiting, run, SOMEBODY)
    for answer in (engine.persons.approvals.approve, engine.persons.approvals.reject):
        with pytest.raises(StateError, match="waits for a person"):
            answer(waiting, run, SOMEBODY)
    assert engine.view(waiting).session.version == 4


def test_files_that_changed_since_have_to_be_checked_again(home: Home, engine: Engine, waiting: str) -> None:
    run = run_of(engine, waiting)
    home.write({"src/a.py": "a = 2\n"})
    assert "have changed" in str(engine.persons.approvals.asked(waiting).stale)
    with pytest.raises(StateError, match="have changed"):
        engine.persons.approvals.approve(waiting, run, SOMEBODY)
    standing = engine.persons.approvals.check_again(waiting)
    assert standing.running is not None
    assert standing.running.wait(30)
    with pytest.raises(StateError, match="Another attempt waits"):
        engine.persons.approvals.approve(waiting, run, SOMEBODY)
    asked = engine.persons.approvals.asked(waiting)
    assert (asked.stale, asked.under_way.attempt) == (None, 1)
    engine.persons.approvals.approve(waiting, asked.under_way.run, SOMEBODY)
    assert engine.view(waiting).session.current_phase == 2


def test_a_question_that_has_lapsed_has_to_be_asked_again(engine: Engine, clock: Clock, waiting: str) -> None:
    run = run_of(engine, waiting)
    clock.pass_(hours=24)
    with pytest.raises(StateError, match="has lapsed"):
        engine.persons.approvals.approve(waiting, run, SOMEBODY)
    standing = engine.persons.approvals.check_again(waiting)
    assert standing.running is not None
    assert standing.running.wait(30)
    assert engine.persons.approvals.asked(waiting).stale is None


def test_a_question_that_has_lapsed_leads_the_assistant_to_submit_again(ask: Ask, clock: Clock, waiting: str) -> None:
    clock.pass_(hours=24)
    state = ask(action="get_state", session_id=waiting)
    assert state["gate"] == "expired"
    assert "expired" in state["summary"]
    first = state["next_actions"][0]
    assert (first["arguments"]["action"], first["fill"]) == ("complete_phase", ["evidence"])
    assert "does not count" in first["why"]
    assert submit(ask, waiting, done="once more")["gate"] == "awaiting_approval"


def test_a_paused_session_is_not_approved_and_it_is_said_what_to_do(engine: Engine, ask: Ask, waiting: str) -> None:
    run = run_of(engine, waiting)
    ask(action="pause", session_id=waiting)
    with pytest.raises(StateError, match="waits for a person") as raised:
        engine.persons.approvals.approve(waiting, run, SOMEBODY)
    assert "resume it first" in raised.value.remediation
