"""Listing sees every session and reads again only what may have changed."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.errors import StorageError
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, Site, begun, toggling

pytestmark = pytest.mark.integration


class Counting(FileSystem):
    """A disk that remembers which heads were opened, and can refuse to open one."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.refused: tuple[str, int] | None = None

    def open(self, path: Path, flags: int) -> int:
        if path.parent.name == "workflows":
            self.heads.append(path.stem)
            if self.refused and path.stem == self.refused[0]:
                raise OSError(self.refused[1], os.strerror(self.refused[1]))
        return super().open(path, flags)


def settle(path: Path) -> None:
    """Wait until a file's times say that it changed long ago."""
    while time.time_ns() - path.stat().st_ctime_ns < 2_100_000_000:
        time.sleep(0.05)


def test_sessions_are_listed_by_id_and_other_files_are_not_sessions(site: Site, store: Store) -> None:
    for session_id in ("two", "one", "three"):
        begun(store, session_id)
    (site.root / "workflows" / ".0123.tmp").write_bytes(b"half")
    (site.root / "workflows" / "Notes.json").write_bytes(b"{}")
    assert [session.session_id for session in store.sessions().sessions] == ["one", "three", "two"]


def test_one_that_cannot_be_trusted_hides_no_other(site: Site, store: Store) -> None:
    for session_id in ("one", "two", "three", "four"):
        begun(store, session_id)
    site.head("two").write_bytes(b"{")
    site.head("three").unlink()
    site.head("three").mkdir()
    fs = Counting()
    fs.refused = ("four", errno.EACCES)
    listed = site.store(fs=fs).sessions()
    assert [session.session_id for session in listed.sessions] == ["one"]
    assert [(corrupt.session_id, corrupt.finding) for corrupt in listed.corrupt] == [
        ("four", "torn: its file cannot be read"),
        ("three", "tampered: its file is not a file"),
        ("two", "torn: its file does not parse"),
    ]
    fs.refused = ("four", errno.EMFILE)
    with pytest.raises(StorageError, match="too many files"):
        site.store(fs=fs).sessions()


def test_a_session_whose_files_are_gone_is_named_and_one_that_was_deleted_is_not(site: Site, store: Store) -> None:
    for session_id in ("one", "two", "three", "four"):
        begun(store, session_id)
    store.delete("two", at=BEGIN, reason=None)
    store.delete("three", at=BEGIN, reason=None)
    site.head("three", place="trash").unlink()
    site.head("one").unlink()
    site.head("four").write_bytes(b"{")
    listed = site.store().sessions()
    assert listed.sessions == ()
    assert [(corrupt.session_id, corrupt.finding) for corrupt in listed.corrupt] == [
        ("four", "torn: its file does not parse"),
        ("one", "tampered: its files are gone, though it was never deleted"),
    ]


def test_a_session_that_goes_while_it_is_listed_is_left_out(site: Site) -> None:
    class Vanishing(FileSystem):
        def scan(self, path: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, os.stat_result | None]]:
            yield from super().scan(path, suffixes)
            yield "gone.json", path.stat()

    begun(site.store())
    assert [session.session_id for session in site.store(fs=Vanishing()).sessions().sessions] == ["one"]


def test_a_file_is_read_again_only_when_it_has_changed_or_is_too_young_to_tell(site: Site) -> None:
    fs = Counting()
    store = site.store(fs=fs)
    begun(store)
    begun(store, "two")
    store.sessions()
    fs.heads.clear()
    store.sessions()
    assert set(fs.heads) == {"one", "two"}
    settle(site.head("two"))
    store.sessions()
    fs.heads.clear()
    first = store.sessions()
    assert fs.heads == []
    store.update("one", toggling)
    fs.heads.clear()
    second = store.sessions()
    assert set(fs.heads) == {"one"}
    assert [session.version for session in (*first.sessions, *second.sessions)] == [1, 1, 2, 1]


def test_an_old_file_with_its_old_time_does_not_pass_for_the_one_that_was_read(site: Site, store: Store) -> None:
    begun(store)
    settle(site.head())
    store.sessions()
    times = site.head().stat()
    edited = site.head().read_bytes().replace(b"src/app.py", b"src/api.py")
    site.head().write_bytes(edited)
    os.utime(site.head(), ns=(times.st_atime_ns, times.st_mtime_ns))
    assert [corrupt.session_id for corrupt in store.sessions().corrupt] == ["one"]


def test_a_log_cut_off_is_found_though_the_head_was_read_before(site: Site, store: Store) -> None:
    begun(store)
    settle(site.head())
    store.sessions()
    os.truncate(site.log(), 10)
    assert [corrupt.finding for corrupt in store.sessions().corrupt] == [
        "tampered: its log is shorter than the session says"
    ]


def test_readers_never_meet_half_of_a_change(site: Site, store: Store) -> None:
    """Reading takes no lock; whatever a writer is doing, what is read is whole and never older than before."""
    begun(store)
    stop = threading.Event()

    def write() -> None:
        writer = site.store()
        while not stop.is_set():
            session = writer.update("one", toggling).session
            if session.version % 10 == 0:
                writer.delete("one", at=session.last_updated, reason=None)
                writer.undelete("one", at=session.last_updated)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        versions: list[int] = []
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            listed = store.sessions()
            assert listed.corrupt == ()
            versions += [session.version for session in listed.sessions]
    finally:
        stop.set()
        thread.join()
    assert versions == sorted(versions)
    assert store.verify().ok
