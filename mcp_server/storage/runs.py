"""Who runs an attempt's checks: the server that holds the native lock on the file named after the run.

The file of a run is made by whoever begins it, under a name that is used once. That nobody holds it, or that it is
gone, tells that the run is over; the operating system frees the lock of a server that dies.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from mcp_server.storage.durable import opened
from mcp_server.storage.filesystem import CREATE_NEW, WRITE, FileSystem
from mcp_server.storage.layout import Layout

_RUN: Final = re.compile(r"[0-9a-f]{16,64}\Z")


class Claim:
    """That this process runs the checks of one attempt, until it is released or the process ends."""

    def __init__(self, fs: FileSystem, layout: Layout, run: str, fd: int) -> None:
        self._fs = fs
        self._path = layout.runs / run
        self._fd: int | None = fd

    def release(self) -> None:
        """Give it up; a second time does nothing."""
        fd, self._fd = self._fd, None
        if fd is not None:
            # Safe to remove, unlike a session's lock: its name is never used again.
            with suppress(OSError):
                self._fs.unlink(self._path)
            with suppress(OSError):
                self._fs.close(fd)


class Runs:
    """The runs of one store."""

    def __init__(self, fs: FileSystem, layout: Layout) -> None:
        self._fs = fs
        self._layout = layout

    def claim(self, run: str) -> Claim:
        """Begin a run under a new name. Raises OSError, FileExistsError for a name that was used."""
        if not _RUN.match(run):
            raise ValueError("not the name of a run")
        with suppress(FileExistsError):
            self._fs.mkdir(self._layout.runs)
        fd = self._fs.open(self._layout.runs / run, CREATE_NEW)
        if not self._fs.lock(fd):
            self._fs.close(fd)
            raise FileExistsError(run)
        return Claim(self._fs, self._layout, run, fd)

    def held(self, run: str) -> bool:
        """Whether some process, this one included, runs it now."""
        if not _RUN.match(run):
            return False
        with suppress(FileNotFoundError, NotADirectoryError), opened(self._fs, self._layout.runs / run, WRITE) as fd:
            # A lock that was had here is given back with the descriptor.
            return not self._fs.lock(fd)
        return False
