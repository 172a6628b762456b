"""Who may write: locks of the operating system on files that are created once and never removed.

A session's lock is one of 64 stripes, chosen by its id. The order in which one holder takes several is fixed, so that
no two wait for each other: stripes by number, inside them the audit log's lock. The locks ``store`` and the user's
``key`` are held for the making of one file, with nothing taken inside.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from mcp_server.errors import BusyError
from mcp_server.storage.durable import make_private
from mcp_server.storage.filesystem import CREATE, WRITE, FileSystem

STRIPES: Final = 64
_STRIPES: Final = tuple(f"{number:02x}" for number in range(STRIPES))
_POLL_SECONDS: Final = (0.0005, 0.01)
_RETRY_AFTER_SECONDS: Final = 1.0


def stripe_of(key: str) -> str:
    """The name of the lock that a session or a request shares with one in 64 of the others."""
    return stripe_of_digest(hashlib.sha256(key.encode()).hexdigest())


def stripe_of_digest(digest: str) -> str:
    """The same for a session or a request of which only the SHA-256 in hex is known."""
    return f"{int(digest[:2], 16) % STRIPES:02x}"


class Locks:
    """The locks in one folder. A server that is stopping waits for none of them."""

    def __init__(
        self, fs: FileSystem, folder: Path, *, timeout: float, stopping: threading.Event | None = None
    ) -> None:
        self._fs = fs
        self._folder = folder
        self._timeout = timeout
        self._stopping = stopping or threading.Event()
        self._holder: int | None = None
        """The thread that holds every stripe."""

    @contextmanager
    def hold(self, name: str, *, create: bool = True) -> Generator[None]:
        """Hold one lock for the length of a block.

        Raises BusyError when it is not to be had in time, FileNotFoundError when nobody has ever held it and it shall
        not be created.
        """
        if self._holder == threading.get_ident() and name in _STRIPES:
            yield
            return
        path = self._folder / name
        fd = self._fs.open(path, CREATE if create else WRITE)
        try:
            if self._fs.fstat(fd).st_mode & 0o777 != 0o600:
                make_private(self._fs, path, 0o600)
            self._wait(fd)
            yield
        finally:
            # Closing frees the lock even where it reports a failure.
            with suppress(OSError):
                self._fs.close(fd)

    @contextmanager
    def hold_all(self) -> Generator[None]:
        """Hold every stripe, for work on the store as a whole; raises BusyError when one is not to be had in time.

        Who holds all holds each: asking for one of them again inside the block takes nothing and waits for nobody.
        """
        with ExitStack() as held:
            for name in _STRIPES:
                held.enter_context(self.hold(name))
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None

    def _wait(self, fd: int) -> None:
        deadline = time.monotonic() + self._timeout
        while not self._fs.lock(fd):
            if self._stopping.is_set():
                raise BusyError("The server is stopping.", retry_after_seconds=_RETRY_AFTER_SECONDS)
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"Another process has held this for longer than {self._timeout:g} seconds.",
                    retry_after_seconds=_RETRY_AFTER_SECONDS,
                )
            # Uneven steps let every waiter through; even ones starve some for seconds.
            self._stopping.wait(random.uniform(*_POLL_SECONDS))  # noqa: S311 - nothing secret about it
