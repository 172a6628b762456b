"""Blobs: content under the name of its SHA-256, immutable, durable before anything names it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Final

from mcp_server.storage.durable import make_folders, read_file, write_file
from mcp_server.storage.filesystem import FileSystem
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

        What is there is written anew: it may be somebody's who has not yet synced it, or be damaged; and its age
        begins anew, which keeps it from being swept before it is named.
        """
        for digest, content in blobs.items():
            path = self._layout.blob(digest)
            make_folders(self._fs, path.parent)
            write_file(self._fs, path, content)
        if blobs:
            self._fs.fsync_dir(self._layout.blobs)

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
