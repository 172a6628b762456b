"""The key and the anchors in the user's own folder: what is sealed, what cannot be, and whose key it was."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_server.errors import ConfigurationError, CorruptStateError
from mcp_server.storage.keys import Key, UserFolders
from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, Site, begun, completing, parts, toggling
from tests.storage.tampering import edit_by_hand

pytestmark = pytest.mark.integration


def test_a_store_with_another_users_key_is_foreign_until_it_is_adopted(site: Site, store: Store) -> None:
    begun(store)
    begun(store, "two")
    store.delete("two", at=BEGIN, reason=None)
    other = UserFolders(site.folder / "other" / "config", site.folder / "other" / "data")
    adopted = Store(site.root, other)
    begun(adopted, "three")
    with pytest.raises(CorruptStateError, match="foreign"):
        adopted.read("one")
    assert [corrupt.session_id for corrupt in adopted.sessions().corrupt] == ["one"]
    listed = adopted.accept_all(at=BEGIN)
    assert [session.session_id for session in listed.sessions] == ["one", "two"]
    assert listed.corrupt == ()
    assert adopted.read("one").version == 2
    assert [session.session_id for session in adopted.sessions().sessions] == ["one", "three"]
    assert adopted.verify().ok
    with pytest.raises(CorruptStateError, match="foreign"):
        site.store().read("one")


@pytest.mark.parametrize("where", ["file", "/proc/nonexist", "loop", "n" * 300])
def test_where_the_users_folder_cannot_be_written_sessions_go_on_unsealed_and_marked(site: Site, where: str) -> None:
    (site.folder / "file").write_bytes(b"")
    (site.folder / "loop").symlink_to("loop")
    user = site.folder / where
    store = Store(site.root, UserFolders(user / "config", user / "data"))
    begun(store)
    assert store.update("one", toggling).session.version == 2
    assert site.head().read_bytes().endswith(b'"seal": "unsealed"\n}\n')
    assert [notice for notice in store.notices if "not sealed" in notice]
    assert store.verify().ok
    edit_by_hand(site)
    with pytest.raises(CorruptStateError, match="torn"):
        store.read("one")


def test_an_unsealed_session_is_not_believed_by_a_user_who_has_a_key(site: Site, store: Store) -> None:
    (site.folder / "file").write_bytes(b"")
    closed = Store(site.root, UserFolders(site.folder / "file" / "config", site.folder / "file" / "data"))
    begun(closed)
    assert store.read("one").version == 1
    begun(store, "two")
    with pytest.raises(CorruptStateError, match="not sealed, though it could have been"):
        store.read("one")
    assert [session.session_id for session in store.accept_all(at=BEGIN).sessions] == ["one"]
    assert store.verify().ok


@pytest.mark.parametrize("where", ["file", "/proc/nonexist"])
def test_a_key_without_a_place_for_anchors_seals_and_says_what_is_missing(site: Site, store: Store, where: str) -> None:
    begun(store)
    (site.folder / "file").write_bytes(b"")
    half = Store(site.root, UserFolders(site.user.config, site.folder / where / "data"))
    assert half.update("one", toggling).session.version == 2
    assert [notice for notice in half.notices if "put back" in notice]
    assert store.read("one").version == 2


def test_a_damaged_key_is_for_a_person_to_mend(site: Site, store: Store) -> None:
    begun(store)
    (site.user.config / "seal-key.json").write_bytes(b"{}")
    with pytest.raises(ConfigurationError, match="key that seals"):
        site.store().read("one")


def test_one_key_is_made_however_many_ask_at_once(site: Site) -> None:
    barrier = threading.Barrier(8)

    def ask(_: int) -> Key | None:
        guard = parts(site.store()).guard
        barrier.wait()
        return guard.key_to_seal()

    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(ask, range(8)))
    assert keys[0] is not None
    assert {key and key.id for key in keys} == {keys[0].id}
    assert (site.user.config / "seal-key.json").stat().st_mode & 0o777 == 0o600


def test_moving_the_project_keeps_its_sessions_usable(site: Site, store: Store, tmp_path: Path) -> None:
    begun(store)
    site.root.rename(tmp_path / "moved")
    moved = Store(tmp_path / "moved", site.user)
    assert moved.update("one", completing()).session.version == 2
    assert moved.verify().ok
