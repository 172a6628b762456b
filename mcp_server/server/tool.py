"""The engine's one tool on somebody's server."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, cast

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import WithJsonSchema
from pydantic_core import to_json

from mcp_server.actions.schema import TOOL_NAME, tool_definition
from mcp_server.dispatch import PATIENCE_SECONDS, Answered, Waiting, begin
from mcp_server.engine import Engine, Running
from mcp_server.server.elicitation import Elicitation

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

_Context = ServerRequestContext[Any]


def tool() -> types.Tool:
    """The tool as it is published."""
    return types.Tool.model_validate(tool_definition())


def register_workflow_tools(
    server: Server[Any] | MCPServer, engine: Engine, elicitation: Elicitation | None = None
) -> int:
    """Add the tool ``pos_workflow`` to an MCP server beside the tools it has; returns 1.

    On a low-level server its own ``tools/list`` and ``tools/call`` handlers, registered before, go on serving its own
    tools, and the tool is exactly the one that ``pos-workflow`` serves. The SDK's decorator class (``MCPServer``)
    publishes the signature of a function as the schema: the parameters are the same there, with titles and defaults
    added, the output schema is left out, and what is no parameter at all is dropped by the SDK before it gets here.

    ``elicitation`` puts a gate's question to the client where the gate allows that; there is one of its own without it.
    The decorator class never does.

    Raises ValueError when a low-level server already has the tool from this function.
    """
    if not isinstance(server, Server):
        return _register_by_signature(server, engine)
    elicitation = elicitation or Elicitation(engine)
    listing = server.get_request_handler("tools/list")
    calling = server.get_request_handler("tools/call")
    if getattr(calling.handler if calling else None, "_serves", None) == TOOL_NAME:
        raise ValueError(f"the server already has {TOOL_NAME}")

    async def list_tools(ctx: _Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        if listing is None:
            return types.ListToolsResult(tools=[tool()])
        theirs = cast("types.ListToolsResult", await listing.handler(ctx, params))
        # On the last page, so that a host that pages sees it once.
        if theirs.next_cursor is not None:
            return theirs
        return theirs.model_copy(update={"tools": [*theirs.tools, tool()]})

    async def call_tool(ctx: _Context, params: types.CallToolRequestParams) -> Any:
        if params.name == TOOL_NAME:
            deadline = anyio.current_time() + PATIENCE_SECONDS
            answered = await _answered(engine, params.arguments, ctx)
            answered = await elicitation.after(answered, params, ctx, deadline)
            return answered if isinstance(answered, types.InputRequiredResult) else _result(answered)
        if calling is not None:
            return await calling.handler(ctx, params)
        raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}. This server has {TOOL_NAME}.")

    call_tool._serves = TOOL_NAME  # type: ignore[attr-defined]  # noqa: SLF001 - our own mark
    server.add_request_handler("tools/list", types.PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", types.CallToolRequestParams, call_tool)
    return 1


def _register_by_signature(server: MCPServer, engine: Engine) -> int:
    published = tool_definition()
    schema = published["inputSchema"]

    async def pos_workflow(**arguments: Any) -> types.CallToolResult:
        return _result(await _answered(engine, arguments))

    def parameter(name: str, part: dict[str, Any]) -> inspect.Parameter:
        default = inspect.Parameter.empty if name in schema["required"] else None
        annotation = Annotated[Any, WithJsonSchema(part)]
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    signature = inspect.Signature(
        [parameter(name, part) for name, part in schema["properties"].items()], return_annotation=types.CallToolResult
    )
    pos_workflow.__signature__ = signature  # type: ignore[attr-defined]
    server.add_tool(
        pos_workflow,
        name=published["name"],
        description=published["description"],
        annotations=types.ToolAnnotations.model_validate(published["annotations"]),
    )
    return 1


async def _answered(engine: Engine, arguments: dict[str, Any] | None, ctx: _Context | None = None) -> Answered:
    # One hop: the store locks, reads, writes and unlocks in this thread, and a cancelled call cannot abandon it.
    answered = await anyio.to_thread.run_sync(begin, engine, arguments)
    if isinstance(answered, Waiting):
        await patiently(answered.running, ctx)
        answered = await anyio.to_thread.run_sync(answered.answer)
    return answered


def _result(answered: Answered) -> types.CallToolResult:
    text = to_json(answered.body).decode()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)],
        structured_content=answered.body,
        is_error=answered.is_error,
    )


async def patiently(running: Running, ctx: _Context | None) -> None:
    """Wait for a run as long as hosts wait for a call, and tell its progress to a caller who asked for it."""
    stepped = anyio.Event()
    token = anyio.lowlevel.current_token()

    def step() -> None:
        nonlocal stepped
        stepped.set()

    def listener() -> None:
        # From a thread of the run; the loop may be gone by then, and nobody listens.
        with suppress(RuntimeError, anyio.RunFinishedError):
            anyio.from_thread.run_sync(step, token=token)

    running.listen(listener)
    with anyio.move_on_after(PATIENCE_SECONDS):
        while not running.ended:
            await stepped.wait()
            stepped = anyio.Event()
            progress = running.progress
            if ctx is not None:
                await ctx.session.report_progress(progress.done, progress.total, progress.said)
