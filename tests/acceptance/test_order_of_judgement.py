"""Of two things that are wrong, the one that comes first in the contract's order is told.

Unknown action, form, not found or corrupt, request_id, expected_version, phase and task, status, gate.
"""

from __future__ import annotations

import pytest

from tests.support import PASSING, Ask, Home, arrange

pytestmark = [pytest.mark.acceptance, pytest.mark.requirement("order-of-judgement")]


def test_an_unknown_action_comes_before_the_form(ask: Ask) -> None:
    reply = ask(action="finish", session_id="NO ID", colour="red")
    assert "valid_actions" in reply
    assert "fields" not in reply


def test_the_form_comes_before_what_is_not_there(ask: Ask) -> None:
    reply = ask(action="pause", session_id="no_such_session", checkpoint_note=1)
    assert (reply["error_type"], reply["fields"][0]["field"]) == ("ValueError", "checkpoint_note")


def test_a_target_outside_the_project_comes_before_a_workflow_that_is_not_there(home: Home) -> None:
    (home.project / "way_out").symlink_to("/")
    reply = home.asking()(action="start", workflow_type="no_such_workflow", target_file="way_out/etc/passwd")
    assert (reply["error_type"], reply["fields"][0]["field"]) == ("ValueError", "target_file")


def test_a_session_that_is_gone_comes_before_its_request_id(ask: Ask) -> None:
    session = arrange(ask, "open")
    request = f"gone-{session[-8:]}"
    ask(action="pause", session_id=session, request_id=request)
    ask(action="delete_session", session_id=session)
    again = ask(action="pause", session_id=session, request_id=request)
    other = ask(action="resume", session_id=session, request_id=request, expected_version=1)
    assert (again["error_type"], other["error_type"]) == ("NotFoundError", "NotFoundError")


def test_a_corrupt_session_comes_before_its_request_id(home: Home) -> None:
    ask = home.asking()
    session = arrange(ask, "open")
    ask(action="pause", session_id=session, request_id="corrupt-later-1")
    head = home.state / "workflows" / f"{session}.json"
    head.write_bytes(head.read_bytes()[:-40])
    before = home.tree()
    for action in ("pause", "resume"):
        reply = ask(action=action, session_id=session, request_id="corrupt-later-1", expected_version=1)
        assert reply["error_type"] == "CorruptStateError"
        assert reply["finding"]
    assert home.tree() == before


def test_a_known_request_id_comes_before_the_expected_version(ask: Ask) -> None:
    session = arrange(ask, "open")
    request = f"known-{session[-8:]}"
    first = ask(action="pause", session_id=session, request_id=request, expected_version=2)
    again = ask(action="pause", session_id=session, request_id=request, expected_version=2)
    assert (first["version"], again["version"], again["replayed"]) == (3, 3, True)
    other = ask(action="resume", session_id=session, request_id=request, expected_version=99)
    assert other["error_type"] == "ConflictError"
    assert "request_id" in other["error"]


def test_a_cursor_that_is_none_is_an_error_of_form_told_with_the_others(ask: Ask) -> None:
    reply = ask(action="get_phase", session_id="nothing_here", cursor="zzz")
    assert [one["field"] for one in reply["fields"]] == ["cursor"]
    reply = ask(action="list_sessions", status="open", cursor="zzz")
    assert {one["field"] for one in reply["fields"]} == {"status", "cursor"}


def test_the_expected_version_comes_before_a_phase_that_is_not_there(ask: Ask) -> None:
    session = arrange(ask, "open")
    for action, more in (
        ("complete_phase", {"phase": 99, "evidence": PASSING}),
        ("retry_phase", {"phase": 99}),
        ("rollback", {"to_phase": 99}),
    ):
        assert ask(action=action, session_id=session, expected_version=1, **more)["error_type"] == "ConflictError"


@pytest.mark.parametrize("state", ["paused", "completed"])
def test_a_phase_that_is_not_there_comes_before_the_status(ask: Ask, state: str) -> None:
    session = arrange(ask, state)
    for action, more in (
        ("complete_phase", {"phase": 99, "evidence": PASSING}),
        ("retry_phase", {"phase": 99}),
        ("rollback", {"to_phase": 99}),
        ("get_task", {"phase": 99, "task_number": 1}),
        ("get_task", {"phase": 1, "task_number": 99}),
        ("get_session", {"phase": 99}),
    ):
        reply = ask(action=action, session_id=session, **more)
        assert reply["error_type"] == "NotFoundError", action
        assert reply["did_you_mean"], action
        assert reply["session_id"] == session


def test_a_task_that_is_not_there_comes_before_a_phase_that_is_closed(ask: Ask) -> None:
    session = arrange(ask, "open")
    assert ask(action="get_task", session_id=session, phase=3, task_number=99)["error_type"] == "NotFoundError"
    assert ask(action="get_task", session_id=session, phase=3, task_number=1)["error_type"] == "StateError"


@pytest.mark.parametrize("state", ["paused", "failed", "completed"])
def test_the_status_comes_before_the_gate(ask: Ask, state: str) -> None:
    session = arrange(ask, state)
    errors = ask(action="get_errors", session_id=session)["error_count"]
    reply = ask(action="complete_phase", session_id=session, phase=2, evidence={})
    assert reply["error_type"] == "StateError"
    assert ask(action="get_errors", session_id=session)["error_count"] == errors


def test_a_phase_that_is_not_current_comes_before_the_gate(ask: Ask) -> None:
    session = arrange(ask, "open")
    for phase in (1, 3):
        reply = ask(action="complete_phase", session_id=session, phase=phase, evidence={})
        assert (reply["error_type"], reply["current_phase"]) == ("StateError", 2)
    assert ask(action="get_errors", session_id=session)["error_count"] == 0
