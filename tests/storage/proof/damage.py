"""Stores with a session whose files can be damaged, and what is then still believed of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from mcp_server.errors import CorruptStateError
from mcp_server.storage.durable import write_span
from mcp_server.storage.filesystem import WRITE
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.layout import sha256
from mcp_server.storage.store import Store
from tests.storage.proof.disk import Disk
from tests.storage.proof.operations import REQUEST, SITE
from tests.storage.support import DEFINITION, begun, completing, toggling

HEAD: Final = SITE.head()
LOG: Final = SITE.log()
BLOB: Final = SITE.root / "blobs" / sha256(DEFINITION)[:2] / sha256(DEFINITION)
NO_FOLDER: Final = UserFolders(SITE.root / "store.json" / "config", SITE.root / "store.json" / "data")
"""A place where no folder can be made, so that sessions go on unsealed."""


def told(disk: Disk, user: UserFolders = SITE.user) -> Store:
    """A store with a session that something has happened to."""
    store = Store(SITE.root, user, fs=disk, lock_timeout=0)
    begun(store, request=REQUEST)
    assert bool(store.notices) == (user is NO_FOLDER)
    store.update("one", completing())
    store.update("one", toggling)
    return store


READING: Final[dict[str, tuple[Path, Callable[[Store], object]]]] = {
    "the head": (HEAD, lambda store: store.read("one")),
    "the log": (LOG, lambda store: store.events("one")),
    "a blob": (BLOB, lambda store: store.blob(BLOB.name)),
}


def put(disk: Disk, path: Path, content: bytes) -> None:
    fd = disk.open(path, WRITE)
    disk.truncate(fd, 0)
    write_span(disk, fd, content, 0)
    disk.close(fd)


def flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def believed(disk: Disk, path: Path, damaged: Iterable[bytes], read: Callable[[], object]) -> list[bytes]:
    """Which of these contents of a file are read as if nothing were wrong."""
    found: list[bytes] = []
    for content in damaged:
        put(disk, path, content)
        try:
            read()
        except CorruptStateError:
            continue
        found.append(content)
    return found
