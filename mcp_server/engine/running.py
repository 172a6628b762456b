"""The checks that this process runs: who waits for them, who hears of their progress, and how they are ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mcp_server.domain.checking import Cancellable
from mcp_server.domain.results import CheckResult
from mcp_server.engine.ground import Outcome

WATCH_SECONDS: Final = 1.0
"""How often it is looked whether another process has ended an attempt that is run here."""
LAST_WORDS_SECONDS: Final = 0.6
"""How long a server that stops waits for its runs, all together, to say that they were interrupted."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: the checks that are done, of how many, and the latest in words."""

    done: int
    total: int
    said: str = ""


class Running:
    """One run, as those see it who wait for it."""

    def __init__(self, run: str, session_id: str, total: int, cancellation: Cancellable) -> None:
        self.run = run
        self.session_id = session_id
        self.cancellation = cancellation
        self.progress = Progress(0, total)
        self.outcome: Outcome | None = None
        """What was committed in the end; None when it came to nothing, or did not come to an end here."""
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def ended(self) -> bool:
        """Whether it came to its end, its verdict committed."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it has come."""
        return self._ended.wait(seconds)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called at every step and at the end, always from another thread than this one.

        It is not called for an end that has come before: look at ``ended`` after this.
        """
        with self._lock:
            self._listeners.append(listener)

    def step(self, result: CheckResult) -> None:
        """Tell that a check is done."""
        self.progress = Progress(self.progress.done + 1, self.progress.total, f"{result.id}: {result.status}")
        self._tell()

    def end(self) -> None:
        """Tell that it is over."""
        self._ended.set()
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()


class Runs:
    """All that this process runs, by the name of the run. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether this process is stopping: what it runs is then ended, and nothing new is begun."""
        return self._closed

    def begin(self, running: Running, work: Callable[[], None], awaited: Callable[[], bool]) -> None:
        """Do the work in a thread of its own, and tell when it is over; end it once it is no longer awaited."""

        def run() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._running.pop(running.run, None)
                running.end()

        def watch() -> None:
            while not running.wait(WATCH_SECONDS):
                if not awaited():
                    running.cancellation.cancel()
                    return

        with self._lock:
            self._running[running.run] = running
        # A daemon, so that a check that cannot be ended does not keep the process; its supervisor ends it then.
        threading.Thread(target=run, name=f"checks-{running.run[:8]}", daemon=True).start()
        threading.Thread(target=watch, name=f"watch-{running.run[:8]}", daemon=True).start()
        if self._closed:
            running.cancellation.cancel()

    def get(self, run: str) -> Running | None:
        """The run of that name, if it is this process's and not over."""
        with self._lock:
            return self._running.get(run)

    def supersede(self, session_id: str, current: str | None) -> None:
        """End the runs of a session that are no longer the one it waits for."""
        with self._lock:
            stale = [one for one in self._running.values() if one.session_id == session_id and one.run != current]
        for one in stale:
            one.cancellation.cancel()

    def close(self) -> None:
        """End all of them, and wait a little for what they have to say."""
        self._closed = True
        with self._lock:
            running = list(self._running.values())
        for one in running:
            one.cancellation.cancel()
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        for one in running:
            one.wait(max(0.0, deadline - time.monotonic()))
