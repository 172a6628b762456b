"""Gates whose checks the server runs itself: over the wire, with real programs, and with servers that die."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.dispatch import Waiting, begin, dispatch
from tests.support import Body, Home, field, of_answer
from tests.trusting import trust
from tests.waiting import PATIENCE, define_long, gate, lives, pids, python, until
from tests.wire import Wire

pytestmark = pytest.mark.acceptance


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    home.define(
        "counted",
        [
            {
                "number": 1,
                "gate": {
                    "evidence_schema": {"passed": {"type": "integer", "from_check": "tests"}},
                    "checks": [
                        {
                            "id": "tests",
                            "description": "All tests pass",
                            "run": ["python", "suite.py"],
                            "pass": {"exit_code": 0, "stdout_number": {"pattern": r"(\d+) passed", "at_least": 3}},
                        }
                    ],
                },
            },
            {"number": 2},
        ],
    )
    define_long(home)
    return home


@pytest.fixture
def long(home: Home) -> Iterator[tuple[Wire, str]]:
    """A server, and a session of it at a gate whose check runs until a file ``go`` is there."""
    trust(home, "long")
    with Wire(home) as wire:
        yield wire, wire.call(action="start", workflow_type="long", target_file=".")["session_id"]
        home.write({"go": ""})


def begun(wire: Wire, home: Home, session: str, **more: object) -> int:
    """The id of a call whose check runs."""
    had = len(pids(home))
    call = wire.post_call(action="complete_phase", session_id=session, phase=1, evidence={"note": "x"}, **more)
    until(lambda: len(pids(home)) > had)
    return call


def start(home: Home, workflow: str) -> tuple[Body, str]:
    started = home.asking()(action="start", workflow_type=workflow, target_file=".")
    return started, started["session_id"]


def test_what_nobody_trusts_blocks_and_says_what_a_person_has_to_do(home: Home) -> None:
    home.write({"suite.py": "print('3 passed')"})
    started, session = start(home, "counted")
    assert any("pos-workflow trust counted" in warning for warning in started["warnings"])
    ask = home.asking()
    blocked = ask(action="complete_phase", session_id=session, phase=1, evidence={})
    assert (blocked["gate"], [check["status"] for check in blocked["checks"]]) == ("blocked", ["blocked"])
    assert f"pos-workflow trust --session {session}" in blocked["error"]
    assert "attempts_left" not in blocked
    trust(home, "counted")
    assert ask(action="complete_phase", session_id=session, phase=1, evidence={})["checkpoint_passed"] is True


def test_a_changed_definition_is_not_trusted_and_the_pinned_one_goes_on(home: Home) -> None:
    home.write({"suite.py": "print('3 passed')"})
    trust(home, "counted")
    _, pinned = start(home, "counted")
    file = home.definitions / "counted" / "phases" / "1" / "gate-definition.yaml"
    file.write_text(file.read_text().replace("suite.py", "other.py"))
    started, changed = start(home, "counted")
    assert any("pos-workflow trust" in warning for warning in started["warnings"])
    ask = home.asking()
    assert ask(action="complete_phase", session_id=changed, phase=1, evidence={})["gate"] == "blocked"
    assert ask(action="complete_phase", session_id=pinned, phase=1, evidence={})["checkpoint_passed"] is True


def test_a_failing_check_refuses_with_what_it_printed(home: Home) -> None:
    home.write({"suite.py": "import sys; print('2 passed'); print('1 failed', file=sys.stderr); sys.exit(1)"})
    trust(home, "counted")
    _, session = start(home, "counted")
    refused = home.asking()(action="complete_phase", session_id=session, phase=1, evidence={"passed": 3})
    (check,) = refused["checks"]
    assert (refused["gate"], refused["attempts_left"], refused["failed_checks"]) == ("refused", 2, ["tests"])
    assert (check["status"], check["exit_code"]) == ("failed", 1)
    assert (check["stdout"], check["stderr"]) == ("2 passed", "1 failed")
    errors = home.asking()(action="get_errors", session_id=session)["errors"]
    assert "check tests" in errors[0]["message"]


def test_what_the_server_read_counts_and_not_what_was_submitted(home: Home) -> None:
    home.write({"suite.py": "print('7 passed')"})
    trust(home, "counted")
    _, session = start(home, "counted")
    ask = home.asking()
    passed = ask(action="complete_phase", session_id=session, phase=1, evidence={"passed": 99})
    assert passed["evidence_accepted"] == [{"name": "passed", "basis": "verified"}]
    assert passed["basis"] == "verified"
    assert any("what the server read itself counts" in warning for warning in passed["warnings"])
    assert ask(action="get_state", session_id=session)["artifacts"]["phase_1"] == {"passed": 7}


def test_the_form_of_the_evidence_is_judged_before_anything_is_run(home: Home, long: tuple[Wire, str]) -> None:
    wire, session = long
    refused = wire.call(action="complete_phase", session_id=session, phase=1, evidence={})
    assert (refused["gate"], refused["missing_evidence"]) == ("refused", ["note"])
    assert pids(home) == []


def test_what_takes_longer_than_a_host_waits_is_handed_over(home: Home) -> None:
    trust(home, "long")
    _, session = start(home, "long")
    engine = home.engine()
    call: Body = {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": {"note": "x"}}
    try:
        handed = of_answer(dispatch(engine, call, patience=0.2))
        assert (handed["status"], handed["checkpoint_passed"], handed["gate"]) == ("success", False, "checking")
        assert {one["status"] for one in handed["checks"]} == {"running"}
        assert handed["poll_after_seconds"] > 0
        again = of_answer(dispatch(engine, call, patience=0.2))
        assert (again["gate"], again["version"]) == ("checking", handed["version"])
        phase = of_answer(dispatch(engine, {"action": "get_phase", "session_id": session}))
        assert phase["gate"] == "checking"
        home.write({"go": ""})
        until(lambda: of_answer(dispatch(engine, {"action": "get_phase", "session_id": session}))["current_phase"] == 2)
        told = of_answer(dispatch(engine, call))
        assert (told["checkpoint_passed"], told["replayed"], told["phase_completed"]) == (True, True, 1)
        other = of_answer(dispatch(engine, {**call, "evidence": {"note": "another"}}))
        assert other["error_type"] == "StateError"
        assert len(pids(home)) == 1
    finally:
        engine.close()


def test_the_same_call_by_its_id_tells_how_the_attempt_stands_and_then_what_it_came_to(home: Home) -> None:
    trust(home, "long")
    _, session = start(home, "long")
    engine = home.engine()
    call: Body = {
        "action": "complete_phase",
        "session_id": session,
        "phase": 1,
        "evidence": {"note": "x"},
        "request_id": "long-check-0001",
    }
    waiting = begin(engine, call)
    assert isinstance(waiting, Waiting)
    assert of_answer(dispatch(engine, call, patience=0.1))["gate"] == "checking"
    home.write({"go": ""})
    assert waiting.running.wait(PATIENCE)
    first = of_answer(waiting.answer())
    assert first["checkpoint_passed"] is True
    again = of_answer(dispatch(home.engine(), call))
    assert again.pop("replayed") is True
    assert again == first
    other = of_answer(dispatch(engine, {**call, "evidence": {"note": "another"}}))
    assert other["error_type"] == "ConflictError"


def test_other_calls_are_answered_while_a_check_runs(home: Home, long: tuple[Wire, str]) -> None:
    wire, session = long
    call = begun(wire, home, session)
    assert wire.call(action="get_state", session_id=session)["gate"] == "checking"
    other = wire.call(action="start", workflow_type="counted", target_file=".")
    assert wire.call(action="pause", session_id=other["session_id"])["paused"] is True
    home.write({"go": ""})
    assert wire.body(wire.answer(call))["checkpoint_passed"] is True


@pytest.mark.parametrize(
    "ending",
    [
        {"action": "pause"},
        {"action": "retry_phase", "phase": 1},
        {"action": "rollback", "to_phase": 1},
        {"action": "delete_session"},
    ],
    ids=lambda ending: ending["action"],
)
def test_what_ends_an_attempt_ends_its_check(home: Home, long: tuple[Wire, str], ending: Body) -> None:
    wire, session = long
    call = begun(wire, home, session)
    assert wire.call(session_id=session, **ending)["status"] == "success"
    (pid,) = pids(home)
    until(lambda: not lives(pid))
    reply = wire.body(wire.answer(call))
    assert reply["status"] == "error"
    assert reply.get("gate", "superseded") == "superseded"
    assert "_" not in reply["error"].replace(session, "")


def test_new_evidence_takes_the_place_of_what_is_checked(home: Home, long: tuple[Wire, str]) -> None:
    wire, session = long
    first = begun(wire, home, session)
    second = wire.post_call(action="complete_phase", session_id=session, phase=1, evidence={"note": "better"})
    until(lambda: len(pids(home)) == 2)
    old, new = pids(home)
    until(lambda: not lives(old))
    assert lives(new)
    superseded = wire.body(wire.answer(first))
    assert superseded["gate"] == "superseded"
    assert superseded["error"].endswith(": other evidence took its place.")
    assert "get_phase" in superseded["remediation"]
    assert "Submit again" not in superseded["remediation"]
    home.write({"go": ""})
    assert wire.body(wire.answer(second))["checkpoint_passed"] is True
    state = wire.call(action="get_state", session_id=session)["artifacts"]["phase_1"]
    assert state == {"note": "better"}


def test_another_server_sees_the_check_and_does_not_run_it_again(home: Home, long: tuple[Wire, str]) -> None:
    wire, session = long
    call = begun(wire, home, session)
    with Wire(home) as other:
        polled = other.call(action="complete_phase", session_id=session, phase=1, evidence={"note": "x"})
        assert polled["gate"] == "checking"
        assert other.call(action="get_phase", session_id=session)["gate"] == "checking"
        home.write({"go": ""})
        assert wire.body(wire.answer(call))["checkpoint_passed"] is True
        assert other.call(action="get_state", session_id=session)["current_phase"] == 2
    assert len(pids(home)) == 1


def test_a_pause_in_another_server_ends_the_check(home: Home, long: tuple[Wire, str]) -> None:
    wire, session = long
    begun(wire, home, session)
    with Wire(home) as other:
        assert other.call(action="pause", session_id=session)["paused"] is True
        (pid,) = pids(home)
        until(lambda: not lives(pid))


def test_a_server_that_is_killed_leaves_an_interrupted_attempt_that_never_passes(home: Home) -> None:
    trust(home, "long")
    identified: Body = {"request_id": "interrupted-01"}
    with Wire(home) as wire:
        session = wire.call(action="start", workflow_type="long", target_file=".")["session_id"]
        begun(wire, home, session, **identified)
        wire.kill()
    (pid,) = pids(home)
    until(lambda: not lives(pid))
    home.write({"go": ""})
    ask = home.asking()
    assert ask(action="get_phase", session_id=session)["gate"] == "interrupted"
    call: Body = {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": {"note": "x"}}
    told = ask(**call, **identified)
    assert (told["error_type"], told["gate"]) == ("ValidationError", "interrupted")
    assert len(pids(home)) == 1
    again = ask(**call, request_id="interrupted-02")
    assert again["checkpoint_passed"] is True
    history = ask(action="get_session", session_id=session)["session"]["phase_history"]
    assert history[0]["attempt"] == 2


def test_a_server_that_is_asked_to_stop_ends_its_checks_and_says_so(home: Home) -> None:
    trust(home, "long")
    with Wire(home) as wire:
        session = wire.call(action="start", workflow_type="long", target_file=".")["session_id"]
        call = begun(wire, home, session)
        wire.process.send_signal(signal.SIGTERM)
        assert wire.wait() == 0
        reply = wire.body(wire.answer(call))
        assert (reply["error_type"], reply["gate"]) == ("ValidationError", "interrupted")
    (pid,) = pids(home)
    until(lambda: not lives(pid))
    assert home.asking()(action="get_phase", session_id=session)["gate"] == "interrupted"


def test_a_call_that_is_cancelled_does_not_end_its_check(home: Home, long: tuple[Wire, str]) -> None:
    wire, session = long
    call = begun(wire, home, session)
    wire.cancel(call)
    assert wire.call(action="get_phase", session_id=session)["gate"] == "checking"
    home.write({"go": ""})
    until(lambda: wire.call(action="get_phase", session_id=session)["current_phase"] == 2)


def test_progress_is_told_to_a_caller_who_asks_for_it(home: Home) -> None:
    home.define("three", [{"number": 1, "gate": gate(*({"id": f"c{n}", **python("")} for n in range(3)))}])
    trust(home, "three")
    with Wire(home) as wire:
        session = wire.call(action="start", workflow_type="three", target_file=".")["session_id"]
        arguments: Body = {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": {"note": "x"}}
        params = {"name": "pos_workflow", "arguments": arguments, "_meta": {"progressToken": "t"}}
        assert wire.body(wire.answer(wire.post("tools/call", params)))["workflow_completed"] is True
        messages = [json.loads(line) for line in wire.lines]
    told = [message["params"] for message in messages if message.get("method") == "notifications/progress"]
    assert told
    assert all(one["progressToken"] == "t" and one["total"] == 3 for one in told)
    assert [one["progress"] for one in told] == sorted(one["progress"] for one in told)


def test_changed_protected_files_are_a_no_go_that_names_them(home: Home) -> None:
    home.define("kept", [{"number": 1}, {"number": 2, "gate": gate(protected_paths=["tests/**"])}])
    home.write({"tests/test_a.py": "assert True", "tests/test_b.py": "assert True"})
    ask = home.asking()
    session = ask(action="start", workflow_type="kept", target_file=".")["session_id"]
    call: Body = {"action": "complete_phase", "session_id": session, "evidence": {"note": "x", "summary": "s"}}
    assert ask(**call, phase=1)["checkpoint_passed"] is True
    home.write({"tests/test_a.py": "pass", "tests/conftest.py": ""})
    (home.project / "tests" / "test_b.py").unlink()
    refused = ask(**call, phase=2)
    (check,) = refused["checks"]
    assert (refused["gate"], check["id"], check["status"]) == ("refused", "protected_paths", "failed")
    for name in ("tests/test_a.py", "tests/test_b.py", "tests/conftest.py"):
        assert name in check["problem"]
    ask(action="retry_phase", session_id=session, phase=2)
    assert ask(**call, phase=2)["gate"] == "refused"
    ask(action="rollback", session_id=session, to_phase=1)
    assert ask(**call, phase=1)["checkpoint_passed"] is True
    assert "tests/test_a.py" in ask(**call, phase=2)["checks"][0]["problem"], "going back and coming again hides it"
    ask(action="retry_phase", session_id=session, phase=2)
    home.write({"tests/test_a.py": "assert True", "tests/test_b.py": "assert True"})
    (home.project / "tests" / "conftest.py").unlink()
    passed = ask(**call, phase=2)
    assert (passed["checkpoint_passed"], passed["checks"][0]["status"]) == (True, "passed")


def test_a_no_go_can_send_the_session_back(home: Home) -> None:
    back = gate({"id": "no", **python("raise SystemExit(3)")}, on_no_go={"rollback_to": 1}, max_attempts=2)
    home.define("back", [{"number": 1}, {"number": 2, "gate": back}])
    trust(home, "back")
    ask = home.asking()
    session = ask(action="start", workflow_type="back", target_file=".")["session_id"]
    call: Body = {"action": "complete_phase", "session_id": session, "evidence": {"note": "x", "summary": "s"}}
    ask(**call, phase=1)
    refused = ask(**call, phase=2)
    assert (refused["error_type"], refused["rolled_back_to"]) == ("ValidationError", 1)
    state = ask(action="get_state", session_id=session)
    assert (state["current_phase"], state["completed_phases"], state["gate"]) == (1, [], "open")
    ask(**call, phase=1)
    assert ask(**call, phase=2)["session_status"] == "failed"


def test_a_choice_and_a_confined_path_are_all_that_options_bring_to_a_command(home: Home) -> None:
    check = {"id": "run", "run": ["{options.how}", "{options.file}"], "pass": {"exit_code": 0}}
    home.define(
        "chosen",
        [{"number": 1, "gate": {"evidence_schema": {"note": field()}, "checks": [check]}}],
        options={"how": {"choice": {"quietly": ["python", "-q"], "loudly": ["python", "-v"]}}, "file": {"path": True}},
    )
    home.write({"-c.py": "", "ok.py": ""})
    trust(home, "chosen")
    ask = home.asking()
    for options, wrong in (
        ({}, {"options.how", "options.file"}),
        ({"how": "rm -rf", "file": "ok.py"}, {"options.how"}),
        ({"how": ["python"], "file": "ok.py"}, {"options.how"}),
        ({"how": "quietly", "file": "../outside.py"}, {"options.file"}),
        ({"how": "quietly", "file": "/etc/passwd"}, {"options.file"}),
    ):
        refused = ask(action="start", workflow_type="chosen", target_file=".", options=options)
        assert (refused["error_type"], {one["field"] for one in refused["fields"]}) == ("ValueError", wrong)
    for file in ("ok.py", "-c.py"):
        options = {"how": "quietly", "file": file}
        session = ask(action="start", workflow_type="chosen", target_file=".", options=options)["session_id"]
        call: Body = {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": {"note": "x"}}
        assert ask(**call)["workflow_completed"] is True
    listed = ask(action="list_workflows")["workflows"]
    (told,) = [one["options"] for one in listed if one["workflow_type"] == "chosen"]
    assert told["how"] == "one of quietly, loudly; required"


def test_a_strict_budget_holds_the_gate_and_only_a_person_raises_it(home: Home) -> None:
    home.define("metered", [{"number": 1}, {"number": 2}], budget={"max_tokens": 100, "mode": "strict"})
    ask = home.asking()
    started = ask(action="start", workflow_type="metered", target_file=".")
    session, checkpoint = started["session_id"], started["phase_content"]["checkpoint"]
    assert "usage" in checkpoint["required_evidence"]
    assert checkpoint["evidence_schema"]["properties"]["usage"]["required"] == ["tokens"]
    call: Body = {"action": "complete_phase", "session_id": session, "phase": 1}
    unreadable = ask(**call, evidence={"summary": "s", "usage": {"tokens": 5, "cost_usd": -3}})
    assert "none below 0" in unreadable["validation_errors"][0]["problem"]
    silent = ask(**call, evidence={"summary": "s"})
    assert (silent["gate"], [error["field"] for error in silent["validation_errors"]]) == ("refused", ["usage"])
    over = ask(**call, evidence={"summary": "s", "usage": {"tokens": 101}})
    assert (over["gate"], "pos-workflow budget" in over["error"]) == ("blocked", True)
    still = ask(**call, evidence={"summary": "s", "usage": {"tokens": 0}})
    assert still["gate"] == "blocked"


@pytest.mark.slow
def test_a_check_of_five_minutes_serves_a_client_that_gives_up_after_one(home: Home) -> None:
    home.define(
        "hours",
        [{"number": 1, "gate": gate({"id": "wait", **python("import time; time.sleep(300)", timeout_seconds=600)})}],
    )
    trust(home, "hours")
    with Wire(home) as wire:
        session = wire.call(action="start", workflow_type="hours", target_file=".")["session_id"]
        call: Body = {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": {"note": "x"}}
        began, polls = time.monotonic(), 0
        while True:
            reply = wire.body(wire.answer(wire.post_call(**call, request_id="five-minutes-1"), patience=60))
            if reply["checkpoint_passed"]:
                break
            assert reply["gate"] == "checking"
            polls += 1
            time.sleep(reply["poll_after_seconds"])
        assert polls >= 4
        assert time.monotonic() - began >= 300
        assert reply["workflow_completed"] is True
