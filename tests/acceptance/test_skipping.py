"""Phases that the options make needless are skipped on entry: by their own condition, on record, and not for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mcp_server.settings import load
from mcp_server.storage.store import Store
from tests.support import PASSING, Ask, Body, Home, field
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

SMALL = "options.get('size') == 'small'"
STRICT = "options['size'] == 'small'"
NOTE = "Skip it if the project is small."
GATE: Body = {"evidence_schema": {"done": field()}, "max_attempts": 2}

WORKFLOWS: dict[str, dict[int, str | None]] = {
    "middle": {1: None, 2: SMALL, 3: None},
    "row": {0: None, 1: SMALL, 3: "lambda o: o.get('size') == 'small'", 4: None},
    "first": {1: SMALL, 2: SMALL, 3: None},
    "last": {1: None, 2: None, 3: SMALL},
    "rest": {1: None, 2: SMALL, 3: SMALL},
    "all": {1: SMALL, 2: SMALL},
    "note": {1: None, 2: NOTE, 3: None},
    "strict": {1: STRICT, 2: STRICT, 3: None},
    "large": {1: None, 2: "len(options['text']) > 2000", 3: None},
}
"""The condition of each phase; a phase without one cannot be skipped."""


def define(home: Home, name: str, phases: dict[int, str | None]) -> None:
    entries: list[Body] = []
    for number, condition in phases.items():
        skipping: Body = {} if condition is None else {"skippable": True, "skip_condition": condition}
        entries.append({"number": number, "gate": GATE, **skipping})
    home.define(name, entries)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server on a project with the workflows above."""
    home = Home.make(tmp_path_factory.mktemp("skipping"))
    for name, phases in WORKFLOWS.items():
        define(home, name, phases)
    with Wire(home) as wire:
        yield wire


def started(ask: Ask, workflow: str, size: str | None = "small", **arguments: Any) -> Body:
    options = {} if size is None else {"size": size}
    reply = ask(action="start", workflow_type=workflow, target_file="a.py", **{"options": options, **arguments})
    assert reply["status"] == "success", reply
    return reply


def passed(ask: Ask, session: str, phase: int, **arguments: Any) -> Body:
    reply = ask(action="complete_phase", session_id=session, phase=phase, evidence=PASSING, **arguments)
    assert reply.get("checkpoint_passed") is True, reply
    return reply


def statuses(ask: Ask, session: str) -> dict[int, str]:
    history = ask(action="get_session", session_id=session)["session"]["phase_history"]
    return {record["phase"]: record["status"] for record in history}


def skipped(body: Body) -> list[int]:
    return [one["phase"] for one in body.get("skipped_phases", [])]


def assert_verified(server: Wire, session: str) -> None:
    home = server.home
    assert home is not None
    loaded = load({"project": home.project, "user_dir": home.user}, cwd=home.project)
    report = Store(home.state, loaded.settings.user).verify(session)
    assert report.ok, report


def test_a_phase_in_the_middle_is_skipped_and_told_everywhere(ask: Ask, server: Wire) -> None:
    session = started(ask, "middle")["session_id"]
    reply = passed(ask, session, 1)
    assert reply["skipped_phases"] == [{"phase": 2, "title": "Phase 2", "skip_condition": SMALL}]
    assert reply["next_phase"]["phase_number"] == 3
    assert all(one["arguments"].get("phase", 3) == 3 for one in reply["next_actions"])

    state = ask(action="get_state", session_id=session)
    assert (state["current_phase"], state["completed_phases"], skipped(state)) == (3, [1], [2])
    assert state["progress_percent"] == 66
    assert list(state["artifacts"]) == ["phase_1"]
    assert "Completed: 1. Skipped: 2." in state["summary"]

    second = ask(action="get_session", session_id=session)["session"]["phase_history"][1]
    assert (second["phase"], second["status"], second["attempt"], second["skip_condition"]) == (2, "skipped", 0, SMALL)
    assert "completed_at" not in second
    assert_verified(server, session)

    reply = passed(ask, session, 3)
    assert reply["workflow_completed"] is True
    state = ask(action="get_state", session_id=session)
    assert (state["session_status"], state["completed_phases"], state["progress_percent"]) == ("completed", [1, 3], 100)


def test_with_other_options_the_same_phase_is_entered_and_shows_its_condition(ask: Ask) -> None:
    session = started(ask, "middle", "large")["session_id"]
    reply = passed(ask, session, 1)
    assert "skipped_phases" not in reply
    assert (reply["next_phase"]["phase_number"], reply["next_phase"]["skip_condition"]) == (2, SMALL)
    assert "skipped_phases" not in ask(action="get_state", session_id=session)


