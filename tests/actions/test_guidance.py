"""What an assistant is told to do next, in calls and in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import PASSING, STATES, Ask, Home, arrange, define_small_workflows, field

pytestmark = pytest.mark.integration


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    return home.asking()


FIRST = {
    "open": "get_phase",
    "refused": "get_phase",
    "blocked": "pause",
    "paused": "resume",
    "failed": "get_errors",
    "completed": "get_session",
}
SAID = {
    "open": "complete_phase",
    "refused": "The gate of phase 2 refused attempt 1: missing done.",
    "blocked": "The gate of phase 2 is blocked: ",
    "paused": "resume",
    "failed": "refused attempt 3: missing done. Its attempts are used up",
    "completed": "Completed: 1, 2, 3",
}


@pytest.mark.parametrize("state", STATES)
def test_the_best_next_call_comes_first_and_the_summary_says_the_same(ask: Ask, state: str) -> None:
    told = ask(action="get_state", session_id=arrange(ask, state))
    assert told["next_actions"][0]["arguments"]["action"] == FIRST[state]
    assert SAID[state] in told["summary"]
    assert "steps" in told["summary"] or "guarded" in told["summary"]
    assert "target.py" in told["summary"]


def test_tasks_come_one_after_the_other_and_then_the_gate(ask: Ask) -> None:
    reply = ask(action="start", workflow_type="steps", target_file="a.py")
    seen: list[tuple[str, int | None]] = []
    for _ in range(3):
        arguments = reply["next_actions"][0]["arguments"]
        seen.append((arguments["action"], arguments.get("task_number")))
        if arguments["action"] == "get_task":
            reply = ask(**arguments)
    assert seen == [("get_task", 1), ("get_task", 2), ("complete_phase", None)]


def test_an_earlier_phases_task_leads_back_to_the_current_phase(ask: Ask) -> None:
    session = arrange(ask, "open")
    reply = ask(action="get_task", session_id=session, phase=1, task_number=1)
    assert reply["next_task"] == 2
    assert reply["next_actions"][0]["arguments"]["phase"] == 2


def test_a_long_note_does_not_crowd_out_what_to_do(ask: Ask) -> None:
    session = arrange(ask, "open")
    ask(action="complete_phase", session_id=session, phase=2, evidence={})
    ask(action="pause", session_id=session, checkpoint_note="note " * 400)
    ask(action="resume", session_id=session)
    summary = ask(action="get_state", session_id=session)["summary"]
    assert len(summary.split()) <= 150
    assert "complete_phase" in summary
    assert "refused attempt 1: missing done" in summary
    assert summary.count("note") > 50


def test_a_draft_that_was_accepted_before_is_spoken_of(ask: Ask) -> None:
    session = arrange(ask, "completed")
    ask(action="rollback", session_id=session, to_phase=2)
    told = ask(action="get_state", session_id=session)
    assert told["outstanding_evidence"] == []
    assert "draft" in told["summary"]
    assert ask(action="complete_phase", session_id=session, phase=2, evidence=PASSING)["checkpoint_passed"] is True


def test_what_only_a_person_reopens_is_said_wherever_an_assistant_looks(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    gate = {"evidence_schema": {"done": field()}, "max_attempts": 1, "reopen": "person"}
    home.define("strict", [{"number": 1, "gate": gate}])
    ask = home.asking()
    session = ask(action="start", workflow_type="strict", target_file="a.py")["session_id"]
    failed = ask(action="complete_phase", session_id=session, phase=1, evidence={})
    assert "pos-workflow reopen" in failed["remediation"]
    assert [one["arguments"]["action"] for one in failed["next_actions"]] == ["get_errors"]
    state = ask(action="get_state", session_id=session)
    assert "pos-workflow reopen" in state["summary"]
    assert ask(action="pause", session_id=session)["allowed_actions"] == ["delete_session"]


def test_errors_that_are_not_shown_any_more_are_told_of(ask: Ask) -> None:
    session = arrange(ask, "failed")
    ask(action="retry_phase", session_id=session, phase=2)
    for _ in range(2):
        ask(action="complete_phase", session_id=session, phase=2, evidence={})
    retried = ask(action="retry_phase", session_id=session, phase=2)
    assert len(retried["previous_errors"]) == 3
    assert retried["warnings"] == ["Earlier errors of this phase are not shown here; get_errors has them all."]


def define_asking(home: Home) -> None:
    gate = {"evidence_schema": {"done": field()}, "approval": {"required": True, "prompt": "Good?", "expires_hours": 1}}
    home.define("asking", [{"number": 1, "gate": gate}, {"number": 2}])


def test_who_waits_for_a_person_is_told_whom_to_ask_and_when_to_look_again(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    define_asking(home)
    ask = home.asking()
    session = ask(action="start", workflow_type="asking", target_file="a.py")["session_id"]
    waiting = ask(action="complete_phase", session_id=session, phase=1, evidence={"done": "yes"})
    command = f"pos-workflow approve {session}"
    for _ in range(2):
        first = waiting["next_actions"][0]
        assert first["arguments"] == {"action": "get_phase", "session_id": session}
        assert command in first["why"]
        waiting = ask(**first["arguments"])
        assert waiting["gate"] == "awaiting_approval"
    summary = ask(action="get_state", session_id=session)["summary"]
    assert command in summary
    assert "draft" not in summary


def test_a_budget_that_is_nearly_used_up_is_said_in_every_reply(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    gate = {"evidence_schema": {"done": field()}}
    home.define("frugal", [{"number": 1, "gate": gate}], budget={"max_tokens": 10})
    ask = home.asking()
    session = ask(action="start", workflow_type="frugal", target_file="a.py")["session_id"]
    for tokens, said in ((7, False), (1, True)):
        usage = {"usage": {"tokens": tokens}}
        replies = [
            ask(action="complete_phase", session_id=session, phase=1, evidence=usage),
            ask(action="get_state", session_id=session),
            ask(action="get_task", session_id=session, phase=1, task_number=9),
        ]
        for reply in replies:
            assert any("8 of 10 tokens" in one for one in reply.get("warnings", [])) is said, reply
