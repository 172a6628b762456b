"""Every cell of the state table, through the tool: what is allowed happens, what is not changes no byte."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import ALLOWED, PASSING, READING, STATES, STATUS_OF, Ask, Body, Home, arrange
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

OUTCOMES = ("passed", "refused", "exhausted", "pause", "resume", "retry_phase", "rollback", "delete")
BECOMES: dict[str, dict[str, str | None]] = {
    "open": {
        "passed": "active",
        "refused": "active",
        "exhausted": "failed",
        "pause": "paused",
        "retry_phase": "active",
        "rollback": "active",
        "delete": "deleted",
    },
    "paused": {"resume": "active", "delete": "deleted"},
    "failed": {"retry_phase": "active", "rollback": "active", "delete": "deleted"},
    "completed": {"rollback": "active", "delete": "deleted"},
}
BECOMES["refused"] = BECOMES["open"]
# What blocks a gate blocks it whatever the evidence: an attempt comes to that again.
BECOMES["blocked"] = {**BECOMES["open"], "passed": "active", "refused": "active", "exhausted": "active"}
CELLS = [(state, outcome) for state in STATES for outcome in OUTCOMES]
LEGAL = [(state, outcome) for state, outcome in CELLS if outcome in BECOMES[state]]
ILLEGAL = [(state, outcome) for state, outcome in CELLS if outcome not in BECOMES[state]]


def arguments(outcome: str, session: str, phase: int) -> Body:
    """The call that leads to an outcome."""
    about: Body = {"session_id": session}
    match outcome:
        case "passed":
            return {**about, "action": "complete_phase", "phase": phase, "evidence": PASSING}
        case "refused" | "exhausted":
            return {**about, "action": "complete_phase", "phase": phase, "evidence": {}}
        case "retry_phase":
            return {**about, "action": "retry_phase", "phase": phase}
        case "rollback":
            return {**about, "action": "rollback", "to_phase": 1}
        case "delete":
            return {**about, "action": "delete_session"}
        case _:
            return {**about, "action": outcome}


def phase_of(state: str) -> int:
    return 3 if state == "completed" else 2


@pytest.mark.requirement("state-table")
@pytest.mark.parametrize(("state", "outcome"), LEGAL)
def test_what_the_table_allows_happens(ask: Ask, state: str, outcome: str) -> None:
    session = arrange(ask, state)
    before = ask(action="get_state", session_id=session)
    if outcome == "exhausted" and state in ("open", "refused"):
        for _ in range(2 if state == "open" else 1):
            ask(action="complete_phase", session_id=session, phase=2, evidence={})
        if state == "open":
            ask(action="retry_phase", session_id=session, phase=2)
        before = ask(action="get_state", session_id=session)
    reply = ask(**arguments(outcome, session, phase_of(state)))
    blocked = state == "blocked" and outcome in ("passed", "refused", "exhausted")
    assert reply["status"] == ("error" if outcome in ("refused", "exhausted") or blocked else "success")
    assert reply["session_status"] == BECOMES[state][outcome]
    assert reply["version"] == before["version"] + 1
    if outcome == "delete":
        assert ask(action="get_state", session_id=session)["error_type"] == "NotFoundError"
        return
    if outcome == "exhausted" and not blocked:
        assert reply["attempts_left"] == 0
    after = ask(action="get_state", session_id=session)
    assert after["session_status"] == BECOMES[state][outcome]
    moves = {"passed": 3, "rollback": 1}
    assert after["current_phase"] == (before["current_phase"] if blocked else moves.get(outcome, phase_of(state)))
    if after["session_status"] == "active":
        gates = {"refused": "refused", "exhausted": "refused"}
        assert after["gate"] == ("blocked" if blocked else gates.get(outcome, "open"))
    else:
        assert "gate" not in after


@pytest.mark.requirement("state-table")
def test_the_gate_of_the_last_phase_completes_the_workflow(ask: Ask) -> None:
    session = arrange(ask, "open")
    ask(action="complete_phase", session_id=session, phase=2, evidence=PASSING)
    reply = ask(action="complete_phase", session_id=session, phase=3, evidence=PASSING)
    assert reply["workflow_completed"] is True
    assert "next_phase" not in reply
    assert reply["session_status"] == "completed"
    state = ask(action="get_state", session_id=session)
    assert (state["current_phase"], state["progress_percent"], state["resume_capable"]) == (3, 100, False)
    assert state["outstanding_evidence"] == []


@pytest.mark.requirement("state-table")
@pytest.mark.requirement("refusals-change-nothing")
@pytest.mark.requirement("state-error-facts")
@pytest.mark.parametrize(("state", "outcome"), ILLEGAL)
def test_what_the_table_does_not_allow_changes_no_byte(ask: Ask, shared_home: Home, state: str, outcome: str) -> None:
    session = arrange(ask, state)
    version = ask(action="get_state", session_id=session)["version"]
    before = shared_home.tree()
    for more in ({}, {"request_id": "never-used-up-0001"}, {"expected_version": version}):
        reply = ask(**arguments(outcome, session, phase_of(state)), **more)
        assert reply["error_type"] == "StateError"
        assert reply["current_phase"] == phase_of(state)
        assert reply["allowed_actions"] == ALLOWED[STATUS_OF.get(state, state)]
        assert reply["version"] == version
        assert reply["session_status"] == STATUS_OF.get(state, state)
        assert reply["next_actions"]
    assert shared_home.tree() == before


@pytest.mark.requirement("readers-change-nothing")
@pytest.mark.parametrize("state", STATES)
def test_reading_works_in_every_state_and_changes_no_byte(ask: Ask, shared_home: Home, state: str) -> None:
    session = arrange(ask, state)
    before = shared_home.tree()
    needs: dict[str, Any] = {"get_task": {"phase": 2, "task_number": 1}, "list_workflows": None, "list_sessions": None}
    for action in READING:
        more = needs.get(action, {})
        about = {} if more is None else {"session_id": session, **more}
        assert ask(action=action, **about)["status"] == "success"
    assert ask(action="get_session", session_id=session, phase=2)["status"] == "success"
    assert shared_home.tree() == before


@pytest.mark.requirement("refusals-change-nothing")
def test_no_error_but_a_gates_changes_a_byte(server: Wire, shared_home: Home) -> None:
    session = arrange(server.call, "open")
    before = shared_home.tree()
    about: Body = {"session_id": session}
    errors = [
        server.call(action="complete_phase", **about, phase=2, evidence=PASSING, expected_version=1),
        server.call(action="complete_phase", **about, phase=1, evidence=PASSING),
        server.call(action="complete_phase", **about, phase=9, evidence={"done": "x" * 5000}),
        server.call(action="complete_phase", **about, phase=2, evidence="{"),
        server.call(action="retry_phase", **about, phase=1),
        server.call(action="retry_phase", **about, phase=9),
        server.call(action="rollback", **about, to_phase=3),
        server.call(action="rollback", **about, to_phase=9),
        server.call(action="pause", session_id="no_such_session", request_id="never-used-up-0002"),
        server.call(action="pause", **about, note="x"),
        server.call(action="start", workflow_type="nothing", target_file="a", request_id="never-used-up-0003"),
        server.call(action="start", workflow_type="steps", target_file="../a", request_id="never-used-up-0004"),
        server.call(action="get_task", **about, phase=3, task_number=1),
        server.call(action="delete_session", **about, expected_version=1),
        server.call(action="undelete", **about),
    ]
    assert [reply["status"] for reply in errors] == ["error"] * len(errors)
    gone = server.call(action="delete_session", session_id="no_such_session", request_id="never-used-up-0005")
    assert gone["deleted"] is False
    assert shared_home.tree() == before


@pytest.mark.requirement("later-phases-stay-closed")
def test_a_task_of_a_later_phase_stays_closed(ask: Ask) -> None:
    session = arrange(ask, "open")
    reply = ask(action="get_task", session_id=session, phase=3, task_number=1)
    assert reply["error_type"] == "StateError"
    assert reply["current_phase"] == 2
    assert reply["allowed_actions"] == ALLOWED["active"]
    assert ask(action="get_task", session_id=session, phase=1, task_number=2)["task_content"]["title"] == "Do"


@pytest.mark.requirement("attempts")
def test_retry_from_failed_starts_the_count_anew_and_keeps_the_total(ask: Ask) -> None:
    session = arrange(ask, "failed")
    retried = ask(action="retry_phase", session_id=session, phase=2)
    assert retried["attempt"] == 4
    refused = ask(action="complete_phase", session_id=session, phase=2, evidence={})
    assert (refused["attempt"], refused["attempts_left"]) == (4, 2)
    assert ask(action="get_errors", session_id=session)["error_count"] == 4


@pytest.mark.requirement("attempts")
def test_a_blocked_attempt_uses_none_up(ask: Ask) -> None:
    session = arrange(ask, "blocked")
    for attempt in (2, 3, 4):
        reply = ask(action="complete_phase", session_id=session, phase=2, evidence=PASSING)
        assert (reply["gate"], reply["attempt"], reply["session_status"]) == ("blocked", attempt, "active")
        assert "attempts_left" not in reply
    reply = ask(action="complete_phase", session_id=session, phase=2, evidence={})
    assert (reply["gate"], reply["missing_evidence"]) == ("blocked", ["done"])
    assert reply["blocked_by"]


@pytest.mark.requirement("attempts")
def test_the_same_refusal_twice_escalates(ask: Ask) -> None:
    session = ask(action="start", workflow_type="test_gen_v3", target_file="a.py")["session_id"]
    first, second = (
        ask(action="complete_phase", session_id=session, phase=1, evidence={"n": number}) for number in (1, 2)
    )
    assert "escalate" not in first
    assert second["escalate"] is True
    assert "person" in second["remediation"]
    assert [one["arguments"]["action"] for one in second["next_actions"]] == ["pause", "complete_phase"]
    state = ask(action="get_state", session_id=session)
    assert (state["attempts_left"], state["next_actions"]) == (1, second["next_actions"])
    retried = ask(action="retry_phase", session_id=session, phase=1)
    assert retried["attempts_left"] == 1
    assert retried["next_actions"][0]["arguments"]["action"] == "get_task"


@pytest.mark.requirement("draft-is-the-last-submission")
def test_evidence_is_not_merged_across_attempts(ask: Ask) -> None:
    session = ask(action="start", workflow_type="test_gen_v3", target_file="a.py")["session_id"]
    ask(action="complete_phase", session_id=session, phase=1, evidence={"test_candidates": ["a", "b", "c"]})
    second = ask(action="complete_phase", session_id=session, phase=1, evidence={"code_structure": {"f": ["g"]}})
    assert second["missing_evidence"] == ["test_candidates"]


@pytest.mark.requirement("rollback")
def test_a_rollback_clears_what_came_after_keeps_a_draft_and_no_history_is_lost(ask: Ask) -> None:
    session = arrange(ask, "completed")
    reply = ask(action="rollback", session_id=session, to_phase=2)
    assert (reply["from_phase"], reply["to_phase"], reply["artifacts_cleared"]) == (3, 2, [3])
    state = ask(action="get_state", session_id=session)
    assert (state["completed_phases"], list(state["artifacts"])) == ([1], ["phase_1"])
    draft = ask(action="get_session", session_id=session, phase=2)["evidence"]
    assert (draft["accepted"], draft["items"][0]["value"]) == (False, PASSING["done"])
    history = ask(action="get_session", session_id=session)["session"]["phase_history"]
    assert [(one["phase"], one["status"], one["attempt"]) for one in history] == [
        (1, "completed", 1),
        (2, "in_progress", 1),
        (3, "rolled_back", 1),
    ]
