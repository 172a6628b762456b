"""The MCP server: the engine's one tool on somebody's wire, prompts and resources beside it.

The only importer of ``mcp``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_server.server.build import build_server
    from mcp_server.server.tool import register_workflow_tools

__all__ = ["build_server", "register_workflow_tools"]


def __getattr__(name: str) -> object:
    # Serving answers the handshake before the tool is loaded, and must be importable without it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mcp_server.server import build  # noqa: PLC0415 - see above

    return getattr(build, name)
