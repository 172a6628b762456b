"""The clients of others that drive the server in tests, each behind the same few calls as our own bare one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.node import node
from tests.support import Home, bare_environment, server_command
from tests.wire import PROTOCOL, STATELESS, Wire

HERE = Path(__file__).parent


class Relay(Wire):
    """A process that holds a client, which holds the server: what is sent to it the client makes, and answers are its.

    The server's log comes out with its own, so that ``wait`` waits for both.
    """

    def __init__(self, driver: list[str], home: Home) -> None:
        command = [*driver, *server_command(home)]
        super().__init__(home, command=command, environment=bare_environment(), cwd=HERE, handshake=False)
        self.protocol = self.answer("connected")["result"]["protocolVersion"]

    def post_briefly(self, milliseconds: int, **arguments: Any) -> int:
        """Call the tool with a client that waits so long for the answer; the id of the request."""
        request = self.message("tools/call", {"name": "pos_workflow", "arguments": arguments})
        self.send({**request, "timeout": milliseconds})
        return request["id"]


@dataclass(frozen=True)
class Client:
    """A client in an era of the protocol."""

    name: str
    protocol: str
    driver: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}-{self.protocol}"

    def connect(self, home: Home) -> Wire:
        """Start the client, and have it start the server on a project. Skips where Node cannot be had."""
        if not self.driver:
            return Wire(home, protocol=self.protocol)
        script, *how = self.driver
        runtime = sys.executable if script.endswith(".py") else node(HERE)
        return Relay([runtime, str(HERE / script), *how], home)


BARE = (Client("bare", PROTOCOL), Client("bare", STATELESS))
OTHERS = (
    Client("python", PROTOCOL, ("python_sdk.py", "legacy")),
    Client("python", STATELESS, ("python_sdk.py", "auto")),
    Client("typescript_1", PROTOCOL, ("typescript_1.mjs",)),
    Client("typescript_2", PROTOCOL, ("typescript_2.mjs", "legacy")),
    Client("typescript_2", STATELESS, ("typescript_2.mjs", "auto")),
)
INSPECTOR = {"legacy": PROTOCOL, "modern": STATELESS}
"""The version of the protocol in each era of the Inspector's."""
