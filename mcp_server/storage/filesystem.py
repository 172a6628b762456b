"""Every system call that the store makes, one method each, so that a test can fail the n-th or stop the world there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from filelock import lock_descriptor

if sys.platform == "darwin":  # pragma: no cover
    import fcntl

# A link is never followed into another place, and a pipe that somebody put in a file's place never blocks.
_SAFE: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

READ: Final = os.O_RDONLY | _SAFE
WRITE: Final = os.O_RDWR | _SAFE
CREATE: Final = os.O_RDWR | os.O_CREAT | _SAFE
CREATE_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE


class FileSystem:
    """The operating system's files. Every method raises OSError as the system does."""

    def open(self, path: Path, flags: int) -> int:
        """Open a file; one that is created is private to its owner."""
        return os.open(path, flags, 0o600)

    def close(self, fd: int) -> None:
        """Give the descriptor back, and with it any lock."""
        os.close(fd)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """At most ``size`` bytes from ``offset``; fewer at the end of the file."""
        return os.pread(fd, size, offset)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write at ``offset``; the number of bytes that were taken."""
        return os.pwrite(fd, data, offset)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file off at ``size``."""
        os.ftruncate(fd, size)

    def touch(self, fd: int) -> None:
        """Make the file one that was changed just now."""
        os.utime(fd)

    def fsync(self, fd: int) -> None:
        """Make the file's content survive a loss of power."""
        if sys.platform == "darwin":  # pragma: no cover
            # fsync there leaves the data in the drive's own cache.
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        else:
            os.fsync(fd)

    def fsync_dir(self, path: Path) -> None:
        """Make the names in a folder survive a loss of power."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.fsync(fd)
        finally:
            os.close(fd)

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another name, atomically, in the place of whatever has it."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def mkdir(self, path: Path) -> None:
        """Make a folder that is private to its owner."""
        path.mkdir(0o700)

    def chmod(self, path: Path, mode: int) -> None:
        """Set the permissions of a file or folder."""
        path.chmod(mode)

    def stat(self, path: Path) -> os.stat_result:
        """What is there under this name; a link is not followed."""
        return path.lstat()

    def fstat(self, fd: int) -> os.stat_result:
        """What the descriptor stands for."""
        return os.fstat(fd)

    def scandir(self, path: Path) -> list[str]:
        """The names in a folder, in no order."""
        return os.listdir(path)  # noqa: PTH208 - names are wanted, not paths

    def scan(self, path: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, os.stat_result | None]]:
        """The names in a folder, in no order, those that end in one of the suffixes with what is there under them.

        Far quicker than a ``stat`` of each. A name that goes meanwhile is left out.
        """
        with os.scandir(path) as entries:
            for entry in entries:
                try:
                    yield entry.name, entry.stat(follow_symlinks=False) if entry.name.endswith(suffixes) else None
                except FileNotFoundError:
                    continue

    def resolve(self, path: Path) -> Path:
        """The path without links, whether it exists or not."""
        return path.resolve()

    def lock(self, fd: int) -> bool:
        """Try once to lock the file for this descriptor alone."""
        return lock_descriptor(fd, blocking=False)
