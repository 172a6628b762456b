"""A zip file behind the seam, and all that is asked of one before anything of it is believed."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from zipfile import ZipFile, ZipInfo

from mcp_server.errors import CorruptStateError
from mcp_server.storage.durable import read_span
from mcp_server.storage.filesystem import FileSystem

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

MAX_MEMBERS: Final = 250_000
MAX_MEMBER_BYTES: Final = 256 * 1024 * 1024
MAX_DIRECTORY_BYTES: Final = 48 * 1024 * 1024
"""Bytes of the list at an archive's end, which is read as a whole."""

# What deflate can make of a byte at the very best, and what each member may cost besides.
_MOST_BYTES_OF_ONE: Final = 1032
_SLACK_BYTES: Final = 64

_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_BYTES: Final = 20
_IN_END_64: Final = 0xFFFFFFFF
_ENCRYPTED: Final = 0x1

MALFORMED: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, UnicodeError, ValueError,
)  # fmt: skip
"""What the standard library raises for bytes that are no sound archive."""


def damaged(finding: str) -> CorruptStateError:
    """The archive is not one that this program wrote, or not any more."""
    return CorruptStateError(
        "torn",
        f"the archive {finding}",
        remediation="Nothing of it was used. Take another backup: pos-workflow backups verify shows which are sound.",
    )


class SeamFile(io.RawIOBase):
    """An open file as the standard library wants one, every call through the seam. Closing it closes no descriptor."""

    def __init__(self, fs: FileSystem, fd: int) -> None:
        self._fs = fs
        self._fd = fd
        self._at = 0
        self._size = fs.fstat(fd).st_size
        self.failure: OSError | None = None
        """What the system said last when it refused to read; the library takes it for the end of an archive."""

    @property
    def size(self) -> int:
        """The file's length in bytes."""
        return self._size

    def readable(self) -> bool:
        """It can be read."""
        return True

    def writable(self) -> bool:
        """It can be written."""
        return True

    def seekable(self) -> bool:
        """It has places."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go somewhere; ValueError for a place before the beginning."""
        place = offset + (0, self._at, self._size)[whence]
        if place < 0:
            raise ValueError("before the beginning of the file")
        self._at = place
        return place

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as the system does."""
        view = memoryview(buffer).cast("B")
        try:
            part = self._fs.read(self._fd, len(view), self._at)
        except OSError as error:
            self.failure = error
            raise
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of it."""
        rest = memoryview(data).cast("B")
        length = len(rest)
        while rest:
            written = self._fs.write(self._fd, rest, self._at)
            self._at += written
            rest = rest[written:]
        self._size = max(self._size, self._at)
        return length


@contextmanager
def unzipped(fs: FileSystem, fd: int) -> Generator[tuple[ZipFile, Mapping[str, ZipInfo]]]:
    """An archive and its members by name; CorruptStateError unless its list is sound.

    Sound means: bounded before it is read, each name once, files only, none encrypted, none larger than deflate could
    have made it. What the members are called is not judged here.
    """
    file = SeamFile(fs, fd)
    _require_bounded_list(fs, fd, file.size)
    try:
        archive = ZipFile(io.BufferedReader(file))
    except MALFORMED:
        raise file.failure or damaged("cannot be read") from None
    with archive:
        infos = archive.infolist()
        members = {info.filename: info for info in infos}
        if len(members) != len(infos):
            raise damaged("has a member twice")
        for info in infos:
            _require_plain(info)
        if sum(info.file_size for info in infos) > file.size * _MOST_BYTES_OF_ONE + len(infos) * _SLACK_BYTES:
            raise damaged("claims to hold more than it can")
        yield archive, members


def _require_bounded_list(fs: FileSystem, fd: int, size: int) -> None:
    """The list at the end is where this program puts it, with no comment behind it, and of a length to be read."""
    length = min(size, _END.size + _LOCATOR_BYTES + _END_64.size)
    tail = read_span(fs, fd, size - length, size)
    if len(tail) != length or length < _END.size:
        raise damaged("is cut off")
    end = _END.unpack(tail[-_END.size :])
    listed, offset, comment = end[5], end[6], end[7]
    if end[0] != b"PK\x05\x06" or comment:
        raise damaged("does not end as one does")
    if _IN_END_64 in (listed, offset) or end[4] == 0xFFFF:
        if length < _END.size + _LOCATOR_BYTES + _END_64.size:
            raise damaged("is cut off")
        end_64 = _END_64.unpack(tail[: _END_64.size])
        listed = end_64[8]
        if end_64[0] != b"PK\x06\x06":
            raise damaged("does not end as one does")
    if listed > MAX_DIRECTORY_BYTES:
        raise damaged("has too many members")


def _require_plain(info: ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.filename != info.orig_filename or info.is_dir() or kind not in (0, stat.S_IFREG):
        raise damaged("holds something else than files")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise damaged("has a member that this program did not write")
    if info.file_size > MAX_MEMBER_BYTES:
        raise damaged("has a member that is too large")
