"""Prompts and resources of a real server process, as a host asks for them."""

from __future__ import annotations

import json

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

from tests.support import ACTIONS, Body, Home, arrange, bare_environment, server_command
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


@pytest.mark.requirement("prompts")
@pytest.mark.requirement("resources")
@pytest.mark.requirement("both-eras")
@ERAS
async def test_a_person_starts_a_workflow_reads_of_it_and_goes_on_with_it(home: Home, mode: str) -> None:
    program, *args = server_command(home)
    server = StdioServerParameters(command=program, args=args, env=bare_environment(), cwd="/")
    async with Client(server, mode=mode) as client:
        assert "start_steps" in [prompt.name for prompt in (await client.list_prompts()).prompts]
        begun = await client.get_prompt("start_steps", {"target_file": "a.py"})
        assert begun.messages[0].content.type == "text"
        (call,) = [line for line in begun.messages[0].content.text.splitlines() if line.startswith("{")]
        started = (await client.call_tool("pos_workflow", json.loads(call))).structured_content
        assert started is not None
        session = started["session_id"]
        uris = [resource.uri for resource in (await client.list_resources()).resources]
        assert f"pos-workflow://sessions/{session}/report" in uris
        for uri in uris:
            assert (await client.read_resource(uri)).contents[0].uri == uri
        gone_on = await client.get_prompt("continue", {})
        assert gone_on.messages[0].content.type == "text"
        assert session in gone_on.messages[0].content.text
        with pytest.raises(MCPError) as caught:
            await client.read_resource("pos-workflow://sessions/../../etc/passwd")
        assert caught.value.code == (-32002 if mode == "legacy" else -32602)


@pytest.mark.requirement("one-tool")
@pytest.mark.requirement("readers-change-nothing")
@pytest.mark.requirement("calls-run-concurrently")
def test_many_questions_at_once_are_answered_and_change_nothing(home: Home) -> None:
    session = arrange(home.asking(), "open")
    before = home.tree()
    asked: list[tuple[str, Body]] = [
        ("prompts/list", {}),
        ("prompts/get", {"name": "continue"}),
        ("prompts/get", {"name": "start_steps", "arguments": {"target_file": "a.py"}}),
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": f"pos-workflow://sessions/{session}"}),
        ("resources/read", {"uri": f"pos-workflow://sessions/{session}/report"}),
        ("resources/read", {"uri": "pos-workflow://workflows/steps"}),
        ("tools/list", {}),
    ]
    with Wire(home) as wire:
        ids = [wire.post(method, params) for _ in range(5) for method, params in asked]
        answers = [wire.answer(one) for one in ids]
        assert all("result" in one for one in answers), answers
        (tool,) = answers[-1]["result"]["tools"]
        assert tool["inputSchema"]["properties"]["action"]["enum"] == list(ACTIONS)
    assert home.tree() == before


def test_a_malformed_request_is_answered_and_the_server_goes_on(server: Wire) -> None:
    for method, params in (
        ("resources/read", {}),
        ("resources/read", {"uri": 7}),
        ("prompts/get", {"name": "continue", "arguments": {"session_id": 7}}),
        ("prompts/list", {"cursor": "made-up"}),
    ):
        assert server.answer(server.post(method, params))["error"]["code"] == -32602, (method, params)
    assert server.request("prompts/list")["prompts"]
