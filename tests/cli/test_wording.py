"""A person who typed a command is not told what an assistant should call."""

from __future__ import annotations

import re

import pytest

from mcp_server.actions import ACTIONS
from mcp_server.cli.wording import for_person
from mcp_server.dispatch import require_form
from mcp_server.errors import BusyError, InvalidArgumentError, PosWorkflowError, StorageError
from mcp_server.storage.findings import foreign, newer, tampered, torn
from tests.cli.support import Cli, forge
from tests.support import Ask, Body, arrange

pytestmark = pytest.mark.unit

PROTOCOL = re.compile(
    rf"\b(?:{'|'.join(action.name for action in ACTIONS if '_' in action.name)}|request_id)\b|person|the call\b"
)


@pytest.mark.parametrize(
    "error",
    [
        torn("x"),
        tampered("x"),
        newer("x"),
        foreign("x"),
        BusyError("x", retry_after_seconds=1),
        StorageError("x", outcome="unknown"),
        StorageError("x", outcome="unchanged"),
    ],
    ids=lambda error: error.message,
)
def test_advice_is_given_to_the_person(error: PosWorkflowError) -> None:
    said = for_person(error.remediation)
    assert said
    assert not PROTOCOL.search(said), said


@pytest.mark.parametrize("wrong", [{}, {"session_id": "abc", "colour": "red"}])
def test_a_command_that_is_wrong_is_to_be_corrected(wrong: Body) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        require_form({"action": "pause", **wrong})
    assert for_person(refused.value.remediation) == "Correct the command."


def test_commands_advise_people(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    forge(cli.home, session)
    for arguments in (["session", session], ["session", "no_such"], ["events", "No Such"], ["verify", "no_such"]):
        ran = cli(*arguments)
        assert ran.code == 1
        advice = ran.err.splitlines()[-1]
        assert not PROTOCOL.search(advice), advice
