"""A bare JSON-RPC client over pipes: one server process and the conversation with it."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import mcp_server
from mcp_server.actions.schema import TOOL_NAME
from mcp_server.settings import environment_without_settings

PROTOCOL: Final = "2025-11-25"
PATIENCE: Final = 60.0
END_SECONDS: Final = 5.0


class WireError(Exception):
    """The conversation broke: no answer in time, the process ended, or what came is not the protocol."""


class Wire:
    """A server process, started as a host would start it."""

    def __init__(self, flags: Sequence[str], cwd: Path, log: IO[bytes]) -> None:
        # -P: the working directory holds what the test wrote, and nothing is to be imported from there.
        command = [sys.executable, "-P", "-m", "mcp_server", *flags]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=cwd,
            env=environment_without_settings(),
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._next_id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def initialize(self) -> None:
        """The handshake."""
        client = {"name": "pos-workflow doctor", "version": mcp_server.__version__}
        self.request("initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The tool's reply; WireError when its three forms (structured, text, error flag) do not agree."""
        result = self.request("tools/call", {"name": TOOL_NAME, "arguments": arguments})
        body: dict[str, Any] = result["structuredContent"]
        if json.loads(result["content"][0]["text"]) != body:
            raise WireError("the reply as text is not the structured reply")
        if result.get("isError", False) != (body["status"] == "error"):
            raise WireError("the reply's error flag is not its status")
        return body

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of one request."""
        self._next_id += 1
        self._send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise WireError(f"no answer to {method} in {PATIENCE:g} s") from None
        if not line:
            raise WireError(f"the server ended instead of answering {method}")
        try:
            answer = json.loads(line)
        except ValueError:
            raise WireError("something that is not the protocol came on standard output") from None
        if answer.get("id") != self._next_id or "result" not in answer:
            raise WireError(f"{method} was answered with {str(answer.get('error', answer))[:200]}")
        return answer["result"]

    def close(self) -> int:
        """End the server's input; its exit code, or -9 when it had to be killed."""
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(BrokenPipeError):
                stdin.close()
        try:
            return self._process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        except BaseException:
            # Whoever is impatient leaves no server behind either.
            self._process.kill()
            self._process.wait()
            raise

    def _send(self, message: dict[str, Any]) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was asked for
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except OSError:
            raise WireError("the server does not read any more") from None

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        with stdout:
            for line in stdout:
                self._lines.put(line)
        self._lines.put(b"")
