"""A bare JSON-RPC client over pipes: no SDK, nothing hidden, and no patience with what is not the protocol."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from tests.support import Body, Home, bare_environment, of_result, server_command

HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""The versions that begin with a handshake."""
PROTOCOL = HANDSHAKES[-1]
STATELESS = "2026-07-28"
"""The version without one: every request says what the handshake said."""
PATIENCE = 30.0
"""Seconds until a test gives up on an answer; far more than any takes."""

_INFO: Body = {"name": "wire", "version": "0"}
_ENVELOPE: Body = {
    "io.modelcontextprotocol/protocolVersion": STATELESS,
    "io.modelcontextprotocol/clientInfo": _INFO,
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Wire:
    """One server process and its two pipes."""

    def __init__(
        self,
        home: Home | None = None,
        *flags: str,
        command: list[str] | None = None,
        environment: Mapping[str, str] | None = None,
        cwd: str | Path = "/",
        protocol: str = PROTOCOL,
        handshake: bool = True,
    ) -> None:
        self.home = home
        self.protocol = protocol
        self._said_each_time: Body = {"_meta": _ENVELOPE} if protocol == STATELESS else {}
        self.lines: list[bytes] = []
        self.log = b""
        self.process = subprocess.Popen(
            command or server_command(home, *flags),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment) if environment is not None else bare_environment(),
            cwd=cwd,
        )
        self._answers: dict[str | int, Body] = {}
        self._changed = threading.Condition()
        self._ended = False
        self._next_id = 0
        # Whoever gives up on a greeting is not held by them.
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_log)]
        for reader in self._readers:
            reader.start()
        if handshake:
            self.initialize()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._leave()
        self.kill()

    def initialize(self) -> Body:
        """What comes first: the handshake, or where there is none the question which versions the server speaks."""
        if self.protocol == STATELESS:
            result = self.request("server/discover")
            assert self.protocol in result["supportedVersions"]
            return result
        params = {"protocolVersion": self.protocol, "capabilities": {}, "clientInfo": _INFO}
        result = self.request("initialize", params)
        self.protocol = result["protocolVersion"]
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result

    def send(self, *messages: Body) -> None:
        """Write messages, one to a line, in one go."""
        self.write("".join(json.dumps(message) + "\n" for message in messages).encode())

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(data)
        stdin.flush()

    def post(self, method: str, params: Body | None = None) -> int:
        """Send a request without waiting; its id."""
        request = self.message(method, params)
        self.send(request)
        return cast("int", request["id"])

    def message(self, method: str, params: Body | None = None) -> Body:
        """A request with an id of its own."""
        self._next_id += 1
        params = {**self._said_each_time, **(params or {})}
        return {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}

    def answer(self, request_id: str | int, patience: float = PATIENCE) -> Body:
        """The response to a request."""
        with self._changed:
            self._changed.wait_for(lambda: request_id in self._answers or self._ended, patience)
            assert request_id in self._answers, f"no answer to {request_id}; log: {self.log.decode()[-2000:]}"
            return self._answers[request_id]

    def answered(self, ids: Iterable[str | int]) -> set[str | int]:
        """Those of the ids that have been answered by now."""
        with self._changed:
            return set(ids) & set(self._answers)

    def request(self, method: str, params: Body | None = None) -> Body:
        """The result of a request."""
        response = self.answer(self.post(method, params))
        assert "result" in response, response
        return cast("Body", response["result"])

    def post_call(self, **arguments: Any) -> int:
        """Call the tool without waiting; the id of the request."""
        return self.post("tools/call", {"name": "pos_workflow", "arguments": arguments})

    def call(self, **arguments: Any) -> Body:
        """Call the tool; its reply."""
        return self.body(self.answer(self.post_call(**arguments)))

    def cancel(self, request_id: int) -> None:
        """Say that the answer to a request is not waited for any more."""
        self.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}})

    def body(self, response: Body) -> Body:
        """The tool's reply in a response, held to what every reply promises."""
        assert "result" in response, response
        return of_result(response["result"], self.home)

    def close_input(self) -> None:
        """End the server's input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def wait(self, patience: float = PATIENCE) -> int:
        """The exit code, once the process has ended and everything it wrote is read."""
        code = self.process.wait(patience)
        for reader in self._readers:
            reader.join(patience)
        return code

    def kill(self) -> None:
        """End the process now, in whatever state it is."""
        self.process.kill()
        self.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                _close(pipe)

    def _leave(self) -> None:
        """Let a process that is still there end by itself."""
        assert self.process.stdin is not None
        if self.process.poll() is None:
            _close(self.process.stdin)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)

    def _read(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        for line in stdout:
            with self._changed:
                self.lines.append(line)
                message = json.loads(line)
                assert message["jsonrpc"] == "2.0", line
                if "method" not in message:
                    self._answers[message["id"]] = message
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log += line


def _close(pipe: Any) -> None:
    # What a dead process did not read any more is lost, as it should be.
    with suppress(BrokenPipeError):
        pipe.close()
