"""The floor of every call: a server of the SDK's low-level class with one tool that does nothing, and nothing else."""

from __future__ import annotations

from typing import Any

import anyio
from mcp import types
from mcp.server import Server
from mcp.server.stdio import stdio_server

NO_OP = types.Tool(name="no_op", description="Does nothing.", input_schema={"type": "object"})


async def list_tools(_context: Any, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """The one tool."""
    return types.ListToolsResult(tools=[NO_OP])


async def call_tool(_context: Any, _params: types.CallToolRequestParams) -> types.CallToolResult:
    """Nothing."""
    return types.CallToolResult(content=[types.TextContent(type="text", text="done")])


async def serve() -> None:
    """Serve on standard input and output until the input ends."""
    server: Server[Any] = Server("bare", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(serve)
