"""The MCP server: the engine's one tool on somebody's wire. The only importer of ``mcp``."""

from mcp_server.server.serving import serve
from mcp_server.server.tool import build_server, register_workflow_tools, tool

__all__ = ["build_server", "register_workflow_tools", "serve", "tool"]
