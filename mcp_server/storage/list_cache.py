"""What a list has read, kept for the next process: ``cache/sessions.jsonl``, which may be deleted at any time.

Nothing but a list believes it. An entry counts only for a head that still has the signature it was read with. The file
is sealed with the user's key, so that nobody else can make a list say what is not so; without a key there is none. It
is not durable: what a loss of power leaves of it has no true seal and is written anew.
"""

from __future__ import annotations

import hmac
import secrets
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from typing import Any, Final

import orjson

from mcp_server.storage.durable import discard, opened, read_span
from mcp_server.storage.filesystem import CREATE_NEW, READ
from mcp_server.storage.keys import Key
from mcp_server.storage.parts import Parts
from mcp_server.storage.summary import FIELDS, Summary, summary_from, values_of

LARGEST: Final = 64 << 20
"""The bytes beyond which no file is written or read."""

# No head begins like this, so that neither's seal is ever the other's.
_PURPOSE: Final = b"list of sessions\n"
_SEAL_LENGTH: Final = 64
_SIGNATURE: Final = struct.Struct("Qqqq")

Signature = bytes
"""A file's inode, size and times. The change time too: whoever puts an old file back can set the other one."""


def signature_of(found: stat_result) -> Signature:
    """What tells a file from another one, and from itself before a change."""
    return _SIGNATURE.pack(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def changed_at(signature: Signature) -> int:
    """When the file last changed, in nanoseconds."""
    return max(_SIGNATURE.unpack(signature)[2:])


@dataclass(frozen=True, slots=True)
class Known:
    """A session as it was read from a head of this signature, and how long its log was then."""

    signature: Signature
    log_length: int
    summary: Summary


class ListCache:
    """The file of one store. Whatever is wrong with it or its folder, there is then no more to read."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._path = parts.layout.list_cache

    def load(self, store: str) -> dict[str, Known]:
        """What was read before of the store with this id, by session id; nothing unless this user's key sealed it."""
        key = self._parts.guard.keys.find()
        if key is None or not store:
            return {}
        # ValueError and TypeError: another version of this program wrote it.
        with suppress(OSError, ValueError, TypeError):
            raw = self._read()
            content, seal = raw[:-_SEAL_LENGTH], raw[-_SEAL_LENGTH:]
            if hmac.compare_digest(_seal(key, content), seal):
                return _parse(store, content)
        return {}

    def save(self, store: str, known: Iterable[Known]) -> None:
        """Keep what was read. A disk that refuses it is no reason for a list to fail."""
        key = self._parts.guard.keys.find()
        if key is None or not store:
            return
        content = b"".join(_lines(store, known))
        if len(content) <= LARGEST - _SEAL_LENGTH:
            with suppress(OSError):
                self._write(content + _seal(key, content))

    def _read(self) -> bytes:
        fs = self._parts.fs
        with opened(fs, self._folder() / self._path.name, READ) as fd:
            size = fs.fstat(fd).st_size
            return read_span(fs, fd, 0, size) if size <= LARGEST else b""

    def _write(self, content: bytes) -> None:
        fs = self._parts.fs
        with suppress(FileExistsError):
            fs.mkdir(self._path.parent)
        temporary = self._folder() / f".{secrets.token_hex(8)}.tmp"
        try:
            with opened(fs, temporary, CREATE_NEW) as fd:
                rest, offset = memoryview(content), 0
                while rest:
                    written = fs.write(fd, rest, offset)
                    rest, offset = rest[written:], offset + written
            fs.replace(temporary, self._path)
        except OSError:
            discard(fs, temporary)
            raise

    def _folder(self) -> Path:
        """The folder of the file; a link in its place is followed nowhere."""
        if not stat.S_ISDIR(self._parts.fs.stat(self._path.parent).st_mode):
            raise NotADirectoryError
        return self._path.parent


def _lines(store: str, known: Iterable[Known]) -> Iterator[bytes]:
    yield orjson.dumps([store, FIELDS]) + b"\n"
    for one in known:
        yield orjson.dumps([one.signature.hex(), one.log_length, values_of(one.summary)]) + b"\n"


def _parse(store: str, content: bytes) -> dict[str, Known]:
    lines = iter(content.splitlines())
    if orjson.loads(next(lines, b"")) != [store, list(FIELDS)]:
        return {}
    return {one.summary.session_id: one for one in map(_known, lines)}


def _known(line: bytes) -> Known:
    row: list[Any] = orjson.loads(line)
    signature, log_length, values = row
    return Known(bytes.fromhex(signature), log_length, summary_from(values))


def _seal(key: Key, content: bytes) -> bytes:
    return key.sign(_PURPOSE + content).encode()
