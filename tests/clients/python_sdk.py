"""To the client of the Python SDK what ``relay.mjs`` is to those in Node: ``python python_sdk.py MODE COMMAND``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.to_thread
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

METHODS: dict[str, Callable[[Client, dict[str, Any]], Awaitable[BaseModel]]] = {
    "tools/list": lambda client, _: client.list_tools(),
    "prompts/list": lambda client, _: client.list_prompts(),
    "prompts/get": lambda client, params: client.get_prompt(params["name"], params["arguments"]),
    "resources/list": lambda client, _: client.list_resources(),
    "resources/read": lambda client, params: client.read_resource(params["uri"]),
}


async def relay(client: Client) -> None:
    """Make each request that comes on standard input, and write what came of it."""
    under_way: dict[int, anyio.CancelScope] = {}

    async def make(message: dict[str, Any]) -> None:
        name, params, timeout = message["id"], message["params"], message.get("timeout")
        with under_way.setdefault(name, anyio.CancelScope()) as scope:
            try:
                if message["method"] == "tools/call":
                    seconds = timeout and timeout / 1000
                    result: BaseModel = await client.call_tool(
                        params["name"], params["arguments"], read_timeout_seconds=seconds
                    )
                else:
                    result = await METHODS[message["method"]](client, params)
                write(id=name, result=result.model_dump(mode="json", by_alias=True, exclude_none=True))
            except MCPError as error:
                write(id=name, error={"code": error.error.code, "message": error.error.message})
        if scope.cancelled_caught:
            write(id=name, error={"code": 0, "message": "cancelled"})

    write(id="connected", result={"protocolVersion": client.protocol_version})
    async with anyio.create_task_group() as tasks:
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            message = json.loads(line)
            if message["method"] == "notifications/cancelled":
                under_way[message["params"]["requestId"]].cancel()
            else:
                tasks.start_soon(make, message)
        tasks.cancel_scope.cancel()


def write(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


async def main(mode: str, command: list[str]) -> None:
    """Connect in a mode of the SDK's, and relay until the end of input."""
    program, *args = command
    server = StdioServerParameters(command=program, args=args, env=dict(os.environ), cwd="/")
    async with Client(server, mode=mode) as client:
        await relay(client)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2:])
