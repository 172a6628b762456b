"""The process that stands between the server and one program that a gate wants run.

It is started as ``python -I -S -X utf8 _supervise.py``, imports nothing but the standard library, and reads one line
of JSON from its standard input: what to run. That pipe stays open; when it ends (the server cancels, or has died by
whatever means) the program is ended. Line by line it answers on its standard output: ``started``, and then
``failed``, or at the end ``ended`` with the outcome and what the program wrote.

The program leads a session of its own. When it has exited, was cancelled or used up its time, everything that it
started is ended: SIGTERM, a grace, SIGKILL. On Linux this process adopts orphans (PR_SET_CHILD_SUBREAPER), so what
made a session of its own or became a daemon is found too, and the program dies with this process (PR_SET_PDEATHSIG).
Elsewhere only the program's own group is reached.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

CHUNK = 65536
KILL_SECONDS = 5.0
"""How long SIGKILL is repeated before what still lives (another user's, or stuck in the kernel) is left."""
KILL_AGAIN_SECONDS = 0.001
"""Short, since a child that has left the group may have a child before it is found."""
LOOK_AGAIN_SECONDS = 0.05
LAST_WORDS_SECONDS = 0.2
"""How long a pipe is read when all are dead that could be killed."""
LONGEST_WAIT = 3600.0

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, value: int) -> bool:
    """Set a property of this process; false where the system has no such call."""
    if sys.platform != "linux":
        return False
    try:
        import ctypes  # noqa: PLC0415 - absent from some builds of Python

        return ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0
    except (ImportError, OSError, AttributeError):
        return False


class Stream:
    """One output of the program: hashed and counted whole, kept from its end."""

    def __init__(self, keep: int) -> None:
        self.fd, self.writing = os.pipe()
        self.open = True
        self._keep = keep
        self._hash = hashlib.sha256()
        self._size = self._newlines = 0
        self._tail = bytearray()

    def take(self) -> bool:
        """Read what is there; false at the end."""
        chunk = os.read(self.fd, CHUNK)
        self.open = bool(chunk)
        self._hash.update(chunk)
        self._size += len(chunk)
        self._newlines += chunk.count(b"\n")
        self._tail += chunk
        if len(self._tail) > self._keep + CHUNK:
            del self._tail[: -self._keep]
        return self.open

    def summary(self) -> dict[str, Any]:
        """Hash, counts and tail for the answer."""
        unended = bool(self._tail) and not self._tail.endswith(b"\n")
        return {
            "sha256": self._hash.hexdigest(),
            "size": self._size,
            "lines": self._newlines + unended,
            "tail": binascii.b2a_base64(self._tail[-self._keep :], newline=False).decode(),
        }


