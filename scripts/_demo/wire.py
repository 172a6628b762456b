"""A real server process, driven by the Python SDK's MCP client over standard input and output."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import TextContent

from _demo.stage import SurpriseError
from mcp_server.cli.terminal import Played, play
from mcp_server.settings import environment_without_settings

TOOL: Final = "pos_workflow"
ANSWER_SECONDS: Final = 60

Reply = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Everything of one run, inside one temporary folder."""

    root: Path
    workflows: Path | None = None

    @property
    def project(self) -> Path:
        """The project that the assistant works in."""
        return self.root / "project"

    @property
    def user(self) -> Path:
        """What would be the user's own folder: keys and anchors."""
        return self.root / "user"

    @property
    def log(self) -> Path:
        """What the server printed to standard error."""
        return self.root / "server.log"

    @property
    def executable(self) -> Path:
        """The command that an install puts beside the interpreter."""
        return Path(sys.executable).parent / "pos-workflow"

    @property
    def flags(self) -> list[str]:
        """The flags that every command of this run gets."""
        flags = ["--project", str(self.project), "--user-dir", str(self.user)]
        return [*flags, "--workflows-dir", str(self.workflows)] if self.workflows else flags

    def person(self, *command: str, typed: str) -> Played:
        """What a person sees who types a command at a terminal of their own, and a line when it asks."""
        environment = {**environment_without_settings(), "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
        return play([str(self.executable), *command, *self.flags], [typed], env=environment, cwd=str(self.root))


@dataclass(frozen=True)
class Wire:
    """A connection to a running server."""

    client: Client
    pid: int

    async def call(self, arguments: dict[str, Any]) -> Reply:
        """Call the tool; SurpriseError unless both forms of the reply say the same."""
        result = await self.client.call_tool(TOOL, arguments)
        body = cast("Reply", result.structured_content)
        text = result.content[0]
        if not isinstance(text, TextContent) or json.loads(text.text) != body:
            raise SurpriseError(f"{arguments['action']}: the reply's text and its structured content differ")
        if result.is_error != (body["status"] == "error"):
            raise SurpriseError(f"{arguments['action']}: isError does not fit status {body['status']}")
        return body

    def kill(self) -> None:
        """SIGKILL: the server has no chance to tidy up."""
        os.kill(self.pid, signal.SIGKILL)

    def is_gone(self) -> bool:
        """Whether there is no such process any more."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False


@asynccontextmanager
async def serving(place: Place) -> AsyncGenerator[Wire]:
    """Start a server as a host would, and connect."""
    pid_file = place.root / "server.pid"
    # The shell only notes its process number and becomes the server: the SDK does not tell it.
    parameters = StdioServerParameters(
        command="/bin/sh",
        args=["-c", 'echo $$ > "$0"; exec "$@"', str(pid_file), str(place.executable), *place.flags],
        cwd=place.root,
    )
    with place.log.open("a") as log:
        transport = stdio_client(parameters, errlog=log)
        async with Client(transport, read_timeout_seconds=ANSWER_SECONDS) as client:
            yield Wire(client, int(pid_file.read_text()))
