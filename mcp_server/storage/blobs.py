"""Blobs: content under the name of its SHA-256, immutable, durable before anything names it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mcp_server.storage.durable import make_folders, opened, read_file, read_span, write_file
from mcp_server.storage.filesystem import WRITE, FileSystem
from mcp_server.storage.findings import tampered, torn
from mcp_server.storage.layout import Layout, sha256

NOT_A_FILE: Final = frozenset({errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENOTDIR})
"""What the system says where a link, a folder or a pipe has been put into a file's place."""


class Blobs:
    """The blobs of one store."""

    def __init__(self, fs: FileSystem, layout: Layout) -> None:
        self._fs = fs
        self._layout = layout

    def put(self, blobs: Mapping[str, bytes]) -> None:
        """Store content by its SHA-256, durably.

        What is there as it should be is only made younger, which keeps it from being swept before it is named: a file
        has its name only once its content is durable. The names are synced in any case, since somebody may have stored
        it who has not come to that yet.
        """
        for digest, content in blobs.items():
            path = self._layout.blob(digest)
            make_folders(self._fs, path.parent)
            if self._renewed(path, content):
                self._fs.fsync_dir(path.parent)
            else:
                write_file(self._fs, path, content)
        if blobs:
            self._fs.fsync_dir(self._layout.blobs)

    def _renewed(self, path: Path, content: bytes) -> bool:
        """Whether the content is there, and its age begins anew."""
        try:
            with opened(self._fs, path, WRITE) as fd:
                if read_span(self._fs, fd, 0, len(content) + 1) != content:
                    return False
                self._fs.touch(fd)
                # Whoever sweeps takes the file away before it looks at its age: then it is not this one any more.
                return self._fs.stat(path).st_ino == self._fs.fstat(fd).st_ino
        except OSError:
            # Writing it anew mends whatever is wrong with what is there, or says what the system has against it.
            return False

    def get(self, digest: str) -> bytes:
        """The content of this SHA-256; CorruptStateError when it is missing or not what it was."""
        try:
            content = read_file(self._fs, self._layout.blob(digest))
        except (ValueError, FileNotFoundError):
            raise torn("stored content that it names is missing") from None
        except OSError as error:
            if error.errno in NOT_A_FILE:
                raise tampered("stored content that it names is not a file") from error
            raise
        if sha256(content) != digest:
            raise tampered("stored content that it names is not what was stored")
        return content
