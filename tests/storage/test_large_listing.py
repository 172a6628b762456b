"""A large store is looked at as a whole only now and then, and what a list has read is kept for the next process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from mcp_server.domain.session import Status
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.keys import Key
from mcp_server.storage.list_cache import ListCache
from mcp_server.storage.listing import SMALL, THOROUGH_SECONDS, Lister, Listing
from mcp_server.storage.store import Store
from tests.storage.busy import SHARED, busy
from tests.storage.support import BEGIN, QuickFileSystem, Site, filled, parts, settle, toggling

pytestmark = pytest.mark.integration

COUNT: Final = SMALL + 44
CUT: Final = "tampered: its log is shorter than the session says"


class Watched(QuickFileSystem):
    """A disk that remembers which heads were opened and how often the sessions' folder was gone through."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.scans = 0

    def open(self, path: Path, flags: int) -> int:
        if path.parent.name == "workflows" and path.suffix == ".json":
            self.heads.append(path.stem)
        return super().open(path, flags)

    def scan(self, path: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, os.stat_result | None]]:
        self.scans += 1
        return super().scan(path, suffixes)


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def many(site: Site) -> list[str]:
    """The ids of very many sessions, whose files changed long ago."""
    ids = filled(site, COUNT)
    at_rest(site)
    return ids


def at_rest(site: Site) -> None:
    folders = (site.root / "workflows", site.root / "trash", *parts(site.store()).guard.anchors.folders)
    settle(*(folder for folder in folders if folder.exists()))


def cache(site: Site) -> Path:
    return site.root / "cache" / "sessions.jsonl"


def cached(site: Site) -> set[str]:
    """The ids that the cache holds, as a new process reads it."""
    rooms = parts(site.store())
    return set(ListCache(rooms).load(rooms.root.identity()))


def listed(store: Store) -> list[str]:
    listing = store.sessions()
    assert listing.corrupt == ()
    return [one.session_id for one in listing.sessions]


def test_nothing_is_looked_at_again_while_nothing_changes(site: Site, many: list[str]) -> None:
    fs = Watched()
    store = site.store(fs=fs)
    first = store.sessions()
    assert [one.session_id for one in first.sessions] == many
    fs.scans, fs.heads = 0, []
    assert store.sessions() is first
    assert (fs.scans, fs.heads) == (0, [])


def test_what_other_processes_do_shows_at_once_and_only_that_is_read(site: Site, many: list[str]) -> None:
    fs = Watched()
    store, other = site.store(fs=fs), site.store(fs=QuickFileSystem())
    store.sessions()
    changes: list[Callable[[], object]] = [
        lambda: other.update(many[7], toggling),
        lambda: other.delete(many[8], at=BEGIN, reason=None),
        lambda: other.undelete(many[8], at=BEGIN),
        lambda: other.delete(many[9], at=BEGIN, reason=None),
    ]
    for change in changes:
        change()
        fs.heads.clear()
        store.sessions()
        assert set(fs.heads) <= set(many[7:10])
    assert listed(store) == many[:9] + many[10:]
    assert store.sessions().sessions[7].session_status is Status.PAUSED


def test_a_change_so_young_that_another_might_not_show_is_looked_at_again(site: Site, many: list[str]) -> None:
    fs = Watched()
    store = site.store(fs=fs)
    store.sessions()
    site.store(fs=QuickFileSystem()).update(many[0], toggling)
    store.sessions()
    fs.scans = 0
    store.sessions()
    assert fs.scans == 1
    at_rest(site)
    store.sessions()
    store.sessions()
    assert fs.scans == 2


@pytest.mark.parametrize(("kind", "finding"), [("log", CUT), ("head", "torn: its file does not parse")])
def test_what_other_hands_change_in_its_place_shows_at_the_next_thorough_look(
    site: Site, many: list[str], kind: str, finding: str
) -> None:
    clock = Clock()
    lister = Lister(parts(site.store()), clock)
    first = lister.list()
    os.truncate(site.log(many[3]) if kind == "log" else site.head(many[3]), 10)
    clock.now = THOROUGH_SECONDS - 1
    assert lister.list() is first
    clock.now = THOROUGH_SECONDS
    assert findings(lister.list()) == {many[3]: finding}


def findings(listing: Listing) -> dict[str, str]:
    return {one.session_id: one.finding for one in listing.corrupt}


def test_files_that_other_hands_take_away_are_missed_at_once(site: Site, many: list[str]) -> None:
    store = site.store()
    store.sessions()
    site.log(many[1]).unlink()
    site.head(many[2]).unlink()
    expected = {
        many[1]: "tampered: its log is missing",
        many[2]: "tampered: its files are gone, though it was never deleted",
    }
    for _ in range(2):
        assert findings(store.sessions()) == expected
    assert findings(site.store().sessions()) == expected


def test_a_new_process_opens_no_session_that_is_in_the_cache(site: Site, many: list[str]) -> None:
    first = site.store().sessions()
    fs = Watched()
    assert site.store(fs=fs).sessions() == first
    assert fs.heads == []
    site.store(fs=QuickFileSystem()).update(many[5], toggling)
    changed = site.store(fs=fs).sessions()
    assert set(fs.heads) == {many[5]}
    assert (changed.sessions[5].version, changed.sessions[6]) == (2, first.sessions[6])


