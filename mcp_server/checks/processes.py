"""The server's end of the pipes to the process that supervises a program."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("_supervise.py")
_SLACK_SECONDS = 20.0
"""Beyond all its own limits the supervisor is given this long to answer, on a machine that is very busy."""
_LONGEST_WAIT = 3600.0
_CHUNK = 65536


class SupervisorProcess:
    """The process in between, and the two pipes to it. Raises OSError when it cannot be started."""

    def __init__(self) -> None:
        control, self._control = os.pipe()
        self._report, report = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                # utf8: its strings are then the bytes that were meant, whatever the locale.
                [sys.executable, "-I", "-S", "-X", "utf8", str(_PROGRAM)],
                stdin=control,
                stdout=report,
                stderr=subprocess.DEVNULL,
                cwd="/",
                # The keys of the server's terminal are the server's: it ends its runs in order.
                start_new_session=True,
            )
        except BaseException:
            os.close(self._control)
            os.close(self._report)
            raise
        finally:
            os.close(control)
            os.close(report)
        self._lock = threading.Lock()
        self._stopped = False

    def send(self, order: bytes) -> None:
        """Say what to run."""
        # A supervisor that has died says so by its silence.
        with suppress(BrokenPipeError):
            while order:
                order = order[os.write(self._control, order) :]

    def stop(self) -> None:
        """Ask it, from any thread and any number of times, to end the program."""
        with self._lock:
            if not self._stopped:
                self._stopped = True
                os.close(self._control)
                # The program may have halted it.
                with suppress(OSError):
                    self._process.send_signal(signal.SIGCONT)

    def hear(self, seconds: float) -> dict[str, Any]:
        """What it tells, by the names of its messages; killed when it is overdue after ``seconds`` and some slack."""
        deadline = time.monotonic() + seconds + _SLACK_SECONDS
        heard = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._report, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                if not selector.select(min(left, _LONGEST_WAIT)):
                    continue
                chunk = os.read(self._report, _CHUNK)
                if not chunk:
                    break
                heard += chunk
            else:
                self._process.kill()
        return {message["event"]: message for message in map(json.loads, heard.split(b"\n")[:-1])}

    def leave(self, grace_seconds: float) -> None:
        """Wait until it is gone; it ends the program first, if that still runs."""
        self.stop()
        try:
            self._process.wait(grace_seconds + _SLACK_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            os.close(self._report)
