"""What an assistant is told to do next, in calls and in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import PASSING, STATES, Ask, Body, Home, arrange, define_small_workflows, field

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


def test_a_gate_that_asks_for_no_evidence_is_offered_as_a_whole_call(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    checks = [{"id": "written", "file": "report.md", "pass": {"exists": True}}]
    home.define("seen", [{"number": 1, "gate": {"checks": checks}}])
    ask = home.asking()
    reply = ask(action="start", workflow_type="seen", target_file="a.py")
    for passes in (False, True):
        (offer,) = (one for one in reply["next_actions"] if one["arguments"]["action"] == "complete_phase")
        assert "fill" not in offer
        reply = ask(**offer["arguments"])
        assert reply["checkpoint_passed"] is passes
        home.write({"report.md": "all of it"})


@pytest.mark.parametrize("gate", [{"budget": {}}, {"rule": True}, {"optional": True}])
def test_evidence_that_may_count_is_left_to_be_filled_in(tmp_path: Path, gate: dict[str, object]) -> None:
    home = Home.make(tmp_path)
    written: Body = {"checks": [{"id": "written", "file": "report.md", "pass": {"exists": True}}]}
    if "rule" in gate:
        written["cross_field_validation"] = [{"rule": "lambda e: e['n'] > 1", "error_message": "n above 1"}]
    if "optional" in gate:
        written["evidence_schema"] = {"note": {"type": "string", "required": False}}
    metadata: Body = {"budget": {"max_tokens": 100, "mode": "strict"}} if "budget" in gate else {}
    home.define("seen", [{"number": 1, "gate": written}], **metadata)
    (offer,) = home.asking()(action="start", workflow_type="seen", target_file="a.py")["next_actions"]
    assert offer["fill"] == ["evidence"]


def long_workflow(home: Home) -> None:
    long = "Read every word of it. " * 4_000
    phase = {"text": f"# Long\n\n{long}", "tasks": {"task-1-read.md": f"# Read\n\n{long}"}}
    home.define("long", [{"number": 1, **phase, "gate": {"evidence_schema": {"done": field()}}}])


def test_a_reply_that_is_cut_short_leads_to_its_rest_first(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    long_workflow(home)
    ask = home.asking()
    reply = ask(action="start", workflow_type="long", target_file="a.py")
    session = reply["session_id"]
    assert reply["phase_content"]["checkpoint"]["required_evidence"] == []
    while "next_cursor" in reply:
        offer = reply["next_actions"][0]
        assert offer["arguments"]["cursor"] == reply["next_cursor"]
        reply = ask(**offer["arguments"])
    assert reply["phase_content"]["checkpoint"]["required_evidence"] == ["done"]
    parts = [ask(**reply["next_actions"][0]["arguments"])]
    while "next_cursor" in parts[-1]:
        parts.append(ask(**parts[-1]["next_actions"][0]["arguments"]))
    assert {(one["action"], one["task_number"]) for one in parts} == {("get_task", 1)}
    assert len(parts) == 2
    again = ask(action="rollback", session_id=session, to_phase=1)
    assert again["next_actions"][0]["arguments"] == {
        "action": "get_phase",
        "session_id": session,
        "cursor": again["next_cursor"],
    }


def test_what_a_refusal_said_is_looked_up_where_it_is_not_told(ask: Ask) -> None:
    session = arrange(ask, "refused")

    def first(**arguments: Any) -> str:
        return ask(session_id=session, **arguments)["next_actions"][0]["arguments"]["action"]

    assert first(action="get_state") == "get_phase"
    assert first(action="get_phase") == "get_errors"
    assert first(action="get_session") == "get_errors"
    assert first(action="get_errors") == "complete_phase"
    ask(action="pause", session_id=session)
    assert first(action="resume") == "get_errors"
    assert first(action="get_errors") == "get_task"
    assert first(action="complete_phase", phase=2, evidence={"don": "it"}) == "pause"
    assert first(action="retry_phase", phase=2) == "get_task"


def test_the_first_phase_has_none_to_go_back_to(ask: Ask) -> None:
    session = ask(action="start", workflow_type="steps", target_file="a.py")["session_id"]
    for _ in range(2):
        ask(action="complete_phase", session_id=session, phase=1, evidence={})
    failed = ask(action="complete_phase", session_id=session, phase=1, evidence={})
    assert [one["arguments"]["action"] for one in failed["next_actions"]] == ["get_errors", "retry_phase"]
    later = ask(action="get_state", session_id=arrange(ask, "failed"))
    assert "rollback" in {one["arguments"]["action"] for one in later["next_actions"]}


def test_past_refusals_do_not_speak_of_attempts_that_are_counted_anew(ask: Ask) -> None:
    session = arrange(ask, "failed")
    retried = ask(action="retry_phase", session_id=session, phase=2)
    assert retried["attempts_left"] == 3
    assert len({one["remediation"] for one in retried["previous_errors"]}) == 1
    assert "retry_phase" not in retried["previous_errors"][-1]["remediation"]
