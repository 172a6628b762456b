"""Files that survive: how bytes get onto the disk so that a name never stands for half of them."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from mcp_server.errors import StorageError
from mcp_server.storage.filesystem import CREATE_NEW, READ, FileSystem
from mcp_server.storage.layout import sha256

_WORDS: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EIO: "the disk reports an I/O error",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.ENOENT: "a file or folder that should be there is gone",
}


class Outcome:
    """A context that says what an OSError inside it means: StorageError, ``unchanged`` until ``committing`` is called.

    The system's own message is not passed on, since it names paths.
    """

    def __init__(self, place: str = "The session store") -> None:
        self._place = place
        self._outcome: Literal["unchanged", "unknown"] = "unchanged"

    def committing(self) -> None:
        """From here on nobody can tell whether a failure left the change undone."""
        self._outcome = "unknown"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            words = _WORDS.get(error.errno or 0, f"the system answered {errno.errorcode.get(error.errno or 0, '?')}")
            raise StorageError(f"{self._place} cannot be used: {words}.", outcome=self._outcome) from error


@contextmanager
def opened(fs: FileSystem, path: Path, flags: int) -> Generator[int]:
    """A descriptor for the length of a block. What matters was synced before, so a failing close means nothing."""
    fd = fs.open(path, flags)
    try:
        yield fd
    finally:
        with suppress(OSError):
            fs.close(fd)


def read_file(fs: FileSystem, path: Path) -> bytes:
    """A file's whole content."""
    with opened(fs, path, READ) as fd:
        return read_span(fs, fd, 0, fs.fstat(fd).st_size)


def read_span(fs: FileSystem, fd: int, start: int, end: int) -> bytes:
    """The bytes from ``start`` to ``end``, or to the file's end if that comes first."""
    part = fs.read(fd, max(0, end - start), start)
    if len(part) == end - start or not part:
        return part
    parts = [part]
    while part:
        start += len(part)
        part = fs.read(fd, end - start, start)
        parts.append(part)
    return b"".join(parts)


def write_span(fs: FileSystem, fd: int, data: bytes, offset: int) -> None:
    """Write all of ``data`` at ``offset`` and make it durable."""
    rest = memoryview(data)
    while rest:
        written = fs.write(fd, rest, offset)
        offset += written
        rest = rest[written:]
    fs.fsync(fd)


def make_private(fs: FileSystem, path: Path, mode: int) -> None:
    """Take back what the process's umask did to a file or folder that was just made."""
    if fs.stat(path).st_mode & 0o777 != mode:
        # Mounts that know no permissions refuse to set them.
        with suppress(PermissionError):
            fs.chmod(path, mode)


def make_folders(fs: FileSystem, folder: Path) -> None:
    """Make a folder and those above it that are missing, durably; one that is there is left as it is."""
    try:
        fs.mkdir(folder)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_folders(fs, folder.parent)
        with suppress(FileExistsError):
            fs.mkdir(folder)
    make_private(fs, folder, 0o700)
    fs.fsync_dir(folder.parent)


def settle_names(fs: FileSystem, path: Path, levels: int) -> None:
    """Make a name durable, and those of so many folders above it: whoever made them may have died before they were."""
    for above in path.parents[:levels]:
        with suppress(PermissionError):
            fs.fsync_dir(above)


def stage(fs: FileSystem, folder: Path, content: bytes) -> Path:
    """A durable temporary file with the content, ready to be given its name."""
    temporary = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        with opened(fs, temporary, CREATE_NEW) as fd:
            if fs.fstat(fd).st_mode & 0o777 != 0o600:
                make_private(fs, temporary, 0o600)
            write_span(fs, fd, content, 0)
    except OSError:
        discard(fs, temporary)
        raise
    return temporary


def publish(fs: FileSystem, temporary: Path, path: Path) -> None:
    """Give a staged file its name: the old content until the replace, the new one after it, nothing between."""
    try:
        fs.replace(temporary, path)
    except OSError:
        discard(fs, temporary)
        raise
    fs.fsync_dir(path.parent)


def write_file(fs: FileSystem, path: Path, content: bytes) -> None:
    """Put a file into its place as a whole, durably."""
    publish(fs, stage(fs, path.parent, content), path)


def set_aside(fs: FileSystem, quarantine: Path, name: str, content: bytes) -> None:
    """Keep a copy of a file that is about to be replaced by what could be read of it."""
    write_file(fs, quarantine / f"{name}.{sha256(content)[:16]}", content)


def discard(fs: FileSystem, path: Path) -> None:
    """Remove a temporary file if that is possible; what stays is swept later."""
    with suppress(OSError):
        fs.unlink(path)
