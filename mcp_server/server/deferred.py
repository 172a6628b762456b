"""A server that answers the handshake before it has loaded what it serves.

Hosts wait for the handshake when they open a window, and call the tool later or never. Loading the rest takes as long
as half of the SDK does; so it begins once the client has its answer, or with the first request, whichever is earlier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from mcp_server.server.identity import bare_server

if TYPE_CHECKING:
    from mcp_server.engine import Engine
    from mcp_server.server.elicitation import Elicitation

METHODS: Final[dict[str, type[types.RequestParams]]] = {
    "tools/list": types.PaginatedRequestParams,
    "tools/call": types.CallToolRequestParams,
    "prompts/list": types.PaginatedRequestParams,
    "prompts/get": types.GetPromptRequestParams,
    "resources/list": types.PaginatedRequestParams,
    "resources/templates/list": types.PaginatedRequestParams,
    "resources/read": types.ReadResourceRequestParams,
    "completion/complete": types.CompleteRequestParams,
}
"""What the loaded server answers; what it can do is told in the handshake, before it is there."""


class Deferred:
    """A server whose requests wait until the server behind it is loaded.

    ``assemble`` makes the engine; it is called once, in a worker thread.
    """

    def __init__(self, assemble: Callable[[], Engine]) -> None:
        self._assemble = assemble
        self._loading = anyio.Lock()
        self._behind: Server[Any] | None = None
        self._elicitation: Elicitation | None = None
        self._engine: Engine | None = None
        self.server = bare_server()
        for method, params in METHODS.items():
            self.server.add_request_handler(method, params, self._passing(method))
        self.server.add_notification_handler("notifications/initialized", types.NotificationParams, self._initialized)

    def hang_up(self) -> None:
        """Wait for no answer of a client any more; on the event loop."""
        if self._elicitation is not None:
            self._elicitation.close()

    def close(self) -> None:
        """End what the engine runs, if there is one by now."""
        if self._engine is not None:
            self._engine.close()

    async def _initialized(self, _ctx: ServerRequestContext[Any], _params: types.NotificationParams) -> None:
        await self._loaded()

    def _passing(self, method: str) -> Callable[[ServerRequestContext[Any], Any], Any]:
        async def pass_on(ctx: ServerRequestContext[Any], params: Any) -> Any:
            entry = (await self._loaded()).get_request_handler(method)
            assert entry is not None, method  # noqa: S101 - METHODS is held to what is loaded by a test
            return await entry.handler(ctx, params)

        return pass_on

    async def _loaded(self) -> Server[Any]:
        if self._behind is None:
            async with self._loading:
                if self._behind is None:
                    self._behind = await anyio.to_thread.run_sync(self._load)
        return self._behind

    def _load(self) -> Server[Any]:
        from mcp_server.server.build import build_server  # noqa: PLC0415 - the load that is put off
        from mcp_server.server.elicitation import Elicitation  # noqa: PLC0415 - the same

        self._engine = self._assemble()
        self._elicitation = Elicitation(self._engine)
        return build_server(self._engine, self._elicitation)
