"""A backup holds each session as it was at one moment, whatever else goes on, and is read again before it is one."""

from __future__ import annotations

import errno
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_server.errors import ConfigurationError, InvalidArgumentError, NotFoundError, StorageError
from mcp_server.storage.backup import Backups
from mcp_server.storage.store import Store
from mcp_server.storage.values import pack
from tests.storage.archives import manifest_of, repacked, unpacked
from tests.storage.busy import CHANGES, PROCESSES, SHARED, busy
from tests.storage.support import BEGIN, FaultyFileSystem, Site, begun, fresh, refusing

pytestmark = pytest.mark.integration

LARGE, LARGE_BLOBS = pack({"report": "x" * 3000, **{f"part_{number}": "y" * 900 for number in range(30)}})


def backups(store: Store) -> Backups:
    return Backups(store.parts)


@pytest.fixture
def furnished(site: Site, store: Store) -> Site:
    """A store with something of everything."""
    begun(store, request=fresh())
    store.update("one", refusing(LARGE), blobs=LARGE_BLOBS)
    begun(store, "two")
    store.delete("two", at=BEGIN, reason="done")
    return site


def test_a_backup_holds_everything_under_the_path_it_has_in_the_store(furnished: Site, tmp_path: Path) -> None:
    made = backups(furnished.store()).make(tmp_path, at=BEGIN)
    files = unpacked(made.path)
    for name, content in files.items():
        assert (furnished.root / name).read_bytes() == content
    left = {path for path in furnished.root.rglob("*") if path.is_file()} - {furnished.root / name for name in files}
    assert {path.relative_to(furnished.root).parts[0] for path in left} == {"locks", ".gitignore"}
    assert made.corrupt == ()


def test_the_manifest_tells_sizes_hashes_versions_and_counts(furnished: Site) -> None:
    made = backups(furnished.store()).make(None, at=BEGIN)
    manifest = made.manifest
    assert {one.session_id: (one.version, one.deleted) for one in manifest.sessions} == {
        "one": (2, False),
        "two": (2, True),
    }
    assert manifest.counts == {"audit.jsonl": 1, "blobs": 3, "starts": 1, "store.json": 1, "trash": 2, "workflows": 2}
    assert manifest.bytes == sum(map(len, unpacked(made.path).values()))
    assert manifest_of(made.path)["created_at"] == "2026-03-01T12:00:00Z"


def test_a_backup_is_private_and_two_in_one_second_are_two(furnished: Site) -> None:
    jobs = backups(furnished.store())
    first, second = jobs.make(None, at=BEGIN), jobs.make(None, at=BEGIN)
    assert first.path != second.path
    assert first.path.parent == furnished.root / "backups"
    assert {path.stat().st_mode & 0o777 for path in first.path.parent.iterdir()} == {0o600}


def test_no_file_is_overwritten_and_no_folder_made(furnished: Site, tmp_path: Path) -> None:
    jobs = backups(furnished.store())
    taken = tmp_path / "mine.zip"
    taken.write_text("mine")
    for target in (taken, tmp_path / "nowhere" / "x.zip", taken / "x.zip"):
        with pytest.raises(InvalidArgumentError, match="DEST"):
            jobs.make(target, at=BEGIN)
    assert taken.read_text() == "mine"
    assert jobs.make(tmp_path / "new.zip", at=BEGIN).path == tmp_path / "new.zip"


def test_a_link_in_the_place_of_the_backups_is_not_followed(furnished: Site, tmp_path: Path) -> None:
    jobs = backups(furnished.store())
    elsewhere = jobs.make(tmp_path, at=BEGIN).path
    (furnished.root / "backups").symlink_to(tmp_path)
    for call in (lambda: jobs.make(None, at=BEGIN), jobs.list, lambda: jobs.prune(1)):
        with pytest.raises(ConfigurationError, match="not a folder of its own"):
            call()
    assert list(tmp_path.glob("*.zip")) == [elsewhere]


def test_where_there_is_no_store_nothing_is_made(site: Site) -> None:
    with pytest.raises(NotFoundError, match="no store"):
        backups(site.store()).make(None, at=BEGIN)
    assert not site.root.exists()


