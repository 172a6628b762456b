"""Deleting and bringing back: one commit, then files that follow it, whatever happens in between."""

from __future__ import annotations

import pytest

from mcp_server.errors import ConflictError, CorruptStateError, NotFoundError
from mcp_server.storage.store import Store
from tests.storage.support import Site, at, begun, fresh, toggling

pytestmark = pytest.mark.integration


def test_a_deleted_session_is_not_found_by_anyone(site: Site, store: Store) -> None:
    session = begun(store)
    gone = store.delete("one", at=at(session), reason="done with it")
    assert gone is not None
    assert (gone.session.version, gone.session.deleted_at) == (2, at(session))
    for call in (
        lambda: store.read("one"),
        lambda: store.update("one", toggling),
        lambda: store.update("one", toggling, blobs={"a": b""}),
        lambda: store.events("one"),
    ):
        with pytest.raises(NotFoundError, match="was deleted"):
            call()
    assert store.sessions().sessions == ()
    assert not site.head().exists()
    assert not site.log().exists()
    assert store.delete("one", at=at(session), reason=None) is None
    assert store.verify().ok


def test_a_repeated_deletion_gets_the_same_answer(site: Site, store: Store) -> None:
    session = begun(store)
    request = fresh()
    first = store.delete("one", at=at(session), reason="why", request=request)
    again = site.store().delete("one", at=at(session), reason="why", request=request)
    assert first is not None
    assert again is not None
    assert (again.session, again.event, again.seq, again.replayed) == (first.session, first.event, 2, True)
    assert store.delete("one", at=at(session), reason="why", request=fresh()) is None


def test_a_deleted_id_is_never_used_again(site: Site, store: Store) -> None:
    store.delete("one", at=at(begun(store)), reason=None)
    with pytest.raises(ConflictError, match="taken"):
        begun(store)
    for path in (site.head(place="trash"), site.log(place="trash")):
        path.unlink()
    with pytest.raises(ConflictError, match="taken"):
        begun(store)
    with pytest.raises(NotFoundError, match="was deleted"):
        store.read("one")
    assert store.verify().ok


def test_an_old_head_put_back_after_the_deletion_is_tampering(site: Site, store: Store) -> None:
    session = begun(store)
    head, log = site.head().read_bytes(), site.log().read_bytes()
    store.delete("one", at=at(session), reason=None)
    site.head().write_bytes(head)
    site.log().write_bytes(log)
    with pytest.raises(CorruptStateError, match="an older one"):
        store.read("one")


def test_a_session_comes_back_as_it_was(site: Site, store: Store) -> None:
    session = store.update("one", toggling).session if begun(store) else None
    assert session is not None
    store.delete("one", at=at(session), reason=None)
    back = store.undelete("one", at=at(session))
    assert back == session.model_copy(update={"version": 4, "last_updated": back.last_updated})
    assert site.store().read("one") == back
    assert [record.event.type for record in store.events("one")][-2:] == ["session_deleted", "session_undeleted"]
    assert store.update("one", toggling).session.version == 5
    assert store.verify().ok
    store.delete("one", at=at(back), reason="again")
    assert store.sessions().sessions == ()


def test_bringing_back_what_is_there_changes_nothing(site: Site, store: Store) -> None:
    session = begun(store)
    before = site.contents()
    assert store.undelete("one", at=at(session)) == session
    assert site.contents() == before


@pytest.mark.parametrize("moved", ["nothing", "log"])
def test_a_deletion_that_died_on_the_way_is_finished_by_the_next_one(site: Site, store: Store, moved: str) -> None:
    session = begun(store)
    request = fresh()
    store.delete("one", at=at(session), reason=None, request=request)
    site.head(place="trash").rename(site.head())
    if moved == "nothing":
        site.log(place="trash").rename(site.log())
    with pytest.raises(NotFoundError, match="was deleted"):
        store.read("one")
    assert store.sessions().sessions == ()
    assert store.sessions().corrupt == ()
    again = store.delete("one", at=at(session), reason=None, request=request)
    assert again is not None
    assert again.replayed
    assert site.head(place="trash").exists()
    assert site.log(place="trash").exists()
    assert not site.head().exists()


@pytest.mark.parametrize("moved", ["nothing", "log"])
def test_a_return_that_died_on_the_way_is_finished_by_the_next_one(site: Site, store: Store, moved: str) -> None:
    session = begun(store)
    store.delete("one", at=at(session), reason=None)
    back = store.undelete("one", at=at(session))
    site.head().rename(site.head(place="trash"))
    if moved == "nothing":
        site.log().rename(site.log(place="trash"))
    assert store.read("one") == back
    assert len(store.events("one")) == 3
    assert store.update("one", toggling).session.version == 4
    assert site.head().exists()
    assert site.log().exists()
    assert not site.head(place="trash").exists()
