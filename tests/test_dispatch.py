"""Whatever goes wrong becomes a reply: what the caller can mend says how, what is our defect says an id alone."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json

from mcp_server.definitions import pinned
from mcp_server.dispatch import FIELDS_SHOWN, dispatch
from tests.logged import logged
from tests.support import ACTIONS, PASSING, Body, Home, arrange, asking, define_small_workflows, engine_with, of_answer

pytestmark = pytest.mark.integration


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    return home


def broken_clock() -> datetime:
    raise RuntimeError("the clock at /secret/place has stopped")


@pytest.mark.requirement("a-defect-of-ours")
@pytest.mark.parametrize(
    ("action", "more"),
    [
        ("start", {"workflow_type": "steps", "target_file": "a.py"}),
        ("complete_phase", {"phase": 2, "evidence": PASSING}),
        ("pause", {}),
        ("retry_phase", {"phase": 2}),
        ("rollback", {"to_phase": 1}),
        ("delete_session", {}),
        ("list_sessions", {}),
    ],
)
def test_a_defect_of_ours_is_told_by_its_id_and_its_traceback_is_in_the_log(
    home: Home, action: str, more: Body
) -> None:
    session = arrange(home.asking(), "open")
    before = home.tree()
    about = {} if action in ("start", "list_sessions") else {"session_id": session}
    with logged() as log:
        reply = asking(engine_with(home, broken_clock), home)(action=action, **about, **more)
    assert reply["error_type"] == "RuntimeError"
    assert set(reply) <= {"status", "action", "error", "error_type", "remediation", "error_id"}
    assert "clock" not in str(reply)
    (defect,) = [line for line in log if line["event"] == "defect"]
    assert defect["correlation_id"] == reply["error_id"]
    assert "the clock at /secret/place has stopped" in defect["exception"]
    assert "Traceback" in defect["exception"]
    after = home.tree()
    assert {name: after[name] for name in before} == before


@pytest.mark.requirement("corrupt-state-error")
@pytest.mark.parametrize("how", ["gone", "changed", "emptied"])
def test_a_destroyed_definition_is_corrupt_state_and_no_defect(home: Home, how: str) -> None:
    session = arrange(home.asking(), "open")
    digest = home.asking()(action="get_session", session_id=session)["session"]["definition"]["digest"]
    blob = home.state / "blobs" / digest[:2] / digest
    match how:
        case "gone":
            blob.unlink()
        case "changed":
            blob.write_bytes(blob.read_bytes() + b" ")
        case _:
            blob.write_bytes(b"")
    # What was read before is remembered in the process; here nothing was.
    pinned._workflows.clear()  # pyright: ignore[reportPrivateUsage]
    ask = home.asking()
    for call in (
        {"action": "get_phase"},
        {"action": "get_state"},
        {"action": "get_session"},
        {"action": "get_task", "phase": 1, "task_number": 1},
        {"action": "complete_phase", "phase": 2, "evidence": PASSING},
        {"action": "retry_phase", "phase": 2},
    ):
        reply = ask(session_id=session, **call)
        assert reply["error_type"] == "CorruptStateError", call
        assert reply["finding"]
    assert [one["session_id"] for one in ask(action="list_sessions")["sessions"]] == [session]


@pytest.mark.requirement("corrupt-state-error")
@pytest.mark.parametrize("how", ["half", "empty", "an empty object", "a list", "another target", "a blank more"])
def test_a_head_that_cannot_be_trusted_is_named_and_left(home: Home, how: str) -> None:
    session = arrange(home.asking(), "open")
    head = home.state / "workflows" / f"{session}.json"
    text = head.read_text()
    changed = {
        "half": text[: len(text) // 2],
        "empty": "",
        "an empty object": "{}",
        "a list": "[]",
        "another target": text.replace("target.py", "turget.py"),
        "a blank more": f"{text} ",
    }
    assert changed[how] != text
    head.write_text(changed[how])
    before = home.tree()
    for call in ({"action": "get_state"}, {"action": "pause"}, {"action": "get_errors"}, {"action": "delete_session"}):
        reply = home.asking()(session_id=session, **call)
        assert reply["error_type"] == "CorruptStateError"
        assert reply["finding"].startswith(("torn: ", "tampered: "))
    assert home.tree() == before


@pytest.mark.requirement("corrupt-state-error")
def test_a_lost_value_is_corrupt_state_and_the_session_can_still_be_listed(home: Home) -> None:
    ask = home.asking()
    session = arrange(ask, "open")
    ask(action="complete_phase", session_id=session, phase=2, evidence={"done": "x" * 5000})
    sha = ask(action="get_state", session_id=session)["artifacts"]["phase_2"]["done"]["sha256"]
    (home.state / "blobs" / sha[:2] / sha).unlink()
    reply = ask(action="get_session", session_id=session, phase=2)
    assert reply["error_type"] == "CorruptStateError"
    assert ask(action="get_state", session_id=session)["status"] == "success"


@pytest.mark.requirement("fourteen-actions")
@pytest.mark.parametrize("arguments", [None, {}, {"action": None}])
def test_a_call_that_says_nothing_is_told_the_actions(home: Home, arguments: Body | None) -> None:
    reply = of_answer(dispatch(home.engine(), arguments))
    assert reply["action"] == "unknown"
    assert reply["valid_actions"] == list(ACTIONS)


@pytest.mark.requirement("form-errors-name-the-field")
@pytest.mark.parametrize(
    "arguments",
    [
        {"action": "\ud800"},
        {"action": "list_workflows", "\udfff": 1},
        {"action": "start", "workflow_type": "\ud800", "target_file": "a"},
        {"action": "start", "workflow_type": "steps", "target_file": "\ud800"},
        {"action": "start", "workflow_type": "steps", "target_file": "a", "request_id": "\ud800" * 12},
        {"action": "start", "workflow_type": "steps", "target_file": "a", "options": {"a": "\ud800"}},
        {"action": "pause", "session_id": "\ud800"},
        {"action": "pause", "session_id": "abc", "checkpoint_note": "\ud800"},
        {"action": "list_workflows", "category": "\ud800"},
        {"action": "list_sessions", "cursor": "\ud800"},
        {"action": "list_sessions", "status": "\ud800"},
    ],
)
def test_half_a_character_is_refused_in_a_reply_that_can_be_sent(home: Home, arguments: Body) -> None:
    answered = dispatch(home.engine(), arguments)
    assert answered.body["error_type"] == "ValueError"
    assert to_json(answered.body)


@pytest.mark.requirement("form-errors-name-the-field")
def test_values_that_no_json_has_are_refused(home: Home) -> None:
    ask = home.asking()
    session = arrange(ask, "open")
    endless: Body = {}
    endless["endless"] = endless
    given: list[Any] = [{"a": {1, 2}}, {"a": object()}, {"a": float("nan")}, {1: 2}, endless, {"a": b"bytes"}]
    for evidence in given:
        reply = ask(action="complete_phase", session_id=session, phase=2, evidence=evidence)
        assert reply["error_type"] == "ValueError"
        assert reply["fields"][0]["field"].startswith("evidence")


@pytest.mark.requirement("form-errors-all-at-once")
def test_no_more_errors_of_form_are_told_than_help(home: Home) -> None:
    ask = home.asking()
    few = ask(action="list_workflows", **{f"p{number}": 1 for number in range(FIELDS_SHOWN)})
    assert len(few["fields"]) == FIELDS_SHOWN
    assert "more" not in few["error"]
    many = ask(action="list_workflows", **{f"p{number}": 1 for number in range(FIELDS_SHOWN + 3)})
    assert many["fields"][-1] == {"field": "arguments", "problem": "and 3 more are wrong"}


@pytest.mark.requirement("form-errors-name-the-field")
def test_what_is_no_parameter_is_told_from_what_is_out_of_place(home: Home) -> None:
    reply = home.asking()(action="pause", session_id="abc", phase=1, colour="red")
    problems = {entry["field"]: entry["problem"] for entry in reply["fields"]}
    assert problems == {"phase": "is not a parameter of pause", "colour": "is unknown"}
    assert reply["remediation"].endswith("It takes session_id, checkpoint_note, request_id, expected_version.")


@pytest.mark.requirement("form-errors-name-the-field")
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("workflow", "workflow_type"),
        ("target", "target_file"),
        ("workflw_type", "workflow_type"),
        ("option", "options"),
    ],
)
def test_a_parameter_that_is_nearly_right_is_recognised(home: Home, given: str, meant: str) -> None:
    reply = home.asking()(action="start", **{given: "x"})
    (problem,) = [entry["problem"] for entry in reply["fields"] if entry["field"] == given]
    assert problem == f"is unknown; did you mean {meant}?"


def test_a_parameter_that_was_given_is_not_proposed_for_another(home: Home) -> None:
    reply = home.asking()(action="get_phase", session_id="abc", session="abc")
    assert reply["fields"] == [{"field": "session", "problem": "is unknown"}]


@pytest.mark.requirement("form-errors-name-the-field")
def test_no_error_repeats_a_value(home: Home) -> None:
    reply = home.asking()(action="start", workflow_type=["s3cr3t"], target_file={"s3cr3t": 1}, options="s3cr3t")
    assert {entry["field"] for entry in reply["fields"]} == {"workflow_type", "target_file", "options"}
    assert "s3cr3t" not in str(reply)


def test_each_call_is_one_line_in_the_log_without_its_content(home: Home) -> None:
    ask = home.asking()
    with logged() as log:
        session = arrange(ask, "open")
        ask(action="complete_phase", session_id=session, phase=2, evidence={"done": "s3cr3t"})
        ask(action="resume", session_id=session)
    assert [line["outcome"] for line in log if line["event"] == "call"] == ["success"] * 3 + ["StateError"]
    assert "s3cr3t" not in str(log)
    assert all(line["duration_ms"] >= 0 for line in log if line["event"] == "call")


def test_the_clock_may_go_back_and_nothing_else_does(home: Home) -> None:
    session = arrange(home.asking(), "open")
    then = home.asking()(action="get_state", session_id=session)
    ask = asking(engine_with(home, lambda: datetime(2001, 1, 1, tzinfo=UTC)), home)
    ask(action="pause", session_id=session)
    resumed = asking(engine_with(home, lambda: datetime(2000, 1, 1, tzinfo=UTC)), home)(
        action="resume", session_id=session
    )
    assert resumed["paused_duration_seconds"] == 0
    now = ask(action="get_state", session_id=session)
    assert now["last_updated"] >= then["last_updated"]
    assert now["version"] == then["version"] + 2


def test_in_a_program_that_configured_no_logs_a_call_prints_nothing(tmp_path: Path) -> None:
    program = (
        "from mcp_server import app, settings; from mcp_server.dispatch import dispatch; "
        f"dispatch(app.build_engine(settings.load({{'project': {str(tmp_path)!r}, 'user_dir': {str(tmp_path)!r}}})), "
        "{'action': 'list_workflows'})"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