def test_several_in_a_row_are_skipped_at_once(ask: Ask, server: Wire) -> None:
    session = started(ask, "row")["session_id"]
    reply = passed(ask, session, 0)
    assert (skipped(reply), reply["next_phase"]["phase_number"]) == ([1, 3], 4)
    assert statuses(ask, session) == {0: "completed", 1: "skipped", 3: "skipped", 4: "in_progress"}
    assert_verified(server, session)


def test_a_session_begins_after_the_first_phases_when_they_are_skipped(ask: Ask, server: Wire) -> None:
    reply = started(ask, "first")
    assert (reply["current_phase"], reply["phase_content"]["phase_number"], skipped(reply)) == (3, 3, [1, 2])
    session = reply["session_id"]
    assert statuses(ask, session) == {1: "skipped", 2: "skipped", 3: "in_progress"}
    assert_verified(server, session)
    assert passed(ask, session, 3)["workflow_completed"] is True


@pytest.mark.parametrize(("workflow", "last", "gone"), [("last", 2, [3]), ("rest", 1, [2, 3])])
def test_skipping_what_is_left_completes_the_session(
    ask: Ask, server: Wire, workflow: str, last: int, gone: list[int]
) -> None:
    session = started(ask, workflow)["session_id"]
    for phase in range(1, last):
        passed(ask, session, phase)
    reply = passed(ask, session, last)
    assert (reply["workflow_completed"], reply["session_status"], skipped(reply)) == (True, "completed", gone)
    assert "next_phase" not in reply
    state = ask(action="get_state", session_id=session)
    assert (state["current_phase"], state["progress_percent"], skipped(state)) == (3, 100, gone)
    assert state["outstanding_evidence"] == []
    assert [one["arguments"]["action"] for one in state["next_actions"]] == ["get_session", "rollback"]
    assert_verified(server, session)


def test_a_start_that_would_skip_every_phase_is_refused(ask: Ask) -> None:
    call: Body = {"action": "start", "workflow_type": "all", "target_file": "a.py", "request_id": "skips-everything"}
    before = ask(action="list_sessions")["total"]
    refused = ask(**call, options={"size": "small"})
    assert (refused["error_type"], [one["field"] for one in refused["fields"]]) == ("ValueError", ["options"])
    assert ask(action="list_sessions")["total"] == before
    assert ask(**call, options={"size": "large"})["current_phase"] == 1


def test_a_start_is_answered_again_when_by_now_it_would_skip_every_phase(ask: Ask, server: Wire) -> None:
    home = server.home
    assert home is not None
    define(home, "growing", {1: None})
    reply = started(ask, "growing", request_id="begun-before-it-changed")
    define(home, "growing", {1: SMALL})
    again = started(ask, "growing", request_id="begun-before-it-changed")
    assert (again["session_id"], again["replayed"]) == (reply["session_id"], True)
    assert ask(action="start", workflow_type="growing", target_file="b.py", options={"size": "small"})["fields"]


def test_prose_is_a_note_that_is_shown_and_skips_nothing(ask: Ask) -> None:
    session = started(ask, "note")["session_id"]
    reply = passed(ask, session, 1)
    assert (reply["next_phase"]["phase_number"], reply["next_phase"]["skip_condition"]) == (2, NOTE)
    assert "warnings" not in reply
    assert "skipped_phases" not in reply


def test_a_condition_that_cannot_be_judged_skips_nothing_and_warns(ask: Ask) -> None:
    reply = started(ask, "strict", None)
    assert reply["current_phase"] == 1
    (warning,) = reply["warnings"]
    assert warning.startswith("Phase 1 is not skipped")
    assert "it needs 'size'" in warning
    reply = passed(ask, reply["session_id"], 1)
    assert reply["next_phase"]["phase_number"] == 2
    (warning,) = reply["warnings"]
    assert warning.startswith("Phase 2 is not skipped")
    assert "it needs 'size'" in warning


def test_a_refusal_does_not_speak_of_what_would_be_skipped(ask: Ask) -> None:
    session = started(ask, "strict", None)["session_id"]
    refused = ask(action="complete_phase", session_id=session, phase=1, evidence={})
    assert refused["error_type"] == "ValidationError"
    assert "warnings" not in refused


@pytest.mark.parametrize(("length", "following"), [(3_000, 3), (2_000, 2)])
def test_large_options_count_too(ask: Ask, length: int, following: int) -> None:
    session = started(ask, "large", options={"text": "x" * length})["session_id"]
    assert passed(ask, session, 1)["next_phase"]["phase_number"] == following


def test_a_skipped_phase_takes_no_evidence(ask: Ask) -> None:
    session = started(ask, "middle")["session_id"]
    passed(ask, session, 1)
    refused = ask(action="complete_phase", session_id=session, phase=2, evidence=PASSING)
    assert (refused["error_type"], refused["current_phase"]) == ("StateError", 3)
    assert "Phase 2 was skipped" in refused["error"]
    assert "rollback" in refused["allowed_actions"]


