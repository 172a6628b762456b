"""The tool on other people's servers, beside the tools they have."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from mcp import Client, types
from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from mcp_server.actions.schema import input_schema, tool_definition
from mcp_server.server import build_server, register_workflow_tools
from tests.shipped_evidence import HONEST
from tests.support import ACTIONS, PASSING, Body, Home, arrange, checked, define_small_workflows, write_honest_files

pytestmark = pytest.mark.integration

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


@pytest.fixture
def home(tmp_path: Any) -> Home:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    write_honest_files(home)
    return home


async def call(client: Client, **arguments: Any) -> Body:
    result = await client.call_tool("pos_workflow", arguments)
    (content,) = result.content
    assert content.type == "text"
    body = result.structured_content
    assert body is not None
    return checked(body, is_error=result.is_error, text=content.text)


def own_tool(name: str) -> types.Tool:
    return types.Tool(name=name, description=f"The {name}.", input_schema={"type": "object", "properties": {}})


def server_with_tools() -> Server[Any]:
    """Somebody's low-level server: three tools on two pages."""

    async def list_tools(_: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        if params is None or params.cursor is None:
            return types.ListToolsResult(tools=[own_tool("first"), own_tool("second")], next_cursor="two")
        return types.ListToolsResult(tools=[own_tool("third")])

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in ("first", "second", "third"):
            raise MCPError(types.INVALID_PARAMS, f"no tool {params.name}")
        return types.CallToolResult(content=[types.TextContent(type="text", text=f"{params.name} was called")])

    return Server("theirs", on_list_tools=list_tools, on_call_tool=call_tool)


async def all_tools(client: Client) -> list[types.Tool]:
    tools: list[types.Tool] = []
    page = await client.list_tools()
    tools += page.tools
    while page.next_cursor is not None:
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    return tools


@pytest.mark.requirement("register-workflow-tools")
@ERAS
async def test_a_server_with_tools_of_its_own_keeps_them_page_by_page(home: Home, mode: str) -> None:
    server = server_with_tools()
    assert register_workflow_tools(server, home.engine()) == 1
    async with Client(server, mode=mode) as client:
        first = await client.list_tools()
        assert [tool.name for tool in first.tools] == ["first", "second"]
        tools = await all_tools(client)
        assert [tool.name for tool in tools] == ["first", "second", "third", "pos_workflow"]
        assert tools[-1].model_dump(by_alias=True, exclude_none=True) == tool_definition()
        theirs = await client.call_tool("second", {})
        assert cast("types.TextContent", theirs.content[0]).text == "second was called"
        assert (await call(client, action="list_workflows"))["status"] == "success"
        with pytest.raises(MCPError, match="no tool fourth"):
            await client.call_tool("fourth", {})


@pytest.mark.requirement("register-workflow-tools")
async def test_a_bare_server_gets_the_one_tool(home: Home) -> None:
    server: Server[Any] = Server("bare")
    assert register_workflow_tools(server, home.engine()) == 1
    async with Client(server) as client:
        assert [tool.name for tool in await all_tools(client)] == ["pos_workflow"]
        with pytest.raises(MCPError, match=r"Unknown tool: other\. This server has pos_workflow\."):
            await client.call_tool("other", {})


@pytest.mark.requirement("register-workflow-tools")
def test_registering_twice_is_refused(home: Home) -> None:
    server = server_with_tools()
    register_workflow_tools(server, home.engine())
    with pytest.raises(ValueError, match="already has pos_workflow"):
        register_workflow_tools(server, home.engine())
    with pytest.raises(ValueError, match="already has pos_workflow"):
        register_workflow_tools(build_server(home.engine()), home.engine())


@pytest.mark.requirement("register-workflow-tools")
async def test_the_decorator_class_publishes_the_same_parameters(home: Home) -> None:
    server = MCPServer("decorated")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    assert add(1, 2) == 3
    assert register_workflow_tools(server, home.engine()) == 1
    async with Client(server) as client:
        tools = {tool.name: tool for tool in await all_tools(client)}
        assert set(tools) == {"add", "pos_workflow"}
        published = tools["pos_workflow"]
        assert published.description == tool_definition()["description"]
        assert published.annotations is not None
        assert published.annotations.model_dump(by_alias=True, exclude_none=True) == tool_definition()["annotations"]
        wanted = input_schema()
        assert published.input_schema["required"] == ["action"]
        assert set(published.input_schema["properties"]) == set(wanted["properties"])
        for name, part in wanted["properties"].items():
            shown = published.input_schema["properties"][name]
            assert {key: shown.get(key) for key in part} == part, name
        assert published.input_schema["properties"]["action"]["enum"] == list(ACTIONS)


@pytest.mark.requirement("register-workflow-tools")
@ERAS
async def test_the_decorator_class_drives_a_session(home: Home, mode: str) -> None:
    server = MCPServer("decorated")
    register_workflow_tools(server, home.engine())
    async with Client(server, mode=mode) as client:
        started = await call(client, action="start", workflow_type="small_change", target_file="prices.py")
        session = started["session_id"]
        refused = await call(client, action="complete_phase", session_id=session, phase=1, evidence={})
        assert refused["error_type"] == "ValidationError"
        replies = [
            await call(client, action="complete_phase", session_id=session, phase=phase, evidence=evidence)
            for phase, evidence in HONEST["small_change_v1"].items()
        ]
        assert [reply.get("workflow_completed") for reply in replies] == [None, True]
        wrong = await call(client, action="pause", session_id=session, phase=1)
        assert wrong["fields"][0]["field"] == "phase"
        unknown = await call(client, action="finish")
        assert unknown["valid_actions"] == list(ACTIONS)


@pytest.mark.requirement("register-workflow-tools")
async def test_two_servers_in_one_process_share_a_store_and_lose_nothing(home: Home) -> None:
    one, two = build_server(home.engine()), build_server(home.engine())
    session = arrange(home.asking(), "open")
    async with Client(one) as first, Client(two) as second:
        await call(first, action="complete_phase", session_id=session, phase=2, evidence=PASSING)
        assert (await call(second, action="get_state", session_id=session))["current_phase"] == 3


def test_the_server_says_who_it_is(home: Home) -> None:
    server = build_server(home.engine())
    assert server.name == "pos-workflow"
    assert re.fullmatch(r"\d+\.\d+\.\d+", server.version or "")
