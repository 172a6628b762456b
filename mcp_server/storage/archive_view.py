"""An archive as a store to be looked at: what reads and verifies a store on the disk does the same inside a backup."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from mcp_server.storage.archive import Archive
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.parts import Parts


class ArchiveFileSystem(FileSystem):
    """The files of an archive under its own path. What lies elsewhere, such as the user's key, is the disk's.

    Nothing can be changed: the archive is a file, so the system itself refuses whatever would be made below it.
    """

    def __init__(self, disk: FileSystem, archive: Archive, root: Path) -> None:
        self._disk = disk
        self._archive = archive
        self._root = root
        self._open: dict[int, bytes] = {}
        self._folders: dict[str, list[str]] = {"": []}
        for name in archive.manifest.members:
            folder, _, last = name.rpartition("/")
            self._folders.setdefault(folder, []).append(last)

    def open(self, path: Path, flags: int) -> int:
        """Open a file; FileNotFoundError for what is not in the archive."""
        name = self._name(path)
        if name is None:
            return self._disk.open(path, flags)
        if name not in self._archive.manifest.members:
            raise _missing()
        # Not a number that the system gives.
        fd = -len(self._open) - 2
        while fd in self._open:
            fd -= 1
        self._open[fd] = self._archive.read(name)
        return fd

    def close(self, fd: int) -> None:
        """Give a descriptor back."""
        if self._open.pop(fd, None) is None:
            self._disk.close(fd)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """At most ``size`` bytes from ``offset``."""
        content = self._open.get(fd)
        return self._disk.read(fd, size, offset) if content is None else content[offset : offset + size]

    def stat(self, path: Path) -> os.stat_result:
        """A private file or folder of this user."""
        name = self._name(path)
        if name is None:
            return self._disk.stat(path)
        member = self._archive.manifest.members.get(name)
        if member is not None:
            return _status(stat.S_IFREG | 0o600, member.bytes)
        if name in self._folders:
            return _status(stat.S_IFDIR | 0o700, 0)
        raise _missing()

    def fstat(self, fd: int) -> os.stat_result:
        """What a descriptor stands for."""
        content = self._open.get(fd)
        return self._disk.fstat(fd) if content is None else _status(stat.S_IFREG | 0o600, len(content))

    def scandir(self, path: Path) -> list[str]:
        """The names in a folder."""
        name = self._name(path)
        if name is None:
            return self._disk.scandir(path)
        if name not in self._folders:
            raise _missing()
        return list(self._folders[name])

    def resolve(self, path: Path) -> Path:
        """There are no links in an archive."""
        return path if self._name(path) is not None else self._disk.resolve(path)

    def _name(self, path: Path) -> str | None:
        """The name of a path inside the archive; None for one outside."""
        return path.relative_to(self._root).as_posix().removeprefix(".") if path.is_relative_to(self._root) else None


def archived_parts(disk: FileSystem, archive: Archive, path: Path, user: UserFolders) -> Parts:
    """The store that an archive holds. It has no anchors: whether a session moved on since, it cannot tell."""
    return Parts(
        path,
        UserFolders(config=user.config, data=path / "anchors"),
        lock_timeout=0.0,
        allow_network_fs=True,
        stopping=None,
        fs=ArchiveFileSystem(disk, archive, path),
    )


def _missing() -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _status(mode: int, size: int) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, os.geteuid(), os.getegid(), size, 0, 0, 0))
