"""A store that is removed as a whole, its own id with it, is missed: the user's folder knows what was kept there."""

from __future__ import annotations

import shutil

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.errors import NotFoundError
from mcp_server.storage.backup import Backups
from mcp_server.storage.restore import opened_restore
from mcp_server.storage.salvage import Salvage
from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, Site, begun, parts, toggling

pytestmark = pytest.mark.integration

GONE = "tampered: its files are gone with the store that held them, though it was not deleted"


@pytest.fixture
def removed(site: Site, store: Store) -> Site:
    begun(store)
    begun(store, "two")
    begun(store, "old")
    store.delete("old", at=BEGIN, reason=None)
    site.save("saved")
    shutil.rmtree(site.root)
    return site


def missing(store: Store) -> list[tuple[str, str]]:
    listed = [(one.session_id, one.finding) for one in store.sessions().corrupt]
    assert [(one.session_id, one.finding) for one in store.verify().corrupt] == listed
    return listed


@pytest.mark.parametrize("anew", [False, True], ids=["no store since", "another store since"])
def test_sessions_of_a_store_that_was_removed_are_named(removed: Site, *, anew: bool) -> None:
    store = removed.store()
    if anew:
        begun(store, "three")
        store = removed.store()
    assert missing(store) == [("one", GONE), ("two", GONE)]
    assert [one.session_id for one in store.sessions().sessions] == ["three"] * anew
    assert not store.verify().ok
    with pytest.raises(NotFoundError, match="are gone, though it was never deleted"):
        store.read("one")
    with pytest.raises(NotFoundError, match="There is no session old"):
        store.read("old")
    verdict = Salvage(parts(store)).explain("one")
    assert verdict is not None
    assert "the store that held it is gone" in verdict.says


def test_a_store_that_is_put_back_is_as_it_was(removed: Site) -> None:
    removed.restore("saved")
    store = removed.store()
    assert missing(store) == []
    assert store.update("one", toggling).session.version == 2


@pytest.mark.parametrize("anew", [False, True], ids=["no store since", "another store since"])
def test_a_person_accepts_that_a_store_is_gone_for_good(removed: Site, *, anew: bool) -> None:
    if anew:
        begun(removed.store(), "three")
    removed.store().accept_all(at=BEGIN)
    for store in (removed.store(), removed.store()):
        assert missing(store) == []
        assert store.verify().ok
        with pytest.raises(NotFoundError, match="There is no session one"):
            store.read("one")
    begun(removed.store(), "four")
    assert missing(removed.store()) == []


def test_a_backup_brings_back_what_went_with_the_store(site: Site, store: Store) -> None:
    begun(store)
    archive = Backups(parts(store)).make(site.folder, at=BEGIN)
    shutil.rmtree(site.root)
    again = site.store()
    with opened_restore(parts(again), archive.path) as restore:
        restore.run(at=BEGIN, authority=Authority())
    assert missing(site.store()) == []
    assert again.read("one").session_id == "one"


def test_a_store_that_was_sealed_before_its_folder_was_known_becomes_so_with_its_next_change(
    site: Site, store: Store
) -> None:
    begun(store)
    shutil.rmtree(site.user.data / "places")
    site.store().update("one", toggling)
    shutil.rmtree(site.root)
    assert missing(site.store()) == [("one", GONE)]


def test_a_store_elsewhere_is_not_missed_here(removed: Site) -> None:
    elsewhere = Store(removed.folder / "other" / "state", removed.user)
    begun(elsewhere, "three")
    assert missing(elsewhere) == []
    assert elsewhere.verify().ok
