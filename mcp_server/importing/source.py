"""A folder of session files that belongs to another program: read, and never touched."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mcp_server.storage.blobs import NOT_A_FILE
from mcp_server.storage.document import UnfitError
from mcp_server.storage.durable import opened, read_span
from mcp_server.storage.filesystem import READ, FileSystem

MAX_BYTES: Final = 32 * 1024 * 1024
"""A session file of more bytes than this is not read."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was found, and when it was last written."""

    raw: bytes
    written_at: datetime


class Source:
    """The session files of one folder."""

    def __init__(self, folder: Path, fs: FileSystem) -> None:
        self._folder = folder
        self._fs = fs

    def names(self) -> list[str]:
        """The names of the files that may be sessions, sorted; OSError for what is no folder."""
        return sorted(name for name in self._fs.scandir(self._folder) if name.endswith(".json"))

    def read(self, name: str) -> SourceFile:
        """A file's content. Raises UnfitError for what is no plain file, is too large, or must not be read."""
        try:
            with opened(self._fs, self._folder / name, READ) as fd:
                found = self._fs.fstat(fd)
                if not stat.S_ISREG(found.st_mode):
                    raise UnfitError("it is not a file")
                if found.st_size > MAX_BYTES:
                    raise UnfitError(f"it is larger than {MAX_BYTES // 2**20} MiB")
                raw = read_span(self._fs, fd, 0, found.st_size)
                return SourceFile(raw, datetime.fromtimestamp(found.st_mtime, UTC))
        except OSError as error:
            if error.errno in NOT_A_FILE:
                raise UnfitError("it is a link, or no file at all") from None
            raise UnfitError(f"it cannot be read ({error.strerror})") from None
