"""Runs one program for a gate, and leaves nothing of it behind.

A small process of its own (``_supervise.py``) stands between the server and the program. It holds the time limit,
drains the output, and ends the program's whole group when the time is over, when the run is cancelled, and when the
server dies, even by ``kill -9``: it sees the pipe to the server end.

Out of reach are, on macOS, what left the program's session and was then orphaned (Linux finds that too); everywhere,
processes of another user (``sudo``), work handed to somebody else's daemon (``docker run``, ``systemd-run``, ``at``),
and a program that ends its supervisor first: its group is then killed, but not what left the group. Windows is
refused.
"""

from __future__ import annotations

import binascii
import errno
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcp_server.checks.output import KEEP_BYTES, NOTHING, Output
from mcp_server.checks.processes import SupervisorProcess

Outcome = Literal["exited", "signalled", "timed_out", "cancelled", "missing_program", "not_started", "lost"]

_STEPS = {
    "supervisor": "No process could be started to supervise it",
    "fork": "No process could be started for it",
    "chdir": "Its working directory cannot be entered",
    "exec": "It cannot be started",
}
_EXEC_PROBLEMS = {
    0: "An argument or a variable holds a null character.",
    errno.EACCES: "It is no file that may be executed.",
    errno.ENOEXEC: "It is neither a program nor a script with a #! line.",
    errno.E2BIG: "Its arguments are too long for the system.",
}


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run, and within which bounds."""

    argv: tuple[str, ...]
    """The first is the path of the program itself: nothing is looked up here."""
    cwd: Path
    environment: Mapping[str, str]
    """All of it: nothing is inherited."""
    timeout_seconds: float
    grace_seconds: float = 2.0
    """Between SIGTERM and SIGKILL."""
    linger_seconds: float = 0.5
    """After the program's exit, how long what it left running may still write."""
    keep_bytes: int = KEEP_BYTES
    """How much of the end of each output is kept."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended.

    ``exited``: with ``exit_code``. ``signalled``: by ``signal`` that nobody here sent. ``timed_out``, ``cancelled``:
    it was ended here. ``missing_program``, ``not_started``: it never ran, for ``reason``. ``lost``: it ran, but its
    supervisor was ended from outside, so how it ended is not known.
    """

    outcome: Outcome
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None
    duration_seconds: float = 0.0
    stdout: Output = NOTHING
    stderr: Output = NOTHING
    left_running: bool = False
    """Whether something of it could not be ended, since it is another user's or stuck in the kernel."""


class Cancellation:
    """Ends runs from another thread, now and for good; one may serve many runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._stops: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """End the runs. Returns at once; each ``run`` returns when nothing of its program lives."""
        with self._lock:
            self._cancelled = True
            stops, self._stops = self._stops, []
        for stop in stops:
            stop()

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Generator[None]:
        """Call ``stop`` when cancelled within the block, at once if that has happened."""
        with self._lock:
            late = self._cancelled
            if not late:
                self._stops.append(stop)
        if late:
            stop()
        try:
            yield
        finally:
            with self._lock, suppress(ValueError):
                self._stops.remove(stop)


def run(command: Command, cancellation: Cancellation | None = None) -> Result:
    """Run a program to its end in the calling thread. Never raises for anything that the program does."""
    cancellation = cancellation or Cancellation()
    if cancellation.cancelled:
        return Result("cancelled")
    if sys.platform == "win32":
        return Result("not_started", reason="Checks that run a program need Linux or macOS.")
    started = time.monotonic()
    try:
        order = _order(command)
        supervisor = SupervisorProcess()
    except (OSError, ValueError) as error:
        return _not_started("supervisor", getattr(error, "errno", None) or 0)
    try:
        supervisor.send(order)
        with cancellation.stopping(supervisor.stop):
            heard = supervisor.hear(command.timeout_seconds + command.linger_seconds + command.grace_seconds)
    finally:
        supervisor.leave(command.grace_seconds)
    if failed := heard.get("failed"):
        return _not_started(failed["step"], failed["errno"])
    if ended := heard.get("ended"):
        return _ended(ended)
    if begun := heard.get("started"):
        return _lost(begun["pid"], time.monotonic() - started)
    return Result("not_started", reason="Its supervisor ended before it began.")


def _order(command: Command) -> bytes:
    order = {
        "argv": [_portable(argument) for argument in command.argv],
        "cwd": _portable(str(command.cwd)),
        "environment": {_portable(name): _portable(value) for name, value in command.environment.items()},
        "timeout_seconds": command.timeout_seconds,
        "grace_seconds": command.grace_seconds,
        "linger_seconds": command.linger_seconds,
        "keep_bytes": command.keep_bytes,
    }
    return json.dumps(order).encode() + b"\n"


def _portable(text: str) -> str:
    """Bytes of this process's file system encoding, written as the supervisor reads them: UTF-8 with escapes."""
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def _ended(message: Mapping[str, Any]) -> Result:
    code: int | None = message["exit_code"]
    signalled = code is not None and code < 0
    return Result(
        outcome="signalled" if signalled else message["outcome"],
        exit_code=None if signalled else code,
        signal=_signal_name(-code) if code is not None and signalled else None,
        duration_seconds=message["duration_seconds"],
        stdout=_output(message["stdout"]),
        stderr=_output(message["stderr"]),
        left_running=message["left_running"],
    )


def _lost(group: int, seconds: float) -> Result:
    with suppress(OSError):
        os.killpg(group, signal.SIGKILL)
    return Result(
        "lost", reason="Its supervisor was ended from outside, so how it ended is not known.", duration_seconds=seconds
    )


def _not_started(step: str, number: int) -> Result:
    """The reason in words, without a path: it may lie outside the project."""
    if step == "exec" and number in (errno.ENOENT, errno.ENOTDIR):
        return Result(
            "missing_program", reason="There is no such program, or the interpreter in its #! line is missing."
        )
    if step == "exec" and number in _EXEC_PROBLEMS:
        return Result("not_started", reason=_EXEC_PROBLEMS[number])
    return Result("not_started", reason=f"{_STEPS[step]}: {os.strerror(number) if number else 'malformed text'}.")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _output(summary: Mapping[str, Any]) -> Output:
    tail = binascii.a2b_base64(summary["tail"])
    return Output(sha256=summary["sha256"], size=summary["size"], lines=summary["lines"], tail=tail)
