"""Restoring makes sessions what a backup says they were, beside others that go on, and loses nothing of the present."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.domain.session import Session
from mcp_server.errors import ConflictError, CorruptStateError, NotFoundError, PosWorkflowError, StorageError
from mcp_server.storage.backup import Backups
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.restore import Restored, opened_restore
from mcp_server.storage.restore_plan import Step
from mcp_server.storage.store import Store
from mcp_server.storage.values import pack
from tests.storage.archives import Files, repacked
from tests.storage.busy import CHANGES, PROCESSES, SHARED, busy
from tests.storage.support import (
    BEGIN,
    FaultyFileSystem,
    QuickFileSystem,
    Site,
    begun,
    completing,
    fresh,
    refusing,
    toggling,
)

pytestmark = pytest.mark.integration

LATER = BEGIN + timedelta(days=1)
EVIDENCE, EVIDENCE_BLOBS = pack({"report": "x" * 3000})


@dataclass(frozen=True)
class Saved:
    """A site, and a backup of what it was."""

    site: Site
    archive: Path
    sessions: dict[str, Session]


@pytest.fixture
def saved(site: Site, store: Store, tmp_path: Path) -> Saved:
    """One session with a large value, a paused one, a deleted one; then a backup."""
    begun(store, request=fresh())
    store.update("one", completing(EVIDENCE), blobs=EVIDENCE_BLOBS)
    begun(store, "two")
    store.update("two", toggling)
    begun(store, "gone")
    store.delete("gone", at=BEGIN, reason="done")
    made = Backups(store.parts).make(tmp_path, at=BEGIN)
    assert made.corrupt == ()
    return Saved(site, made.path, {name: store.read(name) for name in ("one", "two")})


def restored(site: Site, archive: Path, session_id: str | None = None, fs: FileSystem | None = None) -> Restored:
    with opened_restore(site.store(fs=fs).parts, archive, session_id) as restore:
        return restore.run(at=LATER, authority=Authority())


def planned(site: Site, archive: Path, session_id: str | None = None) -> dict[str, Step]:
    with opened_restore(site.store().parts, archive, session_id) as restore:
        return {step.archived.session_id: step for step in restore.plan()}


def doings(done: Restored) -> dict[str, str]:
    return {step.archived.session_id: step.does for step in done.steps}


def alike(one: Session, other: Session) -> bool:
    """Whether two states differ only in their version and when they were touched."""
    return one == other.model_copy(update={"version": one.version, "last_updated": one.last_updated})


def test_a_session_that_moved_on_goes_back_and_keeps_its_history(saved: Saved) -> None:
    store = saved.site.store()
    store.update("one", refusing())
    before = store.events("one")
    done = restored(saved.site, saved.archive, "one")
    assert doings(done) == {"one": "replaced"}
    assert alike(store.read("one"), saved.sessions["one"])
    assert store.events("one")[:-1] == before
    assert store.events("one")[-1].event.type == "session_restored"
    assert store.read("one").version == 4
    assert store.verify().ok
    assert store.update("one", refusing()).session.version == 5


def test_no_version_is_handed_out_twice(saved: Saved) -> None:
    store = saved.site.store()
    promised = store.update("one", refusing()).session.version
    restored(saved.site, saved.archive)
    with pytest.raises(ConflictError):
        store.update("one", refusing(), expected_version=promised)


def test_the_present_state_is_saved_before(saved: Saved) -> None:
    store = saved.site.store()
    present = store.update("one", refusing()).session
    done = restored(saved.site, saved.archive)
    assert done.saved is not None
    assert done.saved.manifest.kind == "before_restore"
    restored(saved.site, done.saved.path)
    assert alike(store.read("one"), present)
    assert store.verify().ok


def test_it_is_on_record_in_the_audit_log(saved: Saved) -> None:
    store = saved.site.store()
    store.update("one", refusing())
    restored(saved.site, saved.archive, "one")
    line = store.parts.audit.read()[-1]
    assert (line.kind, line.session_id, line.reason) == ("restored", "one", "as it was at 2026-03-01 12:00:00Z")


def test_a_whole_store_that_was_lost_comes_back_and_verifies(saved: Saved) -> None:
    shutil.rmtree(saved.site.root)
    done = restored(saved.site, saved.archive)
    assert doings(done) == {"gone": "back", "one": "back", "two": "back"}
    assert done.saved is None
    assert done.report.ok
    assert done.report.repaired == 0
    store = saved.site.store()
    for name, session in saved.sessions.items():
        assert alike(store.read(name), session)
    assert store.verify().ok
    assert store.undelete("gone", at=LATER).session_status == "active"
    assert (saved.site.root / ".gitignore").exists()
    assert {path.stat().st_mode & 0o777 for path in saved.site.root.rglob("*") if path.is_file()} == {0o600}


def test_a_repeated_start_finds_the_session_that_came_back(saved: Saved) -> None:
    starts = list((saved.site.root / "starts").iterdir())
    shutil.rmtree(saved.site.root)
    restored(saved.site, saved.archive)
    assert list((saved.site.root / "starts").iterdir()) == starts


def test_a_deleted_session_comes_back(saved: Saved) -> None:
    store = saved.site.store()
    store.delete("one", at=LATER, reason="by mistake")
    assert doings(restored(saved.site, saved.archive, "one")) == {"one": "replaced"}
    assert alike(store.read("one"), saved.sessions["one"])
    assert store.verify().ok
    assert not saved.site.head("one", place="trash").exists()


def test_one_that_was_brought_back_since_is_deleted_again(saved: Saved) -> None:
    store = saved.site.store()
    store.undelete("gone", at=LATER)
    assert doings(restored(saved.site, saved.archive, "gone")) == {"gone": "replaced"}
    with pytest.raises(NotFoundError, match="was deleted"):
        store.read("gone")
    assert store.verify().ok


@pytest.mark.parametrize("case", ["head torn", "log gone", "log changed", "old files", "files gone", "value gone"])
def test_what_cannot_be_trusted_gives_way(saved: Saved, case: str) -> None:
    site, store = saved.site, saved.site.store()
    old = {path: path.read_bytes() for path in (site.head(), site.log())}
    store.update("one", refusing())
    store.update("one", toggling)
    match case:
        case "head torn":
            site.head().write_bytes(site.head().read_bytes()[:-100])
        case "log gone":
            site.log().unlink()
        case "log changed":
            site.log().write_bytes(site.log().read_bytes().replace(b"tests_pass", b"tests_fail"))
        case "old files":
            for path, content in old.items():
                path.write_bytes(content)
        case "files gone":
            site.head().unlink()
            site.log().unlink()
        case _:
            for path in (site.root / "blobs").rglob("*"):
                if path.is_file() and path.read_bytes() in EVIDENCE_BLOBS.values():
                    path.unlink()
    assert not store.verify().ok
    done = restored(site, saved.archive, "one")
    assert doings(done)["one"] in ("mended", "back", "replaced")
    assert alike(site.store().read("one"), saved.sessions["one"])
    assert site.store().read("one").version > 4
    assert site.store().verify().ok
    assert done.saved is not None


def test_nothing_is_left_in_the_other_place_of_what_gave_way(saved: Saved) -> None:
    site, store = saved.site, saved.site.store()
    store.delete("one", at=LATER, reason="by mistake")
    store.undelete("gone", at=LATER)
    for path in (site.head(place="trash"), site.head("gone")):
        path.write_bytes(path.read_bytes()[:-100])
    assert doings(restored(site, saved.archive)) == {"gone": "mended", "one": "mended", "two": "unchanged"}
    assert alike(store.read("one"), saved.sessions["one"])
    assert sorted(path.name for path in (site.root / "trash").iterdir()) == ["gone.json", "gone.jsonl"]
    assert not site.head("gone").exists()
    assert store.verify().ok


def test_the_others_are_left_alone(saved: Saved) -> None:
    site, store = saved.site, saved.site.store()
    begun(store, "newer")
    store.update("two", toggling)
    kept = {path: path.read_bytes() for name in ("newer", "two") for path in (site.head(name), site.log(name))}
    store.update("one", refusing())
    restored(site, saved.archive, "one")
    assert {path: path.read_bytes() for path in kept} == kept
    restored(site, saved.archive)
    assert site.head("newer").read_bytes() == kept[site.head("newer")]
    assert alike(store.read("two"), saved.sessions["two"])


def test_what_is_as_it_was_is_not_touched_and_a_repeated_restore_does_nothing(saved: Saved) -> None:
    site, store = saved.site, saved.site.store()
    assert set(doings(restored(site, saved.archive)).values()) == {"unchanged"}
    store.update("one", refusing())
    restored(site, saved.archive)
    head = site.head().read_bytes()
    assert set(doings(restored(site, saved.archive)).values()) == {"unchanged"}
    assert site.head().read_bytes() == head


def test_a_plan_changes_not_one_byte(saved: Saved) -> None:
    store = saved.site.store()
    store.update("one", refusing())
    saved.site.head("two").write_bytes(b"{}")
    before = saved.site.contents()
    steps = planned(saved.site, saved.archive)
    assert {name: step.does for name, step in steps.items()} == {
        "gone": "unchanged",
        "one": "replaced",
        "two": "mended",
    }
    assert (steps["one"].present, steps["one"].archived.version) == (3, 2)
    assert saved.site.contents() == before


def test_a_session_that_the_archive_has_not_is_an_error(saved: Saved) -> None:
    with pytest.raises(NotFoundError):
        planned(saved.site, saved.archive, "three")


def test_sessions_of_another_user_come_back_unusable_until_a_person_accepts_them(saved: Saved, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Site(tmp_path / "elsewhere")
    done = restored(elsewhere, saved.archive)
    assert set(doings(done).values()) == {"as_it_is"}
    store = elsewhere.store()
    with pytest.raises(CorruptStateError, match="foreign"):
        store.read("one")
    assert len(done.report.corrupt) == 3
    accepted = store.accept_all(at=LATER)
    assert {session.session_id for session in accepted.sessions} == {"gone", "one", "two"}
    assert alike(store.read("one"), saved.sessions["one"])
    assert store.verify().ok


def test_one_that_cannot_be_trusted_never_takes_the_place_of_another(saved: Saved, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Site(tmp_path / "elsewhere")
    mine = begun(elsewhere.store(), "one")
    assert doings(restored(elsewhere, saved.archive))["one"] == "left"
    assert elsewhere.store().read("one") == mine


def test_sessions_of_another_store_of_the_same_user_go_on_in_this_one(saved: Saved, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    moved = Site(tmp_path / "moved")
    shutil.copytree(saved.site.folder / "user", moved.folder / "user")
    begun(moved.store(), "mine")
    store = moved.store()
    with opened_restore(store.parts, saved.archive) as restore:
        assert restore.from_another_store
    done = restored(moved, saved.archive)
    assert set(doings(done).values()) == {"back"}
    assert done.report.ok
    assert alike(store.read("one"), saved.sessions["one"])
    assert store.read("mine").version == 1
    assert store.verify().ok


def test_an_archive_that_somebody_edited_gives_no_usable_session(saved: Saved) -> None:
    def edit(files: Files) -> None:
        files["workflows/one.json"] = files["workflows/one.json"].replace(b"src/app.py", b"src/api.py")

    edited = repacked(saved.archive, edit)
    shutil.rmtree(saved.site.root)
    done = restored(saved.site, edited)
    assert doings(done)["one"] == "as_it_is"
    with pytest.raises(CorruptStateError):
        saved.site.store().read("one")


def test_a_store_without_its_id_gets_it_back(saved: Saved) -> None:
    (saved.site.root / "store.json").unlink()
    with pytest.raises(CorruptStateError):
        saved.site.store().read("one")
    done = restored(saved.site, saved.archive)
    assert done.report.ok
    assert saved.site.store().verify().ok


def test_an_audit_log_from_an_archive_that_anybody_may_have_edited_is_not_believed(saved: Saved) -> None:
    def edit(files: Files) -> None:
        files["audit.jsonl"] = files["audit.jsonl"][: files["audit.jsonl"].index(b"\n") + 1]

    edited = repacked(saved.archive, edit)
    (saved.site.root / "audit.jsonl").unlink()
    with opened_restore(saved.site.store().parts, edited) as restore:
        assert not restore.sealed
    assert not restored(saved.site, edited).report.ok
    assert not saved.site.store().verify().ok
    with opened_restore(saved.site.store().parts, saved.archive) as restore:
        assert restore.sealed
    assert restored(saved.site, saved.archive).report.ok


def test_an_audit_log_that_was_lost_comes_back_and_one_that_knows_more_stays(saved: Saved) -> None:
    store = saved.site.store()
    begun(store, "newer")
    restored(saved.site, saved.archive)
    assert [line.session_id for line in store.parts.audit.read()].count("newer") == 1
    (saved.site.root / "audit.jsonl").unlink()
    assert not store.verify().ok
    assert restored(saved.site, saved.archive).report.ok
    assert [line.kind for line in store.parts.audit.read()][:4] == ["started", "started", "started", "deleted"]
    assert store.verify().ok


FAULTS = ((errno.ENOSPC, False, False), (errno.EACCES, False, False), (errno.EIO, True, False))


def _moved_on(saved: Saved) -> None:
    saved.site.store().update("one", refusing())


def _lost(saved: Saved) -> None:
    shutil.rmtree(saved.site.root)


@pytest.mark.parametrize("prepare", [_moved_on, _lost])
def test_a_failing_disk_leaves_each_session_as_it_was_or_restored_and_a_repeat_finishes(
    saved: Saved, prepare: Callable[[Saved], None]
) -> None:
    site = saved.site
    prepare(saved)
    site.save("before")
    old = _states(site)
    counting = FaultyFileSystem(10**9)
    restored(site, saved.archive, fs=counting)
    new = _states(site)
    assert old["one"] != new["one"]
    for number in range(0, len(counting.calls), 7):
        error, for_good, late = FAULTS[number % len(FAULTS)]
        site.restore("before")
        outcome = "changed"
        try:
            restored(site, saved.archive, fs=FaultyFileSystem(number, error, for_good=for_good, late=late))
        except StorageError as failure:
            outcome = failure.facts["outcome"]
        except PosWorkflowError:
            outcome = "unchanged"
        states = _states(site)
        for name, state in states.items():
            allowed = {"unchanged": [old[name]], "changed": [new[name]]}.get(outcome, [old[name], new[name]])
            assert state in allowed, (name, outcome, counting.calls[number], number)
        restored(site, saved.archive, fs=QuickFileSystem())
        assert _states(site) == new
        assert site.store().verify().ok


def _states(site: Site) -> dict[str, object]:
    """What a reader sees of each session, less what depends on how often it was touched."""
    found: dict[str, object] = {}
    for name in ("one", "two", "gone"):
        try:
            found[name] = site.store().read(name).model_copy(update={"version": 1, "last_updated": BEGIN})
        except PosWorkflowError as error:
            found[name] = error.error_type
    return found


def test_a_session_is_restored_while_other_processes_change_it_and_others(site: Site, tmp_path: Path) -> None:
    count = 0
    with busy(site) as at_it:
        made = Backups(site.store().parts).make(tmp_path, at=BEGIN)
        while at_it():
            count += doings(restored(site, made.path, SHARED))[SHARED] == "replaced"
    store = site.store()
    assert count > 0
    assert store.read(SHARED).version == 1 + PROCESSES * CHANGES + count
    assert store.verify().ok
