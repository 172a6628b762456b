"""The server that ``pos-workflow`` serves: the one tool, and beside it what hosts show to people."""

from __future__ import annotations

from typing import Any

from mcp import types
from mcp.server.lowlevel import Server

from mcp_server.engine import Engine
from mcp_server.server.completion import Completion
from mcp_server.server.elicitation import Elicitation
from mcp_server.server.identity import bare_server
from mcp_server.server.prompts import Prompts
from mcp_server.server.resources import Resources
from mcp_server.server.tool import register_workflow_tools


def build_server(engine: Engine, elicitation: Elicitation | None = None) -> Server[Any]:
    """A server that has the tool, the prompts and the resources, and nothing else."""
    server = bare_server()
    register_workflow_tools(server, engine, elicitation)
    prompts, resources = Prompts(engine), Resources(engine)
    server.add_request_handler("prompts/list", types.PaginatedRequestParams, prompts.list)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, prompts.get)
    server.add_request_handler("resources/list", types.PaginatedRequestParams, resources.list)
    server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, resources.templates)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, resources.read)
    server.add_request_handler("completion/complete", types.CompleteRequestParams, Completion(engine).complete)
    return server