def test_a_session_that_cannot_be_trusted_is_copied_as_it_is_and_named(two_sessions: Site) -> None:
    forged = two_sessions.head("one").read_bytes().replace(b"src/app.py", b"src/api.py")
    two_sessions.head("one").write_bytes(forged)
    two_sessions.log("two").unlink()
    made = backups(two_sessions.store()).make(None, at=BEGIN)
    assert [(one.session_id, one.finding.split(":")[0]) for one in made.corrupt] == [
        ("one", "torn"),
        ("two", "tampered"),
    ]
    assert unpacked(made.path)["workflows/one.json"] == forged


def test_an_old_head_that_was_put_back_is_named_though_its_seal_is_true(two_sessions: Site) -> None:
    for suffix, path in (("json", two_sessions.head()), ("jsonl", two_sessions.log())):
        path.write_bytes((two_sessions.folder / f"yesterday.{suffix}").read_bytes())
    made = backups(two_sessions.store()).make(None, at=BEGIN)
    assert [one.session_id for one in made.corrupt] == ["one"]


def test_a_blob_that_is_missing_or_damaged_is_found_when_the_backup_is_read_again(furnished: Site) -> None:
    blob = next(
        path for path in (furnished.root / "blobs").rglob("*") if path.is_file() and b"xxx" in path.read_bytes()
    )
    blob.write_bytes(b"other")
    made = backups(furnished.store()).make(None, at=BEGIN)
    assert [one.session_id for one in made.corrupt] == ["one"]
    assert "stored content" in made.corrupt[0].finding


def test_backups_are_listed_newest_first_with_what_is_none(furnished: Site) -> None:
    jobs = backups(furnished.store())
    made = [jobs.make(None, at=BEGIN + timedelta(days=day)).path for day in range(3)]
    made[1].write_bytes(made[1].read_bytes()[:500])
    found, unreadable = jobs.list()
    assert [one.path for one in found] == [made[2], made[0]]
    assert [one.path for one in unreadable] == [made[1]]


def test_pruning_keeps_the_newest_that_are_sound(furnished: Site) -> None:
    jobs = backups(furnished.store())
    made = [jobs.make(None, at=BEGIN + timedelta(days=day)).path for day in range(4)]
    # Its list is sound and a file is not: only who reads all of it can tell.
    repacked(made[3], lambda files: files.update({"store.json": b'{"store": 0}' + b" " * 33}), honest=False).replace(
        made[3]
    )
    pruned = jobs.prune(2)
    assert [one.path for one in pruned.kept] == [made[2], made[1]]
    assert [one.path for one in pruned.removed] == [made[0]]
    assert [one.path for one in pruned.unreadable] == [made[3]]
    assert [path.exists() for path in made] == [False, True, True, True]


def test_a_failing_disk_leaves_no_half_of_a_backup(furnished: Site) -> None:
    counting = FaultyFileSystem(10**9)
    backups(furnished.store(fs=counting)).make(None, at=BEGIN)
    for path in (furnished.root / "backups").iterdir():
        path.unlink()
    before = furnished.contents()
    for number in range(len(counting.calls)):
        for error, for_good in ((errno.ENOSPC, False), (errno.EIO, True)):
            jobs = backups(furnished.store(fs=FaultyFileSystem(number, error, for_good=for_good)))
            with suppress(StorageError):
                jobs.make(None, at=BEGIN)
            for path in (furnished.root / "backups").iterdir():
                # A sound disk is needed to take away what a broken one has left; and what has a name is whole.
                if path.suffix == ".zip":
                    assert backups(furnished.store()).verify(path).manifest.counts["workflows"] == 2
                else:
                    assert for_good
                path.unlink()
            assert furnished.contents() == before


def test_sessions_are_copied_whole_while_other_processes_change_them(site: Site, tmp_path: Path) -> None:
    versions: list[int] = []
    with busy(site) as at_it:
        while at_it():
            made = backups(site.store(lock_timeout=60)).make(tmp_path, at=BEGIN)
            assert made.corrupt == ()
            versions += [one.version or 0 for one in made.manifest.sessions if one.session_id == SHARED]
    assert versions == sorted(versions)
    assert len(set(versions)) > 2
    assert site.store().read(SHARED).version == 1 + PROCESSES * CHANGES
