"""Calling the tool without a client."""

from __future__ import annotations

import json

import pytest

from tests.cli.support import Cli, run_on_terminal, run_process
from tests.support import Ask, Home, arrange

pytestmark = pytest.mark.integration


def test_a_call_prints_its_reply_as_one_line_of_json(cli: Cli) -> None:
    ran = cli("call", '{"action": "list_workflows"}')
    assert ran.code == 0
    assert ran.json["status"] == "success"
    assert ran.err == ""


def test_an_error_reply_is_printed_too_and_ends_with_one(cli: Cli) -> None:
    ran = cli("call", '{"action": "get_state", "session_id": "no_such_session"}')
    assert ran.code == 1
    assert ran.json["error_type"] == "NotFoundError"


def test_a_call_changes_what_any_client_sees(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    assert cli("call", json.dumps({"action": "pause", "session_id": session})).code == 0
    assert ask(action="get_state", session_id=session)["session_status"] == "paused"


def test_a_dash_reads_the_call_from_standard_input(home: Home) -> None:
    ran = run_process(home, "call", "-", given='{"action": "list_sessions"}')
    assert ran.code == 0
    assert ran.json["count"] == 0


@pytest.mark.acceptance
def test_on_a_terminal_the_reply_is_indented(home: Home) -> None:
    ran = run_on_terminal(home, "call", '{"action": "list_sessions"}')
    assert ran.code == 0
    assert '\r\n  "status": "success"' in ran.out


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("list_workflows", "is a string that is not JSON"),
        ("", "is a string that is not JSON"),
        ('{"action": "start", "action": "pause"}', "gives 'action' more than once"),
        ('{"action": "start", "options": {"a": 1, "a": 2}}', "gives 'a' more than once"),
        ('{"action": NaN}', "holds NaN"),
        ('{"action": -Infinity}', "holds -Infinity"),
        ('{"a":' * 100_000, "nested deeper"),
        ("[1, 2]", "not an object"),
        ('"text"', "not an object"),
        ("null", "not an object"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_json_object_is_refused_with_what_is_wrong(cli: Cli, written: str, problem: str) -> None:
    ran = cli("call", written)
    assert ran.code == 2
    assert ran.out == ""
    assert problem in ran.err
    assert "list_workflows" in ran.err.splitlines()[1]


def test_a_text_that_no_encoding_can_write_is_answered_all_the_same(home: Home) -> None:
    ran = run_process(home, "call", r'{"action": "\ud800", "\udfff": 1}')
    assert ran.code == 1
    assert ran.json["error_type"] == "ValueError"
