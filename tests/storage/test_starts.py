"""A start that is repeated begins one session, whatever happened to the first call."""

from __future__ import annotations

import threading

import pytest

from mcp_server.domain.events import SessionStarted
from mcp_server.errors import (
    ConflictError,
    CorruptStateError,
    NotFoundError,
)
from mcp_server.storage.layout import sha256
from mcp_server.storage.log import Request
from mcp_server.storage.store import Store
from tests.storage.support import (
    BLOBS,
    Site,
    begun,
    fresh,
    parts,
    started,
    toggling,
)

pytestmark = pytest.mark.integration


def test_a_start_that_is_repeated_goes_on_with_the_session_it_began(site: Site, store: Store) -> None:
    request = fresh()
    first = store.create(started("first"), request=request, blobs=BLOBS)
    now = store.update("first", toggling).session
    again = site.store().create(started("second"), request=request, blobs=BLOBS)
    assert (again.session, again.event, again.seq, again.present) == (first.session, first.event, 1, now)
    assert again.replayed
    assert [session.session_id for session in store.sessions().sessions] == ["first"]
    with pytest.raises(ConflictError, match="used before"):
        store.create(started("third"), request=Request(request.id, "others"))


def test_a_start_that_died_before_its_session_is_continued_under_the_id_it_had(site: Site, store: Store) -> None:
    request = fresh()
    begun(store)
    parts(store).starts.remember(request, "remembered")
    site.log("remembered").write_bytes(b'{"half": "a li')
    committed = store.create(started("later"), request=request, blobs=BLOBS)
    assert (committed.session.session_id, committed.replayed) == ("remembered", False)
    assert site.store().verify().ok


def test_a_start_whose_session_was_deleted_is_answered_as_it_was(store: Store) -> None:
    request = fresh()
    first = store.create(started(), request=request, blobs=BLOBS)
    store.delete("one", at=started().at, reason=None)
    again = store.create(started("two"), request=request)
    assert (again.session, again.event, again.replayed) == (first.session, first.event, True)
    assert again.present.deleted_at is not None
    assert store.begun(request) == again
    assert store.sessions().sessions == ()


def test_a_start_whose_session_was_purged_begins_no_other(site: Site, store: Store) -> None:
    request = fresh()
    begun(store, request=request)
    store.delete("one", at=started().at, reason=None)
    for path in (site.head(place="trash"), site.log(place="trash")):
        path.unlink()
    assert store.begun(request) is None
    with pytest.raises(NotFoundError, match="was deleted"):
        store.create(started("two"), request=request)


def test_what_was_never_begun_or_never_committed_is_nothing_begun(store: Store) -> None:
    begun(store)
    request = fresh()
    assert store.begun(request) is None
    parts(store).starts.remember(request, "remembered")
    assert store.begun(request) is None


def test_a_remembered_start_that_does_not_parse_is_found(site: Site, store: Store) -> None:
    request = fresh()
    begun(store, request=request)
    (site.root / "starts" / sha256(request.id.encode())).write_bytes(b"{")
    with pytest.raises(CorruptStateError, match="torn"):
        store.create(started("two"), request=request)


def test_concurrent_starts_with_one_request_make_one_session(site: Site) -> None:
    request = fresh()
    barrier = threading.Barrier(8)
    ids: list[str] = []

    def start(number: int) -> None:
        event: SessionStarted = started(f"session_{number}")
        barrier.wait()
        ids.append(site.store().create(event, request=request, blobs=BLOBS).session.session_id)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert [session.session_id for session in site.store().sessions().sessions] == ids[:1]
    assert site.store().verify().ok
