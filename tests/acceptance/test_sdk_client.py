"""The tool through the Python SDK's own client over standard input and output, in both eras of the protocol."""

from __future__ import annotations

import sys
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

from mcp_server.actions.schema import tool_definition
from tests.shipped_evidence import HONEST
from tests.support import ACTIONS, PASSING, Body, Home, arrange, bare_environment, checked, server_command
from tests.wire import PROTOCOL

pytestmark = pytest.mark.acceptance

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


def connect(home: Home, mode: str) -> Client:
    command, *args = server_command(home)
    return Client(StdioServerParameters(command=command, args=args, env=bare_environment(), cwd="/"), mode=mode)


async def call(client: Client, home: Home, **arguments: Any) -> Body:
    result = await client.call_tool("pos_workflow", arguments)
    (content,) = result.content
    assert content.type == "text"
    body = result.structured_content
    assert body is not None
    return checked(body, is_error=result.is_error, text=content.text, home=home)


@pytest.mark.requirement("both-eras")
@pytest.mark.requirement("one-tool")
@ERAS
async def test_a_workflow_is_driven_to_its_end(home: Home, mode: str) -> None:
    async with connect(home, mode) as client:
        assert client.protocol_version == (PROTOCOL if mode == "legacy" else "2026-07-28")
        listed = await client.list_tools()
        (tool,) = listed.tools
        assert tool.name == "pos_workflow"
        assert tool.input_schema["properties"]["action"]["enum"] == list(ACTIONS)
        reply = await call(client, home, action="start", workflow_type="spec_creation_v1", target_file=".")
        session = reply["session_id"]
        for phase, evidence in HONEST["spec_creation_v1"].items():
            refused = await call(client, home, action="complete_phase", session_id=session, phase=phase, evidence={})
            assert refused["error_type"] == "ValidationError"
            reply = await call(
                client, home, action="complete_phase", session_id=session, phase=phase, evidence=evidence
            )
            assert reply["checkpoint_passed"] is True
        assert reply["workflow_completed"] is True
        assert (await call(client, home, action="get_errors", session_id=session))["error_count"] == 3
        assert (await call(client, home, action="get_state", session_id=session))["session_status"] == "completed"


@pytest.mark.requirement("both-eras")
@ERAS
async def test_every_action_is_answered_in_both_eras(home: Home, mode: str) -> None:
    session = arrange(home.asking(), "open")
    needs: dict[str, Body] = {
        "get_task": {"phase": 1, "task_number": 1},
        "complete_phase": {"phase": 2, "evidence": PASSING},
        "retry_phase": {"phase": 3},
        "rollback": {"to_phase": 1},
        "start": {"workflow_type": "steps", "target_file": "b.py"},
    }
    order = [name for name in ACTIONS if name != "delete_session"] + ["delete_session"]
    async with connect(home, mode) as client:
        for action in order:
            about = {} if action in ("list_workflows", "start", "list_sessions") else {"session_id": session}
            reply = await call(client, home, action=action, **about, **needs.get(action, {}))
            assert reply["status"] == "success", reply
        reply = await call(client, home, action="nothing")
        assert reply["valid_actions"] == list(ACTIONS)


@pytest.mark.requirement("both-eras")
@ERAS
async def test_what_the_host_reads_of_the_server_is_what_is_published(home: Home, mode: str) -> None:
    async with connect(home, mode) as client:
        (tool,) = (await client.list_tools()).tools
        published = tool.model_dump(by_alias=True, exclude_none=True)
        assert {name: published[name] for name in tool_definition()} == tool_definition()
        assert client.instructions is not None
        assert "pos_workflow" in client.instructions
        assert len(client.instructions) <= 2_000
        with pytest.raises(MCPError, match="pos_workflow"):
            await client.call_tool("complete_phase", {})


@pytest.mark.requirement("calls-run-concurrently")
@ERAS
async def test_twenty_calls_at_once_are_all_answered(home: Home, mode: str) -> None:
    sessions: set[str] = set()

    async with connect(home, mode) as client:

        async def start(number: int) -> None:
            reply = await call(client, home, action="start", workflow_type="steps", target_file=f"{number}.py")
            sessions.add(reply["session_id"])

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(start, number)
    assert len(sessions) == 20
    assert home.asking()(action="list_sessions")["total"] == 20


@pytest.mark.requirement("a-cancelled-call-does-no-harm")
@ERAS
async def test_a_call_that_is_given_up_is_done_once_when_it_is_repeated(home: Home, mode: str) -> None:
    session = arrange(home.asking(), "open")
    again: Body = {"action": "complete_phase", "session_id": session, "phase": 2, "request_id": "given-up-000001"}
    again["evidence"] = {"done": "x" * 3_000_000}
    async with connect(home, mode) as client:
        await client.list_tools()
        with anyio.move_on_after(0.02):
            await call(client, home, **again)
        assert (await call(client, home, **again))["phase_completed"] == 2
        state = await call(client, home, action="get_state", session_id=session)
        assert (state["current_phase"], state["version"]) == (3, 3)


@pytest.mark.requirement("no-root-nobody-chose")
@ERAS
async def test_a_host_that_names_no_project_is_told_how(tmp_path: Any, mode: str) -> None:
    environment = bare_environment(HOME=str(tmp_path))
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_server"], env=environment, cwd="/")
    async with Client(server, mode=mode) as client:
        result = await client.call_tool("pos_workflow", {"action": "list_sessions"})
        assert result.structured_content is not None
        assert result.structured_content["error_type"] == "ConfigurationError"
