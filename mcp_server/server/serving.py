"""Serving the tool over standard input and output, and leaving it at any moment without owing an answer."""

from __future__ import annotations

import signal
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import types
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from mcp_server.server.deferred import Deferred
from mcp_server.stdio import claim

if TYPE_CHECKING:
    from mcp_server.engine import Engine

SHUTDOWN_SECONDS: Final = 0.8
"""How long a server that is asked to stop by a signal waits for the answers it owes."""
LAST_WORDS_SECONDS: Final = 0.2
"""How long what has been answered may take to get through to a client that does not read."""


def serve(assemble: Callable[[], Engine], stopping: threading.Event) -> None:
    """Serve over standard input and output until end of input, SIGINT or SIGTERM.

    ``assemble`` makes the engine, in a worker thread, once the client has been greeted. What has begun is finished and
    answered before this returns; ``stopping`` is set so that whoever waits for a session gives up.
    """
    deferred = Deferred(assemble)
    try:
        anyio.run(_serve, deferred, stopping)
    finally:
        deferred.close()


async def _serve(deferred: Deferred, stopping: threading.Event) -> None:
    server = deferred.server
    stdin, stdout = claim()

    def stop() -> None:
        stopping.set()
        # What waits for checks is then answered: they were interrupted.
        threading.Thread(target=deferred.close, name="closing", daemon=True).start()

    with anyio.CancelScope() as wire:
        async with stdio_server(cast("Any", stdin), cast("Any", stdout)) as (read, write):
            async with _draining(read, write, stop, deferred.hang_up) as (inbox, outbox):
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

    def read(self, message: Any) -> None:
        """A message of the client's."""
        if isinstance(message, types.JSONRPCRequest):
            self._ids.add(message.id)
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, str | int):
                self._settle(cancelled)

    def written(self, message: Any) -> None:
        """A message to the client. What the server asks has ids of its own, and is owed to nobody."""
        if isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
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
    read: Any, write: Any, stop: Callable[[], None], hang_up: Callable[[], None]
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
                    owed.read(message.message)
                await to_sdk.send(message)
            ended.set()

    async def send() -> None:
        async for message in from_sdk:
            await write.send(message)
            owed.written(message.message)

    async def stop_on_signal() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                stop()
                patience.deadline = min(patience.deadline, anyio.current_time() + SHUTDOWN_SECONDS)
                ended.set()

    async def close() -> None:
        await ended.wait()
        reading.cancel()
        # Nobody answers any more what the client was asked.
        hang_up()
        with patience:
            await owed.none()
        to_sdk.close()

    async with anyio.create_task_group() as tasks:
        for task in (receive, send, stop_on_signal, close):
            tasks.start_soon(task)
        yield inbox, outbox
        tasks.cancel_scope.cancel()
