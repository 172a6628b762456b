"""The process behind the pipes: it speaks nothing but the protocol, answers what it owes and leaves when asked."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import Home, arrange, bare_environment, held, server_command
from tests.wire import HANDSHAKES, PROTOCOL, STATELESS, Wire

pytestmark = pytest.mark.acceptance

SOON = 10
"""Seconds in which a server that owes nothing ends: one, and what a busy machine adds."""


def call(request_id: int | str, **arguments: object) -> dict[str, object]:
    params = {"name": "pos_workflow", "arguments": arguments}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


def handshake() -> list[dict[str, object]]:
    params = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "file", "version": "0"}}
    return [
        {"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": params},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]


def started(home: Home) -> subprocess.Popen[bytes]:
    """A server whose pipes the test treats as it likes."""
    return subprocess.Popen(
        server_command(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=bare_environment(),
    )


def made_all_and_ended(process: subprocess.Popen[bytes], home: Home) -> None:
    """The server, whose pipes are closed, ends by itself without a word of trouble, and has made all five starts."""
    process.stdin = process.stdout = None
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"Traceback" not in log
    assert home.asking()(action="list_sessions")["total"] == 5


def ends_in_time(wire: Wire) -> int:
    began = time.monotonic()
    code = wire.wait()
    assert time.monotonic() - began < SOON
    return code


@pytest.mark.requirement("stdout-is-the-protocols")
def test_every_byte_of_standard_output_is_the_protocols(home: Home) -> None:
    with Wire(home, "--log-level", "debug") as wire:
        arrange(wire.call, "completed")
        wire.call(action="no_such_action")
        wire.write(b"this is no JSON\n\n{}\n[]\n\xff\xfe\n")
        wire.request("ping")
        wire.close_input()
        assert wire.wait() == 0
        assert all(line.endswith(b"\n") and json.loads(line)["jsonrpc"] == "2.0" for line in wire.lines)
        assert b"event=call" in wire.log


@pytest.mark.requirement("both-eras")
@pytest.mark.parametrize("asked", HANDSHAKES)
def test_every_version_with_a_handshake_is_spoken(home: Home, asked: str) -> None:
    with Wire(home, protocol=asked) as wire:
        assert wire.protocol == asked
        assert len(wire.request("tools/list")["tools"]) == 1
        assert wire.call(action="list_sessions")["total"] == 0


@pytest.mark.requirement("both-eras")
def test_a_version_that_is_not_known_is_answered_with_the_last_that_has_a_handshake(home: Home) -> None:
    with Wire(home, protocol="2999-01-01") as wire:
        assert wire.protocol == PROTOCOL
        assert wire.call(action="list_sessions")["total"] == 0


@pytest.mark.requirement("end-of-input-loses-no-answer")
def test_a_file_as_input_is_answered_to_the_last_line(home: Home, tmp_path: Path) -> None:
    calls = [call(n, action="start", workflow_type="steps", target_file=f"{n}.py") for n in range(60)]
    script = tmp_path / "calls.jsonl"
    script.write_text("\n".join(json.dumps(message) for message in [*handshake(), *calls]))
    with script.open("rb") as stream:
        done = subprocess.run(
            server_command(home),
            stdin=stream,
            capture_output=True,
            env=bare_environment(),
            cwd="/",
            timeout=60,
            check=True,
        )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {answer["id"] for answer in answers if "result" in answer} == {"hello", *range(60)}
    assert home.asking()(action="list_sessions")["total"] == 60


@pytest.mark.requirement("end-of-input-loses-no-answer")
@pytest.mark.parametrize("protocol", [PROTOCOL, STATELESS])
def test_what_is_in_flight_at_the_end_of_input_is_answered_in_either_era(home: Home, protocol: str) -> None:
    with Wire(home, protocol=protocol) as wire:
        ids = [wire.post_call(action="start", workflow_type="steps", target_file=f"{n}.py") for n in range(10)]
        wire.close_input()
        assert ends_in_time(wire) == 0
        assert len({wire.body(wire.answer(one))["session_id"] for one in ids}) == 10


@pytest.mark.requirement("end-of-input-loses-no-answer")
def test_a_last_line_without_its_newline_is_answered(home: Home) -> None:
    with Wire(home) as wire:
        wire.write(json.dumps(call("last", action="list_workflows")).encode())
        wire.close_input()
        assert wire.wait() == 0
        assert wire.body(wire.answer("last"))["status"] == "success"


@pytest.mark.requirement("end-of-input-loses-no-answer")
def test_work_that_takes_longer_than_a_moment_is_finished_after_the_end_of_input(home: Home) -> None:
    with Wire(home, "--lock-timeout", "2") as wire:
        session = arrange(wire.call, "open")
        with held(home):
            request = wire.post_call(action="pause", session_id=session)
            wire.close_input()
            body = wire.body(wire.answer(request))
        assert body["error_type"] == "BusyError"
        assert body["retry_after_seconds"] > 0
        assert wire.wait() == 0


@pytest.mark.requirement("end-of-input-loses-no-answer")
def test_the_end_of_input_ends_the_server(home: Home) -> None:
    with Wire(home) as wire:
        wire.close_input()
        assert ends_in_time(wire) == 0


@pytest.mark.requirement("a-signal-ends-it-cleanly")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_ends_the_server_though_its_input_is_open(home: Home, number: signal.Signals) -> None:
    with Wire(home) as wire:
        arrange(wire.call, "open")
        wire.process.send_signal(number)
        assert ends_in_time(wire) == 0
        assert b"Traceback" not in wire.log


@pytest.mark.requirement("a-signal-ends-it-cleanly")
def test_a_signal_before_the_first_request_ends_the_server(home: Home) -> None:
    with Wire(home, handshake=False) as wire:
        wire.send(handshake()[0])
        wire.answer("hello")
        wire.process.send_signal(signal.SIGTERM)
        assert ends_in_time(wire) == 0


@pytest.mark.requirement("a-signal-ends-it-cleanly")
def test_what_has_begun_when_a_signal_comes_is_answered_and_kept(home: Home) -> None:
    with Wire(home) as wire:
        session = arrange(wire.call, "open")
        request = wire.post_call(
            action="complete_phase", session_id=session, phase=2, evidence={"done": "x" * (1024 * 1024)}
        )
        wire.request("ping")
        wire.process.send_signal(signal.SIGTERM)
        assert ends_in_time(wire) == 0
        assert wire.body(wire.answer(request))["checkpoint_passed"] is True
    assert home.asking()(action="get_state", session_id=session)["current_phase"] == 3


@pytest.mark.requirement("a-signal-ends-it-cleanly")
def test_a_call_that_waits_for_a_session_gives_up_when_the_server_is_to_stop(home: Home) -> None:
    with Wire(home) as wire:
        session = arrange(wire.call, "open")
        with held(home):
            request = wire.post_call(action="pause", session_id=session)
            wire.request("ping")
            wire.process.send_signal(signal.SIGTERM)
            assert ends_in_time(wire) == 0
        assert wire.body(wire.answer(request))["error_type"] == "BusyError"
    assert home.asking()(action="get_state", session_id=session)["session_status"] == "active"


@pytest.mark.requirement("a-cancelled-call-does-no-harm")
def test_a_cancelled_call_leaves_the_server_working_and_its_change_made_once(home: Home) -> None:
    with Wire(home) as wire:
        session = arrange(wire.call, "open")
        again = {"action": "complete_phase", "session_id": session, "phase": 2, "request_id": "cancelled-0001"}
        evidence = {"done": "x" * 2_000_000}
        request = wire.post_call(**again, evidence=evidence)
        wire.cancel(request)
        assert wire.call(**again, evidence=evidence)["phase_completed"] == 2
        record = wire.call(action="get_session", session_id=session)["session"]
        assert [one["attempt"] for one in record["phase_history"]] == [1, 1, 0]


@pytest.mark.requirement("a-cancelled-call-does-no-harm")
@pytest.mark.parametrize("request_id", [[1], {"a": 1}, None, "never-sent", 10**9, 1.5])
def test_a_cancellation_of_nothing_is_passed_over(server: Wire, request_id: object) -> None:
    server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}})
    assert server.call(action="list_workflows")["status"] == "success"


@pytest.mark.requirement("a-client-that-leaves-costs-nothing")
def test_a_client_that_closes_both_pipes_at_once_ends_the_server(home: Home) -> None:
    process = started(home)
    assert process.stdin is not None
    assert process.stdout is not None
    calls = [call(n, action="start", workflow_type="steps", target_file=f"{n}.py") for n in range(5)]
    process.stdin.write("".join(json.dumps(message) + "\n" for message in [*handshake(), *calls]).encode())
    process.stdin.flush()
    process.stdout.close()
    process.stdin.close()
    made_all_and_ended(process, home)


@pytest.mark.requirement("a-client-that-leaves-costs-nothing")
def test_a_client_that_closes_only_what_it_reads_has_its_calls_made_and_ends_the_server(home: Home) -> None:
    process = started(home)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write("".join(json.dumps(message) + "\n" for message in handshake()).encode())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["id"] == "hello"
    process.stdout.close()
    for number in range(5):
        start = call(number, action="start", workflow_type="steps", target_file=f"{number}.py")
        process.stdin.write(json.dumps(start).encode() + b"\n")
        process.stdin.flush()
        while b"event=call" not in process.stderr.readline():
            assert process.poll() is None
    process.stdin.close()
    made_all_and_ended(process, home)


@pytest.mark.requirement("a-client-that-leaves-costs-nothing")
def test_a_client_that_never_reads_does_not_keep_the_server_from_stopping(home: Home) -> None:
    process = started(home)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    # As small as the system makes it, so that a few answers fill it.
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    calls = [call(n, action="list_workflows") for n in range(20)]
    process.stdin.write("".join(json.dumps(message) + "\n" for message in [*handshake(), *calls]).encode())
    process.stdin.flush()
    answered = 0
    while answered < len(calls):
        answered += b"event=call" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert process.wait(30) == 0
    assert time.monotonic() - began < SOON
    process.communicate()


RAW = '{"jsonrpc":"2.0","id":"raw","method":"tools/call","params":{"name":"pos_workflow","arguments":%s}}\n'


@pytest.mark.requirement("form-errors-name-the-field")
@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "9" * 4000, "[" * 100 + "]" * 100])
def test_values_that_only_bare_json_can_send_are_refused_by_name(home: Home, value: str) -> None:
    with Wire(home) as wire:
        session = arrange(wire.call, "open")
        arguments = f'{{"action":"complete_phase","session_id":"{session}","phase":2,"evidence":{{"done":{value}}}}}'
        wire.write((RAW % arguments).encode())
        body = wire.body(wire.answer("raw"))
        assert (body["error_type"], body["fields"][0]["field"]) == ("ValueError", "evidence")
        assert body["version"] == 2


@pytest.mark.requirement("stdout-is-the-protocols")
@pytest.mark.parametrize(
    "line",
    [
        "null",
        "[]",
        '"text"',
        '{"jsonrpc":"1.0","id":9001,"method":"ping"}',
        '{"jsonrpc":"2.0","id":null,"method":"ping"}',
        '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
        '{"jsonrpc":"2.0","id":9002,"result":{}}',
        '{"jsonrpc":"2.0","id":9003,"error":{"code":1,"message":"x"}}',
        '{"jsonrpc":"2.0","method":"notifications/nonsense","params":{"a":[]}}',
        (RAW % '{"action":"\\ud800"}').strip(),
        (RAW % ("[" * 300 + "]" * 300)).strip(),
        (RAW % ("[" * 100_000)).strip(),
    ],
    ids=lambda line: str(line)[:40],
)
def test_a_line_that_is_no_request_ends_nothing(server: Wire, line: str) -> None:
    server.write(line.encode() + b"\n")
    assert server.call(action="list_workflows")["status"] == "success"


@pytest.mark.requirement("one-tool")
@pytest.mark.parametrize("name", ["pos_workflows", "", "start_workflow"])
def test_another_tool_is_a_protocol_error_that_names_the_one_there_is(server: Wire, name: str) -> None:
    response = server.answer(server.post("tools/call", {"name": name, "arguments": {}}))
    assert "pos_workflow" in response["error"]["message"]


@pytest.mark.requirement("fourteen-actions")
def test_a_call_without_arguments_is_told_the_actions(server: Wire) -> None:
    response = server.answer(server.post("tools/call", {"name": "pos_workflow"}))
    body = server.body(response)
    assert body["error_type"] == "ValueError"
    assert len(body["valid_actions"]) == 14