@pytest.mark.parametrize(("workflow", "target"), [("middle", 2), ("rest", 2), ("rest", 3), ("last", 3)])
def test_a_rollback_to_a_skipped_phase_opens_it(ask: Ask, server: Wire, workflow: str, target: int) -> None:
    session = started(ask, workflow)["session_id"]
    for phase in (1, 2) if workflow == "last" else (1,):
        passed(ask, session, phase)
    reply = ask(action="rollback", session_id=session, to_phase=target)
    assert (reply["phase_content"]["phase_number"], reply["artifacts_cleared"]) == (target, [])
    state = ask(action="get_state", session_id=session)
    assert (state["current_phase"], state["session_status"], state["gate"]) == (target, "active", "open")
    assert state["completed_phases"] == [1, 2][: 2 if workflow == "last" else 1]
    assert target not in skipped(state)
    assert statuses(ask, session)[target] == "in_progress"
    assert_verified(server, session)


def test_after_an_opened_phase_the_next_is_judged_on_entry(ask: Ask) -> None:
    session = started(ask, "rest")["session_id"]
    passed(ask, session, 1)
    ask(action="rollback", session_id=session, to_phase=2)
    reply = passed(ask, session, 2)
    assert (reply["workflow_completed"], skipped(reply)) == (True, [3])
    assert statuses(ask, session) == {1: "completed", 2: "completed", 3: "skipped"}


def test_a_retry_of_an_opened_phase_keeps_it_open(ask: Ask) -> None:
    session = started(ask, "middle")["session_id"]
    passed(ask, session, 1)
    ask(action="rollback", session_id=session, to_phase=2)
    refused = [ask(action="complete_phase", session_id=session, phase=2, evidence={}) for _ in range(2)]
    assert refused[-1]["session_status"] == "failed"
    assert ask(action="retry_phase", session_id=session, phase=2)["phase_content"]["phase_number"] == 2
    assert passed(ask, session, 2)["next_phase"]["phase_number"] == 3
    assert statuses(ask, session) == {1: "completed", 2: "completed", 3: "in_progress"}


def test_after_a_rollback_to_before_them_phases_are_judged_again(ask: Ask, server: Wire) -> None:
    session = started(ask, "middle")["session_id"]
    passed(ask, session, 1)
    passed(ask, session, 3)
    assert ask(action="rollback", session_id=session, to_phase=1)["artifacts_cleared"] == [3]
    assert statuses(ask, session) == {1: "in_progress", 2: "rolled_back", 3: "rolled_back"}
    assert "skipped_phases" not in ask(action="get_state", session_id=session)
    assert_verified(server, session)
    assert skipped(passed(ask, session, 1)) == [2]
    assert statuses(ask, session) == {1: "completed", 2: "skipped", 3: "in_progress"}


def test_the_pinned_condition_counts_not_the_one_on_disk(ask: Ask, server: Wire) -> None:
    home = server.home
    assert home is not None
    define(home, "pinned", {1: None, 2: SMALL, 3: None})
    session = started(ask, "pinned")["session_id"]
    define(home, "pinned", {1: None, 2: None, 3: None})
    assert skipped(passed(ask, session, 1)) == [2]


def test_repeated_calls_tell_the_same_skipped_phases_again(ask: Ask) -> None:
    first = started(ask, "first", request_id="skips-the-first-two")
    again = started(ask, "first", request_id="skips-the-first-two")
    assert again == {**first, "replayed": True}

    session = started(ask, "rest")["session_id"]
    call: Body = {"request_id": "skips-all-the-rest"}
    first = passed(ask, session, 1, **call)
    ask(action="rollback", session_id=session, to_phase=3)
    again = passed(ask, session, 1, **call)
    assert (skipped(again), again["workflow_completed"], again["replayed"]) == ([2, 3], True, True)
    present = {"version", "session_status", "next_actions", "replayed"}
    assert {key: value for key, value in again.items() if key not in present} == {
        key: value for key, value in first.items() if key not in present
    }


def test_a_long_list_of_skipped_phases_stays_bounded(ask: Ask, server: Wire) -> None:
    home = server.home
    assert home is not None
    condition = f"{SMALL} or options.get('size') == '{'x' * 600}'"
    define(home, "long", {1: None, **dict.fromkeys(range(2, 200), condition), 200: None})
    session = started(ask, "long")["session_id"]
    reply = passed(ask, session, 1)
    assert reply["next_phase"]["phase_number"] == 200
    assert 5 < len(reply["skipped_phases"]) < 198
    assert all(len(one["skip_condition"]) <= 500 for one in reply["skipped_phases"])
    state = ask(action="get_state", session_id=session)
    assert (state["progress_percent"], state["completed_phases"]) == (99, [1])
