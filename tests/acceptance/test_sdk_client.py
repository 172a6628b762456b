"""The tool through the Python SDK's own client over standard input and output, in both eras of the protocol."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

from mcp_server.actions.schema import tool_definition
from tests.support import ACTIONS, PASSING, Body, Home, arrange, bare_environment, of_result, server_command

pytestmark = pytest.mark.acceptance

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


def connect(home: Home, mode: str) -> Client:
    command, *args = server_command(home)
    return Client(StdioServerParameters(command=command, args=args, env=bare_environment(), cwd="/"), mode=mode)


async def call(client: Client, home: Home, **arguments: Any) -> Body:
    result = await client.call_tool("pos_workflow", arguments)
    return of_result(result.model_dump(mode="json", by_alias=True), home)


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


@pytest.mark.requirement("no-root-nobody-chose")
@ERAS
async def test_a_host_that_names_no_project_is_told_how(tmp_path: Any, mode: str) -> None:
    environment = bare_environment(HOME=str(tmp_path))
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_server"], env=environment, cwd="/")
    async with Client(server, mode=mode) as client:
        result = await client.call_tool("pos_workflow", {"action": "list_sessions"})
        assert result.structured_content is not None
        assert result.structured_content["error_type"] == "ConfigurationError"
