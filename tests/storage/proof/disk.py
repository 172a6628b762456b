"""A disk in memory that knows what a loss of power may leave of it.

Every change is in the page cache first: a reader sees it at once, the platter may never. What was not synced is lost or
kept, each change for itself and in any order: of a write the length it gives the file, and each third of it; of a
folder each name. A rename within a folder is one change. One into another folder takes the old name away no sooner than
it adds the new one, unless the old folder alone was synced. Syncing a file says nothing about its name.

A sync of a file that failed leaves its content in doubt for good: no later sync brings it to the platter, since the
system counts the pages as clean from then on. Names stay unsynced: a file system that cannot write its journal takes no
more changes.
"""

from __future__ import annotations

import errno
import itertools
import os
import random
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from mcp_server.storage.filesystem import FileSystem
from tests.storage.proof.nodes import Change, Node, failure, naming, without, written

_ROOT: Final = 1


class Disk(FileSystem):
    """The seam on a disk in memory."""

    def __init__(self, *folders: Path) -> None:
        self._nodes = {_ROOT: Node(stat.S_IFDIR | 0o755, {}, {})}
        self._open: dict[int, tuple[int, int]] = {}
        self._locks: dict[int, int] = {}
        self._synced: set[Change] = set()
        self._doubtful: set[Change] = set()
        self._numbers = itertools.count(10)
        for folder in folders:
            self.mkdir(folder)
            self.fsync_dir(folder.parent)

    def open(self, path: Path, flags: int) -> int:
        names = self._node(path.parent).names
        if path.name not in names:
            if not flags & os.O_CREAT:
                raise failure(errno.ENOENT)
            number = self._add(Node(stat.S_IFREG | 0o600, b"", b""))
            self._change(self._number(path.parent), [naming(path.name, number)])
        elif flags & os.O_EXCL:
            raise failure(errno.EEXIST)
        number = self._number(path)
        if stat.S_ISDIR(self._nodes[number].mode) and flags & os.O_RDWR:
            raise failure(errno.EISDIR)
        fd = next(self._numbers)
        self._open[fd] = number, flags
        return fd

    def close(self, fd: int) -> None:
        number, _ = self._opened(fd)
        del self._open[fd]
        if self._locks.get(number) == fd:
            del self._locks[number]

    def read(self, fd: int, size: int, offset: int) -> bytes:
        return self._nodes[self._opened(fd)[0]].data[offset : offset + size]

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        number = self._writable(fd)
        self._change(number, written(bytes(data), offset))
        return len(data)

    def truncate(self, fd: int, size: int) -> None:
        self._change(self._writable(fd, errno.EINVAL), [Change(lambda content: content[:size].ljust(size, b"\0"))])

    def touch(self, fd: int) -> None:
        self._nodes[self._opened(fd)[0]].modified = next(self._numbers)

    def fsync(self, fd: int) -> None:
        self._sync(self._opened(fd)[0])

    def fsync_dir(self, path: Path) -> None:
        self._node(path).names  # noqa: B018 - ENOTDIR
        self._sync(self._number(path))

    def replace(self, source: Path, target: Path) -> None:
        self._node(source.parent).names  # noqa: B018 - ENOTDIR, before anything is looked for
        old = self._node(target.parent).names.get(target.name)
        number = self._number(source)
        if old is not None and stat.S_ISDIR(self._nodes[old].mode):
            raise failure(errno.EISDIR)
        adding = naming(target.name, number)
        if source.parent != target.parent:
            self._change(self._number(target.parent), [adding])
            self._change(self._number(source.parent), [Change(without(source.name), adding)])
        elif source != target:
            renaming = Change(lambda names: {**without(source.name)(names), target.name: number})
            self._change(self._number(source.parent), [renaming])

    def unlink(self, path: Path) -> None:
        if stat.S_ISDIR(self._node(path).mode):
            raise failure(errno.EISDIR)
        self._change(self._number(path.parent), [Change(without(path.name))])

    def mkdir(self, path: Path) -> None:
        if path.name in self._node(path.parent).names:
            raise failure(errno.EEXIST)
        number = self._add(Node(stat.S_IFDIR | 0o700, {}, {}))
        self._change(self._number(path.parent), [naming(path.name, number)])

    def chmod(self, path: Path, mode: int) -> None:
        node = self._node(path)
        node.mode = stat.S_IFMT(node.mode) | mode

    def stat(self, path: Path) -> os.stat_result:
        return self._stat(self._number(path))

    def fstat(self, fd: int) -> os.stat_result:
        return self._stat(self._opened(fd)[0])

    def scandir(self, path: Path) -> list[str]:
        return list(self._node(path).names)

    def scan(self, path: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, os.stat_result | None]]:
        for name, number in list(self._node(path).names.items()):
            yield name, self._stat(number) if name.endswith(suffixes) else None

    def resolve(self, path: Path) -> Path:
        return path

    def lock(self, fd: int) -> bool:
        return self._locks.setdefault(self._opened(fd)[0], fd) == fd

    def fail_fsync(self, fd: int) -> None:
        """A sync of this file has failed: what was written to it stays in doubt."""
        number = self._opened(fd)[0]
        self._doubtful.update(change for change in self._nodes[number].changes if change not in self._synced)

    def killed(self) -> Disk:
        """This disk after every process on it died: nothing is lost, and nothing more is synced."""
        left = Disk()
        left._nodes = {number: replace(node, changes=list(node.changes)) for number, node in self._nodes.items()}
        left._synced, left._doubtful = set(self._synced), set(self._doubtful)
        left._numbers = itertools.count(next(self._numbers))
        return left

    def settled(self) -> Disk:
        """This disk after it was left alone for long: everything is on the platter."""
        return self._after_loss({change for node in self._nodes.values() for change in node.changes})

    def after_hard_loss(self) -> Disk:
        """This disk when a loss of power took everything that was not synced."""
        return self._after_loss(set())

    def after_power_loss(self, chance: random.Random, *, most: int) -> Iterator[Disk]:
        """Every disk that a loss of power may leave now, each once; where there may be more than ``most``, some.

        Those are the ones in which all that was unsynced is lost, or kept, or all but one change, and ``most`` by lot.
        """
        seen: set[object] = set()
        for kept in self._subsets(chance, most):
            left = self._after_loss(kept)
            if (content := left.contents()) not in seen:
                seen.add(content)
                yield left

    def contents(self) -> tuple[tuple[str, bytes], ...]:
        """Every path, and what a reader finds in the files."""
        return tuple(sorted(self._walk(_ROOT, "")))

    def _subsets(self, chance: random.Random, most: int) -> Iterator[set[Change]]:
        unsynced = [change for node in self._nodes.values() for change in node.changes if change not in self._synced]
        count = len(unsynced)
        everything = 2**count - 1
        picks = {0, everything}
        if everything < most:
            picks.update(range(everything))
        elif most:
            singles = {1 << place for place in range(count)}
            picks |= singles | {everything - one for one in singles}
            picks |= {chance.getrandbits(count) for _ in range(most)}
        for pick in sorted(picks):
            yield {change for place, change in enumerate(unsynced) if pick >> place & 1}

    def _after_loss(self, kept: set[Change]) -> Disk:
        left = Disk()
        left._numbers = itertools.count(next(self._numbers))
        for number, node in self._nodes.items():
            content = node.platter
            for change in node.changes:
                if change in self._synced or (change in kept and self._may_come(change, kept)):
                    content = change.apply(content)
            left._nodes[number] = Node(node.mode, content, content, [], node.modified)
        return left

    def _may_come(self, change: Change, kept: set[Change]) -> bool:
        return change.after is None or change.after in kept or change.after in self._synced

    def _walk(self, number: int, path: str) -> Iterator[tuple[str, bytes]]:
        node = self._nodes[number]
        if isinstance(node.now, bytes):
            yield path, node.now
            return
        yield f"{path}/", b""
        for name, child in node.now.items():
            yield from self._walk(child, f"{path}/{name}")

    def _add(self, node: Node) -> int:
        number = next(self._numbers)
        self._nodes[number] = node
        return number

    def _change(self, number: int, changes: list[Change]) -> None:
        node = self._nodes[number]
        node.changes += changes
        for change in changes:
            node.now = change.apply(node.now)
        node.modified = next(self._numbers)

    def _sync(self, number: int) -> None:
        node = self._nodes[number]
        self._synced.update(change for change in node.changes if change not in self._doubtful)
        while node.changes and node.changes[0] in self._synced:
            node.platter = node.changes.pop(0).apply(node.platter)

    def _number(self, path: Path) -> int:
        number = _ROOT
        for name in path.parts[1:]:
            names = self._nodes[number].names
            if name not in names:
                raise failure(errno.ENOENT)
            number = names[name]
        return number

    def _node(self, path: Path) -> Node:
        return self._nodes[self._number(path)]

    def _opened(self, fd: int) -> tuple[int, int]:
        if fd not in self._open:
            raise failure(errno.EBADF)
        return self._open[fd]

    def _writable(self, fd: int, error: int = errno.EBADF) -> int:
        number, flags = self._opened(fd)
        if not flags & os.O_RDWR:
            raise failure(error)
        return number

    def _stat(self, number: int) -> os.stat_result:
        node = self._nodes[number]
        size = len(node.now) if isinstance(node.now, bytes) else 4096
        times = {"st_mtime_ns": node.modified, "st_ctime_ns": node.modified}
        return os.stat_result((node.mode, number, 1, 1, os.geteuid(), os.getegid(), size, 0, 0, 0), times)
