"""What a store promises to the engine, in one process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from mcp_server.domain.events import Event, Paused
from mcp_server.domain.session import Session
from mcp_server.errors import (
    BusyError,
    ConflictError,
    CorruptStateError,
    InvalidArgumentError,
    NotFoundError,
    StateError,
)
from mcp_server.storage.layout import sha256
from mcp_server.storage.locks import stripe_of
from mcp_server.storage.log import Request
from mcp_server.storage.store import Store
from mcp_server.storage.values import pack
from tests.storage.support import (
    BLOBS,
    DEFINITION,
    Site,
    at,
    begun,
    completing,
    fresh,
    parts,
    refusing,
    started,
    toggling,
)

pytestmark = pytest.mark.integration


def test_reading_a_store_that_does_not_exist_finds_nothing_and_creates_nothing(site: Site, store: Store) -> None:
    assert store.sessions().sessions == ()
    assert store.verify().ok
    with pytest.raises(NotFoundError):
        store.read("one")
    with pytest.raises(NotFoundError):
        store.update("one", toggling)
    with pytest.raises(NotFoundError):
        store.undelete("one", at=started().at)
    with pytest.raises(NotFoundError):
        store.verify("one")
    assert store.delete("one", at=started().at, reason=None) is None
    assert list(site.folder.iterdir()) == []


def test_what_was_created_is_read_by_another_store(site: Site, store: Store) -> None:
    committed = store.create(started(), blobs=BLOBS)
    assert committed.present is committed.session
    assert (committed.seq, committed.replayed) == (1, False)
    assert site.store().read("one") == committed.session
    assert site.store().blob(sha256(DEFINITION)) == DEFINITION


def test_updates_make_versions_one_by_one_and_events_in_order(site: Site, store: Store) -> None:
    evidence, blobs = pack({"plan": "short", "report": "x" * 5000})
    begun(store)
    store.update("one", refusing(evidence), blobs=blobs)
    after = store.update("one", completing(evidence)).session
    assert (after.version, after.current_phase, after.completed_phases) == (3, 2, (1,))
    assert site.store().read("one") == after
    events = site.store().events("one")
    assert [record.event.type for record in events] == ["session_started", "gate_refused", "phase_completed"]
    assert [record.seq for record in events] == [1, 2, 3]
    assert [record.seq for record in store.events("one", after=1, limit=1)] == [2]


def test_a_refusal_changes_not_one_byte(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    before = site.contents()
    blobs = {sha256(b"new"): b"new"}

    def refuse(session: Session) -> Event:
        raise StateError(session.session_id, remediation="none")

    with pytest.raises(StateError):
        store.update("one", refuse, request=fresh(), blobs=blobs)
    with pytest.raises(StateError, match="paused cannot happen"):
        store.update("one", lambda session: Paused(at=at(session)), request=fresh(), blobs=blobs)
    with pytest.raises(ConflictError, match="at version 2, not at 7"):
        store.update("one", toggling, expected_version=7, request=fresh(), blobs=blobs)
    with pytest.raises(ConflictError, match="at version 2, not at 7"):
        store.delete("one", at=started().at, reason=None, expected_version=7)
    assert site.contents() == before


def test_a_refused_request_can_be_used_again(store: Store) -> None:
    begun(store)
    request = fresh()
    with pytest.raises(ConflictError):
        store.update("one", toggling, request=request, expected_version=9)
    assert not store.update("one", toggling, request=request, expected_version=1).replayed


def test_a_repeated_request_is_answered_as_it_was_and_not_done_again(site: Site, store: Store) -> None:
    begun(store)
    request = fresh()
    first = store.update("one", completing(), request=request)
    now = store.update("one", toggling).session

    def never(session: Session) -> Event:
        raise AssertionError(session)

    again = site.store().update("one", never, request=request, expected_version=1, blobs={sha256(b"new"): b"new"})
    assert (again.session, again.event, again.seq) == (first.session, first.event, first.seq)
    assert (again.present, again.replayed) == (now, True)
    assert len(store.events("one")) == 3
    assert not (site.root / "blobs" / sha256(b"new")[:2]).exists()


def test_a_request_with_other_arguments_is_a_conflict(store: Store) -> None:
    begun(store)
    request = fresh("these")
    store.update("one", toggling, request=request)
    with pytest.raises(ConflictError, match="used before"):
        store.update("one", toggling, request=Request(request.id, "others"))
    with pytest.raises(ConflictError, match="used before"):
        store.delete("one", at=started().at, reason=None, request=Request(request.id, "others"))


def test_the_last_256_requests_are_remembered(store: Store) -> None:
    begun(store)
    requests = [fresh() for _ in range(258)]
    for request in requests:
        store.update("one", toggling, request=request)
    assert store.update("one", toggling, request=requests[2]).replayed
    assert not store.update("one", toggling, request=requests[1]).replayed


def test_the_expected_version_is_compared_with_the_session(store: Store) -> None:
    begun(store)
    assert store.update("one", toggling, expected_version=1).session.version == 2
    with pytest.raises(ConflictError):
        store.update("one", toggling, expected_version=1)


def test_a_taken_id_is_not_begun_again(store: Store) -> None:
    begun(store)
    for request in (None, fresh()):
        with pytest.raises(ConflictError, match="taken"):
            store.create(started(), request=request)


@pytest.mark.parametrize("session_id", ["", "One", "a/b", "../one", "one\n", "x" * 201, "é"])
def test_an_id_that_cannot_be_one_never_becomes_a_path(site: Site, store: Store, session_id: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.read(session_id),
        lambda: store.create(started(session_id)),
        lambda: store.update(session_id, toggling),
        lambda: store.delete(session_id, at=started().at, reason=None),
        lambda: store.undelete(session_id, at=started().at),
        lambda: store.events(session_id),
        lambda: store.verify(session_id),
        lambda: store.accept_seal(session_id, at=started().at),
    ]
    for call in calls:
        with pytest.raises(InvalidArgumentError):
            call()
    assert list(site.folder.iterdir()) == []


def test_a_blob_that_is_missing_or_changed_is_found(site: Site, store: Store) -> None:
    begun(store)
    digest = sha256(DEFINITION)
    path = site.root / "blobs" / digest[:2] / digest
    path.write_bytes(b"other")
    with pytest.raises(CorruptStateError, match="not what was stored"):
        store.blob(digest)
    path.unlink()
    with pytest.raises(CorruptStateError, match="missing"):
        store.blob(digest)
    path.symlink_to(site.folder / "elsewhere")
    with pytest.raises(CorruptStateError, match="not a file"):
        store.blob(digest)
    with pytest.raises(CorruptStateError, match="missing"):
        store.blob("../../store.json")


def test_storing_a_blob_again_heals_it(site: Site, store: Store) -> None:
    begun(store)
    digest = sha256(DEFINITION)
    (site.root / "blobs" / digest[:2] / digest).write_bytes(b"other")
    begun(store, "two")
    assert store.blob(digest) == DEFINITION


def test_a_blob_that_is_there_is_made_younger_and_not_written_anew(site: Site, store: Store) -> None:
    begun(store)
    digest = sha256(DEFINITION)
    path = site.root / "blobs" / digest[:2] / digest
    os.utime(path, (1, 1))
    before = path.stat()
    begun(store, "two")
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime > before.st_mtime


def test_a_session_held_by_another_is_busy_when_the_time_is_up(site: Site, store: Store) -> None:
    begun(store)
    with parts(store).locks.hold(stripe_of("one")):
        assert site.store().read("one").version == 1
        with pytest.raises(BusyError) as busy:
            site.store(lock_timeout=0.02).update("one", toggling)
    assert busy.value.facts["retry_after_seconds"] > 0
    assert store.update("one", toggling).session.version == 2


def test_a_server_that_stops_gives_up_its_waiters_at_once(site: Site, store: Store) -> None:
    begun(store)
    stopping = threading.Event()
    stopping.set()
    with parts(store).locks.hold(stripe_of("one")), pytest.raises(BusyError, match="stopping"):
        site.store(stopping=stopping).update("one", toggling)


def test_threads_of_one_process_exclude_each_other(store: Store) -> None:
    begun(store)
    threads = [threading.Thread(target=lambda: [store.update("one", toggling) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read("one").version == 81


def test_a_mistyped_id_is_answered_with_those_written_almost_like_it(store: Store) -> None:
    begun(store, "work_on_prices_20260101")
    begun(store, "other")
    with pytest.raises(NotFoundError) as refused:
        store.read("work_on_prices_20260102")
    assert refused.value.facts["did_you_mean"] == ["work_on_prices_20260101"]
