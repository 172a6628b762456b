"""A client that costs next to nothing: what it does between a request and its answer would hide what servers cost."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, cast

from tests.support import Body, Home, bare_environment, server_command
from tests.wire import PROTOCOL

ROOT: Final = Path(__file__).parent.parent
BARE: Final = (sys.executable, "-m", "benchmarks.bare_server")

PATIENCE: Final = 60.0
"""Seconds until a server is given up; far more than any call takes."""


class Client:
    """One server process, asked one thing at a time. Its log goes to a file."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with log.open("ab") as stderr:
            # A host's environment: almost empty, and so nothing keeps Python from using compiled bytecode.
            self.process = subprocess.Popen(  # noqa: S603 - the servers that are measured
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=bare_environment(),
                cwd=ROOT,
                bufsize=0,
            )
        self.input = cast("IO[bytes]", self.process.stdin)
        self.output = cast("IO[bytes]", self.process.stdout)
        self._parts: list[bytes] = []
        self.last_id = 0
        info = {"name": "benchmark", "version": "1"}
        self.ask(self.message("initialize", protocolVersion=PROTOCOL, capabilities={}, clientInfo=info))

    @classmethod
    def bare(cls, folder: Path) -> Self:
        """The floor, ready for calls."""
        return cls(BARE, folder / "bare.log").ready()

    @classmethod
    def of(cls, home: Home, *flags: str) -> Self:
        """Our server on a project, ready for calls."""
        return cls(server_command(home, *flags), home.user / "server.log").ready()

    def ready(self) -> Self:
        """The client, once it has told the server that it got the first answer, and has asked for the tools."""
        self.input.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        self.ask(self.message("tools/list"))
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the server's input and wait for its end; kill it after an error."""
        if kind is not None:
            self.process.kill()
        self.input.close()
        self.process.wait(PATIENCE)
        self.output.close()

    def message(self, method: str, **params: Any) -> bytes:
        """A request as a line."""
        self.last_id += 1
        return json.dumps({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}).encode() + b"\n"

    def tool(self, **arguments: Any) -> bytes:
        """A call of our tool as a line."""
        return self.message("tools/call", name="pos_workflow", arguments=arguments)

    def ask(self, line: bytes) -> bytes:
        """The answer to a request, as a line."""
        self.send(line)
        while not (lines := self.receive()):
            pass
        return lines[0]

    def send(self, line: bytes) -> None:
        """Write a request."""
        rest = memoryview(line)
        while rest:
            rest = rest[self.input.write(rest) :]

    def receive(self) -> list[bytes]:
        """The lines that one read completes, once there is something to read."""
        ready, _, _ = select.select((self.output,), (), (), PATIENCE)
        part = self.output.read(1 << 20) if ready else b""
        if not part:
            raise RuntimeError("the server ended, or has not answered for a minute")
        *lines, rest = part.split(b"\n")
        self._parts.append(lines[0] if lines else rest)
        if lines:
            lines[0] = b"".join(self._parts)
            self._parts = [rest]
        return lines

    def call(self, **arguments: Any) -> Body:
        """The tool's reply."""
        return reply_in(json.loads(self.ask(self.tool(**arguments))))

    def timed(self, **arguments: Any) -> tuple[float, Body]:
        """Milliseconds from the first byte of a call to the last of its answer, and the reply."""
        line = self.tool(**arguments)
        answers: list[bytes] = []
        passed = took(lambda: answers.append(self.ask(line)))
        return passed, reply_in(json.loads(answers[0]))

    def no_op(self) -> float:
        """Milliseconds of a call of the tool that does nothing."""
        line = self.message("tools/call", name="no_op", arguments={})
        return took(lambda: self.ask(line))


def reply_in(answer: Body) -> Body:
    """The reply in an answer; RuntimeError when it is not a success."""
    reply: Body = answer.get("result", {}).get("structuredContent", {})
    if reply.get("status") != "success":
        raise RuntimeError(f"a call that is measured has failed: {json.dumps(answer)[:500]}")
    return reply


def took(what: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1_000