class Supervision:
    """One program from its start until nothing of it lives."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._adopts = prctl(PR_SET_CHILD_SUBREAPER, 1)
        self._stopped = False
        self._childless = False
        self._program = 0
        self._exit_code: int | None = None
        self._selector = selectors.DefaultSelector()
        self._streams = {name: Stream(order["keep_bytes"]) for name in ("stdout", "stderr")}
        self._wake, waking = os.pipe()
        os.set_blocking(waking, False)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._notice)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def run(self) -> None:
        """Start the program, wait for its end or its time, end what is left, and answer."""
        started = time.monotonic()
        failure = self._start()
        if failure is not None:
            answer({"event": "failed", **failure})
            return
        self._pump(lambda: self._exit_code is not None or self._stopped, self._order["timeout_seconds"])
        duration = time.monotonic() - started
        outcome = "exited" if self._exit_code is not None else "cancelled" if self._stopped else "timed_out"
        exit_code = self._exit_code
        if outcome == "exited":
            self._pump(lambda: self._stopped or not self._reading(), self._order["linger_seconds"])
        self._end_all()
        self._pump(lambda: not self._reading(), LAST_WORDS_SECONDS)
        answer(
            {
                "event": "ended",
                "outcome": outcome,
                "exit_code": exit_code if outcome == "exited" else None,
                "duration_seconds": duration,
                "left_running": not self._all_gone(),
                **{name: stream.summary() for name, stream in self._streams.items()},
            }
        )

    def _start(self) -> dict[str, Any] | None:
        """Start the program; the step that failed and its error number, if one did."""
        reading, failing = os.pipe()
        waiting, starting = os.pipe()
        try:
            self._program = os.fork()
        except OSError as error:
            return {"step": "fork", "errno": error.errno}
        if self._program == 0:
            try:
                os.close(starting)
                become(self._order, self._streams["stdout"].writing, self._streams["stderr"].writing, waiting, failing)
            finally:
                os._exit(127)
        # The server has to know whom to kill before the program can kill this process.
        answer({"event": "started", "pid": self._program})
        os.write(starting, b".")
        for fd in (starting, waiting, failing):
            os.close(fd)
        with os.fdopen(reading, "rb") as stream:
            failure = stream.read()
        for stream in self._streams.values():
            os.close(stream.writing)
        if failure:
            os.waitpid(self._program, 0)
            return json.loads(failure)
        self._selector.register(0, selectors.EVENT_READ, self._heed_server)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)
        for stream in self._streams.values():
            self._selector.register(stream.fd, selectors.EVENT_READ, self._reader(stream))
        return None

    def _pump(self, done: Callable[[], bool], seconds: float) -> None:
        """Serve pipes and children until ``done`` or until the time is over."""
        end = time.monotonic() + seconds
        # Without adoption the death of a stranger's child wakes nobody.
        longest = LONGEST_WAIT if self._adopts else LOOK_AGAIN_SECONDS
        while not done() and (left := end - time.monotonic()) > 0:
            for key, _ in self._selector.select(min(left, longest)):
                key.data()

    def _reader(self, stream: Stream) -> Callable[[], None]:
        def read() -> None:
            if not stream.take():
                self._selector.unregister(stream.fd)

        return read

    def _heed_server(self) -> None:
        if not os.read(0, CHUNK):
            self._selector.unregister(0)
            self._stop()

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def _notice(self, *_: object) -> None:
        """A signal that is handled wakes the selector; one that is ignored does not."""

    def _reap(self) -> None:
        os.read(self._wake, CHUNK)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._childless = True
                return
            if pid == 0:
                return
            if pid == self._program:
                self._exit_code = os.waitstatus_to_exitcode(status)

    def _reading(self) -> bool:
        return any(stream.open for stream in self._streams.values())

    def _all_gone(self) -> bool:
        if not self._childless or self._adopts:
            return self._childless
        try:
            os.killpg(self._program, 0)
        except OSError:
            return True
        return False

    def _end_all(self) -> None:
        if self._all_gone():
            return
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)
        self._pump(self._all_gone, self._order["grace_seconds"])
        end = time.monotonic() + KILL_SECONDS
        while not self._all_gone() and time.monotonic() < end:
            self._signal(signal.SIGKILL)
            self._pump(self._all_gone, KILL_AGAIN_SECONDS)

    def _signal(self, number: int) -> None:
        family = descendants(os.getpid()) if self._adopts else None
        # The number of an empty group may be another's by now.
        if family is None or self._program in family.values():
            with suppress(OSError):
                os.killpg(self._program, number)
        for pid, group in (family or {}).items():
            if group != self._program:
                with suppress(OSError):
                    os.kill(pid, number)


def become(order: dict[str, Any], stdout: int, stderr: int, waiting: int, failing: int) -> None:
    """Turn this forked process into the program when told to; on failure tell the step and the error number."""
    step = "chdir"
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if not os.read(waiting, 1):
            return
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.chdir(order["cwd"])
        step = "exec"
        # What this process, or whoever started the server, ignores would stay ignored.
        for number in signal.valid_signals():
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execve(order["argv"][0], order["argv"], order["environment"])  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        os.write(failing, json.dumps({"step": step, "errno": error.errno}).encode())
    except ValueError:
        os.write(failing, json.dumps({"step": step, "errno": 0}).encode())


def descendants(root: int) -> dict[int, int] | None:
    """The group of each living process below ``root``; None where the system does not tell."""
    children: dict[int, list[tuple[int, int]]] = {}
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - pathlib is slow to import
    except OSError:
        return None
    for name in filter(str.isdecimal, names):
        try:
            with open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123 - the same
                # A command's name may hold anything, parentheses too.
                state, parent, group = stream.read().rpartition(b")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if state not in b"ZX":
            children.setdefault(int(parent), []).append((int(name), int(group)))
    if root not in {pid for siblings in children.values() for pid, _ in siblings}:
        return None
    found: dict[int, int] = {}
    waiting = [root]
    while waiting:
        for pid, group in children.get(waiting.pop(), ()):
            found[pid] = group
            waiting.append(pid)
    return found


def answer(message: dict[str, Any]) -> None:
    """One line to the server, if it still lives."""
    line = json.dumps(message).encode() + b"\n"
    with suppress(OSError):
        while line:
            line = line[os.write(1, line) :]


def main() -> None:
    """Read the order and carry it out."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(0, CHUNK)
        if not chunk:
            return
        line += chunk
    Supervision(json.loads(line)).run()


if __name__ == "__main__":
    main()
