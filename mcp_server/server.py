"""The MCP server: the engine's one tool on somebody's wire. The only importer of ``mcp``."""

from __future__ import annotations

import inspect
import signal
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import WithJsonSchema
from pydantic_core import to_json

import mcp_server
from mcp_server.actions.schema import INSTRUCTIONS, TOOL_NAME, tool_definition
from mcp_server.dispatch import PATIENCE_SECONDS, Waiting, begin
from mcp_server.engine import Engine, Running
from mcp_server.stdio import claim

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

SHUTDOWN_SECONDS: Final = 0.8
"""How long a server that is asked to stop by a signal waits for the answers it owes."""
LAST_WORDS_SECONDS: Final = 0.2
"""How long what has been answered may take to get through to a client that does not read."""

_Context = ServerRequestContext[Any]


def tool() -> types.Tool:
    """The tool as it is published."""
    return types.Tool.model_validate(tool_definition())


def register_workflow_tools(server: Server[Any] | MCPServer, engine: Engine) -> int:
    """Add the tool ``pos_workflow`` to an MCP server beside the tools it has; returns 1.

    On a low-level server its own ``tools/list`` and ``tools/call`` handlers, registered before, go on serving its own
    tools, and the tool is exactly the one that ``pos-workflow`` serves. The SDK's decorator class (``MCPServer``)
    publishes the signature of a function as the schema: the parameters are the same there, with titles and defaults
    added, the output schema is left out, and what is no parameter at all is dropped by the SDK before it gets here.

    Raises ValueError when a low-level server already has the tool from this function.
    """
    if not isinstance(server, Server):
        return _register_by_signature(server, engine)
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
            return await _call(engine, params.arguments, ctx)
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
        return await _call(engine, arguments)

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


async def _call(engine: Engine, arguments: dict[str, Any] | None, ctx: _Context | None = None) -> types.CallToolResult:
    # One hop: the store locks, reads, writes and unlocks in this thread, and a cancelled call cannot abandon it.
    answered = await anyio.to_thread.run_sync(begin, engine, arguments)
    if isinstance(answered, Waiting):
        await _patiently(answered.running, ctx)
        answered = await anyio.to_thread.run_sync(answered.answer)
    text = to_json(answered.body).decode()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)],
        structured_content=answered.body,
        is_error=answered.is_error,
    )


async def _patiently(running: Running, ctx: _Context | None) -> None:
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


def build_server(engine: Engine) -> Server[Any]:
    """A server that has the one tool and nothing else."""
    server: Server[Any] = Server(
        "pos-workflow", title="pos-workflow", version=mcp_server.__version__, instructions=INSTRUCTIONS
    )
    register_workflow_tools(server, engine)
    return server


def serve(engine: Engine, stopping: threading.Event) -> None:
    """Serve over standard input and output until end of input, SIGINT or SIGTERM.

    What has begun is finished and answered before it returns; ``stopping`` is set so that whoever waits for a session
    gives up.
    """
    try:
        anyio.run(_serve, engine, stopping)
    finally:
        engine.close()


async def _serve(engine: Engine, stopping: threading.Event) -> None:
    server = build_server(engine)
    stdin, stdout = claim()

    def stop() -> None:
        stopping.set()
        # What waits for checks is then answered: they were interrupted.
        threading.Thread(target=engine.close, name="closing", daemon=True).start()

    with anyio.CancelScope() as wire:
        async with stdio_server(cast("Any", stdin), cast("Any", stdout)) as (read, write):
            async with _draining(read, write, stop) as (inbox, outbox):
                await server.run(inbox, outbox, server.create_initialization_options())
            # The SDK's reader and writer end with these, and nothing else ends them.
            wire.deadline = anyio.current_time() + LAST_WORDS_SECONDS
            stdin.close()
            await write.aclose()


class _Owed:
    """The requests that have been read and not yet answered."""

    def __init__(self) -> None:
        self._ids: set[types.RequestId] = set()
        self._settled = anyio.Event()

    def note(self, message: Any) -> None:
        if isinstance(message, types.JSONRPCRequest):
            self._ids.add(message.id)
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, str | int):
                self._settle(cancelled)
        elif isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
            self._settle(message.id)

    def _settle(self, request_id: types.RequestId | None) -> None:
        self._ids.discard(request_id)
        self._settled.set()

    async def none(self) -> None:
        while self._ids:
            self._settled = anyio.Event()
            await self._settled.wait()


@asynccontextmanager
async def _draining(
    read: Any, write: Any, stop: Callable[[], None]
) -> AsyncGenerator[tuple[MemoryObjectReceiveStream[Any], MemoryObjectSendStream[SessionMessage]]]:
    """Stand between the wire and the SDK, which drops what is in flight when its input ends.

    Its input is ended only when every request that was read has been answered, or, after a signal, the time for that
    is over.
    """
    to_sdk, inbox = anyio.create_memory_object_stream[Any](0)
    outbox, from_sdk = anyio.create_memory_object_stream[SessionMessage](0)
    owed = _Owed()
    ended = anyio.Event()
    reading, patience = anyio.CancelScope(), anyio.CancelScope()

    async def receive() -> None:
        with reading:
            async for message in read:
                if isinstance(message, SessionMessage):
                    owed.note(message.message)
                await to_sdk.send(message)
            ended.set()

    async def send() -> None:
        async for message in from_sdk:
            await write.send(message)
            owed.note(message.message)

    async def stop_on_signal() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                stop()
                patience.deadline = min(patience.deadline, anyio.current_time() + SHUTDOWN_SECONDS)
                ended.set()

    async def close() -> None:
        await ended.wait()
        reading.cancel()
        with patience:
            await owed.none()
        to_sdk.close()

    async with anyio.create_task_group() as tasks:
        for task in (receive, send, stop_on_signal, close):
            tasks.start_soon(task)
        yield inbox, outbox
        tasks.cancel_scope.cancel()
