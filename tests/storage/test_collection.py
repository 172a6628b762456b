"""What nothing needs any more goes, what anybody may still need stays, and others may work meanwhile."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_server.errors import NotFoundError, StorageError
from mcp_server.storage.collection import Collected, Collection
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.layout import sha256
from mcp_server.storage.store import Store
from mcp_server.storage.sweeping import finish_sweep, sweep
from mcp_server.storage.values import pack
from tests.storage.busy import busy
from tests.storage.support import (
    BEGIN,
    BLOBS,
    DEFINITION,
    FaultyFileSystem,
    QuickFileSystem,
    Site,
    begun,
    completing,
    fresh,
    parts,
    refusing,
    started,
    toggling,
)

pytestmark = pytest.mark.integration

MONTH = timedelta(days=31)
LARGE, LARGE_BLOBS = pack({"report": "x" * 3000, **{f"part_{number}": "y" * 900 for number in range(30)}})
UNNAMED = {sha256(b"nobody's"): b"nobody's"}


def age(paths: Iterable[Path], days: int = 2) -> None:
    """Make files look as if they had been written that long ago."""
    moment = time.time() - days * 86_400
    for path in paths:
        if path.is_file():
            os.utime(path, (moment, moment))


def collect(
    site: Site, *, remove: bool = True, after: timedelta = timedelta(), fs: FileSystem | None = None
) -> Collected:
    return Collection(site.store(fs=fs).parts, datetime.now(UTC) + after, remove=remove).run()


def names(collected: Collected) -> set[tuple[str, str]]:
    return {(one.what, one.name) for one in collected.garbage}


def blob(site: Site, content: bytes) -> Path:
    return site.root / "blobs" / sha256(content)[:2] / sha256(content)


@pytest.fixture
def furnished(site: Site, store: Store) -> Site:
    """A session with values of every kind, one in the trash with its own, and nothing too much, all of it old."""
    begun(store, request=fresh())
    store.update("one", completing(LARGE), blobs=LARGE_BLOBS)
    evidence, blobs = pack({"log": "z" * 2000})
    store.create(started("two"), blobs=BLOBS)
    store.update("two", refusing(evidence), blobs=blobs)
    store.update("two", completing())
    store.delete("two", at=datetime.now(UTC), reason="done")
    age(site.root.rglob("*"))
    return site


def test_where_everything_is_named_nothing_goes(furnished: Site) -> None:
    before = furnished.contents()
    assert collect(furnished) == Collected((), ())
    assert furnished.contents() == before


def test_values_that_nothing_names_go_once_they_are_old(furnished: Site) -> None:
    store = furnished.store()
    store.parts.blobs.put(UNNAMED)
    assert collect(furnished).garbage == ()
    path = blob(furnished, b"nobody's")
    age([path])
    assert names(collect(furnished, remove=False)) == {("value", str(path.relative_to(furnished.root)))}
    assert path.exists()
    (gone,) = collect(furnished).garbage
    assert (gone.what, gone.bytes) == ("value", 8)
    assert not path.exists()
    assert store.verify().ok
    assert store.undelete("two", at=datetime.now(UTC)).version == 5
    assert store.verify().ok


def test_a_value_that_is_stored_again_is_young_again(furnished: Site) -> None:
    store = furnished.store()
    store.parts.blobs.put(UNNAMED)
    age([blob(furnished, b"nobody's")])
    store.parts.blobs.put(UNNAMED)
    assert collect(furnished).garbage == ()


def test_one_that_is_stored_while_it_is_swept_stays(furnished: Site) -> None:
    store = furnished.store()
    store.parts.blobs.put(UNNAMED)
    path = blob(furnished, b"nobody's")
    looks: list[Path] = []

    def is_old(one: Path) -> bool:
        # Old at the first look; stored anew before the second.
        looks.append(one)
        return len(looks) == 1

    assert sweep(FileSystem(), path, is_old) is False
    assert looks == [path, path.with_name(f".{path.name}.swept")]
    assert path.read_bytes() == b"nobody's"


def test_a_sweep_that_was_cut_short_loses_nothing(furnished: Site) -> None:
    path = blob(furnished, DEFINITION)
    path.rename(path.with_name(f".{path.name}.swept"))
    assert not furnished.store().verify().ok
    finish_sweep(FileSystem(), furnished.store().parts.layout)
    assert furnished.store().verify().ok


@pytest.mark.parametrize("file", ["head", "log"])
def test_while_a_session_cannot_be_trusted_no_value_goes(furnished: Site, file: str) -> None:
    furnished.store().parts.blobs.put(UNNAMED)
    age([blob(furnished, b"nobody's")])
    path = furnished.head() if file == "head" else furnished.log()
    kept = path.read_bytes()
    path.unlink()
    path.symlink_to("/dev/null")
    collected = collect(furnished)
    assert collected.garbage == ()
    assert collected.doubtful == ("one",)
    path.unlink()
    if file == "head":
        assert collect(furnished).doubtful == ("one",)
    path.write_bytes(kept)
    assert furnished.store().verify().ok
    assert len(collect(furnished).garbage) == 1


def test_what_the_quarantine_names_stays(furnished: Site) -> None:
    furnished.store().parts.blobs.put(UNNAMED)
    kept = furnished.root / "quarantine" / "three.json.0123456789abcdef"
    kept.write_text(f'{{"sha256":"{sha256(b"nobody" + bytes([39]) + b"s")}"}}')
    age([blob(furnished, b"nobody's"), kept], days=400)
    assert collect(furnished).garbage == ()


def test_the_trash_is_emptied_after_thirty_days_with_all_that_only_it_named(furnished: Site) -> None:
    store = furnished.store()
    only = {path for path in (furnished.root / "blobs").rglob("*") if path.is_file() and b"zzz" in path.read_bytes()}
    assert len(only) == 1
    assert collect(furnished, after=timedelta(days=29)).garbage == ()
    planned = collect(furnished, remove=False, after=MONTH)
    assert furnished.head("two", place="trash").exists()
    collected = collect(furnished, after=MONTH)
    assert collected == planned
    assert {one.what for one in collected.garbage} == {"deleted session", "value"}
    assert not any(path.exists() for path in only)
    assert not any((furnished.root / "trash").iterdir())
    assert store.verify().ok
    with pytest.raises(NotFoundError, match="was deleted"):
        store.undelete("two", at=BEGIN)
    with pytest.raises(NotFoundError, match="was deleted"):
        store.update("two", toggling)
    assert store.parts.audit.read()[-1].kind == "purged"
    assert collect(furnished, after=MONTH).garbage == ()


def test_an_id_that_was_purged_is_never_used_again(furnished: Site) -> None:
    collect(furnished, after=MONTH)
    with pytest.raises(Exception, match="is taken"):
        begun(furnished.store(), "two")


def test_a_purge_after_a_crash_that_left_the_anchor_behind_is_no_loss(furnished: Site) -> None:
    anchor = furnished.anchor("two")
    anchor.write_bytes(anchor.read_bytes().replace(b'"version":4', b'"version":3').replace(b"true", b"false"))
    collect(furnished, after=MONTH)
    assert furnished.store().verify().ok


def test_a_start_goes_when_its_session_was_purged_or_never_came_to_be(site: Site, store: Store) -> None:
    kept, purged, never = fresh(), fresh(), fresh()
    begun(store, request=kept)
    begun(store, "two", request=purged)
    store.delete("two", at=datetime.now(UTC), reason=None)
    parts(store).starts.remember(never, "never")
    assert collect(site).garbage == ()
    age((site.root / "starts").iterdir())
    assert names(collect(site)) == {("start", f"starts/{sha256(never.id.encode())}")}
    assert {one.what for one in collect(site, after=MONTH).garbage} >= {"deleted session", "start"}
    assert [path.name for path in (site.root / "starts").iterdir()] == [sha256(kept.id.encode())]
    remembered = store.begun(kept)
    assert remembered is not None
    assert remembered.session.session_id == "one"


def test_the_log_of_a_session_that_never_came_to_be_goes(site: Site, store: Store) -> None:
    begun(store)
    line = site.log().read_bytes()
    site.log("never").write_bytes(line)
    assert collect(site).garbage == ()
    age([site.log("never")])
    assert names(collect(site)) == {("log without a session", "workflows/never.jsonl")}
    assert not site.log("never").exists()


def test_a_log_whose_head_somebody_took_away_stays(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    site.head().unlink()
    age(site.root.rglob("*"), days=400)
    collected = collect(site, after=timedelta(days=365))
    assert collected.garbage == ()
    assert collected.doubtful == ("one",)
    assert site.log().exists()


def test_temporary_files_of_dead_writers_go(furnished: Site) -> None:
    left = [furnished.root / folder / ".0123456789abcdef.tmp" for folder in (".", "workflows", "starts")]
    for path in left:
        path.write_bytes(b"half")
    assert collect(furnished).garbage == ()
    age(left)
    assert {one.what for one in collect(furnished).garbage} == {"temporary file"}
    assert not any(path.exists() for path in left)


def test_the_file_of_a_run_goes_when_nobody_holds_it_and_no_session_speaks_of_it(furnished: Site) -> None:
    store = furnished.store()
    runs = furnished.root / "runs"
    runs.mkdir(exist_ok=True)
    free, held, young = runs / ("a" * 32), runs / ("b" * 32), runs / ("c" * 32)
    for path in (free, held, young):
        path.touch()
    age([free, held])
    fs = store.parts.fs
    fd = fs.open(held, os.O_RDWR)
    try:
        assert fs.lock(fd)
        assert names(collect(furnished)) == {("run", f"runs/{free.name}")}
    finally:
        fs.close(fd)
    assert not free.exists()
    assert held.exists()
    assert young.exists()


def test_backups_are_left_alone(furnished: Site) -> None:
    folder = furnished.root / "backups"
    folder.mkdir()
    (folder / "old.zip").write_bytes(b"old")
    age(folder.iterdir(), days=400)
    assert collect(furnished).garbage == ()


def test_a_dry_run_changes_not_one_byte(furnished: Site) -> None:
    furnished.store().parts.blobs.put(UNNAMED)
    (furnished.root / ".0123456789abcdef.tmp").write_bytes(b"half")
    age(furnished.root.rglob("*"))
    before = furnished.contents()
    assert len(collect(furnished, remove=False, after=MONTH).garbage) == 4
    assert furnished.contents() == before


def test_where_there_is_no_store_nothing_is_found_and_nothing_made(site: Site) -> None:
    assert collect(site) == Collected((), ())
    assert not site.root.exists()


def test_a_failing_disk_loses_nothing_that_is_needed_and_a_repeat_finishes(furnished: Site) -> None:
    furnished.store().parts.blobs.put(UNNAMED)
    age([blob(furnished, b"nobody's")])
    furnished.save("before")
    counting = FaultyFileSystem(10**9)
    collect(furnished, after=MONTH, fs=counting)
    after = {path for path in furnished.contents() if "locks/" not in path}
    session = furnished.store().read("one")
    faults = ((errno.EIO, False, True), (errno.EACCES, True, False), (errno.ENOSPC, False, False))
    for number in range(0, len(counting.calls), 2):
        error, for_good, late = faults[number // 2 % len(faults)]
        furnished.restore("before")
        age((furnished.root / "blobs").rglob("*"))
        fs = FaultyFileSystem(number, error, for_good=for_good, late=late)
        with suppress(StorageError):
            collect(furnished, after=MONTH, fs=fs)
        assert furnished.store().read("one") == session
        age((furnished.root / "blobs").rglob("*"))
        collect(furnished, after=MONTH, fs=QuickFileSystem())
        assert {path for path in furnished.contents() if "locks/" not in path} == after, counting.calls[number]
        assert furnished.store().verify().ok


def test_it_may_run_while_other_processes_work(site: Site) -> None:
    count = 0
    with busy(site) as at_it:
        while at_it():
            # As if the definition that all of them pin had been stored long ago.
            age([blob(site, DEFINITION)])
            collect(site)
            count += 1
    assert count > 1
    assert site.store().verify().ok
