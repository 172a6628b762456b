"""Clients that know nothing of this server drive it, in both eras of the protocol, and misbehave as clients do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.actions.schema import tool_definition
from tests.clients.driving import drive
from tests.clients.relays import BARE, OTHERS, Client, Relay
from tests.support import Ask, Body, Home, define_small_workflows, write_honest_files
from tests.trusting import trust
from tests.waiting import define_long, pids, until
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

Connected = tuple[Wire, Home]


def make(home: Home) -> Home:
    define_small_workflows(home)
    define_long(home)
    write_honest_files(home)
    trust(home, "long")
    return home


@pytest.fixture(scope="module", params=[*BARE, *OTHERS], ids=str)
def connected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    """A client and the project of its server, for all tests that leave them as they are."""
    kind: Client = request.param
    home = make(Home.make(tmp_path_factory.mktemp(str(kind))))
    with kind.connect(home) as client:
        assert client.protocol == kind.protocol
        yield client, home


@pytest.fixture
def at_a_check(connected: Connected) -> Iterator[tuple[Wire, Home, Body]]:
    """The same, and the call that begins a check, which then runs until the project has a file ``go``."""
    client, home = connected
    session = client.call(action="start", workflow_type="long", target_file=".")["session_id"]
    request_id = f"once-{session[-12:]}"
    yield client, home, complete(session, request_id)
    home.write({"go": ""})
    until(lambda: client.call(action="get_state", session_id=session)["gate"] != "checking")
    for name in ("go", "pids"):
        (home.project / name).unlink(missing_ok=True)


def complete(session: str, request_id: str) -> Body:
    """The call that has the check of ``long`` run."""
    call: Body = {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": {"note": "x"}}
    return {**call, "request_id": request_id}


def was_done_once(ask: Ask, home: Home, call: Body) -> None:
    """Hold that one attempt was made, one check was run, and that whoever asks again is told of just that."""
    again = ask(**call)
    assert (again["checkpoint_passed"], again["replayed"]) == (True, True)
    assert len(pids(home)) == 1
    history = ask(action="get_session", session_id=call["session_id"])["session"]["phase_history"]
    assert [(one["phase"], one["attempt"]) for one in history] == [(1, 1), (2, 0)]


@pytest.mark.requirement("both-eras")
@pytest.mark.requirement("one-tool")
@pytest.mark.requirement("next-actions-lead-to-the-end")
def test_a_workflow_is_driven_to_its_end(connected: Connected) -> None:
    client, _ = connected
    # From here on the clients that validate hold every reply to the output schema.
    (tool,) = client.request("tools/list")["tools"]
    assert {name: tool[name] for name in tool_definition()} == tool_definition()
    state = drive(client.call)
    assert (state["session_status"], state["completed_phases"]) == ("completed", [1, 2])
    assert client.call(action="get_errors", session_id=state["session_id"])["error_count"] == 1


@pytest.mark.requirement("prompts")
@pytest.mark.requirement("resources")
def test_what_is_there_for_people_is_listed_and_read(connected: Connected) -> None:
    client, _ = connected
    session = client.call(action="start", workflow_type="steps", target_file="shown.py")["session_id"]
    prompts = {one["name"] for one in client.request("prompts/list")["prompts"]}
    assert {"start_steps", "continue"} <= prompts
    got = client.request("prompts/get", {"name": "start_steps", "arguments": {"target_file": "next.py"}})
    assert '"target_file": "next.py"' in got["messages"][0]["content"]["text"]
    listed = {one["uri"] for one in client.request("resources/list")["resources"]}
    assert {"pos-workflow://workflows/steps", f"pos-workflow://sessions/{session}"} <= listed
    (report,) = client.request("resources/read", {"uri": f"pos-workflow://sessions/{session}/report"})["contents"]
    assert report["text"].startswith("# Session report")


@pytest.mark.requirement("calls-run-concurrently")
def test_ten_calls_in_flight_are_each_answered_with_their_own(connected: Connected) -> None:
    client, _ = connected
    targets = [f"{number}.py" for number in range(10)]
    ids = [client.post_call(action="start", workflow_type="steps", target_file=target) for target in targets]
    replies = [client.body(client.answer(one)) for one in ids]
    assert [reply["target_file"] for reply in replies] == targets
    assert len({reply["session_id"] for reply in replies}) == 10


@pytest.mark.requirement("calls-run-concurrently")
def test_a_slow_call_is_overtaken_by_those_that_came_after_it(at_a_check: tuple[Wire, Home, Body]) -> None:
    client, home, call = at_a_check
    slow = client.post_call(**call)
    until(lambda: len(pids(home)) == 1)
    later = [client.post_call(action="get_state", session_id=call["session_id"]) for _ in range(10)]
    for one in later:
        assert client.body(client.answer(one))["status"] == "success"
    assert client.answered([slow]) == set()
    home.write({"go": ""})
    assert client.body(client.answer(slow))["phase_completed"] == 1


@pytest.mark.requirement("a-cancelled-call-does-no-harm")
def test_a_cancelled_call_goes_on_and_is_told_of_to_who_asks_again(at_a_check: tuple[Wire, Home, Body]) -> None:
    client, home, call = at_a_check
    first = client.post_call(**call)
    until(lambda: len(pids(home)) == 1)
    client.cancel(first)
    if isinstance(client, Relay):
        assert "error" in client.answer(first)
    again = client.post_call(**call)
    home.write({"go": ""})
    assert client.body(client.answer(again))["phase_completed"] == 1
    was_done_once(client.call, home, call)


@pytest.mark.requirement("a-cancelled-call-does-no-harm")
@pytest.mark.requirement("request-id-repeats-the-answer")
def test_a_call_that_takes_longer_than_its_client_waits_is_done_once(at_a_check: tuple[Wire, Home, Body]) -> None:
    client, home, call = at_a_check
    for _ in range(2):
        if isinstance(client, Relay):
            assert "time" in client.answer(client.post_briefly(200, **call))["error"]["message"].lower()
        else:
            # This one gives up without a word.
            client.post_call(**call)
    last = client.post_call(**call)
    home.write({"go": ""})
    assert client.body(client.answer(last))["phase_completed"] == 1
    was_done_once(client.call, home, call)


@pytest.mark.requirement("stdout-is-the-protocols")
@pytest.mark.requirement("evidence-of-ten-mebibytes")
def test_ten_mebibytes_of_evidence_are_taken(connected: Connected) -> None:
    client, home = connected
    session = client.call(action="start", workflow_type="steps", target_file="large.py")["session_id"]
    evidence = {"done": "y" * (10 * 1024 * 1024 - len(json.dumps({"done": ""}, separators=(",", ":"))))}
    reply = client.call(action="complete_phase", session_id=session, phase=1, evidence=evidence)
    assert reply["checkpoint_passed"] is True
    assert max(path.stat().st_size for path in (home.state / "blobs").rglob("*")) > 10_000_000


@pytest.mark.requirement("a-client-that-leaves-costs-nothing")
@pytest.mark.requirement("nothing-acknowledged-is-lost")
@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_a_client_that_is_killed_leaves_a_server_that_finishes_and_goes(kind: Client, tmp_path: Path) -> None:
    home = make(Home.make(tmp_path))
    with kind.connect(home) as client:
        session = client.call(action="start", workflow_type="long", target_file=".")["session_id"]
        call = complete(session, "killed-client-01")
        client.post_call(**call)
        until(lambda: len(pids(home)) == 1)
        client.process.kill()
        home.write({"go": ""})
        client.wait()
        assert b"event=stopped" in client.log
    was_done_once(home.asking(), home, call)


@pytest.mark.requirement("a-client-that-leaves-costs-nothing")
@pytest.mark.requirement("request-id-of-start-is-store-wide")
@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_what_is_in_flight_when_a_client_closes_is_done_once_however_often_it_is_sent(
    kind: Client, tmp_path: Path
) -> None:
    home = make(Home.make(tmp_path))
    starts: list[Body] = [
        {"action": "start", "workflow_type": "steps", "target_file": f"{n}.py", "request_id": f"closing-{n:08}"}
        for n in range(10)
    ]
    with kind.connect(home) as client:
        first = client.call(**starts[0])
        for start in starts:
            client.post_call(**start)
        client.close_input()
        client.wait()
    ask = home.asking()
    again = [ask(**start) for start in starts]
    assert (again[0]["session_id"], again[0]["replayed"]) == (first["session_id"], True)
    assert ask(action="list_sessions")["total"] == 10