def test_the_cache_may_be_deleted_at_any_time(site: Site, many: list[str]) -> None:
    store = site.store()
    first = store.sessions()
    shutil.rmtree(site.root / "cache")
    assert store.sessions() == first
    assert site.store().sessions() == first
    assert cached(site) == set(many)


def test_a_cache_that_is_broken_is_not_believed_and_made_anew(site: Site, many: list[str]) -> None:
    first = site.store().sessions()
    sound = cache(site).read_bytes()
    middle = len(sound) // 2
    flipped = sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :]
    for broken in (b"", b"\n", sound[:63], sound[:middle], sound[:-1], flipped, sound + b"\n", b"\xff" * 200):
        cache(site).write_bytes(broken)
        assert cached(site) == set()
        assert site.store().sessions() == first
        assert cached(site) == set(many)


def test_a_link_in_the_place_of_the_cache_is_followed_nowhere(site: Site, many: list[str]) -> None:
    site.store().sessions()
    elsewhere = site.folder / "elsewhere"
    cache(site).parent.rename(elsewhere)
    cache(site).parent.symlink_to(elsewhere)
    before = (elsewhere / "sessions.jsonl").stat().st_mtime_ns
    assert cached(site) == set()
    assert listed(site.store()) == many
    assert (elsewhere / "sessions.jsonl").stat().st_mtime_ns == before


@pytest.mark.parametrize("forger", ["without a key", "with another key"])
def test_a_cache_that_somebody_else_made_is_not_believed(site: Site, many: list[str], forger: str) -> None:
    site.store().sessions()
    content = cache(site).read_bytes()[:-64].replace(b'"active"', b'"paused"')
    seal = Key("0" * 16, b"another" if forger == "with another key" else b"").sign(b"list of sessions\n" + content)
    cache(site).write_bytes(content + seal.encode())
    assert {one.session_status for one in site.store().sessions().sessions} == {Status.ACTIVE}
    assert cached(site) == set(many)


def test_yesterdays_cache_put_back_says_nothing_of_what_has_changed_since(site: Site, many: list[str]) -> None:
    store = site.store(fs=QuickFileSystem())
    store.sessions()
    yesterday = cache(site).read_bytes()
    store.update(many[0], toggling)
    store.delete(many[1], at=BEGIN, reason=None)
    cache(site).write_bytes(yesterday)
    listing = site.store().sessions()
    assert [one.session_id for one in listing.sessions] == [many[0], *many[2:]]
    assert listing.sessions[0].session_status is Status.PAUSED


def test_the_cache_of_another_store_says_nothing_of_this_one(site: Site, many: list[str]) -> None:
    site.store().sessions()
    (site.root / "store.json").write_text('{"store": "another"}\n')
    assert cached(site) == set()
    assert findings(site.store().sessions()).keys() == set(many)


def test_a_session_that_has_just_changed_is_not_kept(site: Site, many: list[str]) -> None:
    young = set(many[:70])
    for session_id in young:
        os.utime(site.head(session_id))
    assert listed(site.store()) == many
    assert cached(site) == set(many) - young


def test_without_a_key_there_is_no_cache(site: Site) -> None:
    filled(site, 70)
    settle(site.root / "workflows")
    (site.user.config / "seal-key.json").unlink()
    site.store().sessions()
    assert not cache(site).parent.exists()


@pytest.mark.parametrize("call", ["open", "mkdir", "write", "replace", "close"])
def test_a_disk_that_refuses_the_cache_hinders_no_list(site: Site, call: str) -> None:
    class Refusing(FileSystem):
        """A disk on which one kind of call fails in the cache."""

        fds: Final = set[int]()

        def refuse(self, name: str, about: Path | int) -> None:
            here = about in self.fds if isinstance(about, int) else "cache" in about.parts
            if name == call and here:
                raise PermissionError(13, "no")

        def open(self, path: Path, flags: int) -> int:
            self.refuse("open", path)
            fd = super().open(path, flags)
            (self.fds.add if "cache" in path.parts else self.fds.discard)(fd)
            return fd

        def mkdir(self, path: Path) -> None:
            self.refuse("mkdir", path)
            super().mkdir(path)

        def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            self.refuse("write", fd)
            return super().write(fd, data, offset)

        def replace(self, source: Path, target: Path) -> None:
            self.refuse("replace", source)
            super().replace(source, target)

        def close(self, fd: int) -> None:
            super().close(fd)
            self.refuse("close", fd)

    ids = filled(site, 70)
    settle(site.root / "workflows")
    assert listed(site.store(fs=Refusing())) == ids
    assert [path.name for path in site.root.glob("cache/*")] in ([], ["sessions.jsonl"])
    assert cached(site) == (set(ids) if call == "close" else set())


def test_processes_that_list_and_change_at_once_see_every_session(site: Site, many: list[str]) -> None:
    command = [sys.executable, "-m", __name__, str(site.folder)]
    with busy(site) as still:
        listers = [
            subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        while still():
            assert set(listed(site.store())) >= {*many, SHARED}
    assert [lister.communicate()[0] for lister in listers] == ["seen\n"] * 2
    assert [lister.returncode for lister in listers] == [0, 0]
    assert set(many) <= cached(site)
    assert [path.name for path in cache(site).parent.iterdir()] == ["sessions.jsonl"]


if __name__ == "__main__":
    for _ in range(5):
        assert len(listed(Site(Path(sys.argv[1])).store())) > COUNT
    sys.stdout.write("seen\n")
