"""The disk in memory does what a real one does, and loses what a real one may lose."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from mcp_server.storage.filesystem import CREATE, CREATE_NEW, READ, WRITE, FileSystem
from tests.storage.proof.disk import Disk
from tests.storage.proof.seams import CALLS

pytestmark = pytest.mark.integration

FILES: Final = ("a", "b", "folder/a", "folder/b", "missing/a", "a/b")
FOLDERS: Final = ("folder", "missing/folder", "a/folder")


def test_it_has_every_call_of_the_seam() -> None:
    assert vars(Disk).keys() >= CALLS


class Side:
    """One of two disks that the same is done to, with the descriptors that are open on it."""

    def __init__(self, fs: FileSystem, root: Path) -> None:
        self.fs = fs
        self._root = root
        self._fds: list[Any] = []

    def do(self, name: str, *arguments: Any) -> object:
        """What a call gives, or the number of the error that it raises; paths by name, descriptors by their order."""
        given: list[Any] = [self._root / one if isinstance(one, str) else one for one in arguments]
        if name in {"close", "read", "write", "truncate", "fsync", "fstat", "lock"}:
            if not self._fds:
                return None
            given[0] = self._fds[given[0] % len(self._fds)]
        try:
            answer = getattr(self.fs, name)(*given)
            if name == "scan":
                return sorted((entry, found and _told(found)) for entry, found in answer)
        except OSError as error:
            return error.errno
        if name == "open":
            self._fds.append(answer)
            return None
        if name == "close":
            self._fds.remove(given[0])
        if isinstance(answer, os.stat_result):
            return _told(answer)
        return sorted(answer) if name == "scandir" else None if name == "resolve" else answer

    def close(self) -> None:
        while self._fds:
            self.do("close", 0)


def _told(found: os.stat_result) -> tuple[int, int | None]:
    """The kind of what is there and its permissions, and the size of a file."""
    return found.st_mode, None if found.st_mode & 0o40000 else found.st_size


def drawn(chance: Random) -> tuple[Any, ...]:
    """A call by lot, such as the store makes."""
    path, fd = chance.choice((*FILES, *FOLDERS)), chance.randrange(10)
    return chance.choice(
        [
            ("open", path, chance.choice((READ, WRITE, CREATE, CREATE_NEW))),
            ("open", path, CREATE),
            ("close", fd),
            ("read", fd, 8, chance.randrange(12)),
            ("write", fd, b"0123456789"[: chance.randrange(10)], chance.randrange(12)),
            ("truncate", fd, chance.randrange(12)),
            ("fsync", fd),
            ("fsync_dir", path),
            ("replace", chance.choice(FILES), chance.choice(FILES)),
            ("unlink", path),
            ("mkdir", chance.choice(FOLDERS)),
            ("chmod", path, 0o700),
            ("stat", path),
            ("fstat", fd),
            ("scandir", path),
            ("scan", path, ("a",)),
            ("resolve", path),
            ("lock", fd),
        ]
    )


@pytest.mark.parametrize("lives", [pytest.param(60, id="quick"), pytest.param(2000, id="all", marks=pytest.mark.slow)])
def test_it_answers_as_the_real_one_does(lives: int, tmp_path: Path, chance: Random, tally: Counter[str]) -> None:
    for _ in range(lives):
        root = tmp_path / "root"
        root.mkdir(mode=0o755)
        real, simulated = Side(FileSystem(), root), Side(Disk(*reversed(root.parents[:-1]), root), root)
        done: list[tuple[Any, ...]] = []
        for _ in range(60):
            done.append(drawn(chance))
            assert simulated.do(*done[-1]) == real.do(*done[-1]), done
        real.close()
        shutil.rmtree(root)
        tally["calls compared"] += len(done)


HERE = Path("/here")


def left(change: Callable[[Disk], object]) -> set[tuple[tuple[str, bytes], ...]]:
    """Everything that a loss of power may leave of a folder with a durable file in it, after a change."""
    disk = Disk(HERE, Path("/there"))
    fd = disk.open(HERE / "old", CREATE)
    disk.write(fd, b"abc", 0)
    disk.fsync(fd)
    disk.fsync_dir(HERE)
    change(disk)
    found = {one.contents() for one in disk.after_power_loss(Random(0), most=1024)}  # noqa: S311 - all of them
    return {tuple((path, content) for path, content in one if not path.endswith("/")) for one in found}


def test_what_was_not_written_again_is_left() -> None:
    assert left(lambda _: None) == {(("/here/old", b"abc"),)}


def test_an_unsynced_write_may_be_torn_anywhere() -> None:
    def write(disk: Disk) -> None:
        disk.write(disk.open(HERE / "old", WRITE), b"defghi", 3)

    contents = {content for ((_, content),) in left(write)}
    assert {b"abc", b"abcdefghi", b"abc\0\0\0\0\0\0", b"abcde\0\0\0\0", b"abc\0\0\0\0hi", b"abcde"} <= contents
    assert len(contents) == 12


def test_a_file_that_was_synced_and_its_name_was_not_may_be_gone() -> None:
    def create(disk: Disk) -> None:
        fd = disk.open(HERE / "new", CREATE_NEW)
        disk.write(fd, b"new", 0)
        disk.fsync(fd)

    assert left(create) == {(("/here/old", b"abc"),), (("/here/new", b"new"), ("/here/old", b"abc"))}


def test_a_rename_is_done_or_not() -> None:
    renamed = left(lambda disk: disk.replace(HERE / "old", HERE / "new"))
    assert renamed == {(("/here/old", b"abc"),), (("/here/new", b"abc"),)}


def test_a_rename_into_another_folder_may_leave_both_names_but_never_neither() -> None:
    moved = left(lambda disk: disk.replace(HERE / "old", Path("/there/old")))
    old, new = ("/here/old", b"abc"), ("/there/old", b"abc")
    assert moved == {(old,), (new,), (old, new)}


def test_a_rename_of_which_only_the_old_folder_was_synced_may_leave_neither() -> None:
    def move(disk: Disk) -> None:
        disk.replace(HERE / "old", Path("/there/old"))
        disk.fsync_dir(HERE)

    assert left(move) == {(), (("/there/old", b"abc"),)}


def test_a_failed_sync_is_not_mended_by_a_later_one() -> None:
    def write(disk: Disk) -> None:
        fd = disk.open(HERE / "old", WRITE)
        disk.write(fd, b"x", 0)
        disk.fail_fsync(fd)
        disk.fsync(fd)

    assert left(write) == {(("/here/old", b"abc"),), (("/here/old", b"xbc"),)}
